#include "base/number.h"
#include "parse/json_parse_internal.h"

#include <math.h>
#include <strings.h>

static const char *syntax_error(struct pen_json_reading *r, const char *at, const char *problem)
{
    r->at = at;
    r->problem = problem;
    return NULL;
}

static const char *out_of_memory(struct pen_json_reading *r)
{
    r->code = pen_fail_nomem(r->err);
    return NULL;
}

/* The value does not fit its column; its text is kept for the reason. */
static const char *misfit(struct pen_json_reading *r, const struct pen_json_column *column,
                          struct pen_slice text)
{
    r->misfit = column;
    pen_buf_clear(&r->state->reason);
    enum pen_code code = pen_buf_add_slice(&r->state->reason, text, r->err);
    if (code != PEN_OK)
        r->code = code;
    r->misfit_text = pen_buf_slice(&r->state->reason);
    return NULL;
}

const char *pen_json_skip_value(struct pen_json_reading *r, const char *p)
{
    if (*p == '"') { /* by far the most frequent */
        const char *end = pen_json_find_special(p + 1, r->end);
        if (end < r->end && *end == '"')
            return end + 1;
    }
    struct pen_json_skip skip;
    pen_json_skip_init(&skip, p, r->end, true);
    enum pen_json_status status = pen_json_skip_run(&skip);
    if (status == PEN_JSON_DONE)
        return skip.at;
    if (status == PEN_JSON_MORE)
        return syntax_error(r, r->end, "unexpected end");
    return syntax_error(r, skip.at, skip.problem);
}

/* ---- texts ---- */

/* What a string or another value's canonical text is; lives in the chunk or in state->scratch. */
struct text {
    struct pen_slice bytes;
    bool is_scratch;
};

static const char *unescaped(struct pen_json_reading *r, const char *body, struct text *ret_text)
{
    const char *end = body;
    for (;;) {
        end = pen_json_find_special(end, r->end);
        if (end == r->end)
            return syntax_error(r, r->end, "unexpected end");
        if (*end == '"')
            break;
        if (r->end - end < 2)
            return syntax_error(r, r->end, "unexpected end");
        end += 2;
    }
    struct pen_buf *scratch = &r->state->scratch;
    struct pen_error problem = {0};
    pen_buf_clear(scratch);
    enum pen_code code =
        pen_json_unescape(pen_slice(body, (size_t)(end - body)), scratch, &problem);
    if (code == PEN_ERR_CORRUPT)
        return syntax_error(r, body + problem.offset, "bad escape");
    if (code != PEN_OK)
        return out_of_memory(r);
    *ret_text = (struct text){.bytes = pen_buf_slice(scratch), .is_scratch = true};
    return end + 1;
}

/* p: at the opening quote. */
static inline const char *string_text(struct pen_json_reading *r, const char *p,
                                      struct text *ret_text)
{
    const char *end = pen_json_find_special(p + 1, r->end);
    if (end < r->end && *end == '"') {
        *ret_text = (struct text){.bytes = pen_slice(p + 1, (size_t)(end - p - 1))};
        return end + 1;
    }
    return unescaped(r, p + 1, ret_text);
}

/* The canonical JSON text of any value. A number that no column type could hold is a misfit. */
static const char *canonical(struct pen_json_reading *r, const struct pen_json_column *column,
                             const char *p, struct text *ret_text)
{
    struct pen_slice text = pen_slice(p, (size_t)(r->end - p));
    struct pen_error problem = {0};
    struct pen_slice value;
    size_t used;
    enum pen_code code = pen_json_canonical(text, &r->state->scratch, &value, &used, &problem);
    if (code == PEN_OK) {
        bool is_scratch = value.ptr == r->state->scratch.ptr;
        *ret_text = (struct text){.bytes = value, .is_scratch = is_scratch};
        return p + used;
    }
    if (code == PEN_ERR_NOMEM)
        return out_of_memory(r);
    const char *end = pen_json_skip_value(r, p); /* NULL: a syntax error, with its place */
    return end == NULL ? NULL : misfit(r, column, pen_slice(p, (size_t)(end - p)));
}

/* ---- columns ---- */

static const char *put_text(struct pen_json_reading *r, struct pen_column *to,
                            const struct text *text, const char *end)
{
    const char *bytes = text->bytes.ptr;
    if (text->is_scratch && text->bytes.len > sizeof((struct pen_string *)0)->inlined) {
        bytes = pen_arena_copy(&r->batch->arena, text->bytes);
        if (bytes == NULL)
            return out_of_memory(r);
    }
    pen_column_strings(to)[r->row] = pen_string_make(bytes, text->bytes.len);
    pen_column_set_valid(to, r->row, true);
    return end;
}

static const char *put_time(struct pen_json_reading *r, const struct pen_json_column *column,
                            struct pen_column *to, struct pen_slice text, const char *end)
{
    struct pen_instant instant;
    if (!pen_time_format_parse(column->time, text, &instant, NULL))
        return misfit(r, column, text);
    pen_column_longs(to)[r->row] = instant.utc_us;
    to->nanos[r->row] = instant.ns;
    pen_column_set_valid(to, r->row, true);
    return end;
}

static bool is_true_word(struct pen_slice text)
{
    return text.len == 4 && strncasecmp(text.ptr, "true", 4) == 0;
}

/* A text that is no number token: the content of a string, or JSON text. */
static const char *put_converted(struct pen_json_reading *r, const struct pen_json_column *column,
                                 struct pen_column *to, struct pen_slice text, const char *end)
{
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(to)[r->row] = is_true_word(text);
        break;
    case PEN_TYPE_LONG:
        if (!pen_parse_long(text, &pen_column_longs(to)[r->row]))
            return misfit(r, column, text);
        break;
    case PEN_TYPE_DOUBLE:
        if (!pen_parse_double(text, &pen_column_doubles(to)[r->row]))
            return misfit(r, column, text);
        break;
    case PEN_TYPE_TIMESTAMP:
        return put_time(r, column, to, text, end);
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        assert(false); /* put_text's */
        break;
    }
    pen_column_set_valid(to, r->row, true);
    return end;
}

/* Up to 18 digits without overflow checks; false for what needs the careful reader. */
static inline bool short_integer(const char *p, const char *end, int64_t *ret_value)
{
    bool is_negative = *p == '-';
    p += is_negative;
    if (end - p > 18)
        return false;
    int64_t value = 0;
    for (; p < end; p++)
        value = value * 10 + (*p - '0');
    *ret_value = is_negative ? -value : value;
    return true;
}

static const char *put_integer(struct pen_json_reading *r, const struct pen_json_column *column,
                               struct pen_column *to, struct pen_slice token)
{
    int64_t value;
    const char *end = token.ptr + token.len;
    if (!short_integer(token.ptr, end, &value) && !pen_parse_long(token, &value))
        return misfit(r, column, token);
    if (column->type == PEN_TYPE_LONG)
        pen_column_longs(to)[r->row] = value;
    else
        pen_column_doubles(to)[r->row] = (double)value;
    pen_column_set_valid(to, r->row, true);
    return end;
}

static const char *put_number_text(struct pen_json_reading *r, const struct pen_json_column *column,
                                   struct pen_column *to, const char *p)
{
    struct text text;
    const char *end = canonical(r, column, p, &text);
    if (end == NULL)
        return NULL;
    return column->type == PEN_TYPE_TIMESTAMP ? put_time(r, column, to, text.bytes, end)
                                              : put_text(r, to, &text, end);
}

static const char *put_number(struct pen_json_reading *r, const struct pen_json_column *column,
                              struct pen_column *to, const char *p)
{
    bool is_double;
    const char *end = pen_json_number_end(p, r->end, &is_double);
    if (end == NULL)
        return syntax_error(r, p, "bad number");
    struct pen_slice token = pen_slice(p, (size_t)(end - p));
    double value;
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(to)[r->row] = 0;
        pen_column_set_valid(to, r->row, true);
        return end;
    case PEN_TYPE_LONG:
        return is_double ? misfit(r, column, token) : put_integer(r, column, to, token);
    case PEN_TYPE_DOUBLE:
        if (!is_double)
            return put_integer(r, column, to, token);
        if (!pen_parse_double(token, &value) || !isfinite(value))
            return misfit(r, column, token);
        pen_column_doubles(to)[r->row] = value;
        pen_column_set_valid(to, r->row, true);
        return end;
    case PEN_TYPE_STRING:
        if (is_double || pen_slice_is(token, "-0"))
            break;
        return put_text(r, to, &(struct text){.bytes = token}, end); /* of any size */
    case PEN_TYPE_TIMESTAMP:
    case PEN_TYPE_JSON:
        break;
    }
    return put_number_text(r, column, to, p);
}

/* true, false, null; NULL with a problem for anything else. */
static const char *put_word(struct pen_json_reading *r, const struct pen_json_column *column,
                            struct pen_column *to, const char *p)
{
    const char *end = pen_json_skip_value(r, p);
    if (end == NULL || *p == 'n')
        return end; /* null leaves the row's bit clear */
    struct text text = {.bytes = pen_slice(p, (size_t)(end - p))};
    if (pen_type_is_text(column->type))
        return put_text(r, to, &text, end);
    return put_converted(r, column, to, text.bytes, end);
}

const char *pen_json_put(struct pen_json_reading *r, uint32_t index, const char *p)
{
    const struct pen_json_column *column = &r->parser->columns[index];
    struct pen_column *to = &r->batch->columns[index];
    struct text text;
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        return put_number(r, column, to, p);
    if (*p != '"' && *p != '{' && *p != '[')
        return put_word(r, column, to, p);
    bool is_string = *p == '"' && column->type != PEN_TYPE_JSON;
    const char *end = is_string ? string_text(r, p, &text) : canonical(r, column, p, &text);
    if (end == NULL)
        return NULL;
    if (pen_type_is_text(column->type))
        return put_text(r, to, &text, end);
    return put_converted(r, column, to, text.bytes, end);
}

const char *pen_json_misfit_code(enum pen_type type)
{
    switch (type) {
    case PEN_TYPE_LONG:
        return "bad_long";
    case PEN_TYPE_DOUBLE:
        return "bad_double";
    case PEN_TYPE_TIMESTAMP:
        return "bad_timestamp";
    case PEN_TYPE_BOOLEAN:
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    return "bad_json";
}

enum pen_code pen_json_misfit_reason(const struct pen_json_reading *r, struct pen_buf *into,
                                     struct pen_error *err)
{
    switch (r->misfit->type) {
    case PEN_TYPE_LONG:
    case PEN_TYPE_DOUBLE:
        return pen_buf_addf(into, err,
                            "java.lang.NumberFormatException: For input string: \"%.*s\"",
                            PEN_ARG(r->misfit_text));
    case PEN_TYPE_TIMESTAMP:
        return pen_buf_add_str(
            into, "A Json record must have valid timestamp value but it's OBJECT", err);
    case PEN_TYPE_BOOLEAN:
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    return pen_buf_addf(into, err, "a number is out of range in \"%.*s\"", PEN_ARG(r->misfit_text));
}
