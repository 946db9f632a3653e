/* The I/O thread: one curl multi handle, a fixed number of connections, a queue before it. */
#include <assert.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>

#include "base/civil.h"
#include "net/http_internal.h"

#define DEFAULT_MEMORY      ((int64_t)64 << 20)
#define DEFAULT_CONNECTIONS 50
#define DEFAULT_CONNECT_MS  10000
#define DEFAULT_IDLE_MS     60000
#define RECEIVE_BYTES       262144L
#define POLL_MS             500

void http_client_wake(struct pen_http_client *client)
{
    if (!atomic_exchange(&client->is_woken, true))
        (void)curl_multi_wakeup(client->multi); /* fails only for a multi handle that is none */
}

/* ---- curl's callbacks: I/O thread ---- */

static void touch(struct pen_http_call *call)
{
    call->progress_us = pen_monotonic_us();
    call->is_dirty = true;
}

static void set_paused(struct pen_http_call *call, bool is_paused)
{
    if (atomic_exchange(&call->is_paused, is_paused) != is_paused)
        (void)atomic_fetch_add(&call->client->paused_count, is_paused ? 1 : -1);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct pen_http_call *call = context;
    size_t len = size * count;
    if (!http_call_has_room(call)) {
        set_paused(call, true);
        if (!http_call_has_room(call))
            return CURL_WRITEFUNC_PAUSE;
        set_paused(call, false); /* the reader made room before it could see the pause */
    }
    if (!http_call_append(call, bytes, len))
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    call->received += len;
    touch(call);
    return len;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct pen_http_call *call = context;
    size_t len = size * count;
    touch(call);
    return http_call_header_line(call, pen_slice(bytes, len)) ? len : 0;
}

/* ---- one request ---- */

static void set_body(CURL *easy, struct pen_http_call *call)
{
    if (strcmp(call->method, "HEAD") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (strcmp(call->method, "GET") == 0)
        return;
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.ptr == NULL ? "" : call->body.ptr);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static bool set_headers(CURL *easy, struct pen_http_call *call)
{
    struct curl_slist *list = NULL;
    bool has_type = false;
    for (char **line = call->headers; *line != NULL; line++) {
        struct curl_slist *longer = curl_slist_append(list, *line);
        if (longer == NULL)
            break;
        list = longer;
        has_type = has_type || strncasecmp(*line, "Content-Type:", 13) == 0;
    }
    call->header_list = list;
    if (call->headers[0] != NULL && list == NULL)
        return false;
    /* neither a content type of curl's choice nor a wait for "100 Continue" */
    struct curl_slist *longer = curl_slist_append(list, has_type ? "Expect:" : "Content-Type:");
    if (longer != NULL)
        call->header_list = longer;
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->header_list);
    return longer != NULL;
}

static void set_proxy(CURL *easy, const struct pen_http_options *options, bool is_direct)
{
    if (is_direct) {
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not even that of the environment */
        return;
    }
    if (options->proxy == NULL)
        return;
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* configured by hand: always */
    (void)curl_easy_setopt(easy, CURLOPT_PROXYTYPE,
                           (long)(options->is_proxy_https ? CURLPROXY_HTTPS : CURLPROXY_HTTP));
    if (options->proxy_user == NULL)
        return;
    (void)curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    (void)curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, options->proxy_user);
    (void)curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD,
                           options->proxy_password == NULL ? "" : options->proxy_password);
}

static void set_connection(CURL *easy, const struct pen_http_options *options)
{
    /* All results are ignored here: these options exist in every curl we build with, and the only
     * other failure, no memory for a text, ends in a refused connection. */
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BYTES);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    /* a close must not wait for a name server that does not answer */
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (options->ca_bundle != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_bundle);
    if (options->user_agent != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
}

static bool set_up(CURL *easy, struct pen_http_call *call)
{
    const struct pen_http_options *options = &call->client->options;
    call->curl_error = calloc(1, CURL_ERROR_SIZE);
    if (call->curl_error == NULL)
        return false;
    set_connection(easy, options);
    set_proxy(easy, options, call->is_direct);
    set_body(easy, call);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* "a/../b" is a key like any other */
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    return curl_easy_setopt(easy, CURLOPT_URL, call->url) == CURLE_OK && set_headers(easy, call);
}

/* ---- the I/O thread ---- */

static void unlink_active(struct pen_http_client *client, struct pen_http_call *call)
{
    struct pen_http_call **at = &client->active;
    while (*at != NULL && *at != call)
        at = &(*at)->next;
    assert(*at == call);
    *at = call->next;
    client->active_count--;
}

/* Handles are used again: making one costs as much as a small request. */
static CURL *get_easy(struct pen_http_client *client)
{
    return client->idle_count > 0 ? client->idle[--client->idle_count] : curl_easy_init();
}

static void put_easy(struct pen_http_client *client, CURL *easy)
{
    if (client->idle_count == HTTP_IDLE_HANDLES) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    client->idle[client->idle_count++] = easy;
}

/* Lets go of an active call for good. result NULL: nobody reads it any more. */
static void let_go(struct pen_http_client *client, struct pen_http_call *call,
                   const struct pen_error *result)
{
    set_paused(call, false);
    if (call->easy != NULL) {
        (void)curl_multi_remove_handle(client->multi, call->easy); /* fine if never added */
        put_easy(client, call->easy);
    }
    curl_slist_free_all(call->header_list);
    free(call->curl_error);
    call->easy = call->header_list = NULL;
    call->curl_error = NULL;
    unlink_active(client, call);
    if (result != NULL)
        http_call_finish(call, result);
    (void)pthread_mutex_lock(&client->lock);
    call->state = HTTP_DONE;
    bool is_closed = atomic_load(&call->is_closed);
    (void)pthread_mutex_unlock(&client->lock);
    if (is_closed)
        http_call_free(call);
}

static void start(struct pen_http_client *client, struct pen_http_call *call)
{
    call->next = client->active;
    client->active = call;
    client->active_count++;
    call->progress_us = pen_monotonic_us();
    call->easy = get_easy(client);
    if (call->easy != NULL && set_up(call->easy, call) &&
        curl_multi_add_handle(client->multi, call->easy) == CURLM_OK)
        return;
    struct pen_error refused = {0};
    (void)pen_fail_nomem(&refused);
    let_go(client, call, &refused);
}

/* The next call that may begin: in order, but one that a thread waits for passes those that nobody
 * needs yet, and paused calls do not count against it: so nobody waits for a connection that is
 * held by a call whose reader waits too. client->lock is held. */
static struct pen_http_call *next_call(struct pen_http_client *client)
{
    unsigned limit = client->options.connection_count;
    unsigned paused = (unsigned)atomic_load(&client->paused_count);
    struct pen_http_call **found = NULL;
    for (struct pen_http_call **at = &client->queue; *at != NULL; at = &(*at)->next) {
        bool is_awaited = (*at)->is_awaited;
        if (is_awaited ? client->active_count - paused < limit : client->active_count < limit)
            found = found == NULL || (is_awaited && !(*found)->is_awaited) ? at : found;
    }
    if (found == NULL)
        return NULL;
    struct pen_http_call *call = *found;
    *found = call->next;
    call->state = HTTP_ACTIVE;
    return call;
}

/* Begins what may begin; false when the client is being freed. */
static bool start_queued(struct pen_http_client *client)
{
    for (;;) {
        (void)pthread_mutex_lock(&client->lock);
        struct pen_http_call *call = next_call(client);
        bool is_stopping = client->is_stopping;
        (void)pthread_mutex_unlock(&client->lock);
        if (call == NULL)
            return !is_stopping;
        start(client, call);
    }
}

static void check_one(struct pen_http_client *client, struct pen_http_call *call, int64_t now_us)
{
    struct pen_error ended = {0};
    if (atomic_load(&call->is_closed)) {
        let_go(client, call, NULL);
    } else if (atomic_load(&call->is_ended)) {
        (void)pen_fail(&ended, PEN_ERR_CANCELLED, "request was cancelled");
        let_go(client, call, &ended);
    } else if (atomic_load(&call->is_paused)) {
        if (!http_call_has_room(call) ||
            (atomic_load(&call->unread) > call->buffer_bytes / 2 && atomic_load(&call->unread) > 0))
            return;
        set_paused(call, false);
        call->progress_us = now_us;
        (void)curl_easy_pause(call->easy, CURLPAUSE_CONT); /* its error comes as the result */
    } else if (now_us - call->progress_us > client->options.idle_timeout_ms * 1000) {
        (void)pen_fail(&ended, PEN_ERR_IO, "'%s' sent nothing for %lld ms", call->host,
                       (long long)client->options.idle_timeout_ms);
        ended.is_retryable = true;
        let_go(client, call, &ended);
    }
}

static void check_active(struct pen_http_client *client)
{
    int64_t now_us = pen_monotonic_us();
    struct pen_http_call *next = NULL;
    for (struct pen_http_call *call = client->active; call != NULL; call = next) {
        next = call->next;
        check_one(client, call, now_us);
    }
}

static void collect_done(struct pen_http_client *client)
{
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        char *context = NULL;
        CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
        struct pen_http_call *call = (void *)context;
        struct pen_error result = {0};
        if (code != CURLE_OK)
            http_explain(call, (int)code, &result);
        let_go(client, call, &result);
    }
}

/* Readers are woken once for all that a turn brought, not once for each piece of it. */
static void notify_readers(struct pen_http_client *client)
{
    for (struct pen_http_call *call = client->active; call != NULL; call = call->next) {
        if (call->is_dirty)
            http_call_notify(call);
        call->is_dirty = false;
    }
}

static int poll_ms(struct pen_http_client *client)
{
    int64_t idle = client->options.idle_timeout_ms;
    return client->active != NULL && idle < POLL_MS ? (int)idle : POLL_MS;
}

static void *io_thread(void *context)
{
    struct pen_http_client *client = context;
    int running = 0;
    while (start_queued(client)) {
        check_active(client);
        (void)curl_multi_perform(client->multi, &running); /* errors come per transfer */
        collect_done(client);
        notify_readers(client);
        if (!atomic_exchange(&client->is_woken, false))
            (void)curl_multi_poll(client->multi, NULL, 0, poll_ms(client), NULL);
    }
    while (client->active != NULL)
        let_go(client, client->active, NULL);
    return NULL;
}

/* ---- the client ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool copy_text(const char **text)
{
    if (*text == NULL)
        return true;
    *text = strdup(*text);
    return *text != NULL;
}

/* curl's own default port of a proxy is 1080; ours is that of its protocol. */
static bool complete_proxy(struct pen_http_options *options)
{
    if (options->proxy == NULL)
        return true;
    const char *host = strstr(options->proxy, "://");
    host = host == NULL ? options->proxy : host + 3;
    const char *bracket = strchr(host, ']'); /* of an IPv6 address */
    if (strchr(bracket == NULL ? host : bracket, ':') != NULL)
        return copy_text(&options->proxy);
    char *with_port = NULL;
    bool is_https = options->is_proxy_https || strncmp(options->proxy, "https:", 6) == 0;
    if (asprintf(&with_port, "%s:%d", options->proxy, is_https ? 443 : 80) < 0)
        with_port = NULL;
    options->proxy = with_port;
    return with_port != NULL;
}

static bool copy_options(struct pen_http_options *into, const struct pen_http_options *from)
{
    if (from != NULL)
        *into = *from;
    if (into->ca_bundle == NULL)
        into->ca_bundle = getenv("AWS_CA_BUNDLE");
    if (into->ca_bundle != NULL && into->ca_bundle[0] == '\0')
        into->ca_bundle = NULL;
    if (into->user_agent == NULL)
        into->user_agent = "penstock";
    into->memory_bytes = into->memory_bytes > 0 ? into->memory_bytes : DEFAULT_MEMORY;
    if (into->connection_count == 0)
        into->connection_count = DEFAULT_CONNECTIONS;
    if (into->connect_timeout_ms <= 0)
        into->connect_timeout_ms = DEFAULT_CONNECT_MS;
    if (into->idle_timeout_ms <= 0)
        into->idle_timeout_ms = DEFAULT_IDLE_MS;
    /* all five, so that none is left borrowed when one fails */
    bool has_proxy = complete_proxy(into), has_user = copy_text(&into->proxy_user),
         has_password = copy_text(&into->proxy_password), has_ca = copy_text(&into->ca_bundle),
         has_agent = copy_text(&into->user_agent);
    return has_proxy && has_user && has_password && has_ca && has_agent;
}

static enum pen_code start_thread(struct pen_http_client *client, struct pen_error *err)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    /* signals are for the main thread, and TLS writes must not raise SIGPIPE */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&client->thread, NULL, io_thread, client);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start the I/O thread");
    client->has_thread = true;
    return PEN_OK;
}

enum pen_code pen_http_client_new(const struct pen_http_options *options,
                                  struct pen_http_client **ret_client, struct pen_error *err)
{
    (void)pthread_once(&curl_once, init_curl);
    if (curl_ready != CURLE_OK)
        return pen_fail(err, PEN_ERR_INTERNAL, "cannot start the HTTP library");
    PEN_CLEANUP(pen_http_client_free_p)
    struct pen_http_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return pen_fail_nomem(err);
    (void)pthread_mutex_init(&client->lock, NULL);
    (void)pthread_mutex_init(&client->pool_lock, NULL);
    client->multi = curl_multi_init();
    if (!copy_options(&client->options, options) || client->multi == NULL)
        return pen_fail_nomem(err);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
                            (long)client->options.connection_count);
    (void)curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    PEN_TRY(start_thread(client, err));
    *ret_client = PEN_TAKE(client);
    return PEN_OK;
}

static void free_text(const char *text, bool is_secret)
{
    char *own = (char *)(uintptr_t)text; /* copied by copy_text */
    if (own != NULL && is_secret)
        explicit_bzero(own, strlen(own));
    free(own);
}

void pen_http_client_free(struct pen_http_client *client)
{
    if (client == NULL)
        return;
    if (client->has_thread) {
        (void)pthread_mutex_lock(&client->lock);
        client->is_stopping = true;
        (void)pthread_mutex_unlock(&client->lock);
        http_client_wake(client);
        (void)pthread_join(client->thread, NULL);
    }
    while (client->idle_count > 0)
        curl_easy_cleanup(client->idle[--client->idle_count]);
    if (client->multi != NULL)
        (void)curl_multi_cleanup(client->multi);
    while (client->pool != NULL) {
        struct http_block *block = client->pool;
        client->pool = block->next;
        free(block);
    }
    free_text(client->options.proxy, false);
    free_text(client->options.proxy_user, false);
    free_text(client->options.proxy_password, true);
    free_text(client->options.ca_bundle, false);
    free_text(client->options.user_agent, false);
    (void)pthread_mutex_destroy(&client->lock);
    (void)pthread_mutex_destroy(&client->pool_lock);
    free(client);
}
