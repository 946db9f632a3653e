#include "base/uuid.h"
#include "lake/lake_internal.h"

#include <stdio.h>
#include <strings.h>

enum pen_code pen_lake_join_path(struct pen_arena *arena, const char *base, struct pen_slice path,
                                 bool is_relative, const char **ret_path, struct pen_error *err)
{
    size_t base_len = is_relative ? strlen(base) : 0;
    char *joined = pen_arena_alloc(arena, base_len + path.len + 2);
    if (joined == NULL)
        return pen_fail_nomem(err);
    size_t len = base_len + path.len;
    memcpy(joined, base, base_len);
    memcpy(joined + base_len, path.ptr, path.len);
    if (len > 0 && joined[len - 1] != '/')
        joined[len++] = '/';
    joined[len] = '\0';
    *ret_path = joined;
    return PEN_OK;
}

enum pen_code pen_lake_schema_id(struct pen_lake_txn *txn, const char *name, int64_t *ret_id,
                                 struct pen_error *err)
{
    bool is_found = false;
    PEN_TRY(pen_db_query_int(
        txn->db, ret_id, &is_found, err,
        "SELECT schema_id FROM ducklake_schema WHERE schema_name = $1 AND " PEN_VISIBLE("", "$2"),
        "ti", name, txn->view));
    if (!is_found)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "Database '%s' does not exist.", name);
    return PEN_OK;
}

/* SQL: a sum over all visible rows of `files`, a table of files, in the database s at snapshot $1.
 */
#define SUM_OF(what, files)                                                                        \
    "(SELECT coalesce(sum(f." what "), 0) FROM " files " f, ducklake_table t "                     \
    "WHERE f.table_id = t.table_id AND t.schema_id = s.schema_id AND " PEN_VISIBLE(                \
        "t.", "$1") " AND " PEN_VISIBLE("f.", "$1") ")"

#define DATABASE_COLUMNS                                                                                                                                                                                            \
    "SELECT s.schema_id, s.schema_name, s.path, s.path_is_relative, p.snapshot_time, "                                                                                                                              \
    "(SELECT count(*) FROM ducklake_table t WHERE t.schema_id = s.schema_id AND " PEN_VISIBLE(                                                                                                                      \
        "t.",                                                                                                                                                                                                       \
        "$1") ") AS table_count, " SUM_OF("record_count",                                                                                                                                                           \
                                          "ducklake_data_file") " - " SUM_OF("delete_count",                                                                                                                        \
                                                                             "ducklake_delete_"                                                                                                                     \
                                                                             "file") ", " SUM_OF("file_size_bytes",                                                                                                 \
                                                                                                 "ducklake_data_file") " FROM ducklake_schema s LEFT JOIN ducklake_snapshot p ON p.snapshot_id = s.begin_snapshot " \
                                                                                                                       "WHERE " PEN_VISIBLE(                                                                        \
                                                                                                                           "s.",                                                                                    \
                                                                                                                           "$1")

static enum pen_code read_database(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                   void *item, struct pen_error *err)
{
    const struct pen_lake_txn *txn = context;
    struct pen_lake_database *database = item;
    *database = (struct pen_lake_database){.schema_id = pen_stmt_int(stmt, 0)};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &database->name, err));
    PEN_TRY(pen_lake_join_path(arena, txn->lake->data_path, pen_stmt_text(stmt, 2),
                               pen_stmt_int(stmt, 3) != 0, &database->folder, err));
    database->created_us = pen_lake_time_us(pen_stmt_text(stmt, 4));
    database->table_count = (uint64_t)pen_stmt_int(stmt, 5);
    database->rows = (uint64_t)pen_stmt_int(stmt, 6);
    database->size_bytes = (uint64_t)pen_stmt_int(stmt, 7);
    return PEN_OK;
}

enum pen_code pen_lake_database_list(struct pen_lake_txn *txn, struct pen_arena *arena,
                                     struct pen_lake_database **ret_list, size_t *ret_count,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt,
                         err, /* the format's own "main" is shown only when somebody uses it */
                         "SELECT * FROM (" DATABASE_COLUMNS ") d WHERE d.schema_name <> 'main' OR "
                         "d.table_count > 0 ORDER BY d.schema_name",
                         "i", txn->view));
    const struct pen_row_reader reader = {sizeof(struct pen_lake_database), read_database, txn};
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

enum pen_code pen_lake_database_find(struct pen_lake_txn *txn, const char *name,
                                     struct pen_arena *arena,
                                     struct pen_lake_database *ret_database, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err, DATABASE_COLUMNS " AND s.schema_name = $2", "it",
                         txn->view, name));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (!has_row)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "Database '%s' does not exist.", name);
    return read_database(stmt, arena, txn, ret_database, err);
}

enum pen_code pen_lake_database_create(struct pen_lake_txn *txn, const char *name,
                                       struct pen_error *err)
{
    PEN_TRY(pen_lake_check_name("Database", pen_slice_str(name), err));
    int64_t id = 0;
    enum pen_code code = pen_lake_schema_id(txn, name, &id, err);
    if (code == PEN_OK)
        return pen_fail(err, PEN_ERR_CONFLICT, "Database '%s' already exists.", name);
    if (code != PEN_ERR_NOT_FOUND)
        return code;
    char uuid[PEN_UUID_TEXT], path[300];
    pen_uuid_v7(uuid);
    (void)snprintf(path, sizeof path, "%s/", name); /* a checked name fits */
    PEN_TRY(pen_db_run(txn->db, NULL, err,
                       "INSERT INTO ducklake_schema VALUES ($1, $2, $3, NULL, $4, $5, 1)", "ititt",
                       txn->next_catalog_id++, uuid, txn->view, name, path));
    txn->is_schema_changed = true;
    return pen_lake_note_change(txn, err, "created_schema:\"%s\"", name);
}

static enum pen_code drop_tables(struct pen_lake_txn *txn, const char *name, bool is_cascade,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_lake_table *tables = NULL;
    size_t count = 0;
    PEN_TRY(pen_lake_table_list(txn, name, &arena, &tables, &count, err));
    if (count > 0 && !is_cascade) {
        pen_fail(err, PEN_ERR_CONFLICT, "Database '%s' is not empty: it has %zu table%s.", name,
                 count, count == 1 ? "" : "s");
        pen_error_hint(err, "use '-f' to delete the tables too");
        return PEN_ERR_CONFLICT;
    }
    for (size_t i = 0; i < count; i++)
        PEN_TRY(pen_lake_table_drop(txn, name, tables[i].name, err));
    return PEN_OK;
}

enum pen_code pen_lake_database_drop(struct pen_lake_txn *txn, const char *name, bool is_cascade,
                                     struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(pen_lake_schema_id(txn, name, &id, err));
    if (strcasecmp(name, "main") == 0) /* the format's own; readers count on it */
        return pen_fail(err, PEN_ERR_CONFLICT, "Database 'main' cannot be deleted.");
    PEN_TRY(drop_tables(txn, name, is_cascade, err));
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_view", "schema_id", id, err));
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_macro", "schema_id", id, err));
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_schema", "schema_id", id, err));
    txn->is_schema_changed = true;
    return pen_lake_note_change(txn, err, "dropped_schema:%lld", (long long)id);
}
