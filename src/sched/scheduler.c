/* scheduler.c - schedules become jobs: when they are due, or when somebody asks. */
#include "base/say.h"
#include "conf/load_config.h"
#include "run/config_overlay.h"
#include "run/sealed_config.h"
#include "sched/sched_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* Schedules per transaction: one sync to disk for all of them. */
#define BATCH          64

#define BUSY_RETRY_US  PEN_US_PER_SECOND
#define BROKEN_WAIT_US (3600 * PEN_US_PER_SECOND)

/* --- a job of a schedule ---------------------------------------------------------------------- */

/* The schedule's configuration, `in` overlaid by the position that the last run left. */
static enum pen_code run_config(struct pen_sched *sched, const struct pen_schedule *schedule,
                                struct pen_arena *arena, struct pen_node **ret_config,
                                struct pen_error *err)
{
    PEN_TRY(pen_sched_config(sched, schedule, arena, ret_config, err));
    return pen_config_overlay(*ret_config, schedule->config_diff, arena, err);
}

static enum pen_code add_job(struct pen_sched *sched, const struct pen_schedule *schedule,
                             const struct pen_node *config, struct pen_job *job,
                             int64_t *ret_job_id, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    PEN_CLEANUP(pen_buf_release) struct pen_buf shown = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf sealed = PEN_BUF(PEN_BUF_TEXT_MAX);
    job->type = "bulkload";
    job->database = schedule->database;
    job->table = schedule->table;
    job->time_column = schedule->time_column;
    job->schedule = schedule->name;
    job->config = schedule->config;
    if (config != NULL) {
        struct pen_node *masked = NULL;
        PEN_TRY(pen_config_mask(config, &arena, &masked, err));
        PEN_TRY(pen_tree_write_json(masked, false, &shown, err));
        PEN_TRY(pen_config_seal(sched->vault, PEN_SEALED_JOB, config, &sealed, err));
        job->config = shown.ptr;
        job->sealed_config = pen_buf_slice(&sealed);
    }
    return pen_job_create(pen_sched_db(sched), job, ret_job_id, err);
}

enum pen_code pen_sched_add_job(struct pen_sched *sched, const struct pen_schedule *schedule,
                                const struct pen_sched_run *run, int64_t now_us,
                                int64_t *ret_job_id, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_node *config = NULL;
    struct pen_job job = {
        .scheduled_us = run->scheduled_us, .domain_key = run->domain_key, .created_us = now_us};
    PEN_TRY(run_config(sched, schedule, &arena, &config, err));
    return add_job(sched, schedule, config, &job, ret_job_id, err);
}

/* --- a run that somebody asks for ------------------------------------------------------------- */

static enum pen_code fail_busy(const struct pen_schedule *schedule, int64_t job_id, bool is_queued,
                               struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CONFLICT,
                   "schedule '%s' has a job that %s already: conflicts_with job:%" PRId64,
                   schedule->name, is_queued ? "waits" : "runs", job_id);
    pen_error_hint(err, "let it end, or stop it with 'penstock job:kill %" PRId64 "'", job_id);
    return PEN_ERR_CONFLICT;
}

static enum pen_code check_idle(struct pen_sched *sched, const struct pen_schedule *schedule,
                                bool may_wait, struct pen_error *err)
{
    int64_t queued = 0, any = 0;
    struct pen_db *db = pen_sched_db(sched);
    PEN_TRY(pen_schedule_unfinished(db, schedule->name, "queued", &queued, err));
    if (queued != 0)
        return fail_busy(schedule, queued, true, err);
    PEN_TRY(pen_schedule_unfinished(db, schedule->name, NULL, &any, err));
    return any != 0 && !may_wait ? fail_busy(schedule, any, false, err) : PEN_OK;
}

static enum pen_code run_now(struct pen_sched *sched, const char *name,
                             const struct pen_sched_run *run, int64_t now_us, int64_t *ret_job_id,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_schedule schedule = {0};
    PEN_TRY(pen_schedule_get(pen_sched_db(sched), name, &arena, &schedule, err));
    PEN_TRY(check_idle(sched, &schedule, run->may_wait, err));
    return pen_sched_add_job(sched, &schedule, run, now_us, ret_job_id, err);
}

enum pen_code pen_sched_run(struct pen_sched *sched, const char *name,
                            const struct pen_sched_run *run, int64_t now_us, int64_t *ret_job_id,
                            struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_TRY(pen_sched_begin(sched, err));
    PEN_TRY(pen_sched_leave(sched, run_now(sched, name, run, now_us, &job_id, err), err));
    *ret_job_id = job_id;
    return PEN_OK;
}

/* --- the timetable ---------------------------------------------------------------------------- */

static enum pen_missed_runs policy_of(const struct pen_schedule *schedule,
                                      const struct pen_tick *tick)
{
    for (int i = 0; pen_missed_runs_names[i] != NULL; i++)
        if (strcmp(schedule->missed_runs, pen_missed_runs_names[i]) == 0)
            return (enum pen_missed_runs)i;
    return tick->missed_runs;
}

/* Which time runs (0 for none), and which is looked at next. */
struct decision {
    int64_t run_us, next_us;
};

static struct decision decide(const struct pen_schedule *schedule, const struct pen_tick *tick,
                              const struct pen_timetable *timetable)
{
    enum pen_missed_runs policy = policy_of(schedule, tick);
    int64_t delay_us = schedule->delay_s * PEN_US_PER_SECOND;
    int64_t first_us = schedule->next_us, latest_us = first_us;
    if (policy != PEN_MISSED_ALL) {
        latest_us = pen_timetable_last(timetable, tick->now_us - delay_us);
        if (latest_us < first_us) /* the timetable was changed by another hand */
            latest_us = first_us;
    }
    struct decision decision = {latest_us, pen_timetable_next(timetable, latest_us)};
    bool is_missed = tick->now_us - (latest_us + delay_us) > PEN_SCHEDULE_GRACE_US;
    if (policy == PEN_MISSED_NONE && is_missed)
        decision.run_us = 0;
    if (latest_us != first_us || decision.run_us == 0) {
        char from[PEN_INSTANT_TEXT];
        (void)pen_instant_print((struct pen_instant){first_us, 0}, from);
        PEN_SAY(tick, "warn", "schedule '%s': the times from %s on were missed; %s", schedule->name,
                from, decision.run_us == 0 ? "none of them runs" : "the latest one runs");
    }
    return decision;
}

/* The history shows why a time has no rows. */
static enum pen_code add_failed_job(struct pen_sched *sched, const struct pen_schedule *schedule,
                                    const struct pen_sched_run *run, int64_t now_us,
                                    const struct pen_error *failed, struct pen_error *err)
{
    static const char owner[] = "scheduler";
    struct pen_db *db = pen_sched_db(sched);
    struct pen_job job = {
        .scheduled_us = run->scheduled_us, .domain_key = run->domain_key, .created_us = now_us};
    int64_t job_id = 0;
    char text[sizeof failed->where + sizeof failed->message + 4];
    (void)snprintf(text, sizeof text, "%s%s%s", failed->where, failed->where[0] != '\0' ? ": " : "",
                   failed->message);
    struct pen_job_end end = {
        .status = PEN_JOB_ERROR, .now_us = now_us, .snapshot_id = -1, .error = text};
    PEN_TRY(add_job(sched, schedule, NULL, &job, &job_id, err));
    PEN_TRY(pen_job_claim_one(db, job_id, owner, now_us, err));
    PEN_TRY(pen_job_start(db, job_id, owner, now_us, err));
    return pen_job_finish(db, job_id, owner, &end, err);
}

static bool is_database_error(enum pen_code code)
{
    return code == PEN_ERR_IO || code == PEN_ERR_NOMEM || code == PEN_ERR_INTERNAL;
}

static enum pen_code queue(struct pen_sched *sched, const struct pen_schedule *schedule,
                           const struct pen_tick *tick, int64_t run_us, struct pen_error *err)
{
    char key[64];
    (void)snprintf(key, sizeof key, "schedule:%" PRId64 ":%" PRId64, schedule->schedule_id,
                   run_us / PEN_US_PER_SECOND);
    struct pen_sched_run run = {.scheduled_us = run_us, .domain_key = key};
    struct pen_error failed = {0};
    int64_t job_id = 0;
    enum pen_code code = pen_sched_add_job(sched, schedule, &run, tick->now_us, &job_id, &failed);
    if (code == PEN_OK) {
        PEN_SAY(tick, "info", "schedule '%s': job %" PRId64 " is queued", schedule->name, job_id);
        return PEN_OK;
    }
    if (code == PEN_ERR_CONFLICT && !failed.is_retryable) /* another tick made it */
        return PEN_OK;
    if (is_database_error(code)) {
        if (err != NULL)
            *err = failed;
        return code;
    }
    PEN_SAY(tick, "error", "schedule '%s': %s", schedule->name, failed.message);
    return add_failed_job(sched, schedule, &run, tick->now_us, &failed, err);
}

static enum pen_code fire(struct pen_sched *sched, const struct pen_schedule *schedule,
                          const struct pen_tick *tick, struct pen_error *err)
{
    struct pen_timetable timetable;
    struct pen_error failed = {0};
    struct pen_db *db = pen_sched_db(sched);
    if (pen_timetable_open(schedule->cron, schedule->zone, &timetable, &failed) != PEN_OK) {
        PEN_SAY(tick, "error", "schedule '%s' waits for an hour: %s", schedule->name,
                failed.message);
        return pen_schedule_set_next(db, schedule->schedule_id, schedule->next_us,
                                     tick->now_us + BROKEN_WAIT_US, err);
    }
    struct decision decision = decide(schedule, tick, &timetable);
    if (decision.run_us != 0)
        PEN_TRY(queue(sched, schedule, tick, decision.run_us, err));
    int64_t due_us =
        decision.next_us == 0 ? 0 : decision.next_us + schedule->delay_s * PEN_US_PER_SECOND;
    return pen_schedule_set_next(db, schedule->schedule_id, decision.next_us, due_us, err);
}

static enum pen_code fire_batch(struct pen_sched *sched, const struct pen_tick *tick,
                                size_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    struct pen_schedule *due = NULL;
    PEN_TRY(
        pen_schedule_due(pen_sched_db(sched), tick->now_us, BATCH, &arena, &due, ret_count, err));
    for (size_t i = 0; i < *ret_count; i++)
        PEN_TRY(fire(sched, &due[i], tick, err));
    return PEN_OK;
}

enum pen_code pen_scheduler_tick(struct pen_sched *sched, const struct pen_tick *tick,
                                 int64_t *ret_next_us, struct pen_error *err)
{
    struct pen_db *db = pen_sched_db(sched);
    bool is_due = false;
    int64_t next_us = 0;
    size_t count = BATCH;
    PEN_TRY(pen_schedule_is_any_due(db, tick->now_us, &is_due, err));
    while (is_due && count == BATCH) {
        PEN_TRY(pen_sched_begin(sched, err));
        PEN_TRY(pen_sched_leave(sched, fire_batch(sched, tick, &count, err), err));
    }
    if (is_due) /* what is left belongs to schedules whose job is not finished */
        PEN_TRY(pen_schedule_is_any_due(db, tick->now_us, &is_due, err));
    PEN_TRY(pen_schedule_next_due(db, tick->now_us, &next_us, err));
    if (next_us == 0)
        next_us = INT64_MAX;
    if (is_due && next_us > tick->now_us + BUSY_RETRY_US)
        next_us = tick->now_us + BUSY_RETRY_US;
    *ret_next_us = next_us;
    return PEN_OK;
}
