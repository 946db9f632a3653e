#include "meta/schedule.h"

#include "base/number.h"
#include "base/utf8.h"
#include "conf/tree.h"
#include "meta/meta_internal.h"

#include <inttypes.h>

#define IS_UNFINISHED "status IN ('queued', 'booting', 'running')"

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static bool is_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static enum pen_code fail_missing(const char *name, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_NOT_FOUND, "schedule '%s' does not exist", name);
    pen_error_hint(err, "'penstock connector:list' shows all schedules");
    return PEN_ERR_NOT_FOUND;
}

enum pen_code pen_schedule_check_name(const char *name, struct pen_error *err)
{
    struct pen_slice text = pen_slice_str(name);
    if (text.len == 0 || text.len > PEN_SCHEDULE_NAME_MAX)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "the name of a schedule must have 1 to %d bytes, not %zu",
                        PEN_SCHEDULE_NAME_MAX, text.len);
    if (is_digits(name))
        return pen_fail(err, PEN_ERR_CONFIG, "'%s' cannot name a schedule: digits alone are an id",
                        name);
    if (pen_slice_is(text, ".") || pen_slice_is(text, ".."))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "'%s' cannot name a schedule: clients take it out of addresses", name);
    bool is_good = pen_utf8_is_valid(text);
    for (size_t i = 0; i < text.len; i++)
        is_good = is_good && (unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != '/' &&
                  text.ptr[i] != 0x7F;
    return is_good ? PEN_OK
                   : pen_fail(err, PEN_ERR_CONFIG,
                              "the name of a schedule must be UTF-8 without slashes and control "
                              "characters");
}

/* --- create ----------------------------------------------------------------------------------- */

static enum pen_code check_free(struct pen_db *db, const char *name, int64_t own_id,
                                struct pen_error *err)
{
    int64_t other = 0;
    bool is_found = false;
    PEN_TRY(pen_schedule_check_name(name, err));
    PEN_TRY(pen_db_query_int(db, &other, &is_found, err,
                             "SELECT schedule_id FROM schedule WHERE name = $1 AND "
                             "schedule_id <> $2",
                             "ti", name, own_id));
    return is_found ? pen_fail(err, PEN_ERR_CONFLICT, "schedule '%s' already exists", name)
                    : PEN_OK;
}

static enum pen_code insert(struct pen_db *db, const struct pen_schedule *s, int64_t *ret_id,
                            struct pen_error *err)
{
    int64_t id = 0, next_job_id = 0;
    PEN_TRY(check_free(db, s->name, 0, err));
    PEN_TRY(pen_meta_next_id(db, "SELECT max(schedule_id) FROM schedule", &id, err));
    PEN_TRY(pen_meta_next_id(db, "SELECT max(job_id) FROM job", &next_job_id, err));
    PEN_TRY(pen_db_run(
        db, NULL, err,
        "INSERT INTO schedule (schedule_id, name, cron, zone, delay_s, missed_runs, database_name, "
        "table_name, time_column, next_us, due_us, first_job_id, created_us, updated_us, "
        "config_head) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, "
        "substr($14, 1, $15))",
        "itttittttiiiiti", id, s->name, text_or_empty(s->cron), s->zone, s->delay_s,
        text_or_empty(s->missed_runs), s->database, s->table, s->time_column, s->next_us, s->due_us,
        next_job_id - 1, s->created_us, s->config, (int64_t)PEN_SCHEDULE_HEAD_CHARS));
    PEN_TRY(pen_db_run(db, NULL, err,
                       "INSERT INTO schedule_config (schedule_id, config, sealed_config, "
                       "config_diff) VALUES ($1, $2, $3, $4)",
                       "itbt", id, s->config, s->sealed_config, text_or_empty(s->config_diff)));
    if (ret_id != NULL)
        *ret_id = id;
    return PEN_OK;
}

enum pen_code pen_schedule_create(struct pen_db *db, const struct pen_schedule *schedule,
                                  int64_t *ret_id, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert(db, schedule, ret_id, err), err);
}

/* --- read ------------------------------------------------------------------------------------- */

#define SCHEDULE_COLUMNS                                                                           \
    "schedule.schedule_id, name, cron, zone, delay_s, missed_runs, database_name, table_name, "    \
    "time_column, next_us, due_us, first_job_id, created_us, updated_us, "
#define WITH_CONFIG                                                                                \
    "FROM schedule JOIN schedule_config ON schedule_config.schedule_id = schedule.schedule_id "
#define SELECT_WHOLE "SELECT " SCHEDULE_COLUMNS "config, config_diff, sealed_config " WITH_CONFIG

static enum pen_code read_row(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    struct pen_schedule *s = item;
    (void)context;
    *s = (struct pen_schedule){
        .schedule_id = pen_stmt_int(stmt, 0),
        .delay_s = pen_stmt_int(stmt, 4),
        .next_us = pen_stmt_int(stmt, 9),
        .due_us = pen_stmt_int(stmt, 10),
        .first_job_id = pen_stmt_int(stmt, 11),
        .created_us = pen_stmt_int(stmt, 12),
        .updated_us = pen_stmt_int(stmt, 13),
    };
    const struct {
        int column;
        const char **text;
    } texts[] = {{1, &s->name},        {2, &s->cron},     {3, &s->zone},
                 {5, &s->missed_runs}, {6, &s->database}, {7, &s->table},
                 {8, &s->time_column}, {14, &s->config},  {15, &s->config_diff}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!pen_stmt_is_null(stmt, texts[i].column))
            PEN_TRY(
                pen_arena_text(arena, pen_stmt_text(stmt, texts[i].column), texts[i].text, err));
    struct pen_slice sealed = pen_stmt_bytes(stmt, 16);
    const char *copy = NULL;
    PEN_TRY(pen_arena_text(arena, sealed, &copy, err));
    s->sealed_config = pen_slice(copy, sealed.len);
    return PEN_OK;
}

static const struct pen_row_reader row_reader = {sizeof(struct pen_schedule), read_row, NULL};

static enum pen_code read_one(struct pen_stmt *stmt, struct pen_arena *arena,
                              struct pen_schedule *ret_schedule, bool *ret_is_found,
                              struct pen_error *err)
{
    PEN_TRY(pen_stmt_step(stmt, ret_is_found, err));
    return *ret_is_found ? read_row(stmt, arena, NULL, ret_schedule, err) : PEN_OK;
}

enum pen_code pen_schedule_get(struct pen_db *db, const char *name, struct pen_arena *arena,
                               struct pen_schedule *ret_schedule, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    int64_t id = 0;
    bool is_found = false;
    if (is_digits(name) && pen_parse_long(pen_slice_str(name), &id))
        PEN_TRY(
            pen_db_query(db, &stmt, err, SELECT_WHOLE "WHERE schedule.schedule_id = $1", "i", id));
    else
        PEN_TRY(pen_db_query(db, &stmt, err, SELECT_WHOLE "WHERE name = $1", "t", name));
    PEN_TRY(read_one(stmt, arena, ret_schedule, &is_found, err));
    return is_found ? PEN_OK : fail_missing(name, err);
}

enum pen_code pen_schedule_list(struct pen_db *db, const struct pen_schedule_filter *filter,
                                struct pen_arena *arena, struct pen_schedule **ret_list,
                                size_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    int64_t max = (int64_t)filter->max, skip = (int64_t)filter->skip;
    if (filter->config_chars <= PEN_SCHEDULE_HEAD_CHARS)
        PEN_TRY(pen_db_query(db, &stmt, err,
                             "SELECT " SCHEDULE_COLUMNS "substr(config_head, 1, $1), '', NULL "
                             "FROM schedule ORDER BY name LIMIT $2 OFFSET $3",
                             "iii", (int64_t)filter->config_chars, max, skip));
    else
        PEN_TRY(pen_db_query(db, &stmt, err,
                             "SELECT " SCHEDULE_COLUMNS
                             "substr(config, 1, $1), '', NULL " WITH_CONFIG
                             "ORDER BY name LIMIT $2 OFFSET $3",
                             "iii", (int64_t)filter->config_chars, max, skip));
    return pen_stmt_list(stmt, &row_reader, arena, ret_list, ret_count, err);
}

/* --- update, delete --------------------------------------------------------------------------- */

/* The name is what ties jobs to their schedule. Jobs that a deleted namesake left are cut loose. */
static enum pen_code rename_jobs(struct pen_db *db, const struct pen_schedule *schedule,
                                 struct pen_error *err)
{
    PEN_TRY(pen_db_run(db, NULL, err, "UPDATE job SET schedule = NULL WHERE schedule = $1", "t",
                       schedule->name));
    return pen_db_run(db, NULL, err,
                      "UPDATE job SET schedule = $1 WHERE job_id > (SELECT first_job_id FROM "
                      "schedule WHERE schedule_id = $2) AND schedule = "
                      "(SELECT name FROM schedule WHERE schedule_id = $2)",
                      "ti", schedule->name, schedule->schedule_id);
}

static enum pen_code is_new_name(struct pen_db *db, const struct pen_schedule *schedule,
                                 bool *ret_is_new, struct pen_error *err)
{
    int64_t same = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &same, &is_found, err,
                             "SELECT CASE WHEN name = $1 THEN 1 ELSE 0 END FROM schedule "
                             "WHERE schedule_id = $2",
                             "ti", schedule->name, schedule->schedule_id));
    *ret_is_new = same == 0;
    return is_found ? PEN_OK : fail_missing(schedule->name, err);
}

static enum pen_code update(struct pen_db *db, const struct pen_schedule *s, struct pen_error *err)
{
    bool is_new = false;
    PEN_TRY(is_new_name(db, s, &is_new, err));
    if (is_new) {
        PEN_TRY(check_free(db, s->name, s->schedule_id, err));
        PEN_TRY(rename_jobs(db, s, err));
    }
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE schedule SET name = $1, cron = $2, zone = $3, delay_s = $4, "
                       "missed_runs = $5, database_name = $6, table_name = $7, time_column = $8, "
                       "next_us = $9, due_us = $10, updated_us = $11, "
                       "config_head = substr($12, 1, $13) WHERE schedule_id = $14",
                       "tttittttiiitii", s->name, text_or_empty(s->cron), s->zone, s->delay_s,
                       text_or_empty(s->missed_runs), s->database, s->table, s->time_column,
                       s->next_us, s->due_us, s->updated_us, s->config,
                       (int64_t)PEN_SCHEDULE_HEAD_CHARS, s->schedule_id));
    return pen_db_run(
        db, NULL, err,
        "UPDATE schedule_config SET config = $1, sealed_config = $2, config_diff = $3 "
        "WHERE schedule_id = $4",
        "tbti", s->config, s->sealed_config, text_or_empty(s->config_diff), s->schedule_id);
}

enum pen_code pen_schedule_update(struct pen_db *db, const struct pen_schedule *schedule,
                                  struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, update(db, schedule, err), err);
}

static enum pen_code kill_queued(struct pen_db *db, const char *name, int64_t now_us,
                                 struct pen_error *err)
{
    for (;;) {
        int64_t job_id = 0;
        enum pen_job_status former = PEN_JOB_QUEUED;
        PEN_TRY(pen_schedule_unfinished(db, name, "queued", &job_id, err));
        if (job_id == 0)
            return PEN_OK;
        PEN_TRY(pen_job_kill(db, job_id, now_us, &former, err));
    }
}

static enum pen_code delete (struct pen_db *db, const char *name, int64_t now_us,
                             struct pen_error *err) {
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, NULL, err,
                       "DELETE FROM schedule_config WHERE schedule_id = (SELECT schedule_id FROM "
                       "schedule WHERE name = $1)",
                       "t", name));
    PEN_TRY(pen_db_run(db, &changes, err, "DELETE FROM schedule WHERE name = $1", "t", name));
    if (changes == 0) return fail_missing(name, err);
    PEN_TRY(kill_queued(db, name, now_us, err));
    return pen_db_run(db, NULL, err,
                      "UPDATE job SET schedule = NULL WHERE schedule = $1 AND " IS_UNFINISHED, "t",
                      name);
}

enum pen_code pen_schedule_delete(struct pen_db *db, const char *name, int64_t now_us,
                                  struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, delete (db, name, now_us, err), err);
}

/* --- runs ------------------------------------------------------------------------------------- */

static enum pen_code parse_diff(const char *text, struct pen_arena *arena,
                                struct pen_node **ret_map, struct pen_error *err)
{
    struct pen_node *root = NULL;
    if (text[0] == '\0')
        root = pen_node_new_map(arena);
    else
        PEN_TRY(pen_tree_parse(pen_slice_str(text), "config diff", arena, &root, err));
    if (root == NULL)
        return pen_fail_nomem(err);
    if (root->kind != PEN_NODE_MAP)
        return pen_fail(err, PEN_ERR_CORRUPT, "config diff: not a map");
    *ret_map = root;
    return PEN_OK;
}

static enum pen_code merge_diff(const char *stored, const char *newer, struct pen_arena *arena,
                                struct pen_buf *into, struct pen_error *err)
{
    struct pen_node *base = NULL, *over = NULL;
    PEN_TRY(parse_diff(stored, arena, &base, err));
    PEN_TRY(parse_diff(newer, arena, &over, err));
    PEN_TRY(pen_node_merge(base, over, arena, err));
    return pen_tree_write_json(base, false, into, err);
}

static enum pen_code advance(struct pen_db *db, int64_t job_id, const char *diff_json,
                             int64_t now_us, struct pen_arena *arena, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf merged = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_schedule schedule = {0};
    bool is_found = false;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         SELECT_WHOLE "WHERE name = (SELECT schedule FROM job WHERE job_id = $1)",
                         "i", job_id));
    PEN_TRY(read_one(stmt, arena, &schedule, &is_found, err));
    if (!is_found)
        return PEN_OK;
    PEN_TRY(merge_diff(schedule.config_diff, diff_json, arena, &merged, err));
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE schedule_config SET config_diff = $1 WHERE schedule_id = $2", "ti",
                       merged.ptr, schedule.schedule_id));
    return pen_db_run(db, NULL, err, "UPDATE schedule SET updated_us = $1 WHERE schedule_id = $2",
                      "ii", now_us, schedule.schedule_id);
}

static enum pen_code advance_in_arena(struct pen_db *db, int64_t job_id, const char *diff_json,
                                      int64_t now_us, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    return advance(db, job_id, diff_json, now_us, &arena, err);
}

enum pen_code pen_schedule_advance(struct pen_db *db, int64_t job_id, const char *diff_json,
                                   int64_t now_us, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, advance_in_arena(db, job_id, diff_json, now_us, err), err);
}

enum pen_code pen_schedule_unfinished(struct pen_db *db, const char *name, const char *status,
                                      int64_t *ret_job_id, struct pen_error *err)
{
    bool is_found = false;
    int64_t job_id = 0;
    /* a plain min(job_id) would walk the index of the whole history */
    PEN_TRY(
        pen_db_query_int(db, &job_id, &is_found, err,
                         "SELECT min(job_id + 0) FROM job WHERE schedule = $1 AND " IS_UNFINISHED
                         " AND ($2 IS NULL OR status = $2)",
                         "tt", name, status));
    *ret_job_id = job_id;
    return PEN_OK;
}

enum pen_code pen_schedule_due(struct pen_db *db, int64_t now_us, size_t max,
                               struct pen_arena *arena, struct pen_schedule **ret_list,
                               size_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         SELECT_WHOLE "WHERE due_us > 0 AND due_us <= $1 AND NOT EXISTS (SELECT 1 "
                                      "FROM job WHERE job.schedule = schedule.name "
                                      "AND " IS_UNFINISHED ") ORDER BY due_us LIMIT $2",
                         "ii", now_us, (int64_t)max));
    return pen_stmt_list(stmt, &row_reader, arena, ret_list, ret_count, err);
}

enum pen_code pen_schedule_next_due(struct pen_db *db, int64_t after_us, int64_t *ret_due_us,
                                    struct pen_error *err)
{
    bool is_found = false;
    int64_t due_us = 0;
    PEN_TRY(pen_db_query_int(db, &due_us, &is_found, err,
                             "SELECT min(due_us) FROM schedule WHERE due_us > $1", "i",
                             after_us > 0 ? after_us : 0));
    *ret_due_us = due_us;
    return PEN_OK;
}

enum pen_code pen_schedule_is_any_due(struct pen_db *db, int64_t now_us, bool *ret_is_due,
                                      struct pen_error *err)
{
    int64_t due_us = 0;
    PEN_TRY(pen_schedule_next_due(db, 0, &due_us, err));
    *ret_is_due = due_us > 0 && due_us <= now_us;
    return PEN_OK;
}

enum pen_code pen_schedule_set_next(struct pen_db *db, int64_t schedule_id, int64_t next_us,
                                    int64_t due_us, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "UPDATE schedule SET next_us = $1, due_us = $2 WHERE schedule_id = $3", "iii",
                      next_us, due_us, schedule_id);
}
