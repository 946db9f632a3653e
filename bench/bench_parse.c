/* bench_parse - how fast the CSV parser reads the 12-column table of docs/performance.md, one
 * thread, from memory: index only, and fully typed. Not a test.
 *
 * usage: bench_parse [MEGABYTES [ROUNDS]]     PENSTOCK_SIMD=scalar|sse2|avx2|avx512 chooses a
 * kernel
 *
 * columns: 3 long, 2 double, 4 string, 2 timestamp, 1 boolean; 2-14 % nulls; a description of which
 * 28 % are quoted, 18 % hold a comma, 2 % doubled quotes, 1 % a line end, some of it not ASCII. */
#include "base/civil.h"
#include "base/cpu.h"
#include "base/utf8.h"
#include "parse/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHUNK_BYTES ((size_t)512 << 10)

static const char options_text[] =
    "type: csv\nnewline: LF\nescape: '\"'\ndefault_timestamp_format: '%Y-%m-%d %H:%M:%S'\n"
    "columns:\n"
    "- {name: id, type: long}\n- {name: account, type: long}\n- {name: created, type: timestamp}\n"
    "- {name: amount, type: double}\n- {name: country, type: string}\n"
    "- {name: email, type: string}\n- {name: description, type: string}\n"
    "- {name: score, type: double}\n- {name: is_active, type: boolean}\n"
    "- {name: items, type: long}\n- {name: category, type: string}\n"
    "- {name: updated, type: timestamp}\n";

/* ---- data ---- */

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t n)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % n;
}

static size_t add_time(char *out, size_t room)
{
    int64_t us = (INT64_C(1577836800) + (int64_t)random_below(150000000)) * PEN_US_PER_SECOND;
    struct pen_civil t = pen_civil_from_us(us);
    return (size_t)snprintf(out, room, "%04d-%02d-%02d %02d:%02d:%02d", (int)t.year, t.month, t.day,
                            t.hour, t.minute, t.second);
}

static size_t add_description(char *out, size_t room)
{
    static const char *const words[] = {
        "order", "delivered", "late",        "customer",     "called", "refund",  "partial", "sent",
        "again", "warehouse", "caf\xC3\xA9", "na\xC3\xAFve", "ok",     "pending", "shipment"};
    uint64_t kind = random_below(100);
    bool is_quoted = kind < 28;
    size_t at = 0, count = 4 + random_below(9);
    if (is_quoted)
        out[at++] = '"';
    for (size_t i = 0; i < count; i++) {
        const char *gap = i == 0                              ? ""
                          : i == 2 && kind < 18               ? ", "
                          : i == 3 && kind >= 18 && kind < 20 ? " \"\"x\"\" "
                          : i == 3 && kind == 20              ? "\n"
                                                              : " ";
        at += (size_t)snprintf(out + at, room - at, "%s%s", gap, words[random_below(15)]);
    }
    if (is_quoted)
        out[at++] = '"';
    return at;
}

static size_t add_row(char *out, size_t room, uint64_t id)
{
    static const char *const countries[] = {"JP", "US", "DE", "FR", "BR", "IN"};
    static const char *const categories[] = {"books", "toys", "home and garden", "music", "sports"};
    size_t at = (size_t)snprintf(out, room, "%" PRIu64 ",", 1000000 + id);
    if (random_below(100) >= 2)
        at += (size_t)snprintf(out + at, room - at, "%" PRIu64, random_below(1000000000000));
    out[at++] = ',';
    at += add_time(out + at, room - at);
    out[at++] = ',';
    if (random_below(100) >= 5)
        at += (size_t)snprintf(out + at, room - at, "%" PRIu64 ".%02" PRIu64, random_below(100000),
                               random_below(100));
    at += (size_t)snprintf(out + at, room - at, ",%s,user%" PRIu64 "@example.com,",
                           countries[random_below(6)], random_below(10000000));
    at += add_description(out + at, room - at);
    out[at++] = ',';
    if (random_below(100) >= 14)
        at += (size_t)snprintf(out + at, room - at, "%.15g", (double)random_below(1u << 30) / 3e9);
    at += (size_t)snprintf(out + at, room - at, ",%s,%" PRIu64 ",%s,",
                           random_below(2) ? "true" : "false", random_below(1000),
                           random_below(100) < 8 ? "" : categories[random_below(5)]);
    if (random_below(100) >= 10)
        at += add_time(out + at, room - at);
    out[at++] = '\n';
    return at;
}

static char *make_data(size_t bytes, size_t *ret_len, uint64_t *ret_rows)
{
    char *memory = calloc(1, bytes + 4096);
    if (memory == NULL)
        return NULL;
    size_t at = PEN_CHUNK_PADDING;
    uint64_t rows = 0;
    while (at < bytes)
        at += add_row(memory + at, 2048, rows++);
    *ret_len = at - PEN_CHUNK_PADDING;
    *ret_rows = rows;
    return memory;
}

/* ---- reading ---- */

struct totals {
    uint64_t rows, rejects, valid, sum;
};

static enum pen_code count_reject(struct pen_reject_sink *sink, const struct pen_reject *reject,
                                  struct pen_error *err)
{
    (void)sink, (void)reject, (void)err;
    return PEN_OK;
}

static void add_batch(struct totals *totals, const struct pen_batch *batch)
{
    totals->rows += batch->rows;
    for (size_t c = 0; c < batch->column_count; c++) {
        for (size_t w = 0; w < (batch->rows + 63) / 64; w++)
            totals->valid += (uint64_t)__builtin_popcountll(batch->columns[c].validity[w]);
        totals->sum += (uint64_t)pen_column_longs(&batch->columns[c])[0];
    }
}

static enum pen_code read_chunk(const struct pen_parse *parse, struct pen_chunk *chunk,
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

static enum pen_code read_all(const struct pen_parse *parse, struct pen_slice data, bool is_typed,
                              struct totals *totals, struct pen_error *err)
{
    struct pen_reject_sink sink = {.report = count_reject};
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
        if (code == PEN_OK && is_typed)
            code = read_chunk(parse, chunk, batch, totals, err);
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

static enum pen_code measure(const char *what, const struct pen_parse *parse, struct pen_slice data,
                             bool is_typed, int rounds, struct pen_error *err)
{
    double best = 1e9;
    struct totals totals = {0};
    for (int i = 0; i < rounds; i++) {
        totals = (struct totals){0};
        double start = cpu_seconds();
        PEN_TRY(read_all(parse, data, is_typed, &totals, err));
        double took = cpu_seconds() - start;
        best = took < best ? took : best;
    }
    printf("%-12s %8.0f MB/s", what, (double)data.len / best / 1e6);
    if (is_typed)
        printf("  %5.0f ns/row  %" PRIu64 " rows  %" PRIu64 " values  sum %016" PRIx64,
               best * 1e9 / (double)totals.rows, totals.rows, totals.valid, totals.sum);
    printf("\n");
    return PEN_OK;
}

static enum pen_code run(size_t megabytes, int rounds, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    PEN_CLEANUP(pen_parse_free_p) struct pen_parse *parse = NULL;
    struct pen_bind bind = {.file = "bench", .arena = &arena};
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(options_text), "bench", &arena, &root, err));
    PEN_TRY(pen_parse_new(&pen_parse_csv, root, false, &bind, &parse, err));
    size_t len = 0;
    uint64_t rows = 0;
    PEN_CLEANUP(pen_free_p) char *memory = make_data(megabytes * 1000000, &len, &rows);
    if (memory == NULL)
        return pen_fail_nomem(err);
    struct pen_slice data = pen_slice(memory + PEN_CHUNK_PADDING, len);
    printf("%zu bytes, %" PRIu64 " rows, %s\n", len, rows, pen_simd_name(pen_simd_level()));
    double start = cpu_seconds();
    bool is_valid = pen_utf8_is_valid(data);
    printf("%-12s %8.0f MB/s%s\n", "utf-8 check", (double)len / (cpu_seconds() - start) / 1e6,
           is_valid ? "" : "  INVALID");
    PEN_TRY(measure("index only", parse, data, false, rounds, err));
    return measure("typed parse", parse, data, true, rounds, err);
}

int main(int argc, char **argv)
{
    long megabytes = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 5;
    struct pen_error err = {0};
    if (megabytes < 1 || megabytes > 10000 || rounds < 1 || rounds > 1000 ||
        run((size_t)megabytes, (int)rounds, &err) != PEN_OK) {
        (void)fprintf(stderr, "bench_parse [MEGABYTES [ROUNDS]]: %s\n", err.message);
        return 1;
    }
    return 0;
}
