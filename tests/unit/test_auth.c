#include "unit.h"

#include <stdlib.h>

#include "aws/auth.h"

static char warnings[2048];

static void collect(void *context, const char *text)
{
    (void)context;
    size_t len = strlen(warnings);
    (void)snprintf(warnings + len, sizeof warnings - len, "%s\n", text);
}

/* "method", then pairs of key and value, NULL */
static struct pen_auth_options options_of(const char *const *words)
{
    static char store[10][64];
    struct pen_auth_options o = {0};
    struct {
        const char *key;
        char **at;
    } keys[] = {
        {"auth_method", &o.auth_method},
        {"access_key_id", &o.access_key_id},
        {"secret_access_key", &o.secret_access_key},
        {"session_token", &o.session_token},
        {"profile_file", &o.profile_file},
        {"profile_name", &o.profile_name},
        {"account_id", &o.account_id},
        {"role_name", &o.role_name},
        {"external_id", &o.external_id},
    };
    for (size_t n = 0; words[n] != NULL; n += 2)
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            if (strcmp(words[n], keys[i].key) == 0) {
                (void)snprintf(store[i], sizeof store[i], "%s", words[n + 1]);
                *keys[i].at = store[i];
            }
    return o;
}

#define CHECK(...) check((const char *const[]){__VA_ARGS__, NULL})

static struct pen_error failed;
static enum pen_auth_method method;

static enum pen_code check(const char *const *words)
{
    struct pen_auth_options options = options_of(words);
    warnings[0] = '\0';
    const char *key = NULL;
    failed = (struct pen_error){0};
    return pen_auth_check(&options, collect, NULL, &method, &key, &failed);
}

static void assert_fails(enum pen_code code, const char *message)
{
    assert_int_equal(code, PEN_ERR_CONFIG);
    assert_string_equal(failed.message, message);
}

static void auth_accepts_each_method_with_its_own_options(void **state)
{
    (void)state;
    assert_int_equal(CHECK("access_key_id", "a", "secret_access_key", "s"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_BASIC);
    assert_int_equal(CHECK("auth_method", "session", "access_key_id", "a", "secret_access_key", "s",
                           "session_token", "t"),
                     PEN_OK);
    assert_int_equal(method, PEN_AUTH_SESSION);
    assert_int_equal(CHECK("auth_method", "profile", "profile_file", "f", "profile_name", "p"),
                     PEN_OK);
    assert_int_equal(method, PEN_AUTH_PROFILE);
    assert_int_equal(CHECK("auth_method", "assume_role", "account_id", "1", "role_name", "r"),
                     PEN_OK);
    assert_int_equal(method, PEN_AUTH_ASSUME_ROLE);
    assert_int_equal(CHECK("auth_method", "assume_role", "account_id", "1", "role_name", "r",
                           "external_id", "x"),
                     PEN_OK);
    assert_int_equal(CHECK("auth_method", "env"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_ENV);
    assert_int_equal(CHECK("auth_method", "instance"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_INSTANCE);
    assert_int_equal(CHECK("auth_method", "default"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_DEFAULT);
    assert_int_equal(CHECK("auth_method", "anonymous"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_ANONYMOUS);
    assert_string_equal(warnings, "");
}

static void auth_is_anonymous_with_three_warnings_when_basic_has_no_key_id(void **state)
{
    (void)state;
    const char *expected =
        "Both 'access_key_id' and 'secret_access_key' are not set. Assuming that "
        "'auth_method: anonymous' option is set.\n"
        "If you intentionally use anonymous authentication, please set 'auth_method: anonymous' "
        "option.\n"
        "This behavior will be removed in a future release.\n";
    assert_int_equal(CHECK("auth_method", "basic"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_ANONYMOUS);
    assert_string_equal(warnings, expected);
    assert_int_equal(CHECK("secret_access_key", "only"), PEN_OK);
    assert_int_equal(method, PEN_AUTH_ANONYMOUS);
    assert_string_equal(warnings, expected);
    assert_fails(CHECK("session_token", "t"), "Invalid option is set: session_token");
}

static void auth_names_the_option_that_does_not_belong_to_the_method(void **state)
{
    (void)state;
    assert_fails(CHECK("access_key_id", "a", "secret_access_key", "s", "session_token", "t"),
                 "Invalid option is set: session_token");
    assert_fails(CHECK("access_key_id", "a", "profile_name", "p"),
                 "Invalid option is set: profile_name");
    assert_fails(CHECK("auth_method", "env", "secret_access_key", "s"),
                 "Invalid option is set: secret_access_key");
    assert_fails(CHECK("auth_method", "anonymous", "access_key_id", "a"),
                 "Invalid option is set: access_key_id");
    assert_fails(CHECK("auth_method", "profile", "role_name", "r"),
                 "Invalid option is set: role_name");
    assert_fails(CHECK("auth_method", "default", "external_id", "x"),
                 "Invalid option is set: external_id");
    assert_fails(CHECK("auth_method", "instance", "account_id", "1"),
                 "Invalid option is set: account_id");
    assert_fails(CHECK("auth_method", "assume_role", "profile_file", "f"),
                 "Invalid option is set: profile_file");
}

static void auth_lists_the_first_missing_option_and_those_behind_it(void **state)
{
    (void)state;
    assert_fails(CHECK("auth_method", "session"),
                 "Required option is not set: 'access_key_id', 'secret_access_key', "
                 "'session_token'");
    assert_fails(CHECK("auth_method", "session", "access_key_id", "a"),
                 "Required option is not set: 'secret_access_key', 'session_token'");
    assert_fails(CHECK("auth_method", "session", "access_key_id", "a", "secret_access_key", "s"),
                 "Required option is not set: 'session_token'");
    assert_fails(CHECK("access_key_id", "a"), "Required option is not set: 'secret_access_key'");
    assert_fails(CHECK("auth_method", "assume_role"),
                 "Required option is not set: 'account_id', 'role_name'");
    assert_fails(CHECK("auth_method", "assume_role", "account_id", "1"),
                 "Required option is not set: 'role_name'");
    assert_fails(CHECK("access_key_id", "", "secret_access_key", "s"),
                 "option 'access_key_id' is empty");
}

static void auth_refuses_texts_that_are_no_keys_without_showing_them(void **state)
{
    (void)state;
    assert_fails(CHECK("access_key_id", "a", "secret_access_key", "s\n"),
                 "option 'secret_access_key' contains white space");
    assert_fails(CHECK("access_key_id", " a", "secret_access_key", "s"),
                 "option 'access_key_id' contains white space");
    assert_fails(CHECK("access_key_id", "a", "secret_access_key", "${KEY}"),
                 "option 'secret_access_key' is a variable, which is not expanded");
    assert_fails(CHECK("auth_method", "session", "access_key_id", "a", "secret_access_key", "s",
                       "session_token", "t\r"),
                 "option 'session_token' contains white space");
}

static void auth_refuses_a_method_that_does_not_exist(void **state)
{
    (void)state;
    assert_fails(CHECK("auth_method", "magic"),
                 "Unknown auth_method 'magic'. Supported methods are basic, instance, profile, "
                 "properties, anonymous, session and default.");
    assert_int_equal(CHECK("auth_method", "properties"), PEN_ERR_CONFIG);
    assert_int_equal(CHECK("auth_method", "Basic"), PEN_ERR_CONFIG);
}

static void auth_gives_what_is_configured(void **state)
{
    (void)state;
    struct pen_auth_options options = options_of(
        (const char *const[]){"auth_method", "session", "access_key_id", "AK", "secret_access_key",
                              "SECRET", "session_token", "TOKEN", NULL});
    struct pen_auth_env env = {0};
    PEN_CLEANUP(pen_credential_provider_free_p) struct pen_credential_provider *provider = NULL;
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials got = {0};
    assert_ok(pen_auth_provider_new(PEN_AUTH_SESSION, &options, &env, &provider, err));
    assert_ok(provider->get(provider, &got, err));
    assert_string_equal(got.access_key_id, "AK");
    assert_string_equal(got.secret_access_key, "SECRET");
    assert_string_equal(got.session_token, "TOKEN");
    assert_int_equal(got.expiry_utc_us, 0);
    assert_null(strstr(got.origin, "SECRET"));
    assert_null(strstr(got.origin, "TOKEN"));
    provider->invalidate(provider, &got); /* static keys come again: there are no others */
    assert_ok(provider->get(provider, &got, err));
    assert_string_equal(got.access_key_id, "AK");
}

static void auth_has_no_provider_when_anonymous(void **state)
{
    (void)state;
    struct pen_auth_options options = {0};
    struct pen_auth_env env = {0};
    struct pen_credential_provider *provider = NULL;
    assert_ok(pen_auth_provider_new(PEN_AUTH_ANONYMOUS, &options, &env, &provider, err));
    assert_null(provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_accepts_each_method_with_its_own_options),
        cmocka_unit_test(auth_is_anonymous_with_three_warnings_when_basic_has_no_key_id),
        cmocka_unit_test(auth_names_the_option_that_does_not_belong_to_the_method),
        cmocka_unit_test(auth_lists_the_first_missing_option_and_those_behind_it),
        cmocka_unit_test(auth_refuses_texts_that_are_no_keys_without_showing_them),
        cmocka_unit_test(auth_refuses_a_method_that_does_not_exist),
        cmocka_unit_test(auth_gives_what_is_configured),
        cmocka_unit_test(auth_has_no_provider_when_anonymous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
