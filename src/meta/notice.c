#include "meta/notice.h"

#include "meta/meta_internal.h"

static enum pen_code insert(struct pen_db *db, const struct pen_notice *notice,
                            struct pen_error *err)
{
    int64_t id = 0;
    bool is_known = false;
    PEN_TRY(pen_db_query_int(db, &id, &is_known, err,
                             "SELECT notice_id FROM notice WHERE event_key = $1 AND target = $2",
                             "tt", notice->event_key, notice->target));
    if (is_known)
        return PEN_OK;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(notice_id) FROM notice", &id, err));
    return pen_db_run(
        db, NULL, err,
        "INSERT INTO notice VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $7, '')", "ittttti",
        id, notice->event_key, notice->target, notice->kind, notice->title, notice->body,
        notice->created_us);
}

enum pen_code pen_notice_put(struct pen_db *db, const struct pen_notice *notice,
                             struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert(db, notice, err), err);
}

static enum pen_code read_row(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    struct pen_notice *notice = item;
    (void)context;
    *notice = (struct pen_notice){
        .notice_id = pen_stmt_int(stmt, 0),
        .created_us = pen_stmt_int(stmt, 6),
        .attempts = (int)pen_stmt_int(stmt, 7),
    };
    const char **const texts[] = {&notice->event_key, &notice->target, &notice->kind,
                                  &notice->title, &notice->body};
    for (int i = 0; i < 5; i++)
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, i + 1), texts[i], err));
    return PEN_OK;
}

enum pen_code pen_notice_due(struct pen_db *db, int64_t now_us, size_t max, struct pen_arena *arena,
                             struct pen_notice **ret_list, size_t *ret_count, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_notice), read_row, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT notice_id, event_key, target, kind, title, body, created_us, "
                         "attempts FROM notice WHERE state = 'waiting' AND next_us <= $1 "
                         "ORDER BY next_us, notice_id LIMIT $2",
                         "ii", now_us, (int64_t)max));
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

enum pen_code pen_notice_sent(struct pen_db *db, int64_t notice_id, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "UPDATE notice SET state = 'sent', attempts = attempts + 1, error = '' "
                      "WHERE notice_id = $1",
                      "i", notice_id);
}

enum pen_code pen_notice_failed(struct pen_db *db, int64_t notice_id, int64_t next_us,
                                const char *error, struct pen_error *err)
{
    return pen_db_run(
        db, NULL, err,
        "UPDATE notice SET state = CASE WHEN $1 = 0 THEN 'failed' ELSE 'waiting' END, "
        "attempts = attempts + 1, next_us = $1, error = $2 WHERE notice_id = $3",
        "iti", next_us, error, notice_id);
}

static enum pen_code read_late(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    struct pen_late *late = item;
    (void)context;
    late->due_us = pen_stmt_int(stmt, 1);
    return pen_arena_text(arena, pen_stmt_text(stmt, 0), &late->schedule, err);
}

enum pen_code pen_schedule_late(struct pen_db *db, int64_t before_us, size_t max,
                                struct pen_arena *arena, struct pen_late **ret_list,
                                size_t *ret_count, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_late), read_late, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        db, &stmt, err,
        "SELECT name, due_us AS due FROM schedule WHERE due_us > 0 AND due_us <= $1 UNION "
        "SELECT j.schedule, j.scheduled_us + s.delay_s * 1000000 FROM job j "
        "JOIN schedule s ON s.name = j.schedule WHERE j.status = 'queued' AND "
        "j.scheduled_us > 0 AND j.scheduled_us + s.delay_s * 1000000 <= $1 "
        "ORDER BY due LIMIT $2",
        "ii", before_us, (int64_t)max));
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

static enum pen_code read_id(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                             void *item, struct pen_error *err)
{
    (void)arena, (void)context, (void)err;
    *(int64_t *)item = pen_stmt_int(stmt, 0);
    return PEN_OK;
}

enum pen_code pen_job_unnoticed(struct pen_db *db, size_t max, struct pen_arena *arena,
                                int64_t **ret_job_ids, size_t *ret_count, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(int64_t), read_id, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT job_id FROM job WHERE is_noticed = 0 AND "
                         "status IN ('success', 'error', 'killed') ORDER BY job_id LIMIT $1",
                         "i", (int64_t)max));
    return pen_stmt_list(stmt, &reader, arena, ret_job_ids, ret_count, err);
}

enum pen_code pen_job_noticed(struct pen_db *db, int64_t job_id, struct pen_error *err)
{
    return pen_db_run(db, NULL, err, "UPDATE job SET is_noticed = 1 WHERE job_id = $1", "i",
                      job_id);
}
