#include "aws/credentials.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wipe(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void pen_credentials_release(struct pen_credentials *credentials)
{
    if (credentials == NULL)
        return;
    wipe(&credentials->access_key_id);
    wipe(&credentials->secret_access_key);
    wipe(&credentials->session_token);
    credentials->expiry_utc_us = 0;
    credentials->origin[0] = '\0';
}

enum pen_code pen_credentials_set(struct pen_credentials *credentials, const char *access_key_id,
                                  const char *secret_access_key, const char *session_token,
                                  int64_t expiry_utc_us, struct pen_error *err)
{
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials fresh = {0};
    bool has_token = session_token != NULL && session_token[0] != '\0';
    fresh.access_key_id = strdup(access_key_id);
    fresh.secret_access_key = strdup(secret_access_key);
    fresh.session_token = has_token ? strdup(session_token) : NULL;
    if (fresh.access_key_id == NULL || fresh.secret_access_key == NULL ||
        (has_token && fresh.session_token == NULL))
        return pen_fail_nomem(err);
    pen_credentials_release(credentials);
    credentials->access_key_id = PEN_TAKE(fresh.access_key_id);
    credentials->secret_access_key = PEN_TAKE(fresh.secret_access_key);
    credentials->session_token = PEN_TAKE(fresh.session_token);
    credentials->expiry_utc_us = expiry_utc_us;
    return PEN_OK;
}

enum pen_code pen_credentials_copy(struct pen_credentials *ret, const struct pen_credentials *from,
                                   struct pen_error *err)
{
    PEN_TRY(pen_credentials_set(ret, from->access_key_id, from->secret_access_key,
                                from->session_token, from->expiry_utc_us, err));
    memcpy(ret->origin, from->origin, sizeof ret->origin);
    return PEN_OK;
}

void pen_credentials_origin(struct pen_credentials *credentials, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(credentials->origin, sizeof credentials->origin, format, args); /* cut */
    va_end(args);
}
