/* job_recover.c - jobs of processes that died: found, queued again, gone on with.
 *
 *     pen_run_recover     leases --> queue or end; files that nothing refers to go
 *     pen_run_unfinished  what waits in the queue and was begun
 *     pen_run_issue       goes on with the same load, else makes a new job */
#include "run/job_run_internal.h"

#include <inttypes.h>

/* --- recover ---------------------------------------------------------------------------------- */

static void say_reclaimed(const struct pen_job_run *run, const struct pen_job_reclaimed *job)
{
    char name[PEN_JOB_OWNER_TEXT];
    const char *fate = job->status == PEN_JOB_QUEUED   ? "it is queued again"
                       : job->status == PEN_JOB_KILLED ? "it is killed, as was asked"
                                                       : "it ended as error";
    PEN_SAY(&run->env, job->status == PEN_JOB_QUEUED ? "info" : "warn",
            "job %" PRId64 " (attempt %d): its process %s is gone, %s", job->job_id, job->attempt,
            pen_job_owner_name(job->owner, name), fate);
}

static enum pen_code recover(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    struct pen_job_reclaimed *list = NULL;
    int64_t held = 0;
    size_t count = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &held, &is_found, err,
                             "SELECT count(*) FROM job WHERE status IN ('booting', 'running')",
                             ""));
    if (held > 0)
        PEN_TRY(pen_job_reclaim(db, pen_now_us(), &run->arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        say_reclaimed(run, &list[i]);
    pen_job_run_sweep(run);
    return PEN_OK;
}

/* A run that only looks around. */
static const struct pen_execute_options no_options = {.job_id = 0};

enum pen_code pen_run_recover(const struct pen_run_env *env, struct pen_error *err)
{
    struct pen_run_result unused = {.snapshot_id = -1};
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(env, &no_options, &unused);
    if (run == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_open(run, err));
    return recover(run, err);
}

/* --- what waits ------------------------------------------------------------------------------- */

static bool is_text_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* `in` without what may change between two attempts of one load. */
static enum pen_code without_credentials(const struct pen_node *in, struct pen_arena *arena,
                                         struct pen_node **ret_in, struct pen_error *err)
{
    static const char *const keys[] = {"access_key_id", "secret_access_key", "session_token"};
    struct pen_node *copy = in == NULL ? pen_node_new_map(arena) : pen_node_copy(in, arena);
    if (copy == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        pen_node_remove(copy, keys[i]);
    *ret_in = copy;
    return PEN_OK;
}

enum pen_code pen_job_is_same_load(const struct pen_node *a, const struct pen_node *b,
                                   struct pen_arena *arena, bool *ret_is_same,
                                   struct pen_error *err)
{
    struct pen_node *in_a = NULL, *in_b = NULL;
    PEN_TRY(without_credentials(pen_node_get(a, "in"), arena, &in_a, err));
    PEN_TRY(without_credentials(pen_node_get(b, "in"), arena, &in_b, err));
    *ret_is_same = pen_node_equal(in_a, in_b) &&
                   pen_node_equal(pen_node_get(a, "filters"), pen_node_get(b, "filters")) &&
                   pen_node_equal(pen_node_get(a, "out"), pen_node_get(b, "out"));
    return PEN_OK;
}

/* Relative paths mean the same only in the same folder. */
static enum pen_code is_same_folder(struct pen_job_run *run, const struct pen_job *job,
                                    const struct pen_submit_options *submit, bool *ret_is_same,
                                    struct pen_error *err)
{
    struct pen_job_words words;
    const struct pen_node *type = pen_node_get(pen_node_get(run->env.config, "in"), "type");
    *ret_is_same = type == NULL || !pen_slice_is(type->text, "file");
    if (*ret_is_same)
        return PEN_OK;
    PEN_TRY(pen_job_words_read(job->options, &run->arena, &words, err));
    PEN_TRY(pen_job_run_words(run, submit, err));
    *ret_is_same = is_text_equal(words.folder, run->words.folder);
    return PEN_OK;
}

/* Whether a waiting job is what `submit` and run->env.config ask for. */
static enum pen_code is_wanted(struct pen_job_run *run, const struct pen_job *job,
                               const struct pen_submit_options *submit, bool *ret_is_wanted,
                               struct pen_error *err)
{
    *ret_is_wanted = false;
    if (submit == NULL || job->schedule != NULL || job->domain_key != NULL ||
        submit->schedule != NULL || submit->domain_key != NULL ||
        job->replay_of != submit->replay_of || !is_text_equal(job->database, submit->database) ||
        !is_text_equal(job->table, submit->table) ||
        !is_text_equal(job->time_column, submit->time_column))
        return PEN_OK;
    struct pen_run_result unused = {.snapshot_id = -1};
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *other = pen_job_run_new(&run->env, &no_options, &unused);
    if (other == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_open(other, err));
    other->job = *job;
    if (pen_job_run_unseal(other, NULL) != PEN_OK)
        return PEN_OK; /* its own run will say so */
    PEN_TRY(is_same_folder(run, job, submit, ret_is_wanted, err));
    if (!*ret_is_wanted)
        return PEN_OK;
    return pen_job_is_same_load(run->env.config, other->env.config, &run->arena, ret_is_wanted,
                                err);
}

static enum pen_code list_waiting(struct pen_job_run *run, struct pen_job **ret_jobs,
                                  size_t *ret_count, struct pen_error *err)
{
    const struct pen_job_filter filter = {
        .max = INT32_MAX, .has_status = true, .status = PEN_JOB_QUEUED};
    struct pen_job *jobs = NULL;
    size_t all = 0, count = 0;
    PEN_TRY(pen_job_list(pen_lake_db(run->lake), &filter, &run->arena, &jobs, &all, err));
    for (size_t i = 0; i < all; i++)
        if (jobs[i].attempt > 0 && strcmp(jobs[i].type, "bulkload") == 0)
            jobs[count++] = jobs[i];
    *ret_jobs = jobs;
    *ret_count = count;
    return PEN_OK;
}

static enum pen_code describe(struct pen_job_run *run, const struct pen_job *job,
                              struct pen_arena *arena, struct pen_run_unfinished *into,
                              struct pen_error *err)
{
    struct pen_job_task *tasks = NULL;
    PEN_TRY(pen_job_tasks_get(pen_lake_db(run->lake), job->job_id, &run->arena, &tasks,
                              &into->task_count, err));
    for (size_t i = 0; i < into->task_count; i++)
        into->tasks_done += tasks[i].status == PEN_JOB_TASK_DONE;
    into->job_id = job->job_id;
    into->started_us = job->started_us;
    into->database = pen_arena_copy(arena, pen_slice_str(job->database));
    into->table = pen_arena_copy(arena, pen_slice_str(job->table));
    return into->database == NULL || into->table == NULL ? pen_fail_nomem(err) : PEN_OK;
}

enum pen_code pen_run_unfinished(const struct pen_run_env *env,
                                 const struct pen_submit_options *but, struct pen_arena *arena,
                                 struct pen_run_unfinished **ret_list, size_t *ret_count,
                                 struct pen_error *err)
{
    struct pen_run_result unused = {.snapshot_id = -1};
    struct pen_run_unfinished *list = NULL;
    struct pen_job *jobs = NULL;
    size_t waiting = 0, count = 0;
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(env, &no_options, &unused);
    if (run == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_open(run, err));
    PEN_TRY(list_waiting(run, &jobs, &waiting, err));
    for (size_t i = waiting; i-- > 0;) { /* the list has the newest first */
        bool is_own = false;
        PEN_TRY(is_wanted(run, &jobs[i], but, &is_own, err));
        if (is_own)
            continue;
        PEN_TRY(pen_arena_grow(arena, &list, count, sizeof *list, err));
        list[count] = (struct pen_run_unfinished){.job_id = 0};
        PEN_TRY(describe(run, &jobs[i], arena, &list[count++], err));
    }
    *ret_list = list;
    *ret_count = count;
    return PEN_OK;
}

/* --- issue ------------------------------------------------------------------------------------ */

/* out: *ret_job_id: the newest job that is this load and waits, now claimed; 0: there is none. */
static enum pen_code take_over(struct pen_job_run *run, const struct pen_submit_options *submit,
                               int64_t *ret_job_id, struct pen_error *err)
{
    struct pen_job *jobs = NULL;
    size_t count = 0;
    *ret_job_id = 0;
    PEN_TRY(list_waiting(run, &jobs, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct pen_error claim_err = {0};
        bool is_own = false;
        PEN_TRY(is_wanted(run, &jobs[i], submit, &is_own, err));
        if (!is_own)
            continue;
        enum pen_code code = pen_job_claim_one(pen_lake_db(run->lake), jobs[i].job_id, run->owner,
                                               pen_now_us() + PEN_LEASE_US, &claim_err);
        if (code == PEN_ERR_CONFLICT && !claim_err.is_retryable)
            continue; /* somebody else was quicker */
        if (code == PEN_OK)
            *ret_job_id = jobs[i].job_id;
        else if (err != NULL)
            *err = claim_err;
        return code;
    }
    return PEN_OK;
}

/* Wrong words are found before anything is taken over. */
static enum pen_code find_or_make(struct pen_job_run *run, const struct pen_submit_options *submit,
                                  bool *ret_is_new, int64_t *ret_job_id, struct pen_error *err)
{
    PEN_TRY(pen_job_run_prepare(run, submit, err));
    PEN_TRY(recover(run, err));
    PEN_TRY(take_over(run, submit, ret_job_id, err));
    *ret_is_new = *ret_job_id == 0;
    return *ret_is_new ? pen_job_run_create(run, true, ret_job_id, err) : PEN_OK;
}

enum pen_code pen_run_issue(const struct pen_run_env *env, const struct pen_submit_options *submit,
                            const struct pen_execute_options *options,
                            struct pen_run_result *ret_result, struct pen_error *err)
{
    int64_t job_id = 0;
    bool is_new = false;
    *ret_result = (struct pen_run_result){.snapshot_id = -1, .status = PEN_JOB_ERROR};
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *made = pen_job_run_new(env, options, ret_result);
    if (made == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_open(made, err));
    PEN_TRY(find_or_make(made, submit, &is_new, &job_id, err));
    struct pen_run_env own = *env;
    own.bind.warnings = NULL; /* said already */
    if (is_new)
        own.config = NULL; /* as any other process would run it */
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(&own, options, ret_result);
    if (run == NULL)
        return pen_fail_nomem(err);
    memcpy(run->owner, made->owner, sizeof run->owner);
    run->job.job_id = job_id;
    PEN_TRY(pen_job_run_words(run, submit, err));
    PEN_TRY(pen_job_run_open(run, err));
    return pen_job_run_execute(run, err);
}
