/* api_words.h - values as the replies of the original have them. */
#ifndef PEN_API_API_WORDS_H
#define PEN_API_API_WORDS_H

#include "base/json_writer.h"
#include "meta/job.h"

/* pen_api_member_time - "2015-01-27 19:23:49 UTC"; null for 0. */
void pen_api_member_time(struct pen_json_writer *w, const char *key, int64_t utc_us);

/* pen_api_member_epoch - whole seconds; null for 0. */
void pen_api_member_epoch(struct pen_json_writer *w, const char *key, int64_t utc_us);

/* pen_api_member_id - a number as the text that the original sends: "17". */
void pen_api_member_id(struct pen_json_writer *w, const char *key, int64_t id);

/* pen_api_duration_s - how long a job has run or ran; false before its start. */
bool pen_api_duration_s(const struct pen_job *job, int64_t now_us, int64_t *ret_seconds);

#endif
