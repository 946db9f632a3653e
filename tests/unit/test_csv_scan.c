#include "unit.h"

#include "random.h"
#include "scan/csv_scan.h"

#include <stdlib.h>

#define TEXT_MAX 2000

struct found {
    struct pen_csv_scan scan;
    uint32_t ends[TEXT_MAX + 128], marks[TEXT_MAX + 128];
};

static void run(enum pen_simd level, struct found *found, const struct pen_csv_scan *rules,
                size_t from, size_t step)
{
    found->scan = *rules;
    found->scan.ends = found->ends;
    found->scan.marks = found->marks;
    pen_csv_scan_restart(&found->scan, from);
    size_t limit = pen_csv_scan_limit(&found->scan);
    while (found->scan.at < limit) {
        size_t left = limit - found->scan.at;
        pen_csv_scan_kernel(level)(&found->scan, left < step ? limit : found->scan.at + step);
    }
}

static void assert_found(struct found *found, const char *text, const uint32_t *ends,
                         size_t end_count, const uint32_t *marks, size_t mark_count)
{
    struct pen_csv_scan rules = {.delimiter = ',',
                                 .quote = '"',
                                 .escape = '\\',
                                 .has_quote = true,
                                 .has_escape = true,
                                 .is_doubling_regular = true,
                                 .text = text,
                                 .len = strlen(text),
                                 .is_eof = true};
    char padded[256];
    memset(padded, '\n', sizeof padded);
    memcpy(padded, text, rules.len);
    rules.text = padded;
    for (int level = 0; level < PEN_SIMD_COUNT; level++) {
        if (level > (int)pen_simd_best())
            continue;
        run((enum pen_simd)level, found, &rules, 0, 64);
        assert_int_equal(found->scan.end_count, end_count);
        assert_memory_equal(found->ends, ends, end_count * sizeof *ends);
        assert_int_equal(found->scan.mark_count, mark_count);
        assert_memory_equal(found->marks, marks, mark_count * sizeof *marks);
    }
}

#define LIST(...) (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4
#define NONE      NULL, 0

static void scan_finds_structurals_outside_quotes(void **state)
{
    (void)state;
    struct found *found = malloc(sizeof *found);
    assert_found(found, "a,b\nc,d\r\n\re", LIST(1, 3, 5, 8, 9), NONE);
    assert_found(found, "\"a,\"\"b\",\"c\\\"\n", LIST(7), LIST(12 | PEN_CSV_MARK_LINE));
    assert_found(found, "\"a\"\"\",\"\"\r\n", LIST(5, 9), NONE);
    assert_found(found, "a\"b,c\n", NONE, LIST(1, 5 | PEN_CSV_MARK_LINE));
    assert_found(found, "\"a\" ,\"b\"c\n", LIST(4, 9), LIST(3, 8));
    assert_found(found, "\"\\\\\",\"\\\\\\\"\"\n", LIST(4, 11), NONE);
    free(found);
}

/* Texts of few different characters: every state meets every other at every place of a block. */
static void make_text(uint64_t *random, char *text, size_t len)
{
    static const char *const alphabets[] = {"a,\"\\\n\r", "aaaa,,\"\n", "\"\"\"a,\n", "\\\\\\\"a",
                                            "aaaaaaaaaaaaaaaaaaa,\"\\\r\n"};
    const char *alphabet = alphabets[random_below(random, 5)];
    size_t count = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[random_below(random, count)];
}

static void kernels_agree_with_the_scalar_one_on_random_texts(void **state)
{
    (void)state;
    struct found *wanted = calloc(1, sizeof *wanted), *got = calloc(1, sizeof *got);
    char *text = malloc(TEXT_MAX + PEN_CSV_SCAN_PADDING);
    uint64_t random = 11;
    for (int i = 0; i < 30000; i++) {
        size_t len = 1 + random_below(&random, i % 8 == 0 ? TEXT_MAX : 200);
        make_text(&random, text, len);
        memset(text + len, "\"\n,"[i % 3], PEN_CSV_SCAN_PADDING);
        struct pen_csv_scan rules = {.delimiter = ',',
                                     .quote = '"',
                                     .escape = '\\',
                                     .has_quote = random_below(&random, 8) != 0,
                                     .has_escape = random_below(&random, 2),
                                     .is_doubling_regular = random_below(&random, 2),
                                     .text = text,
                                     .len = len,
                                     .is_eof = random_below(&random, 2)};
        size_t from = random_below(&random, 70) % len;
        run(PEN_SIMD_SCALAR, wanted, &rules, from, 64);
        for (int level = 1; level <= (int)pen_simd_best(); level++) {
            run((enum pen_simd)level, got, &rules, from, 64 * (1 + random_below(&random, 4)));
            assert_int_equal(got->scan.end_count, wanted->scan.end_count);
            assert_memory_equal(got->ends, wanted->ends, wanted->scan.end_count * 4);
            assert_int_equal(got->scan.mark_count, wanted->scan.mark_count);
            assert_memory_equal(got->marks, wanted->marks, wanted->scan.mark_count * 4);
            assert_int_equal(got->scan.line_ends, wanted->scan.line_ends);
            assert_int_equal(got->scan.has_cr != 0, wanted->scan.has_cr != 0);
        }
    }
    free(wanted);
    free(got);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan_finds_structurals_outside_quotes),
        cmocka_unit_test(kernels_agree_with_the_scalar_one_on_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
