/* csv_probe.h - the guess of a sample, checked against further pieces of the data.
 *
 *     pieces --same syntax--> records --values that a load would reject--> wider types, remarks
 *
 * The sample alone decides everything; a type changes only when values of the pieces would be
 * rejected by it or read as other values, and then only to a type that takes them. A few that are
 * wrong (one in twenty) are the data's mistakes: they are said, and the type stays.
 * docs/guess.md has the rules. */
#ifndef PEN_GUESS_CSV_PROBE_H
#define PEN_GUESS_CSV_PROBE_H

#include "guess/csv_rows.h"

/* A further piece of the data as text. */
struct guess_piece {
    struct pen_slice text;          /* UTF-8 */
    const char *place;              /* its object, fit for a comment */
    uint64_t offset;                /* of its first byte in the object */
    bool is_head, is_end, is_exact; /* the object begins, ends with it; bytes are the object's */
};

struct guess_probe {
    const struct guess_piece *pieces;
    size_t piece_count;
    const struct pen_csv_syntax *syntax;
    const struct pen_slice *null_string; /* NULL: none */
    const struct guess_row *header;      /* NULL: none */
    const struct guess_row *rows;        /* of the sample, behind the header */
    size_t row_count, column_count;
    size_t skip_lines;         /* at the start of every object, the header included */
    bool is_all_strings;       /* only the shape of the records is looked at */
    struct pen_arena *arena;   /* of types and remarks */
    struct pen_arena *scratch; /* of records */
};

/* guess_probe_types - widens what must be wider. in: types[column_count].
 * out:    *ret_remark: lines about records of another shape and other headers; NULL for none.
 * errors: PEN_ERR_NOMEM. cost: O(pieces). */
PEN_MUST_USE enum pen_code guess_probe_types(const struct guess_probe *probe,
                                             struct guess_type *types, const char **ret_remark,
                                             struct pen_error *err);

#endif
