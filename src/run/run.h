/* run.h - what commands (and later the server) ask of the engine: guess, preview, issue.
 *
 * All take a normalised configuration: a map with in, filters, out, exec. Nothing here prints:
 * rows, rejected records, progress and log lines go to callbacks. */
#ifndef PEN_RUN_RUN_H
#define PEN_RUN_RUN_H

#include "batch/batch.h"
#include "conf/options.h"
#include "guess/guess.h"
#include "meta/job.h"
#include "run/rejects.h"
#include "run/task.h"
#include "source/doctor.h"

/* What every run needs; everything is borrowed. */
struct pen_run_env {
    const char *home;              /* absolute */
    const struct pen_node *config; /* normalised; as the user wrote it, secrets included */
    struct pen_bind bind;          /* name of the configuration file, arena, warnings */
    const volatile int *cancel;    /* non-zero: stop soon; may be NULL */
    const char *folder;            /* where relative paths begin; NULL: the working directory */
    /* one line for people and the engine log; level "info", "warn", "debug"; from any thread */
    void (*log)(void *context, const char *level, const char *text);
    void *log_context;
    struct pen_s3_traffic *traffic; /* counts requests to S3; may be NULL */
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
    uint64_t replaced;                 /* malformed units of text that became U+FFFD */
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

/* --- doctor ----------------------------------------------------------------------------------- */

/* pen_run_doctor - why the configuration's source cannot be read: see source/doctor.h.
 * in:     env->config: only `in` is looked at. out: *ret_report, released by the caller.
 * errors: PEN_ERR_CONFIG no or an unknown `type`; the connection that it names. */
PEN_MUST_USE enum pen_code pen_run_doctor(const struct pen_run_env *env,
                                          struct pen_doctor_report *ret_report,
                                          struct pen_error *err);

/* --- guess ------------------------------------------------------------------------------------ */

/* pen_run_guess - completes env->config from a sample of one object, checks the result against
 * further pieces of it and of up to two others, and tries it on the sample.
 * out: *ret_config: in, filters (when there are any), out, exec; nodes in env->bind.arena. What
 *      decided or is in doubt stands in comments of the nodes. *ret_report: what was looked at.
 * errors: as pen_guess, pen_sample_find and pen_guess_trial. */
struct pen_guess_report {
    uint64_t sample_bytes;
    size_t pieces;                    /* beside the sample */
    struct pen_guess_account account; /* of the sample's lines */
};
PEN_MUST_USE enum pen_code pen_run_guess(const struct pen_run_env *env,
                                         struct pen_node **ret_config,
                                         struct pen_guess_report *ret_report,
                                         struct pen_error *err);

/* --- jobs -------------------------------------------------------------------------------------
 *
 *     configuration --pen_run_submit--> queued job --pen_run_execute--> success | error | killed
 *                                          ^                 |
 *                                          +--pen_run_recover+ its process is gone
 *
 * All work in any process on the same home, several at once, also in one process. */

/* What a job is, besides its configuration. Texts are copied. */
struct pen_submit_options {
    const char *database, *table;
    const char *time_column; /* --time-column; wins over out.time_column; NULL when not given */
    bool auto_create_table;  /* --auto-create-table; the database too */
    const char *config_file; /* the file that the configuration was read from; NULL for none */
    const char *schedule;    /* name of the schedule that asks for it; NULL for none */
    int64_t scheduled_us;    /* the instant it was scheduled for; 0 for none */
    const char *domain_key;  /* a second job with the same key is refused; NULL for none */
    int priority;            /* -2 .. 2 */
    int retry_limit;
    int64_t replay_of; /* pen_run_replay: that job; 0 for none */
    bool is_forced;    /* and again, although it was done before */
};

/* pen_run_submit - checks all that can be checked without a request (configuration, names, table,
 * time column) and puts a job into the queue, with its configuration sealed and, to be shown,
 * masked.
 * out:    *ret_job_id.
 * errors: what is wrong with the words; missing database or table; PEN_ERR_CONFLICT (not
 *         retryable) "conflicts_with job:<id>" for a used domain_key. No job is made then. */
PEN_MUST_USE enum pen_code pen_run_submit(const struct pen_run_env *env,
                                          const struct pen_submit_options *options,
                                          int64_t *ret_job_id, struct pen_error *err);

/* pen_run_check - what pen_run_submit checks, without a job: would this be accepted now?
 * in: database, table, time_column and auto_create_table of `options`. errors: as pen_run_submit.
 */
PEN_MUST_USE enum pen_code pen_run_check(const struct pen_run_env *env,
                                         const struct pen_submit_options *options,
                                         struct pen_error *err);

struct pen_execute_options {
    int64_t job_id;              /* a queued job; 0: the next of the queue */
    unsigned max_threads;        /* for jobs that do not say exec.max_threads; 0: one a core */
    uint64_t query_memory_bytes; /* for jobs that are SQL (query_run.h); 0: 1 GiB */
    const char *temp_folder;     /* where these may spill; NULL: they may not */
    /* env->cancel means that the process is to stop, not the job: it goes back to the queue with
     * what it finished, and the attempt does not count */
    bool is_given_back;
    /* called once when the job is this call's; may be NULL */
    void (*on_job)(void *context, int64_t job_id);
    /* called about ten times a second from a thread of its own; may be NULL */
    void (*on_progress)(void *context, const struct pen_progress *progress, int64_t elapsed_us);
    pen_reject_fn on_reject; /* from worker threads, one at a time; may be NULL */
    void *context;
};

struct pen_run_result {
    int64_t job_id;  /* 0: there was none to run */
    bool is_resumed; /* an earlier attempt had begun it; set before on_job */
    enum pen_job_status status;
    struct pen_job_counts counts;
    uint64_t parts, part_bytes;
    uint64_t plain_bytes; /* decoded by this attempt */
    int64_t snapshot_id;  /* -1: nothing was committed */
    int64_t elapsed_us;
    bool is_table_created, is_database_created;
    bool is_emptied; /* mode replace found no object: the table is empty now */
    struct pen_reject_count reject_counts[PEN_REJECT_CODES];
    size_t reject_count;
};

/* pen_run_execute - takes a job out of the queue and runs it here to its end: list, freeze the
 * plan, tasks, commit. A job that was begun by an earlier attempt goes on: its plan is not listed
 * again, finished tasks are kept.
 * in:     env: config and bind are not looked at: the job has its own.
 * out:    *ret_result, on errors too (job_id, status, counts so far). Nothing in the queue is no
 *         error: job_id is 0 then.
 * errors: PEN_ERR_CONFLICT when options->job_id is not queued; whatever ended the job, after it
 *         was marked error or killed and its parts were removed: the table is as before.
 * thread: any; several jobs may run at once. */
PEN_MUST_USE enum pen_code pen_run_execute(const struct pen_run_env *env,
                                           const struct pen_execute_options *options,
                                           struct pen_run_result *ret_result,
                                           struct pen_error *err);

/* pen_run_issue - both: a job that nobody else can take out of the queue, run here at once. When a
 * process died over this very load (the same target and configuration but for credentials and
 * `exec`), its job goes on, with the credentials and `exec` of now, instead of a new one: else a
 * load that is issued again after a crash would be loaded twice.
 * options->job_id is not looked at. errors: as both; without a job ret_result->job_id is 0. */
PEN_MUST_USE enum pen_code pen_run_issue(const struct pen_run_env *env,
                                         const struct pen_submit_options *submit,
                                         const struct pen_execute_options *options,
                                         struct pen_run_result *ret_result, struct pen_error *err);

struct pen_replay_options {
    int64_t job_id;
    bool is_forced; /* once more, although they were loaded again before */
};

/* pen_run_replay - loads the records that a job rejected again, into its table, as a job of its
 * own: parser, filters, out and exec are env->config's, `in` is the job's rejects file. Records
 * that are rejected once more are said to be where they were at first. options->job_id is not
 * looked at. errors: as pen_run_issue; PEN_ERR_CONFLICT when they were loaded again before, or when
 * the job did not load anything; PEN_ERR_NOT_FOUND when there are none. What is not in the bounded
 *         file as a whole is counted and said to env->log. */
PEN_MUST_USE enum pen_code pen_run_replay(const struct pen_run_env *env,
                                          const struct pen_replay_options *replay,
                                          const struct pen_execute_options *options,
                                          struct pen_run_result *ret_result, struct pen_error *err);

/* pen_run_recover - looks after jobs whose process is gone: they are queued again, or ended when
 * too many attempts died without finishing a task, or when a kill was asked for. Says so to
 * env->log. Then removes files that nothing refers to. cheap when there is nothing to do. */
PEN_MUST_USE enum pen_code pen_run_recover(const struct pen_run_env *env, struct pen_error *err);

/* A queued job that an earlier process began. */
struct pen_run_unfinished {
    int64_t job_id, started_us;
    const char *database, *table;
    size_t task_count, tasks_done;
};

/* pen_run_unfinished - those that are queued now, by number.
 * in:     but: leaves out what pen_run_issue would go on with, with env->config and these options;
 *         NULL: leaves out nothing. Texts and list live in the arena. */
PEN_MUST_USE enum pen_code pen_run_unfinished(const struct pen_run_env *env,
                                              const struct pen_submit_options *but,
                                              struct pen_arena *arena,
                                              struct pen_run_unfinished **ret_list,
                                              size_t *ret_count, struct pen_error *err);

/* pen_job_folder - "<home>/jobs/<id>", where output.log, engine.log and rejects.jsonl are. */
PEN_MUST_USE enum pen_code pen_job_folder(const char *home, int64_t job_id, struct pen_buf *into,
                                          struct pen_error *err);

#endif
