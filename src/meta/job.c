#include "meta/job.h"

#include "meta/meta_internal.h"

#include <assert.h>

static const char *const status_names[] = {
    [PEN_JOB_QUEUED] = "queued",   [PEN_JOB_BOOTING] = "booting", [PEN_JOB_RUNNING] = "running",
    [PEN_JOB_SUCCESS] = "success", [PEN_JOB_ERROR] = "error",     [PEN_JOB_KILLED] = "killed",
};

const char *pen_job_status_name(enum pen_job_status status)
{
    return status_names[status];
}

bool pen_job_status_from_name(struct pen_slice name, enum pen_job_status *ret_status)
{
    for (size_t i = 0; i < sizeof status_names / sizeof status_names[0]; i++) {
        if (pen_slice_is(name, status_names[i])) {
            *ret_status = (enum pen_job_status)i;
            return true;
        }
    }
    return false;
}

/* --- create ------------------------------------------------------------------------------------
 */

static enum pen_code check_domain_key(struct pen_db *db, const char *domain_key,
                                      struct pen_error *err)
{
    if (domain_key == NULL)
        return PEN_OK;
    int64_t other = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &other, &is_found, err,
                             "SELECT job_id FROM job WHERE domain_key = $1", "t", domain_key));
    if (is_found)
        return pen_fail(err, PEN_ERR_CONFLICT, "conflicts_with job:%lld", (long long)other);
    return PEN_OK;
}

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static enum pen_code insert_job(struct pen_db *db, const struct pen_job *job, int64_t *ret_job_id,
                                struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_TRY(check_domain_key(db, job->domain_key, err));
    PEN_TRY(pen_meta_next_id(db, "SELECT max(job_id) FROM job", &job_id, err));
    PEN_TRY(pen_db_run(
        db, NULL, err,
        "INSERT INTO job (job_id, type, database_name, table_name, time_column, config, "
        "sealed_config, options, schedule, scheduled_us, domain_key, priority, retry_limit, "
        "created_us, status, is_kill_requested, attempt, started_us, ended_us, records, rejected, "
        "filtered, bytes, objects, snapshot_id, error, result, owner, lease_until_us, "
        "replay_of) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'queued', 0, 0, 0, "
        "0, 0, 0, 0, 0, 0, -1, '', '', '', 0, $15)",
        "itttttbttitiiii", job_id, job->type, job->database, job->table, job->time_column,
        text_or_empty(job->config), job->sealed_config, text_or_empty(job->options), job->schedule,
        job->scheduled_us, job->domain_key, (int64_t)job->priority, (int64_t)job->retry_limit,
        job->created_us, job->replay_of));
    *ret_job_id = job_id;
    return PEN_OK;
}

enum pen_code pen_job_create(struct pen_db *db, const struct pen_job *job, int64_t *ret_job_id,
                             struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert_job(db, job, ret_job_id, err), err);
}

/* --- read --------------------------------------------------------------------------------------
 */

#define JOB_COLUMNS                                                                                \
    "SELECT job_id, type, database_name, table_name, time_column, config, sealed_config, "         \
    "options, "                                                                                    \
    "schedule, scheduled_us, domain_key, status, is_kill_requested, priority, attempt, "           \
    "retry_limit, created_us, started_us, ended_us, records, rejected, filtered, bytes, objects, " \
    "snapshot_id, error, result, owner, lease_until_us, position, layout, "                        \
    "progress_attempt, replay_of, replaced FROM job "

static enum pen_code read_texts(struct pen_stmt *stmt, struct pen_arena *arena, struct pen_job *job,
                                struct pen_error *err)
{
    const struct {
        int column;
        const char **text;
    } texts[] = {{1, &job->type},        {2, &job->database},    {3, &job->table},
                 {4, &job->time_column}, {5, &job->config},      {7, &job->options},
                 {8, &job->schedule},    {10, &job->domain_key}, {25, &job->error},
                 {26, &job->result},     {27, &job->owner},      {29, &job->position},
                 {30, &job->layout}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!pen_stmt_is_null(stmt, texts[i].column))
            PEN_TRY(
                pen_arena_text(arena, pen_stmt_text(stmt, texts[i].column), texts[i].text, err));
    struct pen_slice sealed = pen_stmt_bytes(stmt, 6);
    const char *copy = NULL;
    PEN_TRY(pen_arena_text(arena, sealed, &copy, err));
    job->sealed_config = pen_slice(copy, sealed.len);
    return PEN_OK;
}

static enum pen_code read_job(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_job *job = item;
    *job = (struct pen_job){
        .job_id = pen_stmt_int(stmt, 0),
        .scheduled_us = pen_stmt_int(stmt, 9),
        .is_kill_requested = pen_stmt_int(stmt, 12) != 0,
        .priority = (int)pen_stmt_int(stmt, 13),
        .attempt = (int)pen_stmt_int(stmt, 14),
        .retry_limit = (int)pen_stmt_int(stmt, 15),
        .created_us = pen_stmt_int(stmt, 16),
        .started_us = pen_stmt_int(stmt, 17),
        .ended_us = pen_stmt_int(stmt, 18),
        .counts = {.records = (uint64_t)pen_stmt_int(stmt, 19),
                   .rejected = (uint64_t)pen_stmt_int(stmt, 20),
                   .filtered = (uint64_t)pen_stmt_int(stmt, 21),
                   .bytes = (uint64_t)pen_stmt_int(stmt, 22),
                   .objects = (uint64_t)pen_stmt_int(stmt, 23),
                   .replaced = (uint64_t)pen_stmt_int(stmt, 33)},
        .snapshot_id = pen_stmt_int(stmt, 24),
        .lease_until_us = pen_stmt_int(stmt, 28),
        .progress_attempt = (int)pen_stmt_int(stmt, 31),
        .replay_of = pen_stmt_int(stmt, 32),
    };
    if (!pen_job_status_from_name(pen_stmt_text(stmt, 11), &job->status))
        return pen_fail(err, PEN_ERR_CORRUPT, "job %lld has an unknown status",
                        (long long)job->job_id);
    return read_texts(stmt, arena, job, err);
}

static enum pen_code fail_no_job(int64_t job_id, struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_NOT_FOUND, "job %lld does not exist", (long long)job_id);
}

enum pen_code pen_job_get(struct pen_db *db, int64_t job_id, struct pen_arena *arena,
                          struct pen_job *ret_job, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err, JOB_COLUMNS "WHERE job_id = $1", "i", job_id));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    return has_row ? read_job(stmt, arena, NULL, ret_job, err) : fail_no_job(job_id, err);
}

#define IS_LISTED                                                                                  \
    "job_id > $1 AND job_id < $2 AND ($3 IS NULL OR status = $3) AND ($4 = 0 OR (started_us > 0 "  \
    "AND (CASE WHEN ended_us > 0 THEN ended_us ELSE $5 END) - started_us >= $4)) "

/* Two texts, so that each finds its index: job_schedule, or the primary key. */
static enum pen_code query_list(struct pen_db *db, const struct pen_job_filter *filter,
                                struct pen_stmt **ret_stmt, struct pen_error *err)
{
    int64_t before_id = filter->before_id == 0 ? INT64_MAX : filter->before_id;
    const char *status = filter->has_status ? status_names[filter->status] : NULL;
    int64_t max = (int64_t)filter->max, skip = (int64_t)filter->skip;
    if (filter->schedule == NULL)
        return pen_db_query(
            db, ret_stmt, err,
            JOB_COLUMNS "WHERE " IS_LISTED "ORDER BY job_id DESC LIMIT $6 OFFSET $7", "iitiiii",
            filter->after_id, before_id, status, filter->slower_than_us, filter->now_us, max, skip);
    return pen_db_query(db, ret_stmt, err,
                        JOB_COLUMNS "WHERE " IS_LISTED
                                    "AND schedule = $6 ORDER BY job_id DESC LIMIT $7 OFFSET $8",
                        "iitiitii", filter->after_id, before_id, status, filter->slower_than_us,
                        filter->now_us, filter->schedule, max, skip);
}

enum pen_code pen_job_list(struct pen_db *db, const struct pen_job_filter *filter,
                           struct pen_arena *arena, struct pen_job **ret_jobs, size_t *ret_count,
                           struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(query_list(db, filter, &stmt, err));
    static const struct pen_row_reader reader = {sizeof(struct pen_job), read_job, NULL};
    return pen_stmt_list(stmt, &reader, arena, ret_jobs, ret_count, err);
}

/* --- transitions -------------------------------------------------------------------------------
 */

/* Says why an update of a job hit nothing. */
static enum pen_code fail_transition(struct pen_db *db, int64_t job_id, const char *what,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err, "SELECT status, owner FROM job WHERE job_id = $1", "i",
                         job_id));
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (!has_row)
        return fail_no_job(job_id, err);
    struct pen_slice owner = pen_stmt_text(stmt, 1);
    return pen_fail(err, PEN_ERR_CONFLICT, "job %lld cannot be %s: it is %s%s%.*s",
                    (long long)job_id, what, pen_stmt_text(stmt, 0).ptr,
                    owner.len == 0 ? "" : " by ", PEN_ARG(owner));
}

static enum pen_code take_job(struct pen_db *db, int64_t job_id, const char *owner,
                              int64_t lease_until_us, struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET status = 'booting', owner = $1, lease_until_us = $2, "
                       "attempt = attempt + 1 WHERE job_id = $3 AND status = 'queued'",
                       "tii", owner, lease_until_us, job_id));
    return changes == 1 ? PEN_OK : fail_transition(db, job_id, "claimed", err);
}

static enum pen_code find_claimable(struct pen_db *db, int64_t *ret_job_id, bool *ret_is_found,
                                    struct pen_error *err)
{
    /* the three states are those of the index job_unfinished */
    return pen_db_query_int(
        db, ret_job_id, ret_is_found, err,
        "SELECT j.job_id FROM job j WHERE j.status = 'queued' AND (j.schedule IS NULL OR NOT "
        "EXISTS (SELECT 1 FROM job o WHERE o.schedule = j.schedule AND o.status IN ('queued', "
        "'booting', 'running') AND o.status <> 'queued')) ORDER BY j.priority DESC, j.job_id "
        "LIMIT 1",
        "");
}

enum pen_code pen_job_is_claimable(struct pen_db *db, bool *ret_is_claimable, struct pen_error *err)
{
    int64_t job_id = 0;
    return find_claimable(db, &job_id, ret_is_claimable, err);
}

static enum pen_code claim_next(struct pen_db *db, const char *owner, int64_t lease_until_us,
                                int64_t *ret_job_id, struct pen_error *err)
{
    bool is_found = false;
    int64_t job_id = 0;
    PEN_TRY(find_claimable(db, &job_id, &is_found, err));
    if (is_found)
        PEN_TRY(take_job(db, job_id, owner, lease_until_us, err));
    *ret_job_id = job_id;
    return PEN_OK;
}

enum pen_code pen_job_claim(struct pen_db *db, const char *owner, int64_t lease_until_us,
                            int64_t *ret_job_id, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, claim_next(db, owner, lease_until_us, ret_job_id, err), err);
}

enum pen_code pen_job_claim_one(struct pen_db *db, int64_t job_id, const char *owner,
                                int64_t lease_until_us, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, take_job(db, job_id, owner, lease_until_us, err), err);
}

enum pen_code pen_job_start(struct pen_db *db, int64_t job_id, const char *owner, int64_t now_us,
                            struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET status = 'running', started_us = "
                       "CASE WHEN started_us = 0 THEN $1 ELSE started_us END WHERE job_id = $2 AND "
                       "owner = $3 AND status = 'booting'",
                       "iit", now_us, job_id, owner));
    return changes == 1 ? PEN_OK : fail_transition(db, job_id, "started", err);
}

static enum pen_code beat(struct pen_db *db, int64_t job_id, const char *owner,
                          int64_t lease_until_us, const struct pen_job_counts *counts,
                          bool *ret_is_kill_requested, struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET lease_until_us = $1 WHERE job_id = $2 AND owner = $3 "
                       "AND status IN ('booting', 'running')",
                       "iit", lease_until_us, job_id, owner));
    if (changes != 1)
        return fail_transition(db, job_id, "continued", err);
    if (counts != NULL)
        PEN_TRY(pen_db_run(db, NULL, err,
                           "UPDATE job SET records = $1, rejected = $2, filtered = $3, bytes = $4, "
                           "objects = $5, replaced = $6 WHERE job_id = $7",
                           "iiiiiii", (int64_t)counts->records, (int64_t)counts->rejected,
                           (int64_t)counts->filtered, (int64_t)counts->bytes,
                           (int64_t)counts->objects, (int64_t)counts->replaced, job_id));
    int64_t is_requested = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &is_requested, &is_found, err,
                             "SELECT is_kill_requested FROM job WHERE job_id = $1", "i", job_id));
    *ret_is_kill_requested = is_requested != 0;
    return PEN_OK;
}

enum pen_code pen_job_heartbeat(struct pen_db *db, int64_t job_id, const char *owner,
                                int64_t lease_until_us, const struct pen_job_counts *counts,
                                bool *ret_is_kill_requested, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    enum pen_code code =
        beat(db, job_id, owner, lease_until_us, counts, ret_is_kill_requested, err);
    return pen_meta_leave(db, is_own, code, err);
}

enum pen_code pen_job_finish(struct pen_db *db, int64_t job_id, const char *owner,
                             const struct pen_job_end *end, struct pen_error *err)
{
    assert(pen_job_status_is_finished(end->status));
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET status = $1, ended_us = $2, records = $3, rejected = $4, "
                       "filtered = $5, bytes = $6, objects = $7, snapshot_id = $8, error = $9, "
                       "result = $10, replaced = $11, owner = '', lease_until_us = 0, "
                       "sealed_config = NULL "
                       "WHERE job_id = $12 AND owner = $13 AND status IN ('booting', 'running')",
                       "tiiiiiiittiit", status_names[end->status], end->now_us,
                       (int64_t)end->counts.records, (int64_t)end->counts.rejected,
                       (int64_t)end->counts.filtered, (int64_t)end->counts.bytes,
                       (int64_t)end->counts.objects, end->snapshot_id, text_or_empty(end->error),
                       text_or_empty(end->result), (int64_t)end->counts.replaced, job_id, owner));
    return changes == 1 ? PEN_OK : fail_transition(db, job_id, "finished", err);
}

enum pen_code pen_job_retry(struct pen_db *db, int64_t job_id, const char *owner, const char *error,
                            struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET status = 'queued', owner = '', lease_until_us = 0, "
                       "error = $1 WHERE job_id = $2 AND owner = $3 AND is_kill_requested = 0 "
                       "AND status IN ('booting', 'running')",
                       "tit", text_or_empty(error), job_id, owner));
    return changes == 1 ? PEN_OK : fail_transition(db, job_id, "queued again", err);
}

enum pen_code pen_job_release(struct pen_db *db, int64_t job_id, const char *owner,
                              struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET status = 'queued', owner = '', lease_until_us = 0, "
                       "attempt = attempt - 1 WHERE job_id = $1 AND owner = $2 "
                       "AND is_kill_requested = 0 AND status IN ('booting', 'running')",
                       "it", job_id, owner));
    return changes == 1 ? PEN_OK : fail_transition(db, job_id, "given back", err);
}

enum pen_code pen_job_hold(struct pen_db *db, int64_t job_id, const char *owner,
                           struct pen_error *err)
{
    bool is_found = false;
    int64_t found = 0;
    PEN_TRY(pen_db_query_int(db, &found, &is_found, err,
                             "SELECT 1 FROM job WHERE job_id = $1 AND owner = $2 "
                             "AND status IN ('booting', 'running')",
                             "it", job_id, owner));
    return is_found ? PEN_OK : fail_transition(db, job_id, "continued", err);
}

enum pen_code pen_job_is_kill_requested(struct pen_db *db, int64_t job_id, bool *ret_is_requested,
                                        struct pen_error *err)
{
    bool is_found = false;
    int64_t value = 0;
    PEN_TRY(pen_db_query_int(db, &value, &is_found, err,
                             "SELECT is_kill_requested FROM job WHERE job_id = $1", "i", job_id));
    *ret_is_requested = value != 0;
    return PEN_OK;
}

enum pen_code pen_job_renew(struct pen_db *db, const struct pen_job *job, const char *owner,
                            struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "UPDATE job SET config = $1, sealed_config = $2, options = $3 "
                       "WHERE job_id = $4 AND owner = $5 AND status IN ('booting', 'running')",
                       "tbtit", job->config, job->sealed_config, job->options, job->job_id, owner));
    return changes == 1 ? PEN_OK : fail_transition(db, job->job_id, "changed", err);
}

enum pen_code pen_job_check_replay(struct pen_db *db, int64_t replay_of, int64_t but_job_id,
                                   struct pen_error *err)
{
    int64_t other = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &other, &is_found, err,
                             "SELECT job_id FROM job WHERE replay_of = $1 AND job_id <> $2 "
                             "AND status IN ('success', 'running', 'booting') ORDER BY job_id",
                             "ii", replay_of, but_job_id));
    if (!is_found)
        return PEN_OK;
    struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_job job;
    enum pen_code code = pen_job_get(db, other, &arena, &job, err);
    bool is_done = code == PEN_OK && job.status == PEN_JOB_SUCCESS;
    pen_arena_release(&arena);
    PEN_TRY(code);
    (void)pen_fail(err, PEN_ERR_CONFLICT, "the rejected records of job %lld %s again by job %lld",
                   (long long)replay_of, is_done ? "were loaded" : "are being loaded",
                   (long long)other);
    if (is_done)
        pen_error_hint(err, "loading them once more (--force) makes duplicates");
    else
        pen_error_hint(err,
                       "when its process is gone, 'penstock job:resume %lld' goes on with it and "
                       "'penstock job:kill %lld' gives it up",
                       (long long)other, (long long)other);
    return PEN_ERR_CONFLICT;
}
