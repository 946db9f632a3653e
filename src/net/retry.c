#include "net/retry.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/civil.h"
#include "base/say.h"
#include "net/http_date.h"

#define CANCEL_POLL_MS 50

int64_t pen_retry_wait_ms(const struct pen_retry_policy *policy, int n)
{
    int64_t wait = policy->initial_retry_interval_millis;
    if (wait < 0)
        wait = 0;
    for (int i = 1; i < n; i++) {
        wait = wait > INT64_MAX / 2 ? INT64_MAX : wait * 2;
        if (wait > policy->maximum_retry_interval_millis)
            wait = policy->maximum_retry_interval_millis;
        if (wait == policy->maximum_retry_interval_millis)
            break;
    }
    return wait < 0 ? 0 : wait;
}

/* Equal jitter: half of the wait, and a random part of the other half, so that many that were
 * refused together do not come back together. */
static int64_t jittered(int64_t wait_ms)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = (uint32_t)pen_monotonic_us();
    int64_t half = wait_ms / 2;
    return wait_ms - (half == 0 ? 0 : (int64_t)random % (half + 1));
}

/* false: cancelled */
static bool sleep_ms(int64_t ms, const volatile int *cancel)
{
    int64_t until_us = ms > INT64_MAX / 2000 ? INT64_MAX : pen_monotonic_us() + ms * 1000;
    for (;;) {
        if (cancel != NULL && *cancel != 0)
            return false;
        int64_t left_us = until_us - pen_monotonic_us();
        if (left_us <= 0)
            return true;
        if (left_us > CANCEL_POLL_MS * 1000)
            left_us = CANCEL_POLL_MS * 1000;
        struct timespec nap = {0, (long)left_us * 1000};
        (void)nanosleep(&nap, NULL); /* woken early: the loop looks at the clock */
    }
}

/* The specification wants the first error of the sequence reported; one line gives both. */
static bool give_up(struct pen_retry *retry, struct pen_error *failed)
{
    if (retry->retries == 0 || failed->code == PEN_ERR_CANCELLED)
        return false;
    PEN_SAY(retry, "warn", "%s failed %d times. First: %s. Last: %s", retry->operation,
            retry->retries + 1, retry->first.message, failed->message);
    *failed = retry->first;
    return false;
}

bool pen_retry_again(struct pen_retry *retry, struct pen_error *failed, int64_t retry_after_ms)
{
    if (!failed->is_retryable || retry->retries >= retry->policy.maximum_retries)
        return give_up(retry, failed);
    if (retry->retries == 0)
        retry->first = *failed;
    retry->retries++;
    int64_t nominal = pen_retry_wait_ms(&retry->policy, retry->retries);
    int64_t wait = jittered(nominal);
    if (retry_after_ms > retry->policy.maximum_retry_interval_millis)
        retry_after_ms = retry->policy.maximum_retry_interval_millis;
    if (retry_after_ms > nominal)
        nominal = wait = retry_after_ms;
    else if (retry_after_ms > wait)
        wait = retry_after_ms;
    PEN_SAY(retry, "warn", "%s failed. Retrying %d/%d after %lld seconds. Message: %s",
            retry->operation, retry->retries, retry->policy.maximum_retries,
            (long long)(nominal / 1000), failed->message);
    if (sleep_ms(wait, retry->cancel))
        return true;
    (void)pen_fail(failed, PEN_ERR_CANCELLED, "cancelled while waiting to try again");
    return false;
}

int64_t pen_retry_after_ms(const char *value, int64_t now_utc_us)
{
    if (value[0] >= '0' && value[0] <= '9') {
        int64_t seconds = 0;
        const char *at = value;
        for (; *at >= '0' && *at <= '9' && seconds < 100000000; at++)
            seconds = seconds * 10 + (*at - '0');
        return *at == '\0' ? seconds * 1000 : 0;
    }
    int64_t until_us = 0;
    if (!pen_http_date_us(pen_slice_str(value), &until_us) || until_us <= now_utc_us)
        return 0;
    return (until_us - now_utc_us) / 1000;
}
