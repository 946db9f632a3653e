/* java_resolve.c - the fields of a "java:" value to its instant, as ResolverStyle.STRICT does it
 * and as upstream fills what is missing: 1970-01-01 00:00:00, the default offset. */
#include "tz/java_internal.h"

struct range {
    const char *name;
    int64_t low, high;
    const char *span; /* as the original prints it */
};

static const struct range ranges[PEN_JAVA_FIELD_COUNT] = {
    [PEN_JAVA_ERA] = {"Era", 0, 1, "0 - 1"},
    [PEN_JAVA_YEAR_OF_ERA] = {"YearOfEra", 1, 999999999, "1 - 999999999/1000000000"},
    [PEN_JAVA_YEAR] = {"Year", -999999999, 999999999, "-999999999 - 999999999"},
    [PEN_JAVA_QUARTER] = {"QuarterOfYear", 1, 4, "1 - 4"},
    [PEN_JAVA_MONTH] = {"MonthOfYear", 1, 12, "1 - 12"},
    [PEN_JAVA_YEAR_DAY] = {"DayOfYear", 1, 366, "1 - 365/366"},
    [PEN_JAVA_DAY] = {"DayOfMonth", 1, 31, "1 - 28/31"},
    [PEN_JAVA_WEEKDAY] = {"DayOfWeek", 1, 7, "1 - 7"},
    [PEN_JAVA_AM_PM] = {"AmPmOfDay", 0, 1, "0 - 1"},
    [PEN_JAVA_HOUR] = {"HourOfDay", 0, 23, "0 - 23"},
    [PEN_JAVA_CLOCK_HOUR] = {"ClockHourOfDay", 1, 24, "1 - 24"},
    [PEN_JAVA_HALF_HOUR] = {"HourOfAmPm", 0, 11, "0 - 11"},
    [PEN_JAVA_CLOCK_HALF_HOUR] = {"ClockHourOfAmPm", 1, 12, "1 - 12"},
    [PEN_JAVA_MINUTE] = {"MinuteOfHour", 0, 59, "0 - 59"},
    [PEN_JAVA_SECOND] = {"SecondOfMinute", 0, 59, "0 - 59"},
    [PEN_JAVA_NANO] = {"NanoOfSecond", 0, 999999999, "0 - 999999999"},
    [PEN_JAVA_MILLI_OF_DAY] = {"MilliOfDay", 0, 86399999, "0 - 86399999"},
    [PEN_JAVA_NANO_OF_DAY] = {"NanoOfDay", 0, INT64_C(86399999999999), "0 - 86399999999999"},
    [PEN_JAVA_OFFSET] = {"OffsetSeconds", -PEN_ZONE_MAX_OFFSET, PEN_ZONE_MAX_OFFSET,
                         "-64800 - 64800"},
};

static bool fail_value(struct pen_time_failure *failure, enum pen_java_field field, int64_t value)
{
    failure->cause = PEN_TIME_BAD_VALUE;
    failure->field = ranges[field].name;
    failure->span = ranges[field].span;
    failure->value = value;
    return false;
}

static bool check_range(const struct pen_java_fields *fields, enum pen_java_field field,
                        struct pen_time_failure *failure)
{
    int64_t value = fields->value[field];
    if (!pen_java_has(fields, field) || (value >= ranges[field].low && value <= ranges[field].high))
        return true;
    return fail_value(failure, field, value);
}

static bool fail_conflict(struct pen_time_failure *failure, enum pen_java_field field)
{
    failure->cause = PEN_TIME_CONFLICT;
    failure->field = ranges[field].name;
    return false;
}

static bool check_ranges(const struct pen_java_fields *fields, struct pen_time_failure *failure)
{
    for (unsigned f = 0; f <= PEN_JAVA_OFFSET; f++) {
        /* the hour of am or pm is tested later: the original lets 12 AM pass there */
        if (f != PEN_JAVA_HALF_HOUR && !check_range(fields, (enum pen_java_field)f, failure))
            return false;
    }
    return true;
}

/* Puts what follows from other fields; it must agree with what the text said itself. */
static bool derive(struct pen_java_fields *fields, enum pen_java_field field, int64_t value,
                   struct pen_time_failure *failure)
{
    if (pen_java_has(fields, field) && fields->value[field] != value)
        return fail_conflict(failure, field);
    fields->set |= UINT32_C(1) << field;
    fields->value[field] = value;
    return true;
}

static int64_t get(const struct pen_java_fields *fields, enum pen_java_field field,
                   int64_t otherwise)
{
    return pen_java_has(fields, field) ? fields->value[field] : otherwise;
}

/* --- the date ----------------------------------------------------------------------------------
 */

/* Era and year of era make the year; without an era the year of era stays apart. */
static bool derive_year(struct pen_java_fields *fields, struct pen_time_failure *failure)
{
    if (!pen_java_has(fields, PEN_JAVA_YEAR_OF_ERA))
        return true;
    int64_t of_era = fields->value[PEN_JAVA_YEAR_OF_ERA];
    if (pen_java_has(fields, PEN_JAVA_ERA))
        return derive(fields, PEN_JAVA_YEAR, fields->value[PEN_JAVA_ERA] == 1 ? of_era : 1 - of_era,
                      failure);
    if (!pen_java_has(fields, PEN_JAVA_YEAR))
        return true;
    return derive(fields, PEN_JAVA_YEAR, fields->value[PEN_JAVA_YEAR] > 0 ? of_era : 1 - of_era,
                  failure);
}

static bool fail_date(struct pen_time_failure *failure, enum pen_time_cause cause, int64_t year,
                      int month, int day)
{
    failure->cause = cause;
    failure->year = year;
    failure->month = month;
    failure->day = day;
    return false;
}

/* What the text says about the date besides its year, month and day must be true of it. */
static bool check_date(const struct pen_java_fields *fields, int64_t days,
                       struct pen_time_failure *failure)
{
    if (days > INT64_C(100000000) || days < -INT64_C(100000000))
        return true; /* out of the range of instants anyway */
    struct pen_civil c = pen_time_date_of(days);
    int64_t year_day = days - pen_days_from_civil(c.year, 1, 1) + 1;
    int64_t weekday = ((days + 3) % 7 + 7) % 7 + 1;
    const struct {
        enum pen_java_field field;
        int64_t value;
    } truths[] = {
        {PEN_JAVA_MONTH, c.month},
        {PEN_JAVA_DAY, c.day},
        {PEN_JAVA_YEAR_DAY, year_day},
        {PEN_JAVA_WEEKDAY, weekday},
        {PEN_JAVA_QUARTER, (c.month + 2) / 3},
    };
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        if (get(fields, truths[i].field, truths[i].value) != truths[i].value)
            return fail_conflict(failure, truths[i].field);
    }
    return true;
}

static bool resolve_date(struct pen_java_fields *fields, int64_t *ret_days,
                         struct pen_time_failure *failure)
{
    if (!derive_year(fields, failure))
        return false;
    int64_t year = get(fields, PEN_JAVA_YEAR, get(fields, PEN_JAVA_YEAR_OF_ERA, 1970));
    int month = (int)get(fields, PEN_JAVA_MONTH, 1), day = (int)get(fields, PEN_JAVA_DAY, 1);
    bool has_year_day = pen_java_has(fields, PEN_JAVA_YEAR_DAY);
    bool has_month_day = pen_java_has(fields, PEN_JAVA_MONTH) && pen_java_has(fields, PEN_JAVA_DAY);
    /* a date that is complete by its year (not its year of era) is tested against the rest */
    bool is_complete = pen_java_has(fields, PEN_JAVA_YEAR) && (has_month_day || has_year_day);
    if (has_year_day && !(is_complete && has_month_day)) {
        int64_t year_day = fields->value[PEN_JAVA_YEAR_DAY];
        if (year_day == 366 && !pen_time_is_leap(year))
            return fail_date(failure, PEN_TIME_BAD_YEAR_DAY, year, 0, 0);
        *ret_days = pen_days_from_civil(year, 1, 1) + year_day - 1;
    } else {
        if (day > pen_time_month_days(year, month))
            return fail_date(failure, PEN_TIME_BAD_DATE, year, month, day);
        *ret_days = pen_days_from_civil(year, month, day);
    }
    return !is_complete || check_date(fields, *ret_days, failure);
}

/* --- the time ----------------------------------------------------------------------------------
 */

static void drop(struct pen_java_fields *fields, enum pen_java_field field)
{
    fields->set &= ~(UINT32_C(1) << field);
}

/* Hours by other clocks become the hour of the day. */
static bool derive_hour(struct pen_java_fields *fields, struct pen_time_failure *failure)
{
    if (pen_java_has(fields, PEN_JAVA_CLOCK_HOUR) &&
        !derive(fields, PEN_JAVA_HOUR, fields->value[PEN_JAVA_CLOCK_HOUR] % 24, failure))
        return false;
    if (pen_java_has(fields, PEN_JAVA_CLOCK_HALF_HOUR) &&
        !derive(fields, PEN_JAVA_HALF_HOUR, fields->value[PEN_JAVA_CLOCK_HALF_HOUR] % 12, failure))
        return false;
    if (!pen_java_has(fields, PEN_JAVA_AM_PM) || !pen_java_has(fields, PEN_JAVA_HALF_HOUR))
        return check_range(fields, PEN_JAVA_HALF_HOUR, failure);
    int64_t hour = fields->value[PEN_JAVA_HALF_HOUR];
    if (hour < 0 || hour > 12) /* 12 passes: 12 AM is noon then, 12 PM no hour at all */
        return check_range(fields, PEN_JAVA_HALF_HOUR, failure);
    hour += fields->value[PEN_JAVA_AM_PM] * 12;
    drop(fields, PEN_JAVA_AM_PM);
    drop(fields, PEN_JAVA_HALF_HOUR);
    if (hour > 23)
        return fail_value(failure, PEN_JAVA_HOUR, hour);
    return derive(fields, PEN_JAVA_HOUR, hour, failure);
}

static bool derive_from_day_units(struct pen_java_fields *fields, struct pen_time_failure *failure)
{
    int64_t nano = 0;
    if (pen_java_has(fields, PEN_JAVA_NANO_OF_DAY))
        nano = fields->value[PEN_JAVA_NANO_OF_DAY];
    else if (pen_java_has(fields, PEN_JAVA_MILLI_OF_DAY))
        nano = fields->value[PEN_JAVA_MILLI_OF_DAY] * 1000000;
    else
        return true;
    int64_t seconds = nano / 1000000000;
    return derive(fields, PEN_JAVA_HOUR, seconds / 3600, failure) &&
           derive(fields, PEN_JAVA_MINUTE, seconds / 60 % 60, failure) &&
           derive(fields, PEN_JAVA_SECOND, seconds % 60, failure) &&
           derive(fields, PEN_JAVA_NANO, nano % 1000000000, failure);
}

static bool resolve_time(struct pen_java_fields *fields, int64_t *ret_seconds, int64_t *ret_ns,
                         struct pen_time_failure *failure)
{
    if (!derive_hour(fields, failure) || !derive_from_day_units(fields, failure))
        return false;
    int64_t hour = get(fields, PEN_JAVA_HOUR, 0);
    *ret_seconds =
        hour * 3600 + get(fields, PEN_JAVA_MINUTE, 0) * 60 + get(fields, PEN_JAVA_SECOND, 0);
    *ret_ns = get(fields, PEN_JAVA_NANO, 0);
    if (!pen_java_has(fields, PEN_JAVA_HOUR))
        return true;
    if (get(fields, PEN_JAVA_AM_PM, hour / 12) != hour / 12)
        return fail_conflict(failure, PEN_JAVA_AM_PM);
    if (get(fields, PEN_JAVA_HALF_HOUR, hour % 12) != hour % 12)
        return fail_conflict(failure, PEN_JAVA_HALF_HOUR);
    return true;
}

bool pen_java_resolve(const struct pen_time_format *format, struct pen_java_fields *fields,
                      struct pen_instant *ret_instant, struct pen_time_failure *failure)
{
    int64_t days = 0, seconds = 0, ns = 0;
    if (!check_ranges(fields, failure) || !resolve_date(fields, &days, failure) ||
        !resolve_time(fields, &seconds, &ns, failure))
        return false;
    int64_t offset = get(fields, PEN_JAVA_OFFSET, format->zone.offset_seconds);
    if (pen_time_make_instant(days * 86400 + seconds - offset, ns, ret_instant))
        return true;
    failure->cause = PEN_TIME_OUT_OF_RANGE;
    return false;
}
