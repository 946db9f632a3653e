/* api_multipart.c - forms as multipart/form-data: what Treasure Data's Python client sends.
 *
 *     --boundary CRLF headers CRLF CRLF value CRLF --boundary CRLF ... --boundary--
 *
 * source: RFC 7578; RFC 2046, 5.1.1. */
#include "api/api.h"

#include "base/utf8.h"

#include <strings.h>

/* RFC 2046: 1 to 70 characters. */
#define BOUNDARY_MAX 70

static enum pen_code fail(struct pen_error *err, const char *what)
{
    return pen_fail(err, PEN_ERR_CONFIG, "the request's multipart form %s", what);
}

/* The value of a parameter of a header, its quotes taken off; NULL without one. */
static struct pen_slice parameter(struct pen_slice header, const char *name)
{
    size_t len = strlen(name);
    for (struct pen_slice rest = header; rest.len > 0;) {
        const char *semicolon = memchr(rest.ptr, ';', rest.len);
        if (semicolon == NULL)
            break;
        rest = pen_slice_skip(rest, (size_t)(semicolon - rest.ptr) + 1);
        while (rest.len > 0 && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t'))
            rest = pen_slice_skip(rest, 1);
        if (rest.len <= len || strncasecmp(rest.ptr, name, len) != 0 || rest.ptr[len] != '=')
            continue;
        rest = pen_slice_skip(rest, len + 1);
        bool is_quoted = rest.len > 0 && rest.ptr[0] == '"';
        if (is_quoted)
            rest = pen_slice_skip(rest, 1);
        size_t end = 0;
        while (end < rest.len && rest.ptr[end] != (is_quoted ? '"' : ';'))
            end++;
        return pen_slice(rest.ptr, end);
    }
    return pen_slice(NULL, 0);
}

/* Up to the mark, which is skipped; false: it does not come. */
static bool take_until(struct pen_slice *rest, struct pen_slice mark, struct pen_slice *ret_piece)
{
    const char *found = memmem(rest->ptr, rest->len, mark.ptr, mark.len);
    if (found == NULL)
        return false;
    *ret_piece = pen_slice(rest->ptr, (size_t)(found - rest->ptr));
    *rest = pen_slice_skip(*rest, ret_piece->len + mark.len);
    return true;
}

/* The name in the line Content-Disposition: form-data; name="..." */
static struct pen_slice name_of(struct pen_slice head)
{
    static const char disposition[] = "content-disposition:";
    struct pen_slice line = {NULL, 0};
    do {
        if (!take_until(&head, PEN_LIT("\r\n"), &line)) {
            line = head;
            head.len = 0;
        }
        if (line.len >= sizeof disposition - 1 &&
            strncasecmp(line.ptr, disposition, sizeof disposition - 1) == 0)
            return parameter(line, "name");
    } while (head.len > 0);
    return pen_slice(NULL, 0);
}

/* As in other forms the first of equal names wins. */
static enum pen_code add_part(struct pen_api_call *call, struct pen_slice part,
                              struct pen_node *map, struct pen_error *err)
{
    struct pen_slice head = {NULL, 0};
    if (!take_until(&part, PEN_LIT("\r\n\r\n"), &head))
        return fail(err, "has a part without a value");
    struct pen_slice name = name_of(head);
    if (name.len == 0)
        return fail(err, "has a part without a name");
    if (!pen_utf8_is_valid(name) || !pen_utf8_is_valid(part))
        return fail(err, "is not UTF-8");
    const char *key = pen_arena_copy(call->arena, name);
    if (key == NULL)
        return pen_fail_nomem(err);
    if (pen_node_get(map, key) != NULL)
        return PEN_OK;
    struct pen_node *node = pen_node_new_text(call->arena, part);
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(map, call->arena, key, node, err);
}

enum pen_code pen_api_add_multipart(struct pen_api_call *call, struct pen_slice body,
                                    struct pen_node *map, struct pen_error *err)
{
    const char *type = pen_http_exchange_header(call->exchange, "Content-Type");
    struct pen_slice boundary = parameter(pen_slice_str(type), "boundary"), part = {NULL, 0};
    char mark[BOUNDARY_MAX + 5] = "\r\n--";
    if (boundary.len == 0 || boundary.len > BOUNDARY_MAX)
        return fail(err, "has no boundary");
    memcpy(mark + 4, boundary.ptr, boundary.len);
    mark[4 + boundary.len] = '\0';
    if (!pen_slice_starts(body, pen_slice_str(mark + 2))) /* nobody writes a preamble */
        return fail(err, "does not begin with its boundary");
    struct pen_slice rest = pen_slice_skip(body, boundary.len + 2);
    while (!pen_slice_starts(rest, PEN_LIT("--"))) {
        if (!pen_slice_starts(rest, PEN_LIT("\r\n")))
            return fail(err, "has a boundary that does not end its line");
        rest = pen_slice_skip(rest, 2);
        if (!take_until(&rest, pen_slice_str(mark), &part))
            return fail(err, "does not end with its boundary");
        PEN_TRY(add_part(call, part, map, err));
    }
    return PEN_OK;
}
