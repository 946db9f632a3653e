/* db.h - the SQL driver: a connection, statements, transactions. SQLite today (db_sqlite.c);
 * nothing here names it, so that PostgreSQL can stand behind the same functions.
 *
 * SQL is written in the subset that both share: parameters are $1, $2, ... in the order of their
 * first appearance; texts, integers, doubles, bytes and null are the only values; booleans are the
 * integers 0 and 1; times are integers (UTC microseconds) except in the DuckLake tables.
 *
 * thread: one at a time per connection; each thread or process opens its own. Ten and more
 * processes may write to one database at once: writers queue in pen_db_begin.
 * errors: PEN_ERR_CONFLICT another process holds the database (retryable) or a unique key exists
 *         (not retryable); PEN_ERR_IO disk full or broken; PEN_ERR_CORRUPT no database or a damaged
 * one; PEN_ERR_AUTH read-only or no permission; PEN_ERR_NOT_FOUND no such file; PEN_ERR_INTERNAL
 * wrong SQL. `where` is the database's path. */
#ifndef PEN_DB_DB_H
#define PEN_DB_DB_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/slice.h"

struct pen_arena;
struct pen_db;
struct pen_stmt;

enum pen_db_mode {
    PEN_DB_CREATE,    /* read and write; created (0600, its folder 0700) when missing */
    PEN_DB_WRITE,     /* read and write; must exist */
    PEN_DB_READ_ONLY, /* must exist; any change is PEN_ERR_AUTH */
};

/* How long a statement waits for another process's lock before PEN_ERR_CONFLICT. */
#define PEN_DB_BUSY_MS 60000

/* pen_db_open - a connection to the database at `path`.
 * in: busy_ms: as PEN_DB_BUSY_MS, which 0 stands for. */
PEN_MUST_USE enum pen_code pen_db_open(const char *path, enum pen_db_mode mode, int busy_ms,
                                       struct pen_db **ret_db, struct pen_error *err);

/* pen_db_close - rolls back what is open. NULL is fine. All statements must be finished. */
void pen_db_close(struct pen_db *db);
PEN_DEFINE_FREE_P(struct pen_db *, pen_db_close)

/* pen_db_path - as given to pen_db_open; lives as long as the connection. */
const char *pen_db_path(const struct pen_db *db);

/* pen_db_begin - starts a write transaction: waits for other writers, then holds the only write
 * lock, so that everything read inside is the newest state and stays true until the commit.
 * pen_db_begin_read - a read transaction: all reads see one state; never waits for writers.
 * pen_db_commit - makes it durable (synced to disk) or fails and leaves it open for rollback.
 * pen_db_rollback - undoes; never fails; fine without a transaction. */
PEN_MUST_USE enum pen_code pen_db_begin(struct pen_db *db, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_db_begin_read(struct pen_db *db, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_db_commit(struct pen_db *db, struct pen_error *err);
void pen_db_rollback(struct pen_db *db);

/* pen_db_in_transaction - whether one is open on this connection. */
bool pen_db_in_transaction(const struct pen_db *db);

/* pen_db_exec - runs one or more statements without parameters and without results. */
PEN_MUST_USE enum pen_code pen_db_exec(struct pen_db *db, const char *sql, struct pen_error *err);

/* pen_db_prepare - a statement ready for binding. cost: texts are compiled once per connection and
 * kept for reuse; the statement is borrowed from the connection until pen_stmt_finish. */
PEN_MUST_USE enum pen_code pen_db_prepare(struct pen_db *db, const char *sql,
                                          struct pen_stmt **ret_stmt, struct pen_error *err);

/* pen_stmt_finish - gives the statement back. NULL is fine. */
void pen_stmt_finish(struct pen_stmt *stmt);
PEN_DEFINE_FREE_P(struct pen_stmt *, pen_stmt_finish)

/* pen_stmt_bind_* - parameter `index` (from 1). Bytes and texts are copied. They cannot fail
 * visibly: a refused allocation is reported by the next step. pen_stmt_bind_text: NULL is null. */
void pen_stmt_bind_int(struct pen_stmt *stmt, int index, int64_t value);
void pen_stmt_bind_double(struct pen_stmt *stmt, int index, double value);
void pen_stmt_bind_text(struct pen_stmt *stmt, int index, const char *value);
void pen_stmt_bind_slice(struct pen_stmt *stmt, int index, struct pen_slice value);
void pen_stmt_bind_bytes(struct pen_stmt *stmt, int index, struct pen_slice value);
void pen_stmt_bind_null(struct pen_stmt *stmt, int index);

/* pen_stmt_step - the next row: *ret_has_row false at the end. */
PEN_MUST_USE enum pen_code pen_stmt_step(struct pen_stmt *stmt, bool *ret_has_row,
                                         struct pen_error *err);

/* pen_stmt_reset - ready to run again; bindings are cleared. */
void pen_stmt_reset(struct pen_stmt *stmt);

/* pen_stmt_int etc. - a column (from 0) of the current row; null is 0 or the empty slice.
 * Slices are NUL-terminated and borrowed until the next step, reset or finish. */
int64_t pen_stmt_int(struct pen_stmt *stmt, int column);
double pen_stmt_double(struct pen_stmt *stmt, int column);
struct pen_slice pen_stmt_text(struct pen_stmt *stmt, int column);
struct pen_slice pen_stmt_bytes(struct pen_stmt *stmt, int column);
bool pen_stmt_is_null(struct pen_stmt *stmt, int column);

/* How a row becomes an item of a list. read: fills *item (item_bytes, not zeroed) from the current
 * row; texts go into the arena. */
struct pen_row_reader {
    size_t item_bytes;
    enum pen_code (*read)(struct pen_stmt *stmt, struct pen_arena *arena, void *context, void *item,
                          struct pen_error *err);
    void *context;
};

/* pen_stmt_list - all rows that are left, as an array in the arena (stmt_list.c).
 * out: ret_items: a pointer variable to items, NULL without rows; written only on success. */
PEN_MUST_USE enum pen_code pen_stmt_list(struct pen_stmt *stmt, const struct pen_row_reader *reader,
                                         struct pen_arena *arena, void *ret_items,
                                         size_t *ret_count, struct pen_error *err);

/* pen_db_query - prepares and binds in one go.
 * in: `types`: one letter per parameter that follows: i int64_t, d double, t const char * (NULL is
 *     null), s struct pen_slice as text, b struct pen_slice as bytes, n null (takes no argument).
 *     pen_db_query(db, &stmt, err, "select 1 from t where a = $1 and b = $2", "it", id, name) */
PEN_MUST_USE enum pen_code pen_db_query(struct pen_db *db, struct pen_stmt **ret_stmt,
                                        struct pen_error *err, const char *sql, const char *types,
                                        ...);

/* pen_db_query_int - the first column of the first row as integer.
 * out: *ret_value untouched, *ret_is_found false when there is no row or it is null. */
PEN_MUST_USE enum pen_code pen_db_query_int(struct pen_db *db, int64_t *ret_value,
                                            bool *ret_is_found, struct pen_error *err,
                                            const char *sql, const char *types, ...);

/* pen_db_run - an insert, update or delete. out: *ret_changes (may be NULL) rows changed. */
PEN_MUST_USE enum pen_code pen_db_run(struct pen_db *db, int64_t *ret_changes,
                                      struct pen_error *err, const char *sql, const char *types,
                                      ...);

/* pen_db_has_table - whether the database has a table of exactly that name. */
PEN_MUST_USE enum pen_code pen_db_has_table(struct pen_db *db, const char *name, bool *ret_has,
                                            struct pen_error *err);

/* pen_db_changes - how many rows the last statement of this connection changed. */
int64_t pen_db_changes(const struct pen_db *db);

/* pen_db_last_id - the identity that the last insert of this connection made. */
int64_t pen_db_last_id(const struct pen_db *db);

/* pen_db_migrate - brings the database to this program's layout: runs the files of db/migrations
 * that it has not seen, each in a transaction, in the order of their numbers. Safe when several
 * processes start at once. errors: PEN_ERR_CONFIG when the database was made by a newer program. */
PEN_MUST_USE enum pen_code pen_db_migrate(struct pen_db *db, struct pen_error *err);

#endif
