#include "base/utf8.h"

#include "base/cpu.h"
#include "base/number_digits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* What one lead byte allows: length of the sequence and the range of its second byte. */
static size_t lead_rule(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = 0x80;
    *ret_high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *ret_low = 0xA0;
        if (lead == 0xED)
            *ret_high = 0x9F;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *ret_low = 0x90;
        if (lead == 0xF4)
            *ret_high = 0x8F;
        return 4;
    }
    return 0;
}

/* The unit at p (not ASCII): its length; *ret_is_valid: a whole character; *ret_is_cut: the end of
 * the text came before the sequence was complete or broken. */
static size_t unit_len(const uint8_t *p, const uint8_t *end, bool *ret_is_valid, bool *ret_is_cut)
{
    uint8_t low, high;
    size_t need = lead_rule(*p, &low, &high);
    *ret_is_valid = *ret_is_cut = false;
    if (need == 0)
        return 1;
    for (size_t i = 1; i < need; i++) {
        if (p + i == end) {
            *ret_is_cut = true;
            return i;
        }
        if (p[i] < low || p[i] > high)
            return i;
        low = 0x80;
        high = 0xBF;
    }
    *ret_is_valid = true;
    return need;
}

static const uint8_t *skip_ascii(const uint8_t *p, const uint8_t *end)
{
    while (end - p >= 64) {
        uint64_t any = 0;
        for (size_t i = 0; i < 64; i += 8) {
            uint64_t word;
            memcpy(&word, p + i, sizeof word);
            any |= word;
        }
        if (any & HIGH_BITS)
            break;
        p += 64;
    }
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        if (word & HIGH_BITS)
            break;
        p += 8;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

size_t pen_utf8_valid_len(struct pen_slice text)
{
    if (text.len == 0) /* ptr may be NULL, to which C adds nothing, not even 0 */
        return 0;
    const uint8_t *start = (const uint8_t *)text.ptr, *end = start + text.len;
    const uint8_t *p = start;
    for (;;) {
        p = skip_ascii(p, end);
        while (p < end && *p >= 0x80) {
            bool is_valid, is_cut;
            size_t len = unit_len(p, end, &is_valid, &is_cut);
            if (!is_valid)
                return (size_t)(p - start);
            p += len;
        }
        if (p == end)
            return text.len;
    }
}

bool pen_utf8_is_valid_scalar(struct pen_slice text)
{
    return pen_utf8_valid_len(text) == text.len;
}

#if defined(__x86_64__)

/* J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2020): three
 * 16-entry tables, looked up by the high nibble and the low nibble of the byte before and the high
 * nibble of the byte itself, each naming the errors that this nibble allows; an error that all
 * three name is one. */
enum {
    TOO_SHORT = 1 << 0,      /* a lead byte without its continuation */
    TOO_LONG = 1 << 1,       /* a continuation behind ASCII */
    OVERLONG_3 = 1 << 2,     /* E0 80..9F */
    TOO_LARGE = 1 << 3,      /* F4 90..BF, F5.. */
    SURROGATE = 1 << 4,      /* ED A0..BF */
    OVERLONG_2 = 1 << 5,     /* C0, C1 */
    TOO_LARGE_1000 = 1 << 6, /* F5.. 80..8F; shares its bit with F0 80..8F */
    TWO_CONTS = 1 << 7,      /* two continuations: right only in 3 and 4 byte sequences */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS
};
#define OVERLONG_4 TOO_LARGE_1000
#define TABLE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                      \
    _mm256_setr_epi8((char)(a), (char)(b), (char)(c), (char)(d), (char)(e), (char)(f), (char)(g),  \
                     (char)(h), (char)(i), (char)(j), (char)(k), (char)(l), (char)(m), (char)(n),  \
                     (char)(o), (char)(p), (char)(a), (char)(b), (char)(c), (char)(d), (char)(e),  \
                     (char)(f), (char)(g), (char)(h), (char)(i), (char)(j), (char)(k), (char)(l),  \
                     (char)(m), (char)(n), (char)(o), (char)(p))
#define TARGET __attribute__((target("avx2")))

/* The 32 bytes that end n bytes before the end of `in`; `before` is the block in front. */
#define BYTES_BEFORE(in, before, n)                                                                \
    _mm256_alignr_epi8((in), _mm256_permute2x128_si256((before), (in), 0x21), 16 - (n))

TARGET static inline __m256i special_cases(__m256i in, __m256i one_before)
{
    const __m256i low_nibble = _mm256_set1_epi8(0x0F);
    const __m256i by_high_before = TABLE(
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTS,
        TWO_CONTS, TWO_CONTS, TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
        TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const __m256i by_low_before =
        TABLE(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY,
              CARRY | TOO_LARGE, CARRY | TOO_LARGE | TOO_LARGE_1000,
              CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
              CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
              CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000,
              CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
              CARRY | TOO_LARGE | TOO_LARGE_1000, CARRY | TOO_LARGE | TOO_LARGE_1000);
    const __m256i by_high = TABLE(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,
        TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        TOO_SHORT);
    __m256i high_before = _mm256_and_si256(_mm256_srli_epi16(one_before, 4), low_nibble);
    __m256i low_before = _mm256_and_si256(one_before, low_nibble);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(in, 4), low_nibble);
    return _mm256_and_si256(_mm256_and_si256(_mm256_shuffle_epi8(by_high_before, high_before),
                                             _mm256_shuffle_epi8(by_low_before, low_before)),
                            _mm256_shuffle_epi8(by_high, high));
}

/* Errors of one block, given the block in front of it. */
TARGET static inline __m256i block_errors(__m256i in, __m256i before)
{
    __m256i special = special_cases(in, BYTES_BEFORE(in, before, 1));
    __m256i is_third =
        _mm256_subs_epu8(BYTES_BEFORE(in, before, 2), _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i is_fourth =
        _mm256_subs_epu8(BYTES_BEFORE(in, before, 3), _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must_continue =
        _mm256_and_si256(_mm256_or_si256(is_third, is_fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must_continue, special);
}

TARGET static bool is_valid_avx2(struct pen_slice text)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    __m256i before = _mm256_setzero_si256(), errors = before, unfinished = before;
    /* leads so near the end of a block that their sequence reaches into the next one */
    const __m256i last_ok = _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                             -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                             -1, (char)0xEF, (char)0xDF, (char)0xBF);
    for (; end - p >= 64; p += 64) {
        __m256i a = _mm256_loadu_si256((const void *)p);
        __m256i b = _mm256_loadu_si256((const void *)(p + 32));
        if (_mm256_movemask_epi8(_mm256_or_si256(a, b)) == 0) {
            errors = _mm256_or_si256(errors, unfinished);
            before = unfinished = _mm256_setzero_si256();
            continue;
        }
        errors = _mm256_or_si256(errors, block_errors(a, before));
        errors = _mm256_or_si256(errors, block_errors(b, a));
        unfinished = _mm256_subs_epu8(b, last_ok);
        before = b;
    }
    if (!_mm256_testz_si256(errors, errors))
        return false;
    /* the rest by the scalar code, from the last character that began before it */
    for (int back = 0; back < 3 && p > text.ptr && ((uint8_t)p[-1] & 0x80); back++) {
        p--;
        if ((uint8_t)*p >= 0xC0)
            break;
    }
    while (p > text.ptr && p < end && ((uint8_t)*p & 0xC0) == 0x80)
        p--;
    return pen_utf8_is_valid_scalar(pen_slice(p, (size_t)(end - p)));
}

#endif

bool pen_utf8_is_valid(struct pen_slice text)
{
#if defined(__x86_64__)
    if (text.len >= 64 && pen_simd_level() >= PEN_SIMD_AVX2)
        return is_valid_avx2(text);
#endif
    return pen_utf8_is_valid_scalar(text);
}

size_t pen_utf8_cut_len(struct pen_slice text)
{
    if (text.len == 0)
        return 0;
    const uint8_t *start = (const uint8_t *)text.ptr, *end = start + text.len;
    for (size_t back = 1; back <= 3 && back <= text.len; back++) {
        const uint8_t *p = end - back;
        if ((*p & 0xC0) == 0x80)
            continue;
        bool is_valid, is_cut;
        if (*p < 0x80)
            return 0;
        (void)unit_len(p, end, &is_valid, &is_cut); /* only whether the end cut it matters */
        return is_cut ? back : 0;
    }
    return 0;
}

enum pen_code pen_utf8_repair(struct pen_slice text, bool is_eof, struct pen_buf *into,
                              size_t *ret_used, uint64_t *ret_replaced, struct pen_error *err)
{
    const uint8_t *p = (const uint8_t *)text.ptr, *end = p + text.len;
    uint64_t replaced = 0;
    while (p < end) {
        size_t good = pen_utf8_valid_len(pen_slice(p, (size_t)(end - p)));
        PEN_TRY(pen_buf_add(into, p, good, err));
        p += good;
        if (p == end)
            break;
        bool is_valid, is_cut;
        size_t len = unit_len(p, end, &is_valid, &is_cut);
        if (is_cut && !is_eof)
            break;
        PEN_TRY(pen_buf_add(into, "\xEF\xBF\xBD", 3, err));
        replaced++;
        p += len;
    }
    *ret_used = (size_t)(p - (const uint8_t *)text.ptr);
    if (ret_replaced != NULL)
        *ret_replaced += replaced;
    return PEN_OK;
}

size_t pen_utf16_len(struct pen_slice text)
{
    if (text.len == 0)
        return 0;
    const char *p = text.ptr, *end = text.ptr + text.len;
    size_t units = text.len;
    for (; end - p >= 8; p += 8) {
        /* minus one for each continuation byte (10xxxxxx), plus one for each F0.. lead */
        uint64_t word = pen_load_8(p);
        if ((word & HIGH_BITS) == 0)
            continue;
        uint64_t continuations = word & ~(word << 1) & HIGH_BITS;
        uint64_t leads = word & (word << 1) & (word << 2) & (word << 3) & HIGH_BITS;
        units -= (size_t)__builtin_popcountll(continuations);
        units += (size_t)__builtin_popcountll(leads);
    }
    for (; p < end; p++) {
        units -= ((uint8_t)*p & 0xC0) == 0x80;
        units += (uint8_t)*p >= 0xF0;
    }
    return units;
}

uint32_t pen_utf8_decode(const char **at, const char *end)
{
    const uint8_t *p = (const uint8_t *)*at;
    size_t left = (size_t)(end - *at);
    size_t len = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    if (len > left)
        len = left;
    uint32_t point = *p < 0x80 ? *p : *p & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (p[i] & 0x3Fu);
    *at += len;
    return point;
}

size_t pen_utf8_encode(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = (char)((0xF00u >> len & 0xF0) | point);
    return len;
}
