/* utf8.h - checks, repairs and counts UTF-8.
 *
 *     decoded bytes --repair--> valid UTF-8 (each malformed unit became U+FFFD)
 *
 * A malformed unit is a maximal subpart (Unicode 15, section 3.9): the longest prefix of a
 * well-formed sequence, else one byte. Overlong forms, surrogates (ED A0..BF xx: three units) and
 * anything past U+10FFFF are malformed. */
#ifndef PEN_BASE_UTF8_H
#define PEN_BASE_UTF8_H

#include "base/buf.h"
#include "base/slice.h"

/* pen_utf8_is_valid - is the whole text well-formed?
 * cost: O(len), about 30 GB/s in cache with AVX2; ASCII is skipped 64 bytes at a time everywhere.
 * thread: any. */
bool pen_utf8_is_valid(struct pen_slice text);

/* pen_utf8_is_valid_scalar - the oracle: the same without SIMD. */
bool pen_utf8_is_valid_scalar(struct pen_slice text);

/* pen_utf8_valid_len - length of the longest well-formed prefix (text.len when all is). */
size_t pen_utf8_valid_len(struct pen_slice text);

/* pen_utf8_cut_len - how many bytes at the end (0..3) begin a sequence that more text may complete.
 * For text that is cut anywhere: check text.len - cut bytes, keep the rest for the next time. */
size_t pen_utf8_cut_len(struct pen_slice text);

/* pen_utf8_repair - appends `text` to `into`, every malformed unit as EF BF BD.
 * in:     is_eof: nothing follows; otherwise an unfinished sequence at the end is left unused.
 * out:    *ret_used bytes were taken; *ret_replaced (may be NULL) += number of replacements.
 * errors: PEN_ERR_TOO_LARGE, PEN_ERR_NOMEM from the buffer. `into` grows by at most 3 x len.
 * cost: O(len). */
PEN_MUST_USE enum pen_code pen_utf8_repair(struct pen_slice text, bool is_eof, struct pen_buf *into,
                                           size_t *ret_used, uint64_t *ret_replaced,
                                           struct pen_error *err);

/* pen_utf16_len - UTF-16 code units of valid UTF-8: what the specification calls characters. */
size_t pen_utf16_len(struct pen_slice text);

/* pen_utf8_decode - the code point at *at (valid UTF-8, *at < end); *at moves behind it. */
uint32_t pen_utf8_decode(const char **at, const char *end);

/* pen_utf8_encode - writes point (<= 0x10FFFF, no surrogate) to out[4]; returns the length. */
size_t pen_utf8_encode(uint32_t point, char *out);

#endif
