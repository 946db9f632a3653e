/* stored bytes --liblzma--> plain bytes (<= the caller's room a call). Concatenated streams;
 * liblzma checks the checksums of blocks and streams. */
#include "decode/members.h"

#include <lzma.h>

/* Memory that a stream may ask for: what `xz -9` needs, and some. */
#define MEMORY_MAX_BYTES (UINT64_C(128) << 20)

struct xz {
    struct pen_members members; /* first member */
    lzma_stream library;
};

static bool xz_start(void *state)
{
    struct xz *xz = state;
    return lzma_stream_decoder(&xz->library, MEMORY_MAX_BYTES, 0) == LZMA_OK;
}

static const char *problem_of(lzma_ret code)
{
    if (code == LZMA_MEMLIMIT_ERROR)
        return "the stream asks for more than 128 MiB of memory";
    if (code == LZMA_OPTIONS_ERROR)
        return "unknown options in the header";
    return code == LZMA_MEM_ERROR ? "out of memory" : "damaged data or wrong checksum";
}

static void xz_run(void *state, struct pen_slice *in, struct pen_out *out, bool *ret_is_end,
                   const char **ret_problem)
{
    lzma_stream *stream = &((struct xz *)state)->library;
    stream->next_in = (const uint8_t *)in->ptr;
    stream->avail_in = in->len;
    stream->next_out = (uint8_t *)out->ptr;
    stream->avail_out = out->room;
    lzma_ret code = lzma_code(stream, LZMA_RUN);
    *in = pen_slice_skip(*in, in->len - stream->avail_in);
    out->ptr += out->room - stream->avail_out;
    out->room = stream->avail_out;
    *ret_is_end = code == LZMA_STREAM_END;
    if (code != LZMA_OK && code != LZMA_STREAM_END && code != LZMA_BUF_ERROR)
        *ret_problem = problem_of(code);
}

static const struct pen_member_codec codec = {.name = "xz",
                                              .magic = "\xfd"
                                                       "7zXZ",
                                              .magic_len = 6,
                                              .start = xz_start,
                                              .run = xz_run};

static enum pen_code xz_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                             struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct xz *xz = decode->state;
    return pen_members_step(&codec, &xz->members, in, is_eof, out, ret_flow, err);
}

static bool xz_magic(struct pen_slice head)
{
    return pen_slice_starts(head, pen_slice(codec.magic, codec.magic_len));
}

static void xz_reset(struct pen_decode *decode)
{
    ((struct xz *)decode->state)->members = (struct pen_members){0};
}

static void xz_close(struct pen_decode *decode)
{
    lzma_end(&((struct xz *)decode->state)->library);
}

static const struct pen_option options[] = {{.key = NULL}};

const struct pen_decode_type pen_decode_xz = {
    .info = {.name = "xz",
             .summary = "xz, concatenated streams read as one",
             .options = options,
             .state_size = sizeof(struct xz)},
    .magic = xz_magic,
    .open = pen_decode_open_plain,
    .step = xz_step,
    .reset = xz_reset,
    .close = xz_close,
};
