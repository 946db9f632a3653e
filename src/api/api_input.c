#include "api/api.h"

#include "base/number.h"
#include "base/utf8.h"

#include <ctype.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum pen_code pen_api_unescape(struct pen_slice text, bool is_form, struct pen_arena *arena,
                               const char **ret_text, struct pen_error *err)
{
    char *out = pen_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (out == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit(text.ptr[i + 2]);
            if (low < 0)
                return pen_fail(err, PEN_ERR_CONFIG, "bad percent-encoding in the request");
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        if (c == '\0')
            return pen_fail(err, PEN_ERR_CONFIG, "a NUL in the request's address or form");
        out[len++] = c;
    }
    out[len] = '\0';
    if (!pen_utf8_is_valid(pen_slice(out, len)))
        return pen_fail(err, PEN_ERR_CONFIG, "the request's address or form is not UTF-8");
    *ret_text = out;
    return PEN_OK;
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* The media type without its parameters. */
static struct pen_slice content_type(struct pen_api_call *call)
{
    const char *text = pen_http_exchange_header(call->exchange, "Content-Type");
    if (text == NULL)
        return PEN_LIT("");
    size_t len = strcspn(text, "; \t");
    return pen_slice(text, len);
}

static bool is_type(struct pen_slice type, const char *name)
{
    return type.len == strlen(name) && strncasecmp(type.ptr, name, type.len) == 0;
}

static bool is_json_type(struct pen_slice type)
{
    return type.len == 0 || is_type(type, "application/json");
}

static enum pen_code parse_json(struct pen_api_call *call, struct pen_slice body,
                                struct pen_node **ret_map, struct pen_error *err)
{
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse_json(body, "request body", call->arena, &root, err));
    if (root->kind != PEN_NODE_MAP)
        return pen_fail(err, PEN_ERR_CONFIG, "the request body must be a JSON object");
    *ret_map = root;
    return PEN_OK;
}

static enum pen_code new_map(struct pen_api_call *call, struct pen_node **ret_map,
                             struct pen_error *err)
{
    *ret_map = pen_node_new_map(call->arena);
    return *ret_map == NULL ? pen_fail_nomem(err) : PEN_OK;
}

/* A body that is compressed would be read as what it is not. */
static enum pen_code check_encoding(struct pen_api_call *call, struct pen_error *err)
{
    const char *encoding = pen_http_exchange_header(call->exchange, "Content-Encoding");
    if (encoding == NULL || encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0)
        return PEN_OK;
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Accept-Encoding", "identity", err));
    return pen_api_refuse(call, 415, err, "request bodies are taken uncompressed, not as '%.40s'",
                          encoding);
}

enum pen_code pen_api_json(struct pen_api_call *call, struct pen_node **ret_map,
                           struct pen_error *err)
{
    struct pen_slice body = pen_http_exchange_body(call->exchange), type = content_type(call);
    if (body.len == 0)
        return new_map(call, ret_map, err);
    PEN_TRY(check_encoding(call, err));
    if (!is_json_type(type))
        return pen_api_refuse(call, 415, err, "the request body must be application/json");
    return parse_json(call, body, ret_map, err);
}

/* a=b&c=d into the map; the first of equal names wins. */
static enum pen_code add_form(struct pen_api_call *call, struct pen_slice form,
                              struct pen_node *map, struct pen_error *err)
{
    while (form.len > 0) {
        const char *end = memchr(form.ptr, '&', form.len);
        size_t len = end == NULL ? form.len : (size_t)(end - form.ptr);
        struct pen_slice pair = pen_slice(form.ptr, len);
        form = pen_slice_skip(form, end == NULL ? len : len + 1);
        if (pair.len == 0)
            continue;
        const char *equals = memchr(pair.ptr, '=', pair.len);
        size_t key_len = equals == NULL ? pair.len : (size_t)(equals - pair.ptr);
        struct pen_slice value = equals == NULL ? PEN_LIT("") : pen_slice_skip(pair, key_len + 1);
        const char *key = NULL, *text = NULL;
        PEN_TRY(pen_api_unescape(pen_slice(pair.ptr, key_len), true, call->arena, &key, err));
        PEN_TRY(pen_api_unescape(value, true, call->arena, &text, err));
        if (pen_node_get(map, key) != NULL)
            continue;
        struct pen_node *node = pen_node_new_text(call->arena, pen_slice_str(text));
        if (node == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_node_set(map, call->arena, key, node, err));
    }
    return PEN_OK;
}

static enum pen_code parse_body(struct pen_api_call *call, struct pen_slice body,
                                struct pen_node **ret_map, struct pen_error *err)
{
    struct pen_slice type = content_type(call);
    PEN_TRY(check_encoding(call, err));
    if (type.len > 0 && is_json_type(type))
        return parse_json(call, body, ret_map, err);
    PEN_TRY(new_map(call, ret_map, err));
    if (type.len == 0 || is_type(type, "application/x-www-form-urlencoded"))
        return add_form(call, body, *ret_map, err);
    if (is_type(type, "multipart/form-data"))
        return pen_api_add_multipart(call, body, *ret_map, err);
    return pen_api_refuse(call, 415, err,
                          "the request body must be application/x-www-form-urlencoded, "
                          "multipart/form-data or application/json");
}

enum pen_code pen_api_form(struct pen_api_call *call, struct pen_node **ret_map,
                           struct pen_error *err)
{
    struct pen_slice body = pen_http_exchange_body(call->exchange);
    if (body.len > 0)
        PEN_TRY(parse_body(call, body, ret_map, err));
    else
        PEN_TRY(new_map(call, ret_map, err));
    return add_form(call, pen_slice_str(pen_http_exchange_query(call->exchange)), *ret_map, err);
}

/* --- members ---------------------------------------------------------------------------------- */

enum pen_code pen_api_text(const struct pen_node *map, const char *key, const char **ret_text,
                           struct pen_error *err)
{
    const struct pen_node *node = pen_node_get(map, key);
    *ret_text = NULL;
    if (node == NULL || node->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (node->kind == PEN_NODE_LIST || node->kind == PEN_NODE_MAP)
        return pen_fail(err, PEN_ERR_CONFIG, "parameter '%s' must be a text", key);
    if (memchr(node->text.ptr, '\0', node->text.len) != NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "parameter '%s' has a NUL", key);
    *ret_text = node->text.ptr;
    return PEN_OK;
}

enum pen_code pen_api_need_text(const struct pen_node *map, const char *key, const char **ret_text,
                                struct pen_error *err)
{
    PEN_TRY(pen_api_text(map, key, ret_text, err));
    if (*ret_text == NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "parameter '%s' is required", key);
    return PEN_OK;
}

enum pen_code pen_api_int(const struct pen_node *map, const char *key, struct pen_api_range range,
                          int64_t *ret_value, struct pen_error *err)
{
    const char *text = NULL;
    PEN_TRY(pen_api_text(map, key, &text, err));
    *ret_value = range.fallback;
    if (text == NULL || *text == '\0')
        return PEN_OK;
    if (!pen_parse_long(pen_slice_str(text), ret_value) || *ret_value < range.min ||
        *ret_value > range.max)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "parameter '%s' must be an integer from %lld to %lld, not '%.40s'", key,
                        (long long)range.min, (long long)range.max, text);
    return PEN_OK;
}

enum pen_code pen_api_bool(const struct pen_node *map, const char *key, bool fallback,
                           bool *ret_value, struct pen_error *err)
{
    const char *text = NULL;
    PEN_TRY(pen_api_text(map, key, &text, err));
    *ret_value = fallback;
    if (text == NULL || *text == '\0')
        return PEN_OK;
    bool is_true = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!is_true && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        return pen_fail(err, PEN_ERR_CONFIG, "parameter '%s' must be true or false, not '%.40s'",
                        key, text);
    *ret_value = is_true;
    return PEN_OK;
}

enum pen_code pen_api_param_id(const struct pen_api_call *call, size_t index, const char *what,
                               int64_t *ret_id, struct pen_error *err)
{
    const char *text = call->params[index];
    if (!isdigit((unsigned char)text[0]) || !pen_parse_long(pen_slice_str(text), ret_id))
        return pen_fail(err, PEN_ERR_NOT_FOUND, "%s %.40s does not exist", what, text);
    return PEN_OK;
}
