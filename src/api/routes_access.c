/* routes_access.c - logging in and out, the first admin, one's own password. */
#include "api/routes_internal.h"

#include "base/json_writer.h"
#include "meta/audit.h"
#include "meta/user.h"
#include "vault/password.h"

#include <pthread.h>

/* Failed logins within the window, for one name and from one address: more are not even tried. */
#define WINDOW_US    (15 * 60 * PEN_US_PER_SECOND)
#define MOST_OF_NAME 10
#define MOST_OF_PEER 30
#define REPLY_BYTES  65536
#define ACTION_LOGIN "login"
#define ACTION_SETUP "setup"

static enum pen_code reply_session(struct pen_api_call *call, struct pen_error *err)
{
    const struct pen_api_principal *who = &call->principal;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    char csrf[PEN_TOKEN_TEXT];
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "user", who->name);
    pen_jw_member_text(&w, "role", pen_api_role_name(who->role));
    pen_jw_member_text(&w, "proof", who->proof == PEN_API_PROOF_KEY ? "key" : "session");
    if (who->session != NULL) {
        pen_token_derive(pen_slice_str(who->session), "csrf", csrf);
        pen_jw_member_text(&w, "csrf_token", csrf);
    }
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code get_session(struct pen_api_call *call, struct pen_error *err)
{
    return reply_session(call, err);
}

/* --- login ------------------------------------------------------------------------------------ */

/* One password at a time: attempts that come together are counted one after another, and hashing
 * takes one processor and 64 MiB, not one for each worker. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* No user has a longer name, and what strangers send is not kept. */
static const char *noted_name(const char *name)
{
    return strlen(name) > PEN_USER_NAME_MAX ? "" : name;
}

static enum pen_code check_rate(struct pen_api_call *call, const char *name, struct pen_error *err)
{
    int64_t of_name = 0, of_peer = 0;
    PEN_TRY(pen_audit_failed_logins(pen_lake_db(call->lake), name, pen_api_peer(call),
                                    pen_now_us() - WINDOW_US, &of_name, &of_peer, err));
    if (of_name < MOST_OF_NAME && of_peer < MOST_OF_PEER)
        return PEN_OK;
    return pen_api_refuse(call, 429, err, "too many failed logins, try again in 15 minutes");
}

static enum pen_code fail_login(struct pen_api_call *call, const char *name, struct pen_error *err)
{
    pen_api_audit(call, ACTION_LOGIN, name, 401);
    call->status = 401;
    return pen_fail(err, PEN_ERR_AUTH, "name or password is wrong");
}

/* The same words, and the same time, whether the name, the password or both are wrong. */
static enum pen_code log_in(struct pen_api_call *call, const char *name, const char *password,
                            struct pen_error *err)
{
    struct pen_user user = {.password_hash = NULL};
    PEN_TRY(check_rate(call, name, err));
    enum pen_code code = pen_user_get(pen_lake_db(call->lake), name, call->arena, &user, err);
    if (code != PEN_OK && code != PEN_ERR_NOT_FOUND)
        return code;
    bool fits = pen_password_fits(user.password_hash, pen_slice_str(password));
    if (!fits || user.is_disabled)
        return fail_login(call, name, err);
    PEN_TRY(pen_api_login(call, user.user_id, user.name, (enum pen_api_role)user.role, err));
    pen_api_audit(call, ACTION_LOGIN, name, 200);
    return PEN_OK;
}

static enum pen_code post_login(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    const char *name = NULL, *password = NULL;
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_need_text(map, "name", &name, err));
    PEN_TRY(pen_api_need_text(map, "password", &password, err));
    (void)pthread_mutex_lock(&one_at_a_time); /* a valid mutex: cannot fail */
    enum pen_code code = log_in(call, noted_name(name), password, err);
    (void)pthread_mutex_unlock(&one_at_a_time);
    PEN_TRY(code);
    return reply_session(call, err);
}

static enum pen_code post_logout(struct pen_api_call *call, struct pen_error *err)
{
    PEN_TRY(pen_api_logout(call, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    PEN_TRY(pen_buf_add_str(&json, "{}", err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- the first admin -------------------------------------------------------------------------- */

/* A link that was printed before somebody made a user on the machine is of no use any more. */
static enum pen_code take_link(struct pen_api_call *call, const char *token, struct pen_error *err)
{
    uint8_t digest[PEN_TOKEN_DIGEST];
    bool is_valid = false;
    int64_t users = 0;
    struct pen_db *db = pen_lake_db(call->lake);
    pen_token_digest(pen_slice_str(token), digest);
    PEN_TRY(pen_user_count(db, &users, err));
    if (users == 0)
        PEN_TRY(pen_token_take(db, pen_slice((const char *)digest, sizeof digest), pen_now_us(),
                               &is_valid, err));
    if (is_valid)
        return PEN_OK;
    call->status = 403;
    if (users > 0) {
        (void)pen_fail(err, PEN_ERR_AUTH, "there are users already: the link is of no use");
        pen_error_hint(err, "ask an admin, or use 'penstock user:create' on the machine");
    } else {
        (void)pen_fail(err, PEN_ERR_AUTH, "the link was used already, or is older than a day");
        pen_error_hint(err, "start the server again for a new one, or use 'penstock user:create'");
    }
    return PEN_ERR_AUTH;
}

/* The link first: hashing a password is dear, and anybody may call. */
static enum pen_code insert_admin(struct pen_api_call *call, const char *token,
                                  const char *password, struct pen_user *user,
                                  struct pen_error *err)
{
    char hash[PEN_PASSWORD_HASH];
    PEN_TRY(take_link(call, token, err));
    PEN_TRY(pen_password_hash(pen_slice_str(password), hash, err));
    user->password_hash = hash;
    enum pen_code code = pen_user_create(pen_lake_db(call->lake), user, &user->user_id, err);
    user->password_hash = NULL;
    return code;
}

/* Link and user in one transaction: a name that is refused leaves the link as it was. */
static enum pen_code make_admin(struct pen_api_call *call, const char *token, const char *password,
                                struct pen_user *user, struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(call->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = insert_admin(call, token, password, user, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

static enum pen_code post_setup(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    const char *token = NULL, *password = NULL;
    struct pen_user user = {.role = PEN_ROLE_ADMIN, .created_us = pen_now_us()};
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_need_text(map, "token", &token, err));
    PEN_TRY(pen_api_need_text(map, "name", &user.name, err));
    PEN_TRY(pen_api_need_text(map, "password", &password, err));
    PEN_TRY(make_admin(call, token, password, &user, err));
    PEN_TRY(pen_api_login(call, user.user_id, user.name, PEN_API_ADMIN, err));
    pen_api_audit(call, ACTION_SETUP, user.name, 200);
    return reply_session(call, err);
}

/* The page behind the link. The token is behind '#', so only this page's script sees it. */
static const char setup_page[] =
    "<!doctype html><html lang=en><meta charset=utf-8><title>Penstock: the first admin</title>"
    "<meta name=viewport content='width=device-width'>"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 "
    "1rem;color:#1d2733}label{display:block;margin:1rem 0 .2rem}input,button{font:inherit;"
    "padding:.5rem;width:100%;box-sizing:border-box}button{margin-top:1.5rem;background:#0b5cad;"
    "color:#fff;border:0;border-radius:4px}#said{margin-top:1rem;font-weight:600}</style>"
    "<h1>Penstock</h1><p>This link makes the first admin of this server. It works once.</p>"
    "<form id=form><label for=name>Name</label><input id=name required maxlength=64 "
    "autocomplete=username><label for=password>Password (10 characters or more)</label>"
    "<input id=password type=password required minlength=10 autocomplete=new-password>"
    "<button>Create</button></form><p id=said role=status></p>"
    "<script>const form=document.getElementById('form'),said=document.getElementById('said');"
    "form.addEventListener('submit',async e=>{e.preventDefault();"
    "const r=await fetch('/api/v1/setup',{method:'POST',headers:{'Content-Type':'application/json'"
    "},body:JSON.stringify({token:location.hash.slice(1),name:form.name.value,"
    "password:form.password.value})});const j=await r.json();"
    "if(r.ok){form.remove();said.textContent='You are logged in as '+j.user+'.';"
    "history.replaceState(null,'','/setup')}"
    "else said.textContent=j.detail+(j.hint?': '+j.hint:'')})</script>";

static enum pen_code get_setup(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf page = PEN_BUF(REPLY_BYTES);
    PEN_TRY(pen_buf_add_str(&page, setup_page, err));
    PEN_TRY(pen_http_exchange_add_header(
        call->exchange, "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        err));
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Referrer-Policy", "no-referrer", err));
    return pen_api_reply_bytes(call, "text/html; charset=utf-8", &page, err);
}

/* --- one's own password ----------------------------------------------------------------------- */

static enum pen_code check_old_password(struct pen_api_call *call, const char *old,
                                        struct pen_user *ret_user, struct pen_error *err)
{
    const char *name = call->principal.name;
    PEN_TRY(check_rate(call, name, err));
    PEN_TRY(pen_user_get(pen_lake_db(call->lake), name, call->arena, ret_user, err));
    if (pen_password_fits(ret_user->password_hash, pen_slice_str(old)))
        return PEN_OK;
    pen_api_audit(call, ACTION_LOGIN, name, 401); /* it counts as an attempt at the password */
    return pen_api_refuse(call, 403, err, "the old password is wrong");
}

static enum pen_code post_password(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    const char *old = NULL, *password = NULL, *name = call->principal.name;
    char hash[PEN_PASSWORD_HASH];
    struct pen_user user = {0};
    struct pen_user_change change = {.password_hash = hash, .is_disabled = -1};
    struct pen_db *db = pen_lake_db(call->lake);
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_need_text(map, "old_password", &old, err));
    PEN_TRY(pen_api_need_text(map, "password", &password, err));
    (void)pthread_mutex_lock(&one_at_a_time); /* a valid mutex: cannot fail */
    enum pen_code code = check_old_password(call, old, &user, err);
    (void)pthread_mutex_unlock(&one_at_a_time);
    PEN_TRY(code);
    PEN_TRY(pen_password_hash(pen_slice_str(password), hash, err));
    PEN_TRY(pen_user_update(db, name, &change, err));
    if (call->principal.proof == PEN_API_PROOF_SESSION) /* all sessions ended; this one goes on */
        PEN_TRY(pen_api_login(call, user.user_id, user.name, call->principal.role, err));
    return reply_session(call, err);
}

const struct pen_api_route pen_routes_access[] = {
    {"GET", "/setup", PEN_API_ANYBODY, 0, get_setup, "The page that makes the first admin"},
    {"POST", "/api/v1/setup", PEN_API_ANYBODY, PEN_API_SLOW, post_setup,
     "Make the first admin with the one-time link"},
    {"POST", "/api/v1/login", PEN_API_ANYBODY, PEN_API_SLOW, post_login, "Log in"},
    {"POST", "/api/v1/logout", PEN_API_VIEWER, PEN_API_SLOW, post_logout, "Log out"},
    {"GET", "/api/v1/session", PEN_API_VIEWER, 0, get_session, "Who am I"},
    {"POST", "/api/v1/password", PEN_API_VIEWER, PEN_API_SLOW, post_password,
     "Change one's own password"},
    {.method = NULL},
};
