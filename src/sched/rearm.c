/* rearm.c - schedules that wait for a future which is over: the clock was ahead for a while. */
#include "sched/sched_internal.h"

/* More than anybody has. */
#define LIST_MAX 1000000

/* Whatever a schedule waits for is the next time after a moment that has been. What lies behind the
 * next time from now was reckoned by a clock that ran ahead. */
static enum pen_code rearm_one(struct pen_sched *sched, const struct pen_schedule *schedule,
                               const struct pen_tick *tick, bool *ret_is_moved,
                               struct pen_error *err)
{
    struct pen_timetable timetable;
    *ret_is_moved = false;
    if (schedule->next_us <= tick->now_us ||
        pen_timetable_open(schedule->cron, schedule->zone, &timetable, NULL) != PEN_OK)
        return PEN_OK; /* what is wrong with it is told when it is due */
    int64_t next_us = pen_timetable_next(&timetable, tick->now_us);
    if (next_us == 0 || next_us >= schedule->next_us)
        return PEN_OK;
    *ret_is_moved = true;
    return pen_schedule_set_next(pen_sched_db(sched), schedule->schedule_id, next_us,
                                 next_us + schedule->delay_s * PEN_US_PER_SECOND, err);
}

static enum pen_code rearm_all(struct pen_sched *sched, const struct pen_tick *tick,
                               size_t *ret_moved, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    struct pen_schedule_filter filter = {.max = LIST_MAX};
    struct pen_schedule *list = NULL;
    size_t count = 0;
    *ret_moved = 0;
    PEN_TRY(pen_schedule_list(pen_sched_db(sched), &filter, &arena, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool is_moved = false;
        PEN_TRY(rearm_one(sched, &list[i], tick, &is_moved, err));
        *ret_moved += is_moved;
    }
    return PEN_OK;
}

enum pen_code pen_scheduler_rearm(struct pen_sched *sched, const struct pen_tick *tick,
                                  size_t *ret_moved, struct pen_error *err)
{
    PEN_TRY(pen_sched_begin(sched, err));
    return pen_sched_leave(sched, rearm_all(sched, tick, ret_moved, err), err);
}
