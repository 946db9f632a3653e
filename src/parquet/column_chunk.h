/* column_chunk.h - one column of one row group:
 *
 *     columns of batches --runs--> open page --encode, compress--> pages --finish--> bytes of a
 * file
 *
 * Values are numbered by a dictionary while that pays: few distinct ones for their number. Else
 * integers and timestamps are stored as deltas, doubles as streams of bytes, texts as lengths and
 * bytes. A dictionary that fills up in the middle of a chunk is kept for the pages that use it.
 * thread: one at a time. */
#ifndef PEN_PARQUET_COLUMN_CHUNK_H
#define PEN_PARQUET_COLUMN_CHUNK_H

#include "parquet/bounds.h"
#include "parquet/page.h"
#include "parquet/value_dict.h"

/* A page ends here. Small enough for the L2 cache, large enough that its header is nothing. */
#define PEN_PAGE_ROWS  16384
#define PEN_PAGE_BYTES ((size_t)512 << 10)

struct pen_column_chunk {
    enum pen_type type;
    /* the open page */
    size_t rows, values;           /* values: without nulls */
    struct pen_buf present;        /* a bit per row, in words */
    struct pen_buf words;          /* values of 8 bytes (booleans: of one) */
    struct pen_buf lengths, bytes; /* texts */
    struct pen_buf indices;        /* into dict, 16 bits each, instead of the above */
    size_t text_bytes;             /* of the values that indices stand for */
    bool is_dict;                  /* values go into indices */
    /* the whole chunk */
    bool is_sampled;   /* the first values were looked at */
    size_t dict_pages; /* finished pages that need the dictionary */
    struct pen_value_dict dict;
    enum pen_parquet_codec codec;
    bool is_codec_kept; /* a page was written with it */
    unsigned encodings; /* bit per enum pen_parquet_encoding of its data pages */
    struct pen_buf pages, dict_page;
    uint64_t plain_bytes;     /* of all pages, uncompressed, with headers */
    struct pen_bounds bounds; /* complete after finish */
};

/* pen_column_chunk_init - an empty chunk; nothing is allocated yet. */
void pen_column_chunk_init(struct pen_column_chunk *chunk, enum pen_type type,
                           enum pen_part_compression compression);
void pen_column_chunk_release(struct pen_column_chunk *chunk);

/* pen_column_chunk_clear - empty again, with the memory it has. */
void pen_column_chunk_clear(struct pen_column_chunk *chunk, enum pen_part_compression compression);

/* pen_column_chunk_add - takes in the first `rows` rows of a column of the chunk's type.
 * errors: PEN_ERR_NOMEM, PEN_ERR_TOO_LARGE (a text of nearly 2 GiB).
 * cost: 2-6 ns a number or short text; a long one its copies and compression. */
PEN_MUST_USE enum pen_code pen_column_chunk_add(struct pen_column_chunk *chunk,
                                                struct pen_page_room *room,
                                                const struct pen_column *column, size_t rows,
                                                struct pen_error *err);

/* pen_column_chunk_finish - closes the open page and makes the dictionary's. out: dict_page (may be
 * empty) and pages: what goes into the file, one behind the other. */
PEN_MUST_USE enum pen_code pen_column_chunk_finish(struct pen_column_chunk *chunk,
                                                   struct pen_page_room *room,
                                                   struct pen_error *err);

/* pen_column_chunk_bytes - what values and pages take now; 0 after clear.
 * pen_column_chunk_held - the memory that is held for them, kept by clear, freed by release. */
size_t pen_column_chunk_bytes(const struct pen_column_chunk *chunk);
size_t pen_column_chunk_held(const struct pen_column_chunk *chunk);

#endif
