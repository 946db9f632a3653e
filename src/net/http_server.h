/* http_server.h - HTTP requests in, replies out; the only includer of microhttpd.h is
 * http_server.c.
 *
 *     socket --I/O thread (poll): head, body--> exchange --lane's queue--> worker: handle()
 *                                   <--reply: bytes, a file or a stream--
 *
 * One I/O thread serves all connections and never waits for a handler: slow clients cost no thread,
 * slow handlers no connection. Handlers run on three lanes of workers, so that what waits for other
 * servers cannot hold up what writes, nor either of them what only reads. While a handler has an
 * exchange, nobody else touches it.
 * What a request means is not known here: see api/. Nothing here logs. */
#ifndef PEN_NET_HTTP_SERVER_H
#define PEN_NET_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

struct pen_http_server;
struct pen_http_exchange;

/* A reply that is made while it is sent; see pen_http_exchange_send_stream. */
enum pen_http_flow {
    PEN_HTTP_MORE, /* bytes were added, and there are more */
    PEN_HTTP_WAIT, /* nothing new: ask again a fraction of a second later */
    PEN_HTTP_END   /* what was added is the last */
};
struct pen_http_stream {
    void *context; /* owned by the stream */
    /* appends 0..n bytes; local: of the worker it runs on. An error breaks the connection off, so
     * that nobody takes half a reply for a whole one. thread: a slow worker, one at a time. */
    enum pen_code (*fill)(void *context, void *local, struct pen_buf *into,
                          enum pen_http_flow *ret_flow, struct pen_error *err);
    void (*close)(void *context); /* once, from any thread */
};

/* What a handler may wait for: each has workers of its own, so that none is held up by the next. */
enum pen_http_wait {
    PEN_HTTP_WAIT_NONE,  /* it only reads */
    PEN_HTTP_WAIT_WRITE, /* the database's write lock, a password's hash */
    PEN_HTTP_WAIT_OTHERS /* other servers, for minutes when they do not answer */
};

/* What answers. All are called from workers; `local` is what open_local made for that worker. */
struct pen_http_handler {
    void *context;
    enum pen_code (*open_local)(void *context, void **ret_local, struct pen_error *err);
    void (*close_local)(void *context, void *local);
    /* what the exchange may have to wait for; called on the I/O thread: must be quick */
    enum pen_http_wait (*wait_of)(void *context, const struct pen_http_exchange *exchange);
    /* makes the reply with the pen_http_exchange_* functions; without one the client gets 500 */
    void (*handle)(void *context, void *local, struct pen_http_exchange *exchange);
};

struct pen_http_server_options {
    const char *listen;          /* "host:port", "[::1]:port"; port 0: a free one */
    const char *certificate;     /* PEM text; NULL: no TLS */
    const char *certificate_key; /* PEM text */
    size_t max_body_bytes;       /* of a request; 0: 16 MiB. More is 413 */
    size_t max_head_bytes;       /* 0: 32 KiB. More is 431 or 414 */
    unsigned max_connections;    /* 0: 1000; further ones wait until one ends */
    unsigned idle_seconds;       /* a connection without traffic; 0: 60 */
    unsigned quick_workers;      /* 0: 4 */
    unsigned slow_workers;       /* of what writes, and of streams; 0: 8 */
    unsigned far_workers;        /* of what waits for other servers; 0: 8 */
};

/* pen_http_server_new - listens and serves from now on. Options and handler are copied, texts in
 * them are not needed afterwards.
 * errors: PEN_ERR_CONFIG wrong address, wrong certificate; PEN_ERR_AUTH no permission for the port;
 *         PEN_ERR_CONFLICT the port is taken; what open_local says. */
PEN_MUST_USE enum pen_code pen_http_server_new(const struct pen_http_server_options *options,
                                               const struct pen_http_handler *handler,
                                               struct pen_http_server **ret_server,
                                               struct pen_error *err);

/* pen_http_server_drain - accepts no further connection, ends streams and lets what is being
 * answered finish, for at most timeout_ms. false: some were not done. Idempotent.
 * pen_http_server_free - ends the rest, joins all threads. NULL is fine. */
bool pen_http_server_drain(struct pen_http_server *server, int64_t timeout_ms);
void pen_http_server_free(struct pen_http_server *server);
PEN_DEFINE_FREE_P(struct pen_http_server *, pen_http_server_free)

/* pen_http_server_address - "127.0.0.1:8765": where it really listens. */
const char *pen_http_server_address(const struct pen_http_server *server);

/* pen_http_server_connections - connections open now. thread: any. */
unsigned pen_http_server_connections(const struct pen_http_server *server);

/* pen_http_is_loopback - whether only this machine can reach the address; false for one that
 * cannot be resolved. */
bool pen_http_is_loopback(const char *listen);

/* --- the request ------------------------------------------------------------------------------ */

/* Everything below is for the handler of the exchange; texts live as long as the exchange. */

/* pen_http_exchange_method - "GET". _path - percent-encoded as sent, without the query string.
 * _body - the whole body; empty without one. _peer - the client's address, "127.0.0.1". */
const char *pen_http_exchange_method(const struct pen_http_exchange *exchange);
const char *pen_http_exchange_path(const struct pen_http_exchange *exchange);
struct pen_slice pen_http_exchange_body(const struct pen_http_exchange *exchange);
const char *pen_http_exchange_peer(const struct pen_http_exchange *exchange);

/* pen_http_exchange_query - the query string as sent; "" without one. */
const char *pen_http_exchange_query(const struct pen_http_exchange *exchange);

/* pen_http_exchange_header - a request header, case-insensitive; NULL when absent. Of several lines
 * the first. pen_http_exchange_last_header - of several lines the last: what a proxy has added.
 * pen_http_exchange_cookie - a cookie; NULL when absent. */
const char *pen_http_exchange_header(struct pen_http_exchange *exchange, const char *name);
const char *pen_http_exchange_last_header(const struct pen_http_exchange *exchange,
                                          const char *name);
const char *pen_http_exchange_cookie(struct pen_http_exchange *exchange, const char *name);

/* pen_http_exchange_arena - memory that dies with the exchange. */
struct pen_arena *pen_http_exchange_arena(struct pen_http_exchange *exchange);

/* pen_http_exchange_is_tls - whether it came through TLS of this server. */
bool pen_http_exchange_is_tls(const struct pen_http_exchange *exchange);

/* --- the reply -------------------------------------------------------------------------------- */

/* pen_http_exchange_add_header - a reply header; both texts are copied. Line ends in the value are
 * refused (PEN_ERR_INTERNAL). */
PEN_MUST_USE enum pen_code pen_http_exchange_add_header(struct pen_http_exchange *exchange,
                                                        const char *name, const char *value,
                                                        struct pen_error *err);

/* pen_http_exchange_send - the reply; takes the body's memory. A later call replaces an earlier.
 * pen_http_exchange_send_file - `len` bytes of an open file from its start; takes the descriptor.
 * pen_http_exchange_send_stream - takes the stream, also when it fails (then it is closed). */
void pen_http_exchange_send(struct pen_http_exchange *exchange, int status, struct pen_buf *body);
void pen_http_exchange_send_file(struct pen_http_exchange *exchange, int status, int fd,
                                 uint64_t len);
void pen_http_exchange_send_stream(struct pen_http_exchange *exchange, int status,
                                   const struct pen_http_stream *stream);

/* pen_http_exchange_status - of the reply made so far; 0 before. */
int pen_http_exchange_status(const struct pen_http_exchange *exchange);

#endif
