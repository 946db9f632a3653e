#include "unit.h"

#include "fake_stream.h"
#include "lake/lake_query.h"
#include "temp_folder.h"

#include <unistd.h>

static struct pen_lake *lake;
static struct pen_duck *duck;
static struct pen_arena arena;
static struct pen_duck_session *session;

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
    pen_duck_session_close(session);
    session = NULL;
    pen_lake_close(lake);
    pen_arena_release(&arena);
    return 0;
}

static void plan(const char *table, struct fake_stream *fake, struct pen_lake_layout *layout)
{
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin_read(lake, &txn, err));
    assert_ok(pen_lake_layout(txn, &(struct pen_lake_wish){"sample", table, &fake->schema, true},
                              &arena, layout, err));
    pen_lake_rollback(txn);
}

static void write_part(const struct pen_lake_layout *layout, struct fake_stream *fake,
                       struct pen_parts *parts)
{
    char name[PEN_PART_NAME];
    struct pen_part_field columns[8];
    pen_part_name(name);
    for (size_t i = 0; i < layout->target_count; i++)
        columns[i] = (struct pen_part_field){layout->targets[i].column_id, layout->targets[i].name,
                                             layout->targets[i].sql_type};
    struct pen_part_options options = {
        .folder = layout->folder, .file_name = name, .columns = columns};
    assert_ok(pen_duck_write_part(duck, &fake->stream, &options, parts, err));
}

static void commit_load(const struct pen_lake_layout *layout, enum pen_lake_mode mode,
                        const struct pen_parts *parts)
{
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin(lake, &txn, err));
    assert_ok(pen_lake_load(txn, layout, mode, parts->parts, parts->count, NULL, err));
    assert_ok(pen_lake_commit(txn, "load", NULL, err));
}

static void load(const char *table, const char *types, int64_t rows)
{
    struct fake_stream *fake = fake_new(types, rows);
    struct pen_lake_layout layout;
    struct pen_parts parts = PEN_PARTS;
    plan(table, fake, &layout);
    write_part(&layout, fake, &parts);
    commit_load(&layout, PEN_LAKE_APPEND, &parts);
    pen_parts_release(&parts);
    fake_free(fake);
}

static void open_session(const char *database)
{
    struct pen_lake_txn *txn = NULL;
    pen_duck_session_close(session);
    assert_ok(pen_lake_begin_read(lake, &txn, err));
    assert_ok(pen_lake_session_open(txn, database, NULL, &session, err));
    pen_lake_rollback(txn);
}

static void print_value(const struct pen_column *column, size_t row, char *out, size_t len)
{
    if (!pen_column_is_valid(column, row)) {
        snprintf(out, len, "null");
        return;
    }
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        snprintf(out, len, "%s", pen_column_booleans(column)[row] ? "true" : "false");
        break;
    case PEN_TYPE_LONG:
        snprintf(out, len, "%lld", (long long)pen_column_longs(column)[row]);
        break;
    case PEN_TYPE_TIMESTAMP:
        snprintf(out, len, "%lldus+%uns", (long long)pen_column_longs(column)[row],
                 column->nanos[row]);
        break;
    case PEN_TYPE_DOUBLE:
        snprintf(out, len, "%g", pen_column_doubles(column)[row]);
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON: {
        struct pen_slice text = pen_string_slice(&pen_column_strings(column)[row]);
        snprintf(out, len, "%.*s", PEN_ARG(text));
        break;
    }
    }
}

/* The result as "a,b;c,d": columns by comma, rows by semicolon. */
static const char *rows_of(const char *sql)
{
    static char out[20000];
    struct pen_duck_query *query = NULL;
    out[0] = '\0';
    assert_ok(pen_duck_query(session, pen_slice_str(sql), &query, err));
    for (;;) {
        const struct pen_batch *batch = NULL;
        assert_ok(pen_duck_query_next(query, &batch, err));
        if (batch == NULL)
            break;
        for (size_t row = 0; row < batch->rows; row++) {
            for (size_t c = 0; c < batch->column_count; c++) {
                size_t len = strlen(out);
                char value[8000];
                print_value(&batch->columns[c], row, value, sizeof value);
                snprintf(out + len, sizeof out - len, "%s%s",
                         c > 0      ? ","
                         : len == 0 ? ""
                                    : ";",
                         value);
            }
        }
    }
    pen_duck_query_free(query);
    return out;
}

static void assert_refused(const char *sql, enum pen_code code)
{
    struct pen_error failure = {0};
    struct pen_duck_query *query = NULL;
    enum pen_code got = pen_duck_query(session, pen_slice_str(sql), &query, &failure);
    const struct pen_batch *batch = NULL;
    if (got == PEN_OK)
        got = pen_duck_query_next(query, &batch, &failure);
    if (got != code)
        fail_msg("%s: code %d, %s", sql, got, failure.message);
    assert_true(failure.message[0] != '\0');
    assert_null(strchr(failure.message, '\n'));
    pen_duck_query_free(query);
}

static void rows_come_back_as_written(void **state)
{
    (void)state;
    load("events", "lbdstj", 5000);
    load("events", "lbdstj", 3);
    open_session("sample");
    assert_string_equal(rows_of("SELECT count(*), count(b), sum(time), max(time) FROM events"),
                        "5003,4289,12497503,4999");
    assert_string_equal(rows_of("SELECT * FROM sample.events WHERE time = 1247"),
                        "1247,true,311.75,row 1247,1577838047000000us+0ns,{\"n\":1247}");
    assert_string_equal(rows_of("SELECT time, b FROM events WHERE b IS NULL ORDER BY time LIMIT 2"),
                        "6,null;13,null");
    assert_string_equal(rows_of("SELECT length(d) FROM events WHERE time = 10"), "307");
    assert_string_equal(
        rows_of("SELECT j.n FROM (SELECT f::JSON AS j FROM events WHERE time = 17)"), "17");
}

static void order_is_kept_over_many_batches(void **state)
{
    (void)state;
    load("events", "ld", 20000);
    open_session("sample");
    struct pen_duck_query *query = NULL;
    assert_ok(pen_duck_query(session,
                             PEN_LIT("SELECT time, time::HUGEINT h FROM events ORDER BY time DESC"),
                             &query, err));
    const struct pen_schema *schema = pen_duck_query_schema(query);
    assert_int_equal(schema->count, 2);
    assert_string_equal(schema->fields[1].name, "h");
    assert_int_equal(schema->fields[1].type, PEN_TYPE_JSON);
    int64_t expect = 19999;
    for (;;) {
        const struct pen_batch *batch = NULL;
        assert_ok(pen_duck_query_next(query, &batch, err));
        if (batch == NULL)
            break;
        for (size_t row = 0; row < batch->rows; row++)
            assert_int_equal(pen_column_longs(&batch->columns[0])[row], expect--);
    }
    assert_int_equal(expect, -1);
    pen_duck_query_free(query);
}

static void results_of_any_type_become_ours(void **state)
{
    (void)state;
    open_session(NULL);
    assert_string_equal(
        rows_of("SELECT 1::TINYINT, 255::UTINYINT, -2::SMALLINT, 4000000000::UINTEGER, "
                "18446744073709551615::UBIGINT, 1.50::DECIMAL(10,2), 0.5::FLOAT, 'x', NULL, "
                "DATE '2024-02-29', TIME '12:34:56.5', [1, 2], {'a': 'b'}, MAP {'k': 1}, "
                "'{\"q\":1}'::JSON, INTERVAL 3 DAY, 'ab'::BLOB"),
        "1,255,-2,4000000000,18446744073709551615,1.50,0.5,x,null,2024-02-29,12:34:56.5,[1,2],"
        "{\"a\":\"b\"},{\"k\":1},{\"q\":1},3 days,ab");
    assert_string_equal(
        rows_of("SELECT TIMESTAMP '1969-12-31 23:59:59.5', "
                "TIMESTAMP_NS '1969-12-31 23:59:59.999999999', TIMESTAMPTZ '2020-01-01 00:00:00Z', "
                "'2020-01-01'::TIMESTAMP_S, '2020-01-01'::TIMESTAMP_MS, NULL::TIMESTAMP_S"),
        "-500000us+0ns,-1us+999ns,1577836800000000us+0ns,1577836800000000us+0ns,"
        "1577836800000000us+0ns,null");
    assert_string_equal(rows_of("SELECT sum(i), avg(i) -- with a comment\n FROM range(5) t(i); "),
                        "10,2");
}

static void columns_added_later_are_null_in_older_rows(void **state)
{
    (void)state;
    load("events", "l", 3);
    load("events", "ls", 2);
    open_session("sample");
    assert_string_equal(rows_of("SELECT time, b FROM events ORDER BY time, b NULLS FIRST"),
                        "0,null;0,row 0 "
                        "000000000000000000000000000000000000000000000000000000000000000000000000"
                        "000000000000000000000000000000000000000000000000000000000000000000000000"
                        "000000000000000000000000000000000000000000000000000000000000000000000000"
                        "000000000000000000000000000000000000000000000000000000000000000000000000"
                        "000000000000;1,null;1,row 1;2,null");
}

static void files_with_a_name_mapping_read_right(void **state)
{
    (void)state;
    struct fake_stream *fakes[2] = {fake_new("ll", 3), fake_new("ls", 3)};
    free(fakes[1]->schema.fields[1].name);
    fakes[1]->schema.fields[1].name = strdup("Other One");
    struct pen_lake_layout layouts[2];
    for (int i = 0; i < 2; i++)
        plan("events", fakes[i], &layouts[i]);
    for (int i = 0; i < 2; i++) {
        struct pen_parts parts = PEN_PARTS;
        write_part(&layouts[i], fakes[i], &parts);
        commit_load(&layouts[i], PEN_LAKE_APPEND, &parts);
        pen_parts_release(&parts);
        fake_free(fakes[i]);
    }
    open_session("sample");
    assert_string_equal(rows_of("SELECT time, b, left(other_one, 5) FROM events ORDER BY 1, 2"),
                        "0,0,null;0,null,row 0;1,1,null;1,null,row 1;2,2,null;2,null,row 2");
}

static void replace_rename_and_empty_tables_show_at_once(void **state)
{
    (void)state;
    load("one", "l", 3);
    struct pen_lake_txn *txn = NULL;
    assert_ok(pen_lake_begin(lake, &txn, err));
    assert_ok(pen_lake_table_rename(txn, "sample", "one", "two", false, err));
    assert_ok(pen_lake_table_create(txn, "sample", "empty", NULL, err));
    assert_ok(pen_lake_commit(txn, NULL, NULL, err));
    open_session("sample");
    assert_string_equal(rows_of("SELECT count(*) FROM two"), "3");
    assert_string_equal(rows_of("SELECT count(*), max(time) FROM EMPTY"), "0,null");
    assert_string_equal(rows_of("SHOW TABLES"), "empty;two");
    assert_string_equal(rows_of("SELECT column_name, column_type FROM (DESCRIBE two)"),
                        "time,BIGINT");
    assert_refused("SELECT * FROM one", PEN_ERR_NOT_FOUND);
    struct fake_stream *fake = fake_new("l", 0);
    struct pen_lake_layout layout;
    struct pen_parts none = PEN_PARTS;
    plan("two", fake, &layout);
    commit_load(&layout, PEN_LAKE_REPLACE, &none);
    fake_free(fake);
    open_session("sample");
    assert_string_equal(rows_of("FROM two"), "");
    assert_ok(pen_lake_begin_read_at(lake, 2, &txn, err));
    pen_duck_session_close(session);
    session = NULL;
    assert_ok(pen_lake_session_open(txn, "sample", NULL, &session, err));
    pen_lake_rollback(txn);
    assert_string_equal(rows_of("SELECT count(*) FROM one"), "3");
}

static void names_that_are_put_together_find_their_rows(void **state)
{
    (void)state;
    load("events", "l", 3);
    open_session("sample");
    assert_string_equal(rows_of("SELECT count(*) FROM query_table('ev' || 'ents')"), "3");
    assert_string_equal(rows_of("SUMMARIZE SELECT count(*) n FROM \"EVENTS\"") == NULL ? "" : "ok",
                        "ok");
}

static void queries_can_only_read_and_only_the_lake(void **state)
{
    (void)state;
    load("events", "l", 3);
    open_session("sample");
    char sql[400];
    static const char *const writing[] = {
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO events VALUES (1)",
        "DELETE FROM events",
        "DROP VIEW events",
        "SET threads = 1",
        "PRAGMA enable_profiling",
        "ATTACH ':memory:' AS m",
        "USE main",
        "COPY (SELECT 1) TO '/tmp/pen_should_not_exist'",
        "EXPORT DATABASE '/tmp/pen_should_not_exist'",
        "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/pen_should_not_exist'",
        "explain (ANALYZE) INSERT INTO events VALUES (1)",
        "/* c */ EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
        "LOAD httpfs",
        "INSTALL httpfs",
        "CALL pragma_version()",
        "BEGIN",
    };
    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++) {
        struct pen_error failure = {0};
        struct pen_duck_query *query = NULL;
        if (pen_duck_query(session, pen_slice_str(writing[i]), &query, &failure) != PEN_ERR_AUTH)
            fail_msg("%s: %s", writing[i], failure.message);
    }
    snprintf(sql, sizeof sql, "COPY (SELECT 1) TO '%sx.parquet'", pen_lake_data_path(lake));
    assert_refused(sql, PEN_ERR_AUTH);
    assert_int_not_equal(access("/tmp/pen_should_not_exist", F_OK), 0);
    assert_refused("SELECT * FROM read_text('/etc/passwd')", PEN_ERR_AUTH);
    assert_refused("SELECT * FROM read_csv('/etc/passwd')", PEN_ERR_AUTH);
    assert_refused("SELECT * FROM glob('/etc/*')", PEN_ERR_AUTH);
    assert_refused("SELECT * FROM '/etc/passwd'", PEN_ERR_NOT_FOUND);
    snprintf(sql, sizeof sql, "SELECT * FROM read_text('%s../catalog.sqlite')",
             pen_lake_data_path(lake));
    assert_refused(sql, PEN_ERR_AUTH);
    assert_refused("SELECT 1; SELECT 2", PEN_ERR_CONFIG);
    assert_refused("  ;; ", PEN_ERR_CONFIG);
    assert_refused("", PEN_ERR_CONFIG);
    assert_refused("SELEC 1", PEN_ERR_CONFIG);
    assert_refused("SELECT nothing FROM events", PEN_ERR_CONFIG);
    assert_refused("SELECT * FROM nowhere", PEN_ERR_NOT_FOUND);
    assert_refused("SELECT 'x'::INT", PEN_ERR_CONFIG);
    assert_string_equal(rows_of("SELECT 'select' || count(*) FROM events"), "select3");
    assert_non_null(strstr(rows_of("EXPLAIN SELECT * FROM events"), "PARQUET"));
    assert_non_null(strstr(rows_of("explain analyze SELECT * FROM events"), "PARQUET"));
}

static void results_do_not_depend_on_the_machines_time_zone(void **state)
{
    (void)state;
    open_session(NULL);
    assert_string_equal(rows_of("SELECT '2020-01-01 00:00:00'::TIMESTAMPTZ, "
                                "current_setting('TimeZone')"),
                        "1577836800000000us+0ns,UTC");
}

static void missing_part_is_an_error_and_not_fewer_rows(void **state)
{
    (void)state;
    load("events", "l", 3);
    load("events", "l", 4);
    struct pen_stmt *stmt = NULL;
    bool has_row = false;
    assert_ok(pen_db_query(pen_lake_db(lake), &stmt, err,
                           "SELECT path FROM ducklake_data_file LIMIT 1", ""));
    assert_ok(pen_stmt_step(stmt, &has_row, err));
    char path[600];
    snprintf(path, sizeof path, "%ssample/events/%s", pen_lake_data_path(lake),
             pen_stmt_text(stmt, 0).ptr);
    pen_stmt_finish(stmt);
    assert_int_equal(unlink(path), 0);
    open_session("sample");
    assert_refused("SELECT count(*) FROM events", PEN_ERR_IO);
}

static void unknown_default_database_is_named(void **state)
{
    (void)state;
    struct pen_lake_txn *txn = NULL;
    struct pen_error failure = {0};
    assert_ok(pen_lake_begin_read(lake, &txn, err));
    assert_int_equal(pen_lake_session_open(txn, "nowhere", NULL, &session, &failure),
                     PEN_ERR_NOT_FOUND);
    assert_string_equal(failure.message, "Database 'nowhere' does not exist.");
    pen_lake_rollback(txn);
}

static int open_duck(void **state)
{
    return temp_folder_make(state) != 0 || pen_duck_open(NULL, &duck, NULL) != PEN_OK;
}

static int close_duck(void **state)
{
    pen_duck_close(duck);
    return temp_folder_remove(state);
}

int main(void)
{
#define QUERY_TEST(name) cmocka_unit_test_setup_teardown(name, open_lake, close_lake)
    const struct CMUnitTest tests[] = {
        QUERY_TEST(rows_come_back_as_written),
        QUERY_TEST(order_is_kept_over_many_batches),
        QUERY_TEST(results_of_any_type_become_ours),
        QUERY_TEST(columns_added_later_are_null_in_older_rows),
        QUERY_TEST(files_with_a_name_mapping_read_right),
        QUERY_TEST(replace_rename_and_empty_tables_show_at_once),
        QUERY_TEST(names_that_are_put_together_find_their_rows),
        QUERY_TEST(queries_can_only_read_and_only_the_lake),
        QUERY_TEST(results_do_not_depend_on_the_machines_time_zone),
        QUERY_TEST(missing_part_is_an_error_and_not_fewer_rows),
        QUERY_TEST(unknown_default_database_is_named),
    };
    return cmocka_run_group_tests(tests, open_duck, close_duck);
}
