/* schedule_internal.h - what the files of the schedule commands share. */
#ifndef PEN_CLI_SCHEDULE_INTERNAL_H
#define PEN_CLI_SCHEDULE_INTERNAL_H

#include "cli/cli.h"
#include "sched/sched.h"

/* pen_schedule_open - home and everything that schedules need. */
PEN_MUST_USE enum pen_code pen_schedule_open(struct pen_cli *cli, struct pen_sched **ret_sched,
                                             struct pen_error *err);

/* The commands with files of their own (schedule_list.c, schedule_run.c). */
enum pen_code pen_schedule_list_run(struct pen_cli *cli, const struct pen_args *args,
                                    struct pen_error *err);
enum pen_code pen_schedule_history_run(struct pen_cli *cli, const struct pen_args *args,
                                       struct pen_error *err);
enum pen_code pen_schedule_run_run(struct pen_cli *cli, const struct pen_args *args,
                                   struct pen_error *err);

#endif
