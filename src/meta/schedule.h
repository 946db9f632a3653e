/* schedule.h - schedules: a configuration, when it runs, and where its next run continues.
 *
 *     create --> due (due_us) --a job is queued, next_us moves on--> due again ...
 *                                     \--the job's commit--> config_diff advances, with the rows
 *
 * Nothing here knows cron expressions or secrets: whoever calls computes the times (sched/) and
 * seals the configuration. All functions as in job.h: inside the caller's transaction when one is
 * open, else in one of their own; times are UTC microseconds and come from the caller. */
#ifndef PEN_META_SCHEDULE_H
#define PEN_META_SCHEDULE_H

#include "meta/job.h"

struct pen_schedule {
    int64_t schedule_id;
    const char *name;
    const char *cron; /* as the user wrote it; "" when it does not run by itself */
    const char *zone; /* IANA name */
    int64_t delay_s;
    const char *missed_runs; /* "none", "latest", "all"; "" for the server's setting */
    const char *database, *table;
    const char *time_column;        /* NULL when none was given */
    const char *config;             /* as shown (JSON): secrets masked */
    struct pen_slice sealed_config; /* as run: sealed by the caller */
    const char *config_diff;        /* JSON map {"in": {...}}; "" before the first run */
    int64_t next_us, due_us;        /* the next time, and with the delay; 0 when not scheduled */
    int64_t first_job_id;           /* jobs up to this one are not its own */
    int64_t created_us, updated_us;
};

/* The longest name, in bytes. */
#define PEN_SCHEDULE_NAME_MAX 255

/* pen_schedule_check_name - 1 to PEN_SCHEDULE_NAME_MAX bytes of UTF-8 without control characters
 * and slashes, and not digits only (that is what ids look like). errors: PEN_ERR_CONFIG. */
PEN_MUST_USE enum pen_code pen_schedule_check_name(const char *name, struct pen_error *err);

/* pen_schedule_create - in: all but schedule_id, first_job_id, updated_us. out: *ret_id (may be
 * NULL), increasing from 1. errors: PEN_ERR_CONFLICT "schedule 'x' already exists"; its name. */
PEN_MUST_USE enum pen_code pen_schedule_create(struct pen_db *db,
                                               const struct pen_schedule *schedule, int64_t *ret_id,
                                               struct pen_error *err);

/* pen_schedule_get - by name, or by id when `name` is digits only. Texts live in the arena.
 * errors: PEN_ERR_NOT_FOUND "schedule 'x' does not exist". */
PEN_MUST_USE enum pen_code pen_schedule_get(struct pen_db *db, const char *name,
                                            struct pen_arena *arena,
                                            struct pen_schedule *ret_schedule,
                                            struct pen_error *err);

/* Which part of the list, and how much of each. */
struct pen_schedule_filter {
    size_t skip, max;
    size_t config_chars; /* the configuration is cut to that many characters; 0: left out */
};

/* Heads of configurations up to so many characters are at hand; longer ones cost twice as much. */
#define PEN_SCHEDULE_HEAD_CHARS 100

/* pen_schedule_list - by name; sealed_config and config_diff are left out.
 * cost: 10,000 of them in some milliseconds. */
PEN_MUST_USE enum pen_code pen_schedule_list(struct pen_db *db,
                                             const struct pen_schedule_filter *filter,
                                             struct pen_arena *arena,
                                             struct pen_schedule **ret_list, size_t *ret_count,
                                             struct pen_error *err);

/* pen_schedule_update - writes everything but schedule_id, first_job_id and created_us of the
 * schedule `schedule_id`; a new name is carried into its jobs. Read it, change it and update it in
 * one transaction: a run may advance config_diff at any time.
 * errors: PEN_ERR_CONFLICT another schedule has the name; PEN_ERR_NOT_FOUND; its name.
 * cost: with a new name, its jobs. */
PEN_MUST_USE enum pen_code
pen_schedule_update(struct pen_db *db, const struct pen_schedule *schedule, struct pen_error *err);

/* pen_schedule_delete - a queued job of it is killed, a running one goes on but no longer belongs
 * to it. The history of its jobs stays in the list of jobs. errors: PEN_ERR_NOT_FOUND. */
PEN_MUST_USE enum pen_code pen_schedule_delete(struct pen_db *db, const char *name, int64_t now_us,
                                               struct pen_error *err);

/* pen_schedule_advance - merges what a successful run says about its successor into config_diff
 * of the schedule that the job belongs to; nothing when there is none (any more). Called in the
 * transaction that commits the run's rows, so that position and rows are one.
 * in: diff_json: {"in": {...}}. errors: PEN_ERR_CORRUPT when that or what is stored is no map. */
PEN_MUST_USE enum pen_code pen_schedule_advance(struct pen_db *db, int64_t job_id,
                                                const char *diff_json, int64_t now_us,
                                                struct pen_error *err);

/* pen_schedule_unfinished - the oldest job of that schedule that is not finished; 0 for none.
 * in: status: only one with it; NULL for any unfinished. cost: one index look-up. */
PEN_MUST_USE enum pen_code pen_schedule_unfinished(struct pen_db *db, const char *name,
                                                   const char *status, int64_t *ret_job_id,
                                                   struct pen_error *err);

/* pen_schedule_due - schedules with due_us up to now_us and without an unfinished job, the longest
 * due first, at most `max`; everything is filled in. */
PEN_MUST_USE enum pen_code pen_schedule_due(struct pen_db *db, int64_t now_us, size_t max,
                                            struct pen_arena *arena, struct pen_schedule **ret_list,
                                            size_t *ret_count, struct pen_error *err);

/* pen_schedule_next_due - the smallest due_us after `after_us`; 0 for none. cost: O(1).
 * pen_schedule_is_any_due - whether one is due, unfinished job or not. */
PEN_MUST_USE enum pen_code pen_schedule_next_due(struct pen_db *db, int64_t after_us,
                                                 int64_t *ret_due_us, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_schedule_is_any_due(struct pen_db *db, int64_t now_us,
                                                   bool *ret_is_due, struct pen_error *err);

/* pen_schedule_set_next - when it runs next; 0 and 0: not again. */
PEN_MUST_USE enum pen_code pen_schedule_set_next(struct pen_db *db, int64_t schedule_id,
                                                 int64_t next_us, int64_t due_us,
                                                 struct pen_error *err);

#endif
