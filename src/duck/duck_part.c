/* duck_part.c - one task into one Parquet file:
 *     COPY (SELECT columns FROM pen_stream(feed)) TO 'file' --statistics--> struct pen_part */
#include "duck/duck_internal.h"

#include <stdlib.h>

/* --- the statement -----------------------------------------------------------------------------
 */

static enum pen_code add_columns(struct pen_buf *sql, const struct pen_schema *schema,
                                 const struct pen_part_field *columns, struct pen_error *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? "" : ", ", err));
        const char *type = columns[i].sql_type;
        /* types without a direct cast meet as texts; unlike types that do have one, those two
         * would be a mistake of the program's, not a value that does not fit */
        bool is_via_text = type != NULL && schema->fields[i].type == PEN_TYPE_TIMESTAMP &&
                           strcmp(type, "VARCHAR") != 0 && strncmp(type, "TIMESTAMP", 9) != 0 &&
                           strcmp(type, "DATE") != 0;
        if (type == NULL)
            PEN_TRY(pen_buf_addf(sql, err, "c%zu", i));
        else if (is_via_text)
            PEN_TRY(pen_buf_addf(sql, err, "TRY_CAST(CAST(c%zu AS VARCHAR) AS %s)", i, type));
        else
            PEN_TRY(pen_buf_addf(sql, err, "TRY_CAST(c%zu AS %s)", i, type));
        PEN_TRY(pen_buf_add_str(sql, " AS ", err));
        PEN_TRY(pen_duck_add_name(sql, columns[i].name, err));
    }
    return PEN_OK;
}

static enum pen_code make_copy(struct pen_buf *sql, const struct pen_duck_feed *feed,
                               const struct pen_part_options *options, const char *path,
                               struct pen_error *err)
{
    const struct pen_schema *schema = feed->stream->schema;
    PEN_TRY(pen_buf_add_str(sql, "COPY (SELECT ", err));
    PEN_TRY(add_columns(sql, schema, options->columns, err));
    PEN_TRY(pen_buf_addf(sql, err, " FROM pen_stream(%lld)", (long long)(intptr_t)feed));
    if (options->order_by != NULL) {
        PEN_TRY(pen_buf_add_str(sql, " ORDER BY ", err));
        PEN_TRY(pen_duck_add_name(sql, options->order_by, err));
    }
    PEN_TRY(pen_buf_add_char(sql, ')', err));
    const struct pen_duck_copy_target target = {.path = path,
                                                .columns = options->columns,
                                                .column_count = schema->count,
                                                .compression = options->compression};
    return pen_duck_add_copy_target(sql, &target, err);
}

/* --- all together ------------------------------------------------------------------------------
 */

/* Values that arrived and are null in the file: the cast could not take them. */
static void take_losses(const struct pen_duck_feed *feed, struct pen_part *part)
{
    for (size_t i = 0; i < part->column_count; i++) {
        struct pen_part_column *column = &part->columns[i];
        uint64_t came_null = atomic_load(&feed->nulls[i]);
        column->lost_count = column->null_count > came_null ? column->null_count - came_null : 0;
    }
}

static enum pen_code take_part(duckdb_result *result, const struct pen_duck_feed *feed,
                               const struct pen_part_options *options, struct pen_parts *ret_parts,
                               struct pen_error *err)
{
    const struct pen_duck_copy_target target = {.path = options->file_name,
                                                .columns = options->columns,
                                                .column_count = feed->stream->schema->count};
    PEN_TRY(pen_duck_take_part(result, &target, ret_parts, err));
    struct pen_part *part = &ret_parts->parts[ret_parts->count - 1];
    take_losses(feed, part);
    if (part->rows != atomic_load(&feed->rows))
        return pen_fail(err, PEN_ERR_INTERNAL, "%llu rows went into the part, %llu are in it",
                        (unsigned long long)atomic_load(&feed->rows),
                        (unsigned long long)part->rows);
    return PEN_OK;
}

static enum pen_code run_copy(struct pen_duck *duck, struct pen_duck_feed *feed, const char *path,
                              const struct pen_part_options *options, struct pen_parts *ret_parts,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(make_copy(&sql, feed, options, path, err));
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    PEN_TRY(pen_duck_make_room(duck, connection, feed->stream->schema->count, err));
    duckdb_result result;
    enum pen_code code = PEN_OK;
    if (duckdb_query(connection, sql.ptr, &result) != DuckDBSuccess)
        code = pen_duck_fail_result(&result, err);
    /* the stream's own words are worth more than DuckDB's */
    if (atomic_load(&feed->first.has_failed))
        code = pen_first_error_get(&feed->first, err);
    else if (code != PEN_OK)
        pen_error_where(err, "%s", path);
    if (code == PEN_OK && atomic_load(&feed->rows) > 0)
        code = take_part(&result, feed, options, ret_parts, err);
    duckdb_destroy_result(&result);
    return code;
}

enum pen_code pen_duck_write_part(struct pen_duck *duck, struct pen_task_stream *stream,
                                  const struct pen_part_options *options,
                                  struct pen_parts *ret_parts, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_duck_feed feed = {
        .stream = stream, .cancel = options->cancel, .first = PEN_FIRST_ERROR};
    PEN_CLEANUP(pen_free_p)
    atomic_uint_fast64_t *nulls = calloc(stream->schema->count + 1, sizeof *nulls);
    feed.nulls = nulls;
    if (nulls == NULL)
        return pen_fail_nomem(err);
    size_t count = ret_parts->count;
    enum pen_code code = pen_part_begin_file(options->folder, options->file_name, &path, err);
    if (code == PEN_OK) {
        code = run_copy(duck, &feed, path.ptr, options, ret_parts, err);
        code = pen_part_end_file(options->folder, path.ptr, code, count, ret_parts, err);
    }
    return code;
}
