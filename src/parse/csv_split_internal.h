/* csv_split_internal.h - what csv_split.c and csv_index.c share. */
#ifndef PEN_PARSE_CSV_SPLIT_INTERNAL_H
#define PEN_PARSE_CSV_SPLIT_INTERNAL_H

#include "parse/csv_internal.h"

/* One call of split. */
struct pen_csv_split {
    const struct pen_csv_parser *parser;
    struct pen_csv_stream *stream;
    struct pen_csv_chunk *chunk;
    struct pen_slice text;
    bool is_eof, is_sample;
    size_t used;   /* bytes that are done with; a record or line starts there */
    uint64_t line; /* its number */
    bool is_done;  /* nothing more can be read from this text */
};

/* pen_csv_add_run - appends to the chunk's runs. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_csv_add_run(struct pen_csv_chunk *chunk, struct pen_csv_run run,
                                           struct pen_error *err);

/* pen_csv_read_single - the record at split->used by the exact tokenizer: a run, a reject, or the
 * end of what can be read (is_done). */
PEN_MUST_USE enum pen_code pen_csv_read_single(struct pen_csv_split *split, struct pen_error *err);

/* pen_csv_index_start - prepares the scan of the text from split->used on.
 * pen_csv_index_step - takes records that are scanned, else scans a block, else reads one record
 * exactly; to be called until split->is_done. */
void pen_csv_index_start(struct pen_csv_split *split);
PEN_MUST_USE enum pen_code pen_csv_index_step(struct pen_csv_split *split, struct pen_error *err);

#endif
