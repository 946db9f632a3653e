/* The first byte picks a configuration, the rest is a file. */
#include "fuzz_parse.h"

static const char *const configs[] = {
    "{columns: [{name: a, type: long}, {name: b, type: string}, {name: c, type: double}]}",
    "{escape: '\"', columns: [{name: a, type: string}, {name: b, type: string}]}",
    "{delimiter: \"\\t\", quote: null, columns: [{name: a, type: long}, {name: b, type: boolean}]}",
    "{trim_if_not_quoted: true, null_string: NULL, skip_header_lines: 1, comment_line_marker: '#',"
    " columns: [{name: a, type: long}, {name: b, type: string}]}",
    "{delimiter: '::', newline: LF, allow_optional_columns: true, allow_extra_columns: true,"
    " columns: [{name: a, type: string}, {name: b, type: json}, {name: c, type: long}]}",
    "{quotes_in_quoted_fields: ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS,"
    " max_quoted_size_limit: 20, columns: [{name: a, type: string}, {name: b, type: string}]}",
    "{line_delimiter_recognized: CRLF, columns: [{name: a, type: long}, {name: b, type: string}]}",
    "{columns: [{name: a, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}, {name: b, type: long}]}",
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
        fuzz_check(pen_parse_new(&pen_parse_csv, config, false, &bind, &parsers[which], NULL) ==
                   PEN_OK);
    }
    fuzz_parse_both(parsers[which], input);
    return 0;
}
