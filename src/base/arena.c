#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES ((size_t)64 << 10)

struct pen_arena_block {
    struct pen_arena_block *next;
    size_t cap;
    _Alignas(16) char bytes[];
};

void pen_arena_release(struct pen_arena *arena)
{
    if (arena == NULL)
        return;
    struct pen_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct pen_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = PEN_ARENA(arena->max_bytes);
}

void pen_arena_clear(struct pen_arena *arena)
{
    struct pen_arena_block *keep = NULL;
    struct pen_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct pen_arena_block *next = block->next;
        if (keep == NULL || block->cap > keep->cap) {
            free(keep);
            keep = block;
        } else {
            free(block);
        }
        block = next;
    }
    arena->blocks = keep;
    arena->used_bytes = 0;
    arena->at = arena->end = NULL;
    if (keep != NULL) {
        keep->next = NULL;
        arena->at = keep->bytes;
        arena->end = keep->bytes + keep->cap;
    }
}

void *pen_arena_alloc(struct pen_arena *arena, size_t len)
{
    if (len > arena->max_bytes || arena->used_bytes > arena->max_bytes - len)
        return NULL;
    size_t need = (len + 15) & ~(size_t)15;
    if (need == 0)
        need = 16;
    if ((size_t)(arena->end - arena->at) < need) {
        size_t cap = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct pen_arena_block *block = malloc(sizeof *block + cap);
        if (block == NULL)
            return NULL;
        block->cap = cap;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->at = block->bytes;
        arena->end = block->bytes + cap;
    }
    void *memory = arena->at;
    arena->at += need;
    arena->used_bytes += need;
    return memory;
}

char *pen_arena_copy(struct pen_arena *arena, struct pen_slice slice)
{
    char *copy = pen_arena_alloc(arena, slice.len + 1);
    if (copy == NULL)
        return NULL;
    if (slice.len > 0)
        memcpy(copy, slice.ptr, slice.len);
    copy[slice.len] = '\0';
    return copy;
}

enum pen_code pen_arena_text(struct pen_arena *arena, struct pen_slice slice, const char **ret_text,
                             struct pen_error *err)
{
    char *copy = pen_arena_copy(arena, slice);
    if (copy == NULL)
        return pen_fail_nomem(err);
    *ret_text = copy;
    return PEN_OK;
}

enum pen_code pen_arena_grow(struct pen_arena *arena, void *array_pointer, size_t count,
                             size_t element_bytes, struct pen_error *err)
{
    bool is_full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    if (!is_full)
        return PEN_OK;
    void *grown = pen_arena_alloc(arena, (count == 0 ? 8 : count * 2) * element_bytes);
    if (grown == NULL)
        return pen_fail_nomem(err);
    void **array = array_pointer;
    if (count > 0)
        memcpy(grown, *array, count * element_bytes);
    *array = grown;
    return PEN_OK;
}
