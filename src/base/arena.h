/* arena.h - memory that dies together: pointers stay valid until clear or release.
 * thread: one at a time per arena. Alignment is 16 bytes. */
#ifndef PEN_BASE_ARENA_H
#define PEN_BASE_ARENA_H

#include "base/error.h"
#include "base/slice.h"

struct pen_arena_block;
struct pen_arena {
    struct pen_arena_block *blocks; /* newest first */
    char *at, *end;
    size_t used_bytes, max_bytes;
};

/* PEN_ARENA - an empty arena with a maximum; nothing is allocated yet. */
#define PEN_ARENA(max) ((struct pen_arena){NULL, NULL, NULL, 0, (max)})

/* pen_arena_release - frees everything; the arena is empty and usable again. */
void pen_arena_release(struct pen_arena *arena);

/* pen_arena_clear - forgets all content, keeps the largest block for the next use. */
void pen_arena_clear(struct pen_arena *arena);

/* pen_arena_alloc - `len` bytes, not zeroed; NULL when memory or the maximum is exhausted.
 * cost: O(1), a malloc per 64 KiB or per larger request. */
void *pen_arena_alloc(struct pen_arena *arena, size_t len);

/* pen_arena_copy - a NUL-terminated copy of the slice; NULL as pen_arena_alloc. */
char *pen_arena_copy(struct pen_arena *arena, struct pen_slice slice);

/* pen_arena_text - as pen_arena_copy, for callers that fail with it. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_arena_text(struct pen_arena *arena, struct pen_slice slice,
                                          const char **ret_text, struct pen_error *err);

/* pen_arena_grow - room for one more element behind the `count` ones of *array_pointer (a pointer
 * variable; its memory is the arena's and is left behind when it moves). cost: amortised O(1). */
PEN_MUST_USE enum pen_code pen_arena_grow(struct pen_arena *arena, void *array_pointer,
                                          size_t count, size_t element_bytes,
                                          struct pen_error *err);

#endif
