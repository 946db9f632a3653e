/* text of ISO 8601 --> instant: fixed places, every digit and range checked, no locale, no clock.
 */
#include <string.h>

#include "base/civil.h"

struct reader {
    const char *at, *end;
};

/* Exactly `digits` digits, as a number between low and high. */
static bool read_number(struct reader *r, int digits, int low, int high, int *ret)
{
    int value = 0;
    if (r->end - r->at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        char c = r->at[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    r->at += digits;
    *ret = value;
    return value >= low && value <= high;
}

static bool skip(struct reader *r, char c)
{
    bool is_there = r->at < r->end && *r->at == c;
    r->at += is_there;
    return is_there;
}

static bool read_date(struct reader *r, int64_t *ret_days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!read_number(r, 4, 0, 9999, &year) || !skip(r, '-') || !read_number(r, 2, 1, 12, &month) ||
        !skip(r, '-') || !read_number(r, 2, 1, 31, &day))
        return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    *ret_days = pen_days_from_civil(year, month, day);
    return day <= lengths[month - 1] + (month == 2 && is_leap);
}

static bool read_fraction(struct reader *r, int64_t *ret_ns)
{
    int64_t ns = 0, unit = 1000000000;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && unit > 1) {
        unit /= 10;
        ns += (*r->at++ - '0') * unit;
    }
    *ret_ns = ns;
    return unit < 1000000000;
}

static bool read_clock(struct reader *r, int64_t *ret_seconds, int64_t *ret_ns)
{
    int hour, minute, second = 0;
    if (!read_number(r, 2, 0, 23, &hour) || !skip(r, ':') || !read_number(r, 2, 0, 59, &minute))
        return false;
    if (skip(r, ':')) {
        if (!read_number(r, 2, 0, 59, &second))
            return false;
        if (skip(r, '.') && !read_fraction(r, ret_ns))
            return false;
    }
    *ret_seconds = hour * INT64_C(3600) + minute * 60 + second;
    return true;
}

/* The offset of the local reading from UTC. */
static bool read_zone(struct reader *r, int64_t *ret_seconds)
{
    while (skip(r, ' '))
        continue;
    *ret_seconds = 0;
    if (r->at == r->end || skip(r, 'Z'))
        return true;
    if (r->end - r->at == 3 && memcmp(r->at, "UTC", 3) == 0) {
        r->at = r->end;
        return true;
    }
    int hours, minutes = 0;
    bool is_west = *r->at == '-';
    if ((!skip(r, '+') && !skip(r, '-')) || !read_number(r, 2, 0, 18, &hours))
        return false;
    (void)skip(r, ':'); /* may be there or not; digits must follow if anything does */
    if ((r->at < r->end || r->at[-1] == ':') && !read_number(r, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = (hours * INT64_C(3600) + minutes * 60) * (is_west ? -1 : 1);
    return true;
}

bool pen_instant_read(struct pen_slice text, struct pen_instant *ret_instant)
{
    struct reader r = {text.ptr, text.ptr + text.len};
    int64_t days, clock_s = 0, ns = 0, zone_s = 0;
    if (!read_date(&r, &days))
        return false;
    if (r.at < r.end) {
        if (!skip(&r, 'T') && !skip(&r, ' '))
            return false;
        if (!read_clock(&r, &clock_s, &ns) || !read_zone(&r, &zone_s) || r.at < r.end)
            return false;
    }
    ret_instant->utc_us =
        days * PEN_US_PER_DAY + (clock_s - zone_s) * PEN_US_PER_SECOND + ns / 1000;
    ret_instant->ns = (uint16_t)(ns % 1000);
    return true;
}
