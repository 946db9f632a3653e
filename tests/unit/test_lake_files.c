#include "unit.h"

#include "base/civil.h"
#include "lake/lake_files.h"
#include "temp_folder.h"

static struct pen_lake *lake;
static struct pen_arena arena;

static int open_lake(void **state)
{
    static int number;
    char name[16];
    (void)state;
    snprintf(name, sizeof name, "home%d", ++number);
    arena = PEN_ARENA((size_t)64 << 20);
    struct pen_lake_txn *txn = NULL;
    return pen_lake_open(temp_path(name), PEN_DB_CREATE, &lake, NULL) != PEN_OK ||
           pen_lake_begin(lake, &txn, NULL) != PEN_OK ||
           pen_lake_database_create(txn, "sample", NULL) != PEN_OK ||
           pen_lake_commit(txn, NULL, NULL, NULL) != PEN_OK;
}

static int close_lake(void **state)
{
    (void)state;
    pen_lake_close(lake);
    pen_arena_release(&arena);
    return 0;
}

/* What a writer would say of a file with times [first, first + rows). */
static struct pen_part part_of(const char *path, int64_t first, uint64_t rows)
{
    char text[24];
    struct pen_part part = {.path = pen_arena_copy(&arena, pen_slice_str(path)),
                            .rows = rows,
                            .size_bytes = rows * 10,
                            .footer_bytes = 100,
                            .column_count = 1};
    part.columns = pen_arena_alloc(&arena, sizeof *part.columns);
    part.columns[0] = (struct pen_part_column){.value_count = rows};
    snprintf(text, sizeof text, "%lld", (long long)first);
    part.columns[0].min = pen_arena_copy(&arena, pen_slice_str(text));
    snprintf(text, sizeof text, "%lld", (long long)(first + (int64_t)rows - 1));
    part.columns[0].max = pen_arena_copy(&arena, pen_slice_str(text));
    return part;
}

static void load(const char *path, int64_t first, uint64_t rows, enum pen_lake_mode mode)
{
    PEN_CLEANUP(pen_schema_clear) struct pen_schema schema = {0};
    struct pen_lake_txn *txn = NULL;
    struct pen_lake_layout layout;
    struct pen_part part = part_of(path, first, rows);
    assert_ok(pen_schema_add(&schema, PEN_LIT("time"), PEN_TYPE_LONG, NULL, err));
    assert_ok(pen_lake_begin(lake, &txn, err));
    assert_ok(pen_lake_layout(txn, &(struct pen_lake_wish){"sample", "tab", &schema, true}, &arena,
                              &layout, err));
    assert_ok(pen_lake_load(txn, &layout, mode, &part, 1, NULL, err));
    assert_ok(pen_lake_commit(txn, NULL, NULL, err));
}

struct seen {
    struct pen_lake_table table;
    struct pen_lake_file *files;
    size_t count;
};

static struct seen look(enum pen_lake_files which)
{
    struct seen seen = {.count = 0};
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin_read(lake, &txn, err));
    assert_ok(pen_lake_table_find(txn, "sample", "tab", &arena, &seen.table, err));
    assert_ok(pen_lake_file_list(txn, &seen.table, which, &arena, &seen.files, &seen.count, err));
    pen_lake_rollback(txn);
    return seen;
}

static enum pen_code swap(const struct seen *seen, const struct pen_part *parts, size_t count,
                          struct pen_error *err)
{
    struct pen_lake_swap swap = {.table = &seen->table,
                                 .files = seen->files,
                                 .file_count = seen->count,
                                 .parts = parts,
                                 .part_count = count};
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin(lake, &txn, err));
    PEN_TRY(pen_lake_swap_files(txn, &swap, err));
    return pen_lake_commit(PEN_TAKE(txn), "swap", NULL, err);
}

static int64_t number(const char *sql)
{
    int64_t value = -1;
    bool is_found = false;
    assert_ok(pen_db_query_int(pen_lake_db(lake), &value, &is_found, err, sql, ""));
    return value;
}

static void list_says_paths_and_times(void **state)
{
    (void)state;
    load("one.parquet", 100, 10, PEN_LAKE_APPEND);
    load("two.parquet", 50, 5, PEN_LAKE_REPLACE);
    struct seen all = look(PEN_LAKE_ALL_FILES), visible = look(PEN_LAKE_VISIBLE_FILES);
    assert_int_equal(all.count, 2);
    assert_true(all.files[0].is_ended);
    assert_int_equal(visible.count, 1);
    assert_true(pen_slice_ends(pen_slice_str(visible.files[0].path),
                               PEN_LIT("/lake/sample/tab/two.parquet")));
    assert_true(visible.files[0].has_time);
    assert_int_equal(visible.files[0].min_time, 50);
    assert_int_equal(visible.files[0].max_time, 54);
    assert_false(visible.files[0].has_null_time);
    assert_int_equal(visible.files[0].row_id_start, 10);
}

static void swap_keeps_rows_bounds_and_times_but_gives_new_row_ids(void **state)
{
    (void)state;
    load("one.parquet", 100, 10, PEN_LAKE_APPEND);
    load("two.parquet", 50, 5, PEN_LAKE_APPEND);
    struct seen before = look(PEN_LAKE_VISIBLE_FILES);
    struct pen_part part = part_of("three.parquet", 50, 15);
    assert_ok(swap(&before, &part, 1, err));
    struct seen after = look(PEN_LAKE_VISIBLE_FILES);
    assert_int_equal(after.count, 1);
    assert_int_equal(after.table.rows, 15);
    assert_int_equal(after.table.updated_us, before.table.updated_us);
    assert_int_equal(after.files[0].row_id_start, 15);
    assert_int_equal(number("SELECT record_count FROM ducklake_table_stats"), 15);
    assert_int_equal(number("SELECT next_row_id FROM ducklake_table_stats"), 30);
    assert_int_equal(look(PEN_LAKE_ALL_FILES).count, 3);
    /* the time of the last load, also when its snapshot is forgotten, and a new load's when it
     * comes
     */
    load("four.parquet", 0, 1, PEN_LAKE_APPEND);
    assert_true(look(PEN_LAKE_VISIBLE_FILES).table.updated_us > before.table.updated_us);
}

static void assert_conflict(const struct seen *seen, const struct pen_part *part)
{
    struct pen_error err = {0};
    int64_t snapshots = number("SELECT count(*) FROM ducklake_snapshot");
    assert_int_equal(swap(seen, part, 1, &err), PEN_ERR_CONFLICT);
    assert_true(err.is_retryable);
    assert_int_equal(number("SELECT count(*) FROM ducklake_snapshot"), snapshots);
}

static void swap_of_files_that_others_changed_is_a_conflict(void **state)
{
    (void)state;
    struct pen_db *db = pen_lake_db(lake);
    load("one.parquet", 100, 10, PEN_LAKE_APPEND);
    struct seen seen = look(PEN_LAKE_VISIBLE_FILES);
    struct pen_part part = part_of("new.parquet", 100, 10);
    assert_ok(pen_db_exec(db,
                          "INSERT INTO ducklake_delete_file SELECT 77, table_id, 0, NULL, "
                          "data_file_id, 'd', 1, 'parquet', 1, 5, 5, NULL, NULL "
                          "FROM ducklake_data_file",
                          err));
    assert_conflict(&seen, &part);
    assert_ok(pen_db_exec(db, "DELETE FROM ducklake_delete_file", err));
    assert_ok(pen_db_exec(db, "UPDATE ducklake_column SET column_type = 'int32'", err));
    assert_conflict(&seen, &part);
    assert_ok(pen_db_exec(db, "UPDATE ducklake_column SET column_type = 'int64'", err));
    load("two.parquet", 0, 10, PEN_LAKE_REPLACE);
    assert_conflict(&seen, &part);
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin(lake, &txn, err));
    assert_ok(pen_lake_table_drop(txn, "sample", "tab", err));
    assert_ok(pen_lake_commit(txn, NULL, NULL, err));
    assert_conflict(&seen, &part);
}

static void swap_with_another_number_of_rows_is_refused(void **state)
{
    (void)state;
    load("one.parquet", 100, 10, PEN_LAKE_APPEND);
    struct seen seen = look(PEN_LAKE_VISIBLE_FILES);
    struct pen_part part = part_of("new.parquet", 100, 9);
    assert_int_equal(swap(&seen, &part, 1, NULL), PEN_ERR_INTERNAL);
    assert_int_equal(look(PEN_LAKE_VISIBLE_FILES).files[0].rows, 10);
}

static struct pen_lake_expired expire(struct pen_lake_expiry expiry, int64_t now_us)
{
    struct pen_lake_txn *txn = NULL;
    struct pen_lake_expired expired;
    assert_ok(pen_lake_begin(lake, &txn, err));
    assert_ok(pen_lake_expire(txn, &expiry, now_us, &expired, err));
    assert_ok(pen_lake_commit(txn, NULL, NULL, err));
    return expired;
}

static void expiry_schedules_what_no_snapshot_reads(void **state)
{
    (void)state;
    load("one.parquet", 100, 10, PEN_LAKE_APPEND);
    load("two.parquet", 50, 5, PEN_LAKE_REPLACE);
    load("three.parquet", 50, 6, PEN_LAKE_REPLACE);
    struct seen before = look(PEN_LAKE_VISIBLE_FILES);
    assert_int_equal(expire((struct pen_lake_expiry){0}, 1).snapshots, 0);
    assert_int_equal(expire((struct pen_lake_expiry){.has_before = true}, 1).snapshots, 0);
    struct pen_lake_expired expired =
        expire((struct pen_lake_expiry){.has_keep = true, .keep = 2}, 1000000);
    assert_int_equal(expired.snapshots, 3); /* the empty lake, the database, the first load */
    assert_int_equal(expired.files, 1);
    assert_int_equal(expired.bytes, 100);
    expired = expire((struct pen_lake_expiry){.has_before = true, .before_us = INT64_MAX}, 2000000);
    assert_int_equal(expired.files, 1);
    struct seen after = look(PEN_LAKE_ALL_FILES);
    assert_int_equal(after.count, 1);
    assert_int_equal(after.table.updated_us, before.table.updated_us);
    assert_int_equal(after.table.created_us, before.table.created_us);
    assert_true(after.table.created_us > 0);

    struct pen_lake_txn *txn = NULL;
    struct pen_lake_scheduled *due = NULL;
    const char **known = NULL;
    size_t count = 0, known_count = 0;
    assert_ok(pen_lake_begin_read(lake, &txn, err));
    assert_ok(pen_lake_scheduled_list(txn, 1500000, &arena, &due, &count, err));
    assert_int_equal(count, 1);
    assert_true(pen_slice_ends(pen_slice_str(due[0].path), PEN_LIT("/sample/tab/one.parquet")));
    assert_string_equal(due[0].stored, "sample/tab/one.parquet");
    assert_true(due[0].is_ours);
    assert_ok(pen_lake_known_paths(txn, &arena, &known, &known_count, err));
    assert_int_equal(known_count, 3);
    pen_lake_rollback(txn);
    assert_ok(pen_lake_scheduled_forget(pen_lake_db(lake), &due[0], err));
    assert_int_equal(number("SELECT count(*) FROM ducklake_files_scheduled_for_deletion"), 1);
}

static void column_ids_of_a_living_table_are_never_used_twice(void **state)
{
    (void)state;
    load("one.parquet", 100, 10, PEN_LAKE_APPEND);
    struct pen_db *db = pen_lake_db(lake);
    assert_ok(pen_db_exec(db,
                          "INSERT INTO ducklake_column SELECT 9, 1, 2, table_id, 9, 'gone', "
                          "'int64', NULL, NULL, 1, NULL, NULL, NULL FROM ducklake_table",
                          err));
    (void)expire((struct pen_lake_expiry){.has_keep = true, .keep = 1}, 1);
    assert_int_equal(look(PEN_LAKE_VISIBLE_FILES).table.next_column_id, 10);
}

int main(void)
{
#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, open_lake, close_lake)
    const struct CMUnitTest tests[] = {
        FILES_TEST(list_says_paths_and_times),
        FILES_TEST(swap_keeps_rows_bounds_and_times_but_gives_new_row_ids),
        FILES_TEST(swap_of_files_that_others_changed_is_a_conflict),
        FILES_TEST(swap_with_another_number_of_rows_is_refused),
        FILES_TEST(expiry_schedules_what_no_snapshot_reads),
        FILES_TEST(column_ids_of_a_living_table_are_never_used_twice),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
