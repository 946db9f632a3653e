/* cred_internal.h - places where credentials may be found, and the provider that keeps what a
 * place gave.
 *
 *     place --fetch--> credentials --kept until shortly before they expire--> provider->get */
#ifndef PEN_AWS_CRED_INTERNAL_H
#define PEN_AWS_CRED_INTERNAL_H

#include "aws/auth.h"
#include "aws/aws_config.h"
#include "base/buf.h"

/* The first member of every place's own struct. */
struct pen_cred_place {
    /* fetch: asks anew.
     * errors: PEN_ERR_NOT_FOUND nothing is configured here (a chain goes on with the next place);
     *         anything else is a place that is configured and does not work. */
    enum pen_code (*fetch)(struct pen_cred_place *place, struct pen_credentials *ret,
                           struct pen_error *err);
    void (*free)(struct pen_cred_place *place);
};

static inline void pen_cred_place_free(struct pen_cred_place *place)
{
    if (place != NULL)
        place->free(place);
}
PEN_DEFINE_FREE_P(struct pen_cred_place *, pen_cred_place_free)

/* pen_cred_provider_new - a provider that keeps the place's answer, asks again five minutes (or a
 * quarter of their life, if that is less) before it expires, and after `invalidate`.
 * in: place: taken, also on failure. */
PEN_MUST_USE enum pen_code pen_cred_provider_new(struct pen_cred_place *place,
                                                 struct pen_credential_provider **ret_provider,
                                                 struct pen_error *err);

/* The places. Texts are copied; env is borrowed. Each is one file. */
PEN_MUST_USE enum pen_code pen_cred_static_new(const char *access_key_id,
                                               const char *secret_access_key,
                                               const char *session_token, const char *origin,
                                               struct pen_cred_place **ret_place,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_cred_env_new(struct pen_cred_place **ret_place,
                                            struct pen_error *err);
/* file, name: NULL for the usual ones. */
PEN_MUST_USE enum pen_code pen_cred_profile_new(const char *file, const char *name,
                                                const struct pen_auth_env *env,
                                                struct pen_cred_place **ret_place,
                                                struct pen_error *err);
PEN_MUST_USE enum pen_code pen_cred_container_new(const struct pen_auth_env *env,
                                                  struct pen_cred_place **ret_place,
                                                  struct pen_error *err);
/* attempts: how often a silent metadata service is asked. */
PEN_MUST_USE enum pen_code pen_cred_instance_new(const struct pen_auth_env *env, int attempts,
                                                 struct pen_cred_place **ret_place,
                                                 struct pen_error *err);
/* web identity of AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME */
PEN_MUST_USE enum pen_code pen_cred_web_identity_new(const struct pen_auth_env *env,
                                                     struct pen_cred_place **ret_place,
                                                     struct pen_error *err);

/* A role to assume; texts are copied by the place. */
struct pen_cred_role {
    const char *arn, *session_name;
    const char *external_id;     /* NULL: none */
    const char *token_file;      /* web identity; NULL: the source's credentials sign */
    int64_t duration_in_seconds; /* 0: the service's default */
    const char *region;          /* NULL: the environment's */
    const char *endpoint;        /* of STS; NULL: of the region */
};
/* source: whose credentials sign; taken, also on failure; NULL with a token_file. */
PEN_MUST_USE enum pen_code pen_cred_assume_role_new(const struct pen_cred_role *role,
                                                    struct pen_cred_place *source,
                                                    const struct pen_auth_env *env,
                                                    struct pen_cred_place **ret_place,
                                                    struct pen_error *err);

/* pen_cred_chain_new - the first place that has something; that one is asked again later.
 * in: places: taken one by one, also on failure; at most PEN_CRED_CHAIN_MAX. what: for the error
 * when all are empty. */
#define PEN_CRED_CHAIN_MAX 8
PEN_MUST_USE enum pen_code pen_cred_chain_new(struct pen_cred_place *const *places, size_t count,
                                              struct pen_cred_place **ret_place,
                                              struct pen_error *err);

/* pen_cred_default_new - environment, web identity, profile, container, instance: AWS's order. */
PEN_MUST_USE enum pen_code pen_cred_default_new(const struct pen_auth_env *env,
                                                struct pen_cred_place **ret_place,
                                                struct pen_error *err);

/* pen_cred_process_run - runs a credential_process without a shell and reads its reply.
 * errors: PEN_ERR_AUTH it failed, timed out or answered nonsense (its words are not repeated: they
 *         may hold secrets). */
PEN_MUST_USE enum pen_code pen_cred_process_run(const char *command, const volatile int *cancel,
                                                struct pen_credentials *ret, struct pen_error *err);

/* A request to STS. */
struct pen_sts_request {
    const struct pen_cred_role *role;
    const struct pen_credentials *signer; /* AssumeRole */
    struct pen_slice web_token;           /* AssumeRoleWithWebIdentity when not empty */
};

/* pen_sts_assume - one AssumeRole or AssumeRoleWithWebIdentity, retried when throttled.
 * errors: PEN_ERR_AUTH refused, with the service's words; PEN_ERR_IO; PEN_ERR_CORRUPT. */
PEN_MUST_USE enum pen_code pen_sts_assume(const struct pen_sts_request *request,
                                          const struct pen_auth_env *env,
                                          struct pen_credentials *ret, struct pen_error *err);

/* pen_cred_read_json - credentials out of the JSON of a metadata service or process.
 * in: token_key: "Token" or "SessionToken". errors: PEN_ERR_AUTH members are missing. */
PEN_MUST_USE enum pen_code pen_cred_read_json(struct pen_slice text, const char *token_key,
                                              struct pen_credentials *ret, struct pen_error *err);

/* pen_cred_time_parse - RFC 3339 with Z or an offset. out: *ret_utc_us only on true. */
bool pen_cred_time_parse(struct pen_slice text, int64_t *ret_utc_us);

/* One request to a metadata service: never through a proxy, short time limits. */
struct pen_cred_metadata_request {
    const char *method, *url;
    const char *const *headers;
    int64_t timeout_ms;
    const char *what; /* "instance metadata service": for errors */
};
/* pen_cred_metadata - errors: PEN_ERR_IO no answer; a status of 400 or more is none. */
PEN_MUST_USE enum pen_code pen_cred_metadata(const struct pen_cred_metadata_request *request,
                                             const struct pen_auth_env *env, int *ret_status,
                                             struct pen_buf *into, struct pen_error *err);

#endif
