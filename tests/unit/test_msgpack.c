#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "base/msgpack.h"

/* Bytes from the specification's own tables. */
static void integers_take_their_shortest_form(void **state)
{
    (void)state;
    const struct {
        int64_t value;
        const char *bytes;
        size_t len;
    } cases[] = {
        {0, "\x00", 1},
        {127, "\x7f", 1},
        {128, "\xcc\x80", 2},
        {255, "\xcc\xff", 2},
        {256, "\xcd\x01\x00", 3},
        {65535, "\xcd\xff\xff", 3},
        {65536, "\xce\x00\x01\x00\x00", 5},
        {INT64_C(4294967295), "\xce\xff\xff\xff\xff", 5},
        {INT64_C(4294967296), "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9},
        {INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
        {-1, "\xff", 1},
        {-32, "\xe0", 1},
        {-33, "\xd0\xdf", 2},
        {-128, "\xd0\x80", 2},
        {-129, "\xd1\xff\x7f", 3},
        {-32768, "\xd1\x80\x00", 3},
        {-32769, "\xd2\xff\xff\x7f\xff", 5},
        {INT32_MIN, "\xd2\x80\x00\x00\x00", 5},
        {(int64_t)INT32_MIN - 1, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff", 9},
        {INT64_MIN, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(64);
        assert_ok(pen_msgpack_add_int(&buf, cases[i].value, err));
        assert_int_equal(buf.len, cases[i].len);
        assert_memory_equal(buf.ptr, cases[i].bytes, buf.len);
        struct pen_slice rest = pen_buf_slice(&buf);
        struct pen_msgpack_item item;
        assert_ok(pen_msgpack_next(&rest, &item, err));
        assert_int_equal(item.kind, PEN_MSGPACK_INT);
        assert_true(item.integer == cases[i].value);
        assert_int_equal(rest.len, 0);
    }
}

static void texts_and_containers_of_every_size_come_back(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};
    char *text = calloc(1, 70000);
    memset(text, 'x', 69999);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
        struct pen_msgpack_item item;
        assert_ok(pen_msgpack_add_text(&buf, pen_slice(text, sizes[i]), err));
        assert_ok(pen_msgpack_add_array(&buf, (uint32_t)sizes[i], err));
        assert_ok(pen_msgpack_add_map(&buf, (uint32_t)sizes[i], err));
        struct pen_slice rest = pen_buf_slice(&buf);
        assert_ok(pen_msgpack_next(&rest, &item, err));
        assert_int_equal(item.kind, PEN_MSGPACK_TEXT);
        assert_int_equal(item.text.len, sizes[i]);
        assert_ok(pen_msgpack_next(&rest, &item, err));
        assert_int_equal(item.kind, PEN_MSGPACK_ARRAY);
        assert_int_equal(item.count, sizes[i]);
        assert_ok(pen_msgpack_next(&rest, &item, err));
        assert_int_equal(item.kind, PEN_MSGPACK_MAP);
        assert_int_equal(item.count, sizes[i]);
        assert_int_equal(rest.len, 0);
    }
    free(text);
}

static void json_goes_in_and_comes_out_the_same(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    PEN_CLEANUP(pen_buf_release) struct pen_buf packed = PEN_BUF(1 << 16);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 16);
    struct pen_slice json = PEN_LIT("{\"a\":[1,-2,0.5,null,true,false,\"\xC3\xA9\\n\"],\"b\":{},"
                                    "\"c\":[[],{\"d\":9223372036854775807}]}");
    struct pen_json *root = NULL;
    size_t used = 0;
    assert_ok(pen_json_read(json, &arena, &root, &used, err));
    assert_ok(pen_msgpack_add_json(&packed, root, err));
    struct pen_slice rest = pen_buf_slice(&packed);
    assert_ok(pen_msgpack_to_json(&rest, &text, err));
    assert_int_equal(rest.len, 0);
    assert_int_equal(text.len, json.len);
    assert_memory_equal(text.ptr, json.ptr, json.len);
}

static void numbers_that_json_lacks_become_texts(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf packed = PEN_BUF(1 << 16);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 16);
    assert_ok(pen_msgpack_add_array(&packed, 3, err));
    assert_ok(pen_msgpack_add_double(&packed, NAN, err));
    assert_ok(pen_msgpack_add_double(&packed, -INFINITY, err));
    assert_ok(pen_msgpack_add_double(&packed, 1e300, err));
    struct pen_slice rest = pen_buf_slice(&packed);
    assert_ok(pen_msgpack_to_json(&rest, &text, err));
    assert_string_equal(text.ptr, "[\"NaN\",\"-Infinity\",1e300]");
}

/* Every prefix of every kind of item. */
static void what_is_cut_off_or_foreign_is_an_error(void **state)
{
    (void)state;
    const struct pen_slice whole[] = {
        PEN_LIT("\xcc\x80"),
        PEN_LIT("\xcd\x01\x00"),
        PEN_LIT("\xd3\x80\0\0\0\0\0\0\0"),
        PEN_LIT("\xa3"
                "abc"),
        PEN_LIT("\xd9\x02"
                "ab"),
        PEN_LIT("\xcb\0\0\0\0\0\0\0\0"),
        PEN_LIT("\xca\0\0\0\0"),
        PEN_LIT("\xdc\0\x01"),
        PEN_LIT("\xdf\0\0\0\x01"),
        PEN_LIT("\xc4\x01x"),
    };
    struct pen_msgpack_item item;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        for (size_t len = 0; len < whole[i].len; len++) {
            struct pen_slice rest = pen_slice(whole[i].ptr, len);
            assert_int_equal(pen_msgpack_next(&rest, &item, NULL), PEN_ERR_CORRUPT);
        }
        struct pen_slice rest = whole[i];
        assert_ok(pen_msgpack_next(&rest, &item, err));
        assert_int_equal(rest.len, 0);
    }
    const struct pen_slice foreign[] = {PEN_LIT("\xc1"), PEN_LIT("\xc7\x01\x01x"),
                                        PEN_LIT("\xd4\x01x"),
                                        PEN_LIT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct pen_slice rest = foreign[i];
        assert_int_equal(pen_msgpack_next(&rest, &item, NULL), PEN_ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_their_shortest_form),
        cmocka_unit_test(texts_and_containers_of_every_size_come_back),
        cmocka_unit_test(json_goes_in_and_comes_out_the_same),
        cmocka_unit_test(numbers_that_json_lacks_become_texts),
        cmocka_unit_test(what_is_cut_off_or_foreign_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
