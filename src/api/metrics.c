#include "api/metrics.h"

#include "base/civil.h"
#include "meta/stats.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Different rejections, and job types; what has no place goes to the last. */
#define REASONS    48
#define TYPES      4
#define NAME_BYTES 32

static const double job_bounds[] = {1, 5, 15, 60, 300, 900, 3600, 14400};
static const double request_bounds[] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10};

#define BUCKETS 10

struct histogram {
    uint64_t buckets[BUCKETS]; /* not yet summed up; the last is +Inf */
    uint64_t count;
    double sum;
};

struct named_count {
    char name[NAME_BYTES];
    uint64_t count;
};

struct job_type {
    char name[NAME_BYTES];
    uint64_t ended[PEN_JOB_KILLED + 1];
    struct histogram duration;
};

struct pen_metrics {
    pthread_mutex_t lock; /* everything but `traffic` and `started_us` */
    int64_t started_us;
    struct pen_s3_traffic traffic;
    struct job_type types[TYPES];
    size_t type_count;
    uint64_t objects, rows, filtered, stored_bytes, plain_bytes, written_bytes;
    struct named_count rejects[REASONS];
    size_t reject_count;
    struct {
        int status;
        uint64_t count;
    } requests[64];
    size_t request_count;
    struct histogram request_duration;
};

enum pen_code pen_metrics_new(struct pen_metrics **ret_metrics, struct pen_error *err)
{
    struct pen_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL)
        return pen_fail_nomem(err);
    if (pthread_mutex_init(&metrics->lock, NULL) != 0) {
        free(metrics);
        return pen_fail(err, PEN_ERR_INTERNAL, "cannot make a lock");
    }
    metrics->started_us = pen_now_us();
    *ret_metrics = metrics;
    return PEN_OK;
}

void pen_metrics_free(struct pen_metrics *metrics)
{
    if (metrics == NULL)
        return;
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

struct pen_s3_traffic *pen_metrics_traffic(struct pen_metrics *metrics)
{
    return &metrics->traffic;
}

/* --- counting --------------------------------------------------------------------------------- */

static void observe(struct histogram *histogram, const double *bounds, size_t count, double value)
{
    size_t i = 0;
    while (i < count && value > bounds[i])
        i++;
    histogram->buckets[i]++;
    histogram->count++;
    histogram->sum += value;
}

/* The place of a name among `cap`; the last place is "other". */
static struct named_count *reject_of(struct pen_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->reject_count; i++)
        if (strcmp(metrics->rejects[i].name, name) == 0)
            return &metrics->rejects[i];
    bool is_last = metrics->reject_count + 1 >= REASONS;
    if (metrics->reject_count == REASONS)
        return &metrics->rejects[REASONS - 1];
    struct named_count *made = &metrics->rejects[metrics->reject_count++];
    (void)snprintf(made->name, sizeof made->name, "%s", is_last ? "other" : name); /* short words */
    return made;
}

static struct job_type *type_of(struct pen_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->type_count; i++)
        if (strcmp(metrics->types[i].name, name) == 0)
            return &metrics->types[i];
    if (metrics->type_count == TYPES)
        return &metrics->types[TYPES - 1];
    struct job_type *made = &metrics->types[metrics->type_count++];
    (void)snprintf(made->name, sizeof made->name, "%s", name); /* "bulkload", "presto", "hive" */
    return made;
}

void pen_metrics_job(struct pen_metrics *metrics, const struct pen_job_ended *ended)
{
    const struct pen_run_result *result = ended->result;
    if (!pen_job_status_is_finished(result->status))
        return;                               /* given back: it ends elsewhere */
    (void)pthread_mutex_lock(&metrics->lock); /* a valid mutex: cannot fail */
    struct job_type *type = type_of(metrics, ended->job->type);
    type->ended[result->status]++;
    observe(&type->duration, job_bounds, sizeof job_bounds / sizeof job_bounds[0],
            (double)result->elapsed_us / (double)PEN_US_PER_SECOND);
    metrics->stored_bytes += result->counts.bytes;
    metrics->plain_bytes += result->plain_bytes;
    if (result->status == PEN_JOB_SUCCESS && strcmp(ended->job->type, "bulkload") == 0) {
        metrics->objects += result->counts.objects;
        metrics->rows += result->counts.records;
        metrics->filtered += result->counts.filtered;
        metrics->written_bytes += result->part_bytes;
    }
    for (size_t i = 0; i < result->reject_count; i++)
        reject_of(metrics, result->reject_counts[i].code)->count +=
            result->reject_counts[i].records;
    (void)pthread_mutex_unlock(&metrics->lock);
}

void pen_metrics_request(struct pen_metrics *metrics, int status, int64_t duration_us)
{
    size_t i = 0, most = sizeof metrics->requests / sizeof metrics->requests[0];
    (void)pthread_mutex_lock(&metrics->lock);
    while (i < metrics->request_count && metrics->requests[i].status != status)
        i++;
    if (i == metrics->request_count && i < most) {
        metrics->requests[i].status = status;
        metrics->request_count++;
    }
    if (i < most)
        metrics->requests[i].count++;
    observe(&metrics->request_duration, request_bounds,
            sizeof request_bounds / sizeof request_bounds[0],
            (double)duration_us / (double)PEN_US_PER_SECOND);
    (void)pthread_mutex_unlock(&metrics->lock);
}

/* --- printing --------------------------------------------------------------------------------- */

/* Help and type of a metric; the first failure sticks. */
struct printer {
    struct pen_buf *into;
    enum pen_code code;
    struct pen_error *err;
};

__attribute__((format(printf, 2, 3))) static void add(struct printer *printer, const char *format,
                                                      ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); /* names and numbers: fits */
    va_end(args);
    if (printer->code == PEN_OK)
        printer->code = pen_buf_add_str(printer->into, line, printer->err);
}

static void head(struct printer *printer, const char *name, const char *type, const char *help)
{
    add(printer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct printer *printer, const char *name, const char *help, uint64_t value)
{
    head(printer, name, "counter", help);
    add(printer, "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct printer *printer, const char *name, const char *help, double value)
{
    head(printer, name, "gauge", help);
    add(printer, "%s %.17g\n", name, value);
}

static void print_histogram(struct printer *printer, const char *name, const char *label,
                            const struct histogram *histogram, const double *bounds, size_t count)
{
    uint64_t sum = 0;
    const char *comma = label[0] == '\0' ? "" : ",";
    for (size_t i = 0; i <= count; i++) {
        sum += histogram->buckets[i];
        if (i < count)
            add(printer, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, label, comma, bounds[i],
                sum);
        else
            add(printer, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, label, comma, sum);
    }
    const char *open = label[0] == '\0' ? "" : "{", *close = label[0] == '\0' ? "" : "}";
    add(printer, "%s_sum%s%s%s %.6f\n", name, open, label, close, histogram->sum);
    add(printer, "%s_count%s%s%s %" PRIu64 "\n", name, open, label, close, histogram->count);
}

static void print_jobs(struct printer *printer, const struct pen_metrics *metrics)
{
    static const enum pen_job_status ends[] = {PEN_JOB_SUCCESS, PEN_JOB_ERROR, PEN_JOB_KILLED};
    head(printer, "penstock_jobs_total", "counter", "jobs that ended in this server");
    for (size_t i = 0; i < metrics->type_count; i++)
        for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++)
            add(printer, "penstock_jobs_total{type=\"%s\",status=\"%s\"} %" PRIu64 "\n",
                metrics->types[i].name, pen_job_status_name(ends[e]),
                metrics->types[i].ended[ends[e]]);
    head(printer, "penstock_job_duration_seconds", "histogram", "how long jobs ran");
    for (size_t i = 0; i < metrics->type_count; i++) {
        char label[64];
        (void)snprintf(label, sizeof label, "type=\"%s\"", metrics->types[i].name); /* fits */
        print_histogram(printer, "penstock_job_duration_seconds", label,
                        &metrics->types[i].duration, job_bounds,
                        sizeof job_bounds / sizeof job_bounds[0]);
    }
}

static void print_loads(struct printer *printer, const struct pen_metrics *metrics)
{
    counter(printer, "penstock_objects_total", "objects loaded", metrics->objects);
    counter(printer, "penstock_rows_total", "rows committed", metrics->rows);
    counter(printer, "penstock_filtered_total", "records that filters dropped", metrics->filtered);
    head(printer, "penstock_rejects_total", "counter", "rejected records by reason");
    for (size_t i = 0; i < metrics->reject_count; i++)
        add(printer, "penstock_rejects_total{reason=\"%s\"} %" PRIu64 "\n",
            metrics->rejects[i].name, metrics->rejects[i].count);
    head(printer, "penstock_bytes_total", "counter",
         "bytes of loads: stored as read, plain as decoded, written to the lake");
    add(printer, "penstock_bytes_total{stage=\"stored\"} %" PRIu64 "\n", metrics->stored_bytes);
    add(printer, "penstock_bytes_total{stage=\"plain\"} %" PRIu64 "\n", metrics->plain_bytes);
    add(printer, "penstock_bytes_total{stage=\"written\"} %" PRIu64 "\n", metrics->written_bytes);
}

static void print_traffic(struct printer *printer, struct pen_metrics *metrics)
{
    struct pen_s3_traffic *traffic = &metrics->traffic;
    head(printer, "penstock_s3_requests_total", "counter", "requests to S3, each attempt");
    add(printer, "penstock_s3_requests_total{operation=\"list\"} %llu\n",
        atomic_load(&traffic->list_requests));
    add(printer, "penstock_s3_requests_total{operation=\"get\"} %llu\n",
        atomic_load(&traffic->get_requests));
    add(printer, "penstock_s3_requests_total{operation=\"head\"} %llu\n",
        atomic_load(&traffic->head_requests));
    counter(printer, "penstock_s3_retries_total", "requests to S3 that were tried again",
            atomic_load(&traffic->retries));
    int64_t expiry_us = atomic_load(&traffic->credential_expiry_us);
    if (expiry_us != 0)
        gauge(printer, "penstock_credential_expiry_seconds",
              "until the S3 credentials used last expire",
              (double)(expiry_us - pen_now_us()) / (double)PEN_US_PER_SECOND);
}

static void print_requests(struct printer *printer, const struct pen_metrics *metrics)
{
    head(printer, "penstock_http_requests_total", "counter", "HTTP requests answered, by status");
    for (size_t i = 0; i < metrics->request_count; i++)
        add(printer, "penstock_http_requests_total{code=\"%d\"} %" PRIu64 "\n",
            metrics->requests[i].status, metrics->requests[i].count);
    head(printer, "penstock_http_request_duration_seconds", "histogram",
         "how long handlers took, without sending");
    print_histogram(printer, "penstock_http_request_duration_seconds", "",
                    &metrics->request_duration, request_bounds,
                    sizeof request_bounds / sizeof request_bounds[0]);
}

static double age_s(int64_t since_us, int64_t now_us)
{
    return since_us == 0 || since_us > now_us
               ? 0
               : (double)(now_us - since_us) / (double)PEN_US_PER_SECOND;
}

static void print_queue(struct printer *printer, const struct pen_queue_stats *stats)
{
    int64_t now_us = pen_now_us();
    gauge(printer, "penstock_queue_depth", "jobs that wait", (double)stats->queued);
    gauge(printer, "penstock_queue_oldest_seconds", "how long the oldest waiting job has waited",
          age_s(stats->oldest_queued_us, now_us));
    gauge(printer, "penstock_jobs_running", "jobs that run, in any process",
          (double)stats->running);
    gauge(printer, "penstock_schedules", "schedules with a timetable", (double)stats->schedules);
    gauge(printer, "penstock_schedule_lag_seconds",
          "how long the schedule that waits longest has been due",
          age_s(stats->latest_due_us, now_us));
    gauge(printer, "penstock_oldest_unloaded_object_age_seconds",
          "age of the oldest object that an unfinished job is to load",
          age_s(stats->oldest_object_us, now_us));
}

/* The second figure of /proc/self/statm is resident pages. */
static double resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    int found = fscanf(file, "%llu %llu", &size, &resident);
    (void)fclose(file); /* only read from */
    return found == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : 0;
}

static void print_process(struct printer *printer, const struct pen_metrics *metrics)
{
    head(printer, "penstock_build_info", "gauge", "always 1");
    add(printer, "penstock_build_info{version=\"%s\"} 1\n", PEN_VERSION);
    gauge(printer, "process_start_time_seconds", "when the server started, since 1970",
          (double)metrics->started_us / (double)PEN_US_PER_SECOND);
    gauge(printer, "process_resident_memory_bytes", "resident memory", resident_bytes());
}

enum pen_code pen_metrics_print(struct pen_metrics *metrics, struct pen_lake *lake,
                                struct pen_buf *into, struct pen_error *err)
{
    struct pen_queue_stats stats = {0};
    struct printer printer = {.into = into, .err = err};
    PEN_TRY(pen_queue_stats(pen_lake_db(lake), pen_now_us(), &stats, err));
    (void)pthread_mutex_lock(&metrics->lock);
    print_jobs(&printer, metrics);
    print_loads(&printer, metrics);
    print_requests(&printer, metrics);
    (void)pthread_mutex_unlock(&metrics->lock);
    print_traffic(&printer, metrics);
    print_queue(&printer, &stats);
    print_process(&printer, metrics);
    return printer.code;
}
