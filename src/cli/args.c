#include "cli/args.h"

#include "base/number.h"
#include "conf/suggest.h"

#include <assert.h>
#include <inttypes.h>

struct parser {
    struct pen_args *args;
    const char **words;
    size_t argc, at;
    const char *const *argv;
};

static enum pen_code fail_unknown(const struct pen_flag *flags, struct pen_slice name,
                                  struct pen_error *err)
{
    struct pen_suggest suggest = pen_suggest_start(name);
    for (const struct pen_flag *flag = flags; flag->name != NULL; flag++)
        pen_suggest_try(&suggest, flag->name);
    const char *best = pen_suggest_best(&suggest);
    if (best == NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "unknown option '--%.*s'", PEN_ARG(name));
    return pen_fail(err, PEN_ERR_CONFIG, "unknown option '--%.*s', did you mean '--%s'?",
                    PEN_ARG(name), best);
}

/* The flag of exactly that name, else the only one that begins with it. */
static enum pen_code find_long(const struct pen_flag *flags, struct pen_slice name,
                               size_t *ret_index, struct pen_error *err)
{
    size_t found = SIZE_MAX, matches = 0;
    for (size_t i = 0; flags[i].name != NULL; i++) {
        if (pen_slice_is(name, flags[i].name)) {
            *ret_index = i;
            return PEN_OK;
        }
        if (name.len > 0 && pen_slice_starts(pen_slice_str(flags[i].name), name)) {
            found = i;
            matches++;
        }
    }
    if (matches == 0)
        return fail_unknown(flags, name, err);
    if (matches > 1)
        return pen_fail(err, PEN_ERR_CONFIG, "option '--%.*s' is ambiguous", PEN_ARG(name));
    *ret_index = found;
    return PEN_OK;
}

/* -5 is an argument, unless there are options that are digits; we have none. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9');
}

static enum pen_code take_value(struct parser *p, size_t index, const char *attached,
                                struct pen_error *err)
{
    const struct pen_flag *flag = &p->args->flags[index];
    if (flag->value == NULL && attached != NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "option '--%s' takes no value", flag->name);
    bool is_absent = attached == NULL && (p->at == p->argc || is_option(p->argv[p->at]));
    if (flag->value == NULL || (flag->is_optional && is_absent)) {
        p->args->values[index] = "";
        return PEN_OK;
    }
    if (attached == NULL && p->at == p->argc)
        return pen_fail(err, PEN_ERR_CONFIG, "option '--%s' needs a value: %s", flag->name,
                        flag->value);
    p->args->values[index] = attached != NULL ? attached : p->argv[p->at++];
    return PEN_OK;
}

static enum pen_code take_long(struct parser *p, const char *text, struct pen_error *err)
{
    const char *equals = strchr(text, '=');
    struct pen_slice name = pen_slice_str(text);
    if (equals != NULL)
        name.len = (size_t)(equals - text);
    size_t index = 0;
    PEN_TRY(find_long(p->args->flags, name, &index, err));
    return take_value(p, index, equals != NULL ? equals + 1 : NULL, err);
}

/* -w, -wf, -ofile, -o file */
static enum pen_code take_short(struct parser *p, const char *letters, struct pen_error *err)
{
    for (; *letters != '\0'; letters++) {
        size_t index = 0;
        while (p->args->flags[index].name != NULL && p->args->flags[index].letter != *letters)
            index++;
        if (p->args->flags[index].name == NULL)
            return pen_fail(err, PEN_ERR_CONFIG, "unknown option '-%c'", *letters);
        bool has_value = p->args->flags[index].value != NULL;
        const char *attached = has_value && letters[1] != '\0' ? letters + 1 : NULL;
        PEN_TRY(take_value(p, index, attached, err));
        if (attached != NULL)
            break;
    }
    return PEN_OK;
}

enum pen_code pen_args_parse(const struct pen_flag *flags, size_t argc, const char *const *argv,
                             struct pen_arena *arena, struct pen_args *ret_args,
                             struct pen_error *err)
{
    size_t flag_count = 0;
    while (flags[flag_count].name != NULL)
        flag_count++;
    const char **values = pen_arena_alloc(arena, flag_count * sizeof *values);
    const char **words = pen_arena_alloc(arena, argc * sizeof *words);
    if (values == NULL || words == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < flag_count; i++)
        values[i] = NULL;
    struct pen_args args = {flags, values, words, 0};
    struct parser p = {&args, words, argc, 0, argv};
    bool is_rest = false;
    while (p.at < argc) {
        const char *word = argv[p.at++];
        if (is_rest || !is_option(word))
            words[args.word_count++] = word;
        else if (strcmp(word, "--") == 0)
            is_rest = true;
        else if (word[1] == '-')
            PEN_TRY(take_long(&p, word + 2, err));
        else
            PEN_TRY(take_short(&p, word + 1, err));
    }
    *ret_args = args;
    return PEN_OK;
}

const char *pen_args_value(const struct pen_args *args, const char *name)
{
    for (size_t i = 0; args->flags[i].name != NULL; i++)
        if (strcmp(args->flags[i].name, name) == 0)
            return args->values[i];
    assert(false && "the option is in the command's table");
    return NULL;
}

enum pen_code pen_parse_int_word(const char *word, const char *what, int64_t min, int64_t max,
                                 int64_t *ret_value, struct pen_error *err)
{
    int64_t value = 0;
    if (!pen_parse_long(pen_slice_str(word), &value))
        return pen_fail(err, PEN_ERR_CONFIG, "%s must be an integer, not '%s'", what, word);
    if (value < min || value > max)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "%s must be between %" PRId64 " and %" PRId64 ", not %s", what, min, max,
                        word);
    *ret_value = value;
    return PEN_OK;
}

enum pen_code pen_args_int(const struct pen_args *args, const char *name, int64_t min, int64_t max,
                           int64_t fallback, int64_t *ret_value, struct pen_error *err)
{
    const char *text = pen_args_value(args, name);
    if (text == NULL || text[0] == '\0') {
        *ret_value = fallback;
        return PEN_OK;
    }
    char what[64] = "--";
    strncat(what, name, sizeof what - 3);
    return pen_parse_int_word(text, what, min, max, ret_value, err);
}
