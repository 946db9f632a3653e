/* stored bytes --inflate--> plain bytes (<= the caller's room a call)
 *
 * RFC 1952, all members of a stream, by a state machine over the bytes around the deflate data, so
 * that input may be cut anywhere. ISA-L inflates; header, CRC-32 and length are checked here.
 * Behind a member: another member, zero bytes (padding of tapes and block devices), or the end.
 * Anything else is an error, unlike in Java: silently dropped bytes may be a damaged member. */
#include "decode/decode.h"
#include "decode/inflate_words.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#define HEAD_BYTES 16 /* kept to say what a stream looks like that is not gzip */

enum phase {
    PHASE_FIXED,     /* the 10 bytes every header has */
    PHASE_EXTRA_LEN, /* then what the flags announce, in this order */
    PHASE_EXTRA,
    PHASE_NAME,
    PHASE_COMMENT,
    PHASE_HEADER_CRC,
    PHASE_BODY,
    PHASE_TRAILER,
    PHASE_BETWEEN, /* behind a member */
    PHASE_NOT_GZIP /* collecting bytes for the error */
};

enum {
    FLAG_HEADER_CRC = 2,
    FLAG_EXTRA = 4,
    FLAG_NAME = 8,
    FLAG_COMMENT = 16,
    FLAG_RESERVED = 0xe0
};

struct gzip {
    enum phase phase;
    uint64_t offset; /* stored bytes consumed */
    uint64_t member; /* 1-based */
    uint8_t head[HEAD_BYTES];
    size_t head_len;
    uint8_t field[10]; /* the fixed-size part being collected */
    size_t field_len;
    uint8_t flags;
    uint32_t extra_left;
    uint32_t header_crc;
    uint32_t plain_bytes; /* of the member, modulo 2^32 as in its trailer */
    struct inflate_state inflate;
};

static enum pen_code fail_at(const struct gzip *gzip, struct pen_error *err, const char *problem)
{
    (void)pen_fail(err, PEN_ERR_CORRUPT, "gzip: %s at byte %llu", problem,
                   (unsigned long long)gzip->offset);
    if (err != NULL)
        err->offset = gzip->offset;
    return PEN_ERR_CORRUPT;
}

static enum pen_code fail_not_gzip(const struct gzip *gzip, struct pen_error *err)
{
    if (gzip->member > 1)
        return fail_at(gzip, err, "bytes behind the last member are not a member");
    struct pen_slice head = pen_slice(gzip->head, gzip->head_len);
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Not in GZIP format: the bytes look like %s",
                   pen_decode_looks_like(head));
    pen_error_hint(err, "set 'decoders' to what the objects are, or remove it for plain files");
    return PEN_ERR_CORRUPT;
}

static void start_member(struct gzip *gzip)
{
    gzip->phase = PHASE_FIXED;
    gzip->member++;
    gzip->field_len = 0;
    gzip->header_crc = 0;
    gzip->plain_bytes = 0;
}

static void gzip_reset(struct pen_decode *decode)
{
    struct gzip *gzip = decode->state;
    gzip->offset = gzip->member = gzip->head_len = 0;
    start_member(gzip);
}

static enum pen_code gzip_open(struct pen_decode *decode, const struct pen_node *config,
                               const struct pen_bind *bind, struct pen_error *err)
{
    static const char *const also[] = {"type", NULL};
    PEN_TRY(pen_options_bind(decode->type->info.options, config, "decoder", also, decode->state,
                             bind, err));
    gzip_reset(decode);
    return PEN_OK;
}

static bool gzip_magic(struct pen_slice head)
{
    return pen_slice_starts(head, PEN_LIT("\x1f\x8b"));
}

static uint8_t take_byte(struct gzip *gzip, struct pen_slice *in)
{
    uint8_t byte = (uint8_t)*in->ptr;
    *in = pen_slice_skip(*in, 1);
    gzip->offset++;
    if (gzip->head_len < HEAD_BYTES)
        gzip->head[gzip->head_len++] = byte;
    return byte;
}

/* Collects `size` bytes in gzip->field; true when they are there. */
static bool take_field(struct gzip *gzip, struct pen_slice *in, size_t size)
{
    while (gzip->field_len < size && in->len > 0)
        gzip->field[gzip->field_len++] = take_byte(gzip, in);
    return gzip->field_len == size;
}

static void begin_body(struct gzip *gzip)
{
    gzip->phase = PHASE_BODY;
    gzip->field_len = 0;
    isal_inflate_init(&gzip->inflate);
    gzip->inflate.crc_flag = ISAL_GZIP_NO_HDR;
}

/* The next part of the header that the flags announce, after `done`. */
static void next_header_part(struct gzip *gzip, enum phase done)
{
    gzip->field_len = 0;
    if (done < PHASE_EXTRA_LEN && (gzip->flags & FLAG_EXTRA) != 0)
        gzip->phase = PHASE_EXTRA_LEN;
    else if (done < PHASE_NAME && (gzip->flags & FLAG_NAME) != 0)
        gzip->phase = PHASE_NAME;
    else if (done < PHASE_COMMENT && (gzip->flags & FLAG_COMMENT) != 0)
        gzip->phase = PHASE_COMMENT;
    else if (done < PHASE_HEADER_CRC && (gzip->flags & FLAG_HEADER_CRC) != 0)
        gzip->phase = PHASE_HEADER_CRC;
    else
        begin_body(gzip);
}

static enum pen_code fixed_part(struct gzip *gzip, struct pen_slice *in, struct pen_error *err)
{
    static const uint8_t magic[2] = {0x1f, 0x8b};
    while (gzip->field_len < 2 && in->len > 0) {
        if ((uint8_t)*in->ptr != magic[gzip->field_len]) {
            gzip->phase = PHASE_NOT_GZIP;
            return PEN_OK;
        }
        gzip->field[gzip->field_len++] = take_byte(gzip, in);
    }
    if (!take_field(gzip, in, 10))
        return PEN_OK;
    if (gzip->field[2] != 8)
        return fail_at(gzip, err, "unknown compression method in a header");
    gzip->flags = gzip->field[3];
    if ((gzip->flags & FLAG_RESERVED) != 0)
        return fail_at(gzip, err, "reserved flags are set in a header");
    gzip->header_crc = crc32_gzip_refl(0, gzip->field, 10);
    next_header_part(gzip, PHASE_FIXED);
    return PEN_OK;
}

static void extra_part(struct gzip *gzip, struct pen_slice *in)
{
    size_t n = in->len < gzip->extra_left ? in->len : gzip->extra_left;
    gzip->header_crc = crc32_gzip_refl(gzip->header_crc, (const uint8_t *)in->ptr, n);
    *in = pen_slice_skip(*in, n);
    gzip->offset += n;
    gzip->extra_left -= (uint32_t)n;
    if (gzip->extra_left == 0)
        next_header_part(gzip, PHASE_EXTRA);
}

/* File name and comment end with a zero byte. */
static void text_part(struct gzip *gzip, struct pen_slice *in)
{
    const char *zero = memchr(in->ptr, '\0', in->len);
    size_t n = zero == NULL ? in->len : (size_t)(zero - in->ptr) + 1;
    gzip->header_crc = crc32_gzip_refl(gzip->header_crc, (const uint8_t *)in->ptr, n);
    *in = pen_slice_skip(*in, n);
    gzip->offset += n;
    if (zero != NULL)
        next_header_part(gzip, gzip->phase);
}

static enum pen_code header_part(struct gzip *gzip, struct pen_slice *in, struct pen_error *err)
{
    if (gzip->phase == PHASE_FIXED)
        return fixed_part(gzip, in, err);
    if (gzip->phase == PHASE_EXTRA) {
        extra_part(gzip, in);
        return PEN_OK;
    }
    if (gzip->phase == PHASE_NAME || gzip->phase == PHASE_COMMENT) {
        text_part(gzip, in);
        return PEN_OK;
    }
    if (!take_field(gzip, in, 2))
        return PEN_OK;
    uint32_t value = (uint32_t)(gzip->field[0] | gzip->field[1] << 8);
    if (gzip->phase == PHASE_HEADER_CRC) {
        if (value != (gzip->header_crc & 0xffff))
            return fail_at(gzip, err, "wrong checksum of a header");
        next_header_part(gzip, PHASE_HEADER_CRC);
        return PEN_OK;
    }
    gzip->header_crc = crc32_gzip_refl(gzip->header_crc, gzip->field, 2);
    gzip->extra_left = value;
    gzip->phase = PHASE_EXTRA;
    if (value == 0)
        next_header_part(gzip, PHASE_EXTRA);
    return PEN_OK;
}

/* Whole bytes that inflate read beyond the end of the deflate data: the trailer's first. */
static void take_back_trailer(struct gzip *gzip)
{
    struct inflate_state *inflate = &gzip->inflate;
    uint64_t bits = inflate->read_in >> (inflate->read_in_length % 8);
    int bytes = inflate->read_in_length / 8;
    gzip->field_len = 0;
    for (int i = 0; i < bytes && i < 8; i++) {
        gzip->field[gzip->field_len++] = (uint8_t)bits;
        bits >>= 8;
    }
    gzip->phase = PHASE_TRAILER;
}

static enum pen_code body(struct gzip *gzip, struct pen_slice *in, struct pen_out *out,
                          struct pen_error *err)
{
    const uint32_t most = UINT32_C(1) << 30;
    uint32_t in_len = in->len < most ? (uint32_t)in->len : most;
    uint32_t room = out->room < most ? (uint32_t)out->room : most;
    struct inflate_state *inflate = &gzip->inflate;
    inflate->next_in = (uint8_t *)(uintptr_t)in->ptr; /* not written to; the library lacks const */
    inflate->avail_in = in_len;
    inflate->next_out = (uint8_t *)out->ptr;
    inflate->avail_out = room;
    int code = isal_inflate(inflate);
    /* after an error in a block's head that was cut, the library counts from a buffer of its own */
    uint32_t left = inflate->avail_in < in_len ? inflate->avail_in : in_len;
    uint32_t used = in_len - left, made = room - inflate->avail_out;
    *in = pen_slice_skip(*in, used);
    gzip->offset += used;
    out->ptr += made;
    out->room -= made;
    gzip->plain_bytes += made;
    inflate->next_in = inflate->next_out = NULL;
    if (code < 0)
        return fail_at(gzip, err, pen_inflate_problem(code));
    if (inflate->block_state == ISAL_BLOCK_FINISH)
        take_back_trailer(gzip);
    else if (in->len > 0 && out->room > 0 && used == 0 && made == 0)
        return fail_at(gzip, err, "no progress in the compressed data");
    return PEN_OK;
}

static uint32_t little_endian(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static enum pen_code trailer(struct gzip *gzip, struct pen_slice *in, struct pen_error *err)
{
    if (!take_field(gzip, in, 8))
        return PEN_OK;
    if (little_endian(gzip->field) != gzip->inflate.crc)
        return fail_at(gzip, err, "wrong checksum (CRC-32) of the data, trailer ends");
    if (little_endian(gzip->field + 4) != gzip->plain_bytes)
        return fail_at(gzip, err, "wrong length of the data, trailer ends");
    gzip->phase = PHASE_BETWEEN;
    return PEN_OK;
}

static void between(struct gzip *gzip, struct pen_slice *in)
{
    while (in->len > 0 && *in->ptr == '\0') {
        *in = pen_slice_skip(*in, 1);
        gzip->offset++;
    }
    if (in->len > 0)
        start_member(gzip);
}

static enum pen_code at_end_of_input(struct gzip *gzip, bool is_eof, enum pen_flow *ret_flow,
                                     struct pen_error *err)
{
    *ret_flow = PEN_FLOW_MORE_INPUT;
    if (!is_eof)
        return PEN_OK;
    if (gzip->phase == PHASE_NOT_GZIP || gzip->offset == 0)
        return fail_not_gzip(gzip, err);
    if (gzip->phase != PHASE_BETWEEN)
        return fail_at(gzip, err, "truncated: the data end");
    *ret_flow = PEN_FLOW_END;
    return PEN_OK;
}

static enum pen_code not_gzip(struct gzip *gzip, struct pen_slice *in, struct pen_error *err)
{
    if (gzip->member > 1)
        return fail_not_gzip(gzip, err);
    while (gzip->head_len < HEAD_BYTES && in->len > 0)
        (void)take_byte(gzip, in); /* kept in head */
    return gzip->head_len == HEAD_BYTES ? fail_not_gzip(gzip, err) : PEN_OK;
}

static enum pen_code gzip_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                               struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct gzip *gzip = decode->state;
    for (;;) {
        if (gzip->phase == PHASE_BODY) {
            PEN_TRY(body(gzip, in, out, err));
            if (gzip->phase == PHASE_BODY && out->room == 0) {
                *ret_flow = PEN_FLOW_MORE_ROOM;
                return PEN_OK;
            }
        }
        if (gzip->phase == PHASE_TRAILER)
            PEN_TRY(trailer(gzip, in, err)); /* may be complete without further input */
        if (in->len == 0)
            return at_end_of_input(gzip, is_eof, ret_flow, err);
        if (gzip->phase == PHASE_BETWEEN)
            between(gzip, in);
        else if (gzip->phase == PHASE_NOT_GZIP)
            PEN_TRY(not_gzip(gzip, in, err));
        else if (gzip->phase < PHASE_BODY)
            PEN_TRY(header_part(gzip, in, err));
    }
}

static void gzip_close(struct pen_decode *decode)
{
    (void)decode;
}

static const struct pen_option gzip_options[] = {{.key = NULL}};

const struct pen_decode_type pen_decode_gzip = {
    .info = {.name = "gzip",
             .summary = "gzip (RFC 1952), concatenated members read as one stream",
             .options = gzip_options,
             .state_size = sizeof(struct gzip)},
    .magic = gzip_magic,
    .open = gzip_open,
    .step = gzip_step,
    .reset = gzip_reset,
    .close = gzip_close,
};
