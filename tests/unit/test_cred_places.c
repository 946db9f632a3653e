#include "unit.h"

#include "cred_rig.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
