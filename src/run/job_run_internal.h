/* job_run_internal.h - one job while this process makes or runs it.
 *
 *     job_setup.c   configuration and target: bound and checked
 *     job_submit.c  set-up -> a queued job with its configuration sealed
 *     job_recover.c jobs of processes that died; issue: the same load goes on, or a new job
 *     job_execute.c claim -> unseal -> set-up -> plan -> tasks -> commit, or the way back after a
 *                   failure
 *     job_retry.c   again with other credentials, when the ones it had ran out
 *     replay_run.c  what a job rejected as the source of another
 *     job_plan_store.c  the plan in the metadata
 *     job_tasks.c   each task into parts, again when that may help
 *     commit.c      rows + ledger + job + next position in one transaction
 *     monitor.c     heartbeat, kill requests, progress: a thread of its own */
#ifndef PEN_RUN_JOB_RUN_INTERNAL_H
#define PEN_RUN_JOB_RUN_INTERNAL_H

#include "duck/duck.h"
#include "lake/lake.h"
#include "meta/job_owner.h"
#include "meta/job_plan.h"
#include "run/job_log.h"
#include "run/plan.h"
#include "run/run_scope.h"
#include "vault/vault.h"

#include <pthread.h>

/* How long a job stays this process's without a heartbeat, and how often one is made. */
#define PEN_LEASE_US     (30 * PEN_US_PER_SECOND)
#define PEN_HEARTBEAT_US (5 * PEN_US_PER_SECOND)
/* How often it is asked whether somebody wants the job dead. */
#define PEN_KILL_LOOK_US (PEN_US_PER_SECOND / 2)

struct pen_job_run;

struct pen_monitor {
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock; /* guards is_stopping */
    pthread_cond_t stopped;
    bool is_stopping;
};

/* The words of a job's row in `options` (a JSON map). */
struct pen_job_words {
    bool auto_create_table;
    bool is_forced;    /* a replay that was done before */
    char *folder;      /* absolute: where relative paths of the configuration begin */
    char *config_file; /* absolute; NULL for none */
};

struct pen_job_run {
    struct pen_run_env env; /* the caller's, with `cancel` replaced by our own flag */
    const volatile int *caller_cancel;
    volatile int cancel;
    _Atomic bool is_kill_requested, is_lease_lost;
    const struct pen_execute_options *options;
    struct pen_run_result *result;
    struct pen_job job; /* its row; when it is being made: database, table, time_column */
    struct pen_job_words words;
    int64_t started_us; /* of the first attempt: the upload time */
    int64_t started_monotonic_us;
    char owner[PEN_JOB_OWNER_TEXT];
    struct pen_arena arena;
    struct pen_lake *lake;
    struct pen_vault *vault;
    struct pen_run_scope scope;
    struct pen_conform *conform;
    struct pen_lake_layout layout;
    int64_t table_id;     /* 0: the commit makes the table */
    const char *position; /* the next position that the listing found; NULL before the plan */
    struct pen_plan plan;
    struct pen_job_task *stored_tasks; /* per task of the plan when an earlier attempt made it */
    struct pen_duck *duck;
    char *spill; /* folder that the engine may spill into; NULL: it may not */
    struct pen_prefetch *prefetch;
    struct pen_job_log log;
    struct pen_rejects rejects;
    struct pen_progress progress;
    struct pen_parts parts; /* of all finished tasks */
    struct pen_account_totals totals;
    struct pen_monitor monitor;
};

/* pen_job_run_new - everything empty; env, options and result are borrowed. NULL on no memory. */
struct pen_job_run *pen_job_run_new(const struct pen_run_env *env,
                                    const struct pen_execute_options *options,
                                    struct pen_run_result *result);
void pen_job_run_free(struct pen_job_run *run);
PEN_DEFINE_FREE_P(struct pen_job_run *, pen_job_run_free)

/* pen_job_run_open - the home's catalog and key; both are made when missing. */
PEN_MUST_USE enum pen_code pen_job_run_open(struct pen_job_run *run, struct pen_error *err);

/* pen_job_run_setup - binds run->env.config, checks the names and that the table can take what
 * comes. in: started_us, job.database, job.table, job.time_column, words. No request is made. */
PEN_MUST_USE enum pen_code pen_job_run_setup(struct pen_job_run *run, struct pen_error *err);

/* pen_job_run_seal, _unseal - env.config to a sealed text, and back. */
PEN_MUST_USE enum pen_code pen_job_run_seal(struct pen_job_run *run, struct pen_buf *into,
                                            struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_run_unseal(struct pen_job_run *run, struct pen_error *err);

/* pen_job_words_write, _read - the row's `options`. in: arena: for texts and nodes. */
PEN_MUST_USE enum pen_code pen_job_words_write(const struct pen_job_words *words,
                                               struct pen_arena *arena, struct pen_buf *into,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_words_read(const char *text, struct pen_arena *arena,
                                              struct pen_job_words *ret_words,
                                              struct pen_error *err);

/* pen_job_run_words - run->words from what was asked for. */
PEN_MUST_USE enum pen_code pen_job_run_words(struct pen_job_run *run,
                                             const struct pen_submit_options *options,
                                             struct pen_error *err);

/* Notes a further part of a task before its file is made. */
typedef enum pen_code (*pen_job_note_fn)(void *context, const char *file_name,
                                         struct pen_error *err);

/* pen_job_time_target - the column of the layout that parts are cut by; NULL when the table has no
 * time_partition. */
const struct pen_lake_target *pen_job_time_target(const struct pen_job_run *run);

/* pen_job_cut_part - the one part of a task, sorted by time, becomes parts of one unit of time each
 * when it spans several (job_cut.c). in: parts: the part; columns: the layout's. out: parts: what
 * takes its place; the file of the part that was cut is gone. */
PEN_MUST_USE enum pen_code pen_job_cut_part(struct pen_job_run *run,
                                            const struct pen_part_field *columns,
                                            pen_job_note_fn note, void *context,
                                            struct pen_parts *inout_parts, struct pen_error *err);

/* pen_job_run_open_engine, _close_engine - run->duck, and the folder that it spills into: tables
 * with a time_partition have their parts sorted, which may take more than memory. close: fine when
 * it is not open. */
PEN_MUST_USE enum pen_code pen_job_run_open_engine(struct pen_job_run *run, struct pen_error *err);
void pen_job_run_close_engine(struct pen_job_run *run);

/* pen_job_run_prepare - after open: run->job and words from what was asked for, and the set-up.
 * pen_job_run_create - then a job in the queue, or, when is_claimed, already run->owner's. */
PEN_MUST_USE enum pen_code pen_job_run_prepare(struct pen_job_run *run,
                                               const struct pen_submit_options *options,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_run_create(struct pen_job_run *run, bool is_claimed,
                                              int64_t *ret_job_id, struct pen_error *err);

/* pen_job_texts - the configuration as a job's row keeps it; pen_job_texts_make also lets
 * run->job.config, sealed_config and options point there, until the release. */
struct pen_job_texts {
    struct pen_job_run *run;
    struct pen_buf config, sealed, words;
};
PEN_MUST_USE enum pen_code pen_job_texts_make(struct pen_job_run *run, struct pen_job_texts *texts,
                                              struct pen_error *err);
void pen_job_texts_release(struct pen_job_texts *texts);

/* pen_job_run_plan - lists, groups and stores the plan, before the first byte is read; or takes the
 * one that an earlier attempt stored (run->position is set). pen_job_run_is_done - whether an
 * earlier attempt did that task. */
PEN_MUST_USE enum pen_code pen_job_run_plan(struct pen_job_run *run, struct pen_error *err);
bool pen_job_run_is_done(const struct pen_job_run *run, size_t task_index);

/* pen_job_run_settle_layout - after run->layout was made: parts of an earlier attempt stay only
 * when they have the same columns; else all tasks are waiting again. */
PEN_MUST_USE enum pen_code pen_job_run_settle_layout(struct pen_job_run *run,
                                                     struct pen_error *err);

/* pen_job_run_restore - totals and progress as finished tasks left them. out: *ret_mark, when
 * *ret_has_mark: the state of the rejects file behind them. */
PEN_MUST_USE enum pen_code pen_job_run_restore(struct pen_job_run *run,
                                               struct pen_rejects_mark *ret_mark,
                                               bool *ret_has_mark, struct pen_error *err);

/* pen_job_run_execute - runs run->job.job_id, which run->owner has claimed. run->env.config: NULL,
 * or what replaces the job's own from now on, with run->words. */
PEN_MUST_USE enum pen_code pen_job_run_execute(struct pen_job_run *run, struct pen_error *err);

/* pen_job_is_same_load - whether two configurations differ at most in credentials and `exec`. */
PEN_MUST_USE enum pen_code pen_job_is_same_load(const struct pen_node *a, const struct pen_node *b,
                                                struct pen_arena *arena, bool *ret_is_same,
                                                struct pen_error *err);

/* pen_job_run_retry - after the run failed for the retry-th time (from 1): when expired credentials
 * were why, waits, reads the configuration file anew and returns true. failed: becomes
 * PEN_ERR_CANCELLED when the wait was interrupted. */
bool pen_job_run_retry(struct pen_job_run *run, int retry, struct pen_error *failed);

/* pen_job_run_relocate - the place of a rejected record of a replay; context: the run. */
void pen_job_run_relocate(void *context, struct pen_reject *reject);

/* pen_job_run_tasks - runs the plan's tasks one after another, each with all threads; on return
 * run->parts and run->totals hold what goes into the commit. */
PEN_MUST_USE enum pen_code pen_job_run_tasks(struct pen_job_run *run, struct pen_error *err);

/* pen_job_run_query - all of a job that is SQL, to its end (query_run.c). */
PEN_MUST_USE enum pen_code pen_job_run_query(struct pen_job_run *run, struct pen_error *err);

/* pen_job_run_commit - the single commit; result->snapshot_id is set. */
PEN_MUST_USE enum pen_code pen_job_run_commit(struct pen_job_run *run, struct pen_error *err);

/* pen_job_run_sweep - removes parts that nothing refers to. Failures are logged, never returned:
 * garbage can wait. */
void pen_job_run_sweep(struct pen_job_run *run);

/* pen_job_run_counts - the figures so far, for heartbeats and the job's row. thread: any. */
struct pen_job_counts pen_job_run_counts(const struct pen_job_run *run);

/* pen_monitor_start / _stop - the thread; stop joins it and is fine when it never started. */
PEN_MUST_USE enum pen_code pen_monitor_start(struct pen_job_run *run, struct pen_error *err);
void pen_monitor_stop(struct pen_job_run *run);

#endif
