/* commit.c - the single commit: rows, ledger, job and next position become true together. */
#include "meta/job_plan.h"
#include "meta/ledger.h"
#include "meta/schedule.h"
#include "run/job_run_internal.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_replacing(const struct pen_job_run *run)
{
    int mode = run->scope.load->out.mode;
    return mode == PEN_MODE_REPLACE ||
           (mode == PEN_MODE_REPLACE_ON_NEW_DATA && run->totals.loaded > 0);
}

/* replace_on_new_data without new data leaves everything alone, the schema too. */
static bool is_untouched(const struct pen_job_run *run)
{
    return run->scope.load->out.mode == PEN_MODE_REPLACE_ON_NEW_DATA && run->totals.loaded == 0;
}

static const char *time_column_name(const struct pen_job_run *run)
{
    size_t index = run->conform->time_column;
    return index == SIZE_MAX ? NULL : run->scope.load->schema->fields[index].name;
}

static enum pen_code commit_rows(struct pen_job_run *run, struct pen_lake_txn *txn,
                                 struct pen_error *err)
{
    struct pen_db *db = pen_lake_txn_db(txn);
    int64_t table_id = 0;
    PEN_TRY(pen_lake_load(txn, &run->layout, is_replacing(run) ? PEN_LAKE_REPLACE : PEN_LAKE_APPEND,
                          run->parts.parts, run->parts.count, &table_id, err));
    PEN_TRY(pen_lake_table_set_time_column(txn, table_id, time_column_name(run), err));
    if (is_replacing(run))
        PEN_TRY(pen_ledger_forget_table(db, table_id, err));
    return pen_ledger_add_job(db, run->job.job_id, table_id, pen_lake_next_snapshot_id(txn), NULL,
                              err);
}

static enum pen_code commit_all(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct pen_job_run *run = context;
    struct pen_db *db = pen_lake_txn_db(txn);
    if (run->job.replay_of != 0 && !run->words.is_forced)
        PEN_TRY(pen_job_check_replay(db, run->job.replay_of, run->job.job_id, err));
    if (!is_untouched(run))
        PEN_TRY(commit_rows(run, txn, err));
    bool is_changed = pen_lake_next_snapshot_id(txn) != pen_lake_snapshot_id(txn);
    run->result->snapshot_id = is_changed ? pen_lake_next_snapshot_id(txn) : -1;
    struct pen_job_end end = {
        .status = PEN_JOB_SUCCESS,
        .now_us = pen_now_us(),
        .counts = {.records = run->totals.loaded,
                   .rejected = run->totals.rejected,
                   .filtered = run->totals.filtered,
                   .bytes = atomic_load(&run->progress.stored_bytes),
                   .objects = run->plan.object_count,
                   .replaced = atomic_load(&run->progress.replaced)},
        .snapshot_id = run->result->snapshot_id,
        .result = run->position,
    };
    PEN_TRY(pen_job_finish(db, run->job.job_id, run->owner, &end, err));
    PEN_TRY(pen_schedule_advance(db, run->job.job_id, run->position, end.now_us, err));
    run->result->counts = end.counts;
    return pen_job_plan_delete(db, run->job.job_id, true, err);
}

/* The share of rejected records that the user allows; checked before anything becomes visible. */
static enum pen_code check_ratio(const struct pen_job_run *run, struct pen_error *err)
{
    double allowed = run->scope.load->exec.max_rejected_ratio;
    uint64_t records = run->totals.records, rejected = run->totals.rejected;
    if (records == 0 || (double)rejected <= allowed * (double)records)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CORRUPT,
                   "%" PRIu64 " of %" PRIu64 " records were rejected, more than the share of %g",
                   rejected, records, allowed);
    pen_error_hint(err, "see 'penstock job:rejects %" PRId64 "', or raise exec.max_rejected_ratio",
                   run->job.job_id);
    return PEN_ERR_CORRUPT;
}

enum pen_code pen_job_run_commit(struct pen_job_run *run, struct pen_error *err)
{
    PEN_TRY(check_ratio(run, err));
    char message[64];
    (void)snprintf(message, sizeof message, "job %" PRId64, run->job.job_id); /* fits */
    enum pen_code code = pen_lake_transact(run->lake, message, commit_all, run, NULL, err);
    if (code != PEN_OK) {
        run->result->snapshot_id = -1;
        return code;
    }
    run->result->is_table_created = run->table_id == 0 && !is_untouched(run);
    run->result->is_emptied = is_replacing(run) && run->totals.loaded == 0 && run->table_id != 0;
    return PEN_OK;
}
