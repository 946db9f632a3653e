/* sink.h - STEP 5: batches --run--> parts, nothing visible before commit.
 *
 * The sink pulls: it calls pen_task_next from its own threads, so that a batch is parsed and
 * compressed on the same core while it is in L2 cache. */
#ifndef PEN_SINK_SINK_H
#define PEN_SINK_SINK_H

#include "base/buf.h"
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

/* How the values of a part are compressed. */
enum pen_part_compression { PEN_PART_SNAPPY, PEN_PART_ZSTD, PEN_PART_UNCOMPRESSED };

/* A column of a part, in the order of the stream's schema. */
struct pen_part_field {
    int64_t field_id;
    const char *name; /* in the file */
    const char
        *sql_type; /* cast to it, what does not fit becomes null; NULL: as the stream has it */
};

/* What a part is to be; both writers of parts (parquet/, duck/) take it. */
struct pen_part_options {
    const char *folder;    /* absolute; made (0700) when missing */
    const char *file_name; /* "<uuid>.parquet" (pen_part_name); must not exist */
    const struct pen_part_field *columns;
    enum pen_part_compression compression;
    const char *order_by;       /* column of the file to sort its rows by; NULL: as they come */
    const volatile int *cancel; /* non-zero: stop; may be NULL */
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

/* Room for a part's name with NUL. */
#define PEN_PART_NAME 48

/* pen_part_name - a fresh random (uuid v7, so names sort by time) "<uuid>.parquet". */
void pen_part_name(char *out);

/* pen_part_begin_file - makes the folder when missing and the file (0600), which must not exist,
 * before its writer opens it. out: ret_path grows by its path.
 * errors: PEN_ERR_IO, PEN_ERR_AUTH; `where` is the path. */
PEN_MUST_USE enum pen_code pen_part_begin_file(const char *folder, const char *file_name,
                                               struct pen_buf *ret_path, struct pen_error *err);

/* pen_part_end_file - after the writer ended with `code`: the part and its folder are synced; the
 * file goes when parts did not grow past count_before or anything failed. Returns `code`, or what
 * failed here. */
PEN_MUST_USE enum pen_code pen_part_end_file(const char *folder, const char *path,
                                             enum pen_code code, size_t count_before,
                                             struct pen_parts *parts, struct pen_error *err);

#endif
