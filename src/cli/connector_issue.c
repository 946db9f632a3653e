/* connector:issue - a job from the command line, run to its end in this process. */
#include "cli/connector_internal.h"
#include "cli/progress_bar.h"
#include "cli/words.h"
#include "lake/lake.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN_REJECTS 100

/* What the callbacks of a run need; they come from several threads. */
struct issue {
    struct pen_cli *cli;
    struct pen_bar bar;
    uint64_t rejected;
    bool is_watched; /* --wait: the job's log is shown */
};

static void issue_release(struct issue *issue)
{
    pen_bar_finish(&issue->bar);
}

/* The job has its number. stdout that went away must not end the job. */
static void on_job(void *context, int64_t job_id)
{
    struct issue *issue = context;
    struct pen_cli *cli = issue->cli;
    if (cli->is_json) /* one object at the end says it all */
        return;
    (void)!pen_cli_print(cli, NULL, "Job %" PRId64 " is queued.", job_id);
    (void)!pen_cli_print(cli, NULL, "Use 'penstock %sjob:show %" PRId64 "' to show the status.",
                         pen_cli_home_words(cli), job_id);
    (void)!pen_output_flush(&cli->out, NULL);
}

static void on_progress(void *context, const struct pen_progress *progress, int64_t elapsed_us)
{
    struct issue *issue = context;
    pen_bar_update(&issue->bar, progress, elapsed_us);
}

/* The first ones; all of them are counted, and kept in rejects.jsonl. */
static void on_reject(void *context, const struct pen_reject *reject)
{
    struct issue *issue = context;
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF((size_t)1 << 20);
    if (issue->rejected++ > SHOWN_REJECTS || pen_reject_print(reject, &line, NULL) != PEN_OK)
        return;
    pen_bar_say(&issue->bar, issue->rejected > SHOWN_REJECTS
                                 ? "further rejected records are not shown here"
                                 : line.ptr);
}

static void on_log(void *context, const char *level, const char *text)
{
    struct issue *issue = context;
    enum pen_log_level number = pen_log_level_from_name(level);
    if (!issue->is_watched || number > PEN_LOG_INFO || issue->cli->is_json) {
        pen_log_write(issue->cli->log, number, "run", "%s", text);
        return;
    }
    char line[1024];
    (void)snprintf(line, sizeof line, "  %s", text); /* cut on purpose */
    pen_bar_say(&issue->bar, line);
}

static void say_counts(struct issue *issue, const struct pen_run_result *result)
{
    char rows[PEN_WORD_TEXT], objects[PEN_WORD_TEXT], bytes[PEN_WORD_TEXT], snapshot[64] = "";
    const struct pen_job_counts *counts = &result->counts;
    double seconds = (double)result->elapsed_us / (double)PEN_US_PER_SECOND;
    if (result->snapshot_id >= 0)
        (void)snprintf(snapshot, sizeof snapshot, ", snapshot %" PRId64, result->snapshot_id);
    pen_cli_say(issue->cli,
                "%s %s loaded from %s %s (%s) in %.1f s (%.1f MB/s), %" PRIu64 " rejected, %" PRIu64
                " filtered out%s",
                pen_word_count(counts->records, rows), counts->records == 1 ? "row" : "rows",
                pen_word_count(counts->objects, objects),
                counts->objects == 1 ? "object" : "objects", pen_word_bytes(counts->bytes, bytes),
                seconds, seconds > 0 ? (double)counts->bytes / seconds / 1e6 : 0.0,
                counts->rejected, counts->filtered, snapshot);
    for (size_t i = 0; i < result->reject_count; i++)
        pen_cli_say(issue->cli, "  %s: %" PRIu64, result->reject_counts[i].code,
                    result->reject_counts[i].records);
    if (counts->rejected > 0)
        pen_cli_say(issue->cli, "Use 'penstock %sjob:rejects %" PRId64 "' to see them.",
                    pen_cli_home_words(issue->cli), result->job_id);
}

static void say_result(struct issue *issue, const struct pen_submit_options *options,
                       const struct pen_run_result *result)
{
    const struct pen_cli *cli = issue->cli;
    if (result->is_database_created)
        pen_cli_say(cli, "Database '%s' is created.", options->database);
    if (result->is_table_created)
        pen_cli_say(cli, "Table '%s.%s' is created.", options->database, options->table);
    if (result->is_emptied)
        pen_cli_say(cli, "No file matched: mode replace emptied table '%s.%s'.", options->database,
                    options->table);
    if (result->job_id != 0)
        say_counts(issue, result);
}

static enum pen_code print_result(struct pen_cli *cli, const struct pen_run_result *result,
                                  struct pen_error *err)
{
    struct pen_arena *arena = &cli->arena;
    const struct pen_job_counts *counts = &result->counts;
    const struct pen_member members[] = {
        {"job_id", pen_cell_number(arena, result->job_id)},
        {"status", pen_cell_text(pen_job_status_name(result->status))},
        {"records", pen_cell_number(arena, (int64_t)counts->records)},
        {"rejected", pen_cell_number(arena, (int64_t)counts->rejected)},
        {"filtered", pen_cell_number(arena, (int64_t)counts->filtered)},
        {"objects", pen_cell_number(arena, (int64_t)counts->objects)},
        {"bytes", pen_cell_number(arena, (int64_t)counts->bytes)},
        {"parts", pen_cell_number(arena, (int64_t)result->parts)},
        {"snapshot_id", result->snapshot_id < 0 ? pen_cell_text(NULL)
                                                : pen_cell_number(arena, result->snapshot_id)},
        {"elapsed_ms", pen_cell_number(arena, result->elapsed_us / 1000)},
    };
    return pen_render_object(&cli->out, members, sizeof members / sizeof members[0], err);
}

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
    PEN_CLEANUP(issue_release)
    struct issue issue = {.cli = cli, .is_watched = pen_args_has(args, "wait")};
    pen_bar_init(&issue.bar, cli);
    struct pen_execute_options callbacks = {
        .on_job = on_job, .on_progress = on_progress, .on_reject = on_reject, .context = &issue};
    env.log_context = &issue;
    env.log = on_log;
    struct pen_run_result result = {.snapshot_id = -1};
    enum pen_code code = pen_run_issue(&env, &options, &callbacks, &result, err);
    pen_bar_finish(&issue.bar);
    pen_bar_init(&issue.bar, cli);
    pen_cli_warn(cli);
    say_result(&issue, &options, &result);
    /* what can go wrong here is only stdout: the job's own fate is what counts */
    if (cli->is_json && result.job_id != 0)
        (void)!print_result(cli, &result, NULL);
    else if (issue.is_watched && result.job_id != 0)
        (void)!pen_cli_print(cli, NULL, "Status     : %s", pen_job_status_name(result.status));
    return code;
}
