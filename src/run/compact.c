/* compact.c - few files instead of many:
 *     visible files --choose--> bins (<= target bytes, one partition each)
 *                   --merge, sort by time--> parts --swap, one snapshot--> table */
#include "base/civil.h"
#include "lake/lake_files.h"
#include "meta/part_note.h"
#include "run/partition.h"
#include "run/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* How often everything is tried again when others changed the same files meanwhile. */
#define ATTEMPTS 5

/* A file as it is sorted into bins. */
struct candidate {
    size_t index;   /* in files */
    bool is_mixed;  /* spans several units, or times unknown: to be cut */
    int64_t unit;   /* first second of its unit */
    int64_t from;   /* for the order inside a bin */
    bool is_needed; /* rewritten even when it is alone: deleted rows, mixed */
    uint64_t bytes;
};

struct compaction {
    const struct pen_space_env *env;
    const struct pen_compact_options *options;
    struct pen_compact_result result;
    uint64_t target_bytes;
    struct pen_arena arena; /* of one attempt */
    struct pen_duck *duck;
    char *temp; /* folder to spill into */
    struct pen_lake_table table;
    const char *time_column; /* NULL: the table has no unix seconds in `time` */
    enum pen_duck_unit unit;
    struct pen_duck_view view;
    struct pen_part_field *columns;
    struct pen_lake_file *files, *chosen; /* chosen: those that the parts replace */
    size_t file_count, chosen_count;
    struct pen_parts parts;
    const char **notes; /* names of all parts that were begun */
    size_t note_count;
    bool is_cut; /* files were cut: a second pass may merge what came of it */
};

/* --- look --------------------------------------------------------------------------------------
 */

static enum pen_code fill_columns(struct compaction *c, struct pen_error *err)
{
    c->columns = pen_arena_alloc(&c->arena, (c->table.column_count + 1) * sizeof *c->columns);
    if (c->columns == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < c->table.column_count; i++) {
        const struct pen_lake_column *column = &c->table.columns[i];
        c->columns[i] =
            (struct pen_part_field){.field_id = column->column_id, .name = column->name};
        if (strcmp(column->name, "time") == 0 && strcmp(column->type_text, "int64") == 0)
            c->time_column = column->name;
    }
    return PEN_OK;
}

static enum pen_code look(struct compaction *c, struct pen_error *err)
{
    const struct pen_compact_options *options = c->options;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(c->env->lake, &txn, err));
    PEN_TRY(pen_lake_table_find(txn, options->database, options->table, &c->arena, &c->table, err));
    PEN_TRY(pen_lake_swap_check(txn, &c->table, err));
    PEN_TRY(pen_lake_file_list(txn, &c->table, PEN_LAKE_VISIBLE_FILES, &c->arena, &c->files,
                               &c->file_count, err));
    PEN_TRY(pen_lake_table_view(txn, &c->table, &c->arena, &c->view, err));
    if (c->view.problem != NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "table '%s.%s' %s", options->database, options->table,
                        c->view.problem);
    if (c->view.file_count != c->file_count)
        return pen_fail(err, PEN_ERR_CORRUPT, "table '%s.%s' has a file with several delete files",
                        options->database, options->table);
    PEN_TRY(fill_columns(c, err));
    c->unit = PEN_DUCK_NO_UNIT;
    if (c->time_column != NULL && !pen_duck_unit_from_name(c->table.time_partition, &c->unit))
        return pen_fail(err, PEN_ERR_CORRUPT, "table '%s.%s' has the unknown time_partition '%s'",
                        options->database, options->table, c->table.time_partition);
    return PEN_OK;
}

/* --- choose ------------------------------------------------------------------------------------
 */

static bool is_in_calendar(int64_t time)
{
    return time >= 0 && time <= PEN_DUCK_LAST_SECOND;
}

static struct candidate candidate_of(const struct compaction *c, size_t index)
{
    const struct pen_lake_file *file = &c->files[index];
    struct candidate made = {.index = index,
                             .from = file->has_time ? file->min_time : INT64_MIN,
                             .is_needed = file->delete_file_id >= 0,
                             .bytes = file->size_bytes};
    if (c->unit == PEN_DUCK_NO_UNIT)
        return made;
    bool is_known = file->has_time && !file->has_null_time && is_in_calendar(file->min_time) &&
                    is_in_calendar(file->max_time);
    /* rows without a time, and nothing else, are a partition of their own */
    bool is_rest =
        file->is_all_null_time ||
        (file->has_time && (file->max_time < 0 || file->min_time > PEN_DUCK_LAST_SECOND));
    if (is_known)
        made.unit = pen_duck_unit_start(c->unit, file->min_time);
    else if (is_rest)
        made.unit = INT64_MAX;
    made.is_mixed =
        !is_rest && (!is_known || made.unit != pen_duck_unit_start(c->unit, file->max_time));
    made.is_needed = made.is_needed || made.is_mixed;
    return made;
}

static int compare_candidates(const void *one, const void *other)
{
    const struct candidate *a = one, *b = other;
    if (a->is_mixed != b->is_mixed)
        return a->is_mixed ? -1 : 1;
    if (a->unit != b->unit)
        return a->unit < b->unit ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static enum pen_code list_candidates(struct compaction *c, struct candidate **ret_list,
                                     size_t *ret_count, struct pen_error *err)
{
    struct candidate *list = pen_arena_alloc(&c->arena, (c->file_count + 1) * sizeof *list);
    if (list == NULL)
        return pen_fail_nomem(err);
    size_t count = 0;
    for (size_t i = 0; i < c->file_count; i++) {
        struct candidate made = candidate_of(c, i);
        if (made.is_needed || made.bytes < c->target_bytes / 2)
            list[count++] = made;
    }
    qsort(list, count, sizeof *list, compare_candidates);
    *ret_list = list;
    *ret_count = count;
    return PEN_OK;
}

/* The bin that begins with list[0]: as many files of its partition as the target has room for. */
static size_t bin_length(const struct compaction *c, const struct candidate *list, size_t count)
{
    uint64_t bytes = list[0].bytes;
    size_t length = 1;
    while (length < count && list[length].is_mixed == list[0].is_mixed &&
           list[length].unit == list[0].unit && bytes + list[length].bytes <= c->target_bytes)
        bytes += list[length++].bytes;
    return length;
}

static bool is_worth_it(const struct candidate *bin, size_t length)
{
    if (length > 1)
        return true;
    return bin[0].is_needed;
}

/* --- write -------------------------------------------------------------------------------------
 */

static enum pen_code note_part(void *context, const char *file_name, struct pen_error *err)
{
    struct compaction *c = context;
    PEN_TRY(pen_arena_grow(&c->arena, &c->notes, c->note_count, sizeof *c->notes, err));
    const char *kept = pen_arena_copy(&c->arena, pen_slice_str(file_name));
    if (kept == NULL)
        return pen_fail_nomem(err);
    c->notes[c->note_count++] = kept;
    return pen_part_note(pen_lake_db(c->env->lake), c->table.folder, file_name, pen_now_us(), err);
}

static struct pen_cut cut_of(struct compaction *c, const struct pen_duck_view *view)
{
    return (struct pen_cut){.duck = c->duck,
                            .view = view,
                            .columns = c->columns,
                            .folder = c->table.folder,
                            .time_column = c->time_column,
                            .unit = c->unit,
                            .compression = c->options->compression,
                            .cancel = c->env->cancel,
                            .note = note_part,
                            .context = c};
}

/* The rows sorted once, so that each range is found without reading everything again. */
static enum pen_code sort_aside(struct compaction *c, const struct pen_duck_view *view,
                                struct pen_error *err)
{
    char name[PEN_PART_NAME];
    pen_part_name(name);
    struct pen_parts parts = PEN_PARTS;
    const struct pen_duck_rewrite rewrite = {.view = view,
                                             .folder = c->temp,
                                             .file_name = name,
                                             .columns = c->columns,
                                             .time_column = c->time_column,
                                             .cancel = c->env->cancel};
    enum pen_code code = pen_duck_rewrite(c->duck, &rewrite, &parts, err);
    pen_parts_release(&parts);
    PEN_TRY(code);
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s/%s", c->temp, name));
    struct pen_duck_view_file *file = pen_arena_alloc(&c->arena, sizeof *file);
    const char *kept = pen_arena_copy(&c->arena, pen_buf_slice(&path));
    if (file == NULL || kept == NULL)
        return pen_fail_nomem(err);
    *file = (struct pen_duck_view_file){.path = kept};
    struct pen_duck_view sorted = *view;
    sorted.files = file;
    sorted.file_count = 1;
    struct pen_cut cut = cut_of(c, &sorted);
    struct pen_duck_range *ranges = NULL;
    size_t count = 0;
    code = pen_cut_ranges(&cut, &c->arena, &ranges, &count, err);
    for (size_t i = 0; i < count && code == PEN_OK; i++)
        code = pen_cut_part(&cut, &ranges[i], &c->parts, err);
    if (unlink(kept) != 0 && code == PEN_OK && errno != ENOENT)
        code = pen_fail_errno(err, PEN_ERR_IO, errno, "cannot remove '%s'", kept);
    return code;
}

/* in: *ret_is_done false: cutting would not get on; the files are left alone. */
static enum pen_code write_mixed(struct compaction *c, const struct pen_duck_view *view,
                                 bool *ret_is_done, struct pen_error *err)
{
    struct pen_cut cut = cut_of(c, view);
    struct pen_duck_range *ranges = NULL;
    size_t count = 0;
    *ret_is_done = true;
    PEN_TRY(pen_cut_ranges(&cut, &c->arena, &ranges, &count, err));
    /* too many units to get on, or a file that was of one kind after all (rows without a time) */
    bool is_whole = count == 1 && view->file_count == 1 && view->files[0].delete_path == NULL;
    if (is_whole || (count == PEN_CUT_PARTS_MAX && view->file_count >= count)) {
        *ret_is_done = false;
        return PEN_OK;
    }
    c->is_cut = true;
    if (count > 1)
        return sort_aside(c, view, err);
    return count == 0 ? PEN_OK : pen_cut_part(&cut, &ranges[0], &c->parts, err);
}

static enum pen_code write_bin(struct compaction *c, const struct candidate *bin, size_t length,
                               struct pen_error *err)
{
    struct pen_duck_view view = c->view;
    struct pen_duck_view_file *files = pen_arena_alloc(&c->arena, length * sizeof *files);
    if (files == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < length; i++)
        files[i] = c->view.files[bin[i].index];
    view.files = files;
    view.file_count = length;
    bool is_done = true;
    struct pen_cut cut = cut_of(c, &view);
    if (!c->options->is_dry_run && bin[0].is_mixed)
        PEN_TRY(write_mixed(c, &view, &is_done, err));
    else if (!c->options->is_dry_run)
        PEN_TRY(pen_cut_part(&cut, NULL, &c->parts, err));
    for (size_t i = 0; i < length && is_done; i++) {
        const struct pen_lake_file *file = &c->files[bin[i].index];
        c->chosen[c->chosen_count++] = *file;
        c->result.rewritten_rows += file->rows - file->deleted_rows;
        c->result.dropped_rows += file->deleted_rows;
    }
    return PEN_OK;
}

static enum pen_code write_bins(struct compaction *c, struct pen_error *err)
{
    struct candidate *list = NULL;
    size_t count = 0;
    PEN_TRY(list_candidates(c, &list, &count, err));
    c->chosen = pen_arena_alloc(&c->arena, (count + 1) * sizeof *c->chosen);
    if (c->chosen == NULL)
        return pen_fail_nomem(err);
    for (size_t at = 0, length = 0; at < count; at += length) {
        if (c->env->cancel != NULL && *c->env->cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
        length = bin_length(c, list + at, count - at);
        if (is_worth_it(list + at, length))
            PEN_TRY(write_bin(c, list + at, length, err));
    }
    return PEN_OK;
}

/* --- swap --------------------------------------------------------------------------------------
 */

static enum pen_code swap_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct compaction *c = context;
    const struct pen_lake_swap swap = {.table = &c->table,
                                       .files = c->chosen,
                                       .file_count = c->chosen_count,
                                       .parts = c->parts.parts,
                                       .part_count = c->parts.count};
    for (size_t i = 0; i < c->note_count; i++)
        PEN_TRY(pen_part_take(pen_lake_txn_db(txn), c->notes[i], err));
    return pen_lake_swap_files(txn, &swap, err);
}

/* A conflict is for the whole attempt to repeat: the same files would conflict again. */
static enum pen_code swap(struct compaction *c, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin(c->env->lake, &txn, err));
    PEN_TRY(swap_in(txn, c, err));
    int64_t snapshot_id = -1;
    enum pen_code code = pen_lake_commit(PEN_TAKE(txn), "table:compact", &snapshot_id, err);
    /* they are the table's now. Or may be: a commit whose sync failed can come to life when the
     * catalog is opened again; if it does not, they are still noted, for gc */
    if (code != PEN_ERR_CONFLICT)
        c->note_count = 0;
    if (code == PEN_OK)
        c->result.snapshot_id = snapshot_id;
    return code;
}

/* What a failed attempt wrote. What cannot be removed now stays noted, for gc. */
static void take_back(struct compaction *c)
{
    for (size_t i = 0; i < c->note_count; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
        struct pen_error err = {0};
        enum pen_code code = pen_buf_addf(&path, &err, "%s%s", c->table.folder, c->notes[i]);
        if (code == PEN_OK && unlink(path.ptr) != 0 && errno != ENOENT)
            code = pen_fail_errno(&err, PEN_ERR_IO, errno, "cannot remove '%s'", path.ptr);
        if (code == PEN_OK)
            code = pen_part_take(pen_lake_db(c->env->lake), c->notes[i], &err);
        if (code != PEN_OK)
            PEN_SAY(c->env, "warn", "%s; lake:gc will remove it", err.message);
    }
    c->note_count = 0;
}

/* --- attempts ----------------------------------------------------------------------------------
 */

static void begin_attempt(struct compaction *c)
{
    pen_arena_clear(&c->arena);
    pen_parts_release(&c->parts);
    c->parts = PEN_PARTS;
    c->notes = NULL;
    c->note_count = c->chosen_count = c->file_count = 0;
    c->files = c->chosen = NULL;
    c->time_column = NULL;
    c->is_cut = false;
    c->result = (struct pen_compact_result){.snapshot_id = -1};
}

static void count_files(struct compaction *c)
{
    struct pen_compact_result *result = &c->result;
    for (size_t i = 0; i < c->file_count; i++)
        result->bytes_before += c->files[i].size_bytes;
    result->bytes_after = result->bytes_before;
    result->files_before = c->file_count;
    result->rewritten_files = c->chosen_count;
    if (c->options->is_dry_run)
        return; /* nobody knows before they are written */
    result->files_after = c->file_count - c->chosen_count + c->parts.count;
    for (size_t i = 0; i < c->chosen_count; i++)
        result->bytes_after -= c->chosen[i].size_bytes;
    for (size_t i = 0; i < c->parts.count; i++)
        result->bytes_after += c->parts.parts[i].size_bytes;
}

static enum pen_code attempt(struct compaction *c, struct pen_error *err)
{
    begin_attempt(c);
    PEN_TRY(look(c, err));
    enum pen_code code = write_bins(c, err);
    count_files(c);
    if (code == PEN_OK && c->chosen_count > 0 && !c->options->is_dry_run)
        code = swap(c, err);
    if (code != PEN_OK)
        take_back(c);
    return code;
}

static enum pen_code pass(struct compaction *c, struct pen_error *err)
{
    for (unsigned n = 1;; n++) {
        struct pen_error last = {0};
        enum pen_code code = attempt(c, &last);
        if (code == PEN_OK)
            return PEN_OK;
        if (code != PEN_ERR_CONFLICT || !last.is_retryable || n == ATTEMPTS) {
            if (err != NULL)
                *err = last;
            return code;
        }
        PEN_SAY(c->env, "info", "%s; once more", last.message);
    }
}

static enum pen_code run(struct compaction *c, struct pen_error *err)
{
    struct pen_duck_options duck = c->env->engine;
    duck.temp_dir = c->temp;
    PEN_TRY(pen_duck_open(&duck, &c->duck, err));
    PEN_TRY(pass(c, err));
    if (!c->is_cut)
        return PEN_OK;
    /* what came of cutting may fit the small files that its partitions had already */
    struct pen_compact_result first = c->result;
    PEN_TRY(pass(c, err));
    c->result.files_before = first.files_before;
    c->result.bytes_before = first.bytes_before;
    c->result.rewritten_files += first.rewritten_files;
    c->result.rewritten_rows += first.rewritten_rows;
    c->result.dropped_rows += first.dropped_rows;
    if (c->result.snapshot_id < 0)
        c->result.snapshot_id = first.snapshot_id;
    return PEN_OK;
}

enum pen_code pen_run_compact(const struct pen_space_env *env,
                              const struct pen_compact_options *options,
                              struct pen_compact_result *ret_result, struct pen_error *err)
{
    struct compaction *c = calloc(1, sizeof *c);
    if (c == NULL)
        return pen_fail_nomem(err);
    c->env = env;
    c->options = options;
    c->arena = PEN_ARENA((size_t)1 << 30);
    c->parts = PEN_PARTS;
    c->target_bytes = options->target_bytes == 0 ? PEN_COMPACT_TARGET_BYTES : options->target_bytes;
    PEN_CLEANUP(pen_buf_release) struct pen_buf temp = PEN_BUF(PEN_BUF_TEXT_MAX);
    enum pen_code code = pen_space_temp(env->home, env->engine.temp_dir, &temp, err);
    c->temp = temp.ptr;
    if (code == PEN_OK)
        code = run(c, err);
    *ret_result = c->result;
    pen_duck_close(c->duck);
    if (c->temp != NULL)
        pen_space_temp_remove(c->temp);
    pen_parts_release(&c->parts);
    pen_arena_release(&c->arena);
    free(c);
    return code;
}
