/* column_json.h - edits inside the values of one json column, for the column filter.
 *
 *     json text --tree--> retain | drop | add members and elements --> json text
 *
 * retain: an object (or array) that has entries keeps only the listed members, in the order of the
 *         entries; a listed member that is missing is made from src or default; values below are
 *         filtered by their own entries, or stay whole.
 * drop:   listed members and elements go; missing ones are no error.
 * add:    listed members are appended when missing; parents on the way are made.
 * source: spec/filters.md 1. */
#ifndef PEN_FILTER_COLUMN_JSON_H
#define PEN_FILTER_COLUMN_JSON_H

#include "batch/batch.h"
#include "filter/json_path.h"
#include "tz/time_options.h"

enum pen_column_json_kind { PEN_COLUMN_JSON_RETAIN, PEN_COLUMN_JSON_DROP, PEN_COLUMN_JSON_ADD };

/* An entry of columns, add_columns or drop_columns as it is written. */
struct pen_column_entry {
    char *name, *src;
    int type;                             /* enum pen_type, if has_type */
    const struct pen_node *default_value; /* NULL: none is written */
    struct pen_time_words times;          /* of a timestamp default */
    bool has_type;                        /* set by the filter, as is */
    const struct pen_node *node;          /* the entry's place */
};

struct pen_column_json_entry {
    enum pen_column_json_kind kind;
    const struct pen_json_step *steps; /* inside the column: at least one */
    size_t count;
    const struct pen_column_entry *written;
    struct pen_slice src;          /* set by pen_column_json_add: last name of `src`, or empty */
    struct pen_slice default_text; /* JSON text of the default; empty: none */
};

struct pen_column_json;

/* A worker's memory for one value at a time. */
struct pen_column_json_scratch {
    struct pen_arena arena;
    struct pen_buf text;
};
void pen_column_json_scratch_init(struct pen_column_json_scratch *scratch);
void pen_column_json_scratch_release(struct pen_column_json_scratch *scratch);

/* pen_column_json_add - one more edit (*json is made when NULL). errors: PEN_ERR_CONFIG: an
 * impossible src, a timestamp inside JSON, a bad default, nothing to add. */
PEN_MUST_USE enum pen_code pen_column_json_add(struct pen_column_json **json,
                                               const struct pen_column_json_entry *entry,
                                               const struct pen_bind *bind, struct pen_error *err);
void pen_column_json_free(struct pen_column_json *json);

/* pen_column_json_apply - edits column `index` of the batch, in fresh column memory; nulls stay. */
PEN_MUST_USE enum pen_code pen_column_json_apply(const struct pen_column_json *json,
                                                 struct pen_column_json_scratch *scratch,
                                                 struct pen_batch *batch, size_t index,
                                                 struct pen_error *err);

#endif
