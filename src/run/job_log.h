/* job_log.h - a job's two logs: output.log for people, engine.log for whoever repairs.
 *
 *     log line --> engine.log (all, with time and level), output.log (info and warn, text only),
 *              --> the caller of the run
 *     rejected record --> output.log ("Skipped line <object>:<line> (<reason>): <raw>") */
#ifndef PEN_RUN_JOB_LOG_H
#define PEN_RUN_JOB_LOG_H

#include "batch/batch.h"
#include "log/log.h"

/* Rejected records that output.log shows; all are counted, and kept in rejects.jsonl. */
#define PEN_JOB_LOG_REJECTS 1000

struct pen_job_log {
    struct pen_log *engine, *output; /* NULL before pen_job_log_open */
    void (*forward)(void *context, const char *level, const char *text); /* may be NULL */
    void *forward_context;
    uint64_t reject_lines; /* guarded by the caller: rejects come one at a time */
};

/* pen_job_log_open - creates both files in the job's folder. */
PEN_MUST_USE enum pen_code pen_job_log_open(struct pen_job_log *log, const char *folder,
                                            struct pen_error *err);
void pen_job_log_close(struct pen_job_log *log);

/* pen_job_log_write - has the shape of pen_run_env.log; context is the job log. thread: any. */
void pen_job_log_write(void *context, const char *level, const char *text);

/* pen_job_log_reject - one rejected record. thread: one at a time. */
void pen_job_log_reject(struct pen_job_log *log, const struct pen_reject *reject);

/* pen_job_log_error - what ended the job. */
void pen_job_log_error(struct pen_job_log *log, const struct pen_error *failed);

#endif
