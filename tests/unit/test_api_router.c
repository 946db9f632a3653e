#include "web_client.h"

#include "api/api.h"
#include "conf/tree.h"
#include "temp_folder.h"

/* The real routes over an empty home. */
struct scene {
    struct pen_api api;
    struct pen_settings settings;
    struct pen_http_server *server;
    struct pen_http_client *client;
    struct pen_arena arena;
    char url[512];
    volatile int is_stopping;
};

static struct scene *open_scene(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct pen_lake *lake = NULL;
    assert_ok(pen_lake_open(temp_path("home"), PEN_DB_CREATE, &lake, err));
    pen_lake_close(lake);
    scene->arena = PEN_ARENA(1 << 20);
    scene->api = (struct pen_api){.home = temp_path("home"),
                                  .settings = &scene->settings,
                                  .is_stopping = &scene->is_stopping};
    struct pen_http_server_options options = {.listen = "127.0.0.1:0"};
    struct pen_http_handler handler = pen_api_handler(&scene->api);
    assert_ok(pen_http_server_new(&options, &handler, &scene->server, err));
    assert_ok(pen_http_client_new(NULL, &scene->client, err));
    return scene;
}

static void close_scene(struct scene *scene)
{
    pen_http_server_free(scene->server);
    pen_http_client_free(scene->client);
    pen_arena_release(&scene->arena);
    free(scene);
}

static struct web_reply *ask(struct scene *scene, const char *method, const char *path)
{
    (void)snprintf(scene->url, sizeof scene->url, "http://%s%s",
                   pen_http_server_address(scene->server), path);
    return web_send(scene->client, method, scene->url, NULL, PEN_LIT(""));
}

static const char *member(struct scene *scene, const struct web_reply *reply, const char *key)
{
    struct pen_node *root = NULL;
    assert_ok(pen_tree_parse_json(pen_slice_str(reply->body), "reply", &scene->arena, &root, err));
    const struct pen_node *node = pen_node_get(root, key);
    return node == NULL ? NULL : node->text.ptr;
}

static void probes_answer(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "GET", "/healthz");
    assert_int_equal(reply->status, 200);
    assert_string_equal(member(scene, reply, "status"), "ok");
    free(reply);
    reply = ask(scene, "GET", "/readyz");
    assert_int_equal(reply->status, 200);
    assert_string_equal(member(scene, reply, "status"), "ready");
    free(reply);
    scene->is_stopping = 1;
    reply = ask(scene, "GET", "/readyz");
    assert_int_equal(reply->status, 503);
    free(reply);
    close_scene(scene);
}

static void unknown_path_is_404_in_the_words_of_its_api(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "GET", "/v3/nothing/here");
    assert_int_equal(reply->status, 404);
    assert_string_equal(reply->content_type, "application/json; charset=utf-8");
    assert_string_equal(member(scene, reply, "error"), "there is nothing at '/v3/nothing/here'");
    assert_string_equal(member(scene, reply, "message"), "there is nothing at '/v3/nothing/here'");
    free(reply);
    reply = ask(scene, "GET", "/api/v1/nothing");
    assert_int_equal(reply->status, 404);
    assert_string_equal(reply->content_type, "application/problem+json");
    assert_string_equal(member(scene, reply, "title"), "Not Found");
    assert_string_equal(member(scene, reply, "status"), "404");
    free(reply);
    close_scene(scene);
}

static void other_method_is_405_and_names_the_right_one(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    struct web_reply *reply = ask(scene, "POST", "/healthz");
    assert_int_equal(reply->status, 405);
    assert_string_equal(reply->allow, "GET");
    free(reply);
    reply = ask(scene, "HEAD", "/healthz");
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply->body, "");
    free(reply);
    close_scene(scene);
}

static void path_is_taken_segment_by_segment(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    const char *const wrong[] = {"/healthz/", "//healthz", "/HEALTHZ",
                                 "/health",   "/",         "/healthz/x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct web_reply *reply = ask(scene, "GET", wrong[i]);
        assert_int_equal(reply->status, 404);
        free(reply);
    }
    close_scene(scene);
}

static void escapes_are_decoded_or_refused(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 16);
    const char *text = NULL;
    const struct {
        const char *in, *out;
        bool is_form;
    } cases[] = {
        {"a%2fb%C3%A9", "a/b\xC3\xA9", false},
        {"a+b", "a+b", false},
        {"a+b%2B", "a b+", true},
        {"", "", false},
        {"%41", "A", false},
        {"%", NULL, false},
        {"%4", NULL, false},
        {"%4g", NULL, false},
        {"%g4", NULL, false},
        {"a%00b", NULL, false},
        {"%ff", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pen_code code =
            pen_api_unescape(pen_slice_str(cases[i].in), cases[i].is_form, &arena, &text, NULL);
        assert_int_equal(code, cases[i].out == NULL ? PEN_ERR_CONFIG : PEN_OK);
        if (cases[i].out != NULL)
            assert_string_equal(text, cases[i].out);
    }
}

static void every_code_has_its_status(void **state)
{
    (void)state;
    const struct {
        enum pen_code code;
        int status;
    } cases[] = {
        {PEN_ERR_CONFIG, 400},    {PEN_ERR_AUTH, 403},      {PEN_ERR_NOT_FOUND, 404},
        {PEN_ERR_CONFLICT, 409},  {PEN_ERR_TOO_LARGE, 413}, {PEN_ERR_CORRUPT, 422},
        {PEN_ERR_THROTTLED, 429}, {PEN_ERR_IO, 500},        {PEN_ERR_INTERNAL, 500},
        {PEN_ERR_NOMEM, 500},     {PEN_ERR_CANCELLED, 503},
    };
    struct pen_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pen_api_status(cases[i].code, &err), cases[i].status);
    err.is_retryable = true;
    assert_int_equal(pen_api_status(PEN_ERR_CONFLICT, &err), 503);
}

/* What the dispatcher relies on and what documents show. */
static void every_route_is_complete_and_there_once(void **state)
{
    (void)state;
    for (const struct pen_api_route *const *a = pen_api_route_groups; *a != NULL; a++) {
        for (const struct pen_api_route *route = *a; route->method != NULL; route++) {
            size_t twins = 0;
            assert_true(route->pattern[0] == '/' && route->run != NULL);
            assert_true(route->summary != NULL && strlen(route->summary) > 5);
            for (const struct pen_api_route *const *b = pen_api_route_groups; *b != NULL; b++)
                for (const struct pen_api_route *other = *b; other->method != NULL; other++)
                    twins += strcmp(route->method, other->method) == 0 &&
                             strcmp(route->pattern, other->pattern) == 0;
            assert_int_equal(twins, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_answer),
        cmocka_unit_test(unknown_path_is_404_in_the_words_of_its_api),
        cmocka_unit_test(other_method_is_405_and_names_the_right_one),
        cmocka_unit_test(path_is_taken_segment_by_segment),
        cmocka_unit_test(escapes_are_decoded_or_refused),
        cmocka_unit_test(every_code_has_its_status),
        cmocka_unit_test(every_route_is_complete_and_there_once),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
