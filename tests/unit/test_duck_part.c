#include "unit.h"

#include "duck/duck.h"
#include "fake_stream.h"
#include "temp_folder.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

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

static size_t count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count < 2 ? 0 : count - 2;
}

struct attempt {
    struct fake_stream *fake;
    struct pen_duck_column columns[8];
    struct pen_duck_part_options options;
    char name[PEN_DUCK_PART_NAME];
    struct pen_parts parts;
};

static struct attempt *attempt_new(const char *types, int64_t rows, const char *folder)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    attempt->fake = fake_new(types, rows);
    for (size_t i = 0; i < attempt->fake->schema.count; i++)
        attempt->columns[i] = (struct pen_duck_column){
            .field_id = (int64_t)i + 1, .name = attempt->fake->schema.fields[i].name};
    pen_duck_part_name(attempt->name);
    attempt->options = (struct pen_duck_part_options){
        .folder = strdup(folder), .file_name = attempt->name, .columns = attempt->columns};
    attempt->parts = PEN_PARTS;
    return attempt;
}

static void attempt_free(struct attempt *attempt)
{
    pen_parts_release(&attempt->parts);
    fake_free(attempt->fake);
    free((void *)(uintptr_t)attempt->options.folder);
    free(attempt);
}

static enum pen_code write_part(struct attempt *attempt, struct pen_error *err)
{
    return pen_duck_write_part(duck, &attempt->fake->stream, &attempt->options, &attempt->parts,
                               err);
}

static void part_holds_all_rows_and_says_so(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("lbdstj", 70001, temp_path("all/of/it"));
    assert_ok(write_part(attempt, err));
    assert_int_equal(attempt->parts.count, 1);
    const struct pen_part *part = &attempt->parts.parts[0];
    assert_string_equal(part->path, attempt->name);
    assert_int_equal(part->rows, 70001);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", temp_path("all/of/it"), attempt->name);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, part->size_bytes);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_true(part->footer_bytes > 100 && part->footer_bytes < part->size_bytes);
    assert_int_equal(stat(temp_path("all"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    attempt_free(attempt);
}

static void statistics_are_exact_bounds_or_unknown(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("lbdstj", 70001, temp_path("stats"));
    assert_ok(write_part(attempt, err));
    const struct pen_part_column *columns = attempt->parts.parts[0].columns;
    static const struct {
        const char *min, *max;
    } expect[] = {{"0", "70000"},
                  {"0", "1"},
                  {"0.0", "17500.0"},
                  {NULL, "row 9999"}, /* the least is a long one: unknown, never a cut text */
                  {"2020-01-01 00:00:00", "2020-01-01 19:26:40"},
                  {"{\"n\":0}", "{\"n\":99}"}};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(columns[i].value_count, 70001);
        assert_int_equal(columns[i].null_count, i == 0 ? 0 : (70001 + i - 1) / 7 - (i - 1) / 7);
        assert_int_equal(columns[i].lost_count, 0);
        assert_true(columns[i].size_bytes > 0);
        if (expect[i].min == NULL)
            assert_null(columns[i].min);
        else
            assert_string_equal(columns[i].min, expect[i].min);
        assert_string_equal(columns[i].max, expect[i].max);
    }
    assert_true(columns[2].has_nan_info);
    assert_false(columns[2].contains_nan);
    assert_false(columns[0].has_nan_info);
    attempt_free(attempt);
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
    assert_int_equal(columns[7].lost_count, 7000 - 1000 - 109); /* 0..127 fit, 19 of them are null */
    attempt_free(attempt);
}

static void empty_stream_leaves_no_part_and_no_file(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("ls", 0, temp_path("empty"));
    assert_ok(write_part(attempt, err));
    assert_int_equal(attempt->parts.count, 0);
    assert_int_equal(count_files(temp_path("empty")), 0);
    attempt_free(attempt);
}

static void failing_stream_gives_its_own_error_and_leaves_no_file(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("ls", 1000000, temp_path("fail"));
    attempt->fake->fail_at = 654321;
    struct pen_error failure = {0};
    assert_int_equal(write_part(attempt, &failure), PEN_ERR_CORRUPT);
    assert_string_equal(failure.message, "row 654321 is broken");
    assert_string_equal(failure.where, "s3://bucket/key:654321");
    assert_int_equal(attempt->parts.count, 0);
    assert_int_equal(count_files(temp_path("fail")), 0);
    attempt_free(attempt);
}

static void cancel_stops_the_part(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("ls", 1000000, temp_path("cancel"));
    volatile int cancel = 1;
    attempt->options.cancel = &cancel;
    struct pen_error failure = {0};
    assert_int_equal(write_part(attempt, &failure), PEN_ERR_CANCELLED);
    assert_int_equal(count_files(temp_path("cancel")), 0);
    attempt_free(attempt);
}

static void unwritable_folder_is_named(void **state)
{
    (void)state;
    FILE *file = fopen(temp_path("a-file"), "w");
    fclose(file);
    struct attempt *attempt = attempt_new("ls", 10, temp_path("a-file/below"));
    struct pen_error failure = {0};
    assert_int_equal(write_part(attempt, &failure), PEN_ERR_IO);
    assert_non_null(strstr(failure.where, "a-file"));
    attempt_free(attempt);
}

static void existing_file_is_never_overwritten(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new("ls", 10, temp_path("twice"));
    assert_ok(write_part(attempt, err));
    atomic_store(&attempt->fake->next_row, 0);
    struct pen_error failure = {0};
    assert_int_equal(write_part(attempt, &failure), PEN_ERR_IO);
    assert_int_equal(attempt->parts.count, 1);
    assert_int_equal(count_files(temp_path("twice")), 1);
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(part_holds_all_rows_and_says_so),
        cmocka_unit_test(statistics_are_exact_bounds_or_unknown),
        cmocka_unit_test(cast_to_the_tables_type_counts_what_is_lost),
        cmocka_unit_test(empty_stream_leaves_no_part_and_no_file),
        cmocka_unit_test(failing_stream_gives_its_own_error_and_leaves_no_file),
        cmocka_unit_test(cancel_stops_the_part),
        cmocka_unit_test(unwritable_folder_is_named),
        cmocka_unit_test(existing_file_is_never_overwritten),
    };
    return cmocka_run_group_tests(tests, open_duck, close_duck);
}
