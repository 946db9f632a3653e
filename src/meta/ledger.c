#include "meta/ledger_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* An etag is kept as a letter and bytes: 'h' and 16 bytes for the usual 32 hex digits, else 't'
 * and the text. */
#define HEX_ETAG  32
#define ETAG_ROOM 1100 /* S3 states no limit; longer ones are refused by its key limit's order */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool pack_hex(const char *etag, char *out)
{
    for (size_t i = 0; i < HEX_ETAG / 2; i++) {
        int high = hex_digit(etag[2 * i]), low = high < 0 ? -1 : hex_digit(etag[2 * i + 1]);
        if (low < 0)
            return false;
        out[1 + i] = (char)(high << 4 | low);
    }
    out[0] = 'h';
    return true;
}

static enum pen_code pack_etag(const char *etag, char out[ETAG_ROOM], struct pen_slice *ret_packed,
                               struct pen_error *err)
{
    size_t len = strlen(etag);
    if (len == HEX_ETAG && pack_hex(etag, out)) {
        *ret_packed = pen_slice(out, 1 + HEX_ETAG / 2);
        return PEN_OK;
    }
    if (len + 1 > ETAG_ROOM)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "an etag has %zu bytes", len);
    out[0] = 't';
    memcpy(out + 1, etag, len);
    *ret_packed = pen_slice(out, len + 1);
    return PEN_OK;
}

enum pen_code pen_ledger_unpack_etag(struct pen_slice packed, struct pen_arena *arena,
                                     const char **ret_etag, struct pen_error *err)
{
    static const char digits[] = "0123456789abcdef";
    if (packed.len == 0 || packed.ptr[0] != 'h')
        return pen_arena_text(arena, packed.len == 0 ? packed : pen_slice_skip(packed, 1), ret_etag,
                              err);
    char text[HEX_ETAG];
    for (size_t i = 0; i < HEX_ETAG / 2 && i + 1 < packed.len; i++) {
        unsigned char byte = (unsigned char)packed.ptr[1 + i];
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    return pen_arena_text(arena, pen_slice(text, sizeof text), ret_etag, err);
}

/* FNV-1a over all that makes an object version of a table; 0 stands for forgotten entries. */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static int64_t object_hash(const struct pen_ledger_entry *entry)
{
    char numbers[48];
    (void)snprintf(numbers, sizeof numbers, "%lld %llu", (long long)entry->table_id,
                   (unsigned long long)entry->size_bytes); /* always fits */
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    hash = add_bytes(hash, numbers, strlen(numbers) + 1);
    hash = add_bytes(hash, entry->bucket, strlen(entry->bucket) + 1);
    hash = add_bytes(hash, entry->key, strlen(entry->key) + 1);
    hash = add_bytes(hash, entry->etag, strlen(entry->etag) + 1);
    return (int64_t)(hash == 0 ? 1 : hash);
}

/* --- add ---------------------------------------------------------------------------------------
 */

static enum pen_code find_bucket(struct pen_db *db, const char *bucket, int64_t *ret_id,
                                 bool *ret_is_found, struct pen_error *err)
{
    return pen_db_query_int(db, ret_id, ret_is_found, err,
                            "SELECT bucket_id FROM ledger_bucket WHERE bucket = $1", "t", bucket);
}

static enum pen_code make_bucket(struct pen_db *db, const char *bucket, int64_t *ret_id,
                                 struct pen_error *err)
{
    bool is_found = false;
    PEN_TRY(find_bucket(db, bucket, ret_id, &is_found, err));
    if (is_found)
        return PEN_OK;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(bucket_id) FROM ledger_bucket", ret_id, err));
    return pen_db_run(db, NULL, err, "INSERT INTO ledger_bucket VALUES ($1, $2)", "it", *ret_id,
                      bucket);
}

static enum pen_code insert_entry(struct pen_db *db, int64_t entry_id,
                                  const struct pen_ledger_entry *entry, struct pen_error *err)
{
    int64_t bucket_id = 0;
    PEN_TRY(make_bucket(db, entry->bucket, &bucket_id, err));
    char room[ETAG_ROOM];
    struct pen_slice etag;
    PEN_TRY(pack_etag(entry->etag, room, &etag, err));
    return pen_db_run(
        db, NULL, err, "INSERT INTO ledger VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        "iiiitbiiiii", entry_id, object_hash(entry), entry->table_id, bucket_id, entry->key, etag,
        (int64_t)entry->size_bytes, (int64_t)entry->rows, (int64_t)entry->rejected,
        (int64_t)entry->filtered, (int64_t)entry->plain_bytes);
}

/* Entries from `first` up to `end` (exclusive), whose keys rise: ledger_match.c halves them. */
static enum pen_code insert_run(struct pen_db *db, const struct pen_ledger_entry *entry,
                                int64_t first, int64_t end, struct pen_error *err)
{
    return pen_db_run(db, NULL, err, "INSERT INTO ledger_job VALUES ($1, $2, $3, $4, $5)", "iiiii",
                      entry->job_id, entry->table_id, entry->snapshot_id, first, end - first);
}

static bool is_one_run(const struct pen_ledger_entry *a, const struct pen_ledger_entry *b)
{
    return a->job_id == b->job_id && a->table_id == b->table_id &&
           a->snapshot_id == b->snapshot_id && strcmp(a->key, b->key) <= 0;
}

static enum pen_code insert_entries(struct pen_db *db, const struct pen_ledger_entry *entries,
                                    size_t count, struct pen_error *err)
{
    int64_t next = 0;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(entry_id) FROM ledger", &next, err));
    for (size_t i = 0, run = 0; i < count; i++) {
        PEN_TRY(insert_entry(db, next + (int64_t)i, &entries[i], err));
        if (i + 1 < count && is_one_run(&entries[i], &entries[i + 1]))
            continue;
        PEN_TRY(insert_run(db, &entries[i], next + (int64_t)run, next + (int64_t)(i + 1), err));
        run = i + 1;
    }
    return PEN_OK;
}

enum pen_code pen_ledger_add(struct pen_db *db, const struct pen_ledger_entry *entries,
                             size_t count, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert_entries(db, entries, count, err), err);
}

/* The plan's objects as entries. The texts are borrowed from the statement. */
static struct pen_ledger_entry entry_of(struct pen_stmt *stmt, int64_t job_id, int64_t table_id,
                                        int64_t snapshot_id)
{
    return (struct pen_ledger_entry){
        .table_id = table_id,
        .bucket = pen_stmt_text(stmt, 0).ptr,
        .key = pen_stmt_text(stmt, 1).ptr,
        .etag = pen_stmt_text(stmt, 2).ptr,
        .size_bytes = (uint64_t)pen_stmt_int(stmt, 3),
        .rows = (uint64_t)pen_stmt_int(stmt, 4),
        .rejected = (uint64_t)pen_stmt_int(stmt, 5),
        .filtered = (uint64_t)pen_stmt_int(stmt, 6),
        .plain_bytes = (uint64_t)pen_stmt_int(stmt, 7),
        .job_id = job_id,
        .snapshot_id = snapshot_id,
    };
}

/* One entry of the plan; `last_key` is that of the entry before it. */
static enum pen_code insert_next(struct pen_db *db, const struct pen_ledger_entry *entry,
                                 int64_t entry_id, struct pen_buf *last_key, int64_t *run,
                                 struct pen_error *err)
{
    if (entry_id > *run && strcmp(last_key->ptr, entry->key) > 0) {
        PEN_TRY(insert_run(db, entry, *run, entry_id, err));
        *run = entry_id;
    }
    pen_buf_clear(last_key);
    PEN_TRY(pen_buf_add_str(last_key, entry->key, err));
    return insert_entry(db, entry_id, entry, err);
}

static enum pen_code insert_plan(struct pen_db *db, int64_t job_id, int64_t table_id,
                                 int64_t snapshot_id, uint64_t *ret_count, struct pen_error *err)
{
    int64_t first = 0;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(entry_id) FROM ledger", &first, err));
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf last_key = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT bucket, object_key, etag, size_bytes, row_count, rejected, "
                         "filtered, plain_bytes FROM job_object WHERE job_id = $1 "
                         "ORDER BY object_index",
                         "i", job_id));
    const struct pen_ledger_entry last = {
        .job_id = job_id, .table_id = table_id, .snapshot_id = snapshot_id};
    int64_t next = first, run = first;
    for (;; next++) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            break;
        struct pen_ledger_entry entry = entry_of(stmt, job_id, table_id, snapshot_id);
        PEN_TRY(insert_next(db, &entry, next, &last_key, &run, err));
    }
    *ret_count = (uint64_t)(next - first);
    return next == first ? PEN_OK : insert_run(db, &last, run, next, err);
}

enum pen_code pen_ledger_add_job(struct pen_db *db, int64_t job_id, int64_t table_id,
                                 int64_t snapshot_id, uint64_t *ret_count, struct pen_error *err)
{
    bool is_own = false;
    uint64_t count = 0;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    PEN_TRY(pen_meta_leave(db, is_own, insert_plan(db, job_id, table_id, snapshot_id, &count, err),
                           err));
    if (ret_count != NULL)
        *ret_count = count;
    return PEN_OK;
}

/* --- look up -----------------------------------------------------------------------------------
 */

enum pen_code pen_ledger_has(struct pen_db *db, const struct pen_ledger_entry *version,
                             bool *ret_has, struct pen_error *err)
{
    char room[ETAG_ROOM];
    struct pen_slice packed;
    PEN_TRY(pack_etag(version->etag, room, &packed, err));
    int64_t found = 0;
    return pen_db_query_int(db, &found, ret_has, err, PEN_LEDGER_HAS_SQL, "iitbit",
                            object_hash(version), version->table_id, version->key, packed,
                            (int64_t)version->size_bytes, version->bucket);
}

static enum pen_code read_entry(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                void *item, struct pen_error *err)
{
    const int64_t *job_id = context;
    struct pen_ledger_entry *entry = item;
    *entry = (struct pen_ledger_entry){
        .table_id = llabs(pen_stmt_int(stmt, 0)), /* negative: forgotten */
        .size_bytes = (uint64_t)pen_stmt_int(stmt, 4),
        .rows = (uint64_t)pen_stmt_int(stmt, 5),
        .rejected = (uint64_t)pen_stmt_int(stmt, 6),
        .filtered = (uint64_t)pen_stmt_int(stmt, 7),
        .plain_bytes = (uint64_t)pen_stmt_int(stmt, 8),
        .job_id = *job_id,
        .snapshot_id = pen_stmt_int(stmt, 9),
    };
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &entry->bucket, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &entry->key, err));
    return pen_ledger_unpack_etag(pen_stmt_bytes(stmt, 3), arena, &entry->etag, err);
}

enum pen_code pen_ledger_list(struct pen_db *db, int64_t job_id, struct pen_ledger_page page,
                              struct pen_arena *arena, struct pen_ledger_entry **ret_entries,
                              size_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT l.table_id, b.bucket, l.object_key, l.etag, l.size_bytes, "
                         "l.row_count, l.rejected, l.filtered, l.plain_bytes, j.snapshot_id "
                         "FROM ledger_job j JOIN ledger l ON l.entry_id >= j.first_entry "
                         "AND l.entry_id < j.first_entry + j.entry_count "
                         "JOIN ledger_bucket b ON b.bucket_id = l.bucket_id "
                         "WHERE j.job_id = $1 ORDER BY l.entry_id LIMIT $2 OFFSET $3",
                         "iii", job_id, (int64_t)page.max, (int64_t)page.skip));
    const struct pen_row_reader reader = {sizeof(struct pen_ledger_entry), read_entry, &job_id};
    return pen_stmt_list(stmt, &reader, arena, ret_entries, ret_count, err);
}

/* --- forget ------------------------------------------------------------------------------------
 */

static enum pen_code forget(struct pen_db *db, int64_t table_id, struct pen_error *err)
{
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE ledger SET table_id = -table_id, object_hash = 0 "
                       "WHERE table_id = $1 AND entry_id >= "
                       "(SELECT min(first_entry) FROM ledger_job WHERE table_id = $1) "
                       "AND entry_id < (SELECT max(first_entry + entry_count) FROM ledger_job "
                       "WHERE table_id = $1)",
                       "i", table_id));
    return pen_db_run(db, NULL, err,
                      "UPDATE ledger_job SET table_id = -table_id WHERE table_id = $1", "i",
                      table_id);
}

enum pen_code pen_ledger_forget_table(struct pen_db *db, int64_t table_id, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, forget(db, table_id, err), err);
}
