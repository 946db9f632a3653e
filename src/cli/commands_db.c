/* db:list, db:show, db:create, db:delete (spec/cli.md 3). */
#include "cli/lake_scope.h"
#include "cli/words.h"

#include <inttypes.h>
#include <stdio.h>

static struct pen_cell number_cell(struct pen_cli *cli, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, value);
    const char *copy = pen_arena_copy(&cli->arena, pen_slice(text, (size_t)len));
    if (copy == NULL)
        return pen_cell_text(NULL);
    return (struct pen_cell){PEN_CELL_BARE, pen_slice(copy, (size_t)len)};
}

static enum pen_code print_databases(struct pen_cli *cli, const struct pen_args *args,
                                     const struct pen_lake_database *list, size_t count,
                                     struct pen_error *err)
{
    static const char *const names[] = {"Name", "Count"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 2, err));
    for (size_t i = 0; i < count; i++) {
        const struct pen_cell cells[] = {pen_cell_text(list[i].name),
                                         number_cell(cli, list[i].rows)};
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    return pen_render_end(&render, err);
}

static enum pen_code run_list(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_database *list = NULL;
    size_t count = 0;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    PEN_TRY(pen_lake_database_list(txn, &cli->arena, &list, &count, err));
    PEN_TRY(print_databases(cli, args, list, count, err));
    if (count > 0)
        return PEN_OK;
    pen_cli_say(cli, "There are no databases.");
    pen_cli_say(cli, "Use 'penstock %sdb:create <db>' to create a database.",
                pen_cli_home_words(cli));
    return PEN_OK;
}

static enum pen_code print_tables(struct pen_cli *cli, const struct pen_args *args,
                                  const struct pen_lake_table *list, size_t count,
                                  struct pen_error *err)
{
    static const char *const names[] = {"Table", "Type", "Count", "Schema"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 4, err));
    for (size_t i = 0; i < count; i++) {
        const struct pen_cell cells[] = {pen_cell_text(list[i].name), pen_cell_text("log"),
                                         number_cell(cli, list[i].rows),
                                         pen_cell_text(pen_cli_schema_text(cli, &list[i]))};
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    return pen_render_end(&render, err);
}

static enum pen_code run_show(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_table *list = NULL;
    size_t count = 0;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    enum pen_code code = pen_lake_table_list(txn, args->words[0], &cli->arena, &list, &count, err);
    if (code != PEN_OK)
        return pen_cli_plain(cli, code, err,
                             "Use 'penstock db:list' to show the list of databases.");
    return print_tables(cli, args, list, count, err);
}

static enum pen_code create_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    return pen_lake_database_create(txn, context, err);
}

static enum pen_code run_create(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_lake_check_name("Database", pen_slice_str(args->words[0]), err));
    PEN_TRY(pen_buf_add_str(&name, args->words[0], err));
    enum pen_code code = pen_lake_transact(lake, "db:create", create_in, name.ptr, NULL, err);
    if (code != PEN_OK)
        return pen_cli_plain(cli, code, err, NULL);
    pen_cli_say(cli, "Database '%s' is created.", name.ptr);
    pen_cli_say(cli, "Use 'penstock %stable:create %s <table_name>' to create a table.",
                pen_cli_home_words(cli), name.ptr);
    return PEN_OK;
}

struct drop {
    const char *name;
    bool is_forced;
};

static enum pen_code drop_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct drop *drop = context;
    struct pen_arena arena = PEN_ARENA((size_t)1 << 20);
    struct pen_lake_database database = {0};
    enum pen_code code = pen_lake_database_find(txn, drop->name, &arena, &database, err);
    pen_arena_release(&arena);
    PEN_TRY(code);
    if (database.table_count > 0 && !drop->is_forced)
        return pen_fail(err, PEN_ERR_CONFLICT,
                        "Database '%s' is not empty. Use '-f' option or drop tables first.",
                        drop->name);
    return pen_lake_database_drop(txn, drop->name, drop->is_forced, err);
}

static enum pen_code run_delete(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct drop drop = {args->words[0], pen_args_has(args, "force")};
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    enum pen_code code = pen_lake_transact(lake, "db:delete", drop_in, &drop, NULL, err);
    if (code != PEN_OK)
        return pen_cli_plain(cli, code, err, NULL);
    pen_cli_say(cli, "Database '%s' is deleted.", drop.name);
    return PEN_OK;
}

static const struct pen_flag list_flags[] = {PEN_FLAG_FORMAT, {NULL, 0, NULL, false, NULL}};
static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};
static const struct pen_flag delete_flags[] = {
    {"force", 'f', NULL, false, "delete the tables in it too"},
    {NULL, 0, NULL, false, NULL},
};
static const char *const list_aliases[] = {"dbs", "db", "database:list", "databases", NULL};
static const char *const show_aliases[] = {"database:show", NULL};
static const char *const create_aliases[] = {"database:create", NULL};
static const char *const delete_aliases[] = {"database:delete", NULL};
static const char *const list_examples[] = {"db:list", "dbs", NULL};
static const char *const show_examples[] = {"db:show td_sample_db", NULL};
static const char *const create_examples[] = {"db:create td_sample_db", NULL};
static const char *const delete_examples[] = {"db:delete td_sample_db -f", NULL};

const struct pen_command pen_commands_db[] = {
    {.name = "db:list",
     .aliases = list_aliases,
     .arguments = "",
     .description = "Show the list of databases",
     .examples = list_examples,
     .flags = list_flags,
     .run = run_list},
    {.name = "db:show",
     .aliases = show_aliases,
     .arguments = "<db>",
     .min_words = 1,
     .max_words = 1,
     .description = "Show the tables of a database",
     .examples = show_examples,
     .flags = list_flags,
     .run = run_show},
    {.name = "db:create",
     .aliases = create_aliases,
     .arguments = "<db>",
     .min_words = 1,
     .max_words = 1,
     .description = "Create a database\nNames have 3 to 128 characters: a-z, 0-9 and _.",
     .examples = create_examples,
     .flags = no_flags,
     .run = run_create},
    {.name = "db:delete",
     .aliases = delete_aliases,
     .arguments = "<db>",
     .min_words = 1,
     .max_words = 1,
     .description = "Delete a database",
     .examples = delete_examples,
     .flags = delete_flags,
     .run = run_delete},
    {.name = NULL},
};
