#include "unit.h"

#include <stdlib.h>

#include "base/civil.h"
#include "s3/s3_page.h"

/* As Amazon answers, with EncodingType before the entries. */
static const char amazon[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bkt</Name>"
    "<Prefix>a%2F</Prefix><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J=</"
    "NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys>"
    "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
    "<Contents><Key>a/caf%C3%A9+1%2B1.csv</Key><LastModified>2019-06-03T10:30:19.806Z</"
    "LastModified><ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><Size>1024</Size>"
    "<Owner><ID>x</ID><Key>not a key</Key></Owner><StorageClass>GLACIER</StorageClass></Contents>"
    "<Contents><Key>a/%0A%00x</Key><LastModified>2019-06-03T10:30:19Z</LastModified>"
    "<Size>0</Size></Contents>"
    "<CommonPrefixes><Prefix>a/b/</Prefix></CommonPrefixes></ListBucketResult>";

static enum pen_code parse_in_pieces(const char *text, size_t len, size_t cut,
                                     struct pen_s3_page *page, struct pen_error *err)
{
    PEN_CLEANUP(s3_page_parse_free_p) struct s3_page_parse *parse = NULL;
    PEN_TRY(s3_page_parse_new(page, &parse, err));
    PEN_TRY(s3_page_parse_push(parse, pen_slice(text, cut), false, err));
    PEN_TRY(s3_page_parse_push(parse, pen_slice(text + cut, len - cut), false, err));
    return s3_page_parse_push(parse, PEN_LIT(""), true, err);
}

static enum pen_code parse_text(const char *text, struct pen_s3_page *page, struct pen_error *err)
{
    return parse_in_pieces(text, strlen(text), 0, page, err);
}

/* The listing above without the key that holds a NUL. */
static char *good_text(void)
{
    char *text = strdup(amazon);
    memcpy(strstr(text, "%00x"), "%01x", 4);
    return text;
}

static void assert_good(const struct pen_s3_page *page)
{
    assert_int_equal(page->count, 2);
    assert_string_equal(page->continuation, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J=");
    assert_string_equal(page->entries[0].key, "a/caf\u00e9 1+1.csv");
    assert_string_equal(page->entries[0].etag, "70ee1738b6b21e2c8a43f3a5ab0eee71");
    assert_string_equal(page->entries[0].storage_class, "GLACIER");
    assert_int_equal(page->entries[0].size_bytes, 1024);
    assert_int_equal(page->entries[0].modified_us,
                     pen_days_from_civil(2019, 6, 3) * PEN_US_PER_DAY +
                         (INT64_C(10) * 3600 + 30 * 60 + 19) * PEN_US_PER_SECOND + 806000);
    assert_string_equal(page->entries[1].key, "a/\n\001x");
    assert_string_equal(page->entries[1].etag, "");
    assert_string_equal(page->entries[1].storage_class, "STANDARD");
    assert_int_equal(page->entries[1].size_bytes, 0);
}

static void page_is_the_same_for_every_cut(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    char *text = good_text();
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        assert_ok(parse_in_pieces(text, strlen(text), cut, &page, err));
        assert_good(&page);
    }
    free(text);
}

static void page_is_refused_when_it_ends_anywhere_before_its_end(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    char *text = good_text();
    for (size_t len = 0; len < strlen(text); len++) {
        struct pen_error err = {0};
        assert_int_equal(parse_in_pieces(text, len, len / 2, &page, &err), PEN_ERR_CORRUPT);
        assert_true(err.is_retryable); /* it may be whole next time */
    }
    free(text);
}

static void page_keys_are_plain_unless_the_reply_says_url(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    assert_ok(parse_text("<ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
                         "<Key>a+b%20&lt;&#x41;</Key><Size>1</Size></Contents></ListBucketResult>",
                         &page, err));
    assert_string_equal(page.entries[0].key, "a+b%20<A");
    assert_null(page.continuation);
    /* the encoding may be named behind the entries */
    assert_ok(parse_text("<ListBucketResult><Contents><Key>a+b%20c</Key><Size>1</Size></Contents>"
                         "<EncodingType>url</EncodingType></ListBucketResult>",
                         &page, err));
    assert_string_equal(page.entries[0].key, "a b c");
}

static void page_without_entries_is_empty(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    assert_ok(parse_text("<ListBucketResult/>", &page, err));
    assert_int_equal(page.count, 0);
    assert_null(page.continuation);
}

static void page_ignores_a_token_when_it_is_the_last(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    assert_ok(parse_text("<ListBucketResult><NextContinuationToken>x</NextContinuationToken>"
                         "<IsTruncated>false</IsTruncated></ListBucketResult>",
                         &page, err));
    assert_null(page.continuation);
}

#define ENTRY(inner)                                                                               \
    "<ListBucketResult><EncodingType>url</EncodingType><Contents>" inner                           \
    "</Contents></ListBucketResult>"

static void page_refuses_what_is_no_listing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"<html><body>Welcome</body></html>", "<html>"},
        {"<Error><Code>InternalError</Code></Error>", "<Error>"},
        {"Welcome to nginx", "not valid XML"},
        {"{\"keys\": []}", "not valid XML"},
        {ENTRY("<Size>1</Size>"), "without a key"},
        {ENTRY("<Key></Key><Size>1</Size>"), "without a key"},
        {ENTRY("<Key>k</Key>"), "without a size"},
        {ENTRY("<Key>k</Key><Size></Size>"), "bad Size ''"},
        {ENTRY("<Key>k</Key><Size>-1</Size>"), "bad Size '-1'"},
        {ENTRY("<Key>k</Key><Size>1e3</Size>"), "bad Size '1e3'"},
        {ENTRY("<Key>k</Key><Size>18446744073709551616</Size>"), "bad Size"},
        {ENTRY("<Key>k</Key><Size>1</Size><LastModified>yesterday</LastModified>"),
         "bad LastModified 'yesterday'"},
        {ENTRY("<Key>k</Key><Size>1</Size><LastModified>2019-13-03T10:30:19Z</LastModified>"),
         "bad LastModified"},
        {ENTRY("<Key>k</Key><Size>1</Size><LastModified>2019-06-03T10:30:19.Z</LastModified>"),
         "bad LastModified"},
        {ENTRY("<Key>k</Key><Size>1</Size><LastModified>2019-06-03T10:30:19+00</LastModified>"),
         "bad LastModified"},
        {ENTRY("<Key>a%2</Key><Size>1</Size>"), "bad encoded key"},
        {ENTRY("<Key>a%</Key><Size>1</Size>"), "bad encoded key"},
        {ENTRY("<Key>a%zz</Key><Size>1</Size>"), "bad encoded key"},
        {ENTRY("<Key>a%00b</Key><Size>1</Size>"), "bad encoded key"},
        {"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
         "names no next page"},
    };
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pen_error err = {0};
        assert_int_equal(parse_text(cases[i].text, &page, &err), PEN_ERR_CORRUPT);
        assert_false(err.is_retryable);
        if (strstr(err.message, cases[i].says) == NULL)
            fail_msg("case %zu: '%s' does not say '%s'", i, err.message, cases[i].says);
    }
}

static void page_refuses_entities_of_its_own(void **state)
{
    (void)state;
    const char *laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
                         "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>"
                         "<ListBucketResult><Name>&c;</Name></ListBucketResult>";
    const char *outside = "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><ListBucketResult/>";
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    struct pen_error err = {0};
    assert_int_equal(parse_text(laughs, &page, &err), PEN_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "document type"));
    assert_int_equal(parse_text(outside, &page, &err), PEN_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "document type"));
    assert_int_equal(parse_text("<ListBucketResult>&other;</ListBucketResult>", &page, &err),
                     PEN_ERR_CORRUPT);
}

static void page_refuses_endless_nesting_and_texts(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 22);
    struct pen_error failure = {0};
    assert_ok(pen_buf_add_str(&text, "<ListBucketResult>", err));
    for (int i = 0; i < 1000; i++)
        assert_ok(pen_buf_add_str(&text, "<a>", err));
    assert_int_equal(parse_text(text.ptr, &page, &failure), PEN_ERR_CORRUPT);
    assert_non_null(strstr(failure.message, "nested deeper"));
    pen_buf_clear(&text);
    assert_ok(pen_buf_add_str(&text, "<ListBucketResult><Name>", err));
    for (int i = 0; i < 20000; i++)
        assert_ok(pen_buf_add_str(&text, "0123456789", err));
    assert_int_equal(parse_text(text.ptr, &page, NULL), PEN_ERR_TOO_LARGE);
    pen_buf_clear(&text);
    assert_ok(pen_buf_add_str(&text, "<ListBucketResult><", err));
    for (int i = 0; i < 1000; i++)
        assert_ok(pen_buf_add_str(&text, "name", err));
    assert_ok(pen_buf_add_str(&text, ">", err));
    assert_int_equal(parse_text(text.ptr, &page, NULL), PEN_ERR_TOO_LARGE);
}

static void page_refuses_more_entries_than_a_listing_holds(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    PEN_CLEANUP(s3_page_parse_free_p) struct s3_page_parse *parse = NULL;
    assert_ok(s3_page_parse_new(&page, &parse, err));
    assert_ok(s3_page_parse_push(parse, PEN_LIT("<ListBucketResult>"), false, err));
    enum pen_code code = PEN_OK;
    for (int i = 0; i < 200000 && code == PEN_OK; i++)
        code = s3_page_parse_push(parse, PEN_LIT("<Contents><Key>k</Key><Size>1</Size></Contents>"),
                                  false, NULL);
    assert_int_equal(code, PEN_ERR_TOO_LARGE);
}

static void page_survives_every_changed_byte(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    char *text = good_text();
    static const char bytes[] = {'\0', '<', '>', '&', '%', '\xff', '/', '"'};
    for (size_t at = 0; at < strlen(amazon); at++) {
        char before = text[at];
        for (size_t i = 0; i < sizeof bytes; i++) {
            text[at] = bytes[i];
            enum pen_code code = parse_in_pieces(text, strlen(amazon), at, &page, NULL);
            assert_true(code == PEN_OK || code == PEN_ERR_CORRUPT);
        }
        text[at] = before;
    }
    free(text);
}

static void etag_text_drops_quotes_and_weak_mark(void **state)
{
    (void)state;
    assert_true(pen_slice_is(s3_etag_text(PEN_LIT("\"abc-2\"")), "abc-2"));
    assert_true(pen_slice_is(s3_etag_text(PEN_LIT("W/\"abc\"")), "abc"));
    assert_true(pen_slice_is(s3_etag_text(PEN_LIT("abc")), "abc"));
    assert_true(pen_slice_is(s3_etag_text(PEN_LIT("\"")), "\""));
    assert_true(pen_slice_is(s3_etag_text(PEN_LIT("")), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_the_same_for_every_cut),
        cmocka_unit_test(page_is_refused_when_it_ends_anywhere_before_its_end),
        cmocka_unit_test(page_keys_are_plain_unless_the_reply_says_url),
        cmocka_unit_test(page_without_entries_is_empty),
        cmocka_unit_test(page_ignores_a_token_when_it_is_the_last),
        cmocka_unit_test(page_refuses_what_is_no_listing),
        cmocka_unit_test(page_refuses_entities_of_its_own),
        cmocka_unit_test(page_refuses_endless_nesting_and_texts),
        cmocka_unit_test(page_refuses_more_entries_than_a_listing_holds),
        cmocka_unit_test(page_survives_every_changed_byte),
        cmocka_unit_test(etag_text_drops_quotes_and_weak_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
