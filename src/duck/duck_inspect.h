/* duck_inspect.h - what a Parquet file says of itself, and what its data say: for lake:check.
 * thread: as duck.h. */
#ifndef PEN_DUCK_DUCK_INSPECT_H
#define PEN_DUCK_DUCK_INSPECT_H

#include "base/arena.h"
#include "duck/duck.h"

/* A top-level column of a file. */
struct pen_duck_file_column {
    const char *name, *type; /* type: DuckDB's word */
    int64_t field_id;        /* -1: it has none */
    /* from the data; only when has_values */
    bool has_values;
    uint64_t null_count;
    bool has_bounds;       /* a type whose values have an order */
    const char *min, *max; /* as texts, NaN left out; NULL: no value */
    bool contains_nan;
};

struct pen_duck_file_facts {
    uint64_t rows, footer_bytes; /* as the footer says */
    struct pen_duck_file_column *columns;
    size_t column_count;
};

struct pen_duck_inspect {
    const char *path;
    bool is_deep;               /* read all data for counts and bounds, not only the footer */
    const volatile int *cancel; /* may be NULL */
};

/* pen_duck_inspect_file - errors: PEN_ERR_IO or PEN_ERR_CORRUPT when it is no readable Parquet
 * file. cost: the footer; with is_deep all of the file, in bounded memory. */
PEN_MUST_USE enum pen_code pen_duck_inspect_file(struct pen_duck *duck,
                                                 const struct pen_duck_inspect *inspect,
                                                 struct pen_arena *arena,
                                                 struct pen_duck_file_facts *ret_facts,
                                                 struct pen_error *err);

#endif
