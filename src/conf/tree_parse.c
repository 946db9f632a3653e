/* YAML text --libyaml events--> nodes. The only includer of yaml.h.
 *
 * A stack of open lists and maps, never deeper than PEN_TREE_MAX_DEPTH, takes one event at a time.
 * Every node counts against PEN_TREE_MAX_NODES, copies made for aliases too, so that a document of
 * a few hundred bytes cannot grow without end. */
#include "conf/tree_internal.h"

#include <stdlib.h>
#include <yaml.h>

struct frame {
    struct pen_node *node;
    struct pen_node *merged; /* map only: members that << brought in; NULL for none */
    struct pen_slice key;    /* map only: the key whose value comes next */
    uint32_t key_line, key_column;
    bool has_key, is_merge; /* is_merge: the key is << */
};

struct anchor {
    struct pen_slice name;
    struct pen_node *node;
};

struct loader {
    yaml_parser_t yaml;
    const char *name;
    struct pen_arena *arena;
    struct pen_node *root;
    struct frame frames[PEN_TREE_MAX_DEPTH];
    size_t depth, nodes_left;
    struct anchor *anchors; /* in the arena, made on first use */
    size_t anchor_count;
    unsigned documents;
};

static void loader_release(struct loader *loader)
{
    yaml_parser_delete(&loader->yaml);
}

static void event_release(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static enum pen_code fail_at(const struct loader *loader, const yaml_mark_t *mark,
                             struct pen_error *err, enum pen_code code, const char *message,
                             struct pen_slice subject)
{
    int shown = subject.len < 64 ? (int)subject.len : 64;
    if (shown == 0)
        (void)pen_fail(err, code, "%s", message);
    else
        (void)pen_fail(err, code, "%s '%.*s'", message, shown, subject.ptr);
    pen_error_where(err, "%s:%zu:%zu", loader->name, mark->line + 1, mark->column + 1);
    return code;
}

static const struct pen_slice no_subject;

static struct pen_slice slice_of(const yaml_char_t *text)
{
    return pen_slice_str((const char *)text);
}

static enum pen_code new_node(struct loader *loader, const yaml_mark_t *mark,
                              enum pen_node_kind kind, struct pen_node **ret_node,
                              struct pen_error *err)
{
    if (loader->nodes_left == 0) {
        (void)fail_at(loader, mark, err, PEN_ERR_TOO_LARGE,
                      "the document has more than 1048576 values", no_subject);
        return PEN_ERR_TOO_LARGE;
    }
    loader->nodes_left--;
    struct pen_node *node = pen_node_new_kind(loader->arena, kind);
    if (node == NULL)
        return pen_fail_nomem(err);
    node->line = (uint32_t)(mark->line + 1);
    node->column = (uint32_t)(mark->column + 1);
    *ret_node = node;
    return PEN_OK;
}

static enum pen_code add_anchor(struct loader *loader, const yaml_char_t *name,
                                const yaml_mark_t *mark, struct pen_node *node,
                                struct pen_error *err)
{
    if (name == NULL)
        return PEN_OK;
    if (loader->anchor_count == PEN_TREE_MAX_ANCHORS)
        return fail_at(loader, mark, err, PEN_ERR_TOO_LARGE,
                       "the document has more than 1000 anchors", no_subject);
    if (loader->anchors == NULL)
        loader->anchors =
            pen_arena_alloc(loader->arena, PEN_TREE_MAX_ANCHORS * sizeof *loader->anchors);
    const char *copy = pen_arena_copy(loader->arena, slice_of(name));
    if (loader->anchors == NULL || copy == NULL)
        return pen_fail_nomem(err);
    loader->anchors[loader->anchor_count++] = (struct anchor){pen_slice_str(copy), node};
    return PEN_OK;
}

static enum pen_code find_anchor(const struct loader *loader, const yaml_event_t *event,
                                 struct pen_node **ret_node, struct pen_error *err)
{
    struct pen_slice name = slice_of(event->data.alias.anchor);
    struct pen_node *found = NULL;
    for (size_t i = loader->anchor_count; i > 0 && found == NULL; i--)
        if (pen_slice_equal(loader->anchors[i - 1].name, name))
            found = loader->anchors[i - 1].node;
    if (found == NULL)
        return fail_at(loader, &event->start_mark, err, PEN_ERR_CONFIG, "unknown alias", name);
    for (size_t i = 0; i < loader->depth; i++)
        if (loader->frames[i].node == found)
            return fail_at(loader, &event->start_mark, err, PEN_ERR_CONFIG,
                           "alias stands inside of what it refers to:", name);
    *ret_node = found;
    return PEN_OK;
}

static enum pen_code copy_node(struct loader *loader, const struct pen_node *node,
                               const yaml_mark_t *mark, struct pen_node **ret_copy,
                               struct pen_error *err)
{
    size_t depth = PEN_TREE_MAX_DEPTH - loader->depth + 1;
    *ret_copy = pen_node_copy_bounded(node, loader->arena, depth, &loader->nodes_left);
    if (*ret_copy != NULL)
        return PEN_OK;
    return fail_at(loader, mark, err, PEN_ERR_TOO_LARGE,
                   "the document is too large or too deep when its aliases are expanded",
                   no_subject);
}

/* Takes the members of a << value (a map or a list of maps) as copies. */
static enum pen_code take_merged(struct loader *loader, struct frame *frame,
                                 const struct pen_node *value, const yaml_mark_t *mark,
                                 struct pen_error *err)
{
    if (value->kind == PEN_NODE_LIST) {
        for (const struct pen_node *item = value->first; item != NULL; item = item->next) {
            if (item->kind != PEN_NODE_MAP)
                return fail_at(loader, mark, err, PEN_ERR_CONFIG,
                               "the value of << must be a mapping or a list of mappings",
                               no_subject);
            PEN_TRY(take_merged(loader, frame, item, mark, err));
        }
        return PEN_OK;
    }
    if (value->kind != PEN_NODE_MAP)
        return fail_at(loader, mark, err, PEN_ERR_CONFIG,
                       "the value of << must be a mapping or a list of mappings", no_subject);
    if (frame->merged == NULL)
        PEN_TRY(new_node(loader, mark, PEN_NODE_MAP, &frame->merged, err));
    for (const struct pen_node *child = value->first; child != NULL; child = child->next) {
        struct pen_node *copy = NULL;
        PEN_TRY(copy_node(loader, child, mark, &copy, err));
        pen_node_append(frame->merged, copy);
    }
    return PEN_OK;
}

/* Puts a finished scalar or copy, or a list or map that is about to be filled, in its place. */
static enum pen_code attach(struct loader *loader, struct pen_node *node, const yaml_mark_t *mark,
                            struct pen_error *err)
{
    if (loader->depth == 0) {
        loader->root = node;
        return PEN_OK;
    }
    struct frame *frame = &loader->frames[loader->depth - 1];
    if (frame->node->kind == PEN_NODE_LIST) {
        pen_node_append(frame->node, node);
        return PEN_OK;
    }
    if (!frame->has_key)
        return fail_at(loader, mark, err, PEN_ERR_CONFIG, "a key must be a text", no_subject);
    if (frame->is_merge) /* members are taken when it is complete */
        return PEN_OK;
    node->key = frame->key;
    node->line = frame->key_line;
    node->column = frame->key_column;
    frame->has_key = false;
    pen_node_append(frame->node, node);
    return PEN_OK;
}

static enum pen_code finish_merge(struct loader *loader, const struct pen_node *value,
                                  const yaml_mark_t *mark, struct pen_error *err)
{
    if (loader->depth == 0)
        return PEN_OK;
    struct frame *frame = &loader->frames[loader->depth - 1];
    if (!frame->is_merge)
        return PEN_OK;
    frame->is_merge = frame->has_key = false;
    return take_merged(loader, frame, value, mark, err);
}

static enum pen_code open_node(struct loader *loader, const yaml_event_t *event,
                               enum pen_node_kind kind, const yaml_char_t *anchor,
                               const yaml_char_t *tag, struct pen_error *err)
{
    const char *own_tag = kind == PEN_NODE_LIST ? YAML_SEQ_TAG : YAML_MAP_TAG;
    struct pen_slice tag_text = slice_of(tag);
    if (tag != NULL && !pen_slice_is(tag_text, own_tag) && !pen_slice_is(tag_text, "!"))
        return fail_at(loader, &event->start_mark, err, PEN_ERR_CONFIG, "unsupported tag",
                       tag_text);
    if (loader->depth == PEN_TREE_MAX_DEPTH)
        return fail_at(loader, &event->start_mark, err, PEN_ERR_TOO_LARGE,
                       "the document is nested deeper than 64 levels", no_subject);
    struct pen_node *node = NULL;
    PEN_TRY(new_node(loader, &event->start_mark, kind, &node, err));
    PEN_TRY(attach(loader, node, &event->start_mark, err));
    PEN_TRY(add_anchor(loader, anchor, &event->start_mark, node, err));
    loader->frames[loader->depth++] = (struct frame){.node = node};
    return PEN_OK;
}

static enum pen_code close_node(struct loader *loader, const yaml_event_t *event,
                                struct pen_error *err)
{
    struct frame *frame = &loader->frames[loader->depth - 1];
    if (frame->node->kind == PEN_NODE_MAP)
        PEN_TRY(pen_tree_settle_map(frame->node, frame->merged, loader->name, err));
    loader->depth--;
    return finish_merge(loader, frame->node, &event->start_mark, err);
}

static enum pen_code take_key(struct loader *loader, const yaml_event_t *event, struct frame *frame,
                              struct pen_error *err)
{
    const char *tag = (const char *)event->data.scalar.tag;
    struct pen_slice key = pen_slice(event->data.scalar.value, event->data.scalar.length);
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (tag != NULL && tag[0] == '!' && tag[1] != '\0' && key.len == 0)
        key = pen_slice_str(tag); /* "!include : file" of workflow files: a key named !include */
    if (memchr(key.ptr, '\0', key.len) != NULL)
        return fail_at(loader, &event->start_mark, err, PEN_ERR_CONFIG,
                       "a key must not hold a NUL character", no_subject);
    const char *copy = pen_arena_copy(loader->arena, key);
    if (copy == NULL)
        return pen_fail_nomem(err);
    frame->key = pen_slice(copy, key.len);
    frame->key_line = (uint32_t)(event->start_mark.line + 1);
    frame->key_column = (uint32_t)(event->start_mark.column + 1);
    frame->has_key = true;
    frame->is_merge = is_plain && pen_slice_is(key, "<<");
    return PEN_OK;
}

/* A tag that asks for another kind than the scalar has is an error, not a conversion. */
static enum pen_code apply_tag(struct loader *loader, const yaml_event_t *event,
                               struct pen_node *node, struct pen_error *err)
{
    static const struct {
        const char *tag;
        enum pen_node_kind kind;
    } known[] = {{YAML_NULL_TAG, PEN_NODE_NULL},
                 {YAML_BOOL_TAG, PEN_NODE_BOOL},
                 {YAML_INT_TAG, PEN_NODE_INT},
                 {YAML_FLOAT_TAG, PEN_NODE_DOUBLE}};
    struct pen_slice tag = slice_of(event->data.scalar.tag);
    node->kind = PEN_NODE_TEXT;
    if (pen_slice_is(tag, "!") || pen_slice_is(tag, YAML_STR_TAG))
        return PEN_OK;
    pen_scalar_resolve(node);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (pen_slice_is(tag, known[i].tag) &&
            (node->kind == known[i].kind ||
             (node->kind == PEN_NODE_INT && known[i].kind == PEN_NODE_DOUBLE)))
            return PEN_OK;
    return fail_at(loader, &event->start_mark, err, PEN_ERR_CONFIG, "unsupported tag", tag);
}

static enum pen_code take_scalar(struct loader *loader, const yaml_event_t *event,
                                 struct pen_error *err)
{
    struct frame *frame = loader->depth > 0 ? &loader->frames[loader->depth - 1] : NULL;
    if (frame != NULL && frame->node->kind == PEN_NODE_MAP && !frame->has_key)
        return take_key(loader, event, frame, err);
    struct pen_node *node = NULL;
    PEN_TRY(new_node(loader, &event->start_mark, PEN_NODE_TEXT, &node, err));
    struct pen_slice text = pen_slice(event->data.scalar.value, event->data.scalar.length);
    const char *copy = pen_arena_copy(loader->arena, text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    node->text = pen_slice(copy, text.len);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.tag != NULL)
        PEN_TRY(apply_tag(loader, event, node, err));
    else if (!node->is_quoted)
        pen_scalar_resolve(node);
    PEN_TRY(attach(loader, node, &event->start_mark, err));
    PEN_TRY(add_anchor(loader, event->data.scalar.anchor, &event->start_mark, node, err));
    return finish_merge(loader, node, &event->start_mark, err);
}

static enum pen_code take_alias(struct loader *loader, const yaml_event_t *event,
                                struct pen_error *err)
{
    struct pen_node *node = NULL;
    PEN_TRY(find_anchor(loader, event, &node, err));
    struct frame *frame = loader->depth > 0 ? &loader->frames[loader->depth - 1] : NULL;
    if (frame != NULL && frame->is_merge)
        return finish_merge(loader, node, &event->start_mark, err);
    struct pen_node *copy = NULL;
    PEN_TRY(copy_node(loader, node, &event->start_mark, &copy, err));
    return attach(loader, copy, &event->start_mark, err);
}

static enum pen_code take_document(struct loader *loader, const yaml_event_t *event,
                                   struct pen_error *err)
{
    if (loader->documents++ == 0)
        return PEN_OK;
    return fail_at(loader, &event->start_mark, err, PEN_ERR_CONFIG,
                   "a second document begins; only one is allowed in a file", no_subject);
}

static enum pen_code take_event(struct loader *loader, const yaml_event_t *event,
                                struct pen_error *err)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return take_document(loader, event, err);
    case YAML_SCALAR_EVENT:
        return take_scalar(loader, event, err);
    case YAML_ALIAS_EVENT:
        return take_alias(loader, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(loader, event, PEN_NODE_LIST, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag, err);
    case YAML_MAPPING_START_EVENT:
        return open_node(loader, event, PEN_NODE_MAP, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_node(loader, event, err);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return PEN_OK;
}

/* The reader knows a byte offset only; the scanner and the parser know line and column. */
static enum pen_code fail_yaml(const struct loader *loader, struct pen_slice text,
                               struct pen_error *err)
{
    const yaml_parser_t *yaml = &loader->yaml;
    if (yaml->error == YAML_MEMORY_ERROR)
        return pen_fail_nomem(err);
    size_t line = yaml->problem_mark.line + 1, column = yaml->problem_mark.column + 1;
    if (yaml->error == YAML_READER_ERROR) {
        line = column = 1;
        for (size_t i = 0; i < yaml->problem_offset && i < text.len; i++) {
            column++;
            if (text.ptr[i] == '\n')
                line++, column = 1;
        }
    }
    enum pen_code code = pen_fail(err, PEN_ERR_CONFIG, "%s%s%s at line %zu column %zu",
                                  yaml->problem != NULL ? yaml->problem : "not readable as YAML",
                                  yaml->context != NULL ? " " : "",
                                  yaml->context != NULL ? yaml->context : "", line, column);
    pen_error_where(err, "%s:%zu:%zu", loader->name, line, column);
    return code;
}

static enum pen_code load(struct loader *loader, struct pen_slice text, struct pen_error *err)
{
    for (bool is_end = false; !is_end;) {
        PEN_CLEANUP(event_release) yaml_event_t event = {0};
        if (yaml_parser_parse(&loader->yaml, &event) == 0)
            return fail_yaml(loader, text, err);
        PEN_TRY(take_event(loader, &event, err));
        is_end = event.type == YAML_STREAM_END_EVENT;
    }
    if (loader->root == NULL)
        loader->root = pen_node_new_null(loader->arena);
    return loader->root == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static bool starts_like_json(struct pen_slice text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL && text.ptr[0] != '\0')
        text = pen_slice_skip(text, 1);
    return text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[');
}

enum pen_code pen_tree_parse(struct pen_slice text, const char *name, struct pen_arena *arena,
                             struct pen_node **ret_root, struct pen_error *err)
{
    struct loader *loader = pen_arena_alloc(arena, sizeof *loader);
    if (text.ptr == NULL)
        text = PEN_LIT("");
    if (loader == NULL)
        return pen_fail_nomem(err);
    *loader = (struct loader){.name = name, .arena = arena, .nodes_left = PEN_TREE_MAX_NODES};
    if (yaml_parser_initialize(&loader->yaml) == 0)
        return pen_fail_nomem(err);
    yaml_parser_set_input_string(&loader->yaml, (const unsigned char *)text.ptr, text.len);
    struct pen_error yaml_error = {0};
    enum pen_code code = load(loader, text, &yaml_error);
    if (code == PEN_OK)
        *ret_root = loader->root;
    loader_release(loader);
    if (code == PEN_ERR_CONFIG && starts_like_json(text) &&
        pen_tree_parse_json(text, name, arena, ret_root, NULL) == PEN_OK)
        return PEN_OK;
    if (code != PEN_OK && err != NULL)
        *err = yaml_error;
    return code;
}
