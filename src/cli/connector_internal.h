/* connector_internal.h - what the files of the connector commands share. */
#ifndef PEN_CLI_CONNECTOR_INTERNAL_H
#define PEN_CLI_CONNECTOR_INTERNAL_H

#include "cli/cli.h"
#include "conf/load_config.h"
#include "run/run.h"

/* pen_connector_load - reads the configuration file that args name; the environment of a run. */
PEN_MUST_USE enum pen_code pen_connector_load(struct pen_cli *cli, const struct pen_args *args,
                                              struct pen_run_env *ret_env, struct pen_error *err);

/* pen_connector_load_file - the same from a path. */
PEN_MUST_USE enum pen_code pen_connector_load_file(struct pen_cli *cli, const char *path,
                                                   struct pen_run_env *ret_env,
                                                   struct pen_error *err);

/* pen_connector_log - a line of a run to the log of the program; context: struct pen_cli. */
void pen_connector_log(void *context, const char *level, const char *text);

/* pen_cli_doctor - runs the doctor on env->config and prints what it found; sets the exit code. */
PEN_MUST_USE enum pen_code pen_cli_doctor(struct pen_cli *cli, const struct pen_args *args,
                                          const struct pen_run_env *env, struct pen_error *err);

/* The commands with files of their own. */
enum pen_code pen_connector_guess(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err);
enum pen_code pen_connector_issue(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err);

/* pen_issue_hand_over - puts the job into the queue of the running server and, with --wait,
 * watches it to its end. errors: as pen_run_issue. */
PEN_MUST_USE enum pen_code pen_issue_hand_over(struct pen_cli *cli, const struct pen_args *args,
                                               const struct pen_run_env *env,
                                               const struct pen_submit_options *options,
                                               struct pen_error *err);

#endif
