/* s3_settings.h - the options of `in: {type: s3}` and what they make: a client for one bucket.
 *
 *     `in` mapping + environment + AWS files --pen_s3_settings_open--> S3 client, rules of
 * discovery
 *
 * source: the S3 input specification sections 2 and 3; docs/s3.md, docs/credentials.md. */
#ifndef PEN_SOURCE_S3_SETTINGS_H
#define PEN_SOURCE_S3_SETTINGS_H

#include "aws/auth.h"
#include "s3/s3_client.h"
#include "source/discover.h"

struct pen_s3_settings {
    struct pen_discover discover;
    /* bound options */
    char *bucket, *endpoint, *region;
    int path_style; /* enum pen_s3_path_style */
    bool verify_etag;
    const struct pen_node *http_proxy;
    struct pen_auth_options auth;
    int64_t maximum_retries, initial_retry_interval_millis, maximum_retry_interval_millis;
    /* made of them */
    enum pen_auth_method method;
    const char *place;                /* "s3://bucket/" */
    const char *used_endpoint;        /* after environment and profile; NULL: of the region */
    const char *used_region;          /* likewise; NULL: us-east-1 until the service says another */
    const char *endpoint_from;        /* "endpoint", "AWS_ENDPOINT_URL...", "profile": for people */
    bool is_plain_http;               /* an endpoint without scheme is spoken to without TLS */
    struct pen_http_client *http;     /* the one in use */
    struct pen_http_client *own_http; /* NULL when it is the source's environment's */
    struct pen_auth_env auth_env;
    struct pen_credential_provider *credentials; /* NULL: anonymous */
    struct pen_s3_client *client;
};

/* The option table; binds a struct pen_s3_settings. */
extern const struct pen_option pen_s3_options_table[];

/* pen_s3_settings_open - binds source->config into the zeroed *settings, checks everything and
 * makes the client; no request is made. Texts live in the source's arena.
 * errors: PEN_ERR_CONFIG with place, in the words of the specification; PEN_ERR_NOMEM.
 * On failure too: pen_s3_settings_close. */
PEN_MUST_USE enum pen_code pen_s3_settings_open(struct pen_s3_settings *settings,
                                                struct pen_source *source, struct pen_error *err);
void pen_s3_settings_close(struct pen_s3_settings *settings);

#endif
