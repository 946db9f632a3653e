/* add_time_options.c - the options of add_time, and what can be checked before there is a schema.
 * source: spec/filters.md 4. */
#include "filter/add_time_internal.h"

static const char *const unit_names[] = {"sec", "milli", "micro", "nano", NULL};
static const char *const mode_names[] = {"fixed_time", "incremental_time", "upload_time", NULL};

#define TO(member) offsetof(struct pen_add_time_to, member)

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

#define FROM(member) offsetof(struct pen_add_time_from, member)
#define TIME_OPTIONS                                                                               \
    {.key = "unix_timestamp_unit",                                                                 \
     .kind = PEN_OPTION_ENUM,                                                                      \
     .offset = FROM(unit),                                                                         \
     .default_text = "sec",                                                                        \
     .choices = unit_names,                                                                        \
     .help = "unit of numbers"},                                                                   \
        {.key = "timestamp_format",                                                                \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(own.format),                                                               \
         .default_text = "%Y-%m-%d %H:%M:%S %z",                                                   \
         .help = "how texts are written"},                                                         \
        {.key = "timezone",                                                                        \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(own.timezone),                                                             \
         .help = "zone of texts that say none"},                                                   \
        {.key = "default_timezone",                                                                \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(otherwise.timezone),                                                       \
         .default_text = "UTC",                                                                    \
         .help = "as timezone"},                                                                   \
        {.key = "date",                                                                            \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = FROM(own.date),                                                                 \
         .help = "date of texts that say none"},                                                   \
    {                                                                                              \
        .key = "default_date", .kind = PEN_OPTION_TEXT, .offset = FROM(otherwise.date),            \
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
    {.key = "value",
     .kind = PEN_OPTION_NODE,
     .offset = FROM(value),
     .help = "for fixed_time: a text, or a number of units"},
    {.key = "from",
     .kind = PEN_OPTION_NODE,
     .offset = FROM(from),
     .help = "for incremental_time: the first time"},
    {.key = "to",
     .kind = PEN_OPTION_NODE,
     .offset = FROM(to),
     .help = "for incremental_time: behind it comes the first again"},
    TIME_OPTIONS,
    {.key = NULL},
};

const struct pen_option pen_add_time_options[] = {
    {.key = "to_column",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct pen_add_time, to_node),
     .is_required = true,
     .help = "the new column",
     .entries = to_options},
    {.key = "from_column",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct pen_add_time, column_node),
     .help = "the column that holds the time",
     .entries = column_options},
    {.key = "from_value",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct pen_add_time, value_node),
     .help = "without from_column: the time itself",
     .entries = value_options},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

static enum pen_code value_instant(const struct pen_filter *filter, const struct pen_node *node,
                                   const char *key, struct pen_instant *ret_instant,
                                   struct pen_error *err)
{
    const struct pen_add_time *state = filter->state;
    if (node->kind != PEN_NODE_INT && node->kind != PEN_NODE_TEXT)
        return pen_fail_at(&filter->bind, node, err, "Required option must be string or long: %s",
                           key);
    if (node->kind == PEN_NODE_TEXT &&
        !pen_time_format_parse(state->format, node->text, ret_instant, NULL))
        return pen_fail_at(&filter->bind, node, err, "'%s' does not match timestamp_format '%s'",
                           key, state->from.own.format);
    bool is_in_range = node->kind == PEN_NODE_TEXT ||
                       pen_add_time_from_epoch(node->integer, state->from.unit, ret_instant);
    int64_t epoch = 0;
    if (is_in_range && state->to_type == PEN_TYPE_LONG)
        is_in_range = pen_add_time_to_epoch(*ret_instant, state->to.unit, &epoch);
    return is_in_range ? PEN_OK
                       : pen_fail_at(&filter->bind, node, err, "'%s' is out of range", key);
}

/* --- configuration ---------------------------------------------------------------------------- */

static enum pen_code open_format(struct pen_filter *filter, const struct pen_node *node,
                                 struct pen_error *err)
{
    struct pen_add_time *state = filter->state;
    return pen_time_words_compile(pen_time_words_or(state->from.own, state->from.otherwise), NULL,
                                  node, &filter->bind, &state->format, err);
}

static enum pen_code require(const struct pen_filter *filter, const struct pen_node *node,
                             const char *key, struct pen_error *err)
{
    const struct pen_add_time *state = filter->state;
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
    struct pen_add_time *state = filter->state;
    struct pen_add_time_from *from = &state->from;
    PEN_TRY(pen_options_bind(value_options, state->value_node, "from_value", NULL, from,
                             &filter->bind, err));
    PEN_TRY(open_format(filter, state->value_node, err));
    switch ((enum pen_add_time_mode)from->mode) {
    case PEN_ADD_TIME_FIXED:
        PEN_TRY(require(filter, from->value, "value", err));
        PEN_TRY(refuse(filter, from->from, "from", err));
        PEN_TRY(refuse(filter, from->to, "to", err));
        return value_instant(filter, from->value, "value", &state->first, err);
    case PEN_ADD_TIME_INCREMENTAL:
        PEN_TRY(require(filter, from->from, "from", err));
        PEN_TRY(require(filter, from->to, "to", err));
        PEN_TRY(refuse(filter, from->value, "value", err));
        PEN_TRY(value_instant(filter, from->from, "from", &state->first, err));
        return value_instant(filter, from->to, "to", &state->last, err);
    case PEN_ADD_TIME_UPLOAD:
        break;
    }
    PEN_TRY(refuse(filter, from->from, "from", err));
    PEN_TRY(refuse(filter, from->to, "to", err));
    state->first = (struct pen_instant){.utc_us = filter->started_us};
    return PEN_OK;
}

static enum pen_code open_column(struct pen_filter *filter, struct pen_error *err)
{
    struct pen_add_time *state = filter->state;
    PEN_TRY(pen_options_bind(column_options, state->column_node, "from_column", NULL, &state->from,
                             &filter->bind, err));
    return open_format(filter, state->column_node, err);
}

enum pen_code pen_add_time_open(struct pen_filter *filter, struct pen_error *err)
{
    struct pen_add_time *state = filter->state;
    const struct pen_bind *bind = &filter->bind;
    PEN_TRY(
        pen_options_bind(pen_add_time_options, filter->config, "filters", also, state, bind, err));
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
