/* One object in order: a window of GETs, the first of which is being read.
 *
 *     parts[0] | parts[1] | ... | parts[count-1] | not asked for yet
 *     ^position                                   ^next_start
 *
 * The first part is always allowed; more of them only while the client has spare ranges, so that
 * many readers opened ahead do not take all connections. */
#include "s3/s3_reader.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "s3/s3_internal.h"

#define DEFAULT_RANGE_BYTES ((size_t)8 << 20)
#define DEFAULT_RANGES      8
#define RANGES_MAX          32
#define SPARE_RANGES_MAX    16 /* of one client, over all its readers */
#define AHEAD_RANGES        2  /* before the first read: opened ahead, perhaps for long */
#define STREAM_BUFFER       ((size_t)4 << 20)

struct part {
    struct pen_s3_body *body;
    uint64_t end; /* UINT64_MAX: of the object, unknown */
    bool is_spare, is_answered;
};

struct pen_s3_reader {
    struct pen_s3_client *client;
    struct pen_arena texts;
    const char *bucket, *key, *version_id, *etag; /* etag "": not known yet */
    uint64_t size;                                /* UINT64_MAX: not known yet */
    uint64_t start, position, next_start;
    size_t range_bytes;
    unsigned range_count;
    bool is_ranged, is_logged, is_reading, is_done;
    struct part parts[RANGES_MAX]; /* in order */
    unsigned count;
    struct pen_retry stalls; /* resumes that brought nothing */
    bool wants_md5;
    EVP_MD_CTX *md5; /* NULL: not checked */
};

/* ---- open and close ---- */

static enum pen_code copy_text(struct pen_s3_reader *reader, const char *text, const char **ret,
                               struct pen_error *err)
{
    return pen_arena_text(&reader->texts, pen_slice_str(text), ret, err);
}

static void start_md5(struct pen_s3_reader *reader)
{
    reader->md5 = EVP_MD_CTX_new();
    if (reader->md5 != NULL && EVP_DigestInit_ex(reader->md5, EVP_md5(), NULL) == 1)
        return;
    EVP_MD_CTX_free(reader->md5); /* forbidden here (FIPS): the length still is checked */
    reader->md5 = NULL;
}

static void set_up(struct pen_s3_reader *reader, const struct pen_s3_read_request *request)
{
    reader->size = request->size_bytes;
    reader->start = reader->position = reader->next_start = request->offset;
    reader->range_bytes = request->range_bytes > 0 ? request->range_bytes : DEFAULT_RANGE_BYTES;
    reader->range_count = request->range_count > 0 ? request->range_count : DEFAULT_RANGES;
    if (reader->range_count > RANGES_MAX)
        reader->range_count = RANGES_MAX;
    uint64_t left = reader->size - reader->start;
    reader->is_ranged =
        reader->size != UINT64_MAX && left > reader->range_bytes + reader->range_bytes / 2;
    reader->is_done = reader->size != UINT64_MAX && reader->start > 0 && left == 0;
    reader->stalls = (struct pen_retry){.policy = reader->client->options.retry,
                                        .operation = "Reading object",
                                        .cancel = reader->client->options.cancel,
                                        .log = reader->client->options.log,
                                        .log_context = reader->client->options.log_context};
    reader->wants_md5 = !request->skip_etag_check && reader->start == 0;
}

static void close_part(struct pen_s3_reader *reader, struct part *part)
{
    pen_s3_body_close(part->body);
    if (part->is_spare)
        (void)atomic_fetch_sub(&reader->client->spare_ranges, 1);
    *part = (struct part){0};
}

static void drop_first(struct pen_s3_reader *reader)
{
    close_part(reader, &reader->parts[0]);
    reader->count--;
    memmove(reader->parts, reader->parts + 1, reader->count * sizeof *reader->parts);
}

void pen_s3_reader_close(struct pen_s3_reader *reader)
{
    if (reader == NULL)
        return;
    while (reader->count > 0)
        drop_first(reader);
    EVP_MD_CTX_free(reader->md5);
    pen_arena_release(&reader->texts);
    free(reader);
}

/* ---- asking for parts ---- */

static size_t buffer_for(const struct pen_s3_reader *reader, uint64_t start, uint64_t end)
{
    if (end == UINT64_MAX)
        return STREAM_BUFFER;
    uint64_t most = reader->range_bytes + reader->range_bytes / 2;
    uint64_t bytes = end - start < most ? end - start : most;
    return bytes < 65536 ? 65536 : (size_t)bytes;
}

/* Asks for [start, end) into `part`; end UINT64_MAX: to the end. */
static enum pen_code ask(struct pen_s3_reader *reader, uint64_t start, uint64_t end,
                         struct part *part, struct pen_error *err)
{
    bool is_whole = start == 0 && end == reader->size;
    struct pen_s3_get_request request = {
        .bucket = reader->bucket,
        .key = reader->key,
        .version_id = reader->version_id,
        .if_match = reader->etag,
        .offset = start,
        .length = is_whole || end == UINT64_MAX ? 0 : end - start,
        .buffer_bytes = buffer_for(reader, start, end),
    };
    PEN_TRY(pen_s3_get(reader->client, &request, &part->body, err));
    part->end = end;
    return PEN_OK;
}

static bool take_spare(struct pen_s3_client *client)
{
    if (atomic_fetch_add(&client->spare_ranges, 1) < SPARE_RANGES_MAX)
        return true;
    (void)atomic_fetch_sub(&client->spare_ranges, 1);
    return false;
}

/* Keeps the window full. Without an ETag only one part: the next must be of the same version. */
static enum pen_code fill_window(struct pen_s3_reader *reader, struct pen_error *err)
{
    unsigned most = reader->range_count;
    if (!reader->is_reading && most > AHEAD_RANGES)
        most = AHEAD_RANGES;
    if (!reader->is_ranged || reader->etag[0] == '\0')
        most = 1;
    while (reader->count < most && (reader->next_start < reader->size || reader->size == 0)) {
        struct part part = {0};
        uint64_t left = reader->size - reader->next_start;
        uint64_t end = reader->is_ranged && left > reader->range_bytes
                           ? reader->next_start + reader->range_bytes
                           : reader->size;
        if (reader->count > 0 && !take_spare(reader->client))
            return PEN_OK;
        part.is_spare = reader->count > 0;
        enum pen_code code = ask(reader, reader->next_start, end, &part, err);
        if (code != PEN_OK) {
            close_part(reader, &part);
            return code;
        }
        reader->parts[reader->count++] = part;
        reader->next_start = end;
        if (reader->size == 0)
            break;
    }
    return PEN_OK;
}

enum pen_code pen_s3_reader_open(struct pen_s3_client *client,
                                 const struct pen_s3_read_request *request,
                                 struct pen_s3_reader **ret_reader, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_reader_close_p) struct pen_s3_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return pen_fail_nomem(err);
    reader->client = client;
    reader->texts = PEN_ARENA(1 << 20);
    if (request->offset > request->size_bytes)
        return pen_fail(err, PEN_ERR_INTERNAL, "offset %" PRIu64 " is past the object's end",
                        request->offset);
    PEN_TRY(copy_text(reader, request->bucket, &reader->bucket, err));
    PEN_TRY(copy_text(reader, request->key, &reader->key, err));
    PEN_TRY(copy_text(reader, request->version_id, &reader->version_id, err));
    PEN_TRY(copy_text(reader, request->etag, &reader->etag, err));
    set_up(reader, request);
    if (!reader->is_done)
        PEN_TRY(fill_window(reader, err));
    *ret_reader = PEN_TAKE(reader);
    return PEN_OK;
}

/* ---- what comes back ---- */

static void set_place(const struct pen_s3_reader *reader, struct pen_error *err)
{
    if (err == NULL)
        return;
    pen_error_where(err, "s3://%s/%s", reader->bucket, reader->key);
    err->offset = reader->position;
}

static enum pen_code fail_changed(const struct pen_s3_reader *reader, struct pen_error *err)
{
    enum pen_code code = pen_fail(err, PEN_ERR_CONFLICT, "object changed while it was being read");
    pen_error_hint(err, "run again to load its new version");
    set_place(reader, err);
    return code;
}

/* The first reply of the object: its size and version are from now on what every part must have. */
static enum pen_code learn(struct pen_s3_reader *reader, const struct pen_s3_info *info,
                           struct pen_error *err)
{
    if (reader->size != UINT64_MAX && info->size_bytes != reader->size)
        return fail_changed(reader, err);
    if (reader->etag[0] == '\0')
        PEN_TRY(copy_text(reader, info->etag, &reader->etag, err));
    if (!reader->is_logged && reader->wants_md5 && info->is_etag_md5)
        start_md5(reader);
    reader->size = info->size_bytes;
    if (reader->parts[0].end == UINT64_MAX)
        reader->parts[0].end = reader->next_start = info->size_bytes;
    if (!reader->is_logged)
        PEN_SAY(&reader->client->options, "info",
                "Open S3Object with bucket [%s], key [%s], with size [%" PRIu64 "]", reader->bucket,
                reader->key, info->size_bytes);
    reader->is_logged = true;
    return PEN_OK;
}

static enum pen_code answer(struct pen_s3_reader *reader, struct part *part, struct pen_error *err)
{
    const struct pen_s3_info *info = NULL;
    enum pen_code code = pen_s3_body_wait(part->body, &info, err);
    if (code == PEN_ERR_CONFLICT)
        return fail_changed(reader, err);
    if (code != PEN_OK) {
        set_place(reader, err);
        return code;
    }
    bool is_other =
        reader->etag[0] != '\0' && info->etag[0] != '\0' && strcmp(info->etag, reader->etag) != 0;
    if (is_other)
        return fail_changed(reader, err);
    PEN_TRY(learn(reader, info, err));
    part->is_answered = true;
    return PEN_OK;
}

/* 1234567 as 1,234,567 */
static void group_digits(uint64_t value, char out[32])
{
    char plain[24];
    int len = snprintf(plain, sizeof plain, "%" PRIu64, value), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = plain[i];
    }
    out[at] = '\0';
}

/* A body that broke off goes on at the byte behind the last delivered one. Resumes are not counted,
 * as specified, but those in a row that bring nothing are retried like requests. */
static enum pen_code resume(struct pen_s3_reader *reader, bool has_progress,
                            struct pen_error *failed, struct pen_error *err)
{
    struct part *part = &reader->parts[0];
    char offset[32];
    if (has_progress)
        reader->stalls.retries = 0;
    set_place(reader, failed);
    if (!has_progress && !pen_retry_again(&reader->stalls, failed, 0)) {
        if (err != NULL)
            *err = *failed;
        return failed->code;
    }
    group_digits(reader->position, offset);
    PEN_SAY(&reader->client->options, "warn",
            "S3 read failed. Retrying GET request with %s bytes offset", offset);
    struct part again = {.is_spare = part->is_spare};
    uint64_t end = part->end;
    pen_s3_body_close(PEN_TAKE(part->body));
    PEN_TRY(ask(reader, reader->position, end, &again, err));
    *part = again;
    return PEN_OK;
}

/* ---- reading ---- */

static enum pen_code check_whole(struct pen_s3_reader *reader, struct pen_error *err)
{
    uint8_t digest[16];
    char hex[33];
    reader->is_done = true;
    if (reader->md5 == NULL)
        return PEN_OK;
    if (EVP_DigestFinal_ex(reader->md5, digest, NULL) != 1)
        return pen_fail(err, PEN_ERR_INTERNAL, "MD5 failed");
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (strcasecmp(hex, reader->etag) == 0)
        return PEN_OK;
    enum pen_code code =
        pen_fail(err, PEN_ERR_CORRUPT, "received bytes have the MD5 %s, the object's is %s", hex,
                 reader->etag);
    if (err != NULL)
        err->is_retryable = true; /* a fresh transfer may be whole */
    pen_error_hint(err, "run again; if it stays, the object is damaged or a proxy alters it");
    set_place(reader, err);
    return code;
}

/* Reads from the first part; *ret_len 0: it has given all it had. */
static enum pen_code read_first(struct pen_s3_reader *reader, void *buf, size_t cap,
                                size_t *ret_len, struct pen_error *err)
{
    for (bool has_progress = true;; has_progress = false) {
        struct part *part = &reader->parts[0];
        struct pen_error failed = {0};
        if (part->body == NULL) /* a resume that could not even be prepared */
            PEN_TRY(ask(reader, reader->position, part->end, part, err));
        if (!part->is_answered)
            PEN_TRY(answer(reader, part, err));
        if (pen_s3_body_read(part->body, buf, cap, ret_len, &failed) == PEN_OK) {
            reader->stalls.retries = *ret_len > 0 ? 0 : reader->stalls.retries;
            return PEN_OK;
        }
        if (reader->position == part->end) { /* broken, but behind its last byte */
            *ret_len = 0;
            return PEN_OK;
        }
        if (!failed.is_retryable) {
            set_place(reader, &failed);
            if (err != NULL)
                *err = failed;
            return failed.code;
        }
        PEN_TRY(resume(reader, has_progress, &failed, err));
    }
}

enum pen_code pen_s3_reader_read(struct pen_s3_reader *reader, void *buf, size_t cap,
                                 size_t *ret_len, struct pen_error *err)
{
    size_t len = 0;
    reader->is_reading = true;
    while (!reader->is_done && len == 0) {
        PEN_TRY(fill_window(reader, err));
        PEN_TRY(read_first(reader, buf, cap, &len, err));
        if (len > 0)
            break;
        drop_first(reader);
        bool is_end = reader->count == 0 &&
                      (reader->size == UINT64_MAX || reader->next_start >= reader->size);
        if (is_end)
            PEN_TRY(check_whole(reader, err));
    }
    if (len > 0 && reader->md5 != NULL && EVP_DigestUpdate(reader->md5, buf, len) != 1)
        return pen_fail(err, PEN_ERR_INTERNAL, "MD5 failed");
    reader->position += len;
    *ret_len = len;
    return PEN_OK;
}

/* ---- at an offset ---- */

/* One attempt to go on; *done grows by what came. Errors that a new request may cure are in
 * *failed. */
static enum pen_code read_some(struct pen_s3_reader *reader, uint64_t offset, char *buf, size_t len,
                               size_t *done, struct pen_error *failed)
{
    PEN_CLEANUP(pen_s3_body_close_p) struct pen_s3_body *body = NULL;
    struct pen_s3_get_request request = {
        .bucket = reader->bucket,
        .key = reader->key,
        .version_id = reader->version_id,
        .if_match = reader->etag,
        .offset = offset + *done,
        .length = len - *done,
    };
    const struct pen_s3_info *info = NULL;
    PEN_TRY(pen_s3_get(reader->client, &request, &body, failed));
    enum pen_code code = pen_s3_body_wait(body, &info, failed);
    failed->is_retryable = false; /* retried below already */
    if (code == PEN_ERR_CONFLICT)
        return fail_changed(reader, failed);
    PEN_TRY(code);
    if (reader->etag[0] == '\0')
        PEN_TRY(copy_text(reader, info->etag, &reader->etag, failed));
    while (*done < len) {
        size_t n = 0;
        PEN_TRY(pen_s3_body_read(body, buf + *done, len - *done, &n, failed));
        if (n == 0)
            return pen_fail(failed, PEN_ERR_CORRUPT, "object ends before byte %" PRIu64,
                            offset + len);
        *done += n;
    }
    return PEN_OK;
}

enum pen_code pen_s3_reader_read_at(struct pen_s3_reader *reader, uint64_t offset, void *buf,
                                    size_t len, struct pen_error *err)
{
    struct pen_error failed = {0};
    struct pen_retry retry = reader->stalls;
    retry.retries = 0;
    if (reader->size != UINT64_MAX && (offset > reader->size || len > reader->size - offset)) {
        enum pen_code code =
            pen_fail(err, PEN_ERR_CORRUPT, "object ends before byte %" PRIu64, offset + len);
        set_place(reader, err);
        return code;
    }
    for (size_t done = 0, before = 0; done < len; before = done) {
        if (read_some(reader, offset, buf, len, &done, &failed) == PEN_OK)
            return PEN_OK;
        pen_error_where(&failed, "s3://%s/%s", reader->bucket, reader->key);
        failed.offset = offset + done;
        bool may_go_on =
            failed.is_retryable && (done > before || pen_retry_again(&retry, &failed, 0));
        if (may_go_on)
            continue;
        if (err != NULL)
            *err = failed;
        return failed.code;
    }
    return PEN_OK;
}
