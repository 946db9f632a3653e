/* csv_convert.c - outside the lock: the records of a chunk become rows, in their order; rejected
 * records are told in the same order. */
#include "parse/csv_internal.h"

#include <inttypes.h>

#define SCRATCH_MAX_BYTES ((size_t)1 << 30)

/* One call of convert. */
struct job {
    const struct pen_csv_parser *parser;
    struct pen_chunk *chunk;
    struct pen_csv_chunk *index;
    struct pen_slice text;
    struct pen_batch *batch;
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

/* Reads the good-shaped record at `start` into the next row, or reports why it is no row. */
static enum pen_code read_exactly(const struct job *job, size_t start, struct pen_error *err)
{
    struct pen_csv_chunk *index = job->index;
    struct pen_csv_verdict verdict;
    struct pen_csv_sink sink = {
        .batch = job->batch, .scratch = &index->scratch, .reason = &index->reason};
    uint64_t line = line_at(job, start);
    pen_csv_reader_init(&index->reader, &job->parser->syntax, job->text, true, line);
    index->reader.line.next = start;
    PEN_TRY(pen_csv_read_record(job->parser, &index->reader, &sink, &verdict, err));
    if (verdict.status == PEN_CSV_OK) {
        job->batch->row_start[job->batch->rows] = (uint32_t)start;
        job->batch->row_end[job->batch->rows] = (uint32_t)index->reader.line.end;
        job->batch->rows++;
        return PEN_OK;
    }
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

/* ---- runs ---- */

static enum pen_code convert_run(const struct job *job, const struct pen_csv_run *run,
                                 struct pen_error *err)
{
    struct pen_csv_chunk *index = job->index;
    index->run_done = run->count;
    switch (run->kind) {
    case PEN_CSV_RUN_SINGLE:
        return read_exactly(job, run->first, err);
    case PEN_CSV_RUN_REJECT:
        return report(job, &index->rejects[run->first], err);
    case PEN_CSV_RUN_INDEXED:
        break;
    }
    return PEN_OK;
}

static enum pen_code add_origin(const struct job *job, struct pen_error *err)
{
    struct pen_origin origin = {
        .object = job->chunk->object,
        .object_index = job->chunk->object_index,
        .text = job->text.ptr,
        .base_offset = job->index->base_offset,
        .base_line = job->index->base_line,
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
    index->scratch.max = index->reason.max = SCRATCH_MAX_BYTES;
    PEN_TRY(add_origin(&job, err));
    while (index->run_at < index->run_count && into->rows < into->capacity) {
        const struct pen_csv_run *run = &index->runs[index->run_at];
        PEN_TRY(convert_run(&job, run, err));
        if (index->run_done == run->count) {
            index->run_at++;
            index->run_done = 0;
        }
    }
    *ret_more = index->run_at < index->run_count;
    return PEN_OK;
}
