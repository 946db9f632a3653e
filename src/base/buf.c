#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void pen_free_p(void *pointer_variable)
{
    void **variable = pointer_variable;
    free(*variable);
    *variable = NULL;
}

void pen_buf_release(struct pen_buf *buf)
{
    if (buf == NULL)
        return;
    free(buf->ptr);
    buf->ptr = NULL;
    buf->len = buf->cap = 0;
}

void pen_buf_clear(struct pen_buf *buf)
{
    buf->len = 0;
    if (buf->ptr != NULL)
        buf->ptr[0] = '\0';
}

enum pen_code pen_buf_reserve(struct pen_buf *buf, size_t more, struct pen_error *err)
{
    if (more > buf->max - buf->len)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "buffer would pass its limit of %zu bytes",
                        buf->max);
    size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return PEN_OK;
    size_t cap = buf->cap < 64 ? 64 : buf->cap + buf->cap / 2;
    if (cap < need)
        cap = need;
    char *grown = realloc(buf->ptr, cap);
    if (grown == NULL)
        return pen_fail_nomem(err);
    buf->ptr = grown;
    buf->cap = cap;
    return PEN_OK;
}

enum pen_code pen_buf_add(struct pen_buf *buf, const void *bytes, size_t len, struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(buf, len, err));
    if (len > 0)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
    return PEN_OK;
}

enum pen_code pen_buf_add_slice(struct pen_buf *buf, struct pen_slice slice, struct pen_error *err)
{
    return pen_buf_add(buf, slice.ptr, slice.len, err);
}

enum pen_code pen_buf_add_str(struct pen_buf *buf, const char *text, struct pen_error *err)
{
    return pen_buf_add(buf, text, strlen(text), err);
}

enum pen_code pen_buf_add_char(struct pen_buf *buf, char c, struct pen_error *err)
{
    return pen_buf_add(buf, &c, 1, err);
}

enum pen_code pen_buf_addf(struct pen_buf *buf, struct pen_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return pen_fail(err, PEN_ERR_INTERNAL, "bad format '%s'", format);
    PEN_TRY(pen_buf_reserve(buf, (size_t)n, err));
    va_start(args, format);
    (void)vsnprintf(buf->ptr + buf->len, (size_t)n + 1, format, args); /* measured above */
    va_end(args);
    buf->len += (size_t)n;
    return PEN_OK;
}

enum pen_code pen_buf_add_visible(struct pen_buf *buf, struct pen_slice text, struct pen_error *err)
{
    static const char names[] = "abtnvfr";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 7 && c <= 13)
            PEN_TRY(pen_buf_addf(buf, err, "\\%c", names[c - 7]));
        else if (c == 0x1B)
            PEN_TRY(pen_buf_add_str(buf, "\\e", err));
        else if (c < 0x20 || c == 0x7F)
            PEN_TRY(pen_buf_addf(buf, err, "\\x%02X", c));
        else if (c == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0)
            PEN_TRY(pen_buf_addf(buf, err, "\\u%04X", (unsigned char)text.ptr[++i]));
        else
            PEN_TRY(pen_buf_add_char(buf, (char)c, err));
    }
    return PEN_OK;
}

static enum pen_code read_all(struct pen_buf *buf, int fd, const char *path, struct pen_error *err)
{
    for (;;) {
        size_t room = buf->max - buf->len < 65536 ? buf->max - buf->len : 65536;
        if (room == 0)
            return pen_fail(err, PEN_ERR_TOO_LARGE, "file is larger than %zu bytes", buf->max);
        PEN_TRY(pen_buf_reserve(buf, room, err));
        ssize_t n = read(fd, buf->ptr + buf->len, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot read '%s'", path);
        buf->len += (size_t)n;
        buf->ptr[buf->len] = '\0';
        if (n == 0)
            return PEN_OK;
    }
}

enum pen_code pen_buf_read_file(struct pen_buf *buf, const char *path, struct pen_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum pen_code code = errno == ENOENT || errno == ENOTDIR ? PEN_ERR_NOT_FOUND
                             : errno == EACCES                   ? PEN_ERR_AUTH
                                                                 : PEN_ERR_IO;
        return pen_fail_errno(err, code, errno, "cannot open '%s'", path);
    }
    enum pen_code code = read_all(buf, fd, path, err);
    (void)close(fd); /* opened for reading: nothing can be lost */
    if (code != PEN_OK)
        pen_error_where(err, "%s", path);
    return code;
}

char *pen_buf_take(struct pen_buf *buf)
{
    char *text = buf->ptr != NULL ? buf->ptr : calloc(1, 1);
    buf->ptr = NULL;
    buf->len = buf->cap = 0;
    return text;
}
