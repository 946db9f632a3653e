/* node_value.h - values written in a configuration as values of a column's type. */
#ifndef PEN_FILTER_NODE_VALUE_H
#define PEN_FILTER_NODE_VALUE_H

#include "batch/schema.h"
#include "conf/tree.h"
#include "tz/time_format.h"

struct pen_node_value {
    int64_t integer;       /* boolean (0, 1), long; microseconds of a timestamp */
    uint16_t ns;           /* of a timestamp */
    double number;         /* double */
    struct pen_slice text; /* string, json; borrowed from the node or the arena */
};

/* pen_node_value_read - *ret_is_value false when the node is no value of that type: lists, mappings
 * and null never are; numbers may be written as texts, booleans as the texts true and false.
 * in:     format: of timestamps, else unused. arena: for json, which is made canonical.
 * errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_node_value_read(const struct pen_node *node, enum pen_type type,
                                               const struct pen_time_format *format,
                                               struct pen_arena *arena,
                                               struct pen_node_value *ret_value, bool *ret_is_value,
                                               struct pen_error *err);

#endif
