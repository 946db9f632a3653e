#include "time_cases.h"

#define USUAL "%Y-%m-%d %H:%M:%S"

static void legacy_reads_the_usual_format_when_it_is_exact(void **state)
{
    (void)state;
    CHECK_TIMES(
        {USUAL, "2015-01-27 19:23:49", "2015-01-27T19:23:49Z"},
        {USUAL, "1970-01-01 00:00:00", "1970-01-01T00:00:00Z"},
        {USUAL, "1969-12-31 23:59:59", "1969-12-31T23:59:59Z"},
        {USUAL, "0000-01-01 00:00:00", "0000-01-01T00:00:00Z"},
        {USUAL, "0001-02-03 04:05:06", "0001-02-03T04:05:06Z"},
        {USUAL, "9999-12-31 23:59:59", "9999-12-31T23:59:59Z"},
        {USUAL, "2000-02-29 12:00:00", "2000-02-29T12:00:00Z"},
        {USUAL, "1900-03-01 00:00:00", "1900-03-01T00:00:00Z"},
        {"%Y/%m/%d %H-%M-%S", "2015/01/27 19-23-49", "2015-01-27T19:23:49Z"},
        {"%Y-%m-%dT%H:%M:%S", "2015-01-27T19:23:49", "2015-01-27T19:23:49Z"},
        {"%Y.%m.%d_%H.%M.%S", "2015.01.27_19.23.49", "2015-01-27T19:23:49Z"},
        {"%Y-%m-%dT%H:%M:%S%z", "2015-01-27T19:23:49Z", "2015-01-27T19:23:49Z"},
        {"%Y-%m-%dT%H:%M:%S%z", "2015-01-27T19:23:49+09:00", "2015-01-27T10:23:49Z"},
        {"%Y-%m-%dT%H:%M:%S%z", "2015-01-27T19:23:49-0830", "2015-01-28T03:53:49Z"},
        {USUAL " %z", "2015-01-27 19:23:49 +0900", "2015-01-27T10:23:49Z"},
        {USUAL " %Z", "2015-01-27 19:23:49 UTC", "2015-01-27T19:23:49Z"},
        {USUAL " %:z", "2015-01-27 19:23:49 +09:00", "2015-01-27T10:23:49Z"},
        {USUAL ".%N %z", "2015-01-27 19:23:49.123456789 +0900", "2015-01-27T10:23:49.123456789Z"},
        {USUAL ".%N", "2015-01-27 19:23:49.1", "2015-01-27T19:23:49.1Z"},
        {USUAL ".%L", "2015-01-27 19:23:49.123", "2015-01-27T19:23:49.123Z"},
        {USUAL ".%L", "2015-01-27 19:23:49.123456", "2015-01-27T19:23:49.123456Z"},
        {USUAL ",%N", "2015-01-27 19:23:49,123456789999", "2015-01-27T19:23:49.123456789Z"},
        {"%Y-%m-%dT%H:%M:%S.%N%z", "1969-12-31T23:59:59.999999999Z",
         "1969-12-31T23:59:59.999999999Z"});
}

static void legacy_reads_variants_of_the_usual_format_the_general_way(void **state)
{
    (void)state;
    CHECK_TIMES({USUAL, "2015-1-27 19:23:49", "2015-01-27T19:23:49Z"},
                {USUAL, "2015-1-2 3:4:5", "2015-01-02T03:04:05Z"},
                {USUAL, "12015-01-27 19:23:49", "+12015-01-27T19:23:49Z"},
                {USUAL, "-2015-01-27 19:23:49", "-2015-01-27T19:23:49Z"},
                {USUAL, "+2015-01-27 19:23:49", "2015-01-27T19:23:49Z"},
                {USUAL, "15-01-27 19:23:49", "0015-01-27T19:23:49Z"},
                {USUAL, "2015-01-27   19:23:49", "2015-01-27T19:23:49Z"},
                {USUAL, "2015-01-2719:23:49", "2015-01-27T19:23:49Z"},
                {USUAL, "2015-01-27\t19:23:49", "2015-01-27T19:23:49Z"},
                {USUAL, "2015-01- 7 19:23:49", "2015-01-07T19:23:49Z"},
                {USUAL, "2015-01-27 24:00:00", "2015-01-28T00:00:00Z"},
                {USUAL, "2015-01-27 24:30:01", "2015-01-28T00:30:01Z"},
                {USUAL, "2015-12-31 24:00:00", "2016-01-01T00:00:00Z"},
                {USUAL, "2015-06-30 23:59:60", "2015-06-30T23:59:59Z"},
                {USUAL, "2018-02-31 01:02:03", "2018-03-03T01:02:03Z"},
                {USUAL, "2016-02-31 01:02:03", "2016-03-02T01:02:03Z"},
                {USUAL, "2018-02-29 00:00:00", "2018-03-01T00:00:00Z"},
                {USUAL, "2018-04-31 00:00:00", "2018-05-01T00:00:00Z"},
                {USUAL, "2018-11-31 00:00:00", "2018-12-01T00:00:00Z"},
                {USUAL ".%N", "2015-01-27 19:23:49.-5",
                 "Text '2015-01-27 19:23:49.-5' could not be parsed: Invalid value for "
                 "NanoOfSecond (valid values 0 - 999999999): -500000000"},
                {"%s.%N", "5.-25", "1970-01-01T00:00:04.75Z"},
                {"%s.%N", "-5.-25", "1969-12-31T23:59:55.25Z"},
                {USUAL ".%N", "2015-01-27 19:23:49.+5", "2015-01-27T19:23:49.5Z"},
                {USUAL " %z", "2015-01-27 19:23:49+0900", "2015-01-27T10:23:49Z"},
                {USUAL " %z", "2015-01-27 19:23:49   Z", "2015-01-27T19:23:49Z"},
                {"%Y-%m-%d", "2015-01-01garbage", "2015-01-01T00:00:00Z"},
                {USUAL, "2015-01-27 19:23:49garbage", "2015-01-27T19:23:49Z"},
                {USUAL, "2015-01-27 19:23:49.999", "2015-01-27T19:23:49Z"},
                {USUAL, "2015-01-27 19:23:495", "2015-01-27T19:23:49Z"});
}

static void legacy_says_where_a_text_stops_making_sense(void **state)
{
    (void)state;
    CHECK_TIMES({USUAL, "", AT_INDEX("", 0)}, {USUAL, "x", AT_INDEX("x", 0)},
                {USUAL, "2015", AT_INDEX("2015", 4)},
                {USUAL, "2015-01-27 19:23", AT_INDEX("2015-01-27 19:23", 16)},
                {USUAL, "2015-01-27 19:23:", AT_INDEX("2015-01-27 19:23:", 17)},
                {USUAL, "2015/01/27 19:23:49", AT_INDEX("2015/01/27 19:23:49", 4)},
                {USUAL, "2015-01-27T19:23:49", AT_INDEX("2015-01-27T19:23:49", 10)},
                {USUAL, "2015-13-27 19:23:49", AT_INDEX("2015-13-27 19:23:49", 7)},
                {USUAL, "2015-00-27 19:23:49", AT_INDEX("2015-00-27 19:23:49", 7)},
                {USUAL, "2015-01-32 19:23:49", AT_INDEX("2015-01-32 19:23:49", 10)},
                {USUAL, "2015-01-00 19:23:49", AT_INDEX("2015-01-00 19:23:49", 10)},
                {USUAL, "2015-01-27 25:23:49", AT_INDEX("2015-01-27 25:23:49", 13)},
                {USUAL, "2015-01-27 19:60:49", AT_INDEX("2015-01-27 19:60:49", 16)},
                {USUAL, "2015-01-27 19:23:61", AT_INDEX("2015-01-27 19:23:61", 19)},
                {USUAL, " 2015-01-27 19:23:49", AT_INDEX(" 2015-01-27 19:23:49", 0)},
                {USUAL, "2015-01- x7 19:23:49", AT_INDEX("2015-01- x7 19:23:49", 9)},
                {USUAL, "1000000000-01-27 19:23:49", AT_INDEX("1000000000-01-27 19:23:49", 10)},
                {USUAL ".%N", "2015-01-27 19:23:49", AT_INDEX("2015-01-27 19:23:49", 19)},
                {USUAL ".%N", "2015-01-27 19:23:49.", AT_INDEX("2015-01-27 19:23:49.", 20)},
                {USUAL " %z", "2015-01-27 19:23:49", AT_INDEX("2015-01-27 19:23:49", 19)},
                {USUAL " %z", "2015-01-27 19:23:49 ", AT_INDEX("2015-01-27 19:23:49 ", 20)},
                {USUAL " %z", "2015-01-27 19:23:49 5", AT_INDEX("2015-01-27 19:23:49 5", 20)},
                {USUAL " %z", "2015-01-27 19:23:49 XYZ", "Invalid time zone ID 'XYZ'"},
                {USUAL " %z", "2015-01-27 19:23:49 +1900", "Invalid time zone ID '+1900'"},
                {"\xc3\xa9%Y", "\xc3\xa9x", AT_INDEX("\xc3\xa9x", 1)},
                {"\xf0\x9f\x98\x80%Y", "\xf0\x9f\x98\x80x", AT_INDEX("\xf0\x9f\x98\x80x", 2)},
                {"\xc3\xa9%Y", "\xc3\xa8 2015", AT_INDEX("\xc3\xa8 2015", 0)},
                {"%Y-%j", "2015-366",
                 "Text '2015-366' could not be parsed: Invalid date 'DayOfYear 366' as '2015' is "
                 "not a leap "
                 "year"},
                {"%Y", "294248", "Text '294248' could not be parsed: the time is out of range"},
                {"%Y", "-290309", "Text '-290309' could not be parsed: the time is out of range"},
                {"%s", "9223372036855",
                 "Text '9223372036855' could not be parsed: the time is out of range"},
                {"%s", "9223372036854775807", AT_INDEX("9223372036854775807", 19)},
                {"%s", "99999999999999999999", AT_INDEX("99999999999999999999", 18)});
}

static void legacy_reads_every_directive(void **state)
{
    (void)state;
    CHECK_TIMES(
        {"%C%y", "2015", "2015-01-01T00:00:00Z"}, {"%C %y", "19 01", "1901-01-01T00:00:00Z"},
        {"%y %C", "01 18", "1801-01-01T00:00:00Z"}, {"%C %Y", "13 1234", "2534-01-01T00:00:00Z"},
        {"%C", "20", "1970-01-01T00:00:00Z"}, {"%y", "69", "1969-01-01T00:00:00Z"},
        {"%y", "68", "2068-01-01T00:00:00Z"}, {"%y", "7", "2007-01-01T00:00:00Z"},
        {"%g %Y", "99 15", "1915-01-01T00:00:00Z"}, {"%C:%y", "123:45", "+12345-01-01T00:00:00Z"},
        {"%G %V %Y", "2020 53 2015", "2015-01-01T00:00:00Z"},
        {"%U %W %u %w %Y", "53 0 7 6 2015", "2015-01-01T00:00:00Z"},
        {"%a %A %Y", "mon SATURDAY 2015", "2015-01-01T00:00:00Z"},
        {"%A%Y", "Sun2015", "2015-01-01T00:00:00Z"}, {"%Y%m%d", "20150127", "2015-01-27T00:00:00Z"},
        {"%Y%m%d%H%M%S", "20150127192349", "2015-01-27T19:23:49Z"},
        {"%Y9%m9%d", "2006908906", "2006-08-06T00:00:00Z"},
        {"%Y", "200608", "+200608-01-01T00:00:00Z"}, {"%m/%d", "2/3", "1970-02-03T00:00:00Z"},
        {"%B %d %Y", "january 5 2015", "2015-01-05T00:00:00Z"},
        {"%b %d %Y", "MAY 5 2015", "2015-05-05T00:00:00Z"},
        {"%h %d %Y", "December 5 2015", "2015-12-05T00:00:00Z"},
        {"%B%d", "jan5", "1970-01-05T00:00:00Z"}, {"%Y%m%e", "200608 6", "2006-08-06T00:00:00Z"},
        {"%Y-%j", "2015-128", "2015-05-08T00:00:00Z"}, {"%Y%j", "2016366", "2016-12-31T00:00:00Z"},
        {"%Y-%m-%d %j", "2015-12-31 1", "2015-01-01T00:00:00Z"},
        {"%k:%M", " 7:05", "1970-01-01T07:05:00Z"}, {"%H:%M", " 7:05", "1970-01-01T07:05:00Z"},
        {"%I:%M %p", "12:05 AM", "1970-01-01T00:05:00Z"},
        {"%I:%M %p", "12:05 pm", "1970-01-01T12:05:00Z"},
        {"%l:%M %P", " 1:05 p.m.", "1970-01-01T13:05:00Z"},
        {"%I:%M%p", "11:59A.M.", "1970-01-01T11:59:00Z"},
        {"%H:%M %p", "15:05 am", "1970-01-01T03:05:00Z"},
        {"%H:%M %p", "03:05 pm", "1970-01-01T15:05:00Z"},
        {"%H %p", "24 pm", "1970-01-01T12:00:00Z"}, {"%I", "12", "1970-01-01T12:00:00Z"},
        {"%p", "pm", "1970-01-01T00:00:00Z"}, {"%S.%L", "5.5", "1970-01-01T00:00:05.5Z"},
        {"%L%S", "12305", "1970-01-01T00:00:05.123Z"},
        {"%N%S", "12345678905", "1970-01-01T00:00:05.123456789Z"},
        {"%s", "1422386629", "2015-01-27T19:23:49Z"}, {"%s", "-1", "1969-12-31T23:59:59Z"},
        {"%s.%N", "1500000000.123456789", "2017-07-14T02:40:00.123456789Z"},
        {"%s.%L", "-1.5", "1969-12-31T23:59:58.5Z"}, {"%s.%N", "0.5", "1970-01-01T00:00:00.5Z"},
        {"%Q", "1500000000456", "2017-07-14T02:40:00.456Z"},
        {"%Q.%N", "1500000000456.111111111", "2017-07-14T02:40:00.567111111Z"},
        {"%Q", "-1", "1969-12-31T23:59:59.999Z"}, {"%Q.%N", "-1500.25", "1969-12-31T23:59:58.25Z"},
        {"%s %Q", "5 7000", "1970-01-01T00:00:07Z"}, {"%Q %s", "7000 5", "1970-01-01T00:00:05Z"},
        {"%s %Y-%m-%d %z", "5 2015-01-01 JST", "1970-01-01T00:00:05Z"},
        {"%c", "Thu Jul 29 14:47:19 1999", "1999-07-29T14:47:19Z"},
        {"%D %R", "07/29/99 14:47", "1999-07-29T14:47:00Z"},
        {"%x %X", "07/29/99 14:47:19", "1999-07-29T14:47:19Z"},
        {"%F %T", "1999-07-29 14:47:19", "1999-07-29T14:47:19Z"},
        {"%FT%T", "12006-08-06T00:00:01", "+12006-08-06T00:00:01Z"},
        {"%D %r", "07/29/99 02:47:19 PM", "1999-07-29T14:47:19Z"},
        {"%v", "29-Jul-1999", "1999-07-29T00:00:00Z"},
        {"%+", "Thu Jul 29 14:47:19 EST 1999", "1999-07-29T19:47:19Z"},
        {"%Y%%%m", "2015%07", "2015-07-01T00:00:00Z"},
        {"%Y%n%m", "2015 \n07", "2015-07-01T00:00:00Z"},
        {"%Y%t%m", "201507", AT_INDEX("201507", 6)}, {"%m %m", "01 02", "1970-02-01T00:00:00Z"},
        {"%Ey-%Om-%Od", "15-07-03", "2015-07-03T00:00:00Z"},
        {"%EY", "2015", "2015-01-01T00:00:00Z"}, {"%Ez%Y", "%Ez2015", "2015-01-01T00:00:00Z"},
        {"%Oz%Y", "%Oz2015", "2015-01-01T00:00:00Z"}, {"%!%Y", "%!2015", "2015-01-01T00:00:00Z"},
        {"%Y%", "2015%", "2015-01-01T00:00:00Z"}, {"%E%Y", "%E2015", "2015-01-01T00:00:00Z"},
        {"%Y %:::z", "2015 +09", "2014-12-31T15:00:00Z"},
        {"%:Y%m", "%:Y03", "1970-03-01T00:00:00Z"});
}

static void legacy_fails_at_directives_that_only_format(void **state)
{
    (void)state;
    CHECK_TIMES({"%-d", "5", AT_INDEX("5", 0)}, {"%Y-%_m", "2015-01", AT_INDEX("2015-01", 5)},
                {"%Y %^a", "2015 Mon", AT_INDEX("2015 Mon", 5)}, {"%#p", "am", AT_INDEX("am", 0)},
                {"%010Y", "0000002015", AT_INDEX("0000002015", 0)},
                {"%3N", "123", AT_INDEX("123", 0)}, {"%::::z", "+0900", AT_INDEX("+0900", 0)},
                {"%-F", "2015-01-01", AT_INDEX("2015-01-01", 0)});
}

static void legacy_takes_missing_parts_from_the_defaults(void **state)
{
    (void)state;
    CHECK_TIMES({"%H:%M", "01:02", "2015-06-07T01:02:00Z", NULL, "2015-06-07"},
                {"%H:%M", "01:02", "2015-06-07T01:02:00Z", NULL, "2015-6-7"},
                {"%Y", "2020", "2020-06-07T00:00:00Z", NULL, "2015-6-7"},
                {"%m", "2", "2015-03-03T00:00:00Z", NULL, "2015-12-31"},
                {"%H", "1", "-0044-03-15T01:00:00Z", NULL, "-44-3-15"},
                {"%H:%M", "01:02", "1969-12-31T16:02:00Z", "Asia/Tokyo"},
                {"%H:%M", "01:02", "1969-12-31T16:02:00Z", "+09:00"},
                {"%H:%M", "01:02", "1969-12-31T16:02:00Z", "JST"},
                {"%H:%M %z", "01:02 UTC", "1970-01-01T01:02:00Z", "JST"});
}

static void legacy_moves_gaps_forward_and_takes_the_earlier_of_two(void **state)
{
    (void)state;
    CHECK_TIMES({USUAL, "2015-03-08 01:59:59", "2015-03-08T09:59:59Z", "America/Los_Angeles"},
                {USUAL, "2015-03-08 02:00:00", "2015-03-08T10:00:00Z", "America/Los_Angeles"},
                {USUAL, "2015-03-08 02:30:00", "2015-03-08T10:30:00Z", "America/Los_Angeles"},
                {USUAL, "2015-03-08 02:59:59", "2015-03-08T10:59:59Z", "America/Los_Angeles"},
                {USUAL, "2015-03-08 03:00:00", "2015-03-08T10:00:00Z", "America/Los_Angeles"},
                {USUAL, "2015-11-01 00:59:59", "2015-11-01T07:59:59Z", "America/Los_Angeles"},
                {USUAL, "2015-11-01 01:00:00", "2015-11-01T08:00:00Z", "America/Los_Angeles"},
                {USUAL, "2015-11-01 01:59:59", "2015-11-01T08:59:59Z", "America/Los_Angeles"},
                {USUAL, "2015-11-01 02:00:00", "2015-11-01T10:00:00Z", "America/Los_Angeles"},
                {USUAL, "2500-07-01 00:00:00", "2500-07-01T07:00:00Z", "America/Los_Angeles"},
                {USUAL, "9999-12-31 00:00:00", "9999-12-31T08:00:00Z", "America/Los_Angeles"},
                {USUAL, "2015-04-05 01:45:00", "2015-04-04T14:45:00Z", "Australia/Lord_Howe"},
                {USUAL, "2015-03-29 02:30:00", "2015-03-29T01:30:00Z", "Europe/Berlin"},
                {USUAL " %z", "2015-07-01 12:00:00 CET", "2015-07-01T10:00:00Z"},
                {USUAL " %z", "2015-07-01 12:00:00 cet", "2015-07-01T11:00:00Z"});
}

static void format_new_refuses_bad_zones_and_dates(void **state)
{
    (void)state;
    static const struct {
        const char *format, *timezone, *date, *message;
    } cases[] = {
        {"%Y", "Mars/Base", NULL, "Invalid time zone ID 'Mars/Base'"},
        {"%Y", "../../etc/passwd", NULL, "Invalid time zone ID '../../etc/passwd'"},
        {"%Y", "Asia/../Asia/Tokyo", NULL, "Invalid time zone ID 'Asia/../Asia/Tokyo'"},
        {"%Y", "/usr/share/zoneinfo/Asia/Tokyo", NULL,
         "Invalid time zone ID '/usr/share/zoneinfo/Asia/Tokyo'"},
        {"%Y", "", NULL, "Invalid time zone ID ''"},
        {"%Y", "asia/tokyo", NULL, "Invalid time zone ID 'asia/tokyo'"},
        {"%Y", "+19:00", NULL, "Invalid time zone ID '+19:00'"},
        {"%Y", NULL, "2015-02-30", "default date '2015-02-30' is no date (want yyyy-mm-dd)"},
        {"%Y", NULL, "2015/01/01", "default date '2015/01/01' is no date (want yyyy-mm-dd)"},
        {"%Y", NULL, "2015-01-01 ", "default date '2015-01-01 ' is no date (want yyyy-mm-dd)"},
        {"%Y", NULL, "", "default date '' is no date (want yyyy-mm-dd)"},
        {"%Y", NULL, "2015-13-01", "default date '2015-13-01' is no date (want yyyy-mm-dd)"},
        {"ruby:%Y", "Asia/Tokyo", NULL, "Invalid time zone ID 'Asia/Tokyo'"},
        {"ruby:%Y", "JST", NULL, "Invalid time zone ID 'JST'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pen_time_format *format = NULL;
        struct pen_error err = {0};
        assert_int_equal(
            pen_time_format_new(cases[i].format, cases[i].timezone, cases[i].date, &format, &err),
            PEN_ERR_CONFIG);
        assert_string_equal(err.message, cases[i].message);
        assert_null(format);
    }
}

static void ruby_resolves_by_the_new_rules(void **state)
{
    (void)state;
    CHECK_TIMES(
        {"ruby:" USUAL, "2015-01-27 19:23:49", "2015-01-27T19:23:49Z"},
        {"ruby:" USUAL, "2015-01-27 19:23:49", "2015-01-27T10:23:49Z", "+09:00"},
        {"ruby:" USUAL, "2015-01-27 19:23:49", "2015-01-28T03:23:49Z", "-08"},
        {"ruby:" USUAL, "2015-06-30 23:59:60", "2015-07-01T00:00:00Z"},
        {"ruby:" USUAL, "2015-01-27 24:00:00", "2015-01-28T00:00:00Z"},
        {"ruby:" USUAL, "2015-01-27 24:59:60", "2015-01-28T01:00:00Z"},
        {"ruby:" USUAL, "2018-02-31 00:00:00",
         "Text '2018-02-31 00:00:00' could not be parsed: Invalid date 'FEBRUARY 31'"},
        {"ruby:" USUAL, "2015-02-29 00:00:00",
         "Text '2015-02-29 00:00:00' could not be parsed: Invalid date 'February 29' as '2015' is "
         "not a leap year"},
        {"ruby:" USUAL, "2016-02-29 00:00:00", "2016-02-29T00:00:00Z"},
        {"ruby:" USUAL, "2018-02-31 24:00:00", "2018-03-01T00:00:00Z"},
        {"ruby:" USUAL " %z", "2018-02-31 20:00:00 -0800", "2018-03-01T04:00:00Z"},
        {"ruby:%H:%M", "01:02", "1970-01-01T01:02:00Z"},
        {"ruby:%Y", "2015", "2015-01-01T00:00:00Z"},
        {"ruby:%Y-%j", "2015-128", "2015-01-01T00:00:00Z"},
        {"ruby:%j", "5", "No time information."}, {"ruby:%a", "Mon", "No time information."},
        {"ruby:%z", "JST", "No time information."}, {"ruby:%p", "pm", "No time information."},
        {"ruby:%C", "20", "No time information."}, {"ruby:%L", "5", "1970-01-01T00:00:00.5Z"},
        {"ruby:%s", "5", "1970-01-01T00:00:05Z"}, {"ruby:%s.%N", "-1.5", "1969-12-31T23:59:58.5Z"},
        {"ruby:%Y-%m-%dgarbage", "2015-01-01garbageand", "2015-01-01T00:00:00Z"},
        {"ruby:%Y", "x", AT_INDEX("x", 0)}, {"ruby:%Y", "", AT_INDEX("", 0)});
}

static void ruby_knows_few_zones_and_takes_the_default_for_others(void **state)
{
    (void)state;
    CHECK_TIMES({"ruby:%H %z", "12 +09", "1970-01-01T03:00:00Z"},
                {"ruby:%H %z", "12 +0930", "1970-01-01T02:30:00Z"},
                {"ruby:%H %z", "12 -09:30", "1970-01-01T21:30:00Z"},
                {"ruby:%H %z", "12 +093015", "1970-01-01T02:29:45Z"},
                {"ruby:%H %z", "12 +09:30:15", "1970-01-01T02:29:45Z"},
                {"ruby:%H %z", "12 +9", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 +9:30", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 GMT+09", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 +09.5", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 +99", "Invalid time zone ID '+99'"},
                {"ruby:%H %z", "12 JST", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 JST", "1970-01-01T07:00:00Z", "+05:00"},
                {"ruby:%H %z", "12 CET", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 MET DST", "1970-01-01T12:00:00Z"},
                {"ruby:%H %z", "12 EST", "1970-01-01T17:00:00Z"},
                {"ruby:%H %z", "12 edt", "1970-01-01T16:00:00Z"},
                {"ruby:%H %z", "12 PDT", "1970-01-01T19:00:00Z"},
                {"ruby:%H %z", "12 UTC", "1970-01-01T12:00:00Z", "+05:00"},
                {"ruby:%H %z", "12 ut", "1970-01-01T12:00:00Z", "+05:00"},
                {"ruby:%H %z", "12 z", "1970-01-01T12:00:00Z", "+05:00"},
                {"ruby:%H %z", "12 A", "1970-01-01T11:00:00Z"},
                {"ruby:%H %z", "12 m", "1970-01-01T00:00:00Z"},
                {"ruby:%H %z", "12 Y", "1970-01-02T00:00:00Z"},
                {"ruby:%H %z", "12 J", "1970-01-01T12:00:00Z"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legacy_reads_the_usual_format_when_it_is_exact),
        cmocka_unit_test(legacy_reads_variants_of_the_usual_format_the_general_way),
        cmocka_unit_test(legacy_says_where_a_text_stops_making_sense),
        cmocka_unit_test(legacy_reads_every_directive),
        cmocka_unit_test(legacy_fails_at_directives_that_only_format),
        cmocka_unit_test(legacy_takes_missing_parts_from_the_defaults),
        cmocka_unit_test(legacy_moves_gaps_forward_and_takes_the_earlier_of_two),
        cmocka_unit_test(format_new_refuses_bad_zones_and_dates),
        cmocka_unit_test(ruby_resolves_by_the_new_rules),
        cmocka_unit_test(ruby_knows_few_zones_and_takes_the_default_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
