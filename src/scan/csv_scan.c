#include "scan/csv_scan_internal.h"

void pen_csv_scan_restart(struct pen_csv_scan *scan, size_t at)
{
    scan->at = at;
    scan->inside = scan->is_escaped = scan->must_end = 0;
    scan->may_open = 1;
}

size_t pen_csv_scan_limit(const struct pen_csv_scan *scan)
{
    bool is_open = !scan->is_eof && scan->len > 0 && scan->text[scan->len - 1] == '\r';
    return scan->len - is_open;
}

/* One character at a time, as the words of csv_scan.h say it. */
static void scan_scalar(struct pen_csv_scan *scan, size_t to)
{
    for (; scan->at < to; scan->at++) {
        char c = scan->text[scan->at];
        bool is_inside = scan->inside != 0, is_escaped = scan->is_escaped != 0;
        bool is_quote = scan->has_quote && c == scan->quote && !is_escaped;
        bool is_cr = c == '\r';
        bool is_crlf = is_cr && scan->at + 1 < scan->len && scan->text[scan->at + 1] == '\n';
        bool is_line_end = c == '\n' || (is_cr && !is_crlf);
        bool is_structural = !is_inside && (c == scan->delimiter || is_line_end);
        bool is_irregular = is_quote && !is_inside && !scan->may_open;
        if (scan->must_end && !is_structural && !is_quote && !is_crlf)
            is_irregular = true;
        if (is_structural)
            scan->ends[scan->end_count++] = (uint32_t)scan->at;
        if (is_irregular)
            scan->marks[scan->mark_count++] = (uint32_t)scan->at;
        else if (is_line_end && is_inside)
            scan->marks[scan->mark_count++] = (uint32_t)scan->at | PEN_CSV_MARK_LINE;
        scan->line_ends += is_line_end && !is_inside;
        scan->has_cr |= is_cr;
        scan->is_escaped = scan->has_escape && c == scan->escape && !is_escaped;
        scan->must_end = is_quote && is_inside;
        scan->may_open = is_structural || (is_quote && is_inside && scan->is_doubling_regular);
        if (is_quote)
            scan->inside = ~scan->inside;
    }
}

pen_csv_scan_run *pen_csv_scan_kernel(enum pen_simd level)
{
    switch (level) {
#if defined(__x86_64__)
    case PEN_SIMD_AVX512:
        return pen_csv_scan_avx512;
    case PEN_SIMD_AVX2:
        return pen_csv_scan_avx2;
    case PEN_SIMD_SSE2:
        return pen_csv_scan_sse2;
#else
    case PEN_SIMD_AVX512:
    case PEN_SIMD_AVX2:
    case PEN_SIMD_SSE2:
#endif
    case PEN_SIMD_SCALAR:
        break;
    }
    return scan_scalar;
}
