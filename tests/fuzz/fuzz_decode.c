/* The first byte picks a decoder and the room of a call, the rest is a stored object. What comes
 * out must not depend on how it is cut. */
#include "fuzz.h"

#include "decode/decode.h"

static const struct pen_decode_type *const types[] = {&pen_decode_gzip, &pen_decode_bzip2,
                                                      &pen_decode_zstd, &pen_decode_xz};
#define TYPES (sizeof types / sizeof types[0])

/* Enough to see wrong text, not enough for a bomb to take long. */
#define PLAIN_MAX ((uint64_t)1 << 20)

struct result {
    enum pen_code code;
    uint64_t len, hash;
};

static struct result decode(struct pen_decode *decoder, struct pen_slice input, size_t cut,
                            size_t room)
{
    struct result result = {.hash = 1};
    char space[4096];
    struct pen_slice piece = pen_slice(input.ptr, cut);
    bool is_eof = cut == input.len;
    decoder->type->reset(decoder);
    for (;;) {
        struct pen_out out = {.ptr = space, .room = room};
        enum pen_flow flow = PEN_FLOW_END;
        result.code = pen_decode_step(decoder, &piece, is_eof, &out, &flow, NULL);
        for (size_t i = 0; i < room - out.room; i++)
            result.hash = (result.hash ^ (uint8_t)space[i]) * UINT64_C(1099511628211);
        result.len += room - out.room;
        if (result.code != PEN_OK || flow == PEN_FLOW_END || result.len > PLAIN_MAX)
            return result;
        if (flow == PEN_FLOW_MORE_INPUT) {
            fuzz_check(!is_eof);
            piece = pen_slice_skip(input, cut);
            is_eof = true;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pen_decode *decoders[TYPES];
    struct pen_slice input = pen_slice(data, size);
    uint8_t choice = fuzz_take(&input);
    struct pen_decode **decoder = &decoders[choice % TYPES];
    if (*decoder == NULL)
        fuzz_check(pen_decode_new(types[choice % TYPES], NULL, NULL, decoder, NULL) == PEN_OK);
    struct result whole = decode(*decoder, input, input.len, 4096);
    struct result cut = decode(*decoder, input, input.len / 2, 1 + choice % 64);
    if (whole.len > PLAIN_MAX || cut.len > PLAIN_MAX)
        return 0;
    fuzz_check(whole.code == cut.code);
    if (whole.code == PEN_OK)
        fuzz_check(whole.len == cut.len && whole.hash == cut.hash);
    return 0;
}
