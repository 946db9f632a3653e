#include "unit.h"

#include "base/arena.h"
#include "db/db.h"
#include "temp_folder.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pen_db *open_new(const char *name)
{
    struct pen_db *db = NULL;
    assert_ok(pen_db_open(temp_path(name), PEN_DB_CREATE, 0, &db, err));
    return db;
}

static int64_t query_int(struct pen_db *db, const char *sql)
{
    int64_t value = -1;
    bool is_found = false;
    assert_ok(pen_db_query_int(db, &value, &is_found, err, sql, ""));
    return is_found ? value : -1;
}

static void values_come_back_as_bound(void **state)
{
    (void)state;
    struct pen_db *db = open_new("values.sqlite");
    assert_ok(pen_db_exec(db,
                          "CREATE TABLE t (i BIGINT, d DOUBLE, t VARCHAR, s VARCHAR, b BYTEA, "
                          "n BIGINT)",
                          err));
    int64_t changes = 0;
    assert_ok(pen_db_run(db, &changes, err, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6)",
                         "idtsbn", INT64_MIN, 0.1, "", pen_slice("a\0b", 3),
                         pen_slice("\xff\0", 2)));
    assert_int_equal(changes, 1);
    struct pen_stmt *stmt = NULL;
    assert_ok(pen_db_query(db, &stmt, err, "SELECT i, d, t, s, b, n FROM t WHERE i = $1 AND i = $1",
                           "i", INT64_MIN));
    bool has_row = false;
    assert_ok(pen_stmt_step(stmt, &has_row, err));
    assert_true(has_row);
    assert_true(pen_stmt_int(stmt, 0) == INT64_MIN);
    assert_true(pen_stmt_double(stmt, 1) == 0.1);
    assert_false(pen_stmt_is_null(stmt, 2));
    assert_int_equal(pen_stmt_text(stmt, 2).len, 0);
    assert_true(pen_slice_equal(pen_stmt_text(stmt, 3), pen_slice("a\0b", 3)));
    assert_true(pen_slice_equal(pen_stmt_bytes(stmt, 4), pen_slice("\xff\0", 2)));
    assert_true(pen_stmt_is_null(stmt, 5));
    assert_ok(pen_stmt_step(stmt, &has_row, err));
    assert_false(has_row);
    pen_stmt_finish(stmt);
    pen_db_close(db);
}

struct item {
    int64_t number;
    const char *text;
};

static enum pen_code read_item(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    struct item *read = item;
    const int64_t *bad = context;
    read->number = pen_stmt_int(stmt, 0);
    read->text = pen_arena_copy(arena, pen_stmt_text(stmt, 1));
    return read->number == *bad ? pen_fail(err, PEN_ERR_CORRUPT, "bad item") : PEN_OK;
}

/* 1000 rows: the array moves several times; an error of the reader ends the list. */
static void list_holds_every_row_in_order(void **state)
{
    (void)state;
    struct pen_db *db = open_new("list.sqlite");
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    static const char numbers[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                                  "WHERE i < $1) SELECT i, 'text ' || i FROM n WHERE i <= $1";
    int64_t bad = -1;
    const struct pen_row_reader reader = {sizeof(struct item), read_item, &bad};
    struct item *items = NULL;
    size_t count = 7;
    struct pen_stmt *stmt = NULL;
    assert_ok(pen_db_query(db, &stmt, err, numbers, "i", INT64_C(0)));
    assert_ok(pen_stmt_list(stmt, &reader, &arena, &items, &count, err));
    assert_int_equal(count, 0);
    assert_null(items);
    pen_stmt_finish(stmt);

    assert_ok(pen_db_query(db, &stmt, err, numbers, "i", INT64_C(1000)));
    assert_ok(pen_stmt_list(stmt, &reader, &arena, &items, &count, err));
    assert_int_equal(count, 1000);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "text %zu", i + 1);
        assert_int_equal(items[i].number, i + 1);
        assert_string_equal(items[i].text, text);
    }
    pen_stmt_finish(stmt);

    bad = 500;
    struct pen_error failure = {0};
    assert_ok(pen_db_query(db, &stmt, err, numbers, "i", INT64_C(1000)));
    assert_int_equal(pen_stmt_list(stmt, &reader, &arena, &items, &count, &failure),
                     PEN_ERR_CORRUPT);
    assert_int_equal(count, 1000); /* as it was */
    pen_stmt_finish(stmt);
    pen_db_close(db);
}

static void rollback_undoes_and_commit_keeps(void **state)
{
    (void)state;
    struct pen_db *db = open_new("rollback.sqlite");
    assert_ok(pen_db_exec(db, "CREATE TABLE t (i BIGINT)", err));
    assert_ok(pen_db_begin(db, err));
    assert_ok(pen_db_exec(db, "INSERT INTO t VALUES (1)", err));
    assert_true(pen_db_in_transaction(db));
    pen_db_rollback(db);
    assert_false(pen_db_in_transaction(db));
    pen_db_rollback(db);
    assert_ok(pen_db_begin(db, err));
    assert_ok(pen_db_exec(db, "INSERT INTO t VALUES (2)", err));
    assert_ok(pen_db_commit(db, err));
    assert_int_equal(query_int(db, "SELECT sum(i) FROM t"), 2);
    pen_db_close(db);
}

static void read_transaction_sees_one_state_while_others_write(void **state)
{
    (void)state;
    struct pen_db *writer = open_new("reader.sqlite"), *reader = NULL;
    assert_ok(pen_db_exec(writer, "CREATE TABLE t (i BIGINT); INSERT INTO t VALUES (1)", err));
    assert_ok(pen_db_open(temp_path("reader.sqlite"), PEN_DB_READ_ONLY, 0, &reader, err));
    assert_ok(pen_db_begin_read(reader, err));
    assert_ok(pen_db_exec(writer, "INSERT INTO t VALUES (10)", err));
    assert_int_equal(query_int(reader, "SELECT sum(i) FROM t"), 1);
    pen_db_rollback(reader);
    assert_int_equal(query_int(reader, "SELECT sum(i) FROM t"), 11);
    pen_db_close(reader);
    pen_db_close(writer);
}

static void assert_open_fails(const char *name, enum pen_db_mode mode, enum pen_code code)
{
    struct pen_error failure = {0};
    struct pen_db *db = NULL;
    assert_int_equal(pen_db_open(temp_path(name), mode, 100, &db, &failure), code);
    assert_null(db);
    assert_string_equal(failure.where, temp_path(name));
    assert_true(failure.message[0] != '\0');
}

static void open_names_what_is_wrong(void **state)
{
    (void)state;
    assert_open_fails("missing.sqlite", PEN_DB_WRITE, PEN_ERR_NOT_FOUND);
    assert_open_fails("missing.sqlite", PEN_DB_READ_ONLY, PEN_ERR_NOT_FOUND);
    FILE *file = fopen(temp_path("text.sqlite"), "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", file);
    fclose(file);
    assert_open_fails("text.sqlite", PEN_DB_WRITE, PEN_ERR_CORRUPT);
}

static void read_only_connection_refuses_changes(void **state)
{
    (void)state;
    struct pen_db *db = open_new("readonly.sqlite");
    assert_ok(pen_db_exec(db, "CREATE TABLE t (i BIGINT)", err));
    pen_db_close(db);
    assert_ok(pen_db_open(temp_path("readonly.sqlite"), PEN_DB_READ_ONLY, 0, &db, err));
    struct pen_error failure = {0};
    assert_int_equal(pen_db_exec(db, "INSERT INTO t VALUES (1)", &failure), PEN_ERR_AUTH);
    assert_non_null(strstr(failure.message, "read-only"));
    pen_db_close(db);
}

static void damaged_pages_are_reported(void **state)
{
    (void)state;
    struct pen_db *db = open_new("damaged.sqlite");
    assert_ok(pen_db_exec(db,
                          "CREATE TABLE t (a VARCHAR); INSERT INTO t VALUES (printf('%5000c', "
                          "'x')); PRAGMA wal_checkpoint(TRUNCATE)",
                          err));
    pen_db_close(db);
    FILE *file = fopen(temp_path("damaged.sqlite"), "r+");
    fseek(file, 4096, SEEK_SET);
    for (int i = 0; i < 4096; i++)
        fputc(0xa5, file);
    fclose(file);
    assert_ok(pen_db_open(temp_path("damaged.sqlite"), PEN_DB_WRITE, 0, &db, err));
    struct pen_error failure = {0};
    assert_int_equal(pen_db_exec(db, "SELECT max(length(a)) FROM t", &failure), PEN_ERR_CORRUPT);
    pen_db_close(db);
}

static void full_disk_is_said_so(void **state)
{
    (void)state;
    struct pen_db *db = open_new("full.sqlite");
    assert_ok(pen_db_exec(db, "CREATE TABLE t (a VARCHAR); PRAGMA max_page_count = 4", err));
    struct pen_error failure = {0};
    assert_int_equal(pen_db_exec(db, "INSERT INTO t VALUES (printf('%90000c', 'x'))", &failure),
                     PEN_ERR_IO);
    assert_int_equal(failure.sys_errno, ENOSPC);
    assert_true(failure.hint[0] != '\0');
    assert_int_equal(query_int(db, "SELECT count(*) FROM t"), 0);
    pen_db_close(db);
}

static void second_writer_times_out_as_retryable_conflict(void **state)
{
    (void)state;
    struct pen_db *one = open_new("busy.sqlite"), *other = NULL;
    assert_ok(pen_db_open(temp_path("busy.sqlite"), PEN_DB_WRITE, 50, &other, err));
    assert_ok(pen_db_begin(one, err));
    struct pen_error failure = {0};
    assert_int_equal(pen_db_begin(other, &failure), PEN_ERR_CONFLICT);
    assert_true(failure.is_retryable);
    pen_db_rollback(one);
    assert_ok(pen_db_begin(other, err));
    pen_db_close(other);
    pen_db_close(one);
}

static void unique_key_is_a_conflict_that_repeating_does_not_mend(void **state)
{
    (void)state;
    struct pen_db *db = open_new("unique.sqlite");
    assert_ok(
        pen_db_exec(db, "CREATE TABLE t (i BIGINT PRIMARY KEY); INSERT INTO t VALUES (1)", err));
    struct pen_error failure = {0};
    assert_int_equal(pen_db_run(db, NULL, &failure, "INSERT INTO t VALUES ($1)", "i", INT64_C(1)),
                     PEN_ERR_CONFLICT);
    assert_false(failure.is_retryable);
    pen_db_close(db);
}

static void new_files_belong_to_the_owner_alone(void **state)
{
    (void)state;
    mode_t old = umask(0);
    struct pen_db *db = open_new("deep/er/catalog.sqlite");
    assert_ok(pen_db_exec(db, "CREATE TABLE t (i BIGINT)", err));
    struct stat info;
    static const char *const files[] = {"deep/er/catalog.sqlite", "deep/er/catalog.sqlite-wal",
                                        "deep/er/catalog.sqlite-shm"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(temp_path(files[i]), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    assert_int_equal(stat(temp_path("deep"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    pen_db_close(db);
    umask(old);
}

/* Ten processes, each opening (and migrating) by itself, count one row up 20 times. */
static void ten_processes_lose_no_change(void **state)
{
    (void)state;
    enum { PROCESSES = 10, ROUNDS = 20 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        struct pen_db *db = NULL;
        int bad = pen_db_open(temp_path("ten.sqlite"), PEN_DB_CREATE, 0, &db, NULL) != PEN_OK ||
                  pen_db_migrate(db, NULL) != PEN_OK;
        for (int round = 0; round < ROUNDS && !bad; round++) {
            int64_t value = 0;
            bool is_found = false;
            bad =
                pen_db_begin(db, NULL) != PEN_OK ||
                pen_db_query_int(db, &value, &is_found, NULL,
                                 "SELECT value FROM ducklake_metadata WHERE key = 'n'",
                                 "") != PEN_OK ||
                pen_db_run(db, NULL, NULL,
                           is_found ? "UPDATE ducklake_metadata SET value = $1 WHERE key = 'n'"
                                    : "INSERT INTO ducklake_metadata (key, value) VALUES ('n', $1)",
                           "i", value + 1) != PEN_OK ||
                pen_db_commit(db, NULL) != PEN_OK;
        }
        pen_db_close(db);
        _exit(bad);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct pen_db *db = open_new("ten.sqlite");
    assert_int_equal(query_int(db, "SELECT value FROM ducklake_metadata WHERE key = 'n'"),
                     PROCESSES * ROUNDS);
    pen_db_close(db);
}

static void migrate_is_done_once_and_refuses_a_newer_layout(void **state)
{
    (void)state;
    struct pen_db *db = open_new("migrate.sqlite");
    assert_ok(pen_db_migrate(db, err));
    int64_t count = query_int(db, "SELECT count(*) FROM schema_migration");
    assert_true(count >= 3);
    assert_ok(pen_db_migrate(db, err));
    assert_int_equal(query_int(db, "SELECT count(*) FROM schema_migration"), count);
    assert_ok(pen_db_exec(db, "INSERT INTO schema_migration VALUES (9999, 'later', 0)", err));
    struct pen_error failure = {0};
    assert_int_equal(pen_db_migrate(db, &failure), PEN_ERR_CONFIG);
    assert_non_null(strstr(failure.message, "9999"));
    pen_db_close(db);
}

static void many_statements_at_once_stay_apart(void **state)
{
    (void)state;
    struct pen_db *db = open_new("many.sqlite");
    struct pen_stmt *stmts[100];
    for (int i = 0; i < 100; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "SELECT %d + $1", i % 80);
        assert_ok(pen_db_query(db, &stmts[i], err, sql, "i", (int64_t)i));
    }
    for (int i = 0; i < 100; i++) {
        bool has_row = false;
        assert_ok(pen_stmt_step(stmts[i], &has_row, err));
        assert_int_equal(pen_stmt_int(stmts[i], 0), i % 80 + i);
        pen_stmt_finish(stmts[i]);
    }
    pen_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_bound),
        cmocka_unit_test(list_holds_every_row_in_order),
        cmocka_unit_test(rollback_undoes_and_commit_keeps),
        cmocka_unit_test(read_transaction_sees_one_state_while_others_write),
        cmocka_unit_test(open_names_what_is_wrong),
        cmocka_unit_test(read_only_connection_refuses_changes),
        cmocka_unit_test(damaged_pages_are_reported),
        cmocka_unit_test(full_disk_is_said_so),
        cmocka_unit_test(second_writer_times_out_as_retryable_conflict),
        cmocka_unit_test(unique_key_is_a_conflict_that_repeating_does_not_mend),
        cmocka_unit_test(new_files_belong_to_the_owner_alone),
        cmocka_unit_test(ten_processes_lose_no_change),
        cmocka_unit_test(migrate_is_done_once_and_refuses_a_newer_layout),
        cmocka_unit_test(many_statements_at_once_stay_apart),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
