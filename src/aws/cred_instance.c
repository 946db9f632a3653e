/* cred_instance.c - the role of an EC2 instance, from its metadata service: IMDSv2 with a session
 * token, version 1 when the service does not know tokens.
 * source: "IMDS credential provider" of the AWS SDKs and Tools reference guide. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/cred_internal.h"
#include "aws/sigv4.h"

#define REPLY_MAX_BYTES ((size_t)64 << 10)
#define TIMEOUT_MS      1000
#define ROLE_PATH       "/latest/meta-data/iam/security-credentials/"

struct instance {
    struct pen_cred_place base;
    const struct pen_auth_env *env;
    int attempts;
};

static bool is_true(const char *name)
{
    const char *value = pen_aws_env(name);
    return value != NULL && strcasecmp(value, "true") == 0;
}

static enum pen_code add_base(struct pen_buf *url, struct pen_error *err)
{
    const char *base = pen_aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = pen_aws_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (base == NULL)
        base = mode != NULL && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                             : "http://169.254.169.254";
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    return pen_buf_add(url, base, len, err);
}

static enum pen_code ask(const struct pen_auth_env *env, const char *method, const char *path,
                         const char *header, int *ret_status, struct pen_buf *into,
                         struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf url = PEN_BUF(REPLY_MAX_BYTES);
    PEN_TRY(add_base(&url, err));
    PEN_TRY(pen_buf_add_str(&url, path, err));
    const char *const headers[] = {header, NULL};
    struct pen_cred_metadata_request request = {.method = method,
                                                .url = url.ptr,
                                                .headers = headers,
                                                .timeout_ms = TIMEOUT_MS,
                                                .what = "instance metadata service"};
    return pen_cred_metadata(&request, env, ret_status, into, err);
}

static void cut_line(struct pen_buf *text)
{
    if (text->ptr == NULL)
        return;
    text->len = strcspn(text->ptr, "\r\n");
    text->ptr[text->len] = '\0';
}

/* The header line with the session token; empty: the service only knows version 1. */
static enum pen_code get_token(const struct pen_auth_env *env, struct pen_buf *line,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf token = PEN_BUF(REPLY_MAX_BYTES);
    int status = 0;
    PEN_TRY(ask(env, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600",
                &status, &token, err));
    cut_line(&token);
    if (status == 200 && token.len > 0)
        return pen_buf_addf(line, err, "X-aws-ec2-metadata-token: %s", token.ptr);
    bool is_old = status == 403 || status == 404 || status == 405;
    if (is_old && !is_true("AWS_EC2_METADATA_V1_DISABLED"))
        return PEN_OK;
    return pen_fail(err, status >= 500 ? PEN_ERR_IO : PEN_ERR_AUTH,
                    "instance metadata service: no session token (status %d)", status);
}

static enum pen_code get_role(const struct pen_auth_env *env, const char *token,
                              struct pen_buf *role, struct pen_error *err)
{
    int status = 0;
    PEN_TRY(ask(env, "GET", ROLE_PATH, token, &status, role, err));
    cut_line(role);
    if (status == 404 || (status == 200 && role->len == 0))
        return pen_fail(err, PEN_ERR_NOT_FOUND, "instance: no role is attached to this instance");
    if (status != 200)
        return pen_fail(err, status >= 500 ? PEN_ERR_IO : PEN_ERR_AUTH,
                        "instance metadata service: no role name (status %d)", status);
    return PEN_OK;
}

static enum pen_code get_keys(const struct pen_auth_env *env, const char *token, const char *role,
                              struct pen_credentials *ret, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf reply = PEN_BUF(REPLY_MAX_BYTES);
    PEN_TRY(pen_buf_add_str(&path, ROLE_PATH, err));
    PEN_TRY(pen_uri_encode(&path, pen_slice_str(role), false, err));
    int status = 0;
    PEN_TRY(ask(env, "GET", path.ptr, token, &status, &reply, err));
    if (status != 200)
        return pen_fail(err, status >= 500 ? PEN_ERR_IO : PEN_ERR_AUTH,
                        "instance metadata service: no keys for role '%s' (status %d)", role,
                        status);
    enum pen_code code = pen_cred_read_json(pen_buf_slice(&reply), "Token", ret, err);
    if (reply.ptr != NULL)
        explicit_bzero(reply.ptr, reply.len);
    if (code != PEN_OK)
        return pen_wrap(err, code, "instance metadata service");
    pen_credentials_origin(ret, "role '%s' of this EC2 instance (IMDSv%d)", role,
                           token == NULL ? 1 : 2);
    return PEN_OK;
}

static enum pen_code ask_once(const struct pen_auth_env *env, struct pen_credentials *ret,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf token = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf role = PEN_BUF(REPLY_MAX_BYTES);
    PEN_TRY(get_token(env, &token, err));
    PEN_TRY(get_role(env, token.ptr, &role, err));
    return get_keys(env, token.ptr, role.ptr, ret, err);
}

static enum pen_code instance_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                    struct pen_error *err)
{
    const struct instance *instance = (struct instance *)place;
    if (is_true("AWS_EC2_METADATA_DISABLED"))
        return pen_fail(err, PEN_ERR_NOT_FOUND, "instance: AWS_EC2_METADATA_DISABLED is true");
    struct pen_error failed = {0};
    enum pen_code code = PEN_ERR_IO;
    for (int i = 0; i < instance->attempts && code == PEN_ERR_IO; i++)
        code = ask_once(instance->env, ret, &failed);
    if (code == PEN_OK)
        return PEN_OK;
    if (code == PEN_ERR_IO) /* most likely this is no EC2 instance */
        return pen_fail(err, PEN_ERR_NOT_FOUND, "instance: %s", failed.message);
    if (err != NULL)
        *err = failed;
    return code;
}

static void instance_free(struct pen_cred_place *place)
{
    free(place);
}

enum pen_code pen_cred_instance_new(const struct pen_auth_env *env, int attempts,
                                    struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return pen_fail_nomem(err);
    instance->base = (struct pen_cred_place){instance_fetch, instance_free};
    instance->env = env;
    instance->attempts = attempts;
    *ret_place = &instance->base;
    return PEN_OK;
}
