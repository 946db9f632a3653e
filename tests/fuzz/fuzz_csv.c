/* The first byte picks a configuration, the rest is a file. The SIMD path must also read what the
 * exact tokenizer reads. */
#include "fuzz_parse.h"

#include "parse/csv_internal.h"

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

static struct pen_parse *open_parser(const char *text, struct pen_arena *arena)
{
    struct pen_node *config = NULL;
    struct pen_parse *parse = NULL;
    struct pen_bind bind = {.file = "fuzz", .arena = arena};
    fuzz_check(pen_tree_parse(pen_slice_str(text), "fuzz", arena, &config, NULL) == PEN_OK);
    fuzz_check(pen_parse_new(&pen_parse_csv, config, false, &bind, &parse, NULL) == PEN_OK);
    return parse;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pen_parse *parsers[CONFIGS], *exact[CONFIGS];
    static struct pen_arena arena = {.max_bytes = (size_t)1 << 24};
    struct pen_slice input = pen_slice(data, size);
    size_t which = fuzz_take(&input) % CONFIGS;
    if (parsers[which] == NULL) {
        parsers[which] = open_parser(configs[which], &arena);
        exact[which] = open_parser(configs[which], &arena);
        ((struct pen_csv_parser *)exact[which]->state)->is_scannable = false;
    }
    fuzz_parse_both(parsers[which], input);
    struct fuzz_sum fast = fuzz_parse(parsers[which], input, (size_t)1 << 16);
    struct fuzz_sum slow = fuzz_parse(exact[which], input, (size_t)1 << 16);
    fuzz_check(fast.has_failed == slow.has_failed && fast.rows == slow.rows);
    fuzz_check(fast.rejects == slow.rejects && fast.hash == slow.hash);
    return 0;
}
