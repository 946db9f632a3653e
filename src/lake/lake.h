/* lake.h - the catalog: databases, tables, columns, data files, snapshots (DuckLake 1.0).
 *
 *     read:   pen_lake_begin_read -> pen_lake_table_find, _list, layout ... -> pen_lake_rollback
 *     change: pen_lake_transact(lake, fn): begin -> fn(txn) -> commit, again on a conflict
 *
 * Everything happens inside a transaction of the catalog's database. pen_lake_txn_db gives that
 * database, so that the job's own rows (meta/) commit together with the data or not at all.
 * Each transaction that changed something makes exactly one snapshot.
 *
 * Words: a database of ours is a schema of the format. Texts handed out live in the arena that the
 * caller passed. thread: one at a time per lake; each thread opens its own.
 * source: spec/ducklake.md, spec/storage.md 1-5; how it is laid out: docs/internals/lake.md. */
#ifndef PEN_LAKE_LAKE_H
#define PEN_LAKE_LAKE_H

#include "base/arena.h"
#include "base/buf.h"
#include "batch/schema.h"
#include "db/db.h"
#include "sink/sink.h"

struct pen_lake;
struct pen_lake_txn;

/* pen_lake_open - opens `<home>/catalog.sqlite`; with PEN_DB_CREATE makes home, catalog and
 * `<home>/lake/` when missing and migrates. errors: as db.h; PEN_ERR_CONFIG when the catalog is of
 * a format version that this program does not know. */
PEN_MUST_USE enum pen_code pen_lake_open(const char *home, enum pen_db_mode mode,
                                         struct pen_lake **ret_lake, struct pen_error *err);
void pen_lake_close(struct pen_lake *lake);
PEN_DEFINE_FREE_P(struct pen_lake *, pen_lake_close)

/* pen_lake_db - the connection, for reads and changes outside a lake transaction. */
struct pen_db *pen_lake_db(struct pen_lake *lake);

/* pen_lake_data_path - absolute folder of all data, ends in '/'. */
const char *pen_lake_data_path(const struct pen_lake *lake);

/* --- transactions ------------------------------------------------------------------------------
 */

/* pen_lake_begin - waits for other writers; the newest snapshot is the base of all changes.
 * pen_lake_begin_read - a consistent look at the newest snapshot; no changes.
 * pen_lake_begin_read_at - at an older snapshot (time travel); PEN_ERR_NOT_FOUND. */
PEN_MUST_USE enum pen_code pen_lake_begin(struct pen_lake *lake, struct pen_lake_txn **ret_txn,
                                          struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_begin_read(struct pen_lake *lake, struct pen_lake_txn **ret_txn,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_begin_read_at(struct pen_lake *lake, int64_t snapshot_id,
                                                  struct pen_lake_txn **ret_txn,
                                                  struct pen_error *err);

/* pen_lake_commit - writes the snapshot (when anything of the lake changed) and commits the
 * database transaction. in: message: free text for the snapshot ("job 17"), may be NULL.
 * out: *ret_snapshot_id (may be NULL): the new snapshot, or the base when nothing changed. The
 * transaction is over and freed either way.
 * errors: PEN_ERR_CONFLICT retryable: another writer was first; repeat from pen_lake_begin. */
PEN_MUST_USE enum pen_code pen_lake_commit(struct pen_lake_txn *txn, const char *message,
                                           int64_t *ret_snapshot_id, struct pen_error *err);

/* pen_lake_rollback - undoes everything and frees the transaction. NULL is fine. */
void pen_lake_rollback(struct pen_lake_txn *txn);
PEN_DEFINE_FREE_P(struct pen_lake_txn *, pen_lake_rollback)

/* pen_lake_txn_db - the database inside the transaction. pen_lake_snapshot_id - the base snapshot.
 * pen_lake_next_snapshot_id - the newest one after a commit of the changes made so far: the base
 * when the lake has not changed. */
struct pen_db *pen_lake_txn_db(struct pen_lake_txn *txn);
int64_t pen_lake_snapshot_id(const struct pen_lake_txn *txn);
int64_t pen_lake_next_snapshot_id(const struct pen_lake_txn *txn);

/* pen_lake_transact - begin, fn, commit; repeats all three (up to 50 times, with growing pauses)
 * when another writer was first. fn must look everything up afresh: nothing found before holds. */
typedef enum pen_code (*pen_lake_fn)(struct pen_lake_txn *txn, void *context,
                                     struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_transact(struct pen_lake *lake, const char *message,
                                             pen_lake_fn fn, void *context,
                                             int64_t *ret_snapshot_id, struct pen_error *err);

/* --- names (lake_names.c) ----------------------------------------------------------------------
 */

/* pen_lake_check_name - whether a database or table may be created under this name: 3..128 of
 * [a-z0-9_]. in: what: "Database" or "Table". errors: PEN_ERR_CONFIG in the client's words:
 * "Database name must be between 3 and 255 characters long. Got 2 characters." and
 * "Database name must only consist of lower-case alpha-numeric characters and '_'." */
PEN_MUST_USE enum pen_code pen_lake_check_name(const char *what, struct pen_slice name,
                                               struct pen_error *err);

/* pen_lake_is_column_name - [a-z_][a-z0-9_]*: used as it is; others get an alias. */
bool pen_lake_is_column_name(struct pen_slice name);

/* pen_lake_alias - the alias of a column name (storage.md 2), without looking at clashes.
 * out: appended to `into`. pen_lake_aliases - the names of a whole schema, clashes among
 * themselves and with `taken` resolved by _1, _2, ...: ret_names has schema->count texts. */
PEN_MUST_USE enum pen_code pen_lake_alias(struct pen_slice name, struct pen_buf *into,
                                          struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_aliases(const struct pen_schema *schema,
                                            const char *const *taken, size_t taken_count,
                                            struct pen_arena *arena, const char ***ret_names,
                                            struct pen_error *err);

/* --- databases ---------------------------------------------------------------------------------
 */

struct pen_lake_database {
    int64_t schema_id;
    const char *name;
    const char *folder; /* absolute, ends in '/' */
    uint64_t table_count, rows, size_bytes;
    int64_t created_us;
};

/* pen_lake_database_list - all, by name. *_find - PEN_ERR_NOT_FOUND "Database 'x' does not exist."
 * *_create - PEN_ERR_CONFLICT (not retryable) "Database 'x' already exists." *_drop - with all its
 * tables when is_cascade, else PEN_ERR_CONFLICT when it has any. */
PEN_MUST_USE enum pen_code pen_lake_database_list(struct pen_lake_txn *txn, struct pen_arena *arena,
                                                  struct pen_lake_database **ret_list,
                                                  size_t *ret_count, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_database_find(struct pen_lake_txn *txn, const char *name,
                                                  struct pen_arena *arena,
                                                  struct pen_lake_database *ret_database,
                                                  struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_database_create(struct pen_lake_txn *txn, const char *name,
                                                    struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_database_drop(struct pen_lake_txn *txn, const char *name,
                                                  bool is_cascade, struct pen_error *err);

/* --- tables ------------------------------------------------------------------------------------
 */

struct pen_lake_column {
    int64_t column_id;       /* = field id in the Parquet files */
    const char *name;        /* in SQL */
    const char *source_name; /* as the data call it; equal to name unless it needed an alias */
    enum pen_type type;      /* nearest of ours */
    bool is_own_type;        /* false: other programs' type (decimal, list ...); see type_text */
    const char *type_text;   /* the format's word: "int64", "decimal(10,2)" */
    const char *sql_type;    /* DuckDB's word: "BIGINT"; NULL when nested */
};

struct pen_lake_table {
    int64_t table_id, schema_id;
    const char *database, *name;
    const char *folder; /* absolute, ends in '/': where its parts go */
    struct pen_lake_column *columns;
    size_t column_count;
    int64_t next_column_id;
    uint64_t rows, size_bytes, file_count;
    int64_t created_us, updated_us; /* of the snapshots that made and last wrote it; 0 unknown */
    const char *time_column;        /* the column that `time` is taken from; NULL when not chosen */
    const char *time_partition;     /* "none", "hour", "day", "month" */
    int64_t expire_days;            /* 0: rows never expire */
    bool has_last_time;             /* last_time is known */
    int64_t last_time;              /* the greatest value of `time`: "last log timestamp" */
};

/* pen_lake_table_find - PEN_ERR_NOT_FOUND "Table 'db.t' does not exist." or, first, the database.
 * pen_lake_table_list - all of a database by name; columns are filled too. */
PEN_MUST_USE enum pen_code pen_lake_table_find(struct pen_lake_txn *txn, const char *database,
                                               const char *table, struct pen_arena *arena,
                                               struct pen_lake_table *ret_table,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_table_list(struct pen_lake_txn *txn, const char *database,
                                               struct pen_arena *arena,
                                               struct pen_lake_table **ret_list, size_t *ret_count,
                                               struct pen_error *err);

/* pen_lake_table_create - a table with the columns of schema (may be NULL) and, in front when
 * the schema has none, `time` (long). errors: names; PEN_ERR_CONFLICT
 * "Table 'db.t' already exists."; PEN_ERR_NOT_FOUND for the database. */
PEN_MUST_USE enum pen_code pen_lake_table_create(struct pen_lake_txn *txn, const char *database,
                                                 const char *table, const struct pen_schema *schema,
                                                 struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_table_drop(struct pen_lake_txn *txn, const char *database,
                                               const char *table, struct pen_error *err);

/* pen_lake_table_rename - within its database; an existing `to` is dropped when is_overwrite, else
 * PEN_ERR_CONFLICT. pen_lake_table_swap - exchanges the names of two tables.
 * pen_lake_table_empty - ends all its data files; the columns stay. */
PEN_MUST_USE enum pen_code pen_lake_table_rename(struct pen_lake_txn *txn, const char *database,
                                                 const char *from, const char *to,
                                                 bool is_overwrite, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_table_swap(struct pen_lake_txn *txn, const char *database,
                                               const char *one, const char *other,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_table_empty(struct pen_lake_txn *txn, const char *database,
                                                const char *table, struct pen_error *err);

/* pen_lake_sql_type - DuckDB's word for a type of ours. */
const char *pen_lake_sql_type(enum pen_type type);

/* pen_lake_table_set_* - our own properties; they make no snapshot. */
PEN_MUST_USE enum pen_code pen_lake_table_set_time_column(struct pen_lake_txn *txn,
                                                          int64_t table_id, const char *column,
                                                          struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_table_set_time_partition(struct pen_lake_txn *txn,
                                                             int64_t table_id, const char *unit,
                                                             struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_table_set_expire_days(struct pen_lake_txn *txn,
                                                          int64_t table_id, int64_t days,
                                                          struct pen_error *err);

/* --- loading -----------------------------------------------------------------------------------
 */

/* Where each column of a load goes; made before the first part is written, checked at commit. */
struct pen_lake_target {
    int64_t column_id;     /* field id to write; planned when is_new */
    const char *name;      /* the table's column name (alias) */
    const char *source;    /* the load's name for it */
    enum pen_type type;    /* what the stream delivers */
    const char *type_text; /* the table's type; */
    const char *sql_type;  /* what to cast to; NULL: the stream's own type fits */
    bool is_new;           /* the commit adds it */
};

struct pen_lake_layout {
    const char *database, *table;
    int64_t table_id; /* 0: the commit creates the table */
    const char *folder;
    const char *time_partition;      /* "none", "hour", "day", "month": how parts are to be cut */
    struct pen_lake_target *targets; /* one per column of the load's schema, same order */
    size_t target_count;
};

/* What a load is going to do. */
struct pen_lake_wish {
    const char *database, *table;
    const struct pen_schema *schema; /* what the stream delivers, `time` included */
    bool may_create;                 /* a missing table is no error: the commit makes it */
};

/* pen_lake_layout - decides names, ids and types of a load's columns against the table as it is.
 * Existing columns keep their type (the writer casts, what cannot be cast becomes null); others are
 * planned as new ones.
 * errors: PEN_ERR_NOT_FOUND: no database; no table and !may_create. PEN_ERR_CONFIG: names. */
PEN_MUST_USE enum pen_code
pen_lake_layout(struct pen_lake_txn *txn, const struct pen_lake_wish *wish, struct pen_arena *arena,
                struct pen_lake_layout *ret_layout, struct pen_error *err);

enum pen_lake_mode { PEN_LAKE_APPEND, PEN_LAKE_REPLACE };

/* pen_lake_load - the data half of a commit: creates the table or adds columns where the layout
 * says so, with PEN_LAKE_REPLACE ends the files of the rows before, and adds the parts (0..n).
 * A database that went missing or a table that was dropped or replaced since the layout was made
 * is PEN_ERR_CONFLICT (not retryable). Column ids that another load took meanwhile are no error:
 * the parts get a name mapping.
 * in: parts: their columns in the order of layout->targets. out: *ret_table_id (may be NULL). */
PEN_MUST_USE enum pen_code pen_lake_load(struct pen_lake_txn *txn,
                                         const struct pen_lake_layout *layout,
                                         enum pen_lake_mode mode, const struct pen_part *parts,
                                         size_t part_count, int64_t *ret_table_id,
                                         struct pen_error *err);

/* --- snapshots ---------------------------------------------------------------------------------
 */

struct pen_lake_snapshot {
    int64_t snapshot_id, schema_version, time_us;
    const char *changes, *message;
};

/* pen_lake_snapshot_list - the newest `max` ones, newest first. */
PEN_MUST_USE enum pen_code pen_lake_snapshot_list(struct pen_lake_txn *txn, size_t max,
                                                  struct pen_arena *arena,
                                                  struct pen_lake_snapshot **ret_list,
                                                  size_t *ret_count, struct pen_error *err);

#endif
