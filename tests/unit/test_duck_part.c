#include "unit.h"

#include "duck/duck.h"
#include "part_contract.h"

static struct pen_duck *duck;

static int open_duck(void **state)
{
    struct pen_duck_options options = {.threads = 2};
    return temp_folder_make(state) != 0 || pen_duck_open(&options, &duck, NULL) != PEN_OK;
}

static int close_duck(void **state)
{
    pen_duck_close(duck);
    return temp_folder_remove(state);
}

static enum pen_code contract_write(struct pen_task_stream *stream,
                                    const struct pen_part_options *options, struct pen_parts *parts,
                                    struct pen_error *err)
{
    return pen_duck_write_part(duck, stream, options, parts, err);
}

static void cast_to_the_tables_type_counts_what_is_lost(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("lsltjbdl", 7000, temp_path("cast"));
    static const char *const types[8] = {NULL,      "BIGINT", "VARCHAR",       "BIGINT",
                                         "VARCHAR", "BIGINT", "DECIMAL(10,2)", "TINYINT"};
    for (size_t i = 0; i < 8; i++)
        attempt->columns[i].sql_type = types[i];
    assert_ok(write_part(attempt, err));
    const struct pen_part_column *columns = attempt->parts.parts[0].columns;
    assert_int_equal(columns[1].lost_count, 6000); /* "row 1" is no number */
    assert_int_equal(columns[1].null_count, 7000);
    assert_null(columns[1].min);
    assert_int_equal(columns[2].lost_count, 0);
    assert_string_equal(columns[2].max, "998");
    assert_int_equal(columns[3].lost_count, 6000); /* a timestamp is no long */
    assert_int_equal(columns[4].lost_count, 0);
    assert_int_equal(columns[5].lost_count, 0);
    assert_string_equal(columns[5].max, "1");
    assert_int_equal(columns[6].lost_count, 0);
    assert_string_equal(columns[6].max, "1749.75");
    assert_int_equal(columns[7].lost_count,
                     7000 - 1000 - 109); /* 0..127 fit, 19 of them are null */
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT_TESTS,
        cmocka_unit_test(cast_to_the_tables_type_counts_what_is_lost),
    };
    return cmocka_run_group_tests(tests, open_duck, close_duck);
}
