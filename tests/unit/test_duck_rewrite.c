#include "unit.h"

#include "duck/duck_inspect.h"
#include "duck/duck_rewrite.h"
#include "fake_stream.h"
#include "temp_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#define DAY 86400

static struct pen_duck *duck;
static struct pen_arena arena;

static int open_duck(void **state)
{
    static const struct pen_duck_options options = {.threads = 2};
    arena = PEN_ARENA((size_t)64 << 20);
    return temp_folder_make(state) != 0 || pen_duck_open(&options, &duck, NULL) != PEN_OK;
}

static int close_duck(void **state)
{
    pen_duck_close(duck);
    pen_arena_release(&arena);
    return temp_folder_remove(state);
}

static const struct pen_part_field columns[] = {
    {.field_id = 1, .name = "time"}, {.field_id = 2, .name = "b"}, {.field_id = 5, .name = "c"}};
static const struct pen_duck_view_column view_columns[] = {
    {1, "time", "BIGINT", NULL}, {2, "b", "DOUBLE", NULL}, {5, "c", "VARCHAR", NULL}};

/* A view of one new file with `rows` rows: time 0, 1, 2 ... */
static struct pen_duck_view make_view(int64_t rows)
{
    struct fake_stream *fake = fake_new("lds", rows);
    char name[PEN_PART_NAME];
    char path[256];
    pen_part_name(name);
    struct pen_parts parts = PEN_PARTS;
    struct pen_part_options options = {
        .folder = temp_path("from"), .file_name = name, .columns = columns};
    assert_ok(pen_duck_write_part(duck, &fake->stream, &options, &parts, err));
    pen_parts_release(&parts);
    fake_free(fake);
    snprintf(path, sizeof path, "%s/%s", temp_path("from"), name);
    struct pen_duck_view_file *file = pen_arena_alloc(&arena, sizeof *file);
    *file = (struct pen_duck_view_file){.path = pen_arena_copy(&arena, pen_slice_str(path))};
    return (struct pen_duck_view){
        .columns = view_columns, .column_count = 3, .files = file, .file_count = 1};
}

static void units_begin_and_end_with_the_calendar(void **state)
{
    (void)state;
    const int64_t time = 1709209805; /* 2024-02-29 12:30:05 */
    assert_int_equal(pen_duck_unit_start(PEN_DUCK_HOUR, time), 1709208000);
    assert_int_equal(pen_duck_unit_end(PEN_DUCK_HOUR, time), 1709211600);
    assert_int_equal(pen_duck_unit_start(PEN_DUCK_DAY, time), 1709164800);
    assert_int_equal(pen_duck_unit_end(PEN_DUCK_DAY, time), 1709251200);
    assert_int_equal(pen_duck_unit_start(PEN_DUCK_MONTH, time), 1706745600);
    assert_int_equal(pen_duck_unit_end(PEN_DUCK_MONTH, time), 1709251200);
    assert_int_equal(pen_duck_unit_end(PEN_DUCK_MONTH, 1704066300), 1704067200); /* December */
    assert_int_equal(pen_duck_unit_start(PEN_DUCK_DAY, 0), 0);
    assert_int_equal(pen_duck_unit_end(PEN_DUCK_MONTH, PEN_DUCK_LAST_SECOND),
                     PEN_DUCK_LAST_SECOND + 1);
    enum pen_duck_unit unit = PEN_DUCK_DAY;
    assert_true(pen_duck_unit_from_name("none", &unit));
    assert_int_equal(unit, PEN_DUCK_NO_UNIT);
    assert_true(pen_duck_unit_from_name("month", &unit));
    assert_int_equal(unit, PEN_DUCK_MONTH);
    assert_false(pen_duck_unit_from_name("week", &unit));
}

static void rows_are_counted_by_unit(void **state)
{
    (void)state;
    struct pen_duck_view view = make_view(2 * DAY + 100);
    struct pen_duck_range *ranges = NULL;
    size_t count = 0;
    struct pen_duck_split split = {.view = &view, .time_column = "time", .unit = PEN_DUCK_DAY};
    assert_ok(pen_duck_count_units(duck, &split, &arena, &ranges, &count, err));
    assert_int_equal(count, 3);
    for (int64_t i = 0; i < 3; i++) {
        assert_false(ranges[i].is_rest);
        assert_int_equal(ranges[i].from, i * DAY);
        assert_int_equal(ranges[i].to, (i + 1) * DAY);
        assert_int_equal(ranges[i].rows, i < 2 ? DAY : 100);
    }
    split.unit = PEN_DUCK_MONTH;
    assert_ok(pen_duck_count_units(duck, &split, &arena, &ranges, &count, err));
    assert_int_equal(count, 1);
    assert_int_equal(ranges[0].to, 31 * DAY);
}

static struct pen_duck_rewrite rewrite_of(const struct pen_duck_view *view, char *name)
{
    pen_part_name(name);
    return (struct pen_duck_rewrite){.view = view,
                                     .folder = temp_path("to"),
                                     .file_name = name,
                                     .columns = columns,
                                     .compression = PEN_PART_ZSTD,
                                     .time_column = "time"};
}

static void range_becomes_a_part_with_statistics(void **state)
{
    (void)state;
    struct pen_duck_view view = make_view(5000);
    char name[PEN_PART_NAME];
    struct pen_duck_rewrite rewrite = rewrite_of(&view, name);
    struct pen_duck_range range = {.from = 1000, .to = 1010};
    struct pen_parts parts = PEN_PARTS;
    rewrite.range = &range;
    assert_ok(pen_duck_rewrite(duck, &rewrite, &parts, err));
    assert_int_equal(parts.count, 1);
    const struct pen_part *part = &parts.parts[0];
    assert_int_equal(part->rows, 10);
    assert_string_equal(part->path, name);
    assert_int_equal(part->column_count, 3);
    assert_string_equal(part->columns[0].min, "1000");
    assert_string_equal(part->columns[0].max, "1009");
    assert_int_equal(part->columns[1].null_count, 2); /* 1000 and 1007: (n + 1) % 7 == 0 */
    char path[256];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", temp_path("to"), name);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, part->size_bytes);
    assert_int_equal(info.st_mode & 0777, 0600);
    struct pen_duck_file_facts facts;
    struct pen_duck_inspect inspect = {.path = path, .is_deep = true};
    assert_ok(pen_duck_inspect_file(duck, &inspect, &arena, &facts, err));
    assert_int_equal(facts.columns[2].field_id, 5);
    assert_int_equal(facts.footer_bytes, part->footer_bytes);
    pen_parts_release(&parts);
}

static void range_without_rows_leaves_no_file(void **state)
{
    (void)state;
    struct pen_duck_view view = make_view(10);
    char name[PEN_PART_NAME];
    struct pen_duck_rewrite rewrite = rewrite_of(&view, name);
    struct pen_duck_range ranges[] = {{.from = 100, .to = 200}, {.is_rest = true}};
    struct pen_parts parts = PEN_PARTS;
    for (size_t i = 0; i < 2; i++) {
        rewrite.range = &ranges[i];
        assert_ok(pen_duck_rewrite(duck, &rewrite, &parts, err));
    }
    assert_int_equal(parts.count, 0);
    char path[256];
    snprintf(path, sizeof path, "%s/%s", temp_path("to"), name);
    assert_int_not_equal(access(path, F_OK), 0);
    pen_parts_release(&parts);
}

static void several_files_are_merged_in_the_order_of_time(void **state)
{
    (void)state;
    struct pen_duck_view one = make_view(30000), other = make_view(20000);
    struct pen_duck_view_file files[] = {one.files[0], other.files[0]};
    struct pen_duck_view both = one;
    both.files = files;
    both.file_count = 2;
    char name[PEN_PART_NAME];
    struct pen_duck_rewrite rewrite = rewrite_of(&both, name);
    struct pen_parts parts = PEN_PARTS;
    assert_ok(pen_duck_rewrite(duck, &rewrite, &parts, err));
    assert_int_equal(parts.parts[0].rows, 50000);
    assert_string_equal(parts.parts[0].columns[0].max, "29999");
    pen_parts_release(&parts);
}

static void cancelled_rewrite_leaves_no_file(void **state)
{
    (void)state;
    struct pen_duck_view view = make_view(1000);
    char name[PEN_PART_NAME], path[256];
    struct pen_duck_rewrite rewrite = rewrite_of(&view, name);
    struct pen_parts parts = PEN_PARTS;
    volatile int cancel = 1;
    rewrite.cancel = &cancel;
    assert_int_equal(pen_duck_rewrite(duck, &rewrite, &parts, NULL), PEN_ERR_CANCELLED);
    assert_int_equal(parts.count, 0);
    snprintf(path, sizeof path, "%s/%s", temp_path("to"), name);
    assert_int_not_equal(access(path, F_OK), 0);
    pen_parts_release(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_begin_and_end_with_the_calendar),
        cmocka_unit_test(rows_are_counted_by_unit),
        cmocka_unit_test(range_becomes_a_part_with_statistics),
        cmocka_unit_test(range_without_rows_leaves_no_file),
        cmocka_unit_test(several_files_are_merged_in_the_order_of_time),
        cmocka_unit_test(cancelled_rewrite_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, open_duck, close_duck);
}
