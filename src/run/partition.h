/* partition.h - a sorted part cut into one part per unit of time.
 *
 *     part --which units?--> one: it stays | several --rows of each unit--> parts
 *
 * One file is open at a time. A part that spans very many units is cut into PEN_CUT_PARTS_MAX parts
 * of several units each, so that a table with `time_partition: hour` never gets thousands of files
 * from one task. */
#ifndef PEN_RUN_PARTITION_H
#define PEN_RUN_PARTITION_H

#include "duck/duck_rewrite.h"
#include "sink/sink.h"

#define PEN_CUT_PARTS_MAX 256

struct pen_cut {
    struct pen_duck *duck;
    const struct pen_duck_view *view; /* the rows to cut: fast when they are one sorted file */
    const struct pen_part_field *columns;
    const char *folder, *time_column;
    enum pen_duck_unit unit;
    enum pen_part_compression compression;
    const volatile int *cancel;
    /* notes a part before its file is made */
    enum pen_code (*note)(void *context, const char *file_name, struct pen_error *err);
    void *context;
};

/* pen_cut_ranges - the ranges of time that parts of the view's rows would have: one per unit, or
 * several units each when there are more than PEN_CUT_PARTS_MAX. In the arena. */
PEN_MUST_USE enum pen_code pen_cut_ranges(const struct pen_cut *cut, struct pen_arena *arena,
                                          struct pen_duck_range **ret_ranges, size_t *ret_count,
                                          struct pen_error *err);

/* pen_cut_part - writes the rows of a range as a part under a fresh name. out: ret_parts grows. */
PEN_MUST_USE enum pen_code pen_cut_part(const struct pen_cut *cut,
                                        const struct pen_duck_range *range,
                                        struct pen_parts *ret_parts, struct pen_error *err);

#endif
