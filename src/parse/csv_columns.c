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
    struct pen_slice null_text; /* null_string, empty when not set */
};

/* Puts the field of one row; *ret_is_valid, true before, says whether there is a value. */
typedef enum pen_code put_fn(const struct lane *lane, struct span field, size_t row,
                             bool *ret_is_valid, struct pen_error *err);

/* The raw field of record i of the block. */
static inline struct span field_of(const struct lane *lane, size_t i)
{
    const struct pen_csv_block *block = lane->block;
    const struct pen_csv_chunk *index = block->index;
    size_t record = block->first + i, columns = block->parser->column_count;
    const uint32_t *end = index->ends + record * columns + lane->c;
    uint32_t start = lane->c == 0 ? index->starts[record] : end[-1] + 1;
    return (struct span){block->text + start, *end - start};
}

/* ---- text inside quotes ---- */

/* Where the first byte stands that is not simply itself: a quote, an escape, a line end that may
 * become another; len when there is none. May read 15 bytes behind (the chunk's padding). */
static size_t find_special(const struct pen_csv_parser *parser, const char *text, size_t len)
{
    const struct pen_csv_scan *rules = &parser->scan_rules;
    char escape = rules->has_escape ? rules->escape : rules->quote;
#if defined(__SSE2__)
    const __m128i quote_char = _mm_set1_epi8(rules->quote), escape_char = _mm_set1_epi8(escape);
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
    while (at < len && text[at] != rules->quote && text[at] != escape && text[at] != '\r' &&
           text[at] != '\n')
        at++;
    return at;
#endif
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
    size_t plain = find_special(parser, body.ptr, body.len);
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
        plain = find_special(parser, body.ptr, body.len);
    }
    *ret = pen_buf_slice(out);
    return PEN_OK;
}

static inline bool is_quoted(const struct lane *lane, struct span field)
{
    const struct pen_csv_scan *rules = &lane->block->parser->scan_rules;
    return rules->has_quote && field.len > 0 && field.ptr[0] == rules->quote;
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

static enum pen_code put_any(const struct lane *lane, struct span field, size_t row,
                             bool *ret_is_valid, struct pen_error *err)
{
    const struct pen_csv_parser *parser = lane->block->parser;
    struct pen_csv_field value = {.is_quoted = is_quoted(lane, field)};
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
    if (field.len == 0)
        return false;
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

/* ---- one row each: *ret_is_valid is true before ---- */

/* null_string, where the usual form of the type does not tell it apart. */
static inline bool is_null_text(const struct lane *lane, struct span field)
{
    return field.len == lane->null_text.len && field.len > 0 &&
           memcmp(field.ptr, lane->null_text.ptr, field.len) == 0;
}

static inline bool starts_with_digit(struct span field)
{
    return field.len > 0 && (uint8_t)(field.ptr[0] - '0') <= 9;
}

static inline enum pen_code put_long(const struct lane *lane, struct span field, size_t row,
                                     bool *ret_is_valid, struct pen_error *err)
{
    int64_t *values = lane->column->data;
    return fast_long(field, &values[row]) ? PEN_OK : put_any(lane, field, row, ret_is_valid, err);
}

static inline enum pen_code put_double(const struct lane *lane, struct span field, size_t row,
                                       bool *ret_is_valid, struct pen_error *err)
{
    double *values = lane->column->data;
    if (starts_with_digit(field) && pen_parse_double(pen_slice(field.ptr, field.len), &values[row]))
        return PEN_OK;
    return put_any(lane, field, row, ret_is_valid, err);
}

static inline enum pen_code put_boolean(const struct lane *lane, struct span field, size_t row,
                                        bool *ret_is_valid, struct pen_error *err)
{
    uint8_t *values = lane->column->data;
    if (!is_quoted(lane, field) && fast_boolean(field, &values[row]) && !is_null_text(lane, field))
        return PEN_OK;
    return put_any(lane, field, row, ret_is_valid, err);
}

static inline enum pen_code put_time(const struct lane *lane, struct span field, size_t row,
                                     bool *ret_is_valid, struct pen_error *err)
{
    int64_t *values = lane->column->data;
    struct pen_instant instant;
    if (!starts_with_digit(field) ||
        !pen_time_format_parse(lane->spec->time, pen_slice(field.ptr, field.len), &instant, NULL))
        return put_any(lane, field, row, ret_is_valid, err);
    values[row] = instant.utc_us;
    lane->column->nanos[row] = instant.ns;
    return PEN_OK;
}

/* A value over text that stays; reads 16 bytes from ptr on (the chunk's padding). */
static inline void set_string(struct pen_string *value, const char *ptr, size_t len)
{
#if defined(__SSE2__)
    static const uint8_t masks[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    if (len <= sizeof value->inlined) {
        __m128i mask = _mm_loadu_si128((const void *)(masks + 12 - len));
        __m128i text = _mm_and_si128(_mm_loadu_si128((const void *)ptr), mask);
        text = _mm_or_si128(_mm_slli_si128(text, 4), _mm_cvtsi32_si128((int)len));
        _mm_storeu_si128((void *)value, text);
        return;
    }
#endif
    *value = pen_string_make(ptr, len);
}

static inline enum pen_code put_string(const struct lane *lane, struct span field, size_t row,
                                       bool *ret_is_valid, struct pen_error *err)
{
    const struct pen_csv_parser *parser = lane->block->parser;
    struct pen_string *values = lane->column->data;
    struct span text = field;
    if (is_quoted(lane, field)) {
        text = (struct span){field.ptr + 1, field.len - 2};
        if (find_special(parser, text.ptr, text.len) < text.len)
            return put_any(lane, field, row, ret_is_valid, err);
    }
    if (text.len == 0 || is_null_text(lane, text))
        return put_any(lane, field, row, ret_is_valid, err);
    set_string(&values[row], text.ptr, text.len);
    return PEN_OK;
}

/* ---- columns ---- */

/* 64 rows to a validity word, which is built in a register. `put` is known where this is inlined,
 * so each type gets a loop of its own. */
__attribute__((always_inline)) static inline enum pen_code
for_rows(const struct lane *lane, put_fn *put, struct pen_error *err)
{
    const struct pen_csv_block *block = lane->block;
    for (size_t i = 0; i < block->count;) {
        size_t row = block->row + i, word = row / 64;
        size_t room = 64 - row % 64, left = block->count - i;
        size_t stop = i + (left < room ? left : room);
        uint64_t bits = 0, bit = UINT64_C(1) << (row % 64);
        for (; i < stop; i++, row++, bit <<= 1) {
            bool is_valid = true;
            PEN_TRY(put(lane, field_of(lane, i), row, &is_valid, err));
            bits |= is_valid ? bit : 0;
        }
        lane->column->validity[word] |= bits;
    }
    return PEN_OK;
}

/* The fast forms do not look for spaces to trim, nor for a null_string that looks like a value. */
static bool is_general(const struct lane *lane)
{
    enum pen_type type = lane->spec->type;
    bool is_number = type == PEN_TYPE_LONG || type == PEN_TYPE_DOUBLE;
    return lane->spec->is_null_text_value || (lane->block->parser->syntax.is_trimmed && !is_number);
}

static enum pen_code put_column(const struct lane *lane, struct pen_error *err)
{
    if (is_general(lane))
        return for_rows(lane, put_any, err);
    switch (lane->spec->type) {
    case PEN_TYPE_BOOLEAN:
        return for_rows(lane, put_boolean, err);
    case PEN_TYPE_LONG:
        return for_rows(lane, put_long, err);
    case PEN_TYPE_DOUBLE:
        return for_rows(lane, put_double, err);
    case PEN_TYPE_STRING:
        return for_rows(lane, put_string, err);
    case PEN_TYPE_TIMESTAMP:
        return for_rows(lane, put_time, err);
    case PEN_TYPE_JSON:
        break;
    }
    return for_rows(lane, put_any, err);
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
            .null_text = block->parser->null_text,
        };
        PEN_TRY(put_column(&lane, err));
    }
    return PEN_OK;
}
