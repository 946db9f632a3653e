/* decode.h - STEP 2: stored bytes --step--> plain bytes.
 * The caller owns both buffers; a decoder only moves positions, so that it can be fed by any cut.
 */
#ifndef PEN_DECODE_DECODE_H
#define PEN_DECODE_DECODE_H

#include "conf/options.h"

struct pen_out {
    char *ptr; /* next free byte */
    size_t room;
};

enum pen_flow {
    PEN_FLOW_MORE_INPUT, /* all input consumed; wants more (or is_eof and nothing is left to do) */
    PEN_FLOW_MORE_ROOM,  /* output is full; call again with room */
    PEN_FLOW_END /* the decoded stream is complete; trailing input was consumed or ignored */
};

struct pen_decode {
    const struct pen_decode_type *type;
    void *state; /* info.state_size bytes, zeroed */
};

struct pen_decode_type {
    struct pen_step_info info;
    /* magic: do these first bytes (up to 16) look like this format? Used by guess and by errors. */
    bool (*magic)(struct pen_slice head);
    enum pen_code (*open)(struct pen_decode *decode, const struct pen_node *config,
                          const struct pen_bind *bind, struct pen_error *err);
    /* step: consumes from *in, writes to *out, both moved forward.
     * in:     is_eof: *in is the last input; called until PEN_FLOW_END.
     * errors: PEN_ERR_CORRUPT with err->offset = stored byte where it broke: wrong magic (naming
     *         what the bytes look like), bad data, CRC or length mismatch, truncation at is_eof. */
    enum pen_code (*step)(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                          struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err);
    /* reset: ready for the next object. */
    void (*reset)(struct pen_decode *decode);
    void (*close)(struct pen_decode *decode);
};

/* pen_decode_new - an opened decoder. thread: one at a time per decoder. */
PEN_MUST_USE enum pen_code pen_decode_new(const struct pen_decode_type *type,
                                          const struct pen_node *config,
                                          const struct pen_bind *bind,
                                          struct pen_decode **ret_decode, struct pen_error *err);
void pen_decode_free(struct pen_decode *decode);
PEN_DEFINE_FREE_P(struct pen_decode *, pen_decode_free)

static inline enum pen_code pen_decode_step(struct pen_decode *decode, struct pen_slice *in,
                                            bool is_eof, struct pen_out *out,
                                            enum pen_flow *ret_flow, struct pen_error *err)
{
    return decode->type->step(decode, in, is_eof, out, ret_flow, err);
}

/* pen_decode_looks_like - "gzip", "bzip2", "zip", "zstd", "xz", "plain text" ...: what the first
 * bytes of an object look like, for guess and for helpful errors. Never NULL. */
const char *pen_decode_looks_like(struct pen_slice head);

extern const struct pen_decode_type pen_decode_gzip;  /* gzip.c */
extern const struct pen_decode_type pen_decode_bzip2; /* bzip2.c */
extern const struct pen_decode_type pen_decode_zstd;  /* zstd.c */
extern const struct pen_decode_type pen_decode_xz;    /* xz.c */

#endif
