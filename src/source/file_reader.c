#include "source/file_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct file_reader {
    struct pen_reader base;
    const volatile int *cancel;
    char *path;
    char etag[PEN_FILE_ETAG_TEXT]; /* of the version that was opened */
    int fd;                        /* -1: opening failed, see `failed` */
    uint64_t at, size_bytes;
    struct pen_error failed; /* of opening; reported by the first read */
};

void pen_file_etag(const struct stat *info, char *out)
{
    long long ns = (long long)info->st_mtim.tv_sec * 1000000000LL + info->st_mtim.tv_nsec;
    (void)snprintf(out, PEN_FILE_ETAG_TEXT, "%lld-%lld", ns, (long long)info->st_size);
}

int64_t pen_file_modified_us(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * PEN_US_PER_SECOND + info->st_mtim.tv_nsec / 1000;
}

static enum pen_code fail_changed(const struct file_reader *reader, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CONFLICT, "the file changed while it was being read");
    if (err != NULL)
        err->offset = reader->at;
    pen_error_where(err, "%s", reader->path);
    pen_error_hint(err, "write to another name and rename when the file is complete");
    return PEN_ERR_CONFLICT;
}

static enum pen_code fail_system(const struct file_reader *reader, const char *what,
                                 struct pen_error *err)
{
    int code = errno;
    enum pen_code kind = code == ENOENT || code == ENOTDIR ? PEN_ERR_NOT_FOUND
                         : code == EACCES || code == EPERM ? PEN_ERR_AUTH
                                                           : PEN_ERR_IO;
    (void)pen_fail_errno(err, kind, code, "%s '%s'", what, reader->path); /* returned below */
    if (err != NULL)
        err->offset = reader->at;
    pen_error_where(err, "%s", reader->path);
    return kind;
}

/* The open file still is what was opened: neither cut, grown nor rewritten. */
static enum pen_code check_version(const struct file_reader *reader, struct pen_error *err)
{
    struct stat info;
    char etag[PEN_FILE_ETAG_TEXT];
    if (fstat(reader->fd, &info) != 0)
        return fail_system(reader, "cannot stat", err);
    pen_file_etag(&info, etag);
    return strcmp(etag, reader->etag) == 0 ? PEN_OK : fail_changed(reader, err);
}

static enum pen_code open_file(struct file_reader *reader, int folder_fd, const char *expected_etag,
                               struct pen_error *err)
{
    /* not blocking: a file that became a pipe must not hang us */
    reader->fd = openat(folder_fd, reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0)
        return fail_system(reader, "cannot open", err);
    struct stat info;
    if (fstat(reader->fd, &info) != 0)
        return fail_system(reader, "cannot stat", err);
    if (!S_ISREG(info.st_mode))
        return fail_changed(reader, err);
    pen_file_etag(&info, reader->etag);
    if (expected_etag != NULL && expected_etag[0] != '\0' &&
        strcmp(expected_etag, reader->etag) != 0)
        return fail_changed(reader, err);
    reader->size_bytes = (uint64_t)info.st_size;
    (void)posix_fadvise(reader->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only advice */
    (void)posix_fadvise(reader->fd, (off_t)reader->at, 4 << 20, POSIX_FADV_WILLNEED);
    return PEN_OK;
}

static enum pen_code check_ready(const struct file_reader *reader, struct pen_error *err)
{
    if (reader->failed.code != PEN_OK) {
        if (err != NULL)
            *err = reader->failed;
        return reader->failed.code;
    }
    if (reader->cancel != NULL && *reader->cancel != 0)
        return pen_fail(err, PEN_ERR_CANCELLED, "cancelled while reading '%s'", reader->path);
    return PEN_OK;
}

/* 1..len bytes at `offset`, which is before the end. */
static enum pen_code read_some(const struct file_reader *reader, uint64_t offset, void *buf,
                               size_t len, size_t *ret_len, struct pen_error *err)
{
    ssize_t n = -1;
    do
        n = pread(reader->fd, buf, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_system(reader, "cannot read", err);
    if (n == 0) /* shorter than when it was opened */
        return fail_changed(reader, err);
    *ret_len = (size_t)n;
    return PEN_OK;
}

static enum pen_code file_reader_read(struct pen_reader *base, void *buf, size_t cap,
                                      size_t *ret_len, struct pen_error *err)
{
    struct file_reader *reader = (struct file_reader *)base;
    PEN_TRY(check_ready(reader, err));
    if (reader->at >= reader->size_bytes) {
        PEN_TRY(check_version(reader, err));
        *ret_len = 0;
        return PEN_OK;
    }
    uint64_t left = reader->size_bytes - reader->at;
    PEN_TRY(read_some(reader, reader->at, buf, left < cap ? (size_t)left : cap, ret_len, err));
    reader->at += *ret_len;
    return PEN_OK;
}

static enum pen_code file_reader_read_at(struct pen_reader *base, uint64_t offset, void *buf,
                                         size_t len, struct pen_error *err)
{
    struct file_reader *reader = (struct file_reader *)base;
    PEN_TRY(check_ready(reader, err));
    if (offset > reader->size_bytes || len > reader->size_bytes - offset) {
        (void)pen_fail(err, PEN_ERR_CORRUPT, "bytes %llu to %llu are past the end",
                       (unsigned long long)offset, (unsigned long long)(offset + len));
        pen_error_where(err, "%s", reader->path);
        return PEN_ERR_CORRUPT;
    }
    for (size_t done = 0; done < len;) {
        size_t n = 0;
        PEN_TRY(read_some(reader, offset + done, (char *)buf + done, len - done, &n, err));
        done += n;
    }
    return check_version(reader, err);
}

static void file_reader_close(struct pen_reader *base)
{
    struct file_reader *reader = (struct file_reader *)base;
    if (reader->fd >= 0)
        (void)close(reader->fd); /* opened for reading */
    free(reader->path);
    free(reader);
}

enum pen_code pen_file_reader_new(const struct pen_object *object, uint64_t offset, int folder_fd,
                                  const volatile int *cancel, struct pen_reader **ret_reader,
                                  struct pen_error *err)
{
    struct file_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return pen_fail_nomem(err);
    reader->base = (struct pen_reader){file_reader_read, file_reader_read_at, file_reader_close};
    reader->fd = -1;
    reader->cancel = cancel;
    reader->at = offset;
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *made = &reader->base;
    reader->path = strdup(object->key);
    if (reader->path == NULL)
        return pen_fail_nomem(err);
    /* reported by the first read, as with sources that ask over the network */
    (void)open_file(reader, folder_fd, object->etag, &reader->failed);
    *ret_reader = PEN_TAKE(made);
    return PEN_OK;
}
