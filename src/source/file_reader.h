/* file_reader.h - reads one file that must not change meanwhile. */
#ifndef PEN_SOURCE_FILE_READER_H
#define PEN_SOURCE_FILE_READER_H

#include <sys/stat.h>

#include "source/source.h"

/* Room for any text of pen_file_etag. */
#define PEN_FILE_ETAG_TEXT 48

/* pen_file_etag - "<mtime ns>-<size>" into out (PEN_FILE_ETAG_TEXT bytes): the file's version. */
void pen_file_etag(const struct stat *info, char *out);

/* pen_file_modified_us - time of the last modification, UTC microseconds. */
int64_t pen_file_modified_us(const struct stat *info);

/* pen_file_reader_new - a reader as source.h describes it, from byte `offset` of the file
 * object->key; folder_fd: where a relative path begins, as for openat; used only in this call.
 * errors: PEN_ERR_NOMEM. From read: PEN_ERR_NOT_FOUND, PEN_ERR_AUTH (not readable), PEN_ERR_IO,
 *         PEN_ERR_CONFLICT the file is not the version object->etag (any more), PEN_ERR_CANCELLED.
 */
PEN_MUST_USE enum pen_code pen_file_reader_new(const struct pen_object *object, uint64_t offset,
                                               int folder_fd, const volatile int *cancel,
                                               struct pen_reader **ret_reader,
                                               struct pen_error *err);

#endif
