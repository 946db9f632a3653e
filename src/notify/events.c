/* events.c - finished jobs and late schedules become notices.
 *
 *     job, not noticed yet --error | rejects above a limit--> a notice for each target; noticed
 *     schedule or queued job past its time --> a notice for each target, once for each time */
#include "base/json_writer.h"
#include "notify/notify_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* A job of the time before the server ran is no news any more after a day. */
#define NEWS_US ((int64_t)24 * 3600 * PEN_US_PER_SECOND)

#define PAGE    100

/* What is said; `text` and `body` live in the buffers. */
struct event {
    enum pen_event kind;
    struct pen_buf key, title, body;
};

static void event_release(struct event *event)
{
    pen_buf_release(&event->key);
    pen_buf_release(&event->title);
    pen_buf_release(&event->body);
}

#define EVENT(what)                                                                                \
    ((struct event){.kind = (what),                                                                \
                    .key = PEN_BUF(PEN_BUF_TEXT_MAX),                                              \
                    .title = PEN_BUF(PEN_BUF_TEXT_MAX),                                            \
                    .body = PEN_BUF(PEN_BUF_TEXT_MAX)})

static enum pen_code put(struct pen_db *db, const struct event *event,
                         const struct pen_target *target, int64_t now_us, struct pen_error *err)
{
    struct pen_notice notice = {.event_key = event->key.ptr,
                                .target = target->name,
                                .kind = pen_event_names[event->kind],
                                .title = event->title.ptr,
                                .body = event->body.ptr,
                                .created_us = now_us};
    return pen_notice_put(db, &notice, err);
}

/* --- jobs ------------------------------------------------------------------------------------- */

static enum pen_code describe_job(const struct pen_job *job, struct event *event,
                                  struct pen_error *err)
{
    struct pen_json_writer w = PEN_JSON_WRITER(&event->body);
    const char *dot = job->table[0] == '\0' ? "" : "."; /* a query has no table */
    PEN_TRY(pen_buf_addf(&event->key, err, "%s of job %" PRId64, pen_event_names[event->kind],
                         job->job_id));
    if (event->kind == PEN_EVENT_JOB_ERROR)
        PEN_TRY(pen_buf_addf(&event->title, err, "job %" PRId64 " failed: %s%s%s", job->job_id,
                             job->database, dot, job->table));
    else
        PEN_TRY(pen_buf_addf(&event->title, err,
                             "job %" PRId64 " rejected %" PRIu64 " records: %s%s%s", job->job_id,
                             job->counts.rejected, job->database, dot, job->table));
    pen_jw_begin_object(&w);
    pen_jw_member_int(&w, "job_id", job->job_id);
    pen_jw_member_text(&w, "status", pen_job_status_name(job->status));
    pen_jw_member_text(&w, "database", job->database);
    pen_jw_member_text(&w, "table", job->table);
    pen_jw_member_text(&w, "schedule", job->schedule);
    pen_jw_member_int(&w, "records", (int64_t)job->counts.records);
    pen_jw_member_int(&w, "rejected", (int64_t)job->counts.rejected);
    pen_jw_member_int(&w, "filtered", (int64_t)job->counts.filtered);
    pen_jw_member_text(&w, "error", job->error[0] == '\0' ? NULL : job->error);
    pen_jw_member_instant(&w, "started_at", job->started_us);
    pen_jw_member_instant(&w, "ended_at", job->ended_us);
    pen_jw_end_object(&w);
    return pen_jw_done(&w, err);
}

static bool is_wanted(const struct pen_target *target, const struct pen_job *job,
                      enum pen_event kind)
{
    if (!target->wants[kind])
        return false;
    if (kind == PEN_EVENT_JOB_ERROR)
        return job->status == PEN_JOB_ERROR;
    return job->counts.rejected > (uint64_t)target->rejects_above;
}

static enum pen_code tell_of(struct pen_db *db, const struct pen_targets *targets,
                             const struct pen_job *job, enum pen_event kind, int64_t now_us,
                             struct pen_error *err)
{
    PEN_CLEANUP(event_release) struct event event = EVENT(kind);
    PEN_TRY(describe_job(job, &event, err));
    for (size_t i = 0; i < targets->count; i++)
        if (is_wanted(&targets->list[i], job, kind))
            PEN_TRY(put(db, &event, &targets->list[i], now_us, err));
    return PEN_OK;
}

static enum pen_code notice_job(struct pen_db *db, const struct pen_targets *targets,
                                int64_t job_id, int64_t now_us, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_job job = {0};
    PEN_TRY(pen_job_get(db, job_id, &arena, &job, err));
    if (job.ended_us >= now_us - NEWS_US) {
        PEN_TRY(tell_of(db, targets, &job, PEN_EVENT_JOB_ERROR, now_us, err));
        PEN_TRY(tell_of(db, targets, &job, PEN_EVENT_REJECTS, now_us, err));
    }
    return pen_job_noticed(db, job_id, err);
}

static enum pen_code notice_jobs(struct pen_db *db, const struct pen_targets *targets,
                                 const int64_t *ids, size_t count, int64_t now_us,
                                 struct pen_error *err)
{
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = PEN_OK;
    for (size_t i = 0; i < count && code == PEN_OK; i++)
        code = notice_job(db, targets, ids[i], now_us, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

static enum pen_code collect_jobs(struct pen_db *db, const struct pen_targets *targets,
                                  int64_t now_us, struct pen_error *err)
{
    size_t count = PAGE;
    while (count == PAGE) {
        PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 20);
        int64_t *ids = NULL;
        PEN_TRY(pen_job_unnoticed(db, PAGE, &arena, &ids, &count, err));
        if (count > 0)
            PEN_TRY(notice_jobs(db, targets, ids, count, now_us, err));
    }
    return PEN_OK;
}

/* --- schedules -------------------------------------------------------------------------------- */

static enum pen_code tell_late(struct pen_db *db, const struct pen_target *target,
                               const struct pen_late *late, int64_t now_us, struct pen_error *err)
{
    PEN_CLEANUP(event_release) struct event event = EVENT(PEN_EVENT_SCHEDULE_LATE);
    struct pen_json_writer w = PEN_JSON_WRITER(&event.body);
    char since[PEN_INSTANT_TEXT];
    (void)pen_instant_print((struct pen_instant){.utc_us = late->due_us}, since);
    PEN_TRY(pen_buf_addf(&event.key, err, "schedule_late of %s at %" PRId64, late->schedule,
                         late->due_us));
    PEN_TRY(
        pen_buf_addf(&event.title, err, "schedule '%s' is late: due %s", late->schedule, since));
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "schedule", late->schedule);
    pen_jw_member_instant(&w, "due_at", late->due_us);
    pen_jw_member_int(&w, "late_seconds", (now_us - late->due_us) / PEN_US_PER_SECOND);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return put(db, &event, target, now_us, err);
}

static enum pen_code collect_late(struct pen_db *db, const struct pen_target *target,
                                  int64_t now_us, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    struct pen_late *list = NULL;
    size_t count = 0;
    PEN_TRY(
        pen_schedule_late(db, now_us - target->late_after_us, PAGE, &arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        PEN_TRY(tell_late(db, target, &list[i], now_us, err));
    return PEN_OK;
}

enum pen_code pen_events_collect(struct pen_db *db, const struct pen_targets *targets,
                                 int64_t now_us, struct pen_error *err)
{
    PEN_TRY(collect_jobs(db, targets, now_us, err));
    for (size_t i = 0; i < targets->count; i++)
        if (targets->list[i].wants[PEN_EVENT_SCHEDULE_LATE])
            PEN_TRY(collect_late(db, &targets->list[i], now_us, err));
    return PEN_OK;
}
