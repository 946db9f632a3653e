/* cred_metadata.c - one short request to a metadata service of this machine or container. */
#include "aws/cred_internal.h"

enum pen_code pen_cred_metadata(const struct pen_cred_metadata_request *request,
                                const struct pen_auth_env *env, int *ret_status,
                                struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_http_close_p) struct pen_http_call *call = NULL;
    struct pen_http_request http = {.method = request->method,
                                    .url = request->url,
                                    .headers = request->headers,
                                    .timeout_ms = request->timeout_ms,
                                    .is_direct = true,
                                    .cancel = env->cancel};
    PEN_TRY(pen_http_start(env->http, &http, &call, err));
    enum pen_code code = pen_http_wait(call, ret_status, err);
    if (code == PEN_OK)
        code = pen_http_read_all(call, into, err);
    return code == PEN_OK ? PEN_OK : pen_wrap(err, code, "%s", request->what);
}
