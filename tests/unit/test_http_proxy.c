#include "unit.h"

#include <stdlib.h>

#include "net/http_client.h"

/* out: *ret_err: why a GET through that http_proxy of the environment failed */
static void fail_through(const char *proxy, const char *url, struct pen_error *ret_err)
{
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    struct pen_http_client *client = NULL;
    assert_ok(pen_http_client_new(&(struct pen_http_options){0}, &client, err));
    struct pen_http_request request = {.method = "GET", .url = url};
    struct pen_http_call *call = NULL;
    int status = 0;
    assert_ok(pen_http_start(client, &request, &call, err));
    assert_int_equal(pen_http_wait(call, &status, ret_err), PEN_ERR_IO);
    pen_http_close(call);
    pen_http_client_free(client);
    (void)unsetenv("http_proxy");
}

static void proxy_that_does_not_answer_is_named_without_its_password(void **state)
{
    (void)state;
    struct pen_error err = {0};
    fail_through("http://us:password@127.0.0.1:1", "http://127.0.0.1:2/x", &err);
    assert_non_null(strstr(err.message, "the proxy '127.0.0.1:1' in front of '127.0.0.1:2'"));
    assert_null(strstr(err.message, "word"));
    fail_through("http://us:pa@ssword@127.0.0.1:1", "http://127.0.0.1:2/x", &err);
    assert_non_null(strstr(err.message, "http://***@127.0.0.1:1"));
    assert_null(strstr(err.message, "word"));
    fail_through("gopher://us:pass/word@127.0.0.1:1", "http://127.0.0.1:2/x", &err);
    assert_non_null(strstr(err.message, "gopher://***@127.0.0.1:1"));
    assert_null(strstr(err.message, "word"));
    assert_int_equal(setenv("no_proxy", "127.0.0.1", 1), 0);
    fail_through("http://us:password@127.0.0.1:1", "http://127.0.0.1:2/x", &err);
    assert_non_null(strstr(err.message, "cannot connect to '127.0.0.1:2'"));
    (void)unsetenv("no_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxy_that_does_not_answer_is_named_without_its_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
