#include "parse/json_skip.h"

#include <string.h>

void pen_json_skip_init(struct pen_json_skip *skip, const char *at, const char *end, bool is_eof)
{
    skip->at = at;
    skip->end = end;
    skip->is_eof = is_eof;
    skip->is_escape_free = false;
    skip->expect = PEN_JSON_WANT_VALUE;
    skip->depth = 0;
    skip->problem = NULL;
}

static enum pen_json_status bad(struct pen_json_skip *skip, const char *at, const char *problem)
{
    skip->at = at;
    skip->problem = problem;
    return PEN_JSON_BAD;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

int pen_json_escape_len(const char *p, const char *end)
{
    if (end - p < 2)
        return 0;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'u':
        for (int i = 2; i < 6; i++) {
            if (p + i == end)
                return 0;
            if (!is_hex(p[i]))
                return -1;
        }
        return 6;
    default:
        return -1;
    }
}

/* From behind the opening quote to behind the closing one. */
static enum pen_json_status skip_string(struct pen_json_skip *skip)
{
    const char *p = skip->at + 1;
    for (;;) {
        p = pen_json_find_special(p, skip->end);
        if (p == skip->end)
            return PEN_JSON_MORE;
        if (*p == '"')
            break;
        int len = skip->is_escape_free ? 2 : pen_json_escape_len(p, skip->end);
        if (len < 0)
            return bad(skip, p, "bad escape");
        if (len == 0 || skip->end - p < len)
            return PEN_JSON_MORE;
        p += len;
    }
    skip->at = p + 1;
    return PEN_JSON_DONE;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* 01 or 1x is one bad number, not two values. */
static bool continues_word(const char *p, const char *end)
{
    if (p == end)
        return false;
    char c = *p;
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' ||
           c == '+' || c == '-' || c == '_';
}

const char *pen_json_number_end(const char *p, const char *end, bool *ret_is_double)
{
    *ret_is_double = false;
    if (p < end && *p == '-')
        p++;
    const char *from = p;
    p = p < end && *p == '0' ? p + 1 : digits(p, end);
    if (p == from)
        return NULL;
    if (p < end && *p == '.') {
        *ret_is_double = true;
        from = p + 1;
        p = digits(from, end);
        if (p == from)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *ret_is_double = true;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        p = digits(from, end);
        if (p == from)
            return NULL;
    }
    return continues_word(p, end) ? NULL : p;
}

/* A number that the end of the text may have cut is no number yet. */
static enum pen_json_status skip_number(struct pen_json_skip *skip)
{
    const char *p = skip->at;
    while (continues_word(p, skip->end))
        p++;
    if (p == skip->end && !skip->is_eof)
        return PEN_JSON_MORE;
    bool is_double;
    const char *end = pen_json_number_end(skip->at, p, &is_double);
    if (end == NULL)
        return bad(skip, skip->at, "bad number");
    skip->at = end;
    return PEN_JSON_DONE;
}

static enum pen_json_status skip_word(struct pen_json_skip *skip)
{
    const char *word = *skip->at == 't' ? "true" : *skip->at == 'f' ? "false" : "null";
    size_t len = strlen(word), room = (size_t)(skip->end - skip->at);
    if (memcmp(skip->at, word, room < len ? room : len) != 0)
        return bad(skip, skip->at, "unexpected character");
    if (room < len)
        return PEN_JSON_MORE;
    if (continues_word(skip->at + len, skip->end))
        return bad(skip, skip->at + len, "unexpected character");
    skip->at += len;
    return PEN_JSON_DONE;
}

static enum pen_json_status open_container(struct pen_json_skip *skip, bool is_object)
{
    if (skip->depth == PEN_JSON_MAX_DEPTH) {
        skip->problem = "nesting is too deep";
        return PEN_JSON_TOO_DEEP;
    }
    uint64_t bit = UINT64_C(1) << (skip->depth % 64), *word = &skip->is_object[skip->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    skip->depth++;
    skip->at++;
    skip->expect = is_object ? PEN_JSON_WANT_FIRST_KEY : PEN_JSON_WANT_FIRST_VALUE;
    return PEN_JSON_MORE;
}

static bool in_object(const struct pen_json_skip *skip)
{
    unsigned level = skip->depth - 1;
    return (skip->is_object[level / 64] >> (level % 64)) & 1;
}

static enum pen_json_status after_value(struct pen_json_skip *skip)
{
    skip->expect = PEN_JSON_WANT_NEXT;
    return skip->depth == 0 ? PEN_JSON_DONE : PEN_JSON_MORE;
}

static enum pen_json_status close_container(struct pen_json_skip *skip)
{
    skip->at++;
    skip->depth--;
    return after_value(skip);
}

static enum pen_json_status skip_value(struct pen_json_skip *skip)
{
    enum pen_json_status status;
    switch (*skip->at) {
    case '{':
    case '[':
        return open_container(skip, *skip->at == '{');
    case ']':
        if (skip->expect == PEN_JSON_WANT_FIRST_VALUE)
            return close_container(skip);
        return bad(skip, skip->at, "unexpected character");
    case '"':
        status = skip_string(skip);
        break;
    case 't':
    case 'f':
    case 'n':
        status = skip_word(skip);
        break;
    default:
        if (*skip->at != '-' && (*skip->at < '0' || *skip->at > '9'))
            return bad(skip, skip->at, "unexpected character");
        status = skip_number(skip);
        break;
    }
    return status == PEN_JSON_DONE ? after_value(skip) : status;
}

static enum pen_json_status skip_key(struct pen_json_skip *skip)
{
    if (*skip->at == '}' && skip->expect == PEN_JSON_WANT_FIRST_KEY)
        return close_container(skip);
    if (*skip->at != '"')
        return bad(skip, skip->at, "unexpected character");
    enum pen_json_status status = skip_string(skip);
    if (status == PEN_JSON_DONE)
        skip->expect = PEN_JSON_WANT_COLON;
    return status == PEN_JSON_DONE ? PEN_JSON_MORE : status;
}

enum pen_json_status pen_json_skip_token(struct pen_json_skip *skip)
{
    while (skip->at < skip->end && pen_json_is_space(*skip->at))
        skip->at++;
    if (skip->at == skip->end)
        return PEN_JSON_MORE;
    switch (skip->expect) {
    case PEN_JSON_WANT_VALUE:
    case PEN_JSON_WANT_FIRST_VALUE:
        return skip_value(skip);
    case PEN_JSON_WANT_KEY:
    case PEN_JSON_WANT_FIRST_KEY:
        return skip_key(skip);
    case PEN_JSON_WANT_COLON:
        if (*skip->at != ':')
            return bad(skip, skip->at, "unexpected character");
        skip->at++;
        skip->expect = PEN_JSON_WANT_VALUE;
        return PEN_JSON_MORE;
    case PEN_JSON_WANT_NEXT:
        break;
    }
    if (*skip->at == ',') {
        skip->at++;
        skip->expect = in_object(skip) ? PEN_JSON_WANT_KEY : PEN_JSON_WANT_VALUE;
        return PEN_JSON_MORE;
    }
    if (*skip->at != (in_object(skip) ? '}' : ']'))
        return bad(skip, skip->at, "unexpected character");
    return close_container(skip);
}

enum pen_json_status pen_json_skip_run(struct pen_json_skip *skip)
{
    for (;;) {
        const char *before = skip->at;
        enum pen_json_status status = pen_json_skip_token(skip);
        if (status != PEN_JSON_MORE || skip->at == before)
            return status;
        if (skip->at == skip->end)
            return PEN_JSON_MORE;
    }
}

/* ---- pointers ---- */

static int64_t array_index(struct pen_slice key)
{
    if (key.len == 0 || key.len > 9 || (key.len > 1 && key.ptr[0] == '0'))
        return -1;
    int64_t index = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] < '0' || key.ptr[i] > '9')
            return -1;
        index = index * 10 + (key.ptr[i] - '0');
    }
    return index;
}

static enum pen_code read_token(struct pen_slice text, char *out, struct pen_json_token *ret_token,
                                struct pen_error *err)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '~') {
            i++;
            if (i == text.len || (text.ptr[i] != '0' && text.ptr[i] != '1'))
                return pen_fail(err, PEN_ERR_CONFIG,
                                "a JSON pointer may have '~' only before 0 or 1");
            c = text.ptr[i] == '0' ? '~' : '/';
        }
        out[len++] = c;
    }
    ret_token->key = pen_slice(out, len);
    ret_token->index = array_index(ret_token->key);
    return PEN_OK;
}

enum pen_code pen_json_pointer_parse(struct pen_slice text, struct pen_arena *arena,
                                     struct pen_json_pointer *ret_pointer, struct pen_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '/';
    if (text.len > 0 && text.ptr[0] != '/')
        return pen_fail(err, PEN_ERR_CONFIG, "JSON pointer '%.*s' must start with '/'",
                        PEN_ARG(text));
    struct pen_json_token *tokens = pen_arena_alloc(arena, (count + 1) * sizeof *tokens);
    char *out = pen_arena_alloc(arena, text.len + 1);
    if (tokens == NULL || out == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        text = pen_slice_skip(text, 1);
        const char *slash = memchr(text.ptr, '/', text.len);
        size_t len = slash == NULL ? text.len : (size_t)(slash - text.ptr);
        PEN_TRY(read_token(pen_slice(text.ptr, len), out, &tokens[i], err));
        out += tokens[i].key.len;
        text = pen_slice_skip(text, len);
    }
    *ret_pointer = (struct pen_json_pointer){.tokens = tokens, .count = count};
    return PEN_OK;
}

/* Bytes of the escape at the start: two, \uXXXX, or two of those that may be one character. */
static size_t escape_length(struct pen_slice body)
{
    size_t len = body.len > 1 && body.ptr[1] == 'u' ? 6 : 2;
    if (len == 6 && body.len >= 12 && body.ptr[6] == '\\' && body.ptr[7] == 'u')
        len = 12;
    return len < body.len ? len : body.len;
}

static bool take_start(struct pen_slice *text, struct pen_slice start)
{
    if (!pen_slice_starts(*text, start))
        return false;
    *text = pen_slice_skip(*text, start.len);
    return true;
}

bool pen_json_key_is(struct pen_slice body, struct pen_slice key)
{
    if (body.len == 0 || memchr(body.ptr, '\\', body.len) == NULL)
        return pen_slice_equal(body, key);
    while (body.len > 0) {
        const char *escape = memchr(body.ptr, '\\', body.len);
        size_t run = escape == NULL ? body.len : (size_t)(escape - body.ptr);
        if (!take_start(&key, pen_slice(body.ptr, run)))
            return false;
        body = pen_slice_skip(body, run);
        if (body.len == 0)
            break;
        /* memory of our own: a key may not be another one because memory ran out */
        char room[16];
        struct pen_buf text = {.ptr = room, .cap = sizeof room, .max = sizeof room - 1};
        size_t len = escape_length(body);
        if (pen_json_unescape(pen_slice(body.ptr, len), &text, NULL) != PEN_OK)
            return false; /* the skipper has refused it, or will */
        if (!take_start(&key, pen_buf_slice(&text)))
            return false;
        body = pen_slice_skip(body, len);
    }
    return key.len == 0;
}

/* Where a pointer has led so far. */
struct seek {
    const struct pen_json_pointer *pointer;
    unsigned matched; /* tokens; also the containers on the way */
    int64_t element;  /* of the innermost container on the way, when it is an array */
    bool is_dead;     /* the way ended: only the value's end is wanted */
    bool is_next;     /* the value that comes is the one of the current token */
};

/* Looks at what the skipper is about to read; true when it is the value wanted. */
static bool is_at_target(struct seek *seek, const struct pen_json_skip *skip)
{
    bool is_value =
        skip->expect == PEN_JSON_WANT_VALUE || skip->expect == PEN_JSON_WANT_FIRST_VALUE;
    if (seek->is_dead || !is_value || skip->depth != seek->matched + (skip->depth > 0 ? 1u : 0u))
        return false;
    if (skip->depth == 0)
        return seek->pointer->count == 0;
    const struct pen_json_token *token = &seek->pointer->tokens[seek->matched];
    if (!in_object(skip)) {
        if (*skip->at == ']')
            return false;
        seek->is_next = seek->element++ == token->index && token->index >= 0;
    }
    return seek->is_next && seek->matched + 1 == seek->pointer->count;
}

/* After a token: follows the pointer into containers, notices when it leads nowhere. */
static void follow(struct seek *seek, const struct pen_json_skip *before,
                   const struct pen_json_skip *skip)
{
    if (seek->is_dead)
        return;
    if (skip->depth > before->depth) {
        if (before->depth == 0) {
            seek->element = 0;
        } else if (seek->is_next && before->depth == seek->matched + 1) {
            seek->matched++;
            seek->element = 0;
            seek->is_next = false;
        }
        return;
    }
    bool is_on_way = before->depth == seek->matched + 1;
    if (skip->expect == PEN_JSON_WANT_COLON && is_on_way) {
        struct pen_slice body = pen_slice(before->at, (size_t)(skip->at - before->at));
        while (*body.ptr != '"')
            body = pen_slice_skip(body, 1);
        body = pen_slice(body.ptr + 1, body.len - 2);
        seek->is_next = pen_json_key_is(body, seek->pointer->tokens[seek->matched].key);
    } else if (is_on_way && skip->expect == PEN_JSON_WANT_NEXT) {
        /* the wanted member was no container, or the container on the way ends */
        seek->is_dead = seek->is_next || skip->depth < before->depth;
    }
}

enum pen_json_found pen_json_seek(struct pen_json_skip *skip,
                                  const struct pen_json_pointer *pointer)
{
    struct seek seek = {.pointer = pointer};
    for (;;) {
        while (skip->at < skip->end && pen_json_is_space(*skip->at))
            skip->at++;
        if (skip->at < skip->end && is_at_target(&seek, skip))
            return PEN_JSON_FOUND;
        struct pen_json_skip before = *skip;
        enum pen_json_status status = pen_json_skip_token(skip);
        if (status == PEN_JSON_DONE)
            return PEN_JSON_ABSENT;
        if (status != PEN_JSON_MORE)
            return PEN_JSON_FIND_BAD;
        if (skip->at == before.at)
            return PEN_JSON_FIND_MORE;
        follow(&seek, &before, skip);
    }
}
