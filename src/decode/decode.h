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

/* Memory that pure work may use while it runs; its content is lost between two uses. */
struct pen_decode_scratch {
    void *memory;
    size_t bytes;
};

/* pen_decode_scratch_get - at least `bytes`, not initialised; NULL: no memory. _release frees. */
void *pen_decode_scratch_get(struct pen_decode_scratch *scratch, size_t bytes);
void pen_decode_scratch_release(struct pen_decode_scratch *scratch);

/* A piece of work that depends on nothing but itself, such as a block that decodes alone. */
struct pen_decode_work {
    void (*run)(struct pen_decode_work *work, struct pen_decode_scratch *scratch);
    struct pen_decode_work *next; /* the team's */
    int progress;                 /* the team's */
};

/* Who runs such work: whoever runs the decoders lends its threads by this, so that decoders need to
 * know none (run/decode_team.h). All calls come from the thread that calls `step` or `close`. */
struct pen_decode_team {
    /* width: how many works it pays to have under way now, at least 1. */
    size_t (*width)(struct pen_decode_team *team);
    /* start: the work may be run from now on, by any thread. */
    void (*start)(struct pen_decode_team *team, struct pen_decode_work *work);
    /* finish: returns when a started work has been run, by this thread when by no other. */
    void (*finish)(struct pen_decode_team *team, struct pen_decode_work *work);
    /* drop: as finish, but a work that nobody began is not run. */
    void (*drop)(struct pen_decode_team *team, struct pen_decode_work *work);
};

struct pen_decode {
    const struct pen_decode_type *type;
    struct pen_decode_team *team; /* borrowed; NULL: every work is run when its result is needed */
    void *state;                  /* info.state_size bytes, zeroed */
};

struct pen_decode_type {
    struct pen_step_info info;
    bool is_archive; /* many files in one object (zip.h): only as the first decoder; `step` gives
                        the text of one of them, for samples */
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

/* pen_decode_compressed_as - the type of the decoder ("gzip" ...) that bytes beginning with `head`
 * surely need: no text of any charset begins so. NULL: text, or fewer bytes than it takes to know
 * (PEN_DECODE_HEAD_BYTES are enough). */
#define PEN_DECODE_HEAD_BYTES ((size_t)10)
const char *pen_decode_compressed_as(struct pen_slice head);

extern const struct pen_decode_type pen_decode_gzip;  /* gzip.c */
extern const struct pen_decode_type pen_decode_bzip2; /* bzip2.c */
extern const struct pen_decode_type pen_decode_zstd;  /* zstd.c */
extern const struct pen_decode_type pen_decode_xz;    /* xz.c */
extern const struct pen_decode_type pen_decode_zip;   /* zip.c */

#endif
