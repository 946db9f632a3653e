/* s3_reader.h - one object version in order, whole and checked, whatever the connection does.
 *
 *     GET / 8 MiB ranges in parallel --resume, order--> bytes --length, MD5--> end
 *
 * Every request but a first one without a known ETag carries If-Match: versions are never mixed.
 * thread: one at a time per reader; several readers of one client at once. */
#ifndef PEN_S3_S3_READER_H
#define PEN_S3_S3_READER_H

#include "s3/s3_client.h"

struct pen_s3_reader;

struct pen_s3_read_request {
    const char *bucket, *key;
    const char *etag;       /* NULL or "": whatever is there when the first reply comes */
    const char *version_id; /* NULL or "": the current one */
    uint64_t size_bytes;    /* as listed; UINT64_MAX: unknown, then no parallel ranges */
    uint64_t offset;        /* first byte to read, <= size_bytes */
    bool skip_etag_check;   /* do not compute the MD5 (0.6 GB/s of one core) */
    size_t range_bytes;     /* 0: 8 MiB; objects up to 1.5 ranges are fetched by one GET */
    unsigned range_count;   /* ranges in flight at most; 0: 8 */
};

/* pen_s3_reader_open - starts fetching and returns at once; texts are copied. Errors of the
 * requests come from read. */
PEN_MUST_USE enum pen_code pen_s3_reader_open(struct pen_s3_client *client,
                                              const struct pen_s3_read_request *request,
                                              struct pen_s3_reader **ret_reader,
                                              struct pen_error *err);

/* pen_s3_reader_read - 1..cap bytes, blocking; *ret_len 0 is the end: length and, when everything
 * was read from offset 0 and the ETag is an MD5, digest are right.
 * errors: what remains after retries; PEN_ERR_CONFLICT the object changed while being read;
 *         PEN_ERR_CORRUPT wrong digest. err.offset is the byte in the object. */
PEN_MUST_USE enum pen_code pen_s3_reader_read(struct pen_s3_reader *reader, void *buf, size_t cap,
                                              size_t *ret_len, struct pen_error *err);

/* pen_s3_reader_read_at - exactly `len` bytes at `offset`, by a request of its own; the position of
 * read does not move. errors: as read; PEN_ERR_CORRUPT past the object's end. */
PEN_MUST_USE enum pen_code pen_s3_reader_read_at(struct pen_s3_reader *reader, uint64_t offset,
                                                 void *buf, size_t len, struct pen_error *err);
void pen_s3_reader_close(struct pen_s3_reader *reader);
PEN_DEFINE_FREE_P(struct pen_s3_reader *, pen_s3_reader_close)

#endif
