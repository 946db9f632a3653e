/* log_stream.h - a job's logs and figures as server-sent events.
 *
 *     event: output    data: one line of output.log          id: position behind it
 *     event: engine    data: one line of engine.log          id: position behind it
 *     event: progress  data: {"status", "num_records", ...}  when something changed
 *     event: end       data: the same, of the finished job; the stream ends
 *
 * ids are "<output bytes>:<engine bytes>": a client that was cut off sends the last one back in
 * Last-Event-ID and misses nothing. source: the EventSource section of the HTML standard. */
#ifndef PEN_API_LOG_STREAM_H
#define PEN_API_LOG_STREAM_H

#include "lake/lake.h"
#include "net/http_server.h"

struct pen_log_stream_options {
    const char *home;
    int64_t job_id;
    const char *last_event_id; /* NULL: from the beginning */
    /* the catalog connection of the worker that fills the stream */
    struct pen_lake *(*lake_of)(void *local);
};

/* pen_log_stream_open - options are copied, the texts too. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_log_stream_open(const struct pen_log_stream_options *options,
                                               struct pen_http_stream *ret_stream,
                                               struct pen_error *err);

#endif
