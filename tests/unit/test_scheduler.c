/* Schedules over a real lake and real files; the clock is what each test says. */
#include "unit.h"

#include "base/civil.h"
#include "conf/load_config.h"
#include "lake/lake.h"
#include "run/run.h"
#include "sched/sched.h"
#include "temp_folder.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET "hunter2-hunter2"
#define SECOND PEN_US_PER_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static char home[300], folder[300];
static struct pen_arena arena;
static struct pen_sched *sched;
static struct pen_error failed;
static int64_t now_us;
static char said[4096]; /* what the scheduler logged */

static enum pen_code make_table(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    (void)context;
    PEN_TRY(pen_lake_database_create(txn, "sample_db", err));
    PEN_TRY(pen_lake_table_create(txn, "sample_db", "other", NULL, err));
    return pen_lake_table_create(txn, "sample_db", "events", NULL, err);
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    return (pen_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60) * SECOND;
}

static void put(const char *name, const char *text)
{
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_home(void **state)
{
    static int number;
    (void)state;
    (void)snprintf(home, sizeof home, "%s/home%d", temp_folder, ++number);
    (void)snprintf(folder, sizeof folder, "%s/data%d", temp_folder, number);
    arena = PEN_ARENA((size_t)256 << 20);
    now_us = at(2026, 1, 1, 0, 30);
    said[0] = '\0';
    if (mkdir(home, 0700) != 0 || mkdir(folder, 0700) != 0)
        return 1;
    put("a.csv", "id\n1\n2\n");
    struct pen_lake *lake = NULL;
    assert_ok(pen_lake_open(home, PEN_DB_CREATE, &lake, err));
    assert_ok(pen_lake_transact(lake, NULL, make_table, NULL, NULL, err));
    pen_lake_close(lake);
    assert_ok(pen_sched_open(home, &sched, err));
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    pen_sched_close(sched);
    sched = NULL;
    pen_arena_release(&arena);
    return 0;
}

/* --- words ------------------------------------------------------------------------------------ */

static struct pen_node *config_of(const char *text, const struct pen_bind *bind)
{
    struct pen_node *document = NULL, *config = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(text), bind->file, &arena, &document, err));
    assert_ok(pen_config_normalize(document, bind, &config, err));
    return config;
}

static struct pen_schedule_words words_of(const char *extra)
{
    char text[1500];
    struct pen_bind bind = {.file = "load.yml", .arena = &arena};
    (void)snprintf(
        text, sizeof text,
        "in:\n  type: file\n  path_prefix: '%s/'\n%s"
        "  parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}]}\n"
        "filters:\n- {type: add_columns, add_columns: [{name: code, type: string, "
        "default: x}]}\n- {type: digest, columns: [{name: code, salt: " SECRET "}]}\n",
        folder, extra);
    return (struct pen_schedule_words){.name = "daily",
                                       .cron = "10 * * * *",
                                       .database = "sample_db",
                                       .table = "events",
                                       .config = config_of(text, &bind),
                                       .bind = bind};
}

static void create(const char *name, const char *cron)
{
    struct pen_schedule_words words = words_of("");
    words.name = name;
    words.cron = cron;
    assert_ok(pen_sched_create(sched, &words, now_us, NULL, err));
}

static struct pen_schedule get(const char *name)
{
    struct pen_schedule schedule = {0};
    assert_ok(pen_schedule_get(pen_sched_db(sched), name, &arena, &schedule, err));
    return schedule;
}

static void collect(void *context, const char *level, const char *text)
{
    size_t len = strlen(said);
    (void)context;
    (void)snprintf(said + len, sizeof said - len, "%s: %s\n", level, text);
}

static int64_t tick_with(struct pen_sched *scheduler, enum pen_missed_runs missed)
{
    struct pen_tick tick = {.now_us = now_us, .missed_runs = missed, .log = collect};
    int64_t next_us = 0;
    assert_ok(pen_scheduler_tick(scheduler, &tick, &next_us, err));
    return next_us;
}

static int64_t tick(void)
{
    return tick_with(sched, PEN_MISSED_LATEST);
}

static size_t job_count(void)
{
    int64_t count = 0;
    bool is_found = false;
    assert_ok(pen_db_query_int(pen_sched_db(sched), &count, &is_found, err,
                               "SELECT count(*) FROM job", ""));
    return (size_t)count;
}

static struct pen_job job_of(int64_t job_id)
{
    struct pen_job job = {0};
    assert_ok(pen_job_get(pen_sched_db(sched), job_id, &arena, &job, err));
    return job;
}

/* Runs the job; its status. */
static enum pen_job_status execute(int64_t job_id, uint64_t *ret_records)
{
    struct pen_run_env env = {.home = home};
    struct pen_execute_options options = {.job_id = job_id};
    struct pen_run_result result = {0};
    enum pen_code code = pen_run_execute(&env, &options, &result, &failed);
    assert_true((code == PEN_OK) == (result.status == PEN_JOB_SUCCESS));
    if (ret_records != NULL)
        *ret_records = result.counts.records;
    return result.status;
}

static void finish_as(int64_t job_id, enum pen_job_status status)
{
    struct pen_job_end end = {.status = status, .now_us = now_us, .snapshot_id = -1};
    assert_ok(pen_job_claim_one(pen_sched_db(sched), job_id, "p", now_us, err));
    assert_ok(pen_job_finish(pen_sched_db(sched), job_id, "p", &end, err));
}

/* --- tests ------------------------------------------------------------------------------------ */

static void create_masks_and_seals(void **state)
{
    (void)state;
    struct pen_schedule_words words = words_of("");
    struct pen_schedule schedule = {0};
    words.has_delay = true;
    words.delay_s = 90;
    words.zone = "Asia/Kathmandu"; /* +5:45 */
    assert_ok(pen_sched_create(sched, &words, now_us, &schedule, err));
    schedule = get("daily");
    assert_null(strstr(schedule.config, SECRET));
    assert_non_null(strstr(schedule.config, "\"salt\":\"***\""));
    assert_null(memmem(schedule.sealed_config.ptr, schedule.sealed_config.len, "hunter", 6));
    assert_int_equal(schedule.next_us, at(2026, 1, 1, 1, 25)); /* 7:10 there */
    assert_int_equal(schedule.due_us, schedule.next_us + 90 * SECOND);
    assert_string_equal(schedule.time_column == NULL ? "none" : schedule.time_column, "none");
}

static void create_refuses_what_could_never_run(void **state)
{
    (void)state;
    struct pen_schedule_words good = words_of(""), words = good;
    words.cron = "0 0 30 2 *";
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    words = good;
    words.zone = "PST";
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    words = good;
    words.database = "nowhere";
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_NOT_FOUND);
    assert_string_equal(failed.message, "Database 'nowhere' does not exist.");
    words = good;
    words.table = "nothing";
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_NOT_FOUND);
    assert_string_equal(failed.message, "Table 'sample_db.nothing' does not exist.");
    words = good;
    words.time_column = "nope";
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    words = good;
    words.has_delay = true;
    words.delay_s = -1;
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    words = good;
    words.missed_runs = "some";
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    words = words_of("  skip_headers: 1\n");
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.where, "load.yml:4:3");
    words = good;
    struct pen_node *masked = NULL;
    assert_ok(pen_config_mask(good.config, &arena, &masked, err));
    words.config = masked;
    assert_int_equal(pen_sched_create(sched, &words, now_us, NULL, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.message, "'salt' is masked: *** stands where the secret was");
    struct pen_schedule_filter filter = {.max = 10};
    struct pen_schedule *list = NULL;
    size_t count = 0;
    assert_ok(pen_schedule_list(pen_sched_db(sched), &filter, &arena, &list, &count, err));
    assert_int_equal(count, 0);
}

static void each_time_gets_one_job_and_continues_where_the_last_one_ended(void **state)
{
    (void)state;
    uint64_t records = 0;
    create("daily", "10 * * * *");
    assert_int_equal(tick(), at(2026, 1, 1, 1, 10));
    assert_int_equal(job_count(), 0);
    now_us = at(2026, 1, 1, 1, 10) - 1;
    tick();
    assert_int_equal(job_count(), 0);
    now_us = at(2026, 1, 1, 1, 10);
    assert_int_equal(tick(), at(2026, 1, 1, 2, 10));
    assert_int_equal(tick(), at(2026, 1, 1, 2, 10));
    assert_int_equal(job_count(), 1);
    struct pen_job job = job_of(1);
    assert_string_equal(job.schedule, "daily");
    assert_int_equal(job.scheduled_us, at(2026, 1, 1, 1, 10));
    assert_string_equal(job.domain_key, "schedule:1:1767229800");
    assert_null(strstr(job.config, SECRET));
    assert_int_equal(execute(1, &records), PEN_JOB_SUCCESS);
    assert_int_equal(records, 2);
    char expected[800];
    (void)snprintf(expected, sizeof expected, "{\"in\":{\"last_path\":\"%s/a.csv\"}}", folder);
    assert_string_equal(get("daily").config_diff, expected);
    put("b.csv", "id\n3\n4\n5\n");
    now_us = at(2026, 1, 1, 2, 10) + 3 * SECOND;
    tick();
    assert_int_equal(job_count(), 2);
    assert_int_equal(job_of(2).scheduled_us, at(2026, 1, 1, 2, 10));
    assert_non_null(strstr(job_of(2).config, "a.csv"));
    assert_int_equal(execute(2, &records), PEN_JOB_SUCCESS);
    assert_int_equal(records, 3); /* only b.csv */
    (void)snprintf(expected, sizeof expected, "{\"in\":{\"last_path\":\"%s/b.csv\"}}", folder);
    assert_string_equal(get("daily").config_diff, expected);
    now_us = at(2026, 1, 1, 3, 10);
    tick();
    assert_int_equal(execute(3, &records), PEN_JOB_SUCCESS);
    assert_int_equal(records, 0);
    assert_string_equal(get("daily").config_diff, expected);
}

static void a_failing_run_leaves_the_position(void **state)
{
    (void)state;
    uint64_t records = 0;
    struct pen_schedule_words words = words_of("");
    struct pen_node *in = pen_node_get(words.config, "in");
    assert_ok(pen_node_set(pen_node_get(in, "parser"), &arena, "stop_on_invalid_record",
                           pen_node_new_bool(&arena, true), err));
    assert_ok(pen_sched_create(sched, &words, now_us, NULL, err));
    now_us = at(2026, 1, 1, 1, 10);
    tick();
    assert_int_equal(execute(1, NULL), PEN_JOB_SUCCESS);
    char before[800];
    (void)snprintf(before, sizeof before, "%s", get("daily").config_diff);
    put("b.csv", "id\nbroken\n");
    now_us = at(2026, 1, 1, 2, 10);
    tick();
    assert_int_equal(execute(2, NULL), PEN_JOB_ERROR);
    assert_string_equal(get("daily").config_diff, before);
    put("b.csv", "id\n3\n");
    put("c.csv", "id\n4\n");
    now_us = at(2026, 1, 1, 3, 10);
    tick();
    assert_int_equal(execute(3, &records), PEN_JOB_SUCCESS);
    assert_int_equal(records, 2); /* b.csv was not passed over */
}

static void one_job_at_a_time_and_the_latest_missed_one_next(void **state)
{
    (void)state;
    create("daily", "*/10 * * * *");
    now_us = at(2026, 1, 1, 0, 40);
    tick();
    assert_int_equal(job_count(), 1);
    now_us = at(2026, 1, 1, 1, 25); /* the job of 0:40 is still there */
    assert_int_equal(tick(), now_us + SECOND);
    assert_int_equal(job_count(), 1);
    finish_as(1, PEN_JOB_ERROR);
    assert_int_equal(tick(), at(2026, 1, 1, 1, 30));
    assert_int_equal(job_count(), 2);
    assert_int_equal(job_of(2).scheduled_us, at(2026, 1, 1, 1, 20));
    assert_non_null(strstr(said, "warn: schedule 'daily': the times from 2026-01-01T00:50:00Z on "
                                 "were missed; the latest one runs\n"));
}

static void missed_times_follow_the_setting(void **state)
{
    (void)state;
    create("none", "0 * * * *");
    create("latest", "0 * * * *");
    create("all", "0 * * * *");
    create("server", "0 * * * *");
    static const char *const own[] = {"none", "latest", "all"};
    for (size_t i = 0; i < 3; i++) {
        struct pen_schedule_words words = {.missed_runs = own[i], .bind = {.arena = &arena}};
        assert_ok(pen_sched_update(sched, own[i], &words, now_us, NULL, err));
    }
    now_us = at(2026, 1, 1, 4, 30); /* 1:00 to 4:00 were missed */
    assert_int_equal(tick_with(sched, PEN_MISSED_NONE), now_us + SECOND); /* `all` is behind */
    static const struct {
        const char *schedule;
        size_t jobs;
    } expected[] = {{"none", 0}, {"latest", 1}, {"all", 1}, {"server", 0}};
    for (size_t i = 0; i < 4; i++) {
        struct pen_job_filter filter = {.max = 10, .schedule = expected[i].schedule};
        struct pen_job *jobs = NULL;
        size_t count = 0;
        assert_ok(pen_job_list(pen_sched_db(sched), &filter, &arena, &jobs, &count, err));
        assert_int_equal(count, expected[i].jobs);
        if (i == 1)
            assert_int_equal(jobs[0].scheduled_us, at(2026, 1, 1, 4, 0));
        if (i == 2)
            assert_int_equal(jobs[0].scheduled_us, at(2026, 1, 1, 1, 0));
    }
    assert_int_equal(get("none").next_us, at(2026, 1, 1, 5, 0));
    /* `all` catches up one after another */
    for (int hour = 1; hour <= 4; hour++) {
        int64_t job_id = 0;
        assert_ok(pen_schedule_unfinished(pen_sched_db(sched), "all", NULL, &job_id, err));
        assert_int_equal(job_of(job_id).scheduled_us, at(2026, 1, 1, hour, 0));
        finish_as(job_id, PEN_JOB_SUCCESS);
        tick_with(sched, PEN_MISSED_NONE);
    }
    int64_t left = 0;
    assert_ok(pen_schedule_unfinished(pen_sched_db(sched), "all", NULL, &left, err));
    assert_int_equal(left, 0);
    assert_int_equal(get("all").next_us, at(2026, 1, 1, 5, 0));
    /* a minute late is not missed */
    now_us = at(2026, 1, 1, 5, 1);
    tick_with(sched, PEN_MISSED_NONE);
    assert_ok(pen_schedule_unfinished(pen_sched_db(sched), "none", NULL, &left, err));
    assert_int_equal(job_of(left).scheduled_us, at(2026, 1, 1, 5, 0));
}

static void the_delay_moves_the_start_not_the_time(void **state)
{
    (void)state;
    struct pen_schedule_words words = words_of("");
    words.has_delay = true;
    words.delay_s = 5400;
    assert_ok(pen_sched_create(sched, &words, now_us, NULL, err));
    assert_int_equal(tick(), at(2026, 1, 1, 2, 40));
    now_us = at(2026, 1, 1, 2, 40);
    assert_int_equal(tick(), at(2026, 1, 1, 3, 40));
    assert_int_equal(job_of(1).scheduled_us, at(2026, 1, 1, 1, 10));
    assert_string_equal(said, "info: schedule 'daily': job 1 is queued\n");
}

static void an_empty_cron_runs_only_by_hand(void **state)
{
    (void)state;
    create("daily", "");
    assert_int_equal(tick(), INT64_MAX);
    now_us += 1000 * HOUR;
    assert_int_equal(tick(), INT64_MAX);
    assert_int_equal(job_count(), 0);
    struct pen_sched_run run = {.scheduled_us = at(2026, 2, 1, 0, 0), .domain_key = "mine"};
    int64_t job_id = 0;
    assert_ok(pen_sched_run(sched, "daily", &run, now_us, &job_id, err));
    assert_int_equal(job_of(job_id).scheduled_us, at(2026, 2, 1, 0, 0));
    assert_int_equal(execute(job_id, NULL), PEN_JOB_SUCCESS);
    assert_string_not_equal(get("daily").config_diff, "");
    run.scheduled_us = 0;
    assert_int_equal(pen_sched_run(sched, "daily", &run, now_us, &job_id, &failed),
                     PEN_ERR_CONFLICT);
    assert_string_equal(failed.message, "conflicts_with job:1");
    assert_int_equal(pen_sched_run(sched, "weekly", &run, now_us, &job_id, &failed),
                     PEN_ERR_NOT_FOUND);
}

static void runs_by_hand_never_overlap(void **state)
{
    (void)state;
    create("daily", "");
    struct pen_sched_run run = {.scheduled_us = 1};
    int64_t job_id = 0;
    assert_ok(pen_sched_run(sched, "daily", &run, now_us, &job_id, err));
    run.may_wait = true;
    assert_int_equal(pen_sched_run(sched, "daily", &run, now_us, &job_id, &failed),
                     PEN_ERR_CONFLICT);
    assert_string_equal(failed.message,
                        "schedule 'daily' has a job that waits already: conflicts_with job:1");
    assert_ok(pen_job_claim_one(pen_sched_db(sched), 1, "p", now_us + HOUR, err));
    run.may_wait = false;
    assert_int_equal(pen_sched_run(sched, "daily", &run, now_us, &job_id, &failed),
                     PEN_ERR_CONFLICT);
    assert_string_equal(failed.message,
                        "schedule 'daily' has a job that runs already: conflicts_with job:1");
    run.may_wait = true;
    assert_ok(pen_sched_run(sched, "daily", &run, now_us, &job_id, err));
    int64_t claimed = -1;
    assert_ok(pen_job_claim(pen_sched_db(sched), "q", now_us + HOUR, &claimed, err));
    assert_int_equal(claimed, 0); /* it waits for the first one */
}

static void update_keeps_the_position_unless_told(void **state)
{
    (void)state;
    uint64_t records = 0;
    create("daily", "10 * * * *");
    now_us = at(2026, 1, 1, 1, 10);
    tick();
    assert_int_equal(execute(1, NULL), PEN_JOB_SUCCESS);
    char diff[800];
    (void)snprintf(diff, sizeof diff, "%s", get("daily").config_diff);
    /* another configuration, table and name: the position stays, and so does the time */
    struct pen_schedule_words words = words_of("  incremental: true\n");
    words.cron = NULL;
    words.name = "nightly";
    words.table = "other";
    now_us += 40 * SECOND;
    assert_ok(pen_sched_update(sched, "daily", &words, now_us, NULL, err));
    assert_string_equal(get("nightly").config_diff, diff);
    assert_int_equal(get("nightly").next_us, at(2026, 1, 1, 2, 10));
    /* rewinding: what is said replaces what is stored; a number stays the text that it was */
    struct pen_schedule_words rewind = {.bind = {.file = "diff.yml", .arena = &arena}};
    rewind.config_diff = config_of("in:\n  last_path: 007\n", &rewind.bind);
    assert_ok(pen_sched_update(sched, "nightly", &rewind, now_us, NULL, err));
    assert_string_equal(get("nightly").config_diff, "{\"in\":{\"last_path\":\"007\"}}");
    rewind.config_diff = config_of("in: {}\n", &rewind.bind);
    assert_ok(pen_sched_update(sched, "nightly", &rewind, now_us, NULL, err));
    assert_string_equal(get("nightly").config_diff, "");
    now_us = at(2026, 1, 1, 2, 10);
    tick();
    assert_int_equal(execute(2, &records), PEN_JOB_SUCCESS);
    assert_int_equal(records, 2); /* a.csv again, into the other table */
    assert_string_equal(job_of(2).table, "other");
    rewind.config_diff = config_of("in: {secret_access_key: " SECRET "}\n", &rewind.bind);
    assert_int_equal(pen_sched_update(sched, "nightly", &rewind, now_us, NULL, &failed),
                     PEN_ERR_CONFIG);
    assert_null(strstr(failed.message, SECRET));
}

static void another_timetable_starts_from_now(void **state)
{
    (void)state;
    create("daily", "10 * * * *");
    struct pen_schedule_words words = {.cron = "0 12 * * *", .zone = "Asia/Tokyo"};
    words.bind.arena = &arena;
    assert_ok(pen_sched_update(sched, "daily", &words, now_us, NULL, err));
    assert_int_equal(get("daily").next_us, at(2026, 1, 1, 3, 0));
    words = (struct pen_schedule_words){.cron = "", .bind = {.arena = &arena}};
    assert_ok(pen_sched_update(sched, "daily", &words, now_us, NULL, err));
    assert_int_equal(get("daily").due_us, 0);
    words = (struct pen_schedule_words){.cron = "0 25 * * *", .bind = {.arena = &arena}};
    assert_int_equal(pen_sched_update(sched, "daily", &words, now_us, NULL, &failed),
                     PEN_ERR_CONFIG);
    assert_string_equal(get("daily").cron, "");
    assert_int_equal(pen_sched_update(sched, "ghost", &words, now_us, NULL, &failed),
                     PEN_ERR_NOT_FOUND);
}

static void a_lost_key_becomes_a_failed_job(void **state)
{
    (void)state;
    char key[400];
    create("daily", "10 * * * *");
    pen_sched_close(sched);
    (void)snprintf(key, sizeof key, "%s/secret.key", home);
    assert_int_equal(unlink(key), 0);
    assert_ok(pen_sched_open(home, &sched, err));
    now_us = at(2026, 1, 1, 1, 10);
    assert_int_equal(tick(), at(2026, 1, 1, 2, 10));
    struct pen_job job = job_of(1);
    assert_int_equal(job.status, PEN_JOB_ERROR);
    assert_string_not_equal(job.error, "");
    assert_non_null(strstr(said, "error: schedule 'daily': "));
}

/* The clock shows 2040 for a moment, and then what it should. */
static void a_clock_that_ran_ahead_stops_no_schedule(void **state)
{
    (void)state;
    create("daily", "10 * * * *");
    create("by hand", "");
    int64_t true_us = get("daily").next_us, hour_us = 3600 * PEN_US_PER_SECOND;
    size_t moved = 0;
    now_us = true_us;
    tick();
    finish_as(1, PEN_JOB_SUCCESS);
    now_us = true_us + 14 * 365 * 24 * hour_us;
    tick();
    finish_as(2, PEN_JOB_SUCCESS);
    assert_int_equal(job_count(), 2);
    now_us = true_us + PEN_US_PER_SECOND;
    tick();
    assert_true(get("daily").next_us > true_us + 10000 * hour_us);
    struct pen_tick when = {.now_us = now_us};
    assert_ok(pen_scheduler_rearm(sched, &when, &moved, err));
    assert_int_equal(moved, 1);
    assert_int_equal(get("daily").next_us, true_us + hour_us);
    assert_ok(pen_scheduler_rearm(sched, &when, &moved, err));
    assert_int_equal(moved, 0);
    now_us = true_us + hour_us;
    tick();
    assert_int_equal(job_count(), 3);
    assert_int_equal(job_of(3).scheduled_us, true_us + hour_us);
}

static void a_clock_set_back_runs_no_time_twice(void **state)
{
    (void)state;
    create("daily", "10 * * * *");
    int64_t first_us = get("daily").next_us, hour_us = 3600 * PEN_US_PER_SECOND;
    size_t moved = 0;
    for (now_us = first_us; now_us < first_us + 3 * hour_us; now_us += hour_us) {
        tick();
        finish_as((int64_t)job_count(), PEN_JOB_SUCCESS);
    }
    assert_int_equal(job_count(), 3);
    now_us = first_us - 60 * PEN_US_PER_SECOND; /* three hours of times come again */
    struct pen_tick when = {.now_us = now_us};
    assert_ok(pen_scheduler_rearm(sched, &when, &moved, err));
    assert_int_equal(moved, 1);
    for (now_us = first_us; now_us < first_us + 3 * hour_us; now_us += hour_us)
        tick();
    assert_int_equal(job_count(), 3);
    tick();
    assert_int_equal(job_count(), 4);
    assert_int_equal(job_of(4).scheduled_us, first_us + 3 * hour_us);
}

static void a_new_timetable_with_a_delay_is_left_alone(void **state)
{
    (void)state;
    struct pen_schedule_words words = words_of("");
    words.has_delay = true;
    words.delay_s = 7200;
    assert_ok(pen_sched_create(sched, &words, now_us, NULL, err));
    struct pen_tick when = {.now_us = now_us};
    size_t moved = 1;
    int64_t next_us = get("daily").next_us;
    assert_ok(pen_scheduler_rearm(sched, &when, &moved, err));
    assert_int_equal(moved, 0);
    assert_int_equal(get("daily").next_us, next_us);
}

static void what_a_killed_tick_left_is_done_once(void **state)
{
    (void)state;
    create("daily", "10 * * * *");
    now_us = at(2026, 1, 1, 1, 10);
    tick();
    finish_as(1, PEN_JOB_SUCCESS);
    /* as if the process had died between the job and the next time, or its clock went back */
    assert_ok(pen_schedule_set_next(pen_sched_db(sched), 1, at(2026, 1, 1, 1, 10),
                                    at(2026, 1, 1, 1, 10), err));
    assert_int_equal(tick(), at(2026, 1, 1, 2, 10));
    assert_int_equal(job_count(), 1);
}

static void many_processes_queue_each_time_once(void **state)
{
    (void)state;
    enum { SCHEDULES = 100, PROCESSES = 4, HOURS = 3 };
    for (int i = 0; i < SCHEDULES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "schedule %d", i);
        create(name, "10 * * * *");
    }
    for (int hour = 1; hour <= HOURS; hour++) {
        now_us = at(2026, 1, 1, hour, 10);
        pid_t children[PROCESSES];
        for (int i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0) {
                struct pen_sched *own = NULL;
                struct pen_tick own_tick = {.now_us = now_us, .missed_runs = PEN_MISSED_LATEST};
                int64_t next_us = 0;
                _exit(pen_sched_open(home, &own, NULL) != PEN_OK ||
                      pen_scheduler_tick(own, &own_tick, &next_us, NULL) != PEN_OK);
            }
        }
        for (int i = 0; i < PROCESSES; i++) {
            int status = -1;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        assert_int_equal(job_count(), (size_t)(hour * SCHEDULES));
        assert_ok(pen_db_exec(pen_sched_db(sched), "UPDATE job SET status = 'success'", err));
    }
}

int main(void)
{
#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)
    const struct CMUnitTest tests[] = {
        WITH_HOME(create_masks_and_seals),
        WITH_HOME(create_refuses_what_could_never_run),
        WITH_HOME(each_time_gets_one_job_and_continues_where_the_last_one_ended),
        WITH_HOME(a_failing_run_leaves_the_position),
        WITH_HOME(one_job_at_a_time_and_the_latest_missed_one_next),
        WITH_HOME(missed_times_follow_the_setting),
        WITH_HOME(the_delay_moves_the_start_not_the_time),
        WITH_HOME(an_empty_cron_runs_only_by_hand),
        WITH_HOME(runs_by_hand_never_overlap),
        WITH_HOME(update_keeps_the_position_unless_told),
        WITH_HOME(another_timetable_starts_from_now),
        WITH_HOME(a_lost_key_becomes_a_failed_job),
        WITH_HOME(a_clock_that_ran_ahead_stops_no_schedule),
        WITH_HOME(a_clock_set_back_runs_no_time_twice),
        WITH_HOME(a_new_timetable_with_a_delay_is_left_alone),
        WITH_HOME(what_a_killed_tick_left_is_done_once),
        WITH_HOME(many_processes_queue_each_time_once),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
