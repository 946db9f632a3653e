#include "parse/csv_internal.h"

#include "base/json.h"
#include "base/number.h"

bool pen_csv_boolean(struct pen_slice text)
{
    static const char *const words[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "t",
                                        "T",    "y",    "Y",    "on",  "On",  "ON",  "1"};
    if (text.len > 4)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (pen_slice_is(text, words[i]))
            return true;
    return false;
}

static bool is_inside(struct pen_slice text, struct pen_slice stable)
{
    return text.ptr >= stable.ptr && text.ptr + text.len <= stable.ptr + stable.len;
}

static enum pen_code put_text(struct pen_slice text, const struct pen_csv_target *target,
                              struct pen_error *err)
{
    struct pen_string *values = pen_column_strings(target->column);
    bool is_inline = text.len <= sizeof values->inlined;
    if (text.len > UINT32_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "a text value of %zu bytes", text.len);
    if (!is_inline && !is_inside(text, target->stable)) {
        const char *copy = pen_arena_copy(target->arena, text);
        if (copy == NULL)
            return pen_fail_nomem(err);
        text.ptr = copy;
    }
    values[target->row] = pen_string_make(text.ptr, text.len);
    return PEN_OK;
}

static enum pen_code put_json(struct pen_slice text, const struct pen_csv_target *target,
                              struct pen_buf *scratch, bool *ret_is_good, struct pen_error *err)
{
    struct pen_slice canonical;
    size_t used;
    enum pen_code code = pen_json_canonical(text, scratch, &canonical, &used, err);
    if (code == PEN_ERR_NOMEM)
        return code;
    *ret_is_good = code == PEN_OK;
    if (code != PEN_OK || target == NULL)
        return PEN_OK;
    return put_text(canonical, target, err);
}

static bool put_time(const struct pen_csv_column *column, struct pen_slice text,
                     const struct pen_csv_target *target)
{
    struct pen_instant instant;
    if (!pen_time_format_parse(column->time, text, &instant, NULL))
        return false;
    if (target != NULL) {
        pen_column_longs(target->column)[target->row] = instant.utc_us;
        target->column->nanos[target->row] = instant.ns;
    }
    return true;
}

enum pen_code pen_csv_put(const struct pen_csv_column *column, struct pen_slice text,
                          const struct pen_csv_target *target, struct pen_buf *scratch,
                          bool *ret_is_good, struct pen_error *err)
{
    int64_t integer = 0;
    double number = 0;
    *ret_is_good = true;
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        if (target != NULL)
            pen_column_booleans(target->column)[target->row] = pen_csv_boolean(text);
        break;
    case PEN_TYPE_LONG:
        *ret_is_good = pen_parse_long(text, &integer);
        if (*ret_is_good && target != NULL)
            pen_column_longs(target->column)[target->row] = integer;
        break;
    case PEN_TYPE_DOUBLE:
        *ret_is_good = pen_parse_double(text, &number);
        if (*ret_is_good && target != NULL)
            pen_column_doubles(target->column)[target->row] = number;
        break;
    case PEN_TYPE_STRING:
        return target == NULL ? PEN_OK : put_text(text, target, err);
    case PEN_TYPE_TIMESTAMP:
        *ret_is_good = put_time(column, text, target);
        break;
    case PEN_TYPE_JSON:
        return put_json(text, target, scratch, ret_is_good, err);
    }
    return PEN_OK;
}

const char *pen_csv_value_code(enum pen_type type)
{
    static const char *const codes[PEN_TYPE_COUNT] = {
        [PEN_TYPE_BOOLEAN] = "bad_boolean",     [PEN_TYPE_LONG] = "bad_long",
        [PEN_TYPE_DOUBLE] = "bad_double",       [PEN_TYPE_STRING] = "bad_string",
        [PEN_TYPE_TIMESTAMP] = "bad_timestamp", [PEN_TYPE_JSON] = "bad_json",
    };
    return codes[type];
}

static enum pen_code json_reason(struct pen_slice text, struct pen_buf *scratch,
                                 struct pen_buf *into, struct pen_error *err)
{
    struct pen_error why = {0};
    struct pen_slice canonical;
    size_t used;
    if (pen_json_canonical(text, scratch, &canonical, &used, &why) == PEN_ERR_NOMEM)
        return pen_fail_nomem(err);
    PEN_TRY(pen_buf_addf(into, err, "Failed to parse JSON: %s: ", why.message));
    return pen_buf_add_slice(into, text, err);
}

enum pen_code pen_csv_value_reason(const struct pen_csv_column *column, struct pen_slice text,
                                   struct pen_buf *scratch, struct pen_buf *into,
                                   struct pen_error *err)
{
    if (column->type == PEN_TYPE_TIMESTAMP) {
        size_t start = into->len;
        static const char prefix[] = "java.time.format.DateTimeParseException: ";
        PEN_TRY(pen_buf_add_str(into, prefix, err));
        PEN_TRY(pen_time_format_reason(column->time, text, into, err));
        /* an unknown zone or an empty reading is no parse exception in the original */
        struct pen_slice reason = pen_slice_skip(pen_buf_slice(into), start + sizeof prefix - 1);
        if (pen_slice_starts(reason, PEN_LIT("Text ")))
            return PEN_OK;
        memmove(into->ptr + start, reason.ptr, reason.len);
        into->len = start + reason.len;
        return PEN_OK;
    }
    if (column->type == PEN_TYPE_JSON)
        return json_reason(text, scratch, into, err);
    PEN_TRY(pen_buf_add_str(into, "java.lang.NumberFormatException: For input string: \"", err));
    PEN_TRY(pen_buf_add_slice(into, text, err));
    return pen_buf_add_char(into, '"', err);
}
