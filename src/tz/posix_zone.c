/* posix_zone.c - the rule at the end of a TZif file, in the syntax of POSIX's TZ variable with the
 * extensions of RFC 8536 (times from -167 to 167 hours):  std offset [dst [offset] ,start ,end]. */
#include "tz/zone_internal.h"

#include "base/civil.h"

struct rule_date {
    char kind; /* 'J' day 1..365 without 29 February, '0' day 0..365, 'M' month.week.weekday */
    int day, month, week;
    int32_t time_seconds; /* on the clock that holds before the change */
};

struct posix_rule {
    struct pen_slice standard, summer;
    int32_t standard_offset, summer_offset; /* east of UTC */
    bool has_summer;
    struct rule_date start, end;
};

static bool take_char(struct pen_slice *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = pen_slice_skip(*rest, 1);
    return true;
}

static bool take_number(struct pen_slice *rest, int low, int high, int *ret)
{
    int value = 0;
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9' && value <= 1000)
        value = value * 10 + (rest->ptr[n++] - '0');
    if (n == 0 || value < low || value > high)
        return false;
    *rest = pen_slice_skip(*rest, n);
    *ret = value;
    return true;
}

static bool take_name(struct pen_slice *rest, struct pen_slice *ret)
{
    bool is_quoted = take_char(rest, '<');
    size_t n = 0;
    while (n < rest->len) {
        char c = rest->ptr[n];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-';
        if (!is_letter && !(is_quoted && is_other))
            break;
        n++;
    }
    *ret = pen_slice(rest->ptr, n);
    *rest = pen_slice_skip(*rest, n);
    return n >= 3 && (!is_quoted || take_char(rest, '>'));
}

/* [+-]h[h[h]][:mm[:ss]] */
static bool take_time(struct pen_slice *rest, int max_hours, int32_t *ret)
{
    bool is_negative = take_char(rest, '-');
    if (!is_negative)
        (void)take_char(rest, '+'); /* the sign may be absent */
    int hours = 0, minutes = 0, seconds = 0;
    if (!take_number(rest, 0, max_hours, &hours))
        return false;
    if (take_char(rest, ':') && !take_number(rest, 0, 59, &minutes))
        return false;
    if (take_char(rest, ':') && !take_number(rest, 0, 59, &seconds))
        return false;
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    *ret = is_negative ? -value : value;
    return true;
}

static bool take_date(struct pen_slice *rest, struct rule_date *ret)
{
    struct rule_date date = {.kind = '0', .time_seconds = 2 * 3600};
    if (!take_char(rest, ','))
        return false;
    if (take_char(rest, 'M')) {
        date.kind = 'M';
        if (!take_number(rest, 1, 12, &date.month) || !take_char(rest, '.') ||
            !take_number(rest, 1, 5, &date.week) || !take_char(rest, '.') ||
            !take_number(rest, 0, 6, &date.day))
            return false;
    } else if (take_char(rest, 'J')) {
        date.kind = 'J';
        if (!take_number(rest, 1, 365, &date.day))
            return false;
    } else if (!take_number(rest, 0, 365, &date.day)) {
        return false;
    }
    if (take_char(rest, '/') && !take_time(rest, 167, &date.time_seconds))
        return false;
    *ret = date;
    return true;
}

static bool parse_rule(struct pen_slice text, struct posix_rule *ret)
{
    struct posix_rule rule = {.has_summer = false};
    int32_t west = 0;
    if (!take_name(&text, &rule.standard) || !take_time(&text, 24, &west))
        return false;
    rule.standard_offset = -west;
    if (text.len > 0) {
        rule.has_summer = true;
        west -= 3600;
        if (!take_name(&text, &rule.summer))
            return false;
        if (text.len > 0 && text.ptr[0] != ',' && !take_time(&text, 24, &west))
            return false;
        rule.summer_offset = -west;
        if (!take_date(&text, &rule.start) || !take_date(&text, &rule.end))
            return false;
    }
    *ret = rule;
    return text.len == 0;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Local seconds (on the clock before the change) at which a rule acts in a year. */
static int64_t rule_seconds(const struct rule_date *date, int64_t year)
{
    int64_t first = pen_days_from_civil(year, 1, 1);
    int64_t days = first + date->day;
    if (date->kind == 'J') {
        days = first + date->day - 1 + (is_leap(year) && date->day >= 60);
    } else if (date->kind == 'M') {
        first = pen_days_from_civil(year, date->month, 1);
        int64_t next = date->month == 12 ? pen_days_from_civil(year + 1, 1, 1)
                                         : pen_days_from_civil(year, date->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        days = first + (date->day - weekday + 7) % 7 + (int64_t)(date->week - 1) * 7;
        if (days >= next)
            days -= 7; /* week 5 is the last one, whichever it is */
    }
    return days * 86400 + date->time_seconds;
}

static void add_if_later(struct pen_zone *zone, int64_t last, int64_t at, int32_t offset,
                         uint16_t abbreviation)
{
    if (at > last)
        pen_zone_add_change(zone, at, offset, abbreviation);
}

/* A full cycle of the calendar, so that every later year has its twin in the table. */
static void add_cycle(struct pen_zone *zone, const struct posix_rule *rule, uint16_t standard,
                      uint16_t summer)
{
    int64_t last = zone->changes[zone->count - 1].at;
    int64_t from = last < -(INT64_C(1) << 40) ? 0 : last;
    int64_t year = pen_civil_from_us(from * PEN_US_PER_SECOND).year;
    for (int64_t y = year; y <= year + PEN_ZONE_CYCLE_YEARS + 1; y++) {
        int64_t start = rule_seconds(&rule->start, y) - rule->standard_offset;
        int64_t end = rule_seconds(&rule->end, y) - rule->summer_offset;
        if (start < end)
            add_if_later(zone, last, start, rule->summer_offset, summer);
        add_if_later(zone, last, end, rule->standard_offset, standard);
        if (start >= end)
            add_if_later(zone, last, start, rule->summer_offset, summer);
    }
    zone->is_cyclic = true;
}

enum pen_code pen_posix_zone_extend(struct pen_zone *zone, struct pen_slice footer,
                                    struct pen_error *err)
{
    if (footer.len == 0)
        return PEN_OK;
    struct posix_rule rule;
    if (!parse_rule(footer, &rule))
        return pen_fail(err, PEN_ERR_CORRUPT, "time zone file: bad footer '%.*s'",
                        (int)(footer.len < 64 ? footer.len : 64), footer.ptr);
    uint16_t standard = 0, summer = 0;
    if (!pen_zone_add_abbreviation(zone, rule.standard, &standard) ||
        !pen_zone_add_abbreviation(zone, rule.summer, &summer))
        return pen_fail(err, PEN_ERR_CORRUPT, "time zone file: too many names");
    if (!rule.has_summer)
        return PEN_OK; /* the last change already is the standard time of the footer */
    PEN_TRY(pen_zone_reserve(zone, zone->count + 2 * (PEN_ZONE_CYCLE_YEARS + 2), err));
    if (zone->changes[zone->count - 1].at > INT64_C(1) << 40)
        return pen_fail(err, PEN_ERR_CORRUPT, "time zone file: last change is too late");
    add_cycle(zone, &rule, standard, summer);
    return PEN_OK;
}
