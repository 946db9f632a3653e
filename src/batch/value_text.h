/* value_text.h - a value as text. */
#ifndef PEN_BATCH_VALUE_TEXT_H
#define PEN_BATCH_VALUE_TEXT_H

#include "base/number.h"
#include "batch/batch.h"

/* pen_value_text - a value that is present, as text: true, 12, 1.0 (as Java prints it), texts and
 * json as they are. Not for timestamps, which have no one form.
 * out: the slice lives in `memory` (PEN_NUMBER_TEXT bytes) or in the column. */
struct pen_slice pen_value_text(const struct pen_column *column, size_t row, char *memory);

#endif
