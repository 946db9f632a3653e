/* duck_copy.c - what every COPY into a part shares: its target with field ids, and the statistics
 * that it returns:
 *     COPY (...) TO 'file' (... RETURN_STATS) --one row--> struct pen_part */
#include "duck/duck_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Statistics of longer texts are shortened by the writer: such a bound is not the true minimum or
 * maximum, so it is not handed on. */
#define MAX_STATISTICS_TEXT 255

/* A column with more distinct values in a row group gets no dictionary. The writer's own limit is
 * 24,576: columns of unlike values then cost a tenth of a load in vain, and columns between the two
 * limits are rare (measured on the benchmark: files of the same size). */
#define DICTIONARY_VALUES 8192

/* The writer holds 256 KiB of each column and thread, and 1 MiB for the dictionary of each column
 * of texts, however few rows come: some 700 columns filled 1 GiB. Past WIDE_COLUMNS dictionaries
 * are smaller, row groups shorter and the memory limit greater. */
#define WIDE_COLUMNS          ((size_t)256)
#define WIDE_DICTIONARY_BYTES 16384
#define COLUMN_BYTES          ((uint64_t)384 << 10)
#define ROW_GROUP_ROWS        ((size_t)122880)
#define VECTOR_ROWS           ((size_t)2048)

enum pen_code pen_duck_make_room(const struct pen_duck *duck, duckdb_connection connection,
                                 size_t column_count, struct pen_error *err)
{
    if (column_count <= WIDE_COLUMNS)
        return PEN_OK;
    char sql[96];
    uint64_t bytes = duck->memory_limit_bytes + column_count * duck->threads * COLUMN_BYTES;
    (void)snprintf(sql, sizeof sql, "SET GLOBAL memory_limit = '%" PRIu64 "B'", bytes);
    return pen_duck_run(connection, sql, err);
}

static enum pen_code add_wide_options(struct pen_buf *sql, size_t column_count,
                                      struct pen_error *err)
{
    if (column_count <= WIDE_COLUMNS)
        return PEN_OK;
    size_t vectors = ROW_GROUP_ROWS / VECTOR_ROWS * WIDE_COLUMNS / column_count;
    return pen_buf_addf(sql, err, "STRING_DICTIONARY_PAGE_SIZE_LIMIT %d, ROW_GROUP_SIZE %zu, ",
                        WIDE_DICTIONARY_BYTES, (vectors > 0 ? vectors : 1) * VECTOR_ROWS);
}

static enum pen_code add_field_ids(struct pen_buf *sql, size_t count,
                                   const struct pen_part_field *columns, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "FIELD_IDS {", err));
    for (size_t i = 0; i < count; i++) {
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? "" : ", ", err));
        PEN_TRY(pen_duck_add_name(sql, columns[i].name, err));
        PEN_TRY(pen_buf_addf(sql, err, ": %lld", (long long)columns[i].field_id));
    }
    return pen_buf_add_char(sql, '}', err);
}

enum pen_code pen_duck_add_copy_target(struct pen_buf *sql,
                                       const struct pen_duck_copy_target *target,
                                       struct pen_error *err)
{
    static const char *const compressions[] = {
        [PEN_PART_ZSTD] = "zstd",
        [PEN_PART_SNAPPY] = "snappy",
        [PEN_PART_UNCOMPRESSED] = "uncompressed",
    };
    PEN_TRY(pen_buf_add_str(sql, " TO ", err));
    PEN_TRY(pen_duck_add_literal(sql, target->path, err));
    PEN_TRY(pen_buf_addf(sql, err,
                         " (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION %s, RETURN_STATS, "
                         "USE_TMP_FILE false, DICTIONARY_SIZE_LIMIT %d, ",
                         compressions[target->compression], DICTIONARY_VALUES));
    PEN_TRY(add_wide_options(sql, target->column_count, err));
    PEN_TRY(add_field_ids(sql, target->column_count, target->columns, err));
    return pen_buf_add_char(sql, ')', err);
}

/* --- what RETURN_STATS says --------------------------------------------------------------------
 */

static struct pen_slice string_at(duckdb_vector vector, idx_t row)
{
    duckdb_string_t *value = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;
    return pen_slice(duckdb_string_t_data(value), duckdb_string_t_length(*value));
}

static uint64_t number_of(struct pen_slice text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    return value;
}

/* A bound as text; NULL (unknown) when it was shortened or cannot be a C text. */
static enum pen_code take_bound(struct pen_arena *arena, struct pen_slice text,
                                const char **ret_bound, struct pen_error *err)
{
    *ret_bound = NULL;
    if (text.len > MAX_STATISTICS_TEXT || (text.len > 0 && memchr(text.ptr, '\0', text.len)))
        return PEN_OK;
    return pen_arena_text(arena, text, ret_bound, err);
}

static enum pen_code take_statistic(struct pen_arena *arena, struct pen_slice key,
                                    struct pen_slice value, struct pen_part_column *column,
                                    struct pen_error *err)
{
    if (pen_slice_is(key, "min"))
        return take_bound(arena, value, &column->min, err);
    if (pen_slice_is(key, "max"))
        return take_bound(arena, value, &column->max, err);
    if (pen_slice_is(key, "num_values"))
        column->value_count = number_of(value);
    else if (pen_slice_is(key, "null_count"))
        column->null_count = number_of(value);
    else if (pen_slice_is(key, "column_size_bytes"))
        column->size_bytes = number_of(value);
    else if (pen_slice_is(key, "has_nan")) {
        column->has_nan_info = true;
        column->contains_nan = pen_slice_is(value, "true");
    }
    return PEN_OK;
}

/* The column that a statistics key ("name", quoted as an identifier) speaks of. */
static enum pen_code find_column(const struct pen_part_field *columns, size_t count,
                                 struct pen_slice key, size_t *ret_at, struct pen_error *err)
{
    for (size_t i = 0; i < count; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf quoted = PEN_BUF(PEN_BUF_TEXT_MAX);
        PEN_TRY(pen_duck_add_name(&quoted, columns[i].name, err));
        if (pen_slice_equal(pen_buf_slice(&quoted), key)) {
            *ret_at = i;
            return PEN_OK;
        }
    }
    *ret_at = SIZE_MAX;
    return PEN_OK;
}

/* shape: one row; column 4 is MAP(column name -> MAP(statistic -> text)). */
static enum pen_code take_columns(duckdb_vector map, const struct pen_part_field *names,
                                  struct pen_arena *arena, struct pen_part *part,
                                  struct pen_error *err)
{
    duckdb_vector entries = duckdb_list_vector_get_child(map);
    duckdb_vector keys = duckdb_struct_vector_get_child(entries, 0);
    duckdb_vector values = duckdb_struct_vector_get_child(entries, 1);
    duckdb_vector inner = duckdb_list_vector_get_child(values);
    duckdb_vector inner_keys = duckdb_struct_vector_get_child(inner, 0);
    duckdb_vector inner_values = duckdb_struct_vector_get_child(inner, 1);
    const duckdb_list_entry *outer = duckdb_vector_get_data(map);
    const duckdb_list_entry *lists = duckdb_vector_get_data(values);
    for (idx_t i = outer->offset; i < outer->offset + outer->length; i++) {
        size_t at = SIZE_MAX;
        PEN_TRY(find_column(names, part->column_count, string_at(keys, i), &at, err));
        if (at == SIZE_MAX)
            continue; /* a field inside a nested column */
        for (idx_t k = lists[i].offset; k < lists[i].offset + lists[i].length; k++)
            PEN_TRY(take_statistic(arena, string_at(inner_keys, k), string_at(inner_values, k),
                                   &part->columns[at], err));
    }
    return PEN_OK;
}

enum pen_code pen_duck_take_part(duckdb_result *result, const struct pen_duck_copy_target *target,
                                 struct pen_parts *ret_parts, struct pen_error *err)
{
    duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
    if (chunk == NULL || duckdb_data_chunk_get_size(chunk) != 1) {
        duckdb_destroy_data_chunk(&chunk);
        return pen_fail(err, PEN_ERR_INTERNAL, "duckdb: COPY returned no statistics");
    }
    const size_t count = target->column_count;
    const uint64_t *numbers[4] = {NULL};
    for (idx_t i = 1; i < 4; i++)
        numbers[i] = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i));
    PEN_CLEANUP(pen_free_p) char *path = strdup(target->path);
    PEN_CLEANUP(pen_free_p) struct pen_part_column *columns = calloc(count + 1, sizeof *columns);
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_part part = {.path = path,
                            .rows = numbers[1][0],
                            .size_bytes = numbers[2][0],
                            .footer_bytes = numbers[3][0],
                            .columns = columns,
                            .column_count = count};
    enum pen_code code = path == NULL || columns == NULL ? pen_fail_nomem(err) : PEN_OK;
    if (code == PEN_OK)
        code = take_columns(duckdb_data_chunk_get_vector(chunk, 4), target->columns, &arena, &part,
                            err);
    duckdb_destroy_data_chunk(&chunk);
    PEN_TRY(code);
    return pen_parts_add(ret_parts, &part, err);
}
