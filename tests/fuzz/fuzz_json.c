/* The first byte picks a configuration, the rest is a file. */
#include "fuzz_parse.h"

static const char *const configs[] = {
    "{}",
    "{columns: [{name: a, type: long}, {name: b, type: string}, {name: c, type: double},"
    " {name: d, type: json}, {name: e, type: boolean}]}",
    "{root: /r, flatten_json_array: true, columns: [{name: a, type: string}]}",
    "{invalid_string_escapes: SKIP, columns: [{name: a, type: string}, {name: b, type: long,"
    " element_at: /x/0}]}",
    "{invalid_string_escapes: UNESCAPE}",
    "{flatten_json_array: true}",
};
#define CONFIGS (sizeof configs / sizeof configs[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pen_parse *parsers[CONFIGS];
    static struct pen_arena arena;
    struct pen_slice input = pen_slice(data, size);
    size_t which = fuzz_take(&input) % CONFIGS;
    if (parsers[which] == NULL) {
        struct pen_node *config = NULL;
        arena.max_bytes = (size_t)1 << 24;
        struct pen_bind bind = {.file = "fuzz", .arena = &arena};
        fuzz_check(pen_tree_parse(pen_slice_str(configs[which]), "fuzz", &arena, &config, NULL) ==
                   PEN_OK);
        fuzz_check(pen_parse_new(&pen_parse_json, config, false, &bind, &parsers[which], NULL) ==
                   PEN_OK);
    }
    fuzz_parse_both(parsers[which], input);
    return 0;
}
