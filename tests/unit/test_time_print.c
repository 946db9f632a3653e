#include "time_cases.h"

#include <stdlib.h>
#include <time.h>

/* 2009-03-05 06:07:08.012345678 UTC, a Thursday, day 64 */
static const struct pen_instant sample = {INT64_C(1236233228012345), 678};
static const struct pen_instant new_year = {INT64_C(1451606399000000), 0}; /* 2015-12-31 23:59:59 */

struct print_case {
    const char *format, *expected, *timezone;
};

static void print_time(const char *format, const char *zone, struct pen_instant instant,
                       struct pen_buf *into)
{
    struct pen_time_format *compiled = NULL;
    assert_ok(pen_time_format_new(format, zone, NULL, &compiled, err));
    pen_buf_clear(into);
    assert_ok(pen_buf_add_str(into, "", err));
    assert_ok(pen_time_format_print(compiled, instant, into, err));
    pen_time_format_free(compiled);
}

static void check_prints(const struct print_case *cases, size_t count, struct pen_instant instant)
{
    struct pen_buf got = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        print_time(cases[i].format, cases[i].timezone, instant, &got);
        if (strcmp(got.len == 0 ? "" : got.ptr, cases[i].expected) != 0)
            fail_msg("'%s' in '%s': got '%s', expected '%s'", cases[i].format,
                     cases[i].timezone == NULL ? "" : cases[i].timezone, got.ptr,
                     cases[i].expected);
    }
    pen_buf_release(&got);
}

#define CHECK_PRINTS(instant, ...)                                                                 \
    do {                                                                                           \
        static const struct print_case cases_[] = {__VA_ARGS__};                                   \
        check_prints(cases_, sizeof cases_ / sizeof cases_[0], instant);                           \
    } while (0)

static void print_knows_every_directive(void **state)
{
    (void)state;
    CHECK_PRINTS(
        sample, {"%Y-%m-%d %H:%M:%S", "2009-03-05 06:07:08"}, {"%C %y %G %g", "20 09 2009 09"},
        {"%j %U %W %V %u %w", "064 09 09 10 4 4"}, {"%a %A %b %h %B", "Thu Thursday Mar Mar March"},
        {"%e|%k|%l|%I", " 5| 6| 6|06"}, {"%p %P", "AM am"}, {"%L %N", "012 012345678"},
        {"%3N %6N %9N %12N %1N", "012 012345 012345678 012345678000 0"}, {"%6L", "012345"},
        {"%s", "1236233228"}, {"%Q", "%Q"}, {"%z %:z %::z %:::z", "+0000 +00:00 +00:00:00 +00"},
        {"%Z", "UTC"}, {"%%%n%t", "%\n\t"}, {"%c", "Thu Mar  5 06:07:08 2009"},
        {"%D %x", "03/05/09 03/05/09"}, {"%F", "2009-03-05"}, {"%T %X", "06:07:08 06:07:08"},
        {"%R", "06:07"}, {"%r", "06:07:08 AM"}, {"%v", " 5-MAR-2009"},
        {"%+", "Thu Mar  5 06:07:08 UTC 2009"}, {"%!", "%!"}, {"%Ez", "%Ez"},
        {"%EY %Od", "2009 05"}, {"%::::z", "%::::z"}, {"", ""}, {"plain", "plain"}, {"%", "%"},
        {"%5", "%5"});
    CHECK_PRINTS(new_year, {"java:YYYY w W", "2016 1 5"}, {"java:YYYY w W", "2016 1 1", "+09:00"});
    CHECK_PRINTS(new_year, {"%G-W%V-%u", "2015-W53-4"}, {"%U %W", "52 52"}, {"%l %p", "11 PM"},
                 {"%I", "11"}, {"%Y-%m-%d %k", "2016-01-01  8", "Asia/Tokyo"},
                 {"%G-W%V", "2015-W53", "Asia/Tokyo"});
}

static void print_obeys_flags_and_widths(void **state)
{
    (void)state;
    CHECK_PRINTS(sample, {"%-d/%-m/%-H", "5/3/6"}, {"%_d/%_m", " 5/ 3"}, {"%0e", "05"},
                 {"%0k:%M", "06:07"}, {"%^a %^B", "THU MARCH"}, {"%#a %#b", "THU MAR"},
                 {"%#p %^P %#P", "am AM AM"}, {"%#Z", "utc"}, {"%10Y", "0000002009"},
                 {"%_10Y", "      2009"}, {"%-10Y", "2009"}, {"%010A", "00Thursday"},
                 {"%10A", "  Thursday"}, {"%^10a", "       THU"}, {"%-10a", "Thu"}, {"%3d", "005"},
                 {"%5p", "   AM"}, {"%20F", "          2009-03-05"},
                 {"%020F", "00000000002009-03-05"}, {"%^c", "THU MAR  5 06:07:08 2009"},
                 {"%-F", "2009-03-05"}, {"%5%", "    %"}, {"%-I %-l %-j", "6 6 64"},
                 {"%_3S", "  8"}, {"%12s", "001236233228"}, {"%_12s", "  1236233228"},
                 {"%8Z", "     UTC"}, {"%-y", "9"}, {"%_y", " 9"});
    struct pen_buf wide = PEN_BUF(PEN_BUF_TEXT_MAX);
    print_time("%8192z", NULL, sample, &wide);
    assert_int_equal(wide.len, 8192);
    print_time("%-9999d", NULL, sample, &wide);
    assert_int_equal(wide.len, 1);
    pen_buf_release(&wide);
    CHECK_PRINTS(sample, {"%4^p", "%4^p"}, {"%:0z %O0y %E10y %Ob", "%:0z %O0y %E10y %Ob"},
                 {"%0N", "012345678"}, {"%3t|%03n", "  \t|00\n"},
                 {"%_10::z", "  +0:36:00", "+00:36"}, {"%10:::z", "-000000:55", "-00:55"});
    CHECK_PRINTS(sample, {"%z", "+0900", "+09:00"}, {"%10z", "+000000900", "+09:00"},
                 {"%_10z", "      +900", "+09:00"}, {"%-z", "+900", "+09:00"},
                 {"%-:z", "+9:00", "+09:00"}, {"%_:z", " +9:00", "+09:00"},
                 {"%:::z", "+09", "+09:00"}, {"%:::z", "-09:30", "-09:30"},
                 {"%:::z", "+09:30:15", "+09:30:15"}, {"%::z", "-00:00:15", "-00:00:15"},
                 {"%z", "-0030", "-00:30"}, {"%_z", " -030", "-00:30"},
                 {"%:10z", "%:10z", "+09:00"}, {"%10:z", "+000009:00", "+09:00"});
}

static void print_names_zones(void **state)
{
    (void)state;
    CHECK_PRINTS(sample, {"%H %Z %z", "22 PST -0800", "America/Los_Angeles"},
                 {"%H %Z", "15 JST", "Asia/Tokyo"}, {"%H %Z", "15 +09:00", "+09:00"},
                 {"%H %Z", "15 +09:00", "JST"}, {"%Z", "UTC", "Z"},
                 {"ruby:%H[%Z]", "15[+09:00]", "+09:00"}, {"ruby:%H %Z", "06 UTC"},
                 {"%#Z", "pst", "America/Los_Angeles"}, {"%Z", "ICT", "Asia/Ho_Chi_Minh"},
                 {"%Z", "-09", "Etc/GMT+9"}, {"%Z", "BRT", "America/Sao_Paulo"},
                 {"%Z", "GMT", "Europe/London"});
    struct pen_instant summer = {INT64_C(1436097600000000), 0}; /* 2015-07-05 12:00 UTC */
    CHECK_PRINTS(summer, {"%H %Z %:z", "05 PDT -07:00", "America/Los_Angeles"},
                 {"%H %Z", "14 CEST", "Europe/Berlin"});
}

static void print_works_at_the_edges_of_time(void **state)
{
    (void)state;
    struct pen_instant first = {INT64_MIN, 0}, last = {INT64_MAX, 999};
    struct pen_instant before = {-1, 999};
    CHECK_PRINTS(first, {"%F %T.%6N", "-290308-12-21 19:59:05.224192"},
                 {"%F %T", "-290308-12-21 01:59:05", "-18:00"},
                 {"%F %T", "-290308-12-22 13:59:05", "+18:00"}, {"%C|%y", "-2904|92"},
                 {"java:uuuu-MM-dd", "-290308-12-21"});
    CHECK_PRINTS(last, {"%F %T.%N", "294247-01-10 04:00:54.775807999"},
                 {"%F %T", "294247-01-10 22:00:54", "+18:00"},
                 {"java:uuuu-MM-dd", "+294247-01-10"});
    CHECK_PRINTS(before, {"%F %T.%N %s", "1969-12-31 23:59:59.999999999 -1"});
    struct pen_instant year_minus_one = {(pen_days_from_civil(-1, 2, 3)) * PEN_US_PER_DAY, 0};
    CHECK_PRINTS(year_minus_one, {"%Y", "-0001"}, {"%_Y", "   -1"}, {"%-Y", "-1"},
                 {"%C %y", "-1 99"}, {"%8Y", "-0000001"}, {"java:uuuu", "-0001"},
                 {"java:y G", "2 BC"});
}

static void print_follows_java_patterns(void **state)
{
    (void)state;
    CHECK_PRINTS(sample, {"java:uuuu-MM-dd'T'HH:mm:ss.SSSXXX", "2009-03-05T06:07:08.012Z"},
                 {"java:yyyy/M/d H:m:s", "2009/3/5 6:7:8"}, {"java:uu D DDD", "09 64 064"},
                 {"java:EEE EEEE EEEEE", "Thu Thursday T"}, {"java:MMM MMMM MMMMM", "Mar March M"},
                 {"java:Q QQ QQQ QQQQ", "1 01 Q1 1st quarter"},
                 {"java:G GGGG GGGGG", "AD Anno Domini A"}, {"java:h K k a", "6 6 6 AM"},
                 {"java:YYYY YY w ww W", "2009 09 10 10 1"}, {"java:e ee eee c", "5 05 Thu 5"},
                 {"java:S SSSSSS n", "0 012345 12345678"}, {"java:A N", "22028012 22028012345678"},
                 {"java:X x Z ZZZZ ZZZZZ O VV z", "Z +00 +0000 GMT Z GMT Z Z"},
                 {"java:uuuu[-MM[-dd]]", "2009-03-05"}, {"java:'o''clock' ''", "o'clock '"});
    CHECK_PRINTS(
        sample,
        {"java:X XX XX"
         "X XXXX XXXXX",
         "+09 +0900 +09:00 +0900 +09:00", "+09:00"},
        {"java:X XX XX"
         "X XXXX XXXXX",
         "-0930 -0930 -09:30 -093015 -09:30:15", "-09:30:15"},
        {"java:x xxx Z ZZZZ O OOOO", "+0930 +09:30 +0930 GMT+09:30 GMT+9:30 GMT+09:30", "+09:30"},
        {"java:VV HH", "+09:00 15", "+09:00"}, {"java:k", "24", "-06:00"},
        {"java:h a", "12 AM", "-06:00"});
}

/* --- print and parse are inverse ----------------------------------------------------------------
 */

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void check_round_trip(const char *format, const char *zone, bool is_wide)
{
    struct pen_time_format *compiled = NULL;
    assert_ok(pen_time_format_new(format, zone, NULL, &compiled, err));
    struct pen_buf text = PEN_BUF(1024);
    for (int i = 0; i < 20000; i++) {
        int64_t range = (is_wide ? 9000000 : 250000) * (PEN_US_PER_DAY / 100); /* of hundredths */
        struct pen_instant in = {(int64_t)(next_random() % (uint64_t)(2 * range)) - range,
                                 (uint16_t)(next_random() % 1000)};
        struct pen_instant out = {0, 0};
        pen_buf_clear(&text);
        assert_ok(pen_time_format_print(compiled, in, &text, err));
        if (!pen_time_format_parse(compiled, pen_buf_slice(&text), &out, NULL) ||
            out.utc_us != in.utc_us || out.ns != in.ns)
            fail_msg("'%s': %lld.%03u printed '%s', read %lld.%03u", format, (long long)in.utc_us,
                     in.ns, text.ptr, (long long)out.utc_us, out.ns);
    }
    pen_buf_release(&text);
    pen_time_format_free(compiled);
}

static void parse_reads_back_what_print_wrote(void **state)
{
    (void)state;
    check_round_trip("%Y-%m-%d %H:%M:%S.%N", NULL, true);
    check_round_trip("%Y-%m-%dT%H:%M:%S.%N%z", "+09:00", true);
    check_round_trip("%Y-%m-%dT%H:%M:%S.%N%:z", "America/New_York", false);
    check_round_trip("%d/%b/%Y:%I:%M:%S.%N %p %::z", "-03:30", true);
    check_round_trip("%A %e %B %Y %k.%M.%S,%N", "-11:00", true);
    check_round_trip("%Y-%j %T.%N", "+05:45", true);
    check_round_trip("%C%y%m%d%H%M%S%N", NULL, false);
    check_round_trip("%FT%T.%N%::z", "Asia/Kathmandu", false);
    check_round_trip("ruby:%Y-%m-%dT%H:%M:%S.%N%z", "-09:30", true);
    check_round_trip("java:uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSSXXXXX", "+09:30:15", true);
    check_round_trip("java:uuuuMMddHHmmssSSSSSSSSS", NULL, true);
    check_round_trip("java:EEE, d MMM uuuu h:mm:ss a n Z", "-05:00", true);
    check_round_trip("java:y G DDD N xxx", "+01:00", true);
    check_round_trip("java:uuuu-MM-dd kk:mm:ss.SSSSSSSSS O", "-01:30", true);
}

/* --- against glibc's strftime --------------------------------------------------------------------
 */

static void print_agrees_with_glibc_where_both_know_the_directive(void **state)
{
    (void)state;
    static char format[] = "%a %A %b %B %C %d %D %e %F %G %g %H %I %j %k %l %m %M %R %s %S %T "
                           "%u %U %V %w %W %y %Y %z %Z";
    assert_int_equal(setenv("TZ", "Europe/London", 1), 0);
    tzset();
    struct pen_time_format *compiled = NULL;
    assert_ok(pen_time_format_new(format, "Europe/London", NULL, &compiled, err));
    struct pen_buf text = PEN_BUF(1024);
    for (int64_t day = pen_days_from_civil(1950, 1, 1); day < pen_days_from_civil(2120, 1, 1);
         day++) {
        time_t t = (time_t)(day * 86400 + (int64_t)(next_random() % 86400));
        struct tm tm;
        char expected[512];
        assert_non_null(localtime_r(&t, &tm));
        assert_true(strftime(expected, sizeof expected, format, &tm) > 0);
        pen_buf_clear(&text);
        struct pen_instant instant = {(int64_t)t * PEN_US_PER_SECOND, 0};
        assert_ok(pen_time_format_print(compiled, instant, &text, err));
        assert_string_equal(text.ptr, expected);
    }
    pen_buf_release(&text);
    pen_time_format_free(compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_knows_every_directive),
        cmocka_unit_test(print_obeys_flags_and_widths),
        cmocka_unit_test(print_names_zones),
        cmocka_unit_test(print_works_at_the_edges_of_time),
        cmocka_unit_test(print_follows_java_patterns),
        cmocka_unit_test(parse_reads_back_what_print_wrote),
        cmocka_unit_test(print_agrees_with_glibc_where_both_know_the_directive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
