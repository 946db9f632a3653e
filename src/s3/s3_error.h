/* s3_error.h - a reply that is no success --> what failed, whether to try again, what to do. Pure.
 * source: "Error responses" in the S3 API reference; spec of the S3 input, sections 8 and 12;
 * deviations: docs/s3.md. */
#ifndef PEN_S3_S3_ERROR_H
#define PEN_S3_S3_ERROR_H

#include "base/error.h"
#include "base/slice.h"

struct s3_error_reply {
    int status;
    char code[64];         /* "NoSuchKey"; made from the status when the reply has no body (HEAD) */
    char message[512];     /* the service's own words */
    char request_id[80];   /* "" when none */
    char region[64];       /* of the bucket, when the reply names it */
    int64_t clock_skew_us; /* service's clock - ours; 0 unknown */
};

/* s3_error_parse - fills code, message, region and request id from the XML body, which may be
 * anything; what the headers said before (request_id, region) stays unless the body says more. */
void s3_error_parse(struct s3_error_reply *reply, struct pen_slice body);

/* s3_error_make - the error for people and for the retry policy. `is_list`: of a bucket's listing.
 */
enum pen_code s3_error_make(const struct s3_error_reply *reply, bool is_list,
                            struct pen_error *err);

/* s3_error_is_expired - temporary credentials that ran out. */
bool s3_error_is_expired(const struct s3_error_reply *reply);

/* s3_error_is_region - the bucket lives elsewhere (the region may still be unknown). */
bool s3_error_is_region(const struct s3_error_reply *reply);

#endif
