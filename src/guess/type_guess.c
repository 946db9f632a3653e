#include "guess/type_guess.h"

#include "base/json.h"
#include "base/number.h"
#include "guess/time_guess.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAST_YEAR     1900 /* an all-digit time before that is an epoch second count */
#define COMMENT_VALUE  40   /* bytes of a value that a comment shows */
#define COMMENT_LENGTH 256

static bool is_word_of_boolean(struct pen_slice value)
{
    static const char *const words[] = {
        "true",  "True",  "TRUE",  "yes", "Yes", "YES", "t", "T", "y", "Y", "on",  "On",  "ON",
        "false", "False", "FALSE", "no",  "No",  "NO",  "f", "F", "n", "N", "off", "Off", "OFF",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (pen_slice_is(value, words[i]))
            return true;
    return false;
}

static size_t digits_at(struct pen_slice value, size_t at)
{
    size_t n = 0;
    while (at + n < value.len && value.ptr[at + n] >= '0' && value.ptr[at + n] <= '9')
        n++;
    return n;
}

/* 1456012800 reads as the year 1456: such numbers count seconds. */
static bool is_epoch_like(struct pen_slice value)
{
    if (value.len != 10 || digits_at(value, 0) != 10)
        return false;
    int year = 0;
    for (size_t i = 0; i < 4; i++)
        year = year * 10 + (value.ptr[i] - '0');
    return year < LEAST_YEAR && pen_time_guess_is_time(value) && year >= 1000;
}

static bool is_long(struct pen_slice value)
{
    int64_t number;
    char out[PEN_NUMBER_TEXT];
    if (!pen_parse_long(value, &number))
        return false;
    return pen_slice_equal(value, pen_slice(out, pen_print_long(number, out)));
}

/* sign? (NaN | Infinity | digits '.' digits exponent? suffix?), without leading zeros. */
static bool is_double(struct pen_slice value)
{
    size_t at = value.len > 0 && (value.ptr[0] == '-' || value.ptr[0] == '+') ? 1 : 0;
    struct pen_slice rest = pen_slice_skip(value, at);
    if (pen_slice_is(rest, "NaN") || pen_slice_is(rest, "Infinity"))
        return true;
    size_t whole = digits_at(rest, 0);
    if (whole == 0 || (whole > 1 && rest.ptr[0] == '0'))
        return false;
    if (whole == rest.len || rest.ptr[whole] != '.')
        return false;
    size_t fraction = digits_at(rest, whole + 1);
    if (fraction == 0)
        return false;
    at = whole + 1 + fraction;
    if (at < rest.len && (rest.ptr[at] == 'e' || rest.ptr[at] == 'E')) {
        at++;
        if (at < rest.len && (rest.ptr[at] == '-' || rest.ptr[at] == '+'))
            at++;
        size_t exponent = digits_at(rest, at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    if (at < rest.len && memchr("fFdD", rest.ptr[at], 4) != NULL)
        at++;
    return at == rest.len;
}

static bool is_json(struct pen_slice value)
{
    size_t from = 0, used;
    while (from < value.len && memchr(" \t\r\n", value.ptr[from], 4) != NULL)
        from++;
    if (from == value.len || (value.ptr[from] != '{' && value.ptr[from] != '['))
        return false;
    struct pen_buf scratch = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_slice text;
    bool is_read = pen_json_canonical(value, &scratch, &text, &used, NULL) == PEN_OK;
    pen_buf_release(&scratch);
    while (is_read && used < value.len && memchr(" \t\r\n", value.ptr[used], 4) != NULL)
        used++;
    return is_read && used == value.len;
}

enum guess_kind guess_value_kind(struct pen_slice value)
{
    if (value.ptr == NULL || value.len == 0)
        return GUESS_NOTHING;
    if (is_word_of_boolean(value))
        return GUESS_BOOLEAN;
    if (pen_time_guess_is_time(value) && !is_epoch_like(value))
        return GUESS_TIMESTAMP;
    if (is_long(value))
        return GUESS_LONG;
    if (is_double(value))
        return GUESS_DOUBLE;
    return is_json(value) ? GUESS_JSON : GUESS_STRING;
}

static enum guess_kind merge_kinds(enum guess_kind a, enum guess_kind b)
{
    if (a == b || b == GUESS_NOTHING)
        return a;
    if (a == GUESS_NOTHING)
        return b;
    enum guess_kind low = a < b ? a : b, high = a < b ? b : a;
    if (low == GUESS_BOOLEAN && high == GUESS_LONG)
        return GUESS_LONG;
    if (low == GUESS_LONG && (high == GUESS_DOUBLE || high == GUESS_TIMESTAMP))
        return high == GUESS_DOUBLE ? GUESS_DOUBLE : GUESS_LONG;
    return GUESS_STRING;
}

const char *guess_kind_name(enum guess_kind kind)
{
    static const char *const names[] = {
        [GUESS_NOTHING] = "string", [GUESS_BOOLEAN] = "boolean",     [GUESS_LONG] = "long",
        [GUESS_DOUBLE] = "double",  [GUESS_TIMESTAMP] = "timestamp", [GUESS_JSON] = "json",
        [GUESS_STRING] = "string",
    };
    return names[kind];
}

/* One column of the sample while its type is found. */
struct column {
    enum guess_kind kind;
    enum guess_kind before;          /* the kind before a value made it a string */
    const struct guess_row *breaker; /* that value's record; NULL when there is none */
    const struct guess_row *misfit;  /* the first record with a time that is no number */
    size_t index, values, zero_led;
};

static bool has_leading_zero(struct pen_slice value)
{
    return value.len > 1 && value.ptr[0] == '0' && digits_at(value, 0) == value.len;
}

static void add_value(struct column *column, const struct guess_row *row, struct pen_slice value)
{
    enum guess_kind kind = guess_value_kind(value);
    if (kind == GUESS_NOTHING)
        return;
    enum guess_kind merged = merge_kinds(column->kind, kind);
    if (merged == GUESS_STRING && column->kind != GUESS_NOTHING && column->kind != GUESS_STRING) {
        column->before = column->kind;
        column->breaker = row;
    }
    if (kind == GUESS_TIMESTAMP && column->misfit == NULL && !is_long(value))
        column->misfit = row;
    column->kind = merged;
    column->values++;
    column->zero_led += has_leading_zero(value);
}

static const char *add_comment(struct pen_arena *arena, const char *text)
{
    return pen_arena_copy(arena, pen_slice_str(text)); /* NULL: the comment is missing, no more */
}

/* Values come from foreign files: what could end or confuse a comment line is left out. */
static void show_value(struct pen_slice value, char out[COMMENT_VALUE + 4])
{
    size_t n = 0;
    for (size_t i = 0; i < value.len && n < COMMENT_VALUE; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c < 0x20 || c >= 0x7f)
            break;
        out[n++] = (char)c;
    }
    memcpy(out + n, n < value.len ? "..." : "", n < value.len ? 4 : 1);
}

static const char *string_comment(const struct column *column, struct pen_arena *arena)
{
    char text[COMMENT_LENGTH], shown[COMMENT_VALUE + 4];
    if (column->zero_led > 0 && column->breaker == NULL) {
        (void)snprintf(text, sizeof text,
                       "kept as text: a number would lose its leading zeros (%zu of %zu values)",
                       column->zero_led, column->values);
        return add_comment(arena, text);
    }
    if (column->breaker == NULL)
        return NULL;
    show_value(column->breaker->cells[column->index], shown);
    (void)snprintf(text, sizeof text,
                   "string because of '%s' in line %llu of the sample, %s before", shown,
                   (unsigned long long)column->breaker->line, guess_kind_name(column->before));
    return add_comment(arena, text);
}

/* The original makes a number of a column with numbers and times, whatever the times look like. */
static const char *long_comment(const struct column *column, struct pen_arena *arena)
{
    char text[COMMENT_LENGTH], shown[COMMENT_VALUE + 4];
    if (column->misfit == NULL)
        return NULL;
    show_value(column->misfit->cells[column->index], shown);
    (void)snprintf(text, sizeof text,
                   "check this: '%s' in line %llu of the sample is no long; string would keep both",
                   shown, (unsigned long long)column->misfit->line);
    return add_comment(arena, text);
}

/* The number at *at of a value, which moves behind it; -1 when there is none. */
static int number_at(struct pen_slice value, size_t *at)
{
    while (*at < value.len && value.ptr[*at] == ' ')
        ++*at;
    size_t n = digits_at(value, *at);
    int number = n == 0 ? -1 : 0;
    for (size_t i = 0; i < n && i < 4; i++)
        number = number * 10 + (value.ptr[*at + i] - '0');
    *at += n;
    return number;
}

/* 01/02/2015: nothing in the sample tells day from month. */
static bool is_day_month_open(const char *format, const struct pen_slice *values, size_t count)
{
    bool is_month_first = strncmp(format, "%m", 2) == 0 &&
                          (strncmp(format + 3, "%d", 2) == 0 || strncmp(format + 3, "%e", 2) == 0);
    bool is_day_first = (strncmp(format, "%d", 2) == 0 || strncmp(format, "%e", 2) == 0) &&
                        strncmp(format + 3, "%m", 2) == 0;
    if (!is_month_first && !is_day_first)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        int first = number_at(values[i], &at);
        at++;
        int second = number_at(values[i], &at);
        if (first < 1 || first > 12 || second < 1 || second > 12 || first == second)
            return false;
    }
    return true;
}

static enum pen_code find_format(const struct pen_slice *values, size_t count,
                                 struct pen_arena *arena, struct guess_type *type,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf format = PEN_BUF(1 << 16);
    bool is_found;
    PEN_TRY(pen_time_guess(values, count, &format, &is_found, err));
    if (!is_found) {
        type->kind = GUESS_STRING;
        return PEN_OK;
    }
    type->format = pen_arena_copy(arena, pen_buf_slice(&format));
    if (type->format == NULL)
        return pen_fail_nomem(err);
    if (is_day_month_open(type->format, values, count))
        type->comment = add_comment(
            arena, "day and month could be the other way round: no value of the sample tells");
    return PEN_OK;
}

static enum pen_code column_type(const struct guess_row *rows, size_t count, size_t index,
                                 struct pen_slice *values, struct pen_arena *arena,
                                 struct guess_type *ret_type, struct pen_error *err)
{
    struct column column = {.index = index};
    size_t times = 0;
    for (size_t i = 0; i < count; i++) {
        if (index >= rows[i].count)
            continue;
        struct pen_slice value = rows[i].cells[index];
        add_value(&column, &rows[i], value);
        if (column.kind == GUESS_TIMESTAMP && value.len > 0)
            values[times++] = value;
    }
    struct guess_type type = {.kind = column.kind};
    if (column.kind == GUESS_LONG)
        type.comment = long_comment(&column, arena);
    if (column.kind == GUESS_NOTHING || column.kind == GUESS_STRING) {
        type.kind = GUESS_STRING;
        type.comment = string_comment(&column, arena);
    } else if (column.kind == GUESS_TIMESTAMP) {
        PEN_TRY(find_format(values, times, arena, &type, err));
    }
    *ret_type = type;
    return PEN_OK;
}

enum pen_code guess_types(const struct guess_row *rows, size_t count, struct pen_arena *arena,
                          struct guess_type **ret_types, size_t *ret_count, struct pen_error *err)
{
    size_t widest = 0;
    for (size_t i = 0; i < count; i++)
        widest = rows[i].count > widest ? rows[i].count : widest;
    struct guess_type *types = pen_arena_alloc(arena, widest * sizeof *types);
    PEN_CLEANUP(pen_free_p)
    struct pen_slice *values = malloc((count + 1) * sizeof *values);
    if (types == NULL || values == NULL)
        return pen_fail_nomem(err);
    for (size_t c = 0; c < widest; c++)
        PEN_TRY(column_type(rows, count, c, values, arena, &types[c], err));
    *ret_types = types;
    *ret_count = widest;
    return PEN_OK;
}

bool guess_types_equal(const struct guess_type *a, size_t a_count, const struct guess_type *b,
                       size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (a[i].kind != b[i].kind)
            return false;
        if (a[i].kind == GUESS_TIMESTAMP && strcmp(a[i].format, b[i].format) != 0)
            return false;
    }
    return true;
}
