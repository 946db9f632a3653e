/* csv_index.c - the records of regular text by positions alone.
 *
 *     text --scan, a block at a time--> pending ends, marks --shape--> indexed records
 *
 * The shape is checked for a whole block at once (as many line ends as records, one at each place
 * where a record must end); records with a mark, or all when that fails, one by one:
 *     right number of fields, one line        indexed
 *     wrong number of fields, one line        a single record: where it ends is known
 *     over several lines, regular quoting     indexed, when no conversion up to the last such field
 *                                             fails (otherwise parsing would go on elsewhere)
 *     anything else                           the exact tokenizer; the scan goes on behind it
 */
#include "parse/csv_split_internal.h"

#include <stdlib.h>

/* Blocks start small, so that text that often needs the exact tokenizer is not scanned in vain. */
#define MIN_BLOCK_BYTES ((size_t)1 << 10)
#define MAX_BLOCK_BYTES ((size_t)1 << 14)
#define ROOM_BEHIND     64 /* positions that a kernel may write too much */

enum take {
    TAKEN,
    NEED_MORE, /* no line end is pending */
    NEED_EXACT /* only the exact tokenizer knows */
};

static inline bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* ---- scanning ---- */

void pen_csv_index_start(struct pen_csv_split *split)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    x->scan = split->parser->scan_rules;
    x->scan.text = split->text.ptr;
    x->scan.len = split->text.len;
    x->scan.is_eof = split->is_eof;
    x->scan.mark_count = x->mark_at = 0;
    x->limit = pen_csv_scan_limit(&x->scan);
    x->pending_at = x->walked = x->verified = 0;
    x->is_block_fresh = false;
    x->block_bytes = MAX_BLOCK_BYTES;
    x->run = pen_csv_scan_kernel(pen_simd_level());
    pen_csv_scan_restart(&x->scan, split->used);
}

static enum pen_code reserve_u32(uint32_t **array, size_t *cap, size_t need, struct pen_error *err)
{
    if (need <= *cap)
        return PEN_OK;
    size_t grown_cap = *cap + *cap / 2 > need ? *cap + *cap / 2 : need;
    uint32_t *grown = realloc(*array, grown_cap * sizeof *grown);
    if (grown == NULL)
        return pen_fail_nomem(err);
    *array = grown;
    *cap = grown_cap;
    return PEN_OK;
}

/* Moves what is pending down to the accepted ends, so that there is no gap. */
static void close_gap(struct pen_csv_split *split)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    struct pen_csv_chunk *chunk = split->chunk;
    size_t pending = x->scan.end_count - x->pending_at;
    if (x->pending_at == chunk->end_count)
        return;
    memmove(chunk->ends + chunk->end_count, chunk->ends + x->pending_at,
            pending * sizeof *chunk->ends);
    x->pending_at = chunk->end_count;
    x->scan.end_count = chunk->end_count + pending;
}

static enum pen_code scan_block(struct pen_csv_split *split, struct pen_error *err)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    struct pen_csv_chunk *chunk = split->chunk;
    size_t left = x->limit - x->scan.at;
    size_t step = left < x->block_bytes ? left : x->block_bytes;
    close_gap(split);
    size_t marks = x->scan.mark_count - x->mark_at;
    if (marks > 0)
        memmove(x->marks, x->marks + x->mark_at, marks * sizeof *x->marks);
    x->scan.mark_count = marks;
    x->mark_at = 0;
    PEN_TRY(reserve_u32(&x->marks, &x->mark_cap, marks + step + ROOM_BEHIND, err));
    PEN_TRY(
        reserve_u32(&chunk->ends, &chunk->end_cap, x->scan.end_count + step + ROOM_BEHIND, err));
    x->scan.ends = chunk->ends;
    x->scan.marks = x->marks;
    x->scan.line_ends = 0;
    x->run(&x->scan, x->scan.at + step);
    x->is_block_fresh = true;
    if (x->block_bytes < MAX_BLOCK_BYTES)
        x->block_bytes *= 2;
    return PEN_OK;
}

/* The exact tokenizer read up to split->used. What was scanned behind that is right when the scan
 * saw a line end there: then it is outside quotes, too. */
static void resume(struct pen_csv_split *split)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    const uint32_t *ends = split->chunk->ends;
    while (x->pending_at < x->scan.end_count && ends[x->pending_at] < split->used)
        x->pending_at++;
    while (x->mark_at < x->scan.mark_count &&
           (x->marks[x->mark_at] & ~PEN_CSV_MARK_LINE) < split->used)
        x->mark_at++;
    x->is_block_fresh = false;
    x->walked = x->verified = 0;
    bool is_right = x->pending_at > split->chunk->end_count &&
                    ends[x->pending_at - 1] + (size_t)1 == split->used &&
                    is_line_end(split->text.ptr[split->used - 1]);
    if (is_right)
        return;
    x->scan.end_count = x->pending_at = split->chunk->end_count;
    x->scan.mark_count = x->mark_at = 0;
    x->block_bytes = MIN_BLOCK_BYTES;
    pen_csv_scan_restart(&x->scan, split->used);
}

/* ---- a block at once ---- */

static enum pen_code add_records(struct pen_csv_split *split, size_t count, struct pen_error *err)
{
    struct pen_csv_chunk *chunk = split->chunk;
    struct pen_csv_run *last = chunk->run_count == 0 ? NULL : &chunk->runs[chunk->run_count - 1];
    uint32_t first = (uint32_t)chunk->record_count;
    chunk->record_count += count;
    chunk->end_count += count * split->parser->column_count;
    if (last != NULL && last->kind == PEN_CSV_RUN_INDEXED) {
        last->count += (uint32_t)count;
        return PEN_OK;
    }
    struct pen_csv_run run = {PEN_CSV_RUN_INDEXED, first, (uint32_t)count};
    return pen_csv_add_run(chunk, run, err);
}

/* As many line ends as records, and one at each place where a record must end: then no other field
 * ends with a line, whatever the marks say about single records. */
static void verify_block(struct pen_csv_split *split)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    size_t columns = split->parser->column_count, rows = x->scan.line_ends;
    bool is_candidate = x->is_block_fresh && x->scan.end_count - x->pending_at >= rows * columns;
    x->is_block_fresh = false;
    if (!is_candidate)
        return;
    const uint32_t *last = split->chunk->ends + x->pending_at + columns - 1;
    const char *text = split->text.ptr;
    bool is_bad = false;
    for (size_t row = 0; row < rows; row++)
        is_bad |= !is_line_end(text[last[row * columns]]);
    x->verified = is_bad ? 0 : rows;
}

/* How many of the verified records end before the next mark. */
static size_t rows_before_mark(const struct pen_csv_split *split, const uint32_t *at)
{
    const struct pen_csv_indexer *x = &split->stream->indexer;
    size_t columns = split->parser->column_count, row = 0;
    if (x->mark_at == x->scan.mark_count)
        return x->verified;
    uint32_t mark = x->marks[x->mark_at] & ~PEN_CSV_MARK_LINE;
    while (row < x->verified && at[row * columns + columns - 1] < mark)
        row++;
    return row;
}

/* Starts of `rows` verified records. Returns whether none of them needs a closer look: a comment,
 * an empty line, a field that may be too long. */
static bool put_starts(const struct pen_csv_split *split, const uint32_t *at, size_t rows,
                       uint32_t *starts)
{
    const struct pen_csv_parser *parser = split->parser;
    const char *text = split->text.ptr;
    size_t columns = parser->column_count;
    bool has_marker = parser->syntax.comment_marker.len > 0;
    char marker = has_marker ? parser->syntax.comment_marker.ptr[0] : '\0';
    uint32_t start = (uint32_t)split->used, longest = 0, shortest = UINT32_MAX;
    bool is_marked = false;
    for (size_t row = 0; row < rows; row++) {
        uint32_t end = at[row * columns + columns - 1], len = end - start;
        starts[row] = start;
        is_marked |= has_marker && text[start] == marker;
        longest = len > longest ? len : longest;
        shortest = len < shortest ? len : shortest;
        start = end + 1;
    }
    return !is_marked && longest <= parser->syntax.max_quoted_chars &&
           (columns > 1 || shortest > 1);
}

static void drop_crs(const char *text, uint32_t *at, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++) {
        uint32_t *end = &at[row * columns + columns - 1];
        *end -= *end > 0 && text[*end] == '\n' && text[*end - 1] == '\r';
    }
}

/* Takes the verified records in front of the next mark, all at once. */
static enum pen_code take_verified(struct pen_csv_split *split, struct pen_error *err)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    struct pen_csv_chunk *chunk = split->chunk;
    size_t columns = split->parser->column_count;
    if (x->verified == 0)
        return PEN_OK;
    close_gap(split);
    uint32_t *at = chunk->ends + x->pending_at;
    size_t rows = rows_before_mark(split, at);
    if (rows == 0)
        return PEN_OK;
    PEN_TRY(reserve_u32(&chunk->starts, &chunk->start_cap, chunk->record_count + rows, err));
    if (!put_starts(split, at, rows, chunk->starts + chunk->record_count)) {
        x->verified = 0;
        return PEN_OK;
    }
    split->used = (size_t)at[rows * columns - 1] + 1;
    split->line += rows;
    if (x->scan.has_cr)
        drop_crs(split->text.ptr, at, rows, columns);
    x->pending_at += rows * columns;
    x->verified -= rows;
    x->walked = 0;
    return add_records(split, rows, err);
}

/* ---- one record ---- */

/* A record between split->used and a structural line end. */
struct shape {
    size_t next;       /* in the ends, behind its last */
    uint32_t line_end; /* its position */
    uint32_t end;      /* where its content ends */
    size_t fields, lines;
    uint32_t last_line; /* position of the last line end inside quotes, when lines > 0 */
    bool is_irregular;
};

static bool find_shape(const struct pen_csv_split *split, struct shape *ret)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    const uint32_t *ends = split->chunk->ends;
    const char *text = split->text.ptr;
    size_t i = x->pending_at + x->walked;
    while (i < x->scan.end_count && !is_line_end(text[ends[i]]))
        i++;
    x->walked = i - x->pending_at;
    if (i == x->scan.end_count)
        return false;
    uint32_t at = ends[i];
    bool is_crlf = at > split->used && text[at] == '\n' && text[at - 1] == '\r';
    *ret = (struct shape){
        .next = i + 1, .line_end = at, .end = at - is_crlf, .fields = i + 1 - x->pending_at};
    for (size_t m = x->mark_at; m < x->scan.mark_count; m++) {
        uint32_t mark = x->marks[m] & ~PEN_CSV_MARK_LINE;
        if (mark > at)
            break;
        bool is_line = (x->marks[m] & PEN_CSV_MARK_LINE) != 0;
        ret->lines += is_line;
        ret->last_line = is_line ? mark : ret->last_line;
        ret->is_irregular = ret->is_irregular || !is_line;
    }
    return true;
}

/* Would the field be refused? Only plain forms are looked at; others count as refused. */
static enum pen_code check_field(const struct pen_csv_split *split, size_t column, size_t start,
                                 size_t end, bool *ret_is_good, struct pen_error *err)
{
    const struct pen_csv_parser *parser = split->parser;
    struct pen_csv_field field = {
        .text = pen_slice(split->text.ptr + start, end > start ? end - start : 0)};
    enum pen_type type = parser->columns[column].type;
    *ret_is_good = type == PEN_TYPE_STRING || type == PEN_TYPE_BOOLEAN;
    bool is_plain =
        !parser->syntax.is_trimmed && !pen_slice_starts(field.text, parser->syntax.quote);
    if (*ret_is_good || (parser->scan_rules.has_quote && !is_plain))
        return PEN_OK;
    if (pen_csv_is_null(&field, parser->null_string)) {
        *ret_is_good = true;
        return PEN_OK;
    }
    return pen_csv_put(&parser->columns[column], field.text, NULL, &split->stream->scratch,
                       ret_is_good, err);
}

/* Is a record over several lines sure to be accepted up to the last field that spans lines? */
static enum pen_code check_lines(const struct pen_csv_split *split, const struct shape *shape,
                                 bool *ret_is_good, struct pen_error *err)
{
    const uint32_t *ends = split->chunk->ends + split->stream->indexer.pending_at;
    const struct pen_csv_syntax *syntax = &split->parser->syntax;
    size_t bytes = shape->end - split->used + shape->lines * syntax->newline.len;
    size_t start = split->used;
    *ret_is_good = bytes <= syntax->max_quoted_chars;
    for (size_t c = 0; c < shape->fields && *ret_is_good && start < shape->last_line; c++) {
        PEN_TRY(check_field(split, c, start, ends[c], ret_is_good, err));
        start = (size_t)ends[c] + 1;
    }
    return PEN_OK;
}

static void leave(struct pen_csv_split *split, const struct shape *shape)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    split->used = (size_t)shape->line_end + 1;
    split->line += 1 + shape->lines;
    x->pending_at = shape->next;
    x->verified -= x->verified > 0;
    x->walked = 0;
    while (x->mark_at < x->scan.mark_count &&
           (x->marks[x->mark_at] & ~PEN_CSV_MARK_LINE) < split->used)
        x->mark_at++;
}

static enum pen_code take_indexed(struct pen_csv_split *split, struct shape *shape,
                                  struct pen_error *err)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    struct pen_csv_chunk *chunk = split->chunk;
    PEN_TRY(reserve_u32(&chunk->starts, &chunk->start_cap, chunk->record_count + 1, err));
    if (x->pending_at != chunk->end_count)
        memmove(chunk->ends + chunk->end_count, chunk->ends + x->pending_at,
                shape->fields * sizeof *chunk->ends);
    chunk->ends[chunk->end_count + shape->fields - 1] = shape->end;
    chunk->starts[chunk->record_count] = (uint32_t)split->used;
    leave(split, shape);
    return add_records(split, 1, err);
}

static enum pen_code take_record(struct pen_csv_split *split, enum take *ret, struct pen_error *err)
{
    const struct pen_csv_parser *parser = split->parser;
    struct pen_slice rest = pen_slice_skip(split->text, split->used);
    struct pen_slice marker = parser->syntax.comment_marker;
    struct shape shape;
    *ret = NEED_MORE;
    if (!find_shape(split, &shape))
        return PEN_OK;
    *ret = NEED_EXACT;
    if (shape.is_irregular || (marker.len > 0 && pen_slice_starts(rest, marker)))
        return PEN_OK;
    *ret = TAKEN;
    if (shape.end == split->used) {
        leave(split, &shape); /* an empty line */
        return PEN_OK;
    }
    bool is_good = shape.lines == 0 && shape.end - split->used <= parser->syntax.max_quoted_chars;
    if (shape.lines > 0 && shape.fields == parser->column_count)
        PEN_TRY(check_lines(split, &shape, &is_good, err));
    if (is_good && shape.fields == parser->column_count)
        return take_indexed(split, &shape, err);
    if (shape.lines > 0) {
        *ret = NEED_EXACT;
        return PEN_OK;
    }
    struct pen_csv_run run = {PEN_CSV_RUN_SINGLE, (uint32_t)split->used, 1};
    leave(split, &shape);
    return pen_csv_add_run(split->chunk, run, err);
}

enum pen_code pen_csv_index_step(struct pen_csv_split *split, struct pen_error *err)
{
    struct pen_csv_indexer *x = &split->stream->indexer;
    enum take take = TAKEN;
    verify_block(split);
    while (take == TAKEN) {
        PEN_TRY(take_verified(split, err));
        PEN_TRY(take_record(split, &take, err));
    }
    if (take == NEED_MORE && x->scan.at < x->limit)
        return scan_block(split, err);
    PEN_TRY(pen_csv_read_single(split, err));
    resume(split);
    return PEN_OK;
}
