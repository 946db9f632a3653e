/* type_guess.h - values of a sample --first rule that fits--> types of columns (spec/guess.md 6).
 */
#ifndef PEN_GUESS_TYPE_GUESS_H
#define PEN_GUESS_TYPE_GUESS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum guess_kind {
    GUESS_NOTHING, /* null or empty: says nothing about the column */
    GUESS_BOOLEAN,
    GUESS_LONG,
    GUESS_DOUBLE,
    GUESS_TIMESTAMP,
    GUESS_JSON,
    GUESS_STRING
};

/* One record of the sample. A cell with a NULL pointer is null. */
struct guess_row {
    struct pen_slice *cells;
    size_t count;
    const char *place; /* the object, fit for a comment; NULL: the sample */
    uint64_t line;     /* 1-based physical line in the object; 0: not known, then `byte` counts */
    uint64_t byte;     /* where the record, or the piece that it is in, begins in the object */
};

struct guess_type {
    enum guess_kind kind; /* never GUESS_NOTHING: that becomes a string */
    const char *format;   /* timestamps */
    const char *comment;  /* what decided, or could be read in two ways; NULL when it is plain */
};

/* guess_value_kind - of one value. */
enum guess_kind guess_value_kind(struct pen_slice value);

/* guess_merge_kinds - the kind of a column that has values of both (spec/guess.md 6). */
enum guess_kind guess_merge_kinds(enum guess_kind a, enum guess_kind b);

/* guess_is_zero_led - a number with zeros in front, which a number would lose: 007, 00501. */
bool guess_is_zero_led(struct pen_slice value);

/* guess_is_integer - a 64-bit integer that prints as the same text. */
bool guess_is_integer(struct pen_slice value);

/* guess_types - one type a column, as many as the widest row has.
 * out: *ret_types in `arena`. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code guess_types(const struct guess_row *rows, size_t count,
                                       struct pen_arena *arena, struct guess_type **ret_types,
                                       size_t *ret_count, struct pen_error *err);

/* guess_types_equal - same kinds and formats. */
bool guess_types_equal(const struct guess_type *a, size_t a_count, const struct guess_type *b,
                       size_t b_count);

/* guess_kind_name - the `type` of a column. */
const char *guess_kind_name(enum guess_kind kind);

#endif
