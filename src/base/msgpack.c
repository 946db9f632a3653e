#include "base/msgpack.h"

#include "base/number.h"

#include <math.h>

/* --- writing ---------------------------------------------------------------------------------- */

/* A type byte and `size` bytes of a number, most significant first. */
static enum pen_code add_head(struct pen_buf *into, uint8_t type, uint64_t value, size_t size,
                              struct pen_error *err)
{
    uint8_t bytes[9] = {type};
    for (size_t i = 0; i < size; i++)
        bytes[1 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return pen_buf_add(into, bytes, 1 + size, err);
}

enum pen_code pen_msgpack_add_nil(struct pen_buf *into, struct pen_error *err)
{
    return add_head(into, 0xC0, 0, 0, err);
}

enum pen_code pen_msgpack_add_bool(struct pen_buf *into, bool value, struct pen_error *err)
{
    return add_head(into, value ? 0xC3 : 0xC2, 0, 0, err);
}

static enum pen_code add_negative(struct pen_buf *into, int64_t value, struct pen_error *err)
{
    uint64_t bits = (uint64_t)value;
    if (value >= -32)
        return add_head(into, (uint8_t)bits, 0, 0, err);
    if (value >= INT8_MIN)
        return add_head(into, 0xD0, bits, 1, err);
    if (value >= INT16_MIN)
        return add_head(into, 0xD1, bits, 2, err);
    if (value >= INT32_MIN)
        return add_head(into, 0xD2, bits, 4, err);
    return add_head(into, 0xD3, bits, 8, err);
}

enum pen_code pen_msgpack_add_int(struct pen_buf *into, int64_t value, struct pen_error *err)
{
    uint64_t bits = (uint64_t)value;
    if (value < 0)
        return add_negative(into, value, err);
    if (bits < 0x80)
        return add_head(into, (uint8_t)bits, 0, 0, err);
    if (bits <= UINT8_MAX)
        return add_head(into, 0xCC, bits, 1, err);
    if (bits <= UINT16_MAX)
        return add_head(into, 0xCD, bits, 2, err);
    if (bits <= UINT32_MAX)
        return add_head(into, 0xCE, bits, 4, err);
    return add_head(into, 0xCF, bits, 8, err);
}

enum pen_code pen_msgpack_add_double(struct pen_buf *into, double value, struct pen_error *err)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return add_head(into, 0xCB, bits, 8, err);
}

enum pen_code pen_msgpack_add_text(struct pen_buf *into, struct pen_slice value,
                                   struct pen_error *err)
{
    if (value.len > UINT32_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "a text of more than 4 GiB");
    if (value.len < 32)
        PEN_TRY(add_head(into, (uint8_t)(0xA0 | value.len), 0, 0, err));
    else if (value.len <= UINT8_MAX)
        PEN_TRY(add_head(into, 0xD9, value.len, 1, err));
    else if (value.len <= UINT16_MAX)
        PEN_TRY(add_head(into, 0xDA, value.len, 2, err));
    else
        PEN_TRY(add_head(into, 0xDB, value.len, 4, err));
    return pen_buf_add_slice(into, value, err);
}

enum pen_code pen_msgpack_add_array(struct pen_buf *into, uint32_t count, struct pen_error *err)
{
    if (count < 16)
        return add_head(into, (uint8_t)(0x90 | count), 0, 0, err);
    return count <= UINT16_MAX ? add_head(into, 0xDC, count, 2, err)
                               : add_head(into, 0xDD, count, 4, err);
}

enum pen_code pen_msgpack_add_map(struct pen_buf *into, uint32_t count, struct pen_error *err)
{
    if (count < 16)
        return add_head(into, (uint8_t)(0x80 | count), 0, 0, err);
    return count <= UINT16_MAX ? add_head(into, 0xDE, count, 2, err)
                               : add_head(into, 0xDF, count, 4, err);
}

/* Recursion ends at the depth that the JSON reader allows. */
enum pen_code pen_msgpack_add_json(struct pen_buf *into, const struct pen_json *value,
                                   struct pen_error *err)
{
    switch (value->kind) {
    case PEN_JSON_NULL:
        return pen_msgpack_add_nil(into, err);
    case PEN_JSON_BOOLEAN:
        return pen_msgpack_add_bool(into, value->boolean, err);
    case PEN_JSON_LONG:
        return pen_msgpack_add_int(into, value->integer, err);
    case PEN_JSON_DOUBLE:
        return pen_msgpack_add_double(into, value->number, err);
    case PEN_JSON_STRING:
        return pen_msgpack_add_text(into, value->text, err);
    case PEN_JSON_ARRAY:
        PEN_TRY(pen_msgpack_add_array(into, (uint32_t)value->count, err));
        break;
    case PEN_JSON_OBJECT:
        PEN_TRY(pen_msgpack_add_map(into, (uint32_t)value->count, err));
        break;
    }
    for (const struct pen_json *child = value->first; child != NULL; child = child->next) {
        if (value->kind == PEN_JSON_OBJECT)
            PEN_TRY(pen_msgpack_add_text(into, child->key, err));
        PEN_TRY(pen_msgpack_add_json(into, child, err));
    }
    return PEN_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum pen_code fail_cut(struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_CORRUPT, "msgpack: cut off");
}

/* An unsigned number of `size` bytes off the front. */
static enum pen_code take_number(struct pen_slice *rest, size_t size, uint64_t *ret_value,
                                 struct pen_error *err)
{
    if (rest->len < size)
        return fail_cut(err);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (uint8_t)rest->ptr[i];
    *rest = pen_slice_skip(*rest, size);
    *ret_value = value;
    return PEN_OK;
}

static enum pen_code take_text(struct pen_slice *rest, uint64_t len, struct pen_msgpack_item *item,
                               struct pen_error *err)
{
    if (rest->len < len)
        return fail_cut(err);
    item->kind = PEN_MSGPACK_TEXT;
    item->text = pen_slice(rest->ptr, (size_t)len);
    *rest = pen_slice_skip(*rest, (size_t)len);
    return PEN_OK;
}

/* 0xCC .. 0xD3 */
static enum pen_code take_int(struct pen_slice *rest, uint8_t type, struct pen_msgpack_item *item,
                              struct pen_error *err)
{
    bool is_signed = type >= 0xD0;
    unsigned size = 1U << (type & 3);
    uint64_t value = 0;
    PEN_TRY(take_number(rest, size, &value, err));
    if (!is_signed && value > INT64_MAX)
        return pen_fail(err, PEN_ERR_CORRUPT, "msgpack: an integer past int64");
    if (is_signed && size < 8) /* the sign bit of the short number */
        value = (value ^ (UINT64_C(1) << (8 * size - 1))) - (UINT64_C(1) << (8 * size - 1));
    item->kind = PEN_MSGPACK_INT;
    item->integer = (int64_t)value;
    return PEN_OK;
}

static enum pen_code take_double(struct pen_slice *rest, uint8_t type,
                                 struct pen_msgpack_item *item, struct pen_error *err)
{
    uint64_t bits = 0;
    PEN_TRY(take_number(rest, type == 0xCA ? 4 : 8, &bits, err));
    item->kind = PEN_MSGPACK_DOUBLE;
    if (type == 0xCA) {
        uint32_t short_bits = (uint32_t)bits;
        float value = 0;
        memcpy(&value, &short_bits, sizeof value);
        item->number = (double)value;
    } else {
        memcpy(&item->number, &bits, sizeof item->number);
    }
    return PEN_OK;
}

static enum pen_code take_sized(struct pen_slice *rest, uint8_t type, struct pen_msgpack_item *item,
                                struct pen_error *err)
{
    uint64_t size = 0;
    if (type >= 0xC4 && type <= 0xC6) { /* bin */
        PEN_TRY(take_number(rest, (size_t)1 << (type - 0xC4), &size, err));
        return take_text(rest, size, item, err);
    }
    if (type >= 0xD9 && type <= 0xDB) { /* str */
        PEN_TRY(take_number(rest, (size_t)1 << (type - 0xD9), &size, err));
        return take_text(rest, size, item, err);
    }
    if (type >= 0xDC) { /* array 16, 32, map 16, 32 */
        PEN_TRY(take_number(rest, type % 2 == 0 ? 2 : 4, &size, err));
        item->kind = type <= 0xDD ? PEN_MSGPACK_ARRAY : PEN_MSGPACK_MAP;
        item->count = (uint32_t)size;
        return PEN_OK;
    }
    return pen_fail(err, PEN_ERR_CORRUPT, "msgpack: unexpected type 0x%02X", type);
}

enum pen_code pen_msgpack_next(struct pen_slice *rest, struct pen_msgpack_item *ret_item,
                               struct pen_error *err)
{
    struct pen_msgpack_item item = {.kind = PEN_MSGPACK_NIL};
    uint64_t byte = 0;
    PEN_TRY(take_number(rest, 1, &byte, err));
    uint8_t type = (uint8_t)byte;
    if (type < 0x80 || type >= 0xE0) {
        item.kind = PEN_MSGPACK_INT;
        item.integer = type < 0x80 ? type : (int64_t)type - 256;
    } else if (type < 0xA0) {
        item.kind = type < 0x90 ? PEN_MSGPACK_MAP : PEN_MSGPACK_ARRAY;
        item.count = type & 0x0F;
    } else if (type < 0xC0) {
        PEN_TRY(take_text(rest, type & 0x1F, &item, err));
    } else if (type == 0xC2 || type == 0xC3) {
        item.kind = PEN_MSGPACK_BOOL;
        item.boolean = type == 0xC3;
    } else if (type == 0xCA || type == 0xCB) {
        PEN_TRY(take_double(rest, type, &item, err));
    } else if (type >= 0xCC && type <= 0xD3) {
        PEN_TRY(take_int(rest, type, &item, err));
    } else if (type != 0xC0) {
        PEN_TRY(take_sized(rest, type, &item, err));
    }
    *ret_item = item;
    return PEN_OK;
}

/* --- as JSON ---------------------------------------------------------------------------------- */

static enum pen_code add_scalar(const struct pen_msgpack_item *item, struct pen_buf *into,
                                struct pen_error *err)
{
    char text[PEN_NUMBER_TEXT];
    if (item->kind == PEN_MSGPACK_TEXT)
        return pen_json_add_string(into, item->text, err);
    if (item->kind == PEN_MSGPACK_INT)
        return pen_buf_add(into, text, pen_print_long(item->integer, text), err);
    if (item->kind == PEN_MSGPACK_BOOL)
        return pen_buf_add_str(into, item->boolean ? "true" : "false", err);
    if (item->kind == PEN_MSGPACK_NIL)
        return pen_buf_add_str(into, "null", err);
    struct pen_slice printed = pen_slice(text, pen_print_double(item->number, text));
    return isfinite(item->number) ? pen_buf_add_slice(into, printed, err)
                                  : pen_json_add_string(into, printed, err);
}

static enum pen_code to_json(struct pen_slice *rest, size_t depth, struct pen_buf *into,
                             struct pen_error *err)
{
    struct pen_msgpack_item item, key;
    PEN_TRY(pen_msgpack_next(rest, &item, err));
    if (item.kind != PEN_MSGPACK_ARRAY && item.kind != PEN_MSGPACK_MAP)
        return add_scalar(&item, into, err);
    if (depth == PEN_JSON_MAX_DEPTH)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "msgpack: nested too deeply");
    bool is_map = item.kind == PEN_MSGPACK_MAP;
    PEN_TRY(pen_buf_add_char(into, is_map ? '{' : '[', err));
    for (uint32_t i = 0; i < item.count; i++) {
        if (i > 0)
            PEN_TRY(pen_buf_add_char(into, ',', err));
        if (is_map) {
            PEN_TRY(pen_msgpack_next(rest, &key, err));
            if (key.kind != PEN_MSGPACK_TEXT)
                return pen_fail(err, PEN_ERR_CORRUPT, "msgpack: a key that is no text");
            PEN_TRY(pen_json_add_string(into, key.text, err));
            PEN_TRY(pen_buf_add_char(into, ':', err));
        }
        PEN_TRY(to_json(rest, depth + 1, into, err));
    }
    return pen_buf_add_char(into, is_map ? '}' : ']', err);
}

enum pen_code pen_msgpack_to_json(struct pen_slice *rest, struct pen_buf *into,
                                  struct pen_error *err)
{
    return to_json(rest, 0, into, err);
}
