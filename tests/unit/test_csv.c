/* The exact tokenizer is the oracle of the SIMD path: random texts, most of them nearly right, in
 * random formats, read both ways, must give the same rows and the same rejects, however they are
 * cut. (The cases of tests/cases/parse_csv run through both, too.) */
#include "unit.h"

#include "../cases/parse_drive.h"

#include "base/cpu.h"
#include "parse/csv_internal.h"
#include "random.h"

#define TEXT_MAX 6000

static struct pen_arena arena = {.max_bytes = (size_t)64 << 20};

static struct pen_parse *open_parser(const char *options)
{
    struct pen_node *root = NULL;
    struct pen_parse *parse = NULL;
    struct pen_bind bind = {.file = "options.yaml", .arena = &arena};
    assert_ok(pen_tree_parse(pen_slice_str(options), "options.yaml", &arena, &root, err));
    assert_ok(pen_parse_new(&pen_parse_csv, root, false, &bind, &parse, err));
    return parse;
}

static const char *pick(uint64_t *random, const char *const *words, size_t count)
{
    return words[random_below(random, count)];
}

#define PICK(random, ...)                                                                          \
    pick(random, (const char *const[]){__VA_ARGS__},                                               \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void make_options(uint64_t *random, char *out, size_t size)
{
    static const char *const types[] = {"long", "string", "double", "boolean", "timestamp", "json"};
    int n = snprintf(
        out, size,
        "type: csv\n%s%s%s%s%s%s%s%s%sdefault_timestamp_format: '%%Y-%%m-%%d %%H:%%M:%%S'\n"
        "columns:\n",
        PICK(random, "", "", "newline: LF\n", "newline: LF\n", "newline: CR\n"),
        PICK(random, "", "", "", "escape: '\"'\n", "escape: null\n", "escape: '^'\n"),
        PICK(random, "", "", "", "null_string: 'NULL'\n", "null_string: ''\n",
             "null_string: '12'\n"),
        PICK(random, "", "", "", "allow_optional_columns: true\n"),
        PICK(random, "", "", "", "allow_extra_columns: true\n"),
        PICK(random, "", "", "", "comment_line_marker: '#'\n"),
        PICK(random, "", "", "", "max_quoted_size_limit: 9\n", "max_quoted_size_limit: 30\n"),
        PICK(random, "", "", "", "trim_if_not_quoted: true\n"),
        PICK(random, "", "", "", "skip_header_lines: 2\n", "quote: null\n"));
    size_t at = (size_t)n, columns = 1 + random_below(random, 5);
    bool is_stray = random_below(random, 6) == 0 && strstr(out, "trim") == NULL;
    if (is_stray)
        at += (size_t)snprintf(out + at, size - at,
                               "- {name: c0, type: string}\n"
                               "quotes_in_quoted_fields: "
                               "ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS\n"
                               "delimiter: ','\n");
    for (size_t c = 0; c < columns && !is_stray; c++)
        at += (size_t)snprintf(out + at, size - at, "- {name: c%zu, type: %s}\n", c,
                               types[random_below(random, c == 0 ? 2 : 6)]);
}

static const char *make_field(uint64_t *random)
{
    return PICK(random, "", "", "1", "-1234567890", "12345678901234567", "99999999999999999999",
                "+7", "12", "3.25", "1e3", "0.1234567890123456789", "NaN", "x", "true", "T", "oN",
                "2020-01-02 03:04:05", "2020-01-02", "NULL", "a longer text of some words",
                "\xC3\xA9t\xC3\xA9", "\xF0\x9F\x98\x80", "{}", "[1,", " 5 ", " ", "#", "a\"b", "\\",
                "abcdefghijkl", "abcdefghijklm", "Yes", "null", "0x1p3", "1.5f", "\\N", "^");
}

static const char *make_quoted(uint64_t *random)
{
    return PICK(random, "\"\"", "\"a\"", "\"12\"", "\"a,b\"", "\"a\"\"b\"", "\"\"\"\"", "\"a\nb\"",
                "\"a\r\nb\"", "\"\r\"", "\"\\\"\"", "\"a\\\\\"", "\"\\n\"", "\"1.5\"", "\"true\"",
                "\"{\"\"k\"\":1}\"", "\"NULL\"", "\"two\n\nlines\n\"", "\"long text, with commas\"",
                "\"2020-01-02 03:04:05\"", "\"^\"^^\"", "\"1\n\"", "\"12345678\"", "\"#\n#\"");
}

/* Things that break a record, or look as if they did. */
static const char *make_damage(uint64_t *random)
{
    return PICK(random, "\"", "\"\"", "\"a", "a\"", "\"a\"b", "\"a\" ", " \"a\"", "\"a\"\"", "\\\"",
                "\n", "\r", "\r\n", ",", ",,", "\"\n", "\"a\"\rb", "#", "^\"", "\"a\\\"", "\n\n",
                "\"12345678901234567890123456789012345\"", "\"a\"\"\"b\"");
}

static size_t make_text(uint64_t *random, char *out)
{
    size_t at = 0, records = random_below(random, random_below(random, 10) == 0 ? 150 : 15);
    size_t damage = random_below(random, 4) == 0 ? 4 : 60;
    const char *end = PICK(random, "\n", "\n", "\r\n", "\r");
    size_t columns = 1 + random_below(random, 5);
    for (size_t r = 0; r < records && at < TEXT_MAX - 600; r++) {
        size_t fields = random_below(random, 20) == 0 ? random_below(random, 7) : columns;
        for (size_t c = 0; c < fields; c++) {
            const char *field = random_below(random, damage) == 0 ? make_damage(random)
                                : random_below(random, 3) == 0    ? make_quoted(random)
                                                                  : make_field(random);
            at += (size_t)snprintf(out + at, TEXT_MAX - at, "%s%s", c > 0 ? "," : "", field);
        }
        const char *stop = random_below(random, 40) == 0 ? "\n" : end;
        at += (size_t)snprintf(out + at, TEXT_MAX - at, "%s", stop);
    }
    return at - (at > 0 && random_below(random, 3) == 0);
}

static void read_all(struct drive *drive)
{
    struct pen_error err = {0};
    if (drive_parse(drive, &err) != PEN_OK)
        fail_msg("%s", err.message);
}

static void compare(const struct drive *wanted, const struct drive *got, const char *options,
                    const char *kernel)
{
    if (pen_slice_equal(pen_buf_slice(&wanted->rows), pen_buf_slice(&got->rows)) &&
        pen_slice_equal(pen_buf_slice(&wanted->rejects), pen_buf_slice(&got->rejects)))
        return;
    fail_msg("%s, pieces of %zu\n%s----\n%.*s\n---- exact:\n%.*s%.*s---- got:\n%.*s%.*s", kernel,
             got->piece, options, PEN_ARG(wanted->input), PEN_ARG(pen_buf_slice(&wanted->rows)),
             PEN_ARG(pen_buf_slice(&wanted->rejects)), PEN_ARG(pen_buf_slice(&got->rows)),
             PEN_ARG(pen_buf_slice(&got->rejects)));
}

static void check_text(const char *options, struct pen_slice text, uint64_t *random, size_t *rows,
                       size_t *rejects)
{
    struct pen_parse *exact = open_parser(options), *fast = open_parser(options);
    ((struct pen_csv_parser *)exact->state)->is_scannable = false;
    struct drive wanted = {.parse = exact, .input = text, .piece = text.len + 1, .capacity = 2048};
    struct drive got = {.parse = fast, .input = text};
    read_all(&wanted);
    *rows += wanted.row_count;
    *rejects += wanted.reject_count;
    for (int level = 0; level < PEN_SIMD_COUNT; level++) {
        if (pen_simd_force((enum pen_simd)level) != (enum pen_simd)level)
            continue;
        for (int i = 0; i < 2; i++) {
            got.piece = i == 0 ? text.len + 1 : 1 + random_below(random, text.len + 1);
            got.capacity = random_below(random, 2) ? 2048 : 1 + random_below(random, 100);
            read_all(&got);
            compare(&wanted, &got, options, pen_simd_name((enum pen_simd)level));
        }
    }
    wanted.piece = 1 + random_below(random, 40);
    read_all(&wanted); /* the exact path must not depend on the cuts either */
    compare(&got, &wanted, options, "exact");
    drive_release(&wanted);
    drive_release(&got);
    pen_parse_free(exact);
    pen_parse_free(fast);
}

static void simd_path_reads_as_the_exact_tokenizer_does_on_random_texts(void **state)
{
    (void)state;
    const char *rounds = getenv("PENSTOCK_TEST_ROUNDS");
    long count = rounds == NULL ? 2000 : strtol(rounds, NULL, 10);
    uint64_t random = (uint64_t)count;
    static char text[TEXT_MAX + 1], options[2000];
    size_t rows = 0, rejects = 0;
    for (long i = 0; i < count; i++) {
        pen_arena_clear(&arena);
        make_options(&random, options, sizeof options);
        size_t len = make_text(&random, text);
        check_text(options, pen_slice(text, len), &random, &rows, &rejects);
    }
    assert_true(rows > (size_t)count && rejects > (size_t)count / 2); /* both really happen */
    pen_arena_release(&arena);
}

/* More rows than a batch and more text than a scan block, in one chunk. */
static void simd_path_fills_batches_from_one_large_chunk(void **state)
{
    (void)state;
    static const char options[] = "type: csv\nnewline: LF\ncolumns:\n- {name: a, type: long}\n"
                                  "- {name: b, type: string}\n- {name: c, type: double}\n";
    struct pen_buf text = PEN_BUF((size_t)16 << 20);
    uint64_t random = 5;
    size_t rows = 0, rejects = 0;
    for (int i = 0; i < 20000; i++) {
        const char *word = i % 97 == 0     ? "\"two\nlines\""
                           : i % 89 == 0   ? "\"a \"\"b\"\" c\""
                           : i % 1000 == 7 ? "\"open"
                                           : "plain text of a record";
        const char *number = i % 1013 == 0 ? "x" : i % 13 == 0 ? "" : "2.5";
        assert_ok(pen_buf_addf(&text, err, "%d,%s,%s%s", i, word, number,
                               i % 501 == 0 ? ",more\r\n"
                               : i % 2      ? "\n"
                                            : "\r\n"));
    }
    check_text(options, pen_buf_slice(&text), &random, &rows, &rejects);
    assert_in_range(rows, 19000, 19990);
    assert_in_range(rejects, 60, 200);
    pen_buf_release(&text);
    pen_arena_release(&arena);
}

/* Every line opens a quote that nothing closes: each would be read up to the limit. */
static void split_refuses_an_object_that_would_take_its_square_to_read(void **state)
{
    (void)state;
    struct pen_parse *parse =
        open_parser("type: csv\ncolumns: [{name: a, type: string}]\nquotes_in_quoted_fields: "
                    "ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS\n");
    struct pen_buf text = PEN_BUF((size_t)16 << 20);
    for (int i = 0; i < 2000; i++)
        assert_ok(pen_buf_add_str(&text, "\"open\n", err));
    struct drive drive = {
        .parse = parse, .input = pen_buf_slice(&text), .piece = text.len, .capacity = 2048};
    struct pen_error why = {0};
    assert_int_equal(drive_parse(&drive, &why), PEN_OK);
    assert_int_equal(drive.reject_count, 2000);
    drive_release(&drive);
    ((struct pen_csv_parser *)parse->state)->reread_bytes = 1 << 20;
    assert_int_equal(drive_parse(&drive, &why), PEN_ERR_CORRUPT);
    assert_in_range(why.row, 50, 300);
    assert_non_null(strstr(why.message, "quoted fields that do not end"));
    drive_release(&drive);
    pen_buf_release(&text);
    pen_parse_free(parse);
    pen_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simd_path_reads_as_the_exact_tokenizer_does_on_random_texts),
        cmocka_unit_test(simd_path_fills_batches_from_one_large_chunk),
        cmocka_unit_test(split_refuses_an_object_that_would_take_its_square_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
