/* footer.h - what stands behind the row groups: schema, places and statistics, in Thrift.
 * source: Apache Parquet, parquet.thrift. */
#ifndef PEN_PARQUET_FOOTER_H
#define PEN_PARQUET_FOOTER_H

#include "parquet/column_chunk.h"

#define PEN_PARQUET_MAGIC "PAR1"

/* pen_footer_add_row_group - a row group behind others, as an element of the footer's list.
 * in: chunks: finished, one per field, written one behind the other from `offset` of the file on;
 *     rows: of each. */
PEN_MUST_USE enum pen_code pen_footer_add_row_group(const struct pen_part_field *fields,
                                                    const struct pen_column_chunk *chunks,
                                                    size_t count, size_t rows, uint64_t offset,
                                                    struct pen_buf *into, struct pen_error *err);

struct pen_footer {
    const struct pen_schema *schema;
    const struct pen_part_field *fields; /* one per field of the schema */
    struct pen_slice row_groups;         /* as pen_footer_add_row_group made them */
    size_t row_group_count;
    uint64_t rows;
};

/* pen_footer_print - the end of the file: metadata, its length, the magic.
 * out: *ret_metadata_bytes: of the metadata alone. errors: PEN_ERR_TOO_LARGE past 2 GiB. */
PEN_MUST_USE enum pen_code pen_footer_print(const struct pen_footer *footer, struct pen_buf *into,
                                            uint64_t *ret_metadata_bytes, struct pen_error *err);

#endif
