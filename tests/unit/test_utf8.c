#include "unit.h"

#include "base/cpu.h"
#include "base/utf8.h"
#include "random.h"

#include <stdlib.h>

static const char replacement[] = "\xEF\xBF\xBD";

/* `expected`: the repaired text with '?' for each replacement. */
static void assert_repaired(const char *text, const char *expected)
{
    struct pen_buf out = PEN_BUF(1 << 20), wanted = PEN_BUF(1 << 20);
    uint64_t replaced = 0, wanted_replaced = 0;
    size_t used;
    assert_ok(pen_utf8_repair(pen_slice_str(text), true, &out, &used, &replaced, err));
    assert_int_equal(used, strlen(text));
    for (const char *p = expected; *p != '\0'; p++) {
        assert_ok(*p == '?' ? pen_buf_add_str(&wanted, replacement, err)
                            : pen_buf_add_char(&wanted, *p, err));
        wanted_replaced += *p == '?';
    }
    assert_true(pen_slice_equal(pen_buf_slice(&out), pen_buf_slice(&wanted)));
    assert_int_equal(replaced, wanted_replaced);
    assert_true(pen_utf8_is_valid(pen_buf_slice(&out)));
    pen_buf_release(&out);
    pen_buf_release(&wanted);
}

static void repair_replaces_each_maximal_subpart(void **state)
{
    (void)state;
    assert_repaired("plain", "plain");
    assert_repaired("\xE3\x81\x82", "\xE3\x81\x82");
    assert_repaired("a\x80z", "a?z");
    assert_repaired("\xC0\xAF", "??");
    assert_repaired("\xE3\x81"
                    "A",
                    "?A");
    assert_repaired("\xF0\x9F\x98"
                    "A",
                    "?A");
    assert_repaired("\xF0\x9F\x98", "?");
    assert_repaired("\xE0\x80\x80", "???");
    assert_repaired("\xED\xA0\x80z", "???z");
    assert_repaired("\xF0\x80\x80\x80", "????");
    assert_repaired("\xF4\x90\x80\x80", "????");
    assert_repaired("\xFF\xFE", "??");
    assert_repaired("\xF8\x88\x80\x80\x80", "?????");
    assert_repaired("\xE3\xE3\x81\x82", "?\xE3\x81\x82");
    /* Unicode 15, table 3-8 */
    assert_repaired("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", "a???b?c??d");
}

static void repair_gives_the_same_at_every_cut(void **state)
{
    (void)state;
    struct pen_slice text = PEN_LIT("a\xE3\x81\x82\xF0\x9F\x98\x80\xF0\x9F\x98 \xE3\x81\xFF\xC3");
    struct pen_buf whole = PEN_BUF(1 << 20);
    size_t used;
    assert_ok(pen_utf8_repair(text, true, &whole, &used, NULL, err));
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct pen_buf out = PEN_BUF(1 << 20);
        assert_ok(pen_utf8_repair(pen_slice(text.ptr, cut), false, &out, &used, NULL, err));
        assert_true(cut - used <= 3);
        assert_int_equal(pen_utf8_cut_len(pen_slice(text.ptr, cut)), cut - used);
        struct pen_slice rest = pen_slice_skip(text, used);
        assert_ok(pen_utf8_repair(rest, true, &out, &used, NULL, err));
        assert_int_equal(used, rest.len);
        assert_true(pen_slice_equal(pen_buf_slice(&out), pen_buf_slice(&whole)));
        pen_buf_release(&out);
    }
    pen_buf_release(&whole);
}

/* A sequence of mostly right characters with some damage, anywhere in 64 byte blocks. */
static size_t random_text(uint64_t *random, char *out, size_t size)
{
    size_t at = 0;
    uint64_t style = random_below(random, 4);
    while (at + 80 < size) {
        if (random_below(random, 4) == 0) {
            size_t run = random_below(random, 70);
            memset(out + at, 'x', run);
            at += run;
        }
        uint32_t limits[] = {0x80, 0x800, 0xD800, 0x110000};
        uint32_t point = (uint32_t)random_below(random, limits[random_below(random, 4)]);
        if (point >= 0xD800 && point < 0xE000)
            point -= 0x1000;
        at += pen_utf8_encode(point, out + at);
    }
    size_t damage = style == 0 ? 0 : random_below(random, 3);
    for (size_t i = 0; i < damage; i++) {
        static const uint8_t bad[] = {0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xE0, 0xED, 0xEF, 0xF0,
                                      0xF4, 0xF5, 0xFF, 0x9F, 0xA0, 0x8F, 0x90, 'a'};
        out[random_below(random, at)] = (char)bad[random_below(random, sizeof bad)];
    }
    return at - random_below(random, 4);
}

static void validate_agrees_with_the_scalar_oracle_on_every_kernel(void **state)
{
    (void)state;
    uint64_t random = 4;
    char text[600];
    size_t invalid = 0;
    for (int i = 0; i < 60000; i++) {
        size_t len = random_text(&random, text, 100 + random_below(&random, 500));
        size_t from = random_below(&random, 40) % (len + 1);
        struct pen_slice slice = pen_slice(text + from, len - from);
        bool expected = pen_utf8_is_valid_scalar(slice);
        invalid += !expected;
        for (int level = 0; level < PEN_SIMD_COUNT; level++) {
            if (pen_simd_force((enum pen_simd)level) != (enum pen_simd)level)
                continue;
            assert_int_equal(pen_utf8_is_valid(slice), expected);
        }
    }
    assert_in_range(invalid, 10000, 50000);
}

/* Every sequence of two bytes and every one of three with a lead, at the end of a SIMD block. */
static void validate_agrees_on_all_short_sequences_across_a_block_end(void **state)
{
    (void)state;
    (void)pen_simd_force(PEN_SIMD_AVX512);
    char text[128];
    for (size_t at = 61; at < 65; at++) {
        for (unsigned pair = 0; pair < 0x10000; pair++) {
            memset(text, 'a', sizeof text);
            text[at] = (char)(pair >> 8);
            text[at + 1] = (char)pair;
            text[at + 2] = (char)0x80;
            struct pen_slice slice = pen_slice(text, sizeof text);
            assert_int_equal(pen_utf8_is_valid(slice), pen_utf8_is_valid_scalar(slice));
            text[at + 3] = (char)0xBF;
            assert_int_equal(pen_utf8_is_valid(slice), pen_utf8_is_valid_scalar(slice));
        }
    }
}

static void encode_and_decode_agree_on_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        if (point >= 0xD800 && point < 0xE000)
            continue;
        char text[4];
        size_t len = pen_utf8_encode(point, text);
        assert_true(pen_utf8_is_valid(pen_slice(text, len)));
        const char *at = text;
        assert_int_equal(pen_utf8_decode(&at, text + len), point);
        assert_ptr_equal(at, text + len);
        assert_int_equal(pen_utf16_len(pen_slice(text, len)), point >= 0x10000 ? 2 : 1);
    }
}

static void utf16_len_counts_units_of_mixed_text(void **state)
{
    (void)state;
    assert_int_equal(pen_utf16_len(PEN_LIT("")), 0);
    struct pen_slice text = PEN_LIT("abc\xE3\x81\x82 d\xC3\xA9"
                                    "f\xF0\x9F\x98\x80g12345");
    assert_int_equal(pen_utf16_len(text), 16);
}

/* A slice of no bytes may have no address: the sanitizers' build refuses any sum with it. */
static void nothing_at_no_address_is_valid_and_empty(void **state)
{
    (void)state;
    struct pen_slice nothing = {NULL, 0};
    assert_int_equal(pen_utf8_valid_len(nothing), 0);
    assert_true(pen_utf8_is_valid(nothing));
    assert_int_equal(pen_utf8_cut_len(nothing), 0);
    assert_int_equal(pen_utf16_len(nothing), 0);
    assert_int_equal(pen_slice_skip(nothing, 0).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repair_replaces_each_maximal_subpart),
        cmocka_unit_test(repair_gives_the_same_at_every_cut),
        cmocka_unit_test(validate_agrees_with_the_scalar_oracle_on_every_kernel),
        cmocka_unit_test(validate_agrees_on_all_short_sequences_across_a_block_end),
        cmocka_unit_test(encode_and_decode_agree_on_every_code_point),
        cmocka_unit_test(utf16_len_counts_units_of_mixed_text),
        cmocka_unit_test(nothing_at_no_address_is_valid_and_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
