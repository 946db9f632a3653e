#include "vault/password.h"

#include "base/utf8.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

static_assert(PEN_PASSWORD_HASH >= crypto_pwhash_argon2id_STRBYTES, "a hash fits");

#define PREFIX       "pen_"
#define RANDOM_BYTES 32

static enum pen_code check_password(struct pen_slice password, struct pen_error *err)
{
    if (password.len < PEN_PASSWORD_MIN)
        return pen_fail(err, PEN_ERR_CONFIG, "a password needs at least %d bytes, not %zu",
                        PEN_PASSWORD_MIN, password.len);
    if (password.len > PEN_PASSWORD_MAX)
        return pen_fail(err, PEN_ERR_CONFIG, "a password has at most %d bytes", PEN_PASSWORD_MAX);
    return pen_utf8_is_valid(password) ? PEN_OK
                                       : pen_fail(err, PEN_ERR_CONFIG, "the password is not UTF-8");
}

enum pen_code pen_password_hash(struct pen_slice password, char out[PEN_PASSWORD_HASH],
                                struct pen_error *err)
{
    PEN_TRY(check_password(password, err));
    if (sodium_init() < 0)
        return pen_fail(err, PEN_ERR_INTERNAL, "libsodium cannot start");
    memset(out, 0, PEN_PASSWORD_HASH);
    if (crypto_pwhash_argon2id_str(out, password.ptr, password.len,
                                   crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) != 0)
        return pen_fail_nomem(err);
    return PEN_OK;
}

bool pen_password_fits(const char *hash, struct pen_slice password)
{
    if (sodium_init() < 0 || password.len > PEN_PASSWORD_MAX)
        return false;
    if (hash != NULL && hash[0] != '\0')
        return crypto_pwhash_argon2id_str_verify(hash, password.ptr, password.len) == 0;
    /* nobody's password: the same work for nothing */
    static const unsigned char salt[crypto_pwhash_argon2id_SALTBYTES] = {1};
    unsigned char key[32];
    /* only its time counts */
    (void)!crypto_pwhash_argon2id(key, sizeof key, password.ptr == NULL ? "" : password.ptr,
                                  password.len, salt, crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                  crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE,
                                  crypto_pwhash_argon2id_ALG_ARGON2ID13);
    return false;
}

static void write_token(const unsigned char bytes[RANDOM_BYTES], char out[PEN_TOKEN_TEXT])
{
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    (void)sodium_bin2base64(out + sizeof PREFIX - 1, PEN_TOKEN_TEXT - (sizeof PREFIX - 1), bytes,
                            RANDOM_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void pen_token_make(char out[PEN_TOKEN_TEXT])
{
    unsigned char bytes[RANDOM_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    write_token(bytes, out);
    sodium_memzero(bytes, sizeof bytes);
}

void pen_token_digest(struct pen_slice token, uint8_t out[PEN_TOKEN_DIGEST])
{
    (void)crypto_hash_sha256(out, (const unsigned char *)token.ptr, token.len); /* cannot fail */
}

void pen_token_derive(struct pen_slice token, const char *purpose, char out[PEN_TOKEN_TEXT])
{
    unsigned char key[PEN_TOKEN_DIGEST], bytes[RANDOM_BYTES];
    pen_token_digest(token, key);
    (void)crypto_generichash(bytes, sizeof bytes, (const unsigned char *)purpose, strlen(purpose),
                             key, sizeof key); /* cannot fail with these lengths */
    write_token(bytes, out);
    sodium_memzero(key, sizeof key);
}

bool pen_secret_equal(struct pen_slice a, struct pen_slice b)
{
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}
