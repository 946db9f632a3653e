/* msgpack.h - MessagePack: what query results and table tails are sent in.
 *
 *     pen_msgpack_add_array(&buf, 2, err); pen_msgpack_add_int(&buf, 7, err); ...
 *     while (rest.len > 0) pen_msgpack_next(&rest, &item, err)
 *
 * Written: nil, booleans, integers in their shortest form, float 64, str, array, map. Read: these,
 * and float 32 and bin. source: the MessagePack specification. thread: any. */
#ifndef PEN_BASE_MSGPACK_H
#define PEN_BASE_MSGPACK_H

#include "base/json.h"

enum pen_msgpack_kind {
    PEN_MSGPACK_NIL,
    PEN_MSGPACK_BOOL,
    PEN_MSGPACK_INT,
    PEN_MSGPACK_DOUBLE,
    PEN_MSGPACK_TEXT,
    PEN_MSGPACK_ARRAY, /* `count` items follow */
    PEN_MSGPACK_MAP    /* `count` pairs of items follow */
};

struct pen_msgpack_item {
    enum pen_msgpack_kind kind;
    bool boolean;
    int64_t integer;
    double number;
    struct pen_slice text; /* in the bytes that were read */
    uint32_t count;
};

/* pen_msgpack_add_* - append one item; errors as pen_buf_reserve. A text of more than 4 GiB is
 * PEN_ERR_TOO_LARGE. */
PEN_MUST_USE enum pen_code pen_msgpack_add_nil(struct pen_buf *into, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_msgpack_add_bool(struct pen_buf *into, bool value,
                                                struct pen_error *err);
PEN_MUST_USE enum pen_code pen_msgpack_add_int(struct pen_buf *into, int64_t value,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_msgpack_add_double(struct pen_buf *into, double value,
                                                  struct pen_error *err);
PEN_MUST_USE enum pen_code pen_msgpack_add_text(struct pen_buf *into, struct pen_slice value,
                                                struct pen_error *err);
PEN_MUST_USE enum pen_code pen_msgpack_add_array(struct pen_buf *into, uint32_t count,
                                                 struct pen_error *err);
PEN_MUST_USE enum pen_code pen_msgpack_add_map(struct pen_buf *into, uint32_t count,
                                               struct pen_error *err);

/* pen_msgpack_add_json - appends a JSON value. */
PEN_MUST_USE enum pen_code pen_msgpack_add_json(struct pen_buf *into, const struct pen_json *value,
                                                struct pen_error *err);

/* pen_msgpack_next - takes the first item off `rest`. errors: PEN_ERR_CORRUPT: cut off, or a kind
 * that is not read (ext, integers past int64). */
PEN_MUST_USE enum pen_code
pen_msgpack_next(struct pen_slice *rest, struct pen_msgpack_item *ret_item, struct pen_error *err);

/* pen_msgpack_to_json - takes the first value off `rest`, with all that it holds, and appends it
 * as JSON. NaN and infinities become texts. errors: as pen_msgpack_next; a map's key that is no
 * text; nesting past PEN_JSON_MAX_DEPTH. */
PEN_MUST_USE enum pen_code pen_msgpack_to_json(struct pen_slice *rest, struct pen_buf *into,
                                               struct pen_error *err);

#endif
