/* replay_run.c - what a job rejected is loaded again, with a corrected configuration, once.
 *
 *     rejects.jsonl of the job + parser, filters, out of the configuration --> a job of its own */
#include "run/job_run_internal.h"
#include "source/source_rejects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the configuration ------------------------------------------------------------------------ */

static enum pen_code set_text(struct pen_node *map, struct pen_arena *arena, const char *key,
                              const char *text, struct pen_error *err)
{
    struct pen_node *node = pen_node_new_text(arena, pen_slice_str(text));
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(map, arena, key, node, err);
}

static enum pen_code set_bool(struct pen_node *map, struct pen_arena *arena, const char *key,
                              bool value, struct pen_error *err)
{
    struct pen_node *node = pen_node_new_bool(arena, value);
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(map, arena, key, node, err);
}

/* The raw text is what the parser saw: UTF-8, without the header, each record alone. */
static enum pen_code fit_parser(struct pen_node *parser, struct pen_arena *arena, bool is_elements,
                                struct pen_error *err)
{
    const struct pen_node *type = pen_node_get(parser, "type");
    if (type == NULL || pen_slice_is(type->text, "json")) {
        pen_node_remove(parser, "charset");
        if (is_elements) {
            pen_node_remove(parser, "flatten_json_array");
            pen_node_remove(parser, "root");
        }
        return PEN_OK;
    }
    struct pen_node *no_lines = pen_node_new_int(arena, 0);
    if (no_lines == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_node_set(parser, arena, "skip_header_lines", no_lines, err));
    PEN_TRY(set_text(parser, arena, "newline", "LF", err));
    return set_text(parser, arena, "charset", "UTF-8", err);
}

static enum pen_code make_in(const struct pen_node *parser, const char *path, bool is_elements,
                             struct pen_arena *arena, struct pen_node **ret_in,
                             struct pen_error *err)
{
    struct pen_node *in = pen_node_new_map(arena);
    struct pen_node *copy = parser == NULL ? NULL : pen_node_copy(parser, arena);
    if (in == NULL || (parser != NULL && copy == NULL))
        return pen_fail_nomem(err);
    PEN_TRY(set_text(in, arena, "type", "rejects", err));
    PEN_TRY(set_text(in, arena, "path", path, err));
    PEN_TRY(set_bool(in, arena, "elements", is_elements, err));
    if (copy != NULL) {
        PEN_TRY(fit_parser(copy, arena, is_elements, err));
        PEN_TRY(pen_node_set(in, arena, "parser", copy, err));
    }
    *ret_in = in;
    return PEN_OK;
}

/* Whether the job's records were elements of arrays: what its configuration, as shown, says. */
static enum pen_code had_elements(const struct pen_job *job, struct pen_arena *arena, bool *ret_had,
                                  struct pen_error *err)
{
    struct pen_node *config = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(job->config), "job", arena, &config, err));
    const struct pen_node *parser = pen_node_get(pen_node_get(config, "in"), "parser");
    const struct pen_node *flat = pen_node_get(parser, "flatten_json_array");
    *ret_had = flat != NULL && (flat->boolean || pen_slice_is(flat->text, "true"));
    return PEN_OK;
}

static enum pen_code make_config(struct pen_job_run *run, const char *path, struct pen_node **ret,
                                 struct pen_error *err)
{
    struct pen_node *in = NULL, *config = pen_node_copy(run->env.config, &run->arena);
    bool is_elements = false;
    if (config == NULL)
        return pen_fail_nomem(err);
    const struct pen_node *parser = pen_node_get(pen_node_get(config, "in"), "parser");
    PEN_TRY(had_elements(&run->job, &run->arena, &is_elements, err));
    PEN_TRY(make_in(parser, path, is_elements, &run->arena, &in, err));
    PEN_TRY(pen_node_set(config, &run->arena, "in", in, err));
    *ret = config;
    return PEN_OK;
}

/* --- whether it may be ------------------------------------------------------------------------ */

static enum pen_code check_job(struct pen_job_run *run, const struct pen_replay_options *replay,
                               struct pen_error *err)
{
    const struct pen_job *job = &run->job;
    if (job->status != PEN_JOB_SUCCESS) {
        (void)pen_fail(err, PEN_ERR_CONFLICT, "job %" PRId64 " is %s: nothing of it was loaded",
                       job->job_id, pen_job_status_name(job->status));
        pen_error_hint(err, "issue the load again with the corrected configuration");
        return PEN_ERR_CONFLICT;
    }
    if (job->counts.rejected == 0)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "job %" PRId64 " has no rejected records",
                        job->job_id);
    return replay->is_forced ? PEN_OK
                             : pen_job_check_replay(pen_lake_db(run->lake), job->job_id, 0, err);
}

/* What the bounded file does not hold cannot be loaded; that is said, not passed over. */
static enum pen_code check_file(struct pen_job_run *run, const char *path, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    FILE *file = fopen(path, "re");
    uint64_t lines = 0, rejected = run->job.counts.rejected;
    size_t cap = 0;
    if (file == NULL)
        return pen_fail_errno(err, errno == ENOENT ? PEN_ERR_NOT_FOUND : PEN_ERR_IO, errno,
                              "cannot open '%s'", path);
    while (getline(&line, &cap, file) > 0)
        lines++;
    (void)fclose(file); /* only read */
    if (lines < rejected)
        PEN_SAY(&run->env, "warn",
                "%" PRIu64 " of %" PRIu64 " rejected records are not in the rejects file "
                "(exec.max_reject_file_bytes) and cannot be loaded again",
                rejected - lines, rejected);
    return PEN_OK;
}

/* --- replay ----------------------------------------------------------------------------------- */

static enum pen_code prepare(struct pen_job_run *run, const struct pen_replay_options *replay,
                             struct pen_node **ret_config, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_job_run_open(run, err));
    PEN_TRY(pen_job_get(pen_lake_db(run->lake), replay->job_id, &run->arena, &run->job, err));
    PEN_TRY(check_job(run, replay, err));
    PEN_TRY(pen_job_folder(run->env.home, replay->job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/rejects.jsonl", err));
    PEN_TRY(check_file(run, path.ptr, err));
    return make_config(run, path.ptr, ret_config, err);
}

enum pen_code pen_run_replay(const struct pen_run_env *env, const struct pen_replay_options *replay,
                             const struct pen_execute_options *options,
                             struct pen_run_result *ret_result, struct pen_error *err)
{
    struct pen_node *config = NULL;
    *ret_result = (struct pen_run_result){.snapshot_id = -1, .status = PEN_JOB_ERROR};
    PEN_CLEANUP(pen_job_run_free_p)
    struct pen_job_run *run = pen_job_run_new(env, options, ret_result);
    if (run == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(prepare(run, replay, &config, err));
    struct pen_run_env own = *env;
    own.config = config;
    const struct pen_submit_options submit = {
        .database = run->job.database,
        .table = run->job.table,
        .time_column = run->job.time_column,
        .replay_of = replay->job_id,
        .is_forced = replay->is_forced,
    };
    return pen_run_issue(&own, &submit, options, ret_result, err);
}

/* A record that is rejected again is said to be where it was at first. */
void pen_job_run_relocate(void *context, struct pen_reject *reject)
{
    const struct pen_job_run *run = context;
    uint64_t line = 0, offset = 0;
    const char *object = NULL;
    if (reject->object_index >= run->plan.object_count ||
        !pen_rejects_origin(run->plan.objects[reject->object_index].key, &line, &offset, &object))
        return;
    reject->object = object;
    reject->line = line > 0 && reject->line > 0 ? line + reject->line - 1 : line;
    reject->offset += offset;
}
