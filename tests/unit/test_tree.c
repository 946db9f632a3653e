#include "unit.h"

#include "conf/tree.h"

#include <stdlib.h>

#define ARENA_MAX ((size_t)512 << 20)

static struct pen_arena arena = {.max_bytes = ARENA_MAX};

static int release_arena(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    return 0;
}

static struct pen_node *parse(const char *text)
{
    struct pen_node *root = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &root, err));
    return root;
}

static void assert_refused(const char *text, enum pen_code code, const char *where,
                           const char *message)
{
    struct pen_node *root = NULL;
    struct pen_error err = {0};
    assert_int_equal(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &root, &err), code);
    assert_null(root);
    assert_string_equal(err.where, where);
    if (strstr(err.message, message) == NULL)
        fail_msg("'%s' does not hold '%s'", err.message, message);
}

static const struct {
    const char *text;
    enum pen_node_kind kind;
    double number; /* or 0/1 for booleans */
} scalars[] = {
    /* Psych: booleans are these words in any case, but not y and n */
    {"true", PEN_NODE_BOOL, 1},
    {"True", PEN_NODE_BOOL, 1},
    {"YES", PEN_NODE_BOOL, 1},
    {"on", PEN_NODE_BOOL, 1},
    {"false", PEN_NODE_BOOL, 0},
    {"No", PEN_NODE_BOOL, 0},
    {"OFF", PEN_NODE_BOOL, 0},
    {"y", PEN_NODE_TEXT, 0},
    {"n", PEN_NODE_TEXT, 0},
    {"truely", PEN_NODE_TEXT, 0},
    {"~", PEN_NODE_NULL, 0},
    {"", PEN_NODE_NULL, 0},
    {"null", PEN_NODE_NULL, 0},
    {"NULL", PEN_NODE_NULL, 0},
    {"nil", PEN_NODE_TEXT, 0},
    {"'null'", PEN_NODE_TEXT, 0},
    {"\"1\"", PEN_NODE_TEXT, 0},
    {"0", PEN_NODE_INT, 0},
    {"-0", PEN_NODE_INT, 0},
    {"+12", PEN_NODE_INT, 12},
    {"1_000", PEN_NODE_INT, 1000},
    {"1,000", PEN_NODE_INT, 1000},
    {"1__0", PEN_NODE_TEXT, 0},
    {"010", PEN_NODE_INT, 8},
    {"08", PEN_NODE_TEXT, 0},
    {"0o17", PEN_NODE_INT, 15},
    {"0x1F", PEN_NODE_INT, 31},
    {"-0b101", PEN_NODE_INT, -5},
    {"0x", PEN_NODE_TEXT, 0},
    {"9223372036854775807", PEN_NODE_INT, 9223372036854775807.0},
    {"-9223372036854775808", PEN_NODE_INT, -9223372036854775808.0},
    {"9223372036854775808", PEN_NODE_DOUBLE, 9223372036854775808.0},
    {"1.5", PEN_NODE_DOUBLE, 1.5},
    {"1.", PEN_NODE_DOUBLE, 1},
    {".5", PEN_NODE_DOUBLE, 0.5},
    {"-1.5e+3", PEN_NODE_DOUBLE, -1500},
    {"1_000.25", PEN_NODE_DOUBLE, 1000.25},
    {"1.5e3", PEN_NODE_TEXT, 0}, /* YAML 1.1 wants a sign in the exponent */
    {"1e5", PEN_NODE_TEXT, 0},
    {".", PEN_NODE_TEXT, 0},
    {"1.2.3", PEN_NODE_TEXT, 0},
    {"2015-03-31", PEN_NODE_TEXT, 0},
    {"12:30:00", PEN_NODE_TEXT, 0},
    {"\\N", PEN_NODE_TEXT, 0},
    {"%Y-%m-%d", PEN_NODE_TEXT, 0},
};

static void tree_parse_reads_scalars_as_ruby_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s%s", scalars[i].text[0] == '%' ? "- '" : "- ",
                       scalars[i].text);
        if (scalars[i].text[0] == '%')
            strncat(text, "'", 2);
        const struct pen_node *node = parse(text)->first;
        if (node->kind != scalars[i].kind)
            fail_msg("'%s' is of kind %d", scalars[i].text, (int)node->kind);
        double number = node->kind == PEN_NODE_BOOL ? node->boolean : node->number;
        if (number != scalars[i].number)
            fail_msg("'%s' is %g", scalars[i].text, number);
    }
}

static void tree_parse_keeps_text_and_place(void **state)
{
    (void)state;
    const struct pen_node *root =
        parse("in:\n  type: s3\n  skip: 010\n  list:\n  - a\n  - {b: 2}\n");
    const struct pen_node *in = pen_node_get(root, "in");
    const struct pen_node *skip = pen_node_get(in, "skip");
    assert_true(pen_slice_is(skip->text, "010"));
    assert_int_equal(skip->line, 3);
    assert_int_equal(skip->column, 3);
    const struct pen_node *b = pen_node_get(pen_node_get(in, "list")->last, "b");
    assert_int_equal(b->line, 6);
    assert_int_equal(b->column, 6);
    assert_int_equal(b->integer, 2);
    assert_null(pen_node_get(in, "absent"));
    assert_null(pen_node_get(NULL, "in"));
}

static void tree_parse_refuses_with_place(void **state)
{
    (void)state;
    assert_refused("in:\n  type: s3\n  type: file\n", PEN_ERR_CONFIG, "load.yml:3:3",
                   "duplicate key 'type'");
    assert_refused("a: [1, 2\nb: 3\n", PEN_ERR_CONFIG, "load.yml:2:2", "did not find expected");
    assert_refused("a: b: c\n", PEN_ERR_CONFIG, "load.yml:1:5", "mapping values are not allowed");
    assert_refused("a: *b\n", PEN_ERR_CONFIG, "load.yml:1:4", "unknown alias 'b'");
    assert_refused("a: &a [*a]\n", PEN_ERR_CONFIG, "load.yml:1:8", "inside of what it refers to");
    assert_refused("a: !ruby/object:File {}\n", PEN_ERR_CONFIG, "load.yml:1:4", "unsupported tag");
    assert_refused("a: !!int x\n", PEN_ERR_CONFIG, "load.yml:1:4", "unsupported tag");
    assert_refused("? [a]\n: 1\n", PEN_ERR_CONFIG, "load.yml:1:3", "a key must be a text");
    assert_refused("a: 1\n---\nb: 2\n", PEN_ERR_CONFIG, "load.yml:2:1", "second document");
    assert_refused("a: 1\nb: \xff\n", PEN_ERR_CONFIG, "load.yml:2:4", "UTF-8");
    assert_refused("<<: 3\n", PEN_ERR_CONFIG, "load.yml:1:5", "<<");
    assert_refused("{\"a\": \"\\ud83d\"}", PEN_ERR_CONFIG, "load.yml:1:10", "invalid Unicode");
}

static void tree_parse_expands_aliases_and_merges(void **state)
{
    (void)state;
    const struct pen_node *root = parse("base: &b {x: 1, y: 2}\n"
                                        "other: &o {y: 20, z: 30}\n"
                                        "copy: *b\n"
                                        "one:\n  y: 9\n  <<: *b\n"
                                        "two:\n  <<: [*b, *o]\n"
                                        "three:\n  <<: {q: 7}\n  r: 8\n");
    assert_int_equal(pen_node_get(pen_node_get(root, "copy"), "y")->integer, 2);
    const struct pen_node *one = pen_node_get(root, "one");
    assert_int_equal(one->count, 2);
    assert_int_equal(pen_node_get(one, "y")->integer, 9);
    assert_int_equal(pen_node_get(one, "x")->integer, 1);
    const struct pen_node *two = pen_node_get(root, "two");
    assert_int_equal(two->count, 3);
    assert_int_equal(pen_node_get(two, "y")->integer, 2);
    assert_int_equal(pen_node_get(two, "z")->integer, 30);
    assert_int_equal(pen_node_get(pen_node_get(root, "three"), "q")->integer, 7);
    assert_int_equal(pen_node_get(pen_node_get(root, "three"), "r")->integer, 8);
}

static void tree_parse_bounds_what_aliases_make(void **state)
{
    (void)state;
    char bomb[1200] = "a0: &a0 [x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 12; i++) {
        char line[96];
        (void)snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n",
                       i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strncat(bomb, line, sizeof bomb - strlen(bomb) - 1);
    }
    struct pen_node *root = NULL;
    struct pen_error err = {0};
    assert_int_equal(pen_tree_parse(pen_slice_str(bomb), "b.yml", &arena, &root, &err),
                     PEN_ERR_TOO_LARGE);
    assert_memory_equal(err.where, "b.yml:", 6);
}

static void tree_parse_bounds_nesting_of_text_and_aliases(void **state)
{
    (void)state;
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 99);
    deep[199] = '\0';
    assert_refused(deep, PEN_ERR_TOO_LARGE, "load.yml:1:65", "64 levels");
    memmove(deep + 64, deep + 100, 64); /* 64 levels are fine */
    deep[128] = '\0';
    assert_int_equal(parse(deep)->count, 1);
    char chain[2048] = "a0: &a0 x\n"; /* each line one level deeper than the one before */
    for (int i = 1; i < 80; i++) {
        char line[32];
        (void)snprintf(line, sizeof line, "a%d: &a%d [*a%d]\n", i, i, i - 1);
        strncat(chain, line, sizeof chain - strlen(chain) - 1);
    }
    assert_refused(chain, PEN_ERR_TOO_LARGE, "load.yml:65:12", "too deep");
}

static void tree_parse_takes_json_that_yaml_refuses(void **state)
{
    (void)state;
    const struct pen_node *root = parse("{\"a\": \"\\ud83d\\ude00\\u00e9\\/\\n\", \"b\": 1e5,\n"
                                        "\t\"c\": [true, null, -1.5, {}], \"d\":\"x\"}");
    assert_true(pen_slice_is(pen_node_get(root, "a")->text, "\xF0\x9F\x98\x80\xC3\xA9/\n"));
    assert_int_equal(pen_node_get(root, "b")->kind, PEN_NODE_DOUBLE);
    assert_true(pen_node_get(root, "b")->number == 1e5);
    assert_int_equal(pen_node_get(root, "c")->count, 4);
    assert_int_equal(pen_node_get(root, "c")->line, 2);
    assert_int_equal(pen_node_get(root, "c")->column, 2);
}

static void tree_parse_survives_any_cut_and_any_byte(void **state)
{
    (void)state;
    static const char text[] = "in: &a\n  type: 's3' # x\n  b: \"\\u00e9\\n\"\n  c: [1, {d: *a}]\n"
                               "f:\n- |\n  lit\n- >-\n  fold\n- {g: !!str 1, <<: {h: 2}}\n";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct pen_node *root = NULL;
        (void)!pen_tree_parse(pen_slice(text, cut), "x", &arena, &root, NULL);
    }
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (int c = 0; c < 256; c += 7) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[i] = (char)c;
            struct pen_node *root = NULL;
            struct pen_error err = {0};
            struct pen_slice slice = pen_slice(changed, sizeof text - 1);
            if (pen_tree_parse(slice, "x", &arena, &root, &err) != PEN_OK)
                assert_memory_equal(err.where, "x:", 2);
        }
        pen_arena_clear(&arena);
    }
}

static void assert_yaml(const char *text, const char *expected)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    assert_ok(pen_tree_write_yaml(parse(text), &out, err));
    assert_string_equal(out.ptr, expected);
}

static void tree_write_yaml_lays_out_as_the_guide_prints(void **state)
{
    (void)state;
    assert_yaml("in: {type: s3, max: 1, parser: {charset: UTF-8, quote: null, delimiter: ',',\n"
                "  'trim': false, columns: [{name: id, type: long},\n"
                "  {name: t, type: timestamp, format: '%Y-%m-%d'}]}}\n"
                "out: {mode: append}\nexec: {}\nfilters: []\n",
                "---\n"
                "in:\n"
                "  type: s3\n"
                "  max: 1\n"
                "  parser:\n"
                "    charset: UTF-8\n"
                "    quote: null\n"
                "    delimiter: ','\n"
                "    trim: false\n"
                "    columns:\n"
                "    - {name: id, type: long}\n"
                "    - {name: t, type: timestamp, format: '%Y-%m-%d'}\n"
                "out: {mode: append}\n"
                "exec: {}\n"
                "filters: []\n");
    assert_yaml("[[a, [b]], {c: {d: true}, e: []}]", "---\n- - a\n  - - b\n- c:\n    d: true\n"
                                                     "  e: []\n");
    assert_yaml("a: 1", "--- {a: 1}\n");
    assert_yaml("", "--- \n...\n");
    assert_yaml("x", "--- x\n");
}

static void tree_write_yaml_puts_comments_before_their_node(void **state)
{
    (void)state;
    struct pen_node *root = parse("a: {b: 1, c: 2}\nl: [x]\n");
    pen_node_get(root, "a")->last->comment = "why\nc";
    pen_node_get(root, "l")->first->comment = "item";
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    assert_ok(pen_tree_write_yaml(root, &out, err));
    assert_string_equal(out.ptr, "---\na:\n  b: 1\n  # why\n  # c\n  c: 2\nl:\n# item\n- x\n");
}

/* Texts that any reader might take for something else, or that YAML cannot hold plain. */
static const char *const awkward[] = {
    "true",
    "Yes",
    "no",
    "on",
    "OFF",
    "y",
    "N",
    "null",
    "~",
    "",
    " ",
    " x",
    "x ",
    "1",
    "-1",
    "0x1F",
    "0b1",
    "0o7",
    "010",
    "08",
    "1.5",
    "1e5",
    "1,000",
    "1_0",
    ".inf",
    "-.inf",
    ".nan",
    "2015-03-31",
    "12:30:00",
    "2015-03-31 06:12:37",
    ",",
    "\t",
    "\"",
    "'",
    "\\",
    "\\N",
    "#N/A",
    "a #b",
    "a: b",
    "a:",
    ":a",
    "- x",
    "-",
    "---",
    "...",
    "[x]",
    "{x}",
    "a, b",
    "*x",
    "&x",
    "!x",
    "!",
    "%Y",
    "@x",
    "`x",
    "|",
    ">",
    "?",
    "? x",
    "<<",
    "=",
    "a\nb",
    "\n",
    "a\r\nb",
    "\x01",
    "\x7f",
    "\xC2\x85",
    "\xE2\x80\xA8",
    "\xEF\xBB\xBF",
    "\xC3\xA9",
    "\xE6\x97\xA5\xE6\x9C\xAC",
    "s3://b/k",
    "http://x:9000/",
    "it's",
    "\"q\" x",
    ".csv$|.csv.gz$",
    "/archive/",
    "\\.csv$",
    "a?b",
    "10 0 * * *",
    "@hourly",
    "UTF-8",
    "a\\b",
    "x'\"y",
    "'\"",
    "+",
    ".",
    "..",
    "_",
    "0",
    "00",
    "1:2",
    "-x",
    "?x",
    "a]b",
    "a}b",
};

static void tree_write_yaml_round_trips_awkward_texts(void **state)
{
    (void)state;
    struct pen_node *root = pen_node_new_map(&arena);
    struct pen_node *list = pen_node_new_list(&arena);
    struct pen_node *flow = pen_node_new_map(&arena);
    for (size_t i = 0; i < sizeof awkward / sizeof awkward[0]; i++) {
        struct pen_slice text = pen_slice_str(awkward[i]);
        pen_node_append(list, pen_node_new_text(&arena, text));
        assert_ok(pen_node_set(flow, &arena, awkward[i], pen_node_new_text(&arena, text), err));
    }
    assert_ok(pen_node_set(root, &arena, "list", list, err));
    assert_ok(pen_node_set(root, &arena, "flow", flow, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    assert_ok(pen_tree_write_yaml(root, &out, err));
    struct pen_node *back = parse(out.ptr);
    if (!pen_node_equal(root, back))
        fail_msg("reads back differently:\n%s", out.ptr);
    pen_buf_clear(&out);
    assert_ok(pen_tree_write_block_yaml(root, &out, err));
    assert_true(pen_node_equal(root, parse(out.ptr)));
    pen_buf_clear(&out);
    assert_ok(pen_tree_write_json(root, true, &out, err));
    assert_true(pen_node_equal(root, parse(out.ptr)));
}

static void tree_write_yaml_keeps_written_numbers_as_text(void **state)
{
    (void)state;
    assert_yaml("{\"a\": \"\\ud83d\\ude00\", \"b\": [1e5, -2.5E3, 1E-7]}",
                "---\na: \xF0\x9F\x98\x80\nb:\n- 1.0e+5\n- -2.5e+3\n- 1.0e-7\n");
    assert_yaml("a: 1,000\nb: 1,0.5", "--- {a: 1000, b: 10.5}\n");
    assert_yaml("null_string: 007\nb: yes\nc: []", "---\nnull_string: 007\nb: yes\nc: []\n");
}

static void tree_write_json_is_exact(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    const char *text =
        "a: [1, -2.50, .5, .nan, 0x10, 123456789012345678901, yes, ~, 'x\ty']\nb: {}";
    assert_ok(pen_tree_write_json(parse(text), false, &out, err));
    assert_string_equal(out.ptr, "{\"a\":[1,-2.50,0.5,\"NaN\",16,123456789012345678901,true,null,"
                                 "\"x\\ty\"],\"b\":{}}");
    pen_buf_clear(&out);
    assert_ok(pen_tree_write_json(parse("a: {b: [1, 2]}\nc: []"), true, &out, err));
    assert_string_equal(out.ptr, "{\n  \"a\": {\n    \"b\": [\n      1,\n      2\n    ]\n  },\n"
                                 "  \"c\": []\n}");
    pen_buf_clear(&out);
    assert_ok(pen_json_add_text(&out, PEN_LIT("a\xff\xc3"), err));
    assert_string_equal(out.ptr, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void node_merge_is_deep_and_index_wise(void **state)
{
    (void)state;
    struct pen_node *base = parse("a: {x: 1, y: {p: 1}}\nl: [{t: gzip}, 2]\ns: 1\n");
    const struct pen_node *over = parse("a: {y: {q: 2}, z: 3}\nl: [{}, 5, 6]\ns: {n: 1}\n");
    assert_ok(pen_node_merge(base, over, &arena, err));
    assert_true(pen_node_equal(base, parse("a: {x: 1, y: {p: 1, q: 2}, z: 3}\n"
                                           "l: [{t: gzip}, 5, 6]\ns: {n: 1}\n")));
}

static void node_set_and_remove_keep_order(void **state)
{
    (void)state;
    struct pen_node *map = parse("a: 1\nb: 2\nc: 3\n");
    assert_ok(pen_node_set(map, &arena, "b", pen_node_new_bool(&arena, true), err));
    assert_ok(pen_node_set(map, &arena, "d", pen_node_new_int(&arena, -7), err));
    pen_node_remove(map, "a");
    pen_node_remove(map, "absent");
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    assert_ok(pen_tree_write_json(map, false, &out, err));
    assert_string_equal(out.ptr, "{\"b\":true,\"c\":3,\"d\":-7}");
    assert_int_equal(map->count, 3);
    pen_node_remove(map, "d");
    pen_node_append(map, pen_node_new_null(&arena));
    assert_int_equal(map->count, 3);
    assert_int_equal(map->last->kind, PEN_NODE_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_parse_reads_scalars_as_ruby_does),
        cmocka_unit_test(tree_parse_keeps_text_and_place),
        cmocka_unit_test(tree_parse_refuses_with_place),
        cmocka_unit_test(tree_parse_expands_aliases_and_merges),
        cmocka_unit_test(tree_parse_bounds_what_aliases_make),
        cmocka_unit_test(tree_parse_bounds_nesting_of_text_and_aliases),
        cmocka_unit_test(tree_parse_takes_json_that_yaml_refuses),
        cmocka_unit_test(tree_parse_survives_any_cut_and_any_byte),
        cmocka_unit_test(tree_write_yaml_lays_out_as_the_guide_prints),
        cmocka_unit_test(tree_write_yaml_puts_comments_before_their_node),
        cmocka_unit_test(tree_write_yaml_round_trips_awkward_texts),
        cmocka_unit_test(tree_write_yaml_keeps_written_numbers_as_text),
        cmocka_unit_test(tree_write_json_is_exact),
        cmocka_unit_test(node_merge_is_deep_and_index_wise),
        cmocka_unit_test(node_set_and_remove_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, release_arena);
}
