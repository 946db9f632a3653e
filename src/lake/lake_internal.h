/* lake_internal.h - what the files of lake/ share. */
#ifndef PEN_LAKE_LAKE_INTERNAL_H
#define PEN_LAKE_LAKE_INTERNAL_H

#include "base/buf.h"
#include "lake/lake.h"

struct pen_lake {
    struct pen_db *db;
    char *data_path; /* absolute, ends in '/' */
};

/* A transaction. Rows are looked at as of snapshot `view`: the base when reading, the snapshot to
 * be made when changing, so that a change sees those before it. */
struct pen_lake_txn {
    struct pen_lake *lake;
    struct pen_db *db;
    bool is_write;
    int64_t base, view;                    /* snapshot ids */
    int64_t schema_version;                /* of the base */
    int64_t next_catalog_id, next_file_id; /* advance with use */
    int64_t first_own_id; /* tables from this id on were made by this transaction */
    bool is_schema_changed;
    struct pen_buf changes; /* ducklake_snapshot_changes.changes_made so far */
};

/* SQL: a row version of `alias` is visible at snapshot parameter $n. */
#define PEN_VISIBLE(alias, n)                                                                      \
    alias "begin_snapshot <= " n " AND (" alias "end_snapshot IS NULL OR " alias                   \
          "end_snapshot > " n ")"

/* --- lake.c --- */

/* pen_lake_note_change - adds an entry to changes_made, once. */
PEN_MUST_USE enum pen_code pen_lake_note_change(struct pen_lake_txn *txn, struct pen_error *err,
                                                const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_lake_note_schema - the schema version rises; table_id gets its row of schema_versions. */
PEN_MUST_USE enum pen_code pen_lake_note_schema(struct pen_lake_txn *txn, int64_t table_id,
                                                struct pen_error *err);

/* pen_lake_end_rows - ends the visible rows of one of the format's tables that satisfy
 * `<id_column> = id`; rows that this transaction made vanish. */
PEN_MUST_USE enum pen_code pen_lake_end_rows(struct pen_lake_txn *txn, const char *table,
                                             const char *id_column, int64_t id,
                                             struct pen_error *err);

/* pen_lake_time_text - "YYYY-MM-DD HH:MM:SS.ffffff+00"; out has 48 bytes.
 * pen_lake_time_us - the way back; 0 when it is no such text. */
void pen_lake_time_text(int64_t utc_us, char *out);
int64_t pen_lake_time_us(struct pen_slice text);

/* --- lake_types.c --- */

/* pen_lake_type_text - the format's word for a type of ours. */
const char *pen_lake_type_text(enum pen_type type);

/* pen_lake_type_fill - type, is_own_type and sql_type of a column from its type_text. */
PEN_MUST_USE enum pen_code pen_lake_type_fill(struct pen_lake_column *column,
                                              struct pen_arena *arena, struct pen_error *err);

/* pen_lake_compare_values - the order of two statistics of a column of that type.
 * out: *ret_order < 0, 0, > 0. false: not comparable, the bound is unknown. */
bool pen_lake_compare_values(const char *type_text, const char *a, const char *b, int *ret_order);

/* --- lake_database.c --- */

/* pen_lake_schema_id - the database's id; PEN_ERR_NOT_FOUND. */
PEN_MUST_USE enum pen_code pen_lake_schema_id(struct pen_lake_txn *txn, const char *name,
                                              int64_t *ret_id, struct pen_error *err);

/* pen_lake_join_path - base + path when relative, else path; ends in '/'. */
PEN_MUST_USE enum pen_code pen_lake_join_path(struct pen_arena *arena, const char *base,
                                              struct pen_slice path, bool is_relative,
                                              const char **ret_path, struct pen_error *err);

/* --- lake_table.c --- */

/* pen_lake_table_id - as table_find, only the id; *ret_id 0 when the table does not exist (the
 * database must). */
PEN_MUST_USE enum pen_code pen_lake_table_id(struct pen_lake_txn *txn, const char *database,
                                             const char *table, int64_t *ret_id,
                                             struct pen_error *err);

/* pen_lake_fail_no_table - "Table 'db.t' does not exist." */
enum pen_code pen_lake_fail_no_table(const char *database, const char *table,
                                     struct pen_error *err);

/* pen_lake_each_inlined - calls fn with each table that holds rows of table_id inside the catalog
 * (made by other programs only). */
PEN_MUST_USE enum pen_code
pen_lake_each_inlined(struct pen_lake_txn *txn, int64_t table_id,
                      enum pen_code (*fn)(struct pen_lake_txn *txn, const char *inlined_table,
                                          void *context, struct pen_error *err),
                      void *context, struct pen_error *err);

/* pen_lake_inlined_rows - how many rows of the table live inside the catalog. */
PEN_MUST_USE enum pen_code pen_lake_inlined_rows(struct pen_lake_txn *txn, int64_t table_id,
                                                 uint64_t *ret_rows, struct pen_error *err);

/* pen_lake_note_updated - when the table was last written, for when the snapshot that made its
 * newest file says something else (a compaction) or is forgotten.
 * pen_lake_keep_updated - the same, but a note about that snapshot that is there stays. */
PEN_MUST_USE enum pen_code pen_lake_note_updated(struct pen_lake_txn *txn, int64_t table_id,
                                                 int64_t snapshot_id, int64_t updated_us,
                                                 struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_keep_updated(struct pen_lake_txn *txn, int64_t table_id,
                                                 int64_t snapshot_id, int64_t updated_us,
                                                 struct pen_error *err);

/* --- lake_files.c --- */

/* SQL: six columns that pen_lake_file_path makes an absolute path of: path and path_is_relative of
 * the file `alias`, then those of its table's database and of its table. Row versions of a table
 * differ in their names only. */
#define PEN_LAKE_PATH_COLUMNS(alias, id)                                                           \
    alias ".path, " alias ".path_is_relative, "                                                    \
          "(SELECT s.path FROM ducklake_table t JOIN ducklake_schema s "                           \
          "ON s.schema_id = t.schema_id WHERE t.table_id = " id " LIMIT 1), "                      \
          "(SELECT s.path_is_relative FROM ducklake_table t JOIN ducklake_schema s "               \
          "ON s.schema_id = t.schema_id WHERE t.table_id = " id " LIMIT 1), "                      \
          "(SELECT t.path FROM ducklake_table t WHERE t.table_id = " id " LIMIT 1), "              \
          "(SELECT t.path_is_relative FROM ducklake_table t WHERE t.table_id = " id " LIMIT 1)"

/* pen_lake_file_path - in: column: the first of PEN_LAKE_PATH_COLUMNS. */
PEN_MUST_USE enum pen_code pen_lake_file_path(struct pen_lake_txn *txn, struct pen_stmt *stmt,
                                              int column, struct pen_arena *arena,
                                              const char **ret_path, struct pen_error *err);

/* pen_lake_time_column - the column `time` when it holds unix seconds, else NULL. */
const struct pen_lake_column *pen_lake_time_column(const struct pen_lake_table *table);

/* --- lake_expire.c --- */

#define PEN_LAKE_SCHEDULED_SQL                                                                     \
    "SELECT data_file_id, path, path_is_relative, schedule_start "                                 \
    "FROM ducklake_files_scheduled_for_deletion ORDER BY data_file_id, path"

/* pen_lake_read_scheduled - a row reader (db.h) for such rows. in: context: the transaction. out:
 * item: struct pen_lake_scheduled. */
PEN_MUST_USE enum pen_code pen_lake_read_scheduled(struct pen_stmt *stmt, struct pen_arena *arena,
                                                   void *context, void *item,
                                                   struct pen_error *err);

/* --- lake_change.c --- */

/* pen_lake_make_table - the rows of a new table, without columns; names were checked. */
PEN_MUST_USE enum pen_code pen_lake_make_table(struct pen_lake_txn *txn, const char *database,
                                               const char *table, int64_t *ret_table_id,
                                               struct pen_error *err);

/* pen_lake_make_column - a new column at the end; source_name is kept when it differs. */
PEN_MUST_USE enum pen_code pen_lake_make_column(struct pen_lake_txn *txn, int64_t table_id,
                                                int64_t column_id, const char *name,
                                                const char *source_name, enum pen_type type,
                                                struct pen_error *err);

/* pen_lake_end_files - ends all rows of a table: its data files, delete files, inlined rows. */
PEN_MUST_USE enum pen_code pen_lake_end_files(struct pen_lake_txn *txn, int64_t table_id,
                                              struct pen_error *err);

/* --- lake_stats.c --- */

/* pen_lake_add_file - one part as a data file of the table, with statistics, also the table's.
 * in: column_ids: the actual id per column of the part. mapping_id: -1 for none. */
PEN_MUST_USE enum pen_code pen_lake_add_file(struct pen_lake_txn *txn,
                                             const struct pen_lake_table *table,
                                             const struct pen_lake_layout *layout,
                                             const int64_t *column_ids, int64_t mapping_id,
                                             const struct pen_part *part, struct pen_error *err);

#endif
