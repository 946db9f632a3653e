/* lake_stats.c - data files and statistics: what readers skip files by. A bound is exact or NULL
 * (unknown). The table's bounds only ever widen, for they also serve those who read old snapshots.
 */
#include "lake/lake_internal.h"

#include <stdio.h>

/* A column's statistics as they go into the catalog; texts NULL = unknown. */
struct bounds {
    bool contains_null, is_all_null;
    int contains_nan; /* -1 unknown */
    const char *min, *max;
};

/* --- one file ----------------------------------------------------------------------------------
 */

static void bind_nan(struct pen_stmt *stmt, int index, int contains_nan)
{
    if (contains_nan < 0)
        pen_stmt_bind_null(stmt, index);
    else
        pen_stmt_bind_int(stmt, index, contains_nan);
}

static int nan_of(const struct pen_part_column *column)
{
    return column->has_nan_info ? column->contains_nan : -1;
}

static enum pen_code insert_file_stats(struct pen_lake_txn *txn, int64_t file_id, int64_t table_id,
                                       int64_t column_id, const struct pen_part_column *column,
                                       struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "INSERT INTO ducklake_file_column_stats VALUES "
                         "($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)",
                         "iiiiiitt", file_id, table_id, column_id, (int64_t)column->size_bytes,
                         (int64_t)column->value_count, (int64_t)column->null_count, column->min,
                         column->max));
    bind_nan(stmt, 9, nan_of(column));
    if (column->size_bytes == 0)
        pen_stmt_bind_null(stmt, 4);
    bool has_row = false;
    return pen_stmt_step(stmt, &has_row, err);
}

static enum pen_code insert_file(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                 const char *folder, int64_t mapping_id, int64_t row_id_start,
                                 const struct pen_part *part, struct pen_error *err)
{
    /* the table's folder may have changed since the part was begun: then the path is absolute */
    bool is_relative = strcmp(folder, table->folder) == 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s%s", is_relative ? "" : folder, part->path));
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "INSERT INTO ducklake_data_file VALUES ($1, $2, $3, NULL, NULL, $4, $5, "
                         "'parquet', $6, $7, $8, $9, NULL, NULL, $10, NULL)",
                         "iiitiiiiii", txn->next_file_id, table->table_id, txn->view, path.ptr,
                         (int64_t)is_relative, (int64_t)part->rows, (int64_t)part->size_bytes,
                         (int64_t)part->footer_bytes, row_id_start, mapping_id));
    if (mapping_id < 0)
        pen_stmt_bind_null(stmt, 10);
    bool has_row = false;
    return pen_stmt_step(stmt, &has_row, err);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static void widen(const char *type_text, const char *stored, const char **inout_bound,
                  int direction)
{
    int order = 0;
    if (stored == NULL || *inout_bound == NULL ||
        !pen_lake_compare_values(type_text, stored, *inout_bound, &order))
        *inout_bound = NULL;
    else if (order * direction > 0)
        *inout_bound = stored;
}

/* Merges what the catalog has for the column into *bounds. out: *ret_is_stored. */
static enum pen_code merge_stored(struct pen_lake_txn *txn, int64_t table_id,
                                  const struct pen_lake_column *column, struct pen_arena *arena,
                                  struct bounds *bounds, bool *ret_is_stored, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT contains_null, contains_nan, min_value, max_value "
                         "FROM ducklake_table_column_stats WHERE table_id = $1 AND column_id = $2",
                         "ii", table_id, column->column_id));
    PEN_TRY(pen_stmt_step(stmt, ret_is_stored, err));
    if (!*ret_is_stored)
        return PEN_OK;
    const char *min = NULL, *max = NULL;
    if (!pen_stmt_is_null(stmt, 2))
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &min, err));
    if (!pen_stmt_is_null(stmt, 3))
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &max, err));
    bounds->contains_null = bounds->contains_null || pen_stmt_int(stmt, 0) != 0;
    if (pen_stmt_is_null(stmt, 1))
        bounds->contains_nan = -1;
    else if (pen_stmt_int(stmt, 1) != 0 && bounds->contains_nan == 0)
        bounds->contains_nan = 1;
    if (bounds->is_all_null) { /* no value of the part widens anything */
        bounds->min = min;
        bounds->max = max;
        return PEN_OK;
    }
    widen(column->type_text, min, &bounds->min, -1);
    widen(column->type_text, max, &bounds->max, 1);
    return PEN_OK;
}

static enum pen_code store_bounds(struct pen_lake_txn *txn, int64_t table_id, int64_t column_id,
                                  bool is_stored, const struct bounds *bounds,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    const char *sql =
        is_stored ? "UPDATE ducklake_table_column_stats SET contains_null = $1, contains_nan = $2, "
                    "min_value = $3, max_value = $4 WHERE table_id = $5 AND column_id = $6"
                  : "INSERT INTO ducklake_table_column_stats (contains_null, contains_nan, "
                    "min_value, max_value, table_id, column_id) VALUES ($1, $2, $3, $4, $5, $6)";
    PEN_TRY(pen_db_query(txn->db, &stmt, err, sql, "inttii", (int64_t)bounds->contains_null,
                         bounds->min, bounds->max, table_id, column_id));
    bind_nan(stmt, 2, bounds->contains_nan);
    bool has_row = false;
    return pen_stmt_step(stmt, &has_row, err);
}

static enum pen_code merge_column(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                  const struct pen_lake_column *column, bool is_table_empty,
                                  const struct pen_part_column *part, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    struct bounds bounds = {.contains_null = part->null_count > 0,
                            .is_all_null = part->null_count == part->value_count,
                            .contains_nan = nan_of(part),
                            .min = part->min,
                            .max = part->max};
    bool is_stored = false;
    PEN_TRY(merge_stored(txn, table->table_id, column, &arena, &bounds, &is_stored, err));
    /* rows that were there before the column was are null in it */
    if (!is_stored && !is_table_empty)
        bounds.contains_null = true;
    return store_bounds(txn, table->table_id, column->column_id, is_stored, &bounds, err);
}

/* The statistics of the part for a column of the table; a column that the part lacks is all null.
 */
static struct pen_part_column find_stats(const struct pen_part *part, const int64_t *column_ids,
                                         int64_t column_id)
{
    for (size_t i = 0; i < part->column_count; i++)
        if (column_ids[i] == column_id)
            return part->columns[i];
    return (struct pen_part_column){.value_count = part->rows, .null_count = part->rows};
}

static enum pen_code read_next_row_id(struct pen_lake_txn *txn, int64_t table_id, int64_t *ret_id,
                                      struct pen_error *err)
{
    bool is_found = false;
    *ret_id = 0;
    PEN_TRY(pen_db_query_int(txn->db, ret_id, &is_found, err,
                             "SELECT next_row_id FROM ducklake_table_stats WHERE table_id = $1",
                             "i", table_id));
    if (is_found)
        return PEN_OK;
    return pen_db_run(txn->db, NULL, err, "INSERT INTO ducklake_table_stats VALUES ($1, 0, 0, 0)",
                      "i", table_id);
}

enum pen_code pen_lake_add_file(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                                const struct pen_lake_layout *layout, const int64_t *column_ids,
                                int64_t mapping_id, const struct pen_part *part,
                                struct pen_error *err)
{
    int64_t row_id = 0;
    PEN_TRY(read_next_row_id(txn, table->table_id, &row_id, err));
    PEN_TRY(insert_file(txn, table, layout->folder, mapping_id, row_id, part, err));
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pen_lake_column *column = &table->columns[i];
        if (column->sql_type == NULL)
            continue; /* nested: its statistics belong to its leaves */
        struct pen_part_column stats = find_stats(part, column_ids, column->column_id);
        PEN_TRY(insert_file_stats(txn, txn->next_file_id, table->table_id, column->column_id,
                                  &stats, err));
        PEN_TRY(merge_column(txn, table, column, row_id == 0, &stats, err));
    }
    txn->next_file_id++;
    /* the counts only grow: readers take the bounds for exact as long as record_count is what the
     * visible files add up to, so a table whose rows were replaced must not look like a new one */
    return pen_db_run(txn->db, NULL, err,
                      "UPDATE ducklake_table_stats SET next_row_id = next_row_id + $1, "
                      "record_count = record_count + $1, file_size_bytes = file_size_bytes + $2 "
                      "WHERE table_id = $3",
                      "iii", (int64_t)part->rows, (int64_t)part->size_bytes, table->table_id);
}
