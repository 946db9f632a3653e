/* sample_decode.h - stored bytes of a sample --decoders so far--> plain bytes. */
#ifndef PEN_GUESS_SAMPLE_DECODE_H
#define PEN_GUESS_SAMPLE_DECODE_H

#include "guess/guess.h"

/* guess_find_decoder - the type of that name; NULL when the request has none. */
const struct pen_decode_type *guess_find_decoder(const struct pen_guess_request *request,
                                                 struct pen_slice name);

/* guess_decode - up to `most` plain bytes, in place of text's content.
 * in:     list: the `decoders` node (NULL: none); *is_whole: `stored` is the complete object.
 * out:    *is_whole: the text is all of it. What was decoded before an error is the text, because
 *         the cut of an object is an error to a decoder.
 * errors: PEN_ERR_CONFIG unknown decoder; PEN_ERR_CORRUPT nothing could be decoded. */
PEN_MUST_USE enum pen_code guess_decode(const struct pen_guess_request *request,
                                        const struct pen_node *list, struct pen_slice stored,
                                        size_t most, bool *is_whole, struct pen_buf *text,
                                        struct pen_error *err);

#endif
