#include "unit.h"

#include "parse/csv_token.h"

#include <inttypes.h>

/* Reads one record into `out` as [field]["quoted"]..., a failure as !code@line. */
static enum pen_csv_status dump_record(struct pen_csv_reader *reader, struct pen_buf *out)
{
    enum pen_csv_status status = pen_csv_next_record(reader);
    if (status != PEN_CSV_OK)
        return status;
    size_t start = out->len;
    struct pen_csv_field field;
    while ((status = pen_csv_next_field(reader, &field)) == PEN_CSV_OK)
        assert_ok(
            pen_buf_addf(out, err, field.is_quoted ? "[\"%.*s\"]" : "[%.*s]", PEN_ARG(field.text)));
    if (status == PEN_CSV_MORE) {
        out->len = start;
        return status;
    }
    if (status == PEN_CSV_BAD) {
        out->len = start;
        const char *code = pen_csv_problem_code(reader->problem);
        struct pen_csv_line line = pen_csv_recover(reader);
        assert_ok(pen_buf_addf(out, err, "!%s@%" PRIu64, code, line.number));
    }
    assert_ok(pen_buf_add_char(out, '\n', err));
    return PEN_CSV_OK;
}

/* Reads text[0..cut) as cut text, then goes on from the unfinished record with all of it. */
static void dump(const struct pen_csv_syntax *syntax, struct pen_slice text, size_t cut,
                 struct pen_buf *out)
{
    struct pen_csv_reader reader = {0};
    pen_csv_reader_init(&reader, syntax, pen_slice(text.ptr, cut), false, 1);
    size_t done = 0;
    uint64_t line = 1;
    while (dump_record(&reader, out) == PEN_CSV_OK) {
        done = reader.at;
        line = reader.line.number + 1;
    }
    pen_csv_reader_init(&reader, syntax, pen_slice_skip(text, done), true, line);
    while (dump_record(&reader, out) == PEN_CSV_OK)
        continue;
    pen_csv_reader_release(&reader);
}

static void assert_reads(const struct pen_csv_syntax *syntax, const char *text,
                         const char *expected)
{
    size_t len = strlen(text);
    for (size_t cut = 0; cut <= len; cut++) {
        struct pen_buf out = PEN_BUF(1 << 20);
        dump(syntax, pen_slice(text, len), cut, &out);
        assert_ok(pen_buf_add_char(&out, '\0', err));
        if (strcmp(out.ptr, expected) != 0)
            fail_msg("%s\ncut %zu: got\n%sexpected\n%s", text, cut, out.ptr, expected);
        pen_buf_release(&out);
    }
}

static void default_reads_plain_records(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    assert_reads(&syntax, "", "");
    assert_reads(&syntax, "a,b,c\n1,2,3\n", "[a][b][c]\n[1][2][3]\n");
    assert_reads(&syntax, "a,b", "[a][b]\n");
    assert_reads(&syntax, "a,b,\n,,\n", "[a][b][]\n[][][]\n");
    assert_reads(&syntax, "\n\na\r\n\r\r\n b \n \n", "[a]\n[ b ]\n[ ]\n");
    assert_reads(&syntax, "a\rb\r\nc\nd\r", "[a]\n[b]\n[c]\n[d]\n");
    assert_reads(&syntax, "a\\,b\\\n", "[a\\][b\\]\n");
    assert_reads(&syntax, "a\"b\",c\"\n", "[a\"b\"][c\"]\n");
    assert_reads(&syntax, " \"a\",b\n", "[ \"a\"][b]\n");
}

static void quotes_hold_delimiters_quotes_and_escapes(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    assert_reads(&syntax, "\"a,b\",\"\"\n", "[\"a,b\"][\"\"]\n");
    assert_reads(&syntax, "\"a\"\"b\"\"\"\n", "[\"a\"b\"\"]\n");
    assert_reads(&syntax, "\"a\\\"b\\\\\",\"\\n\"\n", "[\"a\"b\\\"][\"\\n\"]\n");
    assert_reads(&syntax, "\"a\"  ,\"b\"   \n", "[\"a\"][\"b\"]\n");
    syntax.escape = syntax.quote;
    assert_reads(&syntax, "\"a\\\",\"b\"\"\"\n", "[\"a\\\"][\"b\"\"]\n");
    syntax.escape = PEN_LIT("");
    assert_reads(&syntax, "\"a\\\",b\n", "[\"a\\\"][b]\n");
    syntax.quote = PEN_LIT("");
    assert_reads(&syntax, "\"a,b\"\n", "[\"a][b\"]\n");
    syntax.quote = PEN_LIT("\xE3\x80\x8D");
    assert_reads(&syntax,
                 "\xE3\x80\x8D"
                 "a,\xE3\x80\x8D\xE3\x80\x8D"
                 "b\xE3\x80\x8D,c\n",
                 "[\"a,\xE3\x80\x8D"
                 "b\"][c]\n");
}

static void quotes_hold_lines_joined_by_the_newline_text(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    assert_reads(&syntax, "1,\"a\n\nb\r\nc\rd\",2\n", "[1][\"a\r\n\r\nb\r\nc\r\nd\"][2]\n");
    syntax.newline = PEN_LIT("\n");
    assert_reads(&syntax, "1,\"a\n\nb\r\nc\rd\",2\n", "[1][\"a\n\nb\nc\nd\"][2]\n");
    syntax.comment_marker = PEN_LIT("#");
    assert_reads(&syntax, "\"a\n#b\"\n#\"c\n#\n", "[\"a\n#b\"]\n");
    assert_reads(&syntax, "\"a\\\nb\"\n", "[\"a\\\nb\"]\n");
}

static void stray_quotes_end_only_before_a_delimiter(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.quotes = PEN_CSV_QUOTES_STRAY;
    assert_reads(&syntax, "\"a\"b\",c\n", "[\"a\"b\"][c]\n");
    assert_reads(&syntax, "\"a\"\"b\"\n", "[\"a\"b\"]\n");
    assert_reads(&syntax, "\"a\"\"\",\"b\"\"\n", "[\"a\"\"][\"b\"\"]\n");
    assert_reads(&syntax, "\"a\"\",c\n", "[\"a\"\"][c]\n");
    assert_reads(&syntax, "\"\",\"\"\n", "[\"\"][\"\"]\n");
    assert_reads(&syntax, "\"a\" ,b\"\n", "[\"a\" ,b\"]\n");
    syntax.delimiter = PEN_LIT("||");
    assert_reads(&syntax, "\"a\"|b\n\"c\"||d\n", "!extra_character_after_quote@1\n[\"c\"][d]\n");
}

static void trim_drops_spaces_around_unquoted_values(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.is_trimmed = true;
    assert_reads(&syntax, "  a b  ,\tc ,   ,  \"d \" , \n", "[a b][\tc][][\"d \"][]\n");
    assert_reads(&syntax, "  x\"y\" ,z\n", "[x\"y\"][z]\n");
    syntax.delimiter = PEN_LIT(" ");
    assert_reads(&syntax, "a  b\n", "[a][][b]\n");
    syntax.delimiter = PEN_LIT(" |");
    assert_reads(&syntax, "  a  |  | \"b\" |c \n", "[a][][\"b\"][c]\n");
}

static void delimiter_of_several_characters_needs_all_of_them(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.delimiter = PEN_LIT("<>");
    assert_reads(&syntax, "a<b<>c<>\"d<>\"<>e<\n", "[a<b][c][\"d<>\"][e<]\n");
    assert_reads(&syntax, "<>\"<\"<\n", "!extra_character_after_quote@1\n");
}

static void explicit_line_ends_leave_the_others_as_data(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.newline = PEN_LIT("|");
    syntax.line_end = PEN_CSV_LINE_LF;
    assert_reads(&syntax, "a\rb\r\nc\nd\n\n", "[a\rb\r\nc]\n[d]\n");
    assert_reads(&syntax, "\"a\r\nb\nc\"\n", "[\"a\r\nb|c\"]\n");
    syntax.line_end = PEN_CSV_LINE_CR;
    assert_reads(&syntax, "a\nb\r\nc\rd\r\r", "[a\nb\r\nc]\n[d]\n");
    syntax.line_end = PEN_CSV_LINE_CRLF;
    assert_reads(&syntax, "a\nb\rc\r\r\nd\r\n\r", "[a\nb\rc\r]\n[d]\n[\r]\n");
}

static void bad_quoting_costs_the_first_line_of_the_field(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.newline = PEN_LIT("\n");
    assert_reads(&syntax, "\"a\"b,c\nd\n", "!extra_character_after_quote@1\n[d]\n");
    assert_reads(&syntax, "1,\"a\nb,c\nd\n", "!eof_in_quoted_field@1\n[b][c]\n[d]\n");
    assert_reads(&syntax, "x\n\"a\nb\"c\nd", "[x]\n!extra_character_after_quote@2\n[b\"c]\n[d]\n");
    /* the first field spans lines and is fine, the second is open: lines 1 and 2 are lost */
    assert_reads(&syntax, "\"a\nb\",\"c\nd\n", "!eof_in_quoted_field@2\n[d]\n");
    /* lines put back keep their order when a second failure comes before they are used up */
    assert_reads(&syntax, "\"a\nb,\"\nc\n\"d\ne\"x\nf\n",
                 "[\"a\nb,\"]\n[c]\n!extra_character_after_quote@4\n[e\"x]\n[f]\n");
    assert_reads(&syntax, "1,\"\n2,\"x\n3,\"\n4\n",
                 "!extra_character_after_quote@1\n[2][\"x\n3,\"]\n[4]\n");
}

static void quoted_limit_counts_utf16_units_of_ordinary_characters(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.max_quoted_chars = 4;
    assert_reads(&syntax, "\"abcd\",abcdef\n", "[\"abcd\"][abcdef]\n");
    assert_reads(&syntax, "\"abcde\"\nx\n", "!quoted_field_too_long@1\n[x]\n");
    assert_reads(&syntax, "\"abcd\"\"\\\"\",y\n", "[\"abcd\"\"\"][y]\n");
    assert_reads(&syntax, "\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"\n",
                 "[\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"]\n");
    assert_reads(&syntax, "\"abc\xF0\x9F\x98\x80\"\n", "!quoted_field_too_long@1\n");
    assert_reads(&syntax, "\"ab\nc\"\nd", "!quoted_field_too_long@1\n[c\"]\n[d]\n");
    assert_reads(&syntax, "\"ab\n\"\n", "[\"ab\r\n\"]\n");
    syntax.quotes = PEN_CSV_QUOTES_STRAY;
    assert_reads(&syntax, "\"abcd\"x\"\nz\n", "!quoted_field_too_long@1\n[z]\n");
}

static void nul_is_ordinary_data(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    struct pen_csv_reader reader = {0};
    pen_csv_reader_init(&reader, &syntax, PEN_LIT("a\0b,\"c\0\"\n"), true, 1);
    struct pen_csv_field field;
    assert_int_equal(pen_csv_next_record(&reader), PEN_CSV_OK);
    assert_int_equal(pen_csv_next_field(&reader, &field), PEN_CSV_OK);
    assert_true(pen_slice_equal(field.text, PEN_LIT("a\0b")));
    assert_int_equal(pen_csv_next_field(&reader, &field), PEN_CSV_OK);
    assert_true(pen_slice_equal(field.text, PEN_LIT("c\0")));
    assert_int_equal(pen_csv_next_field(&reader, &field), PEN_CSV_END);
    pen_csv_reader_release(&reader);
}

static void null_follows_the_table_of_the_specification(void **state)
{
    (void)state;
    struct pen_slice empty = PEN_LIT(""), word = PEN_LIT("NULL");
    struct pen_csv_field plain = {.text = PEN_LIT("")};
    struct pen_csv_field quoted = {.text = PEN_LIT(""), .is_quoted = true};
    struct pen_csv_field named = {.text = PEN_LIT("NULL"), .is_quoted = true};
    struct pen_csv_field other = {.text = PEN_LIT("null")};
    assert_true(pen_csv_is_null(&plain, NULL));
    assert_false(pen_csv_is_null(&quoted, NULL));
    assert_true(pen_csv_is_null(&plain, &empty));
    assert_true(pen_csv_is_null(&quoted, &empty));
    assert_false(pen_csv_is_null(&plain, &word));
    assert_false(pen_csv_is_null(&quoted, &word));
    assert_true(pen_csv_is_null(&named, &word));
    assert_false(pen_csv_is_null(&other, &word));
}

static void guess_keeps_empty_lines_and_reads_raw_lines(void **state)
{
    (void)state;
    struct pen_csv_syntax syntax = pen_csv_syntax_default();
    syntax.is_empty_line_kept = true;
    assert_reads(&syntax, "a\n\nb,c\n\n", "[a]\n[]\n[b][c]\n[]\n");
    struct pen_csv_reader reader = {0};
    pen_csv_reader_init(&reader, &syntax, PEN_LIT("\"head\n\nx,y\n"), true, 1);
    assert_int_equal(pen_csv_next_line(&reader), PEN_CSV_OK);
    assert_int_equal(pen_csv_next_line(&reader), PEN_CSV_OK);
    struct pen_buf out = PEN_BUF(1000);
    assert_int_equal(dump_record(&reader, &out), PEN_CSV_OK);
    assert_true(pen_slice_is(pen_buf_slice(&out), "[x][y]\n"));
    assert_int_equal(reader.line.number, 3);
    assert_int_equal(dump_record(&reader, &out), PEN_CSV_END);
    pen_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_reads_plain_records),
        cmocka_unit_test(quotes_hold_delimiters_quotes_and_escapes),
        cmocka_unit_test(quotes_hold_lines_joined_by_the_newline_text),
        cmocka_unit_test(stray_quotes_end_only_before_a_delimiter),
        cmocka_unit_test(trim_drops_spaces_around_unquoted_values),
        cmocka_unit_test(delimiter_of_several_characters_needs_all_of_them),
        cmocka_unit_test(explicit_line_ends_leave_the_others_as_data),
        cmocka_unit_test(bad_quoting_costs_the_first_line_of_the_field),
        cmocka_unit_test(quoted_limit_counts_utf16_units_of_ordinary_characters),
        cmocka_unit_test(nul_is_ordinary_data),
        cmocka_unit_test(null_follows_the_table_of_the_specification),
        cmocka_unit_test(guess_keeps_empty_lines_and_reads_raw_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
