/* bzip2_internal.h - what the files of the bzip2 stream share.
 *
 *     bzip2.c         what comes in order: heads, blocks, their texts, checksums
 *     bzip2_ahead.c   the window of stored bytes, and the blocks that are found and started in it
 *     bzip2_block.c   one block by itself; bzip2_invert.c and bzip2_random.c are steps of it
 *     bzip2_unpack.c  a block's text for the caller's room */
#ifndef PEN_DECODE_BZIP2_INTERNAL_H
#define PEN_DECODE_BZIP2_INTERNAL_H

#include "decode/bzip2_block.h"

#define PEN_BZIP2_HEAD_BYTES ((size_t)16)
#define PEN_BZIP2_CUT_MAX    ((uint64_t)PEN_BZIP2_BLOCK_BYTES_MAX)

/* A block that was found in the window. */
struct pen_bzip2_ahead {
    struct pen_decode_work work; /* first member */
    struct pen_bzip2_block block;
    struct pen_bzip2_ahead *next;
    uint64_t start_bit; /* in the object */
    uint8_t *bits;      /* cap bytes */
    size_t cap;
    bool is_started, has_run; /* has_run: by this thread, without a team */
};

enum pen_bzip2_phase {
    PEN_BZIP2_PHASE_HEAD,  /* the first or the next stream's "BZh9" */
    PEN_BZIP2_PHASE_BLOCK, /* a block's magic, or the end of the stream */
    PEN_BZIP2_PHASE_TEXT,  /* the text of the block that was decoded */
    PEN_BZIP2_PHASE_PADDING
};

/* decode->state */
struct pen_bzip2 {
    enum pen_bzip2_phase phase;
    uint8_t *window; /* stored bytes from window_start on */
    size_t window_len, window_cap;
    uint64_t window_start;
    uint64_t at_bit;                       /* what is before has been read */
    uint64_t scan_bit;                     /* no magic begins before, except those of the blocks */
    struct pen_bzip2_ahead *first, **last; /* blocks ahead, in order */
    size_t block_count;
    struct pen_bzip2_ahead *spare;
    struct pen_bzip2_unpack unpack;
    uint32_t stream_crc;
    unsigned level;
    uint64_t streams;                /* begun */
    char head[PEN_BZIP2_HEAD_BYTES]; /* first bytes of the object, for errors */
    size_t head_len;
    struct pen_decode_scratch scratch; /* when there is no team */
};

static inline uint64_t pen_bzip2_window_end(const struct pen_bzip2 *bzip2)
{
    return bzip2->window_start + bzip2->window_len;
}

static inline uint64_t pen_bzip2_bits_left(const struct pen_bzip2 *bzip2)
{
    return pen_bzip2_window_end(bzip2) * 8 - bzip2->at_bit;
}

/* n <= 48 bits at an absolute place; all of them must be in the window, whose padding is readable.
 */
static inline uint64_t pen_bzip2_peek(const struct pen_bzip2 *bzip2, uint64_t bit, unsigned n)
{
    const uint8_t *p = bzip2->window + (bit / 8 - bzip2->window_start);
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word = word << 8 | p[i];
    return word << (bit % 8) >> (64 - n);
}

/* pen_bzip2_team_width - how many blocks may be decoded at once: 1 without a team. */
size_t pen_bzip2_team_width(const struct pen_decode *decode);

/* pen_bzip2_fill_window - forgets what has been read, then takes from the input up to `most` bytes
 * in the window. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_bzip2_fill_window(struct pen_bzip2 *bzip2, struct pen_slice *in,
                                                 size_t most, struct pen_error *err);

/* pen_bzip2_look_ahead - finds blocks ahead of `at_bit` and starts each whose end is known.
 * errors: PEN_ERR_NOMEM. cost: each stored byte is looked at once. */
PEN_MUST_USE enum pen_code pen_bzip2_look_ahead(struct pen_decode *decode, bool is_all_there,
                                                struct pen_error *err);

/* pen_bzip2_finish_block - returns when the first block, which was started, is decoded: by a member
 * of the team or by this thread. */
void pen_bzip2_finish_block(struct pen_decode *decode, struct pen_bzip2_ahead *block);

/* pen_bzip2_decode_longer - decodes a finished block once more, up to the end of the window.
 * errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_bzip2_decode_longer(struct pen_bzip2 *bzip2,
                                                   struct pen_bzip2_ahead *block,
                                                   struct pen_error *err);

/* pen_bzip2_drop_first - the first block is not needed any more; its memory serves the next. */
void pen_bzip2_drop_first(struct pen_decode *decode);

/* pen_bzip2_release_blocks - frees all blocks and the window. */
void pen_bzip2_release_blocks(struct pen_decode *decode);

#endif
