#include "unit.h"

#include "db/migrate.h"
#include "meta/ledger_internal.h"
#include "temp_folder.h"

#include <fnmatch.h>
#include <sys/stat.h>

#define HEX   "d41d8cd98f00b204e9800998ecf8427e"
#define OTHER "e41d8cd98f00b204e9800998ecf8427e"

static struct pen_db *db;
static struct pen_arena arena;
static const char *db_path;

static int open_db(void **state)
{
    static int number;
    static char path[256];
    char name[32];
    (void)state;
    snprintf(name, sizeof name, "table%d.sqlite", ++number);
    snprintf(path, sizeof path, "%s", temp_path(name));
    db_path = path;
    arena = PEN_ARENA((size_t)64 << 20);
    return pen_db_open(path, PEN_DB_CREATE, 0, &db, NULL) != PEN_OK ||
           pen_db_migrate(db, NULL) != PEN_OK;
}

static int close_db(void **state)
{
    (void)state;
    pen_db_close(db);
    pen_arena_release(&arena);
    return 0;
}

static void add(int64_t table_id, int64_t job_id, const char *key, const char *etag)
{
    struct pen_ledger_entry entry = {.table_id = table_id,
                                     .bucket = "b",
                                     .key = key,
                                     .etag = etag,
                                     .size_bytes = 5,
                                     .rows = 10,
                                     .job_id = job_id,
                                     .snapshot_id = job_id + 100};
    assert_ok(pen_ledger_add(db, &entry, 1, err));
}

static bool has(int64_t table_id, const char *key, const char *etag)
{
    struct pen_ledger_entry version = {
        .table_id = table_id, .bucket = "b", .key = key, .etag = etag, .size_bytes = 5};
    bool is_there = false;
    assert_ok(pen_ledger_has(db, &version, &is_there, err));
    return is_there;
}

static char seen[4096];

static enum pen_code see(void *context, const struct pen_ledger_entry *entry,
                         enum pen_ledger_state state, struct pen_error *err)
{
    (void)context, (void)err;
    size_t len = strlen(seen);
    assert_int_equal(entry->snapshot_id, entry->job_id + 100);
    assert_string_equal(entry->bucket, "b");
    snprintf(seen + len, sizeof seen - len, "%s %c %lld %s;", entry->key, entry->etag[0],
             (long long)entry->job_id, pen_ledger_state_name(state));
    return PEN_OK;
}

static const char *list(int64_t table_id, const char *pattern)
{
    seen[0] = '\0';
    assert_ok(pen_ledger_each(db, table_id, pattern, see, NULL, err));
    return seen;
}

static void overwritten_key_shows_as_two_versions(void **state)
{
    (void)state;
    add(3, 1, "a", HEX);
    add(3, 1, "z", HEX);
    add(4, 2, "a", HEX);
    add(3, 3, "a", OTHER);
    assert_string_equal(list(3, NULL), "a d 1 superseded;z d 1 loaded;a e 3 loaded;");
    assert_string_equal(list(4, NULL), "a d 2 loaded;");
    assert_string_equal(list(5, NULL), "");
}

static void patterns_match_whole_keys_and_slashes(void **state)
{
    (void)state;
    add(3, 1, "logs/1/a.csv", HEX);
    add(3, 1, "logs/2/b.csv", HEX);
    add(3, 1, "x/logs/3.csv", HEX);
    assert_string_equal(list(3, "logs/*.csv"), "logs/1/a.csv d 1 loaded;logs/2/b.csv d 1 loaded;");
    assert_string_equal(list(3, "logs/?/b.csv"), "logs/2/b.csv d 1 loaded;");
    assert_string_equal(list(3, "logs"), "");
}

static int64_t query_int(const char *sql)
{
    int64_t value = -1;
    bool is_found = false;
    assert_ok(pen_db_query_int(db, &value, &is_found, err, sql, ""));
    return value;
}

/* One job's entries under these keys. */
static void add_keys(int64_t job_id, const char *const *keys, size_t count)
{
    struct pen_ledger_entry entries[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct pen_ledger_entry){.table_id = 3,
                                               .bucket = "b",
                                               .key = keys[i],
                                               .etag = HEX,
                                               .rows = 10,
                                               .job_id = job_id,
                                               .snapshot_id = job_id + 100};
    assert_ok(pen_ledger_add(db, entries, count, err));
}

static const char *const some_keys[] = {"a",        "a*b",  "a/1", "a/2",  "a/20", "a/3", "a?",
                                        "a[x]",     "a\\z", "ab",  "abc",  "abd",  "b/1", "b/2",
                                        "\xc3\xa4", "10:",  "9:",  "100:", "a/2",  "a/1", "zz"};
#define SOME_KEYS (sizeof some_keys / sizeof some_keys[0])

/* Keys of all kinds, rising and falling, in loads of one and of many, against fnmatch on each. */
static void patterns_find_what_fnmatch_finds(void **state)
{
    static const char *const patterns[] = {
        "*",      "a*",  "a/*",    "a/2",  "a/2*", "a?",  "a\\?",   "a\\*b", "a[*", "a[[]x]",
        "a\\\\z", "ab?", "a[!/]*", "zz",   "zzz",  "",    "\\",     "?*1",   "9*",  "1*",
        "\xc3*",  "*:",  "b/1",    "b/1?", "b/1*", "a\\", "a/\\2*", "c*"};
    (void)state;
    add_keys(1, some_keys, SOME_KEYS);
    for (size_t i = 0; i < SOME_KEYS; i++)
        add_keys(2 + (int64_t)i, &some_keys[SOME_KEYS - 1 - i], 1);
    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        size_t expected = 0, got = 0;
        for (size_t i = 0; i < SOME_KEYS; i++)
            expected += fnmatch(patterns[p], some_keys[i], 0) == 0 ? 2 : 0;
        for (const char *at = list(3, patterns[p]); (at = strchr(at, ';')) != NULL; at++)
            got++;
        if (got != expected)
            fail_msg("'%s': %zu instead of %zu: %s", patterns[p], got, expected, seen);
    }
    assert_string_equal(list(3, "9*"), "9: d 1 superseded;9: d 6 loaded;");
}

/* Entries under one prefix are found by halving, not by reading all: one that claims the prefix but
 * lies elsewhere is not seen. */
static void prefix_of_a_pattern_is_looked_up(void **state)
{
    (void)state;
    const char *keys[64];
    for (int i = 0; i < 64; i++) {
        char key[16];
        snprintf(key, sizeof key, "%02d/x", i);
        keys[i] = pen_arena_copy(&arena, pen_slice_str(key));
    }
    add_keys(1, keys, 64);
    assert_string_equal(list(3, "11/*"), "11/x d 1 loaded;");
    assert_ok(
        pen_db_exec(db, "UPDATE ledger SET object_key = '11/y' WHERE object_key = '50/x'", err));
    assert_string_equal(list(3, "11/*"), "11/x d 1 loaded;");
    assert_string_equal(list(3, "*1/y"), "11/y d 1 loaded;");
}

/* The rows of ledger_job as older versions left them, whose keys could fall. */
static void migration_cuts_runs_where_keys_fall(void **state)
{
    static const char *const keys[] = {"8:", "9:", "10:", "11:", "100:"};
    (void)state;
    add_keys(7, keys, 5);
    add_keys(8, keys, 2);
    assert_int_equal(query_int("SELECT count(*) FROM ledger_job"), 4);
    assert_ok(pen_db_exec(db,
                          "DELETE FROM ledger_job WHERE first_entry > 1;"
                          "UPDATE ledger_job SET entry_count = 5;"
                          "INSERT INTO ledger_job VALUES (8, 3, 108, 6, 2)",
                          err));
    assert_string_not_equal(list(3, "8:"), "8: d 7 superseded;8: d 8 loaded;");
    assert_string_equal(pen_migrations[10].name, "0011_ledger_runs.sql");
    assert_ok(pen_db_exec(db, pen_migrations[10].sql, err));
    assert_int_equal(query_int("SELECT count(*) FROM ledger_job"), 4);
    assert_int_equal(query_int("SELECT sum(entry_count) FROM ledger_job"), 7);
    assert_string_equal(list(3, "8:"), "8: d 7 superseded;8: d 8 loaded;");
    assert_string_equal(list(3, "100*"), "100: d 7 loaded;");
    assert_string_equal(list(3, "1*"), "10: d 7 loaded;11: d 7 loaded;100: d 7 loaded;");
    assert_string_equal(list(3, "9:"), "9: d 7 superseded;9: d 8 loaded;");
}

static void forgotten_keys_may_load_again_and_keep_their_rows(void **state)
{
    (void)state;
    add(3, 1, "a", HEX);
    add(3, 1, "b", HEX);
    add(4, 1, "a", HEX);
    uint64_t count = 0;
    assert_ok(pen_ledger_forget_keys(db, 3, "a", &count, err));
    assert_int_equal(count, 1);
    assert_false(has(3, "a", HEX));
    assert_true(has(3, "b", HEX));
    assert_true(has(4, "a", HEX));
    struct pen_ledger_sum sum;
    assert_ok(pen_ledger_sum(db, 3, &sum, err));
    assert_int_equal(sum.rows, 20);
    assert_ok(pen_ledger_forget_keys(db, 3, "a", &count, err));
    assert_int_equal(count, 0);
    add(3, 2, "a", HEX);
    assert_true(has(3, "a", HEX));
    assert_string_equal(list(3, NULL), "a d 1 forgotten;b d 1 loaded;a d 2 loaded;");
}

static void replaced_entries_are_history(void **state)
{
    (void)state;
    add(3, 1, "a", HEX);
    uint64_t count = 0;
    assert_ok(pen_ledger_forget_keys(db, 3, "*", &count, err));
    add(3, 2, "a", OTHER);
    assert_ok(pen_ledger_forget_table(db, 3, err));
    add(3, 3, "a", HEX);
    assert_string_equal(list(3, NULL), "a d 1 replaced;a e 2 replaced;a d 3 loaded;");
    struct pen_ledger_sum sum;
    assert_ok(pen_ledger_sum(db, 3, &sum, err));
    assert_int_equal(sum.entries, 1);
    assert_int_equal(sum.rows, 10);
}

static void look_up_uses_the_index(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    assert_ok(pen_db_query(db, &stmt, err, "EXPLAIN QUERY PLAN " PEN_LEDGER_HAS_SQL, "iitbit",
                           (int64_t)1, (int64_t)1, "k", pen_slice_str("e"), (int64_t)1, "b"));
    bool has_row = false, is_index_used = false;
    for (;;) {
        assert_ok(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            break;
        const char *detail = pen_stmt_text(stmt, 3).ptr;
        assert_null(strstr(detail, "SCAN"));
        is_index_used |= strstr(detail, "ledger_object") != NULL;
    }
    assert_true(is_index_used);
}

/* A million are measured by bench/bench_ledger.c. */
static void fifty_thousand_objects_take_less_than_150_bytes_each_on_disk(void **state)
{
    (void)state;
    enum { COUNT = 50000, AT_ONCE = 1000 };
    static struct pen_ledger_entry entries[AT_ONCE];
    static char keys[AT_ONCE][80], etags[AT_ONCE][40];
    struct stat before, after;
    assert_ok(pen_db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", err));
    assert_int_equal(stat(db_path, &before), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned at = i % AT_ONCE;
        snprintf(keys[at], sizeof keys[at], "logs/2026/11/22/web-frontend/part-%08u-of-%08u.csv.gz",
                 i, COUNT);
        snprintf(etags[at], sizeof etags[at], "%016llx%016llx", i * 0x9e3779b97f4a7c15ull,
                 i * 0xc2b2ae3d27d4eb4full);
        entries[at] = (struct pen_ledger_entry){.table_id = 1234,
                                                .bucket = "my-company-data",
                                                .key = keys[at],
                                                .etag = etags[at],
                                                .size_bytes = 12345678,
                                                .rows = 98765,
                                                .rejected = 3,
                                                .plain_bytes = 123456789,
                                                .job_id = 1 + i / 5000,
                                                .snapshot_id = 987};
        if (at == AT_ONCE - 1)
            assert_ok(pen_ledger_add(db, entries, AT_ONCE, err));
    }
    assert_ok(pen_db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", err));
    assert_int_equal(stat(db_path, &after), 0);
    assert_true((after.st_size - before.st_size) / COUNT < 150);
    struct pen_ledger_sum sum;
    assert_ok(pen_ledger_sum(db, 1234, &sum, err));
    assert_int_equal(sum.entries, COUNT);
}

int main(void)
{
#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(overwritten_key_shows_as_two_versions),
        LEDGER_TEST(patterns_match_whole_keys_and_slashes),
        LEDGER_TEST(patterns_find_what_fnmatch_finds),
        LEDGER_TEST(prefix_of_a_pattern_is_looked_up),
        LEDGER_TEST(migration_cuts_runs_where_keys_fall),
        LEDGER_TEST(forgotten_keys_may_load_again_and_keep_their_rows),
        LEDGER_TEST(replaced_entries_are_history),
        LEDGER_TEST(look_up_uses_the_index),
        LEDGER_TEST(fifty_thousand_objects_take_less_than_150_bytes_each_on_disk),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
