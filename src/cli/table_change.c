#include "cli/lake_scope.h"
#include "cli/table_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* One change of the lake, told by the words of the command line. */
struct change {
    const char *database, *table, *other;
    bool is_overwrite;
    int64_t days;
    const char *unit; /* of time_partition; NULL: not said */
};

/* Words that Hive keeps for itself; the original warns of tables with such names. */
static const char *const reserved[] = {
    "true",          "false",    "all",        "and",       "or",         "not",   "like",
    "asc",           "desc",     "order",      "by",        "group",      "where", "from",
    "select",        "distinct", "insert",     "overwrite", "outer",      "join",  "left",
    "right",         "full",     "on",         "partition", "partitions", "table", "tables",
    "tblproperties", "show",     "msck",       "drop",      "rename",     "to",    "comment",
    "boolean",       "tinyint",  "smallint",   "int",       "bigint",     "float", "double",
    "date",          "datetime", "timestamp",  "string",    "binary",     "array", "map",
    "reduce",        "cluster",  "distribute", "sort",      "union",      "load",  "data",
    "inpath",        "is",       "null",       "create",    "external",   "alter", "describe",
    "database",      "case",     "when",       "then",      "else",       "end",   "cast",
    "between",       "exists",   "function",   "import",    "lateral",    "limit", "set",
    "user",          "using",    "values",     "view",      "window",
};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return false;
}

static enum pen_code find_id(struct pen_lake_txn *txn, const struct change *change,
                             int64_t *ret_table_id, struct pen_error *err)
{
    struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_lake_table table = {0};
    enum pen_code code =
        pen_lake_table_find(txn, change->database, change->table, &arena, &table, err);
    *ret_table_id = table.table_id;
    pen_arena_release(&arena);
    return code;
}

static enum pen_code expire_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    int64_t table_id = 0;
    PEN_TRY(find_id(txn, change, &table_id, err));
    return pen_lake_table_set_expire_days(txn, table_id, change->days, err);
}

static enum pen_code partition_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    int64_t table_id = 0;
    PEN_TRY(find_id(txn, change, &table_id, err));
    return pen_lake_table_set_time_partition(txn, table_id, change->unit, err);
}

static enum pen_code create_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    PEN_TRY(pen_lake_table_create(txn, change->database, change->table, NULL, err));
    if (change->days > 0)
        PEN_TRY(expire_in(txn, context, err));
    return change->unit != NULL ? partition_in(txn, context, err) : PEN_OK;
}

static enum pen_code drop_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_drop(txn, change->database, change->table, err);
}

static enum pen_code rename_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_rename(txn, change->database, change->table, change->other,
                                 change->is_overwrite, err);
}

static enum pen_code swap_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_swap(txn, change->database, change->table, change->other, err);
}

/* *ret_is_done false: the change was refused in words of the original, exit 1. */
static enum pen_code apply(struct pen_cli *cli, pen_lake_fn fn, struct change *change,
                           bool *ret_is_done, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    enum pen_code code = pen_lake_transact(lake, cli->command->name, fn, change, NULL, err);
    *ret_is_done = code == PEN_OK;
    return code == PEN_OK ? PEN_OK : pen_cli_plain(cli, code, err, NULL);
}

static bool is_unit(const char *word)
{
    return strcmp(word, "none") == 0 || strcmp(word, "hour") == 0 || strcmp(word, "day") == 0 ||
           strcmp(word, "month") == 0;
}

enum pen_code pen_table_partition(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err)
{
    struct change change = {
        .database = args->words[0], .table = args->words[1], .unit = args->words[2]};
    bool is_done = false;
    if (!is_unit(change.unit))
        return pen_cli_usage(cli, err, "a partition is none, hour, day or month, not '%s'",
                             change.unit);
    PEN_TRY(apply(cli, partition_in, &change, &is_done, err));
    if (is_done && strcmp(change.unit, "none") == 0)
        pen_cli_say(cli, "Loads into '%s.%s' are no longer cut by time.", change.database,
                    change.table);
    else if (is_done)
        pen_cli_say(cli,
                    "Loads into '%s.%s' are cut by %s; 'penstock %stable:compact' cuts what "
                    "is there.",
                    change.database, change.table, change.unit, pen_cli_home_words(cli));
    return PEN_OK;
}

enum pen_code pen_table_create(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    struct change change = {.database = args->words[0], .table = args->words[1]};
    const char *type = pen_args_value(args, "type");
    bool is_done = false;
    if (type != NULL && strcmp(type, "log") != 0)
        return pen_cli_usage(cli, err, "Unknown table type '%s'; only 'log' is known", type);
    PEN_TRY(pen_cli_int(cli, args, "expire-days", (struct pen_cli_range){.max = INT32_MAX},
                        &change.days, err));
    change.unit = pen_args_value(args, "time-partition");
    if (change.unit != NULL && !is_unit(change.unit))
        return pen_cli_usage(cli, err, "a partition is none, hour, day or month, not '%s'",
                             change.unit);
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(change.table), err));
    if (is_reserved(change.table)) {
        pen_cli_say(cli, "* WARNING *");
        pen_cli_say(cli,
                    "  '%s' is a reserved keyword in Hive. We recommend creating a table with a "
                    "different name.",
                    change.table);
    }
    PEN_TRY(apply(cli, create_in, &change, &is_done, err));
    if (is_done)
        pen_cli_say(cli, "Table '%s.%s' is created.", change.database, change.table);
    return PEN_OK;
}

static bool is_confirmed(const struct change *change)
{
    char answer[16] = "";
    (void)fprintf(stderr, "Do you really want to delete '%s' in '%s'? [y/N]: ", change->table,
                  change->database);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcmp(answer, "y") == 0 || strcmp(answer, "yes") == 0;
}

enum pen_code pen_table_delete(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    struct change change = {.database = args->words[0], .table = args->words[1]};
    bool is_done = false;
    if (!pen_args_has(args, "force") && !is_confirmed(&change)) {
        (void)fprintf(stderr, "canceled.\n");
        cli->exit_code = PEN_EXIT_FAILED;
        return PEN_OK;
    }
    PEN_TRY(apply(cli, drop_in, &change, &is_done, err));
    if (is_done)
        pen_cli_say(cli, "Table '%s.%s' is deleted.", change.database, change.table);
    return PEN_OK;
}

enum pen_code pen_table_rename(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    struct change change = {.database = args->words[0],
                            .table = args->words[1],
                            .other = args->words[2],
                            .is_overwrite = pen_args_has(args, "overwrite")};
    bool is_done = false;
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(change.other), err));
    PEN_TRY(apply(cli, rename_in, &change, &is_done, err));
    if (is_done)
        pen_cli_say(cli, "renamed from '%s.%s' to '%s.%s'.", change.database, change.table,
                    change.database, change.other);
    return PEN_OK;
}

enum pen_code pen_table_swap(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_error *err)
{
    struct change change = {
        .database = args->words[0], .table = args->words[1], .other = args->words[2]};
    bool is_done = false;
    PEN_TRY(apply(cli, swap_in, &change, &is_done, err));
    if (is_done)
        pen_cli_say(cli, "'%s.%s' and '%s.%s' are swapped.", change.database, change.table,
                    change.database, change.other);
    return PEN_OK;
}

enum pen_code pen_table_expire(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    struct change change = {.database = args->words[0], .table = args->words[1]};
    bool is_done = false;
    enum pen_code code =
        pen_parse_int_word(args->words[2], "expire days", 0, INT32_MAX, &change.days, err);
    if (code != PEN_OK) {
        cli->is_usage_error = true;
        return code;
    }
    PEN_TRY(apply(cli, expire_in, &change, &is_done, err));
    if (is_done && change.days == 0)
        pen_cli_say(cli, "Data expiration disabled for this table.");
    else if (is_done)
        pen_cli_say(cli,
                    "Expire days of '%s.%s' are %" PRId64
                    ". The number is kept for clients; Penstock deletes no rows by it.",
                    change.database, change.table, change.days);
    return PEN_OK;
}
