#include "run/run_scope.h"

#include "net/http_client.h"
#include "run/connection_use.h"

void pen_run_scope_close(struct pen_run_scope *scope)
{
    pen_load_free(scope->load);
    pen_http_client_free(scope->http);
    *scope = (struct pen_run_scope){0};
}

static enum pen_code open_scope(const struct pen_run_env *env,
                                const struct pen_load_options *options, struct pen_run_scope *scope,
                                struct pen_error *err)
{
    const struct pen_node *config = NULL;
    PEN_TRY(pen_connection_apply(env->home, env->config, &env->bind, &config, err));
    PEN_TRY(pen_http_client_new(NULL, &scope->http, err));
    struct pen_source_env source_env = {
        .bind = env->bind,
        .http = scope->http,
        .cancel = env->cancel,
        .folder = env->folder,
        .log = env->log,
        .log_context = env->log_context,
        .traffic = env->traffic,
    };
    return pen_load_new(config, &source_env, options, &scope->load, err);
}

enum pen_code pen_run_scope_open(const struct pen_run_env *env,
                                 const struct pen_load_options *options,
                                 struct pen_run_scope *ret_scope, struct pen_error *err)
{
    *ret_scope = (struct pen_run_scope){0};
    enum pen_code code = open_scope(env, options, ret_scope, err);
    if (code != PEN_OK)
        pen_run_scope_close(ret_scope);
    return code;
}
