#include "unit.h"

#include "source/discover.h"

static void assert_reads(const char *text, const char *expected)
{
    int64_t us = 0;
    char again[PEN_INSTANT_TEXT];
    if (!pen_modified_time_parse(pen_slice_str(text), &us))
        fail_msg("'%s' is refused", text);
    pen_modified_time_print(us, again);
    assert_string_equal(again, expected);
}

static void assert_refuses(const char *text)
{
    int64_t us = 0;
    if (pen_modified_time_parse(pen_slice_str(text), &us))
        fail_msg("'%s' is read as %lld", text, (long long)us);
}

static void modified_time_reads_the_original_format(void **state)
{
    (void)state;
    assert_reads("2019-06-03T10:30:19.806Z", "2019-06-03T10:30:19.806Z");
    assert_reads("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z");
    assert_reads("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z");
}

static void modified_time_is_lenient_where_the_original_is(void **state)
{
    (void)state;
    assert_reads("2019-13-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z");
    assert_reads("2019-02-30T00:00:00.000Z", "2019-03-02T00:00:00.000Z");
    assert_reads("2019-01-01T25:61:61.000Z", "2019-01-02T02:02:01.000Z");
    assert_reads("2019-6-3T1:2:3.8Z", "2019-06-03T01:02:03.008Z");
    assert_reads("2019-06-03T10:30:19.8060Z", "2019-06-03T10:30:27.060Z");
    assert_reads("2019-06-03T10:30:19.806Z trailing", "2019-06-03T10:30:19.806Z");
    assert_reads("2019-00-01T00:00:00.000Z", "2018-12-01T00:00:00.000Z");
    assert_reads("2019-01-00T00:00:00.000Z", "2018-12-31T00:00:00.000Z");
}

static void modified_time_refuses_other_formats(void **state)
{
    (void)state;
    assert_refuses("2019-06-03T10:30:19Z");
    assert_refuses("2019-06-03T10:30:19.806");
    assert_refuses("2019-06-03T10:30:19.806+0000");
    assert_refuses("2019-06-03 10:30:19.806Z");
    assert_refuses("2019-06-03T10:30:19.Z");
    assert_refuses("");
    assert_refuses("Z");
    assert_refuses("99999999999999999999-01-01T00:00:00.000Z");
    assert_refuses("2019-99999999999-01T00:00:00.000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modified_time_reads_the_original_format),
        cmocka_unit_test(modified_time_is_lenient_where_the_original_is),
        cmocka_unit_test(modified_time_refuses_other_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
