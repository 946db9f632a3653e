/* tree.h - a configuration as a tree of nodes that remember their place.
 *
 *     YAML or JSON text --pen_tree_parse--> struct pen_node --pen_options_bind--> a step's struct
 *
 * All nodes and texts live in an arena of the caller and are immutable afterwards, except through
 * the pen_node_set functions (guess, defaults, config diff). thread: one at a time while changing.
 */
#ifndef PEN_CONF_TREE_H
#define PEN_CONF_TREE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

enum pen_node_kind {
    PEN_NODE_NULL,
    PEN_NODE_BOOL,
    PEN_NODE_INT,
    PEN_NODE_DOUBLE,
    PEN_NODE_TEXT,
    PEN_NODE_LIST,
    PEN_NODE_MAP
};

struct pen_node {
    enum pen_node_kind kind;
    bool boolean;          /* PEN_NODE_BOOL */
    bool is_quoted;        /* the scalar was quoted in the source */
    int64_t integer;       /* PEN_NODE_INT */
    double number;         /* PEN_NODE_DOUBLE, and PEN_NODE_INT as double */
    struct pen_slice text; /* every scalar: its text as written (after unquoting), NUL-terminated */
    struct pen_slice key;  /* when it is a member of a map: its key */
    /* 1-based place in the source (of the key, for a member of a map); 0: made by the program */
    uint32_t line, column;
    struct pen_node *first, *last; /* children of a list or map, in order */
    struct pen_node *next;         /* next sibling */
    size_t count;                  /* children */
    const char *comment; /* emitted as "# ..." before the node by pen_tree_write; NULL for none */
};

/* pen_tree_parse - one YAML document (or JSON, its subset), YAML 1.1 scalars as Ruby reads them:
 * true/false/yes/no/on/off, null and ~, ints (decimal, 0x, 0o, 0b, _), floats; quoted = text.
 * in:     name: file name for error places. Aliases and merge keys (<<) are resolved, with a bound
 *         on the expanded size; duplicate keys are errors.
 * errors: PEN_ERR_CONFIG with where "name:line:column"; PEN_ERR_TOO_LARGE past 1 M nodes or
 *         nesting of 64. source: YAML 1.1; spec/cli.md 2. */
PEN_MUST_USE enum pen_code pen_tree_parse(struct pen_slice text, const char *name,
                                          struct pen_arena *arena, struct pen_node **ret_root,
                                          struct pen_error *err);

/* pen_tree_parse_json - a JSON text (RFC 8259) and nothing else; also for what YAML does not accept
 * of it: escaped surrogate pairs, keys past 1,024 bytes. errors: as pen_tree_parse. */
PEN_MUST_USE enum pen_code pen_tree_parse_json(struct pen_slice text, const char *name,
                                               struct pen_arena *arena, struct pen_node **ret_root,
                                               struct pen_error *err);

/* pen_node_get - the member of a map; NULL when absent or when `node` is NULL or no map. */
struct pen_node *pen_node_get(const struct pen_node *node, const char *key);

/* pen_node_new_* - nodes made by the program; NULL on no memory. Texts are copied. */
struct pen_node *pen_node_new_map(struct pen_arena *arena);
struct pen_node *pen_node_new_list(struct pen_arena *arena);
struct pen_node *pen_node_new_null(struct pen_arena *arena);
struct pen_node *pen_node_new_bool(struct pen_arena *arena, bool value);
struct pen_node *pen_node_new_int(struct pen_arena *arena, int64_t value);
struct pen_node *pen_node_new_text(struct pen_arena *arena, struct pen_slice value);

/* pen_node_set - puts `child` under `key`, in the place of an existing member, else at the end.
 * pen_node_append - at the end of a list. pen_node_remove - takes a member out (absent is fine).
 * child must not be in a tree already. */
PEN_MUST_USE enum pen_code pen_node_set(struct pen_node *map, struct pen_arena *arena,
                                        const char *key, struct pen_node *child,
                                        struct pen_error *err);
void pen_node_append(struct pen_node *list, struct pen_node *child);
void pen_node_remove(struct pen_node *map, const char *key);

/* pen_node_copy - a deep copy; NULL on no memory. pen_node_equal - same kinds and values. */
struct pen_node *pen_node_copy(const struct pen_node *node, struct pen_arena *arena);
bool pen_node_equal(const struct pen_node *a, const struct pen_node *b);

/* pen_node_merge - deep merge of `over` into `base`: maps by key, lists element by element, other
 * values replaced (spec/guess.md 2). */
PEN_MUST_USE enum pen_code pen_node_merge(struct pen_node *base, const struct pen_node *over,
                                          struct pen_arena *arena, struct pen_error *err);

/* pen_tree_write_yaml - block style with "---", maps of only numbers and texts in flow style on
 * one line (spec/cli.md 3); texts that would read back as something else are quoted.
 * pen_tree_write_block_yaml - the same, but every map that is not empty in block style.
 * pen_tree_write_json - one line, or indented by two spaces when is_pretty.
 * NULL is written as null; bytes that are not UTF-8 become U+FFFD. */
PEN_MUST_USE enum pen_code pen_tree_write_yaml(const struct pen_node *root, struct pen_buf *into,
                                               struct pen_error *err);
PEN_MUST_USE enum pen_code pen_tree_write_block_yaml(const struct pen_node *root,
                                                     struct pen_buf *into, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_tree_write_json(const struct pen_node *root, bool is_pretty,
                                               struct pen_buf *into, struct pen_error *err);

/* pen_json_add_text - appends the text as a JSON string, in quotes (bytes that are not UTF-8
 * become U+FFFD). */
PEN_MUST_USE enum pen_code pen_json_add_text(struct pen_buf *into, struct pen_slice text,
                                             struct pen_error *err);

#endif
