#include "parse/csv_token.h"

#include "base/utf8.h"

#include <inttypes.h>

/* A quoted value may not be longer than this many bytes, whatever the limit in characters says. */
#define SCRATCH_MAX_BYTES ((size_t)1 << 30)

struct pen_csv_syntax pen_csv_syntax_default(void)
{
    return (struct pen_csv_syntax){
        .delimiter = PEN_LIT(","),
        .quote = PEN_LIT("\""),
        .escape = PEN_LIT("\\"),
        .newline = PEN_LIT("\r\n"),
        .line_end = PEN_CSV_LINE_ANY,
        .quotes = PEN_CSV_QUOTES_RFC4180,
        .max_quoted_chars = 131072,
    };
}

void pen_csv_reader_init(struct pen_csv_reader *reader, const struct pen_csv_syntax *syntax,
                         struct pen_slice text, bool is_eof, uint64_t line_number)
{
    struct pen_buf scratch = reader->scratch;
    *reader = (struct pen_csv_reader){
        .syntax = syntax, .text = text, .is_eof = is_eof, .scratch = scratch};
    reader->scratch.max = SCRATCH_MAX_BYTES;
    reader->line.number = line_number - 1; /* the line in front of the first */
}

void pen_csv_reader_release(struct pen_csv_reader *reader)
{
    pen_buf_release(&reader->scratch);
}

/* ---- physical lines ---- */

/* Does a line end at the CR or LF at `at`? *ret_next: behind it. 0 no, 1 yes, -1 not known yet. */
static int line_ends_at(enum pen_csv_line_end line_end, struct pen_slice text, bool is_eof,
                        size_t start, size_t at, size_t *ret_next)
{
    bool is_cr = text.ptr[at] == '\r';
    bool is_last = at + 1 == text.len;
    bool is_crlf = is_cr && !is_last && text.ptr[at + 1] == '\n';
    *ret_next = at + 1;
    if (is_cr && is_last && !is_eof && line_end != PEN_CSV_LINE_LF)
        return -1;
    switch (line_end) {
    case PEN_CSV_LINE_ANY:
        *ret_next = at + 1 + is_crlf;
        return 1;
    case PEN_CSV_LINE_CR:
        return is_cr && !is_crlf;
    case PEN_CSV_LINE_LF:
        return !is_cr && (at == start || text.ptr[at - 1] != '\r');
    case PEN_CSV_LINE_CRLF:
        *ret_next = at + 2;
        return is_crlf;
    }
    return 0;
}

bool pen_csv_find_line(enum pen_csv_line_end line_end, struct pen_slice text, bool is_eof,
                       size_t start, struct pen_csv_line *ret_line)
{
    for (size_t at = start; at < text.len; at++) {
        if (text.ptr[at] != '\n' && text.ptr[at] != '\r')
            continue;
        size_t next;
        int is_end = line_ends_at(line_end, text, is_eof, start, at, &next);
        if (is_end < 0)
            return false;
        if (is_end == 0)
            continue;
        ret_line->start = start;
        ret_line->end = at;
        ret_line->next = next;
        return true;
    }
    ret_line->start = start;
    ret_line->end = ret_line->next = text.len;
    return is_eof;
}

enum pen_csv_status pen_csv_next_line(struct pen_csv_reader *reader)
{
    size_t start = reader->line.next;
    if (start == reader->text.len)
        return reader->is_eof ? PEN_CSV_END : PEN_CSV_MORE;
    struct pen_csv_line line = {.number = reader->line.number + 1};
    if (!pen_csv_find_line(reader->syntax->line_end, reader->text, reader->is_eof, start, &line))
        return PEN_CSV_MORE;
    reader->line = line;
    reader->at = line.start;
    return PEN_CSV_OK;
}

/* ---- records ---- */

enum pen_csv_status pen_csv_next_record(struct pen_csv_reader *reader)
{
    const struct pen_csv_syntax *syntax = reader->syntax;
    for (;;) {
        enum pen_csv_status status = pen_csv_next_line(reader);
        if (status != PEN_CSV_OK)
            return status;
        struct pen_slice line = pen_csv_line_text(reader, &reader->line);
        if (line.len == 0 && !syntax->is_empty_line_kept)
            continue;
        if (syntax->comment_marker.len > 0 && pen_slice_starts(line, syntax->comment_marker))
            continue;
        reader->field_line = reader->line;
        reader->record_start = reader->line.start;
        reader->is_record_open = true;
        return PEN_CSV_OK;
    }
}

void pen_csv_drop_rest(struct pen_csv_reader *reader)
{
    reader->is_record_open = false;
    reader->at = reader->line.next;
}

struct pen_csv_line pen_csv_recover(struct pen_csv_reader *reader)
{
    reader->line = reader->field_line;
    reader->is_record_open = false;
    reader->at = reader->line.next;
    return reader->field_line;
}

/* ---- fields ---- */

/* Does `what` (not empty) stand at `at` of the current line? */
static inline bool stands(const struct pen_csv_reader *reader, size_t at, struct pen_slice what)
{
    return what.len > 0 && what.len <= reader->line.end - at &&
           reader->text.ptr[at] == what.ptr[0] &&
           memcmp(reader->text.ptr + at, what.ptr, what.len) == 0;
}

/* Bytes of the UTF-8 character that begins with `lead`. */
static inline size_t char_len(char lead)
{
    uint8_t byte = (uint8_t)lead;
    return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/* What a closing quote must be followed by in the STRAY rules: the first character of the
 * delimiter (only the first, as the original does) or the line's end. */
static bool is_stop(const struct pen_csv_reader *reader, size_t at)
{
    struct pen_slice delimiter = reader->syntax->delimiter;
    struct pen_slice first = pen_slice(delimiter.ptr, char_len(delimiter.ptr[0]));
    return at >= reader->line.end || stands(reader, at, first);
}

static enum pen_csv_status bad(struct pen_csv_reader *reader, enum pen_csv_problem problem)
{
    reader->problem = problem;
    return PEN_CSV_BAD;
}

/* A quoted value while it is read: a slice of the text as long as nothing had to be changed. */
struct quoted {
    size_t start;   /* of the run that is not yet in scratch */
    bool is_copied; /* scratch holds what stood before the run */
    uint64_t chars; /* so far */
};

/* Moves the run [start, end) and then `more` to scratch; the next run starts at `next`. */
static bool copy_run(struct pen_csv_reader *reader, struct quoted *quoted, size_t end,
                     struct pen_slice more, size_t next)
{
    if (!quoted->is_copied)
        pen_buf_clear(&reader->scratch);
    quoted->is_copied = true;
    if (pen_buf_add(&reader->scratch, reader->text.ptr + quoted->start, end - quoted->start,
                    NULL) != PEN_OK ||
        pen_buf_add_slice(&reader->scratch, more, NULL) != PEN_OK)
        return false;
    quoted->start = next;
    return true;
}

/* At the end of a line inside quotes: goes on in the next one. */
static enum pen_csv_status next_quoted_line(struct pen_csv_reader *reader, struct quoted *quoted)
{
    struct pen_csv_line was = reader->line;
    enum pen_csv_status status = pen_csv_next_line(reader);
    if (status == PEN_CSV_END)
        return bad(reader, PEN_CSV_EOF_IN_QUOTES);
    if (status != PEN_CSV_OK)
        return status;
    struct pen_slice newline = reader->syntax->newline;
    struct pen_slice was_end = pen_slice(reader->text.ptr + was.end, was.next - was.end);
    quoted->chars += newline.len;
    if (!quoted->is_copied && pen_slice_equal(was_end, newline))
        return PEN_CSV_OK;
    return copy_run(reader, quoted, was.end, newline, reader->line.start) ? PEN_CSV_OK
                                                                          : PEN_CSV_NOMEM;
}

/* At a quote inside quotes. Returns: how many bytes to consume as one literal quote that ends the
 * run, or 0 for the end of the quoted part; *ret_is_stray: it stands for itself. */
static size_t quote_in_quotes(const struct pen_csv_reader *reader, size_t at, bool *ret_is_stray)
{
    const struct pen_csv_syntax *syntax = reader->syntax;
    size_t len = syntax->quote.len;
    bool is_doubled = stands(reader, at + len, syntax->quote);
    *ret_is_stray = false;
    if (syntax->quotes == PEN_CSV_QUOTES_RFC4180)
        return is_doubled ? 2 * len : 0;
    if (is_doubled && !is_stop(reader, at + 2 * len))
        return 2 * len;
    *ret_is_stray = !is_stop(reader, at + len);
    return *ret_is_stray ? len : 0;
}

/* The characters from `at` on, at least one, that are neither quote nor escape nor the line's end.
 * A character that only begins like one of these ends the run, too. */
static struct pen_slice ordinary_run(const struct pen_csv_reader *reader, size_t at)
{
    const struct pen_csv_syntax *syntax = reader->syntax;
    const char *start = reader->text.ptr + at, *end = reader->text.ptr + reader->line.end;
    size_t first = char_len(*start);
    const char *p = first < (size_t)(end - start) ? start + first : end;
    char quote = syntax->quote.ptr[0];
    char escape = syntax->escape.len > 0 ? syntax->escape.ptr[0] : quote;
    while (p < end && *p != quote && *p != escape)
        p++;
    return pen_slice(start, (size_t)(p - start));
}

/* One step inside quotes at reader->at. *ret_is_end: the closing quote was consumed. */
static enum pen_csv_status quoted_step(struct pen_csv_reader *reader, struct quoted *quoted,
                                       bool *ret_is_end)
{
    const struct pen_csv_syntax *syntax = reader->syntax;
    size_t at = reader->at;
    if (at == reader->line.end)
        return next_quoted_line(reader, quoted);
    if (stands(reader, at, syntax->quote)) {
        bool is_stray;
        size_t used = quote_in_quotes(reader, at, &is_stray);
        reader->at = at + (used > 0 ? used : syntax->quote.len);
        *ret_is_end = used == 0;
        quoted->chars += used > 0;
        if (is_stray)
            return quoted->chars > syntax->max_quoted_chars ? bad(reader, PEN_CSV_QUOTED_TOO_LONG)
                                                            : PEN_CSV_OK;
        return used == 0 || copy_run(reader, quoted, at, syntax->quote, reader->at) ? PEN_CSV_OK
                                                                                    : PEN_CSV_NOMEM;
    }
    if (stands(reader, at, syntax->escape)) {
        size_t next = at + syntax->escape.len;
        struct pen_slice taken = stands(reader, next, syntax->quote)    ? syntax->quote
                                 : stands(reader, next, syntax->escape) ? syntax->escape
                                                                        : PEN_LIT("");
        quoted->chars++;
        reader->at = next + taken.len;
        if (taken.len == 0)
            return PEN_CSV_OK; /* stands for itself */
        return copy_run(reader, quoted, at, taken, reader->at) ? PEN_CSV_OK : PEN_CSV_NOMEM;
    }
    struct pen_slice run = ordinary_run(reader, at);
    reader->at = at + run.len;
    quoted->chars += pen_utf16_len(run);
    return quoted->chars > syntax->max_quoted_chars ? bad(reader, PEN_CSV_QUOTED_TOO_LONG)
                                                    : PEN_CSV_OK;
}

/* Behind the closing quote: spaces, then the delimiter or the line's end. */
static enum pen_csv_status after_quoted(struct pen_csv_reader *reader)
{
    for (;; reader->at++) {
        if (reader->at == reader->line.end) {
            pen_csv_drop_rest(reader);
            return PEN_CSV_OK;
        }
        if (stands(reader, reader->at, reader->syntax->delimiter)) {
            reader->at += reader->syntax->delimiter.len;
            return PEN_CSV_OK;
        }
        char c = reader->text.ptr[reader->at];
        if (c != ' ') {
            reader->extra = pen_slice(reader->text.ptr + reader->at, char_len(c));
            return bad(reader, PEN_CSV_EXTRA_AFTER_QUOTE);
        }
    }
}

/* reader->at is behind the opening quote. */
static enum pen_csv_status read_quoted(struct pen_csv_reader *reader, struct pen_csv_field *field)
{
    struct quoted quoted = {.start = reader->at};
    bool is_end = false;
    while (!is_end) {
        enum pen_csv_status status = quoted_step(reader, &quoted, &is_end);
        if (status != PEN_CSV_OK)
            return status;
    }
    size_t end = reader->at - reader->syntax->quote.len;
    if (quoted.is_copied && !copy_run(reader, &quoted, end, PEN_LIT(""), end))
        return PEN_CSV_NOMEM;
    field->is_quoted = true;
    field->text = quoted.is_copied ? pen_buf_slice(&reader->scratch)
                                   : pen_slice(reader->text.ptr + quoted.start, end - quoted.start);
    return after_quoted(reader);
}

/* reader->at is the first character of an unquoted value; it may be the delimiter or the end. */
static void read_unquoted(struct pen_csv_reader *reader, struct pen_csv_field *field)
{
    struct pen_slice delimiter = reader->syntax->delimiter;
    const char *text = reader->text.ptr;
    size_t start = reader->at, at = start;
    while (at < reader->line.end && !stands(reader, at, delimiter))
        at++;
    size_t end = at;
    while (reader->syntax->is_trimmed && end > start && text[end - 1] == ' ')
        end--;
    field->text = pen_slice(text + start, end - start);
    field->is_quoted = false;
    if (at == reader->line.end)
        pen_csv_drop_rest(reader);
    else
        reader->at = at + delimiter.len;
}

enum pen_csv_status pen_csv_next_field(struct pen_csv_reader *reader,
                                       struct pen_csv_field *ret_field)
{
    const struct pen_csv_syntax *syntax = reader->syntax;
    if (!reader->is_record_open)
        return PEN_CSV_END;
    reader->field_line = reader->line;
    while (syntax->is_trimmed && reader->at < reader->line.end &&
           reader->text.ptr[reader->at] == ' ' && !stands(reader, reader->at, syntax->delimiter))
        reader->at++;
    if (!stands(reader, reader->at, syntax->delimiter) &&
        stands(reader, reader->at, syntax->quote)) {
        reader->at += syntax->quote.len;
        return read_quoted(reader, ret_field);
    }
    read_unquoted(reader, ret_field);
    return PEN_CSV_OK;
}

/* ---- nulls and words ---- */

bool pen_csv_is_null(const struct pen_csv_field *field, const struct pen_slice *null_string)
{
    if (null_string == NULL)
        return field->text.len == 0 && !field->is_quoted;
    return pen_slice_equal(field->text, *null_string);
}

static const char *const problem_codes[] = {
    [PEN_CSV_NO_PROBLEM] = "",
    [PEN_CSV_EOF_IN_QUOTES] = "eof_in_quoted_field",
    [PEN_CSV_EXTRA_AFTER_QUOTE] = "extra_character_after_quote",
    [PEN_CSV_QUOTED_TOO_LONG] = "quoted_field_too_long",
    [PEN_CSV_TOO_FEW_COLUMNS] = "too_few_columns",
    [PEN_CSV_TOO_MANY_COLUMNS] = "too_many_columns",
};

const char *pen_csv_problem_code(enum pen_csv_problem problem)
{
    return problem_codes[problem];
}

enum pen_code pen_csv_problem_reason(const struct pen_csv_reader *reader,
                                     enum pen_csv_problem problem, struct pen_buf *into,
                                     struct pen_error *err)
{
    const struct pen_csv_syntax *syntax = reader->syntax;
    switch (problem) {
    case PEN_CSV_NO_PROBLEM:
        break;
    case PEN_CSV_EOF_IN_QUOTES:
        return pen_buf_add_str(into, "Unexpected end of file in a quoted field.", err);
    case PEN_CSV_EXTRA_AFTER_QUOTE:
        PEN_TRY(pen_buf_add_str(into, "Unexpected extra character '", err));
        PEN_TRY(pen_buf_add_slice(into, reader->extra, err)); /* may be NUL */
        return pen_buf_addf(into, err, "' after a quote by '%.*s'.", PEN_ARG(syntax->quote));
    case PEN_CSV_QUOTED_TOO_LONG:
        return pen_buf_addf(into, err,
                            "The length of the quoted field exceeds the limit (%" PRIu64 ").",
                            syntax->max_quoted_chars);
    case PEN_CSV_TOO_FEW_COLUMNS:
        return pen_buf_add_str(
            into, "A record does not have an expected column (i.e. too few columns).", err);
    case PEN_CSV_TOO_MANY_COLUMNS:
        return pen_buf_add_str(
            into, "A record has an unexpected trailing column (i.e. too many columns).", err);
    }
    return PEN_OK;
}
