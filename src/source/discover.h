/* discover.h - which objects of a listing become input: the rules shared by all sources.
 *
 *     entries in key order --time window--> --storage class--> --size 0--> --pattern, limit-->
 * objects
 *
 * A source reads its listing and offers every entry; what passes goes to the caller's function.
 * source: the S3 input specification sections 4, 5 and 7; docs/s3.md. */
#ifndef PEN_SOURCE_DISCOVER_H
#define PEN_SOURCE_DISCOVER_H

#include "conf/path_pattern.h"
#include "source/source.h"

struct pen_discover_options {
    char *path, *path_prefix, *path_match_pattern, *last_path, *last_modified_time;
    int64_t total_file_count_limit, min_task_size;
    bool is_incremental, use_modified_time, skip_glacier_objects;
    bool stop_when_file_not_found, skip_loaded_objects;
    const struct pen_node *end_modified_time; /* must not be set */
};

/* PEN_DISCOVER_OPTIONS - the rows of these options for a source's table; `state` is the struct
 * that the table binds, which holds a `struct pen_discover discover`. */
#define PEN_DISCOVER_AT(state, member) offsetof(struct state, discover.options.member)
#define PEN_DISCOVER_OPTIONS(state)                                                                \
    {.key = "path_prefix",                                                                         \
     .kind = PEN_OPTION_TEXT,                                                                      \
     .offset = PEN_DISCOVER_AT(state, path_prefix),                                                \
     .help = "what the names of the objects begin with; '' means all"},                            \
        {.key = "path",                                                                            \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = PEN_DISCOVER_AT(state, path),                                                   \
         .help = "one exact object; wins over path_prefix"},                                       \
        {.key = "path_match_pattern",                                                              \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = PEN_DISCOVER_AT(state, path_match_pattern),                                     \
         .default_text = ".*",                                                                     \
         .help = "regular expression; objects whose name does not contain a match are left out"},  \
        {.key = "total_file_count_limit",                                                          \
         .kind = PEN_OPTION_INT,                                                                   \
         .offset = PEN_DISCOVER_AT(state, total_file_count_limit),                                 \
         .default_text = "2147483647",                                                             \
         .help = "stop after this many objects"},                                                  \
        {.key = "min_task_size",                                                                   \
         .kind = PEN_OPTION_INT,                                                                   \
         .offset = PEN_DISCOVER_AT(state, min_task_size),                                          \
         .unit = "bytes",                                                                          \
         .help = "objects are joined to tasks of at least this size; 0 means one object a task"},  \
        {.key = "incremental",                                                                     \
         .kind = PEN_OPTION_BOOL,                                                                  \
         .offset = PEN_DISCOVER_AT(state, is_incremental),                                         \
         .default_text = "true",                                                                   \
         .help = "remember where this run ended, so that the next one starts there"},              \
        {.key = "last_path",                                                                       \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = PEN_DISCOVER_AT(state, last_path),                                              \
         .help = "only objects whose name comes after this one in byte order"},                    \
        {.key = "use_modified_time",                                                               \
         .kind = PEN_OPTION_BOOL,                                                                  \
         .offset = PEN_DISCOVER_AT(state, use_modified_time),                                      \
         .default_text = "false",                                                                  \
         .help = "choose by time of modification instead of by name"},                             \
        {.key = "last_modified_time",                                                              \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = PEN_DISCOVER_AT(state, last_modified_time),                                     \
         .help = "only objects modified at or after this time, 2019-06-03T10:30:19.806Z"},         \
        {.key = "skip_loaded_objects",                                                             \
         .kind = PEN_OPTION_BOOL,                                                                  \
         .offset = PEN_DISCOVER_AT(state, skip_loaded_objects),                                    \
         .default_text = "false",                                                                  \
         .help = "leave out objects (name, etag, size) that this table already has"},              \
        {.key = "stop_when_file_not_found",                                                        \
         .kind = PEN_OPTION_BOOL,                                                                  \
         .offset = PEN_DISCOVER_AT(state, stop_when_file_not_found),                               \
         .default_text = "false",                                                                  \
         .help = "fail when no object is found"},                                                  \
    {                                                                                              \
        .key = "__end_modified_time", .kind = PEN_OPTION_NODE,                                     \
        .offset = PEN_DISCOVER_AT(state, end_modified_time), .help = "internal; must not be set"   \
    }

/* One entry of a listing. */
struct pen_list_entry {
    struct pen_object object;
    struct pen_slice storage_class; /* empty: STANDARD */
};

/* One page of a listing; the entries live until the next page is asked for. */
struct pen_list_page {
    const struct pen_list_entry *entries;
    size_t count;
    bool is_last;
    int64_t server_us; /* the other side's clock when it answered; 0 when it did not say */
};

/* Where entries come from, a page (one LIST request) at a time. */
struct pen_lister {
    void *context;
    /* in: start_after: "" or a key, the same on every call; only the first page needs it. */
    enum pen_code (*page)(void *context, const char *start_after, struct pen_list_page *ret_page,
                          struct pen_error *err);
    /* restart: waits so long, then the next page is the first one again. */
    enum pen_code (*restart)(void *context, int64_t wait_ms, struct pen_error *err);
};

enum pen_discover_mode { PEN_DISCOVER_NAME, PEN_DISCOVER_TIME, PEN_DISCOVER_PATH };

struct pen_discover {
    struct pen_discover_options options;
    enum pen_discover_mode mode;
    const char *place; /* "s3://bucket/" or "": stands before a key in messages */
    bool is_full;      /* the limit is reached: offer no more */
    /* the rest is private */
    const struct pen_source *source;
    struct pen_path_pattern *pattern;
    pen_object_fn fn;
    void *context;
    bool has_from;
    int64_t from_us, to_us;
    int64_t accepted_count;
    uint64_t list_count;
    struct pen_buf last, previous; /* last accepted key; last key of the listing */
};

/* pen_discover_open - checks the options (already bound) and compiles the pattern.
 * in:     source: its env and config are used for places, warnings and log lines; what the engine
 *         is to know is set in it. place: borrowed.
 * errors: PEN_ERR_CONFIG with place, in the words of the specification. */
PEN_MUST_USE enum pen_code pen_discover_open(struct pen_discover *discover,
                                             struct pen_source *source, const char *place,
                                             struct pen_error *err);
void pen_discover_close(struct pen_discover *discover);

/* pen_discover_begin - starts a listing; accepted objects go to fn(context).
 * pen_discover_offer - all rules for one entry, which must come in strictly rising byte order.
 * pen_discover_add   - the rules of a single object: pattern and limit only.
 * pen_discover_end   - log lines, stop_when_file_not_found.
 * in:     to_us: end of the time window, the clock of whoever stamps the objects.
 * errors: PEN_ERR_CONFIG object in Glacier, pattern limit; PEN_ERR_CORRUPT listing not in order;
 *         PEN_ERR_NOT_FOUND nothing found and stop_when_file_not_found; what fn returns. */
PEN_MUST_USE enum pen_code pen_discover_begin(struct pen_discover *discover, int64_t to_us,
                                              pen_object_fn fn, void *context,
                                              struct pen_error *err);
PEN_MUST_USE enum pen_code pen_discover_offer(struct pen_discover *discover,
                                              const struct pen_list_entry *entry,
                                              struct pen_error *err);
PEN_MUST_USE enum pen_code pen_discover_add(struct pen_discover *discover,
                                            const struct pen_object *object, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_discover_end(struct pen_discover *discover, struct pen_error *err);

/* pen_discover_list - begin, all pages of the lister, end. The time window ends at the first
 * page's server_us (the local clock only when the server sends none). Servers tell whole seconds:
 * when objects of the running second may be there already, the listing starts anew in the next
 * second, so that what existed before the run is in its window.
 * errors: as above; PEN_ERR_CORRUPT when pages repeat, go backwards or stay empty for ever.
 * memory: one page. */
PEN_MUST_USE enum pen_code pen_discover_list(struct pen_discover *discover,
                                             const struct pen_lister *lister, pen_object_fn fn,
                                             void *context, struct pen_error *err);

/* pen_discover_next - last_path or last_modified_time for the next run into the map `into`; nothing
 * when `incremental` is false. Valid after a listing. */
PEN_MUST_USE enum pen_code pen_discover_next(struct pen_discover *discover, struct pen_arena *arena,
                                             struct pen_node *into, struct pen_error *err);

/* pen_modified_time_parse - yyyy-MM-dd'T'HH:mm:ss.SSS'Z' as the original reads it: one or more
 * digits per field, values past the end of a field roll over, the fraction is a count of
 * milliseconds, text behind Z is ignored. out: *ret_utc_us only on true.
 * pen_modified_time_print - the same format into out (PEN_INSTANT_TEXT bytes), cut to ms. */
bool pen_modified_time_parse(struct pen_slice text, int64_t *ret_utc_us);
void pen_modified_time_print(int64_t utc_us, char *out);

#endif
