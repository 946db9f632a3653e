/* job_reclaim.c - jobs that end, or begin again, by another hand than their owner's. */
#include "meta/job.h"
#include "meta/job_owner.h"
#include "meta/job_plan.h"
#include "meta/meta_internal.h"

#include <stdio.h>

/* A process that dies takes its jobs down through no fault of theirs: they get this many attempts
 * in a row that end no task, even without a retry limit, so that a job that kills its process does
 * not come back for ever. */
#define ATTEMPTS_AFTER_CRASH 3

/* --- kill ------------------------------------------------------------------------------------- */

static enum pen_code end_killed(struct pen_db *db, int64_t job_id, int64_t now_us,
                                struct pen_error *err)
{
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE job SET status = 'killed', is_kill_requested = 1, ended_us = $1, "
                       "records = 0, owner = '', lease_until_us = 0, sealed_config = NULL "
                       "WHERE job_id = $2",
                       "ii", now_us, job_id));
    return pen_job_plan_delete(db, job_id, false, err);
}

static enum pen_code kill_job(struct pen_db *db, int64_t job_id, int64_t now_us,
                              enum pen_job_status *ret_former, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_job job;
    PEN_TRY(pen_job_get(db, job_id, &arena, &job, err));
    *ret_former = job.status;
    if (pen_job_status_is_finished(job.status))
        return PEN_OK;
    if (job.status == PEN_JOB_QUEUED || job.lease_until_us < now_us ||
        pen_job_owner_is_gone(job.owner))
        return end_killed(db, job_id, now_us, err);
    return pen_db_run(db, NULL, err, "UPDATE job SET is_kill_requested = 1 WHERE job_id = $1", "i",
                      job_id);
}

enum pen_code pen_job_kill(struct pen_db *db, int64_t job_id, int64_t now_us,
                           enum pen_job_status *ret_former, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, kill_job(db, job_id, now_us, ret_former, err), err);
}

/* --- after a crash ---------------------------------------------------------------------------- */

static enum pen_code read_reclaimed(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                    void *item, struct pen_error *err)
{
    struct pen_job_reclaimed *job = item;
    const int64_t *now_us = context;
    *job = (struct pen_job_reclaimed){.job_id = pen_stmt_int(stmt, 0),
                                      .attempt = (int)pen_stmt_int(stmt, 2)};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &job->owner, err));
    int64_t in_vain = pen_stmt_int(stmt, 2) - pen_stmt_int(stmt, 3);
    int64_t retry_limit = pen_stmt_int(stmt, 4);
    bool is_hopeless = in_vain >= ATTEMPTS_AFTER_CRASH && in_vain > retry_limit;
    bool is_runnable = pen_stmt_int(stmt, 5) > 0; /* its configuration is there */
    if (pen_stmt_int(stmt, 7) >= *now_us && !pen_job_owner_is_gone(job->owner))
        job->status = PEN_JOB_RUNNING;
    else if (pen_stmt_int(stmt, 6) != 0)
        job->status = PEN_JOB_KILLED;
    else
        job->status = is_hopeless || !is_runnable ? PEN_JOB_ERROR : PEN_JOB_QUEUED;
    return PEN_OK;
}

static enum pen_code end_error(struct pen_db *db, const struct pen_job_reclaimed *job,
                               int64_t now_us, struct pen_error *err)
{
    char name[PEN_JOB_OWNER_TEXT], text[PEN_JOB_OWNER_TEXT + 200];
    (void)snprintf(text, sizeof text,
                   "the process that ran this job is gone (%s), at attempt %d; nothing of it was "
                   "committed",
                   pen_job_owner_name(job->owner, name), job->attempt);
    PEN_TRY(pen_db_run(db, NULL, err,
                       "UPDATE job SET status = 'error', ended_us = $1, records = 0, owner = '', "
                       "lease_until_us = 0, sealed_config = NULL, error = $2 WHERE job_id = $3",
                       "iti", now_us, text, job->job_id));
    return pen_job_plan_delete(db, job->job_id, false, err);
}

static enum pen_code settle(struct pen_db *db, const struct pen_job_reclaimed *job, int64_t now_us,
                            struct pen_error *err)
{
    if (job->status == PEN_JOB_KILLED)
        return end_killed(db, job->job_id, now_us, err);
    if (job->status == PEN_JOB_ERROR)
        return end_error(db, job, now_us, err);
    return pen_db_run(db, NULL, err,
                      "UPDATE job SET status = 'queued', owner = '', lease_until_us = 0 "
                      "WHERE job_id = $1",
                      "i", job->job_id);
}

static enum pen_code list_held(struct pen_db *db, int64_t now_us, struct pen_arena *arena,
                               struct pen_job_reclaimed **ret_list, size_t *ret_count,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT job_id, owner, attempt, progress_attempt, retry_limit, "
                         "CASE WHEN type = 'bulkload' THEN length(sealed_config) ELSE 1 END, "
                         "is_kill_requested, lease_until_us FROM job "
                         "WHERE status IN ('booting', 'running') ORDER BY job_id",
                         ""));
    const struct pen_row_reader reader = {sizeof(struct pen_job_reclaimed), read_reclaimed,
                                          &now_us};
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

static enum pen_code reclaim(struct pen_db *db, int64_t now_us, struct pen_arena *arena,
                             struct pen_job_reclaimed **ret_list, size_t *ret_count,
                             struct pen_error *err)
{
    struct pen_job_reclaimed *list = NULL;
    size_t held = 0, count = 0;
    PEN_TRY(list_held(db, now_us, arena, &list, &held, err));
    for (size_t i = 0; i < held; i++) {
        if (list[i].status == PEN_JOB_RUNNING)
            continue;
        PEN_TRY(settle(db, &list[i], now_us, err));
        list[count++] = list[i];
    }
    *ret_list = list;
    *ret_count = count;
    return PEN_OK;
}

enum pen_code pen_job_reclaim(struct pen_db *db, int64_t now_us, struct pen_arena *arena,
                              struct pen_job_reclaimed **ret_list, size_t *ret_count,
                              struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, reclaim(db, now_us, arena, ret_list, ret_count, err), err);
}
