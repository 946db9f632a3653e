/* result_stream.h - a stored query result in the format that a client wants.
 *
 *     result.msgpack (mapped) --row by row--> json lines | csv | tsv | msgpack [--gzip-->] */
#ifndef PEN_API_RESULT_STREAM_H
#define PEN_API_RESULT_STREAM_H

#include "net/http_server.h"

enum pen_result_format {
    PEN_RESULT_JSON, /* an array a line */
    PEN_RESULT_CSV,  /* no header line */
    PEN_RESULT_TSV,
    PEN_RESULT_MSGPACK,
    PEN_RESULT_MSGPACK_GZ
};

/* pen_result_format_from_name - "json", "csv", "tsv", "msgpack", "msgpack.gz"; false for others.
 * pen_result_format_type - the Content-Type. */
bool pen_result_format_from_name(const char *name, enum pen_result_format *ret_format);
const char *pen_result_format_type(enum pen_result_format format);

/* pen_result_stream_open - a stream for pen_http_exchange_send_stream. in: path of the result.
 * errors: PEN_ERR_NOT_FOUND no such file; PEN_ERR_IO. */
PEN_MUST_USE enum pen_code pen_result_stream_open(const char *path, enum pen_result_format format,
                                                  struct pen_http_stream *ret_stream,
                                                  struct pen_error *err);

#endif
