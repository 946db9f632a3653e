/* source text --json_walk--> nodes in an arena --pen_json_write--> canonical text */
#include "base/json_internal.h"

#include "base/number.h"

#include <math.h>

struct builder {
    struct pen_arena *arena;
    struct pen_buf scratch; /* one string with escapes at a time */
    struct pen_json *root;
    struct pen_json *open[PEN_JSON_MAX_DEPTH];
    unsigned depth;
    struct pen_slice key; /* of the value that comes next */
};

static const char *const kind_names[] = {
    [PEN_JSON_NULL] = "NULL",     [PEN_JSON_BOOLEAN] = "BOOLEAN", [PEN_JSON_LONG] = "LONG",
    [PEN_JSON_DOUBLE] = "DOUBLE", [PEN_JSON_STRING] = "STRING",   [PEN_JSON_ARRAY] = "ARRAY",
    [PEN_JSON_OBJECT] = "OBJECT",
};

const char *pen_json_kind_name(enum pen_json_kind kind)
{
    return kind_names[kind];
}

static enum pen_code add_node(struct json_reader *r, struct builder *b, enum pen_json_kind kind,
                              struct pen_json **ret_node)
{
    struct pen_json *node = pen_arena_alloc(b->arena, sizeof *node);
    if (node == NULL)
        return pen_fail_nomem(r->err);
    *node = (struct pen_json){.kind = kind};
    if (b->depth == 0) {
        b->root = node;
    } else {
        struct pen_json *parent = b->open[b->depth - 1];
        node->key = parent->kind == PEN_JSON_OBJECT ? b->key : pen_slice("", 0);
        if (parent->last == NULL)
            parent->first = node;
        else
            parent->last->next = node;
        parent->last = node;
        parent->count++;
    }
    *ret_node = node;
    return PEN_OK;
}

/* The string at r->at: a slice of the source, or a copy in the arena when it has escapes. */
static enum pen_code read_string(struct json_reader *r, struct builder *b,
                                 struct pen_slice *ret_text)
{
    const char *body = r->at + 1;
    struct json_text text = {.run = body, .buf = &b->scratch};
    pen_buf_clear(&b->scratch);
    PEN_TRY(json_string(r, &text));
    if (!text.is_changed) {
        *ret_text = pen_slice(body, (size_t)(r->at - 1 - body));
        return PEN_OK;
    }
    PEN_TRY(json_flush(r, &text, r->at - 1));
    char *copy = pen_arena_copy(b->arena, pen_buf_slice(&b->scratch));
    if (copy == NULL)
        return pen_fail_nomem(r->err);
    *ret_text = pen_slice(copy, b->scratch.len);
    return PEN_OK;
}

static enum pen_code tree_space(struct json_reader *r, void *context, const char *from)
{
    (void)r;
    (void)context;
    (void)from;
    return PEN_OK;
}

static enum pen_code tree_key(struct json_reader *r, void *context)
{
    struct builder *b = context;
    return read_string(r, b, &b->key);
}

static enum pen_code tree_number(struct json_reader *r, struct pen_json *node)
{
    const char *from = r->at;
    bool is_double;
    PEN_TRY(json_number(r, &is_double));
    struct pen_slice source = pen_slice(from, (size_t)(r->at - from));
    if (is_double) {
        node->kind = PEN_JSON_DOUBLE;
        if (!pen_parse_double(source, &node->number) || !isfinite(node->number))
            return json_fail_text(r, from, "number out of range");
        return PEN_OK;
    }
    node->kind = PEN_JSON_LONG;
    if (!pen_parse_long(source, &node->integer))
        return json_fail_text(r, from, "integer out of range");
    node->number = (double)node->integer;
    return PEN_OK;
}

static enum pen_code tree_scalar(struct json_reader *r, void *context)
{
    struct pen_json *node = NULL;
    char c = *r->at;
    PEN_TRY(add_node(r, context, PEN_JSON_NULL, &node));
    if (c == '"') {
        node->kind = PEN_JSON_STRING;
        return read_string(r, context, &node->text);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return tree_number(r, node);
    node->kind = c == 'n' ? PEN_JSON_NULL : PEN_JSON_BOOLEAN;
    node->boolean = c == 't';
    return json_word(r);
}

static enum pen_code tree_open(struct json_reader *r, void *context, bool is_object)
{
    struct builder *b = context;
    struct pen_json *node = NULL;
    PEN_TRY(add_node(r, b, is_object ? PEN_JSON_OBJECT : PEN_JSON_ARRAY, &node));
    b->open[b->depth++] = node;
    return PEN_OK;
}

static void tree_close(void *context)
{
    struct builder *b = context;
    b->depth--;
}

static void release_builder(struct builder *b)
{
    pen_buf_release(&b->scratch);
}

enum pen_code pen_json_read(struct pen_slice text, struct pen_arena *arena,
                            struct pen_json **ret_root, size_t *ret_used, struct pen_error *err)
{
    static const struct json_events events = {.space = tree_space,
                                              .key = tree_key,
                                              .scalar = tree_scalar,
                                              .open = tree_open,
                                              .close = tree_close};
    if (text.len == 0)
        text.ptr = "";
    struct json_reader r = {
        .begin = text.ptr, .at = text.ptr, .end = text.ptr + text.len, .err = err};
    PEN_CLEANUP(release_builder) struct builder b;
    b.arena = arena;
    b.scratch = PEN_BUF(text.len + 8);
    b.root = NULL;
    b.depth = 0;
    while (r.at < r.end && json_is_space(*r.at))
        r.at++;
    PEN_TRY(json_walk(&r, &events, &b));
    *ret_root = b.root;
    *ret_used = (size_t)(r.at - r.begin);
    return PEN_OK;
}

const struct pen_json *pen_json_member(const struct pen_json *object, struct pen_slice name)
{
    if (object == NULL || object->kind != PEN_JSON_OBJECT)
        return NULL;
    for (const struct pen_json *member = object->first; member != NULL; member = member->next)
        if (pen_slice_equal(member->key, name))
            return member;
    return NULL;
}

const struct pen_json *pen_json_element(const struct pen_json *array, size_t index)
{
    if (array == NULL || array->kind != PEN_JSON_ARRAY || index >= array->count)
        return NULL;
    const struct pen_json *element = array->first;
    while (index-- > 0)
        element = element->next;
    return element;
}

static enum pen_code write_scalar(const struct pen_json *value, struct pen_buf *into,
                                  struct pen_error *err)
{
    char number[PEN_NUMBER_TEXT];
    switch (value->kind) {
    case PEN_JSON_NULL:
        return pen_buf_add_str(into, "null", err);
    case PEN_JSON_BOOLEAN:
        return pen_buf_add_str(into, value->boolean ? "true" : "false", err);
    case PEN_JSON_LONG:
        return pen_buf_add(into, number, pen_print_long(value->integer, number), err);
    case PEN_JSON_DOUBLE:
        return pen_buf_add(into, number, pen_print_double_java(value->number, number), err);
    case PEN_JSON_STRING:
        return pen_json_add_string(into, value->text, err);
    case PEN_JSON_ARRAY:
    case PEN_JSON_OBJECT:
        break;
    }
    return pen_buf_add_char(into, value->kind == PEN_JSON_OBJECT ? '{' : '[', err);
}

/* Without recursion: `open` holds the containers that are being written. */
enum pen_code pen_json_write(const struct pen_json *value, struct pen_buf *into,
                             struct pen_error *err)
{
    const struct pen_json *open[PEN_JSON_MAX_DEPTH];
    unsigned depth = 0;
    for (;;) {
        if (depth > 0 && open[depth - 1]->kind == PEN_JSON_OBJECT) {
            PEN_TRY(pen_json_add_string(into, value->key, err));
            PEN_TRY(pen_buf_add_char(into, ':', err));
        }
        PEN_TRY(write_scalar(value, into, err));
        if (value->first != NULL && depth < PEN_JSON_MAX_DEPTH) {
            open[depth++] = value;
            value = value->first;
            continue;
        }
        if (value->kind == PEN_JSON_ARRAY || value->kind == PEN_JSON_OBJECT)
            PEN_TRY(pen_buf_add_char(into, value->kind == PEN_JSON_OBJECT ? '}' : ']', err));
        while (depth > 0 && value->next == NULL) {
            value = open[--depth];
            PEN_TRY(pen_buf_add_char(into, value->kind == PEN_JSON_OBJECT ? '}' : ']', err));
        }
        if (depth == 0)
            return PEN_OK;
        PEN_TRY(pen_buf_add_char(into, ',', err));
        value = value->next;
    }
}
