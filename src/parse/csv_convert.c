/* csv_convert.c - outside the lock: the records of a chunk become rows, in their order; rejected
 * records are told in the same order. */
#include "parse/csv_internal.h"

#include <inttypes.h>

#define SCRATCH_MAX_BYTES ((size_t)1 << 30)
#define PASS_ENDS         8192

/* One call of convert. */
struct job {
    const struct pen_csv_parser *parser;
    struct pen_chunk *chunk;
    struct pen_csv_chunk *index;
    struct pen_slice text;
    struct pen_batch *batch;
    uint64_t bad[(PEN_BATCH_ROWS + 63) / 64]; /* rows to be dropped at the end */
    bool has_bad;
};

/* ---- rejects ---- */

static enum pen_code fail_strict(const struct job *job, const struct pen_reject *reject,
                                 struct pen_error *err)
{
    const char *object = job->chunk->object == NULL ? "-" : job->chunk->object;
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Invalid record at %s:%" PRIu64 ": %.*s", object,
                   reject->line, PEN_ARG(reject->raw));
    pen_error_where(err, "%s:%" PRIu64, object, reject->line);
    if (err != NULL) {
        err->offset = reject->offset;
        err->row = reject->line;
    }
    return PEN_ERR_CORRUPT;
}

static enum pen_code report(const struct job *job, const struct pen_csv_reject *bad,
                            struct pen_error *err)
{
    struct pen_reject reject = {
        .object = job->chunk->object,
        .object_index = job->chunk->object_index,
        .line = bad->line,
        .offset = job->index->base_offset + bad->start,
        .step = "csv",
        .column = bad->column,
        .code = bad->code,
        .reason = bad->reason,
        .raw = pen_slice(job->text.ptr + bad->start, bad->end - bad->start),
    };
    if (job->chunk->rejects != NULL)
        PEN_TRY(job->chunk->rejects->report(job->chunk->rejects, &reject, err));
    return job->parser->is_strict ? fail_strict(job, &reject, err) : PEN_OK;
}

/* The number of the line that starts at `start`; records come in order, so each byte of the chunk
 * is looked at once. */
static uint64_t line_at(const struct job *job, size_t start)
{
    struct pen_csv_chunk *index = job->index;
    struct pen_csv_line line;
    while (index->line_at < start && pen_csv_find_line(job->parser->syntax.line_end, job->text,
                                                       true, index->line_at, &line)) {
        index->line_at = line.next;
        index->line++;
    }
    return index->line;
}

/* ---- records by the exact tokenizer ---- */

/* Reads the record at `start`: into the next row of `batch`, or only to see what is wrong with it
 * (batch NULL); reports why it is no row. */
static enum pen_code read_exactly(const struct job *job, size_t start, struct pen_batch *batch,
                                  bool *ret_is_row, struct pen_error *err)
{
    struct pen_csv_chunk *index = job->index;
    struct pen_csv_verdict verdict;
    struct pen_csv_sink sink = {
        .batch = batch, .is_checked = true, .scratch = &index->scratch, .reason = &index->reason};
    uint64_t line = line_at(job, start);
    pen_csv_reader_init(&index->reader, &job->parser->syntax, job->text, true, line);
    index->reader.line.next = start;
    PEN_TRY(pen_csv_read_record(job->parser, &index->reader, &sink, &verdict, err));
    *ret_is_row = verdict.status == PEN_CSV_OK;
    if (*ret_is_row)
        return PEN_OK;
    struct pen_csv_reject bad = {
        .start = (uint32_t)verdict.line.start,
        .end = (uint32_t)verdict.line.end,
        .line = verdict.line.number,
        .column = verdict.column,
        .code = verdict.code,
        .reason = pen_buf_slice(&index->reason),
    };
    return report(job, &bad, err);
}

static enum pen_code convert_single(const struct job *job, size_t start, struct pen_error *err)
{
    struct pen_batch *batch = job->batch;
    bool is_row = false;
    PEN_TRY(read_exactly(job, start, batch, &is_row, err));
    if (!is_row)
        return PEN_OK;
    batch->row_start[batch->rows] = (uint32_t)start;
    batch->row_end[batch->rows] = (uint32_t)job->index->reader.line.end;
    batch->rows++;
    return PEN_OK;
}

/* ---- indexed records ---- */

/* Rows of `count` from `first` on were refused: the exact tokenizer says why. */
static enum pen_code report_bad_rows(struct job *job, size_t first, size_t count,
                                     struct pen_error *err)
{
    for (size_t row = first; row < first + count; row++) {
        if ((job->bad[row / 64] >> (row % 64) & 1) == 0)
            continue;
        bool is_row = false;
        job->has_bad = true;
        PEN_TRY(read_exactly(job, job->batch->row_start[row], NULL, &is_row, err));
        if (is_row)
            return pen_fail(err, PEN_ERR_INTERNAL, "csv: a value was refused, then accepted");
    }
    return PEN_OK;
}

/* So many rows at a time that the ends of their fields stay in the first level cache. */
static size_t rows_per_pass(size_t columns)
{
    size_t rows = PASS_ENDS / columns / 64 * 64;
    return rows < 64 ? 64 : rows;
}

static enum pen_code convert_indexed(struct job *job, const struct pen_csv_run *run,
                                     struct pen_error *err)
{
    struct pen_batch *batch = job->batch;
    struct pen_csv_chunk *index = job->index;
    size_t pass = rows_per_pass(job->parser->column_count);
    while (index->run_done < run->count && batch->rows < batch->capacity) {
        size_t left = run->count - index->run_done, room = batch->capacity - batch->rows;
        size_t count = left < room ? left : room;
        struct pen_csv_block block = {
            .parser = job->parser,
            .index = index,
            .text = job->text.ptr,
            .batch = batch,
            .first = run->first + index->run_done,
            .row = batch->rows,
            .count = count < pass ? count : pass,
            .bad = job->bad,
        };
        PEN_TRY(pen_csv_put_columns(&block, err));
        PEN_TRY(report_bad_rows(job, block.row, block.count, err));
        batch->rows += block.count;
        index->run_done += (uint32_t)block.count;
    }
    return PEN_OK;
}

static void drop_bad_rows(struct job *job)
{
    if (!job->has_bad)
        return;
    for (size_t i = 0; i < sizeof job->bad / sizeof job->bad[0]; i++)
        job->bad[i] = ~job->bad[i];
    pen_batch_keep(job->batch, job->bad);
}

/* ---- runs ---- */

static enum pen_code convert_run(struct job *job, const struct pen_csv_run *run,
                                 struct pen_error *err)
{
    struct pen_csv_chunk *index = job->index;
    switch (run->kind) {
    case PEN_CSV_RUN_INDEXED:
        return convert_indexed(job, run, err);
    case PEN_CSV_RUN_SINGLE:
        index->run_done = 1;
        return convert_single(job, run->first, err);
    case PEN_CSV_RUN_REJECT:
        index->run_done = 1;
        return report(job, &index->rejects[run->first], err);
    }
    return PEN_OK;
}

static uint64_t count_ends(enum pen_csv_line_end line_end, struct pen_slice text)
{
    struct pen_csv_line line = {0};
    uint64_t lines = 0;
    while (line.next < text.len && pen_csv_find_line(line_end, text, true, line.next, &line))
        lines++;
    return lines;
}

static uint64_t count_cr(struct pen_slice text)
{
    return count_ends(PEN_CSV_LINE_CR, text);
}

static uint64_t count_lf(struct pen_slice text)
{
    return count_ends(PEN_CSV_LINE_LF, text);
}

static uint64_t count_crlf(struct pen_slice text)
{
    return count_ends(PEN_CSV_LINE_CRLF, text);
}

/* By enum pen_csv_line_end: how rows find their line when somebody asks. */
static uint64_t (*const line_counters[])(struct pen_slice text) = {
    [PEN_CSV_LINE_ANY] = NULL,
    [PEN_CSV_LINE_CR] = count_cr,
    [PEN_CSV_LINE_LF] = count_lf,
    [PEN_CSV_LINE_CRLF] = count_crlf,
};

static enum pen_code add_origin(const struct job *job, struct pen_error *err)
{
    struct pen_origin origin = {
        .object = job->chunk->object,
        .etag = job->chunk->etag,
        .object_index = job->chunk->object_index,
        .text = job->text.ptr,
        .base_offset = job->index->base_offset,
        .base_line = job->index->base_line,
        .count_lines = line_counters[job->parser->syntax.line_end],
    };
    return pen_batch_add_origin(job->batch, origin, err);
}

enum pen_code pen_csv_convert(const struct pen_parse *parse, struct pen_chunk *chunk,
                              struct pen_batch *into, bool *ret_more, struct pen_error *err)
{
    struct pen_csv_chunk *index = chunk->state;
    struct job job = {
        .parser = pen_csv_parser_of(parse),
        .chunk = chunk,
        .index = index,
        .text = pen_slice(chunk->text, index->used),
        .batch = into,
    };
    index->scratch.max = index->unquoted.max = index->reason.max = SCRATCH_MAX_BYTES;
    PEN_TRY(add_origin(&job, err));
    while (index->run_at < index->run_count && into->rows < into->capacity) {
        const struct pen_csv_run *run = &index->runs[index->run_at];
        PEN_TRY(convert_run(&job, run, err));
        if (index->run_done == run->count) {
            index->run_at++;
            index->run_done = 0;
        }
    }
    drop_bad_rows(&job);
    *ret_more = index->run_at < index->run_count;
    return PEN_OK;
}
