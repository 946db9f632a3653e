/* config_overlay.h - where a schedule's next run begins: its configuration under its config diff.
 */
#ifndef PEN_RUN_CONFIG_OVERLAY_H
#define PEN_RUN_CONFIG_OVERLAY_H

#include "conf/tree.h"

/* pen_config_overlay - puts what `in` of the diff holds over `in` of the configuration.
 * in:     diff_json: {"in": {...}}, or "" for none. The arena is the configuration's.
 * errors: PEN_ERR_CONFIG a diff that is no JSON. source: spec/storage.md 8. */
PEN_MUST_USE enum pen_code pen_config_overlay(struct pen_node *config, const char *diff_json,
                                              struct pen_arena *arena, struct pen_error *err);

#endif
