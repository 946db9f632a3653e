/* duck_stream.c - a task stream as a table function:
 *     batch (<= 2048 rows) --memcpy per column--> DuckDB vectors
 * Texts are handed over as pointers: a batch lives until the worker's call after the next one, and
 * by then the sink has copied it. */
#include "duck/duck_internal.h"

#include <stdio.h>
#include <stdlib.h>

static_assert(sizeof(duckdb_string_t) == sizeof(struct pen_string), "handed over by memcpy");

struct local {
    unsigned worker;
};

static duckdb_logical_type make_type(enum pen_type type)
{
    static const duckdb_type types[PEN_TYPE_COUNT] = {
        [PEN_TYPE_BOOLEAN] = DUCKDB_TYPE_BOOLEAN,     [PEN_TYPE_LONG] = DUCKDB_TYPE_BIGINT,
        [PEN_TYPE_DOUBLE] = DUCKDB_TYPE_DOUBLE,       [PEN_TYPE_STRING] = DUCKDB_TYPE_VARCHAR,
        [PEN_TYPE_TIMESTAMP] = DUCKDB_TYPE_TIMESTAMP, [PEN_TYPE_JSON] = DUCKDB_TYPE_VARCHAR,
    };
    duckdb_logical_type made = duckdb_create_logical_type(types[type]);
    /* the alias makes it DuckDB's JSON type without a cast that would parse every value again */
    if (type == PEN_TYPE_JSON)
        duckdb_logical_type_set_alias(made, "JSON");
    return made;
}

static void bind(duckdb_bind_info info)
{
    duckdb_value address = duckdb_bind_get_parameter(info, 0);
    /* the address is made by pen_duck_write_part and outlives its statement */
    const struct pen_duck_feed *feed = (const void *)(uintptr_t)duckdb_get_int64(address);
    duckdb_destroy_value(&address);
    const struct pen_schema *schema = feed->stream->schema;
    for (size_t i = 0; i < schema->count; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "c%zu", i); /* always fits */
        duckdb_logical_type type = make_type(schema->fields[i].type);
        duckdb_bind_add_result_column(info, name, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_bind_data(info, (void *)(uintptr_t)feed, NULL);
}

static void init(duckdb_init_info info)
{
    const struct pen_duck_feed *feed = duckdb_init_get_bind_data(info);
    duckdb_init_set_max_threads(info, feed->stream->worker_count);
}

static void local_init(duckdb_init_info info)
{
    struct pen_duck_feed *feed = duckdb_init_get_bind_data(info);
    struct local *local = malloc(sizeof *local);
    if (local == NULL) {
        duckdb_init_set_error(info, "out of memory");
        return;
    }
    local->worker = atomic_fetch_add(&feed->next_worker, 1);
    duckdb_init_set_init_data(info, local, free);
}

/* The next batch with rows in it, or NULL at the end. */
static enum pen_code pull(struct pen_duck_feed *feed, unsigned worker,
                          const struct pen_batch **ret_batch, struct pen_error *err)
{
    const struct pen_batch *batch = NULL;
    do {
        if (feed->cancel != NULL && *feed->cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "cancelled");
        PEN_TRY(feed->stream->next(feed->stream, worker, &batch, err));
    } while (batch != NULL && batch->rows == 0);
    *ret_batch = batch;
    return PEN_OK;
}

static uint64_t count_nulls(const struct pen_column *column, size_t rows)
{
    uint64_t valid = 0;
    size_t words = rows / 64;
    for (size_t i = 0; i < words; i++)
        valid += (uint64_t)__builtin_popcountll(column->validity[i]);
    if (rows % 64 != 0) {
        uint64_t mask = (UINT64_C(1) << (rows % 64)) - 1;
        valid += (uint64_t)__builtin_popcountll(column->validity[words] & mask);
    }
    return rows - valid;
}

static void fill_vector(struct pen_duck_feed *feed, size_t index, const struct pen_batch *batch,
                        duckdb_vector vector)
{
    const struct pen_column *column = &batch->columns[index];
    memcpy(duckdb_vector_get_data(vector), column->data,
           batch->rows * pen_value_bytes(column->type));
    uint64_t nulls = count_nulls(column, batch->rows);
    if (nulls == 0)
        return;
    atomic_fetch_add_explicit(&feed->nulls[index], nulls, memory_order_relaxed);
    duckdb_vector_ensure_validity_writable(vector);
    memcpy(duckdb_vector_get_validity(vector), column->validity, (batch->rows + 63) / 64 * 8);
    if (!pen_type_is_text(column->type))
        return;
    /* a null's text may be anything; DuckDB looks at lengths of nulls in places */
    duckdb_string_t *strings = duckdb_vector_get_data(vector);
    for (size_t row = 0; row < batch->rows; row++)
        if (!pen_column_is_valid(column, row))
            memset(&strings[row], 0, sizeof strings[row]);
}

static void next_chunk(duckdb_function_info info, duckdb_data_chunk output)
{
    struct pen_duck_feed *feed = duckdb_function_get_bind_data(info);
    const struct local *local = duckdb_function_get_local_init_data(info);
    duckdb_data_chunk_set_size(output, 0);
    if (local->worker >= feed->stream->worker_count)
        return; /* a thread too many: the others see to it */
    const struct pen_batch *batch = NULL;
    struct pen_error err = {0};
    if (pull(feed, local->worker, &batch, &err) != PEN_OK) {
        pen_first_error_note(&feed->first, &err);
        duckdb_function_set_error(info, "the stream failed");
        return;
    }
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->column_count; i++)
        fill_vector(feed, i, batch, duckdb_data_chunk_get_vector(output, i));
    atomic_fetch_add_explicit(&feed->rows, batch->rows, memory_order_relaxed);
    duckdb_data_chunk_set_size(output, batch->rows);
}

enum pen_code pen_duck_add_stream_function(duckdb_connection connection, struct pen_error *err)
{
    assert(duckdb_vector_size() >= PEN_BATCH_ROWS);
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type address = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(function, "pen_stream");
    duckdb_table_function_add_parameter(function, address);
    duckdb_table_function_set_bind(function, bind);
    duckdb_table_function_set_init(function, init);
    duckdb_table_function_set_local_init(function, local_init);
    duckdb_table_function_set_function(function, next_chunk);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_logical_type(&address);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess
               ? PEN_OK
               : pen_fail(err, PEN_ERR_INTERNAL, "duckdb: table function cannot be registered");
}
