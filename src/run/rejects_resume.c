/* rejects_resume.c - the rejects file over several attempts of a job:
 *     state after a task --save--> metadata --read_mark--> the file of the next attempt */
#include "conf/tree.h"
#include "run/rejects_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* --- the file --------------------------------------------------------------------------------- */

static void close_p(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* only read, or reported by whoever wrote */
}

static enum pen_code read_some(int fd, char *block, size_t cap, size_t *ret_len, const char *path,
                               struct pen_error *err)
{
    ssize_t n = -1;
    do
        n = read(fd, block, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot read '%s'", path);
    *ret_len = (size_t)n;
    return PEN_OK;
}

/* The first `len` bytes of the file at `from`, to its last whole line: a power cut may have taken
 * its end. out: *ret_len how many. */
static enum pen_code copy_lines(const char *from, int to, int64_t len, int64_t *ret_len,
                                struct pen_error *err)
{
    char block[16384];
    int64_t copied = 0;
    PEN_CLEANUP(close_p) int fd = open(from, O_RDONLY | O_CLOEXEC);
    *ret_len = 0;
    if (fd < 0 && errno == ENOENT)
        return PEN_OK;
    if (fd < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot open '%s'", from);
    while (copied < len) {
        size_t n = 0, cap = sizeof block;
        if (len - copied < (int64_t)cap)
            cap = (size_t)(len - copied);
        PEN_TRY(read_some(fd, block, cap, &n, from, err));
        if (n == 0)
            break;
        PEN_TRY(pen_rejects_write(to, pen_slice(block, n), from, err));
        const char *end = memrchr(block, '\n', n);
        if (end != NULL)
            *ret_len = copied + (end - block) + 1;
        copied += (int64_t)n;
    }
    if (ftruncate(to, (off_t)*ret_len) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot cut '%s'", from);
    return PEN_OK;
}

enum pen_code pen_rejects_open_file(struct pen_rejects *rejects, struct pen_error *err)
{
    const char *path = rejects->options.path;
    PEN_CLEANUP(pen_buf_release) struct pen_buf fresh = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&fresh, err, "%s.new", path));
    (void)unlink(fresh.ptr); /* left by a process that died here */
    rejects->fd = open(fresh.ptr, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (rejects->fd < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", fresh.ptr);
    if (rejects->file_bytes > 0)
        PEN_TRY(copy_lines(path, rejects->fd, rejects->file_bytes, &rejects->file_bytes, err));
    if (rename(fresh.ptr, path) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", path);
    return PEN_OK;
}

/* --- the state -------------------------------------------------------------------------------- */

static enum pen_code sync_file(struct pen_rejects *rejects, struct pen_error *err)
{
    if (rejects->fd < 0 || rejects->synced_bytes == rejects->file_bytes)
        return PEN_OK;
    if (fdatasync(rejects->fd) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write '%s'", rejects->options.path);
    rejects->synced_bytes = rejects->file_bytes;
    return PEN_OK;
}

enum pen_code pen_rejects_save(struct pen_rejects *rejects, struct pen_buf *into,
                               struct pen_error *err)
{
    PEN_TRY(sync_file(rejects, err));
    PEN_TRY(pen_buf_addf(
        into, err, "{\"file_bytes\":%" PRId64 ",\"is_full\":%s,\"total\":%" PRIu64 ",\"counts\":{",
        rejects->file_bytes, rejects->is_file_full ? "true" : "false", rejects->total));
    for (size_t i = 0; i < rejects->count; i++)
        PEN_TRY(pen_buf_addf(into, err, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",",
                             rejects->counts[i].code, rejects->counts[i].records));
    return pen_buf_add_str(into, "}}", err);
}

static enum pen_code read_counts(const struct pen_node *counts, struct pen_rejects_mark *mark,
                                 struct pen_error *err)
{
    for (const struct pen_node *item = counts == NULL ? NULL : counts->first; item != NULL;
         item = item->next) {
        if (mark->count == PEN_REJECT_CODES)
            return pen_fail(err, PEN_ERR_CORRUPT, "state of rejected records has too many reasons");
        struct pen_reject_count *count = &mark->counts[mark->count++];
        (void)snprintf(count->code, sizeof count->code, "%.*s", PEN_ARG(item->key)); /* ours */
        count->records = (uint64_t)item->integer;
    }
    return PEN_OK;
}

static enum pen_code read_mark(const char *text, struct pen_arena *arena,
                               struct pen_rejects_mark *mark, struct pen_error *err)
{
    struct pen_node *map = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(text), "state of rejected records", arena, &map, err));
    const struct pen_node *bytes = pen_node_get(map, "file_bytes");
    const struct pen_node *is_full = pen_node_get(map, "is_full");
    const struct pen_node *total = pen_node_get(map, "total");
    if (bytes == NULL || bytes->integer < 0 || is_full == NULL || total == NULL)
        return pen_fail(err, PEN_ERR_CORRUPT, "state of rejected records is incomplete");
    mark->file_bytes = bytes->integer;
    mark->is_file_full = is_full->boolean;
    mark->total = (uint64_t)total->integer;
    return read_counts(pen_node_get(map, "counts"), mark, err);
}

enum pen_code pen_rejects_read_mark(const char *text, struct pen_rejects_mark *ret_mark,
                                    struct pen_error *err)
{
    struct pen_arena arena = PEN_ARENA((size_t)16 << 20);
    *ret_mark = (struct pen_rejects_mark){.count = 0};
    enum pen_code code = read_mark(text, &arena, ret_mark, err);
    pen_arena_release(&arena);
    return code;
}
