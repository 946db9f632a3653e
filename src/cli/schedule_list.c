/* connector:list, connector:history: tables of schedules and of their jobs (spec/cli.md 3). */
#include "cli/schedule_internal.h"
#include "cli/words.h"

#include <inttypes.h>
#include <stdio.h>

/* --- connector:list --------------------------------------------------------------------------- */

/* The guide's table shows so much of a configuration. */
#define CONFIG_SHOWN 40

/* The configuration as Ruby shows a hash, from the head of its JSON; at most CONFIG_SHOWN
 * characters, with "..." when it goes on. */
static enum pen_code add_config_head(struct pen_slice json, struct pen_buf *into,
                                     struct pen_error *err)
{
    bool is_text = false;
    size_t chars = 0, at = 0, cut = 0; /* cut: where three dots would begin */
    for (; at < json.len && chars <= CONFIG_SHOWN; at++) {
        const char *p = json.ptr + at;
        const char *shown = NULL;
        if (*p == '"' && (!is_text || p[-1] != '\\'))
            is_text = !is_text;
        else if (!is_text && *p == ':')
            shown = "=>";
        else if (!is_text && *p == ',')
            shown = ", ";
        else if (!is_text && pen_slice_starts(pen_slice_skip(json, at), PEN_LIT("null")))
            shown = "nil";
        bool is_first_byte = ((unsigned char)*p & 0xC0) != 0x80;
        if (is_first_byte && chars <= CONFIG_SHOWN - 3)
            cut = into->len;
        chars += shown != NULL ? strlen(shown) : is_first_byte;
        PEN_TRY(
            pen_buf_add(into, shown != NULL ? shown : p, shown != NULL ? strlen(shown) : 1, err));
        at += shown != NULL && shown[0] == 'n' ? 3 : 0;
    }
    if (at == json.len && chars <= CONFIG_SHOWN)
        return PEN_OK;
    into->len = cut;
    return pen_buf_add_str(into, "...", err);
}

static enum pen_code add_schedule(struct pen_cli *cli, struct pen_render *render,
                                  const struct pen_schedule *schedule, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf head = PEN_BUF((size_t)1 << 16);
    bool is_table = render->options.format == PEN_FORMAT_TABLE;
    if (is_table)
        PEN_TRY(add_config_head(pen_slice_str(schedule->config), &head, err));
    const struct pen_cell cells[] = {
        pen_cell_text(schedule->name),
        pen_cell_text(schedule->cron),
        pen_cell_text(schedule->zone),
        pen_cell_number(&cli->arena, schedule->delay_s),
        pen_cell_text(schedule->database),
        pen_cell_text(schedule->table),
        is_table ? pen_cell_text(head.ptr) : pen_cell_json(schedule->config),
    };
    return pen_render_row(render, cells, err);
}

enum pen_code pen_schedule_list_run(struct pen_cli *cli, const struct pen_args *args,
                                    struct pen_error *err)
{
    enum { PAGE = 1000 };
    static const char *const names[] = {"Name",     "Cron",  "Timezone", "Delay",
                                        "Database", "Table", "Config"};
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = 0};
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 7, err));
    struct pen_schedule_filter filter = {
        .max = PAGE,
        .config_chars = options.format == PEN_FORMAT_TABLE ? PEN_SCHEDULE_HEAD_CHARS : INT32_MAX};
    size_t count = PAGE;
    for (; count == PAGE; filter.skip += PAGE) {
        PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
        struct pen_schedule *list = NULL;
        PEN_TRY(pen_schedule_list(pen_sched_db(sched), &filter, &arena, &list, &count, err));
        for (size_t i = 0; i < count; i++)
            PEN_TRY(add_schedule(cli, &render, &list[i], err));
    }
    return pen_render_end(&render, err);
}

/* --- connector:history ------------------------------------------------------------------------ */

static enum pen_code add_job(struct pen_render *render, const struct pen_job *job, int64_t now_us,
                             struct pen_arena *arena, struct pen_error *err)
{
    char start[PEN_WORD_TEXT];
    struct pen_cell nothing = pen_cell_text(NULL), duration = nothing;
    if (job->started_us != 0)
        duration = pen_cell_number(
            arena, ((job->ended_us != 0 ? job->ended_us : now_us) - job->started_us) / 1000000);
    const struct pen_cell cells[] = {
        pen_cell_number(arena, job->job_id),
        pen_cell_text(pen_job_status_name(job->status)),
        pen_job_status_is_finished(job->status)
            ? pen_cell_number(arena, (int64_t)job->counts.records)
            : nothing,
        pen_cell_text(job->database),
        pen_cell_text(job->table),
        pen_cell_number(arena, job->priority),
        job->started_us != 0 ? pen_cell_text(pen_word_time(job->started_us, start)) : nothing,
        duration,
    };
    return pen_render_row(render, cells, err);
}

static enum pen_code add_jobs(struct pen_db *db, struct pen_job_filter *filter, int64_t max,
                              struct pen_render *render, struct pen_error *err)
{
    enum { PAGE = 1000 };
    size_t count = PAGE;
    for (int64_t left = max; left > 0 && count == PAGE; left -= PAGE) {
        PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
        struct pen_job *jobs = NULL;
        filter->max = PAGE;
        PEN_TRY(pen_job_list(db, filter, &arena, &jobs, &count, err));
        for (size_t i = 0; i < count && (int64_t)i < left; i++)
            PEN_TRY(add_job(render, &jobs[i], filter->now_us, &arena, err));
        if (count > 0)
            filter->before_id = jobs[count - 1].job_id;
    }
    return PEN_OK;
}

enum pen_code pen_schedule_history_run(struct pen_cli *cli, const struct pen_args *args,
                                       struct pen_error *err)
{
    static const char *const names[] = {"JobID", "Status",   "Records", "Database",
                                        "Table", "Priority", "Started", "Duration"};
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = NULL;
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.terminal_width = 0};
    struct pen_schedule schedule = {0};
    int64_t max = 0;
    cli->is_usage_error = true;
    PEN_TRY(pen_args_int(args, "max", 1, INT64_MAX, INT64_MAX, &max, err));
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    cli->is_usage_error = false;
    PEN_TRY(pen_schedule_open(cli, &sched, err));
    struct pen_db *db = pen_sched_db(sched);
    PEN_TRY(pen_schedule_get(db, args->words[0], &cli->arena, &schedule, err));
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 8, err));
    struct pen_job_filter filter = {
        .schedule = schedule.name, .after_id = schedule.first_job_id, .now_us = pen_now_us()};
    PEN_TRY(add_jobs(db, &filter, max, &render, err));
    return pen_render_end(&render, err);
}
