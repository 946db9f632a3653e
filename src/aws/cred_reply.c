/* cred_reply.c - what metadata services and credential processes answer. */
#include <string.h>

#include "aws/cred_internal.h"
#include "base/civil.h"
#include "base/json.h"

#define REPLY_MAX_BYTES ((size_t)256 << 10)

static bool read_digits(struct pen_slice *text, size_t count, int *ret_value)
{
    if (text->len < count)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return false;
        value = value * 10 + (text->ptr[i] - '0');
    }
    *text = pen_slice_skip(*text, count);
    *ret_value = value;
    return true;
}

static bool read_char(struct pen_slice *text, const char *one_of)
{
    if (text->len == 0 || text->ptr[0] == '\0' || strchr(one_of, text->ptr[0]) == NULL)
        return false;
    *text = pen_slice_skip(*text, 1);
    return true;
}

/* Z, +00:00, +0000, -07:00; nothing means UTC. */
static bool read_offset(struct pen_slice *text, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (text->len == 0 || read_char(text, "Zz"))
        return text->len == 0;
    bool is_minus = text->ptr[0] == '-';
    int hours = 0, minutes = 0;
    if (!read_char(text, "+-") || !read_digits(text, 2, &hours))
        return false;
    (void)read_char(text, ":"); /* optional */
    if (!read_digits(text, 2, &minutes) || text->len != 0)
        return false;
    *ret_seconds = (is_minus ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

bool pen_cred_time_parse(struct pen_slice text, int64_t *ret_utc_us)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, digit = 0;
    int64_t offset = 0;
    if (!read_digits(&text, 4, &year) || !read_char(&text, "-") || !read_digits(&text, 2, &month) ||
        !read_char(&text, "-") || !read_digits(&text, 2, &day) || !read_char(&text, "Tt ") ||
        !read_digits(&text, 2, &hour) || !read_char(&text, ":") ||
        !read_digits(&text, 2, &minute) || !read_char(&text, ":") ||
        !read_digits(&text, 2, &second))
        return false;
    if (read_char(&text, "."))
        while (read_digits(&text, 1, &digit))
            continue; /* fractions of a second do not matter here */
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 ||
        !read_offset(&text, &offset))
        return false;
    int64_t days = pen_days_from_civil(year, month, day);
    *ret_utc_us = days * PEN_US_PER_DAY +
                  (hour * INT64_C(3600) + minute * 60 + second - offset) * PEN_US_PER_SECOND;
    return true;
}

/* A text member as a NUL-terminated copy in the arena; NULL when absent or empty. */
static const char *member(const struct pen_json *root, struct pen_slice key,
                          struct pen_arena *arena)
{
    const struct pen_json *value = pen_json_member(root, key);
    if (value == NULL || value->kind != PEN_JSON_STRING || value->text.len == 0)
        return NULL;
    return pen_arena_copy(arena, value->text);
}

static enum pen_code fill(const struct pen_json *root, const char *token_key,
                          struct pen_arena *arena, struct pen_credentials *ret,
                          struct pen_error *err)
{
    const char *id = member(root, PEN_LIT("AccessKeyId"), arena);
    const char *secret = member(root, PEN_LIT("SecretAccessKey"), arena);
    const char *token = member(root, pen_slice_str(token_key), arena);
    if (id == NULL || secret == NULL)
        return pen_fail(err, PEN_ERR_AUTH, "the reply has no %s",
                        id == NULL ? "AccessKeyId" : "SecretAccessKey");
    int64_t expiry_us = 0;
    const char *expiry = member(root, PEN_LIT("Expiration"), arena);
    if (expiry != NULL && !pen_cred_time_parse(pen_slice_str(expiry), &expiry_us))
        return pen_fail(err, PEN_ERR_AUTH, "the reply's Expiration '%s' is no time", expiry);
    return pen_credentials_set(ret, id, secret, token, expiry_us, err);
}

enum pen_code pen_cred_read_json(struct pen_slice text, const char *token_key,
                                 struct pen_credentials *ret, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(4 * REPLY_MAX_BYTES);
    struct pen_json *root = NULL;
    size_t used = 0;
    enum pen_code read = pen_json_read(text, &arena, &root, &used, NULL);
    if (read == PEN_ERR_NOMEM)
        return pen_fail_nomem(err);
    if (read != PEN_OK || root->kind != PEN_JSON_OBJECT)
        return pen_fail(err, PEN_ERR_AUTH, "the reply is no JSON object");
    const char *code = member(root, PEN_LIT("Code"), &arena);
    if (code != NULL && strcmp(code, "Success") != 0)
        return pen_fail(err, PEN_ERR_AUTH, "the service answered with code '%s'", code);
    return fill(root, token_key, &arena, ret, err);
}
