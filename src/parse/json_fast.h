/* json_fast.h - the values that nearly all values are, read in one pass; for anything else NULL,
 * and the careful functions of json_column.c decide. PEN_CHUNK_PADDING bytes behind the text may be
 * read; the caller finds out when a value seems to go on there. */
#ifndef PEN_PARSE_JSON_FAST_H
#define PEN_PARSE_JSON_FAST_H

#include "base/number.h"
#include "base/number_digits.h"
#include "parse/json_parse_internal.h"

/* What may stand behind a number or word. (A control character there is found by who goes on.) */
static inline bool pen_json_ends_value(char c)
{
    return c == ',' || c == '}' || c == ']' || (unsigned char)c <= ' ';
}

/* Decimal digits at p, at most 20; *ret_value is right for up to 19. */
static inline const char *pen_json_fast_digits(const char *p, uint64_t *ret_value)
{
    const char *most = p + 20;
    uint64_t value = 0;
    for (int i = 0; i < 2 && pen_is_8_digits(p); i++, p += 8)
        value = value * 100000000 + pen_read_8_digits(p);
    for (; p < most && (unsigned char)(*p - '0') < 10; p++)
        value = value * 10 + (unsigned char)(*p - '0');
    *ret_value = value;
    return p;
}

/* Behind a JSON integer of at most 18 digits. */
static inline const char *pen_json_fast_long(const char *p, int64_t *ret_value)
{
    bool is_negative = *p == '-';
    const char *from = p + is_negative;
    uint64_t value;
    const char *end = pen_json_fast_digits(from, &value);
    ptrdiff_t digits = end - from;
    bool is_plain = digits > 0 && digits <= 18 && (*from != '0' || digits == 1);
    if (!is_plain || !pen_json_ends_value(*end))
        return NULL;
    *ret_value = is_negative ? -(int64_t)value : (int64_t)value;
    return end;
}

/* Behind a JSON number without an exponent; up to 15 digits its value is one exact division. */
static inline const char *pen_json_fast_double(const char *p, double *ret_value)
{
    static const double powers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool is_negative = *p == '-';
    const char *from = p + is_negative;
    uint64_t whole, fraction = 0;
    const char *end = pen_json_fast_digits(from, &whole);
    ptrdiff_t digits = end - from, fraction_digits = 0;
    if (digits == 0 || digits > 15 || (*from == '0' && digits > 1))
        return NULL;
    if (*end == '.') {
        from = end + 1;
        end = pen_json_fast_digits(from, &fraction);
        fraction_digits = end - from;
        if (fraction_digits == 0)
            return NULL;
    } else if (is_negative && whole == 0) {
        return NULL; /* -0 is the integer 0 */
    }
    if (!pen_json_ends_value(*end))
        return NULL;
    if (digits + fraction_digits > 15)
        return pen_parse_double(pen_slice(p, (size_t)(end - p)), ret_value) ? end : NULL;
    double scale = powers[fraction_digits];
    /* product and sum are whole numbers below 2^53 */
    double value = ((double)whole * scale + (double)fraction) / scale;
    *ret_value = is_negative ? -value : value;
    return end;
}

/* Behind true or false. */
static inline const char *pen_json_fast_boolean(const char *p, uint8_t *ret_value)
{
    bool is_true = memcmp(p, "true", 4) == 0;
    if (!is_true && memcmp(p, "false", 5) != 0)
        return NULL;
    const char *end = p + (is_true ? 4 : 5);
    if (!pen_json_ends_value(*end))
        return NULL;
    *ret_value = is_true;
    return end;
}

/* Behind a string without escapes. */
static inline const char *pen_json_fast_string(const char *p, const char *end,
                                               struct pen_slice *ret_text)
{
    if (*p != '"')
        return NULL;
    const char *quote = pen_json_find_special(p + 1, end);
    if (quote == end || *quote != '"')
        return NULL;
    *ret_text = pen_slice(p + 1, (size_t)(quote - p - 1));
    return quote + 1;
}

/* pen_string_make for a text with readable bytes behind it: no copy of variable length. */
static inline struct pen_string pen_json_fast_make(struct pen_slice text)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    struct pen_string value = {.ptr = NULL};
    if (text.len > sizeof value.inlined)
        return pen_string_make(text.ptr, text.len);
    uint64_t low = pen_load_8(text.ptr);
    uint32_t high;
    memcpy(&high, text.ptr + 8, sizeof high);
    unsigned bits = (unsigned)text.len * 8;
    low &= bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    high &= bits <= 64 ? 0 : UINT32_MAX >> (96 - bits);
    value.len = (uint32_t)text.len;
    memcpy(value.inlined, &low, sizeof low);
    memcpy(value.inlined + 8, &high, sizeof high);
    return value;
#else
    return pen_string_make(text.ptr, text.len);
#endif
}

/* pen_json_fast_put - the value at p into the column; NULL: somebody else must look at it. */
static inline __attribute__((always_inline)) const char *
pen_json_fast_put(struct pen_json_reading *r, uint32_t index, const char *p)
{
    struct pen_column *to = &r->batch->columns[index];
    struct pen_slice text;
    struct pen_instant instant;
    const char *end = NULL;
    switch (to->type) {
    case PEN_TYPE_BOOLEAN:
        end = pen_json_fast_boolean(p, &pen_column_booleans(to)[r->row]);
        break;
    case PEN_TYPE_LONG:
        end = pen_json_fast_long(p, &pen_column_longs(to)[r->row]);
        break;
    case PEN_TYPE_DOUBLE:
        end = pen_json_fast_double(p, &pen_column_doubles(to)[r->row]);
        break;
    case PEN_TYPE_STRING:
        end = pen_json_fast_string(p, r->end, &text);
        if (end != NULL)
            pen_column_strings(to)[r->row] = pen_json_fast_make(text);
        break;
    case PEN_TYPE_TIMESTAMP:
        end = pen_json_fast_string(p, r->end, &text);
        if (end == NULL ||
            !pen_time_format_parse(r->parser->columns[index].time, text, &instant, NULL))
            return NULL;
        pen_column_longs(to)[r->row] = instant.utc_us;
        to->nanos[r->row] = instant.ns;
        break;
    case PEN_TYPE_JSON:
        return NULL;
    }
    if (end != NULL)
        pen_column_set_valid(to, r->row, true);
    return end;
}

/* pen_json_fast_skip - behind a value that is no container and has no escapes; NULL: as above. */
static inline const char *pen_json_fast_skip(const struct pen_json_reading *r, const char *p)
{
    struct pen_slice text;
    bool is_double;
    const char *end = NULL;
    if (*p == '"')
        return pen_json_fast_string(p, r->end, &text);
    if (*p == '-' || (unsigned char)(*p - '0') < 10)
        return pen_json_number_end(p, r->end, &is_double);
    if (memcmp(p, "null", 4) == 0 || memcmp(p, "true", 4) == 0)
        end = p + 4;
    else if (memcmp(p, "false", 5) == 0)
        end = p + 5;
    return end != NULL && pen_json_ends_value(*end) ? end : NULL;
}

#endif
