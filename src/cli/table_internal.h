/* table_internal.h - the table commands that change something (table_change.c), and
 * those of the ledger (table_objects.c). */
#ifndef PEN_CLI_TABLE_INTERNAL_H
#define PEN_CLI_TABLE_INTERNAL_H

#include "cli/cli.h"

enum pen_code pen_table_create(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err);
enum pen_code pen_table_delete(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err);
enum pen_code pen_table_rename(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err);
enum pen_code pen_table_swap(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_error *err);
enum pen_code pen_table_expire(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err);

enum pen_code pen_table_partition(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err);
enum pen_code pen_table_objects(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err);
enum pen_code pen_table_forget(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err);

#endif
