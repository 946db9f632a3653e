#include "s3/s3_error.h"

#include <stdio.h>
#include <string.h>

#include "s3/s3_uri.h"
#include "s3/s3_xml.h"

/* What a code means. The table decides before the status does. */
struct meaning {
    const char *code;
    enum pen_code kind;
    bool is_retryable;
    const char *hint;
};

static const struct meaning meanings[] = {
    {"AccessDenied", PEN_ERR_AUTH, false,
     "grant s3:ListBucket on the bucket and s3:GetObject on its objects; a missing key looks the "
     "same without s3:ListBucket"},
    {"AccountProblem", PEN_ERR_AUTH, false, "the account of the bucket is suspended"},
    {"AllAccessDisabled", PEN_ERR_AUTH, false, "the bucket was closed by its provider"},
    {"AuthorizationHeaderMalformed", PEN_ERR_CONFIG, false, "set region to the bucket's region"},
    {"ExpiredToken", PEN_ERR_AUTH, false, "get a new session_token: this one has expired"},
    {"ExpiredTokenException", PEN_ERR_AUTH, false, "get a new session_token: this one has expired"},
    {"IllegalLocationConstraintException", PEN_ERR_CONFIG, false,
     "set region to the bucket's region"},
    {"InternalError", PEN_ERR_IO, true, ""},
    {"InvalidAccessKeyId", PEN_ERR_AUTH, false,
     "check access_key_id and endpoint; temporary keys need their session_token"},
    {"InvalidBucketName", PEN_ERR_CONFIG, false, "check bucket"},
    {"InvalidObjectState", PEN_ERR_AUTH, false,
     "the object is archived (Glacier): restore it first, or set skip_glacier_objects: true"},
    {"InvalidRange", PEN_ERR_CONFLICT, false, "the object is shorter than listed: run again"},
    {"InvalidToken", PEN_ERR_AUTH, false, "check session_token: it belongs to another key"},
    {"NoSuchBucket", PEN_ERR_NOT_FOUND, false, "check bucket, endpoint and region"},
    {"NoSuchKey", PEN_ERR_NOT_FOUND, false, "check path; the object may have been deleted"},
    {"NoSuchVersion", PEN_ERR_NOT_FOUND, false, "this version of the object was deleted"},
    {"PermanentRedirect", PEN_ERR_CONFIG, false, "set region to the bucket's region"},
    {"PreconditionFailed", PEN_ERR_CONFLICT, false,
     "the object was replaced while it was read: run again to load the new version"},
    {"RequestTimeTooSkewed", PEN_ERR_AUTH, false, "set the clock of this machine"},
    {"RequestTimeout", PEN_ERR_IO, true, ""},
    {"ServiceUnavailable", PEN_ERR_THROTTLED, true, "the service is overloaded: try again later"},
    {"SignatureDoesNotMatch", PEN_ERR_AUTH, false, "check secret_access_key"},
    {"SlowDown", PEN_ERR_THROTTLED, true, "the service asks for fewer requests: try again later"},
    {"TemporaryRedirect", PEN_ERR_CONFIG, false, "set region to the bucket's region"},
    {"TokenRefreshRequired", PEN_ERR_AUTH, false, "get a new session_token"},
};

static const struct meaning *find_meaning(const char *code)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strcmp(meanings[i].code, code) == 0)
            return &meanings[i];
    return NULL;
}

/* What the status alone says, for unknown codes and replies without a body. */
static struct meaning of_status(int status)
{
    struct meaning io = {"", PEN_ERR_IO, true, ""};
    switch (status) {
    case 301:
    case 307:
    case 308:
        return (struct meaning){"", PEN_ERR_CONFIG, false, "set region to the bucket's region"};
    case 401:
    case 403:
        return *find_meaning("AccessDenied");
    case 404:
        return (struct meaning){"", PEN_ERR_NOT_FOUND, false, "check bucket, path and endpoint"};
    case 407:
        return (struct meaning){"", PEN_ERR_AUTH, false, "check http_proxy: user and password"};
    case 412:
        return *find_meaning("PreconditionFailed");
    case 416:
        return *find_meaning("InvalidRange");
    case 408:
        return io;
    case 409: /* "a conflicting operation is in progress, try again" */
        return (struct meaning){"", PEN_ERR_CONFLICT, true, ""};
    case 429:
        return *find_meaning("SlowDown");
    case 503:
        return *find_meaning("ServiceUnavailable");
    default:
        break;
    }
    if (status >= 500 && status != 501)
        return io;
    return (struct meaning){"", PEN_ERR_IO, false, "check endpoint: is this an S3 service?"};
}

/* ---- the body ---- */

/* Printable text, cut at the field's size: it goes to terminals and logs. */
static void set_text(char *field, size_t cap, struct pen_slice text)
{
    if (text.len == 0)
        return;
    size_t n = text.len < cap - 1 ? text.len : cap - 1;
    while (n < text.len && n > 0 && ((uint8_t)text.ptr[n] & 0xC0) == 0x80)
        n--; /* not in the middle of a character */
    for (size_t i = 0; i < n; i++)
        field[i] = (uint8_t)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F ? ' ' : text.ptr[i];
    field[n] = '\0';
}

static enum pen_code on_element(void *context, const char *path, struct pen_slice text,
                                struct pen_error *err)
{
    (void)err; /* never fails: what is unknown is skipped */
    struct s3_error_reply *reply = context;
    if (strcmp(path, "Error/Code") == 0)
        set_text(reply->code, sizeof reply->code, text);
    else if (strcmp(path, "Error/Message") == 0)
        set_text(reply->message, sizeof reply->message, text);
    else if (strcmp(path, "Error/RequestId") == 0)
        set_text(reply->request_id, sizeof reply->request_id, text);
    else if (strcmp(path, "Error/Region") == 0)
        set_text(reply->region, sizeof reply->region, text);
    else if (strcmp(path, "Error/Endpoint") == 0 && reply->region[0] == '\0')
        s3_region_of_host(text, reply->region);
    return PEN_OK;
}

void s3_error_parse(struct s3_error_reply *reply, struct pen_slice body)
{
    PEN_CLEANUP(s3_xml_free_p) struct s3_xml *xml = NULL;
    bool is_whole = body.len > 0 && s3_xml_new(on_element, reply, &xml, NULL) == PEN_OK &&
                    s3_xml_push(xml, body, true, NULL) == PEN_OK;
    (void)is_whole; /* even a reply that breaks off may have said its code first */
    if (reply->code[0] != '\0')
        return;
    /* no body (HEAD) or no XML: the status has to do */
    const char *name = reply->status == 403   ? "Forbidden"
                       : reply->status == 404 ? "NotFound"
                       : reply->status == 412 ? "PreconditionFailed"
                                              : "error reply";
    set_text(reply->code, sizeof reply->code, pen_slice_str(name));
}

/* ---- the error ---- */

bool s3_error_is_expired(const struct s3_error_reply *reply)
{
    return strcmp(reply->code, "ExpiredToken") == 0 ||
           strcmp(reply->code, "ExpiredTokenException") == 0 ||
           strcmp(reply->code, "TokenRefreshRequired") == 0;
}

bool s3_error_is_region(const struct s3_error_reply *reply)
{
    return reply->status == 301 || reply->status == 307 || reply->status == 308 ||
           ((reply->status == 400 || reply->status == 403) && reply->region[0] != '\0');
}

static void hint_region(const struct s3_error_reply *reply, struct pen_error *err)
{
    if (s3_error_is_region(reply) && reply->region[0] != '\0')
        pen_error_hint(err, "set region: %s", reply->region);
}

static void hint_clock(const struct s3_error_reply *reply, struct pen_error *err)
{
    long long seconds = (long long)(reply->clock_skew_us / 1000000);
    if (strcmp(reply->code, "RequestTimeTooSkewed") == 0 && seconds != 0)
        pen_error_hint(err, "set the clock of this machine: it is %lld seconds %s the service's",
                       seconds < 0 ? -seconds : seconds, seconds < 0 ? "ahead of" : "behind");
}

enum pen_code s3_error_make(const struct s3_error_reply *reply, bool is_list, struct pen_error *err)
{
    const struct meaning *known = find_meaning(reply->code);
    struct meaning meaning = known != NULL ? *known : of_status(reply->status);
    /* 403 and 405 are never retried, whatever the code says */
    bool is_final = reply->status == 403 || reply->status == 405;
    (void)pen_fail(err, meaning.kind, "%s%s%.140s (status %d%s%s)", reply->code,
                   reply->message[0] != '\0' ? ": " : "", reply->message, reply->status,
                   reply->request_id[0] != '\0' ? ", request id " : "", reply->request_id);
    if (err == NULL)
        return meaning.kind;
    err->is_retryable = meaning.is_retryable && !is_final;
    err->is_expired = s3_error_is_expired(reply);
    hint_region(reply, err);
    hint_clock(reply, err);
    if (is_list && meaning.kind == PEN_ERR_AUTH && known != NULL &&
        strcmp(known->code, "AccessDenied") == 0)
        pen_error_hint(err, "grant s3:ListBucket on the bucket, or name one object with path");
    if (meaning.hint[0] != '\0')
        pen_error_hint(err, "%s", meaning.hint);
    return meaning.kind;
}
