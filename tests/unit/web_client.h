/* web_client.h - one request with the real HTTP client, and its whole reply. */
#ifndef PEN_TESTS_WEB_CLIENT_H
#define PEN_TESTS_WEB_CLIENT_H

#include "unit.h"

#include <stdlib.h>

#include "net/http_client.h"

struct web_reply {
    int status;
    enum pen_code code; /* of reading the body */
    char body[65536];
    char content_type[128], allow[128], cookie[256]; /* cookie: the first that was set */
};

static inline void web_copy(struct pen_http_call *call, const char *name, char *out, size_t cap)
{
    struct pen_slice value = pen_http_header(call, name);
    (void)snprintf(out, cap, "%.*s", PEN_ARG(value));
}

/* web_send - in: headers: NULL-terminated, or NULL. The reply is the caller's to free. */
static inline struct web_reply *web_send(struct pen_http_client *client, const char *method,
                                         const char *url, const char *const *headers,
                                         struct pen_slice body)
{
    struct pen_http_request request = {
        .method = method, .url = url, .headers = headers, .body = body};
    struct web_reply *reply = calloc(1, sizeof *reply);
    assert_non_null(reply);
    struct pen_http_call *call = NULL;
    assert_ok(pen_http_start(client, &request, &call, err));
    assert_ok(pen_http_wait(call, &reply->status, err));
    web_copy(call, "Content-Type", reply->content_type, sizeof reply->content_type);
    web_copy(call, "Allow", reply->allow, sizeof reply->allow);
    web_copy(call, "Set-Cookie", reply->cookie, sizeof reply->cookie);
    PEN_CLEANUP(pen_buf_release) struct pen_buf bytes = PEN_BUF(sizeof reply->body - 1);
    reply->code = pen_http_read_all(call, &bytes, NULL);
    if (bytes.len > 0)
        memcpy(reply->body, bytes.ptr, bytes.len);
    pen_http_close(call);
    return reply;
}

#endif
