/* table:list, :show, :tail: looking at tables. What changes them: table_change.c. */
#include "cli/space_scope.h"
#include "cli/table_internal.h"
#include "cli/words.h"
#include "lake/lake_query.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kept(struct pen_cli *cli, const char *text)
{
    return pen_arena_copy(&cli->arena, pen_slice_str(text));
}

/* Numbers with separators for people, plain for programs. */
static struct pen_cell figure_cell(struct pen_cli *cli, uint64_t value, enum pen_format format,
                                   bool is_bytes)
{
    char text[PEN_WORD_TEXT];
    if (format != PEN_FORMAT_TABLE)
        (void)snprintf(text, sizeof text, "%" PRIu64, value);
    else if (is_bytes)
        (void)pen_word_bytes(value, text);
    else
        (void)pen_word_count(value, text);
    struct pen_cell cell = pen_cell_text(kept(cli, text));
    if (format != PEN_FORMAT_TABLE && cell.kind == PEN_CELL_TEXT)
        cell.kind = PEN_CELL_BARE;
    return cell;
}

static struct pen_cell time_cell(struct pen_cli *cli, int64_t utc_us, bool is_known)
{
    char text[PEN_WORD_TEXT];
    return pen_cell_text(is_known ? kept(cli, pen_word_time(utc_us, text)) : NULL);
}

/* Seconds to microseconds; a `time` that no calendar reaches shows as nothing. */
static bool to_us(int64_t seconds, int64_t *ret_us)
{
    return !__builtin_mul_overflow(seconds, PEN_US_PER_SECOND, ret_us) &&
           seconds > -INT64_C(62135596800) && seconds < INT64_C(253402300800);
}

static enum pen_code add_table(struct pen_cli *cli, struct pen_render *render,
                               const struct pen_lake_table *table, bool is_in_bytes,
                               struct pen_error *err)
{
    enum pen_format format = render->options.format;
    int64_t last_us = 0;
    bool has_last = table->has_last_time && to_us(table->last_time, &last_us);
    const struct pen_cell cells[] = {
        pen_cell_text(table->database),
        pen_cell_text(table->name),
        pen_cell_text("log"),
        figure_cell(cli, table->rows, format, false),
        figure_cell(cli, table->size_bytes, format, !is_in_bytes),
        time_cell(cli, table->updated_us, table->updated_us != 0 && table->file_count > 0),
        time_cell(cli, last_us, has_last),
        pen_cell_text(pen_cli_schema_text(cli, table)),
    };
    return pen_render_row(render, cells, err);
}

static enum pen_code add_tables_of(struct pen_cli *cli, struct pen_render *render,
                                   struct pen_lake_txn *txn, const char *database, bool is_in_bytes,
                                   struct pen_error *err)
{
    struct pen_lake_table *list = NULL;
    size_t count = 0;
    PEN_TRY(pen_lake_table_list(txn, database, &cli->arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        PEN_TRY(add_table(cli, render, &list[i], is_in_bytes, err));
    return PEN_OK;
}

static void say_none(const struct pen_cli *cli, const char *database, size_t database_count)
{
    const char *home = pen_cli_home_words(cli);
    if (database != NULL)
        pen_cli_say(cli, "Database '%s' has no tables.", database);
    else if (database_count == 0)
        pen_cli_say(cli, "There are no databases.");
    else
        pen_cli_say(cli, "There are no tables.");
    if (database == NULL && database_count == 0)
        pen_cli_say(cli, "Use 'penstock %sdb:create <db>' to create a database.", home);
    else
        pen_cli_say(cli, "Use 'penstock %stable:create <db> <table>' to create a table.", home);
}

static enum pen_code run_list(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    static const char *const names[] = {
        "Database",           "Table", "Type", "Count", "Size", "Last import",
        "Last log timestamp", "Schema"};
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    const char *database = args->word_count > 0 ? args->words[0] : NULL;
    bool is_in_bytes = pen_args_has(args, "show-bytes");
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    struct pen_lake_database *list = NULL, only = {.name = database};
    size_t count = 1;
    if (database == NULL)
        PEN_TRY(pen_lake_database_list(txn, &cli->arena, &list, &count, err));
    else
        list = &only;
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 8, err));
    for (size_t i = 0; i < count; i++) {
        enum pen_code code = add_tables_of(cli, &render, txn, list[i].name, is_in_bytes, err);
        if (code != PEN_OK)
            return pen_cli_plain(cli, code, err, "Use 'penstock db:list' to show the list.");
    }
    PEN_TRY(pen_render_end(&render, err));
    if (render.rows == 0)
        say_none(cli, database, count);
    return PEN_OK;
}

static enum pen_code print_details(struct pen_cli *cli, const struct pen_lake_table *table,
                                   struct pen_error *err)
{
    char size[PEN_WORD_TEXT], when[PEN_WORD_TEXT];
    if (table->expire_days > 0)
        PEN_TRY(pen_cli_print(cli, err, "Expire Days : %" PRId64, table->expire_days));
    else
        PEN_TRY(pen_cli_print(cli, err, "Expire Days : "));
    PEN_TRY(pen_cli_print(cli, err, "Include v   : false"));
    PEN_TRY(pen_cli_print(cli, err, "Size        : %s", pen_word_bytes(table->size_bytes, size)));
    PEN_TRY(pen_cli_print(cli, err, "Files       : %" PRIu64, table->file_count));
    PEN_TRY(pen_cli_print(cli, err, "Time column : %s",
                          table->time_column != NULL ? table->time_column : ""));
    PEN_TRY(pen_cli_print(cli, err, "Partition   : %s",
                          table->time_partition != NULL ? table->time_partition : "none"));
    PEN_TRY(pen_cli_print(cli, err, "Created     : %s", pen_word_time(table->created_us, when)));
    return pen_cli_print(cli, err, "Folder      : %s", table->folder);
}

static enum pen_code print_table(struct pen_cli *cli, const struct pen_lake_table *table,
                                 bool is_verbose, struct pen_error *err)
{
    PEN_TRY(pen_cli_print(cli, err, "Name        : %s.%s", table->database, table->name));
    PEN_TRY(pen_cli_print(cli, err, "Type        : log"));
    PEN_TRY(pen_cli_print(cli, err, "Count       : %" PRIu64, table->rows));
    if (is_verbose)
        PEN_TRY(print_details(cli, table, err));
    PEN_TRY(pen_cli_print(cli, err, "Schema      : ("));
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pen_lake_column *column = &table->columns[i];
        bool has_alias = strcmp(column->name, column->source_name) != 0;
        PEN_TRY(pen_cli_print(cli, err, "    %s:%s%s%s", column->name, pen_cli_column_type(column),
                              has_alias ? "@" : "", has_alias ? column->source_name : ""));
    }
    return pen_cli_print(cli, err, ")");
}

static enum pen_code run_show(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_table table = {0};
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    enum pen_code code =
        pen_lake_table_find(txn, args->words[0], args->words[1], &cli->arena, &table, err);
    if (code != PEN_OK)
        return pen_cli_plain(cli, code, err,
                             "Use 'penstock table:list' to show the list of tables.");
    return print_table(cli, &table, pen_args_has(args, "verbose"), err);
}

/* The rows with the greatest time, oldest first. */
static enum pen_code run_tail(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_render_options options = {.format = PEN_FORMAT_JSONL};
    int64_t rows = 10;
    PEN_TRY(
        pen_cli_int(cli, args, "count", (struct pen_cli_range){0, INT32_MAX, rows}, &rows, err));
    if (pen_args_has(args, "format"))
        PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_lake_tail_sql(args->words[0], args->words[1], rows, &sql, err));
    return pen_cli_query(cli, args->words[0], pen_buf_slice(&sql), &options, -1, err);
}

static const struct pen_flag list_flags[] = {
    {"num_threads", 'n', "N", false, "accepted; has no meaning here"},
    {"show-bytes", 0, NULL, false, "sizes as plain numbers of bytes"},
    PEN_FLAG_FORMAT,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag show_flags[] = {
    {"verbose", 'v', NULL, false, "show more attributes"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag tail_flags[] = {
    {"count", 'n', "COUNT", false, "number of rows (default 10)"},
    {"pretty", 'P', NULL, false, "accepted; rows are one line each"},
    PEN_FLAG_FORMAT,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag create_flags[] = {
    {"type", 'T', "TYPE", false, "only 'log' is known"},
    {"expire-days", 0, "DAYS", false, "a number kept for clients, no row is deleted by it"},
    {"time-partition", 0, "UNIT", false, "cut files by hour, day or month of time (default none)"},
    {"include-v", 0, "BOOL", false, "accepted; has no meaning here"},
    {"detect-schema", 0, "BOOL", false, "accepted; has no meaning here"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag delete_flags[] = {
    {"force", 'f', NULL, false, "do not ask"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag rename_flags[] = {
    {"overwrite", 0, NULL, false, "replace the destination table when it exists"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag compact_flags[] = {
    {"target-bytes", 0, "BYTES", false, "size that files should have (default 256M)"},
    {"compression", 0, "NAME", false, "zstd (default) or snappy"},
    {"dry-run", 0, NULL, false, "say what would be rewritten"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag objects_flags[] = {
    {"key", 'k', "PATTERN", false, "only keys like it; * and ? stand for anything"},
    PEN_FLAG_FORMAT,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag forget_flags[] = {
    {"key", 'k', "PATTERN", false, "keys like it; * and ? stand for anything"},
    {"force", 'f', NULL, false, "do not ask"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};
static const char *const list_aliases[] = {"tables", "table", NULL};
static const char *const list_examples[] = {"table:list", "table:list td_sample_db -f json", NULL};
static const char *const show_examples[] = {"table:show td_sample_db td_sample_table", NULL};
static const char *const tail_examples[] = {"table:tail td_sample_db td_sample_table -n 3", NULL};
static const char *const create_examples[] = {"table:create td_sample_db td_sample_table", NULL};
static const char *const delete_examples[] = {"table:delete td_sample_db td_sample_table", NULL};
static const char *const rename_examples[] = {"table:rename td_sample_db old_name new_name", NULL};
static const char *const swap_examples[] = {"table:swap td_sample_db table_a table_b", NULL};
static const char *const partition_examples[] = {"table:partition td_sample_db access_log day",
                                                 NULL};
static const char *const compact_examples[] = {"table:compact td_sample_db td_sample_table",
                                               "table:compact td_sample_db td_sample_table "
                                               "--target-bytes 64M",
                                               NULL};
static const char *const objects_examples[] = {
    "table:objects td_sample_db td_sample_table --key 'logs/2024-*'", NULL};
static const char *const forget_examples[] = {
    "table:forget td_sample_db td_sample_table --key 'logs/2024-11-30.csv.gz'", NULL};
static const char *const expire_examples[] = {"table:expire td_sample_db access_log 30", NULL};

const struct pen_command pen_commands_table[] = {
    {.name = "table:list",
     .aliases = list_aliases,
     .arguments = "[db]",
     .max_words = 1,
     .description = "Show the list of tables",
     .examples = list_examples,
     .flags = list_flags,
     .run = run_list},
    {.name = "table:show",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Describe a table",
     .examples = show_examples,
     .flags = show_flags,
     .run = run_show},
    {.name = "table:create",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Create a table\nIt has one column, time; loads add theirs.",
     .examples = create_examples,
     .flags = create_flags,
     .run = pen_table_create},
    {.name = "table:delete",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Delete a table",
     .examples = delete_examples,
     .flags = delete_flags,
     .run = pen_table_delete},
    {.name = "table:rename",
     .arguments = "<db> <from> <to>",
     .min_words = 3,
     .max_words = 3,
     .description = "Rename a table",
     .examples = rename_examples,
     .flags = rename_flags,
     .run = pen_table_rename},
    {.name = "table:swap",
     .arguments = "<db> <table> <table>",
     .min_words = 3,
     .max_words = 3,
     .description = "Exchange the names of two tables",
     .examples = swap_examples,
     .flags = no_flags,
     .run = pen_table_swap},
    {.name = "table:expire",
     .arguments = "<db> <table> <days>",
     .min_words = 3,
     .max_words = 3,
     .description = "Set the number of days that a client may see as the table's expiry; 0: none\n"
                    "It is kept and shown. Penstock deletes no rows by it: docs/maintenance.md\n"
                    "says how to delete old rows.",
     .examples = expire_examples,
     .flags = no_flags,
     .run = pen_table_expire},
    {.name = "table:partition",
     .arguments = "<db> <table> <unit>",
     .min_words = 3,
     .max_words = 3,
     .description = "Set by which unit of time files are cut: hour, day, month or none\n"
                    "Loads from now on keep to it, and table:compact cuts what is there.",
     .examples = partition_examples,
     .flags = no_flags,
     .run = pen_table_partition},
    {.name = "table:compact",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Merge small files of a table, sorted by time\n"
                    "Files with deleted rows are rewritten without them. Loads and queries may go\n"
                    "on meanwhile; older snapshots read the old files until lake:gc.",
     .examples = compact_examples,
     .flags = compact_flags,
     .run = pen_table_compact},
    {.name = "table:objects",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Print the object versions that a table was loaded from\n"
                    "State: loaded; superseded: its key was loaded again; forgotten: it may be\n"
                    "loaded again; replaced: its rows are gone.",
     .examples = objects_examples,
     .flags = objects_flags,
     .run = pen_table_objects},
    {.name = "table:forget",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Let objects be loaded again by loads with skip_loaded_objects\n"
                    "Rows that they gave the table stay.",
     .examples = forget_examples,
     .flags = forget_flags,
     .run = pen_table_forget},
    {.name = "table:tail",
     .arguments = "<db> <table>",
     .min_words = 2,
     .max_words = 2,
     .description = "Show the newest rows of a table, one JSON object a line",
     .examples = tail_examples,
     .flags = tail_flags,
     .run = run_tail},
    {.name = NULL},
};
