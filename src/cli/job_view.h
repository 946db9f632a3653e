/* job_view.h - what a person sees of a job that runs in this process: progress, rejected records,
 * log lines, and at the end the figures.
 *
 *     begin -> attach -> pen_run_issue or pen_run_execute -> end */
#ifndef PEN_CLI_JOB_VIEW_H
#define PEN_CLI_JOB_VIEW_H

#include "cli/cli.h"
#include "cli/progress_bar.h"
#include "run/run.h"

struct pen_job_view {
    struct pen_cli *cli;
    const char *database, *table;
    bool is_watched;              /* --wait: the job's log is shown */
    bool is_aside;                /* not what the command is about: nothing of it goes to stdout */
    struct pen_run_result result; /* for the run to fill */
    struct pen_bar bar;           /* private, as what follows */
    uint64_t rejected;
};

/* pen_job_view_begin - the members above `result` are set by the caller before. */
void pen_job_view_begin(struct pen_job_view *view);

/* pen_job_view_attach - lets the callbacks of a run come to the view; both are borrowed by it. */
void pen_job_view_attach(struct pen_job_view *view, struct pen_run_env *env,
                         struct pen_execute_options *options);

/* pen_job_view_end - what became of the job; also after a failure, whose error is not printed here.
 * pen_job_view_release - for scope cleanup. */
void pen_job_view_end(struct pen_job_view *view);
void pen_job_view_release(struct pen_job_view *view);

#endif
