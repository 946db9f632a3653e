#include "unit.h"

#include <stdlib.h>

#include "base/cpu.h"
#include "parse/json_parse_internal.h"

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void assert_same(struct pen_slice text)
{
    struct pen_json_scan fast = pen_json_scan(text), slow = pen_json_scan_scalar(text);
    if (fast.cut != slow.cut || fast.close != slow.close || fast.is_inside != slow.is_inside)
        fail_msg("cut %zu, %zu; close %zu, %zu; inside %d, %d of '%.*s'", fast.cut, slow.cut,
                 fast.close, slow.close, fast.is_inside, slow.is_inside, PEN_ARG(text));
}

static void scan_agrees_with_the_scalar_oracle_on_random_texts(void **state)
{
    (void)state;
    static const char letters[] = "{}[]\"\\,: a\n{\"\"";
    char memory[PEN_CHUNK_PADDING + 400 + PEN_CHUNK_PADDING];
    uint64_t random = 1;
    for (int level = 0; level < PEN_SIMD_COUNT; level++) {
        (void)pen_simd_force((enum pen_simd)level);
        for (int round = 0; round < 20000; round++) {
            size_t len = next_random(&random) % 400;
            for (size_t i = 0; i < sizeof memory; i++)
                memory[i] = letters[next_random(&random) % (sizeof letters - 1)];
            /* deep texts, so that whole blocks cannot reach depth 0 */
            if (round % 3 == 0)
                memset(memory + PEN_CHUNK_PADDING, '{', len < 90 ? len : 90);
            assert_same(pen_slice(memory + PEN_CHUNK_PADDING, len));
        }
    }
    (void)pen_simd_force(pen_simd_best());
}

static void scan_finds_the_end_of_the_last_container(void **state)
{
    (void)state;
    char memory[PEN_CHUNK_PADDING + 200 + PEN_CHUNK_PADDING] = {0};
    char *text = memory + PEN_CHUNK_PADDING;
    static const struct {
        const char *text;
        size_t cut, close;
        bool is_inside;
    } samples[] = {
        {"", 0, SIZE_MAX, false},
        {"{}", 2, SIZE_MAX, false},
        {"{\"a\":1}\n{\"b\":\"}{\"}\n{\"c", 18, SIZE_MAX, true},
        {"{\"a\\\\\":\"\\\"}\"} 12", 13, SIZE_MAX, false},
        {"[1,[2],{\"x\":[]}] [", 16, SIZE_MAX, true},
        {"1 2 \"}\" ", 0, SIZE_MAX, false},
        {"{\"a\":1}],{", 7, 7, false},
        {"\"abc", 0, SIZE_MAX, true},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        size_t len = strlen(samples[i].text);
        memcpy(text, samples[i].text, len);
        struct pen_json_scan scan = pen_json_scan(pen_slice(text, len));
        assert_int_equal(scan.cut, samples[i].cut);
        assert_true(scan.close == samples[i].close);
        assert_int_equal(scan.is_inside, samples[i].is_inside);
        assert_same(pen_slice(text, len));
    }
}

static void lines_agree_with_the_oracle_at_every_length(void **state)
{
    (void)state;
    char text[9000];
    uint64_t random = 7;
    for (int with_return = 0; with_return < 2; with_return++) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = "ab\n\r"[next_random(&random) % (with_return ? 4 : 3)];
        for (size_t len = 0; len < 300; len++)
            assert_int_equal(pen_json_lines(pen_slice(text, len)),
                             pen_count_lines(pen_slice(text, len)));
        assert_int_equal(pen_json_lines(pen_slice(text, sizeof text)),
                         pen_count_lines(pen_slice(text, sizeof text)));
    }
    memset(text, '\n', sizeof text); /* no counter overflows */
    assert_int_equal(pen_json_lines(pen_slice(text, sizeof text)), sizeof text);
    memset(text, 'x', sizeof text);
    for (size_t at = 0; at < 200; at++) { /* a CR anywhere is seen */
        text[at] = '\r';
        assert_int_equal(pen_json_lines(pen_slice(text, 200)), 1);
        text[at] = 'x';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan_agrees_with_the_scalar_oracle_on_random_texts),
        cmocka_unit_test(scan_finds_the_end_of_the_last_container),
        cmocka_unit_test(lines_agree_with_the_oracle_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
