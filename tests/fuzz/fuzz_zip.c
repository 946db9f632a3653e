/* An archive, read by its directory and as a stream: what comes out must not depend on how it is
 * cut, is never more than the directory says, and is nothing but text whose checksum is right. The
 * first byte chooses options and pieces. */
#include "fuzz.h"

#include "decode/zip.h"
#include "run/archive.h"

/* Enough to see wrong text, not enough for a bomb to take long. */
#define PLAIN_MAX ((uint64_t)1 << 20)

struct result {
    enum pen_code code;
    uint64_t entries, len, hash;
};

struct object {
    struct pen_reader reader; /* first member */
    struct pen_slice bytes;
    size_t at, piece;
};

static struct pen_arena arena = {.max_bytes = (size_t)1 << 20};
static const struct pen_bind bind = {.file = "fuzz", .arena = &arena};

static void add(struct result *result, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        result->hash = (result->hash ^ (uint8_t)bytes[i]) * UINT64_C(1099511628211);
    result->len += len;
}

static enum pen_code object_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    (void)err;
    struct object *object = (struct object *)(void *)reader;
    size_t len = object->bytes.len - object->at;
    len = len < cap ? len : cap;
    len = len < object->piece ? len : object->piece;
    if (len > 0)
        memcpy(buf, object->bytes.ptr + object->at, len);
    object->at += len;
    *ret_len = len;
    return PEN_OK;
}

static enum pen_code object_read_at(struct pen_reader *reader, uint64_t offset, void *buf,
                                    size_t len, struct pen_error *err)
{
    (void)err;
    struct object *object = (struct object *)(void *)reader;
    fuzz_check(offset <= object->bytes.len && len <= object->bytes.len - offset);
    memcpy(buf, object->bytes.ptr + offset, len);
    return PEN_OK;
}

static void object_close(struct pen_reader *reader)
{
    (void)reader;
}

static enum pen_code read_entry(struct pen_reader *reader, size_t room, struct result *result)
{
    size_t len = 1;
    while (len > 0 && result->len <= PLAIN_MAX) {
        char space[4096];
        PEN_TRY(reader->read(reader, space, room, &len, NULL));
        fuzz_check(len <= room);
        add(result, space, len);
    }
    return PEN_OK;
}

static enum pen_code read_entries(struct pen_archive *archive, size_t room, struct result *result)
{
    while (result->len <= PLAIN_MAX) {
        PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = NULL;
        const char *name = NULL;
        PEN_TRY(pen_archive_next(archive, &reader, &name, NULL));
        if (reader == NULL)
            break;
        result->entries++;
        add(result, name, strlen(name));
        PEN_TRY(read_entry(reader, room, result));
    }
    return PEN_OK;
}

static struct result read_archive(const struct pen_decode_spec *spec, struct pen_slice input,
                                  size_t piece, size_t room)
{
    struct result result = {.hash = 1};
    struct object object = {
        .reader = {object_read, object_read_at, object_close}, .bytes = input, .piece = piece};
    struct pen_archive_options options = {.spec = spec, .bind = &bind, .size_bytes = input.len};
    PEN_CLEANUP(pen_archive_free_p) struct pen_archive *archive = NULL;
    fuzz_check(pen_archive_new(&options, &object.reader, &archive, NULL) == PEN_OK);
    result.code = read_entries(archive, room, &result);
    return result;
}

static struct result read_stream(struct pen_decode *decoder, struct pen_slice input, size_t cut,
                                 size_t room)
{
    struct result result = {.hash = 1};
    struct pen_slice piece = pen_slice(input.ptr, cut);
    bool is_eof = cut == input.len;
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    decoder->type->reset(decoder);
    while (result.code == PEN_OK && flow != PEN_FLOW_END && result.len <= PLAIN_MAX) {
        char space[4096];
        struct pen_out out = {.ptr = space, .room = room};
        result.code = pen_decode_step(decoder, &piece, is_eof, &out, &flow, NULL);
        add(&result, space, room - out.room);
        bool is_hungry = result.code == PEN_OK && flow == PEN_FLOW_MORE_INPUT;
        fuzz_check(!is_hungry || (!is_eof && piece.len == 0));
        if (is_hungry) {
            piece = pen_slice_skip(input, cut);
            is_eof = true;
        }
    }
    return result;
}

static void compare(struct result whole, struct result cut)
{
    if (whole.len > PLAIN_MAX || cut.len > PLAIN_MAX)
        return;
    fuzz_check(whole.code == cut.code && whole.entries == cut.entries);
    fuzz_check(whole.code != PEN_OK || (whole.len == cut.len && whole.hash == cut.hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const yaml[] = {"{type: zip}", "{type: zip, match_name: '.*\\.csv'}"};
    static struct pen_decode_spec specs[2];
    static struct pen_decode *decoders[2];
    struct pen_slice input = pen_slice(data, size);
    uint8_t choice = fuzz_take(&input);
    struct pen_decode_spec *spec = &specs[choice % 2];
    if (spec->type == NULL) {
        struct pen_node *config = NULL;
        fuzz_check(pen_tree_parse(pen_slice_str(yaml[choice % 2]), "fuzz", &arena, &config, NULL) ==
                   PEN_OK);
        *spec = (struct pen_decode_spec){&pen_decode_zip, config};
        fuzz_check(pen_decode_new(&pen_decode_zip, config, &bind, &decoders[choice % 2], NULL) ==
                   PEN_OK);
    }
    compare(read_archive(spec, input, 4096, 4096),
            read_archive(spec, input, 1 + choice % 100, 1 + choice % 64));
    compare(read_stream(decoders[choice % 2], input, input.len, 4096),
            read_stream(decoders[choice % 2], input, input.len / 2, 1 + choice % 64));
    return 0;
}
