/* sealed_config.h - configurations at rest: with their secrets, readable only with the home's key.
 *
 *     tree --YAML, seal--> bytes in the metadata --unseal, parse--> the same tree
 *
 * YAML keeps how numbers and booleans were written: an option that wants text takes it. */
#ifndef PEN_RUN_SEALED_CONFIG_H
#define PEN_RUN_SEALED_CONFIG_H

#include "conf/tree.h"
#include "vault/vault.h"

/* What a configuration is sealed as: one cannot stand in the other's place. */
#define PEN_SEALED_JOB        "job configuration"
#define PEN_SEALED_SCHEDULE   "schedule configuration"
#define PEN_SEALED_CONNECTION "connection"

/* pen_config_seal - appends the sealed form. errors: as pen_vault_seal. */
PEN_MUST_USE enum pen_code pen_config_seal(const struct pen_vault *vault, const char *purpose,
                                           const struct pen_node *config, struct pen_buf *into,
                                           struct pen_error *err);

/* pen_config_unseal - in: name: for places of errors, lives as long as the tree.
 * out: *ret_config in the arena. errors: as pen_vault_unseal. */
PEN_MUST_USE enum pen_code pen_config_unseal(const struct pen_vault *vault, const char *purpose,
                                             struct pen_slice sealed, const char *name,
                                             struct pen_arena *arena, struct pen_node **ret_config,
                                             struct pen_error *err);

#endif
