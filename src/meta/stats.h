/* stats.h - figures over all rows, for metrics: cheap enough to be asked every few seconds. */
#ifndef PEN_META_STATS_H
#define PEN_META_STATS_H

#include "meta/job.h"

struct pen_queue_stats {
    int64_t queued, running;  /* jobs; running: booting too */
    int64_t oldest_queued_us; /* when the oldest queued job was made; 0 for none */
    int64_t oldest_object_us; /* the oldest object that a job is to load; 0 for none */
    int64_t schedules;        /* that have a timetable */
    int64_t latest_due_us;    /* the longest due time that has not been met; 0 for none */
};

/* pen_queue_stats - one look at jobs, plans and schedules. in: now_us: for what is due. */
PEN_MUST_USE enum pen_code pen_queue_stats(struct pen_db *db, int64_t now_us,
                                           struct pen_queue_stats *ret_stats,
                                           struct pen_error *err);

#endif
