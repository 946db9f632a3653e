/* retry.h - how often and how long to wait before trying again.
 *
 *     attempt --error--> pen_retry_again: waits and says true, or false with the error to report
 *
 * Retry n waits w(n): initial interval, then doubled, capped (the first is not); equal jitter picks
 * between w(n)/2 and w(n); a Retry-After of the server is waited in full, within the maximum.
 * source: spec of the S3 input, section 8; deviations: docs/s3.md.
 * thread: one at a time per struct. */
#ifndef PEN_NET_RETRY_H
#define PEN_NET_RETRY_H

#include "base/error.h"

struct pen_retry_policy {
    int maximum_retries; /* 0: a single attempt */
    int64_t initial_retry_interval_millis;
    int64_t maximum_retry_interval_millis;
};

#define PEN_RETRY_DEFAULT ((struct pen_retry_policy){7, 2000, 480000})

/* One line of log: level "info", "warn" or "debug"; from the calling thread. */
typedef void (*pen_retry_log_fn)(void *context, const char *level, const char *text);

struct pen_retry {
    struct pen_retry_policy policy;
    const char *operation;      /* "Listing objects": begins every warning; borrowed */
    const volatile int *cancel; /* non-zero ends a wait; may be NULL */
    pen_retry_log_fn log;       /* may be NULL */
    void *log_context;
    /* private */
    int retries;
    struct pen_error first;
};

/* pen_retry_wait_ms - w(n) for n = 1, 2, ...; without jitter. */
int64_t pen_retry_wait_ms(const struct pen_retry_policy *policy, int n);

/* pen_retry_again - after a failed attempt: true when it has waited and the caller is to try again.
 * in:  `failed`: the attempt's error, not retried unless is_retryable; retry_after_ms: what the
 *      server asked for, 0 for nothing.
 * out: on false *failed is what to report: the first error of the sequence, or PEN_ERR_CANCELLED.
 */
bool pen_retry_again(struct pen_retry *retry, struct pen_error *failed, int64_t retry_after_ms);

/* pen_retry_after_ms - the value of a Retry-After header: seconds or an HTTP date; 0 when absent or
 * unreadable. in: now_utc_us for dates. */
int64_t pen_retry_after_ms(const char *value, int64_t now_utc_us);

#endif
