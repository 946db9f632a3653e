/* credentials.h - the credential value and the interface of everything that provides one.
 *
 *     provider --get--> credentials (a copy, owned by the caller) --sigv4--> signed request
 *
 * One file per provider in aws/; each makes a `struct pen_credential_provider *` with a function of
 * its own (static keys, environment, profile, instance, assume role, chain). */
#ifndef PEN_AWS_CREDENTIALS_H
#define PEN_AWS_CREDENTIALS_H

#include "base/cleanup.h"
#include "base/error.h"

struct pen_credentials {
    char *access_key_id;     /* malloc'ed, like the others */
    char *secret_access_key; /* never printed, logged or put into an error */
    char *session_token;     /* NULL: long-term keys */
    int64_t expiry_utc_us;   /* 0: does not expire */
    char origin[160];        /* where they were found, for people; "" unknown; never a secret */
};

/* pen_credentials_release - wipes and frees the texts; the value is empty and usable again. */
void pen_credentials_release(struct pen_credentials *credentials);

/* pen_credentials_set - copies the texts into *credentials (released first); session_token may be
 * NULL or "", which is stored as NULL. */
PEN_MUST_USE enum pen_code pen_credentials_set(struct pen_credentials *credentials,
                                               const char *access_key_id,
                                               const char *secret_access_key,
                                               const char *session_token, int64_t expiry_utc_us,
                                               struct pen_error *err);

/* pen_credentials_copy - a deep copy of `from`; *ret is released first. */
PEN_MUST_USE enum pen_code pen_credentials_copy(struct pen_credentials *ret,
                                                const struct pen_credentials *from,
                                                struct pen_error *err);

/* pen_credentials_origin - sets `origin`, cut at its size. Setting new texts clears it. */
void pen_credentials_origin(struct pen_credentials *credentials, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first member of every provider's own struct. All callbacks are set. */
struct pen_credential_provider {
    /* get: a copy of credentials that are good now. Refreshes inside before they expire (a few
     * minutes early, under the provider's own lock); may block for that.
     * errors: PEN_ERR_AUTH none found or refused, with where was looked; PEN_ERR_IO from requests.
     * thread: any, several at once. */
    enum pen_code (*get)(struct pen_credential_provider *provider, struct pen_credentials *ret,
                         struct pen_error *err);
    /* invalidate: the service called `refused` expired: the next get fetches afresh, unless what is
     * held is already newer (another access key or token). Nothing to do for static keys.
     * thread: any. */
    void (*invalidate)(struct pen_credential_provider *provider,
                       const struct pen_credentials *refused);
    /* free: frees the provider; nobody uses it any more. */
    void (*free)(struct pen_credential_provider *provider);
};

static inline void pen_credential_provider_free(struct pen_credential_provider *provider)
{
    if (provider != NULL)
        provider->free(provider);
}
PEN_DEFINE_FREE_P(struct pen_credential_provider *, pen_credential_provider_free)

#endif
