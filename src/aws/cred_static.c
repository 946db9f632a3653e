/* cred_static.c - keys that stand in the configuration. */
#include <stdlib.h>

#include "aws/cred_internal.h"

struct fixed {
    struct pen_cred_place base;
    struct pen_credentials credentials;
};

static enum pen_code fixed_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                 struct pen_error *err)
{
    return pen_credentials_copy(ret, &((struct fixed *)place)->credentials, err);
}

static void fixed_free(struct pen_cred_place *place)
{
    struct fixed *fixed = (struct fixed *)place;
    pen_credentials_release(&fixed->credentials);
    free(fixed);
}

enum pen_code pen_cred_static_new(const char *access_key_id, const char *secret_access_key,
                                  const char *session_token, const char *origin,
                                  struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct fixed *fixed = calloc(1, sizeof *fixed);
    if (fixed == NULL)
        return pen_fail_nomem(err);
    fixed->base = (struct pen_cred_place){fixed_fetch, fixed_free};
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *place = &fixed->base;
    PEN_TRY(pen_credentials_set(&fixed->credentials, access_key_id, secret_access_key,
                                session_token, 0, err));
    pen_credentials_origin(&fixed->credentials, "%s", origin);
    *ret_place = PEN_TAKE(place);
    return PEN_OK;
}
