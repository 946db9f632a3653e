#include "guess/sample.h"

#include "decode/decode.h"

#define MOST_CANDIDATES 1000

struct search {
    struct pen_arena *arena;
    struct pen_object best; /* key is NULL until an object that is not empty was seen */
    uint64_t objects;
    bool is_decided;
    bool wants_others;
    struct pen_object *candidates; /* behind `best`, in the arena */
    size_t count;
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

static enum pen_code keep_object(const struct search *search, const struct pen_object *object,
                                 struct pen_object *into, struct pen_error *err)
{
    struct pen_object copy = *object;
    copy.key = pen_arena_copy(search->arena, pen_slice_str(object->key));
    copy.etag = pen_arena_copy(search->arena, pen_slice_str(object->etag));
    copy.version_id = pen_arena_copy(search->arena, pen_slice_str(object->version_id));
    if (copy.key == NULL || copy.etag == NULL || copy.version_id == NULL)
        return pen_fail_nomem(err);
    *into = copy;
    return PEN_OK;
}

static enum pen_code on_candidate(struct search *search, const struct pen_object *object,
                                  struct pen_error *err)
{
    if (object->size_bytes < PEN_SAMPLE_LEAST_BYTES)
        return PEN_OK;
    PEN_TRY(pen_arena_grow(search->arena, &search->candidates, search->count,
                           sizeof *search->candidates, err));
    PEN_TRY(keep_object(search, object, &search->candidates[search->count++], err));
    return search->count < MOST_CANDIDATES ? PEN_OK : PEN_ERR_CANCELLED;
}

/* Any code but PEN_OK ends the listing; PEN_ERR_CANCELLED is taken back by the caller when all is
 * decided. */
static enum pen_code on_object(void *context, const struct pen_object *object,
                               struct pen_error *err)
{
    struct search *search = context;
    if (search->is_decided)
        return on_candidate(search, object, err);
    search->objects++;
    bool is_better = search->best.key == NULL || object->size_bytes > search->best.size_bytes;
    if (object->size_bytes > 0 && is_better)
        PEN_TRY(keep_object(search, object, &search->best, err));
    search->is_decided = object->size_bytes >= PEN_SAMPLE_LEAST_BYTES;
    return search->is_decided && !search->wants_others ? PEN_ERR_CANCELLED : PEN_OK;
}

static enum pen_code read_start(struct pen_reader *reader, struct pen_buf *into, size_t most,
                                struct pen_error *err)
{
    into->max = most;
    PEN_TRY(pen_buf_reserve(into, most - into->len, err));
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

enum pen_code pen_sample_find(struct pen_source *source, struct pen_arena *arena,
                              struct pen_object *ret_object, struct pen_object *ret_others,
                              size_t *ret_count, struct pen_error *err)
{
    struct search search = {.arena = arena, .wants_others = ret_others != NULL};
    struct pen_error problem = {0};
    enum pen_code code = source->type->list(source, on_object, &search, &problem);
    bool is_full = search.is_decided && (!search.wants_others || search.count == MOST_CANDIDATES);
    if (code != PEN_OK && !is_full) {
        if (err != NULL)
            *err = problem;
        return code;
    }
    if (search.objects == 0) {
        (void)pen_fail(err, PEN_ERR_NOT_FOUND, "No input files to read sample data");
        pen_error_hint(err, "no object fits path or path_prefix, path_match_pattern, last_path and "
                            "the other options of the source");
        return PEN_ERR_NOT_FOUND;
    }
    if (search.best.key == NULL)
        return pen_fail(err, PEN_ERR_NOT_FOUND, "All input files are empty");
    *ret_object = search.best;
    size_t others = 0;
    if (ret_others != NULL && search.count > 1)
        ret_others[others++] = search.candidates[(search.count - 1) / 2];
    if (ret_others != NULL && search.count > 0)
        ret_others[others++] = search.candidates[search.count - 1];
    if (ret_count != NULL)
        *ret_count = others;
    return PEN_OK;
}

/* A bzip2 object has no text before the end of its first block, of up to 900,000 bytes that may not
 * have shrunk; in zstd a block has up to 128 KiB. 0 for other objects. */
static size_t first_block_bytes(struct pen_slice head)
{
    if (pen_decode_zstd.magic(head))
        return (size_t)256 << 10;
    if (!pen_decode_bzip2.magic(head))
        return 0;
    size_t level_bytes = (size_t)(head.ptr[3] - '0') * 100000;
    return level_bytes + level_bytes / 100 + 2048;
}

enum pen_code pen_sample_read(struct pen_source *source, const struct pen_object *object,
                              size_t most, struct pen_sample *ret_sample, struct pen_error *err)
{
    PEN_CLEANUP(pen_sample_release)
    struct pen_sample sample = {
        .object = *object, .bytes = PEN_BUF(SIZE_MAX / 2), .place = PEN_BUF(PEN_BUF_TEXT_MAX)};
    PEN_TRY(source->type->place(source, &sample.object, &sample.place, err));
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = NULL;
    PEN_TRY(source->type->read(source, &sample.object, 0, &reader, err));
    PEN_TRY(read_start(reader, &sample.bytes, most, err));
    size_t block = first_block_bytes(pen_buf_slice(&sample.bytes));
    if (block > most)
        PEN_TRY(read_start(reader, &sample.bytes, block, err));
    sample.is_whole = sample.object.size_bytes <= sample.bytes.len;
    *ret_sample = sample;
    sample.bytes = PEN_BUF(0);
    sample.place = PEN_BUF(0);
    return PEN_OK;
}

static uint64_t aligned(uint64_t offset)
{
    return (offset + 3) & ~UINT64_C(3);
}

size_t pen_sample_ranges(uint64_t size_bytes, size_t most, struct pen_sample_range ret_ranges[2])
{
    if (size_bytes <= most)
        return 0;
    uint64_t tail = size_bytes - most;
    tail = aligned(tail > most ? tail : most);
    if (tail >= size_bytes)
        return 0;
    ret_ranges[0] = (struct pen_sample_range){tail, (size_t)(size_bytes - tail)};
    uint64_t middle = size_bytes / 2 - most / 2;
    middle = aligned(middle > most ? middle : most);
    if (middle >= tail)
        return 1;
    uint64_t len = tail - middle < most ? tail - middle : most;
    ret_ranges[1] = (struct pen_sample_range){middle, (size_t)len};
    return 2;
}

enum pen_code pen_sample_take(struct pen_source *source, size_t most, struct pen_arena *arena,
                              struct pen_sample *ret_sample, struct pen_error *err)
{
    struct pen_object object;
    PEN_TRY(pen_sample_find(source, arena, &object, NULL, NULL, err));
    return pen_sample_read(source, &object, most, ret_sample, err);
}
