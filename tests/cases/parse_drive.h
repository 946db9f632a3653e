/* parse_drive.h - runs a parser over a text as a worker would, but cut into pieces of any size, and
 * prints what came out: rows as `-f jsonl` does, then rejects as
 * {"rejected":line,"column":name,"code":word,"reason":text}, both in the order of the text.
 *
 * The memory around and behind what split took is filled with quotes and line ends, so that a
 * parser that looks there is found out; with AddressSanitizer also when it reads past the padding.
 * Checked on the way: a reject's raw text stands at its offset, a row's at its own. */
#ifndef PEN_TESTS_PARSE_DRIVE_H
#define PEN_TESTS_PARSE_DRIVE_H

#include "../unit/unit.h"

#include "base/json.h"
#include "base/number.h"
#include "parse/parse.h"

#include <inttypes.h>
#include <stdlib.h>

struct drive {
    const struct pen_parse *parse;
    /* what to do with a batch before it is printed, and the schema behind that; NULL: nothing */
    enum pen_code (*change)(struct drive *drive, struct pen_batch *batch, struct pen_error *err);
    const struct pen_schema *schema;
    void *change_state;
    const char *object, *etag; /* NULL: "input", and no etag */
    struct pen_slice input;
    size_t piece;    /* bytes that arrive at a time */
    size_t capacity; /* rows of a batch */
    struct pen_buf rows, rejects;
    size_t row_count, reject_count;
};

struct drive_sink {
    struct pen_reject_sink sink; /* first */
    struct drive *drive;
};

static inline void drive_release(struct drive *drive)
{
    pen_buf_release(&drive->rows);
    pen_buf_release(&drive->rejects);
}

static inline const char *drive_object(const struct drive *drive)
{
    return drive->object != NULL ? drive->object : "input";
}

static inline enum pen_code drive_reject(struct pen_reject_sink *sink,
                                         const struct pen_reject *reject, struct pen_error *err)
{
    struct drive *drive = ((struct drive_sink *)(void *)sink)->drive;
    struct pen_buf *out = &drive->rejects;
    assert_string_equal(reject->object, drive_object(drive));
    assert_true(reject->offset + reject->raw.len <= drive->input.len);
    assert_memory_equal(reject->raw.ptr, drive->input.ptr + reject->offset, reject->raw.len);
    drive->reject_count++;
    PEN_TRY(pen_buf_addf(out, err, "{\"rejected\":%" PRIu64, reject->line));
    if (reject->column != NULL) {
        PEN_TRY(pen_buf_add_str(out, ",\"column\":", err));
        PEN_TRY(pen_json_add_string(out, pen_slice_str(reject->column), err));
    }
    if (drive->change != NULL)
        PEN_TRY(pen_buf_addf(out, err, ",\"step\":\"%s\"", reject->step));
    PEN_TRY(pen_buf_addf(out, err, ",\"code\":\"%s\",\"reason\":", reject->code));
    PEN_TRY(pen_json_add_string(out, reject->reason, err));
    return pen_buf_add_str(out, "}\n", err);
}

static inline enum pen_code drive_print_double(struct pen_buf *out, double value,
                                               struct pen_error *err)
{
    char text[PEN_NUMBER_TEXT];
    size_t len = pen_print_double(value, text);
    bool is_finite = value - value == 0;
    return is_finite ? pen_buf_add(out, text, len, err)
                     : pen_json_add_string(out, pen_slice(text, len), err);
}

static inline enum pen_code drive_print_value(struct pen_buf *out, const struct pen_column *column,
                                              size_t row, struct pen_error *err)
{
    char text[PEN_INSTANT_TEXT];
    if (!pen_column_is_valid(column, row))
        return pen_buf_add_str(out, "null", err);
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        return pen_buf_add_str(out, pen_column_booleans(column)[row] ? "true" : "false", err);
    case PEN_TYPE_LONG:
        return pen_buf_addf(out, err, "%" PRId64, pen_column_longs(column)[row]);
    case PEN_TYPE_DOUBLE:
        return drive_print_double(out, pen_column_doubles(column)[row], err);
    case PEN_TYPE_STRING:
        return pen_json_add_string(out, pen_string_slice(&pen_column_strings(column)[row]), err);
    case PEN_TYPE_TIMESTAMP:
        (void)pen_instant_print(
            (struct pen_instant){pen_column_longs(column)[row], column->nanos[row]}, text);
        return pen_buf_addf(out, err, "\"%s\"", text);
    case PEN_TYPE_JSON:
        return pen_buf_add_slice(out, pen_string_slice(&pen_column_strings(column)[row]), err);
    }
    return PEN_OK;
}

static inline enum pen_code drive_print_rows(struct drive *drive, const struct pen_batch *batch,
                                             struct pen_error *err)
{
    struct pen_buf *out = &drive->rows;
    const struct pen_schema *schema = drive->schema != NULL ? drive->schema : &drive->parse->schema;
    assert_int_equal(batch->column_count, schema->count);
    for (size_t row = 0; row < batch->rows; row++) {
        struct pen_slice raw = pen_batch_raw(batch, row);
        uint64_t offset = pen_batch_origin(batch, row)->base_offset + batch->row_start[row];
        assert_true(offset + raw.len <= drive->input.len);
        assert_memory_equal(raw.ptr, drive->input.ptr + offset, raw.len);
        for (size_t c = 0; c < batch->column_count; c++) {
            PEN_TRY(pen_buf_add_str(out, c == 0 ? "{" : ",", err));
            assert_int_equal(batch->columns[c].type, schema->fields[c].type);
            PEN_TRY(pen_json_add_string(out, pen_slice_str(schema->fields[c].name), err));
            PEN_TRY(pen_buf_add_str(out, ":", err));
            PEN_TRY(drive_print_value(out, &batch->columns[c], row, err));
        }
        PEN_TRY(pen_buf_add_str(out, batch->column_count == 0 ? "{}\n" : "}\n", err));
    }
    drive->row_count += batch->rows;
    return PEN_OK;
}

static inline enum pen_code drive_convert(struct drive *drive, struct pen_chunk *chunk,
                                          struct pen_error *err)
{
    PEN_CLEANUP(pen_batch_free_p) struct pen_batch *batch = NULL;
    PEN_TRY(pen_batch_new(drive->capacity, &batch, err));
    bool is_more = true;
    while (is_more) {
        PEN_TRY(pen_batch_begin(batch, &drive->parse->schema, err));
        PEN_TRY(drive->parse->type->convert(drive->parse, chunk, batch, &is_more, err));
        if (drive->change != NULL)
            PEN_TRY(drive->change(drive, batch, err));
        PEN_TRY(drive_print_rows(drive, batch, err));
    }
    return PEN_OK;
}

/* Presents input[start, end) in memory of its own; after the split only what was used remains. */
static inline enum pen_code drive_chunk(struct drive *drive, struct pen_parse_stream *stream,
                                        struct pen_chunk *chunk, size_t start, size_t end,
                                        size_t *ret_used, struct pen_error *err)
{
    static const char junk[] = "\"\n,";
    size_t len = end - start, all = len + 2 * (size_t)PEN_CHUNK_PADDING;
    bool is_eof = end == drive->input.len;
    PEN_CLEANUP(pen_free_p) char *memory = malloc(all);
    assert_non_null(memory);
    for (size_t i = 0; i < all; i++)
        memory[i] = junk[i % 3];
    char *text = memory + PEN_CHUNK_PADDING;
    if (len > 0)
        memcpy(text, drive->input.ptr + start, len);
    chunk->text = text;
    chunk->len = len;
    PEN_TRY(drive->parse->type->split(stream, chunk, is_eof, ret_used, err));
    assert_true(*ret_used <= len && (!is_eof || *ret_used == len));
    for (size_t i = *ret_used; i < len; i++)
        text[i] = junk[i % 3];
    return *ret_used == 0 && !is_eof ? PEN_OK : drive_convert(drive, chunk, err);
}

static inline enum pen_code drive_stream(struct drive *drive, struct pen_parse_stream *stream,
                                         struct pen_chunk *chunk, struct pen_error *err)
{
    size_t start = 0, end = 0;
    do {
        end = drive->input.len - end < drive->piece ? drive->input.len : end + drive->piece;
        size_t used = 0;
        PEN_TRY(drive_chunk(drive, stream, chunk, start, end, &used, err));
        start += used;
    } while (end < drive->input.len);
    return PEN_OK;
}

/* drive_parse - all of `input`, in pieces. The result is in rows and rejects (both empty before);
 * what was read before an error stays there. */
static inline enum pen_code drive_parse(struct drive *drive, struct pen_error *err)
{
    struct drive_sink sink = {.sink = {.report = drive_reject}, .drive = drive};
    PEN_CLEANUP(pen_parse_stream_free_p) struct pen_parse_stream *stream = NULL;
    struct pen_chunk *chunk = NULL;
    drive->rows.max = drive->rejects.max = PEN_BUF_TEXT_MAX;
    drive->rows.len = drive->rejects.len = 0;
    drive->row_count = drive->reject_count = 0;
    PEN_TRY(pen_parse_stream_new(drive->parse, drive_object(drive), 0, &sink.sink, &stream, err));
    stream->etag = drive->etag;
    PEN_TRY(pen_chunk_new(drive->parse, &chunk, err));
    enum pen_code code = drive_stream(drive, stream, chunk, err);
    pen_chunk_free(drive->parse, chunk);
    return code;
}

#endif
