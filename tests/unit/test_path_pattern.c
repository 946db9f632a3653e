#include "unit.h"

#include "conf/path_pattern.h"

static bool find(const char *pattern, const char *key)
{
    struct pen_path_pattern *made = NULL;
    bool is_found = false;
    assert_ok(pen_path_pattern_new(pen_slice_str(pattern), &made, err));
    assert_ok(pen_path_pattern_find(made, pen_slice_str(key), &is_found, err));
    pen_path_pattern_free(made);
    return is_found;
}

static void pattern_is_found_anywhere_in_the_key(void **state)
{
    (void)state;
    assert_true(find("\\.csv$", "logs/a.csv"));
    assert_false(find("\\.csv$", "logs/a.csv.gz"));
    assert_true(find("/archive/", "x/archive/y"));
    assert_true(find("/data1/|/data2/", "x/data2/y"));
    assert_true(find(".csv$|.csv.gz$", "a.csv.gz"));
    assert_true(find("", "anything"));
    assert_true(find(".*", "anything"));
    assert_true(find("^logs/", "logs/a"));
    assert_false(find("^logs/", "x/logs/a"));
    assert_true(find("\\Qa.b[\\E$", "x/a.b["));
    assert_false(find("\\Qa.b\\E", "x/aXb"));
    assert_true(find("[]a]x", "]x"));
    assert_true(find("[^]a]x", "bx"));
    assert_true(find("(?i)CSV", "a.csv"));
}

static void pattern_reads_java_unicode_escapes_as_code_points(void **state)
{
    (void)state;
    assert_true(find("^\\u00e9$", "\xc3\xa9"));
    assert_true(find("^[\\u3040-\\u309f]+$", "\xe3\x81\x82\xe3\x81\x84"));
    assert_true(find("^.$", "\xf0\x9f\x98\x80"));
}

static void pattern_matches_keys_that_are_not_utf8_byte_by_byte(void **state)
{
    (void)state;
    assert_true(find("^caf.\\.csv$", "caf\xe9.csv"));
    assert_true(find("\\.csv$", "\xff\xfe.csv"));
    assert_false(find("\\.gz$", "\xff\xfe.csv"));
    assert_true(find("x", "\xc3\x28x"));
}

static void assert_refused(const char *pattern, const char *reason)
{
    struct pen_path_pattern *made = NULL;
    struct pen_error err = {0};
    assert_int_equal(pen_path_pattern_new(pen_slice_str(pattern), &made, &err), PEN_ERR_CONFIG);
    assert_null(made);
    if (strstr(err.message, reason) == NULL)
        fail_msg("'%s' does not say '%s'", err.message, reason);
}

static void pattern_is_refused_when_java_would_read_it_differently(void **state)
{
    (void)state;
    assert_refused("[a-z&&[^b]]", "intersection");
    assert_refused("[a[bc]]", "inside a class");
    assert_refused("(?U)\\w", "flags");
    assert_refused("*.csv", "index 0");
    assert_refused("(*UTF)x", "nothing to repeat");
    assert_refused("a(b", "index 3");
    assert_refused("[a", "index 2");
    assert_refused("x\\", "backslash");
    assert_refused("\\u12", "hexadecimal");
}

static void pattern_gives_an_error_with_key_and_limit_when_it_explodes(void **state)
{
    (void)state;
    struct pen_path_pattern *made = NULL;
    assert_ok(pen_path_pattern_new(PEN_LIT("^(a+)+$"), &made, err));
    struct pen_error failed = {0};
    bool is_found = false;
    struct pen_slice key = PEN_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    assert_int_equal(pen_path_pattern_find(made, key, &is_found, &failed), PEN_ERR_CONFIG);
    assert_non_null(strstr(failed.message, "2000000"));
    assert_non_null(strstr(failed.message, "aaaa!'"));
    assert_ok(pen_path_pattern_find(made, PEN_LIT("aaaa"), &is_found, err));
    assert_true(is_found);
    pen_path_pattern_free(made);
}

static void pattern_survives_long_keys_that_need_a_deep_stack(void **state)
{
    (void)state;
    char key[60001];
    memset(key, 'x', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    assert_true(find("^(?:x|y)*$", key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pattern_is_found_anywhere_in_the_key),
        cmocka_unit_test(pattern_reads_java_unicode_escapes_as_code_points),
        cmocka_unit_test(pattern_matches_keys_that_are_not_utf8_byte_by_byte),
        cmocka_unit_test(pattern_is_refused_when_java_would_read_it_differently),
        cmocka_unit_test(pattern_gives_an_error_with_key_and_limit_when_it_explodes),
        cmocka_unit_test(pattern_survives_long_keys_that_need_a_deep_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
