/* task_worker.c - what a worker does for each batch:
 *
 *     chunk set empty? --claim, fill--> chunks --convert--> batch --filters, conform--> out
 *
 * A batch that went out stays valid until the worker's call after the next one: so a worker has two
 * chunk sets and two batches, and a set is filled again only after the other one gave a batch. */
#include "run/task_internal.h"

/* --- text ------------------------------------------------------------------------------------- */

static enum pen_code chunk_slot(const struct pen_task *task, struct pen_chunk_set *set,
                                struct pen_chunk **ret_chunk, struct pen_error *err)
{
    struct pen_chunk **slot = &set->chunks[set->count];
    if (*slot == NULL)
        PEN_TRY(pen_chunk_new(task->options.load->parse, slot, err));
    *ret_chunk = *slot;
    return PEN_OK;
}

/* Whether one more object may go behind what the set holds: many small ones make full batches. */
static bool has_room(const struct pen_chunk_set *set, size_t at)
{
    return set->count < PEN_SET_CHUNKS && at < set->buffer.cap / 2;
}

static enum pen_code fill_set(struct pen_task *task, struct pen_worker *worker,
                              struct pen_chunk_set *set, struct pen_error *err)
{
    size_t at = 0;
    set->count = set->next = 0;
    set->has_emitted = false;
    while (has_room(set, at)) {
        if (worker->object == NULL)
            PEN_TRY(pen_worker_claim(task, worker, err));
        if (worker->object == NULL)
            return PEN_OK;
        struct pen_chunk *chunk = NULL;
        PEN_TRY(chunk_slot(task, set, &chunk, err));
        size_t used = 0;
        bool has_ended = false;
        PEN_TRY(pen_object_stream_fill(worker->object->stream, &set->buffer, at, chunk, &used,
                                       &has_ended, err));
        set->count += used > 0;
        at += used == 0 ? 0 : used + PEN_CHUNK_PADDING;
        if (!has_ended && used == 0)
            return PEN_OK; /* a record does not fit behind the others */
        if (!has_ended)
            continue; /* an entry of an archive may be as small as an object */
        pen_worker_leave(task, worker);
    }
    return PEN_OK;
}

/* --- batches ---------------------------------------------------------------------------------- */

static enum pen_code convert_chunk(struct pen_task *task, struct pen_chunk_set *set,
                                   struct pen_batch *batch, bool *ret_is_full,
                                   struct pen_error *err)
{
    const struct pen_parse *parse = task->options.load->parse;
    struct pen_chunk *chunk = set->chunks[set->next];
    size_t before = batch->rows;
    bool has_more = false;
    PEN_TRY(parse->type->convert(parse, chunk, batch, &has_more, err));
    struct pen_object_account *object = pen_account_of(task->options.account, chunk->object_index);
    atomic_fetch_add_explicit(&object->records, batch->rows - before, memory_order_relaxed);
    set->next += !has_more;
    *ret_is_full = has_more || batch->rows == batch->capacity;
    return PEN_OK;
}

static bool is_stopped(const struct pen_task *task)
{
    return atomic_load_explicit(&task->has_failed, memory_order_relaxed) ||
           (task->options.cancel != NULL && *task->options.cancel != 0);
}

/* Rows of one chunk set; none at all only when the task has ended for this worker. */
static enum pen_code fill_batch(struct pen_task *task, struct pen_worker *worker,
                                struct pen_batch *batch, struct pen_error *err)
{
    bool is_full = false;
    while (!is_full) {
        struct pen_chunk_set *set = &worker->sets[worker->set];
        if (set->next < set->count) {
            PEN_TRY(convert_chunk(task, set, batch, &is_full, err));
            continue;
        }
        if (batch->rows > 0)
            return PEN_OK;
        if (is_stopped(task))
            return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
        if (set->has_emitted)
            worker->set ^= 1;
        set = &worker->sets[worker->set];
        PEN_TRY(fill_set(task, worker, set, err));
        worker->has_ended = set->count == 0 && worker->object == NULL;
        if (worker->has_ended)
            return PEN_OK;
    }
    return PEN_OK;
}

/* --- accounts --------------------------------------------------------------------------------- */

static size_t origin_end(const struct pen_batch *batch, size_t origin)
{
    return origin + 1 < batch->origin_count ? batch->origins[origin + 1].first_row : batch->rows;
}

typedef void (*count_fn)(struct pen_object_account *object, uint64_t rows);

static void add_loaded(struct pen_object_account *object, uint64_t rows)
{
    atomic_fetch_add_explicit(&object->loaded, rows, memory_order_relaxed);
}

static void add_filtered(struct pen_object_account *object, uint64_t rows)
{
    atomic_fetch_add_explicit(&object->filtered, rows, memory_order_relaxed);
}

static void take_filtered(struct pen_object_account *object, uint64_t rows)
{
    atomic_fetch_sub_explicit(&object->filtered, rows, memory_order_relaxed);
}

static void count_rows(struct pen_task *task, const struct pen_batch *batch, count_fn count)
{
    for (size_t i = 0; i < batch->origin_count; i++) {
        size_t rows = origin_end(batch, i) - batch->origins[i].first_row;
        if (rows > 0)
            count(pen_account_of(task->options.account, batch->origins[i].object_index), rows);
    }
}

/* What a filter drops counts as filtered; what it rejects was taken off that figure when it was
 * reported (see task.c), so that the difference is what it dropped on purpose. */
static enum pen_code apply_filter(struct pen_task *task, struct pen_filter_local *filter,
                                  struct pen_batch *batch, struct pen_error *err)
{
    count_rows(task, batch, add_filtered);
    PEN_TRY(filter->filter->type->apply(filter, batch, err));
    count_rows(task, batch, take_filtered);
    return PEN_OK;
}

static enum pen_code finish_batch(struct pen_task *task, struct pen_worker *worker,
                                  struct pen_batch *batch, struct pen_error *err)
{
    const struct pen_load *load = task->options.load;
    for (size_t i = 0; i < load->filter_count; i++)
        PEN_TRY(apply_filter(task, worker->filters[i], batch, err));
    if (task->options.conform != NULL)
        PEN_TRY(pen_conform_apply(task->options.conform, batch, &worker->time_counter,
                                  &task->table_rejects.sink, err));
    count_rows(task, batch, add_loaded);
    atomic_fetch_add_explicit(&task->options.progress->rows, batch->rows, memory_order_relaxed);
    return PEN_OK;
}

static enum pen_code next_batch(struct pen_task *task, struct pen_worker *worker,
                                const struct pen_batch **ret_batch, struct pen_error *err)
{
    while (!worker->has_ended) {
        struct pen_batch *batch = worker->batches[worker->batch];
        PEN_TRY(pen_batch_begin(batch, &task->options.load->parse->schema, err));
        PEN_TRY(fill_batch(task, worker, batch, err));
        if (batch->rows == 0)
            continue;
        PEN_TRY(finish_batch(task, worker, batch, err));
        if (batch->rows == 0)
            continue;
        worker->batch ^= 1;
        worker->sets[worker->set].has_emitted = true;
        *ret_batch = batch;
        return PEN_OK;
    }
    *ret_batch = NULL;
    return PEN_OK;
}

enum pen_code pen_task_next(struct pen_task_stream *stream, unsigned worker,
                            const struct pen_batch **ret_batch, struct pen_error *err)
{
    struct pen_task *task = (struct pen_task *)(void *)stream; /* stream is the first member */
    enum pen_code code = next_batch(task, &task->workers[worker], ret_batch, err);
    if (code != PEN_OK)
        atomic_store_explicit(&task->has_failed, true, memory_order_relaxed);
    return code;
}
