/* time_resolve.c - the fields of a value to its instant.
 * source: spec/parsers.md 6.3 (legacy) and 6.5 (ruby). */
#include "tz/time_internal.h"

const char *const pen_time_weekdays[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                          "Thursday", "Friday", "Saturday"};
const char *const pen_time_months[12] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};

size_t pen_time_match_word(const char *at, const char *end, const char *word, size_t len)
{
    if ((size_t)(end - at) < len)
        return 0;
    for (size_t i = 0; i < len; i++) {
        char a = at[i], b = word[i];
        if (a >= 'A' && a <= 'Z')
            a = (char)(a - 'A' + 'a');
        if (b >= 'A' && b <= 'Z')
            b = (char)(b - 'A' + 'a');
        if (a != b)
            return 0;
    }
    return len;
}

size_t pen_time_match_name(const char *at, const char *end, const char *const *names, size_t count,
                           size_t *ret_index)
{
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            size_t len = pass == 0 ? strlen(names[i]) : 3;
            if (pen_time_match_word(at, end, names[i], len) > 0) {
                *ret_index = i;
                return len;
            }
        }
    }
    return 0;
}

bool pen_time_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int pen_time_month_days(int64_t year, int month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && pen_time_is_leap(year));
}

struct pen_civil pen_time_date_of(int64_t days)
{
    /* 400 years nearer to 1970, so that days at the very edge do not overflow as microseconds */
    int64_t shift = days < 0 ? 400 : -400;
    struct pen_civil c = pen_civil_from_us((days + shift / 400 * 146097) * PEN_US_PER_DAY);
    c.year -= shift;
    return c;
}

bool pen_time_make_instant(int64_t utc_seconds, int64_t ns, struct pen_instant *ret_instant)
{
    int64_t carry = ns / 1000000000 - (ns % 1000000000 < 0);
    ns -= carry * 1000000000;
    int64_t us = 0, part = ns / 1000;
    if (__builtin_add_overflow(utc_seconds, carry, &utc_seconds))
        return false;
    if (utc_seconds < 0) { /* towards zero, so that the earliest instant does not overflow */
        utc_seconds++;
        part -= PEN_US_PER_SECOND;
    }
    if (__builtin_mul_overflow(utc_seconds, PEN_US_PER_SECOND, &us) ||
        __builtin_add_overflow(us, part, &us))
        return false;
    *ret_instant = (struct pen_instant){us, (uint16_t)(ns % 1000)};
    return true;
}

static bool finish(int64_t utc_seconds, int64_t ns, struct pen_instant *ret_instant,
                   struct pen_time_failure *failure)
{
    if (pen_time_make_instant(utc_seconds, ns, ret_instant))
        return true;
    failure->cause = PEN_TIME_OUT_OF_RANGE;
    return false;
}

/* %s and %Q: nothing else counts but a fraction, which points away from 1970. */
static bool resolve_epoch(const struct pen_time_fields *fields, struct pen_instant *ret_instant,
                          struct pen_time_failure *failure)
{
    int64_t ms = fields->value[PEN_TIME_EPOCH_MS];
    int64_t fraction = pen_time_get(fields, PEN_TIME_FRACTION_NS, 0);
    int64_t ns = ms % 1000 * 1000000 + (ms < 0 ? -fraction : fraction);
    return finish(ms / 1000, ns, ret_instant, failure);
}

/* A negative fraction means something only next to a number of seconds. */
static bool check_fraction(const struct pen_time_fields *fields, struct pen_time_failure *failure)
{
    int64_t fraction = pen_time_get(fields, PEN_TIME_FRACTION_NS, 0);
    if (fraction >= 0)
        return true;
    failure->cause = PEN_TIME_BAD_VALUE;
    failure->field = "NanoOfSecond";
    failure->span = "0 - 999999999";
    failure->value = fraction;
    return false;
}

/* The year that %C, %Y and %y make together. */
static int64_t year_of(const struct pen_time_fields *fields, int64_t otherwise)
{
    if (!pen_time_has(fields, PEN_TIME_YEAR))
        return otherwise;
    return fields->value[PEN_TIME_YEAR] + pen_time_get(fields, PEN_TIME_CENTURY, 0) * 100;
}

/* The hour of the day, and the day that hour 24 adds. */
static int64_t hour_of(const struct pen_time_fields *fields, int64_t *ret_extra_days)
{
    int64_t hour = pen_time_get(fields, PEN_TIME_HOUR, 0);
    *ret_extra_days = 0;
    if (pen_time_has(fields, PEN_TIME_HOUR) && pen_time_has(fields, PEN_TIME_MERIDIAN))
        return hour % 12 + fields->value[PEN_TIME_MERIDIAN];
    if (hour < 24)
        return hour;
    *ret_extra_days = 1;
    return 0;
}

bool pen_time_resolve_legacy(const struct pen_time_format *format,
                             const struct pen_time_fields *fields, struct pen_instant *ret_instant,
                             struct pen_time_failure *failure)
{
    if (pen_time_has(fields, PEN_TIME_EPOCH_MS))
        return resolve_epoch(fields, ret_instant, failure);
    if (!check_fraction(fields, failure))
        return false;
    struct pen_zone_ref zone = format->zone;
    if (pen_time_has(fields, PEN_TIME_ZONE) && !pen_zone_from_text(fields->zone, &zone)) {
        failure->cause = PEN_TIME_BAD_ZONE;
        failure->zone = fields->zone;
        return false;
    }
    int64_t year = year_of(fields, format->default_year), days = 0, extra_days = 0;
    if (pen_time_has(fields, PEN_TIME_YEAR_DAY)) {
        int64_t day = fields->value[PEN_TIME_YEAR_DAY];
        if (day == 366 && !pen_time_is_leap(year)) {
            failure->cause = PEN_TIME_BAD_YEAR_DAY;
            failure->year = year;
            return false;
        }
        days = pen_days_from_civil(year, 1, 1) + day - 1;
    } else { /* a day beyond the month's end runs into the next month */
        days = pen_days_from_civil(year,
                                   (int)pen_time_get(fields, PEN_TIME_MONTH, format->default_month),
                                   (int)pen_time_get(fields, PEN_TIME_DAY, format->default_day));
    }
    int64_t seconds = hour_of(fields, &extra_days) * 3600;
    int64_t second = pen_time_get(fields, PEN_TIME_SECOND, 0);
    seconds += (days + extra_days) * 86400 + pen_time_get(fields, PEN_TIME_MINUTE, 0) * 60 +
               (second == 60 ? 59 : second);
    return finish(pen_zone_ref_utc(zone, seconds), pen_time_get(fields, PEN_TIME_FRACTION_NS, 0),
                  ret_instant, failure);
}

bool pen_time_resolve_ruby(const struct pen_time_format *format,
                           const struct pen_time_fields *fields, struct pen_instant *ret_instant,
                           struct pen_time_failure *failure)
{
    static const uint32_t stated = 1u << PEN_TIME_YEAR | 1u << PEN_TIME_MONTH | 1u << PEN_TIME_DAY |
                                   1u << PEN_TIME_HOUR | 1u << PEN_TIME_MINUTE |
                                   1u << PEN_TIME_SECOND | 1u << PEN_TIME_FRACTION_NS;
    int32_t offset = format->zone.offset_seconds;
    if (pen_time_has(fields, PEN_TIME_ZONE) && !pen_zone_from_text_ruby(fields->zone, &offset) &&
        pen_zone_is_offset_shape(fields->zone)) {
        failure->cause = PEN_TIME_BAD_ZONE; /* -99:00: a wrong offset, not a name without meaning */
        failure->zone = fields->zone;
        return false;
    }
    if (pen_time_has(fields, PEN_TIME_EPOCH_MS))
        return resolve_epoch(fields, ret_instant, failure);
    if ((fields->set & stated) == 0) {
        failure->cause = PEN_TIME_NO_TIME;
        return false;
    }
    if (!check_fraction(fields, failure))
        return false;
    int64_t year = year_of(fields, 1970), extra_days = 0;
    int month = (int)pen_time_get(fields, PEN_TIME_MONTH, 1);
    int day = (int)pen_time_get(fields, PEN_TIME_DAY, 1);
    int64_t seconds = hour_of(fields, &extra_days) * 3600 +
                      pen_time_get(fields, PEN_TIME_MINUTE, 0) * 60 +
                      pen_time_get(fields, PEN_TIME_SECOND, 0) - offset + extra_days * 86400;
    bool carries_day = seconds >= 86400;
    if (day > pen_time_month_days(year, month)) {
        if (!carries_day) {
            failure->cause = PEN_TIME_BAD_DATE;
            failure->year = year;
            failure->month = month;
            failure->day = day;
            return false;
        }
        day = pen_time_month_days(year, month); /* the carry makes it the 1st of the next month */
    }
    return finish(pen_days_from_civil(year, month, day) * 86400 + seconds,
                  pen_time_get(fields, PEN_TIME_FRACTION_NS, 0), ret_instant, failure);
}
