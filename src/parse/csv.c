/* csv.c - the type `csv`: its options, and what each instance holds.
 * source: spec/parsers.md 2, 3, 6.1. Decided here: NUL is ordinary data; an empty
 * comment_line_marker means none; the words of a bad `quote`, `escape` or `delimiter` are the
 * original's. A record longer than exec.max_record_bytes is refused by who fills the chunks
 * (PEN_ERR_TOO_LARGE), so nothing here grows without end. */
#include "parse/csv_internal.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <strings.h>

#define SCRATCH_MAX_BYTES ((size_t)1 << 30)
#define REREAD_BYTES      ((uint64_t)64 << 20)

struct csv_options {
    const struct pen_node *columns, *header_line, *quote, *escape;
    int64_t skip_header_lines, max_quoted_size_limit;
    char *delimiter, *null_string, *comment_line_marker, *charset;
    struct pen_time_words times;
    int quotes_in_quoted_fields, newline, line_delimiter;
    bool trim_if_not_quoted, allow_optional_columns, allow_extra_columns, stop_on_invalid_record;
};

static const char *const newline_choices[] = {"CRLF", "LF", "CR", NULL};
static const char *const line_delimiter_choices[] = {"CR", "LF", "CRLF", NULL};
static const char *const quotes_choices[] = {
    "ACCEPT_ONLY_RFC4180_ESCAPED", "ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS", NULL};

#define OPTION(name, option_kind, default_value, help_text)                                        \
    {                                                                                              \
        .key = #name, .kind = (option_kind), .offset = offsetof(struct csv_options, name),         \
        .default_text = (default_value), .help = help_text                                         \
    }

static const struct pen_option csv_option_table[] = {
    {.key = "columns",
     .kind = PEN_OPTION_NODE,
     .offset = offsetof(struct csv_options, columns),
     .is_required = true,
     .help = "list of {name, type, format, timezone, date}; the last three for timestamps only; "
             "types are boolean, long, double, string, timestamp, json"},
    OPTION(header_line, PEN_OPTION_NODE, NULL,
           "older form of skip_header_lines: true skips one line; not both together"),
    OPTION(skip_header_lines, PEN_OPTION_INT, "0",
           "physical lines dropped at the start of every file"),
    OPTION(delimiter, PEN_OPTION_TEXT, ",", "separates fields; one or more characters"),
    OPTION(quote, PEN_OPTION_NODE, "\"",
           "encloses fields that hold delimiters or line ends; one character, null for none"),
    OPTION(escape, PEN_OPTION_NODE, "\\",
           "makes a quote or itself literal inside quotes; one character, null for none"),
    OPTION(null_string, PEN_OPTION_TEXT, NULL,
           "text that means null, quoted or not; without it an empty unquoted field is null"),
    OPTION(trim_if_not_quoted, PEN_OPTION_BOOL, "false", "drop spaces around unquoted values"),
    {.key = "quotes_in_quoted_fields",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct csv_options, quotes_in_quoted_fields),
     .default_text = "ACCEPT_ONLY_RFC4180_ESCAPED",
     .choices = quotes_choices,
     .help = "what a quote inside a quoted field means"},
    OPTION(max_quoted_size_limit, PEN_OPTION_INT, "131072",
           "most characters of a quoted field; a longer one is an invalid record"),
    OPTION(comment_line_marker, PEN_OPTION_TEXT, NULL, "lines that begin with it are skipped"),
    OPTION(allow_optional_columns, PEN_OPTION_BOOL, "false",
           "missing fields at the end of a record are null instead of an error"),
    OPTION(allow_extra_columns, PEN_OPTION_BOOL, "false",
           "fields beyond the columns are ignored instead of an error"),
    OPTION(stop_on_invalid_record, PEN_OPTION_BOOL, "false",
           "an invalid record fails the job instead of being rejected and counted"),
    OPTION(charset, PEN_OPTION_TEXT, "utf-8", "character set of the files"),
    {.key = "newline",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct csv_options, newline),
     .default_text = "CRLF",
     .choices = newline_choices,
     .help = "what a line end inside a quoted field becomes; does not influence line splitting"},
    {.key = "line_delimiter_recognized",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct csv_options, line_delimiter),
     .choices = line_delimiter_choices,
     .help = "the only line end; without it LF, CR and CRLF each end a line"},
    PEN_PARSE_TIME_OPTIONS(struct csv_options, times),
    {.key = "use_string_literal", .kind = PEN_OPTION_IGNORED, .help = "of the original's console"},
    {.key = NULL},
};

/* What open works on. */
struct opening {
    struct pen_parse *parse;
    struct pen_csv_parser *parser;
    const struct pen_node *config;
    const struct pen_bind *bind;
    struct csv_options options;
};

/* ---- single options ---- */

static enum pen_code set_header(struct opening *o, struct pen_error *err)
{
    int64_t lines = o->options.skip_header_lines;
    const struct pen_node *node = o->options.header_line;
    bool is_set = node != NULL && node->kind != PEN_NODE_NULL;
    bool is_true =
        is_set && (node->kind == PEN_NODE_BOOL ? node->boolean : pen_slice_is(node->text, "true"));
    if (is_set && !is_true && node->kind != PEN_NODE_BOOL && !pen_slice_is(node->text, "false"))
        return pen_fail_at(o->bind, node, err, "'header_line' must be true or false");
    if (is_set && lines > 0)
        return pen_fail_at(o->bind, node, err,
                           "'header_line' option is invalid if 'skip_header_lines' is set.");
    if (is_true)
        lines = 1;
    o->parser->header_lines = lines > 0 ? (uint64_t)lines : 0;
    return PEN_OK;
}

/* A one-character option: absent: `unset`; null and NUL: none; empty: `if_empty` and a remark. */
static enum pen_code set_character(const struct opening *o, const char *key,
                                   const struct pen_node *node, struct pen_slice unset,
                                   struct pen_slice if_empty, struct pen_slice *ret,
                                   struct pen_error *err)
{
    *ret = unset;
    if (node == NULL)
        return PEN_OK;
    if (node->kind == PEN_NODE_LIST || node->kind == PEN_NODE_MAP)
        return pen_fail_at(o->bind, node, err, "'%s' must be one character or null", key);
    *ret = PEN_LIT("");
    if (node->kind == PEN_NODE_NULL || pen_slice_equal(node->text, PEN_LIT("\0")))
        return PEN_OK;
    if (node->text.len == 0) {
        *ret = if_empty;
        pen_warn_at(o->bind, node, "'%s' is empty and read as %s%.*s; write that instead", key,
                    if_empty.len == 0 ? "null" : "", PEN_ARG(if_empty));
        return PEN_OK;
    }
    if (pen_utf16_len(node->text) > 1)
        return pen_fail_at(o->bind, node, err, "\"%s\" option accepts only 1 character.", key);
    const char *copy = pen_arena_copy(o->bind->arena, node->text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    *ret = pen_slice(copy, node->text.len);
    return PEN_OK;
}

static enum pen_code set_quoting(struct opening *o, struct pen_error *err)
{
    struct pen_csv_syntax *syntax = &o->parser->syntax;
    PEN_TRY(set_character(o, "quote", o->options.quote, PEN_LIT("\""), PEN_LIT("\""),
                          &syntax->quote, err));
    PEN_TRY(set_character(o, "escape", o->options.escape, PEN_LIT("\\"), PEN_LIT(""),
                          &syntax->escape, err));
    syntax->is_trimmed = o->options.trim_if_not_quoted;
    syntax->quotes =
        o->options.quotes_in_quoted_fields == 0 ? PEN_CSV_QUOTES_RFC4180 : PEN_CSV_QUOTES_STRAY;
    if (syntax->quotes == PEN_CSV_QUOTES_STRAY && syntax->is_trimmed)
        return pen_fail_at(o->bind, pen_node_get(o->config, "quotes_in_quoted_fields"), err,
                           "[quotes_in_quoted_fields == %s] is not allowed to specify with "
                           "[trim_if_not_quoted = true]",
                           quotes_choices[1]);
    int64_t limit = o->options.max_quoted_size_limit;
    syntax->max_quoted_chars = limit > 0 ? (uint64_t)limit : 0;
    return PEN_OK;
}

static void set_line_ends(struct opening *o)
{
    static const enum pen_csv_line_end ends[] = {PEN_CSV_LINE_CR, PEN_CSV_LINE_LF,
                                                 PEN_CSV_LINE_CRLF};
    static const char *const newlines[] = {"\r\n", "\n", "\r"};
    struct pen_csv_syntax *syntax = &o->parser->syntax;
    int delimiter = o->options.line_delimiter;
    syntax->line_end = delimiter < 0 ? PEN_CSV_LINE_ANY : ends[delimiter];
    syntax->newline = pen_slice_str(newlines[o->options.newline]);
    syntax->comment_marker = pen_slice_str(o->options.comment_line_marker);
}

static void set_charset(struct opening *o)
{
    const char *name = o->options.charset;
    bool is_utf8 = name == NULL || strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0;
    o->parse->charset = is_utf8 ? NULL : name;
}

static enum pen_code set_syntax(struct opening *o, struct pen_error *err)
{
    struct csv_options *options = &o->options;
    struct pen_csv_parser *parser = o->parser;
    if (options->delimiter == NULL || options->delimiter[0] == '\0')
        return pen_fail_at(o->bind, pen_node_get(o->config, "delimiter"), err,
                           "Empty delimiter is not allowed");
    parser->syntax.delimiter = pen_slice_str(options->delimiter);
    PEN_TRY(set_header(o, err));
    PEN_TRY(set_quoting(o, err));
    set_line_ends(o);
    set_charset(o);
    parser->null_text = pen_slice_str(options->null_string);
    parser->null_string = options->null_string == NULL ? NULL : &parser->null_text;
    parser->is_optional_allowed = options->allow_optional_columns;
    parser->is_extra_allowed = options->allow_extra_columns;
    parser->is_strict = options->stop_on_invalid_record;
    parser->reread_bytes = REREAD_BYTES;
    return PEN_OK;
}

/* One ASCII character that is no line end; `if_none` for the empty text. */
static bool is_scannable_char(struct pen_slice text, bool if_none)
{
    if (text.len == 0)
        return if_none;
    return text.len == 1 && (text.ptr[0] & 0x80) == 0 && text.ptr[0] != '\n' && text.ptr[0] != '\r';
}

/* May scan/ find the fields? Else every record goes through the exact tokenizer. */
static void set_scan_rules(struct pen_csv_parser *parser)
{
    const struct pen_csv_syntax *syntax = &parser->syntax;
    struct pen_slice delimiter = syntax->delimiter, quote = syntax->quote, escape = syntax->escape;
    bool has_escape = quote.len > 0 && escape.len > 0 && !pen_slice_equal(quote, escape);
    /* the readers of numbers rely on a delimiter that is no part of one */
    bool is_in_number = memchr("+-.0123456789", delimiter.ptr[0], 13) != NULL;
    parser->is_scannable = syntax->line_end == PEN_CSV_LINE_ANY && parser->column_count > 0 &&
                           !is_in_number && is_scannable_char(delimiter, false) &&
                           is_scannable_char(quote, true) && is_scannable_char(escape, true) &&
                           !pen_slice_equal(delimiter, quote) &&
                           !pen_slice_equal(delimiter, escape) && !pen_slice_is(quote, " ");
    if (!parser->is_scannable)
        return;
    parser->scan_rules = (struct pen_csv_scan){
        .delimiter = delimiter.ptr[0],
        .quote = quote.len > 0 ? quote.ptr[0] : '\0',
        .escape = has_escape ? escape.ptr[0] : '\0',
        .has_quote = quote.len > 0,
        .has_escape = has_escape,
        .is_doubling_regular = syntax->quotes == PEN_CSV_QUOTES_RFC4180,
    };
}

/* ---- columns ---- */

/* Whether null_string would pass for a value where only the usual forms are looked at. */
static enum pen_code set_null_text(struct opening *o, struct pen_csv_column *column,
                                   struct pen_error *err)
{
    struct pen_slice text = o->parser->null_text;
    bool is_read = column->type == PEN_TYPE_LONG || column->type == PEN_TYPE_DOUBLE ||
                   column->type == PEN_TYPE_TIMESTAMP;
    if (text.len == 0 || !is_read)
        return PEN_OK;
    return pen_csv_put(column, text, NULL, NULL, &column->is_null_text_value, err);
}

static enum pen_code set_columns(struct opening *o, struct pen_error *err)
{
    const struct pen_node *list = o->options.columns;
    PEN_TRY(pen_parse_schema(list, o->bind, &o->parse->schema, err));
    size_t count = o->parse->schema.count;
    o->parser->columns = calloc(count + 1, sizeof *o->parser->columns);
    if (o->parser->columns == NULL)
        return pen_fail_nomem(err);
    o->parser->column_count = count;
    const struct pen_node *item = list->first;
    for (size_t c = 0; c < count; c++, item = item->next) {
        struct pen_csv_column *column = &o->parser->columns[c];
        column->name = o->parse->schema.fields[c].name;
        column->type = o->parse->schema.fields[c].type;
        if (column->type == PEN_TYPE_TIMESTAMP)
            PEN_TRY(
                pen_parse_time(item, column->name, o->options.times, o->bind, &column->time, err));
        PEN_TRY(set_null_text(o, column, err));
    }
    return PEN_OK;
}

/* ---- the type ---- */

static enum pen_code csv_open(struct pen_parse *parse, const struct pen_node *config,
                              const struct pen_bind *bind, struct pen_error *err)
{
    static const char *const also[] = {"type", NULL};
    struct opening o = {.parse = parse, .parser = parse->state, .config = config, .bind = bind};
    o.options.line_delimiter = -1; /* stays when the option is absent */
    PEN_TRY(pen_options_bind(csv_option_table, config, "parser", also, &o.options, bind, err));
    PEN_TRY(set_syntax(&o, err));
    PEN_TRY(set_columns(&o, err));
    set_scan_rules(o.parser);
    return PEN_OK;
}

static void csv_close(struct pen_parse *parse)
{
    struct pen_csv_parser *parser = parse->state;
    for (size_t c = 0; c < parser->column_count; c++)
        pen_time_format_free(parser->columns[c].time);
    free(parser->columns);
}

static enum pen_code csv_stream_open(struct pen_parse_stream *stream, struct pen_error *err)
{
    (void)err; /* nothing to allocate */
    struct pen_csv_stream *state = stream->state;
    state->line = 1;
    state->header_lines_left = pen_csv_parser_of(stream->parse)->header_lines;
    state->scratch.max = state->reason.max = SCRATCH_MAX_BYTES;
    return PEN_OK;
}

static void csv_stream_close(struct pen_parse_stream *stream)
{
    struct pen_csv_stream *state = stream->state;
    pen_csv_reader_release(&state->reader);
    free(state->indexer.marks);
    pen_buf_release(&state->scratch);
    pen_buf_release(&state->reason);
}

static void csv_chunk_close(struct pen_chunk *chunk)
{
    struct pen_csv_chunk *index = chunk->state;
    free(index->runs);
    free(index->rejects);
    free(index->starts);
    free(index->ends);
    pen_arena_release(&index->texts);
    pen_csv_reader_release(&index->reader);
    pen_buf_release(&index->scratch);
    pen_buf_release(&index->unquoted);
    pen_buf_release(&index->reason);
}

const struct pen_parse_type pen_parse_csv = {
    .info = {.name = "csv",
             .summary = "delimited text: CSV, TSV and the like",
             .options = csv_option_table,
             .state_size = sizeof(struct pen_csv_parser)},
    .stream_size = sizeof(struct pen_csv_stream),
    .chunk_size = sizeof(struct pen_csv_chunk),
    .open = csv_open,
    .close = csv_close,
    .stream_open = csv_stream_open,
    .stream_close = csv_stream_close,
    .split = pen_csv_split,
    .convert = pen_csv_convert,
    .chunk_close = csv_chunk_close,
};
