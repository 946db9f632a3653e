/* config:options - every option of a configuration file, from the tables that also read it;
 * docs/config.md is this command's output. config:check - whether a file can be read. */
#include "cli/connector_internal.h"
#include "registry.h"
#include "run/load.h"
#include "run/run_scope.h"

/* A text inside of a table cell. */
static enum pen_code add_cell(struct pen_output *out, const char *text, struct pen_error *err)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            PEN_TRY(pen_output_add(out, PEN_LIT("\\|"), err));
        else if (*text == '\t')
            PEN_TRY(pen_output_add(out, PEN_LIT("\\t"), err));
        else
            PEN_TRY(pen_output_add(out, pen_slice(*text == '\n' ? " " : text, 1), err));
    }
    return PEN_OK;
}

static enum pen_code add_choices(struct pen_output *out, const struct pen_option *option,
                                 struct pen_error *err)
{
    if (option->kind != PEN_OPTION_ENUM || option->choices == NULL)
        return pen_output_add(out, pen_slice_str(pen_option_kind_name(option->kind)), err);
    for (const char *const *choice = option->choices; *choice != NULL; choice++)
        PEN_TRY(
            pen_output_addf(out, err, "%s`%s`", choice == option->choices ? "" : ", ", *choice));
    return PEN_OK;
}

static enum pen_code add_option(struct pen_output *out, const struct pen_option *option,
                                struct pen_error *err)
{
    PEN_TRY(pen_output_addf(out, err, "| `%s` | ", option->key));
    PEN_TRY(add_choices(out, option, err));
    PEN_TRY(pen_output_add(out, PEN_LIT(" | "), err));
    if (option->is_required)
        PEN_TRY(pen_output_add(out, PEN_LIT("required"), err));
    else if (option->default_text != NULL && option->default_text[0] != '\0') {
        PEN_TRY(pen_output_add(out, PEN_LIT("`"), err));
        PEN_TRY(add_cell(out, option->default_text, err));
        PEN_TRY(pen_output_add(out, PEN_LIT("`"), err));
    }
    PEN_TRY(pen_output_add(out, PEN_LIT(" | "), err));
    PEN_TRY(add_cell(out, option->help != NULL ? option->help : "", err));
    if (option->unit != NULL)
        PEN_TRY(pen_output_addf(out, err, " (%s)", option->unit));
    return pen_output_add(out, PEN_LIT(" |\n"), err);
}

static enum pen_code add_ignored(struct pen_output *out, const struct pen_option *options,
                                 struct pen_error *err)
{
    size_t count = 0;
    for (const struct pen_option *option = options; option->key != NULL; option++)
        if (option->kind == PEN_OPTION_IGNORED)
            PEN_TRY(pen_output_addf(out, err, "%s`%s`",
                                    count++ == 0 ? "\nKnown from the original, without a meaning "
                                                   "here (they warn): "
                                                 : ", ",
                                    option->key));
    return count == 0 ? PEN_OK : pen_output_add(out, PEN_LIT(".\n"), err);
}

static enum pen_code add_table(struct pen_output *out, const struct pen_option *options,
                               struct pen_error *err);

static bool is_listed_before(const struct pen_option *options, const struct pen_option *option)
{
    for (const struct pen_option *o = options; o != option; o++)
        if (o->entries == option->entries)
            return true;
    return false;
}

/* "Each of `columns`, `add_columns`:" and the table that they share. */
static enum pen_code add_entries(struct pen_output *out, const struct pen_option *option,
                                 struct pen_error *err)
{
    PEN_TRY(pen_output_addf(out, err, "\n%s `%s`",
                            option->kind == PEN_OPTION_LIST ? "Each of" : "In", option->key));
    for (const struct pen_option *o = option + 1; o->key != NULL; o++)
        if (o->entries == option->entries)
            PEN_TRY(pen_output_addf(out, err, ", `%s`", o->key));
    PEN_TRY(pen_output_add(out, PEN_LIT(":\n"), err));
    return add_table(out, option->entries, err);
}

static enum pen_code add_nested(struct pen_output *out, const struct pen_option *options,
                                struct pen_error *err)
{
    for (const struct pen_option *o = options; o->key != NULL; o++) {
        if (o->entries != NULL && !is_listed_before(options, o))
            PEN_TRY(add_entries(out, o, err));
        for (const struct pen_option_variant *v = o->variants; v != NULL && v->name != NULL; v++) {
            PEN_TRY(pen_output_addf(out, err, "\nEach of `%s` with `%s: %s`:\n", o->key,
                                    o->variant_key, v->name));
            PEN_TRY(add_table(out, v->options, err));
        }
    }
    return PEN_OK;
}

static enum pen_code add_table(struct pen_output *out, const struct pen_option *options,
                               struct pen_error *err)
{
    size_t count = 0;
    for (const struct pen_option *o = options; o != NULL && o->key != NULL; o++)
        count += o->kind != PEN_OPTION_IGNORED;
    if (count > 0)
        PEN_TRY(pen_output_add(
            out, PEN_LIT("\n| option | kind | default | meaning |\n|---|---|---|---|\n"), err));
    else
        PEN_TRY(pen_output_add(out, PEN_LIT("\nNo options.\n"), err));
    for (const struct pen_option *o = options; o != NULL && o->key != NULL; o++)
        if (o->kind != PEN_OPTION_IGNORED && strncmp(o->key, "__", 2) != 0)
            PEN_TRY(add_option(out, o, err));
    if (options == NULL)
        return PEN_OK;
    PEN_TRY(add_ignored(out, options, err));
    return add_nested(out, options, err);
}

static enum pen_code add_step(struct pen_output *out, const char *what,
                              const struct pen_step_info *info, struct pen_error *err)
{
    PEN_TRY(pen_output_addf(out, err, "\n### %s `type: %s`\n\n%s\n", what, info->name,
                            info->summary != NULL ? info->summary : ""));
    return add_table(out, info->options, err);
}

/* Filters with several names are told once. */
static enum pen_code add_filter(struct pen_output *out, size_t index, struct pen_error *err)
{
    const struct pen_step_info *info = &pen_filter_types[index]->info;
    for (size_t i = 0; i < index; i++)
        if (pen_filter_types[i]->info.options == info->options)
            return pen_output_addf(out, err,
                                   "\n### filter `type: %s`\n\n%s: the options of `type: %s`.\n",
                                   info->name, info->summary, pen_filter_types[i]->info.name);
    return add_step(out, "filter", info, err);
}

static enum pen_code add_steps(struct pen_output *out, struct pen_error *err)
{
    PEN_TRY(pen_output_add(out, PEN_LIT("\n## in: where objects come from\n"), err));
    for (size_t i = 0; pen_source_types[i] != NULL; i++)
        PEN_TRY(add_step(out, "in", &pen_source_types[i]->info, err));
    PEN_TRY(pen_output_add(out, PEN_LIT("\n## in.decoders: a list, applied in order\n"), err));
    for (size_t i = 0; pen_decode_types[i] != NULL; i++)
        PEN_TRY(add_step(out, "decoder", &pen_decode_types[i]->info, err));
    PEN_TRY(pen_output_add(out, PEN_LIT("\n## in.parser: how bytes become records\n"), err));
    for (size_t i = 0; pen_parse_types[i] != NULL; i++)
        PEN_TRY(add_step(out, "parser", &pen_parse_types[i]->info, err));
    PEN_TRY(pen_output_add(out, PEN_LIT("\n## filters: a list, applied in order\n"), err));
    for (size_t i = 0; pen_filter_types[i] != NULL; i++)
        PEN_TRY(add_filter(out, i, err));
    return PEN_OK;
}

static enum pen_code run_options(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_error *err)
{
    static const char head[] =
        "# The configuration file\n"
        "\n"
        "Made by `penstock config:options` from the tables that also read the file; do not edit.\n"
        "A file has the sections `in`, `filters`, `out` and `exec`; how it is read is in\n"
        "[cli.md](cli.md#configuration-files). Unknown keys are errors.\n"
        "Sizes are numbers of bytes or texts such as `64KiB` and `10MB`.\n";
    struct pen_output *out = &cli->out;
    (void)args;
    PEN_TRY(pen_output_add(out, pen_slice_str(head), err));
    PEN_TRY(add_steps(out, err));
    PEN_TRY(pen_output_add(out, PEN_LIT("\n## out: what becomes of the rows\n"), err));
    PEN_TRY(add_table(out, pen_out_option_table, err));
    PEN_TRY(pen_output_add(out, PEN_LIT("\n## exec: how the work is done\n"), err));
    PEN_TRY(add_table(out, pen_exec_option_table, err));
    PEN_TRY(
        pen_output_add(out, PEN_LIT("\n## Settings of the program: `<home>/penstock.yml`\n"), err));
    return add_table(out, pen_settings_option_table, err);
}

static enum pen_code run_check(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    struct pen_run_env env = {.home = NULL};
    struct pen_run_scope scope;
    const struct pen_load_options options = {.started_us = pen_now_us()};
    PEN_TRY(pen_connector_load(cli, args, &env, err));
    PEN_TRY(pen_run_scope_open(&env, &options, &scope, err));
    pen_run_scope_close(&scope);
    pen_cli_warn(cli);
    return pen_cli_print(cli, err, "%s is fine.", args->words[0]);
}

static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};
static const char *const options_examples[] = {"config:options > docs/config.md", NULL};
static const char *const check_examples[] = {"config:check load.yml", NULL};

const struct pen_command pen_commands_config[] = {
    {.name = "config:check",
     .arguments = "<config>",
     .max_words = 1,
     .description = "Check a configuration file without any request",
     .examples = check_examples,
     .flags = no_flags,
     .run = run_check},
    {.name = "config:options",
     .arguments = "",
     .description = "Print every option of the configuration file, as Markdown",
     .examples = options_examples,
     .flags = no_flags,
     .run = run_options},
    {.name = NULL},
};
