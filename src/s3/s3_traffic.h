/* s3_traffic.h - requests to S3 as they are counted. thread: any. */
#ifndef PEN_S3_S3_TRAFFIC_H
#define PEN_S3_S3_TRAFFIC_H

#include <stdatomic.h>
#include <stdint.h>

struct pen_s3_traffic {
    atomic_ullong list_requests, get_requests, head_requests; /* each attempt counts */
    atomic_ullong retries;                                    /* attempts after the first */
    atomic_llong credential_expiry_us; /* of the credentials used last; 0: they do not expire */
};

#endif
