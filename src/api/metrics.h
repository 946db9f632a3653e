/* metrics.h - what the server did since it started, as Prometheus reads it.
 *
 * Counters grow while jobs and requests end; gauges are asked of the catalog when they are read.
 * thread: any. source: the Prometheus text exposition format 0.0.4. */
#ifndef PEN_API_METRICS_H
#define PEN_API_METRICS_H

#include "lake/lake.h"
#include "run/job_workers.h"
#include "s3/s3_traffic.h"

struct pen_metrics;

PEN_MUST_USE enum pen_code pen_metrics_new(struct pen_metrics **ret_metrics, struct pen_error *err);
void pen_metrics_free(struct pen_metrics *metrics);
PEN_DEFINE_FREE_P(struct pen_metrics *, pen_metrics_free)

/* pen_metrics_job - a job ended here. pen_metrics_request - a request was answered. */
void pen_metrics_job(struct pen_metrics *metrics, const struct pen_job_ended *ended);
void pen_metrics_request(struct pen_metrics *metrics, int status, int64_t duration_us);

/* pen_metrics_traffic - where the jobs' sources count their requests. */
struct pen_s3_traffic *pen_metrics_traffic(struct pen_metrics *metrics);

/* pen_metrics_print - all of them, appended. in: lake: for the gauges. */
PEN_MUST_USE enum pen_code pen_metrics_print(struct pen_metrics *metrics, struct pen_lake *lake,
                                             struct pen_buf *into, struct pen_error *err);

#endif
