#include "unit.h"

#include "cli/progress_bar.h"
#include "cli/words.h"

#include "base/civil.h"

static void words_count_with_separators(void **state)
{
    (void)state;
    char out[PEN_WORD_TEXT];
    assert_string_equal(pen_word_count(0, out), "0");
    assert_string_equal(pen_word_count(999, out), "999");
    assert_string_equal(pen_word_count(1000, out), "1,000");
    assert_string_equal(pen_word_count(1234567, out), "1,234,567");
    assert_string_equal(pen_word_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void words_bytes_in_the_largest_unit_that_fits(void **state)
{
    (void)state;
    char out[PEN_WORD_TEXT];
    assert_string_equal(pen_word_bytes(0, out), "0 B");
    assert_string_equal(pen_word_bytes(999, out), "999 B");
    assert_string_equal(pen_word_bytes(1000, out), "1.00 kB");
    assert_string_equal(pen_word_bytes(1250, out), "1.25 kB");
    assert_string_equal(pen_word_bytes(999996, out), "1.00 MB");
    assert_string_equal(pen_word_bytes(12345678, out), "12.3 MB");
    assert_string_equal(pen_word_bytes(UINT64_MAX, out), "18.4 EB");
}

static void words_elapsed_and_duration_as_the_original(void **state)
{
    (void)state;
    char out[PEN_WORD_TEXT];
    assert_string_equal(pen_word_elapsed(5 * PEN_US_PER_SECOND, out), " 5sec");
    assert_string_equal(pen_word_elapsed(125 * PEN_US_PER_SECOND, out), " 2m  5sec");
    assert_string_equal(pen_word_elapsed(3603 * PEN_US_PER_SECOND, out), "1h  0m  3sec");
    assert_string_equal(pen_word_duration(3603 * PEN_US_PER_SECOND, out), "01:00:03");
    assert_string_equal(pen_word_duration(360000 * PEN_US_PER_SECOND, out), "100:00:00");
}

static void words_time_is_utc_whatever_the_machine_says(void **state)
{
    (void)state; /* the tests run with TZ=Asia/Kolkata */
    char out[PEN_WORD_TEXT];
    assert_string_equal(pen_word_time(1429315805 * PEN_US_PER_SECOND, out),
                        "2015-04-18 00:10:05 +0000");
    assert_string_equal(pen_word_time(0, out), "");
    assert_string_equal(pen_word_instant(1429315805500000, out), "2015-04-18T00:10:05.5Z");
    assert_null(pen_word_instant(0, out));
}

static void assert_bar(const struct pen_bar_state *state, size_t columns, const char *expected)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(4096);
    assert_ok(pen_bar_print(state, columns, &line, err));
    assert_string_equal(line.ptr, expected);
}

static void bar_shows_what_is_known(void **state)
{
    (void)state;
    struct pen_bar_state s = {.bytes = 25000000,
                              .total_bytes = 100000000,
                              .rows = 123456,
                              .objects = 3,
                              .total_objects = 12,
                              .rate = 5000000};
    assert_bar(&s, 120,
               " 25% [=====>              ] 25.0 MB of 100.0 MB, 123,456 rows, 3 of 12 files, "
               "5.00 MB/s, ETA 00:00:15");
    assert_bar(&s, 0,
               " 25% 25.0 MB of 100.0 MB, 123,456 rows, 3 of 12 files, 5.00 MB/s, ETA 00:00:15");
    s.rejected = 7;
    s.bytes = 100000000;
    assert_bar(&s, 80,
               "100% 100.0 MB of 100.0 MB, 123,456 rows, 3 of 12 files, 5.00 MB/s, 7 rejected");
    s = (struct pen_bar_state){.rows = 1};
    assert_bar(&s, 120, "0 B, 1 rows, 0 files, 0 B/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_count_with_separators),
        cmocka_unit_test(words_bytes_in_the_largest_unit_that_fits),
        cmocka_unit_test(words_elapsed_and_duration_as_the_original),
        cmocka_unit_test(words_time_is_utc_whatever_the_machine_says),
        cmocka_unit_test(bar_shows_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
