/* duck_view.c - the SQL that makes a table of the lake readable without the ducklake extension:
 * read_parquet over its files, columns matched by field id (so that renamed columns and ones added
 * later read right), deleted rows left out. */
#include "duck/duck_internal.h"
#include "duck/duck_query.h"

/* How a file is to be read; each kind is a part of a UNION ALL. */
enum file_kind { FILE_PLAIN, FILE_MAPPED, FILE_WITH_DELETES };

static enum file_kind kind_of(const struct pen_duck_view_file *file)
{
    if (file->delete_path != NULL)
        return FILE_WITH_DELETES;
    return file->source_names != NULL ? FILE_MAPPED : FILE_PLAIN;
}

static enum pen_code add_target(struct pen_buf *sql, const struct pen_duck_view *view,
                                struct pen_error *err)
{
    PEN_TRY(pen_duck_add_name(sql, view->database, err));
    PEN_TRY(pen_buf_add_char(sql, '.', err));
    return pen_duck_add_name(sql, view->table, err);
}

enum pen_code pen_duck_add_shell(struct pen_buf *sql, const struct pen_duck_view *view,
                                 struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "CREATE TABLE ", err));
    PEN_TRY(add_target(sql, view, err));
    for (size_t i = 0; i < view->column_count; i++) {
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? " (" : ", ", err));
        PEN_TRY(pen_duck_add_name(sql, view->columns[i].name, err));
        PEN_TRY(pen_buf_addf(sql, err, " %s", view->columns[i].sql_type));
    }
    return pen_buf_add_str(sql, ");", err);
}

/* --- one kind of file --------------------------------------------------------------------------
 */

static enum pen_code add_names(struct pen_buf *sql, const struct pen_duck_view *view,
                               struct pen_error *err)
{
    for (size_t i = 0; i < view->column_count; i++) {
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? "" : ", ", err));
        PEN_TRY(pen_duck_add_name(sql, view->columns[i].name, err));
    }
    return PEN_OK;
}

/* "schema = MAP {1: {name: 'a', type: 'BIGINT', default_value: NULL}, ...}" */
static enum pen_code add_schema(struct pen_buf *sql, const struct pen_duck_view *view,
                                struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, ", schema = MAP {", err));
    for (size_t i = 0; i < view->column_count; i++) {
        const struct pen_duck_view_column *column = &view->columns[i];
        PEN_TRY(pen_buf_addf(sql, err, "%s%lld: {name: ", i == 0 ? "" : ", ",
                             (long long)column->field_id));
        PEN_TRY(pen_duck_add_literal(sql, column->name, err));
        PEN_TRY(pen_buf_add_str(sql, ", type: ", err));
        PEN_TRY(pen_duck_add_literal(sql, column->sql_type, err));
        PEN_TRY(pen_buf_add_str(sql, ", default_value: ", err));
        if (column->default_text == NULL)
            PEN_TRY(pen_buf_add_str(sql, "NULL::VARCHAR", err));
        else
            PEN_TRY(pen_duck_add_literal(sql, column->default_text, err));
        PEN_TRY(pen_buf_add_char(sql, '}', err));
    }
    return pen_buf_add_char(sql, '}', err);
}

static enum pen_code add_plain_files(struct pen_buf *sql, const struct pen_duck_view *view,
                                     struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "SELECT ", err));
    PEN_TRY(add_names(sql, view, err));
    PEN_TRY(pen_buf_add_str(sql, " FROM read_parquet(", err));
    char separator = '[';
    for (size_t i = 0; i < view->file_count; i++) {
        if (kind_of(&view->files[i]) != FILE_PLAIN)
            continue;
        PEN_TRY(pen_buf_add_char(sql, separator, err));
        PEN_TRY(pen_duck_add_literal(sql, view->files[i].path, err));
        separator = ',';
    }
    PEN_TRY(pen_buf_add_char(sql, ']', err));
    PEN_TRY(add_schema(sql, view, err));
    /* names of folders ("id=1", of other programs' partitions) are no columns */
    return pen_buf_add_str(sql, ", hive_partitioning = false)", err);
}

/* Columns by the names in the file. */
static enum pen_code add_mapped_columns(struct pen_buf *sql, const struct pen_duck_view *view,
                                        const char *const *source_names, struct pen_error *err)
{
    for (size_t i = 0; i < view->column_count; i++) {
        const struct pen_duck_view_column *column = &view->columns[i];
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? "CAST(" : ", CAST(", err));
        if (source_names[i] != NULL)
            PEN_TRY(pen_duck_add_name(sql, source_names[i], err));
        else if (column->default_text != NULL)
            PEN_TRY(pen_duck_add_literal(sql, column->default_text, err));
        else
            PEN_TRY(pen_buf_add_str(sql, "NULL", err));
        PEN_TRY(pen_buf_addf(sql, err, " AS %s) AS ", column->sql_type));
        PEN_TRY(pen_duck_add_name(sql, column->name, err));
    }
    return PEN_OK;
}

static enum pen_code add_single_file(struct pen_buf *sql, const struct pen_duck_view *view,
                                     const struct pen_duck_view_file *file, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "SELECT ", err));
    if (file->source_names != NULL)
        PEN_TRY(add_mapped_columns(sql, view, file->source_names, err));
    else
        PEN_TRY(add_names(sql, view, err));
    PEN_TRY(pen_buf_add_str(sql, " FROM read_parquet(", err));
    PEN_TRY(pen_duck_add_literal(sql, file->path, err));
    if (file->source_names == NULL)
        PEN_TRY(add_schema(sql, view, err));
    PEN_TRY(pen_buf_add_str(sql, ", hive_partitioning = false", err));
    if (file->delete_path == NULL)
        return pen_buf_add_char(sql, ')', err);
    PEN_TRY(pen_buf_add_str(sql,
                            ", file_row_number = true) WHERE file_row_number NOT IN "
                            "(SELECT pos FROM read_parquet(",
                            err));
    PEN_TRY(pen_duck_add_literal(sql, file->delete_path, err));
    return pen_buf_add_str(sql, "))", err);
}

enum pen_code pen_duck_add_select(struct pen_buf *sql, const struct pen_duck_view *view,
                                  struct pen_error *err)
{
    bool has_plain = false;
    for (size_t i = 0; i < view->file_count && !has_plain; i++)
        has_plain = kind_of(&view->files[i]) == FILE_PLAIN;
    if (has_plain)
        PEN_TRY(add_plain_files(sql, view, err));
    const char *separator = has_plain ? " UNION ALL " : "";
    for (size_t i = 0; i < view->file_count; i++) {
        if (kind_of(&view->files[i]) == FILE_PLAIN)
            continue;
        PEN_TRY(pen_buf_add_str(sql, separator, err));
        PEN_TRY(add_single_file(sql, view, &view->files[i], err));
        separator = " UNION ALL ";
    }
    return PEN_OK;
}

enum pen_code pen_duck_add_view(struct pen_buf *sql, const struct pen_duck_view *view,
                                struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "DROP TABLE ", err));
    PEN_TRY(add_target(sql, view, err));
    PEN_TRY(pen_buf_add_str(sql, "; CREATE VIEW ", err));
    PEN_TRY(add_target(sql, view, err));
    PEN_TRY(pen_buf_add_str(sql, " AS ", err));
    PEN_TRY(pen_duck_add_select(sql, view, err));
    return pen_buf_add_char(sql, ';', err);
}
