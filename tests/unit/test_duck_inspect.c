#include "unit.h"

#include "duck/duck_inspect.h"
#include "fake_stream.h"
#include "temp_folder.h"

#include <unistd.h>

static struct pen_duck *duck;
static struct pen_arena arena;

static int open_duck(void **state)
{
    arena = PEN_ARENA((size_t)64 << 20);
    return temp_folder_make(state) != 0 || pen_duck_open(NULL, &duck, NULL) != PEN_OK;
}

static int close_duck(void **state)
{
    pen_duck_close(duck);
    pen_arena_release(&arena);
    return temp_folder_remove(state);
}

/* A file with one column of each type; its path and what the writer said of it. */
static const char *make_file(int64_t rows, struct pen_parts *parts)
{
    static char path[256];
    struct fake_stream *fake = fake_new("lbdstj", rows);
    struct pen_part_field columns[6];
    char name[PEN_PART_NAME];
    pen_part_name(name);
    for (size_t i = 0; i < 6; i++)
        columns[i] = (struct pen_part_field){.field_id = 10 + (int64_t)i,
                                             .name = fake->schema.fields[i].name};
    struct pen_part_options options = {
        .folder = temp_folder, .file_name = name, .columns = columns};
    assert_ok(pen_duck_write_part(duck, &fake->stream, &options, parts, err));
    fake_free(fake);
    snprintf(path, sizeof path, "%s/%s", temp_folder, name);
    return path;
}

static enum pen_code inspect(const char *path, bool is_deep, struct pen_duck_file_facts *facts,
                             struct pen_error *err)
{
    struct pen_duck_inspect what = {.path = path, .is_deep = is_deep};
    return pen_duck_inspect_file(duck, &what, &arena, facts, err);
}

static void footer_says_what_the_writer_said(void **state)
{
    (void)state;
    struct pen_parts parts = PEN_PARTS;
    const char *path = make_file(5000, &parts);
    struct pen_duck_file_facts facts;
    assert_ok(inspect(path, false, &facts, err));
    assert_int_equal(facts.rows, 5000);
    assert_int_equal(facts.footer_bytes, parts.parts[0].footer_bytes);
    assert_int_equal(facts.column_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(facts.columns[i].field_id, 10 + i);
        assert_false(facts.columns[i].has_values);
    }
    assert_string_equal(facts.columns[0].name, "time");
    assert_string_equal(facts.columns[0].type, "BIGINT");
    pen_parts_release(&parts);
}

static void data_say_what_the_statistics_said(void **state)
{
    (void)state;
    struct pen_parts parts = PEN_PARTS;
    const char *path = make_file(5000, &parts);
    struct pen_duck_file_facts facts;
    assert_ok(inspect(path, true, &facts, err));
    for (size_t i = 0; i < 6; i++) {
        const struct pen_part_column *said = &parts.parts[0].columns[i];
        const struct pen_duck_file_column *is = &facts.columns[i];
        assert_true(is->has_values);
        assert_int_equal(is->null_count, said->null_count);
        assert_false(is->contains_nan);
    }
    assert_string_equal(facts.columns[0].min, "0");
    assert_string_equal(facts.columns[0].max, "4999");
    assert_string_equal(facts.columns[1].min, "false");
    assert_string_equal(facts.columns[4].min, "2020-01-01 00:00:00");
    assert_string_equal(facts.columns[5].min, "{\"n\":0}");
    pen_parts_release(&parts);
}

static void what_is_no_parquet_file_is_an_error(void **state)
{
    (void)state;
    struct pen_duck_file_facts facts;
    struct pen_error err = {0};
    assert_int_not_equal(inspect(temp_path("missing.parquet"), true, &facts, &err), PEN_OK);
    assert_true(err.message[0] != '\0');
    FILE *file = fopen(temp_path("text.parquet"), "we");
    fputs("this is no Parquet file at all", file);
    fclose(file);
    assert_int_not_equal(inspect(temp_path("text.parquet"), false, &facts, NULL), PEN_OK);
    struct pen_parts parts = PEN_PARTS;
    const char *path = make_file(100, &parts);
    assert_int_equal(truncate(path, 50), 0);
    assert_int_not_equal(inspect(path, false, &facts, NULL), PEN_OK);
    pen_parts_release(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(footer_says_what_the_writer_said),
        cmocka_unit_test(data_say_what_the_statistics_said),
        cmocka_unit_test(what_is_no_parquet_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_duck, close_duck);
}
