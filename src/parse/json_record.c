/* record text --member by member--> node of the tree of wanted members --> columns
 *
 * The members of a record mostly come in the order of the columns, so the node behind the last one
 * is tried first, its key compared with one 16-byte compare. Members that nobody wants are stepped
 * over. The first of several members of one name counts. */
#include "parse/json_fast.h"

static const char *read_object(struct pen_json_reading *r, const struct pen_json_node *node,
                               const char *p);
static const char *read_array(struct pen_json_reading *r, const struct pen_json_node *node,
                              const char *p);

static const char *fail_here(struct pen_json_reading *r, const char *p)
{
    bool is_end = p >= r->end;
    r->at = is_end ? r->end : p;
    r->problem = is_end ? "unexpected end" : "unexpected character";
    return NULL;
}

static const char *skip_more_space(const struct pen_json_reading *r, const char *p)
{
    while (p < r->end && pen_json_is_space(*p))
        p++;
    return p;
}

/* Mostly there is none. */
static inline const char *skip_space(const struct pen_json_reading *r, const char *p)
{
    return (unsigned char)*p > ' ' ? p : skip_more_space(r, p);
}

/* Is it the key at p (behind the opening quote)? Then the place behind its closing quote. */
static inline const char *short_key_end(const struct pen_json_node *node, const char *p)
{
#if defined(__SSE2__)
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i key = _mm_loadu_si128((const __m128i *)(const void *)node->short_key);
    __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)node->short_mask);
    __m128i same = _mm_cmpeq_epi8(_mm_and_si128(bytes, mask), key);
    return _mm_movemask_epi8(same) == 0xffff ? p + node->token.key.len + 1 : NULL;
#else
    for (size_t i = 0; i < PEN_JSON_KEY_BYTES; i++)
        if (((uint8_t)p[i] & node->short_mask[i]) != node->short_key[i])
            return NULL;
    return p + node->token.key.len + 1;
#endif
}

/* The rare key with escapes. */
static const struct pen_json_node *find_escaped(const struct pen_json_reading *r,
                                                const struct pen_json_node *node,
                                                struct pen_slice body)
{
    const struct pen_json_node *children = r->parser->nodes + node->first_child;
    for (uint32_t i = 0; i < node->child_count; i++)
        if (pen_json_key_is(body, children[i].token.key))
            return &children[i];
    return NULL;
}

/* Among the children: the one of that name. */
static const struct pen_json_node *find_child(const struct pen_json_reading *r,
                                              const struct pen_json_node *node,
                                              struct pen_slice body)
{
    const struct pen_json_parser *parser = r->parser;
    const struct pen_json_node *children = parser->nodes + node->first_child;
    for (uint32_t i = 0; node->slot_mask == 0 && i < node->child_count; i++)
        if (pen_slice_equal(body, children[i].token.key))
            return &children[i];
    if (node->slot_mask == 0)
        return NULL;
    for (uint32_t at = pen_json_key_hash(body);; at++) {
        uint32_t number = parser->slots[node->first_slot + (at & node->slot_mask)];
        if (number == 0)
            return NULL;
        if (pen_slice_equal(body, parser->nodes[number].token.key))
            return &parser->nodes[number];
    }
}

/* The key at p (its opening quote). Returns the place behind it. guess: the child that probably
 * comes, or NULL. */
static inline const char *read_key(struct pen_json_reading *r, const struct pen_json_node *node,
                                   const struct pen_json_node *guess, const char *p,
                                   const struct pen_json_node **ret_child)
{
    if (guess != NULL && guess->is_short) {
        const char *end = short_key_end(guess, p + 1);
        if (end != NULL) {
            *ret_child = guess;
            return end;
        }
    }
    struct pen_slice body;
    const char *end = pen_json_fast_string(p, r->end, &body);
    if (end != NULL) {
        *ret_child = find_child(r, node, body);
        return end;
    }
    end = pen_json_skip_value(r, p);
    if (end != NULL)
        *ret_child = find_escaped(r, node, pen_slice(p + 1, (size_t)(end - p - 2)));
    return end;
}

static inline const char *skip_value(struct pen_json_reading *r, const char *p)
{
    const char *end = pen_json_fast_skip(r, p);
    return end != NULL ? end : pen_json_skip_value(r, p);
}

/* A value that columns want, or that has something they want inside. */
static inline __attribute__((always_inline)) const char *
take_value(struct pen_json_reading *r, const struct pen_json_node *node, const char *p)
{
    uint32_t *stamp = &r->state->stamps[node->number];
    if (*stamp == r->state->stamp)
        return pen_json_skip_value(r, p);
    *stamp = r->state->stamp;
    const char *end = NULL;
    if (node->is_plain) {
        end = pen_json_fast_put(r, node->column, p);
        return end != NULL ? end : pen_json_put(r, node->column, p);
    }
    for (uint32_t i = 0; i < node->column_count; i++) {
        end = pen_json_put(r, r->parser->leaves[node->first_column + i], p);
        if (end == NULL)
            return NULL;
    }
    if (node->child_count > 0 && *p == '{')
        return read_object(r, node, p);
    if (node->child_count > 0 && *p == '[')
        return read_array(r, node, p);
    return end != NULL ? end : pen_json_skip_value(r, p);
}

/* Behind a key: the colon, and the white space around it. Returns the value's first byte. */
static inline const char *step_to_value(struct pen_json_reading *r, const char *p)
{
    p = skip_space(r, p);
    if (p >= r->end || *p != ':')
        return fail_here(r, p);
    p = skip_space(r, p + 1);
    return p < r->end ? p : fail_here(r, p);
}

/* Behind a member or element: a comma, and the next one's first byte; or the closing bracket. */
static inline const char *step_to_next(struct pen_json_reading *r, const char *p, char close,
                                       bool *ret_closed)
{
    p = skip_space(r, p);
    *ret_closed = p < r->end && *p == close;
    if (*ret_closed)
        return p + 1;
    if (p >= r->end || *p != ',')
        return fail_here(r, p);
    return skip_space(r, p + 1);
}

static const char *read_object(struct pen_json_reading *r, const struct pen_json_node *node,
                               const char *p)
{
    const struct pen_json_node *first = r->parser->nodes + node->first_child;
    const struct pen_json_node *last = first + node->child_count, *guess = first;
    bool is_closed = false;
    p = skip_space(r, p + 1);
    if (p < r->end && *p == '}')
        return p + 1;
    while (p != NULL && !is_closed) {
        const struct pen_json_node *child = NULL;
        if (p >= r->end || *p != '"')
            return fail_here(r, p);
        p = read_key(r, node, guess < last ? guess : NULL, p, &child);
        p = p == NULL ? NULL : step_to_value(r, p);
        if (p == NULL)
            return NULL;
        guess = child == NULL ? guess : child + 1;
        p = child == NULL ? skip_value(r, p) : take_value(r, child, p);
        p = p == NULL ? NULL : step_to_next(r, p, '}', &is_closed);
    }
    return p;
}

static const char *read_array(struct pen_json_reading *r, const struct pen_json_node *node,
                              const char *p)
{
    bool is_closed = false;
    p = skip_space(r, p + 1);
    if (p < r->end && *p == ']')
        return p + 1;
    for (int64_t index = 0; p != NULL && !is_closed; index++) {
        if (p >= r->end)
            return fail_here(r, p);
        const struct pen_json_node *found = NULL;
        const struct pen_json_node *child = r->parser->nodes + node->first_child;
        for (uint32_t i = 0; i < node->child_count && found == NULL; i++)
            found = child[i].token.index == index ? &child[i] : NULL;
        p = found == NULL ? skip_value(r, p) : take_value(r, found, p);
        if (p != NULL)
            p = step_to_next(r, p, ']', &is_closed);
    }
    return p;
}

const char *pen_json_read_record(struct pen_json_reading *r, const char *p)
{
    const struct pen_json_node *root = r->parser->nodes;
    uint32_t *stamp = &r->state->stamp;
    if (++*stamp == 0) { /* wrapped: no old stamp may look new */
        memset(r->state->stamps, 0, r->parser->node_count * sizeof *r->state->stamps);
        *stamp = 1;
    }
    return take_value(r, root, p);
}
