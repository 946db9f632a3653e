/* job.h - jobs: rows and their transitions.
 *
 *     queued --claim--> booting --start--> running --finish--> success | error | killed
 *        \--kill--> killed        \--kill--> a request that the owner sees at its next heartbeat
 *     booting, running with a lease that ran out or an owner that is gone --reclaim--> queued
 * again, or error
 *
 * All functions work on a connection, inside the caller's transaction when one is open (so that a
 * commit of data and the end of its job are one), else as a transaction of their own. A transition
 * that finds the job in another state or with another owner is an error, never a silent nothing.
 * Times are UTC microseconds and come from the caller. */
#ifndef PEN_META_JOB_H
#define PEN_META_JOB_H

#include "base/arena.h"
#include "db/db.h"

enum pen_job_status {
    PEN_JOB_QUEUED,
    PEN_JOB_BOOTING,
    PEN_JOB_RUNNING,
    PEN_JOB_SUCCESS,
    PEN_JOB_ERROR,
    PEN_JOB_KILLED
};

/* pen_job_status_name - "queued", "booting", "running", "success", "error", "killed". */
const char *pen_job_status_name(enum pen_job_status status);
bool pen_job_status_from_name(struct pen_slice name, enum pen_job_status *ret_status);
static inline bool pen_job_status_is_finished(enum pen_job_status status)
{
    return status >= PEN_JOB_SUCCESS;
}

/* What a run amounts to. */
struct pen_job_counts {
    uint64_t records;  /* committed (while running: converted so far) */
    uint64_t rejected; /* dropped because wrong */
    uint64_t filtered; /* dropped on purpose */
    uint64_t bytes;    /* stored bytes read */
    uint64_t objects;  /* objects read */
    uint64_t replaced; /* malformed units of text that became U+FFFD */
};

struct pen_job {
    int64_t job_id;
    const char *type; /* "bulkload" */
    const char *database, *table;
    const char *time_column;        /* NULL when none was given */
    const char *config;             /* as shown: secrets masked */
    struct pen_slice sealed_config; /* as run: sealed by the caller; empty once the job ended */
    const char *options;            /* further words of whoever queued it (JSON map); "" for none */
    const char *schedule;           /* name of the schedule that made it; NULL for none */
    int64_t scheduled_us;           /* the instant it was scheduled for; 0 for none */
    const char *domain_key;         /* unique: makes issuing idempotent; NULL for none */
    int64_t replay_of;              /* the job whose rejected records it loads again; 0 for none */
    enum pen_job_status status;
    bool is_kill_requested;
    int priority;                             /* -2 .. 2 */
    int attempt, retry_limit;                 /* attempt: claims so far */
    int64_t created_us, started_us, ended_us; /* 0: not yet */
    struct pen_job_counts counts;
    int64_t snapshot_id; /* that its commit made; -1 for none */
    const char *error;   /* text for the user; "" for none */
    const char *result;  /* what the commit left for the caller (JSON map); "" for none */
    const char *owner;   /* process that holds the lease; "" for none */
    int64_t lease_until_us;
    /* what a later attempt goes on with; job_plan.h */
    const char *position; /* the next position that the listing found; "" before the plan */
    const char *layout;   /* which columns the parts have; "" before the first part */
    int progress_attempt; /* the last attempt that ended a task; 0 for none */
};

/* pen_job_create - a queued job. in: the fields up to replay_of, priority, retry_limit and
 * created_us of `job` are used. out: *ret_job_id, increasing from 1.
 * errors: PEN_ERR_CONFLICT (not retryable) "conflicts_with job:<id>" for a used domain_key. */
PEN_MUST_USE enum pen_code pen_job_create(struct pen_db *db, const struct pen_job *job,
                                          int64_t *ret_job_id, struct pen_error *err);

/* pen_job_get - PEN_ERR_NOT_FOUND "job 17 does not exist". Texts live in the arena. */
PEN_MUST_USE enum pen_code pen_job_get(struct pen_db *db, int64_t job_id, struct pen_arena *arena,
                                       struct pen_job *ret_job, struct pen_error *err);

/* Which jobs: newest first, `skip` of them left out, at most `max`. Long lists are read in pages by
 * before_id: skipping costs as much as reading. */
struct pen_job_filter {
    size_t skip, max;
    bool has_status;
    enum pen_job_status status;
    const char *schedule;   /* only of that schedule; NULL for all */
    int64_t after_id;       /* only those with greater ids */
    int64_t before_id;      /* only those with smaller ids; 0 for all */
    int64_t slower_than_us; /* only those that ran at least that long; 0 for all */
    int64_t now_us;         /* for slower_than_us of unfinished jobs */
};
PEN_MUST_USE enum pen_code pen_job_list(struct pen_db *db, const struct pen_job_filter *filter,
                                        struct pen_arena *arena, struct pen_job **ret_jobs,
                                        size_t *ret_count, struct pen_error *err);

/* pen_job_claim - takes the next queued job (by priority, then id): booting, owned by `owner` until
 * lease_until_us. A schedule's job waits while another job of that schedule is unfinished.
 * out: *ret_job_id 0 when there is none. pen_job_claim_one - takes that job, PEN_ERR_CONFLICT when
 * it is not queued. */
PEN_MUST_USE enum pen_code pen_job_claim(struct pen_db *db, const char *owner,
                                         int64_t lease_until_us, int64_t *ret_job_id,
                                         struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_claim_one(struct pen_db *db, int64_t job_id, const char *owner,
                                             int64_t lease_until_us, struct pen_error *err);

/* pen_job_is_claimable - whether pen_job_claim would find one now; a read. */
PEN_MUST_USE enum pen_code pen_job_is_claimable(struct pen_db *db, bool *ret_is_claimable,
                                                struct pen_error *err);

/* pen_job_start - booting to running; a later attempt keeps the first one's started_us.
 * errors: PEN_ERR_CONFLICT when the lease is not the owner's. */
PEN_MUST_USE enum pen_code pen_job_start(struct pen_db *db, int64_t job_id, const char *owner,
                                         int64_t now_us, struct pen_error *err);

/* pen_job_heartbeat - prolongs the lease and stores progress (counts may be NULL).
 * out: *ret_is_kill_requested. errors: PEN_ERR_CONFLICT: the lease was lost; stop working. */
PEN_MUST_USE enum pen_code pen_job_heartbeat(struct pen_db *db, int64_t job_id, const char *owner,
                                             int64_t lease_until_us,
                                             const struct pen_job_counts *counts,
                                             bool *ret_is_kill_requested, struct pen_error *err);

/* How a job ended. */
struct pen_job_end {
    enum pen_job_status status; /* one of the finished ones */
    int64_t now_us;
    struct pen_job_counts counts;
    int64_t snapshot_id; /* -1 for none */
    const char *error;   /* NULL or "" for none */
    const char *result;  /* JSON map; NULL or "" for none */
};

/* pen_job_finish - the end of a booting or running job; its lease and sealed configuration end.
 * Within the transaction of the data it makes both one. errors: PEN_ERR_CONFLICT when the owner no
 * longer holds the job. */
PEN_MUST_USE enum pen_code pen_job_finish(struct pen_db *db, int64_t job_id, const char *owner,
                                          const struct pen_job_end *end, struct pen_error *err);

/* pen_job_retry - gives a booting or running job back to the queue: the owner's own decision after
 * a failure that may pass (its next claim counts as another attempt). PEN_ERR_CONFLICT when the job
 * was asked to die: then finish it as killed. */
PEN_MUST_USE enum pen_code pen_job_retry(struct pen_db *db, int64_t job_id, const char *owner,
                                         const char *error, struct pen_error *err);

/* pen_job_release - as pen_job_retry, but the attempt does not count: the process stops, not the
 * job. */
PEN_MUST_USE enum pen_code pen_job_release(struct pen_db *db, int64_t job_id, const char *owner,
                                           struct pen_error *err);

/* pen_job_hold - PEN_ERR_CONFLICT unless the owner still holds the job. Inside the caller's write
 * transaction, so that whatever it writes next is not written by a process that lost the job. */
PEN_MUST_USE enum pen_code pen_job_hold(struct pen_db *db, int64_t job_id, const char *owner,
                                        struct pen_error *err);

/* pen_job_is_kill_requested - without touching the lease; a read. */
PEN_MUST_USE enum pen_code pen_job_is_kill_requested(struct pen_db *db, int64_t job_id,
                                                     bool *ret_is_requested, struct pen_error *err);

/* pen_job_renew - the owner replaces job->config, sealed_config and options. */
PEN_MUST_USE enum pen_code pen_job_renew(struct pen_db *db, const struct pen_job *job,
                                         const char *owner, struct pen_error *err);

/* pen_job_kill - queued, or its owner is gone: killed at once; booting and running: asks the owner
 * to stop; finished: nothing. out: *ret_former: the status before. */
PEN_MUST_USE enum pen_code pen_job_kill(struct pen_db *db, int64_t job_id, int64_t now_us,
                                        enum pen_job_status *ret_former, struct pen_error *err);

/* pen_job_check_replay - PEN_ERR_CONFLICT when another job than but_job_id loaded the rejected
 * records of `replay_of` again, or is about to. In the transaction of a commit it says that this
 * one is the first. */
PEN_MUST_USE enum pen_code pen_job_check_replay(struct pen_db *db, int64_t replay_of,
                                                int64_t but_job_id, struct pen_error *err);

/* What became of a job whose owner is gone. */
struct pen_job_reclaimed {
    int64_t job_id;
    enum pen_job_status status; /* queued, killed or error */
    const char *owner;          /* that was lost */
    int attempt;
};

/* pen_job_reclaim - looks after jobs whose owner is gone (pen_job_owner_is_gone) or let its lease
 * run out: killed when that was asked for; else back to the queue with what it finished; error
 * when it has no sealed configuration, or when three attempts in a row ended so without ending a
 * task (more when retry_limit allows more). Parts and plans of jobs that ended become garbage.
 * out: *ret_list, what was changed, by number. */
PEN_MUST_USE enum pen_code pen_job_reclaim(struct pen_db *db, int64_t now_us,
                                           struct pen_arena *arena,
                                           struct pen_job_reclaimed **ret_list, size_t *ret_count,
                                           struct pen_error *err);

#endif
