/* header_guess.h - are the fields of the first record names? */
#ifndef PEN_GUESS_HEADER_GUESS_H
#define PEN_GUESS_HEADER_GUESS_H

#include "guess/csv_rows.h"
#include "guess/type_guess.h"

/* guess_is_header - compares the first of at least two rows with those below it.
 * in:     `first` the types of the first row, `others` those of the rows below.
 * out:    true when the first row is text and the others are something else, or when a column has
 *         values of about one length below a first value of quite another.
 * cost:   O(rows). source: spec/guess.md 5.10. */
bool guess_is_header(const struct guess_rows *rows, const struct guess_type *first,
                     size_t first_count, const struct guess_type *others, size_t other_count);

/* guess_unsure_header - when the first row is no header by the rule above, but may be one all the
 * same: the field that says so, a word above values which all have digits. NULL: none.
 * cost: O(rows). */
const struct pen_slice *guess_unsure_header(const struct guess_rows *rows);

#endif
