/* bench_filters - what each filter costs: batches of 2,048 rows x 12 columns in memory, one thread.
 *
 *     bench_filters [ROUNDS]     prints a line a filter: processor time in ns a row, of the best
 *                                round of 100 batches, and how many rows came out of a batch
 *
 * Only apply is measured; the batch is filled anew before each, outside of the clock. */
#include "registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCHES   100
#define LINE_ROOM 16

static const struct {
    const char *name;
    enum pen_type type;
} columns[] = {
    {"id", PEN_TYPE_LONG},         {"user_id", PEN_TYPE_LONG},         {"quantity", PEN_TYPE_LONG},
    {"price", PEN_TYPE_DOUBLE},    {"discount", PEN_TYPE_DOUBLE},      {"country", PEN_TYPE_STRING},
    {"category", PEN_TYPE_STRING}, {"session", PEN_TYPE_STRING},       {"created", PEN_TYPE_STRING},
    {"record", PEN_TYPE_JSON},     {"created_at", PEN_TYPE_TIMESTAMP}, {"active", PEN_TYPE_BOOLEAN},
};
#define COLUMNS (sizeof columns / sizeof columns[0])

/* what is measured: the label, and the filter as it would be written */
static const struct {
    const char *label, *config;
} cases[] = {
    {"column: drop 2", "type: column\ndrop_columns: [{name: price}, {name: session}]\n"},
    {"column: retain 6, other order",
     "type: column\ncolumns: [{name: active}, {name: id}, {name: session}, {name: price}, {name: "
     "country}, {name: record}]\n"},
    {"column: copy and fill nulls",
     "type: column\nadd_columns: [{name: q, src: quantity, default: 0}]\n"},
    {"column: add a constant",
     "type: column\nadd_columns: [{name: c, type: string, default: web}]\n"},
    {"column: drop a json member", "type: column\ndrop_columns: [{name: $.record.email}]\n"},
    {"remove_columns: 2", "type: remove_columns\nremove: [price, session]\n"},
    {"rename: 2 rules", "type: rename\nrules: [{rule: lower_to_upper}, {rule: truncate}]\n"},
    {"expand_json: 3 of 6 members",
     "type: expand_json\njson_column_name: record\nexpanded_columns: [{name: user, type: long}, "
     "{name: email, type: string}, {name: address.city, type: string}]\n"},
    {"hash: SHA-256 of 24 bytes", "type: hash\ncolumns: [{name: session}]\n"},
    {"hash: MD5 of 24 bytes", "type: hash\ncolumns: [{name: session, algorithm: MD5}]\n"},
    {"hash: SHA-256 with salt", "type: digest\ncolumns: [{name: session, salt: pepper}]\n"},
    {"hash: HmacSHA256 of 24 bytes",
     "type: hash\ncolumns: [{name: session, algorithm: HmacSHA256, secret_key: key}]\n"},
    {"hash: SHA-256 of a long", "type: hash\ncolumns: [{name: user_id}]\n"},
    {"add_time: from a text",
     "type: add_time\nto_column: {name: time, type: long}\nfrom_column: {name: created, "
     "timestamp_format: '%Y-%m-%d %H:%M:%S'}\n"},
    {"add_time: from a timestamp",
     "type: add_time\nto_column: {name: time, type: long}\nfrom_column: {name: created_at}\n"},
    {"add_time: from json",
     "type: add_time\nto_column: {name: time}\nfrom_column: {name: record, json_key: at}\n"},
    {"add_time: upload time",
     "type: add_time\nto_column: {name: time, type: long}\nfrom_value: {mode: upload_time}\n"},
    {"where: a long, half stay",
     "type: where\nall: [{column: quantity, operator: <, value: 50}]\n"},
    {"where: 3 conditions, all stay",
     "type: where\nall: [{column: id, operator: '>=', value: 0}, {column: country, operator: in, "
     "value: [JP, US, DE, FR, BR, IN]}, {column: record, operator: is_not_null}]\n"},
    {"where: a pattern, a third stays",
     "type: where\nall: [{column: country, operator: matches, value: '^(JP|US)$'}]\n"},
    {"mask: 24 bytes, last 4", "type: mask\ncolumns: [{name: session, last: 4}]\n"},
    {"source_columns: all", "type: source_columns\n"},
    {"source_columns: key", "type: source_columns\ncolumns: [key]\n"},
};

/* --- data --------------------------------------------------------------------------------------
 */

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t n)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % n;
}

/* A batch's worth of values, made once. */
struct data {
    struct pen_schema schema;
    struct pen_arena arena;
    struct pen_column columns[COLUMNS];
    char lines[PEN_BATCH_ROWS * LINE_ROOM];
};

static size_t text_of(size_t column, char *out, size_t room)
{
    static const char *const countries[] = {"JP", "US", "DE", "FR", "BR", "IN"};
    static const char *const categories[] = {"books", "toys", "home and garden", "music", "sports"};
    const char *name = columns[column].name;
    int len = 0;
    if (strcmp(name, "country") == 0)
        len = snprintf(out, room, "%s", countries[random_below(6)]);
    else if (strcmp(name, "category") == 0)
        len = snprintf(out, room, "%s", categories[random_below(5)]);
    else if (strcmp(name, "session") == 0)
        len = snprintf(out, room, "%08" PRIx64 "-%015" PRIx64, random_below(UINT64_C(1) << 32),
                       random_below(UINT64_C(1) << 60));
    else if (strcmp(name, "created") == 0)
        len = snprintf(out, room, "2025-%02" PRIu64 "-%02" PRIu64 " %02" PRIu64 ":15:%02" PRIu64,
                       1 + random_below(12), 1 + random_below(28), random_below(24),
                       random_below(60));
    else
        len = snprintf(out, room,
                       "{\"user\":%" PRIu64 ",\"email\":\"user%" PRIu64 "@example.com\",\"score\":"
                       "%" PRIu64 ".5,\"at\":%" PRIu64
                       ",\"tags\":[\"a\",\"b\"],\"address\":{\"city\":"
                       "\"Kyoto\",\"zip\":\"600-8216\"}}",
                       random_below(1000000), random_below(1000000), random_below(100),
                       1700000000 + random_below(10000000));
    return (size_t)len;
}

static enum pen_code fill_column(struct data *data, size_t c, struct pen_error *err)
{
    struct pen_column *column = &data->columns[c];
    column->type = columns[c].type;
    column->data = pen_arena_alloc(&data->arena, PEN_BATCH_ROWS * sizeof(struct pen_string));
    column->validity = pen_arena_alloc(&data->arena, PEN_BATCH_ROWS / 8);
    column->nanos = pen_arena_alloc(&data->arena, PEN_BATCH_ROWS * sizeof *column->nanos);
    if (column->data == NULL || column->validity == NULL || column->nanos == NULL)
        return pen_fail_nomem(err);
    memset(column->nanos, 0, PEN_BATCH_ROWS * sizeof *column->nanos);
    for (size_t row = 0; row < PEN_BATCH_ROWS; row++) {
        char text[256];
        pen_column_set_valid(column, row,
                             strcmp(columns[c].name, "quantity") != 0 || row % 10 != 0);
        if (column->type == PEN_TYPE_LONG) {
            pen_column_longs(column)[row] = (int64_t)random_below(c == 2 ? 100 : 1000000000);
        } else if (column->type == PEN_TYPE_DOUBLE) {
            pen_column_doubles(column)[row] = (double)random_below(100000) / 100;
        } else if (column->type == PEN_TYPE_TIMESTAMP) {
            pen_column_longs(column)[row] =
                (int64_t)(UINT64_C(1700000000000000) + random_below(1u << 30));
        } else if (column->type == PEN_TYPE_BOOLEAN) {
            pen_column_booleans(column)[row] = (uint8_t)random_below(2);
        } else {
            size_t len = text_of(c, text, sizeof text);
            char *copy = pen_arena_copy(&data->arena, pen_slice(text, len));
            if (copy == NULL)
                return pen_fail_nomem(err);
            pen_column_strings(column)[row] = pen_string_make(copy, len);
        }
    }
    return PEN_OK;
}

static enum pen_code make_data(struct data *data, struct pen_error *err)
{
    data->arena = PEN_ARENA((size_t)64 << 20);
    for (size_t c = 0; c < COLUMNS; c++) {
        PEN_TRY(pen_schema_add(&data->schema, pen_slice_str(columns[c].name), columns[c].type, NULL,
                               err));
        PEN_TRY(fill_column(data, c, err));
    }
    memset(data->lines, 'x', sizeof data->lines);
    for (size_t row = 0; row < PEN_BATCH_ROWS; row++)
        data->lines[row * LINE_ROOM + LINE_ROOM - 1] = '\n';
    return PEN_OK;
}

static size_t value_bytes(enum pen_type type)
{
    if (type == PEN_TYPE_STRING || type == PEN_TYPE_JSON)
        return sizeof(struct pen_string);
    return type == PEN_TYPE_BOOLEAN ? 1 : 8;
}

static enum pen_code fill_batch(const struct data *data, struct pen_batch *batch,
                                struct pen_error *err)
{
    PEN_TRY(pen_batch_begin(batch, &data->schema, err));
    struct pen_origin origin = {.object = "s3://the-bucket/events/2025-06-01/part-0001.csv",
                                .etag = "9b2cf535f27731c974343645a3985328",
                                .text = data->lines,
                                .base_line = 1};
    PEN_TRY(pen_batch_add_origin(batch, origin, err));
    for (size_t c = 0; c < COLUMNS; c++) {
        const struct pen_column *from = &data->columns[c];
        struct pen_column *into = &batch->columns[c];
        memcpy(into->data, from->data, PEN_BATCH_ROWS * value_bytes(from->type));
        memcpy(into->validity, from->validity, PEN_BATCH_ROWS / 8);
        if (from->type == PEN_TYPE_TIMESTAMP)
            memcpy(into->nanos, from->nanos, PEN_BATCH_ROWS * sizeof *from->nanos);
    }
    for (uint32_t row = 0; row < PEN_BATCH_ROWS; row++) {
        batch->row_start[row] = row * LINE_ROOM;
        batch->row_end[row] = row * LINE_ROOM + LINE_ROOM - 1;
    }
    batch->rows = PEN_BATCH_ROWS;
    return PEN_OK;
}

/* --- measuring ----------------------------------------------------------------------------------
 */

static enum pen_code fail_reject(struct pen_reject_sink *sink, const struct pen_reject *reject,
                                 struct pen_error *err)
{
    (void)sink;
    return pen_fail(err, PEN_ERR_CORRUPT, "a record was rejected: %.*s", PEN_ARG(reject->reason));
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there on Linux */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum pen_code run_round(struct pen_filter_local *local, const struct data *data,
                               struct pen_batch *batch, double *ret_seconds, struct pen_error *err)
{
    double seconds = 0;
    for (int i = 0; i < BATCHES; i++) {
        PEN_TRY(fill_batch(data, batch, err));
        double start = cpu_seconds();
        PEN_TRY(local->filter->type->apply(local, batch, err));
        seconds += cpu_seconds() - start;
    }
    *ret_seconds = seconds;
    return PEN_OK;
}

static enum pen_code measure(size_t index, const struct data *data, int rounds,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    PEN_CLEANUP(pen_filter_free_p) struct pen_filter *filter = NULL;
    PEN_CLEANUP(pen_filter_local_free_p) struct pen_filter_local *local = NULL;
    PEN_CLEANUP(pen_batch_free_p) struct pen_batch *batch = NULL;
    struct pen_reject_sink sink = {.report = fail_reject};
    struct pen_bind bind = {.file = cases[index].label, .arena = &arena};
    struct pen_node *config = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(cases[index].config), bind.file, &arena, &config, err));
    const struct pen_filter_type *type = pen_find_filter(pen_node_get(config, "type")->text);
    PEN_TRY(pen_filter_new(type, config, &bind, 0, &data->schema, &filter, err));
    PEN_TRY(pen_filter_local_new(filter, &sink, &local, err));
    PEN_TRY(pen_batch_new(PEN_BATCH_ROWS, &batch, err));
    double best = 1e9;
    for (int i = 0; i < rounds; i++) {
        double seconds = 0;
        PEN_TRY(run_round(local, data, batch, &seconds, err));
        best = seconds < best ? seconds : best;
    }
    printf("filters %-33s %8.2f ns a row  %4zu of %d rows stay\n", cases[index].label,
           best * 1e9 / BATCHES / PEN_BATCH_ROWS, batch->rows, PEN_BATCH_ROWS);
    return PEN_OK;
}

static enum pen_code run(int rounds, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) struct data *data = calloc(1, sizeof *data);
    if (data == NULL)
        return pen_fail_nomem(err);
    enum pen_code code = make_data(data, err);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && code == PEN_OK; i++)
        code = measure(i, data, rounds, err);
    pen_schema_clear(&data->schema);
    pen_arena_release(&data->arena);
    return code;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    struct pen_error err = {0};
    if (rounds < 1 || rounds > 1000 || run((int)rounds, &err) != PEN_OK) {
        (void)fprintf(stderr, "bench_filters [ROUNDS]: %s: %s\n", err.where, err.message);
        return 1;
    }
    return 0;
}
