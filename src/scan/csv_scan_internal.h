/* csv_scan_internal.h - what a block of 64 bytes means once its masks are known: the same for all
 * vector kernels, which differ in how they make masks and write positions. */
#ifndef PEN_SCAN_CSV_SCAN_INTERNAL_H
#define PEN_SCAN_CSV_SCAN_INTERNAL_H

#include "scan/csv_scan.h"

/* Bit i: the byte at + i is that character; 0 past the limit. */
struct pen_csv_masks {
    uint64_t delimiter, quote, escape, lf, cr;
    uint64_t valid; /* the bytes within the limit */
};

#define PEN_ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Bits of characters that an escape in front makes literal; simdjson's way of telling runs of odd
 * length from even ones by one addition. */
PEN_ALWAYS_INLINE uint64_t pen_csv_escaped(struct pen_csv_scan *scan, uint64_t escape)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    if (escape == 0) {
        uint64_t escaped = scan->is_escaped;
        scan->is_escaped = 0;
        return escaped;
    }
    escape &= ~scan->is_escaped;
    uint64_t follows = escape << 1 | scan->is_escaped;
    uint64_t odd_starts = escape & ~even & ~follows;
    uint64_t even_runs;
    scan->is_escaped = __builtin_add_overflow(odd_starts, escape, &even_runs);
    return (even ^ even_runs << 1) & follows;
}

/* A CR that is no part of CRLF. */
PEN_ALWAYS_INLINE uint64_t pen_csv_lone_cr(const struct pen_csv_scan *scan,
                                           const struct pen_csv_masks *m)
{
    uint64_t lf_next = m->lf >> 1;
    size_t next = scan->at + 64;
    if (next < scan->len && scan->text[next] == '\n')
        lf_next |= UINT64_C(1) << 63;
    return m->cr & ~lf_next;
}

PEN_ALWAYS_INLINE void pen_csv_put_marks(struct pen_csv_scan *scan, uint64_t irregular,
                                         uint64_t lines)
{
    for (uint64_t bits = irregular | lines; bits != 0; bits &= bits - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(bits);
        uint32_t is_line = (irregular >> i & 1) == 0 ? PEN_CSV_MARK_LINE : 0;
        scan->marks[scan->mark_count++] = ((uint32_t)scan->at + i) | is_line;
    }
}

/* Returns the structurals. `inside`: prefix xor of the unescaped quotes, xor scan->inside: set from
 * an opening quote up to the byte before the closing one. */
PEN_ALWAYS_INLINE uint64_t pen_csv_block(struct pen_csv_scan *scan, const struct pen_csv_masks *m,
                                         uint64_t quote, uint64_t inside)
{
    uint64_t lone_cr = m->cr == 0 ? 0 : pen_csv_lone_cr(scan, m);
    uint64_t line_end = m->lf | lone_cr;
    uint64_t structural = (m->delimiter | line_end) & ~inside;
    uint64_t opening = quote & inside, closing = quote & ~inside;
    uint64_t may_open = structural | (scan->is_doubling_regular ? closing : 0);
    uint64_t irregular = opening & ~(may_open << 1 | scan->may_open);
    uint64_t behind = closing << 1 | scan->must_end;
    irregular |= behind & ~(structural | opening | (m->cr & ~lone_cr));
    irregular &= m->valid;
    uint64_t lines = line_end & inside;
    if ((irregular | lines) != 0)
        pen_csv_put_marks(scan, irregular, lines);
    scan->inside = 0 - (inside >> 63); /* all ones when a quote is open */
    scan->may_open = may_open >> 63;
    scan->must_end = closing >> 63;
    scan->has_cr |= m->cr;
    scan->line_ends += (size_t)__builtin_popcountll(line_end & ~inside);
    return structural;
}

/* The masks of a block that the limit cuts to n < 64 bytes. */
PEN_ALWAYS_INLINE void pen_csv_cut_masks(struct pen_csv_masks *m, size_t n)
{
    uint64_t valid = (UINT64_C(1) << n) - 1;
    m->valid = valid;
    m->delimiter &= valid;
    m->quote &= valid;
    m->escape &= valid;
    m->lf &= valid;
    m->cr &= valid;
}

#if defined(__x86_64__)
pen_csv_scan_run pen_csv_scan_sse2, pen_csv_scan_avx2, pen_csv_scan_avx512; /* csv_scan_x86.c */
#endif

#endif
