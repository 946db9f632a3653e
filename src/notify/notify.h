/* notify.h - tells people (mail) and programs (webhook) what went wrong.
 *
 *     finished jobs, late schedules --what targets want--> notices --mail | webhook--> sent
 *                                                             \--again later, up to ten times
 *
 * Events and their notices are one transaction in the metadata, so that a restart neither forgets
 * nor repeats them; delivery is at least once. Jobs that other processes ran count too.
 * The targets are `notifications` in penstock.yml: docs/notifications.md. */
#ifndef PEN_NOTIFY_NOTIFY_H
#define PEN_NOTIFY_NOTIFY_H

#include "conf/options.h"
#include "log/log.h"

struct pen_notifier;

struct pen_notifier_options {
    const char *home;              /* absolute; borrowed */
    const struct pen_node *config; /* the list `notifications`; NULL for none; outlives it */
    struct pen_bind bind;          /* for places of errors; its arena outlives the notifier */
    struct pen_log *log;           /* may be NULL */
};

/* pen_notifier_new - binds the targets. errors: PEN_ERR_CONFIG with place: a wrong address or URL,
 * a target without mail and webhook. Nothing is sent. */
PEN_MUST_USE enum pen_code pen_notifier_new(const struct pen_notifier_options *options,
                                            struct pen_notifier **ret_notifier,
                                            struct pen_error *err);
void pen_notifier_free(struct pen_notifier *notifier);
PEN_DEFINE_FREE_P(struct pen_notifier *, pen_notifier_free)

/* pen_notifier_tick - notes what happened up to now_us, and sends what is due. Failed deliveries
 * are logged and tried again by a later tick; an error is one of the metadata.
 * thread: one at a time. cost: up to a minute for each target that does not answer. */
PEN_MUST_USE enum pen_code pen_notifier_tick(struct pen_notifier *notifier, int64_t now_us,
                                             struct pen_error *err);

/* pen_notifier_start - a thread that ticks every five seconds. pen_notifier_stop - ends it; fine
 * when it never started; free does it too. */
PEN_MUST_USE enum pen_code pen_notifier_start(struct pen_notifier *notifier, struct pen_error *err);
void pen_notifier_stop(struct pen_notifier *notifier);

/* pen_notifier_targets - how many there are. pen_notifier_target_name - "mail ana@example.com",
 * "webhook https://host/path". */
size_t pen_notifier_targets(const struct pen_notifier *notifier);
const char *pen_notifier_target_name(const struct pen_notifier *notifier, size_t index);

/* pen_notifier_try - sends a test message to one target at once. */
PEN_MUST_USE enum pen_code pen_notifier_try(struct pen_notifier *notifier, size_t index,
                                            struct pen_error *err);

#endif
