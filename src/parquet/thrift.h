/* thrift.h - the compact protocol of Apache Thrift, writing only: what headers and footers of
 * Parquet are made of. A struct is its fields in ascending order of their numbers, then its end.
 *
 *     struct pen_thrift t = PEN_THRIFT(&buf);
 *     pen_thrift_begin(&t);                  the outermost struct
 *     pen_thrift_i32(&t, 1, 7);              field 1
 *     pen_thrift_struct(&t, 5);              field 5: a struct ...
 *     pen_thrift_end(&t);                    ... ends
 *     pen_thrift_end(&t);
 *     PEN_TRY(pen_thrift_done(&t, err));
 *
 * errors: the first one is kept and told by pen_thrift_done; what comes behind it writes nothing.
 * source: Apache Thrift, doc/specs/thrift-compact-protocol.md. */
#ifndef PEN_PARQUET_THRIFT_H
#define PEN_PARQUET_THRIFT_H

#include "base/buf.h"

#define PEN_THRIFT_DEPTH 8

struct pen_thrift {
    struct pen_buf *out;
    enum pen_code code;
    struct pen_error err;
    unsigned depth;
    int last[PEN_THRIFT_DEPTH]; /* number of the last field, per open struct */
};

/* PEN_THRIFT - a writer that appends to a buffer. */
#define PEN_THRIFT(buf) ((struct pen_thrift){.out = (buf)})

/* What a list may hold. */
enum pen_thrift_type { PEN_THRIFT_I32 = 5, PEN_THRIFT_BINARY = 8, PEN_THRIFT_STRUCT = 12 };

/* pen_thrift_begin - a struct that is no field: the outermost one, or an element of a list.
 * pen_thrift_struct - a field that is a struct. Both end by pen_thrift_end. */
void pen_thrift_begin(struct pen_thrift *t);
void pen_thrift_struct(struct pen_thrift *t, int field);
void pen_thrift_end(struct pen_thrift *t);

/* Fields of single values. */
void pen_thrift_bool(struct pen_thrift *t, int field, bool value);
void pen_thrift_i8(struct pen_thrift *t, int field, int8_t value);
void pen_thrift_i32(struct pen_thrift *t, int field, int32_t value);
void pen_thrift_i64(struct pen_thrift *t, int field, int64_t value);
void pen_thrift_binary(struct pen_thrift *t, int field, struct pen_slice value);

/* pen_thrift_list - a field that is a list; its `count` elements follow: by pen_thrift_begin and
 * _end, or by the functions below. */
void pen_thrift_list(struct pen_thrift *t, int field, enum pen_thrift_type type, size_t count);
void pen_thrift_element_i32(struct pen_thrift *t, int32_t value);
void pen_thrift_element_binary(struct pen_thrift *t, struct pen_slice value);

/* pen_thrift_raw - bytes that are thrift already: elements of a list of structs. */
void pen_thrift_raw(struct pen_thrift *t, struct pen_slice bytes);

/* pen_thrift_done - PEN_OK when everything was written. errors: as pen_buf_add. */
PEN_MUST_USE enum pen_code pen_thrift_done(const struct pen_thrift *t, struct pen_error *err);

#endif
