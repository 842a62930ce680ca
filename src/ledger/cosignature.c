#include "ledger/cosignature.h"

#include "ledger/checkpoint.h"

#include <sodium.h>

enum { TIME_SIZE = 8, BLOB_SIZE = TIME_SIZE + crypto_sign_BYTES, MESSAGE_HEAD_MAX = 64 };

enum err
cosigner_parse(struct bytes verifier_key, struct cosigner *out)
{
    return note_parse_typed_key(verifier_key, NOTE_TYPE_COSIGNATURE, out->name, out->key);
}

void
cosigner_put(struct buf *b, const struct cosigner *c)
{
    note_put_typed_key(b, NOTE_TYPE_COSIGNATURE, c->name, c->key);
}

uint32_t
cosigner_key_id(const struct cosigner *c)
{
    return note_typed_key_id(NOTE_TYPE_COSIGNATURE, c->name, c->key);
}

/* What is signed. */
static enum err
put_message(struct buf *b, struct bytes checkpoint_text, uint64_t time_s)
{
    buf_format(b, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
    buf_put(b, checkpoint_text);
    return buf_error(b);
}

enum err
cosignature_put(struct buf *b, struct bytes checkpoint_text, const char *name,
                const uint8_t secret[static 64], uint64_t time_s)
{
    struct checkpoint c;
    struct cosigner self;
    struct buf message;
    uint8_t blob[BLOB_SIZE];
    if (checkpoint_parse_text(checkpoint_text, &c) != OK || time_s > COSIGNATURE_TIME_MAX)
        return ERR_MALFORMED;
    enum err e = bytes_copy_text(bytes_text(name), self.name, sizeof(self.name));
    if (e != OK)
        return e;
    crypto_sign_ed25519_sk_to_pk(self.key, secret);
    buf_init(&message, CHECKPOINT_TEXT_MAX + MESSAGE_HEAD_MAX);
    e = put_message(&message, checkpoint_text, time_s);
    for (size_t i = 0; i < TIME_SIZE; i++)
        blob[i] = (uint8_t)(time_s >> (56 - 8 * i));
    if (e == OK &&
        crypto_sign_detached(blob + TIME_SIZE, NULL, message.p, message.len, secret) != 0)
        e = ERR_CRYPTO;
    buf_fini(&message);
    if (e != OK)
        return e;
    note_put_signature(b, name, cosigner_key_id(&self), bytes_of(blob, sizeof(blob)));
    return buf_error(b);
}

/* One signature blob of this key. */
static enum err
check_blob(const uint8_t blob[static BLOB_SIZE], struct bytes text, const struct cosigner *c,
           uint64_t *out_time_s)
{
    uint64_t time_s = 0;
    struct buf message;
    for (size_t i = 0; i < TIME_SIZE; i++)
        time_s = time_s << 8 | blob[i];
    if (time_s > COSIGNATURE_TIME_MAX)
        return ERR_CRYPTO;
    buf_init(&message, NOTE_BYTES_MAX + MESSAGE_HEAD_MAX);
    enum err e = put_message(&message, text, time_s);
    if (e == OK &&
        crypto_sign_verify_detached(blob + TIME_SIZE, message.p, message.len, c->key) != 0)
        e = ERR_CRYPTO;
    buf_fini(&message);
    if (e == OK)
        *out_time_s = time_s;
    return e;
}

enum err
cosignature_check(const struct note *note, const struct cosigner *c, uint64_t *out_time_s)
{
    uint32_t id = cosigner_key_id(c);
    uint64_t newest_s = 0;
    bool found = false;
    for (uint32_t i = 0; i < note->signatures_count; i++) {
        uint8_t blob[BLOB_SIZE];
        size_t len = 0;
        uint64_t time_s = 0;
        enum err e = note_signature_of(&note->signatures[i], c->name, id, blob, sizeof(blob), &len);
        if (e == ERR_NOT_FOUND)
            continue;
        if (e != OK || len != sizeof(blob))
            return ERR_CRYPTO;
        e = check_blob(blob, note->text, c, &time_s);
        if (e != OK)
            return e;
        newest_s = time_s > newest_s ? time_s : newest_s;
        found = true;
    }
    if (!found)
        return ERR_NOT_FOUND;
    *out_time_s = newest_s;
    return OK;
}
