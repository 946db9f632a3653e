/* "format NUL text": formats compile or are refused, texts are read or not, and what was read can
 * be printed; formats without NUL are tried on themselves. */
#include "fuzz.h"

#include "guess/time_guess.h"
#include "tz/time_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char format_text[128];
    struct pen_slice input = pen_slice(data, size);
    const char *end = input.len == 0 ? NULL : memchr(input.ptr, '\0', input.len);
    size_t len = end == NULL ? input.len : (size_t)(end - input.ptr);
    if (len >= sizeof format_text)
        return 0;
    if (len > 0)
        memcpy(format_text, input.ptr, len);
    format_text[len] = '\0';
    struct pen_slice text = end == NULL ? input : pen_slice_skip(input, len + 1);
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *format = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF((size_t)1 << 20);
    if (pen_time_format_new(format_text, NULL, NULL, &format, NULL) == PEN_OK) {
        struct pen_instant instant = {0};
        if (pen_time_format_parse(format, text, &instant, NULL))
            fuzz_check(instant.ns < 1000);
        else if (pen_time_format_reason(format, text, &out, NULL) != PEN_OK)
            return 0;
        (void)!pen_time_format_print(format, instant, &out, NULL);
    }
    bool is_found = false;
    (void)!pen_time_guess(&text, 1, &out, NULL, &is_found, NULL);
    return 0;
}
