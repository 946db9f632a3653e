#include "scripted_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS_MAX 512

struct test_peer {
    struct test_server *server;
    pthread_t thread;
    int fd, connection;
    SSL *tls;
    bool is_open;
};

struct test_server {
    test_handler handler;
    void *context;
    int listener, port;
    SSL_CTX *tls;
    char certificate[64];
    pthread_t thread;
    pthread_mutex_t lock; /* peers and their fds */
    struct test_peer *peers[PEERS_MAX];
    int peer_count;
    atomic_int requests;
    atomic_bool is_stopping;
};

static void must(bool is_true, const char *what)
{
    if (!is_true) {
        (void)fprintf(stderr, "test server: %s failed\n", what);
        abort();
    }
}

/* ---- bytes ---- */

static ssize_t peer_recv(struct test_peer *peer, void *buf, size_t cap)
{
    if (peer->tls != NULL)
        return SSL_read(peer->tls, buf, (int)cap);
    return recv(peer->fd, buf, cap, 0);
}

bool test_send(struct test_peer *peer, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len && peer->is_open;) {
        ssize_t n = peer->tls != NULL
                        ? SSL_write(peer->tls, (const char *)bytes + done, (int)(len - done))
                        : send(peer->fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
        if (n <= 0)
            peer->is_open = false;
        else
            done += (size_t)n;
    }
    return peer->is_open;
}

bool test_sendf(struct test_peer *peer, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    must(len >= 0, "vasprintf");
    bool is_sent = test_send(peer, text, (size_t)len);
    free(text);
    return is_sent;
}

void test_reply_head(struct test_peer *peer, int status, const char *headers, size_t len)
{
    (void)test_sendf(peer, "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n", status, len,
                     headers);
}

void test_reply(struct test_peer *peer, int status, const char *headers, const char *body)
{
    test_reply_head(peer, status, headers, strlen(body));
    (void)test_send(peer, body, strlen(body));
}

static void close_fd(struct test_peer *peer)
{
    (void)pthread_mutex_lock(&peer->server->lock);
    if (peer->fd >= 0)
        (void)close(peer->fd);
    peer->fd = -1;
    (void)pthread_mutex_unlock(&peer->server->lock);
    peer->is_open = false;
}

void test_hang_up(struct test_peer *peer)
{
    if (peer->fd >= 0)
        (void)shutdown(peer->fd, SHUT_RDWR);
    peer->is_open = false;
}

void test_reset(struct test_peer *peer)
{
    struct linger now = {1, 0};
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close_fd(peer);
}

void test_wait_gone(struct test_peer *peer)
{
    char byte;
    while (peer->is_open && peer_recv(peer, &byte, 1) > 0)
        continue;
    peer->is_open = false;
}

/* ---- requests ---- */

bool test_header(const struct test_request *request, const char *name, char *out, size_t cap)
{
    size_t name_len = strlen(name);
    for (const char *line = request->head; *line != '\0';) {
        size_t len = strcspn(line, "\r");
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + 1;
            value += strspn(value, " ");
            (void)snprintf(out, cap, "%.*s", (int)(line + len - value), value);
            return true;
        }
        line += len + 2;
    }
    return false;
}

/* Reads up to the empty line, byte by byte: slow, simple, and never past this request. */
static bool read_head(struct test_peer *peer, char *into, size_t cap)
{
    size_t len = 0;
    while (len + 1 < cap) {
        if (peer_recv(peer, into + len, 1) != 1)
            return false;
        into[++len] = '\0';
        if (len >= 4 && memcmp(into + len - 4, "\r\n\r\n", 4) == 0) {
            into[len - 2] = '\0';
            return true;
        }
    }
    return false;
}

static bool read_request(struct test_peer *peer, struct test_request *request)
{
    char all[sizeof request->head];
    if (!read_head(peer, all, sizeof all))
        return false;
    must(sscanf(all, "%15s %8191s", request->method, request->target) == 2, "request line");
    (void)snprintf(request->head, sizeof request->head, "%s", strstr(all, "\r\n") + 2);
    request->body_len = 0;
    char length[32];
    if (test_header(request, "Content-Length", length, sizeof length))
        request->body_len = strtoul(length, NULL, 10);
    must(request->body_len < sizeof request->body, "request body size");
    for (size_t done = 0; done < request->body_len;) {
        ssize_t n = peer_recv(peer, request->body + done, request->body_len - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    request->body[request->body_len] = '\0';
    request->number = atomic_fetch_add(&peer->server->requests, 1);
    request->connection = peer->connection;
    return true;
}

static void *serve_peer(void *context)
{
    struct test_peer *peer = context;
    struct test_request *request = calloc(1, sizeof *request);
    must(request != NULL, "calloc");
    if (peer->server->tls != NULL) {
        peer->tls = SSL_new(peer->server->tls);
        (void)SSL_set_fd(peer->tls, peer->fd);
        peer->is_open = SSL_accept(peer->tls) == 1;
    }
    while (peer->is_open && read_request(peer, request))
        peer->server->handler(peer->server->context, peer, request);
    free(request);
    if (peer->tls != NULL)
        SSL_free(peer->tls);
    if (peer->fd >= 0)
        close_fd(peer);
    return NULL;
}

static void *accept_all(void *context)
{
    struct test_server *server = context;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&server->is_stopping)) {
            if (fd >= 0)
                (void)close(fd);
            return NULL;
        }
        struct test_peer *peer = calloc(1, sizeof *peer);
        must(peer != NULL && server->peer_count < PEERS_MAX, "new connection");
        peer->server = server;
        peer->fd = fd;
        peer->is_open = true;
        (void)pthread_mutex_lock(&server->lock);
        peer->connection = server->peer_count;
        server->peers[server->peer_count++] = peer;
        (void)pthread_mutex_unlock(&server->lock);
        must(pthread_create(&peer->thread, NULL, serve_peer, peer) == 0, "pthread_create");
    }
}

/* ---- the server ---- */

static void add_names(X509 *certificate)
{
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    must(names != NULL && X509_add_ext(certificate, names, -1) == 1, "subject names");
    X509_EXTENSION_free(names);
}

static void make_certificate(struct test_server *server)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    must(key != NULL && certificate != NULL, "key");
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1,
                                     -1, 0);
    (void)X509_set_issuer_name(certificate, name);
    add_names(certificate);
    must(X509_sign(certificate, key, EVP_sha256()) > 0, "signing");
    (void)snprintf(server->certificate, sizeof server->certificate, "/tmp/pen-test-XXXXXX");
    FILE *pem = fdopen(mkstemp(server->certificate), "w");
    must(pem != NULL && PEM_write_X509(pem, certificate) == 1 && fclose(pem) == 0, "PEM file");
    server->tls = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate(server->tls, certificate) == 1 &&
             SSL_CTX_use_PrivateKey(server->tls, key) == 1,
         "certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct test_server *test_server_new(test_handler handler, void *context, bool with_tls)
{
    struct test_server *server = calloc(1, sizeof *server);
    must(server != NULL, "calloc");
    server->handler = handler;
    server->context = context;
    (void)pthread_mutex_init(&server->lock, NULL);
    if (with_tls)
        make_certificate(server);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    must(bind(server->listener, (struct sockaddr *)&address, size) == 0, "bind");
    must(listen(server->listener, 128) == 0, "listen");
    must(getsockname(server->listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    server->port = ntohs(address.sin_port);
    must(pthread_create(&server->thread, NULL, accept_all, server) == 0, "pthread_create");
    return server;
}

void test_server_free(struct test_server *server)
{
    atomic_store(&server->is_stopping, true);
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
    for (int i = 0; i < server->peer_count; i++) {
        (void)pthread_mutex_lock(&server->lock);
        if (server->peers[i]->fd >= 0)
            (void)shutdown(server->peers[i]->fd, SHUT_RDWR);
        (void)pthread_mutex_unlock(&server->lock);
        (void)pthread_join(server->peers[i]->thread, NULL);
        free(server->peers[i]);
    }
    if (server->tls != NULL) {
        SSL_CTX_free(server->tls);
        (void)unlink(server->certificate);
    }
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

int test_server_port(const struct test_server *server)
{
    return server->port;
}

const char *test_server_certificate(const struct test_server *server)
{
    return server->certificate;
}

int test_server_requests(struct test_server *server)
{
    return atomic_load(&server->requests);
}

int test_server_connections(struct test_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    int count = server->peer_count;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}
