/* job_log.h - the two logs of a job: output.log, plain lines for the user (what is shown as the
 * job's output), and engine.log, structured lines with everything (its details).
 * thread: any. Writing never fails, as in log.h. */
#ifndef PEN_LOG_JOB_LOG_H
#define PEN_LOG_JOB_LOG_H

#include "log/log.h"

struct pen_job_log {
    struct pen_log *output, *engine;
};

/* pen_job_log_open - appends to <folder>/output.log and <folder>/engine.log; makes the folder and
 * the one above it (0700) when missing. errors: PEN_ERR_IO, PEN_ERR_AUTH. */
PEN_MUST_USE enum pen_code pen_job_log_open(const char *folder, struct pen_job_log *ret_log,
                                            struct pen_error *err);
void pen_job_log_close(struct pen_job_log *log);

/* pen_job_log_line - a line of the run: everything goes to engine.log, what is not debug to
 * output.log too. A log that was never opened takes nothing. */
void pen_job_log_line(const struct pen_job_log *log, enum pen_log_level level,
                      const char *component, const char *text);

#endif
