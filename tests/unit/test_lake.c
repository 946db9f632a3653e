#include "unit.h"

#include "fake_stream.h"
#include "lake/lake.h"
#include "temp_folder.h"

#include <sys/wait.h>
#include <unistd.h>

static struct pen_lake *lake;
static struct pen_arena arena;
static char home[300];

static int open_lake(void **state)
{
    static int number;
    (void)state;
    snprintf(home, sizeof home, "%s/home%d", temp_folder, ++number);
    arena = PEN_ARENA((size_t)64 << 20);
    return pen_lake_open(home, PEN_DB_CREATE, &lake, NULL) != PEN_OK;
}

static int close_lake(void **state)
{
    (void)state;
    pen_lake_close(lake);
    pen_arena_release(&arena);
    return 0;
}

static int64_t catalog_int(const char *sql)
{
    int64_t value = -1;
    bool is_found = false;
    assert_ok(pen_db_query_int(pen_lake_db(lake), &value, &is_found, err, sql, ""));
    return is_found ? value : -1;
}

static const char *catalog_text(const char *sql)
{
    struct pen_stmt *stmt = NULL;
    bool has_row = false;
    assert_ok(pen_db_query(pen_lake_db(lake), &stmt, err, sql, ""));
    assert_ok(pen_stmt_step(stmt, &has_row, err));
    const char *text = has_row && !pen_stmt_is_null(stmt, 0)
                           ? pen_arena_copy(&arena, pen_stmt_text(stmt, 0))
                           : NULL;
    pen_stmt_finish(stmt);
    return text;
}

static struct pen_lake_txn *begin(void)
{
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin(lake, &txn, err));
    return txn;
}

static struct pen_lake_txn *begin_read(void)
{
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin_read(lake, &txn, err));
    return txn;
}

static int64_t commit(struct pen_lake_txn *txn)
{
    int64_t snapshot = -1;
    assert_ok(pen_lake_commit(txn, "test", &snapshot, err));
    return snapshot;
}

/* A part as a writer would describe it: rows with times lo..hi. */
static struct pen_part make_part(const char *name, uint64_t rows, const char *lo, const char *hi,
                                 struct pen_part_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        columns[i] = (struct pen_part_column){.value_count = rows, .min = lo, .max = hi};
    return (struct pen_part){.path = (char *)(uintptr_t)name,
                             .rows = rows,
                             .size_bytes = 1000,
                             .footer_bytes = 100,
                             .columns = columns,
                             .column_count = count};
}

static void load(const char *table, const struct pen_schema *schema, enum pen_lake_mode mode,
                 const struct pen_part *parts, size_t count)
{
    struct pen_lake_layout layout;
    struct pen_lake_txn *txn = begin_read();
    assert_ok(pen_lake_layout(txn, &(struct pen_lake_wish){"sample", table, schema, true}, &arena,
                              &layout, err));
    pen_lake_rollback(txn);
    txn = begin();
    assert_ok(pen_lake_load(txn, &layout, mode, parts, count, NULL, err));
    commit(txn);
}

static struct pen_schema schema_of(const char *const *names, size_t count, enum pen_type type)
{
    struct pen_schema schema = {0};
    for (size_t i = 0; i < count; i++)
        assert_ok(pen_schema_add(&schema, pen_slice_str(names[i]), type, NULL, err));
    return schema;
}

static struct pen_lake_table find(const char *table)
{
    struct pen_lake_table found = {0};
    struct pen_lake_txn *txn = begin_read();
    assert_ok(pen_lake_table_find(txn, "sample", table, &arena, &found, err));
    pen_lake_rollback(txn);
    return found;
}

static void create_sample(void)
{
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_database_create(txn, "sample", err));
    commit(txn);
}

static void new_catalog_holds_what_the_format_says(void **state)
{
    (void)state;
    assert_string_equal(catalog_text("SELECT value FROM ducklake_metadata WHERE key = 'version'"),
                        "1.0");
    assert_string_equal(catalog_text("SELECT value FROM ducklake_metadata WHERE key = 'encrypted'"),
                        "false");
    const char *path = catalog_text("SELECT value FROM ducklake_metadata WHERE key = 'data_path'");
    assert_int_equal(path[0], '/');
    assert_string_equal(path + strlen(path) - 6, "/lake/");
    assert_string_equal(path, pen_lake_data_path(lake));
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_snapshot WHERE snapshot_id = 0 AND "
                                 "schema_version = 0 AND next_catalog_id = 1 AND next_file_id = 0"),
                     1);
    assert_string_equal(catalog_text("SELECT changes_made FROM ducklake_snapshot_changes"),
                        "created_schema:\"main\"");
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_schema WHERE schema_id = 0 AND "
                                 "begin_snapshot = 0 AND end_snapshot IS NULL AND path = 'main/'"),
                     1);
    const char *time = catalog_text("SELECT snapshot_time FROM ducklake_snapshot");
    assert_int_equal(strlen(time), strlen("2026-01-01 00:00:00.000000+00"));
    assert_string_equal(time + 26, "+00");
}

static void opening_again_changes_nothing(void **state)
{
    (void)state;
    create_sample();
    pen_lake_close(lake);
    assert_ok(pen_lake_open(home, PEN_DB_CREATE, &lake, err));
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_snapshot"), 2);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_schema"), 2);
}

static void opening_without_a_catalog_says_so(void **state)
{
    (void)state;
    struct pen_lake *other = NULL;
    struct pen_error failure = {0};
    assert_int_equal(pen_lake_open(temp_path("nothing"), PEN_DB_WRITE, &other, &failure),
                     PEN_ERR_NOT_FOUND);
    assert_non_null(strstr(failure.where, "catalog.sqlite"));
}

static void foreign_format_version_is_refused(void **state)
{
    (void)state;
    assert_ok(pen_db_exec(pen_lake_db(lake),
                          "UPDATE ducklake_metadata SET value = '9.0' WHERE key = 'version'", err));
    struct pen_lake *other = NULL;
    struct pen_error failure = {0};
    assert_int_equal(pen_lake_open(home, PEN_DB_WRITE, &other, &failure), PEN_ERR_CONFIG);
    assert_non_null(strstr(failure.message, "9.0"));
}

static void databases_are_created_listed_and_dropped(void **state)
{
    (void)state;
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_database_create(txn, "zebra", err));
    assert_ok(pen_lake_database_create(txn, "alpha", err));
    struct pen_error failure = {0};
    assert_int_equal(pen_lake_database_create(txn, "alpha", &failure), PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "Database 'alpha' already exists.");
    assert_false(failure.is_retryable);
    assert_ok(pen_lake_table_create(txn, "alpha", "events", NULL, err));
    assert_int_equal(commit(txn), 1);
    assert_string_equal(
        catalog_text("SELECT changes_made FROM ducklake_snapshot_changes WHERE snapshot_id = 1"),
        "created_schema:\"zebra\",created_schema:\"alpha\",created_table:\"alpha\".\"events\"");
    struct pen_lake_database *list = NULL;
    size_t count = 0;
    txn = begin();
    assert_ok(pen_lake_database_list(txn, &arena, &list, &count, err));
    assert_int_equal(count, 2); /* "main" is the format's own and empty */
    assert_string_equal(list[0].name, "alpha");
    assert_int_equal(list[0].table_count, 1);
    assert_string_equal(list[1].name, "zebra");
    assert_true(list[1].created_us > 0);
    assert_int_equal(pen_lake_database_drop(txn, "alpha", false, &failure), PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "Database 'alpha' is not empty: it has 1 table.");
    assert_ok(pen_lake_database_drop(txn, "alpha", true, err));
    assert_int_equal(pen_lake_database_drop(txn, "alpha", true, &failure), PEN_ERR_NOT_FOUND);
    assert_string_equal(failure.message, "Database 'alpha' does not exist.");
    commit(txn);
    txn = begin_read();
    assert_ok(pen_lake_database_list(txn, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    pen_lake_rollback(txn);
}

static void new_table_has_time_and_aliases(void **state)
{
    (void)state;
    create_sample();
    const char *const names[] = {"User ID", "user_id", "9lives", "a.b", "a,b"};
    struct pen_schema schema = schema_of(names, 5, PEN_TYPE_STRING);
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_table_create(txn, "sample", "users", &schema, err));
    commit(txn);
    struct pen_lake_table table = find("users");
    static const char *const expect[] = {"time", "user_id_1", "user_id", "_lives", "a_b", "a_b_1"};
    assert_int_equal(table.column_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(table.columns[i].name, expect[i]);
        assert_int_equal(table.columns[i].column_id, i + 1);
        assert_string_equal(table.columns[i].source_name, i == 0 ? "time" : names[i - 1]);
        assert_int_equal(table.columns[i].type, i == 0 ? PEN_TYPE_LONG : PEN_TYPE_STRING);
    }
    assert_string_equal(table.columns[0].type_text, "int64");
    assert_int_equal(table.next_column_id, 7);
    assert_int_equal(table.rows, 0);
    assert_non_null(strstr(table.folder, "/lake/sample/users/"));
    pen_schema_clear(&schema);
}

static void loads_add_up_and_keep_statistics(void **state)
{
    (void)state;
    create_sample();
    const char *const names[] = {"time", "n"};
    struct pen_schema schema = schema_of(names, 2, PEN_TYPE_LONG);
    struct pen_part_column columns[2][2];
    struct pen_part parts[2] = {make_part("a.parquet", 10, "5", "9", columns[0], 2),
                                make_part("b.parquet", 20, "-70", "80", columns[1], 2)};
    load("events", &schema, PEN_LAKE_APPEND, parts, 2);
    struct pen_part third = make_part("c.parquet", 5, "100", "1000", columns[0], 2);
    columns[0][1].null_count = 2;
    load("events", &schema, PEN_LAKE_APPEND, &third, 1);
    struct pen_lake_table table = find("events");
    assert_int_equal(table.rows, 35);
    assert_int_equal(table.file_count, 3);
    assert_int_equal(table.size_bytes, 3000);
    assert_true(table.has_last_time);
    assert_int_equal(table.last_time, 1000);
    assert_int_equal(catalog_int("SELECT row_id_start FROM ducklake_data_file WHERE path = "
                                 "'c.parquet'"),
                     30);
    assert_int_equal(catalog_int("SELECT next_row_id FROM ducklake_table_stats"), 35);
    assert_int_equal(catalog_int("SELECT record_count FROM ducklake_table_stats"), 35);
    assert_string_equal(catalog_text("SELECT min_value || ' ' || max_value || ' ' || contains_null "
                                     "FROM ducklake_table_column_stats WHERE column_id = 1"),
                        "-70 1000 0");
    assert_string_equal(catalog_text("SELECT min_value || ' ' || max_value || ' ' || contains_null "
                                     "FROM ducklake_table_column_stats WHERE column_id = 2"),
                        "-70 1000 1");
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_file_column_stats"), 6);
    pen_schema_clear(&schema);
}

static void unknown_bound_stays_unknown(void **state)
{
    (void)state;
    create_sample();
    const char *const names[] = {"time"};
    struct pen_schema schema = schema_of(names, 1, PEN_TYPE_LONG);
    struct pen_part_column columns[1];
    struct pen_part part = make_part("a.parquet", 10, NULL, "9", columns, 1);
    load("events", &schema, PEN_LAKE_APPEND, &part, 1);
    part = make_part("b.parquet", 10, "1", "8", columns, 1);
    load("events", &schema, PEN_LAKE_APPEND, &part, 1);
    assert_null(catalog_text("SELECT min_value FROM ducklake_table_column_stats"));
    assert_string_equal(catalog_text("SELECT max_value FROM ducklake_table_column_stats"), "9");
    pen_schema_clear(&schema);
}

static void replace_ends_the_old_files_in_one_snapshot(void **state)
{
    (void)state;
    create_sample();
    const char *const names[] = {"time"};
    struct pen_schema schema = schema_of(names, 1, PEN_TYPE_LONG);
    struct pen_part_column columns[1];
    struct pen_part part = make_part("a.parquet", 10, "1", "9", columns, 1);
    load("events", &schema, PEN_LAKE_APPEND, &part, 1);
    part = make_part("b.parquet", 3, "1", "9", columns, 1);
    load("events", &schema, PEN_LAKE_REPLACE, &part, 1);
    struct pen_lake_table table = find("events");
    assert_int_equal(table.rows, 3);
    assert_int_equal(catalog_int("SELECT end_snapshot FROM ducklake_data_file WHERE path = "
                                 "'a.parquet'"),
                     3);
    assert_int_equal(catalog_int("SELECT begin_snapshot FROM ducklake_data_file WHERE path = "
                                 "'b.parquet'"),
                     3);
    assert_string_equal(
        catalog_text("SELECT changes_made FROM ducklake_snapshot_changes WHERE snapshot_id = 3"),
        "deleted_from_table:2,inserted_into_table:2");
    assert_int_equal(catalog_int("SELECT next_row_id FROM ducklake_table_stats"), 13);
    /* more than the visible rows: readers must not take the bounds for exact any more */
    assert_int_equal(catalog_int("SELECT record_count FROM ducklake_table_stats"), 13);
    load("events", &schema, PEN_LAKE_REPLACE, NULL, 0);
    assert_int_equal(find("events").rows, 0);
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin_read_at(lake, 2, &txn, err));
    assert_ok(pen_lake_table_find(txn, "sample", "events", &arena, &table, err));
    assert_int_equal(table.rows, 10);
    pen_lake_rollback(txn);
    pen_schema_clear(&schema);
}

static void later_columns_are_added_and_types_never_change(void **state)
{
    (void)state;
    create_sample();
    const char *const first[] = {"time", "a"}, *const second[] = {"time", "New One", "A", "a"};
    struct pen_schema schema = schema_of(first, 2, PEN_TYPE_LONG);
    struct pen_part_column columns[4];
    struct pen_part part = make_part("a.parquet", 10, "1", "9", columns, 2);
    load("events", &schema, PEN_LAKE_APPEND, &part, 1);
    pen_schema_clear(&schema);
    schema = schema_of(second, 4, PEN_TYPE_STRING);
    struct pen_lake_layout layout;
    struct pen_lake_txn *txn = begin_read();
    assert_ok(pen_lake_layout(txn, &(struct pen_lake_wish){"sample", "events", &schema, false},
                              &arena, &layout, err));
    pen_lake_rollback(txn);
    assert_string_equal(layout.targets[0].sql_type, "BIGINT");
    assert_string_equal(layout.targets[1].name, "new_one");
    assert_true(layout.targets[1].is_new);
    assert_null(layout.targets[1].sql_type);
    assert_int_equal(layout.targets[1].column_id, 3);
    assert_int_equal(layout.targets[2].column_id, 2); /* "A": SQL's names know no case */
    assert_string_equal(layout.targets[3].name, "a_1");
    assert_int_equal(layout.targets[3].column_id, 4);
    part = make_part("b.parquet", 10, "1", "9", columns, 4);
    txn = begin();
    assert_ok(pen_lake_load(txn, &layout, PEN_LAKE_APPEND, &part, 1, NULL, err));
    commit(txn);
    struct pen_lake_table table = find("events");
    assert_int_equal(table.column_count, 4);
    assert_string_equal(table.columns[1].type_text, "int64");
    assert_string_equal(table.columns[2].name, "new_one");
    assert_string_equal(table.columns[2].source_name, "New One");
    assert_string_equal(
        catalog_text("SELECT changes_made FROM ducklake_snapshot_changes WHERE snapshot_id = 3"),
        "altered_table:2,inserted_into_table:2");
    assert_int_equal(catalog_int("SELECT schema_version FROM ducklake_snapshot WHERE snapshot_id = "
                                 "3"),
                     3);
    /* the rows before are null in the new column */
    assert_int_equal(catalog_int("SELECT contains_null FROM ducklake_table_column_stats WHERE "
                                 "column_id = 3"),
                     1);
    /* the same data again find the same columns */
    txn = begin_read();
    assert_ok(pen_lake_layout(txn, &(struct pen_lake_wish){"sample", "events", &schema, false},
                              &arena, &layout, err));
    pen_lake_rollback(txn);
    assert_int_equal(layout.targets[1].column_id, 3);
    assert_false(layout.targets[1].is_new);
    assert_int_equal(layout.targets[3].column_id, 4);
    pen_schema_clear(&schema);
}

static void colliding_new_columns_get_a_name_mapping(void **state)
{
    (void)state;
    create_sample();
    const char *const one[] = {"time", "one"}, *const two[] = {"time", "two"};
    struct pen_schema schemas[2] = {schema_of(one, 2, PEN_TYPE_LONG),
                                    schema_of(two, 2, PEN_TYPE_LONG)};
    struct pen_lake_layout layouts[2];
    struct pen_part_column columns[2];
    struct pen_part part = make_part("a.parquet", 10, "1", "9", columns, 2);
    struct pen_lake_txn *txn = begin_read();
    for (size_t i = 0; i < 2; i++)
        assert_ok(pen_lake_layout(txn,
                                  &(struct pen_lake_wish){"sample", "events", &schemas[i], true},
                                  &arena, &layouts[i], err));
    pen_lake_rollback(txn);
    for (size_t i = 0; i < 2; i++) {
        txn = begin();
        assert_ok(pen_lake_load(txn, &layouts[i], PEN_LAKE_APPEND, &part, 1, NULL, err));
        commit(txn);
        pen_schema_clear(&schemas[i]);
    }
    struct pen_lake_table table = find("events");
    assert_int_equal(table.column_count, 3);
    assert_string_equal(table.columns[2].name, "two");
    assert_int_equal(table.columns[2].column_id, 3);
    assert_int_equal(table.rows, 20);
    assert_int_equal(catalog_int("SELECT count(mapping_id) FROM ducklake_data_file"), 1);
    assert_int_equal(catalog_int("SELECT target_field_id FROM ducklake_name_mapping WHERE "
                                 "source_name = 'two'"),
                     3);
    assert_int_equal(catalog_int("SELECT count(DISTINCT id) FROM (SELECT data_file_id AS id FROM "
                                 "ducklake_data_file UNION ALL SELECT mapping_id FROM "
                                 "ducklake_column_mapping)"),
                     3);
}

static void load_into_a_table_that_went_away_is_a_conflict(void **state)
{
    (void)state;
    create_sample();
    const char *const names[] = {"time"};
    struct pen_schema schema = schema_of(names, 1, PEN_TYPE_LONG);
    load("events", &schema, PEN_LAKE_APPEND, NULL, 0);
    struct pen_lake_layout layout;
    struct pen_lake_txn *txn = begin_read();
    assert_ok(pen_lake_layout(txn, &(struct pen_lake_wish){"sample", "events", &schema, true},
                              &arena, &layout, err));
    pen_lake_rollback(txn);
    txn = begin();
    assert_ok(pen_lake_table_drop(txn, "sample", "events", err));
    commit(txn);
    struct pen_error failure = {0};
    for (int round = 0; round < 2; round++) {
        txn = begin();
        if (round == 1)
            assert_ok(pen_lake_table_create(txn, "sample", "events", NULL, err));
        assert_int_equal(pen_lake_load(txn, &layout, PEN_LAKE_APPEND, NULL, 0, NULL, &failure),
                         PEN_ERR_CONFLICT);
        assert_false(failure.is_retryable);
        pen_lake_rollback(txn);
    }
    txn = begin_read();
    assert_int_equal(pen_lake_layout(txn,
                                     &(struct pen_lake_wish){"sample", "events", &schema, false},
                                     &arena, &layout, &failure),
                     PEN_ERR_NOT_FOUND);
    assert_string_equal(failure.message, "Table 'sample.events' does not exist.");
    pen_lake_rollback(txn);
    pen_schema_clear(&schema);
}

static void tables_are_renamed_swapped_and_dropped(void **state)
{
    (void)state;
    create_sample();
    const char *const names[] = {"time"};
    struct pen_schema schema = schema_of(names, 1, PEN_TYPE_LONG);
    struct pen_part_column columns[1];
    struct pen_part part = make_part("a.parquet", 10, "1", "9", columns, 1);
    load("one", &schema, PEN_LAKE_APPEND, &part, 1);
    part = make_part("b.parquet", 20, "1", "9", columns, 1);
    load("two", &schema, PEN_LAKE_APPEND, &part, 1);
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_table_swap(txn, "sample", "one", "two", err));
    commit(txn);
    assert_int_equal(find("one").rows, 20);
    assert_int_equal(find("two").rows, 10);
    assert_non_null(strstr(find("two").folder, "/one/"));
    struct pen_error failure = {0};
    txn = begin();
    assert_int_equal(pen_lake_table_rename(txn, "sample", "one", "two", false, &failure),
                     PEN_ERR_CONFLICT);
    assert_string_equal(failure.message, "Table 'sample.two' already exists.");
    assert_int_equal(pen_lake_table_rename(txn, "sample", "one", "No", false, &failure),
                     PEN_ERR_CONFIG);
    assert_ok(pen_lake_table_rename(txn, "sample", "one", "two", true, err));
    commit(txn);
    assert_int_equal(find("two").rows, 20);
    struct pen_lake_table *list = NULL;
    size_t count = 0;
    txn = begin_read();
    assert_ok(pen_lake_table_list(txn, "sample", &arena, &list, &count, err));
    assert_int_equal(count, 1);
    pen_lake_rollback(txn);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_data_file WHERE end_snapshot IS "
                                 "NULL"),
                     1);
    pen_schema_clear(&schema);
}

static void properties_are_kept_per_table(void **state)
{
    (void)state;
    create_sample();
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_table_create(txn, "sample", "events", NULL, err));
    commit(txn);
    struct pen_lake_table table = find("events");
    assert_null(table.time_column);
    assert_string_equal(table.time_partition, "none");
    txn = begin();
    assert_ok(pen_lake_table_set_time_column(txn, table.table_id, "created_at", err));
    assert_ok(pen_lake_table_set_time_partition(txn, table.table_id, "day", err));
    assert_ok(pen_lake_table_set_expire_days(txn, table.table_id, 30, err));
    struct pen_error failure = {0};
    assert_int_equal(pen_lake_table_set_time_partition(txn, table.table_id, "week", &failure),
                     PEN_ERR_CONFIG);
    int64_t before = pen_lake_snapshot_id(txn);
    assert_int_equal(commit(txn), before); /* no snapshot for what the format does not know */
    table = find("events");
    assert_string_equal(table.time_column, "created_at");
    assert_string_equal(table.time_partition, "day");
    assert_int_equal(table.expire_days, 30);
}

static void rolled_back_changes_leave_no_trace(void **state)
{
    (void)state;
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_database_create(txn, "sample", err));
    assert_ok(pen_lake_table_create(txn, "sample", "events", NULL, err));
    pen_lake_rollback(txn);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_snapshot"), 1);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_schema"), 1);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_table"), 0);
}

static void table_made_and_dropped_in_one_transaction_was_never_there(void **state)
{
    (void)state;
    create_sample();
    struct pen_lake_txn *txn = begin();
    assert_ok(pen_lake_table_create(txn, "sample", "events", NULL, err));
    assert_ok(pen_lake_table_drop(txn, "sample", "events", err));
    assert_ok(pen_lake_table_create(txn, "sample", "events", NULL, err));
    commit(txn);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_table"), 1);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_table WHERE begin_snapshot = "
                                 "end_snapshot"),
                     0);
}

static enum pen_code append_one(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct pen_lake_layout *layout = context;
    struct pen_part_column columns[1];
    struct pen_part part = make_part("x.parquet", 1, "1", "1", columns, 1);
    return pen_lake_load(txn, layout, PEN_LAKE_APPEND, &part, 1, NULL, err);
}

static void eight_processes_append_to_one_table_without_loss(void **state)
{
    (void)state;
    enum { PROCESSES = 8, ROUNDS = 10 };
    create_sample();
    const char *const names[] = {"time"};
    struct pen_schema schema = schema_of(names, 1, PEN_TYPE_LONG);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        struct pen_lake *own = NULL;
        struct pen_lake_txn *txn = NULL;
        struct pen_lake_layout layout;
        int bad = pen_lake_open(home, PEN_DB_WRITE, &own, NULL) != PEN_OK ||
                  pen_lake_begin_read(own, &txn, NULL) != PEN_OK ||
                  pen_lake_layout(txn, &(struct pen_lake_wish){"sample", "events", &schema, true},
                                  &arena, &layout, NULL) != PEN_OK;
        pen_lake_rollback(txn);
        layout.table_id = 0; /* the first of them makes the table */
        for (int round = 0; round < ROUNDS && !bad; round++)
            bad = pen_lake_transact(own, "test", append_one, &layout, NULL, NULL) != PEN_OK;
        _exit(bad);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(find("events").rows, PROCESSES * ROUNDS);
    assert_int_equal(catalog_int("SELECT max(snapshot_id) FROM ducklake_snapshot"),
                     PROCESSES * ROUNDS + 1);
    assert_int_equal(catalog_int("SELECT count(DISTINCT row_id_start) FROM ducklake_data_file"),
                     PROCESSES * ROUNDS);
    assert_int_equal(catalog_int("SELECT count(*) FROM ducklake_table"), 1);
    pen_schema_clear(&schema);
}

int main(void)
{
#define LAKE_TEST(name) cmocka_unit_test_setup_teardown(name, open_lake, close_lake)
    const struct CMUnitTest tests[] = {
        LAKE_TEST(new_catalog_holds_what_the_format_says),
        LAKE_TEST(opening_again_changes_nothing),
        LAKE_TEST(opening_without_a_catalog_says_so),
        LAKE_TEST(foreign_format_version_is_refused),
        LAKE_TEST(databases_are_created_listed_and_dropped),
        LAKE_TEST(new_table_has_time_and_aliases),
        LAKE_TEST(loads_add_up_and_keep_statistics),
        LAKE_TEST(unknown_bound_stays_unknown),
        LAKE_TEST(replace_ends_the_old_files_in_one_snapshot),
        LAKE_TEST(later_columns_are_added_and_types_never_change),
        LAKE_TEST(colliding_new_columns_get_a_name_mapping),
        LAKE_TEST(load_into_a_table_that_went_away_is_a_conflict),
        LAKE_TEST(tables_are_renamed_swapped_and_dropped),
        LAKE_TEST(properties_are_kept_per_table),
        LAKE_TEST(rolled_back_changes_leave_no_trace),
        LAKE_TEST(table_made_and_dropped_in_one_transaction_was_never_there),
        LAKE_TEST(eight_processes_append_to_one_table_without_loss),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
