/* bzip2.c - a stream of blocks that decode alone, found ahead and decoded by whoever has time.
 *
 *     stored bytes --look for magics--> blocks --bzip2_block.c, any thread--> packed bytes
 *                  --in order: unpack, check sums--> plain bytes (<= the caller's room a call)
 *
 * A block begins at any bit with 48 fixed bits. Those are looked for ahead of the place that is
 * being read, and each is started as a block that ends at the next one at the latest. The 48 bits
 * may stand inside a block by chance: then the block in front of them ends too early and is decoded
 * again with all that follows, and what was found inside it is forgotten. Nothing that was found is
 * believed: a block counts when the one before it, or a stream's head, ends exactly there.
 *
 * Memory: blocks ahead are at most what the team asks for, 64; each holds its stored bytes
 * and 0.9 MB of packed ones, and all stored bytes once more in the window. */
#include "decode/bzip2_internal.h"
#include "decode/members.h"

#define LEVEL_BYTES 100000

/* Stored bytes kept beside those of one block, for each block ahead. */
#define AHEAD_BYTES ((size_t)1 << 20)

/* --- errors ----------------------------------------------------------------------------------- */

static enum pen_code fail_at(const char *problem, uint64_t byte, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CORRUPT, "bzip2: %s at byte %llu", problem,
                   (unsigned long long)byte);
    if (err != NULL)
        err->offset = byte;
    return PEN_ERR_CORRUPT;
}

static enum pen_code fail_format(const struct pen_bzip2 *bzip2, struct pen_error *err)
{
    if (bzip2->streams > 0)
        return fail_at("bytes behind the last member are not a member", bzip2->at_bit / 8, err);
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Not in bzip2 format: the bytes look like %s",
                   pen_decode_looks_like(pen_slice(bzip2->head, bzip2->head_len)));
    pen_error_hint(err, "set 'decoders' to what the objects are, or remove it for plain files");
    return PEN_ERR_CORRUPT;
}

/* --- in order --------------------------------------------------------------------------------- */

static size_t window_limit(const struct pen_decode *decode)
{
    return (size_t)PEN_BZIP2_CUT_MAX + pen_bzip2_team_width(decode) * AHEAD_BYTES;
}

/* The block that was found ends before it is complete: all that follows, then. */
static enum pen_code decode_again(struct pen_decode *decode, struct pen_bzip2_ahead *block,
                                  bool is_all_there, bool *ret_needs_more, struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    uint64_t len = pen_bzip2_window_end(bzip2) - block->start_bit / 8;
    *ret_needs_more = !is_all_there && len < PEN_BZIP2_CUT_MAX;
    if (*ret_needs_more)
        return PEN_OK;
    if (block->block.len < len && block->block.len < PEN_BZIP2_CUT_MAX)
        PEN_TRY(pen_bzip2_decode_longer(bzip2, block, err));
    if (!block->block.is_short)
        return PEN_OK;
    return len < PEN_BZIP2_CUT_MAX
               ? fail_at("truncated: the data end", pen_bzip2_window_end(bzip2), err)
               : fail_at("a block is too long", bzip2->at_bit / 8, err);
}

/* The block that begins at `at_bit`: waits for it and judges it. */
static enum pen_code take_block(struct pen_decode *decode, bool is_all_there, bool *ret_needs_more,
                                struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    struct pen_bzip2_ahead *block = bzip2->first;
    if (block == NULL || block->start_bit != bzip2->at_bit || !block->is_started) {
        *ret_needs_more = !is_all_there;
        return is_all_there ? fail_at("truncated: the data end", pen_bzip2_window_end(bzip2), err)
                            : PEN_OK;
    }
    bool may_take = pen_bzip2_window_end(bzip2) - bzip2->at_bit / 8 < window_limit(decode);
    if (!is_all_there && may_take && bzip2->block_count <= pen_bzip2_team_width(decode)) {
        *ret_needs_more = true; /* so that others have something to do meanwhile */
        return PEN_OK;
    }
    pen_bzip2_finish_block(decode, block);
    if (block->block.is_short) {
        PEN_TRY(decode_again(decode, block, is_all_there, ret_needs_more, err));
        if (*ret_needs_more)
            return PEN_OK;
    }
    if (block->block.has_no_memory)
        return pen_fail_nomem(err);
    if (block->block.problem != NULL)
        return fail_at(block->block.problem, (bzip2->at_bit + block->block.used_bits) / 8, err);
    if (block->block.packed_len > (size_t)bzip2->level * LEVEL_BYTES)
        return fail_at("a block is longer than its stream allows", bzip2->at_bit / 8, err);
    bzip2->unpack = (struct pen_bzip2_unpack){0};
    bzip2->phase = PEN_BZIP2_PHASE_TEXT;
    return PEN_OK;
}

static enum pen_code end_stream(struct pen_bzip2 *bzip2, struct pen_error *err)
{
    uint32_t crc = (uint32_t)pen_bzip2_peek(bzip2, bzip2->at_bit + PEN_BZIP2_MAGIC_BITS, 32);
    uint64_t end_bit = bzip2->at_bit + PEN_BZIP2_MAGIC_BITS + 32;
    bzip2->at_bit = (end_bit + 7) / 8 * 8;
    if (crc != bzip2->stream_crc)
        return fail_at("wrong checksum of a stream that ends", bzip2->at_bit / 8, err);
    bzip2->phase = PEN_BZIP2_PHASE_HEAD;
    return PEN_OK;
}

static enum pen_code block_phase(struct pen_decode *decode, bool is_all_there, bool *ret_needs_more,
                                 struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    if (pen_bzip2_bits_left(bzip2) < PEN_BZIP2_MAGIC_BITS + 32) {
        *ret_needs_more = !is_all_there;
        return is_all_there ? fail_at("truncated: the data end", pen_bzip2_window_end(bzip2), err)
                            : PEN_OK;
    }
    uint64_t magic = pen_bzip2_peek(bzip2, bzip2->at_bit, PEN_BZIP2_MAGIC_BITS);
    if (magic == PEN_BZIP2_END_MAGIC)
        return end_stream(bzip2, err);
    if (magic != PEN_BZIP2_BLOCK_MAGIC)
        return fail_at("neither a block nor the end of the stream", bzip2->at_bit / 8, err);
    while (bzip2->first != NULL && bzip2->first->start_bit < bzip2->at_bit)
        pen_bzip2_drop_first(decode);
    PEN_TRY(pen_bzip2_look_ahead(decode, is_all_there, err));
    return take_block(decode, is_all_there, ret_needs_more, err);
}

/* Returns whether all of the block's text is out. */
static enum pen_code text_phase(struct pen_decode *decode, struct pen_out *out, bool *ret_is_done,
                                struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    const struct pen_bzip2_block *block = &bzip2->first->block;
    *ret_is_done =
        pen_bzip2_unpack_step(&bzip2->unpack, pen_slice(block->packed, block->packed_len), out);
    if (!*ret_is_done)
        return PEN_OK;
    uint64_t begin = bzip2->at_bit / 8;
    bzip2->at_bit += block->used_bits;
    if (!pen_bzip2_unpack_is_sound(&bzip2->unpack))
        return fail_at("a run without its length in the block", begin, err);
    if (bzip2->unpack.crc != block->crc)
        return fail_at("wrong checksum of the block", begin, err);
    bzip2->stream_crc = (bzip2->stream_crc << 1 | bzip2->stream_crc >> 31) ^ block->crc;
    bzip2->phase = PEN_BZIP2_PHASE_BLOCK;
    pen_bzip2_drop_first(decode);
    return PEN_OK;
}

/* --- between streams -------------------------------------------------------------------------- */

static const uint8_t *at_byte(const struct pen_bzip2 *bzip2)
{
    return bzip2->window + (bzip2->at_bit / 8 - bzip2->window_start);
}

/* Zero bytes behind a stream are padding; then nothing but zeros may follow. */
static enum pen_code padding_phase(struct pen_bzip2 *bzip2, bool is_all_there, bool *ret_needs_more,
                                   struct pen_error *err)
{
    while (pen_bzip2_bits_left(bzip2) > 0 && *at_byte(bzip2) == 0)
        bzip2->at_bit += 8;
    if (pen_bzip2_bits_left(bzip2) > 0)
        return fail_format(bzip2, err);
    *ret_needs_more = !is_all_there;
    return PEN_OK;
}

static enum pen_code head_phase(struct pen_bzip2 *bzip2, bool is_all_there, bool *ret_needs_more,
                                struct pen_error *err)
{
    size_t left = (size_t)(pen_bzip2_bits_left(bzip2) / 8);
    bool is_first = bzip2->streams == 0;
    /* the whole head of the object, so that an error can say what it is */
    if (left < (is_first ? PEN_BZIP2_HEAD_BYTES : 4) && !is_all_there) {
        *ret_needs_more = true;
        return PEN_OK;
    }
    if (left == 0)
        return is_first ? fail_format(bzip2, err) : PEN_OK;
    const uint8_t *head = at_byte(bzip2);
    if (!is_first && *head == 0) {
        bzip2->phase = PEN_BZIP2_PHASE_PADDING;
        return PEN_OK;
    }
    if (left < 3 || memcmp(head, "BZh", 3) != 0)
        return fail_format(bzip2, err);
    if (left < 4)
        return fail_at("truncated: the data end", pen_bzip2_window_end(bzip2), err);
    if (head[3] < '1' || head[3] > '9')
        return fail_at("unknown block size in a head", bzip2->at_bit / 8, err);
    bzip2->level = (unsigned)(head[3] - '0');
    bzip2->stream_crc = 0;
    bzip2->streams++;
    bzip2->at_bit += 32;
    bzip2->phase = PEN_BZIP2_PHASE_BLOCK;
    return PEN_OK;
}

/* --- the decoder ------------------------------------------------------------------------------ */

static bool is_at_end(const struct pen_bzip2 *bzip2)
{
    bool is_between = bzip2->phase == PEN_BZIP2_PHASE_PADDING ||
                      (bzip2->phase == PEN_BZIP2_PHASE_HEAD && bzip2->streams > 0);
    return is_between && pen_bzip2_bits_left(bzip2) == 0;
}

static enum pen_code other_phase(struct pen_decode *decode, bool is_all_there, bool *ret_needs_more,
                                 struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    if (bzip2->phase == PEN_BZIP2_PHASE_BLOCK)
        return block_phase(decode, is_all_there, ret_needs_more, err);
    return bzip2->phase == PEN_BZIP2_PHASE_PADDING
               ? padding_phase(bzip2, is_all_there, ret_needs_more, err)
               : head_phase(bzip2, is_all_there, ret_needs_more, err);
}

static enum pen_code bzip2_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                                struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    for (;;) {
        if (bzip2->phase == PEN_BZIP2_PHASE_TEXT) {
            bool is_done = false;
            PEN_TRY(text_phase(decode, out, &is_done, err));
            if (!is_done) {
                *ret_flow = PEN_FLOW_MORE_ROOM;
                return PEN_OK;
            }
            continue;
        }
        bool is_all_there = is_eof && in->len == 0, needs_more = false;
        PEN_TRY(other_phase(decode, is_all_there, &needs_more, err));
        if (is_all_there && is_at_end(bzip2)) {
            *ret_flow = PEN_FLOW_END;
            return PEN_OK;
        }
        if (needs_more && in->len == 0) {
            *ret_flow = PEN_FLOW_MORE_INPUT;
            return PEN_OK;
        }
        if (needs_more)
            PEN_TRY(pen_bzip2_fill_window(bzip2, in, window_limit(decode), err));
    }
}

static bool bzip2_magic(struct pen_slice head)
{
    return head.len >= 10 && memcmp(head.ptr, "BZh", 3) == 0 && head.ptr[3] >= '1' &&
           head.ptr[3] <= '9' && memcmp(head.ptr + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0;
}

static void bzip2_reset(struct pen_decode *decode)
{
    struct pen_bzip2 *bzip2 = decode->state;
    while (bzip2->first != NULL)
        pen_bzip2_drop_first(decode);
    *bzip2 = (struct pen_bzip2){.window = bzip2->window,
                                .window_cap = bzip2->window_cap,
                                .spare = bzip2->spare,
                                .scratch = bzip2->scratch,
                                .last = &bzip2->first};
}

static void bzip2_close(struct pen_decode *decode)
{
    struct pen_bzip2 *bzip2 = decode->state;
    pen_bzip2_release_blocks(decode);
    pen_decode_scratch_release(&bzip2->scratch);
}

static const struct pen_option options[] = {{.key = NULL}};

const struct pen_decode_type pen_decode_bzip2 = {
    .info = {.name = "bzip2",
             .summary = "bzip2, concatenated streams read as one, several blocks at once",
             .options = options,
             .state_size = sizeof(struct pen_bzip2)},
    .magic = bzip2_magic,
    .open = pen_decode_open_plain,
    .step = bzip2_step,
    .reset = bzip2_reset,
    .close = bzip2_close,
};
