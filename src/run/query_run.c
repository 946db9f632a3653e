/* query_run.c - a job that is SQL: session --batches--> msgpack --> file, synced, then renamed. */
#include "run/query_run.h"

#include "base/json_writer.h"
#include "batch/pack.h"
#include "duck/duck_watch.h"
#include "lake/lake_query.h"
#include "run/job_run_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define FLUSH_BYTES ((size_t)1 << 20)
#define ROW_MAX     ((size_t)1 << 30)

/* A row is sent as a whole, as JSON up to six times as long: what could not be sent is not kept. */
#define ROW_KEPT_MAX ((size_t)32 << 20)

bool pen_query_is_query(const char *job_type)
{
    return strcmp(job_type, "bulkload") != 0;
}

enum pen_code pen_query_submit(struct pen_lake *lake, const struct pen_query_options *options,
                               int64_t *ret_job_id, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    if (options->sql.len == 0)
        return pen_fail(err, PEN_ERR_CONFIG, "there is no SQL to run: parameter 'query' is empty");
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_database database = {0};
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    PEN_TRY(pen_lake_database_find(txn, options->database, &arena, &database, err));
    pen_lake_rollback(PEN_TAKE(txn));
    struct pen_job job = {.type = options->type,
                          .database = options->database,
                          .table = "",
                          .config = pen_arena_copy(&arena, options->sql),
                          .options = "",
                          .domain_key = options->domain_key,
                          .priority = options->priority,
                          .retry_limit = options->retry_limit,
                          .created_us = pen_now_us()};
    if (job.config == NULL)
        return pen_fail_nomem(err);
    return pen_job_create(pen_lake_db(lake), &job, ret_job_id, err);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* A result while it is written. */
struct result_file {
    int fd;
    const char *path, *final_path;
    struct pen_buf buf;
    uint64_t bytes, rows;
    struct pen_arena values; /* JSON trees of one value */
};

static void result_release(struct result_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd); /* only after a failure, which is known */
        (void)unlink(file->path);
    }
    pen_buf_release(&file->buf);
    pen_arena_release(&file->values);
}

static enum pen_code flush(struct result_file *file, struct pen_error *err)
{
    struct pen_slice left = pen_buf_slice(&file->buf);
    while (left.len > 0) {
        ssize_t n = write(file->fd, left.ptr, left.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write '%s'", file->path);
        left = pen_slice_skip(left, (size_t)n);
        file->bytes += (uint64_t)n;
    }
    pen_buf_clear(&file->buf);
    return PEN_OK;
}

static enum pen_code add_batch(struct result_file *file, const struct pen_batch *batch,
                               struct pen_error *err)
{
    for (size_t row = 0; row < batch->rows; row++) {
        size_t start = file->buf.len;
        PEN_TRY(pen_msgpack_add_array(&file->buf, (uint32_t)batch->column_count, err));
        for (size_t i = 0; i < batch->column_count; i++)
            PEN_TRY(pen_pack_value(&batch->columns[i], row, &file->values, &file->buf, err));
        if (file->buf.len - start > ROW_KEPT_MAX)
            return pen_fail(err, PEN_ERR_TOO_LARGE,
                            "row %" PRIu64 " of the result has %zu bytes; results are kept in rows "
                            "of up to %zu",
                            file->rows + row + 1, file->buf.len - start, ROW_KEPT_MAX);
        if (file->buf.len >= FLUSH_BYTES)
            PEN_TRY(flush(file, err));
    }
    file->rows += batch->rows;
    return PEN_OK;
}

/* --- the file --------------------------------------------------------------------------------- */

static enum pen_code open_result(struct pen_job_run *run, struct result_file *file,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_job_folder(run->env.home, run->job.job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/" PEN_QUERY_RESULT_FILE, err));
    file->final_path = pen_arena_copy(&run->arena, pen_buf_slice(&path));
    PEN_TRY(pen_buf_add_str(&path, ".part", err));
    file->path = pen_arena_copy(&run->arena, pen_buf_slice(&path));
    if (file->path == NULL || file->final_path == NULL)
        return pen_fail_nomem(err);
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", file->path);
    return PEN_OK;
}

static enum pen_code close_result(struct result_file *file, struct pen_error *err)
{
    PEN_TRY(flush(file, err));
    if (fsync(file->fd) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write '%s'", file->path);
    int fd = file->fd;
    file->fd = -1;
    if (close(fd) != 0 || rename(file->path, file->final_path) != 0) {
        int error = errno;
        (void)unlink(file->path); /* the error is known */
        return pen_fail_errno(err, PEN_ERR_IO, error, "cannot write '%s'", file->final_path);
    }
    return PEN_OK;
}

static const char *client_type(enum pen_type type, bool is_hive)
{
    static const char *const names[PEN_TYPE_COUNT] = {
        [PEN_TYPE_BOOLEAN] = "boolean",     [PEN_TYPE_LONG] = "bigint",
        [PEN_TYPE_DOUBLE] = "double",       [PEN_TYPE_STRING] = "varchar",
        [PEN_TYPE_TIMESTAMP] = "timestamp", [PEN_TYPE_JSON] = "json",
    };
    return is_hive && type >= PEN_TYPE_STRING ? "string" : names[type];
}

static enum pen_code describe(const struct pen_job_run *run, const struct pen_schema *schema,
                              const struct result_file *file, struct pen_buf *into,
                              struct pen_error *err)
{
    struct pen_json_writer w = PEN_JSON_WRITER(into);
    bool is_hive = strcmp(run->job.type, "hive") == 0;
    pen_jw_begin_object(&w);
    pen_jw_member_int(&w, "result_size", (int64_t)file->bytes);
    pen_jw_key(&w, "schema");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < schema->count; i++) {
        pen_jw_begin_array(&w);
        pen_jw_text(&w, schema->fields[i].name);
        pen_jw_text(&w, client_type(schema->fields[i].type, is_hive));
        pen_jw_end_array(&w);
    }
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    return pen_jw_done(&w, err);
}

/* --- the job ---------------------------------------------------------------------------------- */

static enum pen_code open_session(struct pen_job_run *run, struct pen_duck_session **ret_session,
                                  struct pen_error *err)
{
    struct pen_duck_options options = {.threads = run->options->max_threads,
                                       .memory_limit_bytes = run->options->query_memory_bytes,
                                       .temp_dir = run->options->temp_folder};
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(run->lake, &txn, err));
    return pen_lake_session_open(txn, run->job.database, &options, ret_session, err);
}

static enum pen_code write_rows(struct pen_job_run *run, struct pen_duck_query *query,
                                struct result_file *file, struct pen_error *err)
{
    const struct pen_batch *batch = NULL;
    PEN_TRY(open_result(run, file, err));
    for (;;) {
        PEN_TRY(pen_duck_query_next(query, &batch, err));
        if (batch == NULL)
            return close_result(file, err);
        if (run->cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
        PEN_TRY(add_batch(file, batch, err));
        atomic_store(&run->progress.rows, file->rows);
    }
}

static enum pen_code finish(struct pen_job_run *run, const struct result_file *file,
                            const char *result, struct pen_error *err)
{
    struct pen_job_end end = {.status = PEN_JOB_SUCCESS,
                              .now_us = pen_now_us(),
                              .counts = {.records = file->rows},
                              .snapshot_id = -1,
                              .result = result};
    pen_monitor_stop(run); /* a heartbeat may not meet the job's end */
    PEN_TRY(pen_job_finish(pen_lake_db(run->lake), run->job.job_id, run->owner, &end, err));
    run->result->counts = end.counts;
    PEN_SAY(&run->env, "info", "%llu rows, %llu bytes", (unsigned long long)file->rows,
            (unsigned long long)file->bytes);
    return PEN_OK;
}

enum pen_code pen_job_run_query(struct pen_job_run *run, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf result = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_duck_session_close_p) struct pen_duck_session *session = NULL;
    PEN_CLEANUP(pen_duck_query_free_p) struct pen_duck_query *query = NULL;
    PEN_CLEANUP(pen_duck_watch_stop_p) struct pen_duck_watch *watch = NULL;
    PEN_CLEANUP(result_release)
    struct result_file file = {.fd = -1, .buf = PEN_BUF(ROW_MAX), .values = PEN_ARENA(ROW_MAX)};
    PEN_SAY(&run->env, "info", "query on database '%s'", run->job.database);
    PEN_TRY(open_session(run, &session, err));
    PEN_TRY(pen_duck_watch_start(session, &run->cancel, &watch, err));
    PEN_TRY(pen_duck_query(session, pen_slice_str(run->job.config), &query, err));
    PEN_TRY(write_rows(run, query, &file, err));
    PEN_TRY(describe(run, pen_duck_query_schema(query), &file, &result, err));
    return finish(run, &file, result.ptr, err);
}
