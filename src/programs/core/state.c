/*
 * state.c -- what a service keeps between starts.
 *
 * The file has two slots of equal size. save() writes the slot that is not the newest, then syncs:
 * a crash in between leaves the older slot whole. A slot is
 *
 *   magic (8) generation (8, big-endian) length (4) nonce (24) ciphertext (length) tag (16)
 *
 * sealed with XChaCha20-Poly1305, the first 20 bytes as associated data.
 */
#include "programs/core/core.h"

#include "base/disk.h"
#include "wire/fields.h"

#include <sodium.h>

enum {
    HEAD_BYTES = 20,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    SLOT_BYTES = 2 * SERVICE_STATE_MAX,
};
_Static_assert(HEAD_BYTES + NONCE_BYTES + SERVICE_STATE_MAX + TAG_BYTES <= SLOT_BYTES, "slot");

static const char magic[9] = "BHSTATE1";

static enum err
load_slot(struct core *c, const struct disk *disk, unsigned slot, struct arena *arena,
          uint64_t *out_generation, struct bytes *out)
{
    uint8_t *p = arena_take(arena, SLOT_BYTES);
    if (!p)
        return ERR_LIMIT;
    size_t len = 0;
    enum err e = disk_read_at(disk, c->state_fd, p, SLOT_BYTES, (uint64_t)slot * SLOT_BYTES, &len);
    if (e != OK)
        return e;
    if (len < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || memcmp(p, magic, 8) != 0)
        return ERR_NOT_FOUND;
    struct reader r = {.rest = bytes_of(p + 8, len - 8)};
    uint64_t generation = reader_unsigned(&r, 8, UINT64_MAX);
    uint64_t length = reader_unsigned(&r, 4, SERVICE_STATE_MAX);
    if (r.bad || length + HEAD_BYTES + NONCE_BYTES + TAG_BYTES > len)
        return ERR_NOT_FOUND;
    uint8_t *nonce = p + HEAD_BYTES, *sealed = nonce + NONCE_BYTES;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, NULL, NULL, sealed, length + TAG_BYTES,
                                                   p, HEAD_BYTES, nonce, c->state_key) != 0)
        return ERR_NOT_FOUND; /* torn by a crash: the other slot is whole */
    *out_generation = generation;
    *out = bytes_of(sealed, length);
    return OK;
}

enum err
state_load(struct core *c, struct arena *arena, struct bytes *out)
{
    *out = (struct bytes){0};
    if (c->state_fd < 0)
        return OK;
    struct disk disk = disk_system();
    for (unsigned slot = 0; slot < 2; slot++) {
        uint64_t generation = 0;
        struct bytes found = {0};
        enum err e = load_slot(c, &disk, slot, arena, &generation, &found);
        if (e == ERR_NOT_FOUND)
            continue;
        if (e != OK)
            return e;
        if (generation > c->state_generation) {
            c->state_generation = generation;
            *out = found;
        }
    }
    return OK;
}

enum err
state_save(void *ctx, struct bytes state)
{
    struct core *c = ctx;
    if (c->state_fd < 0)
        return ERR_UNSUPPORTED;
    if (state.len > SERVICE_STATE_MAX)
        return ERR_LIMIT;
    static struct buf slot; /* one thread; keeps its memory */
    if (slot.max == 0)
        buf_init(&slot, SLOT_BYTES);
    buf_reset(&slot);
    uint64_t generation = c->state_generation + 1;
    buf_put(&slot, bytes_of(magic, 8));
    field_unsigned(&slot, 8, generation);
    field_unsigned(&slot, 4, state.len);
    uint8_t nonce[NONCE_BYTES];
    random_fill(&c->random, nonce, sizeof(nonce));
    buf_put(&slot, bytes_of(nonce, sizeof(nonce)));
    uint8_t *sealed = buf_room(&slot, state.len + TAG_BYTES);
    if (!sealed)
        return ERR_LIMIT;
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, state.p, state.len, slot.p, HEAD_BYTES,
                                               NULL, nonce, c->state_key);
    buf_filled(&slot, state.len + TAG_BYTES);
    struct disk disk = disk_system();
    enum err e = disk_write_at(&disk, c->state_fd, buf_bytes(&slot), (generation % 2) * SLOT_BYTES);
    if (e == OK)
        e = disk_sync(&disk, c->state_fd);
    if (e == OK)
        c->state_generation = generation;
    return e;
}
