/* job_plan_store.c - the plan in the metadata: made once, then the same for every attempt.
 *
 *     first attempt:  list -> group -> objects, tasks, next position --> metadata
 *     later ones:     metadata --> objects, tasks, what finished tasks amount to */
#include "meta/job_plan.h"
#include "run/job_run_internal.h"

#include <inttypes.h>

static const char *bucket_name(const struct pen_job_run *run)
{
    const struct pen_node *bucket = pen_node_get(run->scope.load->in, "bucket");
    return bucket == NULL || bucket->text.ptr == NULL ? "" : bucket->text.ptr;
}

static enum pen_code store_objects(struct pen_job_run *run, struct pen_db *db,
                                   struct pen_error *err)
{
    struct pen_job_object page[256];
    size_t in_page = sizeof page / sizeof page[0];
    for (size_t at = 0; at < run->plan.object_count; at += in_page) {
        size_t count = 0;
        for (; count < in_page && at + count < run->plan.object_count; count++) {
            const struct pen_object *object = &run->plan.objects[at + count];
            page[count] = (struct pen_job_object){.object_index = (int64_t)(at + count),
                                                  .bucket = bucket_name(run),
                                                  .key = object->key,
                                                  .etag = object->etag,
                                                  .version_id = object->version_id,
                                                  .size_bytes = object->size_bytes,
                                                  .modified_us = object->modified_us};
        }
        PEN_TRY(pen_job_objects_add(db, run->job.job_id, page, count, err));
    }
    return PEN_OK;
}

static enum pen_code store_plan_in(struct pen_job_run *run, struct pen_db *db,
                                   struct pen_error *err)
{
    PEN_TRY(pen_job_hold(db, run->job.job_id, run->owner, err));
    PEN_TRY(store_objects(run, db, err));
    for (size_t i = 0; i < run->plan.task_count; i++) {
        const struct pen_plan_task *planned = &run->plan.tasks[i];
        struct pen_job_task task = {.job_id = run->job.job_id,
                                    .task_index = (int64_t)i,
                                    .status = PEN_JOB_TASK_WAITING,
                                    .first_object = (int64_t)planned->first,
                                    .object_count = (int64_t)planned->count,
                                    .size_bytes = planned->size_bytes};
        PEN_TRY(pen_job_tasks_add(db, &task, 1, err));
    }
    return pen_job_plan_note(db, run->job.job_id, run->position, err);
}

/* {"in": {"last_path": ...}}: what the next run of the same configuration starts from. */
static enum pen_code find_position(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_source *source = run->scope.load->source;
    struct pen_node *root = pen_node_new_map(&run->arena);
    struct pen_node *in = pen_node_new_map(&run->arena);
    if (root == NULL || in == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(source->type->next(source, &run->arena, in, err));
    PEN_TRY(pen_node_set(root, &run->arena, "in", in, err));
    PEN_TRY(pen_tree_write_json(root, false, &text, err));
    return pen_arena_text(&run->arena, pen_buf_slice(&text), &run->position, err);
}

/* The plan is in the metadata before the first byte is read: a later attempt reads the same. */
static enum pen_code store_plan(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = store_plan_in(run, db, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

static enum pen_code make_plan(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_load *load = run->scope.load;
    struct pen_plan_ledger ledger = {
        .db = pen_lake_db(run->lake), .table_id = run->table_id, .bucket = bucket_name(run)};
    PEN_TRY(
        pen_plan_make(load, load->source->skip_loaded_objects ? &ledger : NULL, &run->plan, err));
    if (run->plan.skipped_objects > 0)
        PEN_SAY(&run->env, "info", "%" PRIu64 " objects skipped: already loaded",
                run->plan.skipped_objects);
    PEN_TRY(find_position(run, err));
    return store_plan(run, err);
}

/* --- a later attempt -------------------------------------------------------------------------- */

static enum pen_code restore_objects(struct pen_job_run *run, struct pen_error *err)
{
    const struct pen_job_range all = {0, INT64_MAX};
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 30);
    struct pen_job_object *objects = NULL;
    size_t count = 0;
    PEN_TRY(pen_job_objects_get(pen_lake_db(run->lake), run->job.job_id, all, &arena, &objects,
                                &count, err));
    for (size_t i = 0; i < count; i++) {
        struct pen_object object = {.size_bytes = objects[i].size_bytes,
                                    .modified_us = objects[i].modified_us};
        object.key = pen_arena_copy(&arena, pen_slice_str(objects[i].key));
        object.etag = pen_arena_copy(&arena, pen_slice_str(objects[i].etag));
        object.version_id = pen_arena_copy(&arena, pen_slice_str(objects[i].version_id));
        if (object.key == NULL || object.etag == NULL || object.version_id == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_plan_add_object(&run->plan, &object, err));
    }
    return PEN_OK;
}

static enum pen_code restore_tasks(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_job_task *tasks = NULL;
    size_t count = 0;
    PEN_TRY(pen_job_tasks_get(pen_lake_db(run->lake), run->job.job_id, &run->arena, &tasks, &count,
                              err));
    for (size_t i = 0; i < count; i++) {
        struct pen_plan_task task = {.first = (size_t)tasks[i].first_object,
                                     .count = (size_t)tasks[i].object_count,
                                     .size_bytes = tasks[i].size_bytes};
        PEN_TRY(pen_plan_add_task(&run->plan, task, err));
        if (task.first + task.count > run->plan.object_count)
            return pen_fail(err, PEN_ERR_CORRUPT, "the plan of job %" PRId64 " has lost objects",
                            run->job.job_id);
    }
    run->stored_tasks = tasks;
    return PEN_OK;
}

enum pen_code pen_job_run_plan(struct pen_job_run *run, struct pen_error *err)
{
    pen_plan_release(&run->plan);
    run->stored_tasks = NULL;
    if (run->position == NULL)
        PEN_TRY(make_plan(run, err));
    else {
        pen_plan_init(&run->plan);
        PEN_TRY(restore_objects(run, err));
        PEN_TRY(restore_tasks(run, err));
    }
    run->progress.total_objects = run->plan.object_count;
    run->progress.total_bytes = run->plan.size_bytes;
    return PEN_OK;
}

bool pen_job_run_is_done(const struct pen_job_run *run, size_t task_index)
{
    return run->stored_tasks != NULL && run->stored_tasks[task_index].status == PEN_JOB_TASK_DONE;
}

/* --- the columns of the parts ----------------------------------------------------------------- */

/* Two layouts with the same text make parts that can be committed together. */
static enum pen_code describe_layout(const struct pen_lake_layout *layout, struct pen_buf *into,
                                     struct pen_error *err)
{
    PEN_TRY(pen_buf_addf(into, err, "%" PRId64 " %s\n", layout->table_id, layout->folder));
    for (size_t i = 0; i < layout->target_count; i++) {
        const struct pen_lake_target *target = &layout->targets[i];
        PEN_TRY(pen_buf_addf(into, err, "%" PRId64 " %s %s %s %d\n", target->column_id,
                             target->name, target->type_text,
                             target->sql_type == NULL ? "-" : target->sql_type, target->is_new));
    }
    return PEN_OK;
}

static enum pen_code note_layout(struct pen_job_run *run, const char *text, bool is_reset,
                                 struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = pen_job_hold(db, run->job.job_id, run->owner, err);
    if (code == PEN_OK && is_reset)
        code = pen_job_tasks_reset(db, run->job.job_id, err);
    if (code == PEN_OK)
        code = pen_job_layout_note(db, run->job.job_id, text, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

enum pen_code pen_job_run_settle_layout(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    const char *former = run->job.layout;
    bool is_first = former == NULL || former[0] == '\0';
    PEN_TRY(describe_layout(&run->layout, &text, err));
    if (!is_first && strcmp(former, text.ptr) == 0)
        return PEN_OK;
    if (!is_first) {
        PEN_SAY(&run->env, "warn",
                "the table changed since the job was begun: finished tasks are done again");
        run->stored_tasks = NULL; /* all of them are waiting now */
    }
    PEN_TRY(note_layout(run, text.ptr, !is_first, err));
    return pen_arena_text(&run->arena, pen_buf_slice(&text), &run->job.layout, err);
}

/* --- what is finished ------------------------------------------------------------------------- */

enum pen_code pen_job_run_restore(struct pen_job_run *run, struct pen_rejects_mark *ret_mark,
                                  bool *ret_has_mark, struct pen_error *err)
{
    struct pen_progress *progress = &run->progress;
    const char *rejects = "";
    size_t done = 0;
    run->totals = (struct pen_account_totals){0};
    uint64_t bytes = 0, objects = 0;
    for (size_t i = 0; i < run->plan.task_count; i++) {
        if (!pen_job_run_is_done(run, i))
            continue;
        const struct pen_job_task *task = &run->stored_tasks[i];
        run->totals.loaded += task->records;
        run->totals.rejected += task->rejected;
        run->totals.filtered += task->filtered;
        objects += (uint64_t)task->object_count;
        bytes += task->size_bytes;
        rejects = task->rejects; /* tasks end in the order of the plan */
        done++;
    }
    run->totals.records = run->totals.loaded + run->totals.rejected + run->totals.filtered;
    atomic_store(&progress->rows, run->totals.loaded);
    atomic_store(&progress->rejected, run->totals.rejected);
    atomic_store(&progress->objects, objects);
    atomic_store(&progress->stored_bytes, bytes);
    *ret_has_mark = rejects[0] != '\0';
    if (run->stored_tasks != NULL)
        PEN_SAY(&run->env, "info", "going on: %zu of %zu tasks are done, %" PRIu64 " rows", done,
                run->plan.task_count, run->totals.loaded);
    return *ret_has_mark ? pen_rejects_read_mark(rejects, ret_mark, err) : PEN_OK;
}
