/* db_sqlite.c - the driver of db.h for SQLite. WAL mode: readers never wait; a commit is synced.
 * The only file that includes sqlite3.h. */
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Compiled statements kept for reuse; more than these are compiled each time. */
#define STMT_CACHE 64

struct pen_stmt {
    struct pen_db *db;
    sqlite3_stmt *handle;
    char *sql;
    bool is_used, is_cached;
    int bind_code; /* first failure of a bind, reported by step */
};

struct pen_db {
    sqlite3 *handle;
    sqlite3_stmt *rollback; /* compiled beforehand: it has to work when memory is out */
    char *path;
    struct pen_stmt cache[STMT_CACHE];
    size_t cached;
};

/* --- errors ------------------------------------------------------------------------------------
 */

static enum pen_code fail_disk(struct pen_db *db, int sys_errno, struct pen_error *err)
{
    if (sys_errno == ENOSPC || sys_errno == EDQUOT)
        return pen_fail_errno(err, PEN_ERR_IO, sys_errno, "the catalog cannot be written");
    if (sys_errno != 0)
        return pen_fail_errno(err, PEN_ERR_IO, sys_errno, "the catalog cannot be read or written");
    return pen_fail(err, PEN_ERR_IO, "the catalog cannot be read or written: %s",
                    sqlite3_errmsg(db->handle));
}

static enum pen_code fail_busy(struct pen_error *err)
{
    enum pen_code code =
        pen_fail(err, PEN_ERR_CONFLICT, "the catalog is locked by another process");
    if (err != NULL)
        err->is_retryable = true;
    pen_error_hint(err, "try again; if it stays locked, look for a process that hangs");
    return code;
}

static enum pen_code fail_cantopen(struct pen_db *db, struct pen_error *err)
{
    if (access(db->path, F_OK) != 0 && errno == ENOENT)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "there is no catalog");
    int sys_errno = sqlite3_system_errno(db->handle);
    if (sys_errno != 0 && sys_errno != EACCES && sys_errno != EPERM && sys_errno != EROFS)
        return fail_disk(db, sys_errno, err);
    return pen_fail(err, PEN_ERR_AUTH, "the catalog cannot be opened: no permission");
}

static enum pen_code fail_sqlite_code(struct pen_db *db, int code, struct pen_error *err)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail_busy(err);
    case SQLITE_FULL:
        return fail_disk(db, ENOSPC, err);
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_NOMEM ? pen_fail_nomem(err)
                                          : fail_disk(db, sqlite3_system_errno(db->handle), err);
    case SQLITE_CORRUPT:
        return pen_fail(err, PEN_ERR_CORRUPT, "the catalog is damaged: %s",
                        sqlite3_errmsg(db->handle));
    case SQLITE_NOTADB:
        (void)pen_fail(err, PEN_ERR_CORRUPT, "this file is not a catalog");
        pen_error_hint(err, "choose another folder with --home, or move the file away");
        return PEN_ERR_CORRUPT;
    case SQLITE_READONLY:
        (void)pen_fail(err, PEN_ERR_AUTH, "the catalog is read-only");
        pen_error_hint(err, "reading needs the right to write to the home folder, too: run as its "
                            "owner, or choose another with --home");
        return PEN_ERR_AUTH;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return pen_fail(err, PEN_ERR_AUTH, "no permission for the catalog");
    case SQLITE_CANTOPEN:
        return fail_cantopen(db, err);
    case SQLITE_CONSTRAINT:
        return pen_fail(err, PEN_ERR_CONFLICT, "the catalog refused a row: %s",
                        sqlite3_errmsg(db->handle));
    case SQLITE_NOMEM:
        return pen_fail_nomem(err);
    case SQLITE_INTERRUPT:
        return pen_fail(err, PEN_ERR_CANCELLED, "cancelled");
    case SQLITE_TOOBIG:
        return pen_fail(err, PEN_ERR_TOO_LARGE, "a value is too large for the catalog");
    default:
        return pen_fail(err, PEN_ERR_INTERNAL, "catalog: %s", sqlite3_errmsg(db->handle));
    }
}

static enum pen_code fail_sqlite(struct pen_db *db, struct pen_error *err)
{
    enum pen_code code = fail_sqlite_code(db, sqlite3_extended_errcode(db->handle), err);
    pen_error_where(err, "%s", db->path);
    return code;
}

/* --- open and close ----------------------------------------------------------------------------
 */

/* Makes the folder of `path` and its parents, each 0700; existing ones are left as they are. */
static enum pen_code make_parents(const char *path, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *copy = strdup(path);
    if (copy == NULL)
        return pen_fail_nomem(err);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            enum pen_code code = errno == EACCES || errno == EROFS ? PEN_ERR_AUTH : PEN_ERR_IO;
            code = pen_fail_errno(err, code, errno, "folder cannot be made");
            pen_error_where(err, "%s", copy);
            return code;
        }
        *slash = '/';
    }
    return PEN_OK;
}

/* Makes the file itself, so that only its owner may read it whatever the umask says. */
static enum pen_code make_file(const char *path, struct pen_error *err)
{
    PEN_TRY(make_parents(path, err));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        enum pen_code code = errno == EACCES || errno == EROFS ? PEN_ERR_AUTH : PEN_ERR_IO;
        code = pen_fail_errno(err, code, errno, "the catalog cannot be made");
        pen_error_hint(err, "choose another folder with --home DIR or PENSTOCK_HOME");
        pen_error_where(err, "%s", path);
        return code;
    }
    (void)close(fd); /* nothing was written */
    return PEN_OK;
}

/* Switching to WAL needs a moment alone, and SQLite does not wait for it by itself. */
static enum pen_code enter_wal(struct pen_db *db, int busy_ms, struct pen_error *err)
{
    enum pen_code code = PEN_OK;
    for (int waited_ms = 0; waited_ms <= busy_ms; waited_ms += 20) {
        struct pen_error last = {0};
        code = pen_db_exec(db, "PRAGMA journal_mode = WAL", &last);
        if (code == PEN_OK)
            return PEN_OK;
        if (err != NULL)
            *err = last;
        if (!last.is_retryable)
            return code;
        (void)usleep(20000); /* waking early does no harm */
    }
    return code;
}

static enum pen_code configure(struct pen_db *db, enum pen_db_mode mode, int busy_ms,
                               struct pen_error *err)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, busy_ms);
    PEN_TRY(pen_db_exec(db,
                        "PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL;"
                        "PRAGMA cache_size = -16000",
                        err));
    if (sqlite3_prepare_v3(db->handle, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT, &db->rollback,
                           NULL) != SQLITE_OK)
        return fail_sqlite(db, err);
    if (mode != PEN_DB_READ_ONLY)
        PEN_TRY(enter_wal(db, busy_ms, err));
    /* a first read: wrong files and missing permissions show here and not in mid-work */
    return pen_db_exec(db, "SELECT count(*) FROM sqlite_master", err);
}

enum pen_code pen_db_open(const char *path, enum pen_db_mode mode, int busy_ms,
                          struct pen_db **ret_db, struct pen_error *err)
{
    if (mode == PEN_DB_CREATE && access(path, F_OK) != 0)
        PEN_TRY(make_file(path, err));
    PEN_CLEANUP(pen_db_close_p) struct pen_db *db = calloc(1, sizeof *db);
    if (db == NULL || (db->path = strdup(path)) == NULL)
        return pen_fail_nomem(err);
    int flags = SQLITE_OPEN_NOMUTEX |
                (mode == PEN_DB_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK)
        return db->handle == NULL ? pen_fail_nomem(err) : fail_sqlite(db, err);
    PEN_TRY(configure(db, mode, busy_ms == 0 ? PEN_DB_BUSY_MS : busy_ms, err));
    *ret_db = PEN_TAKE(db);
    return PEN_OK;
}

void pen_db_close(struct pen_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->cached; i++) {
        sqlite3_finalize(db->cache[i].handle);
        free(db->cache[i].sql);
    }
    sqlite3_finalize(db->rollback);
    sqlite3_close_v2(db->handle); /* rolls back; NULL is fine */
    free(db->path);
    free(db);
}

const char *pen_db_path(const struct pen_db *db)
{
    return db->path;
}

/* --- transactions ------------------------------------------------------------------------------
 */

enum pen_code pen_db_begin(struct pen_db *db, struct pen_error *err)
{
    return pen_db_exec(db, "BEGIN IMMEDIATE", err);
}

enum pen_code pen_db_begin_read(struct pen_db *db, struct pen_error *err)
{
    PEN_TRY(pen_db_exec(db, "BEGIN", err));
    /* SQLite fixes what a transaction sees at its first read, not at its begin */
    enum pen_code code = pen_db_exec(db, "SELECT count(*) FROM sqlite_master", err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

enum pen_code pen_db_commit(struct pen_db *db, struct pen_error *err)
{
    enum pen_code code = pen_db_exec(db, "COMMIT", err);
    /* what was written before the sync failed may be found by whoever opens the catalog next */
    if (code == PEN_ERR_IO)
        pen_error_hint(err,
                       "whether the change is on disk is not known: look (at 'penstock job:list', "
                       "say) before you do it again");
    return code;
}

void pen_db_rollback(struct pen_db *db)
{
    /* fails only when there is nothing to undo: some errors have rolled back already */
    (void)sqlite3_step(db->rollback);
    (void)sqlite3_reset(db->rollback); /* says the same */
}

bool pen_db_in_transaction(const struct pen_db *db)
{
    return sqlite3_get_autocommit(db->handle) == 0;
}

enum pen_code pen_db_exec(struct pen_db *db, const char *sql, struct pen_error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail_sqlite(db, err);
    return PEN_OK;
}

/* --- statements --------------------------------------------------------------------------------
 */

static enum pen_code compile(struct pen_db *db, const char *sql, struct pen_stmt *ret_stmt,
                             struct pen_error *err)
{
    struct pen_stmt stmt = {.db = db, .is_used = true};
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt.handle, NULL) !=
        SQLITE_OK)
        return fail_sqlite(db, err);
    stmt.sql = strdup(sql);
    if (stmt.sql == NULL) {
        sqlite3_finalize(stmt.handle);
        return pen_fail_nomem(err);
    }
    *ret_stmt = stmt;
    return PEN_OK;
}

enum pen_code pen_db_prepare(struct pen_db *db, const char *sql, struct pen_stmt **ret_stmt,
                             struct pen_error *err)
{
    for (size_t i = 0; i < db->cached; i++) {
        if (db->cache[i].is_used || strcmp(db->cache[i].sql, sql) != 0)
            continue;
        db->cache[i].is_used = true;
        *ret_stmt = &db->cache[i];
        return PEN_OK;
    }
    if (db->cached < STMT_CACHE) {
        struct pen_stmt *slot = &db->cache[db->cached];
        PEN_TRY(compile(db, sql, slot, err));
        slot->is_cached = true;
        db->cached++;
        *ret_stmt = slot;
        return PEN_OK;
    }
    struct pen_stmt *stmt = calloc(1, sizeof *stmt);
    if (stmt == NULL)
        return pen_fail_nomem(err);
    enum pen_code code = compile(db, sql, stmt, err);
    if (code != PEN_OK) {
        free(stmt);
        return code;
    }
    *ret_stmt = stmt;
    return PEN_OK;
}

void pen_stmt_reset(struct pen_stmt *stmt)
{
    (void)sqlite3_reset(stmt->handle);          /* repeats the error that step has reported */
    (void)sqlite3_clear_bindings(stmt->handle); /* cannot fail */
    stmt->bind_code = SQLITE_OK;
}

void pen_stmt_finish(struct pen_stmt *stmt)
{
    if (stmt == NULL)
        return;
    pen_stmt_reset(stmt);
    stmt->is_used = false;
    if (stmt->is_cached)
        return;
    sqlite3_finalize(stmt->handle);
    free(stmt->sql);
    free(stmt);
}

static void note_bind(struct pen_stmt *stmt, int code)
{
    if (stmt->bind_code == SQLITE_OK)
        stmt->bind_code = code;
}

void pen_stmt_bind_int(struct pen_stmt *stmt, int index, int64_t value)
{
    note_bind(stmt, sqlite3_bind_int64(stmt->handle, index, value));
}

void pen_stmt_bind_double(struct pen_stmt *stmt, int index, double value)
{
    note_bind(stmt, sqlite3_bind_double(stmt->handle, index, value));
}

void pen_stmt_bind_text(struct pen_stmt *stmt, int index, const char *value)
{
    if (value == NULL)
        pen_stmt_bind_null(stmt, index);
    else
        pen_stmt_bind_slice(stmt, index, pen_slice_str(value));
}

void pen_stmt_bind_slice(struct pen_stmt *stmt, int index, struct pen_slice value)
{
    const char *ptr = value.ptr == NULL ? "" : value.ptr;
    note_bind(stmt, sqlite3_bind_text64(stmt->handle, index, ptr, value.len, SQLITE_TRANSIENT,
                                        SQLITE_UTF8));
}

void pen_stmt_bind_bytes(struct pen_stmt *stmt, int index, struct pen_slice value)
{
    const char *ptr = value.ptr == NULL ? "" : value.ptr;
    note_bind(stmt, sqlite3_bind_blob64(stmt->handle, index, ptr, value.len, SQLITE_TRANSIENT));
}

void pen_stmt_bind_null(struct pen_stmt *stmt, int index)
{
    note_bind(stmt, sqlite3_bind_null(stmt->handle, index));
}

enum pen_code pen_stmt_step(struct pen_stmt *stmt, bool *ret_has_row, struct pen_error *err)
{
    if (stmt->bind_code != SQLITE_OK) {
        enum pen_code code = fail_sqlite_code(stmt->db, stmt->bind_code, err);
        pen_error_where(err, "%s", stmt->db->path);
        return code;
    }
    int code = sqlite3_step(stmt->handle);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail_sqlite(stmt->db, err);
    *ret_has_row = code == SQLITE_ROW;
    return PEN_OK;
}

int64_t pen_stmt_int(struct pen_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

double pen_stmt_double(struct pen_stmt *stmt, int column)
{
    return sqlite3_column_double(stmt->handle, column);
}

struct pen_slice pen_stmt_text(struct pen_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt->handle, column);
    int len = sqlite3_column_bytes(stmt->handle, column);
    return pen_slice(text == NULL ? "" : (const char *)text, (size_t)len);
}

struct pen_slice pen_stmt_bytes(struct pen_stmt *stmt, int column)
{
    const void *bytes = sqlite3_column_blob(stmt->handle, column);
    return pen_slice(bytes, (size_t)sqlite3_column_bytes(stmt->handle, column));
}

bool pen_stmt_is_null(struct pen_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt->handle, column) == SQLITE_NULL;
}

int64_t pen_db_changes(const struct pen_db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t pen_db_last_id(const struct pen_db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}
