#include "unit.h"

#include "base/number.h"
#include "random.h"

#include <stdlib.h>

static void assert_long(const char *text, int64_t expected)
{
    int64_t value = 7;
    if (!pen_parse_long(pen_slice_str(text), &value))
        fail_msg("'%s' was refused", text);
    assert_int_equal(value, expected);
}

static void assert_no_long(const char *text)
{
    int64_t value = 7;
    if (pen_parse_long(pen_slice_str(text), &value))
        fail_msg("'%s' was accepted as %lld", text, (long long)value);
    assert_int_equal(value, 7);
}

static void long_takes_signs_and_the_whole_range(void **state)
{
    (void)state;
    assert_long("0", 0);
    assert_long("-0", 0);
    assert_long("+5", 5);
    assert_long("00000000000000000000000000000000042", 42);
    assert_long("12345678", 12345678);
    assert_long("1234567890123456", 1234567890123456);
    assert_long("9223372036854775807", INT64_MAX);
    assert_long("-9223372036854775808", INT64_MIN);
    assert_no_long("9223372036854775808");
    assert_no_long("-9223372036854775809");
    assert_no_long("99999999999999999999999");
}

static void long_refuses_what_java_refuses(void **state)
{
    (void)state;
    const char *bad[] = {"",      "+",    "-",        "+-1",      " 1",       "1 ",
                         "1_000", "1.0",  "1e3",      "0x",       "1,0",      "--1",
                         "1-",    "\xd9", "1234567x", "x2345678", "1234567:8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_no_long(bad[i]);
}

static void long_takes_unicode_digits_of_the_basic_plane(void **state)
{
    (void)state;
    assert_long("\xd9\xa1\xd9\xa2\xd9\xa3", 123);       /* Arabic-Indic */
    assert_long("-\xef\xbc\x94\x35\xe0\xa5\xac", -456); /* fullwidth, ASCII, Devanagari */
    assert_no_long("\xf0\x9d\x9f\x8e");                 /* mathematical digit zero */
    assert_no_long("\xe2\x85\xa0");                     /* Roman numeral one */
    assert_long("\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0" /* > 18 bytes of zeros */
                "\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa9",
                9);
}

static void assert_double(const char *text, double expected)
{
    double value = 0;
    if (!pen_parse_double(pen_slice_str(text), &value))
        fail_msg("'%s' was refused", text);
    if (memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("'%s' read as %a, not %a", text, value, expected);
}

static void assert_no_double(const char *text)
{
    double value = 7;
    if (pen_parse_double(pen_slice_str(text), &value))
        fail_msg("'%s' was accepted as %g", text, value);
}

static void double_reads_the_forms_of_java(void **state)
{
    (void)state;
    assert_double("1.", 1);
    assert_double(".5", 0.5);
    assert_double("-0", -0.0);
    assert_double("1.f", 1);
    assert_double("1e5d", 1e5);
    assert_double("+.5e-3F", 5e-4);
    assert_double("1D", 1);
    assert_double("\t\x01 2.5 \r\n", 2.5);
    assert_double("Infinity", __builtin_inf());
    assert_double("-Infinity", -__builtin_inf());
    assert_double("1e99999999999999999999", __builtin_inf());
    assert_double("-1e309", -__builtin_inf());
    assert_double("0e99999999999999999999", 0);
    assert_double("1e-99999999999999999999", 0);
    assert_double("0x1.p3", 8);
    assert_double("0x.8p1", 1);
    assert_double("-0X1P3f", -8);
    assert_double("0x1p99999999999", __builtin_inf());
    assert_double("0x1p-99999999999", 0);
    assert_double("0x1.00000000000008p0", 1);
    assert_double("0x1.000000000000080000000001p0", 0x1.0000000000001p0);
    assert_double("0x1.8p-1074", 0x2p-1074);
    assert_double("0x0.8p-1074", 0);
    assert_double("0x0.80000000000000000000001p-1074", 0x1p-1074);
    assert_double("0x1p-1076", 0);
    assert_double("0x1.fffffffffffff8p1023", __builtin_inf());
    assert_double("0x1.fffffffffffff7p1023", 0x1.fffffffffffffp1023);
    double nan = 0;
    assert_true(pen_parse_double(PEN_LIT("-NaN"), &nan));
    assert_true(nan != nan);
}

static void double_refuses_what_java_refuses(void **state)
{
    (void)state;
    const char *bad[] = {"",         " ",        ".",   "e5",   "1e",    "1e+",       "1,5",
                         "1_0",      "inf",      "nan", "NaNd", "+",     "-",         "1.2.3",
                         "1 2",      "0x1",      "0x",  "0xp3", "0x.p1", "1fd",       "1ff",
                         "infinity", "INFINITY", "--1", "1e5x", "0x1.p", "Infinityd", "\xd9\xa1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_no_double(bad[i]);
}

static void double_rounds_hard_cases_correctly(void **state)
{
    (void)state;
    assert_double("9007199254740993", 9007199254740992.0);
    assert_double("9007199254740993.00000000000000000000000000000000000001", 9007199254740994.0);
    assert_double("1e23", 1e23);
    assert_double("8.5e22", 8.5e22);
    assert_double("2.2250738585072011e-308", 0x0.fffffffffffffp-1022);
    assert_double("2.2250738585072012e-308", 0x1p-1022);
    assert_double("4.9406564584124654e-324", 0x1p-1074);
    assert_double("2.4703282292062327e-324", 0);
    assert_double("2.4703282292062328e-324", 0x1p-1074);
    assert_double("1.7976931348623158e308", 0x1.fffffffffffffp1023);
    assert_double("1.7976931348623159e308", __builtin_inf());
    assert_double("0.000000000000000000000000000000000000000000000000000000000000000000001e69", 1);
    assert_double("100000000000000000000000000000000000000000000000000000000000000000000e-68", 1);
}

/* Exactly half way between two doubles, then pushed off by a digit a thousand places behind. */
static void double_sees_a_digit_far_behind_a_tie(void **state)
{
    (void)state;
    char text[2000];
    int len = snprintf(text, sizeof text, "%s", "9007199254740993.");
    memset(text + len, '0', 1000);
    text[len + 1000] = '\0';
    assert_double(text, 9007199254740992.0);
    text[len + 999] = '1';
    assert_double(text, 9007199254740994.0);
}

static void double_agrees_with_strtod_on_random_decimals(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 400000; i++) {
        char text[80];
        int digits = 1 + (int)random_below(&random, i % 2 ? 18 : 34);
        int point = (int)random_below(&random, (uint64_t)digits + 1), at = 0;
        if (random_below(&random, 2))
            text[at++] = '-';
        for (int d = 0; d < digits; d++) {
            if (d == point)
                text[at++] = '.';
            text[at++] = (char)('0' + random_below(&random, 10));
        }
        int range = i % 3 == 0 ? 340 : 25;
        int exponent = (int)random_below(&random, 2 * (uint64_t)range) - range;
        if (random_below(&random, 3))
            at += snprintf(text + at, sizeof text - (size_t)at, "e%d", exponent);
        text[at] = '\0';
        assert_double(text, strtod(text, NULL));
    }
}

static void double_prints_and_reads_back_the_same_bits(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (int i = 0; i < 400000; i++) {
        uint64_t bits = random_next(&random);
        if (i % 4 == 0)
            bits &= ~(UINT64_C(0x7FF) << 52); /* subnormal */
        double value;
        memcpy(&value, &bits, sizeof value);
        if (value != value)
            continue;
        char text[PEN_NUMBER_TEXT];
        size_t len = pen_print_double(value, text);
        assert_int_equal(len, strlen(text));
        assert_double(text, value);
        char shorter[64]; /* no text of one digit less reads back */
        int digits = 0;
        for (const char *p = text; *p != '\0' && *p != 'e'; p++)
            digits += *p >= '1' && *p <= '9' ? 1 : *p == '0' && digits > 0;
        if (text[0] != 'I' && strstr(text, "Inf") == NULL && digits > 2 &&
            strstr(text, ".0") == NULL) {
            (void)snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
            assert_true(strtod(shorter, NULL) != value);
        }
        len = pen_print_double_java(value, text);
        assert_int_equal(len, strlen(text));
        assert_double(text, value);
    }
}

static void assert_printed(double value, const char *json, const char *java)
{
    char text[PEN_NUMBER_TEXT];
    assert_int_equal(pen_print_double(value, text), strlen(json));
    assert_string_equal(text, json);
    assert_int_equal(pen_print_double_java(value, text), strlen(java));
    assert_string_equal(text, java);
}

static void double_prints_json_and_java_layouts(void **state)
{
    (void)state;
    assert_printed(0, "0.0", "0.0");
    assert_printed(-0.0, "-0.0", "-0.0");
    assert_printed(1, "1.0", "1.0");
    assert_printed(-1.5, "-1.5", "-1.5");
    assert_printed(1e7, "10000000.0", "1.0E7");
    assert_printed(9999999, "9999999.0", "9999999.0");
    assert_printed(0.001, "0.001", "0.001");
    assert_printed(0.0001, "0.0001", "1.0E-4");
    assert_printed(1e300, "1e300", "1.0E300");
    assert_printed(1.5e-300, "1.5e-300", "1.5E-300");
    assert_printed(0x1p-1074, "5e-324", "4.9E-324");
    assert_printed(1e-323, "1e-323", "9.9E-324");
    assert_printed(1e23, "1e23", "1.0E23");
    assert_printed(123456789012345680.0, "1.2345678901234568e17", "1.2345678901234568E17");
    assert_printed(0x1.fffffffffffffp1023, "1.7976931348623157e308", "1.7976931348623157E308");
    assert_printed(-__builtin_inf(), "-Infinity", "-Infinity");
    assert_printed(__builtin_nan(""), "NaN", "NaN");
}

static void long_prints_and_reads_back(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (int i = 0; i < 100000; i++) {
        int64_t value = (int64_t)(random_next(&random) >> random_below(&random, 64));
        value = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : i % 2 ? value : -value;
        char text[PEN_NUMBER_TEXT];
        size_t len = pen_print_long(value, text);
        assert_int_equal(len, strlen(text));
        assert_int_equal(strtoll(text, NULL, 10), value);
        assert_long(text, value);
    }
}

static void parse_digits_takes_exactly_so_many(void **state)
{
    (void)state;
    assert_int_equal(pen_parse_digits("2019-06", 4), 2019);
    assert_int_equal(pen_parse_digits("007", 3), 7);
    assert_int_equal(pen_parse_digits("12", 0), 0);
    assert_int_equal(pen_parse_digits("999999999", 9), 999999999);
    assert_int_equal(pen_parse_digits("1a", 2), -1);
    assert_int_equal(pen_parse_digits("-1", 2), -1);
    assert_int_equal(pen_parse_digits(" 1", 2), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_digits_takes_exactly_so_many),
        cmocka_unit_test(long_takes_signs_and_the_whole_range),
        cmocka_unit_test(long_refuses_what_java_refuses),
        cmocka_unit_test(long_takes_unicode_digits_of_the_basic_plane),
        cmocka_unit_test(double_reads_the_forms_of_java),
        cmocka_unit_test(double_refuses_what_java_refuses),
        cmocka_unit_test(double_rounds_hard_cases_correctly),
        cmocka_unit_test(double_sees_a_digit_far_behind_a_tie),
        cmocka_unit_test(double_agrees_with_strtod_on_random_decimals),
        cmocka_unit_test(double_prints_and_reads_back_the_same_bits),
        cmocka_unit_test(double_prints_json_and_java_layouts),
        cmocka_unit_test(long_prints_and_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
