/* doctor_internal.h - how the checks of doctor.h fill the report. */
#ifndef PEN_SOURCE_DOCTOR_INTERNAL_H
#define PEN_SOURCE_DOCTOR_INTERNAL_H

#include "source/doctor.h"

/* pen_doctor_add - one more check; printf format for the detail. The hint is empty. */
struct pen_check *pen_doctor_add(struct pen_doctor_report *report, const char *name,
                                 enum pen_check_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* pen_doctor_fail - a failed check out of an error: its place, message and hint. */
struct pen_check *pen_doctor_fail(struct pen_doctor_report *report, const char *name,
                                  const struct pen_error *failed);

/* pen_doctor_s3 - the checks of an opened source of type s3. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_doctor_s3(struct pen_source *source,
                                         struct pen_doctor_report *report, struct pen_error *err);

/* pen_doctor_policy - appends the least IAM policy for reading keys that begin with `prefix`.
 * in: region: decides the partition; may be NULL. */
PEN_MUST_USE enum pen_code pen_doctor_policy(const char *bucket, const char *prefix,
                                             const char *region, bool needs_list,
                                             struct pen_buf *into, struct pen_error *err);

#endif
