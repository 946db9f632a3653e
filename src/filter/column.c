/* column.c - retains, adds and drops columns, and members inside json columns.
 *
 *     columns (retain) | drop_columns --> add_columns --> schema out
 *     names that begin with $ act inside a json column: see column_json.h
 *
 * Types `column`, and by the console's words `retain_columns`, `add_columns`, `drop_columns`, which
 * take the same options. Costs nothing per row for plain columns. source: spec/filters.md 1. */
#include "filter/column_json.h"
#include "filter/filter_reject.h"
#include "filter/node_value.h"

#include <stdlib.h>

/* How one outgoing column is made. */
struct made {
    size_t from; /* index in the schema in; SIZE_MAX: a constant */
    enum pen_type type;
    bool has_default; /* constant, or what replaces null */
    struct pen_node_value value;
};

/* One of the three lists. */
struct entry_list {
    const struct pen_node *node;
    struct pen_column_entry *entries;
    size_t count;
};

struct column_state {
    struct entry_list columns, add_columns, drop_columns;
    struct pen_time_words times;
    struct made *made;
    size_t made_count, made_cap;
    struct pen_column_json **json; /* per column of the schema in: edits inside it, or NULL */
    size_t json_count;
};

#define ENTRY(member) offsetof(struct pen_column_entry, member)

static const struct pen_option entry_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(name),
     .is_required = true,
     .help = "name of the column, or JSONPath of a member of a json column"},
    {.key = "src",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(src),
     .help = "incoming column to copy from; without it the one called name"},
    {.key = "type",
     .kind = PEN_OPTION_ENUM,
     .offset = ENTRY(type),
     .choices = pen_type_choices,
     .help = "type of a constant; a copied column keeps its own"},
    {.key = "default",
     .kind = PEN_OPTION_NODE,
     .offset = ENTRY(default_value),
     .help = "value of a constant, and what replaces null"},
    {.key = "format",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(times.format),
     .help = "of a timestamp default; without it default_timestamp_format"},
    {.key = "timezone",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(times.timezone),
     .help = "of a timestamp default; without it default_timezone"},
    {.key = NULL},
};

/* Only names matter here; the other keys of an entry may be written, as in the original. */
static const struct pen_option drop_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(name),
     .is_required = true,
     .help = "name of the column, or JSONPath of a member of a json column"},
    {.key = "src", .kind = PEN_OPTION_IGNORED},
    {.key = "type", .kind = PEN_OPTION_IGNORED},
    {.key = "default", .kind = PEN_OPTION_IGNORED},
    {.key = "format", .kind = PEN_OPTION_IGNORED},
    {.key = "timezone", .kind = PEN_OPTION_IGNORED},
    {.key = NULL},
};

#define AT(member) offsetof(struct column_state, member)

static const struct pen_option options[] = {
    {.key = "columns",
     .kind = PEN_OPTION_LIST,
     .offset = AT(columns.node),
     .help = "columns to retain, in this order",
     .entries = entry_options},
    {.key = "add_columns",
     .kind = PEN_OPTION_LIST,
     .offset = AT(add_columns.node),
     .help = "columns to append: copies by src, constants by type and default",
     .entries = entry_options},
    {.key = "drop_columns",
     .kind = PEN_OPTION_LIST,
     .offset = AT(drop_columns.node),
     .help = "columns to leave out, by name",
     .entries = drop_options},
    {.key = "default_timestamp_format",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(times.format),
     .default_text = "%Y-%m-%d %H:%M:%S.%N %z",
     .help = "format of timestamp defaults"},
    {.key = "default_timezone",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(times.timezone),
     .default_text = "UTC",
     .help = "zone of timestamp defaults"},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* --- defaults --------------------------------------------------------------------------------- */

static enum pen_code bind_default(const struct pen_filter *filter,
                                  const struct pen_column_entry *entry, struct made *made,
                                  struct pen_error *err)
{
    const struct column_state *state = filter->state;
    const struct pen_node *node = entry->default_value;
    if (node == NULL || node->kind == PEN_NODE_NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *format = NULL;
    if (made->type == PEN_TYPE_TIMESTAMP)
        PEN_TRY(pen_time_words_compile(pen_time_words_or(entry->times, state->times), entry->name,
                                       entry->node, &filter->bind, &format, err));
    bool is_value = false;
    PEN_TRY(pen_node_value_read(node, made->type, format, filter->bind.arena, &made->value,
                                &is_value, err));
    if (!is_value)
        return pen_fail_at(&filter->bind, node, err, "default '%.*s' is no %s", PEN_ARG(node->text),
                           pen_type_name(made->type));
    made->has_default = true;
    return PEN_OK;
}

/* --- planning --------------------------------------------------------------------------------- */

static enum pen_code add_made(struct pen_filter *filter, struct made made, struct pen_slice name,
                              const char *format, struct pen_schema *out, struct pen_error *err)
{
    struct column_state *state = filter->state;
    if (state->made_count == state->made_cap) {
        size_t cap = state->made_cap == 0 ? 16 : state->made_cap * 2;
        struct made *grown = realloc(state->made, cap * sizeof *grown);
        if (grown == NULL)
            return pen_fail_nomem(err);
        state->made = grown;
        state->made_cap = cap;
    }
    state->made[state->made_count++] = made;
    return pen_schema_add(out, name, made.type, format, err);
}

static bool is_path(struct pen_slice name)
{
    return name.len > 0 && name.ptr[0] == '$';
}

/* One entry of columns or add_columns that names a plain column. */
static enum pen_code plan_plain(struct pen_filter *filter, const struct pen_column_entry *entry,
                                bool is_adding, const struct pen_schema *in, struct pen_schema *out,
                                struct pen_error *err)
{
    struct pen_slice name = pen_slice_str(entry->name);
    struct pen_slice source = entry->src != NULL ? pen_slice_str(entry->src) : name;
    size_t from = is_adding && entry->src == NULL ? SIZE_MAX : pen_schema_find(in, source);
    struct made made = {.from = from};
    if (from != SIZE_MAX) {
        made.type = in->fields[from].type;
        PEN_TRY(bind_default(filter, entry, &made, err));
        return add_made(filter, made, name, in->fields[from].format, out, err);
    }
    if (!entry->has_type || entry->default_value == NULL)
        return pen_filter_fail_column(
            filter, entry->node, in, source, err,
            "%s: Column '%.*s' does not have \"type\" and \"default\", and is not found",
            is_adding ? "add_columns" : "columns", PEN_ARG(source));
    made.type = (enum pen_type)entry->type;
    PEN_TRY(bind_default(filter, entry, &made, err));
    return add_made(filter, made, name, NULL, out, err);
}

/* An entry whose name is a JSONPath: an edit of the json column it begins with. */
static enum pen_code plan_path(struct pen_filter *filter, const struct pen_column_entry *written,
                               enum pen_column_json_kind kind, const struct pen_schema *in,
                               struct pen_error *err)
{
    struct column_state *state = filter->state;
    struct pen_json_path path;
    struct pen_error reason = {0};
    if (pen_json_path_compile(pen_slice_str(written->name), filter->bind.arena, &path, &reason) !=
        PEN_OK)
        return pen_fail_at(&filter->bind, written->node, err, "%s", reason.message);
    if (path.count < 2 || path.steps[0].kind != PEN_JSON_STEP_MEMBER)
        return pen_fail_at(&filter->bind, written->node, err,
                           "JSONPath '%s' must name a column and a place inside it", written->name);
    struct pen_slice name = path.steps[0].name;
    size_t column = pen_schema_find(in, name);
    if (column == SIZE_MAX)
        return pen_filter_fail_column(filter, written->node, in, name, err,
                                      "JSONPath '%s': column '%.*s' is not found", written->name,
                                      PEN_ARG(name));
    if (in->fields[column].type != PEN_TYPE_JSON)
        return pen_fail_at(&filter->bind, written->node, err,
                           "JSONPath '%s': column '%s' is not json", written->name,
                           in->fields[column].name);
    struct pen_column_json_entry entry = {
        .kind = kind, .steps = path.steps + 1, .count = path.count - 1, .written = written};
    return pen_column_json_add(&state->json[column], &entry, &filter->bind, err);
}

/* The entries of a list: paths go to the json columns, plain names become columns. */
static enum pen_code plan_list(struct pen_filter *filter, const struct entry_list *list,
                               enum pen_column_json_kind kind, const struct pen_schema *in,
                               struct pen_schema *out, struct pen_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct pen_column_entry *entry = &list->entries[i];
        struct pen_slice name = pen_slice_str(entry->name);
        if (is_path(name))
            PEN_TRY(plan_path(filter, entry, kind, in, err));
        else if (kind != PEN_COLUMN_JSON_DROP)
            PEN_TRY(plan_plain(filter, entry, kind == PEN_COLUMN_JSON_ADD, in, out, err));
        else if (pen_schema_find(in, name) == SIZE_MAX)
            pen_filter_warn_column(filter, entry->node, in, name);
    }
    return PEN_OK;
}

static bool is_dropped(const struct column_state *state, const char *name)
{
    for (size_t i = 0; i < state->drop_columns.count; i++)
        if (strcmp(state->drop_columns.entries[i].name, name) == 0)
            return true;
    return false;
}

/* All columns of the schema in, but those that drop_columns names. */
static enum pen_code keep_others(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *out, struct pen_error *err)
{
    for (size_t i = 0; i < in->count; i++) {
        const struct pen_field *field = &in->fields[i];
        if (is_dropped(filter->state, field->name))
            continue;
        struct made made = {.from = i, .type = field->type};
        PEN_TRY(add_made(filter, made, pen_slice_str(field->name), field->format, out, err));
    }
    return PEN_OK;
}

static enum pen_code column_plan(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *ret_out, struct pen_error *err)
{
    struct column_state *state = filter->state;
    state->json = calloc(in->count + 1, sizeof(struct pen_column_json *));
    if (state->json == NULL)
        return pen_fail_nomem(err);
    state->json_count = in->count;
    PEN_TRY(plan_list(filter, &state->columns, PEN_COLUMN_JSON_RETAIN, in, ret_out, err));
    PEN_TRY(plan_list(filter, &state->drop_columns, PEN_COLUMN_JSON_DROP, in, ret_out, err));
    if (state->columns.count == 0)
        PEN_TRY(keep_others(filter, in, ret_out, err));
    return plan_list(filter, &state->add_columns, PEN_COLUMN_JSON_ADD, in, ret_out, err);
}

static enum pen_code bind_list(struct pen_filter *filter, const struct pen_option *table,
                               struct entry_list *list, const char *key, struct pen_error *err)
{
    if (list->node == NULL)
        return PEN_OK;
    PEN_TRY(pen_options_bind_list(table, list->node, key, sizeof *list->entries, &filter->bind,
                                  &list->entries, err));
    const struct pen_node *item = list->node->first;
    for (; list->count < list->node->count; list->count++, item = item->next) {
        struct pen_column_entry *entry = &list->entries[list->count];
        const struct pen_node *type = pen_node_get(item, "type"), *value = entry->default_value;
        if (value != NULL && (value->kind == PEN_NODE_LIST || value->kind == PEN_NODE_MAP))
            return pen_fail_at(&filter->bind, value, err,
                               "'default' must be one value; put JSON into quotes");
        entry->node = item;
        entry->has_type = type != NULL && type->kind != PEN_NODE_NULL;
    }
    return PEN_OK;
}

static enum pen_code column_open(struct pen_filter *filter, struct pen_error *err)
{
    struct column_state *state = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, state, &filter->bind, err));
    PEN_TRY(bind_list(filter, entry_options, &state->columns, "columns", err));
    PEN_TRY(bind_list(filter, entry_options, &state->add_columns, "add_columns", err));
    PEN_TRY(bind_list(filter, drop_options, &state->drop_columns, "drop_columns", err));
    if (state->columns.count > 0 && state->drop_columns.count > 0)
        return pen_fail_at(&filter->bind, filter->config, err,
                           "Either of \"columns\", \"drop_columns\" can be specified.");
    return PEN_OK;
}

static void column_close(struct pen_filter *filter)
{
    struct column_state *state = filter->state;
    for (size_t i = 0; i < state->json_count; i++)
        pen_column_json_free(state->json[i]);
    free(state->json);
    free(state->made);
}

/* --- batches ---------------------------------------------------------------------------------- */

struct local {
    struct pen_column_json_scratch scratch;
};

static enum pen_code column_local_open(struct pen_filter_local *filter_local, struct pen_error *err)
{
    (void)err; /* nothing is allocated yet */
    pen_column_json_scratch_init(&((struct local *)filter_local->state)->scratch);
    return PEN_OK;
}

static void column_local_close(struct pen_filter_local *filter_local)
{
    pen_column_json_scratch_release(&((struct local *)filter_local->state)->scratch);
}

/* Rows from..to of the column become the default. A text lives in the configuration's arena, longer
 * than any batch. */
static void put_default(const struct made *made, struct pen_column *column, size_t from, size_t to)
{
    const struct pen_node_value *value = &made->value;
    struct pen_string text;
    switch (made->type) {
    case PEN_TYPE_BOOLEAN:
        memset(pen_column_booleans(column) + from, (int)value->integer, to - from);
        break;
    case PEN_TYPE_LONG:
        for (size_t row = from; row < to; row++)
            pen_column_longs(column)[row] = value->integer;
        break;
    case PEN_TYPE_DOUBLE:
        for (size_t row = from; row < to; row++)
            pen_column_doubles(column)[row] = value->number;
        break;
    case PEN_TYPE_TIMESTAMP:
        for (size_t row = from; row < to; row++) {
            pen_column_longs(column)[row] = value->integer;
            column->nanos[row] = value->ns;
        }
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        text = pen_string_make(value->text.ptr, value->text.len);
        for (size_t row = from; row < to; row++)
            pen_column_strings(column)[row] = text;
        break;
    }
    for (size_t row = from; row < to; row++)
        pen_column_set_valid(column, row, true);
}

/* A column of its own, because the source may be used several times. */
static enum pen_code copy_with_default(const struct made *made, struct pen_batch *batch,
                                       const struct pen_column *from, struct pen_column *ret_column,
                                       struct pen_error *err)
{
    PEN_TRY(pen_batch_new_column(batch, made->type, ret_column, err));
    memcpy(ret_column->data, from->data, batch->rows * pen_value_bytes(made->type));
    memcpy(ret_column->validity, from->validity, (batch->rows + 63) / 64 * 8);
    if (made->type == PEN_TYPE_TIMESTAMP)
        memcpy(ret_column->nanos, from->nanos, batch->rows * sizeof *from->nanos);
    for (size_t row = 0; row < batch->rows; row++)
        if (!pen_column_is_valid(ret_column, row))
            put_default(made, ret_column, row, row + 1);
    return PEN_OK;
}

static enum pen_code make_column(const struct made *made, struct pen_batch *batch,
                                 const struct pen_column *in, struct pen_column *ret_column,
                                 struct pen_error *err)
{
    if (made->from != SIZE_MAX && !made->has_default) {
        *ret_column = in[made->from];
        return PEN_OK;
    }
    if (made->from != SIZE_MAX)
        return copy_with_default(made, batch, &in[made->from], ret_column, err);
    PEN_TRY(pen_batch_new_column(batch, made->type, ret_column, err));
    if (made->has_default)
        put_default(made, ret_column, 0, batch->rows);
    return PEN_OK;
}

static enum pen_code column_apply(struct pen_filter_local *filter_local, struct pen_batch *batch,
                                  struct pen_error *err)
{
    const struct column_state *state = filter_local->filter->state;
    struct local *local = filter_local->state;
    for (size_t i = 0; i < state->json_count; i++)
        if (state->json[i] != NULL)
            PEN_TRY(pen_column_json_apply(state->json[i], &local->scratch, batch, i, err));
    struct pen_column *columns =
        pen_arena_alloc(&batch->arena, (state->made_count + 1) * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < state->made_count; i++)
        PEN_TRY(make_column(&state->made[i], batch, batch->columns, &columns[i], err));
    return pen_batch_set_columns(batch, columns, state->made_count, err);
}

#define COLUMN_TYPE(type_name, text, example_text)                                                 \
    {                                                                                              \
        .info = {.name = (type_name),                                                              \
                 .summary = (text),                                                                \
                 .options = options,                                                               \
                 .example = (example_text),                                                        \
                 .state_size = sizeof(struct column_state)},                                       \
        .local_size = sizeof(struct local), .open = column_open, .plan = column_plan,              \
        .local_open = column_local_open, .local_close = column_local_close, .apply = column_apply, \
        .close = column_close,                                                                     \
    }

#define RETAIN "columns:\n  - {name: id}\n  - {name: country, default: unknown}\n"
#define ADD    "add_columns:\n  - {name: source, type: string, default: web}\n"

const struct pen_filter_type pen_filter_column = COLUMN_TYPE(
    "column", "retains, adds and drops columns, and members of json columns", RETAIN ADD);
const struct pen_filter_type pen_filter_retain_columns =
    COLUMN_TYPE("retain_columns", "type column by the console's word", RETAIN);
const struct pen_filter_type pen_filter_add_columns =
    COLUMN_TYPE("add_columns", "type column by the console's word", ADD);
const struct pen_filter_type pen_filter_drop_columns = COLUMN_TYPE(
    "drop_columns", "type column by the console's word", "drop_columns:\n  - {name: country}\n");
