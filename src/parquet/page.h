/* page.h - one page: body --compress, checksum--> header and bytes behind a chunk's pages.
 * Pages are of version 1, which every reader knows; each carries the CRC-32 of its bytes. */
#ifndef PEN_PARQUET_PAGE_H
#define PEN_PARQUET_PAGE_H

#include "base/buf.h"
#include "sink/sink.h"

/* The format's numbers. */
enum pen_parquet_encoding {
    PEN_PARQUET_PLAIN = 0,
    PEN_PARQUET_RLE = 3,
    PEN_PARQUET_DELTA = 5,
    PEN_PARQUET_DELTA_LENGTHS = 6,
    PEN_PARQUET_RLE_DICTIONARY = 8,
    PEN_PARQUET_SPLIT = 9
};
enum pen_parquet_codec { PEN_PARQUET_NONE = 0, PEN_PARQUET_SNAPPY = 1, PEN_PARQUET_ZSTD = 6 };

/* Room that the pages of all columns of a worker are made in, one after the other. */
struct pen_page_room {
    struct pen_buf body;   /* of the page to write: what pen_page_add takes */
    struct pen_buf packed; /* private: the body compressed */
    void *zstd;            /* private */
    union {
        uint64_t words[PEN_BATCH_ROWS];
        struct pen_string texts[PEN_BATCH_ROWS];
    } dense; /* a run of values without its nulls */
};

/* PEN_PAGE_ROOM - nothing allocated yet. A page is far below the maxima. */
#define PEN_PAGE_ROOM                                                                              \
    ((struct pen_page_room){.body = PEN_BUF(PEN_PAGE_MAX), .packed = PEN_BUF(PEN_PAGE_MAX)})

/* The most bytes of a page: the format counts them in 31 bits. Only one huge value comes near. */
#define PEN_PAGE_MAX ((size_t)INT32_MAX - (1 << 20))

void pen_page_room_release(struct pen_page_room *room);

struct pen_page {
    bool is_dictionary;
    uint32_t value_count; /* nulls included */
    enum pen_parquet_encoding encoding;
};

/* pen_page_pack - compresses room->body. out: *inout_codec becomes PEN_PARQUET_NONE when that does
 * not make it smaller and `may_change`; *ret_bytes lives in room until the next call.
 * errors: PEN_ERR_NOMEM, PEN_ERR_TOO_LARGE. cost: snappy 1 ns a byte of text, 0.2 of noise. */
PEN_MUST_USE enum pen_code pen_page_pack(struct pen_page_room *room, bool may_change,
                                         enum pen_parquet_codec *inout_codec,
                                         struct pen_slice *ret_bytes, struct pen_error *err);

/* pen_page_add - header and `bytes` (what pen_page_pack gave for room->body) behind `into`.
 * out: *inout_plain_bytes grows by what the page would take uncompressed, header included. */
PEN_MUST_USE enum pen_code pen_page_add(const struct pen_page_room *room,
                                        const struct pen_page *page, struct pen_slice bytes,
                                        struct pen_buf *into, uint64_t *inout_plain_bytes,
                                        struct pen_error *err);

#endif
