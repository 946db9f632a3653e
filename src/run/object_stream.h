/* object_stream.h - one object as a supply of text chunks that several workers may share. An
 * archive is a supply of all its entries' chunks, each entry a text of its own.
 *
 *     plain bytes --UTF-8 check and repair--> text --split--> chunks of whole records
 *
 * "Pull under lock": the worker that needs data enters the stream's gate, fills its own buffer,
 * indexes it, cuts at the last whole record and leaves; converting happens outside. Workers that
 * wait at the gate help with what can be decoded alone (crew.h). What is left
 * behind the last record waits in the stream's tail for the next worker. */
#ifndef PEN_RUN_OBJECT_STREAM_H
#define PEN_RUN_OBJECT_STREAM_H

#include "parse/parse.h"
#include "run/byte_stream.h"
#include "run/crew.h"

struct pen_object_stream;

/* The least capacity of a text buffer. */
#define PEN_TEXT_BUFFER_MIN_BYTES ((size_t)64)

/* A worker's own memory for one chunk of text, with the padding SIMD kernels may read. */
struct pen_text_buffer {
    char *memory; /* PEN_CHUNK_PADDING + cap + PEN_CHUNK_PADDING bytes */
    size_t cap;
};

/* What all streams of a job share; borrowed. */
struct pen_object_stream_options {
    const struct pen_parse *parse;
    struct pen_byte_stream_options bytes;
    struct pen_crew *crew; /* whose workers fill */
    /* When bytes.is_cut, and > 0: the reader has the whole object, and so many stored bytes of the
     * first entry of an archive are the sample. */
    uint64_t archive_sample_bytes;
    struct pen_reject_sink *rejects;
    size_t chunk_bytes;      /* text per chunk: 512 KiB is best, tests use 1 and up */
    size_t max_record_bytes; /* a record longer than this is PEN_ERR_TOO_LARGE */
};

/* The place of an entry of an archive, "s3://bucket/key!entry": batches point to it. */
struct pen_place {
    struct pen_place *next;
    char text[];
};

/* pen_object_stream_set_version - before the first use; etag is borrowed as `place` is. */
void pen_object_stream_set_version(struct pen_object_stream *stream, const char *etag,
                                   uint64_t size_bytes);

/* pen_object_stream_take_places - the places of entries so far, the caller's to free when no batch
 * is left that was made from the stream. */
struct pen_place *pen_object_stream_take_places(struct pen_object_stream *stream);

/* pen_object_stream_new - takes the reader (also on error). `place` is borrowed and must outlive
 * all chunks and batches made from the stream. */
PEN_MUST_USE enum pen_code pen_object_stream_new(const struct pen_object_stream_options *options,
                                                 const char *place, uint64_t object_index,
                                                 struct pen_reader *reader,
                                                 struct pen_object_stream **ret_stream,
                                                 struct pen_error *err);
/* pen_object_stream_free - no worker may be inside; chunks filled from it must be gone. */
void pen_object_stream_free(struct pen_object_stream *stream);
PEN_DEFINE_FREE_P(struct pen_object_stream *, pen_object_stream_free)

/* pen_object_stream_fill - the next chunk of whole records.
 * in:     `buffer` holds the text and grows when a record is longer; `at` is where in it the text
 *         may start (0, or behind the text of earlier chunks that are still in use: then the
 *         buffer does not move, and only what fits is taken).
 * out:    `chunk` is indexed; *ret_end true: the stream has ended (the chunk may still hold
 *         records). *ret_used: bytes of the buffer that the chunk occupies from `at` on.
 * errors: those of reading, decoding, splitting, with the object's place; the same again, and
 *         nothing more is read, after a fill that failed.
 * thread: any worker; blocks while another one fills. */
PEN_MUST_USE enum pen_code pen_object_stream_fill(struct pen_object_stream *stream,
                                                  struct pen_text_buffer *buffer, size_t at,
                                                  struct pen_chunk *chunk, size_t *ret_used,
                                                  bool *ret_end, struct pen_error *err);

/* pen_object_stream_has_ended - true once fill said so; a hint for workers, cheap, any thread. */
bool pen_object_stream_has_ended(const struct pen_object_stream *stream);

/* pen_object_stream_replaced - malformed units of the text that became U+FFFD. */
uint64_t pen_object_stream_replaced(const struct pen_object_stream *stream);

/* pen_text_buffer_init - errors: PEN_ERR_NOMEM. pen_text_buffer_text - where text may start. */
PEN_MUST_USE enum pen_code pen_text_buffer_init(struct pen_text_buffer *buffer, size_t cap,
                                                struct pen_error *err);
/* pen_text_buffer_grow - to at least `cap` bytes; the text may move. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_text_buffer_grow(struct pen_text_buffer *buffer, size_t cap,
                                                struct pen_error *err);
void pen_text_buffer_release(struct pen_text_buffer *buffer);
static inline char *pen_text_buffer_text(const struct pen_text_buffer *buffer)
{
    return buffer->memory + PEN_CHUNK_PADDING;
}

#endif
