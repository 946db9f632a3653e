/* job_run_internal.h - one job while this process runs it.
 *
 *     issue.c     open -> create job -> plan -> tasks -> commit, or the way back after a failure
 *     job_tasks.c each task into parts, again when that may help
 *     commit.c    rows + ledger + job + next position in one transaction
 *     monitor.c   heartbeat, kill requests, progress: a thread of its own */
#ifndef PEN_RUN_JOB_RUN_INTERNAL_H
#define PEN_RUN_JOB_RUN_INTERNAL_H

#include "duck/duck.h"
#include "lake/lake.h"
#include "run/job_log.h"
#include "run/plan.h"
#include "run/run_scope.h"

#include <pthread.h>

/* How long a job stays this process's without a heartbeat, and how often one is made. */
#define PEN_LEASE_US     (30 * PEN_US_PER_SECOND)
#define PEN_HEARTBEAT_US (5 * PEN_US_PER_SECOND)

struct pen_job_run;

struct pen_monitor {
    pthread_t thread;
    bool is_started;
    _Atomic bool is_stopping;
};

struct pen_job_run {
    struct pen_run_env env; /* the caller's, with `cancel` replaced by our own flag */
    const volatile int *caller_cancel;
    volatile int cancel;
    _Atomic bool is_kill_requested, is_lease_lost;
    const struct pen_issue_options *options;
    struct pen_issue_result *result;
    int64_t job_id, started_us;
    int64_t started_monotonic_us;
    char owner[96];
    struct pen_arena arena;
    struct pen_lake *lake;
    struct pen_run_scope scope;
    struct pen_conform *conform;
    struct pen_lake_layout layout;
    int64_t table_id; /* 0: the commit makes the table */
    struct pen_plan plan;
    struct pen_duck *duck;
    struct pen_prefetch *prefetch;
    struct pen_job_log log;
    struct pen_rejects rejects;
    struct pen_progress progress;
    struct pen_parts parts; /* of all finished tasks */
    struct pen_account_totals totals;
    struct pen_monitor monitor;
};

/* pen_job_run_tasks - runs the plan's tasks one after another, each with all threads; on return
 * run->parts and run->totals hold what goes into the commit. */
PEN_MUST_USE enum pen_code pen_job_run_tasks(struct pen_job_run *run, struct pen_error *err);

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
