#include "s3/s3_uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "aws/sigv4.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool s3_is_region(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len >= S3_REGION_TEXT || text[0] == '-' || text[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_alnum(text[i]) && text[i] != '-')
            return false;
    return true;
}

/* ---- endpoints ---- */

static enum pen_code fail_endpoint(const char *text, const char *why, struct pen_error *err)
{
    enum pen_code code = pen_fail(err, PEN_ERR_CONFIG, "endpoint '%.120s' %s", text, why);
    pen_error_hint(err, "write host, host:port or a URL, such as https://minio.example.com:9000");
    return code;
}

/* Digits after the last colon that is not inside an IPv6 address; -1: not a port; 0: none. */
static int port_of(struct pen_slice authority, size_t *ret_host_len)
{
    size_t at = authority.len;
    while (at > 0 && authority.ptr[at - 1] >= '0' && authority.ptr[at - 1] <= '9')
        at--;
    bool has_port = at > 0 && authority.ptr[at - 1] == ':' &&
                    (authority.ptr[0] != '[' || (at > 1 && authority.ptr[at - 2] == ']'));
    *ret_host_len = has_port ? at - 1 : authority.len;
    if (!has_port)
        return 0;
    if (authority.len - at == 0 || authority.len - at > 5)
        return -1;
    int port = 0;
    for (size_t i = at; i < authority.len; i++)
        port = port * 10 + (authority.ptr[i] - '0');
    return port >= 1 && port <= 65535 ? port : -1;
}

static bool is_host(struct pen_slice host)
{
    bool is_v6 = host.len > 4 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_inside_v6 = is_v6 && (i == 0 || i == host.len - 1 || c == ':');
        if (!is_alnum(c) && !(c >= 'A' && c <= 'Z') && c != '-' && c != '.' && c != '_' &&
            !is_inside_v6)
            return false;
    }
    return host.len > 0 && host.len <= 255 && host.ptr[0] != '.' && host.ptr[0] != '-';
}

static bool is_aws_host(const char *host)
{
    struct pen_slice name = {host, strcspn(host, ":")};
    return pen_slice_ends(name, PEN_LIT(".amazonaws.com")) ||
           pen_slice_ends(name, PEN_LIT(".amazonaws.com.cn")) ||
           pen_slice_ends(name, PEN_LIT(".c2s.ic.gov")) ||
           pen_slice_ends(name, PEN_LIT(".sc2s.sgov.gov"));
}

static void set_host(struct s3_endpoint *endpoint, struct pen_slice host, int port)
{
    int own = endpoint->is_plain_http ? 80 : 443;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        endpoint->host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    endpoint->host[host.len] = '\0';
    endpoint->is_aws = is_aws_host(endpoint->host);
    if (port != 0 && port != own)
        (void)snprintf(endpoint->host + host.len, sizeof endpoint->host - host.len, ":%d", port);
}

enum pen_code s3_endpoint_parse(const char *text, bool is_plain_http, struct s3_endpoint *ret,
                                struct pen_error *err)
{
    struct s3_endpoint endpoint = {.is_plain_http = is_plain_http};
    const char *at = strstr(text, "://");
    if (at != NULL && strncasecmp(text, "https://", 8) != 0 && strncasecmp(text, "http://", 7) != 0)
        return fail_endpoint(text, "is neither http:// nor https://", err);
    if (at != NULL)
        endpoint.is_plain_http = (at - text) == 4;
    at = at == NULL ? text : at + 3;
    struct pen_slice authority = {at, strcspn(at, "/?#")};
    struct pen_slice path = pen_slice_str(at + authority.len);
    while (path.len > 0 && path.ptr[path.len - 1] == '/')
        path.len--;
    if (memchr(authority.ptr, '@', authority.len) != NULL)
        return fail_endpoint("***", "must not contain a user name", err);
    if (path.len >= sizeof endpoint.base_path || strpbrk(at, "?# \t\r\n") != NULL)
        return fail_endpoint(text, "must not have a query, a fragment or spaces", err);
    size_t host_len = 0;
    int port = port_of(authority, &host_len);
    struct pen_slice host = pen_slice(authority.ptr, host_len);
    if (port < 0 || !is_host(host))
        return fail_endpoint(text, "has no valid host and port", err);
    set_host(&endpoint, host, port);
    memcpy(endpoint.base_path, path.ptr, path.len);
    *ret = endpoint;
    return PEN_OK;
}

enum pen_code s3_endpoint_of_region(const char *region, bool is_plain_http, struct s3_endpoint *ret,
                                    struct pen_error *err)
{
    char host[128];
    if (region == NULL || region[0] == '\0')
        return s3_endpoint_parse("s3.amazonaws.com", is_plain_http, ret, err);
    if (!s3_is_region(region)) {
        enum pen_code code = pen_fail(err, PEN_ERR_CONFIG, "region '%.64s' is no region", region);
        pen_error_hint(err, "write the region's code, such as us-east-1 or eu-central-1");
        return code;
    }
    const char *domain = strncmp(region, "cn-", 3) == 0        ? "amazonaws.com.cn"
                         : strncmp(region, "us-iso-", 7) == 0  ? "c2s.ic.gov"
                         : strncmp(region, "us-isob-", 8) == 0 ? "sc2s.sgov.gov"
                                                               : "amazonaws.com";
    (void)snprintf(host, sizeof host, "s3.%s.%s", region, domain);
    return s3_endpoint_parse(host, is_plain_http, ret, err);
}

/* "us-east-1", "ap-southeast-2", "us-gov-west-1": at least two dashes and a digit at the end. */
static bool looks_like_region(struct pen_slice label)
{
    size_t dashes = 0;
    for (size_t i = 0; i < label.len; i++)
        dashes += label.ptr[i] == '-';
    return dashes >= 2 && label.len < S3_REGION_TEXT && label.ptr[label.len - 1] >= '0' &&
           label.ptr[label.len - 1] <= '9' && label.ptr[label.len - 2] == '-';
}

void s3_region_of_host(struct pen_slice host, char ret_region[S3_REGION_TEXT])
{
    ret_region[0] = '\0';
    while (host.len > 0) {
        const char *dot = memchr(host.ptr, '.', host.len);
        size_t len = dot == NULL ? host.len : (size_t)(dot - host.ptr);
        struct pen_slice label = pen_slice(host.ptr, len);
        host = pen_slice_skip(host, dot == NULL ? host.len : len + 1);
        if (pen_slice_is(label, "s3-external-1"))
            label = PEN_LIT("us-east-1");
        if (pen_slice_starts(label, PEN_LIT("s3-")))
            label = pen_slice_skip(label, 3);
        if (pen_slice_starts(label, PEN_LIT("fips-")))
            label = pen_slice_skip(label, 5);
        if (!looks_like_region(label))
            continue; /* the last one counts: labels before may be a bucket's name */
        memcpy(ret_region, label.ptr, label.len);
        ret_region[label.len] = '\0';
    }
}

/* ---- buckets and keys ---- */

static bool is_ip(const char *host)
{
    return host[0] == '[' || strspn(host, "0123456789.:") == strlen(host);
}

/* A name that can be a label, or labels, of a host name. */
static bool is_dns_bucket(const char *bucket)
{
    size_t len = strlen(bucket);
    if (len < 3 || len > 63 || !is_alnum(bucket[0]) || !is_alnum(bucket[len - 1]) || is_ip(bucket))
        return false;
    for (size_t i = 0; i < len; i++) {
        bool is_edge = bucket[i] == '.' && (!is_alnum(bucket[i - 1]) || !is_alnum(bucket[i + 1]));
        if (is_edge || (!is_alnum(bucket[i]) && bucket[i] != '-' && bucket[i] != '.'))
            return false;
    }
    return true;
}

bool s3_is_path_style(const struct s3_endpoint *endpoint, enum pen_s3_path_style style,
                      const char *bucket)
{
    if (style != PEN_S3_PATH_AUTO)
        return style == PEN_S3_PATH_ON;
    if (!endpoint->is_aws || !is_dns_bucket(bucket))
        return true;
    /* Amazon's certificate covers one label before its own name, not two */
    return !endpoint->is_plain_http && strchr(bucket, '.') != NULL;
}

enum pen_code s3_build_path(const struct s3_endpoint *endpoint, bool is_path_style,
                            const char *bucket, const char *key, struct pen_buf *into,
                            struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(into, endpoint->base_path, err));
    PEN_TRY(pen_buf_add_char(into, '/', err));
    if (is_path_style) {
        PEN_TRY(pen_uri_encode(into, pen_slice_str(bucket), false, err));
        if (key != NULL)
            PEN_TRY(pen_buf_add_char(into, '/', err));
    }
    return key == NULL ? PEN_OK : pen_uri_encode(into, pen_slice_str(key), true, err);
}

enum pen_code s3_build_host(const struct s3_endpoint *endpoint, bool is_path_style,
                            const char *bucket, struct pen_buf *into, struct pen_error *err)
{
    if (!is_path_style)
        PEN_TRY(pen_buf_addf(into, err, "%s.", bucket));
    return pen_buf_add_str(into, endpoint->host, err);
}
