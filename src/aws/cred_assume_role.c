/* cred_assume_role.c - credentials of a role, asked for with others' or with a web identity token.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_internal.h"
#include "base/civil.h"

#define TOKEN_MAX_BYTES ((size_t)64 << 10)

struct assumed {
    struct pen_cred_place base;
    struct pen_cred_place *source; /* NULL with a token file */
    const struct pen_auth_env *env;
    struct pen_arena arena;
    struct pen_cred_role role;
};

static enum pen_code fetch_signed(struct assumed *assumed, struct pen_credentials *ret,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials signer = {0};
    assert(assumed->source != NULL);
    enum pen_code code = assumed->source->fetch(assumed->source, &signer, err);
    if (code == PEN_ERR_NOT_FOUND) { /* a role that is configured but cannot be asked for */
        if (err != NULL)
            err->code = PEN_ERR_AUTH;
        return PEN_ERR_AUTH;
    }
    PEN_TRY(code);
    struct pen_sts_request request = {.role = &assumed->role, .signer = &signer};
    PEN_TRY(pen_sts_assume(&request, assumed->env, ret, err));
    pen_credentials_origin(ret, "role %s, assumed with %s", assumed->role.arn, signer.origin);
    return PEN_OK;
}

/* The token file is read anew each time: it is replaced while we run. */
static enum pen_code fetch_web(struct assumed *assumed, struct pen_credentials *ret,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf token = PEN_BUF(TOKEN_MAX_BYTES);
    enum pen_code code = pen_buf_read_file(&token, assumed->role.token_file, err);
    if (code != PEN_OK) {
        (void)pen_wrap(err, code, "web identity token"); /* keeps the code; changed below */
        if (err != NULL)
            err->code = PEN_ERR_AUTH;
        return PEN_ERR_AUTH;
    }
    while (token.len > 0 && isspace((unsigned char)token.ptr[token.len - 1]))
        token.len--;
    if (token.len == 0)
        return pen_fail(err, PEN_ERR_AUTH, "web identity token file '%s' is empty",
                        assumed->role.token_file);
    struct pen_sts_request request = {.role = &assumed->role, .web_token = pen_buf_slice(&token)};
    code = pen_sts_assume(&request, assumed->env, ret, err);
    explicit_bzero(token.ptr, token.len);
    PEN_TRY(code);
    pen_credentials_origin(ret, "role %s, assumed with the web identity token in %s",
                           assumed->role.arn, assumed->role.token_file);
    return PEN_OK;
}

static enum pen_code assumed_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                   struct pen_error *err)
{
    struct assumed *assumed = (struct assumed *)place;
    return assumed->role.token_file != NULL ? fetch_web(assumed, ret, err)
                                            : fetch_signed(assumed, ret, err);
}

static void assumed_free(struct pen_cred_place *place)
{
    struct assumed *assumed = (struct assumed *)place;
    pen_cred_place_free(assumed->source);
    pen_arena_release(&assumed->arena);
    free(assumed);
}

static enum pen_code keep(struct assumed *assumed, const char **text, struct pen_error *err)
{
    if (*text == NULL || (*text)[0] == '\0') {
        *text = NULL;
        return PEN_OK;
    }
    return pen_arena_text(&assumed->arena, pen_slice_str(*text), text, err);
}

static enum pen_code keep_role(struct assumed *assumed, const struct pen_cred_role *role,
                               struct pen_error *err)
{
    assumed->role = *role;
    PEN_TRY(keep(assumed, &assumed->role.arn, err));
    PEN_TRY(keep(assumed, &assumed->role.external_id, err));
    PEN_TRY(keep(assumed, &assumed->role.token_file, err));
    PEN_TRY(keep(assumed, &assumed->role.region, err));
    PEN_TRY(keep(assumed, &assumed->role.endpoint, err));
    char made[48];
    (void)snprintf(made, sizeof made, "penstock-%lld",
                   (long long)(pen_now_us() / PEN_US_PER_SECOND));
    if (assumed->role.session_name == NULL || assumed->role.session_name[0] == '\0')
        assumed->role.session_name = made;
    return keep(assumed, &assumed->role.session_name, err);
}

enum pen_code pen_cred_assume_role_new(const struct pen_cred_role *role,
                                       struct pen_cred_place *source,
                                       const struct pen_auth_env *env,
                                       struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct assumed *assumed = calloc(1, sizeof *assumed);
    if (assumed == NULL) {
        pen_cred_place_free(source);
        return pen_fail_nomem(err);
    }
    assumed->base = (struct pen_cred_place){assumed_fetch, assumed_free};
    assumed->source = source;
    assumed->env = env;
    assumed->arena = PEN_ARENA((size_t)1 << 20);
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *place = &assumed->base;
    PEN_TRY(keep_role(assumed, role, err));
    *ret_place = PEN_TAKE(place);
    return PEN_OK;
}

/* The environment decides at each fetch, so that a chain made before it is set still works. */
struct web_identity {
    struct pen_cred_place base;
    const struct pen_auth_env *env;
};

static enum pen_code web_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                               struct pen_error *err)
{
    const char *file = pen_aws_env("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *arn = pen_aws_env("AWS_ROLE_ARN");
    if (file == NULL)
        return pen_fail(err, PEN_ERR_NOT_FOUND,
                        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    if (arn == NULL)
        return pen_fail(err, PEN_ERR_AUTH,
                        "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not");
    struct pen_cred_role role = {
        .arn = arn, .session_name = pen_aws_env("AWS_ROLE_SESSION_NAME"), .token_file = file};
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *assumed = NULL;
    PEN_TRY(
        pen_cred_assume_role_new(&role, NULL, ((struct web_identity *)place)->env, &assumed, err));
    return assumed->fetch(assumed, ret, err);
}

static void web_free(struct pen_cred_place *place)
{
    free(place);
}

enum pen_code pen_cred_web_identity_new(const struct pen_auth_env *env,
                                        struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct web_identity *web = calloc(1, sizeof *web);
    if (web == NULL)
        return pen_fail_nomem(err);
    web->base = (struct pen_cred_place){web_fetch, web_free};
    web->env = env;
    *ret_place = &web->base;
    return PEN_OK;
}
