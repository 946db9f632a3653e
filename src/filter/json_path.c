#include "filter/json_path.h"

#include <stdlib.h>

struct reader {
    struct pen_slice text;
    size_t at;
    struct pen_arena *arena;
};

static enum pen_code refuse(const struct reader *r, const char *reason, struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_CONFIG, "JSONPath '%.*s' at index %zu: %s", PEN_ARG(r->text),
                    r->at, reason);
}

static char peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.ptr[r->at] : '\0';
}

/* .name or .* behind the dot; names run to the next dot or bracket. */
static enum pen_code read_dotted(struct reader *r, struct pen_json_step *step,
                                 struct pen_error *err)
{
    r->at++;
    size_t start = r->at;
    while (r->at < r->text.len && strchr(".[", r->text.ptr[r->at]) == NULL)
        r->at++;
    struct pen_slice name = pen_slice(r->text.ptr + start, r->at - start);
    if (name.len == 0 && peek(r) == '.')
        return refuse(r, "deep scan (..) is not supported", err);
    if (name.len == 0)
        return refuse(r, "a name is missing", err);
    if (name.ptr[name.len - 1] == ')')
        return refuse(r, "functions are not supported", err);
    bool is_all = pen_slice_is(name, "*");
    *step = (struct pen_json_step){.kind = is_all ? PEN_JSON_STEP_ALL : PEN_JSON_STEP_MEMBER,
                                   .name = is_all ? PEN_LIT("") : name};
    return PEN_OK;
}

/* 'name' with \' and \\ inside. */
static enum pen_code read_quoted(struct reader *r, struct pen_json_step *step,
                                 struct pen_error *err)
{
    char quote = peek(r);
    char *name = pen_arena_alloc(r->arena, r->text.len);
    if (name == NULL)
        return pen_fail_nomem(err);
    size_t len = 0;
    for (r->at++; r->at < r->text.len && peek(r) != quote; r->at++) {
        if (peek(r) == '\\' && r->at + 1 < r->text.len)
            r->at++;
        name[len++] = peek(r);
    }
    if (r->at == r->text.len)
        return refuse(r, "a quote is not closed", err);
    r->at++;
    *step = (struct pen_json_step){.kind = PEN_JSON_STEP_MEMBER, .name = pen_slice(name, len)};
    return PEN_OK;
}

static enum pen_code read_index(struct reader *r, struct pen_json_step *step, struct pen_error *err)
{
    size_t index = 0, digits = 0;
    for (; peek(r) >= '0' && peek(r) <= '9'; r->at++, digits++)
        index = index < 100000000 ? index * 10 + (size_t)(peek(r) - '0') : index;
    if (digits == 0)
        return refuse(r, "an index, a quoted name or * is expected", err);
    *step = (struct pen_json_step){.kind = PEN_JSON_STEP_ELEMENT, .index = index};
    return PEN_OK;
}

static enum pen_code read_bracket(struct reader *r, struct pen_json_step *step,
                                  struct pen_error *err)
{
    r->at++;
    if (peek(r) == '?' || peek(r) == '(')
        return refuse(r, "filter expressions are not supported", err);
    if (peek(r) == '*') {
        r->at++;
        *step = (struct pen_json_step){.kind = PEN_JSON_STEP_ALL};
    } else if (peek(r) == '\'' || peek(r) == '"') {
        PEN_TRY(read_quoted(r, step, err));
    } else {
        PEN_TRY(read_index(r, step, err));
    }
    if (peek(r) == ',')
        return refuse(r, "several names or indexes in one bracket are not supported", err);
    if (peek(r) == ':')
        return refuse(r, "slices are not supported", err);
    if (peek(r) != ']')
        return refuse(r, "']' is missing", err);
    r->at++;
    return PEN_OK;
}

enum pen_code pen_json_path_compile(struct pen_slice text, struct pen_arena *arena,
                                    struct pen_json_path *ret_path, struct pen_error *err)
{
    struct reader r = {.text = text, .arena = arena};
    if (peek(&r) != '$')
        return refuse(&r, "a path begins with '$'", err);
    r.at++;
    struct pen_json_path path = {0};
    path.steps = pen_arena_alloc(arena, (text.len + 1) * sizeof *path.steps);
    if (path.steps == NULL)
        return pen_fail_nomem(err);
    while (r.at < text.len) {
        struct pen_json_step *step = &path.steps[path.count];
        if (peek(&r) == '.' && r.at + 1 < text.len && text.ptr[r.at + 1] == '[')
            r.at++; /* $.['a'] is written, too */
        if (peek(&r) == '.')
            PEN_TRY(read_dotted(&r, step, err));
        else if (peek(&r) == '[')
            PEN_TRY(read_bracket(&r, step, err));
        else
            return refuse(&r, "'.' or '[' is expected", err);
        path.has_wildcard |= step->kind == PEN_JSON_STEP_ALL;
        path.count++;
    }
    *ret_path = path;
    return PEN_OK;
}

static const struct pen_json *take_step(const struct pen_json_step *step,
                                        const struct pen_json *value)
{
    return step->kind == PEN_JSON_STEP_MEMBER ? pen_json_member(value, step->name)
                                              : pen_json_element(value, step->index);
}

const struct pen_json *pen_json_path_find(const struct pen_json_path *path,
                                          const struct pen_json *root)
{
    const struct pen_json *value = root;
    for (size_t i = 0; i < path->count && value != NULL; i++)
        value = take_step(&path->steps[i], value);
    return value;
}

static enum pen_code list_from(const struct pen_json_path *path, size_t at,
                               const struct pen_json *value, struct pen_buf *into,
                               struct pen_error *err)
{
    while (at < path->count && path->steps[at].kind != PEN_JSON_STEP_ALL && value != NULL)
        value = take_step(&path->steps[at++], value);
    if (value == NULL)
        return PEN_OK;
    if (at == path->count) {
        if (into->ptr[into->len - 1] != '[')
            PEN_TRY(pen_buf_add_char(into, ',', err));
        return pen_json_write(value, into, err);
    }
    if (value->kind != PEN_JSON_ARRAY && value->kind != PEN_JSON_OBJECT)
        return PEN_OK;
    for (const struct pen_json *child = value->first; child != NULL; child = child->next)
        PEN_TRY(list_from(path, at + 1, child, into, err));
    return PEN_OK;
}

enum pen_code pen_json_path_list(const struct pen_json_path *path, const struct pen_json *root,
                                 struct pen_buf *into, struct pen_error *err)
{
    /* a buffer of its own, because "nothing yet" is told by the last character */
    PEN_CLEANUP(pen_buf_release) struct pen_buf list = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_add_char(&list, '[', err));
    PEN_TRY(list_from(path, 0, root, &list, err));
    PEN_TRY(pen_buf_add_char(&list, ']', err));
    return pen_buf_add_slice(into, pen_buf_slice(&list), err);
}
