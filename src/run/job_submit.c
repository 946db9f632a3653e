/* job_submit.c - a configuration becomes a queued job that any process can run. */
#include "conf/load_config.h"
#include "run/job_run_internal.h"

#include <stdlib.h>

void pen_job_texts_release(struct pen_job_texts *texts)
{
    pen_buf_release(&texts->config);
    pen_buf_release(&texts->sealed);
    pen_buf_release(&texts->words);
    if (texts->run == NULL)
        return;
    texts->run->job.config = texts->run->job.options = NULL;
    texts->run->job.sealed_config = pen_slice(NULL, 0);
}

enum pen_code pen_job_texts_make(struct pen_job_run *run, struct pen_job_texts *texts,
                                 struct pen_error *err)
{
    struct pen_node *masked = NULL;
    *texts = (struct pen_job_texts){run, PEN_BUF(PEN_BUF_TEXT_MAX), PEN_BUF(PEN_BUF_TEXT_MAX),
                                    PEN_BUF(PEN_BUF_TEXT_MAX)};
    PEN_TRY(pen_config_mask(run->env.config, &run->arena, &masked, err));
    PEN_TRY(pen_tree_write_json(masked, false, &texts->config, err));
    PEN_TRY(pen_job_run_seal(run, &texts->sealed, err));
    PEN_TRY(pen_job_words_write(&run->words, &run->arena, &texts->words, err));
    run->job.config = texts->config.ptr;
    run->job.sealed_config = pen_buf_slice(&texts->sealed);
    run->job.options = texts->words.ptr;
    return PEN_OK;
}

/* The job may run in another folder: the file's absolute name is kept. */
enum pen_code pen_job_run_words(struct pen_job_run *run, const struct pen_submit_options *options,
                                struct pen_error *err)
{
    run->words = (struct pen_job_words){.auto_create_table = options->auto_create_table,
                                        .is_forced = options->is_forced};
    PEN_CLEANUP(pen_free_p)
    char *folder = realpath(run->env.folder != NULL ? run->env.folder : ".", NULL);
    if (folder != NULL) { /* else it was removed, and nothing can begin there */
        run->words.folder = pen_arena_copy(&run->arena, pen_slice_str(folder));
        if (run->words.folder == NULL)
            return pen_fail_nomem(err);
    }
    if (options->config_file == NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_free_p) char *path = realpath(options->config_file, NULL);
    if (path == NULL) /* it was removed since it was read: then nobody can read it again */
        return PEN_OK;
    run->words.config_file = pen_arena_copy(&run->arena, pen_slice_str(path));
    return run->words.config_file == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static enum pen_code insert_job(struct pen_job_run *run, bool is_claimed, int64_t *ret_job_id,
                                struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_job_create(db, &run->job, ret_job_id, err));
    return is_claimed
               ? pen_job_claim_one(db, *ret_job_id, run->owner, pen_now_us() + PEN_LEASE_US, err)
               : PEN_OK;
}

enum pen_code pen_job_run_create(struct pen_job_run *run, bool is_claimed, int64_t *ret_job_id,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_job_texts_release) struct pen_job_texts texts = {.run = NULL};
    PEN_TRY(pen_job_texts_make(run, &texts, err));
    struct pen_db *db = pen_lake_db(run->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = insert_job(run, is_claimed, ret_job_id, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

enum pen_code pen_job_run_prepare(struct pen_job_run *run, const struct pen_submit_options *options,
                                  struct pen_error *err)
{
    run->job = (struct pen_job){
        .type = "bulkload",
        .database = options->database,
        .table = options->table,
        .time_column = options->time_column,
        .schedule = options->schedule,
        .scheduled_us = options->scheduled_us,
        .domain_key = options->domain_key,
        .priority = options->priority,
        .retry_limit = options->retry_limit,
        .replay_of = options->replay_of,
        .created_us = run->started_us,
    };
    PEN_TRY(pen_job_run_words(run, options, err));
    return pen_job_run_setup(run, err);
}

enum pen_code pen_run_check(const struct pen_run_env *env, const struct pen_submit_options *options,
                            struct pen_error *err)
{
    static const struct pen_execute_options no_options = {.job_id = 0};
    struct pen_run_result unused = {.snapshot_id = -1};
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(env, &no_options, &unused);
    if (run == NULL)
        return pen_fail_nomem(err);
    run->job = (struct pen_job){.database = options->database,
                                .table = options->table,
                                .time_column = options->time_column};
    run->words.auto_create_table = options->auto_create_table;
    PEN_TRY(pen_job_run_open(run, err));
    return pen_job_run_setup(run, err);
}

enum pen_code pen_run_submit(const struct pen_run_env *env,
                             const struct pen_submit_options *options, int64_t *ret_job_id,
                             struct pen_error *err)
{
    static const struct pen_execute_options no_options = {.job_id = 0};
    struct pen_run_result unused = {.snapshot_id = -1};
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(env, &no_options, &unused);
    if (run == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_job_run_open(run, err));
    PEN_TRY(pen_job_run_prepare(run, options, err));
    return pen_job_run_create(run, false, ret_job_id, err);
}
