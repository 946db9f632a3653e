/* issue_hand_over.c - connector:issue while a server runs: the job is the server's, this command
 * only watches it. When the server goes away before the job has ended, the job runs here. */
#include "cli/connector_internal.h"
#include "cli/job_follow.h"
#include "cli/job_view.h"
#include "cli/lake_scope.h"
#include "cli/server_lock.h"

#include <inttypes.h>

static bool is_attended(void *context)
{
    return pen_server_is_running(context);
}

static void to_result(const struct pen_job *job, struct pen_run_result *ret_result)
{
    *ret_result = (struct pen_run_result){
        .job_id = job->job_id,
        .status = job->status,
        .counts = job->counts,
        .snapshot_id = job->snapshot_id,
        .elapsed_us = job->started_us == 0 ? 0 : job->ended_us - job->started_us,
    };
}

static enum pen_code fate_of(const struct pen_job *job, struct pen_error *err)
{
    if (job->status == PEN_JOB_SUCCESS)
        return PEN_OK;
    if (job->status == PEN_JOB_KILLED)
        return pen_fail(err, PEN_ERR_CANCELLED, "job %" PRId64 " was killed", job->job_id);
    return pen_fail(err, PEN_ERR_IO, "%s", job->error);
}

/* The server is gone: the job goes on here, unless another process was quicker. */
static enum pen_code run_here(struct pen_job_view *view, const struct pen_run_env *env,
                              int64_t job_id, struct pen_error *err)
{
    struct pen_run_env own = *env;
    struct pen_execute_options options = {.job_id = job_id};
    pen_cli_say(view->cli, "The server is gone; job %" PRId64 " goes on here.", job_id);
    pen_job_view_attach(view, &own, &options);
    options.on_job = NULL; /* it was told already */
    return pen_run_execute(&own, &options, &view->result, err);
}

/* Until the job has ended, wherever it runs. */
static enum pen_code watch(struct pen_job_view *view, const struct pen_run_env *env, int64_t job_id,
                           struct pen_error *err)
{
    struct pen_cli *cli = view->cli;
    struct pen_job job = {0};
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    struct pen_job_follow follow = {.cli = cli,
                                    .db = pen_lake_db(lake),
                                    .job_id = job_id,
                                    .bar = &view->bar,
                                    .shows_log = !cli->is_json,
                                    .is_attended = is_attended,
                                    .context = (void *)(uintptr_t)cli->home /* only read */};
    for (;;) {
        PEN_TRY(pen_job_follow(&follow, &job, err));
        to_result(&job, &view->result);
        if (pen_job_status_is_finished(job.status))
            return fate_of(&job, err);
        if (job.status == PEN_JOB_QUEUED)
            return run_here(view, env, job_id, err);
        PEN_TRY(pen_run_recover(env, err)); /* it was running when the server died */
    }
}

enum pen_code pen_issue_hand_over(struct pen_cli *cli, const struct pen_args *args,
                                  const struct pen_run_env *env,
                                  const struct pen_submit_options *options, struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_TRY(pen_run_submit(env, options, &job_id, err));
    PEN_CLEANUP(pen_job_view_release)
    struct pen_job_view view = {.cli = cli,
                                .database = options->database,
                                .table = options->table,
                                .is_watched = pen_args_has(args, "wait")};
    struct pen_run_env seen = *env;
    struct pen_execute_options callbacks = {.job_id = job_id};
    pen_job_view_begin(&view);
    pen_job_view_attach(&view, &seen, &callbacks);
    callbacks.on_job(callbacks.context, job_id);
    view.result.job_id = job_id;
    view.result.status = PEN_JOB_QUEUED;
    enum pen_code code = view.is_watched ? watch(&view, env, job_id, err) : PEN_OK;
    pen_job_view_end(&view);
    return code;
}
