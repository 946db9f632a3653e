#include "registry.h"

const struct pen_source_type *const pen_source_types[] = {
    &pen_source_s3,
    &pen_source_file,
    &pen_source_rejects,
    NULL,
};

const struct pen_decode_type *const pen_decode_types[] = {
    &pen_decode_gzip, &pen_decode_bzip2, &pen_decode_zip, &pen_decode_zstd, &pen_decode_xz, NULL,
};

const struct pen_parse_type *const pen_parse_types[] = {
    &pen_parse_csv,
    &pen_parse_json,
    NULL,
};

const struct pen_filter_type *const pen_filter_types[] = {
    &pen_filter_add_time,       &pen_filter_column,
    &pen_filter_retain_columns, &pen_filter_add_columns,
    &pen_filter_drop_columns,   &pen_filter_expand_json,
    &pen_filter_hash,           &pen_filter_digest,
    &pen_filter_mask,           &pen_filter_remove_columns,
    &pen_filter_rename,         &pen_filter_source_columns,
    &pen_filter_where,          NULL,
};

#define DEFINE_FIND(function, type, list)                                                          \
    const struct type *function(struct pen_slice name)                                             \
    {                                                                                              \
        for (size_t i = 0; (list)[i] != NULL; i++)                                                 \
            if (pen_slice_is(name, (list)[i]->info.name))                                          \
                return (list)[i];                                                                  \
        return NULL;                                                                               \
    }

DEFINE_FIND(pen_find_source, pen_source_type, pen_source_types)
DEFINE_FIND(pen_find_decode, pen_decode_type, pen_decode_types)
DEFINE_FIND(pen_find_parse, pen_parse_type, pen_parse_types)
DEFINE_FIND(pen_find_filter, pen_filter_type, pen_filter_types)
