/* render.h - rows as people and programs want to read them.
 *
 *     schema + batches, or rows of cells --render--> table | csv | tsv | json | jsonl --> stdout
 *
 * table: Hirb's (spec/cli.md 5). csv, tsv: a header line, then rows, quoted as Ruby's CSV does (an
 * empty text is "", null is nothing). json: one array of objects. jsonl: an object per line, keys
 * in order; exact rules in DESIGN section 5: numbers plain, doubles shortest, NaN and infinities as
 * texts, timestamps RFC 3339 in UTC, json as itself.
 * thread: one at a time. */
#ifndef PEN_CLI_RENDER_H
#define PEN_CLI_RENDER_H

#include "base/arena.h"
#include "batch/cell.h"
#include "cli/output.h"

enum pen_format {
    PEN_FORMAT_TABLE,
    PEN_FORMAT_CSV,
    PEN_FORMAT_TSV,
    PEN_FORMAT_JSON,
    PEN_FORMAT_JSONL
};

/* pen_format_from_name - "table", "csv", "tsv", "json", "jsonl"; false for others. */
bool pen_format_from_name(const char *name, enum pen_format *ret_format);

struct pen_render_options {
    enum pen_format format;
    bool is_inspected;     /* table: cells as Ruby's inspect shows JSON values, "name:type" heads */
    size_t terminal_width; /* table: shrink to it; 0: never */
};

struct pen_render {
    struct pen_render_options options;
    struct pen_output *out;
    struct pen_arena arena;          /* names, cells */
    struct pen_slice *heads, *names; /* heads: as the table shows them */
    struct pen_cell *cells;          /* of one row */
    size_t *widths;                  /* table: the widest cell of each column */
    size_t column_count;
    uint64_t rows;
    struct pen_buf scratch; /* the texts of one row's cells */
    struct pen_buf held;    /* table: all rows; printed at the end, when the widths are known */
};

/* pen_render_begin - names may be gone afterwards. pen_render_begin_schema: heads are names, or
 * "name:type" when inspected. Every begun render must be released. */
PEN_MUST_USE enum pen_code pen_render_begin(struct pen_render *render, struct pen_output *out,
                                            const struct pen_render_options *options,
                                            const char *const *names, size_t count,
                                            struct pen_error *err);
PEN_MUST_USE enum pen_code pen_render_begin_schema(struct pen_render *render,
                                                   struct pen_output *out,
                                                   const struct pen_render_options *options,
                                                   const struct pen_schema *schema,
                                                   struct pen_error *err);

/* pen_render_row - one row of column_count cells. pen_render_batch - the first `rows` of a batch
 * with the schema's columns. errors: writing; PEN_ERR_TOO_LARGE a table of more than 512 MiB. */
PEN_MUST_USE enum pen_code pen_render_row(struct pen_render *render, const struct pen_cell *cells,
                                          struct pen_error *err);
PEN_MUST_USE enum pen_code pen_render_batch(struct pen_render *render,
                                            const struct pen_batch *batch, size_t rows,
                                            struct pen_error *err);

/* pen_render_end - the table with its footer, or what closes the format. */
PEN_MUST_USE enum pen_code pen_render_end(struct pen_render *render, struct pen_error *err);

/* pen_render_release - frees; NULL and never begun (zeroed) are fine. */
void pen_render_release(struct pen_render *render);

/* pen_render_table_* - the table's part (render_table.c). */
PEN_MUST_USE enum pen_code pen_render_table_row(struct pen_render *render,
                                                const struct pen_cell *cells,
                                                struct pen_error *err);
PEN_MUST_USE enum pen_code pen_render_table_end(struct pen_render *render, struct pen_error *err);

/* A member of a single JSON object. */
struct pen_member {
    const char *name;
    struct pen_cell cell;
};

/* pen_render_object - one JSON object on a line: what commands that show one thing print with
 * --json. pen_cell_number - an integer; its text lives in the arena. pen_cell_json - a JSON value
 * as text; nothing when it is NULL or empty. */
PEN_MUST_USE enum pen_code pen_render_object(struct pen_output *out,
                                             const struct pen_member *members, size_t count,
                                             struct pen_error *err);
struct pen_cell pen_cell_number(struct pen_arena *arena, int64_t value);
struct pen_cell pen_cell_json(const char *text);

/* pen_inspect - appends the Ruby inspect form of a cell's JSON value: texts in double quotes with
 * escapes, nil, 1.0e+20, {"a"=>1}. */
PEN_MUST_USE enum pen_code pen_inspect(const struct pen_cell *cell, struct pen_buf *into,
                                       struct pen_error *err);

#endif
