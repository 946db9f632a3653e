/* ledger_match.c - the entries of a table whose keys match a pattern.
 *
 *     rows of ledger_job --halving, by the pattern's literal beginning--> stretches of entries
 *     --fnmatch--> matches --by key--> which of them were loaded again later
 *
 * The keys of the entries of one row rise (ledger.c cuts where they fall) and entries are numbered,
 * so the primary key finds a key in them as an index on keys would, which would keep each key
 * twice. */
#include "meta/ledger_internal.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

struct matching {
    struct pen_db *db;
    const char *pattern; /* NULL: every key */
    struct pen_buf prefix;
    bool is_literal; /* the prefix is the whole pattern */
    struct pen_ledger_matches *into;
};

/* The beginning of a pattern that stands for itself. */
static enum pen_code set_prefix(struct matching *m, struct pen_error *err)
{
    const char *at = m->pattern == NULL ? "*" : m->pattern;
    for (; *at != '\0' && strchr("*?[", *at) == NULL; at++) {
        if (*at == '\\' && *++at == '\0')
            return PEN_OK; /* nothing is escaped: what it means is fnmatch's to say */
        PEN_TRY(pen_buf_add_char(&m->prefix, *at, err));
    }
    m->is_literal = *at == '\0';
    return PEN_OK;
}

static uint64_t hash_of(int64_t bucket_id, struct pen_slice key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)bucket_id;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* --- stretches ---------------------------------------------------------------------------------
 */

/* < 0: the key comes before all that begin with the prefix; > 0: after them. */
static int compare(const struct matching *m, struct pen_slice key)
{
    size_t len = m->prefix.len, common = key.len < len ? key.len : len;
    int order = common == 0 ? 0 : memcmp(key.ptr, m->prefix.ptr, common);
    if (order != 0)
        return order;
    return key.len < len ? -1 : m->is_literal && key.len > len;
}

/* The first entry of the run whose key does not come before the prefix. */
static enum pen_code find_start(const struct matching *m, const struct pen_ledger_run *run,
                                int64_t *ret_start, struct pen_error *err)
{
    int64_t low = run->first, high = run->first + run->count;
    while (m->prefix.len > 0 && low < high) {
        int64_t middle = low + (high - low) / 2;
        PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
        bool has_row = false;
        PEN_TRY(pen_db_query(m->db, &stmt, err, "SELECT object_key FROM ledger WHERE entry_id = $1",
                             "i", middle));
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return pen_fail(err, PEN_ERR_CORRUPT, "ledger entry %" PRId64 " is missing", middle);
        if (compare(m, pen_stmt_text(stmt, 0)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_start = low;
    return PEN_OK;
}

static enum pen_code add_match(const struct matching *m, struct pen_stmt *stmt, size_t run,
                               struct pen_error *err)
{
    struct pen_slice key = pen_stmt_text(stmt, 2);
    if (m->pattern != NULL && fnmatch(m->pattern, key.ptr, 0) != 0)
        return PEN_OK;
    const struct pen_ledger_match match = {.entry_id = pen_stmt_int(stmt, 0),
                                           .key_hash = hash_of(pen_stmt_int(stmt, 1), key),
                                           .run = (uint32_t)run};
    return pen_buf_add(&m->into->memory, &match, sizeof match, err);
}

static enum pen_code add_run(const struct matching *m, size_t index, struct pen_error *err)
{
    const struct pen_ledger_run *run = &m->into->runs[index];
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    int64_t start = 0;
    PEN_TRY(find_start(m, run, &start, err));
    PEN_TRY(pen_db_query(m->db, &stmt, err,
                         "SELECT entry_id, bucket_id, object_key FROM ledger "
                         "WHERE entry_id >= $1 AND entry_id < $2 ORDER BY entry_id",
                         "ii", start, run->first + run->count));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row || compare(m, pen_stmt_text(stmt, 2)) > 0)
            return PEN_OK;
        PEN_TRY(add_match(m, stmt, index, err));
    }
}

static enum pen_code read_run(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    (void)arena, (void)context, (void)err; /* numbers only */
    *(struct pen_ledger_run *)item = (struct pen_ledger_run){
        .first = pen_stmt_int(stmt, 0),
        .count = pen_stmt_int(stmt, 1),
        .job_id = pen_stmt_int(stmt, 2),
        .snapshot_id = pen_stmt_int(stmt, 3),
        .is_replaced = pen_stmt_int(stmt, 4) < 0, /* ledger.c */
    };
    return PEN_OK;
}

static enum pen_code list_runs(const struct matching *m, int64_t table_id, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_ledger_run), read_run, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(m->db, &stmt, err,
                         "SELECT first_entry, entry_count, job_id, snapshot_id, table_id "
                         "FROM ledger_job WHERE table_id IN ($1, -$1) ORDER BY first_entry",
                         "i", table_id));
    return pen_stmt_list(stmt, &reader, &m->into->arena, &m->into->runs, &m->into->run_count, err);
}

/* --- loaded again ------------------------------------------------------------------------------
 */

static int compare_hashes(const void *a, const void *b)
{
    const struct pen_ledger_match *x = a, *y = b;
    if (x->key_hash != y->key_hash)
        return x->key_hash < y->key_hash ? -1 : 1;
    return x->entry_id < y->entry_id ? -1 : x->entry_id > y->entry_id;
}

static int compare_entries(const void *a, const void *b)
{
    const struct pen_ledger_match *x = a, *y = b;
    return x->entry_id < y->entry_id ? -1 : x->entry_id > y->entry_id;
}

static enum pen_code is_same_key(struct pen_db *db, int64_t entry_id, int64_t other_id,
                                 bool *ret_is_same, struct pen_error *err)
{
    int64_t one = 0;
    return pen_db_query_int(db, &one, ret_is_same, err,
                            "SELECT 1 FROM ledger a JOIN ledger b ON b.bucket_id = a.bucket_id "
                            "AND b.object_key = a.object_key "
                            "WHERE a.entry_id = $1 AND b.entry_id = $2",
                            "ii", entry_id, other_id);
}

/* Marks those of one hash that have a later entry of the same key, which the hash only suggests.
 * What was replaced was replaced with all before it, so a later one always has its rows. */
static enum pen_code mark_group(const struct matching *m, struct pen_ledger_match *group,
                                size_t count, struct pen_error *err)
{
    for (size_t i = 0; i + 1 < count; i++) {
        if (m->into->runs[group[i].run].is_replaced)
            continue;
        for (size_t later = count; --later > i && !group[i].is_superseded;)
            PEN_TRY(is_same_key(m->db, group[i].entry_id, group[later].entry_id,
                                &group[i].is_superseded, err));
    }
    return PEN_OK;
}

static enum pen_code mark_superseded(const struct matching *m, struct pen_error *err)
{
    struct pen_ledger_match *items = m->into->items;
    size_t count = m->into->count;
    if (count == 0)
        return PEN_OK;
    qsort(items, count, sizeof items[0], compare_hashes);
    for (size_t i = 0, end = 0; i < count; i = end) {
        for (end = i + 1; end < count && items[end].key_hash == items[i].key_hash;)
            end++;
        PEN_TRY(mark_group(m, &items[i], end - i, err));
    }
    qsort(items, count, sizeof items[0], compare_entries);
    return PEN_OK;
}

static enum pen_code match_all(struct matching *m, int64_t table_id, struct pen_error *err)
{
    PEN_TRY(set_prefix(m, err));
    PEN_TRY(list_runs(m, table_id, err));
    for (size_t i = 0; i < m->into->run_count; i++)
        PEN_TRY(add_run(m, i, err));
    m->into->items = (void *)m->into->memory.ptr;
    m->into->count = m->into->memory.len / sizeof m->into->items[0];
    return mark_superseded(m, err);
}

enum pen_code pen_ledger_match(struct pen_db *db, int64_t table_id, const char *key_pattern,
                               struct pen_ledger_matches *into, struct pen_error *err)
{
    struct matching m = {
        .db = db, .pattern = key_pattern, .prefix = PEN_BUF(PEN_BUF_TEXT_MAX), .into = into};
    enum pen_code code = match_all(&m, table_id, err);
    pen_buf_release(&m.prefix);
    return code;
}

void pen_ledger_matches_release(struct pen_ledger_matches *matches)
{
    pen_buf_release(&matches->memory);
    pen_arena_release(&matches->arena);
}
