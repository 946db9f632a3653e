#include "web_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"
#include "temp_folder.h"

#define MAX_BODY ((size_t)1000)

/* A server whose answers depend on the path, and what it saw. */
struct scene {
    struct pen_http_server *server;
    struct pen_http_client *client;
    sem_t entered, go; /* of /gate */
    atomic_int locals, streams_closed;
    char url[256];
};

static enum pen_code open_local(void *context, void **ret_local, struct pen_error *err)
{
    struct scene *scene = context;
    (void)err;
    (void)atomic_fetch_add(&scene->locals, 1);
    *ret_local = scene;
    return PEN_OK;
}

static void close_local(void *context, void *local)
{
    struct scene *scene = context;
    assert_ptr_equal(local, scene);
    (void)atomic_fetch_sub(&scene->locals, 1);
}

static enum pen_http_wait wait_of(void *context, const struct pen_http_exchange *exchange)
{
    const char *path = pen_http_exchange_path(exchange);
    (void)context;
    if (strcmp(path, "/gate/far") == 0)
        return PEN_HTTP_WAIT_OTHERS;
    return strncmp(path, "/gate", 5) == 0 ? PEN_HTTP_WAIT_WRITE : PEN_HTTP_WAIT_NONE;
}

struct counter {
    struct scene *scene;
    int calls;
    const char *path;
};

/* "0", then nothing for two rounds, then "1" and the end; or a failure, or silence for ever. */
static enum pen_code fill_counter(void *context, void *local, struct pen_buf *into,
                                  enum pen_http_flow *ret_flow, struct pen_error *err)
{
    struct counter *counter = context;
    assert_ptr_equal(local, counter->scene);
    *ret_flow = PEN_HTTP_MORE;
    int call = counter->calls++;
    if (call == 0)
        return pen_buf_add_str(into, "0", err);
    if (strcmp(counter->path, "/broken") == 0)
        return pen_fail(err, PEN_ERR_IO, "the disk is gone");
    *ret_flow = PEN_HTTP_WAIT;
    if (strcmp(counter->path, "/silent") == 0 || call < 3)
        return PEN_OK;
    *ret_flow = PEN_HTTP_END;
    return pen_buf_add_str(into, "1", err);
}

static void close_counter(void *context)
{
    struct counter *counter = context;
    (void)atomic_fetch_add(&counter->scene->streams_closed, 1);
    free(counter);
}

static void send_counter(struct scene *scene, struct pen_http_exchange *exchange, const char *path)
{
    struct counter *counter = calloc(1, sizeof *counter);
    *counter = (struct counter){.scene = scene, .path = path};
    struct pen_http_stream stream = {counter, fill_counter, close_counter};
    pen_http_exchange_send_stream(exchange, 200, &stream);
}

/* What the request was, line by line. */
static void send_echo(struct pen_http_exchange *exchange)
{
    struct pen_buf text = PEN_BUF(1 << 20);
    const char *header = pen_http_exchange_header(exchange, "x-word");
    const char *cookie = pen_http_exchange_cookie(exchange, "session");
    assert_ok(pen_buf_addf(&text, err, "%s\n%s\n%s\n%s\n%s\n%s\n%.*s",
                           pen_http_exchange_method(exchange), pen_http_exchange_path(exchange),
                           pen_http_exchange_query(exchange), pen_http_exchange_peer(exchange),
                           header == NULL ? "-" : header, cookie == NULL ? "-" : cookie,
                           PEN_ARG(pen_http_exchange_body(exchange))));
    assert_ok(pen_http_exchange_add_header(exchange, "Content-Type", "text/echo", err));
    assert_int_equal(pen_http_exchange_add_header(exchange, "X-Bad", "a\r\nb", NULL),
                     PEN_ERR_INTERNAL);
    pen_http_exchange_send(exchange, 201, &text);
}

static void handle(void *context, void *local, struct pen_http_exchange *exchange)
{
    struct scene *scene = context;
    const char *path = pen_http_exchange_path(exchange);
    (void)local;
    if (strncmp(path, "/gate", 5) == 0) {
        (void)sem_post(&scene->entered);
        (void)sem_wait(&scene->go);
        send_echo(exchange);
    } else if (strcmp(path, "/file") == 0) {
        int fd = open(temp_path("reply"), O_RDONLY | O_CLOEXEC);
        pen_http_exchange_send_file(exchange, 200, fd, 5);
    } else if (strcmp(path, "/stream") == 0 || strcmp(path, "/broken") == 0 ||
               strcmp(path, "/silent") == 0) {
        send_counter(scene, exchange, path);
    } else if (strcmp(path, "/nothing") != 0) {
        send_echo(exchange);
    }
}

static struct pen_http_handler handler_of(struct scene *scene)
{
    return (struct pen_http_handler){.context = scene,
                                     .open_local = open_local,
                                     .close_local = close_local,
                                     .wait_of = wait_of,
                                     .handle = handle};
}

static struct scene *open_scene(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct pen_http_server_options options = {.listen = "127.0.0.1:0",
                                              .max_body_bytes = MAX_BODY,
                                              .quick_workers = 2,
                                              .slow_workers = 2,
                                              .far_workers = 2};
    struct pen_http_handler handler = handler_of(scene);
    (void)sem_init(&scene->entered, 0, 0);
    (void)sem_init(&scene->go, 0, 0);
    assert_ok(pen_http_server_new(&options, &handler, &scene->server, err));
    assert_ok(pen_http_client_new(NULL, &scene->client, err));
    return scene;
}

static void close_scene(struct scene *scene)
{
    pen_http_server_free(scene->server);
    pen_http_client_free(scene->client);
    assert_int_equal(atomic_load(&scene->locals), 0);
    free(scene);
}

static const char *url_of(struct scene *scene, const char *path)
{
    (void)snprintf(scene->url, sizeof scene->url, "http://%s%s",
                   pen_http_server_address(scene->server), path);
    return scene->url;
}

static struct web_reply *ask(struct scene *scene, const char *method, const char *path,
                             const char *body)
{
    const char *const headers[] = {"X-Word: hello", "Cookie: a=1; session=s3cret", NULL};
    return web_send(scene->client, method, url_of(scene, path), headers, pen_slice_str(body));
}

/* A connection by hand, for requests that the client does not make. */
static int connect_to(struct scene *scene)
{
    const char *address = pen_http_server_address(scene->server);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port =
                                 htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Reads to the end of the connection. */
static void read_end(int fd, char *out, size_t cap)
{
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len + 1 < cap) {
        n = read(fd, out + len, cap - len - 1);
        len += n > 0 ? (size_t)n : 0;
    }
    out[len] = '\0';
    (void)close(fd);
}

static void talk(struct scene *scene, const char *request, char *out, size_t cap)
{
    int fd = connect_to(scene);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    read_end(fd, out, cap);
}

static void request_comes_as_it_was_sent(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "PUT", "/a%2Fb/c%20d?x=%41&y", "body\n");
    assert_int_equal(reply->status, 201);
    assert_string_equal(reply->content_type, "text/echo");
    assert_string_equal(reply->body,
                        "PUT\n/a%2Fb/c%20d\nx=%41&y\n127.0.0.1\nhello\ns3cret\nbody\n");
    free(reply);
    close_scene(scene);
}

static void handler_without_a_reply_gives_500(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "GET", "/nothing", "");
    assert_int_equal(reply->status, 500);
    free(reply);
    close_scene(scene);
}

static void body_up_to_the_limit_is_taken_and_one_byte_more_refused(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    char body[MAX_BODY + 2];
    memset(body, 'x', sizeof body);
    body[MAX_BODY] = '\0';
    struct web_reply *reply = ask(scene, "POST", "/", body);
    assert_int_equal(reply->status, 201);
    free(reply);
    body[MAX_BODY] = 'x';
    body[MAX_BODY + 1] = '\0';
    reply = ask(scene, "POST", "/", body);
    assert_int_equal(reply->status, 413);
    free(reply);
    close_scene(scene);
}

static void body_far_past_the_limit_is_refused_unread(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    char reply[4096];
    talk(scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n", reply,
         sizeof reply);
    assert_memory_equal(reply, "HTTP/1.1 413", 12);
    close_scene(scene);
}

static void body_of_unknown_length_past_the_limit_is_refused(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    char request[4096] = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n7D0\r\n";
    size_t len = strlen(request);
    memset(request + len, 'y', 2000);
    memcpy(request + len + 2000, "\r\n0\r\n\r\n", sizeof "\r\n0\r\n\r\n");
    char reply[4096];
    talk(scene, request, reply, sizeof reply);
    assert_memory_equal(reply, "HTTP/1.1 413", 12);
    close_scene(scene);
}

/* Else a proxy in front and this server would disagree about where the next request begins. */
static void body_whose_length_is_said_twice_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "Content-Length: 2\r\nContent-Length: 40",
        "Content-Length: 2\r\nContent-Length: 2",
        "Content-Length: 40\r\nTransfer-Encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
    };
    struct scene *scene = open_scene();
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char request[512], reply[4096];
        (void)snprintf(request, sizeof request,
                       "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n0\r\n\r\n"
                       "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
                       heads[i]);
        talk(scene, request, reply, sizeof reply);
        assert_memory_equal(reply, "HTTP/1.1 400", 12);
        assert_null(strstr(reply, "smuggled"));
    }
    close_scene(scene);
}

static void head_past_the_limit_is_refused(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    size_t cap = 100000;
    char *request = calloc(1, cap);
    size_t len = (size_t)snprintf(request, cap, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(request + len, 'z', 60000);
    memcpy(request + len + 60000, "\r\n\r\n", sizeof "\r\n\r\n");
    char reply[4096];
    int fd = connect_to(scene);
    /* the server may answer and close before all of it is sent */
    (void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
    read_end(fd, reply, sizeof reply);
    assert_true(reply[0] == '\0' || memcmp(reply, "HTTP/1.1 431", 12) == 0 ||
                memcmp(reply, "HTTP/1.1 413", 12) == 0);
    free(request);
    struct web_reply *next = ask(scene, "GET", "/still-there", "");
    assert_int_equal(next->status, 201);
    free(next);
    close_scene(scene);
}

static void file_is_sent(void **state)
{
    (void)state;
    FILE *file = fopen(temp_path("reply"), "w");
    assert_non_null(file);
    assert_true(fputs("bytes and more", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "GET", "/file", "");
    assert_string_equal(reply->body, "bytes");
    free(reply);
    close_scene(scene);
}

static void stream_waits_for_news_and_ends(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "GET", "/stream", "");
    assert_int_equal(reply->code, PEN_OK);
    assert_string_equal(reply->body, "01");
    free(reply);
    close_scene(scene);
}

static void stream_that_fails_is_no_whole_reply(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "GET", "/broken", "");
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->code, PEN_ERR_IO);
    free(reply);
    close_scene(scene);
}

static void *ask_gate(void *context)
{
    return ask(context, "GET", "/gate", "");
}

/* As many slow requests as there are slow workers, and more: quick ones are answered meanwhile. */
/* More requests than their lane has workers; returns when all of these wait in their handlers. */
static void occupy(struct scene *scene, const char *path, struct pen_http_call *calls[5])
{
    char url[256];
    (void)snprintf(url, sizeof url, "%s", url_of(scene, path));
    for (size_t i = 0; i < 5; i++) {
        struct pen_http_request request = {.method = "GET", .url = url};
        assert_ok(pen_http_start(scene->client, &request, &calls[i], err));
    }
    assert_int_equal(sem_wait(&scene->entered), 0);
    assert_int_equal(sem_wait(&scene->entered), 0);
}

static void slow_requests_hold_up_no_quick_ones(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_call *calls[10];
    occupy(scene, "/gate/far", calls); /* what waits for other servers holds up no writers */
    occupy(scene, "/gate", calls + 5);
    struct web_reply *reply = ask(scene, "GET", "/quick", "");
    assert_int_equal(reply->status, 201);
    free(reply);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(sem_post(&scene->go), 0);
    for (size_t i = 0; i < 10; i++) {
        int status = 0;
        assert_ok(pen_http_wait(calls[i], &status, err));
        assert_int_equal(status, 201);
        pen_http_close(calls[i]);
    }
    close_scene(scene);
}

static void drain_lets_requests_finish_and_takes_no_new_ones(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    pthread_t asking;
    assert_int_equal(pthread_create(&asking, NULL, ask_gate, scene), 0);
    assert_int_equal(sem_wait(&scene->entered), 0);
    assert_false(pen_http_server_drain(scene->server, 1));
    struct pen_http_request request = {
        .method = "GET", .url = url_of(scene, "/late"), .timeout_ms = 200};
    struct pen_http_call *late = NULL;
    int status = 0;
    struct pen_http_client *other = NULL;
    assert_ok(pen_http_client_new(NULL, &other, err));
    assert_ok(pen_http_start(other, &request, &late, err));
    assert_int_not_equal(pen_http_wait(late, &status, NULL), PEN_OK);
    pen_http_close(late);
    pen_http_client_free(other);
    assert_int_equal(sem_post(&scene->go), 0);
    void *reply = NULL;
    assert_int_equal(pthread_join(asking, &reply), 0);
    assert_int_equal(((struct web_reply *)reply)->status, 201);
    free(reply);
    assert_true(pen_http_server_drain(scene->server, 10000));
    close_scene(scene);
}

static void drain_ends_streams_without_news(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_request request = {.method = "GET", .url = url_of(scene, "/silent")};
    struct pen_http_call *call = NULL;
    int status = 0;
    char byte = 0;
    size_t len = 0;
    assert_ok(pen_http_start(scene->client, &request, &call, err));
    assert_ok(pen_http_wait(call, &status, err));
    assert_ok(pen_http_read(call, &byte, 1, &len, err));
    assert_true(pen_http_server_drain(scene->server, 10000));
    assert_ok(pen_http_read(call, &byte, 1, &len, err));
    assert_int_equal(len, 0);
    pen_http_close(call);
    assert_int_equal(atomic_load(&scene->streams_closed), 1);
    close_scene(scene);
}

static void free_ends_what_is_still_open(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_request request = {.method = "GET", .url = url_of(scene, "/silent")};
    struct pen_http_call *call = NULL;
    int status = 0, idle = connect_to(scene);
    assert_ok(pen_http_start(scene->client, &request, &call, err));
    assert_ok(pen_http_wait(call, &status, err));
    pen_http_server_free(scene->server);
    assert_int_equal(atomic_load(&scene->streams_closed), 1);
    pen_http_close(call);
    (void)close(idle);
    scene->server = NULL;
    close_scene(scene);
}

static void client_that_leaves_early_costs_nothing(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    for (int i = 0; i < 20; i++) {
        int fd = connect_to(scene);
        const char *half = i % 2 == 0
                               ? "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab"
                               : "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_int_equal(write(fd, half, strlen(half)), strlen(half));
        (void)close(fd);
    }
    struct web_reply *reply = ask(scene, "GET", "/quick", "");
    assert_int_equal(reply->status, 201);
    free(reply);
    assert_true(pen_http_server_drain(scene->server, 10000));
    close_scene(scene);
}

static void address_that_is_taken_or_wrong_is_refused(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    const struct {
        const char *listen;
        enum pen_code code;
    } cases[] = {
        {pen_http_server_address(scene->server), PEN_ERR_CONFLICT},
        {"8765", PEN_ERR_CONFIG},
        {":8765", PEN_ERR_CONFIG},
        {"127.0.0.1:", PEN_ERR_CONFIG},
        {"127.0.0.1:99999", PEN_ERR_CONFIG},
        {"127.0.0.1:80a", PEN_ERR_CONFIG},
        {"::1:80", PEN_ERR_CONFIG},
        {"no-such-host.invalid:80", PEN_ERR_CONFIG},
        {"192.0.2.1:0", PEN_ERR_CONFIG},
    };
    struct pen_http_handler handler = handler_of(scene);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pen_http_server_options options = {.listen = cases[i].listen};
        struct pen_http_server *server = NULL;
        struct pen_error err = {0};
        assert_int_equal(pen_http_server_new(&options, &handler, &server, &err), cases[i].code);
        assert_non_null(strstr(err.message, cases[i].listen));
    }
    close_scene(scene);
}

static void loopback_is_told_from_the_rest(void **state)
{
    (void)state;
    assert_true(pen_http_is_loopback("127.0.0.1:1"));
    assert_true(pen_http_is_loopback("127.9.9.9:1"));
    assert_true(pen_http_is_loopback("[::1]:1"));
    assert_false(pen_http_is_loopback("0.0.0.0:1"));
    assert_false(pen_http_is_loopback("[::]:1"));
    assert_false(pen_http_is_loopback("192.0.2.1:1"));
    assert_false(pen_http_is_loopback("nonsense"));
}

static void certificate_that_is_none_is_refused(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct pen_http_handler handler = handler_of(scene);
    struct pen_http_server_options options = {
        .listen = "127.0.0.1:0", .certificate = "none", .certificate_key = "none"};
    struct pen_http_server *server = NULL;
    assert_int_equal(pen_http_server_new(&options, &handler, &server, NULL), PEN_ERR_CONFIG);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_comes_as_it_was_sent),
        cmocka_unit_test(handler_without_a_reply_gives_500),
        cmocka_unit_test(body_up_to_the_limit_is_taken_and_one_byte_more_refused),
        cmocka_unit_test(body_far_past_the_limit_is_refused_unread),
        cmocka_unit_test(body_of_unknown_length_past_the_limit_is_refused),
        cmocka_unit_test(body_whose_length_is_said_twice_is_refused),
        cmocka_unit_test(head_past_the_limit_is_refused),
        cmocka_unit_test(file_is_sent),
        cmocka_unit_test(stream_waits_for_news_and_ends),
        cmocka_unit_test(stream_that_fails_is_no_whole_reply),
        cmocka_unit_test(slow_requests_hold_up_no_quick_ones),
        cmocka_unit_test(drain_lets_requests_finish_and_takes_no_new_ones),
        cmocka_unit_test(drain_ends_streams_without_news),
        cmocka_unit_test(free_ends_what_is_still_open),
        cmocka_unit_test(client_that_leaves_early_costs_nothing),
        cmocka_unit_test(address_that_is_taken_or_wrong_is_refused),
        cmocka_unit_test(loopback_is_told_from_the_rest),
        cmocka_unit_test(certificate_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
