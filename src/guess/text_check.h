/* text_check.h - is a sample text at all? */
#ifndef PEN_GUESS_TEXT_CHECK_H
#define PEN_GUESS_TEXT_CHECK_H

#include "conf/tree.h"

/* guess_check_text - refuses binary data: more than one character of twenty is a control character
 * that no text has (the delimiter of the seed is not counted).
 * in:     bytes: the sample as decoded by the decoders; text: the same as UTF-8; parser: what is
 *         known of the `parser` mapping, NULL for nothing.
 * errors: PEN_ERR_CORRUPT, saying what the bytes look like. */
PEN_MUST_USE enum pen_code guess_check_text(struct pen_slice bytes, struct pen_slice text,
                                            const struct pen_node *parser, struct pen_error *err);

#endif
