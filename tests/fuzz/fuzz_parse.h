/* fuzz_parse.h - runs a parser over bytes as a job would, through the text stream, and sums up what
 * came out; the sum must not depend on how the text was cut. */
#ifndef PEN_TESTS_FUZZ_PARSE_H
#define PEN_TESTS_FUZZ_PARSE_H

#include "fuzz.h"

#include "run/object_stream.h"

struct fuzz_sum {
    struct pen_reject_sink sink; /* first */
    uint64_t rows, rejects, hash;
    bool has_failed;
};

static inline uint64_t fuzz_mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static inline enum pen_code fuzz_reject(struct pen_reject_sink *sink,
                                        const struct pen_reject *reject, struct pen_error *err)
{
    (void)err;
    struct fuzz_sum *sum = (struct fuzz_sum *)(void *)sink;
    sum->rejects++;
    /* rejects of different chunks may come in another order: a sum, not a chain */
    sum->hash += fuzz_mix(reject->line * 31 + reject->offset, reject->code, strlen(reject->code));
    return PEN_OK;
}

static inline uint64_t fuzz_value(const struct pen_column *column, size_t row)
{
    if (!pen_column_is_valid(column, row))
        return 7;
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        return pen_column_booleans(column)[row];
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
    case PEN_TYPE_DOUBLE:
        return fuzz_mix(1, &pen_column_longs(column)[row], 8);
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    struct pen_slice text = pen_string_slice(&pen_column_strings(column)[row]);
    return fuzz_mix(2, text.ptr, text.len);
}

static inline void fuzz_add_batch(struct fuzz_sum *sum, const struct pen_batch *batch)
{
    for (size_t row = 0; row < batch->rows; row++) {
        uint64_t hash = pen_batch_line(batch, row);
        for (size_t c = 0; c < batch->column_count; c++)
            hash = hash * 31 + fuzz_value(&batch->columns[c], row);
        sum->hash += hash;
    }
    sum->rows += batch->rows;
}

struct fuzz_reader {
    struct pen_reader reader; /* first */
    struct pen_slice rest;
};

static inline enum pen_code fuzz_read(struct pen_reader *reader, void *buf, size_t cap,
                                      size_t *ret_len, struct pen_error *err)
{
    (void)err;
    struct fuzz_reader *own = (struct fuzz_reader *)(void *)reader;
    *ret_len = own->rest.len < cap ? own->rest.len : cap;
    if (*ret_len > 0)
        memcpy(buf, own->rest.ptr, *ret_len);
    own->rest = pen_slice_skip(own->rest, *ret_len);
    return PEN_OK;
}

static inline void fuzz_close(struct pen_reader *reader)
{
    free(reader);
}

static inline void fuzz_convert(const struct pen_parse *parse, struct pen_chunk *chunk,
                                struct pen_batch *batch, struct fuzz_sum *sum)
{
    bool has_more = true;
    while (has_more && !sum->has_failed) {
        fuzz_check(pen_batch_begin(batch, &parse->schema, NULL) == PEN_OK);
        sum->has_failed = parse->type->convert(parse, chunk, batch, &has_more, NULL) != PEN_OK;
        if (!sum->has_failed)
            fuzz_add_batch(sum, batch);
    }
}

static inline struct fuzz_sum fuzz_parse(const struct pen_parse *parse, struct pen_slice bytes,
                                         size_t chunk_bytes)
{
    static struct pen_crew *crew;
    fuzz_check(crew != NULL || pen_crew_new(&crew, NULL) == PEN_OK);
    struct fuzz_sum sum = {.sink = {fuzz_reject}};
    struct pen_object_stream_options options = {.parse = parse,
                                                .crew = crew,
                                                .rejects = &sum.sink,
                                                .chunk_bytes = chunk_bytes,
                                                .max_record_bytes = (size_t)1 << 24};
    struct fuzz_reader *reader = calloc(1, sizeof *reader);
    fuzz_check(reader != NULL);
    *reader =
        (struct fuzz_reader){.reader = {.read = fuzz_read, .close = fuzz_close}, .rest = bytes};
    struct pen_object_stream *stream = NULL;
    fuzz_check(pen_object_stream_new(&options, "input", 0, &reader->reader, &stream, NULL) ==
               PEN_OK);
    struct pen_text_buffer buffer = {0};
    struct pen_chunk *chunk = NULL;
    struct pen_batch *batch = NULL;
    fuzz_check(pen_text_buffer_init(&buffer, chunk_bytes, NULL) == PEN_OK);
    fuzz_check(pen_chunk_new(parse, &chunk, NULL) == PEN_OK);
    fuzz_check(pen_batch_new(chunk_bytes < 100 ? 3 : PEN_BATCH_ROWS, &batch, NULL) == PEN_OK);
    bool is_end = false;
    while (!is_end && !sum.has_failed) {
        size_t used = 0;
        sum.has_failed =
            pen_object_stream_fill(stream, &buffer, 0, chunk, &used, &is_end, NULL) != PEN_OK;
        if (!sum.has_failed && used > 0)
            fuzz_convert(parse, chunk, batch, &sum);
    }
    pen_batch_free(batch);
    pen_chunk_free(parse, chunk);
    pen_text_buffer_release(&buffer);
    pen_object_stream_free(stream);
    return sum;
}

/* fuzz_parse_both - the promise: the same records and rejects whatever the cut. */
static inline void fuzz_parse_both(const struct pen_parse *parse, struct pen_slice bytes)
{
    struct fuzz_sum whole = fuzz_parse(parse, bytes, (size_t)1 << 16);
    struct fuzz_sum cut = fuzz_parse(parse, bytes, 64 + bytes.len % 61);
    fuzz_check(whole.has_failed == cut.has_failed);
    if (whole.has_failed)
        return;
    fuzz_check(whole.rows == cut.rows);
    fuzz_check(whole.rejects == cut.rejects);
    fuzz_check(whole.hash == cut.hash);
}

#endif
