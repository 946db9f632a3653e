/* byte_stream.h - one object's plain bytes, pulled.
 *
 *     reader --stored bytes--> decoder 1 --> ... --> decoder n --plain bytes--> caller's buffer
 *
 * Without decoders the reader writes straight into the caller's buffer; with them the last decoder
 * does. Between two stages stands one buffer of 256 KiB. */
#ifndef PEN_RUN_BYTE_STREAM_H
#define PEN_RUN_BYTE_STREAM_H

#include "decode/decode.h"
#include "source/source.h"

#include <stdatomic.h>

/* So many plain bytes may come out of however few stored ones. */
#define PEN_RATIO_FREE_BYTES ((uint64_t)64 << 20)

/* One entry of `in.decoders`: its type and its mapping. */
struct pen_decode_spec {
    const struct pen_decode_type *type;
    const struct pen_node *config;
};

struct pen_byte_stream;

struct pen_byte_stream_options {
    const struct pen_decode_spec *decoders; /* applied in order; borrowed */
    size_t decoder_count;
    const struct pen_bind *bind;
    struct pen_decode_team *team; /* who runs what decodes alone; NULL: the caller does */
    bool is_cut; /* the stored bytes are a sample cut somewhere: their end is no truncation */
    uint64_t max_ratio;             /* plain bytes for each stored one; 0: no limit */
    _Atomic uint64_t *stored_bytes; /* grows by the bytes read, for progress; may be NULL */
    _Atomic uint64_t *plain_bytes;  /* grows by the bytes delivered; may be NULL */
};

/* pen_byte_stream_new - takes the reader (also on error). errors: what a decoder's open returns. */
PEN_MUST_USE enum pen_code pen_byte_stream_new(const struct pen_byte_stream_options *options,
                                               struct pen_reader *reader,
                                               struct pen_byte_stream **ret_stream,
                                               struct pen_error *err);
void pen_byte_stream_free(struct pen_byte_stream *stream);
PEN_DEFINE_FREE_P(struct pen_byte_stream *, pen_byte_stream_free)

/* pen_byte_stream_read - 1..cap plain bytes; *ret_len 0 at the end, which is checked: a truncated
 * or damaged object is PEN_ERR_CORRUPT, and so are plain bytes that still are compressed; one that
 * expands beyond max_ratio (once it made more than PEN_RATIO_FREE_BYTES) is PEN_ERR_TOO_LARGE.
 * thread: one at a time. */
PEN_MUST_USE enum pen_code pen_byte_stream_read(struct pen_byte_stream *stream, char *buf,
                                                size_t cap, size_t *ret_len, struct pen_error *err);

#endif
