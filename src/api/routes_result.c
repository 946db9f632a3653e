/* routes_result.c - /v3/job/result and /v3/table/tail: rows. */
#include "api/result_stream.h"
#include "api/routes_internal.h"

#include "batch/cell.h"
#include "batch/pack.h"
#include "lake/lake_query.h"
#include "meta/job.h"
#include "run/query_run.h"
#include "run/run.h"

#include <inttypes.h>

#define TAIL_MAX_ROWS  100000
#define TAIL_MAX_BYTES ((size_t)256 << 20)

/* --- results ---------------------------------------------------------------------------------- */

static enum pen_code check_result(struct pen_api_call *call, const struct pen_job *job,
                                  struct pen_error *err)
{
    if (!pen_query_is_query(job->type))
        return pen_fail(err, PEN_ERR_NOT_FOUND, "job %" PRId64 " is a load: it has no result",
                        job->job_id);
    if (!pen_job_status_is_finished(job->status))
        return pen_api_refuse(call, 404, err, "job %" PRId64 " is %s: it has no result yet",
                              job->job_id, pen_job_status_name(job->status));
    if (job->status != PEN_JOB_SUCCESS)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "job %" PRId64 " ended with %s: it has no result",
                        job->job_id, pen_job_status_name(job->status));
    return PEN_OK;
}

static enum pen_code read_format(struct pen_api_call *call, enum pen_result_format *ret_format,
                                 struct pen_error *err)
{
    struct pen_node *form = NULL;
    const char *name = NULL;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_text(form, "format", &name, err));
    *ret_format = PEN_RESULT_TSV;
    if (name == NULL || pen_result_format_from_name(name, ret_format))
        return PEN_OK;
    return pen_fail(err, PEN_ERR_CONFIG,
                    "parameter 'format' must be json, csv, tsv, msgpack or msgpack.gz, not '%.40s'",
                    name);
}

static enum pen_code get_result(struct pen_api_call *call, struct pen_error *err)
{
    int64_t job_id = 0;
    struct pen_job job;
    enum pen_result_format format;
    struct pen_http_stream stream;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_api_param_id(call, 0, "job", &job_id, err));
    PEN_TRY(read_format(call, &format, err));
    PEN_TRY(pen_job_get(pen_lake_db(call->lake), job_id, call->arena, &job, err));
    PEN_TRY(check_result(call, &job, err));
    PEN_TRY(pen_job_folder(call->api->home, job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/" PEN_QUERY_RESULT_FILE, err));
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Content-Type",
                                         pen_result_format_type(format), err));
    PEN_TRY(pen_result_stream_open(path.ptr, format, &stream, err));
    pen_http_exchange_send_stream(call->exchange, 200, &stream);
    return PEN_OK;
}

/* --- tails ------------------------------------------------------------------------------------ */

static enum pen_code open_session(struct pen_api_call *call, struct pen_duck_session **ret_session,
                                  struct pen_error *err)
{
    const struct pen_settings *settings = call->api->settings;
    struct pen_duck_options options = {.threads =
                                           settings->threads > 0 ? (unsigned)settings->threads : 0,
                                       .memory_limit_bytes = (uint64_t)settings->memory_bytes};
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_table table = {0};
    PEN_TRY(pen_lake_begin_read(call->lake, &txn, err));
    PEN_TRY(pen_lake_table_find(txn, call->params[0], call->params[1], call->arena, &table, err));
    return pen_lake_session_open(txn, call->params[0], &options, ret_session, err);
}

static enum pen_code pack_row(const struct pen_schema *schema, const struct pen_batch *batch,
                              size_t row, struct pen_arena *scratch, struct pen_buf *into,
                              struct pen_error *err)
{
    PEN_TRY(pen_msgpack_add_map(into, (uint32_t)schema->count, err));
    for (size_t i = 0; i < schema->count; i++) {
        PEN_TRY(pen_msgpack_add_text(into, pen_slice_str(schema->fields[i].name), err));
        PEN_TRY(pen_pack_value(&batch->columns[i], row, scratch, into, err));
    }
    return PEN_OK;
}

static enum pen_code json_row(const struct pen_schema *schema, const struct pen_batch *batch,
                              size_t row, struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF(PEN_CELL_TEXT_BYTES + 1);
    PEN_TRY(pen_buf_reserve(&scratch, PEN_CELL_TEXT_BYTES, err));
    for (size_t i = 0; i < schema->count; i++) {
        pen_buf_clear(&scratch);
        struct pen_cell cell = pen_cell_of(&batch->columns[i], row, &scratch);
        PEN_TRY(pen_buf_add_char(into, i == 0 ? '{' : ',', err));
        PEN_TRY(pen_json_add_string(into, pen_slice_str(schema->fields[i].name), err));
        PEN_TRY(pen_buf_add_char(into, ':', err));
        PEN_TRY(pen_cell_add_json(&cell, into, err));
    }
    return pen_buf_add_str(into, "}\n", err);
}

static enum pen_code add_rows(struct pen_duck_query *query, bool is_msgpack, struct pen_buf *into,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena scratch = PEN_ARENA(TAIL_MAX_BYTES);
    const struct pen_schema *schema = pen_duck_query_schema(query);
    for (;;) {
        const struct pen_batch *batch = NULL;
        PEN_TRY(pen_duck_query_next(query, &batch, err));
        if (batch == NULL)
            return PEN_OK;
        for (size_t row = 0; row < batch->rows; row++)
            PEN_TRY(is_msgpack ? pack_row(schema, batch, row, &scratch, into, err)
                               : json_row(schema, batch, row, into, err));
    }
}

/* The format of tails is msgpack, or JSON lines. */
static enum pen_code read_tail(struct pen_api_call *call, int64_t *ret_count, bool *ret_is_msgpack,
                               struct pen_error *err)
{
    struct pen_node *form = NULL;
    const char *format = NULL;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(
        pen_api_int(form, "count", (struct pen_api_range){0, TAIL_MAX_ROWS, 10}, ret_count, err));
    PEN_TRY(pen_api_text(form, "format", &format, err));
    *ret_is_msgpack = format == NULL || strcmp(format, "msgpack") == 0;
    if (!*ret_is_msgpack && strcmp(format, "json") != 0)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "parameter 'format' must be msgpack or json, not '%.40s'", format);
    return PEN_OK;
}

static enum pen_code get_tail(struct pen_api_call *call, struct pen_error *err)
{
    int64_t count = 0;
    bool is_msgpack = true;
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf rows = PEN_BUF(TAIL_MAX_BYTES);
    PEN_CLEANUP(pen_duck_session_close_p) struct pen_duck_session *session = NULL;
    PEN_CLEANUP(pen_duck_query_free_p) struct pen_duck_query *query = NULL;
    PEN_TRY(read_tail(call, &count, &is_msgpack, err));
    PEN_TRY(open_session(call, &session, err));
    PEN_TRY(pen_lake_tail_sql(call->params[0], call->params[1], count, &sql, err));
    PEN_TRY(pen_duck_query(session, pen_buf_slice(&sql), &query, err));
    PEN_TRY(add_rows(query, is_msgpack, &rows, err));
    return pen_api_reply_bytes(
        call, is_msgpack ? "application/x-msgpack" : "application/x-ndjson; charset=utf-8", &rows,
        err);
}

const struct pen_api_route pen_routes_result[] = {
    {"GET", "/v3/job/result/:job_id", PEN_API_VIEWER, 0, get_result, "The rows of a query"},
    {"GET", "/v3/table/tail/:database/:table", PEN_API_VIEWER, PEN_API_SLOW, get_tail,
     "The newest rows of a table"},
    {.method = NULL},
};
