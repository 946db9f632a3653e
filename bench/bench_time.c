/* bench_time.c - nanoseconds a value of the time formats. Not a test: run it on a quiet machine.
 *     ninja -C build bench/bench_time && build/bench/bench_time [values] */
#include "base/civil.h"
#include "guess/time_guess.h"
#include "tz/time_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_BYTES 64

/* Processor time: the machine may have other work. */
static int64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* always exists on Linux */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct samples {
    size_t count;
    char *texts; /* TEXT_BYTES each */
    struct pen_slice *slices;
};

/* Times of a month, in no order, printed by the format itself. */
static bool make_samples(const char *format, const char *zone, struct samples *samples)
{
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *printer = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_BYTES);
    if (pen_time_format_new(format, zone, NULL, &printer, NULL) != PEN_OK)
        return false;
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < samples->count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        struct pen_instant instant = {INT64_C(1420070400000000) +
                                          (int64_t)(random % UINT64_C(2592000000000)),
                                      (uint16_t)(random % 1000)};
        pen_buf_clear(&text);
        if (pen_time_format_print(printer, instant, &text, NULL) != PEN_OK)
            return false;
        memcpy(samples->texts + i * TEXT_BYTES, text.ptr, text.len);
        samples->slices[i] = pen_slice(samples->texts + i * TEXT_BYTES, text.len);
    }
    return true;
}

static void bench_parse(const char *format, const char *zone, struct samples *samples)
{
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *compiled = NULL;
    if (!make_samples(format, zone, samples) ||
        pen_time_format_new(format, zone, NULL, &compiled, NULL) != PEN_OK) {
        printf("%-50s cannot be measured\n", format);
        return;
    }
    int64_t best = INT64_MAX, sum = 0, failed = 0;
    for (int round = 0; round < 5; round++) {
        int64_t start = cpu_ns();
        for (size_t i = 0; i < samples->count; i++) {
            struct pen_instant instant = {0, 0};
            failed += !pen_time_format_parse(compiled, samples->slices[i], &instant, NULL);
            sum += instant.utc_us;
        }
        int64_t taken = cpu_ns() - start;
        best = taken < best ? taken : best;
    }
    printf("%-50s %-12s %6.1f ns %s(%llx)\n", format, zone, (double)best / (double)samples->count,
           failed > 0 ? "FAILED " : "", (unsigned long long)sum & 0xff);
}

static void bench_print(const char *format, const char *zone, size_t count)
{
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *compiled = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_BYTES);
    if (pen_time_format_new(format, zone, NULL, &compiled, NULL) != PEN_OK)
        return;
    int64_t start = cpu_ns();
    for (size_t i = 0; i < count; i++) {
        struct pen_instant instant = {INT64_C(1420070400000000) + (int64_t)i * 1234567, 0};
        pen_buf_clear(&text);
        if (pen_time_format_print(compiled, instant, &text, NULL) != PEN_OK)
            return;
    }
    int64_t taken = cpu_ns() - start;
    printf("print %-44s %-12s %6.1f ns\n", format, zone, (double)taken / (double)count);
}

static void bench_guess(const struct samples *samples)
{
    size_t times = 0;
    int64_t start = cpu_ns();
    for (size_t i = 0; i < samples->count; i++)
        times += pen_time_guess_is_time(samples->slices[i]);
    int64_t taken = cpu_ns() - start;
    printf("%-63s %6.1f ns (%zu)\n", "is it a time?", (double)taken / (double)samples->count,
           times);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *format, *zone;
    } cases[] = {
        {"%Y-%m-%d %H:%M:%S", "UTC"},
        {"%Y-%m-%d %H:%M:%S", "Asia/Tokyo"},
        {"%Y-%m-%d %H:%M:%S", "America/New_York"},
        {"%Y-%m-%dT%H:%M:%S.%L", "UTC"},
        {"%Y-%m-%dT%H:%M:%S.%N%:z", "+09:00"},
        {"%Y-%m-%d %H:%M:%S.%N %z", "UTC"},
        {"%Y-%m-%d %H:%M:%S %Z", "UTC"},
        {"%Y-%m-%d %H:%M:%S %Z", "Asia/Tokyo"},
        {"%Y-%m-%d", "UTC"},
        {"%Y%m%d%H%M%S", "UTC"},
        {"%d/%b/%Y:%H:%M:%S %z", "UTC"},
        {"%a, %d %b %Y %H:%M:%S %z", "UTC"},
        {"%m/%d/%Y %I:%M:%S %p", "UTC"},
        {"%s", "UTC"},
        {"ruby:%Y-%m-%d %H:%M:%S", "UTC"},
        {"java:uuuu-MM-dd HH:mm:ss", "UTC"},
        {"java:uuuu-MM-dd'T'HH:mm:ss.SSSXXX", "+09:00"},
        {"java:dd/MMM/uuuu:HH:mm:ss Z", "UTC"},
    };
    struct samples samples = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000};
    samples.texts = calloc(samples.count, TEXT_BYTES);
    samples.slices = calloc(samples.count, sizeof *samples.slices);
    if (samples.texts == NULL || samples.slices == NULL)
        return 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        bench_parse(cases[i].format, cases[i].zone, &samples);
    bench_guess(&samples);
    bench_print("%Y-%m-%d %H:%M:%S", "UTC", samples.count);
    bench_print("%Y-%m-%d %H:%M:%S.%N %z", "America/New_York", samples.count);
    free(samples.texts);
    free(samples.slices);
    return 0;
}
