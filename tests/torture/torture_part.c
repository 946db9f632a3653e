/* torture_part.c - our writer of parts with everything it asks of the system refused in turn: each
 * allocation, each thread, each byte of the disk.
 *
 *     one batch, handed out again and again --> workers --> a part with two row groups
 *
 * Each run ends with the whole part, or with the error, no part and no file. */
#include "../unit/random.h"
#include "../unit/temp_folder.h"
#include "../unit/unit.h"
#include "refuse_alloc.h"

#include "parquet/parquet.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS 6
#define ROWS    2000
#define CALLS   (PEN_ROW_GROUP_ROWS / ROWS + 4)

/* --- threads that do not start ---------------------------------------------------------------- */

static unsigned thread_to_refuse, threads_asked; /* from 1; 0: none */

/* NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier): the linker's names */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *context);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                          void *context)
{
    if (++threads_asked == thread_to_refuse)
        return EAGAIN;
    return __real_pthread_create(thread, attr, start, context);
}
/* NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier) */

/* --- the stream ------------------------------------------------------------------------------- */

static struct rig {
    struct pen_task_stream stream; /* first */
    struct pen_schema schema;
    struct pen_batch *batch;
    struct pen_part_field fields[COLUMNS];
    atomic_uint calls;
} rig;

static enum pen_code next(struct pen_task_stream *stream, unsigned worker,
                          const struct pen_batch **ret_batch, struct pen_error *err)
{
    (void)stream, (void)worker, (void)err;
    *ret_batch = atomic_fetch_add(&rig.calls, 1) < CALLS ? rig.batch : NULL;
    return PEN_OK;
}

static void set_value(struct pen_column *column, size_t row, bool is_known, uint64_t *seed)
{
    char text[80];
    switch (column->type) {
    case PEN_TYPE_LONG:
        pen_column_longs(column)[row] = (int64_t)row * 3;
        return;
    case PEN_TYPE_TIMESTAMP:
        pen_column_longs(column)[row] = (int64_t)(row % 9) * PEN_US_PER_SECOND;
        return;
    case PEN_TYPE_DOUBLE:
        pen_column_longs(column)[row] = (int64_t)(random_next(seed) >> 2);
        return;
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(column)[row] = row % 3 == 0;
        return;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    size_t number = is_known ? row % 700 : row;
    size_t len = (size_t)snprintf(text, sizeof text, "text number %zu of this column", number);
    pen_column_strings(column)[row] =
        pen_string_make(pen_arena_copy(&rig.batch->arena, pen_slice(text, len)), len);
}

static int rig_make(void **state)
{
    static const enum pen_type types[COLUMNS] = {PEN_TYPE_LONG,   PEN_TYPE_TIMESTAMP,
                                                 PEN_TYPE_DOUBLE, PEN_TYPE_BOOLEAN,
                                                 PEN_TYPE_STRING, PEN_TYPE_STRING};
    static const char *const names[COLUMNS] = {"time", "t", "d", "b", "known", "new"};
    uint64_t seed = 1;
    memcpy(temp_folder, "/dev/shm/pen_test_XXXXXX", sizeof "/dev/shm/pen_test_XXXXXX");
    if (mkdtemp(temp_folder) == NULL && temp_folder_make(state) != 0)
        return 1;
    for (size_t c = 0; c < COLUMNS; c++) {
        assert_ok(pen_schema_add(&rig.schema, pen_slice_str(names[c]), types[c], NULL, err));
        rig.fields[c] = (struct pen_part_field){(int64_t)c + 1, names[c], NULL};
    }
    assert_ok(pen_batch_new(PEN_BATCH_ROWS, &rig.batch, err));
    assert_ok(pen_batch_begin(rig.batch, &rig.schema, err));
    for (size_t row = 0; row < ROWS; row++)
        for (size_t c = 0; c < COLUMNS; c++) {
            set_value(&rig.batch->columns[c], row, c == 4, &seed);
            pen_column_set_valid(&rig.batch->columns[c], row, c == 0 || (row + c) % 7 != 0);
        }
    rig.batch->rows = ROWS;
    rig.stream = (struct pen_task_stream){&rig.schema, 1, next};
    return 0;
}

static int rig_release(void **state)
{
    pen_batch_free(rig.batch);
    pen_schema_clear(&rig.schema);
    return temp_folder_remove(state);
}

/* --- one run ---------------------------------------------------------------------------------- */

/* Returns how it ended; `expected` or PEN_OK. out: *ret_bytes: of the file, 0 when there is none.
 */
static enum pen_code run(unsigned workers, enum pen_code expected, uint64_t *ret_bytes)
{
    char name[PEN_PART_NAME];
    pen_part_name(name);
    const struct pen_part_options options = {
        .folder = temp_path("part"), .file_name = name, .columns = rig.fields};
    struct pen_parts parts = PEN_PARTS;
    struct pen_error failure = {0};
    struct stat info;
    atomic_store(&rig.calls, 0);
    threads_asked = 0;
    rig.stream.worker_count = workers;
    enum pen_code code = pen_parquet_write_part(&rig.stream, &options, &parts, &failure);
    (void)refuse_alloc_stop(); /* what follows is the test's own */
    char path[256];
    (void)snprintf(path, sizeof path, "%s/part/%s", temp_folder, name);
    bool is_there = stat(path, &info) == 0;
    assert_true(code == PEN_OK || code == expected);
    assert_int_equal(failure.code, code);
    assert_int_equal(parts.count, code == PEN_OK);
    assert_int_equal(is_there, code == PEN_OK);
    *ret_bytes = is_there ? (uint64_t)info.st_size : 0;
    if (is_there) {
        assert_int_equal(parts.parts[0].rows, CALLS * ROWS);
        assert_int_equal(parts.parts[0].size_bytes, info.st_size);
        assert_int_equal(unlink(path), 0);
    }
    pen_parts_release(&parts);
    return code;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void refuse_each_allocation(unsigned workers, bool is_lasting)
{
    uint64_t bytes;
    refuse_alloc_from(0, false);
    assert_int_equal(run(workers, PEN_OK, &bytes), PEN_OK);
    unsigned long count = refuse_alloc_stop(), failed = 0;
    assert_true(count > 50);
    for (unsigned long n = 1; n <= count; n++) {
        refuse_alloc_from(n, is_lasting);
        failed += run(workers, PEN_ERR_NOMEM, &bytes) != PEN_OK;
    }
    /* of several workers one may do all the work and ask for less */
    assert_true(workers > 1 ? failed > 0 : failed == count);
}

static void every_refused_allocation_ends_without_a_part(void **state)
{
    (void)state;
    refuse_each_allocation(1, false);
    refuse_each_allocation(3, true);
}

static void every_thread_that_does_not_start_ends_without_a_part(void **state)
{
    (void)state;
    uint64_t bytes;
    for (thread_to_refuse = 1; thread_to_refuse <= 3; thread_to_refuse++)
        assert_int_equal(run(4, PEN_ERR_INTERNAL, &bytes), PEN_ERR_INTERNAL);
    assert_int_equal(run(4, PEN_OK, &bytes), PEN_OK); /* a fourth is not asked for */
    thread_to_refuse = 0;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The kernel writes up to the limit and says so: a short write, then an error. */
static void a_disk_that_is_full_at_any_byte_ends_without_a_part(void **state)
{
    (void)state;
    uint64_t whole, bytes;
    assert_int_equal(run(1, PEN_OK, &whole), PEN_OK);
    const uint64_t limits[] = {0, 3, 4, 5, 5000, whole / 2, whole - 9, whole - 8, whole - 1};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        for (unsigned workers = 1; workers <= 3; workers += 2) {
            limit_files(limits[i]);
            enum pen_code code = run(workers, PEN_ERR_IO, &bytes);
            limit_files(RLIM_INFINITY);
            /* row groups of several workers differ in number, and so does the file's size */
            assert_true(code == PEN_ERR_IO || (workers > 1 && limits[i] > whole / 2));
        }
    limit_files(whole);
    assert_int_equal(run(1, PEN_OK, &bytes), PEN_OK);
    limit_files(RLIM_INFINITY);
    assert_int_equal(bytes, whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refused_allocation_ends_without_a_part),
        cmocka_unit_test(every_thread_that_does_not_start_ends_without_a_part),
        cmocka_unit_test(a_disk_that_is_full_at_any_byte_ends_without_a_part),
    };
    return cmocka_run_group_tests(tests, rig_make, rig_release);
}
