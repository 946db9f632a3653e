/* add_time.c - a time column from another column or from a value, appended as the last one.
 *
 *     from_column (long, string, timestamp, json) | from_value (fixed, incremental, upload) -->
 * to_column
 *
 * source: spec/filters.md 4. A string that cannot be read rejects its record; a json value without
 * a usable member gives null. */
#include "filter/filter_reject.h"

#include "base/json.h"
#include "tz/time_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum unit { SEC, MILLI, MICRO, NANO };
static const char *const unit_names[] = {"sec", "milli", "micro", "nano", NULL};
static const int64_t unit_per_second[] = {1, 1000, 1000000, 1000000000};

enum mode { FIXED, INCREMENTAL, UPLOAD };
static const char *const mode_names[] = {"fixed_time", "incremental_time", "upload_time", NULL};

struct to_options {
    char *name;
    char *type;
    int unit;
};

/* from_column and from_value have most options in common. */
struct from_options {
    char *name;
    int unit, mode;
    char *format, *timezone, *default_timezone, *date, *default_date, *json_key;
    const struct pen_node *value, *from, *to;
};

struct add_time {
    const struct pen_node *to_node, *column_node, *value_node;
    struct to_options to;
    struct from_options from;
    struct pen_time_format *format;
    enum pen_type to_type, from_type;
    size_t from_column;             /* SIZE_MAX: from_value */
    struct pen_instant first, last; /* fixed: first; incremental: both */
};

static const struct pen_option top_options[] = {
    {.key = "to_column",
     .kind = PEN_OPTION_NODE,
     .offset = offsetof(struct add_time, to_node),
     .is_required = true,
     .help = "the new column: {name, type: timestamp or long, unix_timestamp_unit}"},
    {.key = "from_column",
     .kind = PEN_OPTION_NODE,
     .offset = offsetof(struct add_time, column_node),
     .help = "the column that holds the time: {name, unix_timestamp_unit, timestamp_format, "
             "timezone, date, json_key}"},
    {.key = "from_value",
     .kind = PEN_OPTION_NODE,
     .offset = offsetof(struct add_time, value_node),
     .help = "a value for all records: {mode: fixed_time, incremental_time or upload_time, value, "
             "from, to}"},
    {.key = NULL},
};

#define TO(member) offsetof(struct to_options, member)

static const struct pen_option to_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = TO(name),
     .is_required = true,
     .help = "name of the new column"},
    {.key = "type",
     .kind = PEN_OPTION_TEXT,
     .offset = TO(type),
     .default_text = "timestamp",
     .help = "timestamp or long"},
    {.key = "unix_timestamp_unit",
     .kind = PEN_OPTION_ENUM,
     .offset = TO(unit),
     .default_text = "sec",
     .choices = unit_names,
     .help = "unit of a long column"},
    {.key = NULL},
};

#define FROM(member) offsetof(struct from_options, member)
#define TIME_OPTIONS                                                                               \
    {.key = "unix_timestamp_unit",                                                                 \
     .kind = PEN_OPTION_ENUM,                                                                      \
     .offset = FROM(unit),                                                                         \
     .default_text = "sec",                                                                        \
     .choices = unit_names,                                                                        \
     .help = "unit of numbers"},                                                                   \
        {.key = "timestamp_format",                                                                \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(format),                                                                   \
         .default_text = "%Y-%m-%d %H:%M:%S %z",                                                   \
         .help = "how texts are written"},                                                         \
        {.key = "timezone",                                                                        \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(timezone),                                                                 \
         .help = "zone of texts that say none"},                                                   \
        {.key = "default_timezone",                                                                \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(default_timezone),                                                         \
         .default_text = "UTC",                                                                    \
         .help = "as timezone"},                                                                   \
        {.key = "date",                                                                            \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(date),                                                                     \
         .help = "date of texts that say none"},                                                   \
    {                                                                                              \
        .key = "default_date", .kind = PEN_OPTION_TEXT, .offset = FROM(default_date),              \
        .default_text = "1970-01-01", .help = "as date"                                            \
    }

static const struct pen_option column_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = FROM(name),
     .is_required = true,
     .help = "a long, string, timestamp or json column"},
    TIME_OPTIONS,
    {.key = "json_key",
     .kind = PEN_OPTION_TEXT,
     .offset = FROM(json_key),
     .help = "member of a json column that holds the time"},
    {.key = NULL},
};

static const struct pen_option value_options[] = {
    {.key = "mode",
     .kind = PEN_OPTION_ENUM,
     .offset = FROM(mode),
     .default_text = "fixed_time",
     .choices = mode_names,
     .help = "fixed_time, incremental_time or upload_time"},
    {.key = "value", .kind = PEN_OPTION_NODE, .offset = FROM(value), .help = "for fixed_time"},
    {.key = "from", .kind = PEN_OPTION_NODE, .offset = FROM(from), .help = "for incremental_time"},
    {.key = "to", .kind = PEN_OPTION_NODE, .offset = FROM(to), .help = "for incremental_time"},
    TIME_OPTIONS,
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* --- values ----------------------------------------------------------------------------------- */

/* An epoch in a unit as an instant; false when it is out of range. */
static bool from_epoch(int64_t epoch, int unit, struct pen_instant *ret_instant)
{
    int64_t per_second = unit_per_second[unit];
    int64_t us = 0;
    unsigned ns = 0;
    if (unit == NANO) {
        us = epoch / 1000 - (epoch % 1000 < 0);
        ns = (unsigned)(epoch - us * 1000);
    } else if (__builtin_mul_overflow(epoch, PEN_US_PER_SECOND / per_second, &us)) {
        return false;
    }
    *ret_instant = (struct pen_instant){.utc_us = us, .ns = (uint16_t)ns};
    return true;
}

/* An instant as an epoch in a unit: whole units, floor; false when it is out of range. */
static bool to_epoch(struct pen_instant instant, int unit, int64_t *ret_epoch)
{
    if (unit == NANO)
        return !__builtin_mul_overflow(instant.utc_us, 1000, ret_epoch) &&
               !__builtin_add_overflow(*ret_epoch, instant.ns, ret_epoch);
    int64_t us_per_unit = PEN_US_PER_SECOND / unit_per_second[unit];
    *ret_epoch = instant.utc_us / us_per_unit - (instant.utc_us % us_per_unit < 0);
    return true;
}

static enum pen_code value_instant(const struct pen_filter *filter, const struct pen_node *node,
                                   const char *key, struct pen_instant *ret_instant,
                                   struct pen_error *err)
{
    const struct add_time *state = filter->state;
    if (node->kind != PEN_NODE_INT && node->kind != PEN_NODE_TEXT)
        return pen_fail_at(&filter->bind, node, err, "Required option must be string or long: %s",
                           key);
    if (node->kind == PEN_NODE_TEXT &&
        !pen_time_format_parse(state->format, node->text, ret_instant, NULL))
        return pen_fail_at(&filter->bind, node, err, "'%s' does not match timestamp_format '%s'",
                           key, state->from.format);
    bool is_in_range =
        node->kind == PEN_NODE_TEXT || from_epoch(node->integer, state->from.unit, ret_instant);
    int64_t epoch = 0;
    if (is_in_range && state->to_type == PEN_TYPE_LONG)
        is_in_range = to_epoch(*ret_instant, state->to.unit, &epoch);
    return is_in_range ? PEN_OK
                       : pen_fail_at(&filter->bind, node, err, "'%s' is out of range", key);
}

/* --- configuration ---------------------------------------------------------------------------- */

static enum pen_code open_format(struct pen_filter *filter, const struct pen_node *node,
                                 struct pen_error *err)
{
    struct add_time *state = filter->state;
    const struct from_options *from = &state->from;
    enum pen_code code = pen_time_format_new(
        from->format, from->timezone != NULL ? from->timezone : from->default_timezone,
        from->date != NULL ? from->date : from->default_date, &state->format, err);
    if (code != PEN_OK && filter->bind.file != NULL)
        pen_error_where(err, "%s:%u:%u", filter->bind.file, node->line, node->column);
    return code;
}

static enum pen_code require(const struct pen_filter *filter, const struct pen_node *node,
                             const char *key, struct pen_error *err)
{
    const struct add_time *state = filter->state;
    if (node != NULL)
        return PEN_OK;
    return pen_fail_at(&filter->bind, state->value_node, err, "Required option is not set: %s",
                       key);
}

static enum pen_code refuse(const struct pen_filter *filter, const struct pen_node *node,
                            const char *key, struct pen_error *err)
{
    if (node == NULL)
        return PEN_OK;
    return pen_fail_at(&filter->bind, node, err, "Invalid option is set: %s", key);
}

static enum pen_code open_value(struct pen_filter *filter, struct pen_error *err)
{
    struct add_time *state = filter->state;
    struct from_options *from = &state->from;
    PEN_TRY(pen_options_bind(value_options, state->value_node, "from_value", NULL, from,
                             &filter->bind, err));
    PEN_TRY(open_format(filter, state->value_node, err));
    switch ((enum mode)from->mode) {
    case FIXED:
        PEN_TRY(require(filter, from->value, "value", err));
        PEN_TRY(refuse(filter, from->from, "from", err));
        PEN_TRY(refuse(filter, from->to, "to", err));
        return value_instant(filter, from->value, "value", &state->first, err);
    case INCREMENTAL:
        PEN_TRY(require(filter, from->from, "from", err));
        PEN_TRY(require(filter, from->to, "to", err));
        PEN_TRY(refuse(filter, from->value, "value", err));
        PEN_TRY(value_instant(filter, from->from, "from", &state->first, err));
        return value_instant(filter, from->to, "to", &state->last, err);
    case UPLOAD:
        break;
    }
    PEN_TRY(refuse(filter, from->from, "from", err));
    PEN_TRY(refuse(filter, from->to, "to", err));
    state->first = (struct pen_instant){.utc_us = filter->started_us};
    return PEN_OK;
}

static enum pen_code open_column(struct pen_filter *filter, struct pen_error *err)
{
    struct add_time *state = filter->state;
    PEN_TRY(pen_options_bind(column_options, state->column_node, "from_column", NULL, &state->from,
                             &filter->bind, err));
    return open_format(filter, state->column_node, err);
}

static enum pen_code add_time_open(struct pen_filter *filter, struct pen_error *err)
{
    struct add_time *state = filter->state;
    const struct pen_bind *bind = &filter->bind;
    PEN_TRY(pen_options_bind(top_options, filter->config, "filters", also, state, bind, err));
    PEN_TRY(pen_options_bind(to_options, state->to_node, "to_column", NULL, &state->to, bind, err));
    if (!pen_type_from_name(pen_slice_str(state->to.type), &state->to_type) ||
        (state->to_type != PEN_TYPE_TIMESTAMP && state->to_type != PEN_TYPE_LONG))
        return pen_fail_at(bind, state->to_node, err,
                           "to_column type must be timestamp or long but got %s", state->to.type);
    if (state->column_node != NULL && state->value_node != NULL)
        return pen_fail_at(bind, filter->config, err,
                           "Setting both from_column and from_value is invalid.");
    if (state->column_node == NULL && state->value_node == NULL)
        return pen_fail_at(bind, filter->config, err,
                           "Setting from_column or from_value is required.");
    return state->column_node != NULL ? open_column(filter, err) : open_value(filter, err);
}

static enum pen_code find_column(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_error *err)
{
    struct add_time *state = filter->state;
    state->from_column = pen_schema_find(in, pen_slice_str(state->from.name));
    if (state->from_column == SIZE_MAX)
        return pen_filter_fail_column(
            filter, state->column_node, in, pen_slice_str(state->from.name), err,
            "from_column '%s' doesn't exist in the schema.", state->from.name);
    state->from_type = in->fields[state->from_column].type;
    if (state->from_type == PEN_TYPE_BOOLEAN || state->from_type == PEN_TYPE_DOUBLE)
        return pen_fail_at(&filter->bind, state->column_node, err,
                           "from_column '%s' must be long, string, timestamp or json but it is %s",
                           state->from.name, pen_type_name(state->from_type));
    if (state->from_type == PEN_TYPE_JSON && state->from.json_key == NULL)
        return pen_fail_at(&filter->bind, state->column_node, err,
                           "Required option is not set: json_key");
    return PEN_OK;
}

static enum pen_code add_field(struct pen_filter *filter, const struct pen_schema *in,
                               const struct pen_field *field, struct pen_schema *out,
                               struct pen_error *err)
{
    const struct add_time *state = filter->state;
    if (strcmp(field->name, state->to.name) != 0)
        return pen_schema_add(out, pen_slice_str(field->name), field->type, field->format, err);
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_str(&name, field->name, err));
    do {
        PEN_TRY(pen_buf_add_char(&name, '_', err));
    } while (pen_schema_find(in, pen_buf_slice(&name)) != SIZE_MAX);
    pen_warn_at(&filter->bind, state->to_node, "column '%s' is renamed to '%s' by add_time",
                field->name, name.ptr);
    return pen_schema_add(out, pen_buf_slice(&name), field->type, field->format, err);
}

static enum pen_code add_time_plan(struct pen_filter *filter, const struct pen_schema *in,
                                   struct pen_schema *ret_out, struct pen_error *err)
{
    struct add_time *state = filter->state;
    state->from_column = SIZE_MAX;
    if (state->column_node != NULL)
        PEN_TRY(find_column(filter, in, err));
    for (size_t i = 0; i < in->count; i++)
        PEN_TRY(add_field(filter, in, &in->fields[i], ret_out, err));
    return pen_schema_add(ret_out, pen_slice_str(state->to.name), state->to_type, NULL, err);
}

/* --- batches ---------------------------------------------------------------------------------- */

struct local {
    struct pen_instant next; /* incremental_time */
    bool is_started;
    struct pen_arena arena; /* trees of json values */
};

static enum pen_code add_time_local_open(struct pen_filter_local *local, struct pen_error *err)
{
    (void)err; /* nothing is allocated yet */
    ((struct local *)local->state)->arena = PEN_ARENA((size_t)256 << 20);
    return PEN_OK;
}

static void add_time_local_close(struct pen_filter_local *local)
{
    pen_arena_release(&((struct local *)local->state)->arena);
}

/* False: the new column's unit cannot hold it. */
static bool put(const struct add_time *state, struct pen_column *column, size_t row,
                struct pen_instant instant)
{
    if (state->to_type == PEN_TYPE_LONG) {
        if (!to_epoch(instant, state->to.unit, &pen_column_longs(column)[row]))
            return false;
    } else {
        pen_column_longs(column)[row] = instant.utc_us;
        column->nanos[row] = instant.ns;
    }
    pen_column_set_valid(column, row, true);
    return true;
}

static struct pen_instant generated(const struct add_time *state, struct local *local)
{
    if (state->from.mode != INCREMENTAL)
        return state->first;
    bool is_past = local->next.utc_us > state->last.utc_us ||
                   (local->next.utc_us == state->last.utc_us && local->next.ns > state->last.ns);
    if (!local->is_started || is_past)
        local->next = state->first;
    local->is_started = true;
    struct pen_instant now = local->next;
    local->next.utc_us += PEN_US_PER_SECOND;
    return now;
}

static enum pen_code reject(struct pen_filter_local *local, struct pen_batch *batch, size_t row,
                            struct pen_slice text, struct pen_keep *keep, struct pen_error *err)
{
    const struct add_time *state = local->filter->state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf reason = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_str(&reason, "Skipped a record (", err));
    PEN_TRY(pen_time_format_reason(state->format, text, &reason, err));
    PEN_TRY(pen_buf_add_str(&reason, ").", err));
    const struct pen_filter_problem problem = {state->from.name, "bad_timestamp",
                                               pen_buf_slice(&reason)};
    return pen_filter_reject(local, batch, row, &problem, keep, err);
}

static enum pen_code reject_range(struct pen_filter_local *local, struct pen_batch *batch,
                                  size_t row, const char *value, struct pen_keep *keep,
                                  struct pen_error *err)
{
    const struct add_time *state = local->filter->state;
    char reason[128];
    int len = snprintf(reason, sizeof reason, "Skipped a record (%s is out of range).", value);
    const struct pen_filter_problem problem = {state->from.name, "bad_timestamp",
                                               pen_slice(reason, (size_t)len)};
    return pen_filter_reject(local, batch, row, &problem, keep, err);
}

/* The member of a json value as an instant; false: null. */
static bool json_instant(const struct add_time *state, struct local *local, struct pen_slice text,
                         struct pen_instant *ret_instant)
{
    struct pen_json *root = NULL;
    size_t used = 0;
    pen_arena_clear(&local->arena);
    if (pen_json_read(text, &local->arena, &root, &used, NULL) != PEN_OK)
        return false;
    const struct pen_json *member = pen_json_member(root, pen_slice_str(state->from.json_key));
    if (member == NULL)
        return false;
    if (member->kind == PEN_JSON_LONG)
        return from_epoch(member->integer, state->from.unit, ret_instant);
    return member->kind == PEN_JSON_STRING &&
           pen_time_format_parse(state->format, member->text, ret_instant, NULL);
}

static enum pen_code convert_row(struct pen_filter_local *local, struct pen_batch *batch,
                                 struct pen_column *column, size_t row, struct pen_keep *keep,
                                 struct pen_error *err)
{
    const struct add_time *state = local->filter->state;
    const struct pen_column *from = &batch->columns[state->from_column];
    struct pen_instant instant = {0};
    bool is_there = false;
    if (state->from_type == PEN_TYPE_TIMESTAMP) {
        instant = (struct pen_instant){pen_column_longs(from)[row], from->nanos[row]};
        is_there = true;
    } else if (state->from_type == PEN_TYPE_LONG) {
        char value[32];
        (void)snprintf(value, sizeof value, "%" PRId64, pen_column_longs(from)[row]); /* fits */
        is_there = from_epoch(pen_column_longs(from)[row], state->from.unit, &instant);
        if (!is_there)
            return reject_range(local, batch, row, value, keep, err);
    } else if (state->from_type == PEN_TYPE_JSON) {
        struct pen_slice text = pen_string_slice(&pen_column_strings(from)[row]);
        is_there = json_instant(state, local->state, text, &instant);
    } else {
        struct pen_slice text = pen_string_slice(&pen_column_strings(from)[row]);
        is_there = pen_time_format_parse(state->format, text, &instant, NULL);
        if (!is_there)
            return reject(local, batch, row, text, keep, err);
    }
    if (!is_there || put(state, column, row, instant))
        return PEN_OK;
    char value[PEN_INSTANT_TEXT];
    (void)pen_instant_print(instant, value);
    return reject_range(local, batch, row, value, keep, err);
}

static enum pen_code fill_from_column(struct pen_filter_local *local, struct pen_batch *batch,
                                      struct pen_column *column, struct pen_keep *keep,
                                      struct pen_error *err)
{
    const struct add_time *state = local->filter->state;
    const struct pen_column *from = &batch->columns[state->from_column];
    for (size_t row = 0; row < batch->rows; row++)
        if (pen_column_is_valid(from, row))
            PEN_TRY(convert_row(local, batch, column, row, keep, err));
    return PEN_OK;
}

static enum pen_code add_time_apply(struct pen_filter_local *local, struct pen_batch *batch,
                                    struct pen_error *err)
{
    const struct add_time *state = local->filter->state;
    struct pen_keep keep;
    pen_keep_all(&keep);
    size_t count = batch->column_count + 1;
    struct pen_column *columns = pen_arena_alloc(&batch->arena, count * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    memcpy(columns, batch->columns, (count - 1) * sizeof *columns);
    struct pen_column *column = &columns[count - 1];
    PEN_TRY(pen_batch_new_column(batch, state->to_type, column, err));
    if (state->from_column != SIZE_MAX)
        PEN_TRY(fill_from_column(local, batch, column, &keep, err));
    else
        for (size_t row = 0; row < batch->rows; row++)
            (void)put(state, column, row, generated(state, local->state)); /* checked when opened */
    PEN_TRY(pen_batch_set_columns(batch, columns, count, err));
    pen_batch_keep(batch, keep.bits);
    return PEN_OK;
}

static void add_time_close(struct pen_filter *filter)
{
    pen_time_format_free(((struct add_time *)filter->state)->format);
}

const struct pen_filter_type pen_filter_add_time = {
    .info = {.name = "add_time",
             .summary = "adds a time column from another column or a value",
             .options = top_options,
             .state_size = sizeof(struct add_time)},
    .local_size = sizeof(struct local),
    .open = add_time_open,
    .plan = add_time_plan,
    .local_open = add_time_local_open,
    .local_close = add_time_local_close,
    .apply = add_time_apply,
    .close = add_time_close,
};
