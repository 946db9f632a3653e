#include "tz/time_format.h"

#include "tz/java_internal.h"

#include <stdlib.h>

void pen_time_format_free(struct pen_time_format *format)
{
    if (format == NULL)
        return;
    free(format->text);
    free(format->ops);
    free(format->tokens);
    pen_java_program_free(format->java);
    free(format);
}

static bool take_digits(const char **at, int64_t limit, int64_t *ret)
{
    int64_t value = 0;
    const char *p = *at;
    while (*p >= '0' && *p <= '9' && value <= limit)
        value = value * 10 + (*p++ - '0');
    bool is_good = p > *at && value <= limit;
    *at = p;
    *ret = value;
    return is_good;
}

/* year-month-day, one or more digits each; the year may be negative. */
static enum pen_code parse_default_date(const char *date, struct pen_time_format *format,
                                        struct pen_error *err)
{
    const char *at = date;
    int64_t year = 0, month = 0, day = 0;
    bool is_negative = *at == '-';
    at += is_negative;
    bool is_good = take_digits(&at, 999999999, &year) && *at++ == '-' &&
                   take_digits(&at, 12, &month) && *at++ == '-' && take_digits(&at, 31, &day) &&
                   *at == '\0';
    year = is_negative ? -year : year;
    if (!is_good || month < 1 || day < 1 || day > pen_time_month_days(year, (int)month))
        return pen_fail(err, PEN_ERR_CONFIG, "default date '%.64s' is no date (want yyyy-mm-dd)",
                        date);
    format->default_year = year;
    format->default_month = (int)month;
    format->default_day = (int)day;
    return PEN_OK;
}

static enum pen_code compile(struct pen_time_format *format, const char *timezone, const char *date,
                             struct pen_error *err)
{
    struct pen_slice zone = pen_slice_str(timezone == NULL ? "UTC" : timezone);
    if (format->dialect == PEN_TIME_LEGACY) {
        PEN_TRY(pen_zone_from_option(zone, &format->zone, err));
        PEN_TRY(parse_default_date(date == NULL ? "1970-01-01" : date, format, err));
    } else {
        PEN_TRY(pen_zone_from_fixed_option(zone, &format->zone, err));
    }
    if (format->dialect == PEN_TIME_JAVA) {
        PEN_TRY(pen_java_compile(format->pattern, &format->java, err));
        pen_java_shape_of(format);
        return PEN_OK;
    }
    PEN_TRY(pen_strptime_compile(format, err));
    pen_time_shape_of(format);
    return PEN_OK;
}

enum pen_code pen_time_format_new(const char *format, const char *timezone, const char *date,
                                  struct pen_time_format **ret_format, struct pen_error *err)
{
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *f = calloc(1, sizeof *f);
    if (f == NULL || (f->text = strdup(format)) == NULL)
        return pen_fail_nomem(err);
    f->dialect = PEN_TIME_LEGACY;
    f->pattern = f->text;
    if (strncmp(format, "java:", 5) == 0)
        f->dialect = PEN_TIME_JAVA;
    else if (strncmp(format, "ruby:", 5) == 0)
        f->dialect = PEN_TIME_RUBY;
    if (f->dialect != PEN_TIME_LEGACY)
        f->pattern += 5;
    PEN_TRY(compile(f, timezone, date, err));
    *ret_format = PEN_TAKE(f);
    return PEN_OK;
}

static bool parse_slowly(const struct pen_time_format *format, struct pen_slice text,
                         struct pen_instant *ret_instant, struct pen_time_failure *failure)
{
    if (format->dialect == PEN_TIME_JAVA)
        return pen_java_parse(format, text, ret_instant, failure);
    struct pen_time_fields fields = {.set = 0};
    if (!pen_strptime_scan(format, text, &fields, failure))
        return false;
    if (format->dialect == PEN_TIME_RUBY)
        return pen_time_resolve_ruby(format, &fields, ret_instant, failure);
    return pen_time_resolve_legacy(format, &fields, ret_instant, failure);
}

/* Characters (UTF-16 units, as in the original) before a byte; a byte inside a character counts as
 * the character's first. */
static size_t index_in_characters(struct pen_slice text, size_t at)
{
    while (at > 0 && at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80)
        at--;
    size_t count = 0;
    for (size_t i = 0; i < at; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        count += (c & 0xc0) != 0x80; /* not a continuation */
        count += c >= 0xf0;          /* four bytes: a surrogate pair */
    }
    return count;
}

bool pen_time_format_parse(const struct pen_time_format *format, struct pen_slice text,
                           struct pen_instant *ret_instant, size_t *ret_index)
{
    bool is_fast = format->shape.is_usable && format->dialect != PEN_TIME_JAVA;
    if (is_fast && pen_time_fast(format, text, ret_instant))
        return true;
    struct pen_time_failure failure = {.at = 0};
    if (parse_slowly(format, text, ret_instant, &failure))
        return true;
    if (ret_index != NULL)
        *ret_index = index_in_characters(text, failure.at);
    return false;
}

/* --- reasons ---------------------------------------------------------------------------------- */

static enum pen_code add_date_reason(const struct pen_time_failure *failure, struct pen_buf *into,
                                     struct pen_error *err)
{
    const char *month = pen_time_months[failure->month - 1];
    if (failure->month == 2 && failure->day == 29)
        return pen_buf_addf(into, err, "Invalid date 'February 29' as '%lld' is not a leap year",
                            (long long)failure->year);
    PEN_TRY(pen_buf_add_str(into, "Invalid date '", err));
    for (const char *p = month; *p != '\0'; p++)
        PEN_TRY(pen_buf_add_char(into, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p, err));
    return pen_buf_addf(into, err, " %d'", failure->day);
}

static enum pen_code add_reason(const struct pen_time_format *format,
                                const struct pen_time_failure *failure, struct pen_slice text,
                                struct pen_buf *into, struct pen_error *err)
{
    if (failure->cause == PEN_TIME_BAD_ZONE) {
        PEN_TRY(pen_buf_add_str(into, "Invalid time zone ID '", err));
        PEN_TRY(pen_buf_add_slice(into, failure->zone, err));
        return pen_buf_add_str(into, "'", err);
    }
    if (failure->cause == PEN_TIME_NO_TIME)
        return pen_buf_add_str(into, "No time information.", err);
    if (failure->cause == PEN_TIME_REGION)
        return pen_buf_addf(into, err, "Non-offset zone IDs are unaccepted in 'java:' formats: %s",
                            format->pattern);
    PEN_TRY(pen_buf_add_str(into, "Text '", err));
    PEN_TRY(pen_buf_add_slice(into, text, err));
    PEN_TRY(pen_buf_add_str(into, "' could not be parsed", err));
    switch (failure->cause) {
    case PEN_TIME_BAD_TEXT:
        return pen_buf_addf(into, err, " at index %zu", index_in_characters(text, failure->at));
    case PEN_TIME_LEFTOVER:
        return pen_buf_addf(into, err, ", unparsed text found at index %zu",
                            index_in_characters(text, failure->at));
    case PEN_TIME_BAD_DATE:
        PEN_TRY(pen_buf_add_str(into, ": ", err));
        return add_date_reason(failure, into, err);
    case PEN_TIME_BAD_YEAR_DAY:
        return pen_buf_addf(into, err,
                            ": Invalid date 'DayOfYear 366' as '%lld' is not a leap year",
                            (long long)failure->year);
    case PEN_TIME_OUT_OF_RANGE:
        return pen_buf_add_str(into, ": the time is out of range", err);
    case PEN_TIME_BAD_VALUE:
        return pen_buf_addf(into, err, ": Invalid value for %s (valid values %s): %lld",
                            failure->field, failure->span, (long long)failure->value);
    case PEN_TIME_CONFLICT:
        return pen_buf_addf(into, err, ": Conflict found: %s differs from what the rest says",
                            failure->field);
    case PEN_TIME_BAD_ZONE:
    case PEN_TIME_NO_TIME:
    case PEN_TIME_REGION:
        break;
    }
    return PEN_OK;
}

enum pen_code pen_time_format_reason(const struct pen_time_format *format, struct pen_slice text,
                                     struct pen_buf *into, struct pen_error *err)
{
    struct pen_time_failure failure = {.at = 0};
    struct pen_instant instant;
    if (parse_slowly(format, text, &instant, &failure))
        return PEN_OK; /* nothing is wrong with it */
    return add_reason(format, &failure, text, into, err);
}

enum pen_code pen_time_format_print(const struct pen_time_format *format,
                                    struct pen_instant instant, struct pen_buf *into,
                                    struct pen_error *err)
{
    return format->dialect == PEN_TIME_JAVA ? pen_java_print(format, instant, into, err)
                                            : pen_strptime_print(format, instant, into, err);
}
