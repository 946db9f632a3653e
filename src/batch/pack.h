/* pack.h - one value of a batch as MessagePack. */
#ifndef PEN_BATCH_PACK_H
#define PEN_BATCH_PACK_H

#include "base/msgpack.h"
#include "batch/batch.h"

/* pen_pack_value - appends the value of a column's row: booleans, integers, doubles and texts as
 * themselves, timestamps as RFC 3339 text, json as maps and arrays; a json number past int64 or a
 * decimal as a double.
 * in: scratch: memory for json values; cleared first. errors: as pen_buf_reserve. */
PEN_MUST_USE enum pen_code pen_pack_value(const struct pen_column *column, size_t row,
                                          struct pen_arena *scratch, struct pen_buf *into,
                                          struct pen_error *err);

#endif
