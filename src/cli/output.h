/* output.h - buffered writing to stdout. A closed pipe (penstock ... | head) is no error that
 * anybody wants to read: it is remembered, and everything written afterwards vanishes. thread: one
 * at a time. */
#ifndef PEN_CLI_OUTPUT_H
#define PEN_CLI_OUTPUT_H

#include "base/buf.h"

struct pen_output {
    int fd;
    struct pen_buf buf;
    bool is_gone; /* the reader went away */
};

/* PEN_OUTPUT - an empty output to a file descriptor, which stays the caller's. */
#define PEN_OUTPUT(descriptor) ((struct pen_output){(descriptor), PEN_BUF((size_t)1 << 30), false})

/* pen_output_add / pen_output_addf - append; written out when some 64 KiB have come together.
 * errors: PEN_ERR_IO; PEN_ERR_CANCELLED with is_gone set when the reader went away. */
PEN_MUST_USE enum pen_code pen_output_add(struct pen_output *out, struct pen_slice text,
                                          struct pen_error *err);
PEN_MUST_USE enum pen_code pen_output_addf(struct pen_output *out, struct pen_error *err,
                                           const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_output_flush - writes what is buffered. errors as pen_output_add. */
PEN_MUST_USE enum pen_code pen_output_flush(struct pen_output *out, struct pen_error *err);

/* pen_output_release - frees the buffer without writing. */
void pen_output_release(struct pen_output *out);

#endif
