#include "conf/load_config.h"

#include <stdio.h>

static const char *const config_keys[] = {"in",      "out",    "exec",
                                          "filters", "config", "preview_sample_rows"};
#define CONFIG_KEY_COUNT (sizeof config_keys / sizeof config_keys[0])

/* What the original's service and Embulk know at the top of a document. */
static const char *const ignored_keys[] = {
    "name",        "cron",     "timezone", "delay", "database", "table",    "time_column",
    "config_diff", "schedule", "priority", "id",    "type",     "settings", "description",
};

static bool is_in(struct pen_slice key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pen_slice_is(key, names[i]))
            return true;
    return false;
}

static bool is_anchor_holder(struct pen_slice key)
{
    return key.len > 0 && (key.ptr[0] == '_' || key.ptr[0] == '.' ||
                           pen_slice_starts(key, PEN_LIT("x-")) || pen_slice_is(key, "<<"));
}

static enum pen_code check_top_keys(const struct pen_node *document, const struct pen_bind *bind,
                                    struct pen_error *err)
{
    for (const struct pen_node *child = document->first; child != NULL; child = child->next) {
        int shown = child->key.len < 64 ? (int)child->key.len : 64;
        if (is_in(child->key, config_keys, CONFIG_KEY_COUNT) || is_anchor_holder(child->key))
            continue;
        if (is_in(child->key, ignored_keys, sizeof ignored_keys / sizeof ignored_keys[0])) {
            pen_warn_at(bind, child, "'%.*s' has no meaning here and is ignored", shown,
                        child->key.ptr);
            continue;
        }
        const char *best = pen_did_you_mean(child->key, config_keys, CONFIG_KEY_COUNT);
        if (best != NULL)
            return pen_fail_at(bind, child, err, "unknown key '%.*s', did you mean '%s'?", shown,
                               child->key.ptr, best);
        return pen_fail_at(bind, child, err,
                           "unknown key '%.*s'; a configuration has in, out, exec and filters",
                           shown, child->key.ptr);
    }
    return PEN_OK;
}

static const char *kind_word(const struct pen_node *node)
{
    return node->kind == PEN_NODE_LIST   ? "a list"
           : node->kind == PEN_NODE_MAP  ? "a mapping"
           : node->kind == PEN_NODE_NULL ? "null"
                                         : "a single value";
}

/* Moves document[key] to config[key]; absent and null become an empty map or list. */
static enum pen_code take_section(struct pen_node *document, const char *key,
                                  enum pen_node_kind kind, struct pen_node *config,
                                  const struct pen_bind *bind, struct pen_error *err)
{
    struct pen_node *node = pen_node_get(document, key);
    if (node == NULL || node->kind == PEN_NODE_NULL) {
        struct pen_node *empty =
            kind == PEN_NODE_LIST ? pen_node_new_list(bind->arena) : pen_node_new_map(bind->arena);
        return pen_node_set(config, bind->arena, key, empty, err);
    }
    if (node->kind != kind)
        return pen_fail_at(bind, node, err, "'%s' must be %s, not %s", key,
                           kind == PEN_NODE_LIST ? "a list" : "a mapping", kind_word(node));
    pen_node_remove(document, key);
    return pen_node_set(config, bind->arena, key, node, err);
}

static enum pen_code take_sections(struct pen_node *document, struct pen_node *config,
                                   const struct pen_bind *bind, struct pen_error *err)
{
    const struct pen_node *in = pen_node_get(document, "in");
    PEN_TRY(check_top_keys(document, bind, err));
    if (in->kind == PEN_NODE_NULL)
        return pen_fail_at(bind, in, err, "'in' (InputConfig) must not be null.");
    PEN_TRY(take_section(document, "in", PEN_NODE_MAP, config, bind, err));
    PEN_TRY(take_section(document, "out", PEN_NODE_MAP, config, bind, err));
    PEN_TRY(take_section(document, "exec", PEN_NODE_MAP, config, bind, err));
    PEN_TRY(take_section(document, "filters", PEN_NODE_LIST, config, bind, err));
    struct pen_node *rows = pen_node_get(document, "preview_sample_rows");
    if (rows == NULL)
        return PEN_OK;
    pen_node_remove(document, "preview_sample_rows");
    return pen_node_set(config, bind->arena, "preview_sample_rows", rows, err);
}

/* `config` beside other keys: the original's words, with the keys as Ruby prints a list. */
static enum pen_code fail_beside_config(const struct pen_node *document,
                                        const struct pen_bind *bind, struct pen_error *err)
{
    char list[120] = "";
    size_t used = 0;
    const struct pen_node *other = NULL;
    for (const struct pen_node *child = document->first; child != NULL; child = child->next) {
        if (pen_slice_is(child->key, "config"))
            continue;
        int n = snprintf(list + used, sizeof list - used, "%s\"%.*s\"", other == NULL ? "" : ", ",
                         child->key.len < 32 ? (int)child->key.len : 32, child->key.ptr);
        used += n > 0 && (size_t)n < sizeof list - used ? (size_t)n : 0;
        other = other != NULL ? other : child;
    }
    return pen_fail_at(bind, other, err,
                       "Setting [%s] keys in a configuration file is not supported. Please set "
                       "options to the command line argument.",
                       list);
}

/* A document without `in` is the `in`, unless it shows that `in` was forgotten. */
static enum pen_code take_whole(struct pen_node *document, struct pen_node *config,
                                const struct pen_bind *bind, struct pen_error *err)
{
    if (pen_node_get(document, "type") == NULL)
        for (const struct pen_node *child = document->first; child != NULL; child = child->next)
            if (is_in(child->key, config_keys + 1, 3))
                return pen_fail_at(bind, document, err, "'in' (InputConfig) must not be null.");
    PEN_TRY(pen_node_set(config, bind->arena, "in", document, err));
    PEN_TRY(pen_node_set(config, bind->arena, "out", pen_node_new_map(bind->arena), err));
    PEN_TRY(pen_node_set(config, bind->arena, "exec", pen_node_new_map(bind->arena), err));
    return pen_node_set(config, bind->arena, "filters", pen_node_new_list(bind->arena), err);
}

enum pen_code pen_config_normalize(struct pen_node *document, const struct pen_bind *bind,
                                   struct pen_node **ret_config, struct pen_error *err)
{
    struct pen_node *inner = document;
    for (;;) {
        if (inner->kind != PEN_NODE_MAP)
            return pen_fail_at(bind, inner, err, "the configuration must be a mapping, not %s",
                               kind_word(inner));
        struct pen_node *next = pen_node_get(inner, "config");
        if (pen_node_get(inner, "in") != NULL || next == NULL)
            break;
        if (inner->count != 1)
            return fail_beside_config(inner, bind, err);
        inner = next;
    }
    struct pen_node *config = pen_node_new_map(bind->arena);
    if (config == NULL)
        return pen_fail_nomem(err);
    if (pen_node_get(inner, "in") != NULL)
        PEN_TRY(take_sections(inner, config, bind, err));
    else
        PEN_TRY(take_whole(inner, config, bind, err));
    *ret_config = config;
    return PEN_OK;
}

enum pen_code pen_config_load(const char *path, struct pen_arena *arena,
                              struct pen_warnings *warnings, struct pen_node **ret_config,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_CONFIG_MAX_BYTES);
    struct pen_error local = {0};
    struct pen_error *out = err != NULL ? err : &local;
    enum pen_code code = pen_buf_read_file(&text, path, out);
    if (code == PEN_ERR_NOT_FOUND)
        return pen_fail(err, code, "configuration file: %s not found", path);
    if (code != PEN_OK)
        return pen_wrap(err, code, "configuration file");
    const char *copy = pen_arena_copy(arena, pen_slice_str(path));
    if (copy == NULL)
        return pen_fail_nomem(err);
    struct pen_node *document = NULL;
    code = pen_tree_parse(pen_buf_slice(&text), copy, arena, &document, out);
    if (code != PEN_OK) {
        char inner[sizeof out->message];
        memcpy(inner, out->message, sizeof inner);
        (void)snprintf(out->message, sizeof out->message, "configuration file: %s %s", path, inner);
        return code;
    }
    struct pen_bind bind = {copy, arena, warnings};
    return pen_config_normalize(document, &bind, ret_config, err);
}

bool pen_config_is_secret(struct pen_slice key)
{
    static const char *const names[] = {
        "secret_access_key", "session_token", "password", "passwd",     "passphrase",
        "secret_key",        "secret",        "salt",     "apikey",     "api_key",
        "private_key",       "account_key",   "token",    "credential", "authorization",
        "sse_customer_key",  "encryption_key"};
    static const char *const ends[] = {"_secret",  "_password",   "_token",
                                       "_api_key", "_secret_key", "_private_key"};
    if (is_in(key, names, sizeof names / sizeof names[0]))
        return true;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (pen_slice_ends(key, pen_slice_str(ends[i])))
            return true;
    return false;
}

static enum pen_code set_value(struct pen_node *node, struct pen_slice text,
                               struct pen_arena *arena, struct pen_error *err)
{
    struct pen_node *made = pen_node_new_text(arena, text);
    if (made == NULL)
        return pen_fail_nomem(err);
    made->key = node->key;
    made->next = node->next;
    made->line = node->line;
    made->column = node->column;
    made->comment = node->comment;
    *node = *made;
    return PEN_OK;
}

/* scheme://user:password@host: the password is hidden. */
static enum pen_code mask_url(struct pen_node *node, struct pen_arena *arena, struct pen_error *err)
{
    struct pen_slice text = node->text;
    const char *scheme = text.len > 0 ? memmem(text.ptr, text.len, "://", 3) : NULL;
    if (scheme == NULL)
        return PEN_OK;
    struct pen_slice rest = pen_slice_skip(text, (size_t)(scheme - text.ptr) + 3);
    size_t host_len = 0;
    while (host_len < rest.len && strchr("/?#", rest.ptr[host_len]) == NULL)
        host_len++;
    const char *at = memrchr(rest.ptr, '@', host_len);
    const char *colon = at != NULL ? memchr(rest.ptr, ':', (size_t)(at - rest.ptr)) : NULL;
    if (colon == NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf masked = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add(&masked, text.ptr, (size_t)(colon + 1 - text.ptr), err));
    PEN_TRY(pen_buf_add_str(&masked, "***", err));
    PEN_TRY(pen_buf_add(&masked, at, (size_t)(text.ptr + text.len - at), err));
    return set_value(node, pen_buf_slice(&masked), arena, err);
}

static enum pen_code mask_node(struct pen_node *node, struct pen_arena *arena,
                               struct pen_error *err)
{
    bool is_empty = node->kind == PEN_NODE_NULL || (node->text.len == 0 && node->count == 0);
    if (is_empty)
        return PEN_OK;
    if (pen_config_is_secret(node->key))
        return set_value(node, PEN_LIT("***"), arena, err);
    if (node->kind == PEN_NODE_TEXT)
        return mask_url(node, arena, err);
    for (struct pen_node *child = node->first; child != NULL; child = child->next)
        PEN_TRY(mask_node(child, arena, err));
    return PEN_OK;
}

enum pen_code pen_config_mask(const struct pen_node *config, struct pen_arena *arena,
                              struct pen_node **ret_masked, struct pen_error *err)
{
    struct pen_node *copy = pen_node_copy(config, arena);
    if (copy == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(mask_node(copy, arena, err));
    *ret_masked = copy;
    return PEN_OK;
}
