#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Options of the program; they may also stand behind the command's name. */
static const struct pen_flag global_flags[] = {
    {"home", 0, "DIR", false, "where catalog, data and jobs are"},
    {"json", 0, NULL, false, "JSON on stdout, errors and log lines as JSON on stderr"},
    {"trace", 0, "PARTS", false, "debug lines of these parts on stderr: s3,csv,... or all"},
    {"quiet", 'q', NULL, false, "no progress and no messages besides errors"},
    {"verbose", 'v', NULL, false, "more messages"},
    {"help", 'h', NULL, false, "how to use the command"},
    {"version", 0, NULL, false, "prints the version"},
    {NULL, 0, NULL, false, NULL},
};
#define GLOBAL_COUNT (sizeof global_flags / sizeof global_flags[0] - 1)

/* Options of the original that mean nothing here; they are swallowed with their value. */
static const char *const foreign_flags[] = {
    "-k", "--apikey", "-e", "--endpoint", "-c", "--config", "--import-endpoint"};
static const char *const foreign_switches[] = {"--insecure", "-r", "--retry-post-requests"};

enum pen_code pen_cli_usage(struct pen_cli *cli, struct pen_error *err, const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    cli->is_usage_error = true;
    (void)pen_fail(err, PEN_ERR_CONFIG, "%s", text);
    return PEN_ERR_CONFIG;
}

int pen_cli_exit_code(enum pen_code code)
{
    switch (code) {
    case PEN_OK:
        return PEN_EXIT_OK;
    case PEN_ERR_AUTH:
        return PEN_EXIT_NOT_PERMITTED;
    case PEN_ERR_THROTTLED:
        return PEN_EXIT_TRY_LATER;
    case PEN_ERR_CANCELLED:
        return PEN_EXIT_INTERRUPTED;
    case PEN_ERR_CONFIG:
    case PEN_ERR_NOT_FOUND:
    case PEN_ERR_IO:
    case PEN_ERR_CORRUPT:
    case PEN_ERR_TOO_LARGE:
    case PEN_ERR_CONFLICT:
    case PEN_ERR_NOMEM:
    case PEN_ERR_INTERNAL:
        break;
    }
    return PEN_EXIT_FAILED;
}

enum pen_code pen_cli_format(struct pen_cli *cli, const struct pen_args *args,
                             enum pen_format *ret_format, struct pen_error *err)
{
    const char *name = pen_args_value(args, "format");
    *ret_format = cli->is_json ? PEN_FORMAT_JSON : PEN_FORMAT_TABLE;
    if (name == NULL || pen_format_from_name(name, ret_format))
        return PEN_OK;
    return pen_cli_usage(cli, err, "unknown format '%s'; use table, csv, tsv, json or jsonl", name);
}

enum pen_code pen_cli_int(struct pen_cli *cli, const struct pen_args *args, const char *name,
                          struct pen_cli_range range, int64_t *ret_value, struct pen_error *err)
{
    enum pen_code code =
        pen_args_int(args, name, range.min, range.max, range.fallback, ret_value, err);
    cli->is_usage_error = code != PEN_OK;
    return code;
}

const char *pen_cli_home_words(const struct pen_cli *cli)
{
    return cli->home_words != NULL ? cli->home_words : "";
}

static enum pen_code make_home_words(struct pen_cli *cli, struct pen_error *err)
{
    if (cli->home_option == NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf words = PEN_BUF(65536);
    PEN_TRY(pen_buf_addf(&words, err, "--home %s ", cli->home_option));
    return pen_arena_text(&cli->arena, pen_buf_slice(&words), &cli->home_words, err);
}

enum pen_code pen_cli_open_home(struct pen_cli *cli, bool is_created, struct pen_error *err)
{
    bool is_read = cli->home != NULL;
    if (!is_read)
        PEN_TRY(make_home_words(cli, err));
    if (!is_read)
        PEN_TRY(pen_home_find(cli->home_option, &cli->arena, &cli->home, err));
    if (is_created)
        PEN_TRY(pen_home_create(cli->home, err));
    if (is_read)
        return PEN_OK;
    PEN_TRY(pen_settings_read(cli->home, &cli->arena, &cli->warnings, &cli->settings, err));
    struct pen_log_options options = {
        .format = cli->is_json ? PEN_LOG_JSON : (enum pen_log_format)cli->settings.log_format,
        .level = cli->is_quiet     ? PEN_LOG_ERROR
                 : cli->is_verbose ? PEN_LOG_DEBUG
                                   : (enum pen_log_level)cli->settings.log_level,
        .trace = cli->trace,
    };
    pen_log_close(cli->log);
    cli->log = NULL;
    return pen_log_open_fd(STDERR_FILENO, &options, &cli->log, err);
}

/* The command's flags, then those global ones that it does not redefine. */
static enum pen_code all_flags(struct pen_cli *cli, const struct pen_command *command,
                               const struct pen_flag **ret_flags, struct pen_error *err)
{
    size_t count = 0;
    while (command->flags[count].name != NULL)
        count++;
    struct pen_flag *flags =
        pen_arena_alloc(&cli->arena, (count + GLOBAL_COUNT + 1) * sizeof *flags);
    if (flags == NULL)
        return pen_fail_nomem(err);
    memcpy(flags, command->flags, count * sizeof *flags);
    size_t own = count;
    for (size_t g = 0; g < GLOBAL_COUNT; g++) {
        bool is_redefined = false;
        flags[count] = global_flags[g];
        for (size_t i = 0; i < own; i++) {
            is_redefined |= strcmp(flags[i].name, global_flags[g].name) == 0;
            if (flags[i].letter == global_flags[g].letter)
                flags[count].letter = 0;
        }
        count += !is_redefined;
    }
    flags[count] = (struct pen_flag){NULL, 0, NULL, false, NULL};
    *ret_flags = flags;
    return PEN_OK;
}

static const char *given(const struct pen_args *args, const char *name, const char *before)
{
    const char *value = pen_args_value(args, name);
    return value != NULL ? value : before;
}

static void take_globals(struct pen_cli *cli, const struct pen_args *args)
{
    cli->home_option = given(args, "home", cli->home_option);
    cli->trace = given(args, "trace", cli->trace);
    cli->is_json |= pen_args_has(args, "json");
    cli->is_quiet |= pen_args_has(args, "quiet");
    cli->is_verbose |= pen_args_has(args, "verbose");
}

static enum pen_code print_usage_of(struct pen_cli *cli, const struct pen_command *command,
                                    struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(command != NULL ? pen_command_usage(command, &text, err)
                            : pen_command_list(&text, err));
    return pen_output_add(&cli->out, pen_buf_slice(&text), err);
}

static enum pen_code check_words(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_error *err)
{
    const struct pen_command *command = cli->command;
    if (args->word_count < command->min_words)
        return pen_cli_usage(cli, err, "missing argument: %s needs %s", command->name,
                             command->arguments);
    if (args->word_count > command->max_words)
        return pen_cli_usage(cli, err, "too many arguments: '%s'", args->words[command->max_words]);
    return PEN_OK;
}

static enum pen_code run_command(struct pen_cli *cli, size_t argc, const char *const *argv,
                                 struct pen_error *err)
{
    const struct pen_flag *flags = NULL;
    struct pen_args args;
    PEN_TRY(all_flags(cli, cli->command, &flags, err));
    cli->is_usage_error = true;
    PEN_TRY(pen_args_parse(flags, argc, argv, &cli->arena, &args, err));
    cli->is_usage_error = false;
    take_globals(cli, &args);
    if (pen_args_has(&args, "help"))
        return print_usage_of(cli, cli->command, err);
    PEN_TRY(check_words(cli, &args, err));
    return cli->command->run(cli, &args, err);
}

static bool is_word_in(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

/* How many words the global options before the command take; the original's are dropped. */
static size_t split_globals(int argc, char **argv, const char **kept, size_t *ret_kept)
{
    size_t at = 1, count = 0;
    for (; at < (size_t)argc && argv[at][0] == '-'; at++) {
        const char *word = argv[at];
        if (is_word_in(word, foreign_switches, sizeof foreign_switches / sizeof *foreign_switches))
            continue;
        if (is_word_in(word, foreign_flags, sizeof foreign_flags / sizeof *foreign_flags)) {
            at++;
            continue;
        }
        kept[count++] = word;
        bool takes_value = strcmp(word, "--home") == 0 || strcmp(word, "--trace") == 0;
        if (takes_value && at + 1 < (size_t)argc)
            kept[count++] = argv[++at];
    }
    *ret_kept = count;
    return at < (size_t)argc ? at : (size_t)argc;
}

static enum pen_code fail_unknown_command(struct pen_cli *cli, const char *name,
                                          struct pen_error *err)
{
    const char *best = pen_command_suggest(name);
    (void)fprintf(stderr, "'%s' is not a penstock command. Run 'penstock' to show the list.\n",
                  name);
    if (best != NULL)
        (void)fprintf(stderr, "Did you mean this?: %s\n", best);
    cli->exit_code = PEN_EXIT_USAGE;
    (void)err;
    return PEN_OK;
}

static enum pen_code run(struct pen_cli *cli, int argc, char **argv, struct pen_error *err)
{
    const char **kept = pen_arena_alloc(&cli->arena, (size_t)(argc + 1) * sizeof *kept);
    if (kept == NULL)
        return pen_fail_nomem(err);
    size_t kept_count = 0, at = split_globals(argc, argv, kept, &kept_count);
    struct pen_args args;
    cli->is_usage_error = true;
    PEN_TRY(pen_args_parse(global_flags, kept_count, kept, &cli->arena, &args, err));
    cli->is_usage_error = false;
    take_globals(cli, &args);
    if (pen_args_has(&args, "version"))
        return pen_output_addf(&cli->out, err, "penstock %s\n", pen_cli_version());
    if (at == (size_t)argc)
        return print_usage_of(cli, NULL, err);
    cli->command = pen_command_find(argv[at]);
    if (cli->command == NULL)
        return fail_unknown_command(cli, argv[at], err);
    if (pen_args_has(&args, "help"))
        return print_usage_of(cli, cli->command, err);
    for (size_t i = at + 1; i < (size_t)argc; i++)
        kept[i - at - 1] = argv[i];
    return run_command(cli, (size_t)argc - at - 1, kept, err);
}

static int finish(struct pen_cli *cli, enum pen_code code, struct pen_error *error)
{
    if (code == PEN_OK)
        code = pen_output_flush(&cli->out, error);
    else /* what was printed so far belongs before the error */
        (void)!pen_output_flush(&cli->out, NULL);
    pen_cli_warn(cli);
    bool is_only_gone = cli->out.is_gone && code == PEN_ERR_CANCELLED && pen_cli_cancel == 0;
    if (code == PEN_OK || is_only_gone)
        return cli->exit_code;
    if (cli->is_usage_error && cli->command != NULL && !cli->is_json) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
        if (pen_command_usage(cli->command, &text, NULL) == PEN_OK)
            (void)fprintf(stderr, "%s\n", text.ptr);
    }
    pen_cli_print_error(cli, error);
    return cli->is_usage_error ? PEN_EXIT_USAGE : pen_cli_exit_code(code);
}

int pen_cli_main(int argc, char **argv)
{
    struct pen_error error = {0};
    struct pen_cli cli = {
        .out = PEN_OUTPUT(STDOUT_FILENO),
        .terminal = pen_terminal_look(),
        .arena = PEN_ARENA((size_t)1 << 30),
        .warnings = {PEN_BUF(PEN_BUF_TEXT_MAX)},
    };
    enum pen_code code = pen_cli_catch_signals(&error);
    if (code == PEN_OK)
        code = run(&cli, argc, argv, &error);
    int exit_code = finish(&cli, code, &error);
    pen_log_close(cli.log);
    pen_output_release(&cli.out);
    pen_buf_release(&cli.warnings.text);
    pen_arena_release(&cli.arena);
    return exit_code;
}
