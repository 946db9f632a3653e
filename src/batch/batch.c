#include "batch/batch.h"

#include <stdlib.h>

#define ARENA_MAX_BYTES ((size_t)1 << 30)

/* One block holds a column of any type: 16-byte values, the bitmap, and nanoseconds. */
struct pen_batch_pool {
    void **blocks;
    size_t count, cap, used;
    size_t column_cap, origin_cap;
};

static size_t block_bytes(size_t capacity)
{
    size_t words = (capacity + 63) / 64;
    return capacity * sizeof(struct pen_string) + words * 8 + capacity * sizeof(uint16_t);
}

void pen_batch_free(struct pen_batch *batch)
{
    if (batch == NULL)
        return;
    if (batch->pool != NULL) {
        for (size_t i = 0; i < batch->pool->count; i++)
            free(batch->pool->blocks[i]);
        free(batch->pool->blocks);
        free(batch->pool);
    }
    pen_arena_release(&batch->arena);
    free(batch->columns);
    free(batch->row_start);
    free(batch->row_end);
    free(batch->origins);
    free(batch);
}

enum pen_code pen_batch_new(size_t capacity, struct pen_batch **ret_batch, struct pen_error *err)
{
    assert(capacity > 0 && capacity <= PEN_BATCH_ROWS);
    PEN_CLEANUP(pen_batch_free_p) struct pen_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return pen_fail_nomem(err);
    batch->capacity = capacity;
    batch->arena = PEN_ARENA(ARENA_MAX_BYTES);
    batch->pool = calloc(1, sizeof *batch->pool);
    batch->row_start = malloc(capacity * sizeof *batch->row_start);
    batch->row_end = malloc(capacity * sizeof *batch->row_end);
    if (batch->pool == NULL || batch->row_start == NULL || batch->row_end == NULL)
        return pen_fail_nomem(err);
    *ret_batch = PEN_TAKE(batch);
    return PEN_OK;
}

enum pen_code pen_batch_new_column(struct pen_batch *batch, enum pen_type type,
                                   struct pen_column *ret_column, struct pen_error *err)
{
    struct pen_batch_pool *pool = batch->pool;
    if (pool->used == pool->count) {
        if (pool->count == pool->cap) {
            size_t cap = pool->cap == 0 ? 32 : pool->cap * 2;
            void **blocks = realloc(pool->blocks, cap * sizeof *blocks);
            if (blocks == NULL)
                return pen_fail_nomem(err);
            pool->blocks = blocks;
            pool->cap = cap;
        }
        void *block = aligned_alloc(64, (block_bytes(batch->capacity) + 63) & ~(size_t)63);
        if (block == NULL)
            return pen_fail_nomem(err);
        pool->blocks[pool->count++] = block;
    }
    char *block = pool->blocks[pool->used++];
    size_t words = (batch->capacity + 63) / 64;
    char *validity = block + batch->capacity * sizeof(struct pen_string);
    memset(validity, 0, words * 8);
    char *nanos = validity + words * 8;
    if (type == PEN_TYPE_TIMESTAMP)
        memset(nanos, 0, batch->capacity * sizeof(uint16_t));
    *ret_column = (struct pen_column){
        .type = type,
        .data = block,
        .validity = (uint64_t *)(void *)validity,
        .nanos = type == PEN_TYPE_TIMESTAMP ? (uint16_t *)(void *)nanos : NULL,
    };
    return PEN_OK;
}

static enum pen_code reserve_columns(struct pen_batch *batch, size_t count, struct pen_error *err)
{
    if (count <= batch->pool->column_cap)
        return PEN_OK;
    struct pen_column *columns = realloc(batch->columns, count * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    batch->columns = columns;
    batch->pool->column_cap = count;
    return PEN_OK;
}

enum pen_code pen_batch_begin(struct pen_batch *batch, const struct pen_schema *schema,
                              struct pen_error *err)
{
    batch->rows = 0;
    batch->origin_count = 0;
    batch->pool->used = 0;
    pen_arena_clear(&batch->arena);
    batch->column_count = 0;
    PEN_TRY(reserve_columns(batch, schema->count, err));
    for (size_t i = 0; i < schema->count; i++)
        PEN_TRY(pen_batch_new_column(batch, schema->fields[i].type, &batch->columns[i], err));
    batch->column_count = schema->count;
    return PEN_OK;
}

enum pen_code pen_batch_set_columns(struct pen_batch *batch, const struct pen_column *columns,
                                    size_t count, struct pen_error *err)
{
    PEN_TRY(reserve_columns(batch, count, err));
    if (count > 0)
        memmove(batch->columns, columns, count * sizeof *columns);
    batch->column_count = count;
    return PEN_OK;
}

enum pen_code pen_batch_add_origin(struct pen_batch *batch, struct pen_origin origin,
                                   struct pen_error *err)
{
    struct pen_batch_pool *pool = batch->pool;
    if (batch->origin_count == pool->origin_cap) {
        size_t cap = pool->origin_cap == 0 ? 8 : pool->origin_cap * 2;
        struct pen_origin *origins = realloc(batch->origins, cap * sizeof *origins);
        if (origins == NULL)
            return pen_fail_nomem(err);
        batch->origins = origins;
        pool->origin_cap = cap;
    }
    origin.first_row = (uint32_t)batch->rows;
    batch->origins[batch->origin_count++] = origin;
    return PEN_OK;
}

const struct pen_origin *pen_batch_origin(const struct pen_batch *batch, size_t row)
{
    assert(batch->origin_count > 0);
    size_t at = batch->origin_count - 1;
    while (at > 0 && batch->origins[at].first_row > row)
        at--;
    return &batch->origins[at];
}

uint64_t pen_count_lines(struct pen_slice text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool is_crlf = text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
        lines += text.ptr[i] == '\n' || (text.ptr[i] == '\r' && !is_crlf);
    }
    return lines;
}

uint64_t pen_origin_lines(const struct pen_origin *origin, struct pen_slice text)
{
    return origin->count_lines == NULL ? pen_count_lines(text) : origin->count_lines(text);
}

uint64_t pen_batch_line(const struct pen_batch *batch, size_t row)
{
    const struct pen_origin *origin = pen_batch_origin(batch, row);
    return origin->base_line +
           pen_origin_lines(origin, pen_slice(origin->text, batch->row_start[row]));
}

struct pen_slice pen_batch_raw(const struct pen_batch *batch, size_t row)
{
    const struct pen_origin *origin = pen_batch_origin(batch, row);
    return pen_slice(origin->text + batch->row_start[row],
                     batch->row_end[row] - batch->row_start[row]);
}

static void keep_column(struct pen_column *column, const uint32_t *kept, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t from = kept[i];
        pen_column_set_valid(column, i, pen_column_is_valid(column, from));
        switch (column->type) {
        case PEN_TYPE_BOOLEAN:
            pen_column_booleans(column)[i] = pen_column_booleans(column)[from];
            break;
        case PEN_TYPE_LONG:
        case PEN_TYPE_DOUBLE:
            pen_column_longs(column)[i] = pen_column_longs(column)[from];
            break;
        case PEN_TYPE_TIMESTAMP:
            pen_column_longs(column)[i] = pen_column_longs(column)[from];
            column->nanos[i] = column->nanos[from];
            break;
        case PEN_TYPE_STRING:
        case PEN_TYPE_JSON:
            pen_column_strings(column)[i] = pen_column_strings(column)[from];
            break;
        }
    }
}

/* Behind the last row no bit is set: what appends rows only sets bits. */
static void clear_behind(struct pen_column *column, size_t count, size_t rows)
{
    if (count % 64 != 0)
        column->validity[count / 64] &= (UINT64_C(1) << (count % 64)) - 1;
    for (size_t word = (count + 63) / 64; word * 64 < rows; word++)
        column->validity[word] = 0;
}

/* Origins count rows, so a dropped row moves the first row of every later origin. */
static void keep_origins(struct pen_batch *batch, const uint32_t *kept, size_t count)
{
    size_t row = 0;
    for (size_t o = 0; o < batch->origin_count; o++) {
        while (row < count && kept[row] < batch->origins[o].first_row)
            row++;
        batch->origins[o].first_row = (uint32_t)row;
    }
}

void pen_batch_keep(struct pen_batch *batch, const uint64_t *keep_bits)
{
    uint32_t kept[PEN_BATCH_ROWS];
    size_t count = 0;
    for (size_t row = 0; row < batch->rows; row++)
        if ((keep_bits[row / 64] >> (row % 64)) & 1)
            kept[count++] = (uint32_t)row;
    if (count == batch->rows)
        return;
    for (size_t c = 0; c < batch->column_count; c++) {
        bool is_copy = false; /* two columns may share memory after a filter copied one */
        for (size_t before = 0; before < c && !is_copy; before++)
            is_copy = batch->columns[before].data == batch->columns[c].data;
        if (!is_copy)
            keep_column(&batch->columns[c], kept, count);
    }
    for (size_t c = 0; c < batch->column_count; c++)
        clear_behind(&batch->columns[c], count, batch->rows);
    for (size_t i = 0; i < count; i++) {
        batch->row_start[i] = batch->row_start[kept[i]];
        batch->row_end[i] = batch->row_end[kept[i]];
    }
    keep_origins(batch, kept, count);
    batch->rows = count;
}
