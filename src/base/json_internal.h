/* json_internal.h - the walk over one JSON value that both readers of base/json.h share.
 * A reader hands a constant table of events to json_walk; everything is inlined, so an event costs
 * no indirect call. */
#ifndef PEN_BASE_JSON_INTERNAL_H
#define PEN_BASE_JSON_INTERNAL_H

#include "base/json.h"

#define JSON_INLINE static inline __attribute__((always_inline))

struct json_reader {
    const char *begin, *at, *end;
    struct pen_error *err;
    unsigned depth;
    uint64_t is_object[(PEN_JSON_MAX_DEPTH + 63) / 64]; /* a bit per open container */
};

/* Text being made: source bytes from `run` on are as they should be; what differs went to `buf`. */
struct json_text {
    const char *run;
    struct pen_buf *buf;
    bool is_canonical; /* escapes as in canonical text; else resolved */
    bool is_changed;   /* buf is in use */
};

/* json_fail - PEN_ERR_CORRUPT at the reader's position: an unexpected character, or the end. */
enum pen_code json_fail(struct json_reader *r);
enum pen_code json_fail_text(struct json_reader *r, const char *at, const char *problem);

/* json_string - reads a string, r->at on its opening quote; its body goes to `text` (run must
 * already be at or before the body; the quotes are not touched). */
enum pen_code json_string(struct json_reader *r, struct json_text *text);

/* json_number - reads a number by its grammar, not its value. */
enum pen_code json_number(struct json_reader *r, bool *ret_is_double);

/* json_word - reads `true`, `false` or `null`. */
enum pen_code json_word(struct json_reader *r);

/* json_flush - makes the output change at `from`: what is before goes to buf as it is. */
enum pen_code json_flush(struct json_reader *r, struct json_text *text, const char *from);

struct json_events {
    enum pen_code (*space)(struct json_reader *r, void *context, const char *from);
    enum pen_code (*key)(struct json_reader *r, void *context);    /* at the opening quote */
    enum pen_code (*scalar)(struct json_reader *r, void *context); /* at the first byte */
    enum pen_code (*open)(struct json_reader *r, void *context, bool is_object);
    void (*close)(void *context);
};

JSON_INLINE bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

JSON_INLINE enum pen_code json_skip_space(struct json_reader *r, const struct json_events *on,
                                          void *context)
{
    if (r->at == r->end || !json_is_space(*r->at))
        return PEN_OK;
    const char *from = r->at;
    while (r->at < r->end && json_is_space(*r->at))
        r->at++;
    return on->space(r, context, from);
}

JSON_INLINE bool json_top_is_object(const struct json_reader *r)
{
    unsigned level = r->depth - 1;
    return (r->is_object[level / 64] >> (level % 64)) & 1;
}

JSON_INLINE enum pen_code json_push(struct json_reader *r, bool is_object)
{
    if (r->depth == PEN_JSON_MAX_DEPTH) {
        (void)json_fail_text(r, r->at, "nesting is too deep");
        return r->err == NULL ? PEN_ERR_TOO_LARGE : (r->err->code = PEN_ERR_TOO_LARGE);
    }
    uint64_t bit = UINT64_C(1) << (r->depth % 64), *word = &r->is_object[r->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    r->depth++;
    return PEN_OK;
}

JSON_INLINE enum pen_code json_key(struct json_reader *r, const struct json_events *on,
                                   void *context)
{
    if (r->at == r->end || *r->at != '"')
        return json_fail(r);
    PEN_TRY(on->key(r, context));
    PEN_TRY(json_skip_space(r, on, context));
    if (r->at == r->end || *r->at != ':')
        return json_fail(r);
    r->at++;
    return json_skip_space(r, on, context);
}

/* One value, or the opening of a container that is not empty; then r is at its first value. */
JSON_INLINE enum pen_code json_value(struct json_reader *r, const struct json_events *on,
                                     void *context, bool *ret_is_open)
{
    *ret_is_open = false;
    if (r->at == r->end)
        return json_fail(r);
    char c = *r->at;
    if (c != '{' && c != '[')
        return on->scalar(r, context);
    PEN_TRY(json_push(r, c == '{'));
    PEN_TRY(on->open(r, context, c == '{'));
    r->at++;
    PEN_TRY(json_skip_space(r, on, context));
    if (r->at < r->end && *r->at == (c == '{' ? '}' : ']')) {
        r->at++;
        r->depth--;
        on->close(context);
        return PEN_OK;
    }
    *ret_is_open = true;
    return c == '{' ? json_key(r, on, context) : PEN_OK;
}

/* Behind a value: closes containers, or steps over a comma to the next value. */
JSON_INLINE enum pen_code json_after(struct json_reader *r, const struct json_events *on,
                                     void *context)
{
    while (r->depth > 0) {
        PEN_TRY(json_skip_space(r, on, context));
        if (r->at == r->end)
            return json_fail(r);
        bool is_object = json_top_is_object(r);
        if (*r->at == ',') {
            r->at++;
            PEN_TRY(json_skip_space(r, on, context));
            return is_object ? json_key(r, on, context) : PEN_OK;
        }
        if (*r->at != (is_object ? '}' : ']'))
            return json_fail(r);
        r->at++;
        r->depth--;
        on->close(context);
    }
    return PEN_OK;
}

/* json_walk - one value from r->at (no space before it) to behind its end. */
JSON_INLINE enum pen_code json_walk(struct json_reader *r, const struct json_events *on,
                                    void *context)
{
    for (;;) {
        bool is_open;
        PEN_TRY(json_value(r, on, context, &is_open));
        if (is_open)
            continue;
        PEN_TRY(json_after(r, on, context));
        if (r->depth == 0)
            return PEN_OK;
    }
}

#endif
