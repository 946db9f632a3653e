/* stored bytes --libbz2--> plain bytes (<= the caller's room a call). Concatenated streams; libbz2
 * checks the CRC of every block and stream. */
#include "decode/members.h"

#include <bzlib.h>

struct bzip2 {
    struct pen_members members; /* first member */
    bz_stream library;
    bool is_open;
};

static void close_library(struct bzip2 *bzip2)
{
    if (bzip2->is_open)
        (void)BZ2_bzDecompressEnd(&bzip2->library); /* only fails on a stream never opened */
    bzip2->is_open = false;
}

static bool bzip2_start(void *state)
{
    struct bzip2 *bzip2 = state;
    close_library(bzip2);
    bzip2->library = (bz_stream){0};
    bzip2->is_open = BZ2_bzDecompressInit(&bzip2->library, 0, 0) == BZ_OK;
    return bzip2->is_open;
}

static void bzip2_run(void *state, struct pen_slice *in, struct pen_out *out, bool *ret_is_end,
                      const char **ret_problem)
{
    struct bzip2 *bzip2 = state;
    bz_stream *stream = &bzip2->library;
    unsigned in_len = in->len < UINT32_MAX ? (unsigned)in->len : UINT32_MAX;
    unsigned room = out->room < UINT32_MAX ? (unsigned)out->room : UINT32_MAX;
    stream->next_in = (char *)(uintptr_t)in->ptr; /* the library only reads it */
    stream->avail_in = in_len;
    stream->next_out = out->ptr;
    stream->avail_out = room;
    int code = BZ2_bzDecompress(stream);
    *in = pen_slice_skip(*in, in_len - stream->avail_in);
    out->ptr += room - stream->avail_out;
    out->room -= room - stream->avail_out;
    *ret_is_end = code == BZ_STREAM_END;
    if (code != BZ_OK && code != BZ_STREAM_END)
        *ret_problem = code == BZ_MEM_ERROR ? "out of memory" : "damaged data or wrong checksum";
}

static const struct pen_member_codec codec = {
    .name = "bzip2", .magic = "BZh", .magic_len = 3, .start = bzip2_start, .run = bzip2_run};

static enum pen_code bzip2_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                                struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct bzip2 *bzip2 = decode->state;
    return pen_members_step(&codec, &bzip2->members, in, is_eof, out, ret_flow, err);
}

static bool bzip2_magic(struct pen_slice head)
{
    return head.len >= 10 && memcmp(head.ptr, "BZh", 3) == 0 && head.ptr[3] >= '1' &&
           head.ptr[3] <= '9' && memcmp(head.ptr + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0;
}

static void bzip2_reset(struct pen_decode *decode)
{
    ((struct bzip2 *)decode->state)->members = (struct pen_members){0};
}

static void bzip2_close(struct pen_decode *decode)
{
    close_library(decode->state);
}

static const struct pen_option options[] = {{.key = NULL}};

const struct pen_decode_type pen_decode_bzip2 = {
    .info = {.name = "bzip2",
             .summary = "bzip2, concatenated streams read as one",
             .options = options,
             .state_size = sizeof(struct bzip2)},
    .magic = bzip2_magic,
    .open = pen_decode_open_plain,
    .step = bzip2_step,
    .reset = bzip2_reset,
    .close = bzip2_close,
};
