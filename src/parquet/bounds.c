#include "parquet/bounds.h"

#include "base/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* --- numbers ---------------------------------------------------------------------------------- */

void pen_bounds_add_longs(struct pen_bounds *bounds, const int64_t *values, size_t count)
{
    if (count == 0)
        return;
    int64_t min = values[0], max = values[0];
    for (size_t i = 1; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    if (!bounds->has_value || min < bounds->min_long)
        bounds->min_long = min;
    if (!bounds->has_value || max > bounds->max_long)
        bounds->max_long = max;
    bounds->has_value = true;
}

void pen_bounds_add_booleans(struct pen_bounds *bounds, const uint8_t *values, size_t count)
{
    size_t trues = 0;
    for (size_t i = 0; i < count; i++)
        trues += values[i];
    const int64_t ends[2] = {trues == count, trues > 0};
    pen_bounds_add_longs(bounds, ends, count == 0 ? 0 : 2);
}

void pen_bounds_add_doubles(struct pen_bounds *bounds, const double *values, size_t count)
{
    /* comparisons with a NaN are false, so that none gets in */
    double min = HUGE_VAL, max = -HUGE_VAL;
    size_t nans = 0;
    for (size_t i = 0; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
        nans += values[i] != values[i];
    }
    bounds->has_nan = bounds->has_nan || nans > 0;
    if (nans == count)
        return;
    if (!bounds->has_value || min < bounds->min_double)
        bounds->min_double = min;
    if (!bounds->has_value || max > bounds->max_double)
        bounds->max_double = max;
    bounds->has_value = true;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* The first 8 bytes as a number that orders as they do; missing ones count as zero. */
static uint64_t prefix_of(const char *at, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, at, len < 8 ? len : 8);
    return __builtin_bswap64(word);
}

static int compare(const struct pen_bound_text *bound, struct pen_slice text)
{
    size_t shorter = bound->len < text.len ? bound->len : text.len;
    int order = shorter == 0 ? 0 : memcmp(bound->bytes, text.ptr, shorter);
    if (order != 0)
        return order;
    return bound->len < text.len ? -1 : bound->len > text.len;
}

static void set_text(struct pen_bound_text *bound, struct pen_slice text)
{
    bound->prefix = prefix_of(text.ptr, text.len);
    bound->len = (uint32_t)text.len;
    if (text.len > 0)
        memcpy(bound->bytes, text.ptr, text.len);
}

void pen_bounds_add_text(struct pen_bounds *bounds, struct pen_slice text)
{
    /* beyond this all texts are alike: a bound that was cut is unknown anyway */
    if (text.len > PEN_BOUND_BYTES + 1)
        text.len = PEN_BOUND_BYTES + 1;
    if (!bounds->has_value || compare(&bounds->min_text, text) > 0)
        set_text(&bounds->min_text, text);
    if (!bounds->has_value || compare(&bounds->max_text, text) < 0)
        set_text(&bounds->max_text, text);
    bounds->has_value = true;
}

void pen_bounds_add_texts(struct pen_bounds *bounds, const uint32_t *lengths, size_t count,
                          const char *bytes)
{
    for (size_t i = 0; i < count; bytes += lengths[i], i++) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        word = __builtin_bswap64(word);
        if (lengths[i] < 8)
            word = lengths[i] == 0 ? 0 : word & UINT64_MAX << (64 - 8 * lengths[i]);
        if (bounds->has_value && word > bounds->min_text.prefix && word < bounds->max_text.prefix)
            continue;
        pen_bounds_add_text(bounds, pen_slice(bytes, lengths[i]));
    }
}

/* --- merging ---------------------------------------------------------------------------------- */

static void merge_values(struct pen_bounds *bounds, const struct pen_bounds *other)
{
    switch (bounds->type) {
    case PEN_TYPE_BOOLEAN:
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
        pen_bounds_add_longs(bounds, (const int64_t[]){other->min_long, other->max_long}, 2);
        return;
    case PEN_TYPE_DOUBLE:
        pen_bounds_add_doubles(bounds, (const double[]){other->min_double, other->max_double}, 2);
        return;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    pen_bounds_add_text(bounds, pen_slice(other->min_text.bytes, other->min_text.len));
    pen_bounds_add_text(bounds, pen_slice(other->max_text.bytes, other->max_text.len));
}

void pen_bounds_merge(struct pen_bounds *bounds, const struct pen_bounds *other)
{
    assert(bounds->type == other->type);
    bounds->value_count += other->value_count;
    bounds->null_count += other->null_count;
    bounds->has_nan = bounds->has_nan || other->has_nan;
    if (other->has_value)
        merge_values(bounds, other);
}

/* --- handing on ------------------------------------------------------------------------------- */

bool pen_bounds_plain(const struct pen_bounds *bounds, bool is_max, char *memory,
                      struct pen_slice *ret_bound)
{
    if (!bounds->has_value || bounds->has_nan)
        return false;
    const struct pen_bound_text *text = is_max ? &bounds->max_text : &bounds->min_text;
    int64_t number = is_max ? bounds->max_long : bounds->min_long;
    double real = is_max ? bounds->max_double : bounds->min_double;
    switch (bounds->type) {
    case PEN_TYPE_BOOLEAN:
        memory[0] = (char)number;
        *ret_bound = pen_slice(memory, 1);
        return true;
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
        memcpy(memory, &number, sizeof number);
        *ret_bound = pen_slice(memory, sizeof number);
        return true;
    case PEN_TYPE_DOUBLE:
        /* the zero that lies further out, for either may be among the values */
        real = real == 0 ? (is_max ? 0.0 : -0.0) : real;
        memcpy(memory, &real, sizeof real);
        *ret_bound = pen_slice(memory, sizeof real);
        return true;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    *ret_bound = pen_slice(text->bytes, text->len);
    return text->len <= PEN_BOUND_BYTES;
}

/* "2020-01-01 00:00:00.5"; years before 1 as "0044-03-15 (BC) 12:00:00". */
static int print_timestamp(int64_t us, char *out, size_t size)
{
    struct pen_civil at = pen_civil_from_us(us);
    bool is_bc = at.year < 1;
    int len = snprintf(out, size, "%04" PRId64 "-%02d-%02d%s %02d:%02d:%02d",
                       is_bc ? 1 - at.year : at.year, at.month, at.day, is_bc ? " (BC)" : "",
                       at.hour, at.minute, at.second);
    if (at.us == 0)
        return len;
    len += snprintf(out + len, size - (size_t)len, ".%06d", at.us);
    while (out[len - 1] == '0')
        len--;
    return len;
}

static size_t print_double(double value, char *out)
{
    if (isinf(value))
        return (size_t)snprintf(out, PEN_NUMBER_TEXT, value < 0 ? "-inf" : "inf");
    return pen_print_double(value, out);
}

enum pen_code pen_bounds_text(const struct pen_bounds *bounds, bool is_max, struct pen_arena *arena,
                              const char **ret_text, struct pen_error *err)
{
    char memory[8], print[PEN_INSTANT_TEXT];
    static_assert(sizeof print >= PEN_NUMBER_TEXT, "room for numbers too");
    struct pen_slice text;
    *ret_text = NULL;
    if (!pen_bounds_plain(bounds, is_max, memory, &text))
        return PEN_OK;
    int64_t number = is_max ? bounds->max_long : bounds->min_long;
    switch (bounds->type) {
    case PEN_TYPE_BOOLEAN:
    case PEN_TYPE_LONG:
        text = pen_slice(print, pen_print_long(number, print));
        break;
    case PEN_TYPE_TIMESTAMP:
        text = pen_slice(print, (size_t)print_timestamp(number, print, sizeof print));
        break;
    case PEN_TYPE_DOUBLE:
        text =
            pen_slice(print, print_double(is_max ? bounds->max_double : bounds->min_double, print));
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
            return PEN_OK;
        break;
    }
    return pen_arena_text(arena, text, ret_text, err);
}
