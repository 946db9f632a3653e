/* http_server_internal.h - what http_server.c (the I/O thread), http_lane.c (workers) and
 * http_exchange.c (one request and its reply) share.
 *
 * An exchange belongs to one side at a time: to the I/O thread while it receives or sends, to a
 * lane while its connection is suspended. http_lane_put hands it over, http_server_resume back. */
#ifndef PEN_NET_HTTP_SERVER_INTERNAL_H
#define PEN_NET_HTTP_SERVER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/http_server.h"

/* A reply's stream is asked for about so much at a time. */
#define HTTP_STREAM_BYTES  ((size_t)65536)

#define HTTP_REPLY_HEADERS 24

enum http_phase {
    HTTP_PHASE_HEAD,   /* the head has come */
    HTTP_PHASE_BODY,   /* its body is coming */
    HTTP_PHASE_HANDLE, /* with a lane: to be handled */
    HTTP_PHASE_READY,  /* the reply is there, or being sent */
    HTTP_PHASE_FILL    /* with a lane: the stream is to go on */
};

enum http_reply_kind { HTTP_REPLY_NONE, HTTP_REPLY_BYTES, HTTP_REPLY_FILE, HTTP_REPLY_STREAM };

struct http_reply_header {
    const char *name, *value;
};

struct pen_http_exchange {
    struct pen_http_server *server;
    struct pen_http_exchange *next; /* in a lane's queue */
    void *connection;               /* struct MHD_Connection * */
    enum http_phase phase;

    struct pen_arena arena;
    char *path; /* the target, cut at the question mark */
    const char *query, *method, *peer;
    struct pen_buf body;
    bool is_body_too_large;

    enum http_reply_kind kind;
    int status;
    struct http_reply_header headers[HTTP_REPLY_HEADERS];
    size_t header_count;
    struct pen_buf bytes; /* the reply, or what a stream has made and is not yet sent */
    size_t bytes_sent;    /* of a stream */
    int fd;
    uint64_t file_bytes;
    struct pen_http_stream stream;
    enum pen_http_flow flow;
    bool is_broken; /* the stream failed */
};

/* Exchanges in the order of their arrival. */
struct http_queue {
    struct pen_http_exchange *first, *last;
};

struct http_lane {
    struct pen_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct http_queue queue;
    bool is_stopping;
    pthread_t *threads;
    unsigned thread_count;
};

struct pen_http_server {
    struct pen_http_server_options options; /* defaults filled in; texts are not kept */
    struct pen_http_handler handler;
    char address[80];
    char *certificate, *certificate_key;
    int socket_fd;
    void *daemon;  /* struct MHD_Daemon * */
    bool is_quiet; /* no longer accepts */
    atomic_bool is_draining;
    atomic_uint exchange_count;

    struct http_lane quick, slow, far;
    /* streams without news: the ticker puts them back into the slow lane */
    pthread_mutex_t wait_lock;
    pthread_cond_t wait_over;
    struct http_queue waiting;
    bool is_ticker_stopping, has_ticker;
    pthread_t ticker;
};

/* http_lanes_start - the workers and the ticker. http_lanes_stop - lets what is queued finish,
 * joins; every exchange has gone back to the I/O thread then. Fine when nothing was started. */
PEN_MUST_USE enum pen_code http_lanes_start(struct pen_http_server *server, struct pen_error *err);
void http_lanes_stop(struct pen_http_server *server);

/* http_lane_put - queues the exchange, whose connection is suspended. false: the lanes are
 * stopping; it is still the caller's. */
bool http_lane_put(struct http_lane *lane, struct pen_http_exchange *exchange);

/* http_server_resume - the exchange goes back to the I/O thread. thread: any. */
void http_server_resume(struct pen_http_exchange *exchange);

/* http_exchange_new - of a request target as sent; NULL on no memory. */
struct pen_http_exchange *http_exchange_new(struct pen_http_server *server, const char *target);
void http_exchange_free(struct pen_http_exchange *exchange);

/* http_exchange_fail - a reply of plain text, in the place of whatever there is. */
void http_exchange_fail(struct pen_http_exchange *exchange, int status, const char *text);

/* http_exchange_lookup - a request header or cookie; in http_server.c. */
const char *http_exchange_lookup(struct pen_http_exchange *exchange, const char *name,
                                 bool is_cookie);

/* http_exchange_last_line - the last of the request's header lines of that name; NULL without. */
const char *http_exchange_last_line(const struct pen_http_exchange *exchange, const char *name);

/* http_listen - a listening socket. out: *ret_fd; `address` as it really is. */
PEN_MUST_USE enum pen_code http_listen(const char *listen_text, int *ret_fd, char *address,
                                       size_t address_cap, struct pen_error *err);

#endif
