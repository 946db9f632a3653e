/* doctor_s3.c - what can be wrong between here and an object of a bucket.
 *
 *     credentials, DNS --> one unsigned HEAD of the bucket: TCP, TLS, clock, region --> list -->
 * get
 */
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/http_date.h"
#include "s3/s3_uri.h"
#include "source/doctor_internal.h"
#include "source/s3_settings.h"

#define TEXT_MAX_BYTES  ((size_t)64 << 10)
#define HEAD_TIMEOUT_MS 15000
#define SKEW_WARN_US    (INT64_C(60) * PEN_US_PER_SECOND)
#define SKEW_MAX_US     (INT64_C(900) * PEN_US_PER_SECOND) /* S3 refuses signatures beyond it */

struct exam {
    struct pen_doctor_report *report;
    const struct pen_s3_settings *settings;
    struct pen_buf host, url;
    bool is_reachable;
    bool is_signed;     /* there are credentials, or none are wanted */
    struct pen_buf key; /* an object to read; empty: none known */
};

static void exam_release(struct exam *exam)
{
    pen_buf_release(&exam->host);
    pen_buf_release(&exam->url);
    pen_buf_release(&exam->key);
}

__attribute__((format(printf, 2, 3))) static void set_hint(struct pen_check *check,
                                                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(check->hint, sizeof check->hint, format, args); /* cut on purpose */
    va_end(args);
}

static void check_credentials(struct exam *exam)
{
    struct pen_credential_provider *provider = exam->settings->credentials;
    if (provider == NULL) {
        exam->is_signed = true;
        (void)pen_doctor_add(exam->report, "credentials", PEN_CHECK_OK,
                             "anonymous: requests are not signed");
        return;
    }
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials found = {0};
    struct pen_error failed = {0};
    if (provider->get(provider, &found, &failed) != PEN_OK) {
        (void)pen_doctor_fail(exam->report, "credentials", &failed);
        return;
    }
    exam->is_signed = true;
    char expiry[PEN_INSTANT_TEXT] = "do not expire";
    if (found.expiry_utc_us != 0)
        (void)pen_instant_print((struct pen_instant){found.expiry_utc_us, 0}, expiry);
    (void)pen_doctor_add(exam->report, "credentials", PEN_CHECK_OK,
                         "found in %s; key %.4s...; %s%s%s",
                         found.origin[0] == '\0' ? "an unnamed place" : found.origin,
                         found.access_key_id, found.session_token != NULL ? "temporary, " : "",
                         found.expiry_utc_us != 0 ? "good until " : "", expiry);
}

static enum pen_code find_address(struct exam *exam, struct pen_error *err)
{
    const struct pen_s3_settings *s = exam->settings;
    struct s3_endpoint endpoint = {0};
    PEN_TRY(s->used_endpoint != NULL
                ? s3_endpoint_parse(s->used_endpoint, s->is_plain_http, &endpoint, err)
                : s3_endpoint_of_region(s->used_region, s->is_plain_http, &endpoint, err));
    bool is_path_style =
        s3_is_path_style(&endpoint, (enum pen_s3_path_style)s->path_style, s->bucket);
    PEN_TRY(s3_build_host(&endpoint, is_path_style, s->bucket, &exam->host, err));
    PEN_TRY(pen_buf_addf(&exam->url, err, "%s://%s", endpoint.is_plain_http ? "http" : "https",
                         exam->host.ptr));
    return s3_build_path(&endpoint, is_path_style, s->bucket, NULL, &exam->url, err);
}

static bool uses_proxy(const struct pen_s3_settings *settings)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    if (settings->http_proxy != NULL && settings->http_proxy->kind == PEN_NODE_MAP)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getenv(names[i]) != NULL)
            return true;
    return false;
}

/* The host without its port, NUL-terminated, without the brackets of an IPv6 address. */
static void cut_port(const char *host, char *out, size_t cap)
{
    const char *begin = host[0] == '[' ? host + 1 : host;
    size_t len = strcspn(begin, host[0] == '[' ? "]" : ":");
    (void)snprintf(out, cap, "%.*s", (int)len, begin);
}

static void check_dns(struct exam *exam)
{
    if (uses_proxy(exam->settings)) {
        (void)pen_doctor_add(exam->report, "dns", PEN_CHECK_SKIPPED, "the proxy looks up '%s'",
                             exam->host.ptr);
        return;
    }
    char host[288];
    cut_port(exam->host.ptr, host, sizeof host);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0) {
        struct pen_check *check =
            pen_doctor_add(exam->report, "dns", PEN_CHECK_FAILED, "cannot look up '%s': %s", host,
                           gai_strerror(code));
        check->code = PEN_ERR_IO;
        set_hint(check, "check endpoint and region, and this machine's name servers; names like "
                        "bucket.host need path_style: true on most services of one's own");
        return;
    }
    char address[128] = "?";
    if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
                    NI_NUMERICHOST) != 0)
        (void)snprintf(address, sizeof address, "?");
    freeaddrinfo(found);
    (void)pen_doctor_add(exam->report, "dns", PEN_CHECK_OK, "'%s' is %s", host, address);
}

static void check_clock(struct exam *exam, struct pen_http_call *call, int64_t local_us)
{
    int64_t server_us = 0;
    if (!pen_http_date_us(pen_http_header(call, "date"), &server_us)) {
        (void)pen_doctor_add(exam->report, "clock", PEN_CHECK_SKIPPED,
                             "the service does not tell the time");
        return;
    }
    int64_t skew_us = local_us - server_us;
    int64_t size_us = skew_us < 0 ? -skew_us : skew_us;
    const char *word = skew_us < 0 ? "behind" : "ahead of";
    struct pen_check *check = pen_doctor_add(exam->report, "clock",
                                             size_us >= SKEW_MAX_US    ? PEN_CHECK_FAILED
                                             : size_us >= SKEW_WARN_US ? PEN_CHECK_WARNING
                                                                       : PEN_CHECK_OK,
                                             "this machine is %lld seconds %s the service",
                                             (long long)(size_us / PEN_US_PER_SECOND), word);
    if (check->status == PEN_CHECK_OK)
        return;
    check->code = check->status == PEN_CHECK_FAILED ? PEN_ERR_AUTH : PEN_OK;
    set_hint(check, "set the clock; signatures are refused beyond 15 minutes");
}

static void check_region(struct exam *exam, struct pen_http_call *call)
{
    struct pen_slice region = pen_http_header(call, "x-amz-bucket-region");
    const char *used = exam->settings->used_region;
    if (region.len == 0) {
        (void)pen_doctor_add(exam->report, "region", PEN_CHECK_SKIPPED,
                             "the service does not name the bucket's region");
        return;
    }
    bool is_same = pen_slice_is(region, used != NULL ? used : "us-east-1");
    struct pen_check *check = pen_doctor_add(
        exam->report, "region", is_same ? PEN_CHECK_OK : PEN_CHECK_WARNING,
        "the bucket is in %.*s%s%s", PEN_ARG(region), is_same ? "" : "; configured is ",
        is_same        ? ""
        : used != NULL ? used
                       : "none (us-east-1)");
    if (!is_same)
        set_hint(check, "set region: %.*s; without it requests are redirected first",
                 PEN_ARG(region));
}

static void check_connection(struct exam *exam)
{
    struct pen_http_request request = {
        .method = "HEAD", .url = exam->url.ptr, .timeout_ms = HEAD_TIMEOUT_MS};
    PEN_CLEANUP(pen_http_close_p) struct pen_http_call *call = NULL;
    struct pen_error failed = {0};
    int status = 0;
    int64_t before_us = pen_now_us();
    enum pen_code code = pen_http_start(exam->settings->http, &request, &call, &failed);
    if (code == PEN_OK)
        code = pen_http_wait(call, &status, &failed);
    if (code != PEN_OK) {
        (void)pen_doctor_fail(exam->report, "connect", &failed);
        return;
    }
    exam->is_reachable = true;
    bool is_tls = strncmp(exam->url.ptr, "https://", 8) == 0;
    (void)pen_doctor_add(exam->report, "connect", PEN_CHECK_OK,
                         "%s answers %s (unsigned HEAD of the bucket: status %d)", exam->host.ptr,
                         is_tls ? "with a valid certificate" : "without TLS", status);
    check_clock(exam, call, before_us + (pen_now_us() - before_us) / 2);
    check_region(exam, call);
}

/* Names the missing permission and gives the policy. */
static enum pen_code fail_access(struct exam *exam, const char *name, const char *action,
                                 const struct pen_error *failed, struct pen_error *err)
{
    struct pen_check *check = pen_doctor_fail(exam->report, name, failed);
    bool is_denied = strstr(failed->message, "AccessDenied") != NULL ||
                     strstr(failed->message, "Forbidden") != NULL;
    if (failed->code != PEN_ERR_AUTH || !is_denied)
        return PEN_OK;
    const struct pen_s3_settings *s = exam->settings;
    const struct pen_discover_options *o = &s->discover.options;
    bool is_kms = strstr(failed->message, "kms:") != NULL;
    set_hint(check, "missing permission: %s on arn:aws:s3:::%s%s%s",
             is_kms ? "kms:Decrypt" : action, s->bucket,
             strcmp(action, "s3:ListBucket") == 0 ? "" : "/*",
             is_kms ? " (on the key that encrypts the objects)" : "");
    if (exam->report->policy.len > 0)
        return PEN_OK;
    return pen_doctor_policy(s->bucket, o->path != NULL ? o->path : o->path_prefix, s->used_region,
                             o->path == NULL, &exam->report->policy, err);
}

/* How many keys of the page the rules would look at, and the first of them. */
static enum pen_code pick_key(struct exam *exam, const struct pen_s3_page *page, size_t *ret_count,
                              struct pen_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        struct pen_slice key = pen_slice_str(page->entries[i].key);
        bool is_found = false;
        if (page->entries[i].size_bytes == 0)
            continue;
        PEN_TRY(pen_path_pattern_find(exam->settings->discover.pattern, key, &is_found, err));
        bool is_archived = strcmp(page->entries[i].storage_class, "GLACIER") == 0 ||
                           strcmp(page->entries[i].storage_class, "DEEP_ARCHIVE") == 0;
        count += is_found;
        if (is_found && !is_archived && exam->key.len == 0)
            PEN_TRY(pen_buf_add_slice(&exam->key, key, err));
    }
    *ret_count = count;
    return PEN_OK;
}

static enum pen_code check_list(struct exam *exam, struct pen_error *err)
{
    const struct pen_discover_options *o = &exam->settings->discover.options;
    if (o->path != NULL) {
        (void)pen_doctor_add(exam->report, "list", PEN_CHECK_SKIPPED,
                             "path names one object: s3:ListBucket is not needed");
        return pen_buf_add_str(&exam->key, o->path, err);
    }
    struct pen_s3_list_request request = {.bucket = exam->settings->bucket,
                                          .prefix = o->path_prefix};
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    struct pen_error failed = {0};
    size_t count = 0;
    enum pen_code code = pen_s3_list(exam->settings->client, &request, &page, &failed);
    if (code == PEN_OK)
        code = pick_key(exam, &page, &count, &failed);
    if (code != PEN_OK)
        return fail_access(exam, "list", "s3:ListBucket", &failed, err);
    struct pen_check *check = pen_doctor_add(
        exam->report, "list", count > 0 ? PEN_CHECK_OK : PEN_CHECK_WARNING,
        "prefix '%s': %zu keys on the first page%s, %zu of them not empty and matching",
        o->path_prefix, page.count, page.continuation != NULL ? " and more behind it" : "", count);
    if (count == 0)
        set_hint(check, "check path_prefix and path_match_pattern");
    return PEN_OK;
}

static enum pen_code read_byte(const struct exam *exam, struct pen_error *err)
{
    const struct pen_s3_settings *s = exam->settings;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(TEXT_MAX_BYTES);
    struct pen_s3_info info = {0};
    if (s->discover.options.path != NULL) { /* its size is not known yet */
        PEN_TRY(pen_s3_head(s->client, s->bucket, exam->key.ptr, NULL, &arena, &info, err));
        if (info.size_bytes == 0)
            return PEN_OK;
    }
    struct pen_s3_get_request request = {.bucket = s->bucket, .key = exam->key.ptr, .length = 1};
    PEN_CLEANUP(pen_s3_body_close_p) struct pen_s3_body *body = NULL;
    char byte;
    size_t len = 0;
    PEN_TRY(pen_s3_get(s->client, &request, &body, err));
    return pen_s3_body_read(body, &byte, 1, &len, err);
}

static enum pen_code check_get(struct exam *exam, struct pen_error *err)
{
    if (exam->key.len == 0) {
        (void)pen_doctor_add(exam->report, "get", PEN_CHECK_SKIPPED, "no object to read is known");
        return PEN_OK;
    }
    struct pen_error failed = {0};
    if (read_byte(exam, &failed) != PEN_OK)
        return fail_access(exam, "get", "s3:GetObject", &failed, err);
    (void)pen_doctor_add(exam->report, "get", PEN_CHECK_OK, "'%.*s' can be read",
                         PEN_ARG(exam->key));
    return PEN_OK;
}

static void skip(struct exam *exam, const char *const *names, const char *why)
{
    for (; *names != NULL; names++)
        (void)pen_doctor_add(exam->report, *names, PEN_CHECK_SKIPPED, "%s", why);
}

enum pen_code pen_doctor_s3(struct pen_source *source, struct pen_doctor_report *report,
                            struct pen_error *err)
{
    static const char *const after_connect[] = {"clock", "region", NULL};
    static const char *const requests[] = {"list", "get", NULL};
    PEN_CLEANUP(exam_release)
    struct exam exam = {.report = report,
                        .settings = source->state,
                        .host = PEN_BUF(TEXT_MAX_BYTES),
                        .url = PEN_BUF(TEXT_MAX_BYTES),
                        .key = PEN_BUF(TEXT_MAX_BYTES)};
    check_credentials(&exam);
    PEN_TRY(find_address(&exam, err));
    check_dns(&exam);
    check_connection(&exam);
    if (!exam.is_reachable)
        skip(&exam, after_connect, "the service cannot be reached");
    if (!exam.is_reachable || !exam.is_signed) {
        skip(&exam, requests,
             exam.is_reachable ? "there are no credentials" : "the service cannot be reached");
        return PEN_OK;
    }
    PEN_TRY(check_list(&exam, err));
    return check_get(&exam, err);
}
