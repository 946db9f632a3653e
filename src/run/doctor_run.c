/* doctor_run.c - the doctor on a whole configuration: its connection, its type of source. */
#include "net/http_client.h"
#include "registry.h"
#include "run/connection_use.h"
#include "run/run.h"

static enum pen_code find_type(const struct pen_bind *bind, const struct pen_node *in,
                               const struct pen_source_type **ret_type, struct pen_error *err)
{
    const struct pen_node *type = pen_node_get(in, "type");
    if (type == NULL || type->text.ptr == NULL)
        return pen_fail_at(bind, in, err, "field 'type' is required but not set");
    *ret_type = pen_find_source(type->text);
    if (*ret_type != NULL)
        return PEN_OK;
    return pen_fail_at(bind, type, err, "unknown input type '%.*s'",
                       type->text.len < 64 ? (int)type->text.len : 64, type->text.ptr);
}

enum pen_code pen_run_doctor(const struct pen_run_env *env, struct pen_doctor_report *ret_report,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_http_client_free_p) struct pen_http_client *http = NULL;
    const struct pen_source_type *type = NULL;
    const struct pen_node *config = NULL;
    PEN_TRY(pen_connection_apply(env->home, env->config, &env->bind, &config, err));
    const struct pen_node *in = pen_node_get(config, "in");
    PEN_TRY(find_type(&env->bind, in, &type, err));
    PEN_TRY(pen_http_client_new(NULL, &http, err));
    struct pen_source_env source_env = {
        .bind = env->bind,
        .http = http,
        .cancel = env->cancel,
        .log = env->log,
        .log_context = env->log_context,
    };
    return pen_doctor_run(type, in, &source_env, ret_report, err);
}
