/* duck.h - DuckDB as the writer of Parquet parts, for those that are sorted or cast. Only this
 * folder includes duckdb.h.
 *
 *     task stream --next--> batch --table function, per thread--> vectors --COPY--> one part
 *
 * thread: any number of parts may be written at once from one pen_duck; their threads share it. */
#ifndef PEN_DUCK_DUCK_H
#define PEN_DUCK_DUCK_H

#include "sink/sink.h"

struct pen_duck;

struct pen_duck_options {
    unsigned threads;            /* 0: as many as cores */
    uint64_t memory_limit_bytes; /* 0: 1 GiB; parts with very many columns raise it */
    const char *temp_dir;        /* where it may spill; NULL: it may not */
};

/* pen_duck_open - an engine instance in memory. options may be NULL. cost: some 20 ms. */
PEN_MUST_USE enum pen_code pen_duck_open(const struct pen_duck_options *options,
                                         struct pen_duck **ret_duck, struct pen_error *err);
void pen_duck_close(struct pen_duck *duck);
PEN_DEFINE_FREE_P(struct pen_duck *, pen_duck_close)

/* pen_duck_write_part - pulls the whole stream into one Parquet file and syncs file and folder.
 * in:     the stream's next is called from up to stream->worker_count threads at once, each with
 *         its own worker number.
 * out:    ret_parts grows by one part with statistics; by none (and no file stays) when the stream
 *         delivered no rows. Without a part every file it made is removed.
 * errors: the stream's own error when next failed; PEN_ERR_CANCELLED; PEN_ERR_IO (disk full ...).
 * shape:  column c of the file = column c of the stream. Row order is not kept, or as order_by
 *         says. */
PEN_MUST_USE enum pen_code pen_duck_write_part(struct pen_duck *duck,
                                               struct pen_task_stream *stream,
                                               const struct pen_part_options *options,
                                               struct pen_parts *ret_parts, struct pen_error *err);

#endif
