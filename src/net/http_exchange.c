/* http_exchange.c - one request and its reply, as a handler sees them. */
#include "net/http_server_internal.h"

#include <stdlib.h>
#include <unistd.h>

#define EXCHANGE_ARENA_BYTES ((size_t)256 << 20)
#define REPLY_MAX_BYTES      ((size_t)256 << 20)

struct pen_http_exchange *http_exchange_new(struct pen_http_server *server, const char *target)
{
    struct pen_http_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->server = server;
    exchange->fd = -1;
    exchange->arena = PEN_ARENA(EXCHANGE_ARENA_BYTES);
    exchange->body = PEN_BUF(server->options.max_body_bytes);
    exchange->bytes = PEN_BUF(REPLY_MAX_BYTES);
    exchange->path = pen_arena_copy(&exchange->arena, pen_slice_str(target));
    atomic_fetch_add(&server->exchange_count, 1);
    if (exchange->path == NULL) {
        http_exchange_free(exchange);
        return NULL;
    }
    char *mark = strchr(exchange->path, '?');
    exchange->query = mark == NULL ? "" : mark + 1;
    if (mark != NULL)
        *mark = '\0';
    exchange->method = exchange->peer = "";
    return exchange;
}

/* Whatever reply there was goes; the headers stay. */
static void drop_reply(struct pen_http_exchange *exchange)
{
    if (exchange->kind == HTTP_REPLY_STREAM)
        exchange->stream.close(exchange->stream.context);
    if (exchange->fd >= 0)
        (void)close(exchange->fd); /* only read from */
    exchange->fd = -1;
    pen_buf_release(&exchange->bytes);
    exchange->kind = HTTP_REPLY_NONE;
}

void http_exchange_free(struct pen_http_exchange *exchange)
{
    if (exchange == NULL)
        return;
    drop_reply(exchange);
    pen_buf_release(&exchange->body);
    pen_arena_release(&exchange->arena);
    atomic_fetch_sub(&exchange->server->exchange_count, 1);
    free(exchange);
}

const char *pen_http_exchange_method(const struct pen_http_exchange *exchange)
{
    return exchange->method;
}

const char *pen_http_exchange_path(const struct pen_http_exchange *exchange)
{
    return exchange->path;
}

const char *pen_http_exchange_query(const struct pen_http_exchange *exchange)
{
    return exchange->query;
}

struct pen_slice pen_http_exchange_body(const struct pen_http_exchange *exchange)
{
    return pen_buf_slice(&exchange->body);
}

const char *pen_http_exchange_peer(const struct pen_http_exchange *exchange)
{
    return exchange->peer;
}

const char *pen_http_exchange_header(struct pen_http_exchange *exchange, const char *name)
{
    return http_exchange_lookup(exchange, name, false);
}

const char *pen_http_exchange_last_header(const struct pen_http_exchange *exchange,
                                          const char *name)
{
    return http_exchange_last_line(exchange, name);
}

const char *pen_http_exchange_cookie(struct pen_http_exchange *exchange, const char *name)
{
    return http_exchange_lookup(exchange, name, true);
}

struct pen_arena *pen_http_exchange_arena(struct pen_http_exchange *exchange)
{
    return &exchange->arena;
}

bool pen_http_exchange_is_tls(const struct pen_http_exchange *exchange)
{
    return exchange->server->certificate != NULL;
}

enum pen_code pen_http_exchange_add_header(struct pen_http_exchange *exchange, const char *name,
                                           const char *value, struct pen_error *err)
{
    if (strpbrk(value, "\r\n") != NULL)
        return pen_fail(err, PEN_ERR_INTERNAL, "reply header '%s' with a line end", name);
    if (exchange->header_count == HTTP_REPLY_HEADERS)
        return pen_fail(err, PEN_ERR_INTERNAL, "more than %d reply headers", HTTP_REPLY_HEADERS);
    struct http_reply_header header = {
        .name = pen_arena_copy(&exchange->arena, pen_slice_str(name)),
        .value = pen_arena_copy(&exchange->arena, pen_slice_str(value)),
    };
    if (header.name == NULL || header.value == NULL)
        return pen_fail_nomem(err);
    exchange->headers[exchange->header_count++] = header;
    return PEN_OK;
}

void pen_http_exchange_send(struct pen_http_exchange *exchange, int status, struct pen_buf *body)
{
    drop_reply(exchange);
    exchange->kind = HTTP_REPLY_BYTES;
    exchange->status = status;
    exchange->bytes = *body;
    *body = PEN_BUF(body->max);
}

void pen_http_exchange_send_file(struct pen_http_exchange *exchange, int status, int fd,
                                 uint64_t len)
{
    drop_reply(exchange);
    exchange->kind = HTTP_REPLY_FILE;
    exchange->status = status;
    exchange->fd = fd;
    exchange->file_bytes = len;
}

void pen_http_exchange_send_stream(struct pen_http_exchange *exchange, int status,
                                   const struct pen_http_stream *stream)
{
    drop_reply(exchange);
    exchange->kind = HTTP_REPLY_STREAM;
    exchange->status = status;
    exchange->stream = *stream;
    exchange->flow = PEN_HTTP_MORE;
    exchange->bytes = PEN_BUF(REPLY_MAX_BYTES);
}

int pen_http_exchange_status(const struct pen_http_exchange *exchange)
{
    return exchange->kind == HTTP_REPLY_NONE ? 0 : exchange->status;
}

void http_exchange_fail(struct pen_http_exchange *exchange, int status, const char *text)
{
    struct pen_buf body = PEN_BUF(4096);
    exchange->header_count = 0;
    /* without memory for it the reply is without its text */
    if (pen_buf_addf(&body, NULL, "%s\n", text) == PEN_OK)
        (void)!pen_http_exchange_add_header(exchange, "Content-Type", "text/plain; charset=utf-8",
                                            NULL);
    pen_http_exchange_send(exchange, status, &body);
}
