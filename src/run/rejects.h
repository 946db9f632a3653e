/* rejects.h - where rejected records go: counted, written to a bounded file, limited, shown. */
#ifndef PEN_RUN_REJECTS_H
#define PEN_RUN_REJECTS_H

#include "base/buf.h"
#include "batch/batch.h"

#include <pthread.h>

#define PEN_REJECT_CODES 32

struct pen_reject_count {
    char code[32];
    uint64_t records;
};

/* Called for each rejected record, under the lock: be quick. */
typedef void (*pen_reject_fn)(void *context, const struct pen_reject *reject);

/* A state that one can go back to. */
struct pen_rejects_mark {
    int64_t file_bytes;
    bool is_file_full;
    uint64_t total;
    struct pen_reject_count counts[PEN_REJECT_CODES];
    size_t count;
};

struct pen_rejects_options {
    const char *path;       /* rejects.jsonl; NULL: no file */
    int64_t max_file_bytes; /* the file stops growing here; the counts go on */
    int64_t max_records;    /* more fail the job; -1: no limit */
    /* what an earlier attempt left and what of it still holds; NULL: begin with nothing */
    const struct pen_rejects_mark *resumed;
    /* says where a record really was, when its object is not the one it came from; may be NULL */
    void (*relocate)(void *context, struct pen_reject *reject);
    pen_reject_fn on_reject; /* NULL: nobody watches */
    void *context;
};

struct pen_rejects {
    struct pen_reject_sink sink; /* first member: the steps' view */
    struct pen_rejects_options options;
    pthread_mutex_t lock;
    int fd;
    struct pen_buf line;
    int64_t file_bytes, synced_bytes;
    bool is_file_full;
    uint64_t total;
    struct pen_reject_count counts[PEN_REJECT_CODES]; /* the last one takes what has no place */
    size_t count;
};

/* pen_rejects_init - a new file (0600), which begins with what options->resumed says of the one
 * that was there; a process that still has that one open does not disturb the new. options are
 * copied, their texts borrowed. errors: PEN_ERR_IO. */
PEN_MUST_USE enum pen_code pen_rejects_init(struct pen_rejects *rejects,
                                            const struct pen_rejects_options *options,
                                            struct pen_error *err);
/* pen_rejects_mark - remembers the state; pen_rejects_rewind - back to the mark, in the file too:
 * the attempt that rejected these records failed and is tried again. thread: no task may be
 * running. */
void pen_rejects_mark(const struct pen_rejects *rejects, struct pen_rejects_mark *ret_mark);
PEN_MUST_USE enum pen_code pen_rejects_rewind(struct pen_rejects *rejects,
                                              const struct pen_rejects_mark *mark,
                                              struct pen_error *err);

/* pen_rejects_save - the state as one line of JSON, after what the file holds is on disk.
 * pen_rejects_read_mark - such a line as a mark. errors: PEN_ERR_IO; PEN_ERR_CORRUPT.
 * thread: no task may be running. */
PEN_MUST_USE enum pen_code pen_rejects_save(struct pen_rejects *rejects, struct pen_buf *into,
                                            struct pen_error *err);
PEN_MUST_USE enum pen_code
pen_rejects_read_mark(const char *text, struct pen_rejects_mark *ret_mark, struct pen_error *err);

/* pen_rejects_close - flushes and closes the file. */
PEN_MUST_USE enum pen_code pen_rejects_close(struct pen_rejects *rejects, struct pen_error *err);
void pen_rejects_release(struct pen_rejects *rejects);

/* pen_rejects_total - so far. thread: any. */
uint64_t pen_rejects_total(struct pen_rejects *rejects);

/* pen_reject_print - one line for people: "rejected s3://b/k:12 column 'x': reason: raw text". */
PEN_MUST_USE enum pen_code pen_reject_print(const struct pen_reject *reject, struct pen_buf *into,
                                            struct pen_error *err);

#endif
