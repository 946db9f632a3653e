/* http_internal.h - what http_client.c (the I/O thread) and http_call.c (its callers) share.
 *
 *     I/O thread --http_call_append--> blocks --pen_http_read--> caller's buffer
 *
 * Locks: client->lock guards the queue, `state` and `is_awaited` of every call; call->lock guards
 * what has arrived. Order: client->lock before call->lock; no callback under either. */
#ifndef PEN_NET_HTTP_INTERNAL_H
#define PEN_NET_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/http_client.h"

#define HTTP_IDLE_HANDLES 64
#define HTTP_BLOCK_BYTES  ((size_t)65536 - 32)

struct http_block {
    struct http_block *next;
    size_t len, used; /* bytes filled; bytes already handed out */
    char bytes[HTTP_BLOCK_BYTES];
};

enum http_state {
    HTTP_QUEUED, /* in client->queue; whoever closes it frees it */
    HTTP_ACTIVE, /* belongs to the I/O thread, which frees it when is_closed */
    HTTP_DONE    /* the I/O thread has let go of it for good */
};

struct pen_http_call {
    struct pen_http_client *client;
    struct pen_http_call *next; /* in the queue or, of the I/O thread, in the active list */
    char *method, *url, *host;
    char **headers; /* NULL-terminated */
    struct pen_buf body;
    int64_t timeout_ms;
    size_t buffer_bytes;
    bool is_direct;
    const volatile int *cancel;

    enum http_state state; /* client->lock */
    bool is_awaited;       /* client->lock: a thread waits, so it may pass others */
    atomic_bool is_closed; /* nobody will ask any more */
    atomic_bool is_ended;  /* cancelled by pen_http_cancel */
    atomic_bool is_paused; /* by back-pressure */
    atomic_size_t unread;  /* received, not yet handed out */

    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct http_block *first, *last; /* lock: received, not yet taken by the reader */
    struct pen_buf reply_headers;    /* lock until has_headers, then constant */
    int status;
    bool has_headers, is_done;
    struct pen_error result; /* valid when is_done; code PEN_OK: complete */

    /* of the reader alone */
    struct http_block *taken;
    bool has_awaited;

    /* of the I/O thread alone */
    void *easy, *header_list;
    char *curl_error;
    int64_t progress_us; /* when the last byte came */
    uint64_t received;
    bool is_head_too_large;
    bool is_dirty; /* the reader is to be woken */
};

struct pen_http_client {
    struct pen_http_options options; /* texts copied, defaults filled in */
    void *multi;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock;
    struct pen_http_call *queue; /* oldest first */
    bool is_stopping;

    pthread_mutex_t pool_lock;
    struct http_block *pool;
    size_t pool_count;

    atomic_llong held_bytes;      /* in blocks that hold unread bytes */
    atomic_int paused_count;      /* calls that wait for memory or their reader */
    atomic_bool is_woken;         /* the I/O thread has been woken and has not looked yet */
    struct pen_http_call *active; /* of the I/O thread */
    unsigned active_count;
    void *idle[HTTP_IDLE_HANDLES]; /* likewise */
    unsigned idle_count;
};

/* http_call_append - stores received bytes; false: no memory. thread: I/O. */
bool http_call_append(struct pen_http_call *call, const char *bytes, size_t len);

/* http_call_has_room - whether the call may take more now. A call without unread bytes always may,
 * so that no reader can wait for memory that others hold. thread: any. */
bool http_call_has_room(struct pen_http_call *call);

/* http_call_header_line - one line of the reply's head, with its line end. thread: I/O. */
bool http_call_header_line(struct pen_http_call *call, struct pen_slice line);

/* http_call_finish - the last word on a call; wakes its reader. thread: I/O. */
void http_call_finish(struct pen_http_call *call, const struct pen_error *result);

/* http_call_notify - wakes the reader after bytes or headers came. thread: I/O. */
void http_call_notify(struct pen_http_call *call);

/* http_call_free - nobody else knows the call any more. */
void http_call_free(struct pen_http_call *call);

/* http_client_wake - makes the I/O thread look at its calls soon. thread: any. */
void http_client_wake(struct pen_http_client *client);

struct http_block *http_block_get(struct pen_http_client *client);
void http_block_put(struct pen_http_client *client, struct http_block *block);

/* http_explain - why a transfer failed, in our words and without the password of a proxy.
 * in: curl_code: curl's result, not CURLE_OK. out: *result. thread: the I/O thread. */
void http_explain(struct pen_http_call *call, int curl_code, struct pen_error *result);

#endif
