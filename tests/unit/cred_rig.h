/* cred_rig.h - a world for tests of credentials: one loopback server that plays metadata, container
 * and token service, an environment without AWS variables, and AWS files of its own. */
#ifndef PEN_TESTS_CRED_RIG_H
#define PEN_TESTS_CRED_RIG_H

#include <stdlib.h>

#include "aws/auth.h"
#include "aws/cred_internal.h"
#include "base/civil.h"
#include "scripted_server.h"
#include "temp_folder.h"
#include "unit.h"

/* One server plays metadata, container and token service; `answer` decides per test. */
static struct {
    struct test_server *server;
    struct pen_http_client *http;
    struct pen_auth_env env;
    test_handler answer;
    char url[64];
    char seen[32768]; /* "METHOD target\n" of each request */
    char last_head[16384], last_body[65536];
    int requests;
} rig;

static inline void handle(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    size_t len = strlen(rig.seen);
    (void)snprintf(rig.seen + len, sizeof rig.seen - len, "%s %s\n", request->method,
                   request->target);
    memcpy(rig.last_head, request->head, sizeof rig.last_head);
    memcpy(rig.last_body, request->body, sizeof rig.last_body);
    rig.last_body[request->body_len < sizeof rig.last_body ? request->body_len
                                                           : sizeof rig.last_body - 1] = '\0';
    rig.requests++;
    rig.answer(context, peer, request);
}

static inline void clear_environment(void)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_ACCESS_KEY",
                                        "AWS_SECRET_KEY",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_ENDPOINT_URL",
                                        "AWS_ENDPOINT_URL_STS",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_ROLE_ARN",
                                        "AWS_ROLE_SESSION_NAME",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                        "AWS_EC2_METADATA_DISABLED",
                                        "AWS_EC2_METADATA_V1_DISABLED",
                                        "http_proxy",
                                        "HTTP_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", temp_path("credentials"), 1);
    (void)setenv("AWS_CONFIG_FILE", temp_path("config"), 1);
}

static inline int start(void **state)
{
    if (temp_folder_make(state) != 0)
        return 1;
    memset(&rig, 0, sizeof rig);
    rig.server = test_server_new(handle, NULL, false);
    (void)snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:%d", test_server_port(rig.server));
    assert_ok(pen_http_client_new(NULL, &rig.http, err));
    rig.env = (struct pen_auth_env){.http = rig.http, .region = "eu-west-1"};
    clear_environment();
    (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", rig.url, 1);
    return 0;
}

static inline int stop(void **state)
{
    pen_http_client_free(rig.http);
    test_server_free(rig.server);
    return temp_folder_remove(state);
}

static inline void write_file(const char *name, const char *text)
{
    FILE *file = fopen(temp_path(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* "2026-..Z" so many seconds from now */
static inline const char *time_text(int64_t seconds)
{
    static char text[PEN_INSTANT_TEXT];
    int64_t now_s = pen_now_us() / PEN_US_PER_SECOND;
    (void)pen_instant_print((struct pen_instant){(now_s + seconds) * PEN_US_PER_SECOND, 0}, text);
    return text;
}

/* fetches once from a place, which is freed */
static inline enum pen_code fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                  struct pen_error *err)
{
    enum pen_code code = place->fetch(place, ret, err);
    pen_cred_place_free(place);
    return code;
}

static inline void assert_keys(const struct pen_credentials *got, const char *id,
                               const char *secret, const char *token)
{
    assert_string_equal(got->access_key_id, id);
    assert_string_equal(got->secret_access_key, secret);
    if (token == NULL)
        assert_null(got->session_token);
    else
        assert_string_equal(got->session_token, token);
    /* one-letter secrets of a test are in every word */
    if ((strlen(secret) > 3 && strstr(got->origin, secret) != NULL) ||
        (token != NULL && strlen(token) > 3 && strstr(got->origin, token) != NULL))
        fail_msg("the origin '%s' tells a secret", got->origin);
}

static inline void assert_origin(const struct pen_credentials *got, const char *part)
{
    if (strstr(got->origin, part) == NULL)
        fail_msg("the origin '%s' does not say '%s'", got->origin, part);
}

static inline void assert_says(const struct pen_error *failed, const char *part)
{
    if (strstr(failed->message, part) == NULL)
        fail_msg("'%s' does not say '%s'", failed->message, part);
}

static inline void reply_keys(struct test_peer *peer, const char *id)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\n  \"Code\" : \"Success\",\n  \"Type\" : \"AWS-HMAC\",\n"
                   "  \"AccessKeyId\" : \"%s\",\n  \"SecretAccessKey\" : \"se\\/cret\",\n"
                   "  \"Token\" : \"TOKEN\",\n  \"Expiration\" : \"%s\"\n}",
                   id, time_text(3600));
    test_reply(peer, 200, "", body);
}

static inline void imds_v1(void *context, struct test_peer *peer,
                           const struct test_request *request)
{
    (void)context;
    if (strcmp(request->method, "PUT") == 0)
        test_reply(peer, 405, "", "");
    else if (strcmp(request->target, "/latest/meta-data/iam/security-credentials/") == 0)
        test_reply(peer, 200, "", "old\n");
    else
        reply_keys(peer, "IMDS1");
}

static inline void container(void *context, struct test_peer *peer,
                             const struct test_request *request)
{
    (void)context;
    if (strcmp(request->target, "/creds?a=1") == 0)
        reply_keys(peer, "CONTAINER");
    else
        test_reply(peer, 404, "", "");
}

static const char *const role_arn = "arn:aws:iam::123456789012:role/reader";

static inline void reply_role(struct test_peer *peer, const char *action, const char *id,
                              int64_t seconds)
{
    char body[1024];
    (void)snprintf(body, sizeof body,
                   "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>"
                   "<AssumedRoleUser><Arn>x</Arn></AssumedRoleUser><Credentials>"
                   "<AccessKeyId>%s</AccessKeyId><SecretAccessKey>a&amp;b/c</SecretAccessKey>"
                   "<SessionToken>ROLE-TOKEN</SessionToken><Expiration>%s</Expiration>"
                   "</Credentials></%sResult></%sResponse>",
                   action, action, id, time_text(seconds), action, action);
    test_reply(peer, 200, "Content-Type: text/xml\r\n", body);
}

static inline void sts(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    char id[16];
    (void)snprintf(id, sizeof id, "ROLE%d", rig.requests);
    bool is_web = strstr(rig.last_body, "Action=AssumeRoleWithWebIdentity&") != NULL;
    (void)request;
    reply_role(peer, is_web ? "AssumeRoleWithWebIdentity" : "AssumeRole", id, 3600);
}

static inline struct pen_cred_place *new_role(const struct pen_cred_role *role)
{
    struct pen_cred_place *source = NULL, *place = NULL;
    assert_ok(pen_cred_static_new("SRC-ID", "SRC-SECRET", "SRC-TOKEN", "a test", &source, err));
    assert_ok(pen_cred_assume_role_new(role, source, &rig.env, &place, err));
    return place;
}

static inline void access_denied(void *context, struct test_peer *peer,
                                 const struct test_request *request)
{
    (void)context, (void)request;
    test_reply(peer, 403, "",
               "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not "
               "authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
