#include "sched/timetable.h"

#include "base/civil.h"
#include "base/number.h"
#include "tz/zone_name.h"

/* --- zones ------------------------------------------------------------------------------------ */

/* Abbreviations that are met most, and what their users mean. */
static const char *const abbreviations[][2] = {
    {"PST", "America/Los_Angeles"}, {"PDT", "America/Los_Angeles"}, {"MST", "America/Denver"},
    {"MDT", "America/Denver"},      {"CST", "America/Chicago"},     {"CDT", "America/Chicago"},
    {"EST", "America/New_York"},    {"EDT", "America/New_York"},    {"AKST", "America/Anchorage"},
    {"HST", "Pacific/Honolulu"},    {"BST", "Europe/London"},       {"WET", "Europe/Lisbon"},
    {"WEST", "Europe/Lisbon"},      {"CET", "Europe/Paris"},        {"CEST", "Europe/Paris"},
    {"MET", "Europe/Paris"},        {"EET", "Europe/Helsinki"},     {"EEST", "Europe/Helsinki"},
    {"MSK", "Europe/Moscow"},       {"IST", "Asia/Kolkata"},        {"SGT", "Asia/Singapore"},
    {"JST", "Asia/Tokyo"},          {"KST", "Asia/Seoul"},          {"AEST", "Australia/Sydney"},
    {"AEDT", "Australia/Sydney"},   {"NZST", "Pacific/Auckland"},   {"NZDT", "Pacific/Auckland"},
};

static bool equals_ignoring_case(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if ((*a | 0x20) != (*b | 0x20))
            return false;
    return *a == *b;
}

static const char *full_name(const char *name)
{
    for (size_t i = 0; i < sizeof abbreviations / sizeof abbreviations[0]; i++)
        if (equals_ignoring_case(abbreviations[i][0], name))
            return abbreviations[i][1];
    return NULL;
}

/* Whether values (not schedules) may use the name: an offset, or one of many abbreviations. */
static enum pen_code fail_zone(const char *name, struct pen_error *err)
{
    struct pen_zone_ref ref;
    int32_t offset = 0;
    const char *instead = full_name(name);
    struct pen_slice text = pen_slice_str(name);
    if (instead != NULL ||
        (pen_zone_from_text(text, &ref) && strpbrk(name, "+-0123456789") == NULL))
        (void)pen_fail(err, PEN_ERR_CONFIG,
                       "time zone '%.64s' is an abbreviation: several zones share it, and it does "
                       "not say when the clock changes",
                       name);
    else if (pen_zone_parse_offset(text, &offset) || pen_zone_from_text(text, &ref))
        (void)pen_fail(err, PEN_ERR_CONFIG,
                       "time zone '%.64s' is an offset: it does not say when the clock changes",
                       name);
    else
        (void)pen_fail(err, PEN_ERR_CONFIG, "Invalid time zone ID '%.64s'", name);
    pen_error_hint(err, "use the name of a region%s, such as '%s'",
                   instead != NULL ? "" : ", or UTC", instead != NULL ? instead : "Asia/Tokyo");
    return PEN_ERR_CONFIG;
}

enum pen_code pen_schedule_zone(const char *name, const struct pen_zone **ret_zone,
                                struct pen_error *err)
{
    if (strcmp(name, "UTC") == 0) { /* needs no file */
        *ret_zone = NULL;
        return PEN_OK;
    }
    if (full_name(name) != NULL) /* some are files of the database all the same */
        return fail_zone(name, err);
    struct pen_error own = {0};
    enum pen_code code = pen_zone_load(pen_slice_str(name), ret_zone, &own);
    if (code == PEN_ERR_CONFIG)
        return fail_zone(name, err);
    if (code != PEN_OK && err != NULL)
        *err = own;
    return code;
}

/* --- times ------------------------------------------------------------------------------------ */

enum pen_code pen_timetable_open(const char *cron, const char *zone,
                                 struct pen_timetable *ret_timetable, struct pen_error *err)
{
    struct pen_timetable timetable = {.is_scheduled = cron[strspn(cron, " \t")] != '\0'};
    PEN_TRY(pen_schedule_zone(zone, &timetable.zone, err));
    if (timetable.is_scheduled)
        PEN_TRY(pen_cron_parse(pen_slice_str(cron), &timetable.cron, err));
    *ret_timetable = timetable;
    return PEN_OK;
}

static int64_t floor_seconds(int64_t us)
{
    return us / PEN_US_PER_SECOND - (us % PEN_US_PER_SECOND < 0);
}

int64_t pen_timetable_next(const struct pen_timetable *timetable, int64_t after_us)
{
    if (!timetable->is_scheduled)
        return 0;
    return pen_cron_next(&timetable->cron, timetable->zone, floor_seconds(after_us)) *
           PEN_US_PER_SECOND;
}

int64_t pen_timetable_last(const struct pen_timetable *timetable, int64_t at_us)
{
    if (!timetable->is_scheduled)
        return 0;
    return pen_cron_last(&timetable->cron, timetable->zone, floor_seconds(at_us)) *
           PEN_US_PER_SECOND;
}

/* --- a moment in words ------------------------------------------------------------------------ */

/* `count` digits; -1 when they are not there. */
static int take_digits(struct pen_slice *rest, size_t count)
{
    int value = 0;
    if (rest->len < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9')
            return -1;
        value = value * 10 + (rest->ptr[i] - '0');
    }
    *rest = pen_slice_skip(*rest, count);
    return value;
}

static bool take_char(struct pen_slice *rest, const char *any)
{
    if (rest->len == 0 || strchr(any, rest->ptr[0]) == NULL)
        return false;
    *rest = pen_slice_skip(*rest, 1);
    return true;
}

/* YYYY-MM-DD; out: days since 1970. */
static bool take_date(struct pen_slice *rest, int64_t *ret_days)
{
    int year = take_digits(rest, 4);
    int month = year >= 0 && take_char(rest, "-/") ? take_digits(rest, 2) : -1;
    int day = month >= 0 && take_char(rest, "-/") ? take_digits(rest, 2) : -1;
    if (month < 1 || month > 12 || day < 1)
        return false;
    *ret_days = pen_days_from_civil(year, month, day);
    return pen_civil_from_us(*ret_days * PEN_US_PER_DAY).month == month;
}

/* HH:MM or HH:MM:SS, seconds of the day. */
static bool take_time(struct pen_slice *rest, int64_t *ret_seconds)
{
    int hour = take_digits(rest, 2), second = 0;
    int minute = hour >= 0 && take_char(rest, ":") ? take_digits(rest, 2) : -1;
    if (minute >= 0 && take_char(rest, ":"))
        second = take_digits(rest, 2);
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

static bool parse_reading(struct pen_slice rest, const struct pen_zone *zone, int64_t *ret_seconds)
{
    int64_t days = 0, seconds = 0;
    int32_t offset = 0;
    if (!take_date(&rest, &days))
        return false;
    bool has_time = rest.len > 1 && strchr(" Tt", rest.ptr[0]) != NULL && rest.ptr[1] >= '0' &&
                    rest.ptr[1] <= '9';
    if (has_time) {
        rest = pen_slice_skip(rest, 1);
        if (!take_time(&rest, &seconds))
            return false;
    }
    seconds += days * 86400;
    if (rest.len > 1 && rest.ptr[0] == ' ')
        rest = pen_slice_skip(rest, 1);
    struct pen_zone_ref ref = {zone, 0};
    if (rest.len > 0) {
        if (!pen_slice_is(rest, "UTC") && !pen_zone_parse_offset(rest, &offset))
            return false;
        ref = (struct pen_zone_ref){NULL, offset};
    }
    *ret_seconds = pen_zone_ref_utc(ref, seconds);
    return true;
}

enum pen_code pen_moment_parse(const char *text, const struct pen_zone *zone, int64_t now_us,
                               int64_t *ret_us, struct pen_error *err)
{
    int64_t seconds = 0;
    struct pen_slice slice = pen_slice_str(text);
    if (strcmp(text, "now") == 0) {
        *ret_us = floor_seconds(now_us) * PEN_US_PER_SECOND;
        return PEN_OK;
    }
    bool is_number = pen_parse_long(slice, &seconds) && seconds >= 0 &&
                     seconds < PEN_CRON_MAX_SECONDS && strpbrk(text, "+-") == NULL;
    if (!is_number && !parse_reading(slice, zone, &seconds)) {
        (void)pen_fail(err, PEN_ERR_CONFIG, "cannot read the time '%.64s'", text);
        pen_error_hint(err, "write it as 2026-01-31, 2026-01-31 12:00, 2026-01-31T12:00:00+09:00, "
                            "seconds since 1970, or now");
        return PEN_ERR_CONFIG;
    }
    *ret_us = seconds * PEN_US_PER_SECOND;
    return PEN_OK;
}
