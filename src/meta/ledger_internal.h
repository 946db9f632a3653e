/* ledger_internal.h - what the files of the ledger share. */
#ifndef PEN_META_LEDGER_INTERNAL_H
#define PEN_META_LEDGER_INTERNAL_H

#include "base/buf.h"
#include "meta/ledger.h"
#include "meta/meta_internal.h"

/* SQL of pen_ledger_has: hash, table, key, etag, size, bucket. Here so that a test sees its plan.
 */
#define PEN_LEDGER_HAS_SQL                                                                         \
    "SELECT 1 FROM ledger l JOIN ledger_bucket b ON b.bucket_id = l.bucket_id "                    \
    "WHERE l.object_hash = $1 AND l.table_id = $2 AND l.object_key = $3 AND l.etag = $4 "          \
    "AND l.size_bytes = $5 AND b.bucket = $6 LIMIT 1"

/* pen_ledger_unpack_etag - an etag as the ledger keeps it, as text in the arena (ledger.c). */
PEN_MUST_USE enum pen_code pen_ledger_unpack_etag(struct pen_slice packed, struct pen_arena *arena,
                                                  const char **ret_etag, struct pen_error *err);

/* A row of ledger_job: consecutive entries whose keys rise in byte order. */
struct pen_ledger_run {
    int64_t first, count; /* entries */
    int64_t job_id, snapshot_id;
    bool is_replaced; /* its rows are no longer in the table */
};

struct pen_ledger_match {
    int64_t entry_id;
    uint64_t key_hash; /* of bucket and key */
    uint32_t run;
    bool is_superseded; /* the key was loaded again later; not said of replaced ones */
};

struct pen_ledger_matches {
    struct pen_ledger_run *runs; /* all of the table, in the order of their entries */
    size_t run_count;
    struct pen_ledger_match *items; /* in the order of their entries */
    size_t count;
    struct pen_arena arena; /* of the runs */
    struct pen_buf memory;  /* of the items */
};

#define PEN_LEDGER_MATCHES                                                                         \
    ((struct pen_ledger_matches){.arena = PEN_ARENA((size_t)1 << 34),                              \
                                 .memory = PEN_BUF((size_t)1 << 36)})

/* pen_ledger_match - the entries of a table whose keys match (ledger_match.c).
 * in: key_pattern: as pen_ledger_each. out: *into, made by PEN_LEDGER_MATCHES; released by the
 *     caller, also after an error.
 * cost: a few look-ups for each of the table's rows of ledger_job, and the entries whose keys begin
 *     as the pattern does before its first * ? or [; 24 bytes a match. */
PEN_MUST_USE enum pen_code pen_ledger_match(struct pen_db *db, int64_t table_id,
                                            const char *key_pattern,
                                            struct pen_ledger_matches *into, struct pen_error *err);
void pen_ledger_matches_release(struct pen_ledger_matches *matches);

#endif
