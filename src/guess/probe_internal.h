/* probe_internal.h - what the two files of the probe share: records in probe_rows.c, what they say
 * about types in csv_probe.c. */
#ifndef PEN_GUESS_PROBE_INTERNAL_H
#define PEN_GUESS_PROBE_INTERNAL_H

#include "guess/csv_probe.h"

/* The records of all pieces that have the right number of fields. */
struct guess_probed {
    const struct guess_probe *probe;
    struct guess_row *rows; /* in the scratch arena */
    size_t count;
    const char *remark;
};

/* guess_probe_read - adds the records of a piece. They count only when most of them look like those
 * of the sample: otherwise it is other data, and that is said.
 * errors: PEN_ERR_NOMEM. cost: O(piece). */
PEN_MUST_USE enum pen_code guess_probe_read(struct guess_probed *probed,
                                            const struct guess_piece *piece, struct pen_error *err);

#endif
