#include "run/convert.h"

#include "base/json.h"
#include "base/number.h"
#include "batch/value_text.h"

#include <math.h>
#include <stdio.h>

enum pen_code pen_convert_init(struct pen_convert *convert, struct pen_error *err)
{
    return pen_time_format_new("%Y-%m-%d %H:%M:%S.%N %z", "UTC", NULL, &convert->time_format, err);
}

void pen_convert_release(struct pen_convert *convert)
{
    pen_time_format_free(convert->time_format);
    convert->time_format = NULL;
}

/* One conversion at work. */
struct job {
    const struct pen_convert *convert;
    struct pen_batch *batch;
    const struct pen_column *from;
    struct pen_column to;
    struct pen_buf scratch;
};

/* What became of one value. */
enum fit { FITS, IS_NULL, MISFIT, NO_MEMORY };

/* The value as text, in its own words. The slice lives in `memory` or in the column. */
static struct pen_slice value_text(const struct pen_column *column, size_t row, char *memory)
{
    if (column->type != PEN_TYPE_TIMESTAMP)
        return pen_value_text(column, row, memory);
    struct pen_civil c = pen_civil_from_us(pen_column_longs(column)[row]);
    int n = snprintf(memory, PEN_INSTANT_TEXT, "%04lld-%02d-%02d %02d:%02d:%02d.%03d",
                     (long long)c.year, c.month, c.day, c.hour, c.minute, c.second, c.us / 1000);
    return pen_slice(memory, (size_t)n);
}

/* The same of a string or json column. */
static struct pen_slice text_of(const struct pen_column *column, size_t row)
{
    return pen_string_slice(&pen_column_strings(column)[row]);
}

static enum fit put_text(struct job *job, size_t row, struct pen_slice text)
{
    const char *ptr = text.ptr;
    if (text.len > sizeof((struct pen_string *)NULL)->inlined) {
        ptr = pen_arena_copy(&job->batch->arena, text);
        if (ptr == NULL)
            return NO_MEMORY;
    }
    pen_column_strings(&job->to)[row] = pen_string_make(ptr, text.len);
    return FITS;
}

static enum fit put_json_string(struct job *job, size_t row, struct pen_slice text)
{
    pen_buf_clear(&job->scratch);
    if (pen_json_add_string(&job->scratch, text, NULL) != PEN_OK)
        return NO_MEMORY;
    return put_text(job, row, pen_buf_slice(&job->scratch));
}

static bool is_true(struct pen_slice text)
{
    return pen_slice_is(text, "true") || pen_slice_is(text, "1");
}

/* A text as a value of the target's type, by the rules of the parsers. */
static enum fit put_parsed(struct job *job, size_t row, struct pen_slice text)
{
    struct pen_instant instant;
    switch (job->to.type) {
    case PEN_TYPE_BOOLEAN:
        if (!is_true(text) && !pen_slice_is(text, "false") && !pen_slice_is(text, "0"))
            return MISFIT;
        pen_column_booleans(&job->to)[row] = is_true(text);
        return FITS;
    case PEN_TYPE_LONG:
        return pen_parse_long(text, &pen_column_longs(&job->to)[row]) ? FITS : MISFIT;
    case PEN_TYPE_DOUBLE:
        return pen_parse_double(text, &pen_column_doubles(&job->to)[row]) ? FITS : MISFIT;
    case PEN_TYPE_TIMESTAMP:
        if (!pen_time_format_parse(job->convert->time_format, text, &instant, NULL) &&
            !pen_instant_read(text, &instant))
            return MISFIT;
        pen_column_longs(&job->to)[row] = instant.utc_us;
        job->to.nanos[row] = instant.ns;
        return FITS;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    return put_text(job, row, text);
}

static enum fit from_json(struct job *job, size_t row)
{
    struct pen_slice text = pen_string_slice(&pen_column_strings(job->from)[row]);
    if (pen_slice_is(text, "null"))
        return IS_NULL;
    if (text.len < 2 || text.ptr[0] != '"')
        return put_parsed(job, row, text);
    pen_buf_clear(&job->scratch);
    enum pen_code code =
        pen_json_unescape(pen_slice(text.ptr + 1, text.len - 2), &job->scratch, NULL);
    if (code != PEN_OK)
        return code == PEN_ERR_NOMEM ? NO_MEMORY : MISFIT;
    return put_parsed(job, row, pen_buf_slice(&job->scratch));
}

static enum fit put_long_from_double(struct job *job, size_t row, double value)
{
    /* 2^63 is exact as a double; the largest int64 is not */
    if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0) ||
        value != trunc(value))
        return MISFIT;
    pen_column_longs(&job->to)[row] = (int64_t)value;
    return FITS;
}

static int64_t floor_seconds(int64_t us)
{
    return us / PEN_US_PER_SECOND - (us % PEN_US_PER_SECOND < 0);
}

static enum fit to_long(struct job *job, size_t row)
{
    switch (job->from->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_longs(&job->to)[row] = pen_column_booleans(job->from)[row];
        return FITS;
    case PEN_TYPE_DOUBLE:
        return put_long_from_double(job, row, pen_column_doubles(job->from)[row]);
    case PEN_TYPE_TIMESTAMP:
        pen_column_longs(&job->to)[row] = floor_seconds(pen_column_longs(job->from)[row]);
        return FITS;
    case PEN_TYPE_LONG:
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    return put_parsed(job, row, text_of(job->from, row));
}

static enum fit to_double(struct job *job, size_t row)
{
    if (job->from->type == PEN_TYPE_BOOLEAN)
        pen_column_doubles(&job->to)[row] = pen_column_booleans(job->from)[row];
    else if (job->from->type == PEN_TYPE_LONG)
        pen_column_doubles(&job->to)[row] = (double)pen_column_longs(job->from)[row];
    else if (job->from->type == PEN_TYPE_STRING)
        return put_parsed(job, row, text_of(job->from, row));
    else
        return MISFIT;
    return FITS;
}

static enum fit to_boolean(struct job *job, size_t row)
{
    if (job->from->type == PEN_TYPE_STRING)
        return put_parsed(job, row, text_of(job->from, row));
    if (job->from->type != PEN_TYPE_LONG)
        return MISFIT;
    int64_t value = pen_column_longs(job->from)[row];
    pen_column_booleans(&job->to)[row] = value == 1;
    return value == 0 || value == 1 ? FITS : MISFIT;
}

static enum fit to_timestamp(struct job *job, size_t row)
{
    if (job->from->type == PEN_TYPE_STRING)
        return put_parsed(job, row, text_of(job->from, row));
    if (job->from->type != PEN_TYPE_LONG)
        return MISFIT;
    int64_t us;
    if (__builtin_mul_overflow(pen_column_longs(job->from)[row], PEN_US_PER_SECOND, &us))
        return MISFIT;
    pen_column_longs(&job->to)[row] = us;
    return FITS;
}

static enum fit to_json(struct job *job, size_t row)
{
    char memory[PEN_INSTANT_TEXT];
    struct pen_slice text = value_text(job->from, row, memory);
    if (job->from->type == PEN_TYPE_STRING || job->from->type == PEN_TYPE_TIMESTAMP)
        return put_json_string(job, row, text);
    bool is_number = job->from->type == PEN_TYPE_DOUBLE;
    if (is_number && !isfinite(pen_column_doubles(job->from)[row]))
        return MISFIT; /* JSON has no word for it */
    return put_text(job, row, text);
}

static enum fit convert_value(struct job *job, size_t row)
{
    if (job->from->type == PEN_TYPE_JSON)
        return from_json(job, row);
    char memory[PEN_INSTANT_TEXT];
    switch (job->to.type) {
    case PEN_TYPE_BOOLEAN:
        return to_boolean(job, row);
    case PEN_TYPE_LONG:
        return to_long(job, row);
    case PEN_TYPE_DOUBLE:
        return to_double(job, row);
    case PEN_TYPE_TIMESTAMP:
        return to_timestamp(job, row);
    case PEN_TYPE_JSON:
        return to_json(job, row);
    case PEN_TYPE_STRING:
        break;
    }
    return put_text(job, row, value_text(job->from, row, memory));
}

static enum pen_code settle(struct job *job, size_t row, enum fit fit,
                            struct pen_misfit_sink *misfits, struct pen_error *err)
{
    if (fit == NO_MEMORY)
        return pen_fail_nomem(err);
    pen_column_set_valid(&job->to, row, fit == FITS);
    if (fit != MISFIT)
        return PEN_OK;
    misfits->keep_bits[row / 64] &= ~(UINT64_C(1) << (row % 64));
    char memory[PEN_INSTANT_TEXT];
    return misfits->report(misfits, row, value_text(job->from, row, memory), err);
}

enum pen_code pen_convert_column(const struct pen_convert *convert, struct pen_batch *batch,
                                 const struct pen_column *from, enum pen_type to,
                                 struct pen_column *ret_column, struct pen_misfit_sink *misfits,
                                 struct pen_error *err)
{
    struct job job = {
        .convert = convert, .batch = batch, .from = from, .scratch = PEN_BUF(PEN_BUF_TEXT_MAX)};
    PEN_TRY(pen_batch_new_column(batch, to, &job.to, err));
    enum pen_code code = PEN_OK;
    for (size_t row = 0; row < batch->rows && code == PEN_OK; row++) {
        bool is_kept = (misfits->keep_bits[row / 64] >> (row % 64)) & 1;
        if (!is_kept || !pen_column_is_valid(from, row))
            continue;
        code = settle(&job, row, convert_value(&job, row), misfits, err);
    }
    pen_buf_release(&job.scratch);
    if (code == PEN_OK)
        *ret_column = job.to;
    return code;
}
