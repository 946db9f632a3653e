/* duck_query.c - one statement: check --prepare--> (wrap unusual types) --stream--> batches. */
#include "duck/duck_query.h"

#include "duck/duck_session.h"

#include <stdlib.h>
#include <strings.h>

struct pen_duck_query {
    struct pen_duck_session *session;
    duckdb_prepared_statement statement;
    duckdb_result result;
    bool has_result;
    duckdb_data_chunk chunk; /* holds the texts of the current batch */
    struct pen_schema schema;
    duckdb_type *types; /* DuckDB's, of the statement that runs */
    struct pen_batch *batch;
};

static inline void destroy_prepare(duckdb_prepared_statement *statement)
{
    duckdb_destroy_prepare(statement); /* NULL is fine */
}

/* --- which statements run ----------------------------------------------------------------------
 */

static enum pen_code prepare(duckdb_connection connection, const char *sql,
                             duckdb_prepared_statement *ret_statement, struct pen_error *err)
{
    if (duckdb_prepare(connection, sql, ret_statement) == DuckDBSuccess)
        return PEN_OK;
    enum pen_code code = pen_duck_fail_words(duckdb_prepare_error(*ret_statement), err);
    duckdb_destroy_prepare(ret_statement);
    *ret_statement = NULL;
    return code;
}

static enum pen_code check_single(duckdb_connection connection, const char *sql,
                                  struct pen_error *err)
{
    duckdb_extracted_statements statements = NULL;
    idx_t count = duckdb_extract_statements(connection, sql, &statements);
    enum pen_code code = PEN_OK;
    const char *text = statements == NULL ? NULL : duckdb_extract_statements_error(statements);
    if (count == 0 && text != NULL)
        code = pen_duck_fail_words(text, err);
    else if (count == 0)
        code = pen_fail(err, PEN_ERR_CONFIG, "the query is empty");
    else if (count > 1)
        code = pen_fail(err, PEN_ERR_CONFIG, "one statement at a time, here are %llu",
                        (unsigned long long)count);
    duckdb_destroy_extracted(&statements);
    return code;
}

static const char *skip_space(const char *sql)
{
    return sql + strspn(sql, " \t\r\n");
}

static const char *skip_word(const char *sql, const char *word)
{
    size_t len = strlen(word);
    return strncasecmp(sql, word, len) == 0 ? skip_space(sql + len) : sql;
}

/* What EXPLAIN [ANALYZE] [(options)] is to explain: ANALYZE runs it. */
static const char *explained(const char *sql)
{
    sql = skip_word(skip_space(sql), "explain");
    sql = skip_word(sql, "analyze");
    const char *end = *sql == '(' ? strchr(sql, ')') : NULL;
    return end == NULL ? sql : end + 1;
}

static enum pen_code fail_not_reading(struct pen_error *err)
{
    pen_fail(err, PEN_ERR_AUTH,
             "queries may only read: SELECT, WITH, VALUES, SHOW, DESCRIBE, "
             "EXPLAIN");
    pen_error_hint(err, "rows come in by loads; tables and databases have commands of their own");
    return PEN_ERR_AUTH;
}

/* Whether the statement begins like one that changes something: for a better word than DuckDB's
 * when it could not even be prepared. */
static bool begins_like_a_change(const char *sql)
{
    static const char *const words[] = {"insert", "update", "delete", "create",  "drop",
                                        "alter",  "copy",   "export", "attach",  "detach",
                                        "set",    "use",    "load",   "install", "pragma",
                                        "call",   "vacuum", "merge",  "import",  "truncate"};
    sql = skip_space(sql);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncasecmp(sql, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static enum pen_code check_reading(duckdb_connection connection, const char *sql,
                                   duckdb_statement_type type, struct pen_error *err)
{
    if (type == DUCKDB_STATEMENT_TYPE_SELECT)
        return PEN_OK;
    if (type != DUCKDB_STATEMENT_TYPE_EXPLAIN)
        return fail_not_reading(err);
    PEN_CLEANUP(destroy_prepare) duckdb_prepared_statement inner = NULL;
    const char *rest = explained(sql);
    if (strncasecmp(rest, "explain", 7) == 0) /* also what did not begin with it after all */
        return fail_not_reading(err);
    PEN_TRY(prepare(connection, rest, &inner, err));
    return duckdb_prepared_statement_type(inner) == DUCKDB_STATEMENT_TYPE_SELECT
               ? PEN_OK
               : fail_not_reading(err);
}

/* --- types -------------------------------------------------------------------------------------
 */

/* How a column of the result becomes one of ours. */
enum wrap { WRAP_NONE, WRAP_TEXT, WRAP_JSON };

static enum pen_type own_type(duckdb_type type, bool is_json, enum wrap *ret_wrap)
{
    *ret_wrap = WRAP_NONE;
    switch ((int)type) {
    case DUCKDB_TYPE_BOOLEAN:
        return PEN_TYPE_BOOLEAN;
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
        return PEN_TYPE_LONG;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
        return PEN_TYPE_DOUBLE;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
        return PEN_TYPE_TIMESTAMP;
    case DUCKDB_TYPE_VARCHAR:
        return is_json ? PEN_TYPE_JSON : PEN_TYPE_STRING;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_DECIMAL:
        *ret_wrap = WRAP_TEXT;
        return PEN_TYPE_JSON;
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_UNION:
        *ret_wrap = WRAP_JSON;
        return PEN_TYPE_JSON;
    default:
        *ret_wrap = WRAP_TEXT;
        return PEN_TYPE_STRING;
    }
}

static bool is_json_alias(duckdb_prepared_statement statement, idx_t column)
{
    duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(statement, column);
    char *alias = duckdb_logical_type_get_alias(type);
    bool is_json = alias != NULL && strcasecmp(alias, "JSON") == 0;
    duckdb_free(alias);
    duckdb_destroy_logical_type(&type);
    return is_json;
}

static enum pen_code add_cast(struct pen_buf *casts, enum wrap wrap, idx_t column,
                              struct pen_error *err)
{
    const unsigned long long at = column;
    switch (wrap) {
    case WRAP_NONE:
        break;
    case WRAP_JSON:
        return pen_buf_addf(casts, err, "CAST(to_json(c%llu) AS VARCHAR)", at);
    case WRAP_TEXT:
        return pen_buf_addf(casts, err, "CAST(c%llu AS VARCHAR)", at);
    }
    return pen_buf_addf(casts, err, "c%llu", at);
}

/* Fills schema and types; out: *ret_is_wrapped whether any column needs a cast. */
static enum pen_code read_types(struct pen_duck_query *query, duckdb_prepared_statement statement,
                                struct pen_buf *casts, bool *ret_is_wrapped, struct pen_error *err)
{
    idx_t count = duckdb_prepared_statement_column_count(statement);
    query->types = calloc(count + 1, sizeof *query->types);
    if (query->types == NULL)
        return pen_fail_nomem(err);
    *ret_is_wrapped = false;
    for (idx_t i = 0; i < count; i++) {
        duckdb_type type = duckdb_prepared_statement_column_type(statement, i);
        const char *name = duckdb_prepared_statement_column_name(statement, i);
        enum wrap wrap = WRAP_NONE;
        enum pen_type own = own_type(type, is_json_alias(statement, i), &wrap);
        enum pen_code code = pen_schema_add(&query->schema, pen_slice_str(name), own, NULL, err);
        duckdb_free((void *)(uintptr_t)name);
        PEN_TRY(code);
        query->types[i] = wrap == WRAP_NONE ? type : DUCKDB_TYPE_VARCHAR;
        *ret_is_wrapped = *ret_is_wrapped || wrap != WRAP_NONE;
        PEN_TRY(pen_buf_add_str(casts, i == 0 ? "" : ", ", err));
        PEN_TRY(add_cast(casts, wrap, i, err));
    }
    return PEN_OK;
}

/* SELECT casts FROM (the query) AS q(c0, c1, ...): keeps the order of the rows. */
static enum pen_code wrap_statement(struct pen_duck_query *query, const char *sql,
                                    const struct pen_buf *casts,
                                    duckdb_prepared_statement *inout_statement,
                                    struct pen_error *err)
{
    size_t len = strlen(sql);
    while (len > 0 && strchr("; \t\r\n", sql[len - 1]) != NULL)
        len--;
    PEN_CLEANUP(pen_buf_release) struct pen_buf wrapped = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(
        pen_buf_addf(&wrapped, err, "SELECT %s FROM (%.*s\n) AS q(", casts->ptr, (int)len, sql));
    for (size_t i = 0; i < query->schema.count; i++)
        PEN_TRY(pen_buf_addf(&wrapped, err, "%sc%zu", i == 0 ? "" : ", ", i));
    PEN_TRY(pen_buf_add_char(&wrapped, ')', err));
    duckdb_destroy_prepare(inout_statement);
    return prepare(query->session->connection, wrapped.ptr, inout_statement, err);
}

/* --- start -------------------------------------------------------------------------------------
 */

static enum pen_code start(struct pen_duck_query *query, const char *sql, struct pen_error *err)
{
    duckdb_connection connection = query->session->connection;
    PEN_TRY(check_single(connection, sql, err));
    PEN_TRY(pen_duck_session_make_tables(query->session, pen_slice_str(sql), err));
    enum pen_code code = prepare(connection, sql, &query->statement, err);
    if (code != PEN_OK)
        return begins_like_a_change(explained(sql)) ? fail_not_reading(err) : code;
    PEN_TRY(check_reading(connection, sql, duckdb_prepared_statement_type(query->statement), err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf casts = PEN_BUF(PEN_BUF_TEXT_MAX);
    bool is_wrapped = false;
    PEN_TRY(read_types(query, query->statement, &casts, &is_wrapped, err));
    if (is_wrapped)
        PEN_TRY(wrap_statement(query, sql, &casts, &query->statement, err));
    PEN_TRY(pen_batch_new(PEN_BATCH_ROWS, &query->batch, err));
    duckdb_state state = duckdb_execute_prepared_streaming(query->statement, &query->result);
    query->has_result = true;
    return state == DuckDBSuccess ? PEN_OK : pen_duck_fail_result(&query->result, err);
}

enum pen_code pen_duck_query(struct pen_duck_session *session, struct pen_slice sql,
                             struct pen_duck_query **ret_query, struct pen_error *err)
{
    PEN_CLEANUP(pen_duck_query_free_p) struct pen_duck_query *query = calloc(1, sizeof *query);
    PEN_CLEANUP(pen_free_p) char *text = strndup(sql.ptr == NULL ? "" : sql.ptr, sql.len);
    if (query == NULL || text == NULL)
        return pen_fail_nomem(err);
    if (strlen(text) != sql.len)
        return pen_fail(err, PEN_ERR_CONFIG, "the query holds a zero byte");
    query->session = session;
    PEN_TRY(start(query, text, err));
    *ret_query = PEN_TAKE(query);
    return PEN_OK;
}

void pen_duck_query_free(struct pen_duck_query *query)
{
    if (query == NULL)
        return;
    duckdb_destroy_data_chunk(&query->chunk);
    if (query->has_result)
        duckdb_destroy_result(&query->result);
    duckdb_destroy_prepare(&query->statement);
    pen_batch_free(query->batch);
    pen_schema_clear(&query->schema);
    free(query->types);
    free(query);
}

const struct pen_schema *pen_duck_query_schema(const struct pen_duck_query *query)
{
    return &query->schema;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static void take_longs(struct pen_column *column, const void *data, duckdb_type type, size_t rows)
{
    int64_t *out = pen_column_longs(column);
    for (size_t i = 0; i < rows; i++) {
        switch ((int)type) {
        case DUCKDB_TYPE_TINYINT:
            out[i] = (int64_t)((const int8_t *)data)[i];
            break;
        case DUCKDB_TYPE_SMALLINT:
            out[i] = ((const int16_t *)data)[i];
            break;
        case DUCKDB_TYPE_INTEGER:
            out[i] = ((const int32_t *)data)[i];
            break;
        case DUCKDB_TYPE_UTINYINT:
            out[i] = ((const uint8_t *)data)[i];
            break;
        case DUCKDB_TYPE_USMALLINT:
            out[i] = ((const uint16_t *)data)[i];
            break;
        case DUCKDB_TYPE_UINTEGER:
            out[i] = ((const uint32_t *)data)[i];
            break;
        default:
            out[i] = ((const int64_t *)data)[i];
            break;
        }
    }
}

static void take_timestamps(struct pen_column *column, const int64_t *data, duckdb_type type,
                            size_t rows)
{
    int64_t *out = pen_column_longs(column);
    for (size_t i = 0; i < rows; i++) {
        if (!pen_column_is_valid(column, i))
            continue; /* what stands there may be anything, also beyond the range */
        int64_t value = data[i];
        if (type == DUCKDB_TYPE_TIMESTAMP_S) {
            value *= PEN_US_PER_SECOND;
        } else if (type == DUCKDB_TYPE_TIMESTAMP_MS) {
            value *= 1000;
        } else if (type == DUCKDB_TYPE_TIMESTAMP_NS) {
            int64_t ns = (value % 1000 + 1000) % 1000;
            column->nanos[i] = (uint16_t)ns;
            value = (value - ns) / 1000;
        }
        out[i] = value;
    }
}

static void take_doubles(struct pen_column *column, const void *data, duckdb_type type, size_t rows)
{
    if (type == DUCKDB_TYPE_DOUBLE) {
        memcpy(column->data, data, rows * sizeof(double));
        return;
    }
    for (size_t i = 0; i < rows; i++)
        pen_column_doubles(column)[i] = (double)((const float *)data)[i];
}

static void take_validity(struct pen_column *column, duckdb_vector vector, size_t rows)
{
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    size_t words = (rows + 63) / 64;
    if (validity == NULL)
        memset(column->validity, 0xff, words * sizeof *validity);
    else
        memcpy(column->validity, validity, words * sizeof *validity);
}

static void take_column(struct pen_column *column, duckdb_vector vector, duckdb_type type,
                        size_t rows)
{
    const void *data = duckdb_vector_get_data(vector);
    take_validity(column, vector, rows);
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        memcpy(column->data, data, rows);
        break;
    case PEN_TYPE_LONG:
        take_longs(column, data, type, rows);
        break;
    case PEN_TYPE_DOUBLE:
        take_doubles(column, data, type, rows);
        break;
    case PEN_TYPE_TIMESTAMP:
        take_timestamps(column, data, type, rows);
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        memcpy(column->data, data, rows * sizeof(struct pen_string));
        break;
    }
}

enum pen_code pen_duck_query_next(struct pen_duck_query *query, const struct pen_batch **ret_batch,
                                  struct pen_error *err)
{
    duckdb_destroy_data_chunk(&query->chunk);
    query->chunk = NULL;
    query->chunk = duckdb_fetch_chunk(query->result);
    *ret_batch = NULL;
    if (query->chunk == NULL) {
        const char *text = duckdb_result_error(&query->result);
        return text == NULL || *text == '\0' ? PEN_OK : pen_duck_fail_result(&query->result, err);
    }
    size_t rows = duckdb_data_chunk_get_size(query->chunk);
    if (rows == 0)
        return PEN_OK;
    assert(rows <= PEN_BATCH_ROWS);
    PEN_TRY(pen_batch_begin(query->batch, &query->schema, err));
    for (size_t i = 0; i < query->batch->column_count; i++)
        take_column(&query->batch->columns[i], duckdb_data_chunk_get_vector(query->chunk, i),
                    query->types[i], rows);
    query->batch->rows = rows;
    *ret_batch = query->batch;
    return PEN_OK;
}
