/* csv_rows.h - sample text --tokenizer--> lines and records in memory, for guessing. */
#ifndef PEN_GUESS_CSV_ROWS_H
#define PEN_GUESS_CSV_ROWS_H

#include "guess/shape_guess.h"
#include "guess/type_guess.h"
#include "parse/csv_token.h"

struct guess_rows {
    struct guess_row *at;
    size_t count, cap;
    uint64_t bad; /* records with broken quoting, left out */
    /* physical lines: of records, of bad ones, and of an open record that the cut ended */
    uint64_t record_lines, bad_lines, cut_lines;
};

void guess_rows_release(struct guess_rows *rows);

struct guess_rows_request {
    struct pen_slice text;
    const struct pen_csv_syntax *syntax;
    const struct pen_slice *null_string; /* NULL: none */
    const char *place;                   /* of the rows */
    uint64_t first_line;                 /* number of the text's first line; 0: not known */
    uint64_t first_byte;                 /* of the text in the object, for rows without a line */
    bool is_byte_exact; /* a byte of the text is one of the object: rows get their own */
    bool is_cut;        /* the object goes on behind the text */
};

/* guess_rows_read - all records of the text; cells are copied to `arena` where they had to be
 * unquoted. Records with broken quoting are left out; a quoted value that the cut left open in the
 * second half of the text ends the reading. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code guess_rows_read(const struct guess_rows_request *request,
                                           struct pen_arena *arena, struct guess_rows *ret_rows,
                                           struct pen_error *err);

/* guess_lines_split - all physical lines of the text, in `arena`. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code guess_lines_split(struct pen_slice text, enum pen_csv_line_end line_end,
                                             struct pen_arena *arena, struct guess_lines *ret_lines,
                                             struct pen_error *err);

#endif
