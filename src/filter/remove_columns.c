/* remove_columns.c - leaves columns out, by a list of those to remove or of those to keep.
 * Costs nothing per row. source: spec/filters.md 6. */
#include "filter/filter_reject.h"

#include <stdlib.h>

struct remove_columns {
    const struct pen_node *remove, *keep;
    bool accept_unmatched_columns;
    size_t *kept; /* indexes in the schema in */
    size_t count;
};

static const struct pen_option options[] = {
    {.key = "remove",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct remove_columns, remove),
     .help = "names of columns to remove"},
    {.key = "keep",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct remove_columns, keep),
     .help = "names of columns to keep; all others are removed"},
    {.key = "accept_unmatched_columns",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct remove_columns, accept_unmatched_columns),
     .default_text = "false",
     .help = "names that the schema does not have are no error"},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

static enum pen_code remove_open(struct pen_filter *filter, struct pen_error *err)
{
    struct remove_columns *state = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, state, &filter->bind, err));
    if (state->remove != NULL && state->keep != NULL)
        return pen_fail_at(&filter->bind, filter->config, err,
                           "remove: and keep: must not be multi-select");
    if (state->remove == NULL && state->keep == NULL)
        return pen_fail_at(&filter->bind, filter->config, err,
                           "Must require remove: or keep: option");
    return PEN_OK;
}

static bool is_listed(const struct pen_node *list, const char *name)
{
    for (const struct pen_node *item = list->first; item != NULL; item = item->next)
        if (pen_slice_is(item->text, name))
            return true;
    return false;
}

static enum pen_code remove_plan(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *ret_out, struct pen_error *err)
{
    struct remove_columns *state = filter->state;
    const struct pen_node *list = state->remove != NULL ? state->remove : state->keep;
    for (const struct pen_node *item = list->first; item != NULL; item = item->next)
        if (pen_schema_find(in, item->text) == SIZE_MAX && !state->accept_unmatched_columns)
            return pen_filter_fail_column(filter, item, in, item->text, err,
                                          "Column '%.*s' doesn't exist in the schema",
                                          PEN_ARG(item->text));
    state->kept = calloc(in->count + 1, sizeof *state->kept);
    if (state->kept == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < in->count; i++) {
        const struct pen_field *field = &in->fields[i];
        if (is_listed(list, field->name) == (state->remove != NULL))
            continue;
        state->kept[state->count++] = i;
        PEN_TRY(
            pen_schema_add(ret_out, pen_slice_str(field->name), field->type, field->format, err));
    }
    return PEN_OK;
}

static enum pen_code remove_apply(struct pen_filter_local *local, struct pen_batch *batch,
                                  struct pen_error *err)
{
    (void)err; /* moving columns forward cannot fail */
    const struct remove_columns *state = local->filter->state;
    for (size_t i = 0; i < state->count; i++)
        batch->columns[i] = batch->columns[state->kept[i]];
    batch->column_count = state->count;
    return PEN_OK;
}

static void remove_close(struct pen_filter *filter)
{
    free(((struct remove_columns *)filter->state)->kept);
}

const struct pen_filter_type pen_filter_remove_columns = {
    .info = {.name = "remove_columns",
             .summary = "leaves columns out, or all but some",
             .options = options,
             .example = "remove: [id, name]\n",
             .state_size = sizeof(struct remove_columns)},
    .open = remove_open,
    .plan = remove_plan,
    .local_open = pen_filter_none_open,
    .local_close = pen_filter_none_close,
    .apply = remove_apply,
    .close = remove_close,
};
