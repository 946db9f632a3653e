/* Our bzip2 decoder against libbz2: both refuse, or both give the same text; also of what is
 * refused the text before the damage is the same. The first byte chooses: stored bytes as they are;
 * a block's bits behind a head and a magic; or a block made of the symbols, with its right
 * checksum. */
#include "fuzz.h"

#include "../unit/bzip2_maker.h"
#include "decode/decode.h"

#define TEXT_MAX   ((size_t)1 << 17)
#define STORED_MAX ((size_t)1 << 16)

static uint8_t expected[TEXT_MAX], text[TEXT_MAX], stored_bytes[STORED_MAX];

/* One call with at most `room` bytes more; false: refused. */
static bool step(struct pen_decode *decoder, struct pen_slice *piece, bool is_eof, size_t room,
                 size_t *len, enum pen_flow *ret_flow)
{
    size_t left = TEXT_MAX - *len < room ? TEXT_MAX - *len : room;
    struct pen_out out = {.ptr = (char *)text + *len, .room = left};
    struct pen_error err = {0};
    enum pen_code code = pen_decode_step(decoder, piece, is_eof, &out, ret_flow, &err);
    *len += left - out.room;
    fuzz_check(code == PEN_OK || code == PEN_ERR_CORRUPT);
    return code == PEN_OK;
}

/* out: -1 when there was more than TEXT_MAX */
static int decode(struct pen_decode *decoder, struct pen_slice stored, size_t cut, size_t room,
                  size_t *ret_len)
{
    struct pen_slice piece = pen_slice(stored.ptr, cut);
    bool is_eof = cut == stored.len;
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    *ret_len = 0;
    decoder->type->reset(decoder);
    while (flow != PEN_FLOW_END) {
        if (!step(decoder, &piece, is_eof, room, ret_len, &flow))
            return 0;
        if (flow == PEN_FLOW_MORE_ROOM && *ret_len == TEXT_MAX)
            return -1;
        bool is_hungry = flow == PEN_FLOW_MORE_INPUT;
        fuzz_check(!is_hungry || (!is_eof && piece.len == 0));
        if (is_hungry) {
            piece = pen_slice_skip(stored, cut);
            is_eof = true;
        }
    }
    return 1;
}

static void compare(struct pen_slice stored, size_t cut, size_t room)
{
    static struct pen_decode *decoder;
    if (decoder == NULL)
        fuzz_check(pen_decode_new(&pen_decode_bzip2, NULL, NULL, &decoder, NULL) == PEN_OK);
    size_t expected_len = 0, len = 0;
    bool is_sound =
        library_decode((const uint8_t *)stored.ptr, stored.len, expected, TEXT_MAX, &expected_len);
    int result = decode(decoder, stored, cut, room, &len);
    if (expected_len > TEXT_MAX || result < 0)
        return;
    fuzz_check(result == is_sound);
    if (is_sound)
        fuzz_check(len == expected_len);
    size_t both = len < expected_len ? len : expected_len;
    fuzz_check(memcmp(text, expected, both) == 0);
}

static struct pen_slice behind_a_head(struct pen_slice input)
{
    struct bit_writer writer = {.bytes = stored_bytes, .cap = STORED_MAX};
    write_head(&writer, 1 + fuzz_take(&input) % 9);
    write_bits(&writer, UINT64_C(0x314159265359), 48);
    while (input.len > 0 && writer.bits / 8 < STORED_MAX - 1)
        write_bits(&writer, fuzz_take(&input), 8);
    return pen_slice(stored_bytes, writer.bits / 8);
}

static struct pen_slice made_of_symbols(struct pen_slice input)
{
    static uint8_t symbols[8192];
    struct made_block block = {.symbols = symbols};
    uint8_t flags = fuzz_take(&input);
    block.is_randomised = (flags & 1) != 0;
    block.start = (uint32_t)fuzz_take(&input) << 8 | fuzz_take(&input);
    for (; input.len > 0 && block.count < sizeof symbols; block.count++)
        symbols[block.count] = fuzz_take(&input) % MAKER_END;
    struct bit_writer writer = {0};
    for (int round = 0; round < 2; round++) {
        writer = (struct bit_writer){.bytes = stored_bytes, .cap = STORED_MAX};
        size_t len = 0;
        write_head(&writer, 1 + (flags >> 1) % 9);
        write_block(&writer, &block);
        write_end(&writer, block.crc);
        (void)library_decode(stored_bytes, writer.bits / 8, expected, TEXT_MAX, &len);
        if (len <= TEXT_MAX)
            block.crc = bzip2_crc(expected, len);
    }
    return pen_slice(stored_bytes, writer.bits / 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pen_slice input = pen_slice(data, size);
    uint8_t choice = fuzz_take(&input);
    struct pen_slice stored = choice % 3 == 0   ? input
                              : choice % 3 == 1 ? behind_a_head(input)
                                                : made_of_symbols(input);
    compare(stored, stored.len * (choice / 3 % 8) / 7, (size_t)1 << (choice % 14));
    return 0;
}
