/* Expected signatures: the examples that AWS publishes in "Authenticating Requests: Using the
 * Authorization Header" (S3 API reference), in "Signature Version 4 test suite" and in the IAM
 * guide; for odd keys, what the AWS SDK for Python signs. */
#include "unit.h"

#include <stdlib.h>

#include "aws/sigv4.h"
#include "base/civil.h"

#define PAIR(name, value)                                                                          \
    {                                                                                              \
        PEN_LIT(name), PEN_LIT(value)                                                              \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static char s3_key[] = "AKIAIOSFODNN7EXAMPLE";
static char s3_secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
static char suite_key[] = "AKIDEXAMPLE";
static char suite_secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

static struct pen_sigv4_request s3_request(const char *method, const char *path)
{
    return (struct pen_sigv4_request){
        .method = method,
        .host = "examplebucket.s3.amazonaws.com",
        .path = path,
        .payload_hash = PEN_SIGV4_EMPTY_HASH,
        .has_payload_header = true,
        .region = "us-east-1",
        .service = "s3",
        .now_utc_us = pen_days_from_civil(2013, 5, 24) * PEN_US_PER_DAY,
    };
}

static struct pen_sigv4_request suite_request(const char *method, const char *path)
{
    return (struct pen_sigv4_request){
        .method = method,
        .host = "example.amazonaws.com",
        .path = path,
        .payload_hash = PEN_SIGV4_EMPTY_HASH,
        .region = "us-east-1",
        .service = "service",
        .now_utc_us = pen_days_from_civil(2015, 8, 30) * PEN_US_PER_DAY +
                      (INT64_C(12) * 3600 + 36 * 60) * PEN_US_PER_SECOND,
    };
}

/* The line that begins with `name`, NULL when there is none. */
static const char *line_of(const char *const *lines, const char *name)
{
    for (; *lines != NULL; lines++)
        if (strncmp(*lines, name, strlen(name)) == 0)
            return *lines;
    return NULL;
}

static void assert_signature(const struct pen_sigv4_request *request, char *key, char *secret,
                             char *token, const char *signature)
{
    struct pen_credentials credentials = {
        .access_key_id = key, .secret_access_key = secret, .session_token = token};
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    const char *const *lines = NULL;
    assert_ok(pen_sigv4_sign(request, &credentials, &arena, &lines, err));
    const char *authorization = line_of(lines, "Authorization: AWS4-HMAC-SHA256 Credential=");
    assert_non_null(authorization);
    assert_string_equal(strstr(authorization, ",Signature=") + strlen(",Signature="), signature);
}

static void sign_matches_the_s3_example_get_object(void **state)
{
    (void)state;
    const struct pen_sigv4_pair headers[] = {PAIR("Range", "bytes=0-9")};
    struct pen_sigv4_request request = s3_request("GET", "/test.txt");
    request.headers = headers;
    request.header_count = COUNT(headers);
    struct pen_credentials credentials = {.access_key_id = s3_key, .secret_access_key = s3_secret};
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    const char *const *lines = NULL;
    assert_ok(pen_sigv4_sign(&request, &credentials, &arena, &lines, err));
    assert_string_equal(line_of(lines, "Range"), "Range: bytes=0-9");
    assert_string_equal(line_of(lines, "x-amz-date"), "x-amz-date: 20130524T000000Z");
    assert_string_equal(line_of(lines, "x-amz-content"),
                        "x-amz-content-sha256: " PEN_SIGV4_EMPTY_HASH);
    assert_null(line_of(lines, "x-amz-security-token"));
    assert_null(line_of(lines, "Host"));
    assert_string_equal(
        line_of(lines, "Authorization"),
        "Authorization: AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void canonical_matches_the_s3_example_get_object(void **state)
{
    (void)state;
    const struct pen_sigv4_pair headers[] = {PAIR("Range", "bytes=0-9")};
    struct pen_sigv4_request request = s3_request("GET", "/test.txt");
    request.headers = headers;
    request.header_count = COUNT(headers);
    struct pen_credentials credentials = {.access_key_id = s3_key, .secret_access_key = s3_secret};
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 20);
    assert_ok(pen_sigv4_canonical(&request, &credentials, &text, err));
    assert_string_equal(text.ptr,
                        "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\n"
                        "range:bytes=0-9\n"
                        "x-amz-content-sha256:" PEN_SIGV4_EMPTY_HASH "\n"
                        "x-amz-date:20130524T000000Z\n\n"
                        "host;range;x-amz-content-sha256;x-amz-date\n" PEN_SIGV4_EMPTY_HASH);
    char hash[65];
    assert_ok(pen_sigv4_hash(pen_buf_slice(&text), hash, err));
    assert_string_equal(hash, "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
}

static void sign_matches_the_s3_example_put_object(void **state)
{
    (void)state;
    const struct pen_sigv4_pair headers[] = {PAIR("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                                             PAIR("Date", "Fri, 24 May 2013 00:00:00 GMT")};
    char hash[65];
    assert_ok(pen_sigv4_hash(PEN_LIT("Welcome to Amazon S3."), hash, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(1000);
    assert_ok(pen_uri_encode(&path, PEN_LIT("/test$file.text"), true, err));
    struct pen_sigv4_request request = s3_request("PUT", path.ptr);
    request.headers = headers;
    request.header_count = COUNT(headers);
    request.payload_hash = hash;
    assert_signature(&request, s3_key, s3_secret, NULL,
                     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void sign_matches_the_s3_examples_with_query_parameters(void **state)
{
    (void)state;
    const struct pen_sigv4_pair lifecycle[] = {PAIR("lifecycle", "")};
    const struct pen_sigv4_pair list[] = {PAIR("prefix", "J"), PAIR("max-keys", "2")};
    struct pen_sigv4_request request = s3_request("GET", "/");
    request.query = lifecycle;
    request.query_count = 1;
    assert_signature(&request, s3_key, s3_secret, NULL,
                     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    request.query = list;
    request.query_count = 2;
    assert_signature(&request, s3_key, s3_secret, NULL,
                     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void sign_matches_the_general_suite(void **state)
{
    (void)state;
    struct pen_sigv4_request vanilla = suite_request("GET", "/");
    assert_signature(&vanilla, suite_key, suite_secret, NULL,
                     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    vanilla.method = "POST";
    assert_signature(&vanilla, suite_key, suite_secret, NULL,
                     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    const struct pen_sigv4_pair query[] = {PAIR("Param2", "value2"), PAIR("Param1", "value1")};
    struct pen_sigv4_request ordered = suite_request("GET", "/");
    ordered.query = query;
    ordered.query_count = COUNT(query);
    assert_signature(&ordered, suite_key, suite_secret, NULL,
                     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(1000);
    assert_ok(pen_uri_encode(&path, PEN_LIT("/\u1234"), true, err));
    struct pen_sigv4_request utf8 = suite_request("GET", path.ptr);
    assert_signature(&utf8, suite_key, suite_secret, NULL,
                     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
}

static void sign_matches_the_general_suite_for_headers(void **state)
{
    (void)state;
    const struct pen_sigv4_pair trimmed[] = {PAIR("My-Header1", " value1"),
                                             PAIR("My-Header2", " \"a   b   c\"")};
    struct pen_sigv4_request request = suite_request("GET", "/");
    request.headers = trimmed;
    request.header_count = COUNT(trimmed);
    assert_signature(&request, suite_key, suite_secret, NULL,
                     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
    const struct pen_sigv4_pair repeated[] = {
        PAIR("My-Header1", "value2"), PAIR("My-Header1", "value2"), PAIR("My-Header1", "value1")};
    request.headers = repeated;
    request.header_count = COUNT(repeated);
    assert_signature(&request, suite_key, suite_secret, NULL,
                     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
}

static void sign_matches_the_general_suite_for_a_form_body(void **state)
{
    (void)state;
    const struct pen_sigv4_pair headers[] = {
        PAIR("Content-Type", "application/x-www-form-urlencoded")};
    char hash[65];
    assert_ok(pen_sigv4_hash(PEN_LIT("Param1=value1"), hash, err));
    struct pen_sigv4_request request = suite_request("POST", "/");
    request.headers = headers;
    request.header_count = COUNT(headers);
    request.payload_hash = hash;
    assert_signature(&request, suite_key, suite_secret, NULL,
                     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

static void sign_matches_the_general_suite_for_a_session_token(void **state)
{
    (void)state;
    char token[] =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMi"
        "cRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZamp"
        "KsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD"
        "0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLx"
        "BA==";
    struct pen_sigv4_request request = suite_request("POST", "/");
    assert_signature(&request, suite_key, suite_secret, token,
                     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

static void sign_matches_the_iam_example(void **state)
{
    (void)state;
    const struct pen_sigv4_pair headers[] = {
        PAIR("content-type", "application/x-www-form-urlencoded; charset=utf-8")};
    const struct pen_sigv4_pair query[] = {PAIR("Action", "ListUsers"),
                                           PAIR("Version", "2010-05-08")};
    struct pen_sigv4_request request = suite_request("GET", "/");
    request.host = "iam.amazonaws.com";
    request.service = "iam";
    request.headers = headers;
    request.header_count = COUNT(headers);
    request.query = query;
    request.query_count = COUNT(query);
    assert_signature(&request, suite_key, suite_secret, NULL,
                     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void sign_covers_keys_of_every_legal_byte(void **state)
{
    (void)state;
    static const struct {
        const char *key, *path, *signature;
    } cases[] = {
        {" leading and trailing ", "/bkt/%20leading%20and%20trailing%20",
         "e854394ef147d205664a611b04181393c841ee9a3d673fed62f4e8f577ef78de"},
        {"a+b%2Bc", "/bkt/a%2Bb%252Bc",
         "b806f265134fd0495549aa9f1e9f10e695417cc57009f099ded95f0b2cf02da8"},
        {"\u00e9/\u65e5\u672c/\U0001f600.csv", "/bkt/%C3%A9/%E6%97%A5%E6%9C%AC/%F0%9F%98%80.csv",
         "1431db35faceb34638932f39e6f96a792075fcb57544df40cce90cf828c89a9b"},
        {"new\nline\ttab", "/bkt/new%0Aline%09tab",
         "0bdbc2e8dba41a21810b5e85c6d57dbed112bbb5dc07cb3cd4ee75c9e40b35a6"},
        {"//double//slash/", "/bkt///double//slash/",
         "f94babf24e8e7a2df32ed052c8955e73aa3010938d3c035461cfb4a6a14bb93a"},
        {"/lead", "/bkt//lead", "d7c6090bc7c56adcb059a679c96a87fd0a5e8fbd05165c60dd2cc6f9946da5ad"},
        {"./../dots/./..", "/bkt/./../dots/./..",
         "08c8869d3b7dbc8c1d60b735b0865ba01787fd4deb66db7ae3e8458f18243767"},
        {"q?x=1&y#frag;:@$,=!*'()", "/bkt/q%3Fx%3D1%26y%23frag%3B%3A%40%24%2C%3D%21%2A%27%28%29",
         "1eb9e20363fed474fea7444b4460d45c2ad5924e8e4dc83231c862391c8ebe41"},
        {"~tilde-_.", "/bkt/~tilde-_.",
         "ceb5787cf9cdd948b290648a89c47e43986d4d9928225bce77ba75dd5f100757"},
        {"\x01\x7f", "/bkt/%01%7F",
         "9c0a98f16d2a6af1f1bfb4f9cf82813e0ef7a71979fed5435b1b91d649536fc7"},
    };
    char token[] = "TOKEN+/=";
    for (size_t i = 0; i < COUNT(cases); i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(1000);
        assert_ok(pen_buf_add_str(&path, "/bkt/", err));
        assert_ok(pen_uri_encode(&path, pen_slice_str(cases[i].key), true, err));
        assert_string_equal(path.ptr, cases[i].path);
        struct pen_sigv4_request request = s3_request("GET", path.ptr);
        request.host = "s3.eu-west-1.amazonaws.com";
        request.region = "eu-west-1";
        assert_signature(&request, s3_key, s3_secret, token, cases[i].signature);
    }
}

/* RFC 2104 hashes a key that is longer than a block first; 4 bytes of it are "AWS4". */
static void sign_takes_secrets_of_any_length(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *signature;
    } cases[] = {
        {60, "db598c550f1e135e0fd2a02c61ed909adc4cfdc529e6073ef87a4c8bbd3404e2"},
        {61, "b3a13d5d7df28a1aa4b1e6877ed696613796096ddf1f792a63879541ef3da68a"},
        {100, "60c35b502a3845978f91f47d973ebb103ffdc6ea98c2c476911302f14619ebd9"},
    };
    struct pen_sigv4_request request = suite_request("GET", "/");
    for (size_t i = 0; i < COUNT(cases); i++) {
        char secret[128] = {0};
        memset(secret, 's', cases[i].len);
        assert_signature(&request, suite_key, secret, NULL, cases[i].signature);
    }
}

static void sign_without_credentials_sends_only_the_own_headers(void **state)
{
    (void)state;
    const struct pen_sigv4_pair headers[] = {PAIR("Range", "bytes=0-9")};
    struct pen_sigv4_request request = s3_request("GET", "/k");
    request.headers = headers;
    request.header_count = COUNT(headers);
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    const char *const *lines = NULL;
    assert_ok(pen_sigv4_sign(&request, NULL, &arena, &lines, err));
    assert_string_equal(lines[0], "Range: bytes=0-9");
    assert_null(lines[1]);
}

static void query_is_encoded_before_it_is_sorted(void **state)
{
    (void)state;
    /* "%" sorts before the letters and digits that plain "~" and "-" would come after */
    const struct pen_sigv4_pair query[] = {PAIR("b", ""), PAIR("a~", "1"), PAIR("a/", "2"),
                                           PAIR("a", "z y+"), PAIR("a", "b&=")};
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1000);
    assert_ok(pen_sigv4_query(&text, query, COUNT(query), err));
    assert_string_equal(text.ptr, "a=b%26%3D&a=z%20y%2B&a%2F=2&a~=1&b=");
}

static void sign_refuses_more_headers_than_it_has_room_for(void **state)
{
    (void)state;
    struct pen_sigv4_pair headers[PEN_SIGV4_PAIRS_MAX + 1];
    for (size_t i = 0; i < COUNT(headers); i++)
        headers[i] = (struct pen_sigv4_pair)PAIR("X-Same", "v");
    struct pen_sigv4_request request = s3_request("GET", "/k");
    request.headers = headers;
    request.header_count = COUNT(headers);
    struct pen_credentials credentials = {.access_key_id = s3_key, .secret_access_key = s3_secret};
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    const char *const *lines = NULL;
    assert_int_equal(pen_sigv4_sign(&request, &credentials, &arena, &lines, NULL),
                     PEN_ERR_TOO_LARGE);
    request.header_count--;
    assert_ok(pen_sigv4_sign(&request, &credentials, &arena, &lines, err));
}

static void credentials_copy_and_release_leave_no_token_behind(void **state)
{
    (void)state;
    struct pen_credentials one = {0}, two = {0};
    assert_ok(pen_credentials_set(&one, "id", "secret", "", 7, err));
    assert_null(one.session_token); /* an empty token is none */
    assert_ok(pen_credentials_set(&two, "other", "x", "token", 0, err));
    assert_ok(pen_credentials_copy(&two, &one, err));
    assert_string_equal(two.access_key_id, "id");
    assert_string_equal(two.secret_access_key, "secret");
    assert_null(two.session_token);
    assert_int_equal(two.expiry_utc_us, 7);
    assert_ok(pen_credentials_copy(&two, &two, err)); /* onto itself */
    assert_string_equal(two.secret_access_key, "secret");
    pen_credentials_release(&one);
    pen_credentials_release(&two);
    assert_null(one.secret_access_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign_matches_the_s3_example_get_object),
        cmocka_unit_test(canonical_matches_the_s3_example_get_object),
        cmocka_unit_test(sign_matches_the_s3_example_put_object),
        cmocka_unit_test(sign_matches_the_s3_examples_with_query_parameters),
        cmocka_unit_test(sign_matches_the_general_suite),
        cmocka_unit_test(sign_matches_the_general_suite_for_headers),
        cmocka_unit_test(sign_matches_the_general_suite_for_a_form_body),
        cmocka_unit_test(sign_matches_the_general_suite_for_a_session_token),
        cmocka_unit_test(sign_matches_the_iam_example),
        cmocka_unit_test(sign_covers_keys_of_every_legal_byte),
        cmocka_unit_test(sign_takes_secrets_of_any_length),
        cmocka_unit_test(sign_without_credentials_sends_only_the_own_headers),
        cmocka_unit_test(query_is_encoded_before_it_is_sorted),
        cmocka_unit_test(sign_refuses_more_headers_than_it_has_room_for),
        cmocka_unit_test(credentials_copy_and_release_leave_no_token_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
