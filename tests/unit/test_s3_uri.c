#include "unit.h"

#include "s3/s3_uri.h"

static struct s3_endpoint parse(const char *text, bool is_plain_http)
{
    struct s3_endpoint endpoint = {0};
    assert_ok(s3_endpoint_parse(text, is_plain_http, &endpoint, err));
    return endpoint;
}

static void endpoint_without_a_scheme_is_https_unless_told(void **state)
{
    (void)state;
    struct s3_endpoint https = parse("MinIO.example.com:9000", false);
    assert_string_equal(https.host, "minio.example.com:9000");
    assert_false(https.is_plain_http);
    assert_false(https.is_aws);
    assert_true(parse("minio.example.com", true).is_plain_http);
    assert_false(parse("https://minio.example.com", true).is_plain_http); /* literal wins */
    assert_true(parse("HTTP://minio.example.com", false).is_plain_http);
}

static void endpoint_drops_only_the_port_of_its_scheme(void **state)
{
    (void)state;
    assert_string_equal(parse("https://h:443/", false).host, "h");
    assert_string_equal(parse("http://h:443", false).host, "h:443");
    assert_string_equal(parse("http://h:80", false).host, "h");
    assert_string_equal(parse("http://[::1]:7480", false).host, "[::1]:7480");
    assert_string_equal(parse("http://[::1]", false).host, "[::1]");
}

static void endpoint_keeps_a_path_without_its_last_slash(void **state)
{
    (void)state;
    struct s3_endpoint endpoint = parse("https://h.example/storage/v1/s3/", false);
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(1000);
    assert_ok(s3_build_path(&endpoint, true, "bkt", "a b", &path, err));
    assert_string_equal(path.ptr, "/storage/v1/s3/bkt/a%20b");
}

static void endpoint_refuses_what_is_no_host(void **state)
{
    (void)state;
    const char *bad[] = {"",           "http://",    "ftp://h", "h:0",       "h:65536",
                         "h:99999999", "h:",         "h:8x",    "user:pw@h", "h/?x",
                         "h#f",        "h h",        ".h",      "-h",        "http://h\r\nX: y",
                         "[::1",       "h_\xc3\xa9", "h:-1",    "//h",       "https://h:80:80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct s3_endpoint endpoint;
        struct pen_error err = {0};
        if (s3_endpoint_parse(bad[i], false, &endpoint, &err) != PEN_ERR_CONFIG)
            fail_msg("accepted '%s'", bad[i]);
        assert_null(strstr(err.message, "pw")); /* a password never gets into an error */
    }
}

static void region_gives_amazons_endpoint_of_its_partition(void **state)
{
    (void)state;
    struct s3_endpoint endpoint;
    assert_ok(s3_endpoint_of_region(NULL, false, &endpoint, err));
    assert_string_equal(endpoint.host, "s3.amazonaws.com");
    assert_true(endpoint.is_aws);
    assert_ok(s3_endpoint_of_region("eu-central-1", false, &endpoint, err));
    assert_string_equal(endpoint.host, "s3.eu-central-1.amazonaws.com");
    assert_ok(s3_endpoint_of_region("cn-north-1", false, &endpoint, err));
    assert_string_equal(endpoint.host, "s3.cn-north-1.amazonaws.com.cn");
    assert_true(endpoint.is_aws);
    const char *bad[] = {"US-EAST-1", "eu central", "a.b", "x/../y", "-a", "a-", "us-east-1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(s3_endpoint_of_region(bad[i], false, &endpoint, NULL), PEN_ERR_CONFIG);
}

static void host_of_amazon_names_its_region(void **state)
{
    (void)state;
    static const struct {
        const char *host, *region;
    } cases[] = {
        {"s3.eu-west-1.amazonaws.com", "eu-west-1"},
        {"s3-us-west-2.amazonaws.com", "us-west-2"},
        {"s3.dualstack.ap-southeast-2.amazonaws.com", "ap-southeast-2"},
        {"s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
        {"s3-fips-us-gov-west-1.amazonaws.com", "us-gov-west-1"},
        {"us-west-1.s3.us-east-2.amazonaws.com", "us-east-2"}, /* a bucket with an odd name */
        {"bucket.vpce-0a1b-x.s3.us-east-1.vpce.amazonaws.com", "us-east-1"},
        {"s3-external-1.amazonaws.com", "us-east-1"},
        {"s3.amazonaws.com", ""},
        {"s3-accelerate.amazonaws.com", ""},
        {"localhost", ""},
        {"", ""},
        {"...", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char region[S3_REGION_TEXT];
        s3_region_of_host(pen_slice_str(cases[i].host), region);
        assert_string_equal(region, cases[i].region);
    }
}

static bool is_path_style(const char *endpoint, enum pen_s3_path_style style, const char *bucket)
{
    struct s3_endpoint parsed = parse(endpoint, false);
    return s3_is_path_style(&parsed, style, bucket);
}

static void path_style_is_automatic_for_all_but_amazon(void **state)
{
    (void)state;
    const char *aws = "s3.eu-west-1.amazonaws.com";
    assert_false(is_path_style(aws, PEN_S3_PATH_AUTO, "bucket-1"));
    assert_true(is_path_style("127.0.0.1:7480", PEN_S3_PATH_AUTO, "bucket-1"));
    assert_true(is_path_style("http://[::1]:7480", PEN_S3_PATH_AUTO, "bucket-1"));
    assert_true(is_path_style("storage.googleapis.com", PEN_S3_PATH_AUTO, "bucket-1"));
    assert_false(is_path_style("127.0.0.1:7480", PEN_S3_PATH_OFF, "bucket-1"));
    assert_true(is_path_style(aws, PEN_S3_PATH_ON, "bucket-1"));
}

static void path_style_is_automatic_for_names_that_are_no_host(void **state)
{
    (void)state;
    const char *aws = "s3.amazonaws.com", *plain = "http://s3.amazonaws.com";
    const char *odd[] = {"Upper", "under_score", "ab", "-ab", "ab-", "a..b", "a.-b", "1.2.3.4"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_true(is_path_style(aws, PEN_S3_PATH_AUTO, odd[i]));
    assert_true(is_path_style(aws, PEN_S3_PATH_AUTO, "with.dots")); /* no certificate covers it */
    assert_false(is_path_style(plain, PEN_S3_PATH_AUTO, "with.dots"));
}

static void url_parts_follow_the_style(void **state)
{
    (void)state;
    struct s3_endpoint endpoint = parse("s3.eu-west-1.amazonaws.com", false);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1000);
    assert_ok(s3_build_host(&endpoint, false, "bkt", &text, err));
    assert_string_equal(text.ptr, "bkt.s3.eu-west-1.amazonaws.com");
    pen_buf_clear(&text);
    assert_ok(s3_build_host(&endpoint, true, "bkt", &text, err));
    assert_string_equal(text.ptr, "s3.eu-west-1.amazonaws.com");
    pen_buf_clear(&text);
    assert_ok(s3_build_path(&endpoint, false, "bkt", NULL, &text, err));
    assert_string_equal(text.ptr, "/");
    pen_buf_clear(&text);
    assert_ok(s3_build_path(&endpoint, true, "bkt", NULL, &text, err));
    assert_string_equal(text.ptr, "/bkt");
    pen_buf_clear(&text);
    assert_ok(s3_build_path(&endpoint, true, "a/b?", "/../x//y%", &text, err));
    assert_string_equal(text.ptr, "/a%2Fb%3F//../x//y%25");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_without_a_scheme_is_https_unless_told),
        cmocka_unit_test(endpoint_drops_only_the_port_of_its_scheme),
        cmocka_unit_test(endpoint_keeps_a_path_without_its_last_slash),
        cmocka_unit_test(endpoint_refuses_what_is_no_host),
        cmocka_unit_test(region_gives_amazons_endpoint_of_its_partition),
        cmocka_unit_test(host_of_amazon_names_its_region),
        cmocka_unit_test(path_style_is_automatic_for_all_but_amazon),
        cmocka_unit_test(path_style_is_automatic_for_names_that_are_no_host),
        cmocka_unit_test(url_parts_follow_the_style),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
