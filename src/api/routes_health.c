/* routes_health.c - what probes ask. */
#include "api/metrics.h"
#include "api/routes_internal.h"

#include "base/json_writer.h"

static enum pen_code reply_status(struct pen_api_call *call, const char *status,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(4096);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "status", status);
    pen_jw_member_text(&w, "version", PEN_VERSION);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* The process lives and a worker answers. */
static enum pen_code get_healthz(struct pen_api_call *call, struct pen_error *err)
{
    return reply_status(call, "ok", err);
}

/* The metadata can be written. */
static enum pen_code get_readyz(struct pen_api_call *call, struct pen_error *err)
{
    if (call->api->is_stopping != NULL && *call->api->is_stopping != 0)
        return pen_api_refuse(call, 503, err, "the server is stopping");
    struct pen_db *db = pen_lake_db(call->lake);
    enum pen_code code = pen_db_begin(db, err);
    pen_db_rollback(db);
    if (code != PEN_OK)
        call->status = 503;
    PEN_TRY(code);
    return reply_status(call, "ready", err);
}

/* Figures about the catalog are asked for, those about what happened here are kept. */
static enum pen_code get_metrics(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF((size_t)1 << 20);
    if (call->api->metrics == NULL)
        return pen_api_refuse(call, 404, err, "this server keeps no metrics");
    PEN_TRY(pen_metrics_print(call->api->metrics, call->lake, &text, err));
    return pen_api_reply_bytes(call, "text/plain; version=0.0.4; charset=utf-8", &text, err);
}

const struct pen_api_route pen_routes_health[] = {
    {"GET", "/healthz", PEN_API_ANYBODY, PEN_API_PLAIN, get_healthz, "The process answers"},
    {"GET", "/readyz", PEN_API_ANYBODY, PEN_API_PLAIN | PEN_API_SLOW, get_readyz,
     "The metadata can be written"},
    {"GET", "/v3/system/server_status", PEN_API_ANYBODY, PEN_API_PLAIN, get_healthz,
     "What the original's client asks an endpoint first"},
    {"GET", "/metrics", PEN_API_VIEWER, PEN_API_PLAIN, get_metrics, "Figures for Prometheus"},
    {.method = NULL},
};
