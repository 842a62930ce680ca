#include "cli/backup_seal.h"

#include "base/text.h"

#include <sodium.h>

static const char magic[] = "BHSEAL1\n";
static const char public_word[] = "bulkhead-backup-public-1 ";
static const char secret_word[] = "bulkhead-backup-secret-1 ";
enum {
    MAGIC = 8,
    KEY_ID = 8,
    BOX = 32 + crypto_box_SEALBYTES,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    NAME_MAX_BYTES = 200,
};

void
backup_key_new(struct backup_secret *out)
{
    crypto_box_keypair(out->public_key, out->secret_key);
}

static void
put_key(struct buf *b, const char *word, const uint8_t key[static 32])
{
    buf_text(b, word);
    text_put_base64(b, bytes_of(key, 32));
    buf_byte(b, '\n');
}

void
backup_key_put_public(struct buf *b, const struct backup_secret *s)
{
    put_key(b, public_word, s->public_key);
}

void
backup_key_put_secret(struct buf *b, const struct backup_secret *s)
{
    put_key(b, secret_word, s->secret_key);
}

static enum err
parse_key(struct bytes file, const char *word, uint8_t out[static 32])
{
    size_t len = 0;
    uint8_t key[32];
    if (!bytes_start(file, word) || file.p[file.len - 1] != '\n')
        return ERR_MALFORMED;
    struct bytes base64 = bytes_skip(file, strlen(word));
    base64.len--;
    if (text_base64(base64, key, sizeof key, &len) != OK || len != sizeof key)
        return ERR_MALFORMED;
    memcpy(out, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return OK;
}

enum err
backup_key_parse_public(struct bytes file, uint8_t out[static 32])
{
    return parse_key(file, public_word, out);
}

enum err
backup_key_parse_secret(struct bytes file, struct backup_secret *out)
{
    enum err e = parse_key(file, secret_word, out->secret_key);
    return e != OK                                                         ? e
           : crypto_scalarmult_base(out->public_key, out->secret_key) == 0 ? OK
                                                                           : ERR_MALFORMED;
}

static void
key_id(uint8_t out[static KEY_ID], const uint8_t public_key[static 32])
{
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, public_key, 32, NULL, 0);
    memcpy(out, hash, KEY_ID);
}

/* The head and the name, as associated data. */
static void
put_associated(struct buf *b, struct bytes head, const char *name)
{
    buf_init(b, BACKUP_SEAL_MAX + NAME_MAX_BYTES);
    buf_put(b, head);
    buf_text(b, name);
    ASSERT(buf_error(b) == OK);
}

enum err
backup_seal(const struct backup_recipients *to, const char *name, struct bytes plain,
            struct buf *out)
{
    ASSERT(to->count > 0 && to->count <= BACKUP_RECIPIENTS_MAX && strlen(name) <= NAME_MAX_BYTES);
    uint8_t content[32], nonce[NONCE], id[KEY_ID], box[BOX];
    size_t begin = out->len;
    struct buf associated;
    randombytes_buf(content, sizeof content);
    randombytes_buf(nonce, sizeof nonce);
    buf_text(out, magic);
    buf_byte(out, (uint8_t)to->count);
    enum err e = OK;
    for (size_t i = 0; i < to->count; i++) {
        key_id(id, to->key[i]);
        if (crypto_box_seal(box, content, sizeof content, to->key[i]) != 0)
            e = ERR_CRYPTO; /* no point of the curve */
        buf_put(out, bytes_of(id, sizeof id));
        buf_put(out, bytes_of(box, sizeof box));
    }
    size_t head = out->len - begin;
    buf_put(out, bytes_of(nonce, sizeof nonce));
    uint8_t *room = e == OK ? buf_room(out, plain.len + TAG) : NULL;
    if (room) {
        put_associated(&associated, bytes_of(out->p + begin, head), name);
        crypto_aead_xchacha20poly1305_ietf_encrypt(room, NULL, plain.p, plain.len, associated.p,
                                                   associated.len, NULL, nonce, content);
        buf_fini(&associated);
        buf_filled(out, plain.len + TAG);
    }
    sodium_memzero(content, sizeof content);
    return e != OK ? e : room ? OK : ERR_LIMIT;
}

/* The content key, if one of the boxes is for us. */
static enum err
open_box(const struct backup_secret *with, struct bytes boxes, size_t count,
         uint8_t out_content[static 32])
{
    uint8_t id[KEY_ID];
    enum err e = ERR_NOT_FOUND;
    key_id(id, with->public_key);
    for (size_t i = 0; i < count && e == ERR_NOT_FOUND; i++) {
        const uint8_t *at = boxes.p + i * (KEY_ID + BOX);
        if (memcmp(at, id, KEY_ID) != 0)
            continue;
        e = crypto_box_seal_open(out_content, at + KEY_ID, BOX, with->public_key,
                                 with->secret_key) == 0
                ? OK
                : ERR_CRYPTO;
    }
    return e;
}

enum err
backup_unseal(const struct backup_secret *with, const char *name, struct bytes sealed,
              struct buf *out)
{
    uint8_t content[32];
    struct buf associated;
    ASSERT(strlen(name) <= NAME_MAX_BYTES);
    if (!bytes_start(sealed, magic) || sealed.len < MAGIC + 1)
        return ERR_MALFORMED;
    size_t count = sealed.p[MAGIC];
    size_t head = MAGIC + 1 + count * (KEY_ID + BOX);
    if (count == 0 || count > BACKUP_RECIPIENTS_MAX || sealed.len < head + NONCE + TAG)
        return ERR_MALFORMED;
    enum err e = open_box(with, bytes_skip(sealed, MAGIC + 1), count, content);
    if (e != OK)
        return e;
    struct bytes cipher = bytes_skip(sealed, head + NONCE);
    uint8_t *room = buf_room(out, cipher.len - TAG + 1);
    if (!room)
        return ERR_LIMIT;
    put_associated(&associated, bytes_of(sealed.p, head), name);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(room, NULL, NULL, cipher.p, cipher.len,
                                                   associated.p, associated.len, sealed.p + head,
                                                   content) != 0)
        e = ERR_CRYPTO;
    else
        buf_filled(out, cipher.len - TAG);
    buf_fini(&associated);
    sodium_memzero(content, sizeof content);
    return e;
}
