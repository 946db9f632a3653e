/* csv_split.c - under the stream's lock: where do the records of this text end?
 *
 *     text --header lines--> [indexed records | one record by the exact tokenizer]... --> runs
 *
 * A record is accepted here only when where parsing continues no longer depends on it: one that
 * spans physical lines is converted (and forgotten) first, because a failure in it would put its
 * later lines back (spec/parsers.md 3.6).
 * Putting back costs time: a quote that is not closed makes the reader look at up to
 * max_quoted_size_limit characters, for one line. Where every line does that (only possible with
 * ACCEPT_STRAY_QUOTES..., or with fields that all fail after they closed), reading would take the
 * square of the size; so an object in which REREAD_FACTOR times as much was put back as was read,
 * and parser->reread_bytes besides, is refused as a whole: PEN_ERR_CORRUPT. */
#include "parse/csv_split_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define TEXTS_MAX_BYTES ((size_t)1 << 30)
#define REREAD_FACTOR   16

/* ---- the index ---- */

static void reset(const struct pen_csv_split *split)
{
    struct pen_csv_chunk *chunk = split->chunk;
    chunk->run_count = chunk->reject_count = chunk->record_count = chunk->end_count = 0;
    chunk->run_at = chunk->run_done = 0;
    chunk->texts.max_bytes = TEXTS_MAX_BYTES;
    pen_arena_clear(&chunk->texts);
    chunk->base_line = chunk->line = split->stream->line;
    chunk->base_offset = split->stream->used_bytes;
    chunk->line_at = 0;
    chunk->used = 0;
}

enum pen_code pen_csv_add_run(struct pen_csv_chunk *chunk, struct pen_csv_run run,
                              struct pen_error *err)
{
    if (chunk->run_count == chunk->run_cap) {
        size_t cap = chunk->run_cap == 0 ? 16 : chunk->run_cap * 2;
        struct pen_csv_run *runs = realloc(chunk->runs, cap * sizeof *runs);
        if (runs == NULL)
            return pen_fail_nomem(err);
        chunk->runs = runs;
        chunk->run_cap = cap;
    }
    chunk->runs[chunk->run_count++] = run;
    return PEN_OK;
}

static enum pen_code add_reject(struct pen_csv_split *split, const struct pen_csv_verdict *verdict,
                                struct pen_error *err)
{
    struct pen_csv_chunk *chunk = split->chunk;
    if (chunk->reject_count == chunk->reject_cap) {
        size_t cap = chunk->reject_cap == 0 ? 16 : chunk->reject_cap * 2;
        struct pen_csv_reject *rejects = realloc(chunk->rejects, cap * sizeof *rejects);
        if (rejects == NULL)
            return pen_fail_nomem(err);
        chunk->rejects = rejects;
        chunk->reject_cap = cap;
    }
    struct pen_slice reason = pen_buf_slice(&split->stream->reason);
    const char *copy = pen_arena_copy(&chunk->texts, reason);
    if (copy == NULL)
        return pen_fail_nomem(err);
    chunk->rejects[chunk->reject_count] = (struct pen_csv_reject){
        .start = (uint32_t)verdict->line.start,
        .end = (uint32_t)verdict->line.end,
        .line = verdict->line.number,
        .column = verdict->column,
        .code = verdict->code,
        .reason = pen_slice(copy, reason.len),
    };
    struct pen_csv_run run = {PEN_CSV_RUN_REJECT, (uint32_t)chunk->reject_count, 1};
    chunk->reject_count++;
    return pen_csv_add_run(chunk, run, err);
}

/* ---- one record by the exact tokenizer ---- */

static enum pen_code read_once(struct pen_csv_split *split, bool is_checked,
                               struct pen_csv_verdict *ret_verdict, struct pen_error *err)
{
    struct pen_csv_stream *stream = split->stream;
    struct pen_csv_sink sink = {
        .is_checked = is_checked, .scratch = &stream->scratch, .reason = &stream->reason};
    pen_csv_reader_init(&stream->reader, &split->parser->syntax,
                        pen_slice_skip(split->text, split->used), split->is_eof, split->line);
    PEN_TRY(pen_csv_read_record(split->parser, &stream->reader, &sink, ret_verdict, err));
    ret_verdict->start += split->used;
    ret_verdict->line.start += split->used;
    ret_verdict->line.end += split->used;
    return PEN_OK;
}

static enum pen_code count_reread(struct pen_csv_split *split,
                                  const struct pen_csv_verdict *verdict, struct pen_error *err)
{
    struct pen_csv_stream *stream = split->stream;
    uint64_t used_bytes = stream->used_bytes + split->used;
    stream->reread_bytes += verdict->reached - stream->reader.line.next;
    if (stream->reread_bytes <= split->parser->reread_bytes ||
        (stream->reread_bytes - split->parser->reread_bytes) / REREAD_FACTOR <= used_bytes)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CORRUPT,
                   "csv: quoted fields that do not end, in line %" PRIu64 " and many before it",
                   verdict->line.number);
    pen_error_hint(err, "check 'quote', 'escape' and 'quotes_in_quoted_fields', or lower "
                        "'max_quoted_size_limit'");
    if (err != NULL)
        err->row = verdict->line.number;
    return PEN_ERR_CORRUPT;
}

/* A good record becomes a run of its own: convert reads it again. */
static enum pen_code take_single(struct pen_csv_split *split, const struct pen_csv_verdict *verdict,
                                 struct pen_error *err)
{
    const struct pen_csv_reader *reader = &split->stream->reader;
    struct pen_csv_run run = {PEN_CSV_RUN_SINGLE, (uint32_t)verdict->start, 1};
    if (verdict->status == PEN_CSV_BAD) {
        PEN_TRY(add_reject(split, verdict, err));
        PEN_TRY(count_reread(split, verdict, err));
    } else {
        PEN_TRY(pen_csv_add_run(split->chunk, run, err));
    }
    split->used += reader->line.next;
    split->line = reader->line.number + 1;
    return PEN_OK;
}

enum pen_code pen_csv_read_single(struct pen_csv_split *split, struct pen_error *err)
{
    struct pen_csv_verdict verdict;
    PEN_TRY(read_once(split, false, &verdict, err));
    if (verdict.status == PEN_CSV_MORE || verdict.status == PEN_CSV_END) {
        split->used = verdict.start;
        split->line = verdict.start_line;
        split->is_done = true;
        return PEN_OK;
    }
    bool is_sample_end = split->is_sample && verdict.is_at_end;
    if (verdict.status == PEN_CSV_BAD || verdict.is_multi_line || is_sample_end)
        PEN_TRY(read_once(split, true, &verdict, err));
    if (verdict.is_cut && split->is_sample) {
        split->used = split->text.len;
        split->is_done = true;
        return PEN_OK;
    }
    return take_single(split, &verdict, err);
}

/* ---- the text ---- */

static void skip_header(struct pen_csv_split *split)
{
    struct pen_csv_stream *stream = split->stream;
    struct pen_csv_reader *reader = &stream->reader;
    if (stream->header_lines_left == 0)
        return;
    pen_csv_reader_init(reader, &split->parser->syntax, split->text, split->is_eof, split->line);
    enum pen_csv_status status = PEN_CSV_OK;
    while (stream->header_lines_left > 0 && status == PEN_CSV_OK) {
        status = pen_csv_next_line(reader);
        stream->header_lines_left -= status == PEN_CSV_OK;
    }
    split->used = reader->line.next;
    split->line = reader->line.number + 1;
    split->is_done = status != PEN_CSV_OK;
}

enum pen_code pen_csv_split(struct pen_parse_stream *stream, struct pen_chunk *chunk, bool is_eof,
                            size_t *ret_used, struct pen_error *err)
{
    struct pen_csv_stream *state = stream->state;
    struct pen_csv_split split = {
        .parser = pen_csv_parser_of(stream->parse),
        .stream = state,
        .chunk = chunk->state,
        .text = pen_slice(chunk->text, chunk->len),
        .is_eof = is_eof,
        .is_sample = stream->parse->is_sample,
        .line = state->line,
    };
    if (chunk->len > UINT32_MAX / 2)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "csv: a text of %zu bytes at once", chunk->len);
    chunk->object = stream->object;
    chunk->etag = stream->etag;
    chunk->object_index = stream->object_index;
    chunk->rejects = stream->rejects;
    reset(&split);
    skip_header(&split);
    if (split.parser->is_scannable)
        pen_csv_index_start(&split);
    while (!split.is_done)
        PEN_TRY(split.parser->is_scannable ? pen_csv_index_step(&split, err)
                                           : pen_csv_read_single(&split, err));
    split.chunk->base_offset += stream->start_offset;
    split.chunk->used = split.used;
    state->line = split.line;
    state->used_bytes += split.used;
    *ret_used = split.used;
    return PEN_OK;
}
