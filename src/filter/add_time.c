/* add_time.c - a time column from another column or from a value, appended as the last one.
 *
 *     from_column (long, string, timestamp, json) | from_value (fixed, incremental, upload)
 *         --> to_column
 *
 * source: spec/filters.md 4. A string that cannot be read rejects its record; a json value without
 * a usable member gives null. */
#include "filter/add_time_internal.h"
#include "filter/filter_reject.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t unit_per_second[] = {1, 1000, 1000000, 1000000000};

/* --- values ----------------------------------------------------------------------------------- */

bool pen_add_time_from_epoch(int64_t epoch, int unit, struct pen_instant *ret_instant)
{
    int64_t per_second = unit_per_second[unit];
    int64_t us = 0;
    unsigned ns = 0;
    if (unit == PEN_ADD_TIME_NANO) {
        us = epoch / 1000 - (epoch % 1000 < 0);
        ns = (unsigned)(epoch - us * 1000);
    } else if (__builtin_mul_overflow(epoch, PEN_US_PER_SECOND / per_second, &us)) {
        return false;
    }
    *ret_instant = (struct pen_instant){.utc_us = us, .ns = (uint16_t)ns};
    return true;
}

bool pen_add_time_to_epoch(struct pen_instant instant, int unit, int64_t *ret_epoch)
{
    if (unit == PEN_ADD_TIME_NANO)
        return !__builtin_mul_overflow(instant.utc_us, 1000, ret_epoch) &&
               !__builtin_add_overflow(*ret_epoch, instant.ns, ret_epoch);
    int64_t us_per_unit = PEN_US_PER_SECOND / unit_per_second[unit];
    *ret_epoch = instant.utc_us / us_per_unit - (instant.utc_us % us_per_unit < 0);
    return true;
}

/* --- planning --------------------------------------------------------------------------------- */

static enum pen_code find_column(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_error *err)
{
    struct pen_add_time *state = filter->state;
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
    const struct pen_add_time *state = filter->state;
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
    struct pen_add_time *state = filter->state;
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
static bool put(const struct pen_add_time *state, struct pen_column *column, size_t row,
                struct pen_instant instant)
{
    if (state->to_type == PEN_TYPE_LONG) {
        if (!pen_add_time_to_epoch(instant, state->to.unit, &pen_column_longs(column)[row]))
            return false;
    } else {
        pen_column_longs(column)[row] = instant.utc_us;
        column->nanos[row] = instant.ns;
    }
    pen_column_set_valid(column, row, true);
    return true;
}

static struct pen_instant generated(const struct pen_add_time *state, struct local *local)
{
    if (state->from.mode != PEN_ADD_TIME_INCREMENTAL)
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
    const struct pen_add_time *state = local->filter->state;
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
    const struct pen_add_time *state = local->filter->state;
    char reason[128];
    int len = snprintf(reason, sizeof reason, "Skipped a record (%s is out of range).", value);
    const struct pen_filter_problem problem = {state->from.name, "bad_timestamp",
                                               pen_slice(reason, (size_t)len)};
    return pen_filter_reject(local, batch, row, &problem, keep, err);
}

/* The member of a json value as an instant; *ret_is_there false: null. */
static enum pen_code json_instant(const struct pen_add_time *state, struct local *local,
                                  struct pen_slice text, struct pen_instant *ret_instant,
                                  bool *ret_is_there, struct pen_error *err)
{
    struct pen_json *root = NULL;
    size_t used = 0;
    pen_arena_clear(&local->arena);
    *ret_is_there = false;
    enum pen_code code = pen_json_read(text, &local->arena, &root, &used, NULL);
    if (code != PEN_OK)
        return code == PEN_ERR_NOMEM ? pen_fail_nomem(err) : PEN_OK;
    const struct pen_json *member = pen_json_member(root, pen_slice_str(state->from.json_key));
    if (member == NULL)
        return PEN_OK;
    if (member->kind == PEN_JSON_LONG)
        *ret_is_there = pen_add_time_from_epoch(member->integer, state->from.unit, ret_instant);
    else if (member->kind == PEN_JSON_STRING)
        *ret_is_there = pen_time_format_parse(state->format, member->text, ret_instant, NULL);
    return PEN_OK;
}

static enum pen_code convert_row(struct pen_filter_local *local, struct pen_batch *batch,
                                 struct pen_column *column, size_t row, struct pen_keep *keep,
                                 struct pen_error *err)
{
    const struct pen_add_time *state = local->filter->state;
    const struct pen_column *from = &batch->columns[state->from_column];
    struct pen_instant instant = {0};
    bool is_there = false;
    if (state->from_type == PEN_TYPE_TIMESTAMP) {
        instant = (struct pen_instant){pen_column_longs(from)[row], from->nanos[row]};
        is_there = true;
    } else if (state->from_type == PEN_TYPE_LONG) {
        char value[32];
        (void)snprintf(value, sizeof value, "%" PRId64, pen_column_longs(from)[row]); /* fits */
        is_there = pen_add_time_from_epoch(pen_column_longs(from)[row], state->from.unit, &instant);
        if (!is_there)
            return reject_range(local, batch, row, value, keep, err);
    } else if (state->from_type == PEN_TYPE_JSON) {
        struct pen_slice text = pen_string_slice(&pen_column_strings(from)[row]);
        PEN_TRY(json_instant(state, local->state, text, &instant, &is_there, err));
    } else {
        struct pen_slice text = pen_string_slice(&pen_column_strings(from)[row]);
        is_there = pen_time_format_parse(state->format, text, &instant, NULL);
        if (!is_there)
            return reject(local, batch, row, text, keep, err);
    }
    local->nulled_values += !is_there; /* json: the record stays */
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
    const struct pen_add_time *state = local->filter->state;
    const struct pen_column *from = &batch->columns[state->from_column];
    for (size_t row = 0; row < batch->rows; row++)
        if (pen_column_is_valid(from, row))
            PEN_TRY(convert_row(local, batch, column, row, keep, err));
    return PEN_OK;
}

static enum pen_code add_time_apply(struct pen_filter_local *local, struct pen_batch *batch,
                                    struct pen_error *err)
{
    const struct pen_add_time *state = local->filter->state;
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
    pen_time_format_free(((struct pen_add_time *)filter->state)->format);
}

const struct pen_filter_type pen_filter_add_time = {
    .info = {.name = "add_time",
             .summary = "adds a time column from another column or a value",
             .options = pen_add_time_options,
             .example = "to_column: {name: time}\nfrom_value: {mode: upload_time}\n",
             .state_size = sizeof(struct pen_add_time)},
    .local_size = sizeof(struct local),
    .open = pen_add_time_open,
    .plan = add_time_plan,
    .local_open = add_time_local_open,
    .local_close = add_time_local_close,
    .apply = add_time_apply,
    .close = add_time_close,
};
