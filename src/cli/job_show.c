/* job:show with its logs, job:rejects, a page of job:objects. */
#include "base/json.h"
#include "cli/job_follow.h"
#include "cli/job_internal.h"
#include "cli/lake_scope.h"
#include "cli/words.h"
#include "meta/job.h"
#include "meta/ledger.h"
#include "run/query_run.h"
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum pen_code print_config(struct pen_cli *cli, const struct pen_job *job,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *config = NULL;
    if (pen_query_is_query(job->type))
        return pen_cli_print(cli, err, "Query       : %s", job->config);
    PEN_TRY(pen_cli_print(cli, err, "Config      :"));
    PEN_TRY(pen_tree_parse(pen_slice_str(job->config), "job", &cli->arena, &config, err));
    PEN_TRY(pen_tree_write_block_yaml(config, &text, err));
    return pen_output_add(&cli->out, pen_buf_slice(&text), err);
}

static enum pen_code print_job(struct pen_cli *cli, const struct pen_job *job,
                               struct pen_error *err)
{
    char time[PEN_WORD_TEXT], bytes[PEN_WORD_TEXT];
    const struct pen_job_counts *counts = &job->counts;
    PEN_TRY(pen_cli_print(cli, err, "JobID       : %" PRId64, job->job_id));
    PEN_TRY(pen_cli_print(cli, err, "Status      : %s", pen_job_status_name(job->status)));
    PEN_TRY(pen_cli_print(cli, err, "Type        : %s", job->type));
    PEN_TRY(pen_cli_print(cli, err, "Database    : %s", job->database));
    PEN_TRY(pen_cli_print(cli, err, "Start At    : %s", pen_word_time(job->started_us, time)));
    PEN_TRY(pen_cli_print(cli, err, "End At      : %s", pen_word_time(job->ended_us, time)));
    PEN_TRY(pen_cli_print(cli, err, "Table       : %s", job->table));
    PEN_TRY(pen_cli_print(cli, err, "Records     : %" PRIu64, counts->records));
    PEN_TRY(pen_cli_print(cli, err, "Rejected    : %" PRIu64, counts->rejected));
    PEN_TRY(pen_cli_print(cli, err, "Filtered    : %" PRIu64, counts->filtered));
    PEN_TRY(pen_cli_print(cli, err, "Objects     : %" PRIu64 " (%s)", counts->objects,
                          pen_word_bytes(counts->bytes, bytes)));
    if (counts->replaced > 0)
        PEN_TRY(pen_cli_print(cli, err, "Malformed   : %" PRIu64 " characters became U+FFFD",
                              counts->replaced));
    if (job->snapshot_id >= 0)
        PEN_TRY(pen_cli_print(cli, err, "Snapshot    : %" PRId64, job->snapshot_id));
    if (job->error != NULL && job->error[0] != '\0')
        PEN_TRY(pen_cli_print(cli, err, "Error       : %s", job->error));
    return print_config(cli, job, err);
}

static struct pen_cell instant_cell(struct pen_cli *cli, int64_t utc_us)
{
    char text[PEN_WORD_TEXT];
    const char *instant = pen_word_instant(utc_us, text);
    return pen_cell_text(instant == NULL ? NULL
                                         : pen_arena_copy(&cli->arena, pen_slice_str(instant)));
}

static enum pen_code print_job_object(struct pen_cli *cli, const struct pen_job *job,
                                      struct pen_error *err)
{
    struct pen_arena *arena = &cli->arena;
    const struct pen_job_counts *counts = &job->counts;
    const struct pen_member members[] = {
        {"job_id", pen_cell_number(arena, job->job_id)},
        {"status", pen_cell_text(pen_job_status_name(job->status))},
        {"type", pen_cell_text(job->type)},
        {"database", pen_cell_text(job->database)},
        {"table", pen_cell_text(job->table)},
        {"created_at", instant_cell(cli, job->created_us)},
        {"start_at", instant_cell(cli, job->started_us)},
        {"end_at", instant_cell(cli, job->ended_us)},
        {"records", pen_cell_number(arena, (int64_t)counts->records)},
        {"rejected", pen_cell_number(arena, (int64_t)counts->rejected)},
        {"filtered", pen_cell_number(arena, (int64_t)counts->filtered)},
        {"objects", pen_cell_number(arena, (int64_t)counts->objects)},
        {"bytes", pen_cell_number(arena, (int64_t)counts->bytes)},
        {"replaced", pen_cell_number(arena, (int64_t)counts->replaced)},
        {"attempt", pen_cell_number(arena, job->attempt)},
        {"snapshot_id",
         job->snapshot_id < 0 ? pen_cell_text(NULL) : pen_cell_number(arena, job->snapshot_id)},
        {"error", pen_cell_text(job->error != NULL && job->error[0] != '\0' ? job->error : NULL)},
        {"config",
         pen_query_is_query(job->type) ? pen_cell_text(job->config) : pen_cell_json(job->config)},
    };
    return pen_render_object(&cli->out, members, sizeof members / sizeof members[0], err);
}

static enum pen_code read_job_file(struct pen_cli *cli, int64_t job_id, const char *name,
                                   struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_TRY(pen_job_folder(cli->home, job_id, &path, err));
    PEN_TRY(pen_buf_addf(&path, err, "/%s", name));
    return pen_buf_read_file(into, path.ptr, err);
}

/* A log, each line indented by two spaces. One that is missing has no lines. */
static enum pen_code print_log(struct pen_cli *cli, int64_t job_id, const char *name,
                               const char *title, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF((size_t)256 << 20);
    struct pen_error local = {0};
    enum pen_code code = read_job_file(cli, job_id, name, &text, &local);
    if (code != PEN_OK && code != PEN_ERR_NOT_FOUND) {
        if (err != NULL)
            *err = local;
        return code;
    }
    PEN_TRY(pen_cli_print(cli, err, "\n%s:", title));
    struct pen_slice rest = pen_buf_slice(&text);
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
        PEN_TRY(pen_output_add(&cli->out, PEN_LIT("  "), err));
        PEN_TRY(pen_output_add(&cli->out, pen_slice(rest.ptr, len), err));
        PEN_TRY(pen_output_add(&cli->out, PEN_LIT("\n"), err));
        rest = pen_slice_skip(rest, end != NULL ? len + 1 : len);
    }
    return PEN_OK;
}

static enum pen_code wait_for(struct pen_cli *cli, struct pen_db *db, struct pen_job *job,
                              struct pen_error *err)
{
    struct pen_bar bar;
    if (pen_job_status_is_finished(job->status))
        return PEN_OK;
    pen_cli_say(cli, "the job %" PRId64 " is still running...", job->job_id);
    pen_bar_init(&bar, cli);
    struct pen_job_follow follow = {
        .cli = cli, .db = db, .job_id = job->job_id, .bar = &bar, .shows_log = !cli->is_json};
    enum pen_code code = pen_job_follow(&follow, job, err);
    pen_bar_finish(&bar);
    return code;
}

enum pen_code pen_job_show(struct pen_cli *cli, const struct pen_args *args, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    struct pen_job job = {0};
    int64_t job_id = 0;
    PEN_TRY(pen_job_word(cli, args, &job_id, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    struct pen_db *db = pen_lake_db(lake);
    PEN_TRY(pen_job_get(db, job_id, &cli->arena, &job, err));
    if (pen_args_has(args, "wait"))
        PEN_TRY(wait_for(cli, db, &job, err));
    if (cli->is_json)
        return print_job_object(cli, &job, err);
    PEN_TRY(print_job(cli, &job, err));
    if (!pen_args_has(args, "verbose"))
        return pen_cli_print(cli, err,
                             "\rUse '-v' option to show detailed messages.                    ");
    PEN_TRY(print_log(cli, job_id, "output.log", "Output", err));
    return print_log(cli, job_id, "engine.log", "Details", err);
}

/* --- rejects ---------------------------------------------------------------------------------- */

static struct pen_cell json_cell(const struct pen_json *value, struct pen_buf *scratch)
{
    if (value == NULL || value->kind == PEN_JSON_NULL)
        return pen_cell_text(NULL);
    if (value->kind == PEN_JSON_STRING)
        return (struct pen_cell){PEN_CELL_TEXT, value->text};
    size_t at = scratch->len;
    if (pen_json_write(value, scratch, NULL) != PEN_OK)
        return pen_cell_text(NULL);
    return (struct pen_cell){PEN_CELL_BARE, pen_slice(scratch->ptr + at, scratch->len - at)};
}

static enum pen_code render_reject(struct pen_render *render, struct pen_slice line,
                                   const char *const *keys, size_t key_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF((size_t)1 << 20);
    struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_cell cells[8];
    struct pen_json *object = NULL;
    size_t used = 0;
    enum pen_code code = pen_buf_reserve(&scratch, 4096, err); /* so that cells do not move */
    if (code == PEN_OK)
        code = pen_json_read(line, &arena, &object, &used, err);
    for (size_t i = 0; code == PEN_OK && i < key_count; i++)
        cells[i] = json_cell(pen_json_member(object, pen_slice_str(keys[i])), &scratch);
    if (code == PEN_OK)
        code = pen_render_row(render, cells, err);
    pen_arena_release(&arena);
    return code;
}

/* in: file: rejects.jsonl, a record a line. */
static enum pen_code render_rejects(struct pen_cli *cli, FILE *file, enum pen_format format,
                                    struct pen_error *err)
{
    static const char *const keys[] = {"object", "line", "offset", "step",
                                       "column", "code", "reason", "raw"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    struct pen_render_options options = {.format = format, .terminal_width = cli->terminal.width};
    size_t cap = 0;
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, keys, 8, err));
    for (ssize_t len; (len = getline(&line, &cap, file)) >= 0;) {
        struct pen_slice text = pen_slice(line, (size_t)len);
        if (format == PEN_FORMAT_JSONL) /* as it is, with whatever keys it has */
            PEN_TRY(pen_output_add(&cli->out, text, err));
        else
            PEN_TRY(render_reject(&render, text, keys, 8, err));
    }
    return pen_render_end(&render, err);
}

enum pen_code pen_job_rejects(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    struct pen_job job = {0};
    int64_t job_id = 0;
    enum pen_format format = PEN_FORMAT_JSONL;
    if (pen_args_has(args, "format"))
        PEN_TRY(pen_cli_format(cli, args, &format, err));
    PEN_TRY(pen_job_word(cli, args, &job_id, err));
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    PEN_TRY(pen_job_get(pen_lake_db(lake), job_id, &cli->arena, &job, err));
    PEN_TRY(pen_job_folder(cli->home, job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/rejects.jsonl", err));
    FILE *file = fopen(path.ptr, "re");
    if (file == NULL && (errno != ENOENT || job.counts.rejected > 0)) {
        enum pen_code code = errno == ENOENT ? PEN_ERR_NOT_FOUND : PEN_ERR_IO;
        (void)pen_fail_errno(err, code, errno,
                             "cannot open the file of the %" PRIu64
                             " rejected records of job %" PRId64,
                             job.counts.rejected, job_id);
        pen_error_where(err, "%s", path.ptr);
        return code;
    }
    if (file == NULL) {
        pen_cli_say(cli, "Job %" PRId64 " has no rejected records.", job_id);
        return PEN_OK;
    }
    enum pen_code code = render_rejects(cli, file, format, err);
    (void)fclose(file); /* only read */
    return code;
}

/* --- objects ---------------------------------------------------------------------------------- */

static struct pen_cell figure_cell(uint64_t value, struct pen_arena *arena)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, value);
    struct pen_cell cell = pen_cell_text(pen_arena_copy(arena, pen_slice(text, (size_t)len)));
    if (cell.kind == PEN_CELL_TEXT)
        cell.kind = PEN_CELL_BARE;
    return cell;
}

static enum pen_code render_entries(const struct pen_ledger_entry *entries, size_t count,
                                    struct pen_arena *arena, struct pen_render *render,
                                    struct pen_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct pen_cell cells[] = {
            pen_cell_text(entries[i].bucket),        pen_cell_text(entries[i].key),
            pen_cell_text(entries[i].etag),          figure_cell(entries[i].size_bytes, arena),
            figure_cell(entries[i].rows, arena),     figure_cell(entries[i].rejected, arena),
            figure_cell(entries[i].filtered, arena),
        };
        PEN_TRY(pen_render_row(render, cells, err));
    }
    return PEN_OK;
}

enum pen_code pen_job_objects_page(const struct pen_job_page *page, struct pen_render *render,
                                   size_t *ret_count, struct pen_error *err)
{
    struct pen_ledger_entry *entries = NULL;
    struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_db *db = pen_lake_db(page->lake);
    enum pen_code code =
        pen_ledger_list(db, page->job_id, (struct pen_ledger_page){page->skip, page->max}, &arena,
                        &entries, ret_count, err);
    if (code == PEN_OK)
        code = render_entries(entries, *ret_count, &arena, render, err);
    pen_arena_release(&arena);
    return code;
}
