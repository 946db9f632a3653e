#include "guess/type_guess.h"

#include "base/json.h"
#include "base/number.h"
#include "guess/time_guess.h"
#include "guess/type_remark.h"

#include <stdlib.h>

#define LEAST_YEAR 1900 /* an all-digit time before that is an epoch second count */

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

bool guess_is_integer(struct pen_slice value)
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
    if (guess_is_integer(value))
        return GUESS_LONG;
    if (is_double(value))
        return GUESS_DOUBLE;
    return is_json(value) ? GUESS_JSON : GUESS_STRING;
}

enum guess_kind guess_merge_kinds(enum guess_kind a, enum guess_kind b)
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

bool guess_is_zero_led(struct pen_slice value)
{
    return value.len > 1 && value.ptr[0] == '0' && digits_at(value, 0) == value.len;
}

static void add_value(struct guess_column *column, const struct guess_row *row,
                      struct pen_slice value)
{
    enum guess_kind kind = guess_value_kind(value);
    if (kind == GUESS_NOTHING)
        return;
    enum guess_kind merged = guess_merge_kinds(column->kind, kind);
    bool is_changed = column->kind != GUESS_NOTHING && column->kind != merged;
    if (is_changed && (merged == GUESS_STRING || merged == GUESS_DOUBLE)) {
        column->before = column->kind;
        column->breaker = row;
    }
    if (kind == GUESS_TIMESTAMP && column->misfit == NULL && !guess_is_integer(value))
        column->misfit = row;
    column->kind = merged;
    column->values++;
    column->zero_led += guess_is_zero_led(value);
    column->integers += guess_is_integer(value);
}

static enum pen_code find_format(const struct pen_slice *values, size_t count,
                                 struct pen_arena *arena, struct guess_type *type,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf format = PEN_BUF(1 << 16);
    bool is_found;
    PEN_TRY(pen_time_guess(values, count, &format, NULL, &is_found, err));
    if (!is_found) {
        type->kind = GUESS_STRING;
        return PEN_OK;
    }
    type->format = pen_arena_copy(arena, pen_buf_slice(&format));
    if (type->format == NULL)
        return pen_fail_nomem(err);
    return PEN_OK;
}

static enum pen_code column_type(const struct guess_row *rows, size_t count, size_t index,
                                 struct pen_slice *values, struct pen_arena *arena,
                                 struct guess_type *ret_type, struct pen_error *err)
{
    struct guess_column column = {.rows = rows, .row_count = count, .index = index};
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
    if (column.kind == GUESS_NOTHING)
        type.kind = GUESS_STRING;
    if (column.kind == GUESS_TIMESTAMP)
        PEN_TRY(find_format(values, times, arena, &type, err));
    type.comment = guess_type_remark(&column, &type, arena);
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
