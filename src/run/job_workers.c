#include "run/job_workers.h"

#include "base/civil.h"
#include "conc/cond.h"
#include "lake/lake.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How often the queue is looked at without being told, and jobs of dead processes are. */
#define LOOK_US     (200 * 1000)
#define RECOVER_US  (2 * PEN_US_PER_SECOND)

#define WORKER_NICE 10

struct pen_job_workers {
    struct pen_job_workers_options options;
    volatile int cancel; /* running jobs are to give up */
    atomic_uint running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool is_stopping; /* set under the lock */
    bool has_news;           /* lock: the watch thread is to look now */
    unsigned tickets;        /* lock: how many workers may try to take a job */
    pthread_t *threads;
    unsigned thread_count;
    pthread_t watch;
    bool has_watch;
};

/* --- a worker --------------------------------------------------------------------------------- */

/* Waits for a job that can be taken. false: stopping. */
static bool take_ticket(struct pen_job_workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock); /* a valid mutex: cannot fail */
    while (workers->tickets == 0 && !atomic_load(&workers->is_stopping))
        (void)pthread_cond_wait(&workers->changed, &workers->lock);
    bool is_given = !atomic_load(&workers->is_stopping);
    if (is_given)
        workers->tickets--;
    (void)pthread_mutex_unlock(&workers->lock);
    return is_given;
}

static void log_line(void *context, const char *level, const char *text)
{
    struct pen_job_workers *workers = context;
    pen_log_write(workers->options.log, pen_log_level_from_name(level), "run", "%s", text);
}

static void tell_end(struct pen_job_workers *workers, const struct pen_run_result *result,
                     enum pen_code code, const struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_job job = {0};
    pen_log_write(workers->options.log, code == PEN_OK ? PEN_LOG_INFO : PEN_LOG_WARN, "run",
                  "job %" PRId64 ": %s, %" PRIu64 " records in %.1f s%s%s", result->job_id,
                  pen_job_status_name(result->status), result->counts.records,
                  (double)result->elapsed_us / (double)PEN_US_PER_SECOND,
                  code == PEN_OK ? "" : ": ", code == PEN_OK ? "" : err->message);
    if (workers->options.on_end == NULL ||
        pen_lake_open(workers->options.home, PEN_DB_WRITE, &lake, NULL) != PEN_OK ||
        pen_job_get(pen_lake_db(lake), result->job_id, &arena, &job, NULL) != PEN_OK)
        return;
    struct pen_job_ended ended = {.job = &job, .result = result, .code = code, .err = err};
    workers->options.on_end(workers->options.context, &ended);
}

/* Jobs until there is none to take. */
static void run_jobs(struct pen_job_workers *workers)
{
    struct pen_run_env env = {.home = workers->options.home,
                              .cancel = &workers->cancel,
                              .log = log_line,
                              .log_context = workers,
                              .traffic = workers->options.traffic};
    for (;;) {
        (void)pthread_mutex_lock(&workers->lock);
        struct pen_execute_options options = {
            .max_threads = workers->options.max_threads,
            .query_memory_bytes = workers->options.query_memory_bytes,
            .temp_folder = workers->options.temp_folder,
            .is_given_back = true,
        };
        (void)pthread_mutex_unlock(&workers->lock);
        struct pen_run_result result = {.job_id = 0};
        struct pen_error err = {0};
        (void)atomic_fetch_add(&workers->running, 1);
        enum pen_code code = pen_run_execute(&env, &options, &result, &err);
        (void)atomic_fetch_sub(&workers->running, 1);
        if (result.job_id == 0) {
            if (code != PEN_OK)
                pen_log_write(workers->options.log, PEN_LOG_ERROR, "run",
                              "cannot take a job out of the queue: %s", err.message);
            return;
        }
        tell_end(workers, &result, code, &err);
        if (workers->cancel != 0 || atomic_load(&workers->is_stopping))
            return;
    }
}

static void *worker_main(void *context)
{
    struct pen_job_workers *workers = context;
    /* of this thread and those it starts; without it jobs run as before */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
    while (take_ticket(workers))
        run_jobs(workers);
    return NULL;
}

/* --- the watch thread ------------------------------------------------------------------------- */

static void recover(struct pen_job_workers *workers)
{
    struct pen_run_env env = {
        .home = workers->options.home, .log = log_line, .log_context = workers};
    struct pen_error err = {0};
    if (pen_run_recover(&env, &err) != PEN_OK)
        pen_log_write(workers->options.log, PEN_LOG_WARN, "run",
                      "cannot look after jobs of dead processes: %s", err.message);
}

static void give_ticket(struct pen_job_workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    if (workers->tickets == 0)
        workers->tickets = 1;
    (void)pthread_cond_broadcast(&workers->changed);
    (void)pthread_mutex_unlock(&workers->lock);
}

/* false: stopping. */
static bool wait_for_news(struct pen_job_workers *workers)
{
    struct timespec until = pen_cond_deadline(LOOK_US);
    (void)pthread_mutex_lock(&workers->lock);
    if (!workers->has_news && !atomic_load(&workers->is_stopping))
        (void)pthread_cond_timedwait(&workers->changed, &workers->lock, &until);
    workers->has_news = false;
    bool is_going_on = !atomic_load(&workers->is_stopping);
    (void)pthread_mutex_unlock(&workers->lock);
    return is_going_on;
}

static void *watch_main(void *context)
{
    struct pen_job_workers *workers = context;
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    int64_t recover_at_us = 0;
    do {
        struct pen_error err = {0};
        bool is_claimable = false;
        if (lake == NULL &&
            pen_lake_open(workers->options.home, PEN_DB_WRITE, &lake, &err) != PEN_OK) {
            pen_log_write(workers->options.log, PEN_LOG_ERROR, "run", "no look at the queue: %s",
                          err.message);
            continue;
        }
        if (pen_monotonic_us() >= recover_at_us) {
            recover(workers);
            recover_at_us = pen_monotonic_us() + RECOVER_US;
        }
        if (atomic_load(&workers->running) < workers->options.count &&
            pen_job_is_claimable(pen_lake_db(lake), &is_claimable, NULL) == PEN_OK && is_claimable)
            give_ticket(workers);
    } while (wait_for_news(workers));
    return NULL;
}

/* --- all of them ------------------------------------------------------------------------------ */

static enum pen_code start(struct pen_job_workers *workers, struct pen_error *err)
{
    workers->threads = calloc(workers->options.count, sizeof *workers->threads);
    if (workers->threads == NULL)
        return pen_fail_nomem(err);
    for (; workers->thread_count < workers->options.count; workers->thread_count++) {
        int failed =
            pthread_create(&workers->threads[workers->thread_count], NULL, worker_main, workers);
        if (failed != 0)
            return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    }
    int failed = pthread_create(&workers->watch, NULL, watch_main, workers);
    if (failed != 0)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    workers->has_watch = true;
    return PEN_OK;
}

enum pen_code pen_job_workers_start(const struct pen_job_workers_options *options,
                                    struct pen_job_workers **ret_workers, struct pen_error *err)
{
    struct pen_job_workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL)
        return pen_fail_nomem(err);
    workers->options = *options;
    (void)pthread_mutex_init(&workers->lock, NULL); /* cannot fail with default attributes */
    pen_cond_init(&workers->changed);
    enum pen_code code = start(workers, err);
    if (code != PEN_OK) {
        pen_job_workers_free(workers);
        return code;
    }
    *ret_workers = workers;
    return PEN_OK;
}

void pen_job_workers_configure(struct pen_job_workers *workers, unsigned max_threads,
                               uint64_t query_memory_bytes)
{
    (void)pthread_mutex_lock(&workers->lock);
    workers->options.max_threads = max_threads;
    workers->options.query_memory_bytes = query_memory_bytes;
    (void)pthread_mutex_unlock(&workers->lock);
}

void pen_job_workers_wake(struct pen_job_workers *workers)
{
    (void)pthread_mutex_lock(&workers->lock);
    workers->has_news = true;
    (void)pthread_cond_broadcast(&workers->changed);
    (void)pthread_mutex_unlock(&workers->lock);
}

unsigned pen_job_workers_running(const struct pen_job_workers *workers)
{
    return atomic_load(&workers->running);
}

static void wait_for_jobs(struct pen_job_workers *workers, int64_t drain_ms)
{
    const struct timespec pause = {0, 20 * 1000 * 1000};
    int64_t until_us = pen_monotonic_us() + drain_ms * 1000;
    while (atomic_load(&workers->running) > 0 && pen_monotonic_us() < until_us)
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
}

void pen_job_workers_stop(struct pen_job_workers *workers, int64_t drain_ms)
{
    (void)pthread_mutex_lock(&workers->lock);
    atomic_store(&workers->is_stopping, true);
    (void)pthread_cond_broadcast(&workers->changed);
    (void)pthread_mutex_unlock(&workers->lock);
    wait_for_jobs(workers, drain_ms);
    workers->cancel = 1;
    for (unsigned i = 0; i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL); /* our own threads: join */
    workers->thread_count = 0;
    if (workers->has_watch)
        (void)pthread_join(workers->watch, NULL);
    workers->has_watch = false;
}

void pen_job_workers_free(struct pen_job_workers *workers)
{
    if (workers == NULL)
        return;
    pen_job_workers_stop(workers, 0);
    (void)pthread_cond_destroy(&workers->changed);
    (void)pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}
