/* sigv4.h - AWS Signature Version 4 in request headers. Pure: no clock, no environment.
 *
 *     request + credentials + time --> canonical request --> text to sign --> header lines
 *
 * source: "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference and
 * "Create a signed AWS API request" of the IAM guide; cases: tests/unit/test_sigv4.c */
#ifndef PEN_AWS_SIGV4_H
#define PEN_AWS_SIGV4_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/buf.h"

struct pen_sigv4_pair {
    struct pen_slice name, value;
};

struct pen_sigv4_request {
    const char *method;
    const char *host; /* as in the Host header: with the port when it is not the scheme's */
    const char *path; /* as sent: percent-encoded once, "/" at least; never normalised (S3) */
    const struct pen_sigv4_pair *query; /* plain names and values, any order */
    size_t query_count;
    const struct pen_sigv4_pair *headers; /* sent and signed besides host and x-amz-*; any order */
    size_t header_count;
    const char *payload_hash; /* 64 hex digits, or PEN_SIGV4_UNSIGNED */
    bool has_payload_header;  /* send x-amz-content-sha256: S3 demands it, STS does not */
    const char *region, *service;
    int64_t now_utc_us;
};

#define PEN_SIGV4_UNSIGNED   "UNSIGNED-PAYLOAD"
#define PEN_SIGV4_EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* pen_sigv4_hash - the SHA-256 of `bytes` as 64 lower-case hex digits and NUL. */
PEN_MUST_USE enum pen_code pen_sigv4_hash(struct pen_slice bytes, char ret_hex[65],
                                          struct pen_error *err);

/* pen_uri_encode - appends `text` with every byte but A-Z a-z 0-9 - . _ ~ as %XX (upper case);
 * '/' stays when keep_slash. */
PEN_MUST_USE enum pen_code pen_uri_encode(struct pen_buf *into, struct pen_slice text,
                                          bool keep_slash, struct pen_error *err);

/* pen_sigv4_query - appends "a=1&b=2": encoded and in the order that is signed. Send exactly this.
 * in: count <= PEN_SIGV4_PAIRS_MAX. */
PEN_MUST_USE enum pen_code pen_sigv4_query(struct pen_buf *into, const struct pen_sigv4_pair *query,
                                           size_t count, struct pen_error *err);
#define PEN_SIGV4_PAIRS_MAX 32

/* pen_sigv4_canonical - appends the canonical request; for tests and for explaining a
 * SignatureDoesNotMatch. credentials: only session_token is used. */
PEN_MUST_USE enum pen_code pen_sigv4_canonical(const struct pen_sigv4_request *request,
                                               const struct pen_credentials *credentials,
                                               struct pen_buf *into, struct pen_error *err);

/* pen_sigv4_sign - the header lines to send, NULL-terminated, in `arena`: the request's own
 * headers, x-amz-date, x-amz-content-sha256, x-amz-security-token, Authorization; not Host.
 * credentials NULL: an anonymous request, only its own headers.
 * errors: PEN_ERR_NOMEM; PEN_ERR_TOO_LARGE more than PEN_SIGV4_PAIRS_MAX headers. */
PEN_MUST_USE enum pen_code pen_sigv4_sign(const struct pen_sigv4_request *request,
                                          const struct pen_credentials *credentials,
                                          struct pen_arena *arena, const char *const **ret_lines,
                                          struct pen_error *err);

#endif
