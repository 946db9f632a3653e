#include "aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"

#define HASH_BYTES  32
#define BLOCK_BYTES 64
#define SIGN_MAX    ((size_t)256 << 10) /* no server takes a larger head */
#define PAIRS_ALL   (PEN_SIGV4_PAIRS_MAX + 4)
#define TIME_TEXT   32

static void to_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

/* Looked up once: a look-up costs more than the hash of a short text. */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; /* kept until the program ends */

static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static bool hash_two(EVP_MD_CTX *context, struct pen_slice first, struct pen_slice second,
                     uint8_t out[HASH_BYTES])
{
    return EVP_DigestInit_ex2(context, sha256, NULL) == 1 &&
           EVP_DigestUpdate(context, first.ptr, first.len) == 1 &&
           EVP_DigestUpdate(context, second.ptr, second.len) == 1 &&
           EVP_DigestFinal_ex(context, out, NULL) == 1;
}

static EVP_MD_CTX *new_context(void)
{
    (void)pthread_once(&sha256_once, find_sha256);
    return sha256 == NULL ? NULL : EVP_MD_CTX_new();
}

static void free_context(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

enum pen_code pen_sigv4_hash(struct pen_slice bytes, char ret_hex[65], struct pen_error *err)
{
    uint8_t hash[HASH_BYTES];
    PEN_CLEANUP(free_context) EVP_MD_CTX *context = new_context();
    if (context == NULL || !hash_two(context, bytes, PEN_LIT(""), hash))
        return pen_fail(err, PEN_ERR_INTERNAL, "SHA-256 failed");
    to_hex(hash, sizeof hash, ret_hex);
    return PEN_OK;
}

enum pen_code pen_uri_encode(struct pen_buf *into, struct pen_slice text, bool keep_slash,
                             struct pen_error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    PEN_TRY(pen_buf_reserve(into, text.len * 3, err));
    char *out = into->ptr + into->len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                        (c == '/' && keep_slash);
        if (is_plain) {
            *out++ = c;
        } else {
            *out++ = '%';
            *out++ = digits[(uint8_t)c >> 4];
            *out++ = digits[(uint8_t)c & 15];
        }
    }
    *out = '\0';
    into->len = (size_t)(out - into->ptr);
    return PEN_OK;
}

/* ---- query ---- */

static int compare_pairs(const void *a, const void *b)
{
    const struct pen_sigv4_pair *x = a, *y = b;
    int order = pen_slice_compare(x->name, y->name);
    return order != 0 ? order : pen_slice_compare(x->value, y->value);
}

/* Encodes one text behind `into` and answers where it stands; offsets, as the buffer may move. */
static enum pen_code encode_one(struct pen_buf *into, struct pen_slice text, size_t *ret_at,
                                struct pen_error *err)
{
    *ret_at = into->len;
    return pen_uri_encode(into, text, false, err);
}

enum pen_code pen_sigv4_query(struct pen_buf *into, const struct pen_sigv4_pair *query,
                              size_t count, struct pen_error *err)
{
    if (count > PEN_SIGV4_PAIRS_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "more than %d query parameters",
                        PEN_SIGV4_PAIRS_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf texts = PEN_BUF(SIGN_MAX);
    size_t at[2 * PEN_SIGV4_PAIRS_MAX + 1];
    struct pen_sigv4_pair sorted[PEN_SIGV4_PAIRS_MAX];
    for (size_t i = 0; i < count; i++) {
        PEN_TRY(encode_one(&texts, query[i].name, &at[2 * i], err));
        PEN_TRY(encode_one(&texts, query[i].value, &at[2 * i + 1], err));
    }
    at[2 * count] = texts.len;
    for (size_t i = 0; i < count; i++) {
        sorted[i].name = pen_slice(texts.ptr + at[2 * i], at[2 * i + 1] - at[2 * i]);
        sorted[i].value = pen_slice(texts.ptr + at[2 * i + 1], at[2 * i + 2] - at[2 * i + 1]);
    }
    qsort(sorted, count, sizeof *sorted, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            PEN_TRY(pen_buf_add_char(into, '&', err));
        PEN_TRY(pen_buf_add_slice(into, sorted[i].name, err));
        PEN_TRY(pen_buf_add_char(into, '=', err));
        PEN_TRY(pen_buf_add_slice(into, sorted[i].value, err));
    }
    return PEN_OK;
}

/* ---- headers ---- */

/* All that is signed, names in lower case (in `texts`), sorted, equal names in their given order.
 */
struct signed_headers {
    struct pen_sigv4_pair pairs[PAIRS_ALL];
    size_t count;
    struct pen_arena texts;
};

static void time_text(int64_t now_utc_us, char *out)
{
    struct pen_civil c = pen_civil_from_us(now_utc_us);
    (void)snprintf(out, TIME_TEXT, "%04d%02d%02dT%02d%02d%02dZ", (int)c.year, c.month, c.day,
                   c.hour, c.minute, c.second);
}

static enum pen_code add_header(struct signed_headers *into, struct pen_slice name,
                                struct pen_slice value, struct pen_error *err)
{
    char *lower = pen_arena_copy(&into->texts, name);
    if (lower == NULL)
        return pen_fail_nomem(err);
    for (char *c = lower; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    struct pen_sigv4_pair pair = {pen_slice(lower, name.len), value};
    size_t at = into->count++;
    for (; at > 0 && pen_slice_compare(into->pairs[at - 1].name, pair.name) > 0; at--)
        into->pairs[at] = into->pairs[at - 1];
    into->pairs[at] = pair;
    return PEN_OK;
}

static enum pen_code collect(const struct pen_sigv4_request *request, const char *date,
                             const char *token, struct signed_headers *into, struct pen_error *err)
{
    if (request->header_count > PEN_SIGV4_PAIRS_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "more than %d headers to sign",
                        PEN_SIGV4_PAIRS_MAX);
    PEN_TRY(add_header(into, PEN_LIT("host"), pen_slice_str(request->host), err));
    PEN_TRY(add_header(into, PEN_LIT("x-amz-date"), pen_slice_str(date), err));
    if (request->has_payload_header)
        PEN_TRY(add_header(into, PEN_LIT("x-amz-content-sha256"),
                           pen_slice_str(request->payload_hash), err));
    if (token != NULL)
        PEN_TRY(add_header(into, PEN_LIT("x-amz-security-token"), pen_slice_str(token), err));
    for (size_t i = 0; i < request->header_count; i++)
        PEN_TRY(add_header(into, request->headers[i].name, request->headers[i].value, err));
    return PEN_OK;
}

/* Without spaces at both ends, runs of spaces as one. */
static enum pen_code add_value(struct pen_buf *into, struct pen_slice value, struct pen_error *err)
{
    while (value.len > 0 && value.ptr[value.len - 1] == ' ')
        value.len--;
    bool is_space = true;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_space || value.ptr[i] != ' ')
            PEN_TRY(pen_buf_add_char(into, value.ptr[i], err));
        is_space = value.ptr[i] == ' ';
    }
    return PEN_OK;
}

static bool is_repeated(const struct signed_headers *headers, size_t i)
{
    const struct pen_sigv4_pair *pair = headers->pairs + i;
    return i > 0 && pen_slice_equal(pair->name, (pair - 1)->name);
}

static enum pen_code add_names(struct pen_buf *into, const struct signed_headers *headers,
                               struct pen_error *err)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (is_repeated(headers, i))
            continue;
        if (i > 0)
            PEN_TRY(pen_buf_add_char(into, ';', err));
        PEN_TRY(pen_buf_add_slice(into, headers->pairs[i].name, err));
    }
    return PEN_OK;
}

static enum pen_code add_headers(struct pen_buf *into, const struct signed_headers *headers,
                                 struct pen_error *err)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (is_repeated(headers, i)) {
            into->len--; /* the line end: values of one name share a line */
            PEN_TRY(pen_buf_add_char(into, ',', err));
        } else {
            PEN_TRY(pen_buf_add_slice(into, headers->pairs[i].name, err));
            PEN_TRY(pen_buf_add_char(into, ':', err));
        }
        PEN_TRY(add_value(into, headers->pairs[i].value, err));
        PEN_TRY(pen_buf_add_char(into, '\n', err));
    }
    return PEN_OK;
}

/* ---- canonical request and signature ---- */

static enum pen_code add_canonical(const struct pen_sigv4_request *request,
                                   const struct signed_headers *headers, struct pen_buf *into,
                                   struct pen_error *err)
{
    PEN_TRY(pen_buf_addf(into, err, "%s\n%s\n", request->method, request->path));
    PEN_TRY(pen_sigv4_query(into, request->query, request->query_count, err));
    PEN_TRY(pen_buf_add_char(into, '\n', err));
    PEN_TRY(add_headers(into, headers, err));
    PEN_TRY(pen_buf_add_char(into, '\n', err));
    PEN_TRY(add_names(into, headers, err));
    return pen_buf_addf(into, err, "\n%s", request->payload_hash);
}

static void release_headers(struct signed_headers *headers)
{
    pen_arena_release(&headers->texts);
}

enum pen_code pen_sigv4_canonical(const struct pen_sigv4_request *request,
                                  const struct pen_credentials *credentials, struct pen_buf *into,
                                  struct pen_error *err)
{
    PEN_CLEANUP(release_headers)
    struct signed_headers headers = {.texts = PEN_ARENA(SIGN_MAX)};
    char date[TIME_TEXT];
    time_text(request->now_utc_us, date);
    PEN_TRY(collect(request, date, credentials->session_token, &headers, err));
    return add_canonical(request, &headers, into, err);
}

/* RFC 2104 with SHA-256, for keys of at most a block; `out` may be the key. */
static bool hmac(EVP_MD_CTX *context, struct pen_slice key, struct pen_slice text,
                 uint8_t out[HASH_BYTES])
{
    uint8_t inner[BLOCK_BYTES], outer[BLOCK_BYTES], hash[HASH_BYTES];
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint8_t byte = i < key.len ? (uint8_t)key.ptr[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    bool is_made =
        hash_two(context, pen_slice(inner, sizeof inner), text, hash) &&
        hash_two(context, pen_slice(outer, sizeof outer), pen_slice(hash, sizeof hash), out);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    return is_made;
}

/* HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request") over the text. */
static enum pen_code sign_text(const struct pen_sigv4_request *request, const char *secret,
                               struct pen_slice day, struct pen_slice text, char ret_hex[65],
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf start = PEN_BUF(SIGN_MAX);
    PEN_CLEANUP(free_context) EVP_MD_CTX *context = new_context();
    if (context == NULL)
        return pen_fail(err, PEN_ERR_INTERNAL, "SHA-256 is not available");
    PEN_TRY(pen_buf_addf(&start, err, "AWS4%s", secret));
    uint8_t bytes[HASH_BYTES];
    struct pen_slice key = {(const char *)bytes, sizeof bytes};
    struct pen_slice first = pen_buf_slice(&start);
    bool is_signed = first.len <= BLOCK_BYTES || hash_two(context, first, PEN_LIT(""), bytes);
    is_signed = is_signed && hmac(context, first.len > BLOCK_BYTES ? key : first, day, bytes) &&
                hmac(context, key, pen_slice_str(request->region), bytes) &&
                hmac(context, key, pen_slice_str(request->service), bytes) &&
                hmac(context, key, PEN_LIT("aws4_request"), bytes) &&
                hmac(context, key, text, bytes);
    OPENSSL_cleanse(start.ptr, start.len);
    if (!is_signed)
        return pen_fail(err, PEN_ERR_INTERNAL, "HMAC-SHA-256 failed");
    to_hex(bytes, sizeof bytes, ret_hex);
    return PEN_OK;
}

static enum pen_code add_authorization(const struct pen_sigv4_request *request,
                                       const struct pen_credentials *credentials, const char *date,
                                       struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(release_headers)
    struct signed_headers headers = {.texts = PEN_ARENA(SIGN_MAX)};
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIGN_MAX);
    char hash[65], signature[65], scope[256];
    PEN_TRY(collect(request, date, credentials->session_token, &headers, err));
    PEN_TRY(add_canonical(request, &headers, &text, err));
    PEN_TRY(pen_sigv4_hash(pen_buf_slice(&text), hash, err));
    int n = snprintf(scope, sizeof scope, "%.8s/%s/%s/aws4_request", date, request->region,
                     request->service);
    if (n < 0 || (size_t)n >= sizeof scope)
        return pen_fail(err, PEN_ERR_CONFIG, "region '%.64s' is too long", request->region);
    pen_buf_clear(&text);
    PEN_TRY(pen_buf_addf(&text, err, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash));
    PEN_TRY(sign_text(request, credentials->secret_access_key, pen_slice(date, 8),
                      pen_buf_slice(&text), signature, err));
    PEN_TRY(pen_buf_addf(into, err,
                         "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=",
                         credentials->access_key_id, scope));
    PEN_TRY(add_names(into, &headers, err));
    return pen_buf_addf(into, err, ",Signature=%s", signature);
}

/* ---- the lines to send ---- */

struct lines {
    const char **at;
    size_t count;
    struct pen_arena *arena;
};

static enum pen_code add_line(struct lines *into, struct pen_slice line, struct pen_error *err)
{
    char *copy = pen_arena_copy(into->arena, line);
    if (copy == NULL)
        return pen_fail_nomem(err);
    into->at[into->count++] = copy;
    into->at[into->count] = NULL;
    return PEN_OK;
}

static enum pen_code add_pair(struct lines *into, struct pen_slice name, struct pen_slice value,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(SIGN_MAX);
    PEN_TRY(pen_buf_add_slice(&line, name, err));
    PEN_TRY(pen_buf_add_str(&line, ": ", err));
    PEN_TRY(pen_buf_add_slice(&line, value, err));
    return add_line(into, pen_buf_slice(&line), err);
}

static enum pen_code add_signature(struct lines *into, const struct pen_sigv4_request *request,
                                   const struct pen_credentials *credentials, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(SIGN_MAX);
    char date[TIME_TEXT];
    time_text(request->now_utc_us, date);
    PEN_TRY(add_pair(into, PEN_LIT("x-amz-date"), pen_slice_str(date), err));
    if (request->has_payload_header)
        PEN_TRY(add_pair(into, PEN_LIT("x-amz-content-sha256"),
                         pen_slice_str(request->payload_hash), err));
    if (credentials->session_token != NULL)
        PEN_TRY(add_pair(into, PEN_LIT("x-amz-security-token"),
                         pen_slice_str(credentials->session_token), err));
    PEN_TRY(add_authorization(request, credentials, date, &line, err));
    return add_line(into, pen_buf_slice(&line), err);
}

enum pen_code pen_sigv4_sign(const struct pen_sigv4_request *request,
                             const struct pen_credentials *credentials, struct pen_arena *arena,
                             const char *const **ret_lines, struct pen_error *err)
{
    if (request->header_count > PEN_SIGV4_PAIRS_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "more than %d headers to sign",
                        PEN_SIGV4_PAIRS_MAX);
    struct lines lines = {.arena = arena};
    lines.at = pen_arena_alloc(arena, (PAIRS_ALL + 2) * sizeof *lines.at);
    if (lines.at == NULL)
        return pen_fail_nomem(err);
    lines.at[0] = NULL;
    for (size_t i = 0; i < request->header_count; i++)
        PEN_TRY(add_pair(&lines, request->headers[i].name, request->headers[i].value, err));
    if (credentials != NULL)
        PEN_TRY(add_signature(&lines, request, credentials, err));
    *ret_lines = lines.at;
    return PEN_OK;
}
