/* torture_read.c - the way from bytes to rows with every allocation of ours refused in turn.
 *
 *     configuration text -> load -> list -> read -> decode -> parse -> filter -> batches
 *
 * For n = 1, 2, ... the n-th allocation fails, until a run asks for fewer than n: each run must end
 * with the complete and right rows or with PEN_ERR_NOMEM. Leaks are LeakSanitizer's to find
 * (build-asan). Allocations inside libraries (ICU, PCRE2, ISA-L ...) are theirs and are not
 * refused. */
#include "../unit/temp_folder.h"
#include "../unit/unit.h"
#include "refuse_alloc.h"

#include "conf/tree.h"
#include "run/run_scope.h"

#include <bzlib.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#define FILES      3
#define ROWS       40
#define TEXT_BYTES 16384

/* --- input ------------------------------------------------------------------------------------ */

struct text {
    char bytes[TEXT_BYTES];
    size_t len;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text->bytes + text->len, sizeof text->bytes - text->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof text->bytes - text->len);
    text->len += (size_t)len;
}

static void make_csv(struct text *text, int file)
{
    text->len = 0;
    add(text, "id,text,amount,at,more,flag\n");
    for (int row = 0; row < ROWS; row++) {
        int id = file * ROWS + row;
        const char *quoted =
            row % 3 == 0 ? "\"two\nlines, \"\"quoted\"\", and quite a bit longer\"" : "a";
        add(text,
            "%s%d,%s,%d.25,2015-01-27 19:23:%02d UTC,\"{\"\"a\"\":%d,\"\"b\"\":\"\"x\"\"}\",%s\n",
            row % 11 == 5 ? "bad" : "", id, quoted, id, id % 60, id, row % 2 ? "true" : "");
    }
}

static void make_json(struct text *text, int file)
{
    text->len = 0;
    for (int row = 0; row < ROWS; row++) {
        int id = file * ROWS + row;
        add(text,
            "{\"id\":%d,\"text\":\"esc\\u00e9 "
            "\\\"%d\\\"\",\"amount\":%s,\"deep\":{\"a\":[1,{\"b\":%d}]}}%s",
            id, id, row % 7 == 3 ? "\"bad\"" : "1.5e3", id, row % 5 == 4 ? "\n\n" : "\n");
    }
}

static size_t compress(const char *kind, const struct text *plain, uint8_t *out, size_t room)
{
    if (strcmp(kind, "gz") == 0) {
        struct isal_zstream stream;
        isal_deflate_stateless_init(&stream);
        stream.next_in = (uint8_t *)(uintptr_t)plain->bytes;
        stream.avail_in = (uint32_t)plain->len;
        stream.next_out = out;
        stream.avail_out = (uint32_t)room;
        stream.gzip_flag = IGZIP_GZIP;
        stream.end_of_stream = 1;
        assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
        return stream.total_out;
    }
    if (strcmp(kind, "bz2") == 0) {
        unsigned len = (unsigned)room;
        assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out, &len,
                                                  (char *)(uintptr_t)plain->bytes,
                                                  (unsigned)plain->len, 1, 0, 0),
                         BZ_OK);
        return len;
    }
    if (strcmp(kind, "xz") == 0) {
        size_t len = 0;
        assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL,
                                                 (const uint8_t *)plain->bytes, plain->len, out,
                                                 &len, room),
                         LZMA_OK);
        return len;
    }
    size_t len = ZSTD_compress(out, room, plain->bytes, plain->len, 1);
    assert_false(ZSTD_isError(len));
    return len;
}

static void write_file(const char *name, int number, const void *bytes, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s-%d", temp_folder, name, number);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(close(fd), 0);
}

static int make_files(void **state)
{
    static struct text text;
    static uint8_t packed[2 * TEXT_BYTES];
    static const char *const kinds[] = {"gz", "bz2", "xz", "zst"};
    if (temp_folder_make(state) != 0)
        return 1;
    for (int file = 0; file < FILES; file++) {
        make_json(&text, file);
        write_file("json", file, text.bytes, text.len);
        make_csv(&text, file);
        write_file("csv", file, text.bytes, text.len);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            write_file(kinds[i], file, packed, compress(kinds[i], &text, packed, sizeof packed));
    }
    return 0;
}

/* --- one run ---------------------------------------------------------------------------------- */

struct outcome {
    enum pen_code code;
    uint64_t rows, hash, rejected, filtered;
};

struct objects {
    struct pen_arena *arena;
    struct pen_object items[FILES];
    size_t count;
};

static enum pen_code take_object(void *context, const struct pen_object *object,
                                 struct pen_error *err)
{
    struct objects *objects = context;
    struct pen_object copy = *object;
    copy.key = pen_arena_copy(objects->arena, pen_slice_str(object->key));
    copy.etag = pen_arena_copy(objects->arena, pen_slice_str(object->etag));
    copy.version_id = pen_arena_copy(objects->arena, pen_slice_str(object->version_id));
    if (copy.key == NULL || copy.etag == NULL || copy.version_id == NULL)
        return pen_fail_nomem(err);
    assert(objects->count < FILES);
    objects->items[objects->count++] = copy;
    return PEN_OK;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_cell(uint64_t hash, const struct pen_column *column, enum pen_type type,
                          size_t row)
{
    if (!pen_column_is_valid(column, row))
        return hash_bytes(hash, "null", 4);
    if (type == PEN_TYPE_BOOLEAN)
        return hash_bytes(hash, &pen_column_booleans(column)[row], 1);
    if (type == PEN_TYPE_STRING || type == PEN_TYPE_JSON) {
        struct pen_slice text = pen_string_slice(&pen_column_strings(column)[row]);
        return hash_bytes(hash, text.ptr, text.len);
    }
    return hash_bytes(hash, &pen_column_longs(column)[row], 8);
}

static void take_batch(struct outcome *outcome, const struct pen_schema *schema,
                       const struct pen_batch *batch)
{
    for (size_t row = 0; row < batch->rows; row++) {
        uint64_t hash = 0xcbf29ce484222325u;
        for (size_t i = 0; i < schema->count; i++)
            hash = hash_cell(hash, &batch->columns[i], schema->fields[i].type, row);
        outcome->hash += hash;
        outcome->rows++;
    }
}

static enum pen_code pull(struct pen_task *task, struct outcome *outcome, struct pen_error *err)
{
    struct pen_task_stream *stream = pen_task_stream(task);
    for (;;) {
        const struct pen_batch *batch = NULL;
        PEN_TRY(stream->next(stream, 0, &batch, err));
        if (batch == NULL)
            return pen_task_check(task, err);
        take_batch(outcome, stream->schema, batch);
    }
}

/* What a run holds; released whatever happened. */
struct rig {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_run_scope scope;
    struct pen_prefetch *prefetch;
    struct pen_rejects rejects;
    struct pen_account account;
    struct pen_progress progress;
    struct pen_task *task;
};

static void rig_release(struct rig *rig)
{
    pen_task_free(rig->task);
    pen_account_release(&rig->account);
    pen_rejects_release(&rig->rejects);
    pen_prefetch_free(rig->prefetch);
    pen_run_scope_close(&rig->scope);
    pen_buf_release(&rig->warnings.text);
    pen_arena_release(&rig->arena);
}

static enum pen_code run_rig(struct rig *rig, const char *text, struct outcome *outcome,
                             struct pen_error *err)
{
    struct pen_node *config = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(text), "load.yml", &rig->arena, &config, err));
    struct pen_run_env env = {.bind = {"load.yml", &rig->arena, &rig->warnings}, .config = config};
    struct pen_load_options load_options = {.started_us = 1};
    PEN_TRY(pen_run_scope_open(&env, &load_options, &rig->scope, err));
    struct pen_source *source = rig->scope.load->source;
    struct objects objects = {.arena = &rig->arena};
    PEN_TRY(source->type->list(source, take_object, &objects, err));
    PEN_TRY(pen_prefetch_new(source, objects.items, objects.count, 2, &rig->prefetch, err));
    struct pen_rejects_options reject_options = {.max_records = -1};
    PEN_TRY(pen_rejects_init(&rig->rejects, &reject_options, err));
    PEN_TRY(pen_account_init(&rig->account, 0, objects.count, err));
    struct pen_task_options options = {.load = rig->scope.load,
                                       .prefetch = rig->prefetch,
                                       .objects = objects.items,
                                       .count = objects.count,
                                       .rejects = &rig->rejects,
                                       .account = &rig->account,
                                       .progress = &rig->progress,
                                       .worker_count = 1,
                                       .chunk_bytes = 512};
    PEN_TRY(pen_task_new(&options, &rig->task, err));
    enum pen_code code = pull(rig->task, outcome, err);
    struct pen_account_totals totals = pen_account_sum(&rig->account);
    outcome->rejected = totals.rejected;
    outcome->filtered = totals.filtered;
    PEN_TRY(code);
    return pen_account_check(&rig->account, outcome->rows, err);
}

static char last_error[512];

static struct outcome run_once(const char *text)
{
    struct rig rig = {.arena = PEN_ARENA((size_t)64 << 20), .warnings = {PEN_BUF(1 << 16)}};
    struct outcome outcome = {0};
    struct pen_error err = {0};
    outcome.code = run_rig(&rig, text, &outcome, &err);
    if (outcome.code != PEN_OK)
        (void)snprintf(last_error, sizeof last_error, "%s: %s", err.where, err.message);
    rig_release(&rig);
    return outcome;
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
    return a->rows == b->rows && a->hash == b->hash && a->rejected == b->rejected &&
           a->filtered == b->filtered;
}

static void refuse_each(const char *name, const char *parser, const char *rest)
{
    static char text[4096];
    (void)snprintf(text, sizeof text, "in:\n  type: file\n  path_prefix: %s/%s-\n%s%s", temp_folder,
                   name, parser, rest);
    struct outcome right = run_once(text);
    if (right.code != PEN_OK)
        fail_msg("%s", last_error);
    assert_true(right.rows > 0);
    unsigned long n = 0, refused = 0;
    do {
        n++;
        refuse_alloc_from(n, n % 5 == 0); /* some of them stay refused */
        struct outcome outcome = run_once(text);
        refused += outcome.code == PEN_ERR_NOMEM;
        (void)refuse_alloc_stop();
        if (outcome.code != PEN_OK && outcome.code != PEN_ERR_NOMEM)
            fail_msg("allocation %lu refused: code %d: %s", n, (int)outcome.code, last_error);
        if (outcome.code == PEN_OK && !is_same(&outcome, &right))
            fail_msg("allocation %lu refused: %llu rows of %llu without an error", n,
                     (unsigned long long)outcome.rows, (unsigned long long)right.rows);
    } while (refuse_alloc_fired());
    assert_true(refused > n / 2); /* else something eats errors */
    print_message("# %s: %lu allocations, %lu led to an error\n", name, n - 1, refused);
}

/* --- the ways of the bytes -------------------------------------------------------------------- */

#define CSV                                                                                        \
    "  parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: text, "  \
    "type: string},\n"                                                                             \
    "    {name: amount, type: double}, {name: at, type: timestamp, format: '%Y-%m-%d %H:%M:%S "    \
    "%Z'},\n"                                                                                      \
    "    {name: more, type: json}, {name: flag, type: boolean}]}\n"
#define JSON                                                                                       \
    "  parser: {type: json, columns: [{name: id, type: long}, {name: text, type: string},\n"       \
    "    {name: amount, type: double}, {name: b, type: long, element_at: /deep/a/1/b}, {name: "    \
    "deep, type: json}]}\n"

static void csv_with_every_type(void **state)
{
    (void)state;
    refuse_each("csv", CSV, "");
}

static void csv_in_another_charset(void **state)
{
    (void)state;
    refuse_each("csv",
                "  parser: {type: csv, charset: Shift_JIS, skip_header_lines: 1, "
                "allow_extra_columns: true,\n"
                "    columns: [{name: id, type: long}, {name: text, type: string}]}\n",
                "");
}

static void json_with_pointers(void **state)
{
    (void)state;
    refuse_each("json", JSON, "");
}

static void json_as_one_column(void **state)
{
    (void)state;
    refuse_each("json", "  parser: {type: json}\n", "");
}

static void compressed_csv(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        {"gz", "gzip"}, {"bz2", "bzip2"}, {"xz", "xz"}, {"zst", "zstd"}};
    for (size_t i = 0; i < 4; i++) {
        char decoders[64];
        (void)snprintf(decoders, sizeof decoders, "  decoders: [{type: %s}]\n", kinds[i][1]);
        refuse_each(kinds[i][0], CSV, decoders);
    }
}

static void all_filters(void **state)
{
    (void)state;
    refuse_each("csv", CSV,
                "filters:\n"
                "- {type: where, all: [{column: id, operator: '!=', value: 6}, {column: text, "
                "operator: matches, value: '.'}]}\n"
                "- {type: expand_json, json_column_name: more, expanded_columns: [{name: a, type: "
                "long}, {name: b, type: string}]}\n"
                "- {type: column, add_columns: [{name: copy, src: text}, {name: c, type: string, "
                "default: some}]}\n"
                "- {type: hash, columns: [{name: copy, algorithm: SHA-256}]}\n"
                "- {type: mask, columns: [{name: text}]}\n"
                "- {type: add_time, to_column: {name: time, type: long}, from_column: {name: at}}\n"
                "- {type: rename, rules: [{rule: lower_to_upper}]}\n"
                "- {type: remove_columns, remove: [FLAG]}\n"
                "- {type: source_columns, columns: [key, line]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_with_every_type), cmocka_unit_test(csv_in_another_charset),
        cmocka_unit_test(json_with_pointers),  cmocka_unit_test(json_as_one_column),
        cmocka_unit_test(compressed_csv),      cmocka_unit_test(all_filters),
    };
    return cmocka_run_group_tests(tests, make_files, temp_folder_remove);
}
