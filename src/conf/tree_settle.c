/* Duplicate keys and merged members, without comparing every key with every other. */
#include "conf/tree_internal.h"

#include <stdlib.h>

struct member {
    struct pen_node *node;
    size_t order; /* own members first, then merged ones in the order they came */
    bool is_merged;
};

static int by_key(const void *a, const void *b)
{
    const struct member *one = a, *two = b;
    int order = pen_slice_compare(one->node->key, two->node->key);
    if (order != 0)
        return order;
    return one->order < two->order ? -1 : one->order > two->order;
}

static int by_order(const void *a, const void *b)
{
    const struct member *one = a, *two = b;
    return one->order < two->order ? -1 : one->order > two->order;
}

static void collect(struct pen_node *map, bool is_merged, struct member *members, size_t *at)
{
    if (map == NULL)
        return;
    for (struct pen_node *child = map->first; child != NULL; child = child->next) {
        members[*at] = (struct member){child, *at, is_merged};
        ++*at;
    }
}

/* Keeps the first of each key; *ret_count remain, sorted by key. */
static enum pen_code keep_first(struct member *members, size_t count, const char *name,
                                size_t *ret_count, struct pen_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct pen_slice key = members[i].node->key;
        bool is_first = kept == 0 || !pen_slice_equal(members[kept - 1].node->key, key);
        if (is_first || (key.len > 0 && key.ptr[0] == '!')) {
            members[kept++] = members[i];
        } else if (!members[i].is_merged) {
            (void)pen_fail(err, PEN_ERR_CONFIG, "duplicate key '%.*s'",
                           key.len < 64 ? (int)key.len : 64, key.ptr);
            pen_error_where(err, "%s:%u:%u", name, members[i].node->line, members[i].node->column);
            return PEN_ERR_CONFIG;
        }
    }
    *ret_count = kept;
    return PEN_OK;
}

enum pen_code pen_tree_settle_map(struct pen_node *map, struct pen_node *merged, const char *name,
                                  struct pen_error *err)
{
    size_t count = map->count + (merged != NULL ? merged->count : 0), at = 0;
    if (count < 2 && merged == NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_free_p) struct member *members = calloc(count + 1, sizeof *members);
    if (members == NULL)
        return pen_fail_nomem(err);
    collect(map, false, members, &at);
    collect(merged, true, members, &at);
    qsort(members, count, sizeof *members, by_key);
    size_t kept = 0;
    PEN_TRY(keep_first(members, count, name, &kept, err));
    if (merged == NULL)
        return PEN_OK;
    qsort(members, kept, sizeof *members, by_order);
    map->first = map->last = NULL;
    map->count = 0;
    for (size_t i = 0; i < kept; i++)
        pen_node_append(map, members[i].node);
    return PEN_OK;
}
