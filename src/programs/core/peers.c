#include "programs/core/peers.h"

#include "base/hash.h"
#include "base/text.h"

bool
bucket_take(struct bucket *b, uint32_t rate_per_s, uint64_t now_ms)
{
    if (rate_per_s == 0)
        return true;
    uint64_t most = (uint64_t)rate_per_s * 1000 * BURST_SECONDS;
    uint64_t passed_ms = now_ms - b->filled_ms;
    if (b->filled_ms == 0 || passed_ms >= BURST_SECONDS * 1000)
        b->milli = most;
    else
        b->milli += passed_ms * rate_per_s;
    b->milli = b->milli < most ? b->milli : most;
    b->filled_ms = now_ms;
    if (b->milli < 1000)
        return false;
    b->milli -= 1000;
    return true;
}

void
peers_init(struct peers *p)
{
    memset(p, 0, sizeof(*p));
    for (size_t i = 0; i < PEER_BUCKETS; i++)
        p->bucket[i] = -1;
    for (size_t i = 0; i < DEVICE_BUCKETS; i++)
        p->device_bucket[i] = -1;
    p->free = -1;
}

struct peer *
peers_get(struct peers *p, uint64_t id)
{
    int32_t i = p->bucket[id % PEER_BUCKETS];
    while (i >= 0 && p->peer[i].id != id)
        i = p->peer[i].next;
    return i < 0 ? NULL : &p->peer[i];
}

/* Names are those that the city itself gave, so nobody chooses them to collide. */
static int32_t *
chain_of(struct peers *p, struct bytes name)
{
    return &p->device_bucket[hash_folded(hash_bytes(HASH_START, name)) % DEVICE_BUCKETS];
}

/* The place of the one that was silent longest, of those that are not connected. */
static struct device *
device_yields(struct peers *p)
{
    struct device *best = NULL;
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        struct device *d = &p->device[i];
        if (d->peers == 0 && (!best || d->bucket.filled_ms < best->bucket.filled_ms))
            best = d;
    }
    if (!best)
        return NULL;
    int32_t *at = chain_of(p, bytes_text(best->name));
    while (&p->device[*at] != best)
        at = &p->device[*at].next;
    *at = best->next;
    return best;
}

/* A device keeps its place, with its rate, while connected; the longest silent one yields. */
static struct device *
device_get(struct peers *p, struct bytes name)
{
    int32_t *chain = chain_of(p, name);
    for (int32_t i = *chain; i >= 0; i = p->device[i].next)
        if (bytes_are(name, p->device[i].name))
            return &p->device[i];
    struct device *d =
        p->devices_touched < DEVICES_MAX ? &p->device[p->devices_touched++] : device_yields(p);
    if (!d)
        return NULL;
    *d = (struct device){.next = *chain};
    enum err e = bytes_copy_text(name, d->name, sizeof(d->name));
    ASSERT(e == OK); /* it is a name: peers_add() looked */
    *chain = (int32_t)(d - p->device);
    return d;
}

enum err
peers_add(struct peers *p, const struct peer_open *m, struct peer **out)
{
    bool known = m->kind != PEER_STRANGER;
    if (known != (m->key_digest.len == 32) || known != text_is_name(m->name))
        return ERR_MALFORMED;
    if (m->peer == 0)
        return ERR_MALFORMED; /* no gate counts from there: 0 is what a free subscription has */
    if (peers_get(p, m->peer))
        return ERR_EXISTS;
    if (p->free < 0 && p->touched == PEERS_MAX)
        return ERR_LIMIT;
    struct device *device = NULL;
    if (m->kind == PEER_DEVICE) {
        device = device_get(p, m->name);
        if (!device)
            return ERR_LIMIT;
    }
    int32_t index = p->free >= 0 ? p->free : (int32_t)p->touched++;
    struct peer *peer = &p->peer[index];
    if (index == p->free)
        p->free = peer->next;
    *peer = (struct peer){.id = m->peer,
                          .used = true,
                          .kind = (enum peer_kind)m->kind,
                          .protocol = m->protocol,
                          .has_key = known,
                          .device = device};
    enum err e = bytes_copy_text(m->name, peer->name, sizeof(peer->name));
    ASSERT(e == OK);
    if (known)
        memcpy(peer->key_digest, m->key_digest.p, 32);
    if (device)
        device->peers++;
    peer->next = p->bucket[m->peer % PEER_BUCKETS];
    p->bucket[m->peer % PEER_BUCKETS] = index;
    p->count++;
    p->last_id = m->peer > p->last_id ? m->peer : p->last_id;
    *out = peer;
    return OK;
}

void
peers_drop(struct peers *p, struct peer *peer)
{
    ASSERT(peer->used);
    int32_t index = (int32_t)(peer - p->peer);
    int32_t *at = &p->bucket[peer->id % PEER_BUCKETS];
    while (*at != index)
        at = &p->peer[*at].next;
    *at = peer->next;
    if (peer->device) {
        ASSERT(peer->device->peers > 0);
        peer->device->peers--;
    }
    *peer = (struct peer){.next = p->free};
    p->free = index;
    p->count--;
}
