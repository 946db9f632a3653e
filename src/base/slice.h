/* slice.h - borrowed bytes: pointer and length. Never owns, never NUL-terminated by contract. */
#ifndef PEN_BASE_SLICE_H
#define PEN_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pen_slice {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
};

/* PEN_LIT - a slice of a string literal. */
#define PEN_LIT(literal) ((struct pen_slice){("" literal), sizeof(literal) - 1})

/* PEN_ARG - the two arguments of a "%.*s". */
#define PEN_ARG(slice) (int)(slice).len, (slice).ptr

static inline struct pen_slice pen_slice(const void *ptr, size_t len)
{
    return (struct pen_slice){(const char *)ptr, len};
}

/* pen_slice_str - a slice of a NUL-terminated text; NULL gives the empty slice. */
static inline struct pen_slice pen_slice_str(const char *text)
{
    return (struct pen_slice){text, text == NULL ? 0 : strlen(text)};
}

static inline bool pen_slice_equal(struct pen_slice a, struct pen_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool pen_slice_is(struct pen_slice a, const char *text)
{
    return pen_slice_equal(a, pen_slice_str(text));
}

static inline bool pen_slice_starts(struct pen_slice a, struct pen_slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool pen_slice_ends(struct pen_slice a, struct pen_slice suffix)
{
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.ptr + a.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* pen_slice_skip - what remains after the first n bytes (n <= len). */
static inline struct pen_slice pen_slice_skip(struct pen_slice a, size_t n)
{
    return n == 0 ? a : (struct pen_slice){a.ptr + n, a.len - n}; /* no bytes: ptr may be NULL */
}

/* pen_slice_trim - without the bytes <= 0x20 at both ends, as Java's String.trim. */
static inline struct pen_slice pen_slice_trim(struct pen_slice a)
{
    while (a.len > 0 && (unsigned char)a.ptr[0] <= ' ')
        a = pen_slice_skip(a, 1);
    while (a.len > 0 && (unsigned char)a.ptr[a.len - 1] <= ' ')
        a.len--;
    return a;
}

/* pen_slice_compare - unsigned byte order, shorter first: the order S3 lists keys in. */
static inline int pen_slice_compare(struct pen_slice a, struct pen_slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

#endif
