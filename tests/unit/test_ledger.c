#include "unit.h"

#include "db_rig.h"
#include "meta/job_plan.h"
#include "meta/ledger.h"

static bool has(int64_t table, const char *bucket, const char *key, const char *etag, uint64_t size)
{
    bool is_there = false;
    struct pen_ledger_entry version = {
        .table_id = table, .bucket = bucket, .key = key, .etag = etag, .size_bytes = size};
    assert_ok(pen_ledger_has(db, &version, &is_there, err));
    return is_there;
}

#define HEX "d41d8cd98f00b204e9800998ecf8427e"

static void entry_is_found_only_as_exactly_that_version(void **state)
{
    (void)state;
    struct pen_ledger_entry entries[] = {
        {.table_id = 3, .bucket = "b", .key = "k", .etag = HEX, .size_bytes = 5, .job_id = 1},
        {.table_id = 3, .bucket = "b", .key = "m", .etag = HEX "-12", .size_bytes = 6, .job_id = 1},
        {.table_id = 3, .bucket = "", .key = "/f", .etag = "", .size_bytes = 0, .job_id = 1}};
    assert_ok(pen_ledger_add(db, entries, 3, err));
    assert_true(has(3, "b", "k", HEX, 5));
    assert_true(has(3, "b", "m", HEX "-12", 6));
    assert_true(has(3, "", "/f", "", 0));
    assert_false(has(4, "b", "k", HEX, 5));
    assert_false(has(3, "c", "k", HEX, 5));
    assert_false(has(3, "b", "kk", HEX, 5));
    assert_false(has(3, "b", "k", HEX "-12", 5));
    assert_false(has(3, "b", "k", "D41d8cd98f00b204e9800998ecf8427e", 5));
    assert_false(has(3, "b", "k", HEX, 6));
    assert_false(has(3, "b", "k", "", 5));
}

static void plan_of_a_job_becomes_its_entries(void **state)
{
    (void)state;
    struct pen_job_object objects[2] = {{0, "b", "one", HEX, "", 5, 0},
                                        {1, "b", "two", "odd etag", "v", 6, 0}};
    assert_ok(pen_job_objects_add(db, 9, objects, 2, err));
    struct pen_job_task task = {.job_id = 9, .task_index = 0, .object_count = 2};
    assert_ok(pen_job_tasks_add(db, &task, 1, err));
    assert_ok(pen_job_task_start(db, 9, 0, err));
    struct pen_job_task_object counts[2] = {{0, 10, 1, 2, 100}, {1, 20, 0, 0, 200}};
    struct pen_parts none = PEN_PARTS;
    assert_ok(pen_job_task_done(db, &task, &none, counts, 2, err));
    uint64_t count = 0;
    assert_ok(pen_ledger_add_job(db, 9, 3, 44, &count, err));
    assert_int_equal(count, 2);
    assert_ok(pen_job_plan_delete(db, 9, true, err));
    struct pen_ledger_entry *entries = NULL;
    size_t got = 0;
    assert_ok(pen_ledger_list(db, 9, (struct pen_ledger_page){0, 10}, &arena, &entries, &got, err));
    assert_int_equal(got, 2);
    assert_string_equal(entries[0].key, "one");
    assert_string_equal(entries[0].etag, HEX);
    assert_int_equal(entries[0].rows, 10);
    assert_int_equal(entries[0].rejected, 1);
    assert_int_equal(entries[0].filtered, 2);
    assert_int_equal(entries[0].plain_bytes, 100);
    assert_string_equal(entries[1].etag, "odd etag");
    assert_int_equal(entries[1].snapshot_id, 44);
    assert_int_equal(entries[1].table_id, 3);
    assert_ok(pen_ledger_list(db, 9, (struct pen_ledger_page){1, 10}, &arena, &entries, &got, err));
    assert_int_equal(got, 1);
    assert_string_equal(entries[0].bucket, "b");
    assert_ok(pen_ledger_list(db, 8, (struct pen_ledger_page){0, 10}, &arena, &entries, &got, err));
    assert_int_equal(got, 0);
}

static enum pen_code count_entry(void *context, const struct pen_ledger_entry *entry,
                                 enum pen_ledger_state state, struct pen_error *err)
{
    (void)entry, (void)state, (void)err;
    ++*(size_t *)context;
    return PEN_OK;
}

/* Sources list in the order of keys; the ledger does not rely on it. */
static void plan_whose_keys_fall_is_found_by_each_key(void **state)
{
    static const char *const keys[] = {"8:", "9:", "10:", "11:", "100:"};
    (void)state;
    for (int64_t i = 0; i < 5; i++) {
        struct pen_job_object object = {i, "b", keys[i], HEX, "", 5, 0};
        assert_ok(pen_job_objects_add(db, 9, &object, 1, err));
    }
    uint64_t added = 0;
    assert_ok(pen_ledger_add_job(db, 9, 3, 44, &added, err));
    assert_int_equal(added, 5);
    for (size_t i = 0; i < 5; i++) {
        size_t found = 0;
        assert_ok(pen_ledger_each(db, 3, keys[i], count_entry, &found, err));
        assert_int_equal(found, 1);
    }
    struct pen_ledger_entry *entries = NULL;
    size_t got = 0;
    assert_ok(pen_ledger_list(db, 9, (struct pen_ledger_page){0, 10}, &arena, &entries, &got, err));
    assert_int_equal(got, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(entries[i].key, keys[i]);
}

static void forgotten_table_may_load_again_and_keeps_its_history(void **state)
{
    (void)state;
    struct pen_ledger_entry entries[] = {
        {.table_id = 3, .bucket = "b", .key = "k", .etag = HEX, .size_bytes = 5, .job_id = 1},
        {.table_id = 4, .bucket = "b", .key = "k", .etag = HEX, .size_bytes = 5, .job_id = 2}};
    assert_ok(pen_ledger_add(db, entries, 2, err));
    assert_ok(pen_ledger_forget_table(db, 3, err));
    assert_false(has(3, "b", "k", HEX, 5));
    assert_true(has(4, "b", "k", HEX, 5));
    struct pen_ledger_entry *list = NULL;
    size_t count = 0;
    assert_ok(pen_ledger_list(db, 1, (struct pen_ledger_page){0, 10}, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].table_id, 3);
    entries[0].job_id = 5;
    assert_ok(pen_ledger_add(db, entries, 1, err));
    assert_true(has(3, "b", "k", HEX, 5));
    assert_ok(pen_ledger_forget_table(db, 3, err));
    assert_false(has(3, "b", "k", HEX, 5));
}

static void entries_join_the_callers_transaction(void **state)
{
    (void)state;
    struct pen_ledger_entry entry = {
        .table_id = 3, .bucket = "b", .key = "k", .etag = HEX, .size_bytes = 5, .job_id = 1};
    assert_ok(pen_db_begin(db, err));
    assert_ok(pen_ledger_add(db, &entry, 1, err));
    assert_true(has(3, "b", "k", HEX, 5));
    pen_db_rollback(db);
    assert_false(has(3, "b", "k", HEX, 5));
}

static int64_t pragma(const char *sql)
{
    int64_t value = 0;
    bool is_found = false;
    assert_ok(pen_db_query_int(db, &value, &is_found, err, sql, ""));
    return value;
}

static void entry_takes_less_than_150_bytes_with_its_index(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct pen_ledger_entry *entries = calloc(COUNT, sizeof *entries);
    for (int i = 0; i < COUNT; i++) {
        char key[80], etag[40];
        snprintf(key, sizeof key, "logs/2026/11/22/web-frontend/part-%08d-of-%08d.csv.gz", i,
                 COUNT);
        snprintf(etag, sizeof etag, "%016llx%016llx", (unsigned)i * 0x9e3779b97f4a7c15ull,
                 (unsigned)i * 0xc2b2ae3d27d4eb4full);
        entries[i] = (struct pen_ledger_entry){.table_id = 1234,
                                               .bucket = "my-company-data",
                                               .key = pen_arena_copy(&arena, pen_slice_str(key)),
                                               .etag = pen_arena_copy(&arena, pen_slice_str(etag)),
                                               .size_bytes = 12345678,
                                               .rows = 98765,
                                               .rejected = 3,
                                               .plain_bytes = 123456789,
                                               .job_id = 4321,
                                               .snapshot_id = 987};
    }
    int64_t before = pragma("PRAGMA page_count");
    assert_ok(pen_ledger_add(db, entries, COUNT, err));
    int64_t bytes = (pragma("PRAGMA page_count") - before) * pragma("PRAGMA page_size");
    assert_true(bytes / COUNT < 150);
    assert_true(has(1234, "my-company-data", entries[777].key, entries[777].etag, 12345678));
    free(entries);
}

int main(void)
{
#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(entry_is_found_only_as_exactly_that_version),
        LEDGER_TEST(plan_of_a_job_becomes_its_entries),
        LEDGER_TEST(plan_whose_keys_fall_is_found_by_each_key),
        LEDGER_TEST(forgotten_table_may_load_again_and_keeps_its_history),
        LEDGER_TEST(entries_join_the_callers_transaction),
        LEDGER_TEST(entry_takes_less_than_150_bytes_with_its_index),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
