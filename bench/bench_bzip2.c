/* bench_bzip2 - how fast a bzip2 file decodes, from memory, one thread: ours against libbz2.
 * Not a test. Process CPU time, because other work may share the machine; both results are
 * compared.
 *
 * usage: bench_bzip2 FILE.bz2 [ROUNDS] */
#include "base/buf.h"
#include "base/civil.h"
#include "decode/decode.h"
#include "run/crew.h"

#include <bzlib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PIECE ((size_t)256 << 10)

struct result {
    uint64_t bytes, sum;
    double seconds, wall, caller; /* CPU of the process, wall, CPU of the calling thread */
};

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t); /* both clocks are always there on Linux */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Cheap, and still different when the text is. */
static void add_piece(struct result *result, const char *piece, size_t len)
{
    result->bytes += len;
    for (size_t i = 0; i + 8 <= len; i += 512) {
        uint64_t word;
        memcpy(&word, piece + i, sizeof word);
        result->sum = (result->sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    }
}

static enum pen_code run_team(struct pen_slice stored, char *piece, struct pen_decode_team *team,
                              struct result *result, struct pen_error *err)
{
    PEN_CLEANUP(pen_decode_free_p) struct pen_decode *decode = NULL;
    PEN_TRY(pen_decode_new(&pen_decode_bzip2, NULL, NULL, &decode, err));
    decode->team = team;
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    struct pen_slice in = {0};
    while (flow != PEN_FLOW_END) {
        struct pen_out out = {.ptr = piece, .room = PIECE};
        do {
            if (in.len == 0) {
                in = pen_slice(stored.ptr, stored.len < PIECE ? stored.len : PIECE);
                stored = pen_slice_skip(stored, in.len);
            }
            PEN_TRY(pen_decode_step(decode, &in, stored.len == 0, &out, &flow, err));
        } while (flow == PEN_FLOW_MORE_INPUT);
        add_piece(result, piece, PIECE - out.room);
    }
    return PEN_OK;
}

static enum pen_code run_ours(struct pen_slice stored, char *piece, struct result *result,
                              struct pen_error *err)
{
    return run_team(stored, piece, NULL, result, err);
}

struct rig {
    struct pen_crew *crew;
    struct pen_crew_gate gate;
};

/* A worker that waits for the stream. */
static void *help(void *context)
{
    struct rig *rig = context;
    pen_crew_enter(rig->crew, &rig->gate);
    pen_crew_leave(rig->crew, &rig->gate);
    return NULL;
}

static enum pen_code run_helped(struct pen_slice stored, char *piece, struct result *result,
                                struct pen_error *err)
{
    struct rig rig;
    pthread_t helper;
    PEN_TRY(pen_crew_new(&rig.crew, err));
    pen_crew_gate_init(rig.crew, &rig.gate);
    pen_crew_enter(rig.crew, &rig.gate);
    bool is_helped = pthread_create(&helper, NULL, help, &rig) == 0;
    enum pen_code code = run_team(stored, piece, pen_crew_team(rig.crew), result, err);
    pen_crew_leave(rig.crew, &rig.gate);
    if (is_helped)
        (void)pthread_join(helper, NULL); /* cannot fail: it was made */
    pen_crew_gate_release(rig.crew, &rig.gate);
    pen_crew_free(rig.crew);
    return code;
}

static enum pen_code run_library(struct pen_slice stored, char *piece, struct result *result,
                                 struct pen_error *err)
{
    bz_stream stream = {.next_in = (char *)(uintptr_t)stored.ptr, .avail_in = (unsigned)stored.len};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
        return pen_fail_nomem(err);
    int code = BZ_OK;
    while (code == BZ_OK) {
        stream.next_out = piece;
        stream.avail_out = (unsigned)PIECE;
        code = BZ2_bzDecompress(&stream);
        add_piece(result, piece, PIECE - stream.avail_out);
    }
    (void)BZ2_bzDecompressEnd(&stream); /* only fails on a stream never opened */
    return code == BZ_STREAM_END ? PEN_OK : pen_fail(err, PEN_ERR_CORRUPT, "libbz2: %d", code);
}

typedef enum pen_code (*run_fn)(struct pen_slice stored, char *piece, struct result *result,
                                struct pen_error *err);

static enum pen_code measure(const char *name, run_fn run, struct pen_slice stored, long rounds,
                             struct result *ret_best, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *piece = malloc(PIECE);
    if (piece == NULL)
        return pen_fail_nomem(err);
    for (long i = 0; i < rounds; i++) {
        struct result result = {0};
        double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        double caller = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        int64_t start_us = pen_monotonic_us();
        PEN_TRY(run(stored, piece, &result, err));
        result.seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start;
        result.caller = seconds_of(CLOCK_THREAD_CPUTIME_ID) - caller;
        result.wall = (double)(pen_monotonic_us() - start_us) / 1e6;
        if (i == 0 || result.seconds < ret_best->seconds)
            ret_best->seconds = result.seconds;
        if (i == 0 || result.wall < ret_best->wall)
            ret_best->wall = result.wall;
        if (i == 0 || result.caller < ret_best->caller)
            ret_best->caller = result.caller;
        ret_best->bytes = result.bytes;
        ret_best->sum = result.sum;
    }
    double megabytes = (double)ret_best->bytes / 1e6;
    printf("%-17s %6.1f MB/s of CPU (%.3f s)  %6.1f MB/s of wall (%.3f s)  %.3f s in the caller\n",
           name, megabytes / ret_best->seconds, ret_best->seconds, megabytes / ret_best->wall,
           ret_best->wall, ret_best->caller);
    return PEN_OK;
}

static enum pen_code run(const char *path, long rounds, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF((size_t)2 << 30);
    PEN_TRY(pen_buf_read_file(&stored, path, err));
    struct result library = {0}, ours = {0}, helped = {0};
    PEN_TRY(
        measure("libbz2, 1 thread", run_library, pen_buf_slice(&stored), rounds, &library, err));
    PEN_TRY(measure("ours, 1 thread", run_ours, pen_buf_slice(&stored), rounds, &ours, err));
    PEN_TRY(measure("ours, 2 threads", run_helped, pen_buf_slice(&stored), rounds, &helped, err));
    bool is_equal = ours.bytes == library.bytes && ours.sum == library.sum &&
                    helped.bytes == library.bytes && helped.sum == library.sum;
    printf("bzip2: 1 thread %.2fx libbz2 by CPU (aim 3); 2 threads %.2fx 1 thread by wall, %.2fx "
           "by the "
           "caller's CPU (aim 1.8); %s\n",
           library.seconds / ours.seconds, ours.wall / helped.wall, ours.caller / helped.caller,
           is_equal ? "all texts equal" : "RESULTS DIFFER");
    return is_equal ? PEN_OK : pen_fail(err, PEN_ERR_INTERNAL, "results differ");
}

int main(int argc, char **argv)
{
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 3;
    struct pen_error err = {0};
    if (argc < 2 || rounds < 1 || run(argv[1], rounds, &err) != PEN_OK) {
        (void)fprintf(stderr, "bench_bzip2 FILE.bz2 [ROUNDS]: %s\n", err.message);
        return 1;
    }
    return 0;
}
