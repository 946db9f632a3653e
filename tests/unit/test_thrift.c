/* Bytes as the description of the compact protocol has them, written out by hand. */
#include "unit.h"

#include "parquet/thrift.h"

static void assert_bytes(const struct pen_buf *buf, const char *bytes, size_t len)
{
    assert_int_equal(buf->len, len);
    assert_memory_equal(buf->ptr, bytes, len);
}

static void fields_carry_the_step_from_the_last_one(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1000);
    struct pen_thrift t = PEN_THRIFT(&buf);
    pen_thrift_begin(&t);
    pen_thrift_i32(&t, 1, 1);
    pen_thrift_i64(&t, 3, -1);
    pen_thrift_i8(&t, 4, 64);
    pen_thrift_bool(&t, 19, true);  /* a step of 15: still in the head */
    pen_thrift_bool(&t, 35, false); /* a step of 16: the number itself */
    pen_thrift_end(&t);
    assert_ok(pen_thrift_done(&t, err));
    assert_bytes(&buf, "\x15\x02\x26\x01\x13\x40\xf1\x02\x46\x00", 10);
}

static void numbers_are_zigzag_and_seven_bits_a_byte(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1000);
    struct pen_thrift t = PEN_THRIFT(&buf);
    pen_thrift_begin(&t);
    pen_thrift_i64(&t, 1, 64);
    pen_thrift_i64(&t, 2, -65);
    pen_thrift_i64(&t, 3, INT64_MIN);
    pen_thrift_i32(&t, 4, INT32_MAX);
    pen_thrift_end(&t);
    assert_ok(pen_thrift_done(&t, err));
    assert_bytes(&buf,
                 "\x16\x80\x01\x16\x81\x01\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                 "\x15\xfe\xff\xff\xff\x0f\x00",
                 24);
}

static void structs_and_lists_nest(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1000);
    struct pen_thrift t = PEN_THRIFT(&buf);
    pen_thrift_begin(&t);
    pen_thrift_struct(&t, 2);
    pen_thrift_binary(&t, 1, PEN_LIT("ab"));
    pen_thrift_end(&t);
    pen_thrift_list(&t, 3, PEN_THRIFT_I32, 2); /* the step counts from 2 again */
    pen_thrift_element_i32(&t, 3);
    pen_thrift_element_i32(&t, -3);
    pen_thrift_list(&t, 4, PEN_THRIFT_BINARY, 1);
    pen_thrift_element_binary(&t, PEN_LIT("c"));
    pen_thrift_list(&t, 5, PEN_THRIFT_STRUCT, 1);
    pen_thrift_begin(&t);
    pen_thrift_end(&t);
    pen_thrift_end(&t);
    assert_ok(pen_thrift_done(&t, err));
    assert_bytes(&buf,
                 "\x2c\x18\x02"
                 "ab\x00\x19\x25\x06\x05\x19\x18\x01"
                 "c\x19\x1c\x00\x00",
                 18);
}

static void lists_of_fifteen_and_more_spell_their_length(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1000);
    struct pen_thrift t = PEN_THRIFT(&buf);
    pen_thrift_begin(&t);
    pen_thrift_list(&t, 1, PEN_THRIFT_STRUCT, 14);
    pen_thrift_list(&t, 2, PEN_THRIFT_STRUCT, 15);
    pen_thrift_list(&t, 3, PEN_THRIFT_STRUCT, 300);
    pen_thrift_raw(&t, PEN_LIT("raw"));
    pen_thrift_end(&t);
    assert_ok(pen_thrift_done(&t, err));
    assert_bytes(&buf, "\x19\xec\x19\xfc\x0f\x19\xfc\xac\x02raw\x00", 13);
}

static void a_full_buffer_is_told_at_the_end(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(4);
    struct pen_thrift t = PEN_THRIFT(&buf);
    pen_thrift_begin(&t);
    pen_thrift_binary(&t, 1, PEN_LIT("longer than that"));
    pen_thrift_i32(&t, 2, 1);
    pen_thrift_end(&t);
    struct pen_error failure = {0};
    assert_int_equal(pen_thrift_done(&t, &failure), PEN_ERR_TOO_LARGE);
    assert_int_equal(failure.code, PEN_ERR_TOO_LARGE);
    assert_true(buf.len <= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_carry_the_step_from_the_last_one),
        cmocka_unit_test(numbers_are_zigzag_and_seven_bits_a_byte),
        cmocka_unit_test(structs_and_lists_nest),
        cmocka_unit_test(lists_of_fifteen_and_more_spell_their_length),
        cmocka_unit_test(a_full_buffer_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
