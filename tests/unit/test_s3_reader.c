#include "unit.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "s3/s3_reader.h"
#include "scripted_server.h"

#define OBJECT_BYTES ((size_t)1000003) /* a prime: no part ends where another thing does */
#define FAULTS_MAX   64
#define REQUESTS_MAX 512
#define COMPANY_S    30 /* how long a reply waits for a second request */

enum fault {
    NONE,
    CUT,        /* after `at` bytes of the body */
    RESET,      /* instead of a reply */
    BUSY,       /* 503 */
    CHANGED,    /* from now on the object is another */
    FLIP,       /* one bit of the body */
    OTHER_ETAG, /* in the reply, for the same condition */
    OTHER_SIZE, /* of the whole, in the reply */
    NO_LENGTH,  /* the body ends with the connection */
    GONE        /* 404 */
};

struct scripted {
    enum fault fault;
    size_t at;
};

/* One object behind a service that breaks its n-th reply as scripted. */
struct scene {
    struct test_server *server;
    struct pen_http_client *http;
    struct pen_s3_client *client;
    uint8_t *bytes;
    size_t len;
    pthread_mutex_t lock; /* everything below */
    char etag[64];
    struct scripted faults[FAULTS_MAX];
    struct {
        char range[64], if_match[80];
    } requests[REQUESTS_MAX];
    int count, at_once, most_at_once;
    bool has_kms;
    bool waits_for_company; /* replies wait until two requests have been there at once */
    pthread_cond_t changed; /* at_once, most_at_once */
    char log[1 << 16];
};

static void send_object(struct scene *scene, struct test_peer *peer, struct scripted fault,
                        size_t first, size_t last, bool is_range)
{
    char headers[512];
    size_t len = last - first, total = scene->len + (fault.fault == OTHER_SIZE ? 1 : 0);
    int n = snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n%s",
                     fault.fault == OTHER_ETAG ? "other" : scene->etag,
                     scene->has_kms ? "x-amz-server-side-encryption: aws:kms\r\n" : "");
    if (is_range)
        (void)snprintf(headers + n, sizeof headers - (size_t)n,
                       "Content-Range: bytes %zu-%zu/%zu\r\n", first, last - 1, total);
    if (fault.fault == NO_LENGTH) {
        (void)test_sendf(peer, "HTTP/1.1 200 OK\r\n%s\r\n", headers);
        (void)test_send(peer, scene->bytes + first, len);
        test_hang_up(peer);
        return;
    }
    test_reply_head(peer, is_range ? 206 : 200, headers,
                    len + (fault.fault == OTHER_SIZE && !is_range ? 1 : 0));
    if (fault.fault == FLIP) {
        uint8_t flipped = scene->bytes[first] ^ 1;
        (void)test_send(peer, &flipped, 1);
        (void)test_send(peer, scene->bytes + first + 1, len - 1);
    } else if (fault.fault == CUT) {
        (void)test_send(peer, scene->bytes + first, fault.at < len ? fault.at : len);
        test_hang_up(peer);
    } else {
        (void)test_send(peer, scene->bytes + first, len);
    }
}

static struct scripted note(struct scene *scene, const struct test_request *request)
{
    (void)pthread_mutex_lock(&scene->lock);
    int number = scene->count++;
    assert_true(number < REQUESTS_MAX);
    (void)test_header(request, "Range", scene->requests[number].range, 64);
    (void)test_header(request, "If-Match", scene->requests[number].if_match, 80);
    struct scripted fault = number < FAULTS_MAX ? scene->faults[number] : (struct scripted){0};
    if (fault.fault == CHANGED)
        (void)snprintf(scene->etag, sizeof scene->etag, "new");
    (void)pthread_mutex_unlock(&scene->lock);
    return fault;
}

/* The server may still be at work on a request that nobody waits for. */
static int requests_seen(struct scene *scene)
{
    (void)pthread_mutex_lock(&scene->lock);
    int count = scene->count;
    (void)pthread_mutex_unlock(&scene->lock);
    return count;
}

static void count_at_once(struct scene *scene, int more)
{
    (void)pthread_mutex_lock(&scene->lock);
    scene->at_once += more;
    if (scene->at_once > scene->most_at_once)
        scene->most_at_once = scene->at_once;
    (void)pthread_cond_broadcast(&scene->changed);
    struct timespec until = {.tv_sec = time(NULL) + COMPANY_S};
    while (more > 0 && scene->waits_for_company && scene->most_at_once < 2 &&
           pthread_cond_timedwait(&scene->changed, &scene->lock, &until) == 0)
        continue;
    (void)pthread_mutex_unlock(&scene->lock);
}

static void serve(void *context, struct test_peer *peer, const struct test_request *request)
{
    struct scene *scene = context;
    struct scripted fault = note(scene, request);
    char range[64] = "", condition[80], etag[80];
    size_t first = 0, last = scene->len - 1;
    count_at_once(scene, 1);
    bool is_range = test_header(request, "Range", range, sizeof range);
    if (is_range && sscanf(range, "bytes=%zu-%zu", &first, &last) == 1)
        last = scene->len - 1;
    (void)pthread_mutex_lock(&scene->lock);
    (void)snprintf(etag, sizeof etag, "\"%s\"", scene->etag);
    (void)pthread_mutex_unlock(&scene->lock);
    bool is_refused = test_header(request, "If-Match", condition, sizeof condition) &&
                      strcmp(condition, etag) != 0;
    count_at_once(scene, -1);
    if (fault.fault == RESET)
        test_reset(peer);
    else if (fault.fault == BUSY)
        test_reply(peer, 503, "", "<Error><Code>SlowDown</Code></Error>");
    else if (fault.fault == GONE)
        test_reply(peer, 404, "", "<Error><Code>NoSuchKey</Code></Error>");
    else if (is_refused)
        test_reply(peer, 412, "", "<Error><Code>PreconditionFailed</Code></Error>");
    else
        send_object(scene, peer, fault, first, scene->len == 0 ? 0 : last + 1, is_range);
}

static void keep_line(void *context, const char *level, const char *text)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->lock);
    size_t len = strlen(scene->log);
    (void)snprintf(scene->log + len, sizeof scene->log - len, "%s: %s\n", level, text);
    (void)pthread_mutex_unlock(&scene->lock);
}

static void set_md5_etag(struct scene *scene)
{
    uint8_t digest[16];
    assert_int_equal(EVP_Digest(scene->bytes, scene->len, digest, NULL, EVP_md5(), NULL), 1);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(scene->etag + 2 * i, 3, "%02x", digest[i]);
}

static struct scene *open_scene(size_t len)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char endpoint[64];
    (void)pthread_mutex_init(&scene->lock, NULL);
    (void)pthread_cond_init(&scene->changed, NULL);
    scene->len = len;
    scene->bytes = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        scene->bytes[i] = (uint8_t)(i * 2654435761u >> 11);
    set_md5_etag(scene);
    scene->server = test_server_new(serve, scene, false);
    assert_ok(pen_http_client_new(NULL, &scene->http, err));
    (void)snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d",
                   test_server_port(scene->server));
    struct pen_s3_options options = {.endpoint = endpoint,
                                     .http = scene->http,
                                     .retry = {3, 1, 1},
                                     .log = keep_line,
                                     .log_context = scene};
    assert_ok(pen_s3_client_new(&options, &scene->client, err));
    return scene;
}

static void close_scene(struct scene *scene)
{
    pen_s3_client_free(scene->client);
    pen_http_client_free(scene->http);
    test_server_free(scene->server);
    free(scene->bytes);
    free(scene);
}

static struct pen_s3_read_request request_of(struct scene *scene)
{
    return (struct pen_s3_read_request){
        .bucket = "bkt", .key = "a/k", .etag = scene->etag, .size_bytes = scene->len};
}

/* Reads to the end and checks every byte; *ret_read is how many were right. */
static enum pen_code read_all(struct scene *scene, struct pen_s3_read_request request, size_t cap,
                              size_t *ret_read, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_reader_close_p) struct pen_s3_reader *reader = NULL;
    char etag[64];
    (void)snprintf(etag, sizeof etag, "%s", request.etag == NULL ? "" : request.etag);
    request.etag = etag; /* the server's may change meanwhile */
    *ret_read = 0;
    PEN_TRY(pen_s3_reader_open(scene->client, &request, &reader, err));
    uint8_t *piece = malloc(cap);
    enum pen_code code = PEN_OK;
    for (size_t len = 1; len > 0;) {
        code = pen_s3_reader_read(reader, piece, cap, &len, err);
        if (code != PEN_OK)
            break;
        assert_memory_equal(piece, scene->bytes + request.offset + *ret_read, len);
        *ret_read += len;
    }
    free(piece);
    return code;
}

static void assert_reads_whole(struct scene *scene, struct pen_s3_read_request request)
{
    size_t total = 0;
    assert_ok(read_all(scene, request, 65536, &total, err));
    assert_int_equal(total, scene->len - request.offset);
}

static void assert_logged(struct scene *scene, const char *text)
{
    (void)pthread_mutex_lock(&scene->lock);
    bool is_there = strstr(scene->log, text) != NULL;
    (void)pthread_mutex_unlock(&scene->lock);
    if (!is_there)
        fail_msg("log lacks '%s':\n%s", text, scene->log);
}

/* ---- whole objects ---- */

static void small_object_is_one_unranged_get_with_its_etag(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    assert_reads_whole(scene, request_of(scene));
    assert_int_equal(requests_seen(scene), 1);
    assert_string_equal(scene->requests[0].range, "");
    assert_int_equal(strlen(scene->requests[0].if_match), 34);
    assert_string_equal(scene->log,
                        "info: Open S3Object with bucket [bkt], key [a/k], with size [1000003]\n");
    close_scene(scene);
}

static void empty_object_ends_at_once(void **state)
{
    (void)state;
    struct scene *scene = open_scene(0);
    assert_reads_whole(scene, request_of(scene));
    assert_logged(scene, "with size [0]");
    close_scene(scene);
}

static void unknown_size_and_etag_are_learnt_from_the_reply(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    scene->faults[0] = (struct scripted){CUT, 400000};
    struct pen_s3_read_request request = {.bucket = "bkt", .key = "a/k", .size_bytes = UINT64_MAX};
    assert_reads_whole(scene, request);
    assert_int_equal(requests_seen(scene), 2);
    assert_string_equal(scene->requests[0].if_match, "");
    assert_string_equal(scene->requests[1].range, "bytes=400000-1000002");
    assert_int_equal(strlen(scene->requests[1].if_match), 34); /* the version is now bound */
    close_scene(scene);
}

static void reply_without_a_length_is_read_to_its_end(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    scene->faults[0].fault = NO_LENGTH;
    struct pen_s3_read_request request = {.bucket = "bkt", .key = "a/k", .size_bytes = UINT64_MAX};
    size_t total = 0;
    assert_ok(read_all(scene, request, 65536, &total, err));
    assert_int_equal(total, scene->len);
    close_scene(scene);
}

static void offset_reads_only_the_rest(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    struct pen_s3_read_request request = request_of(scene);
    request.offset = 999000;
    assert_reads_whole(scene, request);
    assert_string_equal(scene->requests[0].range, "bytes=999000-1000002");
    request.offset = OBJECT_BYTES;
    assert_reads_whole(scene, request);
    assert_int_equal(requests_seen(scene), 1); /* nothing left: nothing asked */
    close_scene(scene);
}

/* ---- parallel ranges ---- */

static void big_object_comes_in_parallel_ranges_in_order(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    scene->waits_for_company = true;
    struct pen_s3_read_request request = request_of(scene);
    request.range_bytes = 65536;
    request.range_count = 4;
    assert_reads_whole(scene, request);
    assert_int_equal(requests_seen(scene), 16); /* 15.26 ranges of 64 KiB */
    assert_true(scene->most_at_once > 1);
    assert_true(scene->most_at_once <= 4);
    for (int i = 0; i < requests_seen(scene); i++)
        assert_int_equal(strlen(scene->requests[i].if_match), 34);
    close_scene(scene);
}

static void ranges_with_faults_everywhere_still_give_every_byte_once(void **state)
{
    (void)state;
    static const enum fault kinds[] = {CUT, RESET, NONE, BUSY, CUT};
    for (unsigned seed = 0; seed < 20; seed++) {
        struct scene *scene = open_scene(OBJECT_BYTES);
        for (unsigned i = 0; i < FAULTS_MAX; i++) {
            unsigned random = (seed * 97 + i + 1) * 2654435761u >> 7;
            scene->faults[i] = (struct scripted){kinds[random % 5], random % 70000};
            if (i % 3 == 2)
                scene->faults[i].fault = NONE; /* so that no budget is ever used up */
        }
        struct pen_s3_read_request request = request_of(scene);
        request.range_bytes = seed % 2 == 0 ? 65536 : 2000000;
        request.range_count = 1 + seed % 5;
        assert_reads_whole(scene, request);
        assert_true(requests_seen(scene) > 1);
        close_scene(scene);
    }
}

static void many_readers_share_connections_without_starving(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    struct pen_s3_reader *readers[20];
    struct pen_s3_read_request request = request_of(scene);
    request.range_bytes = 65536;
    request.range_count = 32;
    for (size_t i = 0; i < 20; i++)
        assert_ok(pen_s3_reader_open(scene->client, &request, &readers[i], err));
    for (size_t i = 20; i-- > 0;) {
        static uint8_t piece[65536];
        size_t total = 0;
        for (size_t len = 1; len > 0; total += len) {
            assert_ok(pen_s3_reader_read(readers[i], piece, sizeof piece, &len, err));
            assert_memory_equal(piece, scene->bytes + total, len);
        }
        assert_int_equal(total, OBJECT_BYTES);
        pen_s3_reader_close(readers[i]);
    }
    close_scene(scene);
}

static void close_in_mid_read_gives_all_ranges_back(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    struct pen_s3_read_request request = request_of(scene);
    request.range_bytes = 65536;
    for (int i = 0; i < 10; i++) {
        struct pen_s3_reader *reader = NULL;
        uint8_t piece[1000];
        size_t len = 0;
        assert_ok(pen_s3_reader_open(scene->client, &request, &reader, err));
        assert_ok(pen_s3_reader_read(reader, piece, sizeof piece, &len, err));
        pen_s3_reader_close(reader);
    }
    (void)pthread_mutex_lock(&scene->lock);
    scene->waits_for_company = true;
    scene->most_at_once = 0;
    (void)pthread_mutex_unlock(&scene->lock);
    assert_reads_whole(scene, request); /* and it may still go in parallel */
    assert_true(scene->most_at_once > 1);
    close_scene(scene);
}

/* ---- resume ---- */

static void broken_body_goes_on_at_its_offset_with_the_same_version(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    scene->faults[0] = (struct scripted){CUT, 123456};
    scene->faults[1] = (struct scripted){CUT, 1};
    scene->faults[2] = (struct scripted){CUT, 500000};
    assert_reads_whole(scene, request_of(scene));
    assert_int_equal(requests_seen(scene), 4);
    assert_string_equal(scene->requests[1].range, "bytes=123456-1000002");
    assert_string_equal(scene->requests[2].range, "bytes=123457-1000002");
    assert_string_equal(scene->requests[3].range, "bytes=623457-1000002");
    assert_logged(scene, "warn: S3 read failed. Retrying GET request with 123,456 bytes offset\n");
    assert_logged(scene, "warn: S3 read failed. Retrying GET request with 623,457 bytes offset\n");
    close_scene(scene);
}

static void resumes_that_bring_something_are_unlimited(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    for (int i = 0; i < 50; i++)
        scene->faults[i] = (struct scripted){CUT, 1000};
    assert_reads_whole(scene, request_of(scene));
    assert_int_equal(requests_seen(scene), 51);
    close_scene(scene);
}

static void resumes_that_bring_nothing_end_with_the_retries(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    scene->faults[0] = (struct scripted){CUT, 1000};
    for (int i = 1; i < FAULTS_MAX; i++)
        scene->faults[i] = (struct scripted){CUT, 0};
    size_t total = 0;
    struct pen_error err = {0};
    assert_int_equal(read_all(scene, request_of(scene), 65536, &total, &err), PEN_ERR_IO);
    assert_int_equal(total, 1000);
    assert_int_equal(err.offset, 1000);
    assert_string_equal(err.where, "s3://bkt/a/k");
    assert_true(requests_seen(scene) < 10);
    close_scene(scene);
}

static void every_resume_has_its_own_retries(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    for (int i = 0; i < 16; i += 4) { /* cut, then three refusals: as many as there are retries */
        scene->faults[i] = (struct scripted){CUT, 10000};
        scene->faults[i + 1].fault = BUSY;
        scene->faults[i + 2].fault = BUSY;
        scene->faults[i + 3].fault = BUSY;
    }
    assert_reads_whole(scene, request_of(scene));
    assert_int_equal(requests_seen(scene), 17);
    assert_logged(scene, "warn: Getting object 'a/k' failed. Retrying 3/3 after 0 seconds. "
                         "Message: SlowDown");
    close_scene(scene);
}

static void object_that_vanishes_is_not_found(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    scene->faults[0] = (struct scripted){CUT, 1000};
    scene->faults[1].fault = GONE;
    size_t total = 0;
    struct pen_error err = {0};
    assert_int_equal(read_all(scene, request_of(scene), 65536, &total, &err), PEN_ERR_NOT_FOUND);
    assert_int_equal(err.offset, 1000);
    assert_int_equal(requests_seen(scene), 2);
    close_scene(scene);
}

/* ---- one version only ---- */

static void object_replaced_before_or_in_mid_read_is_a_conflict(void **state)
{
    (void)state;
    for (int ranged = 0; ranged < 2; ranged++) {
        for (int at = 0; at < 2; at++) {
            struct scene *scene = open_scene(OBJECT_BYTES);
            scene->faults[0] = (struct scripted){CUT, 1000};
            scene->faults[at].fault = CHANGED;
            struct pen_s3_read_request request = request_of(scene);
            request.range_bytes = ranged == 1 ? 65536 : 0;
            request.range_count = 1;
            size_t total = 0;
            struct pen_error err = {0};
            assert_int_equal(read_all(scene, request, 65536, &total, &err), PEN_ERR_CONFLICT);
            assert_string_equal(err.message, "object changed while it was being read");
            assert_string_equal(err.where, "s3://bkt/a/k");
            assert_false(err.is_retryable);
            close_scene(scene);
        }
    }
}

static void reply_of_another_version_or_size_is_a_conflict(void **state)
{
    (void)state;
    const enum fault faults[] = {OTHER_ETAG, OTHER_SIZE};
    for (int ranged = 0; ranged < 2; ranged++) {
        for (size_t i = 0; i < 2; i++) {
            struct scene *scene = open_scene(OBJECT_BYTES);
            scene->faults[ranged].fault = faults[i];
            struct pen_s3_read_request request = request_of(scene);
            request.range_bytes = ranged == 1 ? 65536 : 0;
            request.range_count = 1; /* so that the second request is for the second part */
            size_t total = 0;
            assert_int_equal(read_all(scene, request, 65536, &total, NULL), PEN_ERR_CONFLICT);
            assert_int_equal(total, ranged == 1 ? 65536 : 0);
            close_scene(scene);
        }
    }
}

/* ---- digest ---- */

static enum pen_code read_quietly(struct scene *scene, struct pen_s3_read_request request,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_reader_close_p) struct pen_s3_reader *reader = NULL;
    static uint8_t piece[65536];
    PEN_TRY(pen_s3_reader_open(scene->client, &request, &reader, err));
    for (size_t len = 1; len > 0;)
        PEN_TRY(pen_s3_reader_read(reader, piece, sizeof piece, &len, err));
    return PEN_OK;
}

static void one_wrong_bit_fails_the_digest_also_over_ranges(void **state)
{
    (void)state;
    for (int ranged = 0; ranged < 2; ranged++) {
        struct scene *scene = open_scene(OBJECT_BYTES);
        scene->faults[ranged == 1 ? 7 : 0].fault = FLIP;
        struct pen_s3_read_request request = request_of(scene);
        request.range_bytes = ranged == 1 ? 65536 : 0;
        struct pen_error err = {0};
        assert_int_equal(read_quietly(scene, request, &err), PEN_ERR_CORRUPT);
        assert_non_null(strstr(err.message, "MD5"));
        assert_string_equal(err.where, "s3://bkt/a/k");
        assert_true(err.is_retryable);
        close_scene(scene);
    }
}

static void digest_is_not_checked_where_the_etag_is_none_or_unwanted(void **state)
{
    (void)state;
    for (int why = 0; why < 4; why++) {
        struct scene *scene = open_scene(OBJECT_BYTES);
        scene->faults[0].fault = FLIP;
        if (why == 0)
            (void)strncat(scene->etag, "-2", 3); /* of a multipart upload */
        scene->has_kms = why == 1;
        struct pen_s3_read_request request = request_of(scene);
        request.skip_etag_check = why == 2;
        request.offset = why == 3 ? 1 : 0;
        assert_ok(read_quietly(scene, request, err));
        close_scene(scene);
    }
}

/* ---- at an offset ---- */

static void read_at_gives_exactly_what_was_asked_through_faults(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    struct pen_s3_reader *reader = NULL;
    struct pen_s3_read_request request = request_of(scene);
    static uint8_t bytes[70000], piece[1000];
    size_t len = 0;
    assert_ok(pen_s3_reader_open(scene->client, &request, &reader, err));
    assert_ok(pen_s3_reader_read(reader, piece, sizeof piece, &len, err));
    size_t position = len;
    scene->faults[1] = (struct scripted){CUT, 30000};
    scene->faults[2].fault = BUSY;
    assert_ok(pen_s3_reader_read_at(reader, OBJECT_BYTES - 70000, bytes, 70000, err));
    assert_memory_equal(bytes, scene->bytes + OBJECT_BYTES - 70000, 70000);
    assert_string_equal(scene->requests[1].range, "bytes=930003-1000002");
    assert_string_equal(scene->requests[2].range, "bytes=960003-1000002");
    assert_ok(pen_s3_reader_read(reader, piece, sizeof piece, &len, err)); /* has not moved */
    assert_memory_equal(piece, scene->bytes + position, len);
    pen_s3_reader_close(reader);
    close_scene(scene);
}

static void read_at_past_the_end_is_corrupt_and_asks_nothing(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    struct pen_s3_reader *reader = NULL;
    struct pen_s3_read_request request = request_of(scene);
    uint8_t bytes[10];
    assert_ok(pen_s3_reader_open(scene->client, &request, &reader, err));
    const uint64_t offsets[] = {OBJECT_BYTES - 9, OBJECT_BYTES + 1, UINT64_MAX - 3};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pen_s3_reader_read_at(reader, offsets[i], bytes, 10, NULL),
                         PEN_ERR_CORRUPT);
    assert_ok(pen_s3_reader_read_at(reader, OBJECT_BYTES - 10, bytes, 10, err));
    pen_s3_reader_close(reader);
    assert_true(requests_seen(scene) <= 2);
    close_scene(scene);
}

static void read_at_of_a_replaced_object_is_a_conflict(void **state)
{
    (void)state;
    struct scene *scene = open_scene(OBJECT_BYTES);
    struct pen_s3_reader *reader = NULL;
    struct pen_s3_read_request request = request_of(scene);
    uint8_t bytes[10];
    size_t len = 0;
    assert_ok(pen_s3_reader_open(scene->client, &request, &reader, err));
    assert_ok(pen_s3_reader_read(reader, bytes, sizeof bytes, &len, err));
    scene->faults[1].fault = CHANGED;
    assert_int_equal(pen_s3_reader_read_at(reader, 5, bytes, 10, NULL), PEN_ERR_CONFLICT);
    pen_s3_reader_close(reader);
    close_scene(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_object_is_one_unranged_get_with_its_etag),
        cmocka_unit_test(empty_object_ends_at_once),
        cmocka_unit_test(unknown_size_and_etag_are_learnt_from_the_reply),
        cmocka_unit_test(reply_without_a_length_is_read_to_its_end),
        cmocka_unit_test(offset_reads_only_the_rest),
        cmocka_unit_test(big_object_comes_in_parallel_ranges_in_order),
        cmocka_unit_test(ranges_with_faults_everywhere_still_give_every_byte_once),
        cmocka_unit_test(many_readers_share_connections_without_starving),
        cmocka_unit_test(close_in_mid_read_gives_all_ranges_back),
        cmocka_unit_test(broken_body_goes_on_at_its_offset_with_the_same_version),
        cmocka_unit_test(resumes_that_bring_something_are_unlimited),
        cmocka_unit_test(resumes_that_bring_nothing_end_with_the_retries),
        cmocka_unit_test(every_resume_has_its_own_retries),
        cmocka_unit_test(object_that_vanishes_is_not_found),
        cmocka_unit_test(object_replaced_before_or_in_mid_read_is_a_conflict),
        cmocka_unit_test(reply_of_another_version_or_size_is_a_conflict),
        cmocka_unit_test(one_wrong_bit_fails_the_digest_also_over_ranges),
        cmocka_unit_test(digest_is_not_checked_where_the_etag_is_none_or_unwanted),
        cmocka_unit_test(read_at_gives_exactly_what_was_asked_through_faults),
        cmocka_unit_test(read_at_past_the_end_is_corrupt_and_asks_nothing),
        cmocka_unit_test(read_at_of_a_replaced_object_is_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
