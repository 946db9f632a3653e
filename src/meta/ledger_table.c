/* ledger_table.c - the ledger as one table sees it: which versions, and what became of them. */
#include "meta/ledger.h"
#include "meta/meta_internal.h"

#include <fnmatch.h>

const char *pen_ledger_state_name(enum pen_ledger_state state)
{
    static const char *const names[] = {
        [PEN_LEDGER_LOADED] = "loaded",
        [PEN_LEDGER_SUPERSEDED] = "superseded",
        [PEN_LEDGER_FORGOTTEN] = "forgotten",
        [PEN_LEDGER_REPLACED] = "replaced",
    };
    return names[state];
}

static bool is_match(const char *pattern, const char *key)
{
    return pattern == NULL || fnmatch(pattern, key, 0) == 0;
}

/* A negative table says replaced, no hash says forgotten (ledger.c). */
static enum pen_ledger_state state_of(struct pen_stmt *stmt)
{
    if (pen_stmt_int(stmt, 0) < 0)
        return PEN_LEDGER_REPLACED;
    if (pen_stmt_int(stmt, 10) == 0)
        return PEN_LEDGER_FORGOTTEN;
    return pen_stmt_int(stmt, 11) != 0 ? PEN_LEDGER_SUPERSEDED : PEN_LEDGER_LOADED;
}

static enum pen_code hand_on(struct pen_stmt *stmt, int64_t table_id, struct pen_arena *arena,
                             pen_ledger_fn fn, void *context, struct pen_error *err)
{
    struct pen_ledger_entry entry = {
        .table_id = table_id,
        .bucket = pen_stmt_text(stmt, 1).ptr,
        .key = pen_stmt_text(stmt, 2).ptr,
        .size_bytes = (uint64_t)pen_stmt_int(stmt, 4),
        .rows = (uint64_t)pen_stmt_int(stmt, 5),
        .rejected = (uint64_t)pen_stmt_int(stmt, 6),
        .filtered = (uint64_t)pen_stmt_int(stmt, 7),
        .snapshot_id = pen_stmt_int(stmt, 8),
        .job_id = pen_stmt_int(stmt, 9),
    };
    pen_arena_clear(arena);
    PEN_TRY(pen_ledger_unpack_etag(pen_stmt_bytes(stmt, 3), arena, &entry.etag, err));
    return fn(context, &entry, state_of(stmt), err);
}

enum pen_code pen_ledger_each(struct pen_db *db, int64_t table_id, const char *key_pattern,
                              pen_ledger_fn fn, void *context, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 20);
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT l.table_id, b.bucket, l.object_key, l.etag, l.size_bytes, "
                         "l.row_count, l.rejected, l.filtered, j.snapshot_id, j.job_id, "
                         "l.object_hash, l.entry_id < max(CASE WHEN l.table_id > 0 THEN "
                         "l.entry_id ELSE 0 END) OVER (PARTITION BY l.bucket_id, l.object_key) "
                         "FROM ledger_job j JOIN ledger l ON l.entry_id >= j.first_entry "
                         "AND l.entry_id < j.first_entry + j.entry_count "
                         "JOIN ledger_bucket b ON b.bucket_id = l.bucket_id "
                         "WHERE j.table_id IN ($1, -$1) ORDER BY l.entry_id",
                         "i", table_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return PEN_OK;
        if (is_match(key_pattern, pen_stmt_text(stmt, 2).ptr))
            PEN_TRY(hand_on(stmt, table_id, &arena, fn, context, err));
    }
}

enum pen_code pen_ledger_sum(struct pen_db *db, int64_t table_id, struct pen_ledger_sum *ret_sum,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT count(*), sum(l.row_count) FROM ledger_job j JOIN ledger l "
                         "ON l.entry_id >= j.first_entry "
                         "AND l.entry_id < j.first_entry + j.entry_count WHERE j.table_id = $1",
                         "i", table_id));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    *ret_sum = (struct pen_ledger_sum){.entries = (uint64_t)pen_stmt_int(stmt, 0),
                                       .rows = (uint64_t)pen_stmt_int(stmt, 1)};
    return PEN_OK;
}

/* --- forget ------------------------------------------------------------------------------------
 */

struct id_reader {
    const char *pattern;
};

/* The id, or 0 for a key that does not match. */
static enum pen_code read_match(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                void *item, struct pen_error *err)
{
    (void)arena, (void)err; /* a number only */
    const struct id_reader *reader = context;
    bool is_wanted = is_match(reader->pattern, pen_stmt_text(stmt, 1).ptr);
    *(int64_t *)item = is_wanted ? pen_stmt_int(stmt, 0) : 0;
    return PEN_OK;
}

static enum pen_code forget_matches(struct pen_db *db, int64_t table_id, const char *key_pattern,
                                    uint64_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    struct id_reader context = {key_pattern};
    const struct pen_row_reader reader = {sizeof(int64_t), read_match, &context};
    int64_t *ids = NULL;
    size_t count = 0;
    {
        PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
        PEN_TRY(pen_db_query(db, &stmt, err,
                             "SELECT l.entry_id, l.object_key FROM ledger_job j JOIN ledger l "
                             "ON l.entry_id >= j.first_entry "
                             "AND l.entry_id < j.first_entry + j.entry_count "
                             "WHERE j.table_id = $1 AND l.object_hash <> 0",
                             "i", table_id));
        PEN_TRY(pen_stmt_list(stmt, &reader, &arena, &ids, &count, err));
    }
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == 0)
            continue;
        PEN_TRY(pen_db_run(db, NULL, err, "UPDATE ledger SET object_hash = 0 WHERE entry_id = $1",
                           "i", ids[i]));
        (*ret_count)++;
    }
    return PEN_OK;
}

enum pen_code pen_ledger_forget_keys(struct pen_db *db, int64_t table_id, const char *key_pattern,
                                     uint64_t *ret_count, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, forget_matches(db, table_id, key_pattern, ret_count, err),
                          err);
}
