/* tree_internal.h - what the files of the tree share among themselves. */
#ifndef PEN_CONF_TREE_INTERNAL_H
#define PEN_CONF_TREE_INTERNAL_H

#include "conf/tree.h"

/* Limits of a parsed document (tree.h). */
#define PEN_TREE_MAX_NODES   ((size_t)1 << 20)
#define PEN_TREE_MAX_DEPTH   64
#define PEN_TREE_MAX_ANCHORS 1000

/* pen_node_new_kind - a node without content; NULL on no memory. */
struct pen_node *pen_node_new_kind(struct pen_arena *arena, enum pen_node_kind kind);

/* pen_node_copy_bounded - a deep copy of at most `depth` levels and *nodes_left nodes, which are
 * counted down. NULL on no memory or when a bound was reached. */
struct pen_node *pen_node_copy_bounded(const struct pen_node *node, struct pen_arena *arena,
                                       size_t depth, size_t *nodes_left);

/* pen_scalar_resolve - sets kind and value of a plain (unquoted) scalar from its text.
 * source: YAML 1.1 as Ruby's Psych ScalarScanner reads it; plus 0o octal. Texts that Psych takes
 * for dates, symbols or base 60 numbers stay texts. */
void pen_scalar_resolve(struct pen_node *node);

/* pen_scalar_is_json_number - the text is a number by the grammar of JSON. */
bool pen_scalar_is_json_number(struct pen_slice text);

/* How a text must be written so that it reads back as the same text. */
enum pen_scalar_style { PEN_SCALAR_PLAIN, PEN_SCALAR_SINGLE, PEN_SCALAR_DOUBLE };
enum pen_scalar_style pen_scalar_style(struct pen_slice text);

/* pen_tree_settle_map - checks a map for duplicate keys, O(n log n), and lets its own members win
 * over `merged` (a map of members from << keys, or NULL), earlier merged ones over later ones.
 * errors: PEN_ERR_CONFIG with the place of the second key. */
PEN_MUST_USE enum pen_code pen_tree_settle_map(struct pen_node *map, struct pen_node *merged,
                                               const char *name, struct pen_error *err);

#endif
