/* buf.h - a growable byte buffer that knows its maximum.
 * Always NUL-terminated behind `len`, so that `ptr` can go to libc; never NULL after an append. */
#ifndef PEN_BASE_BUF_H
#define PEN_BASE_BUF_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/slice.h"

struct pen_buf {
    char *ptr;
    size_t len, cap, max; /* max: the most bytes `len` may reach */
};

/* PEN_BUF - an empty buffer with a maximum in bytes; nothing is allocated yet. */
#define PEN_BUF(max_bytes) ((struct pen_buf){NULL, 0, 0, (max_bytes)})

/* The maximum for texts that people write: messages, configurations, SQL. */
#define PEN_BUF_TEXT_MAX ((size_t)64 << 20)

/* pen_buf_release - frees the memory; the buffer is empty and usable again. NULL is fine. */
void pen_buf_release(struct pen_buf *buf);

/* pen_buf_clear - forgets the content, keeps the memory. */
void pen_buf_clear(struct pen_buf *buf);

/* pen_buf_reserve - makes room for `more` bytes behind len (plus the NUL).
 * errors: PEN_ERR_TOO_LARGE past max, PEN_ERR_NOMEM. cost: amortised O(1) a byte. */
PEN_MUST_USE enum pen_code pen_buf_reserve(struct pen_buf *buf, size_t more, struct pen_error *err);

/* pen_buf_add* - append; errors as pen_buf_reserve; on error the content is unchanged. */
PEN_MUST_USE enum pen_code pen_buf_add(struct pen_buf *buf, const void *bytes, size_t len,
                                       struct pen_error *err);
PEN_MUST_USE enum pen_code pen_buf_add_slice(struct pen_buf *buf, struct pen_slice slice,
                                             struct pen_error *err);
PEN_MUST_USE enum pen_code pen_buf_add_str(struct pen_buf *buf, const char *text,
                                           struct pen_error *err);
PEN_MUST_USE enum pen_code pen_buf_add_char(struct pen_buf *buf, char c, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_buf_addf(struct pen_buf *buf, struct pen_error *err,
                                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_buf_add_visible - text of others for a terminal or a line of a message: control characters
 * are shown (\n, \t, \e, \x01, \u0085), not sent. */
PEN_MUST_USE enum pen_code pen_buf_add_visible(struct pen_buf *buf, struct pen_slice text,
                                               struct pen_error *err);

/* pen_buf_read_file - appends a whole file. errors: PEN_ERR_NOT_FOUND, _IO, _AUTH (no permission),
 * _TOO_LARGE; `where` is the path. */
PEN_MUST_USE enum pen_code pen_buf_read_file(struct pen_buf *buf, const char *path,
                                             struct pen_error *err);

/* pen_buf_take - the NUL-terminated content as a malloc'ed text the caller frees; NULL on no
 * memory (only possible when nothing was ever appended). The buffer becomes empty. */
char *pen_buf_take(struct pen_buf *buf);

static inline struct pen_slice pen_buf_slice(const struct pen_buf *buf)
{
    return (struct pen_slice){buf->ptr, buf->len};
}

#endif
