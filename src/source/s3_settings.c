#include "source/s3_settings.h"

#include <stdio.h>

#include "aws/aws_config.h"

#define PLACE_MAX_BYTES ((size_t)64 << 10)

static const char *const path_styles[] = {"auto", "true", "false", NULL};

#define TEXT(name, text)                                                                           \
    {                                                                                              \
        .key = #name, .kind = PEN_OPTION_TEXT,                                                     \
        .offset = offsetof(struct pen_s3_settings, auth.name), .help = (text)                      \
    }

const struct pen_option pen_s3_options_table[] = {
    {.key = "bucket",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_s3_settings, bucket),
     .help = "name of the bucket",
     .is_required = true},
    PEN_DISCOVER_OPTIONS(pen_s3_settings),
    {.key = "skip_glacier_objects",
     .kind = PEN_OPTION_BOOL,
     .offset = PEN_DISCOVER_AT(pen_s3_settings, skip_glacier_objects),
     .default_text = "false",
     .help = "leave out objects in the classes GLACIER and DEEP_ARCHIVE instead of failing"},
    {.key = "endpoint",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_s3_settings, endpoint),
     .help = "host or URL of the service; without it that of the region"},
    {.key = "region",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_s3_settings, region),
     .help = "region of the bucket"},
    {.key = "path_style",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct pen_s3_settings, path_style),
     .default_text = "auto",
     .choices = path_styles,
     .help = "bucket in the path instead of the host name, as MinIO and Ceph want it"},
    {.key = "verify_etag",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct pen_s3_settings, verify_etag),
     .default_text = "true",
     .help = "check the MD5 of objects whose ETag is one"},
    {.key = "http_proxy",
     .kind = PEN_OPTION_NODE,
     .offset = offsetof(struct pen_s3_settings, http_proxy),
     .help = "mapping of host, port, https, user, password"},
    {.key = "auth_method",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_s3_settings, auth.auth_method),
     .default_text = "basic",
     .help = "basic, session, anonymous, env, profile, instance, assume_role or default"},
    {.key = "access_key_id",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct pen_s3_settings, auth.access_key_id),
     .help = "basic, session: the key's public half"},
    {.key = "secret_access_key",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct pen_s3_settings, auth.secret_access_key),
     .help = "basic, session: the key's secret half"},
    {.key = "session_token",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct pen_s3_settings, auth.session_token),
     .help = "session: the token of temporary keys"},
    TEXT(profile_file, "profile: credentials file instead of ~/.aws/credentials"),
    TEXT(profile_name, "profile: name of the profile instead of AWS_PROFILE or default"),
    TEXT(account_id, "assume_role: account of the role"),
    TEXT(role_name, "assume_role: name of the role"),
    TEXT(external_id, "assume_role: external id that the role demands"),
    {.key = "duration_in_seconds",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_s3_settings, auth.duration_in_seconds),
     .default_text = "3600",
     .unit = "s",
     .help = "assume_role: how long its credentials are good; they are renewed before"},
    {.key = "arn_partition",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_s3_settings, auth.arn_partition),
     .default_text = "aws",
     .help = "assume_role: aws, aws-cn or aws-us-gov"},
    {.key = "session_name",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_s3_settings, auth.session_name),
     .default_text = "embulk",
     .help = "assume_role: name of the session in the service's logs"},
    {.key = "maximum_retries",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_s3_settings, maximum_retries),
     .default_text = "7",
     .help = "how often a failed request is tried again"},
    {.key = "initial_retry_interval_millis",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_s3_settings, initial_retry_interval_millis),
     .default_text = "2000",
     .unit = "ms",
     .help = "wait before the first retry; doubled for each later one"},
    {.key = "maximum_retry_interval_millis",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_s3_settings, maximum_retry_interval_millis),
     .default_text = "480000",
     .unit = "ms",
     .help = "the longest wait between retries"},
    {.key = NULL},
};

struct proxy {
    char *host, *user, *password;
    int64_t port;
    bool is_https;
};

static const struct pen_option proxy_options[] = {
    {.key = "host",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct proxy, host),
     .help = "host of the proxy",
     .is_required = true},
    {.key = "port",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct proxy, port),
     .help = "port of the proxy"},
    {.key = "https",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct proxy, is_https),
     .default_text = "true",
     .help = "whether an endpoint without a scheme is spoken to by https"},
    {.key = "user", .kind = PEN_OPTION_TEXT, .offset = offsetof(struct proxy, user), .help = ""},
    {.key = "password",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct proxy, password),
     .help = ""},
    {.key = NULL},
};

static const struct pen_node *node_of(const struct pen_source *source, const char *key)
{
    const struct pen_node *node = pen_node_get(source->config, key);
    return node != NULL ? node : source->config;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum pen_code keep(struct pen_source *source, const char **text, struct pen_error *err)
{
    if (*text == NULL)
        return PEN_OK;
    return pen_arena_text(source->env.bind.arena, pen_slice_str(*text), text, err);
}

/* Remarks of pen_auth_check stand at the mapping. */
static void warn_auth(void *context, const char *text)
{
    const struct pen_source *source = context;
    pen_warn_at(&source->env.bind, source->config, "%s", text);
}

static enum pen_code check_auth(struct pen_s3_settings *s, struct pen_source *source,
                                struct pen_error *err)
{
    const char *key = NULL;
    struct pen_error reason = {0};
    enum pen_code code = pen_auth_check(&s->auth, warn_auth, source, &s->method, &key, &reason);
    if (code == PEN_OK)
        return PEN_OK;
    (void)pen_fail_at(&source->env.bind, key != NULL ? node_of(source, key) : source->config, err,
                      "%s", reason.message);
    if (reason.hint[0] != '\0')
        pen_error_hint(err, "%s", reason.hint);
    return PEN_ERR_CONFIG;
}

static enum pen_code check_place(struct pen_s3_settings *s, struct pen_source *source,
                                 struct pen_error *err)
{
    if (s->bucket == NULL || s->bucket[0] == '\0' || strchr(s->bucket, '/') != NULL)
        return pen_fail_at(&source->env.bind, node_of(source, "bucket"), err,
                           "bucket '%s' is no name of a bucket",
                           s->bucket == NULL ? "" : s->bucket);
    PEN_CLEANUP(pen_buf_release) struct pen_buf place = PEN_BUF(PLACE_MAX_BYTES);
    PEN_TRY(pen_buf_addf(&place, err, "s3://%s/", s->bucket));
    s->place = place.ptr;
    PEN_TRY(keep(source, &s->place, err));
    const char *prefix = s->discover.options.path_prefix;
    if (s->discover.options.path == NULL && prefix != NULL && prefix[0] == '/')
        pen_warn_at(&source->env.bind, node_of(source, "path_prefix"),
                    "path_prefix begins with '/': it lists keys that begin with '/' "
                    "(%s/...), which is rarely meant; leave the '/' out, or use '' for all "
                    "objects of the bucket",
                    s->place);
    if (is_set(s->endpoint) && is_set(s->region))
        pen_warn_at(&source->env.bind, node_of(source, "region"),
                    "Either configure endpoint or region, if both is specified only the endpoint "
                    "will be in effect.");
    return PEN_OK;
}

/* Region and endpoint: configuration, environment, profile. */
static enum pen_code resolve(struct pen_s3_settings *s, struct pen_source *source,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = NULL;
    struct pen_error reason = {0};
    const char *profile = pen_aws_profile_name(s->auth.profile_name);
    enum pen_code code = pen_aws_files_read(s->auth.profile_file, &files, &reason);
    if (code == PEN_ERR_NOMEM)
        return pen_fail_nomem(err);
    if (code != PEN_OK && s->method == PEN_AUTH_PROFILE)
        return pen_fail_at(&source->env.bind, node_of(source, "profile_file"), err, "%s%s%s",
                           reason.where, reason.where[0] == '\0' ? "" : ": ", reason.message);
    if (code != PEN_OK)
        pen_warn_at(&source->env.bind, source->config,
                    "region and endpoint are not looked up in the AWS files: %s: %s", reason.where,
                    reason.message);
    s->used_region = pen_aws_region(is_set(s->region) ? s->region : NULL, files, profile);
    s->used_endpoint = is_set(s->endpoint) ? s->endpoint : pen_aws_endpoint("s3", files, profile);
    s->endpoint_from = s->used_endpoint == NULL                     ? ""
                       : is_set(s->endpoint)                        ? "the configuration"
                       : pen_aws_endpoint("s3", NULL, NULL) != NULL ? "the environment"
                                                                    : "the AWS profile";
    PEN_TRY(keep(source, &s->used_region, err));
    return keep(source, &s->used_endpoint, err);
}

static enum pen_code make_proxy_client(struct pen_s3_settings *s, struct pen_source *source,
                                       struct pen_error *err)
{
    struct proxy proxy = {0};
    PEN_TRY(pen_options_bind(proxy_options, s->http_proxy, "http_proxy", NULL, &proxy,
                             &source->env.bind, err));
    if (proxy.port < 0 || proxy.port > 65535)
        return pen_fail_at(&source->env.bind, pen_node_get(s->http_proxy, "port"), err,
                           "port must be between 1 and 65535");
    s->is_plain_http = !proxy.is_https;
    PEN_CLEANUP(pen_buf_release) struct pen_buf address = PEN_BUF(PLACE_MAX_BYTES);
    PEN_TRY(pen_buf_add_str(&address, proxy.host, err));
    if (proxy.port > 0)
        PEN_TRY(pen_buf_addf(&address, err, ":%lld", (long long)proxy.port));
    struct pen_http_options options = {.proxy = address.ptr,
                                       .proxy_user = proxy.user,
                                       .proxy_password = proxy.password,
                                       .memory_bytes = source->env.memory_bytes};
    PEN_TRY(pen_http_client_new(&options, &s->own_http, err));
    s->http = s->own_http;
    return PEN_OK;
}

static enum pen_code make_http(struct pen_s3_settings *s, struct pen_source *source,
                               struct pen_error *err)
{
    if (s->http_proxy != NULL && s->http_proxy->kind != PEN_NODE_NULL)
        return make_proxy_client(s, source, err);
    s->http = source->env.http;
    if (s->http != NULL)
        return PEN_OK;
    struct pen_http_options options = {.memory_bytes = source->env.memory_bytes};
    PEN_TRY(pen_http_client_new(&options, &s->own_http, err));
    s->http = s->own_http;
    return PEN_OK;
}

static int clamp(int64_t value, int most)
{
    return value < 0 ? 0 : value > most ? most : (int)value;
}

static enum pen_code make_client(struct pen_s3_settings *s, struct pen_source *source,
                                 struct pen_error *err)
{
    s->auth_env = (struct pen_auth_env){.http = s->http,
                                        .region = s->used_region,
                                        .cancel = source->env.cancel,
                                        .log = source->env.log,
                                        .log_context = source->env.log_context};
    PEN_TRY(pen_auth_provider_new(s->method, &s->auth, &s->auth_env, &s->credentials, err));
    struct pen_s3_options options = {
        .endpoint = s->used_endpoint,
        .region = s->used_region,
        .path_style = (enum pen_s3_path_style)s->path_style,
        .is_plain_http = s->is_plain_http,
        .http = s->http,
        .credentials = s->credentials,
        .retry = {clamp(s->maximum_retries, 1000000),
                  clamp(s->initial_retry_interval_millis, 1 << 30),
                  clamp(s->maximum_retry_interval_millis, 1 << 30)},
        .cancel = source->env.cancel,
        .log = source->env.log,
        .log_context = source->env.log_context,
        .traffic = source->env.traffic,
    };
    struct pen_error reason = {0};
    enum pen_code code = pen_s3_client_new(&options, &s->client, &reason);
    if (code != PEN_ERR_CONFIG) {
        if (code != PEN_OK && err != NULL)
            *err = reason;
        return code;
    }
    const char *key = s->used_endpoint != NULL ? "endpoint" : "region";
    return pen_fail_at(&source->env.bind, node_of(source, key), err, "%s", reason.message);
}

enum pen_code pen_s3_settings_open(struct pen_s3_settings *settings, struct pen_source *source,
                                   struct pen_error *err)
{
    static const char *const also[] = {"type",       "parser", "decoders", "td_authentication_id",
                                       "connection", NULL};
    PEN_TRY(pen_options_bind(pen_s3_options_table, source->config, "in", also, settings,
                             &source->env.bind, err));
    PEN_TRY(check_place(settings, source, err));
    PEN_TRY(pen_discover_open(&settings->discover, source, settings->place, err));
    PEN_TRY(check_auth(settings, source, err));
    PEN_TRY(resolve(settings, source, err));
    PEN_TRY(make_http(settings, source, err));
    return make_client(settings, source, err);
}

void pen_s3_settings_close(struct pen_s3_settings *settings)
{
    pen_s3_client_free(settings->client);
    pen_credential_provider_free(settings->credentials);
    pen_http_client_free(settings->own_http);
    pen_discover_close(&settings->discover);
}
