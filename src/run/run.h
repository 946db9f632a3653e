/* run.h - what commands (and later the server) ask of the engine: guess, preview, issue.
 *
 * All take a normalised configuration: a map with in, filters, out, exec. Nothing here prints:
 * rows, rejected records, progress and log lines go to callbacks. */
#ifndef PEN_RUN_RUN_H
#define PEN_RUN_RUN_H

#include "batch/batch.h"
#include "conf/options.h"
#include "meta/job.h"
#include "run/rejects.h"
#include "run/task.h"

/* What every run needs; everything is borrowed. */
struct pen_run_env {
    const char *home;              /* absolute */
    const struct pen_node *config; /* normalised; as the user wrote it, secrets included */
    struct pen_bind bind;          /* name of the configuration file, arena, warnings */
    const volatile int *cancel;    /* non-zero: stop soon; may be NULL */
    /* one line for people and the engine log; level "info", "warn", "debug"; from any thread */
    void (*log)(void *context, const char *level, const char *text);
    void *log_context;
};

/* --- preview ---------------------------------------------------------------------------------- */

struct pen_preview_options {
    int64_t max_rows;        /* rows handed out at most; < 0: all of the sample */
    pen_reject_fn on_reject; /* per rejected record; may be NULL */
    void *reject_context;
};

/* Called with batches of rows to show; `rows` of batch->rows count. Called once with batch NULL
 * before any row, so that the schema is known even without rows. */
typedef enum pen_code (*pen_rows_fn)(void *context, const struct pen_schema *schema,
                                     const struct pen_batch *batch, size_t rows,
                                     struct pen_error *err);

struct pen_preview_result {
    uint64_t rows, rejected, filtered; /* of the whole sample */
    bool is_cut;                       /* the sample is only the head of its object */
};

/* pen_run_preview - the run's own code path on one buffer of one object; writes nothing.
 * errors: configuration; "No input files to read sample data"; "No input records to preview";
 *         what reading, decoding or parsing met. */
PEN_MUST_USE enum pen_code pen_run_preview(const struct pen_run_env *env,
                                           const struct pen_preview_options *options,
                                           pen_rows_fn fn, void *context,
                                           struct pen_preview_result *ret_result,
                                           struct pen_error *err);

/* --- guess ------------------------------------------------------------------------------------ */

/* pen_run_guess - completes env->config from a sample of one object.
 * out: *ret_config: in, filters (when there are any), out, exec; nodes in env->bind.arena.
 * errors: as pen_guess and pen_sample_take. */
PEN_MUST_USE enum pen_code pen_run_guess(const struct pen_run_env *env,
                                         struct pen_node **ret_config, struct pen_error *err);

/* --- issue ------------------------------------------------------------------------------------ */

struct pen_issue_options {
    const char *database, *table;
    const char *time_column; /* --time-column; wins over out.time_column; NULL when not given */
    bool auto_create_table;  /* --auto-create-table; the database too */
    /* called once when the job has its number; may be NULL */
    void (*on_job)(void *context, int64_t job_id);
    /* called about ten times a second from a thread of its own; may be NULL */
    void (*on_progress)(void *context, const struct pen_progress *progress, int64_t elapsed_us);
    pen_reject_fn on_reject; /* from worker threads, one at a time; may be NULL */
    void *context;
};

struct pen_issue_result {
    int64_t job_id; /* 0: the job was not even created */
    enum pen_job_status status;
    struct pen_job_counts counts;
    uint64_t parts;
    int64_t snapshot_id; /* -1: nothing was committed */
    int64_t elapsed_us;
    bool is_table_created, is_database_created;
    bool is_emptied; /* mode replace found no object: the table is empty now */
    struct pen_reject_count reject_counts[PEN_REJECT_CODES];
    size_t reject_count;
};

/* pen_run_issue - creates a job and runs it here to its end: list, freeze the plan, tasks, commit.
 * out: *ret_result, on errors too (job_id, status, counts so far).
 * errors: configuration and missing tables (no job is made then); whatever ended the job, after it
 *         was marked error or killed and its parts were removed: the table is as before. */
PEN_MUST_USE enum pen_code pen_run_issue(const struct pen_run_env *env,
                                         const struct pen_issue_options *options,
                                         struct pen_issue_result *ret_result,
                                         struct pen_error *err);

/* pen_job_folder - "<home>/jobs/<id>", where output.log, engine.log and rejects.jsonl are. */
PEN_MUST_USE enum pen_code pen_job_folder(const char *home, int64_t job_id, struct pen_buf *into,
                                          struct pen_error *err);

#endif
