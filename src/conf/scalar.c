/* What a plain scalar means, and how a text must be written to stay a text. */
#include "conf/tree_internal.h"

#include "base/number.h"

#include <math.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(struct pen_slice text, const char *lower)
{
    if (text.len != strlen(lower))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != lower[i])
            return false;
    }
    return true;
}

/* The value of a digit in any base up to 16; 99 when it is none. */
static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return 99;
}

/* A number without its separators; what is longer than anybody writes by hand is cut. */
static double to_double(struct pen_slice text)
{
    char plain[512];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof plain - 1; i++)
        if (text.ptr[i] != '_' && text.ptr[i] != ',')
            plain[len++] = text.ptr[i];
    double value = 0;
    return pen_parse_double(pen_slice(plain, len), &value) ? value : 0;
}

struct integer {
    bool is_negative, is_decimal;
    unsigned base;
    struct pen_slice digits; /* with separators */
};

static bool starts_with_base(struct pen_slice text, char letter)
{
    return text.len > 2 && text.ptr[0] == '0' && text.ptr[1] == letter;
}

static bool split_integer(struct pen_slice text, struct integer *ret_parts)
{
    struct integer parts = {.base = 10, .is_decimal = true};
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        parts.is_negative = text.ptr[0] == '-';
        text = pen_slice_skip(text, 1);
    }
    size_t skip = 0;
    if (starts_with_base(text, 'b'))
        parts.base = 2, skip = 2;
    else if (starts_with_base(text, 'o'))
        parts.base = 8, skip = 2;
    else if (starts_with_base(text, 'x'))
        parts.base = 16, skip = 2;
    else if (text.len > 1 && text.ptr[0] == '0')
        parts.base = 8, skip = 1;
    parts.is_decimal = skip == 0;
    parts.digits = pen_slice_skip(text, skip);
    *ret_parts = parts;
    return parts.digits.len > 0;
}

/* Digits with single separators inside (decimal), or separators anywhere (other bases).
 * *ret_value is the magnitude, UINT64_MAX when it does not fit. */
static bool read_digits(const struct integer *parts, uint64_t *ret_value)
{
    uint64_t value = 0;
    bool is_too_large = false, has_digit = false, was_separator = parts->is_decimal;
    for (size_t i = 0; i < parts->digits.len; i++) {
        char c = parts->digits.ptr[i];
        if (c == '_' || c == ',') {
            if (parts->is_decimal && was_separator)
                return false;
            was_separator = true;
            continue;
        }
        unsigned digit = digit_value(c);
        if (digit >= parts->base)
            return false;
        was_separator = false;
        has_digit = true;
        is_too_large |= __builtin_mul_overflow(value, parts->base, &value);
        is_too_large |= __builtin_add_overflow(value, digit, &value);
    }
    *ret_value = is_too_large ? UINT64_MAX : value;
    return has_digit && !(parts->is_decimal && was_separator);
}

static bool resolve_integer(struct pen_node *node)
{
    struct integer parts;
    uint64_t magnitude = 0;
    if (!split_integer(node->text, &parts) || !read_digits(&parts, &magnitude))
        return false;
    uint64_t limit = (uint64_t)INT64_MAX + parts.is_negative;
    if (magnitude > limit) { /* Ruby's integers have no end; ours keep the text and a double */
        node->kind = PEN_NODE_DOUBLE;
        node->number = to_double(node->text);
        return true;
    }
    node->kind = PEN_NODE_INT;
    node->integer = parts.is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    node->number = (double)node->integer;
    return true;
}

/* [-+]? ([0-9][0-9_,]*)? \. [0-9]* ([eE][+-][0-9]+)? with at least one digit */
static bool is_float(struct pen_slice text)
{
    size_t i = 0, digits = 0;
    if (i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+'))
        i++;
    for (; i < text.len; i++) {
        if (is_digit(text.ptr[i]))
            digits++;
        else if (digits == 0 || (text.ptr[i] != '_' && text.ptr[i] != ','))
            break;
    }
    if (i == text.len || text.ptr[i] != '.')
        return false;
    for (i++; i < text.len && is_digit(text.ptr[i]); i++)
        digits++;
    if (i == text.len)
        return digits > 0;
    if (digits == 0 || (text.ptr[i] != 'e' && text.ptr[i] != 'E') || text.len - i < 3 ||
        (text.ptr[i + 1] != '-' && text.ptr[i + 1] != '+'))
        return false;
    for (i += 2; i < text.len; i++)
        if (!is_digit(text.ptr[i]))
            return false;
    return true;
}

static bool resolve_float(struct pen_node *node)
{
    struct pen_slice text = node->text;
    double number = 0;
    if (is_word(text, ".nan")) {
        number = NAN;
    } else if (is_word(text, ".inf") || is_word(text, "+.inf")) {
        number = INFINITY;
    } else if (is_word(text, "-.inf")) {
        number = -INFINITY;
    } else if (is_float(text)) {
        number = to_double(text);
    } else {
        return false;
    }
    node->kind = PEN_NODE_DOUBLE;
    node->number = number;
    return true;
}

static bool resolve_word(struct pen_node *node)
{
    static const char *const true_words[] = {"true", "yes", "on"};
    static const char *const false_words[] = {"false", "no", "off"};
    struct pen_slice text = node->text;
    if (text.len == 0 || is_word(text, "~") || is_word(text, "null")) {
        node->kind = PEN_NODE_NULL;
        return true;
    }
    if (text.len > 5)
        return false;
    for (size_t i = 0; i < 3; i++) {
        bool is_true = is_word(text, true_words[i]);
        if (!is_true && !is_word(text, false_words[i]))
            continue;
        node->kind = PEN_NODE_BOOL;
        node->boolean = is_true;
        return true;
    }
    return false;
}

void pen_scalar_resolve(struct pen_node *node)
{
    node->kind = PEN_NODE_TEXT;
    if (resolve_word(node) || resolve_integer(node))
        return;
    (void)resolve_float(node); /* false: it stays a text */
}

/* Moves *at behind the digits there; false when there are none. */
static bool skip_digits(struct pen_slice text, size_t *at)
{
    size_t start = *at;
    while (*at < text.len && is_digit(text.ptr[*at]))
        ++*at;
    return *at > start;
}

bool pen_scalar_is_json_number(struct pen_slice text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-';
    size_t start = at;
    if (!skip_digits(text, &at) || (text.ptr[start] == '0' && at - start > 1))
        return false;
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        if (!skip_digits(text, &at))
            return false;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
        if (!skip_digits(text, &at))
            return false;
    }
    return at == text.len;
}

/* Numbers, dates, times and base 60 in any dialect of YAML: digits and their punctuation only. */
static bool looks_like_number(struct pen_slice text)
{
    struct pen_slice rest = text;
    if (rest.len > 0 && (rest.ptr[0] == '-' || rest.ptr[0] == '+'))
        rest = pen_slice_skip(rest, 1);
    if (rest.len == 0 || (!is_digit(rest.ptr[0]) && rest.ptr[0] != '.'))
        return false;
    if (starts_with_base(rest, 'x') || starts_with_base(rest, 'o') || starts_with_base(rest, 'b'))
        return true;
    for (size_t i = 0; i < rest.len; i++)
        if (!is_digit(rest.ptr[i]) && strchr("_,.:+-eETtZ ", rest.ptr[i]) == NULL)
            return false;
    return true;
}

static bool is_word_char(char c)
{
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

/* Control characters, and those that a reader takes for line ends or a BOM. */
static bool needs_escape(struct pen_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7F)
            return true;
        struct pen_slice rest = pen_slice_skip(text, i);
        if (c >= 0xC2 && (pen_slice_starts(rest, PEN_LIT("\xC2\x85")) ||
                          pen_slice_starts(rest, PEN_LIT("\xE2\x80\xA8")) ||
                          pen_slice_starts(rest, PEN_LIT("\xE2\x80\xA9")) ||
                          pen_slice_starts(rest, PEN_LIT("\xEF\xBB\xBF")) ||
                          pen_slice_starts(rest, PEN_LIT("\xEF\xBF\xBE")) ||
                          pen_slice_starts(rest, PEN_LIT("\xEF\xBF\xBF")) ||
                          (c == 0xC2 && rest.len > 1 && (unsigned char)rest.ptr[1] < 0xA0)))
            return true;
    }
    return false;
}

/* What a plain scalar may not hold, in block and flow style alike. */
static bool has_syntax(struct pen_slice text)
{
    if (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == ':')
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (strchr(",[]{}?", c) != NULL || (c == ':' && text.ptr[i + 1] == ' '))
            return true;
        if (c == '#' && i > 0 && text.ptr[i - 1] == ' ')
            return true;
    }
    return false;
}

enum pen_scalar_style pen_scalar_style(struct pen_slice text)
{
    if (text.len == 0)
        return PEN_SCALAR_SINGLE;
    if (needs_escape(text) || is_word(text, "y") || is_word(text, "n"))
        return PEN_SCALAR_DOUBLE;
    if (pen_slice_is(text, "<<"))
        return PEN_SCALAR_SINGLE;
    struct pen_node probe = {.text = text};
    pen_scalar_resolve(&probe);
    if (probe.kind != PEN_NODE_TEXT || looks_like_number(text))
        return PEN_SCALAR_SINGLE;
    if (!is_word_char(text.ptr[0]) && text.ptr[0] != '/') /* as the guide prints: '%Y-%m-%d' */
        return PEN_SCALAR_SINGLE;
    return has_syntax(text) ? PEN_SCALAR_SINGLE : PEN_SCALAR_PLAIN;
}
