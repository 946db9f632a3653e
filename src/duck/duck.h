/* duck.h - DuckDB as the writer of Parquet parts. Only this folder includes duckdb.h.
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

enum pen_duck_compression { PEN_DUCK_SNAPPY, PEN_DUCK_ZSTD, PEN_DUCK_UNCOMPRESSED };

/* A column of a part, in the order of the stream's schema. */
struct pen_duck_column {
    int64_t field_id;
    const char *name; /* in the file */
    const char
        *sql_type; /* cast to it, what does not fit becomes null; NULL: as the stream has it */
};

struct pen_duck_part_options {
    const char *folder;    /* absolute; made (0700) when missing */
    const char *file_name; /* "<uuid>.parquet" (pen_duck_part_name); must not exist */
    const struct pen_duck_column *columns;
    enum pen_duck_compression compression;
    const char *order_by;       /* column of the file to sort its rows by; NULL: as they come */
    const volatile int *cancel; /* non-zero: stop; may be NULL */
};

/* Room for a part's name with NUL. */
#define PEN_DUCK_PART_NAME 48

/* pen_duck_part_name - a fresh random (uuid v7, so names sort by time) "<uuid>.parquet". */
void pen_duck_part_name(char *out);

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
                                               const struct pen_duck_part_options *options,
                                               struct pen_parts *ret_parts, struct pen_error *err);

#endif
