#include "unit.h"

#include "cli/args.h"

static const struct pen_flag flags[] = {
    {"out", 'o', "FILE", false, ""},      {"wait", 'w', NULL, false, ""},
    {"wide", 'x', NULL, false, ""},       {"schedule", 's', "CRON", true, ""},
    {"delay", 'D', "SECONDS", false, ""}, {NULL, 0, NULL, false, NULL},
};

static struct pen_arena arena = {.max_bytes = (size_t)1 << 20};

static int release(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    return 0;
}

static size_t split(const char *line, const char **words)
{
    size_t count = 0;
    char *copy = pen_arena_copy(&arena, pen_slice_str(line)), *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return count;
}

static struct pen_args parse(const char *line)
{
    const char *words[16];
    struct pen_args args = {0};
    assert_ok(pen_args_parse(flags, split(line, words), words, &arena, &args, err));
    return args;
}

static void assert_refused(const char *line, const char *message)
{
    const char *words[16];
    struct pen_args args = {0};
    struct pen_error err = {0};
    assert_int_equal(pen_args_parse(flags, split(line, words), words, &arena, &args, &err),
                     PEN_ERR_CONFIG);
    assert_string_equal(err.message, message);
}

static void args_mix_options_and_words(void **state)
{
    (void)state;
    struct pen_args args = parse("a.yml -o b.yml --wait c");
    assert_int_equal(args.word_count, 2);
    assert_string_equal(args.words[0], "a.yml");
    assert_string_equal(args.words[1], "c");
    assert_string_equal(pen_args_value(&args, "out"), "b.yml");
    assert_true(pen_args_has(&args, "wait"));
    assert_false(pen_args_has(&args, "delay"));
}

static void args_take_all_spellings_of_a_value(void **state)
{
    (void)state;
    struct pen_args args = parse("-ofile --del=5 -wx");
    assert_string_equal(pen_args_value(&args, "out"), "file");
    assert_string_equal(pen_args_value(&args, "delay"), "5");
    assert_true(pen_args_has(&args, "wait"));
    assert_true(pen_args_has(&args, "wide"));
    args = parse("-wo file -- -o --x");
    assert_string_equal(pen_args_value(&args, "out"), "file");
    assert_int_equal(args.word_count, 2);
    assert_string_equal(args.words[0], "-o");
    args = parse("- -5 --schedule x y");
    assert_int_equal(args.word_count, 3);
    assert_string_equal(args.words[1], "-5");
    assert_string_equal(args.words[2], "y");
    assert_string_equal(pen_args_value(&args, "schedule"), "x");
    args = parse("-s --wait - -s");
    assert_int_equal(args.word_count, 1);
    assert_true(pen_args_has(&args, "wait"));
    assert_string_equal(pen_args_value(&args, "schedule"), "");
    args = parse("--schedule=@daily --out=");
    assert_string_equal(pen_args_value(&args, "schedule"), "@daily");
    assert_string_equal(pen_args_value(&args, "out"), "");
}

static void args_refuse_with_advice(void **state)
{
    (void)state;
    assert_refused("--ouut x", "unknown option '--ouut', did you mean '--out'?");
    assert_refused("--zzzzzz", "unknown option '--zzzzzz'");
    assert_refused("-z", "unknown option '-z'");
    assert_refused("-wz", "unknown option '-z'");
    assert_refused("--w", "option '--w' is ambiguous");
    assert_refused("--wait=1", "option '--wait' takes no value");
    assert_refused("--out", "option '--out' needs a value: FILE");
    assert_refused("-o", "option '--out' needs a value: FILE");
}

static void args_int_checks_the_range(void **state)
{
    (void)state;
    int64_t value = 0;
    struct pen_args args = parse("-D -5");
    struct pen_error refused = {0};
    assert_ok(pen_args_int(&args, "delay", -10, 10, 1, &value, err));
    assert_int_equal(value, -5);
    assert_int_equal(pen_args_int(&args, "delay", 0, 10, 1, &value, &refused), PEN_ERR_CONFIG);
    assert_string_equal(refused.message, "--delay must be between 0 and 10, not -5");
    args = parse("-D 5s");
    assert_int_equal(pen_args_int(&args, "delay", 0, 10, 1, &value, &refused), PEN_ERR_CONFIG);
    assert_string_equal(refused.message, "--delay must be an integer, not '5s'");
    args = parse("");
    assert_ok(pen_args_int(&args, "delay", 0, 10, 7, &value, err));
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(args_mix_options_and_words),
        cmocka_unit_test(args_take_all_spellings_of_a_value),
        cmocka_unit_test(args_refuse_with_advice),
        cmocka_unit_test(args_int_checks_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
