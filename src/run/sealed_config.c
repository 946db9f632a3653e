#include "run/sealed_config.h"

enum pen_code pen_config_seal(const struct pen_vault *vault, const char *purpose,
                              const struct pen_node *config, struct pen_buf *into,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_vault_wipe) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_tree_write_block_yaml(config, &text, err));
    return pen_vault_seal(vault, purpose, pen_buf_slice(&text), into, err);
}

enum pen_code pen_config_unseal(const struct pen_vault *vault, const char *purpose,
                                struct pen_slice sealed, const char *name, struct pen_arena *arena,
                                struct pen_node **ret_config, struct pen_error *err)
{
    PEN_CLEANUP(pen_vault_wipe) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_vault_unseal(vault, purpose, sealed, &text, err));
    return pen_tree_parse(pen_buf_slice(&text), name, arena, ret_config, err);
}
