/* fake_stream.h - a task stream made by counting: `rows` rows in batches, for any schema.
 * Row n (from 0) holds: boolean n odd; long n; double n / 4; string "row n" (every tenth 300
 * bytes longer); timestamp n seconds after 2020; json {"n":n}. Every seventh value is null,
 * except in the first column. */
#ifndef PEN_TESTS_FAKE_STREAM_H
#define PEN_TESTS_FAKE_STREAM_H

#include "sink/sink.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdlib.h>

#define FAKE_2020_US INT64_C(1577836800000000)
#define FAKE_WORKERS 4

struct fake_stream {
    struct pen_task_stream stream; /* first */
    struct pen_schema schema;
    atomic_int_fast64_t next_row;
    int64_t rows, fail_at; /* fail_at: the row that ends in an error; -1 for none */
    struct pen_batch *batches[FAKE_WORKERS][2];
    unsigned turn[FAKE_WORKERS];
    atomic_uint seen_workers; /* bit per worker that asked */
};

static inline void fake_set(struct pen_batch *batch, struct pen_column *column, size_t row,
                            int64_t n)
{
    char text[400];
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(column)[row] = (uint8_t)(n & 1);
        return;
    case PEN_TYPE_LONG:
        pen_column_longs(column)[row] = n;
        return;
    case PEN_TYPE_DOUBLE:
        pen_column_doubles(column)[row] = (double)n / 4;
        return;
    case PEN_TYPE_TIMESTAMP:
        pen_column_longs(column)[row] = FAKE_2020_US + n * PEN_US_PER_SECOND;
        return;
    case PEN_TYPE_STRING:
        (void)snprintf(text, sizeof text, n % 10 == 0 ? "row %lld %0300d" : "row %lld",
                       (long long)n, 0);
        break;
    case PEN_TYPE_JSON:
        (void)snprintf(text, sizeof text, "{\"n\":%lld}", (long long)n);
        break;
    }
    struct pen_slice slice = pen_slice_str(text);
    pen_column_strings(column)[row] =
        pen_string_make(pen_arena_copy(&batch->arena, slice), slice.len);
}

static inline enum pen_code fake_next(struct pen_task_stream *base, unsigned worker,
                                      const struct pen_batch **ret_batch, struct pen_error *err)
{
    struct fake_stream *fake = (struct fake_stream *)base;
    atomic_fetch_or(&fake->seen_workers, 1u << worker);
    int64_t first = atomic_fetch_add(&fake->next_row, 1000);
    *ret_batch = NULL;
    if (first >= fake->rows)
        return PEN_OK;
    struct pen_batch *batch = fake->batches[worker][fake->turn[worker]++ % 2];
    PEN_TRY(pen_batch_begin(batch, &fake->schema, err));
    for (int64_t n = first; n < first + 1000 && n < fake->rows; n++) {
        if (n == fake->fail_at) {
            enum pen_code code = pen_fail(err, PEN_ERR_CORRUPT, "row %lld is broken", (long long)n);
            pen_error_where(err, "s3://bucket/key:%lld", (long long)n);
            return code;
        }
        for (size_t c = 0; c < batch->column_count; c++) {
            if (c > 0 && (n + (int64_t)c) % 7 == 0)
                continue;
            fake_set(batch, &batch->columns[c], batch->rows, n);
            pen_column_set_valid(&batch->columns[c], batch->rows, true);
        }
        batch->rows++;
    }
    *ret_batch = batch;
    return PEN_OK;
}

/* types: one letter per column: b l d s t j; columns are named time, b, c, d ... */
static inline struct fake_stream *fake_new(const char *types, int64_t rows)
{
    struct fake_stream *fake = calloc(1, sizeof *fake);
    assert_non_null(fake);
    for (size_t i = 0; types[i] != '\0'; i++) {
        static const char letters[] = "bldstj";
        const char name[2] = {(char)('a' + i), '\0'};
        enum pen_type type = (enum pen_type)(strchr(letters, types[i]) - letters);
        assert_ok(
            pen_schema_add(&fake->schema, pen_slice_str(i == 0 ? "time" : name), type, NULL, err));
    }
    for (size_t i = 0; i < FAKE_WORKERS * 2; i++)
        assert_ok(pen_batch_new(PEN_BATCH_ROWS, &fake->batches[i / 2][i % 2], err));
    fake->rows = rows;
    fake->fail_at = -1;
    fake->stream = (struct pen_task_stream){&fake->schema, FAKE_WORKERS, fake_next};
    return fake;
}

static inline void fake_free(struct fake_stream *fake)
{
    for (size_t i = 0; i < FAKE_WORKERS * 2; i++)
        pen_batch_free(fake->batches[i / 2][i % 2]);
    pen_schema_clear(&fake->schema);
    free(fake);
}

#endif
