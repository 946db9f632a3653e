/* job_plan_store.c - the plan in the metadata: made once, then the same for every attempt. */
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
    return PEN_OK;
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

enum pen_code pen_job_run_plan(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_load *load = run->scope.load;
    struct pen_plan_ledger ledger = {
        .db = pen_lake_db(run->lake), .table_id = run->table_id, .bucket = bucket_name(run)};
    PEN_TRY(
        pen_plan_make(load, load->source->skip_loaded_objects ? &ledger : NULL, &run->plan, err));
    if (run->plan.skipped_objects > 0)
        pen_run_log(&run->env, "info", "%" PRIu64 " objects skipped: already loaded",
                    run->plan.skipped_objects);
    run->progress.total_objects = run->plan.object_count;
    run->progress.total_bytes = run->plan.size_bytes;
    return store_plan(run, err);
}
