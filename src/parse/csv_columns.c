/* csv_columns.c - column at a time: one tight loop per type over the indexed records.
 *
 *     ends of fields --per column: fast form | any form--> values, validity words
 *
 * Each loop knows the usual form of its type (digits; a plain text); everything else, nulls
 * included, goes through put_any, which says what csv_record.c says of the same field. */
#include "parse/csv_internal.h"

#include "base/number.h"
#include "base/number_digits.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct span {
    const char *ptr;
    size_t len;
};

/* One column of a block. */
struct lane {
    const struct pen_csv_block *block;
    const struct pen_csv_column *spec;
    struct pen_column *column;
    size_t c;
};

/* What the fast forms need. A local of the loop that nothing else sees, so that it lives in
 * registers whatever the loop stores. */
struct quick {
    void *data;
    uint16_t *nanos;
    const struct pen_time_format *time;
    struct pen_slice null_text; /* null_string; empty when not set */
    char quote, escape;         /* escape: the quote when there is none */
    bool has_quote;
};

/* Tries the usual form of one field: false leaves it to put_any. */
typedef bool quick_fn(const struct quick *quick, struct span field, size_t row);

/* ---- text inside quotes ---- */

/* Where the first byte stands that is not simply itself: a quote, an escape, a line end that may
 * become another; len when there is none. May read 15 bytes behind (the chunk's padding). */
static inline size_t find_special(char quote, char escape, const char *text, size_t len)
{
#if defined(__SSE2__)
    const __m128i quote_char = _mm_set1_epi8(quote), escape_char = _mm_set1_epi8(escape);
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (size_t at = 0; at < len; at += 16) {
        __m128i block = _mm_loadu_si128((const void *)(text + at));
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, quote_char), _mm_cmpeq_epi8(block, escape_char)),
            _mm_or_si128(_mm_cmpeq_epi8(block, cr), _mm_cmpeq_epi8(block, lf)));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(found);
        if (bits != 0) {
            size_t first = at + (size_t)__builtin_ctz(bits);
            return first < len ? first : len;
        }
    }
    return len;
#else
    size_t at = 0;
    while (at < len && text[at] != quote && text[at] != escape && text[at] != '\r' &&
           text[at] != '\n')
        at++;
    return at;
#endif
}

static inline char escape_of(const struct pen_csv_parser *parser)
{
    return parser->scan_rules.has_escape ? parser->scan_rules.escape : parser->scan_rules.quote;
}

/* What the special byte at text[0] becomes; returns how many bytes it takes. */
static size_t resolve(const struct pen_csv_parser *parser, struct span text, struct pen_slice *ret)
{
    const struct pen_csv_scan *rules = &parser->scan_rules;
    char c = text.ptr[0], next = text.len > 1 ? text.ptr[1] : '\0';
    *ret = pen_slice(text.ptr, 1);
    if (c == rules->quote)
        return 2; /* doubled: the index takes no other quote inside */
    if (c == '\r' || c == '\n') {
        *ret = parser->syntax.newline;
        return c == '\r' && text.len > 1 && next == '\n' ? 2 : 1;
    }
    if (text.len > 1 && (next == rules->quote || next == rules->escape)) {
        *ret = pen_slice(text.ptr + 1, 1);
        return 2;
    }
    return 1;
}

/* The content of a quoted field: the text itself, or resolved in the chunk's scratch memory. */
static enum pen_code unquote(const struct lane *lane, struct span body, struct pen_slice *ret,
                             struct pen_error *err)
{
    const struct pen_csv_parser *parser = lane->block->parser;
    struct pen_buf *out = &lane->block->index->unquoted;
    char quote = parser->scan_rules.quote, escape = escape_of(parser);
    size_t plain = find_special(quote, escape, body.ptr, body.len);
    *ret = pen_slice(body.ptr, body.len);
    if (plain == body.len)
        return PEN_OK;
    pen_buf_clear(out);
    PEN_TRY(pen_buf_reserve(out, 2 * body.len, err)); /* a line end may become two bytes */
    for (;;) {
        memcpy(out->ptr + out->len, body.ptr, plain);
        out->len += plain;
        if (plain == body.len)
            break;
        body = (struct span){body.ptr + plain, body.len - plain};
        struct pen_slice meant;
        size_t used = resolve(parser, body, &meant);
        memcpy(out->ptr + out->len, meant.ptr, meant.len);
        out->len += meant.len;
        body = (struct span){body.ptr + used, body.len - used};
        plain = find_special(quote, escape, body.ptr, body.len);
    }
    *ret = pen_buf_slice(out);
    return PEN_OK;
}

static struct span trim(struct span field)
{
    while (field.len > 0 && field.ptr[0] == ' ')
        field = (struct span){field.ptr + 1, field.len - 1};
    while (field.len > 0 && field.ptr[field.len - 1] == ' ')
        field.len--;
    return field;
}

/* ---- any value ---- */

static void mark_bad(const struct lane *lane, size_t row)
{
    lane->block->bad[row / 64] |= UINT64_C(1) << (row % 64);
}

/* The field as csv_record.c reads it; *ret_is_valid: there is a value. */
static enum pen_code put_any(const struct lane *lane, struct span field, size_t row,
                             bool *ret_is_valid, struct pen_error *err)
{
    const struct pen_csv_parser *parser = lane->block->parser;
    const struct pen_csv_scan *rules = &parser->scan_rules;
    struct pen_csv_field value = {.is_quoted = rules->has_quote && field.len > 0 &&
                                               field.ptr[0] == rules->quote};
    if (value.is_quoted) {
        PEN_TRY(unquote(lane, (struct span){field.ptr + 1, field.len - 2}, &value.text, err));
    } else {
        if (parser->syntax.is_trimmed)
            field = trim(field);
        value.text = pen_slice(field.ptr, field.len);
    }
    *ret_is_valid = !pen_csv_is_null(&value, parser->null_string);
    if (!*ret_is_valid)
        return PEN_OK;
    struct pen_csv_target target = {
        .column = lane->column,
        .row = row,
        .arena = &lane->block->batch->arena,
        .stable = pen_slice(lane->block->text, lane->block->index->used),
    };
    PEN_TRY(pen_csv_put(lane->spec, value.text, &target, &lane->block->index->scratch, ret_is_valid,
                        err));
    if (!*ret_is_valid)
        mark_bad(lane, row);
    return PEN_OK;
}

/* ---- fast forms: false leaves the field to put_any ---- */

/* Up to 16 digits with an optional minus; reads 16 bytes in front of the field's end (padding). */
static inline bool fast_long(struct span field, int64_t *ret)
{
    bool is_negative = field.len > 1 && field.ptr[0] == '-';
    size_t len = field.len - is_negative;
    const char *end = field.ptr + field.len;
    if (len - 1 >= 16)
        return false;
    size_t low_len = len < 8 ? len : 8;
    uint64_t zeros = UINT64_C(0x3030303030303030), low = pen_load_8(end - 8);
    uint64_t keep = UINT64_MAX << (64 - 8 * low_len);
    low = (low & keep) | (zeros & ~keep);
    uint64_t value = 0;
    if (len > 8) {
        keep = UINT64_MAX << (64 - 8 * (len - 8));
        uint64_t high = (pen_load_8(end - 16) & keep) | (zeros & ~keep);
        if (!pen_word_is_digits(high))
            return false;
        value = pen_word_digits(high) * 100000000;
    }
    if (!pen_word_is_digits(low))
        return false;
    value += pen_word_digits(low);
    *ret = (int64_t)(is_negative ? 0 - value : value);
    return true;
}

static inline bool fast_boolean(struct span field, uint8_t *ret)
{
    static const uint32_t masks[5] = {0, 0xFF, 0xFFFF, 0xFFFFFF, UINT32_MAX};
    uint32_t mask = masks[field.len < 5 ? field.len : 0], word;
    memcpy(&word, field.ptr, sizeof word); /* the rest is padding or the next field */
    word &= mask;
    uint32_t cases = word & 0x20202020 & mask, lower = word | (0x20202020 & mask);
    bool is_word = (lower == 0x65757274) | (lower == 0x736579) | (lower == 0x6E6F) |
                   (lower == 0x74) | (lower == 0x79);
    bool is_case = (cases == (0x20202020 & mask)) | (cases == (0x20202000 & mask)) | (cases == 0);
    *ret = (is_word & is_case) | (word == 0x31);
    return true;
}

/* Up to 8 digits at p: how many there are before something else; *ret is their number. */
static inline size_t read_digits(const char *p, uint64_t *ret)
{
    uint64_t x = pen_load_8(p) ^ UINT64_C(0x3030303030303030);
    uint64_t other = (x | ((x & UINT64_C(0x7F7F7F7F7F7F7F7F)) + UINT64_C(0x7676767676767676))) &
                     UINT64_C(0x8080808080808080);
    size_t count = other == 0 ? 8 : (size_t)__builtin_ctzll(other) / 8;
    /* leading zeros in front, so that the digits stand at the end of the 8 */
    x = count == 0 ? 0 : x << (64 - 8 * count);
    *ret = pen_word_digits(x ^ UINT64_C(0x3030303030303030));
    return count;
}

static const double exact_powers[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,
                                      1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};
static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* Up to 8 digits, perhaps a point and up to 16 more, exactly: both the digits and the power of ten
 * must be doubles. Reads up to 26 bytes behind ptr (padding). */
static inline bool fast_double(struct span field, double *ret)
{
    const char *p = field.ptr, *end = field.ptr + field.len;
    bool is_negative = *p == '-';
    p += is_negative;
    uint64_t whole, part = 0, w;
    size_t count = read_digits(p, &whole), decimals = 0;
    p += count;
    w = whole;
    if (count == 0)
        return false;
    if (p < end && *p == '.') {
        decimals = read_digits(++p, &part);
        w = w * powers[decimals] + part;
        p += decimals;
        if (decimals == 8) {
            size_t more = read_digits(p, &part);
            w = w * powers[more] + part;
            p += more;
            decimals += more;
        }
    }
    if (p != end || count + decimals > 17 || w > UINT64_C(1) << 53)
        return false;
    double value = (double)w / exact_powers[decimals];
    *ret = is_negative ? -value : value;
    return true;
}

/* ---- one field each ---- */

/* null_string, where the usual form of the type does not tell it apart. */
static inline bool is_null_text(const struct quick *quick, struct span field)
{
    return field.len == quick->null_text.len &&
           memcmp(field.ptr, quick->null_text.ptr, field.len) == 0;
}

static inline bool is_quoted(const struct quick *quick, struct span field)
{
    return quick->has_quote && field.len > 0 && field.ptr[0] == quick->quote;
}

static inline bool quick_long(const struct quick *quick, struct span field, size_t row)
{
    return fast_long(field, (int64_t *)quick->data + row);
}

static inline bool quick_double(const struct quick *quick, struct span field, size_t row)
{
    double *value = (double *)quick->data + row;
    if (field.len == 0)
        return false;
    if (fast_double(field, value))
        return true;
    double slow;
    if ((uint8_t)(field.ptr[0] - '0') > 9 ||
        !pen_parse_double(pen_slice(field.ptr, field.len), &slow))
        return false;
    *value = slow;
    return true;
}

static inline bool quick_boolean(const struct quick *quick, struct span field, size_t row)
{
    return field.len > 0 && !is_quoted(quick, field) && !is_null_text(quick, field) &&
           fast_boolean(field, (uint8_t *)quick->data + row);
}

static inline bool quick_time(const struct quick *quick, struct span field, size_t row)
{
    struct pen_instant instant;
    if (field.len == 0 || (uint8_t)(field.ptr[0] - '0') > 9 ||
        !pen_time_format_parse(quick->time, pen_slice(field.ptr, field.len), &instant, NULL))
        return false;
    ((int64_t *)quick->data)[row] = instant.utc_us;
    quick->nanos[row] = instant.ns;
    return true;
}

/* A value over text that stays, short or long without a branch: columns mix both. Reads 12 bytes
 * from ptr on (the chunk's padding). */
static inline void set_string(struct pen_string *value, const char *ptr, size_t len)
{
    static const uint32_t first_masks[13] = {
        0,          0xFF,       0xFFFF,     0xFFFFFF,   UINT32_MAX, UINT32_MAX, UINT32_MAX,
        UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    static const uint64_t rest_masks[13] = {0,
                                            0,
                                            0,
                                            0,
                                            0,
                                            0xFF,
                                            0xFFFF,
                                            0xFFFFFF,
                                            UINT32_MAX,
                                            0xFFFFFFFFFF,
                                            0xFFFFFFFFFFFF,
                                            0xFFFFFFFFFFFFFF,
                                            UINT64_MAX};
    size_t mask = len < 12 ? len : 12;
    uint32_t first;
    uint64_t rest, address = (uint64_t)(uintptr_t)ptr;
    memcpy(&first, ptr, sizeof first);
    memcpy(&rest, ptr + sizeof first, sizeof rest);
    first &= first_masks[mask];
    rest &= rest_masks[mask];
    rest = len > 12 ? address : rest;
    memcpy((char *)value, &(uint32_t){(uint32_t)len}, 4);
    memcpy((char *)value + 4, &first, 4);
    memcpy((char *)value + 8, &rest, 8);
}

static inline bool quick_string(const struct quick *quick, struct span field, size_t row)
{
    if (is_quoted(quick, field)) {
        field = (struct span){field.ptr + 1, field.len - 2};
        if (find_special(quick->quote, quick->escape, field.ptr, field.len) < field.len)
            return false;
    }
    if (field.len == 0 || is_null_text(quick, field))
        return false;
    set_string((struct pen_string *)quick->data + row, field.ptr, field.len);
    return true;
}

/* No usual form. */
static inline bool quick_none(const struct quick *quick, struct span field, size_t row)
{
    (void)quick, (void)field, (void)row;
    return false;
}

/* ---- columns ---- */

/* 64 rows to a validity word, which is built in a register. `quick_put` is known where this is
 * inlined, so each type gets a loop of its own. */
__attribute__((always_inline)) static inline enum pen_code
for_rows(const struct lane *lane, quick_fn *quick_put, struct pen_error *err)
{
    const struct pen_csv_block *block = lane->block;
    const struct pen_csv_parser *parser = block->parser;
    const struct quick quick = {
        .data = lane->column->data,
        .nanos = lane->column->nanos,
        .time = lane->spec->time,
        .null_text = parser->null_text,
        .quote = parser->scan_rules.quote,
        .escape = escape_of(parser),
        .has_quote = parser->scan_rules.has_quote,
    };
    const char *text = block->text;
    size_t columns = parser->column_count, row = block->row, end_row = row + block->count;
    const uint32_t *end = block->index->ends + block->first * columns + lane->c;
    /* a field starts behind the one before it; the first one where its record starts */
    bool is_first = lane->c == 0;
    const uint32_t *before = is_first ? block->index->starts + block->first : end - 1;
    size_t step = is_first ? 1 : columns, gap = is_first ? 0 : 1;
    while (row < end_row) {
        size_t word = row / 64, stop = (word + 1) * 64 < end_row ? (word + 1) * 64 : end_row;
        uint64_t bits = 0, bit = UINT64_C(1) << (row % 64);
        for (; row < stop; row++, bit <<= 1, end += columns, before += step) {
            size_t start = *before + gap;
            struct span field = {text + start, *end - start};
            bool is_valid = true;
            if (!quick_put(&quick, field, row))
                PEN_TRY(put_any(lane, field, row, &is_valid, err));
            bits |= is_valid ? bit : 0;
        }
        lane->column->validity[word] |= bits;
    }
    return PEN_OK;
}

/* The usual forms do not look for spaces to trim, nor for a null_string that looks like a value. */
static bool is_general(const struct lane *lane)
{
    enum pen_type type = lane->spec->type;
    bool is_number = type == PEN_TYPE_LONG || type == PEN_TYPE_DOUBLE;
    return lane->spec->is_null_text_value || (lane->block->parser->syntax.is_trimmed && !is_number);
}

static enum pen_code put_column(const struct lane *lane, struct pen_error *err)
{
    if (is_general(lane))
        return for_rows(lane, quick_none, err);
    switch (lane->spec->type) {
    case PEN_TYPE_BOOLEAN:
        return for_rows(lane, quick_boolean, err);
    case PEN_TYPE_LONG:
        return for_rows(lane, quick_long, err);
    case PEN_TYPE_DOUBLE:
        return for_rows(lane, quick_double, err);
    case PEN_TYPE_STRING:
        return for_rows(lane, quick_string, err);
    case PEN_TYPE_TIMESTAMP:
        return for_rows(lane, quick_time, err);
    case PEN_TYPE_JSON:
        break;
    }
    return for_rows(lane, quick_none, err);
}

static void put_places(const struct pen_csv_block *block)
{
    size_t columns = block->parser->column_count;
    const uint32_t *starts = block->index->starts + block->first;
    const uint32_t *ends = block->index->ends + block->first * columns + columns - 1;
    uint32_t *row_start = block->batch->row_start + block->row;
    uint32_t *row_end = block->batch->row_end + block->row;
    memcpy(row_start, starts, block->count * sizeof *row_start);
    for (size_t i = 0; i < block->count; i++)
        row_end[i] = ends[i * columns];
}

enum pen_code pen_csv_put_columns(const struct pen_csv_block *block, struct pen_error *err)
{
    put_places(block);
    for (size_t c = 0; c < block->parser->column_count; c++) {
        struct lane lane = {
            .block = block,
            .spec = &block->parser->columns[c],
            .column = &block->batch->columns[c],
            .c = c,
        };
        PEN_TRY(put_column(&lane, err));
    }
    return PEN_OK;
}
