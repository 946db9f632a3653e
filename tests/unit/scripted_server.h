/* scripted_server.h - a real HTTP/1.1 server on loopback whose every byte the test decides.
 * One thread per connection; the handler runs in it and may send anything, wait, or break off. */
#ifndef PEN_TESTS_SCRIPTED_SERVER_H
#define PEN_TESTS_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct test_server;
struct test_peer; /* one connection, valid in the handler */

struct test_request {
    char method[16];
    char target[8192];
    char head[16384]; /* all header lines, each ended by CRLF */
    char body[65536];
    size_t body_len;
    int number;     /* 0, 1, ... over all connections, in order of arrival */
    int connection; /* 0, 1, ... */
};

typedef void (*test_handler)(void *context, struct test_peer *peer,
                             const struct test_request *request);

/* test_server_new - listens on a free port of 127.0.0.1. with_tls: speaks TLS with a certificate
 * for 127.0.0.1 and localhost that nobody signed; its PEM is test_server_certificate. */
struct test_server *test_server_new(test_handler handler, void *context, bool with_tls);
/* test_server_free - ends every connection and joins all threads. */
void test_server_free(struct test_server *server);
int test_server_port(const struct test_server *server);
const char *test_server_certificate(const struct test_server *server); /* path of a PEM file */
int test_server_requests(struct test_server *server);
int test_server_connections(struct test_server *server);

/* test_send - raw bytes; false once the client has gone. */
bool test_send(struct test_peer *peer, const void *bytes, size_t len);
bool test_sendf(struct test_peer *peer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* test_reply - a whole reply with Content-Length. headers: "" or lines each ended by CRLF. */
void test_reply(struct test_peer *peer, int status, const char *headers, const char *body);
/* test_reply_head - status line, headers and Content-Length; the body follows by test_send. */
void test_reply_head(struct test_peer *peer, int status, const char *headers, size_t len);
/* test_hang_up - closes after what was sent; test_reset - throws the connection away (RST). */
void test_hang_up(struct test_peer *peer);
void test_reset(struct test_peer *peer);
/* test_wait_gone - blocks until the client has closed the connection or the server is freed. */
void test_wait_gone(struct test_peer *peer);

/* test_header - copies a request header's value into `out`; false when absent. */
bool test_header(const struct test_request *request, const char *name, char *out, size_t cap);

#endif
