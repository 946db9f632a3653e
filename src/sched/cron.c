#include "sched/cron.h"

#include "base/civil.h"

#include <inttypes.h>
#include <stdio.h>

/* --- text to sets ----------------------------------------------------------------------------- */

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field {
    const char *title;
    const char *const *names; /* of low, low + 1, ...; NULL for none */
    int low, high, name_count;
} fields[] = {
    {"minute", NULL, 0, 59, 0},          {"hour", NULL, 0, 23, 0},
    {"day of month", NULL, 1, 31, 0},    {"month", month_names, 1, 12, 12},
    {"weekday", weekday_names, 0, 7, 7},
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* What is being read: for the errors. */
struct reader {
    struct pen_slice whole;
    const struct field *field;
    struct pen_error *err;
};

static enum pen_code fail_field(const struct reader *reader, struct pen_slice part,
                                const char *problem)
{
    return pen_fail(reader->err, PEN_ERR_CONFIG, "cron '%.*s': %s '%.*s' %s",
                    PEN_ARG(reader->whole), reader->field->title, PEN_ARG(part), problem);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool find_name(const struct field *field, struct pen_slice word, int *ret_value)
{
    for (int i = 0; i < field->name_count; i++) {
        const char *name = field->names[i];
        if (word.len == 3 && to_lower(word.ptr[0]) == name[0] && to_lower(word.ptr[1]) == name[1] &&
            to_lower(word.ptr[2]) == name[2]) {
            *ret_value = field->low + i;
            return true;
        }
    }
    return false;
}

/* Digits only; -1 for anything else and for what is far too large. */
static int read_number(struct pen_slice word)
{
    int value = 0;
    if (word.len == 0 || word.len > 4)
        return -1;
    for (size_t i = 0; i < word.len; i++) {
        if (!is_digit(word.ptr[i]))
            return -1;
        value = value * 10 + (word.ptr[i] - '0');
    }
    return value;
}

static enum pen_code read_value(const struct reader *reader, struct pen_slice word, int *ret_value)
{
    const struct field *field = reader->field;
    if (find_name(field, word, ret_value))
        return PEN_OK;
    int value = read_number(word);
    if (value >= field->low && value <= field->high) {
        *ret_value = value;
        return PEN_OK;
    }
    char problem[96];
    (void)snprintf(problem, sizeof problem, "is not within %d-%d%s%s%s%s", field->low, field->high,
                   field->names == NULL ? "" : " or ", field->names == NULL ? "" : field->names[0],
                   field->names == NULL ? "" : "-",
                   field->names == NULL ? "" : field->names[field->name_count - 1]);
    return fail_field(reader, word, problem);
}

/* N or N-M; a range of names may end with Sunday (fri-sun). */
static enum pen_code read_range(const struct reader *reader, struct pen_slice part, int *ret_low,
                                int *ret_high)
{
    const char *dash = memchr(part.ptr, '-', part.len);
    size_t len = dash == NULL ? part.len : (size_t)(dash - part.ptr);
    PEN_TRY(read_value(reader, pen_slice(part.ptr, len), ret_low));
    *ret_high = *ret_low;
    if (dash == NULL)
        return PEN_OK;
    struct pen_slice end = pen_slice_skip(part, len + 1);
    PEN_TRY(read_value(reader, end, ret_high));
    if (reader->field->high == 7 && *ret_high == 0 && *ret_low > 0 && !is_digit(end.ptr[0]))
        *ret_high = 7;
    if (*ret_high < *ret_low)
        return fail_field(reader, part, "runs backwards");
    return PEN_OK;
}

static enum pen_code read_step(const struct reader *reader, struct pen_slice part,
                               struct pen_slice step, int *ret_step)
{
    const struct field *field = reader->field;
    *ret_step = read_number(step);
    if (*ret_step <= 0)
        return fail_field(reader, part, "has no step of 1 or more behind '/'");
    if (*ret_step > field->high - field->low)
        return fail_field(reader, part, "has a step longer than the field");
    return PEN_OK;
}

/* One element of a list: a star, N or N-M, perhaps with a step. */
static enum pen_code read_part(const struct reader *reader, struct pen_slice part,
                               uint64_t *inout_set)
{
    if (part.len == 0)
        return fail_field(reader, part, "is empty between commas");
    int low = reader->field->low, high = reader->field->high, step = 1;
    const char *slash = memchr(part.ptr, '/', part.len);
    struct pen_slice range = slash == NULL ? part : pen_slice(part.ptr, (size_t)(slash - part.ptr));
    bool is_star = pen_slice_is(range, "*");
    if (!is_star)
        PEN_TRY(read_range(reader, range, &low, &high));
    if (slash != NULL) {
        PEN_TRY(read_step(reader, part, pen_slice_skip(part, range.len + 1), &step));
        if (!is_star && memchr(range.ptr, '-', range.len) == NULL)
            return fail_field(reader, part, "has a step but no range: write FROM-TO/STEP");
    }
    if (is_star && high == 7)
        high = 6; /* Sunday once, so that steps count from it once */
    for (int value = low; value <= high; value += step)
        *inout_set |= UINT64_C(1) << value;
    return PEN_OK;
}

static enum pen_code read_field(const struct reader *reader, struct pen_slice text,
                                uint64_t *ret_set)
{
    uint64_t set = 0;
    for (;;) {
        const char *comma = memchr(text.ptr, ',', text.len);
        size_t len = comma == NULL ? text.len : (size_t)(comma - text.ptr);
        PEN_TRY(read_part(reader, pen_slice(text.ptr, len), &set));
        if (comma == NULL)
            break;
        text = pen_slice_skip(text, len + 1);
    }
    *ret_set = set;
    return PEN_OK;
}

static struct pen_slice trim(struct pen_slice text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = pen_slice_skip(text, 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* The words of `text`; counts on past the room in `words`. */
static size_t split_words(struct pen_slice text, struct pen_slice words[FIELD_COUNT])
{
    size_t count = 0;
    while ((text = trim(text)).len > 0) {
        size_t len = 0;
        while (len < text.len && !is_blank(text.ptr[len]))
            len++;
        if (count < FIELD_COUNT)
            words[count] = pen_slice(text.ptr, len);
        count++;
        text = pen_slice_skip(text, len);
    }
    return count;
}

static enum pen_code find_alias(struct pen_slice word, struct pen_slice *ret_fields,
                                struct pen_error *err)
{
    static const struct {
        const char *word, *fields;
        bool is_accepted;
    } aliases[] = {
        {"@hourly", "0 * * * *", true},  {"@daily", "0 0 * * *", true},
        {"@monthly", "0 0 1 * *", true}, {"@weekly", "0 0 * * 0", false},
        {"@yearly", "0 0 1 1 *", false}, {"@annually", "0 0 1 1 *", false},
        {"@midnight", "@daily", false},
    };
    const char *instead = NULL;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (!pen_slice_is(word, aliases[i].word))
            continue;
        if (aliases[i].is_accepted) {
            *ret_fields = pen_slice_str(aliases[i].fields);
            return PEN_OK;
        }
        instead = aliases[i].fields;
    }
    enum pen_code code =
        pen_fail(err, PEN_ERR_CONFIG, "cron '%.*s' is not supported", PEN_ARG(word));
    if (instead != NULL)
        pen_error_hint(err, "write '%s'", instead);
    pen_error_hint(err, "use @hourly, @daily, @monthly or five fields");
    return code;
}

static bool has_a_date(const struct pen_cron *cron)
{
    static const int longest[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!cron->is_any_day && !cron->is_any_weekday)
        return true; /* the weekday alone is enough */
    for (int month = 1; month <= 12; month++)
        if ((cron->months >> month & 1) != 0 &&
            (cron->days & ((UINT32_C(2) << longest[month]) - 2)) != 0)
            return true;
    return false;
}

static enum pen_code read_fields(struct pen_slice text, struct pen_cron *ret_cron,
                                 struct pen_error *err)
{
    struct pen_slice words[FIELD_COUNT];
    uint64_t sets[FIELD_COUNT];
    size_t count = split_words(text, words);
    if (count != FIELD_COUNT)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "cron '%.*s' has %zu field%s, not 5: minute hour day month weekday",
                        PEN_ARG(text), count, count == 1 ? "" : "s");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        struct reader reader = {text, &fields[i], err};
        PEN_TRY(read_field(&reader, words[i], &sets[i]));
    }
    sets[4] = (sets[4] | sets[4] >> 7) & 0x7F; /* 7 is Sunday too */
    struct pen_cron cron = {.minutes = sets[0],
                            .hours = (uint32_t)sets[1],
                            .days = (uint32_t)sets[2],
                            .months = (uint32_t)sets[3],
                            .weekdays = (uint32_t)sets[4],
                            .is_any_day = words[2].ptr[0] == '*',
                            .is_any_weekday = words[4].ptr[0] == '*'};
    if (!has_a_date(&cron))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "cron '%.*s' names a date that no year has: day %.*s of month %.*s",
                        PEN_ARG(text), PEN_ARG(words[2]), PEN_ARG(words[3]));
    *ret_cron = cron;
    return PEN_OK;
}

enum pen_code pen_cron_parse(struct pen_slice text, struct pen_cron *ret_cron,
                             struct pen_error *err)
{
    text = trim(text);
    if (text.len > PEN_CRON_MAX_BYTES)
        return pen_fail(err, PEN_ERR_CONFIG, "cron has %zu bytes, more than %d", text.len,
                        PEN_CRON_MAX_BYTES);
    if (text.len == 0)
        return pen_fail(err, PEN_ERR_CONFIG, "cron is empty");
    if (text.ptr[0] == '@')
        PEN_TRY(find_alias(text, &text, err));
    return read_fields(text, ret_cron, err);
}

/* --- clock readings --------------------------------------------------------------------------- */

#define DAY_SECONDS     INT64_C(86400)
#define MINUTES_PER_DAY 1440
#define NEVER           INT64_MAX

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool is_day(const struct pen_cron *cron, int64_t day, int day_of_month)
{
    int64_t weekday = (day + 4) % 7; /* 1970-01-01 was a Thursday */
    bool by_day = (cron->days >> day_of_month & 1) != 0;
    bool by_weekday = (cron->weekdays >> (weekday < 0 ? weekday + 7 : weekday) & 1) != 0;
    return cron->is_any_day || cron->is_any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* The first matching minute of a day from `minute` on; -1 when none is left. */
static int find_minute(const struct pen_cron *cron, int minute)
{
    uint64_t minutes = cron->minutes >> (minute % 60) << (minute % 60);
    for (int hour = minute / 60; hour < 24; hour++, minutes = cron->minutes)
        if ((cron->hours >> hour & 1) != 0 && minutes != 0)
            return hour * 60 + __builtin_ctzll(minutes);
    return -1;
}

/* The first matching reading (seconds on a clock) after `after` and not after `limit`, or NEVER. */
static int64_t next_reading(const struct pen_cron *cron, int64_t after, int64_t limit)
{
    int64_t minute = floor_div(after, 60) + 1;
    int64_t day = floor_div(minute, MINUTES_PER_DAY);
    int from = (int)(minute - day * MINUTES_PER_DAY);
    struct pen_civil date = pen_civil_from_us(day * PEN_US_PER_DAY);
    for (;;) {
        if (day > limit / DAY_SECONDS)
            return NEVER;
        int64_t month_end =
            pen_days_from_civil(date.year + (date.month == 12), date.month % 12 + 1, 1);
        for (; (cron->months >> date.month & 1) != 0 && day < month_end;
             day++, date.day++, from = 0) {
            int found = is_day(cron, day, date.day) ? find_minute(cron, from) : -1;
            int64_t reading = day * DAY_SECONDS + found * 60;
            if (found >= 0)
                return reading <= limit ? reading : NEVER;
        }
        day = month_end;
        from = 0;
        date.day = 1;
        date.year += date.month == 12;
        date.month = date.month % 12 + 1;
    }
}

/* --- readings to instants --------------------------------------------------------------------- */

static int32_t offset_at(const struct pen_zone *zone, int64_t utc_s)
{
    return zone == NULL ? 0 : pen_zone_offset_at(zone, utc_s, NULL);
}

static int64_t next_change(const struct pen_zone *zone, int64_t utc_s)
{
    return zone == NULL ? NEVER : pen_zone_next_change(zone, utc_s);
}

/* The latest reading that the clock has shown up to and including `at`. */
static int64_t greatest_reading(const struct pen_zone *zone, int64_t at)
{
    int64_t from = at - INT64_C(2) * PEN_ZONE_MAX_OFFSET, greatest = INT64_MIN;
    for (;;) {
        int64_t change = next_change(zone, from);
        int64_t reading = (change <= at ? change - 1 : at) + offset_at(zone, from);
        if (reading > greatest)
            greatest = reading;
        if (change > at)
            return greatest;
        from = change;
    }
}

/* The first instant at which the clock shows `reading` or a later one. */
static int64_t first_shown(const struct pen_zone *zone, int64_t reading)
{
    int64_t from = reading - PEN_ZONE_MAX_OFFSET - 1; /* the clock is before it in every zone */
    for (;;) {
        int64_t change = next_change(zone, from), offset = offset_at(zone, from);
        if (from + offset >= reading)
            return from;
        if (change == NEVER || change - 1 + offset >= reading)
            return reading - offset;
        from = change;
    }
}

/* The first instant after `after` whose own reading matches. */
static int64_t next_running(const struct pen_cron *cron, const struct pen_zone *zone, int64_t after)
{
    for (;;) {
        int64_t change = next_change(zone, after + 1), offset = offset_at(zone, after + 1);
        int64_t limit = change == NEVER ? NEVER - 1 : change - 1 + offset;
        int64_t reading = next_reading(cron, after + offset, limit);
        if (reading != NEVER)
            return reading - offset;
        after = change - 1;
    }
}

int64_t pen_cron_next(const struct pen_cron *cron, const struct pen_zone *zone, int64_t after_s)
{
    if (cron->hours == 0xFFFFFF)
        return next_running(cron, zone, after_s);
    return first_shown(zone, next_reading(cron, greatest_reading(zone, after_s), NEVER - 1));
}

int64_t pen_cron_last(const struct pen_cron *cron, const struct pen_zone *zone, int64_t at_s)
{
    int64_t back = 3600;
    while (pen_cron_next(cron, zone, at_s - back) > at_s)
        back *= 2;
    int64_t low = at_s - back, high = at_s; /* the next of low is not after at_s, that of high is */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (pen_cron_next(cron, zone, middle) <= at_s)
            low = middle;
        else
            high = middle;
    }
    return pen_cron_next(cron, zone, low);
}
