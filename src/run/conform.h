/* conform.h - the last step before the sink: a load's columns as the table wants them.
 *
 *     batch (load's schema) --types of existing columns, `time`--> batch (what the part holds)
 *
 * Types of existing columns are never changed: values are converted, and a record with a value that
 * cannot be is rejected. Every table has `time` (long, unix seconds): spec/storage.md 4 and
 * DESIGN.md 3 say where it comes from. */
#ifndef PEN_RUN_CONFORM_H
#define PEN_RUN_CONFORM_H

#include "run/convert.h"
#include "run/load.h"

/* The latest `time` that is accepted: 9999-12-31T23:59:59Z. */
#define PEN_TIME_MAX INT64_C(253402300799)

/* The instants that a table's timestamp can hold: 290309-12-22 BC to 294247-01-10; beyond them
 * DuckDB has no dates (INT64_MAX itself means infinity there). */
#define PEN_TIMESTAMP_MIN (-INT64_C(9223372022400000000))
#define PEN_TIMESTAMP_MAX (INT64_MAX - 1)

enum pen_time_source {
    PEN_TIME_COLUMN,      /* --time-column or out.time_column */
    PEN_TIME_OWN,         /* the load has a column `time` */
    PEN_TIME_FIRST,       /* the first long or timestamp column */
    PEN_TIME_FIXED,       /* out.time_value fixed_time */
    PEN_TIME_INCREMENTAL, /* out.time_value incremental_time */
    PEN_TIME_UPLOAD       /* when the job started */
};

struct pen_conform {
    struct pen_schema schema; /* what apply produces; names as the load says them */
    enum pen_time_source time_source;
    size_t time_column; /* index in the load's schema, SIZE_MAX when there is none */
    /* private */
    struct pen_convert convert;
    size_t *from; /* per produced column: index in the load's schema; SIZE_MAX: time */
    int64_t unit_per_second, upload_s, value_from_s, value_to_s;
};

/* The table as it is: names (aliases) and types of its columns; empty when it does not exist. */
struct pen_conform_options {
    const struct pen_schema *in;    /* behind the last filter */
    const struct pen_schema *table; /* existing columns, named as the load would name them */
    const struct pen_out_options *out;
    int64_t upload_us;
    const struct pen_bind *bind; /* places and warnings */
};

/* pen_conform_new - decides columns and `time`. errors: PEN_ERR_CONFIG in the words of
 * spec/storage.md 4. thread: immutable afterwards, shared by all workers. */
PEN_MUST_USE enum pen_code pen_conform_new(const struct pen_conform_options *options,
                                           struct pen_conform **ret_conform, struct pen_error *err);
void pen_conform_free(struct pen_conform *conform);
PEN_DEFINE_FREE_P(struct pen_conform *, pen_conform_free)

/* pen_conform_apply - changes the batch. in: counter: this worker's state of incremental time, 0
 * at its start. Records that do not fit are reported and dropped. */
PEN_MUST_USE enum pen_code pen_conform_apply(const struct pen_conform *conform,
                                             struct pen_batch *batch, uint64_t *counter,
                                             struct pen_reject_sink *rejects,
                                             struct pen_error *err);

/* pen_conform_describe_time - "time is taken from column 'created_at'": one line for the log. */
PEN_MUST_USE enum pen_code pen_conform_describe_time(const struct pen_conform *conform,
                                                     const struct pen_schema *in,
                                                     struct pen_buf *into, struct pen_error *err);

#endif
