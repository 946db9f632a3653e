/* doctor.h - why a source cannot be read, step by step; `penstock doctor` prints the answer.
 *
 *     configuration --checks in order, each with what the ones before found out--> report
 *
 * S3: configuration, credentials, DNS, TCP and TLS, clock, region, ListBucket, GetObject of a first
 * byte. File: configuration, listing, reading of a first byte. Nothing is written anywhere.
 * A missing permission is named, and the least policy that grants all of them is given. */
#ifndef PEN_SOURCE_DOCTOR_H
#define PEN_SOURCE_DOCTOR_H

#include "source/source.h"

enum pen_check_status {
    PEN_CHECK_OK,
    PEN_CHECK_WARNING, /* works, but look at the hint */
    PEN_CHECK_FAILED,
    PEN_CHECK_SKIPPED /* could not be tried because of an earlier failure, or makes no sense here */
};

struct pen_check {
    const char *name; /* "credentials", "dns", "list", ...: stable, for machines; static */
    enum pen_check_status status;
    enum pen_code code; /* of a failure: PEN_ERR_AUTH, PEN_ERR_IO, ... */
    char detail[512];   /* what was found or what failed */
    char hint[512];     /* what to do; "" when there is nothing to do */
};

#define PEN_DOCTOR_CHECKS_MAX 16

struct pen_doctor_report {
    struct pen_check checks[PEN_DOCTOR_CHECKS_MAX]; /* in the order they were made */
    size_t count;
    struct pen_buf policy; /* the least policy as JSON when a permission is missing, else empty */
};

/* pen_check_status_name - "ok", "warning", "failed", "skipped". */
const char *pen_check_status_name(enum pen_check_status status);

/* pen_doctor_run - makes all checks; failed ones are in the report, not an error.
 * in:     type: of config's `type`; config: the `in` mapping; env as for pen_source_new.
 * out:    *ret_report, released by the caller with pen_doctor_report_release.
 * errors: PEN_ERR_NOMEM only.   cost: at most two requests a check, each with its own time limit
 *         and without retries. */
PEN_MUST_USE enum pen_code pen_doctor_run(const struct pen_source_type *type,
                                          const struct pen_node *config,
                                          const struct pen_source_env *env,
                                          struct pen_doctor_report *ret_report,
                                          struct pen_error *err);
void pen_doctor_report_release(struct pen_doctor_report *report);

/* pen_doctor_code - PEN_OK when no check failed, else the code of the first that did. */
enum pen_code pen_doctor_code(const struct pen_doctor_report *report);

#endif
