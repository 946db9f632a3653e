/* bzip2_invert.h - the inverse Burrows-Wheeler transform: the last column of a block back to bytes.
 *
 *     last column --links--> a walk from node to node --several at a time--> packed bytes
 *
 * Each node of the walk is a load that waits for the one before it. So the links are marked at many
 * places, and eight walks go on together, each from a mark to the next one; the walks are joined
 * afterwards. Internal to decode/. */
#ifndef PEN_DECODE_BZIP2_INVERT_H
#define PEN_DECODE_BZIP2_INVERT_H

#include "decode/bzip2_block.h"

#define PEN_BZIP2_LANES      8
#define PEN_BZIP2_LANE_BYTES ((size_t)PEN_BZIP2_PACKED_MAX + 64)
#define PEN_BZIP2_MARKS_MAX  2400

/* One walk from a mark to the next: its bytes, and which walk goes on from there. */
struct pen_bzip2_walk {
    uint32_t link; /* of the node where it begins; there the mark stands instead */
    uint32_t next;
    const uint8_t *bytes;
    size_t len;
};

/* Scratch of one block. Node i of the links: its byte of the first column, and from bit 8 on the
 * node that follows. */
struct pen_bzip2_walker {
    uint32_t links[PEN_BZIP2_PACKED_MAX];
    uint8_t lanes[PEN_BZIP2_LANES * PEN_BZIP2_LANE_BYTES];
    struct pen_bzip2_walk walks[PEN_BZIP2_MARKS_MAX];
    size_t count, begun;
    size_t in_lane[PEN_BZIP2_LANES]; /* the walk that a lane is on */
};

/* pen_bzip2_invert - in place: from the last column to the packed bytes.
 * in:     0 <= start < len <= PEN_BZIP2_PACKED_MAX; `walker` needs no values.
 * thread: any, one walker each.   cost: O(len), most of a block's time. */
void pen_bzip2_invert(struct pen_bzip2_walker *walker, uint8_t *bytes, size_t len, uint32_t start);

/* pen_bzip2_undo_randomising - takes back what old encoders did to blocks that were too regular:
 * one bit of one byte in each stretch of a fixed list of lengths. In place. */
void pen_bzip2_undo_randomising(uint8_t *bytes, size_t len);

#endif
