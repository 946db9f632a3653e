/* lake:check, lake:gc - what lies on disk, and what nobody needs any more. */
#include "cli/space_scope.h"
#include "cli/words.h"

#include <inttypes.h>

/* --- check -------------------------------------------------------------------------------------
 */

struct check {
    struct pen_cli *cli;
    struct pen_render render;
    bool is_plain; /* lines instead of a format */
};

static enum pen_code print_line(struct pen_cli *cli, const struct pen_finding *finding,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&line, err, "%s %s", finding->is_note ? "note" : "error", finding->kind));
    if (finding->table != NULL)
        PEN_TRY(pen_buf_addf(&line, err, " %s.%s", finding->database, finding->table));
    if (finding->path != NULL)
        PEN_TRY(pen_buf_addf(&line, err, " %s", finding->path));
    PEN_TRY(pen_buf_addf(&line, err, ": %s\n", finding->text));
    return pen_output_add(&cli->out, pen_buf_slice(&line), err);
}

static enum pen_code on_finding(void *context, const struct pen_finding *finding,
                                struct pen_error *err)
{
    struct check *check = context;
    if (check->is_plain)
        return print_line(check->cli, finding, err);
    const struct pen_cell cells[] = {
        pen_cell_text(finding->is_note ? "note" : "error"),
        pen_cell_text(finding->kind),
        pen_cell_text(finding->database),
        pen_cell_text(finding->table),
        pen_cell_text(finding->path),
        pen_cell_text(finding->text),
    };
    return pen_render_row(&check->render, cells, err);
}

static void say_checked(const struct pen_cli *cli, const struct pen_verify_result *result)
{
    char bytes[PEN_WORD_TEXT];
    pen_cli_say(cli,
                "%" PRIu64 " table%s, %" PRIu64 " file%s (%s) checked: %" PRIu64
                " error%s, %" PRIu64 " note%s",
                result->tables, result->tables == 1 ? "" : "s", result->files,
                result->files == 1 ? "" : "s", pen_word_bytes(result->bytes, bytes), result->errors,
                result->errors == 1 ? "" : "s", result->notes, result->notes == 1 ? "" : "s");
}

static enum pen_code run_verify(struct check *check, const struct pen_args *args,
                                struct pen_verify_result *ret_result, struct pen_error *err)
{
    struct pen_cli *cli = check->cli;
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_space_env env;
    const struct pen_verify_options options = {
        .database = args->word_count > 0 ? args->words[0] : NULL,
        .table = args->word_count > 1 ? args->words[1] : NULL,
        .is_quick = pen_args_has(args, "quick"),
        .on_finding = on_finding,
        .context = check};
    PEN_TRY(pen_cli_catch_signals(err));
    PEN_TRY(pen_cli_space(cli, &lake, &env, err));
    return pen_run_verify(&env, &options, ret_result, err);
}

static enum pen_code run_check(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    static const char *const names[] = {"Severity", "Kind", "Database", "Table", "Path", "Finding"};
    struct check check = {.cli = cli, .is_plain = !pen_args_has(args, "format") && !cli->is_json};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    struct pen_verify_result result;
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    if (!check.is_plain)
        PEN_TRY(pen_render_begin(&check.render, &cli->out, &options, names, 6, err));
    enum pen_code code = run_verify(&check, args, &result, err);
    if (code == PEN_OK && !check.is_plain)
        code = pen_render_end(&check.render, err);
    pen_render_release(&check.render);
    if (code == PEN_ERR_NOT_FOUND)
        return pen_cli_plain(cli, code, err,
                             "Use 'penstock table:list' to show the list of tables.");
    PEN_TRY(code);
    say_checked(cli, &result);
    if (result.errors > 0 || (pen_args_has(args, "strict") && result.notes > 0))
        cli->exit_code = PEN_EXIT_FAILED;
    return PEN_OK;
}

/* --- gc ----------------------------------------------------------------------------------------
 */

static void on_file(void *context, const char *what, const char *path, uint64_t bytes)
{
    const struct pen_cli *cli = context;
    char size[PEN_WORD_TEXT];
    if (cli->is_verbose)
        pen_cli_say(cli, "%s: %s (%s)", what, path, pen_word_bytes(bytes, size));
}

static enum pen_code read_gc_options(struct pen_cli *cli, const struct pen_args *args,
                                     struct pen_gc_options *ret_options, struct pen_error *err)
{
    int64_t keep = 0;
    *ret_options = (struct pen_gc_options){.has_keep = pen_args_has(args, "keep-snapshots"),
                                           .has_expire = pen_args_has(args, "expire-older-than"),
                                           .is_dry_run = pen_args_has(args, "dry-run"),
                                           .on_file = on_file,
                                           .context = cli};
    cli->is_usage_error = true;
    PEN_TRY(pen_args_duration(args, "older-than", -1, &ret_options->older_than_us, err));
    PEN_TRY(
        pen_args_duration(args, "expire-older-than", 0, &ret_options->expire_older_than_us, err));
    PEN_TRY(pen_args_int(args, "keep-snapshots", 1, INT64_MAX, 1, &keep, err));
    cli->is_usage_error = false;
    ret_options->keep_snapshots = (uint64_t)keep;
    if (ret_options->has_keep && ret_options->has_expire)
        return pen_cli_usage(cli, err,
                             "either '--keep-snapshots' or '--expire-older-than', not both");
    return PEN_OK;
}

static void say_removed(const struct pen_cli *cli, const struct pen_gc_options *options,
                        const struct pen_gc_result *result)
{
    char bytes[PEN_WORD_TEXT];
    const char *would = options->is_dry_run ? "would be " : "";
    if (options->has_keep || options->has_expire)
        pen_cli_say(cli,
                    "%" PRIu64 " snapshot%s %sexpired, %" PRIu64 " file%s (%s) %sscheduled for "
                    "deletion",
                    result->snapshots, result->snapshots == 1 ? "" : "s", would, result->scheduled,
                    result->scheduled == 1 ? "" : "s",
                    pen_word_bytes(result->scheduled_bytes, bytes), would);
    pen_cli_say(cli, "%" PRIu64 " file%s (%s) %sremoved", result->files,
                result->files == 1 ? "" : "s", pen_word_bytes(result->bytes, bytes), would);
    if (result->waiting > 0)
        pen_cli_say(cli, "%" PRIu64 " file%s wait%s for the end of the grace period",
                    result->waiting, result->waiting == 1 ? "" : "s",
                    result->waiting == 1 ? "s" : "");
    if (result->foreign > 0)
        pen_cli_say(cli,
                    "%" PRIu64 " scheduled file%s outside the lake's folder: left to the program "
                    "that put %s there",
                    result->foreign, result->foreign == 1 ? " lies" : "s lie",
                    result->foreign == 1 ? "it" : "them");
}

static enum pen_code print_gc(struct pen_cli *cli, const struct pen_gc_result *result,
                              struct pen_error *err)
{
    struct pen_arena *arena = &cli->arena;
    const struct pen_member members[] = {
        {"snapshots", pen_cell_number(arena, (int64_t)result->snapshots)},
        {"scheduled_files", pen_cell_number(arena, (int64_t)result->scheduled)},
        {"scheduled_bytes", pen_cell_number(arena, (int64_t)result->scheduled_bytes)},
        {"removed_files", pen_cell_number(arena, (int64_t)result->files)},
        {"removed_bytes", pen_cell_number(arena, (int64_t)result->bytes)},
        {"waiting_files", pen_cell_number(arena, (int64_t)result->waiting)},
        {"foreign_files", pen_cell_number(arena, (int64_t)result->foreign)},
        {"failed_files", pen_cell_number(arena, (int64_t)result->failed)},
    };
    return pen_render_object(&cli->out, members, sizeof members / sizeof members[0], err);
}

static enum pen_code run_gc(struct pen_cli *cli, const struct pen_args *args, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_space_env env;
    struct pen_gc_options options;
    struct pen_gc_result result;
    PEN_TRY(read_gc_options(cli, args, &options, err));
    PEN_TRY(pen_cli_catch_signals(err));
    PEN_TRY(pen_cli_space(cli, &lake, &env, err));
    PEN_TRY(pen_run_gc(&env, &options, &result, err));
    say_removed(cli, &options, &result);
    if (result.failed > 0)
        cli->exit_code = PEN_EXIT_FAILED;
    return cli->is_json ? print_gc(cli, &result, err) : PEN_OK;
}

static const struct pen_flag check_flags[] = {
    {"quick", 0, NULL, false, "read footers only, not the data"},
    {"strict", 0, NULL, false, "exit 1 for notes too"},
    PEN_FLAG_FORMAT,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag gc_flags[] = {
    {"older-than", 0, "TIME", false, "grace period of files that nothing needs (default 1d)"},
    {"keep-snapshots", 0, "N", false, "expire all snapshots but the newest N"},
    {"expire-older-than", 0, "TIME", false, "expire snapshots older than that"},
    {"dry-run", 0, NULL, false, "say what would be done; -v names the files"},
    {NULL, 0, NULL, false, NULL},
};
static const char *const check_examples[] = {"lake:check", "lake:check td_sample_db -f jsonl",
                                             NULL};
static const char *const gc_examples[] = {"lake:gc --dry-run -v", "lake:gc --expire-older-than 7d",
                                          NULL};

const struct pen_command pen_commands_lake[] = {
    {.name = "lake:check",
     .arguments = "[db] [table]",
     .max_words = 2,
     .description = "Check catalog, files, statistics and ledger against each other\n"
                    "One line per finding; exit 1 when there is an error among them. Notes are\n"
                    "worth knowing and nothing is wrong. Without arguments files that nothing\n"
                    "refers to are noted too.",
     .examples = check_examples,
     .flags = check_flags,
     .run = run_check},
    {.name = "lake:gc",
     .arguments = "",
     .description =
         "Remove files that nothing needs, and old snapshots\n"
         "Files of expired snapshots, of dead jobs, and files that the catalog does not\n"
         "know go after the grace period. Snapshots stay unless an option says\n"
         "otherwise. It may run beside loads, queries and other programs.",
     .examples = gc_examples,
     .flags = gc_flags,
     .run = run_gc},
    {.name = NULL},
};
