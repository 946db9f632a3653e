/* task_internal.h - the parts of a task that task.c and task_worker.c share. */
#ifndef PEN_RUN_TASK_INTERNAL_H
#define PEN_RUN_TASK_INTERNAL_H

#include "run/task.h"

#include <pthread.h>

/* Small objects share a text buffer: at most so many chunks in one. */
#define PEN_SET_CHUNKS 64

/* An object some worker has claimed and that has not ended for all of them. */
struct pen_open_object {
    struct pen_object_stream *stream;
    struct pen_open_object *next;
    unsigned workers;
};

/* Text of one fill and the chunks in it. */
struct pen_chunk_set {
    struct pen_text_buffer buffer;
    struct pen_chunk *chunks[PEN_SET_CHUNKS]; /* made when first needed */
    size_t count, next;                       /* chunks [next, count) are not converted yet */
    bool has_emitted;                         /* a batch that went to the sink points into it */
};

enum pen_reject_phase { PEN_PHASE_PARSE, PEN_PHASE_FILTER, PEN_PHASE_TABLE };

/* Rejects of one step as a worker sees them: counted per object before they go on. */
struct pen_worker_rejects {
    struct pen_reject_sink sink; /* first member */
    struct pen_task *task;
    enum pen_reject_phase phase;
};

struct pen_worker {
    struct pen_open_object *object; /* that it fills from; NULL when it has none */
    struct pen_chunk_set sets[2];
    unsigned set;
    struct pen_batch *batches[2];
    unsigned batch;
    struct pen_filter_local **filters;
    uint64_t time_counter;
    bool has_ended;
};

struct pen_task {
    struct pen_task_stream stream; /* first member: the sink's view */
    struct pen_task_options options;
    struct pen_object_stream_options stream_options;
    struct pen_crew *crew;
    struct pen_worker_rejects parser_rejects, filter_rejects, table_rejects;
    struct pen_worker *workers;
    size_t batch_rows;
    char **places;        /* per object of the task, made when it is claimed */
    pthread_mutex_t lock; /* guards what follows */
    size_t next_object;   /* index in the task */
    struct pen_open_object *open;
    struct pen_place *entry_places; /* of archives that are closed */
    _Atomic bool has_failed;
};

/* pen_worker_claim - gives the worker an object to fill from: the next one of the task, else one
 * that others work on; worker->object NULL when nothing is left. */
PEN_MUST_USE enum pen_code pen_worker_claim(struct pen_task *task, struct pen_worker *worker,
                                            struct pen_error *err);

/* pen_worker_leave - the worker is done with its object; the last one closes it. */
void pen_worker_leave(struct pen_task *task, struct pen_worker *worker);

/* pen_task_next - the stream's `next`: see sink.h. */
enum pen_code pen_task_next(struct pen_task_stream *stream, unsigned worker,
                            const struct pen_batch **ret_batch, struct pen_error *err);

#endif
