#include "unit.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "conf/tree.h"
#include "net/http_client.h"
#include "scripted_server.h"
#include "source/doctor.h"
#include "source/doctor_internal.h"
#include "temp_folder.h"

static struct {
    struct pen_arena arena;
    struct pen_http_client *http;
    struct test_server *server;
    struct pen_doctor_report report;
    char url[64];
    /* what the service is like */
    int list_status, get_status;
    const char *listing, *region;
    int64_t clock_s; /* added to the time */
    int lists;
} rig;

static const char *const denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
static const char *const two_keys =
    "<ListBucketResult><IsTruncated>false</IsTruncated>"
    "<Contents><Key>logs/</Key><LastModified>2013-05-01T00:00:00.000Z</LastModified>"
    "<ETag>e</ETag><Size>0</Size></Contents>"
    "<Contents><Key>logs/a.csv</Key><LastModified>2013-05-02T00:00:00.000Z</LastModified>"
    "<ETag>e</ETag><Size>7</Size></Contents></ListBucketResult>";
static const char *const no_keys =
    "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

static void serve(void *context, struct test_peer *peer, const struct test_request *request)
{
    (void)context;
    char headers[256], date[64];
    time_t now = time(NULL) + (time_t)rig.clock_s;
    struct tm parts;
    (void)gmtime_r(&now, &parts);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    (void)snprintf(headers, sizeof headers, "Date: %s\r\n%s%s%s", date,
                   rig.region != NULL ? "x-amz-bucket-region: " : "",
                   rig.region != NULL ? rig.region : "", rig.region != NULL ? "\r\n" : "");
    bool is_list = strstr(request->target, "list-type=2") != NULL;
    rig.lists += is_list;
    if (is_list)
        test_reply(peer, rig.list_status, headers,
                   rig.list_status == 200   ? rig.listing
                   : rig.list_status == 403 ? denied
                                            : "");
    else if (strcmp(request->method, "HEAD") == 0)
        test_reply_head(peer, strstr(request->target, ".csv") != NULL ? rig.get_status : 403,
                        headers, strstr(request->target, ".csv") != NULL ? 7 : 0);
    else if (rig.get_status != 200)
        test_reply(peer, rig.get_status, headers, denied);
    else
        test_reply(peer, 206, "Content-Range: bytes 0-0/7\r\nETag: \"e\"\r\n", "1");
}

static int start(void **state)
{
    if (temp_folder_make(state) != 0)
        return 1;
    static const char *const names[] = {
        "AWS_PROFILE",           "AWS_REGION",          "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",      "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY", "http_proxy",          "https_proxy",
        "HTTPS_PROXY",           "all_proxy",           "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", temp_path("credentials"), 1);
    (void)setenv("AWS_CONFIG_FILE", temp_path("config"), 1);
    memset(&rig, 0, sizeof rig);
    rig.arena = PEN_ARENA((size_t)1 << 20);
    rig.list_status = rig.get_status = 200;
    rig.listing = two_keys;
    rig.server = test_server_new(serve, NULL, false);
    (void)snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:%d", test_server_port(rig.server));
    assert_ok(pen_http_client_new(NULL, &rig.http, err));
    return 0;
}

static int stop(void **state)
{
    pen_doctor_report_release(&rig.report);
    pen_http_client_free(rig.http);
    test_server_free(rig.server);
    pen_arena_release(&rig.arena);
    return temp_folder_remove(state);
}

#define KEYS "access_key_id: AKIATEST\nsecret_access_key: S3CR3T\n"

/* in: yaml: members of `in` besides bucket and endpoint, a line each */
static void examine(const char *yaml)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "type: s3\nbucket: bkt\nendpoint: %s\n%s", rig.url, yaml);
    struct pen_node *root = NULL;
    pen_doctor_report_release(&rig.report);
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &rig.arena, &root, err));
    struct pen_source_env env = {.bind = {"load.yml", &rig.arena, NULL}, .http = rig.http};
    assert_ok(pen_doctor_run(&pen_source_s3, root, &env, &rig.report, err));
    for (size_t i = 0; i < rig.report.count; i++)
        if (strstr(rig.report.checks[i].detail, "S3CR3T") != NULL)
            fail_msg("'%s' tells a secret", rig.report.checks[i].detail);
}

static const struct pen_check *check(const char *name)
{
    for (size_t i = 0; i < rig.report.count; i++)
        if (strcmp(rig.report.checks[i].name, name) == 0)
            return &rig.report.checks[i];
    fail_msg("there is no check '%s'", name);
    return NULL;
}

static void assert_check(const char *name, enum pen_check_status status, const char *detail)
{
    const struct pen_check *found = check(name);
    if (found->status != status || strstr(found->detail, detail) == NULL)
        fail_msg("%s is %s: %s", name, pen_check_status_name(found->status), found->detail);
}

static void doctor_passes_all_checks_when_all_is_well(void **state)
{
    (void)state;
    rig.region = "us-east-1";
    examine(KEYS "path_prefix: logs/\n");
    static const char *const order[] = {"configuration", "credentials", "dns",  "connect",
                                        "clock",         "region",      "list", "get"};
    assert_int_equal(rig.report.count, sizeof order / sizeof order[0]);
    for (size_t i = 0; i < rig.report.count; i++) {
        assert_string_equal(rig.report.checks[i].name, order[i]);
        assert_check(order[i], PEN_CHECK_OK, "");
    }
    assert_check("credentials", PEN_CHECK_OK, "access_key_id of the configuration; key AKIA...");
    assert_check("list", PEN_CHECK_OK, "2 keys on the first page, 1 of them not empty");
    assert_check("get", PEN_CHECK_OK, "'logs/a.csv' can be read");
    assert_int_equal(rig.report.policy.len, 0);
    assert_int_equal(pen_doctor_code(&rig.report), PEN_OK);
}

static void doctor_names_the_missing_permission_and_the_least_policy(void **state)
{
    (void)state;
    rig.list_status = 403;
    examine(KEYS "path_prefix: logs/\n");
    assert_check("list", PEN_CHECK_FAILED, "AccessDenied");
    assert_string_equal(check("list")->hint,
                        "missing permission: s3:ListBucket on arn:aws:s3:::bkt");
    assert_check("get", PEN_CHECK_SKIPPED, "");
    assert_int_equal(pen_doctor_code(&rig.report), PEN_ERR_AUTH);
    assert_int_equal(rig.lists, 1);
    assert_string_equal(
        rig.report.policy.ptr,
        "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n"
        "    {\"Effect\": \"Allow\", \"Action\": \"s3:ListBucket\", \"Resource\": "
        "\"arn:aws:s3:::bkt\",\n     \"Condition\": {\"StringLike\": {\"s3:prefix\": "
        "\"logs/*\"}}},\n"
        "    {\"Effect\": \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": "
        "\"arn:aws:s3:::bkt/logs/*\"}\n  ]\n}\n");
    rig.list_status = 200;
    rig.get_status = 403;
    examine(KEYS "path_prefix: logs/\n");
    assert_check("list", PEN_CHECK_OK, "");
    assert_check("get", PEN_CHECK_FAILED, "AccessDenied");
    assert_string_equal(check("get")->hint,
                        "missing permission: s3:GetObject on arn:aws:s3:::bkt/*");
}

static void doctor_does_not_retry(void **state)
{
    (void)state;
    rig.list_status = 500;
    examine(KEYS "path_prefix: logs/\nmaximum_retries: 9\n");
    assert_check("list", PEN_CHECK_FAILED, "");
    assert_int_equal(rig.lists, 1);
    assert_int_equal(rig.report.policy.len, 0);
}

static void doctor_needs_no_listing_for_a_single_path(void **state)
{
    (void)state;
    examine(KEYS "path: logs/a.csv\n");
    assert_check("list", PEN_CHECK_SKIPPED, "not needed");
    assert_check("get", PEN_CHECK_OK, "");
    assert_int_equal(rig.lists, 0);
    rig.get_status = 403;
    examine(KEYS "path: logs/a.csv\n");
    assert_check("get", PEN_CHECK_FAILED, "");
    assert_null(strstr(rig.report.policy.ptr, "ListBucket"));
    assert_non_null(strstr(rig.report.policy.ptr, "\"arn:aws:s3:::bkt/logs/a.csv\""));
}

static void doctor_warns_about_clock_region_and_an_empty_listing(void **state)
{
    (void)state;
    rig.clock_s = -200;
    rig.region = "eu-central-1";
    rig.listing = no_keys;
    examine(KEYS "path_prefix: logs/\n");
    assert_check("clock", PEN_CHECK_WARNING, "seconds ahead of the service");
    assert_check("region", PEN_CHECK_WARNING, "the bucket is in eu-central-1");
    assert_non_null(strstr(check("region")->hint, "set region: eu-central-1"));
    assert_check("list", PEN_CHECK_WARNING, "0 keys");
    assert_check("get", PEN_CHECK_SKIPPED, "");
    assert_int_equal(pen_doctor_code(&rig.report), PEN_OK);
    rig.clock_s = 5000;
    examine(KEYS "path_prefix: logs/\nregion: eu-central-1\n");
    assert_check("clock", PEN_CHECK_FAILED, "seconds behind the service");
    assert_check("region", PEN_CHECK_OK, "eu-central-1");
    assert_int_equal(pen_doctor_code(&rig.report), PEN_ERR_AUTH);
}

static void doctor_says_when_there_are_no_credentials(void **state)
{
    (void)state;
    examine("auth_method: env\npath_prefix: a\n");
    assert_check("credentials", PEN_CHECK_FAILED, "AWS_ACCESS_KEY_ID");
    assert_check("connect", PEN_CHECK_OK, "");
    assert_check("list", PEN_CHECK_SKIPPED, "no credentials");
    assert_int_equal(rig.lists, 0);
    examine("auth_method: anonymous\npath_prefix: logs\n");
    assert_check("credentials", PEN_CHECK_OK, "anonymous");
    assert_check("get", PEN_CHECK_OK, "");
}

static void doctor_stops_at_a_service_that_cannot_be_reached(void **state)
{
    (void)state;
    (void)snprintf(rig.url, sizeof rig.url, "http://127.0.0.1:1");
    examine(KEYS "path_prefix: a\n");
    assert_check("connect", PEN_CHECK_FAILED, "");
    assert_check("list", PEN_CHECK_SKIPPED, "cannot be reached");
    assert_int_equal(pen_doctor_code(&rig.report), PEN_ERR_IO);
    (void)snprintf(rig.url, sizeof rig.url, "http://no-such-host.invalid");
    examine(KEYS "path_prefix: a\n");
    assert_check("dns", PEN_CHECK_FAILED, "no-such-host.invalid");
}

static void doctor_stops_at_a_wrong_configuration(void **state)
{
    (void)state;
    examine(KEYS "nonsense: 1\n");
    assert_int_equal(rig.report.count, 1);
    assert_check("configuration", PEN_CHECK_FAILED, "load.yml:6:1");
    assert_int_equal(pen_doctor_code(&rig.report), PEN_ERR_CONFIG);
}

static void doctor_reads_files_too(void **state)
{
    (void)state;
    FILE *file = fopen(temp_path("in.csv"), "w");
    assert_non_null(file);
    assert_true(fputs("1", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct pen_node *root = NULL;
    char text[256];
    (void)snprintf(text, sizeof text, "{type: file, path_prefix: %s}", temp_path("in"));
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &rig.arena, &root, err));
    struct pen_source_env env = {.bind = {"load.yml", &rig.arena, NULL}};
    assert_ok(pen_doctor_run(&pen_source_file, root, &env, &rig.report, err));
    assert_check("list", PEN_CHECK_OK, "in.csv");
    assert_check("get", PEN_CHECK_OK, "can be read");
    (void)unlink(temp_path("in.csv"));
    assert_ok(pen_doctor_run(&pen_source_file, root, &env, &rig.report, err));
    assert_check("list", PEN_CHECK_WARNING, "no object");
}

static void policy_keeps_signs_that_have_a_meaning_there(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf policy = PEN_BUF(4096);
    assert_ok(pen_doctor_policy("b", "a*?$\"\\", "cn-north-1", true, &policy, err));
    assert_non_null(strstr(policy.ptr, "\"arn:aws-cn:s3:::b/a${*}${?}${$}\\\"\\\\*\""));
    pen_buf_clear(&policy);
    assert_ok(pen_doctor_policy("b", "", "us-gov-west-1", true, &policy, err));
    assert_non_null(strstr(policy.ptr, "\"arn:aws-us-gov:s3:::b/*\""));
    assert_null(strstr(policy.ptr, "Condition"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(doctor_passes_all_checks_when_all_is_well),
        TEST(doctor_names_the_missing_permission_and_the_least_policy),
        TEST(doctor_does_not_retry),
        TEST(doctor_needs_no_listing_for_a_single_path),
        TEST(doctor_warns_about_clock_region_and_an_empty_listing),
        TEST(doctor_says_when_there_are_no_credentials),
        TEST(doctor_stops_at_a_service_that_cannot_be_reached),
        TEST(doctor_stops_at_a_wrong_configuration),
        TEST(doctor_reads_files_too),
        cmocka_unit_test(policy_keeps_signs_that_have_a_meaning_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
