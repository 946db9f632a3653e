/* sched_probe.c - the scheduler with the time it is told, for tests/integration/test_schedules.py.
 *     sched_probe HOME tick SECONDS [none|latest|all]   queues what is due; prints when to come
 * again sched_probe HOME work                             runs the queue until it is empty */
#include "run/run.h"
#include "sched/sched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const struct pen_error *failed)
{
    (void)fprintf(stderr, "%s: %s\n", failed->where, failed->message);
    return 1;
}

static void print_log(void *context, const char *level, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s: %s\n", level, text);
}

static int tick(const char *home, int64_t seconds, const char *missed)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    struct pen_error failed = {0};
    struct pen_tick how = {
        .now_us = seconds * 1000000, .missed_runs = PEN_MISSED_LATEST, .log = print_log};
    for (int i = 0; pen_missed_runs_names[i] != NULL; i++)
        if (strcmp(missed, pen_missed_runs_names[i]) == 0)
            how.missed_runs = (enum pen_missed_runs)i;
    int64_t next_us = 0;
    if (pen_sched_open(home, &sched, &failed) != PEN_OK ||
        pen_scheduler_tick(sched, &how, &next_us, &failed) != PEN_OK)
        return fail(&failed);
    (void)printf("%" PRId64 "\n", next_us == INT64_MAX ? 0 : next_us / 1000000);
    return 0;
}

static int work(const char *home)
{
    for (;;) {
        struct pen_run_env env = {.home = home, .log = print_log};
        struct pen_execute_options options = {.job_id = 0};
        struct pen_run_result result = {.job_id = 0};
        struct pen_error failed = {0};
        if (pen_run_execute(&env, &options, &result, &failed) != PEN_OK && result.job_id == 0)
            return fail(&failed);
        if (result.job_id == 0)
            return 0;
        (void)printf("%" PRId64 " %s %" PRIu64 "\n", result.job_id,
                     pen_job_status_name(result.status), result.counts.records);
    }
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[2], "tick") == 0)
        return tick(argv[1], strtoll(argv[3], NULL, 10), argc > 4 ? argv[4] : "latest");
    if (argc == 3 && strcmp(argv[2], "work") == 0)
        return work(argv[1]);
    (void)fprintf(stderr, "usage: sched_probe HOME tick SECONDS [none|latest|all] | work\n");
    return 2;
}
