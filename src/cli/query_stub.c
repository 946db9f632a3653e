/* Stands in for commands_query.c until the query session is there. */
#include "cli/lake_scope.h"

enum pen_code pen_cli_query(struct pen_cli *cli, const char *database, struct pen_slice sql,
                            const struct pen_render_options *options, int64_t max_rows,
                            struct pen_error *err)
{
    (void)cli, (void)database, (void)sql, (void)options, (void)max_rows;
    return pen_fail(err, PEN_ERR_INTERNAL, "queries are not built in yet");
}

const struct pen_command pen_commands_query[] = {{.name = NULL}};
