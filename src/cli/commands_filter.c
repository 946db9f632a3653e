/* filter:list, filter:show - which filters there are, and their options, from the tables that also
 * read the configuration. */
#include "cli/cli.h"
#include "conf/suggest.h"
#include "registry.h"

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

/* A word of several: the words themselves. */
static enum pen_code add_kind(struct pen_buf *into, const struct pen_option *option,
                              struct pen_error *err)
{
    pen_buf_clear(into);
    if (option->kind != PEN_OPTION_ENUM)
        return pen_buf_add_str(into, pen_option_kind_name(option->kind), err);
    for (const char *const *choice = option->choices; *choice != NULL; choice++)
        PEN_TRY(pen_buf_addf(into, err, "%s%s", choice == option->choices ? "" : ", ", *choice));
    return PEN_OK;
}

static enum pen_code show_table(struct pen_render *render, const struct pen_option *options,
                                const char *path, struct pen_error *err);

/* The options of a mapping, of each mapping of a list, of each kind of mapping of a list. */
static enum pen_code show_entries(struct pen_render *render, const struct pen_option *option,
                                  const char *path, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf below = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (option->entries != NULL) {
        PEN_TRY(
            pen_buf_addf(&below, err, "%s%s.", path, option->kind == PEN_OPTION_LIST ? "[]" : ""));
        PEN_TRY(show_table(render, option->entries, below.ptr, err));
    }
    for (const struct pen_option_variant *v = option->variants; v != NULL && v->name != NULL; v++) {
        pen_buf_clear(&below);
        PEN_TRY(pen_buf_addf(&below, err, "%s[%s: %s]", path, option->variant_key, v->name));
        if (v->options->key == NULL) {
            const struct pen_cell cells[] = {pen_cell_text(below.ptr), pen_cell_text("mapping"),
                                             pen_cell_text(NULL), pen_cell_text("no options")};
            PEN_TRY(pen_render_row(render, cells, err));
        }
        PEN_TRY(pen_buf_add_char(&below, '.', err));
        PEN_TRY(show_table(render, v->options, below.ptr, err));
    }
    return PEN_OK;
}

static enum pen_code show_table(struct pen_render *render, const struct pen_option *options,
                                const char *path, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf kind = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (const struct pen_option *option = options; option->key != NULL; option++) {
        pen_buf_clear(&text);
        PEN_TRY(pen_buf_addf(&text, err, "%s%s", path, option->key));
        PEN_TRY(add_kind(&kind, option, err));
        const struct pen_cell cells[] = {
            pen_cell_text(text.ptr), pen_cell_text(kind.ptr),
            pen_cell_text(option->is_required ? "required" : option->default_text),
            pen_cell_text(option->help)};
        PEN_TRY(pen_render_row(render, cells, err));
        PEN_TRY(show_entries(render, option, text.ptr, err));
    }
    return PEN_OK;
}

static enum pen_code show_options(struct pen_cli *cli, const struct pen_render_options *options,
                                  const struct pen_filter_type *type, struct pen_error *err)
{
    static const char *const names[] = {"Option", "Kind", "Default", "Meaning"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {0};
    PEN_TRY(pen_render_begin(&render, &cli->out, options, names, 4, err));
    PEN_TRY(show_table(&render, type->info.options, "", err));
    return pen_render_end(&render, err);
}

static enum pen_code show_example(struct pen_cli *cli, const struct pen_step_info *info,
                                  struct pen_error *err)
{
    PEN_TRY(pen_output_addf(&cli->out, err, "\nExample:\n\nfilters:\n  - type: %s\n", info->name));
    for (const char *line = info->example; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        PEN_TRY(pen_output_addf(&cli->out, err, "    %.*s\n", (int)len, line));
        line += len + (line[len] == '\n');
    }
    return PEN_OK;
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
    return show_example(cli, &type->info, err);
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
