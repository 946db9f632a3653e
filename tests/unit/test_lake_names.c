#include "unit.h"

#include "base/buf.h"
#include "lake/lake.h"

static void assert_name(const char *name, const char *message)
{
    struct pen_error failure = {0};
    enum pen_code code = pen_lake_check_name("Database", pen_slice_str(name), &failure);
    assert_int_equal(code, message == NULL ? PEN_OK : PEN_ERR_CONFIG);
    if (message != NULL)
        assert_string_equal(failure.message, message);
}

static void names_are_checked_in_the_clients_words(void **state)
{
    (void)state;
    char text[400];
    assert_name("abc", NULL);
    assert_name("_0z", NULL);
    memset(text, 'a', sizeof text);
    text[128] = '\0';
    assert_name(text, NULL);
    assert_name("ab", "Database name must be between 3 and 255 characters long. Got 2 characters.");
    assert_name("", "Database name must be between 3 and 255 characters long. Got 0 characters.");
    text[128] = 'a';
    text[129] = '\0';
    assert_name(text,
                "Database name must be between 3 and 128 characters long. Got 129 characters.");
    text[129] = 'a';
    text[300] = '\0';
    assert_name(text,
                "Database name must be between 3 and 255 characters long. Got 300 characters.");
    static const char *const bad[] = {"Abc", "a-b", "a b", "caf\xc3\xa9", "a.b", "\"ab"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_name(bad[i], "Database name must only consist of lower-case alpha-numeric "
                            "characters and '_'.");
}

static void assert_alias(const char *name, const char *alias)
{
    struct pen_buf text = PEN_BUF(1000);
    assert_ok(pen_lake_alias(pen_slice_str(name), &text, err));
    assert_string_equal(text.ptr, alias);
    pen_buf_release(&text);
}

static void alias_turns_runs_into_one_underscore(void **state)
{
    (void)state;
    assert_alias("plain_1", "plain_1");
    assert_alias("User ID", "user_id");
    assert_alias("a  - b", "a_b");
    assert_alias("1abc", "_abc");
    assert_alias("11", "_1");
    assert_alias("\xe6\x97\xa5\xe6\x9c\xac", "_");
    assert_alias("\xc3\xa9"
                 "1",
                 "_1");
    assert_alias("1\xc3\xa9", "__");
    assert_alias("a_\xe2\x82\xac_b", "a___b");
    assert_alias("", "_");
}

static void clashing_aliases_are_numbered(void **state)
{
    (void)state;
    static const char *const names[] = {"A", "a", "a!", "a?", "a", "b", "B", "time"};
    static const char *const expect[] = {"a_1", "a", "a_", "a__1", "a_2", "b_1", "b_2", "time_1"};
    static const char *const taken[] = {"B", "time"};
    struct pen_schema schema = {0};
    for (size_t i = 0; i < 8; i++)
        assert_ok(pen_schema_add(&schema, pen_slice_str(names[i]), PEN_TYPE_LONG, NULL, err));
    struct pen_arena arena = PEN_ARENA(1 << 20);
    const char **aliases = NULL;
    assert_ok(pen_lake_aliases(&schema, taken, 2, &arena, &aliases, err));
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(aliases[i], expect[i]);
    pen_arena_release(&arena);
    pen_schema_clear(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked_in_the_clients_words),
        cmocka_unit_test(alias_turns_runs_into_one_underscore),
        cmocka_unit_test(clashing_aliases_are_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
