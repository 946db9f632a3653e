/* deliver.c - one notice to one target: a mail, or a signed POST. */
#include "base/json_writer.h"
#include "notify/notify_internal.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define TIMEOUT_MS   30000
#define HEADER_BYTES 160
#define REPLY_BYTES  ((size_t)64 << 10)

/* --- mail ------------------------------------------------------------------------------------- */

/* "key: value" lines; nulls are left out. */
static enum pen_code write_text(const struct pen_notice *notice, struct pen_buf *into,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    struct pen_node *body = NULL;
    PEN_TRY(pen_buf_addf(into, err, "%s\n\n", notice->title));
    PEN_TRY(pen_tree_parse_json(pen_slice_str(notice->body), "notice", &arena, &body, err));
    for (const struct pen_node *member = body->first; member != NULL; member = member->next)
        if (member->kind != PEN_NODE_NULL)
            PEN_TRY(pen_buf_addf(into, err, "%.*s: %s\n", PEN_ARG(member->key), member->text.ptr));
    return PEN_OK;
}

static enum pen_code deliver_mail(const struct pen_target *target, const struct pen_notice *notice,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf subject = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(write_text(notice, &text, err));
    PEN_TRY(pen_buf_addf(&subject, err, "Penstock: %s", notice->title));
    struct pen_mail_server server = {.url = target->mail.server,
                                     .must_encrypt = target->mail.encrypt,
                                     .user = target->mail.user,
                                     .password = target->mail.password};
    struct pen_mail mail = {
        .from = target->mail.from, .to = target->mail_to, .subject = subject.ptr, .text = text.ptr};
    return pen_mail_send(&server, &mail, err);
}

/* --- webhook ---------------------------------------------------------------------------------- */

static enum pen_code write_json(const struct pen_notice *notice, struct pen_buf *into,
                                struct pen_error *err)
{
    struct pen_json_writer w = PEN_JSON_WRITER(into);
    char at[PEN_INSTANT_TEXT];
    (void)pen_instant_print((struct pen_instant){.utc_us = notice->created_us}, at);
    pen_jw_begin_object(&w);
    pen_jw_member_int(&w, "id", notice->notice_id);
    pen_jw_member_text(&w, "event", notice->kind);
    pen_jw_member_text(&w, "title", notice->title);
    pen_jw_member_text(&w, "created_at", at);
    pen_jw_key(&w, "data");
    pen_jw_raw(&w, pen_slice_str(notice->body));
    pen_jw_end_object(&w);
    return pen_jw_done(&w, err);
}

/* HMAC-SHA-256 over "<timestamp>.<body>": the receiver can tell that it comes from us, and when. */
static enum pen_code sign(const char *secret, const char *timestamp, struct pen_slice body,
                          char out[HEADER_BYTES], struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    PEN_TRY(pen_buf_addf(&text, err, "%s.", timestamp));
    PEN_TRY(pen_buf_add_slice(&text, body, err));
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text.ptr, text.len,
             digest, &len) == NULL)
        return pen_fail(err, PEN_ERR_INTERNAL, "HMAC-SHA-256 failed");
    int at = snprintf(out, HEADER_BYTES, "X-Penstock-Signature: sha256=");
    for (unsigned i = 0; i < len; i++)
        at += snprintf(out + at, HEADER_BYTES - (size_t)at, "%02x", digest[i]); /* fits */
    return PEN_OK;
}

static enum pen_code post(struct pen_http_client *http, const struct pen_http_request *request,
                          struct pen_error *err)
{
    PEN_CLEANUP(pen_http_close_p) struct pen_http_call *call = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf reply = PEN_BUF(REPLY_BYTES);
    int status = 0;
    PEN_TRY(pen_http_start(http, request, &call, err));
    PEN_TRY(pen_http_wait(call, &status, err));
    (void)!pen_http_read_all(call, &reply, NULL); /* whatever it says, its status counts */
    if (status >= 200 && status < 300)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_IO, "the webhook answered %d", status);
    if (err != NULL) /* a receiver that says no for good is not asked again */
        err->is_retryable = status >= 500 || status == 408 || status == 425 || status == 429;
    return PEN_ERR_IO;
}

static enum pen_code deliver_webhook(const struct pen_target *target,
                                     const struct pen_notice *notice, struct pen_http_client *http,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(PEN_BUF_TEXT_MAX);
    char event[HEADER_BYTES], delivery[HEADER_BYTES], stamp[HEADER_BYTES], time[24];
    char signature[HEADER_BYTES] = "";
    PEN_TRY(write_json(notice, &body, err));
    (void)snprintf(time, sizeof time, "%" PRId64, pen_now_us() / PEN_US_PER_SECOND);
    (void)snprintf(event, sizeof event, "X-Penstock-Event: %s", notice->kind);
    (void)snprintf(delivery, sizeof delivery, "X-Penstock-Delivery: %" PRId64, notice->notice_id);
    (void)snprintf(stamp, sizeof stamp, "X-Penstock-Timestamp: %s", time);
    const char *headers[6] = {"Content-Type: application/json", event, delivery, stamp};
    if (target->webhook.secret != NULL) {
        PEN_TRY(sign(target->webhook.secret, time, pen_buf_slice(&body), signature, err));
        headers[4] = signature;
    }
    struct pen_http_request request = {.method = "POST",
                                       .url = target->webhook.url,
                                       .headers = headers,
                                       .body = pen_buf_slice(&body),
                                       .timeout_ms = TIMEOUT_MS};
    return post(http, &request, err);
}

enum pen_code pen_deliver(const struct pen_target *target, const struct pen_notice *notice,
                          struct pen_http_client *http, struct pen_error *err)
{
    return target->mail_to != NULL ? deliver_mail(target, notice, err)
                                   : deliver_webhook(target, notice, http, err);
}
