#include "run/rejects.h"

#include "base/json.h"
#include "run/rejects_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* A record longer than this is cut in the rejects file, and says so. */
#define RAW_MAX_BYTES ((size_t)1 << 20)

enum pen_code pen_rejects_write(int fd, struct pen_slice text, const char *path,
                                struct pen_error *err)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write '%s'", path);
        text = pen_slice_skip(text, (size_t)n);
    }
    return PEN_OK;
}

static void count_code(struct pen_rejects *rejects, const char *code)
{
    size_t i = 0;
    while (i < rejects->count && strcmp(rejects->counts[i].code, code) != 0)
        i++;
    if (i == PEN_REJECT_CODES)
        i--;
    if (i == rejects->count) {
        bool is_last = i + 1 == PEN_REJECT_CODES;
        (void)snprintf(rejects->counts[i].code, sizeof rejects->counts[i].code, "%s",
                       is_last ? "other" : code); /* codes are short words of ours */
        rejects->count++;
    }
    rejects->counts[i].records++;
}

static enum pen_code add_member(struct pen_buf *line, const char *key, struct pen_slice value,
                                struct pen_error *err)
{
    PEN_TRY(pen_buf_addf(line, err, ",\"%s\":", key));
    return pen_json_add_string(line, value, err);
}

static enum pen_code format_line(struct pen_buf *line, const struct pen_reject *reject,
                                 struct pen_error *err)
{
    bool is_cut = reject->raw.len > RAW_MAX_BYTES;
    struct pen_slice raw = is_cut ? pen_slice(reject->raw.ptr, RAW_MAX_BYTES) : reject->raw;
    pen_buf_clear(line);
    PEN_TRY(pen_buf_add_str(line, "{\"object\":", err));
    PEN_TRY(pen_json_add_foreign(line, pen_slice_str(reject->object), err));
    PEN_TRY(pen_buf_addf(line, err, ",\"line\":%" PRIu64 ",\"offset\":%" PRIu64, reject->line,
                         reject->offset));
    PEN_TRY(add_member(line, "step", pen_slice_str(reject->step), err));
    if (reject->column != NULL)
        PEN_TRY(add_member(line, "column", pen_slice_str(reject->column), err));
    PEN_TRY(add_member(line, "code", pen_slice_str(reject->code), err));
    PEN_TRY(add_member(line, "reason", reject->reason, err));
    PEN_TRY(add_member(line, "raw", raw, err));
    if (is_cut)
        PEN_TRY(pen_buf_addf(line, err, ",\"raw_bytes\":%zu", reject->raw.len));
    return pen_buf_add_str(line, "}\n", err);
}

static enum pen_code write_line(struct pen_rejects *rejects, const struct pen_reject *reject,
                                struct pen_error *err)
{
    if (rejects->fd < 0 || rejects->is_file_full)
        return PEN_OK;
    PEN_TRY(format_line(&rejects->line, reject, err));
    int64_t after = rejects->file_bytes + (int64_t)rejects->line.len;
    if (after > rejects->options.max_file_bytes) {
        rejects->is_file_full = true;
        return PEN_OK;
    }
    rejects->file_bytes = after;
    return pen_rejects_write(rejects->fd, pen_buf_slice(&rejects->line), rejects->options.path,
                             err);
}

static enum pen_code report_locked(struct pen_rejects *rejects, struct pen_reject *reject,
                                   struct pen_error *err)
{
    if (rejects->options.relocate != NULL)
        rejects->options.relocate(rejects->options.context, reject);
    rejects->total++;
    count_code(rejects, reject->code);
    if (rejects->options.on_reject != NULL)
        rejects->options.on_reject(rejects->options.context, reject);
    PEN_TRY(write_line(rejects, reject, err));
    int64_t limit = rejects->options.max_records;
    if (limit < 0 || rejects->total <= (uint64_t)limit)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CORRUPT, "more than %" PRId64 " records were rejected", limit);
    pen_error_where(err, "%s:%" PRIu64, reject->object, reject->line);
    pen_error_hint(err, "see the rejected records, correct the configuration, or raise "
                        "exec.max_rejected_records");
    return PEN_ERR_CORRUPT;
}

static enum pen_code report(struct pen_reject_sink *sink, const struct pen_reject *reject,
                            struct pen_error *err)
{
    struct pen_rejects *rejects = (struct pen_rejects *)(void *)sink; /* sink is the first member */
    struct pen_reject own = *reject;
    (void)pthread_mutex_lock(&rejects->lock);
    enum pen_code code = report_locked(rejects, &own, err);
    (void)pthread_mutex_unlock(&rejects->lock);
    return code;
}

enum pen_code pen_rejects_init(struct pen_rejects *rejects,
                               const struct pen_rejects_options *options, struct pen_error *err)
{
    *rejects = (struct pen_rejects){
        .sink = {.report = report}, .options = *options, .fd = -1, .line = PEN_BUF(8u << 20)};
    (void)pthread_mutex_init(&rejects->lock, NULL); /* cannot fail with default attributes */
    if (options->path == NULL)
        return PEN_OK;
    if (options->resumed != NULL) {
        PEN_TRY(pen_rejects_rewind(rejects, options->resumed, err));
        rejects->options.resumed = NULL; /* it may end now */
    }
    return pen_rejects_open_file(rejects, err);
}

void pen_rejects_mark(const struct pen_rejects *rejects, struct pen_rejects_mark *ret_mark)
{
    ret_mark->file_bytes = rejects->file_bytes;
    ret_mark->is_file_full = rejects->is_file_full;
    ret_mark->total = rejects->total;
    ret_mark->count = rejects->count;
    memcpy(ret_mark->counts, rejects->counts, sizeof ret_mark->counts);
}

enum pen_code pen_rejects_rewind(struct pen_rejects *rejects, const struct pen_rejects_mark *mark,
                                 struct pen_error *err)
{
    rejects->file_bytes = mark->file_bytes;
    if (rejects->synced_bytes > mark->file_bytes)
        rejects->synced_bytes = mark->file_bytes;
    rejects->is_file_full = mark->is_file_full;
    rejects->total = mark->total;
    rejects->count = mark->count;
    memcpy(rejects->counts, mark->counts, sizeof rejects->counts);
    if (rejects->fd >= 0 && ftruncate(rejects->fd, (off_t)mark->file_bytes) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot cut '%s'", rejects->options.path);
    return PEN_OK;
}

enum pen_code pen_rejects_close(struct pen_rejects *rejects, struct pen_error *err)
{
    int fd = rejects->fd;
    rejects->fd = -1;
    if (fd >= 0 && close(fd) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write '%s'", rejects->options.path);
    return PEN_OK;
}

void pen_rejects_release(struct pen_rejects *rejects)
{
    if (rejects == NULL || rejects->sink.report == NULL)
        return;
    if (rejects->fd >= 0)
        (void)close(rejects->fd); /* pen_rejects_close reports errors; this is the error path */
    rejects->fd = -1;
    pen_buf_release(&rejects->line);
    (void)pthread_mutex_destroy(&rejects->lock);
    rejects->sink.report = NULL;
}

uint64_t pen_rejects_total(struct pen_rejects *rejects)
{
    (void)pthread_mutex_lock(&rejects->lock);
    uint64_t total = rejects->total;
    (void)pthread_mutex_unlock(&rejects->lock);
    return total;
}

enum pen_code pen_reject_print(const struct pen_reject *reject, struct pen_buf *into,
                               struct pen_error *err)
{
    size_t len = reject->raw.len < 200 ? reject->raw.len : 200;
    while (len > 0 && len < reject->raw.len && (reject->raw.ptr[len] & 0xC0) == 0x80)
        len--; /* not in the middle of a character */
    PEN_TRY(pen_buf_add_str(into, "rejected ", err));
    PEN_TRY(pen_buf_add_visible(into, pen_slice_str(reject->object), err));
    if (reject->line > 0)
        PEN_TRY(pen_buf_addf(into, err, ":%" PRIu64, reject->line));
    if (reject->column != NULL) {
        PEN_TRY(pen_buf_add_str(into, " column '", err));
        PEN_TRY(pen_buf_add_visible(into, pen_slice_str(reject->column), err));
        PEN_TRY(pen_buf_add_char(into, '\'', err));
    }
    PEN_TRY(pen_buf_add_str(into, ": ", err));
    PEN_TRY(pen_buf_add_visible(into, reject->reason, err));
    PEN_TRY(pen_buf_add_str(into, ": ", err));
    PEN_TRY(pen_buf_add_visible(into, pen_slice(reject->raw.ptr, len), err));
    return len < reject->raw.len ? pen_buf_add_str(into, "...", err) : PEN_OK;
}
