/* bzip2_ahead.c - stored bytes --window--> blocks, found by their magics and started ahead. */
#include "decode/bzip2_internal.h"

#include <stdlib.h>

#define BLOCKS_MAX ((size_t)64)

size_t pen_bzip2_team_width(const struct pen_decode *decode)
{
    size_t width = decode->team == NULL ? 1 : decode->team->width(decode->team);
    return width < BLOCKS_MAX ? width : BLOCKS_MAX;
}

enum pen_code pen_bzip2_fill_window(struct pen_bzip2 *bzip2, struct pen_slice *in, size_t most,
                                    struct pen_error *err)
{
    size_t kept =
        bzip2->head_len < PEN_BZIP2_HEAD_BYTES ? PEN_BZIP2_HEAD_BYTES - bzip2->head_len : 0;
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
    pen_bzip2_block_decode(&((struct pen_bzip2_ahead *)(void *)work)->block,
                           scratch); /* first member */
}

static void free_block(struct pen_bzip2_ahead *block)
{
    free(block->bits);
    free(block->block.packed);
    free(block);
}

static enum pen_code add_block(struct pen_bzip2 *bzip2, uint64_t start_bit, struct pen_error *err)
{
    struct pen_bzip2_ahead *block = bzip2->spare;
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

void pen_bzip2_drop_first(struct pen_decode *decode)
{
    struct pen_bzip2 *bzip2 = decode->state;
    struct pen_bzip2_ahead *block = bzip2->first;
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
static enum pen_code cut_block(const struct pen_bzip2 *bzip2, struct pen_bzip2_ahead *block,
                               uint64_t end, struct pen_error *err)
{
    uint64_t start = block->start_bit / 8;
    uint64_t most = end - start < PEN_BZIP2_CUT_MAX ? end - start : PEN_BZIP2_CUT_MAX;
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

static enum pen_code start_block(struct pen_decode *decode, struct pen_bzip2_ahead *block,
                                 uint64_t end, struct pen_error *err)
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
    struct pen_bzip2 *bzip2 = decode->state;
    if (bzip2->first == NULL)
        return PEN_OK;
    struct pen_bzip2_ahead *block = bzip2->first;
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
static bool find_magic(const struct pen_bzip2 *bzip2, const struct finder *finder, uint64_t bit,
                       uint64_t end, uint64_t *ret_bit)
{
    const uint8_t *window = bzip2->window;
    for (uint64_t byte = bit / 8; byte < end; byte++) {
        const uint8_t *p = window + (byte - bzip2->window_start);
        if ((finder->second[p[1]] & finder->third[p[2]]) == 0)
            continue;
        for (unsigned s = 0; s < 8; s++)
            if (byte * 8 + s >= bit && pen_bzip2_peek(bzip2, byte * 8 + s, PEN_BZIP2_MAGIC_BITS) ==
                                           PEN_BZIP2_BLOCK_MAGIC) {
                *ret_bit = byte * 8 + s;
                return true;
            }
    }
    return false;
}

enum pen_code pen_bzip2_look_ahead(struct pen_decode *decode, bool is_all_there,
                                   struct pen_error *err)
{
    struct pen_bzip2 *bzip2 = decode->state;
    struct finder finder;
    size_t width = pen_bzip2_team_width(decode);
    finder_init(&finder);
    bzip2->scan_bit = bzip2->scan_bit > bzip2->at_bit ? bzip2->scan_bit : bzip2->at_bit;
    uint64_t end = pen_bzip2_window_end(bzip2) < 6
                       ? 0
                       : pen_bzip2_window_end(bzip2) - 6; /* magic and 7 bits */
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
    const struct pen_bzip2_ahead *first = bzip2->first;
    bool is_full =
        first != NULL && pen_bzip2_window_end(bzip2) - first->start_bit / 8 >= PEN_BZIP2_CUT_MAX;
    return is_all_there || is_full ? start_last(decode, pen_bzip2_window_end(bzip2), err) : PEN_OK;
}

/* --- decoding them ---------------------------------------------------------------------------- */

void pen_bzip2_finish_block(struct pen_decode *decode, struct pen_bzip2_ahead *block)
{
    struct pen_bzip2 *bzip2 = decode->state;
    if (decode->team != NULL) {
        decode->team->finish(decode->team, &block->work);
    } else if (!block->has_run) {
        run_block(&block->work, &bzip2->scratch);
        block->has_run = true;
    }
}

enum pen_code pen_bzip2_decode_longer(struct pen_bzip2 *bzip2, struct pen_bzip2_ahead *block,
                                      struct pen_error *err)
{
    PEN_TRY(cut_block(bzip2, block, pen_bzip2_window_end(bzip2), err));
    run_block(&block->work, &bzip2->scratch);
    return PEN_OK;
}

void pen_bzip2_release_blocks(struct pen_decode *decode)
{
    struct pen_bzip2 *bzip2 = decode->state;
    while (bzip2->first != NULL)
        pen_bzip2_drop_first(decode);
    while (bzip2->spare != NULL) {
        struct pen_bzip2_ahead *block = bzip2->spare;
        bzip2->spare = block->next;
        free_block(block);
    }
    free(bzip2->window);
}
