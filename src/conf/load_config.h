/* load_config.h - a load configuration from its file to the one shape that everything else reads.
 *
 *     seed.yml / load.yml --read, parse--> tree --normalise--> {in, out, exec, filters}
 *
 * source: spec/cli.md section 2. ${...} is not expanded: only workflows do that. */
#ifndef PEN_CONF_LOAD_CONFIG_H
#define PEN_CONF_LOAD_CONFIG_H

#include "conf/options.h"

/* The largest configuration file that is read. */
#define PEN_CONFIG_MAX_BYTES ((size_t)16 << 20)

/* pen_config_load - reads a YAML or JSON file and normalises it.
 * in:     warnings may be NULL; arena holds the result.
 * errors: PEN_ERR_NOT_FOUND "configuration file: <path> not found"; PEN_ERR_CONFIG
 *         "configuration file: <path> <what the parser says>" with the place. */
PEN_MUST_USE enum pen_code pen_config_load(const char *path, struct pen_arena *arena,
                                           struct pen_warnings *warnings,
                                           struct pen_node **ret_config, struct pen_error *err);

/* pen_config_normalize - a map with the members in, out, exec (maps) and filters (a list), always
 * all four, plus preview_sample_rows when the document has it.
 * in:     document: has `in`; or only `config`, which holds such a document; or is the `in` itself.
 *         Its nodes are moved into the result. bind: places, arena, warnings. Top-level keys that
 *         begin with "_", "." or "x-" hold anchors and are ignored.
 * errors: PEN_ERR_CONFIG: wrong kinds, unknown top-level keys (with "did you mean"). */
PEN_MUST_USE enum pen_code pen_config_normalize(struct pen_node *document,
                                                const struct pen_bind *bind,
                                                struct pen_node **ret_config,
                                                struct pen_error *err);

/* pen_config_is_secret - whether values under that key must never be shown. */
bool pen_config_is_secret(struct pen_slice key);

/* pen_config_mask - a deep copy in which the value of every secret key is "***", at any depth, and
 * so are passwords in URLs (https://user:***@host). Nulls and empty texts stay as they are.
 * errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_config_mask(const struct pen_node *config, struct pen_arena *arena,
                                           struct pen_node **ret_masked, struct pen_error *err);

#endif
