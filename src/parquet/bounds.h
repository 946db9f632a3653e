/* bounds.h - least and greatest value of a column, its nulls and whether it has a NaN.
 *
 *     values of a page --add--> bounds of a chunk --merge--> bounds of a part --text--> the catalog
 *
 * A bound is exact or unknown: a text is kept to PEN_BOUND_BYTES, and one that was cut is no bound.
 * thread: one at a time.   cost: 1-2 ns a value. */
#ifndef PEN_PARQUET_BOUNDS_H
#define PEN_PARQUET_BOUNDS_H

#include "batch/batch.h"

/* The longest text that is a bound. */
#define PEN_BOUND_BYTES 255

struct pen_bound_text {
    uint64_t prefix; /* the first 8 bytes, the first one on top */
    uint32_t len;    /* at most PEN_BOUND_BYTES + 1, which means that it was cut */
    char bytes[PEN_BOUND_BYTES + 1];
};

struct pen_bounds {
    enum pen_type type;
    uint64_t value_count, null_count; /* nulls included; kept by the caller */
    bool has_value;                   /* the fields below hold something */
    bool has_nan;                     /* which is in no bound */
    int64_t min_long, max_long;       /* long, timestamp, boolean */
    double min_double, max_double;
    struct pen_bound_text min_text, max_text; /* in the order of bytes */
};

/* pen_bounds_add_* - takes values in. lengths, bytes: texts one behind the other, 8 bytes behind
 * the last one are readable. */
void pen_bounds_add_longs(struct pen_bounds *bounds, const int64_t *values, size_t count);
void pen_bounds_add_doubles(struct pen_bounds *bounds, const double *values, size_t count);
void pen_bounds_add_booleans(struct pen_bounds *bounds, const uint8_t *values, size_t count);
void pen_bounds_add_texts(struct pen_bounds *bounds, const uint32_t *lengths, size_t count,
                          const char *bytes);
void pen_bounds_add_text(struct pen_bounds *bounds, struct pen_slice text);

/* pen_bounds_merge - takes in what other bounds of the same type hold, counts included. */
void pen_bounds_merge(struct pen_bounds *bounds, const struct pen_bounds *other);

/* pen_bounds_plain - a bound as Parquet's statistics have it. in: memory: 8 bytes.
 * out: the slice lives in memory or in the bounds. false: unknown. With a NaN both are unknown:
 * readers that take it for the greatest of all would skip rows they want. */
bool pen_bounds_plain(const struct pen_bounds *bounds, bool is_max, char *memory,
                      struct pen_slice *ret_bound);

/* pen_bounds_text - a bound as the catalog has it: "-5", "1", "0.25", "inf",
 * "2020-01-01 00:00:00.5", texts as they are; unknown as above, and when the text holds a NUL.
 * out: *ret_text in the arena, NULL: unknown. */
PEN_MUST_USE enum pen_code pen_bounds_text(const struct pen_bounds *bounds, bool is_max,
                                           struct pen_arena *arena, const char **ret_text,
                                           struct pen_error *err);

#endif
