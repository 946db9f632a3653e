/* shape_guess.h - lines of a sample --counting--> delimiter, quote, escape, null string, comments.
 * Pure functions over lines; the weights are those of spec/guess.md 5.4 to 5.9. */
#ifndef PEN_GUESS_SHAPE_GUESS_H
#define PEN_GUESS_SHAPE_GUESS_H

#include "base/error.h"
#include "base/slice.h"

struct guess_lines {
    struct pen_slice *at;
    size_t count;
};

/* guess_newline - "CRLF", "CR" or "LF" by the line ends that prevail (5.2). */
const char *guess_newline(struct pen_slice text);

/* guess_delimiter - the candidate whose count per line varies least for its number (5.4).
 * out: *ret_remark: a static text when it is in doubt, else NULL. */
char guess_delimiter(struct guess_lines lines, const char **ret_remark);

/* guess_quote - '"', '\'' or 0 for no quoting (5.5). */
PEN_MUST_USE enum pen_code guess_quote(struct guess_lines lines, struct pen_slice delimiter,
                                       char *ret_quote, struct pen_error *err);

/* guess_escape - '\\', '"' or 0 for no escape (5.6). */
PEN_MUST_USE enum pen_code guess_escape(struct guess_lines lines, struct pen_slice delimiter,
                                        struct pen_slice quote, char *ret_escape,
                                        struct pen_error *err);

/* guess_null_string - a static text, NULL when no candidate occurs (5.7). */
PEN_MUST_USE enum pen_code guess_null_string(struct guess_lines lines, struct pen_slice delimiter,
                                             const char **ret_text, struct pen_error *err);

/* guess_skip_lines - leading records with fewer fields than what follows (5.8). */
size_t guess_skip_lines(const size_t *field_counts, size_t count);

/* guess_comment_marker - a static text, NULL when no line begins with a candidate (5.9).
 * in: quote and null_string may be empty. */
const char *guess_comment_marker(struct guess_lines lines, struct pen_slice delimiter,
                                 struct pen_slice quote, struct pen_slice null_string);

#endif
