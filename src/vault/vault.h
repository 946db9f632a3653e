/* vault.h - secrets at rest: byte strings sealed with a key that is not in the database.
 *
 *     plain --pen_vault_seal--> version, nonce, ciphertext, tag --pen_vault_unseal--> plain
 *
 * The key is `<home>/secret.key`: 32 random bytes, 0600, made by whoever needs it first. Without it
 * (or with another one) what was sealed cannot be read by anybody.
 * thread: a vault is never changed after it was opened: any, several at once.
 * source: XChaCha20-Poly1305 (IETF draft-irtf-cfrg-xchacha-03) by libsodium. */
#ifndef PEN_VAULT_VAULT_H
#define PEN_VAULT_VAULT_H

#include "base/buf.h"

struct pen_vault;

/* pen_vault_open - reads the key of a home; makes it when there is none.
 * in:     home: absolute; exists.
 * errors: PEN_ERR_AUTH when others than the owner can read the file, or it is somebody else's;
 *         PEN_ERR_CORRUPT when it is no key; PEN_ERR_IO. `where` is the key's path. */
PEN_MUST_USE enum pen_code pen_vault_open(const char *home, struct pen_vault **ret_vault,
                                          struct pen_error *err);

/* pen_vault_free - wipes the key from memory. NULL is fine. */
void pen_vault_free(struct pen_vault *vault);
PEN_DEFINE_FREE_P(struct pen_vault *, pen_vault_free)

/* pen_vault_seal - appends the sealed form to `into`.
 * in:     purpose: what it is ("job configuration"): unsealing needs the same words, so that a
 *         value cannot be moved from one place of the database to another.
 * out:    41 bytes more than `plain`; different each time. errors: PEN_ERR_NOMEM, _TOO_LARGE. */
PEN_MUST_USE enum pen_code pen_vault_seal(const struct pen_vault *vault, const char *purpose,
                                          struct pen_slice plain, struct pen_buf *into,
                                          struct pen_error *err);

/* pen_vault_unseal - appends the plain bytes to `into`; wipe them with pen_vault_wipe after use.
 * errors: PEN_ERR_CORRUPT: sealed with another key, for another purpose, changed, or by a newer
 *         program. */
PEN_MUST_USE enum pen_code pen_vault_unseal(const struct pen_vault *vault, const char *purpose,
                                            struct pen_slice sealed, struct pen_buf *into,
                                            struct pen_error *err);

/* pen_vault_wipe - overwrites what a buffer holds, also what its growing left behind its length,
 * and releases it. */
void pen_vault_wipe(struct pen_buf *buf);

#endif
