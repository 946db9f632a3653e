#include <string.h>

#include "aws/auth.h"

/* Bits of the options below, in the order in which they are named when they are wrong. */
enum {
    ACCESS_KEY_ID = 1,
    SECRET_ACCESS_KEY = 2,
    SESSION_TOKEN = 4,
    PROFILE_FILE = 8,
    PROFILE_NAME = 16,
    ACCOUNT_ID = 32,
    ROLE_NAME = 64,
    EXTERNAL_ID = 128
};

static const struct {
    const char *key;
    size_t offset;
} options_in_order[] = {
    {"access_key_id", offsetof(struct pen_auth_options, access_key_id)},
    {"secret_access_key", offsetof(struct pen_auth_options, secret_access_key)},
    {"session_token", offsetof(struct pen_auth_options, session_token)},
    {"profile_file", offsetof(struct pen_auth_options, profile_file)},
    {"profile_name", offsetof(struct pen_auth_options, profile_name)},
    {"account_id", offsetof(struct pen_auth_options, account_id)},
    {"role_name", offsetof(struct pen_auth_options, role_name)},
    {"external_id", offsetof(struct pen_auth_options, external_id)},
};
#define OPTION_COUNT (sizeof options_in_order / sizeof options_in_order[0])

static const struct {
    const char *name;
    unsigned own, required;
} methods[] = {
    [PEN_AUTH_BASIC] = {"basic", ACCESS_KEY_ID | SECRET_ACCESS_KEY,
                        ACCESS_KEY_ID | SECRET_ACCESS_KEY},
    [PEN_AUTH_ENV] = {"env", 0, 0},
    [PEN_AUTH_INSTANCE] = {"instance", 0, 0},
    [PEN_AUTH_PROFILE] = {"profile", PROFILE_FILE | PROFILE_NAME, 0},
    [PEN_AUTH_PROPERTIES] = {"properties", 0, 0},
    [PEN_AUTH_ANONYMOUS] = {"anonymous", 0, 0},
    [PEN_AUTH_SESSION] = {"session", ACCESS_KEY_ID | SECRET_ACCESS_KEY | SESSION_TOKEN,
                          ACCESS_KEY_ID | SECRET_ACCESS_KEY | SESSION_TOKEN},
    [PEN_AUTH_ASSUME_ROLE] = {"assume_role", ACCOUNT_ID | ROLE_NAME | EXTERNAL_ID,
                              ACCOUNT_ID | ROLE_NAME},
    [PEN_AUTH_DEFAULT] = {"default", 0, 0},
};
#define METHOD_COUNT (sizeof methods / sizeof methods[0])

static const char *value_of(const struct pen_auth_options *options, size_t i)
{
    char *value = NULL;
    memcpy(&value, (const char *)options + options_in_order[i].offset, sizeof value);
    return value;
}

static enum pen_code reject(const struct pen_auth_options *options, unsigned own,
                            const char **ret_key, struct pen_error *err)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if ((own & (1u << i)) == 0 && value_of(options, i) != NULL) {
            *ret_key = options_in_order[i].key;
            return pen_fail(err, PEN_ERR_CONFIG, "Invalid option is set: %s", *ret_key);
        }
    return PEN_OK;
}

/* Names the first missing option and all required ones behind it. */
static enum pen_code fail_missing(size_t first, unsigned required, struct pen_error *err)
{
    char list[128] = "";
    size_t len = 0;
    for (size_t i = first; i < OPTION_COUNT; i++) {
        const char *key = options_in_order[i].key;
        size_t n = strlen(key);
        if ((required & (1u << i)) == 0 || len + n + 5 > sizeof list)
            continue;
        memcpy(list + len, len == 0 ? "'" : ", '", len == 0 ? 1 : 3);
        len += len == 0 ? 1 : 3;
        memcpy(list + len, key, n);
        len += n;
        list[len++] = '\'';
    }
    return pen_fail(err, PEN_ERR_CONFIG, "Required option is not set: %.*s", (int)len, list);
}

/* What no key, token or name of a role can be, but YAML makes of one, or somebody hopes for. */
static enum pen_code check_text(const char *value, const char *key, struct pen_error *err)
{
    if (strncmp(value, "${", 2) == 0) {
        (void)pen_fail(err, PEN_ERR_CONFIG, "option '%s' is a variable, which is not expanded",
                       key);
        pen_error_hint(err, "take the keys from the environment with auth_method: env, or from "
                            "where AWS's tools find them with auth_method: default");
        return PEN_ERR_CONFIG;
    }
    if (value[strcspn(value, " \t\r\n")] == '\0')
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CONFIG, "option '%s' contains white space", key);
    pen_error_hint(err, "a text behind '|' or '>' ends with a line end: write it behind its key");
    return PEN_ERR_CONFIG;
}

static enum pen_code require(const struct pen_auth_options *options, unsigned required,
                             const char **ret_key, struct pen_error *err)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if ((required & (1u << i)) == 0)
            continue;
        const char *value = value_of(options, i);
        *ret_key = options_in_order[i].key;
        if (value == NULL)
            return fail_missing(i, required, err);
        if (value[0] == '\0')
            return pen_fail(err, PEN_ERR_CONFIG, "option '%s' is empty", *ret_key);
        PEN_TRY(check_text(value, *ret_key, err));
    }
    return PEN_OK;
}

static enum pen_code find_method(const struct pen_auth_options *options,
                                 enum pen_auth_method *ret_method, const char **ret_key,
                                 struct pen_error *err)
{
    const char *name = options->auth_method == NULL ? "basic" : options->auth_method;
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (strcmp(methods[i].name, name) == 0) {
            *ret_method = (enum pen_auth_method)i;
            return PEN_OK;
        }
    *ret_key = "auth_method";
    return pen_fail(err, PEN_ERR_CONFIG,
                    "Unknown auth_method '%s'. Supported methods are basic, instance, profile, "
                    "properties, anonymous, session and default.",
                    name);
}

static enum pen_code check_anonymous(const struct pen_auth_options *options,
                                     void (*warn)(void *context, const char *text),
                                     void *warn_context, const char **ret_key,
                                     struct pen_error *err)
{
    if (warn != NULL) {
        warn(warn_context,
             "Both 'access_key_id' and 'secret_access_key' are not set. Assuming that "
             "'auth_method: anonymous' option is set.");
        warn(warn_context, "If you intentionally use anonymous authentication, please set "
                           "'auth_method: anonymous' option.");
        warn(warn_context, "This behavior will be removed in a future release.");
    }
    return reject(options, ACCESS_KEY_ID | SECRET_ACCESS_KEY, ret_key, err);
}

enum pen_code pen_auth_check(const struct pen_auth_options *options,
                             void (*warn)(void *context, const char *text), void *warn_context,
                             enum pen_auth_method *ret_method, const char **ret_key,
                             struct pen_error *err)
{
    enum pen_auth_method method = PEN_AUTH_BASIC;
    const char *key = NULL;
    ret_key = ret_key == NULL ? &key : ret_key;
    PEN_TRY(find_method(options, &method, ret_key, err));
    if (method == PEN_AUTH_BASIC && options->access_key_id == NULL) {
        PEN_TRY(check_anonymous(options, warn, warn_context, ret_key, err));
        *ret_method = PEN_AUTH_ANONYMOUS;
        return PEN_OK;
    }
    if (method == PEN_AUTH_SESSION) /* the original asks for the missing ones first here */
        PEN_TRY(require(options, methods[method].required, ret_key, err));
    PEN_TRY(reject(options, methods[method].own, ret_key, err));
    PEN_TRY(require(options, methods[method].required, ret_key, err));
    if (method == PEN_AUTH_PROPERTIES) {
        *ret_key = "auth_method";
        return pen_fail(err, PEN_ERR_CONFIG,
                        "auth_method 'properties' reads Java system properties, which do not exist "
                        "here; use 'env', 'profile' or 'default'");
    }
    *ret_method = method;
    return PEN_OK;
}
