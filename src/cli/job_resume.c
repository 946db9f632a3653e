/* job:resume - a job that waits in the queue, run to its end in this process. */
#include "cli/job_internal.h"
#include "cli/job_view.h"
#include "cli/lake_scope.h"

#include <inttypes.h>

/* What the job is, before anything is done with it. */
static enum pen_code find_job(struct pen_cli *cli, int64_t job_id, struct pen_job *ret_job,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_job_get(pen_lake_db(lake), job_id, &cli->arena, ret_job, err));
    if (!pen_job_status_is_finished(ret_job->status))
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CONFLICT, "job %" PRId64 " is finished (%s)", job_id,
                   pen_job_status_name(ret_job->status));
    if (ret_job->status != PEN_JOB_SUCCESS)
        pen_error_hint(err, "nothing of it is in the table; issue the load again");
    return PEN_ERR_CONFLICT;
}

enum pen_code pen_job_resume(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_error *err)
{
    struct pen_job job = {0};
    int64_t job_id = 0;
    PEN_TRY(pen_job_word(cli, args, &job_id, err));
    PEN_TRY(find_job(cli, job_id, &job, err));
    PEN_CLEANUP(pen_job_view_release)
    struct pen_job_view view = {.cli = cli,
                                .database = job.database,
                                .table = job.table,
                                .is_watched = pen_args_has(args, "wait")};
    struct pen_run_env env = {.home = cli->home, .cancel = &pen_cli_cancel};
    struct pen_execute_options options = {.job_id = job_id};
    pen_job_view_begin(&view);
    pen_job_view_attach(&view, &env, &options);
    PEN_TRY(pen_run_recover(&env, err));
    enum pen_code code = pen_run_execute(&env, &options, &view.result, err);
    if (view.result.job_id != 0)
        pen_job_view_end(&view);
    return code;
}
