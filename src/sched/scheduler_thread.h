/* scheduler_thread.h - a thread that runs the scheduler's tick whenever something is due. */
#ifndef PEN_SCHED_SCHEDULER_THREAD_H
#define PEN_SCHED_SCHEDULER_THREAD_H

#include "log/log.h"
#include "sched/sched.h"

struct pen_scheduler_thread;

struct pen_scheduler_options {
    const char *home;
    enum pen_missed_runs missed_runs;
    struct pen_log *log; /* may be NULL */
    /* after each tick: jobs may have been queued; may be NULL */
    void (*on_tick)(void *context);
    void *context;
};

/* pen_scheduler_start - options are copied, texts borrowed.
 * pen_scheduler_wake - a schedule was changed or a job ended: look now. thread: any.
 * pen_scheduler_set_missed_runs - from the next tick on. thread: any.
 * pen_scheduler_stop - joins the thread; waking is harmless afterwards. Idempotent.
 * pen_scheduler_free - stops and frees. NULL is fine. */
PEN_MUST_USE enum pen_code pen_scheduler_start(const struct pen_scheduler_options *options,
                                               struct pen_scheduler_thread **ret_thread,
                                               struct pen_error *err);
void pen_scheduler_wake(struct pen_scheduler_thread *thread);
void pen_scheduler_set_missed_runs(struct pen_scheduler_thread *thread,
                                   enum pen_missed_runs missed_runs);
void pen_scheduler_stop(struct pen_scheduler_thread *thread);
void pen_scheduler_free(struct pen_scheduler_thread *thread);

#endif
