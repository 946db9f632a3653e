/* A reply of ListObjectsV2, whole and cut: the same page, or an error, never a crash. */
#include "fuzz.h"

#include "s3/s3_page.h"

static enum pen_code read_page(struct pen_slice text, size_t cut, struct pen_s3_page *page)
{
    PEN_CLEANUP(s3_page_parse_free_p) struct s3_page_parse *parse = NULL;
    PEN_TRY(s3_page_parse_new(page, &parse, NULL));
    PEN_TRY(s3_page_parse_push(parse, pen_slice(text.ptr, cut), false, NULL));
    return s3_page_parse_push(parse, pen_slice_skip(text, cut), true, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pen_s3_page whole, cut;
    struct pen_slice text = pen_slice(data, size);
    enum pen_code one = read_page(text, size, &whole);
    enum pen_code other = read_page(text, size / 2, &cut);
    fuzz_check(one == other);
    if (one == PEN_OK)
        fuzz_check(whole.count == cut.count);
    s3_page_clear(&whole);
    s3_page_clear(&cut);
    return 0;
}
