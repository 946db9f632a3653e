/* issue.c - a job from its creation to its end, in this process. */
#include "conf/load_config.h"
#include "meta/job_plan.h"
#include "run/job_run_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX_BYTES ((size_t)4 << 30)

/* Objects that are opened ahead of the ones being read. */
#define PREFETCH_WINDOW 16

static void job_run_release(struct pen_job_run *run)
{
    pen_monitor_stop(run);
    pen_prefetch_free(run->prefetch);
    pen_duck_close(run->duck);
    pen_rejects_release(&run->rejects);
    pen_parts_release(&run->parts);
    pen_plan_release(&run->plan);
    pen_conform_free(run->conform);
    pen_run_scope_close(&run->scope);
    pen_lake_close(run->lake);
    pen_arena_release(&run->arena);
    pen_job_log_close(&run->log);
}

enum pen_code pen_job_folder(const char *home, int64_t job_id, struct pen_buf *into,
                             struct pen_error *err)
{
    return pen_buf_addf(into, err, "%s/jobs/%" PRId64, home, job_id);
}

/* --- before the job: everything that a wrong word can break ------------------------------------
 */

static enum pen_code read_table(struct pen_job_run *run, struct pen_lake_txn *txn,
                                struct pen_schema *ret_schema, struct pen_error *err)
{
    const struct pen_issue_options *options = run->options;
    struct pen_lake_table table = {0};
    struct pen_error find_err = {0};
    enum pen_code code =
        pen_lake_table_find(txn, options->database, options->table, &run->arena, &table, &find_err);
    if (code == PEN_ERR_NOT_FOUND && options->auto_create_table)
        return PEN_OK;
    if (code != PEN_OK) {
        bool is_database = strncmp(find_err.message, "Database", 8) == 0;
        if (code == PEN_ERR_NOT_FOUND && is_database)
            pen_error_hint(&find_err,
                           "create it with 'penstock db:create %s', or add --auto-create-table",
                           options->database);
        else if (code == PEN_ERR_NOT_FOUND)
            pen_error_hint(&find_err,
                           "create it with 'penstock table:create %s %s', or add "
                           "--auto-create-table",
                           options->database, options->table);
        if (err != NULL)
            *err = find_err;
        return code;
    }
    run->table_id = table.table_id;
    for (size_t i = 0; i < table.column_count; i++)
        PEN_TRY(pen_schema_add(ret_schema, pen_slice_str(table.columns[i].source_name),
                               table.columns[i].type, NULL, err));
    return PEN_OK;
}

static enum pen_code make_conform(struct pen_job_run *run, struct pen_lake_txn *txn,
                                  struct pen_error *err)
{
    struct pen_load *load = run->scope.load;
    PEN_CLEANUP(pen_schema_clear) struct pen_schema table = {0};
    PEN_TRY(read_table(run, txn, &table, err));
    if (run->options->time_column != NULL) {
        load->out.time_column =
            pen_arena_copy(&run->arena, pen_slice_str(run->options->time_column));
        if (load->out.time_column == NULL)
            return pen_fail_nomem(err);
    }
    struct pen_conform_options options = {.in = load->schema,
                                          .table = &table,
                                          .out = &load->out,
                                          .upload_us = run->started_us,
                                          .bind = &run->env.bind};
    return pen_conform_new(&options, &run->conform, err);
}

static enum pen_code check_target(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(pen_lake_check_name("Database", pen_slice_str(run->options->database), err));
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(run->options->table), err));
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(run->lake, &txn, err));
    return make_conform(run, txn, err);
}

static unsigned core_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (unsigned)cores : 1;
}

static enum pen_code open_run(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_load_options options = {.started_us = run->started_us};
    PEN_TRY(pen_run_scope_open(&run->env, &options, &run->scope, err));
    struct pen_exec_options *exec = &run->scope.load->exec;
    if (exec->max_threads <= 0)
        exec->max_threads = core_count();
    PEN_TRY(pen_lake_open(run->env.home, PEN_DB_CREATE, &run->lake, err));
    return check_target(run, err);
}

/* --- the job ---------------------------------------------------------------------------------- */

static enum pen_code masked_config(struct pen_job_run *run, struct pen_buf *into,
                                   struct pen_error *err)
{
    struct pen_node *masked = NULL;
    PEN_TRY(pen_config_mask(run->env.config, &run->arena, &masked, err));
    return pen_tree_write_json(masked, false, into, err);
}

static enum pen_code create_job(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf config = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(masked_config(run, &config, err));
    struct pen_job job = {
        .type = "bulkload",
        .database = run->options->database,
        .table = run->options->table,
        .time_column = run->options->time_column,
        .config = config.ptr,
        .options = "",
        .created_us = run->started_us,
    };
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_job_create(db, &job, &run->job_id, err));
    run->result->job_id = run->job_id;
    run->result->status = PEN_JOB_QUEUED;
    if (run->options->on_job != NULL)
        run->options->on_job(run->options->context, run->job_id);
    PEN_TRY(pen_job_claim_one(db, run->job_id, run->owner, pen_now_us() + PEN_LEASE_US, err));
    PEN_TRY(pen_job_start(db, run->job_id, run->owner, pen_now_us(), err));
    run->result->status = PEN_JOB_RUNNING;
    return PEN_OK;
}

static enum pen_code make_folder(const char *path, struct pen_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return PEN_OK;
    return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", path);
}

static void on_reject(void *context, const struct pen_reject *reject)
{
    struct pen_job_run *run = context;
    pen_job_log_reject(&run->log, reject);
    if (run->options->on_reject != NULL)
        run->options->on_reject(run->options->context, reject);
}

static enum pen_code open_folder(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s/jobs", run->env.home));
    PEN_TRY(make_folder(path.ptr, err));
    pen_buf_clear(&path);
    PEN_TRY(pen_job_folder(run->env.home, run->job_id, &path, err));
    PEN_TRY(make_folder(path.ptr, err));
    PEN_TRY(pen_job_log_open(&run->log, path.ptr, err));
    PEN_TRY(pen_buf_add_str(&path, "/rejects.jsonl", err));
    struct pen_rejects_options options = {
        .path = pen_arena_copy(&run->arena, pen_buf_slice(&path)),
        .max_file_bytes = run->scope.load->exec.max_reject_file_bytes,
        .max_records = run->scope.load->exec.max_rejected_records,
        .on_reject = on_reject,
        .context = run,
    };
    if (options.path == NULL)
        return pen_fail_nomem(err);
    return pen_rejects_init(&run->rejects, &options, err);
}

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
        PEN_TRY(pen_job_objects_add(db, run->job_id, page, count, err));
    }
    return PEN_OK;
}

static enum pen_code store_plan_in(struct pen_job_run *run, struct pen_db *db,
                                   struct pen_error *err)
{
    PEN_TRY(store_objects(run, db, err));
    for (size_t i = 0; i < run->plan.task_count; i++) {
        const struct pen_plan_task *planned = &run->plan.tasks[i];
        struct pen_job_task task = {.job_id = run->job_id,
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

static enum pen_code make_plan(struct pen_job_run *run, struct pen_error *err)
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

static enum pen_code create_database(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct pen_job_run *run = context;
    struct pen_lake_database database = {0};
    enum pen_code code =
        pen_lake_database_find(txn, run->options->database, &run->arena, &database, err);
    if (code != PEN_ERR_NOT_FOUND)
        return code;
    run->result->is_database_created = true;
    return pen_lake_database_create(txn, run->options->database, err);
}

static enum pen_code make_layout(struct pen_job_run *run, struct pen_error *err)
{
    if (run->options->auto_create_table)
        PEN_TRY(pen_lake_transact(run->lake, NULL, create_database, run, NULL, err));
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(run->lake, &txn, err));
    struct pen_lake_wish wish = {.database = run->options->database,
                                 .table = run->options->table,
                                 .schema = &run->conform->schema,
                                 .may_create = run->options->auto_create_table};
    return pen_lake_layout(txn, &wish, &run->arena, &run->layout, err);
}

static enum pen_code log_start(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_conform_describe_time(run->conform, run->scope.load->schema, &text, err));
    pen_run_log(&run->env, "info", "%s", text.ptr);
    pen_run_log(&run->env, "info", "loading %zu objects (%" PRIu64 " bytes) in %zu tasks",
                run->plan.object_count, run->plan.size_bytes, run->plan.task_count);
    return PEN_OK;
}

static enum pen_code run_job(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(open_folder(run, err));
    PEN_TRY(pen_monitor_start(run, err));
    PEN_TRY(make_plan(run, err));
    PEN_TRY(make_layout(run, err));
    PEN_TRY(log_start(run, err));
    struct pen_duck_options duck = {.threads = (unsigned)run->scope.load->exec.max_threads};
    if (run->plan.task_count > 0)
        PEN_TRY(pen_duck_open(&duck, &run->duck, err));
    PEN_TRY(pen_prefetch_new(run->scope.load->source, run->plan.objects, run->plan.object_count,
                             PREFETCH_WINDOW, &run->prefetch, err));
    PEN_TRY(pen_job_run_tasks(run, err));
    pen_run_log(&run->env, "debug", "tasks done: %" PRIu64 " rows in %zu parts", run->totals.loaded,
                run->parts.count);
    uint64_t replaced = atomic_load(&run->progress.replaced);
    if (replaced > 0)
        pen_run_log(&run->env, "warn",
                    "%" PRIu64 " malformed characters became U+FFFD: is parser.charset right?",
                    replaced);
    /* from here on the job is this thread's alone: a heartbeat may not meet its end */
    pen_monitor_stop(run);
    if (run->cancel != 0)
        return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
    return pen_job_run_commit(run, err);
}

/* --- the way back ----------------------------------------------------------------------------- */

static void mark_failed(struct pen_job_run *run, enum pen_code failure,
                        const struct pen_error *failed)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    enum pen_code told =
        pen_buf_addf(&text, NULL, "%s%s%s%s%s", failed->where, failed->where[0] != '\0' ? ": " : "",
                     failed->message, failed->hint[0] != '\0' ? "; " : "", failed->hint);
    (void)told; /* without memory the text is missing, the status is not */
    struct pen_job_end end = {
        .status = failure == PEN_ERR_CANCELLED ? PEN_JOB_KILLED : PEN_JOB_ERROR,
        .now_us = pen_now_us(),
        .counts = pen_job_run_counts(run),
        .snapshot_id = -1,
        .error = text.ptr,
    };
    end.counts.records = 0; /* nothing was committed */
    struct pen_db *db = pen_lake_db(run->lake);
    struct pen_error err = {0};
    enum pen_code code = pen_job_finish(db, run->job_id, run->owner, &end, &err);
    if (code == PEN_OK)
        code = pen_job_plan_delete(db, run->job_id, false, &err);
    if (code != PEN_OK)
        pen_run_log(&run->env, "warn", "the job's end could not be noted: %s", err.message);
    run->result->status = end.status;
    run->result->counts = end.counts;
}

static void name_the_reason(struct pen_job_run *run, struct pen_error *err)
{
    if (atomic_load(&run->is_lease_lost))
        (void)pen_fail(err, PEN_ERR_CONFLICT, "another process took job %" PRId64 " over",
                       run->job_id);
    else if (atomic_load(&run->is_kill_requested))
        (void)pen_fail(err, PEN_ERR_CANCELLED, "job %" PRId64 " was killed", run->job_id);
    else
        (void)pen_fail(err, PEN_ERR_CANCELLED, "job %" PRId64 " was stopped", run->job_id);
}

static void copy_reject_counts(struct pen_job_run *run)
{
    run->result->reject_count = run->rejects.count;
    memcpy(run->result->reject_counts, run->rejects.counts, sizeof run->rejects.counts);
}

static void say_committed(struct pen_job_run *run)
{
    char snapshot[64] = "committed without a new snapshot";
    if (run->result->snapshot_id >= 0)
        (void)snprintf(snapshot, sizeof snapshot, "committed snapshot %" PRId64, /* fits */
                       run->result->snapshot_id);
    pen_run_log(&run->env, "info",
                "%s: %" PRIu64 " rows loaded, %" PRIu64 " rejected, %" PRIu64 " filtered out",
                snapshot, run->totals.loaded, run->totals.rejected, run->totals.filtered);
}

static enum pen_code run_created_job(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_error failed = {0};
    enum pen_code code = run_job(run, &failed);
    pen_monitor_stop(run);
    copy_reject_counts(run);
    if (code == PEN_OK) {
        run->result->status = PEN_JOB_SUCCESS;
        say_committed(run);
        return PEN_OK;
    }
    if (code == PEN_ERR_CANCELLED)
        name_the_reason(run, &failed);
    pen_prefetch_free(run->prefetch);
    run->prefetch = NULL;
    pen_job_log_error(&run->log, &failed);
    if (!atomic_load(&run->is_lease_lost))
        mark_failed(run, code, &failed);
    pen_job_run_sweep(run);
    if (err != NULL)
        *err = failed;
    return failed.code;
}

static void make_owner(struct pen_job_run *run)
{
    char host[48] = "";
    (void)gethostname(host, sizeof host - 1); /* only a name in the metadata */
    (void)snprintf(run->owner, sizeof run->owner, "%s:%ld:%" PRId64, host, (long)getpid(),
                   run->started_us);
}

static enum pen_code issue(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(open_run(run, err));
    /* what a killed process left: its job ends here, and its parts go */
    PEN_TRY(pen_job_reclaim(pen_lake_db(run->lake), pen_now_us(), false, NULL, err));
    pen_job_run_sweep(run);
    PEN_TRY(create_job(run, err));
    return run_created_job(run, err);
}

enum pen_code pen_run_issue(const struct pen_run_env *env, const struct pen_issue_options *options,
                            struct pen_issue_result *ret_result, struct pen_error *err)
{
    struct pen_job_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return pen_fail_nomem(err);
    *ret_result = (struct pen_issue_result){.snapshot_id = -1, .status = PEN_JOB_ERROR};
    run->env = *env;
    run->caller_cancel = env->cancel;
    run->env.cancel = &run->cancel;
    run->log = (struct pen_job_log){.forward = env->log, .forward_context = env->log_context};
    run->env.log = pen_job_log_write;
    run->env.log_context = &run->log;
    run->options = options;
    run->result = ret_result;
    run->arena = PEN_ARENA(ARENA_MAX_BYTES);
    run->parts.arena = PEN_ARENA(ARENA_MAX_BYTES);
    run->started_us = pen_now_us();
    run->started_monotonic_us = pen_monotonic_us();
    make_owner(run);
    enum pen_code code = issue(run, err);
    ret_result->elapsed_us = pen_monotonic_us() - run->started_monotonic_us;
    job_run_release(run);
    free(run);
    return code;
}
