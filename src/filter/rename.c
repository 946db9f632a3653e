/* rename.c - new names for columns; types, order and values stay.
 *
 *     names --columns map--> --rule 1--> --rule 2--> ... names
 *
 * source: spec/filters.md 5. "Characters" are code points here; the original counts UTF-16 units,
 * which differs only for characters beyond U+FFFF. Costs nothing per row. */
#include "filter/filter_reject.h"
#include "filter/rename_rules.h"

#include <stdlib.h>

struct rename {
    const struct pen_node *columns, *rules;
};

static const struct pen_option options[] = {
    {.key = "columns",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct rename, columns),
     .help = "map of old names to new ones, applied before the rules"},
    {.key = "rules",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct rename, rules),
     .help = "each rule is applied to all names, in turn",
     .variant_key = "rule",
     .variants = pen_rename_rules},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

static enum pen_code rename_open(struct pen_filter *filter, struct pen_error *err)
{
    struct rename *rename = filter->state;
    return pen_options_bind(options, filter->config, "filters", also, rename, &filter->bind, err);
}

static enum pen_code apply_map(const struct pen_filter *filter, const struct pen_schema *in,
                               struct pen_names *names, struct pen_error *err)
{
    const struct rename *rename = filter->state;
    if (rename->columns == NULL)
        return PEN_OK;
    for (const struct pen_node *item = rename->columns->first; item != NULL; item = item->next) {
        if (pen_schema_find(in, item->key) == SIZE_MAX)
            return pen_filter_fail_column(filter, item, in, item->key, err,
                                          "column '%.*s' is not found", PEN_ARG(item->key));
        if (item->kind == PEN_NODE_LIST || item->kind == PEN_NODE_MAP ||
            item->kind == PEN_NODE_NULL)
            return pen_fail_at(&filter->bind, item, err, "the new name of '%.*s' must be a text",
                               PEN_ARG(item->key));
        for (size_t i = 0; i < in->count; i++)
            if (pen_slice_is(item->key, in->fields[i].name))
                names->items[i] = item->text;
    }
    return PEN_OK;
}

static enum pen_code rename_plan(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *ret_out, struct pen_error *err)
{
    const struct rename *rename = filter->state;
    struct pen_names names = {.arena = filter->bind.arena, .count = in->count};
    names.items = pen_arena_alloc(names.arena, (in->count + 1) * sizeof *names.items);
    if (names.items == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < in->count; i++)
        names.items[i] = pen_slice_str(in->fields[i].name);
    PEN_TRY(apply_map(filter, in, &names, err));
    for (const struct pen_node *rule = rename->rules == NULL ? NULL : rename->rules->first;
         rule != NULL; rule = rule->next)
        PEN_TRY(pen_rename_rule_apply(rule, &filter->bind, &names, err));
    for (size_t i = 0; i < in->count; i++)
        PEN_TRY(
            pen_schema_add(ret_out, names.items[i], in->fields[i].type, in->fields[i].format, err));
    return PEN_OK;
}

static enum pen_code rename_apply(struct pen_filter_local *local, struct pen_batch *batch,
                                  struct pen_error *err)
{
    (void)local; /* columns keep their places */
    (void)batch;
    (void)err;
    return PEN_OK;
}

static void rename_close(struct pen_filter *filter)
{
    (void)filter; /* everything is in the arena */
}

const struct pen_filter_type pen_filter_rename = {
    .info = {.name = "rename",
             .summary = "gives columns new names, by a map and by rules",
             .options = options,
             .example = "rules:\n  - {rule: upper_to_lower}\n"
                        "  - {rule: character_types, pass_types: [a-z, 0-9], pass_characters: _}\n",
             .state_size = sizeof(struct rename)},
    .open = rename_open,
    .plan = rename_plan,
    .local_open = pen_filter_none_open,
    .local_close = pen_filter_none_close,
    .apply = rename_apply,
    .close = rename_close,
};
