#include "filter/node_value.h"

#include "base/json.h"
#include "base/number.h"

static bool read_boolean(const struct pen_node *node, int64_t *ret_integer)
{
    bool is_true = node->kind == PEN_NODE_BOOL ? node->boolean : pen_slice_is(node->text, "true");
    *ret_integer = is_true;
    return is_true || node->kind == PEN_NODE_BOOL || pen_slice_is(node->text, "false");
}

static bool read_timestamp(const struct pen_node *node, const struct pen_time_format *format,
                           struct pen_node_value *value)
{
    struct pen_instant instant;
    if (!pen_time_format_parse(format, node->text, &instant, NULL))
        return false;
    value->integer = instant.utc_us;
    value->ns = instant.ns;
    return true;
}

static enum pen_code read_json(const struct pen_node *node, struct pen_arena *arena,
                               struct pen_slice *ret, bool *ret_is_json, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_slice canonical;
    size_t used = 0;
    enum pen_code code = pen_json_canonical(node->text, &scratch, &canonical, &used, NULL);
    if (code == PEN_ERR_NOMEM)
        return pen_fail_nomem(err);
    *ret_is_json = code == PEN_OK && pen_json_is_blank(pen_slice_skip(node->text, used));
    if (!*ret_is_json)
        return PEN_OK;
    char *copy = pen_arena_copy(arena, canonical);
    if (copy == NULL)
        return pen_fail_nomem(err);
    *ret = pen_slice(copy, canonical.len);
    return PEN_OK;
}

enum pen_code pen_node_value_read(const struct pen_node *node, enum pen_type type,
                                  const struct pen_time_format *format, struct pen_arena *arena,
                                  struct pen_node_value *ret_value, bool *ret_is_value,
                                  struct pen_error *err)
{
    bool is_number = node->kind == PEN_NODE_INT || node->kind == PEN_NODE_DOUBLE;
    bool is_read =
        node->kind != PEN_NODE_LIST && node->kind != PEN_NODE_MAP && node->kind != PEN_NODE_NULL;
    *ret_is_value = false;
    if (!is_read)
        return PEN_OK;
    struct pen_node_value value = {
        .integer = node->integer, .number = node->number, .text = node->text};
    switch (type) {
    case PEN_TYPE_BOOLEAN:
        is_read = read_boolean(node, &value.integer);
        break;
    case PEN_TYPE_LONG:
        is_read = node->kind == PEN_NODE_INT || pen_parse_long(node->text, &value.integer);
        break;
    case PEN_TYPE_DOUBLE:
        is_read = is_number || pen_parse_double(node->text, &value.number);
        break;
    case PEN_TYPE_TIMESTAMP:
        is_read = read_timestamp(node, format, &value);
        break;
    case PEN_TYPE_JSON:
        PEN_TRY(read_json(node, arena, &value.text, &is_read, err));
        break;
    case PEN_TYPE_STRING:
        break;
    }
    *ret_is_value = is_read;
    if (is_read)
        *ret_value = value;
    return PEN_OK;
}
