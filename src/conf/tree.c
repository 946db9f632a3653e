#include "conf/tree.h"

#include "conf/tree_internal.h"

#include <inttypes.h>
#include <stdio.h>

struct pen_node *pen_node_get(const struct pen_node *node, const char *key)
{
    if (node == NULL || node->kind != PEN_NODE_MAP)
        return NULL;
    for (struct pen_node *child = node->first; child != NULL; child = child->next)
        if (pen_slice_is(child->key, key))
            return child;
    return NULL;
}

struct pen_node *pen_node_new_kind(struct pen_arena *arena, enum pen_node_kind kind)
{
    struct pen_node *node = pen_arena_alloc(arena, sizeof *node);
    if (node != NULL)
        *node = (struct pen_node){.kind = kind};
    return node;
}

struct pen_node *pen_node_new_map(struct pen_arena *arena)
{
    return pen_node_new_kind(arena, PEN_NODE_MAP);
}

struct pen_node *pen_node_new_list(struct pen_arena *arena)
{
    return pen_node_new_kind(arena, PEN_NODE_LIST);
}

struct pen_node *pen_node_new_null(struct pen_arena *arena)
{
    struct pen_node *node = pen_node_new_kind(arena, PEN_NODE_NULL);
    if (node != NULL)
        node->text = PEN_LIT("null");
    return node;
}

struct pen_node *pen_node_new_bool(struct pen_arena *arena, bool value)
{
    struct pen_node *node = pen_node_new_kind(arena, PEN_NODE_BOOL);
    if (node == NULL)
        return NULL;
    node->boolean = value;
    node->text = value ? PEN_LIT("true") : PEN_LIT("false");
    return node;
}

static bool set_text(struct pen_node *node, struct pen_arena *arena, struct pen_slice text)
{
    const char *copy = pen_arena_copy(arena, text);
    node->text = pen_slice(copy, text.len);
    return copy != NULL;
}

struct pen_node *pen_node_new_int(struct pen_arena *arena, int64_t value)
{
    struct pen_node *node = pen_node_new_kind(arena, PEN_NODE_INT);
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    if (node == NULL || !set_text(node, arena, pen_slice(text, (size_t)len)))
        return NULL;
    node->integer = value;
    node->number = (double)value;
    return node;
}

struct pen_node *pen_node_new_text(struct pen_arena *arena, struct pen_slice value)
{
    struct pen_node *node = pen_node_new_kind(arena, PEN_NODE_TEXT);
    if (node == NULL || !set_text(node, arena, value))
        return NULL;
    node->is_quoted = true;
    return node;
}

void pen_node_append(struct pen_node *list, struct pen_node *child)
{
    child->next = NULL;
    if (list->last == NULL)
        list->first = child;
    else
        list->last->next = child;
    list->last = child;
    list->count++;
}

/* Puts `child` where `old` was, or takes `old` out when child is NULL. */
static void replace_child(struct pen_node *map, struct pen_node *old, struct pen_node *child)
{
    struct pen_node *before = NULL;
    for (struct pen_node *at = map->first; at != old; at = at->next)
        before = at;
    struct pen_node *after = old->next;
    struct pen_node *now = child != NULL ? child : after;
    if (child != NULL)
        child->next = after;
    else
        map->count--;
    if (before == NULL)
        map->first = now;
    else
        before->next = now;
    if (map->last == old)
        map->last = child != NULL ? child : before;
    old->next = NULL;
}

enum pen_code pen_node_set(struct pen_node *map, struct pen_arena *arena, const char *key,
                           struct pen_node *child, struct pen_error *err)
{
    if (child == NULL)
        return pen_fail_nomem(err);
    struct pen_slice name = pen_slice_str(key);
    const char *copy = pen_arena_copy(arena, name);
    if (copy == NULL)
        return pen_fail_nomem(err);
    child->key = pen_slice(copy, name.len);
    struct pen_node *old = pen_node_get(map, key);
    if (old != NULL)
        replace_child(map, old, child);
    else
        pen_node_append(map, child);
    return PEN_OK;
}

void pen_node_remove(struct pen_node *map, const char *key)
{
    struct pen_node *old = pen_node_get(map, key);
    if (old != NULL)
        replace_child(map, old, NULL);
}

struct pen_node *pen_node_copy_bounded(const struct pen_node *node, struct pen_arena *arena,
                                       size_t depth, size_t *nodes_left)
{
    if (depth == 0 || *nodes_left == 0)
        return NULL;
    --*nodes_left;
    struct pen_node *copy = pen_node_new_kind(arena, node->kind);
    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->count = 0;
    if (node->text.ptr != NULL && !set_text(copy, arena, node->text))
        return NULL;
    if (node->key.ptr != NULL) {
        const char *key = pen_arena_copy(arena, node->key);
        if (key == NULL)
            return NULL;
        copy->key = pen_slice(key, node->key.len);
    }
    for (const struct pen_node *child = node->first; child != NULL; child = child->next) {
        struct pen_node *one = pen_node_copy_bounded(child, arena, depth - 1, nodes_left);
        if (one == NULL)
            return NULL;
        pen_node_append(copy, one);
    }
    return copy;
}

struct pen_node *pen_node_copy(const struct pen_node *node, struct pen_arena *arena)
{
    size_t nodes_left = SIZE_MAX;
    return pen_node_copy_bounded(node, arena, SIZE_MAX, &nodes_left);
}

static bool scalar_equal(const struct pen_node *a, const struct pen_node *b)
{
    switch (a->kind) {
    case PEN_NODE_NULL:
        return true;
    case PEN_NODE_BOOL:
        return a->boolean == b->boolean;
    case PEN_NODE_INT:
        return a->integer == b->integer;
    case PEN_NODE_DOUBLE: /* not a number equals itself here: the same configuration */
        return a->number == b->number || (a->number != a->number && b->number != b->number);
    case PEN_NODE_TEXT:
        return pen_slice_equal(a->text, b->text);
    case PEN_NODE_LIST:
    case PEN_NODE_MAP:
        break;
    }
    return false;
}

/* The member of `map` with that key; starts at `guess`, which is right when the orders agree. */
static const struct pen_node *member(const struct pen_node *map, const struct pen_node *guess,
                                     struct pen_slice key)
{
    if (guess != NULL && pen_slice_equal(guess->key, key))
        return guess;
    for (const struct pen_node *child = map->first; child != NULL; child = child->next)
        if (pen_slice_equal(child->key, key))
            return child;
    return NULL;
}

bool pen_node_equal(const struct pen_node *a, const struct pen_node *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->kind != b->kind || a->count != b->count)
        return false;
    if (a->kind != PEN_NODE_LIST && a->kind != PEN_NODE_MAP)
        return scalar_equal(a, b);
    const struct pen_node *other = b->first;
    for (const struct pen_node *child = a->first; child != NULL; child = child->next) {
        const struct pen_node *twin =
            a->kind == PEN_NODE_LIST ? other : member(b, other, child->key);
        if (twin == NULL || !pen_node_equal(child, twin))
            return false;
        other = other->next;
    }
    return true;
}

/* Takes over the value of `over`, keeping key, place in the list and comment of `base`. */
static enum pen_code overwrite(struct pen_node *base, const struct pen_node *over,
                               struct pen_arena *arena, struct pen_error *err)
{
    struct pen_node *copy = pen_node_copy(over, arena);
    if (copy == NULL)
        return pen_fail_nomem(err);
    copy->key = base->key;
    copy->next = base->next;
    if (copy->comment == NULL)
        copy->comment = base->comment;
    *base = *copy;
    return PEN_OK;
}

enum pen_code pen_node_merge(struct pen_node *base, const struct pen_node *over,
                             struct pen_arena *arena, struct pen_error *err)
{
    if (base->kind != over->kind || (base->kind != PEN_NODE_MAP && base->kind != PEN_NODE_LIST))
        return overwrite(base, over, arena, err);
    struct pen_node *at = base->first;
    for (const struct pen_node *child = over->first; child != NULL; child = child->next) {
        struct pen_node *twin = at;
        if (base->kind == PEN_NODE_MAP)
            twin = pen_node_get(base, child->key.ptr);
        else if (at != NULL)
            at = at->next;
        if (twin != NULL) {
            PEN_TRY(pen_node_merge(twin, child, arena, err));
            continue;
        }
        struct pen_node *copy = pen_node_copy(child, arena);
        if (copy == NULL)
            return pen_fail_nomem(err);
        pen_node_append(base, copy);
    }
    return PEN_OK;
}
