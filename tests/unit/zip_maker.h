/* zip_maker.h - archives written field by field, so that any of them can be wrong.
 * For the unit test and for the fuzz target's seeds. */
#ifndef PEN_TESTS_ZIP_MAKER_H
#define PEN_TESTS_ZIP_MAKER_H

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include "base/buf.h"
#include "unit.h"

#define MADE_ENTRIES 16
#define MADE_64      UINT32_MAX

struct made_entry {
    const char *name, *text;
    size_t text_len;  /* 0: of the NUL-terminated text */
    uint16_t flags;   /* 1 encrypted, 8 sizes behind the data, 0x800 UTF-8 */
    uint16_t method;  /* 0 or 8; others store */
    bool is_64;       /* sizes and place in the extra field */
    uint32_t crc_xor; /* what is wrong with the checksum, the sizes and the place, if anything */
    uint32_t plain_add, stored_add, offset_add;
};

struct zip_maker {
    struct pen_buf bytes, directory;
    size_t count;
};

#define ZIP_MAKER                                                                                  \
    ((struct zip_maker){.bytes = PEN_BUF((size_t)64 << 20), .directory = PEN_BUF((size_t)1 << 20)})

static inline void zip_maker_release(struct zip_maker *maker)
{
    pen_buf_release(&maker->bytes);
    pen_buf_release(&maker->directory);
}

static inline void put(struct pen_buf *into, uint64_t value, unsigned bytes)
{
    for (; bytes > 0; bytes--, value >>= 8)
        assert_ok(pen_buf_add_char(into, (char)(uint8_t)value, err));
}

static inline void deflate_text(const char *text, size_t len, struct pen_buf *into)
{
    struct isal_zstream stream;
    isal_deflate_init(&stream);
    assert_ok(pen_buf_reserve(into, len + 4096, err));
    stream.end_of_stream = 1;
    stream.next_in = (uint8_t *)(uintptr_t)text;
    stream.avail_in = (uint32_t)len;
    stream.next_out = (uint8_t *)into->ptr + into->len;
    stream.avail_out = (uint32_t)(len + 4096);
    assert_int_equal(isal_deflate(&stream), COMP_OK);
    assert_int_equal(stream.internal_state.state, ZSTATE_END);
    into->len += stream.total_out;
}

struct made_sizes {
    uint32_t crc;
    uint64_t stored, plain, offset;
};

static inline void put_sizes(struct pen_buf *into, const struct made_sizes *sizes, bool is_64)
{
    put(into, sizes->crc, 4);
    put(into, is_64 ? MADE_64 : sizes->stored, 4);
    put(into, is_64 ? MADE_64 : sizes->plain, 4);
}

static inline void zip_add(struct zip_maker *maker, const struct made_entry *entry)
{
    size_t len = entry->text_len > 0 ? entry->text_len : strlen(entry->text);
    size_t name_len = strlen(entry->name);
    PEN_CLEANUP(pen_buf_release) struct pen_buf data = PEN_BUF((size_t)64 << 20);
    if (entry->method == 8)
        deflate_text(entry->text, len, &data);
    else
        assert_ok(pen_buf_add(&data, entry->text, len, err));
    struct made_sizes sizes = {.crc = crc32_gzip_refl(0, (const uint8_t *)entry->text, len) ^
                                      entry->crc_xor,
                               .stored = data.len + entry->stored_add,
                               .plain = len + entry->plain_add,
                               .offset = maker->bytes.len + entry->offset_add};
    bool is_behind = (entry->flags & 8) != 0;
    struct made_sizes none = {0};
    struct pen_buf *into = &maker->bytes;
    assert_ok(pen_buf_add(into, "PK\3\4\x2d\0", 6, err));
    put(into, entry->flags, 2);
    put(into, entry->method, 2);
    put(into, 0x52345678, 4);
    put_sizes(into, is_behind ? &none : &sizes, entry->is_64 && !is_behind);
    put(into, name_len, 2);
    put(into, entry->is_64 && !is_behind ? 20 : 0, 2);
    assert_ok(pen_buf_add(into, entry->name, name_len, err));
    if (entry->is_64 && !is_behind) {
        put(into, 1 | 16 << 16, 4);
        put(into, sizes.plain, 8);
        put(into, sizes.stored, 8);
    }
    assert_ok(pen_buf_add_slice(into, pen_buf_slice(&data), err));
    if (is_behind) {
        assert_ok(pen_buf_add(into, "PK\7\x08", 4, err));
        put_sizes(into, &sizes, false);
    }
    into = &maker->directory;
    assert_ok(pen_buf_add(into, "PK\1\2\x2d\3\x2d\0", 8, err));
    put(into, entry->flags, 2);
    put(into, entry->method, 2);
    put(into, 0x52345678, 4);
    put_sizes(into, &sizes, entry->is_64);
    put(into, name_len, 2);
    put(into, entry->is_64 ? 28 : 0, 2);
    put(into, 0, 2 + 2 + 2 + 4);
    put(into, entry->is_64 ? MADE_64 : sizes.offset, 4);
    assert_ok(pen_buf_add(into, entry->name, name_len, err));
    if (entry->is_64) {
        put(into, 1 | 24 << 16, 4);
        put(into, sizes.plain, 8);
        put(into, sizes.stored, 8);
        put(into, sizes.offset, 8);
    }
    maker->count++;
}

/* The directory and the end records; the archive is maker->bytes then. */
static inline void zip_end(struct zip_maker *maker, bool is_64, const char *comment)
{
    struct pen_buf *into = &maker->bytes;
    uint64_t offset = into->len, bytes = maker->directory.len, count = maker->count;
    assert_ok(pen_buf_add_slice(into, pen_buf_slice(&maker->directory), err));
    if (is_64) {
        uint64_t at = into->len;
        assert_ok(pen_buf_add(into, "PK\6\6", 4, err));
        put(into, 44, 8);
        put(into, 0x2d002d, 4);
        put(into, 0, 8);
        put(into, count, 8);
        put(into, count, 8);
        put(into, bytes, 8);
        put(into, offset, 8);
        assert_ok(pen_buf_add(into, "PK\6\7", 4, err));
        put(into, 0, 4);
        put(into, at, 8);
        put(into, 1, 4);
    }
    assert_ok(pen_buf_add(into, "PK\5\6", 4, err));
    put(into, 0, 4);
    put(into, is_64 ? 0xffff : count, 2);
    put(into, is_64 ? 0xffff : count, 2);
    put(into, is_64 ? MADE_64 : bytes, 4);
    put(into, is_64 ? MADE_64 : offset, 4);
    put(into, strlen(comment), 2);
    assert_ok(pen_buf_add_str(into, comment, err));
}

#endif
