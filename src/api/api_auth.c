#include "api/api.h"

static const char *const role_names[] = {
    [PEN_API_ANYBODY] = "anybody",
    [PEN_API_VIEWER] = "viewer",
    [PEN_API_OPERATOR] = "operator",
    [PEN_API_ADMIN] = "admin",
};

const char *pen_api_role_name(enum pen_api_role role)
{
    return role_names[role];
}

/* There are no users yet: the server listens on loopback only, and whoever reaches it is trusted as
 * the owner of the home folder is. */
enum pen_code pen_api_authenticate(struct pen_api_call *call,
                                   struct pen_api_principal *ret_principal, struct pen_error *err)
{
    (void)call;
    (void)err;
    *ret_principal = (struct pen_api_principal){
        .name = "local", .role = PEN_API_ADMIN, .proof = PEN_API_PROOF_LOCAL};
    return PEN_OK;
}
