#include "unit.h"

#include "conf/load_config.h"

#include <stdlib.h>
#include <unistd.h>

static struct pen_arena arena = {.max_bytes = (size_t)64 << 20};
static struct pen_warnings warnings = {.text = {.max = PEN_BUF_TEXT_MAX}};

static int release(void **state)
{
    (void)state;
    pen_arena_release(&arena);
    pen_buf_release(&warnings.text);
    return 0;
}

static struct pen_node *parse(const char *text)
{
    struct pen_node *root = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(text), "load.yml", &arena, &root, err));
    return root;
}

static void assert_normal(const char *text, const char *expected)
{
    const struct pen_bind bind = {"load.yml", &arena, &warnings};
    struct pen_node *config = NULL;
    assert_ok(pen_config_normalize(parse(text), &bind, &config, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(PEN_BUF_TEXT_MAX);
    assert_ok(pen_tree_write_json(config, false, &json, err));
    assert_string_equal(json.ptr, expected);
}

static void assert_refused(const char *text, const char *where, const char *message)
{
    const struct pen_bind bind = {"load.yml", &arena, &warnings};
    struct pen_node *config = NULL;
    struct pen_error err = {0};
    assert_int_equal(pen_config_normalize(parse(text), &bind, &config, &err), PEN_ERR_CONFIG);
    assert_string_equal(err.where, where);
    assert_string_equal(err.message, message);
}

static void config_normalize_gives_all_four_sections(void **state)
{
    (void)state;
    assert_normal("in: {type: s3}",
                  "{\"in\":{\"type\":\"s3\"},\"out\":{},\"exec\":{},\"filters\":[]}");
    assert_normal("filters: [{type: rename}]\nexec:\nout: {mode: replace}\nin: {type: s3}\n",
                  "{\"in\":{\"type\":\"s3\"},\"out\":{\"mode\":\"replace\"},\"exec\":{},"
                  "\"filters\":[{\"type\":\"rename\"}]}");
    assert_normal("in: {type: s3}\npreview_sample_rows: 3\n_a: &a {b: 1}\nx-b: 1\n",
                  "{\"in\":{\"type\":\"s3\"},\"out\":{},\"exec\":{},\"filters\":[],"
                  "\"preview_sample_rows\":3}");
}

static void config_normalize_takes_config_or_the_whole_as_in(void **state)
{
    (void)state;
    assert_normal("config: {config: {in: {type: file}, out: {a: 1}}}",
                  "{\"in\":{\"type\":\"file\"},\"out\":{\"a\":1},\"exec\":{},\"filters\":[]}");
    assert_normal("type: s3\nbucket: b\n", "{\"in\":{\"type\":\"s3\",\"bucket\":\"b\"},\"out\":{},"
                                           "\"exec\":{},\"filters\":[]}");
    assert_normal("config: {type: s3}",
                  "{\"in\":{\"type\":\"s3\"},\"out\":{},\"exec\":{},\"filters\":[]}");
}

static void config_normalize_refuses_what_it_cannot_place(void **state)
{
    (void)state;
    assert_refused("config: {in: {}}\nname: x\ncron: y\n", "load.yml:2:1",
                   "Setting [\"name\", \"cron\"] keys in a configuration file is not supported. "
                   "Please set options to the command line argument.");
    assert_refused("in: {type: s3}\nfiters: []\n", "load.yml:2:1",
                   "unknown key 'fiters', did you mean 'filters'?");
    assert_refused("in: {type: s3}\nwhatever: []\n", "load.yml:2:1",
                   "unknown key 'whatever'; a configuration has in, out, exec and filters");
    assert_refused("in:\nout: {}\n", "load.yml:1:1", "'in' (InputConfig) must not be null.");
    assert_refused("out: {}\nexec: {}\n", "load.yml:1:1", "'in' (InputConfig) must not be null.");
    assert_refused("in: [a]\n", "load.yml:1:1", "'in' must be a mapping, not a list");
    assert_refused("in: {}\nfilters: {type: rename}\n", "load.yml:2:1",
                   "'filters' must be a list, not a mapping");
    assert_refused("- a\n", "load.yml:1:1", "the configuration must be a mapping, not a list");
    assert_refused("\n", "load.yml", "the configuration must be a mapping, not null");
}

static void config_normalize_warns_of_keys_without_meaning(void **state)
{
    (void)state;
    pen_buf_clear(&warnings.text);
    assert_normal("in: {type: s3}\ntime_column: t\n",
                  "{\"in\":{\"type\":\"s3\"},\"out\":{},\"exec\":{},\"filters\":[]}");
    assert_string_equal(warnings.text.ptr,
                        "load.yml:2:1: 'time_column' has no meaning here and is ignored\n");
}

static void config_load_names_the_file_in_its_errors(void **state)
{
    (void)state;
    struct pen_node *config = NULL;
    struct pen_error err = {0};
    assert_int_equal(pen_config_load("/nonexistent/seed.yml", &arena, NULL, &config, &err),
                     PEN_ERR_NOT_FOUND);
    assert_string_equal(err.message, "configuration file: /nonexistent/seed.yml not found");
    char path[] = "/tmp/penstock-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "in: [\nx: 1\n", 11), 11);
    assert_int_equal(close(fd), 0);
    assert_int_equal(pen_config_load(path, &arena, NULL, &config, &err), PEN_ERR_CONFIG);
    assert_int_equal(unlink(path), 0);
    char expected[96];
    (void)snprintf(expected, sizeof expected, "configuration file: %s did not find expected", path);
    assert_memory_equal(err.message, expected, strlen(expected));
    (void)snprintf(expected, sizeof expected, "%s:3:1", path);
    assert_string_equal(err.where, expected);
}

static void config_mask_hides_secrets_at_any_depth(void **state)
{
    (void)state;
    struct pen_node *config =
        parse("in: {type: s3, access_key_id: AKIA, secret_access_key: hunter2, session_token: "
              "hunter2,\n  endpoint: 'https://me:hunter2@host:80/p?x', proxy: 'http://h/a:b@c',\n"
              "  secret_key: null, password: '', token: [hunter2, {a: hunter2}]}\n"
              "filters:\n- {type: digest, columns: [{name: a, salt: hunter2}]}\n"
              "out: {client_secret: hunter2, mode: append}\n");
    struct pen_node *masked = NULL;
    assert_ok(pen_config_mask(config, &arena, &masked, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(PEN_BUF_TEXT_MAX);
    assert_ok(pen_tree_write_json(masked, false, &json, err));
    assert_string_equal(
        json.ptr,
        "{\"in\":{\"type\":\"s3\",\"access_key_id\":\"AKIA\",\"secret_access_key\":\"***\","
        "\"session_token\":\"***\",\"endpoint\":\"https://me:***@host:80/p?x\","
        "\"proxy\":\"http://h/a:b@c\",\"secret_key\":null,\"password\":\"\",\"token\":\"***\"},"
        "\"filters\":[{\"type\":\"digest\",\"columns\":[{\"name\":\"a\",\"salt\":\"***\"}]}],"
        "\"out\":{\"client_secret\":\"***\",\"mode\":\"append\"}}");
    assert_true(pen_slice_is(pen_node_get(config->first, "secret_access_key")->text, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_normalize_gives_all_four_sections),
        cmocka_unit_test(config_normalize_takes_config_or_the_whole_as_in),
        cmocka_unit_test(config_normalize_refuses_what_it_cannot_place),
        cmocka_unit_test(config_normalize_warns_of_keys_without_meaning),
        cmocka_unit_test(config_load_names_the_file_in_its_errors),
        cmocka_unit_test(config_mask_hides_secrets_at_any_depth),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
