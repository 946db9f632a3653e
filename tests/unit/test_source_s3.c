#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf/tree.h"
#include "scripted_server.h"
#include "source/s3_settings.h"
#include "temp_folder.h"

struct rig {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_source *source;
    struct pen_http_client *http;
    struct test_server *server;
    char url[64];
    char log[8192];
    char keys[8192];    /* accepted "key:etag:size " */
    char targets[8192]; /* "METHOD target\n" */
};

static struct rig rig;

static void take_log(void *context, const char *level, const char *text)
{
    (void)context;
    size_t len = strlen(rig.log);
    (void)snprintf(rig.log + len, sizeof rig.log - len, "%s: %s\n", level, text);
}

static enum pen_code take_object(void *context, const struct pen_object *object,
                                 struct pen_error *err)
{
    (void)context, (void)err;
    size_t len = strlen(rig.keys);
    (void)snprintf(rig.keys + len, sizeof rig.keys - len, "%s:%s:%llu ", object->key, object->etag,
                   (unsigned long long)object->size_bytes);
    return PEN_OK;
}

/* Two pages; the Date header is a day of 2013. */
static const char *const date = "Date: Fri, 24 May 2013 10:00:00 GMT\r\n";
static const char *const pages[] = {
    "<?xml "
    "version=\"1.0\"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</"
    "IsTruncated>"
    "<NextContinuationToken>more</NextContinuationToken>"
    "<Contents><Key>a%20b.csv</Key><LastModified>2013-05-24T09:59:59.999Z</LastModified>"
    "<ETag>&quot;e1&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
    "<Contents><Key>c.csv</Key><LastModified>2013-05-24T10:00:00.000Z</LastModified>"
    "<ETag>&quot;e2&quot;</ETag><Size>6</Size></Contents></ListBucketResult>",
    "<?xml "
    "version=\"1.0\"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</"
    "IsTruncated>"
    "<Contents><Key>d/</Key><LastModified>2013-05-01T00:00:00.000Z</LastModified>"
    "<ETag>&quot;e3&quot;</ETag><Size>0</Size></Contents>"
    "<Contents><Key>d/e.csv</Key><LastModified>2013-05-02T00:00:00.000Z</LastModified>"
    "<ETag>&quot;e4&quot;</ETag><Size>7</Size></Contents></ListBucketResult>"};

static void serve(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    size_t len = strlen(rig.targets);
    (void)snprintf(rig.targets + len, sizeof rig.targets - len, "%s %s\n", request->method,
                   request->target);
    if (strcmp(request->method, "HEAD") == 0)
        test_reply_head(peer, 200, "ETag: \"head\"\r\nx-amz-storage-class: GLACIER\r\n", 0);
    else if (strstr(request->target, "continuation-token=more") != NULL)
        test_reply(peer, 200, date, pages[1]);
    else if (strstr(request->target, "list-type=2") != NULL)
        test_reply(peer, 200, date, pages[0]);
    else
        test_reply(peer, 200, "ETag: \"e1\"\r\n", "12345");
}

static int start(void **state)
{
    if (temp_folder_make(state) != 0)
        return 1;
    static const char *const names[] = {"AWS_PROFILE",         "AWS_REGION",
                                        "AWS_DEFAULT_REGION",  "AWS_ENDPOINT_URL",
                                        "AWS_ENDPOINT_URL_S3", "http_proxy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", temp_path("credentials"), 1);
    (void)setenv("AWS_CONFIG_FILE", temp_path("config"), 1);
    memset(&rig, 0, sizeof rig);
    rig.arena = PEN_ARENA((size_t)1 << 20);
    rig.warnings.text = PEN_BUF(PEN_BUF_TEXT_MAX);
    rig.server = test_server_new(serve, NULL, false);
    (void)snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:%d", test_server_port(rig.server));
    assert_ok(pen_http_client_new(NULL, &rig.http, err));
    return 0;
}

static int stop(void **state)
{
    pen_source_free(rig.source);
    pen_http_client_free(rig.http);
    test_server_free(rig.server);
    pen_buf_release(&rig.warnings.text);
    pen_arena_release(&rig.arena);
    return temp_folder_remove(state);
}

/* in: yaml: members of `in`, a line each; @ is the server's URL */
static enum pen_code open_source(const char *yaml, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(8192);
    for (; *yaml != '\0'; yaml++) {
        if (*yaml == '@')
            PEN_TRY(pen_buf_add_str(&text, rig.url, err));
        else
            PEN_TRY(pen_buf_add_char(&text, *yaml, err));
    }
    pen_source_free(rig.source);
    rig.source = NULL;
    pen_buf_clear(&rig.warnings.text);
    rig.keys[0] = rig.log[0] = rig.targets[0] = '\0';
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse(pen_buf_slice(&text), "load.yml", &rig.arena, &root, err));
    struct pen_source_env env = {.bind = {"load.yml", &rig.arena, &rig.warnings},
                                 .http = rig.http,
                                 .log = take_log,
                                 .memory_bytes = 1 << 20};
    return pen_source_new(&pen_source_s3, root, &env, &rig.source, err);
}

#define BASE                                                                                       \
    "type: s3\nbucket: bucket\nendpoint: @\naccess_key_id: AK\nsecret_access_key: SECRET\n"        \
    "maximum_retries: 0\n"

static const struct pen_s3_settings *settings(void)
{
    return rig.source->state;
}

static const char *warnings(void)
{
    return rig.warnings.text.ptr == NULL ? "" : rig.warnings.text.ptr;
}

static void s3_list_reads_all_pages(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: ''\n", err));
    assert_ok(rig.source->type->list(rig.source, take_object, NULL, err));
    assert_string_equal(rig.keys, "a b.csv:e1:5 c.csv:e2:6 d/e.csv:e4:7 ");
    assert_non_null(strstr(rig.targets, "list-type=2"));
    assert_non_null(strstr(rig.targets, "max-keys=1000"));
    assert_non_null(strstr(rig.targets, "continuation-token=more"));
    assert_non_null(strstr(rig.log, "info: Start listing file with prefix []\n"));
    assert_non_null(strstr(rig.log, "info: Found total [3] files\n"));
    assert_string_equal(warnings(), "");
}

static void s3_list_starts_after_last_path(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: ''\nlast_path: a b.csv\n", err));
    assert_ok(rig.source->type->list(rig.source, take_object, NULL, err));
    assert_string_equal(rig.keys, "c.csv:e2:6 d/e.csv:e4:7 "); /* this server ignores it */
    assert_non_null(strstr(rig.targets, "start-after=a%20b.csv"));
}

static void s3_list_ends_the_time_window_at_the_servers_date(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: ''\nuse_modified_time: true\n", err));
    assert_ok(rig.source->type->list(rig.source, take_object, NULL, err));
    assert_string_equal(rig.keys, "a b.csv:e1:5 d/e.csv:e4:7 ");
    struct pen_node *into = pen_node_new_map(&rig.arena);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(4096);
    assert_ok(rig.source->type->next(rig.source, &rig.arena, into, err));
    assert_ok(pen_tree_write_json(into, false, &json, err));
    assert_string_equal(json.ptr, "{\"last_modified_time\":\"2013-05-24T10:00:00.000Z\"}");
}

static void s3_list_looks_up_one_path_whatever_its_size_and_class(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path: x/y z.csv\npath_prefix: other\n", err));
    assert_ok(rig.source->type->list(rig.source, take_object, NULL, err));
    assert_string_equal(rig.keys, "x/y z.csv:head:0 ");
    assert_string_equal(rig.targets, "HEAD /bucket/x/y%20z.csv\n");
    assert_non_null(strstr(rig.log, "info: Start getting object with path: [x/y z.csv]\n"));
}

static void s3_reader_gives_the_bytes_and_logs_the_opening(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: ''\n", err));
    char key[] = "a b.csv", etag[] = "e1", version[] = "", bytes[16];
    struct pen_object object = {.key = key, .etag = etag, .version_id = version, .size_bytes = 5};
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = NULL;
    assert_ok(rig.source->type->read(rig.source, &object, 0, &reader, err));
    size_t len = 0, n = 1;
    while (n > 0) {
        assert_ok(reader->read(reader, bytes + len, sizeof bytes - len, &n, err));
        len += n;
    }
    assert_int_equal(len, 5);
    assert_memory_equal(bytes, "12345", 5);
    assert_non_null(strstr(rig.log,
                           "info: Open S3Object with bucket [bucket], key [a b.csv], with size "
                           "[5]\n"));
    PEN_CLEANUP(pen_buf_release) struct pen_buf place = PEN_BUF(1024);
    assert_ok(rig.source->type->place(rig.source, &object, &place, err));
    assert_string_equal(place.ptr, "s3://bucket/a b.csv");
}

static void assert_refused(const char *yaml, const char *where, const char *message)
{
    struct pen_error failed = {0};
    assert_int_equal(open_source(yaml, &failed), PEN_ERR_CONFIG);
    if (strstr(failed.message, message) == NULL)
        fail_msg("'%s' does not say '%s'", failed.message, message);
    assert_string_equal(failed.where, where);
    assert_null(strstr(failed.message, "SECRET"));
    assert_int_equal(test_server_requests(rig.server), 0);
}

static void s3_open_refuses_wrong_options_before_any_request(void **state)
{
    (void)state;
    assert_refused("type: s3\npath_prefix: a\n", "load.yml:1:1",
                   "'bucket' is required but not set");
    assert_refused("type: s3\nbucket: b\n", "load.yml:1:1",
                   "Either path or path_prefix is required");
    assert_refused("bucket: ''\npath_prefix: a\n", "load.yml:1:1", "no name of a bucket");
    assert_refused(BASE "path_prefix: a\nsession_token: t\n", "load.yml:8:1",
                   "Invalid option is set: session_token");
    assert_refused(BASE "path_prefix: a\nauth_method: magic\n", "load.yml:8:1",
                   "Unknown auth_method 'magic'.");
    assert_refused("bucket: b\npath_prefix: a\nauth_method: session\n", "load.yml:1:1",
                   "Required option is not set: 'access_key_id', 'secret_access_key', "
                   "'session_token'");
    assert_refused(BASE "path_prefix: a\npath_match_pattern: '['\n", "load.yml:8:1",
                   "bad regular expression");
    assert_refused(BASE "path_prefix: a\nhttp_proxy: {port: 1}\n", "load.yml:8:1",
                   "'host' is required");
    assert_refused(BASE "path_prefix: a\nhttp_proxy: {host: h, port: 70000}\n", "load.yml:8:23",
                   "port");
    assert_refused(BASE "path_prefix: a\npath_style: maybe\n", "load.yml:8:1", "path_style");
    assert_refused(BASE "path_prefix: a\npath_prefx: a\n", "load.yml:8:1", "path_prefx");
    assert_refused("bucket: b\npath_prefix: a\nendpoint: 'http://'\n", "load.yml:3:1", "endpoint");
}

static void s3_open_warns_about_what_is_rarely_meant(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: /a\n", err));
    assert_non_null(strstr(warnings(), "load.yml:7:1: path_prefix begins with '/'"));
    assert_ok(open_source(BASE "path_prefix: a\nregion: eu-west-1\n", err));
    assert_non_null(strstr(warnings(), "Either configure endpoint or region, if both is specified "
                                       "only the endpoint will be in effect."));
    assert_ok(open_source("bucket: b\npath_prefix: a\n", err));
    assert_non_null(
        strstr(warnings(), "Both 'access_key_id' and 'secret_access_key' are not set."));
    assert_non_null(strstr(warnings(), "If you intentionally use anonymous authentication"));
    assert_non_null(strstr(warnings(), "This behavior will be removed in a future release."));
    assert_null(settings()->credentials);
}

static void s3_list_says_that_a_slash_is_not_the_whole_bucket(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: /\n", err));
    assert_int_equal(rig.source->type->list(rig.source, take_object, NULL, NULL), PEN_ERR_CORRUPT);
    assert_non_null(strstr(rig.log, "info: Listing files with prefix \"/\". This doesn't mean all "
                                    "files in a bucket."));
}

static void s3_open_accepts_keys_that_others_read(void **state)
{
    (void)state;
    assert_ok(open_source(BASE "path_prefix: a\nparser: {type: csv}\ndecoders: [{type: gzip}]\n"
                               "td_authentication_id: 12\nmin_task_size: 268435456\n",
                          err));
    assert_int_equal(rig.source->min_task_size_bytes, 268435456);
}

static void s3_open_resolves_region_and_endpoint(void **state)
{
    (void)state;
    const char *plain = "bucket: b\npath_prefix: a\nauth_method: anonymous\n";
    FILE *file = fopen(temp_path("config"), "w");
    assert_non_null(file);
    assert_true(fputs("[default]\nregion = eu-north-1\nendpoint_url = http://profile:1\n", file) >=
                0);
    assert_int_equal(fclose(file), 0);
    assert_ok(open_source(plain, err));
    assert_string_equal(settings()->used_region, "eu-north-1");
    assert_string_equal(settings()->used_endpoint, "http://profile:1");
    assert_string_equal(settings()->endpoint_from, "the AWS profile");
    (void)setenv("AWS_REGION", "us-west-2", 1);
    (void)setenv("AWS_ENDPOINT_URL", "http://env:2", 1);
    assert_ok(open_source(plain, err));
    assert_string_equal(settings()->used_region, "us-west-2");
    assert_string_equal(settings()->used_endpoint, "http://env:2");
    assert_ok(open_source("bucket: b\npath_prefix: a\nauth_method: anonymous\nregion: sa-east-1\n"
                          "endpoint: @\n",
                          err));
    assert_string_equal(settings()->used_region, "sa-east-1");
    assert_string_equal(settings()->used_endpoint, rig.url);
    (void)unsetenv("AWS_REGION");
    (void)unsetenv("AWS_ENDPOINT_URL");
    (void)unlink(temp_path("config"));
    assert_ok(open_source(plain, err));
    assert_null(settings()->used_region);
    assert_null(settings()->used_endpoint);
}

static void s3_open_goes_through_the_configured_proxy(void **state)
{
    (void)state;
    char yaml[512];
    (void)snprintf(yaml, sizeof yaml,
                   "type: s3\nbucket: bucket\nendpoint: s3.invalid\npath_prefix: ''\n"
                   "path_style: true\nauth_method: anonymous\nmaximum_retries: 0\n"
                   "http_proxy: {host: 127.0.0.1, port: %d, https: false, user: u, password: p}\n",
                   test_server_port(rig.server));
    assert_ok(open_source(yaml, err));
    assert_ok(rig.source->type->list(rig.source, take_object, NULL, err));
    assert_string_equal(rig.keys, "a b.csv:e1:5 c.csv:e2:6 d/e.csv:e4:7 ");
    assert_non_null(strstr(rig.targets, "GET http://s3.invalid/bucket"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(s3_list_reads_all_pages),
        TEST(s3_list_starts_after_last_path),
        TEST(s3_list_ends_the_time_window_at_the_servers_date),
        TEST(s3_list_looks_up_one_path_whatever_its_size_and_class),
        TEST(s3_reader_gives_the_bytes_and_logs_the_opening),
        TEST(s3_open_refuses_wrong_options_before_any_request),
        TEST(s3_open_warns_about_what_is_rarely_meant),
        TEST(s3_list_says_that_a_slash_is_not_the_whole_bucket),
        TEST(s3_open_accepts_keys_that_others_read),
        TEST(s3_open_resolves_region_and_endpoint),
        TEST(s3_open_goes_through_the_configured_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
