/* zip_names.c - names and other small parts of headers, as both ways of reading them need. */
#include "base/utf8.h"
#include "decode/zip.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_DESCRIPTOR = 1 << 3,
    FLAG_STRONG = 1 << 6,
    FLAG_UTF8 = 1 << 11
};

#define EXTRA_64       1
#define NAME_MAX_BYTES ((size_t)65535 * 3) /* a byte becomes at most three */

/* The upper half of code page 437. */
static const uint16_t upper_437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa,
    0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4,
    0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static enum pen_code add_437(struct pen_slice stored, struct pen_buf *into, struct pen_error *err)
{
    for (size_t i = 0; i < stored.len; i++) {
        unsigned char byte = (unsigned char)stored.ptr[i];
        char utf8[4];
        size_t len = pen_utf8_encode(byte < 128 ? byte : upper_437[byte - 128], utf8);
        PEN_TRY(pen_buf_add(into, utf8, len, err));
    }
    return PEN_OK;
}

static bool has_control(struct pen_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static enum pen_code replace_control(struct pen_buf *name, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf clean = PEN_BUF(NAME_MAX_BYTES * 3);
    for (size_t i = 0; i < name->len; i++) {
        bool is_control = (unsigned char)name->ptr[i] < 0x20 || name->ptr[i] == 0x7f;
        PEN_TRY(is_control ? pen_buf_add(&clean, "\xEF\xBF\xBD", 3, err)
                           : pen_buf_add_char(&clean, name->ptr[i], err));
    }
    pen_buf_release(name);
    *name = clean;
    clean = PEN_BUF(0);
    return PEN_OK;
}

enum pen_code pen_zip_name(struct pen_slice stored, uint16_t flags, struct pen_arena *arena,
                           const char **ret_name, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(NAME_MAX_BYTES);
    size_t used = 0;
    uint64_t replaced = 0;
    PEN_TRY((flags & FLAG_UTF8) != 0 ? pen_utf8_repair(stored, true, &name, &used, &replaced, err)
                                     : add_437(stored, &name, err));
    if (has_control(pen_buf_slice(&name)))
        PEN_TRY(replace_control(&name, err));
    return pen_arena_text(arena, pen_buf_slice(&name), ret_name, err);
}

void pen_zip_set_flags(struct pen_zip_entry *entry, uint16_t flags)
{
    entry->is_encrypted = (flags & (FLAG_ENCRYPTED | FLAG_STRONG)) != 0;
    entry->has_descriptor = (flags & FLAG_DESCRIPTOR) != 0;
}

/* One value of the extra field, when the header refers to it. */
static bool take_64(struct pen_slice *field, uint64_t *value)
{
    if (value == NULL || *value != UINT32_MAX)
        return true;
    if (field->len < 8)
        return false;
    *value = pen_zip_u64((const uint8_t *)field->ptr);
    *field = pen_slice_skip(*field, 8);
    return true;
}

bool pen_zip_sizes64(struct pen_slice extra, uint64_t *plain, uint64_t *stored, uint64_t *offset)
{
    bool is_large =
        *plain == UINT32_MAX || *stored == UINT32_MAX || (offset != NULL && *offset == UINT32_MAX);
    while (is_large && extra.len >= 4) {
        unsigned id = pen_zip_u16((const uint8_t *)extra.ptr);
        size_t len = pen_zip_u16((const uint8_t *)extra.ptr + 2);
        extra = pen_slice_skip(extra, 4);
        if (len > extra.len)
            return false;
        struct pen_slice field = pen_slice(extra.ptr, len);
        if (id == EXTRA_64)
            return take_64(&field, plain) && take_64(&field, stored) && take_64(&field, offset);
        extra = pen_slice_skip(extra, len);
    }
    return !is_large;
}

enum pen_code pen_zip_fail(uint64_t at, struct pen_error *err, const char *format, ...)
{
    char problem[192];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem, sizeof problem, format, arguments); /* cut when too long */
    va_end(arguments);
    (void)pen_fail(err, PEN_ERR_CORRUPT, "zip: %s at byte %llu", problem, (unsigned long long)at);
    if (err != NULL)
        err->offset = at;
    return PEN_ERR_CORRUPT;
}
