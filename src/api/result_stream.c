#include "api/result_stream.h"

#include "base/msgpack.h"
#include "base/number.h"
#include "batch/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* About so much is made at a time. */
#define PIECE_BYTES ((size_t)65536)
#define VALUE_MAX   ((size_t)1 << 30)

static const struct {
    const char *name, *type;
} formats[] = {
    [PEN_RESULT_JSON] = {"json", "application/x-ndjson; charset=utf-8"},
    [PEN_RESULT_CSV] = {"csv", "text/csv; charset=utf-8"},
    [PEN_RESULT_TSV] = {"tsv", "text/tab-separated-values; charset=utf-8"},
    [PEN_RESULT_MSGPACK] = {"msgpack", "application/x-msgpack"},
    [PEN_RESULT_MSGPACK_GZ] = {"msgpack.gz", "application/octet-stream"},
};

bool pen_result_format_from_name(const char *name, enum pen_result_format *ret_format)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(name, formats[i].name) != 0)
            continue;
        *ret_format = (enum pen_result_format)i;
        return true;
    }
    return false;
}

const char *pen_result_format_type(enum pen_result_format format)
{
    return formats[format].type;
}

struct result_stream {
    enum pen_result_format format;
    char *map; /* NULL for an empty file */
    size_t map_bytes;
    struct pen_slice rest;
    struct pen_buf value; /* of one cell */
    struct isal_zstream gzip;
    uint8_t *gzip_memory;
};

static void close_stream(void *context)
{
    struct result_stream *stream = context;
    if (stream->map != NULL)
        (void)munmap(stream->map, stream->map_bytes); /* our own mapping */
    pen_buf_release(&stream->value);
    free(stream->gzip_memory);
    free(stream);
}

/* --- rows as text ----------------------------------------------------------------------------- */

/* The next value as a cell; its text may live in stream->value. */
static enum pen_code next_cell(struct result_stream *stream, struct pen_cell *ret_cell,
                               struct pen_error *err)
{
    struct pen_msgpack_item item;
    struct pen_slice before = stream->rest;
    PEN_TRY(pen_msgpack_next(&stream->rest, &item, err));
    if (item.kind == PEN_MSGPACK_TEXT) {
        *ret_cell = (struct pen_cell){PEN_CELL_TEXT, item.text};
        return PEN_OK;
    }
    if (item.kind == PEN_MSGPACK_NIL) {
        *ret_cell = (struct pen_cell){PEN_CELL_NULL, {NULL, 0}};
        return PEN_OK;
    }
    stream->rest = before;
    pen_buf_clear(&stream->value);
    if (item.kind == PEN_MSGPACK_DOUBLE) { /* a CSV has no quotes around NaN */
        PEN_TRY(pen_msgpack_next(&stream->rest, &item, err));
        PEN_TRY(pen_buf_reserve(&stream->value, PEN_NUMBER_TEXT, err));
        size_t len = pen_print_double(item.number, stream->value.ptr);
        *ret_cell = (struct pen_cell){PEN_CELL_BARE, pen_slice(stream->value.ptr, len)};
        return PEN_OK;
    }
    PEN_TRY(pen_msgpack_to_json(&stream->rest, &stream->value, err));
    *ret_cell = (struct pen_cell){PEN_CELL_BARE, pen_buf_slice(&stream->value)};
    return PEN_OK;
}

static enum pen_code add_separated_row(struct result_stream *stream, char separator,
                                       struct pen_buf *into, struct pen_error *err)
{
    struct pen_msgpack_item row;
    struct pen_cell cell;
    PEN_TRY(pen_msgpack_next(&stream->rest, &row, err));
    for (uint32_t i = 0; i < row.count; i++) {
        if (i > 0)
            PEN_TRY(pen_buf_add_char(into, separator, err));
        PEN_TRY(next_cell(stream, &cell, err));
        PEN_TRY(pen_cell_add_separated(&cell, separator, into, err));
    }
    return pen_buf_add_char(into, '\n', err);
}

static enum pen_code add_row(struct result_stream *stream, struct pen_buf *into,
                             struct pen_error *err)
{
    if (stream->format != PEN_RESULT_JSON)
        return add_separated_row(stream, stream->format == PEN_RESULT_CSV ? ',' : '\t', into, err);
    PEN_TRY(pen_msgpack_to_json(&stream->rest, into, err));
    return pen_buf_add_char(into, '\n', err);
}

static enum pen_code fill_text(struct result_stream *stream, struct pen_buf *into,
                               enum pen_http_flow *ret_flow, struct pen_error *err)
{
    while (stream->rest.len > 0 && into->len < PIECE_BYTES)
        PEN_TRY(add_row(stream, into, err));
    *ret_flow = stream->rest.len > 0 ? PEN_HTTP_MORE : PEN_HTTP_END;
    return PEN_OK;
}

/* --- bytes as they are ------------------------------------------------------------------------ */

static struct pen_slice take_piece(struct result_stream *stream)
{
    size_t len = stream->rest.len < PIECE_BYTES ? stream->rest.len : PIECE_BYTES;
    struct pen_slice piece = pen_slice(stream->rest.ptr, len);
    stream->rest = pen_slice_skip(stream->rest, len);
    return piece;
}

static enum pen_code fill_gzip(struct result_stream *stream, struct pen_buf *into,
                               enum pen_http_flow *ret_flow, struct pen_error *err)
{
    struct pen_slice piece = take_piece(stream);
    struct isal_zstream *gzip = &stream->gzip;
    gzip->next_in = (uint8_t *)(uintptr_t)piece.ptr; /* only read */
    gzip->avail_in = (uint32_t)piece.len;
    gzip->end_of_stream = stream->rest.len == 0;
    do {
        PEN_TRY(pen_buf_reserve(into, PIECE_BYTES, err));
        gzip->next_out = (uint8_t *)into->ptr + into->len;
        gzip->avail_out = (uint32_t)PIECE_BYTES;
        if (isal_deflate(gzip) != COMP_OK)
            return pen_fail(err, PEN_ERR_INTERNAL, "cannot compress a result");
        into->len += PIECE_BYTES - gzip->avail_out;
    } while (gzip->avail_out == 0 || gzip->avail_in > 0);
    *ret_flow = gzip->end_of_stream ? PEN_HTTP_END : PEN_HTTP_MORE;
    return PEN_OK;
}

static enum pen_code fill(void *context, void *local, struct pen_buf *into,
                          enum pen_http_flow *ret_flow, struct pen_error *err)
{
    struct result_stream *stream = context;
    (void)local;
    if (stream->format == PEN_RESULT_MSGPACK_GZ)
        return fill_gzip(stream, into, ret_flow, err);
    if (stream->format != PEN_RESULT_MSGPACK)
        return fill_text(stream, into, ret_flow, err);
    PEN_TRY(pen_buf_add_slice(into, take_piece(stream), err));
    *ret_flow = stream->rest.len > 0 ? PEN_HTTP_MORE : PEN_HTTP_END;
    return PEN_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum pen_code map_file(struct result_stream *stream, const char *path, struct pen_error *err)
{
    struct stat info = {.st_size = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pen_fail_errno(err, errno == ENOENT ? PEN_ERR_NOT_FOUND : PEN_ERR_IO, errno,
                              "cannot read '%s'", path);
    void *map = MAP_FAILED;
    bool is_known = fstat(fd, &info) == 0;
    if (is_known && info.st_size > 0)
        map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    int error = errno;
    (void)close(fd); /* only read from */
    if (!is_known || (info.st_size > 0 && map == MAP_FAILED))
        return pen_fail_errno(err, PEN_ERR_IO, error, "cannot read '%s'", path);
    if (info.st_size > 0) {
        stream->map = map;
        stream->map_bytes = (size_t)info.st_size;
        stream->rest = pen_slice(stream->map, stream->map_bytes);
    }
    return PEN_OK;
}

static enum pen_code open_stream(struct result_stream *stream, const char *path,
                                 struct pen_error *err)
{
    stream->value = PEN_BUF(VALUE_MAX);
    PEN_TRY(map_file(stream, path, err));
    if (stream->format != PEN_RESULT_MSGPACK_GZ)
        return PEN_OK;
    isal_deflate_init(&stream->gzip);
    stream->gzip_memory = malloc(ISAL_DEF_LVL1_DEFAULT);
    if (stream->gzip_memory == NULL)
        return pen_fail_nomem(err);
    stream->gzip.level = 1;
    stream->gzip.level_buf = stream->gzip_memory;
    stream->gzip.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream->gzip.gzip_flag = IGZIP_GZIP;
    return PEN_OK;
}

enum pen_code pen_result_stream_open(const char *path, enum pen_result_format format,
                                     struct pen_http_stream *ret_stream, struct pen_error *err)
{
    struct result_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return pen_fail_nomem(err);
    stream->format = format;
    enum pen_code code = open_stream(stream, path, err);
    if (code != PEN_OK) {
        close_stream(stream);
        return code;
    }
    *ret_stream = (struct pen_http_stream){stream, fill, close_stream};
    return PEN_OK;
}
