#include "unit.h"

#include "base/civil.h"
#include "conc/cond.h"

#include <errno.h>
#include <time.h>

static int64_t to_us(struct timespec t)
{
    return (int64_t)t.tv_sec * PEN_US_PER_SECOND + t.tv_nsec / 1000;
}

static void deadline_is_that_far_away_and_well_formed(void **state)
{
    (void)state;
    static const int64_t waits_us[] = {0, 1, 999999, 1000000, 1500000, 86400000000};
    for (size_t i = 0; i < sizeof waits_us / sizeof waits_us[0]; i++) {
        int64_t before_us = pen_monotonic_us();
        struct timespec until = pen_cond_deadline(waits_us[i]);
        int64_t after_us = pen_monotonic_us();
        assert_in_range(until.tv_nsec, 0, 999999999);
        assert_true(to_us(until) >= before_us + waits_us[i]);
        assert_true(to_us(until) <= after_us + waits_us[i]);
    }
}

static void wait_ends_at_the_deadline_and_not_before(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    pen_cond_init(&cond);
    int64_t start_us = pen_monotonic_us();
    struct timespec until = pen_cond_deadline(20000);
    int result = 0;
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    while (result == 0)
        result = pthread_cond_timedwait(&cond, &lock, &until);
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
    assert_int_equal(result, ETIMEDOUT);
    assert_true(pen_monotonic_us() - start_us >= 20000);
    assert_int_equal(pthread_cond_destroy(&cond), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_is_that_far_away_and_well_formed),
        cmocka_unit_test(wait_ends_at_the_deadline_and_not_before),
    };
    return cmocka_run_group_tests_name("cond", tests, NULL, NULL);
}
