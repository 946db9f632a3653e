/* cron.h - cron expressions: text to sets, and the instants that they name in a time zone.
 *
 *     "10 0 * * mon-fri" --parse--> sets of minutes, hours ... --next, in a zone--> UTC seconds
 *
 * Pure: no clock, no files, no allocation. thread: any.
 *
 * Five fields: minute 0-59, hour 0-23, day of month 1-31, month 1-12 or jan-dec, weekday 0-7 or
 * sun-sat (0 and 7 are Sunday). A field is a list of *, N and N-M; a star and a range may carry a
 * step behind a slash. Where both day fields are restricted, a day matches when either does; a
 * field that begins with * is not restricted. @hourly, @daily and @monthly stand for their five
 * fields.
 *
 * Clock changes. An expression that names all 24 hours follows the running clock: it fires at every
 * instant whose clock reading matches. Any other fires, for each reading, at the first instant at
 * which the zone's clock shows that reading or a later one: a reading that a gap skips fires when
 * the gap ends (several of them once), one that happens twice fires the first time.
 * docs/schedules.md has examples. */
#ifndef PEN_SCHED_CRON_H
#define PEN_SCHED_CRON_H

#include "base/error.h"
#include "base/slice.h"
#include "tz/zone.h"

/* Bit n stands for the value n. */
struct pen_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* weekdays: 0 (Sunday) to 6 */
    bool is_any_day, is_any_weekday;        /* the field began with '*' */
};

/* The longest expression that is read. */
#define PEN_CRON_MAX_BYTES 256

/* pen_cron_parse - reads an expression.
 * errors: PEN_ERR_CONFIG, naming the field and what it may hold: a wrong number of fields, a value
 *         out of range, a range that runs backwards, a step of 0 or longer than its field, an
 *         unknown name or @word, a date that no year has (30 February). Empty text too. */
PEN_MUST_USE enum pen_code pen_cron_parse(struct pen_slice text, struct pen_cron *ret_cron,
                                          struct pen_error *err);

/* Instants from -292,000 to 292,000 years around 1970 can be asked for. */
#define PEN_CRON_MAX_SECONDS INT64_C(9000000000000)

/* pen_cron_next - the first instant after `after_s` (UTC seconds, exclusive) at which it fires.
 * in: a cron that pen_cron_parse made; zone: NULL for UTC. cost: microseconds. */
int64_t pen_cron_next(const struct pen_cron *cron, const struct pen_zone *zone, int64_t after_s);

/* pen_cron_last - the last instant at or before `at_s` at which it fires. cost: some dozen times
 * that of pen_cron_next, however often it fires. */
int64_t pen_cron_last(const struct pen_cron *cron, const struct pen_zone *zone, int64_t at_s);

#endif
