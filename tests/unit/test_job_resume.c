/* Processes that die in the middle of a job: at each line that they log, so that every stage is
 * met. */
#include "unit.h"

#include "conf/load_config.h"
#include "lake/lake.h"
#include "meta/job.h"
#include "meta/job_plan.h"
#include "run/run.h"
#include "temp_folder.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 3

static char home[300], data[300];
static struct pen_arena arena;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_data(const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", data, name);
    write_file(path, text);
}

static void make_fresh(void)
{
    static int number;
    snprintf(home, sizeof home, "%s/home%d", temp_folder, ++number);
    snprintf(data, sizeof data, "%s/data%d", temp_folder, number);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(mkdir(data, 0700), 0);
    write_data("a.csv", "id,name\n1,a\n2,b\nx1,c\n");
    write_data("b.csv", "id,name\n3,a\ny1,b\ny2,c\n");
    write_data("c.csv", "id,name\n4,a\n5,b\n6,c\nz1\n");
}

static int set_up(void **state)
{
    (void)state;
    arena = PEN_ARENA((size_t)256 << 20);
    make_fresh();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    return 0;
}

/* --- one process ------------------------------------------------------------------------------ */

/* Each file is a task of its own. */
static struct pen_run_env env_with(const char *in_words, const char *out_words)
{
    char text[1000];
    struct pen_node *document = NULL, *config = NULL;
    struct pen_bind bind = {.file = "load.yml", .arena = &arena};
    snprintf(text, sizeof text,
             "in:\n  type: file\n  path_prefix: '%s/'\n%s  parser:\n    type: csv\n"
             "    skip_header_lines: 1\n    columns:\n"
             "    - {name: id, type: long}\n    - {name: name, type: string}\n"
             "exec: {task_bytes: 1, max_threads: 1}\n%s",
             data, in_words, out_words);
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &document, err));
    assert_ok(pen_config_normalize(document, &bind, &config, err));
    return (struct pen_run_env){.home = home, .config = config, .bind = bind};
}

static const struct pen_submit_options into_events = {
    .database = "sample_db", .table = "events", .auto_create_table = true};

static int64_t submit(void)
{
    struct pen_run_env env = env_with("", "");
    int64_t job_id = 0;
    assert_ok(pen_run_submit(&env, &into_events, &job_id, err));
    return job_id;
}

/* What a process is to do when it logs its n-th line, or a line with a word. */
struct trap {
    _Atomic int lines_left;
    const char *word;
    volatile int *cancel; /* NULL: it dies */
};

static void on_log(void *context, const char *level, const char *text)
{
    (void)level;
    struct trap *trap = context;
    bool is_sprung = trap->word != NULL ? strstr(text, trap->word) != NULL
                                        : atomic_fetch_sub(&trap->lines_left, 1) == 1;
    if (!is_sprung)
        return;
    if (trap->cancel != NULL)
        *trap->cancel = 1;
    else
        (void)raise(SIGKILL);
}

/* Runs a job in a process that falls into the trap. Returns whether it died there. */
static bool die_in(struct trap trap, int64_t job_id)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct pen_run_env env = {.home = home, .log = on_log, .log_context = &trap};
        struct pen_execute_options options = {.job_id = job_id};
        struct pen_run_result result;
        _exit(pen_run_execute(&env, &options, &result, NULL) == PEN_OK ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(status, 0);
    return WIFSIGNALED(status);
}

static void recover(void)
{
    struct pen_run_env env = {.home = home};
    assert_ok(pen_run_recover(&env, err));
}

static struct pen_run_result execute(int64_t job_id)
{
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result;
    assert_ok(pen_run_execute(&env, &options, &result, err));
    return result;
}

/* --- what is there ---------------------------------------------------------------------------- */

static struct pen_lake *open_lake(void)
{
    struct pen_lake *lake = NULL;
    assert_ok(pen_lake_open(home, PEN_DB_WRITE, &lake, err));
    return lake;
}

static struct pen_job get(int64_t job_id)
{
    struct pen_lake *lake = open_lake();
    struct pen_job job;
    assert_ok(pen_job_get(pen_lake_db(lake), job_id, &arena, &job, err));
    pen_lake_close(lake);
    return job;
}

static int64_t number(const char *sql)
{
    struct pen_lake *lake = open_lake();
    int64_t value = -1;
    bool is_found = false;
    assert_ok(pen_db_query_int(pen_lake_db(lake), &value, &is_found, err, sql, ""));
    pen_lake_close(lake);
    return value;
}

static int64_t count_files(const char *folder)
{
    int64_t count = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[1000];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count += entry->d_type == DT_DIR ? count_files(path) : 1;
    }
    closedir(dir);
    return count;
}

static int64_t files_in_lake(void)
{
    char folder[400];
    snprintf(folder, sizeof folder, "%s/lake", home);
    return count_files(folder);
}

static struct pen_slice read_job_file(int64_t job_id, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/jobs/%lld/%s", home, (long long)job_id, name);
    struct pen_buf text = PEN_BUF((size_t)64 << 20);
    assert_ok(pen_buf_read_file(&text, path, err));
    char *copy = pen_arena_copy(&arena, pen_buf_slice(&text));
    struct pen_slice slice = pen_slice(copy, text.len);
    pen_buf_release(&text);
    return slice;
}

static int occurrences(struct pen_slice text, const char *word)
{
    int count = 0;
    for (const char *at = text.ptr; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

/* The rejects of all three files, in the order of the files, each once. */
static void check_rejects(int64_t job_id)
{
    static const char *const raws[] = {"x1,c", "y1,b", "y2,c", "z1"};
    struct pen_slice text = read_job_file(job_id, "rejects.jsonl");
    const char *at = text.ptr;
    for (size_t i = 0; i < 4; i++) {
        char member[40];
        snprintf(member, sizeof member, "\"raw\":\"%s\"", raws[i]);
        assert_int_equal(occurrences(text, member), 1);
        const char *found = strstr(text.ptr, member);
        assert_true(found >= at);
        at = found;
    }
    assert_int_equal(occurrences(text, "\n"), 4);
}

/* All that must hold after the job of the three files, however often its processes died. */
static void check_loaded(int64_t job_id)
{
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_SUCCESS);
    assert_int_equal(job.counts.records, 6);
    assert_int_equal(job.counts.rejected, 4);
    assert_int_equal(job.counts.objects, FILES);
    assert_int_equal(job.counts.bytes, 21 + 22 + 23);
    assert_int_equal(number("SELECT sum(record_count) FROM ducklake_data_file"), 6);
    assert_int_equal(number("SELECT count(*) FROM ducklake_data_file"), FILES);
    assert_int_equal(number("SELECT count(*) FROM ledger"), FILES);
    assert_int_equal(number("SELECT sum(rejected) FROM ledger"), 4);
    assert_int_equal(number("SELECT count(*) FROM job_task"), 0);
    assert_int_equal(number("SELECT count(*) FROM job_part"), 0);
    assert_int_equal(number("SELECT count(*) FROM job_part_column"), 0);
    assert_int_equal(files_in_lake(), FILES);
    check_rejects(job_id);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void job_killed_at_any_line_goes_on_and_loads_each_record_once(void **state)
{
    (void)state;
    int kept = 0, lines = 1;
    for (;; lines++) {
        make_fresh();
        int64_t job_id = submit();
        if (!die_in((struct trap){.lines_left = lines}, job_id))
            break;
        recover();
        if (get(job_id).status == PEN_JOB_SUCCESS) { /* it died behind its commit */
            check_loaded(job_id);
            continue;
        }
        assert_int_equal(get(job_id).status, PEN_JOB_QUEUED);
        struct pen_slice log = read_job_file(job_id, "engine.log");
        int done = occurrences(log, " done: 1 objects");
        kept += done;
        struct pen_run_result result = execute(job_id);
        assert_true(result.is_resumed);
        assert_int_equal(result.parts, FILES);
        uint64_t rejected = 0;
        for (size_t i = 0; i < result.reject_count; i++)
            rejected += result.reject_counts[i].records;
        assert_int_equal(rejected, 4);
        check_loaded(job_id);
        assert_int_equal(get(job_id).attempt, 2);
        /* a task that was done is not done again */
        log = read_job_file(job_id, "engine.log");
        assert_int_equal(occurrences(log, " done: 1 objects"), FILES);
    }
    assert_true(lines > 6);
    assert_true(kept > 3); /* the trap was sprung behind first, second and third tasks */
    check_loaded(1);
}

static void objects_that_appear_after_a_crash_are_not_part_of_the_job(void **state)
{
    (void)state;
    int64_t job_id = submit();
    assert_true(die_in((struct trap){.word = "task 0 done"}, job_id));
    write_data("a0.csv", "id,name\n100,new\n");
    write_data("d.csv", "id,name\n101,new\n");
    recover();
    execute(job_id);
    check_loaded(job_id);
}

static void object_that_changed_since_the_crash_fails_the_job(void **state)
{
    (void)state;
    int64_t job_id = submit();
    assert_true(die_in((struct trap){.word = "task 0 done"}, job_id));
    write_data("c.csv", "id,name\n100,new\n101,new\n102,new\n");
    recover();
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result;
    assert_int_equal(pen_run_execute(&env, &options, &result, NULL), PEN_ERR_CONFLICT);
    assert_int_equal(get(job_id).status, PEN_JOB_ERROR);
    assert_int_equal(number("SELECT count(*) FROM ducklake_data_file"), 0);
    assert_int_equal(files_in_lake(), 0);
}

/* The file that lost its end with the power: what is there is kept, whole lines only. */
static void rejects_file_that_lost_its_end_is_cut_at_a_line(void **state)
{
    (void)state;
    char path[400];
    int64_t job_id = submit();
    assert_true(die_in((struct trap){.word = "task 1 done"}, job_id));
    snprintf(path, sizeof path, "%s/jobs/%lld/rejects.jsonl", home, (long long)job_id);
    struct pen_slice before = read_job_file(job_id, "rejects.jsonl");
    assert_int_equal(occurrences(before, "\n"), 3);
    assert_int_equal(truncate(path, (off_t)before.len - 5), 0);
    recover();
    struct pen_run_result result = execute(job_id);
    struct pen_slice after = read_job_file(job_id, "rejects.jsonl");
    assert_int_equal(result.counts.rejected, 4);
    assert_int_equal(occurrences(after, "\n"), 3); /* two of three, and the one of the last task */
    assert_int_equal(occurrences(after, "{\"object\""), 3);
}

static void finished_tasks_are_done_again_when_the_table_changed(void **state)
{
    (void)state;
    int64_t job_id = submit(), other = 0;
    assert_true(die_in((struct trap){.word = "task 1 done"}, job_id));
    /* another load makes the table, with one column more */
    struct pen_run_env env =
        env_with("  path_match_pattern: a.csv\n",
                 "filters:\n- {type: add_columns, add_columns: [{name: extra, type: long, default: "
                 "1}]}\n");
    assert_ok(pen_run_submit(&env, &into_events, &other, err));
    execute(other);
    recover();
    execute(job_id);
    assert_int_equal(get(job_id).counts.records, 6);
    assert_int_equal(number("SELECT sum(record_count) FROM ducklake_data_file"), 2 + 6);
    assert_int_equal(number("SELECT count(*) FROM job_part"), 0);
    assert_int_equal(files_in_lake(), 1 + FILES);
    check_rejects(job_id);
    struct pen_slice log = read_job_file(job_id, "engine.log");
    assert_int_equal(occurrences(log, "the table changed since the job was begun"), 1);
    assert_int_equal(occurrences(log, " done: 1 objects"), 2 + FILES);
}

static void job_that_always_kills_its_process_ends_as_error(void **state)
{
    (void)state;
    int64_t job_id = submit();
    for (int attempt = 1; attempt <= 3; attempt++) {
        assert_int_equal(get(job_id).status, PEN_JOB_QUEUED);
        assert_true(die_in((struct trap){.word = "loading 3 objects"}, job_id));
        recover();
    }
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_ERROR);
    assert_non_null(strstr(job.error, "is gone"));
    assert_non_null(strstr(job.error, "at attempt 3"));
    assert_int_equal(job.sealed_config.len, 0);
    assert_int_equal(number("SELECT count(*) FROM job_task"), 0);
    assert_int_equal(files_in_lake(), 0);
}

static void process_that_must_stop_gives_its_job_back(void **state)
{
    (void)state;
    int64_t job_id = submit();
    volatile int cancel = 0;
    struct trap trap = {.word = "task 0 done", .cancel = &cancel};
    struct pen_run_env env = {.home = home, .cancel = &cancel, .log = on_log, .log_context = &trap};
    struct pen_execute_options options = {.job_id = job_id, .is_given_back = true};
    struct pen_run_result result;
    assert_int_equal(pen_run_execute(&env, &options, &result, NULL), PEN_ERR_CANCELLED);
    assert_int_equal(result.status, PEN_JOB_QUEUED);
    assert_int_equal(get(job_id).status, PEN_JOB_QUEUED);
    assert_int_equal(get(job_id).attempt, 0);
    assert_true(number("SELECT count(*) FROM job_task WHERE status = 'done'") > 0);
    assert_int_equal(execute(0).job_id, job_id);
    check_loaded(job_id);
}

static void cancelled_job_is_killed_when_it_is_not_given_back(void **state)
{
    (void)state;
    int64_t job_id = submit();
    volatile int cancel = 0;
    struct trap trap = {.word = "task 0 done", .cancel = &cancel};
    struct pen_run_env env = {.home = home, .cancel = &cancel, .log = on_log, .log_context = &trap};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result;
    assert_int_equal(pen_run_execute(&env, &options, &result, NULL), PEN_ERR_CANCELLED);
    assert_int_equal(get(job_id).status, PEN_JOB_KILLED);
    assert_int_equal(files_in_lake(), 0);
}

static struct pen_run_result issue(const char *out_words)
{
    struct pen_run_env env = env_with("", out_words);
    struct pen_execute_options options = {.job_id = 0};
    struct pen_run_result result;
    assert_ok(pen_run_issue(&env, &into_events, &options, &result, err));
    return result;
}

static void same_load_issued_again_after_a_crash_goes_on_with_its_job(void **state)
{
    (void)state;
    int64_t job_id = submit();
    assert_true(die_in((struct trap){.word = "task 1 done"}, job_id));
    struct pen_run_result result = issue("");
    assert_int_equal(result.job_id, job_id);
    assert_true(result.is_resumed);
    check_loaded(job_id);
    /* and once more it is a load of its own */
    assert_int_equal(issue("").job_id, job_id + 1);
}

/* A relative path means other files in another folder. */
static void same_words_in_another_folder_are_another_load(void **state)
{
    (void)state;
    char *former = realpath(".", NULL);
    struct pen_run_unfinished *list = NULL;
    size_t count = 0;
    int64_t job_id = submit();
    assert_true(die_in((struct trap){.word = "task 1 done"}, job_id));
    recover();
    struct pen_run_env env = env_with("", "");
    assert_int_equal(chdir("/"), 0);
    enum pen_code code = pen_run_unfinished(&env, &into_events, &arena, &list, &count, NULL);
    assert_int_equal(chdir(former), 0);
    free(former);
    assert_int_equal(code, PEN_OK);
    assert_int_equal(count, 1);
    assert_ok(pen_run_unfinished(&env, &into_events, &arena, &list, &count, err));
    assert_int_equal(count, 0);
}

static void other_load_issued_after_a_crash_leaves_the_job_to_its_caller(void **state)
{
    (void)state;
    int64_t job_id = submit();
    assert_true(die_in((struct trap){.word = "task 1 done"}, job_id));
    struct pen_run_result result = issue("filters: [{type: rename, columns: {name: title}}]\n");
    assert_int_equal(result.job_id, job_id + 1);
    assert_false(result.is_resumed);
    assert_int_equal(get(job_id).status, PEN_JOB_QUEUED);
    struct pen_run_env env = env_with("", "");
    struct pen_run_unfinished *list = NULL;
    size_t count = 0;
    assert_ok(pen_run_unfinished(&env, NULL, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].job_id, job_id);
    assert_string_equal(list[0].table, "events");
    assert_int_equal(list[0].tasks_done, 2);
    assert_int_equal(list[0].task_count, FILES);
    /* what an issue of the same would go on with is left out */
    assert_ok(pen_run_unfinished(&env, &into_events, &arena, &list, &count, err));
    assert_int_equal(count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(job_killed_at_any_line_goes_on_and_loads_each_record_once),
        TEST(objects_that_appear_after_a_crash_are_not_part_of_the_job),
        TEST(object_that_changed_since_the_crash_fails_the_job),
        TEST(rejects_file_that_lost_its_end_is_cut_at_a_line),
        TEST(finished_tasks_are_done_again_when_the_table_changed),
        TEST(job_that_always_kills_its_process_ends_as_error),
        TEST(process_that_must_stop_gives_its_job_back),
        TEST(cancelled_job_is_killed_when_it_is_not_given_back),
        TEST(same_load_issued_again_after_a_crash_goes_on_with_its_job),
        TEST(same_words_in_another_folder_are_another_load),
        TEST(other_load_issued_after_a_crash_leaves_the_job_to_its_caller),
    };
    return cmocka_run_group_tests_name("job_resume", tests, temp_folder_make, temp_folder_remove);
}
