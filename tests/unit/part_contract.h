/* part_contract.h - what every writer of parts must do, as tests; a test program defines
 * contract_write before it includes this, and lists CONTRACT_TESTS among its own. */
#ifndef PEN_TESTS_PART_CONTRACT_H
#define PEN_TESTS_PART_CONTRACT_H

#include "fake_stream.h"
#include "sink/sink.h"
#include "temp_folder.h"
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static enum pen_code contract_write(struct pen_task_stream *stream,
                                    const struct pen_part_options *options, struct pen_parts *parts,
                                    struct pen_error *err);

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
    struct pen_part_field columns[8];
    struct pen_part_options options;
    char name[PEN_PART_NAME];
    struct pen_parts parts;
};

static struct attempt *attempt_new(const char *types, int64_t rows, const char *folder)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    attempt->fake = fake_new(types, rows);
    for (size_t i = 0; i < attempt->fake->schema.count; i++)
        attempt->columns[i] = (struct pen_part_field){.field_id = (int64_t)i + 1,
                                                      .name = attempt->fake->schema.fields[i].name};
    pen_part_name(attempt->name);
    attempt->options = (struct pen_part_options){
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
    return contract_write(&attempt->fake->stream, &attempt->options, &attempt->parts, err);
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

/* One batch made by the test, handed out once. */
struct once {
    struct pen_task_stream stream; /* first */
    struct pen_batch *batch;
};

static enum pen_code next_once(struct pen_task_stream *base, unsigned worker,
                               const struct pen_batch **ret_batch, struct pen_error *err)
{
    (void)worker, (void)err;
    struct once *once = (struct once *)base;
    *ret_batch = once->batch;
    once->batch = NULL;
    return PEN_OK;
}

static void extreme_values_are_written_with_bounds_that_hold(void **state)
{
    (void)state;
    static const char *const names[] = {"time", "t", "d", "s"};
    static const enum pen_type types[] = {PEN_TYPE_LONG, PEN_TYPE_TIMESTAMP, PEN_TYPE_DOUBLE,
                                          PEN_TYPE_STRING};
    struct pen_schema schema = {0};
    struct pen_part_field columns[4];
    for (int i = 0; i < 4; i++) {
        assert_ok(pen_schema_add(&schema, pen_slice_str(names[i]), types[i], NULL, err));
        columns[i] = (struct pen_part_field){.field_id = i + 1, .name = names[i]};
    }
    static const int64_t longs[] = {INT64_MIN, INT64_MAX, 0};
    static const int64_t times[] = {-9223372022400000000, INT64_C(9223372036854775806), -1};
    static const double doubles[] = {-__builtin_inf(), 5e-324, 1.7976931348623157e308};
    static const char *const strings[] = {"", "\0x", "\xf0\x9f\x98\x80"};
    struct pen_batch *batch = NULL;
    assert_ok(pen_batch_new(PEN_BATCH_ROWS, &batch, err));
    assert_ok(pen_batch_begin(batch, &schema, err));
    for (; batch->rows < 3; batch->rows++) {
        pen_column_longs(&batch->columns[0])[batch->rows] = longs[batch->rows];
        pen_column_longs(&batch->columns[1])[batch->rows] = times[batch->rows];
        pen_column_doubles(&batch->columns[2])[batch->rows] = doubles[batch->rows];
        pen_column_strings(&batch->columns[3])[batch->rows] =
            pen_string_make(strings[batch->rows], batch->rows == 0 ? 0 : batch->rows * 2);
        for (int c = 0; c < 4; c++)
            pen_column_set_valid(&batch->columns[c], batch->rows, true);
    }
    struct once once = {{&schema, 1, next_once}, batch};
    char name[PEN_PART_NAME];
    pen_part_name(name);
    struct pen_part_options options = {
        .folder = temp_folder, .file_name = name, .columns = columns};
    struct pen_parts parts = PEN_PARTS;
    assert_ok(contract_write(&once.stream, &options, &parts, err));
    const struct pen_part_column *got = parts.parts[0].columns;
    assert_string_equal(got[0].min, "-9223372036854775808");
    assert_string_equal(got[0].max, "9223372036854775807");
    assert_string_equal(got[1].min, "290309-12-22 (BC) 00:00:00");
    assert_string_equal(got[1].max, "294247-01-10 04:00:54.775806");
    assert_string_equal(got[2].min, "-inf");
    assert_true(strtod(got[2].max, NULL) == 1.7976931348623157e308);
    assert_string_equal(got[3].min, "");
    assert_string_equal(got[3].max, "\xf0\x9f\x98\x80");
    pen_parts_release(&parts);
    pen_batch_free(batch);
    pen_schema_clear(&schema);
}

/* One entry per test above. */
#define CONTRACT_TESTS                                                                             \
    cmocka_unit_test(part_holds_all_rows_and_says_so),                                             \
        cmocka_unit_test(statistics_are_exact_bounds_or_unknown),                                  \
        cmocka_unit_test(empty_stream_leaves_no_part_and_no_file),                                 \
        cmocka_unit_test(failing_stream_gives_its_own_error_and_leaves_no_file),                   \
        cmocka_unit_test(cancel_stops_the_part), cmocka_unit_test(unwritable_folder_is_named),     \
        cmocka_unit_test(existing_file_is_never_overwritten),                                      \
        cmocka_unit_test(extreme_values_are_written_with_bounds_that_hold)

#endif
