/* rename_internal.h - what the rules of the rename filter share. */
#ifndef PEN_FILTER_RENAME_INTERNAL_H
#define PEN_FILTER_RENAME_INTERNAL_H

#include "filter/rename_rules.h"

/* The union of all rules' options; each rule accepts its own table. */
struct pen_rename_rule {
    const struct pen_node *node;
    const struct pen_bind *bind;
    const struct pen_node *pass_types;
    char *pass_characters, *replace, *prefix, *match, *delimiter;
    int64_t max_length, digits, offset;
};

/* pen_rename_put - gives a name a new text, which is copied. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_rename_put(struct pen_names *names, size_t index,
                                          struct pen_slice name, struct pen_error *err);

/* pen_rename_first_character - the first character of a text that is not empty. */
struct pen_slice pen_rename_first_character(struct pen_slice text);

/* pen_rename_cut - at most `max` characters (code points) of the text. */
struct pen_slice pen_rename_cut(struct pen_slice text, size_t max);

/* pen_rename_require_one - errors: PEN_ERR_CONFIG when the option `key` is not one character. */
PEN_MUST_USE enum pen_code pen_rename_require_one(const struct pen_rename_rule *rule,
                                                  const char *key, const char *value,
                                                  struct pen_error *err);

/* pen_rename_unique - the rule unique_number_suffix, which leaves no name twice.
 * errors: PEN_ERR_CONFIG an impossible option. cost: O(names^2).
 * source: spec/filters.md section 5. */
PEN_MUST_USE enum pen_code pen_rename_unique(const struct pen_rename_rule *rule,
                                             struct pen_names *names, struct pen_error *err);

#endif
