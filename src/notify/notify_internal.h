/* notify_internal.h - the parts of notify/: targets, events, delivery. */
#ifndef PEN_NOTIFY_NOTIFY_INTERNAL_H
#define PEN_NOTIFY_NOTIFY_INTERNAL_H

#include "conf/settings.h"
#include "lake/lake.h"
#include "meta/notice.h"
#include "net/http_client.h"
#include "net/mail.h"
#include "notify/notify.h"

enum pen_event { PEN_EVENT_JOB_ERROR, PEN_EVENT_REJECTS, PEN_EVENT_SCHEDULE_LATE };
#define PEN_EVENT_COUNT 3
extern const char *const pen_event_names[PEN_EVENT_COUNT + 1];

/* One way to one receiver. An entry of the settings with mail and webhook is two targets. */
struct pen_target {
    const char *name;
    bool wants[PEN_EVENT_COUNT];
    int64_t rejects_above, late_after_us;
    const char *const *mail_to; /* NULL: a webhook */
    struct pen_mail_options mail;
    struct pen_webhook_options webhook;
};

struct pen_targets {
    struct pen_target *list;
    size_t count;
};

/* pen_targets_bind - see pen_notifier_new. */
PEN_MUST_USE enum pen_code pen_targets_bind(const struct pen_node *config,
                                            const struct pen_bind *bind,
                                            struct pen_targets *ret_targets, struct pen_error *err);

/* pen_events_collect - notices for all that happened and nobody was told of. */
PEN_MUST_USE enum pen_code pen_events_collect(struct pen_db *db, const struct pen_targets *targets,
                                              int64_t now_us, struct pen_error *err);

/* pen_deliver - sends one notice to its target.
 * errors: what the receiver said; is_retryable when another attempt may help. */
PEN_MUST_USE enum pen_code pen_deliver(const struct pen_target *target,
                                       const struct pen_notice *notice,
                                       struct pen_http_client *http, struct pen_error *err);

#endif
