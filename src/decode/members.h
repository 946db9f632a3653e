/* members.h - formats that a library decodes and whose files are members one behind another
 * (bzip2, zstd, xz): what they have in common.
 *
 *     stored bytes --magic--> member --library--> plain bytes, again until the input ends
 *
 * Bytes behind the last member are an error unless they are zero: silently dropped bytes may be a
 * damaged member. Internal to decode/. */
#ifndef PEN_DECODE_MEMBERS_H
#define PEN_DECODE_MEMBERS_H

#include "decode/decode.h"

#define PEN_MEMBER_MAGIC_MAX 8

struct pen_member_codec {
    const char *name;  /* "bzip2": begins the errors */
    const char *magic; /* first bytes of every member */
    size_t magic_len;  /* <= PEN_MEMBER_MAGIC_MAX */
    /* start: ready for a member; false: no memory. `state` is the decoder's. */
    bool (*start)(void *state);
    /* run: moves *in and *out forward; *ret_is_end: the member is complete and was checked.
     * *ret_problem: not NULL when the data are wrong ("wrong checksum"). */
    void (*run)(void *state, struct pen_slice *in, struct pen_out *out, bool *ret_is_end,
                const char **ret_problem);
};

struct pen_members {
    uint64_t offset, member; /* stored bytes consumed; members begun, from 1 */
    bool is_in_member, is_padding;
    char head[16]; /* first bytes of the object, for errors, and the magic being collected */
    size_t head_len;
    char magic[PEN_MEMBER_MAGIC_MAX];
    size_t magic_len;
};

/* pen_members_step - `step` of struct pen_decode_type for such a format. The decoder's state begins
 * with its members: the codec's callbacks get the same pointer. */
PEN_MUST_USE enum pen_code pen_members_step(const struct pen_member_codec *codec,
                                            struct pen_members *members, struct pen_slice *in,
                                            bool is_eof, struct pen_out *out,
                                            enum pen_flow *ret_flow, struct pen_error *err);

/* pen_decode_open_plain - `open` of a decoder without options of its own. */
enum pen_code pen_decode_open_plain(struct pen_decode *decode, const struct pen_node *config,
                                    const struct pen_bind *bind, struct pen_error *err);

#endif
