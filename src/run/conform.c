#include "run/conform.h"

#include "conf/suggest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_time_type(enum pen_type type)
{
    return type == PEN_TYPE_LONG || type == PEN_TYPE_TIMESTAMP;
}

void pen_conform_free(struct pen_conform *conform)
{
    if (conform == NULL)
        return;
    pen_schema_clear(&conform->schema);
    pen_convert_release(&conform->convert);
    free(conform->from);
    free(conform);
}

/* --- where `time` comes from ------------------------------------------------------------------ */

/* What could have been meant: a column of that name but for a slip, else the columns that may be.
 */
static void hint_time_columns(const struct pen_schema *in, const char *name, struct pen_error *err)
{
    struct pen_suggest suggest = pen_suggest_start(pen_slice_str(name));
    char names[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < in->count; i++) {
        const struct pen_field *field = &in->fields[i];
        if (!is_time_type(field->type))
            continue;
        pen_suggest_try(&suggest, field->name);
        if (len + strlen(field->name) + 4 < sizeof names)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s'%s'", len > 0 ? ", " : "",
                                    field->name);
    }
    const char *best = pen_suggest_best(&suggest);
    if (best != NULL && strcmp(best, name) != 0)
        pen_error_hint(err, "did you mean '%s'?", best);
    else if (len > 0)
        pen_error_hint(err, "columns of type long or timestamp: %s", names);
    else
        pen_error_hint(err, "no column is long or timestamp: leave it out to take the upload time, "
                            "or make one with an add_time filter");
}

static enum pen_code choose_column(struct pen_conform *conform, const struct pen_schema *in,
                                   const char *name, struct pen_error *err)
{
    size_t index = pen_schema_find(in, pen_slice_str(name));
    if (index == SIZE_MAX)
        (void)pen_fail(err, PEN_ERR_CONFIG, "A specified time_column '%s' does not exist", name);
    else if (!is_time_type(in->fields[index].type))
        (void)pen_fail(err, PEN_ERR_CONFIG,
                       "Type of '%s' column must be long or timestamp but got %s", name,
                       pen_type_name(in->fields[index].type));
    if (index == SIZE_MAX || !is_time_type(in->fields[index].type)) {
        hint_time_columns(in, name, err);
        return PEN_ERR_CONFIG;
    }
    conform->time_source = PEN_TIME_COLUMN;
    conform->time_column = index;
    return PEN_OK;
}

static enum pen_code own_time(struct pen_conform *conform, const struct pen_schema *in,
                              size_t index, struct pen_error *err)
{
    enum pen_type type = in->fields[index].type;
    if (!is_time_type(type)) {
        (void)pen_fail(err, PEN_ERR_CONFIG,
                       "Type of 'time' column must be long or timestamp but got %s",
                       pen_type_name(type));
        pen_error_hint(err, "name another column with --time-column, or rename this one");
        return PEN_ERR_CONFIG;
    }
    conform->time_source = PEN_TIME_OWN;
    conform->time_column = index;
    return PEN_OK;
}

static void default_time(struct pen_conform *conform, const struct pen_schema *in)
{
    conform->time_source = PEN_TIME_UPLOAD;
    for (size_t i = 0; i < in->count; i++) {
        if (!is_time_type(in->fields[i].type))
            continue;
        conform->time_source = PEN_TIME_FIRST;
        conform->time_column = i;
        return;
    }
}

static enum pen_code time_member(const struct pen_node *node, const char *key,
                                 const struct pen_bind *bind, int64_t *ret_seconds,
                                 struct pen_error *err)
{
    const struct pen_node *member = pen_node_get(node, key);
    if (member == NULL)
        return pen_fail_at(bind, node, err, "Required option is not set: time_value.%s", key);
    if (member->kind != PEN_NODE_INT || member->integer < 0 || member->integer > PEN_TIME_MAX)
        return pen_fail_at(bind, member, err, "time_value.%s must be within 0..%" PRId64, key,
                           PEN_TIME_MAX);
    *ret_seconds = member->integer;
    return PEN_OK;
}

static enum pen_code generated_time(struct pen_conform *conform, const struct pen_node *node,
                                    const struct pen_bind *bind, struct pen_error *err)
{
    const struct pen_node *mode = pen_node_get(node, "mode");
    if (mode == NULL || pen_slice_is(mode->text, "fixed_time")) {
        conform->time_source = PEN_TIME_FIXED;
        return time_member(node, "value", bind, &conform->value_from_s, err);
    }
    if (!pen_slice_is(mode->text, "incremental_time"))
        return pen_fail_at(bind, mode, err,
                           "Unknown mode '%.*s'. Supported modes are fixed_time, incremental_time",
                           PEN_ARG(mode->text));
    conform->time_source = PEN_TIME_INCREMENTAL;
    PEN_TRY(time_member(node, "from", bind, &conform->value_from_s, err));
    PEN_TRY(time_member(node, "to", bind, &conform->value_to_s, err));
    if (conform->value_to_s < conform->value_from_s)
        return pen_fail_at(bind, node, err, "time_value.to is before time_value.from");
    return PEN_OK;
}

static enum pen_code choose_time(struct pen_conform *conform,
                                 const struct pen_conform_options *options, struct pen_error *err)
{
    const struct pen_out_options *out = options->out;
    size_t own = pen_schema_find(options->in, PEN_LIT("time"));
    bool is_ignored = own != SIZE_MAX && out->ignore_alternative_time_if_time_exists;
    conform->time_column = SIZE_MAX;
    if (out->time_column != NULL && out->time_value != NULL)
        return pen_fail_at(options->bind, out->time_value, err,
                           "Setting both time_column and time_value is invalid");
    if (out->time_column != NULL && !is_ignored)
        return choose_column(conform, options->in, out->time_column, err);
    if (out->time_value != NULL && !is_ignored)
        return generated_time(conform, out->time_value, options->bind, err);
    if (own != SIZE_MAX)
        return own_time(conform, options->in, own, err);
    default_time(conform, options->in);
    return PEN_OK;
}

/* --- columns ---------------------------------------------------------------------------------- */

/* `time` is taken: another column of that name is stored as time_ (underscores until unique). */
static enum pen_code displaced_name(const struct pen_conform_options *options, struct pen_buf *name,
                                    struct pen_error *err)
{
    do {
        PEN_TRY(pen_buf_add_char(name, '_', err));
    } while (pen_schema_find(options->in, pen_buf_slice(name)) != SIZE_MAX);
    pen_warn_at(options->bind, NULL,
                "column 'time' is stored as '%s', because 'time' is taken from elsewhere",
                name->ptr);
    return PEN_OK;
}

static enum pen_code add_column(struct pen_conform *conform,
                                const struct pen_conform_options *options, size_t index,
                                struct pen_error *err)
{
    const struct pen_field *field = &options->in->fields[index];
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_str(&name, field->name, err));
    bool is_time = strcmp(field->name, "time") == 0 && conform->time_column == index;
    if (strcmp(field->name, "time") == 0 && !is_time)
        PEN_TRY(displaced_name(options, &name, err));
    enum pen_type type = is_time ? PEN_TYPE_LONG : field->type;
    size_t existing = pen_schema_find(options->table, pen_buf_slice(&name));
    if (existing != SIZE_MAX && !is_time)
        type = options->table->fields[existing].type;
    conform->from[conform->schema.count] = is_time ? SIZE_MAX : index;
    return pen_schema_add(&conform->schema, pen_buf_slice(&name), type, NULL, err);
}

static int64_t unit_per_second(int unit)
{
    static const int64_t per_second[] = {
        [PEN_UNIT_SEC] = 1,
        [PEN_UNIT_MILLI] = 1000,
        [PEN_UNIT_MICRO] = 1000000,
        [PEN_UNIT_NANO] = 1000000000,
    };
    return per_second[unit];
}

static enum pen_code check_unique(const struct pen_schema *schema, struct pen_error *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        size_t first = pen_schema_find(schema, pen_slice_str(schema->fields[i].name));
        if (first == i)
            continue;
        (void)pen_fail(err, PEN_ERR_CONFIG, "column '%s' is there twice", schema->fields[i].name);
        pen_error_hint(err, "rename one of them in parser.columns, or with a rename filter");
        return PEN_ERR_CONFIG;
    }
    return PEN_OK;
}

enum pen_code pen_conform_new(const struct pen_conform_options *options,
                              struct pen_conform **ret_conform, struct pen_error *err)
{
    PEN_CLEANUP(pen_conform_free_p) struct pen_conform *conform = calloc(1, sizeof *conform);
    if (conform == NULL)
        return pen_fail_nomem(err);
    conform->upload_s = options->upload_us / PEN_US_PER_SECOND;
    conform->unit_per_second = unit_per_second(options->out->unix_timestamp_unit);
    conform->from = calloc(options->in->count + 1, sizeof *conform->from);
    if (conform->from == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_convert_init(&conform->convert, err));
    PEN_TRY(check_unique(options->in, err));
    PEN_TRY(choose_time(conform, options, err));
    for (size_t i = 0; i < options->in->count; i++)
        PEN_TRY(add_column(conform, options, i, err));
    if (pen_schema_find(&conform->schema, PEN_LIT("time")) == SIZE_MAX) {
        conform->from[conform->schema.count] = SIZE_MAX;
        PEN_TRY(pen_schema_add(&conform->schema, PEN_LIT("time"), PEN_TYPE_LONG, NULL, err));
    }
    *ret_conform = PEN_TAKE(conform);
    return PEN_OK;
}

/* --- per batch -------------------------------------------------------------------------------- */

static enum pen_code report(struct pen_reject_sink *rejects, const struct pen_batch *batch,
                            size_t row, const char *column, const char *code,
                            struct pen_slice reason, struct pen_error *err)
{
    const struct pen_origin *origin = pen_batch_origin(batch, row);
    struct pen_reject reject = {
        .object = origin->object,
        .object_index = origin->object_index,
        .line = pen_batch_line(batch, row),
        .offset = origin->base_offset + batch->row_start[row],
        .step = "table",
        .column = column,
        .code = code,
        .reason = reason,
        .raw = pen_batch_raw(batch, row),
    };
    return rejects->report(rejects, &reject, err);
}

struct misfits {
    struct pen_misfit_sink sink; /* first member */
    struct pen_reject_sink *rejects;
    const struct pen_batch *batch;
    const char *column;
    enum pen_type from, to;
};

static enum pen_code report_misfit(struct pen_misfit_sink *sink, size_t row, struct pen_slice value,
                                   struct pen_error *err)
{
    struct misfits *m = (struct misfits *)(void *)sink; /* sink is the first member */
    char reason[256];
    int n = snprintf(reason, sizeof reason,
                     "the table's column is %s, and the %s value '%.*s' cannot be converted",
                     pen_type_name(m->to), pen_type_name(m->from),
                     value.len < 100 ? (int)value.len : 100, value.ptr);
    return report(m->rejects, m->batch, row, m->column, "type_misfit", pen_slice(reason, (size_t)n),
                  err);
}

/* floor, so that instants before 1970 stay in their second */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The seconds of one row; false when the record has none that is in range. */
static bool time_of_row(const struct pen_conform *conform, const struct pen_column *column,
                        size_t row, int64_t *ret_seconds)
{
    if (!pen_column_is_valid(column, row))
        return false;
    int64_t value = pen_column_longs(column)[row];
    int64_t seconds = column->type == PEN_TYPE_TIMESTAMP ? floor_div(value, PEN_US_PER_SECOND)
                                                         : value / conform->unit_per_second;
    if (seconds < 0 || seconds > PEN_TIME_MAX)
        return false;
    *ret_seconds = seconds;
    return true;
}

static enum pen_code reject_time(const struct pen_conform *conform, const struct pen_batch *batch,
                                 const struct pen_column *column, size_t row, uint64_t *keep_bits,
                                 struct pen_reject_sink *rejects, struct pen_error *err)
{
    (void)conform; /* same shape as its siblings */
    keep_bits[row / 64] &= ~(UINT64_C(1) << (row % 64));
    bool is_null = !pen_column_is_valid(column, row);
    return report(rejects, batch, row, "time", is_null ? "null_time" : "time_out_of_range",
                  is_null ? PEN_LIT("the time column is null")
                          : PEN_LIT("the time column is not within 0..253402300799 seconds"),
                  err);
}

static enum pen_code fill_from_column(const struct pen_conform *conform, struct pen_batch *batch,
                                      struct pen_column *time, uint64_t *keep_bits,
                                      struct pen_reject_sink *rejects, struct pen_error *err)
{
    const struct pen_column *column = &batch->columns[conform->time_column];
    /* a column that nobody chose must not cost records: they get the upload time instead */
    bool is_chosen = conform->time_source != PEN_TIME_FIRST;
    for (size_t row = 0; row < batch->rows; row++) {
        int64_t seconds = conform->upload_s;
        bool has_time = time_of_row(conform, column, row, &seconds);
        pen_column_longs(time)[row] = seconds;
        pen_column_set_valid(time, row, true);
        bool is_kept = (keep_bits[row / 64] >> (row % 64)) & 1;
        if (!has_time && is_chosen && is_kept)
            PEN_TRY(reject_time(conform, batch, column, row, keep_bits, rejects, err));
    }
    return PEN_OK;
}

static void fill_generated(const struct pen_conform *conform, const struct pen_batch *batch,
                           struct pen_column *time, uint64_t *counter)
{
    uint64_t span = (uint64_t)(conform->value_to_s - conform->value_from_s) + 1;
    for (size_t row = 0; row < batch->rows; row++) {
        int64_t seconds = conform->upload_s;
        if (conform->time_source == PEN_TIME_FIXED)
            seconds = conform->value_from_s;
        else if (conform->time_source == PEN_TIME_INCREMENTAL)
            seconds = conform->value_from_s + (int64_t)((*counter)++ % span);
        pen_column_longs(time)[row] = seconds;
        pen_column_set_valid(time, row, true);
    }
}

static enum pen_code check_timestamps(const struct pen_batch *batch, const char *name,
                                      const struct pen_column *column, uint64_t *keep_bits,
                                      struct pen_reject_sink *rejects, struct pen_error *err)
{
    const int64_t *values = pen_column_longs(column);
    for (size_t row = 0; row < batch->rows; row++) {
        if (values[row] >= PEN_TIMESTAMP_MIN && values[row] <= PEN_TIMESTAMP_MAX)
            continue;
        uint64_t bit = UINT64_C(1) << (row % 64);
        if (!pen_column_is_valid(column, row) || (keep_bits[row / 64] & bit) == 0)
            continue;
        keep_bits[row / 64] &= ~bit;
        PEN_TRY(report(rejects, batch, row, name, "timestamp_out_of_range",
                       PEN_LIT("the timestamp is not within the years -290308 to 294247 that a "
                               "table can hold"),
                       err));
    }
    return PEN_OK;
}

static enum pen_code make_column(const struct pen_conform *conform, struct pen_batch *batch,
                                 size_t index, struct pen_column *ret_column, uint64_t *keep_bits,
                                 struct pen_reject_sink *rejects, struct pen_error *err)
{
    size_t from = conform->from[index];
    const struct pen_field *field = &conform->schema.fields[index];
    const struct pen_column *column = &batch->columns[from];
    if (column->type == field->type) {
        *ret_column = *column;
        return field->type == PEN_TYPE_TIMESTAMP
                   ? check_timestamps(batch, field->name, column, keep_bits, rejects, err)
                   : PEN_OK;
    }
    struct misfits misfits = {.sink = {.keep_bits = keep_bits, .report = report_misfit},
                              .rejects = rejects,
                              .batch = batch,
                              .column = field->name,
                              .from = column->type,
                              .to = field->type};
    return pen_convert_column(&conform->convert, batch, column, field->type, ret_column,
                              &misfits.sink, err);
}

static enum pen_code make_time(const struct pen_conform *conform, struct pen_batch *batch,
                               struct pen_column *ret_column, uint64_t *keep_bits,
                               uint64_t *counter, struct pen_reject_sink *rejects,
                               struct pen_error *err)
{
    PEN_TRY(pen_batch_new_column(batch, PEN_TYPE_LONG, ret_column, err));
    if (conform->time_column != SIZE_MAX)
        return fill_from_column(conform, batch, ret_column, keep_bits, rejects, err);
    fill_generated(conform, batch, ret_column, counter);
    return PEN_OK;
}

enum pen_code pen_conform_apply(const struct pen_conform *conform, struct pen_batch *batch,
                                uint64_t *counter, struct pen_reject_sink *rejects,
                                struct pen_error *err)
{
    uint64_t keep_bits[PEN_BATCH_ROWS / 64];
    memset(keep_bits, 0xFF, sizeof keep_bits);
    size_t count = conform->schema.count;
    struct pen_column *columns = pen_arena_alloc(&batch->arena, count * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        if (conform->from[i] == SIZE_MAX)
            PEN_TRY(make_time(conform, batch, &columns[i], keep_bits, counter, rejects, err));
        else
            PEN_TRY(make_column(conform, batch, i, &columns[i], keep_bits, rejects, err));
    }
    PEN_TRY(pen_batch_set_columns(batch, columns, count, err));
    pen_batch_keep(batch, keep_bits);
    return PEN_OK;
}

enum pen_code pen_conform_describe_time(const struct pen_conform *conform,
                                        const struct pen_schema *in, struct pen_buf *into,
                                        struct pen_error *err)
{
    switch (conform->time_source) {
    case PEN_TIME_COLUMN:
    case PEN_TIME_OWN:
    case PEN_TIME_FIRST:
        return pen_buf_addf(into, err, "time is taken from column '%s'%s",
                            in->fields[conform->time_column].name,
                            conform->time_source == PEN_TIME_FIRST
                                ? ", the first of type long or timestamp (see --time-column)"
                                : "");
    case PEN_TIME_FIXED:
    case PEN_TIME_INCREMENTAL:
        return pen_buf_add_str(into, "time is generated by out.time_value", err);
    case PEN_TIME_UPLOAD:
        break;
    }
    return pen_buf_add_str(into, "time is the upload time", err);
}
