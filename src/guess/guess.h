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

/* A further piece of the data. The sample alone decides; pieces check what it decided. */
struct pen_guess_piece {
    struct pen_slice bytes; /* as stored */
    const char *place;      /* its object */
    uint64_t offset;        /* of its first byte in the object; 0: the object's head */
    bool is_end;            /* the object ends with it */
};

struct pen_guess_request {
    const struct pen_node *in;            /* the seed's `in` mapping */
    const struct pen_node *exec;          /* the seed's `exec` mapping; NULL when absent */
    const struct pen_node *filters;       /* the seed's `filters` list; NULL when absent */
    struct pen_slice sample;              /* raw bytes from the start of one object */
    bool is_whole;                        /* the sample is the complete object */
    const char *place;                    /* the sample's object; NULL: not known */
    const struct pen_guess_piece *pieces; /* where the data is compressed, heads only */
    size_t piece_count;
    const struct pen_decode_type *const *decoders; /* NULL-terminated: the registry's list */
    const struct pen_bind *bind;                   /* places in errors; may be NULL */
};

/* Where the physical lines of a csv sample went; all 0 for other samples. */
struct pen_guess_account {
    uint64_t lines;    /* in all: the sum of the next six */
    uint64_t preamble; /* skipped in front of the header */
    uint64_t header;   /* 0 or 1 */
    uint64_t record_lines;
    uint64_t blank; /* empty lines and comments */
    uint64_t bad;   /* with broken quoting */
    uint64_t cut;   /* at the end, where the sample cuts a record */
    uint64_t records;
};

struct pen_guess {
    struct pen_node *in;      /* seed with guessed `decoders` and `parser` */
    struct pen_node *filters; /* the seed's filters, or a rename filter when a column name needs
                                 one; NULL when there are none */
    struct pen_guess_account account;
};

/* pen_guess - completes the configuration; all nodes live in `arena`.
 * errors: PEN_ERR_CONFIG bad seed (unknown decoder, charset, guess plugin); PEN_ERR_CORRUPT the
 *         sample cannot be decoded at all ("No input buffer to guess") or is no text;
 *         PEN_ERR_NOMEM.
 * thread: any, one at a time per arena.   cost: O(sample), some milliseconds for 32 KiB. */
PEN_MUST_USE enum pen_code pen_guess(const struct pen_guess_request *request,
                                     struct pen_arena *arena, struct pen_guess *ret_guess,
                                     struct pen_error *err);

#endif
