#include "parquet/thrift.h"

#include <assert.h>

enum { TRUE_FIELD = 1, FALSE_FIELD = 2, I8 = 3, I64 = 6, LIST = 9 };

static void add(struct pen_thrift *t, const void *bytes, size_t len)
{
    if (t->code == PEN_OK)
        t->code = pen_buf_add(t->out, bytes, len, &t->err);
}

static void add_byte(struct pen_thrift *t, unsigned value)
{
    const uint8_t byte = (uint8_t)value;
    add(t, &byte, 1);
}

static void add_varint(struct pen_thrift *t, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (uint8_t)(value | 0x80);
    bytes[len++] = (uint8_t)value;
    add(t, bytes, len);
}

static void add_zigzag(struct pen_thrift *t, int64_t value)
{
    add_varint(t, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void add_text(struct pen_thrift *t, struct pen_slice value)
{
    add_varint(t, value.len);
    add(t, value.ptr, value.len);
}

/* The numbers of fields ascend, so that the step from the last one fits four bits in nearly all. */
static void add_field(struct pen_thrift *t, int field, unsigned type)
{
    int step = field - t->last[t->depth - 1];
    assert(step > 0);
    t->last[t->depth - 1] = field;
    if (step <= 15) {
        add_byte(t, (unsigned)step << 4 | type);
        return;
    }
    add_byte(t, type);
    add_zigzag(t, field);
}

void pen_thrift_begin(struct pen_thrift *t)
{
    assert(t->depth < PEN_THRIFT_DEPTH);
    t->last[t->depth++] = 0;
}

void pen_thrift_struct(struct pen_thrift *t, int field)
{
    add_field(t, field, PEN_THRIFT_STRUCT);
    pen_thrift_begin(t);
}

void pen_thrift_end(struct pen_thrift *t)
{
    t->depth--;
    add_byte(t, 0);
}

void pen_thrift_bool(struct pen_thrift *t, int field, bool value)
{
    add_field(t, field, value ? TRUE_FIELD : FALSE_FIELD);
}

void pen_thrift_i8(struct pen_thrift *t, int field, int8_t value)
{
    add_field(t, field, I8);
    add_byte(t, (uint8_t)value);
}

void pen_thrift_i32(struct pen_thrift *t, int field, int32_t value)
{
    add_field(t, field, PEN_THRIFT_I32);
    add_zigzag(t, value);
}

void pen_thrift_i64(struct pen_thrift *t, int field, int64_t value)
{
    add_field(t, field, I64);
    add_zigzag(t, value);
}

void pen_thrift_binary(struct pen_thrift *t, int field, struct pen_slice value)
{
    add_field(t, field, PEN_THRIFT_BINARY);
    add_text(t, value);
}

void pen_thrift_list(struct pen_thrift *t, int field, enum pen_thrift_type type, size_t count)
{
    add_field(t, field, LIST);
    if (count < 15) {
        add_byte(t, (unsigned)count << 4 | type);
        return;
    }
    add_byte(t, 0xf0u | type);
    add_varint(t, count);
}

void pen_thrift_element_i32(struct pen_thrift *t, int32_t value)
{
    add_zigzag(t, value);
}

void pen_thrift_element_binary(struct pen_thrift *t, struct pen_slice value)
{
    add_text(t, value);
}

void pen_thrift_raw(struct pen_thrift *t, struct pen_slice bytes)
{
    add(t, bytes.ptr, bytes.len);
}

enum pen_code pen_thrift_done(const struct pen_thrift *t, struct pen_error *err)
{
    if (t->code != PEN_OK && err != NULL)
        *err = t->err;
    return t->code;
}
