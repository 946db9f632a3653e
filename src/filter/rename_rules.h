/* rename_rules.h - the rules of the rename filter, each on all names of a schema. */
#ifndef PEN_FILTER_RENAME_RULES_H
#define PEN_FILTER_RENAME_RULES_H

#include "conf/options.h"

/* The names being changed; texts live in the arena. */
struct pen_names {
    struct pen_arena *arena;
    struct pen_slice *items;
    size_t count;
};

/* pen_rename_rule_apply - one entry of `rules`: a mapping with `rule` and its options.
 * errors: PEN_ERR_CONFIG with place: unknown rule, missing or impossible option. */
PEN_MUST_USE enum pen_code pen_rename_rule_apply(const struct pen_node *rule,
                                                 const struct pen_bind *bind,
                                                 struct pen_names *names, struct pen_error *err);

/* The rules and their options, for the option table of rename. */
extern const struct pen_option_variant pen_rename_rules[];

#endif
