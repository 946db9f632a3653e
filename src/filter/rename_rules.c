#include "filter/rename_internal.h"

#include "base/utf8.h"
#include "conf/suggest.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <unicode/ucasemap.h>

#define AT(member) offsetof(struct pen_rename_rule, member)

static const char *const also[] = {"rule", NULL};

#define PASS_OPTIONS                                                                               \
    {.key = "pass_types",                                                                          \
     .kind = PEN_OPTION_LIST,                                                                      \
     .offset = AT(pass_types),                                                                     \
     .help = "any of a-z, A-Z, 0-9: what may stay"},                                               \
    {                                                                                              \
        .key = "pass_characters", .kind = PEN_OPTION_TEXT, .offset = AT(pass_characters),          \
        .default_text = "", .help = "further characters that may stay"                             \
    }

static const struct pen_option character_options[] = {
    PASS_OPTIONS,
    {.key = "replace",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(replace),
     .default_text = "_",
     .help = "what other characters become: one character"},
    {.key = NULL},
};

static const struct pen_option first_character_options[] = {
    PASS_OPTIONS,
    {.key = "replace",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(replace),
     .help = "what another first character becomes: one character"},
    {.key = "prefix",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(prefix),
     .help = "what is put before another first character: one character"},
    {.key = NULL},
};

static const struct pen_option no_options[] = {{.key = NULL}};

static const struct pen_option regex_options[] = {
    {.key = "match",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(match),
     .is_required = true,
     .help = "regular expression"},
    {.key = "replace",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(replace),
     .is_required = true,
     .help = "replacement; $1 is the first group"},
    {.key = NULL},
};

static const struct pen_option truncate_options[] = {
    {.key = "max_length",
     .kind = PEN_OPTION_INT,
     .offset = AT(max_length),
     .default_text = "128",
     .help = "characters that a name may have"},
    {.key = NULL},
};

static const struct pen_option suffix_options[] = {
    {.key = "delimiter",
     .kind = PEN_OPTION_TEXT,
     .offset = AT(delimiter),
     .default_text = "_",
     .help = "before the number: one character that is no digit"},
    {.key = "digits",
     .kind = PEN_OPTION_INT,
     .offset = AT(digits),
     .help = "pads the number with zeros to so many digits"},
    {.key = "max_length",
     .kind = PEN_OPTION_INT,
     .offset = AT(max_length),
     .help = "characters that a name may have, at least 8; without it any number"},
    {.key = "offset",
     .kind = PEN_OPTION_INT,
     .offset = AT(offset),
     .default_text = "1",
     .help = "the number that the first name of its kind stands for"},
    {.key = NULL},
};

/* --- names ----------------------------------------------------------------------------------- */

enum pen_code pen_rename_put(struct pen_names *names, size_t index, struct pen_slice name,
                             struct pen_error *err)
{
    char *copy = pen_arena_copy(names->arena, name);
    if (copy == NULL)
        return pen_fail_nomem(err);
    names->items[index] = pen_slice(copy, name.len);
    return PEN_OK;
}

struct pen_slice pen_rename_first_character(struct pen_slice text)
{
    const char *at = text.ptr;
    (void)pen_utf8_decode(&at, text.ptr + text.len);
    return pen_slice(text.ptr, (size_t)(at - text.ptr));
}

struct pen_slice pen_rename_cut(struct pen_slice text, size_t max)
{
    size_t used = 0;
    for (size_t n = 0; n < max && used < text.len; n++)
        used += pen_rename_first_character(pen_slice_skip(text, used)).len;
    return pen_slice(text.ptr, used);
}

static bool is_one_character(const char *text)
{
    return text != NULL && text[0] != '\0' &&
           pen_rename_first_character(pen_slice_str(text)).len == strlen(text);
}

enum pen_code pen_rename_require_one(const struct pen_rename_rule *rule, const char *key,
                                     const char *value, struct pen_error *err)
{
    if (is_one_character(value))
        return PEN_OK;
    return pen_fail_at(rule->bind, rule->node, err,
                       "\"%s\" in \"%s\" must contain just 1 character", key, "rename");
}

/* --- characters ------------------------------------------------------------------------------- */

enum { PASS_LOWER = 1, PASS_UPPER = 2, PASS_DIGIT = 4 };

static enum pen_code pass_types(const struct pen_rename_rule *rule, unsigned *ret_types,
                                struct pen_error *err)
{
    unsigned types = 0;
    const struct pen_node *list = rule->pass_types;
    for (const struct pen_node *item = list == NULL ? NULL : list->first; item != NULL;
         item = item->next) {
        if (pen_slice_is(item->text, "a-z"))
            types |= PASS_LOWER;
        else if (pen_slice_is(item->text, "A-Z"))
            types |= PASS_UPPER;
        else if (pen_slice_is(item->text, "0-9"))
            types |= PASS_DIGIT;
        else
            return pen_fail_at(rule->bind, item, err,
                               "\"pass_types\" must be a-z, A-Z or 0-9, but it is '%.*s'",
                               PEN_ARG(item->text));
    }
    if (strstr(rule->pass_characters, "\\E") != NULL)
        return pen_fail_at(rule->bind, rule->node, err,
                           "\"pass_characters\" must not contain \"\\E\"");
    if (types == 0 && rule->pass_characters[0] == '\0')
        return pen_fail_at(rule->bind, rule->node, err,
                           "'pass_types' and 'pass_characters' are both empty");
    *ret_types = types;
    return PEN_OK;
}

static bool passes(const struct pen_rename_rule *rule, unsigned types, struct pen_slice character)
{
    char c = character.ptr[0];
    if (character.len == 1) {
        if ((types & PASS_LOWER) && c >= 'a' && c <= 'z')
            return true;
        if ((types & PASS_UPPER) && c >= 'A' && c <= 'Z')
            return true;
        if ((types & PASS_DIGIT) && c >= '0' && c <= '9')
            return true;
    }
    return character.len > 0 && memmem(rule->pass_characters, strlen(rule->pass_characters),
                                       character.ptr, character.len) != NULL;
}

static enum pen_code character_types(const struct pen_rename_rule *rule, struct pen_names *names,
                                     struct pen_error *err)
{
    unsigned types = 0;
    PEN_TRY(pass_types(rule, &types, err));
    PEN_TRY(pen_rename_require_one(rule, "replace", rule->replace, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < names->count; i++) {
        pen_buf_clear(&name);
        struct pen_slice rest = names->items[i];
        while (rest.len > 0) {
            struct pen_slice character = pen_rename_first_character(rest);
            rest = pen_slice_skip(rest, character.len);
            struct pen_slice kept =
                passes(rule, types, character) ? character : pen_slice_str(rule->replace);
            PEN_TRY(pen_buf_add_slice(&name, kept, err));
        }
        PEN_TRY(pen_rename_put(names, i, pen_buf_slice(&name), err));
    }
    return PEN_OK;
}

static enum pen_code first_character_types(const struct pen_rename_rule *rule,
                                           struct pen_names *names, struct pen_error *err)
{
    unsigned types = 0;
    PEN_TRY(pass_types(rule, &types, err));
    if ((rule->replace == NULL) == (rule->prefix == NULL))
        return pen_fail_at(rule->bind, rule->node, err,
                           "exactly one of \"replace\" and \"prefix\" must be specified");
    bool is_prefix = rule->prefix != NULL;
    const char *text = is_prefix ? rule->prefix : rule->replace;
    PEN_TRY(pen_rename_require_one(rule, is_prefix ? "prefix" : "replace", text, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < names->count; i++) {
        struct pen_slice old = names->items[i];
        if (old.len == 0 || passes(rule, types, pen_rename_first_character(old)))
            continue;
        struct pen_slice rest =
            is_prefix ? old : pen_slice_skip(old, pen_rename_first_character(old).len);
        pen_buf_clear(&name);
        PEN_TRY(pen_buf_add_str(&name, text, err));
        PEN_TRY(pen_buf_add_slice(&name, rest, err));
        PEN_TRY(pen_rename_put(names, i, pen_buf_slice(&name), err));
    }
    return PEN_OK;
}

/* --- case ------------------------------------------------------------------------------------- */

typedef int32_t (*case_fn)(const UCaseMap *map, char *into, int32_t room, const char *text,
                           int32_t len, UErrorCode *status);

/* English case mapping of whole names, as Java's: one letter may become several. */
static enum pen_code map_names(const UCaseMap *map, case_fn convert, struct pen_names *names,
                               struct pen_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        struct pen_slice old = names->items[i];
        size_t room = 3 * old.len + 1; /* the most that a mapping grows UTF-8 */
        char *into = pen_arena_alloc(names->arena, room);
        if (into == NULL || room > INT32_MAX)
            return pen_fail_nomem(err);
        UErrorCode status = U_ZERO_ERROR;
        int32_t len = convert(map, into, (int32_t)room, old.len == 0 ? "" : old.ptr,
                              (int32_t)old.len, &status);
        if (U_FAILURE(status))
            return pen_fail(err, PEN_ERR_INTERNAL, "the case of a column name cannot be mapped: %s",
                            u_errorName(status));
        names->items[i] = pen_slice(into, (size_t)len);
    }
    return PEN_OK;
}

static enum pen_code map_case(struct pen_names *names, case_fn convert, struct pen_error *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UCaseMap *map = ucasemap_open("en", 0, &status);
    if (U_FAILURE(status))
        return pen_fail_nomem(err);
    enum pen_code code = map_names(map, convert, names, err);
    ucasemap_close(map);
    return code;
}

static enum pen_code lower_to_upper(const struct pen_rename_rule *rule, struct pen_names *names,
                                    struct pen_error *err)
{
    (void)rule; /* no options */
    return map_case(names, ucasemap_utf8ToUpper, err);
}

static enum pen_code upper_to_lower(const struct pen_rename_rule *rule, struct pen_names *names,
                                    struct pen_error *err)
{
    (void)rule; /* no options */
    return map_case(names, ucasemap_utf8ToLower, err);
}

/* --- regular expressions --------------------------------------------------------------------- */

static enum pen_code substitute(const struct pen_rename_rule *rule, pcre2_code *code,
                                struct pen_names *names, size_t index, struct pen_error *err)
{
    struct pen_slice old = names->items[index];
    char text[4096];
    PCRE2_SIZE len = sizeof text;
    int result = pcre2_substitute(
        code, (PCRE2_SPTR)(old.ptr == NULL ? "" : old.ptr), old.len, 0,
        PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED | PCRE2_SUBSTITUTE_UNSET_EMPTY, NULL,
        NULL, (PCRE2_SPTR)rule->replace, PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)text, &len);
    if (result >= 0)
        return pen_rename_put(names, index, pen_slice(text, len), err);
    PCRE2_UCHAR reason[128];
    (void)pcre2_get_error_message(result, reason, sizeof reason); /* cut at worst */
    return pen_fail_at(rule->bind, rule->node, err, "'replace': %s", (const char *)reason);
}

static enum pen_code regex_replace(const struct pen_rename_rule *rule, struct pen_names *names,
                                   struct pen_error *err)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)rule->match, PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                                         &code, &offset, NULL);
    if (compiled == NULL) {
        PCRE2_UCHAR reason[128];
        (void)pcre2_get_error_message(code, reason, sizeof reason); /* cut at worst */
        return pen_fail_at(rule->bind, rule->node, err,
                           "bad regular expression '%s' near index %zu: %s", rule->match, offset,
                           (const char *)reason);
    }
    enum pen_code result = PEN_OK;
    for (size_t i = 0; i < names->count && result == PEN_OK; i++)
        result = substitute(rule, compiled, names, i, err);
    pcre2_code_free(compiled);
    return result;
}

/* --- lengths --------------------------------------------------------------------------------- */

static enum pen_code truncate(const struct pen_rename_rule *rule, struct pen_names *names,
                              struct pen_error *err)
{
    if (rule->max_length < 0)
        return pen_fail_at(rule->bind, rule->node, err, "\"max_length\" must not be negative");
    for (size_t i = 0; i < names->count; i++)
        names->items[i] = pen_rename_cut(names->items[i], (size_t)rule->max_length);
    return PEN_OK;
}

/* --- dispatch --------------------------------------------------------------------------------- */

const struct pen_option_variant pen_rename_rules[] = {
    {"character_types", character_options},   {"first_character_types", first_character_options},
    {"lower_to_upper", no_options},           {"upper_to_lower", no_options},
    {"regex_replace", regex_options},         {"truncate", truncate_options},
    {"unique_number_suffix", suffix_options}, {NULL, NULL},
};

typedef enum pen_code (*rule_fn)(const struct pen_rename_rule *rule, struct pen_names *names,
                                 struct pen_error *err);

static const rule_fn functions[] = {
    character_types, first_character_types, lower_to_upper, upper_to_lower, regex_replace,
    truncate,        pen_rename_unique,
};
static_assert(sizeof functions / sizeof functions[0] + 1 ==
                  sizeof pen_rename_rules / sizeof pen_rename_rules[0],
              "one function a rule, in the same order");

static enum pen_code fail_unknown(const struct pen_node *name, const struct pen_bind *bind,
                                  struct pen_error *err)
{
    (void)pen_fail_at(bind, name, err, "Renaming rule \"%.*s\" is unknown", PEN_ARG(name->text));
    struct pen_suggest suggest = pen_suggest_start(name->text);
    for (const struct pen_option_variant *rule = pen_rename_rules; rule->name != NULL; rule++)
        pen_suggest_try(&suggest, rule->name);
    const char *best = pen_suggest_best(&suggest);
    if (best != NULL)
        pen_error_hint(err, "did you mean '%s'?", best);
    else
        pen_error_hint(err, "rules are character_types, first_character_types, lower_to_upper, "
                            "upper_to_lower, regex_replace, truncate, unique_number_suffix");
    return PEN_ERR_CONFIG;
}

enum pen_code pen_rename_rule_apply(const struct pen_node *node, const struct pen_bind *bind,
                                    struct pen_names *names, struct pen_error *err)
{
    const struct pen_node *name = pen_node_get(node, "rule");
    if (name == NULL)
        return pen_fail_at(bind, node, err, "a rule has no 'rule'");
    for (size_t i = 0; pen_rename_rules[i].name != NULL; i++) {
        if (!pen_slice_is(name->text, pen_rename_rules[i].name))
            continue;
        struct pen_rename_rule rule = {.node = node, .bind = bind};
        PEN_TRY(
            pen_options_bind(pen_rename_rules[i].options, node, "rules", also, &rule, bind, err));
        return functions[i](&rule, names, err);
    }
    return fail_unknown(name, bind, err);
}
