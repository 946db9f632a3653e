/* s3_page.h - one reply of ListObjectsV2 --> entries. Pure: bytes in, page out.
 * source: ListObjectsV2 in the S3 API reference; cases: tests/unit/test_s3_page.c */
#ifndef PEN_S3_S3_PAGE_H
#define PEN_S3_S3_PAGE_H

#include "s3/s3_client.h"

struct s3_page_parse;

/* s3_page_parse_new - clears `page` and prepares to fill it. The page is borrowed until free. */
PEN_MUST_USE enum pen_code s3_page_parse_new(struct pen_s3_page *page,
                                             struct s3_page_parse **ret_parse,
                                             struct pen_error *err);
/* s3_page_parse_push - the next bytes; is_end: there are no more, the page is checked and complete.
 * errors: PEN_ERR_CORRUPT not a listing, or with a size, time or key that cannot be one;
 *         PEN_ERR_TOO_LARGE more than a listing can hold. The page is then to be cleared. */
PEN_MUST_USE enum pen_code s3_page_parse_push(struct s3_page_parse *parse, struct pen_slice bytes,
                                              bool is_end, struct pen_error *err);
void s3_page_parse_free(struct s3_page_parse *parse);
PEN_DEFINE_FREE_P(struct s3_page_parse *, s3_page_parse_free)

/* s3_page_clear - forgets the entries, keeps the memory. */
void s3_page_clear(struct pen_s3_page *page);

/* s3_etag_text - an ETag without quotes and weak mark. */
struct pen_slice s3_etag_text(struct pen_slice value);

/* s3_parse_size - decimal digits only. out: *ret, only on true. */
bool s3_parse_size(struct pen_slice text, uint64_t *ret);

#endif
