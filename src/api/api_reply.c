#include "api/api.h"

#include "base/json_writer.h"

#include <stdarg.h>
#include <stdio.h>

#define ERROR_REPLY_BYTES 65536

int pen_api_status(enum pen_code code, const struct pen_error *err)
{
    switch (code) {
    case PEN_OK:
        return 200;
    case PEN_ERR_CONFIG:
        return 400;
    case PEN_ERR_AUTH:
        return 403;
    case PEN_ERR_NOT_FOUND:
        return 404;
    case PEN_ERR_CONFLICT:
        return err->is_retryable ? 503 : 409;
    case PEN_ERR_TOO_LARGE:
        return 413;
    case PEN_ERR_CORRUPT:
        return 422;
    case PEN_ERR_THROTTLED:
        return 429;
    case PEN_ERR_CANCELLED:
        return 503;
    case PEN_ERR_IO:
    case PEN_ERR_NOMEM:
    case PEN_ERR_INTERNAL:
        break;
    }
    return 500;
}

static const char *status_title(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

enum pen_code pen_api_refuse(struct pen_api_call *call, int status, struct pen_error *err,
                             const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    call->status = status;
    (void)pen_fail(err, PEN_ERR_CONFIG, "%s", text);
    return PEN_ERR_CONFIG;
}

enum pen_code pen_api_reply_bytes(struct pen_api_call *call, const char *content_type,
                                  struct pen_buf *bytes, struct pen_error *err)
{
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Content-Type", content_type, err));
    pen_http_exchange_send(call->exchange, 200, bytes);
    return PEN_OK;
}

enum pen_code pen_api_reply_json(struct pen_api_call *call, int status, struct pen_buf *json,
                                 struct pen_error *err)
{
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Content-Type",
                                         "application/json; charset=utf-8", err));
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Cache-Control", "no-store", err));
    pen_http_exchange_send(call->exchange, status, json);
    return PEN_OK;
}

/* --- errors ----------------------------------------------------------------------------------- */

void pen_api_add_conflict(struct pen_api_call *call, enum pen_code code,
                          const struct pen_error *err)
{
    const char *id = err == NULL ? NULL : strstr(err->message, "conflicts_with job:");
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(256);
    if (code != PEN_ERR_CONFLICT || id == NULL)
        return;
    id += strlen("conflicts_with job:");
    if (pen_buf_addf(&json, NULL, "{\"conflicts_with\":%.*s}", (int)strspn(id, "0123456789"), id) ==
        PEN_OK)
        call->details = pen_arena_copy(call->arena, pen_buf_slice(&json));
}

static bool is_problem_json(const struct pen_api_call *call)
{
    if (call->route != NULL && (call->route->traits & PEN_API_PLAIN) != 0)
        return false;
    const char *path = pen_http_exchange_path(call->exchange);
    return !pen_slice_starts(pen_slice_str(path), PEN_LIT("/v3/"));
}

/* "where: message; hint" */
static enum pen_code print_text(const struct pen_error *failed, struct pen_buf *into)
{
    return pen_buf_addf(into, NULL, "%s%s%s%s%s", failed->where,
                        failed->where[0] != '\0' ? ": " : "", failed->message,
                        failed->hint[0] != '\0' ? "; " : "", failed->hint);
}

static void write_v3(struct pen_json_writer *w, const struct pen_api_call *call, const char *text)
{
    pen_jw_begin_object(w);
    pen_jw_member_text(w, "error", text);
    pen_jw_member_text(w, "message", text);
    if (call->details != NULL) {
        pen_jw_key(w, "details");
        pen_jw_raw(w, pen_slice_str(call->details));
    }
    pen_jw_end_object(w);
}

static void write_problem(struct pen_json_writer *w, const struct pen_api_call *call, int status,
                          const struct pen_error *failed)
{
    pen_jw_begin_object(w);
    pen_jw_member_text(w, "type", "about:blank");
    pen_jw_member_text(w, "title", status_title(status));
    pen_jw_member_int(w, "status", status);
    pen_jw_member_text(w, "detail", failed->message);
    pen_jw_member_text(w, "code", pen_error_code_name(failed->code));
    if (failed->where[0] != '\0')
        pen_jw_member_text(w, "where", failed->where);
    if (failed->hint[0] != '\0')
        pen_jw_member_text(w, "hint", failed->hint);
    if (call->details != NULL) {
        pen_jw_key(w, "details");
        pen_jw_raw(w, pen_slice_str(call->details));
    }
    pen_jw_end_object(w);
}

void pen_api_reply_error(struct pen_api_call *call, enum pen_code code,
                         const struct pen_error *failed)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(ERROR_REPLY_BYTES);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(ERROR_REPLY_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    int status = call->status != 0 ? call->status : pen_api_status(code, failed);
    bool is_problem = is_problem_json(call);
    if (is_problem)
        write_problem(&w, call, status, failed);
    else if (print_text(failed, &text) == PEN_OK)
        write_v3(&w, call, text.ptr);
    /* without memory the status alone must do */
    if (pen_jw_done(&w, NULL) == PEN_OK)
        (void)!pen_http_exchange_add_header(
            call->exchange, "Content-Type",
            is_problem ? "application/problem+json" : "application/json; charset=utf-8", NULL);
    if (status == 401)
        (void)!pen_http_exchange_add_header(call->exchange, "WWW-Authenticate", "TD1", NULL);
    if (status == 429 || status == 503)
        (void)!pen_http_exchange_add_header(call->exchange, "Retry-After", "2", NULL);
    pen_http_exchange_send(call->exchange, status, &json);
}
