/* preview.c - the run's own code path on one buffer of one object. */
#include "run/preview.h"

#include "run/run_scope.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- a sample as the bytes of an object ---------------------------------------------------------
 */

struct memory_reader {
    struct pen_reader reader; /* first member */
    struct pen_slice rest, whole;
};

static enum pen_code memory_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    (void)err; /* memory does not fail */
    struct memory_reader *memory = (struct memory_reader *)(void *)reader; /* first member */
    size_t len = memory->rest.len < cap ? memory->rest.len : cap;
    if (len > 0)
        memcpy(buf, memory->rest.ptr, len);
    memory->rest = pen_slice_skip(memory->rest, len);
    *ret_len = len;
    return PEN_OK;
}

static enum pen_code memory_read_at(struct pen_reader *reader, uint64_t offset, void *buf,
                                    size_t len, struct pen_error *err)
{
    const struct memory_reader *memory = (const struct memory_reader *)(const void *)reader;
    if (offset > memory->whole.len || len > memory->whole.len - offset)
        return pen_fail(err, PEN_ERR_CORRUPT, "the sample ends before byte %llu",
                        (unsigned long long)(offset + len));
    memcpy(buf, memory->whole.ptr + offset, len);
    return PEN_OK;
}

static void memory_close(struct pen_reader *reader)
{
    free(reader); /* first member */
}

static enum pen_code memory_reader_new(struct pen_slice bytes, struct pen_reader **ret_reader,
                                       struct pen_error *err)
{
    struct memory_reader *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return pen_fail_nomem(err);
    memory->reader =
        (struct pen_reader){.read = memory_read, .read_at = memory_read_at, .close = memory_close};
    memory->rest = memory->whole = bytes;
    *ret_reader = &memory->reader;
    return PEN_OK;
}

/* --- the run ---------------------------------------------------------------------------------- */

struct preview {
    const struct pen_preview_options *options;
    pen_rows_fn fn;
    void *context;
    struct pen_load *load;     /* borrowed */
    struct pen_sample *sample; /* borrowed */
    struct pen_prefetch *prefetch;
    struct pen_rejects rejects;
    struct pen_account account;
    struct pen_progress progress;
    struct pen_task *task;
    uint64_t rows;
};

static void preview_release(struct preview *preview)
{
    pen_task_free(preview->task);
    pen_account_release(&preview->account);
    pen_rejects_release(&preview->rejects);
    pen_prefetch_free(preview->prefetch);
}

/* Of an archive as many bytes of its first entry are the sample as its own head has; where that is,
 * its directory says, which is behind the head. */
static bool needs_directory(const struct pen_load *load, const struct pen_sample *sample)
{
    return load->decoder_count > 0 && load->decoders[0].type->is_archive && !sample->is_whole;
}

static enum pen_code open_task(struct preview *preview, struct pen_error *err)
{
    struct pen_load *load = preview->load;
    struct pen_rejects_options rejects = {.max_records = -1,
                                          .on_reject = preview->options->on_reject,
                                          .context = preview->options->reject_context};
    PEN_TRY(pen_rejects_init(&preview->rejects, &rejects, err));
    PEN_TRY(pen_account_init(&preview->account, 0, 1, err));
    PEN_TRY(
        pen_prefetch_new(load->source, &preview->sample->object, 1, 0, &preview->prefetch, err));
    const struct pen_sample *sample = preview->sample;
    if (!needs_directory(load, sample)) {
        struct pen_reader *reader = NULL;
        PEN_TRY(memory_reader_new(pen_buf_slice(&sample->bytes), &reader, err));
        pen_prefetch_put(preview->prefetch, 0, reader);
    }
    struct pen_task_options options = {
        .load = load,
        .prefetch = preview->prefetch,
        .objects = &preview->sample->object,
        .count = 1,
        .rejects = &preview->rejects,
        .account = &preview->account,
        .progress = &preview->progress,
        .worker_count = 1,
        .is_cut = !sample->is_whole,
        .archive_sample_bytes = needs_directory(load, sample) ? sample->bytes.len : 0,
        .cancel = load->source->env.cancel,
    };
    return pen_task_new(&options, &preview->task, err);
}

/* All of the sample is parsed, so that its rejected records are told, but only the first rows are
 * handed out. */
static enum pen_code hand_out(struct preview *preview, const struct pen_batch *batch,
                              struct pen_error *err)
{
    const struct pen_schema *schema = pen_task_stream(preview->task)->schema;
    int64_t most = preview->options->max_rows;
    size_t rows = batch->rows;
    if (most >= 0) {
        uint64_t left = preview->rows < (uint64_t)most ? (uint64_t)most - preview->rows : 0;
        rows = rows < left ? rows : (size_t)left;
    }
    preview->rows += batch->rows;
    return rows == 0 || preview->fn == NULL
               ? PEN_OK
               : preview->fn(preview->context, schema, batch, rows, err);
}

/* Nothing to show: where did the records stay? */
static enum pen_code fail_no_records(const struct preview *preview, struct pen_error *err)
{
    struct pen_account_totals sum = pen_account_sum(&preview->account);
    (void)pen_fail(err, PEN_ERR_NOT_FOUND, "No input records to preview");
    if (sum.rejected > 0)
        pen_error_hint(err,
                       "%" PRIu64 " records of the sample were rejected, %" PRIu64 " filtered out",
                       sum.rejected, sum.filtered);
    else if (sum.filtered > 0)
        pen_error_hint(err, "all %" PRIu64 " records of the sample were filtered out",
                       sum.filtered);
    else if (!preview->sample->is_whole)
        pen_error_hint(err, "the sample ends within the first record: raise "
                            "exec.preview_sample_buffer_bytes");
    else
        pen_error_hint(err, "'%s' holds no record behind the header lines",
                       preview->sample->object.key);
    return PEN_ERR_NOT_FOUND;
}

static enum pen_code pull(struct preview *preview, struct pen_error *err)
{
    struct pen_task_stream *stream = pen_task_stream(preview->task);
    if (preview->fn != NULL)
        PEN_TRY(preview->fn(preview->context, stream->schema, NULL, 0, err));
    for (;;) {
        const struct pen_batch *batch = NULL;
        PEN_TRY(stream->next(stream, 0, &batch, err));
        if (batch == NULL)
            break;
        PEN_TRY(hand_out(preview, batch, err));
    }
    PEN_TRY(pen_account_check(&preview->account, preview->rows, err));
    return preview->rows == 0 ? fail_no_records(preview, err) : PEN_OK;
}

enum pen_code pen_preview_sample(struct pen_load *load, struct pen_sample *sample,
                                 const struct pen_preview_options *options, pen_rows_fn fn,
                                 void *context, struct pen_preview_result *ret_result,
                                 struct pen_error *err)
{
    struct preview preview = {
        .options = options, .fn = fn, .context = context, .load = load, .sample = sample};
    load->parse->is_sample = !sample->is_whole; /* a whole object is judged like a run */
    enum pen_code code = open_task(&preview, err);
    if (code == PEN_OK)
        code = pull(&preview, err);
    struct pen_account_totals totals = pen_account_sum(&preview.account);
    *ret_result = (struct pen_preview_result){.rows = preview.rows,
                                              .rejected = totals.rejected,
                                              .filtered = totals.filtered,
                                              .replaced = preview.progress.replaced,
                                              .is_cut = !sample->is_whole};
    preview_release(&preview);
    return code;
}

static enum pen_code take_sample(const struct pen_run_env *env, struct pen_load *load,
                                 struct pen_sample *ret_sample, struct pen_error *err)
{
    size_t bytes = 0;
    PEN_TRY(pen_sample_size(pen_node_get(env->config, "exec"), "preview_sample_buffer_bytes",
                            &env->bind, &bytes, err));
    return pen_sample_take(load->source, bytes, env->bind.arena, ret_sample, err);
}

enum pen_code pen_run_preview(const struct pen_run_env *env,
                              const struct pen_preview_options *options, pen_rows_fn fn,
                              void *context, struct pen_preview_result *ret_result,
                              struct pen_error *err)
{
    struct pen_load_options load_options = {.is_sample = true, .started_us = pen_now_us()};
    struct pen_run_scope scope;
    struct pen_sample sample = {0};
    *ret_result = (struct pen_preview_result){0};
    PEN_TRY(pen_run_scope_open(env, &load_options, &scope, err));
    enum pen_code code = take_sample(env, scope.load, &sample, err);
    if (code == PEN_OK)
        code = pen_preview_sample(scope.load, &sample, options, fn, context, ret_result, err);
    pen_sample_release(&sample);
    pen_run_scope_close(&scope);
    return code;
}
