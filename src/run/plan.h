/* plan.h - which objects a job loads, and in which tasks: decided once, before the first byte.
 *
 *     source --list--> objects (key order) --group--> tasks of about exec.task_bytes */
#ifndef PEN_RUN_PLAN_H
#define PEN_RUN_PLAN_H

#include "db/db.h"
#include "run/load.h"

struct pen_plan_task {
    size_t first, count; /* objects [first, first + count) */
    uint64_t size_bytes;
};

struct pen_plan {
    struct pen_arena arena; /* texts of the objects */
    struct pen_object *objects;
    size_t object_count, object_cap;
    uint64_t size_bytes;
    struct pen_plan_task *tasks;
    size_t task_count, task_cap;
    uint64_t skipped_objects; /* already in the ledger (skip_loaded_objects) */
};

/* What the ledger knows, for skip_loaded_objects; table_id 0: a new table, nothing is known. */
struct pen_plan_ledger {
    struct pen_db *db;
    int64_t table_id;
    const char *bucket;
};

/* pen_plan_make - lists and groups. in: ledger: NULL to load everything that is listed.
 * errors: what the listing met. memory: some 150 bytes an object. */
PEN_MUST_USE enum pen_code pen_plan_make(const struct pen_load *load,
                                         const struct pen_plan_ledger *ledger,
                                         struct pen_plan *ret_plan, struct pen_error *err);
void pen_plan_release(struct pen_plan *plan);

/* pen_plan_init - an empty plan, for one that is put together from what was stored:
 * pen_plan_add_object, _add_task - appended; texts are copied. */
void pen_plan_init(struct pen_plan *plan);
PEN_MUST_USE enum pen_code
pen_plan_add_object(struct pen_plan *plan, const struct pen_object *object, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_plan_add_task(struct pen_plan *plan, struct pen_plan_task task,
                                             struct pen_error *err);

/* pen_plan_group - cuts the plan's objects into tasks (done by pen_plan_make).
 * min_task_size_bytes >= 0: the original's rule, a task is closed as soon as it reaches that size
 * (0: one object each); -1: tasks of up to task_bytes, at least one object each. source:
 * spec/s3-input.md 6. */
PEN_MUST_USE enum pen_code pen_plan_group(struct pen_plan *plan, int64_t min_task_size_bytes,
                                          int64_t task_bytes, struct pen_error *err);

#endif
