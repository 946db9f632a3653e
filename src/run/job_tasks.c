/* job_tasks.c - tasks into parts: plan's task --task stream--> part, noted before and after. */
#include "meta/job_plan.h"
#include "meta/part_note.h"
#include "parquet/parquet.h"
#include "run/job_run_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One attempt of one task. */
struct attempt {
    struct pen_job_run *run;
    const struct pen_plan_task *planned;
    size_t task_index;
    struct pen_account account;
    struct pen_task *task;
    struct pen_parts parts;
    char file_name[PEN_PART_NAME];  /* of the part that is noted next */
    char whole_name[PEN_PART_NAME]; /* of the part that was cut into others; "" for none */
    struct pen_part_field *columns;
    struct pen_buf rejects; /* state of the rejects file behind it */
};

static void attempt_release(struct attempt *attempt)
{
    pen_task_free(attempt->task);
    pen_account_release(&attempt->account);
    pen_buf_release(&attempt->rejects);
    pen_parts_release(&attempt->parts);
}

static enum pen_code write_part(struct attempt *attempt, struct pen_error *err)
{
    struct pen_job_run *run = attempt->run;
    const struct pen_lake_layout *layout = &run->layout;
    struct pen_part_field *columns =
        pen_arena_alloc(&attempt->parts.arena, (layout->target_count + 1) * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < layout->target_count; i++)
        columns[i] = (struct pen_part_field){.field_id = layout->targets[i].column_id,
                                             .name = layout->targets[i].name,
                                             .sql_type = layout->targets[i].sql_type};
    attempt->columns = columns;
    const struct pen_lake_target *time = pen_job_time_target(run);
    struct pen_part_options options = {
        .folder = layout->folder,
        .file_name = attempt->file_name,
        .columns = columns,
        .compression = (enum pen_part_compression)run->scope.load->out.compression,
        .order_by = time == NULL ? NULL : time->name,
        .cancel = &run->cancel,
    };
    struct pen_task_stream *stream = pen_task_stream(attempt->task);
    if (pen_parquet_can_write(&options, layout->target_count))
        return pen_parquet_write_part(stream, &options, &attempt->parts, err);
    return pen_duck_write_part(run->duck, stream, &options, &attempt->parts, err);
}

static uint64_t rows_in_parts(const struct pen_parts *parts)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < parts->count; i++)
        rows += parts->parts[i].rows;
    return rows;
}

/* Only columns of types that are not ours (made by other programs: date, decimal ...) lose values:
 * the file's writer casts to them. */
static void warn_of_losses(const struct attempt *attempt)
{
    struct pen_job_run *run = attempt->run;
    for (size_t p = 0; p < attempt->parts.count; p++) {
        const struct pen_part *part = &attempt->parts.parts[p];
        for (size_t c = 0; c < part->column_count; c++)
            if (part->columns[c].lost_count > 0)
                PEN_SAY(&run->env, "warn",
                        "column '%s': %llu values did not fit the table's type %s and are null",
                        run->layout.targets[c].name,
                        (unsigned long long)part->columns[c].lost_count,
                        run->layout.targets[c].type_text);
    }
    const struct pen_load *load = run->scope.load;
    for (size_t i = 0; i < load->filter_count; i++) {
        uint64_t nulled = pen_task_nulled(attempt->task, i);
        if (nulled > 0)
            PEN_SAY(&run->env, "warn",
                    "filter %s: %" PRIu64 " values could not be read and are null",
                    load->filters[i]->type->info.name, nulled);
    }
}

/* Whatever tasks write into the metadata they write only while the job is theirs. */
static enum pen_code write_held(struct attempt *attempt,
                                enum pen_code (*write)(struct attempt *attempt, struct pen_db *db,
                                                       struct pen_error *err),
                                struct pen_error *err)
{
    struct pen_job_run *run = attempt->run;
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = pen_job_hold(db, run->job.job_id, run->owner, err);
    if (code == PEN_ERR_CONFLICT)
        atomic_store(&run->is_lease_lost, true);
    if (code == PEN_OK)
        code = write(attempt, db, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

static enum pen_code note_begin(struct attempt *attempt, struct pen_db *db, struct pen_error *err)
{
    struct pen_job_run *run = attempt->run;
    int64_t job_id = run->job.job_id, task_index = (int64_t)attempt->task_index;
    PEN_TRY(pen_job_task_start(db, job_id, task_index, err));
    return pen_job_part_begin(db, job_id, task_index, run->layout.folder, attempt->file_name,
                              pen_now_us(), err);
}

static enum pen_code note_further(struct attempt *attempt, struct pen_db *db, struct pen_error *err)
{
    struct pen_job_run *run = attempt->run;
    return pen_job_part_begin(db, run->job.job_id, (int64_t)attempt->task_index, run->layout.folder,
                              attempt->file_name, pen_now_us(), err);
}

static enum pen_code note_cut(void *context, const char *file_name, struct pen_error *err)
{
    struct attempt *attempt = context;
    if (attempt->whole_name[0] == '\0')
        memcpy(attempt->whole_name, attempt->file_name, sizeof attempt->whole_name);
    (void)snprintf(attempt->file_name, sizeof attempt->file_name, "%s", file_name); /* fits */
    return write_held(attempt, note_further, err);
}

static enum pen_code note_done(struct attempt *attempt, struct pen_db *db, struct pen_error *err)
{
    struct pen_job_run *run = attempt->run;
    size_t count = attempt->planned->count;
    PEN_CLEANUP(pen_free_p)
    struct pen_job_task_object *objects = calloc(count + 1, sizeof *objects);
    if (objects == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const struct pen_object_account *account = &attempt->account.objects[i];
        objects[i] = (struct pen_job_task_object){
            .object_index = (int64_t)(attempt->planned->first + i),
            .rows = atomic_load(&account->loaded),
            .rejected = atomic_load(&account->rejected),
            .filtered = atomic_load(&account->filtered),
        };
    }
    struct pen_account_totals totals = pen_account_sum(&attempt->account);
    struct pen_job_task done = {
        .job_id = run->job.job_id,
        .task_index = (int64_t)attempt->task_index,
        .status = PEN_JOB_TASK_DONE,
        .first_object = (int64_t)attempt->planned->first,
        .object_count = (int64_t)count,
        .size_bytes = attempt->planned->size_bytes,
        .records = totals.loaded,
        .rejected = totals.rejected,
        .filtered = totals.filtered,
        .rejects = attempt->rejects.ptr,
    };
    PEN_TRY(pen_job_task_done(db, &done, &attempt->parts, objects, count, err));
    return attempt->whole_name[0] == '\0'
               ? PEN_OK
               : pen_part_drop(db, run->job.job_id, attempt->whole_name, err);
}

static void add_totals(struct attempt *attempt)
{
    struct pen_account_totals *all = &attempt->run->totals;
    struct pen_account_totals totals = pen_account_sum(&attempt->account);
    all->records += totals.records;
    all->loaded += totals.loaded;
    all->rejected += totals.rejected;
    all->filtered += totals.filtered;
}

static enum pen_code run_attempt(struct attempt *attempt, struct pen_error *err)
{
    struct pen_job_run *run = attempt->run;
    const struct pen_plan_task *planned = attempt->planned;
    PEN_TRY(pen_account_init(&attempt->account, planned->first, planned->count, err));
    struct pen_task_options options = {
        .load = run->scope.load,
        .conform = run->conform,
        .prefetch = run->prefetch,
        .objects = run->plan.objects,
        .first = planned->first,
        .count = planned->count,
        .rejects = &run->rejects,
        .account = &attempt->account,
        .progress = &run->progress,
        .worker_count = (unsigned)run->scope.load->exec.max_threads,
        .cancel = &run->cancel,
    };
    PEN_TRY(pen_task_new(&options, &attempt->task, err));
    PEN_TRY(write_part(attempt, err));
    warn_of_losses(attempt);
    PEN_TRY(pen_job_cut_part(run, attempt->columns, note_cut, attempt, &attempt->parts, err));
    PEN_TRY(pen_task_check(attempt->task, err));
    PEN_TRY(pen_account_check(&attempt->account, rows_in_parts(&attempt->parts), err));
    PEN_TRY(pen_rejects_save(&run->rejects, &attempt->rejects, err));
    PEN_TRY(write_held(attempt, note_done, err));
    add_totals(attempt);
    return PEN_OK;
}

/* The figures of an attempt that failed must not stay in the progress line. */
struct progress_mark {
    uint64_t stored_bytes, rows, rejected, objects, replaced;
};

static struct progress_mark mark_progress(const struct pen_progress *p)
{
    return (struct progress_mark){atomic_load(&p->stored_bytes), atomic_load(&p->rows),
                                  atomic_load(&p->rejected), atomic_load(&p->objects),
                                  atomic_load(&p->replaced)};
}

static void rewind_progress(struct pen_progress *p, const struct progress_mark *mark)
{
    atomic_store(&p->stored_bytes, mark->stored_bytes);
    atomic_store(&p->rows, mark->rows);
    atomic_store(&p->rejected, mark->rejected);
    atomic_store(&p->objects, mark->objects);
    atomic_store(&p->replaced, mark->replaced);
}

static enum pen_code try_once(struct pen_job_run *run, size_t task_index, struct pen_error *err)
{
    struct attempt attempt = {.run = run,
                              .planned = &run->plan.tasks[task_index],
                              .task_index = task_index,
                              .parts = {.arena = PEN_ARENA(SIZE_MAX / 2)},
                              .rejects = PEN_BUF(PEN_BUF_TEXT_MAX)};
    pen_part_name(attempt.file_name);
    PEN_TRY(write_held(&attempt, note_begin, err));
    struct progress_mark progress = mark_progress(&run->progress);
    PEN_CLEANUP(pen_free_p)
    struct pen_rejects_mark *rejects = malloc(sizeof *rejects);
    if (rejects == NULL)
        return pen_fail_nomem(err);
    pen_rejects_mark(&run->rejects, rejects);
    int64_t started_us = pen_monotonic_us();
    enum pen_code code = run_attempt(&attempt, err);
    if (code == PEN_OK)
        PEN_SAY(&run->env, "debug", "task %zu done: %zu objects, %" PRIu64 " rows, %" PRId64 " ms",
                task_index, attempt.planned->count, rows_in_parts(&attempt.parts),
                (pen_monotonic_us() - started_us) / 1000);
    attempt_release(&attempt);
    if (code == PEN_OK || err == NULL || !err->is_retryable)
        return code; /* rejects stay: they may be why it failed */
    rewind_progress(&run->progress, &progress);
    PEN_TRY(pen_rejects_rewind(&run->rejects, rejects, NULL));
    return code;
}

static enum pen_code run_task(struct pen_job_run *run, size_t task_index, struct pen_error *err)
{
    int64_t retries = run->scope.load->exec.task_retries;
    for (int64_t n = 0;; n++) {
        struct pen_error attempt_err = {0};
        enum pen_code code = try_once(run, task_index, &attempt_err);
        if (code == PEN_OK)
            return PEN_OK;
        bool may_retry = attempt_err.is_retryable && n < retries && run->cancel == 0;
        if (!may_retry) {
            if (err != NULL)
                *err = attempt_err;
            return code;
        }
        PEN_SAY(&run->env, "warn", "task %zu failed, retrying %" PRId64 "/%" PRId64 ": %s",
                task_index, n + 1, retries, attempt_err.message);
    }
}

enum pen_code pen_job_run_tasks(struct pen_job_run *run, struct pen_error *err)
{
    for (size_t i = 0; i < run->plan.task_count; i++) {
        if (run->caller_cancel != NULL && *run->caller_cancel != 0)
            run->cancel = 1; /* small tasks end before the monitor looks */
        if (run->cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
        if (pen_job_run_is_done(run, i))
            continue;
        PEN_TRY(run_task(run, i, err));
    }
    PEN_TRY(pen_rejects_close(&run->rejects, err));
    PEN_TRY(pen_job_parts_get(pen_lake_db(run->lake), run->job.job_id, &run->parts, err));
    run->result->parts = run->parts.count;
    for (size_t i = 0; i < run->parts.count; i++)
        run->result->part_bytes += run->parts.parts[i].size_bytes;
    return PEN_OK;
}

static void remove_garbage(struct pen_job_run *run, const struct pen_garbage *garbage)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_error err = {0};
    enum pen_code code = pen_buf_addf(&path, &err, "%s%s", garbage->folder, garbage->file_name);
    if (code == PEN_OK && unlink(path.ptr) != 0 && errno != ENOENT)
        code = pen_fail_errno(&err, PEN_ERR_IO, errno, "cannot remove '%s'", path.ptr);
    if (code == PEN_OK)
        code = pen_garbage_forget(pen_lake_db(run->lake), garbage->part_id, &err);
    if (code != PEN_OK)
        PEN_SAY(&run->env, "warn", "%s", err.message);
}

void pen_job_run_sweep(struct pen_job_run *run)
{
    struct pen_garbage *list = NULL;
    size_t count = 0;
    struct pen_error err = {0};
    if (pen_garbage_list(pen_lake_db(run->lake), 10000, &run->arena, &list, &count, &err) != PEN_OK)
        PEN_SAY(&run->env, "warn", "%s", err.message);
    for (size_t i = 0; i < count; i++)
        remove_garbage(run, &list[i]);
}
