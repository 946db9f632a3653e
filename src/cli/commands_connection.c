/* connection:* - stored credentials under a name, and whether they work. */
#include "cli/connector_internal.h"
#include "cli/lake_scope.h"
#include "cli/words.h"
#include "run/connection_use.h"

#include <inttypes.h>
#include <stdio.h>

#define SETTINGS_MAX_BYTES ((size_t)1 << 20)

/* --- list, show ------------------------------------------------------------------------------- */

/* A setting as a cell; empty when it is not there. */
static struct pen_cell setting_cell(const struct pen_node *settings, const char *key)
{
    const struct pen_node *node = pen_node_get(settings, key);
    return pen_cell_text(node == NULL ? NULL : node->text.ptr);
}

static struct pen_cell time_cell(struct pen_cli *cli, int64_t utc_us)
{
    char text[PEN_WORD_TEXT];
    return pen_cell_text(pen_arena_copy(&cli->arena, pen_slice_str(pen_word_time(utc_us, text))));
}

static enum pen_code parse_shown(struct pen_cli *cli, const struct pen_connection *connection,
                                 struct pen_node **ret_settings, struct pen_error *err)
{
    return pen_tree_parse_json(pen_slice_str(connection->config), connection->name, &cli->arena,
                               ret_settings, err);
}

static enum pen_code print_list(struct pen_cli *cli, const struct pen_args *args,
                                const struct pen_connection *list, size_t count,
                                struct pen_error *err)
{
    static const char *const names[] = {"ID",       "Name",   "Auth method", "Access key",
                                        "Endpoint", "Region", "Updated"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 7, err));
    for (size_t i = 0; i < count; i++) {
        char id[24];
        struct pen_node *settings = NULL;
        PEN_TRY(parse_shown(cli, &list[i], &settings, err));
        (void)snprintf(id, sizeof id, "%" PRId64, list[i].connection_id); /* fits */
        const struct pen_cell cells[] = {
            pen_cell_text(id),
            pen_cell_text(list[i].name),
            setting_cell(settings, "auth_method"),
            setting_cell(settings, "access_key_id"),
            setting_cell(settings, "endpoint"),
            setting_cell(settings, "region"),
            time_cell(cli, list[i].updated_us),
        };
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    return pen_render_end(&render, err);
}

static enum pen_code run_list(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_connection *list = NULL;
    size_t count = 0;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_connection_list(pen_lake_db(lake), &cli->arena, &list, &count, err));
    return print_list(cli, args, list, count, err);
}

static enum pen_code run_show(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_connection connection = {0};
    struct pen_node *settings = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_connection_get(pen_lake_db(lake), args->words[0], &cli->arena, &connection, err));
    PEN_TRY(parse_shown(cli, &connection, &settings, err));
    PEN_TRY(pen_tree_write_block_yaml(settings, &text, err));
    return pen_output_addf(&cli->out, err, "%s", text.ptr);
}

/* --- create, update, delete ------------------------------------------------------------------- */

static enum pen_code read_settings(struct pen_cli *cli, const char *path,
                                   struct pen_node **ret_settings, struct pen_error *err)
{
    PEN_CLEANUP(pen_vault_wipe) struct pen_buf text = PEN_BUF(SETTINGS_MAX_BYTES);
    bool is_stdin = strcmp(path, "-") == 0;
    PEN_TRY(pen_buf_read_file(&text, is_stdin ? "/dev/stdin" : path, err));
    return pen_tree_parse(pen_buf_slice(&text), is_stdin ? "stdin" : path, &cli->arena,
                          ret_settings, err);
}

static enum pen_code put(struct pen_cli *cli, const struct pen_args *args, bool is_update,
                         struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_vault_free_p) struct pen_vault *vault = NULL;
    const char *name = args->words[0], *path = args->words[1];
    struct pen_bind bind = {strcmp(path, "-") == 0 ? "stdin" : path, &cli->arena, &cli->warnings};
    struct pen_node *settings = NULL;
    PEN_TRY(read_settings(cli, path, &settings, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_vault_open(cli->home, &vault, err));
    PEN_TRY(pen_connection_put(pen_lake_db(lake), vault, name, settings, is_update, &bind, err));
    pen_cli_say(cli, "Connection '%s' is %s.", name, is_update ? "updated" : "created");
    pen_cli_say(cli,
                "Use 'connection: %s' under 'in' of a configuration, and 'penstock "
                "%sconnection:test %s <bucket>' to try it.",
                name, pen_cli_home_words(cli), name);
    return PEN_OK;
}

static enum pen_code run_create(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    return put(cli, args, false, err);
}

static enum pen_code run_update(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    return put(cli, args, true, err);
}

static enum pen_code run_delete(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_connection_delete(pen_lake_db(lake), args->words[0], err));
    pen_cli_say(cli, "Connection '%s' is deleted.", args->words[0]);
    return PEN_OK;
}

/* --- test ------------------------------------------------------------------------------------- */

static enum pen_code run_test(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_TRY(pen_cli_open_home(cli, false, err));
    struct pen_bind bind = {"connection", &cli->arena, &cli->warnings};
    struct pen_run_env env = {
        .home = cli->home,
        .bind = bind,
        .cancel = &pen_cli_cancel,
        .log = pen_connector_log,
        .log_context = cli,
    };
    const struct pen_connection_trial trial = {
        .name = args->words[0],
        .bucket = args->word_count > 1 ? args->words[1] : NULL,
        .path_prefix = args->word_count > 2 ? args->words[2] : "",
    };
    PEN_TRY(pen_connection_trial_config(&trial, &bind, &env.config, err));
    return pen_cli_doctor(cli, args, &env, err);
}

static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};
static const struct pen_flag list_flags[] = {PEN_FLAG_FORMAT, {NULL, 0, NULL, false, NULL}};
static const char *const list_aliases[] = {"connections", NULL};
static const char *const create_examples[] = {"connection:create prod-s3 credentials.yml", NULL};
static const char *const test_examples[] = {"connection:test prod-s3 sample_bucket path/to/", NULL};

const struct pen_command pen_commands_connection[] = {
    {.name = "connection:list",
     .aliases = list_aliases,
     .arguments = "",
     .description = "Show the stored credentials, without secrets",
     .flags = list_flags,
     .run = run_list},
    {.name = "connection:show",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Show the settings of a connection, secrets masked",
     .flags = no_flags,
     .run = run_show},
    {.name = "connection:create",
     .arguments = "<name> <file>",
     .min_words = 2,
     .max_words = 2,
     .description = "Store credentials under a name\nThe file (- for stdin) is a YAML mapping: "
                    "auth_method, access_key_id,\nsecret_access_key, endpoint ... They are "
                    "encrypted with the key of the home folder.",
     .examples = create_examples,
     .flags = no_flags,
     .run = run_create},
    {.name = "connection:update",
     .arguments = "<name> <file>",
     .min_words = 2,
     .max_words = 2,
     .description = "Give a connection new settings\nA secret written as *** stays what it was.",
     .flags = no_flags,
     .run = run_update},
    {.name = "connection:delete",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Forget a connection; configurations that name it fail from then on",
     .flags = no_flags,
     .run = run_delete},
    {.name = "connection:test",
     .arguments = "<name> [bucket] [path_prefix]",
     .min_words = 1,
     .max_words = 3,
     .description = "Find out whether a connection works, as doctor does\nThe bucket is needed "
                    "when the connection does not name one.",
     .examples = test_examples,
     .flags = list_flags,
     .run = run_test},
    {.name = NULL},
};
