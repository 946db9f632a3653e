#include "net/mail.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/cleanup.h"
#include "base/uuid.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000L
#define TIMEOUT_MS         60000L
#define MAIL_MAX_BYTES     ((size_t)1 << 20)
#define LINE_BYTES         57 /* of plain bytes: 76 characters of base64 */

/* --- addresses -------------------------------------------------------------------------------- */

/* The address itself: what stands in <...>, else all of it. */
static struct pen_slice bare_address(const char *text)
{
    const char *open = strrchr(text, '<'), *close = open == NULL ? NULL : strchr(open, '>');
    return close == NULL ? pen_slice_str(text) : pen_slice(open + 1, (size_t)(close - open - 1));
}

enum pen_code pen_mail_check_address(const char *address, struct pen_error *err)
{
    struct pen_slice bare = bare_address(address);
    const char *at = memchr(bare.ptr, '@', bare.len);
    bool is_good = at != NULL && at > bare.ptr && at + 1 < bare.ptr + bare.len;
    for (const char *c = address; *c != '\0'; c++)
        is_good = is_good && (unsigned char)*c >= ' ' && *c != 0x7F;
    for (size_t i = 0; i < bare.len; i++)
        is_good = is_good && bare.ptr[i] != ' ' && bare.ptr[i] != '<' && bare.ptr[i] != '>';
    return is_good ? PEN_OK : pen_fail(err, PEN_ERR_CONFIG, "'%.100s' is no mail address", address);
}

/* --- the message ------------------------------------------------------------------------------ */

static enum pen_code add_base64(struct pen_buf *into, struct pen_slice bytes, const char *line_end,
                                struct pen_error *err)
{
    while (bytes.len > 0) {
        unsigned char line[4 * (LINE_BYTES / 3) + 1];
        size_t len = bytes.len < LINE_BYTES ? bytes.len : LINE_BYTES;
        int made = EVP_EncodeBlock(line, (const unsigned char *)bytes.ptr, (int)len);
        PEN_TRY(pen_buf_add(into, line, (size_t)made, err));
        PEN_TRY(pen_buf_add_str(into, line_end, err));
        bytes = pen_slice_skip(bytes, len);
    }
    return PEN_OK;
}

/* A header of any UTF-8 text as encoded words (RFC 2047), cut between characters. */
static enum pen_code add_subject(struct pen_buf *into, const char *subject, struct pen_error *err)
{
    enum { WORD_BYTES = 42 };
    struct pen_slice rest = pen_slice_str(subject);
    PEN_TRY(pen_buf_add_str(into, "Subject:", err));
    while (rest.len > 0) {
        size_t len = rest.len < WORD_BYTES ? rest.len : WORD_BYTES;
        while (len < rest.len && len > 1 && ((unsigned char)rest.ptr[len] & 0xC0) == 0x80)
            len--;
        PEN_TRY(pen_buf_add_str(into, " =?UTF-8?B?", err));
        PEN_TRY(add_base64(into, pen_slice(rest.ptr, len), "", err));
        rest = pen_slice_skip(rest, len);
        PEN_TRY(pen_buf_add_str(into, rest.len > 0 ? "?=\r\n" : "?=", err));
    }
    return pen_buf_add_str(into, "\r\n", err);
}

static enum pen_code add_date(struct pen_buf *into, struct pen_error *err)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t now_us = pen_now_us();
    struct pen_civil c = pen_civil_from_us(now_us);
    return pen_buf_addf(into, err, "Date: %s, %d %s %lld %02d:%02d:%02d +0000\r\n",
                        days[now_us / PEN_US_PER_SECOND / 86400 % 7], c.day, months[c.month - 1],
                        (long long)c.year, c.hour, c.minute, c.second);
}

static enum pen_code write_message(const struct pen_mail *mail, struct pen_buf *into,
                                   struct pen_error *err)
{
    char id[PEN_UUID_TEXT];
    pen_uuid_v7(id);
    PEN_TRY(add_date(into, err));
    PEN_TRY(pen_buf_addf(into, err, "From: %s\r\nTo: ", mail->from));
    for (size_t i = 0; mail->to[i] != NULL; i++)
        PEN_TRY(pen_buf_addf(into, err, "%s%s", i == 0 ? "" : ",\r\n ", mail->to[i]));
    PEN_TRY(pen_buf_addf(into, err, "\r\nMessage-ID: <%s@penstock>\r\n", id));
    PEN_TRY(add_subject(into, mail->subject, err));
    PEN_TRY(pen_buf_add_str(into,
                            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: base64\r\n\r\n",
                            err));
    return add_base64(into, pen_slice_str(mail->text), "\r\n", err);
}

/* --- sending ---------------------------------------------------------------------------------- */

static size_t give(char *out, size_t size, size_t count, void *context)
{
    struct pen_slice *rest = context;
    size_t room = size * count, len = rest->len < room ? rest->len : room;
    if (len > 0)
        memcpy(out, rest->ptr, len);
    *rest = pen_slice_skip(*rest, len);
    return len;
}

static void free_list(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static void free_easy(CURL **easy)
{
    curl_easy_cleanup(*easy);
}

static enum pen_code add_recipients(const struct pen_mail *mail, struct curl_slist **list,
                                    struct pen_error *err)
{
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf address = PEN_BUF(4096);
        PEN_TRY(pen_mail_check_address(mail->to[i], err));
        PEN_TRY(pen_buf_addf(&address, err, "<%.*s>", PEN_ARG(bare_address(mail->to[i]))));
        struct curl_slist *longer = curl_slist_append(*list, address.ptr);
        if (longer == NULL)
            return pen_fail_nomem(err);
        *list = longer;
    }
    return *list != NULL ? PEN_OK : pen_fail(err, PEN_ERR_CONFIG, "the mail has no recipient");
}

static enum pen_code explain(CURL *easy, CURLcode result, const char *words, const char *url,
                             struct pen_error *err)
{
    long reply = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply); /* stays 0 */
    enum pen_code code = result == CURLE_LOGIN_DENIED ? PEN_ERR_AUTH : PEN_ERR_IO;
    if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
        code = PEN_ERR_CONFIG;
    (void)pen_fail(err, code, "the mail was not taken: %s (SMTP reply %ld)",
                   words[0] != '\0' ? words : curl_easy_strerror(result), reply);
    pen_error_where(err, "%s", url);
    if (err != NULL)
        err->is_retryable = code == PEN_ERR_IO && reply < 500;
    return code;
}

static void set_up(CURL *easy, const struct pen_mail_server *server, const char *from,
                   struct curl_slist *recipients)
{
    (void)curl_easy_setopt(easy, CURLOPT_URL, server->url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    (void)curl_easy_setopt(easy, CURLOPT_USE_SSL,
                           (long)(server->must_encrypt ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
    (void)curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
    if (server->user != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_USERNAME, server->user);
    if (server->password != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_PASSWORD, server->password);
    if (server->ca_bundle != NULL)
        (void)curl_easy_setopt(easy, CURLOPT_CAINFO, server->ca_bundle);
}

enum pen_code pen_mail_send(const struct pen_mail_server *server, const struct pen_mail *mail,
                            struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf message = PEN_BUF(MAIL_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf from = PEN_BUF(4096);
    PEN_CLEANUP(free_list) struct curl_slist *recipients = NULL;
    PEN_CLEANUP(free_easy) CURL *easy = curl_easy_init();
    char words[CURL_ERROR_SIZE] = "";
    if (easy == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_mail_check_address(mail->from, err));
    PEN_TRY(add_recipients(mail, &recipients, err));
    PEN_TRY(write_message(mail, &message, err));
    PEN_TRY(pen_buf_addf(&from, err, "<%.*s>", PEN_ARG(bare_address(mail->from))));
    struct pen_slice rest = pen_buf_slice(&message);
    set_up(easy, server, from.ptr, recipients);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, &rest);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    CURLcode result = curl_easy_perform(easy);
    return result == CURLE_OK ? PEN_OK : explain(easy, result, words, server->url, err);
}
