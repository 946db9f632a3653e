/* duck_watch.h - interrupts a query when somebody asks to stop: the engine knows nothing of signals
 * and kill requests. */
#ifndef PEN_DUCK_DUCK_WATCH_H
#define PEN_DUCK_DUCK_WATCH_H

#include "duck/duck_query.h"

struct pen_duck_watch;

/* pen_duck_watch_start - a thread that looks at *cancel twenty times a second and interrupts the
 * session's query while it is not zero. Session and cancel must outlive the watch.
 * errors: PEN_ERR_INTERNAL without threads. */
PEN_MUST_USE enum pen_code pen_duck_watch_start(struct pen_duck_session *session,
                                                const volatile int *cancel,
                                                struct pen_duck_watch **ret_watch,
                                                struct pen_error *err);

/* pen_duck_watch_stop - joins the thread. NULL is fine. */
void pen_duck_watch_stop(struct pen_duck_watch *watch);
PEN_DEFINE_FREE_P(struct pen_duck_watch *, pen_duck_watch_stop)

#endif
