#include "run/partition.h"

/* Neighbours become one range, as evenly as whole ranges allow. The rest stays by itself. */
static size_t coarsen(struct pen_duck_range *ranges, size_t count)
{
    bool has_rest = count > 0 && ranges[count - 1].is_rest;
    size_t units = count - has_rest, most = PEN_CUT_PARTS_MAX - 1;
    if (count <= PEN_CUT_PARTS_MAX)
        return count;
    size_t made = 0;
    for (size_t i = 0; i < units; i++) {
        size_t at = i * most / units;
        if (at == made) {
            ranges[made++] = ranges[i];
            continue;
        }
        ranges[made - 1].to = ranges[i].to;
        ranges[made - 1].rows += ranges[i].rows;
    }
    if (has_rest)
        ranges[made++] = ranges[count - 1];
    return made;
}

enum pen_code pen_cut_ranges(const struct pen_cut *cut, struct pen_arena *arena,
                             struct pen_duck_range **ret_ranges, size_t *ret_count,
                             struct pen_error *err)
{
    const struct pen_duck_split split = {.view = cut->view,
                                         .time_column = cut->time_column,
                                         .unit = cut->unit,
                                         .cancel = cut->cancel};
    PEN_TRY(pen_duck_count_units(cut->duck, &split, arena, ret_ranges, ret_count, err));
    *ret_count = coarsen(*ret_ranges, *ret_count);
    return PEN_OK;
}

enum pen_code pen_cut_part(const struct pen_cut *cut, const struct pen_duck_range *range,
                           struct pen_parts *ret_parts, struct pen_error *err)
{
    char name[PEN_PART_NAME];
    pen_part_name(name);
    const struct pen_duck_rewrite rewrite = {.view = cut->view,
                                             .folder = cut->folder,
                                             .file_name = name,
                                             .columns = cut->columns,
                                             .compression = cut->compression,
                                             .time_column = cut->time_column,
                                             .range = range,
                                             .cancel = cut->cancel};
    PEN_TRY(cut->note(cut->context, name, err));
    return pen_duck_rewrite(cut->duck, &rewrite, ret_parts, err);
}
