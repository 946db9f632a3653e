/* routes_connection.c - connections: made, changed, tried; secrets go in and never come out. */
#include "api/routes_internal.h"

#include "base/json_writer.h"
#include "run/connection_use.h"
#include "run/run.h"

#define REPLY_BYTES ((size_t)16 << 20)

static void write_connection(struct pen_json_writer *w, const struct pen_connection *connection)
{
    pen_jw_begin_object(w);
    pen_jw_member_int(w, "id", connection->connection_id);
    pen_jw_member_text(w, "name", connection->name);
    pen_jw_key(w, "settings");
    pen_jw_raw(w, pen_slice_str(connection->config));
    pen_jw_member_instant(w, "created_at", connection->created_us);
    pen_jw_member_instant(w, "updated_at", connection->updated_us);
    pen_jw_end_object(w);
}

static enum pen_code get_connections(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_connection *list = NULL;
    size_t count = 0;
    PEN_TRY(pen_connection_list(pen_lake_db(call->lake), call->arena, &list, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "connections");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_connection(&w, &list[i]);
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code reply_connection(struct pen_api_call *call, const char *name, int status,
                                      struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_connection connection = {0};
    PEN_TRY(pen_connection_get(pen_lake_db(call->lake), name, call->arena, &connection, err));
    write_connection(&w, &connection);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, status, &json, err);
}

static enum pen_code get_connection(struct pen_api_call *call, struct pen_error *err)
{
    return reply_connection(call, call->params[0], 200, err);
}

static enum pen_code put(struct pen_api_call *call, const char *name, const struct pen_node *map,
                         bool is_update, struct pen_error *err)
{
    PEN_CLEANUP(pen_vault_free_p) struct pen_vault *vault = NULL;
    struct pen_bind bind = {"request body", call->arena, NULL};
    const struct pen_node *settings = pen_node_get(map, "settings");
    if (settings == NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "parameter 'settings' is required");
    if (pen_node_get(settings, "profile_file") != NULL && call->principal.role < PEN_API_ADMIN)
        return pen_fail(err, PEN_ERR_AUTH, "only admins may name files of the server");
    PEN_TRY(pen_vault_open(call->api->home, &vault, err));
    return pen_connection_put(pen_lake_db(call->lake), vault, name, settings, is_update, &bind,
                              err);
}

static enum pen_code post_connections(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    const char *name = NULL;
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_need_text(map, "name", &name, err));
    PEN_TRY(put(call, name, map, false, err));
    return reply_connection(call, name, 201, err);
}

static enum pen_code put_connection(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *map = NULL;
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(put(call, call->params[0], map, true, err));
    return reply_connection(call, call->params[0], 200, err);
}

static enum pen_code delete_connection(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(16);
    PEN_TRY(pen_connection_delete(pen_lake_db(call->lake), call->params[0], err));
    PEN_TRY(pen_buf_add_str(&json, "{}", err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- the test button -------------------------------------------------------------------------- */

static void write_report(struct pen_json_writer *w, const struct pen_doctor_report *report)
{
    pen_jw_begin_object(w);
    pen_jw_member_bool(w, "works", pen_doctor_code(report) == PEN_OK);
    pen_jw_key(w, "checks");
    pen_jw_begin_array(w);
    for (size_t i = 0; i < report->count; i++) {
        const struct pen_check *check = &report->checks[i];
        pen_jw_begin_object(w);
        pen_jw_member_text(w, "name", check->name);
        pen_jw_member_text(w, "status", pen_check_status_name(check->status));
        pen_jw_member_text(w, "detail", check->detail);
        pen_jw_member_text(w, "hint", check->hint[0] == '\0' ? NULL : check->hint);
        pen_jw_end_object(w);
    }
    pen_jw_end_array(w);
    pen_jw_member_text(w, "policy", report->policy.len == 0 ? NULL : report->policy.ptr);
    pen_jw_end_object(w);
}

static enum pen_code post_test(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_doctor_report_release) struct pen_doctor_report report = {.count = 0};
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    struct pen_bind bind = {"request", call->arena, NULL};
    struct pen_run_env env = {.home = call->api->home, .bind = bind, .cancel = call->api->cancel};
    struct pen_connection_trial trial = {.name = call->params[0]};
    struct pen_node *map = NULL;
    PEN_TRY(pen_api_json(call, &map, err));
    PEN_TRY(pen_api_text(map, "bucket", &trial.bucket, err));
    PEN_TRY(pen_api_text(map, "path_prefix", &trial.path_prefix, err));
    if (trial.path_prefix == NULL)
        trial.path_prefix = "";
    PEN_TRY(pen_connection_trial_config(&trial, &bind, &env.config, err));
    PEN_TRY(pen_run_doctor(&env, &report, err));
    write_report(&w, &report);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

const struct pen_api_route pen_routes_connection[] = {
    {"GET", "/api/v1/connections", PEN_API_VIEWER, 0, get_connections,
     "All connections, secrets masked"},
    {"POST", "/api/v1/connections", PEN_API_OPERATOR, PEN_API_SLOW, post_connections,
     "Store credentials under a name"},
    {"GET", "/api/v1/connections/:name", PEN_API_VIEWER, 0, get_connection, "One connection"},
    {"PUT", "/api/v1/connections/:name", PEN_API_OPERATOR, PEN_API_SLOW, put_connection,
     "Give a connection new settings; a secret written as *** stays"},
    {"DELETE", "/api/v1/connections/:name", PEN_API_OPERATOR, PEN_API_SLOW, delete_connection,
     "Forget a connection"},
    {"POST", "/api/v1/connections/:name/test", PEN_API_OPERATOR, PEN_API_FAR, post_test,
     "Whether a connection works, check by check"},
    {.method = NULL},
};
