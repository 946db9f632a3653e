#include "unit.h"

#include "base/civil.h"

static void civil_round_trips_over_all_days_of_a_millennium(void **state)
{
    (void)state;
    for (int64_t day = -400000; day < 400000; day++) {
        struct pen_civil c = pen_civil_from_us(day * PEN_US_PER_DAY + 1);
        assert_int_equal(pen_days_from_civil(c.year, c.month, c.day), day);
        assert_int_equal(c.us, 1);
    }
}

static void assert_print(int64_t us, uint16_t ns, const char *expected)
{
    char text[PEN_INSTANT_TEXT];
    struct pen_instant instant = {us, ns};
    size_t len = pen_instant_print(instant, text);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
}

static void instant_print_uses_as_many_digits_as_needed(void **state)
{
    (void)state;
    assert_print(0, 0, "1970-01-01T00:00:00Z");
    assert_print(1, 0, "1970-01-01T00:00:00.000001Z");
    assert_print(500000, 0, "1970-01-01T00:00:00.5Z");
    assert_print(-1, 999, "1969-12-31T23:59:59.999999999Z");
    assert_print(pen_days_from_civil(12345, 6, 7) * PEN_US_PER_DAY, 0, "+12345-06-07T00:00:00Z");
    assert_print(pen_days_from_civil(-5, 1, 1) * PEN_US_PER_DAY, 0, "-0005-01-01T00:00:00Z");
    assert_print(pen_days_from_civil(0, 1, 1) * PEN_US_PER_DAY, 0, "0000-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_round_trips_over_all_days_of_a_millennium),
        cmocka_unit_test(instant_print_uses_as_many_digits_as_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
