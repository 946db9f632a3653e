/* s3_uri.h - where a request goes: endpoint, region, bucket and key --> URL, host and path. Pure.
 * source: spec of the S3 input, section 2.1; "Virtual hosting of buckets", "Regions and Endpoints".
 */
#ifndef PEN_S3_S3_URI_H
#define PEN_S3_S3_URI_H

#include "base/buf.h"
#include "s3/s3_client.h"

#define S3_REGION_TEXT 64

/* An endpoint taken apart; texts are bounded copies. */
struct s3_endpoint {
    bool is_plain_http;
    bool is_aws;    /* one of Amazon's: bucket-in-another-region replies lead to another host */
    char host[272]; /* lower case, with the port unless it is the scheme's own */
    char base_path[256]; /* "" or "/something" without a slash at the end */
};

/* s3_endpoint_parse - host[:port] or http[s]://host[:port][/path].
 * errors: PEN_ERR_CONFIG anything else. */
PEN_MUST_USE enum pen_code s3_endpoint_parse(const char *text, bool is_plain_http,
                                             struct s3_endpoint *ret, struct pen_error *err);

/* s3_endpoint_of_region - Amazon's endpoint; region NULL or "": the global one.
 * errors: PEN_ERR_CONFIG not a region's name. */
PEN_MUST_USE enum pen_code s3_endpoint_of_region(const char *region, bool is_plain_http,
                                                 struct s3_endpoint *ret, struct pen_error *err);

/* s3_region_of_host - the region that a host of Amazon names, "" when none. */
void s3_region_of_host(struct pen_slice host, char ret_region[S3_REGION_TEXT]);

/* s3_is_region - whether a text may be a region's name: [a-z0-9-], shorter than S3_REGION_TEXT. */
bool s3_is_region(const char *text);

/* s3_is_path_style - whether the bucket goes into the path. */
bool s3_is_path_style(const struct s3_endpoint *endpoint, enum pen_s3_path_style style,
                      const char *bucket);

/* s3_build_path - appends the path as sent and signed; key NULL: the bucket itself. */
PEN_MUST_USE enum pen_code s3_build_path(const struct s3_endpoint *endpoint, bool is_path_style,
                                         const char *bucket, const char *key, struct pen_buf *into,
                                         struct pen_error *err);

/* s3_build_host - appends the Host header's value. */
PEN_MUST_USE enum pen_code s3_build_host(const struct s3_endpoint *endpoint, bool is_path_style,
                                         const char *bucket, struct pen_buf *into,
                                         struct pen_error *err);

#endif
