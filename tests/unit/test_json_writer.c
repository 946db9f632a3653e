#include "unit.h"

#include <math.h>

#include "base/json.h"
#include "base/json_writer.h"

static void values_get_commas_and_quotes_where_they_belong(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 16);
    struct pen_json_writer w = PEN_JSON_WRITER(&text);
    pen_jw_begin_object(&w);
    pen_jw_member_int(&w, "int", INT64_MIN);
    pen_jw_member_text(&w, "text", "a\"b\\\n\x01");
    pen_jw_member_text(&w, "none", NULL);
    pen_jw_member_null(&w, "null");
    pen_jw_member_bool(&w, "yes", true);
    pen_jw_key(&w, "list");
    pen_jw_begin_array(&w);
    pen_jw_begin_array(&w);
    pen_jw_end_array(&w);
    pen_jw_bool(&w, false);
    pen_jw_double(&w, 0.5);
    pen_jw_double(&w, NAN);
    pen_jw_double(&w, -INFINITY);
    pen_jw_begin_object(&w);
    pen_jw_end_object(&w);
    pen_jw_raw(&w, PEN_LIT("{\"raw\":1}"));
    pen_jw_end_array(&w);
    pen_jw_key(&w, "a \"key\"");
    pen_jw_slice(&w, pen_slice("cut off", 3));
    pen_jw_end_object(&w);
    assert_ok(pen_jw_done(&w, err));
    assert_string_equal(text.ptr,
                        "{\"int\":-9223372036854775808,\"text\":\"a\\\"b\\\\\\n\\u0001\","
                        "\"none\":null,\"null\":null,\"yes\":true,\"list\":[[],false,0.5,null,null,"
                        "{},{\"raw\":1}],\"a \\\"key\\\"\":\"cut\"}");
}

static void text_that_is_not_utf8_is_repaired(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 16);
    struct pen_json_writer w = PEN_JSON_WRITER(&text);
    pen_jw_text(&w, "a\xFF\xC3");
    assert_ok(pen_jw_done(&w, err));
    assert_string_equal(text.ptr, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void first_failure_sticks(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(8);
    struct pen_json_writer w = PEN_JSON_WRITER(&text);
    pen_jw_begin_array(&w);
    pen_jw_text(&w, "far too long for it");
    pen_jw_int(&w, 1);
    pen_jw_end_array(&w);
    struct pen_error err = {0};
    assert_int_equal(pen_jw_done(&w, &err), PEN_ERR_TOO_LARGE);
    assert_int_equal(err.code, PEN_ERR_TOO_LARGE);
    assert_true(text.len <= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_get_commas_and_quotes_where_they_belong),
        cmocka_unit_test(text_that_is_not_utf8_is_repaired),
        cmocka_unit_test(first_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
