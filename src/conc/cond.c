#include "conc/cond.h"

#include "base/civil.h"

#include <time.h>

#define NS_PER_SECOND 1000000000L

void pen_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes); /* none of these can fail on Linux */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct timespec pen_cond_deadline(int64_t wait_us)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* always there on Linux */
    until.tv_sec += wait_us / PEN_US_PER_SECOND;
    until.tv_nsec += wait_us % PEN_US_PER_SECOND * 1000;
    until.tv_sec += until.tv_nsec / NS_PER_SECOND;
    until.tv_nsec %= NS_PER_SECOND;
    return until;
}
