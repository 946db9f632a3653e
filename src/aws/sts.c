/* sts.c - AssumeRole and AssumeRoleWithWebIdentity of the Security Token Service.
 *
 *     form body --SigV4 or unsigned--> POST --XML--> credentials
 */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_internal.h"
#include "aws/sigv4.h"
#include "base/civil.h"
#include "net/retry.h"

#define REPLY_MAX_BYTES ((size_t)256 << 10)
#define STS_TIMEOUT_MS  20000

/* The texts of interest in a reply, by element name. */
enum { ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, EXPIRATION, CODE, MESSAGE, TEXT_COUNT };
static const char *const text_names[TEXT_COUNT] = {
    "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Code", "Message"};

struct reply {
    struct pen_buf texts[TEXT_COUNT];
    struct pen_buf *current;
    bool is_out_of_room;
};

static void reply_release(struct reply *reply)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (reply->texts[i].ptr != NULL)
            explicit_bzero(reply->texts[i].ptr, reply->texts[i].len);
        pen_buf_release(&reply->texts[i]);
    }
}

static const char *text_of(const struct reply *reply, size_t i)
{
    return reply->texts[i].len == 0 ? NULL : reply->texts[i].ptr;
}

static void XMLCALL start_element(void *user, const XML_Char *name, const XML_Char **attributes)
{
    struct reply *reply = user;
    (void)attributes;
    reply->current = NULL;
    for (size_t i = 0; i < TEXT_COUNT; i++)
        if (strcmp(name, text_names[i]) == 0)
            reply->current = &reply->texts[i];
}

static void XMLCALL end_element(void *user, const XML_Char *name)
{
    (void)name;
    ((struct reply *)user)->current = NULL;
}

static void XMLCALL add_text(void *user, const XML_Char *text, int len)
{
    struct reply *reply = user;
    if (reply->current != NULL && pen_buf_add(reply->current, text, (size_t)len, NULL) != PEN_OK)
        reply->is_out_of_room = true;
}

static enum pen_code parse_reply(const struct pen_buf *body, struct reply *reply,
                                 struct pen_error *err)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    if (parser == NULL)
        return pen_fail_nomem(err);
    XML_SetUserData(parser, reply);
    XML_SetElementHandler(parser, start_element, end_element);
    XML_SetCharacterDataHandler(parser, add_text);
    enum XML_Status status = XML_Parse(parser, body->ptr, (int)body->len, XML_TRUE);
    XML_ParserFree(parser);
    if (status != XML_STATUS_OK || reply->is_out_of_room)
        return pen_fail(err, PEN_ERR_CORRUPT, "sts: the reply is no XML that can be read");
    return PEN_OK;
}

static enum pen_code add_field(struct pen_buf *body, const char *key, const char *value,
                               struct pen_error *err)
{
    if (value == NULL || value[0] == '\0')
        return PEN_OK;
    PEN_TRY(pen_buf_addf(body, err, "%s%s=", body->len == 0 ? "" : "&", key));
    return pen_uri_encode(body, pen_slice_str(value), false, err);
}

static enum pen_code make_body(const struct pen_sts_request *request, struct pen_buf *body,
                               struct pen_error *err)
{
    const struct pen_cred_role *role = request->role;
    bool is_web = request->web_token.len > 0;
    PEN_TRY(add_field(body, "Action", is_web ? "AssumeRoleWithWebIdentity" : "AssumeRole", err));
    PEN_TRY(add_field(body, "Version", "2011-06-15", err));
    PEN_TRY(add_field(body, "RoleArn", role->arn, err));
    PEN_TRY(add_field(body, "RoleSessionName", role->session_name, err));
    PEN_TRY(add_field(body, "ExternalId", is_web ? NULL : role->external_id, err));
    if (role->duration_in_seconds > 0)
        PEN_TRY(
            pen_buf_addf(body, err, "&DurationSeconds=%lld", (long long)role->duration_in_seconds));
    if (!is_web)
        return PEN_OK;
    PEN_TRY(pen_buf_add_str(body, "&WebIdentityToken=", err));
    return pen_uri_encode(body, request->web_token, false, err);
}

static const char *region_of(const struct pen_cred_role *role, const struct pen_auth_env *env)
{
    const char *region = role->region != NULL ? role->region : env->region;
    return pen_aws_region(region, NULL, NULL);
}

/* The URL to post to, always with a path. */
static enum pen_code make_url(const struct pen_sts_request *request, const struct pen_auth_env *env,
                              struct pen_buf *url, struct pen_error *err)
{
    const char *endpoint = pen_aws_endpoint("sts", NULL, NULL);
    const char *region = region_of(request->role, env);
    if (endpoint == NULL)
        endpoint = request->role->endpoint;
    if (endpoint != NULL && strstr(endpoint, "://") == NULL)
        PEN_TRY(pen_buf_addf(url, err, "https://%s", endpoint));
    else if (endpoint != NULL)
        PEN_TRY(pen_buf_add_str(url, endpoint, err));
    else if (region == NULL || strcmp(region, "aws-global") == 0)
        PEN_TRY(pen_buf_add_str(url, "https://sts.amazonaws.com", err));
    else
        PEN_TRY(pen_buf_addf(url, err, "https://sts.%s.amazonaws.com%s", region,
                             strncmp(region, "cn-", 3) == 0 ? ".cn" : ""));
    const char *host = strstr(url->ptr, "://");
    return strchr(host + 3, '/') == NULL ? pen_buf_add_char(url, '/', err) : PEN_OK;
}

/* Header lines: signed for AssumeRole, plain for a web identity. */
static enum pen_code make_headers(const struct pen_sts_request *request,
                                  const struct pen_auth_env *env, const char *url,
                                  const struct pen_buf *body, struct pen_arena *arena,
                                  const char *const **ret_lines, struct pen_error *err)
{
    static const struct pen_sigv4_pair headers[] = {
        {{"Content-Type", 12}, {"application/x-www-form-urlencoded; charset=utf-8", 48}}};
    const char *host = strstr(url, "://") + 3;
    const char *path = strchr(host, '/');
    const char *host_copy = pen_arena_copy(arena, pen_slice(host, (size_t)(path - host)));
    if (host_copy == NULL)
        return pen_fail_nomem(err);
    char hash[65];
    PEN_TRY(pen_sigv4_hash(pen_buf_slice(body), hash, err));
    const char *region = region_of(request->role, env);
    struct pen_sigv4_request sign = {.method = "POST",
                                     .host = host_copy,
                                     .path = path,
                                     .headers = headers,
                                     .header_count = 1,
                                     .payload_hash = hash,
                                     .region = region != NULL ? region : "us-east-1",
                                     .service = "sts",
                                     .now_utc_us = pen_now_us()};
    return pen_sigv4_sign(&sign, request->web_token.len > 0 ? NULL : request->signer, arena,
                          ret_lines, err);
}

static enum pen_code fail_status(const struct reply *reply, const char *role_arn, int status,
                                 struct pen_error *err)
{
    const char *code = text_of(reply, CODE), *message = text_of(reply, MESSAGE);
    bool is_throttled = status == 429 || (code != NULL && strstr(code, "Throttl") != NULL);
    bool is_denied = !is_throttled && status < 500;
    enum pen_code result = is_throttled ? PEN_ERR_THROTTLED : is_denied ? PEN_ERR_AUTH : PEN_ERR_IO;
    (void)pen_fail(err, result, "cannot assume role '%s': %s (status %d, code %s)", role_arn,
                   message != NULL ? message : "no message", status, code != NULL ? code : "none");
    if (err == NULL)
        return result;
    err->is_retryable = !is_denied;
    if (code != NULL && strcmp(code, "AccessDenied") == 0)
        pen_error_hint(err, "allow sts:AssumeRole on the role to these credentials, and name them "
                            "(and the external id) in the role's trust policy");
    else if (code != NULL && strncmp(code, "Expired", 7) == 0) {
        err->is_expired = true;
        pen_error_hint(err, "the credentials or token that ask for the role have expired");
    } else if (code != NULL && strncmp(code, "Signature", 9) == 0)
        pen_error_hint(err, "check the secret access key and this machine's clock");
    return result;
}

static enum pen_code read_reply(const struct pen_buf *body, int status, const char *role_arn,
                                struct pen_credentials *ret, struct pen_error *err)
{
    PEN_CLEANUP(reply_release) struct reply reply = {0};
    for (size_t i = 0; i < TEXT_COUNT; i++)
        reply.texts[i] = PEN_BUF(REPLY_MAX_BYTES);
    enum pen_code code = body->len == 0 ? PEN_OK : parse_reply(body, &reply, err);
    if (status != 200)
        return fail_status(&reply, role_arn, status, err);
    PEN_TRY(code);
    int64_t expiry_us = 0;
    const char *expiry = text_of(&reply, EXPIRATION);
    if (text_of(&reply, ACCESS_KEY_ID) == NULL || text_of(&reply, SECRET_ACCESS_KEY) == NULL ||
        expiry == NULL || !pen_cred_time_parse(pen_slice_str(expiry), &expiry_us))
        return pen_fail(err, PEN_ERR_CORRUPT, "sts: the reply has no credentials");
    return pen_credentials_set(ret, text_of(&reply, ACCESS_KEY_ID),
                               text_of(&reply, SECRET_ACCESS_KEY), text_of(&reply, SESSION_TOKEN),
                               expiry_us, err);
}

static enum pen_code attempt(const struct pen_sts_request *request, const struct pen_auth_env *env,
                             struct pen_credentials *ret, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf url = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf answer = PEN_BUF(REPLY_MAX_BYTES);
    const char *const *lines = NULL;
    PEN_TRY(make_body(request, &body, err));
    PEN_TRY(make_url(request, env, &url, err));
    PEN_TRY(make_headers(request, env, url.ptr, &body, &arena, &lines, err));
    struct pen_http_request http = {.method = "POST",
                                    .url = url.ptr,
                                    .headers = lines,
                                    .body = pen_buf_slice(&body),
                                    .timeout_ms = STS_TIMEOUT_MS,
                                    .cancel = env->cancel};
    PEN_CLEANUP(pen_http_close_p) struct pen_http_call *call = NULL;
    int status = 0;
    PEN_TRY(pen_http_start(env->http, &http, &call, err));
    PEN_TRY(pen_http_wait(call, &status, err));
    PEN_TRY(pen_http_read_all(call, &answer, err));
    enum pen_code code = read_reply(&answer, status, request->role->arn, ret, err);
    if (answer.ptr != NULL)
        explicit_bzero(answer.ptr, answer.len);
    return code;
}

enum pen_code pen_sts_assume(const struct pen_sts_request *request, const struct pen_auth_env *env,
                             struct pen_credentials *ret, struct pen_error *err)
{
    struct pen_retry retry = {.policy = {3, 500, 5000},
                              .operation = "Assuming role",
                              .cancel = env->cancel,
                              .log = env->log,
                              .log_context = env->log_context};
    for (;;) {
        struct pen_error failed = {0};
        enum pen_code code = attempt(request, env, ret, &failed);
        if (code == PEN_OK)
            return PEN_OK;
        if (pen_retry_again(&retry, &failed, 0))
            continue;
        if (err != NULL)
            *err = failed;
        return failed.code;
    }
}
