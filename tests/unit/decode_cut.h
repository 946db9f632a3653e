/* decode_cut.h - a decoder fed with its input in two pieces. */
#ifndef PEN_TESTS_DECODE_CUT_H
#define PEN_TESTS_DECODE_CUT_H

#include "unit.h"

#include "decode/decode.h"

/* decode_cut - resets the decoder, gives it in[0, cut) and then the rest, takes `room` (<= 256)
 * bytes at a time; everything that came is in `out`. */
static inline enum pen_code decode_cut(struct pen_decode *decoder, struct pen_slice in, size_t cut,
                                       size_t room, struct pen_buf *out, struct pen_error *err)
{
    decoder->type->reset(decoder);
    pen_buf_clear(out);
    struct pen_slice piece = pen_slice(in.ptr, cut);
    bool is_eof = cut == in.len;
    for (;;) {
        char space[256];
        struct pen_out to = {.ptr = space, .room = room};
        enum pen_flow flow;
        PEN_TRY(pen_decode_step(decoder, &piece, is_eof, &to, &flow, err));
        PEN_TRY(pen_buf_add(out, space, room - to.room, err));
        if (flow == PEN_FLOW_END)
            return PEN_OK;
        if (flow == PEN_FLOW_MORE_INPUT) {
            assert_int_equal(piece.len, 0);
            assert_false(is_eof);
            piece = pen_slice_skip(in, cut);
            is_eof = true;
        }
    }
}

#endif
