/* csv_internal.h - what the files of the CSV parser share.
 *
 *     csv.c          options -> struct pen_csv_parser
 *     csv_split.c    text -> struct pen_csv_chunk: where the records are; bad ones with their
 * reason csv_convert.c  chunk -> batch: rows in their order, rejects told in their order
 *     csv_columns.c  indexed records, column at a time
 *     csv_record.c   one record by the exact tokenizer, checked or put into a batch
 *     csv_value.c    one value of each type, and why it is refused
 */
#ifndef PEN_PARSE_CSV_INTERNAL_H
#define PEN_PARSE_CSV_INTERNAL_H

#include "parse/csv_token.h"
#include "parse/parse.h"
#include "scan/csv_scan.h"
#include "tz/time_format.h"

/* How a column's values are read. */
struct pen_csv_column {
    enum pen_type type;
    const char *name;             /* the schema's */
    struct pen_time_format *time; /* timestamp only */
    bool is_null_text_value;      /* null_string is a number or time of this type */
};

/* parse->state: immutable after open. */
struct pen_csv_parser {
    struct pen_csv_syntax syntax;
    struct pen_csv_column *columns;
    size_t column_count;
    struct pen_slice null_text;
    const struct pen_slice *null_string; /* &null_text, or NULL when the option is not set */
    uint64_t header_lines;
    bool is_optional_allowed, is_extra_allowed; /* columns */
    bool is_strict;                             /* stop_on_invalid_record */
    uint64_t reread_bytes; /* how much of an object may be read again, see csv_split.c */
    bool is_scannable;     /* the format is one that scan/ knows: one byte each, any line end */
    struct pen_csv_scan scan_rules; /* only the format */
};

static inline const struct pen_csv_parser *pen_csv_parser_of(const struct pen_parse *parse)
{
    return parse->state;
}

/* Work of split: what was scanned and is not yet in the index. */
struct pen_csv_indexer {
    struct pen_csv_scan scan;
    pen_csv_scan_run *run;
    size_t limit, block_bytes;
    size_t pending_at; /* ends[pending_at .. scan.end_count) of the chunk are pending */
    size_t walked;     /* of these, so many from the first on are known to be no line end */
    size_t verified;   /* of the pending records, so many have the right number of fields */
    uint32_t *marks;
    size_t mark_at, mark_cap;
    bool is_block_fresh; /* all pending line ends came with the last block */
};

/* stream->state: where the text that follows stands in the object. */
struct pen_csv_stream {
    uint64_t line; /* number of the first line of the next text */
    uint64_t used_bytes;
    uint64_t reread_bytes; /* looked at by records that failed, and put back */
    uint64_t header_lines_left;
    struct pen_csv_reader reader;
    struct pen_csv_indexer indexer;
    struct pen_buf scratch, reason;
};

/* A record that is dropped: told when its place among the rows is reached. */
struct pen_csv_reject {
    uint32_t start, end; /* the dropped physical line in the chunk's text */
    uint64_t line;
    const char *column, *code;
    struct pen_slice reason; /* in the chunk's arena */
};

enum pen_csv_run_kind {
    PEN_CSV_RUN_INDEXED, /* `count` records whose fields' ends are known */
    PEN_CSV_RUN_SINGLE,  /* one good record for the exact tokenizer, at byte `first` */
    PEN_CSV_RUN_REJECT   /* one entry of `rejects` */
};

struct pen_csv_run {
    enum pen_csv_run_kind kind;
    uint32_t first, count; /* indexed: record number; single: byte; reject: entry */
};

/* chunk->state: the index of the records, and the position of convert in it. */
struct pen_csv_chunk {
    struct pen_csv_run *runs;
    size_t run_count, run_cap;
    struct pen_csv_reject *rejects;
    size_t reject_count, reject_cap;
    uint32_t *starts; /* of each indexed record */
    size_t record_count, start_cap;
    uint32_t *ends; /* column_count field ends of each indexed record */
    size_t end_count, end_cap;
    struct pen_arena texts; /* of rejects */
    uint64_t base_line, base_offset;
    size_t used; /* the text that belongs to this chunk */
    /* convert */
    size_t run_at;
    uint32_t run_done; /* records of the current run */
    size_t line_at;    /* a line start in the text, */
    uint64_t line;     /* and its number: rejects come in order */
    struct pen_csv_reader reader;
    struct pen_buf scratch, unquoted, reason;
};

/* ---- csv_value.c ---- */

/* Where a value goes. Texts inside `stable` stay where they are, others are copied to `arena`. */
struct pen_csv_target {
    struct pen_column *column;
    size_t row;
    struct pen_arena *arena;
    struct pen_slice stable;
};

/* pen_csv_put - converts the text of a field that is not null.
 * in:     target: NULL only checks. scratch: working memory.
 * out:    *ret_is_good false: the text is no value of the type (nothing was put).
 * errors: PEN_ERR_NOMEM, PEN_ERR_TOO_LARGE. */
PEN_MUST_USE enum pen_code pen_csv_put(const struct pen_csv_column *column, struct pen_slice text,
                                       const struct pen_csv_target *target, struct pen_buf *scratch,
                                       bool *ret_is_good, struct pen_error *err);

/* pen_csv_boolean - is it one of the words for true? Anything else is false. */
bool pen_csv_boolean(struct pen_slice text);

/* pen_csv_value_code - "bad_long", ... for a type. pen_csv_value_reason - appends why `text` is no
 * value of the column, in the words of the specification. */
const char *pen_csv_value_code(enum pen_type type);
PEN_MUST_USE enum pen_code pen_csv_value_reason(const struct pen_csv_column *column,
                                                struct pen_slice text, struct pen_buf *scratch,
                                                struct pen_buf *into, struct pen_error *err);

/* ---- csv_record.c ---- */

/* What came of one record. */
struct pen_csv_verdict {
    enum pen_csv_status status; /* OK, BAD (a reject), MORE, END */
    size_t start;               /* of the record (MORE: where to begin again) */
    uint64_t start_line;
    bool is_multi_line;       /* OK: it spans physical lines */
    bool is_at_end;           /* it reaches the end of the text, which ends in mid-line */
    bool is_cut;              /* BAD, and only because the text ends there (in a sample) */
    struct pen_csv_line line; /* BAD: the dropped line */
    size_t reached;           /* BAD: behind the last line that was looked at */
    const char *column;       /* BAD: NULL when the record as a whole is wrong */
    const char *code;
};

/* What csv_record does with the values. */
struct pen_csv_sink {
    struct pen_batch *batch; /* NULL: none; else values go to row batch->rows, which is not counted;
                                after BAD its validity bits are cleared */
    bool is_checked;         /* without batch: convert, to see whether it would fail */
    struct pen_buf *scratch;
    struct pen_buf *reason; /* BAD: filled with the reason */
};

/* pen_csv_read_record - the next record of the reader, by the rules of spec/parsers.md 3.2-3.6.
 * After OK and BAD the reader stands behind it. thread: one at a time per reader. */
PEN_MUST_USE enum pen_code pen_csv_read_record(const struct pen_csv_parser *parser,
                                               struct pen_csv_reader *reader,
                                               const struct pen_csv_sink *sink,
                                               struct pen_csv_verdict *ret_verdict,
                                               struct pen_error *err);

/* ---- csv_columns.c ---- */

/* Records of the index that become rows: record `first` + i goes to row `row` + i. */
struct pen_csv_block {
    const struct pen_csv_parser *parser;
    struct pen_csv_chunk *index;
    const char *text; /* the chunk's */
    struct pen_batch *batch;
    size_t first, row, count;
    uint64_t *bad; /* bit per row of the batch: a value is refused */
};

/* pen_csv_put_columns - all columns of the block, one after the other; also the rows' places. Does
 * not change batch->rows. Refused values set the row's bit in `bad` and stay null.
 * errors: PEN_ERR_NOMEM, PEN_ERR_TOO_LARGE. cost: about 5-15 ns a value. */
PEN_MUST_USE enum pen_code pen_csv_put_columns(const struct pen_csv_block *block,
                                               struct pen_error *err);

/* ---- csv_split.c, csv_convert.c: see struct pen_parse_type ---- */

enum pen_code pen_csv_split(struct pen_parse_stream *stream, struct pen_chunk *chunk, bool is_eof,
                            size_t *ret_used, struct pen_error *err);
enum pen_code pen_csv_convert(const struct pen_parse *parse, struct pen_chunk *chunk,
                              struct pen_batch *into, bool *ret_more, struct pen_error *err);

#endif
