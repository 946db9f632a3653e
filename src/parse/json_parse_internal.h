/* json_parse_internal.h - what the files of the JSON parser share.
 *
 *     json_parse.c    options -> struct pen_json_parser
 *     json_scan.c     text -> the last place where a record ends (scalar and SIMD)
 *     json_split.c    text -> struct pen_json_chunk: a run of whole records
 *     json_repair.c   invalid escapes -> text that can be read
 *     json_convert.c  chunk -> batch: one record after the other, rejects told in their order
 *     json_record.c   one record -> its columns, led by the tree of wanted members
 *     json_column.c   one value -> one column, and why it is refused
 */
#ifndef PEN_PARSE_JSON_PARSE_INTERNAL_H
#define PEN_PARSE_JSON_PARSE_INTERNAL_H

#include "parse/json_skip.h"
#include "tz/time_format.h"

enum pen_json_escapes {
    PEN_JSON_ESCAPES_PASSTHROUGH,
    PEN_JSON_ESCAPES_SKIP,
    PEN_JSON_ESCAPES_UNESCAPE
};

/* How a column's values are read. */
struct pen_json_column {
    enum pen_type type;
    const char *name;             /* the schema's */
    struct pen_time_format *time; /* timestamp only */
    struct pen_json_pointer path; /* within the record */
};

#define PEN_JSON_KEY_BYTES 16

/* A member that is wanted, or lies on the way to one. Children are neighbours. */
struct pen_json_node {
    struct pen_json_token token;
    /* the key and its closing quote, compared at once when they fit */
    uint8_t short_key[PEN_JSON_KEY_BYTES], short_mask[PEN_JSON_KEY_BYTES];
    bool is_short;
    uint32_t first_child, child_count;
    uint32_t first_column, column_count; /* in parser->leaves: columns that take this value */
    uint32_t number;                     /* its own */
    bool is_plain;                       /* one column, no children: */
    uint32_t column;                     /* that column */
    uint32_t slot_mask, first_slot;      /* in parser->slots: its children by hash; 0: few */
};

/* pen_json_key_hash - cheap and good enough for names of members. */
static inline uint32_t pen_json_key_hash(struct pen_slice key)
{
    uint32_t hash = (uint32_t)key.len;
    if (key.len > 0) {
        const unsigned char *p = (const unsigned char *)key.ptr;
        hash = hash * 31 + p[0];
        hash = hash * 31 + p[key.len / 2];
        hash = hash * 31 + p[key.len - 1];
        hash = hash * 31 + p[key.len * 3 / 4];
    }
    return hash * UINT32_C(2654435769) >> 12;
}

/* parse->state: immutable after open. */
struct pen_json_parser {
    struct pen_json_column *columns;
    size_t column_count;
    struct pen_json_node *nodes; /* [0]: the record itself */
    size_t node_count;
    uint32_t *leaves; /* column numbers, grouped by node */
    uint32_t *slots;  /* of nodes with many children: node number or 0 */
    struct pen_json_pointer root;
    bool has_root, is_flat; /* flatten_json_array */
    bool is_strict;         /* stop_on_invalid_record */
    enum pen_json_escapes escapes;
    struct pen_arena arena; /* pointers */
};

static inline const struct pen_json_parser *pen_json_parser_of(const struct pen_parse *parse)
{
    return parse->state;
}

enum pen_json_phase {
    PEN_JSON_AT_TOP,   /* between top-level values */
    PEN_JSON_IN_ARRAY, /* flatten: among the elements */
    PEN_JSON_IN_TAIL   /* flatten with root: behind the array, in what surrounds it */
};

/* stream->state: where the text that follows stands in the object. */
struct pen_json_stream {
    uint64_t line, used_bytes; /* number of the first line of the next text; text bytes before it */
    uint64_t runs;             /* handed out, with records */
    size_t checked_bytes;      /* of a record that does not end: no syntax error up to there */
    enum pen_json_phase phase;
    bool is_first_element;      /* IN_ARRAY: no element yet */
    struct pen_json_skip outer; /* IN_ARRAY, IN_TAIL: the containers around */
};

enum pen_json_run_kind {
    PEN_JSON_RUN_VALUES,   /* one behind the other */
    PEN_JSON_RUN_ELEMENTS, /* of an array, separated by commas */
    PEN_JSON_RUN_NO_ROOT,  /* one value that is rejected: nothing is where `root` points */
    PEN_JSON_RUN_NO_ARRAY  /* the same: flatten_json_array, and it is no array */
};

/* Text [start, end) of a chunk. */
struct pen_json_run {
    enum pen_json_run_kind kind;
    size_t start, end;
    /* elements */
    bool is_first;     /* the run begins behind '[' */
    bool is_cut_off;   /* the object ends in the middle of the array */
    const char *found; /* no array: what it is */
};

/* chunk->state: the runs of records, and the position of convert in them. */
struct pen_json_chunk {
    struct pen_json_run *runs;
    size_t run_count, run_cap;
    bool is_after_other_runs; /* earlier chunks of the stream had records */
    uint64_t base_line, base_offset;
    /* convert */
    size_t run_at;           /* the run that comes next */
    struct pen_json_run run; /* the one being read */
    size_t at;               /* the next record of it */
    bool is_comma_due;       /* an element was read */
    uint64_t records;        /* read from this chunk, good or rejected */
    size_t line_at;          /* a place in the text, */
    uint64_t line;           /* and its line: rejects come in order */
    uint32_t *stamps;        /* per node: the record in which it was last seen */
    uint32_t stamp;
    struct pen_buf scratch, reason, repaired;
};

/* ---- json_scan.c ---- */

struct pen_json_scan {
    size_t cut;     /* behind the last container that ends at depth 0; 0: none does */
    size_t close;   /* the first closing bracket below depth 0; SIZE_MAX: none */
    bool is_inside; /* the text ends inside a container or a string; false with `close` */
};

/* pen_json_scan - counts brackets outside strings, from depth 0. Stops at `close`.
 * cost: about 5 GB/s with AVX2; PEN_CHUNK_PADDING bytes behind the text may be read. */
struct pen_json_scan pen_json_scan(struct pen_slice text);

/* pen_json_lines - line ends in text, as pen_count_lines, which is its oracle: LF fast, and CR as
 * slowly as there. */
uint64_t pen_json_lines(struct pen_slice text);

/* pen_json_scan_scalar - the oracle: the same without SIMD. */
struct pen_json_scan pen_json_scan_scalar(struct pen_slice text);

/* ---- json_split.c ---- */

/* pen_json_fail - "Failed to parse JSON: <object>: <problem> at byte N": PEN_ERR_CORRUPT. */
enum pen_code pen_json_fail(const char *object, const char *problem, uint64_t offset, uint64_t line,
                            struct pen_error *err);

/* pen_json_type_word - of the value at p: "NULL", "BOOLEAN", "LONG", "DOUBLE", ... */
const char *pen_json_type_word(const char *p, const char *end);

enum pen_code pen_json_split(struct pen_parse_stream *stream, struct pen_chunk *chunk, bool is_eof,
                             size_t *ret_used, struct pen_error *err);

/* ---- json_repair.c ---- */

/* pen_json_repair - appends the text with invalid escapes repaired (spec/parsers.md 4.5).
 * out: *ret_changed false: nothing was appended, the text is fine as it is. */
PEN_MUST_USE enum pen_code pen_json_repair(struct pen_slice text, enum pen_json_escapes escapes,
                                           struct pen_buf *into, bool *ret_changed,
                                           struct pen_error *err);

/* ---- json_column.c ---- */

/* What one record is read into, and how it went. */
struct pen_json_reading {
    const struct pen_json_parser *parser;
    struct pen_json_chunk *state;
    struct pen_batch *batch;
    size_t row;
    const char *end; /* of the text; PEN_CHUNK_PADDING readable bytes follow */
    const char *at;  /* where a syntax error is */
    const char *problem;
    const struct pen_json_column *misfit; /* the column whose value is refused */
    struct pen_slice misfit_text;         /* its text; in state->reason */
    struct pen_error *err;
    enum pen_code code; /* PEN_OK unless memory ran out */
};

/* pen_json_put - the value at p into column `index`; returns its end, NULL when reading->problem
 * (syntax), misfit or code says why not. */
const char *pen_json_put(struct pen_json_reading *reading, uint32_t index, const char *p);

/* pen_json_skip_value - the end of the value at p; NULL as pen_json_put. */
const char *pen_json_skip_value(struct pen_json_reading *reading, const char *p);

/* pen_json_misfit_reason - appends why, in the words of the specification. */
PEN_MUST_USE enum pen_code pen_json_misfit_reason(const struct pen_json_reading *reading,
                                                  struct pen_buf *into, struct pen_error *err);
const char *pen_json_misfit_code(enum pen_type type);

/* ---- json_record.c ---- */

/* pen_json_read_record - the object at p into row reading->row; returns as pen_json_put. */
const char *pen_json_read_record(struct pen_json_reading *reading, const char *p);

/* ---- json_convert.c ---- */

enum pen_code pen_json_convert(const struct pen_parse *parse, struct pen_chunk *chunk,
                               struct pen_batch *into, bool *ret_more, struct pen_error *err);

#endif
