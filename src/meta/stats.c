#include "meta/stats.h"

static enum pen_code ask(struct pen_db *db, int64_t *ret_value, const char *sql,
                         struct pen_error *err)
{
    bool is_found = false;
    *ret_value = 0;
    return pen_db_query_int(db, ret_value, &is_found, err, sql, "");
}

enum pen_code pen_queue_stats(struct pen_db *db, int64_t now_us, struct pen_queue_stats *ret_stats,
                              struct pen_error *err)
{
    struct pen_queue_stats stats = {0};
    bool is_found = false;
    PEN_TRY(ask(db, &stats.queued, "SELECT count(*) FROM job WHERE status = 'queued'", err));
    PEN_TRY(ask(db, &stats.running,
                "SELECT count(*) FROM job WHERE status IN ('booting', 'running')", err));
    PEN_TRY(ask(db, &stats.oldest_queued_us,
                "SELECT min(created_us) FROM job WHERE status = 'queued'", err));
    PEN_TRY(ask(db, &stats.oldest_object_us,
                "SELECT min(o.modified_us) FROM job j JOIN job_object o ON o.job_id = j.job_id "
                "WHERE j.status IN ('queued', 'booting', 'running') AND o.modified_us > 0",
                err));
    PEN_TRY(ask(db, &stats.schedules, "SELECT count(*) FROM schedule WHERE due_us > 0", err));
    PEN_TRY(pen_db_query_int(db, &stats.latest_due_us, &is_found, err,
                             "SELECT min(due_us) FROM schedule WHERE due_us > 0 AND due_us <= $1",
                             "i", now_us));
    *ret_stats = stats;
    return PEN_OK;
}
