/* connector:guess, connector:preview, connector:issue (spec/cli.md 3). */
#include "cli/connector_internal.h"

#include <inttypes.h>
#include <stdio.h>

void pen_connector_log(void *context, const char *level, const char *text)
{
    const struct pen_cli *cli = context;
    pen_log_write(cli->log, pen_log_level_from_name(level), "run", "%s", text);
}

enum pen_code pen_connector_load_file(struct pen_cli *cli, const char *path,
                                      struct pen_run_env *ret_env, struct pen_error *err)
{
    struct pen_node *config = NULL;
    PEN_TRY(pen_config_load(path, &cli->arena, &cli->warnings, &config, err));
    *ret_env = (struct pen_run_env){
        .home = cli->home,
        .config = config,
        .bind = {path, &cli->arena, &cli->warnings},
        .cancel = &pen_cli_cancel,
        .log = pen_connector_log,
        .log_context = cli,
    };
    return PEN_OK;
}

enum pen_code pen_connector_load(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_run_env *ret_env, struct pen_error *err)
{
    PEN_TRY(pen_cli_open_home(cli, false, err));
    if (args->word_count == 0)
        return pen_cli_usage(cli, err, "path to configuration file is required");
    return pen_connector_load_file(cli, args->words[0], ret_env, err);
}

/* --- preview ---------------------------------------------------------------------------------- */

struct preview {
    struct pen_cli *cli;
    struct pen_render render;
    struct pen_render_options options;
    bool is_begun;
};

static void preview_release(struct preview *preview)
{
    pen_render_release(&preview->render);
}

static enum pen_code show_rows(void *context, const struct pen_schema *schema,
                               const struct pen_batch *batch, size_t rows, struct pen_error *err)
{
    struct preview *preview = context;
    if (!preview->is_begun) {
        preview->is_begun = true;
        PEN_TRY(pen_render_begin_schema(&preview->render, &preview->cli->out, &preview->options,
                                        schema, err));
    }
    return batch == NULL ? PEN_OK : pen_render_batch(&preview->render, batch, rows, err);
}

/* One line per record on stderr, whatever --quiet says: nothing is lost silently. */
static void show_reject(void *context, const struct pen_reject *reject)
{
    (void)context;
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF((size_t)1 << 20);
    if (pen_reject_print(reject, &line, NULL) == PEN_OK)
        (void)fprintf(stderr, "%s\n", line.ptr);
}

/* --rows, else the document's preview_sample_rows, else 15 (spec/guess.md 9). */
static enum pen_code preview_rows(struct pen_cli *cli, const struct pen_args *args,
                                  const struct pen_run_env *env, int64_t *ret_rows,
                                  struct pen_error *err)
{
    struct {
        int64_t rows;
    } bound = {15};
    static const struct pen_option table[] = {
        {.key = "preview_sample_rows", .kind = PEN_OPTION_INT, .offset = 0, .default_text = "15"},
        {.key = NULL}};
    static const char *const also[] = {"in", "out", "exec", "filters", NULL};
    PEN_TRY(pen_options_bind(table, env->config, "configuration", also, &bound, &env->bind, err));
    struct pen_cli_range range = {.max = INT64_MAX, .fallback = bound.rows};
    return pen_cli_int(cli, args, "rows", range, ret_rows, err);
}

static void say_what_is_next(const struct pen_cli *cli, const struct pen_preview_result *result,
                             enum pen_format format, const char *file)
{
    uint64_t dropped = result->rejected + result->filtered;
    if (format == PEN_FORMAT_TABLE || dropped > 0)
        pen_cli_say(cli, "sample: %" PRIu64 " rows, %" PRIu64 " records dropped%s", result->rows,
                    dropped, result->is_cut ? ", from the head of the object" : "");
    if (format != PEN_FORMAT_TABLE)
        return;
    const char *home = pen_cli_home_words(cli);
    pen_cli_say(cli, "Update %s and use 'penstock %sconnector:preview %s' to preview again.", file,
                home, file);
    pen_cli_say(cli, "Use 'penstock %sconnector:issue %s' to run Server-side bulk load.", home,
                file);
}

static enum pen_code run_preview(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_error *err)
{
    struct pen_run_env env = {.home = NULL};
    PEN_CLEANUP(preview_release)
    struct preview preview = {.cli = cli, .options = {.is_inspected = true}};
    PEN_TRY(pen_cli_format(cli, args, &preview.options.format, err));
    PEN_TRY(pen_connector_load(cli, args, &env, err));
    struct pen_preview_options options = {.on_reject = show_reject};
    PEN_TRY(preview_rows(cli, args, &env, &options.max_rows, err));
    struct pen_preview_result result = {0};
    PEN_TRY(pen_run_preview(&env, &options, show_rows, &preview, &result, err));
    PEN_TRY(pen_render_end(&preview.render, err));
    PEN_TRY(pen_output_flush(&cli->out, err));
    pen_cli_warn(cli);
    say_what_is_next(cli, &result, preview.options.format, args->words[0]);
    return PEN_OK;
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct pen_flag guess_flags[] = {
    {"out", 'o', "FILE", false,
     "output file name; JSON when it ends in .json (default config.yml)"},
    {"guess", 'g', "NAME,NAME", false, "further guess plugins"},
    {"type", 0, "TYPE", false, "(obsolete) source type, when no seed file is given"},
    {"source", 0, "URL", false, "(obsolete) s3://endpoint/bucket/prefix, instead of a seed file"},
    {"access-id", 0, "ID", false, "(obsolete) access key id, with --source"},
    {"access-secret", 0, "SECRET", false, "(obsolete) secret access key, with --source"},
    {NULL, 0, NULL, false, NULL},
};

static const struct pen_flag preview_flags[] = {
    PEN_FLAG_FORMAT,
    {"rows", 'n', "N", false, "rows to show at most (default: preview_sample_rows, else 15)"},
    {NULL, 0, NULL, false, NULL},
};

static const struct pen_flag issue_flags[] = {
    {"database", 0, "DB", false, "destination database"},
    {"table", 0, "TABLE", false, "destination table"},
    {"time-column", 0, "COLUMN", false, "the column that `time` is taken from (long or timestamp)"},
    {"wait", 'w', NULL, false, "wait for the job to finish and show its log; exit 1 when it fails"},
    {"auto-create-table", 0, NULL, false, "create database and table when they do not exist"},
    {NULL, 0, NULL, false, NULL},
};

static const char *const guess_examples[] = {"connector:guess seed.yml -o load.yml",
                                             "connector:guess seed.yml -g csv_all_strings", NULL};
static const char *const preview_examples[] = {
    "connector:preview load.yml", "connector:preview load.yml --rows 5 -f jsonl", NULL};
static const char *const issue_examples[] = {
    "connector:issue load.yml --database td_sample_db --table td_sample_table",
    "connector:issue load.yml --database td_sample_db --table td_sample_table \\\n"
    "      --time-column created_at --auto-create-table -w",
    NULL};

const struct pen_command pen_commands_connector[] = {
    {.name = "connector:guess",
     .arguments = "[config]",
     .max_words = 1,
     .description =
         "Sample the source and write the completed configuration\n"
         "Reads the head of the first object and checks the result against more of the\n"
         "data. Finds compression, charset, newline, delimiter, quotes, header, columns\n"
         "and types, and keeps what the seed says.",
     .examples = guess_examples,
     .flags = guess_flags,
     .run = pen_connector_guess},
    {.name = "connector:preview",
     .arguments = "<config>",
     .max_words = 1,
     .description = "Show the first rows as a load would read them\n"
                    "Runs the load's own steps on a sample of one object and writes nothing.\n"
                    "Rejected records are listed on stderr with place and reason.",
     .examples = preview_examples,
     .flags = preview_flags,
     .run = run_preview},
    {.name = "connector:issue",
     .arguments = "<config>",
     .max_words = 1,
     .description = "Run a load now\n"
                    "Without a running server the job runs in this process, with progress.\n"
                    "All rows, or none: the table changes in one transaction at the end.",
     .examples = issue_examples,
     .flags = issue_flags,
     .run = pen_connector_issue},
    {.name = NULL},
};
