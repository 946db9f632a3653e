/* monitor.c - keeps a running job's lease, hears kill requests, reports progress. */
#include "conc/cond.h"
#include "run/job_run_internal.h"

#define TICK_US 100000

/* Waits for a tick, or for the stop: a short job must not wait for its monitor's next look. */
static bool has_stopped_within_tick(struct pen_monitor *monitor)
{
    struct timespec until = pen_cond_deadline(TICK_US);
    (void)pthread_mutex_lock(&monitor->lock);
    if (!monitor->is_stopping)
        (void)pthread_cond_timedwait(&monitor->stopped, &monitor->lock, &until);
    bool is_stopping = monitor->is_stopping;
    (void)pthread_mutex_unlock(&monitor->lock);
    return is_stopping;
}

struct pen_job_counts pen_job_run_counts(const struct pen_job_run *run)
{
    const struct pen_progress *p = &run->progress;
    return (struct pen_job_counts){
        .records = atomic_load_explicit(&p->rows, memory_order_relaxed),
        .rejected = atomic_load_explicit(&p->rejected, memory_order_relaxed),
        .bytes = atomic_load_explicit(&p->stored_bytes, memory_order_relaxed),
        .objects = atomic_load_explicit(&p->objects, memory_order_relaxed),
        .replaced = atomic_load_explicit(&p->replaced, memory_order_relaxed),
    };
}

static void heartbeat(struct pen_job_run *run, struct pen_db *db)
{
    struct pen_job_counts counts = pen_job_run_counts(run);
    struct pen_error err = {0};
    bool is_kill_requested = false;
    enum pen_code code =
        pen_job_heartbeat(db, run->job.job_id, run->owner, pen_now_us() + PEN_LEASE_US, &counts,
                          &is_kill_requested, &err);
    if (code == PEN_OK && is_kill_requested) {
        atomic_store(&run->is_kill_requested, true);
        run->cancel = 1;
    } else if (code == PEN_ERR_CONFLICT && !err.is_retryable) {
        atomic_store(&run->is_lease_lost, true);
        run->cancel = 1;
    } else if (code != PEN_OK) {
        /* the lease outlives several missed heartbeats: the next one may succeed */
        PEN_SAY(&run->env, "warn", "heartbeat failed: %s", err.message);
    }
}

/* Between the heartbeats, so that a kill is heard at once. */
static void hear_kill(struct pen_job_run *run, struct pen_db *db)
{
    bool is_requested = false;
    if (pen_job_is_kill_requested(db, run->job.job_id, &is_requested, NULL) != PEN_OK)
        return; /* the next heartbeat says what is wrong */
    if (!is_requested)
        return;
    atomic_store(&run->is_kill_requested, true);
    run->cancel = 1;
}

static void *monitor_main(void *context)
{
    struct pen_job_run *run = context;
    PEN_CLEANUP(pen_db_close_p) struct pen_db *db = NULL;
    struct pen_error err = {0};
    if (pen_db_open(pen_db_path(pen_lake_db(run->lake)), PEN_DB_WRITE, 0, &db, &err) != PEN_OK)
        PEN_SAY(&run->env, "warn", "no heartbeat: %s", err.message);
    int64_t next_heartbeat_us = pen_monotonic_us(), next_look_us = next_heartbeat_us;
    do {
        if (run->caller_cancel != NULL && *run->caller_cancel != 0)
            run->cancel = 1;
        int64_t now_us = pen_monotonic_us();
        if (db != NULL && now_us >= next_heartbeat_us) {
            heartbeat(run, db);
            next_heartbeat_us = now_us + PEN_HEARTBEAT_US;
        } else if (db != NULL && now_us >= next_look_us) {
            hear_kill(run, db);
            next_look_us = now_us + PEN_KILL_LOOK_US;
        }
        if (run->options->on_progress != NULL)
            run->options->on_progress(run->options->context, &run->progress,
                                      now_us - run->started_monotonic_us);
    } while (!has_stopped_within_tick(&run->monitor));
    return NULL;
}

enum pen_code pen_monitor_start(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_monitor *monitor = &run->monitor;
    (void)pthread_mutex_init(&monitor->lock, NULL); /* cannot fail with default attributes */
    pen_cond_init(&monitor->stopped);
    monitor->is_stopping = false;
    int failed = pthread_create(&monitor->thread, NULL, monitor_main, run);
    if (failed != 0) {
        (void)pthread_cond_destroy(&monitor->stopped);
        (void)pthread_mutex_destroy(&monitor->lock);
        return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    }
    monitor->is_started = true;
    return PEN_OK;
}

void pen_monitor_stop(struct pen_job_run *run)
{
    struct pen_monitor *monitor = &run->monitor;
    if (!monitor->is_started)
        return;
    (void)pthread_mutex_lock(&monitor->lock);
    monitor->is_stopping = true;
    (void)pthread_cond_signal(&monitor->stopped);
    (void)pthread_mutex_unlock(&monitor->lock);
    (void)pthread_join(monitor->thread, NULL); /* our own thread: joins */
    (void)pthread_cond_destroy(&monitor->stopped);
    (void)pthread_mutex_destroy(&monitor->lock);
    monitor->is_started = false;
}
