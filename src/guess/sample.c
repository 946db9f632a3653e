#include "guess/sample.h"

struct search {
    struct pen_arena *arena;
    struct pen_object best; /* key is NULL until an object that is not empty was seen */
    uint64_t objects;
    bool is_decided;
};

void pen_sample_release(struct pen_sample *sample)
{
    if (sample == NULL)
        return;
    pen_buf_release(&sample->bytes);
    pen_buf_release(&sample->place);
}

enum pen_code pen_sample_size(const struct pen_node *exec, const char *key,
                              const struct pen_bind *bind, size_t *ret_bytes, struct pen_error *err)
{
    const struct pen_node *node = pen_node_get(exec, key);
    *ret_bytes = PEN_SAMPLE_BYTES;
    if (node == NULL || node->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (node->kind != PEN_NODE_INT || node->integer <= PEN_SAMPLE_LEAST_BYTES ||
        node->integer > INT32_MAX)
        return pen_fail_at(bind, node, err, "'%s' must be a number greater than %d", key,
                           PEN_SAMPLE_LEAST_BYTES);
    *ret_bytes = (size_t)node->integer;
    return PEN_OK;
}

static enum pen_code keep_object(struct search *search, const struct pen_object *object,
                                 struct pen_error *err)
{
    struct pen_object copy = *object;
    copy.key = pen_arena_copy(search->arena, pen_slice_str(object->key));
    copy.etag = pen_arena_copy(search->arena, pen_slice_str(object->etag));
    copy.version_id = pen_arena_copy(search->arena, pen_slice_str(object->version_id));
    if (copy.key == NULL || copy.etag == NULL || copy.version_id == NULL)
        return pen_fail_nomem(err);
    search->best = copy;
    return PEN_OK;
}

static enum pen_code on_object(void *context, const struct pen_object *object,
                               struct pen_error *err)
{
    struct search *search = context;
    search->objects++;
    bool is_better = search->best.key == NULL || object->size_bytes > search->best.size_bytes;
    if (object->size_bytes > 0 && is_better)
        PEN_TRY(keep_object(search, object, err));
    search->is_decided = object->size_bytes >= PEN_SAMPLE_LEAST_BYTES;
    /* any code but PEN_OK ends the listing; this one is taken back by the caller */
    return search->is_decided ? PEN_ERR_CANCELLED : PEN_OK;
}

static enum pen_code read_start(struct pen_reader *reader, struct pen_buf *into, size_t most,
                                struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(into, most, err));
    while (into->len < most) {
        size_t got;
        PEN_TRY(reader->read(reader, into->ptr + into->len, most - into->len, &got, err));
        if (got == 0)
            break;
        into->len += got;
        into->ptr[into->len] = '\0';
    }
    return PEN_OK;
}

enum pen_code pen_sample_take(struct pen_source *source, size_t most, struct pen_arena *arena,
                              struct pen_sample *ret_sample, struct pen_error *err)
{
    struct search search = {.arena = arena};
    enum pen_code code = source->type->list(source, on_object, &search, err);
    if (code != PEN_OK && !search.is_decided)
        return code;
    if (search.objects == 0)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "No input files to read sample data");
    if (search.best.key == NULL)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "All input files are empty");
    PEN_CLEANUP(pen_sample_release)
    struct pen_sample sample = {
        .object = search.best, .bytes = PEN_BUF(most), .place = PEN_BUF(PEN_BUF_TEXT_MAX)};
    PEN_TRY(source->type->place(source, &sample.object, &sample.place, err));
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = NULL;
    PEN_TRY(source->type->read(source, &sample.object, 0, &reader, err));
    PEN_TRY(read_start(reader, &sample.bytes, most, err));
    sample.is_whole = sample.object.size_bytes <= sample.bytes.len;
    *ret_sample = sample;
    sample.bytes = PEN_BUF(0);
    sample.place = PEN_BUF(0);
    return PEN_OK;
}
