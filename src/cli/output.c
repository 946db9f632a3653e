#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define FLUSH_BYTES ((size_t)64 << 10)

static enum pen_code write_all(struct pen_output *out, struct pen_slice rest, struct pen_error *err)
{
    while (rest.len > 0) {
        ssize_t n = write(out->fd, rest.ptr, rest.len);
        if (n >= 0) {
            rest = pen_slice_skip(rest, (size_t)n);
        } else if (errno == EPIPE) {
            out->is_gone = true;
            return pen_fail(err, PEN_ERR_CANCELLED, "the reader of the output went away");
        } else if (errno == EAGAIN) { /* somebody made the terminal non-blocking */
            struct pollfd wait = {.fd = out->fd, .events = POLLOUT};
            (void)poll(&wait, 1, 1000); /* whatever it says, the next write tells */
        } else if (errno != EINTR) {
            return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write to the output");
        }
    }
    return PEN_OK;
}

enum pen_code pen_output_flush(struct pen_output *out, struct pen_error *err)
{
    if (out->is_gone || out->buf.len == 0)
        return PEN_OK;
    enum pen_code code = write_all(out, pen_buf_slice(&out->buf), err);
    pen_buf_clear(&out->buf);
    return code;
}

enum pen_code pen_output_add(struct pen_output *out, struct pen_slice text, struct pen_error *err)
{
    if (out->is_gone)
        return pen_fail(err, PEN_ERR_CANCELLED, "the reader of the output went away");
    PEN_TRY(pen_buf_add_slice(&out->buf, text, err));
    return out->buf.len >= FLUSH_BYTES ? pen_output_flush(out, err) : PEN_OK;
}

enum pen_code pen_output_addf(struct pen_output *out, struct pen_error *err, const char *format,
                              ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return pen_fail_nomem(err);
    PEN_CLEANUP(pen_free_p) char *owned = text;
    return pen_output_add(out, pen_slice(owned, (size_t)len), err);
}

void pen_output_release(struct pen_output *out)
{
    pen_buf_release(&out->buf);
}
