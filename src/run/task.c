/* task.c - a task's objects: claimed, shared, closed; set-up and tear-down of the workers.
 * What a worker does for each batch stands in task_worker.c. */
#include "run/task_internal.h"

#include <stdlib.h>

/* Text per chunk: flat between 256 KiB and 1 MiB (measured), larger leaves the L2 cache. */
#define CHUNK_BYTES ((size_t)512 << 10)

/* Wide tables leave L2 with full batches. */
#define WIDE_COLUMNS 200
#define WIDE_ROWS    512

static enum pen_code report(struct pen_reject_sink *sink, const struct pen_reject *reject,
                            struct pen_error *err)
{
    struct pen_worker_rejects *own = (struct pen_worker_rejects *)(void *)sink; /* first member */
    struct pen_task *task = own->task;
    struct pen_object_account *object = pen_account_of(task->options.account, reject->object_index);
    if (own->phase == PEN_PHASE_PARSE) /* it never became a row */
        atomic_fetch_add_explicit(&object->records, 1, memory_order_relaxed);
    if (own->phase ==
        PEN_PHASE_FILTER) /* it will be missing behind the filter, but not on purpose */
        atomic_fetch_sub_explicit(&object->filtered, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&object->rejected, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&task->options.progress->rejected, 1, memory_order_relaxed);
    return task->options.rejects->sink.report(&task->options.rejects->sink, reject, err);
}

/* --- objects ---------------------------------------------------------------------------------- */

static enum pen_code make_place(struct pen_task *task, size_t index, struct pen_error *err)
{
    struct pen_source *source = task->options.load->source;
    PEN_CLEANUP(pen_buf_release) struct pen_buf place = PEN_BUF(PEN_BUF_TEXT_MAX);
    const struct pen_object *object = &task->options.objects[task->options.first + index];
    PEN_TRY(source->type->place(source, object, &place, err));
    free(task->places[index]); /* a second attempt makes it again */
    task->places[index] = pen_buf_take(&place);
    return task->places[index] == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static enum pen_code open_object(struct pen_task *task, size_t index,
                                 struct pen_open_object **ret_object, struct pen_error *err)
{
    struct pen_open_object *object = calloc(1, sizeof *object);
    if (object == NULL)
        return pen_fail_nomem(err);
    size_t in_job = task->options.first + index;
    struct pen_reader *reader = NULL;
    enum pen_code code = make_place(task, index, err);
    if (code == PEN_OK)
        code = pen_prefetch_take(task->options.prefetch, in_job, &reader, err);
    if (code == PEN_OK)
        code = pen_object_stream_new(&task->stream_options, task->places[index], in_job, reader,
                                     &object->stream, err);
    if (code != PEN_OK) {
        pen_error_where(err, "%s", task->places[index] == NULL ? "" : task->places[index]);
        free(object);
        return code;
    }
    const struct pen_object *version = &task->options.objects[in_job];
    pen_object_stream_set_version(object->stream, version->etag, version->size_bytes);
    *ret_object = object;
    return PEN_OK;
}

static struct pen_open_object *least_busy(struct pen_task *task)
{
    struct pen_open_object *best = NULL;
    for (struct pen_open_object *object = task->open; object != NULL; object = object->next)
        if (!pen_object_stream_has_ended(object->stream) &&
            (best == NULL || object->workers < best->workers))
            best = object;
    return best;
}

enum pen_code pen_worker_claim(struct pen_task *task, struct pen_worker *worker,
                               struct pen_error *err)
{
    (void)pthread_mutex_lock(&task->lock);
    size_t index = task->next_object;
    bool is_fresh = index < task->options.count;
    if (is_fresh)
        task->next_object++;
    else
        worker->object = least_busy(task);
    if (worker->object != NULL)
        worker->object->workers++;
    (void)pthread_mutex_unlock(&task->lock);
    if (!is_fresh)
        return PEN_OK;
    struct pen_open_object *object = NULL;
    PEN_TRY(open_object(task, index, &object, err));
    object->workers = 1;
    (void)pthread_mutex_lock(&task->lock);
    object->next = task->open;
    task->open = object;
    (void)pthread_mutex_unlock(&task->lock);
    worker->object = object;
    return PEN_OK;
}

/* Batches may still point to the places of its entries: those are the task's then. */
static void keep_places(struct pen_task *task, struct pen_open_object *object)
{
    struct pen_place *places = pen_object_stream_take_places(object->stream);
    while (places != NULL) {
        struct pen_place *place = places;
        places = place->next;
        place->next = task->entry_places;
        task->entry_places = place;
    }
}

static void close_object(struct pen_task *task, struct pen_open_object *object)
{
    keep_places(task, object);
    struct pen_open_object **link = &task->open;
    while (*link != object)
        link = &(*link)->next;
    *link = object->next;
    struct pen_progress *progress = task->options.progress;
    atomic_fetch_add_explicit(&progress->objects, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&progress->replaced, pen_object_stream_replaced(object->stream),
                              memory_order_relaxed);
}

void pen_worker_leave(struct pen_task *task, struct pen_worker *worker)
{
    struct pen_open_object *object = worker->object;
    if (object == NULL)
        return;
    worker->object = NULL;
    (void)pthread_mutex_lock(&task->lock);
    bool is_last = --object->workers == 0;
    if (is_last)
        close_object(task, object);
    (void)pthread_mutex_unlock(&task->lock);
    if (!is_last)
        return;
    pen_object_stream_free(object->stream);
    free(object);
}

/* --- set-up ----------------------------------------------------------------------------------- */

static enum pen_code open_filters(struct pen_task *task, struct pen_worker *worker,
                                  struct pen_error *err)
{
    const struct pen_load *load = task->options.load;
    worker->filters = calloc(load->filter_count + 1, sizeof(struct pen_filter_local *));
    if (worker->filters == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < load->filter_count; i++)
        PEN_TRY(pen_filter_local_new(load->filters[i], &task->filter_rejects.sink,
                                     &worker->filters[i], err));
    return PEN_OK;
}

static enum pen_code open_worker(struct pen_task *task, struct pen_worker *worker,
                                 struct pen_error *err)
{
    for (size_t i = 0; i < 2; i++) {
        PEN_TRY(
            pen_text_buffer_init(&worker->sets[i].buffer, task->stream_options.chunk_bytes, err));
        PEN_TRY(pen_batch_new(task->batch_rows, &worker->batches[i], err));
    }
    return open_filters(task, worker, err);
}

static void close_worker(struct pen_task *task, struct pen_worker *worker)
{
    const struct pen_load *load = task->options.load;
    pen_worker_leave(task, worker);
    for (size_t i = 0; worker->filters != NULL && i < load->filter_count; i++)
        pen_filter_local_free(worker->filters[i]);
    free(worker->filters);
    for (size_t i = 0; i < 2; i++) {
        for (size_t c = 0; c < PEN_SET_CHUNKS; c++)
            pen_chunk_free(load->parse, worker->sets[i].chunks[c]);
        pen_text_buffer_release(&worker->sets[i].buffer);
        pen_batch_free(worker->batches[i]);
    }
}

static void set_options(struct pen_task *task, const struct pen_task_options *options)
{
    const struct pen_load *load = options->load;
    task->options = *options;
    task->parser_rejects = (struct pen_worker_rejects){{report}, task, PEN_PHASE_PARSE};
    task->filter_rejects = (struct pen_worker_rejects){{report}, task, PEN_PHASE_FILTER};
    task->table_rejects = (struct pen_worker_rejects){{report}, task, PEN_PHASE_TABLE};
    task->stream_options = (struct pen_object_stream_options){
        .parse = load->parse,
        .bytes = {.decoders = load->decoders,
                  .decoder_count = load->decoder_count,
                  .bind = &load->bind,
                  .team = pen_crew_team(task->crew),
                  .is_cut = options->is_cut,
                  .max_ratio = (uint64_t)load->exec.max_inflate_ratio,
                  .stored_bytes = &options->progress->stored_bytes,
                  .plain_bytes = &options->progress->plain_bytes},
        .crew = task->crew,
        .archive_sample_bytes = options->archive_sample_bytes,
        .rejects = &task->parser_rejects.sink,
        .chunk_bytes = options->chunk_bytes == 0 ? CHUNK_BYTES : options->chunk_bytes,
        .max_record_bytes = (size_t)load->exec.max_record_bytes,
    };
    task->stream = (struct pen_task_stream){
        .schema = options->conform == NULL ? load->schema : &options->conform->schema,
        .worker_count = options->worker_count,
        .next = pen_task_next,
    };
    bool is_wide =
        task->stream.schema->count > WIDE_COLUMNS || load->parse->schema.count > WIDE_COLUMNS;
    task->batch_rows = is_wide ? WIDE_ROWS : PEN_BATCH_ROWS;
}

enum pen_code pen_task_new(const struct pen_task_options *options, struct pen_task **ret_task,
                           struct pen_error *err)
{
    PEN_CLEANUP(pen_task_free_p) struct pen_task *task = calloc(1, sizeof *task);
    if (task == NULL)
        return pen_fail_nomem(err);
    (void)pthread_mutex_init(&task->lock, NULL); /* cannot fail with default attributes */
    PEN_TRY(pen_crew_new(&task->crew, err));
    set_options(task, options);
    task->places = calloc(options->count + 1, sizeof(char *));
    task->workers = calloc(options->worker_count, sizeof *task->workers);
    if (task->places == NULL || task->workers == NULL)
        return pen_fail_nomem(err);
    for (unsigned i = 0; i < options->worker_count; i++)
        PEN_TRY(open_worker(task, &task->workers[i], err));
    *ret_task = PEN_TAKE(task);
    return PEN_OK;
}

void pen_task_free(struct pen_task *task)
{
    if (task == NULL)
        return;
    for (unsigned i = 0; task->workers != NULL && i < task->options.worker_count; i++)
        close_worker(task, &task->workers[i]);
    free(task->workers);
    for (size_t i = 0; task->places != NULL && i < task->options.count; i++)
        free(task->places[i]);
    free(task->places);
    while (task->entry_places != NULL) {
        struct pen_place *place = task->entry_places;
        task->entry_places = place->next;
        free(place);
    }
    pen_crew_free(task->crew);
    (void)pthread_mutex_destroy(&task->lock);
    free(task);
}

struct pen_task_stream *pen_task_stream(struct pen_task *task)
{
    return &task->stream;
}

uint64_t pen_task_nulled(const struct pen_task *task, size_t index)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < task->options.worker_count; w++)
        sum += task->workers[w].filters[index]->nulled_values;
    return sum;
}

enum pen_code pen_task_check(const struct pen_task *task, struct pen_error *err)
{
    if (task->next_object != task->options.count || task->open != NULL)
        return pen_fail(err, PEN_ERR_INTERNAL, "the task ended before its objects did");
    uint64_t said = 0;
    for (unsigned w = 0; w < task->options.worker_count; w++)
        for (size_t i = 0; i < task->options.load->filter_count; i++)
            said += task->workers[w].filters[i]->filtered_rows;
    uint64_t dropped = pen_account_sum(task->options.account).filtered;
    if (said != dropped)
        return pen_fail(err, PEN_ERR_INTERNAL, "filters dropped %llu records, but account for %llu",
                        (unsigned long long)dropped, (unsigned long long)said);
    return PEN_OK;
}
