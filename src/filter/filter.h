/* filter.h - STEP 4: batch --apply--> batch.
 * plan turns the incoming schema into the outgoing one before any data move, so that a wrong column
 * name is an error before the first request. apply works on columns, never row by row where a
 * column will do. */
#ifndef PEN_FILTER_FILTER_H
#define PEN_FILTER_FILTER_H

#include "batch/batch.h"
#include "conf/options.h"

struct pen_filter {
    const struct pen_filter_type *type;
    const struct pen_node *config; /* the filter's mapping; borrowed */
    struct pen_bind bind;          /* places, arena and warnings; valid during open and plan only */
    int64_t started_us;            /* the transaction's start: upload_time */
    struct pen_schema in, out;     /* set by plan */
    void *state;                   /* immutable after plan; shared by all workers */
};

/* A worker's own part of a filter: counters, contexts that may not be shared. */
struct pen_filter_local {
    const struct pen_filter *filter;
    struct pen_reject_sink *rejects;
    uint64_t filtered_rows; /* rows dropped on purpose (where), counted apart from rejects */
    uint64_t nulled_values; /* values that became null because they could not be read: a warning */
    void *state;            /* type->local_size bytes, zeroed */
};

struct pen_filter_type {
    struct pen_step_info info;
    size_t local_size;
    /* open: binds the options. plan: in -> out; errors PEN_ERR_CONFIG with place and suggestion. */
    enum pen_code (*open)(struct pen_filter *filter, struct pen_error *err);
    enum pen_code (*plan)(struct pen_filter *filter, const struct pen_schema *in,
                          struct pen_schema *ret_out, struct pen_error *err);
    enum pen_code (*local_open)(struct pen_filter_local *local, struct pen_error *err);
    void (*local_close)(struct pen_filter_local *local);
    /* apply: changes the batch from schema in to schema out. Records it cannot convert are reported
     * to local->rejects and dropped (pen_batch_keep). */
    enum pen_code (*apply)(struct pen_filter_local *local, struct pen_batch *batch,
                           struct pen_error *err);
    void (*close)(struct pen_filter *filter);
};

/* pen_filter_new - opened and planned; filter->out is the schema behind it.
 * thread: the filter is immutable afterwards; each worker has its own local. */
PEN_MUST_USE enum pen_code pen_filter_new(const struct pen_filter_type *type,
                                          const struct pen_node *config,
                                          const struct pen_bind *bind, int64_t started_us,
                                          const struct pen_schema *in,
                                          struct pen_filter **ret_filter, struct pen_error *err);
void pen_filter_free(struct pen_filter *filter);
PEN_DEFINE_FREE_P(struct pen_filter *, pen_filter_free)
PEN_MUST_USE enum pen_code pen_filter_local_new(const struct pen_filter *filter,
                                                struct pen_reject_sink *rejects,
                                                struct pen_filter_local **ret_local,
                                                struct pen_error *err);
void pen_filter_local_free(struct pen_filter_local *local);
PEN_DEFINE_FREE_P(struct pen_filter_local *, pen_filter_local_free)

/* pen_filter_none_* - shared callbacks for filters without a worker's part. */
enum pen_code pen_filter_none_open(struct pen_filter_local *local, struct pen_error *err);
void pen_filter_none_close(struct pen_filter_local *local);

extern const struct pen_filter_type pen_filter_add_time;                /* add_time.c */
extern const struct pen_filter_type pen_filter_expand_json;             /* expand_json.c */
extern const struct pen_filter_type pen_filter_hash, pen_filter_digest; /* hash.c */
extern const struct pen_filter_type pen_filter_mask;                    /* mask.c */
extern const struct pen_filter_type pen_filter_remove_columns;          /* remove_columns.c */
extern const struct pen_filter_type pen_filter_column, pen_filter_retain_columns,
    pen_filter_add_columns, pen_filter_drop_columns;           /* column.c */
extern const struct pen_filter_type pen_filter_rename;         /* rename.c */
extern const struct pen_filter_type pen_filter_source_columns; /* source_columns.c */
extern const struct pen_filter_type pen_filter_where;          /* where.c */

#endif
