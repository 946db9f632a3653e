#include "unit.h"

#include "base/civil.h"
#include "net/http_date.h"
#include "net/retry.h"

struct log {
    char lines[8][512];
    int count;
};

static void take_line(void *context, const char *level, const char *text)
{
    struct log *log = context;
    assert_string_equal(level, "warn");
    assert_true(log->count < 8);
    (void)snprintf(log->lines[log->count++], sizeof *log->lines, "%s", text);
}

static struct pen_error failure(const char *message, bool is_retryable)
{
    struct pen_error error = {0};
    (void)pen_fail(&error, PEN_ERR_IO, "%s", message);
    error.is_retryable = is_retryable;
    return error;
}

static void wait_doubles_up_to_the_maximum(void **state)
{
    (void)state;
    const int64_t expected[] = {2000,  4000,   8000,   16000,  32000,
                                64000, 128000, 256000, 480000, 480000};
    struct pen_retry_policy policy = PEN_RETRY_DEFAULT;
    assert_int_equal(policy.maximum_retries, 7);
    for (int n = 1; n <= 10; n++)
        assert_int_equal(pen_retry_wait_ms(&policy, n), expected[n - 1]);
    assert_int_equal(pen_retry_wait_ms(&policy, 1000000), 480000);
}

static void wait_does_not_cap_the_first(void **state)
{
    (void)state;
    struct pen_retry_policy policy = {3, 5000, 1000};
    assert_int_equal(pen_retry_wait_ms(&policy, 1), 5000);
    assert_int_equal(pen_retry_wait_ms(&policy, 2), 1000);
    assert_int_equal(pen_retry_wait_ms(&policy, 3), 1000);
}

static void wait_of_absurd_settings_does_not_overflow(void **state)
{
    (void)state;
    struct pen_retry_policy huge = {1000, INT64_MAX, INT64_MAX}, negative = {1000, -5, -1};
    assert_int_equal(pen_retry_wait_ms(&huge, 500), INT64_MAX);
    assert_int_equal(pen_retry_wait_ms(&negative, 500), 0);
    assert_int_equal(pen_retry_wait_ms(&negative, 1), 0);
}

static void again_reports_the_first_error_after_the_last_retry(void **state)
{
    (void)state;
    struct log log = {0};
    struct pen_retry retry = {.policy = {2, 1, 1},
                              .operation = "Getting object 'a/b'",
                              .log = take_line,
                              .log_context = &log};
    struct pen_error one = failure("first", true), two = failure("second", true),
                     three = failure("third", true);
    assert_true(pen_retry_again(&retry, &one, 0));
    assert_true(pen_retry_again(&retry, &two, 0));
    assert_false(pen_retry_again(&retry, &three, 0));
    assert_string_equal(three.message, "first");
    assert_int_equal(log.count, 3);
    assert_string_equal(log.lines[0], "Getting object 'a/b' failed. Retrying 1/2 after 0 seconds. "
                                      "Message: first");
    assert_string_equal(log.lines[1], "Getting object 'a/b' failed. Retrying 2/2 after 0 seconds. "
                                      "Message: second");
    assert_non_null(strstr(log.lines[2], "first"));
    assert_non_null(strstr(log.lines[2], "third"));
}

static void again_never_retries_what_cannot_be_cured(void **state)
{
    (void)state;
    struct log log = {0};
    struct pen_retry retry = {.policy = PEN_RETRY_DEFAULT,
                              .operation = "Listing objects",
                              .log = take_line,
                              .log_context = &log};
    struct pen_error denied = failure("denied", false);
    assert_false(pen_retry_again(&retry, &denied, 0));
    assert_string_equal(denied.message, "denied");
    assert_int_equal(log.count, 0);
}

static void again_never_retries_when_the_maximum_is_zero(void **state)
{
    (void)state;
    struct pen_retry retry = {.policy = {0, 1, 1}, .operation = "Listing objects"};
    struct pen_error failed = failure("once", true);
    assert_false(pen_retry_again(&retry, &failed, 0));
    assert_string_equal(failed.message, "once");
}

static void again_ends_at_once_when_cancelled(void **state)
{
    (void)state;
    volatile int cancel = 1;
    struct log log = {0};
    struct pen_retry retry = {.policy = {7, 100000000, 100000000},
                              .operation = "Listing objects",
                              .cancel = &cancel,
                              .log = take_line,
                              .log_context = &log};
    struct pen_error failed = failure("slow down", true);
    assert_false(pen_retry_again(&retry, &failed, 0)); /* else the test's time-out ends it */
    assert_int_equal(failed.code, PEN_ERR_CANCELLED);
    assert_string_equal(log.lines[0], "Listing objects failed. Retrying 1/7 after 100000 seconds. "
                                      "Message: slow down");
}

static void again_waits_as_long_as_the_server_asks_within_the_maximum(void **state)
{
    (void)state;
    volatile int cancel = 1; /* the line tells the wait; nobody sleeps it */
    const int64_t asked[] = {9000, 90000};
    const char *expected[] = {"after 9 seconds", "after 60 seconds"};
    for (size_t i = 0; i < 2; i++) {
        struct log log = {0};
        struct pen_retry retry = {.policy = {7, 2000, 60000},
                                  .operation = "x",
                                  .cancel = &cancel,
                                  .log = take_line,
                                  .log_context = &log};
        struct pen_error failed = failure("slow down", true);
        assert_false(pen_retry_again(&retry, &failed, asked[i]));
        assert_non_null(strstr(log.lines[0], expected[i]));
    }
}

static void retry_after_reads_seconds_and_dates(void **state)
{
    (void)state;
    int64_t now = pen_days_from_civil(2013, 5, 24) * PEN_US_PER_DAY;
    assert_int_equal(pen_retry_after_ms("120", now), 120000);
    assert_int_equal(pen_retry_after_ms("0", now), 0);
    assert_int_equal(pen_retry_after_ms("Fri, 24 May 2013 00:00:30 GMT", now), 30000);
    assert_int_equal(pen_retry_after_ms("Thu, 23 May 2013 00:00:30 GMT", now), 0);
    const char *odd[] = {"",
                         "-5",
                         "1.5",
                         "12x",
                         "soon",
                         "999999999999999999999",
                         "Fri, 24 Mai 2013 00:00:30 GMT",
                         "Fri, 24 May 2013 00:00:30 CET"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(pen_retry_after_ms(odd[i], now), 0);
}

static void http_date_refuses_every_cut_and_impossible_values(void **state)
{
    (void)state;
    const char *good = "Sun, 29 Feb 2032 23:59:60 GMT";
    int64_t us = 0;
    assert_true(pen_http_date_us(pen_slice_str(good), &us));
    assert_int_equal(us, pen_days_from_civil(2032, 3, 1) * PEN_US_PER_DAY);
    for (size_t len = 0; len < strlen(good); len++)
        assert_false(pen_http_date_us(pen_slice(good, len), &us));
    const char *bad[] = {"Sun, 00 Feb 2032 23:59:59 GMT", "Sun, 32 Feb 2032 23:59:59 GMT",
                         "Sun, 29 Feb 2032 24:59:59 GMT", "Sun, 29 Feb 2032 23:60:59 GMT",
                         "Sun, 29 Feb 2032 23:59:61 GMT", "Sun, 29 feb 2032 23:59:59 GMT",
                         "Sun, 29 Feb +032 23:59:59 GMT", "Sun: 29 Feb 2032 23-59:59 GMT"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(pen_http_date_us(pen_slice_str(bad[i]), &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_doubles_up_to_the_maximum),
        cmocka_unit_test(wait_does_not_cap_the_first),
        cmocka_unit_test(wait_of_absurd_settings_does_not_overflow),
        cmocka_unit_test(again_reports_the_first_error_after_the_last_retry),
        cmocka_unit_test(again_never_retries_what_cannot_be_cured),
        cmocka_unit_test(again_never_retries_when_the_maximum_is_zero),
        cmocka_unit_test(again_ends_at_once_when_cancelled),
        cmocka_unit_test(again_waits_as_long_as_the_server_asks_within_the_maximum),
        cmocka_unit_test(retry_after_reads_seconds_and_dates),
        cmocka_unit_test(http_date_refuses_every_cut_and_impossible_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
