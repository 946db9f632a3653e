/* api_router.c - from an exchange to its route, and from the route's result to the reply. */
#include "api/api.h"

#include "api/metrics.h"
#include "base/civil.h"
#include "sched/sched.h"

#include <stdio.h>
#include <stdlib.h>

/* What a worker keeps between requests. */
struct local {
    struct pen_lake *lake;
    struct pen_sched *sched; /* NULL until it is needed */
};

static enum pen_code open_local(void *context, void **ret_local, struct pen_error *err)
{
    const struct pen_api *api = context;
    struct local *local = calloc(1, sizeof *local);
    if (local == NULL)
        return pen_fail_nomem(err);
    enum pen_code code = pen_lake_open(api->home, PEN_DB_WRITE, &local->lake, err);
    if (code != PEN_OK) {
        free(local);
        return code;
    }
    *ret_local = local;
    return PEN_OK;
}

static void close_local(void *context, void *local_memory)
{
    struct local *local = local_memory;
    (void)context;
    pen_sched_close(local->sched);
    pen_lake_close(local->lake);
    free(local);
}

struct pen_lake *pen_api_local_lake(void *local)
{
    return ((struct local *)local)->lake;
}

enum pen_code pen_api_sched(struct pen_api_call *call, struct pen_sched **ret_sched,
                            struct pen_error *err)
{
    if (*call->sched == NULL)
        PEN_TRY(pen_sched_open(call->api->home, call->sched, err));
    *ret_sched = *call->sched;
    return PEN_OK;
}

/* --- matching --------------------------------------------------------------------------------- */

/* Segment by segment; what stands for :words goes to `found`, still encoded. */
static bool matches(const char *pattern, const char *path, struct pen_slice *found)
{
    size_t count = 0;
    for (;;) {
        const char *pattern_end = strchrnul(pattern, '/'), *path_end = strchrnul(path, '/');
        struct pen_slice want = pen_slice(pattern, (size_t)(pattern_end - pattern));
        struct pen_slice have = pen_slice(path, (size_t)(path_end - path));
        if (want.len > 0 && want.ptr[0] == ':') {
            if (have.len == 0 || count == PEN_API_PARAMS)
                return false;
            found[count++] = have;
        } else if (!pen_slice_equal(want, have)) {
            return false;
        }
        if (*pattern_end == '\0' || *path_end == '\0')
            return *pattern_end == *path_end;
        pattern = pattern_end + 1;
        path = path_end + 1;
    }
}

/* How a request's path and method fit the table. */
struct match {
    const struct pen_api_route *route; /* NULL: none */
    struct pen_slice params[PEN_API_PARAMS];
    char allowed[64]; /* methods of that path */
};

static void add_allowed(struct match *match, const char *method)
{
    size_t len = strlen(match->allowed);
    const char *separator = len == 0 ? "" : ", ";
    if (len + strlen(separator) + strlen(method) < sizeof match->allowed) {
        memcpy(match->allowed + len, separator, strlen(separator) + 1);
        len += strlen(separator);
        memcpy(match->allowed + len, method, strlen(method) + 1);
    }
}

static void find(const char *method, const char *path, struct match *ret_match)
{
    struct pen_slice params[PEN_API_PARAMS];
    *ret_match = (struct match){.route = NULL};
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (const struct pen_api_route *const *group = pen_api_route_groups; *group != NULL; group++) {
        for (const struct pen_api_route *route = *group; route->method != NULL; route++) {
            memset(params, 0, sizeof params);
            if (!matches(route->pattern, path, params))
                continue;
            if (strcmp(route->method, method) == 0) {
                ret_match->route = route;
                memcpy(ret_match->params, params, sizeof params);
                return;
            }
            add_allowed(ret_match, route->method);
        }
    }
}

static enum pen_http_wait wait_of(void *context, const struct pen_http_exchange *exchange)
{
    struct match match;
    (void)context;
    find(pen_http_exchange_method(exchange), pen_http_exchange_path(exchange), &match);
    if (match.route == NULL)
        return PEN_HTTP_WAIT_NONE;
    if ((match.route->traits & PEN_API_FAR) != 0)
        return PEN_HTTP_WAIT_OTHERS;
    return (match.route->traits & PEN_API_SLOW) != 0 ? PEN_HTTP_WAIT_WRITE : PEN_HTTP_WAIT_NONE;
}

/* --- calling ---------------------------------------------------------------------------------- */

static enum pen_code fail_route(struct pen_api_call *call, const struct match *match,
                                struct pen_error *err)
{
    const char *method = pen_http_exchange_method(call->exchange);
    const char *path = pen_http_exchange_path(call->exchange);
    if (match->allowed[0] == '\0')
        return pen_fail(err, PEN_ERR_NOT_FOUND, "there is nothing at '%s'", path);
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Allow", match->allowed, err));
    return pen_api_refuse(call, 405, err, "'%s' does not take %s, only %s", path, method,
                          match->allowed);
}

static enum pen_code check_role(struct pen_api_call *call, struct pen_error *err)
{
    enum pen_code code = pen_api_authenticate(call, &call->principal, err);
    if (code == PEN_ERR_AUTH)
        call->status = 401;
    PEN_TRY(code);
    if (call->principal.role >= call->route->role)
        return PEN_OK;
    if (call->principal.proof != PEN_API_PROOF_NONE)
        return pen_fail(err, PEN_ERR_AUTH, "this needs the role '%s'; '%s' has the role '%s'",
                        pen_api_role_name(call->route->role), call->principal.name,
                        pen_api_role_name(call->principal.role));
    call->status = 401;
    (void)pen_fail(err, PEN_ERR_AUTH, "this needs an API key or a login");
    pen_error_hint(err, "send the header 'Authorization: TD1 <key>'");
    return PEN_ERR_AUTH;
}

static enum pen_code run(struct pen_api_call *call, struct pen_error *err)
{
    struct match match;
    find(pen_http_exchange_method(call->exchange), pen_http_exchange_path(call->exchange), &match);
    if (match.route == NULL)
        return fail_route(call, &match, err);
    call->route = match.route;
    /* the original's client writes a space as + in paths too, and + itself as %2B */
    bool is_form = pen_slice_starts(pen_slice_str(match.route->pattern), PEN_LIT("/v3/"));
    for (size_t i = 0; i < PEN_API_PARAMS && match.params[i].ptr != NULL; i++)
        PEN_TRY(pen_api_unescape(match.params[i], is_form, call->arena, &call->params[i], err));
    if (match.route->role != PEN_API_ANYBODY)
        PEN_TRY(check_role(call, err));
    return match.route->run(call, err);
}

/* Changes, and attempts at them by people who are known. */
static bool is_audited(const struct pen_api_call *call)
{
    const char *method = pen_http_exchange_method(call->exchange);
    return call->route != NULL && call->principal.proof != PEN_API_PROOF_NONE &&
           strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

static void audit(struct pen_api_call *call, int status)
{
    char action[128];
    (void)snprintf(action, sizeof action, "%s %s", call->route->method,
                   call->route->pattern); /* patterns are short */
    pen_api_audit(call, action, pen_http_exchange_path(call->exchange), status);
}

static void handle(void *context, void *local_memory, struct pen_http_exchange *exchange)
{
    struct local *local = local_memory;
    struct pen_api_call call = {
        .api = context,
        .exchange = exchange,
        .lake = local->lake,
        .sched = &local->sched,
        .arena = pen_http_exchange_arena(exchange),
        .principal = {.name = ""},
    };
    struct pen_error err = {0};
    int64_t start_us = pen_monotonic_us();
    enum pen_code code = run(&call, &err);
    if (code != PEN_OK)
        pen_api_reply_error(&call, code, &err);
    int status = pen_http_exchange_status(exchange);
    int64_t duration_us = pen_monotonic_us() - start_us;
    if (call.api->metrics != NULL)
        pen_metrics_request(call.api->metrics, status, duration_us);
    if (is_audited(&call))
        audit(&call, status);
    pen_log_write(call.api->log, status >= 500 ? PEN_LOG_ERROR : PEN_LOG_DEBUG, "api",
                  "%s %s %s %d in %lld us%s%s", pen_api_peer(&call),
                  pen_http_exchange_method(exchange), pen_http_exchange_path(exchange), status,
                  (long long)duration_us, code == PEN_OK ? "" : ": ",
                  code == PEN_OK ? "" : err.message);
}

struct pen_http_handler pen_api_handler(const struct pen_api *api)
{
    return (struct pen_http_handler){
        .context = (void *)(uintptr_t)api, /* the callbacks take it back as const */
        .open_local = open_local,
        .close_local = close_local,
        .wait_of = wait_of,
        .handle = handle,
    };
}
