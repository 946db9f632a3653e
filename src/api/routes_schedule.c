/* routes_schedule.c - /v3/bulk_loads...: schedules, which the original calls sessions, their runs
 * and their history. source: spec/cli.md 4. */
#include "api/api_config.h"
#include "api/api_words.h"
#include "api/routes_internal.h"

#include "conf/load_config.h"
#include "sched/sched.h"

#define REPLY_MAX_BYTES  ((size_t)256 << 20)

#define LIST_MAX         100000
#define HISTORY_MAX      1000
#define CONFIG_MAX_CHARS ((size_t)1 << 20)

/* --- a session -------------------------------------------------------------------------------- */

/* JSON text as it is stored, or an empty map. */
static void write_stored(struct pen_json_writer *w, const char *key, const char *json)
{
    pen_jw_key(w, key);
    if (json == NULL || json[0] == '\0')
        pen_jw_raw(w, PEN_LIT("{}"));
    else
        pen_jw_raw(w, pen_slice_str(json));
}

static void write_session(struct pen_json_writer *w, const struct pen_schedule *schedule)
{
    pen_jw_begin_object(w);
    pen_jw_member_int(w, "id", schedule->schedule_id);
    pen_jw_member_text(w, "name", schedule->name);
    pen_jw_member_text(w, "cron", schedule->cron);
    pen_jw_member_text(w, "timezone", schedule->zone);
    pen_jw_member_int(w, "delay", schedule->delay_s);
    pen_jw_member_text(w, "database", schedule->database);
    pen_jw_member_text(w, "table", schedule->table);
    pen_jw_member_text(w, "time_column", schedule->time_column);
    write_stored(w, "config", schedule->config);
    write_stored(w, "config_diff", schedule->config_diff);
    pen_jw_member_text(w, "missed_runs",
                       schedule->missed_runs == NULL || schedule->missed_runs[0] == '\0'
                           ? NULL
                           : schedule->missed_runs);
    pen_api_member_time(w, "next_time", schedule->due_us);
    pen_api_member_time(w, "created_at", schedule->created_us);
    pen_api_member_time(w, "updated_at", schedule->updated_us);
    pen_jw_end_object(w);
}

static enum pen_code reply_session(struct pen_api_call *call, const struct pen_schedule *schedule,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    write_session(&w, schedule);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code get_sessions(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_schedule_filter filter = {.max = LIST_MAX, .config_chars = CONFIG_MAX_CHARS};
    struct pen_schedule *list = NULL;
    size_t count = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(pen_schedule_list(pen_lake_db(call->lake), &filter, call->arena, &list, &count, err));
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_session(&w, &list[i]);
    pen_jw_end_array(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code get_session(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_schedule schedule;
    PEN_TRY(
        pen_schedule_get(pen_lake_db(call->lake), call->params[0], call->arena, &schedule, err));
    return reply_session(call, &schedule, err);
}

/* --- changes ---------------------------------------------------------------------------------- */

static enum pen_code read_diff(struct pen_api_call *call, const struct pen_node *body,
                               struct pen_schedule_words *words, struct pen_error *err)
{
    struct pen_bind bind = {.file = "config_diff", .arena = call->arena};
    const struct pen_node *given = pen_node_get(body, "config_diff");
    struct pen_node *diff = NULL;
    if (given == NULL)
        return PEN_OK;
    struct pen_node *document = given->kind == PEN_NODE_NULL ? pen_node_new_map(call->arena)
                                                             : pen_node_copy(given, call->arena);
    if (document == NULL)
        return pen_fail_nomem(err);
    if (document->kind != PEN_NODE_MAP)
        return pen_fail(err, PEN_ERR_CONFIG, "member 'config_diff' must be a JSON object");
    PEN_TRY(pen_config_normalize(document, &bind, &diff, err));
    PEN_TRY(pen_api_check_diff(call, diff, err));
    words->config_diff = diff;
    return PEN_OK;
}

/* `name` of an update is the new one. */
static enum pen_code read_words(struct pen_api_call *call, struct pen_schedule_words *ret_words,
                                struct pen_error *err)
{
    struct pen_node *body = NULL;
    struct pen_schedule_words words = {.bind = {.file = "config", .arena = call->arena}};
    struct pen_run_env env;
    PEN_TRY(pen_api_json(call, &body, err));
    PEN_TRY(pen_api_text(body, "name", &words.name, err));
    PEN_TRY(pen_api_text(body, "cron", &words.cron, err));
    PEN_TRY(pen_api_text(body, "timezone", &words.zone, err));
    PEN_TRY(pen_api_text(body, "missed_runs", &words.missed_runs, err));
    PEN_TRY(pen_api_text(body, "database", &words.database, err));
    PEN_TRY(pen_api_text(body, "table", &words.table, err));
    PEN_TRY(pen_api_text(body, "time_column", &words.time_column, err));
    const struct pen_node *delay = pen_node_get(body, "delay");
    words.has_delay = delay != NULL && delay->kind != PEN_NODE_NULL;
    PEN_TRY(pen_api_int(body, "delay", (struct pen_api_range){0, PEN_SCHEDULE_MAX_DELAY_S, 0},
                        &words.delay_s, err));
    if (pen_node_get(body, "config") != NULL) {
        PEN_TRY(pen_api_config(call, body, NULL, &env, err));
        words.config = env.config;
    }
    PEN_TRY(read_diff(call, body, &words, err));
    *ret_words = words;
    return PEN_OK;
}

static enum pen_code check_whole(const struct pen_schedule_words *words, struct pen_error *err)
{
    const struct {
        const char *name;
        bool is_there;
    } members[] = {{"name", words->name != NULL},
                   {"database", words->database != NULL},
                   {"table", words->table != NULL},
                   {"config", words->config != NULL}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (!members[i].is_there)
            return pen_fail(err, PEN_ERR_CONFIG, "parameter '%s' is required", members[i].name);
    return PEN_OK;
}

static enum pen_code post_session(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_schedule_words words;
    struct pen_schedule schedule;
    struct pen_sched *sched = NULL;
    PEN_TRY(read_words(call, &words, err));
    PEN_TRY(check_whole(&words, err));
    if (words.cron == NULL)
        words.cron = "";
    PEN_TRY(pen_api_sched(call, &sched, err));
    PEN_TRY(pen_sched_create(sched, &words, pen_now_us(), NULL, err));
    PEN_TRY(pen_schedule_get(pen_lake_db(call->lake), words.name, call->arena, &schedule, err));
    pen_api_wake(call->api);
    return reply_session(call, &schedule, err);
}

static enum pen_code put_session(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_schedule_words words;
    struct pen_schedule schedule;
    struct pen_sched *sched = NULL;
    PEN_TRY(read_words(call, &words, err));
    PEN_TRY(pen_api_sched(call, &sched, err));
    PEN_TRY(pen_sched_update(sched, call->params[0], &words, pen_now_us(), &schedule, err));
    pen_api_wake(call->api);
    return reply_session(call, &schedule, err);
}

static enum pen_code delete_session(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_schedule schedule;
    struct pen_sched *sched = NULL;
    PEN_TRY(pen_api_sched(call, &sched, err));
    PEN_TRY(pen_sched_delete(sched, call->params[0], pen_now_us(), call->arena, &schedule, err));
    return reply_session(call, &schedule, err);
}

/* --- runs ------------------------------------------------------------------------------------- */

/* [[name, type, ""], ...] of the table as it is now; nothing when it is gone. */
static enum pen_code write_columns(struct pen_api_call *call, const struct pen_schedule *schedule,
                                   struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_json_writer w = PEN_JSON_WRITER(into);
    struct pen_lake_table table = {0};
    PEN_TRY(pen_lake_begin_read(call->lake, &txn, err));
    enum pen_code code =
        pen_lake_table_find(txn, schedule->database, schedule->table, call->arena, &table, err);
    if (code != PEN_OK && code != PEN_ERR_NOT_FOUND)
        return code;
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < table.column_count; i++) {
        pen_jw_begin_array(&w);
        pen_jw_text(&w, table.columns[i].name);
        pen_jw_text(&w, pen_type_name(table.columns[i].type));
        pen_jw_text(&w, "");
        pen_jw_end_array(&w);
    }
    pen_jw_end_array(&w);
    return pen_jw_done(&w, err);
}

static void write_named(struct pen_json_writer *w, const char *key, const char *name)
{
    pen_jw_key(w, key);
    pen_jw_begin_object(w);
    pen_jw_member_null(w, "id");
    pen_jw_member_text(w, "name", name);
    pen_jw_end_object(w);
}

static void write_run(struct pen_json_writer *w, const struct pen_job *job, struct pen_slice schema)
{
    pen_jw_begin_object(w);
    pen_api_member_id(w, "job_id", job->job_id);
    pen_jw_member_int(w, "account_id", 1);
    pen_jw_member_text(w, "status", pen_job_status_name(job->status));
    pen_jw_member_int(w, "records", (int64_t)job->counts.records);
    pen_jw_member_int(w, "rejected", (int64_t)job->counts.rejected);
    pen_jw_key(w, "schema");
    pen_jw_raw(w, schema);
    write_named(w, "database", job->database);
    write_named(w, "table", job->table);
    pen_jw_member_int(w, "priority", job->priority);
    pen_api_member_epoch(w, "created_at", job->created_us);
    pen_api_member_epoch(w, "updated_at", job->ended_us != 0 ? job->ended_us : job->created_us);
    pen_api_member_epoch(w, "start_at", job->started_us);
    pen_api_member_epoch(w, "end_at", job->ended_us);
    pen_api_member_epoch(w, "scheduled_at", job->scheduled_us);
    write_stored(w, "config", job->config);
    pen_jw_end_object(w);
}

static enum pen_code get_runs(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_schedule schedule;
    struct pen_job *jobs = NULL;
    struct pen_node *form = NULL;
    size_t count = 0;
    int64_t max = 0;
    struct pen_db *db = pen_lake_db(call->lake);
    PEN_CLEANUP(pen_buf_release) struct pen_buf columns = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_int(form, "max", (struct pen_api_range){0, LIST_MAX, HISTORY_MAX}, &max, err));
    PEN_TRY(pen_schedule_get(db, call->params[0], call->arena, &schedule, err));
    struct pen_job_filter filter = {.max = (size_t)max,
                                    .schedule = schedule.name,
                                    .after_id = schedule.first_job_id,
                                    .now_us = pen_now_us()};
    PEN_TRY(pen_job_list(db, &filter, call->arena, &jobs, &count, err));
    PEN_TRY(write_columns(call, &schedule, &columns, err));
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_run(&w, &jobs[i], pen_buf_slice(&columns));
    pen_jw_end_array(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code run_now(struct pen_api_call *call, int64_t *ret_job_id, struct pen_error *err)
{
    struct pen_node *body = NULL;
    struct pen_sched *sched = NULL;
    struct pen_sched_run run = {.may_wait = true};
    int64_t now_us = pen_now_us(), seconds = 0;
    struct pen_api_range range = {0, INT64_C(253402300799), now_us / PEN_US_PER_SECOND};
    PEN_TRY(pen_api_json(call, &body, err));
    PEN_TRY(pen_api_int(body, "scheduled_time", range, &seconds, err));
    PEN_TRY(pen_api_text(body, "domain_key", &run.domain_key, err));
    run.scheduled_us = seconds * PEN_US_PER_SECOND;
    PEN_TRY(pen_api_sched(call, &sched, err));
    return pen_sched_run(sched, call->params[0], &run, now_us, ret_job_id, err);
}

static enum pen_code post_run(struct pen_api_call *call, struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(4096);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    enum pen_code code = run_now(call, &job_id, err);
    pen_api_add_conflict(call, code, err);
    PEN_TRY(code);
    pen_api_wake(call->api);
    pen_jw_begin_object(&w);
    pen_api_member_id(&w, "job_id", job_id);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

const struct pen_api_route pen_routes_schedule[] = {
    {"GET", "/v3/bulk_loads", PEN_API_VIEWER, 0, get_sessions, "All schedules, by name"},
    {"POST", "/v3/bulk_loads", PEN_API_OPERATOR, PEN_API_SLOW, post_session, "Create a schedule"},
    {"GET", "/v3/bulk_loads/:name", PEN_API_VIEWER, 0, get_session, "One schedule"},
    {"PUT", "/v3/bulk_loads/:name", PEN_API_OPERATOR, PEN_API_SLOW, put_session,
     "Change a schedule"},
    {"DELETE", "/v3/bulk_loads/:name", PEN_API_OPERATOR, PEN_API_SLOW, delete_session,
     "Delete a schedule"},
    {"GET", "/v3/bulk_loads/:name/jobs", PEN_API_VIEWER, 0, get_runs,
     "The runs of a schedule, newest first"},
    {"POST", "/v3/bulk_loads/:name/jobs", PEN_API_OPERATOR, PEN_API_SLOW, post_run,
     "Run a schedule now"},
    {.method = NULL},
};
