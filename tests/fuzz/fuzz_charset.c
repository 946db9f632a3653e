/* The first byte picks a charset, the rest is text in it: the result is valid UTF-8, whatever the
 * cut; and repaired UTF-8 is valid. */
#include "fuzz.h"

#include "base/utf8.h"
#include "decode/charset.h"

static const char *const names[] = {"Shift_JIS",    "EUC-JP",     "ISO-2022-JP", "UTF-16",
                                    "UTF-32LE",     "GB18030",    "EUC-KR",      "Big5",
                                    "windows-1252", "ISO-8859-2", "KOI8-R",      "UTF-16LE"};
#define NAMES (sizeof names / sizeof names[0])

static void convert(const char *name, struct pen_slice input, size_t cut, size_t room,
                    struct pen_buf *text)
{
    PEN_CLEANUP(pen_charset_free_p) struct pen_charset *charset = NULL;
    fuzz_check(pen_charset_new(name, &charset, NULL) == PEN_OK);
    struct pen_slice parts[] = {pen_slice(input.ptr, cut), pen_slice_skip(input, cut)};
    for (size_t i = 0; i < 2; i++) {
        enum pen_flow flow = PEN_FLOW_MORE_ROOM;
        while (flow == PEN_FLOW_MORE_ROOM) {
            char space[256];
            struct pen_out out = {.ptr = space, .room = room};
            fuzz_check(pen_charset_convert(charset, &parts[i], i == 1, &out, &flow, NULL) ==
                       PEN_OK);
            fuzz_check(pen_buf_add(text, space, room - out.room, NULL) == PEN_OK);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pen_slice input = pen_slice(data, size);
    const char *name = names[fuzz_take(&input) % NAMES];
    PEN_CLEANUP(pen_buf_release) struct pen_buf whole = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf cut = PEN_BUF(PEN_BUF_TEXT_MAX);
    convert(name, input, input.len, 256, &whole);
    convert(name, input, input.len / 3, 16, &cut);
    fuzz_check(pen_slice_equal(pen_buf_slice(&whole), pen_buf_slice(&cut)));
    fuzz_check(pen_utf8_is_valid_scalar(pen_buf_slice(&whole)));
    fuzz_check(pen_utf8_is_valid(input) == pen_utf8_is_valid_scalar(input));
    pen_buf_clear(&whole);
    size_t used = 0;
    uint64_t replaced = 0;
    fuzz_check(pen_utf8_repair(input, true, &whole, &used, &replaced, NULL) == PEN_OK);
    fuzz_check(used == input.len && pen_utf8_is_valid(pen_buf_slice(&whole)));
    fuzz_check((replaced == 0) == pen_utf8_is_valid(input));
    return 0;
}
