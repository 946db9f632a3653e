#include "source/discover.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_MAX_BYTES   ((size_t)64 << 10)
#define EMPTY_PAGES_MAX 1000u
#define WHOLE_SECOND_MS 1000

static const struct pen_node *node_of(const struct pen_discover *d, const char *key)
{
    return pen_node_get(d->source->config, key);
}

static void log_line(const struct pen_discover *d, const char *level, const char *text)
{
    if (d->source->env.log != NULL)
        d->source->env.log(d->source->env.log_context, level, text);
}

static enum pen_code log_text(const struct pen_discover *d, const char *level, const char *before,
                              const char *middle, const char *after, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(2 * KEY_MAX_BYTES);
    PEN_TRY(pen_buf_addf(&text, err, "%s%s%s", before, middle, after));
    log_line(d, level, text.ptr);
    return PEN_OK;
}

static enum pen_code check_time(struct pen_discover *d, struct pen_error *err)
{
    const char *text = d->options.last_modified_time;
    if (d->mode != PEN_DISCOVER_TIME || text == NULL)
        return PEN_OK;
    if (!pen_modified_time_parse(pen_slice_str(text), &d->from_us))
        return pen_fail_at(
            &d->source->env.bind, node_of(d, "last_modified_time"), err,
            "Unsupported DateTime value: '%s', supported formats: [yyyy-MM-dd'T'HH:mm:ss.SSS'Z']",
            text);
    d->has_from = true;
    return PEN_OK;
}

static enum pen_code check_pattern(struct pen_discover *d, struct pen_error *err)
{
    const char *text = d->options.path_match_pattern;
    struct pen_error reason = {0};
    enum pen_code code =
        pen_path_pattern_new(pen_slice_str(text == NULL ? ".*" : text), &d->pattern, &reason);
    if (code == PEN_ERR_CONFIG)
        return pen_fail_at(&d->source->env.bind, node_of(d, "path_match_pattern"), err,
                           "path_match_pattern: %s", reason.message);
    if (code != PEN_OK && err != NULL)
        *err = reason;
    return code;
}

static enum pen_code check_paths(struct pen_discover *d, struct pen_error *err)
{
    const struct pen_discover_options *o = &d->options;
    const struct pen_bind *bind = &d->source->env.bind;
    if (o->end_modified_time != NULL && o->end_modified_time->kind != PEN_NODE_NULL)
        return pen_fail_at(bind, o->end_modified_time, err,
                           "'__end_modified_time' must not be set.");
    if (o->path == NULL && o->path_prefix == NULL)
        return pen_fail_at(bind, d->source->config, err, "Either path or path_prefix is required");
    if (d->mode == PEN_DISCOVER_TIME && o->is_incremental && node_of(d, "total_file_count_limit"))
        pen_warn_at(bind, node_of(d, "total_file_count_limit"),
                    "with use_modified_time, objects beyond total_file_count_limit are not seen by "
                    "the next run either");
    if (d->mode == PEN_DISCOVER_TIME && o->last_path != NULL)
        pen_warn_at(bind, node_of(d, "last_path"),
                    "last_path has no effect with use_modified_time");
    return PEN_OK;
}

enum pen_code pen_discover_open(struct pen_discover *discover, struct pen_source *source,
                                const char *place, struct pen_error *err)
{
    const struct pen_discover_options *o = &discover->options;
    discover->source = source;
    discover->place = place;
    bool has_size = pen_node_get(source->config, "min_task_size") != NULL;
    source->min_task_size_bytes = !has_size ? -1 : o->min_task_size > 0 ? o->min_task_size : 0;
    source->skip_loaded_objects = o->skip_loaded_objects;
    discover->last = discover->previous = PEN_BUF(KEY_MAX_BYTES);
    discover->mode = o->path != NULL        ? PEN_DISCOVER_PATH
                     : o->use_modified_time ? PEN_DISCOVER_TIME
                                            : PEN_DISCOVER_NAME;
    PEN_TRY(check_paths(discover, err));
    PEN_TRY(check_time(discover, err));
    return check_pattern(discover, err);
}

void pen_discover_close(struct pen_discover *discover)
{
    pen_path_pattern_free(discover->pattern);
    discover->pattern = NULL;
    pen_buf_release(&discover->last);
    pen_buf_release(&discover->previous);
}

enum pen_code pen_discover_begin(struct pen_discover *discover, int64_t to_us, pen_object_fn fn,
                                 void *context, struct pen_error *err)
{
    discover->to_us = to_us - to_us % 1000; /* what the next run can be told: whole milliseconds */
    discover->fn = fn;
    discover->context = context;
    discover->is_full = false;
    discover->accepted_count = 0;
    discover->list_count = 0;
    pen_buf_clear(&discover->last);
    pen_buf_clear(&discover->previous);
    if (discover->mode == PEN_DISCOVER_PATH)
        return log_text(discover, "info", "Start getting object with path: [",
                        discover->options.path, "]", err);
    return log_text(discover, "info", "Start listing file with prefix [",
                    discover->options.path_prefix, "]", err);
}

static enum pen_code check_glacier(struct pen_discover *d, const struct pen_list_entry *entry,
                                   bool *ret_skip, struct pen_error *err)
{
    *ret_skip = pen_slice_is(entry->storage_class, "GLACIER") ||
                pen_slice_is(entry->storage_class, "DEEP_ARCHIVE");
    if (!*ret_skip)
        return PEN_OK;
    if (!d->options.skip_glacier_objects) {
        (void)pen_fail(err, PEN_ERR_CONFIG, /* the code follows, after the place */
                       "Detected an object stored at Glacier. Set \"skip_glacier_objects\" option "
                       "to \"true\" to skip this.");
        pen_error_where(err, "%s%s", d->place, entry->object.key);
        return PEN_ERR_CONFIG;
    }
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(2 * KEY_MAX_BYTES);
    PEN_TRY(pen_buf_addf(&text, err, "Skipped \"%s%s\" that stored at Glacier.", d->place,
                         entry->object.key));
    log_line(d, "warn", text.ptr);
    return PEN_OK;
}

/* A listing that repeats or goes back would load objects twice or never end. */
static enum pen_code check_order(struct pen_discover *d, struct pen_slice key,
                                 struct pen_error *err)
{
    if (d->previous.ptr != NULL && d->previous.len > 0 &&
        pen_slice_compare(key, pen_buf_slice(&d->previous)) <= 0) {
        (void)pen_fail(err, PEN_ERR_CORRUPT, /* the code follows, after the hint */
                       "the listing is not in rising byte order: '%.*s' came after '%s'",
                       PEN_ARG(key), d->previous.ptr);
        pen_error_hint(err, "the server repeats a page or does not sort its keys");
        return PEN_ERR_CORRUPT;
    }
    pen_buf_clear(&d->previous);
    return pen_buf_add_slice(&d->previous, key, err);
}

static bool is_outside_window(const struct pen_discover *d, int64_t modified_us)
{
    return d->mode == PEN_DISCOVER_TIME &&
           (modified_us >= d->to_us || (d->has_from && modified_us < d->from_us));
}

enum pen_code pen_discover_offer(struct pen_discover *discover, const struct pen_list_entry *entry,
                                 struct pen_error *err)
{
    const struct pen_discover_options *o = &discover->options;
    struct pen_slice key = pen_slice_str(entry->object.key);
    PEN_TRY(check_order(discover, key, err));
    if (!pen_slice_starts(key, pen_slice_str(o->path_prefix)))
        return pen_fail(err, PEN_ERR_CORRUPT, "the listing of prefix '%s' contains '%s'",
                        o->path_prefix, entry->object.key);
    if (is_outside_window(discover, entry->object.modified_us))
        return PEN_OK;
    /* servers that do not know start-after send everything */
    if (discover->mode == PEN_DISCOVER_NAME && o->last_path != NULL &&
        pen_slice_compare(key, pen_slice_str(o->last_path)) <= 0)
        return PEN_OK;
    bool is_glacier = false;
    PEN_TRY(check_glacier(discover, entry, &is_glacier, err));
    if (is_glacier || entry->object.size_bytes == 0)
        return PEN_OK;
    return pen_discover_add(discover, &entry->object, err);
}

static enum pen_code accept_object(struct pen_discover *d, const struct pen_object *object,
                                   struct pen_error *err)
{
    struct pen_slice key = pen_slice_str(object->key);
    bool is_found = false;
    if (pen_path_pattern_find(d->pattern, key, &is_found, err) != PEN_OK) {
        const struct pen_node *node = node_of(d, "path_match_pattern");
        if (node != NULL)
            pen_error_where(err, "%s:%u:%u", d->source->env.bind.file, node->line, node->column);
        return err != NULL ? err->code : PEN_ERR_CONFIG;
    }
    if (!is_found)
        return PEN_OK;
    PEN_TRY(d->fn(d->context, object, err));
    d->accepted_count++;
    pen_buf_clear(&d->last);
    return pen_buf_add_slice(&d->last, key, err);
}

enum pen_code pen_discover_add(struct pen_discover *discover, const struct pen_object *object,
                               struct pen_error *err)
{
    if (discover->accepted_count < discover->options.total_file_count_limit)
        PEN_TRY(accept_object(discover, object, err));
    if (discover->accepted_count >= discover->options.total_file_count_limit) {
        log_line(discover, "warn", "Too many files matched, stop listing file");
        discover->is_full = true;
    }
    return PEN_OK;
}

enum pen_code pen_discover_end(struct pen_discover *discover, struct pen_error *err)
{
    char text[224];
    if (discover->list_count > 0 && !discover->is_full) {
        (void)snprintf(text, sizeof text, "The total number of LIST requests is %llu%s.",
                       (unsigned long long)discover->list_count,
                       discover->list_count < 10
                           ? ""
                           : ". Clean up your s3 bucket to reduce the number of requests and "
                             "improve the ingesting performance");
        log_line(discover, "info", text);
    }
    (void)snprintf(text, sizeof text, "Found total [%lld] files",
                   (long long)discover->accepted_count);
    log_line(discover, "info", text);
    const struct pen_discover_options *o = &discover->options;
    if (discover->accepted_count > 0 || !o->stop_when_file_not_found)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_NOT_FOUND, "no file found and stop_when_file_not_found is true");
    pen_error_where(err, "%s%s", discover->place, o->path != NULL ? o->path : o->path_prefix);
    return PEN_ERR_NOT_FOUND;
}

static enum pen_code offer_page(struct pen_discover *d, const struct pen_list_page *page,
                                struct pen_error *err)
{
    for (size_t i = 0; i < page->count && !d->is_full; i++)
        PEN_TRY(pen_discover_offer(d, &page->entries[i], err));
    return PEN_OK;
}

/* Whether objects that exist now may be stamped at or after the page's clock reading. */
static bool is_too_early(const struct pen_discover *d, const struct pen_list_page *page)
{
    if (d->mode != PEN_DISCOVER_TIME || page->server_us == 0)
        return false;
    for (size_t i = 0; i < page->count; i++)
        if (page->entries[i].object.modified_us >= page->server_us)
            return true;
    return !page->is_last;
}

static enum pen_code first_page(struct pen_discover *d, const struct pen_lister *lister,
                                const char *start_after, struct pen_list_page *page,
                                struct pen_error *err)
{
    PEN_TRY(lister->page(lister->context, start_after, page, err));
    if (is_too_early(d, page)) {
        PEN_TRY(lister->restart(lister->context, WHOLE_SECOND_MS, err));
        *page = (struct pen_list_page){0};
        PEN_TRY(lister->page(lister->context, start_after, page, err));
    }
    int64_t now_us = page->server_us != 0 ? page->server_us : pen_now_us();
    d->to_us = now_us - now_us % 1000;
    return PEN_OK;
}

enum pen_code pen_discover_list(struct pen_discover *discover, const struct pen_lister *lister,
                                pen_object_fn fn, void *context, struct pen_error *err)
{
    bool is_name = discover->mode == PEN_DISCOVER_NAME && discover->options.last_path != NULL;
    const char *start_after = is_name ? discover->options.last_path : "";
    PEN_TRY(pen_discover_begin(discover, 0, fn, context, err));
    struct pen_list_page page = {0};
    PEN_TRY(first_page(discover, lister, start_after, &page, err));
    for (unsigned empty_pages = 0;;) {
        discover->list_count++;
        PEN_TRY(offer_page(discover, &page, err));
        if (page.is_last || discover->is_full)
            return pen_discover_end(discover, err);
        empty_pages = page.count == 0 ? empty_pages + 1 : 0;
        if (empty_pages > EMPTY_PAGES_MAX)
            return pen_fail(err, PEN_ERR_CORRUPT, "the listing sent %u pages without a key",
                            empty_pages);
        if (discover->source->env.cancel != NULL && *discover->source->env.cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "cancelled while listing");
        page = (struct pen_list_page){0};
        PEN_TRY(lister->page(lister->context, start_after, &page, err));
    }
}

static enum pen_code set_text(struct pen_arena *arena, struct pen_node *into, const char *key,
                              struct pen_slice value, struct pen_error *err)
{
    struct pen_node *node = pen_node_new_text(arena, value);
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(into, arena, key, node, err);
}

static enum pen_code next_path(struct pen_discover *d, struct pen_arena *arena,
                               struct pen_node *into, struct pen_error *err)
{
    struct pen_slice last = pen_buf_slice(&d->last);
    bool is_known = last.len > 0;
    if (!is_known && d->options.last_path != NULL) {
        last = pen_slice_str(d->options.last_path);
        is_known = true;
    }
    PEN_TRY(log_text(d, "info", "Incremental job, setting last_path to [",
                     last.len > 0 ? last.ptr : "", "]", err));
    if (is_known)
        return set_text(arena, into, "last_path", last, err);
    struct pen_node *null = pen_node_new_null(arena);
    return null == NULL ? pen_fail_nomem(err) : pen_node_set(into, arena, "last_path", null, err);
}

enum pen_code pen_discover_next(struct pen_discover *discover, struct pen_arena *arena,
                                struct pen_node *into, struct pen_error *err)
{
    if (!discover->options.is_incremental)
        return PEN_OK;
    if (!discover->options.use_modified_time)
        return next_path(discover, arena, into, err);
    char text[PEN_INSTANT_TEXT];
    pen_modified_time_print(discover->mode == PEN_DISCOVER_TIME ? discover->to_us : pen_now_us(),
                            text);
    return set_text(arena, into, "last_modified_time", pen_slice_str(text), err);
}
