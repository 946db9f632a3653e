#define PEN_FAIL_BODIES
#include "conf/options.h"

#include "base/number.h"
#include "conf/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kind_words[] = {
    [PEN_NODE_NULL] = "null",       [PEN_NODE_BOOL] = "a boolean", [PEN_NODE_INT] = "a number",
    [PEN_NODE_DOUBLE] = "a number", [PEN_NODE_TEXT] = "a text",    [PEN_NODE_LIST] = "a list",
    [PEN_NODE_MAP] = "a mapping",
};

const char *pen_option_kind_name(enum pen_option_kind kind)
{
    static const char *const names[] = {
        [PEN_OPTION_TEXT] = "text",       [PEN_OPTION_SECRET] = "text, secret",
        [PEN_OPTION_BOOL] = "boolean",    [PEN_OPTION_INT] = "integer",
        [PEN_OPTION_BYTES] = "bytes",     [PEN_OPTION_DOUBLE] = "number",
        [PEN_OPTION_ENUM] = "word",       [PEN_OPTION_NODE] = "value",
        [PEN_OPTION_MAP] = "mapping",     [PEN_OPTION_LIST] = "list",
        [PEN_OPTION_IGNORED] = "ignored",
    };
    return names[kind];
}

static void set_place(const struct pen_bind *bind, const struct pen_node *node,
                      struct pen_error *err)
{
    const char *file = bind != NULL && bind->file != NULL ? bind->file : "configuration";
    if (node != NULL && node->line > 0)
        pen_error_where(err, "%s:%u:%u", file, node->line, node->column);
    else
        pen_error_where(err, "%s", file);
}

enum pen_code pen_fail_at(const struct pen_bind *bind, const struct pen_node *node,
                          struct pen_error *err, const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    (void)pen_fail(err, PEN_ERR_CONFIG, "%s", text);
    set_place(bind, node, err);
    return PEN_ERR_CONFIG;
}

void pen_warn_at(const struct pen_bind *bind, const struct pen_node *node, const char *format, ...)
{
    if (bind == NULL || bind->warnings == NULL)
        return;
    struct pen_error place = {0};
    set_place(bind, node, &place);
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    /* a remark that does not fit is lost: there are already too many to read */
    enum pen_code lost = pen_buf_addf(&bind->warnings->text, NULL, "%s: %s\n", place.where, text);
    (void)lost;
}

static bool is_in(const char *const *names, struct pen_slice key)
{
    for (; names != NULL && *names != NULL; names++)
        if (pen_slice_is(key, *names))
            return true;
    return false;
}

static enum pen_code fail_unknown(const struct pen_option *options, const struct pen_node *node,
                                  const char *what, const char *const *also,
                                  const struct pen_bind *bind, struct pen_error *err)
{
    struct pen_suggest suggest = pen_suggest_start(node->key);
    for (const struct pen_option *option = options; option->key != NULL; option++)
        if (option->kind != PEN_OPTION_IGNORED)
            pen_suggest_try(&suggest, option->key);
    for (; also != NULL && *also != NULL; also++)
        pen_suggest_try(&suggest, *also);
    int shown = node->key.len < 64 ? (int)node->key.len : 64;
    const char *best = pen_suggest_best(&suggest);
    if (best == NULL)
        return pen_fail_at(bind, node, err, "unknown key '%.*s' in '%s'", shown, node->key.ptr,
                           what);
    (void)pen_fail_at(bind, node, err, "unknown key '%.*s' in '%s', did you mean '%s'?", shown,
                      node->key.ptr, what, best);
    return PEN_ERR_CONFIG;
}

static enum pen_code check_keys(const struct pen_option *options, const struct pen_node *map,
                                const char *what, const char *const *also,
                                const struct pen_bind *bind, struct pen_error *err)
{
    for (const struct pen_node *child = map->first; child != NULL; child = child->next) {
        const struct pen_option *option = options;
        while (option->key != NULL && !pen_slice_is(child->key, option->key))
            option++;
        if (option->key != NULL && option->kind == PEN_OPTION_IGNORED)
            pen_warn_at(bind, child, "'%s' in '%s' has no meaning here and is ignored", option->key,
                        what);
        else if (option->key == NULL && !is_in(also, child->key))
            return fail_unknown(options, child, what, also, bind, err);
    }
    return PEN_OK;
}

/* Everything a binder of one value needs. node may be made from the default text. */
struct binding {
    const struct pen_option *option;
    const struct pen_node *node;
    void *target;
    const struct pen_bind *bind;
    struct pen_error *err;
};

static void *field_of(const struct binding *b)
{
    return (char *)b->target + b->option->offset;
}

static enum pen_code fail_kind(const struct binding *b, const char *expected)
{
    bool is_shown = b->node->kind == PEN_NODE_TEXT || b->node->kind == PEN_NODE_DOUBLE;
    if (is_shown && b->node->text.len > 0 && b->node->text.len <= 64)
        return pen_fail_at(b->bind, b->node, b->err, "'%s' must be %s, not '%.*s'", b->option->key,
                           expected, PEN_ARG(b->node->text));
    return pen_fail_at(b->bind, b->node, b->err, "'%s' must be %s, not %s", b->option->key,
                       expected, kind_words[b->node->kind]);
}

static enum pen_code bind_text(const struct binding *b)
{
    const struct pen_node *node = b->node;
    if (node->kind == PEN_NODE_LIST || node->kind == PEN_NODE_MAP)
        return fail_kind(b, "a text");
    if (memchr(node->text.ptr, '\0', node->text.len) != NULL)
        return pen_fail_at(b->bind, node, b->err, "'%s' must not hold a NUL character",
                           b->option->key);
    char *copy = pen_arena_copy(b->bind->arena, node->text);
    if (copy == NULL)
        return pen_fail_nomem(b->err);
    memcpy(field_of(b), &copy, sizeof copy); /* the field may be a const char *, too */
    return PEN_OK;
}

static enum pen_code bind_bool(const struct binding *b)
{
    bool *field = field_of(b);
    if (b->node->kind == PEN_NODE_BOOL)
        *field = b->node->boolean;
    else if (b->node->kind == PEN_NODE_TEXT && pen_slice_is(b->node->text, "true"))
        *field = true;
    else if (b->node->kind == PEN_NODE_TEXT && pen_slice_is(b->node->text, "false"))
        *field = false;
    else
        return fail_kind(b, "true or false");
    return PEN_OK;
}

/* Decimal digits with a sign; the whole text, or up to *ret_rest. */
static bool read_integer(struct pen_slice text, int64_t *ret_value, struct pen_slice *ret_rest)
{
    char *end = NULL;
    if (text.len == 0 || text.len > 60 || strchr("+-0123456789", text.ptr[0]) == NULL)
        return false;
    errno = 0;
    long long value = strtoll(text.ptr, &end, 10);
    if (errno != 0 || end == text.ptr)
        return false;
    *ret_value = value;
    *ret_rest = pen_slice_skip(text, (size_t)(end - text.ptr));
    return true;
}

/* Nothing but decimal digits and a sign, so that only its size is wrong. */
static bool is_whole_number(struct pen_slice text)
{
    size_t i = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    size_t first = i;
    while (i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9')
        i++;
    return i > first && i == text.len;
}

static enum pen_code bind_int(const struct binding *b)
{
    struct pen_slice rest = {0};
    int64_t value = b->node->integer;
    if (b->node->kind != PEN_NODE_INT &&
        (b->node->kind != PEN_NODE_TEXT || !read_integer(b->node->text, &value, &rest) ||
         rest.len != 0))
        return fail_kind(b, is_whole_number(b->node->text) ? "an integer of at most 64 bits"
                                                           : "an integer");
    *(int64_t *)field_of(b) = value;
    return PEN_OK;
}

static bool read_unit(struct pen_slice unit, int64_t *ret_factor)
{
    static const struct {
        const char *name;
        int64_t factor;
    } units[] = {
        {"", 1},
        {"b", 1},
        {"k", INT64_C(1) << 10},
        {"kb", 1000},
        {"kib", INT64_C(1) << 10},
        {"m", INT64_C(1) << 20},
        {"mb", 1000000},
        {"mib", INT64_C(1) << 20},
        {"g", INT64_C(1) << 30},
        {"gb", 1000000000},
        {"gib", INT64_C(1) << 30},
        {"t", INT64_C(1) << 40},
        {"tb", INT64_C(1000000000000)},
        {"tib", INT64_C(1) << 40},
    };
    char lower[4] = "";
    while (unit.len > 0 && unit.ptr[0] == ' ')
        unit = pen_slice_skip(unit, 1);
    if (unit.len >= sizeof lower)
        return false;
    for (size_t i = 0; i < unit.len; i++)
        lower[i] = (char)(unit.ptr[i] | 0x20);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, lower) != 0)
            continue;
        *ret_factor = units[i].factor;
        return true;
    }
    return false;
}

static enum pen_code bind_bytes(const struct binding *b)
{
    static const char expected[] = "a size in bytes such as 65536, 64KiB or 10MB";
    struct pen_slice unit = {0};
    int64_t value = b->node->integer, factor = 1;
    if (b->node->kind != PEN_NODE_INT &&
        (b->node->kind != PEN_NODE_TEXT || !read_integer(b->node->text, &value, &unit) ||
         !read_unit(unit, &factor)))
        return fail_kind(b, expected);
    if (value < 0 || __builtin_mul_overflow(value, factor, &value))
        return fail_kind(b, expected);
    *(int64_t *)field_of(b) = value;
    return PEN_OK;
}

static enum pen_code bind_double(const struct binding *b)
{
    double value = b->node->number;
    if (b->node->kind == PEN_NODE_TEXT) {
        if (!pen_parse_double(b->node->text, &value))
            return fail_kind(b, "a number");
    } else if (b->node->kind != PEN_NODE_INT && b->node->kind != PEN_NODE_DOUBLE) {
        return fail_kind(b, "a number");
    }
    *(double *)field_of(b) = value;
    return PEN_OK;
}

static enum pen_code bind_enum(const struct binding *b)
{
    char list[160] = "";
    size_t used = 0;
    struct pen_slice word = b->node->text;
    if (b->node->kind == PEN_NODE_BOOL) /* yes and True are the choice "true" */
        word = b->node->boolean ? PEN_LIT("true") : PEN_LIT("false");
    for (int i = 0; b->option->choices[i] != NULL; i++) {
        if (word.ptr != NULL && pen_slice_is(word, b->option->choices[i])) {
            *(int *)field_of(b) = i;
            return PEN_OK;
        }
        int n = snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                         b->option->choices[i]);
        used += n > 0 && (size_t)n < sizeof list - used ? (size_t)n : 0;
    }
    int shown = b->node->text.len < 64 ? (int)b->node->text.len : 64;
    if (b->node->text.ptr == NULL)
        return fail_kind(b, list);
    return pen_fail_at(b->bind, b->node, b->err, "unknown %s '%.*s'; it must be one of: %s",
                       b->option->key, shown, b->node->text.ptr, list);
}

/* b->node is not NULL; a written null counts as absent where a kind is asked for. */
static enum pen_code bind_node(const struct binding *b)
{
    bool is_any = b->option->kind == PEN_OPTION_NODE;
    bool is_map = b->option->kind == PEN_OPTION_MAP;
    const struct pen_node *node = b->node;
    if (!is_any && node->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (!is_any && node->kind != (is_map ? PEN_NODE_MAP : PEN_NODE_LIST))
        return fail_kind(b, is_map ? "a mapping" : "a list");
    *(const struct pen_node **)field_of(b) = node;
    return PEN_OK;
}

static enum pen_code bind_value(const struct binding *b)
{
    switch (b->option->kind) {
    case PEN_OPTION_TEXT:
    case PEN_OPTION_SECRET:
        return bind_text(b);
    case PEN_OPTION_BOOL:
        return bind_bool(b);
    case PEN_OPTION_INT:
        return bind_int(b);
    case PEN_OPTION_BYTES:
        return bind_bytes(b);
    case PEN_OPTION_DOUBLE:
        return bind_double(b);
    case PEN_OPTION_ENUM:
        return bind_enum(b);
    case PEN_OPTION_NODE:
    case PEN_OPTION_MAP:
    case PEN_OPTION_LIST:
        return bind_node(b);
    case PEN_OPTION_IGNORED:
        break;
    }
    return PEN_OK;
}

/* The default, as if it stood in the file. Texts are texts, everything else is read as text too. */
static enum pen_code bind_default(struct binding b)
{
    if (b.option->default_text == NULL)
        return PEN_OK;
    const struct pen_node node = {.kind = PEN_NODE_TEXT,
                                  .text = pen_slice_str(b.option->default_text)};
    b.node = &node;
    return bind_value(&b);
}

static enum pen_code bind_option(const struct pen_option *option, const struct pen_node *map,
                                 void *target, const struct pen_bind *bind, struct pen_error *err)
{
    const struct pen_node *node = pen_node_get(map, option->key);
    struct binding b = {option, node, target, bind, err};
    if (option->kind == PEN_OPTION_IGNORED)
        return PEN_OK;
    if (option->is_required && (node == NULL || node->kind == PEN_NODE_NULL))
        return pen_fail_at(bind, node != NULL ? node : map, err,
                           "field '%s' is required but not set", option->key);
    bool is_node = option->kind == PEN_OPTION_NODE || option->kind == PEN_OPTION_MAP ||
                   option->kind == PEN_OPTION_LIST;
    if (is_node) /* defaults of nodes are for people only */
        return node == NULL ? PEN_OK : bind_node(&b);
    bool is_text = option->kind == PEN_OPTION_TEXT || option->kind == PEN_OPTION_SECRET;
    if (node != NULL && node->kind == PEN_NODE_NULL && is_text)
        return PEN_OK; /* written null: NULL, not the default */
    if (node == NULL || node->kind == PEN_NODE_NULL)
        return bind_default(b);
    return bind_value(&b);
}

enum pen_code pen_options_bind(const struct pen_option *options, const struct pen_node *map,
                               const char *what, const char *const *also, void *target,
                               const struct pen_bind *bind, struct pen_error *err)
{
    if (map != NULL && map->kind != PEN_NODE_MAP && map->kind != PEN_NODE_NULL)
        return pen_fail_at(bind, map, err, "'%s' must be a mapping, not %s", what,
                           kind_words[map->kind]);
    if (map != NULL)
        PEN_TRY(check_keys(options, map, what, also, bind, err));
    for (const struct pen_option *option = options; option->key != NULL; option++)
        PEN_TRY(bind_option(option, map, target, bind, err));
    return PEN_OK;
}

enum pen_code pen_options_bind_list(const struct pen_option *entries, const struct pen_node *list,
                                    const char *what, size_t item_bytes,
                                    const struct pen_bind *bind, void *ret_items,
                                    struct pen_error *err)
{
    size_t bytes = (list == NULL ? 0 : list->count) * item_bytes;
    char *items = pen_arena_alloc(bind->arena, bytes + 1);
    if (items == NULL)
        return pen_fail_nomem(err);
    memset(items, 0, bytes);
    char *item = items;
    for (const struct pen_node *node = list == NULL ? NULL : list->first; node != NULL;
         node = node->next, item += item_bytes) {
        if (node->kind != PEN_NODE_MAP)
            return pen_fail_at(bind, node, err, "an entry of '%s' must be a mapping, not %s", what,
                               kind_words[node->kind]);
        PEN_TRY(pen_options_bind(entries, node, what, NULL, item, bind, err));
    }
    memcpy(ret_items, &items, sizeof items);
    return PEN_OK;
}
