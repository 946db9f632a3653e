/* ledger.h - which object versions a table's rows came from; written in the transaction of those
 * rows. Kept for ever, some 120 bytes an object, found through a 64-bit hash index.
 * All functions as in job.h: inside the caller's transaction or as one of their own. */
#ifndef PEN_META_LEDGER_H
#define PEN_META_LEDGER_H

#include "base/arena.h"
#include "db/db.h"

struct pen_ledger_entry {
    int64_t table_id;
    const char *bucket; /* "" for files */
    const char *key, *etag;
    uint64_t size_bytes;
    uint64_t rows, rejected, filtered, plain_bytes;
    int64_t job_id;
    int64_t snapshot_id; /* -1 for none */
};

/* pen_ledger_add - notes objects as loaded. The same version may be loaded again by another job
 * (without skip_loaded_objects): then there are two entries. */
PEN_MUST_USE enum pen_code pen_ledger_add(struct pen_db *db, const struct pen_ledger_entry *entries,
                                          size_t count, struct pen_error *err);

/* pen_ledger_add_job - all objects of a job's plan with the counts that its tasks noted; the
 * commit's usual way. out: *ret_count (may be NULL) entries. */
PEN_MUST_USE enum pen_code pen_ledger_add_job(struct pen_db *db, int64_t job_id, int64_t table_id,
                                              int64_t snapshot_id, uint64_t *ret_count,
                                              struct pen_error *err);

/* pen_ledger_has - whether a version was loaded into a table. in: table_id, bucket, key, etag and
 * size_bytes of `version` are looked at. cost: one index look-up. */
PEN_MUST_USE enum pen_code pen_ledger_has(struct pen_db *db, const struct pen_ledger_entry *version,
                                          bool *ret_has, struct pen_error *err);

/* Part of a list. */
struct pen_ledger_page {
    size_t skip, max;
};

/* pen_ledger_list - what a job loaded, in the order of its plan. */
PEN_MUST_USE enum pen_code pen_ledger_list(struct pen_db *db, int64_t job_id,
                                           struct pen_ledger_page page, struct pen_arena *arena,
                                           struct pen_ledger_entry **ret_entries, size_t *ret_count,
                                           struct pen_error *err);

/* --- the ledger of a table (ledger_table.c) ----------------------------------------------------
 */

/* What became of an entry. */
enum pen_ledger_state {
    PEN_LEDGER_LOADED,     /* its rows are in the table; skip_loaded_objects skips the version */
    PEN_LEDGER_SUPERSEDED, /* as loaded, and its key was loaded again later */
    PEN_LEDGER_FORGOTTEN,  /* its rows are in the table; the version may be loaded again */
    PEN_LEDGER_REPLACED    /* a later load replaced its rows */
};

/* pen_ledger_state_name - "loaded", "superseded", "forgotten", "replaced". */
const char *pen_ledger_state_name(enum pen_ledger_state state);

/* Called for one entry after the other; its texts are gone afterwards. */
typedef enum pen_code (*pen_ledger_fn)(void *context, const struct pen_ledger_entry *entry,
                                       enum pen_ledger_state state, struct pen_error *err);

/* pen_ledger_each - all entries of a table whose keys match, in the order of their commits.
 * in: key_pattern: as a shell's, where * and ? match slashes too; NULL for all.
 * cost: a few look-ups for each load of the table, the entries whose keys begin as the pattern does
 *     before its first * ? or [, and 24 bytes for each that matches. */
PEN_MUST_USE enum pen_code pen_ledger_each(struct pen_db *db, int64_t table_id,
                                           const char *key_pattern, pen_ledger_fn fn, void *context,
                                           struct pen_error *err);

struct pen_ledger_sum {
    uint64_t entries, rows; /* of entries whose rows are in the table */
};
PEN_MUST_USE enum pen_code pen_ledger_sum(struct pen_db *db, int64_t table_id,
                                          struct pen_ledger_sum *ret_sum, struct pen_error *err);

/* pen_ledger_forget_keys - entries whose keys match become forgotten: the next load with
 * skip_loaded_objects loads those versions again. Their rows stay. out: *ret_count entries that
 * were not forgotten before. */
PEN_MUST_USE enum pen_code pen_ledger_forget_keys(struct pen_db *db, int64_t table_id,
                                                  const char *key_pattern, uint64_t *ret_count,
                                                  struct pen_error *err);

/* pen_ledger_forget_table - before a replace adds its own: the objects may be loaded again;
 * pen_ledger_list still shows them as history. (A dropped table needs none: a table that is made
 * under its name has another id.) */
PEN_MUST_USE enum pen_code pen_ledger_forget_table(struct pen_db *db, int64_t table_id,
                                                   struct pen_error *err);

#endif
