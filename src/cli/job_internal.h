/* job_internal.h - what the files of the job commands share. */
#ifndef PEN_CLI_JOB_INTERNAL_H
#define PEN_CLI_JOB_INTERNAL_H

#include "cli/cli.h"
#include "lake/lake.h"

/* pen_job_word - the first word as a job id; anything else is an error of usage. */
PEN_MUST_USE enum pen_code pen_job_word(struct pen_cli *cli, const struct pen_args *args,
                                        int64_t *ret_job_id, struct pen_error *err);

/* pen_job_objects_page - renders the objects skip .. skip + max of a job; *ret_count how many. */
struct pen_job_page {
    struct pen_lake *lake;
    int64_t job_id;
    size_t skip, max;
};
PEN_MUST_USE enum pen_code pen_job_objects_page(const struct pen_job_page *page,
                                                struct pen_render *render, size_t *ret_count,
                                                struct pen_error *err);

/* The commands with a file of their own (job_show.c, job_resume.c, job_replay.c). */
enum pen_code pen_job_replay(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_error *err);
enum pen_code pen_job_resume(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_error *err);
enum pen_code pen_job_show(struct pen_cli *cli, const struct pen_args *args, struct pen_error *err);
enum pen_code pen_job_rejects(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err);

#endif
