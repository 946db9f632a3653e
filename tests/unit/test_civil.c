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

static void assert_read(const char *text, const char *expected)
{
    struct pen_instant instant;
    char again[PEN_INSTANT_TEXT] = "no";
    if (pen_instant_read(pen_slice_str(text), &instant))
        (void)pen_instant_print(instant, again);
    if (strcmp(again, expected) != 0)
        fail_msg("'%s' is '%s', not '%s'", text, again, expected);
}

static void instant_read_takes_what_is_printed_and_its_kin(void **state)
{
    (void)state;
    assert_read("2015-03-31T06:12:37Z", "2015-03-31T06:12:37Z");
    assert_read("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z");
    assert_read("2015-03-31", "2015-03-31T00:00:00Z");
    assert_read("2015-03-31 06:12", "2015-03-31T06:12:00Z");
    assert_read("2015-03-31 06:12:37.5", "2015-03-31T06:12:37.5Z");
    assert_read("2015-03-31 06:12:37 UTC", "2015-03-31T06:12:37Z");
    assert_read("2015-03-31 00:12:37+09", "2015-03-30T15:12:37Z");
    assert_read("2015-03-31 00:12:37 +0930", "2015-03-30T14:42:37Z");
    assert_read("2015-03-31T23:12:37-05:00", "2015-04-01T04:12:37Z");
    assert_read("2016-02-29", "2016-02-29T00:00:00Z");
    assert_read("0000-01-01", "0000-01-01T00:00:00Z");
}

static void instant_read_refuses_everything_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2015",
        "2015-3-31",
        "2015-02-29",
        "1900-02-29",
        "2015-04-31",
        "2015-13-01",
        "2015-00-01",
        "2015-01-00",
        "20150331",
        "2015-03-31T",
        "2015-03-31 ",
        "2015-03-31T06",
        "2015-03-31T24:00:00Z",
        "2015-03-31T06:60",
        "2015-03-31T06:12:60Z",
        "2015-03-31T06:12:",
        "2015-03-31T06:12:37.",
        "2015-03-31T06:12:37.Z",
        "2015-03-31T06:12:37.1234567890Z",
        "2015-03-31T06:12:37Zx",
        "2015-03-31T06:12:37 PST",
        "2015-03-31T06:12:37+",
        "2015-03-31T06:12:37+9",
        "2015-03-31T06:12:37+09:",
        "2015-03-31T06:12:37+09:0",
        "2015-03-31T06:12:37+19:00",
        " 2015-03-31",
        "-2015-03-31",
        "2015-03-31x06:12:37",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_read(texts[i], "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_round_trips_over_all_days_of_a_millennium),
        cmocka_unit_test(instant_print_uses_as_many_digits_as_needed),
        cmocka_unit_test(instant_read_takes_what_is_printed_and_its_kin),
        cmocka_unit_test(instant_read_refuses_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
