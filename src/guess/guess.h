/* guess.h - sample bytes --plugins, in rounds--> the configuration completed.
 *
 *     seed `in` + raw bytes --gzip|json|csv ...--> `in` with decoders and parser, `filters`
 *
 * Follows spec/guess.md; each deliberate difference is in docs/guess.md. What the seed states is
 * kept. What decided a type, or could have been read in two ways, is said in comments. */
#ifndef PEN_GUESS_GUESS_H
#define PEN_GUESS_GUESS_H

#include "conf/options.h"
#include "decode/decode.h"

struct pen_guess_request {
    const struct pen_node *in;                     /* the seed's `in` mapping */
    const struct pen_node *exec;                   /* the seed's `exec` mapping; NULL when absent */
    const struct pen_node *filters;                /* the seed's `filters` list; NULL when absent */
    struct pen_slice sample;                       /* raw bytes from the start of one object */
    bool is_whole;                                 /* the sample is the complete object */
    const struct pen_decode_type *const *decoders; /* NULL-terminated: the registry's list */
    const struct pen_bind *bind;                   /* places in errors; may be NULL */
};

struct pen_guess {
    struct pen_node *in;      /* seed with guessed `decoders` and `parser` */
    struct pen_node *filters; /* the seed's filters, or a rename filter when a column name needs
                                 one; NULL when there are none */
};

/* pen_guess - completes the configuration; all nodes live in `arena`.
 * errors: PEN_ERR_CONFIG bad seed (unknown decoder, charset, guess plugin); PEN_ERR_CORRUPT the
 *         sample cannot be decoded at all ("No input buffer to guess"); PEN_ERR_NOMEM.
 * thread: any, one at a time per arena.   cost: O(sample), some milliseconds for 32 KiB. */
PEN_MUST_USE enum pen_code pen_guess(const struct pen_guess_request *request,
                                     struct pen_arena *arena, struct pen_guess *ret_guess,
                                     struct pen_error *err);

#endif
