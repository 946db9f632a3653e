#include "run/config_overlay.h"

enum pen_code pen_config_overlay(struct pen_node *config, const char *diff_json,
                                 struct pen_arena *arena, struct pen_error *err)
{
    struct pen_node *diff = NULL;
    if (diff_json[0] == '\0')
        return PEN_OK;
    PEN_TRY(pen_tree_parse(pen_slice_str(diff_json), "config diff", arena, &diff, err));
    struct pen_node *in = pen_node_get(config, "in");
    const struct pen_node *over = pen_node_get(diff, "in");
    for (const struct pen_node *child = over == NULL ? NULL : over->first; child != NULL;
         child = child->next) {
        struct pen_node *copy = pen_node_copy(child, arena);
        if (copy == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_node_set(in, arena, child->key.ptr, copy, err));
    }
    return PEN_OK;
}
