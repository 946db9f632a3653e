/* help, version, completion. */
#include "cli/cli.h"

static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};

static enum pen_code run_help(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    const struct pen_command *command = NULL;
    if (args->word_count > 0) {
        command = pen_command_find(args->words[0]);
        const char *best = command == NULL ? pen_command_suggest(args->words[0]) : NULL;
        if (command == NULL)
            return pen_cli_usage(cli, err, "'%s' is not a penstock command%s%s%s", args->words[0],
                                 best != NULL ? ", did you mean '" : "", best != NULL ? best : "",
                                 best != NULL ? "'?" : "");
    }
    PEN_TRY(command != NULL ? pen_command_usage(command, &text, err)
                            : pen_command_list(&text, err));
    return pen_output_add(&cli->out, pen_buf_slice(&text), err);
}

static enum pen_code run_version(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_error *err)
{
    (void)args;
    return pen_output_addf(&cli->out, err, "penstock %s\n", pen_cli_version());
}

/* The options of a command as one word list for the shell. */
static enum pen_code add_options(struct pen_cli *cli, const struct pen_command *command,
                                 struct pen_error *err)
{
    for (const struct pen_flag *flag = command->flags; flag->name != NULL; flag++)
        PEN_TRY(pen_output_addf(&cli->out, err, " --%s", flag->name));
    return PEN_OK;
}

static enum pen_code run_completion(struct pen_cli *cli, const struct pen_args *args,
                                    struct pen_error *err)
{
    static const char head[] =
        "# bash completion of penstock: source <(penstock completion bash)\n"
        "_penstock() {\n"
        "    local cur words cword prev\n"
        "    if declare -F _init_completion >/dev/null; then _init_completion -n : || return\n"
        "    else cur=${COMP_WORDS[COMP_CWORD]} words=(\"${COMP_WORDS[@]}\") cword=$COMP_CWORD; "
        "fi\n"
        "    local command= i options=\n"
        "    for ((i = 1; i < cword; i++)); do\n"
        "        case ${words[i]} in --home | --trace) ((i++)) ;; -*) ;; *) command=${words[i]}; "
        "break ;;\n"
        "        esac\n"
        "    done\n"
        "    case $command in\n";
    static const char foot[] =
        "    esac\n"
        "    if [[ -n $command && $cur == -* ]]; then\n"
        "        COMPREPLY=($(compgen -W \"$options --home --json --trace --help\" -- \"$cur\"))\n"
        "    elif [[ -n $command ]]; then\n"
        "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
        "    fi\n"
        "    declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "
        "\"$cur\"\n"
        "}\n"
        "complete -o filenames -F _penstock penstock\n";
    if (strcmp(args->words[0], "bash") != 0)
        return pen_cli_usage(cli, err, "there is no completion for '%s', only for bash",
                             args->words[0]);
    PEN_TRY(pen_output_add(&cli->out, pen_slice_str(head), err));
    PEN_TRY(pen_output_add(&cli->out, PEN_LIT("    \"\") COMPREPLY=($(compgen -W \""), err));
    for (size_t g = 0; pen_command_groups[g] != NULL; g++)
        for (const struct pen_command *c = pen_command_groups[g]; c->name != NULL; c++)
            PEN_TRY(pen_output_addf(&cli->out, err, "%s ", c->name));
    PEN_TRY(pen_output_add(&cli->out, PEN_LIT("\" -- \"$cur\")) ;;\n"), err));
    for (size_t g = 0; pen_command_groups[g] != NULL; g++) {
        for (const struct pen_command *c = pen_command_groups[g]; c->name != NULL; c++) {
            PEN_TRY(pen_output_addf(&cli->out, err, "    %s) options=\"", c->name));
            PEN_TRY(add_options(cli, c, err));
            PEN_TRY(pen_output_add(&cli->out, PEN_LIT("\" ;;\n"), err));
        }
    }
    return pen_output_add(&cli->out, pen_slice_str(foot), err);
}

static const char *const help_examples[] = {"help connector:issue", NULL};
static const char *const completion_examples[] = {"completion bash >> ~/.bash_completion", NULL};

const struct pen_command pen_commands_misc[] = {
    {.name = "help",
     .arguments = "[command]",
     .max_words = 1,
     .description = "Show how to use a command",
     .examples = help_examples,
     .flags = no_flags,
     .run = run_help},
    {.name = "completion",
     .arguments = "bash",
     .min_words = 1,
     .max_words = 1,
     .description = "Print the completion script of a shell",
     .examples = completion_examples,
     .flags = no_flags,
     .run = run_completion},
    {.name = "version",
     .arguments = "",
     .description = "Print the version",
     .flags = no_flags,
     .run = run_version},
    {.name = NULL},
};
