/* ledger_table.c - the ledger as one table sees it: which versions, and what became of them. */
#include "meta/ledger_internal.h"

#include <stdlib.h>

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

/* --- each --------------------------------------------------------------------------------------
 */

/* Matches that lie this near to each other are read by one statement. */
#define NEAR_ENTRIES 16

struct each {
    struct pen_db *db;
    const struct pen_ledger_matches *matches;
    struct pen_arena arena; /* of one entry */
    pen_ledger_fn fn;
    void *context;
};

static enum pen_ledger_state state_of(const struct pen_ledger_match *match, bool is_replaced,
                                      int64_t object_hash)
{
    if (is_replaced)
        return PEN_LEDGER_REPLACED;
    if (object_hash == 0) /* ledger.c */
        return PEN_LEDGER_FORGOTTEN;
    return match->is_superseded ? PEN_LEDGER_SUPERSEDED : PEN_LEDGER_LOADED;
}

static enum pen_code hand_on(struct each *each, struct pen_stmt *stmt,
                             const struct pen_ledger_match *match, struct pen_error *err)
{
    const struct pen_ledger_run *run = &each->matches->runs[match->run];
    struct pen_ledger_entry entry = {
        .table_id = llabs(pen_stmt_int(stmt, 9)), /* negative: replaced */
        .bucket = pen_stmt_text(stmt, 1).ptr,
        .key = pen_stmt_text(stmt, 2).ptr,
        .size_bytes = (uint64_t)pen_stmt_int(stmt, 4),
        .rows = (uint64_t)pen_stmt_int(stmt, 5),
        .rejected = (uint64_t)pen_stmt_int(stmt, 6),
        .filtered = (uint64_t)pen_stmt_int(stmt, 7),
        .snapshot_id = run->snapshot_id,
        .job_id = run->job_id,
    };
    pen_arena_clear(&each->arena);
    PEN_TRY(pen_ledger_unpack_etag(pen_stmt_bytes(stmt, 3), &each->arena, &entry.etag, err));
    return each->fn(each->context, &entry, state_of(match, run->is_replaced, pen_stmt_int(stmt, 8)),
                    err);
}

/* Matches from `first` up to `end` (exclusive). */
static enum pen_code hand_on_stretch(struct each *each, size_t first, size_t end,
                                     struct pen_error *err)
{
    const struct pen_ledger_match *items = each->matches->items;
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(each->db, &stmt, err,
                         "SELECT l.entry_id, b.bucket, l.object_key, l.etag, l.size_bytes, "
                         "l.row_count, l.rejected, l.filtered, l.object_hash, l.table_id "
                         "FROM ledger l JOIN ledger_bucket b ON b.bucket_id = l.bucket_id "
                         "WHERE l.entry_id >= $1 AND l.entry_id <= $2 ORDER BY l.entry_id",
                         "ii", items[first].entry_id, items[end - 1].entry_id));
    while (first < end) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return pen_fail(err, PEN_ERR_CORRUPT, "a ledger entry has no bucket");
        if (pen_stmt_int(stmt, 0) == items[first].entry_id)
            PEN_TRY(hand_on(each, stmt, &items[first++], err));
    }
    return PEN_OK;
}

static enum pen_code hand_on_all(struct each *each, struct pen_error *err)
{
    const struct pen_ledger_match *items = each->matches->items;
    for (size_t i = 0, end = 0; i < each->matches->count; i = end) {
        for (end = i + 1; end < each->matches->count &&
                          items[end].entry_id - items[end - 1].entry_id <= NEAR_ENTRIES;)
            end++;
        PEN_TRY(hand_on_stretch(each, i, end, err));
    }
    return PEN_OK;
}

enum pen_code pen_ledger_each(struct pen_db *db, int64_t table_id, const char *key_pattern,
                              pen_ledger_fn fn, void *context, struct pen_error *err)
{
    PEN_CLEANUP(pen_ledger_matches_release) struct pen_ledger_matches matches = PEN_LEDGER_MATCHES;
    PEN_TRY(pen_ledger_match(db, table_id, key_pattern, &matches, err));
    struct each each = {.db = db,
                        .matches = &matches,
                        .arena = PEN_ARENA((size_t)1 << 20),
                        .fn = fn,
                        .context = context};
    enum pen_code code = hand_on_all(&each, err);
    pen_arena_release(&each.arena);
    return code;
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

static enum pen_code forget_matches(struct pen_db *db, int64_t table_id, const char *key_pattern,
                                    uint64_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_ledger_matches_release) struct pen_ledger_matches matches = PEN_LEDGER_MATCHES;
    PEN_TRY(pen_ledger_match(db, table_id, key_pattern, &matches, err));
    *ret_count = 0;
    for (size_t i = 0; i < matches.count; i++) {
        int64_t changes = 0;
        if (!matches.runs[matches.items[i].run].is_replaced)
            PEN_TRY(pen_db_run(db, &changes, err,
                               "UPDATE ledger SET object_hash = 0 "
                               "WHERE entry_id = $1 AND object_hash <> 0",
                               "i", matches.items[i].entry_id));
        *ret_count += (uint64_t)changes;
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
