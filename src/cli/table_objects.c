/* table:objects, table:forget - the ledger of a table. */
#include "cli/lake_scope.h"
#include "cli/table_internal.h"
#include "meta/ledger.h"

#include <inttypes.h>
#include <stdio.h>

/* --- objects -----------------------------------------------------------------------------------
 */

struct objects {
    struct pen_render *render;
    struct pen_arena arena; /* of one row */
};

static enum pen_code add_entry(void *context, const struct pen_ledger_entry *entry,
                               enum pen_ledger_state state, struct pen_error *err)
{
    struct objects *objects = context;
    struct pen_arena *arena = &objects->arena;
    pen_arena_clear(arena);
    const struct pen_cell cells[] = {
        pen_cell_text(entry->bucket),
        pen_cell_text(entry->key),
        pen_cell_text(entry->etag),
        pen_cell_number(arena, (int64_t)entry->size_bytes),
        pen_cell_number(arena, (int64_t)entry->rows),
        pen_cell_number(arena, (int64_t)entry->rejected),
        pen_cell_number(arena, entry->job_id),
        entry->snapshot_id < 0 ? pen_cell_text(NULL) : pen_cell_number(arena, entry->snapshot_id),
        pen_cell_text(pen_ledger_state_name(state)),
    };
    return pen_render_row(objects->render, cells, err);
}

static enum pen_code find_table(struct pen_cli *cli, struct pen_lake_txn *txn,
                                const struct pen_args *args, int64_t *ret_table_id,
                                struct pen_error *err)
{
    struct pen_lake_table table = {0};
    PEN_TRY(pen_lake_table_find(txn, args->words[0], args->words[1], &cli->arena, &table, err));
    *ret_table_id = table.table_id;
    return PEN_OK;
}

static enum pen_code list_objects(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_render *render, struct pen_error *err)
{
    static const char *const names[] = {"Bucket",   "Key", "ETag",     "Size", "Rows",
                                        "Rejected", "Job", "Snapshot", "State"};
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    struct objects objects = {.render = render, .arena = PEN_ARENA((size_t)1 << 20)};
    int64_t table_id = 0;
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    PEN_TRY(find_table(cli, txn, args, &table_id, err));
    PEN_TRY(pen_render_begin(render, &cli->out, &options, names, 9, err));
    enum pen_code code = pen_ledger_each(pen_lake_txn_db(txn), table_id,
                                         pen_args_value(args, "key"), add_entry, &objects, err);
    pen_arena_release(&objects.arena);
    PEN_TRY(code);
    return pen_render_end(render, err);
}

enum pen_code pen_table_objects(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    enum pen_code code = list_objects(cli, args, &render, err);
    return code == PEN_ERR_NOT_FOUND
               ? pen_cli_plain(cli, code, err,
                               "Use 'penstock table:list' to show the list of tables.")
               : code;
}

/* --- forget ------------------------------------------------------------------------------------
 */

struct forget {
    struct pen_cli *cli;
    const struct pen_args *args;
    uint64_t count;
};

static enum pen_code forget_in(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct forget *forget = context;
    int64_t table_id = 0;
    PEN_TRY(find_table(forget->cli, txn, forget->args, &table_id, err));
    return pen_ledger_forget_keys(pen_lake_txn_db(txn), table_id,
                                  pen_args_value(forget->args, "key"), &forget->count, err);
}

static bool is_confirmed(const struct pen_args *args)
{
    char answer[16] = "";
    (void)fprintf(stderr,
                  "Objects like '%s' will be loaded into '%s.%s' again; their rows stay. Go on? "
                  "[y/N]: ",
                  pen_args_value(args, "key"), args->words[0], args->words[1]);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return false;
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcmp(answer, "y") == 0 || strcmp(answer, "yes") == 0;
}

enum pen_code pen_table_forget(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct forget forget = {.cli = cli, .args = args};
    if (pen_args_value(args, "key") == NULL)
        return pen_cli_usage(cli, err, "key option required");
    if (!pen_args_has(args, "force") && !is_confirmed(args)) {
        (void)fprintf(stderr, "canceled.\n");
        cli->exit_code = PEN_EXIT_FAILED;
        return PEN_OK;
    }
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    enum pen_code code = pen_lake_transact(lake, NULL, forget_in, &forget, NULL, err);
    if (code != PEN_OK)
        return pen_cli_plain(cli, code, err,
                             "Use 'penstock table:list' to show the list of tables.");
    pen_cli_say(cli,
                "%" PRIu64 " object version%s of '%s.%s' %s forgotten: a load with "
                "skip_loaded_objects loads %s again.",
                forget.count, forget.count == 1 ? "" : "s", args->words[0], args->words[1],
                forget.count == 1 ? "is" : "are", forget.count == 1 ? "it" : "them");
    return PEN_OK;
}
