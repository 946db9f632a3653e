/* job_follow.h - watching a job that another process runs. */
#ifndef PEN_CLI_JOB_FOLLOW_H
#define PEN_CLI_JOB_FOLLOW_H

#include "cli/progress_bar.h"
#include "meta/job.h"

struct pen_job_follow {
    struct pen_cli *cli;
    struct pen_db *db; /* of the home */
    int64_t job_id;
    struct pen_bar *bar; /* shows progress; lines of the log go above it */
    bool shows_log;      /* new lines of output.log, indented */
    /* whether somebody is there to run the job; asked now and then; may be NULL */
    bool (*is_attended)(void *context);
    void *context;
    long log_at; /* private: how much of the log was shown */
};

/* pen_job_follow - until the job has finished, or nobody is there to run it (then ret_job is not
 * finished). out: *ret_job; its texts live in the program's arena.
 * errors: PEN_ERR_CANCELLED a signal asked to stop: the job goes on. */
PEN_MUST_USE enum pen_code pen_job_follow(struct pen_job_follow *follow, struct pen_job *ret_job,
                                          struct pen_error *err);

#endif
