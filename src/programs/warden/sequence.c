#include "programs/warden/sequence.h"

#include <sodium.h>

enum { HEAD = 16 };
static const uint8_t magic[8] = "bhseq1\n";

static void
seal(uint8_t slot[static SEQUENCE_SLOT], uint64_t reserved)
{
    memcpy(slot, magic, sizeof(magic));
    for (int i = 0; i < 8; i++)
        slot[8 + i] = (uint8_t)(reserved >> (56 - 8 * i));
    crypto_hash_sha256(slot + HEAD, slot, HEAD);
}

static bool
unseal(const uint8_t slot[static SEQUENCE_SLOT], uint64_t *out)
{
    uint8_t hash[32];
    uint64_t v = 0;
    crypto_hash_sha256(hash, slot, HEAD);
    if (memcmp(slot, magic, sizeof(magic)) != 0 || memcmp(hash, slot + HEAD, sizeof(hash)) != 0)
        return false;
    for (int i = 0; i < 8; i++)
        v = v << 8 | slot[8 + i];
    *out = v;
    return true;
}

enum err
sequence_open(struct sequence *s, const struct disk *disk, int fd)
{
    uint8_t slots[2][SEQUENCE_SLOT] = {{0}};
    size_t len;
    enum err e = disk_read_at(disk, fd, slots, sizeof(slots), 0, &len);
    if (e != OK)
        return e;
    uint64_t a = 0, b = 0;
    bool good_a = len >= SEQUENCE_SLOT && unseal(slots[0], &a);
    bool good_b = len == sizeof(slots) && unseal(slots[1], &b);
    if (len > 0 && !good_a && !good_b && len > SEQUENCE_SLOT)
        return ERR_CRYPTO;
    uint64_t reserved = a > b ? a : b;
    *s = (struct sequence){.disk = *disk,
                           .fd = fd,
                           .next = reserved + 1,
                           .reserved = reserved,
                           .slot = good_a && a >= b ? 1 : 0,
                           .first_start = !good_a && !good_b};
    return OK;
}

enum err
sequence_raise(struct sequence *s, uint64_t seen)
{
    if (seen < s->next)
        return OK;
    if (seen - s->next >= SEQUENCE_JUMP_MAX)
        return ERR_LIMIT;
    s->next = seen + 1; /* above what is reserved, or within it: sequence_take() looks */
    return OK;
}

enum err
sequence_take(struct sequence *s, uint64_t *out)
{
    if (s->next > s->reserved) {
        uint8_t slot[SEQUENCE_SLOT];
        uint64_t reserved = s->next + SEQUENCE_BLOCK - 1;
        seal(slot, reserved);
        enum err e = disk_write_at(&s->disk, s->fd, bytes_of(slot, sizeof(slot)),
                                   (uint64_t)s->slot * SEQUENCE_SLOT);
        if (e == OK)
            e = disk_sync(&s->disk, s->fd);
        if (e != OK)
            return e;
        s->reserved = reserved;
        s->slot ^= 1;
    }
    *out = s->next++;
    return OK;
}
