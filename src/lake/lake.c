/* lake.c - opening the catalog; transactions and snapshots. */
#include "lake/lake.h"

#include "base/civil.h"
#include "base/uuid.h"
#include "lake/lake_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The version of the format that this program reads and writes. */
#define FORMAT_VERSION "1.0"

/* How long pen_lake_transact repeats before it gives up. */
#define TRANSACT_ATTEMPTS 50
#define TRANSACT_US       (INT64_C(180) * PEN_US_PER_SECOND)

/* --- helpers -----------------------------------------------------------------------------------
 */

void pen_lake_time_text(int64_t utc_us, char *out)
{
    struct pen_civil c = pen_civil_from_us(utc_us);
    (void)snprintf(out, 48, "%04lld-%02d-%02d %02d:%02d:%02d.%06d+00", (long long)c.year, c.month,
                   c.day, c.hour, c.minute, c.second, c.us);
}

int64_t pen_lake_time_us(struct pen_slice text)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
    if (text.ptr == NULL || sscanf(text.ptr, "%d-%d-%d %d:%d:%d%n", &year, &month, &day, &hour,
                                   &minute, &second, &used) != 6)
        return 0;
    int64_t us = 0, unit = 100000;
    const char *at = text.ptr + used;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
            us += (*at - '0') * unit;
    int zone_hours = 0, zone_minutes = 0; /* other programs write the zone of their session */
    if (*at == '+' || *at == '-')
        (void)sscanf(at + 1, "%2d:%2d", &zone_hours, &zone_minutes); /* without them: UTC */
    int64_t zone_seconds = zone_hours * 3600 + zone_minutes * 60;
    int64_t seconds = pen_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 +
                      second - (*at == '-' ? -zone_seconds : zone_seconds);
    return seconds * PEN_US_PER_SECOND + us;
}

/* --- open --------------------------------------------------------------------------------------
 */

static enum pen_code set_metadata(struct pen_db *db, const char *key, const char *value,
                                  struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "INSERT INTO ducklake_metadata (key, value, scope, scope_id) "
                      "VALUES ($1, $2, NULL, NULL)",
                      "tt", key, value);
}

/* The rows of a new catalog: spec/ducklake.md, "A new catalog holds". */
static enum pen_code fill_catalog(struct pen_db *db, const char *data_path, struct pen_error *err)
{
    char now[48], uuid[PEN_UUID_TEXT];
    pen_lake_time_text(pen_now_us(), now);
    pen_uuid_v7(uuid);
    PEN_TRY(set_metadata(db, "version", FORMAT_VERSION, err));
    PEN_TRY(set_metadata(db, "created_by", "Penstock", err));
    PEN_TRY(set_metadata(db, "data_path", data_path, err));
    PEN_TRY(set_metadata(db, "encrypted", "false", err));
    /* rows of other programs' small inserts belong into files, where we read them too */
    PEN_TRY(set_metadata(db, "data_inlining_row_limit", "0", err));
    PEN_TRY(pen_db_run(db, NULL, err, "INSERT INTO ducklake_snapshot VALUES (0, $1, 0, 1, 0)", "t",
                       now));
    PEN_TRY(pen_db_run(db, NULL, err,
                       "INSERT INTO ducklake_snapshot_changes "
                       "VALUES (0, 'created_schema:\"main\"', NULL, NULL, NULL)",
                       ""));
    return pen_db_run(db, NULL, err,
                      "INSERT INTO ducklake_schema VALUES (0, $1, 0, NULL, 'main', 'main/', 1)",
                      "t", uuid);
}

static enum pen_code read_metadata(struct pen_db *db, const char *key, struct pen_buf *into,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT value FROM ducklake_metadata WHERE key = $1 AND scope IS NULL",
                         "t", key));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    return has_row ? pen_buf_add_slice(into, pen_stmt_text(stmt, 0), err) : PEN_OK;
}

static enum pen_code check_format(struct pen_db *db, bool *ret_is_new, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf version = PEN_BUF(4096);
    PEN_TRY(read_metadata(db, "version", &version, err));
    *ret_is_new = version.len == 0;
    if (version.len == 0 || pen_slice_is(pen_buf_slice(&version), FORMAT_VERSION))
        return PEN_OK;
    enum pen_code code =
        pen_fail(err, PEN_ERR_CONFIG, "the catalog has format version '%s', this program knows %s",
                 version.ptr, FORMAT_VERSION);
    pen_error_where(err, "%s", pen_db_path(db));
    return code;
}

static enum pen_code fill_if_new(struct pen_db *db, const char *data_path, struct pen_error *err)
{
    bool is_new = false;
    PEN_TRY(check_format(db, &is_new, err));
    if (!is_new)
        return PEN_OK;
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = check_format(db, &is_new, err); /* another process may have been first */
    if (code == PEN_OK && is_new)
        code = fill_catalog(db, data_path, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

static enum pen_code absolute_path(const char *path, struct pen_buf *into, struct pen_error *err)
{
    char resolved[PATH_MAX];
    if (realpath(path, resolved) == NULL) {
        int sys_errno = errno;
        enum pen_code code = sys_errno == ENOENT ? PEN_ERR_NOT_FOUND : PEN_ERR_IO;
        code = pen_fail_errno(err, code, sys_errno, "home cannot be opened");
        pen_error_where(err, "%s", path);
        return code;
    }
    return pen_buf_add_str(into, resolved, err);
}

/* The folder of the data: the catalog's word, unless home was moved and the data with it. */
static enum pen_code choose_data_path(struct pen_lake *lake, const char *own_path,
                                      struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(PATH_MAX);
    PEN_TRY(read_metadata(lake->db, "data_path", &stored, err));
    struct stat info;
    bool is_moved = stored.len > 0 && strcmp(stored.ptr, own_path) != 0 &&
                    stat(stored.ptr, &info) != 0 && stat(own_path, &info) == 0;
    lake->data_path = strdup(stored.len == 0 || is_moved ? own_path : stored.ptr);
    return lake->data_path == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static enum pen_code open_catalog(struct pen_lake *lake, const char *home, enum pen_db_mode mode,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PATH_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s/catalog.sqlite", home));
    PEN_TRY(pen_db_open(path.ptr, mode, 0, &lake->db, err));
    PEN_TRY(pen_db_migrate(lake->db, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf data = PEN_BUF(PATH_MAX);
    PEN_TRY(absolute_path(home, &data, err));
    PEN_TRY(pen_buf_add_str(&data, "/lake/", err));
    if (mode == PEN_DB_CREATE && mkdir(data.ptr, 0700) != 0 && errno != EEXIST) {
        enum pen_code code = pen_fail_errno(err, PEN_ERR_IO, errno, "folder cannot be made");
        pen_error_where(err, "%s", data.ptr);
        return code;
    }
    PEN_TRY(fill_if_new(lake->db, data.ptr, err));
    return choose_data_path(lake, data.ptr, err);
}

enum pen_code pen_lake_open(const char *home, enum pen_db_mode mode, struct pen_lake **ret_lake,
                            struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = calloc(1, sizeof *lake);
    if (lake == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(open_catalog(lake, home, mode, err));
    *ret_lake = PEN_TAKE(lake);
    return PEN_OK;
}

void pen_lake_close(struct pen_lake *lake)
{
    if (lake == NULL)
        return;
    pen_db_close(lake->db);
    free(lake->data_path);
    free(lake);
}

struct pen_db *pen_lake_db(struct pen_lake *lake)
{
    return lake->db;
}

const char *pen_lake_data_path(const struct pen_lake *lake)
{
    return lake->data_path;
}

/* --- transactions ------------------------------------------------------------------------------
 */

static enum pen_code read_snapshot(struct pen_lake_txn *txn, int64_t snapshot_id,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT snapshot_id, schema_version, next_catalog_id, next_file_id "
                         "FROM ducklake_snapshot WHERE $1 < 0 OR snapshot_id = $1 "
                         "ORDER BY snapshot_id DESC LIMIT 1",
                         "i", snapshot_id));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (!has_row && snapshot_id >= 0)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "snapshot %lld does not exist",
                        (long long)snapshot_id);
    if (!has_row)
        return pen_fail(err, PEN_ERR_CORRUPT, "the catalog has no snapshot");
    txn->base = pen_stmt_int(stmt, 0);
    txn->schema_version = pen_stmt_int(stmt, 1);
    txn->next_catalog_id = txn->first_own_id = pen_stmt_int(stmt, 2);
    txn->next_file_id = pen_stmt_int(stmt, 3);
    txn->view = txn->is_write ? txn->base + 1 : txn->base;
    return PEN_OK;
}

static enum pen_code begin(struct pen_lake *lake, bool is_write, int64_t snapshot_id,
                           struct pen_lake_txn **ret_txn, struct pen_error *err)
{
    assert(!pen_db_in_transaction(lake->db));
    struct pen_lake_txn *txn = calloc(1, sizeof *txn);
    if (txn == NULL)
        return pen_fail_nomem(err);
    txn->lake = lake;
    txn->db = lake->db;
    txn->is_write = is_write;
    txn->changes = PEN_BUF(PEN_BUF_TEXT_MAX);
    enum pen_code code = is_write ? pen_db_begin(txn->db, err) : pen_db_begin_read(txn->db, err);
    if (code == PEN_OK)
        code = read_snapshot(txn, snapshot_id, err);
    if (code != PEN_OK) {
        pen_lake_rollback(txn);
        return code;
    }
    *ret_txn = txn;
    return PEN_OK;
}

enum pen_code pen_lake_begin(struct pen_lake *lake, struct pen_lake_txn **ret_txn,
                             struct pen_error *err)
{
    return begin(lake, true, -1, ret_txn, err);
}

enum pen_code pen_lake_begin_read(struct pen_lake *lake, struct pen_lake_txn **ret_txn,
                                  struct pen_error *err)
{
    return begin(lake, false, -1, ret_txn, err);
}

enum pen_code pen_lake_begin_read_at(struct pen_lake *lake, int64_t snapshot_id,
                                     struct pen_lake_txn **ret_txn, struct pen_error *err)
{
    if (snapshot_id < 0)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "snapshot %lld does not exist",
                        (long long)snapshot_id);
    return begin(lake, false, snapshot_id, ret_txn, err);
}

void pen_lake_rollback(struct pen_lake_txn *txn)
{
    if (txn == NULL)
        return;
    pen_db_rollback(txn->db);
    pen_buf_release(&txn->changes);
    free(txn);
}

static enum pen_code insert_snapshot(struct pen_lake_txn *txn, struct pen_error *err)
{
    char now[48];
    pen_lake_time_text(pen_now_us(), now);
    int64_t schema_version = txn->schema_version + (txn->is_schema_changed ? 1 : 0);
    enum pen_code code = pen_db_run(
        txn->db, NULL, err, "INSERT INTO ducklake_snapshot VALUES ($1, $2, $3, $4, $5)", "itiii",
        txn->view, now, schema_version, txn->next_catalog_id, txn->next_file_id);
    if (code == PEN_ERR_CONFLICT && err != NULL)
        err->is_retryable = true; /* the number is taken: another writer was first */
    return code;
}

enum pen_code pen_lake_commit(struct pen_lake_txn *txn, const char *message,
                              int64_t *ret_snapshot_id, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *owned = txn;
    int64_t snapshot_id = txn->base;
    if (txn->changes.len > 0) {
        snapshot_id = txn->view;
        PEN_TRY(insert_snapshot(txn, err));
        PEN_TRY(pen_db_run(txn->db, NULL, err,
                           "INSERT INTO ducklake_snapshot_changes VALUES ($1, $2, $3, $4, NULL)",
                           "istt", txn->view, pen_buf_slice(&txn->changes), "penstock", message));
    }
    PEN_TRY(pen_db_commit(owned->db, err));
    if (ret_snapshot_id != NULL)
        *ret_snapshot_id = snapshot_id;
    return PEN_OK;
}

struct pen_db *pen_lake_txn_db(struct pen_lake_txn *txn)
{
    return txn->db;
}

int64_t pen_lake_snapshot_id(const struct pen_lake_txn *txn)
{
    return txn->base;
}

int64_t pen_lake_next_snapshot_id(const struct pen_lake_txn *txn)
{
    return txn->changes.len > 0 ? txn->view : txn->base;
}

static enum pen_code transact_once(struct pen_lake *lake, const char *message, pen_lake_fn fn,
                                   void *context, int64_t *ret_snapshot_id, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin(lake, &txn, err));
    PEN_TRY(fn(txn, context, err));
    return pen_lake_commit(PEN_TAKE(txn), message, ret_snapshot_id, err);
}

enum pen_code pen_lake_transact(struct pen_lake *lake, const char *message, pen_lake_fn fn,
                                void *context, int64_t *ret_snapshot_id, struct pen_error *err)
{
    int64_t deadline_us = pen_monotonic_us() + TRANSACT_US;
    struct pen_error last = {0};
    for (unsigned attempt = 1;; attempt++) {
        last = (struct pen_error){0};
        enum pen_code code = transact_once(lake, message, fn, context, ret_snapshot_id, &last);
        if (code == PEN_OK)
            return PEN_OK;
        bool is_over = attempt == TRANSACT_ATTEMPTS || pen_monotonic_us() > deadline_us;
        if (code != PEN_ERR_CONFLICT || !last.is_retryable || is_over) {
            if (err != NULL)
                *err = last;
            return code;
        }
        /* pauses differ between processes, or they would meet again and again */
        (void)usleep(1000 * attempt + (unsigned)pen_monotonic_us() % 5000);
    }
}

/* --- what a transaction notes ------------------------------------------------------------------
 */

static bool has_change(const struct pen_buf *changes, struct pen_slice change)
{
    struct pen_slice rest = pen_buf_slice(changes);
    while (rest.len >= change.len) {
        if (pen_slice_starts(rest, change) &&
            (rest.len == change.len || rest.ptr[change.len] == ','))
            return true;
        const char *comma = memchr(rest.ptr, ',', rest.len);
        if (comma == NULL)
            return false;
        rest = pen_slice_skip(rest, (size_t)(comma - rest.ptr) + 1);
    }
    return false;
}

enum pen_code pen_lake_note_change(struct pen_lake_txn *txn, struct pen_error *err,
                                   const char *format, ...)
{
    char change[1024]; /* two names of at most 255 bytes each */
    va_list args;
    va_start(args, format);
    int len = vsnprintf(change, sizeof change, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof change)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "names are too long");
    if (has_change(&txn->changes, pen_slice(change, (size_t)len)))
        return PEN_OK;
    if (txn->changes.len > 0)
        PEN_TRY(pen_buf_add_char(&txn->changes, ',', err));
    return pen_buf_add_str(&txn->changes, change, err);
}

enum pen_code pen_lake_note_schema(struct pen_lake_txn *txn, int64_t table_id,
                                   struct pen_error *err)
{
    txn->is_schema_changed = true;
    return pen_db_run(txn->db, NULL, err,
                      "INSERT INTO ducklake_schema_versions (begin_snapshot, schema_version, "
                      "table_id) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM "
                      "ducklake_schema_versions WHERE begin_snapshot = $1 AND table_id = $3)",
                      "iii", txn->view, txn->schema_version + 1, table_id);
}

enum pen_code pen_lake_end_rows(struct pen_lake_txn *txn, const char *table, const char *id_column,
                                int64_t id, struct pen_error *err)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s = $1 AND begin_snapshot = $2", table,
                   id_column); /* names of the format: they fit */
    PEN_TRY(pen_db_run(txn->db, NULL, err, sql, "ii", id, txn->view));
    (void)snprintf(sql, sizeof sql,
                   "UPDATE %s SET end_snapshot = $1 WHERE %s = $2 AND end_snapshot IS NULL", table,
                   id_column);
    return pen_db_run(txn->db, NULL, err, sql, "ii", txn->view, id);
}

/* --- snapshots ---------------------------------------------------------------------------------
 */

static enum pen_code read_past(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_lake_snapshot *snapshot = item;
    snapshot->snapshot_id = pen_stmt_int(stmt, 0);
    snapshot->schema_version = pen_stmt_int(stmt, 1);
    snapshot->time_us = pen_lake_time_us(pen_stmt_text(stmt, 2));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &snapshot->changes, err));
    return pen_arena_text(arena, pen_stmt_text(stmt, 4), &snapshot->message, err);
}

enum pen_code pen_lake_snapshot_list(struct pen_lake_txn *txn, size_t max, struct pen_arena *arena,
                                     struct pen_lake_snapshot **ret_list, size_t *ret_count,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT s.snapshot_id, s.schema_version, s.snapshot_time, c.changes_made, "
                         "c.commit_message FROM ducklake_snapshot s LEFT JOIN "
                         "ducklake_snapshot_changes c ON c.snapshot_id = s.snapshot_id "
                         "WHERE s.snapshot_id <= $1 ORDER BY s.snapshot_id DESC LIMIT $2",
                         "ii", txn->view, (int64_t)max));
    static const struct pen_row_reader reader = {sizeof(struct pen_lake_snapshot), read_past, NULL};
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}
