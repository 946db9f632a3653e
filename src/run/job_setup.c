/* job_setup.c - what a job needs before its first request, checked: configuration and target. */
#include "run/job_run_internal.h"
#include "run/sealed_config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_MAX_BYTES ((size_t)4 << 30)

struct pen_job_run *pen_job_run_new(const struct pen_run_env *env,
                                    const struct pen_execute_options *options,
                                    struct pen_run_result *result)
{
    struct pen_job_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->env = *env;
    run->caller_cancel = env->cancel;
    run->env.cancel = &run->cancel;
    run->log = (struct pen_job_log){.forward = env->log, .forward_context = env->log_context};
    run->env.log = pen_job_log_write;
    run->env.log_context = &run->log;
    run->options = options;
    run->result = result;
    run->arena = PEN_ARENA(ARENA_MAX_BYTES);
    run->parts.arena = PEN_ARENA(ARENA_MAX_BYTES);
    run->started_us = pen_now_us();
    pen_job_owner_make(run->owner);
    run->started_monotonic_us = pen_monotonic_us();
    return run;
}

void pen_job_run_free(struct pen_job_run *run)
{
    if (run == NULL)
        return;
    pen_monitor_stop(run);
    pen_prefetch_free(run->prefetch);
    pen_job_run_close_engine(run);
    pen_rejects_release(&run->rejects);
    pen_parts_release(&run->parts);
    pen_plan_release(&run->plan);
    pen_conform_free(run->conform);
    pen_run_scope_close(&run->scope);
    pen_lake_close(run->lake);
    pen_vault_free(run->vault);
    pen_arena_release(&run->arena);
    pen_job_log_close(&run->log);
    free(run);
}

enum pen_code pen_job_run_open(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(pen_lake_open(run->env.home, PEN_DB_CREATE, &run->lake, err));
    return pen_vault_open(run->env.home, &run->vault, err);
}

/* --- the configuration ------------------------------------------------------------------------ */

/* Places are lost, but what has a place is found before. */
enum pen_code pen_job_run_seal(struct pen_job_run *run, struct pen_buf *into, struct pen_error *err)
{
    return pen_config_seal(run->vault, PEN_SEALED_JOB, run->env.config, into, err);
}

enum pen_code pen_job_run_unseal(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *config = NULL;
    PEN_TRY(pen_buf_addf(&name, err, "configuration of job %" PRId64, run->job.job_id));
    run->env.bind = (struct pen_bind){.file = pen_arena_copy(&run->arena, pen_buf_slice(&name)),
                                      .arena = &run->arena};
    if (run->env.bind.file == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_config_unseal(run->vault, PEN_SEALED_JOB, run->job.sealed_config,
                              run->env.bind.file, &run->arena, &config, err));
    run->env.config = config;
    return PEN_OK;
}

/* --- the target ------------------------------------------------------------------------------- */

static enum pen_code read_table(struct pen_job_run *run, struct pen_lake_txn *txn,
                                struct pen_schema *ret_schema, struct pen_error *err)
{
    const struct pen_job *job = &run->job;
    struct pen_lake_table table = {0};
    struct pen_error find_err = {0};
    enum pen_code code =
        pen_lake_table_find(txn, job->database, job->table, &run->arena, &table, &find_err);
    if (code == PEN_ERR_NOT_FOUND && run->words.auto_create_table)
        return PEN_OK;
    if (code != PEN_OK) {
        bool is_database = strncmp(find_err.message, "Database", 8) == 0;
        if (code == PEN_ERR_NOT_FOUND && is_database)
            pen_error_hint(&find_err,
                           "create it with 'penstock db:create %s', or add --auto-create-table",
                           job->database);
        else if (code == PEN_ERR_NOT_FOUND)
            pen_error_hint(&find_err,
                           "create it with 'penstock table:create %s %s', or add "
                           "--auto-create-table",
                           job->database, job->table);
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
    if (run->job.time_column != NULL) {
        load->out.time_column = pen_arena_copy(&run->arena, pen_slice_str(run->job.time_column));
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
    PEN_TRY(pen_lake_check_name("Database", pen_slice_str(run->job.database), err));
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(run->job.table), err));
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(run->lake, &txn, err));
    return make_conform(run, txn, err);
}

static unsigned thread_count(const struct pen_job_run *run)
{
    if (run->options->max_threads > 0)
        return run->options->max_threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (unsigned)cores : 1;
}

enum pen_code pen_job_run_setup(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_load_options options = {.started_us = run->started_us};
    PEN_TRY(pen_run_scope_open(&run->env, &options, &run->scope, err));
    struct pen_exec_options *exec = &run->scope.load->exec;
    if (exec->max_threads <= 0)
        exec->max_threads = thread_count(run);
    return check_target(run, err);
}
