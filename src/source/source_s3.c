/* source_s3.c - objects are the objects of a bucket.
 *
 *     ListObjectsV2 pages or one HEAD --rules of discover.h--> objects --ranged GETs--> stored
 * bytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "s3/s3_reader.h"
#include "source/s3_settings.h"

#define PAGE_KEYS       1000
#define TEXTS_MAX_BYTES ((size_t)64 << 10)

static struct pen_s3_settings *settings_of(const struct pen_source *source)
{
    return source->state;
}

static void log_line(const struct pen_source *source, const char *level, const char *text)
{
    if (source->env.log != NULL)
        source->env.log(source->env.log_context, level, text);
}

static enum pen_code s3_open(struct pen_source *source, struct pen_error *err)
{
    return pen_s3_settings_open(settings_of(source), source, err);
}

static void s3_close(struct pen_source *source)
{
    pen_s3_settings_close(settings_of(source));
}

/* Turns pages of the service into pages of discover.h; texts stay the service page's. */
struct bucket_lister {
    const struct pen_s3_settings *settings;
    const volatile int *cancel;
    struct pen_s3_page page;
    struct pen_list_entry *entries;
    size_t cap;
    bool is_started;
};

static void bucket_lister_release(struct bucket_lister *lister)
{
    pen_s3_page_release(&lister->page);
    free(lister->entries);
}

/* The texts are only read: struct pen_object owns nothing here. */
static char *text_of(const char *borrowed)
{
    char *text = NULL;
    memcpy(&text, &borrowed, sizeof text);
    return text;
}

static enum pen_code fill_entries(struct bucket_lister *lister, struct pen_error *err)
{
    if (lister->page.count > lister->cap) {
        struct pen_list_entry *grown = realloc(lister->entries, lister->page.count * sizeof *grown);
        if (grown == NULL)
            return pen_fail_nomem(err);
        lister->entries = grown;
        lister->cap = lister->page.count;
    }
    for (size_t i = 0; i < lister->page.count; i++) {
        const struct pen_s3_entry *entry = &lister->page.entries[i];
        lister->entries[i] =
            (struct pen_list_entry){.object = {.key = text_of(entry->key),
                                               .etag = text_of(entry->etag),
                                               .version_id = text_of(""),
                                               .size_bytes = entry->size_bytes,
                                               .modified_us = entry->modified_us},
                                    .storage_class = pen_slice_str(entry->storage_class)};
    }
    return PEN_OK;
}

static enum pen_code next_page(void *context, const char *start_after,
                               struct pen_list_page *ret_page, struct pen_error *err)
{
    struct bucket_lister *lister = context;
    const struct pen_s3_settings *settings = lister->settings;
    struct pen_s3_list_request request = {
        .bucket = settings->bucket,
        .prefix = settings->discover.options.path_prefix,
        .start_after = lister->is_started ? NULL : start_after,
        .continuation = lister->is_started ? lister->page.continuation : NULL,
        .max_keys = PAGE_KEYS,
    };
    PEN_TRY(pen_s3_list(settings->client, &request, &lister->page, err));
    lister->is_started = true;
    PEN_TRY(fill_entries(lister, err));
    *ret_page = (struct pen_list_page){.entries = lister->entries,
                                       .count = lister->page.count,
                                       .is_last = lister->page.continuation == NULL,
                                       .server_us = lister->page.server_utc_us};
    return PEN_OK;
}

/* In small steps: cancelling must not wait. */
static enum pen_code restart(void *context, int64_t wait_ms, struct pen_error *err)
{
    struct bucket_lister *lister = context;
    const volatile int *cancel = lister->cancel;
    for (int64_t until_us = pen_monotonic_us() + wait_ms * 1000; pen_monotonic_us() < until_us;) {
        if (cancel != NULL && *cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "cancelled while listing");
        struct timespec step = {0, 20 * 1000 * 1000};
        (void)nanosleep(&step, NULL); /* woken early: the loop looks at the clock */
    }
    lister->is_started = false;
    return PEN_OK;
}

/* One exact key: neither size nor storage class matter. */
static enum pen_code list_one(struct pen_source *source, pen_object_fn fn, void *context,
                              struct pen_error *err)
{
    struct pen_s3_settings *settings = settings_of(source);
    struct pen_discover *discover = &settings->discover;
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(TEXTS_MAX_BYTES);
    PEN_TRY(pen_discover_begin(discover, 0, fn, context, err));
    struct pen_s3_info info = {0};
    PEN_TRY(pen_s3_head(settings->client, settings->bucket, discover->options.path, NULL, &arena,
                        &info, err));
    struct pen_object object = {.key = discover->options.path,
                                .etag = text_of(info.etag),
                                .version_id = text_of(info.version_id),
                                .size_bytes = info.size_bytes,
                                .modified_us = info.modified_us};
    PEN_TRY(pen_discover_add(discover, &object, err));
    return pen_discover_end(discover, err);
}

static enum pen_code s3_list(struct pen_source *source, pen_object_fn fn, void *context,
                             struct pen_error *err)
{
    struct pen_s3_settings *settings = settings_of(source);
    if (settings->discover.mode == PEN_DISCOVER_PATH)
        return list_one(source, fn, context, err);
    if (strcmp(settings->discover.options.path_prefix, "/") == 0)
        log_line(source, "info",
                 "Listing files with prefix \"/\". This doesn't mean all files in a bucket. If you "
                 "intend to read all files, use \"path_prefix: ''\" (empty string) instead.");
    PEN_CLEANUP(bucket_lister_release)
    struct bucket_lister lister = {.settings = settings, .cancel = source->env.cancel};
    struct pen_lister interface = {&lister, next_page, restart};
    return pen_discover_list(&settings->discover, &interface, fn, context, err);
}

static enum pen_code s3_next(struct pen_source *source, struct pen_arena *arena,
                             struct pen_node *into, struct pen_error *err)
{
    return pen_discover_next(&settings_of(source)->discover, arena, into, err);
}

struct s3_source_reader {
    struct pen_reader base;
    struct pen_s3_reader *inner;
};

static enum pen_code reader_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    return pen_s3_reader_read(((struct s3_source_reader *)reader)->inner, buf, cap, ret_len, err);
}

static enum pen_code reader_read_at(struct pen_reader *reader, uint64_t offset, void *buf,
                                    size_t len, struct pen_error *err)
{
    return pen_s3_reader_read_at(((struct s3_source_reader *)reader)->inner, offset, buf, len, err);
}

static void reader_close(struct pen_reader *reader)
{
    pen_s3_reader_close(((struct s3_source_reader *)reader)->inner);
    free(reader);
}

static enum pen_code s3_read(struct pen_source *source, const struct pen_object *object,
                             uint64_t offset, struct pen_reader **ret_reader, struct pen_error *err)
{
    const struct pen_s3_settings *settings = settings_of(source);
    struct s3_source_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return pen_fail_nomem(err);
    reader->base = (struct pen_reader){reader_read, reader_read_at, reader_close};
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *made = &reader->base;
    struct pen_s3_read_request request = {.bucket = settings->bucket,
                                          .key = object->key,
                                          .etag = object->etag,
                                          .version_id = object->version_id,
                                          .size_bytes = object->size_bytes,
                                          .offset = offset,
                                          .skip_etag_check = !settings->verify_etag};
    PEN_TRY(pen_s3_reader_open(settings->client, &request, &reader->inner, err));
    *ret_reader = PEN_TAKE(made);
    return PEN_OK;
}

static enum pen_code s3_place(struct pen_source *source, const struct pen_object *object,
                              struct pen_buf *into, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(into, settings_of(source)->place, err));
    return pen_buf_add_str(into, object->key, err);
}

const struct pen_source_type pen_source_s3 = {
    .info = {.name = "s3",
             .summary = "objects of an S3 bucket, or of a service that speaks its protocol",
             .options = pen_s3_options_table,
             .state_size = sizeof(struct pen_s3_settings)},
    .open = s3_open,
    .list = s3_list,
    .next = s3_next,
    .read = s3_read,
    .place = s3_place,
    .close = s3_close,
};
