/* text --64 bytes at a time: quotes, brackets--> depth --> the last record end
 *
 * Quotes toggle "inside a string" (prefix xor); a backslash takes the next character out. Brackets
 * outside strings count; where the count cannot reach zero within a block nothing more is done. */
#include "base/cpu.h"
#include "parse/json_parse_internal.h"

struct scan_state {
    uint64_t depth;
    bool is_string, is_escaped;
    struct pen_json_scan result;
};

static void bracket(struct scan_state *state, bool is_open, size_t at)
{
    if (is_open) {
        state->depth++;
    } else if (state->depth == 0) {
        state->result.close = at;
    } else if (--state->depth == 0) {
        state->result.cut = at + 1;
    }
}

static void scan_bytes(struct scan_state *state, struct pen_slice text, size_t from)
{
    for (size_t i = from; i < text.len && state->result.close == SIZE_MAX; i++) {
        char c = text.ptr[i];
        bool is_escaped = state->is_escaped;
        state->is_escaped = !is_escaped && c == '\\';
        if (c == '"' && !is_escaped)
            state->is_string = !state->is_string;
        else if (!state->is_string && (c == '{' || c == '['))
            bracket(state, true, i);
        else if (!state->is_string && (c == '}' || c == ']'))
            bracket(state, false, i);
    }
}

static struct pen_json_scan finished(struct scan_state *state)
{
    bool is_open = state->depth > 0 || state->is_string;
    state->result.is_inside = is_open && state->result.close == SIZE_MAX;
    return state->result;
}

struct pen_json_scan pen_json_scan_scalar(struct pen_slice text)
{
    struct scan_state state = {.result.close = SIZE_MAX};
    scan_bytes(&state, text, 0);
    return finished(&state);
}

/* The masks of 64 bytes: bit i = byte i. */
struct block {
    uint64_t quotes, slashes, opens, closes;
};

/* Characters that a backslash takes out: those behind an odd run of backslashes. */
static inline uint64_t escaped_by(uint64_t slashes, bool *is_carried)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    slashes &= ~(uint64_t)*is_carried;
    uint64_t follows = slashes << 1 | (uint64_t)*is_carried;
    uint64_t odd_starts = slashes & ~even & ~follows;
    uint64_t sum;
    *is_carried = __builtin_add_overflow(odd_starts, slashes, &sum);
    return (even ^ (sum << 1)) & follows;
}

/* Walks the brackets of a block in order. */
static inline void walk_block(struct scan_state *state, uint64_t opens, uint64_t closes, size_t at)
{
    uint64_t both = opens | closes;
    while (both != 0 && state->result.close == SIZE_MAX) {
        unsigned bit = (unsigned)__builtin_ctzll(both);
        bracket(state, (opens >> bit) & 1, at + bit);
        both &= both - 1;
    }
}

static inline __attribute__((always_inline)) void
scan_block(struct scan_state *state, const struct block *block, uint64_t inside, uint64_t at)
{
    uint64_t opens = block->opens & ~inside, closes = block->closes & ~inside;
    unsigned close_count = (unsigned)__builtin_popcountll(closes);
    if (state->depth > close_count)
        state->depth = state->depth + (unsigned)__builtin_popcountll(opens) - close_count;
    else
        walk_block(state, opens, closes, at);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,bmi,bmi2,pclmul,popcnt,lzcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx2,bmi,bmi2,pclmul,popcnt,lzcnt")))

AVX2 static inline uint64_t mask_of(__m256i low, __m256i high, char c)
{
    const __m256i byte = _mm256_set1_epi8(c);
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, byte));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, byte));
    return a | (uint64_t)b << 32;
}

/* Takes a block in. *inout_carry: all ones inside a string. */
AVX2 static inline void take_block(struct scan_state *state, struct block *block,
                                   uint64_t *inout_carry, size_t at)
{
    if (block->slashes != 0 || state->is_escaped)
        block->quotes &= ~escaped_by(block->slashes, &state->is_escaped);
    __m128i quotes = _mm_set_epi64x(0, (int64_t)block->quotes);
    __m128i ones = _mm_set1_epi8((char)0xff);
    uint64_t inside = (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(quotes, ones, 0));
    inside ^= *inout_carry;
    *inout_carry = 0 - (inside >> 63);
    scan_block(state, block, inside, at);
}

AVX2 static struct pen_json_scan scan_avx2(struct pen_slice text)
{
    struct scan_state state = {.result.close = SIZE_MAX};
    const __m256i lower = _mm256_set1_epi8(0x20); /* makes [ ] and { } alike */
    uint64_t carry = 0;
    size_t at = 0;
    for (; at + 64 <= text.len && state.result.close == SIZE_MAX; at += 64) {
        const __m256i *p = (const __m256i *)(const void *)(text.ptr + at);
        __m256i low = _mm256_loadu_si256(p), high = _mm256_loadu_si256(p + 1);
        struct block block = {.quotes = mask_of(low, high, '"'),
                              .slashes = mask_of(low, high, '\\')};
        low = _mm256_or_si256(low, lower);
        high = _mm256_or_si256(high, lower);
        block.opens = mask_of(low, high, '{');
        block.closes = mask_of(low, high, '}');
        take_block(&state, &block, &carry, at);
    }
    state.is_string = carry != 0;
    scan_bytes(&state, text, at);
    return finished(&state);
}

AVX512 static struct pen_json_scan scan_avx512(struct pen_slice text)
{
    struct scan_state state = {.result.close = SIZE_MAX};
    const __m512i lower = _mm512_set1_epi8(0x20);
    uint64_t carry = 0;
    size_t at = 0;
    for (; at + 64 <= text.len && state.result.close == SIZE_MAX; at += 64) {
        __m512i bytes = _mm512_loadu_si512(text.ptr + at);
        __m512i folded = _mm512_or_si512(bytes, lower);
        struct block block = {
            .quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')),
            .slashes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\')),
            .opens = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')),
            .closes = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}')),
        };
        take_block(&state, &block, &carry, at);
    }
    state.is_string = carry != 0;
    scan_bytes(&state, text, at);
    return finished(&state);
}

/* Whole blocks of 32 bytes; false when there is a CR among them. */
AVX2 static bool count_newlines(struct pen_slice text, uint64_t *ret_lines)
{
    const __m256i newline = _mm256_set1_epi8('\n'), zero = _mm256_setzero_si256();
    const __m256i carriage = _mm256_set1_epi8('\r');
    __m256i sums = zero, returns = zero;
    for (size_t i = 0; text.len - i >= 32;) {
        __m256i counts = zero;
        for (int round = 0; round < 255 && text.len - i >= 32; round++, i += 32) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(text.ptr + i));
            counts = _mm256_sub_epi8(counts, _mm256_cmpeq_epi8(bytes, newline));
            returns = _mm256_or_si256(returns, _mm256_cmpeq_epi8(bytes, carriage));
        }
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(counts, zero));
    }
    *ret_lines = (uint64_t)_mm256_extract_epi64(sums, 0) + (uint64_t)_mm256_extract_epi64(sums, 1) +
                 (uint64_t)_mm256_extract_epi64(sums, 2) + (uint64_t)_mm256_extract_epi64(sums, 3);
    return _mm256_testz_si256(returns, returns) != 0;
}

static uint64_t lines_avx2(struct pen_slice text)
{
    uint64_t lines = 0;
    struct pen_slice rest = pen_slice_skip(text, text.len & ~(size_t)31);
    bool is_plain =
        count_newlines(text, &lines) && (rest.len == 0 || memchr(rest.ptr, '\r', rest.len) == NULL);
    if (!is_plain)
        return pen_count_lines(text);
    for (size_t i = 0; i < rest.len; i++)
        lines += rest.ptr[i] == '\n';
    return lines;
}
#endif

uint64_t pen_json_lines(struct pen_slice text)
{
#if defined(__x86_64__)
    if (text.len > 0 && pen_simd_level() >= PEN_SIMD_AVX2)
        return lines_avx2(text);
#endif
    return pen_count_lines(text);
}

struct pen_json_scan pen_json_scan(struct pen_slice text)
{
#if defined(__x86_64__)
    if (pen_simd_level() >= PEN_SIMD_AVX512)
        return scan_avx512(text);
    if (pen_simd_level() >= PEN_SIMD_AVX2)
        return scan_avx2(text);
#endif
    return pen_json_scan_scalar(text);
}
