#include "unit.h"

#include "cli/args.h"

static const struct pen_flag flags[] = {
    {"time", 't', "TIME", false, ""},
    {"size", 's', "BYTES", false, ""},
    {NULL, 0, NULL, false, NULL},
};

/* One option with its value. */
static struct pen_args args_of(const char *name, const char *value, const char **values)
{
    values[0] = strcmp(name, "time") == 0 ? value : NULL;
    values[1] = strcmp(name, "size") == 0 ? value : NULL;
    return (struct pen_args){.flags = flags, .values = values};
}

static void assert_time(const char *text, int64_t us)
{
    const char *values[2];
    struct pen_args args = args_of("time", text, values);
    int64_t got = -1;
    assert_ok(pen_args_duration(&args, "time", 7, &got, err));
    assert_int_equal(got, us);
}

static void assert_size(const char *text, uint64_t bytes)
{
    const char *values[2];
    struct pen_args args = args_of("size", text, values);
    uint64_t got = 0;
    assert_ok(pen_args_bytes(&args, "size", 7, &got, err));
    assert_int_equal(got, bytes);
}

static void durations_have_a_unit(void **state)
{
    (void)state;
    assert_time(NULL, 7);
    assert_time("0", 0);
    assert_time("0d", 0);
    assert_time("90s", 90 * INT64_C(1000000));
    assert_time("5m", 300 * INT64_C(1000000));
    assert_time("36h", 129600 * INT64_C(1000000));
    assert_time("7d", 604800 * INT64_C(1000000));
    assert_time("2w", 1209600 * INT64_C(1000000));
}

static void sizes_may_have_a_unit(void **state)
{
    (void)state;
    assert_size(NULL, 7);
    assert_size("1", 1);
    assert_size("500000B", 500000);
    assert_size("64k", 65536);
    assert_size("64K", 65536);
    assert_size("3MB", 3 << 20);
    assert_size("1GiB", 1 << 30);
}

static void other_words_are_refused(void **state)
{
    (void)state;
    static const char *const times[] = {"",
                                        "7",
                                        "d",
                                        "7 d",
                                        "-7d",
                                        "7dd",
                                        "1.5h",
                                        "7days",
                                        "99999999999999999999s",
                                        "9999999999999d"};
    static const char *const sizes[] = {"", "0", "G", "1T", "1GG", "1 G", "-1", "1e6", "9999999G"};
    const char *values[2];
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct pen_args args = args_of("time", times[i], values);
        struct pen_error err = {0};
        int64_t us = 0;
        assert_int_equal(pen_args_duration(&args, "time", 0, &us, &err), PEN_ERR_CONFIG);
        assert_non_null(strstr(err.message, "--time"));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pen_args args = args_of("size", sizes[i], values);
        struct pen_error err = {0};
        uint64_t bytes = 0;
        assert_int_equal(pen_args_bytes(&args, "size", 0, &bytes, &err), PEN_ERR_CONFIG);
        assert_non_null(strstr(err.message, "--size"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_a_unit),
        cmocka_unit_test(sizes_may_have_a_unit),
        cmocka_unit_test(other_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
