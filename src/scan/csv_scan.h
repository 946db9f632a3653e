/* csv_scan.h - where delimiters and line ends stand in delimited text, 64 bytes at a time.
 *
 *     text --compare--> bit masks --quotes to "inside" (prefix xor)--> positions of structurals
 *
 * A structural is a delimiter or a line end (LF, CR, or the LF of CRLF) outside quotes. Besides,
 * marks tell which records need a closer look: a quote where the regular forms have none, and line
 * ends inside quotes. Without an irregular mark between two structural line ends, the positions
 * between them are exactly the ends of the record's fields.
 * Regular: a quoted field opens right behind a structural, closes right in front of one, and holds
 * quotes only doubled or (with an escape) escaped.
 * source: G. Langdale, D. Lemire, "Parsing Gigabytes of JSON per Second" (2019), for the steps from
 * quotes and escapes to "inside". */
#ifndef PEN_SCAN_CSV_SCAN_H
#define PEN_SCAN_CSV_SCAN_H

#include "base/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that a kernel may read behind the text (their values do not matter). */
#define PEN_CSV_SCAN_PADDING 64

/* A mark: the byte's position; the top bit tells a line end inside quotes from an irregularity. */
#define PEN_CSV_MARK_LINE UINT32_C(0x80000000)

struct pen_csv_scan {
    /* the format; all different, none a CR or LF */
    char delimiter, quote, escape;
    bool has_quote, has_escape;
    bool is_doubling_regular; /* a quote doubled inside quotes is regular */

    /* the text: [0, len); !is_eof: a CR at its very end is not yet known to end a line, and is
     * left out */
    const char *text;
    size_t len;
    bool is_eof;

    /* the place: next byte to look at, and what the bytes before it said */
    size_t at;
    uint64_t inside;     /* all ones: at is inside quotes */
    uint64_t is_escaped; /* 1: the byte before is an escape that is not escaped itself */
    uint64_t may_open;   /* 1: a quote at `at` opens a field or doubles one */
    uint64_t must_end;   /* 1: the byte before closed a quoted part */
    uint64_t has_cr;     /* ever seen (any bit); the caller may clear it */
    size_t line_ends;    /* structural ones so far; the caller may clear it */

    /* the results: the caller makes room for one entry a byte scanned, plus 64 */
    uint32_t *ends;
    size_t end_count;
    uint32_t *marks;
    size_t mark_count;
};

/* pen_csv_scan_restart - the next byte to look at is the first of a record. */
void pen_csv_scan_restart(struct pen_csv_scan *scan, size_t at);

/* pen_csv_scan_limit - how far the text can be scanned: len, or one less (see is_eof). */
size_t pen_csv_scan_limit(const struct pen_csv_scan *scan);

/* pen_csv_scan_run - scans [at, to) and moves at. in: to <= limit; to - at is a multiple of 64, or
 * to is the limit. Appends to ends and marks, in order.
 * thread: one at a time per scan. cost: 2-6 GB/s by kernel, no allocation. */
typedef void pen_csv_scan_run(struct pen_csv_scan *scan, size_t to);

/* pen_csv_scan_kernel - the kernel of a level; the scalar one is the oracle for the others.
 * A level the build does not know gives the next lower one. */
pen_csv_scan_run *pen_csv_scan_kernel(enum pen_simd level);

#endif
