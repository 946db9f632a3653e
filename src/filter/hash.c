/* hash.c - replaces values by their digest (types `hash` and `digest`): lower-case hex of the UTF-8
 * text of the value, with an optional salt before it or a secret key (HMAC).
 *
 *     value --text--> digest(salt + text) | HMAC(secret_key, text) --> hex string
 *
 * The digest is fetched once and its context reused by each worker: half the cost of looking it up
 * per value. source: spec/filters.md 3; `salt` is ours. */
#include "filter/filter_reject.h"

#include "batch/value_text.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct hashed {
    char *name, *algorithm, *secret_key, *salt, *new_name;
    size_t column; /* SIZE_MAX: not in the schema, ignored */
    EVP_MD *digest;
    bool is_mac;
};

struct hash {
    const struct pen_node *columns_node;
    struct hashed *columns;
    size_t count;
    EVP_MAC *hmac;
};

static const struct pen_option column_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct hashed, name),
     .is_required = true,
     .help = "column to digest"},
    {.key = "algorithm",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct hashed, algorithm),
     .default_text = "SHA-256",
     .help = "MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512, SHA-512/256, ... or HmacSHA256, ..."},
    {.key = "secret_key",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct hashed, secret_key),
     .help = "key of an Hmac algorithm"},
    {.key = "salt",
     .kind = PEN_OPTION_SECRET,
     .offset = offsetof(struct hashed, salt),
     .default_text = "",
     .help = "text put before every value"},
    {.key = "new_name",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct hashed, new_name),
     .help = "the column's new name"},
    {.key = NULL},
};

static const struct pen_option options[] = {
    {.key = "columns",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct hash, columns_node),
     .is_required = true,
     .help = "columns to digest; they become strings",
     .entries = column_options},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* --- configuration ---------------------------------------------------------------------------- */

/* Java's names as OpenSSL knows them: "SHA" is SHA-1, HmacSHA512/256 says "SHA512/256" where the
 * digest is called "SHA-512/256"; others are known as they are. */
static const char *openssl_name(const char *name)
{
    static const struct {
        const char *java, *openssl;
    } names[] = {{"SHA", "SHA1"}, {"SHA512/224", "SHA-512/224"}, {"SHA512/256", "SHA-512/256"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(name, names[i].java) == 0)
            return names[i].openssl;
    return name;
}

static enum pen_code fetch_digest(const struct pen_filter *filter, const struct pen_node *node,
                                  struct hashed *column, struct pen_error *err)
{
    column->is_mac = strncasecmp(column->algorithm, "Hmac", 4) == 0;
    const char *name = openssl_name(column->algorithm + (column->is_mac ? 4 : 0));
    column->digest = EVP_MD_fetch(NULL, name, NULL);
    if (column->digest == NULL || EVP_MD_get_size(column->digest) <= 0)
        return pen_fail_at(&filter->bind, node, err, "No such algorithm: %s", column->algorithm);
    bool is_xof = (EVP_MD_get_flags(column->digest) & EVP_MD_FLAG_XOF) != 0;
    if (is_xof)
        return pen_fail_at(&filter->bind, node, err,
                           "No such algorithm: %s (its digests have no fixed length)",
                           column->algorithm);
    if (column->is_mac && column->secret_key == NULL)
        return pen_fail_at(&filter->bind, node, err, "Secret key must not be null.");
    if (column->is_mac && column->secret_key[0] == '\0')
        return pen_fail_at(&filter->bind, node, err, "Secret key must not be empty.");
    if (!column->is_mac && column->secret_key != NULL)
        pen_warn_at(&filter->bind, node, "secret_key has no use for %s: a keyed digest is Hmac...",
                    column->algorithm);
    return PEN_OK;
}

static enum pen_code hash_open(struct pen_filter *filter, struct pen_error *err)
{
    struct hash *hash = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, hash, &filter->bind, err));
    const struct pen_node *list = hash->columns_node, *item = list->first;
    PEN_TRY(pen_options_bind_list(column_options, list, "columns", sizeof *hash->columns,
                                  &filter->bind, &hash->columns, err));
    hash->count = list->count;
    hash->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (hash->hmac == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < hash->count; i++, item = item->next)
        PEN_TRY(fetch_digest(filter, item, &hash->columns[i], err));
    return PEN_OK;
}

static const struct hashed *hashed_column(const struct hash *hash, size_t column)
{
    for (size_t i = 0; i < hash->count; i++)
        if (hash->columns[i].column == column)
            return &hash->columns[i];
    return NULL;
}

static enum pen_code hash_plan(struct pen_filter *filter, const struct pen_schema *in,
                               struct pen_schema *ret_out, struct pen_error *err)
{
    struct hash *hash = filter->state;
    const struct pen_node *item = hash->columns_node->first;
    for (size_t i = 0; i < hash->count; i++, item = item->next) {
        struct hashed *column = &hash->columns[i];
        column->column = pen_schema_find(in, pen_slice_str(column->name));
        if (column->column == SIZE_MAX)
            pen_filter_warn_column(filter, item, in, pen_slice_str(column->name));
    }
    for (size_t i = 0; i < in->count; i++) {
        const struct pen_field *field = &in->fields[i];
        const struct hashed *column = hashed_column(hash, i);
        const char *name =
            column != NULL && column->new_name != NULL ? column->new_name : field->name;
        PEN_TRY(pen_schema_add(ret_out, pen_slice_str(name),
                               column != NULL ? PEN_TYPE_STRING : field->type,
                               column != NULL ? NULL : field->format, err));
    }
    return PEN_OK;
}

static void hash_close(struct pen_filter *filter)
{
    struct hash *hash = filter->state;
    for (size_t i = 0; i < hash->count; i++)
        EVP_MD_free(hash->columns[i].digest);
    EVP_MAC_free(hash->hmac);
}

/* --- values ----------------------------------------------------------------------------------- */

struct local {
    EVP_MD_CTX *digest;
    EVP_MAC_CTX **macs; /* per entry of `columns`, keyed once; NULL for digests */
};

static enum pen_code fail_openssl(struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_INTERNAL, "the digest failed");
}

static enum pen_code open_mac(const struct hash *hash, const struct hashed *column,
                              EVP_MAC_CTX **ret_mac, struct pen_error *err)
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hash->hmac);
    if (mac == NULL)
        return pen_fail_nomem(err);
    *ret_mac = mac;
    char name[64];
    (void)snprintf(name, sizeof name, "%s", EVP_MD_get0_name(column->digest)); /* short words */
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                           OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(mac, (const unsigned char *)column->secret_key, strlen(column->secret_key),
                     params) != 1)
        return fail_openssl(err);
    return PEN_OK;
}

static enum pen_code hash_local_open(struct pen_filter_local *filter_local, struct pen_error *err)
{
    const struct hash *hash = filter_local->filter->state;
    struct local *local = filter_local->state;
    local->digest = EVP_MD_CTX_new();
    local->macs = calloc(hash->count + 1, sizeof(EVP_MAC_CTX *));
    if (local->digest == NULL || local->macs == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < hash->count; i++)
        if (hash->columns[i].is_mac)
            PEN_TRY(open_mac(hash, &hash->columns[i], &local->macs[i], err));
    return PEN_OK;
}

static void hash_local_close(struct pen_filter_local *filter_local)
{
    const struct hash *hash = filter_local->filter->state;
    struct local *local = filter_local->state;
    for (size_t i = 0; local->macs != NULL && i < hash->count; i++)
        EVP_MAC_CTX_free(local->macs[i]);
    free(local->macs);
    EVP_MD_CTX_free(local->digest);
}

#define VALUE_TEXT 64

/* "2015-01-27 19:23:49 UTC", with a fraction only when it is not zero and without its last zeros.
 */
static struct pen_slice timestamp_text(const struct pen_column *column, size_t row, char *memory)
{
    struct pen_civil c = pen_civil_from_us(pen_column_longs(column)[row]);
    int n =
        snprintf(memory, VALUE_TEXT, "%04lld-%02d-%02d %02d:%02d:%02d.%06d%03d", (long long)c.year,
                 c.month, c.day, c.hour, c.minute, c.second, c.us, column->nanos[row]);
    size_t len = (size_t)n;
    while (memory[len - 1] == '0')
        len--;
    if (memory[len - 1] == '.')
        len--;
    memcpy(memory + len, " UTC", 4);
    return pen_slice(memory, len + 4);
}

static bool digest_value(struct local *local, const struct hashed *column, struct pen_slice text,
                         unsigned char *out, unsigned *ret_len)
{
    size_t salt = strlen(column->salt);
    return EVP_DigestInit_ex2(local->digest, column->digest, NULL) == 1 &&
           (salt == 0 || EVP_DigestUpdate(local->digest, column->salt, salt) == 1) &&
           EVP_DigestUpdate(local->digest, text.ptr, text.len) == 1 &&
           EVP_DigestFinal_ex(local->digest, out, ret_len) == 1;
}

static bool mac_value(EVP_MAC_CTX *mac, const struct hashed *column, struct pen_slice text,
                      unsigned char *out, unsigned *ret_len)
{
    size_t len = 0, salt = strlen(column->salt);
    bool is_done =
        EVP_MAC_init(mac, NULL, 0, NULL) == 1 && /* the key stays from the first time */
        (salt == 0 || EVP_MAC_update(mac, (const unsigned char *)column->salt, salt) == 1) &&
        EVP_MAC_update(mac, (const unsigned char *)text.ptr, text.len) == 1 &&
        EVP_MAC_final(mac, out, &len, EVP_MAX_MD_SIZE) == 1;
    *ret_len = (unsigned)len;
    return is_done;
}

static char *to_hex(const unsigned char *bytes, size_t len, struct pen_arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    char *text = pen_arena_alloc(arena, len * 2);
    for (size_t i = 0; text != NULL && i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return text;
}

static enum pen_code hash_column(struct local *local, const struct hashed *column, EVP_MAC_CTX *mac,
                                 struct pen_batch *batch, struct pen_error *err)
{
    const struct pen_column from = batch->columns[column->column];
    struct pen_column into;
    PEN_TRY(pen_batch_new_column(batch, PEN_TYPE_STRING, &into, err));
    struct pen_string *texts = pen_column_strings(&into);
    for (size_t row = 0; row < batch->rows; row++) {
        if (!pen_column_is_valid(&from, row))
            continue;
        char memory[VALUE_TEXT];
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        struct pen_slice text = from.type == PEN_TYPE_TIMESTAMP
                                    ? timestamp_text(&from, row, memory)
                                    : pen_value_text(&from, row, memory);
        if (!(column->is_mac ? mac_value(mac, column, text, digest, &len)
                             : digest_value(local, column, text, digest, &len)))
            return fail_openssl(err);
        const char *hex = to_hex(digest, len, &batch->arena);
        if (hex == NULL)
            return pen_fail_nomem(err);
        texts[row] = pen_string_make(hex, (size_t)len * 2);
        pen_column_set_valid(&into, row, true);
    }
    batch->columns[column->column] = into;
    return PEN_OK;
}

static enum pen_code hash_apply(struct pen_filter_local *filter_local, struct pen_batch *batch,
                                struct pen_error *err)
{
    const struct hash *hash = filter_local->filter->state;
    struct local *local = filter_local->state;
    for (size_t i = 0; i < hash->count; i++) {
        const struct hashed *column = &hash->columns[i];
        /* of two entries for one column the first counts, as in the plan */
        if (column->column != SIZE_MAX && hashed_column(hash, column->column) == column)
            PEN_TRY(hash_column(local, column, local->macs[i], batch, err));
    }
    return PEN_OK;
}

#define HASH_TYPE(type_name)                                                                       \
    {                                                                                              \
        .info = {.name = (type_name),                                                              \
                 .summary = "replaces values by their digest",                                     \
                 .options = options,                                                               \
                 .example = "columns:\n  - {name: email, algorithm: SHA-256}\n",                   \
                 .state_size = sizeof(struct hash)},                                               \
        .local_size = sizeof(struct local), .open = hash_open, .plan = hash_plan,                  \
        .local_open = hash_local_open, .local_close = hash_local_close, .apply = hash_apply,       \
        .close = hash_close,                                                                       \
    }

const struct pen_filter_type pen_filter_hash = HASH_TYPE("hash");
const struct pen_filter_type pen_filter_digest = HASH_TYPE("digest");
