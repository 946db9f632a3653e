#include "api/log_stream.h"

#include "base/json_writer.h"
#include "meta/job.h"
#include "run/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES ((size_t)65536)

/* Without news a comment goes out so often, so that a client that left is noticed. */
#define QUIET_FILLS 75

enum { OUTPUT, ENGINE, LOG_COUNT };

static const struct {
    const char *file, *event;
} logs[LOG_COUNT] = {[OUTPUT] = {"output.log", "output"}, [ENGINE] = {"engine.log", "engine"}};

struct log_stream {
    char *home;
    int64_t job_id;
    struct pen_lake *(*lake_of)(void *local);
    long at[LOG_COUNT];
    struct pen_buf figures; /* as told last */
    unsigned quiet;
};

static void close_stream(void *context)
{
    struct log_stream *stream = context;
    free(stream->home);
    pen_buf_release(&stream->figures);
    free(stream);
}

static enum pen_code add_line(struct log_stream *stream, int log, const char *line, size_t len,
                              struct pen_buf *into, struct pen_error *err)
{
    PEN_TRY(pen_buf_addf(into, err, "id: %ld:%ld\nevent: %s\ndata: ", stream->at[OUTPUT],
                         stream->at[ENGINE], logs[log].event));
    PEN_TRY(pen_buf_add(into, line, len, err));
    return pen_buf_add_str(into, "\n\n", err);
}

/* Whole lines that are new, about PIECE_BYTES of them. *ret_is_more: there are further ones. */
static enum pen_code add_log(struct log_stream *stream, int log, struct pen_buf *into,
                             bool *ret_is_more, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    size_t cap = 0;
    PEN_TRY(pen_job_folder(stream->home, stream->job_id, &path, err));
    PEN_TRY(pen_buf_addf(&path, err, "/%s", logs[log].file));
    FILE *file = fopen(path.ptr, "re"); /* none before the job has begun */
    if (file == NULL)
        return PEN_OK;
    enum pen_code code = PEN_OK;
    (void)fseek(file, stream->at[log], SEEK_SET); /* fails on no file */
    for (ssize_t len; code == PEN_OK && (len = getline(&line, &cap, file)) > 0;) {
        if (line[len - 1] != '\n')
            break; /* half a line waits for its end */
        stream->at[log] += len;
        code = add_line(stream, log, line, (size_t)len - 1, into, err);
        *ret_is_more = into->len >= PIECE_BYTES;
        if (*ret_is_more)
            break;
    }
    (void)fclose(file); /* only read from */
    return code;
}

static enum pen_code print_figures(const struct pen_job *job, struct pen_buf *into,
                                   struct pen_error *err)
{
    struct pen_json_writer w = PEN_JSON_WRITER(into);
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "status", pen_job_status_name(job->status));
    pen_jw_member_int(&w, "num_records", (int64_t)job->counts.records);
    pen_jw_member_int(&w, "rejected", (int64_t)job->counts.rejected);
    pen_jw_member_int(&w, "filtered", (int64_t)job->counts.filtered);
    pen_jw_member_int(&w, "objects", (int64_t)job->counts.objects);
    pen_jw_member_int(&w, "bytes", (int64_t)job->counts.bytes);
    pen_jw_end_object(&w);
    return pen_jw_done(&w, err);
}

static enum pen_code add_figures(struct log_stream *stream, const char *event,
                                 struct pen_slice figures, struct pen_buf *into,
                                 struct pen_error *err)
{
    PEN_TRY(pen_buf_addf(into, err, "event: %s\ndata: %.*s\n\n", event, PEN_ARG(figures)));
    pen_buf_clear(&stream->figures);
    return pen_buf_add_slice(&stream->figures, figures, err);
}

/* The job is read before its logs: a finished one writes no more. */
static enum pen_code fill(void *context, void *local, struct pen_buf *into,
                          enum pen_http_flow *ret_flow, struct pen_error *err)
{
    struct log_stream *stream = context;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    PEN_CLEANUP(pen_buf_release) struct pen_buf figures = PEN_BUF(4096);
    struct pen_job job;
    bool is_more = false;
    struct pen_db *db = pen_lake_db(stream->lake_of(local));
    PEN_TRY(pen_job_get(db, stream->job_id, &arena, &job, err));
    PEN_TRY(print_figures(&job, &figures, err));
    for (int log = 0; log < LOG_COUNT && !is_more; log++)
        PEN_TRY(add_log(stream, log, into, &is_more, err));
    bool is_over = pen_job_status_is_finished(job.status) && !is_more;
    if (is_over)
        PEN_TRY(add_figures(stream, "end", pen_buf_slice(&figures), into, err));
    else if (!pen_slice_equal(pen_buf_slice(&figures), pen_buf_slice(&stream->figures)))
        PEN_TRY(add_figures(stream, "progress", pen_buf_slice(&figures), into, err));
    stream->quiet = into->len > 0 ? 0 : stream->quiet + 1;
    if (stream->quiet >= QUIET_FILLS) {
        stream->quiet = 0;
        PEN_TRY(pen_buf_add_str(into, ": still here\n\n", err));
    }
    *ret_flow = is_over ? PEN_HTTP_END : is_more ? PEN_HTTP_MORE : PEN_HTTP_WAIT;
    return PEN_OK;
}

enum pen_code pen_log_stream_open(const struct pen_log_stream_options *options,
                                  struct pen_http_stream *ret_stream, struct pen_error *err)
{
    struct log_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return pen_fail_nomem(err);
    stream->home = strdup(options->home);
    stream->job_id = options->job_id;
    stream->lake_of = options->lake_of;
    stream->figures = PEN_BUF(4096);
    if (stream->home == NULL) {
        close_stream(stream);
        return pen_fail_nomem(err);
    }
    const char *id = options->last_event_id;
    char *end = NULL;
    long output = id == NULL ? 0 : strtol(id, &end, 10);
    long engine = end == NULL || *end != ':' ? 0 : strtol(end + 1, NULL, 10);
    stream->at[OUTPUT] = output > 0 ? output : 0;
    stream->at[ENGINE] = engine > 0 ? engine : 0;
    *ret_stream = (struct pen_http_stream){stream, fill, close_stream};
    return PEN_OK;
}
