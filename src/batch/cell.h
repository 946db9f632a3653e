/* cell.h - one value of a batch as text, for whatever prints rows: tables, CSV, JSON.
 * thread: any. */
#ifndef PEN_BATCH_CELL_H
#define PEN_BATCH_CELL_H

#include "base/buf.h"
#include "batch/batch.h"

enum pen_cell_kind {
    PEN_CELL_NULL,
    PEN_CELL_TEXT,
    PEN_CELL_BARE, /* a number or boolean: without quotes in JSON */
    PEN_CELL_JSON  /* a JSON value as text */
};

struct pen_cell {
    enum pen_cell_kind kind;
    struct pen_slice text; /* valid UTF-8 */
};

static inline struct pen_cell pen_cell_text(const char *text)
{
    enum pen_cell_kind kind = text == NULL ? PEN_CELL_NULL : PEN_CELL_TEXT;
    return (struct pen_cell){kind, pen_slice_str(text)};
}

/* The room that the text of one number or timestamp takes in scratch. */
#define PEN_CELL_TEXT_BYTES 64

/* pen_cell_of - the value of a column's row. Numbers plain, doubles shortest, NaN and infinities as
 * texts, timestamps RFC 3339 in UTC, json as itself.
 * in: scratch has PEN_CELL_TEXT_BYTES of room behind its end; the cell may point into it, or into
 * the batch. */
struct pen_cell pen_cell_of(const struct pen_column *column, size_t row, struct pen_buf *scratch);

/* pen_cell_add_json - appends the cell as a JSON value. errors: as pen_buf_reserve. */
PEN_MUST_USE enum pen_code pen_cell_add_json(const struct pen_cell *cell, struct pen_buf *into,
                                             struct pen_error *err);

/* pen_cell_add_separated - appends the cell as a field of CSV or TSV, quoted where needed: an empty
 * text is "", null is nothing. errors: as pen_buf_reserve. */
PEN_MUST_USE enum pen_code pen_cell_add_separated(const struct pen_cell *cell, char separator,
                                                  struct pen_buf *into, struct pen_error *err);

#endif
