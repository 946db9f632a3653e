/* json_skip.h - steps over JSON text, checking every byte, without decoding anything.
 *
 *     text --token by token--> end of the value, or where it breaks
 *
 * Can stop at any token and go on later: the open containers are bits, nothing recurses. */
#ifndef PEN_PARSE_JSON_SKIP_H
#define PEN_PARSE_JSON_SKIP_H

#include "base/json.h"
#include "parse/parse.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum pen_json_expect {
    PEN_JSON_WANT_VALUE,
    PEN_JSON_WANT_FIRST_VALUE, /* or the end of the array */
    PEN_JSON_WANT_KEY,
    PEN_JSON_WANT_FIRST_KEY, /* or the end of the object */
    PEN_JSON_WANT_COLON,
    PEN_JSON_WANT_NEXT, /* a comma or the end of the container; at depth 0: nothing, it is done */
};

enum pen_json_status {
    PEN_JSON_DONE,    /* the value is complete */
    PEN_JSON_MORE,    /* the text ends within a token, or between two */
    PEN_JSON_BAD,     /* syntax error: `problem` says which */
    PEN_JSON_TOO_DEEP /* past PEN_JSON_MAX_DEPTH */
};

struct pen_json_skip {
    const char *at, *end; /* at: behind the last whole token */
    bool is_eof;          /* a number at the end of the text is complete */
    bool is_escape_free;  /* any character may follow a backslash: they are repaired later */
    enum pen_json_expect expect;
    unsigned depth;
    uint64_t is_object[(PEN_JSON_MAX_DEPTH + 63) / 64]; /* a bit per open container */
    const char *problem;                                /* of BAD; it is at `at` */
};

/* pen_json_skip_init - before a value (white space may stand in front of it). */
void pen_json_skip_init(struct pen_json_skip *skip, const char *at, const char *end, bool is_eof);

/* pen_json_skip_token - one token. Returns DONE behind the value's last one, MORE also when a token
 * was read and the value goes on: then skip->at has moved. cost: O(token). */
enum pen_json_status pen_json_skip_token(struct pen_json_skip *skip);

/* pen_json_skip_run - all tokens of the value that are there. */
enum pen_json_status pen_json_skip_run(struct pen_json_skip *skip);

static inline bool pen_json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* pen_json_find_special - the first quote or backslash at or behind p, or `end`. Up to
 * PEN_CHUNK_PADDING bytes behind `end` may be read. */
static inline const char *pen_json_find_special(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    for (; p < end; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0) {
            p += __builtin_ctz(mask);
            return p < end ? p : end;
        }
    }
    return end;
#else
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
#endif
}

/* pen_json_escape_len - bytes of the escape at p (a backslash): 2, or 6 for \uXXXX; 0 when the
 * text ends within it, -1 when it is none. */
int pen_json_escape_len(const char *p, const char *end);

/* pen_json_number_end - the end of the number at p, by the grammar; NULL when it is none.
 * The end may be `end`. */
const char *pen_json_number_end(const char *p, const char *end, bool *ret_is_double);

/* A reference token of a JSON pointer (RFC 6901). */
struct pen_json_token {
    struct pen_slice key; /* ~0 and ~1 resolved */
    int64_t index;        /* as an array index; -1 when it is none */
};

struct pen_json_pointer {
    struct pen_json_token *tokens;
    size_t count;
};

/* pen_json_pointer_parse - tokens in `arena`. errors: PEN_ERR_CONFIG does not start with '/',
 * '~' before another character than 0 and 1; PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_json_pointer_parse(struct pen_slice text, struct pen_arena *arena,
                                                  struct pen_json_pointer *ret_pointer,
                                                  struct pen_error *err);

/* pen_json_key_is - does the string body between quotes spell `key`? Escapes are resolved. */
bool pen_json_key_is(struct pen_slice body, struct pen_slice key);

enum pen_json_found { PEN_JSON_FOUND, PEN_JSON_ABSENT, PEN_JSON_FIND_MORE, PEN_JSON_FIND_BAD };

/* pen_json_seek - walks into a value along a pointer.
 * in:     skip: freshly initialised before the value.
 * out:    FOUND: skip->at is the first byte of the value found, its containers are open in skip.
 *         ABSENT: the value was read to its end without a match. MORE, BAD: as the skipper. */
enum pen_json_found pen_json_seek(struct pen_json_skip *skip,
                                  const struct pen_json_pointer *pointer);

#endif
