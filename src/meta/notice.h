/* notice.h - messages to people and programs about jobs and schedules, until they are sent.
 *
 *     event (job_error, rejects, schedule_late) --per target--> waiting --sent--> sent
 *                                                   \--failed too often--> failed
 *
 * An event is said once to a target, however often it is put: its key says which it is.
 * All functions as in job.h. */
#ifndef PEN_META_NOTICE_H
#define PEN_META_NOTICE_H

#include "meta/job.h"

struct pen_notice {
    int64_t notice_id;
    const char *event_key; /* "job 17", "late nightly 1700000000000000" */
    const char *target;    /* as the settings name it */
    const char *kind;      /* "job_error", "rejects", "schedule_late" */
    const char *title;     /* one line */
    const char *body;      /* JSON map: what a program wants to know */
    int64_t created_us;
    int attempts;
};

/* pen_notice_put - waiting, due at once; nothing when that event was put for that target before.
 * in: all but notice_id and attempts. */
PEN_MUST_USE enum pen_code pen_notice_put(struct pen_db *db, const struct pen_notice *notice,
                                          struct pen_error *err);

/* pen_notice_due - waiting ones whose time has come, oldest first, at most `max`. */
PEN_MUST_USE enum pen_code pen_notice_due(struct pen_db *db, int64_t now_us, size_t max,
                                          struct pen_arena *arena, struct pen_notice **ret_list,
                                          size_t *ret_count, struct pen_error *err);

/* pen_notice_sent - it was. pen_notice_failed - one more attempt failed: again at next_us, or given
 * up with 0. */
PEN_MUST_USE enum pen_code pen_notice_sent(struct pen_db *db, int64_t notice_id,
                                           struct pen_error *err);
PEN_MUST_USE enum pen_code pen_notice_failed(struct pen_db *db, int64_t notice_id, int64_t next_us,
                                             const char *error, struct pen_error *err);

/* A run that should have begun. */
struct pen_late {
    const char *schedule;
    int64_t due_us; /* its time, with the delay */
};

/* pen_schedule_late - runs that were due up to before_us and have not begun: no job was queued, or
 * it waits still. The longest due first, at most `max`. */
PEN_MUST_USE enum pen_code pen_schedule_late(struct pen_db *db, int64_t before_us, size_t max,
                                             struct pen_arena *arena, struct pen_late **ret_list,
                                             size_t *ret_count, struct pen_error *err);

/* pen_job_unnoticed - finished jobs that pen_job_noticed was not said of, oldest first.
 * pen_job_noticed - in the transaction that puts their notices. cost: as many as there are. */
PEN_MUST_USE enum pen_code pen_job_unnoticed(struct pen_db *db, size_t max, struct pen_arena *arena,
                                             int64_t **ret_job_ids, size_t *ret_count,
                                             struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_noticed(struct pen_db *db, int64_t job_id,
                                           struct pen_error *err);

#endif
