#include "unit.h"

#include "registry.h"

static struct pen_arena arena = {.max_bytes = (size_t)16 << 20};

/* What the examples of the filters speak of. */
static void fill_schema(struct pen_schema *schema)
{
    static const struct {
        const char *name;
        enum pen_type type;
    } columns[] = {{"id", PEN_TYPE_LONG},        {"name", PEN_TYPE_STRING},
                   {"country", PEN_TYPE_STRING}, {"email", PEN_TYPE_STRING},
                   {"card", PEN_TYPE_STRING},    {"status", PEN_TYPE_LONG},
                   {"record", PEN_TYPE_JSON}};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        assert_ok(
            pen_schema_add(schema, pen_slice_str(columns[i].name), columns[i].type, NULL, err));
}

/* An example that does not bind, or whose columns are not there, would mislead. */
static void every_filter_has_an_example_that_works(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_schema_clear) struct pen_schema schema = {0};
    fill_schema(&schema);
    for (size_t i = 0; pen_filter_types[i] != NULL; i++) {
        const struct pen_filter_type *type = pen_filter_types[i];
        struct pen_warnings warnings = {.text = PEN_BUF(PEN_BUF_TEXT_MAX)};
        struct pen_bind bind = {type->info.name, &arena, &warnings};
        PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
        struct pen_node *config = NULL;
        struct pen_filter *filter = NULL;
        assert_non_null(type->info.example);
        assert_ok(pen_buf_addf(&text, err, "type: %s\n%s", type->info.name, type->info.example));
        assert_ok(pen_tree_parse(pen_buf_slice(&text), type->info.name, &arena, &config, err));
        assert_ok(pen_filter_new(type, config, &bind, 0, &schema, &filter, err));
        assert_int_equal(warnings.text.len, 0);
        assert_true(filter->out.count > 0);
        pen_filter_free(filter);
    }
}

static void check_table(const char *step, const struct pen_option *options)
{
    for (const struct pen_option *o = options; o->key != NULL; o++) {
        if (o->kind == PEN_OPTION_IGNORED)
            continue;
        if (o->help == NULL || o->help[0] == '\0')
            fail_msg("%s: option '%s' has no help", step, o->key);
        if (o->kind == PEN_OPTION_ENUM && (o->choices == NULL || o->choices[0] == NULL))
            fail_msg("%s: option '%s' has no choices", step, o->key);
        if (o->entries != NULL && o->kind != PEN_OPTION_MAP && o->kind != PEN_OPTION_LIST)
            fail_msg("%s: option '%s' has entries, but is no mapping or list", step, o->key);
        if (o->entries != NULL)
            check_table(step, o->entries);
        for (const struct pen_option_variant *v = o->variants; v != NULL && v->name != NULL; v++)
            check_table(step, v->options);
    }
}

static void every_option_of_a_filter_says_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; pen_filter_types[i] != NULL; i++)
        check_table(pen_filter_types[i]->info.name, pen_filter_types[i]->info.options);
}

static void types_are_found_by_their_names_alone(void **state)
{
    (void)state;
    for (size_t i = 0; pen_filter_types[i] != NULL; i++)
        assert_ptr_equal(pen_find_filter(pen_slice_str(pen_filter_types[i]->info.name)),
                         pen_filter_types[i]);
    assert_null(pen_find_filter(PEN_LIT("Hash")));
    assert_null(pen_find_filter(PEN_LIT("has")));
    assert_null(pen_find_filter(PEN_LIT("")));
    assert_ptr_equal(pen_find_parse(PEN_LIT("csv")), &pen_parse_csv);
    assert_ptr_equal(pen_find_source(PEN_LIT("s3")), &pen_source_s3);
    assert_ptr_equal(pen_find_decode(PEN_LIT("gzip")), &pen_decode_gzip);
}

static int release(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_has_an_example_that_works),
        cmocka_unit_test(every_option_of_a_filter_says_what_it_is),
        cmocka_unit_test(types_are_found_by_their_names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
