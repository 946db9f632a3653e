/* bench_schedules.c - lists, next-due and history over 10,000 schedules and 1,000,000 jobs.
 *     bench_schedules [SCHEDULES [JOBS]]
 * One schedule has half of all jobs. Each figure is the median processor time of
 * some runs on a warm cache. */
#include "base/arena.h"
#include "base/civil.h"
#include "sched/sched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RUNS 21

static struct pen_sched *sched;
static struct pen_db *db;
static struct pen_error failed;
static struct pen_arena arena = {.max_bytes = (size_t)4 << 30};
static int64_t far_us = INT64_C(2000000000000000);

static void must(enum pen_code code)
{
    if (code == PEN_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", failed.where, failed.message);
    exit(1);
}

/* Some 600 bytes, as a real configuration has. */
#define CONFIG                                                                                     \
    "'{\"in\":{\"type\":\"s3\",\"access_key_id\":\"AKIAXXXXXXXXXXXXXXXX\",\"secret_access_key\":"  \
    "\"***\",\"bucket\":\"sample_bucket\",\"path_prefix\":\"path/to/sample_file\",\"parser\":{"    \
    "\"charset\":\"UTF-8\",\"newline\":\"CRLF\",\"type\":\"csv\",\"delimiter\":\",\",\"quote\":"   \
    "\"\\\"\",\"skip_header_lines\":1,\"columns\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":" \
    "\"company\",\"type\":\"string\"},{\"name\":\"customer\",\"type\":\"string\"},{\"name\":"      \
    "\"created_at\",\"type\":\"timestamp\",\"format\":\"%Y-%m-%d\"}]}},\"out\":{\"mode\":"         \
    "\"append\"},\"exec\":{},\"filters\":[]}'"

static void fill(int64_t schedules, int64_t jobs)
{
    must(pen_db_begin(db, &failed));
    must(pen_db_run(
        db, NULL, &failed,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
        "INSERT INTO schedule SELECT i, 'schedule ' || i, '10 0 * * *', 'UTC', 0, '', 'sample_db', "
        "'events', NULL, $2 + i * 1000000, $2 + i * 1000000, 0, 1, 1, substr(" CONFIG ", 1, 100) "
        "FROM n",
        "ii", schedules, far_us));
    must(pen_db_run(db, NULL, &failed,
                    "INSERT INTO schedule_config SELECT schedule_id, " CONFIG
                    ", zeroblob(640), '' FROM schedule",
                    ""));
    must(pen_db_run(
        db, NULL, &failed,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
        "INSERT INTO job (job_id, type, database_name, table_name, time_column, config, "
        "sealed_config, options, schedule, scheduled_us, domain_key, status, is_kill_requested, "
        "priority, attempt, retry_limit, created_us, started_us, ended_us, records, rejected, "
        "filtered, bytes, objects, snapshot_id, error, result, owner, lease_until_us) "
        "SELECT i, 'bulkload', 'sample_db', 'events', NULL, " CONFIG ", NULL, '', "
        "'schedule ' || (CASE WHEN i % 2 = 0 THEN 1 ELSE i / 2 % $2 + 1 END), i, NULL, "
        "'success', 0, 0, 1, 0, i, i, i + 1000000, 10000, 0, 0, 1, 1, i, '', '', '', 0 FROM n",
        "ii", jobs, schedules));
    must(pen_db_commit(db, &failed));
}

/* --- what is timed ---------------------------------------------------------------------------- */

static void list_all(void)
{
    struct pen_schedule_filter filter = {.max = 100000, .config_chars = PEN_SCHEDULE_HEAD_CHARS};
    struct pen_schedule *list = NULL;
    size_t count = 0;
    must(pen_schedule_list(db, &filter, &arena, &list, &count, &failed));
}

static void list_heads(void)
{
    struct pen_schedule_filter filter = {.max = 100000};
    struct pen_schedule *list = NULL;
    size_t count = 0;
    must(pen_schedule_list(db, &filter, &arena, &list, &count, &failed));
}

static void list_page(void)
{
    struct pen_schedule_filter filter = {.max = 100, .skip = 5000, .config_chars = INT32_MAX};
    struct pen_schedule *list = NULL;
    size_t count = 0;
    must(pen_schedule_list(db, &filter, &arena, &list, &count, &failed));
}

static void get_one(void)
{
    struct pen_schedule schedule;
    must(pen_schedule_get(db, "schedule 777", &arena, &schedule, &failed));
}

static void next_due(void)
{
    int64_t due_us = 0;
    must(pen_schedule_next_due(db, far_us, &due_us, &failed));
}

static void idle_tick(void)
{
    struct pen_tick tick = {.now_us = far_us};
    int64_t next_us = 0;
    must(pen_scheduler_tick(sched, &tick, &next_us, &failed));
}

static void all_due(void)
{
    struct pen_schedule *list = NULL;
    size_t count = 0;
    must(pen_schedule_due(db, far_us * 2, 64, &arena, &list, &count, &failed));
}

static void is_busy(void)
{
    int64_t job_id = 0;
    must(pen_schedule_unfinished(db, "schedule 1", NULL, &job_id, &failed));
}

static void history_of(const char *name)
{
    struct pen_job_filter filter = {.max = 100, .schedule = name};
    struct pen_job *jobs = NULL;
    size_t count = 0;
    must(pen_job_list(db, &filter, &arena, &jobs, &count, &failed));
}

static void history_long(void)
{
    history_of("schedule 1");
}

static void history_short(void)
{
    history_of("schedule 9000");
}

static void claim(void)
{
    int64_t job_id = 0;
    must(pen_job_claim(db, "bench", far_us, &job_id, &failed));
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Processor time: the figure does not depend on who else is at work. */
static int64_t cpu_us(void)
{
    struct timespec spent;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent); /* cannot fail on Linux */
    return spent.tv_sec * PEN_US_PER_SECOND + spent.tv_nsec / 1000;
}

static void report(const char *what, void (*run)(void))
{
    int64_t times[RUNS];
    for (int i = 0; i < RUNS; i++) {
        int64_t start = cpu_us();
        run();
        times[i] = cpu_us() - start;
        pen_arena_clear(&arena);
    }
    qsort(times, RUNS, sizeof times[0], by_value);
    (void)printf("%-48s %9.3f ms\n", what, (double)times[RUNS / 2] / 1000);
}

int main(int argc, char **argv)
{
    int64_t schedules = argc > 1 ? strtoll(argv[1], NULL, 10) : 10000;
    int64_t jobs = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;
    char home[] = "/tmp/bench-schedules-XXXXXX", path[64];
    static const char *const files[] = {"catalog.sqlite", "catalog.sqlite-wal",
                                        "catalog.sqlite-shm", "secret.key"};
    if (mkdtemp(home) == NULL)
        return 1;
    must(pen_sched_open(home, &sched, &failed));
    db = pen_sched_db(sched);
    fill(schedules, jobs);
    (void)printf("%" PRId64 " schedules, %" PRId64 " jobs\n", schedules, jobs);
    report("list of all schedules", list_heads);
    report("the same with heads of configurations", list_all);
    report("100 schedules from the middle, whole", list_page);
    report("one schedule by name", get_one);
    report("when the next one is due", next_due);
    report("tick with nothing due", idle_tick);
    report("the first 64 of all when all are due", all_due);
    report("whether the schedule with most jobs is busy", is_busy);
    report("history, newest 100, of the one with most jobs", history_long);
    report("history, all 50, of another", history_short);
    report("claim from an empty queue", claim);
    pen_sched_close(sched);
    pen_arena_release(&arena);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", home, files[i]);
        (void)unlink(path); /* some may not be there */
    }
    return rmdir(home);
}
