#include "unit.h"

#include "cli/render.h"
#include "cli/width.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

/* A render whose output stays in the buffer. */
struct page {
    struct pen_output out;
    struct pen_render render;
};

static void page_release(struct page *page)
{
    pen_render_release(&page->render);
    pen_output_release(&page->out);
}

static void set_text(struct pen_batch *batch, size_t column, size_t row, const char *text)
{
    pen_column_strings(&batch->columns[column])[row] = pen_string_make(text, strlen(text));
    pen_column_set_valid(&batch->columns[column], row, true);
}

static void set_long(struct pen_batch *batch, size_t column, size_t row, int64_t value)
{
    pen_column_longs(&batch->columns[column])[row] = value;
    pen_column_set_valid(&batch->columns[column], row, true);
}

static void set_double(struct pen_batch *batch, size_t column, size_t row, double value)
{
    pen_column_doubles(&batch->columns[column])[row] = value;
    pen_column_set_valid(&batch->columns[column], row, true);
}

/* Three rows of every type; the last is all null. */
static void fill(struct pen_batch *batch, struct pen_schema *schema)
{
    static const struct {
        const char *name;
        enum pen_type type;
    } fields[] = {{"b", PEN_TYPE_BOOLEAN}, {"l", PEN_TYPE_LONG},      {"d", PEN_TYPE_DOUBLE},
                  {"s", PEN_TYPE_STRING},  {"t", PEN_TYPE_TIMESTAMP}, {"j\"x", PEN_TYPE_JSON}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_ok(pen_schema_add(schema, pen_slice_str(fields[i].name), fields[i].type, NULL, err));
    assert_ok(pen_batch_begin(batch, schema, err));
    batch->rows = 3;
    pen_column_booleans(&batch->columns[0])[0] = 1;
    pen_column_set_valid(&batch->columns[0], 0, true);
    pen_column_set_valid(&batch->columns[0], 1, true);
    pen_column_booleans(&batch->columns[0])[1] = 0;
    set_long(batch, 1, 0, INT64_MIN);
    set_long(batch, 1, 1, 0);
    set_double(batch, 2, 0, 0.1);
    set_double(batch, 2, 1, NAN);
    set_text(batch, 3, 0, "a,\"b\"\nc #{x}");
    set_text(batch, 3, 1, "");
    set_long(batch, 4, 0, 1427782357500000);
    set_long(batch, 4, 1, -1);
    batch->columns[4].nanos[1] = 999;
    set_text(batch, 5, 0, "{\"k\":[1,null,\"v\"],\"e\":1.0E21}");
    set_text(batch, 5, 1, "\"text\"");
}

static void assert_rendered(const struct pen_render_options *options, const char *expected)
{
    PEN_CLEANUP(page_release) struct page page = {.out = PEN_OUTPUT(-1)};
    PEN_CLEANUP(pen_schema_clear) struct pen_schema schema = {0};
    PEN_CLEANUP(pen_batch_free_p) struct pen_batch *batch = NULL;
    assert_ok(pen_batch_new(8, &batch, err));
    fill(batch, &schema);
    assert_ok(pen_render_begin_schema(&page.render, &page.out, options, &schema, err));
    assert_ok(pen_render_batch(&page.render, batch, 3, err));
    assert_ok(pen_render_end(&page.render, err));
    assert_string_equal(page.out.buf.ptr, expected);
}

static void render_prints_jsonl_exactly(void **state)
{
    (void)state;
    const struct pen_render_options options = {.format = PEN_FORMAT_JSONL};
    assert_rendered(
        &options,
        "{\"b\":true,\"l\":-9223372036854775808,\"d\":0.1,\"s\":\"a,\\\"b\\\"\\nc #{x}\","
        "\"t\":\"2015-03-31T06:12:37.5Z\",\"j\\\"x\":{\"k\":[1,null,\"v\"],\"e\":1.0E21}}\n"
        "{\"b\":false,\"l\":0,\"d\":\"NaN\",\"s\":\"\",\"t\":\"1969-12-31T23:59:59.999999999Z\","
        "\"j\\\"x\":\"text\"}\n"
        "{\"b\":null,\"l\":null,\"d\":null,\"s\":null,\"t\":null,\"j\\\"x\":null}\n");
}

static void render_prints_csv_as_ruby(void **state)
{
    (void)state;
    const struct pen_render_options options = {.format = PEN_FORMAT_CSV};
    assert_rendered(&options, "b,l,d,s,t,\"j\"\"x\"\n"
                              "true,-9223372036854775808,0.1,\"a,\"\"b\"\"\nc #{x}\","
                              "2015-03-31T06:12:37.5Z,\"{\"\"k\"\":[1,null,\"\"v\"\"],"
                              "\"\"e\"\":1.0E21}\"\n"
                              "false,0,NaN,\"\",1969-12-31T23:59:59.999999999Z,\"\"\"text\"\"\"\n"
                              ",,,,,\n");
}

static void render_draws_the_table_of_hirb(void **state)
{
    (void)state;
    const struct pen_render_options options = {.format = PEN_FORMAT_TABLE, .is_inspected = true};
    assert_rendered(
        &options,
        "+-----------+----------------------+----------+--------------------+-------"
        "---------------------------+------------------------------------+\n"
        "| b:boolean | l:long               | d:double | s:string    "
        "       | t:timestamp                      | j\"x:json                           |\n"
        "+-----------+----------------------+----------+--------------------+-------"
        "---------------------------+------------------------------------+\n"
        "| true      | -9223372036854775808 | 0.1      | \"a,\\\"b\\\"\\nc"
        " \\#{x}\" | \"2015-03-31T06:12:37.5Z\"         | {\"k\"=>[1, nil, \"v\"], \"e\"=>1.0e+21} "
        "|\n"
        "| false     | 0                    | \"NaN\"    | \"\"      "
        "           | \"1969-12-31T23:59:59.999999999Z\" | \"text\"                             |\n"
        "| nil       | nil                  | nil      | nil         "
        "       | nil                              | nil                                |\n"
        "+-----------+----------------------+----------+--------------------+-------"
        "---------------------------+------------------------------------+\n"
        "3 rows in set\n");
}

static void print_rows(struct page *page, size_t terminal_width, const char *const *cells,
                       size_t rows)
{
    static const char *const names[] = {"Name", "Cron"};
    const struct pen_render_options options = {.format = PEN_FORMAT_TABLE,
                                               .terminal_width = terminal_width};
    assert_ok(pen_render_begin(&page->render, &page->out, &options, names, 2, err));
    for (size_t i = 0; i < rows; i++) {
        const struct pen_cell row[] = {pen_cell_text(cells[2 * i]),
                                       pen_cell_text(cells[2 * i + 1])};
        assert_ok(pen_render_row(&page->render, row, err));
    }
    assert_ok(pen_render_end(&page->render, err));
}

static void render_table_escapes_and_aligns_wide_text(void **state)
{
    (void)state;
    PEN_CLEANUP(page_release) struct page page = {.out = PEN_OUTPUT(-1)};
    static const char *const cells[] = {"\xE6\x97\xA5\xE6\x9C\xAC", "a\n\x1B[31m", "e\xCC\x81",
                                        NULL};
    print_rows(&page, 0, cells, 2);
    assert_string_equal(page.out.buf.ptr, "+------+-----------+\n"
                                          "| Name | Cron      |\n"
                                          "+------+-----------+\n"
                                          "| \xE6\x97\xA5\xE6\x9C\xAC | a\\n\\e[31m |\n"
                                          "| e\xCC\x81    |           |\n"
                                          "+------+-----------+\n"
                                          "2 rows in set\n");
}

static void render_table_shrinks_to_the_terminal(void **state)
{
    (void)state;
    PEN_CLEANUP(page_release) struct page page = {.out = PEN_OUTPUT(-1)};
    static const char *const cells[] = {"abcdefghijklmnopqrstuvwxyz", "x"};
    print_rows(&page, 24, cells, 1);
    assert_string_equal(page.out.buf.ptr, "+---------------+------+\n"
                                          "| Name          | Cron |\n"
                                          "+---------------+------+\n"
                                          "| abcdefghij... | x    |\n"
                                          "+---------------+------+\n"
                                          "1 row in set\n");
}

static void render_without_rows_says_so(void **state)
{
    (void)state;
    PEN_CLEANUP(page_release) struct page page = {.out = PEN_OUTPUT(-1)};
    print_rows(&page, 0, NULL, 0);
    assert_string_equal(page.out.buf.ptr, "0 rows in set\n");
}

static void assert_inspected(const char *json, const char *expected)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    const struct pen_cell cell = {PEN_CELL_JSON, pen_slice_str(json)};
    assert_ok(pen_inspect(&cell, &out, err));
    assert_string_equal(out.ptr, expected);
}

static void inspect_prints_values_as_ruby(void **state)
{
    (void)state;
    assert_inspected("1.0", "1.0");
    assert_inspected("100.0", "100.0");
    assert_inspected("1234567.25", "1234567.25");
    assert_inspected("0.0001", "0.0001");
    assert_inspected("0.00012", "0.00012");
    assert_inspected("0.00001", "1.0e-05");
    assert_inspected("-1.5e-7", "-1.5e-07");
    assert_inspected("1e15", "1000000000000000.0");
    assert_inspected("1e16", "1.0e+16");
    assert_inspected("1.5e300", "1.5e+300");
    assert_inspected("-0.0", "-0.0");
    assert_inspected("0.25", "0.25");
    assert_inspected("\"\\u0007\\u001b#\\u00e9\\\\\"", "\"\\a\\e#\xC3\xA9\\\\\"");
    assert_inspected("{}", "{}");
    assert_inspected("[true,false,{\"a\":\"#$x\"}]", "[true, false, {\"a\"=>\"\\#$x\"}]");
}

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(pen_width(PEN_LIT("abc")), 3);
    assert_int_equal(pen_width(PEN_LIT("\xE6\x97\xA5")), 2);
    assert_int_equal(pen_width(PEN_LIT("\xF0\x9F\x98\x80")), 2);
    assert_int_equal(pen_width(PEN_LIT("e\xCC\x81")), 1);
    assert_int_equal(pen_width(PEN_LIT("\xD0\x96")), 1);
    assert_int_equal(pen_width_cut(PEN_LIT("a\xE6\x97\xA5z"), 2), 1);
    assert_int_equal(pen_width_cut(PEN_LIT("a\xE6\x97\xA5z"), 3), 4);
}

static void out_remembers_a_closed_pipe(void **state)
{
    (void)state;
    int ends[2];
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    PEN_CLEANUP(pen_output_release) struct pen_output out = PEN_OUTPUT(ends[1]);
    assert_ok(pen_output_add(&out, PEN_LIT("x"), err));
    assert_int_equal(pen_output_flush(&out, NULL), PEN_ERR_CANCELLED);
    assert_true(out.is_gone);
    assert_int_equal(pen_output_add(&out, PEN_LIT("x"), NULL), PEN_ERR_CANCELLED);
    assert_ok(pen_output_flush(&out, err));
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(render_prints_jsonl_exactly),
        cmocka_unit_test(render_prints_csv_as_ruby),
        cmocka_unit_test(render_draws_the_table_of_hirb),
        cmocka_unit_test(render_table_escapes_and_aligns_wide_text),
        cmocka_unit_test(render_table_shrinks_to_the_terminal),
        cmocka_unit_test(render_without_rows_says_so),
        cmocka_unit_test(inspect_prints_values_as_ruby),
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(out_remembers_a_closed_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
