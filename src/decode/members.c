#include "decode/members.h"

static enum pen_code fail_at(const struct pen_member_codec *codec,
                             const struct pen_members *members, const char *problem,
                             struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CORRUPT, "%s: %s at byte %llu", codec->name, problem,
                   (unsigned long long)members->offset);
    if (err != NULL)
        err->offset = members->offset;
    return PEN_ERR_CORRUPT;
}

static enum pen_code fail_format(const struct pen_member_codec *codec,
                                 const struct pen_members *members, struct pen_error *err)
{
    if (members->member > 0)
        return fail_at(codec, members, "bytes behind the last member are not a member", err);
    struct pen_slice head = pen_slice(members->head, members->head_len);
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Not in %s format: the bytes look like %s", codec->name,
                   pen_decode_looks_like(head));
    pen_error_hint(err, "set 'decoders' to what the objects are, or remove it for plain files");
    return PEN_ERR_CORRUPT;
}

static void take(struct pen_members *members, struct pen_slice *in, size_t n)
{
    size_t room = sizeof members->head - members->head_len;
    size_t kept = n < room ? n : room;
    memcpy(members->head + members->head_len, in->ptr, kept);
    members->head_len += kept;
    members->offset += n;
    *in = pen_slice_skip(*in, n);
}

/* Zero bytes behind a member are padding; then nothing but zeros may follow. */
static enum pen_code skip_padding(const struct pen_member_codec *codec, struct pen_members *members,
                                  struct pen_slice *in, struct pen_error *err)
{
    while (in->len > 0 && *in->ptr == '\0')
        take(members, in, 1);
    return in->len > 0 ? fail_format(codec, members, err) : PEN_OK;
}

/* Collects the magic of the next member, byte by byte: it may be cut anywhere. */
static enum pen_code read_magic(const struct pen_member_codec *codec, struct pen_members *members,
                                struct pen_slice *in, bool is_eof, struct pen_error *err)
{
    bool may_pad = members->member > 0 && members->magic_len == 0 && in->len > 0;
    members->is_padding = members->is_padding || (may_pad && *in->ptr == '\0');
    if (members->is_padding)
        return skip_padding(codec, members, in, err);
    bool is_wrong = false;
    while (members->magic_len < codec->magic_len && in->len > 0 && !is_wrong) {
        members->magic[members->magic_len] = *in->ptr;
        is_wrong = *in->ptr != codec->magic[members->magic_len];
        members->magic_len++;
        take(members, in, 1);
    }
    bool is_short = is_eof && in->len == 0 && members->magic_len < codec->magic_len;
    if (is_wrong || (is_short && (members->member == 0 || members->magic_len > 0))) {
        uint64_t begin = members->offset - members->magic_len;
        take(members, in, in->len < 8 ? in->len : 8); /* more of the head, for the error */
        members->offset = begin;
        return fail_format(codec, members, err);
    }
    return PEN_OK;
}

static enum pen_code run(const struct pen_member_codec *codec, struct pen_members *members,
                         struct pen_slice *in, struct pen_out *out, struct pen_error *err)
{
    const char *before = in->ptr;
    const char *problem = NULL;
    bool is_end = false;
    codec->run(members, in, out, &is_end, &problem);
    members->offset += (uint64_t)(in->ptr - before);
    if (problem != NULL)
        return fail_at(codec, members, problem, err);
    members->is_in_member = !is_end;
    return PEN_OK;
}

/* The magic was taken from the input already: the library gets it first. */
static enum pen_code begin_member(const struct pen_member_codec *codec, struct pen_members *members,
                                  struct pen_out *out, struct pen_error *err)
{
    if (!codec->start(members))
        return pen_fail_nomem(err);
    members->member++;
    members->magic_len = 0;
    members->is_in_member = true;
    members->offset -= codec->magic_len;
    struct pen_slice magic = pen_slice(codec->magic, codec->magic_len);
    while (magic.len > 0)
        PEN_TRY(run(codec, members, &magic, out, err));
    return PEN_OK;
}

enum pen_code pen_members_step(const struct pen_member_codec *codec, struct pen_members *members,
                               struct pen_slice *in, bool is_eof, struct pen_out *out,
                               enum pen_flow *ret_flow, struct pen_error *err)
{
    for (;;) {
        if (!members->is_in_member)
            PEN_TRY(read_magic(codec, members, in, is_eof, err));
        if (!members->is_in_member && members->magic_len == codec->magic_len)
            PEN_TRY(begin_member(codec, members, out, err));
        else if (!members->is_in_member) {
            *ret_flow = is_eof ? PEN_FLOW_END : PEN_FLOW_MORE_INPUT;
            return PEN_OK;
        }
        size_t in_before = in->len, room_before = out->room;
        PEN_TRY(run(codec, members, in, out, err));
        if (!members->is_in_member)
            continue;
        if (out->room == 0) {
            *ret_flow = PEN_FLOW_MORE_ROOM;
            return PEN_OK;
        }
        bool has_moved = in->len != in_before || out->room != room_before;
        if (in->len > 0 && has_moved)
            continue;
        if (in->len > 0)
            return fail_at(codec, members, "no progress in the compressed data", err);
        if (is_eof && !has_moved)
            return fail_at(codec, members, "truncated: the data end", err);
        if (!is_eof) {
            *ret_flow = PEN_FLOW_MORE_INPUT;
            return PEN_OK;
        }
    }
}

enum pen_code pen_decode_open_plain(struct pen_decode *decode, const struct pen_node *config,
                                    const struct pen_bind *bind, struct pen_error *err)
{
    static const char *const also[] = {"type", NULL};
    PEN_TRY(pen_options_bind(decode->type->info.options, config, "decoder", also, decode->state,
                             bind, err));
    decode->type->reset(decode);
    return PEN_OK;
}
