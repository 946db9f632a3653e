/* space_scope.h - what the commands that look after disk space share. */
#ifndef PEN_CLI_SPACE_SCOPE_H
#define PEN_CLI_SPACE_SCOPE_H

#include "cli/lake_scope.h"
#include "run/space.h"

/* pen_cli_space - opens the lake and fills an environment that borrows it; the caller closes it. */
PEN_MUST_USE enum pen_code pen_cli_space(struct pen_cli *cli, struct pen_lake **ret_lake,
                                         struct pen_space_env *ret_env, struct pen_error *err);

/* table:compact (table_compact.c) */
enum pen_code pen_table_compact(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err);

#endif
