#include "guess/text_check.h"

#include "decode/decode.h"

#define MAGIC_BYTES ((size_t)16)

/* TAB to CR, and the escape of ISO-2022, stand in texts. */
static bool is_control(unsigned char c)
{
    return c == 0x7f || (c < 0x20 && !(c >= '\t' && c <= '\r') && c != 0x1b);
}

enum pen_code guess_check_text(struct pen_slice bytes, struct pen_slice text,
                               const struct pen_node *parser, struct pen_error *err)
{
    const struct pen_node *delimiter = pen_node_get(parser, "delimiter");
    uint64_t controls = 0, characters = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_delimiter = delimiter != NULL && delimiter->text.len > 0 &&
                            memchr(delimiter->text.ptr, c, delimiter->text.len) != NULL;
        characters += (c & 0xc0) != 0x80;
        controls += is_control(c) && !is_delimiter;
    }
    if (controls * 20 <= characters)
        return PEN_OK;
    if (bytes.len > MAGIC_BYTES)
        bytes.len = MAGIC_BYTES;
    (void)pen_fail(err, PEN_ERR_CORRUPT,
                   "the sample is no text: it looks like %s, %llu of %llu characters are control "
                   "characters",
                   pen_decode_looks_like(bytes), (unsigned long long)controls,
                   (unsigned long long)characters);
    pen_error_hint(err, "set parser.charset if it is text in another encoding, or "
                        "parser.delimiter if a control character separates the fields");
    return PEN_ERR_CORRUPT;
}
