/* torture_commit.c - a job's life in the catalog with every allocation refused in turn: ours and
 * SQLite's.
 *
 *     open -> job -> plan -> task done -> commit (rows + ledger + job)   or the same job's failure
 *
 * Each run starts from a copy of the same catalog. It must end with everything done or with
 * PEN_ERR_NOMEM, and then the rows, the ledger and the snapshots are the ones of before. */
#include "../unit/temp_folder.h"
#include "../unit/unit.h"
#include "refuse_alloc.h"

#include "lake/lake.h"
#include "meta/job.h"
#include "meta/job_plan.h"
#include "meta/ledger.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECTS 3
#define OWNER   "me"

/* --- SQLite's allocations --------------------------------------------------------------------- */

static sqlite3_mem_methods sqlite_memory;

static void *refusing_malloc(int size)
{
    return refuse_alloc_take() ? NULL : sqlite_memory.xMalloc(size);
}

static void *refusing_realloc(void *old, int size)
{
    return refuse_alloc_take() ? NULL : sqlite_memory.xRealloc(old, size);
}

/* In memory when that is possible: thousands of runs sync dozens of times each. */
static int make_folder(void **state)
{
    memcpy(temp_folder, "/dev/shm/pen_test_XXXXXX", sizeof "/dev/shm/pen_test_XXXXXX");
    return mkdtemp(temp_folder) == NULL ? temp_folder_make(state) : 0;
}

static int install_allocator(void **state)
{
    sqlite3_mem_methods refusing;
    if (make_folder(state) != 0 ||
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory) != SQLITE_OK)
        return 1;
    refusing = sqlite_memory;
    refusing.xMalloc = refusing_malloc;
    refusing.xRealloc = refusing_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &refusing) != SQLITE_OK ||
           sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK;
}

/* --- one run ---------------------------------------------------------------------------------- */

/* What the job loads: two columns of the table and, the second time, one that is new. */
struct rig {
    struct pen_arena arena;
    struct pen_lake *lake;
    struct pen_lake_layout layout;
    struct pen_schema schema;
    struct pen_parts parts;
    int64_t job_id;
    enum pen_lake_mode mode;
};

static void rig_release(struct rig *rig)
{
    pen_parts_release(&rig->parts);
    pen_schema_clear(&rig->schema);
    pen_lake_close(rig->lake);
    pen_arena_release(&rig->arena);
}

static enum pen_code make_schema(struct rig *rig, bool has_more, struct pen_error *err)
{
    PEN_TRY(pen_schema_add(&rig->schema, PEN_LIT("id"), PEN_TYPE_LONG, NULL, err));
    PEN_TRY(pen_schema_add(&rig->schema, PEN_LIT("Odd Name"), PEN_TYPE_STRING, NULL, err));
    if (has_more)
        PEN_TRY(pen_schema_add(&rig->schema, PEN_LIT("more"), PEN_TYPE_DOUBLE, NULL, err));
    return pen_schema_add(&rig->schema, PEN_LIT("time"), PEN_TYPE_LONG, NULL, err);
}

static enum pen_code create_database(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    (void)context;
    return pen_lake_database_create(txn, "sample", err);
}

static enum pen_code make_layout(struct rig *rig, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(rig->lake, &txn, err));
    struct pen_lake_wish wish = {"sample", "tab", &rig->schema, true};
    return pen_lake_layout(txn, &wish, &rig->arena, &rig->layout, err);
}

static enum pen_code start_job(struct rig *rig, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(rig->lake);
    struct pen_job job = {.type = "bulkload",
                          .database = "sample",
                          .table = "tab",
                          .config = "{\"in\":{\"type\":\"file\"}}",
                          .options = "",
                          .created_us = 1};
    PEN_TRY(pen_job_create(db, &job, &rig->job_id, err));
    PEN_TRY(pen_job_claim_one(db, rig->job_id, OWNER, INT64_MAX, err));
    PEN_TRY(pen_job_start(db, rig->job_id, OWNER, 2, err));
    struct pen_job_object objects[OBJECTS] = {
        {0, "b", "one", "d41d8cd98f00b204e9800998ecf8427e", "", 5, 0},
        {1, "b", "two", "e-2", "v", 6, 0},
        {2, "c", "three", "", "", 7, 0}};
    PEN_TRY(pen_job_objects_add(db, rig->job_id, objects, OBJECTS, err));
    struct pen_job_task task = {.job_id = rig->job_id, .object_count = OBJECTS};
    return pen_job_tasks_add(db, &task, 1, err);
}

static enum pen_code finish_task(struct rig *rig, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(rig->lake);
    static char name[] = "a.parquet";
    struct pen_part_column columns[4] = {{0}};
    for (size_t i = 0; i < rig->schema.count; i++)
        columns[i] = (struct pen_part_column){.value_count = 30, .min = "1", .max = "30"};
    struct pen_part part = {.path = name,
                            .rows = 30,
                            .size_bytes = 1000,
                            .footer_bytes = 100,
                            .columns = columns,
                            .column_count = rig->schema.count};
    struct pen_parts parts = PEN_PARTS;
    enum pen_code code = pen_parts_add(&parts, &part, err);
    struct pen_job_task task = {.job_id = rig->job_id, .object_count = OBJECTS, .records = 30};
    struct pen_job_task_object counts[OBJECTS] = {
        {0, 10, 1, 2, 100}, {1, 20, 0, 0, 200}, {2, 0, 0, 0, 0}};
    if (code == PEN_OK)
        code = pen_job_task_start(db, rig->job_id, 0, err);
    if (code == PEN_OK)
        code = pen_job_part_begin(db, rig->job_id, 0, rig->layout.folder, name, 3, err);
    if (code == PEN_OK)
        code = pen_job_task_done(db, &task, &parts, counts, OBJECTS, err);
    pen_parts_release(&parts);
    return code;
}

static enum pen_code commit_all(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct rig *rig = context;
    struct pen_db *db = pen_lake_txn_db(txn);
    int64_t table_id = 0;
    PEN_TRY(pen_lake_load(txn, &rig->layout, rig->mode, rig->parts.parts, rig->parts.count,
                          &table_id, err));
    PEN_TRY(pen_lake_table_set_time_column(txn, table_id, "id", err));
    if (rig->mode == PEN_LAKE_REPLACE)
        PEN_TRY(pen_ledger_forget_table(db, table_id, err));
    PEN_TRY(
        pen_ledger_add_job(db, rig->job_id, table_id, pen_lake_next_snapshot_id(txn), NULL, err));
    struct pen_job_end end = {
        .status = PEN_JOB_SUCCESS,
        .now_us = 9,
        .counts = {.records = 30, .rejected = 1, .filtered = 2, .objects = OBJECTS},
        .snapshot_id = pen_lake_next_snapshot_id(txn),
        .result = "{}"};
    PEN_TRY(pen_job_finish(db, rig->job_id, OWNER, &end, err));
    return pen_job_plan_delete(db, rig->job_id, true, err);
}

static enum pen_code run_rig(struct rig *rig, const char *home, bool has_more,
                             struct pen_error *err)
{
    PEN_TRY(pen_lake_open(home, PEN_DB_CREATE, &rig->lake, err));
    struct pen_job_reclaimed *reclaimed = NULL;
    size_t count = 0;
    PEN_TRY(pen_job_reclaim(pen_lake_db(rig->lake), 1, &rig->arena, &reclaimed, &count, err));
    PEN_TRY(make_schema(rig, has_more, err));
    PEN_TRY(start_job(rig, err));
    PEN_TRY(make_layout(rig, err));
    PEN_TRY(finish_task(rig, err));
    PEN_TRY(pen_job_parts_get(pen_lake_db(rig->lake), rig->job_id, &rig->parts, err));
    return pen_lake_transact(rig->lake, "job", commit_all, rig, NULL, err);
}

static char last_error[512];

static enum pen_code run_once(const char *home, enum pen_lake_mode mode, bool has_more)
{
    struct rig rig = {.arena = PEN_ARENA((size_t)64 << 20), .parts = PEN_PARTS, .mode = mode};
    struct pen_error err = {0};
    enum pen_code code = run_rig(&rig, home, has_more, &err);
    (void)snprintf(last_error, sizeof last_error, "%s: %s", err.where, err.message);
    rig_release(&rig);
    return code;
}

/* --- the catalog before and after ------------------------------------------------------------- */

/* Everything that a table's reader, a ledger's reader or the next job can see, as one line. */
static void describe(const char *home, char *text, size_t room)
{
    static const char sql[] =
        "SELECT (SELECT group_concat(snapshot_id) FROM ducklake_snapshot) || ' files ' || "
        "(SELECT coalesce(group_concat(begin_snapshot || '-' || coalesce(end_snapshot, '') || ':' "
        "|| record_count), '') "
        " FROM ducklake_data_file) || ' columns ' || "
        "(SELECT coalesce(group_concat(column_name || begin_snapshot), '') FROM ducklake_column) "
        "|| ' stats ' || "
        "(SELECT count(*) FROM ducklake_file_column_stats) || ' ledger ' || "
        "(SELECT coalesce(group_concat(table_id || ':' || object_key || ':' || row_count), '') "
        "FROM ledger) || "
        "' done ' || (SELECT count(*) FROM job WHERE status = 'success')";
    char path[300];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog.sqlite", home);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    (void)snprintf(text, room, "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void copy_catalog(const char *from, const char *to)
{
    static char bytes[4 << 20];
    char path[300];
    (void)snprintf(path, sizeof path, "%s/catalog.sqlite", from);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, bytes, sizeof bytes);
    assert_true(len > 0 && (size_t)len < sizeof bytes);
    (void)close(fd);
    static const char *const ends[] = {"-wal", "-shm"};
    for (size_t i = 0; i < 2; i++) { /* what a refused run may have left */
        (void)snprintf(path, sizeof path, "%s/catalog.sqlite%s", to, ends[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/catalog.sqlite", to);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes, (size_t)len), len);
    (void)close(fd);
}

/* Folder `name` with a catalog that has the database and, when `loads` says so, loads of its own.
 */
static void make_home(const char *home, int loads)
{
    struct pen_lake *lake = NULL;
    assert_int_equal(mkdir(home, 0700), 0);
    assert_ok(pen_lake_open(home, PEN_DB_CREATE, &lake, err));
    assert_ok(pen_lake_transact(lake, NULL, create_database, NULL, NULL, err));
    pen_lake_close(lake);
    for (int i = 0; i < loads; i++)
        assert_int_equal(run_once(home, PEN_LAKE_APPEND, false), PEN_OK);
}

static void refuse_each(const char *name, int loads, enum pen_lake_mode mode, bool has_more)
{
    char start[128], home[128], before[4096], after[4096], now[4096];
    (void)snprintf(start, sizeof start, "%s/%s", temp_folder, name);
    (void)snprintf(home, sizeof home, "%s/%s-run", temp_folder, name);
    make_home(start, loads);
    assert_int_equal(mkdir(home, 0700), 0);
    describe(start, before, sizeof before);
    copy_catalog(start, home);
    if (run_once(home, mode, has_more) != PEN_OK)
        fail_msg("%s", last_error);
    describe(home, after, sizeof after);
    assert_string_not_equal(before, after);

    unsigned long n = 0, refused = 0, step = getenv("PENSTOCK_TORTURE") != NULL ? 1 : 11;
    bool has_fired = true;
    for (n = 1; has_fired; n += step) {
        copy_catalog(start, home);
        refuse_alloc_from(n, n % 5 == 0);
        enum pen_code code = run_once(home, mode, has_more);
        has_fired = refuse_alloc_fired();
        (void)refuse_alloc_stop();
        if (code != PEN_OK && code != PEN_ERR_NOMEM)
            fail_msg("allocation %lu refused: code %d: %s", n, (int)code, last_error);
        refused += code == PEN_ERR_NOMEM;
        describe(home, now, sizeof now);
        if (strcmp(now, code == PEN_OK ? after : before) != 0)
            fail_msg("allocation %lu refused, code %d: the catalog is\n%s\nbefore %s\nafter %s", n,
                     (int)code, now, before, after);
    }
    assert_true(refused > n / step / 3);
    print_message("# %s: up to allocation %lu, %lu runs led to an error\n", name, n, refused);
}

static void first_load_makes_the_table_or_nothing(void **state)
{
    (void)state;
    refuse_each("first", 0, PEN_LAKE_APPEND, false);
}

static void append_with_a_new_column_is_whole_or_nothing(void **state)
{
    (void)state;
    refuse_each("append", 2, PEN_LAKE_APPEND, true);
}

static void replace_is_whole_or_nothing(void **state)
{
    (void)state;
    refuse_each("replace", 2, PEN_LAKE_REPLACE, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_load_makes_the_table_or_nothing),
        cmocka_unit_test(append_with_a_new_column_is_whole_or_nothing),
        cmocka_unit_test(replace_is_whole_or_nothing),
    };
    return cmocka_run_group_tests(tests, install_allocator, temp_folder_remove);
}
