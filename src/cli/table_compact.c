/* table:compact DB T - few files instead of many. */
#include "cli/space_scope.h"
#include "cli/words.h"

#include <inttypes.h>

static void on_log(void *context, const char *level, const char *text)
{
    const struct pen_cli *cli = context;
    pen_log_write(cli->log, pen_log_level_from_name(level), "run", "%s", text);
}

enum pen_code pen_cli_space(struct pen_cli *cli, struct pen_lake **ret_lake,
                            struct pen_space_env *ret_env, struct pen_error *err)
{
    PEN_TRY(pen_cli_open_lake(cli, ret_lake, err));
    *ret_env = (struct pen_space_env){
        .home = cli->home,
        .lake = *ret_lake,
        .engine = {.threads = cli->settings.threads > 0 ? (unsigned)cli->settings.threads : 0,
                   .memory_limit_bytes = (uint64_t)cli->settings.memory_bytes,
                   .temp_dir = cli->settings.temp_folder},
        .cancel = &pen_cli_cancel,
        .log = on_log,
        .log_context = cli,
    };
    return PEN_OK;
}

static enum pen_code read_options(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_compact_options *ret_options, struct pen_error *err)
{
    const char *compression = pen_args_value(args, "compression");
    *ret_options = (struct pen_compact_options){.database = args->words[0],
                                                .table = args->words[1],
                                                .compression = PEN_PART_ZSTD,
                                                .is_dry_run = pen_args_has(args, "dry-run")};
    cli->is_usage_error = true;
    PEN_TRY(pen_args_bytes(args, "target-bytes", PEN_COMPACT_TARGET_BYTES,
                           &ret_options->target_bytes, err));
    cli->is_usage_error = false;
    if (compression == NULL || strcmp(compression, "zstd") == 0)
        return PEN_OK;
    if (strcmp(compression, "snappy") != 0)
        return pen_cli_usage(cli, err, "option '--compression' needs zstd or snappy, not '%s'",
                             compression);
    ret_options->compression = PEN_PART_SNAPPY;
    return PEN_OK;
}

static enum pen_code print_json(struct pen_cli *cli, const struct pen_compact_result *result,
                                bool is_dry_run, struct pen_error *err)
{
    struct pen_arena *arena = &cli->arena;
    struct pen_cell none = pen_cell_text(NULL);
    const struct pen_member members[] = {
        {"files_before", pen_cell_number(arena, (int64_t)result->files_before)},
        {"files_after", is_dry_run ? none : pen_cell_number(arena, (int64_t)result->files_after)},
        {"bytes_before", pen_cell_number(arena, (int64_t)result->bytes_before)},
        {"bytes_after", is_dry_run ? none : pen_cell_number(arena, (int64_t)result->bytes_after)},
        {"rewritten_files", pen_cell_number(arena, (int64_t)result->rewritten_files)},
        {"rewritten_rows", pen_cell_number(arena, (int64_t)result->rewritten_rows)},
        {"dropped_rows", pen_cell_number(arena, (int64_t)result->dropped_rows)},
        {"snapshot_id",
         result->snapshot_id < 0 ? none : pen_cell_number(arena, result->snapshot_id)},
    };
    return pen_render_object(&cli->out, members, sizeof members / sizeof members[0], err);
}

static void say_result(const struct pen_cli *cli, const struct pen_compact_options *options,
                       const struct pen_compact_result *result)
{
    char rows[PEN_WORD_TEXT], before[PEN_WORD_TEXT], after[PEN_WORD_TEXT];
    if (result->rewritten_files == 0) {
        pen_cli_say(cli, "Table '%s.%s' has nothing to compact: %" PRIu64 " file%s.",
                    options->database, options->table, result->files_before,
                    result->files_before == 1 ? "" : "s");
        return;
    }
    (void)pen_word_count(result->rewritten_rows, rows);
    if (options->is_dry_run) {
        pen_cli_say(
            cli, "%" PRIu64 " of %" PRIu64 " files of '%s.%s' would be rewritten (%s rows).",
            result->rewritten_files, result->files_before, options->database, options->table, rows);
        return;
    }
    pen_cli_say(cli,
                "Table '%s.%s' is compacted: %" PRIu64 " files (%s) became %" PRIu64
                " (%s), %s rows rewritten, snapshot %" PRId64 ".",
                options->database, options->table, result->files_before,
                pen_word_bytes(result->bytes_before, before), result->files_after,
                pen_word_bytes(result->bytes_after, after), rows, result->snapshot_id);
    if (result->dropped_rows > 0)
        pen_cli_say(cli, "%s deleted rows are no longer kept in the new files.",
                    pen_word_count(result->dropped_rows, rows));
    pen_cli_say(cli,
                "Older snapshots read the old files until 'penstock %slake:gc --keep-snapshots 1'.",
                pen_cli_home_words(cli));
}

enum pen_code pen_table_compact(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_space_env env;
    struct pen_compact_options options;
    struct pen_compact_result result;
    PEN_TRY(read_options(cli, args, &options, err));
    PEN_TRY(pen_cli_catch_signals(err));
    PEN_TRY(pen_cli_space(cli, &lake, &env, err));
    enum pen_code code = pen_run_compact(&env, &options, &result, err);
    if (code == PEN_ERR_NOT_FOUND)
        return pen_cli_plain(cli, code, err,
                             "Use 'penstock table:list' to show the list of tables.");
    PEN_TRY(code);
    say_result(cli, &options, &result);
    return cli->is_json ? print_json(cli, &result, options.is_dry_run, err) : PEN_OK;
}
