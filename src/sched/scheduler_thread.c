#include "sched/scheduler_thread.h"

#include "base/civil.h"
#include "conc/cond.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* It looks at least so often: the clock may be set, another process may change schedules. */
#define LONGEST_WAIT_US (5 * PEN_US_PER_SECOND)

struct pen_scheduler_thread {
    struct pen_scheduler_options options;
    atomic_int missed_runs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_news, is_stopping; /* lock */
    int64_t last_us;            /* of the thread: the clock when it ticked last; 0 before */
    pthread_t thread;
    bool is_joined; /* of whoever stops it */
};

static void log_line(void *context, const char *level, const char *text)
{
    const struct pen_scheduler_thread *thread = context;
    pen_log_write(thread->options.log, pen_log_level_from_name(level), "sched", "%s", text);
}

/* Up to the instant (wall clock), or news. false: stopping. */
static bool wait_until(struct pen_scheduler_thread *thread, int64_t until_us)
{
    int64_t wait_us = until_us - pen_now_us();
    wait_us = wait_us < 0 ? 0 : wait_us > LONGEST_WAIT_US ? LONGEST_WAIT_US : wait_us;
    struct timespec until = pen_cond_deadline(wait_us);
    (void)pthread_mutex_lock(&thread->lock); /* a valid mutex: cannot fail */
    int failed = 0;
    while (!thread->has_news && !thread->is_stopping && failed == 0)
        failed = pthread_cond_timedwait(&thread->changed, &thread->lock, &until);
    thread->has_news = false;
    bool is_going_on = !thread->is_stopping;
    (void)pthread_mutex_unlock(&thread->lock);
    return is_going_on;
}

/* At the start and whenever the clock was set back; anything less than a second is its tuning. */
static enum pen_code rearm(struct pen_scheduler_thread *thread, struct pen_sched *sched,
                           const struct pen_tick *how, struct pen_error *err)
{
    size_t moved = 0;
    if (thread->last_us != 0 && how->now_us > thread->last_us - PEN_US_PER_SECOND)
        return PEN_OK;
    PEN_TRY(pen_scheduler_rearm(sched, how, &moved, err));
    if (moved > 0)
        pen_log_write(thread->options.log, PEN_LOG_WARN, "sched",
                      "the clock was ahead: %zu schedules begin again with their next time", moved);
    return PEN_OK;
}

/* When to look again. */
static int64_t tick(struct pen_scheduler_thread *thread, struct pen_sched **sched)
{
    struct pen_error err = {0};
    int64_t next_us = INT64_MAX;
    struct pen_tick how = {.now_us = pen_now_us(),
                           .missed_runs = (enum pen_missed_runs)atomic_load(&thread->missed_runs),
                           .log = log_line,
                           .log_context = thread};
    enum pen_code code = PEN_OK;
    if (*sched == NULL)
        code = pen_sched_open(thread->options.home, sched, &err);
    if (code == PEN_OK)
        code = rearm(thread, *sched, &how, &err);
    if (code == PEN_OK)
        thread->last_us = how.now_us;
    if (code == PEN_OK)
        code = pen_scheduler_tick(*sched, &how, &next_us, &err);
    if (code != PEN_OK) {
        pen_log_write(thread->options.log, PEN_LOG_ERROR, "sched",
                      "the scheduler cannot work, it tries again in a second: %s", err.message);
        return pen_now_us() + PEN_US_PER_SECOND;
    }
    if (thread->options.on_tick != NULL)
        thread->options.on_tick(thread->options.context);
    return next_us;
}

static void *thread_main(void *context)
{
    struct pen_scheduler_thread *thread = context;
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    while (wait_until(thread, tick(thread, &sched)))
        continue;
    return NULL;
}

enum pen_code pen_scheduler_start(const struct pen_scheduler_options *options,
                                  struct pen_scheduler_thread **ret_thread, struct pen_error *err)
{
    struct pen_scheduler_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return pen_fail_nomem(err);
    thread->options = *options;
    atomic_store(&thread->missed_runs, (int)options->missed_runs);
    (void)pthread_mutex_init(&thread->lock, NULL); /* cannot fail with default attributes */
    pen_cond_init(&thread->changed);
    if (pthread_create(&thread->thread, NULL, thread_main, thread) != 0) {
        free(thread);
        return pen_fail(err, PEN_ERR_INTERNAL, "cannot start the scheduler's thread");
    }
    *ret_thread = thread;
    return PEN_OK;
}

void pen_scheduler_wake(struct pen_scheduler_thread *thread)
{
    (void)pthread_mutex_lock(&thread->lock);
    thread->has_news = true;
    (void)pthread_cond_broadcast(&thread->changed);
    (void)pthread_mutex_unlock(&thread->lock);
}

void pen_scheduler_set_missed_runs(struct pen_scheduler_thread *thread,
                                   enum pen_missed_runs missed_runs)
{
    atomic_store(&thread->missed_runs, (int)missed_runs);
}

void pen_scheduler_stop(struct pen_scheduler_thread *thread)
{
    if (thread->is_joined)
        return;
    (void)pthread_mutex_lock(&thread->lock);
    thread->is_stopping = true;
    (void)pthread_cond_broadcast(&thread->changed);
    (void)pthread_mutex_unlock(&thread->lock);
    (void)pthread_join(thread->thread, NULL); /* our own thread: joins */
    thread->is_joined = true;
}

void pen_scheduler_free(struct pen_scheduler_thread *thread)
{
    if (thread == NULL)
        return;
    pen_scheduler_stop(thread);
    (void)pthread_cond_destroy(&thread->changed);
    (void)pthread_mutex_destroy(&thread->lock);
    free(thread);
}
