/* job_cut.c - the part of a task, cut by the table's time_partition:
 *     part sorted by time --which units?--> parts of one unit each (partition.h) */
#include "run/job_run_internal.h"
#include "run/partition.h"
#include "run/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static enum pen_duck_unit unit_of(const struct pen_job_run *run)
{
    enum pen_duck_unit unit = PEN_DUCK_NO_UNIT;
    if (!pen_duck_unit_from_name(run->layout.time_partition, &unit))
        return PEN_DUCK_NO_UNIT; /* a word that this program never writes */
    return unit;
}

const struct pen_lake_target *pen_job_time_target(const struct pen_job_run *run)
{
    const struct pen_lake_layout *layout = &run->layout;
    for (size_t i = 0; i < layout->target_count && unit_of(run) != PEN_DUCK_NO_UNIT; i++)
        if (strcmp(layout->targets[i].name, "time") == 0 &&
            strcmp(layout->targets[i].type_text, "int64") == 0)
            return &layout->targets[i];
    return NULL;
}

/* Parts that are sorted, or cast to types of other programs; our own writer makes the others. */
static bool needs_engine(const struct pen_job_run *run)
{
    for (size_t i = 0; i < run->layout.target_count; i++)
        if (run->layout.targets[i].sql_type != NULL)
            return true;
    return pen_job_time_target(run) != NULL;
}

enum pen_code pen_job_run_open_engine(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_duck_options duck = {.threads = (unsigned)run->scope.load->exec.max_threads};
    if (run->plan.task_count == 0 || !needs_engine(run))
        return PEN_OK; /* it takes 20 ms to open */
    if (pen_job_time_target(run) != NULL) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf spill = PEN_BUF(PEN_BUF_TEXT_MAX);
        PEN_TRY(pen_space_temp(run->env.home, NULL, &spill, err));
        run->spill = pen_buf_take(&spill);
        duck.temp_dir = run->spill;
    }
    return pen_duck_open(&duck, &run->duck, err);
}

void pen_job_run_close_engine(struct pen_job_run *run)
{
    pen_duck_close(run->duck);
    run->duck = NULL;
    if (run->spill != NULL)
        pen_space_temp_remove(run->spill);
    free(run->spill);
    run->spill = NULL;
}

/* Whether the statistics say that all rows are of one unit. */
static bool is_one_unit(const struct pen_job_run *run, const struct pen_part *part)
{
    size_t at = (size_t)(pen_job_time_target(run) - run->layout.targets);
    const struct pen_part_column *time = &part->columns[at];
    if (time->null_count > 0 || time->min == NULL || time->max == NULL)
        return false;
    int64_t min = strtoll(time->min, NULL, 10), max = strtoll(time->max, NULL, 10);
    return min >= 0 && max <= PEN_DUCK_LAST_SECOND &&
           pen_duck_unit_start(unit_of(run), min) == pen_duck_unit_start(unit_of(run), max);
}

static enum pen_code fill_view(const struct pen_job_run *run, const char *file_name,
                               struct pen_arena *arena, struct pen_duck_view *ret_view,
                               struct pen_error *err)
{
    const struct pen_lake_layout *layout = &run->layout;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s%s", layout->folder, file_name));
    struct pen_duck_view_column *columns =
        pen_arena_alloc(arena, (layout->target_count + 1) * sizeof *columns);
    struct pen_duck_view_file *file = pen_arena_alloc(arena, sizeof *file);
    const char *kept = pen_arena_copy(arena, pen_buf_slice(&path));
    if (columns == NULL || file == NULL || kept == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < layout->target_count; i++) {
        const struct pen_lake_target *target = &layout->targets[i];
        columns[i] = (struct pen_duck_view_column){
            .field_id = target->column_id,
            .name = target->name,
            .sql_type =
                target->sql_type != NULL ? target->sql_type : pen_lake_sql_type(target->type)};
    }
    *file = (struct pen_duck_view_file){.path = kept};
    *ret_view = (struct pen_duck_view){
        .columns = columns, .column_count = layout->target_count, .files = file, .file_count = 1};
    return PEN_OK;
}

/* out: ret_parts: empty when the part is to stay as it is. */
static enum pen_code cut(const struct pen_cut *cut, struct pen_arena *arena,
                         struct pen_parts *ret_parts, struct pen_error *err)
{
    struct pen_duck_range *ranges = NULL;
    size_t count = 0;
    PEN_TRY(pen_cut_ranges(cut, arena, &ranges, &count, err));
    for (size_t i = 0; i < count && count > 1; i++)
        PEN_TRY(pen_cut_part(cut, &ranges[i], ret_parts, err));
    return PEN_OK;
}

static enum pen_code check_rows(const struct pen_parts *parts, uint64_t rows, struct pen_error *err)
{
    uint64_t cut = 0;
    for (size_t i = 0; i < parts->count; i++)
        cut += parts->parts[i].rows;
    if (cut == rows)
        return PEN_OK;
    return pen_fail(err, PEN_ERR_INTERNAL, "a part of %" PRIu64 " rows was cut into %" PRIu64, rows,
                    cut);
}

static enum pen_code replace(const struct pen_duck_view *view, const struct pen_parts *made,
                             struct pen_parts *parts, struct pen_error *err)
{
    PEN_TRY(check_rows(made, parts->parts[0].rows, err));
    if (unlink(view->files[0].path) != 0 && errno != ENOENT)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot remove '%s'", view->files[0].path);
    parts->count = 0;
    for (size_t i = 0; i < made->count; i++)
        PEN_TRY(pen_parts_add(parts, &made->parts[i], err));
    return PEN_OK;
}

enum pen_code pen_job_cut_part(struct pen_job_run *run, const struct pen_part_field *columns,
                               pen_job_note_fn note, void *context, struct pen_parts *inout_parts,
                               struct pen_error *err)
{
    const struct pen_lake_target *time = pen_job_time_target(run);
    if (time == NULL || inout_parts->count != 1 || is_one_unit(run, &inout_parts->parts[0]))
        return PEN_OK;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    PEN_CLEANUP(pen_parts_release) struct pen_parts made = PEN_PARTS;
    struct pen_duck_view view;
    PEN_TRY(fill_view(run, inout_parts->parts[0].path, &arena, &view, err));
    const struct pen_cut how = {.duck = run->duck,
                                .view = &view,
                                .columns = columns,
                                .folder = run->layout.folder,
                                .time_column = time->name,
                                .unit = unit_of(run),
                                .compression =
                                    (enum pen_part_compression)run->scope.load->out.compression,
                                .cancel = &run->cancel,
                                .note = note,
                                .context = context};
    PEN_TRY(cut(&how, &arena, &made, err));
    return made.count == 0 ? PEN_OK : replace(&view, &made, inout_parts, err);
}
