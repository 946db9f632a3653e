/* time_cases.h - tables of (format, text, instant) for the tests of tz/. */
#ifndef PEN_TESTS_TIME_CASES_H
#define PEN_TESTS_TIME_CASES_H

#include "unit.h"

#include "tz/time_format.h"

/* most cases need neither zone nor date */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct time_case {
    const char *format, *text;
    const char *expected; /* as pen_instant_print writes it, or the reason when it is no value */
    const char *timezone, *date;
};

/* The reading of a text as pen_instant_print writes it, or the reason why there is none. */
static inline void read_time(const struct time_case *c, struct pen_buf *into)
{
    struct pen_time_format *format = NULL;
    assert_ok(pen_time_format_new(c->format, c->timezone, c->date, &format, err));
    struct pen_slice text = pen_slice_str(c->text);
    struct pen_instant instant = {0, 0};
    size_t index = 0;
    pen_buf_clear(into);
    if (pen_time_format_parse(format, text, &instant, &index)) {
        char printed[PEN_INSTANT_TEXT];
        assert_ok(pen_buf_add(into, printed, pen_instant_print(instant, printed), err));
    } else {
        assert_ok(pen_time_format_reason(format, text, into, err));
        char at[32];
        (void)snprintf(at, sizeof at, "at index %zu", index);
        if (strstr(into->ptr, "at index ") != NULL && strstr(into->ptr, at) == NULL)
            fail_msg("'%s': index %zu, but the reason is: %s", c->text, index, into->ptr);
    }
    pen_time_format_free(format);
}

static inline void check_time_cases(const struct time_case *cases, size_t count)
{
    struct pen_buf got = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        read_time(&cases[i], &got);
        if (strcmp(got.ptr, cases[i].expected) != 0)
            fail_msg("format '%s' zone '%s' text '%s': got '%s', expected '%s'", cases[i].format,
                     cases[i].timezone == NULL ? "" : cases[i].timezone, cases[i].text, got.ptr,
                     cases[i].expected);
    }
    pen_buf_release(&got);
}

#define CHECK_TIMES(...)                                                                           \
    do {                                                                                           \
        static const struct time_case cases_[] = {__VA_ARGS__};                                    \
        check_time_cases(cases_, sizeof cases_ / sizeof cases_[0]);                                \
    } while (0)

/* "Text '<text>' could not be parsed at index <index>" */
#define AT_INDEX(text, index) "Text '" text "' could not be parsed at index " #index

#endif
