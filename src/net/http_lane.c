/* http_lane.c - the workers of a server: three lanes, each a queue and its threads, and the ticker
 * that asks streams without news again. */
#include "conc/cond.h"
#include "net/http_server_internal.h"

#include <stdlib.h>

/* How often a stream without news is asked again. */
#define TICK_US 200000

static void queue_put(struct http_queue *queue, struct pen_http_exchange *exchange)
{
    exchange->next = NULL;
    if (queue->last == NULL)
        queue->first = exchange;
    else
        queue->last->next = exchange;
    queue->last = exchange;
}

static struct pen_http_exchange *queue_take(struct http_queue *queue)
{
    struct pen_http_exchange *exchange = queue->first;
    if (exchange == NULL)
        return NULL;
    queue->first = exchange->next;
    if (queue->first == NULL)
        queue->last = NULL;
    exchange->next = NULL;
    return exchange;
}

bool http_lane_put(struct http_lane *lane, struct pen_http_exchange *exchange)
{
    (void)pthread_mutex_lock(&lane->lock); /* a valid mutex: cannot fail */
    bool is_taken = !lane->is_stopping;
    if (is_taken) {
        queue_put(&lane->queue, exchange);
        (void)pthread_cond_signal(&lane->filled);
    }
    (void)pthread_mutex_unlock(&lane->lock);
    return is_taken;
}

/* The next exchange; NULL when the lane stops and its queue is empty. */
static struct pen_http_exchange *lane_take(struct http_lane *lane)
{
    (void)pthread_mutex_lock(&lane->lock);
    while (lane->queue.first == NULL && !lane->is_stopping)
        (void)pthread_cond_wait(&lane->filled, &lane->lock);
    struct pen_http_exchange *exchange = queue_take(&lane->queue);
    (void)pthread_mutex_unlock(&lane->lock);
    return exchange;
}

/* false: the exchange waits with the ticker. */
static bool fill(struct pen_http_exchange *exchange, void *local)
{
    struct pen_http_server *server = exchange->server;
    struct pen_error err = {0};
    enum pen_code code = PEN_OK;
    do /* a stream may need several steps for its next byte */
        code = exchange->stream.fill(exchange->stream.context, local, &exchange->bytes,
                                     &exchange->flow, &err);
    while (code == PEN_OK && exchange->bytes.len == 0 && exchange->flow == PEN_HTTP_MORE);
    exchange->is_broken = code != PEN_OK;
    if (code != PEN_OK || exchange->bytes.len > 0 || exchange->flow == PEN_HTTP_END)
        return true;
    if (atomic_load(&server->is_draining)) {
        exchange->flow = PEN_HTTP_END;
        return true;
    }
    (void)pthread_mutex_lock(&server->wait_lock);
    bool is_waiting = !server->is_ticker_stopping;
    if (is_waiting)
        queue_put(&server->waiting, exchange);
    (void)pthread_mutex_unlock(&server->wait_lock);
    if (!is_waiting)
        exchange->flow = PEN_HTTP_END;
    return !is_waiting;
}

static void work_on(struct pen_http_exchange *exchange, void *local)
{
    const struct pen_http_handler *handler = &exchange->server->handler;
    if (exchange->phase == HTTP_PHASE_FILL) {
        if (!fill(exchange, local))
            return;
    } else {
        handler->handle(handler->context, local, exchange);
        if (exchange->kind == HTTP_REPLY_NONE)
            http_exchange_fail(exchange, 500, "internal error: no reply was made");
    }
    exchange->phase = HTTP_PHASE_READY;
    http_server_resume(exchange);
}

/* Without its local (the database is gone, say) a worker still answers: with an error. */
static void *worker_main(void *context)
{
    struct http_lane *lane = context;
    const struct pen_http_handler *handler = &lane->server->handler;
    struct pen_http_exchange *exchange = NULL;
    void *local = NULL;
    bool is_open = false;
    while ((exchange = lane_take(lane)) != NULL) {
        struct pen_error err = {0};
        if (!is_open)
            is_open = handler->open_local(handler->context, &local, &err) == PEN_OK;
        if (is_open) {
            work_on(exchange, local);
            continue;
        }
        exchange->is_broken = exchange->phase == HTTP_PHASE_FILL;
        if (!exchange->is_broken)
            http_exchange_fail(exchange, 503, err.message);
        exchange->phase = HTTP_PHASE_READY;
        http_server_resume(exchange);
    }
    if (is_open)
        handler->close_local(handler->context, local);
    return NULL;
}

static void *ticker_main(void *context)
{
    struct pen_http_server *server = context;
    (void)pthread_mutex_lock(&server->wait_lock);
    while (!server->is_ticker_stopping) {
        struct timespec until = pen_cond_deadline(TICK_US);
        (void)pthread_cond_timedwait(&server->wait_over, &server->wait_lock, &until);
        struct http_queue ready = server->waiting;
        server->waiting = (struct http_queue){NULL, NULL};
        (void)pthread_mutex_unlock(&server->wait_lock);
        struct pen_http_exchange *exchange = NULL;
        while ((exchange = queue_take(&ready)) != NULL) {
            if (http_lane_put(&server->slow, exchange))
                continue;
            exchange->flow = PEN_HTTP_END;
            exchange->phase = HTTP_PHASE_READY;
            http_server_resume(exchange);
        }
        (void)pthread_mutex_lock(&server->wait_lock);
    }
    (void)pthread_mutex_unlock(&server->wait_lock);
    return NULL;
}

static enum pen_code lane_start(struct http_lane *lane, struct pen_http_server *server,
                                unsigned count, struct pen_error *err)
{
    lane->server = server;
    lane->threads = calloc(count, sizeof *lane->threads);
    if (lane->threads == NULL)
        return pen_fail_nomem(err);
    for (; lane->thread_count < count; lane->thread_count++) {
        int failed = pthread_create(&lane->threads[lane->thread_count], NULL, worker_main, lane);
        if (failed != 0)
            return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    }
    return PEN_OK;
}

static void lane_stop(struct http_lane *lane)
{
    (void)pthread_mutex_lock(&lane->lock);
    lane->is_stopping = true;
    (void)pthread_cond_broadcast(&lane->filled);
    (void)pthread_mutex_unlock(&lane->lock);
    for (unsigned i = 0; i < lane->thread_count; i++)
        (void)pthread_join(lane->threads[i], NULL); /* our own threads: join */
    free(lane->threads);
    lane->threads = NULL;
    lane->thread_count = 0;
}

enum pen_code http_lanes_start(struct pen_http_server *server, struct pen_error *err)
{
    PEN_TRY(lane_start(&server->quick, server, server->options.quick_workers, err));
    PEN_TRY(lane_start(&server->slow, server, server->options.slow_workers, err));
    PEN_TRY(lane_start(&server->far, server, server->options.far_workers, err));
    int failed = pthread_create(&server->ticker, NULL, ticker_main, server);
    if (failed != 0)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, failed, "cannot start a thread");
    server->has_ticker = true;
    return PEN_OK;
}

void http_lanes_stop(struct pen_http_server *server)
{
    atomic_store(&server->is_draining, true);
    (void)pthread_mutex_lock(&server->wait_lock);
    server->is_ticker_stopping = true;
    (void)pthread_cond_broadcast(&server->wait_over);
    (void)pthread_mutex_unlock(&server->wait_lock);
    if (server->has_ticker)
        (void)pthread_join(server->ticker, NULL);
    server->has_ticker = false;
    lane_stop(&server->quick);
    lane_stop(&server->slow);
    lane_stop(&server->far);
}
