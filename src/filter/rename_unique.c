/* rename_unique.c - unique_number_suffix: names that came before get a number behind them. */
#include "filter/rename_internal.h"

#include <inttypes.h>
#include <stdio.h>

static int64_t digits_of(int64_t value)
{
    char text[32];
    return snprintf(text, sizeof text, "%" PRId64, value);
}

static bool is_set(const struct pen_rename_rule *rule, const char *key)
{
    const struct pen_node *node = pen_node_get(rule->node, key);
    return node != NULL && node->kind != PEN_NODE_NULL;
}

static enum pen_code check_suffix(const struct pen_rename_rule *rule, size_t count,
                                  struct pen_error *err)
{
    const struct pen_bind *bind = rule->bind;
    PEN_TRY(pen_rename_require_one(rule, "delimiter", rule->delimiter, err));
    if (rule->delimiter[0] >= '0' && rule->delimiter[0] <= '9')
        return pen_fail_at(bind, rule->node, err, "\"delimiter\" must not be a digit");
    if (rule->offset < 0)
        return pen_fail_at(bind, rule->node, err, "\"offset\" must not be negative");
    bool has_max = is_set(rule, "max_length"), has_digits = is_set(rule, "digits");
    if (has_max && rule->max_length < 8)
        return pen_fail_at(bind, rule->node, err, "\"max_length\" must be at least 8");
    if (has_max && rule->max_length < rule->digits + 1)
        return pen_fail_at(bind, rule->node, err, "\"max_length\" must be larger than \"digits\"");
    int64_t widest = digits_of((int64_t)count + rule->offset - 1);
    if ((has_max && rule->max_length <= widest) || (has_digits && rule->digits <= widest))
        return pen_fail_at(bind, rule->node, err,
                           "\"max_length\" and \"digits\" must be larger than the digits of the "
                           "number of columns");
    return PEN_OK;
}

static bool is_among(const struct pen_slice *names, size_t count, struct pen_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (pen_slice_equal(names[i], name))
            return true;
    return false;
}

/* The state of unique_number_suffix: originals as they came, one counter per original name. */
struct unique {
    const struct pen_slice *originals;
    int64_t *counters; /* at the first place of each name */
    size_t max;
};

static size_t first_place(const struct unique *unique, struct pen_slice name)
{
    size_t i = 0;
    while (!pen_slice_equal(unique->originals[i], name))
        i++;
    return i;
}

static enum pen_code number_name(const struct pen_rename_rule *rule, struct unique *unique,
                                 struct pen_names *names, size_t index, struct pen_error *err)
{
    struct pen_slice original = unique->originals[index];
    int64_t *counter = &unique->counters[first_place(unique, original)];
    struct pen_slice plain = pen_rename_cut(original, unique->max);
    if (!is_among(names->items, index, plain)) {
        names->items[index] = plain;
        (*counter)++;
        return PEN_OK;
    }
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    int64_t number = *counter;
    do {
        char suffix[64];
        int len = snprintf(suffix, sizeof suffix, "%s%0*" PRId64, rule->delimiter,
                           (int)rule->digits, number++);
        size_t room = unique->max > (size_t)len ? unique->max - (size_t)len : 0;
        pen_buf_clear(&name);
        PEN_TRY(pen_buf_add_slice(&name, pen_rename_cut(original, room), err));
        PEN_TRY(pen_buf_add(&name, suffix, (size_t)len, err));
    } while (is_among(names->items, index, pen_buf_slice(&name)) ||
             is_among(unique->originals, names->count, pen_buf_slice(&name)));
    *counter = number;
    return pen_rename_put(names, index, pen_buf_slice(&name), err);
}

enum pen_code pen_rename_unique(const struct pen_rename_rule *rule, struct pen_names *names,
                                struct pen_error *err)
{
    PEN_TRY(check_suffix(rule, names->count, err));
    size_t bytes = (names->count + 1) * sizeof(struct pen_slice);
    struct pen_slice *originals = pen_arena_alloc(names->arena, bytes);
    int64_t *counters = pen_arena_alloc(names->arena, (names->count + 1) * sizeof *counters);
    if (originals == NULL || counters == NULL)
        return pen_fail_nomem(err);
    if (names->count > 0)
        memcpy(originals, names->items, names->count * sizeof *originals);
    for (size_t i = 0; i < names->count; i++)
        counters[i] = rule->offset;
    struct unique unique = {.originals = originals,
                            .counters = counters,
                            .max =
                                is_set(rule, "max_length") ? (size_t)rule->max_length : SIZE_MAX};
    for (size_t i = 0; i < names->count; i++)
        PEN_TRY(number_name(rule, &unique, names, i, err));
    return PEN_OK;
}
