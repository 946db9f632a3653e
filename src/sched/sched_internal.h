/* sched_internal.h - what the files of sched/ share. */
#ifndef PEN_SCHED_SCHED_INTERNAL_H
#define PEN_SCHED_SCHED_INTERNAL_H

#include "lake/lake.h"
#include "sched/sched.h"
#include "sched/timetable.h"
#include "vault/vault.h"

struct pen_sched {
    char *home;
    struct pen_lake *lake;
    struct pen_vault *vault;
};

/* pen_sched_begin, _leave - a write transaction; leave commits when code is PEN_OK, else rolls
 * back, and returns the code of the whole. */
PEN_MUST_USE enum pen_code pen_sched_begin(struct pen_sched *sched, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_sched_leave(struct pen_sched *sched, enum pen_code code,
                                           struct pen_error *err);

/* pen_sched_config - the schedule's own configuration, unsealed; nodes in the arena. */
PEN_MUST_USE enum pen_code pen_sched_config(struct pen_sched *sched,
                                            const struct pen_schedule *schedule,
                                            struct pen_arena *arena, struct pen_node **ret_config,
                                            struct pen_error *err);

/* pen_sched_add_job - a queued job of the schedule, inside the caller's transaction. */
PEN_MUST_USE enum pen_code pen_sched_add_job(struct pen_sched *sched,
                                             const struct pen_schedule *schedule,
                                             const struct pen_sched_run *run, int64_t now_us,
                                             int64_t *ret_job_id, struct pen_error *err);

#endif
