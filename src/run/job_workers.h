/* job_workers.h - threads that take jobs out of the queue and run them.
 *
 *     queue --watch thread: is there one to take?--> worker: pen_run_execute --> on_end
 *
 * The watch thread also looks after jobs whose process died. Workers run with a higher nice value
 * than the rest of the process, so that whatever answers requests beside them stays quick. */
#ifndef PEN_RUN_JOB_WORKERS_H
#define PEN_RUN_JOB_WORKERS_H

#include "log/log.h"
#include "run/run.h"

struct pen_job_workers;

/* How a job ended here; valid during the call. */
struct pen_job_ended {
    const struct pen_job *job; /* as it was at its end */
    const struct pen_run_result *result;
    enum pen_code code;
    const struct pen_error *err; /* when code is not PEN_OK */
};

struct pen_job_workers_options {
    const char *home;
    unsigned count;       /* jobs at once */
    unsigned max_threads; /* of a job that does not say exec.max_threads; 0: one a core */
    uint64_t query_memory_bytes;
    const char *temp_folder;        /* of queries; NULL: they may not spill */
    struct pen_log *log;            /* may be NULL */
    struct pen_s3_traffic *traffic; /* counts the jobs' requests to S3; may be NULL */
    /* after each job, from its worker; may be NULL */
    void (*on_end)(void *context, const struct pen_job_ended *ended);
    void *context;
};

/* pen_job_workers_start - the home must have a catalog. options are copied, texts borrowed. */
PEN_MUST_USE enum pen_code pen_job_workers_start(const struct pen_job_workers_options *options,
                                                 struct pen_job_workers **ret_workers,
                                                 struct pen_error *err);

/* pen_job_workers_configure - what jobs that begin from now on may use. thread: any. */
void pen_job_workers_configure(struct pen_job_workers *workers, unsigned max_threads,
                               uint64_t query_memory_bytes);

/* pen_job_workers_wake - a job was queued: look now instead of a fraction of a second later.
 * thread: any. */
void pen_job_workers_wake(struct pen_job_workers *workers);

/* pen_job_workers_running - how many jobs run here now. thread: any. */
unsigned pen_job_workers_running(const struct pen_job_workers *workers);

/* pen_job_workers_stop - takes no further job, gives the running ones drain_ms to end, then gives
 * them back to the queue, where the next server or command finds them with what they finished.
 * Joins all threads; waking is harmless afterwards. Idempotent.
 * pen_job_workers_free - stops at once when that has not happened. NULL is fine. */
void pen_job_workers_stop(struct pen_job_workers *workers, int64_t drain_ms);
void pen_job_workers_free(struct pen_job_workers *workers);
PEN_DEFINE_FREE_P(struct pen_job_workers *, pen_job_workers_free)

#endif
