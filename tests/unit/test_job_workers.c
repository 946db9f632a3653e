#include "unit.h"

#include "lake/lake.h"
#include "run/job_workers.h"
#include "run/query_run.h"
#include "temp_folder.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

static struct pen_lake *lake;
static char home[300];

/* What on_end told. */
struct seen {
    sem_t ended;
    atomic_int count, successes;
};

static int open_home(void **state)
{
    static int number;
    struct pen_lake_txn *txn = NULL;
    (void)state;
    (void)snprintf(home, sizeof home, "%s/home%d", temp_folder, ++number);
    return pen_lake_open(home, PEN_DB_CREATE, &lake, NULL) != PEN_OK ||
           pen_lake_begin(lake, &txn, NULL) != PEN_OK ||
           pen_lake_database_create(txn, "sample", NULL) != PEN_OK ||
           pen_lake_commit(txn, NULL, NULL, NULL) != PEN_OK;
}

static int close_home(void **state)
{
    (void)state;
    pen_lake_close(lake);
    return 0;
}

static int64_t submit(const char *sql)
{
    struct pen_query_options options = {
        .type = "presto", .database = "sample", .sql = pen_slice_str(sql)};
    int64_t job_id = 0;
    assert_ok(pen_query_submit(lake, &options, &job_id, err));
    return job_id;
}

static enum pen_job_status status_of(int64_t job_id)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_job job;
    assert_ok(pen_job_get(pen_lake_db(lake), job_id, &arena, &job, err));
    return job.status;
}

static void on_end(void *context, const struct pen_job_ended *ended)
{
    struct seen *seen = context;
    assert_int_equal(ended->job->job_id, ended->result->job_id);
    assert_int_equal(ended->job->status, ended->result->status);
    (void)atomic_fetch_add(&seen->count, 1);
    if (ended->code == PEN_OK)
        (void)atomic_fetch_add(&seen->successes, 1);
    else
        assert_true(ended->err->message[0] != '\0');
    (void)sem_post(&seen->ended);
}

static struct pen_job_workers *start(unsigned count, struct seen *seen)
{
    struct pen_job_workers_options options = {
        .home = home, .count = count, .on_end = on_end, .context = seen};
    struct pen_job_workers *workers = NULL;
    (void)sem_init(&seen->ended, 0, 0);
    assert_ok(pen_job_workers_start(&options, &workers, err));
    return workers;
}

static void queued_jobs_are_run_whenever_they_come(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    int64_t before = submit("SELECT 1");
    struct pen_job_workers *workers = start(2, &seen);
    int64_t after = submit("SELECT 2"), wrong = submit("SELECT wrong");
    pen_job_workers_wake(workers);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sem_wait(&seen.ended), 0);
    pen_job_workers_stop(workers, 10000);
    pen_job_workers_wake(workers);
    pen_job_workers_free(workers);
    assert_int_equal(status_of(before), PEN_JOB_SUCCESS);
    assert_int_equal(status_of(after), PEN_JOB_SUCCESS);
    assert_int_equal(status_of(wrong), PEN_JOB_ERROR);
    assert_int_equal(atomic_load(&seen.count), 3);
    assert_int_equal(atomic_load(&seen.successes), 2);
}

/* Stops while a query of `size` squared rows runs. false: it was done before, which shows nothing.
 */
static bool stop_in_mid_job(int size)
{
    struct seen seen = {.count = 0};
    struct pen_job_workers *workers = start(1, &seen);
    char sql[100];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM range(%d) a, range(%d) b", size, size);
    int64_t slow = submit(sql);
    pen_job_workers_wake(workers);
    while (status_of(slow) == PEN_JOB_QUEUED)
        (void)usleep(1000);
    int64_t next = submit("SELECT 1");
    bool is_in_mid_job = status_of(slow) != PEN_JOB_SUCCESS;
    pen_job_workers_stop(workers, 600000);
    pen_job_workers_free(workers);
    assert_int_equal(status_of(slow), PEN_JOB_SUCCESS);
    if (is_in_mid_job)
        assert_int_equal(status_of(next), PEN_JOB_QUEUED);
    return is_in_mid_job;
}

static void stop_takes_no_further_job(void **state)
{
    (void)state;
    int size = 50000;
    while (!stop_in_mid_job(size)) {
        size *= 2;
        assert_true(size < 1000000);
    }
}

static void workers_without_jobs_stop_at_once(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    struct pen_job_workers *workers = start(3, &seen);
    pen_job_workers_configure(workers, 1, 1 << 20);
    assert_int_equal(atomic_load(&seen.count), 0);
    pen_job_workers_free(workers);
    pen_job_workers_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queued_jobs_are_run_whenever_they_come, open_home,
                                        close_home),
        cmocka_unit_test_setup_teardown(stop_takes_no_further_job, open_home, close_home),
        cmocka_unit_test_setup_teardown(workers_without_jobs_stop_at_once, open_home, close_home),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
