/* job_plan.h - what a job will read and write, frozen when it starts: its objects, the tasks that
 * group them, the parts that tasks have written. A job that is taken up after a crash goes on from
 * here: finished tasks are not done again. Deleted with the commit (objects move to the ledger).
 * All functions as in job.h: inside the caller's transaction or as one of their own. */
#ifndef PEN_META_JOB_PLAN_H
#define PEN_META_JOB_PLAN_H

#include "base/arena.h"
#include "db/db.h"
#include "sink/sink.h"

/* An object version of the plan. object_index counts from 0 within the job. */
struct pen_job_object {
    int64_t object_index;
    const char *bucket; /* or "" for files */
    const char *key, *etag, *version_id;
    uint64_t size_bytes;
    int64_t modified_us;
};

/* pen_job_objects_add - appends to the plan. cost: one insert an object; put many into one
 * transaction. */
PEN_MUST_USE enum pen_code pen_job_objects_add(struct pen_db *db, int64_t job_id,
                                               const struct pen_job_object *objects, size_t count,
                                               struct pen_error *err);

/* pen_job_plan_note - the plan is whole: notes the position that its listing found. In the
 * transaction of the objects and tasks. in: position: JSON, not empty.
 * pen_job_layout_note - which columns the parts of its tasks have: a text of the caller's. */
PEN_MUST_USE enum pen_code pen_job_plan_note(struct pen_db *db, int64_t job_id,
                                             const char *position, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_layout_note(struct pen_db *db, int64_t job_id,
                                               const char *layout, struct pen_error *err);

/* A run of objects. */
struct pen_job_range {
    int64_t first_object, object_count;
};

/* pen_job_objects_get - the objects of the range, as many as there are. */
PEN_MUST_USE enum pen_code pen_job_objects_get(struct pen_db *db, int64_t job_id,
                                               struct pen_job_range range, struct pen_arena *arena,
                                               struct pen_job_object **ret_objects,
                                               size_t *ret_count, struct pen_error *err);

enum pen_job_task_status { PEN_JOB_TASK_WAITING, PEN_JOB_TASK_RUNNING, PEN_JOB_TASK_DONE };

struct pen_job_task {
    int64_t job_id;
    int64_t task_index; /* from 0 */
    enum pen_job_task_status status;
    int64_t first_object, object_count;
    uint64_t size_bytes;
    int attempt;
    uint64_t records, rejected, filtered; /* of the finished attempt */
    const char *rejects; /* of the finished attempt: state of the rejects file (JSON); "" none */
};

/* pen_job_tasks_add - waiting tasks. pen_job_tasks_get - all of a job, by index. */
PEN_MUST_USE enum pen_code pen_job_tasks_add(struct pen_db *db, const struct pen_job_task *tasks,
                                             size_t count, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_job_tasks_get(struct pen_db *db, int64_t job_id,
                                             struct pen_arena *arena,
                                             struct pen_job_task **ret_tasks, size_t *ret_count,
                                             struct pen_error *err);

/* pen_job_task_start - waiting, or running by a dead attempt, to running; attempt + 1. Parts of
 * earlier attempts become garbage. errors: PEN_ERR_CONFLICT when it is done. */
PEN_MUST_USE enum pen_code pen_job_task_start(struct pen_db *db, int64_t job_id, int64_t task_index,
                                              struct pen_error *err);

/* pen_job_tasks_reset - finished tasks are waiting again and their parts garbage. */
PEN_MUST_USE enum pen_code pen_job_tasks_reset(struct pen_db *db, int64_t job_id,
                                               struct pen_error *err);

/* pen_job_part_begin - notes a part before its file is made, so that it is found when the process
 * dies. in: folder as in the layout (absolute), file_name. */
PEN_MUST_USE enum pen_code pen_job_part_begin(struct pen_db *db, int64_t job_id, int64_t task_index,
                                              const char *folder, const char *file_name,
                                              int64_t now_us, struct pen_error *err);

/* How a task ended. Rejected and filtered records per object go to the job's object rows. */
struct pen_job_task_object {
    int64_t object_index;
    uint64_t rows, rejected, filtered, plain_bytes;
};

/* pen_job_task_done - the task's parts (0..n, noted before by pen_job_part_begin, with statistics)
 * and its counts per object; the job's attempt made progress. One transaction. */
PEN_MUST_USE enum pen_code pen_job_task_done(struct pen_db *db, const struct pen_job_task *task,
                                             const struct pen_parts *parts,
                                             const struct pen_job_task_object *objects,
                                             size_t object_count, struct pen_error *err);

/* pen_job_parts_get - the parts of all finished tasks, as pen_lake_load takes them; appended to
 * ret_parts. */
PEN_MUST_USE enum pen_code pen_job_parts_get(struct pen_db *db, int64_t job_id,
                                             struct pen_parts *ret_parts, struct pen_error *err);

/* pen_job_plan_delete - forgets objects, tasks and parts. is_committed: the parts belong to the
 * table now; else they become garbage that pen_garbage_list hands out. */
PEN_MUST_USE enum pen_code pen_job_plan_delete(struct pen_db *db, int64_t job_id, bool is_committed,
                                               struct pen_error *err);

/* A file that nothing refers to and that may be removed from disk. */
struct pen_garbage {
    int64_t part_id;
    const char *folder, *file_name;
};

/* pen_garbage_list - parts of dead attempts and failed jobs, at most `max`.
 * pen_garbage_forget - after the file was removed (or was not there). */
PEN_MUST_USE enum pen_code pen_garbage_list(struct pen_db *db, size_t max, struct pen_arena *arena,
                                            struct pen_garbage **ret_list, size_t *ret_count,
                                            struct pen_error *err);
PEN_MUST_USE enum pen_code pen_garbage_forget(struct pen_db *db, int64_t part_id,
                                              struct pen_error *err);

#endif
