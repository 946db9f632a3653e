#include "api/api_words.h"

#include "base/civil.h"

#include <inttypes.h>
#include <stdio.h>

void pen_api_member_time(struct pen_json_writer *w, const char *key, int64_t utc_us)
{
    char text[64];
    if (utc_us == 0) {
        pen_jw_member_null(w, key);
        return;
    }
    struct pen_civil c = pen_civil_from_us(utc_us);
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d UTC", (int)c.year, c.month,
                   c.day, c.hour, c.minute, c.second); /* always fits */
    pen_jw_member_text(w, key, text);
}

void pen_api_member_epoch(struct pen_json_writer *w, const char *key, int64_t utc_us)
{
    if (utc_us == 0)
        pen_jw_member_null(w, key);
    else
        pen_jw_member_int(w, key, utc_us / PEN_US_PER_SECOND);
}

void pen_api_member_id(struct pen_json_writer *w, const char *key, int64_t id)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, id); /* always fits */
    pen_jw_member_text(w, key, text);
}

bool pen_api_duration_s(const struct pen_job *job, int64_t now_us, int64_t *ret_seconds)
{
    if (job->started_us == 0)
        return false;
    *ret_seconds =
        ((job->ended_us != 0 ? job->ended_us : now_us) - job->started_us) / PEN_US_PER_SECOND;
    return true;
}
