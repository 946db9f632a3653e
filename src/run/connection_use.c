#include "run/connection_use.h"

#include "base/civil.h"
#include "conf/load_config.h"
#include "conf/suggest.h"
#include "lake/lake.h"
#include "registry.h"
#include "run/sealed_config.h"

#include <stdio.h>

/* What may be stored: who one is, and where that is good; not what is read. */
static const char *const setting_keys[] = {
    "type",
    "auth_method",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "profile_file",
    "profile_name",
    "account_id",
    "role_name",
    "external_id",
    "session_name",
    "duration_in_seconds",
    "arn_partition",
    "endpoint",
    "region",
    "path_style",
    "http_proxy",
    "bucket",
    NULL,
};

#define MASK "***"

static enum pen_code check_keys(const struct pen_node *settings, const struct pen_bind *bind,
                                struct pen_error *err)
{
    for (const struct pen_node *child = settings->first; child != NULL; child = child->next) {
        struct pen_suggest suggest = pen_suggest_start(child->key);
        bool is_known = false;
        for (const char *const *key = setting_keys; *key != NULL; key++) {
            is_known = is_known || pen_slice_is(child->key, *key);
            pen_suggest_try(&suggest, *key);
        }
        if (is_known)
            continue;
        (void)pen_fail_at(bind, child, err, "unknown key '%.*s' in a connection",
                          PEN_ARG(child->key));
        if (pen_suggest_best(&suggest) != NULL)
            pen_error_hint(err, "did you mean '%s'?", pen_suggest_best(&suggest));
        return PEN_ERR_CONFIG;
    }
    return PEN_OK;
}

static enum pen_code set_text(struct pen_node *map, struct pen_arena *arena, const char *key,
                              const char *text, struct pen_error *err)
{
    if (pen_node_get(map, key) != NULL)
        return PEN_OK;
    struct pen_node *node = pen_node_new_text(arena, pen_slice_str(text));
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(map, arena, key, node, err);
}

/* The source itself says whether the combination is one; what it reads does not matter here. */
static enum pen_code check_combination(const struct pen_node *settings, const struct pen_bind *bind,
                                       struct pen_error *err)
{
    struct pen_source_env env = {.bind = *bind};
    struct pen_node *in = pen_node_copy(settings, bind->arena);
    PEN_CLEANUP(pen_source_free_p) struct pen_source *source = NULL;
    env.bind.warnings = NULL;
    if (in == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(set_text(in, bind->arena, "type", "s3", err));
    PEN_TRY(set_text(in, bind->arena, "bucket", "any-bucket", err));
    PEN_TRY(set_text(in, bind->arena, "path_prefix", "any", err));
    if (!pen_slice_is(pen_node_get(in, "type")->text, "s3"))
        return pen_fail_at(bind, pen_node_get(in, "type"), err,
                           "a connection is of type s3, not '%.40s'",
                           pen_node_get(in, "type")->text.ptr);
    return pen_source_new(&pen_source_s3, in, &env, &source, err);
}

/* --- put -------------------------------------------------------------------------------------- */

/* Secrets that came back masked become what they were. */
static enum pen_code unmask(struct pen_node *settings, const struct pen_node *old,
                            const struct pen_bind *bind, struct pen_error *err)
{
    for (struct pen_node *child = settings->first; child != NULL; child = child->next) {
        if (child->kind == PEN_NODE_MAP) {
            char key[64];
            (void)snprintf(key, sizeof key, "%.*s", PEN_ARG(child->key)); /* a known key: fits */
            PEN_TRY(unmask(child, pen_node_get(old, key), bind, err));
            continue;
        }
        if (child->kind != PEN_NODE_TEXT || !pen_config_is_secret(child->key) ||
            !pen_slice_is(child->text, MASK))
            continue;
        const struct pen_node *kept = old == NULL ? NULL : old->first;
        while (kept != NULL && !pen_slice_equal(kept->key, child->key))
            kept = kept->next;
        if (kept == NULL)
            return pen_fail_at(bind, child, err, "'%.*s' is masked: write the secret itself",
                               PEN_ARG(child->key));
        child->text = kept->text;
    }
    return PEN_OK;
}

static enum pen_code unseal(const struct pen_vault *vault, const struct pen_connection *connection,
                            struct pen_arena *arena, struct pen_node **ret_settings,
                            struct pen_error *err)
{
    return pen_config_unseal(vault, PEN_SEALED_CONNECTION, connection->sealed_config,
                             connection->name, arena, ret_settings, err);
}

static enum pen_code store(struct pen_db *db, const struct pen_vault *vault,
                           struct pen_connection *connection, const struct pen_node *settings,
                           bool is_update, struct pen_arena *arena, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sealed = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf shown = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *masked = NULL;
    PEN_TRY(pen_config_mask(settings, arena, &masked, err));
    PEN_TRY(pen_tree_write_json(masked, false, &shown, err));
    PEN_TRY(pen_config_seal(vault, PEN_SEALED_CONNECTION, settings, &sealed, err));
    connection->config = shown.ptr;
    connection->sealed_config = pen_buf_slice(&sealed);
    connection->created_us = connection->updated_us = pen_now_us();
    return is_update ? pen_connection_update(db, connection, err)
                     : pen_connection_create(db, connection, NULL, err);
}

enum pen_code pen_connection_put(struct pen_db *db, const struct pen_vault *vault, const char *name,
                                 const struct pen_node *settings, bool is_update,
                                 const struct pen_bind *bind, struct pen_error *err)
{
    struct pen_connection connection = {.name = name};
    struct pen_node *old = NULL, *whole = pen_node_copy(settings, bind->arena);
    if (settings->kind != PEN_NODE_MAP)
        return pen_fail_at(bind, settings, err, "the settings of a connection must be a mapping");
    if (whole == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(check_keys(whole, bind, err));
    if (is_update) {
        PEN_TRY(pen_connection_get(db, name, bind->arena, &connection, err));
        PEN_TRY(unseal(vault, &connection, bind->arena, &old, err));
    }
    PEN_TRY(unmask(whole, old, bind, err));
    PEN_TRY(check_combination(whole, bind, err));
    return store(db, vault, &connection, whole, is_update, bind->arena, err);
}

/* --- apply ------------------------------------------------------------------------------------ */

static enum pen_code named_by(const struct pen_node *in, const struct pen_bind *bind,
                              const struct pen_node **ret_name, struct pen_error *err)
{
    const struct pen_node *name = pen_node_get(in, "connection");
    const struct pen_node *id = pen_node_get(in, "td_authentication_id");
    bool has_name = name != NULL && name->kind != PEN_NODE_NULL;
    bool has_id = id != NULL && id->kind != PEN_NODE_NULL;
    if (has_name && has_id)
        return pen_fail_at(bind, id, err,
                           "name a connection by 'connection' or by 'td_authentication_id', not "
                           "by both");
    *ret_name = has_name ? name : has_id ? id : NULL;
    if (*ret_name == NULL || (*ret_name)->text.len > 0)
        return PEN_OK;
    return pen_fail_at(bind, *ret_name, err, "a connection is named by its name or number");
}

static enum pen_code look_up(const char *home, const char *name, struct pen_arena *arena,
                             struct pen_node **ret_settings, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_vault_free_p) struct pen_vault *vault = NULL;
    struct pen_connection connection = {0};
    struct pen_error reason = {0};
    enum pen_code code = pen_lake_open(home, PEN_DB_WRITE, &lake, &reason);
    if (code == PEN_ERR_NOT_FOUND) /* an empty home has no connections */
        return pen_fail(err, PEN_ERR_NOT_FOUND, "connection '%.128s' does not exist", name);
    if (code != PEN_OK && err != NULL)
        *err = reason;
    PEN_TRY(code);
    PEN_TRY(pen_connection_get(pen_lake_db(lake), name, arena, &connection, err));
    PEN_TRY(pen_vault_open(home, &vault, err));
    return unseal(vault, &connection, arena, ret_settings, err);
}

/* The connection's settings under the configuration's own keys. */
static enum pen_code merge(struct pen_node *settings, const struct pen_node *in,
                           struct pen_arena *arena, struct pen_node **ret_in, struct pen_error *err)
{
    struct pen_node *merged = pen_node_copy(in, arena);
    if (merged == NULL)
        return pen_fail_nomem(err);
    pen_node_remove(merged, "connection");
    pen_node_remove(merged, "td_authentication_id");
    for (const struct pen_node *child = settings->first; child != NULL; child = child->next) {
        char key[64];
        (void)snprintf(key, sizeof key, "%.*s", PEN_ARG(child->key)); /* a known key: fits */
        if (pen_node_get(merged, key) != NULL)
            continue;
        struct pen_node *copy = pen_node_copy(child, arena);
        if (copy == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_node_set(merged, arena, key, copy, err));
    }
    *ret_in = merged;
    return PEN_OK;
}

enum pen_code pen_connection_apply(const char *home, const struct pen_node *config,
                                   const struct pen_bind *bind, const struct pen_node **ret_config,
                                   struct pen_error *err)
{
    const struct pen_node *in = pen_node_get(config, "in"), *name = NULL;
    struct pen_node *settings = NULL, *merged = NULL, *applied = NULL;
    *ret_config = config;
    PEN_TRY(named_by(in, bind, &name, err));
    if (name == NULL)
        return PEN_OK;
    struct pen_error reason = {0};
    enum pen_code code = home == NULL
                             ? pen_fail(&reason, PEN_ERR_CONFIG, "there is no home folder")
                             : look_up(home, name->text.ptr, bind->arena, &settings, &reason);
    if (code == PEN_ERR_NOT_FOUND) {
        (void)pen_fail_at(bind, name, err, "%s", reason.message);
        pen_error_hint(err, "'penstock connection:list' shows all connections");
        return PEN_ERR_CONFIG;
    }
    if (code != PEN_OK && err != NULL)
        *err = reason;
    PEN_TRY(code);
    PEN_TRY(merge(settings, in, bind->arena, &merged, err));
    applied = pen_node_copy(config, bind->arena);
    if (applied == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_node_set(applied, bind->arena, "in", merged, err));
    *ret_config = applied;
    return PEN_OK;
}

enum pen_code pen_connection_trial_config(const struct pen_connection_trial *trial,
                                          const struct pen_bind *bind,
                                          const struct pen_node **ret_config, struct pen_error *err)
{
    struct pen_node *root = pen_node_new_map(bind->arena), *in = pen_node_new_map(bind->arena);
    if (root == NULL || in == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(set_text(in, bind->arena, "type", "s3", err));
    PEN_TRY(set_text(in, bind->arena, "connection", trial->name, err));
    if (trial->bucket != NULL)
        PEN_TRY(set_text(in, bind->arena, "bucket", trial->bucket, err));
    PEN_TRY(set_text(in, bind->arena, "path_prefix", trial->path_prefix, err));
    PEN_TRY(pen_node_set(root, bind->arena, "in", in, err));
    *ret_config = root;
    return PEN_OK;
}
