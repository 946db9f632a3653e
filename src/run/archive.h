/* archive.h - the entries of an archive (zip), one behind another, each as a reader of plain bytes.
 *
 *     object --directory by ranged reads--> entries wanted --stored bytes--> zip_body --> plain
 * bytes
 *
 * Entries that stand where the object is being read anyway (nearly always all of them) come from
 * the reader's stream, which is fetched in the background; others by ranged reads. When the stream
 * was read to its end, length and digest of the object are checked too; else the entries' own sizes
 * and checksums are all there is, and every request still names the version (If-Match). */
#ifndef PEN_RUN_ARCHIVE_H
#define PEN_RUN_ARCHIVE_H

#include "run/byte_stream.h"

struct pen_archive;

struct pen_archive_options {
    const struct pen_decode_spec *spec; /* the archive's decoder; borrowed */
    const struct pen_bind *bind;
    uint64_t size_bytes;            /* of the object */
    _Atomic uint64_t *stored_bytes; /* grows by the bytes read; may be NULL */
    uint64_t sample_bytes; /* 0: everything; else so many stored bytes of the first entry only */
};

/* pen_archive_new - takes the reader (also on error); no byte is read yet. `options` is borrowed.
 */
PEN_MUST_USE enum pen_code pen_archive_new(const struct pen_archive_options *options,
                                           struct pen_reader *reader,
                                           struct pen_archive **ret_archive, struct pen_error *err);
/* pen_archive_free - readers of entries must be closed. NULL is fine. */
void pen_archive_free(struct pen_archive *archive);
PEN_DEFINE_FREE_P(struct pen_archive *, pen_archive_free)

/* pen_archive_next - the next wanted entry in the directory's order; *ret_reader NULL: no more.
 * out:    *ret_name lives as long as the archive; the reader is the caller's, and must be closed
 *         before the next one is asked for. It has no read_at.
 * errors: as pen_zip_directory_read, pen_zip_wants and the object's reader; PEN_ERR_NOT_FOUND:
 *         match_name matches no entry. thread: one at a time. */
PEN_MUST_USE enum pen_code pen_archive_next(struct pen_archive *archive,
                                            struct pen_reader **ret_reader, const char **ret_name,
                                            struct pen_error *err);

#endif
