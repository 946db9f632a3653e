#include "unit.h"

#include "batch/batch.h"

static struct pen_schema two_columns(void)
{
    struct pen_schema schema = {0};
    assert_ok(pen_schema_add(&schema, PEN_LIT("id"), PEN_TYPE_LONG, NULL, err));
    assert_ok(pen_schema_add(&schema, PEN_LIT("name"), PEN_TYPE_STRING, NULL, err));
    return schema;
}

static void keep_drops_rows_and_moves_origins(void **state)
{
    (void)state;
    struct pen_schema schema = two_columns();
    struct pen_batch *batch = NULL;
    assert_ok(pen_batch_new(128, &batch, err));
    assert_ok(pen_batch_begin(batch, &schema, err));
    const char *text = "a long text that is not inlined\n";
    for (uint32_t row = 0; row < 100; row++) {
        if (row % 50 == 0)
            assert_ok(pen_batch_add_origin(
                batch, (struct pen_origin){.object = row == 0 ? "first" : "second", .text = text},
                err));
        pen_column_longs(&batch->columns[0])[row] = row;
        pen_column_set_valid(&batch->columns[0], row, row % 3 != 0);
        pen_column_strings(&batch->columns[1])[row] = pen_string_make(text, row % 32);
        pen_column_set_valid(&batch->columns[1], row, true);
        batch->row_start[row] = batch->row_end[row] = row;
        batch->rows++;
    }
    uint64_t keep[2] = {0, 0};
    for (unsigned row = 1; row < 100; row += 2)
        keep[row / 64] |= UINT64_C(1) << (row % 64);
    pen_batch_keep(batch, keep);
    assert_int_equal(batch->rows, 50);
    for (size_t i = 0; i < 50; i++) {
        size_t was = 2 * i + 1;
        assert_int_equal(pen_column_longs(&batch->columns[0])[i], was);
        assert_int_equal(pen_column_is_valid(&batch->columns[0], i), was % 3 != 0);
        struct pen_slice value = pen_string_slice(&pen_column_strings(&batch->columns[1])[i]);
        assert_int_equal(value.len, was % 32);
        assert_memory_equal(value.ptr, text, value.len);
        assert_int_equal(batch->row_start[i], was);
        assert_string_equal(pen_batch_origin(batch, i)->object, was < 50 ? "first" : "second");
    }
    for (size_t c = 0; c < 2; c++) /* parsers append by setting bits only */
        for (size_t i = 50; i < 128; i++)
            assert_false(pen_column_is_valid(&batch->columns[c], i));
    pen_batch_free(batch);
    pen_schema_clear(&schema);
}

static void count_lines_takes_all_three_line_ends(void **state)
{
    (void)state;
    assert_int_equal(pen_count_lines(PEN_LIT("a\nb\rc\r\nd")), 3);
    assert_int_equal(pen_count_lines(PEN_LIT("\n\r\n\r\r\n")), 4);
    assert_int_equal(pen_count_lines(PEN_LIT("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keep_drops_rows_and_moves_origins),
        cmocka_unit_test(count_lines_takes_all_three_line_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
