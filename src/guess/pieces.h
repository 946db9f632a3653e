/* pieces.h - further pieces of the data --decoders, charset--> text for the csv guess to check. */
#ifndef PEN_GUESS_PIECES_H
#define PEN_GUESS_PIECES_H

#include "guess/csv_probe.h"
#include "guess/guess.h"

struct guess_pieces {
    struct guess_piece *at;
    size_t count;
    const char *place;  /* of the sample, fit for a comment; NULL: not known */
    const char *remark; /* about pieces that cannot be decoded like the sample; NULL: none */
    struct pen_arena arena;
};

/* guess_pieces_decode - all pieces of the request that can be read as text by what is known.
 * Left out: a piece from the midst of compressed data or of a charset with shift states.
 * in:     in: the `in` mapping with decoders and parser.charset; most: decoded bytes of a piece.
 * errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code guess_pieces_decode(const struct pen_guess_request *request,
                                               const struct pen_node *in, size_t most,
                                               struct guess_pieces *ret_pieces,
                                               struct pen_error *err);
void guess_pieces_release(struct guess_pieces *pieces);

#endif
