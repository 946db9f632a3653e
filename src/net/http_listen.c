/* http_listen.c - "host:port" to a listening socket. */
#include "net/http_server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

struct listen_words {
    char host[256], port[16];
};

static enum pen_code refuse(const char *text, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CONFIG, "'%s' is no address to listen on", text);
    pen_error_hint(err, "write HOST:PORT, for example 127.0.0.1:8765 or [::1]:8765");
    return PEN_ERR_CONFIG;
}

static enum pen_code split(const char *text, struct listen_words *ret_words, struct pen_error *err)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return refuse(text, err);
    struct pen_slice host = pen_slice(text, (size_t)(colon - text));
    size_t port_len = strspn(colon + 1, "0123456789");
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = pen_slice(host.ptr + 1, host.len - 2);
    else if (memchr(host.ptr, ':', host.len) != NULL)
        return refuse(text, err);
    if (host.len == 0 || host.len >= sizeof ret_words->host || port_len == 0 || port_len > 5 ||
        colon[1 + port_len] != '\0')
        return refuse(text, err);
    memcpy(ret_words->host, host.ptr, host.len);
    ret_words->host[host.len] = '\0';
    memcpy(ret_words->port, colon + 1, port_len + 1);
    return strtoul(ret_words->port, NULL, 10) > 65535 ? refuse(text, err) : PEN_OK;
}

static enum pen_code resolve(const char *text, struct addrinfo **ret_list, struct pen_error *err)
{
    struct listen_words words;
    PEN_TRY(split(text, &words, err));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    int failed = getaddrinfo(words.host, words.port, &hints, ret_list);
    if (failed != 0)
        return pen_fail(err, PEN_ERR_CONFIG, "cannot listen on '%s': %s", text,
                        gai_strerror(failed));
    return PEN_OK;
}

static enum pen_code fail_bind(const char *text, struct pen_error *err)
{
    int error = errno;
    enum pen_code code = error == EADDRINUSE                 ? PEN_ERR_CONFLICT
                         : error == EACCES || error == EPERM ? PEN_ERR_AUTH
                                                             : PEN_ERR_CONFIG;
    (void)pen_fail_errno(err, code, error, "cannot listen on '%s'", text);
    if (error == EADDRINUSE)
        pen_error_hint(err, "another program has that port: is a server running already?");
    else if (code == PEN_ERR_AUTH)
        pen_error_hint(err, "ports below 1024 are the system's: choose a higher one");
    return code;
}

/* "127.0.0.1:80" or "[::1]:80" */
static enum pen_code print_address(int fd, char *into, size_t cap, struct pen_error *err)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof bound;
    char host[64], port[16];
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, errno, "cannot tell where a socket listens");
    int failed = getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                             NI_NUMERICHOST | NI_NUMERICSERV);
    if (failed != 0)
        return pen_fail(err, PEN_ERR_INTERNAL, "cannot print an address: %s", gai_strerror(failed));
    (void)snprintf(into, cap, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return PEN_OK;
}

enum pen_code http_listen(const char *listen_text, int *ret_fd, char *address, size_t address_cap,
                          struct pen_error *err)
{
    struct addrinfo *list = NULL;
    PEN_TRY(resolve(listen_text, &list, err));
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    bool is_bound = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                    bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    enum pen_code code = is_bound ? PEN_OK : fail_bind(listen_text, err);
    freeaddrinfo(list);
    if (code == PEN_OK)
        code = print_address(fd, address, address_cap, err);
    if (code == PEN_OK)
        *ret_fd = fd;
    else if (fd >= 0)
        (void)close(fd); /* nothing was sent or received */
    return code;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

bool pen_http_is_loopback(const char *listen_text)
{
    struct addrinfo *list = NULL;
    if (resolve(listen_text, &list, NULL) != PEN_OK)
        return false;
    bool is_all = true;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        is_all &= is_loopback(a->ai_addr);
    freeaddrinfo(list);
    return is_all;
}
