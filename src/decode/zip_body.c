/* stored bytes of one entry --copy or inflate--> plain bytes, with size and CRC-32 checked. */
#include "decode/inflate_words.h"
#include "decode/zip.h"

#include <isa-l/crc.h>

void pen_zip_body_init(struct pen_zip_body *body, const struct pen_zip_entry *entry, uint64_t at)
{
    body->entry = *entry;
    body->at = at;
    body->used = body->made = 0;
    body->crc = 0;
    body->behind_len = 0;
    if (entry->method == PEN_ZIP_DEFLATE)
        isal_inflate_init(&body->inflate); /* raw deflate, no checksum: that is taken here */
}

static enum pen_code fail(const struct pen_zip_body *body, const char *problem,
                          struct pen_error *err)
{
    return pen_zip_fail(body->at + body->used, err, "%s", problem);
}

/* Most of the input and of the room that one step may use: what the entry has left, and one byte
 * more of room, so that data that go on are noticed. */
static size_t input_left(const struct pen_zip_body *body, size_t len)
{
    const size_t most = (size_t)1 << 30; /* the library counts in 32 bits */
    uint64_t left = body->entry.has_descriptor ? most : body->entry.stored_bytes - body->used;
    left = left < most ? left : most;
    return left < len ? (size_t)left : len;
}

static size_t room_left(const struct pen_zip_body *body, size_t room)
{
    const size_t most = (size_t)1 << 30;
    uint64_t left = body->entry.has_descriptor ? most : body->entry.plain_bytes - body->made;
    left = left < most ? left + 1 : most;
    return left < room ? (size_t)left : room;
}

static enum pen_code complete(struct pen_zip_body *body, struct pen_error *err)
{
    const struct pen_zip_entry *entry = &body->entry;
    if (entry->has_descriptor)
        return PEN_OK;
    if (body->used != entry->stored_bytes)
        return fail(body, "the compressed data end before the entry does", err);
    if (body->made != entry->plain_bytes)
        return fail(body, "wrong length of the data, entry ends", err);
    if (body->crc != entry->crc)
        return fail(body, "wrong checksum (CRC-32) of the data, entry ends", err);
    return PEN_OK;
}

/* The library reads ahead: whole bytes beyond the end of the data. */
static void take_back(struct pen_zip_body *body)
{
    const struct inflate_state *inflate = &body->inflate;
    uint64_t bits = inflate->read_in >> (inflate->read_in_length % 8);
    body->behind_len = (size_t)(inflate->read_in_length / 8);
    body->used -= body->behind_len;
    for (size_t i = 0; i < body->behind_len && i < sizeof body->behind; i++, bits >>= 8)
        body->behind[i] = (char)(uint8_t)bits;
}

static enum pen_code inflate_step(struct pen_zip_body *body, struct pen_slice *in,
                                  struct pen_out *out, bool *ret_is_end, struct pen_error *err)
{
    struct inflate_state *inflate = &body->inflate;
    size_t len = input_left(body, in->len), room = room_left(body, out->room);
    inflate->next_in = (uint8_t *)(uintptr_t)in->ptr; /* not written to; the library lacks const */
    inflate->avail_in = (uint32_t)len;
    inflate->next_out = (uint8_t *)out->ptr;
    inflate->avail_out = (uint32_t)room;
    int code = isal_inflate(inflate);
    /* after an error in a block's head that was cut, the library counts from a buffer of its own */
    size_t left = inflate->avail_in < len ? inflate->avail_in : len;
    size_t used = len - left, made = room - inflate->avail_out;
    *in = pen_slice_skip(*in, used);
    body->used += used;
    body->made += made;
    body->crc = crc32_gzip_refl(body->crc, (const uint8_t *)out->ptr, made);
    out->ptr += made;
    out->room -= made;
    inflate->next_in = inflate->next_out = NULL;
    if (code < 0)
        return fail(body, pen_inflate_problem(code), err);
    if (!body->entry.has_descriptor && body->made > body->entry.plain_bytes)
        return fail(body, "more data than the directory says", err);
    *ret_is_end = inflate->block_state == ISAL_BLOCK_FINISH;
    if (*ret_is_end)
        take_back(body);
    bool is_stuck = !*ret_is_end && used == 0 && made == 0 && len > 0 && room > 0;
    return is_stuck ? fail(body, "no progress in the compressed data", err) : PEN_OK;
}

static void copy_step(struct pen_zip_body *body, struct pen_slice *in, struct pen_out *out,
                      bool *ret_is_end)
{
    size_t len = input_left(body, in->len);
    len = len < out->room ? len : out->room;
    if (len > 0) {
        memcpy(out->ptr, in->ptr, len);
        body->crc = crc32_gzip_refl(body->crc, (const uint8_t *)out->ptr, len);
    }
    *in = pen_slice_skip(*in, len);
    out->ptr += len;
    out->room -= len;
    body->used += len;
    body->made += len;
    *ret_is_end = body->used == body->entry.stored_bytes;
}

enum pen_code pen_zip_body_step(struct pen_zip_body *body, struct pen_slice *in, bool is_eof,
                                struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    bool is_end = false;
    if (body->entry.method == PEN_ZIP_DEFLATE)
        PEN_TRY(inflate_step(body, in, out, &is_end, err));
    else
        copy_step(body, in, out, &is_end);
    if (is_end) {
        *ret_flow = PEN_FLOW_END;
        return complete(body, err);
    }
    if (out->room == 0) {
        *ret_flow = PEN_FLOW_MORE_ROOM;
        return PEN_OK;
    }
    bool is_spent = !body->entry.has_descriptor && body->used == body->entry.stored_bytes;
    *ret_flow = PEN_FLOW_MORE_INPUT;
    if (is_spent)
        return fail(body, "the compressed data do not end with the entry", err);
    return is_eof && in->len == 0 ? fail(body, "truncated: the data end", err) : PEN_OK;
}
