/* The fast shapes against the general way: a letter before format and text switches the former
 * off. */
#include "time_cases.h"

#include <stdlib.h>

static uint64_t random_state = 2463534242u;

static size_t below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % limit);
}

struct pair {
    struct pen_time_format *fast, *general;
};

/* The letter goes behind the prefix of the dialect; in java patterns it is quoted. */
static struct pair make_pair(const char *format, const char *zone)
{
    struct pair pair = {NULL, NULL};
    char general[128];
    size_t prefix = strncmp(format, "ruby:", 5) == 0 || strncmp(format, "java:", 5) == 0 ? 5 : 0;
    const char *letter = format[0] == 'j' ? "'x'" : "x";
    (void)snprintf(general, sizeof general, "%.*s%s%s", (int)prefix, format, letter,
                   format + prefix);
    assert_ok(pen_time_format_new(format, zone, NULL, &pair.fast, err));
    assert_ok(pen_time_format_new(general, zone, NULL, &pair.general, err));
    return pair;
}

/* text: exactly the bytes of the value behind an 'x', so that reading too far is found. */
static void compare(const struct pair *pair, const char *format, const char *text, size_t len)
{
    char *exact = malloc(len + 1);
    assert_non_null(exact);
    exact[0] = 'x';
    memcpy(exact + 1, text, len);
    struct pen_instant fast = {0, 0}, general = {0, 0};
    size_t fast_index = 0, general_index = 0;
    bool is_fast = pen_time_format_parse(pair->fast, pen_slice(exact + 1, len), &fast, &fast_index);
    bool is_general =
        pen_time_format_parse(pair->general, pen_slice(exact, len + 1), &general, &general_index);
    if (len > 0 &&
        (is_fast != is_general || fast.utc_us != general.utc_us || fast.ns != general.ns))
        fail_msg("'%s' on '%.*s': fast %d %lld.%03u, general %d %lld.%03u", format, (int)len, text,
                 is_fast, (long long)fast.utc_us, fast.ns, is_general, (long long)general.utc_us,
                 general.ns);
    free(exact);
}

/* One or two bytes changed, put in or taken out. */
static size_t mutate(char *text, size_t len)
{
    static const char bytes[] = "0123456789013599-: T.+Zxz/\t\xc3";
    for (size_t n = below(3); n > 0; n--) {
        size_t at = below(len + 1);
        char byte = bytes[below(sizeof bytes - 1)];
        switch (below(4)) {
        case 0:
            memmove(text + at + 1, text + at, len - at);
            text[at] = byte;
            len++;
            break;
        case 1:
            if (at < len) {
                memmove(text + at, text + at + 1, len - at - 1);
                len--;
            }
            break;
        default:
            if (at < len)
                text[at] = byte;
            break;
        }
    }
    return below(20) == 0 ? below(len + 1) : len;
}

static void fast_shapes_agree_with_the_general_way_on_mangled_texts(void **state)
{
    (void)state;
    static const struct {
        const char *format, *zone;
    } cases[] = {
        {"%Y-%m-%d %H:%M:%S", "UTC"},
        {"%Y-%m-%d %H:%M:%S", "America/New_York"},
        {"%Y-%m-%dT%H:%M:%S%z", "+09:00"},
        {"%Y-%m-%dT%H:%M:%S.%L", "UTC"},
        {"%Y-%m-%dT%H:%M:%S.%N%:z", "-03:30"},
        {"%Y-%m-%d %H:%M:%S.%N %z", "Asia/Tokyo"},
        {"%Y-%m-%d %H:%M:%S,%N", "Europe/Dublin"},
        {"%Y/%m/%d_%H-%M-%S %Z", "UTC"},
        {"%Y-%m-%d %H:%M:%S %Z", "America/New_York"},
        {"%Y-%m-%d %H:%M:%S%Z", "Asia/Tokyo"},
        {"%Y-%m-%d", "UTC"},
        {"%Y.%m.%d", "Australia/Lord_Howe"},
        {"%F", "UTC"},
        {"%F %T", "UTC"},
        {"ruby:%Y-%m-%d %H:%M:%S", "UTC"},
        {"ruby:%Y-%m-%dT%H:%M:%S.%N%z", "+05:45"},
        {"ruby:%Y-%m-%d", "-08"},
        {"java:uuuu-MM-dd HH:mm:ss", "UTC"},
        {"java:yyyy-MM-dd'T'HH:mm:ss'Z'", "+09:00"},
        {"java:uuuu-MM-dd'T'HH:mm:ss.SSSXX", "UTC"},
        {"java:uuuu/MM/dd", "UTC"},
        {"java:uuuu-MM-dd HH:mm:ss Z", "-18:00"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct pair pair = make_pair(cases[c].format, cases[c].zone);
        struct pen_buf printed = PEN_BUF(256);
        for (int i = 0; i < 30000; i++) {
            int64_t day = (int64_t)below(4000000) - 800000; /* years -221 to 10700 */
            struct pen_instant instant = {day * PEN_US_PER_DAY +
                                              (int64_t)below((size_t)PEN_US_PER_DAY),
                                          (uint16_t)below(1000)};
            pen_buf_clear(&printed);
            assert_ok(pen_time_format_print(pair.fast, instant, &printed, err));
            char text[128];
            memcpy(text, printed.ptr, printed.len);
            compare(&pair, cases[c].format, text, mutate(text, printed.len));
        }
        pen_buf_release(&printed);
        pen_time_format_free(pair.fast);
        pen_time_format_free(pair.general);
    }
}

static void fast_shapes_agree_with_the_general_way_on_every_day_and_second(void **state)
{
    (void)state;
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "ruby:%Y-%m-%d %H:%M:%S",
                                          "java:uuuu-MM-dd HH:mm:ss"};
    static const char *const years[] = {"0000", "0001", "1900", "1970", "2000", "2015", "9999"};
    for (size_t f = 0; f < 3; f++) {
        struct pair pair = make_pair(formats[f], "UTC");
        for (int i = 0; i < 7 * 15 * 35; i++) {
            char text[32];
            int n = snprintf(text, sizeof text, "%s-%02d-%02d 00:00:00", years[i % 7], i / 7 % 15,
                             i / 105);
            compare(&pair, formats[f], text, (size_t)n);
        }
        for (int i = 0; i < 26 * 62 * 62; i++) {
            char text[32];
            int n = snprintf(text, sizeof text, "2015-01-27 %02d:%02d:%02d", i / 62 / 62,
                             i / 62 % 62, i % 62);
            compare(&pair, formats[f], text, (size_t)n);
        }
        pen_time_format_free(pair.fast);
        pen_time_format_free(pair.general);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_shapes_agree_with_the_general_way_on_mangled_texts),
        cmocka_unit_test(fast_shapes_agree_with_the_general_way_on_every_day_and_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
