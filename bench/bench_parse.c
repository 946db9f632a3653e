/* bench_parse - how fast the parsers read the benchmark's 12-column table: one thread, a file in
 * memory, UTF-8 checked, every column typed. run.py compares it with DuckDB's readers.
 *
 *     bench_parse csv|json FILE [ROUNDS]     prints "rows nulls sum seconds": nulls over all
 *                                            columns, sum of `id`, processor seconds of the best
 *                                            round
 *
 * PENSTOCK_SIMD=scalar|sse2|avx2|avx512 chooses a kernel. */
#include "base/utf8.h"
#include "conf/tree.h"
#include "parse/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHUNK_BYTES ((size_t)512 << 10)

#define COLUMNS                                                                                    \
    "columns:\n"                                                                                   \
    "- {name: id, type: long}\n- {name: user_id, type: long}\n- {name: quantity, type: long}\n"    \
    "- {name: price, type: double}\n- {name: discount, type: double}\n"                            \
    "- {name: country, type: string}\n- {name: category, type: string}\n"                          \
    "- {name: session, type: string}\n- {name: description, type: string}\n"                       \
    "- {name: created_at, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}\n"                         \
    "- {name: updated_at, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}\n"                         \
    "- {name: active, type: boolean}\n"

static const char csv_options[] = "newline: LF\nescape: '\"'\nskip_header_lines: 1\n" COLUMNS;
static const char json_options[] = COLUMNS;

struct totals {
    uint64_t rows, nulls, sum;
};

static enum pen_code fail_reject(struct pen_reject_sink *sink, const struct pen_reject *reject,
                                 struct pen_error *err)
{
    (void)sink;
    return pen_fail(err, PEN_ERR_CORRUPT, "a record was rejected: %.*s", PEN_ARG(reject->reason));
}

static void add_batch(struct totals *totals, const struct pen_batch *batch)
{
    totals->rows += batch->rows;
    for (size_t c = 0; c < batch->column_count; c++)
        for (size_t row = 0; row < batch->rows; row += 64) {
            size_t rows = batch->rows - row < 64 ? batch->rows - row : 64;
            uint64_t mask = rows == 64 ? UINT64_MAX : (UINT64_C(1) << rows) - 1;
            uint64_t valid = batch->columns[c].validity[row / 64] & mask;
            totals->nulls += rows - (uint64_t)__builtin_popcountll(valid);
        }
    const int64_t *ids = pen_column_longs(&batch->columns[0]);
    for (size_t row = 0; row < batch->rows; row++)
        totals->sum += (uint64_t)ids[row];
}

static enum pen_code convert_chunk(const struct pen_parse *parse, struct pen_chunk *chunk,
                                   struct pen_batch *batch, struct totals *totals,
                                   struct pen_error *err)
{
    bool is_more = true;
    while (is_more) {
        PEN_TRY(pen_batch_begin(batch, &parse->schema, err));
        PEN_TRY(parse->type->convert(parse, chunk, batch, &is_more, err));
        add_batch(totals, batch);
    }
    return PEN_OK;
}

static enum pen_code read_all(const struct pen_parse *parse, struct pen_slice data,
                              struct totals *totals, struct pen_error *err)
{
    struct pen_reject_sink sink = {.report = fail_reject};
    PEN_CLEANUP(pen_parse_stream_free_p) struct pen_parse_stream *stream = NULL;
    PEN_CLEANUP(pen_batch_free_p) struct pen_batch *batch = NULL;
    struct pen_chunk *chunk = NULL;
    PEN_TRY(pen_batch_new(PEN_BATCH_ROWS, &batch, err));
    PEN_TRY(pen_parse_stream_new(parse, "bench", 0, &sink, &stream, err));
    PEN_TRY(pen_chunk_new(parse, &chunk, err));
    enum pen_code code = PEN_OK;
    for (size_t at = 0; at < data.len && code == PEN_OK;) {
        size_t left = data.len - at, used = 0;
        chunk->text = data.ptr + at;
        chunk->len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        code = parse->type->split(stream, chunk, left <= CHUNK_BYTES, &used, err);
        if (code == PEN_OK && !pen_utf8_is_valid(pen_slice(data.ptr + at, used)))
            code = pen_fail(err, PEN_ERR_CORRUPT, "malformed UTF-8");
        if (code == PEN_OK)
            code = convert_chunk(parse, chunk, batch, totals, err);
        at += used;
    }
    pen_chunk_free(parse, chunk);
    return code;
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there on Linux */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The file with PEN_CHUNK_PADDING readable bytes on both sides. */
static char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    size_t len = (size_t)ftell(file);
    rewind(file);
    char *memory = calloc(1, len + 2 * (size_t)PEN_CHUNK_PADDING);
    bool is_read = memory != NULL && fread(memory + PEN_CHUNK_PADDING, 1, len, file) == len;
    (void)fclose(file); /* read only: nothing can be lost */
    *ret_len = len;
    return is_read ? memory : NULL;
}

static enum pen_code run(const char *format, const char *path, long rounds, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    PEN_CLEANUP(pen_parse_free_p) struct pen_parse *parse = NULL;
    bool is_json = strcmp(format, "json") == 0;
    const char *options = is_json ? json_options : csv_options;
    struct pen_bind bind = {.file = "bench", .arena = &arena};
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(options), "bench", &arena, &root, err));
    PEN_TRY(
        pen_parse_new(is_json ? &pen_parse_json : &pen_parse_csv, root, false, &bind, &parse, err));
    size_t len = 0;
    PEN_CLEANUP(pen_free_p) char *memory = read_file(path, &len);
    if (memory == NULL)
        return pen_fail(err, PEN_ERR_IO, "cannot read '%s'", path);
    double best = 1e9;
    struct totals totals = {0};
    for (long i = 0; i < rounds; i++) {
        totals = (struct totals){0};
        double start = cpu_seconds();
        PEN_TRY(read_all(parse, pen_slice(memory + PEN_CHUNK_PADDING, len), &totals, err));
        double took = cpu_seconds() - start;
        best = took < best ? took : best;
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %.4f\n", totals.rows, totals.nulls, totals.sum,
           best);
    return PEN_OK;
}

int main(int argc, char **argv)
{
    long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 3;
    bool is_usage = argc < 3 || rounds < 1 || rounds > 1000 ||
                    (strcmp(argv[1], "csv") != 0 && strcmp(argv[1], "json") != 0);
    if (is_usage) {
        (void)fputs("usage: bench_parse csv|json FILE [ROUNDS]\n", stderr);
        return 2;
    }
    struct pen_error err = {0};
    if (run(argv[1], argv[2], rounds, &err) == PEN_OK)
        return 0;
    (void)fprintf(stderr, "bench_parse: %s\n", err.message);
    return 1;
}
