/* An error reply of an S3 service: whatever it holds, it becomes an error with a text. */
#include "fuzz.h"

#include <string.h>

#include "s3/s3_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pen_slice input = pen_slice(data, size);
    struct s3_error_reply reply = {.status = 300 + fuzz_take(&input)};
    struct pen_error err = {0};
    s3_error_parse(&reply, input);
    fuzz_check(reply.code[0] != '\0');
    fuzz_check(s3_error_make(&reply, false, &err) == err.code && err.code != PEN_OK);
    fuzz_check(err.message[0] != '\0' && strpbrk(err.message, "\r\n\x1b") == NULL);
    return 0;
}
