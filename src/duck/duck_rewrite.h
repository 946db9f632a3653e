/* duck_rewrite.h - Parquet files into Parquet files: merged, sorted, cut by time.
 *
 *     files of a view --SELECT--> rows [from, to) --ORDER BY (spills)--> one part
 *
 * thread: as duck.h. Memory is bounded by the engine's limit; a sort that needs more spills to the
 * engine's temp_dir. */
#ifndef PEN_DUCK_DUCK_REWRITE_H
#define PEN_DUCK_DUCK_REWRITE_H

#include "base/arena.h"
#include "duck/duck_query.h"

/* How `time` is cut into partitions. */
enum pen_duck_unit { PEN_DUCK_NO_UNIT, PEN_DUCK_HOUR, PEN_DUCK_DAY, PEN_DUCK_MONTH };

/* pen_duck_unit_from_name - "none", "hour", "day", "month"; false for others. */
bool pen_duck_unit_from_name(const char *name, enum pen_duck_unit *ret_unit);

/* Seconds that have a calendar date of four digits; others belong to no unit. */
#define PEN_DUCK_LAST_SECOND INT64_C(253402300799)

/* pen_duck_unit_start / _end - the unit that holds `time` (0 .. PEN_DUCK_LAST_SECOND): its first
 * second, and the first one after it. */
int64_t pen_duck_unit_start(enum pen_duck_unit unit, int64_t time);
int64_t pen_duck_unit_end(enum pen_duck_unit unit, int64_t time);

/* Rows by their time: from <= time < to; is_rest: those without a time or outside the calendar. */
struct pen_duck_range {
    bool is_rest;
    int64_t from, to;
    uint64_t rows;
};

/* What is to be cut, and how. */
struct pen_duck_split {
    const struct pen_duck_view *view;
    const char *time_column; /* a BIGINT of the view, unix seconds */
    enum pen_duck_unit unit;
    const volatile int *cancel; /* may be NULL */
};

/* pen_duck_count_units - which units the rows of a view fall into.
 * out:    ranges of one unit each, in order, the rest (if any) last; in the arena.
 * errors: reading the files; PEN_ERR_CANCELLED. */
PEN_MUST_USE enum pen_code pen_duck_count_units(struct pen_duck *duck,
                                                const struct pen_duck_split *split,
                                                struct pen_arena *arena,
                                                struct pen_duck_range **ret_ranges,
                                                size_t *ret_count, struct pen_error *err);

struct pen_duck_rewrite {
    const struct pen_duck_view *view;
    const char *folder, *file_name;       /* as for pen_duck_write_part */
    const struct pen_part_field *columns; /* the view's, in its order; sql_type is not looked at */
    enum pen_part_compression compression;
    const char *time_column;            /* rows are sorted by it; NULL: as they come */
    const struct pen_duck_range *range; /* only these rows (time_column is needed); NULL: all */
    const volatile int *cancel;         /* may be NULL */
};

/* pen_duck_rewrite - writes one part from the rows of the view's files; the files stay.
 * out: ret_parts grows by one part with statistics; by none (and no file stays) without rows.
 * errors: as pen_duck_write_part. */
PEN_MUST_USE enum pen_code pen_duck_rewrite(struct pen_duck *duck,
                                            const struct pen_duck_rewrite *rewrite,
                                            struct pen_parts *ret_parts, struct pen_error *err);

#endif
