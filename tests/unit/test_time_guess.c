#include "unit.h"

#include "guess/time_guess.h"

#define MAX_VALUES 8

struct guess_case {
    const char *expected; /* NULL: no format */
    const char *values[MAX_VALUES];
};

static void check_cases(const struct guess_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pen_slice values[MAX_VALUES];
        size_t n = 0;
        while (n < MAX_VALUES && cases[i].values[n] != NULL) {
            values[n] = pen_slice_str(cases[i].values[n]);
            n++;
        }
        struct pen_buf got = PEN_BUF(1024);
        bool is_found = false;
        assert_ok(pen_time_guess(values, n, &got, NULL, &is_found, err));
        assert_int_equal(is_found, got.len > 0);
        if (n == 1)
            assert_int_equal(pen_time_guess_is_time(values[0]), is_found);
        const char *expected = cases[i].expected == NULL ? "" : cases[i].expected;
        if (strcmp(got.len == 0 ? "" : got.ptr, expected) != 0)
            fail_msg("'%s'...: got '%s', expected '%s'", cases[i].values[0], got.ptr, expected);
        pen_buf_release(&got);
    }
}

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        static const struct guess_case cases_[] = {__VA_ARGS__};                                   \
        check_cases(cases_, sizeof cases_ / sizeof cases_[0]);                                     \
    } while (0)

static void guess_finds_dates_in_every_order_and_with_every_delimiter(void **state)
{
    (void)state;
    CHECK({"%Y-%m-%d", {"2014-01-01"}}, {"%Y/%m/%d", {"2014/01/01"}}, {"%Y.%m.%d", {"2014.01.01"}},
          {"%m/%d/%Y", {"01/02/2014"}}, {"%m-%d-%Y", {"12-31-2014"}}, {"%m.%d.%Y", {"01.02.2014"}},
          {"%d/%m/%Y", {"13/01/2014"}}, {"%d-%m-%Y", {"31-12-2014"}}, {"%d.%m.%Y", {"21.01.2014"}},
          {"%Y%m%d", {"20150127"}}, {"%m%d%Y", {"01272015"}}, {"%d%m%Y", {"27012015"}},
          {"%Y-%m-%d", {"1000-1-1"}}, {"%Y-%m-%d", {"4999-12-31"}}, {"%Y-%m-%d", {"2014-0-9"}},
          {"%Y-%m-%d", {"2014-00-09"}}, {"%Y-%m-%e", {"2014-01- 9"}}, {"%Y-%m-%e", {"2014- 1- 9"}},
          {"%m/%d/%Y", {"1/2/2014"}}, {"%m/%e/%Y", {" 1/ 2/2014"}}, {"%m/%d/%Y", {" 9/10/2014"}},
          {"%Y%m%d", {"20140001"}}, {"%Y-%m-%d", {"2014-01-01  \t"}});
}

static void guess_finds_no_date_where_a_number_is_out_of_range(void **state)
{
    (void)state;
    CHECK({NULL, {"0999-01-01"}}, {NULL, {"5000-01-01"}}, {NULL, {"2014-13-01"}},
          {NULL, {"2014-01-32"}}, {NULL, {"2014-01-00"}}, {NULL, {"2014-01-0"}},
          {NULL, {"2014-01/01"}}, {NULL, {"2014:01:01"}}, {NULL, {"14-01-01"}}, {NULL, {"2014-1"}},
          {NULL, {"2014"}}, {NULL, {"20141301"}}, {NULL, {"2014011"}}, {NULL, {"201401011"}},
          {NULL, {"1422386629"}}, {NULL, {" 2014-01-01"}}, {NULL, {"2014-01-01x"}},
          {NULL, {"x2014-01-01"}}, {NULL, {"hello world"}}, {NULL, {"12345.678"}},
          {NULL, {"1.2.3"}}, {NULL, {""}}, {NULL, {NULL}});
}

static void guess_finds_times_behind_every_separator(void **state)
{
    (void)state;
    CHECK({"%Y-%m-%d %H:%M:%S", {"2014-01-01 01:01:01"}}, {"%Y-%m-%d %H:%M", {"2014-01-01 01:01"}},
          {"%Y-%m-%d %H", {"2014-01-01 01"}}, {"%Y-%m-%d: %H:%M", {"2014-01-01: 01:01"}},
          {"%Y-%m-%d_%H:%M:%S", {"2014-01-01_01:01:01"}},
          {"%Y-%m-%dT%H:%M:%S", {"2014-01-01T01:01:01"}}, {"%Y-%m-%dT%H", {"2014-01-01T01"}},
          {"%Y.%m.%d.%H:%M:%S", {"2014.01.01.01:01:01"}},
          {"%Y.%m.%d. %H:%M:%S", {"2014.01.01. 01:01:01"}},
          {"%Y/%m/%d %H-%M-%S", {"2014/01/01 01-01-01"}}, {"%Y-%m-%d %k:%M", {"2014-01-01 1:02"}},
          {"%Y-%m-%d %k:%M", {"2014-01-01  1:02"}}, {"%Y-%m-%d %H:%M", {"2014-01-01 24:60"}},
          {"%Y-%m-%d %H:%M:%S", {"2014-01-01 23: 1: 2"}}, {"%Y-%m-%d %H%M", {"2014-01-01 0102"}},
          {"%Y-%m-%d %H%M%S", {"2014-01-01 010203"}},
          {"%Y-%m-%d_%H%M%S.%L", {"2014-01-01_010203.5"}}, {"%Y%m%d.%H%M", {"20140101.0102"}},
          {"%Y%m%d %H:%M", {"20140101 01:02"}}, {"%Y%m%dT%H", {"20140101T01"}},
          {"%Y%m%d%H", {"2015012719"}}, {"%Y%m%d%H%M", {"201501271923"}},
          {"%Y%m%d%H%M%S", {"20150127192349"}}, {"%Y%m%d%H%M%S.%N", {"20150127192349.1234"}},
          {"%m%d%Y%H", {"1012201512"}}, {"%d%m%Y%H%M", {"311220152359"}});
    CHECK({NULL, {"2014-01-01 25:00"}}, {NULL, {"2014-01-01 01:61"}},
          {NULL, {"2014-01-01 01:01:61"}}, {"%Y-%m-%d %H:%M%z", {"2014-01-01 01:01-01"}},
          {NULL, {"2014-01-01T010101"}}, {NULL, {"2014-01-01T0101"}}, {NULL, {"20140101T010101"}},
          {NULL, {"2014-01-0101:01"}}, {NULL, {"2014-01-01\t01:01"}}, {NULL, {"2014-01-01 1 :01"}},
          {NULL, {"201501271"}}, {NULL, {"20150127192"}}, {NULL, {"2015012719234"}},
          {NULL, {"20150127192361"}}, {NULL, {"2014-01-01 01:01:01:01"}},
          {NULL, {"2014-01-01:01:01"}});
}

static void guess_tells_short_fractions_from_long_ones(void **state)
{
    (void)state;
    CHECK({"%Y-%m-%d %H:%M:%S.%L", {"2014-01-01 01:01:01.1"}},
          {"%Y-%m-%d %H:%M:%S.%L", {"2014-01-01 01:01:01.001"}},
          {"%Y-%m-%d %H:%M:%S.%N", {"2014-01-01 01:01:01.0001"}},
          {"%Y-%m-%d %H:%M:%S,%N", {"2014-01-01 01:01:01,000000001"}},
          {NULL, {"2014-01-01 01:01:01.0000000001"}}, {NULL, {"2014-01-01 01:01:01."}},
          {NULL, {"2014-01-01 01:01.5"}});
}

static void guess_finds_zones(void **state)
{
    (void)state;
    CHECK({"%Y-%m-%dT%H:%M:%S%z", {"2014-01-01T01:01:01Z"}},
          {"%Y-%m-%dT%H:%M:%S%z", {"2014-01-01T01:01:01+09"}},
          {"%Y-%m-%dT%H:%M:%S%z", {"2014-01-01T01:01:01-0930"}},
          {"%Y-%m-%dT%H:%M:%S%:z", {"2014-01-01T01:01:01+09:30"}},
          {"%Y-%m-%d %H:%M:%S %z", {"2014-01-01 01:01:01 UTC"}},
          {"%Y-%m-%d %H:%M:%S %z", {"2014-01-01 01:01:01 A"}},
          {"%Y-%m-%d %H:%M:%S%z", {"2014-01-01 01:01:01PST"}},
          {"%Y-%m-%d %H:%M:%S.%N %:z", {"2014-01-01 01:01:01.1234 -01:00"}},
          {"%Y-%m-%d %z", {"2014-01-01 GMT"}}, {"%Y-%m-%d%z", {"2014-01-01+0900"}},
          {"%Y%m%d%z", {"20140101Z"}}, {"%Y-%m-%d %H%z", {"2014-01-01 01+0900"}},
          {NULL, {"2014-01-01T01:01:01+9"}}, {NULL, {"2014-01-01T01:01:01+09:"}},
          {NULL, {"2014-01-01T01:01:01 +09:0"}}, {NULL, {"2014-01-01 01:01:01  UTC"}},
          {NULL, {"2014-01-01 01:01:01 UTC "}}, {NULL, {"2014-01-01 01:01:01 utc"}},
          {NULL, {"2014-01-01 01:01:01 CEST"}}, {NULL, {"2014-01-01 01:01:01 MET DST"}});
}

static void guess_knows_three_standard_shapes(void **state)
{
    (void)state;
    CHECK({"%a, %d %b %Y %H:%M:%S %z", {"Fri, 20 Feb 2015 22:02:34 UT"}},
          {"%d %b %Y %H:%M:%S %z", {"20 Feb 2015 22:02:34 GMT"}},
          {"%d %b %Y %H:%M %z", {"20 Feb 2015 22:02 Z"}}, {"%d %b %Y", {"20 Feb 2015"}},
          {"%a, %d %b %Y", {"Fri, 20 Feb 2015"}},
          {"%a, %d %b %Y %H:%M %z", {"Fri, 20 Feb 2015 22:02 +0000"}},
          {"%a, %d %b %Y %H:%M %:z", {"Fri, 20 Feb 2015 22:02 +00:00"}},
          {"%a, %d %b %Y %H:%M:%S %:z", {"Fri, 20 Feb 2015 22:02:03 -11:30"}},
          {"%d/%b/%Y:%H:%M:%S %z", {"07/Mar/2004:16:05:50 -0800"}},
          {"%d/%b/%Y:%H:%M:%S %z", {"07/Mar/2004:16:05:50 Z"}},
          {"%d/%b/%Y:%H:%M:%S %z", {"07/Mar/2004:16:05:50 "}},
          {"%a %b %e %H:%M:%S %Y", {"Fri May 11 21:44:53 2001"}},
          {"%a %b %e %H:%M:%S %Y", {"Sat Jun 1 21:44:53 2001"}});
    CHECK({NULL, {"Fri, 20 Feb 2015 22:02"}}, {NULL, {"Fri, 20 Feb 2015 22:02:34 CEST"}},
          {NULL, {"fri, 20 Feb 2015"}}, {NULL, {"Fri 20 Feb 2015"}}, {NULL, {"Fri, 2 Feb 2015"}},
          {NULL, {"20 Foo 2015"}}, {NULL, {"07/Mar/2004:16:05:50"}},
          {NULL, {"07/Mar/2004:16:05:50 UTC"}}, {NULL, {"Fri May 11 21:44:53 2001 "}},
          {NULL, {"Fri May 11 21:44 2001"}}, {NULL, {"20 February 2015"}});
}

static void guess_takes_the_largest_group_and_the_first_of_equals(void **state)
{
    (void)state;
    CHECK({"%Y-%m-%d %H:%M:%S", {"2014-01-01", "2014-01-01 00:00:00", "2014-01-01 00:00:00"}},
          {"%Y-%m-%d", {"2014-01-01", "2014-01-01 00:00:00"}},
          {"%Y-%m-%d %H:%M:%S", {"2014-01-01 00:00:00", "2014-01-01"}},
          {"%Y-%m-%d", {"no", "", "2014-01-01", "time"}},
          {"%a, %d %b %Y %H:%M %z",
           {"Fri, 20 Feb 2015 22:02 +00:00", "Fri, 20 Feb 2015 22:02 Z",
            "Fri, 20 Feb 2015 22:02 +00"}},
          {"%a, %d %b %Y %H:%M %:z",
           {"Fri, 20 Feb 2015 22:02 +00:00", "Fri, 20 Feb 2015 22:02 +01:00",
            "Fri, 20 Feb 2015 22:02:03 +01:00", "Fri, 20 Feb 2015 22:02 Z"}},
          {"%m/%d/%Y", {"01/01/2014", "01/01/2014", "13.01.2014"}});
}

static void guess_merges_what_the_samples_show(void **state)
{
    (void)state;
    CHECK({"%d/%m/%Y", {"01/01/2014", "01/01/2014", "13/01/2014"}},
          {"%d.%m.%Y", {"13.01.2014", "01.01.2014"}}, {"%d-%m-%Y", {"01-01-2014", "13-01-2014"}},
          {"%Y-%m-%e", {"2014-01-10", "2014-01- 9"}}, {"%Y-%m-%d", {"2014-01-10", "2014-01-09"}},
          {"%Y-%m-%d", {"2014-01-09", "2014-01- 9"}},
          {"%Y-%m-%d %k:%M", {"2014-01-01 12:00", "2014-01-01 1:00"}},
          {"%Y-%m-%d %H:%M", {"2014-01-01 01:00", "2014-01-01 1:00"}},
          {"%Y-%m-%d %H:%M:%S %z", {"2014-01-01 00:00:00 +0000", "2014-01-01 00:00:00 +00:00"}},
          {"%Y-%m-%d %H:%M:%S %:z", {"2014-01-01 00:00:00 +00:00", "2014-01-01 00:00:00 UTC"}},
          {"%Y-%m-%d %H:%M:%S.%L", {"2014-01-01 00:00:00.1", "2014-01-01 00:00:00.1234"}},
          {"%Y-%m-%d %H:%M:%S.%N", {"2014-01-01 00:00:00.1234", "2014-01-01 00:00:00.1"}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guess_finds_dates_in_every_order_and_with_every_delimiter),
        cmocka_unit_test(guess_finds_no_date_where_a_number_is_out_of_range),
        cmocka_unit_test(guess_finds_times_behind_every_separator),
        cmocka_unit_test(guess_tells_short_fractions_from_long_ones),
        cmocka_unit_test(guess_finds_zones),
        cmocka_unit_test(guess_knows_three_standard_shapes),
        cmocka_unit_test(guess_takes_the_largest_group_and_the_first_of_equals),
        cmocka_unit_test(guess_merges_what_the_samples_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
