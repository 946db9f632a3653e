/* source_rejects.h - what others must know of objects that are rejected records. */
#ifndef PEN_SOURCE_SOURCE_REJECTS_H
#define PEN_SOURCE_SOURCE_REJECTS_H

#include "source/source.h"

/* pen_rejects_origin - where the record of that key was: 1-based line and byte in an object, whose
 * name lives in the key. False for other keys. */
bool pen_rejects_origin(const char *key, uint64_t *ret_line, uint64_t *ret_offset,
                        const char **ret_object);

#endif
