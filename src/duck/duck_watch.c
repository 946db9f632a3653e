#include "duck/duck_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct pen_duck_watch {
    struct pen_duck_session *session;
    const volatile int *cancel;
    _Atomic bool is_over;
    pthread_t thread;
};

static void *watch_main(void *context)
{
    struct pen_duck_watch *watch = context;
    const struct timespec pause = {0, 50 * 1000 * 1000};
    while (!watch->is_over) {
        if (*watch->cancel != 0)
            pen_duck_session_interrupt(watch->session);
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
    }
    return NULL;
}

enum pen_code pen_duck_watch_start(struct pen_duck_session *session, const volatile int *cancel,
                                   struct pen_duck_watch **ret_watch, struct pen_error *err)
{
    struct pen_duck_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return pen_fail_nomem(err);
    watch->session = session;
    watch->cancel = cancel;
    int failed = pthread_create(&watch->thread, NULL, watch_main, watch);
    if (failed != 0) {
        free(watch);
        return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    }
    *ret_watch = watch;
    return PEN_OK;
}

void pen_duck_watch_stop(struct pen_duck_watch *watch)
{
    if (watch == NULL)
        return;
    watch->is_over = true;
    (void)pthread_join(watch->thread, NULL); /* our own thread: joins */
    free(watch);
}
