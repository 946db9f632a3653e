#include "unit.h"

#include <stdlib.h>

#include "base/json.h"

/* The canonical text of `text`, from memory of its exact size so that a sanitizer sees a read
 * behind it; "!<offset>" when it is refused. */
static const char *canonical_of(const char *text, size_t len)
{
    static char result[4096];
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct pen_buf scratch = PEN_BUF(1 << 20);
    struct pen_slice value;
    size_t used;
    struct pen_error err = {0};
    if (pen_json_canonical(pen_slice(exact, len), &scratch, &value, &used, &err) == PEN_OK) {
        assert_true(used <= len);
        (void)snprintf(result, sizeof result, "%.*s", PEN_ARG(value));
    } else {
        assert_int_equal(err.code, PEN_ERR_CORRUPT);
        assert_true(strlen(err.message) > 0);
        (void)snprintf(result, sizeof result, "!%llu", (unsigned long long)err.offset);
    }
    pen_buf_release(&scratch);
    free(exact);
    return result;
}

struct sample {
    const char *text, *expect;
};

static const struct sample samples[] = {
    {"1", "1"},
    {" \t\r\n 1 2", "1"},
    {"-0", "0"},
    {"0", "0"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775808", "!0"},
    {"[1,-9223372036854775809]", "!3"},
    {"1.50", "1.5"},
    {"-0.0", "-0.0"},
    {"1e7", "1.0E7"},
    {"0.0001", "1.0E-4"},
    {"1E+2", "100.0"},
    {"1e400", "!0"},
    {"1e-400", "0.0"},
    {"01", "!1"},
    {"-", "!1"},
    {"+1", "!0"},
    {"1.", "!2"},
    {".5", "!0"},
    {"1e", "!2"},
    {"1.5.5", "!3"},
    {"12a", "!2"},
    {"NaN", "!0"},
    {"Infinity", "!0"},
    {"-Infinity", "!1"},
    {"+Infinity", "!0"},
    {"INF", "!0"},
    {"true", "true"},
    {"false ", "false"},
    {"null", "null"},
    {"nul", "!3"},
    {"nulL", "!0"},
    {"truex", "!4"},
    {"", "!0"},
    {"  ", "!2"},
    {"\"\"", "\"\""},
    {"\"a", "!2"},
    {"\"a\\", "!3"},
    {"'a'", "!0"},
    {"{a:1}", "!1"},
    {"{\"a\":1,}", "!7"},
    {"[1,]", "!3"},
    {"[,1]", "!1"},
    {"[1 2]", "!3"},
    {"{\"a\" 1}", "!5"},
    {"{\"a\":}", "!5"},
    {"{1:2}", "!1"},
    {"[1}", "!2"},
    {"{\"a\":1]", "!6"},
    {"]", "!0"},
    {"// x\n1", "!0"},
    {"[", "!1"},
    {"{", "!1"},
    {"{\"a\":1", "!6"},
    {"{}", "{}"},
    {"[]", "[]"},
    {" { } ", "{}"},
    {"[ [ ] , { } ]", "[[],{}]"},
    {"{\"b\":1,\"a\":2,\"b\":3}", "{\"b\":1,\"a\":2,\"b\":3}"},
    {"{ \"a\" : [ 1 , 2.0 , \"x y\" , null , true ] }", "{\"a\":[1,2.0,\"x y\",null,true]}"},
    {"{\"a\":1}{\"b\":2}", "{\"a\":1}"},
    {"\"\\/\\u0041\\u00e9\\u65e5\"", "\"/A\xc3\xa9\xe6\x97\xa5\""},
    {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
    {"\"\\ud83d\"", "\"\xef\xbf\xbd\""},
    {"\"\\ud83dx\\ude00\"", "\"\xef\xbf\xbdx\xef\xbf\xbd\""},
    {"\"\\ud83d\\u0041\"", "\"\xef\xbf\xbd"
                           "A\""},
    {"\"\\u000A\\u001F\\u0022\\u005c\\u007f\"", "\"\\n\\u001f\\\"\\\\\x7f\""},
    {"\"\\b\\f\\n\\r\\t\\\\\\\"\"", "\"\\b\\f\\n\\r\\t\\\\\\\"\""},
    {"\"a\tb\nc\x01\"", "\"a\\tb\\nc\\u0001\""},
    {"\"\\x\"", "!1"},
    {"\"\\u12g4\"", "!1"},
    {"\"\\u12", "!1"},
    {"\"12345678901234567\\q\"", "!18"},
    {"\"\xff\"", "!1"},
    {"\"abc\xc3\"", "!4"},
    {"\"\xc0\xaf\"", "!1"},
    {"\"\xed\xa0\x80\"", "!1"},
    {"\"\xf4\x90\x80\x80\"", "!1"},
    {"\"\xe0\x9f\xbf\"", "!1"},
    {"\"\xf4\x8f\xbf\xbf\xe6\x97\xa5\"", "\"\xf4\x8f\xbf\xbf\xe6\x97\xa5\""},
    {"\xe6\x97\xa5", "!0"},
    {"{\"k\\u0065y\" :\"v\"}", "{\"key\":\"v\"}"},
};

static void canonical_gives_expected_text_for_each_sample(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const char *text = samples[i].text;
        const char *got = canonical_of(text, strlen(text));
        if (strcmp(got, samples[i].expect) != 0)
            fail_msg("'%s' gives '%s', not '%s'", text, got, samples[i].expect);
    }
}

static void canonical_keeps_nul_in_strings(void **state)
{
    (void)state;
    assert_string_equal(canonical_of("\"a\0b\"", 5), "\"a\\u0000b\"");
}

static void canonical_points_into_source_when_nothing_changes(void **state)
{
    (void)state;
    const char *text = "  {\"a\":[1,2.5,\"x\\n\"]} ";
    struct pen_buf scratch = PEN_BUF(1 << 20);
    struct pen_slice value;
    size_t used;
    assert_ok(pen_json_canonical(pen_slice_str(text), &scratch, &value, &used, err));
    assert_ptr_equal(value.ptr, text + 2);
    assert_int_equal(used, strlen(text) - 1);
    assert_null(scratch.ptr);
}

static void canonical_refuses_every_cut_of_a_document(void **state)
{
    (void)state;
    const char *text =
        "{\"a\\u00e9\": [1.5e3, -7, \"\\ud83d\\ude00 \xe6\x97\xa5\", true, null, {}]}";
    assert_string_equal(
        canonical_of(text, strlen(text)),
        "{\"a\xc3\xa9\":[1500.0,-7,\"\xf0\x9f\x98\x80 \xe6\x97\xa5\",true,null,{}]}");
    for (size_t len = 0; len < strlen(text); len++)
        assert_int_equal(canonical_of(text, len)[0], '!');
}

static void canonical_is_a_fixed_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (samples[i].expect[0] != '!')
            assert_string_equal(canonical_of(samples[i].expect, strlen(samples[i].expect)),
                                samples[i].expect);
}

static void depth_limit_is_an_error_and_not_a_crash(void **state)
{
    (void)state;
    size_t many = 200000;
    char *text = malloc(many);
    assert_non_null(text);
    memset(text, '[', many);
    struct pen_buf scratch = PEN_BUF(1 << 20);
    struct pen_arena arena = PEN_ARENA(64 << 20);
    struct pen_slice value;
    struct pen_json *root;
    size_t used;
    struct pen_error failure = {0};
    assert_int_equal(pen_json_canonical(pen_slice(text, many), &scratch, &value, &used, &failure),
                     PEN_ERR_TOO_LARGE);
    assert_int_equal(failure.offset, PEN_JSON_MAX_DEPTH);
    assert_int_equal(pen_json_read(pen_slice(text, many), &arena, &root, &used, &failure),
                     PEN_ERR_TOO_LARGE);
    memset(text + PEN_JSON_MAX_DEPTH, ']', PEN_JSON_MAX_DEPTH);
    struct pen_slice deepest = pen_slice(text, 2 * PEN_JSON_MAX_DEPTH);
    assert_ok(pen_json_read(deepest, &arena, &root, &used, err));
    struct pen_buf out = PEN_BUF(1 << 20);
    assert_ok(pen_json_write(root, &out, err));
    assert_true(pen_slice_equal(pen_buf_slice(&out), deepest));
    pen_buf_release(&out);
    pen_buf_release(&scratch);
    pen_arena_release(&arena);
    free(text);
}

static void tree_agrees_with_canonical_for_each_sample(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct pen_arena arena = PEN_ARENA(1 << 20);
        struct pen_json *root = NULL;
        size_t used;
        struct pen_error err = {0};
        enum pen_code code =
            pen_json_read(pen_slice_str(samples[i].text), &arena, &root, &used, &err);
        if (samples[i].expect[0] == '!') {
            assert_int_equal(code, PEN_ERR_CORRUPT);
            assert_int_equal(err.offset, strtoull(samples[i].expect + 1, NULL, 10));
        } else {
            struct pen_buf out = PEN_BUF(1 << 20);
            assert_int_equal(code, PEN_OK);
            assert_int_equal(pen_json_write(root, &out, NULL), PEN_OK);
            assert_string_equal(out.ptr, samples[i].expect);
            pen_buf_release(&out);
        }
        pen_arena_release(&arena);
    }
}

static void lookup_finds_the_first_of_duplicate_members(void **state)
{
    (void)state;
    struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_json *root = NULL;
    size_t used;
    assert_ok(pen_json_read(PEN_LIT("{\"a\":[10,20],\"b\\n\":{\"c\":\"x\\ty\"},\"a\":3}"), &arena,
                            &root, &used, err));
    assert_int_equal(root->count, 3);
    const struct pen_json *a = pen_json_member(root, PEN_LIT("a"));
    assert_int_equal(a->kind, PEN_JSON_ARRAY);
    assert_int_equal(pen_json_element(a, 1)->integer, 20);
    assert_null(pen_json_element(a, 2));
    assert_null(pen_json_element(root, 0));
    const struct pen_json *c = pen_json_member(pen_json_member(root, PEN_LIT("b\n")), PEN_LIT("c"));
    assert_true(pen_slice_is(c->text, "x\ty"));
    assert_null(pen_json_member(c, PEN_LIT("x")));
    assert_null(pen_json_member(root, PEN_LIT("d")));
    struct pen_buf out = PEN_BUF(100);
    assert_ok(pen_json_write(a, &out, err)); /* a part of a tree, although it has siblings */
    assert_string_equal(out.ptr, "[10,20]");
    pen_buf_release(&out);
    pen_arena_release(&arena);
}

static void unescape_resolves_escapes_and_keeps_the_rest(void **state)
{
    (void)state;
    struct pen_buf out = PEN_BUF(100);
    assert_ok(pen_json_unescape(PEN_LIT("a\\n\\u00e9\\/ \" \t"), &out, err));
    assert_string_equal(out.ptr, "a\n\xc3\xa9/ \" \t");
    struct pen_error failure = {0};
    assert_int_equal(pen_json_unescape(PEN_LIT("ab\\z"), &out, &failure), PEN_ERR_CORRUPT);
    assert_int_equal(failure.offset, 2);
    pen_buf_release(&out);
}

static void string_end_steps_over_escaped_quotes(void **state)
{
    (void)state;
    bool has_escape = true;
    assert_int_equal(pen_json_string_end(PEN_LIT("\"ab\" x"), &has_escape), 4);
    assert_false(has_escape);
    assert_int_equal(pen_json_string_end(PEN_LIT("\"a\\\"b\\\\\"\""), &has_escape), 8);
    assert_true(has_escape);
    assert_int_equal(pen_json_string_end(PEN_LIT("\"ab\\\""), NULL), 0);
    assert_int_equal(pen_json_string_end(PEN_LIT("\"ab\\"), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_gives_expected_text_for_each_sample),
        cmocka_unit_test(canonical_keeps_nul_in_strings),
        cmocka_unit_test(canonical_points_into_source_when_nothing_changes),
        cmocka_unit_test(canonical_refuses_every_cut_of_a_document),
        cmocka_unit_test(canonical_is_a_fixed_point),
        cmocka_unit_test(depth_limit_is_an_error_and_not_a_crash),
        cmocka_unit_test(tree_agrees_with_canonical_for_each_sample),
        cmocka_unit_test(lookup_finds_the_first_of_duplicate_members),
        cmocka_unit_test(unescape_resolves_escapes_and_keeps_the_rest),
        cmocka_unit_test(string_end_steps_over_escaped_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
