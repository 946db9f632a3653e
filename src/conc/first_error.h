/* first_error.h - the error that several threads end with: the first one counts, but not that of a
 * thread which only stopped because another one had failed.
 * thread: any; has_failed may be polled. */
#ifndef PEN_CONC_FIRST_ERROR_H
#define PEN_CONC_FIRST_ERROR_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>

struct pen_first_error {
    atomic_bool has_failed;
    pthread_mutex_t lock; /* guards err */
    struct pen_error err;
};

/* PEN_FIRST_ERROR - nothing has failed yet; nothing to release. */
#define PEN_FIRST_ERROR ((struct pen_first_error){.lock = PTHREAD_MUTEX_INITIALIZER})

/* pen_first_error_note - keeps *err when it is the first, or the first after PEN_ERR_CANCELLED. */
void pen_first_error_note(struct pen_first_error *first, const struct pen_error *err);

/* pen_first_error_get - after the threads ended: PEN_OK, or the error that counts. */
PEN_MUST_USE enum pen_code pen_first_error_get(const struct pen_first_error *first,
                                               struct pen_error *err);

#endif
