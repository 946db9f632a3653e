#include "unit.h"

#include "conf/options.h"

struct sample {
    char *delimiter, *quote, *secret;
    bool is_strict, is_lazy;
    int64_t skip, buffer_bytes;
    double ratio;
    int mode;
    const struct pen_node *columns, *list, *map;
};

struct entry {
    char *name;
    int64_t first;
};

static const struct pen_option entry_table[] = {{.key = "name",
                                                 .kind = PEN_OPTION_TEXT,
                                                 .offset = offsetof(struct entry, name),
                                                 .is_required = true},
                                                {.key = "first",
                                                 .kind = PEN_OPTION_INT,
                                                 .offset = offsetof(struct entry, first),
                                                 .default_text = "7"},
                                                {.key = NULL}};

static const char *const modes[] = {"append", "replace", "true", NULL};

static const struct pen_option table[] = {
    {.key = "delimiter",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct sample, delimiter),
     .default_text = ","},
    {.key = "quote",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct sample, quote),
     .default_text = "\""},
    {.key = "secret_access_key",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct sample, secret)},
    {.key = "strict",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct sample, is_strict),
     .default_text = "true"},
    {.key = "lazy", .kind = PEN_OPTION_BOOL, .offset = offsetof(struct sample, is_lazy)},
    {.key = "skip_header_lines",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct sample, skip),
     .default_text = "-1"},
    {.key = "buffer",
     .kind = PEN_OPTION_BYTES,
     .offset = offsetof(struct sample, buffer_bytes),
     .default_text = "64KiB"},
    {.key = "ratio", .kind = PEN_OPTION_DOUBLE, .offset = offsetof(struct sample, ratio)},
    {.key = "mode",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct sample, mode),
     .default_text = "append",
     .choices = modes},
    {.key = "columns", .kind = PEN_OPTION_NODE, .offset = offsetof(struct sample, columns)},
    {.key = "list",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct sample, list),
     .entries = entry_table},
    {.key = "map",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct sample, map),
     .entries = entry_table},
    {.key = "pool_name", .kind = PEN_OPTION_IGNORED},
    {.key = NULL}};

static struct pen_arena arena = {.max_bytes = (size_t)16 << 20};
static struct pen_warnings warnings = {.text = {.max = PEN_BUF_TEXT_MAX}};
static const struct pen_bind place = {"load.yml", &arena, &warnings};
static const char *const also[] = {"type", NULL};

static int release(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    pen_buf_release(&warnings.text);
    return 0;
}

static enum pen_code bind(const char *text, struct sample *ret, struct pen_error *err)
{
    struct pen_node *map = NULL;
    *ret = (struct sample){.columns = NULL};
    PEN_TRY(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &map, err));
    return pen_options_bind(table, map, "parser", also, ret, &place, err);
}

static void assert_refused(const char *text, const char *where, const char *message)
{
    struct sample sample;
    struct pen_error err = {0};
    assert_int_equal(bind(text, &sample, &err), PEN_ERR_CONFIG);
    assert_string_equal(err.where, where);
    assert_string_equal(err.message, message);
}

static void options_bind_fills_defaults_when_nothing_is_written(void **state)
{
    (void)state;
    struct sample sample = {.columns = NULL};
    assert_ok(pen_options_bind(table, NULL, "parser", NULL, &sample, &place, err));
    assert_string_equal(sample.delimiter, ",");
    assert_null(sample.secret);
    assert_true(sample.is_strict);
    assert_false(sample.is_lazy);
    assert_int_equal(sample.skip, -1);
    assert_int_equal(sample.buffer_bytes, 65536);
    assert_int_equal(sample.mode, 0);
    assert_null(sample.columns);
}

static void options_bind_reads_every_kind(void **state)
{
    (void)state;
    struct sample s;
    assert_ok(bind("type: csv\ndelimiter: 1\nquote: null\nstrict: 'false'\nlazy: yes\n"
                   "skip_header_lines: '2'\nbuffer: 10 MB\nratio: 1\nmode: replace\n"
                   "columns: [a]\nsecret_access_key: 007\n",
                   &s, err));
    assert_string_equal(s.delimiter, "1");
    assert_null(s.quote); /* null is not the default */
    assert_string_equal(s.secret, "007");
    assert_false(s.is_strict);
    assert_true(s.is_lazy);
    assert_int_equal(s.skip, 2);
    assert_int_equal(s.buffer_bytes, 10000000);
    assert_true(s.ratio == 1.0);
    assert_int_equal(s.mode, 1);
    assert_int_equal(s.columns->count, 1);
    assert_ok(bind("mode: Yes", &s, err));
    assert_int_equal(s.mode, 2);
    assert_ok(bind("{buffer: 2GiB, ratio: 1e-3, strict: ~, mode: ~}", &s, err));
    assert_true(s.buffer_bytes == INT64_C(2) << 30);
    assert_true(s.ratio == 0.001);
    assert_true(s.is_strict);
}

static void options_bind_refuses_with_place_and_reason(void **state)
{
    (void)state;
    assert_refused("delimiter: x\ndelimeter: y\n", "load.yml:2:1",
                   "unknown key 'delimeter' in 'parser', did you mean 'delimiter'?");
    assert_refused("typ: y\n", "load.yml:1:1",
                   "unknown key 'typ' in 'parser', did you mean 'type'?");
    assert_refused("zzzzz: y\n", "load.yml:1:1", "unknown key 'zzzzz' in 'parser'");
    assert_refused("delimiter: [x]\n", "load.yml:1:1", "'delimiter' must be a text, not a list");
    assert_refused("strict: maybe\n", "load.yml:1:1",
                   "'strict' must be true or false, not 'maybe'");
    assert_refused("strict: 1\n", "load.yml:1:1", "'strict' must be true or false, not a number");
    assert_refused("skip_header_lines: 1.5\n", "load.yml:1:1",
                   "'skip_header_lines' must be an integer, not '1.5'");
    assert_refused("skip_header_lines: 3x\n", "load.yml:1:1",
                   "'skip_header_lines' must be an integer, not '3x'");
    assert_refused("skip_header_lines: '99999999999999999999'\n", "load.yml:1:1",
                   "'skip_header_lines' must be an integer of at most 64 bits, not "
                   "'99999999999999999999'");
    assert_refused("skip_header_lines: 99999999999999999999\n", "load.yml:1:1",
                   "'skip_header_lines' must be an integer of at most 64 bits, not "
                   "'99999999999999999999'");
    assert_refused("buffer: -1\n", "load.yml:1:1",
                   "'buffer' must be a size in bytes such as 65536, 64KiB or 10MB, not a number");
    assert_refused("buffer: 9999999TiB\n", "load.yml:1:1",
                   "'buffer' must be a size in bytes such as 65536, 64KiB or 10MB, not "
                   "'9999999TiB'");
    assert_refused("mode: Append\n", "load.yml:1:1",
                   "unknown mode 'Append'; it must be one of: append, replace, true");
    assert_refused("- a\n", "load.yml:1:1", "'parser' must be a mapping, not a list");
    assert_refused("list: {a: 1}\n", "load.yml:1:1", "'list' must be a list, not a mapping");
    assert_refused("list: a\n", "load.yml:1:1", "'list' must be a list, not 'a'");
    assert_refused("map: [a]\n", "load.yml:1:1", "'map' must be a mapping, not a list");
    assert_refused("quote: \"\\0\"\n", "load.yml:1:1", "'quote' must not hold a NUL character");
}

static void options_bind_never_shows_a_secret(void **state)
{
    (void)state;
    struct sample sample;
    struct pen_error err = {0};
    assert_int_equal(bind("secret_access_key: [hunter2]\n", &sample, &err), PEN_ERR_CONFIG);
    assert_null(strstr(err.message, "hunter2"));
    assert_int_equal(bind("secret_access_key: \"hunter2\\0\"\n", &sample, &err), PEN_ERR_CONFIG);
    assert_null(strstr(err.message, "hunter2"));
}

static void options_bind_warns_when_a_key_has_no_meaning(void **state)
{
    (void)state;
    struct sample sample;
    pen_buf_clear(&warnings.text);
    assert_ok(bind("delimiter: x\npool_name: p\n", &sample, err));
    assert_string_equal(warnings.text.ptr,
                        "load.yml:2:1: 'pool_name' in 'parser' has no meaning here and is "
                        "ignored\n");
}

static void options_bind_demands_what_is_required(void **state)
{
    (void)state;
    static const struct pen_option required[] = {
        {.key = "bucket", .kind = PEN_OPTION_TEXT, .offset = 0, .is_required = true},
        {.key = NULL}};
    char *bucket = NULL;
    struct pen_node *map = NULL;
    struct pen_error err = {0};
    assert_int_equal(pen_options_bind(required, NULL, "in", NULL, &bucket, &place, &err),
                     PEN_ERR_CONFIG);
    assert_string_equal(err.message, "field 'bucket' is required but not set");
    assert_int_equal(pen_tree_parse(PEN_LIT("\nbucket:"), "load.yml", &arena, &map, &err), PEN_OK);
    assert_int_equal(pen_options_bind(required, map, "in", NULL, &bucket, &place, &err),
                     PEN_ERR_CONFIG);
    assert_string_equal(err.where, "load.yml:2:1");
}

static void null_is_no_list_and_no_mapping(void **state)
{
    (void)state;
    struct sample s;
    assert_ok(bind("{list: ~, map: ~, columns: ~}", &s, err));
    assert_null(s.list);
    assert_null(s.map);
    assert_non_null(s.columns);
    assert_ok(bind("{list: [], map: {}}", &s, err));
    assert_int_equal(s.list->count, 0);
    assert_int_equal(s.map->count, 0);
}

static void assert_entries_refused(const char *text, const char *where, const char *message)
{
    struct sample s;
    struct entry *entries = NULL;
    struct pen_error err = {0};
    assert_int_equal(bind(text, &s, &err), PEN_OK);
    assert_int_equal(
        pen_options_bind_list(entry_table, s.list, "list", sizeof *entries, &place, &entries, &err),
        PEN_ERR_CONFIG);
    assert_null(entries);
    assert_string_equal(err.where, where);
    assert_string_equal(err.message, message);
}

static void bind_list_fills_an_item_for_each_entry(void **state)
{
    (void)state;
    struct sample s;
    struct entry *entries = NULL;
    assert_ok(bind("list: [{name: a}, {first: -2, name: b}]\n", &s, err));
    assert_ok(
        pen_options_bind_list(entry_table, s.list, "list", sizeof *entries, &place, &entries, err));
    assert_string_equal(entries[0].name, "a");
    assert_int_equal(entries[0].first, 7);
    assert_string_equal(entries[1].name, "b");
    assert_int_equal(entries[1].first, -2);
    assert_ok(
        pen_options_bind_list(entry_table, NULL, "list", sizeof *entries, &place, &entries, err));
    assert_entries_refused("list:\n- {name: a}\n- {nam: b}\n", "load.yml:3:4",
                           "unknown key 'nam' in 'list', did you mean 'name'?");
    assert_entries_refused("list:\n- a\n", "load.yml:2:3",
                           "an entry of 'list' must be a mapping, not a text");
    assert_entries_refused("list:\n- {first: 1}\n", "load.yml:2:3",
                           "field 'name' is required but not set");
    assert_entries_refused("list: [null]\n", "load.yml:1:8",
                           "an entry of 'list' must be a mapping, not null");
}

static void did_you_mean_finds_only_close_words(void **state)
{
    (void)state;
    static const char *const words[] = {"connector:guess", "db:list", "table:list", "query",
                                        "jobs"};
    assert_string_equal(pen_did_you_mean(PEN_LIT("conector:guess"), words, 5), "connector:guess");
    assert_string_equal(pen_did_you_mean(PEN_LIT("qurey"), words, 5), "query");
    assert_string_equal(pen_did_you_mean(PEN_LIT("DB:LIST"), words, 5), "db:list");
    assert_null(pen_did_you_mean(PEN_LIT("frobnicate"), words, 5));
    assert_null(pen_did_you_mean(PEN_LIT(""), words, 5));
    assert_null(pen_did_you_mean(PEN_LIT("q"), words, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_bind_fills_defaults_when_nothing_is_written),
        cmocka_unit_test(options_bind_reads_every_kind),
        cmocka_unit_test(options_bind_refuses_with_place_and_reason),
        cmocka_unit_test(options_bind_never_shows_a_secret),
        cmocka_unit_test(options_bind_warns_when_a_key_has_no_meaning),
        cmocka_unit_test(options_bind_demands_what_is_required),
        cmocka_unit_test(null_is_no_list_and_no_mapping),
        cmocka_unit_test(bind_list_fills_an_item_for_each_entry),
        cmocka_unit_test(did_you_mean_finds_only_close_words),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
