#include "unit.h"

#include "parquet/parquet.h"
#include "part_contract.h"

static enum pen_code contract_write(struct pen_task_stream *stream,
                                    const struct pen_part_options *options, struct pen_parts *parts,
                                    struct pen_error *err)
{
    assert_true(pen_parquet_can_write(options, stream->schema->count));
    return pen_parquet_write_part(stream, options, parts, err);
}

static void nan_leaves_bounds_unknown(void **state)
{
    (void)state;
    struct pen_schema schema = {0};
    assert_ok(pen_schema_add(&schema, PEN_LIT("d"), PEN_TYPE_DOUBLE, NULL, err));
    struct pen_batch *batch = NULL;
    assert_ok(pen_batch_new(PEN_BATCH_ROWS, &batch, err));
    assert_ok(pen_batch_begin(batch, &schema, err));
    static const double values[] = {1.5, __builtin_nan(""), -2};
    for (; batch->rows < 3; batch->rows++) {
        pen_column_doubles(&batch->columns[0])[batch->rows] = values[batch->rows];
        pen_column_set_valid(&batch->columns[0], batch->rows, true);
    }
    struct once once = {{&schema, 1, next_once}, batch};
    const struct pen_part_field field = {1, "d", NULL};
    struct pen_part_options options = {
        .folder = temp_folder, .file_name = "nan.parquet", .columns = &field};
    struct pen_parts parts = PEN_PARTS;
    assert_ok(pen_parquet_write_part(&once.stream, &options, &parts, err));
    const struct pen_part_column *column = &parts.parts[0].columns[0];
    assert_true(column->has_nan_info && column->contains_nan);
    assert_true(column->min == NULL && column->max == NULL);
    pen_parts_release(&parts);
    pen_batch_free(batch);
    pen_schema_clear(&schema);
}

static void sorted_and_cast_parts_are_not_for_this_writer(void **state)
{
    (void)state;
    struct pen_part_field fields[2] = {{1, "a", NULL}, {2, "b", NULL}};
    struct pen_part_options options = {.columns = fields};
    assert_true(pen_parquet_can_write(&options, 2));
    fields[1].sql_type = "DATE";
    assert_false(pen_parquet_can_write(&options, 2));
    assert_true(pen_parquet_can_write(&options, 1));
    options.order_by = "a";
    assert_false(pen_parquet_can_write(&options, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        cmocka_unit_test(nan_leaves_bounds_unknown),
        cmocka_unit_test(sorted_and_cast_parts_are_not_for_this_writer),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
