#include "lake/lake_files.h"

#include "lake/lake_internal.h"

#include <stdlib.h>

/* --- paths -------------------------------------------------------------------------------------
 */

enum pen_code pen_lake_file_path(struct pen_lake_txn *txn, struct pen_stmt *stmt, int column,
                                 struct pen_arena *arena, const char **ret_path,
                                 struct pen_error *err)
{
    const char *folder = txn->lake->data_path;
    for (int level = 0; level < 2; level++)
        PEN_TRY(pen_lake_join_path(arena, folder, pen_stmt_text(stmt, column + 2 + 2 * level),
                                   pen_stmt_int(stmt, column + 3 + 2 * level) != 0, &folder, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (pen_stmt_int(stmt, column + 1) != 0)
        PEN_TRY(pen_buf_add_str(&path, folder, err));
    PEN_TRY(pen_buf_add_slice(&path, pen_stmt_text(stmt, column), err));
    return pen_arena_text(arena, pen_buf_slice(&path), ret_path, err);
}

/* --- the files of a table ----------------------------------------------------------------------
 */

static int64_t int_or_none(struct pen_stmt *stmt, int column)
{
    return pen_stmt_is_null(stmt, column) ? -1 : pen_stmt_int(stmt, column);
}

struct file_reader {
    const struct pen_lake_table *table;
};

static enum pen_code full_path(const struct pen_lake_table *table, struct pen_stmt *stmt,
                               int column, struct pen_arena *arena, const char **ret_path,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (pen_stmt_int(stmt, column + 1) != 0)
        PEN_TRY(pen_buf_add_str(&path, table->folder, err));
    PEN_TRY(pen_buf_add_slice(&path, pen_stmt_text(stmt, column), err));
    return pen_arena_text(arena, pen_buf_slice(&path), ret_path, err);
}

static enum pen_code read_file(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    const struct file_reader *reader = context;
    struct pen_lake_file *file = item;
    *file = (struct pen_lake_file){
        .data_file_id = pen_stmt_int(stmt, 0),
        .begin_snapshot = pen_stmt_int(stmt, 1),
        .is_ended = !pen_stmt_is_null(stmt, 2),
        .rows = (uint64_t)pen_stmt_int(stmt, 6),
        .size_bytes = (uint64_t)pen_stmt_int(stmt, 7),
        .footer_bytes = int_or_none(stmt, 8),
        .row_id_start = int_or_none(stmt, 9),
        .mapping_id = int_or_none(stmt, 10),
        .is_encrypted = !pen_stmt_is_null(stmt, 11),
        .is_partial = !pen_stmt_is_null(stmt, 12),
        .delete_file_id = int_or_none(stmt, 13),
        .deleted_rows = (uint64_t)pen_stmt_int(stmt, 16),
        .delete_size_bytes = (uint64_t)pen_stmt_int(stmt, 17),
        .has_time = !pen_stmt_is_null(stmt, 18) && !pen_stmt_is_null(stmt, 19),
        .min_time = pen_stmt_int(stmt, 18),
        .max_time = pen_stmt_int(stmt, 19),
        .has_null_time = pen_stmt_int(stmt, 20) > 0,
        .is_all_null_time =
            !pen_stmt_is_null(stmt, 20) && pen_stmt_int(stmt, 20) == pen_stmt_int(stmt, 6),
    };
    PEN_TRY(full_path(reader->table, stmt, 3, arena, &file->path, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 5), &file->format, err));
    if (file->delete_file_id >= 0)
        PEN_TRY(full_path(reader->table, stmt, 14, arena, &file->delete_path, err));
    return PEN_OK;
}

const struct pen_lake_column *pen_lake_time_column(const struct pen_lake_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, "time") == 0 &&
            strcmp(table->columns[i].type_text, "int64") == 0)
            return &table->columns[i];
    return NULL;
}

enum pen_code pen_lake_file_list(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                 enum pen_lake_files which, struct pen_arena *arena,
                                 struct pen_lake_file **ret_list, size_t *ret_count,
                                 struct pen_error *err)
{
    const struct pen_lake_column *time = pen_lake_time_column(table);
    struct file_reader context = {table};
    const struct pen_row_reader reader = {sizeof **ret_list, read_file, &context};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        txn->db, &stmt, err,
        "SELECT f.data_file_id, f.begin_snapshot, f.end_snapshot, f.path, f.path_is_relative, "
        "f.file_format, f.record_count, f.file_size_bytes, f.footer_size, f.row_id_start, "
        "f.mapping_id, f.encryption_key, f.partial_max, d.delete_file_id, d.path, "
        "d.path_is_relative, d.delete_count, d.file_size_bytes, CAST(s.min_value AS BIGINT), "
        "CAST(s.max_value AS BIGINT), s.null_count FROM ducklake_data_file f "
        "LEFT JOIN ducklake_delete_file d ON d.data_file_id = f.data_file_id AND " PEN_VISIBLE(
            "d.", "$1") " LEFT JOIN ducklake_file_column_stats s "
                        "ON s.data_file_id = f.data_file_id AND s.column_id = $2 "
                        "WHERE ($3 = 1 OR (" PEN_VISIBLE(
                            "f.", "$1") ")) AND f.table_id = $4 ORDER BY f.data_file_id",
        "iiii", txn->view, time == NULL ? INT64_C(-1) : time->column_id,
        (int64_t)(which == PEN_LAKE_ALL_FILES), table->table_id));
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

/* --- all files ---------------------------------------------------------------------------------
 */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum pen_code read_known(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                void *item, struct pen_error *err)
{
    return pen_lake_file_path(context, stmt, 0, arena, item, err);
}

static enum pen_code read_stored(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                 void *item, struct pen_error *err)
{
    struct pen_lake_scheduled scheduled;
    PEN_TRY(pen_lake_read_scheduled(stmt, arena, context, &scheduled, err));
    *(const char **)item = scheduled.path;
    return PEN_OK;
}

enum pen_code pen_lake_known_paths(struct pen_lake_txn *txn, struct pen_arena *arena,
                                   const char ***ret_paths, size_t *ret_count,
                                   struct pen_error *err)
{
    const char **files = NULL, **scheduled = NULL;
    size_t file_count = 0, scheduled_count = 0;
    const struct pen_row_reader file_reader = {sizeof *files, read_known, txn};
    const struct pen_row_reader scheduled_reader = {sizeof *scheduled, read_stored, txn};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL, *other = NULL;
    PEN_TRY(
        pen_db_query(txn->db, &stmt, err,
                     "SELECT " PEN_LAKE_PATH_COLUMNS(
                         "f", "f.table_id") " FROM ducklake_data_file f "
                                            "UNION ALL SELECT " PEN_LAKE_PATH_COLUMNS(
                                                "f", "f.table_id") " FROM ducklake_delete_file f",
                     ""));
    PEN_TRY(pen_stmt_list(stmt, &file_reader, arena, &files, &file_count, err));
    PEN_TRY(pen_db_query(txn->db, &other, err, PEN_LAKE_SCHEDULED_SQL, ""));
    PEN_TRY(pen_stmt_list(other, &scheduled_reader, arena, &scheduled, &scheduled_count, err));
    const char **all = pen_arena_alloc(arena, (file_count + scheduled_count + 1) * sizeof *all);
    if (all == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < file_count; i++)
        all[i] = files[i];
    for (size_t i = 0; i < scheduled_count; i++)
        all[file_count + i] = scheduled[i];
    qsort(all, file_count + scheduled_count, sizeof *all, compare_paths);
    *ret_paths = all;
    *ret_count = file_count + scheduled_count;
    return PEN_OK;
}
