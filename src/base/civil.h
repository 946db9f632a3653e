/* civil.h - days, dates and clock readings; proleptic Gregorian, UTC, no time zones (see tz/). */
#ifndef PEN_BASE_CIVIL_H
#define PEN_BASE_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define PEN_US_PER_SECOND INT64_C(1000000)
#define PEN_US_PER_DAY    (INT64_C(86400) * PEN_US_PER_SECOND)

/* A point in time: microseconds since 1970-01-01T00:00:00Z, and the nanoseconds beyond (0..999).
 * Covers the years -290308 .. 294247. */
struct pen_instant {
    int64_t utc_us;
    uint16_t ns;
};

struct pen_civil {
    int64_t year;
    int month, day;           /* 1..12, 1..31 */
    int hour, minute, second; /* 0..23, 0..59, 0..59 */
    int us;                   /* 0..999999 */
};

/* pen_days_from_civil - days since 1970-01-01; month 1..12, day may pass the month's end. O(1). */
int64_t pen_days_from_civil(int64_t year, int month, int day);

/* pen_civil_from_us - the UTC calendar reading of an instant. O(1). */
struct pen_civil pen_civil_from_us(int64_t utc_us);

/* pen_now_us - wall clock, UTC microseconds. */
int64_t pen_now_us(void);

/* pen_monotonic_us - a clock that never goes back, for durations and deadlines. */
int64_t pen_monotonic_us(void);

/* Room for any text of pen_instant_print. */
#define PEN_INSTANT_TEXT 48

/* pen_instant_print - RFC 3339 in UTC with 'Z', as many fraction digits as needed (0 to 9);
 * years outside 0000-9999 as signed expanded years (+12345-01-01T00:00:00Z). Returns the length.
 * in: out has PEN_INSTANT_TEXT bytes. */
size_t pen_instant_print(struct pen_instant instant, char *out);

/* pen_instant_read - what pen_instant_print writes, and its kin of ISO 8601: YYYY-MM-DD, then
 * nothing or T or a blank and hh:mm[:ss[.1 to 9 digits]] with Z, UTC, an offset (+hh, +hhmm,
 * +hh:mm, blanks before it) or no zone, which is UTC. Nothing may follow.
 * out: *ret_instant only on true. thread: pure. cost: O(1). */
bool pen_instant_read(struct pen_slice text, struct pen_instant *ret_instant);

#endif
