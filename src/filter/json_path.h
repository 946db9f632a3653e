/* json_path.h - paths into JSON values: $.a.b, $['a']["b.c"], [0], [*], .*
 *
 * Not supported, and refused when compiled: several names or indexes in one bracket, slices, filter
 * expressions, deep scan (..), functions. source: spec/filters.md 1 and 2. */
#ifndef PEN_FILTER_JSON_PATH_H
#define PEN_FILTER_JSON_PATH_H

#include "base/arena.h"
#include "base/json.h"

enum pen_json_step_kind { PEN_JSON_STEP_MEMBER, PEN_JSON_STEP_ELEMENT, PEN_JSON_STEP_ALL };

struct pen_json_step {
    enum pen_json_step_kind kind;
    struct pen_slice name; /* member */
    size_t index;          /* element */
};

struct pen_json_path {
    struct pen_json_step *steps; /* in the arena */
    size_t count;
    bool has_wildcard;
};

/* pen_json_path_compile - a path that begins with `$`. texts: names point into `text` or the arena,
 * which both outlive the path. errors: PEN_ERR_CONFIG with the reason and the index. */
PEN_MUST_USE enum pen_code pen_json_path_compile(struct pen_slice text, struct pen_arena *arena,
                                                 struct pen_json_path *ret_path,
                                                 struct pen_error *err);

/* pen_json_path_find - the value at a path without wildcard; NULL when there is none. O(members).
 */
const struct pen_json *pen_json_path_find(const struct pen_json_path *path,
                                          const struct pen_json *root);

/* pen_json_path_list - all values at a path with wildcards, as JSON text "[v,v]" appended; members
 * that do not match are left out. */
PEN_MUST_USE enum pen_code pen_json_path_list(const struct pen_json_path *path,
                                              const struct pen_json *root, struct pen_buf *into,
                                              struct pen_error *err);

#endif
