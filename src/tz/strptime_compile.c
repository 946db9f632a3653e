/* strptime_compile.c - pattern text to tokens (as written) and to the program that parses.
 * source: spec/parsers.md 6.2; docs/formats/time.md. */
#include "tz/time_internal.h"

#include <stdlib.h>

#define ANY_DIGITS UINT8_MAX

struct directive {
    char letter;
    struct pen_time_op op;
};

#define NUMBER(letter, field, digits, low, high)                                                   \
    {                                                                                              \
        letter,                                                                                    \
        {                                                                                          \
            PEN_TIME_OP_NUMBER, field, digits, false, true, low, high,                             \
            {                                                                                      \
                NULL, 0                                                                            \
            }                                                                                      \
        }                                                                                          \
    }
#define BLANK_NUMBER(letter, field, low, high)                                                     \
    {                                                                                              \
        letter,                                                                                    \
        {                                                                                          \
            PEN_TIME_OP_NUMBER, field, 2, true, true, low, high,                                   \
            {                                                                                      \
                NULL, 0                                                                            \
            }                                                                                      \
        }                                                                                          \
    }
#define OTHER(letter, kind, field, digits, is_numeric)                                             \
    {                                                                                              \
        letter,                                                                                    \
        {                                                                                          \
            kind, field, digits, false, is_numeric, 0, 0,                                          \
            {                                                                                      \
                NULL, 0                                                                            \
            }                                                                                      \
        }                                                                                          \
    }

/* Digits of %C %G %L %N %Y are those before another number; alone they take any number. */
static const struct directive directives[] = {
    OTHER('A', PEN_TIME_OP_WEEKDAY, PEN_TIME_IGNORED, 0, false),
    OTHER('a', PEN_TIME_OP_WEEKDAY, PEN_TIME_IGNORED, 0, false),
    OTHER('B', PEN_TIME_OP_MONTH_NAME, PEN_TIME_MONTH, 0, false),
    OTHER('b', PEN_TIME_OP_MONTH_NAME, PEN_TIME_MONTH, 0, false),
    OTHER('h', PEN_TIME_OP_MONTH_NAME, PEN_TIME_MONTH, 0, false),
    NUMBER('C', PEN_TIME_CENTURY, 2, 0, 9999999),
    BLANK_NUMBER('d', PEN_TIME_DAY, 1, 31),
    BLANK_NUMBER('e', PEN_TIME_DAY, 1, 31),
    NUMBER('G', PEN_TIME_IGNORED, 4, 0, 999999999),
    OTHER('g', PEN_TIME_OP_SHORT_YEAR, PEN_TIME_IGNORED, 2, true),
    BLANK_NUMBER('H', PEN_TIME_HOUR, 0, 24),
    BLANK_NUMBER('k', PEN_TIME_HOUR, 0, 24),
    BLANK_NUMBER('I', PEN_TIME_HOUR, 1, 12),
    BLANK_NUMBER('l', PEN_TIME_HOUR, 1, 12),
    NUMBER('j', PEN_TIME_YEAR_DAY, 3, 1, 366),
    OTHER('L', PEN_TIME_OP_FRACTION, PEN_TIME_FRACTION_NS, 3, true),
    OTHER('N', PEN_TIME_OP_FRACTION, PEN_TIME_FRACTION_NS, 9, true),
    NUMBER('M', PEN_TIME_MINUTE, 2, 0, 59),
    NUMBER('m', PEN_TIME_MONTH, 2, 1, 12),
    OTHER('P', PEN_TIME_OP_MERIDIAN, PEN_TIME_MERIDIAN, 0, false),
    OTHER('p', PEN_TIME_OP_MERIDIAN, PEN_TIME_MERIDIAN, 0, false),
    {'Q', {PEN_TIME_OP_EPOCH, PEN_TIME_EPOCH_MS, ANY_DIGITS, false, false, 1, 0, {NULL, 0}}},
    {'s', {PEN_TIME_OP_EPOCH, PEN_TIME_EPOCH_MS, ANY_DIGITS, false, true, 1000, 0, {NULL, 0}}},
    NUMBER('S', PEN_TIME_SECOND, 2, 0, 60),
    NUMBER('U', PEN_TIME_IGNORED, 2, 0, 53),
    NUMBER('W', PEN_TIME_IGNORED, 2, 0, 53),
    NUMBER('u', PEN_TIME_IGNORED, 1, 1, 7),
    NUMBER('V', PEN_TIME_IGNORED, 2, 1, 53),
    NUMBER('w', PEN_TIME_IGNORED, 1, 0, 6),
    OTHER('Y', PEN_TIME_OP_YEAR, PEN_TIME_YEAR, 4, true),
    OTHER('y', PEN_TIME_OP_SHORT_YEAR, PEN_TIME_YEAR, 2, true),
    OTHER('Z', PEN_TIME_OP_ZONE, PEN_TIME_ZONE, 0, false),
    OTHER('z', PEN_TIME_OP_ZONE, PEN_TIME_ZONE, 0, false),
};

static const struct directive *find_directive(char letter)
{
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (directives[i].letter == letter)
            return &directives[i];
    }
    return NULL;
}

const char *pen_strptime_composite(char letter)
{
    switch (letter) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'R':
        return "%H:%M";
    case 'r':
        return "%I:%M:%S %p";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    case 'v':
        return "%e-%b-%Y";
    case '+':
        return "%a %b %e %H:%M:%S %Z %Y";
    default:
        return NULL;
    }
}

/* --- tokens ----------------------------------------------------------------------------------- */

static bool take_flag(char c, struct pen_time_token *token)
{
    switch (c) {
    case '-':
        token->is_left = true;
        break;
    case '^':
        token->is_upper = true;
        break;
    case '#':
        token->is_swapped = true;
        break;
    case '_':
        token->padding = ' ';
        break;
    case '0':
        token->padding = '0';
        break;
    default:
        return false;
    }
    token->has_format_flags = true;
    return true;
}

/* Behind the '%': flags, width, E or O or colons, letter. Returns the length, 0 when it is no
 * directive. */
static size_t read_directive(struct pen_slice rest, struct pen_time_token *token)
{
    size_t n = 0, colons = 0;
    while (n < rest.len && take_flag(rest.ptr[n], token))
        n++;
    while (n < rest.len && rest.ptr[n] >= '0' && rest.ptr[n] <= '9') {
        int width = token->width < 0 ? 0 : token->width;
        token->width = width > 1000 ? width : width * 10 + (rest.ptr[n] - '0');
        token->has_format_flags = true;
        n++;
    }
    char modifier = n < rest.len ? rest.ptr[n] : '\0';
    if (modifier == 'E' || modifier == 'O') {
        const char *allowed = modifier == 'E' ? "cCxXyY" : "deHImMSuUVwWy";
        n++;
        if (n >= rest.len || rest.ptr[n] == '\0' || strchr(allowed, rest.ptr[n]) == NULL)
            return 0;
    }
    while (n < rest.len && rest.ptr[n] == ':') {
        n++;
        colons++;
    }
    if (n >= rest.len || (colons > 0 && rest.ptr[n] != 'z'))
        return 0;
    char letter = rest.ptr[n];
    if (find_directive(letter) == NULL && pen_strptime_composite(letter) == NULL && letter != '%' &&
        letter != 'n' && letter != 't')
        return 0;
    token->letter = letter;
    token->colons = (uint8_t)(colons > 3 ? 4 : colons);
    token->has_format_flags |= colons > 3;
    return n + 1;
}

struct pen_time_token pen_strptime_next_token(struct pen_slice *rest)
{
    struct pen_time_token token = {.width = -1};
    if (rest->ptr[0] == '%') {
        size_t n = read_directive(pen_slice_skip(*rest, 1), &token);
        if (n > 0) {
            token.text = pen_slice(rest->ptr, n + 1);
            *rest = pen_slice_skip(*rest, n + 1);
            return token;
        }
        token = (struct pen_time_token){.width = -1};
    }
    size_t n = 1; /* an unknown directive: its '%' is a literal */
    while (n < rest->len && rest->ptr[n] != '%')
        n++;
    token.text = pen_slice(rest->ptr, n);
    *rest = pen_slice_skip(*rest, n);
    return token;
}

/* --- the program ------------------------------------------------------------------------------ */

static void add_token_op(struct pen_time_format *format, const struct pen_time_token *token)
{
    struct pen_time_op *op = &format->ops[format->op_count++];
    const struct directive *directive = find_directive(token->letter);
    if (token->has_format_flags) {
        *op = (struct pen_time_op){.kind = PEN_TIME_OP_FAIL};
    } else if (token->letter == 'n' || token->letter == 't') {
        *op = (struct pen_time_op){.kind = PEN_TIME_OP_LITERAL, .literal = PEN_LIT(" ")};
    } else if (token->letter == '%') {
        *op = (struct pen_time_op){.kind = PEN_TIME_OP_LITERAL, .literal = PEN_LIT("%")};
    } else if (directive != NULL) {
        *op = directive->op;
    } else {
        *op = (struct pen_time_op){.kind = PEN_TIME_OP_LITERAL, .literal = token->text};
        op->is_numeric = token->text.ptr[0] >= '0' && token->text.ptr[0] <= '9';
    }
}

static void add_ops(struct pen_time_format *format, const struct pen_time_token *token)
{
    const char *composite = token->letter == 0 || token->has_format_flags
                                ? NULL
                                : pen_strptime_composite(token->letter);
    if (composite == NULL) {
        add_token_op(format, token);
        return;
    }
    struct pen_slice rest = pen_slice_str(composite);
    while (rest.len > 0) {
        struct pen_time_token inner = pen_strptime_next_token(&rest);
        add_token_op(format, &inner);
    }
}

/* A number that is not followed by another one may have any length. */
static void set_digits(struct pen_time_format *format)
{
    for (size_t i = 0; i < format->op_count; i++) {
        struct pen_time_op *op = &format->ops[i];
        bool is_open = op->kind == PEN_TIME_OP_YEAR || op->kind == PEN_TIME_OP_FRACTION ||
                       (op->kind == PEN_TIME_OP_NUMBER && op->high > 366);
        bool is_before_number = i + 1 < format->op_count && format->ops[i + 1].is_numeric;
        if (is_open && !is_before_number)
            op->max_digits = ANY_DIGITS;
    }
}

enum pen_code pen_strptime_compile(struct pen_time_format *format, struct pen_error *err)
{
    struct pen_slice rest = pen_slice_str(format->pattern);
    format->tokens = calloc(rest.len + 1, sizeof *format->tokens);
    format->ops = calloc(rest.len * 8 + 1, sizeof *format->ops); /* %+: two letters, 15 steps */
    if (format->tokens == NULL || format->ops == NULL)
        return pen_fail_nomem(err);
    while (rest.len > 0) {
        struct pen_time_token token = pen_strptime_next_token(&rest);
        format->tokens[format->token_count++] = token;
        add_ops(format, &token);
    }
    set_digits(format);
    return PEN_OK;
}
