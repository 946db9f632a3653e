/* log.h - structured lines: time, level, component, text.
 *
 *     text: 2026-11-22T21:41:17.123Z warn  s3: slow reply
 *     json: {"ts":"2026-11-22T21:41:17.123Z","level":"warn","component":"s3","msg":"slow reply"}
 *
 * error = someone must act, warn = degraded, info = a line per run and object, debug = per
 * component, only for those that are traced. A line is written with one write call, so lines of
 * several threads and processes do not mix. thread: any. Logging never fails: what cannot be
 * written is lost, the work goes on. Only run, sched, flow, api and cli log. */
#ifndef PEN_LOG_LOG_H
#define PEN_LOG_LOG_H

#include "base/cleanup.h"
#include "base/error.h"

enum pen_log_level { PEN_LOG_ERROR, PEN_LOG_WARN, PEN_LOG_INFO, PEN_LOG_DEBUG };
enum pen_log_format { PEN_LOG_TEXT, PEN_LOG_JSON };

struct pen_log;

struct pen_log_options {
    enum pen_log_format format;
    enum pen_log_level level; /* lines above it are dropped */
    const char *trace;        /* "s3,csv" or "all": debug lines of these components whatever the
                                 level; NULL for none; copied */
    bool is_plain;            /* the text only, without time, level and component: output.log */
};

/* pen_log_open_fd - writes to a descriptor that stays the caller's.
 * pen_log_open_file - appends to a file (0600). errors: PEN_ERR_IO, PEN_ERR_AUTH. */
PEN_MUST_USE enum pen_code pen_log_open_fd(int fd, const struct pen_log_options *options,
                                           struct pen_log **ret_log, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_log_open_file(const char *path,
                                             const struct pen_log_options *options,
                                             struct pen_log **ret_log, struct pen_error *err);
void pen_log_close(struct pen_log *log);
PEN_DEFINE_FREE_P(struct pen_log *, pen_log_close)

/* pen_log_wants - whether a line of that level and component would be written: for callers that
 * would compute much for nothing. NULL log: never. */
bool pen_log_wants(const struct pen_log *log, enum pen_log_level level, const char *component);

/* pen_log_set_level - the least important level to write from now on. thread: any. */
void pen_log_set_level(struct pen_log *log, enum pen_log_level level);

/* pen_log_write - one line; line ends in the text become spaces. NULL log: nothing. */
void pen_log_write(struct pen_log *log, enum pen_log_level level, const char *component,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* pen_log_level_from_name - "error", "warn", "info", "debug"; info for any other word. */
enum pen_log_level pen_log_level_from_name(const char *name);

#endif
