/* http_client.h - HTTP requests over one I/O thread; beside mail.c the only includer of curl.h.
 *
 *     pen_http_start --request--> I/O thread (curl multi, reused connections)
 *                    <--bounded buffer-- pen_http_read, from any thread
 *
 * Received bytes that nobody has read yet are bounded per request and over all requests: a request
 * over its bound is paused, not buffered. No retries and no signing here: see retry.h and aws/. */
#ifndef PEN_NET_HTTP_CLIENT_H
#define PEN_NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

struct pen_http_client;
struct pen_http_call;

struct pen_http_options {
    const char *proxy; /* "host[:port]"; NULL: the environment's http_proxy and no_proxy */
    const char *proxy_user, *proxy_password;
    bool is_proxy_https;   /* TLS to the proxy itself (not what in.http_proxy.https means) */
    const char *ca_bundle; /* PEM file; NULL: AWS_CA_BUNDLE, else the system's */
    const char *user_agent;
    int64_t memory_bytes;       /* received and unread over all requests; 0: 64 MiB */
    unsigned connection_count;  /* at most so many at once per client; 0: 50 */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t idle_timeout_ms;    /* no byte for so long ends the request; 0: 60 s */
};

struct pen_http_request {
    const char *method;         /* GET HEAD POST PUT DELETE */
    const char *url;            /* already percent-encoded; sent as is */
    const char *const *headers; /* "Name: value" lines, NULL-terminated; may be NULL */
    struct pen_slice body;      /* copied */
    int64_t timeout_ms;         /* whole request; 0: none (the idle time-out still holds) */
    size_t buffer_bytes;        /* received and unread; 0: 1 MiB */
    bool is_direct;             /* never through a proxy: instance metadata */
    const volatile int *cancel; /* non-zero acts like pen_http_cancel; may be NULL */
};

/* pen_http_client_new - starts the I/O thread. options may be NULL. thread: any. */
PEN_MUST_USE enum pen_code pen_http_client_new(const struct pen_http_options *options,
                                               struct pen_http_client **ret_client,
                                               struct pen_error *err);
/* pen_http_client_free - all calls must be closed before. Joins the I/O thread. */
void pen_http_client_free(struct pen_http_client *client);
PEN_DEFINE_FREE_P(struct pen_http_client *, pen_http_client_free)

/* pen_http_start - hands the request to the I/O thread and returns at once; everything in it is
 * copied. */
PEN_MUST_USE enum pen_code pen_http_start(struct pen_http_client *client,
                                          const struct pen_http_request *request,
                                          struct pen_http_call **ret_call, struct pen_error *err);

/* pen_http_wait - blocks until the status line and headers are there.
 * errors: PEN_ERR_IO (retryable: refused, reset, time-out; not: TLS verification), with a hint;
 *         a status of 400 or more is no error here. */
PEN_MUST_USE enum pen_code pen_http_wait(struct pen_http_call *call, int *ret_status,
                                         struct pen_error *err);

/* pen_http_header - the value of a reply header, case-insensitive name; "" when absent. Valid until
 * close; only after pen_http_wait. */
struct pen_slice pen_http_header(struct pen_http_call *call, const char *name);

/* pen_http_read - 1..cap bytes of the body, blocking; *ret_len 0 at its end.
 * errors: PEN_ERR_IO retryable when the body was cut short or stalled. */
PEN_MUST_USE enum pen_code pen_http_read(struct pen_http_call *call, void *buf, size_t cap,
                                         size_t *ret_len, struct pen_error *err);

/* pen_http_read_all - appends the rest of the body; errors also PEN_ERR_TOO_LARGE past into->max.
 */
PEN_MUST_USE enum pen_code pen_http_read_all(struct pen_http_call *call, struct pen_buf *into,
                                             struct pen_error *err);

/* pen_http_cancel - makes waits on this call return PEN_ERR_CANCELLED soon; from any thread.
 * pen_http_close - ends the request if it still runs and frees the call; never blocks for long. */
void pen_http_cancel(struct pen_http_call *call);
void pen_http_close(struct pen_http_call *call);
PEN_DEFINE_FREE_P(struct pen_http_call *, pen_http_close)

#endif
