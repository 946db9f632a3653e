/* What the cases of tests/cases/parse_json cannot show: sizes, limits and memory. */
#include "../cases/parse_drive.h"

#include "conf/tree.h"

static struct pen_parse *open_json(const char *options, struct pen_arena *arena)
{
    struct pen_node *root = NULL;
    struct pen_parse *parse = NULL;
    struct pen_bind bind = {.file = "options", .arena = arena};
    assert_ok(pen_tree_parse(pen_slice_str(options), "options", arena, &root, err));
    assert_ok(pen_parse_new(&pen_parse_json, root, false, &bind, &parse, err));
    return parse;
}

static void add_times(struct pen_buf *into, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_ok(pen_buf_add_str(into, text, err));
}

static void nesting_up_to_the_limit_is_skipped_and_past_it_fails(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_parse *parse = open_json("columns: [{name: a, type: long}]", &arena);
    for (size_t depth = PEN_JSON_MAX_DEPTH; depth <= PEN_JSON_MAX_DEPTH + 1; depth++) {
        struct pen_buf text = PEN_BUF(1 << 20);
        add_times(&text, "{\"z\":", 1);
        add_times(&text, "[", depth);
        add_times(&text, "]", depth);
        add_times(&text, ",\"a\":7}\n", 1);
        struct drive drive = {
            .parse = parse, .input = pen_buf_slice(&text), .piece = 700, .capacity = 8};
        struct pen_error failure = {0};
        enum pen_code code = drive_parse(&drive, &failure);
        if (depth == PEN_JSON_MAX_DEPTH) {
            assert_int_equal(code, PEN_OK);
            assert_string_equal(drive.rows.ptr, "{\"a\":7}\n");
        } else {
            assert_int_equal(code, PEN_ERR_CORRUPT);
            assert_string_equal(failure.message,
                                "Failed to parse JSON: input: nesting is too deep at byte 1005 "
                                "(line 1)");
            assert_string_equal(failure.where, "input");
        }
        drive_release(&drive);
        pen_buf_release(&text);
    }
    pen_parse_free(parse);
    pen_arena_release(&arena);
}

static enum pen_code ignore_reject(struct pen_reject_sink *sink, const struct pen_reject *reject,
                                   struct pen_error *err)
{
    (void)sink;
    (void)reject;
    (void)err;
    return PEN_OK;
}

/* The longest text that split wanted before it took something; rows are counted. */
static size_t most_held_bytes(const struct pen_parse *parse, struct pen_slice input, size_t piece,
                              size_t *ret_rows)
{
    struct pen_reject_sink sink = {.report = ignore_reject};
    struct pen_parse_stream *stream = NULL;
    struct pen_chunk *chunk = NULL;
    struct pen_batch *batch = NULL;
    size_t start = 0, end = 0, most = 0;
    assert_ok(pen_parse_stream_new(parse, "input", 0, &sink, &stream, err));
    assert_ok(pen_chunk_new(parse, &chunk, err));
    assert_ok(pen_batch_new(2048, &batch, err));
    *ret_rows = 0;
    while (end < input.len) {
        end = input.len - end < piece ? input.len : end + piece;
        chunk->text = input.ptr + start;
        chunk->len = end - start;
        most = chunk->len > most ? chunk->len : most;
        size_t used = 0;
        assert_ok(parse->type->split(stream, chunk, end == input.len, &used, err));
        for (bool is_more = true; is_more; *ret_rows += batch->rows) {
            assert_ok(pen_batch_begin(batch, &parse->schema, err));
            assert_ok(parse->type->convert(parse, chunk, batch, &is_more, err));
        }
        start += used;
    }
    pen_batch_free(batch);
    pen_chunk_free(parse, chunk);
    pen_parse_stream_free(stream);
    return most;
}

static void flatten_passes_an_array_of_any_length_in_constant_memory(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_parse *parse = open_json(
        "{flatten_json_array: true, root: /data/rows, columns: [{name: a, type: long}]}", &arena);
    struct pen_buf text = PEN_BUF(64 << 20);
    add_times(&text, "{\"meta\":{\"n\":1},\"data\":{\"rows\":[", 1);
    add_times(&text, "{\"a\":1,\"b\":[1,2,3]},\n", 99999);
    add_times(&text, "{\"a\":2}],\"more\":[", 1);
    add_times(&text, "{\"a\":[3,4,5]},", 99999);
    add_times(&text, "0]}}", 1);
    struct pen_slice input = pen_buf_slice(&text);
    add_times(&text, "                                                                ", 1);
    input.ptr = text.ptr; /* the padding is behind it */
    size_t rows = 0, most = most_held_bytes(parse, input, 4096, &rows);
    assert_int_equal(rows, 100000);
    assert_true(most < 2 * 4096);
    pen_buf_release(&text);
    pen_parse_free(parse);
    pen_arena_release(&arena);
}

/* A missing bracket must not swallow the rest of a large object before it is noticed. */
static void broken_record_is_found_before_the_end_of_the_text(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_parse *parse = open_json("columns: [{name: a, type: long}]", &arena);
    struct pen_buf text = PEN_BUF(64 << 20);
    add_times(&text, "{\"a\":1\n", 1); /* not closed */
    add_times(&text, "{\"a\":1,\"b\":\"some text that is here\"}\n", 200000);
    struct drive drive = {
        .parse = parse, .input = pen_buf_slice(&text), .piece = 128 << 10, .capacity = 2048};
    struct pen_error failure = {0};
    struct pen_slice all = drive.input;
    drive.input.len = 1 << 20; /* of 7 MB; is_eof only at its end */
    assert_int_equal(drive_parse(&drive, &failure), PEN_ERR_CORRUPT);
    assert_int_equal(failure.offset, 7);
    drive_release(&drive);
    assert_true(all.len > 7 << 20);
    pen_buf_release(&text);
    pen_parse_free(parse);
    pen_arena_release(&arena);
}

static void many_columns_are_found_in_any_order(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA(16 << 20);
    struct pen_buf options = PEN_BUF(1 << 20), text = PEN_BUF(1 << 20);
    assert_ok(pen_buf_add_str(&options, "{columns: [", err));
    for (int c = 0; c < 300; c++)
        assert_ok(pen_buf_addf(&options, err, "%s{name: c%d, type: long}", c == 0 ? "" : ",", c));
    assert_ok(pen_buf_add_str(&options, "]}", err));
    struct pen_parse *parse = open_json(options.ptr, &arena);
    for (int c = 0; c < 300; c++) {
        int at = (c * 7) % 300; /* 7 and 300 have no common divisor: every column once */
        assert_ok(pen_buf_addf(&text, err, "%s\"c%d\":%d,\"x%d\":0", c == 0 ? "{" : ",", at,
                               at * 1000, at));
    }
    assert_ok(pen_buf_add_str(&text, "}", err));
    struct drive drive = {
        .parse = parse, .input = pen_buf_slice(&text), .piece = text.len, .capacity = 8};
    assert_ok(drive_parse(&drive, err));
    const char *at = drive.rows.ptr;
    for (int c = 0; c < 300; c++) {
        char member[32];
        (void)snprintf(member, sizeof member, "\"c%d\":%d%s", c, c * 1000, c == 299 ? "}" : ",");
        at = strstr(at, member);
        assert_non_null(at);
    }
    drive_release(&drive);
    pen_buf_release(&options);
    pen_buf_release(&text);
    pen_parse_free(parse);
    pen_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_up_to_the_limit_is_skipped_and_past_it_fails),
        cmocka_unit_test(flatten_passes_an_array_of_any_length_in_constant_memory),
        cmocka_unit_test(broken_record_is_found_before_the_end_of_the_text),
        cmocka_unit_test(many_columns_are_found_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
