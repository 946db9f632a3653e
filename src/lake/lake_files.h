/* lake_files.h - a table's files one by one: for those who look after them (compaction, gc, check).
 *
 *     list files --choose, rewrite (duck/duck_rewrite.h)--> parts --swap--> other files, same rows
 *     expire snapshots --> files that none needs are scheduled --grace period--> removed, forgotten
 *
 * All functions work inside a transaction of lake.h. */
#ifndef PEN_LAKE_LAKE_FILES_H
#define PEN_LAKE_LAKE_FILES_H

#include "duck/duck_query.h"
#include "lake/lake.h"

/* A data file and, when rows of it were deleted, its visible delete file. */
struct pen_lake_file {
    int64_t data_file_id, begin_snapshot;
    bool is_ended;    /* only older snapshots read it */
    const char *path; /* absolute */
    const char *format;
    uint64_t rows, size_bytes;
    int64_t footer_bytes, row_id_start; /* -1: not said */
    int64_t mapping_id;                 /* -1: columns are matched by field id */
    bool is_encrypted, is_partial;      /* is_partial: holds rows of several snapshots */
    int64_t delete_file_id;             /* -1: no row was deleted */
    const char *delete_path;
    uint64_t deleted_rows, delete_size_bytes;
    bool has_time; /* bounds of `time` are known */
    bool has_null_time, is_all_null_time;
    int64_t min_time, max_time;
};

enum pen_lake_files { PEN_LAKE_VISIBLE_FILES, PEN_LAKE_ALL_FILES };

/* pen_lake_file_list - the visible files, or all that the catalog knows of, by id; in the arena. */
PEN_MUST_USE enum pen_code pen_lake_file_list(struct pen_lake_txn *txn,
                                              const struct pen_lake_table *table,
                                              enum pen_lake_files which, struct pen_arena *arena,
                                              struct pen_lake_file **ret_list, size_t *ret_count,
                                              struct pen_error *err);

/* pen_lake_table_view - what a query session reads for the table: columns and visible files, the
 * files in the order of pen_lake_file_list. view->problem says why it cannot be read. */
PEN_MUST_USE enum pen_code
pen_lake_table_view(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                    struct pen_arena *arena, struct pen_duck_view *ret_view, struct pen_error *err);

/* --- compaction (lake_swap.c) ------------------------------------------------------------------
 */

/* Files that are to be replaced by parts with the same rows. */
struct pen_lake_swap {
    const struct pen_lake_table *table; /* as it was when the rewrite began */
    const struct pen_lake_file *files;
    size_t file_count;
    const struct pen_part *parts; /* in table->folder; a column per column of the table */
    size_t part_count;
};

/* pen_lake_swap_check - whether the table's files can be rewritten at all.
 * errors: PEN_ERR_CONFIG: it has columns of nested types, or partitions of another program. */
PEN_MUST_USE enum pen_code pen_lake_swap_check(struct pen_lake_txn *txn,
                                               const struct pen_lake_table *table,
                                               struct pen_error *err);

/* pen_lake_swap_files - ends the files and adds the parts, in one snapshot; older snapshots go on
 * reading the files. Rows get new row ids; the statistics of the table stay.
 * errors: PEN_ERR_CONFLICT, retryable, when a file was ended, got (other) deleted rows or the
 *         columns changed since: nothing was done, rewrite again. PEN_ERR_INTERNAL when the parts
 *         have another number of rows. */
PEN_MUST_USE enum pen_code pen_lake_swap_files(struct pen_lake_txn *txn,
                                               const struct pen_lake_swap *swap,
                                               struct pen_error *err);

/* --- expiry (lake_expire.c) --------------------------------------------------------------------
 */

/* Which snapshots go; the newest never does. */
struct pen_lake_expiry {
    bool has_keep, has_before;
    uint64_t keep;     /* all but the newest `keep` ones */
    int64_t before_us; /* those made before that instant */
};

struct pen_lake_expired {
    uint64_t snapshots, files, bytes; /* files: data and delete files, scheduled for deletion */
};

/* pen_lake_expire - forgets snapshots (none when neither member is set), schedules the files that
 * no snapshot needs any more and forgets tables that none holds. Makes no snapshot.
 * in: now_us: the start of the files' grace period. */
PEN_MUST_USE enum pen_code pen_lake_expire(struct pen_lake_txn *txn,
                                           const struct pen_lake_expiry *expiry, int64_t now_us,
                                           struct pen_lake_expired *ret_expired,
                                           struct pen_error *err);

/* A file that may be removed from disk. */
struct pen_lake_scheduled {
    int64_t file_id;
    const char *path;   /* absolute */
    const char *stored; /* as the catalog has it */
    int64_t since_us;
    bool is_ours; /* it lies in the lake's folder */
};

/* pen_lake_scheduled_list - those scheduled up to `until_us`; INT64_MAX for all.
 * pen_lake_scheduled_forget - after the file was removed or was not there. */
PEN_MUST_USE enum pen_code pen_lake_scheduled_list(struct pen_lake_txn *txn, int64_t until_us,
                                                   struct pen_arena *arena,
                                                   struct pen_lake_scheduled **ret_list,
                                                   size_t *ret_count, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_lake_scheduled_forget(struct pen_db *db,
                                                     const struct pen_lake_scheduled *scheduled,
                                                     struct pen_error *err);

/* pen_lake_known_paths - the absolute paths of all files that the catalog refers to, scheduled ones
 * too, sorted by strcmp; in the arena. */
PEN_MUST_USE enum pen_code pen_lake_known_paths(struct pen_lake_txn *txn, struct pen_arena *arena,
                                                const char ***ret_paths, size_t *ret_count,
                                                struct pen_error *err);

#endif
