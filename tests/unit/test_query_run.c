#include "unit.h"

#include "base/msgpack.h"
#include "lake/lake.h"
#include "meta/job.h"
#include "run/query_run.h"
#include "run/run.h"
#include "temp_folder.h"

#include <pthread.h>
#include <unistd.h>

static struct pen_lake *lake;
static struct pen_arena arena;
static const char *home;

static int open_home(void **state)
{
    static int number;
    static char name[300];
    struct pen_lake_txn *txn = NULL;
    (void)state;
    (void)snprintf(name, sizeof name, "%s/home%d", temp_folder, ++number);
    home = name;
    arena = PEN_ARENA((size_t)64 << 20);
    return pen_lake_open(home, PEN_DB_CREATE, &lake, NULL) != PEN_OK ||
           pen_lake_begin(lake, &txn, NULL) != PEN_OK ||
           pen_lake_database_create(txn, "sample", NULL) != PEN_OK ||
           pen_lake_table_create(txn, "sample", "empty", NULL, NULL) != PEN_OK ||
           pen_lake_commit(txn, NULL, NULL, NULL) != PEN_OK;
}

static int close_home(void **state)
{
    (void)state;
    pen_lake_close(lake);
    pen_arena_release(&arena);
    return 0;
}

static int64_t submit(const char *type, const char *sql)
{
    struct pen_query_options options = {
        .type = type, .database = "sample", .sql = pen_slice_str(sql)};
    int64_t job_id = 0;
    assert_ok(pen_query_submit(lake, &options, &job_id, err));
    return job_id;
}

static enum pen_code execute(int64_t job_id, const volatile int *cancel,
                             struct pen_run_result *ret_result, struct pen_error *err)
{
    struct pen_run_env env = {.home = home, .cancel = cancel};
    struct pen_execute_options options = {.job_id = job_id};
    return pen_run_execute(&env, &options, ret_result, err);
}

static struct pen_job get(int64_t job_id)
{
    struct pen_job job;
    assert_ok(pen_job_get(pen_lake_db(lake), job_id, &arena, &job, err));
    return job;
}

/* The result's rows as JSON, one behind the other. */
static void read_rows(int64_t job_id, struct pen_buf *into)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/jobs/%lld/" PEN_QUERY_RESULT_FILE, home,
                   (long long)job_id);
    PEN_CLEANUP(pen_buf_release) struct pen_buf bytes = PEN_BUF(1 << 20);
    assert_ok(pen_buf_read_file(&bytes, path, err));
    struct pen_slice rest = pen_buf_slice(&bytes);
    while (rest.len > 0)
        assert_ok(pen_msgpack_to_json(&rest, into, err));
}

static void rows_of_every_type_are_stored(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf rows = PEN_BUF(1 << 20);
    struct pen_run_result result;
    int64_t job_id = submit(
        "presto", "SELECT * FROM (VALUES (1, 2.5::DOUBLE, 'x', true, TIMESTAMP '2026-01-02 "
                  "03:04:05.5', [1, 2], {'a': NULL}, 1.25, 170141183460469231731687303715884105727"
                  "::HUGEINT), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) "
                  "t(i, d, s, b, ts, l, st, de, h)");
    assert_ok(execute(job_id, NULL, &result, err));
    assert_int_equal(result.status, PEN_JOB_SUCCESS);
    assert_int_equal(result.counts.records, 2);
    read_rows(job_id, &rows);
    assert_string_equal(rows.ptr,
                        "[1,2.5,\"x\",true,\"2026-01-02T03:04:05.5Z\",[1,2],{\"a\":null},1.25,"
                        "1.7014118346046923e38][null,null,null,null,null,null,null,null,null]");
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_SUCCESS);
    assert_int_equal(job.counts.records, 2);
    assert_non_null(strstr(job.result,
                           "\"schema\":[[\"i\",\"bigint\"],[\"d\",\"double\"],[\"s\",\"varchar\"],"
                           "[\"b\",\"boolean\"],[\"ts\",\"timestamp\"],[\"l\",\"json\"]"));
}

static void tables_are_those_of_the_jobs_database(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf rows = PEN_BUF(1 << 20);
    struct pen_run_result result;
    int64_t job_id = submit("hive", "SELECT count(*) AS n, 'a' AS s FROM empty");
    assert_ok(execute(job_id, NULL, &result, err));
    read_rows(job_id, &rows);
    assert_string_equal(rows.ptr, "[0,\"a\"]");
    assert_non_null(strstr(get(job_id).result, "[[\"n\",\"bigint\"],[\"s\",\"string\"]]"));
}

static void assert_fails(const char *sql, enum pen_code code, const char *word)
{
    struct pen_run_result result;
    char path[400];
    int64_t job_id = submit("presto", sql);
    assert_int_equal(execute(job_id, NULL, &result, NULL), code);
    struct pen_job job = get(job_id);
    assert_int_equal(job.status, PEN_JOB_ERROR);
    assert_non_null(strstr(job.error, word));
    (void)snprintf(path, sizeof path, "%s/jobs/%lld/" PEN_QUERY_RESULT_FILE, home,
                   (long long)job_id);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void sql_that_is_wrong_or_writes_fails_the_job(void **state)
{
    (void)state;
    assert_fails("SELEC 1", PEN_ERR_CONFIG, "SELEC");
    assert_fails("SELECT 1 FROM nowhere", PEN_ERR_NOT_FOUND, "nowhere");
    assert_fails("DROP TABLE empty", PEN_ERR_AUTH, "");
    assert_fails("SELECT * FROM read_csv('/etc/passwd')", PEN_ERR_AUTH, "");
}

static void row_that_could_not_be_sent_fails_the_job(void **state)
{
    (void)state;
    assert_fails("SELECT i, repeat('x', CASE i WHEN 2 THEN 34000000 ELSE 1 END) FROM range(4) t(i) "
                 "ORDER BY i",
                 PEN_ERR_TOO_LARGE, "row 3 of the result");
}

static void submitting_checks_the_words(void **state)
{
    (void)state;
    struct pen_query_options options = {
        .type = "presto", .database = "nowhere", .sql = PEN_LIT("SELECT 1")};
    int64_t job_id = 0;
    assert_int_equal(pen_query_submit(lake, &options, &job_id, NULL), PEN_ERR_NOT_FOUND);
    options.database = "sample";
    options.sql = PEN_LIT("");
    assert_int_equal(pen_query_submit(lake, &options, &job_id, NULL), PEN_ERR_CONFIG);
    options.sql = PEN_LIT("SELECT 1");
    options.domain_key = "once";
    assert_ok(pen_query_submit(lake, &options, &job_id, err));
    assert_int_equal(pen_query_submit(lake, &options, &job_id, NULL), PEN_ERR_CONFLICT);
}

struct killer {
    int64_t job_id;
    volatile int cancel;
};

/* Kills the job as soon as it runs. */
static void *kill_it(void *context)
{
    struct killer *killer = context;
    struct pen_lake *own = NULL;
    enum pen_job_status former = PEN_JOB_QUEUED;
    PEN_CLEANUP(pen_arena_release) struct pen_arena texts = PEN_ARENA(1 << 20);
    assert_ok(pen_lake_open(home, PEN_DB_WRITE, &own, err));
    while (former != PEN_JOB_RUNNING) {
        struct pen_job job;
        assert_ok(pen_job_get(pen_lake_db(own), killer->job_id, &texts, &job, err));
        former = job.status;
        (void)usleep(1000);
    }
    assert_ok(pen_job_kill(pen_lake_db(own), killer->job_id, 1, &former, err));
    pen_lake_close(own);
    return NULL;
}

static void running_query_can_be_killed(void **state)
{
    (void)state;
    struct pen_run_result result;
    struct killer killer = {
        .job_id = submit("presto",
                         "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c")};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, kill_it, &killer), 0);
    assert_int_equal(execute(killer.job_id, NULL, &result, NULL), PEN_ERR_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(get(killer.job_id).status, PEN_JOB_KILLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_every_type_are_stored, open_home, close_home),
        cmocka_unit_test_setup_teardown(tables_are_those_of_the_jobs_database, open_home,
                                        close_home),
        cmocka_unit_test_setup_teardown(sql_that_is_wrong_or_writes_fails_the_job, open_home,
                                        close_home),
        cmocka_unit_test_setup_teardown(row_that_could_not_be_sent_fails_the_job, open_home,
                                        close_home),
        cmocka_unit_test_setup_teardown(submitting_checks_the_words, open_home, close_home),
        cmocka_unit_test_setup_teardown(running_query_can_be_killed, open_home, close_home),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
