/* job:replay - what a job rejected, loaded again with a corrected configuration. */
#include "cli/connector_internal.h"
#include "cli/job_internal.h"
#include "cli/job_view.h"
#include "cli/lake_scope.h"

enum pen_code pen_job_replay(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_run_env env = {.home = NULL};
    struct pen_job job = {0};
    int64_t job_id = 0;
    PEN_TRY(pen_job_word(cli, args, &job_id, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_job_get(pen_lake_db(lake), job_id, &cli->arena, &job, err));
    struct pen_args file = *args; /* the configuration is the second word here */
    file.words = args->words + 1;
    file.word_count = args->word_count - 1;
    PEN_TRY(pen_connector_load(cli, &file, &env, err));
    PEN_CLEANUP(pen_job_view_release)
    struct pen_job_view view = {.cli = cli,
                                .database = job.database,
                                .table = job.table,
                                .is_watched = pen_args_has(args, "wait")};
    const struct pen_replay_options replay = {.job_id = job_id,
                                              .is_forced = pen_args_has(args, "force")};
    struct pen_execute_options options = {.job_id = 0};
    pen_job_view_begin(&view);
    pen_job_view_attach(&view, &env, &options);
    enum pen_code code = pen_run_replay(&env, &replay, &options, &view.result, err);
    pen_job_view_end(&view);
    return code;
}
