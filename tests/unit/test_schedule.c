#include "unit.h"

#include "db_rig.h"
#include "meta/schedule.h"

static struct pen_error failed;

static struct pen_schedule sample(const char *name)
{
    return (struct pen_schedule){.name = name,
                                 .cron = "10 0 * * *",
                                 .zone = "UTC",
                                 .database = "sample",
                                 .table = "events",
                                 .config = "{\"in\":{\"secret\":\"***\"}}",
                                 .sealed_config = pen_slice("\0\1\2", 3),
                                 .next_us = 1000,
                                 .due_us = 1000,
                                 .created_us = 5};
}

static int64_t create(const char *name)
{
    struct pen_schedule schedule = sample(name);
    int64_t id = 0;
    assert_ok(pen_schedule_create(db, &schedule, &id, err));
    return id;
}

static struct pen_schedule get(const char *name)
{
    struct pen_schedule schedule = {0};
    assert_ok(pen_schedule_get(db, name, &arena, &schedule, err));
    return schedule;
}

static int64_t add_job(const char *schedule)
{
    struct pen_job job = {
        .type = "bulkload", .database = "sample", .table = "events", .schedule = schedule};
    int64_t id = 0;
    assert_ok(pen_job_create(db, &job, &id, err));
    return id;
}

static void end_job(int64_t job_id, enum pen_job_status status)
{
    struct pen_job_end end = {.status = status, .now_us = 9, .snapshot_id = -1};
    assert_ok(pen_job_claim_one(db, job_id, "p", 100, err));
    assert_ok(pen_job_finish(db, job_id, "p", &end, err));
}

static size_t history(const char *name, int64_t ids[8])
{
    struct pen_schedule schedule = get(name);
    struct pen_job_filter filter = {
        .max = 8, .schedule = schedule.name, .after_id = schedule.first_job_id};
    struct pen_job *jobs = NULL;
    size_t count = 0;
    assert_ok(pen_job_list(db, &filter, &arena, &jobs, &count, err));
    for (size_t i = 0; i < count; i++)
        ids[i] = jobs[i].job_id;
    return count;
}

static void assert_message(const char *text)
{
    assert_string_equal(failed.message, text);
}

static void create_keeps_every_word(void **state)
{
    (void)state;
    struct pen_schedule schedule = sample("daily import");
    schedule.delay_s = 60;
    schedule.time_column = "created_at";
    schedule.missed_runs = "all";
    schedule.due_us = 60001000;
    assert_ok(pen_schedule_create(db, &schedule, NULL, err));
    struct pen_schedule got = get("daily import");
    assert_int_equal(got.schedule_id, 1);
    assert_string_equal(got.cron, "10 0 * * *");
    assert_string_equal(got.zone, "UTC");
    assert_int_equal(got.delay_s, 60);
    assert_string_equal(got.missed_runs, "all");
    assert_string_equal(got.database, "sample");
    assert_string_equal(got.table, "events");
    assert_string_equal(got.time_column, "created_at");
    assert_string_equal(got.config, "{\"in\":{\"secret\":\"***\"}}");
    assert_true(pen_slice_equal(got.sealed_config, pen_slice("\0\1\2", 3)));
    assert_string_equal(got.config_diff, "");
    assert_int_equal(got.next_us, 1000);
    assert_int_equal(got.due_us, 60001000);
    assert_int_equal(got.created_us, 5);
    assert_string_equal(get("1").name, "daily import");
}

static void names_are_unique_and_checked(void **state)
{
    (void)state;
    create("one");
    struct pen_schedule again = sample("one");
    assert_int_equal(pen_schedule_create(db, &again, NULL, &failed), PEN_ERR_CONFLICT);
    assert_message("schedule 'one' already exists");
    assert_int_equal(pen_schedule_get(db, "two", &arena, &again, &failed), PEN_ERR_NOT_FOUND);
    assert_message("schedule 'two' does not exist");
    assert_int_equal(pen_schedule_get(db, "99999999999999999999", &arena, &again, &failed),
                     PEN_ERR_NOT_FOUND);
    static const char *const bad[] = {"", "17", ".", "..", "a/b", "a\nb", "a\x7f", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pen_schedule schedule = sample(bad[i]);
        assert_int_equal(pen_schedule_create(db, &schedule, NULL, &failed), PEN_ERR_CONFIG);
    }
    char longest[PEN_SCHEDULE_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[PEN_SCHEDULE_NAME_MAX + 1] = '\0';
    assert_int_equal(pen_schedule_check_name(longest, &failed), PEN_ERR_CONFIG);
    longest[PEN_SCHEDULE_NAME_MAX] = '\0';
    assert_ok(pen_schedule_check_name(longest, err));
}

static void list_is_sorted_by_name_and_cuts_the_configuration(void **state)
{
    (void)state;
    create("b");
    create("c");
    create("a");
    struct pen_schedule *list = NULL;
    size_t count = 0;
    struct pen_schedule_filter filter = {.max = 2, .config_chars = 5};
    assert_ok(pen_schedule_list(db, &filter, &arena, &list, &count, err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "a");
    assert_string_equal(list[1].name, "b");
    assert_string_equal(list[0].config, "{\"in\"");
    assert_int_equal(list[0].sealed_config.len, 0);
    filter.skip = 2;
    assert_ok(pen_schedule_list(db, &filter, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].name, "c");
}

static void update_carries_a_new_name_into_the_jobs(void **state)
{
    (void)state;
    create("old");
    create("taken");
    int64_t first = add_job("old"), other = add_job("taken"), ids[8];
    end_job(first, PEN_JOB_SUCCESS);
    int64_t queued = add_job("old");
    struct pen_schedule schedule = get("old");
    schedule.name = "taken";
    assert_int_equal(pen_schedule_update(db, &schedule, &failed), PEN_ERR_CONFLICT);
    assert_int_equal(history("old", ids), 2);
    schedule.name = "new";
    schedule.cron = "";
    schedule.delay_s = 7;
    schedule.updated_us = 77;
    assert_ok(pen_schedule_update(db, &schedule, err));
    assert_int_equal(pen_schedule_get(db, "old", &arena, &schedule, &failed), PEN_ERR_NOT_FOUND);
    assert_int_equal(history("new", ids), 2);
    assert_int_equal(ids[0], queued);
    assert_int_equal(ids[1], first);
    assert_int_equal(history("taken", ids), 1);
    assert_int_equal(ids[0], other);
    assert_string_equal(get("new").cron, "");
    assert_int_equal(get("new").delay_s, 7);
    assert_int_equal(get("new").updated_us, 77);
    assert_int_equal(get("new").schedule_id, 1);
    schedule = sample("ghost");
    schedule.schedule_id = 99;
    assert_int_equal(pen_schedule_update(db, &schedule, &failed), PEN_ERR_NOT_FOUND);
}

static void a_namesake_does_not_inherit_history(void **state)
{
    (void)state;
    int64_t ids[8];
    create("daily");
    end_job(add_job("daily"), PEN_JOB_SUCCESS);
    assert_ok(pen_schedule_delete(db, "daily", 50, err));
    assert_int_equal(pen_schedule_delete(db, "daily", 50, &failed), PEN_ERR_NOT_FOUND);
    create("daily");
    assert_int_equal(history("daily", ids), 0);
    int64_t own = add_job("daily");
    assert_int_equal(history("daily", ids), 1);
    assert_int_equal(ids[0], own);
    /* nor does one that takes the name over */
    end_job(own, PEN_JOB_SUCCESS);
    create("weekly");
    int64_t weekly = add_job("weekly");
    end_job(weekly, PEN_JOB_SUCCESS);
    assert_ok(pen_schedule_delete(db, "daily", 50, err));
    struct pen_schedule schedule = get("weekly");
    schedule.name = "daily";
    assert_ok(pen_schedule_update(db, &schedule, err));
    assert_int_equal(history("daily", ids), 1);
    assert_int_equal(ids[0], weekly);
}

static void delete_kills_what_waits_and_lets_go_of_what_runs(void **state)
{
    (void)state;
    create("daily");
    int64_t running = add_job("daily"), queued = add_job("daily");
    assert_ok(pen_job_claim_one(db, running, "p", 100, err));
    assert_ok(pen_schedule_delete(db, "daily", 50, err));
    struct pen_job job = {0};
    assert_ok(pen_job_get(db, queued, &arena, &job, err));
    assert_int_equal(job.status, PEN_JOB_KILLED);
    assert_ok(pen_job_get(db, running, &arena, &job, err));
    assert_int_equal(job.status, PEN_JOB_BOOTING);
    assert_null(job.schedule);
    /* its position must not reach a namesake */
    create("daily");
    assert_ok(pen_schedule_advance(db, running, "{\"in\":{\"last_path\":\"z\"}}", 60, err));
    assert_string_equal(get("daily").config_diff, "");
}

static void advance_merges_into_the_diff(void **state)
{
    (void)state;
    create("daily");
    int64_t job = add_job("daily");
    assert_ok(pen_schedule_advance(db, job, "{\"in\":{\"last_path\":\"a\"}}", 60, err));
    assert_string_equal(get("daily").config_diff, "{\"in\":{\"last_path\":\"a\"}}");
    assert_int_equal(get("daily").updated_us, 60);
    assert_ok(pen_schedule_advance(db, job, "{\"in\":{\"last_path\":\"b\"}}", 61, err));
    assert_string_equal(get("daily").config_diff, "{\"in\":{\"last_path\":\"b\"}}");
    /* what a run does not speak of stays */
    assert_ok(pen_schedule_advance(db, job, "{\"in\":{}}", 62, err));
    assert_ok(pen_schedule_advance(
        db, job, "{\"in\":{\"last_modified_time\":\"2026-01-01T00:00:00.000000Z\"}}", 63, err));
    assert_string_equal(get("daily").config_diff,
                        "{\"in\":{\"last_path\":\"b\","
                        "\"last_modified_time\":\"2026-01-01T00:00:00.000000Z\"}}");
    assert_ok(pen_schedule_advance(db, job, "{\"in\":{\"last_path\":null}}", 64, err));
    assert_string_equal(get("daily").config_diff,
                        "{\"in\":{\"last_path\":null,"
                        "\"last_modified_time\":\"2026-01-01T00:00:00.000000Z\"}}");
    assert_int_equal(pen_schedule_advance(db, job, "[1]", 65, &failed), PEN_ERR_CORRUPT);
    /* jobs of no schedule advance nothing */
    assert_ok(pen_schedule_advance(db, add_job(NULL), "{\"in\":{\"last_path\":\"q\"}}", 66, err));
    assert_int_equal(get("daily").updated_us, 64);
}

static void advance_lives_and_dies_with_the_callers_transaction(void **state)
{
    (void)state;
    create("daily");
    int64_t job = add_job("daily");
    assert_ok(pen_db_begin(db, err));
    assert_ok(pen_schedule_advance(db, job, "{\"in\":{\"last_path\":\"a\"}}", 60, err));
    pen_db_rollback(db);
    assert_string_equal(get("daily").config_diff, "");
}

static void advance_follows_a_rename_during_the_run(void **state)
{
    (void)state;
    create("old");
    int64_t job = add_job("old");
    struct pen_schedule schedule = get("old");
    schedule.name = "new";
    assert_ok(pen_schedule_update(db, &schedule, err));
    assert_ok(pen_schedule_advance(db, job, "{\"in\":{\"last_path\":\"a\"}}", 60, err));
    assert_string_equal(get("new").config_diff, "{\"in\":{\"last_path\":\"a\"}}");
}

static void due_leaves_out_what_is_busy_or_not_scheduled(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t due_us;
    } rows[] = {{"late", 100}, {"later", 50}, {"busy", 10}, {"never", 0}, {"future", 500}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = create(rows[i].name);
        assert_ok(pen_schedule_set_next(db, id, rows[i].due_us, rows[i].due_us, err));
    }
    int64_t job = add_job("busy");
    struct pen_schedule *list = NULL;
    size_t count = 0;
    bool is_due = false;
    assert_ok(pen_schedule_due(db, 100, 10, &arena, &list, &count, err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "later");
    assert_string_equal(list[1].name, "late");
    assert_int_equal(list[0].sealed_config.len, 3);
    assert_ok(pen_job_claim_one(db, job, "p", 100, err));
    assert_ok(pen_schedule_due(db, 100, 1, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    assert_ok(pen_schedule_is_any_due(db, 9, &is_due, err));
    assert_false(is_due);
    assert_ok(pen_schedule_is_any_due(db, 10, &is_due, err));
    assert_true(is_due);
    int64_t next_us = -1;
    assert_ok(pen_schedule_next_due(db, 100, &next_us, err));
    assert_int_equal(next_us, 500);
    assert_ok(pen_schedule_next_due(db, 500, &next_us, err));
    assert_int_equal(next_us, 0);
}

static void unfinished_finds_the_oldest(void **state)
{
    (void)state;
    create("daily");
    int64_t found = -1;
    assert_ok(pen_schedule_unfinished(db, "daily", NULL, &found, err));
    assert_int_equal(found, 0);
    end_job(add_job("daily"), PEN_JOB_ERROR);
    int64_t running = add_job("daily"), queued = add_job("daily");
    assert_ok(pen_job_claim_one(db, running, "p", 100, err));
    assert_ok(pen_schedule_unfinished(db, "daily", NULL, &found, err));
    assert_int_equal(found, running);
    assert_ok(pen_schedule_unfinished(db, "daily", "queued", &found, err));
    assert_int_equal(found, queued);
}

int main(void)
{
#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, open_db, close_db)
    const struct CMUnitTest tests[] = {
        WITH_DB(create_keeps_every_word),
        WITH_DB(names_are_unique_and_checked),
        WITH_DB(list_is_sorted_by_name_and_cuts_the_configuration),
        WITH_DB(update_carries_a_new_name_into_the_jobs),
        WITH_DB(a_namesake_does_not_inherit_history),
        WITH_DB(delete_kills_what_waits_and_lets_go_of_what_runs),
        WITH_DB(advance_merges_into_the_diff),
        WITH_DB(advance_lives_and_dies_with_the_callers_transaction),
        WITH_DB(advance_follows_a_rename_during_the_run),
        WITH_DB(due_leaves_out_what_is_busy_or_not_scheduled),
        WITH_DB(unfinished_finds_the_oldest),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
