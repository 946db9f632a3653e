#include "meta/job_plan.h"

#include "meta/meta_internal.h"

/* --- objects -----------------------------------------------------------------------------------
 */

static enum pen_code insert_objects(struct pen_db *db, int64_t job_id,
                                    const struct pen_job_object *objects, size_t count,
                                    struct pen_error *err)
{
    for (size_t i = 0; i < count; i++)
        PEN_TRY(pen_db_run(db, NULL, err,
                           "INSERT INTO job_object VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, "
                           "0, 0)",
                           "iittttii", job_id, objects[i].object_index, objects[i].bucket,
                           objects[i].key, objects[i].etag, objects[i].version_id,
                           (int64_t)objects[i].size_bytes, objects[i].modified_us));
    return PEN_OK;
}

enum pen_code pen_job_objects_add(struct pen_db *db, int64_t job_id,
                                  const struct pen_job_object *objects, size_t count,
                                  struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert_objects(db, job_id, objects, count, err), err);
}

static enum pen_code read_object(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                 void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_job_object *object = item;
    *object = (struct pen_job_object){.object_index = pen_stmt_int(stmt, 0),
                                      .size_bytes = (uint64_t)pen_stmt_int(stmt, 5),
                                      .modified_us = pen_stmt_int(stmt, 6)};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &object->bucket, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &object->key, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &object->etag, err));
    return pen_arena_text(arena, pen_stmt_text(stmt, 4), &object->version_id, err);
}

enum pen_code pen_job_objects_get(struct pen_db *db, int64_t job_id, struct pen_job_range range,
                                  struct pen_arena *arena, struct pen_job_object **ret_objects,
                                  size_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT object_index, bucket, object_key, etag, version_id, size_bytes, "
                         "modified_us FROM job_object WHERE job_id = $1 AND object_index >= $2 "
                         "ORDER BY object_index LIMIT $3",
                         "iii", job_id, range.first_object, range.object_count));
    static const struct pen_row_reader reader = {sizeof(struct pen_job_object), read_object, NULL};
    return pen_stmt_list(stmt, &reader, arena, ret_objects, ret_count, err);
}

enum pen_code pen_job_plan_note(struct pen_db *db, int64_t job_id, const char *position,
                                struct pen_error *err)
{
    return pen_db_run(db, NULL, err, "UPDATE job SET position = $1 WHERE job_id = $2", "ti",
                      position, job_id);
}

enum pen_code pen_job_layout_note(struct pen_db *db, int64_t job_id, const char *layout,
                                  struct pen_error *err)
{
    return pen_db_run(db, NULL, err, "UPDATE job SET layout = $1 WHERE job_id = $2", "ti", layout,
                      job_id);
}

/* --- tasks -------------------------------------------------------------------------------------
 */

static const char *const task_status_names[] = {
    [PEN_JOB_TASK_WAITING] = "waiting",
    [PEN_JOB_TASK_RUNNING] = "running",
    [PEN_JOB_TASK_DONE] = "done",
};

static enum pen_code insert_tasks(struct pen_db *db, const struct pen_job_task *tasks, size_t count,
                                  struct pen_error *err)
{
    for (size_t i = 0; i < count; i++)
        PEN_TRY(pen_db_run(db, NULL, err,
                           "INSERT INTO job_task VALUES ($1, $2, 'waiting', $3, $4, $5, 0, 0, 0, "
                           "0, '')",
                           "iiiii", tasks[i].job_id, tasks[i].task_index, tasks[i].first_object,
                           tasks[i].object_count, (int64_t)tasks[i].size_bytes));
    return PEN_OK;
}

enum pen_code pen_job_tasks_add(struct pen_db *db, const struct pen_job_task *tasks, size_t count,
                                struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert_tasks(db, tasks, count, err), err);
}

static enum pen_job_task_status task_status_of(struct pen_slice name)
{
    if (pen_slice_is(name, task_status_names[PEN_JOB_TASK_DONE]))
        return PEN_JOB_TASK_DONE;
    return pen_slice_is(name, task_status_names[PEN_JOB_TASK_RUNNING]) ? PEN_JOB_TASK_RUNNING
                                                                       : PEN_JOB_TASK_WAITING;
}

static enum pen_code read_task(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    const int64_t *job_id = context;
    struct pen_job_task *task = item;
    *task = (struct pen_job_task){
        .job_id = *job_id,
        .task_index = pen_stmt_int(stmt, 0),
        .status = task_status_of(pen_stmt_text(stmt, 1)),
        .first_object = pen_stmt_int(stmt, 2),
        .object_count = pen_stmt_int(stmt, 3),
        .size_bytes = (uint64_t)pen_stmt_int(stmt, 4),
        .attempt = (int)pen_stmt_int(stmt, 5),
        .records = (uint64_t)pen_stmt_int(stmt, 6),
        .rejected = (uint64_t)pen_stmt_int(stmt, 7),
        .filtered = (uint64_t)pen_stmt_int(stmt, 8),
    };
    return pen_arena_text(arena, pen_stmt_text(stmt, 9), &task->rejects, err);
}

enum pen_code pen_job_tasks_get(struct pen_db *db, int64_t job_id, struct pen_arena *arena,
                                struct pen_job_task **ret_tasks, size_t *ret_count,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(
        db, &stmt, err,
        "SELECT task_index, status, first_object, object_count, size_bytes, "
        "attempt, records, rejected, filtered, rejects FROM job_task WHERE job_id = $1 "
        "ORDER BY task_index",
        "i", job_id));
    const struct pen_row_reader reader = {sizeof(struct pen_job_task), read_task, &job_id};
    return pen_stmt_list(stmt, &reader, arena, ret_tasks, ret_count, err);
}

static enum pen_code start_task(struct pen_db *db, int64_t job_id, int64_t task_index,
                                struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job_task SET status = 'running', attempt = attempt + 1 "
                       "WHERE job_id = $1 AND task_index = $2 AND status <> 'done'",
                       "ii", job_id, task_index));
    if (changes != 1)
        return pen_fail(err, PEN_ERR_CONFLICT, "task %lld of job %lld is done or does not exist",
                        (long long)task_index, (long long)job_id);
    return pen_db_run(db, NULL, err,
                      "UPDATE job_part SET state = 'garbage' WHERE job_id = $1 AND task_index = $2",
                      "ii", job_id, task_index);
}

enum pen_code pen_job_task_start(struct pen_db *db, int64_t job_id, int64_t task_index,
                                 struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, start_task(db, job_id, task_index, err), err);
}

static enum pen_code reset_tasks(struct pen_db *db, int64_t job_id, struct pen_error *err)
{
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE job_task SET status = 'waiting', records = 0, rejected = 0, "
                       "filtered = 0, rejects = '' WHERE job_id = $1",
                       "i", job_id));
    PEN_TRY(pen_db_run(db, NULL, err,
                       "DELETE FROM job_part_column WHERE part_id IN "
                       "(SELECT part_id FROM job_part WHERE job_id = $1)",
                       "i", job_id));
    return pen_db_run(db, NULL, err, "UPDATE job_part SET state = 'garbage' WHERE job_id = $1", "i",
                      job_id);
}

enum pen_code pen_job_tasks_reset(struct pen_db *db, int64_t job_id, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, reset_tasks(db, job_id, err), err);
}

/* --- parts -------------------------------------------------------------------------------------
 */

static enum pen_code insert_part(struct pen_db *db, int64_t job_id, int64_t task_index,
                                 const char *folder, const char *file_name, int64_t now_us,
                                 struct pen_error *err)
{
    int64_t part_id = 0;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(part_id) FROM job_part", &part_id, err));
    return pen_db_run(db, NULL, err,
                      "INSERT INTO job_part VALUES ($1, $2, $3, 'writing', $4, $5, $6, 0, 0, 0)",
                      "iiitti", part_id, job_id, task_index, folder, file_name, now_us);
}

enum pen_code pen_job_part_begin(struct pen_db *db, int64_t job_id, int64_t task_index,
                                 const char *folder, const char *file_name, int64_t now_us,
                                 struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    enum pen_code code = insert_part(db, job_id, task_index, folder, file_name, now_us, err);
    return pen_meta_leave(db, is_own, code, err);
}

static enum pen_code insert_part_column(struct pen_db *db, int64_t part_id, size_t index,
                                        const struct pen_part_column *column, struct pen_error *err)
{
    int64_t contains_nan = column->has_nan_info ? column->contains_nan : -1;
    return pen_db_run(db, NULL, err,
                      "INSERT INTO job_part_column VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                      "iiiiitti", part_id, (int64_t)index, (int64_t)column->value_count,
                      (int64_t)column->null_count, (int64_t)column->size_bytes, column->min,
                      column->max, contains_nan);
}

static enum pen_code part_written(struct pen_db *db, const struct pen_job_task *task,
                                  const struct pen_part *part, struct pen_error *err)
{
    int64_t part_id = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &part_id, &is_found, err,
                             "SELECT part_id FROM job_part WHERE job_id = $1 AND task_index = $2 "
                             "AND file_name = $3 AND state = 'writing'",
                             "iit", task->job_id, task->task_index, part->path));
    if (!is_found)
        return pen_fail(err, PEN_ERR_CONFLICT, "part '%s' was not begun by task %lld of job %lld",
                        part->path, (long long)task->task_index, (long long)task->job_id);
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE job_part SET state = 'written', row_count = $1, size_bytes = $2, "
                       "footer_bytes = $3 WHERE part_id = $4",
                       "iiii", (int64_t)part->rows, (int64_t)part->size_bytes,
                       (int64_t)part->footer_bytes, part_id));
    for (size_t i = 0; i < part->column_count; i++)
        PEN_TRY(insert_part_column(db, part_id, i, &part->columns[i], err));
    return PEN_OK;
}

static enum pen_code finish_task(struct pen_db *db, const struct pen_job_task *task,
                                 const struct pen_parts *parts,
                                 const struct pen_job_task_object *objects, size_t object_count,
                                 struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job_task SET status = 'done', records = $1, rejected = $2, "
                       "filtered = $3, rejects = $4 WHERE job_id = $5 AND task_index = $6 "
                       "AND status = 'running'",
                       "iiitii", (int64_t)task->records, (int64_t)task->rejected,
                       (int64_t)task->filtered, task->rejects == NULL ? "" : task->rejects,
                       task->job_id, task->task_index));
    if (changes != 1)
        return pen_fail(err, PEN_ERR_CONFLICT, "task %lld of job %lld is not running",
                        (long long)task->task_index, (long long)task->job_id);
    PEN_TRY(pen_db_run(db, NULL, err, "UPDATE job SET progress_attempt = attempt WHERE job_id = $1",
                       "i", task->job_id));
    for (size_t i = 0; i < parts->count; i++)
        PEN_TRY(part_written(db, task, &parts->parts[i], err));
    for (size_t i = 0; i < object_count; i++) {
        PEN_TRY(pen_db_run(db, &changes, err,
                           "UPDATE job_object SET row_count = $1, rejected = $2, filtered = $3, "
                           "plain_bytes = $4 WHERE job_id = $5 AND object_index = $6",
                           "iiiiii", (int64_t)objects[i].rows, (int64_t)objects[i].rejected,
                           (int64_t)objects[i].filtered, (int64_t)objects[i].plain_bytes,
                           task->job_id, objects[i].object_index));
        if (changes != 1)
            return pen_fail(err, PEN_ERR_CONFLICT, "job %lld has no object %lld",
                            (long long)task->job_id, (long long)objects[i].object_index);
    }
    return PEN_OK;
}

enum pen_code pen_job_task_done(struct pen_db *db, const struct pen_job_task *task,
                                const struct pen_parts *parts,
                                const struct pen_job_task_object *objects, size_t object_count,
                                struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    enum pen_code code = finish_task(db, task, parts, objects, object_count, err);
    return pen_meta_leave(db, is_own, code, err);
}

static enum pen_code read_part_column(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                      void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_part_column *column = item;
    int64_t contains_nan = pen_stmt_int(stmt, 5);
    *column = (struct pen_part_column){.value_count = (uint64_t)pen_stmt_int(stmt, 0),
                                       .null_count = (uint64_t)pen_stmt_int(stmt, 1),
                                       .size_bytes = (uint64_t)pen_stmt_int(stmt, 2),
                                       .has_nan_info = contains_nan >= 0,
                                       .contains_nan = contains_nan > 0};
    if (!pen_stmt_is_null(stmt, 3))
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &column->min, err));
    if (!pen_stmt_is_null(stmt, 4))
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 4), &column->max, err));
    return PEN_OK;
}

static enum pen_code read_part_columns(struct pen_db *db, int64_t part_id, struct pen_arena *arena,
                                       struct pen_part *part, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT value_count, null_count, size_bytes, min_value, max_value, "
                         "contains_nan FROM job_part_column WHERE part_id = $1 "
                         "ORDER BY column_index",
                         "i", part_id));
    static const struct pen_row_reader reader = {sizeof(struct pen_part_column), read_part_column,
                                                 NULL};
    return pen_stmt_list(stmt, &reader, arena, &part->columns, &part->column_count, err);
}

enum pen_code pen_job_parts_get(struct pen_db *db, int64_t job_id, struct pen_parts *ret_parts,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT part_id, file_name, row_count, size_bytes, footer_bytes "
                         "FROM job_part WHERE job_id = $1 AND state = 'written' "
                         "ORDER BY task_index, part_id",
                         "i", job_id));
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            return PEN_OK;
        PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
        struct pen_part part = {.rows = (uint64_t)pen_stmt_int(stmt, 2),
                                .size_bytes = (uint64_t)pen_stmt_int(stmt, 3),
                                .footer_bytes = (uint64_t)pen_stmt_int(stmt, 4)};
        part.path = pen_arena_copy(&arena, pen_stmt_text(stmt, 1));
        if (part.path == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(read_part_columns(db, pen_stmt_int(stmt, 0), &arena, &part, err));
        PEN_TRY(pen_parts_add(ret_parts, &part, err));
    }
}

/* --- the end of a plan -------------------------------------------------------------------------
 */

static enum pen_code delete_plan(struct pen_db *db, int64_t job_id, bool is_committed,
                                 struct pen_error *err)
{
    PEN_TRY(pen_db_run(db, NULL, err, "DELETE FROM job_object WHERE job_id = $1", "i", job_id));
    PEN_TRY(pen_db_run(db, NULL, err, "DELETE FROM job_task WHERE job_id = $1", "i", job_id));
    PEN_TRY(pen_db_run(db, NULL, err,
                       "DELETE FROM job_part_column WHERE part_id IN "
                       "(SELECT part_id FROM job_part WHERE job_id = $1)",
                       "i", job_id));
    if (is_committed)
        PEN_TRY(pen_db_run(db, NULL, err,
                           "DELETE FROM job_part WHERE job_id = $1 AND state = 'written'", "i",
                           job_id));
    return pen_db_run(db, NULL, err, "UPDATE job_part SET state = 'garbage' WHERE job_id = $1", "i",
                      job_id);
}

enum pen_code pen_job_plan_delete(struct pen_db *db, int64_t job_id, bool is_committed,
                                  struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, delete_plan(db, job_id, is_committed, err), err);
}

static enum pen_code read_garbage(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                  void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_garbage *garbage = item;
    garbage->part_id = pen_stmt_int(stmt, 0);
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &garbage->folder, err));
    return pen_arena_text(arena, pen_stmt_text(stmt, 2), &garbage->file_name, err);
}

enum pen_code pen_garbage_list(struct pen_db *db, size_t max, struct pen_arena *arena,
                               struct pen_garbage **ret_list, size_t *ret_count,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT part_id, folder, file_name FROM job_part "
                         "WHERE state = 'garbage' ORDER BY part_id LIMIT $1",
                         "i", (int64_t)max));
    static const struct pen_row_reader reader = {sizeof(struct pen_garbage), read_garbage, NULL};
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

enum pen_code pen_garbage_forget(struct pen_db *db, int64_t part_id, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "DELETE FROM job_part WHERE part_id = $1 AND state = 'garbage'", "i",
                      part_id);
}
