/* api_auth.h - who a request is from, and what they may do. */
#ifndef PEN_API_API_AUTH_H
#define PEN_API_API_AUTH_H

#include "base/error.h"

struct pen_api_call;

/* Each role may do what those before it may. */
enum pen_api_role {
    PEN_API_ANYBODY,  /* no proof asked: probes, the login itself */
    PEN_API_VIEWER,   /* sees */
    PEN_API_OPERATOR, /* runs jobs, changes tables and schedules */
    PEN_API_ADMIN     /* users, keys, settings, files of this machine */
};

/* How the request proved it. */
enum pen_api_proof {
    PEN_API_PROOF_NONE,
    PEN_API_PROOF_LOCAL,  /* there are no users yet: whoever reaches the server */
    PEN_API_PROOF_KEY,    /* Authorization: TD1 <key> */
    PEN_API_PROOF_SESSION /* the cookie of a login */
};

struct pen_api_principal {
    int64_t user_id;  /* 0: nobody, or local */
    const char *name; /* for logs: "" for nobody; lives as long as the call */
    enum pen_api_role role;
    enum pen_api_proof proof;
};

/* pen_api_authenticate - reads the request's proof (headers, cookie) and tells who it is.
 * in:     call: exchange, lake and arena are set.
 * out:    *ret_principal; role PEN_API_ANYBODY when the request brought no proof.
 * errors: PEN_ERR_AUTH for a proof that is wrong or over; the client gets 401 for it. */
PEN_MUST_USE enum pen_code pen_api_authenticate(struct pen_api_call *call,
                                                struct pen_api_principal *ret_principal,
                                                struct pen_error *err);

/* pen_api_role_name - "anybody", "viewer", "operator", "admin". */
const char *pen_api_role_name(enum pen_api_role role);

#endif
