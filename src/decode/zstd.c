/* stored bytes --libzstd--> plain bytes (<= the caller's room a call). Concatenated frames; libzstd
 * checks their checksums where frames have one. */
#include "decode/members.h"

#include <zstd.h>

/* The largest window that a frame may ask for: what `zstd --long=27` writes. */
#define WINDOW_LOG_MAX 27

struct zstd {
    struct pen_members members; /* first member */
    ZSTD_DStream *library;
};

static bool zstd_start(void *state)
{
    struct zstd *zstd = state;
    if (zstd->library == NULL)
        zstd->library = ZSTD_createDStream();
    return zstd->library != NULL && !ZSTD_isError(ZSTD_initDStream(zstd->library)) &&
           !ZSTD_isError(
               ZSTD_DCtx_setParameter(zstd->library, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

static void zstd_run(void *state, struct pen_slice *in, struct pen_out *out, bool *ret_is_end,
                     const char **ret_problem)
{
    struct zstd *zstd = state;
    ZSTD_inBuffer from = {.src = in->ptr, .size = in->len};
    ZSTD_outBuffer to = {.dst = out->ptr, .size = out->room};
    size_t code = ZSTD_decompressStream(zstd->library, &to, &from);
    *in = pen_slice_skip(*in, from.pos);
    out->ptr += to.pos;
    out->room -= to.pos;
    *ret_is_end = code == 0;
    if (ZSTD_isError(code))
        *ret_problem = ZSTD_getErrorName(code);
}

static const struct pen_member_codec codec = {.name = "zstd",
                                              .magic = "\x28\xb5\x2f\xfd",
                                              .magic_len = 4,
                                              .start = zstd_start,
                                              .run = zstd_run};

static enum pen_code zstd_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                               struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct zstd *zstd = decode->state;
    return pen_members_step(&codec, &zstd->members, in, is_eof, out, ret_flow, err);
}

static bool zstd_magic(struct pen_slice head)
{
    return pen_slice_starts(head, PEN_LIT("\x28\xb5\x2f\xfd"));
}

static void zstd_reset(struct pen_decode *decode)
{
    ((struct zstd *)decode->state)->members = (struct pen_members){0};
}

static void zstd_close(struct pen_decode *decode)
{
    (void)ZSTD_freeDStream(((struct zstd *)decode->state)->library); /* always 0 */
}

static const struct pen_option options[] = {{.key = NULL}};

const struct pen_decode_type pen_decode_zstd = {
    .info = {.name = "zstd",
             .summary = "Zstandard, concatenated frames read as one stream",
             .options = options,
             .state_size = sizeof(struct zstd)},
    .magic = zstd_magic,
    .open = pen_decode_open_plain,
    .step = zstd_step,
    .reset = zstd_reset,
    .close = zstd_close,
};
