#include "unit.h"

#include <stdlib.h>

#include "guess/sample.h"

/* A source in memory: objects by number; it counts what was asked of it. */
struct memory {
    const char *const *contents;
    size_t count;
    size_t listed, reads;
    enum pen_code list_code;
};

static struct memory memory;

static enum pen_code memory_open(struct pen_source *source, struct pen_error *err)
{
    (void)source;
    (void)err;
    return PEN_OK;
}

static enum pen_code memory_list(struct pen_source *source, pen_object_fn fn, void *context,
                                 struct pen_error *err)
{
    (void)source;
    for (size_t i = 0; i < memory.count; i++) {
        char key[16];
        char none[1] = "";
        (void)snprintf(key, sizeof key, "k%zu", i);
        struct pen_object object = {
            .key = key, .etag = none, .version_id = none, .size_bytes = strlen(memory.contents[i])};
        memory.listed++;
        PEN_TRY(fn(context, &object, err));
    }
    return memory.list_code == PEN_OK ? PEN_OK : pen_fail(err, memory.list_code, "no listing");
}

static enum pen_code memory_next(struct pen_source *source, struct pen_arena *arena,
                                 struct pen_node *into, struct pen_error *err)
{
    (void)source;
    (void)arena;
    (void)into;
    (void)err;
    return PEN_OK;
}

struct memory_reader {
    struct pen_reader reader;
    struct pen_slice rest;
};

/* At most 7 bytes at a time: a buffer takes several reads. */
static enum pen_code reader_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    struct memory_reader *self = (struct memory_reader *)(void *)reader;
    (void)err;
    size_t n = self->rest.len < 7 ? self->rest.len : 7;
    n = n < cap ? n : cap;
    memcpy(buf, self->rest.ptr, n);
    self->rest = pen_slice_skip(self->rest, n);
    *ret_len = n;
    return PEN_OK;
}

static enum pen_code reader_read_at(struct pen_reader *reader, uint64_t offset, void *buf,
                                    size_t len, struct pen_error *err)
{
    (void)reader;
    (void)offset;
    (void)buf;
    (void)len;
    return pen_fail(err, PEN_ERR_INTERNAL, "not asked for");
}

static void reader_close(struct pen_reader *reader)
{
    free(reader);
}

static enum pen_code memory_read(struct pen_source *source, const struct pen_object *object,
                                 uint64_t offset, struct pen_reader **ret_reader,
                                 struct pen_error *err)
{
    (void)source;
    struct memory_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return pen_fail_nomem(err);
    memory.reads++;
    reader->reader = (struct pen_reader){reader_read, reader_read_at, reader_close};
    reader->rest = pen_slice_str(memory.contents[strtoul(object->key + 1, NULL, 10)] + offset);
    *ret_reader = &reader->reader;
    return PEN_OK;
}

static enum pen_code memory_place(struct pen_source *source, const struct pen_object *object,
                                  struct pen_buf *into, struct pen_error *err)
{
    (void)source;
    return pen_buf_addf(into, err, "mem://%s", object->key);
}

static void memory_close(struct pen_source *source)
{
    (void)source;
}

static const struct pen_source_type memory_source = {
    .info = {.name = "memory", .summary = "", .state_size = 1},
    .open = memory_open,
    .list = memory_list,
    .next = memory_next,
    .read = memory_read,
    .place = memory_place,
    .close = memory_close,
};

static enum pen_code take(const char *const *contents, size_t count, size_t most,
                          struct pen_sample *ret_sample, struct pen_error *err)
{
    static struct pen_arena arena; /* keeps the texts of the last sample */
    struct pen_source_env env = {0};
    PEN_CLEANUP(pen_source_free_p) struct pen_source *source = NULL;
    pen_arena_release(&arena);
    arena = PEN_ARENA(1 << 20);
    memory.contents = contents;
    memory.count = count;
    memory.listed = memory.reads = 0;
    PEN_TRY(pen_source_new(&memory_source, NULL, &env, &source, err));
    return pen_sample_take(source, most, &arena, ret_sample, err);
}

static const char forty[] = "0123456789012345678901234567890123456789";
static const char fifty[] = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij";

static void sample_takes_the_first_object_of_forty_bytes_and_stops_listing(void **state)
{
    (void)state;
    const char *contents[] = {"", "123456789012345678901234567890123456789", forty, fifty, fifty};
    struct pen_sample sample = {0};
    assert_ok(take(contents, 5, 100, &sample, err));
    assert_string_equal(sample.bytes.ptr, forty);
    assert_string_equal(sample.place.ptr, "mem://k2");
    assert_string_equal(sample.object.key, "k2");
    assert_true(sample.is_whole);
    assert_int_equal(memory.listed, 3);
    assert_int_equal(memory.reads, 1);
    pen_sample_release(&sample);
}

static void sample_takes_the_largest_when_none_has_forty_bytes(void **state)
{
    (void)state;
    const char *contents[] = {"abc", "", "the largest", "small", "the second."};
    struct pen_sample sample = {0};
    assert_ok(take(contents, 5, 100, &sample, err));
    assert_string_equal(sample.bytes.ptr, "the largest");
    assert_int_equal(memory.listed, 5);
    pen_sample_release(&sample);
}

static void sample_is_cut_at_the_buffer(void **state)
{
    (void)state;
    const char *contents[] = {fifty};
    struct pen_sample sample = {0};
    assert_ok(take(contents, 1, 45, &sample, err));
    assert_int_equal(sample.bytes.len, 45);
    assert_false(sample.is_whole);
    pen_sample_release(&sample);
    assert_ok(take(contents, 1, 50, &sample, err));
    assert_int_equal(sample.bytes.len, 50);
    assert_true(sample.is_whole);
    pen_sample_release(&sample);
}

static void sample_of_bzip2_is_as_long_as_a_block_may_be(void **state)
{
    (void)state;
    char text[300] = "BZh91AY&SY";
    memset(text + 10, 'x', sizeof text - 11);
    text[sizeof text - 1] = '\0';
    const char *contents[] = {text};
    struct pen_sample sample = {0};
    assert_ok(take(contents, 1, 45, &sample, err));
    assert_int_equal(sample.bytes.len, sizeof text - 1);
    assert_true(sample.is_whole);
    pen_sample_release(&sample);
}

static void sample_says_why_there_is_none(void **state)
{
    (void)state;
    const char *empty[] = {"", ""};
    struct pen_sample sample = {0};
    struct pen_error failure = {0};
    assert_int_equal(take(empty, 0, 100, &sample, &failure), PEN_ERR_NOT_FOUND);
    assert_string_equal(failure.message, "No input files to read sample data");
    assert_int_equal(take(empty, 2, 100, &sample, &failure), PEN_ERR_NOT_FOUND);
    assert_string_equal(failure.message, "All input files are empty");
    memory.list_code = PEN_ERR_AUTH;
    assert_int_equal(take(empty, 2, 100, &sample, &failure), PEN_ERR_AUTH);
    assert_string_equal(failure.message, "no listing");
    memory.list_code = PEN_OK;
}

/* Keys of the objects that guess looks at, in one text. */
static void find(const char *const *contents, size_t count, char *ret_keys, size_t cap)
{
    struct pen_arena arena = PEN_ARENA(1 << 24);
    struct pen_source_env env = {0};
    PEN_CLEANUP(pen_source_free_p) struct pen_source *source = NULL;
    memory.contents = contents;
    memory.count = count;
    memory.listed = memory.reads = 0;
    struct pen_object object, others[PEN_SAMPLE_OTHERS];
    size_t other_count = 0;
    assert_ok(pen_source_new(&memory_source, NULL, &env, &source, err));
    assert_ok(pen_sample_find(source, &arena, &object, others, &other_count, err));
    int len = snprintf(ret_keys, cap, "%s", object.key);
    for (size_t i = 0; i < other_count; i++)
        len += snprintf(ret_keys + len, cap - (size_t)len, " %s", others[i].key);
    pen_arena_release(&arena);
}

static void others_are_the_middle_and_the_last_of_those_behind_the_first(void **state)
{
    (void)state;
    char keys[64];
    const char *contents[] = {"", "small", forty, fifty, "small", fifty, fifty, "small"};
    find(contents, 8, keys, sizeof keys);
    assert_string_equal(keys, "k2 k5 k6");
    assert_int_equal(memory.listed, 8);
    find(contents, 4, keys, sizeof keys);
    assert_string_equal(keys, "k2 k3");
    find(contents, 3, keys, sizeof keys);
    assert_string_equal(keys, "k2");
    find(contents, 2, keys, sizeof keys);
    assert_string_equal(keys, "k1");
}

static void others_are_looked_for_among_a_thousand(void **state)
{
    (void)state;
    char keys[64];
    static const char *contents[3000];
    for (size_t i = 0; i < 3000; i++)
        contents[i] = forty;
    find(contents, 3000, keys, sizeof keys);
    assert_string_equal(keys, "k0 k500 k1000");
    assert_int_equal(memory.listed, 1001);
}

/* Behind the head of `most` bytes come ranges that do not overlap, and reach the end. */
static void ranges_do_not_overlap_and_end_with_the_object(void **state)
{
    (void)state;
    for (size_t most = 41; most < 60; most++) {
        for (uint64_t size = 1; size < 400; size++) {
            struct pen_sample_range ranges[2];
            size_t count = pen_sample_ranges(size, most, ranges);
            assert_true(size <= most ? count == 0 : size > most + 8 ? count > 0 : true);
            for (size_t i = 0; i < count; i++) {
                assert_true(ranges[i].offset >= most && ranges[i].offset % 4 == 0);
                assert_true(ranges[i].len > 0 && ranges[i].len <= most);
            }
            if (count > 0)
                assert_int_equal(ranges[0].offset + ranges[0].len, size);
            if (count > 1)
                assert_true(ranges[1].offset + ranges[1].len <= ranges[0].offset);
        }
    }
    struct pen_sample_range ranges[2];
    assert_int_equal(pen_sample_ranges(1000000, 100, ranges), 2);
    assert_int_equal(ranges[0].offset, 999900);
    assert_int_equal(ranges[1].offset, 499952);
    assert_int_equal(ranges[1].len, 100);
}

static void sample_of_bzip2_holds_the_first_block(void **state)
{
    (void)state;
    static char stored[150000];
    memset(stored, 'x', sizeof stored - 1);
    memcpy(stored, "BZh1\x31\x41\x59\x26\x53\x59", 10);
    const char *const contents[] = {stored};
    struct pen_sample sample = {0};
    assert_ok(take(contents, 1, 100, &sample, err));
    assert_int_equal(sample.bytes.len, 100000 + 1000 + 2048);
    assert_false(sample.is_whole);
    assert_memory_equal(sample.bytes.ptr, stored, sample.bytes.len);
    pen_sample_release(&sample);
    assert_ok(take(contents, 1, 140000, &sample, err));
    assert_int_equal(sample.bytes.len, 140000);
    pen_sample_release(&sample);
    stored[3] = '9';
    assert_ok(take(contents, 1, 100, &sample, err));
    assert_int_equal(sample.bytes.len, sizeof stored - 1);
    assert_true(sample.is_whole);
    pen_sample_release(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_takes_the_first_object_of_forty_bytes_and_stops_listing),
        cmocka_unit_test(sample_takes_the_largest_when_none_has_forty_bytes),
        cmocka_unit_test(sample_is_cut_at_the_buffer),
        cmocka_unit_test(sample_of_bzip2_is_as_long_as_a_block_may_be),
        cmocka_unit_test(sample_says_why_there_is_none),
        cmocka_unit_test(sample_of_bzip2_holds_the_first_block),
        cmocka_unit_test(others_are_the_middle_and_the_last_of_those_behind_the_first),
        cmocka_unit_test(others_are_looked_for_among_a_thousand),
        cmocka_unit_test(ranges_do_not_overlap_and_end_with_the_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
