/* routes_job.c - /v3/job/...: the list, one job, its fate. What makes jobs: routes_issue.c;
 * results: routes_result.c. source: spec/cli.md 4. */
#include "api/api_words.h"
#include "api/routes_internal.h"

#include "base/json.h"
#include "run/query_run.h"
#include "run/run.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLY_MAX_BYTES ((size_t)128 << 20)

/* Of each log, its end at most. */
#define LOG_TAIL_BYTES ((size_t)8 << 20)

#define LIST_MAX       10000

/* --- one job ---------------------------------------------------------------------------------- */

/* The configuration as an object for show, as a text in lists; SQL always as a text. */
static void write_query(struct pen_json_writer *w, const struct pen_job *job, bool is_object)
{
    pen_jw_key(w, "query");
    if (is_object && !pen_query_is_query(job->type))
        pen_jw_raw(w, pen_slice_str(job->config));
    else
        pen_jw_text(w, job->config);
}

static const struct pen_json *result_member(struct pen_arena *arena, const struct pen_job *job,
                                            const char *key)
{
    struct pen_json *root = NULL;
    size_t used = 0;
    if (job->result == NULL || job->result[0] == '\0' ||
        pen_json_read(pen_slice_str(job->result), arena, &root, &used, NULL) != PEN_OK)
        return NULL;
    return pen_json_member(root, pen_slice_str(key));
}

static void write_result_members(struct pen_api_call *call, struct pen_json_writer *w,
                                 const struct pen_job *job)
{
    const struct pen_json *size = result_member(call->arena, job, "result_size");
    const struct pen_json *schema = result_member(call->arena, job, "schema");
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(REPLY_MAX_BYTES);
    if (size == NULL)
        pen_jw_member_null(w, "result_size");
    else
        pen_jw_member_int(w, "result_size", size->integer);
    /* a text that holds JSON: that is how the original sends it */
    if (schema == NULL || pen_json_write(schema, &text, NULL) != PEN_OK)
        pen_jw_member_null(w, "hive_result_schema");
    else
        pen_jw_member_text(w, "hive_result_schema", text.ptr);
}

static void write_job_members(struct pen_api_call *call, struct pen_json_writer *w,
                              const struct pen_job *job, bool is_object)
{
    int64_t seconds = 0;
    pen_api_member_id(w, "job_id", job->job_id);
    pen_jw_member_text(w, "type", job->type);
    pen_jw_member_text(w, "database", job->database);
    pen_jw_member_text(w, "table", job->table[0] == '\0' ? NULL : job->table);
    pen_jw_member_text(w, "status", pen_job_status_name(job->status));
    write_query(w, job, is_object);
    pen_api_member_time(w, "created_at", job->created_us);
    pen_api_member_time(w, "updated_at", job->ended_us != 0 ? job->ended_us : job->started_us);
    pen_api_member_time(w, "start_at", job->started_us);
    pen_api_member_time(w, "end_at", job->ended_us);
    if (pen_api_duration_s(job, pen_now_us(), &seconds))
        pen_jw_member_int(w, "duration", seconds);
    else
        pen_jw_member_null(w, "duration");
    pen_jw_member_null(w, "cpu_time");
    write_result_members(call, w, job);
    pen_jw_member_text(w, "result", "");
    pen_jw_member_int(w, "priority", job->priority);
    pen_jw_member_int(w, "retry_limit", job->retry_limit);
    pen_jw_member_int(w, "num_records", (int64_t)job->counts.records);
    pen_jw_member_text(w, "schedule", job->schedule);
}

static enum pen_code find_job(struct pen_api_call *call, struct pen_job *ret_job,
                              struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_TRY(pen_api_param_id(call, 0, "job", &job_id, err));
    return pen_job_get(pen_lake_db(call->lake), job_id, call->arena, ret_job, err);
}

/* The end of a log of the job's, from a whole line on; nothing when there is none. */
static enum pen_code read_log(struct pen_api_call *call, int64_t job_id, const char *name,
                              struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_job_folder(call->api->home, job_id, &path, err));
    PEN_TRY(pen_buf_addf(&path, err, "/%s", name));
    FILE *file = fopen(path.ptr, "re");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        if (file != NULL)
            (void)fclose(file); /* only read from */
        return PEN_OK;          /* a job that has not begun has none */
    }
    bool is_cut = info.st_size > (off_t)LOG_TAIL_BYTES;
    if (is_cut)
        (void)fseeko(file, info.st_size - (off_t)LOG_TAIL_BYTES, SEEK_SET);
    char piece[65536];
    size_t n = 0;
    enum pen_code code = PEN_OK;
    bool is_in_line = is_cut; /* the first line is not whole */
    while (code == PEN_OK && (n = fread(piece, 1, sizeof piece, file)) > 0) {
        const char *from = piece;
        if (is_in_line) {
            from = memchr(piece, '\n', n);
            is_in_line = from == NULL;
            from = is_in_line ? piece + n : from + 1;
        }
        code = pen_buf_add(into, from, (size_t)(piece + n - from), err);
    }
    (void)fclose(file); /* only read from */
    return code;
}

static enum pen_code write_debug(struct pen_api_call *call, struct pen_json_writer *w,
                                 const struct pen_job *job, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf output = PEN_BUF(2 * LOG_TAIL_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf engine = PEN_BUF(2 * LOG_TAIL_BYTES);
    PEN_TRY(read_log(call, job->job_id, "output.log", &output, err));
    PEN_TRY(read_log(call, job->job_id, "engine.log", &engine, err));
    pen_jw_key(w, "debug");
    pen_jw_begin_object(w);
    pen_jw_key(w, "cmdout");
    pen_jw_slice(w, pen_buf_slice(&output));
    pen_jw_key(w, "stderr");
    pen_jw_slice(w, pen_buf_slice(&engine));
    pen_jw_end_object(w);
    return PEN_OK;
}

static enum pen_code get_show(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_job job;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(find_job(call, &job, err));
    pen_jw_begin_object(&w);
    write_job_members(call, &w, &job, true);
    PEN_TRY(write_debug(call, &w, &job, err));
    pen_jw_member_int(&w, "rejected", (int64_t)job.counts.rejected);
    pen_jw_member_int(&w, "filtered", (int64_t)job.counts.filtered);
    pen_jw_member_int(&w, "objects", (int64_t)job.counts.objects);
    pen_jw_member_int(&w, "bytes", (int64_t)job.counts.bytes);
    pen_jw_member_text(&w, "error", job.error[0] == '\0' ? NULL : job.error);
    char url[64];
    (void)snprintf(url, sizeof url, "/console/jobs/%" PRId64, job.job_id); /* always fits */
    pen_jw_member_text(&w, "url", url);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code get_status(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_job job;
    int64_t seconds = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(65536);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(find_job(call, &job, err));
    pen_jw_begin_object(&w);
    pen_api_member_id(&w, "job_id", job.job_id);
    pen_jw_member_text(&w, "status", pen_job_status_name(job.status));
    pen_api_member_time(&w, "created_at", job.created_us);
    pen_api_member_time(&w, "start_at", job.started_us);
    pen_api_member_time(&w, "end_at", job.ended_us);
    if (pen_api_duration_s(&job, pen_now_us(), &seconds))
        pen_jw_member_int(&w, "duration", seconds);
    else
        pen_jw_member_null(&w, "duration");
    pen_jw_member_null(&w, "cpu_time");
    pen_jw_member_int(&w, "num_records", (int64_t)job.counts.records);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- the list --------------------------------------------------------------------------------- */

static enum pen_code read_filter(struct pen_api_call *call, struct pen_job_filter *ret_filter,
                                 int64_t *ret_from, int64_t *ret_to, struct pen_error *err)
{
    struct pen_node *form = NULL;
    const char *status = NULL;
    int64_t slower_s = 0;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_int(form, "from", (struct pen_api_range){0, INT32_MAX, 0}, ret_from, err));
    PEN_TRY(
        pen_api_int(form, "to", (struct pen_api_range){0, INT32_MAX, *ret_from + 19}, ret_to, err));
    PEN_TRY(
        pen_api_int(form, "slower_than", (struct pen_api_range){0, INT32_MAX, 0}, &slower_s, err));
    PEN_TRY(pen_api_text(form, "status", &status, err));
    int64_t count = *ret_to >= *ret_from ? *ret_to - *ret_from + 1 : 0;
    *ret_filter = (struct pen_job_filter){
        .skip = (size_t)*ret_from,
        .max = (size_t)(count > LIST_MAX ? LIST_MAX : count),
        .has_status = status != NULL && status[0] != '\0',
        .slower_than_us = slower_s * PEN_US_PER_SECOND,
        .now_us = pen_now_us(),
    };
    if (ret_filter->has_status &&
        !pen_job_status_from_name(pen_slice_str(status), &ret_filter->status))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "parameter 'status' must be queued, booting, running, success, error or "
                        "killed, not '%.40s'",
                        status);
    return PEN_OK;
}

static enum pen_code get_list(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_job_filter filter;
    struct pen_job *jobs = NULL;
    size_t count = 0;
    int64_t from = 0, to = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(read_filter(call, &filter, &from, &to, err));
    PEN_TRY(pen_job_list(pen_lake_db(call->lake), &filter, call->arena, &jobs, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_member_int(&w, "count", (int64_t)count);
    pen_jw_member_int(&w, "from", from);
    pen_jw_member_int(&w, "to", to);
    pen_jw_key(&w, "jobs");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        pen_jw_begin_object(&w);
        write_job_members(call, &w, &jobs[i], false);
        pen_jw_end_object(&w);
    }
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- killing ---------------------------------------------------------------------------------- */

static enum pen_code post_kill(struct pen_api_call *call, struct pen_error *err)
{
    int64_t job_id = 0;
    enum pen_job_status former = PEN_JOB_QUEUED;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(65536);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(pen_api_param_id(call, 0, "job", &job_id, err));
    PEN_TRY(pen_job_kill(pen_lake_db(call->lake), job_id, pen_now_us(), &former, err));
    pen_jw_begin_object(&w);
    pen_api_member_id(&w, "job_id", job_id);
    pen_jw_member_text(&w, "former_status", pen_job_status_name(former));
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

const struct pen_api_route pen_routes_job[] = {
    {"GET", "/v3/job/list", PEN_API_VIEWER, 0, get_list, "Jobs, newest first"},
    {"GET", "/v3/job/show/:job_id", PEN_API_VIEWER, 0, get_show, "One job with its logs"},
    {"GET", "/v3/job/status/:job_id", PEN_API_VIEWER, 0, get_status, "How far one job is"},
    {"POST", "/v3/job/kill/:job_id", PEN_API_OPERATOR, PEN_API_SLOW, post_kill, "Stop a job"},
    {.method = NULL},
};
