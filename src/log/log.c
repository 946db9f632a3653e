#include "log/log.h"

#include "base/buf.h"
#include "base/civil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The longest line; longer ones are cut. */
#define LINE_BYTES 8192

struct pen_log {
    struct pen_log_options options;
    _Atomic int level; /* as options.level, until it is changed */
    int fd;
    bool is_own_fd;
    char trace[]; /* "" for none */
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

enum pen_log_level pen_log_level_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(name, level_names[i]) == 0)
            return (enum pen_log_level)i;
    return PEN_LOG_INFO;
}

enum pen_code pen_log_open_fd(int fd, const struct pen_log_options *options,
                              struct pen_log **ret_log, struct pen_error *err)
{
    const char *trace = options->trace != NULL ? options->trace : "";
    size_t len = strlen(trace) + 1;
    struct pen_log *log = malloc(sizeof *log + len);
    if (log == NULL)
        return pen_fail_nomem(err);
    log->options = *options;
    log->level = (int)options->level;
    log->fd = fd;
    log->is_own_fd = false;
    memcpy(log->trace, trace, len);
    log->options.trace = log->trace;
    *ret_log = log;
    return PEN_OK;
}

enum pen_code pen_log_open_file(const char *path, const struct pen_log_options *options,
                                struct pen_log **ret_log, struct pen_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return pen_fail_errno(err, errno == EACCES ? PEN_ERR_AUTH : PEN_ERR_IO, errno,
                              "cannot open log '%s'", path);
    enum pen_code code = pen_log_open_fd(fd, options, ret_log, err);
    if (code == PEN_OK)
        (*ret_log)->is_own_fd = true;
    else
        (void)close(fd); /* nothing was written */
    return code;
}

void pen_log_close(struct pen_log *log)
{
    if (log != NULL && log->is_own_fd)
        (void)close(log->fd); /* a log that cannot be closed is a log that is lost */
    free(log);
}

static bool is_traced(const char *list, const char *component)
{
    size_t len = strlen(component);
    for (const char *at = list; *at != '\0';) {
        const char *end = strchrnul(at, ',');
        size_t word = (size_t)(end - at);
        if ((word == len && memcmp(at, component, len) == 0) ||
            (word == 3 && memcmp(at, "all", 3) == 0))
            return true;
        at = *end == ',' ? end + 1 : end;
    }
    return false;
}

bool pen_log_wants(const struct pen_log *log, enum pen_log_level level, const char *component)
{
    if (log == NULL)
        return false;
    return (int)level <= log->level ||
           (level == PEN_LOG_DEBUG && is_traced(log->options.trace, component));
}

static size_t print_time(char *out)
{
    int64_t now_us = pen_now_us();
    struct pen_civil c = pen_civil_from_us(now_us);
    int len = snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)c.year, c.month, c.day,
                       c.hour, c.minute, c.second, c.us / 1000);
    return len > 0 ? (size_t)len : 0;
}

/* Control characters would break the line; in JSON they and quotes are escaped. */
static size_t add_escaped(char *line, size_t len, size_t max, const char *text, bool is_json)
{
    for (; *text != '\0' && len + 7 < max; text++) {
        unsigned char c = (unsigned char)*text;
        if (is_json && (c == '"' || c == '\\')) {
            line[len++] = '\\';
            line[len++] = (char)c;
        } else if (c >= 0x20 && c != 0x7F) {
            line[len++] = (char)c;
        } else if (is_json) {
            int n = snprintf(line + len, max - len, "\\u%04x", c);
            len += n > 0 ? (size_t)n : 0;
        } else {
            line[len++] = ' ';
        }
    }
    return len;
}

static size_t print_line(const struct pen_log *log, enum pen_log_level level, const char *component,
                         const char *text, char *line)
{
    char when[40];
    size_t len = 0;
    bool is_json = log->options.format == PEN_LOG_JSON;
    int n = 0;
    when[print_time(when)] = '\0';
    if (is_json)
        n = snprintf(line, LINE_BYTES,
                     "{\"ts\":\"%s\",\"level\":\"%s\",\"component\":\"%.64s\",\"msg\":\"", when,
                     level_names[level], component);
    else if (!log->options.is_plain)
        n = snprintf(line, LINE_BYTES, "%s %-5s %.64s: ", when, level_names[level], component);
    len = n > 0 ? (size_t)n : 0;
    len = add_escaped(line, len, LINE_BYTES - 4, text, is_json);
    if (is_json) {
        line[len++] = '"';
        line[len++] = '}';
    }
    line[len++] = '\n';
    return len;
}

void pen_log_set_level(struct pen_log *log, enum pen_log_level level)
{
    log->level = (int)level;
}

void pen_log_write(struct pen_log *log, enum pen_log_level level, const char *component,
                   const char *format, ...)
{
    if (!pen_log_wants(log, level, component))
        return;
    char text[LINE_BYTES / 2], line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    size_t len = print_line(log, level, component, text, line);
    ssize_t written = write(log->fd, line, len);
    (void)written; /* logging never fails: a lost line must not stop the work */
}
