#include "store/embedded/keys.h"

#include <sodium.h>

enum { NAME_BYTES = 1 + STORE_NAME_SIZE + 8 * SEAL_NUMBERS };

static void
name_bytes(uint8_t out[static NAME_BYTES], const struct seal_name *name)
{
    memset(out, 0, NAME_BYTES);
    out[0] = (uint8_t)name->use;
    size_t len = strnlen(name->zone, STORE_NAME_SIZE - 1);
    memcpy(out + 1, name->zone, len);
    uint8_t *p = out + 1 + STORE_NAME_SIZE;
    for (size_t i = 0; i < SEAL_NUMBERS; i++)
        le64_put(p + 8 * i, name->number[i]);
}

void
seal_put(uint8_t *out, const uint8_t key[static 32], const struct random_source *random,
         const struct seal_name *name, struct bytes plain)
{
    uint8_t aad[NAME_BYTES];
    name_bytes(aad, name);
    uint8_t nonce[SEAL_NONCE_SIZE];
    random_fill(random, nonce, sizeof nonce);
    int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + SEAL_NONCE_SIZE, NULL, plain.p, plain.len, aad, sizeof aad, NULL, nonce, key);
    ASSERT(rc == 0);
    memcpy(out, nonce, sizeof nonce);
}

enum err
seal_get(uint8_t *out, const uint8_t key[static 32], const struct seal_name *name,
         struct bytes sealed)
{
    if (sealed.len < SEAL_OVERHEAD)
        return ERR_CRYPTO;
    ASSERT(out == sealed.p + SEAL_NONCE_SIZE || out + sealed.len - SEAL_OVERHEAD <= sealed.p ||
           out >= sealed.p + sealed.len);
    uint8_t aad[NAME_BYTES];
    name_bytes(aad, name);
    uint8_t nonce[SEAL_NONCE_SIZE];
    memcpy(nonce, sealed.p, sizeof nonce);
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p + sizeof nonce,
                                                        sealed.len - sizeof nonce, aad, sizeof aad,
                                                        nonce, key);
    return rc == 0 ? OK : ERR_CRYPTO;
}

struct keys *
keys_new(const uint8_t master[static 32])
{
    _Static_assert(KEY_SIZE == crypto_kdf_KEYBYTES, "the master key is a key of crypto_kdf");
    if (sodium_init() < 0)
        return NULL;
    /* A refused mlock (RLIMIT_MEMLOCK) is no error there: the guard pages remain. */
    struct keys *k = sodium_malloc(sizeof *k);
    if (!k)
        return NULL;
    memset(k, 0, sizeof *k);
    int rc = crypto_kdf_derive_from_key(k->wrap, sizeof k->wrap, 1, "bhstore1", master);
    ASSERT(rc == 0);
    return k;
}

void
keys_free(struct keys *k)
{
    sodium_free(k);
}
