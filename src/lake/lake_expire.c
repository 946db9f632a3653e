/* lake_expire.c - forgetting old snapshots:
 *     snapshots --delete--> files that none needs --schedule--> (grace period) --> gone from disk
 * as the format's reference does it, so that either program may finish what the other began. */
#include "base/civil.h"
#include "lake/lake_files.h"
#include "lake/lake_internal.h"

#include <stdio.h>

/* SQL: no snapshot sees the row version of `alias` any more. */
#define GONE(alias)                                                                                \
    "(" alias ".end_snapshot IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ducklake_snapshot p "       \
    "WHERE p.snapshot_id >= " alias ".begin_snapshot AND p.snapshot_id < " alias ".end_snapshot))"

/* --- which snapshots ---------------------------------------------------------------------------
 */

struct expired_snapshot {
    int64_t snapshot_id, time_us;
};

static enum pen_code read_snapshot(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                   void *item, struct pen_error *err)
{
    (void)arena, (void)context, (void)err; /* numbers only */
    *(struct expired_snapshot *)item =
        (struct expired_snapshot){pen_stmt_int(stmt, 0), pen_lake_time_us(pen_stmt_text(stmt, 1))};
    return PEN_OK;
}

/* in: rank: 0 for the newest. A time that cannot be read is never old. */
static bool is_expired(const struct pen_lake_expiry *expiry,
                       const struct expired_snapshot *snapshot, size_t rank)
{
    if (rank == 0 || (!expiry->has_keep && !expiry->has_before))
        return false;
    if (expiry->has_keep && rank < expiry->keep)
        return false;
    return !expiry->has_before || (snapshot->time_us != 0 && snapshot->time_us < expiry->before_us);
}

/* What tables show of the snapshots that made and last wrote them outlives those. */
static enum pen_code keep_times(struct pen_lake_txn *txn, const struct expired_snapshot *snapshot,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        txn->db, &stmt, err,
        "SELECT table_id FROM ducklake_data_file WHERE begin_snapshot = $1 GROUP BY table_id "
        "HAVING $1 = (SELECT max(f.begin_snapshot) FROM ducklake_data_file f "
        "WHERE f.table_id = ducklake_data_file.table_id AND f.end_snapshot IS NULL)",
        "i", snapshot->snapshot_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            break;
        PEN_TRY(pen_lake_keep_updated(txn, pen_stmt_int(stmt, 0), snapshot->snapshot_id,
                                      snapshot->time_us, err));
    }
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)snapshot->time_us); /* fits */
    return pen_db_run(txn->db, NULL, err,
                      "INSERT INTO table_property SELECT table_id, 'created_us', $1 "
                      "FROM ducklake_table t WHERE t.begin_snapshot = $2 AND NOT EXISTS "
                      "(SELECT 1 FROM table_property p WHERE p.table_id = t.table_id AND p.name = "
                      "'created_us') AND NOT EXISTS (SELECT 1 FROM ducklake_table o WHERE "
                      "o.table_id = t.table_id AND o.begin_snapshot < $2)",
                      "ti", text, snapshot->snapshot_id);
}

static enum pen_code forget_snapshot(struct pen_lake_txn *txn,
                                     const struct expired_snapshot *snapshot, struct pen_error *err)
{
    PEN_TRY(keep_times(txn, snapshot, err));
    PEN_TRY(pen_db_run(txn->db, NULL, err, "DELETE FROM ducklake_snapshot WHERE snapshot_id = $1",
                       "i", snapshot->snapshot_id));
    return pen_db_run(txn->db, NULL, err,
                      "DELETE FROM ducklake_snapshot_changes WHERE snapshot_id = $1", "i",
                      snapshot->snapshot_id);
}

static enum pen_code forget_snapshots(struct pen_lake_txn *txn,
                                      const struct pen_lake_expiry *expiry, uint64_t *ret_count,
                                      struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    static const struct pen_row_reader reader = {sizeof(struct expired_snapshot), read_snapshot,
                                                 NULL};
    struct expired_snapshot *list = NULL;
    size_t count = 0;
    {
        PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
        PEN_TRY(pen_db_query(txn->db, &stmt, err,
                             "SELECT snapshot_id, snapshot_time FROM ducklake_snapshot "
                             "ORDER BY snapshot_id DESC",
                             ""));
        PEN_TRY(pen_stmt_list(stmt, &reader, &arena, &list, &count, err));
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_expired(expiry, &list[i], i))
            continue;
        PEN_TRY(forget_snapshot(txn, &list[i], err));
        (*ret_count)++;
    }
    return PEN_OK;
}

/* --- files that none needs ---------------------------------------------------------------------
 */

struct gone_file {
    int64_t id;
    uint64_t bytes;
    const char *path;
};

static enum pen_code read_gone(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    struct gone_file *gone = item;
    *gone =
        (struct gone_file){.id = pen_stmt_int(stmt, 0), .bytes = (uint64_t)pen_stmt_int(stmt, 1)};
    return pen_lake_file_path(context, stmt, 2, arena, &gone->path, err);
}

static enum pen_code schedule(struct pen_lake_txn *txn, const struct gone_file *gone,
                              const char *now, struct pen_error *err)
{
    struct pen_slice path = pen_slice_str(gone->path);
    struct pen_slice base = pen_slice_str(txn->lake->data_path);
    bool is_relative = pen_slice_starts(path, base);
    return pen_db_run(txn->db, NULL, err,
                      "INSERT INTO ducklake_files_scheduled_for_deletion VALUES ($1, $2, $3, $4)",
                      "isit", gone->id, is_relative ? pen_slice_skip(path, base.len) : path,
                      (int64_t)is_relative, now);
}

/* in: kind: "data" or "delete". */
static enum pen_code schedule_gone(struct pen_lake_txn *txn, const char *kind, const char *sql,
                                   const char *now, struct pen_lake_expired *expired,
                                   struct pen_error *err)
{
    static const char *const of_data_file[] = {"ducklake_file_column_stats",
                                               "ducklake_file_variant_stats",
                                               "ducklake_file_partition_value"};
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    const struct pen_row_reader reader = {sizeof(struct gone_file), read_gone, txn};
    struct gone_file *list = NULL;
    size_t count = 0;
    {
        PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
        PEN_TRY(pen_db_query(txn->db, &stmt, err, sql, ""));
        PEN_TRY(pen_stmt_list(stmt, &reader, &arena, &list, &count, err));
    }
    char text[128];
    bool is_data = strcmp(kind, "data") == 0;
    for (size_t i = 0; i < count; i++) {
        PEN_TRY(schedule(txn, &list[i], now, err));
        (void)snprintf(text, sizeof text, "DELETE FROM ducklake_%s_file WHERE %s_file_id = $1",
                       kind, kind); /* fits */
        PEN_TRY(pen_db_run(txn->db, NULL, err, text, "i", list[i].id));
        for (size_t k = 0; is_data && k < sizeof of_data_file / sizeof of_data_file[0]; k++) {
            (void)snprintf(text, sizeof text, "DELETE FROM %s WHERE data_file_id = $1",
                           of_data_file[k]); /* fits */
            PEN_TRY(pen_db_run(txn->db, NULL, err, text, "i", list[i].id));
        }
        expired->files++;
        expired->bytes += list[i].bytes;
    }
    return PEN_OK;
}

static enum pen_code schedule_files(struct pen_lake_txn *txn, int64_t now_us,
                                    struct pen_lake_expired *expired, struct pen_error *err)
{
    char now[48];
    pen_lake_time_text(now_us, now);
    PEN_TRY(schedule_gone(txn, "data",
                          "SELECT f.data_file_id, f.file_size_bytes, " PEN_LAKE_PATH_COLUMNS(
                              "f", "f.table_id") " FROM ducklake_data_file f WHERE " GONE("f"),
                          now, expired, err));
    return schedule_gone(
        txn, "delete",
        "SELECT f.delete_file_id, f.file_size_bytes, " PEN_LAKE_PATH_COLUMNS(
            "f",
            "f.table_id") " FROM ducklake_delete_file f WHERE " GONE("f") " OR NOT EXISTS (SELECT "
                                                                          "1 FROM "
                                                                          "ducklake_data_file d "
                                                                          "WHERE d.data_file_id = "
                                                                          "f.data_file_id)",
        now, expired, err);
}

/* --- tables that none holds --------------------------------------------------------------------
 */

/* Column rows of tables that live on stay: the greatest id must never be used twice. */
static enum pen_code forget_tables(struct pen_lake_txn *txn, struct pen_error *err)
{
    static const char *const statements[] = {
        "DELETE FROM ducklake_table WHERE table_id NOT IN "
        "(SELECT o.table_id FROM ducklake_table o WHERE NOT " GONE("o") ")",
        "DELETE FROM ducklake_column WHERE table_id NOT IN (SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_table_stats WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_table_column_stats WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_partition_info WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_partition_column WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_sort_info WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_sort_expression WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_column_tag WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_schema_versions WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_name_mapping WHERE mapping_id IN (SELECT mapping_id FROM "
        "ducklake_column_mapping WHERE table_id NOT IN (SELECT table_id FROM ducklake_table))",
        "DELETE FROM ducklake_column_mapping WHERE table_id NOT IN "
        "(SELECT table_id FROM ducklake_table)",
        "DELETE FROM table_property WHERE table_id NOT IN (SELECT table_id FROM ducklake_table)",
        "DELETE FROM column_source WHERE table_id NOT IN (SELECT table_id FROM ducklake_table)",
        "DELETE FROM ducklake_view WHERE view_id IN "
        "(SELECT v.view_id FROM ducklake_view v WHERE " GONE(
            "v") ") AND end_snapshot IS NOT NULL "
                 "AND view_id NOT IN (SELECT v.view_id FROM ducklake_view v WHERE NOT " GONE(
                     "v") ")",
        "DELETE FROM ducklake_schema WHERE schema_id NOT IN "
        "(SELECT o.schema_id FROM ducklake_schema o WHERE NOT " GONE("o") ")",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        PEN_TRY(pen_db_exec(txn->db, statements[i], err));
    return PEN_OK;
}

enum pen_code pen_lake_expire(struct pen_lake_txn *txn, const struct pen_lake_expiry *expiry,
                              int64_t now_us, struct pen_lake_expired *ret_expired,
                              struct pen_error *err)
{
    *ret_expired = (struct pen_lake_expired){0};
    PEN_TRY(forget_snapshots(txn, expiry, &ret_expired->snapshots, err));
    if (ret_expired->snapshots == 0)
        return PEN_OK;
    PEN_TRY(schedule_files(txn, now_us, ret_expired, err));
    return forget_tables(txn, err);
}

/* --- what is scheduled -------------------------------------------------------------------------
 */

enum pen_code pen_lake_read_scheduled(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                      void *item, struct pen_error *err)
{
    const struct pen_lake_txn *txn = context;
    const char *base = txn->lake->data_path;
    struct pen_lake_scheduled *scheduled = item;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    bool is_relative = pen_stmt_int(stmt, 2) != 0;
    PEN_TRY(pen_buf_addf(&path, err, "%s%s", is_relative ? base : "", pen_stmt_text(stmt, 1).ptr));
    *scheduled = (struct pen_lake_scheduled){
        .file_id = pen_stmt_int(stmt, 0),
        .since_us = pen_lake_time_us(pen_stmt_text(stmt, 3)),
        .is_ours = pen_slice_starts(pen_buf_slice(&path), pen_slice_str(base))};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &scheduled->stored, err));
    return pen_arena_text(arena, pen_buf_slice(&path), &scheduled->path, err);
}

enum pen_code pen_lake_scheduled_list(struct pen_lake_txn *txn, int64_t until_us,
                                      struct pen_arena *arena, struct pen_lake_scheduled **ret_list,
                                      size_t *ret_count, struct pen_error *err)
{
    const struct pen_row_reader reader = {sizeof **ret_list, pen_lake_read_scheduled, txn};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    struct pen_lake_scheduled *list = NULL;
    size_t count = 0, kept = 0;
    PEN_TRY(pen_db_query(txn->db, &stmt, err, PEN_LAKE_SCHEDULED_SQL, ""));
    PEN_TRY(pen_stmt_list(stmt, &reader, arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        if (list[i].since_us <= until_us)
            list[kept++] = list[i];
    *ret_list = list;
    *ret_count = kept;
    return PEN_OK;
}

enum pen_code pen_lake_scheduled_forget(struct pen_db *db,
                                        const struct pen_lake_scheduled *scheduled,
                                        struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "DELETE FROM ducklake_files_scheduled_for_deletion WHERE data_file_id = $1 "
                      "AND path = $2",
                      "it", scheduled->file_id, scheduled->stored);
}
