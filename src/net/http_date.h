/* http_date.h - the dates in HTTP headers; independent of locale and zone. */
#ifndef PEN_NET_HTTP_DATE_H
#define PEN_NET_HTTP_DATE_H

#include "base/slice.h"

/* pen_http_date_us - "Fri, 24 May 2013 00:00:00 GMT", the one form that senders may use today.
 * out: *ret_utc_us, only on true. source: RFC 9110 section 5.6.7. thread: any. */
bool pen_http_date_us(struct pen_slice text, int64_t *ret_utc_us);

#endif
