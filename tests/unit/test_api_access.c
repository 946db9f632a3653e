#include "web_client.h"

#include "api/api.h"
#include "conf/tree.h"
#include "meta/user.h"
#include "temp_folder.h"

#include <pthread.h>

/* The real routes over an empty home, and a browser's memory of cookies. */
struct scene {
    struct pen_api api;
    struct pen_settings settings;
    struct pen_http_server *server;
    struct pen_http_client *client;
    struct pen_lake *lake;
    struct pen_arena arena;
    char cookie[300], csrf[128], key[128]; /* whole header lines; "" for none */
    struct web_reply *reply;
};

static struct scene *scene;

static int open_scene(void **state)
{
    static int number;
    char name[32];
    (void)state;
    (void)snprintf(name, sizeof name, "home%d", ++number);
    scene = calloc(1, sizeof *scene);
    char *home = strdup(temp_path(name));
    assert_ok(pen_lake_open(home, PEN_DB_CREATE, &scene->lake, err));
    scene->arena = PEN_ARENA(1 << 24);
    scene->api = (struct pen_api){.home = home, .settings = &scene->settings};
    struct pen_http_server_options options = {.listen = "127.0.0.1:0"};
    struct pen_http_handler handler = pen_api_handler(&scene->api);
    assert_ok(pen_http_server_new(&options, &handler, &scene->server, err));
    assert_ok(pen_http_client_new(NULL, &scene->client, err));
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    pen_http_server_free(scene->server);
    pen_http_client_free(scene->client);
    pen_lake_close(scene->lake);
    pen_arena_release(&scene->arena);
    free(scene->reply);
    free((void *)(uintptr_t)scene->api.home);
    free(scene);
    return 0;
}

/* Sends with whatever the scene holds; returns the status. */
static int ask(const char *method, const char *path, const char *body)
{
    char url[512];
    const char *headers[5] = {NULL};
    size_t count = 0;
    const char *const held[] = {scene->cookie, scene->csrf, scene->key};
    for (size_t i = 0; i < 3; i++)
        if (held[i][0] != '\0')
            headers[count++] = held[i];
    if (body[0] != '\0')
        headers[count++] = "Content-Type: application/json";
    (void)snprintf(url, sizeof url, "http://%s%s", pen_http_server_address(scene->server), path);
    free(scene->reply);
    scene->reply = web_send(scene->client, method, url, headers, pen_slice_str(body));
    return scene->reply->status;
}

static const char *member(const char *key)
{
    struct pen_node *root = NULL;
    assert_ok(
        pen_tree_parse_json(pen_slice_str(scene->reply->body), "reply", &scene->arena, &root, err));
    const struct pen_node *node = pen_node_get(root, key);
    return node == NULL || node->text.ptr == NULL ? "" : node->text.ptr;
}

static void keep_cookies(void)
{
    (void)snprintf(scene->cookie, sizeof scene->cookie, "Cookie: %.*s",
                   (int)strcspn(scene->reply->cookie, ";"), scene->reply->cookie);
    (void)snprintf(scene->csrf, sizeof scene->csrf, "%s: %s", PEN_API_CSRF_HEADER,
                   member("csrf_token"));
}

static void forget_all(void)
{
    scene->cookie[0] = scene->csrf[0] = scene->key[0] = '\0';
}

/* zoe, admin, by the one-time link; logged in. */
static void set_up(void)
{
    char link[128], body[512];
    assert_ok(pen_api_first_link(pen_lake_db(scene->lake), link, sizeof link, err));
    (void)snprintf(body, sizeof body,
                   "{\"token\":\"%s\",\"name\":\"zoe\",\"password\":\"long enough\"}",
                   strchr(link, '#') + 1);
    assert_int_equal(ask("POST", "/api/v1/setup", body), 200);
    assert_string_equal(member("role"), "admin");
    keep_cookies();
}

static int log_in(const char *name, const char *password)
{
    char body[256];
    forget_all();
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"%s\"}", name, password);
    int status = ask("POST", "/api/v1/login", body);
    if (status == 200)
        keep_cookies();
    return status;
}

static void nobody_gets_in_without_proof(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/api/v1/session", ""), 401);
    assert_int_equal(ask("GET", "/api/v1/users", ""), 401);
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"x\",\"role\":\"admin\"}"), 401);
    (void)snprintf(scene->key, sizeof scene->key, "Authorization: TD1 pen_guessed");
    assert_int_equal(ask("GET", "/api/v1/session", ""), 401);
    assert_non_null(strstr(scene->reply->body, "API key"));
    (void)snprintf(scene->cookie, sizeof scene->cookie, "Cookie: penstock_session=pen_guessed");
    scene->key[0] = '\0';
    assert_int_equal(ask("GET", "/api/v1/session", ""), 401);
    assert_int_equal(ask("GET", "/healthz", ""), 200);
}

static void link_makes_one_admin(void **state)
{
    (void)state;
    char link[128], body[512];
    assert_ok(pen_api_first_link(pen_lake_db(scene->lake), link, sizeof link, err));
    assert_int_equal(strncmp(link, "/setup#pen_", 11), 0);
    const char *token = strchr(link, '#') + 1;
    assert_int_equal(ask("GET", "/setup", ""), 200);
    assert_non_null(strstr(scene->reply->content_type, "text/html"));
    (void)snprintf(body, sizeof body, "{\"token\":\"%s\",\"name\":\"zoe\",\"password\":\"short\"}",
                   token);
    assert_int_equal(ask("POST", "/api/v1/setup", body), 400); /* and the link still works */
    (void)snprintf(body, sizeof body,
                   "{\"token\":\"%s\",\"name\":\"z o e\",\"password\":\"long enough\"}", token);
    assert_int_equal(ask("POST", "/api/v1/setup", body), 400);
    (void)snprintf(body, sizeof body,
                   "{\"token\":\"%s\",\"name\":\"zoe\",\"password\":\"long enough\"}", token);
    assert_int_equal(ask("POST", "/api/v1/setup", body), 200);
    assert_int_equal(ask("POST", "/api/v1/setup", body), 403);
    assert_ok(pen_api_first_link(pen_lake_db(scene->lake), link, sizeof link, err));
    assert_string_equal(link, "");
}

static void link_is_of_no_use_when_there_is_a_user(void **state)
{
    (void)state;
    char link[128], body[512];
    assert_ok(pen_api_first_link(pen_lake_db(scene->lake), link, sizeof link, err));
    struct pen_user user = {.name = "adam", .role = PEN_ROLE_VIEWER, .password_hash = ""};
    assert_ok(pen_user_create(pen_lake_db(scene->lake), &user, NULL, err));
    (void)snprintf(body, sizeof body,
                   "{\"token\":\"%s\",\"name\":\"zoe\",\"password\":\"long enough\"}",
                   strchr(link, '#') + 1);
    assert_int_equal(ask("POST", "/api/v1/setup", body), 403);
    assert_non_null(strstr(scene->reply->body, "users already"));
    int64_t users = 0;
    assert_ok(pen_user_count(pen_lake_db(scene->lake), &users, err));
    assert_int_equal(users, 1);
}

static void cookies_are_strict_and_http_only(void **state)
{
    (void)state;
    set_up();
    assert_non_null(strstr(scene->reply->cookie, "HttpOnly"));
    assert_non_null(strstr(scene->reply->cookie, "SameSite=Strict"));
    assert_null(strstr(scene->reply->cookie, "Secure")); /* plain HTTP on loopback */
}

static void login_needs_the_password(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(log_in("zoe", "long enougH"), 401);
    char wrong_password[256];
    (void)snprintf(wrong_password, sizeof wrong_password, "%s", member("detail"));
    assert_int_equal(log_in("nobody", "long enough"), 401);
    assert_string_equal(member("detail"), wrong_password);
    assert_int_equal(log_in("zoe", "long enough"), 200);
    assert_int_equal(ask("GET", "/api/v1/session", ""), 200);
    assert_string_equal(member("user"), "zoe");
    assert_int_equal(ask("POST", "/api/v1/logout", ""), 200);
    assert_int_equal(ask("GET", "/api/v1/session", ""), 401);
}

static void change_by_cookie_needs_the_csrf_token(void **state)
{
    (void)state;
    set_up();
    char right[sizeof scene->csrf];
    memcpy(right, scene->csrf, sizeof right);
    scene->csrf[0] = '\0';
    assert_int_equal(ask("GET", "/api/v1/users", ""), 200);
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"adam\",\"role\":\"viewer\"}"), 403);
    (void)snprintf(scene->csrf, sizeof scene->csrf, "%s: pen_wrong", PEN_API_CSRF_HEADER);
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"adam\",\"role\":\"viewer\"}"), 403);
    memcpy(scene->csrf, right, sizeof right);
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"adam\",\"role\":\"viewer\"}"), 201);
}

static void too_many_failed_logins_are_not_tried(void **state)
{
    (void)state;
    set_up();
    for (int i = 0; i < 10; i++)
        assert_int_equal(log_in("zoe", "guess number one"), 401);
    assert_int_equal(log_in("zoe", "long enough"), 429);
    assert_int_equal(log_in("adam", "long enough"), 401);
}

/* Whoever sends many guesses at once gets no more of them tried. */
static void *guess(void *context)
{
    struct pen_http_client *client = NULL;
    char url[512];
    (void)snprintf(url, sizeof url, "http://%s/api/v1/login",
                   pen_http_server_address(scene->server));
    const char *const headers[] = {"Content-Type: application/json", NULL};
    assert_ok(pen_http_client_new(NULL, &client, err));
    struct web_reply *reply =
        web_send(client, "POST", url, headers,
                 PEN_LIT("{\"name\":\"zoe\",\"password\":\"guess number one\"}"));
    *(int *)context = reply->status;
    free(reply);
    pen_http_client_free(client);
    return NULL;
}

static void failed_logins_at_once_are_counted_one_by_one(void **state)
{
    (void)state;
    enum { GUESSES = 24 };
    pthread_t threads[GUESSES];
    int statuses[GUESSES], tried = 0, refused = 0;
    set_up();
    for (size_t i = 0; i < GUESSES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, guess, &statuses[i]), 0);
    for (size_t i = 0; i < GUESSES; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        tried += statuses[i] == 401;
        refused += statuses[i] == 429;
    }
    assert_int_equal(tried, 10);
    assert_int_equal(refused, GUESSES - 10);
}

/* What strangers send as a name must not fill the disk. */
static void name_too_long_for_a_user_is_not_kept(void **state)
{
    (void)state;
    char name[2001];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    set_up();
    char body[2100];
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"long enough\"}", name);
    assert_int_equal(ask("POST", "/api/v1/login", body), 401);
    assert_int_equal(ask("GET", "/api/v1/audit", ""), 200);
    assert_null(strstr(scene->reply->body, "nnnnnnnn"));
    assert_non_null(strstr(scene->reply->body, "\"status\":401"));
}

static void text_with_a_nul_is_refused(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"ad\\u0000am\",\"role\":\"viewer\"}"),
                     400);
    assert_non_null(strstr(scene->reply->body, "NUL"));
}

/* The proxy writes the last one; what stands before it anybody may have written. */
static void peer_behind_a_proxy_is_who_the_proxy_saw(void **state)
{
    (void)state;
    set_up();
    (void)snprintf(scene->key, sizeof scene->key, "X-Forwarded-For: 9.9.9.9, 192.0.2.7");
    assert_int_equal(ask("PATCH", "/api/v1/users/zoe", "{}"), 200);
    assert_int_equal(ask("GET", "/api/v1/audit", ""), 200);
    assert_null(strstr(scene->reply->body, "192.0.2.7"));
    scene->settings.server_behind_proxy = true;
    assert_int_equal(ask("PATCH", "/api/v1/users/zoe", "{}"), 200);
    (void)snprintf(scene->key, sizeof scene->key, "X-Forwarded-For: 9.9.9.9, <script>");
    assert_int_equal(ask("PATCH", "/api/v1/users/zoe", "{}"), 200);
    assert_int_equal(ask("GET", "/api/v1/audit", ""), 200);
    assert_non_null(strstr(scene->reply->body, "\"192.0.2.7\""));
    assert_null(strstr(scene->reply->body, "9.9.9.9"));
    assert_null(strstr(scene->reply->body, "script"));
}

static void roles_say_who_may_what(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ask("POST", "/api/v1/users",
                         "{\"name\":\"adam\",\"role\":\"viewer\",\"password\":\"adams words\"}"),
                     201);
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"eve\",\"role\":\"root\"}"), 400);
    assert_int_equal(ask("PATCH", "/api/v1/users/zoe", "{\"role\":\"viewer\"}"), 409);
    assert_int_equal(ask("DELETE", "/api/v1/users/zoe", ""), 409);
    assert_int_equal(log_in("adam", "adams words"), 200);
    assert_int_equal(ask("GET", "/api/v1/users", ""), 403);
    assert_int_equal(ask("GET", "/api/v1/audit", ""), 403);
    assert_int_equal(ask("GET", "/api/v1/keys?all=true", ""), 403);
    assert_int_equal(ask("PATCH", "/api/v1/users/adam", "{\"role\":\"admin\"}"), 403);
    assert_int_equal(log_in("zoe", "long enough"), 200);
    assert_int_equal(ask("PATCH", "/api/v1/users/adam", "{\"is_disabled\":true}"), 200);
    assert_int_equal(log_in("adam", "adams words"), 401);
}

static void key_works_until_it_is_deleted(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ask("POST", "/api/v1/keys", "{\"label\":\"laptop\"}"), 201);
    char id[32], key[128], path[64];
    (void)snprintf(id, sizeof id, "%s", member("id"));
    (void)snprintf(key, sizeof key, "Authorization: TD1 %s", member("key"));
    forget_all();
    memcpy(scene->key, key, sizeof key);
    assert_int_equal(ask("GET", "/api/v1/session", ""), 200);
    assert_string_equal(member("proof"), "key");
    /* no CSRF token: no page of another site can send that header */
    assert_int_equal(ask("POST", "/api/v1/users", "{\"name\":\"adam\",\"role\":\"viewer\"}"), 201);
    assert_int_equal(ask("GET", "/api/v1/keys", ""), 200);
    assert_null(strstr(scene->reply->body, key + strlen("Authorization: TD1 ")));
    assert_non_null(strstr(scene->reply->body, "laptop"));
    (void)snprintf(path, sizeof path, "/api/v1/keys/%s", id);
    assert_int_equal(ask("DELETE", path, ""), 200);
    assert_int_equal(ask("GET", "/api/v1/session", ""), 401);
}

static void own_password_changes_with_the_old_one(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ask("POST", "/api/v1/password",
                         "{\"old_password\":\"wrong old one\",\"password\":\"a new secret\"}"),
                     403);
    assert_int_equal(ask("POST", "/api/v1/password",
                         "{\"old_password\":\"long enough\",\"password\":\"a new secret\"}"),
                     200);
    assert_int_equal(log_in("zoe", "long enough"), 401);
    assert_int_equal(log_in("zoe", "a new secret"), 200);
}

static void changes_are_in_the_audit_log(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ask("POST", "/api/v1/users",
                         "{\"name\":\"adam\",\"role\":\"viewer\",\"password\":\"adams words\"}"),
                     201);
    assert_int_equal(ask("DELETE", "/api/v1/users/eve", ""), 404);
    assert_int_equal(ask("GET", "/api/v1/audit?max=10", ""), 200);
    const char *body = scene->reply->body;
    assert_non_null(strstr(body, "\"action\":\"POST /api/v1/users\""));
    assert_non_null(strstr(body, "\"subject\":\"/api/v1/users/eve\""));
    assert_non_null(strstr(body, "\"status\":404"));
    assert_non_null(strstr(body, "\"user\":\"zoe\""));
    assert_non_null(strstr(body, "\"action\":\"setup\""));
    assert_null(strstr(body, "adams words"));
}

static void connection_takes_secrets_and_never_gives_them(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(ask("POST", "/api/v1/connections",
                         "{\"name\":\"prod\",\"settings\":{\"auth_method\":\"session\","
                         "\"access_key_id\":\"AKIA1\",\"secret_access_key\":\"hush-1\","
                         "\"session_token\":\"hush-2\"}}"),
                     201);
    assert_null(strstr(scene->reply->body, "hush"));
    assert_non_null(strstr(scene->reply->body, "AKIA1"));
    assert_int_equal(ask("POST", "/api/v1/connections",
                         "{\"name\":\"x\",\"settings\":{\"auth_method\":\"session\"}}"),
                     400); /* which needs keys */
    assert_int_equal(ask("POST", "/api/v1/connections", "{\"name\":\"prod\",\"settings\":{}}"),
                     409);
    /* as a form sends it back: the key changes, the masked secrets stay */
    assert_int_equal(ask("PUT", "/api/v1/connections/prod",
                         "{\"settings\":{\"auth_method\":\"session\",\"access_key_id\":\"AKIA2\","
                         "\"secret_access_key\":\"***\",\"session_token\":\"***\"}}"),
                     200);
    assert_non_null(strstr(scene->reply->body, "AKIA2"));
    assert_int_equal(ask("PUT", "/api/v1/connections/prod",
                         "{\"settings\":{\"access_key\":\"x\",\"secret_access_key\":\"y\"}}"),
                     400);
    assert_non_null(strstr(scene->reply->body, "access_key_id")); /* did you mean */
    assert_int_equal(ask("GET", "/api/v1/connections", ""), 200);
    assert_null(strstr(scene->reply->body, "hush"));
    assert_int_equal(ask("DELETE", "/api/v1/connections/prod", ""), 200);
    assert_int_equal(ask("GET", "/api/v1/connections/prod", ""), 404);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nobody_gets_in_without_proof),
        CASE(link_makes_one_admin),
        CASE(link_is_of_no_use_when_there_is_a_user),
        CASE(cookies_are_strict_and_http_only),
        CASE(login_needs_the_password),
        CASE(change_by_cookie_needs_the_csrf_token),
        CASE(too_many_failed_logins_are_not_tried),
        CASE(failed_logins_at_once_are_counted_one_by_one),
        CASE(name_too_long_for_a_user_is_not_kept),
        CASE(text_with_a_nul_is_refused),
        CASE(peer_behind_a_proxy_is_who_the_proxy_saw),
        CASE(roles_say_who_may_what),
        CASE(key_works_until_it_is_deleted),
        CASE(own_password_changes_with_the_old_one),
        CASE(changes_are_in_the_audit_log),
        CASE(connection_takes_secrets_and_never_gives_them),
    };
    return cmocka_run_group_tests_name("api_access", tests, temp_folder_make, temp_folder_remove);
}
