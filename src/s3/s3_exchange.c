#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "net/http_date.h"
#include "s3/s3_internal.h"

#define EXCHANGE_TEXT_MAX ((size_t)1 << 20)
#define ERROR_BODY_MAX    ((size_t)64 << 10)
#define URL_MAX_BYTES     ((size_t)64 << 10)

/* ---- the request ---- */

static enum pen_code copy_text(struct s3_exchange *x, const char *text, const char **ret,
                               struct pen_error *err)
{
    return pen_arena_text(&x->arena, pen_slice_str(text), ret, err);
}

enum pen_code s3_exchange_init(struct s3_exchange *x, struct pen_s3_client *client,
                               const char *method, const char *bucket, const char *key,
                               const char *operation, struct pen_error *err)
{
    *x = (struct s3_exchange){.client = client, .method = method};
    x->arena = PEN_ARENA(EXCHANGE_TEXT_MAX);
    x->retry.policy = client->options.retry;
    x->retry.cancel = client->options.cancel;
    x->retry.log = client->options.log;
    x->retry.log_context = client->options.log_context;
    PEN_TRY(copy_text(x, operation, &x->retry.operation, err));
    PEN_TRY(copy_text(x, bucket, &x->bucket, err));
    return key == NULL ? PEN_OK : copy_text(x, key, &x->key, err);
}

void s3_exchange_release(struct s3_exchange *x)
{
    pen_http_close(x->call);
    pen_arena_release(&x->arena);
    pen_credentials_release(&x->used);
    x->call = NULL;
}

static enum pen_code add_pair(struct s3_exchange *x, struct pen_sigv4_pair *pairs, size_t *count,
                              const char *name, const char *value, struct pen_error *err)
{
    const char *copy = NULL;
    PEN_TRY(copy_text(x, value, &copy, err));
    pairs[(*count)++] = (struct pen_sigv4_pair){pen_slice_str(name), pen_slice_str(copy)};
    return PEN_OK;
}

enum pen_code s3_exchange_query(struct s3_exchange *x, const char *name, const char *value,
                                struct pen_error *err)
{
    return add_pair(x, x->query, &x->query_count, name, value, err);
}

enum pen_code s3_exchange_header(struct s3_exchange *x, const char *name, const char *value,
                                 struct pen_error *err)
{
    return add_pair(x, x->headers, &x->header_count, name, value, err);
}

/* ---- signed and sent ---- */

struct target {
    struct s3_endpoint endpoint;
    struct pen_buf host, path, url;
};

static void release_target(struct target *target)
{
    pen_buf_release(&target->host);
    pen_buf_release(&target->path);
    pen_buf_release(&target->url);
}

static enum pen_code find_target(struct s3_exchange *x, struct target *target,
                                 struct pen_error *err)
{
    struct pen_s3_client *client = x->client;
    s3_client_home(client, x->bucket, x->region, &target->endpoint);
    bool is_path_style = s3_is_path_style(&target->endpoint, client->options.path_style, x->bucket);
    PEN_TRY(s3_build_host(&target->endpoint, is_path_style, x->bucket, &target->host, err));
    PEN_TRY(s3_build_path(&target->endpoint, is_path_style, x->bucket, x->key, &target->path, err));
    PEN_TRY(pen_buf_addf(&target->url, err, "%s://%s%s",
                         target->endpoint.is_plain_http ? "http" : "https", target->host.ptr,
                         target->path.ptr));
    if (x->query_count == 0)
        return PEN_OK;
    PEN_TRY(pen_buf_add_char(&target->url, '?', err));
    return pen_sigv4_query(&target->url, x->query, x->query_count, err);
}

static enum pen_code send_signed(struct s3_exchange *x, const struct target *target,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(EXCHANGE_TEXT_MAX);
    struct pen_s3_options *options = &x->client->options;
    struct pen_sigv4_request request = {
        .method = x->method,
        .host = target->host.ptr,
        .path = target->path.ptr,
        .query = x->query,
        .query_count = x->query_count,
        .headers = x->headers,
        .header_count = x->header_count,
        .payload_hash = PEN_SIGV4_EMPTY_HASH,
        .has_payload_header = true,
        .region = x->region,
        .service = "s3",
        .now_utc_us = pen_now_us(),
    };
    const char *const *lines = NULL;
    PEN_TRY(pen_sigv4_sign(&request, options->credentials == NULL ? NULL : &x->used, &arena, &lines,
                           err));
    struct pen_http_request http = {
        .method = x->method,
        .url = target->url.ptr,
        .headers = lines,
        .buffer_bytes = x->buffer_bytes,
        .cancel = options->cancel,
    };
    return pen_http_start(options->http, &http, &x->call, err);
}

static void count_request(const struct s3_exchange *x)
{
    struct pen_s3_traffic *traffic = x->client->options.traffic;
    if (traffic == NULL)
        return;
    if (x->key == NULL)
        (void)atomic_fetch_add(&traffic->list_requests, 1);
    else if (strcmp(x->method, "HEAD") == 0)
        (void)atomic_fetch_add(&traffic->head_requests, 1);
    else
        (void)atomic_fetch_add(&traffic->get_requests, 1);
    atomic_store(&traffic->credential_expiry_us, x->used.expiry_utc_us);
}

enum pen_code s3_exchange_send(struct s3_exchange *x, struct pen_error *err)
{
    pen_http_close(PEN_TAKE(x->call));
    PEN_CLEANUP(release_target)
    struct target target = {.host = PEN_BUF(URL_MAX_BYTES),
                            .path = PEN_BUF(URL_MAX_BYTES),
                            .url = PEN_BUF(URL_MAX_BYTES)};
    struct pen_credential_provider *provider = x->client->options.credentials;
    pen_credentials_release(&x->used);
    if (provider != NULL)
        PEN_TRY(provider->get(provider, &x->used, err));
    PEN_TRY(find_target(x, &target, err));
    count_request(x);
    return send_signed(x, &target, err);
}

/* ---- the reply ---- */

static void copy_header(struct pen_http_call *call, const char *name, char *into, size_t cap)
{
    struct pen_slice value = pen_http_header(call, name);
    (void)snprintf(into, cap, "%.*s", PEN_ARG(value)); /* cut on purpose */
}

static void read_error(struct s3_exchange *x, int status, struct s3_error_reply *ret_reply)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(ERROR_BODY_MAX);
    struct s3_error_reply *reply = ret_reply;
    *reply = (struct s3_error_reply){.status = status};
    copy_header(x->call, "x-amz-request-id", reply->request_id, sizeof reply->request_id);
    copy_header(x->call, "x-amz-bucket-region", reply->region, sizeof reply->region);
    int64_t now = 0;
    if (pen_http_date_us(pen_http_header(x->call, "date"), &now))
        reply->clock_skew_us = now - pen_now_us();
    bool is_whole = pen_http_read_all(x->call, &body, NULL) == PEN_OK;
    (void)is_whole; /* what came may say enough; else the status does */
    s3_error_parse(reply, pen_buf_slice(&body));
}

/* The service named another region than the one that was signed for: once per request. */
static bool may_move(struct s3_exchange *x, const struct s3_error_reply *reply)
{
    if (x->has_moved || !s3_error_is_region(reply) || !s3_is_region(reply->region) ||
        strcmp(reply->region, x->region) == 0)
        return false;
    x->has_moved = true;
    PEN_SAY(&x->client->options, "debug", "bucket '%s' is in region %s, not %s", x->bucket,
            reply->region, x->region);
    return s3_client_move(x->client, x->bucket, reply->region, NULL) == PEN_OK;
}

static bool is_same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Expired credentials: worth another try when the provider has others now; once per request. */
static bool may_refresh(struct s3_exchange *x, const struct s3_error_reply *reply)
{
    struct pen_credential_provider *provider = x->client->options.credentials;
    if (x->has_refreshed || provider == NULL || !s3_error_is_expired(reply))
        return false;
    x->has_refreshed = true;
    provider->invalidate(provider, &x->used);
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials fresh = {0};
    return provider->get(provider, &fresh, NULL) == PEN_OK &&
           (!is_same_text(fresh.access_key_id, x->used.access_key_id) ||
            !is_same_text(fresh.session_token, x->used.session_token));
}

/* One attempt: PEN_OK with a good status, or what failed. */
static enum pen_code attempt(struct s3_exchange *x, int *ret_status, int64_t *ret_after_ms,
                             struct pen_error *err)
{
    struct s3_error_reply reply;
    *ret_after_ms = 0;
    for (;;) {
        int status = 0;
        if (x->call == NULL)
            PEN_TRY(s3_exchange_send(x, err));
        PEN_TRY(pen_http_wait(x->call, &status, err));
        if (status >= 200 && status < 300) {
            *ret_status = status;
            return PEN_OK;
        }
        char after[64];
        copy_header(x->call, "retry-after", after, sizeof after);
        *ret_after_ms = pen_retry_after_ms(after, pen_now_us());
        read_error(x, status, &reply);
        pen_http_close(PEN_TAKE(x->call));
        if (!may_move(x, &reply) && !may_refresh(x, &reply))
            break;
    }
    return s3_error_make(&reply, x->key == NULL, err);
}

static void set_place(struct s3_exchange *x, struct pen_error *err)
{
    pen_error_where(err, "s3://%s%s%s", x->bucket, x->key == NULL ? "" : "/",
                    x->key == NULL ? "" : x->key);
}

bool s3_exchange_again(struct s3_exchange *x, struct pen_error *failed, int64_t retry_after_ms)
{
    pen_http_close(PEN_TAKE(x->call)); /* the connection is not held while waiting */
    set_place(x, failed);
    bool is_again = pen_retry_again(&x->retry, failed, retry_after_ms);
    if (is_again && x->client->options.traffic != NULL)
        (void)atomic_fetch_add(&x->client->options.traffic->retries, 1);
    return is_again;
}

enum pen_code s3_exchange_wait(struct s3_exchange *x, int *ret_status, struct pen_error *err)
{
    struct pen_error failed = {0};
    int64_t after_ms = 0;
    while (attempt(x, ret_status, &after_ms, &failed) != PEN_OK) {
        if (s3_exchange_again(x, &failed, after_ms))
            continue;
        if (err != NULL)
            *err = failed;
        return failed.code;
    }
    return PEN_OK;
}
