/* api_auth.h - who a request is from, and what they may do. */
#ifndef PEN_API_API_AUTH_H
#define PEN_API_API_AUTH_H

#include "base/civil.h"
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
    PEN_API_PROOF_KEY,    /* Authorization: TD1 <key> */
    PEN_API_PROOF_SESSION /* the cookie of a login */
};

/* The cookies of a login: the first is HttpOnly; the second is for the console's scripts, which
 * send it back in the header with every change, as no other site's page can. */
#define PEN_API_SESSION_COOKIE "penstock_session"
#define PEN_API_CSRF_COOKIE    "penstock_csrf"
#define PEN_API_CSRF_HEADER    "X-CSRF-Token"

/* A login ends after so long without a request. */
#define PEN_API_SESSION_US (12 * 3600 * PEN_US_PER_SECOND)

struct pen_api_principal {
    int64_t user_id;  /* 0: nobody */
    const char *name; /* for logs: "" for nobody; lives as long as the call */
    enum pen_api_role role;
    enum pen_api_proof proof;
    int64_t token_id;    /* of the key or session */
    const char *session; /* the session's token; NULL for keys */
};

/* pen_api_authenticate - reads the request's proof (headers, cookie) and tells who it is.
 * in:     call: exchange, lake and arena are set.
 * out:    *ret_principal; role PEN_API_ANYBODY when the request brought no proof.
 * errors: PEN_ERR_AUTH for a proof that is wrong or over; the client gets 401 for it. A change that
 *         is asked for with a session's cookie alone, without its CSRF token: 403. */
PEN_MUST_USE enum pen_code pen_api_authenticate(struct pen_api_call *call,
                                                struct pen_api_principal *ret_principal,
                                                struct pen_error *err);

/* pen_api_login - starts a session of that user: cookies for the reply, and the principal.
 * pen_api_logout - ends the call's session. */
PEN_MUST_USE enum pen_code pen_api_login(struct pen_api_call *call, int64_t user_id,
                                         const char *name, enum pen_api_role role,
                                         struct pen_error *err);
PEN_MUST_USE enum pen_code pen_api_logout(struct pen_api_call *call, struct pen_error *err);

/* pen_api_peer - the client's address. Behind a proxy (server_behind_proxy) the last one that
 * X-Forwarded-For names: the proxy wrote that one itself. Lives as long as the call. */
const char *pen_api_peer(struct pen_api_call *call);

/* pen_api_audit - notes an action of the call's principal; failures are logged, never returned. */
void pen_api_audit(struct pen_api_call *call, const char *action, const char *subject, int status);

/* pen_api_first_link - the path of a page that makes the first admin, good for a day; "" when there
 * is a user already. Links made before stop working. The caller prints it behind the server's
 * address. */
struct pen_db;
PEN_MUST_USE enum pen_code pen_api_first_link(struct pen_db *db, char *out, size_t cap,
                                              struct pen_error *err);

/* pen_api_role_name - "anybody", "viewer", "operator", "admin". */
const char *pen_api_role_name(enum pen_api_role role);

#endif
