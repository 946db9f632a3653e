/* routes_issue.c - what looks at a source or makes a job: guess, preview, issue (spec/cli.md 4). */
#include "api/api_config.h"
#include "api/api_words.h"
#include "api/routes_internal.h"

#include "batch/cell.h"
#include "run/query_run.h"

#define REPLY_MAX_BYTES ((size_t)128 << 20)
#define PREVIEW_ROWS    15

/* --- guess ------------------------------------------------------------------------------------ */

static enum pen_code post_guess(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *body = NULL, *guessed = NULL;
    struct pen_guess_report report;
    struct pen_run_env env;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    PEN_TRY(pen_api_json(call, &body, err));
    PEN_TRY(pen_api_config(call, body, NULL, &env, err));
    PEN_TRY(pen_api_upstream(call, pen_run_guess(&env, &guessed, &report, err)));
    PEN_TRY(pen_buf_add_str(&json, "{\"config\":", err));
    PEN_TRY(pen_tree_write_json(guessed, false, &json, err));
    PEN_TRY(pen_buf_add_char(&json, '}', err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- preview ---------------------------------------------------------------------------------- */

struct preview {
    struct pen_json_writer schema, records, rejects;
    struct pen_buf cell, scratch;
};

static void write_schema(struct preview *preview, const struct pen_schema *schema)
{
    struct pen_json_writer *w = &preview->schema;
    for (size_t i = 0; i < schema->count; i++) {
        pen_jw_begin_object(w);
        pen_jw_member_int(w, "index", (int64_t)i);
        pen_jw_member_text(w, "name", schema->fields[i].name);
        pen_jw_member_text(w, "type", pen_type_name(schema->fields[i].type));
        pen_jw_end_object(w);
    }
}

static enum pen_code on_rows(void *context, const struct pen_schema *schema,
                             const struct pen_batch *batch, size_t rows, struct pen_error *err)
{
    struct preview *preview = context;
    if (batch == NULL) {
        write_schema(preview, schema);
        return PEN_OK;
    }
    for (size_t row = 0; row < rows; row++) {
        pen_jw_begin_array(&preview->records);
        for (size_t i = 0; i < batch->column_count; i++) {
            pen_buf_clear(&preview->cell);
            pen_buf_clear(&preview->scratch);
            PEN_TRY(pen_buf_reserve(&preview->scratch, PEN_CELL_TEXT_BYTES, err));
            struct pen_cell cell = pen_cell_of(&batch->columns[i], row, &preview->scratch);
            PEN_TRY(pen_cell_add_json(&cell, &preview->cell, err));
            pen_jw_raw(&preview->records, pen_buf_slice(&preview->cell));
        }
        pen_jw_end_array(&preview->records);
    }
    return PEN_OK;
}

static void on_reject(void *context, const struct pen_reject *reject)
{
    struct pen_json_writer *w = &((struct preview *)context)->rejects;
    pen_jw_begin_object(w);
    pen_jw_member_text(w, "object", reject->object);
    pen_jw_member_int(w, "line", (int64_t)reject->line);
    pen_jw_member_int(w, "offset", (int64_t)reject->offset);
    pen_jw_member_text(w, "column", reject->column);
    pen_jw_member_text(w, "code", reject->code);
    pen_jw_key(w, "reason");
    pen_jw_slice(w, reject->reason);
    pen_jw_key(w, "raw");
    pen_jw_slice(w, reject->raw);
    pen_jw_end_object(w);
}

static enum pen_code read_rows(const struct pen_node *body, int64_t *ret_rows,
                               struct pen_error *err)
{
    const struct pen_node *config = pen_node_get(body, "config");
    struct pen_api_range range = {0, 1000000, PREVIEW_ROWS};
    PEN_TRY(pen_api_int(config, "preview_sample_rows", range, &range.fallback, err));
    return pen_api_int(body, "rows", range, ret_rows, err);
}

static enum pen_code run_preview(struct pen_api_call *call, struct preview *preview,
                                 struct pen_preview_result *ret_result, struct pen_error *err)
{
    struct pen_node *body = NULL;
    struct pen_run_env env;
    struct pen_preview_options options = {.on_reject = on_reject, .reject_context = preview};
    PEN_TRY(pen_api_json(call, &body, err));
    PEN_TRY(pen_api_config(call, body, NULL, &env, err));
    PEN_TRY(read_rows(body, &options.max_rows, err));
    return pen_api_upstream(call,
                            pen_run_preview(&env, &options, on_rows, preview, ret_result, err));
}

static enum pen_code reply_preview(struct pen_api_call *call, bool has_rejects,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf schema = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf records = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf rejects = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct preview preview = {.schema = PEN_JSON_WRITER(&schema),
                              .records = PEN_JSON_WRITER(&records),
                              .rejects = PEN_JSON_WRITER(&rejects),
                              .cell = PEN_BUF(REPLY_MAX_BYTES),
                              .scratch = PEN_BUF(REPLY_MAX_BYTES)};
    struct pen_preview_result result = {0};
    enum pen_code code = run_preview(call, &preview, &result, err);
    pen_buf_release(&preview.cell);
    pen_buf_release(&preview.scratch);
    PEN_TRY(code);
    PEN_TRY(pen_jw_done(&preview.schema, err));
    PEN_TRY(pen_jw_done(&preview.records, err));
    PEN_TRY(pen_jw_done(&preview.rejects, err));
    PEN_TRY(pen_buf_addf(&json, err, "{\"schema\":[%s],\"records\":[%s]",
                         schema.ptr == NULL ? "" : schema.ptr,
                         records.ptr == NULL ? "" : records.ptr));
    if (has_rejects)
        PEN_TRY(pen_buf_addf(&json, err,
                             ",\"rejects\":[%s],\"rows\":%llu,\"rejected\":%llu,\"filtered\":%llu,"
                             "\"is_cut\":%s",
                             rejects.ptr == NULL ? "" : rejects.ptr,
                             (unsigned long long)result.rows, (unsigned long long)result.rejected,
                             (unsigned long long)result.filtered,
                             result.is_cut ? "true" : "false"));
    PEN_TRY(pen_buf_add_char(&json, '}', err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code post_preview(struct pen_api_call *call, struct pen_error *err)
{
    return reply_preview(call, false, err);
}

static enum pen_code post_sample(struct pen_api_call *call, struct pen_error *err)
{
    return reply_preview(call, true, err);
}

/* --- issue ------------------------------------------------------------------------------------ */

static enum pen_code reply_job(struct pen_api_call *call, const char *database, int64_t job_id,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(65536);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    pen_jw_begin_object(&w);
    pen_api_member_id(&w, "job_id", job_id);
    pen_api_member_id(&w, "job", job_id);
    pen_jw_member_text(&w, "database", database);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code submit_load(struct pen_api_call *call, int64_t *ret_job_id,
                                 struct pen_error *err)
{
    struct pen_node *body = NULL;
    struct pen_run_env env;
    struct pen_submit_options options = {.database = call->params[0]};
    int64_t priority = 0, retry_limit = 0;
    PEN_TRY(pen_api_json(call, &body, err));
    PEN_TRY(pen_api_config(call, body, NULL, &env, err));
    PEN_TRY(pen_api_need_text(body, "table", &options.table, err));
    PEN_TRY(pen_api_text(body, "time_column", &options.time_column, err));
    PEN_TRY(pen_api_text(body, "domain_key", &options.domain_key, err));
    PEN_TRY(pen_api_bool(body, "auto_create_table", false, &options.auto_create_table, err));
    PEN_TRY(pen_api_int(body, "priority", (struct pen_api_range){-2, 2, 0}, &priority, err));
    PEN_TRY(pen_api_int(body, "retry_limit", (struct pen_api_range){0, 100, 0}, &retry_limit, err));
    options.priority = (int)priority;
    options.retry_limit = (int)retry_limit;
    return pen_run_submit(&env, &options, ret_job_id, err);
}

static enum pen_code post_issue_load(struct pen_api_call *call, struct pen_error *err)
{
    int64_t job_id = 0;
    enum pen_code code = submit_load(call, &job_id, err);
    pen_api_add_conflict(call, code, err);
    PEN_TRY(code);
    pen_api_wake(call->api);
    return reply_job(call, call->params[0], job_id, err);
}

static enum pen_code submit_query(struct pen_api_call *call, const char *type, int64_t *ret_job_id,
                                  struct pen_error *err)
{
    struct pen_node *form = NULL;
    struct pen_query_options options = {.type = type, .database = call->params[0]};
    const char *sql = NULL, *result = NULL;
    int64_t priority = 0, retry_limit = 0;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_need_text(form, "query", &sql, err));
    PEN_TRY(pen_api_text(form, "result", &result, err));
    PEN_TRY(pen_api_text(form, "domain_key", &options.domain_key, err));
    PEN_TRY(pen_api_int(form, "priority", (struct pen_api_range){-2, 2, 0}, &priority, err));
    PEN_TRY(pen_api_int(form, "retry_limit", (struct pen_api_range){0, 100, 0}, &retry_limit, err));
    if (result != NULL && result[0] != '\0')
        return pen_api_refuse(call, 422, err,
                              "parameter 'result': results are kept by the server and cannot be "
                              "sent elsewhere; read them with /v3/job/result");
    options.sql = pen_slice_str(sql);
    options.priority = (int)priority;
    options.retry_limit = (int)retry_limit;
    return pen_query_submit(call->lake, &options, ret_job_id, err);
}

static enum pen_code issue_query(struct pen_api_call *call, const char *type, struct pen_error *err)
{
    int64_t job_id = 0;
    enum pen_code code = submit_query(call, type, &job_id, err);
    pen_api_add_conflict(call, code, err);
    PEN_TRY(code);
    pen_api_wake(call->api);
    return reply_job(call, call->params[0], job_id, err);
}

static enum pen_code post_issue_presto(struct pen_api_call *call, struct pen_error *err)
{
    return issue_query(call, "presto", err);
}

static enum pen_code post_issue_hive(struct pen_api_call *call, struct pen_error *err)
{
    return issue_query(call, "hive", err);
}

const struct pen_api_route pen_routes_issue[] = {
    {"POST", "/v3/bulk_loads/guess", PEN_API_OPERATOR, PEN_API_FAR, post_guess,
     "Complete a configuration from a sample"},
    {"POST", "/v3/bulk_loads/preview", PEN_API_OPERATOR, PEN_API_FAR, post_preview,
     "The first rows as a load would read them"},
    {"POST", "/api/v1/samples", PEN_API_OPERATOR, PEN_API_FAR, post_sample,
     "A preview with its rejected records"},
    {"POST", "/v3/job/issue/bulkload/:database", PEN_API_OPERATOR, PEN_API_SLOW, post_issue_load,
     "Queue a load"},
    {"POST", "/v3/job/issue/presto/:database", PEN_API_OPERATOR, PEN_API_SLOW, post_issue_presto,
     "Queue a query"},
    {"POST", "/v3/job/issue/hive/:database", PEN_API_OPERATOR, PEN_API_SLOW, post_issue_hive,
     "Queue a query"},
    {.method = NULL},
};
