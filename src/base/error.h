/* error.h - the one way a fallible function reports what happened.
 * A fallible function returns `enum pen_code` and takes `struct pen_error *err` last; err may be
 * NULL. On success err is untouched. Texts: lower case, no full stop, what failed first, the
 * subject in 'quotes'; `where` is the place (s3://bucket/key:line, file.yml:3:5), `hint` what the
 * user can do about it. Secrets never go into an error. */
#ifndef PEN_BASE_ERROR_H
#define PEN_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* What the caller can do about it. */
enum pen_code {
    PEN_OK,
    PEN_ERR_CONFIG,    /* the user's words are wrong: nothing was tried; fix the configuration */
    PEN_ERR_AUTH,      /* not permitted, or credentials missing or expired (exit 77) */
    PEN_ERR_NOT_FOUND, /* bucket, key, table, file does not exist */
    PEN_ERR_THROTTLED, /* the other side asks to come back later (exit 75) */
    PEN_ERR_IO,        /* network or disk */
    PEN_ERR_CORRUPT,   /* bytes are not what they claim to be */
    PEN_ERR_TOO_LARGE, /* a stated limit was passed */
    PEN_ERR_CONFLICT,  /* somebody else changed or holds it */
    PEN_ERR_CANCELLED, /* the user or a signal asked to stop (exit 130) */
    PEN_ERR_NOMEM,
    PEN_ERR_INTERNAL /* a bug or an unexpected answer of a library */
};

struct pen_error {
    enum pen_code code;
    bool is_retryable; /* trying the same again may succeed */
    bool is_expired;   /* credentials ran out: trying again with others may succeed */
    int sys_errno;     /* errno when a system call failed, else 0 */
    uint64_t offset;   /* byte in the object, 0 when unknown */
    uint64_t row;      /* 1-based line or row, 0 when unknown */
    char where[192];   /* which object, file, place; "" when unknown */
    char message[256]; /* what failed */
    char hint[192];    /* what to do; "" when there is nothing sensible to say */
};

/* pen_error_code_name - "config", "auth", ...: a stable word for logs and machine output. */
const char *pen_error_code_name(enum pen_code code);

/* pen_fail - fills *err (place and hint empty, errno 0, not retryable) and returns `code`.
 * in: printf format. Cut silently at the field's size. thread: any. */
enum pen_code pen_fail(struct pen_error *err, enum pen_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_fail_errno - as pen_fail, appends ": <strerror>", keeps errno; ENOSPC, EDQUOT and EFBIG get a
 * hint. in: `sys_errno` as errno was after the failing call. */
enum pen_code pen_fail_errno(struct pen_error *err, enum pen_code code, int sys_errno,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* pen_fail_nomem - the error for a refused allocation. */
enum pen_code pen_fail_nomem(struct pen_error *err);

/* pen_wrap - puts "<text>: " before the message; returns err->code (or `code` when err is NULL).
 * Once per layer, to add what the lower layer cannot know. */
enum pen_code pen_wrap(struct pen_error *err, enum pen_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_error_where / pen_error_hint - set the place or the advice, if none was set yet.
 * Both accept NULL and return nothing: they never change the code. */
void pen_error_where(struct pen_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void pen_error_hint(struct pen_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define PEN_MUST_USE __attribute__((warn_unused_result))

/* Static analysers see one file at a time and would think that a failure may be PEN_OK. A file that
 * holds the functions themselves defines PEN_FAIL_BODIES before its includes. */
#if (defined(__clang_analyzer__) || defined(PEN_ANALYZER)) && !defined(PEN_FAIL_BODIES)
#define PEN_FAILED(call)    ((void)(call), (enum pen_code)PEN_ERR_INTERNAL)
#define pen_fail(...)       PEN_FAILED(pen_fail(__VA_ARGS__))
#define pen_fail_errno(...) PEN_FAILED(pen_fail_errno(__VA_ARGS__))
#define pen_fail_nomem(...) PEN_FAILED(pen_fail_nomem(__VA_ARGS__))
#define pen_wrap(...)       PEN_FAILED(pen_wrap(__VA_ARGS__))
#endif

/* PEN_TRY - forwards a failure to the caller; locals are released by scope cleanup. */
#define PEN_TRY(call)                                                                              \
    do {                                                                                           \
        enum pen_code pen_try_code_ = (call);                                                      \
        if (pen_try_code_ != PEN_OK)                                                               \
            return pen_try_code_;                                                                  \
    } while (0)

#endif
