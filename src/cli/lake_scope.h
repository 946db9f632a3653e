/* lake_scope.h - the lake as commands use it: open, look or change, print. */
#ifndef PEN_CLI_LAKE_SCOPE_H
#define PEN_CLI_LAKE_SCOPE_H

#include "cli/cli.h"
#include "lake/lake.h"

/* pen_cli_open_lake - home (made when missing) and catalog. */
PEN_MUST_USE enum pen_code pen_cli_open_lake(struct pen_cli *cli, struct pen_lake **ret_lake,
                                             struct pen_error *err);

/* pen_cli_plain - an answer of the original that is no "Error: ...": the message of the error goes
 * to stderr as it is, a second line too when it is not NULL, and the command ends with exit 1.
 * Only for the codes NOT_FOUND and CONFLICT (not retryable); others stay errors. */
PEN_MUST_USE enum pen_code pen_cli_plain(struct pen_cli *cli, enum pen_code code,
                                         struct pen_error *err, const char *advice);

/* pen_cli_schema_text - "time:long, id:long" into the arena; NULL on no memory. */
const char *pen_cli_schema_text(struct pen_cli *cli, const struct pen_lake_table *table);

/* pen_cli_column_type - the type as commands show it. */
const char *pen_cli_column_type(const struct pen_lake_column *column);

/* pen_cli_temp_folder - where queries may spill: as the settings say, else <home>/tmp, made when
 * missing. The home must be open. */
PEN_MUST_USE enum pen_code pen_cli_temp_folder(struct pen_cli *cli, const char **ret_folder,
                                               struct pen_error *err);

/* pen_cli_query - runs SQL over the lake and prints the rows. in: database: may be NULL;
 * max_rows: < 0 for all. A signal interrupts it. */
PEN_MUST_USE enum pen_code pen_cli_query(struct pen_cli *cli, const char *database,
                                         struct pen_slice sql,
                                         const struct pen_render_options *options, int64_t max_rows,
                                         struct pen_error *err);

#endif
