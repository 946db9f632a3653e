#include "guess/type_remark.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>

#define SHOWN_VALUE ((size_t)40)
#define SHOWN_PLACE ((size_t)256)

/* Unix times between these are taken for such: 2000-01-01 and 2050-01-01. */
#define LEAST_EPOCH INT64_C(946684800)
#define MOST_EPOCH  INT64_C(2524608000)

const char *guess_remark(struct pen_arena *arena, const char *before, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* a comment may be cut */
    va_end(args);
    if (before == NULL)
        return pen_arena_copy(arena, pen_slice_str(text));
    PEN_CLEANUP(pen_buf_release) struct pen_buf both = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (pen_buf_addf(&both, NULL, "%s\n%s", before, text) != PEN_OK)
        return before;
    return pen_arena_copy(arena, pen_buf_slice(&both));
}

/* The printable ASCII at the start of a text, up to `most` bytes. */
static size_t printable_len(struct pen_slice text, size_t most)
{
    size_t n = 0;
    while (n < text.len && n < most && (unsigned char)text.ptr[n] >= 0x20 &&
           (unsigned char)text.ptr[n] < 0x7f)
        n++;
    return n;
}

void guess_show_value(struct pen_slice value, char out[GUESS_SHOWN_BYTES])
{
    size_t n = printable_len(value, SHOWN_VALUE);
    (void)snprintf(out, GUESS_SHOWN_BYTES, "%.*s%s", (int)n, n == 0 ? "" : value.ptr,
                   n < value.len ? "..." : "");
}

const char *guess_show_place(const char *place, struct pen_arena *arena)
{
    if (place == NULL)
        return NULL;
    struct pen_slice text = pen_slice_str(place);
    size_t n = printable_len(text, SHOWN_PLACE);
    return guess_remark(arena, NULL, "%.*s%s", (int)n, place, n < text.len ? "..." : "");
}

void guess_show_row(const struct guess_row *row, char out[GUESS_WHERE_BYTES])
{
    const char *place = row->place == NULL ? "the sample" : row->place;
    bool has_line = row->line > 0;
    (void)snprintf(out, GUESS_WHERE_BYTES, "%s %llu of %s", has_line ? "in line" : "at byte",
                   (unsigned long long)(has_line ? row->line : row->byte), place);
}

static struct pen_slice cell_of(const struct guess_column *column, size_t row)
{
    const struct guess_row *at = &column->rows[row];
    return column->index < at->count ? at->cells[column->index] : (struct pen_slice){0};
}

/* --- dates ------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The number at *at of a value, which moves behind it; -1 when there is none. */
static int number_at(struct pen_slice value, size_t *at)
{
    int number = -1;
    while (*at < value.len && value.ptr[*at] == ' ')
        ++*at;
    for (; *at < value.len && is_digit(value.ptr[*at]); ++*at)
        number = number < 0 ? value.ptr[*at] - '0'
                            : (number < 10000 ? number * 10 + (value.ptr[*at] - '0') : number);
    return number;
}

bool guess_is_month_first(const char *format)
{
    return strncmp(format, "%m", 2) == 0 &&
           (strncmp(format + 3, "%d", 2) == 0 || strncmp(format + 3, "%e", 2) == 0);
}

bool guess_is_day_first(const char *format)
{
    return (strncmp(format, "%d", 2) == 0 || strncmp(format, "%e", 2) == 0) &&
           strncmp(format + 3, "%m", 2) == 0;
}

const struct guess_row *guess_day_month_proof(const struct guess_row *rows, size_t count,
                                              size_t index)
{
    for (size_t i = 0; i < count; i++) {
        if (index >= rows[i].count)
            continue;
        size_t at = 0;
        int first = number_at(rows[i].cells[index], &at);
        at++;
        int second = number_at(rows[i].cells[index], &at);
        if ((first > 12 && second >= 0) || (second > 12 && first >= 0))
            return &rows[i];
    }
    return NULL;
}

static bool is_all_digits(struct pen_slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_digit(value.ptr[i]))
            return false;
    return value.len > 0;
}

/* Are all values that say something digits alone? */
static bool has_only_digits(const struct guess_column *column)
{
    for (size_t i = 0; i < column->row_count; i++) {
        struct pen_slice value = cell_of(column, i);
        if (value.len > 0 && !is_all_digits(value))
            return false;
    }
    return true;
}

static const char *time_remark(const struct guess_column *column, const struct guess_type *type,
                               struct pen_arena *arena)
{
    if (has_only_digits(column))
        return guess_remark(arena, NULL,
                            "these numbers read as times; set type: long when they are none");
    bool is_day_first = guess_is_day_first(type->format);
    if (!is_day_first && !guess_is_month_first(type->format))
        return NULL;
    const struct guess_row *proof =
        guess_day_month_proof(column->rows, column->row_count, column->index);
    if (proof == NULL)
        return guess_remark(
            arena, NULL,
            "day and month could be the other way round: no value of the sample tells");
    if (!is_day_first)
        return NULL;
    char shown[GUESS_SHOWN_BYTES], where[GUESS_WHERE_BYTES];
    guess_show_value(proof->cells[column->index], shown);
    guess_show_row(proof, where);
    return guess_remark(arena, NULL, "the day comes first because of '%s' %s", shown, where);
}

/* 01/02/03: one or two digits three times, the same of / - . between them. */
static bool is_short_date(struct pen_slice value)
{
    size_t at = 0;
    char delimiter = '\0';
    for (int part = 0; part < 3; part++) {
        size_t digits = 0;
        while (at < value.len && is_digit(value.ptr[at]) && digits < 3)
            at++, digits++;
        if (digits == 0 || digits > 2 || (part == 2 && at != value.len))
            return false;
        if (part == 2)
            break;
        if (at == value.len || memchr("/-.", value.ptr[at], 3) == NULL ||
            (part == 1 && value.ptr[at] != delimiter))
            return false;
        delimiter = value.ptr[at++];
    }
    return true;
}

static bool has_only_short_dates(const struct guess_column *column)
{
    for (size_t i = 0; i < column->row_count; i++) {
        struct pen_slice value = cell_of(column, i);
        if (value.len > 0 && !is_short_date(value))
            return false;
    }
    return column->values > 0;
}

/* --- numbers and text --------------------------------------------------------------------------
 */

/* Seconds, milliseconds ... since 1970? Then they are named, with the first of them as a time. */
static const char *epoch_remark(const struct guess_column *column, struct pen_arena *arena)
{
    static const struct {
        int64_t a_second;
        const char *name, *advice;
    } units[] = {
        {1, "seconds", "type: timestamp with format '%s' reads them as times"},
        {1000, "milliseconds", "type: timestamp with format '%Q' reads them as times"},
        {1000000, "microseconds", "as time column they need out.unix_timestamp_unit: micro"},
        {1000000000, "nanoseconds", "as time column they need out.unix_timestamp_unit: nano"},
    };
    int64_t value, first = 0, least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < column->row_count; i++) {
        if (!pen_parse_long(cell_of(column, i), &value))
            continue;
        first = most == INT64_MIN ? value : first;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t unit = units[i].a_second;
        if (most == INT64_MIN || least / unit < LEAST_EPOCH || most / unit >= MOST_EPOCH)
            continue;
        char time[PEN_INSTANT_TEXT];
        struct pen_instant instant = {.utc_us = first / unit * PEN_US_PER_SECOND};
        size_t len = pen_instant_print(instant, time);
        return guess_remark(arena, NULL, "could be %s since 1970 (%lld is %.*s); %s", units[i].name,
                            (long long)first, (int)len, time, units[i].advice);
    }
    return NULL;
}

/* The original makes a number of a column with numbers and times, whatever the times look like. */
static const char *long_remark(const struct guess_column *column, struct pen_arena *arena)
{
    char shown[GUESS_SHOWN_BYTES], where[GUESS_WHERE_BYTES];
    if (column->misfit == NULL)
        return epoch_remark(column, arena);
    guess_show_value(column->misfit->cells[column->index], shown);
    guess_show_row(column->misfit, where);
    return guess_remark(arena, NULL, "check this: '%s' %s is no long; string would keep both",
                        shown, where);
}

static const char *breaker_remark(const struct guess_column *column, enum guess_kind kind,
                                  struct pen_arena *arena)
{
    char shown[GUESS_SHOWN_BYTES], where[GUESS_WHERE_BYTES];
    if (column->breaker == NULL)
        return NULL;
    guess_show_value(column->breaker->cells[column->index], shown);
    guess_show_row(column->breaker, where);
    return guess_remark(arena, NULL, "%s because of '%s' %s, %s before", guess_kind_name(kind),
                        shown, where, guess_kind_name(column->before));
}

static const char *string_remark(const struct guess_column *column, struct pen_arena *arena)
{
    if (column->breaker != NULL)
        return breaker_remark(column, GUESS_STRING, arena);
    if (column->zero_led > 0 && column->zero_led + column->integers == column->values)
        return guess_remark(
            arena, NULL, "kept as text: a number would lose its leading zeros (%zu of %zu values)",
            column->zero_led, column->values);
    if (has_only_short_dates(column))
        return guess_remark(arena, NULL,
                            "could be dates with years of two digits, which tell no order of day, "
                            "month and year; type: timestamp needs a format such as '%%d/%%m/%%y'");
    return NULL;
}

const char *guess_type_remark(const struct guess_column *column, const struct guess_type *type,
                              struct pen_arena *arena)
{
    switch (type->kind) {
    case GUESS_LONG:
        return long_remark(column, arena);
    case GUESS_DOUBLE:
        return breaker_remark(column, GUESS_DOUBLE, arena);
    case GUESS_TIMESTAMP:
        return time_remark(column, type, arena);
    case GUESS_STRING:
    case GUESS_NOTHING:
        return string_remark(column, arena);
    case GUESS_BOOLEAN:
    case GUESS_JSON:
        break;
    }
    return NULL;
}
