#include "guess/shape_guess.h"

#include "base/buf.h"

#include <math.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MAX_SKIP_LINES   10
#define SKIP_LOOK_AHEAD  10
#define MATCH_LINE_BYTES ((size_t)8192) /* of a longer line only so much is looked at */

const char *guess_newline(struct pen_slice text)
{
    uint64_t crlf = 0, cr = 0, lf = 0;
    for (size_t i = 0; i < text.len; i++) {
        cr += text.ptr[i] == '\r';
        lf += text.ptr[i] == '\n';
        crlf += text.ptr[i] == '\n' && i > 0 && text.ptr[i - 1] == '\r';
    }
    if (crlf > cr / 2 && crlf > lf / 2)
        return "CRLF";
    return cr > lf / 2 ? "CR" : "LF";
}

static size_t count_char(struct pen_slice line, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < line.len; i++)
        count += line.ptr[i] == c;
    return count;
}

static double delimiter_weight(struct guess_lines lines, char candidate)
{
    double total = 0, squares = 0, n = (double)lines.count;
    for (size_t i = 0; i < lines.count; i++)
        total += (double)count_char(lines.at[i], candidate);
    if (total == 0)
        return 0;
    for (size_t i = 0; i < lines.count; i++) {
        double apart = (double)count_char(lines.at[i], candidate) - total / n;
        squares += apart * apart;
    }
    double deviation = sqrt(squares / n);
    return total / (deviation < 1e-11 ? 1e-9 : deviation);
}

/* A weight that only a candidate reaches which stands equally often in every line. */
#define EVEN_WEIGHT 1e8

static size_t lines_with(struct guess_lines lines, char candidate)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.count; i++)
        count += count_char(lines.at[i], candidate) > 0;
    return count;
}

char guess_delimiter(struct guess_lines lines, const char **ret_remark)
{
    static const char candidates[] = {',', '\t', '|', ';'};
    static const char *const rivals[] = {
        "in doubt: ',' stands equally often in every line too",
        "in doubt: a tab stands equally often in every line too",
        "in doubt: '|' stands equally often in every line too",
        "in doubt: ';' stands equally often in every line too",
    };
    size_t best = 0;
    double weights[sizeof candidates], most = 0;
    for (size_t i = 0; i < sizeof candidates; i++) {
        weights[i] = delimiter_weight(lines, candidates[i]);
        if (weights[i] > most) {
            best = i;
            most = weights[i];
        }
    }
    *ret_remark = NULL;
    if (most <= 1.0)
        return ',';
    if (lines_with(lines, candidates[best]) * 2 < lines.count)
        *ret_remark = "in doubt: most lines have no delimiter; there may be one column only";
    for (size_t i = 0; i < sizeof candidates && lines.count > 1; i++)
        if (i != best && weights[i] > EVEN_WEIGHT && most > EVEN_WEIGHT)
            *ret_remark = rivals[i];
    return candidates[best];
}

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
};

static void free_pattern(struct pattern *pattern)
{
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
}

/* `template` with %d, %q, %c replaced by the literal delimiter, quote, candidate. */
static enum pen_code build_pattern(const char *template, const struct pen_slice words[3],
                                   struct pattern *ret_pattern, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(1 << 16);
    for (const char *p = template; *p != '\0'; p++) {
        if (*p != '%') {
            PEN_TRY(pen_buf_add_char(&text, *p, err));
            continue;
        }
        p++;
        struct pen_slice word = words[*p == 'd' ? 0 : *p == 'q' ? 1 : 2];
        for (size_t i = 0; i < word.len; i++)
            PEN_TRY(pen_buf_addf(&text, err, "\\x%02x", (unsigned char)word.ptr[i]));
    }
    int code;
    PCRE2_SIZE where;
    ret_pattern->code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len, 0, &code, &where, NULL);
    if (ret_pattern->code == NULL)
        return pen_fail(err, PEN_ERR_INTERNAL, "guess: pattern %d", code);
    (void)pcre2_jit_compile(ret_pattern->code, PCRE2_JIT_COMPLETE); /* slower without, no more */
    ret_pattern->match = pcre2_match_data_create_from_pattern(ret_pattern->code, NULL);
    return ret_pattern->match == NULL ? pen_fail_nomem(err) : PEN_OK;
}

/* Matches that do not overlap. No pattern of ours can match the empty text. */
static size_t count_matches(const struct pattern *pattern, struct pen_slice line)
{
    size_t count = 0, from = 0;
    size_t len = line.len < MATCH_LINE_BYTES ? line.len : MATCH_LINE_BYTES;
    while (from <= len) {
        int found = pcre2_match(pattern->code, (PCRE2_SPTR)(len == 0 ? "" : line.ptr), len, from, 0,
                                pattern->match, NULL);
        if (found <= 0)
            break;
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(pattern->match);
        if (ends[1] <= from && ends[1] == ends[0])
            break;
        from = ends[1];
        count++;
    }
    return count;
}

static enum pen_code count_in_lines(struct guess_lines lines, const char *template,
                                    const struct pen_slice words[3], size_t *ret_count,
                                    struct pen_error *err)
{
    PEN_CLEANUP(free_pattern) struct pattern pattern = {0};
    PEN_TRY(build_pattern(template, words, &pattern, err));
    *ret_count = 0;
    for (size_t i = 0; i < lines.count; i++)
        *ret_count += count_matches(&pattern, lines.at[i]);
    return PEN_OK;
}

/* Average, over the lines that have the quote at all, of how much it looks like one. */
static enum pen_code quote_weight(struct guess_lines lines, struct pen_slice delimiter,
                                  const char *quote, double *ret_weight, struct pen_error *err)
{
    const struct pen_slice words[3] = {delimiter, pen_slice(quote, 1)};
    PEN_CLEANUP(free_pattern) struct pattern plain = {0}, loose = {0};
    PEN_TRY(build_pattern("(?:\\A|%d)\\s*%q(?:(?!%q).)*\\s*%q(?:$|%d)", words, &plain, err));
    PEN_TRY(build_pattern("(?:\\A|%d)\\s*%q(?:(?!%d).)*\\s*%q(?:$|%d)", words, &loose, err));
    size_t sum = 0, with_quote = 0;
    for (size_t i = 0; i < lines.count; i++) {
        size_t quotes = count_char(lines.at[i], *quote);
        if (quotes == 0)
            continue;
        with_quote++;
        sum += quotes + 20 * count_matches(&plain, lines.at[i]) +
               40 * count_matches(&loose, lines.at[i]);
    }
    *ret_weight = with_quote == 0 ? 0 : (double)sum / (double)with_quote;
    return PEN_OK;
}

enum pen_code guess_quote(struct guess_lines lines, struct pen_slice delimiter, char *ret_quote,
                          struct pen_error *err)
{
    double twofold, single;
    PEN_TRY(quote_weight(lines, delimiter, "\"", &twofold, err));
    PEN_TRY(quote_weight(lines, delimiter, "'", &single, err));
    if (twofold >= 10 || single >= 10) {
        *ret_quote = single > twofold ? '\'' : '"';
        return PEN_OK;
    }
    /* a quote in the middle of an unquoted value: then quotes mean nothing here */
    const struct pen_slice words[3] = {delimiter, PEN_LIT("\"")};
    size_t stray;
    PEN_TRY(count_in_lines(lines, "(?:\\A|%d)\\s*[^%q]+%q", words, &stray, err));
    *ret_quote = stray > 0 ? '\0' : '"';
    return PEN_OK;
}

enum pen_code guess_escape(struct guess_lines lines, struct pen_slice delimiter,
                           struct pen_slice quote, char *ret_escape, struct pen_error *err)
{
    static const char candidates[] = "\\\"";
    size_t best = 0;
    *ret_escape = pen_slice_is(quote, "\"") ? '"' : '\0';
    for (const char *c = candidates; *c != '\0'; c++) {
        const struct pen_slice words[3] = {delimiter, quote, pen_slice(c, 1)};
        size_t count;
        PEN_TRY(count_in_lines(lines, "%c(?:%d|%q)", words, &count, err));
        if (count > best) {
            best = count;
            *ret_escape = *c;
        }
    }
    return PEN_OK;
}

enum pen_code guess_null_string(struct guess_lines lines, struct pen_slice delimiter,
                                const char **ret_text, struct pen_error *err)
{
    static const char *const candidates[] = {"null", "NULL", "#N/A", "\\N"};
    size_t best = 0;
    *ret_text = NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        const struct pen_slice words[3] = {delimiter, {0}, pen_slice_str(candidates[i])};
        size_t count;
        PEN_TRY(count_in_lines(lines, "(?:^|%d)%c(?:$|%d)", words, &count, err));
        if (count > best) {
            best = count;
            *ret_text = candidates[i];
        }
    }
    return PEN_OK;
}

size_t guess_skip_lines(const size_t *field_counts, size_t count)
{
    for (size_t i = 1; i <= MAX_SKIP_LINES && i < count; i++) {
        bool is_widest = true;
        for (size_t j = i; j < count && j < i + SKIP_LOOK_AHEAD; j++)
            is_widest &= field_counts[j] <= field_counts[i - 1];
        if (is_widest)
            return i - 1;
    }
    return 0;
}

static bool is_excluded(struct pen_slice line, struct pen_slice delimiter, struct pen_slice quote,
                        struct pen_slice null_string)
{
    if (quote.len > 0 && pen_slice_starts(line, quote))
        return true;
    if (null_string.len == 0 || !pen_slice_starts(line, null_string))
        return false;
    struct pen_slice rest = pen_slice_skip(line, null_string.len);
    return rest.len == 0 || pen_slice_starts(rest, delimiter);
}

const char *guess_comment_marker(struct guess_lines lines, struct pen_slice delimiter,
                                 struct pen_slice quote, struct pen_slice null_string)
{
    static const char *const candidates[] = {"#", "//"};
    const char *found = NULL;
    size_t best = 0;
    for (size_t c = 0; c < 2; c++) {
        size_t count = 0;
        for (size_t i = 0; i < lines.count; i++)
            count += pen_slice_starts(lines.at[i], pen_slice_str(candidates[c])) &&
                     !is_excluded(lines.at[i], delimiter, quote, null_string);
        if (count > best) {
            best = count;
            found = candidates[c];
        }
    }
    return found;
}
