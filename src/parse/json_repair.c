/* json_repair.c - escapes that JSON does not know, dropped or made plain.
 * Unlike the original, a repaired "\\x" stays an escaped backslash and an x, and line ends inside
 * strings stay (docs/formats/json.md). */
#include "base/utf8.h"
#include "parse/json_parse_internal.h"

/* Bytes to drop at p (a backslash): 0 when the escape is fine. *ret_step: how far to go on. */
static size_t bytes_to_drop(const char *p, const char *end, enum pen_json_escapes escapes,
                            size_t *ret_step)
{
    int len = pen_json_escape_len(p, end);
    bool is_line_end = p + 1 == end || p[1] == '\n' || p[1] == '\r';
    *ret_step = len > 0 ? (size_t)len : 1;
    if (len > 0)
        return 0;
    if (is_line_end)
        return 1;
    bool has_four = true; /* characters behind \u on its line */
    for (int i = 2; i < 6 && has_four; i++)
        has_four = p + i < end && p[i] != '\n' && p[i] != '\r';
    if (p[1] == 'u' && !has_four)
        return 1;
    const char *behind = p + 1;
    if (escapes == PEN_JSON_ESCAPES_SKIP)
        (void)pen_utf8_decode(&behind, end); /* the whole character */
    *ret_step = (size_t)(behind - p);
    return *ret_step;
}

enum pen_code pen_json_repair(struct pen_slice text, enum pen_json_escapes escapes,
                              struct pen_buf *into, bool *ret_changed, struct pen_error *err)
{
    const char *end = text.ptr + text.len, *run = text.ptr, *p = text.ptr;
    *ret_changed = false;
    while (p < end && (p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        size_t step, drop = bytes_to_drop(p, end, escapes, &step);
        if (drop > 0) {
            PEN_TRY(pen_buf_add(into, run, (size_t)(p - run), err));
            run = p + drop;
            *ret_changed = true;
        }
        p += step;
    }
    return *ret_changed ? pen_buf_add(into, run, (size_t)(end - run), err) : PEN_OK;
}
