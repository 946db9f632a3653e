#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "cred_rig.h"

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
    assert_says(&failed, "web identity");
    assert_says(&failed, "profile");
    assert_says(&failed, "container");
    assert_says(&failed, "instance"); /* the last one: nothing is cut off */
    assert_non_null(strstr(failed.hint, "access_key_id"));
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

/* false: the machine stood still until the credentials had expired, and nothing is shown by that.
 */
static bool renewal_is_seen(void)
{
    rig.answer = short_lived;
    rig.requests = 0;
    struct pen_cred_role role = {.arn = role_arn};
    PEN_CLEANUP(pen_credential_provider_free_p) struct pen_credential_provider *provider = NULL;
    assert_ok(pen_cred_provider_new(new_role(&role), &provider, err));
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    assert_ok(provider->get(provider, &got, err));
    int64_t expiry_us = got.expiry_utc_us;
    while (strcmp(got.access_key_id, "ROLE1") == 0) {
        (void)usleep(20000);
        assert_ok(provider->get(provider, &got, err));
    }
    if (pen_now_us() >= expiry_us)
        return false;
    assert_string_equal(got.access_key_id, "ROLE2");
    rig.answer = access_denied; /* what is held is still good: renewing may fail for a while */
    expiry_us = got.expiry_utc_us;
    (void)usleep((useconds_t)life_s * 800000);
    enum pen_code code = provider->get(provider, &got, NULL);
    if (pen_now_us() >= expiry_us)
        return false;
    assert_int_equal(code, PEN_OK);
    assert_string_equal(got.access_key_id, "ROLE2");
    assert_true(rig.requests > 2);
    return true;
}

static void provider_renews_credentials_before_they_expire(void **state)
{
    (void)state;
    (void)setenv("AWS_ENDPOINT_URL_STS", rig.url, 1);
    life_s = 4; /* renewed a quarter of the life before: after three seconds at the latest */
    while (!renewal_is_seen()) {
        life_s *= 2;
        assert_true(life_s <= 32);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
