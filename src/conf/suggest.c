#include "conf/suggest.h"

#include "conf/options.h"

#define LONGEST 63

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: three rows of the table suffice. */
static size_t distance_of(struct pen_slice a, struct pen_slice b)
{
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
            size_t change = above[j - 1] + (x != y);
            now[j] = least(change, least(above[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y)
                now[j] = least(now[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

struct pen_suggest pen_suggest_start(struct pen_slice word)
{
    return (struct pen_suggest){word, NULL, 0};
}

void pen_suggest_try(struct pen_suggest *suggest, const char *candidate)
{
    struct pen_slice other = pen_slice_str(candidate);
    size_t longer = suggest->word.len > other.len ? suggest->word.len : other.len;
    if (longer > LONGEST || suggest->word.len == 0)
        return;
    size_t distance = distance_of(suggest->word, other);
    if (distance > longer / 3 || (suggest->best != NULL && distance >= suggest->distance))
        return;
    suggest->best = candidate;
    suggest->distance = distance;
}

const char *pen_did_you_mean(struct pen_slice word, const char *const *candidates, size_t count)
{
    struct pen_suggest suggest = pen_suggest_start(word);
    for (size_t i = 0; i < count; i++)
        pen_suggest_try(&suggest, candidates[i]);
    return pen_suggest_best(&suggest);
}
