#include "conc/cond.h"
#include "net/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define POOL_BLOCKS    256
#define HEADERS_MAX    ((size_t)256 << 10)
#define CANCEL_POLL_US 100000
#define DEFAULT_BUFFER ((size_t)1 << 20)

struct http_block *http_block_get(struct pen_http_client *client)
{
    (void)pthread_mutex_lock(&client->pool_lock);
    struct http_block *block = client->pool;
    if (block != NULL) {
        client->pool = block->next;
        client->pool_count--;
    }
    (void)pthread_mutex_unlock(&client->pool_lock);
    if (block == NULL)
        block = malloc(sizeof *block);
    if (block == NULL)
        return NULL;
    block->next = NULL;
    block->len = block->used = 0;
    (void)atomic_fetch_add(&client->held_bytes, (long long)sizeof *block);
    return block;
}

void http_block_put(struct pen_http_client *client, struct http_block *block)
{
    (void)atomic_fetch_sub(&client->held_bytes, (long long)sizeof *block);
    (void)pthread_mutex_lock(&client->pool_lock);
    if (client->pool_count < POOL_BLOCKS) {
        block->next = client->pool;
        client->pool = block;
        client->pool_count++;
        block = NULL;
    }
    (void)pthread_mutex_unlock(&client->pool_lock);
    free(block);
}

static void put_list(struct pen_http_client *client, struct http_block *block)
{
    while (block != NULL) {
        struct http_block *next = block->next;
        http_block_put(client, block);
        block = next;
    }
}

void http_call_free(struct pen_http_call *call)
{
    if (call == NULL)
        return;
    put_list(call->client, call->first);
    put_list(call->client, call->taken);
    free(call->method);
    free(call->url);
    free(call->host);
    for (char **line = call->headers; line != NULL && *line != NULL; line++)
        free(*line);
    free(call->headers);
    pen_buf_release(&call->body);
    pen_buf_release(&call->reply_headers);
    (void)pthread_mutex_destroy(&call->lock);
    (void)pthread_cond_destroy(&call->arrived);
    free(call);
}
PEN_DEFINE_FREE_P(struct pen_http_call *, http_call_free)

/* ---- the I/O thread's side ---- */

bool http_call_has_room(struct pen_http_call *call)
{
    size_t unread = atomic_load(&call->unread);
    if (unread == 0)
        return true;
    return unread < call->buffer_bytes &&
           atomic_load(&call->client->held_bytes) < call->client->options.memory_bytes;
}

bool http_call_append(struct pen_http_call *call, const char *bytes, size_t len)
{
    (void)pthread_mutex_lock(&call->lock);
    bool is_stored = true;
    for (size_t done = 0; done < len;) {
        if (call->last == NULL || call->last->len == HTTP_BLOCK_BYTES) {
            struct http_block *block = http_block_get(call->client);
            if (block == NULL) {
                is_stored = false;
                break;
            }
            *(call->last == NULL ? &call->first : &call->last->next) = block;
            call->last = block;
        }
        size_t room = HTTP_BLOCK_BYTES - call->last->len;
        size_t n = len - done < room ? len - done : room;
        memcpy(call->last->bytes + call->last->len, bytes + done, n);
        call->last->len += n;
        done += n;
    }
    (void)atomic_fetch_add(&call->unread, len);
    (void)pthread_mutex_unlock(&call->lock);
    return is_stored;
}

static int status_of(struct pen_slice line)
{
    size_t at = 0;
    while (at < line.len && line.ptr[at] != ' ')
        at++;
    int status = 0;
    for (at++; at < line.len && line.ptr[at] >= '0' && line.ptr[at] <= '9' && status < 1000; at++)
        status = status * 10 + (line.ptr[at] - '0');
    return status;
}

static struct pen_slice trim(struct pen_slice text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = pen_slice_skip(text, 1);
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL)
        text.len--;
    return text;
}

/* Stored as name NUL value NUL. */
static bool store_header(struct pen_http_call *call, struct pen_slice line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    if (colon == NULL || memchr(line.ptr, '\0', line.len) != NULL)
        return true; /* no header: nothing that anybody could ask for */
    size_t name_len = (size_t)(colon - line.ptr);
    struct pen_buf *into = &call->reply_headers;
    call->is_head_too_large = line.len + 2 > into->max - into->len;
    return !call->is_head_too_large &&
           pen_buf_add_slice(into, trim(pen_slice(line.ptr, name_len)), NULL) == PEN_OK &&
           pen_buf_add_char(into, '\0', NULL) == PEN_OK &&
           pen_buf_add_slice(into, trim(pen_slice_skip(line, name_len + 1)), NULL) == PEN_OK &&
           pen_buf_add_char(into, '\0', NULL) == PEN_OK;
}

bool http_call_header_line(struct pen_http_call *call, struct pen_slice line)
{
    bool is_stored = true;
    (void)pthread_mutex_lock(&call->lock);
    if (call->has_headers) {
        /* a trailer: nobody needs one, and the head must not change any more */
    } else if (pen_slice_starts(line, PEN_LIT("HTTP/"))) {
        pen_buf_clear(&call->reply_headers);
        call->status = status_of(line);
    } else if (trim(line).len == 0) {
        call->has_headers = call->status >= 200; /* else an interim reply: another head comes */
    } else {
        is_stored = store_header(call, line);
    }
    (void)pthread_mutex_unlock(&call->lock);
    return is_stored;
}

void http_call_notify(struct pen_http_call *call)
{
    (void)pthread_mutex_lock(&call->lock);
    (void)pthread_cond_broadcast(&call->arrived);
    (void)pthread_mutex_unlock(&call->lock);
}

void http_call_finish(struct pen_http_call *call, const struct pen_error *result)
{
    (void)pthread_mutex_lock(&call->lock);
    call->result = *result;
    call->is_done = true;
    (void)pthread_cond_broadcast(&call->arrived);
    (void)pthread_mutex_unlock(&call->lock);
}

/* ---- the callers' side ---- */

static enum pen_code copy_headers(struct pen_http_call *call, const char *const *lines,
                                  struct pen_error *err)
{
    size_t count = 0;
    while (lines != NULL && lines[count] != NULL)
        count++;
    call->headers = calloc(count + 1, sizeof *call->headers);
    if (call->headers == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        /* a line end in a header would begin another header, or another request */
        if (strpbrk(lines[i], "\r\n") != NULL)
            return pen_fail(err, PEN_ERR_CONFIG, "a request header contains a line end");
        call->headers[i] = strdup(lines[i]);
        if (call->headers[i] == NULL)
            return pen_fail_nomem(err);
    }
    return PEN_OK;
}

/* The host and port of a URL, for messages. */
static char *host_of(const char *url)
{
    const char *from = strstr(url, "://");
    from = from == NULL ? url : from + 3;
    return strndup(from, strcspn(from, "/?#"));
}

static enum pen_code make_call(struct pen_http_client *client,
                               const struct pen_http_request *request,
                               struct pen_http_call **ret_call, struct pen_error *err)
{
    PEN_CLEANUP(http_call_free_p) struct pen_http_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return pen_fail_nomem(err);
    call->client = client;
    (void)pthread_mutex_init(&call->lock, NULL); /* cannot fail with default attributes */
    pen_cond_init(&call->arrived);
    call->method = strdup(request->method);
    call->url = strdup(request->url);
    call->host = host_of(request->url);
    if (call->method == NULL || call->url == NULL || call->host == NULL)
        return pen_fail_nomem(err);
    call->body = PEN_BUF(request->body.len);
    call->reply_headers = PEN_BUF(HEADERS_MAX);
    if (request->body.len > 0)
        PEN_TRY(pen_buf_add_slice(&call->body, request->body, err));
    PEN_TRY(copy_headers(call, request->headers, err));
    call->timeout_ms = request->timeout_ms;
    call->buffer_bytes = request->buffer_bytes == 0 ? DEFAULT_BUFFER : request->buffer_bytes;
    call->is_direct = request->is_direct;
    call->cancel = request->cancel;
    *ret_call = PEN_TAKE(call);
    return PEN_OK;
}

enum pen_code pen_http_start(struct pen_http_client *client, const struct pen_http_request *request,
                             struct pen_http_call **ret_call, struct pen_error *err)
{
    struct pen_http_call *call = NULL;
    PEN_TRY(make_call(client, request, &call, err));
    (void)pthread_mutex_lock(&client->lock);
    struct pen_http_call **end = &client->queue;
    while (*end != NULL)
        end = &(*end)->next;
    *end = call;
    (void)pthread_mutex_unlock(&client->lock);
    http_client_wake(client);
    *ret_call = call;
    return PEN_OK;
}

/* A queued call that somebody waits for may pass those that nobody does. */
static void await(struct pen_http_call *call)
{
    struct pen_http_client *client = call->client;
    if (call->has_awaited)
        return;
    call->has_awaited = true;
    (void)pthread_mutex_lock(&client->lock);
    bool is_news = call->state == HTTP_QUEUED;
    call->is_awaited = true;
    (void)pthread_mutex_unlock(&client->lock);
    if (is_news)
        http_client_wake(client);
}

static bool is_cancelled(struct pen_http_call *call)
{
    return atomic_load(&call->is_ended) || (call->cancel != NULL && *call->cancel != 0);
}

/* Sleeps until something arrives, but looks for a cancel now and then; call->lock is held. The I/O
 * thread ends every call by its time-outs, so the wait has a deadline. */
static void sleep_a_while(struct pen_http_call *call)
{
    struct timespec until = pen_cond_deadline(CANCEL_POLL_US);
    (void)pthread_cond_timedwait(&call->arrived, &call->lock, &until); /* time-out: look again */
}

static enum pen_code fail_cancelled(struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_CANCELLED, "request was cancelled");
}

static enum pen_code fail_as(const struct pen_error *result, struct pen_error *err)
{
    if (err != NULL)
        *err = *result;
    return result->code;
}

enum pen_code pen_http_wait(struct pen_http_call *call, int *ret_status, struct pen_error *err)
{
    await(call);
    (void)pthread_mutex_lock(&call->lock);
    while (!call->has_headers && !call->is_done && !is_cancelled(call))
        sleep_a_while(call);
    bool has_headers = call->has_headers, is_done = call->is_done;
    int status = call->status;
    (void)pthread_mutex_unlock(&call->lock);
    if (has_headers) {
        *ret_status = status;
        return PEN_OK;
    }
    if (is_done && call->result.code != PEN_OK)
        return fail_as(&call->result, err);
    if (is_done)
        return pen_fail(err, PEN_ERR_IO, "'%s' sent no reply", call->host);
    return fail_cancelled(err);
}

struct pen_slice pen_http_header(struct pen_http_call *call, const char *name)
{
    const char *at = call->reply_headers.ptr;
    const char *end = at == NULL ? NULL : at + call->reply_headers.len;
    while (at != end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0)
            return pen_slice_str(value);
        at = value + strlen(value) + 1;
    }
    return PEN_LIT("");
}

/* Moves everything that has arrived to the reader's own list; false at the end or after an error.
 */
static enum pen_code take(struct pen_http_call *call, bool *ret_is_end, struct pen_error *err)
{
    (void)pthread_mutex_lock(&call->lock);
    while (call->first == NULL && !call->is_done && !is_cancelled(call))
        sleep_a_while(call);
    call->taken = call->first;
    call->first = call->last = NULL;
    bool is_done = call->is_done;
    (void)pthread_mutex_unlock(&call->lock);
    *ret_is_end = call->taken == NULL;
    if (call->taken != NULL || (is_done && call->result.code == PEN_OK))
        return PEN_OK;
    return is_done ? fail_as(&call->result, err) : fail_cancelled(err);
}

/* Tells the I/O thread when this reader's progress lets a paused call go on. */
static void resume(struct pen_http_call *call)
{
    struct pen_http_client *client = call->client;
    if (atomic_load(&client->paused_count) == 0)
        return;
    bool is_own =
        atomic_load(&call->is_paused) && atomic_load(&call->unread) <= call->buffer_bytes / 2;
    int64_t limit = client->options.memory_bytes;
    if (is_own || atomic_load(&client->held_bytes) < limit - limit / 8)
        http_client_wake(client);
}

enum pen_code pen_http_read(struct pen_http_call *call, void *buf, size_t cap, size_t *ret_len,
                            struct pen_error *err)
{
    if (call->taken == NULL) {
        bool is_end = false;
        await(call);
        PEN_TRY(take(call, &is_end, err));
        if (is_end) {
            *ret_len = 0;
            return PEN_OK;
        }
    }
    if (is_cancelled(call))
        return fail_cancelled(err);
    size_t done = 0;
    while (done < cap && call->taken != NULL) {
        struct http_block *block = call->taken;
        size_t n = block->len - block->used < cap - done ? block->len - block->used : cap - done;
        memcpy((char *)buf + done, block->bytes + block->used, n);
        block->used += n;
        done += n;
        if (block->used < block->len)
            continue;
        call->taken = block->next;
        http_block_put(call->client, block);
    }
    (void)atomic_fetch_sub(&call->unread, done);
    resume(call);
    *ret_len = done;
    return PEN_OK;
}

enum pen_code pen_http_read_all(struct pen_http_call *call, struct pen_buf *into,
                                struct pen_error *err)
{
    char chunk[16384];
    for (;;) {
        size_t len = 0;
        PEN_TRY(pen_http_read(call, chunk, sizeof chunk, &len, err));
        if (len == 0)
            return PEN_OK;
        PEN_TRY(pen_buf_add(into, chunk, len, err));
    }
}

void pen_http_cancel(struct pen_http_call *call)
{
    atomic_store(&call->is_ended, true);
    http_call_notify(call);
    http_client_wake(call->client);
}

/* Takes a call that has not begun out of the queue; client->lock is held. */
static void unqueue(struct pen_http_client *client, struct pen_http_call *call)
{
    struct pen_http_call **at = &client->queue;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
}

void pen_http_close(struct pen_http_call *call)
{
    if (call == NULL)
        return;
    struct pen_http_client *client = call->client;
    (void)pthread_mutex_lock(&client->lock);
    enum http_state state = call->state;
    if (state == HTTP_QUEUED)
        unqueue(client, call);
    else if (state == HTTP_ACTIVE)
        atomic_store(&call->is_closed, true); /* from here on it may be gone */
    (void)pthread_mutex_unlock(&client->lock);
    if (state == HTTP_ACTIVE)
        http_client_wake(client);
    else
        http_call_free(call);
}
