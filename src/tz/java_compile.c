/* java_compile.c - pattern letters to a program.
 * Numbers that touch are told apart as in the original: a number of open width, followed by numbers
 * of fixed width, leaves them the digits they need (uuuuMMdd). */
#include "tz/java_internal.h"

#include <stdlib.h>

#define MAX_DIGITS 19

static const char *const eras[] = {"BC", "AD"};
static const char *const long_eras[] = {"Before Christ", "Anno Domini"};
static const char *const quarters[] = {"Q1", "Q2", "Q3", "Q4"};
static const char *const long_quarters[] = {"1st quarter", "2nd quarter", "3rd quarter",
                                            "4th quarter"};
static const char *const am_pm[] = {"AM", "PM"};
static const char *const iso_weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                           "Friday", "Saturday", "Sunday"};

struct compiler {
    const char *pattern;
    struct pen_java_program *program;
    size_t open_number; /* index of the number whose width is still open; SIZE_MAX: none */
    size_t optionals[16], depth;
};

static enum pen_code add_op(struct compiler *c, struct pen_java_op op)
{
    c->program->ops[c->program->count++] = op; /* room for one per pattern character */
    c->open_number = SIZE_MAX;
    return PEN_OK;
}

/* A number, and what it means for the number right before it. */
static enum pen_code add_number(struct compiler *c, struct pen_java_op op)
{
    size_t open = c->open_number, index = c->program->count;
    bool is_fixed = op.min == op.max && op.sign == PEN_JAVA_SIGN_NONE;
    if (open != SIZE_MAX && is_fixed) {
        struct pen_java_op *base = &c->program->ops[open];
        base->reserved += op.max;
        op.reserved = -1;
    }
    PEN_TRY(add_op(c, op));
    c->open_number = open != SIZE_MAX && is_fixed ? open : index;
    return PEN_OK;
}

static struct pen_java_op number_op(enum pen_java_field field, size_t min, size_t max,
                                    enum pen_java_sign sign)
{
    return (struct pen_java_op){.kind = PEN_JAVA_NUMBER,
                                .field = (uint8_t)field,
                                .sign = (uint8_t)sign,
                                .min = (uint8_t)min,
                                .max = (uint8_t)max};
}

static enum pen_code fail_letters(const struct compiler *c, char letter, size_t count,
                                  struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_CONFIG,
                    "format 'java:%.128s': %zu x pattern letter '%c' is unknown", c->pattern, count,
                    letter);
}

/* 1: any digits; 2: exactly two. */
static enum pen_code add_short_number(struct compiler *c, enum pen_java_field field, char letter,
                                      size_t count, struct pen_error *err)
{
    if (count > 2)
        return fail_letters(c, letter, count, err);
    return add_number(c, count == 1 ? number_op(field, 1, MAX_DIGITS, PEN_JAVA_SIGN_NORMAL)
                                    : number_op(field, 2, 2, PEN_JAVA_SIGN_NONE));
}

static enum pen_code add_year(struct compiler *c, enum pen_java_field field, size_t count)
{
    struct pen_java_op op = number_op(field, count > MAX_DIGITS ? MAX_DIGITS : count, MAX_DIGITS,
                                      count < 4 ? PEN_JAVA_SIGN_NORMAL : PEN_JAVA_SIGN_EXCEEDS);
    if (count == 2) {
        op = number_op(field, 2, 2, PEN_JAVA_SIGN_NONE);
        op.kind = PEN_JAVA_SHORT_YEAR;
    }
    return add_number(c, op);
}

static enum pen_code add_year_or_week(struct compiler *c, char letter, size_t count,
                                      struct pen_error *err)
{
    switch (letter) {
    case 'u':
        return add_year(c, PEN_JAVA_YEAR, count);
    case 'y':
        return add_year(c, PEN_JAVA_YEAR_OF_ERA, count);
    case 'Y':
        return add_year(c, PEN_JAVA_WEEK_YEAR, count);
    case 'w':
        return add_short_number(c, PEN_JAVA_WEEK, letter, count, err);
    default:
        return count == 1 ? add_short_number(c, PEN_JAVA_WEEK_OF_MONTH, letter, count, err)
                          : fail_letters(c, letter, count, err);
    }
}

static enum pen_code add_names(struct compiler *c, enum pen_java_field field,
                               const char *const *names, size_t name_count, size_t name_len)
{
    bool is_zero_based = field == PEN_JAVA_ERA || field == PEN_JAVA_AM_PM;
    return add_op(c, (struct pen_java_op){.kind = PEN_JAVA_TEXT,
                                          .field = (uint8_t)field,
                                          .names = names,
                                          .name_count = name_count,
                                          .name_len = name_len,
                                          .first_value = is_zero_based ? 0 : 1});
}

/* Letters that mean a number up to twice, a short name three times, the full one four times, the
 * first letter five times. */
static enum pen_code add_named(struct compiler *c, char letter, size_t count, struct pen_error *err)
{
    if (count > 5)
        return fail_letters(c, letter, count, err);
    size_t letters = count == 4 ? 0 : count == 5 ? 1 : 3;
    switch (letter) {
    case 'M':
    case 'L':
        return count < 3 ? add_short_number(c, PEN_JAVA_MONTH, letter, count, err)
                         : add_names(c, PEN_JAVA_MONTH, pen_time_months, 12, letters);
    case 'Q':
    case 'q':
        if (count < 3)
            return add_short_number(c, PEN_JAVA_QUARTER, letter, count, err);
        return add_names(c, PEN_JAVA_QUARTER, count == 3 ? quarters : long_quarters, 4,
                         count == 5 ? 1 : 0);
    case 'G':
        return add_names(c, PEN_JAVA_ERA, count == 4 ? long_eras : eras, 2, count == 5 ? 1 : 0);
    case 'E':
        return add_names(c, PEN_JAVA_WEEKDAY, iso_weekdays, 7, letters);
    default: /* e, c */
        break;
    }
    if (count >= 3)
        return add_names(c, PEN_JAVA_WEEKDAY, iso_weekdays, 7, letters);
    if (letter == 'c' && count == 2)
        return fail_letters(c, letter, count, err);
    struct pen_java_op op = number_op(PEN_JAVA_WEEKDAY, count, 2, PEN_JAVA_SIGN_NONE);
    op.kind = PEN_JAVA_LOCAL_WEEKDAY;
    return add_op(c, op);
}

static enum pen_code add_fraction(struct compiler *c, size_t count, struct pen_error *err)
{
    if (count > 9)
        return fail_letters(c, 'S', count, err);
    struct pen_java_op op = number_op(PEN_JAVA_NANO, count, count, PEN_JAVA_SIGN_NONE);
    op.kind = PEN_JAVA_FRACTION;
    return add_number(c, op);
}

/* Shapes: 0 +HH, 1 +HHmm, 2 +HH:mm, 3 +HHMM, 4 +HH:MM, 5 +HHMMss, 6 +HH:MM:ss; small letters are
 * left out when zero. */
static enum pen_code add_offset(struct compiler *c, char letter, size_t count,
                                struct pen_error *err)
{
    struct pen_java_op op = {
        .kind = PEN_JAVA_OFFSET_ID, .field = PEN_JAVA_OFFSET, .no_offset = "Z"};
    if (count > 5)
        return fail_letters(c, letter, count, err);
    if (letter == 'Z') {
        if (count == 4) {
            op.kind = PEN_JAVA_OFFSET_NAME;
            op.style = 4;
        } else {
            op.style = count == 5 ? 6 : 3;
            op.no_offset = count == 5 ? "Z" : "+0000";
        }
        return add_op(c, op);
    }
    op.style = (uint8_t)(count == 1 ? 1 : count + 1);
    if (letter == 'x')
        op.no_offset = count == 1 ? "+00" : count % 2 == 0 ? "+0000" : "+00:00";
    return add_op(c, op);
}

static enum pen_code add_zone(struct compiler *c, char letter, size_t count, struct pen_error *err)
{
    if (letter == 'O') {
        if (count != 1 && count != 4)
            return fail_letters(c, letter, count, err);
        return add_op(c, (struct pen_java_op){.kind = PEN_JAVA_OFFSET_NAME,
                                              .field = PEN_JAVA_OFFSET,
                                              .style = (uint8_t)count});
    }
    if (letter == 'V' ? count != 2 : count > 4)
        return fail_letters(c, letter, count, err);
    return add_op(c, (struct pen_java_op){.kind = PEN_JAVA_ZONE_ID, .field = PEN_JAVA_OFFSET});
}

static enum pen_code add_year_day(struct compiler *c, size_t count, struct pen_error *err)
{
    if (count > 3)
        return fail_letters(c, 'D', count, err);
    if (count == 1)
        return add_number(c, number_op(PEN_JAVA_YEAR_DAY, 1, MAX_DIGITS, PEN_JAVA_SIGN_NORMAL));
    return add_number(c, number_op(PEN_JAVA_YEAR_DAY, count, 3, PEN_JAVA_SIGN_NONE));
}

static enum pen_code add_letters(struct compiler *c, char letter, size_t count,
                                 struct pen_error *err)
{
    static const struct {
        char letter;
        enum pen_java_field field;
    } plain[] = {
        {'d', PEN_JAVA_DAY},       {'H', PEN_JAVA_HOUR},   {'k', PEN_JAVA_CLOCK_HOUR},
        {'K', PEN_JAVA_HALF_HOUR}, {'m', PEN_JAVA_MINUTE}, {'h', PEN_JAVA_CLOCK_HALF_HOUR},
        {'s', PEN_JAVA_SECOND},
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (plain[i].letter == letter)
            return add_short_number(c, plain[i].field, letter, count, err);
    }
    if (strchr("uyYwW", letter) != NULL)
        return add_year_or_week(c, letter, count, err);
    if (strchr("MLQqGEec", letter) != NULL)
        return add_named(c, letter, count, err);
    if (strchr("XxZ", letter) != NULL)
        return add_offset(c, letter, count, err);
    if (strchr("OVz", letter) != NULL)
        return add_zone(c, letter, count, err);
    if (letter == 'D')
        return add_year_day(c, count, err);
    if (letter == 'S')
        return add_fraction(c, count, err);
    if (letter == 'a' && count == 1)
        return add_names(c, PEN_JAVA_AM_PM, am_pm, 2, 0);
    if (strchr("AnN", letter) != NULL && count <= MAX_DIGITS) {
        enum pen_java_field field = letter == 'A'   ? PEN_JAVA_MILLI_OF_DAY
                                    : letter == 'n' ? PEN_JAVA_NANO
                                                    : PEN_JAVA_NANO_OF_DAY;
        return add_number(c, number_op(field, count, MAX_DIGITS, PEN_JAVA_SIGN_NONE));
    }
    return fail_letters(c, letter, count, err);
}

static enum pen_code add_literal(struct compiler *c, const char *text, size_t len)
{
    struct pen_java_program *program = c->program;
    char *copy = program->literals + program->literals_len;
    memcpy(copy, text, len);
    program->literals_len += len;
    return add_op(c,
                  (struct pen_java_op){.kind = PEN_JAVA_LITERAL, .literal = pen_slice(copy, len)});
}

/* 'text', with '' for a quote in it; a lone '' is a quote. Advances *at behind the closing one. */
static enum pen_code add_quoted(struct compiler *c, const char **at, struct pen_error *err)
{
    char *copy = c->program->literals + c->program->literals_len;
    size_t len = 0;
    const char *p = *at + 1;
    while (*p != '\0' && (*p != '\'' || p[1] == '\'')) {
        copy[len++] = *p;
        p += *p == '\'' ? 2 : 1;
    }
    if (*p == '\0')
        return pen_fail(err, PEN_ERR_CONFIG, "format 'java:%.128s': a quote is not closed",
                        c->pattern);
    if (len == 0)
        copy[len++] = '\'';
    *at = p + 1;
    c->program->literals_len += len;
    return add_op(c,
                  (struct pen_java_op){.kind = PEN_JAVA_LITERAL, .literal = pen_slice(copy, len)});
}

static enum pen_code add_bracket(struct compiler *c, char bracket, struct pen_error *err)
{
    if (bracket == '[') {
        if (c->depth == sizeof c->optionals / sizeof c->optionals[0])
            return pen_fail(err, PEN_ERR_CONFIG, "format 'java:%.128s': too many '['", c->pattern);
        c->optionals[c->depth++] = c->program->count;
        return add_op(c, (struct pen_java_op){.kind = PEN_JAVA_OPTIONAL_START});
    }
    if (c->depth == 0)
        return pen_fail(err, PEN_ERR_CONFIG, "format 'java:%.128s': ']' without '[' before it",
                        c->pattern);
    c->program->ops[c->optionals[--c->depth]].end = c->program->count;
    return add_op(c, (struct pen_java_op){.kind = PEN_JAVA_OPTIONAL_END});
}

static enum pen_code compile_pattern(struct compiler *c, struct pen_error *err)
{
    const char *p = c->pattern;
    while (*p != '\0') {
        size_t n = 1;
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) {
            while (p[n] == *p)
                n++;
            PEN_TRY(add_letters(c, *p, n, err));
        } else if (*p == '\'') {
            PEN_TRY(add_quoted(c, &p, err));
            continue;
        } else if (*p == '[' || *p == ']') {
            PEN_TRY(add_bracket(c, *p, err));
        } else if (strchr("{}#", *p) != NULL) {
            return pen_fail(err, PEN_ERR_CONFIG, "format 'java:%.128s': '%c' is reserved",
                            c->pattern, *p);
        } else {
            PEN_TRY(add_literal(c, p, 1));
        }
        p += n;
    }
    while (c->depth > 0) /* an open '[' ends with the pattern */
        PEN_TRY(add_bracket(c, ']', err));
    return PEN_OK;
}

void pen_java_program_free(struct pen_java_program *program)
{
    if (program == NULL)
        return;
    free(program->ops);
    free(program->literals);
    free(program);
}

PEN_DEFINE_FREE_P(struct pen_java_program *, pen_java_program_free)

enum pen_code pen_java_compile(const char *pattern, struct pen_java_program **ret,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_java_program_free_p)
    struct pen_java_program *program = calloc(1, sizeof *program);
    if (program == NULL)
        return pen_fail_nomem(err);
    size_t len = strlen(pattern);
    program->ops = calloc(2 * len + 1, sizeof *program->ops);
    program->literals = malloc(len + 1);
    if (program->ops == NULL || program->literals == NULL)
        return pen_fail_nomem(err);
    struct compiler compiler = {
        .pattern = pattern, .program = program, .open_number = SIZE_MAX, .depth = 0};
    PEN_TRY(compile_pattern(&compiler, err));
    *ret = PEN_TAKE(program);
    return PEN_OK;
}
