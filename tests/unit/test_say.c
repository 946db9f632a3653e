#include "unit.h"

#include "base/arena.h"
#include "base/say.h"

static char heard[4096];
static int lines;

static void hear(void *context, const char *level, const char *text)
{
    assert_ptr_equal(context, heard);
    snprintf(heard, sizeof heard, "%s: %s", level, text);
    lines++;
}

static void line_is_formatted_and_handed_on(void **state)
{
    (void)state;
    const struct {
        void (*log)(void *context, const char *level, const char *text);
        void *log_context;
    } to = {hear, heard}, nobody = {NULL, NULL};
    lines = 0;
    PEN_SAY(&to, "warn", "%d of %s", 3, "four");
    assert_string_equal(heard, "warn: 3 of four");
    PEN_SAY(&nobody, "warn", "%d", 5);
    assert_int_equal(lines, 1);
}

static void long_line_is_cut(void **state)
{
    (void)state;
    pen_say(hear, heard, "info", "%03000d", 7);
    assert_int_equal(strlen(heard), strlen("info: ") + 2047);
}

static void text_is_copied_or_fails(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA(1 << 20);
    const char *text = "before";
    assert_ok(pen_arena_text(&arena, pen_slice("abc", 2), &text, err));
    assert_string_equal(text, "ab");
    assert_ok(pen_arena_text(&arena, pen_slice(NULL, 0), &text, err));
    assert_string_equal(text, "");
    struct pen_arena full = PEN_ARENA(0);
    assert_int_equal(pen_arena_text(&full, pen_slice_str("abc"), &text, NULL), PEN_ERR_NOMEM);
    assert_string_equal(text, "");
    pen_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_is_formatted_and_handed_on),
        cmocka_unit_test(long_line_is_cut),
        cmocka_unit_test(text_is_copied_or_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
