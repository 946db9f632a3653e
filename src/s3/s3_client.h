/* s3_client.h - requests to an S3 service and their replies; nothing about imports.
 *
 *     list / head / get --signed request--> http client --reply--> entries, info, bytes
 *
 * Every request is retried by the client's policy (net/retry.h), re-signed once for the region the
 * service names, and once with fresh credentials after ExpiredToken. Errors carry s3://bucket/key
 * as `where` and the service's status, code, message and request id.
 * thread: all functions on one client from any thread; one page or body by one thread at a time. */
#ifndef PEN_S3_S3_CLIENT_H
#define PEN_S3_S3_CLIENT_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "net/http_client.h"
#include "net/retry.h"
#include "s3/s3_traffic.h"

struct pen_s3_client;
struct pen_s3_body;

enum pen_s3_path_style {
    PEN_S3_PATH_AUTO, /* path style for IP addresses, custom endpoints and non-DNS bucket names */
    PEN_S3_PATH_ON,
    PEN_S3_PATH_OFF
};

/* Everything is borrowed until pen_s3_client_free, texts are copied. */
struct pen_s3_options {
    const char *endpoint; /* host[:port] or URL; NULL: of the region, else s3.amazonaws.com */
    const char *region;   /* of the signature when endpoint says none; NULL: us-east-1 until told */
    enum pen_s3_path_style path_style;
    bool is_plain_http; /* an endpoint without a scheme is http:// (in.http_proxy.https: false) */
    struct pen_http_client *http;
    struct pen_credential_provider *credentials; /* NULL: anonymous */
    struct pen_retry_policy retry;
    const volatile int *cancel;                                      /* may be NULL */
    void (*log)(void *context, const char *level, const char *text); /* may be NULL; any thread */
    void *log_context;
    struct pen_s3_traffic *traffic; /* counts requests; may be NULL */
};

/* pen_s3_client_new - checks endpoint and region; makes no request.
 * errors: PEN_ERR_CONFIG for an endpoint or region that cannot be one. */
PEN_MUST_USE enum pen_code pen_s3_client_new(const struct pen_s3_options *options,
                                             struct pen_s3_client **ret_client,
                                             struct pen_error *err);
void pen_s3_client_free(struct pen_s3_client *client);
PEN_DEFINE_FREE_P(struct pen_s3_client *, pen_s3_client_free)

/* One key of a listing; texts are borrowed from the page. */
struct pen_s3_entry {
    const char *key;           /* decoded: any bytes but NUL */
    const char *etag;          /* without quotes; "" when the service gave none */
    const char *storage_class; /* "STANDARD" when the service gave none */
    uint64_t size_bytes;
    int64_t modified_us;
};

struct pen_s3_list_request {
    const char *bucket;
    const char *prefix;       /* "": the whole bucket */
    const char *start_after;  /* NULL or "": from the first; only for the first page */
    const char *continuation; /* NULL: the first page; else `continuation` of the page before */
    int max_keys;             /* 0: 1000 */
};

/* A page is zero-initialised by the caller, filled by pen_s3_list again and again, and released. */
struct pen_s3_page {
    struct pen_s3_entry *entries; /* in UTF-8 byte order of their keys */
    size_t count;
    const char *continuation; /* for the next page; NULL: this is the last */
    int64_t server_utc_us;    /* the reply's Date header: the server's clock; 0 when absent */
    struct pen_arena arena;   /* private, like the rest */
    size_t cap;
};

/* pen_s3_list - fetches one page with ListObjectsV2. request.continuation may be the page's own: it
 * is used before the page is cleared.
 * errors: PEN_ERR_NOT_FOUND no such bucket, PEN_ERR_AUTH, PEN_ERR_THROTTLED, PEN_ERR_IO,
 *         PEN_ERR_CORRUPT a reply that is no listing. On error the page is empty. */
PEN_MUST_USE enum pen_code pen_s3_list(struct pen_s3_client *client,
                                       const struct pen_s3_list_request *request,
                                       struct pen_s3_page *page, struct pen_error *err);
void pen_s3_page_release(struct pen_s3_page *page);

/* What a HEAD or GET says of the object. */
struct pen_s3_info {
    uint64_t size_bytes;    /* of the whole object, also for a range */
    int64_t modified_us;    /* 0 when unknown */
    const char *etag;       /* without quotes; "" when unknown */
    const char *version_id; /* "" when unversioned */
    const char *storage_class;
    bool is_etag_md5; /* 32 hex digits and not encrypted with a key of KMS or the customer */
};

/* pen_s3_head - in: version_id may be NULL. out: texts in `arena`. errors: as pen_s3_list, and
 * PEN_ERR_NOT_FOUND no such key. */
PEN_MUST_USE enum pen_code pen_s3_head(struct pen_s3_client *client, const char *bucket,
                                       const char *key, const char *version_id,
                                       struct pen_arena *arena, struct pen_s3_info *ret_info,
                                       struct pen_error *err);

struct pen_s3_get_request {
    const char *bucket, *key;
    const char *version_id; /* NULL or "": the current one */
    const char *if_match;   /* ETag without quotes; NULL or "": unconditional */
    uint64_t offset;
    uint64_t length;     /* 0: to the end */
    size_t buffer_bytes; /* received and unread; 0: 1 MiB */
};

/* pen_s3_get - starts a GET and returns at once (it may wait for credentials); texts are copied.
 * An empty range is the caller's mistake: ask for at least one byte that exists. */
PEN_MUST_USE enum pen_code pen_s3_get(struct pen_s3_client *client,
                                      const struct pen_s3_get_request *request,
                                      struct pen_s3_body **ret_body, struct pen_error *err);

/* pen_s3_body_wait - blocks until the reply's headers are there, with retries. *ret_info is
 * borrowed from the body. May be called again.
 * errors: as pen_s3_head; PEN_ERR_CONFLICT the object is not `if_match` any more; PEN_ERR_AUTH with
 *         a hint for archived objects (InvalidObjectState). */
PEN_MUST_USE enum pen_code pen_s3_body_wait(struct pen_s3_body *body,
                                            const struct pen_s3_info **ret_info,
                                            struct pen_error *err);

/* pen_s3_body_read - 1..cap bytes, blocking; *ret_len 0 when all that was asked for has come.
 * errors: of pen_s3_body_wait; PEN_ERR_IO retryable when the body broke off: no resume here, see
 * s3_reader.h. */
PEN_MUST_USE enum pen_code pen_s3_body_read(struct pen_s3_body *body, void *buf, size_t cap,
                                            size_t *ret_len, struct pen_error *err);
void pen_s3_body_close(struct pen_s3_body *body);
PEN_DEFINE_FREE_P(struct pen_s3_body *, pen_s3_body_close)

#endif
