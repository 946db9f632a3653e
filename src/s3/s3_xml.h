/* s3_xml.h - the XML of an S3 service as a stream of elements, with limits.
 *
 *     bytes, cut anywhere --expat--> ("ListBucketResult/Contents/Key", "a/b.csv"), ...
 *
 * Refused: document type declarations (so no entity can be defined), more than S3_XML_DEPTH levels,
 * texts past S3_XML_TEXT_MAX. thread: one at a time per object. */
#ifndef PEN_S3_S3_XML_H
#define PEN_S3_S3_XML_H

#include "base/buf.h"

#define S3_XML_DEPTH    16
#define S3_XML_TEXT_MAX ((size_t)64 << 10)

struct s3_xml;

/* Called at the end of every element. path: the names from the root, joined by '/'; text: what
 * stood in this element itself, borrowed. A code other than PEN_OK ends the parsing. */
typedef enum pen_code (*s3_xml_fn)(void *context, const char *path, struct pen_slice text,
                                   struct pen_error *err);

PEN_MUST_USE enum pen_code s3_xml_new(s3_xml_fn fn, void *context, struct s3_xml **ret_xml,
                                      struct pen_error *err);
/* s3_xml_push - the next bytes; is_end with the last (which may be empty).
 * errors: PEN_ERR_CORRUPT with offset: not XML, or refused; retryable when it merely ended early;
 *         those of fn. After an error only free is allowed. */
PEN_MUST_USE enum pen_code s3_xml_push(struct s3_xml *xml, struct pen_slice bytes, bool is_end,
                                       struct pen_error *err);
void s3_xml_free(struct s3_xml *xml);
PEN_DEFINE_FREE_P(struct s3_xml *, s3_xml_free)

#endif
