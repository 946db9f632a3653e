#include "time_cases.h"

#define J "java:"
#define UNPARSED(text, index)                                                                      \
    "Text '" text "' could not be parsed, unparsed text found at index " #index
#define INVALID(text, what) "Text '" text "' could not be parsed: " what
#define CONFLICT(text, field)                                                                      \
    "Text '" text "' could not be parsed: Conflict found: " field " differs from what the rest "   \
    "says"

static void java_reads_dates(void **state)
{
    (void)state;
    CHECK_TIMES({J "uuuu-MM-dd", "2001-02-03", "2001-02-03T00:00:00Z"},
                {J "yyyy-MM-dd", "2001-02-03", "2001-02-03T00:00:00Z"},
                {J "uuuu-MM-dd", "-2001-02-03", "-2001-02-03T00:00:00Z"},
                {J "yyyy-MM-dd", "-2001-02-03",
                 INVALID("-2001-02-03", "Invalid value for YearOfEra (valid values 1 - "
                                        "999999999/1000000000): -2001")},
                {J "uuuu-MM-dd", "+12345-02-03", "+12345-02-03T00:00:00Z"},
                {J "uuuu-MM-dd", "+012345-02-03", "+12345-02-03T00:00:00Z"},
                {J "uuuu-MM-dd", "12345-02-03", AT_INDEX("12345-02-03", 0)},
                {J "uuuu-MM-dd", "+2001-02-03", AT_INDEX("+2001-02-03", 0)},
                {J "uuuu-MM-dd", "201-02-03", AT_INDEX("201-02-03", 0)},
                {J "uuuu-MM-dd", "-0000-02-03", AT_INDEX("-0000-02-03", 0)},
                {J "uuu-MM-dd", "2001-02-03", "2001-02-03T00:00:00Z"},
                {J "u-M-d", "1-2-3", "0001-02-03T00:00:00Z"},
                {J "u-M-d", "2001-12-31", "2001-12-31T00:00:00Z"},
                {J "uuMMdd", "990203", "2099-02-03T00:00:00Z"},
                {J "uu", "01", "2001-01-01T00:00:00Z"}, {J "yy-M", "15-7", "2015-07-01T00:00:00Z"},
                {J "uuuuMMdd", "20060806", "2006-08-06T00:00:00Z"},
                {J "uuuuMMddHHmmss", "20060806010203", "2006-08-06T01:02:03Z"},
                {J "uuuuMMddHHmmssSSS", "20060806010203456", "2006-08-06T01:02:03.456Z"},
                {J "uuuuMMdd", "+120060806", "+12006-08-06T00:00:00Z"},
                {J "uuuuDDD", "2006333", "2006-11-29T00:00:00Z"},
                {J "uuuu-D", "2006-5", "2006-01-05T00:00:00Z"},
                {J "uuuu-DDD", "2016-366", "2016-12-31T00:00:00Z"},
                {J "uuuu-DDD", "2015-366",
                 INVALID("2015-366", "Invalid date 'DayOfYear 366' as '2015' is not a leap year")},
                {J "uuuu9MM9dd", "2006908906", AT_INDEX("2006908906", 0)},
                {J "uuuu MMM dd", "2015 jan 05", "2015-01-05T00:00:00Z"},
                {J "MMMM d, uuuu", "FEBRUARY 5, 2015", "2015-02-05T00:00:00Z"},
                {J "MMMM d, uuuu", "Feb 5, 2015", AT_INDEX("Feb 5, 2015", 0)},
                {J "uuuu LLL", "2015 May", "2015-05-01T00:00:00Z"},
                {J "EEE dd MMM uuuu", "Thu 29 Jul 1999", "1999-07-29T00:00:00Z"},
                {J "EEE dd MMM uuuu", "Fri 29 Jul 1999", CONFLICT("Fri 29 Jul 1999", "DayOfWeek")},
                {J "EEE dd MMM yyyy", "Fri 29 Jul 1999", "1999-07-29T00:00:00Z"},
                {J "EEEE MMMM dd uu", "wEdnesDay oCtoBer 31 01", "2001-10-31T00:00:00Z"},
                {J "e uuuu-MM-dd", "5 1999-07-29", "1999-07-29T00:00:00Z"},
                {J "e uuuu-MM-dd", "1 1999-08-01", "1999-08-01T00:00:00Z"},
                {J "ccc uuuu-MM-dd", "sun 1999-08-01", "1999-08-01T00:00:00Z"},
                {J "e uuuu", "8 1999", AT_INDEX("8 1999", 0)},
                {J "uuuu-MM-dd QQQ", "1999-07-29 Q3", "1999-07-29T00:00:00Z"},
                {J "uuuu-MM-dd Q", "1999-07-29 2", CONFLICT("1999-07-29 2", "QuarterOfYear")},
                {J "uuuu QQQQ", "1999 3rd quarter", "1999-01-01T00:00:00Z"},
                {J "yyyy G", "44 BC", AT_INDEX("44 BC", 0)},
                {J "y G", "44 BC", "-0043-01-01T00:00:00Z"},
                {J "y GGGG", "2015 anno domini", "2015-01-01T00:00:00Z"},
                {J "u y", "2015 2015", "2015-01-01T00:00:00Z"},
                {J "u y", "2015 2014", CONFLICT("2015 2014", "Year")},
                {J "uuuu-MM-dd D", "2015-02-01 32", "2015-02-01T00:00:00Z"},
                {J "uuuu-MM-dd D", "2015-02-01 33", CONFLICT("2015-02-01 33", "DayOfYear")},
                {J "uuuu-MM-dd uuuu", "2015-02-01 2016", AT_INDEX("2015-02-01 2016", 11)});
}

static void java_is_strict_about_dates_and_times(void **state)
{
    (void)state;
    CHECK_TIMES(
        {J "uuuu-MM-dd", "2015-02-29",
         INVALID("2015-02-29", "Invalid date 'February 29' as '2015' is not a leap year")},
        {J "uuuu-MM-dd", "2015-04-31", INVALID("2015-04-31", "Invalid date 'APRIL 31'")},
        {J "yyyy-MM-dd", "2015-04-31", INVALID("2015-04-31", "Invalid date 'APRIL 31'")},
        {J "uuuu-MM-dd", "2015-13-01",
         INVALID("2015-13-01", "Invalid value for MonthOfYear (valid values 1 - 12): 13")},
        {J "uuuu-MM-dd", "2015-01-32",
         INVALID("2015-01-32", "Invalid value for DayOfMonth (valid values 1 - 28/31): 32")},
        {J "HH:mm", "24:00",
         INVALID("24:00", "Invalid value for HourOfDay (valid values 0 - 23): 24")},
        {J "HH:mm:ss", "23:59:60",
         INVALID("23:59:60", "Invalid value for SecondOfMinute (valid values 0 - 59): 60")},
        {J "HH:mm", "9:05", AT_INDEX("9:05", 0)}, {J "H:mm", "9:05", "1970-01-01T09:05:00Z"},
        {J "H:mm", "+9:05", AT_INDEX("+9:05", 0)},
        {J "uuuu-MM-dd", "2015-1-01", AT_INDEX("2015-1-01", 5)},
        {J "uuuu-MM-dd", "2015-01-01x", UNPARSED("2015-01-01x", 10)},
        {J "uuuu-MM-dd", "2015-01-01 ", UNPARSED("2015-01-01 ", 10)},
        {J "uuuu-MM-dd HH", "2015-01-01  01", AT_INDEX("2015-01-01  01", 11)},
        {J "YYYY-MM-dd", "2015-01-27", AT_INDEX("2015-01-27", 0)},
        {J "MM w", "01 5", AT_INDEX("01 5", 3)}, {J "uuuu", "", AT_INDEX("", 0)},
        {J "uuuu-MM", "2015", AT_INDEX("2015", 4)},
        {J "uuuu\xc3\xa9MM", "2015\xc3\xa9x", AT_INDEX("2015\xc3\xa9x", 5)},
        {J "u", "294248", INVALID("294248", "the time is out of range")},
        {J "u", "9999999999",
         INVALID("9999999999", "Invalid value for Year (valid values -999999999 - "
                               "999999999): 9999999999")},
        {J "u", "99999999999999999999", UNPARSED("99999999999999999999", 18)});
}

static void java_reads_times_by_every_clock(void **state)
{
    (void)state;
    CHECK_TIMES(
        {J "HH:mm:ss", "23:24:25", "1970-01-01T23:24:25Z"},
        {J "HHmmss", "232425", "1970-01-01T23:24:25Z"},
        {J "kk:mm", "24:05", "1970-01-01T00:05:00Z"},
        {J "kk:mm", "00:05",
         INVALID("00:05", "Invalid value for ClockHourOfDay (valid values 1 - 24): 0")},
        {J "hh:mm a", "12:33 AM", "1970-01-01T00:33:00Z"},
        {J "hh:mm a", "12:33 pm", "1970-01-01T12:33:00Z"},
        {J "hh:mm a", "01:33 PM", "1970-01-01T13:33:00Z"},
        {J "KK:mm a", "11:33 PM", "1970-01-01T23:33:00Z"},
        {J "KK:mm a", "12:33 AM", "1970-01-01T12:33:00Z"},
        {J "KK:mm a", "12:33 PM",
         INVALID("12:33 PM", "Invalid value for HourOfDay (valid values 0 - 23): 24")},
        {J "hh:mm a", "01:33 P.M.", AT_INDEX("01:33 P.M.", 6)},
        {J "[ ]hmmss", " 32425", "1970-01-01T00:24:25Z"},
        {J "[ ]Kmmss", "32425", "1970-01-01T00:24:25Z"},
        {J "K", "12", INVALID("12", "Invalid value for HourOfAmPm (valid values 0 - 11): 12")},
        {J "HH a", "13 PM", "1970-01-01T13:00:00Z"},
        {J "HH a", "13 AM", CONFLICT("13 AM", "AmPmOfDay")},
        {J "HH h", "13 1", "1970-01-01T13:00:00Z"},
        {J "HH h", "13 2", CONFLICT("13 2", "HourOfAmPm")},
        {J "HH kk", "00 24", "1970-01-01T00:00:00Z"},
        {J "HH kk", "01 24", CONFLICT("01 24", "HourOfDay")},
        {J "ss", "05", "1970-01-01T00:00:05Z"}, {J "a", "PM", "1970-01-01T00:00:00Z"},
        {J "HH:mm:ss.S", "01:02:03.4", "1970-01-01T01:02:03.4Z"},
        {J "HH:mm:ss.SSSSSSSSS", "01:02:03.123456789", "1970-01-01T01:02:03.123456789Z"},
        {J "HH:mm:ss.SSS", "01:02:03.12", AT_INDEX("01:02:03.12", 9)},
        {J "HH:mm:ss.SSS", "01:02:03.1234", UNPARSED("01:02:03.1234", 12)},
        {J "ss n", "03 5", "1970-01-01T00:00:03.000000005Z"},
        {J "A", "3723004", "1970-01-01T01:02:03.004Z"},
        {J "N", "3723000000004", "1970-01-01T01:02:03.000000004Z"},
        {J "A", "86400000",
         INVALID("86400000", "Invalid value for MilliOfDay (valid values 0 - "
                             "86399999): 86400000")},
        {J "HH:mm A", "01:02 3723004", "1970-01-01T01:02:03.004Z"},
        {J "HH:mm A", "01:03 3723004", CONFLICT("01:03 3723004", "MinuteOfHour")});
}

static void java_reads_offsets_and_refuses_regions(void **state)
{
    (void)state;
    CHECK_TIMES(
        {J "HH X", "12 Z", "1970-01-01T12:00:00Z"}, {J "HH X", "12 z", "1970-01-01T12:00:00Z"},
        {J "HH X", "12 +09", "1970-01-01T03:00:00Z"},
        {J "HH X", "12 +0930", "1970-01-01T02:30:00Z"}, {J "HH X", "12 +9", AT_INDEX("12 +9", 3)},
        {J "HH XX", "12 -0930", "1970-01-01T21:30:00Z"},
        {J "HH XX", "12 +09", AT_INDEX("12 +09", 3)},
        {J "HH XX"
           "X",
         "12 +09:30", "1970-01-01T02:30:00Z"},
        {J "HH XX"
           "X",
         "12 +0930", AT_INDEX("12 +0930", 3)},
        {J "HH XXXX", "12 +093015", "1970-01-01T02:29:45Z"},
        {J "HH XXXXX", "12 +09:30:15", "1970-01-01T02:29:45Z"},
        {J "HH XXXXX", "12 +09:30", "1970-01-01T02:30:00Z"},
        {J "HH x", "12 +00", "1970-01-01T12:00:00Z"}, {J "HH x", "12 Z", AT_INDEX("12 Z", 3)},
        {J "HH xxx", "12 +00:00", "1970-01-01T12:00:00Z"},
        {J "HH Z", "12 +0430", "1970-01-01T07:30:00Z"}, {J "HH ZZZ", "12 UT", AT_INDEX("12 UT", 3)},
        {J "HH ZZZZ", "12 GMT+04:30", "1970-01-01T07:30:00Z"},
        {J "HH ZZZZZ", "12 Z", "1970-01-01T12:00:00Z"},
        {J "HH O", "12 GMT+4", "1970-01-01T08:00:00Z"},
        {J "HH O", "12 gmt-4:30", "1970-01-01T16:30:00Z"},
        {J "HH OOOO", "12 GMT", "1970-01-01T12:00:00Z"},
        {J "HH OOOO", "12 GMT+4", AT_INDEX("12 GMT+4", 3)},
        {J "HH XX"
           "X",
         "12 +18:01",
         INVALID("12 +18:01", "Invalid value for OffsetSeconds (valid values "
                              "-64800 - 64800): 64860")},
        {J "HH VV", "12 +09:00", "1970-01-01T03:00:00Z"},
        {J "HH VV", "12 Z", "1970-01-01T12:00:00Z"},
        {J "HH VV", "12 Asia/Tokyo",
         "Non-offset zone IDs are unaccepted in 'java:' formats: HH VV"},
        {J "HH zzz", "12 PST", "Non-offset zone IDs are unaccepted in 'java:' formats: HH zzz"},
        {J "zzz HH", "UTC 12", "Non-offset zone IDs are unaccepted in 'java:' formats: zzz HH"},
        {J "HH", "12", "1970-01-01T03:00:00Z", "+09:00"},
        {J "HH", "12", "1970-01-01T20:00:00Z", "-08"},
        {J "HH X", "12 Z", "1970-01-01T12:00:00Z", "+09:00"});
}

static void java_knows_literals_and_optional_parts(void **state)
{
    (void)state;
    CHECK_TIMES({J "uuuu-MM-dd'T'HH:mm:ss", "2015-01-27T19:23:49", "2015-01-27T19:23:49Z"},
                {J "uuuu-MM-dd'T'HH:mm:ss", "2015-01-27t19:23:49", "2015-01-27T19:23:49Z"},
                {J "uuuu-MM-dd'T'HH:mm:ss'Z'", "2015-01-27T19:23:49Z", "2015-01-27T19:23:49Z"},
                {J "uuuu 'o''clock' HH", "2015 O'CLOCK 05", "2015-01-01T05:00:00Z"},
                {J "uuuu''HH", "2015'05", "2015-01-01T05:00:00Z"},
                {J "uuuu-MM-dd[ HH:mm[:ss]]", "2015-01-27", "2015-01-27T00:00:00Z"},
                {J "uuuu-MM-dd[ HH:mm[:ss]]", "2015-01-27 19:23", "2015-01-27T19:23:00Z"},
                {J "uuuu-MM-dd[ HH:mm[:ss]]", "2015-01-27 19:23:49", "2015-01-27T19:23:49Z"},
                {J "uuuu-MM-dd[ HH:mm[:ss]]", "2015-01-27 19", UNPARSED("2015-01-27 19", 10)},
                {J "uuuu-MM-dd[ HH:mm[:ss", "2015-01-27 19:23:49", "2015-01-27T19:23:49Z"},
                {J "[uuuu-MM-dd][dd.MM.uuuu]", "27.01.2015", "2015-01-27T00:00:00Z"},
                {J "[uuuu-MM-dd][dd.MM.uuuu]", "2015-01-27", "2015-01-27T00:00:00Z"},
                {J "[uuuu-MM-dd'T'][uuuu-MM-dd ]HH", "2015-01-27 05", "2015-01-27T05:00:00Z"},
                {J "uuuu[ VV][ MM]", "2015 07", "2015-07-01T00:00:00Z"});
}

static void java_refuses_bad_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *message;
    } cases[] = {
        {"uuuu-MM-dd'T", "format 'java:uuuu-MM-dd'T': a quote is not closed"},
        {"uuuu]", "format 'java:uuuu]': ']' without '[' before it"},
        {"uuuu{", "format 'java:uuuu{': '{' is reserved"},
        {"uuuu#", "format 'java:uuuu#': '#' is reserved"},
        {"ddd", "format 'java:ddd': 3 x pattern letter 'd' is unknown"},
        {"HHH", "format 'java:HHH': 3 x pattern letter 'H' is unknown"},
        {"MMMMMM", "format 'java:MMMMMM': 6 x pattern letter 'M' is unknown"},
        {"DDDD", "format 'java:DDDD': 4 x pattern letter 'D' is unknown"},
        {"aa", "format 'java:aa': 2 x pattern letter 'a' is unknown"},
        {"V", "format 'java:V': 1 x pattern letter 'V' is unknown"},
        {"OO", "format 'java:OO': 2 x pattern letter 'O' is unknown"},
        {"XXXXXX", "format 'java:XXXXXX': 6 x pattern letter 'X' is unknown"},
        {"SSSSSSSSSS", "format 'java:SSSSSSSSSS': 10 x pattern letter 'S' is unknown"},
        {"WW", "format 'java:WW': 2 x pattern letter 'W' is unknown"},
        {"www", "format 'java:www': 3 x pattern letter 'w' is unknown"},
        {"b", "format 'java:b': 1 x pattern letter 'b' is unknown"},
        {"cc", "format 'java:cc': 2 x pattern letter 'c' is unknown"},
        {"[[[[[[[[[[[[[[[[[", "format 'java:[[[[[[[[[[[[[[[[[': too many '['"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char format[64];
        (void)snprintf(format, sizeof format, "java:%s", cases[i].pattern);
        struct pen_time_format *compiled = NULL;
        struct pen_error err = {0};
        assert_int_equal(pen_time_format_new(format, NULL, NULL, &compiled, &err), PEN_ERR_CONFIG);
        assert_string_equal(err.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(java_reads_dates),
        cmocka_unit_test(java_is_strict_about_dates_and_times),
        cmocka_unit_test(java_reads_times_by_every_clock),
        cmocka_unit_test(java_reads_offsets_and_refuses_regions),
        cmocka_unit_test(java_knows_literals_and_optional_parts),
        cmocka_unit_test(java_refuses_bad_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
