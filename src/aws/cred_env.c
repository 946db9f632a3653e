/* cred_env.c - keys in environment variables. */
#include <stdlib.h>

#include "aws/cred_internal.h"

static const char *first_of(const char *const *names, const char **ret_name)
{
    for (; *names != NULL; names++) {
        const char *value = pen_aws_env(*names);
        if (value == NULL)
            continue;
        *ret_name = *names;
        return value;
    }
    return NULL;
}

static enum pen_code env_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                               struct pen_error *err)
{
    static const char *const id_names[] = {"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", NULL};
    static const char *const secret_names[] = {"AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY", NULL};
    (void)place; /* stateless */
    const char *id_name = NULL, *secret_name = NULL;
    const char *id = first_of(id_names, &id_name);
    const char *secret = first_of(secret_names, &secret_name);
    if (id == NULL && secret == NULL)
        return pen_fail(err, PEN_ERR_NOT_FOUND,
                        "environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
    if (id == NULL || secret == NULL)
        return pen_fail(err, PEN_ERR_AUTH, "the environment has %s but not %s",
                        id == NULL ? secret_name : id_name,
                        id == NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    const char *token = pen_aws_env("AWS_SESSION_TOKEN");
    PEN_TRY(pen_credentials_set(ret, id, secret, token, 0, err));
    pen_credentials_origin(ret, "environment variables %s and %s%s", id_name, secret_name,
                           token == NULL ? "" : " with AWS_SESSION_TOKEN");
    return PEN_OK;
}

static void env_free(struct pen_cred_place *place)
{
    free(place);
}

enum pen_code pen_cred_env_new(struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct pen_cred_place *place = calloc(1, sizeof *place);
    if (place == NULL)
        return pen_fail_nomem(err);
    *place = (struct pen_cred_place){env_fetch, env_free};
    *ret_place = place;
    return PEN_OK;
}
