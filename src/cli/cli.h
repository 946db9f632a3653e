/* cli.h - the program frame: what every command gets, and the table of commands.
 *
 *     argv --global options--> struct pen_cli --command table--> command's run --> exit code
 *
 * Data go to cli->out (stdout), everything for people to stderr. An error is printed once, by the
 * frame. thread: one; progress callbacks come from other threads and say so. */
#ifndef PEN_CLI_CLI_H
#define PEN_CLI_CLI_H

#include "cli/args.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "conf/options.h"
#include "conf/settings.h"
#include "log/log.h"

/* Exit codes (DESIGN section 5). */
enum pen_exit {
    PEN_EXIT_OK = 0,
    PEN_EXIT_FAILED = 1,
    PEN_EXIT_USAGE = 2,
    PEN_EXIT_TRY_LATER = 75,
    PEN_EXIT_NOT_PERMITTED = 77,
    PEN_EXIT_INTERRUPTED = 130
};

struct pen_command;

struct pen_cli {
    const struct pen_command *command;
    struct pen_output out;
    struct pen_terminal terminal;
    struct pen_arena arena;         /* lives as long as the program */
    struct pen_warnings warnings;   /* printed before the command's error or end */
    struct pen_log *log;            /* stderr */
    struct pen_settings settings;   /* filled by pen_cli_open_home */
    const char *home_option, *home; /* home: absolute; NULL until pen_cli_open_home */
    const char *home_words;         /* see pen_cli_home_words */
    const char *trace;
    bool is_json, is_quiet, is_verbose;
    bool is_usage_error; /* the error is about the command line: its usage is printed, exit 2 */
    int exit_code;       /* of a command that returned PEN_OK */
};

struct pen_command {
    const char *name;
    const char *const *aliases; /* NULL-terminated, or NULL */
    const char *arguments;      /* "<config>", "<db> [table]" */
    size_t min_words, max_words;
    const char *description;
    const char *const *examples; /* NULL-terminated, without the program's name; or NULL */
    const struct pen_flag *flags;
    /* errors: printed by the frame, which also makes the exit code of their code */
    enum pen_code (*run)(struct pen_cli *cli, const struct pen_args *args, struct pen_error *err);
};

/* The command groups; each list ends with name NULL. A new group = one file + one line in
 * commands.c. */
extern const struct pen_command pen_commands_connector[], pen_commands_job[], pen_commands_db[],
    pen_commands_table[], pen_commands_query[], pen_commands_doctor[], pen_commands_config[],
    pen_commands_misc[], pen_commands_filter[], pen_commands_user[], pen_commands_connection[],
    pen_commands_lake[], pen_commands_schedule[], pen_commands_server[], pen_commands_notify[];
extern const struct pen_command *const pen_command_groups[];

/* pen_cli_main - the program: parses, runs one command, prints errors. Returns the exit code. */
int pen_cli_main(int argc, char **argv);

/* pen_command_find - by name or alias; NULL when there is none. pen_command_suggest - the closest
 * name. pen_command_usage - usage, example, description and options, appended. */
const struct pen_command *pen_command_find(const char *name);
const char *pen_command_suggest(const char *name);
PEN_MUST_USE enum pen_code pen_command_usage(const struct pen_command *command,
                                             struct pen_buf *into, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_command_list(struct pen_buf *into, struct pen_error *err);

/* pen_cli_usage - marks the error as one of the command line and returns PEN_ERR_CONFIG. */
enum pen_code pen_cli_usage(struct pen_cli *cli, struct pen_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_cli_say - a line for people on stderr; nothing with --quiet. thread: any. */
void pen_cli_say(const struct pen_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* pen_cli_print - a line for people on stdout, where the original has it: hints behind a result.
 * A closed pipe is no error here. */
PEN_MUST_USE enum pen_code pen_cli_print(struct pen_cli *cli, struct pen_error *err,
                                         const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_cli_warn - prints the collected warnings and forgets them. */
void pen_cli_warn(struct pen_cli *cli);

/* pen_cli_print_error - "Error: <where>: <message>" and the hint, or a JSON line with --json. */
void pen_cli_print_error(const struct pen_cli *cli, const struct pen_error *error);

/* pen_cli_exit_code - of an error. */
int pen_cli_exit_code(enum pen_code code);

/* pen_cli_open_home - finds <home> (--home, PENSTOCK_HOME, XDG_DATA_HOME, ~/.local/share), makes it
 * (0700) when is_created, reads its penstock.yml. Idempotent. */
PEN_MUST_USE enum pen_code pen_cli_open_home(struct pen_cli *cli, bool is_created,
                                             struct pen_error *err);

/* pen_cli_home_words - "--home DIR " when it was given, for commands that hints suggest; else "".
 */
const char *pen_cli_home_words(const struct pen_cli *cli);

/* The values that an option of integers may have, and the one that stands for none. */
struct pen_cli_range {
    int64_t min, max, fallback;
};

/* pen_cli_format - the -f option of args, else the default: table, json with --json. */
PEN_MUST_USE enum pen_code pen_cli_format(struct pen_cli *cli, const struct pen_args *args,
                                          enum pen_format *ret_format, struct pen_error *err);

/* pen_cli_int - pen_args_int; a wrong value is an error of the command line (usage, exit 2). */
PEN_MUST_USE enum pen_code pen_cli_int(struct pen_cli *cli, const struct pen_args *args,
                                       const char *name, struct pen_cli_range range,
                                       int64_t *ret_value, struct pen_error *err);

/* pen_cli_cancel - becomes 1 with SIGINT or SIGTERM; a second one ends the program at once. */
extern volatile int pen_cli_cancel;
PEN_MUST_USE enum pen_code pen_cli_catch_signals(struct pen_error *err);

/* pen_cli_version - "0.1.0 (build id)". */
const char *pen_cli_version(void);

#define PEN_FLAG_FORMAT                                                                            \
    {                                                                                              \
        .name = "format", .letter = 'f', .value = "FORMAT",                                        \
        .help = "table, csv, tsv, json or jsonl"                                                   \
    }

#endif
