/* timetable.h - when a schedule runs: a cron expression, bound to a time zone by its name.
 * thread: any; a timetable is a value. */
#ifndef PEN_SCHED_TIMETABLE_H
#define PEN_SCHED_TIMETABLE_H

#include "sched/cron.h"

struct pen_timetable {
    bool is_scheduled; /* false: the expression is empty, it never runs by itself */
    struct pen_cron cron;
    const struct pen_zone *zone;
};

/* pen_timetable_open - in: cron: "" is not scheduled; zone: "UTC" or an IANA region.
 * errors: as pen_cron_parse; PEN_ERR_CONFIG for a zone that does not exist, and for abbreviations
 *         (PST, CET) and offsets (+09:00), with the reason and the name to use instead. */
PEN_MUST_USE enum pen_code pen_timetable_open(const char *cron, const char *zone,
                                              struct pen_timetable *ret_timetable,
                                              struct pen_error *err);

/* pen_schedule_zone - the zone of a schedule alone. errors: as pen_timetable_open. */
PEN_MUST_USE enum pen_code pen_schedule_zone(const char *name, const struct pen_zone **ret_zone,
                                             struct pen_error *err);

/* pen_timetable_next - the first time after `after_us`, 0 when it is not scheduled.
 * pen_timetable_last - the last time at or before `at_us`, 0 when it is not scheduled. */
int64_t pen_timetable_next(const struct pen_timetable *timetable, int64_t after_us);
int64_t pen_timetable_last(const struct pen_timetable *timetable, int64_t at_us);

/* pen_moment_parse - an instant as people write it on a command line: "now", seconds since 1970,
 * 2026-01-31, 2026-01-31 12:00, 2026-01-31T12:00:00, each with or without Z or +hh:mm behind.
 * in: zone: of a reading without one. out: *ret_us.
 * errors: PEN_ERR_CONFIG "cannot read the time '...'", also for dates that do not exist. */
PEN_MUST_USE enum pen_code pen_moment_parse(const char *text, const struct pen_zone *zone,
                                            int64_t now_us, int64_t *ret_us, struct pen_error *err);

#endif
