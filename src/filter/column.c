/* column.c - retains, adds and drops columns, and members inside json columns.
 *
 *     columns (retain) | drop_columns --> add_columns --> schema out
 *     names that begin with $ act inside a json column: see column_json.h
 *
 * Types `column`, and by the console's words `retain_columns`, `add_columns`, `drop_columns`, which
 * take the same options. Costs nothing per row for plain columns. source: spec/filters.md 1. */
#include "filter/column_json.h"
#include "filter/filter_reject.h"

#include "base/number.h"
#include "tz/time_format.h"

#include <stdlib.h>

/* How one outgoing column is made. */
struct made {
    size_t from; /* index in the schema in; SIZE_MAX: a constant */
    enum pen_type type;
    bool has_default; /* constant, or what replaces null */
    uint8_t boolean;
    int64_t integer; /* long; microseconds of a timestamp */
    uint16_t ns;
    double number;
    struct pen_slice text; /* string; canonical json */
};

struct column_state {
    const struct pen_node *columns, *add_columns, *drop_columns;
    char *default_format, *default_timezone;
    struct made *made;
    size_t made_count, made_cap;
    struct pen_column_json **json; /* per column of the schema in: edits inside it, or NULL */
    size_t json_count;
};

#define AT(member) offsetof(struct column_state, member)

static const struct pen_option options[] = {
    {.key = "columns",
     .kind = PEN_OPTION_NODE,
     .offset = AT(columns),
     .help = "columns to retain, in this order: {name, src, default, type, format, timezone}"},
    {.key = "add_columns",
     .kind = PEN_OPTION_NODE,
     .offset = AT(add_columns),
     .help = "columns to append: {name, src} or {name, type, default}"},
    {.key = "drop_columns",
     .kind = PEN_OPTION_NODE,
     .offset = AT(drop_columns),
     .help = "columns to leave out: {name}"},
    {.key = "default_timestamp_format",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(default_format),
     .default_text = "%Y-%m-%d %H:%M:%S.%N %z",
     .help = "format of timestamp defaults"},
    {.key = "default_timezone",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(default_timezone),
     .default_text = "UTC",
     .help = "zone of timestamp defaults"},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* --- defaults --------------------------------------------------------------------------------- */

static const char *member_text(const struct pen_node *item, const char *key, const char *otherwise)
{
    const struct pen_node *member = pen_node_get(item, key);
    return member == NULL || member->kind == PEN_NODE_NULL ? otherwise : member->text.ptr;
}

static enum pen_code bad_default(const struct pen_filter *filter, const struct pen_node *node,
                                 enum pen_type type, struct pen_error *err)
{
    return pen_fail_at(&filter->bind, node, err, "default '%.*s' is no %s", PEN_ARG(node->text),
                       pen_type_name(type));
}

static enum pen_code timestamp_default(const struct pen_filter *filter, const struct pen_node *item,
                                       const struct pen_node *node, struct made *made,
                                       struct pen_error *err)
{
    const struct column_state *state = filter->state;
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *format = NULL;
    PEN_TRY(pen_time_format_new(member_text(item, "format", state->default_format),
                                member_text(item, "timezone", state->default_timezone), NULL,
                                &format, err));
    struct pen_instant instant;
    if (!pen_time_format_parse(format, node->text, &instant, NULL))
        return bad_default(filter, node, made->type, err);
    made->integer = instant.utc_us;
    made->ns = instant.ns;
    return PEN_OK;
}

static enum pen_code json_default(const struct pen_filter *filter, const struct pen_node *node,
                                  struct made *made, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_slice canonical;
    size_t used = 0;
    if (pen_json_canonical(node->text, &scratch, &canonical, &used, NULL) != PEN_OK ||
        !pen_json_is_blank(pen_slice_skip(node->text, used)))
        return bad_default(filter, node, made->type, err);
    char *copy = pen_arena_copy(filter->bind.arena, canonical);
    if (copy == NULL)
        return pen_fail_nomem(err);
    made->text = pen_slice(copy, canonical.len);
    return PEN_OK;
}

static enum pen_code bind_default(const struct pen_filter *filter, const struct pen_node *item,
                                  struct made *made, struct pen_error *err)
{
    const struct pen_node *node = pen_node_get(item, "default");
    if (node == NULL || node->kind == PEN_NODE_NULL)
        return PEN_OK;
    made->has_default = true;
    bool is_number = node->kind == PEN_NODE_INT || node->kind == PEN_NODE_DOUBLE;
    switch (made->type) {
    case PEN_TYPE_BOOLEAN:
        made->boolean =
            node->kind == PEN_NODE_BOOL ? node->boolean : pen_slice_is(node->text, "true");
        if (node->kind != PEN_NODE_BOOL && !made->boolean && !pen_slice_is(node->text, "false"))
            return bad_default(filter, node, made->type, err);
        return PEN_OK;
    case PEN_TYPE_LONG:
        made->integer = node->integer;
        return node->kind == PEN_NODE_INT || pen_parse_long(node->text, &made->integer)
                   ? PEN_OK
                   : bad_default(filter, node, made->type, err);
    case PEN_TYPE_DOUBLE:
        made->number = node->number;
        return is_number || pen_parse_double(node->text, &made->number)
                   ? PEN_OK
                   : bad_default(filter, node, made->type, err);
    case PEN_TYPE_TIMESTAMP:
        return timestamp_default(filter, item, node, made, err);
    case PEN_TYPE_JSON:
        return json_default(filter, node, made, err);
    case PEN_TYPE_STRING:
        break;
    }
    made->text = node->text;
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

static enum pen_code entry_name(const struct pen_filter *filter, const struct pen_node *item,
                                struct pen_slice *ret_name, struct pen_error *err)
{
    const struct pen_node *name = pen_node_get(item, "name");
    if (name == NULL || name->kind == PEN_NODE_NULL)
        return pen_fail_at(&filter->bind, item, err, "field 'name' is required but not set");
    *ret_name = name->text;
    return PEN_OK;
}

/* One entry of columns or add_columns that names a plain column. */
static enum pen_code plan_entry(struct pen_filter *filter, const struct pen_node *item,
                                struct pen_slice name, const char *list,
                                const struct pen_schema *in, struct pen_schema *out,
                                struct pen_error *err)
{
    const struct pen_node *src = pen_node_get(item, "src");
    bool is_adding = strcmp(list, "add_columns") == 0;
    struct pen_slice source = src != NULL ? src->text : name;
    size_t from = is_adding && src == NULL ? SIZE_MAX : pen_schema_find(in, source);
    struct made made = {.from = from};
    if (from != SIZE_MAX) {
        made.type = in->fields[from].type;
        PEN_TRY(bind_default(filter, item, &made, err));
        return add_made(filter, made, name, in->fields[from].format, out, err);
    }
    const struct pen_node *type = pen_node_get(item, "type");
    if (type == NULL || pen_node_get(item, "default") == NULL)
        return pen_filter_fail_column(
            filter, item, in, source, err,
            "%s: Column '%.*s' does not have \"type\" and \"default\", and is not found", list,
            PEN_ARG(source));
    if (!pen_type_from_name(type->text, &made.type))
        return pen_fail_at(&filter->bind, type, err, "column '%.*s': unknown type '%.*s'",
                           PEN_ARG(name), PEN_ARG(type->text));
    PEN_TRY(bind_default(filter, item, &made, err));
    return add_made(filter, made, name, NULL, out, err);
}

/* An entry whose name is a JSONPath: an edit of the json column it begins with. */
static enum pen_code plan_path(struct pen_filter *filter, const struct pen_node *item,
                               struct pen_slice name, enum pen_column_json_kind kind,
                               const struct pen_schema *in, struct pen_error *err)
{
    struct column_state *state = filter->state;
    struct pen_json_path path;
    struct pen_error reason = {0};
    if (pen_json_path_compile(name, filter->bind.arena, &path, &reason) != PEN_OK)
        return pen_fail_at(&filter->bind, item, err, "%s", reason.message);
    if (path.count < 2 || path.steps[0].kind != PEN_JSON_STEP_MEMBER)
        return pen_fail_at(&filter->bind, item, err,
                           "JSONPath '%.*s' must name a column and a place inside it",
                           PEN_ARG(name));
    size_t column = pen_schema_find(in, path.steps[0].name);
    if (column == SIZE_MAX)
        return pen_filter_fail_column(filter, item, in, path.steps[0].name, err,
                                      "JSONPath '%.*s': column '%.*s' is not found", PEN_ARG(name),
                                      PEN_ARG(path.steps[0].name));
    if (in->fields[column].type != PEN_TYPE_JSON)
        return pen_fail_at(&filter->bind, item, err, "JSONPath '%.*s': column '%s' is not json",
                           PEN_ARG(name), in->fields[column].name);
    struct pen_column_json_entry entry = {
        .kind = kind, .steps = path.steps + 1, .count = path.count - 1, .item = item};
    return pen_column_json_add(&state->json[column], &entry, &filter->bind, err);
}

typedef enum pen_code (*entry_fn)(struct pen_filter *filter, const struct pen_node *item,
                                  struct pen_slice name, const char *list,
                                  const struct pen_schema *in, struct pen_schema *out,
                                  struct pen_error *err);

/* One of the three lists. */
struct entry_list {
    const struct pen_node *node;
    const char *name;
    enum pen_column_json_kind kind;
    entry_fn plain; /* for entries that are no paths; NULL: they are looked at elsewhere */
};

/* The entries of a list: paths go to the json columns, plain names to `plain`. */
static enum pen_code plan_list(struct pen_filter *filter, const struct entry_list *entries,
                               const struct pen_schema *in, struct pen_schema *out,
                               struct pen_error *err)
{
    const struct pen_node *list = entries->node;
    if (list != NULL && list->kind != PEN_NODE_LIST)
        return pen_fail_at(&filter->bind, list, err, "'%s' must be a list", entries->name);
    for (const struct pen_node *item = list == NULL ? NULL : list->first; item != NULL;
         item = item->next) {
        struct pen_slice column;
        PEN_TRY(entry_name(filter, item, &column, err));
        if (is_path(column))
            PEN_TRY(plan_path(filter, item, column, entries->kind, in, err));
        else if (entries->plain != NULL)
            PEN_TRY(entries->plain(filter, item, column, entries->name, in, out, err));
    }
    return PEN_OK;
}

static bool has_plain_entry(const struct pen_node *list, struct pen_slice name)
{
    for (const struct pen_node *item = list == NULL ? NULL : list->first; item != NULL;
         item = item->next) {
        const struct pen_node *entry = pen_node_get(item, "name");
        if (entry != NULL && pen_slice_equal(entry->text, name))
            return true;
    }
    return false;
}

/* All columns of the schema in, but those that drop_columns names. */
static enum pen_code keep_others(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *out, struct pen_error *err)
{
    const struct column_state *state = filter->state;
    for (size_t i = 0; i < in->count; i++) {
        const struct pen_field *field = &in->fields[i];
        struct pen_slice name = pen_slice_str(field->name);
        if (has_plain_entry(state->drop_columns, name))
            continue;
        struct made made = {.from = i, .type = field->type};
        PEN_TRY(add_made(filter, made, name, field->format, out, err));
    }
    return PEN_OK;
}

static bool has_entries(const struct pen_node *list)
{
    return list != NULL && list->kind == PEN_NODE_LIST && list->count > 0;
}

static enum pen_code column_plan(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *ret_out, struct pen_error *err)
{
    struct column_state *state = filter->state;
    state->json = calloc(in->count + 1, sizeof(struct pen_column_json *));
    if (state->json == NULL)
        return pen_fail_nomem(err);
    state->json_count = in->count;
    bool is_retaining = has_entries(state->columns);
    const struct entry_list columns = {state->columns, "columns", PEN_COLUMN_JSON_RETAIN,
                                       plan_entry};
    const struct entry_list dropped = {state->drop_columns, "drop_columns", PEN_COLUMN_JSON_DROP,
                                       NULL};
    const struct entry_list added = {state->add_columns, "add_columns", PEN_COLUMN_JSON_ADD,
                                     plan_entry};
    PEN_TRY(plan_list(filter, &columns, in, ret_out, err));
    PEN_TRY(plan_list(filter, &dropped, in, ret_out, err));
    if (!is_retaining)
        PEN_TRY(keep_others(filter, in, ret_out, err));
    return plan_list(filter, &added, in, ret_out, err);
}

static enum pen_code column_open(struct pen_filter *filter, struct pen_error *err)
{
    struct column_state *state = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, state, &filter->bind, err));
    if (has_entries(state->columns) && has_entries(state->drop_columns))
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

static void put_default(const struct made *made, struct pen_column *column, size_t row)
{
    switch (made->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(column)[row] = made->boolean;
        break;
    case PEN_TYPE_LONG:
        pen_column_longs(column)[row] = made->integer;
        break;
    case PEN_TYPE_DOUBLE:
        pen_column_doubles(column)[row] = made->number;
        break;
    case PEN_TYPE_TIMESTAMP:
        pen_column_longs(column)[row] = made->integer;
        column->nanos[row] = made->ns;
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON: /* the text lives in the configuration's arena, longer than any batch */
        pen_column_strings(column)[row] = pen_string_make(made->text.ptr, made->text.len);
        break;
    }
    pen_column_set_valid(column, row, true);
}

static size_t value_bytes(enum pen_type type)
{
    if (type == PEN_TYPE_STRING || type == PEN_TYPE_JSON)
        return sizeof(struct pen_string);
    return type == PEN_TYPE_BOOLEAN ? 1 : 8;
}

/* A column of its own, because the source may be used several times. */
static enum pen_code copy_with_default(const struct made *made, struct pen_batch *batch,
                                       const struct pen_column *from, struct pen_column *ret_column,
                                       struct pen_error *err)
{
    PEN_TRY(pen_batch_new_column(batch, made->type, ret_column, err));
    memcpy(ret_column->data, from->data, batch->rows * value_bytes(made->type));
    memcpy(ret_column->validity, from->validity, (batch->rows + 63) / 64 * 8);
    if (made->type == PEN_TYPE_TIMESTAMP)
        memcpy(ret_column->nanos, from->nanos, batch->rows * sizeof *from->nanos);
    for (size_t row = 0; row < batch->rows; row++)
        if (!pen_column_is_valid(ret_column, row))
            put_default(made, ret_column, row);
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
    for (size_t row = 0; made->has_default && row < batch->rows; row++)
        put_default(made, ret_column, row);
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

#define COLUMN_TYPE(type_name, text)                                                               \
    {                                                                                              \
        .info = {.name = (type_name),                                                              \
                 .summary = (text),                                                                \
                 .options = options,                                                               \
                 .state_size = sizeof(struct column_state)},                                       \
        .local_size = sizeof(struct local), .open = column_open, .plan = column_plan,              \
        .local_open = column_local_open, .local_close = column_local_close, .apply = column_apply, \
        .close = column_close,                                                                     \
    }

const struct pen_filter_type pen_filter_column =
    COLUMN_TYPE("column", "retains, adds and drops columns, and members of json columns");
const struct pen_filter_type pen_filter_retain_columns =
    COLUMN_TYPE("retain_columns", "type column by the console's word");
const struct pen_filter_type pen_filter_add_columns =
    COLUMN_TYPE("add_columns", "type column by the console's word");
const struct pen_filter_type pen_filter_drop_columns =
    COLUMN_TYPE("drop_columns", "type column by the console's word");
