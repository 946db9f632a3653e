/* time_guess.c - the four patterns of spec/guess.md section 7, without a regular expression engine:
 * every alternative there is decided by the next two characters, so one pass is enough. */
#include "guess/time_guess.h"

#include <stdlib.h>

enum part { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION, ZONE };

/* What a sample shows about how a part is written. UNSET takes over what another sample shows. */
enum style { UNSET, ZERO, BLANK, BARE, SHORT_FRACTION, LONG_FRACTION, EXTENDED, SIMPLE };

enum kind { GENERIC, RFC_2822, APACHE_CLF, ASCTIME };

enum { HAS_WEEKDAY = 1, HAS_TIME = 2, HAS_SECOND = 4, HAS_COLON = 8 }; /* RFC_2822 */

#define MAX_PARTS 8

struct match {
    uint8_t kind, flags, count;
    uint8_t parts[MAX_PARTS], styles[MAX_PARTS];
    struct pen_slice delimiters[MAX_PARTS]; /* [i] stands before part i; borrowed from the value */
    size_t group;                           /* index of the first match of the same identity */
    size_t members;                         /* of the group; only where group is the own index */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(struct pen_slice text, size_t i)
{
    return i < text.len ? text.ptr[i] : '\0';
}

static struct pen_slice take(struct pen_slice *rest, size_t n)
{
    struct pen_slice taken = pen_slice(rest->ptr, n);
    *rest = pen_slice_skip(*rest, n);
    return taken;
}

/* A number of up to two digits: 10..max as is, smaller ones with 0 or blank before them or (unless
 * strict: two digits, no blank) bare. */
static bool take_number(struct pen_slice *rest, int max, bool is_strict, bool takes_zero,
                        struct pen_slice *ret)
{
    char a = peek(*rest, 0), b = peek(*rest, 1);
    int value = (a - '0') * 10 + (b - '0');
    bool is_good_digit = is_digit(b) && (takes_zero || b != '0');
    size_t n = 0;
    if (a >= '1' && a <= '9' && is_digit(b) && value <= max)
        n = 2;
    else if ((a == '0' || (a == ' ' && !is_strict)) && is_good_digit)
        n = 2;
    else if (!is_strict && is_digit(a) && (takes_zero || a != '0'))
        n = 1;
    if (n > 0)
        *ret = take(rest, n);
    return n > 0;
}

static bool take_year(struct pen_slice *rest, struct pen_slice *ret)
{
    char first = peek(*rest, 0);
    if (first < '1' || first > '4' || !is_digit(peek(*rest, 1)) || !is_digit(peek(*rest, 2)) ||
        !is_digit(peek(*rest, 3)))
        return false;
    *ret = take(rest, 4);
    return true;
}

/* --- the generic pattern ---------------------------------------------------------------------- */

static enum style style_of(struct pen_slice number)
{
    if (number.ptr[0] == '0')
        return ZERO;
    if (number.ptr[0] == ' ')
        return BLANK;
    return number.len == 1 ? BARE : UNSET;
}

static void add_part(struct match *match, enum part part, enum style style,
                     struct pen_slice delimiter)
{
    match->parts[match->count] = (uint8_t)part;
    match->styles[match->count] = (uint8_t)style;
    match->delimiters[match->count++] = delimiter;
}

static bool take_date_part(struct pen_slice *rest, enum part part, bool is_strict,
                           struct pen_slice *ret)
{
    if (part == YEAR)
        return take_year(rest, ret);
    return take_number(rest, part == MONTH ? 12 : 31, is_strict, part == MONTH, ret);
}

/* Three parts in this order, the same delimiter (one of / - .) or none between them. */
static bool take_date_order(struct pen_slice *rest, const enum part *order, bool is_delimited,
                            struct match *match)
{
    struct pen_slice text = *rest, delimiter = {NULL, 0}, number;
    match->count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (i > 0 && is_delimited) {
            char c = peek(text, 0);
            bool is_good = i == 1 ? c == '/' || c == '-' || c == '.' : c == delimiter.ptr[0];
            if (text.len == 0 || !is_good)
                return false;
            delimiter = take(&text, 1);
        }
        if (!take_date_part(&text, order[i], !is_delimited, &number))
            return false;
        add_part(match, order[i], order[i] == YEAR ? UNSET : style_of(number),
                 i == 0 ? pen_slice(NULL, 0) : delimiter);
    }
    *rest = text;
    return true;
}

static bool take_date(struct pen_slice *rest, struct match *match)
{
    static const enum part orders[3][3] = {
        {YEAR, MONTH, DAY}, {MONTH, DAY, YEAR}, {DAY, MONTH, YEAR}};
    for (size_t i = 0; i < 3; i++) {
        if (take_date_order(rest, orders[i], true, match) ||
            take_date_order(rest, orders[i], false, match))
            return true;
    }
    return false;
}

/* Between date and time: ' ', ': ', '_', 'T', '.' or '. '; 0 when there is none. */
static size_t separator_len(struct pen_slice rest)
{
    char a = peek(rest, 0), b = peek(rest, 1);
    if (a == ' ' || a == '_' || a == 'T')
        return 1;
    if (a == ':')
        return b == ' ' ? 2 : 0;
    if (a == '.')
        return b == ' ' ? 2 : 1;
    return 0;
}

static void take_fraction(struct pen_slice *rest, struct match *match)
{
    char c = peek(*rest, 0);
    size_t n = 0;
    while (n < 9 && is_digit(peek(*rest, n + 1)))
        n++;
    if ((c != '.' && c != ',') || n == 0)
        return;
    struct pen_slice delimiter = take(rest, 1);
    *rest = pen_slice_skip(*rest, n);
    add_part(match, FRACTION, n <= 3 ? SHORT_FRACTION : LONG_FRACTION, delimiter);
}

/* hour [: minute [: second [. fraction]]], or the same run together; as much as there is. */
static bool take_clock(struct pen_slice *rest, struct pen_slice separator, bool is_delimited,
                       struct match *match)
{
    struct pen_slice number, delimiter = {NULL, 0};
    if (!take_number(rest, 24, !is_delimited, true, &number))
        return false;
    add_part(match, HOUR, style_of(number), separator);
    for (int i = 0; i < 2; i++) {
        struct pen_slice text = *rest;
        if (is_delimited) {
            char c = peek(text, 0);
            if (text.len == 0 || (i == 0 ? c != ':' && c != '-' : c != delimiter.ptr[0]))
                return true;
            delimiter = take(&text, 1);
        }
        if (!take_number(&text, 60, !is_delimited, true, &number))
            return true;
        add_part(match, i == 0 ? MINUTE : SECOND, style_of(number), delimiter);
        *rest = text;
    }
    take_fraction(rest, match);
    return true;
}

/* Z or an offset; its length, 0 when it is none. */
static size_t offset_len(struct pen_slice rest, bool *ret_has_colon)
{
    char a = peek(rest, 0);
    *ret_has_colon = false;
    if (a == 'Z')
        return 1;
    if ((a != '+' && a != '-') || !is_digit(peek(rest, 1)) || !is_digit(peek(rest, 2)))
        return 0;
    size_t minutes = peek(rest, 3) == ':' ? 4 : 3;
    if (!is_digit(peek(rest, minutes)) || !is_digit(peek(rest, minutes + 1)))
        return 3;
    *ret_has_colon = minutes == 4;
    return minutes + 2;
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* One to three capital letters, and nothing else. */
static bool is_zone_letters(struct pen_slice rest)
{
    for (size_t i = 0; i < rest.len; i++) {
        if (!is_capital(rest.ptr[i]))
            return false;
    }
    return rest.len >= 1 && rest.len <= 3;
}

/* [blank] zone, or blanks only: the end of the text. */
static bool take_end(struct pen_slice rest, struct match *match)
{
    struct pen_slice zone = rest, blank = take(&zone, peek(rest, 0) == ' ');
    bool has_colon = false;
    size_t len = offset_len(zone, &has_colon);
    if ((len > 0 && len == zone.len) || is_zone_letters(zone)) {
        add_part(match, ZONE, has_colon ? EXTENDED : SIMPLE, blank);
        return true;
    }
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] != ' ' && (rest.ptr[i] < '\t' || rest.ptr[i] > '\r'))
            return false;
    }
    return true;
}

static bool match_clock(struct pen_slice rest, size_t separator, bool is_delimited,
                        struct match *match)
{
    struct match tried = *match;
    struct pen_slice delimiter = take(&rest, separator);
    if (!take_clock(&rest, delimiter, is_delimited, &tried) || !take_end(rest, &tried))
        return false;
    *match = tried;
    return true;
}

static bool match_generic(struct pen_slice text, struct match *match)
{
    struct pen_slice rest = text;
    match->kind = GENERIC;
    if (!take_date(&rest, match))
        return false;
    bool is_date_delimited = match->delimiters[1].len > 0;
    size_t separator = separator_len(rest);
    if (separator > 0 && match_clock(rest, separator, true, match))
        return true;
    /* behind a T the run-together form is not tried: upstream never reached it */
    if (separator > 0 && rest.ptr[0] != 'T' && match_clock(rest, separator, false, match))
        return true;
    if (separator == 0 && !is_date_delimited && match_clock(rest, 0, false, match))
        return true;
    return take_end(rest, match);
}

/* --- the other patterns ----------------------------------------------------------------------- */

/* d: digit, W: weekday, M: month; every other character stands for itself. */
static bool take_shape(struct pen_slice *rest, const char *shape)
{
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct pen_slice text = *rest;
    for (const char *s = shape; *s != '\0'; s++) {
        size_t n = *s == 'W' || *s == 'M' ? 3 : 1;
        if (text.len < n || (*s == 'd' && !is_digit(text.ptr[0])))
            return false;
        const char *names = *s == 'W' ? weekdays : months;
        bool is_found = n == 1;
        for (size_t i = 0; !is_found && names[i] != '\0'; i += 3)
            is_found = memcmp(names + i, text.ptr, 3) == 0;
        if (!is_found || (n == 1 && *s != 'd' && *s != text.ptr[0]))
            return false;
        text = pen_slice_skip(text, n);
    }
    *rest = text;
    return true;
}

static bool match_rfc_2822(struct pen_slice rest, struct match *match)
{
    bool has_colon = false;
    match->kind = RFC_2822;
    match->flags = take_shape(&rest, "W, ") ? HAS_WEEKDAY : 0;
    if (!take_shape(&rest, "dd M dddd"))
        return false;
    if (rest.len == 0)
        return true;
    match->flags |= HAS_TIME;
    if (!take_shape(&rest, " dd:dd"))
        return false;
    if (take_shape(&rest, ":dd"))
        match->flags |= HAS_SECOND;
    if (!take_shape(&rest, " "))
        return false;
    size_t len = offset_len(rest, &has_colon);
    if (has_colon)
        match->flags |= HAS_COLON;
    return (len > 0 && len == rest.len) || is_zone_letters(rest);
}

static bool match_apache_clf(struct pen_slice rest, struct match *match)
{
    bool has_colon = false;
    match->kind = APACHE_CLF;
    return take_shape(&rest, "dd/M/dddd:dd:dd:dd ") && offset_len(rest, &has_colon) == rest.len;
}

static bool match_asctime(struct pen_slice rest, struct match *match)
{
    match->kind = ASCTIME;
    return take_shape(&rest, "W M d") && (take_shape(&rest, "d ") || take_shape(&rest, " ")) &&
           take_shape(&rest, "dd:dd:dd dddd") && rest.len == 0;
}

/* No text fits two of the patterns, so the first that fits is the only one. */
static bool match_any(struct pen_slice text, struct match *ret)
{
    struct match match = {.count = 0};
    if (text.len < 6 || (!is_digit(text.ptr[0]) && text.ptr[0] != ' ' && !is_capital(text.ptr[0])))
        return false;
    if (!match_generic(text, &match)) {
        match = (struct match){.count = 0};
        if (!match_rfc_2822(text, &match) && !match_apache_clf(text, &match) &&
            !match_asctime(text, &match))
            return false;
    }
    *ret = match;
    return true;
}

bool pen_time_guess_is_time(struct pen_slice value)
{
    struct match match;
    return match_any(value, &match);
}

/* --- groups ------------------------------------------------------------------------------------
 */

/* Day-month-year counts as month-day-year, so that both fall into one group. */
static bool is_day_first(const struct match *match)
{
    return match->count >= 3 && match->parts[0] == DAY;
}

static enum part part_of(const struct match *match, size_t i)
{
    if (is_day_first(match) && i < 2)
        return i == 0 ? MONTH : DAY;
    return (enum part)match->parts[i];
}

static bool is_same_group(const struct match *a, const struct match *b)
{
    if (a->kind != b->kind || a->flags != b->flags || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (part_of(a, i) != part_of(b, i) || !pen_slice_equal(a->delimiters[i], b->delimiters[i]))
            return false;
    }
    return true;
}

static void join_group(struct match *matches, size_t index)
{
    struct match *match = &matches[index];
    match->group = index;
    for (size_t i = 0; i < index; i++) {
        if (matches[i].group == i && is_same_group(&matches[i], match)) {
            match->group = i;
            break;
        }
    }
    matches[match->group].members++;
}

static struct match merge_largest(const struct match *matches, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (matches[i].group == i && matches[i].members > matches[best].members)
            best = i;
    }
    struct match merged = matches[best];
    for (size_t i = best + 1; i < count; i++) {
        if (matches[i].group != best)
            continue;
        for (size_t p = 0; p < merged.count; p++) {
            if (merged.styles[p] == UNSET)
                merged.styles[p] = matches[i].styles[p];
        }
        if (is_day_first(&matches[i])) { /* a number above 12 came first: that proves the order */
            merged.parts[0] = DAY;
            merged.parts[1] = MONTH;
        }
    }
    return merged;
}

/* --- formats ------------------------------------------------------------------------------------
 */

static const char *directive_of(enum part part, enum style style)
{
    switch (part) {
    case YEAR:
        return "%Y";
    case MONTH:
        return "%m";
    case DAY:
        return style == BLANK ? "%e" : "%d";
    case HOUR:
        return style == BLANK || style == BARE ? "%k" : "%H";
    case MINUTE:
        return "%M";
    case SECOND:
        return "%S";
    case FRACTION:
        return style == SHORT_FRACTION ? "%L" : "%N";
    case ZONE:
        break;
    }
    return style == EXTENDED ? "%:z" : "%z";
}

static enum pen_code add_format(const struct match *match, struct pen_buf *into,
                                struct pen_error *err)
{
    switch ((enum kind)match->kind) {
    case APACHE_CLF:
        return pen_buf_add_str(into, "%d/%b/%Y:%H:%M:%S %z", err);
    case ASCTIME:
        return pen_buf_add_str(into, "%a %b %e %H:%M:%S %Y", err);
    case RFC_2822:
        return pen_buf_addf(
            into, err, "%s%%d %%b %%Y%s%s%s", match->flags & HAS_WEEKDAY ? "%a, " : "",
            match->flags & HAS_TIME ? " %H:%M" : "", match->flags & HAS_SECOND ? ":%S" : "",
            !(match->flags & HAS_TIME) ? ""
            : match->flags & HAS_COLON ? " %:z"
                                       : " %z");
    case GENERIC:
        break;
    }
    for (size_t i = 0; i < match->count; i++) {
        PEN_TRY(pen_buf_add_slice(into, match->delimiters[i], err));
        PEN_TRY(pen_buf_add_str(
            into, directive_of((enum part)match->parts[i], (enum style)match->styles[i]), err));
    }
    return PEN_OK;
}

enum pen_code pen_time_guess(const struct pen_slice *values, size_t count,
                             struct pen_buf *ret_format, size_t *ret_members, bool *ret_found,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) struct match *matches = calloc(count + 1, sizeof *matches);
    if (matches == NULL)
        return pen_fail_nomem(err);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (match_any(values[i], &matches[found]))
            join_group(matches, found++);
    }
    *ret_found = found > 0;
    if (ret_members != NULL)
        *ret_members = 0;
    if (found == 0)
        return PEN_OK;
    struct match merged = merge_largest(matches, found);
    if (ret_members != NULL)
        *ret_members = merged.members;
    return add_format(&merged, ret_format, err);
}
