#include "unit.h"

#include "lake/lake.h"
#include "meta/notice.h"
#include "meta/schedule.h"
#include "notify/notify.h"
#include "temp_folder.h"

#define SECOND PEN_US_PER_SECOND
#define HOUR   (3600 * SECOND)

/* A home whose only target is a webhook that nobody answers. */
static char home[256];
static struct pen_lake *lake;
static struct pen_arena arena;
static struct pen_notifier *notifier;

static void open_notifier(const char *yaml)
{
    struct pen_node *config = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(yaml), "penstock.yml", &arena, &config, err));
    struct pen_notifier_options options = {
        .home = home, .config = config, .bind = {"penstock.yml", &arena, NULL}};
    assert_ok(pen_notifier_new(&options, &notifier, err));
}

static int open_home(void **state)
{
    static int number;
    char name[32];
    (void)state;
    (void)snprintf(name, sizeof name, "home%d", ++number);
    (void)snprintf(home, sizeof home, "%s", temp_path(name));
    arena = PEN_ARENA((size_t)16 << 20);
    return pen_lake_open(home, PEN_DB_CREATE, &lake, NULL) != PEN_OK;
}

static int close_home(void **state)
{
    (void)state;
    pen_notifier_free(notifier);
    notifier = NULL;
    pen_lake_close(lake);
    pen_arena_release(&arena);
    return 0;
}

static int64_t end_job_of(const char *table, enum pen_job_status status, uint64_t rejected,
                          int64_t at_us)
{
    int64_t id = 0;
    struct pen_db *db = pen_lake_db(lake);
    struct pen_job job = {.type = "bulkload",
                          .database = "db",
                          .table = table,
                          .config = "{}",
                          .options = "",
                          .created_us = at_us};
    struct pen_job_end end = {.status = status,
                              .now_us = at_us,
                              .counts = {.records = 5, .rejected = rejected},
                              .snapshot_id = -1,
                              .error = status == PEN_JOB_ERROR ? "s3://b/k: it broke" : ""};
    assert_ok(pen_job_create(db, &job, &id, err));
    assert_ok(pen_job_claim_one(db, id, "me", at_us + HOUR, err));
    assert_ok(pen_job_start(db, id, "me", at_us, err));
    assert_ok(pen_job_finish(db, id, "me", &end, err));
    return id;
}

static int64_t end_job(enum pen_job_status status, uint64_t rejected, int64_t at_us)
{
    return end_job_of("tab", status, rejected, at_us);
}

static int64_t count(const char *condition)
{
    char sql[256];
    int64_t rows = 0;
    bool is_found = false;
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM notice WHERE %s", condition);
    assert_ok(pen_db_query_int(pen_lake_db(lake), &rows, &is_found, err, sql, ""));
    return rows;
}

/* Nobody listens at port 9 of this machine. */
#define DEAD "http://127.0.0.1:9/hook?token=hush"

static void failed_job_is_told_once(void **state)
{
    (void)state;
    open_notifier("- webhook: {url: '" DEAD "'}");
    end_job(PEN_JOB_SUCCESS, 0, HOUR);
    end_job(PEN_JOB_ERROR, 0, HOUR);
    assert_ok(pen_notifier_tick(notifier, HOUR + SECOND, err));
    assert_ok(pen_notifier_tick(notifier, HOUR + 2 * SECOND, err));
    assert_int_equal(count("1 = 1"), 1);
    assert_int_equal(count("kind = 'job_error' AND title = 'job 2 failed: db.tab'"), 1);
    assert_int_equal(count("body LIKE '%\"error\":\"s3://b/k: it broke\"%'"), 1);
    assert_int_equal(count("target LIKE '%hush%' OR error LIKE '%hush%'"), 0);
    end_job_of("", PEN_JOB_ERROR, 0, HOUR); /* a query */
    assert_ok(pen_notifier_tick(notifier, HOUR + 3 * SECOND, err));
    assert_int_equal(count("title = 'job 3 failed: db'"), 1);
}

static void failed_delivery_is_tried_again_later_and_given_up(void **state)
{
    (void)state;
    open_notifier("- webhook: {url: '" DEAD "'}");
    end_job(PEN_JOB_ERROR, 0, HOUR);
    int64_t now_us = HOUR;
    assert_ok(pen_notifier_tick(notifier, now_us, err));
    assert_int_equal(count("attempts = 1 AND state = 'waiting'"), 1);
    assert_ok(pen_notifier_tick(notifier, now_us + 29 * SECOND, err));
    assert_int_equal(count("attempts = 1"), 1);
    assert_ok(pen_notifier_tick(notifier, now_us + 30 * SECOND, err));
    assert_int_equal(count("attempts = 2"), 1);
    for (int i = 0; i < 12; i++)
        assert_ok(pen_notifier_tick(notifier, now_us += 2 * HOUR, err));
    assert_int_equal(count("attempts = 10 AND state = 'failed'"), 1);
}

static void rejects_count_above_the_limit(void **state)
{
    (void)state;
    open_notifier("- {on: [rejects], rejects_above: 10, webhook: {url: '" DEAD "'}}");
    end_job(PEN_JOB_SUCCESS, 10, HOUR);
    end_job(PEN_JOB_SUCCESS, 11, HOUR);
    end_job(PEN_JOB_ERROR, 0, HOUR);
    assert_ok(pen_notifier_tick(notifier, HOUR, err));
    assert_int_equal(count("1 = 1"), 1);
    assert_int_equal(count("title = 'job 2 rejected 11 records: db.tab'"), 1);
}

static void old_jobs_are_no_news(void **state)
{
    (void)state;
    open_notifier("- webhook: {url: '" DEAD "'}");
    end_job(PEN_JOB_ERROR, 0, HOUR);
    assert_ok(pen_notifier_tick(notifier, 30 * HOUR, err));
    assert_int_equal(count("1 = 1"), 0);
}

static void late_schedule_is_told_once_for_each_time(void **state)
{
    (void)state;
    open_notifier("- {on: [schedule_late], late_after: 60, webhook: {url: '" DEAD "'}}");
    struct pen_db *db = pen_lake_db(lake);
    struct pen_schedule schedule = {.name = "nightly",
                                    .cron = "0 * * * *",
                                    .zone = "UTC",
                                    .missed_runs = "",
                                    .database = "db",
                                    .table = "tab",
                                    .config = "{}",
                                    .sealed_config = PEN_LIT("x"),
                                    .config_diff = "",
                                    .next_us = HOUR,
                                    .due_us = HOUR,
                                    .created_us = 1};
    int64_t id = 0;
    assert_ok(pen_schedule_create(db, &schedule, &id, err));
    assert_ok(pen_notifier_tick(notifier, HOUR + 59 * SECOND, err));
    assert_int_equal(count("1 = 1"), 0);
    assert_ok(pen_notifier_tick(notifier, HOUR + 60 * SECOND, err));
    assert_ok(pen_notifier_tick(notifier, HOUR + 90 * SECOND, err));
    assert_int_equal(count("title = 'schedule ''nightly'' is late: due 1970-01-01T01:00:00Z'"), 1);
    /* its job was queued, but nobody takes it */
    struct pen_job job = {.type = "bulkload",
                          .database = "db",
                          .table = "tab",
                          .config = "{}",
                          .options = "",
                          .schedule = "nightly",
                          .scheduled_us = 2 * HOUR,
                          .created_us = 2 * HOUR};
    assert_ok(pen_schedule_set_next(db, id, 3 * HOUR, 3 * HOUR, err));
    assert_ok(pen_job_create(db, &job, &id, err));
    assert_ok(pen_notifier_tick(notifier, 2 * HOUR + 60 * SECOND, err));
    assert_int_equal(count("kind = 'schedule_late'"), 2);
}

static void each_target_is_told(void **state)
{
    (void)state;
    open_notifier("- {mail: {to: [a@x.org, b@x.org], from: p@x.org, server: 'smtp://127.0.0.1:9'},"
                  "   webhook: {url: '" DEAD "'}}");
    assert_int_equal(pen_notifier_targets(notifier), 2);
    assert_string_equal(pen_notifier_target_name(notifier, 0), "mail a@x.org b@x.org");
    assert_string_equal(pen_notifier_target_name(notifier, 1), "webhook http://127.0.0.1:9/hook");
    end_job(PEN_JOB_ERROR, 0, HOUR);
    assert_ok(pen_notifier_tick(notifier, HOUR, err));
    assert_int_equal(count("attempts = 1 AND state = 'waiting'"), 2);
}

static void wrong_settings_are_refused_with_their_place(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "- {}",
        "- {on: [job_eror], webhook: {url: 'http://x/'}}",
        "- {webhook: {url: 'ftp://x/'}}",
        "- {webhook: {}}",
        "- {mail: {to: nobody, from: p@x.org, server: 'smtp://x'}}",
        "- {mail: {to: \"a@x.org\\nBcc: c@x.org\", from: p@x.org, server: 'smtp://x'}}",
        "- {mail: {to: [], from: p@x.org, server: 'smtp://x'}}",
        "- {mail: {to: a@x.org, from: p@x.org, server: 'x:25'}}",
        "- {mail: {to: a@x.org, from: p@x.org, server: 'smtp://x', pasword: y}}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pen_node *config = NULL;
        struct pen_error failed = {0};
        assert_ok(pen_tree_parse(pen_slice_str(wrong[i]), "penstock.yml", &arena, &config, err));
        struct pen_notifier_options options = {
            .home = home, .config = config, .bind = {"penstock.yml", &arena, NULL}};
        assert_int_equal(pen_notifier_new(&options, &notifier, &failed), PEN_ERR_CONFIG);
        assert_int_equal(strncmp(failed.where, "penstock.yml:1:", 15), 0);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(failed_job_is_told_once),
        CASE(failed_delivery_is_tried_again_later_and_given_up),
        CASE(rejects_count_above_the_limit),
        CASE(old_jobs_are_no_news),
        CASE(late_schedule_is_told_once_for_each_time),
        CASE(each_target_is_told),
        CASE(wrong_settings_are_refused_with_their_place),
    };
    return cmocka_run_group_tests_name("notify", tests, temp_folder_make, temp_folder_remove);
}
