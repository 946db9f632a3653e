#include "unit.h"

#include "filter/rename_rules.h"

/* Applies one rule, written as YAML, to names written "a|b|c"; the result, or the error's text. */
static void apply(const char *yaml, const char *names_text, char *text, size_t room)
{
    struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_bind bind = {.file = "load.yml", .arena = &arena};
    struct pen_node *rule = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(yaml), "load.yml", &arena, &rule, err));
    struct pen_slice items[16];
    struct pen_names names = {.arena = &arena, .items = items};
    for (const char *at = names_text;; at++) {
        size_t len = strcspn(at, "|");
        items[names.count++] = pen_slice(at, len);
        at += len;
        if (*at == '\0')
            break;
    }
    struct pen_error failed = {0};
    if (pen_rename_rule_apply(rule, &bind, &names, &failed) != PEN_OK) {
        (void)snprintf(text, room, "error: %s", failed.message);
    } else {
        size_t used = 0;
        for (size_t i = 0; i < names.count; i++)
            used += (size_t)snprintf(text + used, room - used, "%s%.*s", i == 0 ? "" : "|",
                                     PEN_ARG(items[i]));
    }
    pen_arena_release(&arena);
}

#define assert_rule(yaml, names, expected)                                                         \
    do {                                                                                           \
        char text_[512];                                                                           \
        apply(yaml, names, text_, sizeof text_);                                                   \
        assert_string_equal(text_, expected);                                                      \
    } while (0)

static void unique_suffix_follows_the_published_examples(void **state)
{
    (void)state;
    assert_rule("{rule: unique_number_suffix}", "c|c1|c1|c2|c|c3", "c|c1|c1_2|c2|c_2|c3");
    assert_rule("{rule: unique_number_suffix}", "c|c|c_0|c_1|c_2", "c|c_3|c_0|c_1|c_2");
    assert_rule("{rule: unique_number_suffix, max_length: 8}", "abcdefghij|abcdefghij",
                "abcdefgh|abcdef_2");
    assert_rule("{rule: unique_number_suffix, digits: 3, offset: 0}", "a|a|a", "a|a_001|a_002");
    assert_rule("{rule: unique_number_suffix, max_length: 7}", "a|a",
                "error: \"max_length\" must be at least 8");
    assert_rule("{rule: unique_number_suffix, max_length: -1}", "a|a",
                "error: \"max_length\" must be at least 8");
    assert_rule("{rule: unique_number_suffix, max_length: 8, digits: 8}", "a|a",
                "error: \"max_length\" must be larger than \"digits\"");
    assert_rule("{rule: unique_number_suffix, digits: 0}", "a|a",
                "error: \"max_length\" and \"digits\" must be larger than the digits of the "
                "number of columns");
    assert_rule("{rule: unique_number_suffix, digits: 2, offset: 9}", "a|a",
                "error: \"max_length\" and \"digits\" must be larger than the digits of the "
                "number of columns");
    assert_rule("{rule: unique_number_suffix, digits: 2, offset: 8}", "a|a", "a|a_09");
    assert_rule("{rule: unique_number_suffix, delimiter: ''}", "a|a",
                "error: \"delimiter\" in \"rename\" must contain just 1 character");
    assert_rule("{rule: unique_number_suffix, offset: -1}", "a|a",
                "error: \"offset\" must not be negative");
    assert_rule("{rule: unique_number_suffix, delimiter: '1'}", "a|a",
                "error: \"delimiter\" must not be a digit");
}

static void character_types_replaces_what_may_not_stay(void **state)
{
    (void)state;
    assert_rule("{rule: character_types, pass_types: [a-z, 0-9], pass_characters: _}",
                "a b|\xc3\xa9t\xc3\xa9|x-1_y", "a_b|_t_|x_1_y");
    assert_rule("{rule: character_types, pass_types: [A-Z], replace: '-'}", "aB", "-B");
    assert_rule("{rule: character_types}", "a",
                "error: 'pass_types' and 'pass_characters' are both empty");
    assert_rule("{rule: character_types, pass_types: [b-c]}", "a",
                "error: \"pass_types\" must be a-z, A-Z or 0-9, but it is 'b-c'");
    assert_rule("{rule: character_types, pass_characters: 'a\\E'}", "a",
                "error: \"pass_characters\" must not contain \"\\E\"");
    assert_rule("{rule: character_types, pass_characters: \"ab\xc3\xa9\"}",
                "ab\xc3\xa9"
                "c",
                "ab\xc3\xa9_");
    assert_rule("{rule: character_types, pass_types: [a-z], replace: '--'}", "a",
                "error: \"replace\" in \"rename\" must contain just 1 character");
}

static void first_character_types_replaces_or_prefixes(void **state)
{
    (void)state;
    assert_rule("{rule: first_character_types, pass_types: [a-z], prefix: _}", "1a|a1", "_1a|a1");
    assert_rule("{rule: first_character_types, pass_types: [a-z], replace: x}", "1a|a1", "xa|a1");
    assert_rule("{rule: first_character_types, pass_types: [a-z], prefix: _, replace: x}", "1a",
                "error: exactly one of \"replace\" and \"prefix\" must be specified");
    assert_rule("{rule: first_character_types, pass_types: [a-z], prefix: ab}", "1a",
                "error: \"prefix\" in \"rename\" must contain just 1 character");
    assert_rule("{rule: first_character_types, pass_characters: _, prefix: _}", "|_a|b", "|_a|_b");
    assert_rule("{rule: first_character_types, pass_types: [a-z]}", "1a",
                "error: exactly one of \"replace\" and \"prefix\" must be specified");
}

static void case_rules_map_whole_names(void **state)
{
    (void)state;
    assert_rule("{rule: upper_to_lower}", "AbC|\xc3\x89T\xc3\x89", "abc|\xc3\xa9t\xc3\xa9");
    assert_rule("{rule: lower_to_upper}", "AbC", "ABC");
    /* letters that become two, of every script, the dotted and dotless i of English */
    assert_rule("{rule: lower_to_upper}",
                "stra\xc3\x9f"
                "e|\xc4\x81\xc5\xbe|\xd5\xa1|i",
                "STRASSE|\xc4\x80\xc5\xbd|\xd4\xb1|I");
    assert_rule("{rule: upper_to_lower}", "\xc4\x80\xc5\xb8|\xce\xa3\xce\xa3|I|\xe6\x97\xa5",
                "\xc4\x81\xc3\xbf|\xcf\x83\xcf\x82|i|\xe6\x97\xa5");
}

static void regex_replace_takes_groups(void **state)
{
    (void)state;
    assert_rule("{rule: regex_replace, match: '([a-z])([0-9])', replace: '$2$1'}", "a1b2|x",
                "1a2b|x");
    assert_rule("{rule: regex_replace, match: '(', replace: ''}", "a",
                "error: bad regular expression '(' near index 1: missing closing parenthesis");
    assert_rule("{rule: regex_replace, match: a}", "a",
                "error: field 'replace' is required but not set");
}

static void truncate_cuts_characters_not_bytes(void **state)
{
    (void)state;
    assert_rule("{rule: truncate, max_length: 2}", "\xc3\xa9\xc3\xa9\xc3\xa9|a",
                "\xc3\xa9\xc3\xa9|a");
    assert_rule("{rule: truncate, max_length: -1}", "a",
                "error: \"max_length\" must not be negative");
    char name[131];
    memset(name, 'n', 130);
    name[130] = '\0';
    char cut[129];
    memset(cut, 'n', 128);
    cut[128] = '\0';
    assert_rule("{rule: truncate}", name, cut);
    assert_rule("{rule: shuffle}", "a", "error: Renaming rule \"shuffle\" is unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unique_suffix_follows_the_published_examples),
        cmocka_unit_test(character_types_replaces_what_may_not_stay),
        cmocka_unit_test(first_character_types_replaces_or_prefixes),
        cmocka_unit_test(case_rules_map_whole_names),
        cmocka_unit_test(regex_replace_takes_groups),
        cmocka_unit_test(truncate_cuts_characters_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
