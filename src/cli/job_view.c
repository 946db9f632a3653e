/* job_view.c - what a person sees of a job that runs in this process. */
#include "cli/job_view.h"

#include "cli/words.h"

#include <inttypes.h>
#include <stdio.h>

#define SHOWN_REJECTS 100

/* The job has its number. stdout that went away must not end the job. */
static void on_job(void *context, int64_t job_id)
{
    struct pen_job_view *view = context;
    struct pen_cli *cli = view->cli;
    bool is_resumed = view->result.is_resumed;
    if (is_resumed && !view->is_aside)
        pen_cli_say(cli, "A process that is gone left job %" PRId64 " unfinished; it goes on here.",
                    job_id);
    if (cli->is_json || view->is_aside) /* one object at the end says it all */
        return;
    (void)!pen_cli_print(cli, NULL, "Job %" PRId64 " is %s.", job_id,
                         is_resumed ? "resumed" : "queued");
    (void)!pen_cli_print(cli, NULL, "Use 'penstock %sjob:show %" PRId64 "' to show the status.",
                         pen_cli_home_words(cli), job_id);
    (void)!pen_output_flush(&cli->out, NULL);
}

static void on_progress(void *context, const struct pen_progress *progress, int64_t elapsed_us)
{
    struct pen_job_view *view = context;
    pen_bar_update(&view->bar, progress, elapsed_us);
}

/* The first ones; all of them are counted, and kept in rejects.jsonl. */
static void on_reject(void *context, const struct pen_reject *reject)
{
    struct pen_job_view *view = context;
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF((size_t)1 << 20);
    if (view->rejected++ > SHOWN_REJECTS || pen_reject_print(reject, &line, NULL) != PEN_OK)
        return;
    pen_bar_say(&view->bar, view->rejected > SHOWN_REJECTS
                                ? "further rejected records are not shown here"
                                : line.ptr);
}

static void on_log(void *context, const char *level, const char *text)
{
    struct pen_job_view *view = context;
    enum pen_log_level number = pen_log_level_from_name(level);
    if (!view->is_watched || number > PEN_LOG_INFO || view->cli->is_json) {
        pen_log_write(view->cli->log, number, "run", "%s", text);
        return;
    }
    char line[1024];
    (void)snprintf(line, sizeof line, "  %s", text); /* cut on purpose */
    pen_bar_say(&view->bar, line);
}

static void say_counts(struct pen_job_view *view, const struct pen_run_result *result)
{
    char rows[PEN_WORD_TEXT], objects[PEN_WORD_TEXT], bytes[PEN_WORD_TEXT], snapshot[64] = "";
    const struct pen_job_counts *counts = &result->counts;
    double seconds = (double)result->elapsed_us / (double)PEN_US_PER_SECOND;
    if (result->snapshot_id >= 0)
        (void)snprintf(snapshot, sizeof snapshot, ", snapshot %" PRId64, result->snapshot_id);
    pen_cli_say(view->cli,
                "%s %s loaded from %s %s (%s) in %.1f s (%.1f MB/s), %" PRIu64 " rejected, %" PRIu64
                " filtered out%s",
                pen_word_count(counts->records, rows), counts->records == 1 ? "row" : "rows",
                pen_word_count(counts->objects, objects),
                counts->objects == 1 ? "object" : "objects", pen_word_bytes(counts->bytes, bytes),
                seconds, seconds > 0 ? (double)counts->bytes / seconds / 1e6 : 0.0,
                counts->rejected, counts->filtered, snapshot);
    for (size_t i = 0; i < result->reject_count; i++)
        pen_cli_say(view->cli, "  %s: %" PRIu64, result->reject_counts[i].code,
                    result->reject_counts[i].records);
    if (counts->rejected > 0)
        pen_cli_say(view->cli, "Use 'penstock %sjob:rejects %" PRId64 "' to see them.",
                    pen_cli_home_words(view->cli), result->job_id);
}

static void say_result(struct pen_job_view *view)
{
    const struct pen_cli *cli = view->cli;
    const struct pen_run_result *result = &view->result;
    if (result->is_database_created)
        pen_cli_say(cli, "Database '%s' is created.", view->database);
    if (result->is_table_created)
        pen_cli_say(cli, "Table '%s.%s' is created.", view->database, view->table);
    if (result->is_emptied)
        pen_cli_say(cli, "%s: mode replace emptied table '%s.%s'.",
                    result->counts.objects == 0 ? "No file matched" : "No record was loaded",
                    view->database, view->table);
    else if (result->job_id != 0 && result->status == PEN_JOB_SUCCESS &&
             result->counts.objects == 0)
        pen_cli_say(cli,
                    "No object to load: none fits path_prefix, path_match_pattern and last_path, "
                    "or all are loaded already.");
    if (result->job_id != 0)
        say_counts(view, result);
}

static enum pen_code print_result(struct pen_cli *cli, const struct pen_run_result *result,
                                  struct pen_error *err)
{
    struct pen_arena *arena = &cli->arena;
    const struct pen_job_counts *counts = &result->counts;
    const struct pen_member members[] = {
        {"job_id", pen_cell_number(arena, result->job_id)},
        {"status", pen_cell_text(pen_job_status_name(result->status))},
        {"records", pen_cell_number(arena, (int64_t)counts->records)},
        {"rejected", pen_cell_number(arena, (int64_t)counts->rejected)},
        {"filtered", pen_cell_number(arena, (int64_t)counts->filtered)},
        {"objects", pen_cell_number(arena, (int64_t)counts->objects)},
        {"bytes", pen_cell_number(arena, (int64_t)counts->bytes)},
        {"replaced", pen_cell_number(arena, (int64_t)counts->replaced)},
        {"parts", pen_cell_number(arena, (int64_t)result->parts)},
        {"snapshot_id", result->snapshot_id < 0 ? pen_cell_text(NULL)
                                                : pen_cell_number(arena, result->snapshot_id)},
        {"elapsed_ms", pen_cell_number(arena, result->elapsed_us / 1000)},
    };
    return pen_render_object(&cli->out, members, sizeof members / sizeof members[0], err);
}

void pen_job_view_begin(struct pen_job_view *view)
{
    view->result = (struct pen_run_result){.snapshot_id = -1};
    view->rejected = 0;
    pen_bar_init(&view->bar, view->cli);
}

void pen_job_view_attach(struct pen_job_view *view, struct pen_run_env *env,
                         struct pen_execute_options *options)
{
    env->log = on_log;
    env->log_context = view;
    options->on_job = on_job;
    options->on_progress = on_progress;
    options->on_reject = on_reject;
    options->context = view;
}

void pen_job_view_release(struct pen_job_view *view)
{
    pen_bar_finish(&view->bar);
}

void pen_job_view_end(struct pen_job_view *view)
{
    struct pen_cli *cli = view->cli;
    const struct pen_run_result *result = &view->result;
    pen_bar_finish(&view->bar);
    pen_bar_init(&view->bar, cli);
    pen_cli_warn(cli);
    if (result->status != PEN_JOB_QUEUED) /* else it is still to be run, by somebody else */
        say_result(view);
    if (result->job_id == 0 || view->is_aside)
        return;
    /* what can go wrong here is only stdout: the job's own fate is what counts */
    if (cli->is_json)
        (void)!print_result(cli, result, NULL);
    else if (view->is_watched)
        (void)!pen_cli_print(cli, NULL, "Status     : %s", pen_job_status_name(result->status));
}
