/* A task must deliver the same rows whatever the cut of its text and the number of its workers. */
#include "unit.h"

#include "run/run_scope.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES         40
#define ROWS_PER_FILE 501

static char folder[] = "/tmp/penstock-task-XXXXXX";

/* File f, row r: id, a text with quotes, commas and newlines, a number that is bad in every 50th.
 */
static void write_file(int f)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/part-%03d.csv", folder, f);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "id,text,number\n");
    for (int r = 0; r < ROWS_PER_FILE; r++) {
        int id = f * ROWS_PER_FILE + r;
        const char *text = id % 3 == 0   ? "\"two\nlines, \"\"quoted\"\" and long enough\""
                           : id % 3 == 1 ? "short"
                                         : "a longer text without any quote \xc3\xa9";
        (void)fprintf(file, "%d,%s,%s%d\n", id, text, id % 50 == 7 ? "x" : "", id * 2);
    }
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int f = 0; f < FILES; f++)
        write_file(f);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    char path[128];
    for (int f = 0; f < FILES; f++) {
        (void)snprintf(path, sizeof path, "%s/part-%03d.csv", folder, f);
        (void)unlink(path);
    }
    return rmdir(folder);
}

struct objects {
    struct pen_arena *arena;
    struct pen_object items[FILES];
    size_t count;
};

static enum pen_code take_object(void *context, const struct pen_object *object,
                                 struct pen_error *err)
{
    (void)err;
    struct objects *objects = context;
    struct pen_object copy = *object;
    copy.key = pen_arena_copy(objects->arena, pen_slice_str(object->key));
    copy.etag = pen_arena_copy(objects->arena, pen_slice_str(object->etag));
    copy.version_id = pen_arena_copy(objects->arena, pen_slice_str(object->version_id));
    objects->items[objects->count++] = copy;
    return PEN_OK;
}

/* What one worker saw. */
struct seen {
    struct pen_task_stream *stream;
    unsigned worker;
    uint64_t rows, id_sum, id_xor, text_bytes, bad_texts, number_sum;
    enum pen_code code;
};

static void look_at(struct seen *seen, const struct pen_batch *batch)
{
    static const char *const texts[] = {"two\nlines, \"quoted\" and long enough", "short",
                                        "a longer text without any quote \xc3\xa9"};
    for (size_t row = 0; row < batch->rows; row++) {
        int64_t id = pen_column_longs(&batch->columns[0])[row];
        struct pen_slice text = pen_string_slice(&pen_column_strings(&batch->columns[1])[row]);
        seen->rows++;
        seen->id_sum += (uint64_t)id;
        seen->id_xor ^= (uint64_t)id * 0x9E3779B97F4A7C15u;
        seen->text_bytes += text.len;
        seen->bad_texts += !pen_slice_is(text, texts[id % 3]);
        seen->number_sum += (uint64_t)pen_column_longs(&batch->columns[2])[row];
    }
}

/* A batch must stay whole until the worker's call after the next one: so look at it late. */
static void *pull(void *context)
{
    struct seen *seen = context;
    const struct pen_batch *before = NULL, *batch = NULL;
    do {
        seen->code = seen->stream->next(seen->stream, seen->worker, &batch, NULL);
        if (before != NULL)
            look_at(seen, before);
        before = batch;
    } while (seen->code == PEN_OK && batch != NULL);
    return NULL;
}

static const char *const config_text =
    "in:\n"
    "  type: file\n"
    "  path_prefix: %s/part-\n"
    "  parser: {type: csv, skip_header_lines: 1, newline: LF, columns: [\n"
    "    {name: id, type: long}, {name: text, type: string}, {name: number, type: long}]}\n";

static void run_once(size_t chunk_bytes, unsigned workers)
{
    struct pen_arena arena = PEN_ARENA(64 << 20);
    char text[512];
    (void)snprintf(text, sizeof text, config_text, folder);
    struct pen_run_env env = {.bind = {.file = "load.yml", .arena = &arena}};
    struct pen_node *config = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &config, err));
    env.config = config;
    struct pen_run_scope scope;
    struct pen_load_options load_options = {0};
    assert_ok(pen_run_scope_open(&env, &load_options, &scope, err));
    struct objects objects = {.arena = &arena};
    assert_ok(scope.load->source->type->list(scope.load->source, take_object, &objects, err));
    assert_int_equal(objects.count, FILES);

    struct pen_prefetch *prefetch = NULL;
    assert_ok(pen_prefetch_new(scope.load->source, objects.items, FILES, 4, &prefetch, err));
    struct pen_rejects rejects;
    struct pen_rejects_options reject_options = {.max_records = -1};
    assert_ok(pen_rejects_init(&rejects, &reject_options, err));
    struct pen_account account = {0};
    assert_ok(pen_account_init(&account, 0, FILES, err));
    struct pen_progress progress = {0};
    struct pen_task_options options = {.load = scope.load,
                                       .prefetch = prefetch,
                                       .objects = objects.items,
                                       .count = FILES,
                                       .rejects = &rejects,
                                       .account = &account,
                                       .progress = &progress,
                                       .worker_count = workers,
                                       .chunk_bytes = chunk_bytes};
    struct pen_task *task = NULL;
    assert_ok(pen_task_new(&options, &task, err));

    struct seen seen[4] = {0};
    pthread_t threads[4];
    for (unsigned w = 0; w < workers; w++) {
        seen[w] = (struct seen){.stream = pen_task_stream(task), .worker = w};
        assert_int_equal(pthread_create(&threads[w], NULL, pull, &seen[w]), 0);
    }
    struct seen sum = {0};
    for (unsigned w = 0; w < workers; w++) {
        assert_int_equal(pthread_join(threads[w], NULL), 0);
        assert_int_equal(seen[w].code, PEN_OK);
        sum.rows += seen[w].rows;
        sum.id_sum += seen[w].id_sum;
        sum.id_xor ^= seen[w].id_xor;
        sum.bad_texts += seen[w].bad_texts;
        sum.number_sum += seen[w].number_sum;
    }
    uint64_t all = (uint64_t)FILES * ROWS_PER_FILE, rows = 0, id_sum = 0, id_xor = 0;
    for (uint64_t id = 0; id < all; id++) {
        if (id % 50 == 7)
            continue;
        rows++;
        id_sum += id;
        id_xor ^= id * 0x9E3779B97F4A7C15u;
    }
    assert_int_equal(sum.rows, rows);
    assert_int_equal(sum.id_sum, id_sum);
    assert_int_equal(sum.id_xor, id_xor);
    assert_int_equal(sum.number_sum, id_sum * 2);
    assert_int_equal(sum.bad_texts, 0);
    assert_ok(pen_task_check(task, err));
    assert_ok(pen_account_check(&account, rows, err));
    assert_int_equal(progress.objects, FILES);

    pen_task_free(task);
    pen_account_release(&account);
    pen_rejects_release(&rejects);
    pen_prefetch_free(prefetch);
    pen_run_scope_close(&scope);
    pen_arena_release(&arena);
}

static void task_delivers_every_row_once_at_every_chunk_size(void **state)
{
    (void)state;
    for (size_t chunk = 64; chunk < 400; chunk += 37)
        run_once(chunk, 1);
    run_once(4096, 1);
    run_once(0, 1);
}

static void task_delivers_every_row_once_to_several_workers(void **state)
{
    (void)state;
    run_once(64, 3);
    run_once(700, 4);
    run_once(0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(task_delivers_every_row_once_at_every_chunk_size),
        cmocka_unit_test(task_delivers_every_row_once_to_several_workers),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
