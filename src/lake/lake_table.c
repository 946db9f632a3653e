/* lake_table.c - looking tables up. */
#include "lake/lake_internal.h"

#include <stdio.h>

enum pen_code pen_lake_fail_no_table(const char *database, const char *table, struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_NOT_FOUND, "Table '%s.%s' does not exist.", database, table);
}

enum pen_code pen_lake_table_id(struct pen_lake_txn *txn, const char *database, const char *table,
                                int64_t *ret_id, struct pen_error *err)
{
    int64_t schema_id = 0;
    PEN_TRY(pen_lake_schema_id(txn, database, &schema_id, err));
    bool is_found = false;
    *ret_id = 0;
    return pen_db_query_int(txn->db, ret_id, &is_found, err,
                            "SELECT table_id FROM ducklake_table WHERE schema_id = $1 AND "
                            "table_name = $2 AND " PEN_VISIBLE("", "$3"),
                            "iti", schema_id, table, txn->view);
}

/* --- rows inside the catalog -------------------------------------------------------------------
 */

enum pen_code pen_lake_each_inlined(struct pen_lake_txn *txn, int64_t table_id,
                                    enum pen_code (*fn)(struct pen_lake_txn *txn,
                                                        const char *inlined_table, void *context,
                                                        struct pen_error *err),
                                    void *context, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT table_name FROM ducklake_inlined_data_tables WHERE table_id = $1",
                         "i", table_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return PEN_OK;
        PEN_TRY(fn(txn, pen_stmt_text(stmt, 0).ptr, context, err));
    }
}

static enum pen_code add_inlined_rows(struct pen_lake_txn *txn, const char *inlined_table,
                                      void *context, struct pen_error *err)
{
    uint64_t *sum = context;
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&sql, err, "SELECT count(*) FROM \"%s\" WHERE " PEN_VISIBLE("", "$1"),
                         inlined_table));
    int64_t count = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(txn->db, &count, &is_found, err, sql.ptr, "i", txn->view));
    *sum += (uint64_t)count;
    return PEN_OK;
}

enum pen_code pen_lake_inlined_rows(struct pen_lake_txn *txn, int64_t table_id, uint64_t *ret_rows,
                                    struct pen_error *err)
{
    *ret_rows = 0;
    return pen_lake_each_inlined(txn, table_id, add_inlined_rows, ret_rows, err);
}

/* --- one table ---------------------------------------------------------------------------------
 */

static enum pen_code read_column(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                 void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_lake_column *column = item;
    *column = (struct pen_lake_column){.column_id = pen_stmt_int(stmt, 0)};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &column->name, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &column->type_text, err));
    column->source_name = column->name;
    if (!pen_stmt_is_null(stmt, 3))
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &column->source_name, err));
    return pen_lake_type_fill(column, arena, err);
}

static enum pen_code read_columns(struct pen_lake_txn *txn, struct pen_arena *arena,
                                  struct pen_lake_table *table, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        txn->db, &stmt, err,
        "SELECT c.column_id, c.column_name, c.column_type, s.source_name FROM ducklake_column c "
        "LEFT JOIN column_source s ON s.table_id = c.table_id AND s.column_id = c.column_id "
        "WHERE c.table_id = $1 AND c.parent_column IS NULL AND " PEN_VISIBLE(
            "c.", "$2") " ORDER BY c.column_order",
        "ii", table->table_id, txn->view));
    static const struct pen_row_reader reader = {sizeof(struct pen_lake_column), read_column, NULL};
    return pen_stmt_list(stmt, &reader, arena, &table->columns, &table->column_count, err);
}

/* When the snapshot that made the newest file was: our note of it (lake_swap.c, lake_expire.c)
 * counts more than the catalog's time. */
static enum pen_code read_updated(struct pen_lake_txn *txn, struct pen_lake_table *table,
                                  int64_t snapshot_id, struct pen_error *err)
{
    bool is_noted = false, has_row = false;
    PEN_TRY(pen_db_query_int(txn->db, &table->updated_us, &is_noted, err,
                             "SELECT CAST(u.value AS BIGINT) FROM table_property s "
                             "JOIN table_property u ON u.table_id = s.table_id "
                             "AND u.name = 'updated_us' WHERE s.table_id = $1 "
                             "AND s.name = 'updated_snapshot' AND CAST(s.value AS BIGINT) = $2",
                             "ii", table->table_id, snapshot_id));
    if (is_noted)
        return PEN_OK;
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT snapshot_time FROM ducklake_snapshot WHERE snapshot_id = $1", "i",
                         snapshot_id));
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (has_row)
        table->updated_us = pen_lake_time_us(pen_stmt_text(stmt, 0));
    return PEN_OK;
}

static enum pen_code read_totals(struct pen_lake_txn *txn, struct pen_lake_table *table,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        txn->db, &stmt, err,
        "SELECT count(*), sum(record_count), sum(file_size_bytes), "
        "max(begin_snapshot), (SELECT sum(delete_count) FROM ducklake_delete_file "
        "WHERE table_id = $1 AND " PEN_VISIBLE(
            "", "$2") ") "
                      "FROM ducklake_data_file WHERE table_id = $1 AND " PEN_VISIBLE("", "$2"),
        "ii", table->table_id, txn->view));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    uint64_t inlined = 0;
    PEN_TRY(pen_lake_inlined_rows(txn, table->table_id, &inlined, err));
    table->file_count = (uint64_t)pen_stmt_int(stmt, 0);
    table->rows = (uint64_t)(pen_stmt_int(stmt, 1) - pen_stmt_int(stmt, 4)) + inlined;
    table->size_bytes = (uint64_t)pen_stmt_int(stmt, 2);
    return pen_stmt_is_null(stmt, 3) ? PEN_OK
                                     : read_updated(txn, table, pen_stmt_int(stmt, 3), err);
}

static enum pen_code read_last_time(struct pen_lake_txn *txn, struct pen_lake_table *table,
                                    struct pen_error *err)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pen_lake_column *column = &table->columns[i];
        if (strcmp(column->name, "time") != 0 || strcmp(column->type_text, "int64") != 0)
            continue;
        return pen_db_query_int(txn->db, &table->last_time, &table->has_last_time, err,
                                "SELECT max(CAST(s.max_value AS BIGINT)) FROM ducklake_data_file f "
                                "JOIN ducklake_file_column_stats s "
                                "ON s.data_file_id = f.data_file_id AND s.column_id = $1 "
                                "WHERE f.table_id = $2 AND " PEN_VISIBLE("f.", "$3"),
                                "iii", column->column_id, table->table_id, txn->view);
    }
    return PEN_OK;
}

static enum pen_code read_properties(struct pen_lake_txn *txn, struct pen_arena *arena,
                                     struct pen_lake_table *table, struct pen_error *err)
{
    table->time_partition = "none";
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT name, value FROM table_property WHERE table_id = $1", "i",
                         table->table_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return PEN_OK;
        const char *value = NULL;
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &value, err));
        if (pen_slice_is(pen_stmt_text(stmt, 0), "time_column"))
            table->time_column = value;
        else if (pen_slice_is(pen_stmt_text(stmt, 0), "time_partition"))
            table->time_partition = value;
        else if (pen_slice_is(pen_stmt_text(stmt, 0), "expire_days"))
            table->expire_days = pen_stmt_int(stmt, 1);
        else if (pen_slice_is(pen_stmt_text(stmt, 0), "created_us"))
            table->created_us = pen_stmt_int(stmt, 1); /* its snapshot is forgotten */
    }
}

static enum pen_code read_history(struct pen_lake_txn *txn, struct pen_lake_table *table,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT snapshot_time, (SELECT max(column_id) FROM ducklake_column "
                         "WHERE table_id = $1) FROM ducklake_snapshot WHERE snapshot_id = "
                         "(SELECT min(begin_snapshot) FROM ducklake_table WHERE table_id = $1)",
                         "i", table->table_id));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (has_row)
        table->created_us = pen_lake_time_us(pen_stmt_text(stmt, 0));
    bool is_found = false;
    PEN_TRY(pen_db_query_int(txn->db, &table->next_column_id, &is_found, err,
                             "SELECT max(column_id) FROM ducklake_column WHERE table_id = $1", "i",
                             table->table_id));
    table->next_column_id++;
    return PEN_OK;
}

#define TABLE_COLUMNS                                                                              \
    "SELECT t.table_id, t.schema_id, s.schema_name, t.table_name, s.path, s.path_is_relative, "    \
    "t.path, t.path_is_relative FROM ducklake_table t "                                            \
    "JOIN ducklake_schema s ON s.schema_id = t.schema_id "                                         \
    "WHERE " PEN_VISIBLE("t.", "$1") " AND " PEN_VISIBLE("s.", "$1") " AND s.schema_name = $2"

static enum pen_code read_table(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                void *item, struct pen_error *err)
{
    struct pen_lake_txn *txn = context;
    struct pen_lake_table *table = item;
    *table = (struct pen_lake_table){.table_id = pen_stmt_int(stmt, 0),
                                     .schema_id = pen_stmt_int(stmt, 1)};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &table->database, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &table->name, err));
    const char *folder = NULL;
    PEN_TRY(pen_lake_join_path(arena, txn->lake->data_path, pen_stmt_text(stmt, 4),
                               pen_stmt_int(stmt, 5) != 0, &folder, err));
    PEN_TRY(pen_lake_join_path(arena, folder, pen_stmt_text(stmt, 6), pen_stmt_int(stmt, 7) != 0,
                               &table->folder, err));
    PEN_TRY(read_columns(txn, arena, table, err));
    PEN_TRY(read_totals(txn, table, err));
    PEN_TRY(read_last_time(txn, table, err));
    PEN_TRY(read_properties(txn, arena, table, err));
    return read_history(txn, table, err);
}

enum pen_code pen_lake_table_find(struct pen_lake_txn *txn, const char *database, const char *table,
                                  struct pen_arena *arena, struct pen_lake_table *ret_table,
                                  struct pen_error *err)
{
    int64_t schema_id = 0;
    PEN_TRY(pen_lake_schema_id(txn, database, &schema_id, err));
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err, TABLE_COLUMNS " AND t.table_name = $3", "itt",
                         txn->view, database, table));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (!has_row)
        return pen_lake_fail_no_table(database, table, err);
    return read_table(stmt, arena, txn, ret_table, err);
}

enum pen_code pen_lake_table_list(struct pen_lake_txn *txn, const char *database,
                                  struct pen_arena *arena, struct pen_lake_table **ret_list,
                                  size_t *ret_count, struct pen_error *err)
{
    int64_t schema_id = 0;
    PEN_TRY(pen_lake_schema_id(txn, database, &schema_id, err));
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err, TABLE_COLUMNS " ORDER BY t.table_name", "it",
                         txn->view, database));
    const struct pen_row_reader reader = {sizeof(struct pen_lake_table), read_table, txn};
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}
