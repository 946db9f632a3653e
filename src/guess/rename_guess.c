#include "guess/rename_guess.h"

/* A text list of one word each. */
static enum pen_code set_text_list(struct pen_node *map, struct pen_arena *arena, const char *key,
                                   const char *const *words, struct pen_error *err)
{
    struct pen_node *list = pen_node_new_list(arena);
    if (list == NULL)
        return pen_fail_nomem(err);
    for (; *words != NULL; words++) {
        struct pen_node *word = pen_node_new_text(arena, pen_slice_str(*words));
        if (word == NULL)
            return pen_fail_nomem(err);
        pen_node_append(list, word);
    }
    return pen_node_set(map, arena, key, list, err);
}

static enum pen_code set_text(struct pen_node *map, struct pen_arena *arena, const char *key,
                              const char *text, struct pen_error *err)
{
    struct pen_node *node = pen_node_new_text(arena, pen_slice_str(text));
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(map, arena, key, node, err);
}

static enum pen_code add_rule(struct pen_node *rules, struct pen_arena *arena, const char *name,
                              struct pen_node **ret_rule, struct pen_error *err)
{
    *ret_rule = pen_node_new_map(arena);
    if (*ret_rule == NULL)
        return pen_fail_nomem(err);
    pen_node_append(rules, *ret_rule);
    return set_text(*ret_rule, arena, "rule", name, err);
}

/* The rule-based rename filter that the service proposes (spec/guess.md 8). */
static enum pen_code add_rename_rules(struct pen_node *rules, struct pen_arena *arena,
                                      struct pen_error *err)
{
    static const char *const small_and_digits[] = {"a-z", "0-9", NULL};
    static const char *const small[] = {"a-z", NULL};
    struct pen_node *rule = NULL;
    PEN_TRY(add_rule(rules, arena, "upper_to_lower", &rule, err));
    PEN_TRY(add_rule(rules, arena, "character_types", &rule, err));
    PEN_TRY(set_text_list(rule, arena, "pass_types", small_and_digits, err));
    PEN_TRY(set_text(rule, arena, "pass_characters", "_", err));
    PEN_TRY(set_text(rule, arena, "replace", "_", err));
    PEN_TRY(add_rule(rules, arena, "first_character_types", &rule, err));
    PEN_TRY(set_text_list(rule, arena, "pass_types", small, err));
    PEN_TRY(set_text(rule, arena, "pass_characters", "_", err));
    PEN_TRY(set_text(rule, arena, "prefix", "_", err));
    PEN_TRY(add_rule(rules, arena, "unique_number_suffix", &rule, err));
    struct pen_node *length = pen_node_new_int(arena, 128);
    return length == NULL ? pen_fail_nomem(err)
                          : pen_node_set(rule, arena, "max_length", length, err);
}

static bool is_plain_name(struct pen_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!((c >= 'a' && c <= 'z') || c == '_' || (is_digit && i > 0)))
            return false;
    }
    return name.len > 0;
}

static bool needs_rename(const struct pen_node *columns)
{
    if (columns == NULL || columns->kind != PEN_NODE_LIST)
        return false;
    for (const struct pen_node *column = columns->first; column != NULL; column = column->next) {
        const struct pen_node *name = pen_node_get(column, "name");
        if (name == NULL || !is_plain_name(name->text))
            return true;
        for (const struct pen_node *other = columns->first; other != column; other = other->next)
            if (pen_slice_equal(name->text, pen_node_get(other, "name")->text))
                return true;
    }
    return false;
}

enum pen_code pen_guess_filters(const struct pen_guess_request *request, const struct pen_node *in,
                                struct pen_arena *arena, struct pen_node **ret_filters,
                                struct pen_error *err)
{
    const struct pen_node *seeded = request->filters;
    *ret_filters = NULL;
    if (seeded != NULL && seeded->count > 0) {
        *ret_filters = pen_node_copy(seeded, arena);
        return *ret_filters == NULL ? pen_fail_nomem(err) : PEN_OK;
    }
    if (!needs_rename(pen_node_get(pen_node_get(in, "parser"), "columns")))
        return PEN_OK;
    struct pen_node *filters = pen_node_new_list(arena), *rename = pen_node_new_map(arena);
    struct pen_node *rules = pen_node_new_list(arena);
    if (filters == NULL || rename == NULL || rules == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(set_text(rename, arena, "type", "rename", err));
    PEN_TRY(add_rename_rules(rules, arena, err));
    PEN_TRY(pen_node_set(rename, arena, "rules", rules, err));
    pen_node_append(filters, rename);
    *ret_filters = filters;
    return PEN_OK;
}
