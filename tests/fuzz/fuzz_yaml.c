/* A configuration file: read or refused with a place; what is read is written and read again as the
 * same. */
#include "fuzz.h"

#include "conf/load_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_node *root = NULL;
    struct pen_error err = {0};
    if (pen_tree_parse(pen_slice(data, size), "load.yml", &arena, &root, &err) != PEN_OK) {
        fuzz_check(err.message[0] != '\0');
        return 0;
    }
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *again = NULL;
    fuzz_check(pen_tree_write_json(root, true, &text, NULL) == PEN_OK);
    pen_buf_clear(&text);
    fuzz_check(pen_tree_write_yaml(root, &text, NULL) == PEN_OK);
    enum pen_code code = pen_tree_parse(pen_buf_slice(&text), "again", &arena, &again, NULL);
    fuzz_check(code == PEN_OK ? pen_node_equal(root, again) : code == PEN_ERR_NOMEM);
    struct pen_bind bind = {.file = "load.yml", .arena = &arena};
    struct pen_node *config = NULL;
    (void)!pen_config_normalize(root, &bind, &config, NULL);
    return 0;
}
