/* bzip2_unpack.c - undoes the runs of a block and sums the text. */
#include "decode/bzip2_block.h"

#include <isa-l/crc.h>

#ifdef __SSE2__
#include <emmintrin.h>

#define STRETCH 16

/* Copies up to where four equal bytes begin; returns how much. In front of that place no four equal
 * bytes begin, so that looking for them can start afresh there. */
static size_t copy_without_runs(const uint8_t *from, size_t len, uint8_t *to)
{
    size_t at = 0;
    while (len - at > STRETCH) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + at));
        __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(from + at + 1));
        unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, next));
        if ((same & same >> 1 & same >> 2) != 0)
            return at;
        _mm_storeu_si128((__m128i *)(void *)(to + at), bytes);
        at += STRETCH - 2; /* a run that begins in the last two is seen by the next look */
    }
    return at;
}
#else
static size_t copy_without_runs(const uint8_t *from, size_t len, uint8_t *to)
{
    (void)from, (void)len, (void)to;
    return 0; /* byte by byte then */
}
#endif

/* One packed byte: a count, or a byte of the text. */
static uint8_t *unpack_byte(struct pen_bzip2_unpack *unpack, uint8_t byte, uint8_t *to)
{
    if (unpack->equal == 4) {
        unpack->more = byte;
        unpack->equal = 0;
        return to;
    }
    unpack->equal++;
    unpack->last = byte;
    *to = byte;
    return to + 1;
}

static uint8_t *repeat(struct pen_bzip2_unpack *unpack, uint8_t *to, const uint8_t *end)
{
    size_t room = (size_t)(end - to);
    size_t n = unpack->more < room ? unpack->more : room;
    memset(to, unpack->last, n);
    unpack->more -= (unsigned)n;
    return to + n;
}

bool pen_bzip2_unpack_step(struct pen_bzip2_unpack *unpack, struct pen_slice packed,
                           struct pen_out *out)
{
    const uint8_t *from = (const uint8_t *)packed.ptr;
    uint8_t *begin = (uint8_t *)out->ptr, *to = begin;
    const uint8_t *end = begin + out->room;
    for (;;) {
        to = repeat(unpack, to, end);
        bool is_count = unpack->equal == 4; /* takes no room */
        if (unpack->at == packed.len || (to == end && !is_count))
            break;
        if (!is_count && unpack->equal > 0 && from[unpack->at] != unpack->last)
            unpack->equal = 0;
        if (unpack->equal == 0) {
            size_t left = packed.len - unpack->at, room = (size_t)(end - to);
            size_t n = copy_without_runs(from + unpack->at, left < room ? left : room, to);
            unpack->at += n;
            to += n;
        }
        to = unpack_byte(unpack, from[unpack->at++], to);
    }
    size_t made = (size_t)(to - begin);
    unpack->crc = crc32_ieee(unpack->crc, begin, made);
    out->ptr += made;
    out->room -= made;
    return unpack->at == packed.len && unpack->more == 0;
}
