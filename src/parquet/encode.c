#include "parquet/encode.h"

#include <assert.h>

/* Blocks and miniblocks of DELTA_BINARY_PACKED: the smallest that all readers know. */
#define BLOCK      128
#define MINIBLOCKS 4
#define MINIBLOCK  (BLOCK / MINIBLOCKS)

/* The most bytes of one block: its least delta, the widths, the packed deltas. */
#define BLOCK_BYTES (10 + MINIBLOCKS + BLOCK * 8)

static size_t put_varint(char *at, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        at[len++] = (char)(value | 0x80);
    at[len++] = (char)value;
    return len;
}

static size_t put_zigzag(char *at, int64_t value)
{
    return put_varint(at, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_word(char *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

/* --- levels ----------------------------------------------------------------------------------- */

enum pen_code pen_encode_levels(const uint64_t *bits, size_t rows, size_t values,
                                struct pen_buf *into, struct pen_error *err)
{
    size_t bytes = (rows + 7) / 8;
    PEN_TRY(pen_buf_reserve(into, bytes + 24, err));
    char *start = into->ptr + into->len, *at = start + 4;
    if (values == rows || values == 0) {
        at += put_varint(at, rows << 1);
        *at++ = values != 0;
    } else { /* packed LSB first, as the bitmap is */
        at += put_varint(at, bytes << 1 | 1);
        memcpy(at, bits, bytes);
        if (rows % 8 != 0)
            at[bytes - 1] = (char)(at[bytes - 1] & ((1 << rows % 8) - 1));
        at += bytes;
    }
    const uint32_t len = (uint32_t)(at - start - 4);
    memcpy(start, &len, sizeof len);
    into->len += (size_t)(at - start);
    return PEN_OK;
}

/* --- packing ---------------------------------------------------------------------------------- */

/* Packs `count` values (a multiple of 8) of `width` bits, LSB first: width * count / 8 bytes.
 * Writes up to 8 bytes more. */
static char *pack(const uint64_t *values, size_t count, unsigned width, char *at)
{
    uint64_t word = 0;
    unsigned used = 0;
    for (size_t i = 0; i < count; i++) {
        word |= values[i] << used;
        used += width;
        if (used < 64)
            continue;
        put_word(at, word);
        at += 8;
        used -= 64;
        /* what did not fit: nothing when the value ended with the word */
        word = used == 0 ? 0 : values[i] >> (width - used);
    }
    put_word(at, word);
    return at + (used + 7) / 8;
}

/* --- deltas ----------------------------------------------------------------------------------- */

/* One block of 1..BLOCK deltas; those behind `count` are zero. */
static char *put_block(uint64_t *deltas, size_t count, char *at)
{
    int64_t least = (int64_t)deltas[0];
    for (size_t i = 1; i < count; i++)
        least = (int64_t)deltas[i] < least ? (int64_t)deltas[i] : least;
    for (size_t i = 0; i < count; i++)
        deltas[i] -= (uint64_t)least;
    at += put_zigzag(at, least);
    char *widths = at;
    at += MINIBLOCKS;
    for (size_t m = 0; m < MINIBLOCKS; m++) {
        const uint64_t *mini = deltas + m * MINIBLOCK;
        uint64_t all = 0;
        for (size_t i = 0; i < MINIBLOCK; i++)
            all |= mini[i];
        unsigned width = pen_encode_width(all);
        widths[m] = (char)width;
        if (width > 0)
            at = pack(mini, MINIBLOCK, width, at);
    }
    return at;
}

/* Integers, or lengths: both are read where they lie. */
struct numbers {
    const int64_t *longs; /* NULL: lengths */
    const uint32_t *lengths;
    size_t count;
};

static inline uint64_t number_at(const struct numbers *numbers, size_t at)
{
    return numbers->longs != NULL ? (uint64_t)numbers->longs[at] : numbers->lengths[at];
}

static inline enum pen_code put_deltas(const struct numbers *numbers, size_t more,
                                       struct pen_buf *into, struct pen_error *err)
{
    size_t count = numbers->count;
    PEN_TRY(pen_buf_reserve(into, 32 + (count / BLOCK + 1) * BLOCK_BYTES + more, err));
    char *at = into->ptr + into->len;
    at += put_varint(at, BLOCK);
    at += put_varint(at, MINIBLOCKS);
    at += put_varint(at, count);
    at += put_zigzag(at, count == 0 ? 0 : (int64_t)number_at(numbers, 0));
    for (size_t first = 1; first < count; first += BLOCK) {
        uint64_t deltas[BLOCK] = {0};
        size_t in_block = count - first < BLOCK ? count - first : BLOCK;
        /* differences wrap, as the format says */
        for (size_t i = 0; i < in_block; i++)
            deltas[i] = number_at(numbers, first + i) - number_at(numbers, first + i - 1);
        at = put_block(deltas, in_block, at);
    }
    into->len = (size_t)(at - into->ptr);
    return PEN_OK;
}

enum pen_code pen_encode_delta(const int64_t *values, size_t count, struct pen_buf *into,
                               struct pen_error *err)
{
    const int64_t none = 0;
    const struct numbers numbers = {.longs = count == 0 ? &none : values, .count = count};
    return put_deltas(&numbers, 0, into, err);
}

enum pen_code pen_encode_delta_lengths(const uint32_t *lengths, size_t count,
                                       struct pen_slice bytes, struct pen_buf *into,
                                       struct pen_error *err)
{
    const struct numbers numbers = {.lengths = lengths, .count = count};
    PEN_TRY(put_deltas(&numbers, bytes.len, into, err));
    return pen_buf_add_slice(into, bytes, err);
}

/* --- bytes apart ------------------------------------------------------------------------------ */

/* Exchanges what `mask` covers in *high with what lies `shift` bits higher in *low. */
static inline void swap_bits(uint64_t *low, uint64_t *high, unsigned shift, uint64_t mask)
{
    uint64_t moved = ((*low >> shift) ^ *high) & mask;
    *high ^= moved;
    *low ^= moved << shift;
}

/* Eight words as a matrix of 8 x 8 bytes, transposed in place. */
static inline void transpose(uint64_t words[8])
{
    for (unsigned i = 0; i < 4; i++)
        swap_bits(&words[i], &words[i + 4], 32, UINT64_C(0x00000000ffffffff));
    for (unsigned i = 0; i < 8; i += i % 2 == 1 ? 3 : 1)
        swap_bits(&words[i], &words[i + 2], 16, UINT64_C(0x0000ffff0000ffff));
    for (unsigned i = 0; i < 8; i += 2)
        swap_bits(&words[i], &words[i + 1], 8, UINT64_C(0x00ff00ff00ff00ff));
}

enum pen_code pen_encode_split(const void *values, size_t count, struct pen_buf *into,
                               struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(into, count * 8, err));
    const char *bytes = values;
    char *out = into->ptr + into->len;
    size_t row = 0;
    for (; row + 8 <= count; row += 8) {
        uint64_t words[8];
        memcpy(words, bytes + row * 8, sizeof words);
        transpose(words);
        for (size_t k = 0; k < 8; k++)
            put_word(out + k * count + row, words[k]);
    }
    for (; row < count; row++)
        for (size_t k = 0; k < 8; k++)
            out[k * count + row] = bytes[row * 8 + k];
    into->len += count * 8;
    return PEN_OK;
}

/* --- bits ------------------------------------------------------------------------------------- */

enum pen_code pen_encode_booleans(const uint8_t *values, size_t count, struct pen_buf *into,
                                  struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(into, count / 8 + 1, err));
    char *at = into->ptr + into->len;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t word;
        memcpy(&word, values + i, sizeof word);
        /* byte k is 0 or 1: the product's top byte has it as bit k */
        *at++ = (char)((word * UINT64_C(0x0102040810204080)) >> 56);
    }
    unsigned last = 0;
    for (size_t k = i; k < count; k++)
        last |= (unsigned)values[k] << (k - i);
    if (i < count)
        *at++ = (char)last;
    into->len = (size_t)(at - into->ptr);
    return PEN_OK;
}

/* --- indices ---------------------------------------------------------------------------------- */

/* How many values from `at` on equal the first. */
static size_t run_length(const uint16_t *indices, size_t at, size_t count)
{
    size_t end = at + 1;
    while (end < count && indices[end] == indices[at])
        end++;
    return end - at;
}

/* Packed groups of 8 from *inout_at on, up to a run that is worth its own header or the end. What
 * is missing in the last group is zero. */
static char *put_packed(const uint16_t *indices, size_t *inout_at, size_t count, unsigned width,
                        char *at)
{
    size_t end = *inout_at;
    while (end < count && (count - end < 8 || run_length(indices, end, end + 8) < 8))
        end += 8;
    size_t groups = (end - *inout_at) / 8;
    at += put_varint(at, groups << 1 | 1);
    for (size_t i = 0; i < groups; i++) {
        uint64_t values[8] = {0};
        for (size_t k = 0; k < 8 && *inout_at + k < count; k++)
            values[k] = indices[*inout_at + k];
        at = pack(values, 8, width, at);
        *inout_at += 8;
    }
    return at;
}

enum pen_code pen_encode_indices(const uint16_t *indices, size_t count, unsigned width,
                                 struct pen_buf *into, struct pen_error *err)
{
    assert(width <= 16);
    /* a run takes at most 5 + 2 bytes and holds 8 values, behind packed ones with 5 bytes more */
    PEN_TRY(pen_buf_reserve(into, 32 + count / 8 * 12 + (count / 8 + 1) * width, err));
    char *at = into->ptr + into->len;
    *at++ = (char)width;
    for (size_t i = 0; i < count;) {
        size_t run = run_length(indices, i, count);
        if (run < 8) {
            at = put_packed(indices, &i, count, width, at);
            continue;
        }
        at += put_varint(at, run << 1);
        for (unsigned k = 0; k < width; k += 8)
            *at++ = (char)(indices[i] >> k);
        i += run;
    }
    into->len = (size_t)(at - into->ptr);
    return PEN_OK;
}
