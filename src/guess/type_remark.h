/* type_remark.h - what is said about the type of a column, in comments of the configuration: which
 * value decided it, and what could have been read in two ways. Values and places come from foreign
 * files, so what could end or confuse a comment line is left out of them. */
#ifndef PEN_GUESS_TYPE_REMARK_H
#define PEN_GUESS_TYPE_REMARK_H

#include "guess/type_guess.h"

/* One column of the sample, with what was noticed while its type was found. */
struct guess_column {
    const struct guess_row *rows;
    size_t row_count, index;
    enum guess_kind kind;
    enum guess_kind before;            /* the kind before a value made it a string or a double */
    const struct guess_row *breaker;   /* that value's record; NULL when there is none */
    const struct guess_row *misfit;    /* the first record with a time that is no number */
    size_t values, zero_led, integers; /* zero_led are no integers */
};

/* guess_type_remark - one or more lines about the column's type, in `arena`; NULL when it is plain
 * (or there is no memory: then the remark is missing, no more). */
const char *guess_type_remark(const struct guess_column *column, const struct guess_type *type,
                              struct pen_arena *arena);

/* guess_remark - a printed text in `arena`, behind the lines of `before` (NULL: none). As above. */
const char *guess_remark(struct pen_arena *arena, const char *before, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Room for a value, and for the words that say where a record is. */
#define GUESS_SHOWN_BYTES 48
#define GUESS_WHERE_BYTES 320

/* guess_show_value - the start of the value as far as it is printable ASCII. */
void guess_show_value(struct pen_slice value, char out[GUESS_SHOWN_BYTES]);

/* guess_show_place - an object's place, fit for a comment, in `arena`; NULL when there is none. */
const char *guess_show_place(const char *place, struct pen_arena *arena);

/* guess_show_row - "in line 4 of the sample", "in line 4 of s3://b/k", "at byte 65536 of ...". */
void guess_show_row(const struct guess_row *row, char out[GUESS_WHERE_BYTES]);

/* guess_is_month_first, guess_is_day_first - does the format begin with month and day, day and
 * month as numbers?
 * guess_day_month_proof - the first of the values whose day is above 12; NULL: none tells. */
bool guess_is_month_first(const char *format);
bool guess_is_day_first(const char *format);
const struct guess_row *guess_day_month_proof(const struct guess_row *rows, size_t count,
                                              size_t index);

#endif
