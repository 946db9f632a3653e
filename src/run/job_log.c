#include "run/job_log.h"

#include "base/buf.h"

#include <inttypes.h>

static enum pen_code open_one(const char *folder, const char *name, bool is_plain,
                              struct pen_log **ret_log, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s/%s", folder, name));
    struct pen_log_options options = {.format = PEN_LOG_TEXT,
                                      .level = is_plain ? PEN_LOG_INFO : PEN_LOG_DEBUG,
                                      .is_plain = is_plain};
    return pen_log_open_file(path.ptr, &options, ret_log, err);
}

enum pen_code pen_job_log_open(struct pen_job_log *log, const char *folder, struct pen_error *err)
{
    PEN_TRY(open_one(folder, "engine.log", false, &log->engine, err));
    return open_one(folder, "output.log", true, &log->output, err);
}

void pen_job_log_close(struct pen_job_log *log)
{
    pen_log_close(log->engine);
    pen_log_close(log->output);
    log->engine = log->output = NULL;
}

void pen_job_log_write(void *context, const char *level, const char *text)
{
    struct pen_job_log *log = context;
    enum pen_log_level value = pen_log_level_from_name(level);
    pen_log_write(log->engine, value, "run", "%s", text);
    pen_log_write(log->output, value, "run", "%s", text);
    if (log->forward != NULL)
        log->forward(log->forward_context, level, text);
}

void pen_job_log_reject(struct pen_job_log *log, const struct pen_reject *reject)
{
    if (log->reject_lines > PEN_JOB_LOG_REJECTS)
        return;
    if (log->reject_lines++ == PEN_JOB_LOG_REJECTS) {
        pen_log_write(log->output, PEN_LOG_WARN, "run",
                      "further rejected records are not shown here: see job:rejects");
        return;
    }
    int raw = reject->raw.len < 1000 ? (int)reject->raw.len : 1000;
    pen_log_write(log->output, PEN_LOG_WARN, "run", "Skipped line %s:%" PRIu64 " (%.*s): %.*s",
                  reject->object, reject->line, PEN_ARG(reject->reason), raw, reject->raw.ptr);
}

void pen_job_log_error(struct pen_job_log *log, const struct pen_error *failed)
{
    const char *separator = failed->where[0] != '\0' ? ": " : "";
    pen_log_write(log->engine, PEN_LOG_ERROR, "run", "%s: %s%s%s (offset %" PRIu64 ", errno %d)",
                  pen_error_code_name(failed->code), failed->where, separator, failed->message,
                  failed->offset, failed->sys_errno);
    pen_log_write(log->output, PEN_LOG_ERROR, "run", "Error: %s%s%s%s%s", failed->where, separator,
                  failed->message, failed->hint[0] != '\0' ? "; " : "", failed->hint);
}
