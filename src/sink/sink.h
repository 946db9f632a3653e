/* sink.h - STEP 5: batches --run--> parts, nothing visible before commit.
 *
 * The sink pulls: it calls pen_task_next from its own threads, so that a batch is parsed and
 * compressed on the same core while it is in L2 cache. */
#ifndef PEN_SINK_SINK_H
#define PEN_SINK_SINK_H

#include "batch/batch.h"

/* One task as the sink sees it: a supply of batches. Implemented by run/. */
struct pen_task_stream {
    const struct pen_schema *schema; /* of every batch: exactly the table's columns to write */
    unsigned worker_count;           /* next may be called by workers 0..worker_count-1 at once */
    /* next: the next batch for this worker, valid until the worker's call after the next one;
     * *ret_batch NULL: the task has ended for this worker.
     * errors: final for the task; every worker gets an error soon after. */
    enum pen_code (*next)(struct pen_task_stream *stream, unsigned worker,
                          const struct pen_batch **ret_batch, struct pen_error *err);
};

/* Statistics of one column of a part. Texts are in the part's arena. */
struct pen_part_column {
    uint64_t value_count; /* nulls included */
    uint64_t null_count;
    uint64_t size_bytes;   /* 0 when unknown */
    const char *min, *max; /* as text, cast by column type; NULL = unknown */
    bool has_nan_info, contains_nan;
    uint64_t lost_count; /* of null_count: values that the table's type could not take */
};

/* One file written under its final name; nothing refers to it before the commit. */
struct pen_part {
    char *path; /* file name relative to the table's folder */
    uint64_t rows, size_bytes, footer_bytes;
    struct pen_part_column *columns; /* one per column of the stream's schema */
    size_t column_count;
};

struct pen_parts {
    struct pen_arena arena;
    struct pen_part *parts;
    size_t count, cap;
};

/* PEN_PARTS - an empty list. Statistics of a part take some 100 bytes a column. */
#define PEN_PARTS ((struct pen_parts){.arena = {NULL, NULL, NULL, 0, (size_t)1 << 30}})

/* pen_parts_add - appends a copy of `part`, its texts and statistics. */
PEN_MUST_USE enum pen_code pen_parts_add(struct pen_parts *parts, const struct pen_part *part,
                                         struct pen_error *err);

/* pen_parts_release - frees everything; empty and usable again. NULL is fine. */
void pen_parts_release(struct pen_parts *parts);

#endif
