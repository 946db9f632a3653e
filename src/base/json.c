/* source text --json_walk--> runs of unchanged bytes + what has to differ --> canonical text */
#include "base/json_internal.h"

#include "base/number.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum pen_code json_fail_text(struct json_reader *r, const char *at, const char *problem)
{
    size_t offset = (size_t)(at - r->begin);
    (void)pen_fail(r->err, PEN_ERR_CORRUPT, "invalid json: %s at byte %zu", problem, offset);
    if (r->err != NULL)
        r->err->offset = offset;
    return PEN_ERR_CORRUPT;
}

enum pen_code json_fail(struct json_reader *r)
{
    if (r->at == r->end)
        return json_fail_text(r, r->at, "unexpected end");
    unsigned char c = (unsigned char)*r->at;
    char problem[48];
    bool is_printable = c >= 0x20 && c < 0x7f;
    (void)snprintf(problem, sizeof problem,
                   is_printable ? "unexpected character '%c'" : "unexpected byte 0x%02x", c);
    return json_fail_text(r, r->at, problem);
}

enum pen_code json_flush(struct json_reader *r, struct json_text *text, const char *from)
{
    text->is_changed = true;
    if (from > text->run)
        PEN_TRY(pen_buf_add(text->buf, text->run, (size_t)(from - text->run), r->err));
    text->run = from;
    return PEN_OK;
}

/* The canonical form of a character within a string; out has room for \u00xx. */
static size_t put_escaped(uint32_t c, char out[8])
{
    static const char hex[] = "0123456789abcdef";
    static const char short_form[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; c < 0x80 && i < sizeof short_form - 1; i += 2) {
        if (short_form[i] == (char)c) {
            out[0] = '\\';
            out[1] = short_form[i + 1];
            return 2;
        }
    }
    if (c >= 0x20)
        return pen_utf8_encode(c, out);
    memcpy(out, "\\u00", 4);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

/* The character `c` stands at [from, to) of the source; keeps the bytes when they are right. */
static enum pen_code put_char(struct json_reader *r, struct json_text *text, const char *from,
                              const char *to, uint32_t c)
{
    char out[8];
    size_t len = text->is_canonical ? put_escaped(c, out) : pen_utf8_encode(c, out);
    if (len == (size_t)(to - from) && memcmp(from, out, len) == 0)
        return PEN_OK;
    PEN_TRY(json_flush(r, text, from));
    text->run = to;
    return pen_buf_add(text->buf, out, len, r->err);
}

/* Four hex digits at p; UINT32_MAX when they are not. */
static uint32_t hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return UINT32_MAX;
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i], letter = c | 0x20, digit = 16;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (letter >= 'a' && letter <= 'f')
            digit = letter - 'a' + 10;
        if (digit == 16)
            return UINT32_MAX;
        value = value << 4 | digit;
    }
    return value;
}

/* A surrogate pair becomes one character; half of one becomes U+FFFD: it has no UTF-8 form. */
static enum pen_code unicode_escape(struct json_reader *r, struct json_text *text)
{
    const char *from = r->at;
    uint32_t c = hex4(from + 2, r->end);
    if (c == UINT32_MAX)
        return json_fail_text(r, from, "bad \\u escape");
    r->at = from + 6;
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        uint32_t low = hex4(r->at + 2, r->end);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            r->at += 6;
        }
    }
    if (c >= 0xd800 && c < 0xe000)
        c = 0xfffd;
    return put_char(r, text, from, r->at, c);
}

static enum pen_code escape(struct json_reader *r, struct json_text *text)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *from = r->at;
    if (r->end - from < 2)
        return json_fail_text(r, r->end, "unexpected end");
    if (from[1] == 'u')
        return unicode_escape(r, text);
    const char *letter = from[1] == '\0' ? NULL : strchr(letters, from[1]);
    if (letter == NULL)
        return json_fail_text(r, from, "bad escape");
    r->at += 2;
    return put_char(r, text, from, r->at, (unsigned char)values[letter - letters]);
}

/* Length of the well-formed UTF-8 sequence at p (lead byte >= 0x80), 0 when there is none. */
static size_t utf8_length(const char *text, const char *end)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t room = (size_t)(end - text);
    size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (len == 0 || room < len)
        return 0;
    unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Steps over bytes that need no attention: not control, quote, backslash, or part of a longer
 * UTF-8 sequence. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: control and >= 0x80 */
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(hit, low));
        if (mask != 0)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

/* Everything of a string's body up to its closing quote or the end of the text. */
static enum pen_code string_body(struct json_reader *r, struct json_text *text)
{
    for (;;) {
        r->at = skip_plain(r->at, r->end);
        if (r->at == r->end || *r->at == '"')
            return PEN_OK;
        if (*r->at == '\\') {
            PEN_TRY(escape(r, text));
        } else if ((unsigned char)*r->at < 0x20) {
            r->at++;
            PEN_TRY(put_char(r, text, r->at - 1, r->at, (unsigned char)r->at[-1]));
        } else {
            size_t len = utf8_length(r->at, r->end);
            if (len == 0)
                return json_fail_text(r, r->at, "invalid UTF-8");
            r->at += len;
        }
    }
}

enum pen_code json_string(struct json_reader *r, struct json_text *text)
{
    r->at++;
    PEN_TRY(string_body(r, text));
    if (r->at == r->end)
        return json_fail_text(r, r->at, "unexpected end in a string");
    r->at++;
    return PEN_OK;
}

static bool skip_digits(struct json_reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from;
}

static bool is_number_tail(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '+' || c == '-' || c == '_';
}

enum pen_code json_number(struct json_reader *r, bool *ret_is_double)
{
    *ret_is_double = false;
    if (r->at < r->end && *r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else if (!skip_digits(r))
        return json_fail(r);
    if (r->at < r->end && *r->at == '.') {
        *ret_is_double = true;
        r->at++;
        if (!skip_digits(r))
            return json_fail(r);
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        *ret_is_double = true;
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!skip_digits(r))
            return json_fail(r);
    }
    /* 01 is one bad number, not two good ones */
    return r->at < r->end && is_number_tail(*r->at) ? json_fail(r) : PEN_OK;
}

enum pen_code json_word(struct json_reader *r)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t room = (size_t)(r->end - r->at);
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if (room >= len && memcmp(r->at, words[i], len) == 0) {
            r->at += len;
            return r->at < r->end && is_number_tail(*r->at) ? json_fail(r) : PEN_OK;
        }
        if (room < len && room > 0 && memcmp(r->at, words[i], room) == 0)
            return json_fail_text(r, r->end, "unexpected end");
    }
    return json_fail(r);
}

static enum pen_code canon_space(struct json_reader *r, void *context, const char *from)
{
    struct json_text *text = context;
    PEN_TRY(json_flush(r, text, from));
    text->run = r->at;
    return PEN_OK;
}

static enum pen_code canon_string(struct json_reader *r, void *context)
{
    return json_string(r, context);
}

static enum pen_code canon_number(struct json_reader *r, struct json_text *text)
{
    const char *from = r->at;
    bool is_double;
    PEN_TRY(json_number(r, &is_double));
    struct pen_slice source = pen_slice(from, (size_t)(r->at - from));
    char out[PEN_NUMBER_TEXT];
    size_t len;
    if (is_double) {
        double value;
        if (!pen_parse_double(source, &value) || !isfinite(value))
            return json_fail_text(r, from, "number out of range");
        len = pen_print_double_java(value, out);
    } else {
        int64_t value;
        if (!pen_parse_long(source, &value))
            return json_fail_text(r, from, "integer out of range");
        if (value != 0 || source.len == 1)
            return PEN_OK;
        len = pen_print_long(value, out); /* -0 */
    }
    if (pen_slice_equal(source, pen_slice(out, len)))
        return PEN_OK;
    PEN_TRY(json_flush(r, text, from));
    text->run = r->at;
    return pen_buf_add(text->buf, out, len, r->err);
}

static enum pen_code canon_scalar(struct json_reader *r, void *context)
{
    char c = *r->at;
    if (c == '"')
        return json_string(r, context);
    if (c == '-' || (c >= '0' && c <= '9'))
        return canon_number(r, context);
    return json_word(r);
}

static enum pen_code canon_open(struct json_reader *r, void *context, bool is_object)
{
    (void)r;
    (void)context;
    (void)is_object;
    return PEN_OK;
}

static void canon_close(void *context)
{
    (void)context;
}

enum pen_code pen_json_canonical(struct pen_slice text, struct pen_buf *scratch,
                                 struct pen_slice *ret_text, size_t *ret_used,
                                 struct pen_error *err)
{
    static const struct json_events events = {.space = canon_space,
                                              .key = canon_string,
                                              .scalar = canon_scalar,
                                              .open = canon_open,
                                              .close = canon_close};
    if (text.len == 0)
        text.ptr = "";
    struct json_reader r = {
        .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len, .err = err};
    while (r.at < r.end && json_is_space(*r.at))
        r.at++;
    struct json_text out = {.run = r.at, .buf = scratch, .is_canonical = true};
    const char *from = r.at;
    pen_buf_clear(scratch);
    PEN_TRY(json_walk(&r, &events, &out));
    if (out.is_changed)
        PEN_TRY(json_flush(&r, &out, r.at));
    *ret_text = out.is_changed ? pen_buf_slice(scratch) : pen_slice(from, (size_t)(r.at - from));
    *ret_used = (size_t)(r.at - r.begin);
    return PEN_OK;
}

enum pen_code pen_json_add_string(struct pen_buf *into, struct pen_slice text,
                                  struct pen_error *err)
{
    PEN_TRY(pen_buf_add_char(into, '"', err));
    const char *run = text.ptr, *end = text.ptr + text.len;
    for (const char *p = text.ptr; p < end; p++) {
        if ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            continue;
        char out[8];
        size_t len = put_escaped((unsigned char)*p, out);
        PEN_TRY(pen_buf_add(into, run, (size_t)(p - run), err));
        PEN_TRY(pen_buf_add(into, out, len, err));
        run = p + 1;
    }
    PEN_TRY(pen_buf_add(into, run, (size_t)(end - run), err));
    return pen_buf_add_char(into, '"', err);
}

size_t pen_json_string_end(struct pen_slice text, bool *ret_has_escape)
{
    bool has_escape = false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            has_escape = true;
            i++;
        } else if (text.ptr[i] == '"') {
            if (ret_has_escape != NULL)
                *ret_has_escape = has_escape;
            return i + 1;
        }
    }
    return 0;
}

enum pen_code pen_json_unescape(struct pen_slice body, struct pen_buf *into, struct pen_error *err)
{
    if (body.len == 0)
        return PEN_OK;
    struct json_reader r = {
        .begin = body.ptr, .at = body.ptr, .end = body.ptr + body.len, .err = err};
    struct json_text text = {.run = body.ptr, .buf = into};
    for (;;) {
        PEN_TRY(string_body(&r, &text));
        if (r.at == r.end)
            return json_flush(&r, &text, r.at);
        r.at++; /* a bare quote is content here */
    }
}
