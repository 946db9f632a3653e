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
 * Memory: blocks ahead are at most what the team asks for, BLOCKS_MAX; each holds its stored bytes
 * and 0.9 MB of packed ones, and all stored bytes once more in the window. */
#include "decode/bzip2_block.h"
#include "decode/members.h"

#include <stdlib.h>

#define BLOCKS_MAX  ((size_t)64)
#define LEVEL_BYTES 100000
#define HEAD_BYTES  ((size_t)16)
#define CUT_MAX     ((uint64_t)PEN_BZIP2_BLOCK_BYTES_MAX)

/* Stored bytes kept beside those of one block, for each block ahead. */
#define AHEAD_BYTES ((size_t)1 << 20)

struct block {
    struct pen_decode_work work; /* first member */
    struct pen_bzip2_block block;
    struct block *next;
    uint64_t start_bit; /* in the object */
    uint8_t *bits;      /* cap bytes */
    size_t cap;
    bool is_started, has_run; /* has_run: by this thread, without a team */
};

enum phase {
    PHASE_HEAD,  /* the first or the next stream's "BZh9" */
    PHASE_BLOCK, /* a block's magic, or the end of the stream */
    PHASE_TEXT,  /* the text of the block that was decoded */
    PHASE_PADDING
};

struct bzip2 {
    enum phase phase;
    uint8_t *window; /* stored bytes from window_start on */
    size_t window_len, window_cap;
    uint64_t window_start;
    uint64_t at_bit;             /* what is before has been read */
    uint64_t scan_bit;           /* no magic begins before, except those of the blocks */
    struct block *first, **last; /* blocks ahead, in order */
    size_t block_count;
    struct block *spare;
    struct pen_bzip2_unpack unpack;
    uint32_t stream_crc;
    unsigned level;
    uint64_t streams;      /* begun */
    char head[HEAD_BYTES]; /* first bytes of the object, for errors */
    size_t head_len;
    struct pen_decode_scratch scratch; /* when there is no team */
};

/* --- errors ----------------------------------------------------------------------------------- */

static enum pen_code fail_at(const char *problem, uint64_t byte, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CORRUPT, "bzip2: %s at byte %llu", problem,
                   (unsigned long long)byte);
    if (err != NULL)
        err->offset = byte;
    return PEN_ERR_CORRUPT;
}

static uint64_t window_end(const struct bzip2 *bzip2)
{
    return bzip2->window_start + bzip2->window_len;
}

static enum pen_code fail_format(const struct bzip2 *bzip2, struct pen_error *err)
{
    if (bzip2->streams > 0)
        return fail_at("bytes behind the last member are not a member", bzip2->at_bit / 8, err);
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Not in bzip2 format: the bytes look like %s",
                   pen_decode_looks_like(pen_slice(bzip2->head, bzip2->head_len)));
    pen_error_hint(err, "set 'decoders' to what the objects are, or remove it for plain files");
    return PEN_ERR_CORRUPT;
}

/* --- the window ------------------------------------------------------------------------------- */

static uint64_t bits_left(const struct bzip2 *bzip2)
{
    return window_end(bzip2) * 8 - bzip2->at_bit;
}

/* n <= 48 bits at an absolute place; all of them must be in the window, whose padding is readable.
 */
static uint64_t peek(const struct bzip2 *bzip2, uint64_t bit, unsigned n)
{
    const uint8_t *p = bzip2->window + (bit / 8 - bzip2->window_start);
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word = word << 8 | p[i];
    return word << (bit % 8) >> (64 - n);
}

static size_t team_width(const struct pen_decode *decode)
{
    size_t width = decode->team == NULL ? 1 : decode->team->width(decode->team);
    return width < BLOCKS_MAX ? width : BLOCKS_MAX;
}

/* Forgets what has been read, then takes from the input up to `most` bytes in the window. */
static enum pen_code fill_window(struct bzip2 *bzip2, struct pen_slice *in, size_t most,
                                 struct pen_error *err)
{
    size_t kept = bzip2->head_len < HEAD_BYTES ? HEAD_BYTES - bzip2->head_len : 0;
    kept = kept < in->len ? kept : in->len;
    memcpy(bzip2->head + bzip2->head_len, in->ptr, kept);
    bzip2->head_len += kept;
    size_t read = (size_t)(bzip2->at_bit / 8 - bzip2->window_start);
    if (read > 0)
        memmove(bzip2->window, bzip2->window + read, bzip2->window_len - read);
    bzip2->window_start += read;
    bzip2->window_len -= read;
    size_t n = bzip2->window_len < most ? most - bzip2->window_len : 0;
    n = n < in->len ? n : in->len;
    if (bzip2->window_len + n + 8 > bzip2->window_cap) {
        size_t cap = bzip2->window_len + n + 8 + bzip2->window_cap / 2;
        uint8_t *grown = realloc(bzip2->window, cap);
        if (grown == NULL)
            return pen_fail_nomem(err);
        bzip2->window = grown;
        bzip2->window_cap = cap;
    }
    memcpy(bzip2->window + bzip2->window_len, in->ptr, n);
    bzip2->window_len += n;
    memset(bzip2->window + bzip2->window_len, 0, 8);
    *in = pen_slice_skip(*in, n);
    return PEN_OK;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void run_block(struct pen_decode_work *work, struct pen_decode_scratch *scratch)
{
    pen_bzip2_block_decode(&((struct block *)(void *)work)->block, scratch); /* first member */
}

static void free_block(struct block *block)
{
    free(block->bits);
    free(block->block.packed);
    free(block);
}

static enum pen_code add_block(struct bzip2 *bzip2, uint64_t start_bit, struct pen_error *err)
{
    struct block *block = bzip2->spare;
    if (block == NULL) {
        block = calloc(1, sizeof *block);
        if (block == NULL)
            return pen_fail_nomem(err);
        block->block.packed = malloc(PEN_BZIP2_PACKED_MAX + PEN_BZIP2_PACKED_SLACK);
        if (block->block.packed == NULL) {
            free(block);
            return pen_fail_nomem(err);
        }
    } else {
        bzip2->spare = block->next;
    }
    block->work = (struct pen_decode_work){.run = run_block};
    block->next = NULL;
    block->start_bit = start_bit;
    block->is_started = block->has_run = false;
    *bzip2->last = block;
    bzip2->last = &block->next;
    bzip2->block_count++;
    return PEN_OK;
}

static void drop_first(struct pen_decode *decode)
{
    struct bzip2 *bzip2 = decode->state;
    struct block *block = bzip2->first;
    if (block->is_started && decode->team != NULL)
        decode->team->drop(decode->team, &block->work);
    bzip2->first = block->next;
    if (bzip2->first == NULL)
        bzip2->last = &bzip2->first;
    bzip2->block_count--;
    block->next = bzip2->spare;
    bzip2->spare = block;
}

/* Gives the block its own copy of the stored bytes up to `end`. */
static enum pen_code cut_block(const struct bzip2 *bzip2, struct block *block, uint64_t end,
                               struct pen_error *err)
{
    uint64_t start = block->start_bit / 8;
    uint64_t most = end - start < CUT_MAX ? end - start : CUT_MAX;
    size_t len = (size_t)most;
    if (len + PEN_BZIP2_PADDING > block->cap) {
        free(block->bits);
        block->cap = len + PEN_BZIP2_PADDING;
        block->bits = malloc(block->cap);
        if (block->bits == NULL) {
            block->cap = 0;
            return pen_fail_nomem(err);
        }
    }
    memcpy(block->bits, bzip2->window + (start - bzip2->window_start), len);
    memset(block->bits + len, 0, PEN_BZIP2_PADDING);
    block->block.bits = block->bits;
    block->block.len = len;
    block->block.skip = (unsigned)(block->start_bit % 8);
    return PEN_OK;
}

static enum pen_code start_block(struct pen_decode *decode, struct block *block, uint64_t end,
                                 struct pen_error *err)
{
    PEN_TRY(cut_block(decode->state, block, end, err));
    block->is_started = true;
    if (decode->team != NULL)
        decode->team->start(decode->team, &block->work);
    return PEN_OK;
}

/* The newest block's end is known: by the magic that follows, or because nothing more comes. */
static enum pen_code start_last(struct pen_decode *decode, uint64_t end, struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    if (bzip2->first == NULL)
        return PEN_OK;
    struct block *block = bzip2->first;
    while (block->next != NULL)
        block = block->next;
    return block->is_started ? PEN_OK : start_block(decode, block, end, err);
}

/* --- looking for blocks ----------------------------------------------------------------------- */

/* Whatever bit the magic begins at, its second whole byte is one of eight, and so is its third. */
struct finder {
    uint8_t second[256],
        third[256]; /* bit s: this byte is there when s bits are before the magic */
};

static void finder_init(struct finder *finder)
{
    memset(finder, 0, sizeof *finder);
    for (unsigned s = 0; s < 8; s++) {
        uint64_t word = PEN_BZIP2_BLOCK_MAGIC << (16 - s);
        finder->second[word >> 48 & 0xff] |= (uint8_t)(1U << s);
        finder->third[word >> 40 & 0xff] |= (uint8_t)(1U << s);
    }
}

/* The first magic from `bit` on that begins before byte `end` and is all in the window. */
static bool find_magic(const struct bzip2 *bzip2, const struct finder *finder, uint64_t bit,
                       uint64_t end, uint64_t *ret_bit)
{
    const uint8_t *window = bzip2->window;
    for (uint64_t byte = bit / 8; byte < end; byte++) {
        const uint8_t *p = window + (byte - bzip2->window_start);
        if ((finder->second[p[1]] & finder->third[p[2]]) == 0)
            continue;
        for (unsigned s = 0; s < 8; s++)
            if (byte * 8 + s >= bit &&
                peek(bzip2, byte * 8 + s, PEN_BZIP2_MAGIC_BITS) == PEN_BZIP2_BLOCK_MAGIC) {
                *ret_bit = byte * 8 + s;
                return true;
            }
    }
    return false;
}

/* Finds blocks ahead and starts each whose end is known. */
static enum pen_code look_ahead(struct pen_decode *decode, bool is_all_there, struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    struct finder finder;
    size_t width = team_width(decode);
    finder_init(&finder);
    bzip2->scan_bit = bzip2->scan_bit > bzip2->at_bit ? bzip2->scan_bit : bzip2->at_bit;
    uint64_t end = window_end(bzip2) < 6 ? 0 : window_end(bzip2) - 6; /* magic and 7 bits */
    while (bzip2->block_count <= width) { /* the one more says where the last of them ends */
        uint64_t found;
        if (!find_magic(bzip2, &finder, bzip2->scan_bit, end, &found)) {
            bzip2->scan_bit = bzip2->scan_bit > end * 8 ? bzip2->scan_bit : end * 8;
            break;
        }
        PEN_TRY(start_last(decode, (found + 7) / 8, err));
        PEN_TRY(add_block(bzip2, found, err));
        bzip2->scan_bit = found + 1;
    }
    const struct block *first = bzip2->first;
    bool is_full = first != NULL && window_end(bzip2) - first->start_bit / 8 >= CUT_MAX;
    return is_all_there || is_full ? start_last(decode, window_end(bzip2), err) : PEN_OK;
}

/* --- in order --------------------------------------------------------------------------------- */

static size_t window_limit(const struct pen_decode *decode)
{
    return (size_t)CUT_MAX + team_width(decode) * AHEAD_BYTES;
}

static void finish_block(struct pen_decode *decode, struct block *block)
{
    struct bzip2 *bzip2 = decode->state;
    if (decode->team != NULL) {
        decode->team->finish(decode->team, &block->work);
    } else if (!block->has_run) {
        run_block(&block->work, &bzip2->scratch);
        block->has_run = true;
    }
}

/* The block that was found ends before it is complete: all that follows, then. */
static enum pen_code decode_again(struct pen_decode *decode, struct block *block, bool is_all_there,
                                  bool *ret_needs_more, struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    uint64_t len = window_end(bzip2) - block->start_bit / 8;
    *ret_needs_more = !is_all_there && len < CUT_MAX;
    if (*ret_needs_more)
        return PEN_OK;
    if (block->block.len < len && block->block.len < CUT_MAX) {
        PEN_TRY(cut_block(bzip2, block, window_end(bzip2), err));
        run_block(&block->work, &bzip2->scratch);
    }
    if (!block->block.is_short)
        return PEN_OK;
    return len < CUT_MAX ? fail_at("truncated: the data end", window_end(bzip2), err)
                         : fail_at("a block is too long", bzip2->at_bit / 8, err);
}

/* The block that begins at `at_bit`: waits for it and judges it. */
static enum pen_code take_block(struct pen_decode *decode, bool is_all_there, bool *ret_needs_more,
                                struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    struct block *block = bzip2->first;
    if (block == NULL || block->start_bit != bzip2->at_bit || !block->is_started) {
        *ret_needs_more = !is_all_there;
        return is_all_there ? fail_at("truncated: the data end", window_end(bzip2), err) : PEN_OK;
    }
    bool may_take = window_end(bzip2) - bzip2->at_bit / 8 < window_limit(decode);
    if (!is_all_there && may_take && bzip2->block_count <= team_width(decode)) {
        *ret_needs_more = true; /* so that others have something to do meanwhile */
        return PEN_OK;
    }
    finish_block(decode, block);
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
    bzip2->phase = PHASE_TEXT;
    return PEN_OK;
}

static enum pen_code end_stream(struct bzip2 *bzip2, struct pen_error *err)
{
    uint32_t crc = (uint32_t)peek(bzip2, bzip2->at_bit + PEN_BZIP2_MAGIC_BITS, 32);
    uint64_t end_bit = bzip2->at_bit + PEN_BZIP2_MAGIC_BITS + 32;
    bzip2->at_bit = (end_bit + 7) / 8 * 8;
    if (crc != bzip2->stream_crc)
        return fail_at("wrong checksum of a stream that ends", bzip2->at_bit / 8, err);
    bzip2->phase = PHASE_HEAD;
    return PEN_OK;
}

static enum pen_code block_phase(struct pen_decode *decode, bool is_all_there, bool *ret_needs_more,
                                 struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    if (bits_left(bzip2) < PEN_BZIP2_MAGIC_BITS + 32) {
        *ret_needs_more = !is_all_there;
        return is_all_there ? fail_at("truncated: the data end", window_end(bzip2), err) : PEN_OK;
    }
    uint64_t magic = peek(bzip2, bzip2->at_bit, PEN_BZIP2_MAGIC_BITS);
    if (magic == PEN_BZIP2_END_MAGIC)
        return end_stream(bzip2, err);
    if (magic != PEN_BZIP2_BLOCK_MAGIC)
        return fail_at("neither a block nor the end of the stream", bzip2->at_bit / 8, err);
    while (bzip2->first != NULL && bzip2->first->start_bit < bzip2->at_bit)
        drop_first(decode);
    PEN_TRY(look_ahead(decode, is_all_there, err));
    return take_block(decode, is_all_there, ret_needs_more, err);
}

/* Returns whether all of the block's text is out. */
static enum pen_code text_phase(struct pen_decode *decode, struct pen_out *out, bool *ret_is_done,
                                struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
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
    bzip2->phase = PHASE_BLOCK;
    drop_first(decode);
    return PEN_OK;
}

/* --- between streams -------------------------------------------------------------------------- */

static const uint8_t *at_byte(const struct bzip2 *bzip2)
{
    return bzip2->window + (bzip2->at_bit / 8 - bzip2->window_start);
}

/* Zero bytes behind a stream are padding; then nothing but zeros may follow. */
static enum pen_code padding_phase(struct bzip2 *bzip2, bool is_all_there, bool *ret_needs_more,
                                   struct pen_error *err)
{
    while (bits_left(bzip2) > 0 && *at_byte(bzip2) == 0)
        bzip2->at_bit += 8;
    if (bits_left(bzip2) > 0)
        return fail_format(bzip2, err);
    *ret_needs_more = !is_all_there;
    return PEN_OK;
}

static enum pen_code head_phase(struct bzip2 *bzip2, bool is_all_there, bool *ret_needs_more,
                                struct pen_error *err)
{
    size_t left = (size_t)(bits_left(bzip2) / 8);
    bool is_first = bzip2->streams == 0;
    /* the whole head of the object, so that an error can say what it is */
    if (left < (is_first ? HEAD_BYTES : 4) && !is_all_there) {
        *ret_needs_more = true;
        return PEN_OK;
    }
    if (left == 0)
        return is_first ? fail_format(bzip2, err) : PEN_OK;
    const uint8_t *head = at_byte(bzip2);
    if (!is_first && *head == 0) {
        bzip2->phase = PHASE_PADDING;
        return PEN_OK;
    }
    if (left < 3 || memcmp(head, "BZh", 3) != 0)
        return fail_format(bzip2, err);
    if (left < 4)
        return fail_at("truncated: the data end", window_end(bzip2), err);
    if (head[3] < '1' || head[3] > '9')
        return fail_at("unknown block size in a head", bzip2->at_bit / 8, err);
    bzip2->level = (unsigned)(head[3] - '0');
    bzip2->stream_crc = 0;
    bzip2->streams++;
    bzip2->at_bit += 32;
    bzip2->phase = PHASE_BLOCK;
    return PEN_OK;
}

/* --- the decoder ------------------------------------------------------------------------------ */

static bool is_at_end(const struct bzip2 *bzip2)
{
    bool is_between =
        bzip2->phase == PHASE_PADDING || (bzip2->phase == PHASE_HEAD && bzip2->streams > 0);
    return is_between && bits_left(bzip2) == 0;
}

static enum pen_code other_phase(struct pen_decode *decode, bool is_all_there, bool *ret_needs_more,
                                 struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    if (bzip2->phase == PHASE_BLOCK)
        return block_phase(decode, is_all_there, ret_needs_more, err);
    return bzip2->phase == PHASE_PADDING ? padding_phase(bzip2, is_all_there, ret_needs_more, err)
                                         : head_phase(bzip2, is_all_there, ret_needs_more, err);
}

static enum pen_code bzip2_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                                struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    for (;;) {
        if (bzip2->phase == PHASE_TEXT) {
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
            PEN_TRY(fill_window(bzip2, in, window_limit(decode), err));
    }
}

static bool bzip2_magic(struct pen_slice head)
{
    return head.len >= 10 && memcmp(head.ptr, "BZh", 3) == 0 && head.ptr[3] >= '1' &&
           head.ptr[3] <= '9' && memcmp(head.ptr + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0;
}

static void bzip2_reset(struct pen_decode *decode)
{
    struct bzip2 *bzip2 = decode->state;
    while (bzip2->first != NULL)
        drop_first(decode);
    *bzip2 = (struct bzip2){.window = bzip2->window,
                            .window_cap = bzip2->window_cap,
                            .spare = bzip2->spare,
                            .scratch = bzip2->scratch,
                            .last = &bzip2->first};
}

static void bzip2_close(struct pen_decode *decode)
{
    struct bzip2 *bzip2 = decode->state;
    while (bzip2->first != NULL)
        drop_first(decode);
    while (bzip2->spare != NULL) {
        struct block *block = bzip2->spare;
        bzip2->spare = block->next;
        free_block(block);
    }
    free(bzip2->window);
    pen_decode_scratch_release(&bzip2->scratch);
}

static const struct pen_option options[] = {{.key = NULL}};

const struct pen_decode_type pen_decode_bzip2 = {
    .info = {.name = "bzip2",
             .summary = "bzip2, concatenated streams read as one, several blocks at once",
             .options = options,
             .state_size = sizeof(struct bzip2)},
    .magic = bzip2_magic,
    .open = pen_decode_open_plain,
    .step = bzip2_step,
    .reset = bzip2_reset,
    .close = bzip2_close,
};
