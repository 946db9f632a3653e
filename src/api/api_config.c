#include "api/api_config.h"

#include "conf/load_config.h"

static enum pen_code check_files(const struct pen_api_call *call, const struct pen_node *config,
                                 struct pen_error *err)
{
    const struct pen_node *in = pen_node_get(config, "in"), *type = pen_node_get(in, "type");
    bool is_file = type != NULL && pen_slice_is(type->text, "file");
    bool has_profile = pen_node_get(in, "profile_file") != NULL;
    if ((!is_file && !has_profile) || call->principal.role >= PEN_API_ADMIN)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_AUTH, "%s reads files of the server's machine",
                   is_file ? "in.type 'file'" : "in.profile_file");
    pen_error_hint(err, "ask an admin, or put the files into a bucket");
    return PEN_ERR_AUTH;
}

/* Where a successful run says that the next one begins. */
static bool is_position(struct pen_slice key)
{
    return pen_slice_is(key, "last_path") || pen_slice_is(key, "last_modified_time");
}

enum pen_code pen_api_check_diff(const struct pen_api_call *call, const struct pen_node *diff,
                                 struct pen_error *err)
{
    const struct pen_node *in = pen_node_get(diff, "in");
    if (in == NULL || call->principal.role >= PEN_API_ADMIN)
        return PEN_OK;
    for (const struct pen_node *child = in->first; child != NULL; child = child->next) {
        if (is_position(child->key))
            continue;
        (void)pen_fail(err, PEN_ERR_AUTH, "config_diff: only admins may overlay 'in.%.*s'",
                       PEN_ARG(child->key));
        pen_error_hint(err, "a position is last_path or last_modified_time; change anything else "
                            "in the configuration");
        return PEN_ERR_AUTH;
    }
    return PEN_OK;
}

enum pen_code pen_api_config(struct pen_api_call *call, const struct pen_node *body,
                             struct pen_warnings *warnings, struct pen_run_env *ret_env,
                             struct pen_error *err)
{
    struct pen_bind bind = {.file = "config", .arena = call->arena, .warnings = warnings};
    struct pen_node *document = pen_node_get(body, "config"), *config = NULL;
    if (document == NULL || document->kind != PEN_NODE_MAP)
        return pen_fail(err, PEN_ERR_CONFIG, "member 'config' must be a JSON object");
    /* normalising moves nodes: the request's own tree stays as it is */
    document = pen_node_copy(document, call->arena);
    if (document == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_config_normalize(document, &bind, &config, err));
    PEN_TRY(check_files(call, config, err));
    *ret_env = (struct pen_run_env){
        .home = call->api->home, .config = config, .bind = bind, .cancel = call->api->cancel};
    return PEN_OK;
}

enum pen_code pen_api_upstream(struct pen_api_call *call, enum pen_code code)
{
    if (code != PEN_OK && code != PEN_ERR_CONFIG && call->status == 0)
        call->status = 422;
    return code;
}
