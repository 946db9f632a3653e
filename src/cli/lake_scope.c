#include "cli/lake_scope.h"

#include <stdio.h>
#include <sys/stat.h>

enum pen_code pen_cli_open_lake(struct pen_cli *cli, struct pen_lake **ret_lake,
                                struct pen_error *err)
{
    PEN_TRY(pen_cli_open_home(cli, true, err));
    return pen_lake_open(cli->home, PEN_DB_CREATE, ret_lake, err);
}

enum pen_code pen_cli_plain(struct pen_cli *cli, enum pen_code code, struct pen_error *err,
                            const char *advice)
{
    bool is_plain = code == PEN_ERR_NOT_FOUND || (code == PEN_ERR_CONFLICT && !err->is_retryable);
    if (!is_plain || cli->is_json)
        return code;
    (void)fprintf(stderr, "%s\n", err->message);
    if (advice != NULL && !cli->is_quiet)
        (void)fprintf(stderr, "%s\n", advice);
    cli->exit_code = PEN_EXIT_FAILED;
    return PEN_OK;
}

const char *pen_cli_column_type(const struct pen_lake_column *column)
{
    return column->is_own_type ? pen_type_name(column->type) : column->type_text;
}

const char *pen_cli_schema_text(struct pen_cli *cli, const struct pen_lake_table *table)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < table->column_count; i++)
        if (pen_buf_addf(&text, NULL, "%s%s:%s", i == 0 ? "" : ", ", table->columns[i].name,
                         pen_cli_column_type(&table->columns[i])) != PEN_OK)
            return NULL;
    return pen_arena_copy(&cli->arena, pen_buf_slice(&text));
}

enum pen_code pen_cli_temp_folder(struct pen_cli *cli, const char **ret_folder,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    *ret_folder = cli->settings.temp_folder;
    if (*ret_folder != NULL)
        return PEN_OK;
    PEN_TRY(pen_buf_addf(&path, err, "%s/tmp", cli->home));
    *ret_folder = pen_arena_copy(&cli->arena, pen_buf_slice(&path));
    if (*ret_folder == NULL)
        return pen_fail_nomem(err);
    (void)mkdir(*ret_folder, 0700); /* it may exist; a missing one is the engine's error to tell */
    return PEN_OK;
}
