/* schema.h - the names and types of a record's columns. */
#ifndef PEN_BATCH_SCHEMA_H
#define PEN_BATCH_SCHEMA_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/slice.h"

enum pen_type {
    PEN_TYPE_BOOLEAN,   /* uint8_t, 0 or 1 */
    PEN_TYPE_LONG,      /* int64_t */
    PEN_TYPE_DOUBLE,    /* IEEE 754 binary64 */
    PEN_TYPE_STRING,    /* struct pen_string, valid UTF-8 */
    PEN_TYPE_TIMESTAMP, /* int64_t microseconds UTC; nanoseconds beyond in column.nanos */
    PEN_TYPE_JSON       /* struct pen_string, canonical JSON text */
};

#define PEN_TYPE_COUNT 6

/* pen_type_is_text - string or json: values are struct pen_string. */
static inline bool pen_type_is_text(enum pen_type type)
{
    return type == PEN_TYPE_STRING || type == PEN_TYPE_JSON;
}

/* pen_type_name - "boolean", "long", "double", "string", "timestamp", "json". */
const char *pen_type_name(enum pen_type type);

/* pen_type_choices - the names of all types in the order of enum pen_type, NULL-terminated: for
 * option tables. */
extern const char *const pen_type_choices[PEN_TYPE_COUNT + 1];

/* pen_type_from_name - the type of that exact name; false when there is none. */
bool pen_type_from_name(struct pen_slice name, enum pen_type *ret_type);

struct pen_field {
    char *name; /* NUL-terminated for convenience; may hold any character but NUL */
    enum pen_type type;
    char *format; /* timestamp only: how the source writes it; NULL when not stated */
};

/* More columns than any table has; fewer than would make every step crawl. */
#define PEN_SCHEMA_MAX_COLUMNS 10000

struct pen_schema {
    struct pen_field *fields;
    size_t count, cap;
};

/* pen_schema_clear - frees fields and names; the schema is empty and usable again. */
void pen_schema_clear(struct pen_schema *schema);

/* pen_schema_add - appends a column; name and format (may be NULL) are copied.
 * errors: PEN_ERR_NOMEM, PEN_ERR_TOO_LARGE beyond PEN_SCHEMA_MAX_COLUMNS. Duplicate names are
 * allowed: whoever forbids them checks. */
PEN_MUST_USE enum pen_code pen_schema_add(struct pen_schema *schema, struct pen_slice name,
                                          enum pen_type type, const char *format,
                                          struct pen_error *err);

/* pen_schema_copy - *ret becomes an independent copy; ret must be empty. */
PEN_MUST_USE enum pen_code pen_schema_copy(const struct pen_schema *from, struct pen_schema *ret,
                                           struct pen_error *err);

/* pen_schema_find - index of the first column with that name, SIZE_MAX when there is none. */
size_t pen_schema_find(const struct pen_schema *schema, struct pen_slice name);

#endif
