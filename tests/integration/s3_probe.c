/* s3_probe - the S3 layer alone, for tests against a real server.
 *
 *     s3_probe list BUCKET PREFIX START_AFTER MAX_KEYS   one line per key: hex(key) etag size
 * time_us s3_probe head BUCKET KEY VERSION                   size etag version is_md5 s3_probe read
 * BUCKET KEY VERSION RANGE_BYTES       the bytes, listed by HEAD first s3_probe at BUCKET KEY
 * OFFSET LENGTH               those bytes
 *
 * "" stands for nothing. Environment: PROBE_ENDPOINT, PROBE_REGION, PROBE_STYLE (auto on off),
 * PROBE_PAUSE_MS (between reads), PROBE_ETAG (instead of HEAD's), AWS_ACCESS_KEY_ID (unset:
 * anonymous), AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, PROBE_PROXY. Log lines go to stderr; an
 * error as "error <code> <where>: <message> [hint]", exit 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil.h"
#include "s3/s3_reader.h"

static enum pen_code get_static(struct pen_credential_provider *provider,
                                struct pen_credentials *ret, struct pen_error *err)
{
    (void)provider;
    const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
    return pen_credentials_set(ret, getenv("AWS_ACCESS_KEY_ID"), secret == NULL ? "" : secret,
                               getenv("AWS_SESSION_TOKEN"), 0, err);
}

static void keep(struct pen_credential_provider *provider, const struct pen_credentials *refused)
{
    (void)provider, (void)refused; /* there are no others */
}

static struct pen_credential_provider from_environment = {.get = get_static, .invalidate = keep};

static void print_line(void *context, const char *level, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s: %s\n", level, text);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static enum pen_s3_path_style style(void)
{
    const char *text = or_empty(getenv("PROBE_STYLE"));
    return strcmp(text, "on") == 0    ? PEN_S3_PATH_ON
           : strcmp(text, "off") == 0 ? PEN_S3_PATH_OFF
                                      : PEN_S3_PATH_AUTO;
}

static enum pen_code probe_list(struct pen_s3_client *client, char **args, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_page_release) struct pen_s3_page page = {0};
    struct pen_s3_list_request request = {.bucket = args[0],
                                          .prefix = args[1],
                                          .start_after = args[2],
                                          .max_keys = (int)strtol(args[3], NULL, 10)};
    do {
        PEN_TRY(pen_s3_list(client, &request, &page, err));
        for (size_t i = 0; i < page.count; i++) {
            const struct pen_s3_entry *entry = &page.entries[i];
            for (const char *c = entry->key; *c != '\0'; c++)
                (void)printf("%02x", (unsigned)(uint8_t)*c);
            (void)printf(" %s %" PRIu64 " %" PRId64 "\n", entry->etag, entry->size_bytes,
                         entry->modified_us);
        }
        request.continuation = page.continuation;
    } while (page.continuation != NULL);
    return PEN_OK;
}

static enum pen_code probe_head(struct pen_s3_client *client, char **args, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_s3_info info;
    PEN_TRY(pen_s3_head(client, args[0], args[1], args[2], &arena, &info, err));
    (void)printf("%" PRIu64 " %s %s %d\n", info.size_bytes, info.etag, info.version_id,
                 info.is_etag_md5);
    return PEN_OK;
}

static enum pen_code open_reader(struct pen_s3_client *client, char **args, const char *version,
                                 size_t range_bytes, struct pen_s3_reader **ret,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(1 << 20);
    struct pen_s3_info info;
    PEN_TRY(pen_s3_head(client, args[0], args[1], version, &arena, &info, err));
    const char *etag = getenv("PROBE_ETAG");
    struct pen_s3_read_request request = {.bucket = args[0],
                                          .key = args[1],
                                          .etag = etag == NULL ? info.etag : etag,
                                          .version_id = version,
                                          .size_bytes = info.size_bytes,
                                          .skip_etag_check = getenv("PROBE_NO_MD5") != NULL,
                                          .range_bytes = range_bytes};
    return pen_s3_reader_open(client, &request, ret, err);
}

static enum pen_code probe_read(struct pen_s3_client *client, char **args, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_reader_close_p) struct pen_s3_reader *reader = NULL;
    static char bytes[1 << 19];
    long pause_ms = strtol(or_empty(getenv("PROBE_PAUSE_MS")), NULL, 10);
    PEN_TRY(open_reader(client, args, args[2], strtoul(args[3], NULL, 10), &reader, err));
    int64_t before = pen_monotonic_us();
    uint64_t total = 0;
    for (size_t len = 1; len > 0; total += len) {
        PEN_TRY(pen_s3_reader_read(reader, bytes, sizeof bytes, &len, err));
        if (fwrite(bytes, 1, len, stdout) != len)
            return pen_fail(err, PEN_ERR_IO, "cannot write");
        (void)usleep((useconds_t)pause_ms * 1000);
    }
    double seconds = (double)(pen_monotonic_us() - before) / 1e6;
    (void)fprintf(stderr, "debug: %" PRIu64 " bytes, %.0f MB/s\n", total,
                  (double)total / 1e6 / seconds);
    return PEN_OK;
}

static enum pen_code probe_at(struct pen_s3_client *client, char **args, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_reader_close_p) struct pen_s3_reader *reader = NULL;
    size_t len = strtoul(args[3], NULL, 10);
    PEN_TRY(open_reader(client, args, "", 0, &reader, err));
    char *bytes = malloc(len + 1);
    if (bytes == NULL)
        return pen_fail_nomem(err);
    enum pen_code code =
        pen_s3_reader_read_at(reader, strtoull(args[2], NULL, 10), bytes, len, err);
    if (code == PEN_OK && fwrite(bytes, 1, len, stdout) != len)
        code = pen_fail(err, PEN_ERR_IO, "cannot write");
    free(bytes);
    return code;
}

static enum pen_code run(char **argv, struct pen_error *err)
{
    PEN_CLEANUP(pen_http_client_free_p) struct pen_http_client *http = NULL;
    PEN_CLEANUP(pen_s3_client_free_p) struct pen_s3_client *client = NULL;
    struct pen_http_options http_options = {.proxy = getenv("PROBE_PROXY")};
    PEN_TRY(pen_http_client_new(&http_options, &http, err));
    bool is_anonymous = getenv("AWS_ACCESS_KEY_ID") == NULL;
    struct pen_s3_options options = {.endpoint = getenv("PROBE_ENDPOINT"),
                                     .region = getenv("PROBE_REGION"),
                                     .path_style = style(),
                                     .http = http,
                                     .credentials = is_anonymous ? NULL : &from_environment,
                                     .retry = {5, 20, 200},
                                     .log = print_line};
    PEN_TRY(pen_s3_client_new(&options, &client, err));
    static const struct {
        const char *name;
        enum pen_code (*probe)(struct pen_s3_client *, char **, struct pen_error *);
    } probes[] = {
        {"list", probe_list}, {"head", probe_head}, {"read", probe_read}, {"at", probe_at}};
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        if (strcmp(argv[1], probes[i].name) == 0)
            return probes[i].probe(client, argv + 2, err);
    return pen_fail(err, PEN_ERR_CONFIG, "unknown probe '%s'", argv[1]);
}

int main(int argc, char **argv)
{
    struct pen_error err = {0};
    if (argc != 6 && !(argc == 5 && strcmp(argv[1], "head") == 0)) {
        (void)fprintf(stderr, "usage: see the head of s3_probe.c\n");
        return 2;
    }
    if (run(argv, &err) == PEN_OK && fflush(stdout) == 0)
        return 0;
    (void)fprintf(stderr, "error %s %s: %s [%s]\n", pen_error_code_name(err.code), err.where,
                  err.message, err.hint);
    return 1;
}
