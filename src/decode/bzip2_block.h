/* bzip2_block.h - one block of a bzip2 stream, by itself: no stream, no state, any thread.
 *
 *     bits --Huffman, move to front--> last column --inverse Burrows-Wheeler--> packed bytes
 *
 * "Packed" bytes are the text before the format's first step is undone: four equal bytes are
 * followed by a count of more. They are at most 900,000, whatever the text is; pen_bzip2_unpack
 * makes the text of them, and its checksum, for the caller's room. Internal to decode/. */
#ifndef PEN_DECODE_BZIP2_BLOCK_H
#define PEN_DECODE_BZIP2_BLOCK_H

#include "decode/decode.h"

/* Packed bytes of a block at the highest level, and what may be written behind them. */
#define PEN_BZIP2_PACKED_MAX   900000
#define PEN_BZIP2_PACKED_SLACK 1024

/* Bytes that must be readable (zero is best) behind the bits. */
#define PEN_BZIP2_PADDING 512

/* A block's longest form: 20 bits for each byte and the end, 18,002 selectors of 6 bits, and tables
 * that do not go up and down without need. Longer ones are refused. */
#define PEN_BZIP2_BLOCK_BYTES_MAX ((size_t)2400000)

#define PEN_BZIP2_BLOCK_MAGIC     UINT64_C(0x314159265359)
#define PEN_BZIP2_END_MAGIC       UINT64_C(0x177245385090)
#define PEN_BZIP2_MAGIC_BITS      48

struct pen_bzip2_block {
    const uint8_t *bits; /* the byte with the first bit of the block's magic */
    size_t len;          /* bytes, PEN_BZIP2_PADDING more are readable */
    unsigned skip;       /* bits of the first byte that belong to what is before: 0 to 7 */
    uint8_t *packed;     /* PEN_BZIP2_PACKED_MAX + PEN_BZIP2_PACKED_SLACK bytes */
    /* out */
    uint32_t crc;        /* of the text, as the block says */
    size_t packed_len;   /* > 0 when the block is sound */
    uint64_t used_bits;  /* from the magic on: of the whole block, or where it broke */
    bool is_short;       /* the bits end before the block does */
    bool has_no_memory;  /* for the scratch */
    const char *problem; /* what is wrong with it, if it is not short; else NULL */
};

/* pen_bzip2_block_decode - decodes what block->bits begin with.
 * thread: any.   cost: 6 to 10 ns a packed byte.
 * scratch: grows to 11 MB, of which 4.5 MB are touched. */
void pen_bzip2_block_decode(struct pen_bzip2_block *block, struct pen_decode_scratch *scratch);

/* Where the undoing of the runs stands; all zero at the start of a block. */
struct pen_bzip2_unpack {
    size_t at;      /* packed bytes used */
    unsigned equal; /* bytes in a row that were equal, up to 4 */
    uint8_t last;   /* the byte that came last */
    unsigned more;  /* copies of it that are still to come */
    uint32_t crc;   /* of the text so far */
};

/* pen_bzip2_unpack_step - text from packed bytes until `out` is full or they are used up.
 * out: true when all is done. cost: 0.3 ns a byte. */
bool pen_bzip2_unpack_step(struct pen_bzip2_unpack *unpack, struct pen_slice packed,
                           struct pen_out *out);

/* pen_bzip2_unpack_is_sound - false when the packed bytes ended where a count must stand. */
static inline bool pen_bzip2_unpack_is_sound(const struct pen_bzip2_unpack *unpack)
{
    return unpack->equal < 4;
}

#endif
