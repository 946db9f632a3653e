/* convert.h - a column's values as another type, for tables whose column types are never changed.
 *
 *              to boolean   long         double      string        timestamp          json
 * boolean      -            0, 1         0, 1        true, false   misfit             true, false
 * long         0, 1         -            nearest     decimal       epoch seconds      number
 * double       misfit       if integral  -           Java's text   misfit             number
 * string       true, false  if a long    if a double -             if a time          JSON string
 * timestamp    misfit       epoch secs   misfit      %F %T.%3N     -                  JSON string
 * json         by its text  by its text  by its text its text      by its text        -
 *
 * "a time": by the parsers' default format, %Y-%m-%d %H:%M:%S.%N %z, or as pen_instant_read does;
 * "its text": the content of a JSON string, the JSON text of anything else; JSON null is null. */
#ifndef PEN_RUN_CONVERT_H
#define PEN_RUN_CONVERT_H

#include "batch/batch.h"
#include "tz/time_format.h"

/* What conversions need beyond the values; immutable, shared by all workers. */
struct pen_convert {
    struct pen_time_format *time_format; /* the parsers' default */
};

PEN_MUST_USE enum pen_code pen_convert_init(struct pen_convert *convert, struct pen_error *err);
void pen_convert_release(struct pen_convert *convert);

/* Called for a value that does not fit; the row is dropped afterwards. */
struct pen_misfit_sink {
    uint64_t *keep_bits; /* rows already dropped (bit 0) are not looked at; misfits clear theirs */
    enum pen_code (*report)(struct pen_misfit_sink *sink, size_t row, struct pen_slice value,
                            struct pen_error *err);
};

/* pen_convert_column - `from` as type `to`, in fresh column memory of the batch; nulls stay null.
 * errors: PEN_ERR_NOMEM, or what the sink returned.
 * cost: O(rows), texts go to the batch's arena. thread: one at a time per batch. */
PEN_MUST_USE enum pen_code
pen_convert_column(const struct pen_convert *convert, struct pen_batch *batch,
                   const struct pen_column *from, enum pen_type to, struct pen_column *ret_column,
                   struct pen_misfit_sink *misfits, struct pen_error *err);

#endif
