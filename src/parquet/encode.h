/* encode.h - values into the encodings of Parquet.
 *
 *     values of one page, nulls left out --encode--> bytes behind `into`
 *
 * errors: as pen_buf_reserve.   thread: any, no state.   cost: given per function, on one core.
 * source: Apache Parquet, Encodings.md; read back by tests/unit/test_parquet_encode.c. */
#ifndef PEN_PARQUET_ENCODE_H
#define PEN_PARQUET_ENCODE_H

#include "base/buf.h"

/* pen_encode_levels - definition levels 0 and 1 (bit 1: a value is there) of a version 1 page, with
 * their length in front. in: bits: at least `rows` bits; bits behind them are not looked at.
 * cost: a copy; one run when all values are there or none is. */
PEN_MUST_USE enum pen_code pen_encode_levels(const uint64_t *bits, size_t rows, size_t values,
                                             struct pen_buf *into, struct pen_error *err);

/* pen_encode_delta - DELTA_BINARY_PACKED of 64-bit integers (count may be 0). cost: 2 ns a value.
 */
PEN_MUST_USE enum pen_code pen_encode_delta(const int64_t *values, size_t count,
                                            struct pen_buf *into, struct pen_error *err);

/* pen_encode_delta_lengths - DELTA_LENGTH_BYTE_ARRAY: the lengths, then all bytes.
 * in: lengths: `count` of them, each at most INT32_MAX; their sum is bytes.len. */
PEN_MUST_USE enum pen_code pen_encode_delta_lengths(const uint32_t *lengths, size_t count,
                                                    struct pen_slice bytes, struct pen_buf *into,
                                                    struct pen_error *err);

/* pen_encode_split - BYTE_STREAM_SPLIT of 8-byte values: all first bytes, all second ones, ...
 * cost: 1 ns a value. */
PEN_MUST_USE enum pen_code pen_encode_split(const void *values, size_t count, struct pen_buf *into,
                                            struct pen_error *err);

/* pen_encode_booleans - PLAIN: a bit a value. in: each byte 0 or 1. */
PEN_MUST_USE enum pen_code pen_encode_booleans(const uint8_t *values, size_t count,
                                               struct pen_buf *into, struct pen_error *err);

/* pen_encode_indices - RLE_DICTIONARY: the width, then runs of eight and more equal indices and
 * packed ones between them. in: width: bits that every index fits into, 0..16. cost: 2 ns. */
PEN_MUST_USE enum pen_code pen_encode_indices(const uint16_t *indices, size_t count, unsigned width,
                                              struct pen_buf *into, struct pen_error *err);

/* pen_encode_width - how many bits the values 0..greatest need: 0 for 0, 16 for 65535. */
static inline unsigned pen_encode_width(uint64_t greatest)
{
    return greatest == 0 ? 0 : 64 - (unsigned)__builtin_clzll(greatest);
}

#endif
