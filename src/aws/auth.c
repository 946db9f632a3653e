#include "aws/auth.h"

#include <stdio.h>

#include "aws/cred_internal.h"

static enum pen_code assume_role(const struct pen_auth_options *options,
                                 const struct pen_auth_env *env, struct pen_cred_place **ret_place,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf arn = PEN_BUF((size_t)64 << 10);
    const char *partition = options->arn_partition == NULL ? "aws" : options->arn_partition;
    PEN_TRY(pen_buf_addf(&arn, err, "arn:%s:iam::%s:role/%s", partition, options->account_id,
                         options->role_name));
    struct pen_cred_role role = {.arn = arn.ptr,
                                 .session_name = options->session_name,
                                 .external_id = options->external_id,
                                 .duration_in_seconds = options->duration_in_seconds};
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *source = NULL;
    PEN_TRY(pen_cred_default_new(env, &source, err));
    return pen_cred_assume_role_new(&role, PEN_TAKE(source), env, ret_place, err);
}

/* The container's service is asked first, as the original does: it is only there when set up. */
static enum pen_code instance(const struct pen_auth_env *env, struct pen_cred_place **ret_place,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *container = NULL;
    struct pen_cred_place *machine = NULL;
    PEN_TRY(pen_cred_container_new(env, &container, err));
    PEN_TRY(pen_cred_instance_new(env, 3, &machine, err));
    struct pen_cred_place *const both[] = {PEN_TAKE(container), machine};
    return pen_cred_chain_new(both, 2, ret_place, err);
}

static enum pen_code make_place(enum pen_auth_method method, const struct pen_auth_options *o,
                                const struct pen_auth_env *env, struct pen_cred_place **ret_place,
                                struct pen_error *err)
{
    switch (method) {
    case PEN_AUTH_BASIC:
        return pen_cred_static_new(o->access_key_id, o->secret_access_key, NULL,
                                   "access_key_id of the configuration", ret_place, err);
    case PEN_AUTH_SESSION:
        return pen_cred_static_new(o->access_key_id, o->secret_access_key, o->session_token,
                                   "session_token of the configuration", ret_place, err);
    case PEN_AUTH_ENV:
        return pen_cred_env_new(ret_place, err);
    case PEN_AUTH_INSTANCE:
        return instance(env, ret_place, err);
    case PEN_AUTH_PROFILE:
        return pen_cred_profile_new(o->profile_file, o->profile_name, env, ret_place, err);
    case PEN_AUTH_ASSUME_ROLE:
        return assume_role(o, env, ret_place, err);
    case PEN_AUTH_DEFAULT:
        return pen_cred_default_new(env, ret_place, err);
    case PEN_AUTH_PROPERTIES:
    case PEN_AUTH_ANONYMOUS:
        break;
    }
    return pen_fail(err, PEN_ERR_INTERNAL, "this auth_method has no credentials");
}

enum pen_code pen_auth_provider_new(enum pen_auth_method method,
                                    const struct pen_auth_options *options,
                                    const struct pen_auth_env *env,
                                    struct pen_credential_provider **ret_provider,
                                    struct pen_error *err)
{
    if (method == PEN_AUTH_ANONYMOUS) {
        *ret_provider = NULL;
        return PEN_OK;
    }
    struct pen_cred_place *place = NULL;
    PEN_TRY(make_place(method, options, env, &place, err));
    return pen_cred_provider_new(place, ret_provider, err);
}
