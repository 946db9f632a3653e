#include "sink/sink.h"

#include <stdlib.h>

static enum pen_code copy_text(struct pen_arena *arena, const char *text, const char **ret_copy,
                               struct pen_error *err)
{
    *ret_copy = NULL;
    return text == NULL ? PEN_OK : pen_arena_text(arena, pen_slice_str(text), ret_copy, err);
}

static enum pen_code copy_columns(struct pen_arena *arena, struct pen_part *part,
                                  struct pen_error *err)
{
    size_t bytes = (part->column_count + 1) * sizeof *part->columns;
    struct pen_part_column *columns = pen_arena_alloc(arena, bytes);
    if (columns == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < part->column_count; i++) {
        columns[i] = part->columns[i];
        PEN_TRY(copy_text(arena, part->columns[i].min, &columns[i].min, err));
        PEN_TRY(copy_text(arena, part->columns[i].max, &columns[i].max, err));
    }
    part->columns = columns;
    return PEN_OK;
}

enum pen_code pen_parts_add(struct pen_parts *parts, const struct pen_part *part,
                            struct pen_error *err)
{
    if (parts->count == parts->cap) {
        size_t cap = parts->cap == 0 ? 8 : parts->cap * 2;
        struct pen_part *grown = realloc(parts->parts, cap * sizeof *grown);
        if (grown == NULL)
            return pen_fail_nomem(err);
        parts->parts = grown;
        parts->cap = cap;
    }
    struct pen_part copy = *part;
    copy.path = pen_arena_copy(&parts->arena, pen_slice_str(part->path));
    if (copy.path == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(copy_columns(&parts->arena, &copy, err));
    parts->parts[parts->count++] = copy;
    return PEN_OK;
}

void pen_parts_release(struct pen_parts *parts)
{
    if (parts == NULL)
        return;
    pen_arena_release(&parts->arena);
    free(parts->parts);
    parts->parts = NULL;
    parts->count = parts->cap = 0;
}
