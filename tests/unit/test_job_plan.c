#include "unit.h"

#include "db_rig.h"
#include "meta/job_plan.h"

static void plan_two_tasks(void)
{
    struct pen_job_object objects[3];
    for (int i = 0; i < 3; i++)
        objects[i] = (struct pen_job_object){.object_index = i,
                                             .bucket = "bucket",
                                             .key = i == 0 ? "a" : "k\xc3\xa9y",
                                             .etag = "0123456789abcdef0123456789abcdef",
                                             .version_id = "",
                                             .size_bytes = (uint64_t)i + 10,
                                             .modified_us = 5};
    assert_ok(pen_job_objects_add(db, 7, objects, 3, err));
    struct pen_job_task tasks[2] = {
        {.job_id = 7, .task_index = 0, .first_object = 0, .object_count = 2, .size_bytes = 21},
        {.job_id = 7, .task_index = 1, .first_object = 2, .object_count = 1, .size_bytes = 12}};
    assert_ok(pen_job_tasks_add(db, tasks, 2, err));
}

static size_t garbage_count(const char *file_name)
{
    struct pen_garbage *list = NULL;
    size_t count = 0, named = 0;
    assert_ok(pen_garbage_list(db, 100, &arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        named += strcmp(list[i].file_name, file_name) == 0 && strcmp(list[i].folder, "/lake/") == 0;
    return named;
}

static void write_task(int64_t task_index, const char *file_name)
{
    assert_ok(pen_job_task_start(db, 7, task_index, err));
    assert_ok(pen_job_part_begin(db, 7, task_index, "/lake/", file_name, 1, err));
    struct pen_part_column columns[2] = {
        {.value_count = 9, .null_count = 1, .size_bytes = 100, .min = "-1", .max = "8"},
        {.value_count = 9, .has_nan_info = true, .contains_nan = true}};
    struct pen_part part = {.path = (char *)(uintptr_t)file_name,
                            .rows = 9,
                            .size_bytes = 500,
                            .footer_bytes = 50,
                            .columns = columns,
                            .column_count = 2};
    struct pen_parts parts = PEN_PARTS;
    assert_ok(pen_parts_add(&parts, &part, err));
    struct pen_job_task task = {.job_id = 7, .task_index = task_index, .records = 9, .rejected = 2};
    struct pen_job_task_object object = {
        .object_index = task_index * 2, .rows = 9, .rejected = 2, .plain_bytes = 77};
    assert_ok(pen_job_task_done(db, &task, &parts, &object, 1, err));
    pen_parts_release(&parts);
}

static void plan_is_read_back_as_written(void **state)
{
    (void)state;
    plan_two_tasks();
    struct pen_job_object *objects = NULL;
    size_t count = 0;
    assert_ok(
        pen_job_objects_get(db, 7, (struct pen_job_range){1, 10}, &arena, &objects, &count, err));
    assert_int_equal(count, 2);
    assert_int_equal(objects[0].object_index, 1);
    assert_string_equal(objects[0].key, "k\xc3\xa9y");
    assert_string_equal(objects[0].bucket, "bucket");
    assert_int_equal(objects[1].size_bytes, 12);
    assert_int_equal(objects[1].modified_us, 5);
    struct pen_job_task *tasks = NULL;
    assert_ok(pen_job_tasks_get(db, 7, &arena, &tasks, &count, err));
    assert_int_equal(count, 2);
    assert_int_equal(tasks[1].first_object, 2);
    assert_int_equal(tasks[1].size_bytes, 12);
    assert_int_equal(tasks[1].status, PEN_JOB_TASK_WAITING);
}

static void finished_tasks_keep_their_parts_with_statistics(void **state)
{
    (void)state;
    plan_two_tasks();
    write_task(1, "second.parquet");
    write_task(0, "first.parquet");
    struct pen_parts parts = PEN_PARTS;
    assert_ok(pen_job_parts_get(db, 7, &parts, err));
    assert_int_equal(parts.count, 2);
    assert_string_equal(parts.parts[0].path, "first.parquet"); /* in the order of the tasks */
    const struct pen_part *part = &parts.parts[1];
    assert_string_equal(part->path, "second.parquet");
    assert_int_equal(part->rows, 9);
    assert_int_equal(part->size_bytes, 500);
    assert_int_equal(part->footer_bytes, 50);
    assert_int_equal(part->column_count, 2);
    assert_int_equal(part->columns[0].null_count, 1);
    assert_int_equal(part->columns[0].size_bytes, 100);
    assert_string_equal(part->columns[0].min, "-1");
    assert_string_equal(part->columns[0].max, "8");
    assert_false(part->columns[0].has_nan_info);
    assert_null(part->columns[1].min);
    assert_true(part->columns[1].has_nan_info && part->columns[1].contains_nan);
    pen_parts_release(&parts);
    struct pen_job_task *tasks = NULL;
    size_t count = 0;
    assert_ok(pen_job_tasks_get(db, 7, &arena, &tasks, &count, err));
    assert_int_equal(tasks[0].status, PEN_JOB_TASK_DONE);
    assert_int_equal(tasks[0].records, 9);
    assert_int_equal(tasks[0].rejected, 2);
}

static void second_attempt_turns_the_firsts_parts_into_garbage(void **state)
{
    (void)state;
    plan_two_tasks();
    assert_ok(pen_job_task_start(db, 7, 0, err));
    assert_ok(pen_job_part_begin(db, 7, 0, "/lake/", "dead.parquet", 1, err));
    assert_int_equal(garbage_count("dead.parquet"), 0);
    write_task(0, "alive.parquet");
    assert_int_equal(garbage_count("dead.parquet"), 1);
    assert_int_equal(garbage_count("alive.parquet"), 0);
    struct pen_parts parts = PEN_PARTS;
    assert_ok(pen_job_parts_get(db, 7, &parts, err));
    assert_int_equal(parts.count, 1);
    pen_parts_release(&parts);
    struct pen_error failure = {0};
    assert_int_equal(pen_job_task_start(db, 7, 0, &failure), PEN_ERR_CONFLICT); /* done */
    struct pen_garbage *list = NULL;
    size_t count = 0;
    assert_ok(pen_garbage_list(db, 100, &arena, &list, &count, err));
    assert_ok(pen_garbage_forget(db, list[0].part_id, err));
    assert_int_equal(garbage_count("dead.parquet"), 0);
}

static void part_that_was_not_begun_is_refused_and_nothing_changes(void **state)
{
    (void)state;
    plan_two_tasks();
    assert_ok(pen_job_task_start(db, 7, 0, err));
    char name[] = "unknown.parquet";
    struct pen_part part = {.path = name, .rows = 9};
    struct pen_parts parts = {.parts = &part, .count = 1};
    struct pen_job_task task = {.job_id = 7, .task_index = 0, .records = 9};
    struct pen_error failure = {0};
    assert_int_equal(pen_job_task_done(db, &task, &parts, NULL, 0, &failure), PEN_ERR_CONFLICT);
    struct pen_job_task *tasks = NULL;
    size_t count = 0;
    assert_ok(pen_job_tasks_get(db, 7, &arena, &tasks, &count, err));
    assert_int_equal(tasks[0].status, PEN_JOB_TASK_RUNNING);
    parts.count = 0;
    task.task_index = 1;
    assert_int_equal(pen_job_task_done(db, &task, &parts, NULL, 0, &failure), PEN_ERR_CONFLICT);
}

static void deleting_the_plan_keeps_committed_parts_and_gives_up_others(void **state)
{
    (void)state;
    plan_two_tasks();
    write_task(0, "written.parquet");
    assert_ok(pen_job_task_start(db, 7, 1, err));
    assert_ok(pen_job_part_begin(db, 7, 1, "/lake/", "writing.parquet", 1, err));
    assert_ok(pen_db_begin(db, err));
    assert_ok(pen_job_plan_delete(db, 7, false, err));
    assert_int_equal(garbage_count("written.parquet"), 1);
    assert_int_equal(garbage_count("writing.parquet"), 1);
    pen_db_rollback(db); /* it was inside the caller's transaction */
    assert_int_equal(garbage_count("written.parquet"), 0);
    assert_ok(pen_job_plan_delete(db, 7, true, err));
    assert_int_equal(garbage_count("written.parquet"), 0);
    assert_int_equal(garbage_count("writing.parquet"), 1);
    struct pen_job_object *objects = NULL;
    size_t count = 9;
    assert_ok(
        pen_job_objects_get(db, 7, (struct pen_job_range){0, 10}, &arena, &objects, &count, err));
    assert_int_equal(count, 0);
}

int main(void)
{
#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)
    const struct CMUnitTest tests[] = {
        PLAN_TEST(plan_is_read_back_as_written),
        PLAN_TEST(finished_tasks_keep_their_parts_with_statistics),
        PLAN_TEST(second_attempt_turns_the_firsts_parts_into_garbage),
        PLAN_TEST(part_that_was_not_begun_is_refused_and_nothing_changes),
        PLAN_TEST(deleting_the_plan_keeps_committed_parts_and_gives_up_others),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
