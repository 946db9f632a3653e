/* sched.h - schedules as commands, the API and the server use them.
 *
 *     words + configuration --create--> schedule --tick, run--> queued job --run/--> rows +
 * position
 *
 * A schedule has at most one job that runs and at most one that waits; the scheduler itself queues
 * only when there is neither. A job's configuration is the schedule's with `in` overlaid by
 * config_diff.in, the position that the last successful run left.
 * thread: one at a time per struct pen_sched; several of them, also in other processes, may work on
 * one home. Times are UTC microseconds and come from the caller: nothing here reads a clock. */
#ifndef PEN_SCHED_SCHED_H
#define PEN_SCHED_SCHED_H

#include "conf/options.h"
#include "meta/schedule.h"

struct pen_sched;

/* pen_sched_open - the catalog and the key of a home; both are made when missing. */
PEN_MUST_USE enum pen_code pen_sched_open(const char *home, struct pen_sched **ret_sched,
                                          struct pen_error *err);
void pen_sched_close(struct pen_sched *sched);
PEN_DEFINE_FREE_P(struct pen_sched *, pen_sched_close)

/* pen_sched_db - its connection, for meta/schedule.h and meta/job.h. */
struct pen_db *pen_sched_db(const struct pen_sched *sched);

/* --- schedules -------------------------------------------------------------------------------- */

/* What happens with times at which nothing could run (no server, or the schedule's job before was
 * still running): nothing, one run for the latest of them, or a run for each, one after another. */
enum pen_missed_runs { PEN_MISSED_NONE, PEN_MISSED_LATEST, PEN_MISSED_ALL };
extern const char *const pen_missed_runs_names[]; /* "none", "latest", "all", NULL */

/* What is said about a schedule. NULL: not said (a default, or as it is). */
struct pen_schedule_words {
    const char *name;
    const char *cron; /* "": does not run by itself */
    const char *zone; /* default UTC */
    bool has_delay;
    int64_t delay_s;         /* 0 .. PEN_SCHEDULE_MAX_DELAY_S */
    const char *missed_runs; /* "": the server's setting */
    const char *database, *table;
    const char *time_column;            /* "": none */
    const struct pen_node *config;      /* normalised, with its secrets */
    struct pen_bind bind;               /* of config: where it stood; arena */
    const struct pen_node *config_diff; /* normalised like a configuration; only `in` is kept */
};

#define PEN_SCHEDULE_MAX_DELAY_S (366 * INT64_C(86400))

/* pen_sched_create - in: name, cron, database, table and config must be said.
 * out:    *ret_schedule (may be NULL): as stored; texts in words->bind.arena.
 * errors: cron, zone, names; PEN_ERR_NOT_FOUND database or table; what is wrong in the
 *         configuration, with its place; PEN_ERR_CONFLICT the name is taken. */
PEN_MUST_USE enum pen_code pen_sched_create(struct pen_sched *sched,
                                            const struct pen_schedule_words *words, int64_t now_us,
                                            struct pen_schedule *ret_schedule,
                                            struct pen_error *err);

/* pen_sched_update - changes what is said. The position stays, also with another configuration,
 * unless config_diff is said: it replaces the stored one. Another cron, zone or delay: the next run
 * is the first time after now_us. errors: as pen_sched_create; PEN_ERR_NOT_FOUND. */
PEN_MUST_USE enum pen_code pen_sched_update(struct pen_sched *sched, const char *name,
                                            const struct pen_schedule_words *words, int64_t now_us,
                                            struct pen_schedule *ret_schedule,
                                            struct pen_error *err);

/* pen_sched_delete - out: *ret_schedule: as it was, texts in the arena. errors: PEN_ERR_NOT_FOUND.
 * What becomes of its jobs: pen_schedule_delete. */
PEN_MUST_USE enum pen_code pen_sched_delete(struct pen_sched *sched, const char *name,
                                            int64_t now_us, struct pen_arena *arena,
                                            struct pen_schedule *ret_schedule,
                                            struct pen_error *err);

/* --- runs ------------------------------------------------------------------------------------- */

struct pen_sched_run {
    int64_t scheduled_us;   /* the time that it stands for */
    const char *domain_key; /* a second job with the same key is refused; NULL for none */
    bool may_wait;          /* behind a running job of the schedule: somebody runs the queue */
};

/* pen_sched_run - queues a job now, outside of the timetable (which is not changed).
 * errors: PEN_ERR_NOT_FOUND; PEN_ERR_CONFLICT: a job of it waits already, or runs and !may_wait;
 *         "conflicts_with job:<id>" for a used domain_key. */
PEN_MUST_USE enum pen_code pen_sched_run(struct pen_sched *sched, const char *name,
                                         const struct pen_sched_run *run, int64_t now_us,
                                         int64_t *ret_job_id, struct pen_error *err);

/* How the scheduler works; log may be NULL. */
struct pen_tick {
    int64_t now_us;
    enum pen_missed_runs missed_runs; /* for schedules that do not say it */
    void (*log)(void *context, const char *level, const char *text);
    void *log_context;
};

/* pen_scheduler_rearm - for the start, and when the clock was set back: schedules that fired while
 * it was ahead wait for times that are far away, and begin with the next time from now again. A
 * time that had its job gets no second one. out: *ret_moved: how many. errors: of the database.
 * cost: O(schedules), under the write lock. */
PEN_MUST_USE enum pen_code pen_scheduler_rearm(struct pen_sched *sched, const struct pen_tick *tick,
                                               size_t *ret_moved, struct pen_error *err);

/* A time that is met no later than this is not missed. */
#define PEN_SCHEDULE_GRACE_US (60 * INT64_C(1000000))

/* pen_scheduler_tick - queues the jobs of all schedules that are due. Call it at *ret_next_us, and
 * earlier whenever a schedule was changed or a job ended. Any number of processes may: a time of a
 * schedule gets one job (domain_key "schedule:<id>:<seconds>"), and what a killed process did not
 * finish is done by the next tick.
 * out:    *ret_next_us: when there is something to do next; INT64_MAX for never. A second from now
 *         while a schedule is due whose job is not finished.
 * errors: of the database. What fails for one schedule (a lost key, a zone that is gone) is logged
 *         and becomes a failed job of its history, or is tried again in an hour. */
PEN_MUST_USE enum pen_code pen_scheduler_tick(struct pen_sched *sched, const struct pen_tick *tick,
                                              int64_t *ret_next_us, struct pen_error *err);

#endif
