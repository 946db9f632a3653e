/* auth.h - auth_method and its options: from the words of the configuration to a provider.
 *
 *     options --pen_auth_check--> method --pen_auth_provider_new--> credential provider
 *
 * source: the S3 input specification section 3; docs/credentials.md. */
#ifndef PEN_AWS_AUTH_H
#define PEN_AWS_AUTH_H

#include "aws/credentials.h"
#include "net/http_client.h"

enum pen_auth_method {
    PEN_AUTH_BASIC,
    PEN_AUTH_ENV,
    PEN_AUTH_INSTANCE,
    PEN_AUTH_PROFILE,
    PEN_AUTH_PROPERTIES,
    PEN_AUTH_ANONYMOUS,
    PEN_AUTH_SESSION,
    PEN_AUTH_ASSUME_ROLE,
    PEN_AUTH_DEFAULT
};

/* As configured; NULL: not set. */
struct pen_auth_options {
    char *auth_method; /* NULL: basic */
    char *access_key_id, *secret_access_key, *session_token;
    char *profile_file, *profile_name;
    char *account_id, *role_name, *external_id;
    char *arn_partition, *session_name;
    int64_t duration_in_seconds;
};

/* What providers need from outside; borrowed, outlives them. */
struct pen_auth_env {
    struct pen_http_client *http; /* metadata services are asked past its proxy */
    const char *region;           /* of the bucket, for the regional STS; NULL: none configured */
    const volatile int *cancel;   /* may be NULL */
    void (*log)(void *context, const char *level, const char *text); /* may be NULL; any thread */
    void *log_context;
};

/* pen_auth_check - which method is meant, and whether exactly its options are set.
 * in:     warn: called for each remark (basic without keys means anonymous); may be NULL.
 * out:    *ret_method: PEN_AUTH_ANONYMOUS for basic without access_key_id. On failure *ret_key (may
 *         be NULL) is the option in question.
 * errors: PEN_ERR_CONFIG in the words of the specification. */
PEN_MUST_USE enum pen_code pen_auth_check(const struct pen_auth_options *options,
                                          void (*warn)(void *context, const char *text),
                                          void *warn_context, enum pen_auth_method *ret_method,
                                          const char **ret_key, struct pen_error *err);

/* pen_auth_provider_new - the provider of a checked method; NULL for anonymous. No request is made
 * and no file read before its first `get`. options are copied.
 * errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_auth_provider_new(enum pen_auth_method method,
                                                 const struct pen_auth_options *options,
                                                 const struct pen_auth_env *env,
                                                 struct pen_credential_provider **ret_provider,
                                                 struct pen_error *err);

#endif
