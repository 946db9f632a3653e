#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/civil.h"
#include "s3/s3_client.h"
#include "scripted_server.h"

#define REPLIES_MAX 16

struct reply {
    int status;
    const char *headers, *body;
};

/* A service that gives prepared replies in order (the last again and again) and keeps what it was
 * asked; credentials that change when they are called expired; and the client's log. */
struct scene {
    struct pen_credential_provider provider; /* first: the callbacks get it */
    struct test_server *server;
    struct pen_http_client *http;
    struct pen_s3_client *client;
    pthread_mutex_t lock; /* everything below */
    struct reply replies[REPLIES_MAX];
    int reply_count;
    struct test_request requests[REPLIES_MAX];
    int request_count;
    int generation, invalidated;
    bool is_static; /* the provider has no newer credentials */
    char log[8192];
};

static void serve(void *context, struct test_peer *peer, const struct test_request *request)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->lock);
    int number = scene->request_count++;
    assert_true(number < REPLIES_MAX);
    scene->requests[number] = *request;
    struct reply reply =
        scene->replies[number < scene->reply_count ? number : scene->reply_count - 1];
    (void)pthread_mutex_unlock(&scene->lock);
    if (reply.status == 0) {
        test_reset(peer);
    } else if (strstr(reply.headers, "Content-Length") != NULL) {
        (void)test_sendf(peer, "HTTP/1.1 %d X\r\n%s\r\n%s", reply.status, reply.headers,
                         reply.body);
        if (strcmp(request->method, "HEAD") != 0)
            test_hang_up(peer);
    } else {
        test_reply(peer, reply.status, reply.headers, reply.body);
    }
}

static enum pen_code get_credentials(struct pen_credential_provider *provider,
                                     struct pen_credentials *ret, struct pen_error *err)
{
    struct scene *scene = (struct scene *)provider;
    char token[32];
    (void)pthread_mutex_lock(&scene->lock);
    (void)snprintf(token, sizeof token, "token-%d", scene->generation);
    (void)pthread_mutex_unlock(&scene->lock);
    return pen_credentials_set(ret, "AKID", "s3cr3t", token, 0, err);
}

static void invalidate(struct pen_credential_provider *provider,
                       const struct pen_credentials *refused)
{
    struct scene *scene = (struct scene *)provider;
    char token[32];
    (void)pthread_mutex_lock(&scene->lock);
    (void)snprintf(token, sizeof token, "token-%d", scene->generation);
    assert_string_equal(refused->session_token, token);
    scene->invalidated++;
    scene->generation += scene->is_static ? 0 : 1;
    (void)pthread_mutex_unlock(&scene->lock);
}

static void keep_line(void *context, const char *level, const char *text)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->lock);
    size_t len = strlen(scene->log);
    (void)snprintf(scene->log + len, sizeof scene->log - len, "%s: %s\n", level, text);
    (void)pthread_mutex_unlock(&scene->lock);
}

static struct scene *open_scene_with(struct pen_s3_options options, const struct reply *replies,
                                     int count)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char endpoint[64];
    scene->provider.get = get_credentials;
    scene->provider.invalidate = invalidate;
    (void)pthread_mutex_init(&scene->lock, NULL);
    memcpy(scene->replies, replies, (size_t)count * sizeof *replies);
    scene->reply_count = count;
    scene->server = test_server_new(serve, scene, false);
    assert_ok(pen_http_client_new(NULL, &scene->http, err));
    (void)snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d",
                   test_server_port(scene->server));
    options.endpoint = endpoint;
    options.http = scene->http;
    options.retry = (struct pen_retry_policy){2, 1, 1};
    options.log = keep_line;
    options.log_context = scene;
    if (options.credentials == NULL)
        options.credentials = &scene->provider;
    assert_ok(pen_s3_client_new(&options, &scene->client, err));
    return scene;
}

static struct scene *open_scene(const struct reply *replies, int count)
{
    return open_scene_with((struct pen_s3_options){0}, replies, count);
}

#define OPEN(...)                                                                                  \
    open_scene((const struct reply[]){__VA_ARGS__},                                                \
               (int)(sizeof(struct reply[]){__VA_ARGS__} / sizeof(struct reply)))

static void close_scene(struct scene *scene)
{
    pen_s3_client_free(scene->client);
    pen_http_client_free(scene->http);
    test_server_free(scene->server);
    free(scene);
}

static int request_count(struct scene *scene)
{
    (void)pthread_mutex_lock(&scene->lock);
    int count = scene->request_count;
    (void)pthread_mutex_unlock(&scene->lock);
    return count;
}

static void assert_header(struct scene *scene, int number, const char *name, const char *expected)
{
    char value[1024] = "(absent)";
    assert_true(number < request_count(scene));
    (void)test_header(&scene->requests[number], name, value, sizeof value);
    assert_string_equal(value, expected);
}

static void assert_signed_for(struct scene *scene, int number, const char *region)
{
    char value[1024], scope[128];
    assert_true(number < request_count(scene));
    assert_true(test_header(&scene->requests[number], "Authorization", value, sizeof value));
    (void)snprintf(scope, sizeof scope, "/%s/s3/aws4_request,", region);
    if (strstr(value, scope) == NULL)
        fail_msg("'%s' is not for region %s", value, region);
}

static void assert_logged(struct scene *scene, const char *text)
{
    (void)pthread_mutex_lock(&scene->lock);
    bool is_there = strstr(scene->log, text) != NULL;
    (void)pthread_mutex_unlock(&scene->lock);
    if (!is_there)
        fail_msg("log lacks '%s':\n%s", text, scene->log);
}

#define PAGE(inner) "<ListBucketResult><EncodingType>url</EncodingType>" inner "</ListBucketResult>"
#define ERROR(code, more)                                                                          \
    "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>Words of the service.</Message>"  \
    "<RequestId>REQ1</RequestId>" more "</Error>"

static enum pen_code list(struct scene *scene, const struct pen_s3_list_request *request,
                          struct pen_s3_page *page, struct pen_error *err)
{
    return pen_s3_list(scene->client, request, page, err);
}

static enum pen_code list_code(struct scene *scene, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    enum pen_code code = list(scene, &(struct pen_s3_list_request){.bucket = "bkt"}, &page, err);
    if (code != PEN_OK)
        assert_int_equal(page.count, 0);
    return code;
}

/* ---- listing ---- */

static void list_goes_page_by_page_with_its_own_continuation(void **state)
{
    (void)state;
    struct scene *scene =
        OPEN({200, "",
              PAGE("<IsTruncated>true</IsTruncated><NextContinuationToken>t/+=&amp;1</"
                   "NextContinuationToken><Contents><Key>a</Key><Size>1</Size></Contents>")},
             {200, "",
              PAGE("<IsTruncated>false</IsTruncated><Contents><Key>b</Key><Size>2</Size>"
                   "</Contents>")});
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    struct pen_s3_list_request request = {
        .bucket = "bkt", .prefix = "p q/+", .start_after = "p q/+a", .max_keys = 7};
    assert_ok(list(scene, &request, &page, err));
    assert_string_equal(page.entries[0].key, "a");
    request.continuation = page.continuation;
    assert_ok(list(scene, &request, &page, err));
    assert_string_equal(page.entries[0].key, "b");
    assert_null(page.continuation);
    assert_string_equal(scene->requests[0].target,
                        "/bkt?encoding-type=url&list-type=2&max-keys=7&prefix=p%20q%2F%2B"
                        "&start-after=p%20q%2F%2Ba");
    assert_string_equal(scene->requests[1].target,
                        "/bkt?continuation-token=t%2F%2B%3D%261&encoding-type=url&list-type=2"
                        "&max-keys=7&prefix=p%20q%2F%2B");
    assert_signed_for(scene, 0, "us-east-1");
    assert_header(scene, 0, "x-amz-security-token", "token-0");
    close_scene(scene);
}

static void list_asks_again_when_the_page_breaks_off(void **state)
{
    (void)state;
    struct scene *scene =
        OPEN({200, "Content-Length: 5000\r\n",
              "<ListBucketResult><Contents><Key>half</Key>"
              "<Size>1</Size></Contents>"},
             {200, "", "<ListBucketResult><Contents>"},
             {200, "", PAGE("<Contents><Key>whole</Key><Size>1</Size></Contents>")});
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    assert_ok(list(scene, &(struct pen_s3_list_request){.bucket = "bkt"}, &page, err));
    assert_int_equal(page.count, 1);
    assert_string_equal(page.entries[0].key, "whole");
    assert_logged(scene, "warn: Listing objects failed. Retrying 1/2 after 0 seconds. Message: ");
    assert_logged(scene, "warn: Listing objects failed. Retrying 2/2 after 0 seconds. Message: ");
    close_scene(scene);
}

static void anonymous_requests_carry_no_signature(void **state)
{
    (void)state;
    struct pen_http_client *http = NULL;
    struct scene *scene = OPEN({200, "", PAGE("")});
    char endpoint[64];
    (void)snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d",
                   test_server_port(scene->server));
    assert_ok(pen_http_client_new(NULL, &http, err));
    struct pen_s3_options options = {.endpoint = endpoint, .http = http};
    struct pen_s3_client *client = NULL;
    assert_ok(pen_s3_client_new(&options, &client, err));
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    assert_ok(pen_s3_list(client, &(struct pen_s3_list_request){.bucket = "bkt"}, &page, err));
    assert_header(scene, 0, "Authorization", "(absent)");
    assert_header(scene, 0, "x-amz-security-token", "(absent)");
    assert_header(scene, 0, "x-amz-date", "(absent)");
    pen_s3_client_free(client);
    pen_http_client_free(http);
    close_scene(scene);
}

/* ---- errors ---- */

static void errors_carry_place_status_code_request_id_and_advice(void **state)
{
    (void)state;
    static const struct {
        struct reply reply;
        enum pen_code code;
        const char *message, *hint;
    } cases[] = {
        {{403, "", ERROR("AccessDenied", "")},
         PEN_ERR_AUTH,
         "AccessDenied: Words of the service. (status 403, request id REQ1)",
         "s3:ListBucket"},
        {{404, "", ERROR("NoSuchBucket", "")},
         PEN_ERR_NOT_FOUND,
         "NoSuchBucket: Words of the service. (status 404, request id REQ1)",
         "check bucket"},
        {{403, "", ERROR("InvalidAccessKeyId", "<AWSAccessKeyId>AKID</AWSAccessKeyId>")},
         PEN_ERR_AUTH,
         "InvalidAccessKeyId: ",
         "access_key_id"},
        {{403, "", ERROR("SignatureDoesNotMatch", "<StringToSign>S</StringToSign>")},
         PEN_ERR_AUTH,
         "SignatureDoesNotMatch: ",
         "secret_access_key"},
        {{403, "", ERROR("InvalidObjectState", "")},
         PEN_ERR_AUTH,
         "InvalidObjectState: ",
         "skip_glacier_objects"},
        {{403, "Date: Thu, 01 Jan 1970 00:00:10 GMT\r\n", ERROR("RequestTimeTooSkewed", "")},
         PEN_ERR_AUTH,
         "RequestTimeTooSkewed: ",
         "seconds ahead of the service's"},
        {{400, "", ERROR("InvalidBucketName", "")}, PEN_ERR_CONFIG, "(status 400", "check bucket"},
        {{405, "", ERROR("InternalError", "")}, PEN_ERR_IO, "(status 405", ""},
        {{403, "", ERROR("SlowDown", "")}, PEN_ERR_THROTTLED, "(status 403", ""},
        {{403, "", "<html>Blocked by the company's filter</html>"},
         PEN_ERR_AUTH,
         "Forbidden (status 403)",
         ""},
        {{404, "x-amz-request-id: FROMHEADER\r\n", ""},
         PEN_ERR_NOT_FOUND,
         "NotFound (status 404, request id FROMHEADER)",
         "check bucket"},
        {{200, "", "<html>Welcome</html>"}, PEN_ERR_CORRUPT, "no listing", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *scene = open_scene(&cases[i].reply, 1);
        struct pen_error err = {0};
        assert_int_equal(list_code(scene, &err), cases[i].code);
        assert_int_equal(request_count(scene), 1); /* none of these is tried again */
        assert_string_equal(err.where, "s3://bkt");
        if (strstr(err.message, cases[i].message) == NULL ||
            strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("case %zu: '%s', hint '%s'", i, err.message, err.hint);
        assert_null(strstr(err.message, "s3cr3t"));
        close_scene(scene);
    }
}

static void errors_that_may_pass_are_tried_again_and_the_first_is_reported(void **state)
{
    (void)state;
    static const struct {
        struct reply reply;
        enum pen_code code;
    } cases[] = {
        {{503, "", ERROR("SlowDown", "")}, PEN_ERR_THROTTLED},
        {{503, "", "<html>busy</html>"}, PEN_ERR_THROTTLED},
        {{429, "", ""}, PEN_ERR_THROTTLED},
        {{500, "", ERROR("InternalError", "")}, PEN_ERR_IO},
        {{502, "", "bad gateway"}, PEN_ERR_IO},
        {{400, "", ERROR("RequestTimeout", "")}, PEN_ERR_IO},
        {{0, "", ""}, PEN_ERR_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply replies[] = {cases[i].reply, {500, "", ERROR("Other", "")}};
        struct scene *scene = open_scene(replies, 2);
        struct pen_error err = {0};
        assert_int_equal(list_code(scene, &err), cases[i].code);
        assert_int_equal(request_count(scene), 3);
        assert_null(strstr(err.message, "Other"));
        assert_logged(scene, "Retrying 2/2 after 0 seconds. Message: Other: Words");
        close_scene(scene);
    }
}

static void retry_after_of_the_service_is_honoured(void **state)
{
    (void)state;
    volatile int cancel = 0;
    const struct reply replies[] = {{503, "Retry-After: 0\r\n", ERROR("SlowDown", "")},
                                    {200, "", PAGE("")}};
    struct scene *scene = open_scene_with((struct pen_s3_options){.cancel = &cancel}, replies, 2);
    assert_int_equal(list_code(scene, NULL), PEN_OK);
    assert_int_equal(request_count(scene), 2);
    cancel = 1;
    assert_int_equal(list_code(scene, NULL), PEN_ERR_CANCELLED);
    close_scene(scene);
}

/* ---- regions ---- */

static void request_follows_the_bucket_to_its_region_once_and_remembers(void **state)
{
    (void)state;
    const struct reply hints[] = {
        {301, "x-amz-bucket-region: eu-west-3\r\n", ERROR("PermanentRedirect", "")},
        {400, "", ERROR("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")},
        {307, "",
         ERROR("TemporaryRedirect", "<Endpoint>bkt.s3.eu-west-3.amazonaws.com</Endpoint>")},
        {400, "x-amz-bucket-region: eu-west-3\r\n", ""},
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        const struct reply replies[] = {hints[i], {200, "", PAGE("")}};
        struct scene *scene = open_scene(replies, 2);
        assert_int_equal(list_code(scene, NULL), PEN_OK);
        assert_int_equal(list_code(scene, NULL), PEN_OK);
        assert_int_equal(request_count(scene), 3);
        assert_signed_for(scene, 0, "us-east-1");
        assert_signed_for(scene, 1, "eu-west-3");
        assert_signed_for(scene, 2, "eu-west-3");
        close_scene(scene);
    }
}

static void request_does_not_chase_regions_forever(void **state)
{
    (void)state;
    struct scene *scene = OPEN({301, "x-amz-bucket-region: eu-west-3\r\n", ""},
                               {301, "x-amz-bucket-region: eu-west-1\r\n", ""});
    struct pen_error err = {0};
    assert_int_equal(list_code(scene, &err), PEN_ERR_CONFIG);
    assert_int_equal(request_count(scene), 2);
    assert_string_equal(err.hint, "set region: eu-west-1");
    close_scene(scene);
}

static void request_does_not_follow_a_region_that_is_none(void **state)
{
    (void)state;
    struct scene *scene = OPEN({301, "x-amz-bucket-region: evil.example.com/\r\n", ""});
    assert_int_equal(list_code(scene, NULL), PEN_ERR_CONFIG);
    assert_int_equal(request_count(scene), 1);
    close_scene(scene);
}

/* ---- expired credentials ---- */

static void expired_token_is_refreshed_once(void **state)
{
    (void)state;
    struct scene *scene = OPEN({400, "", ERROR("ExpiredToken", "")}, {200, "", PAGE("")});
    assert_int_equal(list_code(scene, NULL), PEN_OK);
    assert_header(scene, 0, "x-amz-security-token", "token-0");
    assert_header(scene, 1, "x-amz-security-token", "token-1");
    assert_int_equal(scene->invalidated, 1);
    close_scene(scene);
}

static void expired_token_that_stays_expired_is_reported(void **state)
{
    (void)state;
    for (int is_static = 0; is_static < 2; is_static++) {
        struct scene *scene = OPEN({400, "", ERROR("ExpiredToken", "")});
        scene->is_static = is_static == 1;
        struct pen_error err = {0};
        assert_int_equal(list_code(scene, &err), PEN_ERR_AUTH);
        assert_non_null(strstr(err.message, "ExpiredToken"));
        assert_non_null(strstr(err.hint, "session_token"));
        assert_int_equal(request_count(scene), is_static == 1 ? 1 : 2);
        close_scene(scene);
    }
}

/* ---- head and get ---- */

static void head_says_what_the_object_is(void **state)
{
    (void)state;
    struct scene *scene =
        OPEN({200,
              "Content-Length: 12345678901\r\nETag: \"0123456789abcdef0123456789ABCDEF\"\r\n"
              "Last-Modified: Fri, 24 May 2013 00:00:01 GMT\r\nx-amz-version-id: v1\r\n"
              "x-amz-storage-class: DEEP_ARCHIVE\r\n",
              ""});
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_s3_info info;
    assert_ok(pen_s3_head(scene->client, "bkt", "//a b/../%", "v 1", &arena, &info, err));
    assert_string_equal(scene->requests[0].method, "HEAD");
    assert_string_equal(scene->requests[0].target, "/bkt///a%20b/../%25?versionId=v%201");
    assert_int_equal(info.size_bytes, 12345678901);
    assert_string_equal(info.etag, "0123456789abcdef0123456789ABCDEF");
    assert_true(info.is_etag_md5);
    assert_int_equal(info.modified_us,
                     pen_days_from_civil(2013, 5, 24) * PEN_US_PER_DAY + PEN_US_PER_SECOND);
    assert_string_equal(info.version_id, "v1");
    assert_string_equal(info.storage_class, "DEEP_ARCHIVE");
    close_scene(scene);
}

static void etag_is_no_md5_when_multipart_or_encrypted_with_a_key(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool is_md5;
    } cases[] = {
        {"ETag: \"0123456789abcdef0123456789abcdef-2\"\r\n", false},
        {"ETag: \"0123456789abcdef0123456789abcdeg\"\r\n", false},
        {"", false},
        {"ETag: \"0123456789abcdef0123456789abcdef\"\r\nx-amz-server-side-encryption: AES256\r\n",
         true},
        {"ETag: \"0123456789abcdef0123456789abcdef\"\r\nx-amz-server-side-encryption: aws:kms\r\n",
         false},
        {"ETag: \"0123456789abcdef0123456789abcdef\"\r\n"
         "x-amz-server-side-encryption: aws:kms:dsse\r\n",
         false},
        {"ETag: \"0123456789abcdef0123456789abcdef\"\r\n"
         "x-amz-server-side-encryption-customer-algorithm: AES256\r\n",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *scene = OPEN({200, cases[i].headers, ""});
        PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
        struct pen_s3_info info;
        assert_ok(pen_s3_head(scene->client, "bkt", "k", NULL, &arena, &info, err));
        assert_int_equal(info.is_etag_md5, cases[i].is_md5);
        close_scene(scene);
    }
}

static void head_of_a_missing_key_is_not_found_at_once(void **state)
{
    (void)state;
    struct scene *scene = OPEN({404, "Content-Length: 0\r\n", ""});
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_s3_info info;
    struct pen_error err = {0};
    assert_int_equal(pen_s3_head(scene->client, "bkt", "a/k", NULL, &arena, &info, &err),
                     PEN_ERR_NOT_FOUND);
    assert_string_equal(err.where, "s3://bkt/a/k");
    assert_int_equal(request_count(scene), 1);
    close_scene(scene);
}

static enum pen_code get_all(struct scene *scene, const struct pen_s3_get_request *request,
                             struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_body_close_p) struct pen_s3_body *body = NULL;
    PEN_TRY(pen_s3_get(scene->client, request, &body, err));
    char bytes[100];
    for (size_t len = 1; len > 0;) {
        PEN_TRY(pen_s3_body_read(body, bytes, sizeof bytes, &len, err));
        PEN_TRY(pen_buf_add(into, bytes, len, err));
    }
    return PEN_OK;
}

static void get_asks_for_range_and_condition(void **state)
{
    (void)state;
    struct scene *scene = OPEN({206, "Content-Range: bytes 5-9/100\r\nETag: \"e\"\r\n", "56789"});
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(1000);
    struct pen_s3_get_request request = {
        .bucket = "bkt", .key = "k", .if_match = "e", .offset = 5, .length = 5, .version_id = "v"};
    assert_ok(get_all(scene, &request, &body, err));
    assert_string_equal(body.ptr, "56789");
    assert_header(scene, 0, "Range", "bytes=5-9");
    assert_header(scene, 0, "If-Match", "\"e\"");
    assert_string_equal(scene->requests[0].target, "/bkt/k?versionId=v");
    close_scene(scene);
}

static void get_refuses_a_range_that_was_not_asked_for(void **state)
{
    (void)state;
    const struct reply wrong[] = {
        {206, "Content-Range: bytes 6-10/100\r\n", "56789"},
        {206, "Content-Range: bytes 5-8/100\r\n", "5678"},
        {206, "Content-Range: bytes 5-9/*\r\n", "56789"},
        {206, "Content-Range: bytes 5-9/7\r\n", "56789"},
        {206, "Content-Range: bytes 5-9/100 \tx\r\n", "56789"},
        {206, "", "56789"},
        {200, "", "0123456789"},
        {204, "", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct scene *scene = open_scene(&wrong[i], 1);
        PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(1000);
        struct pen_s3_get_request request = {.bucket = "bkt", .key = "k", .offset = 5, .length = 5};
        struct pen_error err = {0};
        assert_int_equal(get_all(scene, &request, &body, &err), PEN_ERR_IO);
        assert_string_equal(err.where, "s3://bkt/k");
        assert_int_equal(body.len, 0);
        close_scene(scene);
    }
}

static void get_of_a_changed_object_is_a_conflict(void **state)
{
    (void)state;
    struct scene *scene = OPEN({412, "", ERROR("PreconditionFailed", "")});
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(1000);
    struct pen_s3_get_request request = {.bucket = "bkt", .key = "k", .if_match = "e"};
    assert_int_equal(get_all(scene, &request, &body, NULL), PEN_ERR_CONFLICT);
    assert_int_equal(request_count(scene), 1);
    close_scene(scene);
}

static void get_names_the_object_in_its_retry_warnings(void **state)
{
    (void)state;
    struct scene *scene = OPEN({500, "", ERROR("InternalError", "")}, {200, "", "body"});
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(1000);
    struct pen_s3_get_request request = {.bucket = "bkt", .key = "a/k'1"};
    assert_ok(get_all(scene, &request, &body, err));
    assert_string_equal(body.ptr, "body");
    assert_logged(scene, "warn: Getting object 'a/k'1' failed. Retrying 1/2 after 0 seconds. "
                         "Message: InternalError");
    close_scene(scene);
}

static void body_that_ends_early_is_a_retryable_error(void **state)
{
    (void)state;
    struct scene *scene = OPEN({200, "Content-Length: 10\r\n", "01234"});
    PEN_CLEANUP(pen_buf_release) struct pen_buf body = PEN_BUF(1000);
    struct pen_s3_get_request request = {.bucket = "bkt", .key = "k"};
    struct pen_error err = {0};
    assert_int_equal(get_all(scene, &request, &body, &err), PEN_ERR_IO);
    assert_true(err.is_retryable);
    assert_string_equal(body.ptr, "01234");
    close_scene(scene);
}

static void client_refuses_bad_endpoints_and_regions(void **state)
{
    (void)state;
    struct pen_s3_client *client = NULL;
    struct pen_s3_options bad_region = {.region = "Not A Region"};
    struct pen_s3_options bad_endpoint = {.endpoint = "http://"};
    struct pen_s3_options bad_both = {.endpoint = "localhost", .region = "Not A Region"};
    assert_int_equal(pen_s3_client_new(&bad_region, &client, NULL), PEN_ERR_CONFIG);
    assert_int_equal(pen_s3_client_new(&bad_endpoint, &client, NULL), PEN_ERR_CONFIG);
    assert_int_equal(pen_s3_client_new(&bad_both, &client, NULL), PEN_ERR_CONFIG);
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_goes_page_by_page_with_its_own_continuation),
        cmocka_unit_test(list_asks_again_when_the_page_breaks_off),
        cmocka_unit_test(anonymous_requests_carry_no_signature),
        cmocka_unit_test(errors_carry_place_status_code_request_id_and_advice),
        cmocka_unit_test(errors_that_may_pass_are_tried_again_and_the_first_is_reported),
        cmocka_unit_test(retry_after_of_the_service_is_honoured),
        cmocka_unit_test(request_follows_the_bucket_to_its_region_once_and_remembers),
        cmocka_unit_test(request_does_not_chase_regions_forever),
        cmocka_unit_test(request_does_not_follow_a_region_that_is_none),
        cmocka_unit_test(expired_token_is_refreshed_once),
        cmocka_unit_test(expired_token_that_stays_expired_is_reported),
        cmocka_unit_test(head_says_what_the_object_is),
        cmocka_unit_test(etag_is_no_md5_when_multipart_or_encrypted_with_a_key),
        cmocka_unit_test(head_of_a_missing_key_is_not_found_at_once),
        cmocka_unit_test(get_asks_for_range_and_condition),
        cmocka_unit_test(get_refuses_a_range_that_was_not_asked_for),
        cmocka_unit_test(get_of_a_changed_object_is_a_conflict),
        cmocka_unit_test(get_names_the_object_in_its_retry_warnings),
        cmocka_unit_test(body_that_ends_early_is_a_retryable_error),
        cmocka_unit_test(client_refuses_bad_endpoints_and_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
