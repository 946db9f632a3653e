/* cred_chain.c - several places, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_internal.h"

struct chain {
    struct pen_cred_place base;
    struct pen_cred_place *places[PEN_CRED_CHAIN_MAX];
    size_t count;
    struct pen_cred_place *found; /* where the last credentials came from; NULL: not yet */
};

/* Adds why a place had nothing, or only its name when the names of the rest would not fit. */
static void note(char *tried, size_t room, size_t *len, const char *reason)
{
    const size_t reserve = 40;
    size_t whole = strlen(reason);
    bool is_whole = *len + whole + reserve < room;
    int n = snprintf(tried + *len, room - *len, "%s%.*s", *len == 0 ? "" : "; ",
                     (int)(is_whole ? whole : strcspn(reason, ":")), reason);
    *len = n < 0 || (size_t)n >= room - *len ? room - 1 : *len + (size_t)n;
}

static enum pen_code chain_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                 struct pen_error *err)
{
    struct chain *chain = (struct chain *)place;
    if (chain->found != NULL)
        return chain->found->fetch(chain->found, ret, err);
    static const char head[] = "no credentials found: ";
    char tried[sizeof err->message - sizeof head + 1] = "";
    size_t len = 0;
    for (size_t i = 0; i < chain->count; i++) {
        struct pen_error reason = {0};
        enum pen_code code = chain->places[i]->fetch(chain->places[i], ret, &reason);
        if (code == PEN_OK) {
            chain->found = chain->places[i];
            return PEN_OK;
        }
        if (code != PEN_ERR_NOT_FOUND) {
            if (err != NULL)
                *err = reason;
            return code;
        }
        note(tried, sizeof tried, &len, reason.message);
    }
    (void)pen_fail(err, PEN_ERR_NOT_FOUND, "%s%s", head, tried);
    pen_error_hint(err, "set up one of these places, or give access_key_id and secret_access_key "
                        "(auth_method: basic)");
    return PEN_ERR_NOT_FOUND;
}

static void chain_free(struct pen_cred_place *place)
{
    struct chain *chain = (struct chain *)place;
    for (size_t i = 0; i < chain->count; i++)
        pen_cred_place_free(chain->places[i]);
    free(chain);
}

enum pen_code pen_cred_chain_new(struct pen_cred_place *const *places, size_t count,
                                 struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct chain *chain = calloc(1, sizeof *chain);
    if (chain == NULL) {
        for (size_t i = 0; i < count; i++)
            pen_cred_place_free(places[i]);
        return pen_fail_nomem(err);
    }
    chain->base = (struct pen_cred_place){chain_fetch, chain_free};
    for (size_t i = 0; i < count; i++)
        chain->places[chain->count++] = places[i];
    *ret_place = &chain->base;
    return PEN_OK;
}

static enum pen_code make_default(const struct pen_auth_env *env, struct chain *chain,
                                  struct pen_error *err)
{
    struct pen_cred_place **at = chain->places;
    PEN_TRY(pen_cred_env_new(&at[chain->count], err));
    chain->count++;
    PEN_TRY(pen_cred_web_identity_new(env, &at[chain->count], err));
    chain->count++;
    PEN_TRY(pen_cred_profile_new(NULL, NULL, env, &at[chain->count], err));
    chain->count++;
    PEN_TRY(pen_cred_container_new(env, &at[chain->count], err));
    chain->count++;
    PEN_TRY(pen_cred_instance_new(env, 1, &at[chain->count], err));
    chain->count++;
    return PEN_OK;
}

enum pen_code pen_cred_default_new(const struct pen_auth_env *env,
                                   struct pen_cred_place **ret_place, struct pen_error *err)
{
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *place = NULL;
    PEN_TRY(pen_cred_chain_new(NULL, 0, &place, err));
    PEN_TRY(make_default(env, (struct chain *)place, err));
    *ret_place = PEN_TAKE(place);
    return PEN_OK;
}
