/* notifier.c - the tick: collect events, send what is due; and the thread that ticks. */
#include "conc/cond.h"
#include "notify/notify_internal.h"

#include <pthread.h>
#include <stdlib.h>

#define TICK_US       (5 * PEN_US_PER_SECOND)
#define MOST_ATTEMPTS 10
#define FIRST_WAIT_US (30 * PEN_US_PER_SECOND)
#define MOST_WAIT_US  (3600 * PEN_US_PER_SECOND)
#define MOST_AT_ONCE  50

struct pen_notifier {
    struct pen_targets targets;
    struct pen_lake *lake;
    struct pen_http_client *http;
    struct pen_log *log;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock; /* guards is_stopping */
    pthread_cond_t stopped;
    bool is_stopping;
};

enum pen_code pen_notifier_new(const struct pen_notifier_options *options,
                               struct pen_notifier **ret_notifier, struct pen_error *err)
{
    PEN_CLEANUP(pen_notifier_free_p) struct pen_notifier *notifier = calloc(1, sizeof *notifier);
    if (notifier == NULL)
        return pen_fail_nomem(err);
    (void)pthread_mutex_init(&notifier->lock, NULL); /* cannot fail with default attributes */
    pen_cond_init(&notifier->stopped);
    notifier->log = options->log;
    PEN_TRY(pen_targets_bind(options->config, &options->bind, &notifier->targets, err));
    PEN_TRY(pen_lake_open(options->home, PEN_DB_CREATE, &notifier->lake, err));
    PEN_TRY(pen_http_client_new(NULL, &notifier->http, err));
    *ret_notifier = PEN_TAKE(notifier);
    return PEN_OK;
}

void pen_notifier_free(struct pen_notifier *notifier)
{
    if (notifier == NULL)
        return;
    pen_notifier_stop(notifier);
    pen_http_client_free(notifier->http);
    pen_lake_close(notifier->lake);
    (void)pthread_cond_destroy(&notifier->stopped);
    (void)pthread_mutex_destroy(&notifier->lock);
    free(notifier);
}

size_t pen_notifier_targets(const struct pen_notifier *notifier)
{
    return notifier->targets.count;
}

const char *pen_notifier_target_name(const struct pen_notifier *notifier, size_t index)
{
    return notifier->targets.list[index].name;
}

enum pen_code pen_notifier_try(struct pen_notifier *notifier, size_t index, struct pen_error *err)
{
    const struct pen_notice notice = {.kind = "test",
                                      .title = "a test of the notifications",
                                      .body = "{\"test\":true}",
                                      .created_us = pen_now_us()};
    return pen_deliver(&notifier->targets.list[index], &notice, notifier->http, err);
}

/* --- the tick --------------------------------------------------------------------------------- */

static const struct pen_target *find_target(const struct pen_notifier *notifier, const char *name)
{
    for (size_t i = 0; i < notifier->targets.count; i++)
        if (strcmp(notifier->targets.list[i].name, name) == 0)
            return &notifier->targets.list[i];
    return NULL;
}

/* 30 s, doubled each time, at most an hour. */
static int64_t wait_us(int attempts)
{
    int64_t wait = FIRST_WAIT_US;
    for (int i = 0; i < attempts && wait < MOST_WAIT_US; i++)
        wait *= 2;
    return wait < MOST_WAIT_US ? wait : MOST_WAIT_US;
}

static enum pen_code note_failure(struct pen_notifier *notifier, const struct pen_notice *notice,
                                  const struct pen_error *failed, int64_t now_us,
                                  struct pen_error *err)
{
    bool is_over = !failed->is_retryable || notice->attempts + 1 >= MOST_ATTEMPTS;
    pen_log_write(notifier->log, is_over ? PEN_LOG_ERROR : PEN_LOG_WARN, "notify",
                  "'%s' did not reach %s, attempt %d%s: %s", notice->title, notice->target,
                  notice->attempts + 1, is_over ? ", given up" : "", failed->message);
    return pen_notice_failed(pen_lake_db(notifier->lake), notice->notice_id,
                             is_over ? 0 : now_us + wait_us(notice->attempts), failed->message,
                             err);
}

static enum pen_code send_one(struct pen_notifier *notifier, const struct pen_notice *notice,
                              int64_t now_us, struct pen_error *err)
{
    struct pen_error failed = {0};
    const struct pen_target *target = find_target(notifier, notice->target);
    enum pen_code code = target == NULL
                             ? pen_fail(&failed, PEN_ERR_CONFIG, "the settings no longer name it")
                             : pen_deliver(target, notice, notifier->http, &failed);
    if (code != PEN_OK)
        return note_failure(notifier, notice, &failed, now_us, err);
    pen_log_write(notifier->log, PEN_LOG_INFO, "notify", "'%s' went to %s", notice->title,
                  notice->target);
    return pen_notice_sent(pen_lake_db(notifier->lake), notice->notice_id, err);
}

enum pen_code pen_notifier_tick(struct pen_notifier *notifier, int64_t now_us,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_db *db = pen_lake_db(notifier->lake);
    struct pen_notice *due = NULL;
    size_t count = 0;
    PEN_TRY(pen_events_collect(db, &notifier->targets, now_us, err));
    PEN_TRY(pen_notice_due(db, now_us, MOST_AT_ONCE, &arena, &due, &count, err));
    for (size_t i = 0; i < count; i++)
        PEN_TRY(send_one(notifier, &due[i], now_us, err));
    return PEN_OK;
}

/* --- the thread ------------------------------------------------------------------------------- */

static bool has_stopped_within_tick(struct pen_notifier *notifier)
{
    struct timespec until = pen_cond_deadline(TICK_US);
    (void)pthread_mutex_lock(&notifier->lock);
    if (!notifier->is_stopping)
        (void)pthread_cond_timedwait(&notifier->stopped, &notifier->lock, &until);
    bool is_stopping = notifier->is_stopping;
    (void)pthread_mutex_unlock(&notifier->lock);
    return is_stopping;
}

static void *thread_main(void *context)
{
    struct pen_notifier *notifier = context;
    do {
        struct pen_error err = {0};
        if (pen_notifier_tick(notifier, pen_now_us(), &err) != PEN_OK)
            pen_log_write(notifier->log, PEN_LOG_ERROR, "notify", "notifications: %s", err.message);
    } while (!has_stopped_within_tick(notifier));
    return NULL;
}

enum pen_code pen_notifier_start(struct pen_notifier *notifier, struct pen_error *err)
{
    int failed = pthread_create(&notifier->thread, NULL, thread_main, notifier);
    if (failed != 0)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    notifier->is_started = true;
    return PEN_OK;
}

void pen_notifier_stop(struct pen_notifier *notifier)
{
    if (!notifier->is_started)
        return;
    (void)pthread_mutex_lock(&notifier->lock);
    notifier->is_stopping = true;
    (void)pthread_cond_signal(&notifier->stopped);
    (void)pthread_mutex_unlock(&notifier->lock);
    (void)pthread_join(notifier->thread, NULL); /* our own thread: joins */
    notifier->is_started = false;
}
