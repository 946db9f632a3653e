/* lake_walk.h - what lies in the lake's folder, whoever put it there. */
#ifndef PEN_RUN_LAKE_WALK_H
#define PEN_RUN_LAKE_WALK_H

#include "base/arena.h"

struct pen_walked_file {
    const char *path; /* absolute */
    uint64_t bytes;
    int64_t modified_us;
};

/* pen_lake_walk - all regular files below `folder` (ends in '/'), links are not followed; in the
 * arena. A folder that is not there has none. errors: PEN_ERR_AUTH, PEN_ERR_IO. */
PEN_MUST_USE enum pen_code pen_lake_walk(const char *folder, struct pen_arena *arena,
                                         struct pen_walked_file **ret_files, size_t *ret_count,
                                         struct pen_error *err);

#endif
