#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/auth.h"
#include "aws/cred_internal.h"
#include "base/civil.h"
#include "http_server.h"
#include "temp_folder.h"

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

static void handle(void *context, struct test_peer *peer, const struct test_request *request)
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

static void clear_environment(void)
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

static int start(void **state)
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

static int stop(void **state)
{
    pen_http_client_free(rig.http);
    test_server_free(rig.server);
    return temp_folder_remove(state);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(temp_path(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* "2026-..Z" so many seconds from now */
static const char *time_text(int64_t seconds)
{
    static char text[PEN_INSTANT_TEXT];
    int64_t now_s = pen_now_us() / PEN_US_PER_SECOND;
    (void)pen_instant_print((struct pen_instant){(now_s + seconds) * PEN_US_PER_SECOND, 0}, text);
    return text;
}

/* fetches once from a place, which is freed */
static enum pen_code fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                           struct pen_error *err)
{
    enum pen_code code = place->fetch(place, ret, err);
    pen_cred_place_free(place);
    return code;
}

static void assert_keys(const struct pen_credentials *got, const char *id, const char *secret,
                        const char *token)
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

static void assert_origin(const struct pen_credentials *got, const char *part)
{
    if (strstr(got->origin, part) == NULL)
        fail_msg("the origin '%s' does not say '%s'", got->origin, part);
}

static void assert_says(const struct pen_error *failed, const char *part)
{
    if (strstr(failed->message, part) == NULL)
        fail_msg("'%s' does not say '%s'", failed->message, part);
}

/* environment */

static void env_takes_either_name_of_each_variable(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    (void)setenv("AWS_ACCESS_KEY", "ID2", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "S-LONG", 1);
    assert_ok(pen_cred_env_new(&place, err));
    assert_ok(fetch(place, &got, err));
    assert_keys(&got, "ID2", "S-LONG", NULL);
    (void)setenv("AWS_ACCESS_KEY_ID", "ID1", 1);
    (void)setenv("AWS_SECRET_KEY", "S-SHORT", 1);
    (void)setenv("AWS_SESSION_TOKEN", "T0K3N", 1);
    assert_ok(pen_cred_env_new(&place, err));
    assert_ok(fetch(place, &got, err));
    assert_keys(&got, "ID1", "S-SHORT", "T0K3N");
    assert_origin(&got, "AWS_ACCESS_KEY_ID");
}

static void env_fails_when_only_half_of_the_keys_is_set(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    struct pen_error failed = {0};
    assert_ok(pen_cred_env_new(&place, err));
    assert_int_equal(fetch(place, &got, &failed), PEN_ERR_NOT_FOUND);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "HIDDEN", 1);
    assert_ok(pen_cred_env_new(&place, err));
    assert_int_equal(fetch(place, &got, &failed), PEN_ERR_AUTH);
    assert_says(&failed, "AWS_ACCESS_KEY_ID");
    assert_null(strstr(failed.message, "HIDDEN"));
}

/* instance metadata */

static void reply_keys(struct test_peer *peer, const char *id)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\n  \"Code\" : \"Success\",\n  \"Type\" : \"AWS-HMAC\",\n"
                   "  \"AccessKeyId\" : \"%s\",\n  \"SecretAccessKey\" : \"se\\/cret\",\n"
                   "  \"Token\" : \"TOKEN\",\n  \"Expiration\" : \"%s\"\n}",
                   id, time_text(3600));
    test_reply(peer, 200, "", body);
}

static void imds_v2(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    char value[128];
    if (strcmp(request->target, "/latest/api/token") == 0) {
        bool is_right =
            strcmp(request->method, "PUT") == 0 &&
            test_header(request, "X-aws-ec2-metadata-token-ttl-seconds", value, sizeof value);
        test_reply(peer, is_right ? 200 : 400, "", "SESSION-TOKEN");
    } else if (!test_header(request, "X-aws-ec2-metadata-token", value, sizeof value) ||
               strcmp(value, "SESSION-TOKEN") != 0) {
        test_reply(peer, 401, "", "");
    } else if (strcmp(request->target, "/latest/meta-data/iam/security-credentials/") == 0) {
        test_reply(peer, 200, "", "my role");
    } else if (strcmp(request->target, "/latest/meta-data/iam/security-credentials/my%20role") ==
               0) {
        reply_keys(peer, "IMDS2");
    } else {
        test_reply(peer, 404, "", "");
    }
}

static void instance_asks_version_2_with_its_token(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    rig.answer = imds_v2;
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not be asked */
    assert_ok(pen_cred_instance_new(&rig.env, 1, &place, err));
    assert_ok(fetch(place, &got, err));
    assert_keys(&got, "IMDS2", "se/cret", "TOKEN");
    assert_origin(&got, "role 'my role' of this EC2 instance (IMDSv2)");
    assert_in_range(got.expiry_utc_us, pen_now_us() + 3500 * PEN_US_PER_SECOND,
                    pen_now_us() + 3601 * PEN_US_PER_SECOND);
}

static void imds_v1(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    if (strcmp(request->method, "PUT") == 0)
        test_reply(peer, 405, "", "");
    else if (strcmp(request->target, "/latest/meta-data/iam/security-credentials/") == 0)
        test_reply(peer, 200, "", "old\n");
    else
        reply_keys(peer, "IMDS1");
}

static void instance_falls_back_to_version_1_unless_that_is_disabled(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    rig.answer = imds_v1;
    assert_ok(pen_cred_instance_new(&rig.env, 1, &place, err));
    assert_ok(fetch(place, &got, err));
    assert_keys(&got, "IMDS1", "se/cret", "TOKEN");
    assert_origin(&got, "IMDSv1");
    (void)setenv("AWS_EC2_METADATA_V1_DISABLED", "true", 1);
    assert_ok(pen_cred_instance_new(&rig.env, 1, &place, err));
    assert_int_equal(fetch(place, &got, NULL), PEN_ERR_AUTH);
}

static void nobody_has_a_role(void *context, struct test_peer *peer,
                              const struct test_request *request)
{
    (void)context;
    test_reply(peer, strcmp(request->method, "PUT") == 0 ? 200 : 404, "", "SESSION-TOKEN");
}

static void failing(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context, (void)request;
    test_reply(peer, 500, "", "");
}

static void code_failed(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    if (strcmp(request->method, "PUT") == 0)
        test_reply(peer, 200, "", "T");
    else
        test_reply(peer, 200, "", "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}");
}

static void instance_says_what_is_wrong(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    struct pen_error failed = {0};
    rig.answer = nobody_has_a_role;
    assert_ok(pen_cred_instance_new(&rig.env, 1, &place, err));
    assert_int_equal(fetch(place, &got, &failed), PEN_ERR_NOT_FOUND);
    assert_says(&failed, "no role is attached");
    rig.answer = failing;
    rig.requests = 0;
    assert_ok(pen_cred_instance_new(&rig.env, 3, &place, err));
    assert_int_equal(fetch(place, &got, &failed), PEN_ERR_NOT_FOUND);
    assert_int_equal(rig.requests, 3);
    rig.answer = code_failed;
    assert_ok(pen_cred_instance_new(&rig.env, 1, &place, err));
    assert_int_equal(fetch(place, &got, &failed), PEN_ERR_AUTH);
    assert_says(&failed, "AssumeRoleUnauthorizedAccess");
    rig.requests = 0;
    (void)setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
    assert_ok(pen_cred_instance_new(&rig.env, 3, &place, err));
    assert_int_equal(fetch(place, &got, &failed), PEN_ERR_NOT_FOUND);
    assert_int_equal(rig.requests, 0);
}

/* container */

static void container(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    if (strcmp(request->target, "/creds?a=1") == 0)
        reply_keys(peer, "CONTAINER");
    else
        test_reply(peer, 404, "", "");
}

static void container_asks_the_full_uri_with_its_token(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    char uri[128];
    rig.answer = container;
    (void)snprintf(uri, sizeof uri, "%s/creds?a=1", rig.url);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1);
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-env", 1);
    assert_ok(pen_cred_container_new(&rig.env, &place, err));
    assert_ok(fetch(place, &got, err));
    assert_keys(&got, "CONTAINER", "se/cret", "TOKEN");
    assert_non_null(strstr(rig.last_head, "Authorization: from-env\r\n"));
    write_file("token", "from-file\n");
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", temp_path("token"), 1);
    assert_ok(pen_cred_container_new(&rig.env, &place, err));
    assert_ok(fetch(place, &got, err));
    assert_non_null(strstr(rig.last_head, "Authorization: from-file\r\n"));
}

static void container_refuses_tokens_that_would_add_headers(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    char uri[128];
    rig.answer = container;
    (void)snprintf(uri, sizeof uri, "%s/creds?a=1", rig.url);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1);
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nX-Evil: 1", 1);
    assert_ok(pen_cred_container_new(&rig.env, &place, err));
    assert_int_equal(fetch(place, &got, NULL), PEN_ERR_AUTH);
    assert_int_equal(rig.requests, 0);
}

static void container_refuses_plain_http_to_other_hosts(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "http://example.com/creds",       "http://128.0.0.1/", "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",  "ftp://127.0.0.1/",  "http://[2001:db8::1]/",
        "http://169.254.169.254/latest/", "//127.0.0.1/",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
        struct pen_cred_place *place = NULL;
        struct pen_error failed = {0};
        (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", refused[i], 1);
        assert_ok(pen_cred_container_new(&rig.env, &place, err));
        assert_int_equal(fetch(place, &got, &failed), PEN_ERR_AUTH);
        assert_says(&failed, "neither https nor a host of this machine");
    }
}

/* security token service */

static const char *const role_arn = "arn:aws:iam::123456789012:role/reader";

static void reply_role(struct test_peer *peer, const char *action, const char *id, int64_t seconds)
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

static void sts(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    char id[16];
    (void)snprintf(id, sizeof id, "ROLE%d", rig.requests);
    bool is_web = strstr(rig.last_body, "Action=AssumeRoleWithWebIdentity&") != NULL;
    (void)request;
    reply_role(peer, is_web ? "AssumeRoleWithWebIdentity" : "AssumeRole", id, 3600);
}

static struct pen_cred_place *new_role(const struct pen_cred_role *role)
{
    struct pen_cred_place *source = NULL, *place = NULL;
    assert_ok(pen_cred_static_new("SRC-ID", "SRC-SECRET", "SRC-TOKEN", "a test", &source, err));
    assert_ok(pen_cred_assume_role_new(role, source, &rig.env, &place, err));
    return place;
}

static void assume_role_sends_a_signed_form_and_reads_the_keys(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    rig.answer = sts;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    struct pen_cred_role role = {.arn = role_arn,
                                 .session_name = "my session",
                                 .external_id = "e&x",
                                 .duration_in_seconds = 900};
    assert_ok(fetch(new_role(&role), &got, err));
    assert_keys(&got, "ROLE1", "a&b/c", "ROLE-TOKEN");
    assert_origin(&got, "role arn:aws:iam::123456789012:role/reader, assumed with a test");
    assert_string_equal(rig.seen, "POST /\n");
    assert_string_equal(rig.last_body,
                        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
                        "123456789012%3Arole%2Freader&RoleSessionName=my%20session&ExternalId="
                        "e%26x&DurationSeconds=900");
    assert_non_null(strstr(rig.last_head, "Authorization: AWS4-HMAC-SHA256 Credential=SRC-ID/"));
    assert_non_null(strstr(rig.last_head, "/eu-west-1/sts/aws4_request"));
    assert_null(strstr(rig.last_head, "SRC-SECRET"));
}

static void access_denied(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context, (void)request;
    test_reply(peer, 403, "",
               "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not "
               "authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>");
}

static void throttled_once(void *context, struct test_peer *peer,
                           const struct test_request *request)
{
    if (rig.requests == 1)
        test_reply(peer, 400, "",
                   "<ErrorResponse><Error><Code>Throttling</Code><Message>slow</Message></Error>"
                   "</ErrorResponse>");
    else
        sts(context, peer, request);
}

static void assume_role_repeats_the_services_words_and_retries_only_what_may_pass(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_error failed = {0};
    struct pen_cred_role role = {.arn = role_arn};
    (void)setenv("AWS_ENDPOINT_URL", rig.url, 1);
    rig.answer = access_denied;
    assert_int_equal(fetch(new_role(&role), &got, &failed), PEN_ERR_AUTH);
    assert_says(&failed, "not authorized to perform: sts:AssumeRole");
    assert_says(&failed, "AccessDenied");
    assert_non_null(strstr(failed.hint, "sts:AssumeRole"));
    assert_int_equal(rig.requests, 1);
    rig.answer = throttled_once;
    rig.requests = 0;
    assert_ok(fetch(new_role(&role), &got, err));
    assert_keys(&got, "ROLE2", "a&b/c", "ROLE-TOKEN");
}

static void no_credentials(void *context, struct test_peer *peer,
                           const struct test_request *request)
{
    (void)context, (void)request;
    test_reply(peer, 200, "", rig.requests == 1 ? "<a><b></a>" : "<a/>");
}

static void assume_role_fails_when_the_reply_makes_no_sense(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_role role = {.arn = role_arn};
    (void)setenv("AWS_ENDPOINT_URL", rig.url, 1);
    rig.answer = no_credentials;
    assert_int_equal(fetch(new_role(&role), &got, NULL), PEN_ERR_CORRUPT);
    assert_int_equal(fetch(new_role(&role), &got, NULL), PEN_ERR_CORRUPT);
    assert_int_equal(rig.requests, 2);
}

static void web_identity_sends_the_token_of_its_file_unsigned(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    struct pen_error failed = {0};
    rig.answer = sts;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    assert_ok(pen_cred_web_identity_new(&rig.env, &place, err));
    assert_int_equal(place->fetch(place, &got, &failed), PEN_ERR_NOT_FOUND);
    (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", temp_path("jwt"), 1);
    assert_int_equal(place->fetch(place, &got, &failed), PEN_ERR_AUTH);
    assert_says(&failed, "AWS_ROLE_ARN");
    (void)setenv("AWS_ROLE_ARN", role_arn, 1);
    (void)setenv("AWS_ROLE_SESSION_NAME", "pod", 1);
    assert_int_equal(place->fetch(place, &got, &failed), PEN_ERR_AUTH); /* no such file */
    write_file("jwt", "ey.J0\n");
    assert_ok(place->fetch(place, &got, err));
    assert_keys(&got, "ROLE1", "a&b/c", "ROLE-TOKEN");
    assert_non_null(strstr(rig.last_body, "&RoleSessionName=pod&WebIdentityToken=ey.J0"));
    assert_null(strstr(rig.last_head, "Authorization:"));
    write_file("jwt", "renewed"); /* read anew each time */
    assert_ok(place->fetch(place, &got, err));
    assert_non_null(strstr(rig.last_body, "&WebIdentityToken=renewed"));
    pen_cred_place_free(place);
}

/* profiles */

static enum pen_code fetch_profile(const char *name, struct pen_credentials *ret,
                                   struct pen_error *err)
{
    struct pen_cred_place *place = NULL;
    PEN_TRY(pen_cred_profile_new(NULL, name, &rig.env, &place, err));
    return fetch(place, ret, err);
}

static void profile_gives_its_keys_and_is_read_anew_each_time(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_cred_place *place = NULL;
    write_file("credentials", "[default]\naws_access_key_id=D\naws_secret_access_key=DS\n"
                              "[p]\naws_access_key_id=P\naws_secret_access_key=PS\n"
                              "aws_session_token=PT\n");
    assert_ok(pen_cred_profile_new(NULL, NULL, &rig.env, &place, err));
    assert_ok(place->fetch(place, &got, err));
    assert_keys(&got, "D", "DS", NULL);
    (void)setenv("AWS_PROFILE", "p", 1);
    assert_ok(place->fetch(place, &got, err));
    assert_keys(&got, "P", "PS", "PT");
    assert_origin(&got, "profile 'p' of ");
    write_file("credentials", "[p]\naws_access_key_id=P2\naws_secret_access_key=PS2\n");
    assert_ok(place->fetch(place, &got, err));
    assert_keys(&got, "P2", "PS2", NULL);
    pen_cred_place_free(place);
    write_file("mine", "[q]\naws_access_key_id=Q\naws_secret_access_key=QS\n");
    assert_ok(pen_cred_profile_new(temp_path("mine"), "q", &rig.env, &place, err));
    assert_ok(fetch(place, &got, err));
    assert_keys(&got, "Q", "QS", NULL);
}

static void profile_assumes_its_role_with_its_source_profile(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    rig.answer = sts;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    write_file("credentials", "[base]\naws_access_key_id=BASE\naws_secret_access_key=S\n");
    write_file("config", "[profile outer]\nrole_arn = arn:outer\nsource_profile = inner\n"
                         "external_id = X1\nduration_seconds = 1800\nrole_session_name = sess\n"
                         "[profile inner]\nrole_arn = arn:inner\nsource_profile = base\n");
    assert_ok(fetch_profile("outer", &got, err));
    assert_keys(&got, "ROLE2", "a&b/c", "ROLE-TOKEN");
    assert_int_equal(rig.requests, 2); /* first the inner role, then with its keys the outer */
    assert_non_null(strstr(rig.last_head, "Credential=ROLE1/"));
    assert_non_null(strstr(rig.last_body, "RoleArn=arn%3Aouter&RoleSessionName=sess&ExternalId=X1"
                                          "&DurationSeconds=1800"));
    assert_origin(&got, "role arn:outer, assumed with role arn:inner");
}

static void profile_assumes_its_role_with_another_source(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    rig.answer = sts;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    (void)setenv("AWS_ACCESS_KEY_ID", "ENV-ID", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "ENV-S", 1);
    write_file("jwt", "token");
    char config[1024];
    (void)snprintf(config, sizeof config,
                   "[profile e]\nrole_arn=arn:e\ncredential_source=Environment\n"
                   "[profile w]\nrole_arn=arn:w\nweb_identity_token_file=%s\n"
                   "[profile self]\nrole_arn=arn:s\nsource_profile=self\n"
                   "aws_access_key_id=SELF\naws_secret_access_key=S\n",
                   temp_path("jwt"));
    write_file("config", config);
    assert_ok(fetch_profile("e", &got, err));
    assert_non_null(strstr(rig.last_head, "Credential=ENV-ID/"));
    assert_ok(fetch_profile("w", &got, err));
    assert_non_null(strstr(rig.last_body, "WebIdentityToken=token"));
    assert_ok(fetch_profile("self", &got, err));
    assert_non_null(strstr(rig.last_head, "Credential=SELF/"));
}

static void assert_profile_fails(const char *name, enum pen_code code, const char *message)
{
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_error failed = {0};
    enum pen_code answered = fetch_profile(name, &got, &failed);
    if (answered != code)
        fail_msg("%s: %s %s", name, pen_error_code_name(answered), failed.message);
    assert_says(&failed, message);
    assert_int_equal(rig.requests, 0);
}

static void profile_says_what_is_wrong_before_any_request(void **state)
{
    (void)state;
    rig.answer = sts;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    write_file("credentials", "[half]\naws_access_key_id=ONLY\n[empty]\nx=y\n");
    write_file("config", "[profile a]\nrole_arn=arn:a\nsource_profile=b\n"
                         "[profile b]\nrole_arn=arn:b\nsource_profile=c\n"
                         "[profile c]\nrole_arn=arn:c\nsource_profile=a\n"
                         "[profile gone]\nrole_arn=arn\nsource_profile=nobody\n"
                         "[profile none]\nrole_arn=arn\n"
                         "[profile both]\nrole_arn=arn\nsource_profile=a\ncredential_source=E\n"
                         "[profile odd]\nrole_arn=arn\ncredential_source=Magic\n"
                         "[profile mfa]\nrole_arn=arn\nsource_profile=half\nmfa_serial=1\n"
                         "[profile time]\nrole_arn=arn\nsource_profile=half\nduration_seconds=x\n"
                         "[profile sso]\nsso_session=corp\n");
    assert_profile_fails("a", PEN_ERR_CONFIG, "in a circle");
    assert_profile_fails("gone", PEN_ERR_CONFIG, "'nobody' does not exist");
    assert_profile_fails("none", PEN_ERR_CONFIG, "neither source_profile and credential_source");
    assert_profile_fails("both", PEN_ERR_CONFIG, "both source_profile and credential_source");
    assert_profile_fails("odd", PEN_ERR_CONFIG, "Magic");
    assert_profile_fails("mfa", PEN_ERR_CONFIG, "mfa_serial");
    assert_profile_fails("time", PEN_ERR_CONFIG, "duration_seconds 'x'");
    assert_profile_fails("sso", PEN_ERR_AUTH, "export-credentials --profile sso");
    assert_profile_fails("half", PEN_ERR_AUTH, "aws_secret_access_key");
    assert_profile_fails("empty", PEN_ERR_NOT_FOUND, "has no credentials");
    assert_profile_fails("missing", PEN_ERR_AUTH, "'missing' is not in");
    assert_profile_fails(NULL, PEN_ERR_NOT_FOUND, "'default' is not in");
}

static void write_program(const char *name, const char *text)
{
    write_file(name, text);
    assert_int_equal(chmod(temp_path(name), 0700), 0);
}

static void profile_runs_its_credential_process_without_a_shell(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    write_program("give keys",
                  "#!/bin/sh\n"
                  "[ \"$1\" = \"a b\" ] && [ \"$2\" = '$HOME;x' ] && [ $# = 3 ] || exit 9\n"
                  "printf '{\"Version\": 1,\\t\"AccessKeyId\": \"PROC\",'\n"
                  "printf '\"SecretAccessKey\": \"S\", \"SessionToken\": \"T\",'\n"
                  "printf '\"Expiration\": \"2999-01-01T00:00:00+00:00\"}'\n");
    char config[512];
    (void)snprintf(config, sizeof config,
                   "[default]\ncredential_process = \"%s\" \"a b\" '$HOME;x' c\\ d\n",
                   temp_path("give keys"));
    write_file("config", config);
    assert_ok(fetch_profile(NULL, &got, err));
    assert_keys(&got, "PROC", "S", "T");
    assert_origin(&got, "credential_process '");
    assert_true(got.expiry_utc_us > pen_now_us());
}

static void profile_fails_without_the_words_of_a_process_that_fails(void **state)
{
    (void)state;
    static const struct {
        const char *program, *says;
    } cases[] = {
        {"#!/bin/sh\necho SECRET\nexit 3\n", "exit code 3"},
        {"#!/bin/sh\necho SECRET\n", "no JSON object"},
        {"#!/bin/sh\necho '{\"AccessKeyId\":\"SECRET\"}'\n", "no SecretAccessKey"},
        {"#!/bin/sh\nkill -9 $$\n", "signal 9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
        struct pen_error failed = {0};
        char config[512];
        write_program("bad", cases[i].program);
        (void)snprintf(config, sizeof config, "[default]\ncredential_process = %s\n",
                       temp_path("bad"));
        write_file("config", config);
        assert_int_equal(fetch_profile(NULL, &got, &failed), PEN_ERR_AUTH);
        assert_says(&failed, cases[i].says);
        assert_null(strstr(failed.message, "SECRET"));
    }
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    write_file("config", "[default]\ncredential_process = /nonexistent/program\n");
    assert_int_equal(fetch_profile(NULL, &got, NULL), PEN_ERR_AUTH);
    write_file("config", "[default]\ncredential_process = \"unclosed\n");
    assert_int_equal(fetch_profile(NULL, &got, NULL), PEN_ERR_CONFIG);
}

static void profile_gives_up_on_a_process_when_cancelled(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    volatile int cancel = 1;
    write_program("slow", "#!/bin/sh\nexec sleep 50\n");
    assert_int_equal(pen_cred_process_run(temp_path("slow"), &cancel, &got, NULL),
                     PEN_ERR_CANCELLED);
}

/* the chain and the provider */

static enum pen_code fetch_default(struct pen_credentials *ret, struct pen_error *err)
{
    struct pen_cred_place *place = NULL;
    PEN_TRY(pen_cred_default_new(&rig.env, &place, err));
    return fetch(place, ret, err);
}

static void chain_takes_the_first_place_in_awss_order(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    rig.answer = imds_v1;
    assert_ok(fetch_default(&got, err));
    assert_keys(&got, "IMDS1", "se/cret", "TOKEN");
    char uri[128];
    (void)snprintf(uri, sizeof uri, "%s/creds?a=1", rig.url);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1);
    rig.answer = container;
    assert_ok(fetch_default(&got, err));
    assert_keys(&got, "CONTAINER", "se/cret", "TOKEN");
    write_file("credentials", "[default]\naws_access_key_id=FILE\naws_secret_access_key=S\n");
    assert_ok(fetch_default(&got, err));
    assert_keys(&got, "FILE", "S", NULL);
    rig.answer = sts;
    rig.requests = 0;
    write_file("jwt", "t");
    (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", temp_path("jwt"), 1);
    (void)setenv("AWS_ROLE_ARN", role_arn, 1);
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    assert_ok(fetch_default(&got, err));
    assert_keys(&got, "ROLE1", "a&b/c", "ROLE-TOKEN");
    (void)setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "ES", 1);
    assert_ok(fetch_default(&got, err));
    assert_keys(&got, "ENV", "ES", NULL);
}

static void chain_does_not_pass_over_a_place_that_is_configured_wrongly(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_error failed = {0};
    rig.answer = imds_v1;
    (void)setenv("AWS_PROFILE", "missing", 1);
    assert_int_equal(fetch_default(&got, &failed), PEN_ERR_AUTH);
    assert_says(&failed, "'missing' is not in");
    assert_int_equal(rig.requests, 0);
}

static void chain_lists_where_it_looked_when_there_is_nothing(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_error failed = {0};
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    struct pen_auth_options options = {0};
    PEN_CLEANUP(pen_credential_provider_free_p) struct pen_credential_provider *provider = NULL;
    assert_ok(pen_auth_provider_new(PEN_AUTH_DEFAULT, &options, &rig.env, &provider, err));
    assert_int_equal(provider->get(provider, &got, &failed), PEN_ERR_AUTH);
    assert_int_equal(failed.code, PEN_ERR_AUTH);
    assert_says(&failed, "no credentials found: environment:");
}

static int64_t life_s;

static void short_lived(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context, (void)request;
    char id[16];
    (void)snprintf(id, sizeof id, "ROLE%d", rig.requests);
    reply_role(peer, "AssumeRole", id, life_s);
}

static void get_id(struct pen_credential_provider *provider, const char *expected)
{
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    assert_ok(provider->get(provider, &got, err));
    assert_string_equal(got.access_key_id, expected);
}

static void provider_keeps_credentials_until_they_are_refused(void **state)
{
    (void)state;
    rig.answer = short_lived;
    life_s = 3600;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    struct pen_cred_role role = {.arn = role_arn};
    PEN_CLEANUP(pen_credential_provider_free_p) struct pen_credential_provider *provider = NULL;
    assert_ok(pen_cred_provider_new(new_role(&role), &provider, err));
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials first = {0};
    assert_ok(provider->get(provider, &first, err));
    get_id(provider, "ROLE1");
    provider->invalidate(provider, &first);
    get_id(provider, "ROLE2");
    provider->invalidate(provider, &first); /* a late complaint about what is gone already */
    get_id(provider, "ROLE2");
    assert_int_equal(rig.requests, 2);
}

static void provider_renews_credentials_before_they_expire(void **state)
{
    (void)state;
    rig.answer = short_lived;
    life_s = 4; /* renewed a quarter of the life before: after three seconds at the latest */
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    struct pen_cred_role role = {.arn = role_arn};
    PEN_CLEANUP(pen_credential_provider_free_p) struct pen_credential_provider *provider = NULL;
    assert_ok(pen_cred_provider_new(new_role(&role), &provider, err));
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    assert_ok(provider->get(provider, &got, err));
    int64_t expiry_us = got.expiry_utc_us;
    while (strcmp(got.access_key_id, "ROLE1") == 0) {
        assert_true(pen_now_us() < expiry_us);
        (void)usleep(20000);
        assert_ok(provider->get(provider, &got, err));
    }
    assert_string_equal(got.access_key_id, "ROLE2");
    rig.answer = access_denied; /* what is held is still good: renewing may fail for a while */
    (void)usleep(3200000);
    assert_ok(provider->get(provider, &got, err));
    assert_string_equal(got.access_key_id, "ROLE2");
}

static void provider_refuses_credentials_that_have_expired(void **state)
{
    (void)state;
    rig.answer = short_lived;
    life_s = -10;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    struct pen_cred_role role = {.arn = role_arn};
    PEN_CLEANUP(pen_credential_provider_free_p) struct pen_credential_provider *provider = NULL;
    assert_ok(pen_cred_provider_new(new_role(&role), &provider, err));
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    struct pen_error failed = {0};
    assert_int_equal(provider->get(provider, &got, &failed), PEN_ERR_AUTH);
    assert_says(&failed, "expired");
}

static void time_parse_reads_the_forms_that_services_use(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"1970-01-02T00:00:00Z", 86400},        {"1970-01-02T00:00:00+00:00", 86400},
        {"1970-01-02T02:30:00+02:30", 86400},   {"1970-01-01T17:00:00-0700", 86400},
        {"1970-01-02T00:00:00.123456Z", 86400}, {"1970-01-02T00:00:00", 86400},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t us = 0;
        assert_true(pen_cred_time_parse(pen_slice_str(good[i].text), &us));
        assert_int_equal(us, good[i].seconds * PEN_US_PER_SECOND);
    }
    static const char *const bad[] = {"",
                                      "1970",
                                      "1970-13-01T00:00:00Z",
                                      "1970-01-01T24:00:00Z",
                                      "1970-01-01T00:00:00Zx",
                                      "1970-01-01T00:00:00+1",
                                      "1970/01/01T00:00:00Z"};
    int64_t us = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pen_cred_time_parse(pen_slice_str(bad[i]), &us))
            fail_msg("'%s' is read as a time", bad[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(env_takes_either_name_of_each_variable),
        TEST(env_fails_when_only_half_of_the_keys_is_set),
        TEST(instance_asks_version_2_with_its_token),
        TEST(instance_falls_back_to_version_1_unless_that_is_disabled),
        TEST(instance_says_what_is_wrong),
        TEST(container_asks_the_full_uri_with_its_token),
        TEST(container_refuses_tokens_that_would_add_headers),
        TEST(container_refuses_plain_http_to_other_hosts),
        TEST(assume_role_sends_a_signed_form_and_reads_the_keys),
        TEST(assume_role_repeats_the_services_words_and_retries_only_what_may_pass),
        TEST(assume_role_fails_when_the_reply_makes_no_sense),
        TEST(web_identity_sends_the_token_of_its_file_unsigned),
        TEST(profile_gives_its_keys_and_is_read_anew_each_time),
        TEST(profile_assumes_its_role_with_its_source_profile),
        TEST(profile_assumes_its_role_with_another_source),
        TEST(profile_says_what_is_wrong_before_any_request),
        TEST(profile_runs_its_credential_process_without_a_shell),
        TEST(profile_fails_without_the_words_of_a_process_that_fails),
        TEST(profile_gives_up_on_a_process_when_cancelled),
        TEST(chain_takes_the_first_place_in_awss_order),
        TEST(chain_does_not_pass_over_a_place_that_is_configured_wrongly),
        TEST(chain_lists_where_it_looked_when_there_is_nothing),
        TEST(provider_keeps_credentials_until_they_are_refused),
        TEST(provider_renews_credentials_before_they_expire),
        TEST(provider_refuses_credentials_that_have_expired),
        cmocka_unit_test(time_parse_reads_the_forms_that_services_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
