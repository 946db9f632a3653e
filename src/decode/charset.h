/* charset.h - plain bytes of any charset --convert--> UTF-8 text. The last part of STEP 2.
 *
 * Names and aliases are ICU's ("Shift_JIS", "MS932", "EUC-JP", "ISO-2022-JP", "UTF-16", "latin1",
 * "windows-1252", "GB18030", ...), case-insensitive. What is malformed or unmappable becomes
 * U+FFFD, one for each offending unit, and is counted. A byte order mark of UTF-16 and UTF-32 is
 * consumed. source: spec/parsers.md 2; ICU because its tables are the ones that the original's
 * guess names. */
#ifndef PEN_DECODE_CHARSET_H
#define PEN_DECODE_CHARSET_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/slice.h"
#include "decode/decode.h"

struct pen_charset;

/* pen_charset_is_utf8 - whether text of that name needs no conversion (NULL, "utf-8", "UTF8"). */
bool pen_charset_is_utf8(const char *name);

/* pen_charset_is_known - whether pen_charset_new would succeed, memory permitting. */
bool pen_charset_is_known(const char *name);

/* pen_charset_new - errors: PEN_ERR_CONFIG "unknown charset 'x'"; PEN_ERR_NOMEM.
 * thread: one at a time. */
PEN_MUST_USE enum pen_code pen_charset_new(const char *name, struct pen_charset **ret_charset,
                                           struct pen_error *err);
void pen_charset_free(struct pen_charset *charset);
PEN_DEFINE_FREE_P(struct pen_charset *, pen_charset_free)

/* pen_charset_convert - moves *in and *out forward; keeps what a cut character needs inside.
 * in:  is_eof: nothing follows *in; a character cut there becomes U+FFFD.
 * out: PEN_FLOW_MORE_INPUT: *in is used up (with is_eof: PEN_FLOW_END); PEN_FLOW_MORE_ROOM. Needs
 *      at least 16 bytes of room to go on.
 * errors: PEN_ERR_INTERNAL when ICU fails. */
PEN_MUST_USE enum pen_code pen_charset_convert(struct pen_charset *charset, struct pen_slice *in,
                                               bool is_eof, struct pen_out *out,
                                               enum pen_flow *ret_flow, struct pen_error *err);

/* pen_charset_replaced - malformed units so far. */
uint64_t pen_charset_replaced(const struct pen_charset *charset);

/* pen_charset_name - ICU's name of it. */
const char *pen_charset_name(const struct pen_charset *charset);

/* pen_charset_of_json - "UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE" or "UTF-32BE": told by the
 * first 4 bytes of a JSON text, with or without a byte order mark (the nulls of its first
 * character). source: RFC 4627 section 3; spec/parsers.md 4.1. */
const char *pen_charset_of_json(struct pen_slice head);

#endif
