/* stored bytes --each decoder in turn, over all of them--> plain bytes */
#include "guess/sample_decode.h"

const struct pen_decode_type *guess_find_decoder(const struct pen_guess_request *request,
                                                 struct pen_slice name)
{
    for (size_t i = 0; request->decoders != NULL && request->decoders[i] != NULL; i++)
        if (pen_slice_is(name, request->decoders[i]->info.name))
            return request->decoders[i];
    return NULL;
}

/* One decoder over all of `in`. What comes out before an error is the sample: the cut of the
 * object is an error to the decoder. *is_whole stays true when the stream ended well. */
static enum pen_code decode_once(struct pen_decode *decode, struct pen_slice in, size_t most,
                                 struct pen_buf *out, bool *is_whole, struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(out, most, err));
    struct pen_out to = {.ptr = out->ptr, .room = most};
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    enum pen_code code;
    do {
        code = pen_decode_step(decode, &in, *is_whole, &to, &flow, err);
    } while (code == PEN_OK && flow == PEN_FLOW_MORE_INPUT && in.len > 0);
    out->len = most - to.room;
    out->ptr[out->len] = '\0';
    *is_whole &= code == PEN_OK && flow == PEN_FLOW_END;
    return out->len > 0 ? PEN_OK : code;
}

static enum pen_code decode_with(const struct pen_guess_request *request,
                                 const struct pen_node *entry, size_t most, struct pen_buf *text,
                                 bool *is_whole, struct pen_error *err)
{
    const struct pen_node *type = pen_node_get(entry, "type");
    struct pen_slice name = type == NULL ? PEN_LIT("") : type->text;
    const struct pen_decode_type *decoder = guess_find_decoder(request, name);
    if (decoder == NULL)
        return pen_fail_at(request->bind, entry, err, "unknown decoder '%.*s'", PEN_ARG(name));
    PEN_CLEANUP(pen_decode_free_p) struct pen_decode *decode = NULL;
    PEN_TRY(pen_decode_new(decoder, entry, request->bind, &decode, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(most);
    PEN_TRY(decode_once(decode, pen_buf_slice(text), most, &out, is_whole, err));
    struct pen_buf stored = *text;
    *text = out;
    out = stored;
    return PEN_OK;
}

enum pen_code guess_decode(const struct pen_guess_request *request, const struct pen_node *list,
                           struct pen_slice stored, size_t most, bool *is_whole,
                           struct pen_buf *text, struct pen_error *err)
{
    pen_buf_clear(text);
    PEN_TRY(pen_buf_add_slice(text, stored, err));
    if (list == NULL || list->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (list->kind != PEN_NODE_LIST)
        return pen_fail_at(request->bind, list, err, "'decoders' must be a list");
    for (const struct pen_node *entry = list->first; entry != NULL; entry = entry->next) {
        PEN_TRY(decode_with(request, entry, most, text, is_whole, err));
        if (text->len == 0)
            return pen_fail(err, PEN_ERR_CORRUPT, "No input buffer to guess");
    }
    return PEN_OK;
}
