/* cred_cache.c - the provider: keeps what a place gave until it is about to expire. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_internal.h"
#include "base/civil.h"

#define EARLY_US (INT64_C(300) * PEN_US_PER_SECOND)

struct cache {
    struct pen_credential_provider base;
    struct pen_cred_place *place;
    pthread_mutex_t lock; /* held while the place is asked: others wait for the same answer */
    struct pen_credentials held;
    bool is_stale;         /* refused by a service */
    int64_t refresh_at_us; /* 0: never */
};

static struct cache *cache_of(struct pen_credential_provider *provider)
{
    return (struct cache *)provider;
}

static enum pen_code fetch(struct cache *cache, struct pen_error *err)
{
    PEN_CLEANUP(pen_credentials_release) struct pen_credentials fresh = {0};
    enum pen_code code = cache->place->fetch(cache->place, &fresh, err);
    if (code == PEN_ERR_NOT_FOUND && err != NULL)
        err->code = PEN_ERR_AUTH;
    if (code != PEN_OK)
        return code == PEN_ERR_NOT_FOUND ? PEN_ERR_AUTH : code;
    int64_t now_us = pen_now_us();
    if (fresh.expiry_utc_us != 0 && fresh.expiry_utc_us <= now_us) {
        (void)pen_fail(err, PEN_ERR_AUTH, "credentials of %s have expired", /* returned below */
                       fresh.origin[0] == '\0' ? "an unknown place" : fresh.origin);
        if (err != NULL)
            err->is_expired = true;
        pen_error_hint(err, "renew them, or check this machine's clock");
        return PEN_ERR_AUTH;
    }
    pen_credentials_release(&cache->held);
    cache->held = fresh;
    fresh = (struct pen_credentials){0};
    cache->is_stale = false;
    int64_t life_us = cache->held.expiry_utc_us - now_us;
    cache->refresh_at_us =
        cache->held.expiry_utc_us == 0
            ? 0
            : cache->held.expiry_utc_us - (life_us / 4 < EARLY_US ? life_us / 4 : EARLY_US);
    return PEN_OK;
}

static bool is_usable(const struct cache *cache, int64_t now_us)
{
    return cache->held.access_key_id != NULL && !cache->is_stale &&
           (cache->held.expiry_utc_us == 0 || now_us < cache->held.expiry_utc_us);
}

static enum pen_code get_locked(struct cache *cache, struct pen_credentials *ret,
                                struct pen_error *err)
{
    int64_t now_us = pen_now_us();
    bool is_due = cache->refresh_at_us != 0 && now_us >= cache->refresh_at_us;
    if (is_usable(cache, now_us) && !is_due)
        return pen_credentials_copy(ret, &cache->held, err);
    struct pen_error reason = {0};
    enum pen_code code = fetch(cache, &reason);
    if (code == PEN_OK || is_usable(cache, pen_now_us())) /* early refresh failed: try later */
        return pen_credentials_copy(ret, &cache->held, err);
    if (err != NULL)
        *err = reason;
    return code;
}

static enum pen_code cache_get(struct pen_credential_provider *provider,
                               struct pen_credentials *ret, struct pen_error *err)
{
    struct cache *cache = cache_of(provider);
    (void)pthread_mutex_lock(&cache->lock); /* cannot fail: a plain initialised mutex */
    enum pen_code code = get_locked(cache, ret, err);
    (void)pthread_mutex_unlock(&cache->lock);
    return code;
}

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void cache_invalidate(struct pen_credential_provider *provider,
                             const struct pen_credentials *refused)
{
    struct cache *cache = cache_of(provider);
    (void)pthread_mutex_lock(&cache->lock);
    if (is_same(cache->held.access_key_id, refused->access_key_id) &&
        is_same(cache->held.session_token, refused->session_token))
        cache->is_stale = true;
    (void)pthread_mutex_unlock(&cache->lock);
}

static void cache_free(struct pen_credential_provider *provider)
{
    struct cache *cache = cache_of(provider);
    pen_cred_place_free(cache->place);
    pen_credentials_release(&cache->held);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

enum pen_code pen_cred_provider_new(struct pen_cred_place *place,
                                    struct pen_credential_provider **ret_provider,
                                    struct pen_error *err)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        pen_cred_place_free(place);
        return pen_fail_nomem(err);
    }
    cache->base = (struct pen_credential_provider){cache_get, cache_invalidate, cache_free};
    cache->place = place;
    (void)pthread_mutex_init(&cache->lock, NULL); /* default attributes: cannot fail on Linux */
    *ret_provider = &cache->base;
    return PEN_OK;
}
