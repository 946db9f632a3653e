/* json.h - reads one JSON value: to canonical text in one pass, or to a small tree.
 *
 *     text --walk, checking every byte--> canonical text (no tree), or struct pen_json in an arena
 *
 * Grammar: RFC 8259, with two liberties of the original (spec/parsers.md 4.2): control characters
 * may stand raw in strings, and a surrogate escape without its partner reads as U+FFFD. Refused:
 * NaN and Infinity in any spelling, integers beyond int64, doubles beyond the finite range, invalid
 * UTF-8, nesting deeper than PEN_JSON_MAX_DEPTH. Duplicate keys are kept in order; lookup finds the
 * first.
 * Canonical text: no white space, members in order, integers plain, doubles as Java prints them
 * (1.0, 1.0E7), strings with only the escapes \\ \" \b \f \n \r \t and \u00xx (lower case) for
 * other control characters. */
#ifndef PEN_BASE_JSON_H
#define PEN_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* The most arrays and objects that may stand inside each other. */
#define PEN_JSON_MAX_DEPTH 1000

/* pen_json_canonical - the canonical text of the first value in `text`.
 * in:     text: white space, one value, anything (not looked at, but see *ret_used).
 *         scratch: memory for values that are not canonical as they stand; cleared first.
 * out:    *ret_text points into `text` when the value is canonical already, else into scratch.
 *         *ret_used: bytes up to the end of the value.
 * errors: PEN_ERR_CORRUPT with err->offset = the byte in `text` (an empty text too);
 *         PEN_ERR_TOO_LARGE past the depth limit or scratch's maximum; PEN_ERR_NOMEM.
 * thread: any.   cost: O(len), no allocation while scratch has room.
 * source: RFC 8259; spec/parsers.md 4.2, 4.4. */
PEN_MUST_USE enum pen_code pen_json_canonical(struct pen_slice text, struct pen_buf *scratch,
                                              struct pen_slice *ret_text, size_t *ret_used,
                                              struct pen_error *err);

enum pen_json_kind {
    PEN_JSON_NULL,
    PEN_JSON_BOOLEAN,
    PEN_JSON_LONG,
    PEN_JSON_DOUBLE,
    PEN_JSON_STRING,
    PEN_JSON_ARRAY,
    PEN_JSON_OBJECT
};

/* pen_json_kind_name - "NULL", "BOOLEAN", "LONG", "DOUBLE", "STRING", "ARRAY", "OBJECT": the words
 * of the original's messages. */
const char *pen_json_kind_name(enum pen_json_kind kind);

/* A value; immutable once read. All memory is the arena's or the source text's. */
struct pen_json {
    enum pen_json_kind kind;
    bool boolean;
    int64_t integer;
    double number;                 /* PEN_JSON_DOUBLE, and PEN_JSON_LONG as double */
    struct pen_slice text;         /* PEN_JSON_STRING: its content, escapes resolved */
    struct pen_slice key;          /* when it is a member of an object */
    struct pen_json *first, *last; /* elements or members, in order */
    struct pen_json *next;         /* next sibling */
    size_t count;
};

/* pen_json_read - the first value in `text` as a tree.
 * in:     text must live as long as the tree: strings without escapes point into it.
 * out:    *ret_root, nodes in `arena`; *ret_used bytes up to the end of the value.
 * errors: as pen_json_canonical; PEN_ERR_NOMEM when the arena's maximum is reached.
 * thread: any.   cost: O(len), one node a value. */
PEN_MUST_USE enum pen_code pen_json_read(struct pen_slice text, struct pen_arena *arena,
                                         struct pen_json **ret_root, size_t *ret_used,
                                         struct pen_error *err);

/* pen_json_member - the first member of that name; NULL when there is none, or no object. */
const struct pen_json *pen_json_member(const struct pen_json *object, struct pen_slice name);

/* pen_json_element - element `index` of an array; NULL when there is none, or no array. O(index) */
const struct pen_json *pen_json_element(const struct pen_json *array, size_t index);

/* pen_json_write - appends the canonical text of a tree. errors: as pen_buf_reserve. */
PEN_MUST_USE enum pen_code pen_json_write(const struct pen_json *value, struct pen_buf *into,
                                          struct pen_error *err);

/* pen_json_add_foreign - as below, for text that may be anything: a file's name, say. Malformed
 * units become U+FFFD. */
PEN_MUST_USE enum pen_code pen_json_add_foreign(struct pen_buf *into, struct pen_slice text,
                                                struct pen_error *err);

/* pen_json_add_string - appends `text` (valid UTF-8) as a quoted, escaped JSON string. */
PEN_MUST_USE enum pen_code pen_json_add_string(struct pen_buf *into, struct pen_slice text,
                                               struct pen_error *err);

/* pen_json_is_blank - only white space: nothing follows a value. */
static inline bool pen_json_is_blank(struct pen_slice text)
{
    size_t i = 0;
    while (i < text.len && (text.ptr[i] == ' ' || text.ptr[i] == '\t' || text.ptr[i] == '\n' ||
                            text.ptr[i] == '\r'))
        i++;
    return i == text.len;
}

/* pen_json_string_end - finds the end of a string whose opening quote is at text.ptr[0].
 * out:    bytes including both quotes; 0 when it is not closed within `text`. Escapes are only
 *         stepped over, not checked. *ret_has_escape (may be NULL). */
size_t pen_json_string_end(struct pen_slice text, bool *ret_has_escape);

/* pen_json_unescape - appends the content of a string, escapes resolved.
 * in:     body: between the quotes.
 * errors: PEN_ERR_CORRUPT bad escape or invalid UTF-8 (err->offset in body); as pen_buf_reserve. */
PEN_MUST_USE enum pen_code pen_json_unescape(struct pen_slice body, struct pen_buf *into,
                                             struct pen_error *err);

#endif
