/* Bounds of columns: the order of bytes, texts too long to be one, zeros, infinities, NaN, merging.
 */
#include "unit.h"

#include "parquet/bounds.h"

#include <math.h>

static struct pen_arena arena = {NULL, NULL, NULL, 0, 1 << 20};

static int free_arena(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    return 0;
}

static void assert_bound(const struct pen_bounds *bounds, bool is_max, const char *expect)
{
    const char *text = NULL;
    assert_ok(pen_bounds_text(bounds, is_max, &arena, &text, err));
    if (expect == NULL)
        assert_null(text);
    else
        assert_string_equal(text == NULL ? "(unknown)" : text, expect);
}

static void assert_bounds(const struct pen_bounds *bounds, const char *min, const char *max)
{
    assert_bound(bounds, false, min);
    assert_bound(bounds, true, max);
}

/* Both ways to take texts in, and both orders of merging, must agree. */
static void assert_text_bounds(const struct pen_slice *texts, size_t count, const char *min,
                               const char *max)
{
    struct pen_bounds one = {.type = PEN_TYPE_STRING}, all = one, merged = one, back = one;
    char bytes[4096];
    uint32_t lengths[16];
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(total + texts[i].len + 8 <= sizeof bytes && i < 16);
        memcpy(bytes + total, texts[i].ptr, texts[i].len);
        lengths[i] = (uint32_t)texts[i].len;
        total += texts[i].len;
        pen_bounds_add_text(&one, texts[i]);
        struct pen_bounds single = {.type = PEN_TYPE_STRING};
        pen_bounds_add_text(&single, texts[i]);
        pen_bounds_merge(&merged, &single);
        pen_bounds_merge(&single, &back);
        back = single;
    }
    memset(bytes + total, 0xff, 8); /* what is behind the last one must not matter */
    pen_bounds_add_texts(&all, lengths, count, bytes);
    assert_bounds(&one, min, max);
    assert_bounds(&all, min, max);
    assert_bounds(&merged, min, max);
    assert_bounds(&back, min, max);
}

static void texts_are_in_the_order_of_bytes(void **state)
{
    (void)state;
    const struct pen_slice mixed[] = {PEN_LIT("b"), PEN_LIT("\xc3\xa9"), PEN_LIT("abcdefghi"),
                                      PEN_LIT("abcdefgh"), PEN_LIT("\xf0\x9f\x98\x80")};
    assert_text_bounds(mixed, 5, "abcdefgh", "\xf0\x9f\x98\x80");
    const struct pen_slice empty[] = {PEN_LIT(""), PEN_LIT("")};
    assert_text_bounds(empty, 2, "", "");
    const struct pen_slice prefixes[] = {PEN_LIT("abcdefghi"), PEN_LIT("abcdefgh"),
                                         PEN_LIT("abcdefghij")};
    assert_text_bounds(prefixes, 3, "abcdefgh", "abcdefghij");
}

/* A NUL is the least byte and no end: "a" < "a\0" < "a\0b" < "aa". */
static void texts_with_a_nul_are_ordered_and_no_text_of_the_catalog(void **state)
{
    (void)state;
    const struct pen_slice texts[] = {pen_slice("a\0b", 3), PEN_LIT("a"), pen_slice("a\0", 2)};
    assert_text_bounds(texts, 3, "a", NULL);
    const struct pen_slice more[] = {PEN_LIT("aa"), pen_slice("a\0", 2)};
    assert_text_bounds(more, 2, NULL, "aa");
    char memory[8];
    struct pen_slice plain;
    struct pen_bounds bounds = {.type = PEN_TYPE_STRING};
    pen_bounds_add_text(&bounds, more[1]);
    assert_true(pen_bounds_plain(&bounds, false, memory, &plain)); /* in the file it is one */
    assert_int_equal(plain.len, 2);
}

static void a_text_of_255_bytes_is_a_bound_and_of_256_is_none(void **state)
{
    (void)state;
    char a[300], b[300];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    char least[256] = {0}, greatest[256] = {0};
    memcpy(least, a, 255);
    memcpy(greatest, b, 255);
    const struct pen_slice known[] = {pen_slice(a, 255), pen_slice(b, 255)};
    assert_text_bounds(known, 2, least, greatest);
    /* 255 bytes of the same are less than 256 or 257 of them */
    const struct pen_slice same[] = {pen_slice(a, 257), pen_slice(a, 255), pen_slice(a, 256)};
    assert_text_bounds(same, 3, least, NULL);
    const struct pen_slice cut[] = {pen_slice(a, 257), PEN_LIT("b"), pen_slice(a, 256)};
    assert_text_bounds(cut, 3, NULL, "b");
    b[255] = 'a'; /* alike in the first 255 bytes only */
    const struct pen_slice late[] = {pen_slice(b, 256), pen_slice(b, 255)};
    assert_text_bounds(late, 2, greatest, NULL);
}

static void doubles_keep_infinities_and_widen_zeros(void **state)
{
    (void)state;
    const double ends[] = {1, HUGE_VAL, -HUGE_VAL}, all_great[] = {HUGE_VAL, HUGE_VAL};
    struct pen_bounds bounds = {.type = PEN_TYPE_DOUBLE};
    pen_bounds_add_doubles(&bounds, ends, 3);
    assert_bounds(&bounds, "-inf", "inf");
    bounds = (struct pen_bounds){.type = PEN_TYPE_DOUBLE};
    pen_bounds_add_doubles(&bounds, all_great, 2);
    assert_bounds(&bounds, "inf", "inf");
    for (int first = 0; first < 2; first++) { /* whichever zero comes first */
        const double zeros[] = {first == 0 ? 0.0 : -0.0, first == 0 ? -0.0 : 0.0};
        bounds = (struct pen_bounds){.type = PEN_TYPE_DOUBLE};
        pen_bounds_add_doubles(&bounds, zeros, 2);
        char memory[8];
        struct pen_slice plain;
        double value;
        assert_true(pen_bounds_plain(&bounds, false, memory, &plain));
        memcpy(&value, plain.ptr, sizeof value);
        assert_true(value == 0 && signbit(value));
        assert_true(pen_bounds_plain(&bounds, true, memory, &plain));
        memcpy(&value, plain.ptr, sizeof value);
        assert_true(value == 0 && !signbit(value));
    }
}

static void a_nan_anywhere_leaves_both_bounds_unknown(void **state)
{
    (void)state;
    const double numbers[] = {1, 2}, nans[] = {__builtin_nan(""), -__builtin_nan("")};
    struct pen_bounds with = {.type = PEN_TYPE_DOUBLE}, without = with;
    pen_bounds_add_doubles(&with, nans, 2);
    assert_true(with.has_nan && !with.has_value);
    pen_bounds_add_doubles(&without, numbers, 2);
    assert_bounds(&without, "1.0", "2.0");
    pen_bounds_merge(&without, &with);
    assert_true(without.has_nan);
    assert_bounds(&without, NULL, NULL);
    pen_bounds_merge(&with, &without);
    assert_bounds(&with, NULL, NULL);
}

static void times_have_fractions_before_1970_and_years_of_any_length(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {{0, "1970-01-01 00:00:00"},
                 {-1, "1969-12-31 23:59:59.999999"},
                 {-1500000, "1969-12-31 23:59:58.5"},
                 {1, "1970-01-01 00:00:00.000001"},
                 {INT64_C(253402300800000000), "10000-01-01 00:00:00"},
                 {INT64_C(-62135596800000000), "0001-01-01 00:00:00"},
                 {INT64_C(-62135596800000001), "0001-12-31 (BC) 23:59:59.999999"},
                 {INT64_C(-62167305600000000), "0002-12-31 (BC) 00:00:00"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pen_bounds bounds = {.type = PEN_TYPE_TIMESTAMP};
        pen_bounds_add_longs(&bounds, &cases[i].us, 1);
        assert_bounds(&bounds, cases[i].text, cases[i].text);
    }
}

static void booleans_and_longs_reach_their_ends(void **state)
{
    (void)state;
    struct pen_bounds bounds = {.type = PEN_TYPE_BOOLEAN};
    assert_bounds(&bounds, NULL, NULL);
    pen_bounds_add_booleans(&bounds, (const uint8_t[]){1, 1}, 2);
    assert_bounds(&bounds, "1", "1");
    pen_bounds_add_booleans(&bounds, (const uint8_t[]){0}, 1);
    assert_bounds(&bounds, "0", "1");
    struct pen_bounds longs = {.type = PEN_TYPE_LONG}, none = longs;
    pen_bounds_add_longs(&longs, (const int64_t[]){0, INT64_MAX, INT64_MIN}, 3);
    none.value_count = none.null_count = 5;
    pen_bounds_merge(&longs, &none); /* nothing but nulls */
    assert_bounds(&longs, "-9223372036854775808", "9223372036854775807");
    assert_int_equal(longs.null_count, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_in_the_order_of_bytes),
        cmocka_unit_test(texts_with_a_nul_are_ordered_and_no_text_of_the_catalog),
        cmocka_unit_test(a_text_of_255_bytes_is_a_bound_and_of_256_is_none),
        cmocka_unit_test(doubles_keep_infinities_and_widen_zeros),
        cmocka_unit_test(a_nan_anywhere_leaves_both_bounds_unknown),
        cmocka_unit_test(times_have_fractions_before_1970_and_years_of_any_length),
        cmocka_unit_test(booleans_and_longs_reach_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
