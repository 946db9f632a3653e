/* lake_query.c - the catalog as a query session sees it: every table with its columns and files. */
#include "lake/lake_query.h"

#include "lake/lake_files.h"
#include "lake/lake_internal.h"

#include <stdio.h>

/* The views of all databases while they are collected. */
struct views {
    struct pen_lake_txn *txn;
    struct pen_arena *arena;
    struct pen_duck_view *list;
    size_t count;
};

/* --- columns -----------------------------------------------------------------------------------
 */

static enum pen_code add_type(struct views *views, int64_t table_id, int64_t column_id,
                              const char *type_text, struct pen_buf *into, struct pen_error *err);

/* "LIST element[]", "STRUCT(name type, ...)", "MAP(key, value)" from the column's children. */
static enum pen_code add_nested_type(struct views *views, int64_t table_id, int64_t column_id,
                                     const char *type_text, struct pen_buf *into,
                                     struct pen_error *err)
{
    bool is_list = strcmp(type_text, "list") == 0;
    if (!is_list)
        PEN_TRY(pen_buf_add_str(into, strcmp(type_text, "map") == 0 ? "MAP(" : "STRUCT(", err));
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(views->txn->db, &stmt, err,
                         "SELECT column_id, column_name, column_type FROM ducklake_column "
                         "WHERE table_id = $1 AND parent_column = $2 AND " PEN_VISIBLE(
                             "", "$3") " ORDER BY column_order",
                         "iii", table_id, column_id, views->txn->view));
    for (const char *separator = "";; separator = ", ") {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            break;
        PEN_TRY(pen_buf_add_str(into, separator, err));
        if (strcmp(type_text, "struct") == 0) {
            PEN_TRY(pen_buf_add_char(into, '"', err));
            for (const char *c = pen_stmt_text(stmt, 1).ptr; *c != '\0'; c++)
                PEN_TRY(pen_buf_addf(into, err, *c == '"' ? "\"%c" : "%c", *c));
            PEN_TRY(pen_buf_add_str(into, "\" ", err));
        }
        PEN_TRY(add_type(views, table_id, pen_stmt_int(stmt, 0), pen_stmt_text(stmt, 2).ptr, into,
                         err));
    }
    return pen_buf_add_str(into, is_list ? "[]" : ")", err);
}

static enum pen_code add_type(struct views *views, int64_t table_id, int64_t column_id,
                              const char *type_text, struct pen_buf *into, struct pen_error *err)
{
    struct pen_lake_column column = {.type_text = type_text};
    PEN_TRY(pen_lake_type_fill(&column, views->arena, err));
    if (column.sql_type != NULL)
        return pen_buf_add_str(into, column.sql_type, err);
    return add_nested_type(views, table_id, column_id, type_text, into, err);
}

static bool is_nested(const char *type_text)
{
    return strcmp(type_text, "list") == 0 || strcmp(type_text, "map") == 0 ||
           strcmp(type_text, "struct") == 0;
}

static enum pen_code read_default(struct views *views, int64_t table_id, int64_t column_id,
                                  const char **ret_text, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(
        pen_db_query(views->txn->db, &stmt, err,
                     "SELECT initial_default FROM ducklake_column WHERE table_id = $1 AND "
                     "column_id = $2 AND initial_default IS NOT NULL AND " PEN_VISIBLE("", "$3"),
                     "iii", table_id, column_id, views->txn->view));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    *ret_text = NULL;
    return has_row ? pen_arena_text(views->arena, pen_stmt_text(stmt, 0), ret_text, err) : PEN_OK;
}

static enum pen_code fill_columns(struct views *views, const struct pen_lake_table *table,
                                  struct pen_duck_view *view, struct pen_error *err)
{
    struct pen_duck_view_column *columns =
        pen_arena_alloc(views->arena, (table->column_count + 1) * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pen_lake_column *column = &table->columns[i];
        columns[i] = (struct pen_duck_view_column){
            .field_id = column->column_id, .name = column->name, .sql_type = column->sql_type};
        PEN_TRY(
            read_default(views, table->table_id, column->column_id, &columns[i].default_text, err));
        if (column->sql_type != NULL)
            continue;
        if (!is_nested(column->type_text)) {
            columns[i].sql_type = "VARCHAR";
            view->problem = "has a column of a type that this program does not know";
            continue;
        }
        PEN_CLEANUP(pen_buf_release) struct pen_buf type = PEN_BUF(PEN_BUF_TEXT_MAX);
        PEN_TRY(add_nested_type(views, table->table_id, column->column_id, column->type_text, &type,
                                err));
        PEN_TRY(pen_arena_text(views->arena, pen_buf_slice(&type), &columns[i].sql_type, err));
    }
    view->columns = columns;
    view->column_count = table->column_count;
    return PEN_OK;
}

/* --- files -------------------------------------------------------------------------------------
 */

static enum pen_code read_path(struct views *views, const struct pen_lake_table *table,
                               struct pen_stmt *stmt, int column, const char **ret_path,
                               struct pen_error *err)
{
    *ret_path = NULL;
    if (pen_stmt_is_null(stmt, column))
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (pen_stmt_int(stmt, column + 1) != 0)
        PEN_TRY(pen_buf_add_str(&path, table->folder, err));
    PEN_TRY(pen_buf_add_slice(&path, pen_stmt_text(stmt, column), err));
    return pen_arena_text(views->arena, pen_buf_slice(&path), ret_path, err);
}

/* The file's own names of the view's columns. */
static enum pen_code read_mapping(struct views *views, int64_t mapping_id,
                                  const struct pen_duck_view *view, const char *const **ret_names,
                                  struct pen_error *err)
{
    const char **names = pen_arena_alloc(views->arena, (view->column_count + 1) * sizeof *names);
    if (names == NULL)
        return pen_fail_nomem(err);
    memset(names, 0, (view->column_count + 1) * sizeof *names);
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(views->txn->db, &stmt, err,
                         "SELECT target_field_id, source_name FROM ducklake_name_mapping "
                         "WHERE mapping_id = $1 AND parent_column IS NULL AND is_partition = 0",
                         "i", mapping_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            break;
        for (size_t i = 0; i < view->column_count; i++)
            if (view->columns[i].field_id == pen_stmt_int(stmt, 0))
                PEN_TRY(pen_arena_text(views->arena, pen_stmt_text(stmt, 1), &names[i], err));
    }
    *ret_names = names;
    return PEN_OK;
}

/* What this program cannot read, it says; it never leaves rows out. */
static enum pen_code find_problem(struct views *views, const struct pen_lake_table *table,
                                  const char **ret_problem, struct pen_error *err)
{
    uint64_t inlined = 0;
    char name[64];
    bool has_deletes = false;
    PEN_TRY(pen_lake_inlined_rows(views->txn, table->table_id, &inlined, err));
    (void)snprintf(name, sizeof name, "ducklake_inlined_delete_%lld", (long long)table->table_id);
    PEN_TRY(pen_db_has_table(views->txn->db, name, &has_deletes, err));
    if (has_deletes) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(4096);
        int64_t found = 0;
        PEN_TRY(pen_buf_addf(&sql, err, "SELECT 1 FROM %s LIMIT 1", name));
        PEN_TRY(pen_db_query_int(views->txn->db, &found, &has_deletes, err, sql.ptr, ""));
    }
    if (inlined > 0 || has_deletes)
        *ret_problem = "has changes of another program inside the catalog; let that program run "
                       "ducklake_flush_inlined_data first";
    return PEN_OK;
}

static enum pen_code add_file(struct views *views, const struct pen_lake_table *table,
                              struct pen_stmt *stmt, struct pen_duck_view *view,
                              struct pen_error *err)
{
    struct pen_duck_view_file *files = (struct pen_duck_view_file *)(uintptr_t)view->files;
    PEN_TRY(pen_arena_grow(views->arena, &files, view->file_count, sizeof *files, err));
    view->files = files;
    struct pen_duck_view_file *file = &files[view->file_count++];
    *file = (struct pen_duck_view_file){.path = NULL};
    PEN_TRY(read_path(views, table, stmt, 0, &file->path, err));
    PEN_TRY(read_path(views, table, stmt, 2, &file->delete_path, err));
    if (!pen_stmt_is_null(stmt, 4))
        PEN_TRY(read_mapping(views, pen_stmt_int(stmt, 4), view, &file->source_names, err));
    if (!pen_stmt_is_null(stmt, 5))
        view->problem = "has encrypted files";
    if (pen_stmt_int(stmt, 6) > views->txn->view)
        view->problem = "was compacted since that snapshot";
    if (!pen_stmt_is_null(stmt, 7) && !pen_slice_is(pen_stmt_text(stmt, 7), "parquet"))
        view->problem = "has deleted rows in a format that this program does not know";
    return PEN_OK;
}

static enum pen_code fill_files(struct views *views, const struct pen_lake_table *table,
                                struct pen_duck_view *view, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        views->txn->db, &stmt, err,
        "SELECT f.path, f.path_is_relative, d.path, d.path_is_relative, f.mapping_id, "
        "f.encryption_key, f.partial_max, d.format FROM ducklake_data_file f "
        "LEFT JOIN ducklake_delete_file d ON d.data_file_id = f.data_file_id AND " PEN_VISIBLE(
            "d.", "$1") " WHERE " PEN_VISIBLE("f.", "$1") " AND f.table_id = $2 "
                                                          "ORDER BY f.data_file_id",
        "ii", views->txn->view, table->table_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return PEN_OK;
        PEN_TRY(add_file(views, table, stmt, view, err));
    }
}

/* --- all together ------------------------------------------------------------------------------
 */

static enum pen_code fill_view(struct views *views, const struct pen_lake_table *table,
                               struct pen_duck_view *view, struct pen_error *err)
{
    *view = (struct pen_duck_view){.database = table->database, .table = table->name};
    PEN_TRY(fill_columns(views, table, view, err));
    PEN_TRY(fill_files(views, table, view, err));
    return find_problem(views, table, &view->problem, err);
}

enum pen_code pen_lake_table_view(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                  struct pen_arena *arena, struct pen_duck_view *ret_view,
                                  struct pen_error *err)
{
    struct views views = {.txn = txn, .arena = arena};
    return fill_view(&views, table, ret_view, err);
}

static enum pen_code add_database(struct views *views, const char *database, struct pen_error *err)
{
    struct pen_lake_table *tables = NULL;
    size_t count = 0;
    PEN_TRY(pen_lake_table_list(views->txn, database, views->arena, &tables, &count, err));
    for (size_t i = 0; i < count; i++) {
        PEN_TRY(pen_arena_grow(views->arena, &views->list, views->count, sizeof *views->list, err));
        PEN_TRY(fill_view(views, &tables[i], &views->list[views->count++], err));
    }
    return PEN_OK;
}

enum pen_code pen_lake_session_open(struct pen_lake_txn *txn, const char *default_database,
                                    const struct pen_duck_options *options,
                                    struct pen_duck_session **ret_session, struct pen_error *err)
{
    int64_t id = 0;
    if (default_database != NULL)
        PEN_TRY(pen_lake_schema_id(txn, default_database, &id, err));
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    struct views views = {.txn = txn, .arena = &arena};
    struct pen_lake_database *databases = NULL;
    size_t count = 0;
    PEN_TRY(pen_lake_database_list(txn, &arena, &databases, &count, err));
    const char **names = pen_arena_alloc(&arena, (count + 1) * sizeof *names);
    if (names == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        names[i] = databases[i].name;
        PEN_TRY(add_database(&views, names[i], err));
    }
    struct pen_duck_session_options session = {.data_folder = txn->lake->data_path,
                                               .databases = names,
                                               .database_count = count,
                                               .default_database = default_database,
                                               .views = views.list,
                                               .view_count = views.count};
    if (options != NULL)
        session.engine = *options;
    return pen_duck_session_open(&session, ret_session, err);
}

static enum pen_code add_name(struct pen_buf *sql, const char *name, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_char(sql, '"', err));
    for (; *name != '\0'; name++)
        PEN_TRY(pen_buf_addf(sql, err, *name == '"' ? "%c\"" : "%c", *name));
    return pen_buf_add_char(sql, '"', err);
}

enum pen_code pen_lake_tail_sql(const char *database, const char *table, int64_t rows,
                                struct pen_buf *into, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(into, "SELECT * FROM (SELECT * FROM ", err));
    PEN_TRY(add_name(into, database, err));
    PEN_TRY(pen_buf_add_char(into, '.', err));
    PEN_TRY(add_name(into, table, err));
    return pen_buf_addf(into, err,
                        " ORDER BY time DESC NULLS LAST LIMIT %lld) ORDER BY time NULLS FIRST",
                        (long long)rows);
}
