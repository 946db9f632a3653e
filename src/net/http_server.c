/* http_server.c - the I/O thread of a server: libmicrohttpd's, and what it calls. */
#include "conc/cond.h"
#include "net/http_server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define US_PER_MS 1000

/* A body up to so many times too large is received and dropped, so that a client which sends all of
 * it before it reads can read the refusal; for a larger one the connection is closed. */
#define DISCARD_FACTOR 4

/* The library's own choice still has TLS 1.0 and 1.1 (RFC 8996). */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* --- replies ---------------------------------------------------------------------------------- */

static void hand_to(struct http_lane *lane, struct pen_http_exchange *exchange)
{
    MHD_suspend_connection(exchange->connection);
    if (http_lane_put(lane, exchange))
        return;
    if (exchange->phase == HTTP_PHASE_FILL)
        exchange->flow = PEN_HTTP_END;
    else
        http_exchange_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
    exchange->phase = HTTP_PHASE_READY;
    http_server_resume(exchange);
}

void http_server_resume(struct pen_http_exchange *exchange)
{
    MHD_resume_connection(exchange->connection);
}

/* The next bytes of a stream, asked for by the library. */
static ssize_t read_stream(void *context, uint64_t position, char *into, size_t cap)
{
    struct pen_http_exchange *exchange = context;
    (void)position; /* streams have no way back */
    size_t left = exchange->bytes.len - exchange->bytes_sent;
    if (left > 0) {
        size_t len = left < cap ? left : cap;
        memcpy(into, exchange->bytes.ptr + exchange->bytes_sent, len);
        exchange->bytes_sent += len;
        return (ssize_t)len;
    }
    if (exchange->is_broken)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (exchange->flow == PEN_HTTP_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    pen_buf_clear(&exchange->bytes);
    exchange->bytes_sent = 0;
    exchange->phase = HTTP_PHASE_FILL;
    hand_to(&exchange->server->slow, exchange);
    return 0;
}

static struct MHD_Response *make_response(struct pen_http_exchange *exchange)
{
    struct MHD_Response *response = NULL;
    switch (exchange->kind) {
    case HTTP_REPLY_BYTES:
    case HTTP_REPLY_NONE:
        /* the exchange lives until the reply is sent */
        return MHD_create_response_from_buffer(exchange->bytes.len, exchange->bytes.ptr,
                                               MHD_RESPMEM_PERSISTENT);
    case HTTP_REPLY_FILE:
        response = MHD_create_response_from_fd64(exchange->file_bytes, exchange->fd);
        if (response != NULL)
            exchange->fd = -1; /* the response's now */
        return response;
    case HTTP_REPLY_STREAM:
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_STREAM_BYTES, read_stream,
                                                 exchange, NULL);
    }
    return NULL;
}

static enum MHD_Result send_reply(struct pen_http_exchange *exchange)
{
    struct MHD_Response *response = make_response(exchange);
    if (response == NULL)
        return MHD_NO; /* no memory: the connection is closed */
    enum MHD_Result result = MHD_YES;
    for (size_t i = 0; i < exchange->header_count && result == MHD_YES; i++)
        result = MHD_add_response_header(response, exchange->headers[i].name,
                                         exchange->headers[i].value);
    if (result == MHD_YES && atomic_load(&exchange->server->is_draining))
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (result == MHD_YES)
        result = MHD_queue_response(exchange->connection, (unsigned)exchange->status, response);
    MHD_destroy_response(response); /* only our reference */
    return result;
}

/* --- requests --------------------------------------------------------------------------------- */

static void *on_target(void *context, const char *target, struct MHD_Connection *connection)
{
    struct pen_http_server *server = context;
    struct pen_http_exchange *exchange = http_exchange_new(server, target);
    if (exchange != NULL)
        exchange->connection = connection;
    return exchange;
}

/* Percent signs stay as they are: a name may hold an encoded slash. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static const char *peer_address(struct pen_http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";
    if (info != NULL && info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, info->client_addr, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text); /* always fits */
    } else if (info != NULL && info->client_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, info->client_addr, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    return pen_arena_copy(&exchange->arena, pen_slice_str(text));
}

/* The header lines of one name. */
struct header_lines {
    const char *name, *last;
    unsigned count;
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct header_lines *lines = context;
    (void)kind;
    if (strcasecmp(name, lines->name) == 0) {
        lines->last = value;
        lines->count++;
    }
    return MHD_YES;
}

static struct header_lines lines_of(const struct pen_http_exchange *exchange, const char *name)
{
    struct header_lines lines = {.name = name};
    (void)MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, on_header, &lines);
    return lines;
}

const char *http_exchange_last_line(const struct pen_http_exchange *exchange, const char *name)
{
    return lines_of(exchange, name).last;
}

static enum MHD_Result refuse_body(struct pen_http_exchange *exchange)
{
    exchange->phase = HTTP_PHASE_READY;
    http_exchange_fail(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the request body is too large");
    return send_reply(exchange);
}

/* A body whose length is said twice ends elsewhere for a proxy in front than for us: what follows
 * would be taken for somebody else's request (RFC 9112, 6.3). */
static enum MHD_Result refuse_length(struct pen_http_exchange *exchange)
{
    exchange->phase = HTTP_PHASE_READY;
    http_exchange_fail(exchange, MHD_HTTP_BAD_REQUEST, "the length of the body is said twice");
    /* without memory for the header: the body is unread, so the library closes all the same */
    (void)!pen_http_exchange_add_header(exchange, MHD_HTTP_HEADER_CONNECTION, "close", NULL);
    return send_reply(exchange);
}

static enum MHD_Result on_head(struct pen_http_exchange *exchange, const char *method)
{
    struct header_lines length = lines_of(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    struct header_lines encoding = lines_of(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    exchange->phase = HTTP_PHASE_BODY;
    exchange->method = pen_arena_copy(&exchange->arena, pen_slice_str(method));
    exchange->peer = peer_address(exchange);
    if (exchange->method == NULL || exchange->peer == NULL)
        return MHD_NO;
    if (length.count > 1 || (length.count > 0 && encoding.count > 0))
        return refuse_length(exchange);
    uint64_t bytes = length.last == NULL ? 0 : strtoull(length.last, NULL, 10);
    uint64_t max = exchange->server->options.max_body_bytes;
    exchange->is_body_too_large = bytes > max;
    return bytes > max && bytes / DISCARD_FACTOR > max ? refuse_body(exchange) : MHD_YES;
}

/* What is too large is received to its end, so that the client can read the reply, but not kept. */
static void on_body(struct pen_http_exchange *exchange, const char *bytes, size_t len)
{
    if (!exchange->is_body_too_large && pen_buf_add(&exchange->body, bytes, len, NULL) != PEN_OK) {
        exchange->is_body_too_large = true;
        pen_buf_release(&exchange->body);
    }
}

static enum MHD_Result on_whole(struct pen_http_exchange *exchange)
{
    struct pen_http_server *server = exchange->server;
    if (exchange->is_body_too_large)
        return refuse_body(exchange);
    exchange->phase = HTTP_PHASE_HANDLE;
    struct http_lane *lanes[] = {[PEN_HTTP_WAIT_NONE] = &server->quick,
                                 [PEN_HTTP_WAIT_WRITE] = &server->slow,
                                 [PEN_HTTP_WAIT_OTHERS] = &server->far};
    hand_to(lanes[server->handler.wait_of(server->handler.context, exchange)], exchange);
    return MHD_YES;
}

/* Called when the head has come, for each piece of the body, at its end, and after a resume.
 * The parameters are the library's choice. */
// NOLINTNEXTLINE(readability-function-size)
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **ret_exchange)
{
    struct pen_http_exchange *exchange = *ret_exchange;
    (void)context;
    (void)connection;
    (void)url; /* on_target has it undecoded */
    (void)version;
    if (exchange == NULL)
        return MHD_NO;
    switch (exchange->phase) {
    case HTTP_PHASE_HEAD:
        return on_head(exchange, method);
    case HTTP_PHASE_BODY:
        if (*upload_len == 0)
            return on_whole(exchange);
        on_body(exchange, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    case HTTP_PHASE_READY:
        return send_reply(exchange);
    case HTTP_PHASE_HANDLE:
    case HTTP_PHASE_FILL:
        break; /* suspended: not called */
    }
    return MHD_NO;
}

static void on_done(void *context, struct MHD_Connection *connection, void **ret_exchange,
                    enum MHD_RequestTerminationCode reason)
{
    (void)context;
    (void)connection;
    (void)reason;
    http_exchange_free(*ret_exchange);
    *ret_exchange = NULL;
}

const char *http_exchange_lookup(struct pen_http_exchange *exchange, const char *name,
                                 bool is_cookie)
{
    return MHD_lookup_connection_value(exchange->connection,
                                       is_cookie ? MHD_COOKIE_KIND : MHD_HEADER_KIND, name);
}

/* --- the server ------------------------------------------------------------------------------- */

/* What the library has to say is about clients that break connections off. */
__attribute__((format(printf, 2, 0))) static void drop_log(void *context, const char *format,
                                                           va_list args)
{
    (void)context;
    (void)format;
    (void)args;
}

static void set_defaults(struct pen_http_server_options *options)
{
    if (options->max_body_bytes == 0)
        options->max_body_bytes = (size_t)16 << 20;
    if (options->max_head_bytes == 0)
        options->max_head_bytes = (size_t)32 << 10;
    if (options->max_connections == 0)
        options->max_connections = 1000;
    if (options->idle_seconds == 0)
        options->idle_seconds = 60;
    if (options->quick_workers == 0)
        options->quick_workers = 4;
    if (options->slow_workers == 0)
        options->slow_workers = 8;
    if (options->far_workers == 0)
        options->far_workers = 8;
}

static enum pen_code init_locks(struct pen_http_server *server, struct pen_error *err)
{
    bool is_made = pthread_mutex_init(&server->wait_lock, NULL) == 0;
    pen_cond_init(&server->wait_over);
    struct http_lane *lanes[] = {&server->quick, &server->slow, &server->far};
    for (size_t i = 0; i < 3 && is_made; i++)
        is_made = pthread_mutex_init(&lanes[i]->lock, NULL) == 0 &&
                  pthread_cond_init(&lanes[i]->filled, NULL) == 0;
    return is_made ? PEN_OK : pen_fail(err, PEN_ERR_INTERNAL, "cannot make a lock");
}

static enum pen_code keep_certificate(struct pen_http_server *server, struct pen_error *err)
{
    const struct pen_http_server_options *options = &server->options;
    if (options->certificate == NULL)
        return PEN_OK;
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return pen_fail(err, PEN_ERR_CONFIG, "this build of libmicrohttpd has no TLS");
    server->certificate = strdup(options->certificate);
    server->certificate_key = strdup(options->certificate_key);
    if (server->certificate == NULL || server->certificate_key == NULL)
        return pen_fail_nomem(err);
    return PEN_OK;
}

static enum pen_code start_daemon(struct pen_http_server *server, struct pen_error *err)
{
    const struct pen_http_server_options *options = &server->options;
    unsigned flags =
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    static char tls_priorities[] = TLS_PRIORITIES; /* an option takes no const */
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, server->certificate_key},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities},
                                   {MHD_OPTION_END, 0, NULL}};
    if (server->certificate != NULL)
        flags |= MHD_USE_TLS;
    else
        tls[0].option = MHD_OPTION_END;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, server->socket_fd, MHD_OPTION_CONNECTION_LIMIT,
        options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->max_head_bytes, MHD_OPTION_URI_LOG_CALLBACK,
        on_target, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, on_done, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (server->daemon != NULL)
        return PEN_OK;
    server->socket_fd = -1; /* the library has closed it */
    if (server->certificate == NULL)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, errno, "cannot start the HTTP server");
    (void)pen_fail(err, PEN_ERR_CONFIG, "cannot start the HTTPS server");
    pen_error_hint(err, "certificate and key must be PEM and belong together");
    return PEN_ERR_CONFIG;
}

static enum pen_code start(struct pen_http_server *server, struct pen_error *err)
{
    PEN_TRY(keep_certificate(server, err));
    PEN_TRY(http_listen(server->options.listen, &server->socket_fd, server->address,
                        sizeof server->address, err));
    PEN_TRY(http_lanes_start(server, err));
    return start_daemon(server, err);
}

enum pen_code pen_http_server_new(const struct pen_http_server_options *options,
                                  const struct pen_http_handler *handler,
                                  struct pen_http_server **ret_server, struct pen_error *err)
{
    struct pen_http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return pen_fail_nomem(err);
    server->options = *options;
    server->handler = *handler;
    server->socket_fd = -1;
    set_defaults(&server->options);
    enum pen_code code = init_locks(server, err);
    if (code != PEN_OK) {
        free(server);
        return code;
    }
    code = start(server, err);
    server->options.listen = server->options.certificate = NULL;
    server->options.certificate_key = NULL;
    if (code != PEN_OK) {
        pen_http_server_free(server);
        return code;
    }
    *ret_server = server;
    return PEN_OK;
}

static void quiesce(struct pen_http_server *server)
{
    if (server->daemon == NULL || server->is_quiet)
        return;
    server->is_quiet = true;
    (void)MHD_quiesce_daemon(server->daemon); /* gives our own socket back */
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there on Linux */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool pen_http_server_drain(struct pen_http_server *server, int64_t timeout_ms)
{
    const struct timespec pause = {0, 10 * US_PER_MS * 1000};
    quiesce(server);
    atomic_store(&server->is_draining, true);
    int64_t until_ms = monotonic_ms() + timeout_ms;
    while (atomic_load(&server->exchange_count) > 0) {
        if (monotonic_ms() >= until_ms)
            return false;
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
    }
    return true;
}

void pen_http_server_free(struct pen_http_server *server)
{
    if (server == NULL)
        return;
    quiesce(server);
    http_lanes_stop(server);
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    if (server->socket_fd >= 0)
        (void)close(server->socket_fd); /* nothing was written to it */
    struct http_lane *lanes[] = {&server->quick, &server->slow, &server->far};
    for (size_t i = 0; i < 3; i++) {
        (void)pthread_cond_destroy(&lanes[i]->filled);
        (void)pthread_mutex_destroy(&lanes[i]->lock);
    }
    (void)pthread_cond_destroy(&server->wait_over);
    (void)pthread_mutex_destroy(&server->wait_lock);
    free(server->certificate);
    free(server->certificate_key);
    free(server);
}

const char *pen_http_server_address(const struct pen_http_server *server)
{
    return server->address;
}

unsigned pen_http_server_connections(const struct pen_http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL ? 0 : info->num_connections;
}
