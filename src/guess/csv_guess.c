/* text --lines--> delimiter, quote, escape, null string --records--> skip, comments, header, types
 */
#include "guess/csv_guess.h"

#include "guess/csv_rows.h"
#include "guess/header_guess.h"
#include "guess/type_remark.h"

#include <stdio.h>

struct work {
    const struct csv_guess_request *request;
    struct pen_arena *arena;  /* of the result */
    struct pen_arena scratch; /* dies with the guess */
    struct pen_node *result;
    struct pen_csv_syntax syntax;
    struct pen_slice text; /* whole lines only; then without skipped ones */
    struct guess_lines lines;
    bool has_null_string;
    struct pen_slice null_string;
    size_t skipped; /* leading lines */
    uint64_t all_lines;
    bool is_trim_known;
    struct guess_rows rows;
    struct guess_type *types; /* of the columns, the header left out */
    size_t type_count;
    bool has_header;
    struct pen_error *err;
};

static void release_work(struct work *work)
{
    guess_rows_release(&work->rows);
    pen_arena_release(&work->scratch);
}

/* A known option; NULL when the parser mapping has no such key. */
static const struct pen_node *known(const struct work *work, const char *key)
{
    return pen_node_get(work->request->parser, key);
}

static enum pen_code put(struct work *work, const char *key, struct pen_node *value)
{
    if (value == NULL)
        return pen_fail_nomem(work->err);
    return pen_node_set(work->result, work->arena, key, value, work->err);
}

static enum pen_code put_text(struct work *work, const char *key, struct pen_slice text)
{
    return put(work, key, pen_node_new_text(work->arena, text));
}

static enum pen_code put_char(struct work *work, const char *key, struct pen_slice character)
{
    if (character.len == 0)
        return put(work, key, pen_node_new_null(work->arena));
    return put_text(work, key, character);
}

/* A seed's one-character option; empty for null and for the NUL that switches it off. */
static struct pen_slice known_character(const struct pen_node *node)
{
    if (node->kind == PEN_NODE_NULL || node->text.len == 0 || node->text.ptr[0] == '\0')
        return PEN_LIT("");
    return node->text;
}

/* A one-character text that lives as long as the program. */
static struct pen_slice character(char c)
{
    static const char all[] = ",\t|;\"'\\";
    const char *at = c == '\0' ? NULL : strchr(all, c);
    return at == NULL ? PEN_LIT("") : pen_slice(at, 1);
}

static struct pen_slice newline_text(const struct pen_node *newline)
{
    if (newline != NULL && pen_slice_is(newline->text, "CR"))
        return PEN_LIT("\r");
    if (newline != NULL && pen_slice_is(newline->text, "LF"))
        return PEN_LIT("\n");
    return PEN_LIT("\r\n");
}

static void read_known_syntax(struct work *work)
{
    struct pen_csv_syntax *syntax = &work->syntax;
    *syntax = pen_csv_syntax_default();
    syntax->newline = newline_text(known(work, "newline"));
    const struct pen_node *node = known(work, "line_delimiter_recognized");
    if (node != NULL && pen_slice_is(node->text, "CR"))
        syntax->line_end = PEN_CSV_LINE_CR;
    else if (node != NULL && pen_slice_is(node->text, "LF"))
        syntax->line_end = PEN_CSV_LINE_LF;
    else if (node != NULL && pen_slice_is(node->text, "CRLF"))
        syntax->line_end = PEN_CSV_LINE_CRLF;
    node = known(work, "quotes_in_quoted_fields");
    if (node != NULL &&
        pen_slice_is(node->text, "ACCEPT_STRAY_QUOTES_ASSUMING_NO_DELIMITERS_IN_FIELDS"))
        syntax->quotes = PEN_CSV_QUOTES_STRAY;
    node = known(work, "max_quoted_size_limit");
    if (node != NULL && node->kind == PEN_NODE_INT && node->integer > 0)
        syntax->max_quoted_chars = (uint64_t)node->integer;
    node = known(work, "comment_line_marker");
    if (node != NULL && node->kind != PEN_NODE_NULL)
        syntax->comment_marker = node->text;
    node = known(work, "trim_if_not_quoted");
    work->is_trim_known = node != NULL;
    syntax->is_trimmed = node != NULL && (node->boolean || pen_slice_is(node->text, "true"));
}

/* The sample's last line is only a part of one unless the newline stands behind it, or nothing
 * follows it in the object. */
static enum pen_code find_lines(struct work *work)
{
    struct pen_slice text = work->request->text;
    PEN_TRY(
        guess_lines_split(text, work->syntax.line_end, &work->scratch, &work->lines, work->err));
    work->all_lines = work->lines.count;
    bool is_cut = !work->request->is_whole && !pen_slice_ends(text, work->syntax.newline);
    if (is_cut && work->lines.count > 0) {
        work->lines.count--;
        text.len = (size_t)(work->lines.at[work->lines.count].ptr - text.ptr);
    }
    work->text = text;
    return PEN_OK;
}

static enum pen_code read_rows(struct work *work, struct guess_rows *ret_rows)
{
    const struct guess_rows_request request = {
        .text = work->text,
        .syntax = &work->syntax,
        .null_string = work->has_null_string ? &work->null_string : NULL,
        .place = work->request->place,
        .first_line = work->skipped + 1,
        .is_cut = !work->request->is_whole,
    };
    return guess_rows_read(&request, &work->scratch, ret_rows, work->err);
}

/* Do the records have the same number of fields, more than one, and sound quoting? */
static enum pen_code is_even(struct work *work, struct pen_slice quote, bool *ret_even)
{
    PEN_CLEANUP(guess_rows_release) struct guess_rows rows = {0};
    work->syntax.quote = work->syntax.escape = quote;
    PEN_TRY(read_rows(work, &rows));
    *ret_even = rows.bad == 0 && rows.count > 1 && rows.at[0].count > 1;
    for (size_t i = 1; i < rows.count; i++)
        *ret_even &= rows.at[i].count == rows.at[0].count;
    return PEN_OK;
}

/* Line by line, values over several lines look like stray quotes. The records tell. */
static enum pen_code check_no_quote(struct work *work, char *quote)
{
    bool is_even_quoted = false, is_even_plain = true;
    PEN_TRY(is_even(work, PEN_LIT("\""), &is_even_quoted));
    if (is_even_quoted)
        PEN_TRY(is_even(work, PEN_LIT(""), &is_even_plain));
    if (!is_even_plain)
        *quote = '"';
    return PEN_OK;
}

static enum pen_code find_quote(struct work *work)
{
    struct pen_csv_syntax *syntax = &work->syntax;
    const struct pen_node *node = known(work, "quote");
    if (node == NULL) {
        char quote;
        PEN_TRY(guess_quote(work->lines, syntax->delimiter, &quote, work->err));
        if (quote == '\0')
            PEN_TRY(check_no_quote(work, &quote));
        syntax->quote = character(quote);
    } else if (node->kind == PEN_NODE_TEXT && node->text.len == 0) {
        syntax->quote = PEN_LIT("\""); /* the way older configurations write the default */
    } else {
        syntax->quote = known_character(node);
        return PEN_OK;
    }
    return put_char(work, "quote", syntax->quote);
}

static enum pen_code find_escape(struct work *work)
{
    struct pen_csv_syntax *syntax = &work->syntax;
    const struct pen_node *node = known(work, "escape");
    syntax->escape = node == NULL ? PEN_LIT("") : known_character(node);
    if (node != NULL || syntax->quote.len == 0)
        return PEN_OK;
    char escape;
    PEN_TRY(guess_escape(work->lines, syntax->delimiter, syntax->quote, &escape, work->err));
    syntax->escape = character(escape);
    return put_char(work, "escape", syntax->escape);
}

static enum pen_code find_null_string(struct work *work)
{
    const struct pen_node *node = known(work, "null_string");
    const char *text = NULL;
    if (node == NULL) {
        PEN_TRY(guess_null_string(work->lines, work->syntax.delimiter, &text, work->err));
        if (text == NULL)
            return PEN_OK;
        work->null_string = pen_slice_str(text);
        work->has_null_string = true;
        return put_text(work, "null_string", work->null_string);
    }
    work->has_null_string = node->kind != PEN_NODE_NULL;
    work->null_string = node->text;
    return PEN_OK;
}

static enum pen_code find_delimiter(struct work *work)
{
    const char *remark = NULL;
    work->syntax.delimiter = character(guess_delimiter(work->lines, &remark));
    PEN_TRY(put_text(work, "delimiter", work->syntax.delimiter));
    pen_node_get(work->result, "delimiter")->comment = remark;
    return PEN_OK;
}

static enum pen_code put_delimiter(struct work *work)
{
    const struct pen_node *delimiter = known(work, "delimiter");
    if (delimiter != NULL && delimiter->kind != PEN_NODE_NULL && delimiter->text.len > 0)
        work->syntax.delimiter = delimiter->text;
    else
        return find_delimiter(work);
    return put_text(work, "delimiter", work->syntax.delimiter);
}

static enum pen_code find_shape(struct work *work)
{
    PEN_TRY(put_text(work, "type", PEN_LIT("csv")));
    PEN_TRY(put_delimiter(work));
    PEN_TRY(find_quote(work));
    PEN_TRY(find_escape(work));
    return find_null_string(work);
}

/* Leading lines with fewer fields than the rest are a preamble: leaves them out of text. */
static enum pen_code skip_preamble(struct work *work)
{
    PEN_CLEANUP(guess_rows_release) struct guess_rows rows = {0};
    work->syntax.is_empty_line_kept = true;
    PEN_TRY(read_rows(work, &rows));
    work->syntax.is_empty_line_kept = false;
    size_t *counts = pen_arena_alloc(&work->scratch, (rows.count + 1) * sizeof *counts);
    if (counts == NULL)
        return pen_fail_nomem(work->err);
    for (size_t i = 0; i < rows.count; i++)
        counts[i] = rows.at[i].count;
    work->skipped = guess_skip_lines(counts, rows.count);
    if (work->skipped > work->lines.count)
        work->skipped = work->lines.count;
    work->lines.at += work->skipped;
    work->lines.count -= work->skipped;
    if (work->lines.count > 0) {
        size_t gone = (size_t)(work->lines.at[0].ptr - work->text.ptr);
        work->text = pen_slice_skip(work->text, gone);
    }
    return PEN_OK;
}

static enum pen_code find_comments(struct work *work)
{
    if (known(work, "comment_line_marker") != NULL)
        return PEN_OK;
    const char *marker = guess_comment_marker(work->lines, work->syntax.delimiter,
                                              work->syntax.quote, work->null_string);
    if (marker == NULL)
        return PEN_OK;
    work->syntax.comment_marker = pen_slice_str(marker);
    return put_text(work, "comment_line_marker", work->syntax.comment_marker);
}

static enum pen_code types_from(struct work *work, const struct guess_rows *rows, size_t from,
                                struct guess_type **ret_types, size_t *ret_count)
{
    const struct guess_row *at = from < rows->count ? rows->at + from : NULL;
    return guess_types(at, rows->count - from, work->arena, ret_types, ret_count, work->err);
}

/* Spaces around values matter when the types differ without them. */
static enum pen_code find_trim(struct work *work, size_t from)
{
    if (work->is_trim_known)
        return PEN_OK;
    PEN_CLEANUP(guess_rows_release) struct guess_rows trimmed = {0};
    work->syntax.is_trimmed = true;
    PEN_TRY(read_rows(work, &trimmed));
    struct guess_type *types;
    size_t count;
    PEN_TRY(
        types_from(work, &trimmed, trimmed.count < from ? trimmed.count : from, &types, &count));
    bool is_same = guess_types_equal(types, count, work->types, work->type_count);
    if (!is_same) {
        work->types = types;
        work->type_count = count;
    }
    work->syntax.is_trimmed = !is_same;
    return put(work, "trim_if_not_quoted", pen_node_new_bool(work->arena, !is_same));
}

static enum pen_code find_types(struct work *work)
{
    if (work->rows.count == 1) {
        PEN_TRY(types_from(work, &work->rows, 0, &work->types, &work->type_count));
        return find_trim(work, 0);
    }
    struct guess_type *first;
    size_t first_count;
    struct guess_rows first_row = {.at = work->rows.at, .count = 1};
    PEN_TRY(types_from(work, &first_row, 0, &first, &first_count));
    PEN_TRY(types_from(work, &work->rows, 1, &work->types, &work->type_count));
    PEN_TRY(find_trim(work, 1));
    work->has_header =
        guess_is_header(&work->rows, first, first_count, work->types, work->type_count);
    return PEN_OK;
}

static enum pen_code add_column(struct work *work, struct pen_node *columns, size_t index)
{
    const struct guess_type *type = &work->types[index];
    char made[24];
    (void)snprintf(made, sizeof made, "c%zu", index);
    struct pen_slice name = PEN_LIT("");
    if (work->has_header)
        name = pen_slice_trim(work->rows.at[0].cells[index]);
    if (name.len == 0) /* a column must have a name */
        name = pen_slice_str(made);
    struct pen_node *entry = pen_node_new_map(work->arena);
    struct pen_node *name_node = pen_node_new_text(work->arena, name);
    enum guess_kind kind = work->request->is_all_strings ? GUESS_STRING : type->kind;
    struct pen_node *type_node =
        pen_node_new_text(work->arena, pen_slice_str(guess_kind_name(kind)));
    if (entry == NULL || name_node == NULL || type_node == NULL)
        return pen_fail_nomem(work->err);
    PEN_TRY(pen_node_set(entry, work->arena, "name", name_node, work->err));
    PEN_TRY(pen_node_set(entry, work->arena, "type", type_node, work->err));
    if (kind == GUESS_TIMESTAMP) {
        struct pen_node *format = pen_node_new_text(work->arena, pen_slice_str(type->format));
        if (format == NULL)
            return pen_fail_nomem(work->err);
        PEN_TRY(pen_node_set(entry, work->arena, "format", format, work->err));
    }
    entry->comment = work->request->is_all_strings ? NULL : type->comment;
    pen_node_append(columns, entry);
    return PEN_OK;
}

/* Further pieces of the data may ask for wider types; *ret_remark is what else they show. */
static enum pen_code check_pieces(struct work *work, size_t count, const char **ret_remark)
{
    const struct csv_guess_request *request = work->request;
    size_t from = work->has_header ? 1 : 0;
    const struct guess_probe probe = {
        .pieces = request->pieces,
        .piece_count = request->piece_count,
        .syntax = &work->syntax,
        .null_string = work->has_null_string ? &work->null_string : NULL,
        .header = work->has_header ? &work->rows.at[0] : NULL,
        .rows = work->rows.at + from,
        .row_count = work->rows.count - from,
        .column_count = count,
        .skip_lines = work->skipped + from,
        .is_all_strings = request->is_all_strings,
        .arena = work->arena,
        .scratch = &work->scratch,
    };
    const char *remark = NULL;
    PEN_TRY(guess_probe_types(&probe, work->types, &remark, work->err));
    if (request->piece_remark != NULL)
        remark = guess_remark(work->arena, remark, "%s", request->piece_remark);
    *ret_remark = remark;
    return PEN_OK;
}

static enum pen_code put_columns(struct work *work)
{
    const struct pen_node *seeded = known(work, "columns");
    if (seeded != NULL && seeded->kind == PEN_NODE_LIST && seeded->count > 0)
        return PEN_OK;
    struct pen_node *columns = pen_node_new_list(work->arena);
    if (columns == NULL)
        return pen_fail_nomem(work->err);
    size_t count = work->type_count;
    if (work->has_header && work->rows.at[0].count < count)
        count = work->rows.at[0].count;
    PEN_TRY(check_pieces(work, count, &columns->comment));
    for (size_t i = 0; i < count; i++)
        PEN_TRY(add_column(work, columns, i));
    return put(work, "columns", columns);
}

/* Every line of the sample has its place, or the tokenizer and the line count disagree. */
static void put_account(const struct work *work)
{
    const struct guess_rows *rows = &work->rows;
    uint64_t header = work->has_header ? 1 : 0;
    struct pen_guess_account account = {
        .lines = work->all_lines,
        .preamble = work->skipped,
        .header = header,
        .record_lines = rows->record_lines - header,
        .bad = rows->bad_lines,
        .cut = work->all_lines - work->skipped - work->lines.count + rows->cut_lines,
        .records = rows->count - header,
    };
    account.blank = account.lines - account.preamble - header - account.record_lines - account.bad -
                    account.cut;
    *work->request->account = account;
}

static enum pen_code put_skip(struct work *work)
{
    int64_t skip = (int64_t)work->skipped + (work->has_header ? 1 : 0);
    const struct pen_node *seeded = known(work, "skip_header_lines");
    struct pen_node *node = pen_node_new_int(work->arena, skip);
    if (node != NULL && work->skipped > 0)
        node->comment =
            guess_remark(work->arena, NULL,
                         "leading lines with fewer fields than what follows: %zu", work->skipped);
    bool is_cut = work->all_lines > work->skipped + work->lines.count || work->rows.cut_lines > 0;
    if (node != NULL && work->rows.count == 1 && !work->has_header && is_cut)
        node->comment =
            guess_remark(work->arena, node->comment,
                         "only one whole record fits into the sample: if it is a header, its names "
                         "and the types are not seen; raise exec.guess_sample_buffer_bytes and "
                         "guess again");
    const struct pen_slice *word = work->has_header ? NULL : guess_unsure_header(&work->rows);
    if (node != NULL && word != NULL) {
        char shown[GUESS_SHOWN_BYTES];
        guess_show_value(*word, shown);
        node->comment = guess_remark(work->arena, node->comment,
                                     "check this: the first record may be a header, '%s' stands "
                                     "above values with digits; then skip its line, too",
                                     shown);
    }
    if (node != NULL && seeded != NULL && seeded->kind == PEN_NODE_INT && seeded->integer != skip)
        node->comment = guess_remark(work->arena, node->comment, "the seed said %lld",
                                     (long long)seeded->integer);
    return put(work, "skip_header_lines", node);
}

static enum pen_code put_rest(struct work *work)
{
    static const char *const allowances[] = {"allow_extra_columns", "allow_optional_columns"};
    PEN_TRY(put_skip(work));
    for (size_t i = 0; i < 2; i++)
        if (known(work, allowances[i]) == NULL)
            PEN_TRY(put(work, allowances[i], pen_node_new_bool(work->arena, false)));
    return put_columns(work);
}

enum pen_code pen_guess_csv(const struct csv_guess_request *request, struct pen_arena *arena,
                            struct pen_node **ret_parser, struct pen_error *err)
{
    PEN_CLEANUP(release_work)
    struct work work = {
        .request = request, .arena = arena, .scratch = PEN_ARENA(SIZE_MAX / 2), .err = err};
    *ret_parser = NULL;
    work.result = pen_node_new_map(arena);
    if (work.result == NULL)
        return pen_fail_nomem(err);
    read_known_syntax(&work);
    PEN_TRY(find_lines(&work));
    if (work.lines.count == 0)
        return PEN_OK;
    PEN_TRY(find_shape(&work));
    PEN_TRY(skip_preamble(&work));
    PEN_TRY(find_comments(&work));
    PEN_TRY(read_rows(&work, &work.rows));
    if (work.rows.count == 0)
        return PEN_OK;
    PEN_TRY(find_types(&work));
    if (work.type_count == 0)
        return PEN_OK;
    PEN_TRY(put_rest(&work));
    put_account(&work);
    *ret_parser = work.result;
    return PEN_OK;
}
