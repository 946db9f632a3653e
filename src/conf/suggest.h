/* suggest.h - "did you mean": the closest word, one candidate at a time. No allocation. */
#ifndef PEN_CONF_SUGGEST_H
#define PEN_CONF_SUGGEST_H

#include "base/slice.h"

struct pen_suggest {
    struct pen_slice word;
    const char *best; /* the closest so far, NULL for none */
    size_t distance;
};

/* pen_suggest_start - a search for words like `word` (borrowed). */
struct pen_suggest pen_suggest_start(struct pen_slice word);

/* pen_suggest_try - considers a candidate (borrowed). Distance: insertions, deletions, changes and
 * swaps of neighbours, upper and lower case alike; at most a third of the longer word. Words past
 * 63 bytes are never close. cost: O(len x len). */
void pen_suggest_try(struct pen_suggest *suggest, const char *candidate);

/* pen_suggest_best - the closest candidate, the first of equals; NULL when none is close. */
static inline const char *pen_suggest_best(const struct pen_suggest *suggest)
{
    return suggest->best;
}

#endif
