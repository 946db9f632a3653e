#include "unit.h"

#include "conf/load_config.h"
#include "lake/lake.h"
#include "meta/job.h"
#include "run/run.h"
#include "temp_folder.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "hunter2-hunter2"

static char home[300], data[300];
static struct pen_arena arena;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_home(void **state)
{
    static int number;
    (void)state;
    snprintf(home, sizeof home, "%s/home%d", temp_folder, ++number);
    snprintf(data, sizeof data, "%s/data%d.csv", temp_folder, number);
    arena = PEN_ARENA((size_t)64 << 20);
    write_file(data, "id,name\n1,a\n2,b\nx,c\n");
    return mkdir(home, 0700);
}

static int remove_home(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    return 0;
}

/* NO as a text and 007 as a text: what a configuration kept as JSON would change. */
static struct pen_run_env env_of(const char *path_prefix)
{
    char text[1000];
    struct pen_node *document = NULL, *config = NULL;
    struct pen_bind bind = {.file = "load.yml", .arena = &arena};
    snprintf(text, sizeof text,
             "in:\n  type: file\n  path_prefix: '%s'\n  parser:\n    type: csv\n"
             "    skip_header_lines: 1\n    null_string: NO\n    columns:\n"
             "    - {name: id, type: long}\n    - {name: name, type: string}\n"
             "filters:\n- {type: digest, columns: [{name: name, salt: " SECRET "}]}\n"
             "- {type: add_columns, add_columns: [{name: code, type: string, default: 007}]}\n",
             path_prefix);
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &document, err));
    assert_ok(pen_config_normalize(document, &bind, &config, err));
    return (struct pen_run_env){.home = home, .config = config, .bind = bind};
}

static const struct pen_submit_options into_events = {
    .database = "sample_db", .table = "events", .auto_create_table = true};

static int64_t submit(void)
{
    struct pen_run_env env = env_of(data);
    int64_t job_id = 0;
    assert_ok(pen_run_submit(&env, &into_events, &job_id, err));
    return job_id;
}

static struct pen_run_result execute(int64_t job_id)
{
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result;
    assert_ok(pen_run_execute(&env, &options, &result, err));
    return result;
}

static struct pen_job get(int64_t job_id)
{
    struct pen_lake *lake = NULL;
    struct pen_job job;
    assert_ok(pen_lake_open(home, PEN_DB_WRITE, &lake, err));
    assert_ok(pen_job_get(pen_lake_db(lake), job_id, &arena, &job, err));
    pen_lake_close(lake);
    return job;
}

static bool home_has(const char *name, const char *needle)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", home, name);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF((size_t)64 << 20);
    if (access(path, F_OK) != 0)
        return false;
    assert_ok(pen_buf_read_file(&text, path, err));
    return memmem(text.ptr, text.len, needle, strlen(needle)) != NULL;
}

static void submitted_job_waits_with_its_secrets_sealed(void **state)
{
    (void)state;
    int64_t job_id = submit();
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_QUEUED);
    assert_int_equal(job.attempt, 0);
    assert_string_equal(job.database, "sample_db");
    char words[600], *cwd = realpath(".", NULL);
    snprintf(words, sizeof words, "{\"auto_create_table\":true,\"folder\":\"%s\"}", cwd);
    free(cwd);
    assert_string_equal(job.options, words);
    assert_non_null(strstr(job.config, "\"salt\":\"***\""));
    assert_true(job.sealed_config.len > 100);
    assert_false(home_has("catalog.sqlite", SECRET));
    assert_false(home_has("catalog.sqlite-wal", SECRET));
    /* nothing else happened: no database, no folder */
    assert_false(home_has("jobs/1/engine.log", ""));
}

static void execute_runs_the_job_with_its_own_configuration(void **state)
{
    (void)state;
    int64_t job_id = submit();
    struct pen_run_result result = execute(job_id);
    assert_int_equal(result.job_id, job_id);
    assert_int_equal(result.status, PEN_JOB_SUCCESS);
    assert_int_equal(result.counts.records, 2);
    assert_int_equal(result.counts.rejected, 1);
    assert_true(result.is_table_created);
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_SUCCESS);
    assert_int_equal(job.attempt, 1);
    assert_int_equal(job.counts.records, 2);
    assert_int_equal(job.sealed_config.len, 0);
    assert_true(home_has("jobs/1/engine.log", "committed snapshot"));
    assert_false(home_has("jobs/1/engine.log", SECRET));
}

/* Relative paths begin where the job was made, wherever it runs. */
static void job_with_a_relative_path_runs_in_any_folder(void **state)
{
    (void)state;
    char *former = realpath(".", NULL);
    assert_int_equal(chdir(temp_folder), 0);
    struct pen_run_env env = env_of(strrchr(data, '/') + 1);
    int64_t job_id = 0;
    assert_ok(pen_run_submit(&env, &into_events, &job_id, err));
    assert_int_equal(chdir("/"), 0);
    struct pen_run_result result = execute(job_id);
    assert_int_equal(chdir(former), 0);
    free(former);
    assert_int_equal(result.status, PEN_JOB_SUCCESS);
    assert_int_equal(result.counts.records, 2);
}

static void execute_of_no_job_takes_the_next_until_there_is_none(void **state)
{
    (void)state;
    int64_t first = submit(), second = submit();
    assert_int_equal(execute(0).job_id, first);
    assert_int_equal(execute(0).job_id, second);
    struct pen_run_result none = execute(0);
    assert_int_equal(none.job_id, 0);
    assert_int_equal(none.snapshot_id, -1);
}

static void job_that_is_not_queued_is_refused(void **state)
{
    (void)state;
    int64_t job_id = submit();
    execute(job_id);
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result;
    struct pen_error err = {0};
    assert_int_equal(pen_run_execute(&env, &options, &result, &err), PEN_ERR_CONFLICT);
    assert_string_equal(err.message, "job 1 cannot be claimed: it is success");
    assert_int_equal(result.job_id, 0);
}

static void wrong_words_make_no_job(void **state)
{
    (void)state;
    struct pen_run_env env = env_of(data);
    struct pen_submit_options options = into_events;
    int64_t job_id = 0;
    options.auto_create_table = false;
    assert_int_equal(pen_run_submit(&env, &options, &job_id, NULL), PEN_ERR_NOT_FOUND);
    options = into_events;
    options.time_column = "nowhere";
    assert_int_equal(pen_run_submit(&env, &options, &job_id, NULL), PEN_ERR_CONFIG);
    assert_int_equal(job_id, 0);
    assert_int_equal(submit(), 1);
}

static void domain_key_is_used_once(void **state)
{
    (void)state;
    struct pen_run_env env = env_of(data);
    struct pen_submit_options options = into_events;
    struct pen_error err = {0};
    int64_t job_id = 0, other = 0;
    options.domain_key = "2026-01-01";
    options.priority = 2;
    options.schedule = "daily";
    options.scheduled_us = 77;
    assert_int_equal(pen_run_submit(&env, &options, &job_id, NULL), PEN_OK);
    assert_int_equal(pen_run_submit(&env, &options, &other, &err), PEN_ERR_CONFLICT);
    assert_string_equal(err.message, "conflicts_with job:1");
    assert_int_equal(other, 0);
    struct pen_job job = get(job_id);
    assert_string_equal(job.domain_key, "2026-01-01");
    assert_string_equal(job.schedule, "daily");
    assert_int_equal(job.scheduled_us, 77);
    assert_int_equal(job.priority, 2);
}

/* The job exists already: what is wrong now is its end, with the reason, and not the caller's. */
static void job_whose_key_was_lost_ends_as_error(void **state)
{
    (void)state;
    char key[320];
    int64_t job_id = submit();
    snprintf(key, sizeof key, "%s/secret.key", home);
    assert_int_equal(unlink(key), 0);
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result;
    assert_int_equal(pen_run_execute(&env, &options, &result, NULL), PEN_ERR_CORRUPT);
    assert_int_equal(result.status, PEN_JOB_ERROR);
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_ERROR);
    assert_non_null(strstr(job.error, "secret.key"));
    assert_true(home_has("jobs/1/output.log", "secret.key"));
}

static void killed_job_keeps_no_secrets(void **state)
{
    (void)state;
    int64_t job_id = submit();
    struct pen_lake *lake = NULL;
    enum pen_job_status former;
    assert_ok(pen_lake_open(home, PEN_DB_WRITE, &lake, err));
    assert_ok(pen_job_kill(pen_lake_db(lake), job_id, 1, &former, err));
    pen_lake_close(lake);
    assert_int_equal(get(job_id).status, PEN_JOB_KILLED);
    assert_int_equal(get(job_id).sealed_config.len, 0);
    assert_int_equal(execute(0).job_id, 0);
}

enum { JOBS = 12, WORKERS = 4 };

struct worker {
    pthread_t thread;
    int64_t ran[JOBS + 1];
    size_t count;
    bool is_failed;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.max_threads = 1};
    for (;;) {
        struct pen_run_result result;
        if (pen_run_execute(&env, &options, &result, NULL) != PEN_OK || worker->count == JOBS) {
            worker->is_failed = true;
            return NULL;
        }
        if (result.job_id == 0)
            return NULL;
        worker->ran[worker->count++] = result.job_id;
    }
}

static void several_workers_of_one_process_run_each_job_once(void **state)
{
    (void)state;
    struct worker workers[WORKERS] = {{.count = 0}};
    bool is_run[JOBS + 1] = {false};
    for (int i = 0; i < JOBS; i++)
        submit();
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_false(workers[i].is_failed);
        for (size_t j = 0; j < workers[i].count; j++) {
            assert_false(is_run[workers[i].ran[j]]);
            is_run[workers[i].ran[j]] = true;
        }
    }
    for (int64_t id = 1; id <= JOBS; id++) {
        assert_true(is_run[id]);
        assert_int_equal(get(id).status, PEN_JOB_SUCCESS);
        assert_int_equal(get(id).counts.records, 2);
    }
}

static void issue_is_a_job_that_only_its_caller_runs(void **state)
{
    (void)state;
    struct pen_run_env env = env_of(data);
    struct pen_execute_options options = {.job_id = 99};
    struct pen_run_result result;
    int64_t waiting = submit();
    assert_ok(pen_run_issue(&env, &into_events, &options, &result, err));
    assert_int_equal(result.job_id, waiting + 1);
    assert_int_equal(result.status, PEN_JOB_SUCCESS);
    assert_int_equal(get(waiting).status, PEN_JOB_QUEUED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(submitted_job_waits_with_its_secrets_sealed),
        TEST(execute_runs_the_job_with_its_own_configuration),
        TEST(job_with_a_relative_path_runs_in_any_folder),
        TEST(execute_of_no_job_takes_the_next_until_there_is_none),
        TEST(job_that_is_not_queued_is_refused),
        TEST(wrong_words_make_no_job),
        TEST(domain_key_is_used_once),
        TEST(job_whose_key_was_lost_ends_as_error),
        TEST(killed_job_keeps_no_secrets),
        TEST(several_workers_of_one_process_run_each_job_once),
        TEST(issue_is_a_job_that_only_its_caller_runs),
    };
    return cmocka_run_group_tests_name("job_execute", tests, temp_folder_make, temp_folder_remove);
}
