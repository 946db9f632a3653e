#include "log/job_log.h"

#include "base/buf.h"

#include <errno.h>
#include <sys/stat.h>

static enum pen_code make_folder(const char *path, struct pen_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return PEN_OK;
    return pen_fail_errno(err, errno == EACCES ? PEN_ERR_AUTH : PEN_ERR_IO, errno,
                          "cannot create folder '%s'", path);
}

static enum pen_code make_folders(const char *folder, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_TRY(pen_buf_add_str(&path, folder, err));
    char *slash = strrchr(path.ptr, '/');
    if (slash != NULL && slash != path.ptr) {
        *slash = '\0';
        PEN_TRY(make_folder(path.ptr, err));
    }
    return make_folder(folder, err);
}

static enum pen_code open_one(const char *folder, const char *name,
                              const struct pen_log_options *options, struct pen_log **ret_log,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_TRY(pen_buf_addf(&path, err, "%s/%s", folder, name));
    return pen_log_open_file(path.ptr, options, ret_log, err);
}

enum pen_code pen_job_log_open(const char *folder, struct pen_job_log *ret_log,
                               struct pen_error *err)
{
    static const struct pen_log_options output = {.level = PEN_LOG_INFO, .is_plain = true};
    static const struct pen_log_options engine = {.level = PEN_LOG_DEBUG};
    struct pen_job_log log = {NULL, NULL};
    PEN_TRY(make_folders(folder, err));
    PEN_TRY(open_one(folder, "output.log", &output, &log.output, err));
    enum pen_code code = open_one(folder, "engine.log", &engine, &log.engine, err);
    if (code != PEN_OK) {
        pen_job_log_close(&log);
        return code;
    }
    *ret_log = log;
    return PEN_OK;
}

void pen_job_log_close(struct pen_job_log *log)
{
    pen_log_close(log->output);
    pen_log_close(log->engine);
    log->output = log->engine = NULL;
}

void pen_job_log_line(const struct pen_job_log *log, enum pen_log_level level,
                      const char *component, const char *text)
{
    pen_log_write(log->output, level, component, "%s", text);
    pen_log_write(log->engine, level, component, "%s", text);
}
