/* cond.h - condition variables that wait by the monotonic clock: setting the wall clock neither
 * ends a wait early nor makes it last. Every wait in the program has a deadline.
 *
 *     pen_cond_init(&cond);
 *     struct timespec until = pen_cond_deadline(100000);
 *     while (!has_news && pthread_cond_timedwait(&cond, &lock, &until) == 0) ...
 *
 * thread: any. */
#ifndef PEN_CONC_COND_H
#define PEN_CONC_COND_H

#include <pthread.h>
#include <stdint.h>

/* pen_cond_init - a condition for pen_cond_deadline; released by pthread_cond_destroy. Cannot fail
 * on Linux: it only writes to *cond. */
void pen_cond_init(pthread_cond_t *cond);

/* pen_cond_deadline - the instant `wait_us` (>= 0) from now, as pthread_cond_timedwait takes it. */
struct timespec pen_cond_deadline(int64_t wait_us);

#endif
