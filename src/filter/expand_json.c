/* expand_json.c - members of a json (or string) column as columns of their own.
 *
 *     json text --tree--> path per expanded column --> text --by type--> value
 *
 * The json column is replaced in place by the expanded ones, or followed by them when it is kept.
 * Malformed JSON in a string column rejects the record (the original fails the job).
 * source: spec/filters.md 2. */
#include "filter/filter_reject.h"
#include "filter/json_path.h"

#include "base/number.h"
#include "base/utf8.h"
#include "tz/time_options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct expanded {
    char *name;
    int type;                    /* enum pen_type */
    struct pen_time_words times; /* timestamps only */
    const struct pen_node *node;
    struct pen_json_path path;
    struct pen_time_format *format; /* timestamps only */
};

struct expand {
    char *column_name, *root;
    const struct pen_node *columns_node;
    bool is_kept, stop_on_invalid_record;
    struct pen_time_words times;
    const struct pen_node *time_zone;
    struct expanded *columns; /* in the configuration's arena */
    size_t count, column;     /* index of the json column */
};

#define ENTRY(member) offsetof(struct expanded, member)

static const struct pen_option column_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(name),
     .is_required = true,
     .help = "name of the new column, and the end of its JSONPath"},
    {.key = "type",
     .kind = PEN_OPTION_ENUM,
     .offset = ENTRY(type),
     .is_required = true,
     .choices = pen_type_choices,
     .help = "type of the new column"},
    {.key = "format",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(times.format),
     .help = "of a timestamp; without it default_timestamp_format"},
    {.key = "timezone",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(times.timezone),
     .help = "of a timestamp; without it default_timezone"},
    {.key = "date",
     .kind = PEN_OPTION_TEXT,
     .offset = ENTRY(times.date),
     .help = "of a timestamp; without it default_date"},
    {.key = NULL},
};

#define AT(member) offsetof(struct expand, member)

static const struct pen_option options[] = {
    {.key = "json_column_name",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(column_name),
     .is_required = true,
     .help = "the json or string column to expand"},
    {.key = "root",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(root),
     .default_text = "$.",
     .help = "put before each name to make its JSONPath"},
    {.key = "expanded_columns",
     .kind = PEN_OPTION_LIST,
     .offset = AT(columns_node),
     .is_required = true,
     .help = "the new columns",
     .entries = column_options},
    {.key = "keep_expanding_json_column",
     .kind = PEN_OPTION_BOOL,
     .offset = AT(is_kept),
     .default_text = "false",
     .help = "the json column stays, before the expanded ones"},
    {.key = "stop_on_invalid_record",
     .kind = PEN_OPTION_BOOL,
     .offset = AT(stop_on_invalid_record),
     .default_text = "false",
     .help = "a record that cannot be converted fails the job"},
    {.key = "default_timezone",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(times.timezone),
     .default_text = "UTC",
     .help = "zone of timestamps that say none"},
    {.key = "default_timestamp_format",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(times.format),
     .default_text = "%Y-%m-%d %H:%M:%S.%N %z",
     .help = "format of timestamps"},
    {.key = "default_date",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(times.date),
     .default_text = "1970-01-01",
     .help = "date of timestamps that say none"},
    {.key = "cache_provider", .kind = PEN_OPTION_IGNORED, .help = "paths are compiled once"},
    {.key = "time_zone",
     .kind = PEN_OPTION_NODE,
     .offset = AT(time_zone),
     .help = "refused: use default_timezone"},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* --- configuration ---------------------------------------------------------------------------- */

static enum pen_code compile_path(struct pen_filter *filter, struct expanded *column,
                                  struct pen_error *err)
{
    const struct expand *expand = filter->state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_str(&text, expand->root, err));
    PEN_TRY(pen_buf_add_str(&text, column->name, err));
    char *copy = pen_arena_copy(filter->bind.arena, pen_buf_slice(&text));
    if (copy == NULL)
        return pen_fail_nomem(err);
    struct pen_error reason = {0};
    if (pen_json_path_compile(pen_slice(copy, text.len), filter->bind.arena, &column->path,
                              &reason) != PEN_OK)
        return pen_fail_at(&filter->bind, column->node, err, "%s", reason.message);
    return PEN_OK;
}

static enum pen_code open_column(struct pen_filter *filter, struct expanded *column,
                                 struct pen_error *err)
{
    const struct expand *expand = filter->state;
    for (const struct expanded *other = expand->columns; other < column; other++)
        if (strcmp(other->name, column->name) == 0)
            return pen_fail_at(&filter->bind, column->node, err,
                               "expanded_columns has the name '%s' twice", column->name);
    PEN_TRY(compile_path(filter, column, err));
    if (column->type != PEN_TYPE_TIMESTAMP)
        return PEN_OK;
    return pen_time_words_compile(pen_time_words_or(column->times, expand->times), column->name,
                                  column->node, &filter->bind, &column->format, err);
}

static enum pen_code open_columns(struct pen_filter *filter, struct pen_error *err)
{
    struct expand *expand = filter->state;
    const struct pen_node *list = expand->columns_node, *item = list->first;
    PEN_TRY(pen_options_bind_list(column_options, list, "expanded_columns", sizeof *expand->columns,
                                  &filter->bind, &expand->columns, err));
    expand->count = list->count;
    for (size_t i = 0; i < expand->count; i++, item = item->next) {
        expand->columns[i].node = item;
        PEN_TRY(open_column(filter, &expand->columns[i], err));
    }
    return PEN_OK;
}

static enum pen_code expand_open(struct pen_filter *filter, struct pen_error *err)
{
    struct expand *expand = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, expand, &filter->bind, err));
    if (expand->time_zone != NULL) {
        (void)pen_fail_at(&filter->bind, expand->time_zone, err,
                          "'time_zone' option will be deprecated");
        pen_error_hint(err, "use 'default_timezone'");
        return PEN_ERR_CONFIG;
    }
    return open_columns(filter, err);
}

static enum pen_code add_expanded(const struct pen_filter *filter, const struct pen_schema *in,
                                  struct pen_schema *out, struct pen_error *err)
{
    const struct expand *expand = filter->state;
    for (size_t i = 0; i < expand->count; i++) {
        const struct expanded *column = &expand->columns[i];
        size_t other = pen_schema_find(in, pen_slice_str(column->name));
        if (other != SIZE_MAX && (other != expand->column || expand->is_kept))
            return pen_fail_at(&filter->bind, column->node, err,
                               "expanded column '%s' is duplicated with another column",
                               column->name);
        PEN_TRY(pen_schema_add(out, pen_slice_str(column->name), (enum pen_type)column->type, NULL,
                               err));
    }
    return PEN_OK;
}

static enum pen_code expand_plan(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *ret_out, struct pen_error *err)
{
    struct expand *expand = filter->state;
    expand->column = pen_schema_find(in, pen_slice_str(expand->column_name));
    if (expand->column == SIZE_MAX)
        return pen_filter_fail_column(filter, pen_node_get(filter->config, "json_column_name"), in,
                                      pen_slice_str(expand->column_name), err,
                                      "Column '%s' is not found", expand->column_name);
    enum pen_type type = in->fields[expand->column].type;
    if (type != PEN_TYPE_STRING && type != PEN_TYPE_JSON)
        return pen_fail_at(&filter->bind, pen_node_get(filter->config, "json_column_name"), err,
                           "Column '%s' must be string or json but it is %s", expand->column_name,
                           pen_type_name(type));
    for (size_t i = 0; i < in->count; i++) {
        const struct pen_field *field = &in->fields[i];
        if (i != expand->column || expand->is_kept)
            PEN_TRY(pen_schema_add(ret_out, pen_slice_str(field->name), field->type, field->format,
                                   err));
        if (i == expand->column)
            PEN_TRY(add_expanded(filter, in, ret_out, err));
    }
    return PEN_OK;
}

/* --- values ----------------------------------------------------------------------------------- */

struct local {
    struct pen_arena arena; /* the tree of one value */
    struct pen_buf text, scratch;
};

static enum pen_code expand_local_open(struct pen_filter_local *filter_local, struct pen_error *err)
{
    (void)err; /* nothing is allocated yet */
    struct local *local = filter_local->state;
    local->arena = PEN_ARENA((size_t)256 << 20);
    local->text = local->scratch = PEN_BUF((size_t)256 << 20);
    return PEN_OK;
}

static void expand_local_close(struct pen_filter_local *filter_local)
{
    struct local *local = filter_local->state;
    pen_arena_release(&local->arena);
    pen_buf_release(&local->text);
    pen_buf_release(&local->scratch);
}

/* One value on its way into its column. */
struct cell {
    struct pen_filter_local *filter_local;
    const struct expanded *column;
    struct pen_batch *batch;
    struct pen_column *into;
    size_t row;
    struct pen_keep *keep;
};

static enum pen_code invalid(const struct cell *cell, struct pen_slice text, const char *as,
                             struct pen_error *err)
{
    char reason[256];
    struct pen_slice shown = pen_slice(text.ptr, text.len < 120 ? text.len : 120);
    shown.len -= pen_utf8_cut_len(shown);
    int n =
        snprintf(reason, sizeof reason, "Skipped an invalid record (Failed to parse '%.*s' as %s)",
                 PEN_ARG(shown), as);
    const struct pen_filter_problem problem = {cell->column->name, "bad_value",
                                               pen_slice(reason, (size_t)n)};
    PEN_TRY(
        pen_filter_reject(cell->filter_local, cell->batch, cell->row, &problem, cell->keep, err));
    const struct expand *expand = cell->filter_local->filter->state;
    if (!expand->stop_on_invalid_record)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Found an invalid record (Failed to parse '%.*s' as %s)",
                   PEN_ARG(shown), as);
    pen_error_where(err, "%s:%llu", pen_batch_origin(cell->batch, cell->row)->object,
                    (unsigned long long)pen_batch_line(cell->batch, cell->row));
    return PEN_ERR_CORRUPT;
}

static enum pen_code put_text(const struct cell *cell, struct pen_slice text, struct pen_error *err)
{
    const char *copy = pen_arena_copy(&cell->batch->arena, text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    pen_column_strings(cell->into)[cell->row] = pen_string_make(copy, text.len);
    pen_column_set_valid(cell->into, cell->row, true);
    return PEN_OK;
}

/* int64, else a double cut toward zero, saturating. */
static bool parse_long(struct pen_slice text, int64_t *ret_value)
{
    double number = 0;
    if (pen_parse_long(text, ret_value))
        return true;
    if (!pen_parse_double(text, &number))
        return false;
    if (isnan(number))
        *ret_value = 0;
    else if (number >= 9223372036854775808.0)
        *ret_value = INT64_MAX;
    else if (number < -9223372036854775808.0)
        *ret_value = INT64_MIN;
    else
        *ret_value = (int64_t)number;
    return true;
}

static bool is_true(struct pen_slice text)
{
    return text.len == 4 && strncasecmp(text.ptr, "true", 4) == 0;
}

static enum pen_code put_json(const struct cell *cell, struct pen_slice text, struct pen_error *err)
{
    struct local *local = cell->filter_local->state;
    struct pen_slice canonical;
    size_t used = 0;
    enum pen_code code = pen_json_canonical(text, &local->scratch, &canonical, &used, NULL);
    if (code == PEN_ERR_NOMEM)
        return pen_fail_nomem(err);
    if (code != PEN_OK || !pen_json_is_blank(pen_slice_skip(text, used)))
        return invalid(cell, text, "JSON", err);
    return put_text(cell, canonical, err);
}

static enum pen_code put(const struct cell *cell, struct pen_slice text, struct pen_error *err)
{
    size_t row = cell->row;
    struct pen_instant instant;
    switch ((enum pen_type)cell->column->type) {
    case PEN_TYPE_STRING:
        return put_text(cell, text, err);
    case PEN_TYPE_JSON:
        return put_json(cell, text, err);
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(cell->into)[row] = is_true(text);
        break;
    case PEN_TYPE_LONG:
        if (!parse_long(text, &pen_column_longs(cell->into)[row]))
            return invalid(cell, text, "long", err);
        break;
    case PEN_TYPE_DOUBLE:
        if (!pen_parse_double(text, &pen_column_doubles(cell->into)[row]))
            return invalid(cell, text, "double", err);
        break;
    case PEN_TYPE_TIMESTAMP:
        if (!pen_time_format_parse(cell->column->format, text, &instant, NULL))
            return invalid(cell, text, "timestamp", err);
        pen_column_longs(cell->into)[row] = instant.utc_us;
        cell->into->nanos[row] = instant.ns;
        break;
    }
    pen_column_set_valid(cell->into, row, true);
    return PEN_OK;
}

/* The value as text: strings as they are, everything else as JSON; no match and null are null. */
static enum pen_code put_found(const struct cell *cell, const struct pen_json *root,
                               struct pen_error *err)
{
    struct local *local = cell->filter_local->state;
    pen_buf_clear(&local->text);
    if (cell->column->path.has_wildcard) {
        PEN_TRY(pen_json_path_list(&cell->column->path, root, &local->text, err));
        return put(cell, pen_buf_slice(&local->text), err);
    }
    const struct pen_json *found = pen_json_path_find(&cell->column->path, root);
    if (found == NULL || found->kind == PEN_JSON_NULL)
        return PEN_OK;
    if (found->kind == PEN_JSON_STRING)
        return put(cell, found->text, err);
    PEN_TRY(pen_json_write(found, &local->text, err));
    return put(cell, pen_buf_slice(&local->text), err);
}

static enum pen_code expand_row(struct pen_filter_local *filter_local, struct pen_batch *batch,
                                struct pen_column *into, size_t row, struct pen_keep *keep,
                                struct pen_error *err)
{
    const struct expand *expand = filter_local->filter->state;
    struct local *local = filter_local->state;
    struct pen_slice text =
        pen_string_slice(&pen_column_strings(&batch->columns[expand->column])[row]);
    if (text.len == 0)
        return PEN_OK;
    struct cell cell = {.filter_local = filter_local, .batch = batch, .row = row, .keep = keep};
    struct pen_json *root = NULL;
    size_t used = 0;
    pen_arena_clear(&local->arena);
    enum pen_code code = pen_json_read(text, &local->arena, &root, &used, NULL);
    if (code == PEN_ERR_NOMEM)
        return pen_fail_nomem(err);
    if (code != PEN_OK || !pen_json_is_blank(pen_slice_skip(text, used))) {
        struct expanded whole = {.name = expand->column_name};
        cell.column = &whole;
        return invalid(&cell, text, "JSON", err);
    }
    for (size_t i = 0; i < expand->count && pen_keep_has(keep, row); i++) {
        cell.column = &expand->columns[i];
        cell.into = &into[i];
        PEN_TRY(put_found(&cell, root, err));
    }
    return PEN_OK;
}

static enum pen_code replace_columns(const struct expand *expand, struct pen_batch *batch,
                                     const struct pen_column *into, struct pen_error *err)
{
    size_t count = batch->column_count + expand->count - !expand->is_kept;
    size_t head = expand->column + expand->is_kept;
    size_t tail = batch->column_count - expand->column - 1;
    struct pen_column *columns = pen_arena_alloc(&batch->arena, (count + 1) * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    memcpy(columns, batch->columns, head * sizeof *columns);
    memcpy(columns + head, into, expand->count * sizeof *columns);
    memcpy(columns + head + expand->count, batch->columns + expand->column + 1,
           tail * sizeof *columns);
    return pen_batch_set_columns(batch, columns, count, err);
}

static enum pen_code expand_apply(struct pen_filter_local *filter_local, struct pen_batch *batch,
                                  struct pen_error *err)
{
    const struct expand *expand = filter_local->filter->state;
    struct pen_keep keep;
    pen_keep_all(&keep);
    struct pen_column *into = pen_arena_alloc(&batch->arena, (expand->count + 1) * sizeof *into);
    if (into == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < expand->count; i++)
        PEN_TRY(pen_batch_new_column(batch, (enum pen_type)expand->columns[i].type, &into[i], err));
    const struct pen_column *json = &batch->columns[expand->column];
    for (size_t row = 0; row < batch->rows; row++)
        if (pen_column_is_valid(json, row))
            PEN_TRY(expand_row(filter_local, batch, into, row, &keep, err));
    PEN_TRY(replace_columns(expand, batch, into, err));
    pen_batch_keep(batch, keep.bits);
    return PEN_OK;
}

static void expand_close(struct pen_filter *filter)
{
    struct expand *expand = filter->state;
    for (size_t i = 0; i < expand->count; i++)
        pen_time_format_free(expand->columns[i].format);
}

const struct pen_filter_type pen_filter_expand_json = {
    .info = {.name = "expand_json",
             .summary = "makes columns of the members of a json column",
             .options = options,
             .example =
                 "json_column_name: record\nexpanded_columns:\n"
                 "  - {name: amount, type: double}\n  - {name: email.primary, type: string}\n",
             .state_size = sizeof(struct expand)},
    .local_size = sizeof(struct local),
    .open = expand_open,
    .plan = expand_plan,
    .local_open = expand_local_open,
    .local_close = expand_local_close,
    .apply = expand_apply,
    .close = expand_close,
};
