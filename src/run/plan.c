#include "run/plan.h"

#include "meta/ledger.h"

#include <stdlib.h>

#define ARENA_MAX_BYTES ((size_t)16 << 30)

void pen_plan_release(struct pen_plan *plan)
{
    pen_arena_release(&plan->arena);
    free(plan->objects);
    free(plan->tasks);
    *plan = (struct pen_plan){0};
}

void pen_plan_init(struct pen_plan *plan)
{
    *plan = (struct pen_plan){.arena = PEN_ARENA(ARENA_MAX_BYTES)};
}

/* Doubles an array of `size`-byte items when it is full. */
static enum pen_code grow(void **items, size_t count, size_t *cap, size_t size,
                          struct pen_error *err)
{
    if (count < *cap)
        return PEN_OK;
    size_t more = *cap == 0 ? 64 : *cap * 2;
    void *grown = realloc(*items, more * size);
    if (grown == NULL)
        return pen_fail_nomem(err);
    *items = grown;
    *cap = more;
    return PEN_OK;
}

enum pen_code pen_plan_add_object(struct pen_plan *plan, const struct pen_object *object,
                                  struct pen_error *err)
{
    void *items = plan->objects;
    enum pen_code code =
        grow(&items, plan->object_count, &plan->object_cap, sizeof *plan->objects, err);
    plan->objects = items;
    PEN_TRY(code);
    struct pen_object copy = *object;
    copy.key = pen_arena_copy(&plan->arena, pen_slice_str(object->key));
    copy.etag = pen_arena_copy(&plan->arena, pen_slice_str(object->etag));
    copy.version_id = pen_arena_copy(&plan->arena, pen_slice_str(object->version_id));
    if (copy.key == NULL || copy.etag == NULL || copy.version_id == NULL)
        return pen_fail_nomem(err);
    plan->objects[plan->object_count++] = copy;
    plan->size_bytes += object->size_bytes;
    return PEN_OK;
}

struct listing {
    struct pen_plan *plan;
    const struct pen_plan_ledger *ledger;
};

static enum pen_code add_object(void *context, const struct pen_object *object,
                                struct pen_error *err)
{
    struct listing *listing = context;
    const struct pen_plan_ledger *ledger = listing->ledger;
    bool is_loaded = false;
    if (ledger != NULL && ledger->table_id != 0)
        PEN_TRY(pen_ledger_has(ledger->db,
                               &(struct pen_ledger_entry){.table_id = ledger->table_id,
                                                          .bucket = ledger->bucket,
                                                          .key = object->key,
                                                          .etag = object->etag,
                                                          .size_bytes = object->size_bytes},
                               &is_loaded, err));
    if (!is_loaded)
        return pen_plan_add_object(listing->plan, object, err);
    listing->plan->skipped_objects++;
    return PEN_OK;
}

enum pen_code pen_plan_add_task(struct pen_plan *plan, struct pen_plan_task task,
                                struct pen_error *err)
{
    void *items = plan->tasks;
    enum pen_code code = grow(&items, plan->task_count, &plan->task_cap, sizeof *plan->tasks, err);
    plan->tasks = items;
    PEN_TRY(code);
    plan->tasks[plan->task_count++] = task;
    return PEN_OK;
}

enum pen_code pen_plan_group(struct pen_plan *plan, int64_t min_task_size_bytes, int64_t task_bytes,
                             struct pen_error *err)
{
    bool is_original = min_task_size_bytes >= 0;
    uint64_t limit = (uint64_t)(is_original ? min_task_size_bytes : task_bytes);
    struct pen_plan_task task = {0};
    plan->task_count = 0;
    for (size_t i = 0; i < plan->object_count; i++) {
        uint64_t size = plan->objects[i].size_bytes;
        if (!is_original && task.count > 0 && task.size_bytes + size > limit) {
            PEN_TRY(pen_plan_add_task(plan, task, err));
            task = (struct pen_plan_task){.first = i};
        }
        task.count++;
        task.size_bytes += size;
        if (is_original && task.size_bytes >= limit) {
            PEN_TRY(pen_plan_add_task(plan, task, err));
            task = (struct pen_plan_task){.first = i + 1};
        }
    }
    return task.count > 0 ? pen_plan_add_task(plan, task, err) : PEN_OK;
}

enum pen_code pen_plan_make(const struct pen_load *load, const struct pen_plan_ledger *ledger,
                            struct pen_plan *ret_plan, struct pen_error *err)
{
    pen_plan_init(ret_plan);
    struct listing listing = {.plan = ret_plan, .ledger = ledger};
    enum pen_code code = load->source->type->list(load->source, add_object, &listing, err);
    if (code == PEN_OK)
        code =
            pen_plan_group(ret_plan, load->source->min_task_size_bytes, load->exec.task_bytes, err);
    if (code != PEN_OK)
        pen_plan_release(ret_plan);
    return code;
}
