/* filter:list, filter:show - which filters there are, and their options, from the tables that also
 * read the configuration. */
#include "cli/cli.h"
#include "conf/suggest.h"
#include "registry.h"

static const char *const kind_names[] = {
    [PEN_OPTION_TEXT] = "text",       [PEN_OPTION_SECRET] = "text, secret",
    [PEN_OPTION_BOOL] = "boolean",    [PEN_OPTION_INT] = "integer",
    [PEN_OPTION_BYTES] = "bytes",     [PEN_OPTION_DOUBLE] = "number",
    [PEN_OPTION_ENUM] = "word",       [PEN_OPTION_NODE] = "mapping or list",
    [PEN_OPTION_IGNORED] = "ignored",
};

#define COLUMN_EXAMPLE                                                                             \
    "    columns:\n      - {name: id}\n      - {name: country, default: unknown}\n"                \
    "    add_columns:\n      - {name: source, type: string, default: web}\n"
#define HASH_EXAMPLE "    columns:\n      - {name: email, algorithm: SHA-256}\n"

static const struct {
    const char *type, *text;
} examples[] = {
    {"add_time", "    to_column: {name: time}\n    from_value: {mode: upload_time}\n"},
    {"column", COLUMN_EXAMPLE},
    {"retain_columns", "    columns:\n      - {name: id}\n      - {name: country}\n"},
    {"add_columns", "    add_columns:\n      - {name: source, type: string, default: web}\n"},
    {"drop_columns", "    drop_columns:\n      - {name: country}\n"},
    {"expand_json",
     "    json_column_name: record\n    expanded_columns:\n"
     "      - {name: id, type: long}\n      - {name: email.primary, type: string}\n"},
    {"hash", HASH_EXAMPLE},
    {"digest", HASH_EXAMPLE},
    {"mask", "    columns:\n      - {name: card, last: 4}\n"},
    {"remove_columns", "    remove: [id, name]\n"},
    {"rename", "    rules:\n      - {rule: upper_to_lower}\n"
               "      - {rule: character_types, pass_types: [a-z, 0-9], pass_characters: _}\n"},
    {"source_columns", "    columns: [bucket, key, line]\n"},
    {"where", "    all:\n      - {column: status, operator: \">=\", value: 200}\n"},
};

static enum pen_code run_list(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    static const char *const names[] = {"Type", "Summary"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {0};
    struct pen_render_options options = {0};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 2, err));
    for (const struct pen_filter_type *const *type = pen_filter_types; *type != NULL; type++) {
        const struct pen_cell cells[] = {pen_cell_text((*type)->info.name),
                                         pen_cell_text((*type)->info.summary)};
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    return pen_render_end(&render, err);
}

static enum pen_code fail_unknown(const char *name, struct pen_error *err)
{
    struct pen_suggest suggest = pen_suggest_start(pen_slice_str(name));
    for (const struct pen_filter_type *const *type = pen_filter_types; *type != NULL; type++)
        pen_suggest_try(&suggest, (*type)->info.name);
    const char *best = pen_suggest_best(&suggest);
    (void)pen_fail(err, PEN_ERR_NOT_FOUND, "there is no filter '%s'", name);
    if (best != NULL)
        pen_error_hint(err, "did you mean '%s'?", best);
    else
        pen_error_hint(err, "penstock filter:list shows all filters");
    return PEN_ERR_NOT_FOUND;
}

static enum pen_code show_options(struct pen_cli *cli, const struct pen_render_options *options,
                                  const struct pen_filter_type *type, struct pen_error *err)
{
    static const char *const names[] = {"Option", "Kind", "Default", "Meaning"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {0};
    PEN_TRY(pen_render_begin(&render, &cli->out, options, names, 4, err));
    for (const struct pen_option *option = type->info.options; option->key != NULL; option++) {
        const struct pen_cell cells[] = {
            pen_cell_text(option->key), pen_cell_text(kind_names[option->kind]),
            pen_cell_text(option->is_required ? "required" : option->default_text),
            pen_cell_text(option->help)};
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    return pen_render_end(&render, err);
}

static enum pen_code run_show(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    const struct pen_filter_type *type = pen_find_filter(pen_slice_str(args->words[0]));
    if (type == NULL)
        return fail_unknown(args->words[0], err);
    struct pen_render_options options = {0};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    if (options.format != PEN_FORMAT_TABLE) /* for programs: the options only */
        return show_options(cli, &options, type, err);
    PEN_TRY(pen_output_addf(&cli->out, err, "%s: %s\n\n", type->info.name, type->info.summary));
    PEN_TRY(show_options(cli, &options, type, err));
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        if (strcmp(examples[i].type, type->info.name) == 0)
            return pen_output_addf(&cli->out, err, "\nExample:\n\nfilters:\n  - type: %s\n%s",
                                   type->info.name, examples[i].text);
    return PEN_OK;
}

static const struct pen_flag format_flags[] = {PEN_FLAG_FORMAT, {.name = NULL}};
static const char *const list_examples[] = {"filter:list", NULL};
static const char *const show_examples[] = {"filter:show expand_json", NULL};

const struct pen_command pen_commands_filter[] = {
    {.name = "filter:list",
     .arguments = "",
     .description = "List the types of filters",
     .examples = list_examples,
     .flags = format_flags,
     .run = run_list},
    {.name = "filter:show",
     .arguments = "<type>",
     .min_words = 1,
     .max_words = 1,
     .description = "Show the options of a filter, with an example",
     .examples = show_examples,
     .flags = format_flags,
     .run = run_show},
    {.name = NULL},
};
