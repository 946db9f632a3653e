/* csv_guess.h - sample text --shape, records, types--> the options of a csv parser. */
#ifndef PEN_GUESS_CSV_GUESS_H
#define PEN_GUESS_CSV_GUESS_H

#include "guess/csv_probe.h"
#include "guess/guess.h"

struct csv_guess_request {
    const struct pen_node *parser; /* what is known of the `parser` mapping; NULL: nothing */
    struct pen_slice text;         /* the sample as UTF-8 */
    bool is_whole;                 /* the text is the complete object */
    const char *place;             /* the object, fit for a comment; NULL: not known */
    const struct guess_piece *pieces;
    size_t piece_count;
    const char *piece_remark;          /* about pieces that are not among them; NULL: none */
    bool is_all_strings;               /* every column is a string (csv_all_strings) */
    struct pen_guess_account *account; /* filled */
};

/* pen_guess_csv - the parser options that are not known yet.
 * out:    *ret_parser is a map in `arena`, keys in the order of spec/guess.md 5.10; NULL when the
 *         text has no records.
 * errors: PEN_ERR_CONFIG a known option is of no use; PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_guess_csv(const struct csv_guess_request *request,
                                         struct pen_arena *arena, struct pen_node **ret_parser,
                                         struct pen_error *err);

#endif
