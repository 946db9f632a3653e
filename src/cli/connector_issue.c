/* connector:issue - a job from the command line, run to its end in this process, after what dead
 * processes left. */
#include "cli/connector_internal.h"
#include "cli/job_view.h"
#include "cli/server_lock.h"
#include "lake/lake.h"

#include <inttypes.h>

static enum pen_code check_names(const struct pen_submit_options *options, struct pen_error *err)
{
    if (!options->auto_create_table)
        return PEN_OK;
    PEN_TRY(pen_lake_check_name("Database", pen_slice_str(options->database), err));
    return pen_lake_check_name("Table", pen_slice_str(options->table), err);
}

static enum pen_code read_options(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_submit_options *ret_options, struct pen_error *err)
{
    *ret_options = (struct pen_submit_options){
        .database = pen_args_value(args, "database"),
        .table = pen_args_value(args, "table"),
        .time_column = pen_args_value(args, "time-column"),
        .auto_create_table = pen_args_has(args, "auto-create-table"),
        .config_file = args->words[0],
    };
    if (ret_options->database == NULL)
        return pen_cli_usage(cli, err, "database option required");
    if (ret_options->table == NULL)
        return pen_cli_usage(cli, err, "table option required");
    return check_names(ret_options, err);
}

/* A job that somebody else's dead process left. What becomes of it is told, and is not what decides
 * about this command. */
static void finish_other(struct pen_cli *cli, const struct pen_run_unfinished *job)
{
    PEN_CLEANUP(pen_job_view_release)
    struct pen_job_view view = {
        .cli = cli, .database = job->database, .table = job->table, .is_aside = true};
    struct pen_run_env env = {.home = cli->home, .cancel = &pen_cli_cancel};
    struct pen_execute_options options = {.job_id = job->job_id};
    struct pen_error err = {0};
    pen_cli_say(cli,
                "A process that is gone left job %" PRId64 " (%s.%s) unfinished, %zu of %zu tasks "
                "done; it goes on here first.",
                job->job_id, job->database, job->table, job->tasks_done, job->task_count);
    pen_job_view_begin(&view);
    pen_job_view_attach(&view, &env, &options);
    enum pen_code code = pen_run_execute(&env, &options, &view.result, &err);
    if (view.result.job_id == 0)
        return; /* another process was quicker */
    pen_job_view_end(&view);
    if (code != PEN_OK)
        pen_cli_print_error(cli, &err);
    pen_cli_say(cli, "Job %" PRId64 ": %s", job->job_id, pen_job_status_name(view.result.status));
}

/* In the order of their numbers and before the own job, as if their processes had not died. */
static enum pen_code finish_others(struct pen_cli *cli, const struct pen_run_env *env,
                                   const struct pen_submit_options *options, struct pen_error *err)
{
    struct pen_run_unfinished *list = NULL;
    size_t count = 0;
    PEN_TRY(pen_run_recover(env, err));
    PEN_TRY(pen_run_unfinished(env, options, &cli->arena, &list, &count, err));
    for (size_t i = 0; i < count && pen_cli_cancel == 0; i++)
        finish_other(cli, &list[i]);
    return PEN_OK;
}

enum pen_code pen_connector_issue(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err)
{
    struct pen_run_env env = {.home = NULL};
    struct pen_submit_options options;
    if (args->word_count == 0)
        return pen_cli_usage(cli, err, "path to configuration file is required");
    PEN_TRY(read_options(cli, args, &options, err));
    PEN_TRY(pen_cli_open_home(cli, true, err));
    PEN_TRY(pen_connector_load(cli, args, &env, err));
    if (pen_server_is_running(cli->home))
        return pen_issue_hand_over(cli, args, &env, &options, err);
    PEN_TRY(finish_others(cli, &env, &options, err));
    PEN_CLEANUP(pen_job_view_release)
    struct pen_job_view view = {.cli = cli,
                                .database = options.database,
                                .table = options.table,
                                .is_watched = pen_args_has(args, "wait")};
    struct pen_execute_options callbacks = {.job_id = 0};
    pen_job_view_begin(&view);
    pen_job_view_attach(&view, &env, &callbacks);
    enum pen_code code = pen_run_issue(&env, &options, &callbacks, &view.result, err);
    pen_job_view_end(&view);
    return code;
}
