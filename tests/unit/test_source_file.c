#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/tree.h"
#include "source/source.h"
#include "temp_folder.h"

struct rig {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_source *source;
    volatile int cancel;
    char log[8192];
    char keys[8192]; /* accepted keys below the temporary folder, each followed by a space */
    char etag[64];   /* of the last one */
    uint64_t size_bytes;
    int64_t modified_us;
};

static void take_log(void *context, const char *level, const char *text)
{
    struct rig *rig = context;
    size_t len = strlen(rig->log);
    (void)snprintf(rig->log + len, sizeof rig->log - len, "%s: %s\n", level, text);
}

static enum pen_code take_object(void *context, const struct pen_object *object,
                                 struct pen_error *err)
{
    (void)err;
    struct rig *rig = context;
    size_t len = strlen(rig->keys), top = strlen(temp_folder);
    const char *key = object->key;
    if (strncmp(key, temp_folder, top) == 0 && key[top] == '/')
        key += top + 1;
    (void)snprintf(rig->keys + len, sizeof rig->keys - len, "%s ", key);
    (void)snprintf(rig->etag, sizeof rig->etag, "%s", object->etag);
    rig->size_bytes = object->size_bytes;
    rig->modified_us = object->modified_us;
    return PEN_OK;
}

/* in: yaml: with @ for the temporary folder */
static enum pen_code rig_open(struct rig *rig, const char *yaml, struct pen_error *err)
{
    memset(rig, 0, sizeof *rig);
    rig->arena = PEN_ARENA((size_t)1 << 20);
    rig->warnings.text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(4096);
    for (; *yaml != '\0'; yaml++) {
        if (*yaml == '@')
            PEN_TRY(pen_buf_add_str(&text, temp_folder, err));
        else
            PEN_TRY(pen_buf_add_char(&text, *yaml, err));
    }
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse(pen_buf_slice(&text), "load.yml", &rig->arena, &root, err));
    struct pen_source_env env = {.bind = {"load.yml", &rig->arena, &rig->warnings},
                                 .cancel = &rig->cancel,
                                 .log = take_log,
                                 .log_context = rig};
    return pen_source_new(&pen_source_file, root, &env, &rig->source, err);
}

static enum pen_code rig_list(struct rig *rig, struct pen_error *err)
{
    rig->keys[0] = '\0';
    return rig->source->type->list(rig->source, take_object, rig, err);
}

static void rig_close(struct rig *rig)
{
    pen_source_free(rig->source);
    pen_buf_release(&rig->warnings.text);
    pen_arena_release(&rig->arena);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(temp_path(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(temp_path(name), 0755), 0);
}

/* a fresh tree below the temporary folder for each test */
static int start(void **state)
{
    if (temp_folder_make(state) != 0)
        return 1;
    make_folder("d");
    make_folder("d/in");
    make_folder("d/in/deep");
    write_file("d/in.csv", "1");
    write_file("d/in-x.csv", "22");
    write_file("d/in/a.csv", "333");
    write_file("d/in/empty.csv", "");
    write_file("d/in/deep/b.csv.gz", "4444");
    write_file("d/in0", "55555");
    write_file("d/other.csv", "6");
    return 0;
}

static void assert_lists(const char *yaml, const char *expected)
{
    struct rig rig;
    assert_ok(rig_open(&rig, yaml, err));
    assert_ok(rig_list(&rig, err));
    assert_string_equal(rig.keys, expected);
    rig_close(&rig);
}

static void file_list_walks_the_prefix_in_byte_order_of_whole_paths(void **state)
{
    (void)state;
    /* '-' < '.' < '/' < '0': as a bucket would list these keys */
    assert_lists("{type: file, path_prefix: @/d/in}",
                 "d/in-x.csv d/in.csv d/in/a.csv d/in/deep/b.csv.gz d/in0 ");
    assert_lists("{type: file, path_prefix: @/d/in/}", "d/in/a.csv d/in/deep/b.csv.gz ");
    assert_lists("{type: file, path_prefix: @/d/in/a}", "d/in/a.csv ");
    assert_lists("{type: file, path_prefix: @/d/nothing}", "");
    assert_lists("{type: file, path_prefix: @/d/, path_match_pattern: '\\.csv$'}",
                 "d/in-x.csv d/in.csv d/in/a.csv d/other.csv ");
}

static void file_list_takes_relative_prefixes_as_they_are_written(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(temp_folder), 0);
    assert_lists("{type: file, path_prefix: ''}",
                 "d/in-x.csv d/in.csv d/in/a.csv d/in/deep/b.csv.gz d/in0 d/other.csv ");
    assert_lists("{type: file, path_prefix: d/o}", "d/other.csv ");
    assert_lists("{type: file, path_prefix: ./d/o}", "./d/other.csv ");
    assert_int_equal(chdir(before), 0);
}

static void file_list_continues_after_last_path_and_tells_the_next(void **state)
{
    (void)state;
    assert_lists("{type: file, path_prefix: @/d/in, last_path: @/d/in/a.csv}",
                 "d/in/deep/b.csv.gz d/in0 ");
    assert_lists("{type: file, path_prefix: @/d/in, last_path: @/d/in/deep/b}",
                 "d/in/deep/b.csv.gz d/in0 ");
    assert_lists("{type: file, path_prefix: @/d/in, last_path: @/d/in/deep/zzz}", "d/in0 ");
    assert_lists("{type: file, path_prefix: @/d/in, last_path: @/d/in0}", "");
    struct rig rig;
    assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/in, total_file_count_limit: 2}", err));
    assert_ok(rig_list(&rig, err));
    assert_string_equal(rig.keys, "d/in-x.csv d/in.csv ");
    struct pen_node *into = pen_node_new_map(&rig.arena);
    assert_ok(rig.source->type->next(rig.source, &rig.arena, into, err));
    assert_string_equal(pen_node_get(into, "last_path")->text.ptr, temp_path("d/in.csv"));
    rig_close(&rig);
}

static void set_time(const char *name, time_t seconds, long ns)
{
    struct timespec times[2] = {{seconds, ns}, {seconds, ns}};
    assert_int_equal(utimensat(AT_FDCWD, temp_path(name), times, 0), 0);
}

static void file_list_chooses_by_time_of_modification(void **state)
{
    (void)state;
    set_time("d/in.csv", 1000, 0);
    set_time("d/in-x.csv", 1000, 999000000);
    set_time("d/in0", 1001, 0);
    set_time("d/in/a.csv", 999, 999999999);
    set_time("d/in/deep/b.csv.gz", 4000000000, 0); /* in the future: not yet */
    struct rig rig;
    assert_ok(rig_open(&rig,
                       "{type: file, path_prefix: @/d/in, use_modified_time: true, "
                       "last_modified_time: '1970-01-01T00:16:40.000Z'}",
                       err));
    assert_ok(rig_list(&rig, err));
    assert_string_equal(rig.keys, "d/in-x.csv d/in.csv d/in0 ");
    assert_int_equal(rig.modified_us, 1001000000);
    struct pen_node *into = pen_node_new_map(&rig.arena);
    assert_ok(rig.source->type->next(rig.source, &rig.arena, into, err));
    const struct pen_node *next = pen_node_get(into, "last_modified_time");
    assert_non_null(next);
    char yaml[256];
    (void)snprintf(yaml, sizeof yaml,
                   "{type: file, path_prefix: @/d/in, use_modified_time: true, "
                   "last_modified_time: '%s'}",
                   next->text.ptr);
    rig_close(&rig);
    assert_lists(yaml, "");
}

static void file_list_reports_the_version_of_each_file(void **state)
{
    (void)state;
    set_time("d/in0", 12, 345678901);
    struct rig rig;
    assert_ok(rig_open(&rig, "{type: file, path: @/d/in0}", err));
    assert_ok(rig_list(&rig, err));
    assert_string_equal(rig.keys, "d/in0 ");
    assert_string_equal(rig.etag, "12345678901-5");
    assert_int_equal(rig.size_bytes, 5);
    assert_int_equal(rig.modified_us, 12345678);
    rig_close(&rig);
    assert_lists("{type: file, path: @/d/in/empty.csv}", "d/in/empty.csv ");
    assert_lists("{type: file, path: @/d/in0, path_match_pattern: x$}", "");
}

static void assert_list_fails(const char *yaml, enum pen_code code, const char *where,
                              const char *message)
{
    struct rig rig;
    struct pen_error failed = {0};
    assert_ok(rig_open(&rig, yaml, err));
    enum pen_code got = rig_list(&rig, &failed);
    if (got != code || strstr(failed.message, message) == NULL)
        fail_msg("%s %s, not %s %s", pen_error_code_name(got), failed.message,
                 pen_error_code_name(code), message);
    assert_string_equal(failed.where, temp_path(where));
    rig_close(&rig);
}

static void file_list_fails_with_the_path_when_it_cannot_be_read(void **state)
{
    (void)state;
    assert_list_fails("{type: file, path: @/none}", PEN_ERR_NOT_FOUND, "none", "No such file");
    assert_list_fails("{type: file, path: @/d}", PEN_ERR_CONFIG, "d", "is a directory");
    assert_list_fails("{type: file, path_prefix: @/none/x}", PEN_ERR_NOT_FOUND, "none/",
                      "No such file");
    assert_list_fails("{type: file, path_prefix: @/d/in0/}", PEN_ERR_NOT_FOUND, "d/in0/",
                      "Not a directory");
    assert_int_equal(mkfifo(temp_path("pipe"), 0600), 0);
    assert_list_fails("{type: file, path: @/pipe}", PEN_ERR_CONFIG, "pipe", "not a regular file");
    assert_list_fails("{type: file, path_prefix: @/d/x, stop_when_file_not_found: true}",
                      PEN_ERR_NOT_FOUND, "d/x", "no file found");
}

static void file_list_follows_links_but_not_in_circles(void **state)
{
    (void)state;
    assert_int_equal(symlink("../other.csv", temp_path("d/in/link.csv")), 0);
    assert_int_equal(symlink("deep", temp_path("d/in/linked")), 0);
    assert_lists("{type: file, path_prefix: @/d/in/}",
                 "d/in/a.csv d/in/deep/b.csv.gz d/in/link.csv d/in/linked/b.csv.gz ");
    assert_lists("{type: file, path_prefix: @/d/in/, follow_symlinks: false}",
                 "d/in/a.csv d/in/deep/b.csv.gz d/in/link.csv ");
    assert_int_equal(symlink("..", temp_path("d/in/deep/up")), 0);
    assert_list_fails("{type: file, path_prefix: @/d/in/}", PEN_ERR_CONFIG, "d/in/deep/up/",
                      "loops back");
    assert_int_equal(unlink(temp_path("d/in/deep/up")), 0);
    assert_int_equal(symlink("nowhere", temp_path("d/in/zz.csv")), 0);
    assert_list_fails("{type: file, path_prefix: @/d/in/}", PEN_ERR_NOT_FOUND, "d/in/zz.csv",
                      "dangling symbolic link");
}

static void file_list_names_what_is_no_regular_file_and_goes_on(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(temp_path("d/in/pipe"), 0600), 0);
    struct rig rig;
    assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/in/}", err));
    assert_ok(rig_list(&rig, err));
    assert_string_equal(rig.keys, "d/in/a.csv d/in/deep/b.csv.gz ");
    assert_non_null(strstr(rig.log, "/d/in/pipe\" that is not a regular file."));
    rig_close(&rig);
}

static void file_list_ends_soon_when_cancelled(void **state)
{
    (void)state;
    struct rig rig;
    assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/}", err));
    rig.cancel = 1;
    assert_int_equal(rig_list(&rig, NULL), PEN_ERR_CANCELLED);
    rig_close(&rig);
}

static void file_open_refuses_unknown_keys(void **state)
{
    (void)state;
    struct rig rig;
    struct pen_error failed = {0};
    assert_int_equal(rig_open(&rig, "type: file\npath_prefx: a", &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.where, "load.yml:2:1");
    assert_non_null(strstr(failed.message, "path_prefx"));
    rig_close(&rig);
}

/* a reader of d/in/deep/b.csv.gz with the version `etag` */
static struct pen_reader *open_reader(struct rig *rig, const char *name, char *etag,
                                      uint64_t offset)
{
    char key[256], none[1] = "";
    (void)snprintf(key, sizeof key, "%s", temp_path(name));
    struct pen_object object = {.key = key, .etag = etag, .version_id = none};
    struct pen_reader *reader = NULL;
    assert_ok(rig->source->type->read(rig->source, &object, offset, &reader, err));
    return reader;
}

static void file_reader_reads_all_from_any_offset(void **state)
{
    (void)state;
    char long_text[100001], none[1] = "";
    for (size_t i = 0; i < sizeof long_text; i++)
        long_text[i] = (char)('a' + i * 7 % 26);
    long_text[sizeof long_text - 1] = '\0';
    write_file("long", long_text);
    struct rig rig;
    assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/}", err));
    for (uint64_t offset = 0; offset <= 100000; offset += 50000) {
        PEN_CLEANUP(pen_reader_close_p)
        struct pen_reader *reader = open_reader(&rig, "long", none, offset);
        char got[100001], part[8];
        size_t len = 0, n = 0;
        for (;;) {
            assert_ok(reader->read(reader, got + len, 777, &n, err));
            if (n == 0)
                break;
            assert_true(n <= 777);
            len += n;
            assert_ok(reader->read_at(reader, 3, part, sizeof part, err));
            assert_memory_equal(part, long_text + 3, sizeof part);
        }
        assert_int_equal(len, 100000 - offset);
        assert_memory_equal(got, long_text + offset, len);
        assert_int_equal(reader->read_at(reader, 99999, part, 2, NULL), PEN_ERR_CORRUPT);
        assert_int_equal(reader->read_at(reader, UINT64_MAX, part, 2, NULL), PEN_ERR_CORRUPT);
    }
    rig_close(&rig);
}

static void file_reader_fails_when_the_file_is_another_version(void **state)
{
    (void)state;
    struct rig rig;
    char etag[] = "1-4", buf[16];
    size_t n = 0;
    assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/}", err));
    PEN_CLEANUP(pen_reader_close_p)
    struct pen_reader *reader = open_reader(&rig, "d/in/deep/b.csv.gz", etag, 0);
    struct pen_error failed = {0};
    assert_int_equal(reader->read(reader, buf, sizeof buf, &n, &failed), PEN_ERR_CONFLICT);
    assert_string_equal(failed.where, temp_path("d/in/deep/b.csv.gz"));
    assert_int_equal(reader->read_at(reader, 0, buf, 1, NULL), PEN_ERR_CONFLICT);
    rig_close(&rig);
}

static void file_reader_fails_when_the_file_changes_while_it_is_read(void **state)
{
    (void)state;
    char none[1] = "", buf[2];
    static const char *const changes[] = {"1234567", "xy", "1", "3333"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct rig rig;
        assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/}", err));
        write_file("changing", "abcd");
        set_time("changing", 1000, 0);
        PEN_CLEANUP(pen_reader_close_p)
        struct pen_reader *reader = open_reader(&rig, "changing", none, 0);
        size_t n = 0;
        assert_ok(reader->read(reader, buf, sizeof buf, &n, err));
        write_file("changing", changes[i]); /* grown, cut, cut short of here, same size */
        enum pen_code code = PEN_OK;
        struct pen_error failed = {0};
        for (n = 1; code == PEN_OK && n > 0;)
            code = reader->read(reader, buf, sizeof buf, &n, &failed);
        assert_int_equal(code, PEN_ERR_CONFLICT);
        rig_close(&rig);
    }
}

static void file_reader_reports_a_missing_file_at_the_first_read(void **state)
{
    (void)state;
    struct rig rig;
    char none[1] = "", buf[2];
    size_t n = 0;
    assert_ok(rig_open(&rig, "{type: file, path_prefix: @/d/}", err));
    PEN_CLEANUP(pen_reader_close_p)
    struct pen_reader *reader = open_reader(&rig, "gone", none, 0);
    struct pen_error failed = {0};
    assert_int_equal(reader->read(reader, buf, sizeof buf, &n, &failed), PEN_ERR_NOT_FOUND);
    assert_string_equal(failed.where, temp_path("gone"));
    rig_close(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, temp_folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_list_walks_the_prefix_in_byte_order_of_whole_paths),
        TEST(file_list_takes_relative_prefixes_as_they_are_written),
        TEST(file_list_continues_after_last_path_and_tells_the_next),
        TEST(file_list_chooses_by_time_of_modification),
        TEST(file_list_reports_the_version_of_each_file),
        TEST(file_list_fails_with_the_path_when_it_cannot_be_read),
        TEST(file_list_follows_links_but_not_in_circles),
        TEST(file_list_names_what_is_no_regular_file_and_goes_on),
        TEST(file_list_ends_soon_when_cancelled),
        TEST(file_open_refuses_unknown_keys),
        TEST(file_reader_reads_all_from_any_offset),
        TEST(file_reader_fails_when_the_file_is_another_version),
        TEST(file_reader_fails_when_the_file_changes_while_it_is_read),
        TEST(file_reader_reports_a_missing_file_at_the_first_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
