#include "decode/decode.h"

#include <stdlib.h>

enum pen_code pen_decode_new(const struct pen_decode_type *type, const struct pen_node *config,
                             const struct pen_bind *bind, struct pen_decode **ret_decode,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_decode_free_p) struct pen_decode *decode = calloc(1, sizeof *decode);
    if (decode == NULL)
        return pen_fail_nomem(err);
    decode->type = type;
    decode->state = calloc(1, type->info.state_size);
    if (decode->state == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(type->open(decode, config, bind, err));
    *ret_decode = PEN_TAKE(decode);
    return PEN_OK;
}

void *pen_decode_scratch_get(struct pen_decode_scratch *scratch, size_t bytes)
{
    if (scratch->bytes >= bytes)
        return scratch->memory;
    pen_decode_scratch_release(scratch);
    scratch->memory = malloc(bytes);
    scratch->bytes = scratch->memory == NULL ? 0 : bytes;
    return scratch->memory;
}

void pen_decode_scratch_release(struct pen_decode_scratch *scratch)
{
    free(scratch->memory);
    *scratch = (struct pen_decode_scratch){0};
}

void pen_decode_free(struct pen_decode *decode)
{
    if (decode == NULL)
        return;
    if (decode->state != NULL)
        decode->type->close(decode);
    free(decode->state);
    free(decode);
}
