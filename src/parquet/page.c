#include "parquet/page.h"

#include "parquet/thrift.h"

#include <isa-l/crc.h>
#include <snappy-c.h>
#include <zstd.h>

/* As other writers have it: the fastest levels are a tenth larger, the next ones much slower. */
#define ZSTD_LEVEL 3

/* A body of fewer bytes says little about the pages behind it. */
#define TELLING_BYTES 4096

void pen_page_room_release(struct pen_page_room *room)
{
    pen_buf_release(&room->body);
    pen_buf_release(&room->packed);
    (void)ZSTD_freeCCtx(room->zstd); /* NULL is fine */
    room->zstd = NULL;
}

static enum pen_code pack_snappy(struct pen_page_room *room, struct pen_error *err)
{
    size_t len = snappy_max_compressed_length(room->body.len);
    PEN_TRY(pen_buf_reserve(&room->packed, len, err));
    if (snappy_compress(room->body.ptr, room->body.len, room->packed.ptr, &len) != SNAPPY_OK)
        return pen_fail(err, PEN_ERR_INTERNAL, "snappy: a page cannot be compressed");
    room->packed.len = len;
    return PEN_OK;
}

static enum pen_code pack_zstd(struct pen_page_room *room, struct pen_error *err)
{
    if (room->zstd == NULL)
        room->zstd = ZSTD_createCCtx();
    if (room->zstd == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_buf_reserve(&room->packed, ZSTD_compressBound(room->body.len), err));
    size_t len = ZSTD_compressCCtx(room->zstd, room->packed.ptr, room->packed.cap, room->body.ptr,
                                   room->body.len, ZSTD_LEVEL);
    if (ZSTD_isError(len))
        return pen_fail(err, PEN_ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(len));
    room->packed.len = len;
    return PEN_OK;
}

enum pen_code pen_page_pack(struct pen_page_room *room, bool may_change,
                            enum pen_parquet_codec *inout_codec, struct pen_slice *ret_bytes,
                            struct pen_error *err)
{
    pen_buf_clear(&room->packed);
    if (*inout_codec == PEN_PARQUET_SNAPPY)
        PEN_TRY(pack_snappy(room, err));
    else if (*inout_codec == PEN_PARQUET_ZSTD)
        PEN_TRY(pack_zstd(room, err));
    if (may_change && room->body.len >= TELLING_BYTES &&
        room->packed.len > room->body.len - room->body.len / 50)
        *inout_codec = PEN_PARQUET_NONE;
    *ret_bytes = pen_buf_slice(*inout_codec == PEN_PARQUET_NONE ? &room->body : &room->packed);
    return PEN_OK;
}

enum pen_code pen_page_add(const struct pen_page_room *room, const struct pen_page *page,
                           struct pen_slice bytes, struct pen_buf *into,
                           uint64_t *inout_plain_bytes, struct pen_error *err)
{
    size_t before = into->len;
    uint32_t crc = crc32_gzip_refl(0, (const unsigned char *)bytes.ptr, bytes.len);
    struct pen_thrift t = PEN_THRIFT(into);
    pen_thrift_begin(&t);
    pen_thrift_i32(&t, 1, page->is_dictionary ? 2 : 0);
    pen_thrift_i32(&t, 2, (int32_t)room->body.len);
    pen_thrift_i32(&t, 3, (int32_t)bytes.len);
    pen_thrift_i32(&t, 4, (int32_t)crc);
    pen_thrift_struct(&t, page->is_dictionary ? 7 : 5);
    pen_thrift_i32(&t, 1, (int32_t)page->value_count);
    pen_thrift_i32(&t, 2, (int32_t)page->encoding);
    if (!page->is_dictionary) {
        pen_thrift_i32(&t, 3, PEN_PARQUET_RLE); /* definition levels */
        pen_thrift_i32(&t, 4, PEN_PARQUET_RLE); /* repetition levels: there are none */
    }
    pen_thrift_end(&t);
    pen_thrift_end(&t);
    PEN_TRY(pen_thrift_done(&t, err));
    *inout_plain_bytes += into->len - before + room->body.len;
    return pen_buf_add_slice(into, bytes, err);
}
