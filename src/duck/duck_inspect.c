#include "duck/duck_inspect.h"

#include "duck/duck_internal.h"

/* --- rows ----------------------------------------------------------------------------------------
 */

/* Rows of texts, one call each. */
typedef enum pen_code (*row_fn)(void *context, duckdb_data_chunk chunk, idx_t row,
                                struct pen_error *err);

static enum pen_code each_row(duckdb_result *result, row_fn fn, void *context,
                              struct pen_error *err)
{
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
        if (chunk == NULL)
            return PEN_OK;
        enum pen_code code = PEN_OK;
        for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk) && code == PEN_OK; i++)
            code = fn(context, chunk, i, err);
        duckdb_destroy_data_chunk(&chunk);
        PEN_TRY(code);
    }
}

struct look {
    struct pen_duck *duck;
    const struct pen_duck_inspect *inspect;
    struct pen_arena *arena;
    struct pen_duck_file_facts *facts;
    uint64_t skip;    /* schema rows that are inside a nested column */
    uint64_t to_come; /* top-level columns still to come */
};

static enum pen_code query(struct look *look, const char *sql, row_fn fn, struct pen_error *err)
{
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(look->duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    duckdb_result result;
    enum pen_code code = pen_duck_run_result(connection, sql, look->inspect->cancel, &result, err);
    if (code == PEN_OK)
        code = each_row(&result, fn, look, err);
    duckdb_destroy_result(&result);
    return code;
}

static int64_t number_at(duckdb_data_chunk chunk, idx_t column, idx_t row, int64_t fallback)
{
    struct pen_slice text;
    if (!pen_duck_text_at(duckdb_data_chunk_get_vector(chunk, column), row, &text))
        return fallback;
    int64_t value = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        value = value * 10 + (text.ptr[i] - '0');
    return value;
}

static enum pen_code copy_at(struct look *look, duckdb_data_chunk chunk, idx_t column, idx_t row,
                             const char **ret_text, struct pen_error *err)
{
    struct pen_slice text;
    *ret_text = NULL;
    if (!pen_duck_text_at(duckdb_data_chunk_get_vector(chunk, column), row, &text))
        return PEN_OK;
    return pen_arena_text(look->arena, text, ret_text, err);
}

/* --- footer ------------------------------------------------------------------------------------
 */

static enum pen_code take_footer(void *context, duckdb_data_chunk chunk, idx_t row,
                                 struct pen_error *err)
{
    (void)err; /* numbers only */
    struct look *look = context;
    look->facts->rows = (uint64_t)number_at(chunk, 0, row, 0);
    look->facts->footer_bytes = (uint64_t)number_at(chunk, 1, row, 0);
    return PEN_OK;
}

/* shape: depth first; the first row is the root and counts its children. */
static enum pen_code take_schema(void *context, duckdb_data_chunk chunk, idx_t row,
                                 struct pen_error *err)
{
    struct look *look = context;
    struct pen_duck_file_facts *facts = look->facts;
    uint64_t children = (uint64_t)number_at(chunk, 2, row, 0);
    if (look->skip > 0) { /* inside a nested column; its own children come behind it */
        look->skip += children - 1;
        return PEN_OK;
    }
    if (look->to_come == 0) { /* the root */
        look->to_come = children;
        return PEN_OK;
    }
    look->to_come--;
    look->skip = children;
    PEN_TRY(pen_arena_grow(look->arena, &facts->columns, facts->column_count,
                           sizeof *facts->columns, err));
    struct pen_duck_file_column *column = &facts->columns[facts->column_count++];
    *column = (struct pen_duck_file_column){.field_id = number_at(chunk, 1, row, -1)};
    PEN_TRY(copy_at(look, chunk, 0, row, &column->name, err));
    PEN_TRY(copy_at(look, chunk, 3, row, &column->type, err));
    if (children > 0 || column->type == NULL)
        column->type = "nested";
    return PEN_OK;
}

static enum pen_code read_footer(struct look *look, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_str(&sql,
                            "SELECT num_rows::VARCHAR, footer_size::VARCHAR "
                            "FROM parquet_file_metadata(",
                            err));
    PEN_TRY(pen_duck_add_literal(&sql, look->inspect->path, err));
    PEN_TRY(pen_buf_add_char(&sql, ')', err));
    PEN_TRY(query(look, sql.ptr, take_footer, err));
    pen_buf_clear(&sql);
    PEN_TRY(pen_buf_add_str(&sql,
                            "SELECT name, field_id::VARCHAR, num_children::VARCHAR, duckdb_type "
                            "FROM parquet_schema(",
                            err));
    PEN_TRY(pen_duck_add_literal(&sql, look->inspect->path, err));
    PEN_TRY(pen_buf_add_char(&sql, ')', err));
    return query(look, sql.ptr, take_schema, err);
}

/* --- data --------------------------------------------------------------------------------------
 */

static bool is_float(const char *type)
{
    return strcmp(type, "DOUBLE") == 0 || strcmp(type, "FLOAT") == 0;
}

static bool has_order(const char *type)
{
    static const char *const plain[] = {"BOOLEAN",  "VARCHAR",  "JSON",      "DOUBLE",   "FLOAT",
                                        "DATE",     "TIME",     "TIMESTAMP", "TINYINT",  "INTEGER",
                                        "SMALLINT", "BIGINT",   "HUGEINT",   "UTINYINT", "UBIGINT",
                                        "UINTEGER", "USMALLINT"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (strcmp(type, plain[i]) == 0)
            return true;
    return strncmp(type, "DECIMAL(", 8) == 0;
}

/* "count(c)::VARCHAR, min(c)::VARCHAR, max(c)::VARCHAR, bool_or(isnan(c))::VARCHAR" */
static enum pen_code add_column(struct pen_buf *sql, const struct pen_duck_file_column *column,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_duck_add_name(&name, column->name, err));
    PEN_TRY(pen_buf_addf(sql, err, ", count(%s)::VARCHAR", name.ptr));
    if (!has_order(column->type))
        return pen_buf_add_str(sql, ", NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR", err);
    if (!is_float(column->type))
        return pen_buf_addf(sql, err, ", min(%s)::VARCHAR, max(%s)::VARCHAR, NULL::VARCHAR",
                            name.ptr, name.ptr);
    return pen_buf_addf(sql, err,
                        ", (min(%s) FILTER (NOT isnan(%s)))::VARCHAR, (max(%s) FILTER (NOT "
                        "isnan(%s)))::VARCHAR, bool_or(isnan(%s))::VARCHAR",
                        name.ptr, name.ptr, name.ptr, name.ptr, name.ptr);
}

static enum pen_code take_values(void *context, duckdb_data_chunk chunk, idx_t row,
                                 struct pen_error *err)
{
    struct look *look = context;
    uint64_t rows = (uint64_t)number_at(chunk, 0, row, 0);
    if (rows != look->facts->rows)
        return pen_fail(err, PEN_ERR_CORRUPT, "the footer says %llu rows, there are %llu",
                        (unsigned long long)look->facts->rows, (unsigned long long)rows);
    for (size_t i = 0; i < look->facts->column_count; i++) {
        struct pen_duck_file_column *column = &look->facts->columns[i];
        idx_t at = 1 + 4 * i;
        struct pen_slice nan;
        column->has_values = true;
        column->has_bounds = has_order(column->type);
        column->null_count = rows - (uint64_t)number_at(chunk, at, row, 0);
        PEN_TRY(copy_at(look, chunk, at + 1, row, &column->min, err));
        PEN_TRY(copy_at(look, chunk, at + 2, row, &column->max, err));
        column->contains_nan =
            pen_duck_text_at(duckdb_data_chunk_get_vector(chunk, at + 3), row, &nan) &&
            pen_slice_is(nan, "true");
    }
    return PEN_OK;
}

static enum pen_code read_values(struct look *look, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_str(&sql, "SELECT count(*)::VARCHAR", err));
    for (size_t i = 0; i < look->facts->column_count; i++)
        PEN_TRY(add_column(&sql, &look->facts->columns[i], err));
    PEN_TRY(pen_buf_add_str(&sql, " FROM read_parquet(", err));
    PEN_TRY(pen_duck_add_literal(&sql, look->inspect->path, err));
    /* names of folders ("id=1") are no columns */
    PEN_TRY(pen_buf_add_str(&sql, ", hive_partitioning = false)", err));
    return query(look, sql.ptr, take_values, err);
}

enum pen_code pen_duck_inspect_file(struct pen_duck *duck, const struct pen_duck_inspect *inspect,
                                    struct pen_arena *arena, struct pen_duck_file_facts *ret_facts,
                                    struct pen_error *err)
{
    struct pen_duck_file_facts facts = {.rows = 0};
    struct look look = {.duck = duck, .inspect = inspect, .arena = arena, .facts = &facts};
    PEN_TRY(read_footer(&look, err));
    if (inspect->is_deep)
        PEN_TRY(read_values(&look, err));
    *ret_facts = facts;
    return PEN_OK;
}
