/* job:list, :show, :status, :kill, :resume, :replay, :rejects, :objects (spec/cli.md 3). */
#include "cli/job_internal.h"
#include "cli/lake_scope.h"
#include "cli/words.h"
#include "meta/job.h"
#include "run/run.h"

#include <inttypes.h>
#include <stdio.h>

#define QUERY_SHOWN 50

enum pen_code pen_job_word(struct pen_cli *cli, const struct pen_args *args, int64_t *ret_job_id,
                           struct pen_error *err)
{
    enum pen_code code =
        pen_parse_int_word(args->words[0], "job id", 1, INT64_MAX, ret_job_id, err);
    cli->is_usage_error = code != PEN_OK;
    return code;
}

static const char *kept(struct pen_cli *cli, const char *text)
{
    return pen_arena_copy(&cli->arena, pen_slice_str(text));
}

static int64_t elapsed_of(const struct pen_job *job, int64_t now_us)
{
    if (job->started_us == 0)
        return 0;
    return (job->ended_us != 0 ? job->ended_us : now_us) - job->started_us;
}

static const char *priority_name(int priority)
{
    static const char *const names[] = {"VERY LOW", "LOW", "NORMAL", "HIGH", "VERY HIGH"};
    return priority < -2 || priority > 2 ? "NORMAL" : names[priority + 2];
}

/* Right-justified, as the original's table has it. */
static const char *elapsed_word(struct pen_cli *cli, const struct pen_job *job, int64_t now_us,
                                bool is_padded)
{
    char word[PEN_WORD_TEXT] = "", text[PEN_WORD_TEXT];
    if (job->started_us != 0)
        (void)pen_word_elapsed(elapsed_of(job, now_us), word);
    (void)snprintf(text, sizeof text, is_padded ? "%11s" : "%s", word);
    return kept(cli, text);
}

/* The configuration on one line; in a table only its beginning. */
static const char *query_word(struct pen_cli *cli, const struct pen_job *job, bool is_cut)
{
    struct pen_slice text = pen_slice_str(job->config != NULL ? job->config : "");
    if (!is_cut || text.len <= QUERY_SHOWN)
        return pen_arena_copy(&cli->arena, text);
    char cut[QUERY_SHOWN + 8];
    size_t len = QUERY_SHOWN;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
        len--; /* not in the middle of a character */
    (void)snprintf(cut, sizeof cut, "%.*s ...", (int)len, text.ptr);
    return kept(cli, cut);
}

static enum pen_code add_job(struct pen_cli *cli, struct pen_render *render,
                             const struct pen_job *job, int64_t now_us, struct pen_error *err)
{
    bool is_table = render->options.format == PEN_FORMAT_TABLE;
    char id[24], start[PEN_WORD_TEXT], duration[PEN_WORD_TEXT] = "";
    (void)snprintf(id, sizeof id, "%" PRId64, job->job_id);
    if (job->started_us != 0)
        (void)pen_word_duration(elapsed_of(job, now_us), duration);
    const struct pen_cell cells[] = {
        pen_cell_text(kept(cli, id)),
        pen_cell_text(pen_job_status_name(job->status)),
        pen_cell_text(kept(cli, pen_word_time(job->started_us, start))),
        pen_cell_text(elapsed_word(cli, job, now_us, is_table)),
        pen_cell_text(is_table ? "                 " : ""),
        pen_cell_text(NULL),
        pen_cell_text(priority_name(job->priority)),
        pen_cell_text(NULL),
        pen_cell_text(job->type),
        pen_cell_text(job->database),
        pen_cell_text(query_word(cli, job, is_table)),
        pen_cell_text(kept(cli, duration)),
    };
    return pen_render_row(render, cells, err);
}

static enum pen_code read_filter(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_job_filter *ret_filter, struct pen_error *err)
{
    int64_t max = 20, page = 0, skip = 0, slow_s = 0;
    struct pen_job_filter filter = {.now_us = pen_now_us()};
    cli->is_usage_error = true;
    if (args->word_count > 0)
        PEN_TRY(pen_parse_int_word(args->words[0], "max", 0, 1000000, &max, err));
    PEN_TRY(pen_args_int(args, "page", 0, 1000000, 0, &page, err));
    PEN_TRY(pen_args_int(args, "skip", 0, INT32_MAX, 0, &skip, err));
    PEN_TRY(pen_args_int(args, "slow", 0, INT32_MAX, 3600, &slow_s, err));
    cli->is_usage_error = false;
    filter.max = (size_t)max;
    filter.skip = (size_t)(skip + max * page);
    if (pen_args_has(args, "slow"))
        filter.slower_than_us = slow_s * PEN_US_PER_SECOND;
    static const struct {
        const char *flag;
        enum pen_job_status status;
    } states[] = {
        {"running", PEN_JOB_RUNNING}, {"success", PEN_JOB_SUCCESS}, {"error", PEN_JOB_ERROR}};
    for (size_t i = 0; i < 3; i++) {
        if (!pen_args_has(args, states[i].flag))
            continue;
        filter.has_status = true;
        filter.status = states[i].status;
    }
    *ret_filter = filter;
    return PEN_OK;
}

static enum pen_code run_list(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    static const char *const names[] = {"JobID",   "Status",     "Start",    "Elapsed",
                                        "CPUTime", "ResultSize", "Priority", "Result",
                                        "Type",    "Database",   "Query",    "Duration"};
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = 0};
    struct pen_job_filter filter;
    struct pen_job *jobs = NULL;
    size_t count = 0;
    PEN_TRY(read_filter(cli, args, &filter, err));
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_job_list(pen_lake_db(lake), &filter, &cli->arena, &jobs, &count, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 12, err));
    for (size_t i = 0; i < count; i++)
        PEN_TRY(add_job(cli, &render, &jobs[i], filter.now_us, err));
    return pen_render_end(&render, err);
}

static enum pen_code get_job(struct pen_cli *cli, const struct pen_args *args,
                             struct pen_lake **ret_lake, struct pen_job *ret_job,
                             struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_TRY(pen_job_word(cli, args, &job_id, err));
    PEN_TRY(pen_cli_open_lake(cli, ret_lake, err));
    return pen_job_get(pen_lake_db(*ret_lake), job_id, &cli->arena, ret_job, err);
}

static enum pen_code run_status(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_job job = {0};
    PEN_TRY(get_job(cli, args, &lake, &job, err));
    return pen_cli_print(cli, err, "%s", pen_job_status_name(job.status));
}

static enum pen_code run_kill(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    int64_t job_id = 0;
    enum pen_job_status former = PEN_JOB_QUEUED;
    PEN_TRY(pen_job_word(cli, args, &job_id, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_job_kill(pen_lake_db(lake), job_id, pen_now_us(), &former, err));
    if (pen_job_status_is_finished(former))
        pen_cli_say(cli, "Job %" PRId64 " is already finished (%s)", job_id,
                    pen_job_status_name(former));
    else if (former == PEN_JOB_RUNNING)
        pen_cli_say(cli, "Job %" PRId64 " is killed.", job_id);
    else
        pen_cli_say(cli, "Job %" PRId64 " is canceled.", job_id);
    return PEN_OK;
}

static enum pen_code run_objects(struct pen_cli *cli, const struct pen_args *args,
                                 struct pen_error *err)
{
    static const char *const names[] = {"Bucket", "Key",      "ETag",    "Size",
                                        "Rows",   "Rejected", "Filtered"};
    enum { PAGE = 1000 };
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    struct pen_job job = {0};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(get_job(cli, args, &lake, &job, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 7, err));
    size_t count = PAGE;
    for (size_t skip = 0; count == PAGE; skip += PAGE) {
        struct pen_job_page page = {lake, job.job_id, skip, PAGE};
        PEN_TRY(pen_job_objects_page(&page, &render, &count, err));
    }
    return pen_render_end(&render, err);
}

static const struct pen_flag list_flags[] = {
    {"page", 'p', "PAGE", false, "skip N pages of max jobs"},
    {"skip", 's', "N", false, "skip N jobs"},
    {"running", 'R', NULL, false, "show only running jobs"},
    {"success", 'S', NULL, false, "show only succeeded jobs"},
    {"error", 'E', NULL, false, "show only failed jobs"},
    {"slow", 0, "SECONDS", true, "show only jobs that ran longer (default 3600)"},
    PEN_FLAG_FORMAT,
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag show_flags[] = {
    {"verbose", 'v', NULL, false, "show the logs"},
    {"wait", 'w', NULL, false, "wait until the job is finished"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag resume_flags[] = {
    {"wait", 'w', NULL, false, "show the job's log; exit 1 when it fails"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag replay_flags[] = {
    {"wait", 'w', NULL, false, "show the job's log; exit 1 when it fails"},
    {"force", 0, NULL, false, "although they were loaded again before: makes duplicates"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag rejects_flags[] = {
    {"format", 'f', "FORMAT", false, "table, csv, tsv, json or jsonl (default jsonl)"},
    {NULL, 0, NULL, false, NULL},
};
static const struct pen_flag format_flags[] = {PEN_FLAG_FORMAT, {NULL, 0, NULL, false, NULL}};
static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};
static const char *const list_aliases[] = {"jobs", NULL};
static const char *const show_aliases[] = {"job", NULL};
static const char *const kill_aliases[] = {"kill", NULL};
static const char *const list_examples[] = {"jobs", "job:list 100 -E -f json", NULL};
static const char *const show_examples[] = {"job:show 17", "job 17 -v", NULL};
static const char *const status_examples[] = {"job:status 17", NULL};
static const char *const kill_examples[] = {"job:kill 17", NULL};
static const char *const resume_examples[] = {"job:resume 17", NULL};
static const char *const replay_examples[] = {"job:replay 17 corrected.yml", NULL};
static const char *const rejects_examples[] = {"job:rejects 17", "job:rejects 17 -f csv", NULL};
static const char *const objects_examples[] = {"job:objects 17 -f jsonl", NULL};

const struct pen_command pen_commands_job[] = {
    {.name = "job:list",
     .aliases = list_aliases,
     .arguments = "[max]",
     .max_words = 1,
     .description = "Show the list of jobs, newest first",
     .examples = list_examples,
     .flags = list_flags,
     .run = run_list},
    {.name = "job:show",
     .aliases = show_aliases,
     .arguments = "<job_id>",
     .min_words = 1,
     .max_words = 1,
     .description = "Show status, figures, configuration and logs of a job",
     .examples = show_examples,
     .flags = show_flags,
     .run = pen_job_show},
    {.name = "job:status",
     .arguments = "<job_id>",
     .min_words = 1,
     .max_words = 1,
     .description = "Print the status of a job: one word",
     .examples = status_examples,
     .flags = no_flags,
     .run = run_status},
    {.name = "job:kill",
     .aliases = kill_aliases,
     .arguments = "<job_id>",
     .min_words = 1,
     .max_words = 1,
     .description = "Stop a job; its table stays as it was",
     .examples = kill_examples,
     .flags = no_flags,
     .run = run_kill},
    {.name = "job:resume",
     .arguments = "<job_id>",
     .min_words = 1,
     .max_words = 1,
     .description =
         "Run a job that waits: one whose process is gone goes on where it was\n"
         "Finished tasks are kept, the others are done again; the list of objects is the\n"
         "one that the job began with.",
     .examples = resume_examples,
     .flags = resume_flags,
     .run = pen_job_resume},
    {.name = "job:replay",
     .arguments = "<job_id> <config>",
     .min_words = 2,
     .max_words = 2,
     .description = "Load the records that a job rejected again, with a corrected configuration\n"
                    "Takes parser, filters and out of the configuration; the records come from\n"
                    "the job's rejects file and go into its table, once.",
     .examples = replay_examples,
     .flags = replay_flags,
     .run = pen_job_replay},
    {.name = "job:rejects",
     .arguments = "<job_id>",
     .min_words = 1,
     .max_words = 1,
     .description = "Print the records that a job rejected, with place and reason",
     .examples = rejects_examples,
     .flags = rejects_flags,
     .run = pen_job_rejects},
    {.name = "job:objects",
     .arguments = "<job_id>",
     .min_words = 1,
     .max_words = 1,
     .description = "Print the objects that a job loaded",
     .examples = objects_examples,
     .flags = format_flags,
     .run = run_objects},
    {.name = NULL},
};
