/* prefetch.h - opens objects ahead of the workers, in the order of the plan, so that requests
 * overlap with parsing and small objects do not wait for one round trip each. */
#ifndef PEN_RUN_PREFETCH_H
#define PEN_RUN_PREFETCH_H

#include "source/source.h"

struct pen_prefetch;

/* pen_prefetch_new - will hand out readers for `objects` (borrowed), opening up to `window` ahead
 * of the newest one taken; unread bytes are bounded by the source. */
PEN_MUST_USE enum pen_code pen_prefetch_new(struct pen_source *source,
                                            const struct pen_object *objects, size_t count,
                                            size_t window, struct pen_prefetch **ret_prefetch,
                                            struct pen_error *err);
/* pen_prefetch_free - closes readers that nobody took. */
void pen_prefetch_free(struct pen_prefetch *prefetch);
PEN_DEFINE_FREE_P(struct pen_prefetch *, pen_prefetch_free)

/* pen_prefetch_put - the reader of objects[index] is this one (taken over), instead of one that the
 * source would open: for samples that are in memory already. Only before the first take. */
void pen_prefetch_put(struct pen_prefetch *prefetch, size_t index, struct pen_reader *reader);

/* pen_prefetch_take - the reader of objects[index], the caller's from then on; opens it when it was
 * not yet, and the ones that follow. thread: any. */
PEN_MUST_USE enum pen_code pen_prefetch_take(struct pen_prefetch *prefetch, size_t index,
                                             struct pen_reader **ret_reader, struct pen_error *err);

#endif
