#include "run/object_stream.h"

#include "conf/tree.h"
#include "registry.h"
#include "unit.h"

/* Gives whole records, then fails once, then would go on as if nothing had been. */
struct broken_reader {
    struct pen_reader reader;
    int calls;
};

static enum pen_code broken_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    static const char rows[] = "1,x\n2,y\n";
    struct broken_reader *broken = (struct broken_reader *)(void *)reader;
    assert_true(cap > 0);
    if (broken->calls++ == 0)
        return pen_fail(err, PEN_ERR_AUTH, "refused");
    *ret_len = cap < sizeof rows - 1 ? cap : sizeof rows - 1;
    memcpy(buf, rows, *ret_len);
    return PEN_OK;
}

static void keep(struct pen_reader *reader)
{
    (void)reader; /* on the test's stack */
}

static void object_stream_reads_nothing_more_after_a_failure(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA((size_t)1 << 20);
    struct pen_node *root = NULL;
    struct pen_bind bind = {.file = "options.yaml", .arena = &arena};
    struct pen_parse *parse = NULL;
    struct pen_object_stream *stream = NULL;
    struct pen_chunk *chunk = NULL;
    struct pen_text_buffer buffer = {0};
    struct broken_reader broken = {.reader = {broken_read, NULL, keep}};
    assert_ok(pen_tree_parse(pen_slice_str("{type: csv, columns: [{name: id, type: long}, "
                                           "{name: name, type: string}]}"),
                             "options.yaml", &arena, &root, err));
    assert_ok(pen_parse_new(pen_find_parse(pen_slice_str("csv")), root, false, &bind, &parse, err));
    struct pen_crew *crew = NULL;
    assert_ok(pen_crew_new(&crew, err));
    struct pen_object_stream_options options = {.parse = parse,
                                                .bytes = {.bind = &bind},
                                                .crew = crew,
                                                .chunk_bytes = 65536,
                                                .max_record_bytes = 65536};
    assert_ok(pen_object_stream_new(&options, "s3://bucket/key", 0, &broken.reader, &stream, err));
    assert_ok(pen_chunk_new(parse, &chunk, err));
    assert_ok(pen_text_buffer_init(&buffer, 65536, err));
    struct pen_error failed = {0};
    size_t used = 0;
    bool is_end = false;
    assert_int_equal(pen_object_stream_fill(stream, &buffer, 0, chunk, &used, &is_end, &failed),
                     PEN_ERR_AUTH);
    assert_string_equal(failed.where, "s3://bucket/key");
    /* a second worker that waited for the lock */
    struct pen_error again = {0};
    assert_int_equal(pen_object_stream_fill(stream, &buffer, 0, chunk, &used, &is_end, &again),
                     PEN_ERR_AUTH);
    assert_string_equal(again.message, "refused");
    assert_string_equal(again.where, "s3://bucket/key");
    assert_int_equal(used, 0);
    assert_int_equal(broken.calls, 1);
    pen_chunk_free(parse, chunk);
    pen_text_buffer_release(&buffer);
    pen_object_stream_free(stream);
    pen_crew_free(crew);
    pen_parse_free(parse);
    pen_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(object_stream_reads_nothing_more_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
