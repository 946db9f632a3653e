/* connector:create, :list, :show, :update, :delete, :history, :run: schedules (spec/cli.md 3). */
#include "cli/connector_internal.h"
#include "cli/lake_scope.h"
#include "cli/schedule_internal.h"
#include "cli/words.h"

#include <inttypes.h>
#include <stdio.h>

enum pen_code pen_schedule_open(struct pen_cli *cli, struct pen_sched **ret_sched,
                                struct pen_error *err)
{
    PEN_TRY(pen_cli_open_home(cli, true, err));
    return pen_sched_open(cli->home, ret_sched, err);
}

/* --- the dump of a schedule ------------------------------------------------------------------- */

static enum pen_code print_yaml(struct pen_cli *cli, const char *title, const char *json,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *root = NULL;
    PEN_TRY(pen_cli_print(cli, err, "%s", title));
    PEN_TRY(pen_tree_parse(json[0] == '\0' ? PEN_LIT("{}") : pen_slice_str(json), "schedule",
                           &cli->arena, &root, err));
    PEN_TRY(pen_tree_write_block_yaml(root, &text, err));
    return pen_output_add(&cli->out, pen_buf_slice(&text), err);
}

static struct pen_cell instant_cell(struct pen_cli *cli, int64_t utc_us)
{
    char text[PEN_WORD_TEXT];
    const char *instant = pen_word_instant(utc_us, text);
    return pen_cell_text(instant == NULL ? NULL
                                         : pen_arena_copy(&cli->arena, pen_slice_str(instant)));
}

static enum pen_code print_object(struct pen_cli *cli, const struct pen_schedule *schedule,
                                  struct pen_error *err)
{
    struct pen_arena *arena = &cli->arena;
    const char *diff = schedule->config_diff;
    const struct pen_member members[] = {
        {"id", pen_cell_number(arena, schedule->schedule_id)},
        {"name", pen_cell_text(schedule->name)},
        {"cron", pen_cell_text(schedule->cron)},
        {"timezone", pen_cell_text(schedule->zone)},
        {"delay", pen_cell_number(arena, schedule->delay_s)},
        {"missed_runs",
         pen_cell_text(schedule->missed_runs[0] != '\0' ? schedule->missed_runs : NULL)},
        {"database", pen_cell_text(schedule->database)},
        {"table", pen_cell_text(schedule->table)},
        {"time_column", pen_cell_text(schedule->time_column)},
        {"config", pen_cell_json(schedule->config)},
        {"config_diff", pen_cell_json(diff[0] != '\0' ? diff : "{}")},
        {"next_time", instant_cell(cli, schedule->next_us)},
        {"next_start", instant_cell(cli, schedule->due_us)},
        {"created_at", instant_cell(cli, schedule->created_us)},
        {"updated_at", instant_cell(cli, schedule->updated_us)},
    };
    return pen_render_object(&cli->out, members, sizeof members / sizeof members[0], err);
}

static enum pen_code print_schedule(struct pen_cli *cli, const struct pen_schedule *schedule,
                                    struct pen_error *err)
{
    if (cli->is_json)
        return print_object(cli, schedule, err);
    PEN_TRY(pen_cli_print(cli, err, "Name     : %s", schedule->name));
    PEN_TRY(pen_cli_print(cli, err, "Cron     : %s", schedule->cron));
    PEN_TRY(pen_cli_print(cli, err, "Timezone : %s", schedule->zone));
    PEN_TRY(pen_cli_print(cli, err, "Delay    : %" PRId64, schedule->delay_s));
    PEN_TRY(pen_cli_print(cli, err, "Database : %s", schedule->database));
    PEN_TRY(pen_cli_print(cli, err, "Table    : %s", schedule->table));
    PEN_TRY(print_yaml(cli, "Config", schedule->config, err));
    PEN_TRY(pen_cli_print(cli, err, "%s", ""));
    return print_yaml(cli, "Config Diff", schedule->config_diff, err);
}

/* --- create, show, update, delete ------------------------------------------------------------- */

/* The original's answer when database or table are missing: two lines, no "Error:". */
static enum pen_code answer_missing(struct pen_cli *cli, enum pen_code code, struct pen_error *err)
{
    char advice[512], database[256] = "";
    const char *home = pen_cli_home_words(cli);
    if (code != PEN_ERR_NOT_FOUND)
        return code;
    if (sscanf(err->message, "Table '%255[^.]", database) == 1)
        (void)snprintf(advice, sizeof advice,
                       "Use 'penstock %stable:list %s' to show the list of tables.", home,
                       database);
    else if (strncmp(err->message, "Database '", 10) == 0)
        (void)snprintf(advice, sizeof advice,
                       "Use 'penstock %sdb:list' to show the list of databases.", home);
    else
        return code;
    return pen_cli_plain(cli, code, err, advice);
}

static enum pen_code read_delay(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_schedule_words *words, struct pen_error *err)
{
    const char *text = pen_args_value(args, "delay");
    if (text == NULL)
        return PEN_OK;
    words->has_delay = true;
    enum pen_code code =
        pen_parse_int_word(text, "--delay", 0, PEN_SCHEDULE_MAX_DELAY_S, &words->delay_s, err);
    cli->is_usage_error = code != PEN_OK;
    return code;
}

static enum pen_code read_config(struct pen_cli *cli, const char *path,
                                 struct pen_schedule_words *words, struct pen_error *err)
{
    struct pen_run_env env;
    PEN_TRY(pen_connector_load_file(cli, path, &env, err));
    words->config = env.config;
    words->bind = env.bind;
    return PEN_OK;
}

static enum pen_code run_create(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    struct pen_schedule schedule = {0};
    struct pen_schedule_words words = {
        .name = args->words[0],
        .cron = args->words[1],
        .database = args->words[2],
        .table = args->words[3],
        .zone = pen_args_value(args, "timezone"),
        .time_column = pen_args_value(args, "time-column"),
        .missed_runs = pen_args_value(args, "missed-runs"),
    };
    PEN_TRY(read_delay(cli, args, &words, err));
    PEN_TRY(read_config(cli, args->words[4], &words, err));
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    enum pen_code code = pen_sched_create(sched, &words, pen_now_us(), &schedule, err);
    pen_cli_warn(cli);
    return code == PEN_OK ? print_schedule(cli, &schedule, err) : answer_missing(cli, code, err);
}

static enum pen_code run_show(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    struct pen_schedule schedule = {0};
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    PEN_TRY(pen_schedule_get(pen_sched_db(sched), args->words[0], &cli->arena, &schedule, err));
    return print_schedule(cli, &schedule, err);
}

static enum pen_code read_diff(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_schedule_words *words, struct pen_error *err)
{
    const char *path = pen_args_value(args, "config-diff");
    struct pen_node *diff = NULL;
    if (path == NULL)
        return PEN_OK;
    PEN_TRY(pen_config_load(path, &cli->arena, &cli->warnings, &diff, err));
    words->config_diff = diff;
    return PEN_OK;
}

static enum pen_code run_update(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    struct pen_schedule schedule = {0};
    const char *file = args->word_count > 1 ? args->words[1] : pen_args_value(args, "config");
    struct pen_schedule_words words = {
        .name = pen_args_value(args, "newname"),
        .cron = pen_args_value(args, "schedule"),
        .zone = pen_args_value(args, "timezone"),
        .database = pen_args_value(args, "database"),
        .table = pen_args_value(args, "table"),
        .time_column = pen_args_value(args, "time-column"),
        .missed_runs = pen_args_value(args, "missed-runs"),
        .bind = {"configuration", &cli->arena, &cli->warnings},
    };
    bool is_anything = file != NULL;
    for (size_t i = 0; args->flags[i].name != NULL; i++)
        is_anything = is_anything || args->values[i] != NULL;
    if (!is_anything)
        return pen_cli_usage(cli, err, "nothing to update");
    PEN_TRY(read_delay(cli, args, &words, err));
    if (file != NULL)
        PEN_TRY(read_config(cli, file, &words, err));
    PEN_TRY(read_diff(cli, args, &words, err));
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    enum pen_code code =
        pen_sched_update(sched, args->words[0], &words, pen_now_us(), &schedule, err);
    pen_cli_warn(cli);
    return code == PEN_OK ? print_schedule(cli, &schedule, err) : answer_missing(cli, code, err);
}

static enum pen_code run_delete(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    struct pen_schedule schedule = {0};
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    PEN_TRY(pen_sched_delete(sched, args->words[0], pen_now_us(), &cli->arena, &schedule, err));
    if (!cli->is_json)
        PEN_TRY(pen_cli_print(cli, err, "Deleted session\n--"));
    return print_schedule(cli, &schedule, err);
}

/* --- the table -------------------------------------------------------------------------------- */

#define PEN_FLAG_MISSED_RUNS                                                                       \
    {                                                                                              \
        .name = "missed-runs", .value = "POLICY",                                                  \
        .help = "what becomes of times at which nothing could run: none, latest or all"            \
    }

static const struct pen_flag create_flags[] = {
    {"time-column", 0, "COLUMN", false, "the column that `time` is taken from (long or timestamp)"},
    {"timezone", 't', "TZ", false, "of the cron expression: UTC (default) or a region: Asia/Tokyo"},
    {"delay", 'D', "SECONDS", false, "start so much later than the scheduled time (default 0)"},
    PEN_FLAG_MISSED_RUNS,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag update_flags[] = {
    {"newname", 'n', "NAME", false, "another name"},
    {"database", 'd', "DB", false, "another database"},
    {"table", 't', "TABLE", false, "another table"},
    {"schedule", 's', "CRON", true, "another cron expression; without one: no longer by itself"},
    {"timezone", 'z', "TZ", false, "of the cron expression: UTC or a region, such as Asia/Tokyo"},
    {"delay", 'D', "SECONDS", false, "start so much later than the scheduled time"},
    {"time-column", 'T', "COLUMN", false, "the column that `time` is taken from"},
    {"config", 'c', "FILE", false, "another configuration; the position stays"},
    {"config-diff", 0, "FILE", false, "another position: `in: {last_path: ...}`"},
    PEN_FLAG_MISSED_RUNS,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag history_flags[] = {
    PEN_FLAG_FORMAT,
    {"max", 'n', "N", false, "only the newest N (default: all)"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag run_flags[] = {
    {"wait", 'w', NULL, false, "wait for the job to finish and show its log; exit 1 when it fails"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag format_flags[] = {PEN_FLAG_FORMAT, {NULL, 0, NULL, false, NULL}};
static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};

static const char *const create_examples[] = {
    "connector:create daily_import \"10 0 * * *\" \\\n"
    "      td_sample_db td_sample_table load.yml --time-column created_at",
    "connector:create hourly @hourly td_sample_db td_sample_table load.yml -t Asia/Tokyo", NULL};
static const char *const list_examples[] = {"connector:list", "connector:list -f json", NULL};
static const char *const show_examples[] = {"connector:show daily_import", NULL};
static const char *const update_examples[] = {
    "connector:update daily_import -s \"20 0 * * *\" -D 600",
    "connector:update daily_import load.yml",
    "connector:update daily_import --config-diff position.yml", NULL};
static const char *const delete_examples[] = {"connector:delete daily_import", NULL};
static const char *const history_examples[] = {"connector:history daily_import",
                                               "connector:history daily_import -n 10", NULL};
static const char *const run_examples[] = {
    "connector:run daily_import", "connector:run daily_import \"2026-01-31 00:10\" -w", NULL};

const struct pen_command pen_commands_schedule[] = {
    {.name = "connector:list",
     .description = "Show the list of schedules, by name",
     .examples = list_examples,
     .flags = format_flags,
     .run = pen_schedule_list_run},
    {.name = "connector:create",
     .arguments = "<name> <cron> <database> <table> <config>",
     .min_words = 5,
     .max_words = 5,
     .description = "Create a schedule: a load that runs again and again\n"
                    "cron: minute hour day month weekday, @hourly, @daily, @monthly, or \"\" for\n"
                    "one that only runs by hand. Each run continues where the last one ended.",
     .examples = create_examples,
     .flags = create_flags,
     .run = run_create},
    {.name = "connector:show",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Show a schedule, its configuration and its position (config diff)",
     .examples = show_examples,
     .flags = no_flags,
     .run = run_show},
    {.name = "connector:update",
     .arguments = "<name> [config]",
     .min_words = 1,
     .max_words = 2,
     .description = "Change a schedule; what is not given stays",
     .examples = update_examples,
     .flags = update_flags,
     .run = run_update},
    {.name = "connector:delete",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Delete a schedule; its rows stay, and its jobs in the list of jobs",
     .examples = delete_examples,
     .flags = no_flags,
     .run = run_delete},
    {.name = "connector:history",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Show the jobs of a schedule, newest first",
     .examples = history_examples,
     .flags = history_flags,
     .run = pen_schedule_history_run},
    {.name = "connector:run",
     .arguments = "<name> [time]",
     .min_words = 1,
     .max_words = 2,
     .description = "Run a schedule now\n"
                    "time: which scheduled time it stands for (default now); without a zone it is\n"
                    "read in the schedule's. The timetable does not change, the position does.",
     .examples = run_examples,
     .flags = run_flags,
     .run = pen_schedule_run_run},
    {.name = NULL},
};
