#include "parquet/footer.h"

#include "parquet/thrift.h"

/* --- schema ----------------------------------------------------------------------------------- */

enum physical_type { BOOLEAN = 0, INT64 = 2, DOUBLE = 5, BYTE_ARRAY = 6 };

static enum physical_type physical_type(enum pen_type type)
{
    switch (type) {
    case PEN_TYPE_BOOLEAN:
        return BOOLEAN;
    case PEN_TYPE_DOUBLE:
        return DOUBLE;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        return BYTE_ARRAY;
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
        break;
    }
    return INT64;
}

/* What older readers know it by; -1: the physical type says it. */
static int converted_type(enum pen_type type)
{
    enum { UTF8 = 0, TIMESTAMP_MICROS = 10, INT_64 = 18, JSON = 19 };
    switch (type) {
    case PEN_TYPE_LONG:
        return INT_64;
    case PEN_TYPE_STRING:
        return UTF8;
    case PEN_TYPE_JSON:
        return JSON;
    case PEN_TYPE_TIMESTAMP:
        return TIMESTAMP_MICROS;
    case PEN_TYPE_BOOLEAN:
    case PEN_TYPE_DOUBLE:
        break;
    }
    return -1;
}

static void add_logical_type(struct pen_thrift *t, enum pen_type type)
{
    enum { STRING = 1, TIMESTAMP = 8, INTEGER = 10, JSON = 12, MICROS = 2 };
    if (converted_type(type) < 0)
        return;
    pen_thrift_struct(t, 10);
    if (type == PEN_TYPE_LONG) {
        pen_thrift_struct(t, INTEGER);
        pen_thrift_i8(t, 1, 64);
        pen_thrift_bool(t, 2, true); /* signed */
    } else if (type == PEN_TYPE_TIMESTAMP) {
        pen_thrift_struct(t, TIMESTAMP);
        pen_thrift_bool(t, 1, false); /* no zone, as the catalog's type */
        pen_thrift_struct(t, 2);
        pen_thrift_struct(t, MICROS);
        pen_thrift_end(t);
        pen_thrift_end(t);
    } else {
        pen_thrift_struct(t, type == PEN_TYPE_JSON ? JSON : STRING);
    }
    pen_thrift_end(t);
    pen_thrift_end(t);
}

static void add_schema(struct pen_thrift *t, const struct pen_footer *footer)
{
    enum { OPTIONAL = 1 };
    size_t count = footer->schema->count;
    pen_thrift_list(t, 2, PEN_THRIFT_STRUCT, count + 1);
    pen_thrift_begin(t);
    pen_thrift_binary(t, 4, PEN_LIT("schema"));
    pen_thrift_i32(t, 5, (int32_t)count);
    pen_thrift_end(t);
    for (size_t i = 0; i < count; i++) {
        enum pen_type type = footer->schema->fields[i].type;
        pen_thrift_begin(t);
        pen_thrift_i32(t, 1, (int32_t)physical_type(type));
        pen_thrift_i32(t, 3, OPTIONAL);
        pen_thrift_binary(t, 4, pen_slice_str(footer->fields[i].name));
        if (converted_type(type) >= 0)
            pen_thrift_i32(t, 6, converted_type(type));
        pen_thrift_i32(t, 9, (int32_t)footer->fields[i].field_id);
        add_logical_type(t, type);
        pen_thrift_end(t);
    }
}

/* --- row groups ------------------------------------------------------------------------------- */

static void add_statistics(struct pen_thrift *t, const struct pen_bounds *bounds)
{
    char memory[8];
    struct pen_slice bound;
    pen_thrift_struct(t, 12);
    pen_thrift_i64(t, 3, (int64_t)bounds->null_count);
    bool has_max = pen_bounds_plain(bounds, true, memory, &bound);
    if (has_max)
        pen_thrift_binary(t, 5, bound);
    bool has_min = pen_bounds_plain(bounds, false, memory, &bound);
    if (has_min)
        pen_thrift_binary(t, 6, bound);
    if (has_max)
        pen_thrift_bool(t, 7, true); /* exact */
    if (has_min)
        pen_thrift_bool(t, 8, true);
    pen_thrift_end(t);
}

static void add_encodings(struct pen_thrift *t, const struct pen_column_chunk *chunk)
{
    /* of pages and levels; the dictionary's page is plain */
    unsigned all = chunk->encodings | 1u << PEN_PARQUET_RLE;
    if (chunk->dict_page.len > 0)
        all |= 1u << PEN_PARQUET_PLAIN;
    pen_thrift_list(t, 2, PEN_THRIFT_I32, (size_t)__builtin_popcount(all));
    for (int i = 0; i < 16; i++)
        if (all >> i & 1)
            pen_thrift_element_i32(t, i);
}

static size_t stored_bytes(const struct pen_column_chunk *chunk)
{
    return chunk->dict_page.len + chunk->pages.len;
}

static void add_chunk(struct pen_thrift *t, const struct pen_part_field *field,
                      const struct pen_column_chunk *chunk, size_t rows, uint64_t offset)
{
    pen_thrift_begin(t);
    pen_thrift_i64(t, 2, 0); /* the place of a copy of the metadata, which there is none of */
    pen_thrift_struct(t, 3);
    pen_thrift_i32(t, 1, (int32_t)physical_type(chunk->type));
    add_encodings(t, chunk);
    pen_thrift_list(t, 3, PEN_THRIFT_BINARY, 1);
    pen_thrift_element_binary(t, pen_slice_str(field->name));
    pen_thrift_i32(t, 4, (int32_t)chunk->codec);
    pen_thrift_i64(t, 5, (int64_t)rows);
    pen_thrift_i64(t, 6, (int64_t)chunk->plain_bytes);
    pen_thrift_i64(t, 7, (int64_t)stored_bytes(chunk));
    pen_thrift_i64(t, 9, (int64_t)(offset + chunk->dict_page.len));
    if (chunk->dict_page.len > 0)
        pen_thrift_i64(t, 11, (int64_t)offset);
    add_statistics(t, &chunk->bounds);
    pen_thrift_end(t);
    pen_thrift_end(t);
}

enum pen_code pen_footer_add_row_group(const struct pen_part_field *fields,
                                       const struct pen_column_chunk *chunks, size_t count,
                                       size_t rows, uint64_t offset, struct pen_buf *into,
                                       struct pen_error *err)
{
    struct pen_thrift t = PEN_THRIFT(into);
    const uint64_t start = offset;
    uint64_t plain = 0;
    pen_thrift_begin(&t);
    pen_thrift_list(&t, 1, PEN_THRIFT_STRUCT, count);
    for (size_t i = 0; i < count; i++) {
        add_chunk(&t, &fields[i], &chunks[i], rows, offset);
        offset += stored_bytes(&chunks[i]);
        plain += chunks[i].plain_bytes;
    }
    pen_thrift_i64(&t, 2, (int64_t)plain);
    pen_thrift_i64(&t, 3, (int64_t)rows);
    pen_thrift_i64(&t, 5, (int64_t)start);
    pen_thrift_i64(&t, 6, (int64_t)(offset - start));
    pen_thrift_end(&t);
    return pen_thrift_done(&t, err);
}

/* --- all of it -------------------------------------------------------------------------------- */

enum pen_code pen_footer_print(const struct pen_footer *footer, struct pen_buf *into,
                               uint64_t *ret_metadata_bytes, struct pen_error *err)
{
    size_t before = into->len, count = footer->schema->count;
    struct pen_thrift t = PEN_THRIFT(into);
    pen_thrift_begin(&t);
    pen_thrift_i32(&t, 1, 2); /* the format's version: encodings of version 2 are used */
    add_schema(&t, footer);
    pen_thrift_i64(&t, 3, (int64_t)footer->rows);
    pen_thrift_list(&t, 4, PEN_THRIFT_STRUCT, footer->row_group_count);
    pen_thrift_raw(&t, footer->row_groups);
    pen_thrift_binary(&t, 6, PEN_LIT("penstock version " PEN_VERSION));
    pen_thrift_list(&t, 7, PEN_THRIFT_STRUCT, count); /* bounds are in the types' own order */
    for (size_t i = 0; i < count; i++) {
        pen_thrift_begin(&t);
        pen_thrift_struct(&t, 1);
        pen_thrift_end(&t);
        pen_thrift_end(&t);
    }
    pen_thrift_end(&t);
    PEN_TRY(pen_thrift_done(&t, err));
    *ret_metadata_bytes = into->len - before;
    if (*ret_metadata_bytes > INT32_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "the part's metadata is past 2 GiB");
    const uint32_t len = (uint32_t)*ret_metadata_bytes;
    PEN_TRY(pen_buf_add(into, &len, sizeof len, err));
    return pen_buf_add_str(into, PEN_PARQUET_MAGIC, err);
}
