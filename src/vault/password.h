/* password.h - passwords and tokens: what may be stored of them.
 *
 *     password --argon2id (slow, salted)--> hash text        people choose them: guessing must cost
 *     token    --SHA-256--------------------> 32 bytes       random: nobody can guess one
 *
 * thread: any. source: RFC 9106 (Argon2id) by libsodium. */
#ifndef PEN_VAULT_PASSWORD_H
#define PEN_VAULT_PASSWORD_H

#include "base/error.h"
#include "base/slice.h"

/* Bytes of a stored hash with its NUL. */
#define PEN_PASSWORD_HASH 128

/* Limits of a password, in bytes. */
#define PEN_PASSWORD_MIN 10
#define PEN_PASSWORD_MAX 1024

/* pen_password_hash - out: text with algorithm, cost and salt in it.
 * errors: PEN_ERR_CONFIG too short, too long, not UTF-8; PEN_ERR_NOMEM.
 * cost: some 50 ms and 64 MiB. */
PEN_MUST_USE enum pen_code pen_password_hash(struct pen_slice password, char out[PEN_PASSWORD_HASH],
                                             struct pen_error *err);

/* pen_password_fits - whether the password is the one of `hash`. Without a hash (NULL, or "" for a
 * user who has none) it is false, but takes as long: nobody can tell from the time who exists.
 * cost: as pen_password_hash. */
bool pen_password_fits(const char *hash, struct pen_slice password);

/* Characters of a token with its NUL: "pen_" and 43 of base64url, 256 random bits. */
#define PEN_TOKEN_TEXT   48
#define PEN_TOKEN_DIGEST 32

/* pen_token_make - a new random token. */
void pen_token_make(char out[PEN_TOKEN_TEXT]);

/* pen_token_digest - what is stored of a token. */
void pen_token_digest(struct pen_slice token, uint8_t out[PEN_TOKEN_DIGEST]);

/* pen_token_derive - another token that only who has `token` can compute; `purpose` says which. */
void pen_token_derive(struct pen_slice token, const char *purpose, char out[PEN_TOKEN_TEXT]);

/* pen_secret_equal - compares without telling by its time where they differ. */
bool pen_secret_equal(struct pen_slice a, struct pen_slice b);

#endif
