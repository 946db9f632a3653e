/* user:*, key:* - who may use the server, and with which keys. They work on the metadata itself:
 * whoever may write the home folder may do everything anyway. */
#include "cli/lake_scope.h"
#include "cli/words.h"
#include "meta/user.h"
#include "vault/password.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static struct pen_cell time_cell(struct pen_cli *cli, int64_t utc_us)
{
    char text[PEN_WORD_TEXT];
    if (utc_us == 0)
        return pen_cell_text(NULL);
    return pen_cell_text(pen_arena_copy(&cli->arena, pen_slice_str(pen_word_time(utc_us, text))));
}

/* --- passwords -------------------------------------------------------------------------------- */

/* One line of stdin: passwords do not belong on a command line, where others see them. */
static enum pen_code read_password(char hash[PEN_PASSWORD_HASH], struct pen_error *err)
{
    char line[PEN_PASSWORD_MAX + 3];
    if (fgets(line, sizeof line, stdin) == NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "no password on the standard input");
    line[strcspn(line, "\r\n")] = '\0';
    enum pen_code code = pen_password_hash(pen_slice_str(line), hash, err);
    explicit_bzero(line, sizeof line);
    return code;
}

/* NULL when --password-stdin was not given. */
static enum pen_code take_password(const struct pen_args *args, char hash[PEN_PASSWORD_HASH],
                                   const char **ret_hash, struct pen_error *err)
{
    *ret_hash = NULL;
    if (!pen_args_has(args, "password-stdin"))
        return PEN_OK;
    PEN_TRY(read_password(hash, err));
    *ret_hash = hash;
    return PEN_OK;
}

/* --- users ------------------------------------------------------------------------------------ */

static enum pen_code run_user_list(struct pen_cli *cli, const struct pen_args *args,
                                   struct pen_error *err)
{
    static const char *const names[] = {"Name",     "Role",    "Password",
                                        "Disabled", "Created", "Last login"};
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    struct pen_user *users = NULL;
    size_t count = 0;
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_user_list(pen_lake_db(lake), &cli->arena, &users, &count, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 6, err));
    for (size_t i = 0; i < count; i++) {
        const struct pen_cell cells[] = {
            pen_cell_text(users[i].name),
            pen_cell_text(pen_role_name(users[i].role)),
            pen_cell_text(users[i].password_hash[0] != '\0' ? "yes" : "no"),
            pen_cell_text(users[i].is_disabled ? "yes" : "no"),
            time_cell(cli, users[i].created_us),
            time_cell(cli, users[i].login_us),
        };
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    PEN_TRY(pen_render_end(&render, err));
    if (count == 0)
        pen_cli_say(cli, "Use 'penstock %suser:create <name> --role admin' to create the first.",
                    pen_cli_home_words(cli));
    return PEN_OK;
}

static enum pen_code run_user_create(struct pen_cli *cli, const struct pen_args *args,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    char hash[PEN_PASSWORD_HASH];
    const char *role = pen_args_value(args, "role");
    struct pen_user user = {.name = args->words[0], .created_us = pen_now_us()};
    PEN_TRY(pen_role_from_name(role == NULL ? "viewer" : role, &user.role, err));
    PEN_TRY(take_password(args, hash, &user.password_hash, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_user_create(pen_lake_db(lake), &user, NULL, err));
    pen_cli_say(cli, "User '%s' is created, role %s.", user.name, pen_role_name(user.role));
    pen_cli_say(cli, "Use 'penstock %skey:create --user %s' to make an API key.",
                pen_cli_home_words(cli), user.name);
    return PEN_OK;
}

static enum pen_code run_user_update(struct pen_cli *cli, const struct pen_args *args,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    char hash[PEN_PASSWORD_HASH];
    const char *role = pen_args_value(args, "role");
    struct pen_user_change change = {.is_disabled = -1};
    if (role != NULL)
        PEN_TRY(pen_role_from_name(role, &change.role, err));
    PEN_TRY(take_password(args, hash, &change.password_hash, err));
    if (pen_args_has(args, "disable") || pen_args_has(args, "enable"))
        change.is_disabled = pen_args_has(args, "disable");
    if (role == NULL && change.password_hash == NULL && change.is_disabled < 0)
        return pen_cli_usage(cli, err, "nothing to update");
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_user_update(pen_lake_db(lake), args->words[0], &change, err));
    pen_cli_say(cli, "User '%s' is updated.", args->words[0]);
    return PEN_OK;
}

static enum pen_code run_user_delete(struct pen_cli *cli, const struct pen_args *args,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_user_delete(pen_lake_db(lake), args->words[0], err));
    pen_cli_say(cli, "User '%s' is deleted, with all keys.", args->words[0]);
    return PEN_OK;
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum pen_code run_key_list(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err)
{
    static const char *const names[] = {"ID",      "User",    "Label",    "Begins with",
                                        "Created", "Expires", "Last used"};
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    struct pen_token *keys = NULL;
    size_t count = 0;
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_token_list(pen_lake_db(lake), 0, &cli->arena, &keys, &count, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 7, err));
    for (size_t i = 0; i < count; i++) {
        char id[24];
        (void)snprintf(id, sizeof id, "%" PRId64, keys[i].token_id);
        const struct pen_cell cells[] = {
            pen_cell_text(id),
            pen_cell_text(keys[i].user_name),
            pen_cell_text(keys[i].label),
            pen_cell_text(keys[i].hint),
            time_cell(cli, keys[i].created_us),
            time_cell(cli, keys[i].expires_us),
            time_cell(cli, keys[i].used_us),
        };
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    return pen_render_end(&render, err);
}

/* The user that was named, else the only one there is. */
static enum pen_code find_user(struct pen_cli *cli, struct pen_db *db, const char *name,
                               struct pen_user *ret_user, struct pen_error *err)
{
    struct pen_user *users = NULL;
    size_t count = 0;
    if (name != NULL)
        return pen_user_get(db, name, &cli->arena, ret_user, err);
    PEN_TRY(pen_user_list(db, &cli->arena, &users, &count, err));
    if (count == 1) {
        *ret_user = users[0];
        return PEN_OK;
    }
    (void)pen_fail(err, PEN_ERR_CONFIG,
                   count == 0 ? "there is no user yet" : "there are several users");
    pen_error_hint(err, count == 0 ? "create one with 'penstock user:create <name> --role admin'"
                                   : "say whose key it is with --user");
    return PEN_ERR_CONFIG;
}

static enum pen_code run_key_create(struct pen_cli *cli, const struct pen_args *args,
                                    struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    char text[PEN_TOKEN_TEXT];
    struct pen_user user = {0};
    struct pen_token token = {0};
    struct pen_key_wish wish = {.label = pen_args_value(args, "label"), .now_us = pen_now_us()};
    PEN_TRY(
        pen_cli_int(cli, args, "expires", (struct pen_cli_range){1, 36500, 0}, &wish.days, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(find_user(cli, pen_lake_db(lake), pen_args_value(args, "user"), &user, err));
    wish.user_id = user.user_id;
    PEN_TRY(pen_token_add_key(pen_lake_db(lake), &wish, &cli->arena, text, &token, err));
    PEN_TRY(pen_output_addf(&cli->out, err, "%s\n", text));
    pen_cli_say(cli, "API key %" PRId64 " of '%s' is created. It is shown only now: keep it.",
                token.token_id, user.name);
    return PEN_OK;
}

static enum pen_code run_key_delete(struct pen_cli *cli, const struct pen_args *args,
                                    struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    int64_t id = 0;
    PEN_TRY(pen_parse_int_word(args->words[0], "key id", 1, INT64_MAX, &id, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_token_delete(pen_lake_db(lake), id, 0, err));
    pen_cli_say(cli, "API key %" PRId64 " is deleted.", id);
    return PEN_OK;
}

/* --- the table -------------------------------------------------------------------------------- */

#define FLAG_ROLE                                                                                  \
    {                                                                                              \
        "role", 'r', "ROLE", false,                                                                \
            "viewer (sees), operator (runs and changes), admin (users too)"                        \
    }
#define FLAG_PASSWORD                                                                              \
    {                                                                                              \
        "password-stdin", 0, NULL, false, "read the password from the first line of stdin"         \
    }

static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};
static const struct pen_flag list_flags[] = {PEN_FLAG_FORMAT, {NULL, 0, NULL, false, NULL}};
static const struct pen_flag create_flags[] = {
    FLAG_ROLE, FLAG_PASSWORD, {NULL, 0, NULL, false, NULL}};
static const struct pen_flag update_flags[] = {
    FLAG_ROLE,
    FLAG_PASSWORD,
    {"disable", 0, NULL, false, "no logins and no keys until enabled again"},
    {"enable", 0, NULL, false, "end a --disable"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag key_flags[] = {
    {"user", 'u', "NAME", false, "whose key; not needed while there is one user"},
    {"label", 'l', "TEXT", false, "what the key is for"},
    {"expires", 0, "DAYS", false, "the key works so long; default: until it is deleted"},
    {NULL, 0, NULL, false, NULL},
};
static const char *const user_list_aliases[] = {"users", NULL};
static const char *const key_list_aliases[] = {"keys", NULL};
static const char *const create_examples[] = {
    "user:create ana --role admin --password-stdin < password.txt", "user:create ci -r operator",
    NULL};
static const char *const update_examples[] = {"user:update ana --role viewer",
                                              "user:update ana --disable", NULL};
static const char *const key_examples[] = {"key:create --user ci --label nightly --expires 90",
                                           NULL};

const struct pen_command pen_commands_user[] = {
    {.name = "user:list",
     .aliases = user_list_aliases,
     .arguments = "",
     .description = "Show who may use the server",
     .flags = list_flags,
     .run = run_user_list},
    {.name = "user:create",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Create a user of the server\nWithout a password they can only use API keys.",
     .examples = create_examples,
     .flags = create_flags,
     .run = run_user_create},
    {.name = "user:update",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Change a user's role or password, or disable them",
     .examples = update_examples,
     .flags = update_flags,
     .run = run_user_update},
    {.name = "user:delete",
     .arguments = "<name>",
     .min_words = 1,
     .max_words = 1,
     .description = "Delete a user and all their keys",
     .flags = no_flags,
     .run = run_user_delete},
    {.name = "key:list",
     .aliases = key_list_aliases,
     .arguments = "",
     .description = "Show the API keys, without the keys themselves",
     .flags = list_flags,
     .run = run_key_list},
    {.name = "key:create",
     .arguments = "",
     .description = "Make an API key and print it, once\nClients send it as 'Authorization: TD1 "
                    "<key>'.",
     .examples = key_examples,
     .flags = key_flags,
     .run = run_key_create},
    {.name = "key:delete",
     .arguments = "<id>",
     .min_words = 1,
     .max_words = 1,
     .description = "Delete an API key: it stops working at once",
     .flags = no_flags,
     .run = run_key_delete},
    {.name = NULL},
};
