/* routes_user.c - users, API keys, the audit log. */
#include "api/routes_internal.h"

#include "base/json_writer.h"
#include "meta/audit.h"
#include "meta/user.h"
#include "vault/password.h"

#define REPLY_BYTES ((size_t)64 << 20)
/* --- users ------------------------------------------------------------------------------------ */

static void write_user(struct pen_json_writer *w, const struct pen_user *user)
{
    pen_jw_begin_object(w);
    pen_jw_member_text(w, "name", user->name);
    pen_jw_member_text(w, "role", pen_role_name(user->role));
    pen_jw_member_bool(w, "has_password", user->password_hash[0] != '\0');
    pen_jw_member_bool(w, "is_disabled", user->is_disabled);
    pen_jw_member_instant(w, "created_at", user->created_us);
    pen_jw_member_instant(w, "last_login_at", user->login_us);
    pen_jw_end_object(w);
}

static enum pen_code reply_user(struct pen_api_call *call, const char *name, int status,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_user user = {0};
    PEN_TRY(pen_user_get(pen_lake_db(call->lake), name, call->arena, &user, err));
    write_user(&w, &user);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, status, &json, err);
}

static enum pen_code get_users(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_user *users = NULL;
    size_t count = 0;
    PEN_TRY(pen_user_list(pen_lake_db(call->lake), call->arena, &users, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "users");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_user(&w, &users[i]);
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code post_users(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    const char *role = NULL, *password = NULL;
    char hash[PEN_PASSWORD_HASH] = "";
    struct pen_user user = {.password_hash = hash, .created_us = pen_now_us()};
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_need_text(map, "name", &user.name, err));
    PEN_TRY(pen_api_need_text(map, "role", &role, err));
    PEN_TRY(pen_api_text(map, "password", &password, err));
    PEN_TRY(pen_role_from_name(role, &user.role, err));
    if (password != NULL)
        PEN_TRY(pen_password_hash(pen_slice_str(password), hash, err));
    PEN_TRY(pen_user_create(pen_lake_db(call->lake), &user, NULL, err));
    return reply_user(call, user.name, 201, err);
}

static enum pen_code patch_user(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    const char *role = NULL, *password = NULL, *name = call->params[0];
    char hash[PEN_PASSWORD_HASH];
    struct pen_user_change change = {.is_disabled = -1};
    bool is_disabled = false;
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_text(map, "role", &role, err));
    PEN_TRY(pen_api_text(map, "password", &password, err));
    PEN_TRY(pen_api_bool(map, "is_disabled", false, &is_disabled, err));
    if (role != NULL)
        PEN_TRY(pen_role_from_name(role, &change.role, err));
    if (pen_node_get(map, "is_disabled") != NULL)
        change.is_disabled = is_disabled;
    if (password != NULL)
        PEN_TRY(pen_password_hash(pen_slice_str(password), hash, err));
    change.password_hash = password == NULL ? NULL : hash;
    PEN_TRY(pen_user_update(pen_lake_db(call->lake), name, &change, err));
    return reply_user(call, name, 200, err);
}

static enum pen_code reply_nothing(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(16);
    PEN_TRY(pen_buf_add_str(&json, "{}", err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code delete_user(struct pen_api_call *call, struct pen_error *err)
{
    PEN_TRY(pen_user_delete(pen_lake_db(call->lake), call->params[0], err));
    return reply_nothing(call, err);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The key itself is told once, when it is made. */
static void write_key(struct pen_json_writer *w, const struct pen_token *token, const char *text)
{
    pen_jw_begin_object(w);
    pen_jw_member_int(w, "id", token->token_id);
    pen_jw_member_text(w, "user", token->user_name);
    pen_jw_member_text(w, "label", token->label);
    pen_jw_member_text(w, "hint", token->hint);
    pen_jw_member_instant(w, "created_at", token->created_us);
    pen_jw_member_instant(w, "expires_at", token->expires_us);
    pen_jw_member_instant(w, "last_used_at", token->used_us);
    if (text != NULL)
        pen_jw_member_text(w, "key", text);
    pen_jw_end_object(w);
}

/* Whose keys: one's own, or with all=true (admins) everybody's. */
static enum pen_code whose(struct pen_api_call *call, int64_t *ret_user_id, struct pen_error *err)
{
    struct pen_node *form = NULL;
    bool is_all = false;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_bool(form, "all", false, &is_all, err));
    if (is_all && call->principal.role < PEN_API_ADMIN)
        return pen_fail(err, PEN_ERR_AUTH, "only admins see and delete other people's keys");
    *ret_user_id = is_all ? 0 : call->principal.user_id;
    return PEN_OK;
}

static enum pen_code get_keys(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_token *keys = NULL;
    int64_t user_id = 0;
    size_t count = 0;
    PEN_TRY(whose(call, &user_id, err));
    PEN_TRY(pen_token_list(pen_lake_db(call->lake), user_id, call->arena, &keys, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "keys");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_key(&w, &keys[i], NULL);
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code post_keys(struct pen_api_call *call, struct pen_error *err)
{
    static const struct pen_api_range days_range = {0, 36500, 0};
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_node *map = NULL;
    char text[PEN_TOKEN_TEXT];
    struct pen_token token = {0};
    struct pen_key_wish wish = {.user_id = call->principal.user_id, .now_us = pen_now_us()};
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_need_text(map, "label", &wish.label, err));
    PEN_TRY(pen_api_int(map, "expires_in_days", days_range, &wish.days, err));
    PEN_TRY(pen_token_add_key(pen_lake_db(call->lake), &wish, call->arena, text, &token, err));
    token.user_name = call->principal.name;
    write_key(&w, &token, text);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 201, &json, err);
}

static enum pen_code delete_key(struct pen_api_call *call, struct pen_error *err)
{
    int64_t id = 0, user_id = 0;
    PEN_TRY(pen_api_param_id(call, 0, "key", &id, err));
    PEN_TRY(whose(call, &user_id, err));
    PEN_TRY(pen_token_delete(pen_lake_db(call->lake), id, user_id, err));
    return reply_nothing(call, err);
}

/* --- audit ------------------------------------------------------------------------------------ */

static void write_audit(struct pen_json_writer *w, const struct pen_audit *entry)
{
    pen_jw_begin_object(w);
    pen_jw_member_int(w, "id", entry->audit_id);
    pen_jw_member_instant(w, "at", entry->at_us);
    pen_jw_member_text(w, "user", entry->user_name);
    pen_jw_member_text(w, "action", entry->action);
    pen_jw_member_text(w, "subject", entry->subject);
    pen_jw_member_text(w, "peer", entry->peer);
    pen_jw_member_int(w, "status", entry->status);
    pen_jw_end_object(w);
}

static enum pen_code get_audit(struct pen_api_call *call, struct pen_error *err)
{
    static const struct pen_api_range max_range = {1, 10000, 100}, before_range = {0, INT64_MAX, 0};
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_audit_filter filter = {0};
    struct pen_audit *entries = NULL;
    struct pen_node *form = NULL;
    int64_t max = 0;
    size_t count = 0;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_int(form, "max", max_range, &max, err));
    PEN_TRY(pen_api_int(form, "before", before_range, &filter.before_id, err));
    filter.max = (size_t)max;
    PEN_TRY(pen_audit_list(pen_lake_db(call->lake), &filter, call->arena, &entries, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "entries");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_audit(&w, &entries[i]);
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

const struct pen_api_route pen_routes_user[] = {
    {"GET", "/api/v1/users", PEN_API_ADMIN, 0, get_users, "All users"},
    {"POST", "/api/v1/users", PEN_API_ADMIN, PEN_API_SLOW, post_users, "Create a user"},
    {"PATCH", "/api/v1/users/:name", PEN_API_ADMIN, PEN_API_SLOW, patch_user,
     "Change a user's role or password, or disable them"},
    {"DELETE", "/api/v1/users/:name", PEN_API_ADMIN, PEN_API_SLOW, delete_user, "Delete a user"},
    {"GET", "/api/v1/keys", PEN_API_VIEWER, 0, get_keys, "API keys, without the keys themselves"},
    {"POST", "/api/v1/keys", PEN_API_VIEWER, PEN_API_SLOW, post_keys,
     "Make an API key; the reply is the only place where it stands"},
    {"DELETE", "/api/v1/keys/:id", PEN_API_VIEWER, PEN_API_SLOW, delete_key, "Delete an API key"},
    {"GET", "/api/v1/audit", PEN_API_ADMIN, 0, get_audit, "The audit log, newest first"},
    {.method = NULL},
};
