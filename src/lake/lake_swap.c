/* lake_swap.c - other files with the same rows: the catalog's half of a compaction. */
#include "lake/lake_files.h"
#include "lake/lake_internal.h"

#include <inttypes.h>

/* --- can it be done at all --- */

enum pen_code pen_lake_swap_check(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                  struct pen_error *err)
{
    const char *why = NULL;
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].sql_type == NULL)
            why = "columns of nested types";
    int64_t found = 0;
    bool is_partitioned = false;
    PEN_TRY(pen_db_query_int(
        txn->db, &found, &is_partitioned, err,
        "SELECT 1 FROM ducklake_partition_info i WHERE i.table_id = $1 AND " PEN_VISIBLE(
            "i.", "$2") " AND EXISTS (SELECT 1 FROM ducklake_partition_column c "
                        "WHERE c.partition_id = i.partition_id)",
        "ii", table->table_id, txn->view));
    if (is_partitioned)
        why = "partitions that another program made";
    if (why == NULL)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CONFIG, "table '%s.%s' has %s", table->database, table->name, why);
    pen_error_hint(err, "DuckDB's ducklake_merge_adjacent_files can compact it");
    return PEN_ERR_CONFIG;
}

/* --- is everything as it was -------------------------------------------------------------------
 */

static enum pen_code fail_changed(const struct pen_lake_swap *swap, const char *what,
                                  struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CONFLICT, "table '%s.%s' %s while its files were rewritten",
                   swap->table->database, swap->table->name, what);
    if (err != NULL)
        err->is_retryable = true;
    return PEN_ERR_CONFLICT;
}

/* The table under whatever name it has now. */
static enum pen_code find_table(struct pen_lake_txn *txn, const struct pen_lake_swap *swap,
                                struct pen_arena *arena, struct pen_lake_table *ret_table,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        txn->db, &stmt, err,
        "SELECT s.schema_name, t.table_name FROM ducklake_table t "
        "JOIN ducklake_schema s ON s.schema_id = t.schema_id "
        "WHERE t.table_id = $1 AND " PEN_VISIBLE("t.", "$2") " AND " PEN_VISIBLE("s.", "$2"),
        "ii", swap->table->table_id, txn->view));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (!has_row) /* no reason to try again: it will be looked for and not be found */
        return fail_changed(swap, "was deleted", err);
    const char *database = NULL, *name = NULL;
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 0), &database, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &name, err));
    return pen_lake_table_find(txn, database, name, arena, ret_table, err);
}

static enum pen_code check_columns(const struct pen_lake_swap *swap,
                                   const struct pen_lake_table *now, struct pen_error *err)
{
    const struct pen_lake_table *then = swap->table;
    bool is_same = then->column_count == now->column_count;
    for (size_t i = 0; i < now->column_count && is_same; i++)
        is_same = then->columns[i].column_id == now->columns[i].column_id &&
                  strcmp(then->columns[i].type_text, now->columns[i].type_text) == 0;
    return is_same ? PEN_OK : fail_changed(swap, "got other columns", err);
}

/* Nobody deleted rows of the file, or the whole of it. */
static enum pen_code check_file(struct pen_lake_txn *txn, const struct pen_lake_swap *swap,
                                const struct pen_lake_file *file, struct pen_error *err)
{
    int64_t found = 0;
    bool is_there = false;
    PEN_TRY(pen_db_query_int(txn->db, &found, &is_there, err,
                             "SELECT coalesce((SELECT d.delete_file_id FROM ducklake_delete_file d "
                             "WHERE d.data_file_id = f.data_file_id AND " PEN_VISIBLE(
                                 "d.", "$1") "), -1) FROM ducklake_data_file f WHERE "
                                             "f.data_file_id = $2 AND " PEN_VISIBLE("f.", "$1"),
                             "ii", txn->view, file->data_file_id));
    if (!is_there)
        return fail_changed(swap, "lost a file", err);
    return found == file->delete_file_id ? PEN_OK : fail_changed(swap, "lost rows", err);
}

static enum pen_code check_rows(const struct pen_lake_swap *swap, struct pen_error *err)
{
    uint64_t before = 0, after = 0;
    for (size_t i = 0; i < swap->file_count; i++)
        before += swap->files[i].rows - swap->files[i].deleted_rows;
    for (size_t i = 0; i < swap->part_count; i++)
        after += swap->parts[i].rows;
    if (before == after)
        return PEN_OK;
    return pen_fail(err, PEN_ERR_INTERNAL,
                    "%" PRIu64 " rows were to be rewritten, %" PRIu64 " were written", before,
                    after);
}

/* --- the change --------------------------------------------------------------------------------
 */

static enum pen_code end_file(struct pen_lake_txn *txn, const struct pen_lake_file *file,
                              struct pen_error *err)
{
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_data_file", "data_file_id", file->data_file_id, err));
    return pen_lake_end_rows(txn, "ducklake_delete_file", "data_file_id", file->data_file_id, err);
}

/* "Last import" stays what it was: rewriting imports nothing. */
static enum pen_code keep_updated(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                  struct pen_error *err)
{
    return pen_lake_note_updated(txn, table->table_id, txn->view, table->updated_us, err);
}

static enum pen_code add_parts(struct pen_lake_txn *txn, const struct pen_lake_swap *swap,
                               const struct pen_lake_table *table, struct pen_arena *arena,
                               struct pen_error *err)
{
    struct pen_lake_layout layout = {.folder = swap->table->folder};
    int64_t *ids = pen_arena_alloc(arena, (table->column_count + 1) * sizeof *ids);
    if (ids == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < table->column_count; i++)
        ids[i] = table->columns[i].column_id;
    int64_t rows = 0, bytes = 0;
    for (size_t i = 0; i < swap->part_count; i++) {
        PEN_TRY(pen_lake_add_file(txn, table, &layout, ids, -1, &swap->parts[i], err));
        rows += (int64_t)swap->parts[i].rows;
        bytes += (int64_t)swap->parts[i].size_bytes;
    }
    /* no row came: readers compare record_count with the visible files (lake_stats.c) */
    return pen_db_run(txn->db, NULL, err,
                      "UPDATE ducklake_table_stats SET record_count = record_count - $1, "
                      "file_size_bytes = file_size_bytes - $2 WHERE table_id = $3",
                      "iii", rows, bytes, table->table_id);
}

enum pen_code pen_lake_swap_files(struct pen_lake_txn *txn, const struct pen_lake_swap *swap,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_lake_table table = {0};
    PEN_TRY(check_rows(swap, err));
    PEN_TRY(find_table(txn, swap, &arena, &table, err));
    PEN_TRY(check_columns(swap, &table, err));
    for (size_t i = 0; i < swap->file_count; i++)
        PEN_TRY(check_file(txn, swap, &swap->files[i], err));
    for (size_t i = 0; i < swap->file_count; i++)
        PEN_TRY(end_file(txn, &swap->files[i], err));
    PEN_TRY(add_parts(txn, swap, &table, &arena, err));
    PEN_TRY(keep_updated(txn, &table, err));
    /* both words: a writer of another program that deletes from the old files meanwhile sees a
     * conflict with the insert; with the format's own word for compaction (merge_adjacent) its
     * deletes would be lost, for that one keeps row ids */
    const long long id = (long long)table.table_id;
    PEN_TRY(pen_lake_note_change(txn, err, "deleted_from_table:%lld", id));
    return pen_lake_note_change(txn, err, "inserted_into_table:%lld", id);
}
