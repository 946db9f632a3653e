/* job_execute.c - a job from the queue to its end, in this process. */
#include "meta/job_plan.h"
#include "meta/schedule.h"
#include "run/config_overlay.h"
#include "run/job_run_internal.h"
#include "run/query_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Objects that are opened ahead of the ones being read. */
#define PREFETCH_WINDOW 16

enum pen_code pen_job_folder(const char *home, int64_t job_id, struct pen_buf *into,
                             struct pen_error *err)
{
    return pen_buf_addf(into, err, "%s/jobs/%" PRId64, home, job_id);
}

/* --- the job ---------------------------------------------------------------------------------- */

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
    PEN_TRY(pen_job_folder(run->env.home, run->job.job_id, &path, err));
    PEN_TRY(make_folder(path.ptr, err));
    return pen_job_log_open(&run->log, path.ptr, err);
}

static enum pen_code open_rejects(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_job_folder(run->env.home, run->job.job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/rejects.jsonl", err));
    struct pen_rejects_options options = {
        .path = pen_arena_copy(&run->arena, pen_buf_slice(&path)),
        .max_file_bytes = run->scope.load->exec.max_reject_file_bytes,
        .max_records = run->scope.load->exec.max_rejected_records,
        .relocate = run->job.replay_of != 0 ? pen_job_run_relocate : NULL,
        .on_reject = on_reject,
        .context = run,
    };
    if (options.path == NULL)
        return pen_fail_nomem(err);
    PEN_CLEANUP(pen_free_p) struct pen_rejects_mark *mark = malloc(sizeof *mark);
    bool has_mark = false;
    if (mark == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_restore(run, mark, &has_mark, err));
    options.resumed = has_mark ? mark : NULL;
    return pen_rejects_init(&run->rejects, &options, err);
}

static enum pen_code create_database(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct pen_job_run *run = context;
    struct pen_lake_database database = {0};
    enum pen_code code =
        pen_lake_database_find(txn, run->job.database, &run->arena, &database, err);
    if (code != PEN_ERR_NOT_FOUND)
        return code;
    run->result->is_database_created = true;
    return pen_lake_database_create(txn, run->job.database, err);
}

static enum pen_code make_layout(struct pen_job_run *run, struct pen_error *err)
{
    if (run->words.auto_create_table)
        PEN_TRY(pen_lake_transact(run->lake, NULL, create_database, run, NULL, err));
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(run->lake, &txn, err));
    struct pen_lake_wish wish = {.database = run->job.database,
                                 .table = run->job.table,
                                 .schema = &run->conform->schema,
                                 .may_create = run->words.auto_create_table};
    return pen_lake_layout(txn, &wish, &run->arena, &run->layout, err);
}

static enum pen_code log_start(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_conform_describe_time(run->conform, run->scope.load->schema, &text, err));
    PEN_SAY(&run->env, "info", "%s", text.ptr);
    if (run->job.attempt > 1)
        PEN_SAY(&run->env, "info", "attempt %d of this job: the one before did not end",
                run->job.attempt);
    PEN_SAY(&run->env, "info", "loading %zu objects (%" PRIu64 " bytes) in %zu tasks",
            run->plan.object_count, run->plan.size_bytes, run->plan.task_count);
    return PEN_OK;
}

static enum pen_code renew_config(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_job_texts_release) struct pen_job_texts texts = {.run = NULL};
    PEN_TRY(pen_job_texts_make(run, &texts, err));
    return pen_job_renew(pen_lake_db(run->lake), &run->job, run->owner, err);
}

/* A schedule's job that waited for the one before begins where that one ended, not where the
 * schedule stood when it was queued: its objects would come twice. */
static enum pen_code catch_up(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_schedule schedule = {0};
    struct pen_error find_err = {0};
    if (run->job.schedule == NULL || run->position != NULL) /* a plan has its objects already */
        return PEN_OK;
    enum pen_code code = pen_schedule_get(pen_lake_db(run->lake), run->job.schedule, &run->arena,
                                          &schedule, &find_err);
    if (code == PEN_ERR_NOT_FOUND)
        return PEN_OK;
    if (code != PEN_OK && err != NULL)
        *err = find_err;
    PEN_TRY(code);
    struct pen_node *config = pen_node_copy(run->env.config, &run->arena);
    if (config == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_config_overlay(config, schedule.config_diff, &run->arena, err));
    if (pen_node_equal(config, run->env.config))
        return PEN_OK;
    run->env.config = config;
    return renew_config(run, err);
}

/* The job's own configuration; or the one that replaces it. */
static enum pen_code read_config(struct pen_job_run *run, struct pen_error *err)
{
    if (run->env.config != NULL)
        return renew_config(run, err);
    PEN_TRY(pen_job_words_read(run->job.options, &run->arena, &run->words, err));
    run->env.folder = run->words.folder;
    PEN_TRY(pen_job_run_unseal(run, err));
    return catch_up(run, err);
}

static enum pen_code run_load(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(read_config(run, err));
    PEN_TRY(pen_job_run_setup(run, err));
    PEN_TRY(pen_job_run_plan(run, err));
    PEN_TRY(make_layout(run, err));
    PEN_TRY(pen_job_run_settle_layout(run, err));
    PEN_TRY(open_rejects(run, err));
    PEN_TRY(log_start(run, err));
    PEN_TRY(pen_job_run_open_engine(run, err));
    PEN_TRY(pen_prefetch_new(run->scope.load->source, run->plan.objects, run->plan.object_count,
                             PREFETCH_WINDOW, &run->prefetch, err));
    PEN_TRY(pen_job_run_tasks(run, err));
    PEN_SAY(&run->env, "debug", "tasks done: %" PRIu64 " rows in %zu parts", run->totals.loaded,
            run->parts.count);
    uint64_t replaced = atomic_load(&run->progress.replaced);
    if (replaced > 0)
        PEN_SAY(&run->env, "warn",
                "%" PRIu64 " malformed characters became U+FFFD: is parser.charset right?",
                replaced);
    /* from here on the job is this thread's alone: a heartbeat may not meet its end */
    pen_monitor_stop(run);
    if (run->cancel != 0)
        return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
    return pen_job_run_commit(run, err);
}

static enum pen_code run_job(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(open_folder(run, err));
    PEN_TRY(pen_monitor_start(run, err));
    if (pen_query_is_query(run->job.type))
        return pen_job_run_query(run, err);
    for (int retry = 1;; retry++) {
        *err = (struct pen_error){.code = PEN_OK};
        if (run_load(run, err) == PEN_OK)
            return PEN_OK;
        if (!pen_job_run_retry(run, retry, err))
            return err->code;
    }
}

/* --- the way back ----------------------------------------------------------------------------- */

/* The end and the plan's end are one. */
static enum pen_code note_end(struct pen_job_run *run, const struct pen_job_end *end,
                              struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = pen_job_finish(db, run->job.job_id, run->owner, end, err);
    if (code == PEN_OK)
        code = pen_job_plan_delete(db, run->job.job_id, false, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

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
    struct pen_error err = {0};
    if (note_end(run, &end, &err) != PEN_OK)
        PEN_SAY(&run->env, "warn", "the job's end could not be noted: %s", err.message);
    run->result->status = end.status;
    run->result->counts = end.counts;
}

static void name_the_reason(struct pen_job_run *run, struct pen_error *err)
{
    if (atomic_load(&run->is_lease_lost))
        (void)pen_fail(err, PEN_ERR_CONFLICT, "another process took job %" PRId64 " over",
                       run->job.job_id);
    else if (atomic_load(&run->is_kill_requested))
        (void)pen_fail(err, PEN_ERR_CANCELLED, "job %" PRId64 " was killed", run->job.job_id);
    else
        (void)pen_fail(err, PEN_ERR_CANCELLED, "job %" PRId64 " was stopped", run->job.job_id);
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
    PEN_SAY(&run->env, "info",
            "%s: %" PRIu64 " rows loaded, %" PRIu64 " rejected, %" PRIu64 " filtered out", snapshot,
            run->totals.loaded, run->totals.rejected, run->totals.filtered);
}

static bool is_given_back(const struct pen_job_run *run, enum pen_code code)
{
    return code == PEN_ERR_CANCELLED && run->options->is_given_back &&
           !atomic_load(&run->is_kill_requested) && !atomic_load(&run->is_lease_lost);
}

static enum pen_code give_back(struct pen_job_run *run)
{
    struct pen_error err = {0};
    enum pen_code code = pen_job_release(pen_lake_db(run->lake), run->job.job_id, run->owner, &err);
    if (code == PEN_OK) {
        run->result->status = PEN_JOB_QUEUED;
        PEN_SAY(&run->env, "info", "the job waits in the queue again");
    } else
        PEN_SAY(&run->env, "warn", "the job cannot be given back: %s", err.message);
    return code;
}

static enum pen_code run_to_its_end(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_error failed = {0};
    enum pen_code code = run_job(run, &failed);
    pen_monitor_stop(run);
    copy_reject_counts(run);
    run->result->plain_bytes = atomic_load(&run->progress.plain_bytes);
    if (code == PEN_OK) {
        run->result->status = PEN_JOB_SUCCESS;
        if (!pen_query_is_query(run->job.type))
            say_committed(run);
        if (run->result->is_resumed)
            pen_job_run_sweep(run); /* what the attempts before had begun */
        return PEN_OK;
    }
    pen_prefetch_free(run->prefetch);
    run->prefetch = NULL;
    if (is_given_back(run, code) && give_back(run) == PEN_OK) {
        (void)pen_fail(err, PEN_ERR_CANCELLED, "job %" PRId64 " waits in the queue again",
                       run->job.job_id);
        return PEN_ERR_CANCELLED;
    }
    if (code == PEN_ERR_CANCELLED || atomic_load(&run->is_lease_lost))
        name_the_reason(run, &failed);
    pen_job_log_error(&run->log, &failed);
    if (!atomic_load(&run->is_lease_lost))
        mark_failed(run, code, &failed);
    pen_job_run_sweep(run);
    if (err != NULL)
        *err = failed;
    return failed.code;
}

/* --- from the queue --------------------------------------------------------------------------- */

static enum pen_code claim(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    int64_t lease_until_us = pen_now_us() + PEN_LEASE_US, job_id = run->options->job_id;
    if (job_id == 0)
        PEN_TRY(pen_job_claim(db, run->owner, lease_until_us, &job_id, err));
    else
        PEN_TRY(pen_job_claim_one(db, job_id, run->owner, lease_until_us, err));
    run->job.job_id = job_id;
    return PEN_OK;
}

/* The job is this run's: what its row says. */
static enum pen_code begin(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    int64_t job_id = run->job.job_id;
    PEN_TRY(pen_job_start(db, job_id, run->owner, pen_now_us(), err));
    PEN_TRY(pen_job_get(db, job_id, &run->arena, &run->job, err));
    run->started_us = run->job.started_us;
    if (run->job.position != NULL && run->job.position[0] != '\0')
        run->position = run->job.position;
    run->result->job_id = job_id;
    run->result->status = PEN_JOB_RUNNING;
    run->result->is_resumed = run->job.attempt > 1;
    if (run->options->on_job != NULL)
        run->options->on_job(run->options->context, job_id);
    return PEN_OK;
}

enum pen_code pen_job_run_execute(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(begin(run, err));
    enum pen_code code = run_to_its_end(run, err);
    run->result->elapsed_us = pen_monotonic_us() - run->started_monotonic_us;
    return code;
}

enum pen_code pen_run_execute(const struct pen_run_env *env,
                              const struct pen_execute_options *options,
                              struct pen_run_result *ret_result, struct pen_error *err)
{
    struct pen_run_env own = *env;
    *ret_result = (struct pen_run_result){.snapshot_id = -1, .status = PEN_JOB_QUEUED};
    own.config = NULL;
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(&own, options, ret_result);
    if (run == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_open(run, err));
    PEN_TRY(claim(run, err));
    return run->job.job_id == 0 ? PEN_OK : pen_job_run_execute(run, err);
}
