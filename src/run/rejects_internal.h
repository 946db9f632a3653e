/* rejects_internal.h - what the files of rejects.h share. */
#ifndef PEN_RUN_REJECTS_INTERNAL_H
#define PEN_RUN_REJECTS_INTERNAL_H

#include "run/rejects.h"

/* pen_rejects_write - all of the text. */
PEN_MUST_USE enum pen_code pen_rejects_write(int fd, struct pen_slice text, const char *path,
                                             struct pen_error *err);

/* pen_rejects_open_file - a new file in the place of the old one, of which it takes the first
 * rejects->file_bytes bytes. */
PEN_MUST_USE enum pen_code pen_rejects_open_file(struct pen_rejects *rejects,
                                                 struct pen_error *err);

#endif
