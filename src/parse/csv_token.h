/* csv_token.h - the exact tokenizer: a text buffer -> records -> fields, one character at a time.
 *
 *     text --line--> physical lines --next_record--> records --next_field--> fields
 *                          ^------------ recover (after a bad record) ----------'
 *
 * It is the definition of the format for every other reader (the SIMD path of csv.c is tested
 * against it) and what guess uses on samples. The text may be cut anywhere: PEN_CSV_MORE asks for
 * the same record again with more text behind it.
 * source: spec/parsers.md 2, 3.2, 3.3, 3.6 (the original's CsvTokenizer). Decided here: NUL is
 * ordinary data; lines put back after a failure are read again in their own order; the extra empty
 * line of a file that ends with an explicit delimiter is not produced (nobody can see it, empty
 * lines are skipped). "Character" is a UTF-16 unit in limits, a code point elsewhere. */
#ifndef PEN_PARSE_CSV_TOKEN_H
#define PEN_PARSE_CSV_TOKEN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* What ends a physical line; anything else stays data. */
enum pen_csv_line_end {
    PEN_CSV_LINE_ANY,  /* LF, CR and CRLF */
    PEN_CSV_LINE_CR,   /* CR not followed by LF */
    PEN_CSV_LINE_LF,   /* LF not preceded by CR in the same line */
    PEN_CSV_LINE_CRLF, /* exactly CR LF */
};

/* What a quote inside a quoted field means. */
enum pen_csv_quotes {
    PEN_CSV_QUOTES_RFC4180, /* doubled: one quote; single: the end */
    PEN_CSV_QUOTES_STRAY    /* single: the end only before a delimiter or line end */
};

/* How records are written. All texts are borrowed, valid UTF-8, and must outlive the reader. */
struct pen_csv_syntax {
    struct pen_slice delimiter;      /* one or more characters */
    struct pen_slice quote, escape;  /* one character each; empty: none */
    struct pen_slice comment_marker; /* a line that begins with it is no record; empty: none */
    struct pen_slice newline;        /* what a line end inside quotes becomes */
    enum pen_csv_line_end line_end;
    enum pen_csv_quotes quotes;
    bool is_trimmed;           /* spaces around unquoted values are dropped */
    bool is_empty_line_kept;   /* an empty line is a record of one empty field (guess) */
    uint64_t max_quoted_chars; /* of a quoted field */
};

/* pen_csv_syntax_default - the defaults of the options: "," '"' '\' CRLF, limit 131072. */
struct pen_csv_syntax pen_csv_syntax_default(void);

enum pen_csv_status {
    PEN_CSV_OK,
    PEN_CSV_END,  /* no more lines, records, or fields in this record */
    PEN_CSV_MORE, /* the text ends too early (never when is_eof): begin the record again */
    PEN_CSV_BAD,  /* the record is wrong: reader->problem says how; pen_csv_recover goes on */
    PEN_CSV_NOMEM
};

enum pen_csv_problem {
    PEN_CSV_NO_PROBLEM,
    PEN_CSV_EOF_IN_QUOTES,
    PEN_CSV_EXTRA_AFTER_QUOTE,
    PEN_CSV_QUOTED_TOO_LONG,
    PEN_CSV_TOO_FEW_COLUMNS,  /* found by who knows the schema; here for the */
    PEN_CSV_TOO_MANY_COLUMNS, /* shared words of pen_csv_problem_* */
};

struct pen_csv_field {
    struct pen_slice text; /* unquoted; inside the reader's text, else in its scratch memory: valid
                              until the next call */
    bool is_quoted;
};

/* One physical line, without its terminator. */
struct pen_csv_line {
    size_t start, end; /* in the text */
    size_t next;       /* where the next line starts */
    uint64_t number;   /* 1-based */
};

struct pen_csv_reader {
    const struct pen_csv_syntax *syntax;
    struct pen_slice text;
    bool is_eof;                    /* nothing follows the text */
    size_t at;                      /* next byte of the open record; else start of the next line */
    bool is_record_open;            /* fields remain to be read */
    struct pen_csv_line line;       /* the current physical line */
    struct pen_csv_line field_line; /* the line in which the last field began */
    size_t record_start;            /* first byte of the record */
    enum pen_csv_problem problem;   /* of the last PEN_CSV_BAD */
    struct pen_slice extra;         /* the character of PEN_CSV_EXTRA_AFTER_QUOTE */
    struct pen_buf scratch;
};

/* pen_csv_reader_init - a reader at the start of `text`, whose first line has that number. The
 * scratch memory of an earlier use is kept (a new reader is zeroed by the caller).
 * pen_csv_reader_release - frees the scratch memory. */
void pen_csv_reader_init(struct pen_csv_reader *reader, const struct pen_csv_syntax *syntax,
                         struct pen_slice text, bool is_eof, uint64_t line_number);
void pen_csv_reader_release(struct pen_csv_reader *reader);

/* pen_csv_next_line - moves to the next physical line and makes it the current one, whatever it
 * holds: for header lines. Returns OK, END, MORE. */
enum pen_csv_status pen_csv_next_line(struct pen_csv_reader *reader);

/* pen_csv_next_record - moves to the next record: skips empty lines and comment lines. The last
 * record must have ended (or pen_csv_drop_rest or pen_csv_recover was called).
 * Returns OK, END, MORE. cost: O(bytes skipped). */
enum pen_csv_status pen_csv_next_record(struct pen_csv_reader *reader);

/* pen_csv_next_field - the next field of the record.
 * Returns OK, END (the record has no more fields), MORE, BAD, NOMEM.
 * thread: one at a time per reader. cost: O(field), a quoted one at most max_quoted_chars. */
enum pen_csv_status pen_csv_next_field(struct pen_csv_reader *reader,
                                       struct pen_csv_field *ret_field);

/* pen_csv_drop_rest - forgets the fields that remain of the record. */
void pen_csv_drop_rest(struct pen_csv_reader *reader);

/* pen_csv_recover - leaves a bad record, whoever found it bad, after its last field was read or
 * failed: drops the physical line in which that field began; reading goes on with the line behind
 * it. Returns the dropped line. */
struct pen_csv_line pen_csv_recover(struct pen_csv_reader *reader);

/* pen_csv_line_text - the bytes of a line. */
static inline struct pen_slice pen_csv_line_text(const struct pen_csv_reader *reader,
                                                 const struct pen_csv_line *line)
{
    return pen_slice(reader->text.ptr + line->start, line->end - line->start);
}

/* pen_csv_find_line - the physical line that starts at `start` (< text.len). False: its end is not
 * known yet (only when !is_eof). Does not set ret_line->number. */
bool pen_csv_find_line(enum pen_csv_line_end line_end, struct pen_slice text, bool is_eof,
                       size_t start, struct pen_csv_line *ret_line);

/* pen_csv_is_null - is the field null? null_string: NULL when the option is not set (then only an
 * empty unquoted field is), spec/parsers.md 3.4. */
bool pen_csv_is_null(const struct pen_csv_field *field, const struct pen_slice *null_string);

/* pen_csv_problem_code - the stable word of a problem ("too_few_columns", ...).
 * pen_csv_problem_reason - appends its text in the words of the specification. */
const char *pen_csv_problem_code(enum pen_csv_problem problem);
PEN_MUST_USE enum pen_code pen_csv_problem_reason(const struct pen_csv_reader *reader,
                                                  enum pen_csv_problem problem,
                                                  struct pen_buf *into, struct pen_error *err);

#endif
