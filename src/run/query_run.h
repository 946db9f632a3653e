/* query_run.h - SQL over the lake as a job: rows go to <home>/jobs/<id>/result.msgpack.
 *
 *     SQL --pen_query_submit--> queued job --pen_run_execute--> rows, each an array, and
 *                                                               job.result {"schema",
 * "result_size"}
 *
 * The session can only read; unqualified tables are the job's database's. */
#ifndef PEN_RUN_QUERY_RUN_H
#define PEN_RUN_QUERY_RUN_H

#include "lake/lake.h"

struct pen_query_options {
    const char *type; /* "presto", "hive": as the client calls it; there is one engine */
    const char *database;
    struct pen_slice sql;
    const char *domain_key; /* a second job with the same key is refused; NULL for none */
    int priority;           /* -2 .. 2 */
    int retry_limit;
};

/* pen_query_submit - puts a query into the queue.
 * errors: PEN_ERR_NOT_FOUND no such database; PEN_ERR_CONFIG no SQL; PEN_ERR_CONFLICT as
 *         pen_job_create. What is wrong with the SQL is the job's to tell. */
PEN_MUST_USE enum pen_code pen_query_submit(struct pen_lake *lake,
                                            const struct pen_query_options *options,
                                            int64_t *ret_job_id, struct pen_error *err);

/* pen_query_is_query - whether a job of that type is SQL. */
bool pen_query_is_query(const char *job_type);

/* The file's name in the job's folder. */
#define PEN_QUERY_RESULT_FILE "result.msgpack"

#endif
