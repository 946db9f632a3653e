/* registry.h - the only list of step types: a new format is one file and one line in registry.c. */
#ifndef PEN_REGISTRY_H
#define PEN_REGISTRY_H

#include "decode/decode.h"
#include "filter/filter.h"
#include "parse/parse.h"
#include "source/source.h"

/* The types of each step, in the order they are shown; the last entry is NULL. */
extern const struct pen_source_type *const pen_source_types[];
extern const struct pen_decode_type *const pen_decode_types[];
extern const struct pen_parse_type *const pen_parse_types[];
extern const struct pen_filter_type *const pen_filter_types[];

/* pen_find_* - the type of that name (or alias); NULL when there is none. */
const struct pen_source_type *pen_find_source(struct pen_slice name);
const struct pen_decode_type *pen_find_decode(struct pen_slice name);
const struct pen_parse_type *pen_find_parse(struct pen_slice name);
const struct pen_filter_type *pen_find_filter(struct pen_slice name);

#endif
