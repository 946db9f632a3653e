#include "run/byte_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_BYTES ((size_t)256 << 10)

struct stage {
    struct pen_decode *decode;
    char *buffer;        /* STAGE_BYTES: the stage's input */
    struct pen_slice in; /* what of it is not consumed yet */
    bool is_input_done;  /* the stage before has ended */
    bool is_done;
};

struct pen_byte_stream {
    struct pen_reader *reader;
    struct stage *stages;
    size_t stage_count;
    bool is_cut;
    _Atomic uint64_t *stored_bytes, *plain_bytes;
    uint64_t max_ratio, stored, plain; /* stored and plain: bytes so far */
    char head[PEN_DECODE_HEAD_BYTES];  /* of the plain bytes */
    size_t head_len;
};

void pen_byte_stream_free(struct pen_byte_stream *stream)
{
    if (stream == NULL)
        return;
    pen_reader_close(stream->reader);
    for (size_t i = 0; i < stream->stage_count; i++) {
        pen_decode_free(stream->stages[i].decode);
        free(stream->stages[i].buffer);
    }
    free(stream->stages);
    free(stream);
}

enum pen_code pen_byte_stream_new(const struct pen_byte_stream_options *options,
                                  struct pen_reader *reader, struct pen_byte_stream **ret_stream,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_byte_stream_free_p) struct pen_byte_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        pen_reader_close(reader);
        return pen_fail_nomem(err);
    }
    stream->reader = reader;
    stream->is_cut = options->is_cut;
    stream->stored_bytes = options->stored_bytes;
    stream->max_ratio = options->max_ratio;
    stream->plain_bytes = options->plain_bytes;
    stream->stages = calloc(options->decoder_count + 1, sizeof *stream->stages);
    if (stream->stages == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < options->decoder_count; i++) {
        struct stage *stage = &stream->stages[stream->stage_count++];
        const struct pen_decode_spec *spec = &options->decoders[i];
        stage->buffer = malloc(STAGE_BYTES);
        if (stage->buffer == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_decode_new(spec->type, spec->config, options->bind, &stage->decode, err));
        stage->decode->team = options->team;
    }
    *ret_stream = PEN_TAKE(stream);
    return PEN_OK;
}

static enum pen_code read_stored(struct pen_byte_stream *stream, char *buf, size_t cap,
                                 size_t *ret_len, struct pen_error *err)
{
    size_t len = 0;
    PEN_TRY(stream->reader->read(stream->reader, buf, cap, &len, err));
    stream->stored += len;
    if (stream->stored_bytes != NULL)
        atomic_fetch_add_explicit(stream->stored_bytes, len, memory_order_relaxed);
    *ret_len = len;
    return PEN_OK;
}

static enum pen_code read_stage(struct pen_byte_stream *stream, size_t index, char *buf, size_t cap,
                                size_t *ret_len, struct pen_error *err);

/* What stands before stage `index`: the stage below it, or the stored bytes. */
static enum pen_code read_before(struct pen_byte_stream *stream, size_t index, char *buf,
                                 size_t cap, size_t *ret_len, struct pen_error *err)
{
    if (index == 0)
        return read_stored(stream, buf, cap, ret_len, err);
    return read_stage(stream, index - 1, buf, cap, ret_len, err);
}

static enum pen_code refill(struct pen_byte_stream *stream, size_t index, struct pen_error *err)
{
    struct stage *stage = &stream->stages[index];
    size_t len = 0;
    PEN_TRY(read_before(stream, index, stage->buffer, STAGE_BYTES, &len, err));
    stage->in = pen_slice(stage->buffer, len);
    stage->is_input_done = len == 0;
    return PEN_OK;
}

/* The trailing bytes behind a decoder's end still have to be read: only so is the length of the
 * object, and its digest, checked. */
static enum pen_code drain_before(struct pen_byte_stream *stream, size_t index,
                                  struct pen_error *err)
{
    struct stage *stage = &stream->stages[index];
    while (!stage->is_input_done && !stream->is_cut)
        PEN_TRY(refill(stream, index, err));
    return PEN_OK;
}

static enum pen_code read_stage(struct pen_byte_stream *stream, size_t index, char *buf, size_t cap,
                                size_t *ret_len, struct pen_error *err)
{
    struct stage *stage = &stream->stages[index];
    struct pen_out out = {.ptr = buf, .room = cap};
    while (out.room == cap && !stage->is_done) {
        if (stage->in.len == 0 && !stage->is_input_done)
            PEN_TRY(refill(stream, index, err));
        bool is_eof = stage->is_input_done;
        if (is_eof && stream->is_cut) {
            stage->is_done = true; /* a sample may end anywhere: what was decoded so far counts */
            break;
        }
        enum pen_flow flow = PEN_FLOW_MORE_INPUT;
        enum pen_code code = pen_decode_step(stage->decode, &stage->in, is_eof, &out, &flow, err);
        if (code == PEN_ERR_CORRUPT) /* unless the decoder knows better */
            pen_error_hint(err, "it is stored like that: write it anew, or leave it out by "
                                "path_match_pattern");
        PEN_TRY(code);
        if (flow == PEN_FLOW_END) {
            stage->is_done = true;
            PEN_TRY(drain_before(stream, index, err));
        } else if (is_eof && flow == PEN_FLOW_MORE_INPUT && out.room == cap) {
            stage->is_done = true;
        }
    }
    *ret_len = cap - out.room;
    return PEN_OK;
}

/* Plain bytes that are still compressed would become rubbish, or rejected records: the decoder was
 * forgotten. */
static enum pen_code check_head(struct pen_byte_stream *stream, struct pen_slice bytes,
                                struct pen_error *err)
{
    size_t room = sizeof stream->head - stream->head_len;
    size_t len = bytes.len < room ? bytes.len : room;
    memcpy(stream->head + stream->head_len, bytes.ptr, len);
    stream->head_len += len;
    const char *type = pen_decode_compressed_as(pen_slice(stream->head, stream->head_len));
    if (type == NULL)
        return PEN_OK;
    enum pen_code code =
        pen_fail(err, PEN_ERR_CORRUPT, "the bytes are %s, and 'decoders' %s", type,
                 stream->stage_count > 0 ? "leaves it as it is" : "has no decoder for it");
    pen_error_hint(err,
                   "add {type: %s} to in.decoders, or leave such objects out by path_match_pattern",
                   type);
    return code;
}

enum pen_code pen_byte_stream_read(struct pen_byte_stream *stream, char *buf, size_t cap,
                                   size_t *ret_len, struct pen_error *err)
{
    size_t len = 0;
    PEN_TRY(read_before(stream, stream->stage_count, buf, cap, &len, err));
    stream->plain += len;
    if (len > 0 && stream->head_len < sizeof stream->head)
        PEN_TRY(check_head(stream, pen_slice(buf, len), err));
    bool is_limited = stream->stage_count > 0 && stream->max_ratio > 0;
    if (is_limited && stream->plain > PEN_RATIO_FREE_BYTES &&
        stream->plain / stream->max_ratio > stream->stored) {
        enum pen_code code =
            pen_fail(err, PEN_ERR_TOO_LARGE, "expands to more than %" PRIu64 " times its size",
                     stream->max_ratio);
        pen_error_hint(err, "raise exec.max_inflate_ratio if it is right so");
        return code;
    }
    if (stream->plain_bytes != NULL)
        atomic_fetch_add_explicit(stream->plain_bytes, len, memory_order_relaxed);
    *ret_len = len;
    return PEN_OK;
}
