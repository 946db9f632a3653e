/* part_writer.c - the threads of a part and its file:
 *
 *     worker: next --> batch --> its column chunks --full--> reserve a place, write, note it
 *     end:    footer behind the last row group
 *
 * Workers share nothing but the place where the next row group begins and what the footer will say,
 * under one lock that is never held while bytes are encoded or written. */
#include "base/buf.h"
#include "conc/first_error.h"
#include "parquet/footer.h"
#include "parquet/parquet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct part_writer {
    struct pen_task_stream *stream;
    const struct pen_part_options *options;
    const char *path;
    int fd;
    struct pen_first_error first;
    pthread_mutex_t lock; /* guards all below */
    uint64_t end;         /* where the next row group goes */
    struct pen_buf row_groups;
    size_t row_group_count;
    uint64_t rows;
    struct pen_bounds *bounds; /* per column */
    uint64_t *column_bytes;
};

struct worker {
    struct part_writer *part;
    unsigned number;
    pthread_t thread;
    bool is_started;
    size_t rows; /* of the open row group */
    struct pen_column_chunk *chunks;
    struct pen_page_room room;
    struct pen_buf row_group;
};

static size_t column_count(const struct part_writer *part)
{
    return part->stream->schema->count;
}

/* --- the file --------------------------------------------------------------------------------- */

static enum pen_code write_at(const struct part_writer *part, struct pen_slice bytes,
                              uint64_t *inout_at, struct pen_error *err)
{
    while (bytes.len > 0) {
        ssize_t done = pwrite(part->fd, bytes.ptr, bytes.len, (off_t)*inout_at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            (void)pen_fail_errno(err, PEN_ERR_IO, errno, "part cannot be written");
            pen_error_where(err, "%s", part->path);
            return PEN_ERR_IO;
        }
        bytes = pen_slice(bytes.ptr + done, bytes.len - (size_t)done);
        *inout_at += (uint64_t)done;
    }
    return PEN_OK;
}

/* --- row groups ------------------------------------------------------------------------------- */

static uint64_t reserve(struct part_writer *part, uint64_t bytes)
{
    (void)pthread_mutex_lock(&part->lock); /* a valid mutex: cannot fail */
    uint64_t at = part->end;
    part->end += bytes;
    (void)pthread_mutex_unlock(&part->lock);
    return at;
}

static enum pen_code note_row_group(struct worker *worker, struct pen_error *err)
{
    struct part_writer *part = worker->part;
    (void)pthread_mutex_lock(&part->lock);
    enum pen_code code =
        pen_buf_add_slice(&part->row_groups, pen_buf_slice(&worker->row_group), err);
    part->row_group_count++;
    part->rows += worker->rows;
    for (size_t i = 0; i < column_count(part); i++) {
        const struct pen_column_chunk *chunk = &worker->chunks[i];
        pen_bounds_merge(&part->bounds[i], &chunk->bounds);
        part->column_bytes[i] += chunk->dict_page.len + chunk->pages.len;
    }
    (void)pthread_mutex_unlock(&part->lock);
    return code;
}

/* Keeps the memory for the next row group, unless columns took turns in needing much. */
static void clear_chunks(struct worker *worker)
{
    const struct part_writer *part = worker->part;
    const enum pen_part_compression compression = part->options->compression;
    size_t held = 0;
    for (size_t i = 0; i < column_count(part); i++)
        held += pen_column_chunk_held(&worker->chunks[i]);
    for (size_t i = 0; i < column_count(part); i++) {
        struct pen_column_chunk *chunk = &worker->chunks[i];
        if (held < PEN_ROW_GROUP_BYTES) {
            pen_column_chunk_clear(chunk, compression);
            continue;
        }
        pen_column_chunk_release(chunk);
        pen_column_chunk_init(chunk, chunk->type, compression);
    }
}

static enum pen_code write_row_group(struct worker *worker, struct pen_error *err)
{
    struct part_writer *part = worker->part;
    uint64_t bytes = 0;
    for (size_t i = 0; i < column_count(part); i++) {
        struct pen_column_chunk *chunk = &worker->chunks[i];
        PEN_TRY(pen_column_chunk_finish(chunk, &worker->room, err));
        bytes += chunk->dict_page.len + chunk->pages.len;
    }
    const uint64_t start = reserve(part, bytes);
    uint64_t at = start;
    for (size_t i = 0; i < column_count(part); i++) {
        PEN_TRY(write_at(part, pen_buf_slice(&worker->chunks[i].dict_page), &at, err));
        PEN_TRY(write_at(part, pen_buf_slice(&worker->chunks[i].pages), &at, err));
    }
    /* the disk begins now, so that the sync at the end has little left to wait for; where it cannot
     * be asked to, that one does it all */
    (void)sync_file_range(part->fd, (off_t)start, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
    pen_buf_clear(&worker->row_group);
    PEN_TRY(pen_footer_add_row_group(part->options->columns, worker->chunks, column_count(part),
                                     worker->rows, start, &worker->row_group, err));
    PEN_TRY(note_row_group(worker, err));
    clear_chunks(worker);
    worker->rows = 0;
    return PEN_OK;
}

/* --- a worker --------------------------------------------------------------------------------- */

static enum pen_code worker_init(struct worker *worker, struct part_writer *part, unsigned number,
                                 struct pen_error *err)
{
    worker->part = part;
    worker->number = number;
    worker->room = PEN_PAGE_ROOM;
    worker->row_group = PEN_BUF(PEN_BUF_TEXT_MAX);
    worker->chunks = calloc(column_count(part) + 1, sizeof *worker->chunks);
    if (worker->chunks == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < column_count(part); i++)
        pen_column_chunk_init(&worker->chunks[i], part->stream->schema->fields[i].type,
                              part->options->compression);
    return PEN_OK;
}

static void worker_release(struct worker *worker)
{
    for (size_t i = 0; worker->chunks != NULL && i < column_count(worker->part); i++)
        pen_column_chunk_release(&worker->chunks[i]);
    free(worker->chunks);
    pen_page_room_release(&worker->room);
    pen_buf_release(&worker->row_group);
}

static enum pen_code add_batch(struct worker *worker, const struct pen_batch *batch,
                               struct pen_error *err)
{
    size_t bytes = 0, held = 0;
    for (size_t i = 0; i < batch->column_count; i++) {
        struct pen_column_chunk *chunk = &worker->chunks[i];
        enum pen_code code =
            pen_column_chunk_add(chunk, &worker->room, &batch->columns[i], batch->rows, err);
        if (code != PEN_OK)
            return pen_wrap(err, code, "column '%s'", worker->part->options->columns[i].name);
        bytes += pen_column_chunk_bytes(chunk);
        held += pen_column_chunk_held(chunk);
    }
    worker->rows += batch->rows;
    bool is_full = worker->rows >= PEN_ROW_GROUP_ROWS || bytes >= PEN_ROW_GROUP_BYTES ||
                   held >= 2 * PEN_ROW_GROUP_BYTES;
    return is_full && worker->rows > 0 ? write_row_group(worker, err) : PEN_OK;
}

static enum pen_code pull(struct worker *worker, struct pen_error *err)
{
    struct pen_task_stream *stream = worker->part->stream;
    const volatile int *cancel = worker->part->options->cancel;
    for (;;) {
        const struct pen_batch *batch = NULL;
        if ((cancel != NULL && *cancel != 0) || atomic_load(&worker->part->first.has_failed))
            return pen_fail(err, PEN_ERR_CANCELLED, "cancelled");
        PEN_TRY(stream->next(stream, worker->number, &batch, err));
        if (batch == NULL)
            return worker->rows == 0 ? PEN_OK : write_row_group(worker, err);
        PEN_TRY(add_batch(worker, batch, err));
    }
}

static void *worker_main(void *context)
{
    struct worker *worker = context;
    struct pen_error err = {0};
    if (pull(worker, &err) != PEN_OK)
        pen_first_error_note(&worker->part->first, &err);
    return NULL;
}

/* Starts the others, works as the first one, waits for all. */
static enum pen_code run_workers(struct part_writer *part, struct worker *workers, unsigned count,
                                 struct pen_error *err)
{
    for (unsigned i = 1; i < count; i++) {
        int failed = pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]);
        workers[i].is_started = failed == 0;
        struct pen_error start = {0};
        if (failed != 0) {
            (void)pen_fail_errno(&start, PEN_ERR_INTERNAL, failed, "cannot start a thread");
            pen_first_error_note(&part->first, &start);
            break;
        }
    }
    (void)worker_main(&workers[0]);
    for (unsigned i = 1; i < count; i++)
        if (workers[i].is_started)
            (void)pthread_join(workers[i].thread, NULL); /* our own thread: joins */
    return pen_first_error_get(&part->first, err);
}

static enum pen_code write_rows(struct part_writer *part, struct pen_error *err)
{
    unsigned count = part->stream->worker_count;
    PEN_CLEANUP(pen_free_p) struct worker *workers = calloc(count, sizeof *workers);
    if (workers == NULL)
        return pen_fail_nomem(err);
    enum pen_code code = PEN_OK;
    unsigned made = 0;
    for (; made < count && code == PEN_OK; made++)
        code = worker_init(&workers[made], part, made, err);
    if (code == PEN_OK)
        code = run_workers(part, workers, count, err);
    for (unsigned i = 0; i < made; i++)
        worker_release(&workers[i]);
    return code;
}

/* --- the part --------------------------------------------------------------------------------- */

static enum pen_code take_columns(const struct part_writer *part, struct pen_arena *arena,
                                  struct pen_part_column *columns, struct pen_error *err)
{
    for (size_t i = 0; i < column_count(part); i++) {
        const struct pen_bounds *bounds = &part->bounds[i];
        columns[i] = (struct pen_part_column){.value_count = bounds->value_count,
                                              .null_count = bounds->null_count,
                                              .size_bytes = part->column_bytes[i],
                                              .has_nan_info = bounds->type == PEN_TYPE_DOUBLE,
                                              .contains_nan = bounds->has_nan};
        PEN_TRY(pen_bounds_text(bounds, false, arena, &columns[i].min, err));
        PEN_TRY(pen_bounds_text(bounds, true, arena, &columns[i].max, err));
    }
    return PEN_OK;
}

static enum pen_code end_file(struct part_writer *part, struct pen_parts *ret_parts,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf bytes = PEN_BUF((size_t)INT32_MAX);
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    PEN_CLEANUP(pen_free_p) char *name = strdup(part->options->file_name);
    PEN_CLEANUP(pen_free_p)
    struct pen_part_column *columns = calloc(column_count(part) + 1, sizeof *columns);
    if (name == NULL || columns == NULL)
        return pen_fail_nomem(err);
    const struct pen_footer footer = {.schema = part->stream->schema,
                                      .fields = part->options->columns,
                                      .row_groups = pen_buf_slice(&part->row_groups),
                                      .row_group_count = part->row_group_count,
                                      .rows = part->rows};
    struct pen_part made = {
        .path = name, .rows = part->rows, .columns = columns, .column_count = column_count(part)};
    PEN_TRY(pen_footer_print(&footer, &bytes, &made.footer_bytes, err));
    PEN_TRY(write_at(part, pen_buf_slice(&bytes), &part->end, err));
    made.size_bytes = part->end;
    PEN_TRY(take_columns(part, &arena, columns, err));
    return pen_parts_add(ret_parts, &made, err);
}

static enum pen_code write_file(struct part_writer *part, struct pen_parts *ret_parts,
                                struct pen_error *err)
{
    PEN_TRY(write_at(part, PEN_LIT(PEN_PARQUET_MAGIC), &part->end, err));
    PEN_TRY(write_rows(part, err));
    return part->rows == 0 ? PEN_OK : end_file(part, ret_parts, err);
}

static enum pen_code open_and_write(struct part_writer *part, struct pen_parts *ret_parts,
                                    struct pen_error *err)
{
    part->fd = open(part->path, O_WRONLY | O_CLOEXEC);
    if (part->fd < 0) {
        (void)pen_fail_errno(err, PEN_ERR_IO, errno, "part cannot be opened");
        pen_error_where(err, "%s", part->path);
        return PEN_ERR_IO;
    }
    enum pen_code code = write_file(part, ret_parts, err);
    if (close(part->fd) != 0 && code == PEN_OK) {
        code = pen_fail_errno(err, PEN_ERR_IO, errno, "part cannot be written");
        pen_error_where(err, "%s", part->path);
    }
    return code;
}

bool pen_parquet_can_write(const struct pen_part_options *options, size_t column_count)
{
    for (size_t i = 0; i < column_count; i++)
        if (options->columns[i].sql_type != NULL)
            return false;
    return options->order_by == NULL;
}

enum pen_code pen_parquet_write_part(struct pen_task_stream *stream,
                                     const struct pen_part_options *options,
                                     struct pen_parts *ret_parts, struct pen_error *err)
{
    assert(pen_parquet_can_write(options, stream->schema->count));
    size_t columns = stream->schema->count, before = ret_parts->count;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_free_p) struct pen_bounds *bounds = calloc(columns + 1, sizeof *bounds);
    PEN_CLEANUP(pen_free_p) uint64_t *column_bytes = calloc(columns + 1, sizeof *column_bytes);
    if (bounds == NULL || column_bytes == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < columns; i++)
        bounds[i].type = stream->schema->fields[i].type;
    PEN_TRY(pen_part_begin_file(options->folder, options->file_name, &path, err));
    struct part_writer part = {.stream = stream,
                               .options = options,
                               .path = path.ptr,
                               .first = PEN_FIRST_ERROR,
                               .lock = PTHREAD_MUTEX_INITIALIZER,
                               .row_groups = PEN_BUF((size_t)INT32_MAX),
                               .bounds = bounds,
                               .column_bytes = column_bytes};
    enum pen_code code = open_and_write(&part, ret_parts, err);
    pen_buf_release(&part.row_groups);
    return pen_part_end_file(options->folder, path.ptr, code, before, ret_parts, err);
}
