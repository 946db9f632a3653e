#include "unit.h"

#include "decode/charset.h"

/* Converts with the input cut at `cut` and the output in pieces of `room`. */
static void convert(const char *name, struct pen_slice bytes, size_t cut, size_t room,
                    struct pen_buf *text, uint64_t *ret_replaced)
{
    struct pen_charset *charset = NULL;
    assert_ok(pen_charset_new(name, &charset, err));
    pen_buf_clear(text);
    struct pen_slice parts[2] = {pen_slice(bytes.ptr, cut), pen_slice_skip(bytes, cut)};
    for (size_t i = 0; i < 2; i++) {
        enum pen_flow flow = PEN_FLOW_MORE_ROOM;
        while (flow == PEN_FLOW_MORE_ROOM) {
            char piece[64];
            struct pen_out out = {.ptr = piece, .room = room};
            assert_ok(pen_charset_convert(charset, &parts[i], i == 1, &out, &flow, err));
            assert_ok(pen_buf_add(text, piece, room - out.room, err));
        }
        assert_int_equal(flow, i == 1 ? PEN_FLOW_END : PEN_FLOW_MORE_INPUT);
        assert_int_equal(parts[i].len, 0);
    }
    *ret_replaced = pen_charset_replaced(charset);
    pen_charset_free(charset);
}

static void assert_text(const char *name, const char *bytes, size_t len, const char *expected,
                        uint64_t expected_replaced)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t cut = 0; cut <= len; cut++) {
        for (size_t room = 16; room <= 64; room += 24) {
            uint64_t replaced = 0;
            convert(name, pen_slice(bytes, len), cut, room, &text, &replaced);
            assert_string_equal(text.ptr, expected);
            assert_int_equal(replaced, expected_replaced);
        }
    }
}

#define assert_charset(name, bytes, expected, replaced)                                            \
    assert_text(name, bytes, sizeof(bytes) - 1, expected, replaced)

static void charset_converts_the_encodings_of_japan(void **state)
{
    (void)state;
    const char *text = "\xe6\x97\xa5\xe6\x9c\xac,ab\n"; /* Nihon */
    assert_charset("Shift_JIS", "\x93\xfa\x96\x7b,ab\n", text, 0);
    assert_charset("MS932", "\x93\xfa\x96\x7b,ab\n", text, 0);
    assert_charset("EUC-JP", "\xc6\xfc\xcb\xdc,ab\n", text, 0);
    assert_charset("ISO-2022-JP", "\x1b$BF|K\\\x1b(B,ab\n", text, 0);
    assert_charset("MS932", "\x87\x40\x81\x60", "\xe2\x91\xa0\xef\xbd\x9e", 0);
}

static void charset_converts_utf16_and_utf32_with_and_without_bom(void **state)
{
    (void)state;
    assert_charset("UTF-16", "\xff\xfe\xe9\0\n\0", "\xc3\xa9\n", 0);
    assert_charset("UTF-16", "\0\xe9\0\n", "\xc3\xa9\n", 0);
    assert_charset("UTF-16LE", "\x3d\xd8\x00\xde", "\xf0\x9f\x98\x80", 0);
    assert_charset("UTF-32BE", "\0\x01\xf6\0", "\xf0\x9f\x98\x80", 0);
}

static void charset_knows_names_in_any_case_and_of_java(void **state)
{
    (void)state;
    assert_charset("WINDOWS-1252", "\x80 \xe9", "\xe2\x82\xac \xc3\xa9", 0);
    assert_charset("latin1", "\xe9", "\xc3\xa9", 0);
    assert_charset("gb18030", "\xc4\xe3", "\xe4\xbd\xa0", 0);
    assert_charset("euc-kr", "\xb0\xa1", "\xea\xb0\x80", 0);
    assert_charset("Big5", "\xa7\xda", "\xe6\x88\x91", 0);
    assert_true(pen_charset_is_known("x-windows-949"));
    assert_false(pen_charset_is_known("klingon"));
    struct pen_charset *charset = NULL;
    struct pen_error failed = {0};
    assert_int_equal(pen_charset_new("klingon", &charset, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.message, "unknown charset 'klingon'");
}

static void charset_replaces_and_counts_what_is_malformed(void **state)
{
    (void)state;
    assert_charset("Shift_JIS", "a\x81\nb", "a\xef\xbf\xbd\nb", 1);
    assert_charset("EUC-JP",
                   "a\xff"
                   "b",
                   "a\xef\xbf\xbd"
                   "b",
                   1);
    assert_charset("UTF-16LE", "\x00\xde\n\0", "\xef\xbf\xbd\n", 1);
    assert_charset("UTF-16LE", "a\0\n", "a\xef\xbf\xbd", 1);
    assert_charset("Shift_JIS", "a\x93", "a\xef\xbf\xbd", 1);
}

static void charset_of_json_is_told_by_the_first_bytes(void **state)
{
    (void)state;
    assert_string_equal(pen_charset_of_json(PEN_LIT("{\"a\"")), "UTF-8");
    assert_string_equal(pen_charset_of_json(PEN_LIT("\xef\xbb\xbf{")), "UTF-8");
    assert_string_equal(pen_charset_of_json(PEN_LIT("{\0\"\0")), "UTF-16LE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("\0{\0\"")), "UTF-16BE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("\xff\xfe{\0")), "UTF-16LE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("\xfe\xff\0{")), "UTF-16BE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("{\0\0\0")), "UTF-32LE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("\0\0\0{")), "UTF-32BE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("\xff\xfe\0\0")), "UTF-32LE");
    assert_string_equal(pen_charset_of_json(PEN_LIT("1")), "UTF-8");
    assert_string_equal(pen_charset_of_json(PEN_LIT("")), "UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charset_converts_the_encodings_of_japan),
        cmocka_unit_test(charset_converts_utf16_and_utf32_with_and_without_bom),
        cmocka_unit_test(charset_knows_names_in_any_case_and_of_java),
        cmocka_unit_test(charset_replaces_and_counts_what_is_malformed),
        cmocka_unit_test(charset_of_json_is_told_by_the_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
