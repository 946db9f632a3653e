/* connector:run - a job of a schedule, now: queued, and run here unless somebody else takes it. */
#include "cli/connector_internal.h"
#include "cli/job_view.h"
#include "cli/schedule_internal.h"
#include "sched/timetable.h"

#include <inttypes.h>
#include <time.h>

/* Somebody else took the job out of the queue. */
static enum pen_code follow(struct pen_job_view *view, struct pen_db *db, int64_t job_id,
                            struct pen_error *err)
{
    const struct timespec pause = {1, 0};
    struct pen_cli *cli = view->cli;
    struct pen_job job = {0};
    PEN_TRY(pen_job_get(db, job_id, &cli->arena, &job, err));
    while (view->is_watched && !pen_job_status_is_finished(job.status)) {
        if (pen_cli_cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "interrupted; the job goes on");
        (void)nanosleep(&pause, NULL);
        PEN_TRY(pen_job_get(db, job_id, &cli->arena, &job, err));
    }
    view->result = (struct pen_run_result){.job_id = job_id,
                                           .status = job.status,
                                           .counts = job.counts,
                                           .snapshot_id = job.snapshot_id,
                                           .elapsed_us = job.ended_us - job.started_us};
    if (pen_job_status_is_finished(job.status))
        pen_job_view_end(view);
    else
        PEN_TRY(pen_cli_print(cli, err, "Job %" PRId64 " is queued.", job_id));
    return job.status == PEN_JOB_ERROR || job.status == PEN_JOB_KILLED
               ? pen_fail(err, PEN_ERR_IO, "%s", job.error)
               : PEN_OK;
}

static enum pen_code execute(struct pen_cli *cli, struct pen_db *db,
                             const struct pen_schedule *schedule, int64_t job_id, bool is_watched,
                             struct pen_error *err)
{
    struct pen_run_env env = {.home = cli->home, .cancel = &pen_cli_cancel};
    struct pen_execute_options options = {.job_id = job_id};
    PEN_CLEANUP(pen_job_view_release)
    struct pen_job_view view = {.cli = cli,
                                .database = schedule->database,
                                .table = schedule->table,
                                .is_watched = is_watched};
    struct pen_error failed = {0};
    pen_job_view_begin(&view);
    pen_job_view_attach(&view, &env, &options);
    enum pen_code code = pen_run_execute(&env, &options, &view.result, &failed);
    if (code == PEN_ERR_CONFLICT && view.result.job_id == 0)
        return follow(&view, db, job_id, err);
    pen_job_view_end(&view);
    if (code != PEN_OK && err != NULL)
        *err = failed;
    return code;
}

/* What a process left that is gone, or what waits: it stands for this run. */
static enum pen_code find_waiting(struct pen_cli *cli, struct pen_db *db,
                                  const struct pen_schedule *schedule, int64_t *ret_job_id,
                                  struct pen_error *err)
{
    struct pen_run_env env = {.home = cli->home, .log = pen_connector_log, .log_context = cli};
    PEN_TRY(pen_run_recover(&env, err));
    PEN_TRY(pen_schedule_unfinished(db, schedule->name, "queued", ret_job_id, err));
    if (*ret_job_id != 0)
        pen_cli_say(cli, "Job %" PRId64 " of this schedule waits already; it runs now.",
                    *ret_job_id);
    return PEN_OK;
}

enum pen_code pen_schedule_run_run(struct pen_cli *cli, const struct pen_args *args,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    struct pen_schedule schedule = {0};
    const struct pen_zone *zone = NULL;
    const char *when = args->word_count > 1 ? args->words[1] : "now";
    struct pen_sched_run run = {.scheduled_us = 0};
    int64_t now_us = pen_now_us(), job_id = 0;
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    struct pen_db *db = pen_sched_db(sched);
    PEN_TRY(pen_schedule_get(db, args->words[0], &cli->arena, &schedule, err));
    PEN_TRY(pen_schedule_zone(schedule.zone, &zone, err));
    PEN_TRY(pen_moment_parse(when, zone, now_us, &run.scheduled_us, err));
    PEN_TRY(find_waiting(cli, db, &schedule, &job_id, err));
    if (job_id == 0 || args->word_count > 1)
        PEN_TRY(pen_sched_run(sched, schedule.name, &run, now_us, &job_id, err));
    return execute(cli, db, &schedule, job_id, pen_args_has(args, "wait"), err);
}
