/* charset_guess.h - which encoding a sample has, and the sample as UTF-8. */
#ifndef PEN_GUESS_CHARSET_GUESS_H
#define PEN_GUESS_CHARSET_GUESS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct charset_guess {
    const char *name; /* for `charset`: a static text, or one that ICU keeps */
    char remark[160]; /* why it may be wrong; "" when it is not in doubt */
};

/* pen_guess_charset - ICU's detector with the rules of spec/guess.md 5.1. Well-formed UTF-8, and
 * plain ASCII, are UTF-8 without asking. errors: PEN_ERR_INTERNAL from ICU, PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code
pen_guess_charset(struct pen_slice sample, struct charset_guess *ret_guess, struct pen_error *err);

/* pen_guess_decode - appends the sample as UTF-8: malformed units become U+FFFD, a BOM is dropped,
 * an unfinished character at the end is dropped unless is_whole.
 * errors: PEN_ERR_CONFIG unknown charset; PEN_ERR_INTERNAL, PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_guess_decode(struct pen_slice sample, const char *name,
                                            bool is_whole, struct pen_buf *into,
                                            struct pen_error *err);

#endif
