/* cred_container.c - credentials that ECS, EKS Pod Identity or Greengrass serve to a container.
 * source: "Container credential provider" of the AWS SDKs and Tools reference guide. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/cred_internal.h"

struct container {
    struct pen_cred_place base;
    const struct pen_auth_env *env;
};

#define REPLY_MAX_BYTES ((size_t)256 << 10)
#define TIMEOUT_MS      2000
#define ATTEMPTS        3

/* The host part of an http URL, without brackets. */
static struct pen_slice host_of(const char *url)
{
    const char *host = strstr(url, "://");
    if (host == NULL)
        return (struct pen_slice){NULL, 0};
    host += 3;
    size_t authority = strcspn(host, "/?#");
    const char *at = memchr(host, '@', authority);
    if (at != NULL) /* user:password@ has no business here */
        return (struct pen_slice){NULL, 0};
    if (host[0] == '[') {
        const char *close = memchr(host, ']', authority);
        return close == NULL ? (struct pen_slice){NULL, 0}
                             : pen_slice(host + 1, (size_t)(close - host) - 1);
    }
    return pen_slice(host, strcspn(host, ":/?#"));
}

/* Over plain http the secret must not leave this machine or the container host. */
static bool is_allowed_host(struct pen_slice host)
{
    static const char *const allowed[] = {"localhost", "169.254.170.2", "169.254.170.23",
                                          "fd00:ec2::23"};
    char text[64];
    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (strcasecmp(text, allowed[i]) == 0)
            return true;
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    struct in6_addr v6;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static enum pen_code make_url(struct pen_buf *url, struct pen_error *err)
{
    const char *relative = pen_aws_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = pen_aws_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative == NULL && full == NULL)
        return pen_fail(err, PEN_ERR_NOT_FOUND,
                        "container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not "
                        "set");
    if (relative != NULL)
        return pen_buf_addf(url, err, "http://169.254.170.2%s%s", relative[0] == '/' ? "" : "/",
                            relative);
    bool is_https = strncasecmp(full, "https://", 8) == 0;
    if (!is_https && (strncasecmp(full, "http://", 7) != 0 || !is_allowed_host(host_of(full))))
        return pen_fail(err, PEN_ERR_AUTH,
                        "AWS_CONTAINER_CREDENTIALS_FULL_URI '%s' is neither https nor a host of "
                        "this machine (loopback, 169.254.170.2, 169.254.170.23, fd00:ec2::23)",
                        full);
    return pen_buf_add_str(url, full, err);
}

static enum pen_code add_authorization(struct pen_buf *line, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf token = PEN_BUF(REPLY_MAX_BYTES);
    const char *file = pen_aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = pen_aws_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file == NULL && text == NULL)
        return PEN_OK;
    if (file == NULL) {
        PEN_TRY(pen_buf_add_str(&token, text, err));
    } else {
        enum pen_code code = pen_buf_read_file(&token, file, err);
        if (code != PEN_OK) {
            (void)pen_wrap(err, code, "container authorization token"); /* code set below */
            if (err != NULL)
                err->code = PEN_ERR_AUTH;
            return PEN_ERR_AUTH;
        }
    }
    while (token.len > 0 && isspace((unsigned char)token.ptr[token.len - 1]))
        token.len--;
    for (size_t i = 0; i < token.len; i++)
        if ((unsigned char)token.ptr[i] < 0x20 || token.ptr[i] == 0x7f)
            return pen_fail(err, PEN_ERR_AUTH,
                            "the container authorization token contains a control character");
    return pen_buf_addf(line, err, "Authorization: %.*s", (int)token.len, token.ptr);
}

static enum pen_code ask(const struct pen_auth_env *env, const char *url, const char *authorization,
                         struct pen_credentials *ret, struct pen_error *err)
{
    const char *const headers[] = {"Accept: application/json", authorization, NULL};
    struct pen_cred_metadata_request request = {.method = "GET",
                                                .url = url,
                                                .headers = headers,
                                                .timeout_ms = TIMEOUT_MS,
                                                .what = "container credentials service"};
    PEN_CLEANUP(pen_buf_release) struct pen_buf reply = PEN_BUF(REPLY_MAX_BYTES);
    int status = 0;
    PEN_TRY(pen_cred_metadata(&request, env, &status, &reply, err));
    if (status != 200) {
        enum pen_code code = status >= 500 ? PEN_ERR_IO : PEN_ERR_AUTH;
        (void)pen_fail(err, code, "container credentials service: status %d", status);
        if (err != NULL)
            err->is_retryable = status >= 500;
        return code;
    }
    enum pen_code code = pen_cred_read_json(pen_buf_slice(&reply), "Token", ret, err);
    if (reply.ptr != NULL)
        explicit_bzero(reply.ptr, reply.len);
    return code == PEN_OK ? PEN_OK : pen_wrap(err, code, "container credentials service");
}

static enum pen_code container_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                     struct pen_error *err)
{
    const struct pen_auth_env *env = ((struct container *)place)->env;
    PEN_CLEANUP(pen_buf_release) struct pen_buf url = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(REPLY_MAX_BYTES);
    PEN_TRY(make_url(&url, err));
    PEN_TRY(add_authorization(&line, err));
    struct pen_error failed = {0};
    enum pen_code code = PEN_OK;
    for (int i = 0; i < ATTEMPTS; i++) {
        code = ask(env, url.ptr, line.ptr, ret, &failed);
        if (code != PEN_ERR_IO || !failed.is_retryable)
            break;
    }
    if (line.ptr != NULL)
        explicit_bzero(line.ptr, line.len);
    if (code != PEN_OK && err != NULL)
        *err = failed;
    PEN_TRY(code);
    pen_credentials_origin(ret, "container credentials service %s", url.ptr);
    return PEN_OK;
}

static void container_free(struct pen_cred_place *place)
{
    free(place);
}

enum pen_code pen_cred_container_new(const struct pen_auth_env *env,
                                     struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct container *container = calloc(1, sizeof *container);
    if (container == NULL)
        return pen_fail_nomem(err);
    container->base = (struct pen_cred_place){container_fetch, container_free};
    container->env = env;
    *ret_place = &container->base;
    return PEN_OK;
}
