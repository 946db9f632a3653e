/* s3_internal.h - one request until it has a good reply: signed, sent, redirected, refreshed and
 * tried again. Everything in s3_client.h is made of this.
 *
 *     spec --sign--> http call --wait--> 2xx: the caller reads the body
 *                        ^                else: other region, fresh credentials, or wait a while
 *                        '-----------------------'
 * thread: one at a time per exchange; the client from any thread. */
#ifndef PEN_S3_S3_INTERNAL_H
#define PEN_S3_S3_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "aws/sigv4.h"
#include "base/say.h"
#include "s3/s3_client.h"
#include "s3/s3_error.h"
#include "s3/s3_uri.h"

struct s3_home; /* where a bucket turned out to live */

struct pen_s3_client {
    struct pen_s3_options options; /* texts are in endpoint and region below */
    struct s3_endpoint endpoint;
    char region[S3_REGION_TEXT]; /* of the signature */
    pthread_mutex_t lock;
    struct s3_home *homes;   /* lock */
    atomic_int spare_ranges; /* GETs that readers have in flight beyond their first */
};

/* s3_client_home - region and endpoint to use for a bucket now. thread: any. */
void s3_client_home(struct pen_s3_client *client, const char *bucket,
                    char ret_region[S3_REGION_TEXT], struct s3_endpoint *ret_endpoint);
/* s3_client_move - remembers the region that the service named. thread: any. */
PEN_MUST_USE enum pen_code s3_client_move(struct pen_s3_client *client, const char *bucket,
                                          const char *region, struct pen_error *err);

#define S3_QUERY_MAX  8
#define S3_HEADER_MAX 4

struct s3_exchange {
    struct pen_s3_client *client;
    struct pen_arena arena;            /* the texts of the request */
    const char *method, *bucket, *key; /* key NULL: the bucket itself */
    struct pen_sigv4_pair query[S3_QUERY_MAX], headers[S3_HEADER_MAX];
    size_t query_count, header_count;
    size_t buffer_bytes;

    struct pen_http_call *call; /* NULL: not sent */
    struct pen_credentials used;
    char region[S3_REGION_TEXT];
    struct pen_retry retry;
    bool has_moved, has_refreshed;
};

/* s3_exchange_init - copies bucket, key and operation (the words of retry warnings). Release it
 * also after an error. */
PEN_MUST_USE enum pen_code s3_exchange_init(struct s3_exchange *x, struct pen_s3_client *client,
                                            const char *method, const char *bucket, const char *key,
                                            const char *operation, struct pen_error *err);
void s3_exchange_release(struct s3_exchange *x);

/* s3_exchange_query / _header - one more parameter; value is copied. */
PEN_MUST_USE enum pen_code s3_exchange_query(struct s3_exchange *x, const char *name,
                                             const char *value, struct pen_error *err);
PEN_MUST_USE enum pen_code s3_exchange_header(struct s3_exchange *x, const char *name,
                                              const char *value, struct pen_error *err);

/* s3_exchange_send - signs and sends, without waiting for the reply; a call before is closed. */
PEN_MUST_USE enum pen_code s3_exchange_send(struct s3_exchange *x, struct pen_error *err);

/* s3_exchange_wait - sends if need be, and blocks until there is a good reply in x->call.
 * errors: after all retries, with s3://bucket/key as place. */
PEN_MUST_USE enum pen_code s3_exchange_wait(struct s3_exchange *x, int *ret_status,
                                            struct pen_error *err);

/* s3_exchange_again - after the caller's own failure with a good reply (a body that broke off):
 * true when it has waited and s3_exchange_wait is to be called again; false: *failed is final. */
bool s3_exchange_again(struct s3_exchange *x, struct pen_error *failed, int64_t retry_after_ms);

#endif
