#include "run/object_stream.h"

#include <stdlib.h>

enum pen_code pen_text_buffer_init(struct pen_text_buffer *buffer, size_t cap,
                                   struct pen_error *err)
{
    if (cap < PEN_TEXT_BUFFER_MIN_BYTES)
        cap = PEN_TEXT_BUFFER_MIN_BYTES;
    buffer->memory = calloc(1, cap + 2 * (size_t)PEN_CHUNK_PADDING);
    if (buffer->memory == NULL)
        return pen_fail_nomem(err);
    buffer->cap = cap;
    return PEN_OK;
}

void pen_text_buffer_release(struct pen_text_buffer *buffer)
{
    free(buffer->memory);
    *buffer = (struct pen_text_buffer){0};
}

enum pen_code pen_text_buffer_grow(struct pen_text_buffer *buffer, size_t cap,
                                   struct pen_error *err)
{
    if (cap <= buffer->cap)
        return PEN_OK;
    char *memory = realloc(buffer->memory, cap + 2 * (size_t)PEN_CHUNK_PADDING);
    if (memory == NULL)
        return pen_fail_nomem(err);
    buffer->memory = memory;
    buffer->cap = cap;
    return PEN_OK;
}
