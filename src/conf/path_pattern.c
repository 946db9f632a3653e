#include "conf/path_pattern.h"

#include <stdlib.h>

#include "base/buf.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_MAX_BYTES ((size_t)64 << 10)

struct pen_path_pattern {
    pcre2_code *utf;   /* for keys that are UTF-8 */
    pcre2_code *bytes; /* for the others; NULL when the pattern only makes sense as UTF-8 */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
};

void pen_path_pattern_free(struct pen_path_pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->utf);
    pcre2_code_free(pattern->bytes);
    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->limits);
    pcre2_jit_stack_free(pattern->stack);
    free(pattern);
}

/* Reads the pattern from left to right while it is rewritten. */
struct rewrite {
    struct pen_slice in;
    size_t at;
    bool is_class, is_class_start; /* inside [...]; nothing but ^ stood in it yet */
    struct pen_buf *out;
};

static enum pen_code refuse(const struct rewrite *r, struct pen_error *err, const char *reason)
{
    return pen_fail(err, PEN_ERR_CONFIG, "bad regular expression '%.*s' near index %zu: %s",
                    PEN_ARG(r->in), r->at, reason);
}

static struct pen_slice rest(const struct rewrite *r)
{
    return pen_slice_skip(r->in, r->at);
}

static enum pen_code copy(struct rewrite *r, size_t n, struct pen_error *err)
{
    PEN_TRY(pen_buf_add(r->out, r->in.ptr + r->at, n, err));
    r->at += n;
    return PEN_OK;
}

static bool is_hex4(struct pen_slice text)
{
    if (text.len < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

/* \Q...\E as it stands; Java and PCRE2 agree on it outside of classes. */
static enum pen_code copy_quoted(struct rewrite *r, struct pen_error *err)
{
    struct pen_slice text = rest(r);
    for (size_t i = 2; i + 1 < text.len; i++)
        if (text.ptr[i] == '\\' && text.ptr[i + 1] == 'E')
            return copy(r, i + 2, err);
    return copy(r, text.len, err);
}

static enum pen_code copy_escape(struct rewrite *r, struct pen_error *err)
{
    struct pen_slice text = rest(r);
    r->is_class_start = false;
    if (text.len < 2)
        return refuse(r, err, "a single backslash at the end");
    if (text.ptr[1] == 'Q')
        return copy_quoted(r, err);
    if (text.ptr[1] != 'u')
        return copy(r, 2, err);
    if (!is_hex4(pen_slice_skip(text, 2)))
        return refuse(r, err, "\\u needs four hexadecimal digits");
    PEN_TRY(pen_buf_addf(r->out, err, "\\x{%.4s}", text.ptr + 2));
    r->at += 6;
    return PEN_OK;
}

static enum pen_code copy_in_class(struct rewrite *r, struct pen_error *err)
{
    char c = r->in.ptr[r->at];
    if (c == ']' && !r->is_class_start)
        r->is_class = false;
    if (c == '[')
        return refuse(r, err, "a class inside a class is not supported; write \\[ for the sign");
    if (pen_slice_starts(rest(r), PEN_LIT("&&")))
        return refuse(r, err, "class intersection (&&) is not supported; write \\& for the sign");
    if (c != '^' || r->in.ptr[r->at - 1] != '[')
        r->is_class_start = false;
    return copy(r, 1, err);
}

/* (?idmsux-idmsux) and (?idmsux:...): PCRE2 reads U as "ungreedy", Java as Unicode classes. */
static enum pen_code check_flags(const struct rewrite *r, struct pen_error *err)
{
    struct pen_slice text = rest(r);
    for (size_t i = 2; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == 'U' || c == 'u' || c == 'd' || c == 'J')
            return refuse(r, err, "the flags d, u and U are not supported");
        if (c != 'i' && c != 'm' && c != 's' && c != 'x' && c != '-')
            break;
    }
    return PEN_OK;
}

static enum pen_code copy_plain(struct rewrite *r, struct pen_error *err)
{
    struct pen_slice text = rest(r);
    if (pen_slice_starts(text, PEN_LIT("(*")))
        return refuse(r, err, "nothing to repeat before '*'");
    if (pen_slice_starts(text, PEN_LIT("(?")))
        PEN_TRY(check_flags(r, err));
    if (text.ptr[0] == '[')
        r->is_class = r->is_class_start = true;
    return copy(r, 1, err);
}

static enum pen_code rewrite(struct pen_slice pattern, struct pen_buf *out, struct pen_error *err)
{
    struct rewrite r = {.in = pattern, .out = out};
    while (r.at < r.in.len) {
        if (r.in.ptr[r.at] == '\\')
            PEN_TRY(copy_escape(&r, err));
        else if (r.is_class)
            PEN_TRY(copy_in_class(&r, err));
        else
            PEN_TRY(copy_plain(&r, err));
    }
    return PEN_OK;
}

static pcre2_code *compile(const struct pen_buf *text, uint32_t options,
                           pcre2_compile_context *context, int *ret_error, size_t *ret_at)
{
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text->ptr == NULL ? "" : text->ptr), text->len,
                                     options | PCRE2_NEVER_BACKSLASH_C, ret_error, ret_at, context);
    if (code != NULL)
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without JIT it is only slower */
    return code;
}

static enum pen_code compile_both(struct pen_path_pattern *pattern, struct pen_slice source,
                                  pcre2_compile_context *context, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PATTERN_MAX_BYTES);
    PEN_TRY(rewrite(source, &text, err));
    int error = 0;
    size_t at = 0;
    pattern->utf = compile(&text, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, context, &error, &at);
    if (pattern->utf == NULL) {
        PCRE2_UCHAR reason[128];
        if (pcre2_get_error_message(error, reason, sizeof reason) < 0)
            reason[0] = '\0';
        return pen_fail(err, PEN_ERR_CONFIG, "bad regular expression '%.*s' near index %zu: %s",
                        PEN_ARG(source), at, (const char *)reason);
    }
    pattern->bytes = compile(&text, 0, context, &error, &at); /* NULL: the UTF-8 one serves all */
    return PEN_OK;
}

enum pen_code pen_path_pattern_new(struct pen_slice pattern, struct pen_path_pattern **ret_pattern,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_path_pattern_free_p) struct pen_path_pattern *made = calloc(1, sizeof *made);
    if (made == NULL)
        return pen_fail_nomem(err);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return pen_fail_nomem(err);
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_ANY); /* the constant is always accepted */
    enum pen_code code = compile_both(made, pattern, context, err);
    pcre2_compile_context_free(context);
    PEN_TRY(code);
    made->match = pcre2_match_data_create(1, NULL);
    made->limits = pcre2_match_context_create(NULL);
    made->stack = pcre2_jit_stack_create((size_t)32 << 10, (size_t)1 << 20, NULL);
    if (made->match == NULL || made->limits == NULL)
        return pen_fail_nomem(err);
    (void)pcre2_set_match_limit(made->limits, PEN_PATH_PATTERN_LIMIT);
    (void)pcre2_set_heap_limit(made->limits, 64u << 10); /* KiB; both always succeed */
    if (made->stack != NULL)
        pcre2_jit_stack_assign(made->limits, NULL, made->stack);
    *ret_pattern = PEN_TAKE(made);
    return PEN_OK;
}

static size_t sequence_length(unsigned char lead)
{
    return lead < 0x80   ? 1
           : lead < 0xc2 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf5 ? 4
                         : 0;
}

static bool is_utf8(struct pen_slice text)
{
    for (size_t i = 0; i < text.len;) {
        size_t n = sequence_length((unsigned char)text.ptr[i]);
        if (n == 0 || n > text.len - i)
            return false;
        for (size_t k = 1; k < n; k++)
            if (((unsigned char)text.ptr[i + k] & 0xc0) != 0x80)
                return false;
        i += n;
    }
    return true;
}

enum pen_code pen_path_pattern_find(struct pen_path_pattern *pattern, struct pen_slice key,
                                    bool *ret_found, struct pen_error *err)
{
    const pcre2_code *code = pattern->bytes == NULL || is_utf8(key) ? pattern->utf : pattern->bytes;
    PCRE2_SPTR text = (PCRE2_SPTR)(key.ptr == NULL ? "" : key.ptr);
    int found = pcre2_match(code, text, key.len, 0, 0, pattern->match, pattern->limits);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(code, text, key.len, 0, PCRE2_NO_JIT, pattern->match, pattern->limits);
    if (found >= 0 || found == PCRE2_ERROR_NOMATCH) {
        *ret_found = found >= 0;
        return PEN_OK;
    }
    if (found == PCRE2_ERROR_NOMEMORY)
        return pen_fail_nomem(err);
    (void)pen_fail(err, PEN_ERR_CONFIG, /* the code is returned below, after the hint */
                   "path_match_pattern needs more than its limit of %u steps for key '%.*s'",
                   PEN_PATH_PATTERN_LIMIT, PEN_ARG(key));
    pen_error_hint(err, "nested repetitions like (a+)+ take forever; simplify the pattern");
    return PEN_ERR_CONFIG;
}
