#include "api/api.h"

#include "meta/audit.h"
#include "meta/user.h"
#include "vault/password.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

/* A use is noted, and a session's end moved, at most so often: requests stay reads. */
#define TOUCH_US (5 * 60 * PEN_US_PER_SECOND)

/* The link that makes the first admin. */
#define LINK_US      (24 * 3600 * PEN_US_PER_SECOND)

#define CSRF_PURPOSE "csrf"

static_assert((int)PEN_API_ANYBODY == (int)PEN_ROLE_NONE &&
                  (int)PEN_API_VIEWER == (int)PEN_ROLE_VIEWER &&
                  (int)PEN_API_OPERATOR == (int)PEN_ROLE_OPERATOR &&
                  (int)PEN_API_ADMIN == (int)PEN_ROLE_ADMIN,
              "the stored roles are those of the routes");

static const char *const role_names[] = {
    [PEN_API_ANYBODY] = "anybody",
    [PEN_API_VIEWER] = "viewer",
    [PEN_API_OPERATOR] = "operator",
    [PEN_API_ADMIN] = "admin",
};

const char *pen_api_role_name(enum pen_api_role role)
{
    return role_names[role];
}

/* --- who asks --------------------------------------------------------------------------------- */

/* "TD1 <key>", or the common "Bearer <key>"; NULL for any other header or none. */
static const char *key_of(struct pen_api_call *call)
{
    const char *header = pen_http_exchange_header(call->exchange, "Authorization");
    if (header == NULL)
        return NULL;
    if (strncasecmp(header, "TD1 ", 4) == 0)
        return header + 4 + strspn(header + 4, " ");
    return strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 + strspn(header + 7, " ") : NULL;
}

static bool is_read_only(struct pen_api_call *call)
{
    const char *method = pen_http_exchange_method(call->exchange);
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A browser sends cookies with requests that other sites' pages make; the header it does not. */
static enum pen_code check_csrf(struct pen_api_call *call, const char *session,
                                struct pen_error *err)
{
    char wanted[PEN_TOKEN_TEXT];
    const char *sent = pen_http_exchange_header(call->exchange, PEN_API_CSRF_HEADER);
    if (is_read_only(call))
        return PEN_OK;
    pen_token_derive(pen_slice_str(session), CSRF_PURPOSE, wanted);
    if (sent != NULL && pen_secret_equal(pen_slice_str(sent), pen_slice_str(wanted)))
        return PEN_OK;
    (void)pen_api_refuse(call, 403, err, "the request does not come from the console");
    pen_error_hint(err, "send the cookie '%s' back in the header '%s'", PEN_API_CSRF_COOKIE,
                   PEN_API_CSRF_HEADER);
    return PEN_ERR_CONFIG;
}

/* A lost note of a use harms nobody: the request goes on. */
static void touch(struct pen_api_call *call, const struct pen_token *token, int64_t now_us)
{
    struct pen_error err = {0};
    if (now_us - token->used_us < TOUCH_US)
        return;
    int64_t expires_us = token->kind == PEN_TOKEN_SESSION ? now_us + PEN_API_SESSION_US : 0;
    if (pen_token_touch(pen_lake_db(call->lake), token->token_id, now_us, expires_us, &err) !=
        PEN_OK)
        pen_log_write(call->api->log, PEN_LOG_WARN, "api", "a login's use was not noted: %s",
                      err.message);
}

static enum pen_code fail_proof(bool is_key, struct pen_error *err)
{
    if (is_key) {
        (void)pen_fail(err, PEN_ERR_AUTH, "the API key is not known, or has expired");
        pen_error_hint(err, "make one with 'penstock key:create'");
    } else {
        (void)pen_fail(err, PEN_ERR_AUTH, "the login has ended");
        pen_error_hint(err, "log in again");
    }
    return PEN_ERR_AUTH;
}

enum pen_code pen_api_authenticate(struct pen_api_call *call,
                                   struct pen_api_principal *ret_principal, struct pen_error *err)
{
    const char *key = key_of(call);
    const char *session =
        key != NULL ? NULL : pen_http_exchange_cookie(call->exchange, PEN_API_SESSION_COOKIE);
    *ret_principal = (struct pen_api_principal){.name = ""};
    if (key == NULL && (session == NULL || session[0] == '\0'))
        return PEN_OK;
    uint8_t digest[PEN_TOKEN_DIGEST];
    struct pen_token token = {0};
    bool is_found = false;
    int64_t now_us = pen_now_us();
    pen_token_digest(pen_slice_str(key != NULL ? key : session), digest);
    PEN_TRY(pen_token_find(pen_lake_db(call->lake), pen_slice((const char *)digest, sizeof digest),
                           now_us, call->arena, &token, &is_found, err));
    enum pen_token_kind wanted = key != NULL ? PEN_TOKEN_KEY : PEN_TOKEN_SESSION;
    if (!is_found || token.kind != wanted)
        return fail_proof(key != NULL, err);
    if (session != NULL)
        PEN_TRY(check_csrf(call, session, err));
    touch(call, &token, now_us);
    *ret_principal = (struct pen_api_principal){
        .user_id = token.user_id,
        .name = token.user_name,
        .role = (enum pen_api_role)token.role,
        .proof = key != NULL ? PEN_API_PROOF_KEY : PEN_API_PROOF_SESSION,
        .token_id = token.token_id,
        .session = session,
    };
    return PEN_OK;
}

/* --- sessions --------------------------------------------------------------------------------- */

/* Behind a proxy that speaks TLS the request comes in plain, and says so. */
static bool is_secure(struct pen_api_call *call)
{
    const char *proto = pen_http_exchange_header(call->exchange, "X-Forwarded-Proto");
    return pen_http_exchange_is_tls(call->exchange) ||
           (proto != NULL && strcasecmp(proto, "https") == 0);
}

struct cookie {
    const char *name, *value;
    bool is_http_only;
    int64_t seconds;
};

static enum pen_code set_cookie(struct pen_api_call *call, const struct cookie *cookie,
                                struct pen_error *err)
{
    char text[256];
    (void)snprintf(text, sizeof text, "%s=%s; Path=/; Max-Age=%lld; SameSite=Strict%s%s",
                   cookie->name, cookie->value, (long long)cookie->seconds,
                   cookie->is_http_only ? "; HttpOnly" : "",
                   is_secure(call) ? "; Secure" : ""); /* always fits */
    return pen_http_exchange_add_header(call->exchange, "Set-Cookie", text, err);
}

static enum pen_code set_cookies(struct pen_api_call *call, const char *session, const char *csrf,
                                 int64_t seconds, struct pen_error *err)
{
    PEN_TRY(
        set_cookie(call, &(struct cookie){PEN_API_SESSION_COOKIE, session, true, seconds}, err));
    return set_cookie(call, &(struct cookie){PEN_API_CSRF_COOKIE, csrf, false, seconds}, err);
}

enum pen_code pen_api_login(struct pen_api_call *call, int64_t user_id, const char *name,
                            enum pen_api_role role, struct pen_error *err)
{
    char text[PEN_TOKEN_TEXT], csrf[PEN_TOKEN_TEXT];
    uint8_t digest[PEN_TOKEN_DIGEST];
    int64_t now_us = pen_now_us(), token_id = 0;
    struct pen_db *db = pen_lake_db(call->lake);
    pen_token_make(text);
    pen_token_digest(pen_slice_str(text), digest);
    pen_token_derive(pen_slice_str(text), CSRF_PURPOSE, csrf);
    struct pen_token token = {.kind = PEN_TOKEN_SESSION,
                              .user_id = user_id,
                              .digest = pen_slice((const char *)digest, sizeof digest),
                              .created_us = now_us,
                              .expires_us = now_us + PEN_API_SESSION_US};
    PEN_TRY(pen_token_sweep(db, now_us, err));
    PEN_TRY(pen_token_add(db, &token, &token_id, err));
    PEN_TRY(pen_user_logged_in(db, user_id, now_us, err));
    char *kept = pen_arena_copy(call->arena, pen_slice_str(text));
    if (kept == NULL)
        return pen_fail_nomem(err);
    call->principal = (struct pen_api_principal){.user_id = user_id,
                                                 .name = name,
                                                 .role = role,
                                                 .proof = PEN_API_PROOF_SESSION,
                                                 .token_id = token_id,
                                                 .session = kept};
    return set_cookies(call, text, csrf, PEN_API_SESSION_US / PEN_US_PER_SECOND, err);
}

enum pen_code pen_api_logout(struct pen_api_call *call, struct pen_error *err)
{
    if (call->principal.proof != PEN_API_PROOF_SESSION)
        return pen_api_refuse(call, 409, err, "there is no login to end: the request used a key");
    PEN_TRY(pen_token_delete(pen_lake_db(call->lake), call->principal.token_id,
                             call->principal.user_id, err));
    return set_cookies(call, "", "", 0, err);
}

/* --- where from ------------------------------------------------------------------------------- */

/* Addresses, IPv6 ones perhaps in brackets, perhaps with a port. */
static bool is_address(struct pen_slice text)
{
    return text.len > 0 && text.len < 64 &&
           strspn(text.ptr, "0123456789abcdefABCDEF.:[]") >= text.len;
}

const char *pen_api_peer(struct pen_api_call *call)
{
    const char *peer = pen_http_exchange_peer(call->exchange);
    const struct pen_settings *settings = call->api->settings;
    const char *header = settings != NULL && settings->server_behind_proxy
                             ? pen_http_exchange_last_header(call->exchange, "X-Forwarded-For")
                             : NULL;
    if (header == NULL)
        return peer;
    const char *comma = strrchr(header, ',');
    const char *last = comma == NULL ? header : comma + 1;
    last += strspn(last, " \t");
    struct pen_slice address = pen_slice(last, strcspn(last, " \t"));
    const char *copy = is_address(address) ? pen_arena_copy(call->arena, address) : NULL;
    return copy == NULL ? peer : copy;
}

/* --- notes ------------------------------------------------------------------------------------ */

void pen_api_audit(struct pen_api_call *call, const char *action, const char *subject, int status)
{
    struct pen_error err = {0};
    struct pen_audit entry = {.at_us = pen_now_us(),
                              .user_name = call->principal.name,
                              .action = action,
                              .subject = subject,
                              .peer = pen_api_peer(call),
                              .status = status};
    if (pen_audit_add(pen_lake_db(call->lake), &entry, &err) != PEN_OK)
        pen_log_write(call->api->log, PEN_LOG_ERROR, "api", "the audit log misses '%s' of '%s': %s",
                      action, entry.user_name, err.message);
}

static enum pen_code add_link(struct pen_db *db, const char *text, struct pen_error *err)
{
    uint8_t digest[PEN_TOKEN_DIGEST];
    int64_t now_us = pen_now_us();
    pen_token_digest(pen_slice_str(text), digest);
    struct pen_token token = {.kind = PEN_TOKEN_LINK,
                              .digest = pen_slice((const char *)digest, sizeof digest),
                              .created_us = now_us,
                              .expires_us = now_us + LINK_US};
    return pen_token_add(db, &token, NULL, err);
}

enum pen_code pen_api_first_link(struct pen_db *db, char *out, size_t cap, struct pen_error *err)
{
    char text[PEN_TOKEN_TEXT];
    int64_t users = 0;
    out[0] = '\0';
    PEN_TRY(pen_user_count(db, &users, err));
    if (users > 0)
        return PEN_OK;
    pen_token_make(text);
    PEN_TRY(add_link(db, text, err));
    /* behind '#': browsers send it to nobody, so that no proxy and no log sees it */
    (void)snprintf(out, cap, "/setup#%s", text);
    return PEN_OK;
}
