#include "witness/key.h"

#include "base/text.h"

#include <sodium.h>

#define TITLE "PRIVATE+KEY+"

enum { TYPED_SIZE = 1 + crypto_sign_SEEDBYTES, ID_DIGITS = 8 };

enum err
key_make(const char *name, struct buf *out)
{
    uint8_t key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t typed[TYPED_SIZE] = {NOTE_TYPE_COSIGNATURE};
    if (!note_is_key_name(bytes_text(name)))
        return ERR_MALFORMED;
    randombytes_buf(typed + 1, crypto_sign_SEEDBYTES);
    enum err e = crypto_sign_seed_keypair(key, secret, typed + 1) == 0 ? OK : ERR_CRYPTO;
    buf_format(out, TITLE "%s+%08x+", name, note_typed_key_id(NOTE_TYPE_COSIGNATURE, name, key));
    text_put_base64(out, bytes_of(typed, sizeof(typed)));
    buf_byte(out, '\n');
    sodium_memzero(typed, sizeof(typed));
    sodium_memzero(secret, sizeof(secret));
    return e == OK ? buf_error(out) : e;
}

enum err
key_parse(struct bytes text, char out_name[static NOTE_KEY_NAME_MAX + 1],
          uint8_t out_key[static 32], uint8_t out_secret[static 64])
{
    if (!bytes_start(text, TITLE) || text.p[text.len - 1] != '\n')
        return ERR_MALFORMED;
    struct bytes rest = bytes_skip(bytes_of(text.p, text.len - 1), strlen(TITLE));
    struct bytes name = bytes_of(rest.p, bytes_find(rest, '+'));
    if (!note_is_key_name(name) || rest.len < name.len + 2 + ID_DIGITS ||
        rest.p[name.len + 1 + ID_DIGITS] != '+')
        return ERR_MALFORMED;
    uint8_t typed[TYPED_SIZE], id[ID_DIGITS / 2];
    char name_text[NOTE_KEY_NAME_MAX + 1];
    size_t len = 0;
    enum err e = text_hex(bytes_of(rest.p + name.len + 1, ID_DIGITS), id, sizeof(id));
    if (e == OK)
        e = text_base64(bytes_skip(rest, name.len + 2 + ID_DIGITS), typed, sizeof(typed), &len);
    if (e == OK)
        e = bytes_copy_text(name, name_text, sizeof(name_text));
    if (e != OK || len != sizeof(typed) || typed[0] != NOTE_TYPE_COSIGNATURE ||
        crypto_sign_seed_keypair(out_key, out_secret, typed + 1) != 0)
        e = ERR_MALFORMED;
    sodium_memzero(typed, sizeof(typed));
    uint32_t told = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    if (e != OK || told != note_typed_key_id(NOTE_TYPE_COSIGNATURE, name_text, out_key))
        return ERR_MALFORMED;
    memcpy(out_name, name_text, sizeof(name_text));
    return OK;
}
