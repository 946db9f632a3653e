/* filter_reject.h - how filters report a record that they cannot convert. */
#ifndef PEN_FILTER_FILTER_REJECT_H
#define PEN_FILTER_FILTER_REJECT_H

#include "filter/filter.h"

/* The rows of a batch that stay: bit 1. */
struct pen_keep {
    uint64_t bits[PEN_BATCH_ROWS / 64];
};

static inline void pen_keep_all(struct pen_keep *keep)
{
    memset(keep->bits, 0xFF, sizeof keep->bits);
}

static inline bool pen_keep_has(const struct pen_keep *keep, size_t row)
{
    return (keep->bits[row / 64] >> (row % 64)) & 1;
}

static inline void pen_keep_drop(struct pen_keep *keep, size_t row)
{
    keep->bits[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* What is wrong with a record. */
struct pen_filter_problem {
    const char *column;      /* which column; NULL for the record */
    const char *code;        /* a stable word */
    struct pen_slice reason; /* the specification's words */
};

/* pen_filter_reject - reports row `row` with its place and drops it from `keep` (once).
 * errors: what the reject sink returned. */
PEN_MUST_USE enum pen_code pen_filter_reject(struct pen_filter_local *local,
                                             const struct pen_batch *batch, size_t row,
                                             const struct pen_filter_problem *problem,
                                             struct pen_keep *keep, struct pen_error *err);

/* pen_filter_fail_column - PEN_ERR_CONFIG for a column that the schema does not have, at the
 * node's place, with "did you mean". The message is printf-like and names the column itself. */
enum pen_code pen_filter_fail_column(const struct pen_filter *filter, const struct pen_node *node,
                                     const struct pen_schema *schema, struct pen_slice column,
                                     struct pen_error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* pen_filter_warn_column - the same as a warning, for filters that go on without the column:
 * "<type>: column '...' is not found, did you mean '...'?" */
void pen_filter_warn_column(const struct pen_filter *filter, const struct pen_node *node,
                            const struct pen_schema *schema, struct pen_slice column);

#endif
