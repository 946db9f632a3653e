#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES

/* The first byte of what is sealed: the form of the rest. */
#define VERSION 1

struct pen_vault {
    unsigned char key[KEY_BYTES];
};

void pen_vault_free(struct pen_vault *vault)
{
    if (vault == NULL)
        return;
    sodium_memzero(vault, sizeof *vault);
    free(vault);
}

void pen_vault_wipe(struct pen_buf *buf)
{
    if (buf->ptr != NULL)
        sodium_memzero(buf->ptr, buf->cap);
    pen_buf_release(buf);
}

/* --- the key's file --------------------------------------------------------------------------- */

static void close_p(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* what was written is checked before */
}

static enum pen_code fail_key(struct pen_error *err, enum pen_code code, const char *path,
                              const char *what)
{
    enum pen_code told = pen_fail(err, code, "the key file %s", what);
    pen_error_where(err, "%s", path);
    return told;
}

static enum pen_code check_key(int fd, const char *path, struct pen_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot stat '%s'", path);
    if (!S_ISREG(info.st_mode) || info.st_size != (off_t)KEY_BYTES)
        return fail_key(err, PEN_ERR_CORRUPT, path, "does not hold a key");
    if (info.st_uid != geteuid() && geteuid() != 0)
        return fail_key(err, PEN_ERR_AUTH, path, "belongs to another user");
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return PEN_OK;
    enum pen_code code = fail_key(err, PEN_ERR_AUTH, path, "can be read by others");
    pen_error_hint(err, "chmod 600 '%s'", path);
    return code;
}

/* out: *ret_is_there false when there is no such file. */
static enum pen_code read_key(struct pen_vault *vault, const char *path, bool *ret_is_there,
                              struct pen_error *err)
{
    PEN_CLEANUP(close_p) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    *ret_is_there = fd >= 0 || errno != ENOENT;
    if (!*ret_is_there)
        return PEN_OK;
    if (fd < 0)
        return pen_fail_errno(err, errno == EACCES ? PEN_ERR_AUTH : PEN_ERR_IO, errno,
                              "cannot open '%s'", path);
    PEN_TRY(check_key(fd, path, err));
    ssize_t n = read(fd, vault->key, KEY_BYTES);
    if (n < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot read '%s'", path);
    return n == (ssize_t)KEY_BYTES ? PEN_OK
                                   : fail_key(err, PEN_ERR_CORRUPT, path, "does not hold a key");
}

static enum pen_code write_key(const char *path, struct pen_error *err)
{
    unsigned char key[KEY_BYTES];
    PEN_CLEANUP(close_p) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", path);
    randombytes_buf(key, sizeof key);
    ssize_t n = write(fd, key, sizeof key);
    sodium_memzero(key, sizeof key);
    if (n == (ssize_t)sizeof key && fsync(fd) == 0)
        return PEN_OK;
    return pen_fail_errno(err, PEN_ERR_IO, n < 0 ? errno : EIO, "cannot write '%s'", path);
}

/* The file appears whole: another process that looks meanwhile finds no key or this one. Of several
 * that make one at once the first wins, and the others read its key. */
static enum pen_code make_key(const char *path, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf own = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&own, err, "%s.%08x", path, randombytes_random()));
    enum pen_code code = write_key(own.ptr, err);
    if (code == PEN_OK && link(own.ptr, path) != 0 && errno != EEXIST)
        code = pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", path);
    (void)unlink(own.ptr); /* when it stays it is an unused key that nobody but us can read */
    return code;
}

enum pen_code pen_vault_open(const char *home, struct pen_vault **ret_vault, struct pen_error *err)
{
    if (sodium_init() < 0)
        return pen_fail(err, PEN_ERR_INTERNAL, "libsodium does not start");
    PEN_CLEANUP(pen_vault_free_p) struct pen_vault *vault = calloc(1, sizeof *vault);
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (vault == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_buf_addf(&path, err, "%s/secret.key", home));
    bool is_there = false;
    PEN_TRY(read_key(vault, path.ptr, &is_there, err));
    if (!is_there) {
        PEN_TRY(make_key(path.ptr, err));
        PEN_TRY(read_key(vault, path.ptr, &is_there, err));
    }
    if (!is_there)
        return fail_key(err, PEN_ERR_IO, path.ptr, "disappeared");
    *ret_vault = PEN_TAKE(vault);
    return PEN_OK;
}

/* --- sealing ---------------------------------------------------------------------------------- */

enum pen_code pen_vault_seal(const struct pen_vault *vault, const char *purpose,
                             struct pen_slice plain, struct pen_buf *into, struct pen_error *err)
{
    unsigned long long sealed_len = 0;
    PEN_TRY(pen_buf_reserve(into, 1 + NONCE_BYTES + plain.len + TAG_BYTES, err));
    unsigned char *out = (unsigned char *)into->ptr + into->len;
    out[0] = VERSION;
    randombytes_buf(out + 1, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(/* always 0 */
                                                     out + 1 + NONCE_BYTES, &sealed_len,
                                                     (const unsigned char *)plain.ptr, plain.len,
                                                     (const unsigned char *)purpose,
                                                     strlen(purpose), NULL, out + 1, vault->key);
    into->len += 1 + NONCE_BYTES + (size_t)sealed_len;
    into->ptr[into->len] = '\0';
    return PEN_OK;
}

enum pen_code pen_vault_unseal(const struct pen_vault *vault, const char *purpose,
                               struct pen_slice sealed, struct pen_buf *into, struct pen_error *err)
{
    const unsigned char *in = (const unsigned char *)sealed.ptr;
    const size_t head = 1 + NONCE_BYTES;
    if (sealed.len < head + TAG_BYTES)
        return pen_fail(err, PEN_ERR_CORRUPT, "the sealed %s is too short", purpose);
    if (in[0] != VERSION)
        return pen_fail(err, PEN_ERR_CORRUPT,
                        "the sealed %s is of version %u, this program knows "
                        "version %d",
                        purpose, in[0], VERSION);
    PEN_TRY(pen_buf_reserve(into, sealed.len - head - TAG_BYTES, err));
    unsigned long long len = 0;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            (unsigned char *)into->ptr + into->len, &len, NULL, in + head, sealed.len - head,
            (const unsigned char *)purpose, strlen(purpose), in + 1, vault->key) != 0) {
        (void)pen_fail(err, PEN_ERR_CORRUPT, "the sealed %s cannot be opened", purpose);
        pen_error_hint(err, "was secret.key in the home folder replaced?");
        return PEN_ERR_CORRUPT;
    }
    into->len += (size_t)len;
    into->ptr[into->len] = '\0';
    return PEN_OK;
}
