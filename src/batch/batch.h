/* batch.h - columns x rows: what moves between parse, filter and sink.
 *
 * shape:     columns[c] holds rows values of columns[c].type and a validity bitmap (bit 1 =
 * present). ownership: a batch has one owner at a time; queues move it. Texts of more than 12 bytes
 * point into the chunk the rows came from or into the batch's arena; both outlive the batch's rows.
 * thread:    one at a time. No allocation per row or cell: column memory is a pool that is reused.
 */
#ifndef PEN_BATCH_BATCH_H
#define PEN_BATCH_BATCH_H

#include "base/arena.h"
#include "base/civil.h"
#include "batch/schema.h"

#include <assert.h>

/* The most rows of a batch: the vector size of DuckDB, and it fits L2. */
#define PEN_BATCH_ROWS 2048

/* A text value: up to 12 bytes inline, else the first 4 and a pointer. The layout is the one that
 * DuckDB's vectors use, so that a column can be handed over by memcpy. */
struct pen_string {
    union {
        struct {
            uint32_t len;
            char prefix[4];
            const char *ptr;
        };
        struct {
            uint32_t len_too; /* the same four bytes as len */
            char inlined[12]; /* bytes past len are zero */
        };
    };
};
static_assert(sizeof(struct pen_string) == 16, "pen_string is handed to DuckDB as is");

/* pen_string_make - a value over borrowed bytes (len <= UINT32_MAX). */
static inline struct pen_string pen_string_make(const char *ptr, size_t len)
{
    struct pen_string value = {.ptr = NULL};
    value.len = (uint32_t)len;
    if (len <= sizeof value.inlined) {
        if (len > 0)
            memcpy(value.inlined, ptr, len);
    } else {
        memcpy(value.prefix, ptr, sizeof value.prefix);
        value.ptr = ptr;
    }
    return value;
}

/* pen_string_slice - the bytes of *value; for short texts they live inside *value. */
static inline struct pen_slice pen_string_slice(const struct pen_string *value)
{
    return pen_slice(value->len <= sizeof value->inlined ? value->inlined : value->ptr, value->len);
}

/* pen_value_bytes - of one value in column.data. */
static inline size_t pen_value_bytes(enum pen_type type)
{
    if (pen_type_is_text(type))
        return sizeof(struct pen_string);
    return type == PEN_TYPE_BOOLEAN ? 1 : 8;
}

struct pen_column {
    enum pen_type type;
    void *data;         /* capacity values of the type's C type */
    uint64_t *validity; /* capacity bits, bit 1 = present */
    uint16_t *nanos;    /* timestamp only: 0..999 nanoseconds beyond data[row]; else NULL */
};

static inline bool pen_column_is_valid(const struct pen_column *column, size_t row)
{
    return (column->validity[row / 64] >> (row % 64)) & 1;
}

static inline void pen_column_set_valid(struct pen_column *column, size_t row, bool is_valid)
{
    uint64_t bit = UINT64_C(1) << (row % 64);
    if (is_valid)
        column->validity[row / 64] |= bit;
    else
        column->validity[row / 64] &= ~bit;
}

static inline uint8_t *pen_column_booleans(const struct pen_column *column)
{
    return column->data;
}
static inline int64_t *pen_column_longs(const struct pen_column *column)
{
    return column->data; /* long and timestamp */
}
static inline double *pen_column_doubles(const struct pen_column *column)
{
    return column->data;
}
static inline struct pen_string *pen_column_strings(const struct pen_column *column)
{
    return column->data; /* string and json */
}

/* Where a run of rows came from: enough to name the place of any row in an error. */
struct pen_origin {
    const char *object;    /* "s3://bucket/key" or a path, with "!entry" for archives; borrowed */
    const char *etag;      /* of the object; NULL or "" when unknown; borrowed */
    uint64_t object_index; /* position of the object in the job's plan */
    uint32_t first_row;    /* the origin counts from this row of the batch to the next origin's */
    const char *text;      /* the chunk that row_start and row_end count in; borrowed */
    uint64_t base_offset;  /* of text[0] in the decoded object */
    uint64_t base_line;    /* 1-based physical line of text[0] */
    /* line ends in a text that begins with a line; NULL: LF, CR and CRLF end one */
    uint64_t (*count_lines)(struct pen_slice text);
};

struct pen_batch {
    size_t rows, capacity;
    struct pen_column *columns;
    size_t column_count;
    struct pen_arena arena; /* texts made while filling and filtering; cleared by pen_batch_begin */
    uint32_t *row_start, *row_end; /* each row's raw text in its origin's chunk */
    struct pen_origin *origins;    /* ascending first_row; covers all rows */
    size_t origin_count;
    struct pen_batch_pool *pool; /* private: column memory */
};

/* pen_batch_new - an empty batch. capacity: rows, 1..PEN_BATCH_ROWS. */
PEN_MUST_USE enum pen_code pen_batch_new(size_t capacity, struct pen_batch **ret_batch,
                                         struct pen_error *err);
void pen_batch_free(struct pen_batch *batch);
PEN_DEFINE_FREE_P(struct pen_batch *, pen_batch_free)

/* pen_batch_begin - empties the batch and gives it one column per field: 0 rows, all bits invalid.
 * cost: O(columns); column memory is reused from the last use. */
PEN_MUST_USE enum pen_code pen_batch_begin(struct pen_batch *batch, const struct pen_schema *schema,
                                           struct pen_error *err);

/* pen_batch_new_column - fresh column memory of the batch (all invalid), not yet in `columns`:
 * for filters that build a column and put it where they want. Dies with pen_batch_begin. */
PEN_MUST_USE enum pen_code pen_batch_new_column(struct pen_batch *batch, enum pen_type type,
                                                struct pen_column *ret_column,
                                                struct pen_error *err);

/* pen_batch_set_columns - replaces the column list (copied; count may differ from before). */
PEN_MUST_USE enum pen_code pen_batch_set_columns(struct pen_batch *batch,
                                                 const struct pen_column *columns, size_t count,
                                                 struct pen_error *err);

/* pen_batch_add_origin - rows from batch->rows on belong to `origin` (first_row is set here). */
PEN_MUST_USE enum pen_code pen_batch_add_origin(struct pen_batch *batch, struct pen_origin origin,
                                                struct pen_error *err);

/* pen_batch_origin - the origin of a row. */
const struct pen_origin *pen_batch_origin(const struct pen_batch *batch, size_t row);

/* pen_batch_line - 1-based physical line of a row; counts line ends in the chunk: O(chunk), for
 * errors only. pen_batch_raw - the row's raw text, without its line end. */
uint64_t pen_batch_line(const struct pen_batch *batch, size_t row);
struct pen_slice pen_batch_raw(const struct pen_batch *batch, size_t row);

/* pen_batch_keep - drops every row whose bit is 0; order is kept; behind the last row no validity
 * bit is set. cost: O(rows x columns) when anything is dropped, O(rows / 64) otherwise. */
void pen_batch_keep(struct pen_batch *batch, const uint64_t *keep_bits);

/* pen_count_lines - line ends in text: LF, CR, or CRLF count once each. A CRLF cut by the end of
 * the text counts here; the caller must not cut there. */
uint64_t pen_count_lines(struct pen_slice text);

/* pen_origin_lines - the same by what ends a line in that origin; text begins with a line. */
uint64_t pen_origin_lines(const struct pen_origin *origin, struct pen_slice text);

/* A record that was not loaded: what, where, why. Everything is borrowed for the call. */
struct pen_reject {
    const char *object;
    uint64_t object_index;
    uint64_t line;           /* 1-based physical line, 0 when lines have no meaning */
    uint64_t offset;         /* byte in the decoded object */
    const char *step;        /* "csv", "json", a filter's type, "table" */
    const char *column;      /* NULL when the record as a whole is wrong */
    const char *code;        /* a stable word to count by: "too_few_columns", "bad_long", ... */
    struct pen_slice reason; /* for people, in the words of the specification */
    struct pen_slice raw;    /* the record's raw text, as read */
};

/* Takes rejected records from any thread. report: keeps what it needs before it returns; an error
 * (stop_on_invalid_record, too many rejects, a full disk) stops the task. */
struct pen_reject_sink {
    enum pen_code (*report)(struct pen_reject_sink *sink, const struct pen_reject *reject,
                            struct pen_error *err);
};

#endif
