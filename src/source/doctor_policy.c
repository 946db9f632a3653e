/* doctor_policy.c - the least IAM policy for what a configuration reads. */
#include <stdlib.h>

#include "base/json.h"
#include "source/doctor_internal.h"

#define TEXT_MAX_BYTES ((size_t)64 << 10)

static const char *partition_of(const char *region)
{
    if (region == NULL)
        return "aws";
    if (strncmp(region, "cn-", 3) == 0)
        return "aws-cn";
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

/* In a policy * ? and $ mean something; ${*} is the sign itself. */
static enum pen_code add_plain(struct pen_buf *into, const char *text, struct pen_error *err)
{
    for (; *text != '\0'; text++) {
        bool is_special = *text == '*' || *text == '?' || *text == '$';
        if (is_special)
            PEN_TRY(pen_buf_addf(into, err, "${%c}", *text));
        else
            PEN_TRY(pen_buf_add_char(into, *text, err));
    }
    return PEN_OK;
}

static enum pen_code add_quoted(struct pen_buf *into, const struct pen_buf *text,
                                struct pen_error *err)
{
    return pen_json_add_string(into, pen_slice(text->ptr, text->len), err);
}

static enum pen_code add_list(const char *partition, const char *bucket,
                              const struct pen_buf *pattern, struct pen_buf *into,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf arn = PEN_BUF(TEXT_MAX_BYTES);
    PEN_TRY(pen_buf_addf(&arn, err, "arn:%s:s3:::%s", partition, bucket));
    PEN_TRY(pen_buf_add_str(
        into, "    {\"Effect\": \"Allow\", \"Action\": \"s3:ListBucket\", \"Resource\": ", err));
    PEN_TRY(add_quoted(into, &arn, err));
    if (pattern->len > 1) {
        PEN_TRY(
            pen_buf_add_str(into, ",\n     \"Condition\": {\"StringLike\": {\"s3:prefix\": ", err));
        PEN_TRY(add_quoted(into, pattern, err));
        PEN_TRY(pen_buf_add_str(into, "}}", err));
    }
    return pen_buf_add_str(into, "},\n", err);
}

enum pen_code pen_doctor_policy(const char *bucket, const char *prefix, const char *region,
                                bool needs_list, struct pen_buf *into, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf pattern = PEN_BUF(TEXT_MAX_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf arn = PEN_BUF(TEXT_MAX_BYTES);
    const char *partition = partition_of(region);
    PEN_TRY(add_plain(&pattern, prefix, err));
    if (needs_list) /* else the prefix is one whole key */
        PEN_TRY(pen_buf_add_char(&pattern, '*', err));
    PEN_TRY(pen_buf_addf(&arn, err, "arn:%s:s3:::%s/%.*s", partition, bucket, PEN_ARG(pattern)));
    PEN_TRY(pen_buf_add_str(into, "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n", err));
    if (needs_list)
        PEN_TRY(add_list(partition, bucket, &pattern, into, err));
    PEN_TRY(pen_buf_add_str(
        into, "    {\"Effect\": \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": ", err));
    PEN_TRY(add_quoted(into, &arn, err));
    return pen_buf_add_str(into, "}\n  ]\n}\n", err);
}
