#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/http_date.h"
#include "s3/s3_internal.h"
#include "s3/s3_page.h"

struct pen_s3_body {
    struct s3_exchange x;
    uint64_t offset, length; /* length 0: to the end */
    uint64_t left;           /* bytes still to come; UINT64_MAX: unknown */
    bool is_range, is_answered;
    struct pen_arena texts; /* of info */
    struct pen_s3_info info;
};

/* ---- what the headers say ---- */

static bool is_md5(const char *etag)
{
    return strlen(etag) == 32 && strspn(etag, "0123456789abcdefABCDEF") == 32;
}

static enum pen_code keep_header(struct pen_http_call *call, const char *name,
                                 struct pen_arena *arena, const char **ret, struct pen_error *err)
{
    struct pen_slice value = pen_http_header(call, name);
    if (strcmp(name, "etag") == 0)
        value = s3_etag_text(value);
    return pen_arena_text(arena, value, ret, err);
}

static enum pen_code read_info(struct pen_http_call *call, struct pen_arena *arena,
                               struct pen_s3_info *ret, struct pen_error *err)
{
    struct pen_s3_info info = {.size_bytes = UINT64_MAX};
    struct pen_slice length = pen_http_header(call, "content-length");
    if (length.len > 0 && !s3_parse_size(length, &info.size_bytes))
        return pen_fail(err, PEN_ERR_CORRUPT, "reply has a bad Content-Length '%.40s'", length.ptr);
    bool has_time = pen_http_date_us(pen_http_header(call, "last-modified"), &info.modified_us);
    (void)has_time; /* 0 stands for an unknown time */
    PEN_TRY(keep_header(call, "etag", arena, &info.etag, err));
    PEN_TRY(keep_header(call, "x-amz-version-id", arena, &info.version_id, err));
    PEN_TRY(keep_header(call, "x-amz-storage-class", arena, &info.storage_class, err));
    if (info.storage_class[0] == '\0')
        info.storage_class = "STANDARD";
    struct pen_slice kms = pen_http_header(call, "x-amz-server-side-encryption");
    struct pen_slice own = pen_http_header(call, "x-amz-server-side-encryption-customer-algorithm");
    info.is_etag_md5 =
        is_md5(info.etag) && own.len == 0 && !pen_slice_starts(kms, PEN_LIT("aws:kms"));
    *ret = info;
    return PEN_OK;
}

/* ---- HEAD ---- */

enum pen_code pen_s3_head(struct pen_s3_client *client, const char *bucket, const char *key,
                          const char *version_id, struct pen_arena *arena,
                          struct pen_s3_info *ret_info, struct pen_error *err)
{
    PEN_CLEANUP(s3_exchange_release) struct s3_exchange x = {0};
    int status = 0;
    PEN_TRY(
        s3_exchange_init(&x, client, "HEAD", bucket, key, "Looking up for a single object", err));
    if (version_id != NULL && version_id[0] != '\0')
        PEN_TRY(s3_exchange_query(&x, "versionId", version_id, err));
    PEN_TRY(s3_exchange_wait(&x, &status, err));
    enum pen_code code = read_info(x.call, arena, ret_info, err);
    if (code != PEN_OK)
        pen_error_where(err, "s3://%s/%s", bucket, key);
    return code;
}

/* ---- GET ---- */

static enum pen_code add_range(struct pen_s3_body *body, struct pen_error *err)
{
    char range[64];
    if (!body->is_range)
        return PEN_OK;
    int n = snprintf(range, sizeof range, "bytes=%" PRIu64 "-", body->offset);
    if (body->length > 0)
        (void)snprintf(range + n, sizeof range - (size_t)n, "%" PRIu64,
                       body->offset + body->length - 1);
    return s3_exchange_header(&body->x, "Range", range, err);
}

static enum pen_code add_condition(struct pen_s3_body *body, const char *etag,
                                   struct pen_error *err)
{
    if (etag == NULL || etag[0] == '\0')
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf quoted = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&quoted, err, "\"%s\"", etag));
    return s3_exchange_header(&body->x, "If-Match", quoted.ptr, err);
}

static enum pen_code build_get(struct pen_s3_body *body, struct pen_s3_client *client,
                               const struct pen_s3_get_request *request, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf operation = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&operation, err, "Getting object '%s'", request->key));
    PEN_TRY(s3_exchange_init(&body->x, client, "GET", request->bucket, request->key, operation.ptr,
                             err));
    body->x.buffer_bytes = request->buffer_bytes;
    body->offset = request->offset;
    body->length = request->length;
    body->is_range = request->offset > 0 || request->length > 0;
    body->texts = PEN_ARENA(1 << 20);
    if (request->version_id != NULL && request->version_id[0] != '\0')
        PEN_TRY(s3_exchange_query(&body->x, "versionId", request->version_id, err));
    PEN_TRY(add_range(body, err));
    return add_condition(body, request->if_match, err);
}

enum pen_code pen_s3_get(struct pen_s3_client *client, const struct pen_s3_get_request *request,
                         struct pen_s3_body **ret_body, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_body_close_p) struct pen_s3_body *body = calloc(1, sizeof *body);
    if (body == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(build_get(body, client, request, err));
    enum pen_code sent = s3_exchange_send(&body->x, NULL);
    (void)sent; /* pen_s3_body_wait sends again what could not be sent, and reports */
    *ret_body = PEN_TAKE(body);
    return PEN_OK;
}

/* "bytes 0-9/1000": must be exactly what was asked for. */
static enum pen_code check_range(struct pen_s3_body *body, struct pen_error *err)
{
    struct pen_slice value = pen_http_header(body->x.call, "content-range");
    uint64_t first = 0, last = 0, total = 0;
    int used = 0;
    /* the value is NUL-terminated in the call */
    bool is_read = value.len > 0 && value.len < 100 &&
                   sscanf(value.ptr, "bytes %20" SCNu64 "-%20" SCNu64 "/%20" SCNu64 "%n", &first,
                          &last, &total, &used) == 3 &&
                   (size_t)used == value.len;
    if (!is_read || first != body->offset || last < first || last >= total ||
        (body->length > 0 ? last - first + 1 != body->length && last + 1 != total
                          : last + 1 != total))
        return pen_fail(err, PEN_ERR_IO,
                        "service answered with the range '%.100s', not with the "
                        "one that was asked for",
                        value.ptr);
    body->left = last - first + 1;
    body->info.size_bytes = total;
    return PEN_OK;
}

static enum pen_code check_answer(struct pen_s3_body *body, int status, struct pen_error *err)
{
    PEN_TRY(read_info(body->x.call, &body->texts, &body->info, err));
    if (status == 206 && body->is_range)
        return check_range(body, err);
    body->left = body->info.size_bytes;
    if (status == 200 && !body->is_range)
        return PEN_OK;
    enum pen_code code =
        status == 200 ? pen_fail(err, PEN_ERR_IO, "service ignores the Range header")
                      : pen_fail(err, PEN_ERR_IO, "unexpected status %d for an object", status);
    pen_error_hint(err, "check endpoint and http_proxy: something between rewrites replies");
    return code;
}

enum pen_code pen_s3_body_wait(struct pen_s3_body *body, const struct pen_s3_info **ret_info,
                               struct pen_error *err)
{
    if (!body->is_answered) {
        int status = 0;
        PEN_TRY(s3_exchange_wait(&body->x, &status, err));
        enum pen_code code = check_answer(body, status, err);
        if (code != PEN_OK) {
            pen_error_where(err, "s3://%s/%s", body->x.bucket, body->x.key);
            return code;
        }
        body->is_answered = true;
    }
    *ret_info = &body->info;
    return PEN_OK;
}

enum pen_code pen_s3_body_read(struct pen_s3_body *body, void *buf, size_t cap, size_t *ret_len,
                               struct pen_error *err)
{
    const struct pen_s3_info *info = NULL;
    size_t len = 0;
    PEN_TRY(pen_s3_body_wait(body, &info, err));
    enum pen_code code = pen_http_read(body->x.call, buf, cap, &len, err);
    if (code == PEN_OK && len == 0 && body->left > 0 && body->left != UINT64_MAX) {
        code = pen_fail(err, PEN_ERR_IO, "reply ended %" PRIu64 " bytes too early", body->left);
        if (err != NULL)
            err->is_retryable = true;
    }
    if (code == PEN_OK && len > body->left)
        code = pen_fail(err, PEN_ERR_IO, "reply is longer than it said");
    if (code != PEN_OK) {
        pen_error_where(err, "s3://%s/%s", body->x.bucket, body->x.key);
        return code;
    }
    if (body->left != UINT64_MAX)
        body->left -= len;
    *ret_len = len;
    return PEN_OK;
}

void pen_s3_body_close(struct pen_s3_body *body)
{
    if (body == NULL)
        return;
    s3_exchange_release(&body->x);
    pen_arena_release(&body->texts);
    free(body);
}
