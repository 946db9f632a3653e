#define PEN_FAIL_BODIES
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
    [PEN_OK] = "ok",
    [PEN_ERR_CONFIG] = "config",
    [PEN_ERR_AUTH] = "auth",
    [PEN_ERR_NOT_FOUND] = "not_found",
    [PEN_ERR_THROTTLED] = "throttled",
    [PEN_ERR_IO] = "io",
    [PEN_ERR_CORRUPT] = "corrupt",
    [PEN_ERR_TOO_LARGE] = "too_large",
    [PEN_ERR_CONFLICT] = "conflict",
    [PEN_ERR_CANCELLED] = "cancelled",
    [PEN_ERR_NOMEM] = "no_memory",
    [PEN_ERR_INTERNAL] = "internal",
};

const char *pen_error_code_name(enum pen_code code)
{
    return code_names[code];
}

static void start(struct pen_error *err, enum pen_code code)
{
    *err = (struct pen_error){.code = code};
}

enum pen_code pen_fail(struct pen_error *err, enum pen_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    start(err, code);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args); /* cut on purpose */
    va_end(args);
    return code;
}

enum pen_code pen_fail_errno(struct pen_error *err, enum pen_code code, int sys_errno,
                             const char *format, ...)
{
    if (err == NULL)
        return code;
    start(err, code);
    err->sys_errno = sys_errno;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    char text[96];
    /* GNU strerror_r: thread safe, may answer a static text instead of filling ours */
    const char *reason = strerror_r(sys_errno, text, sizeof text);
    if (n >= 0 && (size_t)n < sizeof err->message)
        (void)snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", reason);
    if (sys_errno == ENOSPC || sys_errno == EDQUOT)
        pen_error_hint(err, "free disk space or move --home to a larger disk, then run again");
    if (sys_errno == EFBIG)
        pen_error_hint(err, "raise the limit on the size of files (ulimit -f), then run again");
    return code;
}

enum pen_code pen_fail_nomem(struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_NOMEM, "out of memory");
}

enum pen_code pen_wrap(struct pen_error *err, enum pen_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    char inner[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->message)
        (void)snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", inner);
    return err->code;
}

void pen_error_where(struct pen_error *err, const char *format, ...)
{
    if (err == NULL || err->where[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->where, sizeof err->where, format, args);
    va_end(args);
}

void pen_error_hint(struct pen_error *err, const char *format, ...)
{
    if (err == NULL || err->hint[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
}
