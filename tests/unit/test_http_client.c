#include "unit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_client.h"
#include "scripted_server.h"

#define BIG ((size_t)3 << 20)

/* What the servers of this file are asked to do, and what they saw. */
struct scene {
    struct test_server *server;
    struct pen_http_client *client;
    pthread_mutex_t lock;
    struct test_request last; /* lock: the most recent request */
    atomic_int sent_kib;      /* how much of an endless body was taken */
    atomic_int at_once, most_at_once;
};

static uint8_t byte_at(size_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 13);
}

static void send_big(struct test_peer *peer, size_t len)
{
    uint8_t *bytes = malloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(i);
    (void)test_send(peer, bytes, len);
    free(bytes);
}

static void send_endless(struct scene *scene, struct test_peer *peer)
{
    char kib[1024] = {0};
    test_reply_head(peer, 200, "", (size_t)1 << 40);
    while (test_send(peer, kib, sizeof kib))
        (void)atomic_fetch_add(&scene->sent_kib, 1);
}

static void serve_odd(struct scene *scene, struct test_peer *peer, const char *target)
{
    if (strcmp(target, "/half") == 0) {
        test_reply_head(peer, 200, "", BIG);
        send_big(peer, BIG / 2);
        test_hang_up(peer);
    } else if (strcmp(target, "/reset") == 0) {
        test_reset(peer);
    } else if (strcmp(target, "/nothing") == 0) {
        test_hang_up(peer);
    } else if (strcmp(target, "/garbage") == 0) {
        (void)test_sendf(peer, "SSH-2.0-OpenSSH_9.2\r\n");
        test_hang_up(peer);
    } else if (strcmp(target, "/silent") == 0) {
        test_wait_gone(peer);
    } else if (strcmp(target, "/stall") == 0) {
        test_reply_head(peer, 200, "", BIG);
        send_big(peer, 100);
        test_wait_gone(peer);
    } else if (strcmp(target, "/endless") == 0) {
        send_endless(scene, peer);
    } else if (strcmp(target, "/huge-head") == 0) {
        (void)test_sendf(peer, "HTTP/1.1 200 OK\r\n");
        while (test_sendf(peer, "X-Filler: %0200d\r\n", 1))
            continue;
    }
}

static void serve(void *context, struct test_peer *peer, const struct test_request *request)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->lock);
    scene->last = *request;
    (void)pthread_mutex_unlock(&scene->lock);
    int now = atomic_fetch_add(&scene->at_once, 1) + 1;
    if (now > atomic_load(&scene->most_at_once))
        atomic_store(&scene->most_at_once, now);
    if (strcmp(request->target, "/big") == 0) {
        test_reply_head(peer, 200, "", BIG);
        send_big(peer, BIG);
    } else if (strcmp(request->target, "/chunked") == 0) {
        (void)test_sendf(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n");
    } else if (strcmp(request->target, "/interim") == 0) {
        (void)test_sendf(peer, "HTTP/1.1 103 Early Hints\r\nX-Which: early\r\n\r\n");
        test_reply(peer, 200, "X-Which:  final \r\n", "x");
    } else if (strcmp(request->target, "/slow") == 0) {
        (void)usleep(20000);
        test_reply(peer, 200, "", "slow");
    } else if (strcmp(request->target, "/missing") == 0) {
        test_reply(peer, 404, "", "no such thing");
    } else if (strcmp(request->target, "/moved") == 0) {
        test_reply(peer, 301, "Location: /big\r\n", "");
    } else if (strcmp(request->method, "HEAD") == 0) {
        (void)test_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
    } else if (strncmp(request->target, "/ok", 3) == 0 || request->target[0] != '/') {
        test_reply(peer, 200, "", "fine");
    } else {
        serve_odd(scene, peer, request->target);
        if (strstr(request->target, "..") != NULL || strchr(request->target, '%') != NULL)
            test_reply(peer, 200, "", "odd path");
    }
    (void)atomic_fetch_add(&scene->at_once, -1);
}

static const struct test_request *last_of(struct scene *scene)
{
    (void)pthread_mutex_lock(&scene->lock);
    (void)pthread_mutex_unlock(&scene->lock);
    return &scene->last;
}

static struct scene *open_scene_with(const struct pen_http_options *options, bool with_tls)
{
    struct scene *scene = calloc(1, sizeof *scene);
    (void)pthread_mutex_init(&scene->lock, NULL);
    scene->server = test_server_new(serve, scene, with_tls);
    assert_ok(pen_http_client_new(options, &scene->client, err));
    return scene;
}

static struct scene *open_scene(void)
{
    return open_scene_with(NULL, false);
}

static void close_scene(struct scene *scene)
{
    pen_http_client_free(scene->client);
    test_server_free(scene->server);
    free(scene);
}

static struct pen_http_call *start(struct scene *scene, struct pen_http_request request,
                                   const char *scheme, const char *path)
{
    char url[512];
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%d%s", scheme, test_server_port(scene->server),
                   path);
    request.url = url;
    if (request.method == NULL)
        request.method = "GET";
    struct pen_http_call *call = NULL;
    assert_ok(pen_http_start(scene->client, &request, &call, err));
    return call;
}

static struct pen_http_call *get(struct scene *scene, const char *path)
{
    return start(scene, (struct pen_http_request){0}, "http", path);
}

static int wait_status(struct pen_http_call *call)
{
    int status = 0;
    assert_ok(pen_http_wait(call, &status, err));
    return status;
}

static void assert_body(struct pen_http_call *call, const char *expected)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(1 << 20);
    assert_ok(pen_http_read_all(call, &body, err));
    assert_int_equal(body.len, strlen(expected));
    assert_memory_equal(body.ptr == NULL ? "" : body.ptr, expected, body.len);
}

/* Reads a body of byte_at in pieces of `cap`; returns how much came and how it ended. */
static size_t read_big(struct pen_http_call *call, size_t cap, enum pen_code *ret_code,
                       struct pen_error *err)
{
    uint8_t *piece = malloc(cap);
    size_t total = 0, len = 1;
    *ret_code = PEN_OK;
    while (len > 0) {
        *ret_code = pen_http_read(call, piece, cap, &len, err);
        if (*ret_code != PEN_OK)
            break;
        for (size_t i = 0; i < len; i++)
            assert_int_equal(piece[i], byte_at(total + i));
        total += len;
    }
    free(piece);
    return total;
}

static void get_returns_status_headers_and_body(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/missing");
    assert_int_equal(wait_status(call), 404);
    assert_true(pen_slice_is(pen_http_header(call, "content-LENGTH"), "13"));
    assert_true(pen_slice_is(pen_http_header(call, "Content-Len"), ""));
    assert_body(call, "no such thing");
    pen_http_close(call);
    close_scene(scene);
}

static void get_delivers_every_byte_for_any_read_size(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    const size_t caps[] = {1000, 16384, 65504, 65536, 1 << 20, BIG * 2};
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        struct pen_http_request request = {.buffer_bytes = (size_t)1 << (10 + 3 * (i % 4))};
        struct pen_http_call *call = start(scene, request, "http", "/big");
        enum pen_code code = PEN_OK;
        struct pen_error failure = {0};
        assert_int_equal(read_big(call, caps[i], &code, &failure), BIG);
        assert_int_equal(code, PEN_OK);
        size_t len = 1;
        char byte = 0;
        assert_ok(pen_http_read(call, &byte, 1, &len, err)); /* the end stays the end */
        assert_int_equal(len, 0);
        pen_http_close(call);
    }
    assert_int_equal(test_server_connections(scene->server), 1); /* all on one connection */
    close_scene(scene);
}

static void get_joins_chunks_and_keeps_trailers_out_of_the_headers(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/chunked");
    assert_body(call, "hello world");
    assert_true(pen_slice_is(pen_http_header(call, "X-Trailer"), ""));
    pen_http_close(call);
    close_scene(scene);
}

static void get_skips_interim_replies(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/interim");
    assert_int_equal(wait_status(call), 200);
    assert_true(pen_slice_is(pen_http_header(call, "X-Which"), "final"));
    pen_http_close(call);
    close_scene(scene);
}

static void get_does_not_follow_redirects(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/moved");
    assert_int_equal(wait_status(call), 301);
    assert_true(pen_slice_is(pen_http_header(call, "location"), "/big"));
    pen_http_close(call);
    assert_int_equal(test_server_requests(scene->server), 1);
    close_scene(scene);
}

static void head_ends_without_a_body(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call =
        start(scene, (struct pen_http_request){.method = "HEAD"}, "http", "/ok");
    assert_int_equal(wait_status(call), 200);
    assert_true(pen_slice_is(pen_http_header(call, "Content-Length"), "12345"));
    assert_body(call, "");
    pen_http_close(call);
    close_scene(scene);
}

static void request_sends_path_headers_and_body_as_given(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    const char *lines[] = {"X-One: 1", "x-two:  b c", NULL};
    char body[] = "Action=AssumeRole&x=%20";
    struct pen_http_request request = {
        .method = "POST", .headers = lines, .body = pen_slice(body, strlen(body))};
    struct pen_http_call *call =
        start(scene, request, "http", "//a/../b/./c%20%2Fd//?q=%2B+&empty");
    body[0] = '!'; /* the request was copied */
    assert_int_equal(wait_status(call), 200);
    char value[64];
    assert_string_equal(last_of(scene)->target, "//a/../b/./c%20%2Fd//?q=%2B+&empty");
    assert_string_equal(last_of(scene)->method, "POST");
    assert_string_equal(last_of(scene)->body, "Action=AssumeRole&x=%20");
    assert_true(test_header(last_of(scene), "X-One", value, sizeof value));
    assert_string_equal(value, "1");
    assert_true(test_header(last_of(scene), "X-Two", value, sizeof value));
    assert_string_equal(value, "b c");
    assert_false(test_header(last_of(scene), "Content-Type", value, sizeof value));
    assert_false(test_header(last_of(scene), "Expect", value, sizeof value));
    assert_false(test_header(last_of(scene), "Accept-Encoding", value, sizeof value));
    pen_http_close(call);
    close_scene(scene);
}

static void put_without_a_body_says_so(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call =
        start(scene, (struct pen_http_request){.method = "PUT"}, "http", "/ok");
    assert_int_equal(wait_status(call), 200);
    char value[64];
    assert_string_equal(last_of(scene)->method, "PUT");
    assert_true(test_header(last_of(scene), "Content-Length", value, sizeof value));
    assert_string_equal(value, "0");
    pen_http_close(call);
    close_scene(scene);
}

static void start_refuses_a_header_with_a_line_end(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    const char *lines[] = {"X-One: 1\r\nX-Smuggled: 2", NULL};
    struct pen_http_request request = {
        .method = "GET", .url = "http://127.0.0.1:1/", .headers = lines};
    struct pen_http_call *call = NULL;
    assert_int_equal(pen_http_start(scene->client, &request, &call, NULL), PEN_ERR_CONFIG);
    assert_null(call);
    close_scene(scene);
}

static void assert_wait_fails(struct scene *scene, const char *path, bool is_retryable,
                              const char *says)
{
    struct pen_http_call *call = get(scene, path);
    struct pen_error err = {0};
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, &err), PEN_ERR_IO);
    assert_int_equal(err.is_retryable, is_retryable);
    if (strstr(err.message, says) == NULL)
        fail_msg("'%s' does not contain '%s'", err.message, says);
    pen_http_close(call);
}

static void wait_fails_retryably_when_there_is_no_reply(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    assert_wait_fails(scene, "/reset", true, "127.0.0.1:");
    assert_wait_fails(scene, "/nothing", true, "closed the connection without a reply");
    assert_wait_fails(scene, "/garbage", true, "127.0.0.1:");
    close_scene(scene);
}

static void wait_fails_when_the_head_does_not_end(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/huge-head");
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, NULL), PEN_ERR_TOO_LARGE);
    pen_http_close(call);
    close_scene(scene);
}

static void wait_fails_retryably_when_the_connection_is_refused(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_request request = {.method = "GET", .url = "http://127.0.0.1:1/"};
    struct pen_http_call *call = NULL;
    assert_ok(pen_http_start(scene->client, &request, &call, err));
    struct pen_error err = {0};
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, &err), PEN_ERR_IO);
    assert_true(err.is_retryable);
    assert_string_equal(err.message, "cannot connect to '127.0.0.1:1': Connection refused");
    pen_http_close(call);
    close_scene(scene);
}

static void wait_fails_as_configuration_when_the_url_is_none(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    const char *urls[] = {"http://127.0.0.1:99999/", "ftp://127.0.0.1/x", "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct pen_http_request request = {.method = "GET", .url = urls[i]};
        struct pen_http_call *call = NULL;
        struct pen_error err = {0};
        int status = 0;
        enum pen_code code = pen_http_start(scene->client, &request, &call, &err);
        if (code == PEN_OK)
            code = pen_http_wait(call, &status, &err);
        assert_int_equal(code, PEN_ERR_CONFIG);
        assert_false(err.is_retryable);
        pen_http_close(call);
    }
    close_scene(scene);
}

static void read_fails_retryably_after_all_bytes_that_came(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/half");
    enum pen_code code = PEN_OK;
    struct pen_error err = {0};
    assert_int_equal(read_big(call, 100000, &code, &err), BIG / 2);
    assert_int_equal(code, PEN_ERR_IO);
    assert_true(err.is_retryable);
    assert_non_null(strstr(err.message, "broke off after 1572864 bytes"));
    pen_http_close(call);
    close_scene(scene);
}

static void silence_ends_a_request_after_the_idle_timeout(void **state)
{
    (void)state;
    struct scene *scene = open_scene_with(&(struct pen_http_options){.idle_timeout_ms = 50}, false);
    assert_wait_fails(scene, "/silent", true, "sent nothing for 50 ms");
    close_scene(scene);
    /* what is sent first must come in time, however much else the machine does */
    scene = open_scene_with(&(struct pen_http_options){.idle_timeout_ms = 2000}, false);
    struct pen_http_call *call = get(scene, "/stall");
    enum pen_code code = PEN_OK;
    struct pen_error err = {0};
    assert_int_equal(read_big(call, 1000, &code, &err), 100);
    assert_int_equal(code, PEN_ERR_IO);
    assert_true(err.is_retryable);
    pen_http_close(call);
    close_scene(scene);
}

static void a_request_ends_at_its_own_timeout_too(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call =
        start(scene, (struct pen_http_request){.timeout_ms = 50}, "http", "/silent");
    struct pen_error err = {0};
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, &err), PEN_ERR_IO);
    assert_non_null(strstr(err.message, "did not end within 50 ms"));
    pen_http_close(call);
    close_scene(scene);
}

/* The sockets' own buffers take some MiB; anything far beyond would be in our memory. */
static void unread_bytes_stay_bounded_while_nobody_reads(void **state)
{
    (void)state;
    struct scene *scene =
        open_scene_with(&(struct pen_http_options){.idle_timeout_ms = 1000}, false);
    struct pen_http_call *call =
        start(scene, (struct pen_http_request){.buffer_bytes = 65536}, "http", "/endless");
    assert_int_equal(wait_status(call), 200);
    int before = -1, now = 0;
    while (now != before) { /* until the server cannot send any more */
        before = now;
        (void)usleep(2200000); /* two idle time-outs: a paused request is not an idle one */
        now = atomic_load(&scene->sent_kib);
    }
    assert_true(now < 24 * 1024);
    static char piece[1 << 20];
    for (size_t total = 0, len = 0; total < (size_t)now * 2048; total += len) {
        assert_ok(pen_http_read(call, piece, sizeof piece, &len, err)); /* it goes on */
        assert_int_not_equal(len, 0);
    }
    pen_http_close(call);
    close_scene(scene);
}

static void a_reader_never_waits_for_memory_that_others_hold(void **state)
{
    (void)state;
    struct pen_http_options options = {.memory_bytes = 1, .connection_count = 3};
    struct scene *scene = open_scene_with(&options, false);
    struct pen_http_call *calls[8];
    for (size_t i = 0; i < 8; i++)
        calls[i] = get(scene, "/big");
    for (size_t i = 8; i-- > 0;) { /* the last first: all before it hold memory and connections */
        enum pen_code code = PEN_OK;
        struct pen_error err = {0};
        assert_int_equal(read_big(calls[i], 65536, &code, &err), BIG);
        pen_http_close(calls[i]);
    }
    close_scene(scene);
}

static void requests_at_once_stay_within_the_connection_count(void **state)
{
    (void)state;
    struct pen_http_options options = {.connection_count = 4};
    struct scene *scene = open_scene_with(&options, false);
    struct pen_http_call *calls[40];
    for (size_t i = 0; i < 40; i++)
        calls[i] = get(scene, "/slow");
    for (size_t i = 0; i < 40; i++) {
        assert_body(calls[i], "slow");
        pen_http_close(calls[i]);
    }
    assert_true(atomic_load(&scene->most_at_once) <= 4);
    assert_true(test_server_connections(scene->server) <= 4);
    close_scene(scene);
}

static void *cancel_soon(void *call)
{
    (void)usleep(20000);
    pen_http_cancel(call);
    return NULL;
}

static void cancel_ends_a_wait(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *call = get(scene, "/silent");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, call), 0);
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, NULL), PEN_ERR_CANCELLED);
    (void)pthread_join(thread, NULL);
    pen_http_close(call);
    close_scene(scene);
}

static void cancel_flag_ends_waits_and_reads(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    volatile int cancel = 0;
    struct pen_http_request request = {.cancel = &cancel};
    struct pen_http_call *stalled = start(scene, request, "http", "/stall");
    struct pen_http_call *silent = start(scene, request, "http", "/silent");
    char bytes[200];
    size_t len = 0;
    assert_ok(pen_http_read(stalled, bytes, sizeof bytes, &len, err));
    cancel = 1;
    int status = 0;
    assert_int_equal(pen_http_read(stalled, bytes, sizeof bytes, &len, NULL), PEN_ERR_CANCELLED);
    assert_int_equal(pen_http_wait(silent, &status, NULL), PEN_ERR_CANCELLED);
    pen_http_close(stalled);
    pen_http_close(silent);
    close_scene(scene);
}

static void close_at_any_moment_leaves_nothing_behind(void **state)
{
    (void)state;
    struct scene *scene = open_scene_with(&(struct pen_http_options){.connection_count = 2}, false);
    const char *paths[] = {"/big", "/silent", "/stall", "/endless", "/ok"};
    for (size_t i = 0; i < 200; i++) {
        struct pen_http_call *call = get(scene, paths[i % 5]);
        struct pen_http_call *queued = get(scene, "/ok");
        if (i % 3 == 0)
            (void)usleep((unsigned)(i * 7 % 500));
        pen_http_close(call);
        pen_http_close(queued);
    }
    struct pen_http_call *call = get(scene, "/ok");
    assert_body(call, "fine");
    pen_http_close(call);
    close_scene(scene);
}

static void tls_refuses_a_certificate_that_nobody_signed(void **state)
{
    (void)state;
    struct scene *scene = open_scene_with(NULL, true);
    struct pen_http_call *call = start(scene, (struct pen_http_request){0}, "https", "/ok");
    struct pen_error err = {0};
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, &err), PEN_ERR_IO);
    assert_false(err.is_retryable);
    assert_non_null(strstr(err.hint, "AWS_CA_BUNDLE"));
    assert_int_equal(test_server_requests(scene->server), 0); /* nothing was sent */
    pen_http_close(call);
    close_scene(scene);
}

/* A server without TLS takes the greeting for a bad request. */
static void *answer_in_plain(void *context)
{
    static const char reply[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    char bytes[4096];
    int peer = accept(*(const int *)context, NULL, NULL);
    assert_int_equal(write(peer, reply, sizeof reply - 1), sizeof reply - 1);
    while (read(peer, bytes, sizeof bytes) > 0)
        continue;
    (void)close(peer);
    return NULL;
}

static void tls_to_a_server_without_it_says_what_to_write(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_in_plain, &listener), 0);
    char url[64];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", ntohs(address.sin_port));
    struct pen_http_request request = {.method = "GET", .url = url};
    struct pen_http_call *call = NULL;
    assert_ok(pen_http_start(scene->client, &request, &call, err));
    struct pen_error err = {0};
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, &err), PEN_ERR_IO);
    assert_non_null(strstr(err.hint, "http://"));
    pen_http_close(call);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(close(listener), 0);
    close_scene(scene);
}

static void tls_trusts_the_certificates_of_the_bundle(void **state)
{
    (void)state;
    struct scene *scene = open_scene_with(NULL, true);
    struct pen_http_options options = {.ca_bundle = test_server_certificate(scene->server)};
    pen_http_client_free(scene->client);
    assert_ok(pen_http_client_new(&options, &scene->client, err));
    struct pen_http_call *call = start(scene, (struct pen_http_request){0}, "https", "/big");
    enum pen_code code = PEN_OK;
    struct pen_error err = {0};
    assert_int_equal(read_big(call, 100000, &code, &err), BIG);
    assert_int_equal(code, PEN_OK);
    pen_http_close(call);
    close_scene(scene);
}

static void proxy_gets_the_request_with_its_user_and_password(void **state)
{
    (void)state;
    struct scene *scene = open_scene(); /* its server plays the proxy */
    char proxy[64], value[64];
    (void)snprintf(proxy, sizeof proxy, "127.0.0.1:%d", test_server_port(scene->server));
    struct pen_http_options options = {
        .proxy = proxy, .proxy_user = "us:er", .proxy_password = "p@ss:word"};
    pen_http_client_free(scene->client);
    assert_ok(pen_http_client_new(&options, &scene->client, err));
    struct pen_http_request request = {.method = "GET", .url = "http://no.such.host.invalid/k?x=1"};
    struct pen_http_call *call = NULL;
    assert_ok(pen_http_start(scene->client, &request, &call, err));
    assert_int_equal(wait_status(call), 200);
    assert_string_equal(last_of(scene)->target, "http://no.such.host.invalid/k?x=1");
    assert_true(test_header(last_of(scene), "Proxy-Authorization", value, sizeof value));
    assert_string_equal(value, "Basic dXM6ZXI6cEBzczp3b3Jk"); /* us:er:p@ss:word */
    pen_http_close(call);
    close_scene(scene);
}

static void serve_refusing_proxy(void *context, struct test_peer *peer,
                                 const struct test_request *request)
{
    (void)context;
    assert_string_equal(request->method, "CONNECT");
    test_reply(peer, 407, "Proxy-Authenticate: Basic realm=\"x\"\r\n", "");
}

static void proxy_that_wants_a_password_is_an_authentication_error(void **state)
{
    (void)state;
    struct test_server *server = test_server_new(serve_refusing_proxy, NULL, false);
    char proxy[64];
    (void)snprintf(proxy, sizeof proxy, "127.0.0.1:%d", test_server_port(server));
    struct pen_http_client *client = NULL;
    assert_ok(pen_http_client_new(&(struct pen_http_options){.proxy = proxy}, &client, err));
    struct pen_http_request request = {.method = "GET", .url = "https://no.such.host.invalid/"};
    struct pen_http_call *call = NULL;
    assert_ok(pen_http_start(client, &request, &call, err));
    struct pen_error err = {0};
    int status = 0;
    assert_int_equal(pen_http_wait(call, &status, &err), PEN_ERR_AUTH);
    assert_false(err.is_retryable);
    assert_non_null(strstr(err.message, "407"));
    pen_http_close(call);
    pen_http_client_free(client);
    test_server_free(server);
}

static void proxy_of_the_environment_is_used_unless_no_proxy_or_direct(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    char proxy[64];
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", test_server_port(scene->server));
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    assert_int_equal(setenv("no_proxy", "spared.invalid", 1), 0);
    struct pen_http_request through = {.method = "GET", .url = "http://some.invalid/x"};
    struct pen_http_request spared = {.method = "GET", .url = "http://spared.invalid/x"};
    struct pen_http_request direct = {
        .method = "GET", .url = "http://some.invalid/x", .is_direct = true};
    struct pen_http_request *requests[] = {&through, &spared, &direct};
    for (size_t i = 0; i < 3; i++) {
        struct pen_http_call *call = NULL;
        int status = 0;
        assert_ok(pen_http_start(scene->client, requests[i], &call, err));
        assert_int_equal(pen_http_wait(call, &status, NULL), i == 0 ? PEN_OK : PEN_ERR_IO);
        pen_http_close(call);
    }
    assert_int_equal(test_server_requests(scene->server), 1);
    (void)unsetenv("http_proxy");
    (void)unsetenv("no_proxy");
    close_scene(scene);
}

static void *read_many(void *context)
{
    struct scene *scene = context;
    for (int i = 0; i < 20; i++) {
        struct pen_http_request request = {.buffer_bytes = BIG + 1}; /* so that none is paused */
        struct pen_http_call *call = start(scene, request, "http", i % 4 == 0 ? "/big" : "/ok");
        if (i % 4 != 0) {
            assert_body(call, "fine");
        } else {
            enum pen_code code = PEN_OK;
            assert_int_equal(read_big(call, 50000, &code, NULL), BIG);
        }
        pen_http_close(call);
    }
    return NULL;
}

static void many_threads_share_one_client(void **state)
{
    (void)state;
    struct scene *scene = open_scene_with(&(struct pen_http_options){.connection_count = 5}, false);
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_many, scene), 0);
    for (size_t i = 0; i < 8; i++)
        (void)pthread_join(threads[i], NULL);
    assert_true(test_server_connections(scene->server) <= 5);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_returns_status_headers_and_body),
        cmocka_unit_test(get_delivers_every_byte_for_any_read_size),
        cmocka_unit_test(get_joins_chunks_and_keeps_trailers_out_of_the_headers),
        cmocka_unit_test(get_skips_interim_replies),
        cmocka_unit_test(get_does_not_follow_redirects),
        cmocka_unit_test(head_ends_without_a_body),
        cmocka_unit_test(request_sends_path_headers_and_body_as_given),
        cmocka_unit_test(put_without_a_body_says_so),
        cmocka_unit_test(start_refuses_a_header_with_a_line_end),
        cmocka_unit_test(wait_fails_retryably_when_there_is_no_reply),
        cmocka_unit_test(wait_fails_when_the_head_does_not_end),
        cmocka_unit_test(wait_fails_retryably_when_the_connection_is_refused),
        cmocka_unit_test(wait_fails_as_configuration_when_the_url_is_none),
        cmocka_unit_test(read_fails_retryably_after_all_bytes_that_came),
        cmocka_unit_test(silence_ends_a_request_after_the_idle_timeout),
        cmocka_unit_test(a_request_ends_at_its_own_timeout_too),
        cmocka_unit_test(unread_bytes_stay_bounded_while_nobody_reads),
        cmocka_unit_test(a_reader_never_waits_for_memory_that_others_hold),
        cmocka_unit_test(requests_at_once_stay_within_the_connection_count),
        cmocka_unit_test(cancel_ends_a_wait),
        cmocka_unit_test(cancel_flag_ends_waits_and_reads),
        cmocka_unit_test(close_at_any_moment_leaves_nothing_behind),
        cmocka_unit_test(tls_refuses_a_certificate_that_nobody_signed),
        cmocka_unit_test(tls_to_a_server_without_it_says_what_to_write),
        cmocka_unit_test(tls_trusts_the_certificates_of_the_bundle),
        cmocka_unit_test(proxy_gets_the_request_with_its_user_and_password),
        cmocka_unit_test(proxy_that_wants_a_password_is_an_authentication_error),
        cmocka_unit_test(proxy_of_the_environment_is_used_unless_no_proxy_or_direct),
        cmocka_unit_test(many_threads_share_one_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
