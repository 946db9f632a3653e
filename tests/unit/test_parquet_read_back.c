/* Parts of our own writer, read back value by value through DuckDB, which computes their statistics
 * again. */
#include "unit.h"

#include "duck/duck_inspect.h"
#include "duck/duck_query.h"
#include "fake_stream.h"
#include "parquet/parquet.h"
#include "random.h"
#include "temp_folder.h"

/* --- random columns: written by one worker, so that rows keep their order ----------------------
 */

/* How the values of a column come. */
enum shape {
    SAME,
    FEW,
    GROWING,
    MANY,
    ASCENDING,
    ALL_DIFFERENT,
    LONG_TEXTS,
    LONG_REPEATED,
    SHAPES
};

struct made {
    struct pen_task_stream stream; /* first */
    struct pen_schema schema;
    struct pen_batch *batches[2];
    size_t made_rows, rows;
    enum shape shapes[16];
    unsigned null_percent[16];
    uint64_t seed;
};

static uint64_t draw(struct made *made, enum shape shape, size_t row)
{
    switch (shape) {
    case SAME:
        return 7;
    case FEW:
        return random_below(&made->seed, 5);
    case GROWING: /* few at first, then more than a dictionary holds */
        return random_below(&made->seed, 1 + row / 4);
    case MANY:
        return random_below(&made->seed, 6000);
    case ASCENDING:
        return row * 1000 + random_below(&made->seed, 3);
    case LONG_TEXTS:
    case LONG_REPEATED:
        return random_below(&made->seed, 3);
    case ALL_DIFFERENT:
    case SHAPES:
        break;
    }
    return random_next(&made->seed);
}

static struct pen_string draw_text(struct pen_batch *batch, enum shape shape, uint64_t value)
{
    char memory[64];
    size_t len =
        (size_t)snprintf(memory, sizeof memory, value % 3 == 0 ? "%llx" : "text %llx, value",
                         (unsigned long long)value);
    if (shape != LONG_TEXTS && shape != LONG_REPEATED)
        return pen_string_make(pen_arena_copy(&batch->arena, pen_slice(memory, len)), len);
    len = shape == LONG_TEXTS ? 2000 + value * 100000 : 60000;
    char *text = pen_arena_alloc(&batch->arena, len + 1);
    assert_non_null(text);
    memset(text, (int)('a' + value), len);
    if (shape == LONG_TEXTS)
        text[0] = memory[0];
    return pen_string_make(text, len);
}

static void set_value(struct made *made, struct pen_batch *batch, size_t c, size_t row)
{
    struct pen_column *column = &batch->columns[c];
    uint64_t value = draw(made, made->shapes[c], made->made_rows + row);
    if (random_below(&made->seed, 100) < made->null_percent[c])
        return;
    pen_column_set_valid(column, row, true);
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(column)[row] = value & 1;
        return;
    case PEN_TYPE_LONG:
        pen_column_longs(column)[row] = (int64_t)value;
        return;
    case PEN_TYPE_TIMESTAMP: /* within the years that DuckDB reads */
        pen_column_longs(column)[row] = (int64_t)(value % (UINT64_C(1) << 60));
        return;
    case PEN_TYPE_DOUBLE:
        pen_column_doubles(column)[row] = (double)(int64_t)value / 8;
        return;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    pen_column_strings(column)[row] = draw_text(batch, made->shapes[c], value);
}

static enum pen_code made_next(struct pen_task_stream *stream, unsigned worker,
                               const struct pen_batch **ret_batch, struct pen_error *err)
{
    struct made *made = (struct made *)stream;
    assert_int_equal(worker, 0);
    struct pen_batch *batch = made->batches[made->made_rows / 2000 % 2];
    *ret_batch = NULL;
    if (made->made_rows >= made->rows)
        return PEN_OK;
    PEN_TRY(pen_batch_begin(batch, &made->schema, err));
    size_t rows = made->rows - made->made_rows < 2000 ? made->rows - made->made_rows : 2000;
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < batch->column_count; c++)
            set_value(made, batch, c, row);
    batch->rows = rows;
    made->made_rows += rows;
    *ret_batch = batch;
    return PEN_OK;
}

static void made_begin(struct made *made, uint64_t seed)
{
    made->made_rows = 0;
    made->seed = seed;
}

static void made_init(struct made *made, size_t rows)
{
    *made = (struct made){.rows = rows};
    made->stream = (struct pen_task_stream){&made->schema, 1, made_next};
    for (int i = 0; i < 2; i++)
        assert_ok(pen_batch_new(PEN_BATCH_ROWS, &made->batches[i], err));
    made_begin(made, rows);
}

static void made_add(struct made *made, enum pen_type type, enum shape shape, unsigned null_percent)
{
    const char name[] = {(char)('a' + made->schema.count), ' ', '"', '\0'};
    made->shapes[made->schema.count] = shape;
    made->null_percent[made->schema.count] = null_percent;
    assert_ok(pen_schema_add(&made->schema, pen_slice_str(name), type, NULL, err));
}

static void made_release(struct made *made)
{
    pen_batch_free(made->batches[0]);
    pen_batch_free(made->batches[1]);
    pen_schema_clear(&made->schema);
}

/* --- reading back ------------------------------------------------------------------------------
 */

static void assert_same_value(const struct pen_column *got, size_t got_row,
                              const struct pen_column *want, size_t row)
{
    assert_int_equal(pen_column_is_valid(got, got_row), pen_column_is_valid(want, row));
    if (!pen_column_is_valid(want, row))
        return;
    switch (want->type) {
    case PEN_TYPE_BOOLEAN:
        assert_int_equal(pen_column_booleans(got)[got_row], pen_column_booleans(want)[row]);
        return;
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
    case PEN_TYPE_DOUBLE: /* bit by bit */
        assert_int_equal(pen_column_longs(got)[got_row], pen_column_longs(want)[row]);
        return;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    struct pen_slice a = pen_string_slice(&pen_column_strings(got)[got_row]);
    struct pen_slice b = pen_string_slice(&pen_column_strings(want)[row]);
    assert_int_equal(a.len, b.len);
    assert_true(a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void compare(struct pen_duck_query *query, struct made *made)
{
    const struct pen_batch *got = NULL, *want = NULL;
    size_t got_row = 0, row = 0;
    for (;;) {
        if (got == NULL || got_row == got->rows) {
            assert_ok(pen_duck_query_next(query, &got, err));
            got_row = 0;
        }
        if (want == NULL || row == want->rows) {
            assert_ok(made_next(&made->stream, 0, &want, err));
            row = 0;
        }
        if (got == NULL || want == NULL)
            break;
        for (; got_row < got->rows && row < want->rows; got_row++, row++)
            for (size_t c = 0; c < want->column_count; c++)
                assert_same_value(&got->columns[c], got_row, &want->columns[c], row);
    }
    assert_true(got == NULL && want == NULL);
}

static void read_back(struct made *made, const char *path, uint64_t seed)
{
    static const char *const sql[] = {
        [PEN_TYPE_BOOLEAN] = "BOOLEAN",     [PEN_TYPE_LONG] = "BIGINT",
        [PEN_TYPE_DOUBLE] = "DOUBLE",       [PEN_TYPE_STRING] = "VARCHAR",
        [PEN_TYPE_TIMESTAMP] = "TIMESTAMP", [PEN_TYPE_JSON] = "JSON"};
    struct pen_duck_view_column columns[16];
    for (size_t i = 0; i < made->schema.count; i++)
        columns[i] = (struct pen_duck_view_column){.field_id = (int64_t)i + 1,
                                                   .name = made->schema.fields[i].name,
                                                   .sql_type = sql[made->schema.fields[i].type]};
    const struct pen_duck_view_file file = {.path = path};
    const struct pen_duck_view view = {.database = "d",
                                       .table = "t",
                                       .columns = columns,
                                       .column_count = made->schema.count,
                                       .files = &file,
                                       .file_count = 1};
    const char *databases[] = {"d"};
    const struct pen_duck_session_options options = {.engine = {.threads = 1},
                                                     .data_folder = temp_folder,
                                                     .databases = databases,
                                                     .database_count = 1,
                                                     .default_database = "d",
                                                     .views = &view,
                                                     .view_count = 1};
    struct pen_duck_session *session = NULL;
    struct pen_duck_query *query = NULL;
    assert_ok(pen_duck_session_open(&options, &session, err));
    assert_ok(pen_duck_query(session, PEN_LIT("SELECT * FROM t"), &query, err));
    made_begin(made, seed);
    compare(query, made);
    pen_duck_query_free(query);
    pen_duck_session_close(session);
}

/* What the part says of its columns is what DuckDB computes from its data. */
static void check_statistics(const struct pen_part *part, const char *path)
{
    struct pen_duck *duck = NULL;
    struct pen_duck_file_facts facts;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 24);
    const struct pen_duck_inspect inspect = {.path = path, .is_deep = true};
    assert_ok(pen_duck_open(NULL, &duck, err));
    assert_ok(pen_duck_inspect_file(duck, &inspect, &arena, &facts, err));
    assert_int_equal(facts.rows, part->rows);
    assert_int_equal(facts.footer_bytes, part->footer_bytes);
    assert_int_equal(facts.column_count, part->column_count);
    for (size_t i = 0; i < facts.column_count; i++) {
        const struct pen_duck_file_column *fact = &facts.columns[i];
        const struct pen_part_column *column = &part->columns[i];
        assert_int_equal(fact->field_id, i + 1);
        assert_int_equal(column->value_count, part->rows);
        assert_int_equal(fact->null_count, column->null_count);
        assert_true(fact->has_bounds);
        if (column->min == NULL) {
            assert_true(fact->min == NULL || strlen(fact->min) > 255);
            continue;
        }
        if (strcmp(fact->type, "DOUBLE") == 0) {
            assert_true(strtod(fact->min, NULL) == strtod(column->min, NULL));
            assert_true(strtod(fact->max, NULL) == strtod(column->max, NULL));
        } else if (strcmp(fact->type, "BOOLEAN") != 0) {
            assert_string_equal(fact->min, column->min);
            assert_string_equal(fact->max, column->max);
        }
    }
    pen_duck_close(duck);
}

static void write_and_compare(struct made *made, enum pen_part_compression compression)
{
    struct pen_part_field fields[16];
    for (size_t i = 0; i < made->schema.count; i++)
        fields[i] = (struct pen_part_field){(int64_t)i + 1, made->schema.fields[i].name, NULL};
    char name[PEN_PART_NAME];
    pen_part_name(name);
    const struct pen_part_options options = {
        .folder = temp_folder, .file_name = name, .columns = fields, .compression = compression};
    struct pen_parts parts = PEN_PARTS;
    uint64_t seed = made->seed;
    assert_ok(pen_parquet_write_part(&made->stream, &options, &parts, err));
    assert_int_equal(parts.count, 1);
    assert_int_equal(parts.parts[0].rows, made->rows);
    read_back(made, temp_path(name), seed);
    check_statistics(&parts.parts[0], temp_path(name));
    pen_parts_release(&parts);
}

/* --- the tests ---------------------------------------------------------------------------------
 */

/* One column of each type in the given shape. */
static void check_shape(enum shape shape, size_t rows, unsigned null_percent,
                        enum pen_part_compression compression)
{
    struct made made;
    made_init(&made, rows);
    made_add(&made, PEN_TYPE_LONG, shape, null_percent);
    made_add(&made, PEN_TYPE_STRING, shape, null_percent);
    made_add(&made, PEN_TYPE_DOUBLE, shape, null_percent);
    made_add(&made, PEN_TYPE_TIMESTAMP, shape, null_percent);
    made_add(&made, PEN_TYPE_BOOLEAN, shape, null_percent);
    made_add(&made, PEN_TYPE_STRING, shape, 0);
    write_and_compare(&made, compression);
    made_release(&made);
}

static void every_shape_of_values_comes_back(void **state)
{
    (void)state;
    static const size_t rows[] = {1, 1023, 2000, 16384, 40001};
    for (enum shape shape = SAME; shape < LONG_TEXTS; shape++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            check_shape(shape, rows[i], (unsigned)(i * 23 % 60), PEN_PART_SNAPPY);
}

static void every_compression_comes_back(void **state)
{
    (void)state;
    check_shape(MANY, 30000, 10, PEN_PART_ZSTD);
    check_shape(MANY, 30000, 10, PEN_PART_UNCOMPRESSED);
    check_shape(ALL_DIFFERENT, 30000, 10, PEN_PART_ZSTD);
}

static void columns_without_values_come_back(void **state)
{
    (void)state;
    check_shape(FEW, 20000, 100, PEN_PART_SNAPPY);
}

static void several_row_groups_come_back(void **state)
{
    (void)state;
    struct made made;
    made_init(&made, 2 * PEN_ROW_GROUP_ROWS + 5000);
    made_add(&made, PEN_TYPE_LONG, ASCENDING, 0);
    made_add(&made, PEN_TYPE_STRING, GROWING, 30);
    made_add(&made, PEN_TYPE_DOUBLE, FEW, 1);
    write_and_compare(&made, PEN_PART_SNAPPY);
    made_release(&made);
}

/* Longer than a page, and than a bound; and long ones that a dictionary would hold many times. */
static void long_texts_come_back(void **state)
{
    (void)state;
    struct made made;
    made_init(&made, 1500);
    made_add(&made, PEN_TYPE_STRING, LONG_TEXTS, 5);
    made_add(&made, PEN_TYPE_STRING, LONG_REPEATED, 5);
    made_add(&made, PEN_TYPE_LONG, MANY, 5);
    write_and_compare(&made, PEN_PART_SNAPPY);
    made_release(&made);
}

static void json_comes_back(void **state)
{
    (void)state;
    struct fake_stream *fake = fake_new("lj", 5000);
    const struct pen_part_field fields[2] = {{1, "time", NULL}, {2, "b", NULL}};
    const struct pen_part_options options = {
        .folder = temp_folder, .file_name = "json.parquet", .columns = fields};
    struct pen_parts parts = PEN_PARTS;
    assert_ok(pen_parquet_write_part(&fake->stream, &options, &parts, err));
    assert_int_equal(parts.parts[0].rows, 5000);
    check_statistics(&parts.parts[0], temp_path("json.parquet"));
    pen_parts_release(&parts);
    fake_free(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_values_comes_back),
        cmocka_unit_test(every_compression_comes_back),
        cmocka_unit_test(columns_without_values_come_back),
        cmocka_unit_test(several_row_groups_come_back),
        cmocka_unit_test(long_texts_come_back),
        cmocka_unit_test(json_comes_back),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
