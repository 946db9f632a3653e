/* csv_scan_x86.c - the same block step with SSE2 (every x86-64), AVX2 and AVX-512. */
#include "scan/csv_scan_internal.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,pclmul,popcnt")))
#define AVX512                                                                                     \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,pclmul,popcnt")))

/* Writes the positions of the bits; 8 at a time without asking, which is cheaper than a loop whose
 * end is hard to predict. The caller's room includes what is written too much. */
PEN_ALWAYS_INLINE void put_ends(struct pen_csv_scan *scan, uint64_t bits)
{
    uint32_t base = (uint32_t)scan->at;
    uint32_t *out = scan->ends + scan->end_count;
    int count = __builtin_popcountll(bits);
    scan->end_count += (size_t)count;
    for (int done = 0; done < count; done += 8) {
        for (int i = 0; i < 8; i++) {
            out[i] = base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
        out += 8;
    }
}

/* ---- SSE2 ---- */

PEN_ALWAYS_INLINE uint64_t equal_sse2(const __m128i *block, char c)
{
    __m128i wanted = _mm_set1_epi8(c);
    uint64_t bits = 0;
    for (int i = 3; i >= 0; i--)
        bits = bits << 16 | (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block[i], wanted));
    return bits;
}

PEN_ALWAYS_INLINE uint64_t prefix_xor_shift(uint64_t bits)
{
    for (int by = 1; by < 64; by *= 2)
        bits ^= bits << by;
    return bits;
}

void pen_csv_scan_sse2(struct pen_csv_scan *ret_scan, size_t to)
{
    struct pen_csv_scan local = *ret_scan, *scan = &local; /* in registers */
    while (scan->at < to) {
        __m128i block[4];
        for (int i = 0; i < 4; i++)
            block[i] = _mm_loadu_si128((const void *)(scan->text + scan->at + 16 * i));
        struct pen_csv_masks m = {
            .valid = UINT64_MAX,
            .delimiter = equal_sse2(block, scan->delimiter),
            .quote = scan->has_quote ? equal_sse2(block, scan->quote) : 0,
            .escape = scan->has_escape ? equal_sse2(block, scan->escape) : 0,
            .lf = equal_sse2(block, '\n'),
            .cr = equal_sse2(block, '\r'),
        };
        size_t left = to - scan->at;
        if (left < 64)
            pen_csv_cut_masks(&m, left);
        uint64_t quote = m.quote & ~pen_csv_escaped(scan, m.escape);
        uint64_t inside = prefix_xor_shift(quote) ^ scan->inside;
        put_ends(scan, pen_csv_block(scan, &m, quote, inside));
        scan->at += left < 64 ? left : 64;
    }
    *ret_scan = local;
}

/* ---- AVX2 ---- */

AVX2 static inline uint64_t bits_avx2(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 |
           (uint32_t)_mm256_movemask_epi8(low);
}

AVX2 static inline uint64_t prefix_xor_clmul(uint64_t bits)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)bits), _mm_set1_epi8((char)0xFF), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

AVX2 void pen_csv_scan_avx2(struct pen_csv_scan *ret_scan, size_t to)
{
    struct pen_csv_scan local = *ret_scan, *scan = &local; /* in registers */
    const __m256i delimiter = _mm256_set1_epi8(scan->delimiter);
    const __m256i quote_char = _mm256_set1_epi8(scan->has_quote ? scan->quote : '\n');
    const __m256i escape = _mm256_set1_epi8(scan->has_escape ? scan->escape : '\r');
    const __m256i lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r');
    uint64_t has_quote = scan->has_quote ? UINT64_MAX : 0;
    uint64_t has_escape = scan->has_escape ? UINT64_MAX : 0;
    while (scan->at < to) {
        __m256i a = _mm256_loadu_si256((const void *)(scan->text + scan->at));
        __m256i b = _mm256_loadu_si256((const void *)(scan->text + scan->at + 32));
        struct pen_csv_masks m = {
            .valid = UINT64_MAX,
            .delimiter =
                bits_avx2(_mm256_cmpeq_epi8(a, delimiter), _mm256_cmpeq_epi8(b, delimiter)),
            .quote = has_quote &
                     bits_avx2(_mm256_cmpeq_epi8(a, quote_char), _mm256_cmpeq_epi8(b, quote_char)),
            .lf = bits_avx2(_mm256_cmpeq_epi8(a, lf), _mm256_cmpeq_epi8(b, lf)),
        };
        /* the rare ones: one test for both */
        __m256i cr_a = _mm256_cmpeq_epi8(a, cr), cr_b = _mm256_cmpeq_epi8(b, cr);
        __m256i escape_a = _mm256_cmpeq_epi8(a, escape), escape_b = _mm256_cmpeq_epi8(b, escape);
        __m256i any =
            _mm256_or_si256(_mm256_or_si256(cr_a, cr_b), _mm256_or_si256(escape_a, escape_b));
        if (!_mm256_testz_si256(any, any)) {
            m.cr = bits_avx2(cr_a, cr_b);
            m.escape = has_escape & bits_avx2(escape_a, escape_b);
        }
        size_t left = to - scan->at;
        if (left < 64)
            pen_csv_cut_masks(&m, left);
        uint64_t quote = m.quote & ~pen_csv_escaped(scan, m.escape);
        uint64_t inside = prefix_xor_clmul(quote) ^ scan->inside;
        put_ends(scan, pen_csv_block(scan, &m, quote, inside));
        scan->at += left < 64 ? left : 64;
    }
    *ret_scan = local;
}

/* ---- AVX-512 ---- */

AVX512 static inline void put_ends_avx512(struct pen_csv_scan *scan, uint64_t bits)
{
    const __m512i indexes = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i base = _mm512_set1_epi32((int)scan->at);
    __m512i packed = _mm512_maskz_compress_epi8(bits, indexes);
    uint32_t *out = scan->ends + scan->end_count;
    size_t count = (size_t)__builtin_popcountll(bits);
    scan->end_count += count;
    _mm512_storeu_si512(
        out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (count <= 16)
        return;
    _mm512_storeu_si512(
        out + 16,
        _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 1))));
    if (count <= 32)
        return;
    _mm512_storeu_si512(
        out + 32,
        _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 2))));
    _mm512_storeu_si512(
        out + 48,
        _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(packed, 3))));
}

AVX512 void pen_csv_scan_avx512(struct pen_csv_scan *ret_scan, size_t to)
{
    struct pen_csv_scan local = *ret_scan, *scan = &local; /* in registers */
    const __m512i delimiter = _mm512_set1_epi8(scan->delimiter);
    const __m512i quote_char = _mm512_set1_epi8(scan->quote);
    const __m512i escape = _mm512_set1_epi8(scan->escape);
    uint64_t has_quote = scan->has_quote ? UINT64_MAX : 0;
    uint64_t has_escape = scan->has_escape ? UINT64_MAX : 0;
    while (scan->at < to) {
        size_t left = to - scan->at;
        __m512i block = _mm512_loadu_si512(scan->text + scan->at);
        struct pen_csv_masks m = {
            .valid = UINT64_MAX,
            .delimiter = _mm512_cmpeq_epi8_mask(block, delimiter),
            .quote = _mm512_mask_cmpeq_epi8_mask(has_quote, block, quote_char),
            .escape = _mm512_mask_cmpeq_epi8_mask(has_escape, block, escape),
            .lf = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\n')),
            .cr = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\r')),
        };
        if (left < 64)
            pen_csv_cut_masks(&m, left);
        uint64_t quote = m.quote & ~pen_csv_escaped(scan, m.escape);
        uint64_t inside = prefix_xor_clmul(quote) ^ scan->inside;
        put_ends_avx512(scan, pen_csv_block(scan, &m, quote, inside));
        scan->at += left < 64 ? left : 64;
    }
    *ret_scan = local;
}

#endif
