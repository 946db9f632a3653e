/* space.h - looking after what tables occupy on disk: compaction, gc, check.
 *
 *     compact  many small files --merge, sort by time--> few, in one snapshot
 *     gc       old snapshots --expire--> files --grace period--> removed
 *     check    catalog <-> files <-> data <-> ledger: findings
 *
 * Each may be killed at any instant, and may run beside loads, queries and each other. Nothing here
 * prints. */
#ifndef PEN_RUN_SPACE_H
#define PEN_RUN_SPACE_H

#include "base/say.h"
#include "duck/duck.h"
#include "lake/lake_check.h"

/* Everything is borrowed. */
struct pen_space_env {
    const char *home; /* absolute */
    struct pen_lake *lake;
    struct pen_duck_options engine; /* temp_dir: NULL: <home>/tmp */
    const volatile int *cancel;     /* may be NULL */
    /* one line for people; level as in run.h; may be NULL */
    void (*log)(void *context, const char *level, const char *text);
    void *log_context;
};

/* pen_space_temp - the path of a folder of one's own to spill into, below `temp_dir`, or below
 * <home>/tmp when that is NULL; appended. Nothing is made but the folder above it.
 * pen_space_temp_remove - the folder and the files in it. */
PEN_MUST_USE enum pen_code pen_space_temp(const char *home, const char *temp_dir,
                                          struct pen_buf *into, struct pen_error *err);
void pen_space_temp_remove(const char *path);

/* --- compact (compact.c) ---------------------------------------------------------------------- */

/* Files of this size and more are left alone. */
#define PEN_COMPACT_TARGET_BYTES (UINT64_C(256) << 20)

struct pen_compact_options {
    const char *database, *table;
    uint64_t target_bytes; /* 0: PEN_COMPACT_TARGET_BYTES */
    enum pen_part_compression compression;
    bool is_dry_run;
};

struct pen_compact_result {
    uint64_t files_before, files_after; /* of the whole table; a dry run knows no `after` */
    uint64_t bytes_before, bytes_after;
    uint64_t rewritten_files, rewritten_rows;
    uint64_t dropped_rows; /* that were deleted before, and are no longer in a file */
    int64_t snapshot_id;   /* -1: there was nothing to do */
};

/* pen_run_compact - rewrites small files of a table, and files with deleted rows.
 * Files of one partition (`time_partition`) stay in it, files that span several are cut. Older
 * snapshots go on reading the old files until they are expired.
 * errors: PEN_ERR_NOT_FOUND; PEN_ERR_CONFIG a table that only another program can compact (nested
 *         types, its partitions, its rows inside the catalog); PEN_ERR_CONFLICT when others changed
 *         the same files again and again. The table is as before after any error. */
PEN_MUST_USE enum pen_code pen_run_compact(const struct pen_space_env *env,
                                           const struct pen_compact_options *options,
                                           struct pen_compact_result *ret_result,
                                           struct pen_error *err);

/* --- gc (lake_gc.c) --------------------------------------------------------------------------- */

/* How long a file that nothing refers to is left alone. */
#define PEN_GC_GRACE_US (INT64_C(86400) * 1000000)

struct pen_gc_options {
    int64_t older_than_us; /* grace period; < 0: PEN_GC_GRACE_US */
    bool has_keep, has_expire;
    uint64_t keep_snapshots;      /* with has_keep: all but the newest ones expire */
    int64_t expire_older_than_us; /* with has_expire: those older than this expire */
    bool is_dry_run;
    /* called for each file that is (would be) removed; may be NULL */
    void (*on_file)(void *context, const char *what, const char *path, uint64_t bytes);
    void *context;
};

struct pen_gc_result {
    uint64_t snapshots;                  /* expired */
    uint64_t scheduled, scheduled_bytes; /* files of which they were the last readers */
    uint64_t files, bytes;               /* removed from disk */
    uint64_t waiting;                    /* scheduled, within the grace period */
    uint64_t foreign;                    /* scheduled, outside the lake's folder: left alone */
    uint64_t failed;                     /* could not be removed: the log says why */
};

/* pen_run_gc - expires snapshots, removes files that nothing needs. Never removes a file that an
 * unfinished job has noted. */
PEN_MUST_USE enum pen_code pen_run_gc(const struct pen_space_env *env,
                                      const struct pen_gc_options *options,
                                      struct pen_gc_result *ret_result, struct pen_error *err);

/* --- check (lake_verify.c) -------------------------------------------------------------------- */

struct pen_verify_options {
    const char *database, *table; /* NULL: all, and what lies on disk beside them */
    bool is_quick;                /* footers only; the data are not read */
    pen_finding_fn on_finding;
    void *context;
};

struct pen_verify_result {
    uint64_t tables, files, bytes; /* looked at */
    uint64_t errors, notes;        /* findings */
};

/* pen_run_verify - checks catalog, files, data, and ledger against each other; changes nothing.
 * errors: only what keeps it from looking; what is wrong with the store is a finding. */
PEN_MUST_USE enum pen_code pen_run_verify(const struct pen_space_env *env,
                                          const struct pen_verify_options *options,
                                          struct pen_verify_result *ret_result,
                                          struct pen_error *err);

#endif
