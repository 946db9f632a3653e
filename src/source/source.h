/* source.h - STEP 1: configuration --list--> objects --open--> stored bytes.
 * A source knows where objects are and how to read them; it knows nothing of their content. */
#ifndef PEN_SOURCE_SOURCE_H
#define PEN_SOURCE_SOURCE_H

#include "base/civil.h"
#include "conf/options.h"

/* One immutable version of one key. Texts are owned by whoever holds the list (an arena). */
struct pen_object {
    char *key;           /* S3 key or file path: any bytes but NUL */
    char *etag;          /* without quotes; "" when unknown. files: "<mtime ns>-<size>" */
    char *version_id;    /* "" when unversioned */
    uint64_t size_bytes; /* stored size */
    int64_t modified_us; /* UTC; 0 when unknown */
};

/* What the world gives a source; everything is borrowed and outlives it. */
struct pen_source_env {
    struct pen_bind bind;         /* file name for error places, arena for bound texts, warnings */
    struct pen_http_client *http; /* NULL for sources without a network */
    const volatile int *cancel;   /* becomes non-zero when the job is to stop */
    const char *folder;           /* where relative paths begin; NULL: the working directory */
    /* one line of engine log: level "info", "warn" or "debug"; may be called from any thread */
    void (*log)(void *log_context, const char *level, const char *text);
    void *log_context;
    struct pen_s3_traffic *traffic; /* counts requests to S3; may be NULL */
    int64_t memory_bytes; /* the most bytes that all open readers may hold received and unread */
};

struct pen_source {
    const struct pen_source_type *type;
    struct pen_source_env env;
    const struct pen_node *config; /* the `in` mapping */
    void *state;                   /* info.state_size bytes, zeroed */
    /* wishes of the configuration that the engine carries out, not the source; set by open */
    int64_t min_task_size_bytes; /* -1: not set; 0: one object per task */
    bool skip_loaded_objects;    /* leave out what the table's ledger already has */
};

/* Reads one object version in order. One thread at a time; several readers at once are fine. */
struct pen_reader {
    /* read: blocks until 1..cap bytes are there; *ret_len 0 means the end, checked to be complete
     * (length, and digest where the ETag is one). Broken connections are resumed inside.
     * errors: what remains after retries; PEN_ERR_CONFLICT when the object changed. */
    enum pen_code (*read)(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                          struct pen_error *err);
    /* read_at: `len` bytes at an absolute offset, all or an error; for archives' directories and
     * for sampling. Does not move the position of `read`. */
    enum pen_code (*read_at)(struct pen_reader *reader, uint64_t offset, void *buf, size_t len,
                             struct pen_error *err);
    void (*close)(struct pen_reader *reader); /* frees the reader */
};

/* Called per accepted object, in key order. The object is borrowed for the call.
 * A code other than PEN_OK stops the listing and is handed on. */
typedef enum pen_code (*pen_object_fn)(void *context, const struct pen_object *object,
                                       struct pen_error *err);

struct pen_source_type {
    struct pen_step_info info;
    /* open: binds and checks the configuration; no request is made. */
    enum pen_code (*open)(struct pen_source *source, struct pen_error *err);
    /* list: discovery with all rules of spec/s3-input.md 4-5; memory does not grow with the count.
     */
    enum pen_code (*list)(struct pen_source *source, pen_object_fn fn, void *context,
                          struct pen_error *err);
    /* next: what the next run must know (spec/s3-input.md 7), as members of a map: last_path or
     * last_modified_time. Valid after list. in: `arena` for the nodes. */
    enum pen_code (*next)(struct pen_source *source, struct pen_arena *arena, struct pen_node *into,
                          struct pen_error *err);
    /* read: starts fetching that object version from `offset` (bytes arrive in the background) and
     * returns at once. object is copied. errors: later, from reader->read. */
    enum pen_code (*read)(struct pen_source *source, const struct pen_object *object,
                          uint64_t offset, struct pen_reader **ret_reader, struct pen_error *err);
    /* place: "s3://bucket/key" or the path, for messages. */
    enum pen_code (*place)(struct pen_source *source, const struct pen_object *object,
                           struct pen_buf *into, struct pen_error *err);
    void (*close)(struct pen_source *source);
};

/* pen_source_new - an opened source of that type; config is the `in` mapping (borrowed).
 * thread: list and next one at a time; read and place from any thread. */
PEN_MUST_USE enum pen_code pen_source_new(const struct pen_source_type *type,
                                          const struct pen_node *config,
                                          const struct pen_source_env *env,
                                          struct pen_source **ret_source, struct pen_error *err);
void pen_source_free(struct pen_source *source);
PEN_DEFINE_FREE_P(struct pen_source *, pen_source_free)

static inline void pen_reader_close(struct pen_reader *reader)
{
    if (reader != NULL)
        reader->close(reader);
}
PEN_DEFINE_FREE_P(struct pen_reader *, pen_reader_close)

extern const struct pen_source_type pen_source_s3;      /* source_s3.c */
extern const struct pen_source_type pen_source_file;    /* source_file.c */
extern const struct pen_source_type pen_source_rejects; /* source_rejects.c */

#endif
