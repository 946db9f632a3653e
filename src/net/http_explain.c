/* A transfer that failed --curl's code and words--> an error that says what to do. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_internal.h"

static const char *const tls_hint =
    "a private certificate authority: set AWS_CA_BUNDLE to its PEM file; verification stays on";

static void fail_proxy(struct pen_http_call *call, long status, struct pen_error *result)
{
    (void)pen_fail(result, status == 407 ? PEN_ERR_AUTH : PEN_ERR_IO,
                   "the proxy refused the connection to '%s' with status %ld", call->host, status);
    result->is_retryable = status >= 500;
    pen_error_hint(result, "check http_proxy: host, port, user and password");
}

static void fail_timeout(struct pen_http_call *call, struct pen_error *result)
{
    double connect_s = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME, &connect_s);
    if (connect_s == 0)
        (void)pen_fail(result, PEN_ERR_IO, "cannot connect to '%s' within %lld ms", call->host,
                       (long long)call->client->options.connect_timeout_ms);
    else
        (void)pen_fail(result, PEN_ERR_IO, "request to '%s' did not end within %lld ms", call->host,
                       (long long)call->timeout_ms);
    result->is_retryable = true;
}

/* curl quotes the URL of a proxy as the environment has it, with user and password. */
static void hide_user_info(char *text)
{
    for (char *at = text; (at = strstr(at, "://")) != NULL;) {
        at += 3;
        char *end = NULL;
        for (char *c = at; *c != '\0' && *c != '\'' && *c != ' '; c++)
            if (*c == '@')
                end = c;
        if (end == NULL)
            continue;
        size_t stars = end - at < 3 ? (size_t)(end - at) : 3;
        memset(at, '*', stars);
        memmove(at + stars, end, strlen(end) + 1);
    }
}

/* Whether `authority` (host, host:port, [host]:port) is that host and port. */
static bool is_authority(const char *authority, const char *host, unsigned port)
{
    authority += authority[0] == '[';
    size_t len = strlen(host);
    if (strncasecmp(authority, host, len) != 0)
        return false;
    authority += len;
    authority += authority[0] == ']';
    if (authority[0] == '\0')
        return port == 80 || port == 443;
    return authority[0] == ':' && strtoul(authority + 1, NULL, 10) == port;
}

/* A proxy of the environment is known to curl only, whose words name what cannot be reached. */
static void fail_connect(struct pen_http_call *call, int system_errno, struct pen_error *result)
{
    char host[128];
    unsigned port;
    bool is_named =
        sscanf(call->curl_error, "Failed to connect to %127s port %u", host, &port) == 2;
    if (!is_named || is_authority(call->host, host, port))
        (void)pen_fail_errno(result, PEN_ERR_IO, system_errno, "cannot connect to '%s'",
                             call->host);
    else
        (void)pen_fail_errno(result, PEN_ERR_IO, system_errno,
                             "cannot connect to the proxy '%s:%u' in front of '%s'", host, port,
                             call->host);
}

static void fail_broken(struct pen_http_call *call, CURLcode code, struct pen_error *result)
{
    long system_errno = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &system_errno);
    if (code == CURLE_COULDNT_CONNECT && system_errno != 0)
        fail_connect(call, (int)system_errno, result);
    else if (code == CURLE_COULDNT_RESOLVE_PROXY)
        (void)pen_fail(result, PEN_ERR_IO, "the proxy cannot be used: %s", call->curl_error);
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        (void)pen_fail(result, PEN_ERR_IO, "cannot resolve the host name: %s", call->curl_error);
    else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
        (void)pen_fail(result, PEN_ERR_IO, "'%s' does not speak HTTP", call->host);
    else if (code == CURLE_GOT_NOTHING)
        (void)pen_fail(result, PEN_ERR_IO, "'%s' closed the connection without a reply",
                       call->host);
    else if (code == CURLE_PARTIAL_FILE || call->received > 0)
        (void)pen_fail(result, PEN_ERR_IO, "the reply of '%s' broke off after %llu bytes",
                       call->host, (unsigned long long)call->received);
    else
        (void)pen_fail(result, PEN_ERR_IO, "request to '%s' failed: %s", call->host,
                       call->curl_error[0] != '\0' ? call->curl_error : curl_easy_strerror(code));
    result->is_retryable = true;
    if (code == CURLE_SSL_CONNECT_ERROR)
        pen_error_hint(result, "does it speak TLS? an endpoint without begins with http://");
    pen_error_hint(result, "check endpoint (or region), network and proxy");
}

void http_explain(struct pen_http_call *call, int curl_code, struct pen_error *result)
{
    CURLcode code = (CURLcode)curl_code;
    long connect_status = 0;
    double connect_s = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME, &connect_s);
    bool is_bad_url = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    hide_user_info(call->curl_error);
    if (connect_status >= 300) {
        fail_proxy(call, connect_status, result);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        fail_timeout(call, result);
    } else if (code == CURLE_SSL_CACERT_BADFILE && call->client->options.ca_bundle != NULL) {
        (void)pen_fail(result, PEN_ERR_CONFIG, "the trusted certificates cannot be read from '%s'",
                       call->client->options.ca_bundle);
        pen_error_hint(result, "AWS_CA_BUNDLE names a file of certificates in PEM form");
    } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        (void)pen_fail(result, PEN_ERR_IO, "the certificate of '%s' cannot be verified: %s",
                       call->host, call->curl_error);
        pen_error_hint(result, "%s", tls_hint);
    } else if (is_bad_url && connect_s == 0) {
        (void)pen_fail(result, PEN_ERR_CONFIG, "'%s' is no address of an HTTP server", call->host);
    } else if (call->is_head_too_large) {
        (void)pen_fail(result, PEN_ERR_TOO_LARGE, "the headers of the reply of '%s' do not end",
                       call->host);
    } else if (code == CURLE_OUT_OF_MEMORY || code == CURLE_WRITE_ERROR) {
        (void)pen_fail_nomem(result); /* on_body and on_header refuse only for want of memory */
    } else {
        fail_broken(call, code, result);
    }
}
