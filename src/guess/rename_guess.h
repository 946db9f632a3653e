/* rename_guess.h - column names --that a table could not have--> a rename filter. */
#ifndef PEN_GUESS_RENAME_GUESS_H
#define PEN_GUESS_RENAME_GUESS_H

#include "guess/guess.h"

/* pen_guess_filters - the seed's filters when it has any; else the rule-based rename filter when a
 * column name is not [a-z_][a-z0-9_]* or stands twice (spec/guess.md 8).
 * out: *ret_filters in `arena`; NULL when no filter is needed. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_guess_filters(const struct pen_guess_request *request,
                                             const struct pen_node *in, struct pen_arena *arena,
                                             struct pen_node **ret_filters, struct pen_error *err);

#endif
