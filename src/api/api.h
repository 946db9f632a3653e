/* api.h - HTTP requests as calls of the engine: routes, who may call them, what they answer.
 *
 *     exchange --route by method and path--> role check --> run(call) --> reply
 *                                                      error --> status and JSON by its code
 *
 * A route is one line of a table in a routes_*.c file; a new file of routes is one line in
 * api_routes.c. docs/openapi.yaml describes every route: a test compares both lists.
 * thread: a call belongs to one worker; struct pen_api is shared and constant while serving,
 * except through the functions that say so. */
#ifndef PEN_API_API_H
#define PEN_API_API_H

#include "api/api_auth.h"
#include "conf/settings.h"
#include "lake/lake.h"
#include "log/log.h"
#include "net/http_server.h"

#define PEN_API_PARAMS 4

struct pen_api_call;
struct pen_metrics;

/* What a route needs beyond a role. */
enum pen_api_trait {
    PEN_API_SLOW = 1,  /* may wait for the database's write lock */
    PEN_API_PLAIN = 2, /* its errors are for people and probes: {"error": ...} in any case */
    PEN_API_FAR = 4,   /* may wait for other servers */
};

struct pen_api_route {
    const char *method, *pattern; /* "GET", "/v3/job/show/:id" */
    enum pen_api_role role;
    unsigned traits;
    /* replies through pen_api_reply_*, or fails: then the error is the reply */
    enum pen_code (*run)(struct pen_api_call *call, struct pen_error *err);
    const char *summary;
};

/* The groups of routes; each list ends with method NULL, the list of groups with NULL. */
extern const struct pen_api_route *const pen_api_route_groups[];

/* The service: what all calls share. Everything is borrowed. */
struct pen_api {
    const char *home; /* absolute */
    const struct pen_settings *settings;
    struct pen_log *log;
    struct pen_metrics *metrics;     /* may be NULL */
    const volatile int *is_stopping; /* non-zero: the server ends soon */
    const volatile int *cancel;      /* non-zero: whatever is slow is to give up */
    void (*wake)(void *context);     /* a job was queued: somebody is to look; may be NULL */
    void *wake_context;
};

/* pen_api_wake - says that a job was queued. thread: any. */
static inline void pen_api_wake(const struct pen_api *api)
{
    if (api->wake != NULL)
        api->wake(api->wake_context);
}

/* One request while it is answered. */
struct pen_api_call {
    const struct pen_api *api;
    struct pen_http_exchange *exchange;
    const struct pen_api_route *route;
    struct pen_lake *lake;    /* the worker's own connection to the metadata */
    struct pen_sched **sched; /* see pen_api_sched */
    struct pen_arena *arena;  /* dies with the request */
    struct pen_api_principal principal;
    const char *params[PEN_API_PARAMS]; /* what stands for the pattern's :words, decoded */
    int status;                         /* of an error reply; 0: by the error's code */
    const char *details;                /* JSON object for an error reply; NULL for none */
};

/* pen_api_sched - the worker's own view of the schedules, opened when first needed. */
struct pen_sched;
PEN_MUST_USE enum pen_code pen_api_sched(struct pen_api_call *call, struct pen_sched **ret_sched,
                                         struct pen_error *err);

/* pen_api_local_lake - the catalog connection of a worker, for streams: fill() gets its local. */
struct pen_lake *pen_api_local_lake(void *local);

/* pen_api_handler - answers a server's exchanges with the routes. in: api must outlive the server.
 */
struct pen_http_handler pen_api_handler(const struct pen_api *api);

/* --- the request (api_input.c) ---------------------------------------------------------------- */

/* pen_api_json - the request's body as a JSON object; an empty body is an empty map.
 * errors: PEN_ERR_CONFIG no JSON or no object; status 415 for another content type. */
PEN_MUST_USE enum pen_code pen_api_json(struct pen_api_call *call, struct pen_node **ret_map,
                                        struct pen_error *err);

/* pen_api_form - query string and form body (or JSON body) together as a map of texts.
 * errors: as pen_api_json; bad percent-encoding. */
PEN_MUST_USE enum pen_code pen_api_form(struct pen_api_call *call, struct pen_node **ret_map,
                                        struct pen_error *err);

/* pen_api_add_multipart - the fields of a multipart/form-data body into the map, for pen_api_form.
 * errors: PEN_ERR_CONFIG a body that is none. */
PEN_MUST_USE enum pen_code pen_api_add_multipart(struct pen_api_call *call, struct pen_slice body,
                                                 struct pen_node *map, struct pen_error *err);

/* pen_api_text - a member as text; NULL when absent or null. errors: a list or map.
 * pen_api_int - as an integer between min and max; fallback when absent.
 * pen_api_bool - true, false, 1, 0, "true", "false"; fallback when absent.
 * errors: PEN_ERR_CONFIG "parameter 'from' must be ..." */
PEN_MUST_USE enum pen_code pen_api_text(const struct pen_node *map, const char *key,
                                        const char **ret_text, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_api_need_text(const struct pen_node *map, const char *key,
                                             const char **ret_text, struct pen_error *err);
struct pen_api_range {
    int64_t min, max, fallback;
};
PEN_MUST_USE enum pen_code pen_api_int(const struct pen_node *map, const char *key,
                                       struct pen_api_range range, int64_t *ret_value,
                                       struct pen_error *err);
PEN_MUST_USE enum pen_code pen_api_bool(const struct pen_node *map, const char *key, bool fallback,
                                        bool *ret_value, struct pen_error *err);

/* pen_api_param_int - a parameter of the path as a positive integer. errors: PEN_ERR_NOT_FOUND. */
PEN_MUST_USE enum pen_code pen_api_param_id(const struct pen_api_call *call, size_t index,
                                            const char *what, int64_t *ret_id,
                                            struct pen_error *err);

/* pen_api_unescape - %XX decoded, and + as a space when is_form. errors: PEN_ERR_CONFIG bad
 * encoding, a NUL, no UTF-8. */
PEN_MUST_USE enum pen_code pen_api_unescape(struct pen_slice text, bool is_form,
                                            struct pen_arena *arena, const char **ret_text,
                                            struct pen_error *err);

/* --- the reply (api_reply.c) ------------------------------------------------------------------ */

/* pen_api_reply_json - a reply of JSON text; takes the buffer's content. */
PEN_MUST_USE enum pen_code pen_api_reply_json(struct pen_api_call *call, int status,
                                              struct pen_buf *json, struct pen_error *err);

/* pen_api_reply_bytes - any other content. */
PEN_MUST_USE enum pen_code pen_api_reply_bytes(struct pen_api_call *call, const char *content_type,
                                               struct pen_buf *bytes, struct pen_error *err);

/* pen_api_refuse - an error with a status of its own. Returns the code, so that it can be returned.
 */
enum pen_code pen_api_refuse(struct pen_api_call *call, int status, struct pen_error *err,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* pen_api_add_conflict - after a refused domain_key: the details of the reply name the job. */
void pen_api_add_conflict(struct pen_api_call *call, enum pen_code code,
                          const struct pen_error *err);

/* pen_api_reply_error - what a client gets for an error: /v3 {"error", "message"}, elsewhere
 * application/problem+json (RFC 9457). Secrets never are in errors. */
void pen_api_reply_error(struct pen_api_call *call, enum pen_code code,
                         const struct pen_error *err);

/* pen_api_status - the HTTP status for an error: 400 CONFIG, 403 AUTH, 404 NOT_FOUND, 409 CONFLICT
 * (503 when it is worth trying again), 413 TOO_LARGE, 422 CORRUPT, 429 THROTTLED, else 500. */
int pen_api_status(enum pen_code code, const struct pen_error *err);

#endif
