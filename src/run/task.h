/* task.h - one task as a supply of finished batches: what the sink pulls from.
 *
 *     objects --claim--> streams --fill (under the stream's lock)--> chunks
 *             --convert--> batch --filters--> batch --conform--> batch --> sink
 *
 * Every worker has its own text buffers (two sets in turn), batches (two in turn) and filter state.
 * It takes the next object of the task; when none is left it joins the object that has the fewest
 * workers, so that one large object keeps all cores busy, and many small ones do too. */
#ifndef PEN_RUN_TASK_H
#define PEN_RUN_TASK_H

#include "run/account.h"
#include "run/conform.h"
#include "run/object_stream.h"
#include "run/prefetch.h"
#include "run/rejects.h"
#include "sink/sink.h"

/* Figures that grow while a job runs; read by the progress line. */
struct pen_progress {
    _Atomic uint64_t stored_bytes, plain_bytes, rows, rejected, objects;
    _Atomic uint64_t replaced;           /* malformed units of text that became U+FFFD */
    uint64_t total_bytes, total_objects; /* set before the start */
};

/* Everything is borrowed. */
struct pen_task_options {
    const struct pen_load *load;
    const struct pen_conform *conform; /* NULL: batches leave as the filters made them (preview) */
    struct pen_prefetch *prefetch;
    const struct pen_object *objects; /* of the whole job; the task's are [first, first + count) */
    size_t first, count;
    struct pen_rejects *rejects;
    struct pen_account *account; /* for the same objects */
    struct pen_progress *progress;
    unsigned worker_count;
    bool is_cut;                   /* the objects' bytes are a sample */
    uint64_t archive_sample_bytes; /* of archives, instead; see object_stream.h */
    size_t chunk_bytes;            /* 0: the best size */
    const volatile int *cancel;    /* may be NULL */
};

struct pen_task;

PEN_MUST_USE enum pen_code pen_task_new(const struct pen_task_options *options,
                                        struct pen_task **ret_task, struct pen_error *err);
void pen_task_free(struct pen_task *task);
PEN_DEFINE_FREE_P(struct pen_task *, pen_task_free)

/* pen_task_stream - what the sink pulls from; lives as long as the task. */
struct pen_task_stream *pen_task_stream(struct pen_task *task);

/* pen_task_nulled - how many values filter `index` could not read and made null, over all workers;
 * after the stream ended. */
uint64_t pen_task_nulled(const struct pen_task *task, size_t index);

/* pen_task_check - after the stream ended: no object is left, and what filters dropped is what they
 * say they dropped. errors: PEN_ERR_INTERNAL. */
PEN_MUST_USE enum pen_code pen_task_check(const struct pen_task *task, struct pen_error *err);

#endif
