#include "unit.h"

#include "db_rig.h"
#include "meta/job.h"
#include "meta/job_owner.h"
#include "meta/job_plan.h"

#include <sys/wait.h>
#include <unistd.h>

static int64_t create(const char *schedule, int priority)
{
    struct pen_job job = {.type = "bulkload",
                          .database = "sample",
                          .table = "events",
                          .config = "in: {secret: '***'}",
                          .sealed_config = pen_slice("\0\1\2", 3),
                          .schedule = schedule,
                          .priority = priority,
                          .created_us = 1000};
    int64_t id = 0;
    assert_ok(pen_job_create(db, &job, &id, err));
    return id;
}

static struct pen_job get(int64_t id)
{
    struct pen_job job;
    assert_ok(pen_job_get(db, id, &arena, &job, err));
    return job;
}

static struct pen_job_reclaimed *reclaimed;

/* How many jobs were reclaimed. */
static size_t reclaim(int64_t now_us)
{
    size_t count = 99;
    assert_ok(pen_job_reclaim(db, now_us, &arena, &reclaimed, &count, err));
    return count;
}

static int64_t claim(const char *owner)
{
    int64_t id = -1;
    assert_ok(pen_job_claim(db, owner, 5000, &id, err));
    return id;
}

static void job_goes_from_queued_to_success(void **state)
{
    (void)state;
    assert_int_equal(create(NULL, 0), 1);
    struct pen_job job = get(1);
    assert_int_equal(job.status, PEN_JOB_QUEUED);
    assert_string_equal(job.config, "in: {secret: '***'}");
    assert_true(pen_slice_equal(job.sealed_config, pen_slice("\0\1\2", 3)));
    assert_null(job.time_column);
    assert_null(job.schedule);
    assert_int_equal(job.snapshot_id, -1);
    assert_int_equal(claim("p1"), 1);
    assert_int_equal(get(1).status, PEN_JOB_BOOTING);
    assert_int_equal(claim("p2"), 0);
    assert_ok(pen_job_start(db, 1, "p1", 2000, err));
    bool is_kill = true;
    struct pen_job_counts counts = {.records = 5, .bytes = 7};
    assert_ok(pen_job_heartbeat(db, 1, "p1", 9000, &counts, &is_kill, err));
    assert_false(is_kill);
    job = get(1);
    assert_int_equal(job.status, PEN_JOB_RUNNING);
    assert_int_equal(job.counts.records, 5);
    assert_int_equal(job.lease_until_us, 9000);
    struct pen_job_end end = {
        .status = PEN_JOB_SUCCESS,
        .now_us = 3000,
        .counts = {.records = 10, .rejected = 1, .filtered = 2, .bytes = 30, .objects = 4},
        .snapshot_id = 17,
        .result = "{\"last_path\":\"a\"}"};
    assert_ok(pen_job_finish(db, 1, "p1", &end, err));
    job = get(1);
    assert_int_equal(job.status, PEN_JOB_SUCCESS);
    assert_int_equal(job.started_us, 2000);
    assert_int_equal(job.ended_us, 3000);
    assert_int_equal(job.counts.records, 10);
    assert_int_equal(job.counts.rejected, 1);
    assert_int_equal(job.counts.filtered, 2);
    assert_int_equal(job.counts.bytes, 30);
    assert_int_equal(job.counts.objects, 4);
    assert_int_equal(job.snapshot_id, 17);
    assert_string_equal(job.result, "{\"last_path\":\"a\"}");
    assert_string_equal(job.owner, "");
}

static void wrong_transitions_are_refused_with_the_reason(void **state)
{
    (void)state;
    create(NULL, 0);
    struct pen_error failure = {0};
    assert_int_equal(pen_job_start(db, 1, "p1", 1, &failure), PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "job 1 cannot be started: it is queued");
    claim("p1");
    assert_int_equal(pen_job_start(db, 1, "p2", 1, &failure), PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "job 1 cannot be started: it is booting by p1");
    struct pen_job_end end = {.status = PEN_JOB_SUCCESS, .snapshot_id = -1};
    assert_int_equal(pen_job_finish(db, 1, "p2", &end, &failure), PEN_ERR_CONFLICT);
    bool is_kill = false;
    assert_int_equal(pen_job_heartbeat(db, 1, "p2", 1, NULL, &is_kill, &failure), PEN_ERR_CONFLICT);
    assert_ok(pen_job_finish(db, 1, "p1", &end, err));
    assert_int_equal(pen_job_finish(db, 1, "p1", &end, &failure), PEN_ERR_CONFLICT);
    assert_int_equal(pen_job_claim_one(db, 1, "p1", 1, &failure), PEN_ERR_CONFLICT);
    assert_int_equal(pen_job_claim_one(db, 99, "p1", 1, &failure), PEN_ERR_NOT_FOUND);
    assert_string_equal(failure.message, "job 99 does not exist");
    struct pen_job job;
    assert_int_equal(pen_job_get(db, 99, &arena, &job, &failure), PEN_ERR_NOT_FOUND);
}

static void claim_takes_by_priority_and_one_job_a_schedule(void **state)
{
    (void)state;
    create("daily", 0);
    create("daily", 0);
    create(NULL, -1);
    create(NULL, 2);
    assert_int_equal(claim("p"), 4);
    assert_int_equal(claim("p"), 1);
    assert_int_equal(claim("p"), 3); /* 2 waits for 1 */
    assert_int_equal(claim("p"), 0);
    struct pen_job_end end = {.status = PEN_JOB_ERROR, .error = "no such bucket"};
    assert_ok(pen_job_finish(db, 1, "p", &end, err));
    assert_string_equal(get(1).error, "no such bucket");
    assert_int_equal(claim("p"), 2);
}

static void kill_is_at_once_when_queued_and_a_request_when_running(void **state)
{
    (void)state;
    create(NULL, 0);
    create(NULL, 0);
    enum pen_job_status former = PEN_JOB_ERROR;
    assert_ok(pen_job_kill(db, 2, 77, &former, err));
    assert_int_equal(former, PEN_JOB_QUEUED);
    assert_int_equal(get(2).status, PEN_JOB_KILLED);
    assert_int_equal(get(2).ended_us, 77);
    claim("p");
    assert_ok(pen_job_start(db, 1, "p", 5, err));
    assert_ok(pen_job_kill(db, 1, 78, &former, err));
    assert_int_equal(former, PEN_JOB_RUNNING);
    assert_int_equal(get(1).status, PEN_JOB_RUNNING);
    bool is_kill = false;
    assert_ok(pen_job_heartbeat(db, 1, "p", 100, NULL, &is_kill, err));
    assert_true(is_kill);
    struct pen_error failure = {0};
    assert_int_equal(pen_job_retry(db, 1, "p", "x", &failure), PEN_ERR_CONFLICT);
    struct pen_job_end end = {.status = PEN_JOB_KILLED, .now_us = 80};
    assert_ok(pen_job_finish(db, 1, "p", &end, err));
    assert_ok(pen_job_kill(db, 1, 79, &former, err));
    assert_int_equal(former, PEN_JOB_KILLED);
    assert_int_equal(get(1).ended_us, 80);
    assert_int_equal(pen_job_kill(db, 3, 79, &former, &failure), PEN_ERR_NOT_FOUND);
}

static void lost_leases_are_reclaimed_until_it_is_hopeless(void **state)
{
    (void)state;
    create(NULL, 0);
    for (int attempt = 1; attempt <= 3; attempt++) {
        assert_int_equal(claim("p"), 1); /* lease until 5000 */
        assert_int_equal(get(1).attempt, attempt);
        assert_int_equal(reclaim(5000), 0); /* not over yet */
        assert_int_equal(reclaim(5001), 1);
        assert_int_equal(reclaimed[0].job_id, 1);
        assert_string_equal(reclaimed[0].owner, "p");
        assert_int_equal(reclaimed[0].attempt, attempt);
        assert_int_equal(reclaimed[0].status, attempt < 3 ? PEN_JOB_QUEUED : PEN_JOB_ERROR);
        assert_int_equal(get(1).status, reclaimed[0].status);
    }
    struct pen_job job = get(1);
    assert_int_equal(job.status, PEN_JOB_ERROR);
    assert_non_null(strstr(job.error, "the process that ran this job is gone (p)"));
    create(NULL, 0);
    assert_int_equal(claim("q"), 2);
    enum pen_job_status former;
    assert_ok(pen_job_kill(db, 2, 1, &former, err));
    assert_int_equal(reclaim(5001), 1);
    assert_int_equal(get(2).status, PEN_JOB_KILLED);
}

static void lost_leases_are_errors_when_nobody_could_run_them_again(void **state)
{
    (void)state;
    create(NULL, 0);
    claim("p");
    assert_ok(pen_db_exec(db, "UPDATE job SET sealed_config = NULL", err));
    assert_ok(pen_job_part_begin(db, 1, 0, "/lake/", "half.parquet", 1, err));
    struct pen_garbage *list = NULL;
    size_t count = 0;
    assert_int_equal(reclaim(5000), 0);
    assert_int_equal(get(1).status, PEN_JOB_BOOTING);
    assert_ok(pen_garbage_list(db, 10, &arena, &list, &count, err));
    assert_int_equal(count, 0);
    assert_int_equal(reclaim(5001), 1);
    assert_int_equal(get(1).status, PEN_JOB_ERROR);
    assert_int_equal(get(1).ended_us, 5001);
    assert_ok(pen_garbage_list(db, 10, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].file_name, "half.parquet");
}

/* A long job on a machine that is often restarted comes to its end: what counts is attempts in
 * vain.
 */
static void attempts_that_end_a_task_do_not_use_up_the_limit(void **state)
{
    (void)state;
    create(NULL, 0);
    struct pen_job_task tasks[12];
    for (int i = 0; i < 12; i++)
        tasks[i] = (struct pen_job_task){.job_id = 1, .task_index = i};
    assert_ok(pen_job_tasks_add(db, tasks, 12, err));
    const struct pen_parts none = {.count = 0};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(claim("p"), 1);
        assert_ok(pen_job_task_start(db, 1, i, err));
        assert_ok(pen_job_task_done(db, &tasks[i], &none, NULL, 0, err));
        assert_int_equal(get(1).progress_attempt, i + 1);
        assert_int_equal(reclaim(5001), 1);
        assert_int_equal(get(1).status, PEN_JOB_QUEUED);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(1).status, PEN_JOB_QUEUED);
        assert_int_equal(claim("p"), 1);
        assert_int_equal(reclaim(5001), 1);
    }
    assert_int_equal(get(1).status, PEN_JOB_ERROR);
}

/* A process of this machine that is gone: no lease is waited for. */
static void job_of_a_dead_process_is_reclaimed_at_once(void **state)
{
    (void)state;
    char alive[PEN_JOB_OWNER_TEXT], gone[PEN_JOB_OWNER_TEXT] = "";
    int ends[2];
    pen_job_owner_make(alive);
    create(NULL, 0);
    create(NULL, 0);
    assert_int_equal(claim(alive), 1);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char owner[PEN_JOB_OWNER_TEXT] = "";
        pen_job_owner_make(owner);
        _exit(write(ends[1], owner, sizeof owner) != sizeof owner);
    }
    assert_int_equal(read(ends[0], gone, sizeof gone), sizeof gone);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(claim(gone), 2);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(pen_job_owner_is_gone(gone));
    assert_false(pen_job_owner_is_gone(alive));
    assert_int_equal(reclaim(1), 1);
    assert_int_equal(reclaimed[0].job_id, 2);
    assert_int_equal(get(1).status, PEN_JOB_BOOTING);
    assert_int_equal(get(2).status, PEN_JOB_QUEUED);
}

static void job_of_a_dead_process_is_killed_without_it(void **state)
{
    (void)state;
    enum pen_job_status former;
    create(NULL, 0);
    assert_int_equal(claim("elsewhere:1:2:3:x"), 1);
    assert_ok(pen_job_part_begin(db, 1, 0, "/lake/", "half.parquet", 1, err));
    assert_ok(pen_job_kill(db, 1, 4000, &former, err)); /* the lease holds: it may still live */
    assert_int_equal(get(1).status, PEN_JOB_BOOTING);
    bool is_requested = false;
    assert_ok(pen_job_is_kill_requested(db, 1, &is_requested, err));
    assert_true(is_requested);
    assert_ok(pen_job_kill(db, 1, 5001, &former, err));
    assert_int_equal(former, PEN_JOB_BOOTING);
    assert_int_equal(get(1).status, PEN_JOB_KILLED);
    assert_int_equal(get(1).sealed_config.len, 0);
    struct pen_garbage *list = NULL;
    size_t count = 0;
    assert_ok(pen_garbage_list(db, 10, &arena, &list, &count, err));
    assert_int_equal(count, 1);
}

static void only_the_owner_holds_renews_and_gives_back(void **state)
{
    (void)state;
    create(NULL, 0);
    assert_int_equal(claim("p"), 1);
    struct pen_error failure = {0};
    struct pen_job renewed = {
        .job_id = 1, .config = "new", .options = "{}", .sealed_config = pen_slice("\7", 1)};
    assert_ok(pen_job_hold(db, 1, "p", err));
    assert_int_equal(pen_job_hold(db, 1, "q", &failure), PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "job 1 cannot be continued: it is booting by p");
    assert_int_equal(pen_job_renew(db, &renewed, "q", NULL), PEN_ERR_CONFLICT);
    assert_ok(pen_job_renew(db, &renewed, "p", err));
    assert_string_equal(get(1).config, "new");
    assert_int_equal(get(1).sealed_config.len, 1);
    assert_int_equal(pen_job_release(db, 1, "q", NULL), PEN_ERR_CONFLICT);
    assert_ok(pen_job_release(db, 1, "p", err));
    assert_int_equal(get(1).status, PEN_JOB_QUEUED);
    assert_int_equal(get(1).attempt, 0);
}

static void owners_of_other_forms_and_places_are_never_called_gone(void **state)
{
    (void)state;
    char own[PEN_JOB_OWNER_TEXT], text[2 * PEN_JOB_OWNER_TEXT], host[64];
    long pid = 0;
    unsigned long long start = 0, place = 0;
    static const char *const odd[] = {
        "", "p", "a:b:c", "host:1:2", "host:0:0:0:x", "host:-1:1:1:x"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_false(pen_job_owner_is_gone(odd[i]));
    assert_false(pen_job_owner_is_gone(NULL));
    pen_job_owner_make(own);
    assert_int_equal(sscanf(own, "%63[^:]:%ld:%llu:%llx:", host, &pid, &start, &place), 4);
    assert_int_equal(pid, getpid());
    /* the pid lives, but it is another process by now; on another machine nothing is known */
    snprintf(text, sizeof text, "%s:%ld:%llu:%llx:x", host, pid, start + 1, place);
    assert_true(pen_job_owner_is_gone(text));
    snprintf(text, sizeof text, "%s:%ld:%llu:%llx:x", host, pid, start + 1, place + 1);
    assert_false(pen_job_owner_is_gone(text));
    assert_string_equal(pen_job_owner_name("some.host:17:1:2:x", own), "some.host:17");
    assert_string_equal(pen_job_owner_name("p1", own), "p1");
}

static void retry_gives_the_job_back_to_the_queue(void **state)
{
    (void)state;
    create(NULL, 0);
    claim("p");
    assert_ok(pen_job_retry(db, 1, "p", "expired token", err));
    struct pen_job job = get(1);
    assert_int_equal(job.status, PEN_JOB_QUEUED);
    assert_string_equal(job.error, "expired token");
    assert_int_equal(claim("p2"), 1);
    assert_int_equal(get(1).attempt, 2);
}

static void domain_key_makes_issuing_idempotent(void **state)
{
    (void)state;
    struct pen_job job = {.type = "bulkload", .database = "d", .table = "t", .domain_key = "k1"};
    int64_t id = 0;
    assert_ok(pen_job_create(db, &job, &id, err));
    struct pen_error failure = {0};
    assert_int_equal(pen_job_create(db, &job, &id, &failure), PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "conflicts_with job:1");
    assert_false(failure.is_retryable);
    job.domain_key = "k2";
    assert_ok(pen_job_create(db, &job, &id, err));
    assert_int_equal(id, 2);
}

static void list_filters_and_pages_newest_first(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        create(i % 2 == 0 ? "even" : NULL, 0);
    claim("p"); /* job 1 */
    assert_ok(pen_job_start(db, 1, "p", 100, err));
    struct pen_job *jobs = NULL;
    size_t count = 0;
    struct pen_job_filter filter = {.skip = 1, .max = 2};
    assert_ok(pen_job_list(db, &filter, &arena, &jobs, &count, err));
    assert_int_equal(count, 2);
    assert_int_equal(jobs[0].job_id, 5);
    assert_int_equal(jobs[1].job_id, 4);
    filter = (struct pen_job_filter){.max = 100, .schedule = "even"};
    assert_ok(pen_job_list(db, &filter, &arena, &jobs, &count, err));
    assert_int_equal(count, 3);
    assert_string_equal(jobs[0].schedule, "even");
    filter = (struct pen_job_filter){.max = 100, .has_status = true, .status = PEN_JOB_RUNNING};
    assert_ok(pen_job_list(db, &filter, &arena, &jobs, &count, err));
    assert_int_equal(count, 1);
    assert_int_equal(jobs[0].job_id, 1);
    filter = (struct pen_job_filter){.max = 100, .slower_than_us = 50, .now_us = 150};
    assert_ok(pen_job_list(db, &filter, &arena, &jobs, &count, err));
    assert_int_equal(count, 1);
    filter.slower_than_us = 51;
    assert_ok(pen_job_list(db, &filter, &arena, &jobs, &count, err));
    assert_int_equal(count, 0);
}

/* Ten processes claim and finish forty jobs: each job is run once. */
static void ten_processes_share_the_queue_without_running_a_job_twice(void **state)
{
    (void)state;
    enum { PROCESSES = 10, JOBS = 40 };
    for (int i = 0; i < JOBS; i++)
        create(NULL, 0);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        struct pen_db *own = NULL;
        char owner[16];
        snprintf(owner, sizeof owner, "p%d", i);
        int bad = pen_db_open(db_path, PEN_DB_WRITE, 0, &own, NULL) != PEN_OK;
        for (int64_t id = 1; !bad && id != 0;) {
            struct pen_job_end end = {.status = PEN_JOB_SUCCESS, .counts = {.records = 1}};
            bad = pen_job_claim(own, owner, INT64_MAX, &id, NULL) != PEN_OK;
            if (id != 0)
                bad = bad || pen_job_start(own, id, owner, 1, NULL) != PEN_OK ||
                      pen_job_finish(own, id, owner, &end, NULL) != PEN_OK;
        }
        _exit(bad);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    int64_t sum = 0;
    bool is_found = false;
    assert_ok(pen_db_query_int(db, &sum, &is_found, err,
                               "SELECT sum(records) FROM job WHERE status = 'success' AND "
                               "attempt = 1",
                               ""));
    assert_int_equal(sum, JOBS);
}

int main(void)
{
#define JOB_TEST(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)
    const struct CMUnitTest tests[] = {
        JOB_TEST(job_goes_from_queued_to_success),
        JOB_TEST(wrong_transitions_are_refused_with_the_reason),
        JOB_TEST(claim_takes_by_priority_and_one_job_a_schedule),
        JOB_TEST(kill_is_at_once_when_queued_and_a_request_when_running),
        JOB_TEST(lost_leases_are_reclaimed_until_it_is_hopeless),
        JOB_TEST(lost_leases_are_errors_when_nobody_could_run_them_again),
        JOB_TEST(attempts_that_end_a_task_do_not_use_up_the_limit),
        JOB_TEST(job_of_a_dead_process_is_reclaimed_at_once),
        JOB_TEST(job_of_a_dead_process_is_killed_without_it),
        JOB_TEST(only_the_owner_holds_renews_and_gives_back),
        JOB_TEST(owners_of_other_forms_and_places_are_never_called_gone),
        JOB_TEST(retry_gives_the_job_back_to_the_queue),
        JOB_TEST(domain_key_makes_issuing_idempotent),
        JOB_TEST(list_filters_and_pages_newest_first),
        JOB_TEST(ten_processes_share_the_queue_without_running_a_job_twice),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
